//! Times that come round: maintenance windows and quiet hours, told as intervals of absolute time.

use std::{collections::BTreeSet, time::Duration};

use jiff::{
    Timestamp, ToSpan,
    civil::{self, Date, DateTime, Weekday},
    tz::{AmbiguousOffset, AmbiguousZoned, TimeZone},
};
use reach_core::Time;

use super::cron::Cron;

/// Times that come round, or come once, on the clocks of a zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// When.
    pub when: When,
    /// On whose clocks.
    pub zone: TimeZone,
}

/// When a window is open.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// On these days of the week, from one time of day to another.
    Weekly {
        /// The days on which it begins.
        days: BTreeSet<Day>,
        /// When it begins.
        from: civil::Time,
        /// When it ends: on the next day, where that is not later than `from`.
        until: civil::Time,
    },
    /// Whenever a pattern says, for so long.
    Pattern {
        /// The pattern.
        cron: Cron,
        /// How long. Elapsed time: an hour is an hour, whatever clocks do meanwhile.
        lasts: Duration,
    },
    /// Once.
    Once {
        /// When it begins.
        from: DateTime,
        /// When it ends.
        until: DateTime,
    },
}

/// A day of the week; Monday is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i8);

impl Day {
    /// The days in order, as they are written.
    pub const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// Every day.
    pub fn all() -> BTreeSet<Day> {
        (0..7).map(Day).collect()
    }

    /// A day by its name, in English, short or whole.
    pub fn read(text: &str) -> Option<Day> {
        let text = text.to_ascii_lowercase();
        let long = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let number = Self::NAMES.iter().zip(long).position(|(short, long)| text == *short || text == long)?;
        i8::try_from(number).ok().map(Day)
    }

    fn of(date: Date) -> Day {
        Day(date.weekday().to_monday_zero_offset())
    }

    /// The day as the calendar library has it.
    pub fn weekday(self) -> Weekday {
        Weekday::from_monday_zero_offset(self.0).unwrap_or(Weekday::Monday)
    }
}

/// How far around the time asked for turns are looked for, in days: whole weekends and holidays in a row make one
/// turn, and one of up to a week is the same whenever it is asked for.
const AROUND: i64 = 8;

/// The turns of a window that touch the time from `from` to `until`: each from its beginning to its end, in order,
/// none overlapping or touching another. They are not cut to the time asked for.
///
/// Where clocks jump forward over a beginning or an end, it is the moment of the jump; where an hour comes twice, a
/// window begins in the first and ends in the second of them. A turn that lies in an hour that does not exist is
/// none.
pub fn turns(window: &Window, from: Time, until: Time) -> Vec<(Time, Time)> {
    let mut turns = merged(candidates(window, from, until));
    turns.retain(|(begin, end)| *end > from && *begin < until);
    turns
}

/// Intervals in order, with those that overlap or touch made one, and empty ones left out.
pub(super) fn merged(mut turns: Vec<(Time, Time)>) -> Vec<(Time, Time)> {
    turns.retain(|(begin, end)| begin < end);
    turns.sort_unstable();
    let mut merged: Vec<(Time, Time)> = Vec::new();
    for (begin, end) in turns {
        match merged.last_mut() {
            Some((_, last)) if begin <= *last => *last = end.max(*last),
            _ => merged.push((begin, end)),
        }
    }
    merged
}

/// Whether a window is open at a moment.
pub fn is_open(window: &Window, at: Time) -> bool {
    let after = at + Duration::from_micros(1);
    turns(window, at, after).iter().any(|(begin, end)| *begin <= at && at < *end)
}

fn candidates(window: &Window, from: Time, until: Time) -> Vec<(Time, Time)> {
    let zone = &window.zone;
    match &window.when {
        When::Once { from: begin, until: end } => interval(zone, *begin, *end).into_iter().collect(),
        When::Weekly { days, from: begin, until: end } => {
            let turn = |date: Date| {
                let last = if end > begin { Some(date) } else { date.tomorrow().ok() };
                interval(zone, date.to_datetime(*begin), last?.to_datetime(*end))
            };
            dates(zone, from, until, AROUND)
                .filter(|date| days.contains(&Day::of(*date)))
                .filter_map(turn)
                .collect()
        }
        When::Pattern { cron, lasts } => {
            let days = i64::try_from(lasts.as_secs() / 86_400).unwrap_or(0);
            dates(zone, from, until, AROUND + days)
                .flat_map(|date| cron.times_of(date))
                .filter_map(|begin| {
                    let begin = first(zone, begin)?;
                    Some((begin, begin + *lasts))
                })
                .collect()
        }
    }
}

