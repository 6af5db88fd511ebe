//! What `reach ping` shows, one snapshot for each kind.

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{Endpoint, IcmpError, Inability, Obstacle, Quote, Refusal, Rejection},
    ping::{Event, Happening, Method, PingPlan, Reply, ReplyKind, Tally, Timing},
};
use reach_report::{
    Lang, Style,
    ping::{
        Lines, Subject, final_table, header, json_event, json_summary, line, live_table, short_summary,
        summary,
    },
};

const STARTED: Time = Time::from_micros(1_795_323_603_250_000);
const WITH_ALL: Lines = Lines { stamps: false, outstanding: true };

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn at(address: &str) -> Endpoint {
    Endpoint { address: ip(address), port: 443 }
}

fn reply(micros: u64) -> Reply {
    Reply { kind: ReplyKind::Echo, rtt: Duration::from_micros(micros), ttl: Some(61), packets: 1 }
}

fn tcp(kind: ReplyKind, packets: u32) -> Reply {
    Reply { kind, rtt: Duration::from_micros(12_345), ttl: None, packets }
}

fn icmp(v6: bool, kind: u8, code: u8) -> Refusal {
    Refusal::Icmp(IcmpError { v6, kind, code })
}

fn rejected(how: Refusal, next_mtu: Option<u32>) -> Happening {
    Happening::Rejected(Rejection {
        how,
        by: Some(ip("10.0.0.1")),
        rtt: Duration::from_micros(800),
        reply_ttl: Some(64),
        quote: next_mtu.map(|mtu| Box::new(Quote { next_mtu: Some(mtu), ..Quote::default() })),
    })
}

/// One of each.
fn happenings() -> Vec<Happening> {
    let answered = |reply, timing| Happening::Answered { reply, timing };
    vec![
        Happening::Sent,
        answered(reply(12_345), Timing::Regular),
        answered(reply(900), Timing::Duplicate),
        answered(reply(4_200_000), Timing::Late),
        answered(reply(123_000), Timing::Reordered),
        answered(Reply { ttl: None, ..reply(29) }, Timing::Regular),
        Happening::Outstanding,
        Happening::Lost,
        rejected(icmp(false, 3, 10), None),
        rejected(icmp(false, 3, 4), Some(1400)),
        rejected(icmp(false, 11, 0), None),
        rejected(icmp(true, 1, 1), None),
        rejected(icmp(true, 2, 0), Some(1280)),
        rejected(icmp(false, 42, 7), None),
        Happening::Unable(Inability { why: Obstacle::NoRoute, errno: Some(101) }),
    ]
}

fn events(happenings: Vec<Happening>) -> Vec<Event> {
    let event = |(number, what)| Event { lane: 0, number, at: STARTED + Duration::from_secs(number), what };
    (1..).zip(happenings).map(event).collect()
}

/// Some trouble of every kind.
fn troubled() -> Tally {
    let mut tally = Tally::default();
    for number in 1..=9 {
        tally.begin(number);
    }
    let arrival = |number: u64| STARTED + Duration::from_secs(number);
    for (number, micros) in [(1, 12_345), (3, 11_900), (5, 40_000)] {
        tally.answer(number, &reply(micros), arrival(number));
    }
    tally.answer(4, &reply(1_500_000), arrival(6));
    tally.lose(2);
    tally.lose(6);
    tally.too_late();
    tally.repeat();
    tally.reject(7, icmp(false, 3, 10), Some(ip("10.0.0.1")));
    tally.fail(8, Obstacle::NoRoute);
    tally
}

fn steady(count: u64, micros: u64) -> Tally {
    let mut tally = Tally::default();
    for number in 1..=count {
        tally.begin(number);
        tally.answer(number, &reply(micros + number % 7 * 30), STARTED + Duration::from_secs(number));
    }
    tally
}

fn silent(count: u64) -> Tally {
    let mut tally = Tally::default();
    for number in 1..=count {
        tally.begin(number);
        tally.lose(number);
    }
    tally
}

