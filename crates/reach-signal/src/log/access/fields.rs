//! Access logs with names: JSON objects, and LTSV (names and values divided by colons, fields by tabs).

use reach_core::Time;
use serde_json::Value;

use super::{Hit, Try, Upstream, leading_status, server};
use crate::log::{envelope, stamp::Stamps};

/// Names of the status, in the logs of nginx, Apache, Tomcat, Envoy, Traefik, Caddy, and in the Elastic schema.
const STATUS: [&str; 8] = [
    "status",
    "response_code",
    "DownstreamStatus",
    "statusCode",
    "status_code",
    "responseStatus",
    "code",
    "sc-status",
];
/// What an application's record with a status would not have.
const REQUEST: [&str; 20] = [
    "request",
    "request_method",
    "request_uri",
    "request_time",
    "method",
    "uri",
    "RequestMethod",
    "RequestPath",
    "requestMethod",
    "body_bytes_sent",
    "bytes_sent",
    "http_method",
    "req",
    "verb",
    "httpRequest",
    "elapsedTime",
    "remote_addr",
    "x_forwarded_for",
    "response_flags",
    "path",
];

/// A request in a JSON object, if it is one.
pub(super) fn json(value: &Value, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
    let (status, is_request) = match nested_status(value) {
        Some(status) => (status, true),
        None => {
            let status = STATUS.iter().find_map(|key| status_of(value.get(key)?))?;
            (status, REQUEST.iter().any(|key| value.get(key).is_some()))
        }
    };
    if !is_request {
        return None;
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let upstream = Upstream {
        addresses: text("upstream_addr").unwrap_or_default(),
        statuses: text("upstream_status").unwrap_or_default(),
        times: text("upstream_response_time").unwrap_or_default(),
        connect_times: text("upstream_connect_time"),
    };
    let mut tries = upstream.tries();
    if tries.is_empty() {
        tries.extend(envoy(value, status).or_else(|| traefik(value)));
    }
    let at = envelope::time_in(value, stamps, heard);
    let was_repeated = value.get("RetryAttempts").and_then(Value::as_u64).is_some_and(|count| count > 0);
    Some(Hit { at, status, tries, was_repeated })
}

/// `http.response.status_code`, as an object of objects or with dots in its name.
fn nested_status(value: &Value) -> Option<u16> {
    let inside = value
        .get("http")
        .and_then(|http| http.get("response"))
        .and_then(|response| response.get("status_code"));
    inside
        .or_else(|| value.get("http.response.status_code"))
        .or_else(|| value.get("response").and_then(|response| response.get("status")))
        .or_else(|| value.get("httpRequest").and_then(|request| request.get("status")))
        .and_then(status_of)
}

fn status_of(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u16::try_from(number).ok())
            .filter(|n| *n == 0 || (100..1000).contains(n)),
        Value::String(text) => leading_status(text.as_bytes()).filter(|_| text.len() <= 3),
        _ => None,
    }
}

/// Envoy names the server and, in flags, what became of the connection to it.
fn envoy(value: &Value, status: u16) -> Option<Try> {
    let tried = server(value.get("upstream_host")?.as_str()?);
    tried.address?;
    let flags = value.get("response_flags").and_then(Value::as_str).unwrap_or_default();
    let told = ["response_code_details", "upstream_transport_failure_reason"];
    let told: String = told.iter().filter_map(|key| value.get(key).and_then(Value::as_str)).collect();
    let connection = super::envoy::connection(flags, &told);
    Some(Try { status: Some(status), connection, ..tried })
}

fn traefik(value: &Value) -> Option<Try> {
    let tried = server(value.get("ServiceAddr")?.as_str()?);
    let status = value.get("OriginStatus").and_then(status_of).filter(|status| *status > 0);
    Some(Try { status, ..tried })
}