/// The dates of a time in a zone, with some around.
fn dates(zone: &TimeZone, from: Time, until: Time, around: i64) -> impl Iterator<Item = Date> {
    let date = |time: Time| zone.to_datetime(stamp(time)).date();
    let first = date(from).checked_sub(around.days()).unwrap_or(Date::MIN);
    let last = date(until).checked_add(around.days()).unwrap_or(Date::MAX);
    first.series(1.day()).take_while(move |date| *date <= last)
}

fn interval(zone: &TimeZone, from: DateTime, until: DateTime) -> Option<(Time, Time)> {
    Some((first(zone, from)?, last(zone, until)?))
}

/// The first moment at which clocks show this or, where they jump over it, at which they jump.
fn first(zone: &TimeZone, at: DateTime) -> Option<Time> {
    let ambiguous = zone.to_ambiguous_zoned(at);
    let zoned = if is_gap(&ambiguous) { jump(zone, at)? } else { ambiguous.earlier().ok()?.timestamp() };
    time(zoned)
}

/// The last one.
fn last(zone: &TimeZone, at: DateTime) -> Option<Time> {
    let ambiguous = zone.to_ambiguous_zoned(at);
    let zoned = if is_gap(&ambiguous) { jump(zone, at)? } else { ambiguous.later().ok()?.timestamp() };
    time(zoned)
}

/// Whether clocks never show it.
fn is_gap(at: &AmbiguousZoned) -> bool {
    matches!(at.offset(), AmbiguousOffset::Gap { .. })
}

/// The moment at which clocks jump over what they never show.
fn jump(zone: &TimeZone, at: DateTime) -> Option<Timestamp> {
    // Read with the offset from before the jump it lies behind it, and no two jumps are within a day.
    let behind = zone.to_ambiguous_zoned(at).later().ok()?.timestamp();
    zone.preceding(behind.checked_add(1.nanosecond()).ok()?).next().map(|transition| transition.timestamp())
}

fn time(stamp: Timestamp) -> Option<Time> {
    u64::try_from(stamp.as_microsecond()).ok().map(Time::from_micros)
}

