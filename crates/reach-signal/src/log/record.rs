//! Lines to records: a stack trace belongs to the line above it.

use std::collections::BTreeMap;

use reach_core::Time;

use super::level::Level;

/// What one record may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lines; those beyond begin a record of their own.
    pub lines: u32,
    /// Bytes; the same.
    pub bytes: usize,
    /// Streams whose records are joined at the same time.
    pub streams: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lines: 2_000, bytes: 512 * 1024, streams: 256 }
    }
}

/// One record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// When it was written, where it says so.
    pub at: Option<Time>,
    /// How grave.
    pub level: Option<Level>,
    /// Its lines.
    pub text: String,
    /// Bytes of the log before it.
    pub from: u64,
    lines: u32,
    /// When its last line was heard.
    heard: Time,
    is_open: bool,
}

/// What is known of one line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its stream.
    pub stream: &'a str,
    /// The time that it begins with, or that is known otherwise.
    pub at: Option<Time>,
    /// Its level, where it names one.
    pub level: Option<Level>,
    /// Its text.
    pub text: &'a str,
    /// A record of its own whatever surrounds it: JSON.
    pub is_whole: bool,
    /// The text itself begins with a time, or with what a record begins with in its form.
    pub begins: bool,
    /// When it was read.
    pub heard: Time,
    /// Bytes of the log before it.
    pub from: u64,
}

/// Joins lines to records, each stream for itself.
#[derive(Debug)]
pub struct Joiner {
    limits: Limits,
    /// Lines that name no stream: nearly all.
    main: Stream,
    others: BTreeMap<String, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    record: Record,
    /// Records of this stream begin with a time: what begins without one continues.
    begins_with_times: bool,
}

impl Joiner {
    /// Joins within these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, main: Stream::default(), others: BTreeMap::new() }
    }

    /// Takes a line, and gives the record that is over with it, if one is, and its stream.
    pub fn push(&mut self, line: &Line<'_>, each: &mut dyn FnMut(&str, &Record)) {
        let limits = self.limits;
        let stream = if line.stream.is_empty() {
            &mut self.main
        } else {
            if !self.others.contains_key(line.stream) {
                if self.others.len() >= limits.streams.max(1) {
                    self.end_oldest(each);
                }
                self.others.insert(line.stream.to_owned(), Stream::default());
            }
            self.others.entry(line.stream.to_owned()).or_default()
        };
        stream.push(line, limits, each);
    }

    /// Gives the records whose last line was heard before `until`: nothing seems to follow.
    pub fn settle(&mut self, until: Time, each: &mut dyn FnMut(&str, &Record)) {
        if self.main.record.is_open && self.main.record.heard <= until {
            self.main.end("", each);
        }
        for (name, stream) in &mut self.others {
            if stream.record.is_open && stream.record.heard <= until {
                stream.end(name, each);
            }
        }
    }

    /// Gives all records: nothing follows.
    pub fn finish(&mut self, each: &mut dyn FnMut(&str, &Record)) {
        self.settle(Time::from_micros(u64::MAX), each);
    }

    /// Whether some record may go on.
    pub fn is_open(&self) -> bool {
        self.main.record.is_open || self.others.values().any(|stream| stream.record.is_open)
    }

    /// Where the first record begins that may go on.
    pub fn open_from(&self) -> Option<u64> {
        let all = std::iter::once(&self.main).chain(self.others.values());
        all.filter(|stream| stream.record.is_open).map(|stream| stream.record.from).min()
    }

    fn end_oldest(&mut self, each: &mut dyn FnMut(&str, &Record)) {
        let oldest = self.others.iter().min_by_key(|(_, stream)| stream.record.heard);
        if let Some(name) = oldest.map(|(name, _)| name.clone())
            && let Some(mut stream) = self.others.remove(&name)
        {
            stream.end(&name, each);
        }
    }
}