/// A request in labelled fields, if it is one.
pub(super) fn labelled(line: &str, stamps: &mut Stamps, heard: Time) -> Option<Hit> {
    if !line.contains("\tstatus:") && !line.starts_with("status:") {
        return None;
    }
    let (mut hit, mut found) = (Hit::default(), false);
    let mut upstream = Upstream::default();
    for field in line.split('\t') {
        let Some((name, value)) = field.split_once(':') else { continue };
        match name {
            "status" => {
                hit.status = leading_status(value.as_bytes())?;
                found = true;
            }
            "time" | "time_local" | "time_iso8601" => {
                hit.at = stamps.read(value, heard).map(|stamp| stamp.at)
            }
            "upstream_addr" => upstream.addresses = value,
            "upstream_status" => upstream.statuses = value,
            "upstream_response_time" => upstream.times = value,
            "upstream_connect_time" => upstream.connect_times = Some(value),
            _ => {}
        }
    }
    hit.tries = upstream.tries();
    found.then_some(hit)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::log::access::Connection;

    const HEARD: Time = Time::from_micros(1_710_117_000_000_000);

    fn of_json(text: &str) -> Option<Hit> {
        json(&serde_json::from_str(text).expect("JSON"), &mut Stamps::new(TimeZone::UTC), HEARD)
    }

    #[test]
    fn requests_are_found_under_the_names_that_servers_give_them() {
        for text in [
            r#"{"time_iso8601":"2024-03-11T09:12:33+09:00","status":"502","request":"GET / HTTP/1.1"}"#,
            r#"{"msec":"1710115953.000","status":502,"request_uri":"/"}"#,
            r#"{"@timestamp":"2024-03-11T00:12:33Z","http":{"response":{"status_code":502}}}"#,
            r#"{"@timestamp":"2024-03-11T00:12:33Z","http.response.status_code":502}"#,
            r#"{"time":"[11/Mar/2024:09:12:33 +0900]","request":"GET / HTTP/1.1","statusCode":"502","size":"-"}"#,
            r#"{"start_time":"2024-03-11T00:12:33.000Z","response_code":502,"response_flags":"UF","method":"GET"}"#,
            r#"{"ts":1710115953.0,"logger":"http.log.access","request":{"method":"GET"},"status":502}"#,
            r#"{"StartUTC":"2024-03-11T00:12:33Z","DownstreamStatus":502,"RequestMethod":"GET"}"#,
        ] {
            let hit = of_json(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((hit.status, hit.at.map(Time::as_secs)), (502, Some(1_710_115_953)), "{text}");
        }
        for text in [
            r#"{"level":"ERROR","message":"x"}"#,
            r#"{"status":"failed","method":"GET"}"#,
            r#"{"code":503,"message":"x"}"#,
        ] {
            assert_eq!(of_json(text), None, "{text}");
        }
    }

    #[test]
    fn servers_behind_a_proxy_are_named() {
        let envoy = of_json(
            r#"{"response_code":503,"upstream_host":"203.0.113.7:443","response_flags":"UF,URX","method":"GET"}"#,
        );
        assert_eq!(envoy.map(|hit| hit.tries[0].connection), Some(Connection::Failed));
        let nginx = of_json(
            r#"{"status":"200","request":"x","upstream_addr":"203.0.113.7:80, 203.0.113.8:80","upstream_status":"502, 200"}"#,
        );
        assert!(nginx.is_some_and(|hit| hit.is_late()));
    }

    #[test]
    fn labelled_fields_are_read() {
        let line = "time:11/Mar/2024:09:12:33 +0900\thost:192.0.2.7\treq:GET / HTTP/1.1\tstatus:504\tupstream_addr:203.0.113.7:80\tupstream_status:504";
        let hit = labelled(line, &mut Stamps::new(TimeZone::UTC), HEARD).expect("a request");
        assert_eq!((hit.status, hit.tries[0].port), (504, Some(80)));
        assert_eq!(hit.at.map(Time::as_secs), Some(1_710_115_953));
    }
}
