use std::collections::BTreeMap;

use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;
use reach_core::{
    Time,
    model::{State, Verdict},
    watch::{
        AddressState, AddressStatus, Cause, ChannelStatus, Gravity, Incident, IncidentId, Layer, LayerStatus,
        Matcher, Member, Phase, Reason, Remark, Remembered, Series, Silence, SilenceId, Status, Subject,
        TargetId, TargetStatus,
    },
};

use super::*;
use crate::{
    watch::IncidentRecord,
    words::samples::{case, diagnosis},
};

/// 2026-11-23 09:00:00 UTC.
const NOW: Time = Time::from_micros(1_795_424_400_000_000);

fn before(seconds: u64) -> Time {
    Time::from_micros(NOW.as_micros() - seconds * 1_000_000)
}

fn voice(lang: Lang) -> Voice {
    Voice { lang, zone: TimeZone::fixed(Offset::constant(9)) }
}

fn frame<'a>(voice: &'a Voice, asker: &'a Asker, place: Place) -> Frame<'a> {
    Frame {
        voice,
        now: NOW,
        vantage: "edge-3",
        place,
        path: "/target/1?from=-1h",
        asker,
        theme: Theme::Auto,
        incidents: 1,
        said: None,
        live: Some("overview".to_owned()),
    }
}

fn operator() -> Asker {
    Asker { name: "kim".to_owned(), csrf: "t0ken".to_owned(), acts: true, may_leave: true }
}

fn address(last: u8, state: AddressState) -> AddressStatus {
    let failed = u64::from(state == AddressState::Down) * 30;
    let layer = LayerStatus {
        tries: 100,
        failures: if failed > 0 { BTreeMap::from([(Reason::Timeout, failed)]) } else { BTreeMap::new() },
        last: NOW,
        last_rtt: Some(std::time::Duration::from_micros(8_400)),
        ..LayerStatus::default()
    };
    AddressStatus {
        remembered: Remembered {
            series: Series { target: TargetId(1), address: [192, 0, 2, last].into() },
            health: if state == AddressState::Gone { AddressState::Ok } else { state },
            since: before(600 * u64::from(last)),
            reason: (state == AddressState::Down).then_some(Reason::Timeout),
            first_seen: before(90_000),
            last_given: NOW,
            ttl_s: 60,
            resolvers: ["192.0.2.53:53".parse().expect("an address")].into(),
            gone_since: (state == AddressState::Gone).then(|| before(60)),
            last_ok: None,
            certificate_expires: Some(NOW.as_secs() as i64 + 86_400 * 3),
        },
        layers: BTreeMap::from([(Layer::Connect, Box::new(layer))]),
    }
}

/// A watch whose texts from outside are all this one.
fn status(text: &str) -> Status {
    use AddressState as S;
    let states = [S::Ok, S::Suspect, S::Down, S::Recovering, S::Gone, S::Unknown];
    let addresses = states.into_iter().zip(1..).map(|(state, last)| address(last, state)).collect();
    let target = TargetStatus {
        id: TargetId(1),
        target: text.to_owned(),
        host: text.to_owned(),
        port: 443,
        labels: BTreeMap::from([("team".to_owned(), text.to_owned())]),
        addresses,
        ..TargetStatus::default()
    };
    let well = TargetStatus {
        id: TargetId(2),
        target: "well.example:443".to_owned(),
        addresses: vec![address(9, S::Ok)],
        ..TargetStatus::default()
    };
    let mut status = Status { at: NOW, started: before(7_200), online: Some(false), ..Status::default() };
    status.targets = vec![target, well];
    status.incidents = vec![incident(text)];
    status.silences = vec![silence(text)];
    let broken = ChannelStatus {
        broken_since: Some(before(60)),
        trouble: Some(text.to_owned()),
        ..ChannelStatus::default()
    };
    status.channels.insert(text.to_owned(), broken);
    status.store.stuck_since = Some(before(30));
    status.store.trouble = Some(text.to_owned());
    status.store.lost_samples = 1_234;
    status
}

fn silence(text: &str) -> Silence {
    Silence {
        id: SilenceId(1),
        matcher: Matcher { target: Some(text.to_owned()), ..Matcher::default() },
        from: before(60),
        until: NOW + std::time::Duration::from_secs(60),
        author: text.to_owned(),
        comment: text.to_owned(),
        maintenance: false,
    }
}

