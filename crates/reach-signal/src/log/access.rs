//! Access logs: what became of requests, and of the servers behind a proxy that were tried for them.
//!
//! Of a line only the time, the status and the servers tried are kept: never who asked, nor for what.

mod balancer;
mod envoy;
mod extended;
mod fields;
mod haproxy;
mod pattern;
mod squid;

use std::{net::IpAddr, time::Duration};

use reach_core::Time;

pub use self::{
    extended::Layout,
    pattern::{Pattern, PatternError},
};
use super::stamp::Stamps;

/// One request as an access log tells of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hit {
    /// When, where the line says so.
    pub at: Option<Time>,
    /// The status of the answer; 0 where none was given.
    pub status: u16,
    /// The servers that were tried for it, in this order, where a proxy tells.
    pub tries: Vec<Try>,
    /// The proxy asked another server after one had failed.
    pub was_repeated: bool,
}

impl Hit {
    /// A server failed, and another one answered all the same.
    pub fn is_late(&self) -> bool {
        let retried = self.tries.len() > 1 && self.tries.iter().rev().skip(1).any(Try::is_failed);
        (retried || self.was_repeated) && (100..500).contains(&self.status)
    }
}

/// A server that a proxy tried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Try {
    /// Its address, where it has one and not a name or a path.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
    /// Its name, where it has no address.
    pub name: Option<String>,
    /// The status that it gave, or that the proxy gave in its place.
    pub status: Option<u16>,
    /// How long it took.
    pub elapsed: Option<Duration>,
    /// What is known of the connection to it.
    pub connection: Connection,
}

impl Try {
    /// The proxy got no usable answer.
    pub fn is_failed(&self) -> bool {
        let is_connected = matches!(self.connection, Connection::Untold | Connection::Made);
        !is_connected || matches!(self.status, None | Some(500 | 502..=504))
    }
}

/// What a proxy tells of its connection to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Nothing.
    #[default]
    Untold,
    /// It came about.
    Made,
    /// It never came about.
    Failed,
    /// Nobody answered.
    TimedOut,
    /// Somebody answered with a reset.
    Refused,
}

/// How to read an access log.
#[derive(Clone, Debug, Default)]
pub enum Form {
    /// By its looks: `common`, `combined` and whatever begins like them, the W3C's extended form (IIS, CloudFront),
    /// HAProxy, Envoy and Istio, AWS's load balancers, squid, JSON, LTSV.
    #[default]
    Looks,
    /// As the server was told to write it.
    Pattern(Pattern),
}

/// What a log says itself of the fields that follow, as the W3C's extended form does: `#Fields: …`. A directive that says
/// nothing of them is `Some(None)`.
pub fn directive(form: &Form, line: &str) -> Option<Option<Layout>> {
    match form {
        Form::Looks if line.starts_with('#') => extended::directive(line),
        _ => None,
    }
}

/// Reads a line of an access log, if it is one. `layout` is what the log has said of its fields.
pub fn read(
    form: &Form,
    layout: Option<&Layout>,
    line: &str,
    json: Option<&serde_json::Value>,
    stamps: &mut Stamps,
    heard: Time,
) -> Option<Hit> {
    match (form, json, layout) {
        (Form::Pattern(pattern), ..) => pattern.read(line, stamps, heard),
        (Form::Looks, Some(value), _) => fields::json(value, stamps, heard),
        (Form::Looks, None, Some(layout)) => layout.read(line, heard).or_else(|| looked(line, stamps, heard)),
        (Form::Looks, None, None) => looked(line, stamps, heard),
    }
}

/// Each form knows its lines by their first bytes, so that most lines cost little.
fn looked(line: &str, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
    common(line, stamps, heard)
        .or_else(|| haproxy::read(line, stamps, heard))
        .or_else(|| fields::labelled(line, stamps, heard))
        .or_else(|| envoy::read(line, stamps, heard))
        .or_else(|| balancer::read(line, stamps, heard))
        .or_else(|| squid::read(line, stamps, heard))
        .or_else(|| extended::guess(line, heard))
}

