//! What the commands around `reach watch` show: one screen of each, in both languages, and JSON.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use reach_core::{
    Time,
    model::ResolutionError,
    watch::{
        Acknowledged, AddressState, AddressStatus, Cadence, Cause, ChannelStatus, Delivery, Gravity,
        Incident, IncidentId, LatencyRule, Layer, LayerStatus, Matcher, Member, News, Notice, OutboxRow,
        Phase, Reason, Remark, Remembered, RowId, Rules, ScheduleStatus, Series, Silence, SilenceId,
        SourceStatus, Status, StoreStatus, Subject, TargetId, TargetStatus, Transition, Why,
    },
};
use reach_report::{
    Lang, Style,
    watch::{self, History, HistoryBucket, IncidentRecord, PlanView, WatchedView},
};
use unicode_width::UnicodeWidthStr;

/// 2026-11-22 14:00:00 UTC.
const NOW: Time = Time::from_micros(1_795_356_000_000_000);

fn ago(minutes: u64) -> Time {
    Time::from_micros(NOW.as_micros() - minutes * 60_000_000)
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([203, 0, 113, last])
}

fn style(lang: Lang) -> Style {
    Style { utc_offset_s: 9 * 3600, ..Style::plain(100, lang) }
}

fn layer(tries: u64, failed: u64) -> LayerStatus {
    let failures = if failed == 0 { BTreeMap::new() } else { BTreeMap::from([(Reason::Timeout, failed)]) };
    LayerStatus { tries, failures, last: ago(0), last_worked: failed == 0, ..LayerStatus::default() }
}

fn address_status(target: u32, last: u8, health: AddressState, gone: bool) -> AddressStatus {
    let failed = if health == AddressState::Down { 60 } else { 0 };
    AddressStatus {
        remembered: Remembered {
            series: Series { target: TargetId(target), address: address(last) },
            health,
            since: ago(if health == AddressState::Down { 12 } else { 3000 }),
            reason: (health == AddressState::Down).then_some(Reason::Timeout),
            first_seen: ago(4000),
            last_given: ago(0),
            ttl_s: 300,
            resolvers: BTreeSet::new(),
            gone_since: gone.then(|| ago(30)),
            last_ok: Some(ago(12)),
            certificate_expires: None,
        },
        layers: BTreeMap::from([(Layer::Connect, Box::new(layer(360, failed)))]),
    }
}

fn target(id: u32, text: &str, addresses: Vec<AddressStatus>) -> TargetStatus {
    TargetStatus {
        id: TargetId(id),
        target: text.to_owned(),
        host: text.split(':').next().unwrap_or_default().to_owned(),
        port: 443,
        labels: BTreeMap::from([("service".to_owned(), "push".to_owned())]),
        unresolved: None,
        addresses,
        resolvers: BTreeMap::new(),
        appeared: 0,
        examining: false,
    }
}

fn member(last: u8, state: AddressState, from_birth: bool) -> Member {
    Member { address: address(last), state, reason: Reason::Timeout, since: ago(12), from_birth, gone: false }
}

fn incident() -> Incident {
    Incident {
        id: IncidentId(17),
        subject: Subject::Target(TargetId(1)),
        title: "fcm.googleapis.com:443".to_owned(),
        labels: BTreeMap::from([("service".to_owned(), "push".to_owned())]),
        gravity: Gravity::Degraded,
        worst: Gravity::Degraded,
        phase: Phase::Open,
        began: ago(12),
        opened: ago(11),
        changed: ago(2),
        causes: vec![
            Cause::Addresses,
            Cause::FailureShare {
                failed: 20,
                tries: 120,
                bounds: (0.11, 0.24),
                threshold: 0.01,
                last: ago(60),
            },
        ],
        members: vec![member(12, AddressState::Down, false), member(18, AddressState::Down, true)],
        pool: 8,
        acknowledged: Some(Acknowledged { by: "kim".to_owned(), at: ago(5) }),
        muted_until: None,
        unstable: false,
        quiet: Duration::from_secs(300),
        relapses: 0,
        unwatched: Duration::ZERO,
        ending: None,
        notices: 3,
        rang: vec![ago(11)],
        remarks: vec![Remark {
            at: ago(9),
            by: "kim".to_owned(),
            text: "방화벽팀에 문의함 <b>#4711</b>\u{1b}[2J".to_owned(),
        }],
        diagnosis: None,
        clocks: Default::default(),
    }
}

