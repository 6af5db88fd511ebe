//! A whole watch in virtual time, without threads: what the daemon does, in a row.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    ops::Range,
    time::Duration,
};

use reach::daemon::{Desk, rows_of};
use reach_core::{
    Time,
    survey::Onward,
    watch::{
        Cadence, Incident, IncidentId, Layer, News, Order, OutboxRow, OwnCheck, Phase, Reading, Remembered,
        RowId, Rules, Series, Silence, SilenceId, TargetId, WatchPlan, Watched, Why,
        courier::{Courier, QuietSpan},
        incidents::{Incidents, OrderError},
        patrol::Patrol,
    },
};
use reach_report::Lang;
use reach_sim::{Drive, Timeline, World, scenario::STARTED};
use reach_store::{Batch, Committed, Ticket};
use serde::{Serialize, de::DeserializeOwned};

use super::telephone::{Said, Telephone, channels, check_laws, table};

/// A watch, its world, and the telephone that its messages come to.
pub(crate) struct Watcher {
    world: World,
    drive: Drive,
    patrol: Patrol,
    bureau: Bureau,
    pub(crate) plan: WatchPlan,
}

/// Everything behind the patrol.
struct Bureau {
    desk: Desk<Telephone>,
    memory: Memory,
    /// When the telephone has something to do.
    wake: Time,
    tickets: u64,
}

/// What was written.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) incidents: BTreeMap<IncidentId, Incident>,
    remembered: BTreeMap<Series, Remembered>,
    outbox: BTreeMap<RowId, OutboxRow>,
    silences: BTreeMap<SilenceId, Silence>,
    /// First tries of late, and whether they failed.
    tries: VecDeque<(TargetId, Time, bool)>,
}

/// A target that is watched with the usual settings, and tried so often.
pub(crate) fn watched(id: u32, target: &str, every: Duration) -> Watched {
    Watched {
        id: TargetId(id),
        target: target.parse().expect("a target"),
        labels: BTreeMap::new(),
        pace: Cadence { every, ..Cadence::default() },
        rules: Rules::default(),
    }
}

impl Watcher {
    pub(crate) fn new(timeline: &Timeline, targets: Vec<Watched>) -> Self {
        let references = vec![
            "198.51.100.7:443".parse().expect("an address"),
            "198.51.100.8:80".parse().expect("an address"),
        ];
        Self::with_references(timeline, targets, references)
    }

    /// One that knows its router, and these references.
    pub(crate) fn with_references(
        timeline: &Timeline,
        targets: Vec<Watched>,
        references: Vec<SocketAddr>,
    ) -> Self {
        let world = timeline.world(5).unwrap_or_else(|error| panic!("{error}"));
        let mut vantage = world.network().client.vantage.clone();
        vantage.host = "lookout".to_owned();
        let own = OwnCheck { references, gateway: Some([10, 70, 0, 1].into()) };
        let plan = WatchPlan { targets, vantage, own, rate: 1_000.0, surveys: 2, seed: 3 };
        let memory = Memory::default();
        let (patrol, desk) = memory.begin(&plan, Vec::new(), STARTED);
        let bureau = Bureau { desk, memory, wake: Courier::NEVER, tickets: 0 };
        Self { world, drive: Drive::new(STARTED), patrol, bureau, plan }
    }

    /// Of `push.example` alone.
    pub(crate) fn of_push(timeline: &Timeline, every: Duration) -> Self {
        Self::new(timeline, vec![watched(1, "push.example", every)])
    }

    pub(crate) fn now(&self) -> Time {
        self.drive.now()
    }

    /// Goes on until so long after the beginning.
    pub(crate) fn until(&mut self, after: Duration) -> &mut Self {
        let end = STARTED + after;
        while self.drive.now() < end {
            let until = self.bureau.due(self.drive.now()).min(end);
            let bureau = &mut self.bureau;
            self.drive.go(&mut self.patrol, &mut self.world, until, &mut |_| {}, &mut |patrol, now| {
                let asks = bureau.turn(patrol, now);
                match (asks, bureau.due(now) < until) {
                    (true, _) => Onward::Ask,
                    (false, true) => Onward::Stop,
                    (false, false) => Onward::Wait,
                }
            });
        }
        self
    }

    /// The host sleeps, or its clock is set forward: both look the same from here.
    pub(crate) fn sleep(&mut self, span: Duration) -> &mut Self {
        self.drive.sleep(span);
        self
    }

    /// The process is killed, and another one begins so long afterwards with what was written.
    pub(crate) fn restart(&mut self, after: Duration) -> &mut Self {
        self.begin_anew(self.drive.now() + after)
    }

    /// The host is started anew, and its clock was set back meanwhile.
    pub(crate) fn set_back(&mut self, span: Duration) -> &mut Self {
        let span = u64::try_from(span.as_micros()).expect("no more than years");
        self.begin_anew(Time::from_micros(self.drive.now().as_micros() - span))
    }

    fn begin_anew(&mut self, now: Time) -> &mut Self {
        let said = std::mem::take(&mut self.bureau.desk.outbox_mut().said);
        let (patrol, desk) = self.bureau.memory.begin(&self.plan, said, now);
        (self.patrol, self.bureau.desk, self.drive) = (patrol, desk, Drive::new(now));
        self.bureau.wake = now;
        self
    }

    /// When people sleep.
    pub(crate) fn sleeping(&mut self, spans: &[Range<Duration>]) -> &mut Self {
        let span =
            |span: &Range<Duration>| QuietSpan { from: STARTED + span.start, until: STARTED + span.end };
        self.bureau.desk.outbox_mut().quiet(spans.iter().map(span).collect());
        self
    }

