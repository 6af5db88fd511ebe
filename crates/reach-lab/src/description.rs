//! What a network looks like, as a value: written in Rust or read from TOML.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::error::LabError;

mod router;

pub use router::{Balancing, Detour, Interface, InterfaceRole, Label, Quote, Router, Wording};

/// A whole network: the client at one end, routers in a chain of stages, hosts behind them, and what is wrong
/// with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Description {
    /// For messages only.
    pub name: String,
    /// The node from which everything is looked at; its name is `client`.
    pub client: Client,
    /// The routers, nearest to the client first.
    pub stages: Vec<Stage>,
    /// The nodes that own addresses.
    pub hosts: Vec<Host>,
    /// Links that are not ordinary.
    pub links: Vec<Link>,
    /// Ways back that are not the ways there.
    pub detours: Vec<Detour>,
    /// What is broken or forbidden.
    pub faults: Vec<Fault>,
    /// Servers over TCP.
    pub services: Vec<Service>,
    /// Servers of names.
    pub resolvers: Vec<Resolver>,
}

/// The client's own settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Client {
    /// How much IPv6 the client has.
    pub ipv6: ClientIpv6,
    /// The name servers in its `/etc/resolv.conf`; if absent, the first address of each resolver of the lab.
    pub resolvers: Option<Vec<IpAddr>>,
    /// The `options` line of its `/etc/resolv.conf`, without the word `options`.
    pub resolver_options: String,
    /// Lines of its `/etc/hosts` besides localhost.
    pub hosts_file: BTreeMap<String, Vec<IpAddr>>,
    /// Whether an ordinary user may open ICMP datagram sockets (`net.ipv4.ping_group_range`).
    pub ping_sockets: bool,
}

/// How much IPv6 the client has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientIpv6 {
    /// An address and a default route.
    #[default]
    Routed,
    /// An address, but no route beyond the first link.
    NoRoute,
    /// Switched off (`disable_ipv6`).
    Off,
}

/// One step of the chain: one router, or several over which flows are spread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The routers side by side.
    pub routers: Vec<Router>,
}

/// A node that owns addresses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Unique in the network.
    pub name: String,
    /// All from the documentation or private ranges, outside `10.70.0.0/16` and `2001:db8:70::/48`.
    pub addresses: Vec<IpAddr>,
    /// The router behind whose stage it hangs; the last stage if absent.
    #[serde(default)]
    pub behind: Option<String>,
    /// Exactly the routers that it hangs at, instead of a whole stage.
    #[serde(default)]
    pub at: Vec<String>,
}

/// A link that is not an ordinary one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The nodes at its ends, in either order.
    pub between: (String, String),
    /// The largest packet it carries. Both ends must be routers: a host would announce a smaller segment size
    /// instead.
    #[serde(default)]
    pub mtu: Option<u16>,
    /// Whether the routers keep silent about packets that are too big ("fragmentation needed", "packet too
    /// big").
    #[serde(default)]
    pub silent_about_size: bool,
    /// A box in the middle of the link.
    #[serde(default)]
    pub relay: Option<Relay>,
}

/// A box in the middle of a link which is invisible at the IP layer: it has no address and takes nothing off
/// the TTL.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Relay {
    /// Added to every packet in each direction.
    pub delay_ms: u64,
    /// Up to so much more, at random; packets stay in order.
    pub jitter_ms: u64,
    /// Share of packets lost; ARP and neighbour discovery are spared.
    pub loss_percent: u8,
    /// The direction in which packets are lost.
    pub loss_direction: Direction,
    /// The seed of the dice for loss and jitter.
    pub seed: u64,
    /// Cuts TLS connections by the name in the ClientHello.
    pub name_cut: Option<NameCut>,
}

/// Which TLS connections a [`Relay`] cuts, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameCut {
    /// Names, in any case; `*.example.com` is every name below `example.com`.
    pub names: Vec<String>,
    /// What happens to the connection.
    pub cut: Cut,
    /// Server addresses to which it is limited; all if empty.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// What a [`NameCut`] does when it has seen the name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// The segment that completes the name and everything after it from the client vanish.
    #[default]
    Drop,
    /// The segment vanishes, and the client gets a RST in the server's name with a TTL of 64 at the relay.
    ResetClient,
    /// As `ResetClient`, and the server gets one in the client's name.
    ResetBoth,
}