fn incident(text: &str) -> Incident {
    Incident {
        id: IncidentId(3),
        subject: Subject::Target(TargetId(1)),
        title: text.to_owned(),
        labels: BTreeMap::from([(text.to_owned(), text.to_owned())]),
        gravity: Gravity::Degraded,
        worst: Gravity::Critical,
        phase: Phase::Open,
        began: before(1_800),
        opened: before(1_770),
        changed: before(60),
        causes: vec![Cause::Addresses, Cause::Offline { silent: vec![text.to_owned()], near: Vec::new() }],
        members: vec![Member {
            address: [192, 0, 2, 3].into(),
            state: AddressState::Down,
            reason: Reason::Timeout,
            since: before(1_800),
            from_birth: true,
            gone: false,
        }],
        pool: 6,
        acknowledged: None,
        muted_until: None,
        unstable: false,
        quiet: std::time::Duration::from_secs(300),
        relapses: 0,
        unwatched: std::time::Duration::from_secs(90),
        ending: None,
        notices: 1,
        rang: Vec::new(),
        remarks: vec![Remark { at: before(900), by: text.to_owned(), text: text.to_owned() }],
        diagnosis: None,
        clocks: Default::default(),
    }
}

/// Every page that foreign text comes to.
fn pages(text: &str, lang: Lang) -> Vec<(&'static str, String)> {
    let (voice, asker, status) = (voice(lang), operator(), status(text));
    let frame = |place| Frame { vantage: text, ..frame(&voice, &asker, place) };
    let said = Said { done: false, text: text.to_owned() };
    let target = &status.targets[0];
    let (mut case, diagnosis) = (case(), diagnosis(Verdict::Filtered));
    case.vantage.host = text.to_owned();
    let survey = reach_core::watch::Examination {
        target: TargetId(1),
        case: case.clone(),
        observations: Vec::new(),
        finished: before(60),
        diagnosis: diagnosis.clone(),
    };
    let view = TargetView {
        status: &status,
        target,
        range: Range::read("-1h", "", NOW, &voice),
        layer: Layer::Connect,
        address: None,
        plots: None,
        survey: Some(&survey),
        incidents: &status.incidents,
    };
    let record = IncidentRecord {
        incident: status.incidents[0].clone(),
        transitions: Vec::new(),
        messages: Vec::new(),
        evidence: Vec::new(),
    };
    let list =
        List { incidents: &status.incidents, closed: true, target: Some((TargetId(1), text)), before: None };
    let query = Query { text: text.to_owned(), ..Query::default() };
    vec![
        ("overview", overview(&frame(Place::Overview), &status, &BTreeMap::new(), &Query::default())),
        ("search", overview(&frame(Place::Overview), &status, &BTreeMap::new(), &query)),
        ("target", super::target(&frame(Place::Target), &view)),
        ("incident", super::incident(&Frame { said: Some(said), ..frame(Place::Incidents) }, &record)),
        ("incidents", super::incidents(&frame(Place::Incidents), &list)),
        ("silences", super::silences(&frame(Place::Silences), &status.silences, text)),
        (
            "file",
            file(&[(case.clone(), diagnosis.clone()), (case, diagnosis)], NOW, "1.2.3", lang, 9 * 3_600),
        ),
    ]
}

/// One tag a line, and without what is the same everywhere.
fn lines(page: &str) -> String {
    let main = page.find("<main").map_or(page, |from| &page[from..]);
    let main = main.find("</main>").map_or(main, |until| &main[..until]);
    main.replace("><", ">\n<")
}

#[test]
fn pages_say_the_same_in_both_languages() {
    for lang in Lang::ALL {
        for (name, page) in pages("push.example:443", lang) {
            insta::assert_snapshot!(format!("{name}-{}", lang.code()), lines(&page));
        }
    }
}

#[test]
fn a_page_has_what_it_takes_to_be_read_aloud() {
    for (name, page) in pages("push.example:443", Lang::Ko) {
        assert_eq!(page.matches("<main").count(), 1, "{name}");
        assert_eq!(page.matches("<h1").count().min(1), 1, "{name}");
        assert!(page.contains("<html lang=\"ko\"") && page.contains("<title>"), "{name}");
        assert!(page.contains("class=\"skip\" href=\"#main\""), "{name}");
        let heads = page.matches("<th ").count() + page.matches("<th>").count();
        assert_eq!(heads, page.matches("scope=\"").count(), "{name}");
        for control in page.split("<input ").skip(1) {
            let control = control.split('>').next().unwrap_or_default();
            let hidden = control.contains("type=\"hidden\"");
            let id =
                control.split("id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            assert!(hidden || page.contains(&format!("for=\"{id}\"")), "{name}: {control}");
        }
    }
}

