//! What the judge concludes. Opinions, computed from observations whenever somebody asks; the words for them
//! live in the report crate.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    Distrust, Endpoint, Finding, HttpResult, IcmpError, Obstacle, Rcode, ResolutionError, State, Target,
    TlsEnd, TlsResult, Verdict,
};

/// Everything concluded about one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What was asked for.
    pub target: Target,
    /// The conclusion.
    pub state: State,
    /// Why the tool could not tell, when `state` is inconclusive.
    pub doubt: Option<Doubt>,
    /// The addresses behind the name and who said so.
    pub resolution: Resolution,
    /// One for each address, in address order, IPv4 first.
    pub endpoints: Vec<EndpointDiagnosis>,
    /// What clients suffer.
    pub impact: Vec<Impact>,
    /// Everything worth saying, worst first.
    pub findings: Vec<Finding>,
}

/// Why the tool could not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// The probes of some address could not be sent at all.
    CouldNotProbe(Obstacle),
    /// Time ran out before the evidence was enough.
    TooFewAnswers,
    /// No address answers at all, and nothing else shows that this host's own line works.
    NoResolverConfigured,
}

/// The addresses behind a name, with who said so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    /// The fully qualified name that gave the addresses; `None` for a literal address.
    pub name: Option<String>,
    /// Every resolver asked, in the order configured.
    pub resolvers: Vec<ResolverReport>,
    /// What `getent ahosts` said; `None` when it was not asked or gave no answer in time.
    pub system: Option<Vec<IpAddr>>,
    /// How long `getent ahosts` took, when it answered.
    pub system_took: Option<Duration>,
    /// DNS questions sent.
    pub queries: u32,
    /// The pool.
    pub addresses: Vec<PoolAddress>,
    /// How many addresses the pool probably has: the sum over the families of max(seen, Chao2).
    pub estimated: f64,
    /// Estimated share of future answers that hold no unseen address (Good–Turing).
    pub coverage: f64,
    /// Whether the stopping rule was met: one more equally used address would have been missed with less
    /// than the stated probability.
    pub exhausted: bool,
    /// The probability of the stopping rule.
    pub alpha: f64,
    /// Addresses per answer: the median over fresh answers of the larger family.
    pub per_answer: u32,
    /// Whether the order, or the choice, changes from answer to answer.
    pub rotates: bool,
    /// The CNAME chain, alias first.
    pub aliases: Vec<(String, String)>,
    /// Why there is no address.
    pub error: Option<ResolutionError>,
}

/// One address of a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolAddress {
    /// The address.
    pub address: IpAddr,
    /// Who gave it.
    pub sources: BTreeSet<AddressSource>,
    /// In how many answers it was seen.
    pub seen: u32,
    /// The largest TTL seen, in seconds.
    pub ttl_s: Option<u32>,
}

/// Who gave an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressSource {
    /// A resolver asked directly.
    Resolver(SocketAddr),
    /// The system's own look-up.
    System,
    /// The user typed it.
    Literal,
}

/// How one resolver behaved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResolverReport {
    /// The resolver.
    pub resolver: SocketAddr,
    /// How it behaved on the whole.
    pub conduct: Conduct,
    /// Questions sent to it.
    pub queries: u32,
    /// Usable answers.
    pub answers: u32,
    /// Questions it left unanswered.
    pub unanswered: u32,
    /// Median time of an answer.
    pub rtt: Option<Duration>,
    /// Falling TTLs: it answers from a cache, so answers are not independent draws.
    pub cached: bool,
    /// The addresses it gave.
    pub addresses: BTreeSet<IpAddr>,
}

/// How a resolver behaved on the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conduct {
    /// It answers.
    Answers,
    /// It never answers.
    Silent,
    /// It answers with this error code.
    Fails(Rcode),
    /// Its port is closed, or the way there is barred: ICMP error or RST.
    Unreachable,
    /// What it sends is no answer to what was asked.
    Garbage,
    /// It could not be asked from here (no route).
    NotAsked,
}

