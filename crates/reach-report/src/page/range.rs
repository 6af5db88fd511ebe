//! Which time is shown: `-3h` and `now`, or times of the calendar.

use std::time::Duration;

use jiff::{Timestamp, civil::DateTime};
use reach_core::Time;

use super::Voice;
use crate::units;

/// The longest time shown.
const LONGEST: Duration = Duration::from_secs(3 * 366 * 86_400);
/// The shortest.
const SHORTEST: Duration = Duration::from_secs(60);
/// What is shown unless somebody wants something else.
pub(super) const USUAL: Duration = Duration::from_secs(6 * 3_600);

/// Columns of a plot.
const MOST_COLUMNS: u64 = 200;

/// How long a column of a plot may be, in seconds.
const STEPS: [u64; 17] = [
    10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800,
    604_800,
];

/// Which time is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// From when…
    pub from: Time,
    /// …until when.
    pub until: Time,
    /// It ends now, whenever that is.
    pub follows: bool,
}

impl Range {
    /// Reads what stands in an address; what cannot be read is as if it were not there.
    pub fn read(from: &str, to: &str, now: Time, voice: &Voice) -> Self {
        let to_given = moment(to, now, voice);
        let follows = to_given.is_none() || to.trim() == "now";
        let until = to_given.unwrap_or(now).min(now + Duration::from_secs(86_400));
        let usual = || back(until, USUAL);
        let from = moment(from, now, voice).filter(|from| *from < until).unwrap_or_else(usual);
        let from = from.max(back(until, LONGEST)).min(back(until, SHORTEST));
        Self { from, until, follows }
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        self.until.since(self.from)
    }

    /// How long one column of a plot is: so that there are not too many.
    pub fn step(&self) -> Duration {
        let wanted = self.length().as_secs().div_ceil(MOST_COLUMNS);
        Duration::from_secs(STEPS.into_iter().find(|step| *step >= wanted).unwrap_or(STEPS[STEPS.len() - 1]))
    }

    /// The same time, as far as it can be said relative to now.
    fn query(from: Time, until: Time, follows: bool) -> Vec<(&'static str, String)> {
        if follows {
            return vec![("from", format!("-{}s", until.since(from).as_secs())), ("to", String::new())];
        }
        vec![("from", seconds(from)), ("to", seconds(until))]
    }

    fn applied(path: &str, pairs: Vec<(&'static str, String)>) -> String {
        pairs.into_iter().fold(path.to_owned(), |path, (name, value)| super::with(&path, name, &value))
    }

    /// Half of it, around its middle; at its end where that is now.
    pub(super) fn zoomed_in(&self, path: &str) -> String {
        let half = (self.length() / 2).max(SHORTEST);
        let until = if self.follows { self.until } else { self.until.min(back(self.until, half / 2)) };
        Self::applied(path, Self::query(back(until, half), until, self.follows))
    }

    /// Twice as much.
    pub(super) fn zoomed_out(&self, path: &str, now: Time) -> String {
        let twice = (self.length() * 2).min(LONGEST);
        let until = (self.until + self.length() / 2).min(now);
        let follows = self.follows || until >= now;
        Self::applied(path, Self::query(back(until, twice), until, follows))
    }

    /// Half of its length before.
    pub(super) fn earlier(&self, path: &str) -> String {
        let until = back(self.until, self.length() / 2);
        Self::applied(path, Self::query(back(until, self.length()), until, false))
    }

    /// Half of its length after, now at the latest.
    pub(super) fn later(&self, path: &str, now: Time) -> String {
        let until = (self.until + self.length() / 2).min(now);
        Self::applied(path, Self::query(back(until, self.length()), until, until >= now))
    }

    /// So much, until now.
    pub(super) fn last(span: &str, path: &str) -> String {
        Self::applied(path, vec![("from", format!("-{span}")), ("to", String::new())])
    }
}

fn back(at: Time, span: Duration) -> Time {
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    Time::from_micros(at.as_micros().saturating_sub(micros))
}

/// RFC 3339 in whole seconds.
fn seconds(at: Time) -> String {
    let whole = units::rfc3339(at);
    whole.split_once('.').map_or_else(|| whole.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// `now`, `-90m`, `2026-11-23T09:00:00Z`, `2026-11-23T18:00` in the zone of the page.
fn moment(text: &str, now: Time, voice: &Voice) -> Option<Time> {
    let text = text.trim();
    if text == "now" {
        return Some(now);
    }
    if let Some(span) = text.strip_prefix('-') {
        return span_of(span).map(|span| back(now, span));
    }
    let stamp = match text.parse::<Timestamp>() {
        Ok(stamp) => stamp,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(voice.zone.clone()).ok()?.timestamp(),
    };
    u64::try_from(stamp.as_microsecond()).ok().map(Time::from_micros)
}

/// `90s`, `15m`, `6h`, `7d`, `2w`, `1y`.
fn span_of(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        'y' => 366 * 86_400,
        _ => return None,
    };
    let count: u64 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(count.checked_mul(seconds)?.min(LONGEST.as_secs())))
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};
    use proptest::prelude::*;

