//! What a request carries to say who asks. All of it is foreign: these are total, and take no more than they are given.

use std::{fmt, net::IpAddr};

use axum::http::{HeaderMap, header};
use cookie::Cookie;
use secrecy::{ExposeSecret, SecretString};

use crate::blackbox::base64;

/// The longest `Authorization` that is looked at, in bytes.
const LONGEST: usize = 4096;
/// So many cookies are looked at, and so many addresses of proxies.
const MOST: usize = 64;

/// What stands in `Authorization`.
pub enum Authorization {
    /// A token.
    Bearer(SecretString),
    /// A name and a password.
    Basic(String, SecretString),
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bearer(_) => f.write_str("Bearer"),
            Self::Basic(user, _) => write!(f, "Basic({user:?})"),
        }
    }
}

impl PartialEq for Authorization {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bearer(one), Self::Bearer(other)) => one.expose_secret() == other.expose_secret(),
            (Self::Basic(user, one), Self::Basic(other, two)) => {
                user == other && one.expose_secret() == two.expose_secret()
            }
            _ => false,
        }
    }
}

/// Understands the value of `Authorization`. `None` for another scheme, and for what is none.
pub fn authorization(value: &[u8]) -> Option<Authorization> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= LONGEST)?;
    let (scheme, rest) = text.trim_matches(' ').split_once(' ')?;
    let rest = rest.trim_matches(' ');
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return None;
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Authorization::Bearer(rest.into()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(base64::decode(rest)?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some(Authorization::Basic(user.to_owned(), password.into()))
}

/// The value of a cookie: the first of its name, which is the one with the most particular path.
pub fn cookie_value(header: &str, name: &str) -> Option<String> {
    Cookie::split_parse(header)
        .take(MOST)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == name)
        .map(|cookie| cookie.value_trimmed().to_owned())
}

/// The cookie of a request. HTTP/2 may have several headers of them.
pub(super) fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.take(MOST).find_map(|line| cookie_value(line, name))
}

/// Who asks, by what proxies say of it: the last address that is no proxy itself. `believed` says which are; `None`
/// where none of them says anything that can be read.
pub fn forwarded_for<'a>(
    lines: impl DoubleEndedIterator<Item = &'a str>,
    believed: impl Fn(IpAddr) -> bool,
) -> Option<IpAddr> {
    let mut last = None;
    for part in lines.rev().flat_map(|line| line.rsplit(',')).take(MOST) {
        // What stands before something that cannot be read may have been written by anybody.
        let Some(address) = address(part.trim()) else { break };
        last = Some(address);
        if !believed(address) {
            break;
        }
    }
    last
}

/// An address as proxies write it: with a port or without, in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    bare.or_else(with_port).or_else(in_brackets).map(|address| address.to_canonical())
}

/// The field of a form of this name: the first of it.
pub fn field(body: &[u8], name: &str) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(body).take(MOST);
    fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_and_passwords_are_understood() {
        let basic = |user: &str, password: &str| Some(Authorization::Basic(user.to_owned(), password.into()));
        assert_eq!(authorization(b"Bearer abc"), Some(Authorization::Bearer("abc".into())));
        assert_eq!(authorization(b"bearer  abc "), Some(Authorization::Bearer("abc".into())));
        assert_eq!(authorization(b"Basic a2ltOnNlY3JldA=="), basic("kim", "secret"));
        assert_eq!(authorization(b"basic a2ltOmE6Yg=="), basic("kim", "a:b"));
        for nothing in [
            &b""[..],
            b"Bearer",
            b"Bearer ",
            b"Bearer a b",
            b"Basic !!!!",
            b"Basic a2lt",
            b"Digest x",
            b"Basic \xff",
        ] {
            assert_eq!(authorization(nothing), None, "{nothing:?}");
        }
        assert!(!format!("{:?}", authorization(b"Basic a2ltOnNlY3JldA==")).contains("secret"));
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let header = "a=1; __Host-reach=\"xyz\"; reach=2; reach=3;broken; =x";
        assert_eq!(cookie_value(header, "__Host-reach").as_deref(), Some("xyz"));
        assert_eq!(cookie_value(header, "reach").as_deref(), Some("2"));
        assert_eq!(cookie_value(header, "each"), None);
        assert_eq!(cookie_value(header, "Reach"), None);
    }

    #[test]
    fn the_last_address_that_no_proxy_has_is_who_asks() {
        let trusted = |address: IpAddr| address == IpAddr::from([10, 0, 0, 1]);
        let asks = |lines: &[&str]| forwarded_for(lines.iter().copied(), trusted).map(|it| it.to_string());
        assert_eq!(asks(&["203.0.113.9"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(asks(&["192.0.2.66, 203.0.113.9, 10.0.0.1"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(asks(&["192.0.2.66", "203.0.113.9:4711"]).as_deref(), Some("203.0.113.9"));
        assert_eq!(asks(&["[2001:db8::1]:80, ::ffff:10.0.0.1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(asks(&["192.0.2.66, unknown, 10.0.0.1"]).as_deref(), Some("10.0.0.1"));
        assert_eq!(asks(&[]), None);
        assert_eq!(asks(&["unknown"]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..300), text: String) {
            let _ = authorization(&bytes);
            let _ = field(&bytes, "csrf");
            let _ = cookie_value(&text, "reach");
            let _ = forwarded_for([text.as_str()].into_iter(), |_| true);
        }

        #[test]
        fn what_is_written_is_read(user in "[^:\u{0}]{0,20}", password in ".{0,20}") {
            let encoded = base64::encode(format!("{user}:{password}").as_bytes());
            let read = authorization(format!("Basic {encoded}").as_bytes());
            prop_assert_eq!(read, Some(Authorization::Basic(user, password.into())));
        }

        #[test]
        fn a_client_cannot_choose_its_address(said in "[0-9a-f:., ]{0,60}", real: [u8; 4]) {
            let line = format!("{said}, {}", IpAddr::from(real));
            prop_assert_eq!(forwarded_for([line.as_str()].into_iter(), |_| false), Some(IpAddr::from(real)));
        }

        #[test]
        fn fields_of_forms_are_found(value in ".{0,40}") {
            let body = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("a", "b").append_pair("csrf", &value).finish();
            prop_assert_eq!(field(body.as_bytes(), "csrf"), Some(value));
        }
    }
}