fn cleared() -> Incident {
    Incident {
        id: IncidentId(16),
        phase: Phase::Closed { at: ago(1500), all_clear: true },
        worst: Gravity::Critical,
        began: ago(1700),
        causes: Vec::new(),
        acknowledged: None,
        ..incident()
    }
}

fn silence() -> Silence {
    Silence {
        id: SilenceId(3),
        matcher: Matcher {
            target: Some("db*".to_owned()),
            network: "198.51.100.0/24".parse().ok(),
            labels: BTreeMap::new(),
        },
        from: ago(10),
        until: Time::from_micros(NOW.as_micros() + 7_200_000_000),
        author: "김철수".to_owned(),
        comment: "정기 패치".to_owned(),
        maintenance: false,
    }
}

fn status() -> Status {
    use AddressState::{Down, Ok, Suspect};
    let mut unresolved = target(3, "gone.example:443", Vec::new());
    unresolved.unresolved = Some(ResolutionError::NxDomain);
    Status {
        at: NOW,
        started: ago(4000),
        online: Some(true),
        targets: vec![
            target(
                2,
                "푸시.example:5223",
                vec![address_status(2, 40, Ok, false), address_status(2, 41, Suspect, false)],
            ),
            target(
                1,
                "fcm.googleapis.com:443",
                vec![
                    address_status(1, 11, Ok, false),
                    address_status(1, 12, Down, false),
                    address_status(1, 13, Ok, true),
                    address_status(1, 18, Down, false),
                ],
            ),
            unresolved,
            target(4, "db.example:5432", vec![address_status(4, 50, Ok, false)]),
        ],
        incidents: vec![incident()],
        incidents_opened: 1,
        incident_transitions: 2,
        silences: vec![silence()],
        schedule: ScheduleStatus::default(),
        sources: vec![
            SourceStatus { source: "apm".to_owned(), heard: Some(ago(3)), signals: 12_345, lost: 2 },
            SourceStatus { source: "푸시 로그".to_owned(), ..SourceStatus::default() },
        ],
        channels: BTreeMap::from([
            ("ops".to_owned(), ChannelStatus { sent: 4, ..ChannelStatus::default() }),
            (
                "backup".to_owned(),
                ChannelStatus {
                    pending: 2,
                    oldest: Some(ago(6)),
                    dead: 1,
                    broken_since: Some(ago(6)),
                    trouble: Some("connect timed out\u{1b}[2J".to_owned()),
                    ..ChannelStatus::default()
                },
            ),
        ]),
        store: StoreStatus {
            bytes: 131_000_000,
            samples: 12_345_678,
            lost_samples: 12,
            ..StoreStatus::default()
        },
    }
}

fn row(number: u64, channel: &str, at: Time, news: News, rings: bool, delivery: Delivery) -> OutboxRow {
    OutboxRow {
        id: RowId(number),
        channel: channel.to_owned(),
        notice: Notice {
            incident: incident(),
            seq: u32::try_from(number / 10).expect("small"),
            at,
            news,
            rings,
        },
        delivery,
        attempts: 1,
        not_before: at,
        trouble: None,
        instead_of: None,
    }
}

fn changed(minutes: u64, last: u8, from: AddressState, to: AddressState, why: Why) -> Transition {
    Transition {
        series: Series { target: TargetId(1), address: address(last) },
        at: ago(minutes),
        from,
        to,
        why,
    }
}

