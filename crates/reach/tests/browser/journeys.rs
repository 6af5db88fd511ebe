//! What people do with it.

use std::{fs, os::unix::fs::PermissionsExt, thread};

use reach_core::model::Target;
use reach_lab::{Effect, Fault, Lab, Tool, isolated, story};
use serde_json::json;
use tokio::runtime;

use super::{
    company::{Rights, reach},
    door_place::password,
    driver::{Browser, missing},
    past,
    place::{LONG, Place, until},
};

const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];
const PORT: u16 = 9732;

/// Foreign text, as an attacker would have it.
const HOSTILE: &str = "<img src=x onerror=document.title='broken'>";

/// What the page is seen in.
const LANGUAGES: [&str; 2] = ["en", "ko"];

/// Tells why nothing can be tested here, if so.
fn skipped() -> bool {
    let missing = missing();
    if let Some(missing) = missing {
        println!("SKIPPED the page in a browser: {missing} is not installed");
    }
    missing.is_some()
}

/// The story, a watch with a year behind it, and a browser in front of it, all in a network of their own.
fn play(scheme: &str, more: &str, journey: impl AsyncFnOnce(&Browser, &Stage<'_>) + Send + Sync + Copy) {
    if skipped() {
        return;
    }
    isolated(TOOLS, || {
        let mut description = story::founding();
        description.faults.clear();
        let lab = Lab::build(&description).expect("a lab");
        let place = Place::new(PORT);
        let target: Target = story::NAME.parse().expect("what is first");
        past::remember(&place.store(), &target.text);
        open_to_all(&place);
        // Neighbours: one listener answers at all addresses of loopback.
        let listener = lab.client().within(|| std::net::TcpListener::bind("0.0.0.0:7999").expect("a port"));
        thread::spawn(move || {
            for stream in listener.incoming() {
                drop(stream)
            }
        });
        let neighbours: String = (1..=40)
            .map(|last| {
                format!("[[target]]\ntarget = '127.0.1.{last}:7999'\nlabels = {{ note = \"{HOSTILE}\" }}\n")
            })
            .collect();
        place.configure(&format!(
            "vantage = \"{HOSTILE}\"\n[defaults]\nevery = '200ms'\ntimeout = '500ms'\nresolve_every = '2s'\n\
             exchange_every = '5s'\nopen_after = '1s'\nwell_after = '2s'\nrecovered_after = '2s'\n\
             labels = {{ team = 'push' }}\n[[target]]\ntarget = '{}'\n{neighbours}{more}",
            story::NAME
        ));
        fs::set_permissions(place.config(), fs::Permissions::from_mode(0o644)).expect("readable");
        let command =
            place.at_home(reach(&lab, Rights::None)).args(["watch", "--config"]).arg(place.config());
        let mut watch = command.env("LC_ALL", "C.UTF-8").spawn().expect("it starts");
        let stage = Stage { lab: &lab, place: &place, scheme };
        lab.client().within(|| {
            until("a page", LONG, || {
                assert!(!watch.has_ended(), "{}", watch.stderr_so_far());
                place.get("/healthz")
            });
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let browser = Browser::start().await;
                journey(&browser, &stage).await;
                browser.close().await;
            });
        });
        let log = watch.stderr_so_far();
        assert!(!watch.has_ended() && !log.contains("panicked"), "{log}");
    });
}

/// What a journey can do besides looking.
struct Stage<'a> {
    lab: &'a Lab,
    place: &'a Place,
    scheme: &'a str,
}

impl Stage<'_> {
    fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{PORT}{path}", self.scheme)
    }
}

