use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    model::{
        After, Answer, Connected, Inability, LookupAnswer, Obstacle, Outcome, RecordKind, Refusal, Rejection,
        Silence, Vantage,
    },
    watch::{Cadence, Layer, Reading, Rules, Sample},
};

const START: Time = Time::from_micros(1_800_000_000_000_000);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn address(number: u32) -> IpAddr {
    IpAddr::from((0x0A00_0000 + number).to_be_bytes())
}

fn watched(id: u32, text: &str, pace: Cadence) -> Watched {
    Watched {
        id: TargetId(id),
        target: text.parse().expect("a target"),
        labels: BTreeMap::new(),
        pace,
        rules: Rules::default(),
    }
}

fn plan(targets: Vec<Watched>, rate: f64) -> WatchPlan {
    WatchPlan {
        targets,
        vantage: Vantage::default(),
        own: crate::watch::OwnCheck::default(),
        rate,
        surveys: 1,
        seed: 1,
    }
}

/// Literal targets, tried this often, with nothing but handshakes.
fn literals(count: u32, every: Duration) -> Vec<Watched> {
    let pace = Cadence { every, exchange_every: None, echo_every: None, ..Cadence::default() };
    (0..count).map(|number| watched(number, &format!("{}:9", address(number)), pace.clone())).collect()
}

fn connected(rtt: Duration) -> Outcome {
    Outcome::Answered(Answer::Connected(Connected {
        rtt,
        syns: 1,
        source: SocketAddr::from(([192, 0, 2, 1], 1)),
        after: After::NotWatched,
    }))
}

const SILENCE: Outcome = Outcome::Silent(Silence { packets: 3, refused_here: false });

/// A world that answers as it is told, and everything that was asked of it.
struct World<F> {
    now: Time,
    answer: F,
    pending: BTreeMap<(Time, u32), Observation>,
    probes: Vec<(Time, Probe)>,
    polls: u64,
}

impl<F: FnMut(&Probe, Time) -> (Outcome, Duration)> World<F> {
    fn new(answer: F) -> Self {
        Self { now: START, answer, pending: BTreeMap::new(), probes: Vec::new(), polls: 0 }
    }

    fn drive(&mut self, patrol: &mut Patrol, until: Time) {
        loop {
            self.polls += 1;
            match patrol.poll(self.now) {
                Step::Run(id, probe) => {
                    let (outcome, took) = (self.answer)(&probe, self.now);
                    self.probes.push((self.now, probe.clone()));
                    let (sent, done) = (self.now, self.now + took);
                    let observation = Observation { id, probe, outcome, sent, done };
                    assert!(self.pending.insert((done, id.0), observation).is_none());
                }
                Step::Wait(wake) => {
                    assert!(wake > self.now, "the wait is over before it begins");
                    let next = self.pending.first_key_value().map(|((done, _), _)| *done);
                    self.now = next.unwrap_or(wake).min(wake).min(until);
                    while let Some(entry) = self.pending.first_entry()
                        && entry.key().0 <= self.now
                    {
                        patrol.observe(entry.remove());
                    }
                    if self.now >= until {
                        return;
                    }
                }
                Step::Announce(_) | Step::Done => panic!("a patrol never ends"),
            }
        }
    }

    fn tries(&self) -> BTreeMap<IpAddr, Vec<Time>> {
        let mut tries: BTreeMap<IpAddr, Vec<Time>> = BTreeMap::new();
        for (at, probe) in &self.probes {
            if let Probe::Connect(connect) = probe {
                tries.entry(connect.endpoint.address).or_default().push(*at);
            }
        }
        tries
    }
}

fn all_well(_: &Probe, _: Time) -> (Outcome, Duration) {
    (connected(Duration::from_millis(20)), Duration::from_millis(20))
}

fn samples(events: &[Event]) -> Vec<Sample> {
    let sample = |event: &Event| match event {
        Event::Sample(sample) => Some(*sample),
        _ => None,
    };
    events.iter().filter_map(sample).collect()
}

fn moves(events: &[Event]) -> Vec<(IpAddr, AddressState, AddressState)> {
    let moved = |event: &Event| match event {
        Event::Moved(moved) if moved.from != moved.to => Some((moved.series.address, moved.from, moved.to)),
        _ => None,
    };
    events.iter().filter_map(moved).collect()
}