fn refusing() -> Tally {
    let mut tally = Tally::default();
    tally.begin(1);
    tally.answer(1, &tcp(ReplyKind::Refused, 1), STARTED);
    tally.begin(2);
    tally.answer(2, &tcp(ReplyKind::Open, 3), STARTED);
    tally
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// In both languages, and in English with ASCII only.
fn in_all_styles(name: &str, width: usize, show: impl Fn(&Style) -> String) {
    settings().bind(|| {
        for lang in Lang::ALL {
            insta::assert_snapshot!(format!("{name}-{}", lang.code()), show(&Style::plain(width, lang)));
        }
        let ascii = show(&Style { ascii: true, ..Style::plain(width, Lang::En) });
        assert!(ascii.is_ascii(), "{ascii}");
        insta::assert_snapshot!(format!("{name}-ascii"), ascii);
    });
}

fn subject<'a>(host: &'a str, address: &str, tally: &'a Tally) -> Subject<'a> {
    Subject { host, endpoint: at(address), tally }
}

#[test]
fn every_event_of_one_address_has_the_line_that_ping_gives_it() {
    in_all_styles("ping-lines", 80, |style| {
        let plan = PingPlan::default();
        let mut out = header("www.example.com", at("203.0.113.9"), &plan, style);
        for event in events(happenings()) {
            out.extend(line(&event, at("203.0.113.9"), &plan, WITH_ALL, style));
        }
        out
    });
}

#[test]
fn tcp_tells_open_from_refused() {
    in_all_styles("ping-tcp-lines", 80, |style| {
        let plan = PingPlan { method: Method::Tcp, ..PingPlan::default() };
        let mut out = header("www.example.com", at("2001:db8::9"), &plan, style);
        let answered = |reply| Happening::Answered { reply, timing: Timing::Regular };
        let happenings = vec![
            answered(tcp(ReplyKind::Open, 1)),
            answered(tcp(ReplyKind::Refused, 1)),
            answered(tcp(ReplyKind::Open, 3)),
        ];
        for event in events(happenings) {
            out.extend(line(&event, at("2001:db8::9"), &plan, Lines::default(), style));
        }
        out + &summary(
            &subject("www.example.com", "2001:db8::9", &refusing()),
            &plan,
            Duration::from_millis(2_010),
            style,
        )
    });
}

#[test]
fn time_stamps_come_first_and_what_waits_is_told_only_if_wanted() {
    let plan = PingPlan::default();
    let style = Style::default();
    let lines = Lines { stamps: true, outstanding: false };
    let events = events(vec![
        Happening::Answered { reply: reply(12_345), timing: Timing::Regular },
        Happening::Outstanding,
    ]);
    let texts: Vec<_> =
        events.iter().filter_map(|event| line(event, at("203.0.113.9"), &plan, lines, &style)).collect();
    assert_eq!(texts, ["[1795323604.250000] 64 bytes from 203.0.113.9: icmp_seq=1 ttl=61 time=12.3 ms\n"]);
}

#[test]
fn the_summary_tells_each_kind_of_trouble_apart() {
    in_all_styles("ping-summary", 80, |style| {
        let plan = PingPlan::default();
        let elapsed = Duration::from_millis(8_011);
        let mut out = String::new();
        for tally in [troubled(), steady(5, 300), silent(3), Tally::default()] {
            let subject = subject("www.example.com", "203.0.113.9", &tally);
            out += &summary(&subject, &plan, elapsed, style);
            out += &short_summary(&subject, style);
        }
        out
    });
}

#[test]
fn many_addresses_make_a_table() {
    let tallies = [steady(300, 300), troubled(), silent(4), steady(1_200, 250_000), Tally::default()];
    for width in [60, 80, 120] {
        in_all_styles(&format!("ping-table-{width}"), width, |style| {
            let subjects = [
                subject("www.example.com", "203.0.113.9", &tallies[0]),
                subject("www.example.com", "203.0.113.10", &tallies[1]),
                subject("db.example.com", "2001:db8:113::11", &tallies[2]),
                subject("db.example.com", "198.51.100.7", &tallies[3]),
                subject("db.example.com", "198.51.100.8", &tallies[4]),
            ];
            let text = final_table(&subjects, Method::Icmp, style);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
            text
        });
    }
}

#[test]
fn where_there_is_no_room_the_worst_come_first_and_the_rest_is_counted() {
    let tallies: Vec<Tally> =
        (0..100).map(|number| if number % 10 == 0 { silent(5) } else { steady(5, number * 100) }).collect();
    in_all_styles("ping-live", 100, |style| {
        let subjects: Vec<Subject<'_>> = (0_u8..)
            .zip(&tallies)
            .map(|(last, tally)| Subject {
                host: "www.example.com",
                endpoint: Endpoint { address: IpAddr::from([203, 0, 113, last]), port: 443 },
                tally,
            })
            .collect();
        let text = live_table(&subjects, Method::Icmp, Duration::from_secs(12), 20, style);
        assert_eq!(text.lines().count(), 20, "{text}");
        text
    });
}

#[test]
fn nothing_at_all_is_no_failure_of_the_hosts() {
    let tally = silent(3);
    let subjects = [subject("a.example", "203.0.113.1", &tally), subject("b.example", "203.0.113.2", &tally)];
    let text = final_table(&subjects, Method::Icmp, &Style::default());
    assert!(text.contains("Many networks drop ping") && text.contains("reach check"), "{text}");
}

#[test]
fn hostile_names_cannot_act_on_the_terminal() {
    let tally = steady(1, 10);
    let host = "evil\u{1b}[2J.example";
    let plan = PingPlan::default();
    let style = Style::default();
    let mut out = header(host, at("203.0.113.9"), &plan, &style);
    out += &summary(&subject(host, "203.0.113.9", &tally), &plan, Duration::ZERO, &style);
    let two = [subject(host, "203.0.113.9", &tally), subject("b", "203.0.113.8", &tally)];
    out += &final_table(&two, Method::Icmp, &style);
    assert!(!out.contains('\u{1b}'), "{out}");
}

#[test]
fn programs_get_one_object_a_line() {
    settings().bind(|| {
        let plan = PingPlan::default();
        let mut out = String::new();
        for event in events(happenings()) {
            out.extend(json_event(&event, "www.example.com", at("203.0.113.9"), &plan, Lang::En));
        }
        let tally = troubled();
        out += &json_summary(&subject("www.example.com", "203.0.113.9", &tally), &plan, STARTED, Lang::En);
        let plan = PingPlan { method: Method::Tcp, ..plan };
        out +=
            &json_summary(&subject("www.example.com", "203.0.113.9", &refusing()), &plan, STARTED, Lang::En);
        for line in out.lines() {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(value["schema"], "reach.ping/1");
        }
        insta::assert_snapshot!("ping-json", out);
    });
}
