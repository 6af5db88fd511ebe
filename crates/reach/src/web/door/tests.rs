use std::net::Ipv4Addr;

use reach_core::watch::Order;

use super::{body::LARGEST_BODY, settings::TokenHash, *};
use crate::{
    control,
    web::tests::stage::{Stage, hash, stage, staged},
};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const JSON: &str = "Content-Type: application/json\r\n";

fn people() -> String {
    let hash = hash();
    format!(
        "user = [{{ name = \"kim\", password = \"{hash}\", role = \"operator\" }}, {{ name = \"lee\", password = \"{hash}\" }}]\n\
         token = [{{ name = \"prometheus\", hash = \"{}\" }}, {{ name = \"deploy\", hash = \"{}\", role = \"operator\" }}]\n",
        TokenHash::of("reach_look"),
        TokenHash::of("reach_do"),
    )
}

fn orders(stage: &Stage) -> Vec<(Order, String)> {
    let asked = stage.asked.lock().expect("unharmed");
    let order = |(request, who): &(control::Request, String)| match request {
        control::Request::Order { order } => Some((order.clone(), who.clone())),
        _ => None,
    };
    asked.iter().filter_map(order).collect()
}

#[test]
fn what_nobody_named_needs_somebody_and_changes_nothing() {
    let needs = |method: &str, path: &str| needs(&method.parse().expect("a method"), path);
    assert_eq!(needs("GET", "/healthz"), Needs::Nothing);
    assert_eq!(needs("HEAD", "/login"), Needs::Nothing);
    assert_eq!(needs("GET", "/metrics"), Needs::Scrape);
    for path in
        ["/", "/targets/1", "/api/v1/status", "/healthz/", "/Healthz", "//healthz", "/assets", "/loginx", "*"]
    {
        assert_eq!(needs("GET", path), Needs::Look, "{path}");
    }
    assert_eq!(needs("GET", "/api/v1/audit"), Needs::Audit);
    for path in ["/do/acknowledge", "/api/v1/silences"] {
        assert_eq!(needs("POST", path), Needs::Operate, "{path}");
    }
    assert_eq!(needs("DELETE", "/api/v1/silences/1"), Needs::Operate);
    for (method, path) in [
        ("POST", "/"),
        ("POST", "/metrics"),
        ("PUT", "/do/x"),
        ("DELETE", "/do/x"),
        ("POST", "/scouter/a/alert"),
    ] {
        assert_eq!(needs(method, path), Needs::Never, "{method} {path}");
    }
}

#[tokio::test]
async fn elsewhere_nobody_comes_in_unknown() {
    let stage = stage(&people(), ELSEWHERE).await;
    for path in ["/", "/metrics", "/probe?target=192.0.2.7", "/api/v1/status", "/api/v1/session", "/nowhere"]
    {
        let told = stage.get(path, "").await;
        assert_eq!(told.status, 401, "{path}: {told:?}");
        assert!(told.all("www-authenticate")[0].starts_with("Bearer"), "{told:?}");
    }
    let style = reach_report::page::assets::style().path();
    for path in ["/healthz", "/-/healthy", &style, "/login"] {
        let told = stage.get(path, "").await;
        assert!(told.status == 200 || told.status == 503 && path == "/healthz", "{path}: {told:?}");
    }
    let said = stage.get("/api/v1/status", "").await.json();
    assert_eq!(said["error"]["code"], "unauthorized");
    for wrong in [
        "Authorization: Bearer reach_wrong\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Negotiate x\r\n",
        "Cookie: reach=x\r\n",
        "X-Remote-User: kim\r\n",
        "X-Forwarded-For: 127.0.0.1\r\n",
    ] {
        assert_eq!(stage.get("/metrics", wrong).await.status, 401, "{wrong}");
    }
    let page = stage.get("/targets/7?tab=a", "Accept: text/html\r\n").await;
    assert_eq!(
        (page.status, page.one("location")),
        (303, Some("/login?to=%2Ftargets%2F7%3Ftab%3Da")),
        "{page:?}"
    );
    let posted = stage.ask("POST", "/api/v1/incidents/1/acknowledge", JSON, "{}").await;
    assert_eq!(posted.status, 401);
    assert!(orders(&stage).is_empty());
}

