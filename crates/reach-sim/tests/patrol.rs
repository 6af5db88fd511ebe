//! Watches kept in pretend networks: what moves, and above all what does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use reach_core::{
    Time,
    model::{State, Verdict},
    survey::Onward,
    watch::{
        AddressState, Cadence, Event, Examination, Layer, OwnCheck, Reading, Reason, Rules, TargetId,
        Transition, WatchPlan, Watched, Why, patrol::Patrol,
    },
};
use reach_sim::{
    Drive, Timeline, World,
    description::{ClientIpv6, Description, Effect, Fault, Protocol, Reply},
    scenario::{Pretend, STARTED},
};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn address(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

fn addresses(last: impl IntoIterator<Item = u8>) -> Vec<IpAddr> {
    last.into_iter().map(address).collect()
}

/// Sixteen addresses behind a firewall, a reference elsewhere, two resolvers that give what `selection` says.
fn network(selection: &str) -> Description {
    let pool = (1..=16).map(|last| format!("'203.0.113.{last}'")).collect::<Vec<_>>().join(", ");
    let name =
        format!("{{ name = 'push.example', addresses = [{pool}], ttl = 30, selection = {selection} }}");
    let text = format!(
        "client = {{ ping_sockets = true }}\n\
         stages = [{{ routers = [{{ name = 'r1' }}] }}, {{ routers = [{{ name = 'fw' }}] }}, \
                   {{ routers = [{{ name = 'r3' }}] }}]\n\
         hosts = [{{ name = 'web', addresses = [{pool}] }}, \
                  {{ name = 'other', addresses = ['198.51.100.7'] }}, \
                  {{ name = 'dns', addresses = ['192.0.2.53', '192.0.2.54'], behind = 'r1' }}]\n\
         services = [{{ at = 'web', ports = [443], kind = {{ tls = {{ names = ['push.example'] }} }} }}, \
                     {{ at = 'other', ports = [9, 443], kind = 'silent' }}]\n\
         resolvers = [{{ at = 'dns', addresses = ['192.0.2.53'], names = [{name}] }}, \
                      {{ at = 'dns', addresses = ['192.0.2.54'], names = [{name}] }}]\n\
         "
    );
    let mut network: Description = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    network.client.resolvers = Some(vec![[192, 0, 2, 53].into(), [192, 0, 2, 54].into()]);
    network
}

fn dropped(addresses: Vec<IpAddr>) -> Fault {
    Fault { addresses, ..Fault::new("fw", Effect::Drop) }
}

fn watched(id: u32, target: &str) -> Watched {
    Watched {
        id: TargetId(id),
        target: target.parse().unwrap(),
        labels: BTreeMap::new(),
        pace: Cadence::default(),
        rules: Rules::default(),
    }
}

/// A watch of some targets in a world.
struct Watch {
    world: World,
    patrol: Patrol,
    drive: Drive,
    events: Vec<(Time, Event)>,
}

impl Watch {
    fn of(timeline: &Timeline, targets: &[&str], own: OwnCheck) -> Self {
        let world = timeline.world(5).unwrap_or_else(|error| panic!("{error}"));
        let plan = WatchPlan {
            targets: (1..).zip(targets).map(|(id, target)| watched(id, target)).collect(),
            vantage: world.network().client.vantage.clone(),
            own,
            rate: 1_000.0,
            surveys: 1,
            seed: 3,
        };
        let patrol = Patrol::new(plan, Vec::new(), STARTED);
        Self { world, patrol, drive: Drive::new(STARTED), events: Vec::new() }
    }

    fn usual(timeline: &Timeline) -> Self {
        Self::of(timeline, &["push.example"], OwnCheck::default())
    }

    fn until(&mut self, after: Duration) -> &mut Self {
        let events = &mut self.events;
        self.drive.go(
            &mut self.patrol,
            &mut self.world,
            STARTED + after,
            &mut |_| {},
            &mut |patrol: &mut Patrol, now| {
                events.extend(patrol.take_events().into_iter().map(|event| (now, event)));
                Onward::Wait
            },
        );
        self
    }

    fn transitions(&self) -> Vec<&Transition> {
        let transition = |(_, event): &'_ (Time, Event)| matches!(event, Event::Moved(_));
        let events = self.events.iter().filter(|event| transition(event));
        events
            .filter_map(|(_, event)| if let Event::Moved(moved) = event { Some(moved) } else { None })
            .collect()
    }

    /// The addresses that went to this state.
    fn went_to(&self, state: AddressState) -> BTreeSet<IpAddr> {
        let moves =
            self.transitions().into_iter().filter(|moved| moved.from != moved.to && moved.to == state);
        moves.map(|moved| moved.series.address).collect()
    }

    /// What is thought of each address now.
    fn states(&self) -> BTreeMap<IpAddr, AddressState> {
        let (_, targets, _) = self.patrol.status(self.drive.now());
        let known = targets.into_iter().flat_map(|target| target.addresses);
        known.map(|known| (known.remembered.series.address, known.remembered.state())).collect()
    }

    fn vantage_changes(&self) -> Vec<(Duration, bool)> {
        let change = |(_, event): &(Time, Event)| match event {
            Event::Vantage(change) => Some((change.at.since(STARTED), change.online)),
            _ => None,
        };
        self.events.iter().filter_map(change).collect()
    }

    fn examinations(&self) -> Vec<&Examination> {
        let over = |(_, event): &'_ (Time, Event)| matches!(event, Event::Examined(_));
        let events = self.events.iter().filter(|event| over(event));
        events
            .filter_map(|(_, event)| if let Event::Examined(over) = event { Some(&**over) } else { None })
            .collect()
    }
}

#[test]
fn six_of_sixteen_that_are_dropped_are_down_and_no_other() {
    let mut timeline = Timeline::new(network("'rotate'"));
    let blocked = addresses(3..=8);
    timeline.fault(minutes(10)..minutes(20), dropped(blocked.clone()));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(10));
    assert_eq!(watch.states().values().filter(|state| **state == AddressState::Ok).count(), 16);
    watch.until(minutes(20));
    let down: BTreeSet<IpAddr> = blocked.into_iter().collect();
    assert_eq!(watch.went_to(AddressState::Down), down);
    assert_eq!(watch.went_to(AddressState::Suspect), down);
    for moved in watch.transitions().iter().filter(|moved| moved.to == AddressState::Down) {
        // A turn every 10 s, 3 s until a try is given up, two more after 1 and 2 s.
        assert!(moved.at.since(STARTED + minutes(10)) <= seconds(24), "{moved:?}");
        assert_eq!(moved.why, Why::Failed(Reason::Timeout));
    }
    watch.until(minutes(23));
    assert_eq!(watch.went_to(AddressState::Recovering), down);
    assert!(watch.states().values().all(|state| *state == AddressState::Ok));
    for moved in watch.transitions().iter().filter(|moved| moved.from == AddressState::Recovering) {
        assert!(moved.at.since(STARTED + minutes(20)) >= seconds(60), "{moved:?}");
    }
    assert_eq!(watch.vantage_changes(), []);
}

