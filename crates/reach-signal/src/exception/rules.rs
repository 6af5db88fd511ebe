//! What words mean: from what clients write to the layer that failed.
//!
//! Wording changes between versions of one client, even within one line of a JDK. So nothing here compares whole
//! messages: a rule is a few words that stayed the same, and rules are tried from the most telling down.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use reach_core::signal::FailureClass::{
    self, ConnectTimeout, Dns, Http, ReadTimeout, Refused, Reset, Tls, Unreachable,
};
use regex::Regex;

use super::{
    frames::Frames,
    korean::english,
    table::{INBOUND, NEUTRAL, Rule, is_neutral, is_one_of},
};

/// What a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sense {
    pub class: FailureClass,
    pub detail: Option<Cow<'static, str>>,
    /// How sure the words are: 1 an outer layer's guess, 2 the class of a throwable, 3 words for this very thing.
    pub strength: u8,
    pub status: Option<u16>,
}

/// What to do with a throwable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It says that something failed on the network.
    Failed(Sense),
    /// It says nothing of the network; what caused it may.
    Nothing,
    /// Whatever caused it, no destination of this application failed: somebody who had asked it went away.
    Inbound,
}

/// What a throwable means, or a line of words where `name` is empty.
pub(super) fn read(name: &str, message: &str, frames: &Frames) -> Reading {
    if is_one_of(INBOUND, name) {
        return Reading::Inbound;
    }
    let text = english(message).to_ascii_lowercase();
    if is_one_of(NEUTRAL, name) || is_neutral(&text) {
        return Reading::Nothing;
    }
    let pipe = text.contains("broken pipe") || text.contains("connection reset");
    if frames.inbound && pipe {
        return Reading::Inbound;
    }
    match sense(name, &text, frames) {
        Some(sense) => Reading::Failed(sense),
        None => Reading::Nothing,
    }
}

fn sense(name: &str, text: &str, frames: &Frames) -> Option<Sense> {
    if let Some(sense) = special(name, text, frames) {
        return Some(sense);
    }
    if let Some(sense) = status(name, text) {
        return Some(sense);
    }
    let rule = Rule::of(name, text)?;
    let mut class = rule.class;
    let mut detail = (!rule.detail.is_empty()).then_some(Cow::Borrowed(rule.detail));
    // The same words of a socket, before the handshake was through.
    match class {
        ReadTimeout if frames.handshake && rule.detail.is_empty() => {
            (class, detail) = (Tls, Some("handshake-timeout".into()))
        }
        Reset if frames.handshake && !matches!(rule.detail, "established-lost") => {
            detail = Some("during-tls-handshake".into())
        }
        _ => {}
    }
    Some(Sense { class, detail, strength: rule.strength, status: None })
}

