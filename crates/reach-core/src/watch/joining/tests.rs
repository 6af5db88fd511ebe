use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::signal::{Attempt, Failure, FailureClass, Requests};

fn at(seconds: u64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

fn origin() -> Origin {
    Origin {
        source: "scouter".to_owned(),
        service: Some("tomcat".to_owned()),
        instance: Some("/was01/app".to_owned()),
    }
}

fn said(seconds: u64, word: Word) -> Signal {
    Signal { at: at(seconds), origin: origin(), word }
}

fn failure(host: Option<&str>, class: FailureClass) -> Word {
    Word::Failure(Failure {
        host: host.map(str::to_owned),
        port: host.map(|_| 443),
        client: Some("apache-hc4".to_owned()),
        ..Failure::new(class, format!("{} of it", class.code()))
    })
}

fn timeout(host: &str) -> Word {
    failure(Some(host), FailureClass::ConnectTimeout)
}

fn attempt(last: u8, failed: bool, served: Option<bool>) -> Word {
    Word::Attempt(Attempt {
        host: Some("push.example".to_owned()),
        address: IpAddr::from([203, 0, 113, last]),
        port: 443,
        elapsed: Some(Duration::from_millis(u64::from(last))),
        failed: failed.then_some(FailureClass::ConnectTimeout),
        served,
    })
}

fn requests(total: u64, failed: u64) -> Word {
    Word::Requests(Requests { span: Duration::from_secs(10), total, failed, late: 0, estimated: false })
}

/// What is said by all of it, the time running on to `until`.
fn join(signals: &[Signal], until: u64) -> Vec<Joined> {
    let mut joiner = Joiner::new(JoiningRules::default());
    let mut joined = Vec::new();
    for signal in signals {
        while let Some(due) = joiner.due().filter(|due| *due < signal.at) {
            joiner.tick(due);
            joined.append(&mut joiner.take_joined());
        }
        joiner.take(signal, signal.at);
        joined.append(&mut joiner.take_joined());
    }
    joiner.tick(at(until));
    joined.append(&mut joiner.take_joined());
    joined
}

fn suffered(joined: &[Joined]) -> Vec<&Suffering> {
    let mut all = Vec::new();
    for one in joined {
        if let Joined::Suffering(suffering) = one {
            all.push(&**suffering);
        }
    }
    all
}

#[test]
fn a_rate_above_its_threshold_names_the_destination_of_the_failures() {
    let mut signals = Vec::new();
    for n in 0..12 {
        signals.push(said(n * 10, requests(20, u64::from(n == 3 || n == 4) * 4)));
    }
    for n in 0..8 {
        signals.push(said(30 + n, timeout("fcm.googleapis.com")));
    }
    signals.push(said(38, failure(Some("other.example"), FailureClass::Refused)));
    signals.sort_by_key(|signal| signal.at);
    let joined = join(&signals, 119);
    let [first] = suffered(&joined)[..] else { panic!("{joined:?}") };
    assert_eq!(
        first.destination,
        Some(Destination { host: "fcm.googleapis.com".to_owned(), port: 443 }),
        "what failed once is chance"
    );
    let requests = first.requests.expect("they are counted");
    assert_eq!((requests.total, requests.failed), (140, 8));
    assert_eq!(first.failures[&FailureClass::ConnectTimeout], 8);
    assert_eq!((first.since, first.last), (at(30), at(37)));
}

#[test]
fn a_rate_below_its_threshold_is_no_matter_whatever_fails() {
    let mut signals: Vec<_> = (0..30).map(|n| said(n * 10, requests(100, u64::from(n % 10 == 0)))).collect();
    signals.extend((0..3).map(|n| said(n * 100, timeout("fcm.googleapis.com"))));
    signals.sort_by_key(|signal| signal.at);
    assert_eq!(join(&signals, 299), []);
}

#[test]
fn without_request_counts_three_failures_matter_and_no_rate_is_claimed() {
    let two: Vec<_> = (0..2).map(|n| said(n * 20, timeout("fcm.googleapis.com"))).collect();
    assert_eq!(join(&two, 60), []);
    let three: Vec<_> = (0..3).map(|n| said(n * 20, timeout("fcm.googleapis.com"))).collect();
    let joined = join(&three, 60);
    let [first] = suffered(&joined)[..] else { panic!("{joined:?}") };
    assert_eq!(first.requests, None);
    assert_eq!(first.failed(), 3);
    let far_apart: Vec<_> = (0..9).map(|n| said(n * 200, timeout("fcm.googleapis.com"))).collect();
    assert_eq!(join(&far_apart, 1_601), []);
}

#[test]
fn errors_that_name_no_destination_are_an_ailment_of_the_service() {
    let mut signals: Vec<_> = (0..7).map(|n| said(n * 10, requests(20, 5))).collect();
    signals.push(said(15, timeout("once.example")));
    signals.sort_by_key(|signal| signal.at);
    let joined = join(&signals, 60);
    let [Joined::Ailing(ailing)] = &joined[..] else { panic!("{joined:?}") };
    assert_eq!(ailing.destination, None);
    assert!(ailing.requests.is_some());
}

#[test]
fn late_is_told_apart_from_failed_and_the_addresses_are_named() {
    let signals: Vec<_> = (0..3)
        .flat_map(|n| {
            [said(n * 10, attempt(10, true, Some(true))), said(n * 10 + 1, attempt(21, false, Some(true)))]
        })
        .collect();
    let joined = join(&signals, 30);
    let [first] = suffered(&joined)[..] else { panic!("{joined:?}") };
    assert_eq!((first.failed(), first.late), (0, 3));
    let view = |last| first.addresses[&IpAddr::from([203, 0, 113, last])];
    assert_eq!((view(10).attempts, view(10).failed), (3, 3));
    assert_eq!((view(21).attempts, view(21).failed), (2, 0), "as of the third failure");
    assert_eq!(view(10).median, Some(Duration::from_millis(10)));
}

#[test]
fn an_attempt_and_the_failure_that_it_made_are_counted_once() {
    let signals = [
        said(0, attempt(10, true, Some(false))),
        said(0, timeout("push.example")),
        said(10, attempt(10, true, Some(false))),
        said(10, timeout("push.example")),
    ];
    assert_eq!(join(&signals, 60), []);
}

#[test]
fn it_is_over_only_when_the_service_was_heard_of_in_the_calm() {
    let mut signals: Vec<_> = (0..3).map(|n| said(n, timeout("fcm.googleapis.com"))).collect();
    let silent = join(&signals, 1_200);
    assert_eq!(silent.len(), 1, "it has fallen silent: {silent:?}");
    signals.push(said(302, requests(0, 0)));
    let joined = join(&signals, 302);
    let last = joined.last();
    assert!(matches!(last, Some(Joined::Relieved { last, .. }) if *last == at(2)), "{joined:?}");
}

#[test]
fn the_silence_of_a_log_of_errors_is_believed_later() {
    let failures: Vec<Signal> = (0..5).map(|turn| said(1_000 + turn, timeout("push.example"))).collect();
    assert_eq!(relieved(&join(&failures, 1_004 + 4 * 300 - 1)), 0);
    assert_eq!(relieved(&join(&failures, 1_004 + 4 * 300)), 1);
    // One that counts requests too, and has fallen silent, has not recovered.
    let counted = [&failures[..], &[said(1_005, requests(1_000, 900))]].concat();
    assert_eq!(relieved(&join(&counted, 1_004 + 100 * 300)), 0);
}

#[test]
fn a_service_that_is_gone_has_not_recovered_though_its_source_speaks() {
    let mut joiner = Joiner::new(JoiningRules::default());
    for second in 0..3 {
        joiner.take(&said(second, timeout("push.example")), at(second));
    }
    joiner.take(&said(10, Word::Presence { thing: "/was01/app".to_owned(), alive: false }), at(10));
    let mut hear = |seconds: u64| {
        joiner.heard("scouter", at(seconds));
        joiner.tick(at(seconds));
        relieved(&joiner.take_joined())
    };
    assert_eq!((0..10).map(|turn| hear(100 + turn * 100)).sum::<usize>(), 0);
    joiner.take(&said(1_200, Word::Presence { thing: "/was01/app".to_owned(), alive: true }), at(1_200));
    joiner.heard("scouter", at(1_201));
    joiner.tick(at(1_201));
    assert_eq!(relieved(&joiner.take_joined()), 1);
}

fn relieved(joined: &[Joined]) -> usize {
    joined.iter().filter(|one| matches!(one, Joined::Relieved { .. })).count()
}

#[test]
fn what_a_log_tells_of_yesterday_counts_for_nothing() {
    let mut joiner = Joiner::new(JoiningRules::default());
    for n in 0..10 {
        joiner.take(&said(n, timeout("fcm.googleapis.com")), at(86_400));
    }
    assert_eq!((joiner.take_joined(), joiner.ignored()), (vec![], 10));
}

#[test]
fn a_destination_that_fails_twice_as_often_is_told_of_again_and_one_that_goes_on_is_not() {
    let signals: Vec<_> = (0..100).map(|n| said(n * 60, timeout("fcm.googleapis.com"))).collect();
    let joined = join(&signals, 6_000);
    let counts: Vec<u64> = suffered(&joined).into_iter().map(Suffering::failed).collect();
    assert_eq!(counts, [3, 6, 12, 24, 48, 96]);
}

proptest! {
    #[test]
    fn whatever_is_said_each_suffering_ends_at_most_once_and_time_goes_on(
        words in prop::collection::vec((0_u64..400, 0_u8..6, 0_u8..4), 0..200),
    ) {
        let mut now = 0;
        let mut joiner = Joiner::new(JoiningRules::default());
        let mut open = std::collections::BTreeSet::new();
        for (step, kind, which) in words {
            now += step;
            let word = match kind {
                0 => requests(50, u64::from(which)),
                1 => requests(0, 9),
                2 => timeout(["a.example", "b.example", "", "c.example."][usize::from(which)]),
                3 => failure(None, FailureClass::Tls),
                4 => attempt(which, true, [None, Some(true), Some(false)][usize::from(which % 3)]),
                _ => attempt(which, false, None),
            };
            joiner.take(&said(now, word), at(now));
            joiner.tick(at(now));
            for joined in joiner.take_joined() {
                match joined {
                    Joined::Suffering(told) => {
                        prop_assert!(told.failed() + told.late > 0);
                        prop_assert!(told.since <= told.last && told.last <= at(now));
                        open.insert(told.destination);
                    }
                    Joined::Relieved { destination, .. } => prop_assert!(open.remove(&Some(destination))),
                    Joined::Ailing(told) => {
                        prop_assert_eq!(&told.destination, &None);
                        prop_assert!(open.insert(None));
                    }
                    Joined::Well { .. } => prop_assert!(open.remove(&None)),
                }
            }
            prop_assert!(joiner.due().is_none_or(|due| due > at(now)) || !open.is_empty());
        }
    }
}
