//! What holds whatever happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use proptest::prelude::*;

use super::play::{address, at, plan, remembered, series};
use crate::{
    Time,
    model::{Certificate, ResolutionError},
    watch::{
        AddressState, AgreementChange, BurnRate, CertificateSeen, Change, Event, Gravity, Incident,
        IncidentId, Layer, Matcher, News, Notice, Order, Phase, Reading, Reason, ResolutionChange, Rules,
        Sample, Silence, SilenceId, Subject, TargetId, Transition, VantageChange, WatchPlan, Why,
        incidents::Incidents,
    },
};

/// One thing that happens, after so many seconds.
#[derive(Clone, Debug)]
enum Step {
    Tried(u8, bool, bool),
    Moved(u8, AddressState, Why),
    Resolution(bool),
    Agreement(bool),
    Vantage(bool),
    Gap(u16),
    Certificate(u8, u8),
    Reload(bool),
    Wait(u16),
    Silence(u16),
    Mute(u16),
    Acknowledge,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    use AddressState::{Down, Gone, Ok, Recovering, Suspect, Unknown};
    let failed = Why::Failed(Reason::Timeout);
    let moves = prop::sample::select(vec![
        (Unknown, Why::Appeared),
        (Ok, Why::Answered),
        (Suspect, failed),
        (Down, failed),
        (Down, failed),
        (Down, Why::BlockedFromBirth(Reason::Refused)),
        (Recovering, Why::Answered),
        (Gone, Why::LeftDns),
        (Ok, Why::Returned),
        (Gone, Why::Forgotten),
    ]);
    prop_oneof![
        12 => (1..5_u8, any::<bool>(), any::<bool>()).prop_map(|(last, fails, again)| Step::Tried(last, fails, again)),
        8 => (1..5_u8, moves).prop_map(|(last, (to, why))| Step::Moved(last, to, why)),
        1 => any::<bool>().prop_map(Step::Resolution),
        1 => any::<bool>().prop_map(Step::Agreement),
        1 => any::<bool>().prop_map(Step::Vantage),
        1 => (1..9_000_u16).prop_map(Step::Gap),
        1 => (1..5_u8, 0..20_u8).prop_map(|(last, days)| Step::Certificate(last, days)),
        1 => any::<bool>().prop_map(Step::Reload),
        4 => (1..4_000_u16).prop_map(Step::Wait),
        1 => (1..9_000_u16).prop_map(Step::Silence),
        1 => (1..9_000_u16).prop_map(Step::Mute),
        1 => Just(Step::Acknowledge),
        1 => Just(Step::Restart),
    ]
}

/// The same, but that nothing answers.
fn without_answer(step: Step) -> Step {
    match step {
        Step::Tried(last, _, again) => Step::Tried(last, true, again),
        other => other,
    }
}

/// Rules of which some complain easily.
fn rules() -> Rules {
    let burn = BurnRate {
        objective: 0.99,
        factor: 2.0,
        long: Duration::from_secs(3_600),
        short: Duration::from_secs(300),
        page: true,
    };
    Rules { burn: vec![burn], ..Rules::default() }
}

/// The machine, with everything that a law looks at.
struct Court {
    plan: WatchPlan,
    incidents: Incidents,
    now: u64,
    silence: Option<Silence>,
    stored: BTreeMap<IncidentId, Incident>,
    notices: Vec<Notice>,
    last_failure: BTreeMap<IpAddr, Time>,
    last_answer: BTreeMap<IpAddr, Time>,
    dismissed: BTreeSet<IpAddr>,
    offline: bool,
}

impl Court {
    fn new() -> Self {
        let plan = plan(rules());
        Self {
            incidents: Incidents::new(&plan, Vec::new(), Vec::new(), IncidentId(1), at(0)),
            plan,
            now: 0,
            silence: None,
            stored: BTreeMap::new(),
            notices: Vec::new(),
            last_failure: BTreeMap::new(),
            last_answer: BTreeMap::new(),
            dismissed: BTreeSet::new(),
            offline: false,
        }
    }