#[test]
fn no_id_is_given_twice() {
    for (name, page) in pages("push.example:443", Lang::En) {
        let mut ids: Vec<&str> =
            page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}");
    }
}

#[test]
fn pages_that_are_served_have_neither_style_nor_script_inside() {
    for (name, page) in pages("push.example:443", Lang::En).into_iter().filter(|(name, _)| *name != "file") {
        assert!(
            !page.contains(" style=") && !page.contains("<style") && !page.contains("javascript:"),
            "{name}"
        );
        assert_eq!(page.matches("<script").count(), 1, "{name}");
        assert!(page.contains(&format!("src=\"{}\"", assets::script().path())), "{name}");
    }
}

#[test]
fn a_file_fetches_nothing() {
    let (_, page) =
        pages("push.example:443", Lang::En).into_iter().find(|(name, _)| *name == "file").expect("there");
    for fetches in [" src=", "<link", "http://", "@import"] {
        let found = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(fetches), "{fetches}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn whoever_may_only_look_sees_no_forms() {
    let (voice, asker) = (voice(Lang::En), Asker { name: "lee".to_owned(), ..Asker::default() });
    let status = status("push.example:443");
    let page = silences(&frame(&voice, &asker, Place::Silences), &status.silences, "");
    assert!(!page.contains("<form method=\"post\""), "{page}");
}

#[test]
fn fragments_have_the_ids_that_they_replace() {
    let (status, voice) = (status("push.example:443"), voice(Lang::En));
    let row = overview_row(&status, &status.targets[0], &Glance::of(&status.targets[0]), &voice);
    assert!(row.starts_with("<tr id=\"t1\""), "{row}");
    assert!(summary_strip(&status, &voice).contains("id=\"summary\""));
    assert!(target_head(&status, &status.targets[0], &voice).contains("id=\"head\""));
    assert!(incident_head(&status.incidents[0], NOW, &voice).contains("id=\"head\""));
}

#[test]
fn a_search_takes_words_addresses_and_labels() {
    let status = status("push.example:443");
    let found = |text: &str, state: &str| {
        let query = Query { text: text.to_owned(), state: state.to_owned(), ..Query::default() };
        let (voice, asker) = (voice(Lang::En), operator());
        let page = overview(&frame(&voice, &asker, Place::Overview), &status, &BTreeMap::new(), &query);
        page.matches("<tr id=\"t").count()
    };
    assert_eq!(found("", ""), 2);
    assert_eq!(found("PUSH", ""), 1);
    assert_eq!(found("192.0.2.3", ""), 1);
    assert_eq!(found("team=push*", ""), 1);
    assert_eq!(found("team=other", ""), 0);
    assert_eq!(found("example well", ""), 1);
    assert_eq!(found("", "ok"), 1);
    assert_eq!(found("", "partly"), 1);
}

#[test]
fn a_diagnosis_of_every_verdict_has_a_page() {
    for lang in Lang::ALL {
        for verdict in Verdict::ALL {
            let page = file(&[(case(), diagnosis(verdict))], NOW, "1.2.3", lang, 0);
            assert!(page.contains("class=\"conclusion\""), "{verdict:?}");
        }
    }
    assert_ne!(diagnosis(Verdict::Ok).state, State::Unresolved);
}

/// How often each kind of mark of HTML is there.
fn marks(page: &str) -> [usize; 5] {
    ["<", ">", "\"", "=\"", "</"].map(|mark| page.matches(mark).count())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn foreign_text_adds_neither_tag_nor_attribute(text in "[\\PC<>\"'&= /\u{202e}\u{0}\n-]{1,24}") {
        // A text of the same kind without anything that HTML knows: the same branches are taken.
        let plain: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { 'x' }).collect();
        for ((name, page), (_, other)) in pages(&text, Lang::En).into_iter().zip(pages(&plain, Lang::En)) {
            if name != "search" {
                prop_assert_eq!(marks(&page), marks(&other), "{}", name);
            }
            prop_assert!(!page.contains('\u{202e}') && !page.contains('\0'), "{}", name);
        }
    }
}

#[test]
fn a_value_takes_the_place_of_the_one_before() {
    assert_eq!(with("/?q=a&lang=en", "lang", "ko"), "/?q=a&lang=ko");
    assert_eq!(with("/target/1", "from", "-3h"), "/target/1?from=-3h");
    assert_eq!(with("/?lang=en", "lang", ""), "/");
}