#[tokio::test]
async fn nobody_at_all_is_let_in_where_nobody_is_known() {
    let stage = stage("", ELSEWHERE).await;
    assert_eq!(stage.get("/", "Accept: text/html\r\n").await.status, 401);
    assert_eq!(stage.get("/metrics", "").await.status, 401);
    assert_eq!(stage.get("/login", "").await.status, 404);
}

#[tokio::test]
async fn tokens_and_passwords_let_programs_in_as_far_as_they_may() {
    let stage = stage(&people(), ELSEWHERE).await;
    let look = "Authorization: Bearer reach_look\r\n";
    assert_eq!(stage.get("/metrics", look).await.status, 200);
    assert_eq!(stage.get("/api/v1/session", look).await.json()["name"], "prometheus");
    assert_eq!(stage.get("/api/v1/audit", look).await.status, 403);
    let wish = |headers: &str| format!("{JSON}{headers}");
    let path = "/api/v1/incidents/1/acknowledge";
    assert_eq!(stage.ask("POST", path, &wish(look), "{}").await.status, 403);
    let told = stage.ask("POST", path, &wish("Authorization: Bearer reach_do\r\n"), "{}").await;
    assert_eq!(told.status, 200, "a token needs no form of ours: {told:?}");
    let done = orders(&stage);
    assert!(matches!(&done[..], [(Order::Acknowledge { by, .. }, who)] if by == "deploy" && who == "deploy"));
    let basic =
        |pair: &str| format!("Authorization: Basic {}\r\n", crate::blackbox::base64::encode(pair.as_bytes()));
    assert_eq!(stage.get("/metrics", &basic("lee:correct horse")).await.status, 200);
    assert_eq!(stage.get("/metrics", &basic("lee:wrong")).await.status, 401);
    assert_eq!(stage.get("/metrics", &basic("nobody:correct horse")).await.status, 401);
    let sent = stage.ask("POST", path, &wish(&basic("kim:correct horse")), "{}").await;
    assert_eq!(sent.json()["error"]["code"], "csrf", "browsers send passwords by themselves");
}

#[tokio::test]
async fn a_network_that_may_scrape_may_do_nothing_else() {
    let stage = stage("scrape_from = [\"127.0.0.0/8\"]\n", ELSEWHERE).await;
    assert_eq!(stage.get("/metrics", "").await.status, 200);
    assert_eq!(
        stage.get("/probe?target=192.0.2.7:80&module=tcp_connect", "").await.status,
        403,
        "not allowed"
    );
    assert_eq!(stage.get("/api/v1/status", "").await.status, 401);
    assert_eq!(stage.get("/", "").await.status, 401);
    let notes = stage.notes();
    assert!(
        notes.iter().any(|(who, did)| who == "scraper 127.0.0.1" && did.contains("\"allowed\":false")),
        "{notes:?}"
    );
}

