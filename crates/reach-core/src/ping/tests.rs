use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::model::{After, EchoReply, IcmpError, Silence};

const MS: Duration = Duration::from_millis(1);

fn at(ms: u64) -> Time {
    Time::from_micros(1_000_000_000 + ms * 1000)
}

fn endpoints(count: u8) -> Vec<Endpoint> {
    (1..=count).map(|last| Endpoint { address: IpAddr::from([192, 0, 2, last]), port: 443 }).collect()
}

fn pinger(plan: PingPlan, count: u8) -> Pinger {
    Pinger::new(plan, endpoints(count), at(0))
}

/// Everything that is asked for at one moment.
fn asked(pinger: &mut Pinger, now: Time) -> Vec<(ProbeId, Probe)> {
    let mut asked = Vec::new();
    while let Step::Run(id, probe) = pinger.poll(now) {
        asked.push((id, probe));
        assert!(asked.len() < 1_000, "no end at one moment");
    }
    asked
}

fn observation(id: ProbeId, probe: &Probe, outcome: Outcome, sent: Time, done: Time) -> Observation {
    Observation { id, probe: probe.clone(), outcome, sent, done }
}

fn echoed(rtt: Duration) -> Outcome {
    Outcome::Answered(Answer::Echo(EchoReply { rtt, reply_ttl: Some(61) }))
}

fn silent() -> Outcome {
    Outcome::Silent(Silence { packets: 1, refused_here: false })
}

fn prohibited() -> Outcome {
    Outcome::Rejected(Rejection {
        how: Refusal::Icmp(IcmpError { v6: false, kind: 3, code: 10 }),
        by: Some(IpAddr::from([10, 0, 0, 1])),
        rtt: MS,
        reply_ttl: Some(64),
        quote: None,
    })
}

fn count(count: u64) -> PingPlan {
    PingPlan { count: Some(count), ..PingPlan::default() }
}

#[test]
fn addresses_are_spread_over_the_interval() {
    let mut pinger = pinger(count(2), 4);
    let mut times = Vec::new();
    for ms in 0..2_000 {
        let asked = asked(&mut pinger, at(ms));
        assert!(asked.len() <= 1, "a burst at {ms} ms");
        times.extend(asked.iter().map(|_| ms));
    }
    assert_eq!(times, [0, 250, 500, 750, 1000, 1250, 1500, 1750]);
}

#[test]
fn it_ends_when_the_last_request_is_settled() {
    let mut pinger = pinger(count(1), 1);
    let (id, probe) = asked(&mut pinger, at(0)).remove(0);
    assert!(matches!(pinger.poll(at(1)), Step::Wait(_)));
    pinger.observe(observation(id, &probe, echoed(MS), at(0), at(1)));
    assert_eq!(pinger.poll(at(1)), Step::Done);
}

#[test]
fn a_deadline_ends_it_and_leaves_the_rest_in_flight() {
    let plan = PingPlan { deadline: Some(Duration::from_millis(1_500)), ..PingPlan::default() };
    let mut pinger = pinger(plan, 1);
    assert_eq!(asked(&mut pinger, at(0)).len(), 1);
    assert_eq!(asked(&mut pinger, at(1_000)).len(), 1);
    assert_eq!(pinger.poll(at(1_000)), Step::Wait(at(1_500)));
    assert_eq!(pinger.poll(at(1_500)), Step::Done);
    let (_, tally) = pinger.tallies().next().expect("one address");
    assert_eq!((tally.sent(), tally.lost(), tally.in_flight()), (2, 0, 2));
}

#[test]
fn with_a_deadline_the_count_is_of_answers() {
    let plan = PingPlan { deadline: Some(Duration::from_secs(60)), ..count(2) };
    let mut pinger = pinger(plan, 1);
    for second in 0..4 {
        let now = at(second * 1_000);
        let (id, probe) = asked(&mut pinger, now).remove(0);
        let outcome = if second % 2 == 0 { silent() } else { echoed(MS) };
        pinger.observe(observation(id, &probe, outcome, now, now + MS));
    }
    assert_eq!(pinger.poll(at(3_001)), Step::Done);
    assert_eq!(pinger.tallies().next().expect("one").1.sent(), 4);
}