    fn play(&mut self, step: &Step) {
        self.wait(1);
        let now = at(self.now);
        match step {
            Step::Tried(last, fails, again) => {
                let reading = if *fails {
                    self.last_failure.insert(address(*last), now);
                    Reading::Failed(Reason::Timeout)
                } else {
                    self.last_answer.insert(address(*last), now);
                    Reading::Answered(Duration::from_millis(5))
                };
                let (series, layer, again) = (series(*last), Layer::Connect, *again);
                self.take(Event::Sample(Sample { series, layer, at: now, reading, again }));
            }
            Step::Moved(last, to, why) => {
                match why {
                    Why::Forgotten => self.dismissed.insert(address(*last)),
                    _ => self.dismissed.remove(&address(*last)),
                };
                let (series, from) = (series(*last), AddressState::Unknown);
                self.take(Event::Moved(Transition { series, at: now, from, to: *to, why: *why }));
            }
            Step::Resolution(fails) => {
                let error = fails.then_some(ResolutionError::ServFail);
                self.take(Event::Resolution(ResolutionChange { target: TargetId(1), at: now, error }));
            }
            Step::Agreement(differ) => {
                let odd = differ.then(|| "192.0.2.53:53".parse().expect("an address")).into_iter().collect();
                self.take(Event::Agreement(AgreementChange { target: TargetId(1), at: now, odd }));
            }
            Step::Vantage(online) => {
                self.offline = !online;
                self.take(Event::Vantage(VantageChange {
                    at: now,
                    online: *online,
                    silent: Vec::new(),
                    near: Vec::new(),
                }));
            }
            Step::Gap(seconds) => {
                self.now += u64::from(*seconds);
                self.take(Event::Gap { from: now, until: at(self.now) });
            }
            Step::Certificate(last, days) => {
                let (series, certificate, distrust) = (series(*last), Certificate::default(), Vec::new());
                let chain_expires = (now + Duration::from_secs(u64::from(*days) * 86_400)).as_secs() as i64;
                let seen = CertificateSeen { series, at: now, certificate, chain_expires, distrust };
                self.take(Event::Certificate(seen));
            }
            Step::Reload(with_rules) => {
                self.plan =
                    plan(if *with_rules { rules() } else { Rules { failure_share: None, ..rules() } });
                self.incidents.reload(&self.plan, now);
                self.collect();
            }
            Step::Wait(seconds) => self.wait(u64::from(*seconds)),
            Step::Silence(seconds) => {
                let until = at(self.now + u64::from(*seconds));
                let (id, matcher, comment) = (SilenceId(1), Matcher::default(), String::new());
                let (author, maintenance) = ("kim".to_owned(), true);
                let silence = Silence { id, matcher, from: now, until, author, comment, maintenance };
                self.silence = Some(silence.clone());
                self.incidents.order(Order::Silence(silence), now).expect("a good silence");
                self.collect();
            }
            Step::Mute(seconds) => {
                let until = at(self.now + u64::from(*seconds));
                let open: Vec<IncidentId> = self.incidents.open().map(|incident| incident.id).collect();
                for incident in open {
                    let mute = Order::Mute { incident, until, by: "lee".to_owned() };
                    self.incidents.order(mute, now).expect("it is open");
                }
                self.collect();
            }
            Step::Acknowledge => {
                let open: Vec<IncidentId> = self.incidents.open().map(|incident| incident.id).collect();
                for incident in open {
                    let by = format!("lee{}", self.now);
                    self.incidents.order(Order::Acknowledge { incident, by }, now).expect("it is open");
                }
                self.collect();
            }
            Step::Restart => {
                // The first answer says that it is connected.
                self.offline = false;
                self.restart();
            }
        }
    }

    fn restart(&mut self) {
        let open: Vec<IncidentId> = self.incidents.open().map(|incident| incident.id).collect();
        let remembered = self.stored.values().map(remembered).collect();
        let silences = self.silence.iter().cloned().collect();
        let next = IncidentId(self.stored.keys().last().map_or(1, |id| id.0 + 1));
        self.incidents = Incidents::new(&self.plan, remembered, silences, next, at(self.now));
        let resumed: Vec<IncidentId> = self.incidents.open().map(|incident| incident.id).collect();
        // Its refresh may have closed one that was due; none may be lost.
        for id in open {
            let closed = self.incidents.take_changes();
            self.judge(closed);
            let over = matches!(self.stored[&id].phase, Phase::Closed { .. });
            assert!(resumed.contains(&id) || over, "#{} was lost", id.0);
        }
        self.collect();
    }

    fn wait(&mut self, seconds: u64) {
        let end = self.now + seconds;
        let mut rounds = 0;
        while let Some(due) = self.incidents.due().filter(|due| *due <= at(end)) {
            self.incidents.tick(due);
            self.now = self.now.max(due.since(at(0)).as_secs());
            self.collect();
            assert!(self.incidents.due().is_none_or(|next| next > due), "it asks for the same moment again");
            rounds += 1;
            assert!(rounds < 10_000, "it asks too often");
        }
        self.now = end;
        self.incidents.tick(at(end));
        self.collect();
    }

    fn take(&mut self, event: Event) {
        self.incidents.take(&event);
        self.collect();
    }

    fn collect(&mut self) {
        let changes = self.incidents.take_changes();
        self.judge(changes);
        self.one_open_incident_a_subject();
    }