#[tokio::test]
async fn people_log_in_act_in_their_name_and_leave() {
    let stage = stage(&people(), ELSEWHERE).await;
    let (cookie, csrf) = stage.log_in("kim", "correct horse").await;
    assert_eq!(stage.get("/", &cookie).await.status, 200);
    let path = "/api/v1/incidents/7/acknowledge";
    let token = format!("X-Csrf-Token: {csrf}\r\n");
    assert_eq!(stage.ask("POST", path, &format!("{JSON}{cookie}"), "{}").await.status, 403);
    let foreign = format!("{JSON}{cookie}{token}Origin: https://evil.example\r\n");
    assert_eq!(stage.ask("POST", path, &foreign, "{}").await.status, 403);
    let crossed = format!("{JSON}{cookie}{token}Sec-Fetch-Site: cross-site\r\n");
    assert_eq!(stage.ask("POST", path, &crossed, "{}").await.status, 403);
    assert!(orders(&stage).is_empty());
    let told = stage.ask("POST", path, &format!("{JSON}{cookie}{token}"), "{}").await;
    assert_eq!(told.status, 200, "{told:?}");
    assert!(matches!(&orders(&stage)[..], [(_, who)] if who == "kim"));

    let (viewer, csrf) = stage.log_in("lee", "correct horse").await;
    let told = stage.ask("POST", path, &format!("{JSON}{viewer}X-Csrf-Token: {csrf}\r\n"), "{}").await;
    assert_eq!(told.json()["error"]["code"], "forbidden");
    assert_eq!(stage.send("/logout", &viewer, &[]).await.status, 403, "without a token");
    let left = stage.send("/logout", &viewer, &[("csrf", &csrf)]).await;
    assert_eq!((left.status, left.one("location")), (303, Some("/login")), "{left:?}");
    assert_eq!(stage.get("/api/v1/session", &viewer).await.status, 401, "the number means nothing any more");
    assert_eq!(stage.get("/", &cookie).await.status, 200, "the other one stays");
    let notes: Vec<String> = stage.notes().into_iter().map(|(who, did)| format!("{who} {did}")).collect();
    for part in ["kim {\"login\"", "lee {\"login\"", "lee {\"logout\""] {
        assert!(notes.iter().any(|note| note.starts_with(part)), "{part}: {notes:?}");
    }
}

#[tokio::test]
async fn a_login_needs_a_form_of_ours_and_tells_nobody_who_exists() {
    let stage = stage(&people(), ELSEWHERE).await;
    let unbound =
        stage.send("/login", "", &[("user", "kim"), ("password", "correct horse"), ("csrf", "x")]).await;
    assert_eq!((unbound.status, unbound.all("set-cookie").len()), (403, 1), "{unbound:?}");
    let form = stage.get("/login", "").await;
    let csrf = form.field("csrf");
    let other = stage.get("/login", "").await;
    let mixed = format!("Cookie: {}\r\n", other.cookies());
    let told = stage
        .send("/login", &mixed, &[("user", "kim"), ("password", "correct horse"), ("csrf", &csrf)])
        .await;
    assert_eq!(told.status, 403);
    let foreign = format!("Cookie: {}\r\nOrigin: https://evil.example\r\n", form.cookies());
    let told = stage
        .send("/login", &foreign, &[("user", "kim"), ("password", "correct horse"), ("csrf", &csrf)])
        .await;
    assert_eq!(told.status, 403);
    let wrong = stage.try_log_in("kim", "wrong", "").await;
    let nobody = stage.try_log_in("nobody", "wrong", "").await;
    assert_eq!((wrong.status, nobody.status), (401, 401));
    let without = |body: &str, name: &str, csrf: &str| body.replace(name, "").replace(csrf, "");
    assert_eq!(
        without(&wrong.body, "kim", &wrong.field("csrf")),
        without(&nobody.body, "nobody", &nobody.field("csrf"))
    );
    assert!(wrong.cookies().starts_with("reach-login="), "no session: {wrong:?}");
    let told = stage.ask("POST", "/login", JSON, "{}").await;
    assert_eq!(told.status, 415);
}

#[tokio::test]
async fn whoever_guesses_has_to_wait_and_is_written_down() {
    let stage = stage(&people(), ELSEWHERE).await;
    for _ in 0..8 {
        assert_eq!(stage.try_log_in("kim", "guess", "").await.status, 401);
    }
    let told = stage.try_log_in("kim", "correct horse", "").await;
    assert_eq!(told.status, 429, "even with what would be right");
    assert!(told.one("retry-after").is_some_and(|after| after.parse::<u64>().is_ok()), "{told:?}");
    let notes = stage.notes();
    assert!(notes.iter().any(|(who, did)| who == "kim" && did.contains("login_refused")), "{notes:?}");
    assert!(!format!("{notes:?}").contains("guess"), "no password is written down");
}

