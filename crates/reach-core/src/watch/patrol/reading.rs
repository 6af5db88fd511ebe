//! What a try says of its address.

use std::time::Duration;

use crate::{
    model::{
        Answer, Connected, Exchanged, HttpEnd, Inability, Observation, Obstacle, Outcome, TlsEnd, TlsResult,
    },
    tries::Ending,
    watch::{Layer, Reading, Reason},
};

/// What an attempt to connect, with or without an exchange on top, says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Read<'a> {
    /// Of the TCP handshake.
    pub(super) connect: Reading,
    /// Of what was asked on top of it, where it came so far.
    pub(super) exchange: Option<Reading>,
    /// This host has no route there.
    pub(super) no_route: bool,
    /// The TLS handshake, if there was one.
    pub(super) tls: Option<&'a TlsResult>,
}

impl Read<'_> {
    /// Of the deepest layer, and which that is.
    pub(super) fn verdict(&self) -> (Layer, Reading) {
        match self.exchange {
            Some(reading) => (Layer::Exchange, reading),
            None => (Layer::Connect, self.connect),
        }
    }
}

/// Reads what became of a [`Probe::Connect`](crate::model::Probe::Connect) or
/// [`Probe::Exchange`](crate::model::Probe::Exchange).
pub(super) fn attempt(observation: &Observation) -> Read<'_> {
    let whole = observation.done.since(observation.sent);
    let mut read = Read { connect: Reading::Unable, exchange: None, no_route: false, tls: None };
    match &observation.outcome {
        Outcome::Answered(Answer::Connected(connected)) => {
            read.connect = match failure(&observation.outcome) {
                None => Reading::Answered(handshake(connected, whole)),
                Some(reason) => Reading::Failed(reason),
            };
        }
        Outcome::Answered(Answer::Exchanged(exchanged)) => {
            let above = above_tcp(exchanged);
            let handshake = handshake(&exchanged.connected, whole.saturating_sub(above));
            read.connect = Reading::Answered(handshake);
            read.exchange = Some(match failure(&observation.outcome) {
                None => Reading::Answered(handshake + above),
                Some(reason) => Reading::Failed(reason),
            });
            read.tls = exchanged.tls.as_ref();
        }
        Outcome::Unable(Inability { why: Obstacle::NoRoute, .. }) => read.no_route = true,
        outcome => read.connect = failure(outcome).map_or(Reading::Unable, Reading::Failed),
    }
    read
}

/// What an echo request says.
pub(super) fn echo(outcome: &Outcome) -> Reading {
    match outcome {
        Outcome::Answered(Answer::Echo(reply)) => Reading::Answered(reply.rtt),
        outcome => failure(outcome).map_or(Reading::Unable, Reading::Failed),
    }
}

/// Why a try failed; `None` where it did not, or was none.
fn failure(outcome: &Outcome) -> Option<Reason> {
    let reason = match Ending::of(outcome) {
        Ending::Connected | Ending::NotTried | Ending::NoRoute => return None,
        Ending::Silent => Reason::Timeout,
        Ending::Refused => Reason::Refused,
        Ending::Unreachable => Reason::Unreachable,
        Ending::Prohibited => Reason::Prohibited,
        Ending::BlockedLocally => Reason::BlockedLocally,
        Ending::ClosedEarly => Reason::ClosedEarly,
        Ending::Untrusted => Reason::Untrusted,
        Ending::HttpError => Reason::Http,
        Ending::TlsFailed | Ending::HttpFailed => match outcome {
            Outcome::Answered(Answer::Exchanged(exchanged)) => cut_short(exchanged),
            _ => Reason::Tls,
        },
        // None of these is asked for.
        Ending::StartTlsNotOffered
        | Ending::StartTlsFailed
        | Ending::ProxyRefused
        | Ending::ProxyLogin
        | Ending::ProxyFailed => Reason::Tls,
    };
    Some(reason)
}

/// How an exchange that came to no end ended.
fn cut_short(exchanged: &Exchanged) -> Reason {
    if let Some(tls) = exchanged.tls.as_ref().filter(|tls| tls.ended != TlsEnd::Completed) {
        return match tls.ended {
            TlsEnd::Closed | TlsEnd::Reset => Reason::ClosedEarly,
            TlsEnd::Silent => Reason::Silent,
            TlsEnd::Returned => Reason::Unreachable,
            _ => Reason::Tls,
        };
    }
    match exchanged.http.as_ref().map(|http| &http.ended) {
        Some(HttpEnd::Closed | HttpEnd::Reset) => Reason::ClosedEarly,
        Some(HttpEnd::Silent) => Reason::Silent,
        _ => Reason::Http,
    }
}

/// From the first SYN to the answer. The kernel's figure begins at the last SYN where it had to repeat it.
fn handshake(connected: &Connected, whole: Duration) -> Duration {
    if connected.syns > 1 { whole.max(connected.rtt) } else { connected.rtt }
}

fn above_tcp(exchanged: &Exchanged) -> Duration {
    let tls = exchanged.tls.as_ref().map_or(Duration::ZERO, |tls| tls.took);
    tls + exchanged.http.as_ref().map_or(Duration::ZERO, |http| http.took)
}