/// The conclusion on one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointDiagnosis {
    /// Which.
    pub endpoint: Endpoint,
    /// The conclusion.
    pub verdict: Verdict,
    /// How sure, from 0 to 1: for verdicts from statistics the posterior probability, for those from a
    /// message that names its cause 1.
    pub confidence: f64,
    /// ICMP echo.
    pub ping: PingSummary,
    /// TCP connection attempts at full TTL.
    pub connect: ConnectSummary,
    /// The TLS handshake with the name: the best one where several were tried.
    pub tls: Option<TlsResult>,
    /// The HTTP exchange.
    pub http: Option<HttpResult>,
    /// Where on the path, when the trail was followed.
    pub location: Option<Location>,
    /// What shows it, strongest first.
    pub evidence: Vec<Evidence>,
    /// What this run could not see.
    pub gaps: Vec<Gap>,
}

/// ICMP echo to one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingSummary {
    /// Requests sent.
    pub sent: u32,
    /// Replies received.
    pub received: u32,
    /// Median round-trip time.
    pub rtt: Option<Duration>,
    /// Whether echo could not be sent for want of permission.
    pub not_permitted: bool,
}

/// TCP connection attempts at full TTL to one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectSummary {
    /// Attempts.
    pub attempts: u32,
    /// Completed handshakes.
    pub succeeded: u32,
    /// Median handshake round trip.
    pub rtt: Option<Duration>,
    /// SYNs sent.
    pub syns: u32,
    /// SYNs that stayed unanswered.
    pub syns_lost: u32,
    /// By source port.
    pub flows: Vec<FlowTally>,
}

/// One flow: the attempts from one source port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowTally {
    /// The source port.
    pub source_port: u16,
    /// SYNs sent.
    pub syns: u32,
    /// SYNs answered with a SYN-ACK.
    pub answered: u32,
}

/// Where on the path the fault sits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The last router that answered for packets of this kind.
    pub last_answering: Option<IpAddr>,
    /// Its hop number; 0 when no router answered.
    pub ttl: u8,
    /// The device that answered in the host's place.
    pub by: Option<IpAddr>,
    /// The hop that answers behind `last_answering` on the path to an address (or by a flow) that works.
    pub next_on_open_path: Option<IpAddr>,
    /// The address that works and was compared with.
    pub control: Option<IpAddr>,
    /// The trail: what answered at each TTL.
    pub trail: Vec<TrailHop>,
}

/// What answered at one TTL of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailHop {
    /// The TTL / hop limit.
    pub ttl: u8,
    /// What came.
    pub answer: TrailAnswer,
}

/// What came at one TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrailAnswer {
    /// A router said that the TTL ran out there.
    Router(IpAddr),
    /// The connection came about (or the layer above answered).
    Reached,
    /// A RST.
    Reset,
    /// Another ICMP error, and its sender.
    Icmp(IcmpError, IpAddr),
    /// Nothing.
    Silence,
}

