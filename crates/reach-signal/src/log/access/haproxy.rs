//! HAProxy's own HTTP log: `… [06/Feb/2009:12:14:14.655] in static/srv1 10/0/-1/-1/109 503 212 - - sC-- 1/1/1/1/3 …`.

use reach_core::Time;

use super::{Connection, Hit, Try, leading_status};
use crate::log::stamp::Stamps;

/// A request, if the line is one.
///
/// Source: HAProxy Configuration Manual, 8.2.3, HTTP log format.
pub(super) fn read(line: &str, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
    let mut from = 0;
    let bytes = line.as_bytes();
    let open = loop {
        let open = from + memchr::memchr(b'[', bytes.get(from..)?)?;
        if open > 300 {
            return None;
        }
        // The process id of syslog stands in brackets too.
        if bytes.get(open + 3) == Some(&b'/') && bytes.get(open + 7) == Some(&b'/') {
            break open;
        }
        from = open + 1;
    };
    let stamp = stamps.read(&line[open..], heard)?;
    let rest = line.get(open + stamp.end..)?.strip_prefix(' ')?;
    let mut parts = rest.split(' ');
    let (_frontend, backend, timers, status) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (_bytes, _cookie, _set_cookie, state, counts) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let (_, server) = backend.split_once('/')?;
    let timers: Vec<&str> = timers.split('/').collect();
    let counts: Vec<&str> = counts.split('/').collect();
    if timers.len() != 5 || counts.len() != 5 || !(2..=4).contains(&state.len()) {
        return None;
    }
    let status = if status == "-1" { 0 } else { leading_status(status.as_bytes())? };
    let retries = counts[4];
    let is_redispatched = retries.starts_with('+');
    let has_retried = retries.trim_start_matches('+').parse::<u32>().ok()? > 0;
    let connection = match timers[2] {
        // The queue may have been left before any connection was tried.
        "-1" if state.as_bytes()[1] == b'C' => Connection::Failed,
        "-1" => Connection::Untold,
        _ => Connection::Made,
    };
    let is_named = !server.starts_with('<') && server.len() <= 253;
    let tried = Try { status: Some(status).filter(|status| *status > 0), connection, ..Try::default() };
    Some(Hit {
        at: Some(stamp.at),
        status,
        tries: is_named.then_some(tried).into_iter().collect(),
        was_repeated: is_redispatched || has_retried,
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn hit(line: &str) -> Option<Hit> {
        read(line, &mut Stamps::new(TimeZone::UTC), Time::from_micros(1_710_117_000_000_000))
    }

    #[test]
    fn requests_retries_and_failed_connections_are_told_apart() {
        let fine = hit(r#"Feb  6 12:14:14 localhost haproxy[14389]: 192.0.2.7:33317 [06/Feb/2024:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {x} {} "GET / HTTP/1.1""#).expect("a request");
        assert_eq!((fine.status, fine.is_late()), (200, false));
        let late = hit(r#"192.0.2.7:33317 [06/Feb/2024:12:14:14.655] http-in static/srv2 10/0/3030/69/3109 200 2750 - - ---- 1/1/1/1/+1 0/0 "GET / HTTP/1.1""#).expect("a request");
        assert!(late.is_late());
        let failed = hit(r#"192.0.2.7:33317 [06/Feb/2024:12:14:14.655] http-in static/srv1 0/0/-1/-1/3002 503 212 - - sC-- 1/1/1/1/3 0/0 "GET / HTTP/1.1""#).expect("a request");
        assert_eq!((failed.status, failed.tries[0].connection), (503, Connection::Failed));
        assert!(!failed.is_late());
        assert_eq!(hit(r#"192.0.2.7 - - [06/Feb/2024:12:14:14 +0000] "GET / HTTP/1.1" 200 1"#), None);
    }
}