#[test]
fn a_pool_that_is_given_in_parts_is_found_whole_and_nothing_of_it_is_gone() {
    for selection in ["{ random = { size = 4, seed = 1 } }", "{ window = { size = 4 } }", "'rotate'"] {
        let mut watch = Watch::usual(&Timeline::new(network(selection)));
        watch.until(minutes(3));
        assert!(watch.states().len() >= 15, "{selection}: {:?}", watch.states());
        watch.until(minutes(24 * 60));
        assert_eq!(watch.states().len(), 16);
        assert_eq!(watch.went_to(AddressState::Gone), BTreeSet::new(), "{selection}");
        let odd = watch.events.iter().any(|(_, event)| matches!(event, Event::Agreement(_)));
        assert!(!odd, "{selection}");
    }
}

#[test]
fn an_address_that_leaves_is_gone_still_tried_and_comes_back() {
    let mut timeline = Timeline::new(network("'rotate'"));
    let of = |last: std::ops::RangeInclusive<u8>| {
        let pool = addresses(last);
        move |network: &mut Description| {
            network.resolvers.iter_mut().for_each(|resolver| resolver.names[0].addresses = pool.clone());
        }
    };
    timeline.at(minutes(30), of(1..=15));
    timeline.fault(minutes(60)..minutes(90), dropped(vec![address(16)]));
    timeline.at(minutes(120), of(1..=16));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(59));
    assert_eq!(watch.states()[&address(16)], AddressState::Gone);
    let gone_at = watch.transitions().iter().find(|moved| moved.why == Why::LeftDns).expect("left").at;
    assert!(gone_at.since(STARTED) >= minutes(44), "{}", gone_at.since(STARTED).as_secs());
    watch.until(minutes(130));
    let moves: Vec<(AddressState, AddressState)> = watch
        .transitions()
        .into_iter()
        .filter(|moved| moved.series.address == address(16) && moved.at > gone_at)
        .map(|moved| (moved.from, moved.to))
        .collect();
    use AddressState::{Down, Gone, Ok, Recovering, Suspect};
    assert_eq!(moves, [(Ok, Suspect), (Suspect, Down), (Down, Recovering), (Recovering, Ok), (Gone, Ok)]);
}

