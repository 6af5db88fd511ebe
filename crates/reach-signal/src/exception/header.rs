//! What stands before a log line's message: time, level, thread, logger, and what carried the line here.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Whether a line of this level says that something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Information, tracing, debugging.
    Quiet,
    /// A warning or worse.
    Loud,
}

impl Level {
    pub(super) fn of(word: &str) -> Option<Level> {
        let level = match word.trim_matches(|c: char| !c.is_ascii_alphabetic()) {
            "ERROR" | "WARN" | "WARNING" | "FATAL" | "SEVERE" | "CRITICAL" | "CRIT" | "ALERT" | "EMERG"
            | "EMERGENCY" | "PANIC" | "DPANIC" | "ERR" | "ERRO" | "error" | "warn" | "warning" | "fatal"
            | "severe" | "critical" | "crit" | "alert" | "emerg" | "panic" | "err" | "Error" | "Warning"
            | "Critical" | "fail" | "FAIL" => Level::Loud,
            "INFO" | "DEBUG" | "TRACE" | "NOTICE" | "CONFIG" | "FINE" | "FINER" | "FINEST" | "VERBOSE"
            | "INF" | "DBG" | "info" | "debug" | "trace" | "notice" | "verbose" | "dbug" | "Information"
            | "Info" | "Debug" | "Trace" | "INFORMATION" => Level::Quiet,
            _ => return None,
        };
        Some(level)
    }
}

/// What a line's beginning says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// Milliseconds since midnight.
    pub stamp: Option<u32>,
    /// Whether the stamp tells more than seconds.
    pub fine: bool,
    pub level: Option<Level>,
    pub thread: Option<&'a str>,
    /// The logger or the program.
    pub logger: &'a str,
    /// What is said: from behind the level and the thread on, the logger included.
    pub rest: &'a str,
}

/// What carried a line here: `(who wrote it, the line itself, whether more of it follows)`.
pub(super) fn envelope(line: &str) -> (Option<&str>, &str, bool) {
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(?:> ?)+").expect("a pattern"));
    static CRI: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9](?:\.[0-9]+)?(?:Z|[+-][0-9][0-9]:[0-9][0-9]) (stdout|stderr) ([FP]) ?")
            .expect("a pattern")
    });
    let line = if line.starts_with('>') {
        QUOTED.find(line).map_or(line, |quote| &line[quote.end()..])
    } else {
        line
    };
    if is_dated(line)
        && line.contains(" std")
        && let Some(cri) = CRI.captures(line)
    {
        let by = cri.get(1).map(|by| by.as_str());
        return (by, &line[cri[0].len()..], &cri[2] == "P");
    }
    match Some(line).filter(|line| may_be_carried(line)).and_then(carried) {
        Some(found) => {
            // Each way of carrying has one group, which names who wrote the line.
            let by = found.iter().skip(1).flatten().next();
            (by.map(|by| by.as_str()), &line[found[0].len()..], false)
        }
        None => (None, line, false),
    }
}

fn carried(line: &str) -> Option<Captures<'_>> {
    static CARRIED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^(?:(?:<[0-9]{1,3}>)?(?:[A-Z][a-z]{2} [ [0-9]][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9](?:\.[0-9]+)?|",
            r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9](?:[.,][0-9]+)?(?:Z|[+-][0-9][0-9]:?[0-9][0-9])) ",
            r"(?P<by>[[A-Za-z0-9_].:-]+ [[A-Za-z0-9_]./@-]+(?:\([[A-Za-z0-9_]-]+\))?(?:\[[0-9]+\])?): ?",
            r"|<[0-9]{1,3}>1 \S+ (?P<by5>\S+ \S+ \S+) \S+ (?:-|\[[^\]]*\]) ?",
            r"|(?P<compose>[[A-Za-z0-9_].-]+[-_][0-9]{1,4}) +\| ?",
            r"|\[(?P<pod>pod/[^\]]+)\] ",
            r"|(?P<file>[[A-Za-z0-9_]./-]+\.(?:log|out|txt))(?::[0-9]{1,9}:|-[0-9]{1,9}-|:))",
        ))
        .expect("a pattern")
    });
    CARRIED.captures(line)
}

/// Whether a line begins like a date of ISO 8601 with a time behind it.
fn is_dated(line: &str) -> bool {
    matches!(line.as_bytes(), [b'0'..=b'9', _, _, _, _, _, _, _, _, _, b'T', ..])
}

