//! One thing worth saying.

use std::{net::IpAddr, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{AddressSource, AnswerFault, Distrust, Rcode};

/// One thing worth saying, with the addresses that show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The addresses that show it; empty when it is about something else.
    pub addresses: Vec<IpAddr>,
    /// What it is, with its numbers.
    pub matter: Matter,
}

/// How much a finding matters, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Connections fail.
    Error,
    /// Something will hurt, or hurts some clients.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// What a finding is about, with its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each field is named in the sentence of its variant")]
pub enum Matter {
    /// Some addresses of one name fail below TLS and others work.
    PartialBlock { working: u32, failing: u32, prefixes: Vec<String> },
    /// No address of the name can be connected to.
    AllBlocked { failing: u32 },
    /// This machine's own packet filter stops some addresses.
    LocalFilter,
    /// The host itself refuses: nothing listens.
    NothingListens,
    /// A device forges resets.
    ForgedReset { by: Option<IpAddr>, hop: Option<u8> },
    /// Source ports decide: a dead member of parallel paths.
    DeadPath { failing_share: f64, suspect: Option<IpAddr> },
    /// Packets are lost at random.
    PacketLoss { lost: u32, sent: u32 },
    /// Single packets were lost, too few to matter or to tell from chance.
    SlightLoss { lost: u32, sent: u32 },
    /// The service closes or resets before it answers.
    ClosedEarly,
    /// Somebody cuts TLS by the name.
    NameBlocked { name: String },
    /// Large packets vanish.
    MtuBlackhole { passes: Option<u16> },
    /// Somebody between here and the host terminates TLS with a certificate of its own.
    Intercepted { issuer: String },
    /// A certificate has expired.
    CertificateExpired { not_after: i64 },
    /// A certificate expires within two weeks.
    CertificateExpiresSoon { not_after: i64 },
    /// The certificate is for other names.
    WrongName { names: Vec<String> },
    /// The certificate's issuer is unknown to this machine.
    UnknownIssuer { issuer: String, distrust: Vec<Distrust> },
    /// TLS fails otherwise.
    TlsFailed,
    /// Connects, and then nothing comes.
    ServiceSilent,
    /// The server answers 5xx.
    HttpError { status: u16 },
    /// Something nearer than the host completes the TCP handshake.
    AnsweredByPath { hop: u8, host_hop: Option<u8>, by: Option<IpAddr> },
    /// New flows fail only while many are open.
    Capacity { crowd: u16, passed: u16 },
    /// Echo goes unanswered where the service answers: ping proves nothing here.
    PingBlocked,
    /// Addresses of a family that this machine has no route for.
    Ipv6WithoutRoute,
    /// Resolvers (or the system and the resolvers) give different pools.
    ResolversDisagree { disjoint: bool, sets: Vec<(AddressSource, Vec<IpAddr>)> },
    /// The hosts file pins the name.
    PinnedByHosts { pinned: Vec<IpAddr> },
    /// A resolver keeps silent.
    ResolverSilent { resolver: SocketAddr, queries: u32 },
    /// A resolver answers with an error while another answers.
    ResolverFails { resolver: SocketAddr, rcode: Rcode },
    /// A resolver's port is closed or barred.
    ResolverUnreachable { resolver: SocketAddr },
    /// A resolver sends what is no answer to the question.
    ResolverGarbage { resolver: SocketAddr, fault: Option<AnswerFault> },
    /// The system's own look-up is slow or hangs although a resolver answers.
    SystemLookupSlow { took: Option<Duration> },
    /// Addresses are probably still unseen.
    PoolNotExhausted { seen: u32, estimated: f64 },
    /// The environment names a proxy and the direct way fails.
    ProxyConfigured { variable: String, value: String },
    /// A router limits the rate of its ICMP errors.
    IcmpRateLimited { router: IpAddr },
}

impl Matter {
    /// The stable kebab-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Matter::PartialBlock { .. } => "partial-block",
            Matter::AllBlocked { .. } => "all-blocked",
            Matter::LocalFilter => "local-filter",
            Matter::NothingListens => "nothing-listens",
            Matter::ForgedReset { .. } => "forged-reset",
            Matter::DeadPath { .. } => "dead-path",
            Matter::PacketLoss { .. } => "packet-loss",
            Matter::SlightLoss { .. } => "slight-loss",
            Matter::ClosedEarly => "closed-early",
            Matter::NameBlocked { .. } => "name-blocked",
            Matter::MtuBlackhole { .. } => "mtu-blackhole",
            Matter::Intercepted { .. } => "intercepted",
            Matter::CertificateExpired { .. } => "certificate-expired",
            Matter::CertificateExpiresSoon { .. } => "certificate-expires-soon",
            Matter::WrongName { .. } => "wrong-name",
            Matter::UnknownIssuer { .. } => "unknown-issuer",
            Matter::TlsFailed => "tls-failed",
            Matter::ServiceSilent => "service-silent",
            Matter::HttpError { .. } => "http-error",
            Matter::AnsweredByPath { .. } => "answered-by-path",
            Matter::Capacity { .. } => "capacity",
            Matter::PingBlocked => "ping-blocked",
            Matter::Ipv6WithoutRoute => "ipv6-without-route",
            Matter::ResolversDisagree { .. } => "resolvers-disagree",
            Matter::PinnedByHosts { .. } => "pinned-by-hosts",
            Matter::ResolverSilent { .. } => "resolver-silent",
            Matter::ResolverFails { .. } => "resolver-fails",
            Matter::ResolverUnreachable { .. } => "resolver-unreachable",
            Matter::ResolverGarbage { .. } => "resolver-garbage",
            Matter::SystemLookupSlow { .. } => "system-lookup-slow",
            Matter::PoolNotExhausted { .. } => "pool-not-exhausted",
            Matter::ProxyConfigured { .. } => "proxy-configured",
            Matter::IcmpRateLimited { .. } => "icmp-rate-limited",
        }
    }
}