#[test]
fn an_outage_of_our_own_is_one_event_and_blames_no_address() {
    let cut = || Fault::new("r1", Effect::DropEarly);
    let own = OwnCheck {
        references: vec!["198.51.100.7:443".parse().unwrap(), "198.51.100.7:80".parse().unwrap()],
        gateway: Some([10, 70, 0, 1].into()),
    };
    for own in [OwnCheck::default(), own] {
        let mut timeline = Timeline::new(network("'rotate'"));
        timeline.fault(minutes(10)..minutes(40), cut());
        let mut watch = Watch::of(&timeline, &["push.example", "198.51.100.7:9"], own);
        watch.until(minutes(60));
        assert_eq!(watch.went_to(AddressState::Down), BTreeSet::new());
        assert_eq!(watch.went_to(AddressState::Gone), BTreeSet::new());
        let changes = watch.vantage_changes();
        assert!(matches!(changes[..], [(_, false), (_, true)]), "{changes:?}");
        assert!(changes[0].0 - minutes(10) <= seconds(8), "{changes:?}");
        assert!(changes[1].0 - minutes(40) <= seconds(8), "{changes:?}");
        let failed = watch.events.iter().filter(|(_, event)| {
            matches!(event, Event::Sample(sample)
                if sample.layer == Layer::Connect && matches!(sample.reading, Reading::Failed(_)))
        });
        assert_eq!(failed.count(), 0);
        assert!(watch.states().values().all(|state| *state == AddressState::Ok));
        assert!(!watch.events.iter().any(|(_, event)| matches!(event, Event::Resolution(_))));
    }
}

#[test]
fn short_outages_of_our_own_again_and_again_make_nothing_down() {
    let mut timeline = Timeline::new(network("'rotate'"));
    for number in 0..60_u64 {
        let from = minutes(10) + seconds(37 * number);
        timeline.fault(from..from + seconds(3 + number % 17), Fault::new("r1", Effect::DropEarly));
    }
    let mut watch = Watch::of(&timeline, &["push.example", "198.51.100.7:9"], OwnCheck::default());
    watch.until(minutes(60));
    assert_eq!(watch.went_to(AddressState::Down), BTreeSet::new());
}

#[test]
fn a_target_that_is_wholly_dropped_is_no_outage_of_our_own() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.fault(minutes(10)..minutes(20), dropped(addresses(1..=16)));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(20));
    assert_eq!(watch.went_to(AddressState::Down).len(), 16);
    assert_eq!(watch.vantage_changes(), []);
}

