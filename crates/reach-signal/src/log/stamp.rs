//! When a record was written, as log frameworks write it.

mod forms;

use jiff::{Timestamp, civil, tz::TimeZone};
use reach_core::Time;

/// A time at the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When.
    pub at: Time,
    /// Bytes of the text up to its end, brackets around it included.
    pub end: usize,
    /// The text says its offset from UTC, or is one in itself (an epoch).
    pub is_zoned: bool,
}

/// Reads times of one log.
///
/// Known: ISO 8601 and what log4j, logback, Python and Go make of it; times without a date; `java.util.logging` and
/// Tomcat's JULI; syslog (both RFCs); Apache's access and error logs; klog; RFC 2822; `date`'s own form; seconds,
/// milliseconds and microseconds since 1970. What says no zone is in the one given; what says no year or no date is the
/// latest that is not in the future.
#[derive(Clone, Debug)]
pub struct Stamps {
    zone: TimeZone,
    /// A quarter of an hour of local time, counted from 1970, and the offset that holds in it, in seconds.
    known: Option<(i64, i64)>,
}

/// Years that a log can be of: what else looks like a time is none.
const YEARS: std::ops::RangeInclusive<i32> = 1980..=2200;
const SECOND: i64 = 1_000_000;

impl Stamps {
    /// Times without a zone are in this one.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, known: None }
    }

    /// The time that a text begins with, behind brackets or a level (`ERROR 2026-…`). `heard` is when the text was
    /// read: it completes times without a date.
    pub fn read(&mut self, text: &str, heard: Time) -> Option<Stamp> {
        let bytes = text.as_bytes();
        // Nearly all lines of a stack trace end here.
        if matches!(bytes.first()?, b' ' | b'\t' | b'}' | b')' | b']') {
            return None;
        }
        let mut at = keyed(bytes);
        for _ in 0..3 {
            let opened = at;
            while matches!(bytes.get(at), Some(b'[' | b'(' | b'"' | b'<')) && at < opened + 2 {
                at += 1;
            }
            if let Some(found) = forms::read(&bytes[at..]) {
                let time = self.time_of(&found, heard)?;
                let mut end = at + found.len;
                if at > opened && matches!(bytes.get(end), Some(b']' | b')' | b'"' | b'>')) {
                    end += 1;
                }
                return Some(Stamp { at: time, end, is_zoned: found.is_zoned() });
            }
            // A level may stand before the time.
            let word = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            if word == 0 || super::level::of_word(&bytes[at..at + word]).is_none() {
                return None;
            }
            at += word;
            while matches!(bytes.get(at), Some(b']' | b')' | b':' | b' ' | b'|' | b'-' | b'\t')) {
                at += 1;
            }
        }
        None
    }

    fn time_of(&mut self, found: &forms::Found, heard: Time) -> Option<Time> {
        match found.what {
            forms::What::Epoch(micros) => Some(Time::from_micros(micros)),
            forms::What::Civil { date, time_us, offset_s } => {
                let at = match date {
                    forms::Date::Full(year, month, day) => {
                        self.local(days(year, month, day)?, time_us, offset_s)
                    }
                    forms::Date::NoYear(month, day) => {
                        let year = self.heard_on(heard)?.year();
                        // A clock that is a little ahead is no reason to go back a year.
                        let latest = micros(heard) + 86_400 * SECOND;
                        (0..5)
                            .filter_map(|back| days(i32::from(year) + 1 - back, month, day))
                            .map(|day| self.local(day, time_us, offset_s))
                            .find(|at| *at <= latest)?
                    }
                    forms::Date::None => {
                        let on = self.heard_on(heard)?;
                        let today =
                            days(i32::from(on.year()), on.month().unsigned_abs(), on.day().unsigned_abs())?;
                        let latest = micros(heard) + 3_600 * SECOND;
                        [today + 1, today, today - 1]
                            .into_iter()
                            .map(|day| self.local(day, time_us, offset_s))
                            .find(|at| *at <= latest)?
                    }
                };
                u64::try_from(at).ok().map(Time::from_micros)
            }
        }
    }

    /// Microseconds since 1970 of a local time.
    fn local(&mut self, day: i64, time_us: i64, offset_s: Option<i32>) -> i64 {
        let local = day * 86_400 * SECOND + time_us;
        let offset = match offset_s {
            Some(offset) => i64::from(offset),
            None => self.offset(local),
        };
        local - offset * SECOND
    }

    fn offset(&mut self, local: i64) -> i64 {
        let quarter = local.div_euclid(900 * SECOND);
        if let Some((known, offset)) = self.known
            && known == quarter
        {
            return offset;
        }
        let offset = self.looked_up(local).unwrap_or(0);
        self.known = Some((quarter, offset));
        offset
    }

    fn looked_up(&self, local: i64) -> Option<i64> {
        // As if it were UTC: only its date and time are meant.
        let civil = Timestamp::from_microsecond(local).ok()?.to_zoned(TimeZone::UTC).datetime();
        let zoned = self.zone.to_ambiguous_timestamp(civil).compatible().ok()?;
        Some(local.div_euclid(SECOND) - zoned.as_microsecond().div_euclid(SECOND))
    }

    fn heard_on(&self, heard: Time) -> Option<civil::Date> {
        let heard = Timestamp::from_microsecond(micros(heard)).ok()?;
        Some(heard.to_zoned(self.zone.clone()).date())
    }
}