/// Packets to the endpoint, packets from it, or both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the client towards the hosts.
    #[default]
    Toward,
    /// From the hosts back to the client.
    Back,
    /// Both ways.
    Both,
}

/// Something that one node does to packets of certain endpoints.
///
/// Addresses and ports always mean the far endpoint (the host's), wherever the fault sits: a fault with
/// `direction = "back"`, or an [`Effect::InputDrop`] at the client, matches them as the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The node: a router, a host, or `client`.
    pub at: String,
    /// What happens.
    pub effect: Effect,
    /// The endpoint addresses; all if empty.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The endpoint ports; all if empty.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The protocol; if absent TCP where ports are given, else all.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// The direction of the packets that are hit, for the effects that stand in the forwarding path.
    #[serde(default)]
    pub direction: Direction,
    /// Only some flows, chosen by their source port.
    #[serde(default)]
    pub flows: Option<FlowShare>,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Echo requests and replies of ICMP and ICMPv6.
    Icmp,
    /// Errors of ICMP and ICMPv6: unreachable, packet too big, time exceeded, parameter problem. They come from
    /// routers, so addresses and ports do not go with them.
    IcmpErrors,
}

/// The flows whose client port falls into the first `hit` of `of` classes of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowShare {
    /// How many classes are hit.
    pub hit: u16,
    /// How many classes there are.
    pub of: u16,
}

/// What a [`Fault`] does. Those without another remark belong on routers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Dropped when forwarded: the router still says "time exceeded" for a TTL that ends at it.
    Drop,
    /// Dropped on arrival, before the TTL is looked at.
    DropEarly,
    /// Answered by a forged RST when forwarded.
    Reset,
    /// Answered by a forged RST on arrival.
    ResetEarly,
    /// Answered by an ICMP error when forwarded.
    Reject(Rejection),
    /// Answered by an ICMP error on arrival.
    RejectEarly(Rejection),
    /// Lost at random when forwarded; `direction` says which way. Also on the client and hosts (sending and
    /// receiving).
    Loss {
        /// Out of a hundred packets.
        percent: u8,
    },
    /// Dropped by the node that sends it (`output` hook). On the client and hosts.
    OutputDrop,
    /// Refused with a RST by the node that sends it. On the client and hosts.
    OutputReset,
    /// Refused with an ICMP error by the node that sends it. On the client and hosts.
    OutputReject(Rejection),
    /// Dropped by the node that receives it (`input` hook): on the client the answer, on a host the question.
    InputDrop,
    /// A routing-table entry of the given kind; needs addresses, and no `nft`. On routers and the client.
    Route(RouteKind),
    /// The addresses are said to be on the link behind the router, and nobody there answers for them; needs
    /// addresses that no host owns. The router says "host unreachable" after about three seconds.
    Unclaimed,
    /// The router completes TCP handshakes in the hosts' name before it asks them.
    SynProxy {
        /// What the proxy then finds behind it.
        backend: Backend,
    },
    /// Source NAT for IPv4 with few ports.
    Snat {
        /// The source address that hosts see; the lab gives it to the router.
        to: Ipv4Addr,
        /// The first port.
        first_port: u16,
        /// The last port.
        last_port: u16,
    },
    /// New connections are dropped while so many are open.
    ConnectionLimit {
        /// So many may be open.
        max: u32,
    },
    /// SYNs above a rate are dropped.
    SynRate {
        /// SYNs a second.
        per_second: u32,
        /// So many at once.
        burst: u32,
    },
    /// Connections end at a server in the router itself (a transparent proxy); give the router a [`Service`]
    /// on that port.
    Redirect {
        /// The router's local port.
        to_port: u16,
    },
    /// Source NAT for IPv4, all protocols, with as many ports as there are.
    Masquerade {
        /// The source address that hosts see; the lab gives it to the router.
        to: Ipv4Addr,
    },
    /// The maximum segment size in SYNs is lowered to this when forwarded.
    MssClamp {
        /// In bytes.
        to: u16,
    },
    /// The DSCP is set to this when forwarded.
    Dscp {
        /// 0 to 63.
        to: u8,
    },
    /// The TTL or hop limit is set to this when forwarded, whatever it was.
    SetTtl {
        /// What the next router gets.
        to: u8,
    },
    /// Packets whose TTL runs out here are passed on with a TTL of 0, and the next router answers for them.
    ZeroTtl,
    /// The addresses are routed back towards the client; needs addresses. On routers behind the first.
    Loop,
}

