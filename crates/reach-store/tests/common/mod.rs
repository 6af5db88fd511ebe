//! Things to remember, made up.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use reach_core::{
    Time,
    judge::judge,
    model::{Case, Effort, Plan, Vantage},
    stats::split_mix,
    watch::{
        AddressState, Delivery, Examination, Gravity, Incident, IncidentId, Layer, News, Notice, OutboxRow,
        Phase, Reading, Reason, Remembered, RowId, Sample, Series, Silence, SilenceId, Subject, TargetId,
        Transition, Why,
    },
};

/// 2026-11-02 00:00:00 UTC.
pub(crate) const START: Time = Time::from_micros(1_793_577_600_000_000);

pub(crate) fn after(seconds: u64) -> Time {
    START + Duration::from_secs(seconds)
}

pub(crate) fn series(target: u32, last: u8) -> Series {
    Series { target: TargetId(target), address: IpAddr::from([192, 0, 2, last]) }
}

pub(crate) fn sample(target: u32, last: u8, at: Time, reading: Reading) -> Sample {
    Sample { series: series(target, last), layer: Layer::Connect, at, reading, again: false }
}

pub(crate) fn answered(target: u32, last: u8, at: Time, millis: u64) -> Sample {
    sample(target, last, at, Reading::Answered(Duration::from_millis(millis)))
}

pub(crate) fn transition(target: u32, last: u8, at: Time) -> Transition {
    Transition {
        series: series(target, last),
        at,
        from: AddressState::Suspect,
        to: AddressState::Down,
        why: Why::Failed(Reason::Timeout),
    }
}

pub(crate) fn remembered(target: u32, last: u8, since: Time) -> Remembered {
    Remembered {
        series: series(target, last),
        health: AddressState::Down,
        since,
        reason: Some(Reason::Timeout),
        first_seen: START,
        last_given: since,
        ttl_s: 300,
        resolvers: ["192.0.2.53:53".parse().expect("an address")].into(),
        gone_since: None,
        last_ok: Some(START),
        certificate_expires: None,
    }
}

pub(crate) fn incident(id: u64, target: u32, at: Time) -> Incident {
    Incident {
        id: IncidentId(id),
        subject: Subject::Target(TargetId(target)),
        title: format!("t{target}.example:443"),
        labels: BTreeMap::from([("team".to_owned(), "push".to_owned())]),
        gravity: Gravity::Degraded,
        worst: Gravity::Degraded,
        phase: Phase::Open,
        began: at,
        opened: at,
        changed: at,
        causes: Vec::new(),
        members: Vec::new(),
        pool: 16,
        acknowledged: None,
        muted_until: None,
        unstable: false,
        quiet: Duration::from_secs(300),
        relapses: 0,
        unwatched: Duration::ZERO,
        ending: None,
        notices: 1,
        rang: vec![at],
        remarks: Vec::new(),
        diagnosis: None,
        clocks: Default::default(),
    }
}

pub(crate) fn closed(incident: Incident, at: Time) -> Incident {
    Incident { phase: Phase::Closed { at, all_clear: true }, changed: at, ..incident }
}

pub(crate) fn row(id: u64, incident: Incident, seq: u32, channel: &str) -> OutboxRow {
    let at = incident.changed;
    OutboxRow {
        id: RowId(id),
        channel: channel.to_owned(),
        notice: Notice { incident, seq, at, news: News::Opened, rings: true },
        delivery: Delivery::Queued,
        attempts: 0,
        not_before: at,
        trouble: None,
        instead_of: None,
    }
}

pub(crate) fn silence(id: u64, until: Time) -> Silence {
    Silence {
        id: SilenceId(id),
        matcher: Default::default(),
        from: START,
        until,
        author: "a".to_owned(),
        comment: "b".to_owned(),
        maintenance: false,
    }
}

pub(crate) fn examination(target: u32, at: Time) -> Examination {
    let case = Case {
        target: "push.example:443".parse().expect("a target"),
        vantage: Vantage::default(),
        plan: Plan::new(Effort::Normal, 1),
        started: at,
    };
    let diagnosis = judge(&case, &[]);
    Examination { target: TargetId(target), case, observations: Vec::new(), finished: at, diagnosis }
}

/// Numbers by chance, always the same.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        split_mix(self.0) % end
    }

    /// From 0 to 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.below(1 << 53) as f64 / (1_u64 << 53) as f64
    }

    /// Of the standard normal distribution (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let (one, other) = (self.share().max(1e-12), self.share());
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }
}

/// Addresses that are tried in turn as a watch tries them: at an interval that is off by up to a tenth;
/// answers take the same time but for 3 %; one address in a hundred is dead.
pub(crate) struct Site {
    dice: Dice,
    every: Duration,
    /// When the next try is, its address, and how long that takes; dead without.
    turns: BTreeMap<(Time, Series), Option<f64>>,
}

impl Site {
    pub(crate) fn new(targets: u32, addresses: u8, every: Duration) -> Self {
        let mut dice = Dice::new(7);
        let mut turns = BTreeMap::new();
        for target in 1..=targets {
            for address in 0..addresses {
                let first = START + every.mul_f64(dice.share());
                let usual =
                    if dice.below(100) == 0 { None } else { Some(2_000.0 + 200_000.0 * dice.share()) };
                turns.insert((first, series(target, address)), usual);
            }
        }
        Self { dice, every, turns }
    }
}

impl Iterator for Site {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        let ((at, series), usual) = self.turns.pop_first()?;
        let next = at + self.every.mul_f64(0.9 + 0.2 * self.dice.share());
        self.turns.insert((next, series), usual);
        let reading = match usual {
            Some(usual) => {
                let took = usual * (1.0 + 0.03 * self.dice.normal());
                Reading::Answered(Duration::from_micros(took.max(1.0) as u64))
            }
            None => Reading::Failed(Reason::Timeout),
        };
        Some(Sample { series, layer: Layer::Connect, at, reading, again: false })
    }
}
