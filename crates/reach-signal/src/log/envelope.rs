//! What others put around a line: syslog, journald, containers. Which stream a line belongs to, when it was written,
//! and the line itself.

use std::borrow::Cow;

use reach_core::Time;
use serde_json::Value;

use super::{
    level::{self, Level},
    stamp::Stamps,
};

/// A line without what was around it.
#[derive(Debug)]
pub struct Inner<'a> {
    /// Who wrote it, where the form says so: lines of one stream are in order, those of several may be mixed. Empty
    /// where it does not.
    pub stream: Cow<'a, str>,
    /// When it was written, by whom it passed through.
    pub at: Option<Time>,
    /// How grave, by whom it passed through.
    pub level: Option<Level>,
    /// The line.
    pub text: Cow<'a, str>,
    /// Another piece of the same line follows.
    pub is_partial: bool,
    /// The line as JSON, where it is an object.
    pub json: Option<Box<Value>>,
    /// Where to go on in a journal, where it says so.
    pub cursor: Option<String>,
}

impl<'a> Inner<'a> {
    pub(super) fn plain(text: &'a str) -> Self {
        Self {
            stream: Cow::Borrowed(""),
            at: None,
            level: None,
            text: Cow::Borrowed(text),
            is_partial: false,
            json: None,
            cursor: None,
        }
    }
}

/// Names of streams are cut to so many bytes.
const LONGEST_STREAM: usize = 120;

/// Takes off what is around a line.
pub fn open<'a>(line: &'a str, stamps: &mut Stamps, heard: Time) -> Inner<'a> {
    let Some(first) = line.as_bytes().first() else { return Inner::plain(line) };
    let opened = match first {
        b'{' => return json(line, stamps, heard),
        b' ' | b'\t' | b'}' | b')' => None,
        b'<' => syslog_priority(line, stamps, heard),
        b'[' => kubectl(line),
        b'0'..=b'9' => of_containers(line, stamps, heard).or_else(|| syslog(line, None, stamps, heard)),
        _ => syslog(line, None, stamps, heard).or_else(|| compose(line)),
    };
    opened.unwrap_or_else(|| Inner::plain(line))
}

/// CRI's log files: `2024-03-11T00:12:33.123456789Z stdout F line`.
fn of_containers<'a>(line: &'a str, stamps: &mut Stamps, heard: Time) -> Option<Inner<'a>> {
    // Before a time is read: few lines have it.
    let marked = line.get(..64).unwrap_or(line);
    if !marked.contains(" std") {
        return None;
    }
    let stamp = stamps.read(line, heard)?;
    let rest = line.get(stamp.end..)?.strip_prefix(' ')?;
    let (stream, rest) = rest.split_once(' ')?;
    if !matches!(stream, "stdout" | "stderr") {
        return None;
    }
    // `F`, `P`, or tags divided by colons of which it is the first.
    let (tag, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_partial = match tag.split(':').next()? {
        "F" => false,
        "P" => true,
        _ => return None,
    };
    Some(Inner { stream: Cow::Borrowed(stream), at: Some(stamp.at), is_partial, ..within(text) })
}

/// `<34>` and what follows it: RFC 5424 or RFC 3164.
fn syslog_priority<'a>(line: &'a str, stamps: &mut Stamps, heard: Time) -> Option<Inner<'a>> {
    let (number, rest) = line[1..].split_once('>')?;
    let priority: u16 = number.parse().ok().filter(|_| number.len() <= 3)?;
    let level = Level::of_syslog(u8::try_from(priority % 8).ok()?);
    let Some(rest) = rest.strip_prefix("1 ") else {
        return syslog(rest, Some(level), stamps, heard);
    };
    // VERSION TIME HOST APP PROCID MSGID STRUCTURED-DATA MESSAGE
    let (at, rest) = match rest.strip_prefix("- ") {
        Some(rest) => (None, rest),
        None => {
            let stamp = stamps.read(rest, heard)?;
            (Some(stamp.at), rest.get(stamp.end..)?.strip_prefix(' ')?)
        }
    };
    let mut parts = rest.splitn(5, ' ');
    let (_host, app, process, _id, rest) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let text = after_structured_data(rest)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let stream = Cow::Owned(bounded(&format!("{app}[{process}]")));
    Some(Inner { stream, at, level: Some(level), ..within(text) })
}