#[test]
fn a_new_address_that_never_answered_is_blocked_from_birth() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.at(Duration::ZERO, |network| {
        network.resolvers.iter_mut().for_each(|resolver| resolver.names[0].addresses = addresses(1..=15));
        network.faults.push(dropped(addresses([5, 16])));
    });
    timeline.at(minutes(60), |network| {
        network.resolvers.iter_mut().for_each(|resolver| resolver.names[0].addresses = addresses(1..=16));
    });
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(70));
    let whys: Vec<(IpAddr, Why)> = watch
        .transitions()
        .into_iter()
        .filter(|moved| moved.to == AddressState::Down)
        .map(|moved| (moved.series.address, moved.why))
        .collect();
    // The other one was among the first: nobody knows whether it ever worked.
    let expected =
        [(address(5), Why::Failed(Reason::Timeout)), (address(16), Why::BlockedFromBirth(Reason::Timeout))];
    assert_eq!(whys, expected);
}

#[test]
fn a_laptop_that_sleeps_wakes_without_an_alarm() {
    let mut timeline = Timeline::new(network("{ random = { size = 4, seed = 1 } }"));
    // The network is not there yet when the lid opens.
    timeline.fault(minutes(600)..minutes(600) + seconds(20), Fault::new("r1", Effect::DropEarly));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(20));
    watch.drive.sleep(minutes(580));
    watch.until(minutes(640));
    let gaps = watch.events.iter().filter(|(_, event)| matches!(event, Event::Gap { .. })).count();
    assert_eq!(gaps, 1);
    for state in [AddressState::Down, AddressState::Gone] {
        assert_eq!(watch.went_to(state), BTreeSet::new());
    }
    assert!(watch.states().values().all(|state| *state == AddressState::Ok));
}

#[test]
fn a_name_that_ceases_to_exist_is_told_and_its_addresses_go_on_being_tried() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.at(minutes(10), |network| {
        network.resolvers.iter_mut().for_each(|resolver| resolver.names.clear());
    });
    timeline.at(minutes(20), |network| network.resolvers.clone_from(&self::network("'rotate'").resolvers));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(22));
    let changes: Vec<(u64, bool)> = watch
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Resolution(change) => Some((change.at.since(STARTED).as_secs(), change.error.is_none())),
            _ => None,
        })
        .collect();
    assert!(
        matches!(changes[..], [(at, false), (back, true)]
        if (600..680).contains(&at) && (1200..1235).contains(&back)),
        "{changes:?}"
    );
    assert!(watch.states().values().all(|state| *state == AddressState::Ok));
}

#[test]
fn a_certificate_that_breaks_makes_its_address_down_until_it_is_well() {
    let mut timeline = Timeline::new(network("'rotate'"));
    let kind = |certificate: &str| -> reach_sim::description::ServiceKind {
        let text =
            format!("kind = {{ tls = {{ names = ['push.example'], certificate = '{certificate}' }} }}");
        let table: BTreeMap<String, reach_sim::description::ServiceKind> = toml::from_str(&text).unwrap();
        table["kind"].clone()
    };
    let (bad, good) = (kind("expired"), kind("trusted"));
    timeline.at(minutes(20), move |network| network.services[0].kind = bad.clone());
    timeline.at(minutes(40), move |network| network.services[0].kind = good.clone());
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(39));
    assert_eq!(watch.went_to(AddressState::Down).len(), 16);
    assert!(watch.states().values().all(|state| *state == AddressState::Down));
    watch.until(minutes(45));
    assert!(watch.states().values().all(|state| *state == AddressState::Ok), "{:?}", watch.states());
    let seen = watch.events.iter().filter(|(_, event)| matches!(event, Event::Certificate(_))).count();
    assert_eq!(seen, 3 * 16);
}