fn transitions() -> Vec<Transition> {
    use AddressState::{Down, Ok, Suspect, Unknown};
    vec![
        changed(12, 12, Ok, Suspect, Why::Failed(Reason::Timeout)),
        changed(11, 12, Suspect, Down, Why::Failed(Reason::Timeout)),
        changed(8, 18, Unknown, Unknown, Why::Appeared),
        changed(7, 18, Suspect, Down, Why::BlockedFromBirth(Reason::Timeout)),
        changed(3, 13, Ok, AddressState::Gone, Why::LeftDns),
    ]
}

fn record() -> IncidentRecord {
    IncidentRecord {
        incident: incident(),
        transitions: transitions(),
        messages: vec![
            row(10, "ops", ago(11), News::Opened, true, Delivery::Sent { at: ago(11), message: None }),
            row(11, "backup", ago(11), News::Opened, true, Delivery::Unknown),
            row(20, "ops", ago(7), News::Updated, false, Delivery::Merged { into: RowId(30) }),
        ],
        evidence: Vec::new(),
    }
}

fn bucket(last: u8, from: Time, tries: u64, failed: u64) -> HistoryBucket {
    let failures = if failed == 0 { BTreeMap::new() } else { BTreeMap::from([(Reason::Timeout, failed)]) };
    let works = tries > failed;
    HistoryBucket {
        address: address(last),
        layer: Layer::Connect,
        from,
        tries,
        failures,
        unable: 0,
        p50: works.then_some(Duration::from_micros(8_400)),
        p95: works.then_some(Duration::from_micros(12_300)),
    }
}

fn history() -> History {
    let from = ago(120);
    let step = Duration::from_secs(600);
    let shares = [
        (60, 0),
        (60, 1),
        (60, 6),
        (60, 30),
        (60, 60),
        (0, 0),
        (60, 60),
        (60, 2),
        (60, 0),
        (60, 0),
        (60, 0),
        (60, 0),
    ];
    let mut buckets = Vec::new();
    for (number, (tries, failed)) in (0..).zip(shares) {
        let at = from + step * number;
        buckets.push(bucket(11, at, 60, 0));
        if tries > 0 {
            buckets.push(bucket(12, at, tries, failed));
        }
    }
    History {
        target: "fcm.googleapis.com:443".to_owned(),
        from,
        until: NOW,
        step,
        layer: Layer::Connect,
        totals: vec![bucket(11, from, 720, 0), bucket(12, from, 660, 159)],
        buckets,
        transitions: transitions(),
    }
}

/// A snapshot that says nothing of how it was made.
macro_rules! kept {
    ($name:literal, $text:expr $(,)?) => {{
        let mut settings = insta::Settings::clone_current();
        settings.set_omit_expression(true);
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!($name, $text));
    }};
}

fn each(show: impl Fn(&Style) -> String) -> String {
    Lang::ALL.map(|lang| format!("---- {}\n{}", lang.code(), show(&style(lang)))).concat()
}

#[test]
fn the_status_of_a_watch_in_one_screen() {
    kept!("watch-status", each(|style| watch::status(&status(), style)));
}

#[test]
fn a_host_without_a_network_says_so() {
    let cut_off = Status { online: Some(false), ..status() };
    assert!(watch::status(&cut_off, &style(Lang::En)).contains("this host reaches nothing"));
}

#[test]
fn incidents_in_a_list_and_one_by_one() {
    kept!(
        "watch-incidents",
        each(|style| {
            let list = watch::incidents(&[incident(), cleared()], NOW, style);
            let none = watch::incidents(&[], NOW, style);
            let one = watch::incident(&record(), NOW, false, style);
            format!("{list}\n{none}\n{one}")
        })
    );
}

#[test]
fn the_history_of_a_target() {
    kept!("watch-history", each(|style| watch::history(&history(), style)));
    let ascii = Style { ascii: true, ..style(Lang::En) };
    let text = watch::history(&history(), &ascii);
    assert!(text.is_ascii() && text.contains("_,-+# #-____"), "{text}");
}