/// `… [11/Mar/2024:09:12:33 +0900] "GET / HTTP/1.1" 200 …`: what common, combined, and the default of Tomcat, nginx and
/// Apache have in common, whatever stands before and behind.
fn common(line: &str, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
    let bytes = line.as_bytes();
    let mut from = 0;
    let open = loop {
        let open = from + memchr::memchr(b'[', bytes.get(from..)?)?;
        // A message of an application may have brackets anywhere; the first ones in reach decide.
        if open > 600 {
            return None;
        }
        if bytes.get(open + 3) == Some(&b'/')
            && bytes.get(open + 7) == Some(&b'/')
            && matches!(bytes.get(open + 12), Some(b':' | b' '))
        {
            break open;
        }
        from = open + 1;
    };
    let stamp = stamps.read(&line[open..], heard)?;
    let rest = line.get(open + stamp.end..)?.strip_prefix(" \"")?;
    let status = rest.as_bytes().get(end_of_quoted(rest)? + 1..)?.strip_prefix(b" ")?;
    Some(Hit { at: Some(stamp.at), status: leading_status(status)?, ..Hit::default() })
}

/// Where the quotes close that opened before: at a quote that nothing escapes and that a status follows.
fn end_of_quoted(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    memchr::memchr_iter(b'"', bytes).find(|at| {
        let escapes = bytes[..*at].iter().rev().take_while(|byte| **byte == b'\\').count();
        escapes % 2 == 0
            && bytes[*at + 1..].strip_prefix(b" ").is_some_and(|rest| leading_status(rest).is_some())
    })
}

/// Three digits, or `-`, and then no more of them.
fn leading_status(bytes: &[u8]) -> Option<u16> {
    let ends = |at: usize| !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    if bytes.first() == Some(&b'-') && ends(1) {
        return Some(0);
    }
    let digits = bytes.get(..3).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let status = digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    (ends(3) && (status == 0 || (100..1000).contains(&status))).then_some(status)
}

/// nginx's lists: tries are divided by `, `, groups of them by ` : `.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(", ").flat_map(|group| group.split(" : ")).map(|item| item.trim_matches([' ', ',']))
}

/// What nginx tells of the servers behind it.
#[derive(Clone, Copy, Debug, Default)]
struct Upstream<'a> {
    addresses: &'a str,
    statuses: &'a str,
    times: &'a str,
    connect_times: Option<&'a str>,
}

