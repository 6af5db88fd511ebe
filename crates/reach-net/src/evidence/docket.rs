//! Captured packets that wait for their turn to be written.

use std::{collections::VecDeque, time::Duration};

use reach_core::Time;

use super::{Attempt, Attempts, Fate};
use crate::{
    journal::{AttemptId, Entry},
    wire::Packet,
};

/// A captured packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The number of the interface.
    pub interface: usize,
    /// It left this host; else it came to it.
    pub outgoing: bool,
    /// When, by the clock of the run.
    pub at: Time,
    /// When, by the wall clock, in nanoseconds since the Unix epoch.
    pub nanos: u64,
    /// How long it was; `bytes` may be less.
    pub length: u32,
    /// From the IP header on.
    pub bytes: Vec<u8>,
}

/// How long a packet is kept of which it is not known whose it is. A socket is noted at the moment when it sends.
const PATIENCE: Duration = Duration::from_millis(500);

/// The most bytes that wait. Beyond, packets are given back although it is not known yet what becomes of their
/// probe.
const MOST_WAITING: usize = 32 << 20;

/// How often probes that are over are looked for.
const FORGETS_EVERY: Duration = Duration::from_secs(1);

/// Keeps packets until all is known of them.
#[derive(Debug, Default)]
pub struct Docket {
    attempts: Attempts,
    /// In the order of time.
    waiting: VecDeque<Waiting>,
    bytes: usize,
    forgot: Time,
}

#[derive(Debug)]
struct Waiting {
    packet: Captured,
    owner: Option<AttemptId>,
}

impl Docket {
    /// Nothing yet.
    pub fn new(attempts: Attempts) -> Self {
        Self { attempts, ..Self::default() }
    }

    /// Takes a note of the journal.
    pub fn note(&mut self, entry: Entry) {
        self.attempts.note(entry);
    }

    /// Takes a packet.
    pub fn take(&mut self, packet: Captured) {
        // Interfaces differ by little, so the place is near the end.
        let later = self.waiting.iter().rev().take_while(|other| other.packet.nanos > packet.nanos).count();
        let waiting = Waiting { packet, owner: None };
        self.bytes += waiting.size();
        self.waiting.insert(self.waiting.len() - later, waiting);
    }

    /// Gives back, in the order of time, packets of the run of which all is known that will be; with `last`, every
    /// packet of the run that is left. Packets of others are thrown away.
    pub fn release(&mut self, now: Time, last: bool, mut give: impl FnMut(&Captured, &Attempt)) {
        self.find_owners();
        self.throw_away(now, last);
        while let Some(first) = self.waiting.front() {
            let attempt = first.owner.and_then(|id| self.attempts.get(id));
            let is_settled = attempt.is_some_and(|attempt| attempt.fate != Fate::UnderWay);
            if !is_settled && !last && self.bytes <= MOST_WAITING {
                break;
            }
            if let Some(attempt) = attempt {
                give(&first.packet, attempt);
            }
            self.bytes -= first.size();
            self.waiting.pop_front();
        }
        if now.since(self.forgot) >= FORGETS_EVERY {
            self.forgot = now;
            let oldest = self.waiting.front().map_or(now, |waiting| waiting.packet.at);
            self.attempts.forget_before(oldest);
        }
    }

    fn find_owners(&mut self) {
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.owner.is_none()) {
            let Some(packet) = Packet::parse(&waiting.packet.bytes) else { continue };
            waiting.owner = self.attempts.owner(&packet, waiting.packet.outgoing, waiting.packet.at);
        }
    }

    fn throw_away(&mut self, now: Time, last: bool) {
        let bytes = &mut self.bytes;
        self.waiting.retain(|waiting| {
            let is_kept = waiting.owner.is_some() || !last && now.since(waiting.packet.at) < PATIENCE;
            if !is_kept {
                *bytes -= waiting.size();
            }
            is_kept
        });
    }
}