    pub(crate) fn order(&mut self, order: Order) -> Result<(), OrderError> {
        let now = self.drive.now();
        self.bureau.desk.order(order, "kim", now)
    }

    pub(crate) fn said(&self) -> &[Said] {
        &self.bureau.desk.outbox().said
    }

    pub(crate) fn rings(&self) -> Vec<&Said> {
        self.said().iter().filter(|said| said.rings()).collect()
    }

    /// Messages whose news is like this.
    pub(crate) fn telling(&self, is: impl Fn(&News) -> bool) -> Vec<&Said> {
        self.said().iter().filter(|said| said.tells(&is)).collect()
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.bureau.memory
    }

    /// The incident that is open.
    pub(crate) fn open(&self) -> Vec<&Incident> {
        self.bureau.desk.incidents().open().collect()
    }

    /// What was said, in a table; and what holds for whatever is said.
    pub(crate) fn table(&self) -> String {
        let vantage = self.bureau.desk.outbox().vantage();
        check_laws(self.said(), vantage);
        table(self.said(), vantage)
    }

    pub(crate) fn text(&self, said: &Said, lang: Lang) -> String {
        said.text(lang, self.bureau.desk.outbox().vantage())
    }
}

impl Bureau {
    /// What the daemon does in each turn. Whether the patrol was asked for something.
    fn turn(&mut self, patrol: &mut Patrol, now: Time) -> bool {
        let (events, remembered) = (patrol.take_events(), patrol.take_dirty());
        if events.is_empty() && remembered.is_empty() {
            self.desk.tick(now);
        } else {
            self.desk.learn(events, remembered, now);
        }
        self.hand_in(now);
        let wanted = self.desk.take_wanted();
        self.desk.take_told();
        wanted.iter().for_each(|target| patrol.examine(*target));
        let (wake, rows) = self.desk.outbox_mut().deliver(now);
        self.wake = wake;
        if !rows.is_empty() {
            self.desk.rewrite(rows);
            self.hand_in(now);
        }
        !wanted.is_empty()
    }

    fn hand_in(&mut self, now: Time) {
        if let Some(batch) = self.desk.take_batch(now) {
            self.tickets += 1;
            let ticket = Ticket(self.tickets);
            self.desk.handed_in(ticket, rows_of(&batch));
            self.memory.write(batch);
            self.desk.committed(&Committed { through: ticket, refused: Vec::new() });
        }
    }

    fn due(&self, now: Time) -> Time {
        let due = self.desk.due().map_or(self.wake, |due| due.min(self.wake));
        due.max(now + Duration::from_micros(1))
    }
}

impl Memory {
    /// A patrol and a desk that go on with what was written.
    fn begin(&self, plan: &WatchPlan, said: Vec<Said>, now: Time) -> (Patrol, Desk<Telephone>) {
        let remembered: Vec<Remembered> = self.remembered.values().map(reread).collect();
        let open = |incident: &&Incident| !matches!(incident.phase, Phase::Closed { .. });
        let incidents: Vec<Incident> = self.incidents.values().filter(open).map(reread).collect();
        let silences = self.silences.values().filter(|silence| silence.until > now).map(reread).collect();
        let keeps = |row: &&OutboxRow| {
            row.delivery.is_pending() || incidents.iter().any(|incident| incident.id == row.incident())
        };
        let kept: Vec<OutboxRow> = self.outbox.values().filter(keeps).map(reread).collect();
        let next_row = RowId(self.outbox.keys().last().map_or(1, |row| row.0 + 1));
        let next = IncidentId(self.incidents.keys().last().map_or(1, |id| id.0 + 1));
        let mut incidents = Incidents::new(plan, incidents, silences, next, now);
        remembered.iter().for_each(|row| incidents.know(row));
        for (target, at, failed) in &self.tries {
            incidents.recall(*target, *at, u32::from(!failed), u32::from(*failed));
        }
        let courier = Courier::new(channels(), kept, next_row, now);
        let telephone = Telephone::new(courier, said, plan.vantage.clone());
        (Patrol::new(plan.clone(), remembered, now), Desk::new(incidents, telephone, now))
    }

    fn write(&mut self, batch: Batch) {
        self.remembered.extend(batch.remembered.into_iter().map(|row| (row.series, row)));
        for moved in &batch.transitions {
            if matches!(moved.why, Why::Forgotten | Why::Dropped) {
                self.remembered.remove(&moved.series);
            }
        }
        self.incidents.extend(batch.incidents.into_iter().map(|incident| (incident.id, incident)));
        self.outbox.extend(batch.outbox.into_iter().map(|row| (row.id, row)));
        self.silences.extend(batch.silences.into_iter().map(|silence| (silence.id, silence)));
        for sample in batch.samples.iter().filter(|sample| sample.layer == Layer::Connect && !sample.again) {
            match sample.reading {
                Reading::Answered(_) => self.tries.push_back((sample.series.target, sample.at, false)),
                Reading::Failed(_) => self.tries.push_back((sample.series.target, sample.at, true)),
                Reading::Unable => {}
            }
        }
        let late = |at: Time| batch.at.since(at) > Duration::from_secs(600);
        while self.tries.front().is_some_and(|(_, at, _)| late(*at)) {
            self.tries.pop_front();
        }
    }
}

/// The same after it was written and read.
fn reread<T: Serialize + DeserializeOwned>(thing: &T) -> T {
    let written = serde_json::to_string(thing).expect("it can be written");
    serde_json::from_str(&written).expect("it can be read")
}
