//! What a patrol learns, in the order in which it learned it.

use std::{collections::BTreeSet, net::SocketAddr};

use serde::{Deserialize, Serialize};

use super::{
    Asked, Matter, Reason, Sample, Series, TargetId,
    joining::{ServiceName, Suffering},
};
use crate::{
    Time,
    model::{Case, Certificate, Diagnosis, Distrust, Observation, ResolutionError},
};

/// Something that a patrol learned.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An address was tried.
    Sample(Sample),
    /// A resolver was asked.
    Asked(Asked),
    /// An address changed its state.
    Moved(Transition),
    /// The name began to resolve, or ceased to.
    Resolution(ResolutionChange),
    /// Resolvers began to give pools that differ, or ceased to. Said only of pools that are exhausted: two samples
    /// of one large pool also differ.
    Agreement(AgreementChange),
    /// A certificate was seen that was not seen at this address the last time.
    Certificate(CertificateSeen),
    /// This host's own connectivity changed.
    Vantage(VantageChange),
    /// Nothing was done from here to there: the host slept, or the process was held.
    Gap {
        /// The last time that is known to have been watched.
        from: Time,
        /// The first one afterwards.
        until: Time,
    },
    /// A whole survey that was asked for is over.
    Examined(Box<Examination>),
    /// A service suffers on its way to a target.
    Suffering {
        /// The target.
        target: TargetId,
        /// What it suffers.
        suffering: Box<Suffering>,
        /// When that was found.
        at: Time,
    },
    /// It does no more.
    Relieved {
        /// The target.
        target: TargetId,
        /// The service.
        service: ServiceName,
        /// When it failed the last time.
        last: Time,
        /// When that was found.
        at: Time,
    },
    /// Something besides is wrong, or otherwise wrong than it was.
    Matter {
        /// What.
        matter: Box<Matter>,
        /// When that was found.
        at: Time,
    },
    /// It is over.
    MatterOver {
        /// Its key.
        key: String,
        /// It was seen to be well. Otherwise it is only not heard of any more.
        seen: bool,
        /// When that was found.
        at: Time,
    },
}

/// What is thought of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressState {
    /// Not tried yet, or not with any result.
    #[default]
    Unknown,
    /// It answers.
    Ok,
    /// It failed, and is tried again at once.
    Suspect,
    /// It fails.
    Down,
    /// It failed and answers again, not yet for long enough.
    Recovering,
    /// No resolver has given it lately. Still tried until it is forgotten; what is known of its health stands.
    Gone,
}

impl AddressState {
    /// Whether it is known to fail, or has failed and not yet answered for long enough.
    pub const fn is_bad(self) -> bool {
        matches!(self, AddressState::Down | AddressState::Recovering)
    }

    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            AddressState::Unknown => "unknown",
            AddressState::Ok => "ok",
            AddressState::Suspect => "suspect",
            AddressState::Down => "down",
            AddressState::Recovering => "recovering",
            AddressState::Gone => "gone",
        }
    }
}

/// An address changed its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The address.
    pub series: Series,
    /// When.
    pub at: Time,
    /// From…
    pub from: AddressState,
    /// …to. The same where only `why` says something new ([`Why::Forgotten`]).
    pub to: AddressState,
    /// What brought it about.
    pub why: Why,
}

/// What brought a transition about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// An answer.
    Answered,
    /// A failure.
    Failed(Reason),
    /// A failure of an address that has never answered since it was first seen, while others of its name do: what
    /// a list of allowed addresses does when the name gets a new one.
    BlockedFromBirth(Reason),
    /// A resolver gave it for the first time.
    Appeared,
    /// No resolver gives it any more.
    LeftDns,
    /// A resolver gives it again.
    Returned,
    /// Gone for so long that it is not tried any more.
    Forgotten,
    /// The target is not watched any more, or no longer at this address.
    Dropped,
}

/// The name began to resolve, or ceased to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolutionChange {
    /// The target.
    pub target: TargetId,
    /// When.
    pub at: Time,
    /// Why it does not resolve; `None` where it does.
    pub error: Option<ResolutionError>,
}

/// Resolvers began to give pools that differ, or ceased to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementChange {
    /// The target.
    pub target: TargetId,
    /// When.
    pub at: Time,
    /// The resolvers whose pools differ from those of the others; empty where all agree.
    pub odd: BTreeSet<SocketAddr>,
}

/// A certificate that an address shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateSeen {
    /// The address.
    pub series: Series,
    /// When.
    pub at: Time,
    /// The end-entity certificate.
    pub certificate: Certificate,
    /// Seconds since the Unix epoch at which the first certificate of the chain expires.
    pub chain_expires: i64,
    /// What is wrong with the chain.
    pub distrust: Vec<Distrust>,
}

/// This host's own connectivity changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VantageChange {
    /// When.
    pub at: Time,
    /// Whether this host reaches anything.
    pub online: bool,
    /// What does not answer: gateway, resolvers, reference targets; watched addresses, where nothing else says so.
    pub silent: Vec<String>,
    /// What of its own surroundings answers all the same.
    #[serde(default)]
    pub near: Vec<String>,
}

/// A whole survey of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Examination {
    /// The target.
    pub target: TargetId,
    /// What the survey started from.
    pub case: Case,
    /// What it observed: with `case`, everything that is needed to judge again.
    pub observations: Vec<Observation>,
    /// When it was over.
    pub finished: Time,
    /// What is concluded.
    pub diagnosis: Diagnosis,
}
