//! What `[http]` says of who may come in.

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, str::FromStr};

use ipnet::IpNet;
use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::Role;
use crate::{output::shown, web::settings::Source};

/// `[[http.user]]`: somebody with a password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSettings {
    /// What they type, and what stands beside everything that they do.
    pub name: String,
    /// The argon2id hash of their password, as `reach config password` prints it, or where it is.
    pub password: Source,
    /// What they may do.
    #[serde(default)]
    pub role: Role,
}

/// `[[http.token]]`: a program that shows a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// What stands beside everything that it does.
    pub name: String,
    /// The SHA-256 of the token, as `reach config token` prints it.
    pub hash: TokenHash,
    /// What it may do.
    #[serde(default)]
    pub role: Role,
    /// From where alone it is taken; from everywhere, where nothing is named.
    #[serde(default)]
    pub networks: Vec<Network>,
    /// From when on it is not taken any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expiry>,
}

/// `[http.proxy]`: a reverse proxy that knows who asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    /// The addresses that it asks from; nobody else's headers are believed.
    pub from: Vec<Network>,
    /// The header with the name of who asks; without one, users and tokens alone say who that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_header: Option<String>,
    /// A header with groups or roles of who asks, separated by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_header: Option<String>,
    /// Who may do what: by what stands in `role_header`, or without one by name.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// What everybody else may do.
    #[serde(default)]
    pub role: Role,
}

/// `[http.tls]`: what this service shows to be who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// The certificate and those that lead to a root, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Whether to make a certificate that nobody signed.
    pub self_signed: bool,
}

/// A network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl Network {
    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let alone = || text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        text.parse().or_else(|_| alone()).map(Self).map_err(|_| {
            format!("`{}` is no network; give one like \"198.51.100.0/24\" or \"192.0.2.7\"", shown(&text))
        })
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.0.to_string()
    }
}

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenHash(pub(super) [u8; 32]);

impl TokenHash {
    /// How it is written.
    const PREFIX: &'static str = "sha256:";

    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

impl FromStr for TokenHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "this is no hash of a token; `reach config token NAME` prints a token and the line with its hash, like \
             hash = \"sha256:9f86…\""
                .to_owned()
        };
        let digits = text.strip_prefix(Self::PREFIX).ok_or_else(wrong)?.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return Err(wrong());
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return Err(wrong()) };
            *byte = u8::try_from(high * 16 + low).map_err(|_| wrong())?;
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for TokenHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        hash.to_string()
    }
}

/// A time from which on something is not taken any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expiry(pub(super) Timestamp);

impl TryFrom<String> for Expiry {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self(at));
        }
        // A day begins in UTC, wherever this is read.
        let day = text.parse::<civil::Date>().ok().filter(|_| !text.contains('T'));
        let begin = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
        begin.map(|zoned| Self(zoned.timestamp())).ok_or_else(|| {
            let text = shown(&text);
            format!("`{text}` is no time; give one like \"2027-01-01\" or \"2027-01-01T09:00:00+09:00\"")
        })
    }
}

impl From<Expiry> for String {
    fn from(expiry: Expiry) -> Self {
        expiry.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hashes_and_times_are_read_and_written_alike() {
        for text in ["192.0.2.0/24", "2001:db8::/32"] {
            let network = Network::try_from(text.to_owned()).expect("a network");
            assert_eq!(String::from(network), text);
        }
        let alone = Network::try_from("192.0.2.7".to_owned()).expect("an address");
        assert!(alone.contains("::ffff:192.0.2.7".parse().expect("an address")));
        assert!(!alone.contains("192.0.2.8".parse().expect("an address")));
        let hash = TokenHash::of("abc");
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), text);
        assert_eq!(text.parse(), Ok(hash));
        assert!(!format!("{hash:?}").contains("ba78"));
        let expiry = |text: &str| Expiry::try_from(text.to_owned()).map(String::from);
        assert_eq!(expiry("2027-01-01").as_deref(), Ok("2027-01-01T00:00:00Z"));
        assert_eq!(expiry("2027-01-01T09:00:00+09:00").as_deref(), Ok("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for text in ["", "192.0.2.0/33", "lan"] {
            assert!(Network::try_from(text.to_owned()).expect_err("wrong").contains("198.51.100.0/24"));
        }
        for text in ["", "abc", "sha256:", "sha256:zz", &format!("sha256:{}", "g".repeat(64)), "md5:00"] {
            assert!(text.parse::<TokenHash>().expect_err("wrong").contains("reach config token"), "{text}");
        }
        for text in ["", "soon", "2027-13-01", "2027-01-01T09:00"] {
            assert!(Expiry::try_from(text.to_owned()).expect_err("wrong").contains("2027-01-01"), "{text}");
        }
    }
}