fn after_structured_data(rest: &str) -> Option<&str> {
    if let Some(text) = rest.strip_prefix('-') {
        return Some(text.strip_prefix(' ').unwrap_or(text));
    }
    let (mut is_quoted, mut is_escaped) = (false, false);
    let mut depth = 0u32;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'[' if !is_quoted => depth += 1,
            b']' if !is_quoted => depth = depth.checked_sub(1)?,
            b' ' if depth == 0 => return rest.get(at + 1..),
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    (depth == 0).then_some("")
}

/// `Mar 11 09:12:33 host app[123]: line`, or the same with a time in ISO 8601, as rsyslog and systemd write it.
fn syslog<'a>(line: &'a str, level: Option<Level>, stamps: &mut Stamps, heard: Time) -> Option<Inner<'a>> {
    // Times without a zone before a host's name are those of syslog; a log framework has another word there.
    let first = *line.as_bytes().first()?;
    let has_form = line.as_bytes().get(3) == Some(&b' ') || line.as_bytes().get(10) == Some(&b'T');
    if !has_form || !(first.is_ascii_uppercase() || first.is_ascii_digit()) {
        return None;
    }
    // The process: cheap to look for, and nearly always missing in other forms.
    let head = line.as_bytes().get(..160).unwrap_or(line.as_bytes());
    memchr::memmem::find(head, b": ").or_else(|| head.strip_suffix(b":").map(<[u8]>::len))?;
    let stamp = stamps.read(line, heard)?;
    let rest = line.get(stamp.end..)?.strip_prefix(' ')?;
    let (host, rest) = rest.split_once(' ')?;
    let (tag, text) = rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|tag| (tag, "")))?;
    let is_host = !host.is_empty()
        && host.len() <= 255
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':'));
    let process = tag.strip_suffix(']').and_then(|tag| tag.split_once('['));
    let is_process = match process {
        Some((name, id)) => is_name(name) && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()),
        // Without a process id only what cannot be a logger of a framework.
        None => first.is_ascii_uppercase() && is_name(tag),
    };
    // `ERROR` in the place of the host: a framework's own form.
    if !is_host || !is_process || level::of_word(host.as_bytes()).is_some() {
        return None;
    }
    let at = (stamp.is_zoned || first.is_ascii_uppercase()).then_some(stamp.at);
    Some(Inner { stream: Cow::Owned(bounded(tag)), at, level, ..within(text) })
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 80
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'@' | b'(' | b')')
        })
}

/// `[pod/name/container] line`, as `kubectl logs --prefix` writes it.
fn kubectl(line: &str) -> Option<Inner<'_>> {
    let (pod, text) = line.strip_prefix("[pod/")?.split_once("] ")?;
    let is_pod = pod.len() <= 300 && !pod.contains([' ', '[']);
    is_pod.then(|| Inner { stream: Cow::Owned(bounded(pod)), ..within(text) })
}

/// `web-1  | line`, as `docker compose logs` writes it.
fn compose(line: &str) -> Option<Inner<'_>> {
    let bar = memchr::memchr(b'|', line.as_bytes().get(..80).unwrap_or(line.as_bytes()))?;
    let (name, text) = (line.get(..bar)?, line.get(bar + 1..)?);
    let stream = name.trim_end_matches(' ');
    let is_stream =
        stream.len() < name.len() && is_name(stream) && level::of_word(stream.as_bytes()).is_none();
    let text = text.strip_prefix(' ').unwrap_or(text);
    is_stream.then(|| Inner { stream: Cow::Borrowed(stream), ..within(text) })
}

/// The line inside of an envelope, which may be JSON.
fn within(text: &str) -> Inner<'_> {
    // rsyslog writes control characters as three digits.
    if text.contains("#011") {
        return Inner { text: Cow::Owned(text.replace("#011", "\t")), ..Inner::plain("") };
    }
    Inner { json: object(text), ..Inner::plain(text) }
}

/// A text as a JSON object, if it is one.
pub(super) fn object(text: &str) -> Option<Box<Value>> {
    let is_object = text.starts_with('{') && text.trim_end().ends_with('}');
    is_object.then(|| serde_json::from_str(text).ok()).flatten().filter(Value::is_object).map(Box::new)
}

