//! Lines that belong together: cut by a terminal, or with a header before each.

use super::{
    frames, head,
    header::{self, Header},
    record::Record,
};

/// What of a line with a header continues the record before it: loggers that put a header before every line.
pub(super) fn continuation<'a>(header: &Header<'a>, record: &Record, interesting: bool) -> Option<&'a str> {
    let rest = header.rest;
    if let Some(at) = rest.find("\tat ").filter(|&at| at < 120) {
        return Some(&rest[at..]);
    }
    if rest.starts_with("at ") && rest.ends_with(')') || rest.starts_with("... ") && rest.ends_with(" more") {
        return Some(rest);
    }
    if !interesting {
        return None;
    }
    let message = rest
        .split_once(" - ")
        .or_else(|| rest.split_once(": "))
        .map_or(rest, |(logger, message)| if logger.contains(' ') { rest } else { message });
    for text in [rest, message] {
        if head::marked(text).is_some() {
            return Some(text);
        }
    }
    let same = record.is_headed_like(header);
    (same && head::whole(message.trim(), head::Role::Thrown).is_some()).then_some(message.trim())
}

/// Whether the second line is the rest of the first, which a terminal cut.
pub(super) fn continues(held: &str, line: &str) -> bool {
    const STARTS: [&str; 22] = [
        "curl: ",
        "cURL error",
        "telnet:",
        "nc: ",
        "Ncat: ",
        "Trying ",
        "$ ",
        "# ",
        "Traceback",
        "{",
        "}",
        "* ",
        "ssh: ",
        "wget: ",
        "psql:",
        "Connecting to",
        "Connection failed",
        "Connected to",
        "[stacktrace]",
        "---",
        "During handling",
        "The above",
    ];
    if line.is_empty() || line.starts_with('\t') || line.starts_with("  ") {
        return false;
    }
    let complete = frames::is_frame(held) && held.ends_with([')', ']']);
    !complete
        && header::read(line).is_none()
        && !frames::is_frame(line)
        && head::marked(line).is_none()
        && head::whole(line, head::Role::Thrown).is_none()
        && !STARTS.iter().any(|start| line.starts_with(start))
}
