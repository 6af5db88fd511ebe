//! What is known of one address that is pinged: counts and distributions that grow with neither time nor number.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use super::{Reply, ReplyKind, Spread};
use crate::{
    Time,
    model::{Obstacle, Refusal},
};

/// What became of the requests to one address.
///
/// Each request is in one of these states: in flight, received, lost, rejected. Duplicates, late answers and
/// further errors come on top and change none of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    sent: u64,
    received: u64,
    refused: u64,
    lost: u64,
    rejected: u64,
    duplicates: u64,
    late: u64,
    reordered: u64,
    repeated: u64,
    errors: BTreeMap<(Refusal, Option<IpAddr>), u64>,
    unables: BTreeMap<Obstacle, u64>,
    rtt: Spread,
    last: Option<Duration>,
    jitter_us: f64,
    /// The youngest request answered, and when its answer arrived.
    newest: Option<(u64, Time)>,
    /// The number of the first beat.
    first: u64,
    beats: VecDeque<Beat>,
}

/// One request in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// In flight.
    Open,
    /// Answered after this time.
    Answered(Duration),
    /// Lost.
    Lost,
    /// Somebody said no.
    Rejected,
    /// It could not be sent.
    Unsent,
}

/// So many requests of the history are kept: as many as a wide screen has columns.
const HISTORY: usize = 256;
/// So many kinds of errors are told apart; an attacker could forge any number.
const MOST_ERRORS: usize = 64;

impl Tally {
    /// A request is handed over for sending.
    pub fn begin(&mut self, number: u64) {
        self.sent += 1;
        if self.beats.is_empty() {
            self.first = number;
        }
        self.beats.push_back(Beat::Open);
        if self.beats.len() > HISTORY {
            self.beats.pop_front();
            self.first += 1;
        }
    }

    /// Files the first answer to a request, which arrived at `arrived`. Says whether it came out of order: a
    /// younger request was answered before (RFC 4737 §3).
    ///
    /// Both have to say so, the order in which the answers were seen and the times at which the kernel took
    /// them in: two that wait side by side may be seen in any order.
    pub fn answer(&mut self, number: u64, reply: &Reply, arrived: Time) -> bool {
        self.received += 1;
        if reply.kind == ReplyKind::Refused {
            self.refused += 1;
        }
        self.repeated += u64::from(reply.packets.saturating_sub(1));
        self.rtt.add(reply.rtt);
        if let Some(last) = self.last.replace(reply.rtt) {
            // RFC 3550 §6.4.1, with the round trip in place of the transit time.
            let difference = last.abs_diff(reply.rtt).as_micros() as f64;
            self.jitter_us += (difference - self.jitter_us) / 16.0;
        }
        self.beat(number, Beat::Answered(reply.rtt));
        let reordered = self.newest.is_some_and(|(newest, then)| number < newest && arrived > then);
        if reordered {
            self.reordered += 1;
        }
        if self.newest.is_none_or(|(newest, _)| number > newest) {
            self.newest = Some((number, arrived));
        }
        reordered
    }

    /// A request was given up.
    pub fn lose(&mut self, number: u64) {
        self.lost += 1;
        self.beat(number, Beat::Lost);
    }

    /// A request was answered by an error.
    pub fn reject(&mut self, number: u64, how: Refusal, by: Option<IpAddr>) {
        self.rejected += 1;
        self.beat(number, Beat::Rejected);
        self.complain(how, by);
    }

    /// One more error came about a request that was settled.
    pub fn complain(&mut self, how: Refusal, by: Option<IpAddr>) {
        let known = self.errors.contains_key(&(how, by));
        let key = if known || self.errors.len() < MOST_ERRORS { (how, by) } else { (how, None) };
        if self.errors.len() < 2 * MOST_ERRORS || self.errors.contains_key(&key) {
            *self.errors.entry(key).or_default() += 1;
        }
    }

    /// A request could not be sent.
    pub fn fail(&mut self, number: u64, why: Obstacle) {
        self.sent = self.sent.saturating_sub(1);
        *self.unables.entry(why).or_default() += 1;
        self.beat(number, Beat::Unsent);
    }

    /// An answer came once more.
    pub fn repeat(&mut self) {
        self.duplicates += 1;
    }

    /// The answer to a request that was given up came after all.
    pub fn too_late(&mut self) {
        self.late += 1;
    }

