//! What may be probed on demand.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// One line of `[probe] allow`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Allowed {
    what: What,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// A name, `*.` before it for all names below.
    Name {
        name: String,
        below: bool,
    },
    Network(IpNet),
}

/// Who may have what probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Everything may be probed but link-local addresses.
    pub open: bool,
    /// These may be, too.
    pub allow: Vec<Allowed>,
}

impl Policy {
    /// Everything but link-local addresses: for a service that only this host reaches.
    pub const fn local() -> Self {
        Self { open: true, allow: Vec::new() }
    }

    /// Whether this address may be probed, as an answer to this name where there is one.
    ///
    /// The metadata services of clouds live at link-local addresses (and at some others), and hand out credentials
    /// to whoever makes somebody ask: they have to be named by an address or network. So do the services of this host
    /// where others can ask for probes: whoever owns a name that is allowed can have it resolve to loopback.
    pub fn admits(&self, name: Option<&str>, address: IpAddr, port: Option<u16>) -> bool {
        let address = address.to_canonical();
        let by_network = self.allow.iter().any(|it| it.takes_address(address) && it.takes_port(port));
        let mut reached = [Some(address), embedded(address).map(IpAddr::V4)].into_iter().flatten();
        if by_network || reached.any(|it| is_delicate(it) || !self.open && it.is_loopback()) {
            return by_network;
        }
        self.open || self.admits_name(name, port)
    }

    fn admits_name(&self, name: Option<&str>, port: Option<u16>) -> bool {
        name.is_some_and(|name| self.allow.iter().any(|it| it.takes_name(name) && it.takes_port(port)))
    }

    /// Whether this name may be resolved at all: a look-up is a packet as well, and tells the asker something.
    pub fn admits_lookup(&self, name: &str, port: Option<u16>) -> bool {
        let by_network =
            self.allow.iter().any(|it| matches!(it.what, What::Network(_)) && it.takes_port(port));
        self.open || by_network || self.admits_name(Some(name), port)
    }
}

/// Addresses that are probed only where somebody says so on purpose.
fn is_delicate(address: IpAddr) -> bool {
    /// Metadata services elsewhere than at link-local addresses: Alibaba's, Azure's and Oracle's.
    const METADATA_V4: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    /// Those of EC2 and of Google over IPv6.
    const METADATA_V6: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
        Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
    ];
    match address {
        IpAddr::V4(address) => {
            // All of 0.0.0.0/8 is this host to Linux, or nothing.
            let is_here = address.octets()[0] == 0;
            address.is_link_local() || is_here || address.is_broadcast() || METADATA_V4.contains(&address)
        }
        IpAddr::V6(address) => {
            address.is_unicast_link_local() || address.is_unspecified() || METADATA_V6.contains(&address)
        }
    }
}

/// The address of IPv4 that a translator or a tunnel makes of one of IPv6: NAT64 (RFC 6052, RFC 8215), 6to4
/// (RFC 3056), and the compatible ones of old (RFC 4291 §2.5.5.1).
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let at = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => at(high, low),
        [0x2002, high, low, ..] => at(high, low),
        // ::1 is loopback itself.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => at(high, low),
        _ => None,
    }
}