#[test]
fn a_survey_that_is_asked_for_says_what_check_says() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.fault(minutes(10)..minutes(30), dropped(addresses(3..=8)));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(12));
    for _ in 0..3 {
        watch.patrol.examine(TargetId(1));
    }
    watch.patrol.examine(TargetId(99));
    watch.until(minutes(13));
    let examinations = watch.examinations();
    let [examination] = examinations[..] else { panic!("{} of them", examinations.len()) };
    assert_eq!(examination.diagnosis.state, State::PartlyReachable);
    let filtered = examination.diagnosis.endpoints.iter().filter(|end| end.verdict == Verdict::Filtered);
    assert_eq!(filtered.map(|end| end.endpoint.address).collect::<Vec<_>>(), addresses(3..=8));
    assert!(examination.finished.since(examination.case.started) <= seconds(10));
    assert_eq!(reach_core::judge::judge(&examination.case, &examination.observations), examination.diagnosis);
}

#[test]
fn a_survey_waits_until_this_host_is_connected() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.fault(minutes(10)..minutes(20), Fault::new("r1", Effect::DropEarly));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(12));
    watch.patrol.examine(TargetId(1));
    watch.until(minutes(19));
    assert_eq!(watch.examinations().len(), 0);
    watch.until(minutes(21));
    let examinations = watch.examinations();
    assert_eq!(examinations.len(), 1);
    assert_eq!(examinations[0].diagnosis.state, State::Reachable);
}

#[test]
fn a_resolver_with_a_pool_of_its_own_is_told_after_a_while_and_so_is_its_return() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.at(Duration::ZERO, |network| network.resolvers[1].names[0].addresses = addresses(1..=9));
    timeline.at(minutes(60), |network| network.resolvers[1].names[0].addresses = addresses(1..=16));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(120));
    let odd: Vec<usize> = watch
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Agreement(change) => Some(change.odd.len()),
            _ => None,
        })
        .collect();
    assert_eq!(odd, [2, 0]);
}

/// The samples of one layer, by address.
fn samples(watch: &Watch, layer: Layer) -> BTreeMap<IpAddr, Vec<Reading>> {
    let mut samples: BTreeMap<IpAddr, Vec<Reading>> = BTreeMap::new();
    for (_, event) in &watch.events {
        if let Event::Sample(sample) = event
            && sample.layer == layer
        {
            samples.entry(sample.series.address).or_default().push(sample.reading);
        }
    }
    samples
}

#[test]
fn losses_by_chance_make_nothing_down() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.fault(Duration::ZERO..minutes(10_000), Fault::new("fw", Effect::Loss { percent: 10 }));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(6 * 60));
    assert!(!watch.went_to(AddressState::Suspect).is_empty(), "too well to be a test");
    assert_eq!(watch.went_to(AddressState::Down), BTreeSet::new());
}

#[test]
fn a_family_that_this_host_has_no_route_for_is_not_known_and_not_counted() {
    let v6: IpAddr = "2001:db8:113::1".parse().unwrap();
    let mut network = network("'rotate'");
    network.client.ipv6 = ClientIpv6::NoRoute;
    network.hosts[0].addresses.push(v6);
    network.resolvers.iter_mut().for_each(|resolver| resolver.names[0].addresses.push(v6));
    let mut watch = Watch::usual(&Timeline::new(network));
    watch.until(minutes(20));
    assert_eq!(watch.states()[&v6], AddressState::Unknown);
    assert!(samples(&watch, Layer::Connect)[&v6].iter().all(|reading| *reading == Reading::Unable));
    assert_eq!(watch.went_to(AddressState::Down), BTreeSet::new());
    assert_eq!(watch.vantage_changes(), []);
}

#[test]
fn what_this_host_itself_forbids_is_named_so() {
    let mut timeline = Timeline::new(network("'rotate'"));
    let forbidden =
        Fault { addresses: vec![address(3)], ports: vec![443], ..Fault::new("client", Effect::OutputDrop) };
    timeline.fault(minutes(10)..minutes(12), forbidden);
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(12));
    let down = watch.transitions().into_iter().find(|moved| moved.to == AddressState::Down).expect("down");
    assert_eq!((down.series.address, down.why), (address(3), Why::Failed(Reason::BlockedLocally)));
}