    /// Requests that left this host, as far as it knows.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Of these: answered in time.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Of these: given up.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Of these: answered by an ICMP error.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Of these: neither answered nor given up yet.
    pub fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.settled())
    }

    /// The share, 0 to 1, of requests without an answer of the host; those in flight do not count. 0 as long
    /// as nothing is known.
    pub fn loss(&self) -> f64 {
        let missing = self.lost + self.rejected;
        if missing == 0 { 0.0 } else { missing as f64 / self.settled() as f64 }
    }

    /// Something was sent and settled, and nobody said anything.
    pub fn is_silent(&self) -> bool {
        self.lost > 0 && self.received + self.rejected + self.late == 0
    }

    /// Of the answers: a RST to a TCP SYN.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Answers besides the first of each request.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Answers that came after their requests had been given up; those stay lost.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Answers that came in time, but after that of a younger request.
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// SYNs that the kernel had to send again until the answer came.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// ICMP errors by kind and sender, with how many there were.
    pub fn errors(&self) -> impl Iterator<Item = (Refusal, Option<IpAddr>, u64)> {
        self.errors.iter().map(|(&(how, by), &count)| (how, by, count))
    }

    /// Why requests could not be sent, with how many could not.
    pub fn unables(&self) -> impl Iterator<Item = (Obstacle, u64)> {
        self.unables.iter().map(|(&why, &count)| (why, count))
    }

    /// Requests that could not be sent.
    pub fn unsent(&self) -> u64 {
        self.unables.values().sum()
    }

    /// Round-trip times of the answers that were received.
    pub fn rtt(&self) -> &Spread {
        &self.rtt
    }

    /// The latest of them.
    pub fn last(&self) -> Option<Duration> {
        self.last
    }

    /// Interarrival jitter (RFC 3550 §6.4.1, with round trips in place of transit times); `None` for less than
    /// two answers.
    pub fn jitter(&self) -> Option<Duration> {
        (self.received > 1).then(|| Duration::from_micros(self.jitter_us.round() as u64))
    }

    /// The youngest requests, oldest first; at most 256.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = Beat> + ExactSizeIterator {
        self.beats.iter().copied()
    }

    fn settled(&self) -> u64 {
        self.received + self.lost + self.rejected
    }

    fn beat(&mut self, number: u64, beat: Beat) {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(entry) = place.and_then(|place| self.beats.get_mut(place)) {
            *entry = beat;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::IcmpError;

    fn reply(ms: u64) -> Reply {
        Reply { kind: ReplyKind::Echo, rtt: Duration::from_millis(ms), ttl: Some(64), packets: 1 }
    }

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    fn after(requests: u64) -> Tally {
        let mut tally = Tally::default();
        for number in 1..=requests {
            tally.begin(number);
        }
        tally
    }

    #[test]
    fn what_is_in_flight_is_not_lost() {
        let mut tally = after(4);
        assert_eq!((tally.in_flight(), tally.loss()), (4, 0.0));
        tally.answer(1, &reply(10), at(10));
        tally.lose(2);
        assert_eq!((tally.in_flight(), tally.loss()), (2, 0.5));
    }

    #[test]
    fn a_late_answer_leaves_its_request_lost() {
        let mut tally = after(1);
        tally.lose(1);
        tally.too_late();
        assert_eq!((tally.received(), tally.lost(), tally.late(), tally.in_flight()), (0, 1, 1, 0));
    }

    #[test]
    fn what_could_not_be_sent_is_not_sent() {
        let mut tally = after(2);
        tally.fail(1, Obstacle::NoRoute);
        assert_eq!((tally.sent(), tally.unsent(), tally.loss()), (1, 1, 0.0));
        assert_eq!(tally.history().collect::<Vec<_>>(), [Beat::Unsent, Beat::Open]);
    }

    #[test]
    fn an_answer_behind_that_of_a_younger_request_is_reordered() {
        let mut tally = after(3);
        assert!(!tally.answer(2, &reply(10), at(30)));
        assert!(tally.answer(1, &reply(40), at(40)));
        assert!(!tally.answer(3, &reply(30), at(50)));
        assert_eq!(tally.reordered(), 1);
    }

    #[test]
    fn answers_that_were_only_looked_at_in_another_order_are_not_reordered() {
        let mut tally = after(2);
        tally.answer(2, &reply(1), at(21));
        assert!(!tally.answer(1, &reply(10), at(20)));
    }

    #[test]
    fn jitter_follows_the_formula_of_rtp() {
        let mut tally = after(3);
        tally.answer(1, &reply(10), at(10));
        assert_eq!(tally.jitter(), None);
        tally.answer(2, &reply(26), at(36));
        assert_eq!(tally.jitter(), Some(Duration::from_millis(1)));
        tally.answer(3, &reply(26), at(46));
        assert_eq!(tally.jitter(), Some(Duration::from_micros(938)));
    }

    #[test]
    fn errors_are_counted_by_kind_and_sender_in_bounded_memory() {
        let mut tally = after(1);
        let error = |code| Refusal::Icmp(IcmpError { v6: false, kind: 3, code });
        for last in 0..=255 {
            tally.complain(error(1), Some(IpAddr::from([10, 0, 0, last])));
            tally.complain(error(last), None);
        }
        tally.reject(1, error(13), Some(IpAddr::from([10, 0, 0, 1])));
        assert!(tally.errors().count() <= 2 * MOST_ERRORS);
        assert_eq!(tally.rejected(), 1);
    }

    #[test]
    fn the_history_is_bounded() {
        let mut tally = after(1_000);
        tally.lose(1);
        tally.lose(1_000);
        assert_eq!(tally.history().len(), HISTORY);
        assert_eq!(tally.history().next_back(), Some(Beat::Lost));
        assert_eq!(tally.history().next(), Some(Beat::Open));
    }
}