fn json<'a>(line: &'a str, stamps: &mut Stamps, heard: Time) -> Inner<'a> {
    let Some(value) = object(line) else { return Inner::plain(line) };
    if value.get("MESSAGE").is_some() || value.get("__CURSOR").is_some() {
        return journal(&value);
    }
    // Docker's json-file.
    if let (Some(text), Some(time)) =
        (value.get("log").and_then(Value::as_str), value.get("time").and_then(Value::as_str))
    {
        let is_partial = !text.ends_with('\n');
        let text = text.trim_end_matches('\n').trim_end_matches('\r').to_owned();
        let stream = value.get("stream").and_then(Value::as_str).map(bounded).unwrap_or_default();
        return Inner {
            stream: Cow::Owned(stream),
            at: stamps.read(time, heard).map(|stamp| stamp.at),
            json: object(&text),
            text: Cow::Owned(text),
            is_partial,
            ..Inner::plain("")
        };
    }
    Inner {
        at: time_in(&value, stamps, heard),
        level: level_in(&value),
        json: Some(value),
        ..Inner::plain(line)
    }
}

/// An entry of the journal in its JSON export.
fn journal(value: &Value) -> Inner<'static> {
    let of = |key: &str| value.get(key).and_then(Value::as_str);
    // What is no UTF-8 comes as a list of bytes.
    let text = match value.get("MESSAGE") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(bytes)) => {
            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Vec<u8> = bytes.iter().filter_map(byte).collect();
            match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => encoding_rs::EUC_KR.decode(error.as_bytes()).0.into_owned(),
            }
        }
        _ => String::new(),
    };
    let who =
        of("_SYSTEMD_UNIT").or_else(|| of("SYSLOG_IDENTIFIER")).or_else(|| of("_COMM")).unwrap_or_default();
    let micros =
        ["_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"].iter().find_map(|key| of(key)?.parse().ok());
    let severity = of("PRIORITY").and_then(|text| text.parse().ok()).filter(|severity| *severity <= 7);
    Inner {
        stream: Cow::Owned(bounded(&format!("{who}[{}]", of("_PID").unwrap_or_default()))),
        at: micros.map(Time::from_micros),
        level: severity.map(Level::of_syslog),
        json: object(&text),
        text: Cow::Owned(text),
        is_partial: false,
        cursor: of("__CURSOR").filter(|cursor| cursor.len() <= 512).map(str::to_owned),
    }
}

/// The time that a record in JSON says of itself.
pub(super) fn time_in(value: &Value, stamps: &mut Stamps, heard: Time) -> Option<Time> {
    const KEYS: [&str; 13] = [
        "@timestamp",
        "timestamp",
        "time",
        "ts",
        "date",
        "datetime",
        "time_iso8601",
        "msec",
        "timeMillis",
        "time_local",
        "start_time",
        "StartUTC",
        "eventTime",
    ];
    if let Some(instant) = value.get("instant") {
        let seconds = instant.get("epochSecond").and_then(Value::as_u64)?;
        let nanos = instant.get("nanoOfSecond").and_then(Value::as_u64).unwrap_or(0);
        return seconds.checked_mul(1_000_000)?.checked_add(nanos / 1_000).map(Time::from_micros);
    }
    KEYS.iter().find_map(|key| time_of(value.get(key)?, stamps, heard))
}