#[tokio::test]
async fn a_cookie_is_new_at_each_login_and_ends_with_the_password() {
    let stage = stage(&people(), ELSEWHERE).await;
    let (first, _) = stage.log_in("kim", "correct horse").await;
    let form = stage.get("/login?to=%2Fincidents%2F1", "").await;
    let both = format!("{}; {}\r\n", first.trim_end(), form.cookies());
    let fields = [
        ("user", "kim"),
        ("password", "correct horse"),
        ("csrf", &form.field("csrf")),
        ("to", &form.field("to")),
    ];
    let again = stage.send("/login", &both, &fields).await;
    assert_eq!((again.status, again.one("location")), (303, Some("/incidents/1")), "{again:?}");
    let set = again.all("set-cookie");
    assert!(
        set[0].contains("HttpOnly") && set[0].contains("SameSite=Lax") && set[0].contains("Path=/"),
        "{set:?}"
    );
    assert_eq!(stage.get("/", &first).await.status, 401, "the number of before is over");
    let second = format!("Cookie: {}\r\n", again.cookies());
    assert_eq!(stage.get("/", &second).await.status, 200);
    let others = people().replace("\"kim\"", "\"park\"");
    stage.state.replace_people(&toml::from_str(&others).expect("settings")).expect("right");
    assert_eq!(stage.get("/", &second).await.status, 401, "who is not there any more is out");
    let broken = "user = [{ name = \"kim\", password = \"x\" }]";
    assert!(stage.state.replace_people(&toml::from_str(broken).expect("settings")).is_err());
    assert_eq!(stage.try_log_in("park", "correct horse", "").await.status, 303);
}

#[tokio::test]
async fn on_loopback_no_page_of_a_stranger_changes_anything() {
    let stage = stage("", HERE).await;
    let path = "/api/v1/incidents/1/acknowledge";
    assert_eq!(stage.get("/", "").await.status, 200);
    assert_eq!(stage.get("/metrics", "Authorization: Bearer anything\r\n").await.status, 200);
    let session = stage.get("/api/v1/session", "").await.json();
    assert_eq!((session["name"].as_str(), session["role"].as_str()), (Some("local"), Some("operator")));
    let csrf = session["csrf"].as_str().expect("a token");
    for (headers, form) in [
        (JSON.to_owned(), false),
        (format!("{JSON}X-Csrf-Token: wrong\r\n"), false),
        (format!("{JSON}X-Csrf-Token: {csrf}\r\nOrigin: https://evil.example\r\n"), false),
        (format!("{JSON}X-Csrf-Token: {csrf}\r\nOrigin: null\r\n"), false),
        (format!("{JSON}X-Csrf-Token: {csrf}\r\nSec-Fetch-Site: cross-site\r\n"), false),
        (format!("{JSON}X-Csrf-Token: {csrf}\r\nHost: evil.example\r\n"), false),
        (String::new(), true),
    ] {
        let told = if form {
            stage.send("/do/anything", &headers, &[("csrf", "wrong")]).await
        } else {
            stage.ask("POST", path, &headers, "{}").await
        };
        assert!(matches!(told.status, 403 | 421), "{headers}: {told:?}");
    }
    assert!(orders(&stage).is_empty());
    let told = stage.ask("POST", path, &format!("{JSON}X-Csrf-Token: {csrf}\r\n"), "{}").await;
    assert_eq!(told.status, 200, "{told:?}");
    let told = stage.send("/do/anything", "", &[("csrf", csrf)]).await;
    assert_eq!(told.status, 404, "a form of ours comes through to what is not there: {told:?}");
    let forwarded = stage.get("/", "X-Forwarded-For: 203.0.113.9\r\n").await;
    assert_eq!(forwarded.status, 403, "somebody put a proxy before it: {forwarded:?}");
    let alert = stage.get("/scouter/alert?level=1", "X-Forwarded-For: 203.0.113.9\r\n").await;
    assert_eq!(alert.status, 403, "who comes by way of this host is not this host");
}