    use super::*;
    use crate::Lang;

    /// 2026-11-23 14:00:00 UTC.
    const NOW: Time = Time::from_micros(1_795_442_400_000_000);

    fn voice() -> Voice {
        Voice { lang: Lang::Ko, zone: TimeZone::fixed(Offset::constant(9)) }
    }

    fn read(from: &str, to: &str) -> Range {
        Range::read(from, to, NOW, &voice())
    }

    #[test]
    fn a_range_is_read_as_people_write_it() {
        assert_eq!(read("", "").length(), USUAL);
        assert!(read("-3h", "").follows && read("-3h", "now").follows);
        assert_eq!(read("-3h", "now").length(), Duration::from_secs(3 * 3_600));
        let day = read("2026-11-22T00:00", "2026-11-23T00:00:00+09:00");
        assert_eq!((day.length(), day.follows), (Duration::from_secs(86_400), false));
        for nonsense in ["x", "-", "-3", "-xh", "-99999999999999999999h", "-1값", "2026-13-01"] {
            assert_eq!(read(nonsense, "").length(), USUAL, "{nonsense}");
        }
        assert_eq!(read("-1h", "-2h").length(), USUAL);
        assert_eq!(read("-1s", "").length(), SHORTEST);
    }

    #[test]
    fn it_can_be_shifted_and_zoomed() {
        let hour = read("-1h", "");
        assert_eq!(hour.zoomed_in("/target/1?from=-1h"), "/target/1?from=-1800s");
        assert_eq!(hour.zoomed_out("/target/1", NOW), "/target/1?from=-7200s");
        assert_eq!(hour.earlier("/t"), "/t?from=2026-11-23T12%3A30%3A00Z&to=2026-11-23T13%3A30%3A00Z");
        let past = read("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z");
        assert_eq!(past.zoomed_in("/t"), "/t?from=2026-11-23T10%3A15%3A00Z&to=2026-11-23T10%3A45%3A00Z");
        assert_eq!(past.later("/t", NOW), "/t?from=2026-11-23T10%3A30%3A00Z&to=2026-11-23T11%3A30%3A00Z");
        assert_eq!(Range::last("1y", "/t?to=now"), "/t?from=-1y");
    }

    #[test]
    fn a_year_has_as_few_columns_as_an_hour() {
        for (from, step) in [("-1h", 20), ("-6h", 120), ("-24h", 600), ("-7d", 3_600), ("-1y", 172_800)] {
            assert_eq!(read(from, "").step(), Duration::from_secs(step), "{from}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_range(from: String, to: String) {
            let range = read(&from, &to);
            prop_assert!(range.from < range.until);
            prop_assert!(range.length().as_secs() / range.step().as_secs() <= MOST_COLUMNS);
        }
    }
}