/// Words whose meaning hangs on what stands around them.
fn special(name: &str, text: &str, frames: &Frames) -> Option<Sense> {
    let some = |class, detail: &'static str, strength| {
        Some(Sense {
            class,
            detail: (!detail.is_empty()).then_some(Cow::Borrowed(detail)),
            strength,
            status: None,
        })
    };
    // The class says "connect", yet the connection stood: the handshake over it got no answer.
    if text.contains("connect to ") && text.contains("failed: read timed out") {
        return some(Tls, "handshake-timeout", 4);
    }
    if text.contains("lookup ")
        && (text.contains("dial tcp: ") || text.contains("i/o timeout") || text.contains("no such host"))
    {
        return some(
            Dns,
            if text.contains("i/o timeout") {
                "timeout"
            } else if text.contains("server misbehaving") {
                "servfail"
            } else {
                ""
            },
            4,
        );
    }
    if text.contains("failed to connect to ")
        && (text.contains("timed out") || text.contains("timeout was reached") || text.contains("etimedout"))
    {
        return some(ConnectTimeout, "", 3);
    }
    if name == "ConnectException" && text.starts_with("operation timed out") {
        return some(ConnectTimeout, "ETIMEDOUT", 3);
    }
    if name == "SocketTimeoutException" && text.contains("failed to connect to ") {
        return some(ConnectTimeout, "", 3);
    }
    if text.contains("connect to mysql server") {
        let ends = [
            ("(110)", ConnectTimeout, "ETIMEDOUT"),
            ("(111)", Refused, ""),
            ("(113)", Unreachable, "EHOSTUNREACH"),
            ("(101)", Unreachable, "ENETUNREACH"),
        ];
        if let Some((_, class, detail)) = ends.into_iter().find(|(end, _, _)| text.contains(end)) {
            return some(class, detail, 3);
        }
    }
    if text.contains("(tcp) timed out") {
        return some(ConnectTimeout, "", 3);
    }
    if (text.contains("dial tcp") || text.contains("dial udp")) && text.contains("i/o timeout") {
        return some(ConnectTimeout, "", 4);
    }
    if text.contains("dial tcp") && text.contains("connection timed out") {
        return some(ConnectTimeout, "ETIMEDOUT", 4);
    }
    if text.contains("read tcp") && text.contains("i/o timeout") {
        return some(ReadTimeout, "", 4);
    }
    if text.contains("\": eof") || text.ends_with(": eof") && text.contains("://") {
        return some(Reset, "closed-early", 4);
    }
    if let Some(at) = text.find("received fatal alert: ") {
        return alert(&text[at + 22..]);
    }
    if let Some(at) = text.find("remote error: tls: ") {
        return alert(&text[at + 19..]);
    }
    if let Some(at) = text.find("alert handshake failure") {
        return alert(&text[at + 6..]);
    }
    if let Some(at) = text.find("alert protocol version") {
        return alert(&text[at + 6..]);
    }
    if text.contains("alert unrecognized name") {
        return alert("unrecognized_name");
    }
    // A connection that stood dies in silence, which the kernel reports in the words of one that never came about.
    if text.contains("connection timed out") {
        let dead = text.contains("(read failed)")
            || text.contains("(write failed)")
            || text.contains("recv failure")
            || text.contains("read: connection")
            || text.contains("write: connection")
            || text.contains("syscall error");
        let socket = matches!(name, "SocketException" | "IOException" | "NativeIoException");
        if dead
            || (socket && !frames.connect && text.starts_with("connection timed out"))
            || (socket && text.contains("read"))
        {
            return some(Reset, "established-lost", 3);
        }
        if name == "ConnectException"
            || text.contains("(connection timed out)")
            || text.contains("errno 110]")
        {
            return some(ConnectTimeout, "ETIMEDOUT", 3);
        }
    }
    match name {
        "BindException" if text.contains("permission denied") && frames.connect => {
            some(Unreachable, "EACCES", 3)
        }
        "SocketException" if text.starts_with("invalid argument") && frames.connect => {
            some(Unreachable, "EINVAL", 3)
        }
        "SocketException" | "ConnectException"
            if text.starts_with("permission denied") || text.starts_with("operation not permitted") =>
        {
            some(Unreachable, "EACCES", 3)
        }
        // Cut by the width of a terminal: the beginning is enough.
        "SocketTimeoutException" | "SocketException"
            if text.len() >= 4 && "connect timed out".starts_with(text.trim_end()) =>
        {
            some(ConnectTimeout, "", 3)
        }
        "SocketTimeoutException" if text.len() >= 2 && "read timed out".starts_with(text.trim_end()) => {
            if frames.handshake {
                some(Tls, "handshake-timeout", 3)
            } else {
                some(ReadTimeout, "", 3)
            }
        }
        // OkHttp's own watch, and Apache's asynchronous one.
        "SocketTimeoutException"
            if matches!(text.trim(), "timeout" | "timed out" | "") || milliseconds(text) =>
        {
            if frames.handshake { some(Tls, "handshake-timeout", 3) } else { some(ReadTimeout, "", 3) }
        }
        "InterruptedIOException" if text.trim() == "timeout" => some(ReadTimeout, "deadline", 3),
        "ConnectTimeoutException" | "ConnectTimeoutError"
            if text.contains("connection timed out") || text.contains("failed:") && milliseconds(text) =>
        {
            some(ConnectTimeout, "", 3)
        }
        "timeout" | "TimeoutError" if text == "timed out" || text.is_empty() && frames.seen > 0 => {
            if frames.handshake {
                some(Tls, "handshake-timeout", 3)
            } else if frames.connect && !frames.transfer {
                some(ConnectTimeout, "", 2)
            } else if frames.transfer {
                some(ReadTimeout, "", 2)
            } else {
                None
            }
        }
        "ConnectTimeout" if text.is_empty() || text == "timed out" => some(ConnectTimeout, "", 3),
        // The client destroys the reason when it tries again behind the caller's back.
        "ConnectException" if (text.is_empty() || text == "null") && frames.had_no_address() => {
            some(Dns, "", 3)
        }
        "ConnectException" if text.is_empty() || text == "null" => some(Refused, "reason-lost", 2),
        "Error" if text.contains("timeout of ") && text.contains("ms exceeded") => {
            some(ReadTimeout, "deadline", 3)
        }
        "AxiosError" if text.contains("timeout of ") && text.contains("ms exceeded") => {
            some(ReadTimeout, "deadline", 3)
        }
        "AggregateError" => aggregate(text),
        "TimeoutException" if text.contains("was not answered") || text.contains("no response") => {
            some(ReadTimeout, "", 2)
        }
        "SSLException" if text.is_empty() => some(Tls, "", 2),
        _ if text.contains("upstream timed out") => {
            if text.contains("while connecting to upstream") {
                some(ConnectTimeout, "", 4)
            } else if text.contains("handshaking") {
                some(Tls, "handshake-timeout", 4)
            } else {
                some(ReadTimeout, "", 4)
            }
        }
        _ if text.contains("handshake") && text.contains("timed out") => some(Tls, "handshake-timeout", 4),
        _ => None,
    }
}