#[test]
fn addresses_that_never_answer_echo_requests_are_given_up_and_no_worse_for_it() {
    let mut timeline = Timeline::new(network("'rotate'"));
    let mute = Fault { protocol: Some(Protocol::Icmp), ..dropped(vec![address(4)]) };
    timeline.fault(Duration::ZERO..minutes(10_000), mute);
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(60));
    let echoes = samples(&watch, Layer::Echo);
    assert_eq!(echoes[&address(4)], [Reading::Failed(Reason::Timeout); 5]);
    assert!(echoes[&address(5)].len() > 50);
    assert_eq!(watch.went_to(AddressState::Suspect), BTreeSet::new());
}

#[test]
fn what_is_remembered_is_enough_to_go_on_after_a_restart() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.fault(minutes(10)..minutes(30), dropped(addresses(3..=4)));
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(15));
    let mut rows = BTreeMap::new();
    rows.extend(watch.patrol.take_dirty().into_iter().map(|row| (row.series, row)));
    let states = watch.states();
    assert_eq!(rows.len(), 16);
    let plan = WatchPlan {
        targets: vec![watched(1, "push.example")],
        vantage: watch.world.network().client.vantage.clone(),
        own: OwnCheck::default(),
        rate: 1_000.0,
        surveys: 1,
        seed: 4,
    };
    let now = watch.drive.now() + minutes(2);
    watch.drive = Drive::new(now);
    watch.patrol = Patrol::new(plan, rows.into_values().collect(), now);
    assert_eq!(watch.states(), states);
    watch.events.clear();
    watch.until(minutes(29));
    assert_eq!(watch.transitions(), Vec::<&Transition>::new());
    watch.until(minutes(33));
    assert_eq!(watch.went_to(AddressState::Recovering), addresses(3..=4).into_iter().collect());
    assert!(watch.states().values().all(|state| *state == AddressState::Ok));
}

#[test]
fn names_are_found_by_search_domains_over_tcp_and_in_the_hosts_file() {
    let short = |network: &mut Description, reply: Reply| {
        for resolver in &mut network.resolvers {
            resolver.names[0].name = "push.corp.example".to_owned();
            resolver.names[0].reply = reply;
        }
    };
    let pretend = || Pretend { search: vec!["corp.example".to_owned()], ..Pretend::default() };
    for reply in [Reply::Answer, Reply::Truncated] {
        let mut network = network("'rotate'");
        short(&mut network, reply);
        let mut watch =
            Watch::of(&Timeline::new(network).pretending(pretend()), &["push"], OwnCheck::default());
        watch.until(minutes(2));
        assert_eq!(watch.states().len(), 16, "{reply:?}");
        assert!(!watch.events.iter().any(|(_, event)| matches!(event, Event::Resolution(_))));
    }
    let mut network = network("'rotate'");
    network.resolvers.iter_mut().for_each(|resolver| resolver.names.clear());
    network.client.hosts_file = BTreeMap::from([("push.example".to_owned(), addresses([7]))]);
    let mut watch = Watch::usual(&Timeline::new(network));
    watch.until(minutes(120));
    assert_eq!(watch.states(), BTreeMap::from([(address(7), AddressState::Ok)]));
    assert!(!watch.events.iter().any(|(_, event)| matches!(event, Event::Resolution(_))));
}

#[test]
fn a_silent_resolver_takes_nothing_away() {
    let mut timeline = Timeline::new(network("'rotate'"));
    timeline.at(Duration::ZERO, |network| network.resolvers[1].names[0].addresses = addresses(1..=15));
    // The only one that gives the sixteenth keeps silent, the other one goes on answering.
    timeline.at(minutes(30), |network| network.resolvers[0].names[0].reply = Reply::Silent);
    let mut watch = Watch::usual(&timeline);
    watch.until(minutes(24 * 60));
    assert_eq!(watch.went_to(AddressState::Gone), BTreeSet::new());
    assert!(!watch.events.iter().any(|(_, event)| matches!(event, Event::Resolution(_))));
}
