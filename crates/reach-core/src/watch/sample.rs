//! The smallest facts: one address tried once, one resolver asked once.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    Time,
    model::{RecordKind, ResolutionError},
    time::micros,
};

/// Names a watched target in everything that is remembered. Given once, when the target is first seen, and never
/// given again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetId(pub u32);

/// One address of one target: what has a history of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The target.
    pub target: TargetId,
    /// The address.
    pub address: IpAddr,
}

/// How deep a try went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// An ICMP echo request. Says how long the way is; its silence is never a failure.
    Echo,
    /// A TCP handshake.
    Connect,
    /// TLS, and a request where the target is a URL, on top of it.
    Exchange,
}

impl Layer {
    /// The word that programs see.
    pub const fn code(self) -> &'static str {
        match self {
            Layer::Echo => "echo",
            Layer::Connect => "connect",
            Layer::Exchange => "exchange",
        }
    }
}

/// One address tried once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// What was tried.
    pub series: Series,
    /// How deep.
    pub layer: Layer,
    /// When it was sent.
    pub at: Time,
    /// What came of it.
    pub reading: Reading,
    /// A try out of turn, after a failure of this or of another address of the name, which says nothing new about
    /// shares.
    pub again: bool,
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// It worked: from the SYN or the echo request to the answer; of an exchange, from the SYN to the end of the
    /// deepest layer asked.
    Answered(#[serde(with = "micros")] Duration),
    /// It did not.
    Failed(Reason),
    /// This host could not even ask: says nothing about the address.
    Unable,
}

/// Why a try failed, as one try can tell. By whose hand is for a survey to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No answer to any SYN, or to the echo request.
    Timeout,
    /// A RST for the SYN.
    Refused,
    /// An ICMP unreachable, or one that only hosts send.
    Unreachable,
    /// An ICMP administratively prohibited.
    Prohibited,
    /// This host's own packet filter.
    BlockedLocally,
    /// Reset or closed after the handshake.
    ClosedEarly,
    /// The TLS handshake failed.
    Tls,
    /// The certificate does not cover the name, or nobody trusts it.
    Untrusted,
    /// Connected, and then nothing came.
    Silent,
    /// A status of 500 or more, or no HTTP at all.
    Http,
}

impl Reason {
    /// All of them, in the order of their numbers, which begin at 0.
    pub const ALL: [Reason; 10] = [
        Reason::Timeout,
        Reason::Refused,
        Reason::Unreachable,
        Reason::Prohibited,
        Reason::BlockedLocally,
        Reason::ClosedEarly,
        Reason::Tls,
        Reason::Untrusted,
        Reason::Silent,
        Reason::Http,
    ];

    /// The stable name, as metrics and exports give it.
    pub const fn code(self) -> &'static str {
        match self {
            Reason::Timeout => "timeout",
            Reason::Refused => "refused",
            Reason::Unreachable => "icmp_unreachable",
            Reason::Prohibited => "icmp_admin_prohibited",
            Reason::BlockedLocally => "blocked_locally",
            Reason::ClosedEarly => "reset",
            Reason::Tls => "tls",
            Reason::Untrusted => "untrusted",
            Reason::Silent => "read_timeout",
            Reason::Http => "http_status",
        }
    }
}

/// One resolver asked once for the addresses of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The target.
    pub target: TargetId,
    /// The resolver.
    pub resolver: SocketAddr,
    /// What it was asked for.
    pub kind: RecordKind,
    /// When.
    pub at: Time,
    /// The addresses of its answer, or why there are none. An answer without addresses of this kind is
    /// [`ResolutionError::NoData`].
    pub answer: Result<Vec<IpAddr>, ResolutionError>,
    /// How long the answer took; the time-out where none came.
    #[serde(with = "micros")]
    pub took: Duration,
}
