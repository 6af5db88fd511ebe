//! The page and its interface as strangers, people and programs meet them: the real binary, over TLS and without.

#[path = "door/contract.rs"]
mod contract;
#[path = "door/place.rs"]
mod place;

use std::{fs, process::Command};

use place::{Place, REACH, password};
use serde_json::Value;

#[test]
fn over_tls_people_log_in_and_programs_show_tokens() {
    let place = Place::new();
    let token = place.command(&["config", "token", "prometheus"]).output().expect("it runs");
    let token = String::from_utf8(token.stdout).expect("UTF-8");
    let (token, lines) = token.split_once("\n\n").expect("a token and its lines");
    let port = place.configure(&format!(
        "[http.tls]\nself_signed = true\n[[http.user]]\nname = 'kim'\nrole = 'operator'\n{}\n{lines}",
        password("correct horse")
    ));
    let watch = place.watch();
    let client = place.trusting_client(&watch);
    let url = |path: &str| format!("https://127.0.0.1:{port}{path}");

    let refused = client.get(url("/api/v1/status")).send().expect("an answer");
    assert_eq!(refused.status(), 401);
    assert!(!refused.headers().contains_key("strict-transport-security"), "nobody signed it");
    let metrics = client.get(url("/metrics")).bearer_auth(token).send().expect("an answer");
    assert_eq!(metrics.status(), 200);
    assert!(metrics.text().expect("text").contains("reach_build_info"));
    assert_eq!(client.get(url("/healthz")).send().expect("an answer").status(), 200);

    let form = client.get(url("/login")).header("accept-language", "ko").send().expect("an answer");
    let cookie = |response: &reqwest::blocking::Response| {
        let set = response.headers().get("set-cookie").and_then(|set| set.to_str().ok()).expect("a cookie");
        assert!(
            set.starts_with("__Host-reach") && set.contains("; Secure; ") || set.ends_with("; Secure"),
            "{set}"
        );
        set.split(';').next().expect("a pair").to_owned()
    };
    let bound = cookie(&form);
    let page = form.text().expect("text");
    assert!(page.contains("비밀번호"), "{page}");
    let csrf = page
        .split_once("name=\"csrf\" value=\"")
        .and_then(|(_, rest)| rest.split('"').next())
        .expect("a form");
    let body = format!("user=kim&password=correct+horse&to=%2Fapi%2Fv1%2Fsession&csrf={csrf}");
    let sent = client
        .post(url("/login"))
        .header("cookie", bound)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", format!("https://127.0.0.1:{port}"))
        .body(body)
        .send()
        .expect("an answer");
    assert_eq!(
        (sent.status().as_u16(), sent.headers()["location"].to_str().ok()),
        (303, Some("/api/v1/session"))
    );
    let session = cookie(&sent);
    let get = |path: &str| client.get(url(path)).header("cookie", &session).send().expect("an answer");
    let who: Value = serde_json::from_str(&get("/api/v1/session").text().expect("text")).expect("JSON");
    assert_eq!((who["name"].as_str(), who["role"].as_str()), (Some("kim"), Some("operator")));
    let audit = place::until("the audit", || {
        let text = get("/api/v1/audit").text().expect("text");
        text.contains("\"login\"").then_some(text)
    });
    assert!(audit.contains("\"by\":\"kim\""), "{audit}");

    let plain = client.get(format!("http://127.0.0.1:{port}/x")).send().expect("an answer");
    assert_eq!(
        (plain.status().as_u16(), plain.headers()["location"].to_str().ok()),
        (308, Some(url("/x").as_str()))
    );
    let log = watch.log();
    assert!(log.contains("TLS certificate") && log.contains("sha256="), "{log}");
    for secret in ["correct", "argon2id", token, csrf, &session] {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
}

#[test]
fn whoever_is_taken_out_of_the_configuration_is_out_without_a_restart() {
    let place = Place::new();
    let operator = |name: &str| {
        let made = place.command(&["config", "token", name, "--role", "operator"]).output().expect("it runs");
        let text = String::from_utf8(made.stdout).expect("UTF-8");
        let (token, lines) = text.split_once("\n\n").expect("a token and its lines");
        (token.to_owned(), lines.to_owned())
    };
    let ((old, old_lines), (new, new_lines)) = (operator("old"), operator("new"));
    let port = place.configure(&old_lines);
    let watch = place.watch();
    let client = place.client();
    let status = |token: &str| {
        let url = format!("http://127.0.0.1:{port}/api/v1/session");
        client.get(url).bearer_auth(token).send().ok().map(|answer| answer.status().as_u16())
    };
    place::until("an answer", || (status(&old) == Some(200)).then_some(()));
    assert_eq!(status(&new), Some(401));
    place.configure_at(port, &new_lines);
    watch.hang_up();
    place::until("the other token", || (status(&new) == Some(200)).then_some(()));
    assert_eq!(status(&old), Some(401));
}

#[test]
fn what_is_open_to_all_is_refused_before_anything_begins() {
    let place = Place::new();
    fs::write(place.config(), "[[target]]\ntarget = '127.0.0.1:9'\n[http]\nlisten = '0.0.0.0:9732'\n")
        .expect("written");
    for command in [&["config", "check"][..], &["watch", "--config"]] {
        let done = place.command(command).arg(place.config()).output().expect("it runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{command:?}: {said}");
        assert!(said.contains("reach.toml:4:") && said.contains("[[http.user]]"), "{command:?}: {said}");
    }
    let done =
        place.command(&["watch", "127.0.0.1:9", "--listen", "192.0.2.1:9732"]).output().expect("it runs");
    assert_eq!(done.status.code(), Some(2), "{done:?}");
}

#[test]
fn a_password_is_read_from_standard_input_and_only_its_hash_is_told() {
    let line = password("correct horse battery");
    assert!(line.starts_with("password = \"$argon2id$v=19$"), "{line}");
    assert!(!line.contains("horse") && line.matches('\n').count() == 1, "{line}");
    assert_ne!(line, password("correct horse battery"), "each has a salt of its own");
    let short = place::password_output("short");
    assert_eq!(short.status.code(), Some(2), "{short:?}");
    assert!(short.stdout.is_empty());
    let named = Command::new(REACH).args(["config", "token", "a:b"]).output().expect("it runs");
    assert_eq!(named.status.code(), Some(2), "{named:?}");
}
