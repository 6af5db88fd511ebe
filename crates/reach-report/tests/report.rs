//! The hand-over, as each of its readers sees it: one snapshot for each kind of fault and language, and every way of
//! writing it down.

mod common;

use std::{net::SocketAddr, time::Duration};

use common::{FINISHED, STARTED, ip};
use reach_core::{
    Time,
    model::*,
    watch::{AddressState, Gravity, Incident, IncidentId, Phase, Series, Subject, TargetId, Transition, Why},
};
use reach_report::{
    Lang, Style, document,
    report::{self, Asker, Capture, Course, Material, Onset, Reader, Run, verify},
};

const SEOUL: i32 = 9 * 3600;

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// A run with the attempts that its diagnosis tells of.
fn run((case, diagnosis): (Case, Diagnosis)) -> Run {
    let mut observations = Vec::new();
    for (index, endpoint) in diagnosis.endpoints.iter().enumerate() {
        for (number, flow) in endpoint.connect.flows.iter().enumerate() {
            let sent =
                STARTED + Duration::from_micros(400_000 + 700_000 * number as u64 + 3_000 * index as u64);
            let source =
                case.vantage.sources.iter().find(|one| one.is_ipv4() == endpoint.endpoint.address.is_ipv4());
            let source = SocketAddr::new(*source.expect("a source"), flow.source_port);
            let reset = matches!(endpoint.verdict, Verdict::Refused | Verdict::ResetByPath);
            let (outcome, took) = if flow.answered > 0 {
                let rtt = endpoint.connect.rtt.unwrap_or(Duration::from_micros(420));
                let connected = Connected { rtt, syns: flow.syns, source, after: After::NotWatched };
                (Outcome::Answered(Answer::Connected(connected)), rtt)
            } else if reset {
                let rtt = Duration::from_micros(300);
                (
                    Outcome::Rejected(Rejection {
                        how: Refusal::Reset,
                        by: None,
                        rtt,
                        reply_ttl: None,
                        quote: None,
                    }),
                    rtt,
                )
            } else {
                let silence = Silence { packets: flow.syns, refused_here: false };
                (Outcome::Silent(silence), Duration::from_millis(3_200))
            };
            observations.push(Observation {
                id: ProbeId(observations.len() as u32),
                probe: Probe::Connect(Connect {
                    endpoint: endpoint.endpoint,
                    source_port: flow.source_port,
                    ttl: None,
                    min_ttl: None,
                    timeout: Duration::from_millis(3_200),
                    then: Then::Reset,
                    crowd: 1,
                }),
                outcome,
                sent,
                done: sent + took,
            });
        }
    }
    Run { case, observations, diagnosis, finished: FINISHED }
}

fn asker() -> Asker {
    Asker {
        requester: Some("Kim Minsu".to_owned()),
        department: Some("Platform".to_owned()),
        contact: Some("4321".to_owned()),
        nat_ip: Some("198.51.100.9".to_owned()),
        purpose: Some("FCM push".to_owned()),
        from: Some(jiff::civil::date(2026, 11, 24)),
        until: Some(jiff::civil::date(2027, 11, 23)),
    }
}

fn capture() -> Capture {
    Capture {
        name: "run.pcapng".to_owned(),
        size: 2_048,
        sha256: "0f".repeat(32),
        packets: Some(41),
        synthesised: Some(false),
        bytes: Some(vec![0x0a, 0x0d, 0x0d, 0x0a]),
    }
}

fn course() -> Course {
    let began = Time::from_micros(STARTED.as_micros() - 3_600_000_000);
    let incident = Incident {
        id: IncidentId(17),
        subject: Subject::Target(TargetId(1)),
        title: "fcm.googleapis.com:443".to_owned(),
        labels: Default::default(),
        gravity: Gravity::Degraded,
        worst: Gravity::Degraded,
        phase: Phase::Open,
        began,
        opened: began + Duration::from_secs(20),
        changed: STARTED,
        causes: Vec::new(),
        members: Vec::new(),
        pool: 8,
        acknowledged: None,
        muted_until: None,
        unstable: false,
        quiet: Duration::from_secs(300),
        relapses: 0,
        unwatched: Duration::ZERO,
        ending: None,
        notices: 1,
        rang: Vec::new(),
        remarks: Vec::new(),
        diagnosis: None,
        clocks: Default::default(),
    };
    let onset = |last: u8| Onset {
        address: ip(&format!("203.0.113.{last}")),
        last_good: Some(Time::from_micros(began.as_micros() - 10_000_000)),
        first_bad: began,
        last_bad: Some(STARTED),
        tries: 360,
        failures: 360,
        state: AddressState::Down,
    };
    let transition = Transition {
        series: Series { target: TargetId(1), address: ip("203.0.113.12") },
        at: began,
        from: AddressState::Ok,
        to: AddressState::Suspect,
        why: Why::Answered,
    };
    Course {
        incident,
        transitions: vec![transition],
        onsets: vec![onset(12), onset(14), onset(15)],
        history: None,
        until: FINISHED,
    }
}

