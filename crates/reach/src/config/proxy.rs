//! Which proxy a target goes through, as curl decides it (curl(1), ENVIRONMENT).

use std::{fmt, net::IpAddr};

use reach_core::model::{Host, ProxyProtocol, Target, endpoint_text};
use reach_net::wire::ProxyLogin;

use crate::output::shown;

/// A proxy to go through.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyChoice {
    /// Its URL without user name and password.
    pub url: String,
    /// Its protocol.
    pub protocol: ProxyProtocol,
    /// Its host.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// Whether it resolves names itself.
    pub resolves: bool,
    /// Who we are to it.
    pub login: Option<ProxyLogin>,
    /// The environment variable that names it; `None` where it was typed.
    pub variable: Option<String>,
}

impl fmt::Debug for ProxyChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyChoice({}, {:?}, login: {})", self.url, self.variable, self.login.is_some())
    }
}

/// The port of a proxy that names none, as curl has it.
const DEFAULT_PORT: u16 = 1080;

/// Reads the URL of a proxy: `http://`, `socks5://` or `socks5h://`, and a host without a scheme is an HTTP proxy.
/// A problem is told without what stands before the `@`.
pub(crate) fn parse(url: &str, variable: Option<&str>) -> Result<ProxyChoice, String> {
    let origin = variable.unwrap_or("--proxy");
    let (scheme, rest) = url.trim().split_once("://").unwrap_or(("http", url.trim()));
    let (login, rest) = match rest.rsplit_once('@') {
        Some((login, rest)) => (Some(login), rest),
        None => (None, rest),
    };
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let show = shown(&format!("{scheme}://{place}"));
    let right = "give one like http://proxy.example.com:3128, socks5://HOST:PORT or socks5h://HOST:PORT";
    let (protocol, resolves) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (ProxyProtocol::Http, true),
        "socks5" => (ProxyProtocol::Socks5, false),
        "socks5h" => (ProxyProtocol::Socks5, true),
        other => {
            let other = shown(other);
            return Err(format!(
                "{origin} `{show}`: a proxy of the kind `{other}` cannot be used here; {right}"
            ));
        }
    };
    let has_port = match place.rsplit_once(':') {
        Some((host, port)) => !port.contains(']') && (!host.contains(':') || host.ends_with(']')),
        None => false,
    };
    let typed = if has_port { place.to_owned() } else { format!("{place}:{DEFAULT_PORT}") };
    let target: Target =
        typed.parse().map_err(|_| format!("{origin} `{show}` names no host and port; {right}"))?;
    let login = match login {
        None => None,
        Some(login) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            let decoded = decoded(user).zip(decoded(password));
            let login = decoded.and_then(|(user, password)| ProxyLogin::new(user, password));
            Some(login.ok_or_else(|| {
                format!(
                    "{origin} `{show}`: no proxy can be told this user name and password; they are UTF-8 of at \
                     most 255 bytes without control characters, and a colon in them is written %3A"
                )
            })?)
        }
    };
    Ok(ProxyChoice {
        url: format!("{}://{}", scheme.to_ascii_lowercase(), endpoint_text(&target.host, target.port)),
        protocol,
        host: target.host,
        port: target.port,
        resolves,
        login,
        variable: variable.map(str::to_owned),
    })
}

/// Text with its percent-encoded bytes decoded (RFC 3986 §2.1); `None` where that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.first_chunk::<2>().and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// The proxy that the environment names for a URL target, if any.
pub(super) fn of_environment(
    target: &Target,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<ProxyChoice>, String> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    // HTTP_PROXY in capitals may come from a header of a request to a CGI program, so it does not count.
    let names: &[&str] = if target.tls {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["http_proxy", "all_proxy", "ALL_PROXY"]
    };
    let Some((name, url)) = names.iter().find_map(|&name| Some((name, set(name)?))) else { return Ok(None) };
    let exceptions = set("no_proxy").or_else(|| set("NO_PROXY")).unwrap_or_default();
    if is_excepted(&target.host, &exceptions) {
        return Ok(None);
    }
    parse(&url, Some(name)).map(Some)
}

