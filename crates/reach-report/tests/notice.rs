//! What people are told: one snapshot for each kind of news and each language, and what holds for all of them.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use common::ip;
use proptest::prelude::*;
use reach_core::{
    Time,
    model::{Diagnosis, ResolutionError, Vantage},
    watch::{courier::Part, *},
};
use reach_report::{
    Lang,
    notice::{Message, Telling, document, message},
};

const SEOUL: i32 = 9 * 3600;
/// 2026-11-22 14:00:03 +09:00.
const BEGAN: Time = Time::from_micros(1_795_323_603_000_000);

fn after(minutes: u64) -> Time {
    BEGAN + Duration::from_secs(60 * minutes)
}

fn vantage() -> Vantage {
    common::case("fcm.googleapis.com:443").vantage
}

fn member(address: &str, reason: Reason) -> Member {
    Member {
        address: ip(address),
        state: AddressState::Down,
        reason,
        since: BEGAN,
        from_birth: false,
        gone: false,
    }
}

fn story() -> Incident {
    Incident {
        id: IncidentId(17),
        subject: Subject::Target(TargetId(1)),
        title: "fcm.googleapis.com:443".to_owned(),
        labels: BTreeMap::from([("team".to_owned(), "push".to_owned())]),
        gravity: Gravity::Degraded,
        worst: Gravity::Degraded,
        phase: Phase::Open,
        began: BEGAN,
        opened: after(1),
        changed: after(1),
        causes: vec![Cause::Addresses],
        members: ["203.0.113.12", "203.0.113.14", "203.0.113.15"]
            .map(|one| member(one, Reason::Timeout))
            .to_vec(),
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
    }
}

fn diagnosed() -> Incident {
    Incident { diagnosis: Some(Box::new(common::story().1)), ..story() }
}

fn over(phase: Phase) -> Incident {
    let members =
        story().members.into_iter().map(|member| Member { state: AddressState::Ok, ..member }).collect();
    Incident { phase, members, causes: Vec::new(), ..diagnosed() }
}

fn part(incident: Incident, seq: u32, minutes: u64, news: News) -> Part {
    let notice = Notice { incident, seq, at: after(minutes), news, rings: true };
    Part { row: None, notice, changes: 0, again: false, instead_of: None }
}

fn assurance(lacking: Vec<Lack>) -> Assurance {
    let addresses: BTreeMap<IpAddr, AddressAssurance> = (11..=18)
        .map(|n| {
            let one =
                AddressAssurance { tries: 360, failures: 0, bound: 0.008_287, new: n == 18, gone: false };
            (ip(&format!("203.0.113.{n}")), one)
        })
        .collect();
    Assurance { from: after(185), until: after(245), addresses, wanted: 0.01, confidence: 0.95, lacking }
}

