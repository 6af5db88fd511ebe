//! A courier with real senders in a time of the test's own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use reach::alert::{
    Sender,
    settings::{ChannelSettings, Place},
};
use reach_core::{
    Time,
    model::Vantage,
    watch::{
        AddressState, Cause, Gravity, Incident, IncidentId, Member, News, Notice, OutboxRow, Phase, Reason,
        RowId, Subject, TargetId,
        courier::{Courier, CourierStep, Dispatch, Report},
    },
};
use reach_net::trust::TrustRoots;
use reach_report::notice::Telling;
use tokio::runtime::{Builder, Runtime};

/// 2026-11-22 05:00:00 UTC.
pub(crate) const START: Time = Time::from_micros(1_795_323_600_000_000);

pub(crate) struct World {
    pub(crate) courier: Courier,
    senders: BTreeMap<String, Sender>,
    pub(crate) now: Time,
    pub(crate) rows: BTreeMap<RowId, OutboxRow>,
    pub(crate) told: Vec<(Dispatch, Report)>,
    clock: Option<Arc<AtomicU64>>,
    vantage: Vantage,
    runtime: Runtime,
}

/// A channel as a configuration has it.
pub(crate) fn settings(table: &str) -> ChannelSettings {
    let place = Place { directory: std::path::Path::new("/"), variable: &|_| None };
    let table: toml::Table = table.parse().expect("TOML");
    let mut settings = ChannelSettings::read(table, place).unwrap_or_else(|problems| panic!("{problems:?}"));
    // Whoever keeps silent does so for ever.
    settings.timeout = settings.timeout.min(Duration::from_millis(1500));
    settings
}

pub(crate) fn sender(settings: &ChannelSettings) -> Sender {
    let roots = Arc::new(TrustRoots::from_certificates(Vec::new(), "nowhere"));
    Sender::new(settings, &roots).unwrap_or_else(|problem| panic!("{problem}"))
}

pub(crate) fn vantage() -> Vantage {
    Vantage {
        host: "web01".to_owned(),
        sources: vec!["192.0.2.10".parse().expect("an address")],
        ..Default::default()
    }
}

pub(crate) fn notice(id: u64, seq: u32, news: News, now: Time) -> Notice {
    let phase = match news {
        News::Recovered => Phase::Recovered { since: now, at: now },
        News::Dropped => Phase::Closed { at: now, all_clear: false },
        _ => Phase::Open,
    };
    let open = phase == Phase::Open;
    let rings = !matches!(news, News::Updated | News::Reminder | News::Acknowledged);
    let member = |n: u8| Member {
        address: [192, 0, 2, n].into(),
        state: if open { AddressState::Down } else { AddressState::Ok },
        reason: Reason::Timeout,
        since: START,
        from_birth: false,
        gone: false,
    };
    let incident = Incident {
        id: IncidentId(id),
        subject: Subject::Target(TargetId(1)),
        title: format!("svc{id}.example:443"),
        labels: BTreeMap::from([("team".to_owned(), "push".to_owned())]),
        gravity: Gravity::Degraded,
        worst: Gravity::Degraded,
        phase,
        began: START,
        opened: START,
        changed: now,
        causes: if open { vec![Cause::Addresses] } else { Vec::new() },
        members: vec![member(12), member(14)],
        // What changes from one notice to the next.
        pool: 8 + seq,
        acknowledged: None,
        muted_until: None,
        unstable: false,
        quiet: Duration::from_secs(300),
        relapses: 0,
        unwatched: Duration::ZERO,
        ending: None,
        notices: seq,
        rang: Vec::new(),
        remarks: Vec::new(),
        diagnosis: None,
        clocks: Default::default(),
    };
    Notice { incident, seq, at: now, news, rings }
}

impl World {
    pub(crate) fn new(channels: Vec<Sender>) -> Self {
        let plans = channels.iter().map(|sender| sender.plan().clone()).collect();
        Self {
            courier: Courier::new(plans, Vec::new(), RowId(1), START),
            senders: channels.into_iter().map(|sender| (sender.plan().name.clone(), sender)).collect(),
            now: START,
            rows: BTreeMap::new(),
            told: Vec::new(),
            clock: None,
            vantage: vantage(),
            runtime: Builder::new_current_thread().enable_all().build().expect("a runtime"),
        }
    }

    /// Lets a fake know what time it is.
    pub(crate) fn with_clock(mut self, clock: Arc<AtomicU64>) -> Self {
        self.clock = Some(clock);
        self
    }

    pub(crate) fn say(&mut self, id: u64, seq: u32, news: News) {
        self.tell(&notice(id, seq, news, self.now));
    }

    pub(crate) fn tell(&mut self, notice: &Notice) {
        let rows = self.courier.plan(notice, self.now);
        let ids: Vec<RowId> = rows.iter().map(|row| row.id).collect();
        self.rows.extend(rows.into_iter().map(|row| (row.id, row)));
        self.courier.committed(&ids);
    }

    /// Goes on for so long.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            if let Some(clock) = &self.clock {
                clock.store(self.now.as_micros() / 1000, Ordering::SeqCst);
            }
            match self.courier.poll(self.now) {
                CourierStep::Wait(until) => self.now = until.min(end),
                CourierStep::Hand(dispatch) => {
                    let sender = &self.senders[&dispatch.channel];
                    let telling = Telling { lang: sender.lang(), utc_offset_s: 0, vantage: &self.vantage };
                    let report = self.runtime.block_on(sender.deliver(&dispatch, &telling, self.now));
                    self.courier.report(dispatch.id, report.clone(), self.now);
                    self.told.push((dispatch, report));
                }
            }
            for row in self.courier.take_updates() {
                self.rows.insert(row.id, row);
            }
        }
    }

    pub(crate) fn minutes(&mut self, minutes: u64) {
        self.run(Duration::from_secs(60 * minutes));
    }

    /// What became of everything handed over: the names of the reports.
    pub(crate) fn reports(&self) -> Vec<String> {
        let name =
            |report: &Report| format!("{report:?}").split([' ', '{']).next().unwrap_or_default().to_owned();
        self.told.iter().map(|(_, report)| name(report)).collect()
    }

    /// Nothing waits any more.
    pub(crate) fn settled(&self) {
        for row in self.rows.values() {
            assert!(!row.delivery.is_pending(), "{:?} {:?} {:?}", row.id, row.delivery, row.trouble);
        }
    }
}
