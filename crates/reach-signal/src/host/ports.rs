//! Source ports, and how the sockets of this host stand: what runs out without any message of its own.
//!
//! A connection needs a source port that no other connection of the same source to the same destination and port has.
//! Linux takes it from `ip_local_port_range`; a host that calls one service often, with closed connections kept in
//! TIME-WAIT for a minute, comes to the end of them, and then `connect` fails with EADDRNOTAVAIL.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use reach_core::signal::{Gauge, Level};

use super::sockets::{Socket, State};

/// The ports that the kernel chooses from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRange {
    low: u16,
    high: u16,
    /// In order, and apart from each other.
    reserved: Vec<(u16, u16)>,
}

impl PortRange {
    /// From `ip_local_port_range` ("32768\t60999") and `ip_local_reserved_ports` ("8080,9000-9100", or nothing).
    /// `None` where the first is something else; of the second, what is no port is passed over.
    pub fn parse(range: &str, reserved: &str) -> Option<Self> {
        let mut ends = range.split_ascii_whitespace();
        let low: u16 = ends.next()?.parse().ok()?;
        let high: u16 = ends.next()?.parse().ok()?;
        if low > high || ends.next().is_some() {
            return None;
        }
        let mut spans: Vec<(u16, u16)> = reserved
            .trim()
            .split(',')
            .filter_map(|part| {
                let (from, to) = part.split_once('-').unwrap_or((part, part));
                let span = (from.trim().parse().ok()?, to.trim().parse().ok()?);
                (span.0 <= span.1).then_some(span)
            })
            .collect();
        spans.sort_unstable();
        let mut apart: Vec<(u16, u16)> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match apart.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => apart.push((from, to)),
            }
        }
        Some(Self { low, high, reserved: apart })
    }

    /// The same with these ports in it, which were chosen.
    #[must_use]
    pub fn widened(mut self, chosen: impl IntoIterator<Item = u16>) -> Self {
        for port in chosen {
            (self.low, self.high) = (self.low.min(port), self.high.max(port));
        }
        self
    }

    /// Whether the kernel would choose this port.
    pub fn contains(&self, port: u16) -> bool {
        let next = self.reserved.partition_point(|&(from, _)| from <= port);
        let is_reserved = next.checked_sub(1).is_some_and(|at| self.reserved[at].1 >= port);
        (self.low..=self.high).contains(&port) && !is_reserved
    }

    /// How many ports there are.
    pub fn size(&self) -> u32 {
        let count = |from: u16, to: u16| (u32::from(to) + 1).saturating_sub(u32::from(from));
        let within = |&(from, to): &(u16, u16)| count(from.max(self.low), to.min(self.high));
        count(self.low, self.high) - self.reserved.iter().map(within).sum::<u32>()
    }
}

/// Counts sockets as they come.
#[derive(Clone, Debug)]
pub struct Census {
    range: PortRange,
    /// `tcp_tw_reuse`: 0 never, 1 always, 2 over loopback.
    reuse: u8,
    states: BTreeMap<State, u64>,
    listening: BTreeSet<u16>,
    /// Ports in use, by both addresses and the destination's port.
    used: BTreeMap<(IpAddr, SocketAddr), BTreeSet<u16>>,
    kept: usize,
    /// Sockets that were not counted by destination because there were too many.
    left_out: u64,
}

/// The most ports that are remembered: a million sockets.
const MOST_PORTS: usize = 1 << 20;
/// The least that is worth a word: below this nothing is near its end.
const LEAST_PORTS: usize = 256;

impl Census {
    /// Nobody is counted yet.
    pub fn new(range: PortRange, reuse: u8) -> Self {
        Self {
            range,
            reuse,
            states: BTreeMap::new(),
            listening: BTreeSet::new(),
            used: BTreeMap::new(),
            kept: 0,
            left_out: 0,
        }
    }

    /// The states that have to be counted for this: all but those of requests in the queue of a listener.
    pub const MASK: u32 = {
        let mut mask = 0;
        let mut index = 0;
        while index < State::ALL.len() {
            mask |= State::ALL[index].bit();
            index += 1;
        }
        mask & !State::NewSynRecv.bit()
    };

    /// Counts one socket.
    pub fn count(&mut self, socket: &Socket) {
        *self.states.entry(socket.state).or_default() += 1;
        let local = socket.local.port();
        match socket.state {
            State::Listen => {
                self.listening.insert(local);
                return;
            }
            State::Close | State::SynRecv | State::NewSynRecv => return,
            // Such a port may be taken again after a second.
            State::TimeWait if self.reuse == 1 || self.reuse == 2 && socket.remote.ip().is_loopback() => {
                return;
            }
            _ => {}
        }
        if !self.range.contains(local) {
            return;
        }
        if self.kept >= MOST_PORTS {
            self.left_out += 1;
            return;
        }
        if self.used.entry((socket.local.ip(), socket.remote)).or_default().insert(local) {
            self.kept += 1;
        }
    }

    /// How many sockets were not counted by destination.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Sockets in a state.
    pub fn in_state(&self, state: State) -> u64 {
        self.states.get(&state).copied().unwrap_or(0)
    }