impl Allowed {
    fn takes_name(&self, asked: &str) -> bool {
        let asked = asked.trim_end_matches('.').to_ascii_lowercase();
        match &self.what {
            What::Name { name, below: false } => asked == *name,
            What::Name { name, below: true } => {
                asked.strip_suffix(name.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            What::Network(_) => false,
        }
    }

    fn takes_address(&self, address: IpAddr) -> bool {
        matches!(self.what, What::Network(network) if network.contains(&address))
    }

    fn takes_port(&self, port: Option<u16>) -> bool {
        self.port.is_none_or(|own| port == Some(own))
    }
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is nothing to allow; give a name (`*.example.com:443`) or a network (`203.0.113.0/24`)",
                text.escape_debug()
            )
        };
        let network = |text: &str| {
            let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
            text.parse::<IpNet>().ok().or_else(address)
        };
        if let Some(network) = network(text) {
            return Ok(Self { what: What::Network(network), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Some(network) = network(bare) {
            return Ok(Self { what: What::Network(network), port });
        }
        let (below, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let fits =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        if name.is_empty() || !name.chars().all(fits) || name.split('.').any(str::is_empty) {
            return Err(wrong());
        }
        Ok(Self { what: What::Name { name, below }, port })
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.what, self.port) {
            (What::Name { name, below }, _) => {
                f.write_str(if *below { "*." } else { "" })?;
                f.write_str(name)?;
            }
            (What::Network(network @ IpNet::V6(_)), Some(_)) => write!(f, "[{network}]")?,
            (What::Network(network), _) => write!(f, "{network}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl TryFrom<String> for Allowed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Allowed> for String {
    fn from(allowed: Allowed) -> Self {
        allowed.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(open: bool, allow: &[&str]) -> Policy {
        Policy { open, allow: allow.iter().map(|text| text.parse().expect("fits")).collect() }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn on_loopback_everything_may_be_probed_but_what_is_delicate() {
        let policy = policy(true, &[]);
        assert!(policy.admits(None, ip("203.0.113.1"), Some(443)));
        for delicate in ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0"] {
            assert!(!policy.admits(Some("metadata.example"), ip(delicate), Some(80)), "{delicate}");
        }
    }

    #[test]
    fn no_way_of_writing_an_address_leads_around_it() {
        let here = policy(true, &[]);
        for delicate in [
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:ffff:0:1:a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd20:ce::254",
            "0.0.0.1",
            "64:ff9b::",
        ] {
            assert!(!here.admits(Some("x.example"), ip(delicate), Some(80)), "{delicate}");
        }
        assert!(here.admits(None, ip("64:ff9b::c000:201"), Some(80)), "NAT64 itself is no harm");
        let elsewhere = policy(false, &["*.example.com", "[::1]:9115"]);
        for loopback in
            ["127.0.0.1", "127.8.8.8", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1"]
        {
            assert!(!elsewhere.admits(Some("a.example.com"), ip(loopback), Some(443)), "{loopback}");
            assert!(here.admits(None, ip(loopback), Some(443)), "{loopback}");
        }
        assert!(elsewhere.admits(Some("a.example.com"), ip("::1"), Some(9115)), "named by its address");
        assert!(!elsewhere.admits(Some("a.example.com"), ip("::1"), Some(9116)));
    }

    #[test]
    fn elsewhere_only_what_is_named_may_be() {
        let policy =
            policy(false, &["*.example.com:443", "203.0.113.0/24", "[2001:db8::/32]:53", "one.example"]);
        let admits = |name, address, port| policy.admits(name, ip(address), Some(port));
        assert!(admits(Some("a.b.Example.com."), "198.51.100.1", 443));
        assert!(!admits(Some("a.example.com"), "198.51.100.1", 80));
        assert!(!admits(Some("example.com"), "198.51.100.1", 443));
        assert!(!admits(Some("notexample.com"), "198.51.100.1", 443));
        assert!(!admits(Some("a.example.com"), "169.254.169.254", 443));
        assert!(admits(None, "203.0.113.9", 1));
        assert!(admits(None, "2001:db8::1", 53));
        assert!(!admits(None, "2001:db8::1", 54));
        assert!(admits(Some("one.example"), "198.51.100.1", 7));
        assert!(!admits(None, "198.51.100.1", 443));
    }

    #[test]
    fn link_local_networks_can_be_named() {
        assert!(policy(false, &["169.254.0.0/16"]).admits(None, ip("169.254.1.1"), None));
    }

    #[test]
    fn nothing_is_looked_up_that_could_not_be_probed() {
        assert!(!policy(false, &["*.example.com"]).admits_lookup("other.example", Some(443)));
        assert!(policy(false, &["203.0.113.0/24"]).admits_lookup("other.example", Some(443)));
        assert!(policy(true, &[]).admits_lookup("other.example", None));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in
            ["*.example.com:443", "one.example", "203.0.113.0/24", "203.0.113.7/32:80", "[2001:db8::/32]:53"]
        {
            let allowed: Allowed = text.parse().expect("fits");
            assert_eq!(allowed.to_string(), text);
        }
        for text in ["", "*", "*.", "a b", "a:b", "a..b", "203.0.113.0/33", "x:70000"] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text: String) {
            if let Ok(allowed) = text.parse::<Allowed>() {
                prop_assert_eq!(allowed.to_string().parse::<Allowed>(), Ok(allowed));
            }
        }
    }
}
