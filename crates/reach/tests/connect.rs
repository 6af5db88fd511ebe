//! `reach connect` with servers, proxies and terminals made by the tests, on loopback.

#![forbid(unsafe_code)]

#[path = "connect/proxies.rs"]
mod proxies;
#[path = "connect/relays.rs"]
mod relays;
#[path = "connect/servers.rs"]
mod servers;
#[path = "connect/session.rs"]
mod session;
#[path = "connect/starttls.rs"]
mod starttls;

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    process::{Command, Output, Stdio},
};

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;

use self::servers::{Authority, abort, hold, serve};

#[test]
fn an_open_port_is_told_with_what_it_says_and_a_closed_one_with_its_reset() {
    let open = serve(|mut stream| {
        let _ = stream.write_all("SSH-2.0-\u{1b}[2J한글\r\n".as_bytes());
        hold(stream);
    });
    let done = reach(&["connect", &open.to_string()]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let text = stdout(&done);
    assert!(text.contains(&format!("{open}: connected, RTT ")), "{text}");
    assert!(text.contains("It said: SSH-2.0-\\u{1b}[2J한글\n"), "{text}");

    let closed = closed_port();
    let done = reach(&["connect", &closed.ip().to_string(), &closed.port().to_string()]);
    assert_eq!(done.status.code(), Some(1));
    let text = stdout(&done);
    assert!(text.contains("refused: RST in answer to the SYN"), "{text}");
    assert!(text.ends_with(&format!("reach check {closed}\n")), "{text}");
    let korean = stdout(&reach(&["connect", &closed.to_string(), "--lang", "ko"]));
    assert!(korean.contains("연결 거부"), "{korean}");
}

#[test]
fn the_document_has_every_try_with_its_facts() {
    let open = serve(|mut stream| {
        let _ = stream.write_all(b"220 hi\r\n");
        hold(stream);
    });
    let closed = closed_port();
    let arguments =
        ["connect", &open.to_string(), &closed.to_string(), "--json", "--repeat", "3", "--every", "10ms"];
    let done = reach(&arguments);
    assert_eq!(done.status.code(), Some(1));
    let document = json_of(&done);
    assert_eq!(document["schema"], "reach.connect/1");
    let [good, bad] = [0, 1].map(|target| document["targets"][target].clone());
    assert_eq!((&good["state"], &bad["state"]), (&"reachable".into(), &"unreachable".into()));
    assert_eq!(good["way"]["kind"], "direct");
    let row = &good["endpoints"][0];
    assert_eq!((&row["address"], &row["outcome"]), (&"127.0.0.1".into(), &"connected".into()));
    assert_eq!((&row["tries"], &row["succeeded"]), (&3.into(), &3.into()));
    assert!(row["rtt_ms"]["min"].as_f64() <= row["rtt_ms"]["max"].as_f64());
    let tries = row["attempts"].as_array().expect("tries");
    assert_eq!(tries.len(), 3);
    assert!(tries.iter().all(|one| one["banner"] == "220 hi" && one["syns"] == 1), "{tries:?}");
    let row = &bad["endpoints"][0];
    assert_eq!((&row["outcome"], &row["succeeded"]), (&"refused".into(), &0.into()));
    assert!(row["rtt_ms"].is_null() && row["share"] == 0.0);
}

#[test]
fn a_row_of_tries_is_told_line_by_line_and_summed_up() {
    let open = serve(hold);
    let done = reach(&["connect", &open.to_string(), "--repeat", "2", "--every", "20ms", "--listen", "0"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let text = stdout(&done);
    assert!(text.contains("#1  127.0.0.1  connected") && text.contains("#2  127.0.0.1  connected"), "{text}");
    assert!(text.contains("2/2, 100 %") && text.contains("connected 2"), "{text}");
}

#[test]
fn a_server_that_hangs_up_without_a_word_is_no_success() {
    let closing = serve(drop);
    let resetting = serve(abort);
    for (address, words) in
        [(closing, "closed by the other side without a word"), (resetting, "reset without a word")]
    {
        let done = reach(&["connect", &address.to_string()]);
        assert_eq!(done.status.code(), Some(1));
        assert!(stdout(&done).contains(words), "{}", stdout(&done));
    }
}

#[test]
fn tls_is_told_with_version_certificate_and_trust() {
    let authority = Authority::new();
    let server = authority.serve_tls(&["db.example"], hold);
    let arguments = ["connect", &server.to_string(), "--tls", "--server-name", "db.example"];
    let done = reach_with(&arguments, |command| command.env("SSL_CERT_FILE", authority.file()));
    assert_eq!(done.status.code(), Some(0), "{}{}", stdout(&done), stderr(&done));
    let text = stdout(&done);
    for part in ["TLSv1.3", "issued by CN=the authority", "days left", "trusted"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Nobody vouches for it without that file, and it is for another name.
    let strangers = Authority::new();
    let done =
        reach_with(&["connect", &server.to_string(), "--tls", "--server-name", "x.example"], |command| {
            command.env("SSL_CERT_FILE", strangers.file())
        });
    assert_eq!(done.status.code(), Some(1));
    let text = stdout(&done);
    for part in ["certificate is not trusted", "not trusted by this machine", "does not cover the name"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn what_is_not_tls_is_shown() {
    let server = serve(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-x\r\n");
        hold(stream);
    });
    let done = reach(&["connect", &server.to_string(), "--tls", "--json"]);
    assert_eq!(done.status.code(), Some(1));
    let row = &json_of(&done)["targets"][0]["endpoints"][0];
    assert_eq!(
        (&row["outcome"], &row["attempts"][0]["tls"]["ended"]),
        (&"tls-failed".into(), &"not-tls".into())
    );
}

#[test]
fn a_url_gets_a_request_and_a_port_does_not() {
    let server = serve(|stream| servers::respond(stream, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"));
    let done = reach_with(&["connect", &format!("http://{server}/x"), "--json"], without_proxies);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(json_of(&done)["targets"][0]["endpoints"][0]["attempts"][0]["http"]["status"], 503);
    let quiet = serve(hold);
    let done = reach(&["connect", &quiet.to_string(), "--listen", "50ms", "--json"]);
    let one = &json_of(&done)["targets"][0]["endpoints"][0]["attempts"][0];
    assert!(one["http"].is_null() && one["after"] == "quiet", "{one}");
}

#[test]
fn an_address_takes_the_place_of_what_the_name_resolves_to() {
    let server = serve(hold);
    let port = server.port();
    let target = format!("db.example:{port}");
    let done = reach(&["connect", &target, "--address", "127.0.0.1", "--listen", "0"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert!(stdout(&done).starts_with(&format!("{target} [127.0.0.1]: connected")), "{}", stdout(&done));
}

#[test]
fn the_source_port_can_be_chosen() {
    let server = serve(hold);
    let source = closed_port().port();
    let arguments =
        ["connect", &server.to_string(), "--source-port", &source.to_string(), "--listen", "0", "--json"];
    let document = json_of(&reach(&arguments));
    let found = &document["targets"][0]["endpoints"][0]["attempts"][0]["source"];
    assert_eq!(found, &format!("127.0.0.1:{source}").as_str());
}

#[test]
fn wrong_input_names_what_would_be_right() {
    for (arguments, part) in [
        (&["connect"][..], "<TARGET>"),
        (&["connect", "a.example", "--proxy", "gopher://u:secret@x"], "socks5h://"),
        (&["connect", "a.example", "--starttls", "ssh"], "smtp"),
        (&["connect", "a.example", "-i", "--json"], "cannot be used"),
        (&["connect", "a.example", "--raw"], "--interactive"),
    ] {
        let done = reach(arguments);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
        let said = stderr(&done);
        assert!(said.contains(part) && !said.contains("secret"), "{arguments:?}: {said}");
    }
}

fn reach(arguments: &[&str]) -> Output {
    reach_with(arguments, |command| command)
}

fn reach_with(arguments: &[&str], more: impl FnOnce(&mut Command) -> &mut Command) -> Output {
    let mut command = program();
    command.args(arguments).stdin(Stdio::null());
    more(&mut command).output().expect("started")
}

/// The program with nothing of this machine's settings.
fn program() -> Command {
    let mut command = Command::cargo_bin("reach").expect("built");
    for variable in
        ["LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "NO_COLOR", "TERM", "COLUMNS", "SSL_CERT_DIR"]
    {
        command.env_remove(variable);
    }
    without_proxies(&mut command);
    command.env("TZ", "UTC");
    command
}

fn without_proxies(command: &mut Command) -> &mut Command {
    for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.env_remove("no_proxy").env_remove("NO_PROXY")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn json_of(output: &Output) -> Value {
    let text = stdout(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{}", stderr(output)))
}

/// A port of this machine where nothing listens.
fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("bound")
}