/// One fact that shows a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each field is named in the sentence of its variant")]
pub enum Evidence {
    /// So many SYNs on so many flows over so long stayed unanswered.
    SynsUnanswered { syns: u32, flows: u32, over: Duration },
    /// So many of the SYNs sent were answered.
    SynsAnswered { answered: u32, syns: u32 },
    /// Meanwhile another address of the name answered.
    ControlAnswered { address: IpAddr, rtt: Option<Duration> },
    /// ICMP errors, and their sender.
    IcmpReceived { error: IcmpError, by: IpAddr, times: u32 },
    /// RSTs in answer to SYNs.
    ResetReceived { times: u32 },
    /// The lowest TTL at which the RST comes, and the hop number at which its own TTL says it arises.
    ResetFrom { first_ttl: Option<u8>, origin_hop: Option<u8>, host_hop: Option<u8> },
    /// The trail ends behind this router.
    TrailEnds { last: Option<IpAddr>, ttl: u8 },
    /// The local kernel refused to send.
    LocalError { obstacle: Obstacle, errno: Option<i32> },
    /// Of so many SYNs, so many left this machine.
    NeverLeft { sent: u32, left: u32, captured: bool },
    /// The local stack refused to send on so many attempts (`TCP_INFO`).
    StackRefused { attempts: u32 },
    /// Replies reached this machine's interface and were not delivered.
    RepliesDroppedHere { returned: u32, captured: bool },
    /// Source ports that always pass and those that never do.
    FlowsSplit { passing: Vec<u16>, failing: Vec<u16> },
    /// Packets lost, whatever the flow.
    LossMeasured { lost: u32, sent: u32 },
    /// Connected, then closed or reset before any answer, so many times of so many.
    ClosedAfterConnect { reset: bool, times: u32, of: u32 },
    /// With this name the handshake ends so.
    NameDies { name: String, ended: TlsEnd, times: u32 },
    /// With another name (or none) it gets an answer.
    OtherNameAnswered { name: Option<String>, ended: TlsEnd },
    /// The same exchange passes with this segment size.
    SmallSegmentsPass { max_segment: u16, times: u32 },
    /// At the full segment size it stalls.
    LargeSegmentsVanish { max_segment: u32, times: u32 },
    /// The chain received, and what is wrong with it.
    ChainRejected { distrust: Vec<Distrust>, subject: String, issuer: String },
    /// How the TLS handshake ended.
    TlsEnded(TlsEnd),
    /// Connected, and nothing came for so long.
    NothingRead { waited: Duration, times: u32 },
    /// The HTTP status.
    HttpStatus(u16),
    /// The TCP handshake is completed at this hop, and the host stands at that one.
    AnsweredNearer { hop: u8, host_hop: u8 },
}

/// What a run could not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gap {
    /// ICMP echo needs a permission that this user lacks.
    PingNotPermitted,
    /// No address of the name works, so there was no open path to compare with.
    NoControl,
    /// The trail was not followed (time or packet budget).
    TrailNotFollowed,
    /// Whether the local filter drops it could not be told from a drop at the first router.
    LocalEdgeUnknown,
    /// The distance of the host is not known, so the origin of a RST is judged by the trail alone.
    HostDistanceUnknown,
}

/// What one kind of client suffers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// The client model.
    pub client: ClientModel,
    /// Share of connections that fail in the long run, 0 to 1.
    pub failure_share: f64,
    /// Mean time added to a connection that succeeds, where the client tries more than one address.
    pub added_latency: Option<Duration>,
}

/// How a client chooses among the addresses of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientModel {
    /// Only the first address of an answer whose order rotates (JDK `HttpURLConnection`, `Socket`).
    FirstAddress,
    /// The same behind the JVM's 30 s cache: the same share, in bursts of one cache period.
    JvmCached,
    /// First address, and once again after a connection error that is not a time-out (`java.net.http`).
    RetryOnce,
    /// Every address in order, a full connect time-out each (Apache HttpClient, OkHttp 3 and 4, Python).
    AllInOrder,
    /// Every address, a new attempt each 250 ms (RFC 8305: OkHttp 5, Node 20, browsers).
    HappyEyeballs,
    /// Every address in order, each with half of the connect time-out that is left (curl).
    Curl,
}

impl ClientModel {
    /// The stable kebab-case name.
    pub const fn code(self) -> &'static str {
        match self {
            ClientModel::FirstAddress => "first-address",
            ClientModel::JvmCached => "jvm-cached",
            ClientModel::RetryOnce => "retry-once",
            ClientModel::AllInOrder => "all-in-order",
            ClientModel::HappyEyeballs => "happy-eyeballs",
            ClientModel::Curl => "curl",
        }
    }

    /// All models, in the order shown.
    pub const ALL: [ClientModel; 6] = [
        ClientModel::FirstAddress,
        ClientModel::JvmCached,
        ClientModel::RetryOnce,
        ClientModel::AllInOrder,
        ClientModel::HappyEyeballs,
        ClientModel::Curl,
    ];
}
