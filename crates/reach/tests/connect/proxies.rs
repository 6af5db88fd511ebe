//! Proxies on loopback: what they are told, what they refuse, and which way is said to have been tested.

use std::{io::Write, net::SocketAddr};

use super::{
    closed_port, json_of, reach, reach_with,
    relays::{http_proxy, socks_proxy},
    servers::{Authority, hold, serve},
    stderr, stdout,
};

fn greeter() -> SocketAddr {
    serve(|mut stream| {
        let _ = stream.write_all(b"220 behind the proxy\r\n");
        hold(stream);
    })
}

#[test]
fn a_proxy_that_resolves_is_given_the_name_and_decides_by_it() {
    let (proxy, log) = http_proxy(greeter(), true);
    let url = format!("http://u:p@{proxy}");
    let done = reach(&["connect", "mail.example:25", "--address", "127.0.0.1", "--proxy", &url]);
    // The address is refused, and the name is what clients send.
    assert_eq!(done.status.code(), Some(0), "{}{}", stdout(&done), stderr(&done));
    let text = stdout(&done);
    for part in [
        &format!("through the proxy http://{proxy}")[..],
        "220 behind the proxy",
        "HTTP 403 No addresses",
        "for comparison",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains('\u{1b}') && !text.contains("u:p"), "{text}");
    let mut asked: Vec<String> = log
        .lock()
        .expect("a log")
        .iter()
        .map(|head| head.lines().next().unwrap_or_default().to_owned())
        .collect();
    asked.sort();
    assert_eq!(asked, ["CONNECT 127.0.0.1:25 HTTP/1.1", "CONNECT mail.example:25 HTTP/1.1"]);
}

#[test]
fn a_proxy_that_wants_a_login_says_so() {
    let (proxy, _) = http_proxy(greeter(), true);
    let url = format!("http://u:wrong-secret@{proxy}");
    let arguments = ["connect", "mail.example:25", "--address", "127.0.0.1", "--proxy", &url, "-v"];
    let done = reach(&arguments);
    assert_eq!(done.status.code(), Some(1));
    assert!(stdout(&done).contains("HTTP 407 Proxy Authentication"), "{}", stdout(&done));
    assert!(!stdout(&done).contains("secret") && !stderr(&done).contains("secret"));
    let json = stdout(&reach(&[&arguments[..], &["--json"]].concat()));
    assert!(json.contains("\"proxy-login\"") && !json.contains("secret"), "{json}");
}

#[test]
fn socks_resolves_there_or_here() {
    let authority = Authority::new();
    let server = authority.serve_tls(&["a.example"], hold);
    for (scheme, asked) in [("socks5h", &["a.example", "an address"][..]), ("socks5", &["an address"])] {
        let (proxy, log) = socks_proxy(server, 0);
        let url = format!("{scheme}://u:p@{proxy}");
        let done = reach_with(
            &["connect", "a.example:443", "--address", "127.0.0.1", "--proxy", &url, "--json"],
            |command| command.env("SSL_CERT_FILE", authority.file()),
        );
        assert_eq!(done.status.code(), Some(0), "{}{}", stdout(&done), stderr(&done));
        let mut found = log.lock().expect("a log").clone();
        found.sort();
        assert_eq!(found, asked);
        let target = &json_of(&done)["targets"][0];
        assert_eq!((&target["way"]["kind"], &target["way"]["protocol"]), (&"proxy".into(), &"socks5".into()));
        assert_eq!(target["endpoints"][0]["attempts"][0]["tls"]["version"], "TLSv1.3");
    }
}

#[test]
fn the_exact_refusal_of_socks_is_told() {
    for (code, words) in
        [(2, "not allowed by its rules"), (5, "connection refused there"), (4, "host unreachable")]
    {
        let (proxy, _) = socks_proxy(greeter(), code);
        let url = format!("socks5://u:p@{proxy}");
        let done = reach(&["connect", "192.0.2.1:25", "--proxy", &url]);
        assert_eq!(done.status.code(), Some(1));
        let text = stdout(&done);
        assert!(text.contains(&format!("SOCKS reply {code} (")) && text.contains(words), "{text}");
    }
    let (proxy, _) = socks_proxy(greeter(), 0);
    let done = reach(&["connect", "192.0.2.1:25", "--proxy", &format!("socks5://{proxy}")]);
    assert!(stdout(&done).contains("takes no login"), "{}", stdout(&done));
}

#[test]
fn a_dead_proxy_is_not_taken_for_a_dead_target() {
    let proxy = closed_port();
    let done = reach(&["connect", "192.0.2.1:25", "--proxy", &format!("http://{proxy}")]);
    assert_eq!(done.status.code(), Some(1));
    assert!(stdout(&done).contains("the proxy itself: refused"), "{}", stdout(&done));
}

#[test]
fn a_url_goes_the_way_that_the_environment_names_and_says_so() {
    let server = serve(|stream| super::servers::respond(stream, "HTTP/1.1 204 No Content\r\n\r\n"));
    let (proxy, _) = http_proxy(server, false);
    let url = format!("http://a.example:{}/", server.port());
    let way = |variables: &[(&str, &str)], more: &[&str]| {
        let arguments = [&["connect", &url, "--address", "127.0.0.1", "--json"], more].concat();
        let done = reach_with(&arguments, |command| command.envs(variables.iter().copied()));
        assert_eq!(done.status.code(), Some(0), "{variables:?}: {}{}", stdout(&done), stderr(&done));
        let way = json_of(&done)["targets"][0]["way"].clone();
        (way["kind"].as_str().unwrap_or_default().to_owned(), way["variable"].as_str().map(str::to_owned))
    };
    let named = format!("http://{proxy}");
    let direct = ("direct".to_owned(), None);
    let through = |variable: &str| ("proxy".to_owned(), Some(variable.to_owned()));
    assert_eq!(way(&[("http_proxy", &named)], &[]), through("http_proxy"));
    assert_eq!(way(&[("ALL_PROXY", &named)], &[]), through("ALL_PROXY"));
    assert_eq!(way(&[("HTTP_PROXY", &named)], &[]), direct);
    assert_eq!(way(&[("HTTPS_PROXY", &named)], &[]), direct);
    assert_eq!(way(&[("http_proxy", &named), ("NO_PROXY", ".example")], &[]), direct);
    assert_eq!(way(&[("http_proxy", &named)], &["--no-proxy"]), direct);
}
