//! What to reach: parsed once at the door into something that cannot be wrong.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// What to reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The target as shown to people and in JSON: `HOST:PORT`, or the URL as typed.
    pub text: String,
    /// The host.
    pub host: Host,
    /// The TCP port.
    pub port: u16,
    /// Whether to speak TLS.
    pub tls: bool,
    /// The name to send and verify in TLS, when it is not the host's own.
    pub server_name: Option<String>,
    /// The path of the HTTP request to send; `None` sends none.
    pub http_path: Option<String>,
}

/// The host part of a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    /// A DNS name in ASCII (IDNA A-labels), lower case, with the trailing dot only if it was typed.
    Name(String),
    /// An address.
    Address(IpAddr),
}

/// Ports registered for a protocol that begins with a TLS handshake (IANA service names; 2197 is Apple's
/// and 5228–5230 are Google's push services).
const TLS_PORTS: &[u16] = &[
    443, 465, 563, 585, 614, 636, 695, 853, 898, 989, 990, 992, 993, 994, 995, 2083, 2087, 2096, 2197, 2376,
    3269, 4443, 5061, 5223, 5228, 5229, 5230, 5349, 5671, 5986, 6443, 6514, 6697, 8443, 8531, 8883, 9443,
    10250,
];

/// Why a text is no target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing there.
    #[error("an empty target; give HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT or a URL")]
    Empty,
    /// The port is no number from 1 to 65535.
    #[error("`{text}`: `{port}` is no port; a port is a number from 1 to 65535")]
    BadPort {
        /// The whole text.
        text: String,
        /// The offending part.
        port: String,
    },
    /// The host is neither an address nor a DNS name.
    #[error("`{text}`: `{host}` is neither an IP address nor a DNS name ({why})")]
    BadHost {
        /// The whole text.
        text: String,
        /// The offending part.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// An IPv6 address with a port needs brackets.
    #[error("`{text}`: write an IPv6 address with a port in brackets, like [2001:db8::1]:443")]
    UnbracketedV6 {
        /// The whole text.
        text: String,
    },
    /// A link-local IPv6 address with its zone.
    #[error(
        "`{text}`: a link-local address with a zone cannot be reached this way; give a global address or a name"
    )]
    Zone {
        /// The whole text.
        text: String,
    },
    /// A bracket without its partner or something else than a port behind it.
    #[error("`{text}`: a bracketed IPv6 address looks like [2001:db8::1] or [2001:db8::1]:443")]
    BadBracket {
        /// The whole text.
        text: String,
    },
    /// A URL that cannot be read, or of another scheme.
    #[error("`{text}`: {why}; a URL target starts with http:// or https:// and has a host")]
    BadUrl {
        /// The whole text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Target {
    /// Reads a target; `usual_port` is that of a host without one.
    pub fn read(text: &str, usual_port: u16) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        if text.contains("://") {
            return from_url(text);
        }
        if has_zone(text) {
            return Err(TargetError::Zone { text: text.to_owned() });
        }
        let (host, port) = split_port(text)?;
        let host = parse_host(text, host)?;
        let port = port.map_or(Ok(usual_port), |port| parse_port(text, port))?;
        Ok(Target {
            text: endpoint_text(&host, port),
            host,
            port,
            tls: TLS_PORTS.contains(&port),
            server_name: None,
            http_path: (port == 80).then(|| "/".to_owned()),
        })
    }

    /// The name or address that the certificate has to cover.
    pub fn verify_name(&self) -> String {
        self.server_name.clone().unwrap_or_else(|| match &self.host {
            Host::Name(name) => name.trim_end_matches('.').to_owned(),
            Host::Address(address) => address.to_string(),
        })
    }

    /// The server name indication to send: never an address (RFC 6066 §3).
    pub fn server_name_indication(&self) -> Option<String> {
        let name = self.verify_name();
        name.parse::<IpAddr>().is_err().then_some(name)
    }

    /// The Host header of a request: without the port where it is the usual one of the scheme (RFC 9110 §7.2).
    pub fn host_header(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        let text = endpoint_text(&self.host, self.port);
        if self.port == usual { text.trim_end_matches(&format!(":{usual}")).to_owned() } else { text }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(address) => write!(f, "{address}"),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Self::read(text, 443)
    }
}

fn from_url(text: &str) -> Result<Target, TargetError> {
    let bad = |why: &str| TargetError::BadUrl { text: text.to_owned(), why: why.to_owned() };
    let url = url::Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    let tls = match url.scheme() {
        "https" => true,
        "http" => false,
        other => return Err(bad(&format!("`{other}` is not a scheme that can be checked"))),
    };
    let host = match url.host() {
        Some(url::Host::Domain(name)) => parse_host(text, name)?,
        Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
        Some(url::Host::Ipv6(address)) => Host::Address(address.into()),
        None => return Err(bad("it has no host")),
    };
    let port = url
        .port_or_known_default()
        .filter(|&port| port != 0)
        .ok_or_else(|| bad("port 0 cannot be reached"))?;
    let mut path = url.path().to_owned();
    if let Some(query) = url.query() {
        path.push('?');
        path.push_str(query);
    }
    // User name and password of a URL are secrets: never shown, never sent.
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    Ok(Target { text: shown.to_string(), host, port, tls, server_name: None, http_path: Some(path) })
}