#[tokio::test]
async fn a_proxy_is_believed_and_nobody_else_is() {
    let proxy = "[proxy]\nfrom = [\"127.0.0.1\"]\nuser_header = \"X-Remote-User\"\nrole_header = \"X-Groups\"\n\
                 roles = { netops = \"operator\" }\n";
    let stage = stage(proxy, HERE).await;
    assert_eq!(stage.get("/", "").await.status, 401, "whoever the proxy does not name");
    let named = "X-Remote-User: kim\r\nX-Groups: staff, netops\r\nX-Forwarded-For: 203.0.113.9\r\n";
    let session = stage.get("/api/v1/session", named).await.json();
    assert_eq!((session["name"].as_str(), session["role"].as_str()), (Some("kim"), Some("operator")));
    let csrf = session["csrf"].as_str().expect("a token");
    let path = "/api/v1/incidents/1/acknowledge";
    let wish = format!("{JSON}{named}X-Forwarded-Host: reach.example\r\nOrigin: https://reach.example\r\n");
    assert_eq!(stage.ask("POST", path, &wish, "{}").await.status, 403, "the proxy does not vouch for pages");
    let told = stage.ask("POST", path, &format!("{wish}X-Csrf-Token: {csrf}\r\n"), "{}").await;
    assert_eq!(told.status, 200, "{told:?}");
    let twice = "X-Remote-User: kim\r\nX-Remote-User: root\r\n";
    assert_eq!(stage.get("/api/v1/session", twice).await.status, 401);
    assert_eq!(stage.get("/api/v1/session", "X-Remote-User: a:b\r\n").await.status, 401);

    let elsewhere = stage_of_another_proxy().await;
    let told = elsewhere.get("/api/v1/session", named).await;
    assert_eq!(told.status, 401, "the headers of others mean nothing: {told:?}");
}

async fn stage_of_another_proxy() -> Stage {
    stage("[proxy]\nfrom = [\"192.0.2.80\"]\nuser_header = \"X-Remote-User\"\n", ELSEWHERE).await
}

#[tokio::test]
async fn behind_a_proxy_guesses_count_for_who_makes_them_and_cookies_are_for_tls() {
    let stage = stage(&format!("{}[proxy]\nfrom = [\"127.0.0.1\"]\n", people()), HERE).await;
    let from = |last: u8| format!("X-Forwarded-For: 198.51.100.{last}\r\nX-Forwarded-Proto: https\r\n");
    for _ in 0..8 {
        assert_eq!(stage.try_log_in("nobody", "guess", &from(1)).await.status, 401);
    }
    assert_eq!(stage.try_log_in("lee", "correct horse", &from(1)).await.status, 429);
    let done = stage.try_log_in("lee", "correct horse", &from(2)).await;
    assert_eq!(done.status, 303, "{done:?}");
    let set = done.all("set-cookie")[0];
    assert!(set.starts_with("__Host-reach=") && set.contains("; Secure"), "{set}");
    assert!(stage.notes().iter().any(|(_, did)| did.contains("198.51.100.2")), "{:?}", stage.notes());
}