/// An instant as the calendar library has it.
pub(crate) fn stamp(time: Time) -> Timestamp {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time as clock};
    use proptest::prelude::*;

    use super::*;

    /// New York: an hour forward on 8 March 2026 at 2, an hour back on 1 November 2026 at 2.
    fn new_york() -> TimeZone {
        TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").expect("a zone")
    }

    fn seoul() -> TimeZone {
        TimeZone::posix("KST-9").expect("a zone")
    }

    fn weekly(days: &[&str], from: (i8, i8), until: (i8, i8), zone: TimeZone) -> Window {
        Window {
            when: When::Weekly {
                days: days.iter().map(|day| Day::read(day).expect("a day")).collect(),
                from: clock(from.0, from.1, 0, 0),
                until: clock(until.0, until.1, 0, 0),
            },
            zone,
        }
    }

    fn at(text: &str) -> Time {
        time(text.parse().expect("RFC 3339")).expect("after 1970")
    }

    fn told(window: &Window, from: &str, until: &str) -> Vec<String> {
        let show = |time: Time| window.zone.to_datetime(stamp(time)).strftime("%m-%d %H:%M").to_string();
        let length = |begin: Time, end: Time| end.since(begin).as_secs() / 60;
        turns(window, at(from), at(until))
            .into_iter()
            .map(|(begin, end)| format!("{} to {}, {} min", show(begin), show(end), length(begin, end)))
            .collect()
    }

    #[test]
    fn a_weekly_window_opens_on_its_days_in_its_zone() {
        let window = weekly(&["sat", "Sunday"], (2, 0), (4, 0), seoul());
        assert_eq!(
            told(&window, "2026-11-20T00:00:00Z", "2026-11-30T00:00:00Z"),
            [
                "11-21 02:00 to 11-21 04:00, 120 min",
                "11-22 02:00 to 11-22 04:00, 120 min",
                "11-28 02:00 to 11-28 04:00, 120 min",
                "11-29 02:00 to 11-29 04:00, 120 min",
            ]
        );
    }

    #[test]
    fn a_window_across_midnight_belongs_to_the_day_on_which_it_begins() {
        let window = weekly(&["fri"], (22, 0), (6, 0), seoul());
        assert_eq!(
            told(&window, "2026-11-21T00:00:00+09:00", "2026-11-21T01:00:00+09:00"),
            ["11-20 22:00 to 11-21 06:00, 480 min"]
        );
        assert!(is_open(&window, at("2026-11-21T05:59:59+09:00")));
        assert!(!is_open(&window, at("2026-11-21T06:00:00+09:00")));
        assert!(!is_open(&window, at("2026-11-20T21:59:59+09:00")));
    }

    #[test]
    fn equal_ends_are_a_whole_day_and_days_in_a_row_are_one_turn() {
        let window = weekly(&["sat", "sun"], (0, 0), (0, 0), seoul());
        assert_eq!(
            told(&window, "2026-11-21T12:00:00+09:00", "2026-11-21T13:00:00+09:00"),
            ["11-21 00:00 to 11-23 00:00, 2880 min"]
        );
        assert_eq!(
            told(&window, "2026-11-22T23:00:00+09:00", "2026-11-24T00:00:00+09:00"),
            ["11-21 00:00 to 11-23 00:00, 2880 min"]
        );
    }

    #[test]
    fn where_clocks_jump_forward_a_window_ends_when_they_do() {
        let window = weekly(&["sun"], (1, 0), (2, 30), new_york());
        assert_eq!(
            told(&window, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z"),
            ["03-08 01:00 to 03-08 03:00, 60 min"]
        );
        let inside = weekly(&["sun"], (2, 15), (2, 45), new_york());
        assert!(told(&inside, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z").is_empty());
        let behind = weekly(&["sun"], (2, 30), (4, 0), new_york());
        assert_eq!(
            told(&behind, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z"),
            ["03-08 03:00 to 03-08 04:00, 60 min"]
        );
    }

    #[test]
    fn where_an_hour_comes_twice_a_window_covers_both() {
        let window = weekly(&["sun"], (1, 15), (1, 45), new_york());
        assert_eq!(
            told(&window, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
            ["11-01 01:15 to 11-01 01:45, 90 min"]
        );
        let across = weekly(&["sat"], (23, 0), (3, 0), new_york());
        assert_eq!(
            told(&across, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
            ["10-31 23:00 to 11-01 03:00, 300 min"]
        );
    }

    #[test]
    fn a_pattern_begins_and_lasts() {
        let window = Window {
            when: When::Pattern {
                cron: Cron::read("30 1 * * sun").expect("a pattern"),
                lasts: Duration::from_secs(2 * 3600),
            },
            zone: new_york(),
        };
        assert_eq!(
            told(&window, "2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"),
            ["11-01 01:30 to 11-01 02:30, 120 min"],
            "two hours are two hours"
        );
    }

    #[test]
    fn a_window_may_come_once() {
        let once = |until| Window {
            when: When::Once { from: date(2026, 12, 1).at(2, 0, 0, 0), until },
            zone: seoul(),
        };
        let window = once(date(2026, 12, 1).at(4, 0, 0, 0));
        assert_eq!(
            told(&window, "2026-11-20T00:00:00Z", "2026-12-04T00:00:00Z"),
            ["12-01 02:00 to 12-01 04:00, 120 min"]
        );
        assert!(told(&window, "2026-12-02T00:00:00Z", "2026-12-04T00:00:00Z").is_empty());
    }

    proptest! {
        #[test]
        fn turns_are_in_order_apart_and_the_same_whenever_they_are_asked_for(
            days in prop::collection::btree_set(0_i8..7, 1..7),
            (from, until) in (0_i8..24, 0_i8..24),
            start in 1_767_225_600_u64..1_798_761_600,
            length in 1_u64..40,
        ) {
            let window = Window {
                when: When::Weekly {
                    days: days.into_iter().map(Day).collect(),
                    from: clock(from, 30, 0, 0),
                    until: clock(until, 0, 0, 0),
                },
                zone: new_york(),
            };
            let begin = Time::from_micros(start * 1_000_000);
            let end = begin + Duration::from_secs(length * 3_600);
            let all = turns(&window, begin, end);
            for pair in all.windows(2) {
                prop_assert!(pair[0].1 < pair[1].0);
            }
            for (from, until) in &all {
                prop_assert!(from < until && *until > begin && *from < end);
                prop_assert!(is_open(&window, *from) && !is_open(&window, *until));
            }
            for hour in 0..length {
                let at = begin + Duration::from_secs(hour * 3_600);
                let inside = all.iter().any(|(from, until)| *from <= at && at < *until);
                prop_assert_eq!(inside, is_open(&window, at));
            }
        }
    }
}
