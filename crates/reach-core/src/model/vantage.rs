//! The host that looks, and what it may do: gathered once at the edge, recorded with the observations.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Facts about the host that looks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vantage {
    /// Host name.
    pub host: String,
    /// The addresses that this host's packets to the outside carry, one for each family that has a route.
    pub sources: Vec<IpAddr>,
    /// Whether raw sockets and packet capture are allowed (`CAP_NET_RAW`).
    pub raw_sockets: bool,
    /// How ICMP echo can be sent.
    pub echo: EchoAccess,
    /// The stub resolver's configuration (`resolv.conf(5)`).
    pub resolver: ResolverConfig,
    /// Proxies that the environment names.
    pub proxies: Vec<Proxy>,
    /// `NO_PROXY`, as set.
    pub no_proxy: Option<String>,
    /// Names that the hosts file pins, lower case, each with its address.
    pub pinned: Vec<(String, IpAddr)>,
}

/// How ICMP echo can be sent on this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EchoAccess {
    /// Datagram sockets (`net.ipv4.ping_group_range` allows it).
    Datagram,
    /// Raw sockets.
    Raw,
    /// Not at all.
    #[default]
    None,
}

/// `/etc/resolv.conf` as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolverConfig {
    /// The servers in order.
    pub servers: Vec<SocketAddr>,
    /// Search domains, without leading or trailing dots.
    pub search: Vec<String>,
    /// A name with fewer dots is tried with the search domains first.
    pub ndots: u8,
}

impl Default for ResolverConfig {
    fn default() -> Self {
        Self { servers: Vec::new(), search: Vec::new(), ndots: 1 }
    }
}

/// A proxy named by the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// The variable, e.g. `HTTPS_PROXY`.
    pub variable: String,
    /// Its value with any user name and password removed.
    pub value: String,
}
