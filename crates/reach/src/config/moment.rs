//! Points in time as people type them.

use std::time::Duration;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{self, Date, DateTime},
    tz::TimeZone,
};
use reach_core::Time;

use crate::output::shown;

/// What time it is, and where.
#[derive(Clone, Debug)]
pub struct Now {
    /// The moment.
    pub at: Timestamp,
    /// The zone that times without one are in.
    pub zone: TimeZone,
}

impl Now {
    /// By the clock and the zone of this host.
    pub fn look() -> Self {
        Self { at: Timestamp::now(), zone: TimeZone::system() }
    }

    /// The moment as the core has it.
    pub fn time(&self) -> Time {
        core_time(self.at)
    }
}

/// A point in time: `-2h`, `2h ago`, `+2h`, `in 2h`, `now`, `today`, `yesterday`, `14:00`, `2026-11-22`,
/// `2026-11-22T14:00` (in the zone), or RFC 3339. `option` is what it was typed for.
pub fn moment(option: &str, text: &str, now: &Now) -> Result<Time, String> {
    let wrong = || {
        format!(
            "{option} `{}` is no time; give one like -2h, '2h ago', yesterday, 2026-11-22, 2026-11-22T14:00 or \
             2026-11-22T14:00:00Z",
            shown(text)
        )
    };
    let stamp = read(text.trim(), now).ok_or_else(wrong)?;
    if stamp < Timestamp::UNIX_EPOCH {
        return Err(format!("{option} `{}` is before 1970", shown(text)));
    }
    Ok(core_time(stamp))
}

fn read(text: &str, now: &Now) -> Option<Timestamp> {
    let today = now.zone.to_datetime(now.at).date();
    match text {
        "now" => return Some(now.at),
        "today" => return start(today, now),
        "yesterday" => return start(today.yesterday().ok()?, now),
        _ => {}
    }
    if let Some(span) = text.strip_prefix('-').or_else(|| text.strip_suffix("ago")) {
        return now.at.checked_sub(span_of(span)?).ok();
    }
    if let Some(span) = text.strip_prefix('+').or_else(|| text.strip_prefix("in ")) {
        return now.at.checked_add(span_of(span)?).ok();
    }
    // A time of day, before the library takes digits for one.
    if text.contains(':') && !text.contains('-') {
        let clock: civil::Time = text.parse().ok()?;
        return local(today.to_datetime(clock), now);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.contains('-') {
        return None;
    }
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(stamp);
    }
    if text.contains(':') {
        return local(text.parse::<DateTime>().ok()?, now);
    }
    start(text.parse::<Date>().ok()?, now)
}

fn span_of(text: &str) -> Option<SignedDuration> {
    let span = humantime::parse_duration(text.trim()).ok()?;
    SignedDuration::try_from(span).ok()
}

fn start(date: Date, now: &Now) -> Option<Timestamp> {
    local(date.to_datetime(civil::Time::midnight()), now)
}

fn local(at: DateTime, now: &Now) -> Option<Timestamp> {
    now.zone.to_ambiguous_zoned(at).compatible().ok().map(|zoned| zoned.timestamp())
}

fn core_time(stamp: Timestamp) -> Time {
    Time::from_micros(u64::try_from(stamp.as_microsecond()).unwrap_or(0))
}

/// A time of day that is still to come, for ends: `18:00` typed at 20:00 is tomorrow's.
pub fn coming(option: &str, text: &str, now: &Now) -> Result<Time, String> {
    let time = moment(option, text, now)?;
    let is_clock = text.contains(':') && !text.contains('-') && !text.starts_with('+');
    if is_clock && time <= now.time() {
        let later =
            Now { at: now.at.checked_add(24.hours()).unwrap_or(Timestamp::MAX), zone: now.zone.clone() };
        return moment(option, text, &later);
    }
    Ok(time)
}

/// Halfway between all and nothing: so many columns make the steps of a time, in round numbers.
pub fn step_for(span: Duration, columns: usize) -> Duration {
    const ROUND: [u64; 16] = [
        10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    ];
    let columns = u64::try_from(columns.max(1)).unwrap_or(u64::MAX);
    let exact = span.as_secs().div_ceil(columns);
    let step = ROUND.into_iter().find(|round| *round >= exact);
    Duration::from_secs(step.unwrap_or_else(|| exact.div_ceil(604_800) * 604_800))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Now {
        let zone = TimeZone::posix("KST-9").expect("a zone");
        Now { at: "2026-11-22T14:00:00+09:00".parse().expect("a time"), zone }
    }

    fn told(text: &str) -> String {
        let time = moment("--from", text, &now()).unwrap_or_else(|problem| panic!("{problem}"));
        Timestamp::from_microsecond(time.as_micros() as i64).expect("a time").to_string()
    }

    #[test]
    fn times_are_relative_local_or_absolute() {
        for (text, stamp) in [
            ("now", "2026-11-22T05:00:00Z"),
            ("-2h", "2026-11-22T03:00:00Z"),
            ("2h ago", "2026-11-22T03:00:00Z"),
            ("1h 30m ago", "2026-11-22T03:30:00Z"),
            ("+90m", "2026-11-22T06:30:00Z"),
            ("in 2h", "2026-11-22T07:00:00Z"),
            ("today", "2026-11-21T15:00:00Z"),
            ("yesterday", "2026-11-20T15:00:00Z"),
            ("18:00", "2026-11-22T09:00:00Z"),
            ("2026-11-22", "2026-11-21T15:00:00Z"),
            ("2026-11-22T14:00", "2026-11-22T05:00:00Z"),
            ("2026-11-22 14:00:30", "2026-11-22T05:00:30Z"),
            ("2026-11-22T14:00:00Z", "2026-11-22T14:00:00Z"),
            ("2026-11-22T14:00:00+01:00", "2026-11-22T13:00:00Z"),
        ] {
            assert_eq!(told(text), stamp, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_with_what_would_be() {
        for text in ["", "soon", "-", "2h", "25:00", "2026-13-01", "20261122", "-9999999999y", "1969-01-01"] {
            let problem = moment("--from", text, &now()).expect_err(text);
            assert!(problem.starts_with(&format!("--from `{text}`")), "{problem}");
        }
    }

    #[test]
    fn an_end_is_still_to_come() {
        let end = |text: &str| coming("--until", text, &now()).map(|time| time.as_secs());
        let today = moment("--until", "18:00", &now()).map(Time::as_secs);
        assert_eq!(end("18:00"), today);
        let morning = moment("--until", "09:00", &now()).map(Time::as_secs);
        assert_eq!(end("09:00"), morning.map(|morning| morning + 86_400));
    }

    #[test]
    fn steps_are_round_and_fit() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        assert_eq!(step_for(minutes(24 * 60), 60), minutes(30));
        assert_eq!(step_for(minutes(60), 60), minutes(1));
        assert_eq!(step_for(minutes(1), 60), Duration::from_secs(10));
        assert_eq!(step_for(minutes(60 * 24 * 3650), 60), Duration::from_secs(604_800 * 9));
    }
}
