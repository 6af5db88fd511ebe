//! Records as JSON objects: logstash, ECS, Google Cloud, pino, log4j2, container runtimes.

use serde_json::{Map, Value};

use super::{
    head::{Head, Role},
    header::Level,
    place::{self, Place},
};

/// How deep objects in objects are read.
const DEPTH: usize = 6;

/// What an object says.
#[derive(Debug, Default)]
pub(super) struct Structured {
    pub level: Option<Level>,
    pub thread: Option<String>,
    pub logger: String,
    /// What is said, and stack traces behind it.
    pub texts: Vec<String>,
    /// A throwable whose class and message are fields of their own.
    pub heads: Vec<Head>,
    /// Destination by fields.
    pub place: Place,
    /// The object carries a line of another format, with who wrote it.
    pub carried: Option<(String, String)>,
}

/// Reads a line that is a JSON object.
pub(super) fn read(line: &str) -> Option<Structured> {
    let line = line.trim();
    if !line.starts_with('{') || !line.ends_with('}') {
        return None;
    }
    let Ok(Value::Object(object)) = serde_json::from_str(line) else { return None };
    let mut structured = Structured::default();
    if let Some(carried) = carried(&object) {
        structured.carried = Some(carried);
        return Some(structured);
    }
    let mut stacks = Vec::new();
    walk(&object, "", 0, &mut structured, &mut stacks);
    structured.texts.append(&mut stacks);
    Some(structured)
}

/// `{"log":"…\n","stream":"stderr"}` and what journald exports.
fn carried(object: &Map<String, Value>) -> Option<(String, String)> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    if let (Some(log), Some(_)) = (text("log"), text("stream").or(text("time"))) {
        return Some((text("stream").unwrap_or_default().to_owned(), log.to_owned()));
    }
    let message = text("MESSAGE")?;
    let by = text("_SYSTEMD_UNIT").or(text("SYSLOG_IDENTIFIER")).unwrap_or_default();
    Some((format!("{by} {}", text("_PID").unwrap_or_default()), message.to_owned()))
}

fn walk(
    object: &Map<String, Value>,
    path: &str,
    depth: usize,
    into: &mut Structured,
    stacks: &mut Vec<String>,
) {
    if depth > DEPTH {
        return;
    }
    let is_error =
        ["err", "error", "exception", "throwable", "thrown", "cause", "exc_info", "extendedstacktrace"]
            .iter()
            .any(|end| path.ends_with(end));
    if is_error {
        throwable(object, depth, into, stacks);
    }
    for (key, value) in object.iter().take(256) {
        let lower = key.to_ascii_lowercase();
        let whole = if path.is_empty() { lower.clone() } else { format!("{path}.{lower}") };
        match value {
            Value::Object(inner) => walk(inner, &whole, depth + 1, into, stacks),
            Value::Array(items) => {
                for item in items.iter().take(16) {
                    match item {
                        Value::Object(inner) if !lower.contains("stacktrace") && lower != "frames" => {
                            walk(inner, &whole, depth + 1, into, stacks)
                        }
                        Value::String(text) if text.contains('\n') || text.contains("Exception") => {
                            stacks.push(text.clone())
                        }
                        _ => {}
                    }
                }
            }
            Value::String(text) => field(&whole, &lower, text, is_error, into, stacks),
            Value::Number(number) => match &lower[..] {
                "port" | "server.port" | "net.peer.port" | "destination.port" => {
                    into.place.port =
                        into.place.port.or(number.as_u64().and_then(|port| port.try_into().ok()));
                }
                // pino and bunyan count levels by tens.
                "level" if path.is_empty() => {
                    // GELF has syslog's, of which the small ones are grave.
                    into.level = number.as_u64().map(|level| match level {
                        0..=4 | 40.. => Level::Loud,
                        _ => Level::Quiet,
                    });
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn field(path: &str, key: &str, text: &str, in_error: bool, into: &mut Structured, stacks: &mut Vec<String>) {
    let last = path.rsplit('.').next().unwrap_or(path);
    // GELF has a name of its own for what others add.
    let last = last.strip_prefix("_error_").or(last.strip_prefix('_')).unwrap_or(last);
    match path {
        "level" | "severity" | "log.level" | "levelname" | "lvl" | "loglevel" | "@l" | "level_name"
        | "priority" => {
            into.level =
                into.level.or_else(|| Level::of(text).or_else(|| Level::of(&text.to_ascii_uppercase())));
            return;
        }
        "thread" | "thread_name" | "threadname" | "process.thread.name" | "thread.name" => {
            into.thread = Some(text.to_owned());
            return;
        }
        "logger" | "logger_name" | "loggername" | "log.logger" | "name" | "caller" => {
            if into.logger.is_empty() {
                text.clone_into(&mut into.logger);
            }
            return;
        }
        "message"
        | "msg"
        | "@m"
        | "@message"
        | "textpayload"
        | "short_message"
        | "event"
        | "jsonpayload.message"
        | "full_message" => {
            into.texts.insert(0, text.to_owned());
            return;
        }
        _ => {}
    }
    if matches!(
        last,
        "stack_trace"
            | "stacktrace"
            | "stack"
            | "exc_info"
            | "exc_text"
            | "extendedstacktrace"
            | "traceback"
            | "@x"
            | "backtrace"
            | "exception_stacktrace"
    ) || (matches!(
        last,
        "exception" | "error" | "err" | "throwable" | "cause" | "thrown" | "full_exception" | "reason"
    ) && !in_error)
    {
        stacks.push(text.to_owned());
        return;
    }
    if matches!(
        last,
        "url"
            | "uri"
            | "full"
            | "endpoint"
            | "target"
            | "destination"
            | "request_url"
            | "requesturl"
            | "href"
            | "baseurl"
            | "http.url"
            | "url.full"
            | "upstream"
    ) {
        let found = place::around(text);
        if !into.place.is_somewhere() {
            into.place = found;
        }
    } else if matches!(
        key,
        "host"
            | "hostname"
            | "server.address"
            | "peer"
            | "address"
            | "net.peer.name"
            | "destination.address"
            | "server"
    ) && (in_error || path.contains("server") || path.contains("peer") || path.contains("dest"))
    {
        into.place.absorb(&place::around(&format!("host={text}")));
    }
}

/// A throwable as an object: its class and message stand in fields of their own.
fn throwable(object: &Map<String, Value>, depth: usize, into: &mut Structured, stacks: &[String]) {
    let text = |keys: &[&str]| {
        keys.iter().find_map(|key| {
            object
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key))
                .and_then(|(_, value)| value.as_str())
        })
    };
    let has_stack = text(&["stack_trace", "stacktrace", "stack", "extendedStackTrace", "traceback"])
        .is_some_and(|stack| stack.contains('\n'))
        || !stacks.is_empty();
    let kind = text(&["type", "exception_class", "class", "name", "className", "kind"]);
    let message = text(&["message", "exception_message", "localizedMessage", "msg"]);
    if let (Some(kind), false) = (kind, has_stack) {
        let message = message.unwrap_or_default().to_owned();
        let role = if depth > 1 && !into.heads.is_empty() { Role::Cause } else { Role::Thrown };
        into.heads.push(Head { kind: kind.to_owned(), message, role });
    } else if let (None, Some(message), false) = (kind, message, has_stack) {
        into.texts.push(message.to_owned());
    }
    for key in ["address", "hostname", "host"] {
        if let Some(address) = text(&[key]).and_then(place::address) {
            into.place.addresses.insert(address);
        }
    }
}
