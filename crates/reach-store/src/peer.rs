//! What has results: an address at one layer, or a resolver asked for one kind of records.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::{
    Time,
    model::{RecordKind, ResolutionError},
    watch::{Asked, Layer, Reading, Reason, Sample},
};

use crate::codec::{Mark, coarse, micros};

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// An address of the target.
    Address(IpAddr),
    /// A resolver, for the addresses of the target.
    Resolver(SocketAddr),
}

impl Peer {
    /// Reads what `Display` wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let address = text.parse().map(Peer::Address).ok();
        address.or_else(|| text.parse().map(Peer::Resolver).ok())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Address(address) => address.fmt(f),
            Peer::Resolver(resolver) => resolver.fmt(f),
        }
    }
}

/// How layers, and kinds of records after them, are numbered in pages. Never renumbered.
pub(crate) const fn layer_number(layer: Layer) -> u8 {
    match layer {
        Layer::Echo => 0,
        Layer::Connect => 1,
        Layer::Exchange => 2,
    }
}

pub(crate) const fn layer(number: u8) -> Option<Layer> {
    match number {
        0 => Some(Layer::Echo),
        1 => Some(Layer::Connect),
        2 => Some(Layer::Exchange),
        _ => None,
    }
}

pub(crate) const fn kind_number(kind: RecordKind) -> u8 {
    match kind {
        RecordKind::A => 3,
        RecordKind::Aaaa => 4,
        RecordKind::Ptr => 5,
    }
}

pub(crate) const fn kind(number: u8) -> Option<RecordKind> {
    match number {
        3 => Some(RecordKind::A),
        4 => Some(RecordKind::Aaaa),
        5 => Some(RecordKind::Ptr),
        _ => None,
    }
}

/// Reasons of failed tries, by their numbers. New ones go to the end.
pub(crate) fn reason(number: u8) -> Option<Reason> {
    Reason::ALL.get(usize::from(number)).copied()
}

/// Reasons of failed questions, by their numbers. Never renumbered.
const RESOLUTION_ERRORS: [ResolutionError; 5] = [
    ResolutionError::NxDomain,
    ResolutionError::NoData,
    ResolutionError::ServFail,
    ResolutionError::Refused,
    ResolutionError::Timeout,
];

pub(crate) fn resolution_error(number: u8) -> Option<ResolutionError> {
    RESOLUTION_ERRORS.get(usize::from(number)).copied()
}

/// What a page keeps of a try.
pub(crate) fn mark_of_sample(sample: &Sample) -> Mark {
    match sample.reading {
        Reading::Answered(took) => Mark::Answered(coarse(in_micros(took))),
        Reading::Failed(reason) => Mark::Failed(number_of(&Reason::ALL, &reason)),
        Reading::Unable => Mark::Unable,
    }
}

/// What a page keeps of a question.
pub(crate) fn mark_of_asked(asked: &Asked) -> Mark {
    match &asked.answer {
        Ok(_) => Mark::Answered(coarse(in_micros(asked.took))),
        Err(error) => Mark::Failed(number_of(&RESOLUTION_ERRORS, error)),
    }
}

/// What came of a try, as a page kept it.
pub(crate) fn reading(mark: Mark) -> Option<Reading> {
    Some(match mark {
        Mark::Answered(code) => Reading::Answered(Duration::from_micros(micros(code))),
        Mark::Failed(number) => Reading::Failed(reason(number)?),
        Mark::Unable => Reading::Unable,
    })
}

/// The time that a page keeps, in milliseconds.
pub(crate) const fn millis(at: Time) -> u64 {
    at.as_micros() / 1_000
}

/// SQLite's integers are signed.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn in_micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn number_of<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|known| known == one).map_or(u8::MAX, |place| place as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_read_as_they_were_written() {
        for text in ["192.0.2.1", "2001:db8::1", "192.0.2.53:53", "[2001:db8::53]:53"] {
            assert_eq!(Peer::parse(text).map(|peer| peer.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Peer::parse("a.example"), None);
    }

    #[test]
    fn numbers_and_names_go_both_ways() {
        for layer_of in [Layer::Echo, Layer::Connect, Layer::Exchange] {
            assert_eq!(layer(layer_number(layer_of)), Some(layer_of));
            assert_eq!(kind(layer_number(layer_of)), None);
        }
        for kind_of in [RecordKind::A, RecordKind::Aaaa, RecordKind::Ptr] {
            assert_eq!(kind(kind_number(kind_of)), Some(kind_of));
        }
        for one in Reason::ALL {
            assert_eq!(reason(number_of(&Reason::ALL, &one)), Some(one));
        }
        assert_eq!((reason(u8::MAX), resolution_error(5)), (None, None));
    }
}
