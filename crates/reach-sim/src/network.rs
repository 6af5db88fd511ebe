//! What a pretend network consists of: the client's machine, stages of routers, hosts, rules, resolvers.
//! Plain description; [`World`](crate::World) makes it behave.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use reach_core::model::{IcmpError, Rcode, Vantage};

pub use crate::packet::{Heading, Protocol};

/// A whole pretend network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The machine that looks; its node number is 0.
    pub client: Client,
    /// The stages from the client outwards: stage 0 is hop 1.
    pub stages: Vec<Stage>,
    /// The hosts, by address. Packets to any other address vanish behind the last stage.
    pub hosts: BTreeMap<IpAddr, Host>,
    /// Links that differ from `usual_link`, by the numbers of their near and far node.
    pub links: BTreeMap<(usize, usize), Link>,
    /// All other links.
    pub usual_link: Link,
    /// The resolvers: port 53 of hosts, or of the client's own loopback addresses.
    pub resolvers: BTreeMap<IpAddr, Resolver>,
    /// Seed of all chance.
    pub seed: u64,
}

/// The machine that looks.
#[derive(Clone, Debug)]
pub struct Client {
    /// What the survey is told of it. An address family without a source address has no route.
    pub vantage: Vantage,
    /// Its packet filter, at the hooks `Output`, `Egress` and `Input`.
    pub rules: Vec<Rule>,
    /// Routes that refuse.
    pub dead_routes: Vec<DeadRoute>,
    /// Which of its counters can be read.
    pub counters: Counters,
    /// When it repeats a SYN.
    pub syn_schedule: SynSchedule,
    /// Bytes of its ClientHello.
    pub hello_size: u32,
    /// Packets a second that other programs send, and as many that they receive: noise in the counters.
    pub other_traffic: u32,
    /// How long its stub resolver waits for one answer.
    pub stub_timeout: Duration,
    /// How often its stub resolver asks each server.
    pub stub_attempts: u32,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            vantage: Vantage::default(),
            rules: Vec::new(),
            dead_routes: Vec::new(),
            counters: Counters::Full,
            syn_schedule: SynSchedule::Linear,
            hello_size: 320,
            other_traffic: 0,
            stub_timeout: Duration::from_secs(5),
            stub_attempts: 2,
        }
    }
}

/// A route of the client that refuses at once, without a packet.
#[derive(Clone, Debug)]
pub struct DeadRoute {
    /// To these addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// `unreachable`, `prohibit` or `blackhole` of ip-route(8).
    pub kind: DeadRouteKind,
}

/// How a dead route refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadRouteKind {
    /// `EHOSTUNREACH`.
    Unreachable,
    /// `EACCES`.
    Prohibit,
    /// `EINVAL`.
    Blackhole,
}

/// Which of the kernel's counters can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counters {
    /// None.
    None,
    /// All but `OutTransmits` (kernels before about 6.7).
    WithoutTransmits,
    /// All.
    Full,
}

/// When a kernel repeats a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SynSchedule {
    /// 0, 1, 2, 3, 4, 5, 7, 11 … s: Linux since 6.5 (`tcp_syn_linear_timeouts`).
    Linear,
    /// 0, 1, 3, 7, 15 … s: before.
    Doubling,
}

/// One stage of the path: a router or several parallel ones, among which packets from the client are spread;
/// packets to the client take the first living one.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// The routers.
    pub routers: Vec<Router>,
    /// By what packets are spread.
    pub spread: Spread,
}

/// By what packets are spread over parallel routers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// A hash over addresses, ports and protocol.
    #[default]
    Flows,
    /// A hash over addresses.
    Addresses,
    /// Chance.
    Packets,
}

/// A link: applies to each packet that crosses it.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// One way.
    pub delay: Duration,
    /// Each packet is up to this much later, by chance.
    pub jitter: Duration,
    /// Probability that a packet from the client is lost.
    pub loss_out: f64,
    /// Probability that a packet to the client is lost.
    pub loss_back: f64,
    /// The largest packet that fits, and whether the router before it says so.
    pub mtu: Option<LinkMtu>,
    /// A box in the middle, without an address and without an effect on the TTL, that reads names.
    pub name_cut: Option<NameCut>,
}

/// How large a packet fits a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkMtu {
    /// Bytes with the IP header.
    pub bytes: u32,
    /// Larger packets vanish without an ICMP error.
    pub silent: bool,
}

/// Cuts TLS connections by the name in the ClientHello: the segment with the name and everything after it from
/// the client vanish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameCut {
    /// Lower case; `*.` stands for everything below.
    pub names: Vec<String>,
    /// Peers; `None` all.
    pub addresses: Option<BTreeSet<IpAddr>>,
    /// The client gets a RST in the peer's name.
    pub resets: bool,
}

