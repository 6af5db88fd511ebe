use std::{net::Ipv4Addr, sync::Mutex};

use axum::{body::Body, extract::Request};
use http_body_util::BodyExt;
use jiff::tz::TimeZone;
use reach_core::{
    model::Vantage,
    watch::{IncidentId, Order, SilenceId, Status},
};
use reach_net::{
    drive::{Clock, Network},
    trust::TrustRoots,
};
use reach_report::Lang;
use reach_store::Reader;
use tempfile::TempDir;
use tower::ServiceExt;

use super::{
    super::{
        Beside, Settings,
        door::{Role, Who},
        inside, router,
        settings::{HttpSettings, ProbeSettings},
    },
    stock::{Stock, fill, recent},
    *,
};
use crate::{
    blackbox::{Bench, Modules, Roots},
    control::{
        Answer, Asking,
        protocol::{Refusal, Request as Asked},
    },
    recording,
};

/// A watch with a past, and what it was asked.
struct Watch {
    _directory: TempDir,
    state: WebState,
    asked: std::sync::Arc<Mutex<Vec<(Asked, String)>>>,
}

fn founding() -> (reach_core::model::Case, Vec<reach_core::model::Observation>) {
    let bytes = include_bytes!("../../../tests/recordings/founding.jsonl").to_vec();
    recording::read(bytes).expect("a recording").examined.remove(0)
}

fn watch(targets: u32) -> Watch {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::start();
    let stock = Stock { targets, days: 1 };
    let (reader, status) = fill(&directory.path().join("watch.db"), clock.now(), &stock, founding());
    let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
    let heard = std::sync::Arc::clone(&asked);
    let asking = Asking::new(move |request, who| {
        let refused = matches!(&request, Asked::Order { order: Order::Expire { silence: SilenceId(9), .. } });
        heard.lock().expect("nobody panicked").push((request, who));
        async move {
            if refused { Answer::refused(Refusal::NotFound, "there is no silence 9") } else { Answer::DONE }
        }
    });
    let beside = Beside { recent: recent(&status), ..Beside::default() };
    Watch { _directory: directory, state: state(status, beside, Some(reader), asking, clock), asked }
}

fn state(status: Status, beside: Beside, reader: Option<Reader>, asking: Asking, clock: Clock) -> WebState {
    let local = (Ipv4Addr::LOCALHOST, 9115).into();
    let (http, probe) = (HttpSettings::default(), ProbeSettings::default());
    let network = Network::new(TrustRoots::from_certificates([], "none"));
    let policy = WebState::policy(local, &probe);
    let bench = Bench::new(network, &Vantage::default(), Roots::of(Vec::new()), policy);
    let zone = TimeZone::get("Asia/Seoul").expect("a zone");
    let settings = Settings {
        http: &http,
        probe: &probe,
        local,
        vantage: "edge-3",
        lang: Lang::En,
        zone,
        reader,
        asking,
        requester: Default::default(),
        beside: tokio::sync::watch::channel(std::sync::Arc::new(beside)).1,
        tls: None,
    };
    let (_, receiver) = tokio::sync::watch::channel(std::sync::Arc::new(status));
    WebState::new(&settings, receiver, clock, bench, Modules::usual()).expect("a service")
}

/// Status, headers and text of an answer.
async fn asked(state: &WebState, request: Request) -> (StatusCode, axum::http::HeaderMap, String) {
    // Who does something is who the test says, and not who the door knows.
    let is_said = request.method() == "POST" || request.extensions().get::<Who>().is_some();
    let answers = if is_said { inside().with_state(state.clone()) } else { router(state.clone()) };
    let response = answers.oneshot(request).await.expect("answers");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
}

async fn get_with(
    state: &WebState,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, axum::http::HeaderMap, String) {
    let mut request = Request::builder().uri(path).header("host", "localhost:9115");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    asked(state, request.body(Body::empty()).expect("a request")).await
}

async fn get(state: &WebState, path: &str) -> String {
    let (status, _, text) = get_with(state, path, &[]).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    text
}

async fn post(
    state: &WebState,
    path: &str,
    form: &str,
    who: Option<Who>,
) -> (StatusCode, axum::http::HeaderMap, String) {
    let mut request = Request::builder()
        .method("POST")
        .uri(path)
        .header("host", "localhost:9115")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .expect("a request");
    let local =
        || Who { name: "local".to_owned(), role: Role::Operator, csrf: String::new(), may_leave: false };
    request.extensions_mut().insert(who.unwrap_or_else(local));
    asked(state, request).await
}