fn aggregate(text: &str) -> Option<Sense> {
    let class = match text {
        _ if text.contains("etimedout") => ConnectTimeout,
        _ if text.contains("econnrefused") => Refused,
        _ if text.contains("ehostunreach") || text.contains("enetunreach") => Unreachable,
        _ => return None,
    };
    Some(Sense { class, detail: None, strength: 4, status: None })
}

/// An alert of TLS by its name.
fn alert(text: &str) -> Option<Sense> {
    let name =
        text.split(['.', ',', ';', ')', '"', '\n']).next().unwrap_or_default().trim().replace(' ', "_");
    let detail = match &name[..] {
        "certificate_expired" => "expired".into(),
        "" => "alert".into(),
        name => Cow::Owned(format!(
            "alert:{}",
            name.chars().take(40).filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
        )),
    };
    Some(Sense { class: Tls, detail: Some(detail), strength: 4, status: None })
}

/// Whether all that is said is a time: `60000 MILLISECONDS`.
fn milliseconds(text: &str) -> bool {
    let text = text.rsplit("failed:").next().unwrap_or(text).trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',');
    unit.len() < text.len() && matches!(unit.trim(), "milliseconds" | "seconds" | "minutes" | "ms")
}

/// An answer with an error status, in the words of those who received it.
fn status(name: &str, text: &str) -> Option<Sense> {
    static STATUS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"unexpected http response with status: ([45][0-9][0-9])",
            r"|server returned http response code: ([45][0-9][0-9])",
            r"|request failed with status code ([45][0-9][0-9])",
            r"|requested url returned error: ([45][0-9][0-9])",
            r"|http error ([45][0-9][0-9])(?-u:\b)",
            r"|^([45][0-9][0-9]) (?:client|server) error:? ",
            r"|(?:client|server) error '([45][0-9][0-9]) ",
            r"|(?:client|server) error: `[^`]*` resulted in a `([45][0-9][0-9]) ",
            r"|\[([45][0-9][0-9])(?: [a-z -]+)?\] during \[",
            r"|status ([45][0-9][0-9]) reading ",
            r"|status code: ([45][0-9][0-9])[,;)]",
            r"|does not indicate success: ([45][0-9][0-9])",
            r"|http status(?: code)?:? ?([45][0-9][0-9])(?-u:\b)",
            r"|(?:post|get|put|delete|patch|head|options) https?://\S+ (?:->|=>|→|returned|responded(?: with)?|failed with(?: status)?|: ) ?(?:http )?(?:status )?([45][0-9][0-9])(?-u:\b)",
            r"|awaiting response\.\.\. ([45][0-9][0-9]) ",
            r"|^error ([45][0-9][0-9]): ",
            r"|unexpected (?:response |server )?(?:status(?: code)?|response code)[: ]+([45][0-9][0-9])(?-u:\b)",
            r"|response status(?: code)? ([45][0-9][0-9])(?-u:\b)",
        ))
        .expect("a pattern")
    });
    static LEADING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^(?:http )?"?([45][0-9][0-9])(?-u:\b)(?: |,|:|$)"#).expect("a pattern")
    });
    let speaks = name.contains("Http")
        || name.contains("HTTP")
        || name.contains("Response")
        || name.contains("StatusError")
        || name.contains("Feign")
        || name.contains("RestClient")
        || [
            "ServiceUnavailable",
            "BadGateway",
            "Unauthorized",
            "Forbidden",
            "NotFound",
            "TooManyRequests",
            "MethodNotAllowed",
            "Conflict",
            "Gone",
            "UnprocessableEntity",
            "NotAcceptable",
            "UnsupportedMediaType",
            "NotImplemented",
            "GatewayTimeout",
            "InternalServerError",
            "BadRequest",
        ]
        .contains(&name)
        || name == "OpenURI::HTTPError";
    let found = STATUS.captures(text).or_else(|| LEADING.captures(text).filter(|_| speaks))?;
    let status = found.iter().skip(1).flatten().next()?.as_str().parse().ok()?;
    Some(Sense { class: Http, detail: body(text), strength: 4, status: Some(status) })
}

