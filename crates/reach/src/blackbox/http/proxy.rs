//! Which requests go through a proxy.

use std::net::IpAddr;

use ipnet::IpNet;
use url::Url;

use super::HttpSpec;

/// What the environment says of proxies, read once.
#[derive(Debug, Default)]
pub(in crate::blackbox) struct Proxies {
    http: Option<String>,
    https: Option<String>,
    none: String,
}

impl Proxies {
    /// Reads the variables, lower case or upper case.
    pub(in crate::blackbox) fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            let found = variable(name).or_else(|| variable(&name.to_ascii_uppercase()));
            found.filter(|value| !value.is_empty())
        };
        Self {
            http: either("http_proxy"),
            https: either("https_proxy"),
            none: either("no_proxy").unwrap_or_default(),
        }
    }

    /// The proxy for a URL, if there is one; an error where it is none that is spoken here.
    pub(super) fn for_url(&self, spec: &HttpSpec, url: &Url) -> Result<Option<Url>, String> {
        let (proxy, none) = if spec.proxy_from_environment {
            let own = if url.scheme() == "https" { &self.https } else { &self.http };
            (own.as_deref(), self.none.as_str())
        } else {
            (spec.proxy_url.as_deref().filter(|url| !url.is_empty()), spec.no_proxy.as_str())
        };
        let Some(proxy) = proxy else { return Ok(None) };
        let host = super::host(url);
        let is_local =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if spec.proxy_from_environment && is_local || is_excluded(none, &host, url.port_or_known_default()) {
            return Ok(None);
        }
        let proxy = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
        match Url::parse(&proxy) {
            Ok(proxy) if proxy.scheme() == "http" && proxy.host_str().is_some() => Ok(Some(proxy)),
            _ => Err("the proxy is none that is spoken here; only http:// is".to_owned()),
        }
    }
}

/// Whether a host is among those that want no proxy: addresses, networks, names, names below a name.
fn is_excluded(list: &str, host: &str, port: Option<u16>) -> bool {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let (Ok(network), Ok(address)) = (entry.parse::<IpNet>(), host.parse::<IpAddr>()) {
            return network.contains(&address);
        }
        let (name, wanted) = match entry.rsplit_once(':') {
            Some((name, digits)) if !name.contains(':') => (name, digits.parse::<u16>().ok()),
            _ => (entry, None),
        };
        if wanted.is_some() && wanted != port {
            return false;
        }
        let name = name.trim_start_matches('*').to_ascii_lowercase();
        match name.strip_prefix('.') {
            Some(name) => host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
            None => host == name || host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.')),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_can_be_excluded() {
        for (list, host, excluded) in [
            ("*", "a.example", true),
            ("example", "a.example", true),
            (".example", "a.example", true),
            (".example", "example", false),
            ("b.example:80", "b.example", false),
            ("b.example:443", "b.example", true),
            ("192.0.2.0/24", "192.0.2.9", true),
            ("192.0.2.9", "192.0.2.9", true),
            ("2001:db8::1", "2001:db8::1", true),
            ("notexample", "example", false),
            ("", "example", false),
        ] {
            assert_eq!(is_excluded(list, host, Some(443)), excluded, "{list} {host}");
        }
    }

    #[test]
    fn the_environment_counts_only_where_the_module_says_so() {
        let variable = |name: &str| (name == "https_proxy").then(|| "proxy.example:3128".to_owned());
        let proxies = Proxies::of(variable);
        let url = Url::parse("https://www.example/").expect("a URL");
        assert_eq!(proxies.for_url(&HttpSpec::default(), &url), Ok(None));
        let spec = HttpSpec { proxy_from_environment: true, ..HttpSpec::default() };
        let found = proxies.for_url(&spec, &url).expect("spoken").expect("one");
        assert_eq!((found.host_str(), found.port()), (Some("proxy.example"), Some(3128)));
        assert_eq!(proxies.for_url(&spec, &Url::parse("https://127.0.0.1/").expect("a URL")), Ok(None));
        assert_eq!(proxies.for_url(&spec, &Url::parse("http://www.example/").expect("a URL")), Ok(None));
    }
}