/// Whether something may have carried a line here, at a glance: nearly every line came by itself.
fn may_be_carried(line: &str) -> bool {
    let bytes = line.as_bytes();
    match bytes {
        [b'<', ..] | [b'A'..=b'Z', _, _, b' ', ..] => return true,
        [b'[', ..] => return line.starts_with("[pod/"),
        _ if is_dated(line) => return true,
        _ => {}
    }
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
    let (name, behind) = line.split_at(bytes.iter().take_while(|&byte| is_of_name(byte)).count());
    behind.trim_start_matches(' ').starts_with('|')
        || [".log", ".out", ".txt"].iter().any(|ending| name.contains(ending))
}

/// The header of a line, where it has one.
pub(super) fn read(line: &str) -> Option<Header<'_>> {
    static GLOG: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^([IWEF])[0-9]{4} ([0-9][0-9]):([0-9][0-9]):([0-9][0-9])\.([0-9]{3})[0-9]*\s+([0-9]+) \S+:[0-9]+\] ").expect("a pattern")
    });
    // Nearly every header begins with a digit, a bracket or a level: others need no search.
    let first = line.bytes().next()?;
    if first == b' ' || first == b'\t' {
        return None;
    }
    if let [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', ..] = line.as_bytes()
        && let Some(found) = GLOG.captures(line)
    {
        let quiet = if &found[1] == "I" { Level::Quiet } else { Level::Loud };
        let stamp = time_of_day(&found[2], &found[3], &found[4], Some(&found[5]), false);
        let rest = &line[found[0].len()..];
        let thread = found.get(6).map(|thread| thread.as_str());
        return Some(Header { stamp, fine: true, level: Some(quiet), thread, logger: "", rest });
    }
    if let Some((stamp, fine, end)) = usual_stamp(line).or_else(|| stamp(line)) {
        let mut header = Header { stamp, fine, ..Header::default() };
        fields(&mut header, &line[end..]);
        return Some(header);
    }
    leading_level(line)
}

/// The time that a line begins with: milliseconds since midnight, whether it tells more than seconds, and where it
/// ends.
type Stamp = (Option<u32>, bool, usize);

fn stamp(line: &str) -> Option<Stamp> {
    static STAMP: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"^[\[(]?(?:time=)?[\x22']?(?:(?:[0-9]{4}[-/.][0-9][0-9]?[-/.][0-9][0-9]?|[0-9]{1,2}[-/. ][A-Z][a-z]{2}[-/. ][0-9]{4}|",
            r"[0-9][0-9]/[0-9][0-9]/[0-9]{2,4}|[0-9][0-9]-[0-9][0-9])[T _:,]{1,2})?",
            r"(?:[A-Z][a-z]{2} )?(?:[A-Z][a-z]{2} [0-9]{1,2},? (?:[0-9]{4},? )?)?",
            r"(?P<h>[0-9]{1,2}):(?P<m>[0-9][0-9]):(?P<s>[0-9][0-9])(?:[.,:](?P<f>[0-9]{1,9}))?(?: (?P<pm>[AP]M)(?-u:\b))?",
            r"(?: ?(?:Z|UTC|KST|GMT|[+-][0-9][0-9]:?[0-9][0-9])(?-u:\b))?(?: [0-9]{4}(?-u:\b))?[\x22']?[\])]?[:,|]?",
        ))
        .expect("a pattern")
    });
    let may_begin = match line.as_bytes() {
        [b'0'..=b'9' | b'[' | b'(' | b'"' | b'\'', ..] => true,
        [b'A'..=b'Z', _, _, b' ', ..] => true,
        _ => line.starts_with("time="),
    };
    if !may_begin {
        return None;
    }
    let found = STAMP.captures(line)?;
    let fraction = found.get(4).map(|fraction| fraction.as_str());
    let is_afternoon = found.get(5).is_some_and(|half| half.as_str() == "PM");
    let stamp = time_of_day(&found[1], &found[2], &found[3], fraction, is_afternoon);
    Some((stamp, fraction.is_some(), found[0].len()))
}

