//! By which names this service is asked, and what every answer carries.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
};

/// Sent with every answer. Nothing is loaded from elsewhere, nothing runs but our own, nobody frames it, no page of
/// somebody else reads it. Our own pages say where a form comes from, and nobody else learns that from them.
pub(super) const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action \
         'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), serial=(), usb=()",
    ),
    ("x-permitted-cross-domain-policies", "none"),
];

/// By which names this service may be asked.
pub(super) struct Guard {
    loopback: bool,
    hosts: BTreeSet<String>,
}

impl Guard {
    pub(super) fn new(local: SocketAddr, hosts: &[String]) -> Self {
        let loopback = local.ip().to_canonical().is_loopback();
        Self {
            loopback,
            hosts: hosts.iter().map(|host| host.trim_end_matches('.').to_ascii_lowercase()).collect(),
        }
    }

    /// Whether a name that somebody asks for is ours. A stranger's page can have its own name resolve to loopback;
    /// the browser then asks us by that name.
    pub(super) fn knows(&self, host: &str) -> bool {
        let host = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        if self.hosts.contains(&host) {
            return true;
        }
        if !self.loopback {
            return self.hosts.is_empty() || host.parse::<IpAddr>().is_ok();
        }
        let is_local = |address: IpAddr| address.to_canonical().is_loopback();
        host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_local)
    }
}

/// The host of a `Host` header, without brackets.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(address, _)| address);
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(local: &str, hosts: &[&str]) -> Guard {
        Guard::new(
            local.parse().expect("an address"),
            &hosts.iter().map(|&host| host.to_owned()).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn on_loopback_only_names_of_loopback_are_ours() {
        let guard = guard("127.0.0.1:9115", &["reach.internal"]);
        for ours in
            ["localhost", "localhost:9115", "127.0.0.1:9115", "127.0.0.2", "[::1]:9115", "Reach.Internal.:80"]
        {
            assert!(guard.knows(ours), "{ours}");
        }
        for other in
            ["evil.example", "evil.example:9115", "203.0.113.1", "", "localhost.evil.example", "[::2]", "["]
        {
            assert!(!guard.knows(other), "{other}");
        }
    }

    #[test]
    fn elsewhere_every_name_is_ours_until_some_are_listed() {
        assert!(guard("0.0.0.0:9115", &[]).knows("reach.example"));
        let listed = guard("0.0.0.0:9115", &["reach.example"]);
        assert!(listed.knows("reach.example:9115") && listed.knows("203.0.113.7:9115"));
        assert!(!listed.knows("evil.example"));
    }
}