#[test]
fn flood_sends_when_answered_and_after_ten_milliseconds_else() {
    let plan = PingPlan { pace: Pace::Flood { least: Duration::ZERO }, ..count(4) };
    let mut pinger = pinger(plan, 1);
    let (id, probe) = asked(&mut pinger, at(0)).remove(0);
    assert_eq!(pinger.poll(at(3)), Step::Wait(at(10)));
    pinger.observe(observation(id, &probe, echoed(MS), at(0), at(4)));
    assert_eq!(asked(&mut pinger, at(4)).len(), 1);
    assert!(asked(&mut pinger, at(13)).is_empty());
    let (id, probe) = asked(&mut pinger, at(14)).remove(0);
    let unable = Outcome::Unable(Inability { why: Obstacle::NoRoute, errno: None });
    pinger.observe(observation(id, &probe, unable, at(14), at(14)));
    assert!(asked(&mut pinger, at(14)).is_empty(), "what cannot be sent is not tried at full speed");
}

#[test]
fn a_busy_machine_leads_to_no_burst() {
    let mut pinger = pinger(PingPlan::default(), 1);
    assert_eq!(asked(&mut pinger, at(0)).len(), 1);
    assert_eq!(asked(&mut pinger, at(10_300)).len(), 1);
    assert_eq!(pinger.poll(at(10_300)), Step::Wait(at(11_300)));
}

#[test]
fn duplicates_and_late_answers_change_nothing_but_their_own_counts() {
    let mut pinger = pinger(count(2), 1);
    let (first, probe) = asked(&mut pinger, at(0)).remove(0);
    pinger.observe(observation(first, &probe, echoed(MS), at(0), at(1)));
    pinger.observe(observation(first, &probe, echoed(2 * MS), at(0), at(2)));
    let (second, probe) = asked(&mut pinger, at(1_000)).remove(0);
    pinger.observe(observation(second, &probe, silent(), at(1_000), at(4_000)));
    pinger.observe(observation(second, &probe, echoed(4_000 * MS), at(1_000), at(5_000)));
    pinger.observe(observation(second, &probe, echoed(4_100 * MS), at(1_000), at(5_100)));
    let timings: Vec<Timing> = pinger
        .take_events()
        .into_iter()
        .filter_map(|event| match event.what {
            Happening::Answered { timing, .. } => Some(timing),
            _ => None,
        })
        .collect();
    assert_eq!(timings, [Timing::Regular, Timing::Duplicate, Timing::Late, Timing::Duplicate]);
    let (_, tally) = pinger.tallies().next().expect("one");
    assert_eq!((tally.sent(), tally.received(), tally.lost()), (2, 1, 1));
    assert_eq!((tally.duplicates(), tally.late(), tally.rtt().count()), (2, 1, 1));
}

#[test]
fn a_second_error_about_the_same_request_is_told_and_counted_once_as_rejection() {
    let mut pinger = pinger(count(1), 1);
    let (id, probe) = asked(&mut pinger, at(0)).remove(0);
    pinger.observe(observation(id, &probe, prohibited(), at(0), at(1)));
    pinger.observe(observation(id, &probe, prohibited(), at(0), at(2)));
    let (_, tally) = pinger.tallies().next().expect("one");
    assert_eq!((tally.rejected(), tally.errors().map(|(_, _, count)| count).sum::<u64>()), (1, 2));
}

#[test]
fn what_waits_when_the_next_is_due_is_outstanding() {
    let mut pinger = pinger(PingPlan::default(), 1);
    asked(&mut pinger, at(0));
    asked(&mut pinger, at(1_000));
    let told: Vec<(u64, Happening)> =
        pinger.take_events().into_iter().map(|event| (event.number, event.what)).collect();
    assert_eq!(told, [(1, Happening::Sent), (1, Happening::Outstanding), (2, Happening::Sent)]);
}