impl Upstream<'_> {
    /// More servers than are ever tried for one request.
    const MOST: usize = 32;

    fn tries(&self) -> Vec<Try> {
        if matches!(self.addresses.trim(), "" | "-") {
            return Vec::new();
        }
        let mut statuses = listed(self.statuses);
        let mut times = listed(self.times);
        let mut connects = self.connect_times.map(listed);
        listed(self.addresses)
            .take(Self::MOST)
            .map(|text| {
                let status = statuses
                    .next()
                    .and_then(|text| text.parse().ok())
                    .filter(|status| (100..1000).contains(status));
                let elapsed = times.next().and_then(seconds);
                let connection = match connects.as_mut().and_then(Iterator::next) {
                    None | Some("") => Connection::Untold,
                    Some("-") => Connection::Failed,
                    Some(text) if seconds(text).is_some() => Connection::Made,
                    Some(_) => Connection::Untold,
                };
                Try { status, elapsed, connection, ..server(text) }
            })
            .collect()
    }
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`, `unix:/run/app.sock`, a name.
fn server(text: &str) -> Try {
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Try { address: Some(socket.ip()), port: Some(socket.port()), ..Try::default() };
    }
    if let Ok(address) = text.parse() {
        return Try { address: Some(address), ..Try::default() };
    }
    // A socket in the file system is no place of the network.
    if text.starts_with("unix:") {
        return Try::default();
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, port.parse().ok()),
        _ => (text, None),
    };
    let is_name = !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    Try { name: is_name.then(|| name.to_ascii_lowercase()), port: port.filter(|_| is_name), ..Try::default() }
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (0.0..1e6).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    const HEARD: Time = Time::from_micros(1_710_117_000_000_000);

    fn looked(line: &str) -> Option<Hit> {
        let json = super::super::envelope::object(line);
        read(&Form::Looks, None, line, json.as_deref(), &mut Stamps::new(TimeZone::UTC), HEARD)
    }

    #[test]
    fn what_servers_write_by_default_is_known_by_its_looks() {
        for line in [
            r#"192.0.2.7 - - [11/Mar/2024:09:12:33 +0900] "GET /a?b=c HTTP/1.1" 503 12"#,
            r#"192.0.2.7 - kim [11/Mar/2024:09:12:33 +0900] "GET / HTTP/1.1" 503 12 "-" "Mozilla/5.0 \"x\"""#,
            r#"app.example:443 192.0.2.7 - - [11/Mar/2024:09:12:33 +0900] "GET / HTTP/2.0" 503 12 "-" "curl""#,
            r#"192.0.2.7 - - [11/Mar/2024:09:12:33 +0900] "GET /\" 200 HTTP/1.1" 503 - 0.004 [x]"#,
            r#"192.0.2.7 - - [11/Mar/2024:09:12:33 +0900] "\x16\x03\x01" 503 150 "-" "-""#,
            r#"2001:db8::7 - - [11/Mar/2024:09:12:33 +0900] "-" 503 0"#,
            // Werkzeug and Django.
            r#"192.0.2.7 - - [11/Mar/2024 00:12:33] "GET /a HTTP/1.1" 503 -"#,
            r#"[11/Mar/2024 00:12:33] "GET /a HTTP/1.1" 503 12"#,
            // Traefik.
            r#"192.0.2.7 - kim [11/Mar/2024:00:12:33 +0000] "GET / HTTP/2.0" 503 19 "-" "-" 7 "web@docker" "http://203.0.113.7:80" 3002ms"#,
        ] {
            let hit = looked(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((hit.status, hit.at.map(Time::as_secs)), (503, Some(1_710_115_953)), "{line}");
        }
    }

    #[test]
    fn an_application_s_line_is_no_request() {
        for line in [
            "2024-03-11 09:12:33,123 ERROR [main] c.m.App - failed: 503",
            "[2024-03-11 09:12:33] [11/Mar] \"x\" 200",
            "java.io.IOException: Server returned HTTP response code: 503 for URL: http://app.example/",
            "192.0.2.7 - - [11/Mar/2024:09:12:33 +0900] started",
            "",
        ] {
            assert_eq!(looked(line), None, "{line}");
        }
    }

    #[test]
    fn a_request_that_a_second_server_answered_was_late_and_not_failed() {
        let upstream = Upstream {
            addresses: "203.0.113.7:8080, 203.0.113.8:8080 : [2001:db8::9]:81",
            statuses: "504, 502 : 200",
            times: "3.001, 0.000 : 0.010",
            connect_times: Some("-, - : 0.001"),
        };
        let hit = Hit { status: 200, tries: upstream.tries(), ..Hit::default() };
        assert!(hit.is_late());
        assert_eq!(hit.tries.len(), 3);
        assert_eq!(hit.tries[0].address, Some([203, 0, 113, 7].into()));
        assert_eq!(
            (hit.tries[0].connection, hit.tries[2].connection),
            (Connection::Failed, Connection::Made)
        );
        assert_eq!(hit.tries[0].elapsed, Some(Duration::from_millis(3001)));
        assert!(!Hit { status: 504, ..hit.clone() }.is_late());
        assert!(!Hit { tries: hit.tries[2..].to_vec(), ..hit }.is_late());
    }

    #[test]
    fn servers_have_addresses_names_or_neither() {
        assert_eq!(server("unix:/run/app.sock").name, None);
        assert_eq!(server("app.Example:80").name.as_deref(), Some("app.example"));
        assert_eq!(server("192.0.2.1").address, Some([192, 0, 2, 1].into()));
        assert_eq!(server("a b").name, None);
        assert_eq!(Upstream { addresses: "-", ..Upstream::default() }.tries(), []);
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_harm(line in "[ -~가]{0,120}") {
            let _ = looked(&line);
        }

        #[test]
        fn whoever_asks_for_whatever_the_status_is_found(
            request in "[ -~]{0,60}",
            user in "[a-z ]{0,8}",
            status in 100u16..600,
        ) {
            let request = request.replace('\\', "\\\\").replace('"', "\\\"");
            let line = format!("192.0.2.7 - {user} [11/Mar/2024:09:12:33 +0900] \"{request}\" {status} 12 \"-\" \"x\"");
            prop_assert_eq!(looked(&line).map(|hit| hit.status), Some(status));
        }
    }
}