/// The ICMP error of a rejection; each has its ICMPv6 equivalent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejection {
    /// 3/13; ICMPv6 1/1.
    AdminProhibited,
    /// 3/1; ICMPv6 1/3.
    HostUnreachable,
    /// 3/0; ICMPv6 1/0.
    NetUnreachable,
    /// 3/3; ICMPv6 1/4.
    PortUnreachable,
    /// 3/10; ICMPv6 1/5.
    HostProhibited,
    /// 3/9; ICMPv6 1/6.
    NetProhibited,
}

/// A kind of route that leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteKind {
    /// Dropped without a word.
    Blackhole,
    /// ICMP host unreachable (ICMPv6: no route).
    Unreachable,
    /// ICMP administratively prohibited.
    Prohibit,
}

/// What a SYN proxy finds behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The host, in good health.
    #[default]
    Alive,
    /// A host that drops the proxy's SYN.
    Dropped,
    /// A host that answers the proxy's SYN with RST.
    Closed,
}

/// A TCP server in a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The node: a host, a router, or `client`.
    pub at: String,
    /// The addresses it listens on. If empty: on a host every address that no other service claims for the
    /// port, on any other node all.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The ports it listens on.
    pub ports: Vec<u16>,
    /// What it does.
    pub kind: ServiceKind,
}

/// What a [`Service`] does with a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    /// Speaks TLS.
    Tls(Tls),
    /// Speaks HTTP in the clear, also to a TLS client (a block page on port 443).
    Http {
        /// The status of its answer.
        status: u16,
        /// The length of its body in bytes.
        body: usize,
    },
    /// Sends this text at once, then reads and says nothing more.
    Banner(String),
    /// The same with bytes that are no text (telnet option negotiation, say).
    Bytes(Vec<u8>),
    /// Sends back what it gets.
    Echo,
    /// Accepts and says nothing.
    Silent,
    /// Accepts and closes at once.
    CloseAtOnce,
    /// Accepts and resets at once.
    ResetAtOnce,
    /// Reads something (a ClientHello, say), then closes.
    CloseAfterData,
    /// Reads something, then resets.
    ResetAfterData,
    /// Reads something, then sends a fatal TLS alert with this description and closes.
    Alert(u8),
}

/// A server that speaks TLS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The names in its certificate.
    pub names: Vec<String>,
    /// What is the matter with its certificate.
    pub certificate: Certificate,
    /// A certificate so large that the server's first flight has well over 3000 bytes.
    pub large: bool,
    /// If set, the connection is closed unless the client asks for this name.
    pub only_name: Option<String>,
    /// Application protocols offered.
    pub alpn: Vec<String>,
    /// What follows the handshake.
    pub after: TlsAfter,
    /// The status of its HTTP answer.
    pub status: u16,
    /// The length of the body in bytes.
    pub body: usize,
    /// How long it thinks before it answers the request.
    pub delay_ms: u64,
}

/// What a TLS server does after the handshake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsAfter {
    /// Answers an HTTP request.
    #[default]
    Http,
    /// Says nothing.
    Silent,
    /// Closes.
    Close,
    /// Resets.
    Reset,
}

/// What is the matter with a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// Nothing: issued by the lab's own authority ([`crate::Lab::authority`]) for the service's names.
    #[default]
    Trusted,
    /// Issued for `wrong.example` instead.
    WrongName,
    /// Ended in 2021.
    Expired,
    /// Begins in 2090.
    NotYetValid,
    /// Signed by itself.
    SelfSigned,
    /// Issued for the right names by "Corporate Inspection CA", which nobody trusts.
    Inspection,
}