/// One of each kind.
fn kinds() -> Vec<(&'static str, Vec<Part>)> {
    let recovered = Phase::Recovered { since: after(180), at: after(185) };
    let closed = Phase::Closed { at: after(245), all_clear: true };
    let one = |incident, seq, minutes, news| vec![part(incident, seq, minutes, news)];
    let mut birth = story();
    birth.members = vec![Member { from_birth: true, ..member("203.0.113.99", Reason::Timeout) }];
    let mut gone = diagnosed();
    gone.members[0] = Member { gone: true, state: AddressState::Gone, ..gone.members[0].clone() };
    gone.members[1].state = AddressState::Recovering;
    let mut worse = diagnosed();
    worse.gravity = Gravity::Critical;
    worse.pool = 3;
    let mut taken = diagnosed();
    taken.acknowledged = Some(Acknowledged { by: "김운영".to_owned(), at: after(12) });
    let mut unstable = story();
    unstable.unstable = true;
    unstable.relapses = 4;
    unstable.quiet = Duration::from_secs(1200);
    let offline = Incident {
        subject: Subject::Vantage,
        title: "web01".to_owned(),
        labels: BTreeMap::new(),
        gravity: Gravity::Critical,
        causes: vec![Cause::Offline {
            silent: vec!["10.70.0.1".to_owned(), "10.70.0.53:53".to_owned()],
            near: Vec::new(),
        }],
        members: Vec::new(),
        ..story()
    };
    let unresolved = Incident {
        gravity: Gravity::Critical,
        causes: vec![Cause::Unresolved(ResolutionError::NxDomain)],
        members: Vec::new(),
        diagnosis: Some(Box::new(common::nxdomain().1)),
        ..story()
    };
    let rules = Incident {
        gravity: Gravity::Warning,
        causes: vec![
            Cause::FailureShare {
                failed: 12,
                tries: 286,
                bounds: (0.0242, 0.0719),
                threshold: 0.01,
                last: after(1),
            },
            Cause::Latency {
                measured: Duration::from_millis(840),
                above: Duration::from_millis(500),
                quantile: 0.95,
            },
            Cause::Certificate {
                expires: 1_796_000_000,
                addresses: BTreeSet::from([ip("203.0.113.11")]),
                subject: "CN=fcm.googleapis.com".to_owned(),
            },
            Cause::Disagreement { odd: BTreeSet::from(["10.70.0.54:53".parse().expect("a resolver")]) },
            Cause::Burn { objective: 0.999, rate: 14.4, window: Duration::from_secs(3600) },
        ],
        members: Vec::new(),
        ..story()
    };
    let beyond = Incident {
        causes: vec![Cause::Offline {
            silent: vec!["203.0.113.11:443".to_owned(), "198.51.100.9:443".to_owned()],
            near: vec!["10.70.0.1".to_owned(), "127.0.0.53:53".to_owned()],
        }],
        ..offline.clone()
    };
    let connected = Incident { phase: recovered, causes: Vec::new(), ..offline.clone() };
    // Its window is still bad when its addresses answer again.
    let echo =
        Incident { causes: rules.causes[..1].to_vec(), gravity: Gravity::Degraded, ..over(Phase::Open) };
    let certificate = Incident { causes: rules.causes[2..3].to_vec(), ..rules.clone() };
    let renewed = Incident { phase: recovered, causes: Vec::new(), ..certificate.clone() };
    let mut slept = diagnosed();
    slept.unwatched = Duration::from_secs(9 * 3_600);
    let mut left = over(recovered);
    for member in &mut left.members {
        (member.state, member.gone) = (AddressState::Gone, true);
    }
    let mut again = part(diagnosed(), 5, 40, News::Reminder);
    again.again = true;
    again.changes = 3;
    again.instead_of = Some(InsteadOf {
        channel: "ops".to_owned(),
        trouble: "403 Forbidden: bot was kicked <from> the group".to_owned(),
    });
    let hello = Incident {
        subject: Subject::Vantage,
        title: "web01".to_owned(),
        gravity: Gravity::Notice,
        labels: BTreeMap::new(),
        ..over(closed)
    };
    let lacking = vec![
        Lack::TooFew { address: ip("203.0.113.18"), tries: 120, needed: 299 },
        Lack::Failed { address: ip("203.0.113.12"), failures: 2 },
        Lack::NotWell { address: ip("203.0.113.14"), state: AddressState::Suspect },
        Lack::Unresolved,
        Lack::Gap { seconds: 600 },
    ];
    let digest = (1..=5)
        .map(|n| {
            let incident = Incident { id: IncidentId(n), title: format!("svc{n}.example:443"), ..story() };
            part(incident, 1, 1, News::Opened)
        })
        .collect();
    vec![
        ("opened", one(story(), 1, 1, News::Opened)),
        ("updated", one(diagnosed(), 2, 2, News::Updated)),
        ("blocked-from-birth", one(birth, 1, 1, News::Opened)),
        ("left-dns", one(gone, 3, 20, News::Updated)),
        ("worsened", one(worse, 4, 25, News::Worsened { from: Gravity::Degraded })),
        ("reminder", vec![again]),
        ("acknowledged", one(taken, 6, 12, News::Acknowledged)),
        ("relapsed", one(unstable, 9, 60, News::Relapsed)),
        ("recovered", one(over(recovered), 7, 185, News::Recovered)),
        ("extended", one(over(recovered), 8, 245, News::Extended(assurance(lacking)))),
        ("recovered-without-some", one(left, 8, 185, News::Recovered)),
        ("recovered-but-the-window", one(echo, 8, 182, News::Updated)),
        ("certificate", one(certificate.clone(), 1, 1, News::Opened)),
        ("certificate-and-failures", one(certificate, 2, 4, News::Worsened { from: Gravity::Warning })),
        ("certificate-renewed", one(renewed, 3, 185, News::Recovered)),
        ("slept", one(slept, 3, 600, News::Reminder)),
        ("unclear", one(over(closed), 9, 245, News::Unclear(assurance(vec![Lack::Gap { seconds: 600 }])))),
        ("all-clear", one(over(closed), 9, 245, News::AllClear(assurance(Vec::new())))),
        ("window-ended", one(diagnosed(), 3, 120, News::WindowEnded { held_back: 2 })),
        ("dropped", one(over(closed), 4, 50, News::Dropped)),
        (
            "pool",
            one(
                Incident { gravity: Gravity::Notice, ..over(closed) },
                1,
                5,
                News::Pool {
                    appeared: BTreeSet::from([ip("203.0.113.30"), ip("2001:db8::30")]),
                    vanished: BTreeSet::from([ip("203.0.113.11")]),
                },
            ),
        ),
        ("hello", one(hello, 1, 5, News::Hello { targets: 12, addresses: 96, incidents: 1 })),
        ("offline", one(offline, 1, 1, News::Opened)),
        ("offline-beyond", one(beyond, 1, 1, News::Opened)),
        ("connected", one(connected, 2, 185, News::Recovered)),
        ("unresolved", one(unresolved, 1, 1, News::Opened)),
        ("rules", one(rules, 1, 1, News::Opened)),
        ("digest", digest),
    ]
}