#[test]
fn every_address_is_tried_in_its_time_and_nothing_comes_in_crowds() {
    let mut patrol = Patrol::new(plan(literals(100, seconds(10)), 1e6), Vec::new(), START);
    let mut world = World::new(all_well);
    world.drive(&mut patrol, START + seconds(300));
    let tries = world.tries();
    assert_eq!(tries.len(), 100);
    for times in tries.values() {
        assert!(times[0].since(START) <= seconds(10));
        assert!((29..=32).contains(&times.len()), "{}", times.len());
        for pair in times.windows(2) {
            assert!(pair[1].since(pair[0]) <= Duration::from_millis(10_510), "{pair:?}");
        }
    }
    // 10 a second on average; evenly, but for chance.
    for second in 15..300 {
        let from = START + seconds(second);
        let count = world.probes.iter().filter(|(at, _)| *at >= from && *at < from + seconds(1)).count();
        assert!((2..=22).contains(&count), "{count} in second {second}");
    }
}

#[test]
fn ten_thousand_addresses_a_second_cost_a_fixed_number_of_steps() {
    let mut patrol = Patrol::new(plan(literals(10_000, seconds(1)), 1e6), Vec::new(), START);
    let mut world = World::new(all_well);
    let mut tries = 0;
    for second in 1..=60 {
        world.drive(&mut patrol, START + seconds(second));
        tries += samples(&patrol.take_events()).len();
    }
    assert!((575_000..610_000).contains(&tries), "{tries}");
    // One step for each try, one for each time that something is due or came back.
    assert!(world.polls < 4 * tries as u64, "{} steps for {tries} tries", world.polls);
    let (online, targets, schedule) = patrol.status(world.now);
    assert_eq!((online, targets.len()), (Some(true), 10_000));
    assert_eq!((schedule.skipped_rate, schedule.skipped_busy, schedule.skipped_gap), (0, 0, 0));
}

#[test]
fn where_the_rate_is_too_low_everybody_is_late_alike() {
    let mut patrol = Patrol::new(plan(literals(100, seconds(1)), 20.0), Vec::new(), START);
    let mut world = World::new(all_well);
    world.drive(&mut patrol, START + seconds(100));
    let counts: Vec<usize> = world.tries().values().map(Vec::len).collect();
    assert_eq!(counts.len(), 100);
    assert!(counts.iter().all(|count| (18..=22).contains(count)), "{counts:?}");
    let skipped = patrol.status(world.now).2.skipped_rate;
    assert!((7_000..8_200).contains(&skipped), "{skipped}");
    for second in 0..100 {
        let from = START + seconds(second);
        let count = world.probes.iter().filter(|(at, _)| *at >= from && *at < from + seconds(1)).count();
        assert!(count <= 26, "{count} in second {second}");
    }
}

#[test]
fn a_failing_address_is_down_after_three_tries_in_quick_succession() {
    let mut patrol = Patrol::new(plan(literals(3, seconds(10)), 1e6), Vec::new(), START);
    let dead = address(1);
    let mut world = World::new(|probe: &Probe, at: Time| {
        if probe.address() == Some(dead) && at >= START + seconds(60) {
            let refused = Rejection {
                how: Refusal::Reset,
                by: None,
                rtt: Duration::ZERO,
                reply_ttl: None,
                quote: None,
            };
            return (Outcome::Rejected(refused), Duration::from_millis(20));
        }
        all_well(probe, at)
    });
    world.drive(&mut patrol, START + seconds(60));
    patrol.take_events();
    world.drive(&mut patrol, START + seconds(80));
    let events = patrol.take_events();
    use AddressState::{Down, Ok, Suspect};
    assert_eq!(moves(&events), [(dead, Ok, Suspect), (dead, Suspect, Down)]);
    let tries = &world.tries()[&dead];
    let failing: Vec<Time> = tries.iter().copied().filter(|&at| at >= START + seconds(60)).collect();
    assert!(failing[2].since(failing[0]) < seconds(5), "{failing:?}");
    let rows = patrol.take_dirty();
    assert!(rows.iter().any(|row| row.series.address == dead && row.health == Down));
}