/// A name server, over UDP and TCP port 53.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolver {
    /// The node: a host, a router, or `client` (for a local stub such as 127.0.0.53).
    pub at: String,
    /// The addresses it listens on; if empty, all of the node's.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// What it does over TCP.
    #[serde(default)]
    pub tcp: TcpMode,
    /// How long it takes to answer anything.
    #[serde(default)]
    pub delay_ms: u64,
    /// What it knows.
    #[serde(default)]
    pub names: Vec<Name>,
    /// The names of addresses (PTR).
    #[serde(default)]
    pub pointers: BTreeMap<IpAddr, String>,
    /// What it says to all other names; `answer` means NXDOMAIN here.
    #[serde(default)]
    pub otherwise: Reply,
}

/// What a resolver does over TCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpMode {
    /// Answers.
    #[default]
    Works,
    /// Nothing listens.
    Closed,
    /// Accepts and never answers.
    Silent,
}

/// A name that a resolver knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// The name that is asked for.
    pub name: String,
    /// A chain of CNAMEs from it to the name that has the addresses.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The pool, both families.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// Which part of the pool an answer holds.
    #[serde(default)]
    pub selection: Selection,
    /// Time to live in seconds.
    #[serde(default = "default_ttl")]
    pub ttl: u32,
    /// Whether the resolver behaves as a cache: it keeps one selection while the time to live runs down, then
    /// picks anew. Otherwise every answer is fresh.
    #[serde(default)]
    pub ages: bool,
    /// What it says.
    #[serde(default)]
    pub reply: Reply,
    /// What it says to AAAA questions, if that differs.
    #[serde(default)]
    pub reply_aaaa: Option<Reply>,
}

/// Which part of a pool an answer holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// All, in the written order.
    #[default]
    All,
    /// All, each answer beginning one further on.
    Rotate,
    /// So many, drawn at random.
    Random {
        /// Addresses in an answer.
        size: usize,
        /// The seed of the dice.
        seed: u64,
    },
    /// So many in a row, the next answer continuing where the last one ended.
    Window {
        /// Addresses in an answer.
        size: usize,
    },
}

/// What a resolver says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The addresses.
    #[default]
    Answer,
    /// There is no such name.
    #[serde(rename = "nxdomain")]
    NxDomain,
    /// The name exists and has no such record.
    NoData,
    /// SERVFAIL.
    #[serde(rename = "servfail")]
    ServFail,
    /// REFUSED.
    Refused,
    /// Nothing.
    Silent,
    /// Over UDP a truncated answer without addresses; over TCP the addresses.
    Truncated,
    /// A message that cannot be decoded.
    Garbage,
    /// The right answer under another query id.
    WrongId,
    /// Addresses that belong to another name than the one asked for.
    WrongName,
}