impl Stream {
    fn push(&mut self, line: &Line<'_>, limits: Limits, each: &mut dyn FnMut(&str, &Record)) {
        let fits =
            self.record.lines < limits.lines && self.record.text.len() + line.text.len() < limits.bytes;
        let continues =
            self.record.is_open && fits && !line.is_whole && !line.begins && self.continues(line.text);
        if continues {
            self.record.text.push('\n');
            self.record.text.push_str(line.text);
            self.record.lines += 1;
            self.record.heard = line.heard;
            return;
        }
        self.end(line.stream, each);
        self.begins_with_times = line.begins || (self.begins_with_times && !line.is_whole);
        let record = &mut self.record;
        record.text.push_str(line.text);
        (record.at, record.level, record.lines) = (line.at, line.level, 1);
        (record.heard, record.from, record.is_open) = (line.heard, line.from, true);
    }

    fn continues(&self, text: &str) -> bool {
        self.begins_with_times || is_continuation(text, &self.record.text)
    }

    /// The buffer of the text is used again: records are many.
    fn end(&mut self, name: &str, each: &mut dyn FnMut(&str, &Record)) {
        if self.record.is_open {
            each(name, &self.record);
        }
        self.record.text.clear();
        self.record.is_open = false;
    }
}

/// Whether a line goes on with what is above it, by its own looks: frames and causes of the JVM, Python, Node, Go, PHP,
/// Ruby and .NET, and whatever is indented.
pub fn is_continuation(line: &str, before: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "Caused by: ",
        "Suppressed: ",
        "Wrapped by: ",
        "... ",
        "at ",
        "Traceback (most recent call last)",
        "During handling of the above exception",
        "The above exception was the direct cause",
        "Error has been observed at the following site",
        "Original Stack Trace:",
        "nested exception is",
        "Stack trace:",
        "[stacktrace]",
        "[previous exception]",
        "[object]",
        "goroutine ",
        "created by ",
        "exit status ",
        "--- End of",
        "---> ",
        "#0 ",
    ];
    let Some(first) = line.as_bytes().first() else { return true };
    if matches!(first, b' ' | b'\t' | b'}' | b')' | b']') {
        return true;
    }
    if BEGINNINGS.iter().any(|beginning| line.starts_with(beginning)) || is_php_frame(line) {
        return true;
    }
    // The line that names Python's exception stands below its frames, unindented; so does what Go's panic was.
    let last = before.rsplit('\n').next().unwrap_or_default();
    if last.starts_with("  ") && before.contains("Traceback (most recent call last)") {
        return is_exception_line(line);
    }
    // An exception on a line of its own, below the message that it belongs to.
    !before.contains('\n') && is_exception_line(line) && !is_exception_line(before)
}

/// `#12 /srv/app.php(30): call()`, `#1 {main}`.
fn is_php_frame(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && rest[digits..].starts_with(' ')
    })
}