#[test]
fn a_host_that_slept_says_so_and_blames_nobody() {
    let mut patrol = Patrol::new(plan(literals(50, seconds(10)), 1e6), Vec::new(), START);
    let mut world = World::new(|_: &Probe, _: Time| (connected(seconds(1)), seconds(1)));
    world.drive(&mut patrol, START + seconds(100));
    patrol.take_events();
    // What is under way fails while the host sleeps.
    for observation in world.pending.values_mut() {
        observation.outcome = SILENCE;
        observation.done = START + seconds(4_000);
    }
    let pending: Vec<_> = std::mem::take(&mut world.pending).into_values().collect();
    let under_way = pending.len();
    world.now = START + seconds(4_000);
    pending.into_iter().for_each(|observation| patrol.observe(observation));
    world.drive(&mut patrol, START + seconds(4_100));
    let events = patrol.take_events();
    let gaps: Vec<&Event> = events.iter().filter(|event| matches!(event, Event::Gap { .. })).collect();
    assert!(matches!(gaps[..], [Event::Gap { until, .. }] if *until == START + seconds(4_000)), "{gaps:?}");
    assert_eq!(moves(&events), []);
    let unable = samples(&events).iter().filter(|sample| sample.reading == Reading::Unable).count();
    assert!(under_way > 0);
    assert_eq!(unable, under_way);
    let crowd = world
        .probes
        .iter()
        .filter(|(at, _)| *at >= START + seconds(4_000) && *at < START + seconds(4_001))
        .count();
    assert!(crowd <= 12, "{crowd}");
}

#[test]
fn what_was_down_before_a_restart_is_down_after_it() {
    let row = |number: u32, health, gone_since| Remembered {
        series: Series { target: TargetId(number), address: address(number) },
        health,
        since: START,
        reason: None,
        first_seen: START,
        last_given: START,
        ttl_s: 60,
        resolvers: BTreeSet::new(),
        gone_since,
        last_ok: None,
        certificate_expires: None,
    };
    let rows = vec![
        row(0, AddressState::Down, None),
        row(1, AddressState::Ok, Some(START)),
        row(7, AddressState::Ok, None),
    ];
    let later = START + seconds(600);
    let mut targets = literals(1, seconds(10));
    targets.push(watched(1, "push.example:9", Cadence::default()));
    let mut patrol = Patrol::new(plan(targets, 1e6), rows, later);
    let events = patrol.take_events();
    assert!(
        matches!(&events[..], [Event::Moved(moved)] if moved.why == Why::Dropped && moved.series.target == TargetId(7)),
        "{events:?}"
    );
    let (_, targets, _) = patrol.status(later);
    let states: Vec<AddressState> =
        targets.iter().map(|target| target.addresses[0].remembered.state()).collect();
    assert_eq!(states, [AddressState::Down, AddressState::Gone]);
}

#[test]
fn a_plan_that_makes_no_sense_is_no_endless_loop() {
    let pace = Cadence {
        every: Duration::ZERO,
        exchange_every: Some(Duration::ZERO),
        echo_every: Some(Duration::ZERO),
        resolve_every: Duration::ZERO,
        timeout: Duration::ZERO,
        ..Cadence::default()
    };
    let targets = ["push.example:443", "192.0.2.9:443"];
    let targets = (1..).zip(targets).map(|(id, text)| watched(id, text, pace.clone())).collect();
    let mut plan = plan(targets, f64::NAN);
    plan.vantage.echo = crate::model::EchoAccess::Raw;
    plan.vantage.resolver.servers = vec![SocketAddr::from(([192, 0, 2, 53], 53))];
    let mut patrol = Patrol::new(plan, Vec::new(), START);
    let mut world = World::new(all_well);
    world.drive(&mut patrol, START + seconds(2));
    assert!(world.probes.len() < 2_000, "{}", world.probes.len());
}

#[test]
fn another_plan_keeps_what_stays_and_drops_what_goes() {
    let mut patrol = Patrol::new(plan(literals(3, seconds(10)), 1e6), Vec::new(), START);
    let mut world = World::new(all_well);
    world.drive(&mut patrol, START + seconds(30));
    patrol.take_events();
    let mut targets = literals(4, seconds(5));
    targets.remove(0);
    patrol.reload(plan(targets, 1e6), world.now);
    let events = patrol.take_events();
    let dropped: Vec<Series> = events
        .iter()
        .filter_map(|event| match event {
            Event::Moved(moved) if moved.why == Why::Dropped => Some(moved.series),
            _ => None,
        })
        .collect();
    assert_eq!(dropped, [Series { target: TargetId(0), address: address(0) }]);
    let from = world.now;
    world.drive(&mut patrol, START + seconds(60));
    let tries = world.tries();
    let after = |number| tries[&address(number)].iter().filter(|at| **at > from).count();
    assert_eq!(after(0), 0);
    assert!((1..4).all(|number| (5..=7).contains(&after(number))));
    let (_, targets, _) = patrol.status(world.now);
    assert!(targets.iter().all(|target| target.addresses[0].remembered.health == AddressState::Ok));
    assert_eq!(targets[0].addresses[0].layers[&Layer::Connect].failures, BTreeMap::new());
}