#[tokio::test]
async fn links_of_other_sites_lead_to_pages_and_to_nothing_else() {
    let stage = stage("", HERE).await;
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let image = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n";
    assert_eq!(stage.get("/incidents/1", link).await.status, 404, "not refused");
    let behind = self::stage(&people(), ELSEWHERE).await;
    let asked = format!("{link}Accept: text/html\r\n");
    assert_eq!(behind.get("/incidents/1", &asked).await.status, 303);
    assert_eq!(behind.get("/login?to=%2Fincidents%2F1", &asked).await.status, 200, "the form is on the way");
    for path in ["/probe?target=x", "/metrics", "/api/v1/status"] {
        assert_eq!(stage.get(path, link).await.status, 403, "{path}");
    }
    assert_eq!(stage.get("/incidents/1", image).await.status, 403);
}

#[tokio::test]
async fn bodies_are_bounded_and_every_answer_is_dressed() {
    let stage = stage(&people(), ELSEWHERE).await;
    let large = "x".repeat(LARGEST_BODY + 1);
    let headers = format!("{JSON}Authorization: Bearer reach_do\r\n");
    let told = stage.ask("POST", "/api/v1/silences", &headers, &large).await;
    assert_eq!(told.status, 413, "{}", told.head);
    for told in
        [told, stage.get("/", "").await, stage.get("/login", "").await, stage.get("/healthz", "").await]
    {
        for (name, part) in [
            ("content-security-policy", "script-src 'self'"),
            ("content-security-policy", "frame-ancestors 'none'"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=()"),
            ("cache-control", "no-store"),
        ] {
            assert!(told.one(name).is_some_and(|value| value.contains(part)), "{name}: {}", told.head);
        }
        assert_eq!(told.one("strict-transport-security"), None);
        assert_eq!(told.one("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn browsers_are_told_to_insist_on_tls_only_where_somebody_signed() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let own = settings::TlsSettings { self_signed: true, ..Default::default() };
    for (settings, insists) in [(tls::tests::signed(&directory), true), (own, false)] {
        let tls =
            Tls::open(&settings, &directory.path().join("reach.db"), vec!["box".to_owned()]).expect("made");
        let door = Door::new(
            &toml::from_str(&people()).expect("settings"),
            SocketAddr::from((ELSEWHERE, 9732)),
            Some(Arc::new(tls)),
            Asking::nobody(),
        );
        let mut response = ().into_response();
        door.unwrap_or_else(|problems| panic!("{problems:?}")).dress("/", &mut response);
        assert_eq!(response.headers().contains_key(header::STRICT_TRANSPORT_SECURITY), insists);
    }
}

#[tokio::test]
async fn assets_are_kept_where_they_say_so() {
    let door = Door::new(&HttpSettings::default(), SocketAddr::from((HERE, 9732)), None, Asking::nobody());
    let door = door.unwrap_or_else(|problems| panic!("{problems:?}"));
    let kept = |path: &str, status: StatusCode| {
        let immutable = [(header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
        let mut response = (status, immutable).into_response();
        door.dress(path, &mut response);
        response.headers()[header::CACHE_CONTROL].to_str().expect("text").contains("immutable")
    };
    assert!(kept("/assets/page-0a1b.js", StatusCode::OK));
    assert!(!kept("/assets/page-0a1b.js", StatusCode::NOT_FOUND));
    assert!(!kept("/api/v1/status", StatusCode::OK));
}

#[tokio::test]
async fn who_speaks_no_tls_is_told_where_to_ask() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let settings = settings::TlsSettings { self_signed: true, ..Default::default() };
    let names = tls::own_names("box", &[], HERE.into());
    let tls = Tls::open(&settings, &directory.path().join("reach.db"), names).expect("made");
    let stage = staged(&people(), ELSEWHERE, Default::default(), None, Some(Arc::new(tls))).await;
    let told = stage.get("/targets?x=1", "").await;
    assert_eq!(told.status, 308, "{told:?}");
    assert_eq!(told.one("location"), Some(format!("https://{}/targets?x=1", stage.address).as_str()));
    assert_eq!(stage.ask("POST", "/login", "", "x").await.status, 400);
    assert_eq!(stage.get("/", "Host: a b\r\n").await.status, 400);
}