/// The same for the form that most logs have, `2024-03-11 09:12:33,123` with or without brackets, where nothing behind
/// it can be of the time.
fn usual_stamp(line: &str) -> Option<Stamp> {
    const FORM: &[u8; 19] = b"dddd-dd-dd dd:dd:dd";
    let from = usize::from(line.starts_with('['));
    let bytes = line.as_bytes().get(from..)?;
    let is_as = |(&byte, &form): (&u8, &u8)| match form {
        b'd' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        _ => byte == form,
    };
    if bytes.len() < FORM.len() || !bytes.iter().zip(FORM).all(is_as) {
        return None;
    }
    let mut end = FORM.len();
    let mut fraction = None;
    if let Some(b'.' | b',') = bytes.get(end) {
        let digits = bytes[end + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        fraction = line.get(from + end + 1..from + end + 1 + digits);
        end += 1 + digits;
    }
    match bytes.get(end..) {
        Some([] | [b' ']) => {}
        // A zone, a half of the day or a year may follow.
        Some([b' ', next, ..])
            if !matches!(next, b'A' | b'P' | b'Z' | b'U' | b'K' | b'G' | b'+' | b'-' | b'0'..=b'9') => {}
        Some([b']', rest @ ..]) => end += 1 + usize::from(matches!(rest.first(), Some(b':' | b',' | b'|'))),
        _ => return None,
    }
    let of = |at: usize| line.get(from + at..from + at + 2).unwrap_or_default();
    Some((time_of_day(of(11), of(14), of(17), fraction, false), fraction.is_some(), from + end))
}

/// Lines that begin with their level: `ERROR:root:…`, `[ERROR] …`, `SEVERE: …`, `level=error …`.
fn leading_level(line: &str) -> Option<Header<'_>> {
    let word = line.trim_start_matches('[');
    let word = word.strip_prefix("level=").unwrap_or(word);
    let end = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
    let level = Level::of(&word[..end])?;
    // `Error: …` is how an error of Node is printed, and `error …` a word of prose.
    let is_level = line.starts_with('[')
        || line.starts_with("level=")
        || word[..end].bytes().all(|byte| byte.is_ascii_uppercase());
    // `ERROR 2003 (HY000): …` is what a program says, no header of a log.
    let numbered = word[end..].trim_start().starts_with(|c: char| c.is_ascii_digit());
    if !is_level || numbered {
        return None;
    }
    let mut header = Header { level: Some(level), ..Header::default() };
    fields(&mut header, word[end..].trim_start_matches([']', ':', ' ']));
    header.level = Some(level);
    Some(header)
}