/// `java.net.SocketException: connect timed out`, `requests.exceptions.ConnectTimeout: …`.
fn is_exception_line(line: &str) -> bool {
    let name = line.split([':', ' ', '(']).next().unwrap_or_default();
    let is_dotted = name.len() >= 5
        && name.len() <= 200
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$'));
    let last = name.rsplit(['.', '$']).next().unwrap_or_default();
    let is_named =
        ["Exception", "Error", "Timeout", "Throwable", "Failure"].iter().any(|end| last.ends_with(end));
    is_dotted && is_named && last.starts_with(|c: char| c.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(lines: &[(&str, &str, bool)]) -> Vec<(String, String)> {
        let mut joiner = Joiner::new(Limits::default());
        let mut found = Vec::new();
        let mut each = |stream: &str, record: &Record| found.push((stream.to_owned(), record.text.clone()));
        for (stream, text, begins) in lines {
            let line = Line {
                stream,
                at: None,
                level: None,
                text,
                is_whole: text.starts_with('{') && text.ends_with('}'),
                begins: *begins,
                heard: Time::from_micros(1),
                from: 0,
            };
            joiner.push(&line, &mut each);
        }
        joiner.finish(&mut each);
        found
    }

    fn texts(lines: &[(&str, &str, bool)]) -> Vec<String> {
        joined(lines).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn where_records_begin_with_times_everything_else_continues() {
        assert_eq!(
            texts(&[
                ("", "10:00 ERROR failed", true),
                ("", "java.net.SocketException: connect timed out", false),
                ("", "\tat a.b", false),
                ("", "what the peer said", false),
                ("", "10:01 INFO", true),
            ]),
            [
                "10:00 ERROR failed\njava.net.SocketException: connect timed out\n\tat a.b\nwhat the peer said",
                "10:01 INFO"
            ]
        );
    }

    #[test]
    fn where_they_do_not_traces_are_known_by_their_looks() {
        assert_eq!(
            texts(&[
                ("", "push failed", false),
                ("", "java.net.SocketException: connect timed out", false),
                ("", "\tat a.b", false),
                ("", "Caused by: x", false),
                ("", "\t... 13 more", false),
                ("", "push sent", false),
                ("", "Traceback (most recent call last):", false),
                ("", "  File \"a.py\", line 1", false),
                ("", "requests.exceptions.ConnectTimeout: x", false),
                ("", "done", false),
                ("", "Error: connect ETIMEDOUT 192.0.2.1:443", false),
                ("", "    at TCPConnectWrap", false),
                ("", "  errno: -110", false),
                ("", "}", false),
                ("", "FetchError: request failed", false),
            ])
            .len(),
            4
        );
        let php = texts(&[
            ("", "PHP Fatal error: x", false),
            ("", "#0 /a.php(3): f()", false),
            ("", "#11 {main}", false),
        ]);
        assert_eq!(php.len(), 1);
    }

    #[test]
    fn streams_that_write_in_turns_are_kept_apart() {
        let found = joined(&[
            ("a[1]", "first failed", false),
            ("a[2]", "second failed", false),
            ("a[1]", "\tat a.b", false),
            ("a[2]", "\tat c.d", false),
        ]);
        assert_eq!(
            found,
            [
                ("a[1]".to_owned(), "first failed\n\tat a.b".to_owned()),
                ("a[2]".to_owned(), "second failed\n\tat c.d".to_owned())
            ]
        );
    }

    #[test]
    fn json_is_whole_and_what_never_ends_is_cut() {
        assert_eq!(texts(&[("", "{\"a\":1}", false), ("", "{\"a\":2}", false)]).len(), 2);
        let many: Vec<(&str, &str, bool)> =
            std::iter::once(("", "10:00 x", true)).chain((0..5_000).map(|_| ("", "\tat a", false))).collect();
        let found = texts(&many);
        assert!(found.len() >= 2 && found.iter().all(|text| text.lines().count() <= 2_000));
    }

    #[test]
    fn a_quiet_record_is_given_and_streams_are_bounded() {
        let mut joiner = Joiner::new(Limits { streams: 4, ..Limits::default() });
        let mut given = 0;
        for number in 0..100u64 {
            let name = format!("app[{number}]");
            let line = Line {
                stream: &name,
                at: None,
                level: None,
                text: "x",
                is_whole: false,
                begins: true,
                heard: Time::from_micros(number),
                from: 0,
            };
            joiner.push(&line, &mut |_, _| given += 1);
            assert!(joiner.others.len() <= 4);
        }
        assert_eq!(given, 96);
        joiner.settle(Time::from_micros(98), &mut |_, _| given += 1);
        assert_eq!((given, joiner.is_open()), (99, true));
    }

    proptest! {
        #[test]
        fn no_line_is_lost_nor_given_twice(lines in proptest::collection::vec(("[ab]?", "[a-c \\t{}:#.]{0,12}", any::<bool>()), 0..40)) {
            let lines: Vec<(&str, &str, bool)> = lines.iter().map(|(s, t, b)| (s.as_str(), t.as_str(), *b)).collect();
            for name in ["", "a", "b"] {
                let wanted: Vec<&str> = lines.iter().filter(|line| line.0 == name).map(|line| line.1).collect();
                let found: Vec<String> = joined(&lines).into_iter().filter(|(stream, _)| stream == name).map(|(_, text)| text).collect();
                let found: Vec<&str> = found.iter().flat_map(|text| text.split('\n')).collect();
                prop_assert_eq!(&wanted, &found);
            }
        }
    }
}