/// A page in both languages, light and dark, on a desk and in a hand: nothing sticks out, nothing is in the way of
/// people who do not see it, nothing foreign runs.
async fn look(browser: &Browser, stage: &Stage<'_>, name: &str, path: &str) {
    for lang in LANGUAGES {
        for (width, dark) in [(1280, false), (1280, true), (360, false)] {
            browser.resize(width, 900).await;
            browser.dark(dark).await;
            let divider = if path.contains('?') { '&' } else { '?' };
            browser.open(&stage.url(&format!("{path}{divider}lang={lang}"))).await;
            assert_eq!(browser.script("return document.documentElement.lang").await, json!(lang));
            let name = format!("{name}-{lang}-{width}{}", if dark { "-dark" } else { "" });
            browser.shot(&name).await;
            browser.fits(&name).await;
            browser.accessible(&name).await;
            sound(browser, &name).await;
        }
    }
    browser.resize(1280, 900).await;
    browser.dark(false).await;
    browser.open(&stage.url("/?lang=en")).await;
}

/// Nothing foreign ran, and nothing of ours failed.
async fn sound(browser: &Browser, name: &str) {
    assert_ne!(browser.script("return document.title").await, json!("broken"), "{name}");
    let foreign =
        browser.script("return document.querySelectorAll('img, iframe, object, embed').length").await;
    assert_eq!(foreign, json!(0), "{name}");
    assert_eq!(browser.complaints().await, Vec::<String>::new(), "{name}");
}

#[test]
fn an_operator_follows_an_outage_from_the_overview_to_its_end() {
    play("http", "", async |browser, stage| {
        browser.open(&stage.url("/?lang=en")).await;
        browser.reads(story::NAME).await;
        browser.until("eight addresses that work", WELL).await;
        browser.script("window.sameDocument = true").await;
        let blocked = &story::BLOCKED[..2];
        let fault = blocked.iter().fold(Fault::at("fw", Effect::DropEarly), |rule, one| rule.address(one));
        let rule = stage.lab.impose(&fault).expect("a rule");
        browser
            .until("the outage, without asking again", "return !!document.querySelector('#t1 .badge.partly')")
            .await;
        assert_eq!(browser.script("return window.sameDocument").await, json!(true));
        look(browser, stage, "overview", "/").await;

        browser.click("#t1 a").await;
        browser.reads("203.0.113.12").await;
        let incident = until("an incident", LONG, || {
            let (_, body) = stage.place.get("/api/v1/incidents")?;
            let found: serde_json::Value = serde_json::from_str(&body).ok()?;
            found["incidents"][0]["id"].as_u64()
        });
        // The survey that belongs to it takes some seconds.
        until("a diagnosis", LONG, || {
            let (_, body) = stage.place.get(&format!("/api/v1/incidents/{incident}"))?;
            let found: serde_json::Value = serde_json::from_str(&body).ok()?;
            (!found["evidence"].as_array()?.is_empty()).then_some(())
        });
        look(browser, stage, "target", "/target/1").await;
        look(browser, stage, "target-month", "/target/1?from=-31d&to=now").await;
        look(browser, stage, "target-year", "/target/1?from=-365d&to=now").await;

        let page = format!("/incident/{incident}");
        look(browser, stage, "incident", &page).await;
        browser.open(&stage.url(&format!("{page}?lang=en"))).await;
        browser.click("form[action='/do/acknowledge'] button").await;
        browser.reads("acknowledged by").await;
        browser
            .fill("form[action='/do/note'] [name=text]", &format!("asked the firewall team {HOSTILE}"))
            .await;
        browser.click("form[action='/do/note'] button").await;
        browser.reads("asked the firewall team <img").await;
        look(browser, stage, "incident-noted", &page).await;

        browser.open(&stage.url("/silences?lang=en")).await;
        browser.fill("form[action='/do/silence'] [name=target]", "127.0.1.*").await;
        browser.fill("form[action='/do/silence'] [name=comment]", HOSTILE).await;
        browser.click("form[action='/do/silence'] button").await;
        browser.until("a silence", "return !!document.querySelector(\"form[action='/do/expire']\")").await;
        look(browser, stage, "silences", "/silences").await;
        browser.open(&stage.url("/silences?lang=en")).await;
        browser.click("form[action='/do/expire'] button").await;
        browser.until("no silence", "return !document.querySelector(\"form[action='/do/expire']\")").await;
        look(browser, stage, "incidents", "/incidents").await;
        look(browser, stage, "signals", "/signals").await;

        keys(browser, stage).await;
        browser.open(&stage.url("/?lang=en")).await;
        browser.script("window.sameDocument = true").await;
        stage.lab.lift(rule).expect("it was there");
        browser.until("all is well, without asking again", WELL).await;
        assert_eq!(browser.script("return window.sameDocument").await, json!(true));
    });
}