    /// Sockets in each state that any is in.
    pub fn states(&self) -> impl Iterator<Item = (State, u64)> {
        self.states.iter().map(|(&state, &count)| (state, count))
    }

    /// The source ports in use towards the `most` destinations that have fewest left, of those that use at least
    /// 256 or a tenth of all.
    pub fn levels(&self, most: usize) -> Vec<Level> {
        let total = self.range.size();
        if total == 0 {
            return Vec::new();
        }
        // One destination may be reached from several source addresses, each with ports of its own: the fullest tells.
        let mut fullest: BTreeMap<SocketAddr, u64> = BTreeMap::new();
        for ((_, remote), ports) in &self.used {
            // Whoever connected to us has our listener's port at this end.
            let used = ports.iter().filter(|port| !self.listening.contains(port)).count();
            if used >= LEAST_PORTS.min(total as usize / 10).max(1) {
                let entry = fullest.entry(*remote).or_default();
                *entry = (*entry).max(used as u64);
            }
        }
        let mut sorted: Vec<(SocketAddr, u64)> = fullest.into_iter().collect();
        sorted.sort_by_key(|&(remote, used)| (std::cmp::Reverse(used), remote));
        let level = |(remote, used): (SocketAddr, u64)| Level {
            gauge: Gauge::EphemeralPorts,
            of: remote.to_string(),
            share: used as f64 / f64::from(total),
            used: Some(used),
            total: Some(u64::from(total)),
        };
        sorted.into_iter().take(most).map(level).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn socket(state: State, local: u16, remote: &str) -> Socket {
        Socket {
            state,
            local: SocketAddr::new("192.0.2.1".parse().expect("one"), local),
            remote: remote.parse().expect("one"),
            uid: 0,
            inode: 1,
            retransmits: 0,
            rto: None,
            next: None,
        }
    }

    #[test]
    fn reserved_ports_are_not_chosen() {
        let range = PortRange::parse("32768\t60999\n", "33000,40000-40099,x,5-1\n").expect("a range");
        assert_eq!(range.size(), 28_232 - 101);
        assert!(range.contains(32_768) && !range.contains(40_050) && !range.contains(61_000));
        assert_eq!(PortRange::parse("1024 65535", "").map(|range| range.size()), Some(64_512));
        for wrong in ["", "5", "9 5", "1 2 3", "a b", "0 70000"] {
            assert_eq!(PortRange::parse(wrong, ""), None, "{wrong}");
        }
    }

    #[test]
    fn ports_are_counted_by_destination_and_those_of_listeners_are_not() {
        let mut census = Census::new(PortRange::parse("40000 40999", "").expect("a range"), 0);
        census.count(&socket(State::Listen, 40_900, "0.0.0.0:0"));
        for port in 40_000..40_500 {
            census.count(&socket(State::TimeWait, port, "203.0.113.12:443"));
            census.count(&socket(State::Established, port, "203.0.113.13:443"));
            // Clients of our own listener.
            census.count(&socket(State::Established, 40_900, &format!("203.0.113.99:{port}")));
        }
        census.count(&socket(State::Established, 40_500, "203.0.113.12:443"));
        census.count(&socket(State::Established, 40_501, "203.0.113.77:443"));
        let levels = census.levels(8);
        assert_eq!(levels.len(), 2, "{levels:?}");
        assert_eq!(
            (levels[0].of.as_str(), levels[0].used, levels[0].total),
            ("203.0.113.12:443", Some(501), Some(1000))
        );
        assert_eq!(census.levels(1).len(), 1);
        assert_eq!(census.in_state(State::TimeWait), 500);
    }

    #[test]
    fn ports_that_may_be_taken_again_are_free() {
        for (reuse, remote, counted) in [
            (0, "203.0.113.1:80", 1),
            (1, "203.0.113.1:80", 0),
            (2, "203.0.113.1:80", 1),
            (2, "127.0.0.2:80", 0),
        ] {
            let mut census = Census::new(PortRange::parse("40000 40001", "").expect("a range"), reuse);
            census.count(&socket(State::TimeWait, 40_000, remote));
            assert_eq!(census.levels(8).len(), counted, "{reuse} {remote}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(range: String, reserved: String) {
            let _ = PortRange::parse(&range, &reserved);
            if let Some(range) = PortRange::parse("1 65535", &reserved) {
                prop_assert!(range.size() <= 65_535);
            }
        }

        #[test]
        fn reserved_spans_may_overlap(spans in proptest::collection::vec((0u16..60, 0u16..60), 0..8), ends in (0u16..60, 0u16..60)) {
            let reserved: Vec<String> = spans.iter().map(|(from, to)| format!("{from}-{to}")).collect();
            let Some(range) = PortRange::parse(&format!("{} {}", ends.0, ends.1), &reserved.join(",")) else {
                return Ok(());
            };
            let is_free = |port: &u16| !spans.iter().any(|(from, to)| (from..=to).contains(&port));
            let free: Vec<u16> = (ends.0..=ends.1).filter(is_free).collect();
            prop_assert_eq!(range.size() as usize, free.len());
            prop_assert_eq!((0..70).filter(|port| range.contains(*port)).collect::<Vec<_>>(), free);
        }
    }
}
