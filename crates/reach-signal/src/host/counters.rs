//! Counters that only rise, and what was counted between two looks.
//!
//! A reboot, a namespace made anew and a counter of 32 bits that comes around all show as a smaller number. Nothing is
//! said of such a stretch: what was counted before the change is not known.

use std::time::Duration;

use reach_core::{
    Time,
    signal::{Gauge, Level},
};

/// What TCP counts in a network namespace since it was made: `/proc/net/snmp` and `/proc/net/netstat` (proc_net(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpCounters {
    /// Segments sent, those sent again not among them.
    pub out_segs: u64,
    /// Segments sent again.
    pub retrans_segs: u64,
    /// Connections that were begun here.
    pub active_opens: u64,
    /// Connections that were accepted here.
    pub passive_opens: u64,
    /// Attempts that failed, begun here or not.
    pub attempt_fails: u64,
    /// Connections that a listener dropped because its queue was full; `None` where the kernel does not tell.
    pub listen_overflows: Option<u64>,
}

impl TcpCounters {
    /// Reads the two files. `None` where the first has no line of TCP.
    pub fn parse(snmp: &str, netstat: &str) -> Option<Self> {
        Some(Self {
            out_segs: column(snmp, "Tcp:", "OutSegs")?,
            retrans_segs: column(snmp, "Tcp:", "RetransSegs")?,
            active_opens: column(snmp, "Tcp:", "ActiveOpens")?,
            passive_opens: column(snmp, "Tcp:", "PassiveOpens")?,
            attempt_fails: column(snmp, "Tcp:", "AttemptFails")?,
            listen_overflows: column(netstat, "TcpExt:", "ListenOverflows"),
        })
    }

    /// What was counted since `before`; `None` where any of it fell.
    pub fn since(&self, before: &Self) -> Option<Self> {
        let overflows = match (self.listen_overflows, before.listen_overflows) {
            (Some(now), Some(then)) => Some(now.checked_sub(then)?),
            _ => None,
        };
        Some(Self {
            out_segs: self.out_segs.checked_sub(before.out_segs)?,
            retrans_segs: self.retrans_segs.checked_sub(before.retrans_segs)?,
            active_opens: self.active_opens.checked_sub(before.active_opens)?,
            passive_opens: self.passive_opens.checked_sub(before.passive_opens)?,
            attempt_fails: self.attempt_fails.checked_sub(before.attempt_fails)?,
            listen_overflows: overflows,
        })
    }

    /// Shares of what was counted in a stretch: segments that had to be sent again, connections that a full queue
    /// turned away. Of few segments no share is taken: one lost packet of ten says nothing.
    pub fn levels(&self) -> Vec<Level> {
        const LEAST_SEGMENTS: u64 = 200;
        const LEAST_OPENS: u64 = 20;
        let mut levels = Vec::new();
        let segments = self.out_segs.saturating_add(self.retrans_segs);
        if segments >= LEAST_SEGMENTS {
            levels.push(share(Gauge::Retransmissions, self.retrans_segs, segments));
        }
        if let Some(dropped) = self.listen_overflows {
            let opens = self.passive_opens.saturating_add(dropped);
            if opens >= LEAST_OPENS {
                levels.push(share(Gauge::AcceptQueue, dropped, opens));
            }
        }
        levels
    }
}

fn share(gauge: Gauge, used: u64, total: u64) -> Level {
    Level {
        gauge,
        of: String::new(),
        share: used as f64 / total as f64,
        used: Some(used),
        total: Some(total),
    }
}

/// A value of two lines with the same head, of which the first has the names.
fn column(text: &str, head: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(head));
    let names = lines.next()?.split_ascii_whitespace();
    let values = lines.next()?.split_ascii_whitespace();
    names.zip(values).find(|(found, _)| *found == name)?.1.parse().ok()
}

/// A counter of things or of time, looked at now and then.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meter<T> {
    last: Option<(Time, T)>,
}

impl<T: Copy> Meter<T> {
    /// Takes a reading, and gives the one before with the time between. `None` for the first, and where no time has
    /// passed.
    pub fn turn(&mut self, now: Time, reading: T) -> Option<(T, Duration)> {
        let before = self.last.replace((now, reading));
        let (then, before) = before?;
        let span = now.since(then);
        (!span.is_zero()).then_some((before, span))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SNMP: &str = "\
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 70 40 5 2 9 12000 11000 150 0 20 0
";
    const NETSTAT: &str =
        "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 7 7\nIpExt: InNoRoutes\nIpExt: 0\n";

    #[test]
    fn counters_are_found_by_name() {
        let counters = TcpCounters::parse(SNMP, NETSTAT).expect("counters");
        assert_eq!((counters.out_segs, counters.retrans_segs, counters.attempt_fails), (11_000, 150, 5));
        assert_eq!(counters.listen_overflows, Some(7));
        assert_eq!(TcpCounters::parse(SNMP, "").and_then(|counters| counters.listen_overflows), None);
        assert_eq!(TcpCounters::parse("", NETSTAT), None);
    }

    #[test]
    fn shares_are_of_what_was_counted_between() {
        let before = TcpCounters::parse(SNMP, NETSTAT).expect("counters");
        let after = TcpCounters {
            out_segs: before.out_segs + 900,
            retrans_segs: before.retrans_segs + 100,
            passive_opens: before.passive_opens + 60,
            listen_overflows: Some(7 + 20),
            ..before
        };
        let levels = after.since(&before).expect("risen").levels();
        let shares: Vec<(Gauge, f64)> = levels.iter().map(|level| (level.gauge, level.share)).collect();
        assert_eq!(shares, [(Gauge::Retransmissions, 0.1), (Gauge::AcceptQueue, 0.25)]);
    }

    #[test]
    fn a_counter_that_fell_says_nothing() {
        let before = TcpCounters::parse(SNMP, NETSTAT).expect("counters");
        let after = TcpCounters { out_segs: 10, ..before };
        assert_eq!(after.since(&before), None);
    }

    #[test]
    fn few_segments_have_no_share() {
        let few = TcpCounters {
            out_segs: 10,
            retrans_segs: 5,
            listen_overflows: Some(1),
            ..TcpCounters::default()
        };
        assert!(few.levels().is_empty());
    }

    #[test]
    fn a_meter_gives_what_was_before() {
        let mut meter = Meter::default();
        assert_eq!(meter.turn(Time::from_micros(5), 1), None);
        assert_eq!(meter.turn(Time::from_micros(7), 2), Some((1, Duration::from_micros(2))));
        assert_eq!(meter.turn(Time::from_micros(7), 3), None);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(snmp: String, netstat: String) {
            let _ = TcpCounters::parse(&format!("Tcp: {snmp}\nTcp: {netstat}"), &format!("TcpExt: {netstat}\nTcpExt: {snmp}"));
        }

        #[test]
        fn shares_are_shares(now: [u64; 6], then: [u64; 6]) {
            let counters = |[out_segs, retrans_segs, active_opens, passive_opens, attempt_fails, overflows]: [u64; 6]| TcpCounters {
                out_segs, retrans_segs, active_opens, passive_opens, attempt_fails, listen_overflows: Some(overflows),
            };
            if let Some(between) = counters(now).since(&counters(then)) {
                for level in between.levels() { prop_assert!((0.0..=1.0).contains(&level.share)); }
            }
        }
    }
}