fn told(parts: &[Part], lang: Lang) -> Message {
    message(parts, &Telling { lang, utc_offset_s: SEOUL, vantage: &vantage() })
}

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn every_kind_of_news_reads_well_in_both_languages() {
    settings().bind(|| {
        for lang in Lang::ALL {
            let all: Vec<String> = kinds()
                .iter()
                .map(|(name, parts)| format!("=== {name}\n{}", told(parts, lang).telegram_html(4096)))
                .collect();
            insta::assert_snapshot!(format!("notice-{}", lang.code()), all.join("\n\n"));
        }
    });
}

#[test]
fn other_carriers_get_the_same_in_their_own_form() {
    let parts = &kinds()[1].1;
    let message = told(parts, Lang::En);
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).expect("JSON");
    settings().bind(|| {
        insta::assert_snapshot!("notice-mail", format!("{}\n\n{}", message.summary(), message.body()));
        insta::assert_snapshot!("notice-slack", pretty(&message.slack()));
        insta::assert_snapshot!("notice-teams", pretty(&message.teams()));
        let vantage = vantage();
        let telling = Telling { lang: Lang::En, utc_offset_s: SEOUL, vantage: &vantage };
        insta::assert_snapshot!("notice-json", pretty(&document(parts, &telling)));
    });
}

#[test]
fn what_does_not_fit_is_left_out_whole_and_counted() {
    let mut incident = story();
    incident.members =
        (0..240).map(|n| member(&format!("192.0.2.{n}"), Reason::ALL[n as usize % 10])).collect();
    incident.pool = 240;
    let message = told(&[part(incident, 1, 1, News::Opened)], Lang::En);
    let text = message.telegram_html(900);
    assert!(text.encode_utf16().count() <= 900, "{text}");
    let more = text.lines().find(|line| line.ends_with(" more")).expect("says how many");
    let missing: usize = more.trim_start_matches('+').trim_end_matches(" more").parse().expect("a number");
    let shown = text.matches("192.0.2.").count();
    assert_eq!(shown + missing, 240, "{text}");
    assert!(text.contains("#17·1"), "{text}");
}