/// A router.
#[derive(Clone, Debug, Default)]
pub struct Router {
    /// Its node number.
    pub node: usize,
    /// The addresses it answers from, one for each family. Without one it is anonymous in that family.
    pub addresses: Vec<IpAddr>,
    /// Its packet filter and routes, at the hooks `Prerouting`, `Routing`, `Forward` and `Postrouting`.
    pub rules: Vec<Rule>,
    /// Never sends an ICMP error.
    pub anonymous: bool,
    /// Says that the TTL ran out, and forwards nothing.
    pub dead: bool,
    /// How fast it sends ICMP errors to one client; `None` as fast as asked.
    pub icmp_limit: Option<Rate>,
    /// What redirected connections find, by port.
    pub ports: BTreeMap<u16, Service>,
    /// TTL of the packets that it makes; 64 when `None`.
    pub initial_ttl: Option<u8>,
    /// The routers of the next stage that it spreads packets over; all when empty.
    pub next: Vec<usize>,
    /// Lowers the maximum segment size that SYNs through it offer.
    pub clamp_mss: Option<u16>,
    /// Translates the source of packets from the client.
    pub translates: bool,
    /// Hops by which the way back of its ICMP errors is longer than the way there.
    pub detour: u8,
    /// MPLS labels that packets come to it with, top first.
    pub labels: Vec<u32>,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Size of the bucket.
    pub burst: f64,
    /// Tokens a second.
    pub per_second: f64,
}

impl Rate {
    /// Linux: one ICMP error a second for each destination behind a burst of six (`icmp_ratelimit` 1000).
    pub const LINUX_ICMP: Rate = Rate { burst: 6.0, per_second: 1.0 };
    /// Linux: errors of a route that refuses (`net.ipv4.route.error_burst`, `error_cost`).
    pub const LINUX_ROUTE: Rate = Rate { burst: 5.0, per_second: 1.0 };
}

/// One rule of a packet filter, or one misfortune.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it sits.
    pub hook: Hook,
    /// What it is limited to.
    pub matches: Match,
    /// What it does.
    pub action: Action,
}

/// Where a rule sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    /// On a router: before the routing decision, and so before the TTL is looked at.
    Prerouting,
    /// On a router: the routing decision, still before the TTL is looked at.
    Routing,
    /// On a router: after the TTL is looked at.
    Forward,
    /// Behind `Forward` on a router, behind `Output` on the client.
    Postrouting,
    /// On the client and hosts: packets of their own.
    Output,
    /// On the client: behind `Postrouting`, before the driver.
    Egress,
    /// On the client and hosts: packets for them.
    Input,
}

/// What a rule is limited to. The default is every packet from the client. Addresses and ports are always
/// those of the far end. ICMP errors are only met by rules without address, port and protocol.
#[derive(Clone, Debug)]
pub struct Match {
    /// Peers; `None` all.
    pub addresses: Option<BTreeSet<IpAddr>>,
    /// Peer ports; `None` all, and packets without ports.
    pub ports: Option<BTreeSet<u16>>,
    /// A protocol.
    pub protocol: Option<Protocol>,
    /// A direction; `None` both.
    pub heading: Option<Heading>,
    /// Only flows whose client port falls into the first so many of so many classes of a hash.
    pub flows: Option<(u16, u16)>,
    /// Only IPv4.
    pub v4_only: bool,
}

impl Default for Match {
    fn default() -> Self {
        Self {
            addresses: None,
            ports: None,
            protocol: None,
            heading: Some(Heading::Out),
            flows: None,
            v4_only: false,
        }
    }
}

/// What a rule does to a packet that it matches.
#[derive(Clone, Debug)]
pub enum Action {
    /// It vanishes.
    Drop,
    /// A RST in the addressee's name, with this initial TTL (64 when `None`).
    Reset {
        /// Initial TTL.
        ttl: Option<u8>,
    },
    /// An ICMP error.
    Reject {
        /// Which.
        how: Unreachable,
        /// A rate that this rule keeps, whatever the router's own.
        limit: Option<Rate>,
    },
    /// It vanishes with this probability.
    Lose(f64),
    /// It is held up.
    Delay(Duration),
    /// A new connection is accepted here first, and then connected to its addressee (SYN proxy). A TCP
    /// handshake is all that it stands in for.
    SynProxy,
    /// The connection is taken over by the service on this port of the router (transparent proxy).
    Redirect(u16),
    /// At most so many connections at a time: source address translation with few ports, connection limits.
    Capacity {
        /// How many.
        limit: u32,
        /// What is counted together.
        per: Scope,
    },
    /// SYNs above a rate vanish.
    SynRate(Rate),
    /// The addressee is asked for on the next link (ARP, neighbour discovery), and nobody answers.
    Unclaimed,
}

/// What a limit counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Connections to the same address and port.
    Endpoint,
    /// All connections.
    All,
}

/// The ways in which a packet filter says no by ICMP, in both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// 3/3, 1/4.
    Port,
    /// 3/13, 1/1.
    AdminProhibited,
    /// 3/1, 1/3.
    Host,
    /// 3/0, 1/0.
    Net,
    /// 3/10, 1/5.
    HostProhibited,
    /// 3/9, 1/6.
    NetProhibited,
    /// 3/2, parameter problem 4/1.
    Protocol,
}