impl Description {
    /// An empty network of this name; it needs at least one router.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Description { name: name.to_owned(), ..Description::default() }
    }

    /// Reads a description.
    ///
    /// # Errors
    ///
    /// [`LabError::BadDescription`] if the text is not TOML or has a key that means nothing here.
    pub fn from_toml(text: &str) -> Result<Self, LabError> {
        toml::from_str(text).map_err(|error| LabError::BadDescription(error.to_string()))
    }

    /// Appends a stage of one router.
    #[must_use]
    pub fn router(self, name: &str) -> Self {
        self.stage([Router::named(name)])
    }

    /// Appends a stage of several routers side by side.
    #[must_use]
    pub fn parallel<const N: usize>(self, names: [&str; N]) -> Self {
        self.stage(names.map(Router::named))
    }

    /// Appends a stage.
    #[must_use]
    pub fn stage(mut self, routers: impl IntoIterator<Item = Router>) -> Self {
        self.stages.push(Stage { routers: routers.into_iter().collect() });
        self
    }

    /// Adds a host behind the last stage.
    ///
    /// # Panics
    ///
    /// If an address is not one; this and the methods like it are for descriptions written out in a program.
    #[must_use]
    pub fn host<const N: usize>(mut self, name: &str, addresses: [&str; N]) -> Self {
        self.hosts.push(Host {
            name: name.to_owned(),
            addresses: addresses.map(address).to_vec(),
            ..Host::default()
        });
        self
    }

    /// Adds a host behind the stage of the named router.
    ///
    /// # Panics
    ///
    /// If an address is not one.
    #[must_use]
    pub fn host_behind<const N: usize>(mut self, name: &str, addresses: [&str; N], router: &str) -> Self {
        let addresses = addresses.map(address).to_vec();
        let behind = Some(router.to_owned());
        self.hosts.push(Host { name: name.to_owned(), addresses, behind, at: Vec::new() });
        self
    }

    /// Adds a host at exactly these routers.
    ///
    /// # Panics
    ///
    /// If an address is not one.
    #[must_use]
    pub fn host_at<const N: usize>(mut self, name: &str, addresses: [&str; N], routers: &[&str]) -> Self {
        let addresses = addresses.map(address).to_vec();
        let at = routers.iter().map(|&router| router.to_owned()).collect();
        self.hosts.push(Host { name: name.to_owned(), addresses, behind: None, at });
        self
    }

    /// Lets packets to the client go from one router to another nearer one by `via`, which nothing meets on
    /// the way there.
    #[must_use]
    pub fn detour<const N: usize>(mut self, from: &str, via: [&str; N], to: &str) -> Self {
        let via = via.map(str::to_owned).to_vec();
        self.detours.push(Detour { from: from.to_owned(), via, to: to.to_owned() });
        self
    }

    /// Adds a link that is not ordinary.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Adds a server.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Adds a name server.
    #[must_use]
    pub fn resolver(mut self, resolver: Resolver) -> Self {
        self.resolvers.push(resolver);
        self
    }
}

impl Link {
    /// A link with a box in it.
    #[must_use]
    pub fn with_relay(one: &str, other: &str, relay: Relay) -> Self {
        Link { between: (one.to_owned(), other.to_owned()), relay: Some(relay), ..Link::default() }
    }

    /// A link that swallows large packets, without a word if `silent`.
    #[must_use]
    pub fn with_mtu(one: &str, other: &str, mtu: u16, silent: bool) -> Self {
        let between = (one.to_owned(), other.to_owned());
        Link { between, mtu: Some(mtu), silent_about_size: silent, relay: None }
    }
}

impl Fault {
    /// A fault at a node that hits everything, until it is limited.
    #[must_use]
    pub fn at(node: &str, effect: Effect) -> Self {
        Fault {
            at: node.to_owned(),
            effect,
            addresses: Vec::new(),
            ports: Vec::new(),
            protocol: None,
            direction: Direction::Toward,
            flows: None,
        }
    }

    /// Limits it to this address and those added before.
    ///
    /// # Panics
    ///
    /// If it is not an address.
    #[must_use]
    pub fn address(mut self, text: &str) -> Self {
        self.addresses.push(address(text));
        self
    }

    /// Limits it to this port and those added before.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }

    /// Limits it to a protocol.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Says which way the packets go that it hits.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Limits it to `hit` of `of` classes of flows.
    #[must_use]
    pub fn flows(mut self, hit: u16, of: u16) -> Self {
        self.flows = Some(FlowShare { hit, of });
        self
    }
}

impl Service {
    /// A TLS server on port 443 of every free address of the node.
    #[must_use]
    pub fn tls(at: &str, tls: Tls) -> Self {
        Service::new(at, 443, ServiceKind::Tls(tls))
    }

    /// A server on one port of every free address of the node.
    #[must_use]
    pub fn new(at: &str, port: u16, kind: ServiceKind) -> Self {
        Service { at: at.to_owned(), addresses: Vec::new(), ports: vec![port], kind }
    }

    /// Limits it to this address and those added before.
    ///
    /// # Panics
    ///
    /// If it is not an address.
    #[must_use]
    pub fn on(mut self, text: &str) -> Self {
        self.addresses.push(address(text));
        self
    }

    /// Adds a port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.ports.push(port);
        self
    }
}

impl Tls {
    /// A healthy server for one name that answers 200.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Tls { names: vec![name.to_owned()], ..Tls::default() }
    }

    /// The same with another certificate.
    #[must_use]
    pub fn certificate(self, certificate: Certificate) -> Self {
        Tls { certificate, ..self }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Tls { status, ..self }
    }
}