#[test]
fn tcp_turns_through_source_ports_and_tells_refused_from_open() {
    let plan = PingPlan { method: Method::Tcp, ..count(2) };
    let mut pinger = pinger(plan, 1);
    let mut ports = Vec::new();
    for second in 0..2 {
        let now = at(second * 1_000);
        let (id, probe) = asked(&mut pinger, now).remove(0);
        let Probe::Connect(connect) = &probe else { panic!("{probe:?}") };
        assert_eq!((connect.ttl, connect.then), (None, Then::Reset));
        ports.push(connect.source_port);
        let source = "192.0.2.100:1".parse().expect("an address");
        let outcome = if second == 0 {
            Outcome::Answered(Answer::Connected(Connected {
                rtt: MS,
                syns: 2,
                source,
                after: After::NotWatched,
            }))
        } else {
            Outcome::Rejected(Rejection {
                how: Refusal::Reset,
                by: None,
                rtt: MS,
                reply_ttl: None,
                quote: None,
            })
        };
        pinger.observe(observation(id, &probe, outcome, now, now + MS));
    }
    assert_eq!(ports[1], ports[0] + 1);
    let (_, tally) = pinger.tallies().next().expect("one");
    assert_eq!((tally.received(), tally.refused(), tally.repeated()), (2, 1, 1));
}

#[test]
fn a_port_that_is_in_use_costs_no_request() {
    let mut pinger = pinger(PingPlan { method: Method::Tcp, ..count(1) }, 1);
    let (id, probe) = asked(&mut pinger, at(0)).remove(0);
    let busy = Outcome::Unable(Inability { why: Obstacle::PortInUse, errno: None });
    pinger.observe(observation(id, &probe, busy, at(0), at(0)));
    let (_, other) = asked(&mut pinger, at(0)).remove(0);
    assert_ne!(other, probe);
    let (_, tally) = pinger.tallies().next().expect("one");
    assert_eq!((tally.sent(), tally.unsent()), (1, 0));
}

#[test]
fn a_run_of_days_keeps_its_memory() {
    let mut pinger = pinger(PingPlan { pace: Pace::Every(10 * MS), ..PingPlan::default() }, 1);
    for number in 0..100_000 {
        let now = at(number * 10);
        for (id, probe) in asked(&mut pinger, now) {
            pinger.observe(observation(id, &probe, echoed(MS), now, now + MS));
        }
        pinger.take_events();
    }
    assert!(pinger.in_flight.is_empty());
    assert!(pinger.lanes[0].settled.len() <= MOST_SETTLED);
    assert_eq!(pinger.lanes[0].tally.received(), 100_000);
}

proptest! {
    /// Whatever comes back, in whatever order and how often: no request counts twice.
    #[test]
    fn every_request_is_in_exactly_one_state(
        script in prop::collection::vec((0_u8..6, 0_usize..40, 0_u64..3), 1..120),
    ) {
        let mut pinger = pinger(PingPlan { pace: Pace::Every(10 * MS), ..count(30) }, 2);
        let mut known: Vec<(ProbeId, Probe, Time)> = Vec::new();
        let mut now = at(0);
        for (kind, which, later) in script {
            now = now + 7 * MS * later as u32;
            known.extend(asked(&mut pinger, now).into_iter().map(|(id, probe)| (id, probe, now)));
            let Some((id, probe, sent)) = known.get(which).cloned() else { continue };
            let outcome = match kind {
                0..=2 => echoed(now.since(sent)),
                3 => silent(),
                4 => prohibited(),
                _ => Outcome::Unable(Inability { why: Obstacle::NoRoute, errno: Some(101) }),
            };
            pinger.observe(observation(id, &probe, outcome, sent, now));
        }
        let mut sent = 0;
        for (_, tally) in pinger.tallies() {
            let states = tally.received() + tally.lost() + tally.rejected() + tally.in_flight();
            prop_assert_eq!(states, tally.sent());
            prop_assert!((0.0..=1.0).contains(&tally.loss()));
            prop_assert_eq!(tally.rtt().count(), tally.received());
            sent += tally.sent() + tally.unsent();
        }
        prop_assert_eq!(sent, known.len() as u64);
    }
}