/// A time as JSON has it: a text, or a number of seconds, milliseconds, microseconds or nanoseconds since 1970.
fn time_of(value: &Value, stamps: &mut Stamps, heard: Time) -> Option<Time> {
    match value {
        // A number in quotes is followed by nothing, which the forms ask for.
        Value::String(text) => {
            stamps.read(text, heard).map(|stamp| stamp.at).or_else(|| text.parse().ok().and_then(of_number))
        }
        Value::Number(number) => of_number(number.as_f64()?),
        _ => None,
    }
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since 1970, by its size.
pub(super) fn of_number(number: f64) -> Option<Time> {
    let micros = match number {
        n if (1e9..1e10).contains(&n) => n * 1e6,
        n if (1e12..1e13).contains(&n) => n * 1e3,
        n if (1e15..1e16).contains(&n) => n,
        n if (1e18..1e19).contains(&n) => n / 1e3,
        _ => return None,
    };
    Some(Time::from_micros(micros as u64))
}

/// How grave a record in JSON says that it is.
fn level_in(value: &Value) -> Option<Level> {
    ["level", "log.level", "severity", "levelname", "lvl", "loglevel"].iter().find_map(|key| {
        match value.get(key)? {
            Value::String(text) => level::of_word(text.as_bytes()),
            Value::Number(number) => number.as_u64().map(Level::of_number),
            _ => None,
        }
    })
}

fn bounded(text: &str) -> String {
    let mut end = text.len().min(LONGEST_STREAM);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    const HEARD: Time = Time::from_micros(1_710_117_000_000_000);

    fn opened(line: &str) -> (String, Option<u64>, Option<Level>, String, bool) {
        let inner = open(line, &mut Stamps::new(TimeZone::UTC), HEARD);
        (
            inner.stream.into_owned(),
            inner.at.map(Time::as_secs),
            inner.level,
            inner.text.into_owned(),
            inner.is_partial,
        )
    }

    #[test]
    fn what_is_around_a_line_is_taken_off() {
        const AT: Option<u64> = Some(1_710_115_953);
        for (line, stream, at, level, text) in [
            ("2024-03-11T00:12:33.5Z stderr F \tat a.b(C.java:1)", "stderr", AT, None, "\tat a.b(C.java:1)"),
            (
                "<27>1 2024-03-11T00:12:33Z web app 7 ID1 [x@1 a=\"b]\\\" c\"] failed",
                "app[7]",
                AT,
                Some(Level::Error),
                "failed",
            ),
            ("<27>1 - web app - - - failed", "app[-]", None, Some(Level::Error), "failed"),
            ("<28>Mar 11 00:12:33 web app[7]: failed", "app[7]", AT, Some(Level::Warn), "failed"),
            ("Mar 11 00:12:33 web app[7]: #011at a.b", "app[7]", AT, None, "\tat a.b"),
            ("Mar 11 00:12:33 web kernel: oops", "kernel", AT, None, "oops"),
            ("2024-03-11T00:12:33+00:00 web app[7]: failed", "app[7]", AT, None, "failed"),
            ("[pod/web-1/app] \tat a.b", "web-1/app", None, None, "\tat a.b"),
            ("web-1  | failed", "web-1", None, None, "failed"),
            (
                "{\"log\":\"failed\\n\",\"stream\":\"stderr\",\"time\":\"2024-03-11T00:12:33.1Z\"}",
                "stderr",
                AT,
                None,
                "failed",
            ),
            (
                "{\"MESSAGE\":\"failed\",\"PRIORITY\":\"3\",\"_PID\":\"7\",\"_SYSTEMD_UNIT\":\"app.service\",\"__REALTIME_TIMESTAMP\":\"1710115953000000\",\"__CURSOR\":\"s=1\"}",
                "app.service[7]",
                AT,
                Some(Level::Error),
                "failed",
            ),
            ("{\"MESSAGE\":[237,145,184],\"_COMM\":\"x\"}", "x[]", None, None, "푸"),
        ] {
            assert_eq!(opened(line), (stream.to_owned(), at, level, text.to_owned(), false), "{line}");
        }
    }

    #[test]
    fn a_line_that_has_nothing_around_it_stays_as_it_is() {
        for line in [
            "2024-03-11 00:12:33,123 ERROR [main] c.m.App - failed: x",
            "2025-02-19T18:00:05.771+09:00 ERROR 7 --- [push-batch-2] k.c.mail.push.PushBatch : failed",
            "2024-03-11T00:12:33Z ERROR app: failed",
            "java.net.SocketException: connect timed out",
            "Caused by: java.io.IOException: a | b",
            "\tat a.b.C(D.java:1)",
            "ERROR | failed",
            "{ not json",
            "<b>1</b>",
            "<34>",
            "[pod/",
            "",
        ] {
            let (stream, at, _, text, _) = opened(line);
            assert_eq!((stream.as_str(), at, text.as_str()), ("", None, line), "{line}");
        }
    }

    #[test]
    fn records_in_json_say_when_and_how_grave() {
        for line in [
            "{\"@timestamp\":\"2024-03-11T00:12:33.123Z\",\"level\":\"ERROR\"}",
            "{\"time\":1710115953123,\"level\":50}",
            "{\"ts\":1710115953.123,\"severity\":\"error\"}",
            "{\"instant\":{\"epochSecond\":1710115953,\"nanoOfSecond\":1},\"level\":\"ERROR\"}",
            "{\"msec\":\"1710115953.123\",\"level\":\"err\"}",
        ] {
            let (_, at, level, text, _) = opened(line);
            assert_eq!((at, level, text.as_str()), (Some(1_710_115_953), Some(Level::Error), line), "{line}");
        }
    }

    #[test]
    fn pieces_of_one_line_are_told_as_such() {
        assert!(opened("2024-03-11T00:12:33.5Z stdout P begin").4);
        assert!(opened("{\"log\":\"begin\",\"stream\":\"stdout\",\"time\":\"2024-03-11T00:12:33.1Z\"}").4);
    }
}