fn value<'a>(headers: &'a axum::http::HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn every_page_answers_in_both_languages() {
    let watch = watch(8);
    for (path, english, korean) in [
        ("/", "Targets", "대상"),
        ("/target/1", "Failures by address and time", "IP 주소별 시간대별 실패"),
        ("/target/1?from=-1h&layer=exchange", "Findings", "진단 결과"),
        ("/incident/2", "Time line", "시간순 기록"),
        ("/incidents?closed=1", "Closed ones too", "종료된 장애 포함"),
        ("/silences", "New silence", "새 알림 중지"),
    ] {
        let page = get(&watch.state, path).await;
        assert!(page.contains("<html lang=\"en\"") && page.contains(english), "{path}: {page}");
        let (_, headers, page) = get_with(&watch.state, path, &[("accept-language", "ko-KR,en;q=0.5")]).await;
        assert!(page.contains("<html lang=\"ko\"") && page.contains(korean), "{path}: {page}");
        assert!(value(&headers, "content-security-policy").contains("script-src 'self'"));
        assert!(
            !page.contains(" style=\"") && !page.contains("<style") && !page.contains("onclick"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn language_and_colours_are_remembered() {
    let watch = watch(2);
    let (_, headers, page) = get_with(&watch.state, "/?lang=ko", &[]).await;
    assert!(page.contains("<html lang=\"ko\""), "{page}");
    assert!(value(&headers, "set-cookie").starts_with("reach_lang=ko; Path=/; Max-Age="));
    let cookies = [("cookie", "reach_lang=ko; reach_theme=dark"), ("accept-language", "en")];
    let (_, _, page) = get_with(&watch.state, "/", &cookies).await;
    assert!(page.contains("<html lang=\"ko\" data-theme=\"dark\""), "{page}");
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_so() {
    let watch = watch(2);
    for path in ["/target/99", "/target/x", "/incident/99", "/assets/page-0.css", "/nowhere"] {
        let (status, ..) = get_with(&watch.state, path, &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn assets_may_be_kept_for_good() {
    let watch = watch(2);
    let page = get(&watch.state, "/").await;
    for asset in assets::all() {
        assert!(page.contains(&asset.path()), "{}", asset.name());
        let (status, headers, text) = get_with(&watch.state, &asset.path(), &[]).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, asset.text));
        assert!(value(&headers, "cache-control").contains("immutable"), "{headers:?}");
    }
}

#[tokio::test]
async fn the_overview_is_searched_and_paged() {
    let watch = watch(130);
    let first = get(&watch.state, "/").await;
    assert!(first.contains("1–100 of 130") && first.matches("<tr id=\"t").count() == 100, "{first}");
    let second = get(&watch.state, "/?page=2").await;
    assert_eq!(second.matches("<tr id=\"t").count(), 30);
    // What suffers comes first.
    let (worst, well) = (first.find("id=\"t2\""), first.find("id=\"t10\""));
    assert!(worst.is_some() && worst < well, "{worst:?} {well:?}");
    let found = get(&watch.state, "/?q=api-77").await;
    assert_eq!(found.matches("<tr id=\"t").count(), 1);
    let labelled = get(&watch.state, "/?q=team%3Dpush&sort=name").await;
    assert_eq!(labelled.matches("<tr id=\"t").count(), 43);
    let down = get(&watch.state, "/?state=down").await;
    assert_eq!(down.matches("<tr id=\"t").count(), 2);
}

#[tokio::test]
async fn a_target_shows_the_block_and_who_to_ask() {
    let watch = watch(2);
    let page = get(&watch.state, "/target/1").await;
    for said in
        ["filtered", "To the network team:", "198.51.101.6", "class=\"chart\"", "Show as a table", "#2"]
    {
        assert!(page.contains(said), "{said}");
    }
    let one = get(&watch.state, "/target/1?address=198.51.101.6&from=-24h").await;
    assert!(one.contains("aria-current=\"true\">24 h</a>"), "{one}");
}

#[tokio::test]
async fn an_incident_tells_what_happened_and_what_was_said() {
    let watch = watch(4);
    let page = get(&watch.state, "/incident/2").await;
    for said in
        ["acknowledged by kim", "&lt;b&gt;#4711&lt;/b&gt;", "550 5.7.1 relaying denied", "report.pdf?lang=en"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test]
async fn orders_are_given_in_the_name_of_whoever_asks() {
    let watch = watch(4);
    let forms = [
        ("/do/acknowledge", "incident=3&back=/incident/3"),
        ("/do/mute", "incident=3&for=2h&back=/incident/3"),
        ("/do/note", "incident=3&text=%EB%B3%B4%EB%83%84&back=/incident/3"),
        ("/do/silence", "target=api-*&labels=team%3Dpush&for=1h&comment=x&back=/silences"),
        ("/do/expire", "silence=1&back=/silences"),
        ("/do/examine", "target=1&back=/target/1"),
    ];
    for (path, form) in forms {
        let (status, headers, _) = post(&watch.state, path, &format!("{form}&csrf="), None).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}");
        let back = form.rsplit("back=").next().expect("a path");
        assert_eq!(value(&headers, "location"), back);
        assert!(value(&headers, "set-cookie").starts_with("reach_said=1"), "{path}: {headers:?}");
    }
    let asked = watch.asked.lock().expect("nobody panicked");
    assert_eq!(asked.len(), forms.len());
    assert!(asked.iter().all(|(_, who)| who == "local"));
    let Asked::Order { order: Order::Acknowledge { incident, by } } = &asked[0].0 else {
        panic!("{asked:?}")
    };
    assert_eq!((*incident, by.as_str()), (IncidentId(3), "local"));
    let Asked::Order { order: Order::Silence(silence) } = &asked[3].0 else { panic!("{asked:?}") };
    assert_eq!(silence.matcher.target.as_deref(), Some("api-*"));
    assert_eq!(silence.matcher.labels["team"], "push");
}

#[tokio::test]
async fn what_was_done_is_said_once() {
    let watch = watch(4);
    let (_, headers, _) = post(&watch.state, "/do/acknowledge", "incident=3&back=/&csrf=", None).await;
    let cookie = value(&headers, "set-cookie").split(';').next().unwrap_or_default().to_owned();
    let (_, headers, page) = get_with(&watch.state, "/", &[("cookie", &cookie)]).await;
    assert!(page.contains("incident #3 is acknowledged"), "{page}");
    assert!(value(&headers, "set-cookie").starts_with("reach_said=; "), "{headers:?}");
}

#[tokio::test]
async fn nobody_does_what_he_may_not_or_did_not_mean() {
    let watch = watch(4);
    let who =
        |role, csrf: &str| Some(Who { name: "lee".to_owned(), role, csrf: csrf.to_owned(), may_leave: true });
    for (path, form, who) in [
        ("/do/acknowledge", "incident=3&csrf=t", who(Role::Viewer, "t")),
        ("/do/acknowledge", "incident=3&csrf=other", who(Role::Operator, "t")),
        ("/do/acknowledge", "incident=x", None),
        ("/do/mute", "incident=3&for=soon", None),
        ("/do/mute", "incident=3&for=400d", None),
        ("/do/note", "incident=3&text=%20", None),
        ("/do/silence", "for=1h&comment=everything", None),
        ("/do/silence", "for=1h&network=203.0.113.0%2F40", None),
        ("/do/silence", "for=1h&labels=team", None),
        ("/do/expire", "silence=", None),
    ] {
        let (status, headers, _) = post(&watch.state, path, form, who).await;
        assert_eq!((status, value(&headers, "location")), (StatusCode::SEE_OTHER, "/"), "{path} {form}");
        assert!(value(&headers, "set-cookie").starts_with("reach_said=0"), "{path} {form}: {headers:?}");
    }
    assert_eq!(watch.asked.lock().expect("nobody panicked").len(), 0);
    let (_, headers, _) = post(&watch.state, "/do/expire", "silence=9&back=//evil.example", None).await;
    assert_eq!(value(&headers, "location"), "/");
    assert!(value(&headers, "set-cookie").starts_with("reach_said=0"));
    let (status, ..) = get_with(&watch.state, "/do/expire", &[]).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn who_may_only_look_sees_no_forms() {
    let watch = watch(4);
    for path in ["/target/1", "/incident/2", "/silences"] {
        let mut request =
            Request::builder().uri(path).header("host", "localhost").body(Body::empty()).expect("a request");
        let who = Who { name: "lee".to_owned(), role: Role::Viewer, csrf: "t".to_owned(), may_leave: true };
        request.extensions_mut().insert(who);
        let (_, _, page) = asked(&watch.state, request).await;
        assert!(!page.contains("action=\"/do/") && page.contains("action=\"/logout\""), "{path}");
    }
}

#[tokio::test]
async fn a_link_in_a_message_leads_to_a_page_and_to_nothing_that_acts() {
    let watch = watch(2);
    let follows =
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    for (path, status) in [("/incident/2", 200), ("/target/1", 200), ("/probe?target=127.0.0.1:1", 403)] {
        let (answered, ..) = get_with(&watch.state, path, &follows).await;
        assert_eq!(answered.as_u16(), status, "{path}");
    }
    let embeds = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
    assert_eq!(get_with(&watch.state, "/incident/2", &embeds).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_watch_without_a_memory_has_pages_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::start();
    let stock = Stock { targets: 4, days: 1 };
    let (_, status) = fill(&directory.path().join("watch.db"), clock.now(), &stock, founding());
    let state = state(status, Beside::default(), None, Asking::nobody(), clock);
    for path in ["/", "/target/1", "/incident/2", "/incidents", "/silences"] {
        get(&state, path).await;
    }
    assert_eq!(get_with(&state, "/incident/1", &[]).await.0, StatusCode::NOT_FOUND);
    let (_, headers, _) = post(&state, "/do/examine", "target=1", None).await;
    assert!(value(&headers, "set-cookie").starts_with("reach_said=0"));
}