    fn judge(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Incident(incident) => {
                    if let Some(Phase::Closed { .. }) = self.stored.get(&incident.id).map(|known| known.phase)
                    {
                        assert!(
                            matches!(incident.phase, Phase::Closed { .. }),
                            "what is closed stays closed"
                        );
                    }
                    self.stored.insert(incident.id, *incident);
                }
                Change::Notice(notice) => self.hear(*notice),
                Change::Examine(_) => {}
            }
        }
    }

    fn hear(&mut self, notice: Notice) {
        let known = self.notices.iter().rev().find(|known| known.incident.id == notice.incident.id);
        assert!(known.is_none_or(|known| known.seq < notice.seq), "seq has to rise: {notice:?}");
        if notice.incident.id.0 > 0 {
            assert_eq!(
                self.stored.get(&notice.incident.id),
                Some(&notice.incident),
                "remembered before told"
            );
        }
        let opened = |notice: &Notice| notice.news == News::Opened;
        if opened(&notice) {
            let again = self.notices.iter().any(|k| opened(k) && k.incident.id == notice.incident.id);
            assert!(!again, "opened twice");
        }
        let silenced = self.silence.as_ref().is_some_and(|silence| silence.is_active(notice.at));
        if silenced {
            assert!(matches!(notice.news, News::Acknowledged), "said in a silence: {:?}", notice.news);
        }
        let muted = notice.incident.muted_until.is_some_and(|until| notice.at < until);
        if muted {
            assert!(matches!(notice.news, News::Acknowledged | News::Worsened { .. }), "{:?}", notice.news);
        }
        if notice.rings {
            assert!(notice.incident.worst >= Gravity::Degraded);
            let of_it = self.notices.iter().filter(|k| k.rings && k.incident.id == notice.incident.id);
            let lately = of_it.filter(|k| notice.at.since(k.at) < Duration::from_secs(3 * 3_600)).count();
            assert!(lately < 6, "the seventh ring in three hours");
        }
        if notice.news == News::Updated {
            let edits = self.notices.iter().filter(|known| known.news == News::Updated);
            let of_it = edits.filter(|known| known.incident.id == notice.incident.id);
            let lately = of_it.filter(|k| notice.at.since(k.at) < Duration::from_secs(3 * 3_600)).count();
            assert!(lately < 40, "a message is edited every few minutes");
        }
        if notice.news == News::Recovered && notice.incident.subject != Subject::Vantage {
            assert!(!self.offline, "recovered while nothing could be seen");
            for member in &notice.incident.members {
                let failed = self.last_failure.get(&member.address);
                let answered = self.last_answer.get(&member.address);
                assert!(
                    member.state == AddressState::Gone || (answered.is_some() && answered >= failed),
                    "{member:?} has not answered since"
                );
            }
        }
        if let News::AllClear(assurance) = &notice.news {
            assert!(assurance.lacking.is_empty() && !assurance.addresses.is_empty());
            assert!(assurance.addresses.values().all(|found| found.tries >= 299 && found.failures == 0));
        }
        self.notices.push(notice);
    }

    fn one_open_incident_a_subject(&self) {
        let mut subjects = BTreeSet::new();
        for incident in self.incidents.open() {
            assert!(subjects.insert(incident.subject.clone()), "two of {:?}", incident.subject);
            let known = self.stored.get(&incident.id);
            assert!(known == Some(incident), "what is open is remembered as it is: {known:?} {incident:?}");
        }
        let stored = self.stored.values().filter(|known| !matches!(known.phase, Phase::Closed { .. }));
        assert_eq!(stored.count(), subjects.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_laws_hold(steps in prop::collection::vec(step(), 1..250)) {
        let mut court = Court::new();
        for step in &steps {
            court.play(step);
        }
        court.wait(30 * 3_600);
    }

    /// Nothing but what is no answer happens after the outage.
    #[test]
    fn without_an_answer_nothing_recovers(
        steps in prop::collection::vec(step().prop_map(without_answer), 1..150),
    ) {
        let mut court = Court::new();
        for second in 0..9 {
            court.play(&Step::Tried(1 + second % 3, false, false));
        }
        for fails in [AddressState::Suspect, AddressState::Down] {
            court.play(&Step::Moved(1, fails, Why::Failed(Reason::Timeout)));
            court.play(&Step::Tried(1, true, false));
        }
        court.wait(40);
        prop_assert_eq!(court.incidents.open().count(), 1);
        for step in &steps {
            court.play(step);
        }
        court.wait(3 * 86_400);
        let of_target = |notice: &&Notice| notice.incident.subject == Subject::Target(TargetId(1));
        let good = |notice: &Notice| matches!(notice.news, News::Recovered | News::AllClear(_));
        prop_assert!(!court.notices.iter().filter(of_target).any(good));
        let open = court.incidents.open().any(|incident| incident.id == IncidentId(1));
        prop_assert!(open, "it stays open");
    }
}