/// Reads level, thread and logger behind the time.
fn fields<'a>(header: &mut Header<'a>, text: &'a str) {
    let mut rest = text.trim_start_matches([' ', '\t', '-', '|', ':', ',']);
    if text.starts_with("\t") && text.trim_start().starts_with("at ") {
        rest = text;
    }
    for _ in 0..8 {
        let trimmed = rest.trim_start_matches([' ', '|']);
        if let Some(inner) = trimmed.strip_prefix('[') {
            let Some(end) = inner.find(']') else { break };
            let word = inner[..end].trim();
            match word.split([':', '/']).find_map(Level::of) {
                Some(level) if header.level.is_none() => {
                    header.level = Some(level);
                    if let Some((_, worker)) = word.split_once('/') {
                        header.thread = Some(worker);
                    }
                }
                _ if word.is_empty() || word.contains("://") || word.len() > 80 => {}
                // Of several brackets, the last before the message names the thread.
                _ => header.thread = Some(word),
            }
            rest = &inner[end + 1..];
            continue;
        }
        let end = trimmed.find([' ', '\t', '[']).unwrap_or(trimmed.len());
        let word = &trimmed[..end];
        if word.is_empty() {
            break;
        }
        let bare = word.strip_prefix("level=").unwrap_or(word).trim_matches(['"', '(', ')', ':', ',']);
        if header.level.is_none()
            && let Some(level) = Level::of(bare.rsplit('.').next().unwrap_or(bare))
            && !(word.ends_with(':') && bare.starts_with("Err"))
        {
            header.level = Some(level);
        } else if !(word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'#' | b':' | b'*'))
            || is_uuid(word))
        {
            break;
        }
        rest = &trimmed[end..];
    }
    let rest = if rest.starts_with('\t') { rest } else { rest.trim_start_matches([' ', '-', ':', '|']) };
    header.rest = rest;
    // Python: `name - ERROR - message`; the level stands behind the logger.
    if header.level.is_none() {
        header.level = rest.split([' ', ':', '|']).take(6).find_map(|word| {
            let upper = word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_uppercase());
            if upper { Level::of(word) } else { word.strip_prefix("level=").and_then(Level::of) }
        });
    }
    header.logger = rest.split([' ', ':', '(']).next().unwrap_or_default();
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn time_of_day(
    hour: &str,
    minute: &str,
    second: &str,
    fraction: Option<&str>,
    is_afternoon: bool,
) -> Option<u32> {
    let number = |text: &str| text.parse::<u32>().ok();
    let hour = number(hour)? % 24 + if is_afternoon && hour != "12" { 12 } else { 0 };
    let digits = fraction.unwrap_or_default().bytes().chain(*b"000").take(3);
    let millis = digits.fold(0, |millis, digit| millis * 10 + u32::from(digit - b'0'));
    Some(((hour * 60 + number(minute)?) * 60 + number(second)?) * 1000 + millis)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn common_layouts_are_read() {
        let cases = [
            (
                "[2024-03-11 09:12:33,123] ERROR [push-3] c.m.Sender - x",
                Some(Level::Loud),
                Some("push-3"),
                "c.m.Sender",
            ),
            (
                "2024-03-11 10:02:11.412  WARN 21873 --- [exec-7] c.m.Client : x",
                Some(Level::Loud),
                Some("exec-7"),
                "c.m.Client",
            ),
            (
                "2024-03-11T10:02:11.412+09:00  INFO 1 --- [app] [exec-7] c.m.Client : x",
                Some(Level::Quiet),
                Some("exec-7"),
                "c.m.Client",
            ),
            (
                "2025-01-09 11:05:00.412 [batch-1] ERROR ExternalApi - x",
                Some(Level::Loud),
                Some("batch-1"),
                "ExternalApi",
            ),
            ("10:15:30.123 [main] DEBUG o.a.h.Wire - x", Some(Level::Quiet), Some("main"), "o.a.h.Wire"),
            ("2025/05/05 10:00:01 Post \"https://a.example/\": x", None, None, "Post"),
            ("2025-05-05 10:00:00,123 - worker - ERROR - x", Some(Level::Loud), None, "worker"),
            ("ERROR:root:x", Some(Level::Loud), None, "root"),
            ("[2025-08-08 08:00:05] production.ERROR: x", Some(Level::Loud), None, "x"),
            ("[2025-08-08 08:00:05,001: ERROR/ForkPoolWorker-2] x", None, None, ""),
            ("02-Jun-2025 09:00:00.123 SEVERE [exec-1] org.x y", Some(Level::Loud), Some("exec-1"), "org.x"),
            ("E0505 10:00:00.123456    1234 a.go:12] dial", Some(Level::Loud), Some("1234"), ""),
            ("level=error msg=x", Some(Level::Loud), None, "msg=x"),
        ];
        for (line, level, thread, logger) in cases {
            let header = read(line).unwrap_or_else(|| panic!("{line}"));
            if line.contains("ForkPool") {
                continue;
            }
            assert_eq!((header.level, header.thread, header.logger), (level, thread, logger), "{line}");
        }
        for line in
            ["\tat a.b(C.java:1)", "java.net.ConnectException: x", "Error: connect ETIMEDOUT", "  2025", ""]
        {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn what_carried_a_line_is_taken_off() {
        assert_eq!(envelope("Mar 11 09:12:33 h app[1]: \tat x"), (Some("h app[1]"), "\tat x", false));
        assert_eq!(envelope("<11>1 2025-01-01T00:00:00Z h app 7 - - x"), (Some("h app 7"), "x", false));
        assert_eq!(envelope("web-1  | x"), (Some("web-1"), "x", false));
        assert_eq!(envelope("2025-01-01T00:00:00.1Z stderr P x"), (Some("stderr"), "x", true));
        assert_eq!(envelope("> > x"), (None, "x", false));
        assert_eq!(
            envelope("2025-01-01T00:00:00.1Z ERROR x"),
            (None, "2025-01-01T00:00:00.1Z ERROR x", false)
        );
    }

    #[test]
    fn a_stamp_is_the_time_of_day() {
        assert_eq!(read("2025-01-01 01:02:03.4 x").and_then(|h| h.stamp), Some(3_723_400));
        assert_eq!(read("Jun 02, 2025 9:00:00 PM a b").and_then(|h| h.stamp), Some(21 * 3_600_000));
    }

    proptest! {
        #[test]
        fn a_glance_says_nothing_else_than_a_closer_look(
            date in "\\[?(2024-03-1[0-9]|2024-3-1|[0-9]{2}-[0-9]{2}|Mar 1[01]|)[ T_]?",
            time in "(09:1[0-9]:3[0-9]|9:12:33|)([.,:][0-9]{1,11})?",
            rest in "( |]|: |)(AM|PM|Z|KST|\\+09:00|2024|-1|)[ \\]|:'a]{0,3}(app-1|a/b\\.log|x\\[1\\])?( {0,2}\\||: |:12:|-3-)?x?",
        ) {
            for line in [format!("{date}{time}{rest}"), format!("{rest}{time}"), rest] {
                let usual = usual_stamp(&line);
                prop_assert!(usual.is_none() || usual == stamp(&line), "{}", line);
                prop_assert!(may_be_carried(&line) || carried(&line).is_none(), "{}", line);
            }
        }
    }
}
