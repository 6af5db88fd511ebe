//! How grave a record is, as log frameworks say it.

/// How grave a record is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step.
    Trace,
    /// Why.
    Debug,
    /// What happens.
    Info,
    /// What may be wrong.
    Warn,
    /// What is wrong.
    Error,
    /// What ends it.
    Fatal,
}

impl Level {
    /// All of them with the names that configurations give them.
    pub const NAMES: [(&'static str, Level); 6] = [
        ("trace", Level::Trace),
        ("debug", Level::Debug),
        ("info", Level::Info),
        ("warn", Level::Warn),
        ("error", Level::Error),
        ("fatal", Level::Fatal),
    ];

    /// Of syslog's number, which journald has too.
    pub const fn of_syslog(severity: u8) -> Self {
        match severity {
            0..=2 => Level::Fatal,
            3 => Level::Error,
            4 => Level::Warn,
            5 | 6 => Level::Info,
            _ => Level::Debug,
        }
    }

    /// Of the numbers that Bunyan and pino write; smaller ones are syslog's, as GELF has them.
    pub const fn of_number(number: u64) -> Self {
        match number {
            0..=7 => Self::of_syslog(number as u8),
            8..=10 => Level::Trace,
            11..=20 => Level::Debug,
            21..=30 => Level::Info,
            31..=40 => Level::Warn,
            41..=50 => Level::Error,
            _ => Level::Fatal,
        }
    }
}

/// The level that a word names, in any case.
pub fn of_word(word: &[u8]) -> Option<Level> {
    const WORDS: [(&[u8], Level); 22] = [
        (b"INFO", Level::Info),
        (b"ERROR", Level::Error),
        (b"WARN", Level::Warn),
        (b"DEBUG", Level::Debug),
        (b"WARNING", Level::Warn),
        (b"SEVERE", Level::Error),
        (b"TRACE", Level::Trace),
        (b"FATAL", Level::Fatal),
        (b"CRITICAL", Level::Fatal),
        (b"CRIT", Level::Fatal),
        (b"ERR", Level::Error),
        (b"INFORMATION", Level::Info),
        (b"NOTICE", Level::Info),
        (b"CONFIG", Level::Debug),
        (b"FINE", Level::Debug),
        (b"FINER", Level::Trace),
        (b"FINEST", Level::Trace),
        (b"EMERG", Level::Fatal),
        (b"ALERT", Level::Fatal),
        (b"PANIC", Level::Fatal),
        (b"WRN", Level::Warn),
        (b"INF", Level::Info),
    ];
    if !(3..=11).contains(&word.len()) {
        return None;
    }
    WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, level)| *level)
}

/// The level that a record names before its message: the first word in capitals that is one, among the first hundred
/// characters; `[error]` and `level=error` may be small.
pub fn read(text: &str) -> Option<Level> {
    const NEAR: usize = 100;
    let bytes = &text.as_bytes()[..text.len().min(NEAR)];
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if length == 0 {
            at += 1;
            continue;
        }
        let word = &bytes[at..at + length];
        let before = if at == 0 { None } else { bytes.get(at - 1) };
        let after = bytes.get(at + length);
        let is_loud = word.iter().all(u8::is_ascii_uppercase);
        let is_marked = matches!(before, Some(b'=' | b'"' | b':' | b'[')) && !matches!(after, Some(b'.'));
        // A word in the middle of another, `x_error` or `ERROR-42`, is none.
        let is_whole =
            !matches!(before, Some(b'_' | b'-' | b'0'..=b'9')) && !matches!(after, Some(b'_' | b'0'..=b'9'));
        if (is_loud || is_marked)
            && is_whole
            && let Some(level) = of_word(word)
        {
            return Some(level);
        }
        at += length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_found_where_frameworks_put_it() {
        for (text, level) in [
            (" ERROR [push-sender-3] c.m.push.FcmSender - failed", Some(Level::Error)),
            ("  INFO 7 --- [main] c.m.App : ERROR in a message", Some(Level::Info)),
            (" SEVERE [main] org.apache", Some(Level::Error)),
            (" [error] 7#7: *1 upstream timed out", Some(Level::Error)),
            (" [proxy:error] [pid 1] (110)", Some(Level::Error)),
            ("production.ERROR: cURL", Some(Level::Error)),
            ("time=x level=warning msg=y", Some(Level::Warn)),
            ("an error of the user", None),
            ("java.lang.Error: x", None),
            ("NO_ERROR found", None),
            ("", None),
        ] {
            assert_eq!(read(text), level, "{text}");
        }
    }

    #[test]
    fn numbers_mean_what_their_systems_mean() {
        assert_eq!(
            [0, 3, 4, 6, 7].map(Level::of_syslog),
            [Level::Fatal, Level::Error, Level::Warn, Level::Info, Level::Debug]
        );
        assert_eq!(
            [10, 30, 40, 50, 60].map(Level::of_number),
            [Level::Trace, Level::Info, Level::Warn, Level::Error, Level::Fatal]
        );
    }
}