impl Waiting {
    fn size(&self) -> usize {
        self.packet.bytes.len() + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;
    use reach_core::model::{Connect, Endpoint, Outcome, Probe, ProbeId, Silence, Then};

    use super::*;

    const MS: u64 = 1_000;

    fn ms(ms: u64) -> Time {
        Time::from_micros(ms * MS)
    }

    fn syn(port: u16, at: u64) -> Captured {
        let mut bytes = Vec::new();
        let builder =
            PacketBuilder::ipv4([10, 70, 0, 2], [203, 0, 113, 12], 64).tcp(port, 443, 0, 1024).syn();
        builder.write(&mut bytes, &[]).expect("written");
        let (nanos, length) = (at * MS * 1_000, bytes.len() as u32);
        Captured { interface: 2, outgoing: true, at: ms(at), nanos, length, bytes }
    }

    fn begun(number: u64, port: u16, sent: u64) -> Entry {
        let probe = Probe::Connect(Connect {
            endpoint: Endpoint { address: [203, 0, 113, 12].into(), port: 443 },
            source_port: port,
            ttl: None,
            min_ttl: None,
            timeout: Duration::from_secs(3),
            then: Then::Reset,
            crowd: 1,
        });
        let (attempt, id) = (AttemptId(number), ProbeId(number as u32));
        Entry::Begun { attempt, about: None, id, probe, sent: ms(sent) }
    }

    fn ended(number: u64, done: u64) -> Entry {
        let outcome = Outcome::Silent(Silence::default());
        Entry::Ended { attempt: AttemptId(number), outcome, done: ms(done) }
    }

    fn released(docket: &mut Docket, now: u64, last: bool) -> Vec<(u64, u32)> {
        let mut released = Vec::new();
        docket.release(ms(now), last, |packet, attempt| {
            released.push((packet.nanos / MS / 1_000, attempt.id.0));
        });
        released
    }

    #[test]
    fn packets_wait_for_the_outcome_of_their_probe_and_come_in_order() {
        let mut docket = Docket::default();
        docket.take(syn(40_002, 3));
        docket.take(syn(40_001, 2));
        docket.note(begun(1, 40_001, 1));
        docket.note(begun(2, 40_002, 2));
        docket.note(ended(2, 50));
        assert_eq!(released(&mut docket, 60, false), []);
        docket.note(ended(1, 80));
        assert_eq!(released(&mut docket, 90, false), [(2, 1), (3, 2)]);
        assert_eq!(docket.bytes, 0);
    }

    #[test]
    fn packets_of_others_are_thrown_away_once_their_probe_would_be_known() {
        let mut docket = Docket::default();
        docket.take(syn(50_000, 3));
        assert_eq!(released(&mut docket, 100, false), []);
        assert!(docket.bytes > 0);
        assert_eq!(released(&mut docket, 600, false), []);
        assert_eq!(docket.bytes, 0);
    }

    #[test]
    fn the_end_of_the_run_gives_back_what_is_left() {
        let mut docket = Docket::default();
        docket.note(begun(1, 40_001, 1));
        docket.note(begun(2, 40_002, 1));
        docket.note(Entry::Abandoned { attempt: AttemptId(2) });
        docket.take(syn(40_002, 2));
        docket.take(syn(40_001, 4));
        docket.take(syn(50_000, 5));
        assert_eq!(released(&mut docket, 10, false), [(2, 2)]);
        assert_eq!(released(&mut docket, 11, true), [(4, 1)]);
        assert_eq!(docket.bytes, 0);
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_lost() {
        let mut docket = Docket::default();
        docket.note(begun(1, 40_001, 1));
        let mut given = 0;
        for number in 0..2_000 {
            let mut packet = syn(40_001, 2 + number / 100);
            packet.bytes.resize(60_000, 0);
            docket.take(packet);
            if number % 100 == 0 {
                given += released(&mut docket, 3 + number / 100, false).len();
                assert!(docket.bytes <= MOST_WAITING);
            }
        }
        given += released(&mut docket, 60, true).len();
        assert_eq!(given, 2_000);
    }

    #[test]
    fn probes_are_forgotten_when_nothing_more_can_come() {
        let mut docket = Docket::default();
        for number in 0..100 {
            docket.note(begun(number, 40_001, number));
            docket.note(ended(number, number + 1));
        }
        docket.release(ms(50_000), false, |_, _| {});
        assert!(docket.attempts.get(AttemptId(99)).is_some());
        docket.release(ms(70_000), false, |_, _| {});
        assert!(docket.attempts.get(AttemptId(99)).is_none());
    }
}