#[test]
fn people_sign_in_over_tls_and_whoever_only_looks_has_no_buttons() {
    if skipped() {
        return;
    }
    let user = |name: &str, role: &str| {
        format!("[[http.user]]\nname = '{name}'\nrole = '{role}'\n{}", password("correct horse"))
    };
    let users =
        format!("[http.tls]\nself_signed = true\n{}{}", user("kim", "operator"), user("lee", "viewer"));
    play("https", &users, async |browser, stage| {
        look(browser, stage, "login", "/login").await;
        browser.open(&stage.url("/silences?lang=en")).await;
        browser.until("the form", "return location.pathname === '/login'").await;
        sign_in(browser, "lee", "battery staple").await;
        browser.find("[role=alert]").await;
        browser.shot("login-refused").await;
        // That it was refused.
        assert_eq!(browser.complaints().await.len(), 1);
        sign_in(browser, "lee", "correct horse").await;
        browser.until("the page that was asked for", "return location.pathname === '/silences'").await;
        assert_eq!(browser.script(ACTS).await, json!(0));
        browser.click("form[action='/logout'] button").await;
        browser.until("the form", "return location.pathname === '/login'").await;
        browser.open(&stage.url("/silences?lang=en")).await;
        sign_in(browser, "kim", "correct horse").await;
        browser.until("the page that was asked for", "return location.pathname === '/silences'").await;
        assert_ne!(browser.script(ACTS).await, json!(0));
        browser.open(&stage.url("/")).await;
        browser.until("eight addresses that work, as they come", WELL).await;
        sound(browser, "signed in").await;
    });
}

/// How many forms there are that do something.
const ACTS: &str = "return document.querySelectorAll(\"form[action^='/do/']\").length";

async fn sign_in(browser: &Browser, user: &str, password: &str) {
    browser.fill("#user", user).await;
    browser.fill("#password", password).await;
    browser.click("form[action='/login'] button").await;
}

const WELL: &str = "return !!document.querySelector('#t1 .badge.good')";

/// Everything is reached without a mouse.
async fn keys(browser: &Browser, stage: &Stage<'_>) {
    browser.open(&stage.url("/?lang=en")).await;
    browser.until("the script", "return !document.querySelector('#help-open').hidden").await;
    browser.press("?").await;
    browser.until("the keys", "return document.querySelector('#help').open").await;
    browser.press("\u{e00c}").await;
    browser.until("the keys gone", "return !document.querySelector('#help').open").await;
    browser.press("/").await;
    browser.until("the search", "return document.activeElement.name === 'q'").await;
    browser.press("fcm").await;
    browser
        .until(
            "the others gone",
            "return [...document.querySelectorAll('tr[id^=t]')].filter(r => r.offsetParent).length === 1",
        )
        .await;
    browser.open(&stage.url("/?lang=en")).await;
    browser.press("gi").await;
    browser.until("the incidents", "return location.pathname === '/incidents'").await;
    browser.press("go").await;
    browser.until("the overview", "return location.pathname === '/'").await;
    browser.press("j").await;
    browser.press("\u{e007}").await;
    browser.until("a target", "return /^\\/(target|incident)\\//.test(location.pathname)").await;
}

/// Whoever watches is not who wrote the past.
fn open_to_all(place: &Place) {
    let directory = place.store().parent().expect("in a directory").to_owned();
    for file in fs::read_dir(directory).expect("ours") {
        let path = file.expect("ours").path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("ours");
    }
}