impl Default for Tls {
    fn default() -> Self {
        Tls {
            names: Vec::new(),
            certificate: Certificate::Trusted,
            large: false,
            only_name: None,
            alpn: vec!["http/1.1".to_owned()],
            after: TlsAfter::Http,
            status: 200,
            body: 64,
            delay_ms: 0,
        }
    }
}

impl Resolver {
    /// A resolver on all addresses of a node that knows nothing yet.
    #[must_use]
    pub fn at(node: &str) -> Self {
        Resolver { at: node.to_owned(), ..Resolver::default() }
    }

    /// Limits it to this address and those added before.
    ///
    /// # Panics
    ///
    /// If it is not an address.
    #[must_use]
    pub fn on(mut self, text: &str) -> Self {
        self.addresses.push(address(text));
        self
    }

    /// Adds a name.
    #[must_use]
    pub fn name(mut self, name: Name) -> Self {
        self.names.push(name);
        self
    }

    /// Adds the name of an address.
    ///
    /// # Panics
    ///
    /// If it is not an address.
    #[must_use]
    pub fn pointer(mut self, text: &str, name: &str) -> Self {
        self.pointers.insert(address(text), name.to_owned());
        self
    }
}

impl Name {
    /// A name with a pool that is given whole in each answer, with a time to live of 300 s.
    ///
    /// # Panics
    ///
    /// If an address is not one.
    #[must_use]
    pub fn new<const N: usize>(name: &str, addresses: [&str; N]) -> Self {
        Name {
            name: name.to_owned(),
            addresses: addresses.map(address).to_vec(),
            ttl: default_ttl(),
            ..Name::default()
        }
    }

    /// The same with another selection.
    #[must_use]
    pub fn selection(self, selection: Selection) -> Self {
        Name { selection, ..self }
    }

    /// The same with another reply.
    #[must_use]
    pub fn reply(self, reply: Reply) -> Self {
        Name { reply, ..self }
    }
}

fn default_ttl() -> u32 {
    300
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not an IP address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_survives_toml() {
        let text = r#"
            name = "everything"
            [client]
            ipv6 = "no-route"
            ping_sockets = true
            hosts_file = { "pinned.example" = ["203.0.113.9"] }
            [[stages]]
            routers = [{ name = "r1" }]
            [[stages]]
            routers = [{ name = "ra" }, { name = "rb", dead = true }]
            [[hosts]]
            name = "web"
            addresses = ["203.0.113.11", "2001:db8::11"]
            [[links]]
            between = ["r1", "ra"]
            relay = { delay_ms = 5, name_cut = { names = ["a.example"], cut = "reset-client" } }
            [[faults]]
            at = "r1"
            addresses = ["203.0.113.11"]
            ports = [443]
            effect = { reject = "admin-prohibited" }
            [[faults]]
            at = "r1"
            effect = { loss = { percent = 30 } }
            direction = "both"
            [[faults]]
            at = "client"
            effect = "output-drop"
            [[services]]
            at = "web"
            ports = [443]
            kind = { tls = { names = ["a.example"], certificate = "expired" } }
            [[services]]
            at = "web"
            ports = [25]
            kind = { banner = "220 mail\r\n" }
            [[resolvers]]
            at = "web"
            [[resolvers.names]]
            name = "a.example"
            addresses = ["203.0.113.11"]
            selection = { random = { size = 1, seed = 7 } }
            reply_aaaa = "servfail"
        "#;
        let read = Description::from_toml(text).unwrap();
        let written = toml::to_string(&read).unwrap();
        assert_eq!(Description::from_toml(&written).unwrap(), read);
        assert_eq!(read.faults[0].effect, Effect::Reject(Rejection::AdminProhibited));
        assert_eq!(read.resolvers[0].names[0].ttl, 300);
    }

    #[test]
    fn a_misspelt_key_is_an_error() {
        let error =
            Description::from_toml("[[stages]]\nrouters = [{ name = \"r1\", ded = true }]").unwrap_err();
        assert!(error.to_string().contains("ded"), "{error}");
    }
}