impl Unreachable {
    /// Type and code.
    pub const fn error(self, v6: bool) -> IcmpError {
        let (kind, code) = match (self, v6) {
            (Unreachable::Port, false) => (3, 3),
            (Unreachable::Port, true) => (1, 4),
            (Unreachable::AdminProhibited, false) => (3, 13),
            (Unreachable::AdminProhibited, true) => (1, 1),
            (Unreachable::Host, false) => (3, 1),
            (Unreachable::Host, true) => (1, 3),
            (Unreachable::Net, false) => (3, 0),
            (Unreachable::Net, true) => (1, 0),
            (Unreachable::HostProhibited, false) => (3, 10),
            (Unreachable::HostProhibited, true) => (1, 5),
            (Unreachable::NetProhibited, false) => (3, 9),
            (Unreachable::NetProhibited, true) => (1, 6),
            (Unreachable::Protocol, false) => (3, 2),
            (Unreachable::Protocol, true) => (4, 1),
        };
        IcmpError { v6, kind, code }
    }
}

/// One address of a host.
#[derive(Clone, Debug)]
pub struct Host {
    /// The node number of the host.
    pub node: usize,
    /// How many stages lie before it: its hop number is one more.
    pub behind: usize,
    /// Its packet filter, at the hooks `Input` and `Output`.
    pub rules: Vec<Rule>,
    /// What listens where. Other ports are [`Service::Closed`].
    pub ports: BTreeMap<u16, Service>,
    /// TTL of its packets.
    pub initial_ttl: u8,
}

/// What a port does.
#[derive(Clone, Debug, PartialEq)]
pub enum Service {
    /// RST.
    Closed,
    /// Accepts, and says nothing, ever.
    Quiet,
    /// Accepts, and speaks first.
    Banner(Vec<u8>),
    /// Accepts, and ends the connection, at once or once something was said.
    Ends {
        /// By RST rather than FIN.
        reset: bool,
        /// Reads something first.
        after_data: bool,
    },
    /// Accepts, and answers whatever is said with a fatal TLS alert.
    Alert(u8),
    /// HTTP in the clear, whatever was said.
    Http(Http),
    /// TLS.
    Tls(Box<Tls>),
}

/// A TLS server.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// Its certificate.
    pub certificate: Leaf,
    /// Closes unless asked for this name.
    pub only_name: Option<String>,
    /// Offers `http/1.1` (ALPN).
    pub offers_http: bool,
    /// Bytes of its first flight.
    pub flight: u32,
    /// What it answers to requests.
    pub http: Http,
}

/// A certificate, as far as it matters to those who check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The names it covers; `*.` covers one label.
    pub names: Vec<String>,
    /// Who issued it.
    pub issuer: Issuer,
    /// Start of validity, seconds since the Unix epoch.
    pub not_before: i64,
    /// End of validity, seconds since the Unix epoch.
    pub not_after: i64,
}

/// Who issued a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// An authority of the public web.
    Public,
    /// The same key.
    Itself,
    /// An authority of somebody's own.
    Private {
        /// Its distinguished name.
        name: String,
        /// Whether the client's machine trusts it.
        trusted: bool,
    },
}

/// An HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// What it does with a request.
    pub conduct: HttpConduct,
    /// How long it thinks.
    pub delay: Duration,
    /// Bytes of its answer.
    pub length: u32,
}

/// What an HTTP server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpConduct {
    /// Answers with this status.
    Status(u16),
    /// Closes.
    Close,
    /// Resets.
    Reset,
    /// Says nothing.
    Mute,
}

/// A resolver.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    /// How long it thinks.
    pub delay: Duration,
    /// Accepts questions over TCP and never answers them.
    pub mute_over_tcp: bool,
    /// The names it knows, lower case.
    pub zone: BTreeMap<String, Entry>,
    /// What it says to all other names; [`Say::Addresses`] means NXDOMAIN here.
    pub otherwise: Say,
}

/// What a resolver knows of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The names behind this one, ending with the one that has the addresses.
    pub aliases: Vec<String>,
    /// Its addresses, both families.
    pub addresses: Vec<IpAddr>,
    /// Time to live in seconds.
    pub ttl_s: u32,
    /// How it chooses among them.
    pub choice: Choice,
    /// Keeps an answer for its time to live.
    pub cached: bool,
    /// What it says.
    pub say: Say,
    /// What it says to questions for IPv6 addresses.
    pub say_aaaa: Say,
}

/// What a resolver says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Say {
    /// The addresses.
    #[default]
    Addresses,
    /// The name exists, without addresses.
    NoData,
    /// This code.
    Error(Rcode),
    /// Nothing.
    Silence,
    /// Over UDP that it does not fit; over TCP the addresses.
    Truncated,
    /// Bytes that are no DNS message.
    Garbage,
    /// The right answer under another id.
    WrongId,
    /// An answer to another question.
    WrongName,
}

/// How a resolver chooses among the addresses of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// All, in the order of the zone.
    #[default]
    Fixed,
    /// All, each time beginning with the next.
    Rotated,
    /// So many by chance.
    Subset(usize),
    /// The next so many, round and round.
    Window(usize),
}