#[test]
fn names_from_outside_are_never_markup() {
    let mut incident = diagnosed();
    incident.title = "<script>&\u{1b}[2J\u{202e}*_`.example".to_owned();
    incident.labels = BTreeMap::from([("<b>".to_owned(), "</b>&".to_owned())]);
    incident.acknowledged = Some(Acknowledged { by: "<a href=x>".to_owned(), at: after(3) });
    let message = told(&[part(incident, 2, 2, News::Updated)], Lang::Ko);
    let html = message.telegram_html(4096);
    check_html(&html).unwrap_or_else(|problem| panic!("{problem}: {html}"));
    assert!(!html.contains("<script") && !html.contains("<a") && !html.contains('\u{1b}'), "{html}");
    assert!(!html.contains('\u{202e}') && html.contains("&lt;script&gt;&amp;"), "{html}");
    let slack = message.slack();
    for text in [&slack["text"], &slack["blocks"][1]["text"]["text"]] {
        let text = text.as_str().expect("text");
        assert!(!text.contains('<') && text.contains("&lt;"), "{text}");
    }
}

/// Only the tags used here, each closed in order, and no other `<`, `>` or `&`.
fn check_html(text: &str) -> Result<usize, String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    let mut length = 0;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '<' => {
                let end = rest.find('>').ok_or("a tag without an end")?;
                let tag = &rest[1..end];
                match tag.strip_prefix('/') {
                    Some(name) if open.pop() == Some(name) => {}
                    Some(name) => return Err(format!("</{name}> closes nothing")),
                    None if tag == "b" => open.push("b"),
                    None if tag == "blockquote expandable" => open.push("blockquote"),
                    None => return Err(format!("<{tag}>")),
                }
                end + 1
            }
            '>' => return Err("a bare >".to_owned()),
            '&' => {
                length += 1;
                let entity = ["&amp;", "&lt;", "&gt;"].into_iter().find(|entity| rest.starts_with(entity));
                entity.ok_or("a bare &")?.len()
            }
            c => {
                length += c.len_utf16();
                c.len_utf8()
            }
        };
        rest = &rest[skipped..];
    }
    if open.is_empty() { Ok(length) } else { Err(format!("{open:?} stay open")) }
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[<>&/b\"' a-z]{0,200}", "(<b>|</b>|&amp;|&|<|>|💥|한글){0,80}",]
}

fn diagnoses() -> impl Strategy<Value = Option<Diagnosis>> {
    let all: Vec<Diagnosis> = common::all().into_iter().map(|(_, (_, diagnosis))| diagnosis).collect();
    prop::option::of(prop::sample::select(all))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_long_or_anything_but_valid_markup(
        (title, label, by) in (hostile(), hostile(), hostile()),
        members in 0_u32..400,
        diagnosis in diagnoses(),
        kind in 0_usize..18,
        limit in prop::sample::select(vec![4096_usize, 3000, 1200]),
        korean in any::<bool>(),
    ) {
        let lang = if korean { Lang::Ko } else { Lang::En };
        let (_, mut parts) = kinds().swap_remove(kind);
        for part in &mut parts {
            let incident = &mut part.notice.incident;
            incident.title.clone_from(&title);
            incident.labels.insert(label.clone(), by.clone());
            incident.acknowledged = Some(Acknowledged { by: by.clone(), at: after(3) });
            incident.causes.push(Cause::Addresses);
            incident.pool = members + 3;
            incident.diagnosis = diagnosis.clone().map(Box::new);
            incident.members.extend((0..members).map(|n| {
                let address = format!("2001:db8::{n:x}");
                member(&address, Reason::ALL[n as usize % 10])
            }));
        }
        let message = told(&parts, lang);
        let html = message.telegram_html(limit);
        prop_assert!(html.encode_utf16().count() <= limit);
        let length = check_html(&html);
        prop_assert!(length.is_ok(), "{length:?}: {html}");
        prop_assert!((1..=limit).contains(&length.unwrap_or(0)));
        prop_assert!(message.plain(limit).encode_utf16().count() <= limit);
        let slack = message.slack();
        for block in slack["blocks"].as_array().expect("blocks") {
            let text = block["text"]["text"].as_str().expect("text");
            let most = if block["type"] == "header" { 150 } else { 3000 };
            prop_assert!((1..=most).contains(&text.chars().count()));
        }
        prop_assert!(message.teams().to_string().len() <= 28 * 1024);
        prop_assert!(!message.summary().contains(char::is_control));
    }
}
