use reach_core::signal::{Failure, FailureClass, Gauge, Requests};

use super::*;

fn at(seconds: u64) -> Time {
    Time::from_micros(1_000_000_000 + seconds * 1_000_000)
}

fn origin() -> Origin {
    Origin {
        source: "apm".to_owned(),
        service: Some("push".to_owned()),
        instance: Some("/was01/push-1".to_owned()),
    }
}

fn desk() -> SignalDesk {
    SignalDesk::new(JoiningRules::default(), Limits::default())
}

/// What comes of words that are said at one time.
fn say(desk: &mut SignalDesk, seconds: u64, words: impl IntoIterator<Item = Word>) -> Vec<Found> {
    let signal = |word| Signal { at: at(seconds), origin: origin(), word };
    let heard = Heard { source: "apm".to_owned(), signals: words.into_iter().map(signal).collect() };
    desk.take(&heard, at(seconds))
}

fn matter(found: &[Found]) -> &Matter {
    let [Found::Event(Event::Matter { matter, .. })] = found else { panic!("{found:#?}") };
    matter
}

fn over(found: &[Found]) -> (&str, bool) {
    let [Found::Event(Event::MatterOver { key, seen, .. })] = found else { panic!("{found:#?}") };
    (key, *seen)
}

fn presence(alive: bool) -> [Word; 1] {
    [Word::Presence { thing: "/was01/push-1".to_owned(), alive }]
}

#[test]
fn what_reports_no_more_is_told_once_until_it_reports_again() {
    let mut desk = desk();
    assert!(say(&mut desk, 0, presence(true)).is_empty(), "that it is there is no news");
    let found = say(&mut desk, 10, presence(false));
    let key = matter(&found).key.clone();
    assert!(matches!(&matter(&found).trouble, Trouble::Absent { thing } if thing == "/was01/push-1"));
    assert!(say(&mut desk, 20, presence(false)).is_empty());
    assert_eq!(over(&say(&mut desk, 30, presence(true))), (key.as_str(), true));
    assert!(say(&mut desk, 40, presence(true)).is_empty());
}

#[test]
fn an_alert_is_told_once_and_its_silence_is_not_called_well() {
    let mut desk = desk();
    let alert = || {
        let (level, title) = (AlertLevel::Error, "ERROR_RATE_HIGH".to_owned());
        [Word::Alert(Alert { level, title, text: "1.5 %".to_owned() })]
    };
    let found = say(&mut desk, 0, alert());
    let key = matter(&found).key.clone();
    assert_eq!(matter(&found).gravity, Gravity::Degraded);
    assert!(say(&mut desk, 1_000, alert()).is_empty());
    let ends = at(1_000) + ALERT_STANDS;
    assert_eq!(desk.due(), Some(ends));
    assert_eq!(over(&desk.tick(ends)), (key.as_str(), false));
    assert_eq!(desk.due(), None);
}

#[test]
fn slow_statements_of_a_database_are_one_matter_and_over_when_it_answers_without_any() {
    let statement = |text: &str, seconds: u64| {
        Word::Statement(Statement {
            database: Some("orders".to_owned()),
            text: text.to_owned(),
            elapsed: Some(Duration::from_secs(seconds)),
            count: 1,
            error: None,
            waits: None,
        })
    };
    for answers in [true, false] {
        let mut desk = desk();
        let found = say(&mut desk, 0, [statement("select ?", 2)]);
        assert_eq!(matter(&found).title, "orders");
        assert!(say(&mut desk, 10, [statement("select ?", 3)]).is_empty(), "the same is no news");
        let found = say(&mut desk, 20, [statement("update t set a = ?", 9)]);
        let Trouble::Slow { statements } = &matter(&found).trouble else { panic!("{found:?}") };
        let texts: Vec<&str> = statements.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["update t set a = ?", "select ?"], "the slowest first");
        if answers {
            assert!(say(&mut desk, 100, []).is_empty());
        }
        assert_eq!(over(&desk.tick(at(20) + SLOW_STANDS)).1, answers);
    }
}

#[test]
fn levels_of_two_hosts_are_kept_apart_and_one_that_vanishes_is_not_called_well() {
    let mut desk = desk();
    let full = |of: &str| {
        let of = of.to_owned();
        Word::Level(Level { gauge: Gauge::DiskSpace, of, share: 0.99, used: None, total: None })
    };
    let mut found = Vec::new();
    for turn in 0..5 {
        found.extend(say(&mut desk, turn * 30, [full("/data")]));
    }
    assert_eq!(matter(&found).title, "/was01/push-1 /data");
    let mut ended = Vec::new();
    for turn in 5..80 {
        ended.extend(desk.tick(at(turn * 30)));
    }
    assert!(!over(&ended).1);
}

fn failure(host: &str) -> Word {
    Word::Failure(Failure {
        host: Some(host.to_owned()),
        port: Some(443),
        ..Failure::new(FailureClass::ConnectTimeout, "connect timed out".to_owned())
    })
}

#[test]
fn a_service_that_suffers_names_its_destination_and_is_relieved_when_it_is_heard_of() {
    let mut desk = desk();
    let failures = (0..5).map(|_| failure("push.example"));
    let found = say(&mut desk, 0, failures);
    let [Found::Suffering(suffering, destination)] = &found[..] else { panic!("{found:#?}") };
    // All of what came together.
    assert_eq!((suffering.failed(), destination.to_string().as_str()), (5, "push.example:443"));
    let calm = JoiningRules::default().calm.as_secs();
    assert!(desk.tick(at(calm + 1)).is_empty(), "nobody has heard of it since");
    let served = Requests { span: Duration::from_secs(10), total: 9, failed: 0, late: 0, estimated: false };
    let found = say(&mut desk, calm + 2, [Word::Requests(served)]);
    assert!(matches!(&found[..], [Found::Relieved { last, .. }] if *last == at(0)), "{found:#?}");
}

#[test]
fn what_a_destination_does_that_is_not_examined_is_an_incident_of_its_own() {
    let mut desk = desk();
    let found = say(&mut desk, 0, (0..3).map(|_| failure("localhost")));
    let [Found::Suffering(suffering, destination)] = &found[..] else { panic!("{found:#?}") };
    let Event::Matter { matter, .. } = apart((**suffering).clone(), destination, at(0)) else { panic!() };
    assert_eq!(matter.key, apart_key(&suffering.service, destination));
    assert_eq!(matter.title, "push");
}

#[test]
fn what_sources_lose_is_counted_by_source_and_kind() {
    let mut desk = desk();
    for _ in 0..2 {
        say(&mut desk, 0, [Word::Lost { what: "texts".to_owned(), count: 3 }]);
    }
    assert_eq!(desk.lost().get(&("apm".to_owned(), "texts".to_owned())), Some(&6));
}