fn material<'a>(runs: &'a [Run], asker: &'a Asker) -> Material<'a> {
    Material {
        runs,
        course: None,
        asker,
        capture: None,
        feeds: &[],
        reader: None,
        version: "0.1.0",
        made: FINISHED,
        offset_s: SEOUL,
    }
}

#[test]
fn every_kind_of_fault_is_written_to_those_who_can_mend_it() {
    settings().bind(|| {
        let asker = Asker::default();
        for (name, examined) in common::all() {
            let runs = [run(examined)];
            for lang in Lang::ALL {
                let document = report::document(&material(&runs, &asker), lang);
                let style = Style { utc_offset_s: SEOUL, ..Style::plain(100, lang) };
                insta::assert_snapshot!(
                    format!("report-{name}-{}", lang.code()),
                    document::text(&document, &style)
                );
            }
        }
    });
}

#[test]
fn an_incident_is_told_with_its_course_in_every_way_of_writing() {
    settings().bind(|| {
        let (runs, asker, course, capture) = ([run(common::story())], asker(), course(), capture());
        let material = Material { course: Some(&course), capture: Some(&capture), ..material(&runs, &asker) };
        for lang in Lang::ALL {
            let document = report::document(&material, lang);
            let code = lang.code();
            insta::assert_snapshot!(format!("incident-html-{code}"), document::html(&document));
            insta::assert_snapshot!(format!("incident-markdown-{code}"), document::markdown(&document));
            let json = serde_json::to_string_pretty(&report::json(&material, lang)).expect("JSON");
            insta::assert_snapshot!(format!("incident-json-{code}"), json);
        }
    });
}

#[test]
fn a_manager_reads_two_lines() {
    let (runs, asker) = ([run(common::story())], asker());
    for lang in Lang::ALL {
        let material = Material { reader: Some(Reader::Manager), ..material(&runs, &asker) };
        let document = report::document(&material, lang);
        assert_eq!(document.blocks.len(), 1, "{lang:?}");
        let text = document::text(&document, &Style::plain(100, lang));
        assert!(text.contains("37.5 %") && text.contains("TCP 443"), "{text}");
    }
}

#[test]
fn whoever_can_do_nothing_about_it_is_told_so_and_no_firewall_is_blamed() {
    let asker = asker();
    for (examined, owner) in [(common::refused(), "owner of the service"), (common::nxdomain(), "spelling")] {
        let runs = [run(examined)];
        let material = Material { reader: Some(Reader::Network), ..material(&runs, &asker) };
        let text = document::text(&report::document(&material, Lang::En), &Style::plain(100, Lang::En));
        assert!(text.contains("Nothing of what was measured is for the network team"), "{text}");
        assert!(text.contains(owner) && !text.contains("What to permit"), "{text}");
    }
}

#[test]
fn no_rule_is_ever_for_anything_and_the_list_is_never_the_recommendation() {
    let asker = asker();
    for (name, examined) in common::all() {
        let runs = [run(examined)];
        for lang in Lang::ALL {
            let json = report::json(&material(&runs, &asker), lang);
            for request in json["requests"].as_array().expect("a list") {
                let ways = request["ways"].as_array().expect("a list");
                for way in ways {
                    for destination in way["destination"].as_array().expect("a list") {
                        let text = destination.as_str().expect("a text");
                        assert!(!text.eq_ignore_ascii_case("any") && text != "0.0.0.0/0", "{name}");
                    }
                }
                let list = ways.iter().find(|way| way["code"] == "list");
                assert!(list.is_none_or(|list| list["asked"] == false), "{name}");
                assert!(ways.first().is_none_or(|way| way["code"] != "list"), "{name}");
            }
        }
    }
}

#[test]
fn all_attempts_are_attached_and_json_has_them_too() {
    let (runs, asker) = ([run(common::story())], asker());
    let material = material(&runs, &asker);
    let document = report::document(&material, Lang::En);
    let attached = &document.attachments[0];
    let csv = String::from_utf8(attached.bytes.clone()).expect("text");
    assert_eq!(csv.lines().count(), 1 + runs[0].observations.len());
    assert!(csv.contains("10.70.0.10,42000,203.0.113.12,443"), "{csv}");
    let json = report::json(&material, Lang::En);
    assert_eq!(json["attempts"].as_array().map(Vec::len), Some(runs[0].observations.len()));
    assert_eq!(json["check"]["schema"], "reach.check/1");
    assert_eq!(json["requests"][0]["control"]["apart_ms"], 3.0);
}

