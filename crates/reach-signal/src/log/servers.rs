//! Error logs of proxies: nginx, Apache with its proxy modules and mod_jk, HAProxy. They name the address that failed.

use std::{collections::BTreeSet, net::IpAddr, sync::LazyLock, time::Duration};

use memchr::memmem::Finder;
use reach_core::signal::{Failure, FailureClass, HostFrom};

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It is no line of such a log.
    Nothing,
    /// It is one, and tells of no failure behind the proxy: clients that went away, notices, what another line told.
    Aside,
    /// Something behind the proxy failed.
    Failed(Box<Failure>),
}

/// Reads the first line of a record.
pub fn read(line: &str) -> Told {
    let bytes = line.as_bytes();
    // Each form has something at its beginning that others have not; nearly every line ends here.
    let head = &bytes[..bytes.len().min(200)];
    if let Some(message) = nginx_message(line) {
        return nginx(message);
    }
    // Making what looks for a text takes longer than looking for it in a line.
    static SIGNS: LazyLock<[Finder<'static>; 5]> =
        LazyLock::new(|| ["[proxy", ": AH0", "jk_", "ajp_", " is DOWN, reason: "].map(Finder::new));
    let [proxy, code, jk_module, ajp_module, down] = &*SIGNS;
    if proxy.find(head).is_some() || code.find(bytes).is_some() {
        return apache(line);
    }
    if jk_module.find(head).is_some() || ajp_module.find(head).is_some() {
        return jk(line);
    }
    if down.find(bytes).is_some() {
        return haproxy(line);
    }
    Told::Nothing
}

/// What follows `2024/03/11 09:12:33 [error] 12#12: *3 `.
fn nginx_message(line: &str) -> Option<&str> {
    let open = memchr::memchr(b'[', line.as_bytes().get(..60).unwrap_or(line.as_bytes()))?;
    let (level, rest) = line.get(open + 1..)?.split_once("] ")?;
    if !matches!(level, "debug" | "info" | "notice" | "warn" | "error" | "crit" | "alert" | "emerg") {
        return None;
    }
    let (ids, rest) = rest.split_once(": ")?;
    let (process, thread) = ids.split_once('#')?;
    let are_numbers = [process, thread]
        .iter()
        .all(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    if !are_numbers {
        return None;
    }
    let behind = rest.strip_prefix('*').and_then(|rest| rest.split_once(' '));
    Some(behind.map_or(rest, |(_, message)| message))
}

fn nginx(message: &str) -> Told {
    // Client, server, request and host follow: of users, and not to be kept.
    let (said, context) = match message.find(", client: ").or_else(|| message.find(", server: ")) {
        Some(at) => message.split_at(at),
        None => (message, ""),
    };
    let failure = |class, detail: Option<&str>| {
        let place = upstream_of(context);
        Told::Failed(Box::new(Failure {
            detail: detail.map(str::to_owned),
            ..failed(class, "nginx", said, place)
        }))
    };
    let connecting = said.contains("while connecting to upstream");
    let handshaking = said.contains("while SSL handshaking to upstream");
    if let Some((name, rest)) = said.split_once(" could not be resolved") {
        let host = name.rsplit(' ').next().unwrap_or(name).trim_matches('"');
        let mut found = failed(FailureClass::Dns, "nginx", said, Place::of_name(host));
        found.detail = rest.contains("timed out").then(|| "resolver-timeout".to_owned());
        return Told::Failed(Box::new(found));
    }
    if said.contains("while resolving, resolver: ") || message.contains(", resolver: ") {
        return Told::Failed(Box::new(failed(FailureClass::Dns, "nginx", said, Place::default())));
    }
    // The consequence of failures that other lines tell.
    if said.starts_with("no live upstreams")
        || !(said.contains("upstream") || context.contains(", upstream: "))
    {
        return Told::Aside;
    }
    if said.contains("SSL certificate verify error") {
        return failure(FailureClass::Tls, Some("untrusted"));
    }
    if said.contains("upstream SSL certificate does not match") {
        return failure(FailureClass::Tls, Some("name-mismatch"));
    }
    if handshaking {
        let timed_out = said.starts_with("upstream timed out");
        return failure(FailureClass::Tls, timed_out.then_some("handshake-timeout"));
    }
    if said.starts_with("upstream timed out") {
        return failure(
            if connecting { FailureClass::ConnectTimeout } else { FailureClass::ReadTimeout },
            None,
        );
    }
    if said.starts_with("upstream prematurely closed connection") {
        return failure(FailureClass::Reset, Some("closed-early"));
    }
    let Some((call, rest)) = said.split_once("() failed (") else { return Told::Aside };
    let call = call.rsplit(' ').next().unwrap_or(call);
    let number: u32 = rest.split(':').next().and_then(|text| text.parse().ok()).unwrap_or(0);
    match (call, of_errno(number)) {
        ("connect", Some(class)) => failure(class, None),
        // A time-out of the kernel on a connection that stood.
        (_, Some(FailureClass::ConnectTimeout)) if !connecting => failure(FailureClass::ReadTimeout, None),
        (_, Some(class)) if context.contains(", upstream: ") => failure(class, None),
        _ => Told::Aside,
    }
}

/// `(110)Connection timed out: AH00957: HTTP: attempt to connect to 203.0.113.7:8080 (app.example) failed`.
fn apache(line: &str) -> Told {
    let Some(at) = line.find("AH0") else { return Told::Aside };
    let (before, told) = line.split_at(at);
    let code = told.get(..7).unwrap_or_default();
    // `(110)Connection timed out: ` may be followed by `[client …] `.
    let number = before.match_indices('(').find_map(|(at, _)| {
        let digits = &before[at + 1..];
        let end = digits.find(')').filter(|end| *end > 0 && *end <= 6)?;
        digits[..end].parse::<u32>().ok()
    });
    let cause = before.rsplit_once(')').map_or("", |(_, text)| text.split(": ").next().unwrap_or(text));
    let said = if cause.is_empty() { told.to_owned() } else { format!("{cause}: {told}") };
    let said = said.split(", referer: ").next().unwrap_or_default();
    let timed_out = cause.contains("timeout") || cause.contains("timed out");
    let failure = |class, place| Told::Failed(Box::new(failed(class, "apache-proxy", said, place)));
    match code {
        "AH00957" => {
            let place = told
                .split_once("attempt to connect to ")
                .map(|(_, rest)| named_place(rest))
                .unwrap_or_default();
            let class = match number.and_then(of_errno) {
                Some(class) => class,
                None if timed_out => FailureClass::ConnectTimeout,
                None => return Told::Aside,
            };
            failure(class, place)
        }
        "AH01102" | "AH01030" | "AH00993" | "AH01084" => {
            let place = ["remote server ", "failed to ", "from "]
                .iter()
                .find_map(|before| told.split_once(before))
                .map(|(_, rest)| named_place(rest))
                .unwrap_or_default();
            match number {
                _ if timed_out => failure(FailureClass::ReadTimeout, place),
                Some(104 | 32 | 103 | 70_014 | 20_014) => failure(FailureClass::Reset, place),
                Some(number) => match of_errno(number) {
                    Some(class) => failure(class, place),
                    None => Told::Aside,
                },
                None => Told::Aside,
            }
        }
        "AH00898" | "AH00895" if told.contains("DNS lookup failure for: ") => {
            let host = told.split_once("DNS lookup failure for: ").map_or("", |(_, rest)| rest);
            let host = host.split([' ', ',']).next().unwrap_or_default();
            failure(FailureClass::Dns, Place::of_name(host))
        }
        // What another line of the same failure told.
        _ => Told::Aside,
    }
}

/// `203.0.113.7:8080 (app.example) failed`, `app.example:8080 (203.0.113.7)`.
fn named_place(rest: &str) -> Place {
    let mut words = rest.split(' ');
    let mut place = Place::of_authority(words.next().unwrap_or_default().trim_end_matches([',', ';']));
    let beside =
        words.next().and_then(|word| word.strip_prefix('(')).map(|word| word.trim_end_matches([')', ',']));
    if let Some(beside) = beside {
        let other = Place::of_authority(beside);
        place.address = place.address.or(other.address);
        place.host = place.host.or(other.host);
        place.port = place.port.or(other.port);
    }
    place
}

/// `jk_open_socket::jk_connect.c (817): connect to 203.0.113.7:8009 failed (errno=110)`.
fn jk(line: &str) -> Told {
    let Some((_, rest)) = line
        .split_once("connect to ")
        .filter(|_| line.contains("jk_open_socket") || line.contains("jk_connect"))
    else {
        return Told::Aside;
    };
    let place = Place::of_authority(rest.split(' ').next().unwrap_or_default());
    let number = line.split_once("(errno=").and_then(|(_, rest)| rest.split(')').next()?.parse().ok());
    // A connection that is still under way when its time-out is over.
    let class = match number {
        Some(115) => Some(FailureClass::ConnectTimeout),
        number => number.and_then(of_errno),
    };
    let said = line.split_once("connect to ").map_or(line, |(before, _)| &line[before.len()..]);
    match class {
        Some(class) if place != Place::default() => {
            Told::Failed(Box::new(failed(class, "mod-jk", said, place)))
        }
        _ => Told::Aside,
    }
}

/// `Server be/srv1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms.`
fn haproxy(line: &str) -> Told {
    let Some((before, reason)) = line.split_once(" is DOWN, reason: ") else { return Told::Nothing };
    let Some((_, _server)) = before.rsplit_once("erver ") else { return Told::Nothing };
    let class = match reason {
        reason if reason.starts_with("Layer4 timeout") => FailureClass::ConnectTimeout,
        reason if reason.starts_with("Layer4") && reason.contains("efused") => FailureClass::Refused,
        reason if reason.starts_with("Layer4") && reason.contains("o route") => FailureClass::Unreachable,
        reason if reason.starts_with("Layer4") && reason.contains("nreachable") => FailureClass::Unreachable,
        reason if reason.starts_with("Layer4") && reason.contains("reset") => FailureClass::Reset,
        reason if reason.starts_with("Layer6") => FailureClass::Tls,
        reason if reason.starts_with("Layer7 timeout") => FailureClass::ReadTimeout,
        reason if reason.starts_with("Layer7 wrong status") => FailureClass::Http,
        _ => return Told::Aside,
    };
    let said = before.rfind("erver ").map_or(line, |at| &line[at.saturating_sub(1)..]);
    let mut found = failed(class, "haproxy", said, Place::default());
    found.detail = Some("health-check".to_owned());
    found.status = (class == FailureClass::Http)
        .then(|| reason.split_once("code: ").and_then(|(_, rest)| rest.get(..3)?.parse().ok()))
        .flatten();
    found.timeout = reason
        .split_once("check duration: ")
        .filter(|_| reason.contains("timeout"))
        .and_then(|(_, rest)| rest.split("ms").next()?.parse().ok())
        .map(Duration::from_millis);
    Told::Failed(Box::new(found))
}

/// Linux's numbers of errors.
fn of_errno(number: u32) -> Option<FailureClass> {
    Some(match number {
        110 => FailureClass::ConnectTimeout,
        111 => FailureClass::Refused,
        101 | 113 | 99 | 13 | 1 => FailureClass::Unreachable,
        104 | 32 | 103 => FailureClass::Reset,
        _ => return None,
    })
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    host: Option<String>,
    address: Option<IpAddr>,
    port: Option<u16>,
}

impl Place {
    fn of_name(text: &str) -> Self {
        let name = text.trim_end_matches('.');
        let is_name = (1..=253).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
        Self { host: is_name.then(|| name.to_ascii_lowercase()), ..Self::default() }
    }

    /// `203.0.113.7:8080`, `[2001:db8::7]:8080`, `app.example:8080`, `app.example`.
    fn of_authority(text: &str) -> Self {
        if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
            return Self { address: Some(socket.ip()), port: Some(socket.port()), host: None };
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse() {
            return Self { address: Some(address), ..Self::default() };
        }
        match text.rsplit_once(':') {
            Some((name, port)) => Self { port: port.parse().ok(), ..Self::of_name(name) },
            None => Self::of_name(text),
        }
    }
}

/// nginx's `upstream: "http://203.0.113.7:8080/path"`.
fn upstream_of(context: &str) -> Place {
    let Some((_, rest)) = context.split_once(", upstream: \"") else { return Place::default() };
    let url = rest.split('"').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A socket in the file system is no place of the network.
    if authority.starts_with("unix:") || authority.is_empty() {
        return Place::default();
    }
    let mut place = Place::of_authority(authority.rsplit('@').next().unwrap_or_default());
    place.port = place.port.or(match scheme {
        "http" => Some(80),
        "https" | "grpcs" => Some(443),
        _ => None,
    });
    place
}

fn failed(class: FailureClass, client: &str, said: &str, place: Place) -> Failure {
    let text: String =
        said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(Failure::TEXT).collect();
    Failure {
        host_from: place.host.is_some().then_some(HostFrom::Message),
        host: place.host,
        address: place.address,
        addresses: place.address.into_iter().collect::<BTreeSet<_>>(),
        port: place.port,
        client: Some(client.to_owned()),
        ..Failure::new(class, text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(line: &str) -> (&'static str, Option<String>, Option<String>, Option<u16>) {
        match read(line) {
            Told::Nothing => ("nothing", None, None, None),
            Told::Aside => ("aside", None, None, None),
            Told::Failed(failure) => (
                failure.class.code(),
                failure.host,
                failure.address.map(|address| address.to_string()),
                failure.port,
            ),
        }
    }

    fn at(
        class: &'static str,
        address: &str,
        port: u16,
    ) -> (&'static str, Option<String>, Option<String>, Option<u16>) {
        (class, None, Some(address.to_owned()), Some(port))
    }

    fn nginx_line(said: &str) -> String {
        format!(
            "2024/03/11 09:12:33 [error] 12#12: *3 {said}, client: 192.0.2.7, server: app.example, request: \"GET /a?token=secret \
             HTTP/1.1\", upstream: \"http://203.0.113.7:8080/a?token=secret\", host: \"app.example\""
        )
    }

    #[test]
    fn nginx_names_the_address_that_failed_and_how() {
        for (said, class) in [
            (
                "upstream timed out (110: Connection timed out) while connecting to upstream",
                "connect-timeout",
            ),
            (
                "upstream timed out (110: Connection timed out) while reading response header from upstream",
                "read-timeout",
            ),
            ("upstream timed out (110: Operation timed out) while SSL handshaking to upstream", "tls"),
            ("connect() failed (111: Connection refused) while connecting to upstream", "refused"),
            ("connect() failed (113: No route to host) while connecting to upstream", "unreachable"),
            ("connect() failed (113: Host is unreachable) while connecting to upstream", "unreachable"),
            (
                "recv() failed (104: Connection reset by peer) while reading response header from upstream",
                "reset",
            ),
            ("readv() failed (104: Connection reset by peer) while reading upstream", "reset"),
            ("upstream prematurely closed connection while reading response header from upstream", "reset"),
            (
                "SSL_do_handshake() failed (SSL: error:1408F10B:SSL routines:wrong version number) while SSL handshaking to upstream",
                "tls",
            ),
            (
                "upstream SSL certificate verify error: (20:unable to get local issuer certificate) while SSL handshaking to upstream",
                "tls",
            ),
        ] {
            assert_eq!(told(&nginx_line(said)), at(class, "203.0.113.7", 8080), "{said}");
        }
    }

    #[test]
    fn what_belongs_to_users_is_not_kept() {
        let line = nginx_line("upstream timed out (110: Connection timed out) while connecting to upstream");
        let Told::Failed(failure) = read(&line) else { panic!("a failure") };
        let kept = format!("{failure:?}");
        assert!(
            !kept.contains("secret") && !kept.contains("192.0.2.7") && !kept.contains("app.example"),
            "{kept}"
        );
    }

    #[test]
    fn what_clients_do_is_no_failure_behind_the_proxy() {
        for line in [
            "2024/03/11 09:12:33 [info] 12#12: *3 client 192.0.2.7 closed keepalive connection",
            "2024/03/11 09:12:33 [error] 12#12: *3 recv() failed (104: Connection reset by peer) while reading client request line, client: 192.0.2.7, server: _",
            "2024/03/11 09:12:33 [error] 12#12: *3 no live upstreams while connecting to upstream, client: 192.0.2.7, server: _, upstream: \"http://backend/\"",
            "2024/03/11 09:12:33 [error] 12#12: *3 open() \"/a\" failed (2: No such file or directory), client: 192.0.2.7, server: _",
            "2024/03/11 09:12:33 [notice] 1#1: start worker processes",
            "[Mon Mar 11 09:12:33.1 2024] [proxy_http:error] [pid 1:tid 2] [client 192.0.2.7:5] AH01114: HTTP: failed to make connection to backend: app.example",
            "[Mon Mar 11 09:12:33.1 2024] [proxy:error] [pid 1] AH00959: ap_proxy_connect_backend disabling worker for (203.0.113.7) for 60s",
        ] {
            assert_eq!(told(line).0, "aside", "{line}");
        }
        for line in ["2024-03-11 09:12:33 ERROR x", "[error] x", "", "Caused by: x"] {
            assert_eq!(told(line).0, "nothing", "{line}");
        }
    }

    #[test]
    fn apache_names_the_server_that_failed() {
        let host = Some("app.example".to_owned());
        for (line, class, host, address, port) in [
            (
                "[Mon Mar 11 09:12:33.123456 2024] [proxy:error] [pid 1:tid 2] (110)Connection timed out: AH00957: HTTP: attempt to connect to 203.0.113.7:8080 (app.example) failed",
                "connect-timeout",
                host.clone(),
                Some("203.0.113.7"),
                Some(8080),
            ),
            (
                "[Mon Mar 11 09:12:33.123456 2024] [proxy:error] [pid 1:tid 2] (111)Connection refused: AH00957: http: attempt to connect to 203.0.113.7:8080 (app.example:8080) failed",
                "refused",
                host.clone(),
                Some("203.0.113.7"),
                Some(8080),
            ),
            (
                "[Mon Mar 11 09:12:33 2024] [proxy_http:error] [pid 1] (70007)The timeout specified has expired: [client 192.0.2.7:5] AH01102: error reading status line from remote server app.example:8080, referer: http://x/",
                "read-timeout",
                host.clone(),
                None,
                Some(8080),
            ),
            (
                "[Mon Mar 11 09:12:33 2024] [proxy_http:error] [pid 1] (104)Connection reset by peer: [client 192.0.2.7:5] AH01102: error reading status line from remote server app.example:8080",
                "reset",
                host.clone(),
                None,
                Some(8080),
            ),
            (
                "[Mon Mar 11 09:12:33 2024] [proxy:error] [pid 1] [client 192.0.2.7:5] AH00898: DNS lookup failure for: app.example returned by /a",
                "dns",
                host,
                None,
                None,
            ),
            (
                "[Mon Mar 11 09:12:33 2024] [1:140] [info] jk_open_socket::jk_connect.c (817): connect to 203.0.113.7:8009 failed (errno=110)",
                "connect-timeout",
                None,
                Some("203.0.113.7"),
                Some(8009),
            ),
        ] {
            assert_eq!(told(line), (class, host, address.map(str::to_owned), port), "{line}");
            let Told::Failed(failure) = read(line) else { panic!("{line}") };
            assert!(!failure.text.contains("192.0.2.7"), "{}", failure.text);
        }
    }

    #[test]
    fn names_that_do_not_resolve_and_servers_that_are_down_are_told() {
        let resolve = "2024/03/11 09:12:33 [error] 12#12: *3 push.example could not be resolved (3: Host not found), client: 192.0.2.7, server: _";
        assert_eq!(told(resolve), ("dns", Some("push.example".to_owned()), None, None));
        let down = "Server be/srv1 is DOWN, reason: Layer4 timeout, check duration: 2001ms. 0 active";
        let Told::Failed(failure) = read(down) else { panic!("a failure") };
        assert_eq!(
            (failure.class, failure.timeout),
            (FailureClass::ConnectTimeout, Some(Duration::from_millis(2001)))
        );
        assert_eq!(told("[ALERT] Server be/srv1 is DOWN, reason: Layer4 connection problem, info: \"Connection refused\", check duration: 0ms.").0, "refused");
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_harm(
            head in prop_oneof![Just("2024/03/11 09:12:33 [error] 1#1: *1 "), Just("[proxy:error] (110)x: AH00957: "), Just("jk_connect connect to "), Just("Server a is DOWN, reason: "), Just("")],
            rest in "[ -~가]{0,100}",
        ) {
            if let Told::Failed(failure) = read(&format!("{head}{rest}")) {
                prop_assert!(failure.text.chars().count() <= Failure::TEXT);
                prop_assert!(!failure.text.chars().any(char::is_control));
            }
        }
    }
}
