//! The conclusion on one endpoint and on a target.

use serde::{Deserialize, Serialize};

/// The conclusion on one endpoint: the deepest truth that was proved, from the top of the list where several
/// hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Answered at the deepest layer asked.
    Ok,
    /// This machine has no route there.
    NoRoute,
    /// This machine's own packet filter stops it.
    BlockedLocally,
    /// A device on the way answers ICMP administratively prohibited.
    Prohibited,
    /// A router answers ICMP network, host or port unreachable.
    Unreachable,
    /// The host itself answers RST: nothing listens there.
    Refused,
    /// A device before the host answers RST in its name.
    ResetByPath,
    /// SYNs vanish: no answer of any kind on any flow tried.
    Filtered,
    /// Some source ports always pass and others never do.
    FlowDependent,
    /// Single packets are lost, whatever the flow.
    Lossy,
    /// Connects, then is closed or reset before it answers.
    ClosedEarly,
    /// The TLS handshake dies only when it carries this name.
    NameBlocked,
    /// Small segments pass and large ones vanish.
    MtuBlackhole,
    /// A certificate that this name or the trusted roots do not cover.
    Untrusted,
    /// Another TLS failure.
    TlsFailed,
    /// Connects, and then nothing comes.
    Silent,
    /// The server answers the request with 5xx.
    HttpError,
    /// The tool could not tell. Never shown as an endpoint's `verdict` of the fixed table's meaning: it makes
    /// the target `inconclusive`.
    Inconclusive,
}

impl Verdict {
    /// All verdicts in the order of the table.
    pub const ALL: [Verdict; 18] = [
        Verdict::Ok,
        Verdict::NoRoute,
        Verdict::BlockedLocally,
        Verdict::Prohibited,
        Verdict::Unreachable,
        Verdict::Refused,
        Verdict::ResetByPath,
        Verdict::Filtered,
        Verdict::FlowDependent,
        Verdict::Lossy,
        Verdict::ClosedEarly,
        Verdict::NameBlocked,
        Verdict::MtuBlackhole,
        Verdict::Untrusted,
        Verdict::TlsFailed,
        Verdict::Silent,
        Verdict::HttpError,
        Verdict::Inconclusive,
    ];

    /// The stable kebab-case name.
    pub const fn code(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::NoRoute => "no-route",
            Verdict::BlockedLocally => "blocked-locally",
            Verdict::Prohibited => "prohibited",
            Verdict::Unreachable => "unreachable",
            Verdict::Refused => "refused",
            Verdict::ResetByPath => "reset-by-path",
            Verdict::Filtered => "filtered",
            Verdict::FlowDependent => "flow-dependent",
            Verdict::Lossy => "lossy",
            Verdict::ClosedEarly => "closed-early",
            Verdict::NameBlocked => "name-blocked",
            Verdict::MtuBlackhole => "mtu-blackhole",
            Verdict::Untrusted => "untrusted",
            Verdict::TlsFailed => "tls-failed",
            Verdict::Silent => "silent",
            Verdict::HttpError => "http-error",
            Verdict::Inconclusive => "inconclusive",
        }
    }

    /// No connection can come about at all.
    pub const fn is_below_tls(self) -> bool {
        matches!(
            self,
            Verdict::NoRoute
                | Verdict::BlockedLocally
                | Verdict::Prohibited
                | Verdict::Unreachable
                | Verdict::Refused
                | Verdict::ResetByPath
                | Verdict::Filtered
        )
    }

    /// Some connections can succeed.
    pub const fn is_partly_usable(self) -> bool {
        matches!(self, Verdict::Ok | Verdict::FlowDependent | Verdict::Lossy)
    }
}

/// The conclusion on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Every address that clients on this machine would use is `ok`.
    Reachable,
    /// Some connections can succeed and not all addresses are `ok`.
    PartlyReachable,
    /// None can.
    Unreachable,
    /// The name gives no address.
    Unresolved,
    /// The tool could not tell.
    Inconclusive,
}

/// Why a name gives no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolutionError {
    /// The name does not exist.
    #[serde(rename = "nxdomain")]
    NxDomain,
    /// The name exists, without addresses.
    NoData,
    /// The resolver failed.
    #[serde(rename = "servfail")]
    ServFail,
    /// The resolver refused to answer.
    Refused,
    /// No resolver answered.
    Timeout,
}
