//! Answers of resolvers: what one says, and whether it is more than a copy of the one before.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::post::Mark;
use crate::{
    Time,
    model::{Answer, Outcome, Rcode, ResolutionError},
    watch::Asked,
};

/// Time between two answers counts as listened to up to so many times the usual.
const LISTENED: u32 = 3;

/// What an answer, or its absence, says.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// For the record.
    pub(super) asked: Option<Asked>,
    /// The addresses, each with its TTL in seconds.
    pub(super) given: Vec<(IpAddr, u32)>,
    /// It is no copy of the answer before.
    pub(super) fresh: bool,
    /// Nothing of use came.
    pub(super) in_vain: bool,
    /// How far its line is listened to now.
    pub(super) mark: Mark,
    /// The next question should come that soon.
    pub(super) again: Option<Duration>,
    /// … and that goes for the other record types too: they are about another name now.
    pub(super) walked: bool,
    /// Whether the name resolves, where that is new.
    pub(super) resolution: Option<Option<ResolutionError>>,
    /// Those whose pools differ from the others', where that is new.
    pub(super) odd: Option<BTreeSet<SocketAddr>>,
}

/// How far answers are listened to.
#[derive(Debug, Default)]
pub(super) struct Listening {
    pub(super) mark: Mark,
    /// When the last answer came, if nothing was missed since then.
    pub(super) last: Option<Time>,
    /// The last answer, and its smallest TTL.
    pub(super) answer: Option<(BTreeSet<IpAddr>, u32)>,
}

impl Listening {
    /// Takes an answer; whether it is no copy of the one before. One from a cache has the same addresses and a
    /// smaller TTL.
    pub(super) fn hear(
        &mut self,
        addresses: BTreeSet<IpAddr>,
        ttl_s: u32,
        now: Time,
        every: Duration,
    ) -> bool {
        let span = self.last.map_or(Duration::ZERO, |last| now.since(last));
        self.mark.heard += span.min(every.saturating_mul(LISTENED));
        self.last = Some(now);
        let copy = self.answer.as_ref().is_some_and(|(known, known_ttl)| {
            *known == addresses && !addresses.is_empty() && ttl_s < *known_ttl
        });
        self.answer = Some((addresses, ttl_s));
        self.mark.draws = self.mark.draws.saturating_add(u32::from(!copy));
        !copy
    }
}

/// What a resolver said.
pub(super) enum Said {
    Addresses(Vec<(IpAddr, u32)>),
    /// Not all of it.
    Truncated(Vec<(IpAddr, u32)>),
    /// That there are none.
    Denied(ResolutionError),
    /// Nothing of use.
    Nothing(ResolutionError),
}

/// Reads what came of a question; `None` where this host could not ask.
pub(super) fn read(outcome: &Outcome) -> Option<Said> {
    Some(match outcome {
        Outcome::Answered(Answer::Lookup(answer)) if answer.fault.is_some() => {
            Said::Nothing(ResolutionError::Timeout)
        }
        Outcome::Answered(Answer::Lookup(answer)) => {
            let given: Vec<(IpAddr, u32)> =
                answer.addresses.iter().map(|record| (record.address, record.ttl_s)).collect();
            match answer.rcode {
                Rcode::NoError if answer.truncated => Said::Truncated(given),
                Rcode::NoError if given.is_empty() => Said::Denied(ResolutionError::NoData),
                Rcode::NoError => Said::Addresses(given),
                Rcode::NxDomain => Said::Denied(ResolutionError::NxDomain),
                Rcode::ServFail => Said::Nothing(ResolutionError::ServFail),
                _ => Said::Nothing(ResolutionError::Refused),
            }
        }
        Outcome::Rejected(_) => Said::Nothing(ResolutionError::Refused),
        Outcome::Silent(_) => Said::Nothing(ResolutionError::Timeout),
        Outcome::Answered(_) | Outcome::Unable(_) => return None,
    })
}