/// Whether a list of exceptions names the host: `*` for every host, a name for itself and every name below it, an
/// address, or a network (`192.0.2.0/24`) for the addresses in it. Addresses are compared as typed in the target; a
/// name is not resolved for that.
fn is_excepted(host: &Host, exceptions: &str) -> bool {
    if exceptions.trim() == "*" {
        return true;
    }
    exceptions.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).any(|entry| match host {
        Host::Name(name) => {
            let entry = entry.trim_matches('.').to_ascii_lowercase();
            let name = name.trim_end_matches('.');
            let below = name.strip_suffix(&entry).is_some_and(|rest| rest.ends_with('.'));
            !entry.is_empty() && (name == entry || below)
        }
        Host::Address(address) => holds(entry.trim_matches(['[', ']']), *address),
    })
}

fn holds(network: &str, address: IpAddr) -> bool {
    let (base, length) = match network.split_once('/') {
        Some((base, length)) => (base.trim_matches(['[', ']']), length.parse::<u32>().ok()),
        None => (network, Some(128)),
    };
    let Some(length) = length else { return false };
    match (base.parse(), address) {
        (Ok(IpAddr::V4(base)), IpAddr::V4(address)) => {
            let length = if network.contains('/') { length } else { 32 };
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length)).unwrap_or(0);
            length <= 32 && (u32::from(base) & mask) == (u32::from(address) & mask)
        }
        (Ok(IpAddr::V6(base)), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
            length <= 128 && (u128::from(base) & mask) == (u128::from(address) & mask)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excepted(host: &str, exceptions: &str) -> bool {
        let target: Target = host.parse().unwrap_or_else(|error| panic!("{error}"));
        is_excepted(&target.host, exceptions)
    }

    #[test]
    fn exceptions_are_names_with_all_below_them() {
        for list in ["example.com", ".example.com", "x, EXAMPLE.com.", "x example.com", "*"] {
            assert!(excepted("example.com", list) && excepted("www.example.com", list), "{list}");
        }
        for list in ["", "www.example.com", "ample.com", "*.com", ","] {
            assert!(!excepted("example.com", list), "{list}");
        }
    }

    #[test]
    fn exceptions_are_addresses_and_networks() {
        for (host, list) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7", "10.0.0.0/8,192.0.2.0/24"),
            ("192.0.2.7", "0.0.0.0/0"),
            ("[2001:db8::7]:443", "2001:db8::/32"),
            ("[2001:db8::7]:443", "[2001:db8::7]"),
        ] {
            assert!(excepted(host, list), "{host} {list}");
        }
        for (host, list) in [
            ("192.0.2.7", "192.0.2.8"),
            ("192.0.2.7", "192.0.2.8/30"),
            ("192.0.2.7", "192.0.2.0/33"),
            ("192.0.2.7", "2.7"),
            ("[2001:db8::7]:443", "2001:db9::/32"),
            ("www.example.com", "0.0.0.0/0"),
        ] {
            assert!(!excepted(host, list), "{host} {list}");
        }
    }

    #[test]
    fn a_proxy_is_read_with_or_without_scheme_port_and_login() {
        for (url, shown, resolves) in [
            ("http://proxy.example:3128/", "http://proxy.example:3128", true),
            ("proxy.example", "http://proxy.example:1080", true),
            ("SOCKS5://192.0.2.1", "socks5://192.0.2.1:1080", false),
            ("socks5h://us%20er:p%40ss@[2001:db8::1]:9", "socks5h://[2001:db8::1]:9", true),
        ] {
            let found = parse(url, None).unwrap_or_else(|problem| panic!("{problem}"));
            assert_eq!((found.url.as_str(), found.resolves), (shown, resolves));
            assert_eq!(found.login.is_some(), url.contains('@'));
        }
        let login = parse("http://us%20er:p%40s%zz@x", None).expect("a proxy").login;
        assert_eq!(login, ProxyLogin::new("us er", "p@s%zz"));
    }

    #[test]
    fn no_problem_tells_a_password() {
        for url in
            ["https://u:secret@x:1", "http://u:secret@:1", "http://u%0a:secret@x:1", "u:secret@x:99999"]
        {
            let problem = parse(url, Some("https_proxy")).expect_err(url);
            assert!(problem.contains("https_proxy") && !problem.contains("secret"), "{problem}");
        }
        assert!(!format!("{:?}", parse("http://u:secret@x:1", None)).contains("secret"));
    }
}