/// Who answered, by the form of the body: an API answers in JSON, a device on the way in HTML.
pub(super) fn body(text: &str) -> Option<Cow<'static, str>> {
    if ["<html", "<!doctype", "<head>", "<title>"].iter().any(|tag| text.contains(tag)) {
        Some("html-body".into())
    } else if text.contains("{\"") || text.contains("{\n") || text.contains("\"error\":") {
        Some("json-body".into())
    } else {
        None
    }
}

/// The status that a proxy answered with.
pub(super) fn proxy_status(text: &str) -> Option<u16> {
    static STATUS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)(?:HTTP/1\.[01] |code |failed: |got: |CONNECT: |statusCode=|response |code ')([45][0-9][0-9])(?-u:\b)|(?-u:\b)(407)(?-u:\b)").expect("a pattern")
    });
    STATUS.captures(text)?.iter().skip(1).flatten().next()?.as_str().parse().ok()
}

/// The time-out that a text names.
pub(super) fn timeout(text: &str) -> Option<Duration> {
    static TIMEOUT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?i)(?:(?:time-?out|within|after|failed:|of|expired|limit)[ :=(]{1,3}|exception: |elapsed: )",
            r"([0-9]{1,9}(?:[.,][0-9]{1,9})?) ?(ms(?-u:\b)|milliseconds|millis|s(?-u:\b)|sec|seconds|minutes|min(?-u:\b)|minute\(s\)|second\(s\)|nanos|ns(?-u:\b)|\)|,|;|$)",
        ))
        .expect("a pattern")
    });
    let found = TIMEOUT.captures_iter(text).take(4).find(|found| {
        // A bare number is a time only behind the word itself.
        !matches!(&found[2], ")" | "," | ";" | "") || found[0].to_ascii_lowercase().starts_with("time")
    })?;
    let number: f64 = found[1].replace(',', "").parse().ok()?;
    let seconds = match &found[2].to_ascii_lowercase()[..] {
        "ms" | "milliseconds" | "millis" => number / 1000.0,
        "minutes" | "min" | "minute(s)" => number * 60.0,
        "nanos" | "ns" => number / 1e9,
        "s" | "sec" | "seconds" | "second(s)" => number,
        // Python counts in seconds, JavaMail in milliseconds.
        _ if text.contains("timeout=") => number,
        _ => number / 1000.0,
    };
    (0.0..=86_400.0).contains(&seconds).then(|| Duration::from_micros((seconds * 1e6).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_are_read_in_the_units_of_their_clients() {
        let cases = [
            ("connection timed out after 30000 ms: h/1.2.3.4:443", 30_000),
            ("(connect timeout=2)", 2_000),
            ("smtp.partner.example, 587; timeout 5000", 5_000),
            ("failed: 60000 MILLISECONDS", 60_000),
            ("deadline exceeded after 29.999s. [", 29_999),
            ("timeout of 5000ms exceeded", 5_000),
            ("(attempted address: h:443, timeout: 10000ms)", 10_000),
            ("from /10.0.0.2 (port 40000) after 10000ms", 10_000),
            ("Command timed out after 1 minute(s)", 60_000),
            ("SocketTimeoutException: 3 SECONDS", 3_000),
        ];
        for (text, millis) in cases {
            assert_eq!(timeout(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["Failed to connect to h port 443 after x", "after 3 attempts", "connect timed out"] {
            assert_eq!(timeout(text), None, "{text}");
        }
    }
}