/// How many bytes stand before a time that has a name, as logfmt has it: `time="…`, `level=info ts=…`.
fn keyed(bytes: &[u8]) -> usize {
    let mut at = 0;
    for level in [&b"level="[..], b"lvl="] {
        if bytes.starts_with(level) {
            at = memchr::memchr(b' ', &bytes[..bytes.len().min(20)]).map_or(0, |space| space + 1);
        }
    }
    let names = [&b"time="[..], b"ts=", b"timestamp=", b"t=", b"date="];
    let name = names.iter().find(|name| bytes[at..].starts_with(name));
    name.map_or(0, |name| at + name.len())
}

fn micros(time: Time) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, if it is one.
///
/// Source: Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `days_from_civil`.
fn days(year: i32, month: u8, day: u8) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let most = match month {
        2 => 28 + u8::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !YEARS.contains(&year) || !(1..=most).contains(&day) {
        return None;
    }
    let (year, month) = (i64::from(year) - i64::from(month <= 2), i64::from(month));
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2024-03-11T00:30:00Z: 09:30 in Seoul.
    const HEARD: Time = Time::from_micros(1_710_117_000_000_000);

    fn seoul() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(9))
    }

    fn read(text: &str) -> Option<String> {
        let stamp = Stamps::new(seoul()).read(text, HEARD)?;
        let at = Timestamp::from_microsecond(i64::try_from(stamp.at.as_micros()).ok()?).ok()?;
        Some(format!("{at} {:?}", &text[stamp.end..]))
    }

    #[test]
    fn what_frameworks_write_is_understood() {
        for (text, at) in [
            // ISO 8601 and its relatives: log4j, logback, Spring Boot 2 and 3, Python, Go, Laravel, log4net.
            ("2024-03-11 09:12:33,123 ERROR x", "2024-03-11T00:12:33.123Z \" ERROR x\""),
            ("[2024-03-11 09:12:33,123] ERROR", "2024-03-11T00:12:33.123Z \" ERROR\""),
            ("2024-03-11T09:12:33.123+09:00  INFO 7 ---", "2024-03-11T00:12:33.123Z \"  INFO 7 ---\""),
            ("2024-03-11T00:12:33.123456789Z stdout F x", "2024-03-11T00:12:33.123456Z \" stdout F x\""),
            ("2024-03-11 00:12:33 +0000 x", "2024-03-11T00:12:33Z \" x\""),
            ("2024-03-11 09:12:33.123 KST [main]", "2024-03-11T00:12:33.123Z \" KST [main]\""),
            ("2024-03-11 00:12:33 UTC x", "2024-03-11T00:12:33Z \" x\""),
            ("2024/03/11 09:12:33 [error] 7#7", "2024-03-11T00:12:33Z \" [error] 7#7\""),
            ("2024/03/11 09:12:33.000123 main.go:3", "2024-03-11T00:12:33.000123Z \" main.go:3\""),
            ("2024.03.11 09:12:33 x", "2024-03-11T00:12:33Z \" x\""),
            ("20240311 09:12:33.5 x", "2024-03-11T00:12:33.5Z \" x\""),
            ("20240311T001233Z x", "2024-03-11T00:12:33Z \" x\""),
            ("2024-03-11 오전 9:12:33 x", "2024-03-11T00:12:33Z \" x\""),
            // Levels before it.
            ("ERROR 2024-03-11 09:12:33,123 x", "2024-03-11T00:12:33.123Z \" x\""),
            ("[WARN ] 2024-03-11 09:12:33 x", "2024-03-11T00:12:33Z \" x\""),
            ("ERROR: [2024-03-11 09:12:33] x", "2024-03-11T00:12:33Z \" x\""),
            // logfmt: logrus, slog, go-kit.
            ("time=\"2024-03-11T09:12:33+09:00\" level=error", "2024-03-11T00:12:33Z \" level=error\""),
            ("time=2024-03-11T00:12:33.123Z level=ERROR", "2024-03-11T00:12:33.123Z \" level=ERROR\""),
            ("level=warn ts=2024-03-11T00:12:33.123Z caller=x", "2024-03-11T00:12:33.123Z \" caller=x\""),
            // Logback's default has no date.
            ("09:12:33.123 [main] ERROR x", "2024-03-11T00:12:33.123Z \" [main] ERROR x\""),
            ("23:59:59,999 ERROR x", "2024-03-10T14:59:59.999Z \" ERROR x\""),
            // JULI, java.util.logging, in English and Korean.
            ("11-Mar-2024 09:12:33.123 SEVERE [main]", "2024-03-11T00:12:33.123Z \" SEVERE [main]\""),
            ("Mar 11, 2024 9:12:33 AM org.x", "2024-03-11T00:12:33Z \" org.x\""),
            ("Mar 10, 2024 12:12:33 PM org.x", "2024-03-10T03:12:33Z \" org.x\""),
            ("3월 11, 2024 9:12:33 오전 org.x", "2024-03-11T00:12:33Z \" org.x\""),
            // Syslog.
            ("Mar 11 09:12:33 host app[1]: x", "2024-03-11T00:12:33Z \" host app[1]: x\""),
            ("Mar  1 09:12:33 host x", "2024-03-01T00:12:33Z \" host x\""),
            ("Dec 31 23:59:59 host x", "2023-12-31T14:59:59Z \" host x\""),
            ("Feb 29 23:59:59.123 host x", "2024-02-29T14:59:59.123Z \" host x\""),
            // Apache and others.
            ("[11/Mar/2024:09:12:33 +0900] \"GET", "2024-03-11T00:12:33Z \" \\\"GET\""),
            ("[06/Feb/2024:12:14:14.655] http-in", "2024-02-06T03:14:14.655Z \" http-in\""),
            ("[Mon Mar 11 09:12:33.123456 2024] [core", "2024-03-11T00:12:33.123456Z \" [core\""),
            ("Mon Mar 11 09:12:33 2024 x", "2024-03-11T00:12:33Z \" x\""),
            ("Mon Mar 11 09:12:33 KST 2024 x", "2024-03-11T00:12:33Z \" x\""),
            ("Mon, 11 Mar 2024 00:12:33 +0000 x", "2024-03-11T00:12:33Z \" x\""),
            ("11/Mar/2024:00:12:33 +0000 x", "2024-03-11T00:12:33Z \" x\""),
            ("E0311 09:12:33.123456 7 f.go:1] x", "2024-03-11T00:12:33.123456Z \" 7 f.go:1] x\""),
            // Epochs.
            ("1710115953 x", "2024-03-11T00:12:33Z \" x\""),
            ("1710115953.123 12 TCP_MISS", "2024-03-11T00:12:33.123Z \" 12 TCP_MISS\""),
            ("1710115953123 x", "2024-03-11T00:12:33.123Z \" x\""),
            ("[1710115953.5] x", "2024-03-11T00:12:33.5Z \" x\""),
        ] {
            assert_eq!(read(text).as_deref(), Some(at), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for text in [
            "",
            "\tat a.b.C(D.java:12)",
            "  2024-03-11 09:12:33",
            "java.net.SocketException: connect timed out",
            "2024-13-11 09:12:33 x",
            "2024-02-30 09:12:33 x",
            "2024-03-11 25:12:33 x",
            "2024-03-11",
            "1710115953",
            "17101159531231231231 x",
            "12345 x",
            "Marvin 11 09:12:33 x",
            "12:30 x",
            "Caused by: x",
            "192.0.2.1:80 x",
            "ERROR x",
            "INFO",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_zone_with_summer_time_is_followed() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let mut stamps = Stamps::new(zone);
        for (text, at) in [
            ("2024-03-31 01:59:59 x", "2024-03-31T00:59:59Z"),
            ("2024-03-31 03:00:00 x", "2024-03-31T01:00:00Z"),
            ("2024-07-01 12:00:00 x", "2024-07-01T10:00:00Z"),
            ("2024-12-01 12:00:00 x", "2024-12-01T11:00:00Z"),
        ] {
            let found = stamps.read(text, HEARD).expect("a time").at;
            let expected: Timestamp = at.parse().expect("a time");
            assert_eq!(i64::try_from(found.as_micros()), Ok(expected.as_microsecond()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "[0-9A-Za-z:,./+\\- \\[\\]월오전]{0,40}", heard in any::<u64>()) {
            if let Some(stamp) = Stamps::new(seoul()).read(&text, Time::from_micros(heard)) {
                prop_assert!(text.is_char_boundary(stamp.end) && stamp.end > 0);
            }
        }

        #[test]
        fn dates_are_those_of_the_calendar(day in 3_652i64..84_000) {
            let date = civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
            let found = days(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs());
            prop_assert_eq!(found, Some(day));
        }
    }
}