#[test]
fn a_clock_that_goes_back_moves_nothing() {
    let mut patrol = Patrol::new(plan(literals(3, seconds(1)), 1e6), Vec::new(), START);
    let mut world = World::new(all_well);
    world.drive(&mut patrol, START + seconds(10));
    patrol.take_events();
    for back in [5, 0, 9] {
        while !matches!(patrol.poll(Time::from_micros(back * 1_000_000)), Step::Wait(_)) {}
    }
    assert_eq!(moves(&patrol.take_events()), []);
}

#[test]
fn a_name_with_too_many_addresses_is_watched_as_far_as_there_is_room() {
    let pace = Cadence { exchange_every: None, echo_every: None, ..Cadence::default() };
    let mut plan = plan(vec![watched(1, "push.example:9", pace)], 1e6);
    plan.vantage.resolver.servers = vec![SocketAddr::from(([192, 0, 2, 53], 53))];
    let mut patrol = Patrol::new(plan, Vec::new(), START);
    let mut next = 0;
    let mut world = World::new(move |probe: &Probe, at: Time| {
        let Probe::Lookup(lookup) = probe else { return all_well(probe, at) };
        let mut answer = LookupAnswer::default();
        if lookup.kind == RecordKind::A {
            let record = |number| crate::model::AddressRecord { address: address(number), ttl_s: 60 };
            answer.addresses = (next..next + 100).map(record).collect();
            next += 100;
        }
        (Outcome::Answered(Answer::Lookup(answer)), Duration::from_millis(5))
    });
    world.drive(&mut patrol, START + seconds(600));
    let (_, targets, schedule) = patrol.status(world.now);
    assert_eq!(targets[0].addresses.len(), MOST_ADDRESSES);
    assert!(schedule.left_out > 0);
}

/// What becomes of a try.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Works,
    Fails,
    Unable,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_address_moves_without_results_that_say_so(
        fates in prop::collection::vec(
            prop_oneof![4 => Just(Fate::Works), 3 => Just(Fate::Fails), 2 => Just(Fate::Unable)], 1..60),
        sleeps in prop::collection::vec(0_u64..200, 1..20),
        rate in 1.0_f64..100.0,
    ) {
        let mut patrol = Patrol::new(plan(literals(5, seconds(3)), rate), Vec::new(), START);
        let mut turn = 0;
        let mut world = World::new(|_: &Probe, _: Time| {
            turn += 1;
            match fates[turn % fates.len()] {
                Fate::Works => (connected(Duration::from_millis(20)), Duration::from_millis(20)),
                Fate::Fails => (SILENCE, seconds(3)),
                Fate::Unable => {
                    let unable = Inability { why: Obstacle::OutOfResources, errno: None };
                    (Outcome::Unable(unable), Duration::ZERO)
                }
            }
        });
        for sleep in sleeps {
            let until = world.now + seconds(20);
            world.drive(&mut patrol, until);
            world.now = world.now + seconds(sleep);
        }
        // Each transition is carried by the samples before it.
        let mut lately: BTreeMap<IpAddr, Vec<Reading>> = BTreeMap::new();
        for event in patrol.take_events() {
            match event {
                Event::Sample(Sample { series, reading, .. }) if reading != Reading::Unable => {
                    lately.entry(series.address).or_default().push(reading);
                }
                Event::Moved(moved) if moved.from != moved.to => {
                    let readings = &lately[&moved.series.address];
                    let last = readings.last().expect("one");
                    let failed = |reading: &&Reading| matches!(reading, Reading::Failed(_));
                    match moved.to {
                        AddressState::Down | AddressState::Suspect => prop_assert!(failed(&last)),
                        _ => prop_assert!(matches!(last, Reading::Answered(_))),
                    }
                    if moved.to == AddressState::Down && moved.from != AddressState::Recovering {
                        let recent = readings.iter().rev().take(6).filter(failed).count();
                        prop_assert!(recent >= 3);
                    }
                }
                _ => {}
            }
        }
    }
}