/// The story a while later, with these addresses filtered.
fn later(minutes: u64, filtered: &[u8]) -> Run {
    let mut run = run(common::story());
    let after = Duration::from_secs(60 * minutes);
    (run.case.started, run.finished) = (run.case.started + after, run.finished + after);
    for endpoint in &mut run.diagnosis.endpoints {
        let address = endpoint.endpoint.address;
        let control = "203.0.113.11";
        *endpoint = if filtered.iter().any(|last| address == ip(&format!("203.0.113.{last}"))) {
            common::filtered(&address.to_string(), control)
        } else {
            common::ok(&address.to_string(), 443)
        };
    }
    run
}

#[test]
fn before_and_after_are_told_with_what_the_numbers_carry() {
    settings().bind(|| {
        for (name, rounds) in [
            ("clear", vec![later(60, &[]), later(65, &[])]),
            ("fails", vec![later(60, &[14]), later(65, &[14, 15])]),
            ("once", vec![later(60, &[])]),
        ] {
            for lang in Lang::ALL {
                let request = verify::Request::of(&run(common::story()));
                let rounds = rounds.iter().map(verify::Round::of).collect();
                let comparison = verify::Comparison::new(request, rounds);
                let made = FINISHED + Duration::from_secs(3_960);
                let document = verify::document(&comparison, made, SEOUL, "0.1.0", lang);
                let code = lang.code();
                let style = Style { utc_offset_s: SEOUL, ..Style::plain(100, lang) };
                insta::assert_snapshot!(format!("verify-{name}-{code}"), document::text(&document, &style));
                let json = verify::json(&comparison, made, "0.1.0", lang);
                assert_eq!(json["schema"], "reach.verify/1");
                assert_eq!(json["asked"].as_array().map(Vec::len), Some(3));
            }
        }
    });
}

#[test]
fn the_form_asks_by_name_and_only_where_a_rule_would_mend_something() {
    let asker = asker();
    for (name, examined) in common::all() {
        let runs = [run(examined)];
        let form = report::form(&material(&runs, &asker), Lang::Ko);
        let wanted = ["story", "reset-by-path", "prohibited", "big-pool"].contains(&name);
        assert_eq!(form.is_some(), wanted, "{name}");
        let Some(form) = form else { continue };
        let csv = reach_report::request::csv(&form, None, false).expect("a form");
        let csv = String::from_utf8(csv).expect("text");
        let by_name = name != "prohibited";
        assert!(
            csv.contains(if by_name { "example" } else { "192.0.2.30" }) || csv.contains("googleapis"),
            "{csv}"
        );
        assert!(csv.contains("198.51.100.9") && csv.contains("2026-11-24"), "{csv}");
    }
}

#[test]
fn published_ranges_are_a_second_way_with_a_word_on_their_age() {
    let (runs, asker) = ([run(common::story())], asker());
    let feed = |text: &str| reach_report::feeds::read("goog.json", text.as_bytes()).expect("a feed");
    let whole = [feed(
        r#"{"syncToken":"1","creationTime":"2026-08-01T00:00:00","prefixes":[{"ipv4Prefix":"203.0.113.0/24"}]}"#,
    )];
    let with = Material { feeds: &whole, ..material(&runs, &asker) };
    let json = report::json(&with, Lang::En);
    let ways = json["requests"][0]["ways"].as_array().expect("a list");
    let ranges = ways.iter().find(|way| way["code"] == "ranges").expect("a way");
    assert_eq!(ranges["destination"], serde_json::json!(["203.0.113.0/24"]));
    assert!(ways[0]["code"] == "name" && json["feeds"][0]["old"] == true, "{json}");
    assert_eq!(report::form(&with, Lang::En).map(|form| form.rules.len()), Some(2));
    let other = [feed(
        r#"{"syncToken":"1","creationTime":"2026-11-20T00:00:00","prefixes":[{"ipv4Prefix":"198.51.100.0/24"}]}"#,
    )];
    let with = Material { feeds: &other, ..material(&runs, &asker) };
    let text = document::text(&report::document(&with, Lang::En), &Style::plain(100, Lang::En));
    assert!(text.contains("In no range: 203.0.113.12"), "{text}");
    assert_eq!(report::form(&with, Lang::En).map(|form| form.rules.len()), Some(1));
}