/// A link-local address with its interface (RFC 4007 §11).
fn has_zone(text: &str) -> bool {
    let address =
        text.trim_start_matches('[').split_once('%').map(|(address, _)| address.parse::<Ipv6Addr>());
    matches!(address, Some(Ok(_)))
}

/// Splits `HOST`, `HOST:PORT`, `[V6]`, `[V6]:PORT` or a bare IPv6 address into host and port.
fn split_port(text: &str) -> Result<(&str, Option<&str>), TargetError> {
    let bad_bracket = || TargetError::BadBracket { text: text.to_owned() };
    if let Some(rest) = text.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or_else(bad_bracket)?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(bad_bracket());
        }
        return match behind.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if behind.is_empty() => Ok((host, None)),
            None => Err(bad_bracket()),
        };
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    match text.rsplit_once(':') {
        Some((host, _)) if host.contains(':') => Err(TargetError::UnbracketedV6 { text: text.to_owned() }),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((text, None)),
    }
}

fn parse_port(text: &str, port: &str) -> Result<u16, TargetError> {
    port.parse()
        .ok()
        .filter(|&number| number != 0 && port.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or_else(|| TargetError::BadPort { text: text.to_owned(), port: port.to_owned() })
}

fn parse_host(text: &str, host: &str) -> Result<Host, TargetError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Host::Address(address));
    }
    let bad = |why: &str| TargetError::BadHost {
        text: text.to_owned(),
        host: host.to_owned(),
        why: why.to_owned(),
    };
    let (stem, dot) = match host.strip_suffix('.') {
        Some(stem) => (stem, "."),
        None => (host, ""),
    };
    let ascii = idna::domain_to_ascii(stem).map_err(|_| bad("it is not a valid internationalised name"))?;
    if ascii.is_empty() {
        return Err(bad("it is empty"));
    }
    // `300.1.1.1` or `1.2.3` is a mistyped address, not a name; full-width digits make an address like others.
    if ascii.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return match ascii.parse() {
            Ok(address) if dot.is_empty() => Ok(Host::Address(address)),
            _ => Err(bad("it looks like an IPv4 address, which has four numbers from 0 to 255")),
        };
    }
    if ascii.len() > 253 {
        return Err(bad("a name has at most 253 characters"));
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err(bad("it has an empty label"));
        }
        if label.len() > 63 {
            return Err(bad("a label has at most 63 characters"));
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if let Some(wrong) = label.chars().find(|&c| !c.is_ascii() || !allowed(c as u8)) {
            return Err(bad(&format!("`{}` cannot stand in a name", wrong.escape_default())));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(bad("a label neither begins nor ends with a hyphen"));
        }
    }
    Ok(Host::Name(format!("{ascii}{dot}")))
}

/// `HOST:PORT`, with brackets round an IPv6 address.
pub fn endpoint_text(host: &Host, port: u16) -> String {
    match host {
        Host::Address(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        Host::Address(address) => format!("{address}:{port}"),
        Host::Name(name) => format!("{}:{port}", name.trim_end_matches('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Target {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_bare_name_means_port_443_and_tls_without_a_request() {
        let target = parse("FCM.googleapis.com");
        assert_eq!(target.text, "fcm.googleapis.com:443");
        assert_eq!((target.port, target.tls, target.http_path), (443, true, None));
    }

    #[test]
    fn a_url_asks_for_its_path() {
        let target = parse("https://user:secret@example.com/a?b=c#d");
        assert_eq!(target.text, "https://example.com/a?b=c");
        assert_eq!((target.port, target.tls, target.http_path.as_deref()), (443, true, Some("/a?b=c")));
        assert_eq!(parse("http://[2001:db8::1]:8080/").text, "http://[2001:db8::1]:8080/");
    }

    #[test]
    fn ipv6_addresses_are_understood_with_and_without_brackets() {
        assert_eq!(parse("[2001:db8::1]:8443").text, "[2001:db8::1]:8443");
        assert_eq!(parse("2001:db8::1").text, "[2001:db8::1]:443");
        for zoned in ["fe80::1%eth0", "[fe80::1%eth0]:443"] {
            assert!(matches!(zoned.parse::<Target>(), Err(TargetError::Zone { .. })), "{zoned}");
        }
        assert!(matches!("2001:db8:::1:443".parse::<Target>(), Err(TargetError::UnbracketedV6 { .. })));
    }

    #[test]
    fn international_names_become_a_labels() {
        assert_eq!(parse("푸시.example:5000").host, Host::Name("xn--vv4b153a.example".to_owned()));
    }

    #[test]
    fn digits_of_another_width_make_an_address_and_no_name() {
        for text in ["１９２.０.２.１", "192。0。2。1"] {
            assert_eq!(parse(text).host, Host::Address([192, 0, 2, 1].into()));
        }
        assert!("１２３".parse::<Target>().is_err() && "192.0.2.1.".parse::<Target>().is_err());
    }

    #[test]
    fn bad_input_names_what_is_wrong() {
        for (text, part) in [
            ("", "empty target"),
            ("example.com:0", "1 to 65535"),
            ("example.com:70000", "1 to 65535"),
            ("example.com:https", "1 to 65535"),
            ("300.1.2.3:443", "four numbers"),
            ("exa mple.com", "cannot stand in a name"),
            ("-a.example", "hyphen"),
            ("a..b", "empty label"),
            ("[2001:db8::1", "bracketed"),
            ("ftp://example.com", "http:// or https://"),
        ] {
            let error = text.parse::<Target>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
