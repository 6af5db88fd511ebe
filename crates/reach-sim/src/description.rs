//! What a network looks like, as a value read from TOML: the vocabulary of `crates/reach-lab`, so that one file
//! can be played here and built out of namespaces there. The few things that only exist here say so.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Deserialize;

/// A whole network: the client at one end, routers in a chain of stages, hosts behind them, and what is wrong
/// with it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
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
    /// What is broken or forbidden.
    pub faults: Vec<Fault>,
    /// Servers over TCP.
    pub services: Vec<Service>,
    /// Servers of names.
    pub resolvers: Vec<Resolver>,
}

/// The client's own settings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Client {
    /// How much IPv6 the client has.
    pub ipv6: ClientIpv6,
    /// The name servers in its `resolv.conf`; if absent, the first address of each resolver.
    pub resolvers: Option<Vec<IpAddr>>,
    /// The `options` line of its `resolv.conf`, without the word `options`.
    pub resolver_options: String,
    /// Lines of its hosts file.
    pub hosts_file: BTreeMap<String, Vec<IpAddr>>,
    /// Whether an ordinary user may open ICMP datagram sockets.
    pub ping_sockets: bool,
}

/// How much IPv6 the client has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientIpv6 {
    /// An address and a default route.
    #[default]
    Routed,
    /// An address, but no route beyond the first link.
    NoRoute,
    /// Switched off.
    Off,
}

/// One step of the chain: one router, or several over which flows are spread.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// The routers side by side.
    pub routers: Vec<Router>,
    /// By what packets are spread over them. Only here.
    #[serde(default)]
    pub spread: Spread,
}

/// By what packets are spread over the routers of a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// A hash over addresses, ports and protocol.
    #[default]
    Flows,
    /// A hash over addresses.
    Addresses,
    /// Chance.
    Packets,
}

/// A router.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Router {
    /// Unique in the network.
    pub name: String,
    /// Drops everything that it should forward, but still says "time exceeded".
    #[serde(default)]
    pub dead: bool,
    /// Never sends an ICMP error.
    #[serde(default)]
    pub anonymous: bool,
    /// Keeps the kernel's own limit on ICMP errors.
    #[serde(default)]
    pub icmp_rate_limited: bool,
    /// The routers of the next stage that it spreads packets over; all when empty. Only here.
    #[serde(default)]
    pub next: Vec<String>,
    /// Lowers the maximum segment size that SYNs through it offer. Only here.
    #[serde(default)]
    pub clamp_mss: Option<u16>,
    /// Translates the source of packets from the client. Only here.
    #[serde(default)]
    pub translates: bool,
    /// Hops by which the way back of its ICMP errors is longer than the way there. Only here.
    #[serde(default)]
    pub detour: u8,
    /// MPLS labels that packets come to it with, top first. Only here.
    #[serde(default)]
    pub labels: Vec<u32>,
}

/// A node that owns addresses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Unique in the network.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// The router behind whose stage it hangs; the last stage if absent.
    #[serde(default)]
    pub behind: Option<String>,
}

/// A link that is not an ordinary one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The nodes at its ends, in either order.
    pub between: (String, String),
    /// The largest packet it carries. Both ends must be routers.
    #[serde(default)]
    pub mtu: Option<u16>,
    /// Whether the routers keep silent about packets that are too big.
    #[serde(default)]
    pub silent_about_size: bool,
    /// A box in the middle of the link.
    #[serde(default)]
    pub relay: Option<Relay>,
}

/// A box in the middle of a link which is invisible at the IP layer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Relay {
    /// Added to every packet in each direction.
    pub delay_ms: u64,
    /// Up to so much more, at random.
    pub jitter_ms: u64,
    /// Share of packets lost.
    pub loss_percent: u8,
    /// The direction in which packets are lost.
    pub loss_direction: Direction,
    /// The lab's seed; here the scenario's own seed rules.
    pub seed: u64,
    /// Cuts TLS connections by the name in the ClientHello.
    pub name_cut: Option<NameCut>,
}

/// Which TLS connections a [`Relay`] cuts, and how.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameCut {
    /// Names; `*.example.com` is every name below `example.com`.
    pub names: Vec<String>,
    /// What happens to the connection.
    pub cut: Cut,
    /// Server addresses to which it is limited; all if empty.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

