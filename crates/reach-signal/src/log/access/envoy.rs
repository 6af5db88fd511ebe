//! Envoy's default text, and Istio's: `[2024-03-11T00:12:33.123Z] "GET / HTTP/1.1" 503 UF … "203.0.113.7:80" …`.

use reach_core::Time;

use super::{Connection, Hit, Try, end_of_quoted, leading_status, server};
use crate::log::stamp::Stamps;

/// A request, if the line is one.
///
/// Source: Envoy documentation, Access logging, Default format string; Istio, Envoy Access Logs.
pub(super) fn read(line: &str, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
    let bytes = line.as_bytes();
    if bytes.first() != Some(&b'[') || bytes.get(5) != Some(&b'-') || bytes.get(11) != Some(&b'T') {
        return None;
    }
    let stamp = stamps.read(line, heard)?;
    let rest = line.get(stamp.end..)?.strip_prefix(" \"")?;
    // Where nobody was answered the status is one digit.
    let (answered, unanswered) = (end_of_quoted(rest), rest.find("\" 0 "));
    let mut after = match (answered, unanswered) {
        (Some(end), Some(other)) if end < other => rest.get(end + 2..)?,
        (_, Some(other)) => rest.get(other + 4..)?,
        (Some(end), None) => rest.get(end + 2..)?,
        (None, None) => return None,
    };
    let mut status = 0;
    if let Some(found) = leading_status(after.as_bytes()) {
        status = found;
        after = after.get(3..)?.strip_prefix(' ')?;
    }
    let (flags, after) = after.split_once(' ')?;
    let is_flags = flags == "-" || flags.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b',');
    if !is_flags {
        return None;
    }
    let parts: Vec<&str> = after.split('"').take(64).collect();
    // Before whatever the client said stand details, and Istio's reason in the first quotes.
    let told = parts.iter().take(2).copied().collect::<String>();
    let upstream = parts.iter().skip(1).step_by(2).next_back().copied().unwrap_or_default();
    let upstream = upstream.strip_prefix("tcp://").unwrap_or(upstream);
    let tried = server(upstream);
    let tries = tried.address.map(|_| Try {
        status: Some(status).filter(|status| *status > 0),
        connection: connection(flags, &told),
        ..tried
    });
    Some(Hit { at: Some(stamp.at), status, tries: tries.into_iter().collect(), was_repeated: false })
}

/// What the flags of a response, and the words beside them, say of the connection to the server.
pub(super) fn connection(flags: &str, told: &str) -> Connection {
    let has = |flag: &str| flags.split(',').any(|known| known.trim() == flag);
    if has("UF") {
        return match () {
            () if told.contains("timeout") => Connection::TimedOut,
            () if told.contains("_111") || told.contains("error: 111") => Connection::Refused,
            () => Connection::Failed,
        };
    }
    if has("UT") || has("UC") || has("UR") { Connection::Made } else { Connection::Untold }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn hit(line: &str) -> Hit {
        let found = read(line, &mut Stamps::new(TimeZone::UTC), Time::from_micros(1_710_117_000_000_000));
        found.unwrap_or_else(|| panic!("{line}"))
    }

    #[test]
    fn the_default_and_istio_s_are_read() {
        let fine = hit(
            r#"[2024-03-11T00:12:33.310Z] "POST /api/v1/locations?k=secret HTTP/2" 204 - 154 0 226 100 "192.0.2.7" "nsq2http" "cc21d9b0-cf5c" "locations" "tcp://203.0.113.7:80""#,
        );
        assert_eq!((fine.status, fine.at.map(Time::as_secs)), (204, Some(1_710_115_953)));
        assert_eq!(fine.tries[0].address, Some([203, 0, 113, 7].into()));
        let refused = hit(
            r#"[2024-03-11T00:12:33.310Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111} - "delayed_connect_error:_111" 0 145 1 - "192.0.2.7" "curl/8" "8496" "pay.example" "203.0.113.7:8080" outbound|80||pay.example - 10.0.0.9:80 192.0.2.7:5 - default"#,
        );
        assert_eq!((refused.status, refused.tries[0].connection), (503, Connection::Refused));
        assert_eq!(refused.tries[0].port, Some(8080));
        let slow = hit(
            r#"[2024-03-11T00:12:33.310Z] "GET / HTTP/1.1" 503 URX,UF upstream_reset_before_response_started{connection_timeout} - "-" 0 91 10002 - "-" "x" "y" "pay.example" "203.0.113.7:443" outbound|443||pay.example - 1.1.1.1:1 2.2.2.2:2 - -"#,
        );
        assert_eq!(slow.tries[0].connection, Connection::TimedOut);
        let nowhere = hit(
            r#"[2024-03-11T00:12:33.310Z] "GET / HTTP/1.1" 503 UH no_healthy_upstream - "-" 0 19 0 - "192.0.2.9:7" "x" "y" "pay.example" "-" - - 1.1.1.1:1 2.2.2.2:2 - -"#,
        );
        assert_eq!((nowhere.status, nowhere.tries.len()), (503, 0));
        let gone = hit(
            r#"[2024-03-11T00:12:33.310Z] "GET / HTTP/1.1" 0 DC downstream_remote_disconnect - "-" 0 0 5 - "-" "x" "y" "pay.example" "203.0.113.7:80" - - 1.1.1.1:1 2.2.2.2:2 - -"#,
        );
        assert_eq!(gone.status, 0);
    }
}