#[test]
fn silences_and_what_was_done() {
    kept!(
        "watch-silences",
        each(|style| {
            let maintenance = Silence {
                maintenance: true,
                matcher: Matcher::default(),
                from: Time::from_micros(NOW.as_micros() + 86_400_000_000),
                until: Time::from_micros(NOW.as_micros() + 90_000_000_000),
                ..silence()
            };
            [
                watch::silences(&[silence(), maintenance], NOW, style),
                watch::silences(&[], NOW, style),
                watch::silence_made(Some(SilenceId(3)), NOW, style),
                watch::silence_made(None, NOW, style),
                watch::silence_ended(SilenceId(3), style.lang),
                watch::acknowledged(IncidentId(17), style.lang),
                watch::muted(IncidentId(16), NOW, style),
            ]
            .join("\n")
        })
    );
}

#[test]
fn what_a_configuration_would_watch() {
    let labels = BTreeMap::from([("service".to_owned(), "push".to_owned())]);
    let (pace, rules) = (Cadence::default(), Rules::default());
    let slow = LatencyRule {
        quantile: 0.95,
        above: Duration::from_millis(500),
        window: Duration::from_secs(300),
        least: 30,
    };
    let strict = Rules { latency: Some(slow), certificate: None, ..Rules::default() };
    let none = BTreeMap::new();
    let plan = PlanView {
        targets: vec![
            WatchedView {
                target: "fcm.googleapis.com:443",
                labels: &labels,
                deeper: true,
                pace: &pace,
                rules: &rules,
            },
            WatchedView {
                target: "푸시.example:22",
                labels: &none,
                deeper: false,
                pace: &pace,
                rules: &strict,
            },
        ],
        sources: vec![("apm", "scouter"), ("푸시 로그", "log")],
        channels: vec![("ops", "telegram"), ("backup", "webhook")],
        maintenance: vec![
            ("patch day", Some("2026-11-28 02:00 ~ 2026-11-28 04:00 Asia/Seoul".to_owned())),
            ("move", None),
        ],
        store: "/var/lib/reach/reach.db".to_owned(),
        max_bytes: 2 << 30,
        control: "/run/reach/watch.sock".to_owned(),
    };
    kept!("watch-plan", each(|style| watch::plan(&plan, style)));
    kept!("watch-plan-json", format!("{:#}", watch::json_plan(&plan)));
}

#[test]
fn programs_get_times_in_rfc_3339_and_spans_in_milliseconds() {
    kept!("watch-status-json", format!("{:#}", watch::json_status(&status(), Lang::En)));
    kept!("watch-incident-json", format!("{:#}", watch::json_incident(&record(), "0.0.0", Lang::En)));
    let history = watch::json_history(&history());
    assert_eq!(history["schema"], "reach.history/1");
    assert_eq!(history["step_ms"], 600_000.0);
    assert_eq!(history["addresses"][1]["steps"][0]["from"], "2026-11-22T12:00:00.000Z");
    assert_eq!(history["addresses"][1]["p50_ms"], 8.4);
    assert_eq!(
        watch::json_incidents(&[cleared()], Lang::Ko)["incidents"][0]["closed_at"],
        "2026-11-21T13:00:00.000Z"
    );
    assert_eq!(watch::json_silences(&[silence()])["silences"][0]["network"], "198.51.100.0/24");
}

#[test]
fn nothing_is_wider_than_the_terminal_and_nothing_moves_the_cursor() {
    for width in [60, 80, 100, 140] {
        for lang in Lang::ALL {
            let style = Style { width, ..style(lang) };
            for text in [
                watch::status(&status(), &style),
                watch::incident(&record(), NOW, false, &style),
                watch::incidents(&[incident(), cleared()], NOW, &style),
                watch::history(&history(), &style),
                watch::silences(&[silence()], NOW, &style),
            ] {
                assert!(!text.contains('\u{1b}'), "{text}");
                for line in text.lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                }
            }
        }
    }
}