/// What a [`NameCut`] does when it has seen the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// The segment with the name and everything after it from the client vanish.
    #[default]
    Drop,
    /// The same, and the client gets a RST in the server's name.
    ResetClient,
    /// The same, and the server gets one in the client's name.
    ResetBoth,
}

/// Packets to the endpoint, packets from it, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
    /// The protocol; if absent TCP where ports or flows are given, else all.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// The direction of the packets that are hit, for effects in the forwarding path.
    #[serde(default)]
    pub direction: Direction,
    /// Only some flows, chosen by their source port.
    #[serde(default)]
    pub flows: Option<FlowShare>,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP and ICMPv6 echo.
    Icmp,
}

/// The flows whose client port falls into the first `hit` of `of` classes of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowShare {
    /// How many classes are hit.
    pub hit: u16,
    /// How many classes there are.
    pub of: u16,
}

/// What a [`Fault`] does. Those without another remark belong on routers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
    /// As `Reset`, with this initial TTL, as boxes do that copy the host's. Only here.
    ResetWithTtl(u8),
    /// Answered by an ICMP error when forwarded.
    Reject(Rejection),
    /// Answered by an ICMP error on arrival.
    RejectEarly(Rejection),
    /// Lost at random. Also on the client and hosts.
    Loss {
        /// Out of a hundred packets.
        percent: u8,
    },
    /// Dropped by the node that sends it. On the client and hosts.
    OutputDrop,
    /// Dropped on the client behind its `output` hook (netdev egress). Only here.
    EgressDrop,
    /// Refused with a RST by the node that sends it. On the client and hosts.
    OutputReset,
    /// Refused with an ICMP error by the node that sends it. On the client and hosts.
    OutputReject(Rejection),
    /// Dropped by the node that receives it: on the client the answer, on a host the question.
    InputDrop,
    /// Refused with a RST by the host that receives it. Only here.
    InputReset,
    /// A route that leads nowhere; needs addresses. On routers and the client.
    Route(RouteKind),
    /// The addresses are said to be on the link behind the router, and nobody there answers for them.
    Unclaimed,
    /// The router completes TCP handshakes in the hosts' name before it asks them.
    SynProxy {
        /// What the proxy then finds behind it.
        backend: Backend,
    },
    /// Source NAT for IPv4 with few ports.
    Snat {
        /// The source address that hosts see.
        to: std::net::Ipv4Addr,
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
    /// Connections end at a server in the router itself; give the router a [`Service`] on that port.
    Redirect {
        /// The router's local port.
        to_port: u16,
    },
}

/// The ICMP error of a rejection; each has its ICMPv6 equivalent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The node: a host or a router.
    pub at: String,
    /// The addresses it listens on. If empty: on a host every address that no other service claims for the
    /// port, on a router all.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The ports it listens on.
    pub ports: Vec<u16>,
    /// What it does.
    pub kind: ServiceKind,
}

/// What a [`Service`] does with a connection.
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
    /// Sends this text at once, then nothing.
    Banner(String),
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
#[derive(Clone, Debug, PartialEq, Deserialize)]
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

impl Default for Tls {
    fn default() -> Self {
        Self {
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

/// What a TLS server does after the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certificate {
    /// Nothing.
    #[default]
    Trusted,
    /// Issued for `wrong.example` instead.
    WrongName,
    /// Ended in 2021.
    Expired,
    /// Ends five days after the examination. Only here.
    ExpiresSoon,
    /// Begins in 2090.
    NotYetValid,
    /// Signed by itself.
    SelfSigned,
    /// Issued for the right names by "Corporate Inspection CA", which nobody trusts.
    Inspection,
    /// The same, and this machine trusts it. Only here.
    InspectionTrusted,
}

/// A name server, over UDP and TCP port 53.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
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
    /// What it says to all other names; `answer` means NXDOMAIN here.
    #[serde(default)]
    pub otherwise: Reply,
}

/// What a resolver does over TCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
    /// Whether the resolver keeps one selection while the time to live runs down, then picks anew.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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
        /// The lab's seed; here the scenario's own seed rules.
        seed: u64,
    },
    /// So many in a row, the next answer continuing where the last one ended.
    Window {
        /// Addresses in an answer.
        size: usize,
    },
}

/// What a resolver says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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

fn default_ttl() -> u32 {
    300
}
