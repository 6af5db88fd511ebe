//! Axes: which times and numbers are written along them.

use std::time::Duration;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::Offset,
};
use reach_core::Time;

use crate::{Lang, units, words::chart as words};

/// The time that a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when…
    pub from: Time,
    /// …until when.
    pub until: Time,
    /// The offset of local time from UTC, in seconds.
    pub offset_s: i32,
}

impl Window {
    /// How far a moment is from the beginning to the end, 0 to 1; moments outside are at the nearer edge.
    pub(super) fn share(&self, time: Time) -> f64 {
        let whole = self.length().as_secs_f64();
        if whole <= 0.0 {
            return 0.0;
        }
        (time.since(self.from).as_secs_f64() / whole).clamp(0.0, 1.0)
    }

    pub(super) fn length(&self) -> Duration {
        self.until.since(self.from)
    }

    /// The part of a stretch that is inside; `None` where nothing of it is.
    pub(super) fn part(&self, from: Time, until: Time) -> Option<(Time, Time)> {
        let (from, until) = (from.max(self.from), until.min(self.until));
        (from < until).then_some((from, until))
    }

    /// `2026-11-23 18:03:05`.
    pub(super) fn moment(&self, time: Time) -> String {
        units::date_time(time, self.offset_s)
    }

    /// From when until when, in words.
    pub(super) fn stretch(&self, from: Time, until: Time, lang: Lang) -> String {
        let until = units::later(from, until, self.offset_s);
        words::from_until(&self.moment(from), &until, lang)
    }

    /// All of it, with the zone.
    pub(super) fn text(&self, lang: Lang) -> String {
        format!("{} ({})", self.stretch(self.from, self.until, lang), units::zone(self.offset_s))
    }
}

/// A mark on the axis of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) at: Time,
    pub(super) label: String,
    /// What stands below it: the day of an hour, the year of a month, where it begins.
    pub(super) below: Option<String>,
}

/// Seconds between ticks, up to days.
const STEPS: [i64; 21] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
];
const DAY: i64 = 86_400;

/// Months between ticks.
const MONTHS: [i64; 11] = [1, 2, 3, 6, 12, 24, 60, 120, 600, 1_200, 12_000];

/// 1970-01-01 was a Thursday; weeks begin on Mondays.
const MONDAY: i64 = 4 * DAY;

/// The ticks of a window, at most so many: at full minutes, hours, days or months of local time.
pub(super) fn ticks(window: &Window, most: usize, lang: Lang) -> Vec<Tick> {
    let most = most.clamp(1, 64) as i64;
    let seconds = i64::try_from(window.length().as_secs()).unwrap_or(i64::MAX);
    if window.until <= window.from {
        return Vec::new();
    }
    match STEPS.into_iter().find(|step| seconds / step < most) {
        Some(step) => by_seconds(window, step, lang),
        None => by_months(window, most, lang),
    }
}

fn by_seconds(window: &Window, step: i64, lang: Lang) -> Vec<Tick> {
    let offset = i64::from(window.offset_s);
    let shift = if step >= 7 * DAY { MONDAY } else { 0 };
    let local = seconds_of(window.from).saturating_add(offset).saturating_sub(shift);
    let ahead = i64::from(window.from.as_micros() % 1_000_000 > 0);
    let mut local = (local.saturating_add(ahead + step - 1)).div_euclid(step) * step + shift;
    let mut ticks: Vec<Tick> = Vec::new();
    let mut day = None;
    while let Some(at) = of_seconds(local - offset).filter(|&at| at <= window.until) {
        let Some(civil) = civil(at, window.offset_s) else { break };
        let (label, outer, name) = if step < DAY {
            let label = if step < 60 { "%H:%M:%S" } else { "%H:%M" };
            (civil.strftime(label).to_string(), civil.date(), words::weekday(civil.date(), lang))
        } else {
            let year = first_of_year(civil.date());
            (words::day(civil.date(), lang), year, words::year(civil.year(), lang))
        };
        let below = (day != Some(outer)).then_some(name);
        day = Some(outer);
        ticks.push(Tick { at, label, below });
        local += step;
    }
    ticks
}

fn by_months(window: &Window, most: i64, lang: Lang) -> Vec<Tick> {
    let (Some(first), Some(last)) =
        (civil(window.from, window.offset_s), civil(window.until, window.offset_s))
    else {
        return Vec::new();
    };
    let number = |time: DateTime| i64::from(time.year()) * 12 + i64::from(time.month()) - 1;
    let whole = number(last) - number(first);
    let step = MONTHS.into_iter().find(|step| whole / step < most).unwrap_or(12_000);
    let mut month = number(first).div_euclid(step) * step;
    let mut ticks = Vec::new();
    let mut year = None;
    while month <= number(last) {
        let date = Date::new((month / 12) as i16, (month % 12 + 1) as i8, 1).ok();
        month += step;
        let Some(date) = date else { continue };
        let midnight = date.at(0, 0, 0, 0);
        let Some(at) = utc(midnight, window.offset_s).filter(|&at| at >= window.from && at <= window.until)
        else {
            continue;
        };
        if step % 12 == 0 {
            ticks.push(Tick { at, label: words::year(date.year(), lang), below: None });
            continue;
        }
        let below = (year != Some(date.year())).then(|| words::year(date.year(), lang));
        year = Some(date.year());
        ticks.push(Tick { at, label: words::month(date, lang), below });
    }
    ticks
}

fn first_of_year(date: Date) -> Date {
    Date::new(date.year(), 1, 1).unwrap_or(date)
}

fn seconds_of(time: Time) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn of_seconds(seconds: i64) -> Option<Time> {
    let micros = u64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    Some(Time::from_micros(micros))
}

fn civil(time: Time, offset_s: i32) -> Option<DateTime> {
    let offset = Offset::from_seconds(offset_s).unwrap_or(Offset::UTC);
    let stamp = Timestamp::from_microsecond(i64::try_from(time.as_micros()).ok()?).ok()?;
    Some(offset.to_datetime(stamp))
}

fn utc(local: DateTime, offset_s: i32) -> Option<Time> {
    let as_if = Offset::UTC.to_timestamp(local).ok()?;
    let stamp = as_if.checked_sub(i64::from(offset_s).seconds()).ok()?;
    of_seconds(stamp.as_second())
}

/// How latencies are laid out from the bottom to the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    /// In seconds.
    low: f64,
    high: f64,
    logarithmic: bool,
}

/// So many times the smallest, and small differences would be lost at the bottom of a linear scale.
const WIDE: f64 = 12.0;

impl Scale {
    /// For these times: linear from zero, or logarithmic where they are far apart.
    pub(super) fn of(times: impl IntoIterator<Item = Duration>) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for time in times {
            // Times below a microsecond, and above a day, are of no use here.
            let seconds = time.as_secs_f64().clamp(1e-6, 86_400.0);
            least = least.min(seconds);
            most = most.max(seconds);
        }
        if most <= 0.0 {
            return Self { low: 0.0, high: 0.001, logarithmic: false };
        }
        if most / least > WIDE {
            let (low, high) = (round_down(least), round_up(most));
            Self { low, high, logarithmic: true }
        } else {
            Self { low: 0.0, high: most * 1.08, logarithmic: false }
        }
    }

    pub(super) const fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// How far up, 0 to 1.
    pub(super) fn share(&self, time: Duration) -> f64 {
        let seconds = time.as_secs_f64();
        let share = if self.logarithmic {
            (seconds.max(1e-9) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (seconds - self.low) / (self.high - self.low)
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// What is written along it, from the bottom, at most about so many.
    pub(super) fn ticks(&self, most: usize) -> Vec<Duration> {
        let most = most.max(2);
        let values: Vec<f64> = if self.logarithmic {
            let all = rounds(self.low, self.high);
            let decades: Vec<f64> = all.iter().copied().filter(|value| is_decade(*value)).collect();
            if all.len() > most && decades.len() >= 2 { decades } else { all }
        } else {
            let step = round_up(self.high / most as f64);
            (0..=most).map(|place| place as f64 * step).filter(|value| *value <= self.high).collect()
        };
        let every = values.len().div_ceil(most).max(1);
        values.into_iter().step_by(every).map(Duration::from_secs_f64).collect()
    }
}

/// 1, 2, 5, 10, 20, 50 … microseconds.
fn rounds(low: f64, high: f64) -> Vec<f64> {
    let mut values = Vec::new();
    for power in -6..=5 {
        for digit in [1.0, 2.0, 5.0] {
            let value = digit * 10f64.powi(power);
            if value >= low * 0.999 && value <= high * 1.001 {
                values.push(value);
            }
        }
    }
    values
}

fn is_decade(value: f64) -> bool {
    let power = value.log10();
    (power - power.round()).abs() < 1e-6
}

fn round_down(value: f64) -> f64 {
    rounds(0.0, value).last().copied().unwrap_or(1e-6)
}

fn round_up(value: f64) -> f64 {
    rounds(value, f64::INFINITY).first().copied().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-23 14:00:00 UTC.
    const AT: u64 = 1_795_442_400_000_000;

    fn window(from_s: i64, seconds: u64, offset_s: i32) -> Window {
        let from = AT.saturating_add_signed(from_s * 1_000_000);
        Window {
            from: Time::from_micros(from),
            until: Time::from_micros(from + seconds * 1_000_000),
            offset_s,
        }
    }

    fn shown(window: &Window, most: usize, lang: Lang) -> Vec<String> {
        let tick = |tick: Tick| match tick.below {
            Some(below) => format!("{} / {below}", tick.label),
            None => tick.label,
        };
        ticks(window, most, lang).into_iter().map(tick).collect()
    }

    #[test]
    fn an_hour_has_full_minutes_and_names_its_day() {
        let hour = window(-90, 3_600, 9 * 3_600);
        assert_eq!(
            shown(&hour, 8, Lang::En),
            ["23:00 / Mon, Nov 23", "23:10", "23:20", "23:30", "23:40", "23:50"]
        );
        assert_eq!(shown(&hour, 8, Lang::Ko)[0], "23:00 / 11월 23일(월)");
    }

    #[test]
    fn midnight_is_local() {
        let night = window(0, 4 * 3_600, 9 * 3_600);
        assert_eq!(
            shown(&night, 5, Lang::En),
            ["23:00 / Mon, Nov 23", "00:00 / Tue, Nov 24", "01:00", "02:00", "03:00"]
        );
        let odd = window(0, 4 * 3_600, 5 * 3_600 + 45 * 60);
        assert_eq!(shown(&odd, 5, Lang::En)[0], "20:00 / Mon, Nov 23");
    }

    #[test]
    fn days_weeks_months_and_years_begin_where_they_begin() {
        let days = window(0, 6 * 86_400, 0);
        assert_eq!(shown(&days, 8, Lang::En)[..2], ["Nov 24 / 2026", "Nov 25"]);
        let weeks = window(0, 60 * 86_400, -5 * 3_600);
        assert_eq!(shown(&weeks, 10, Lang::En)[..2], ["Nov 30 / 2026", "Dec 7"]);
        let year = window(0, 365 * 86_400, 9 * 3_600);
        let months = shown(&year, 14, Lang::Ko);
        assert_eq!(months[..2], ["12월 / 2026년", "1월 / 2027년"]);
        assert_eq!(months.len(), 12);
        let long = window(0, 30 * 365 * 86_400, 0);
        assert_eq!(shown(&long, 8, Lang::En)[0], "2030");
    }

    #[test]
    fn times_far_apart_are_laid_out_by_their_logarithm() {
        let near = Scale::of([3, 5, 9].map(Duration::from_millis));
        assert!(!near.is_logarithmic());
        assert_eq!(near.ticks(5).first(), Some(&Duration::ZERO));
        let far = Scale::of([Duration::from_micros(900), Duration::from_secs(3)]);
        assert!(far.is_logarithmic());
        let ticks: Vec<u128> = far.ticks(5).iter().map(Duration::as_micros).collect();
        assert_eq!(ticks, [1_000, 10_000, 100_000, 1_000_000]);
    }

    proptest! {
        #[test]
        fn ticks_are_few_and_inside(
            from in 0_u64..4_000_000_000_000_000,
            length in 0_u64..4_000_000_000_000_000,
            offset_s in -93_599_i32..93_599,
            most in 0_usize..80,
        ) {
            let window = Window {
                from: Time::from_micros(from),
                until: Time::from_micros(from + length),
                offset_s,
            };
            let ticks = ticks(&window, most, Lang::En);
            prop_assert!(ticks.len() <= most.clamp(1, 64) + 2, "{}", ticks.len());
            prop_assert!(ticks.iter().all(|tick| tick.at >= window.from && tick.at <= window.until));
            prop_assert!(ticks.windows(2).all(|pair| pair[0].at < pair[1].at));
        }

        #[test]
        fn any_window_is_no_trouble(from: u64, until: u64, offset_s: i32, most: usize) {
            let window = Window { from: Time::from_micros(from), until: Time::from_micros(until), offset_s };
            let _ = ticks(&window, most, Lang::Ko);
            prop_assert!((0.0..=1.0).contains(&window.share(Time::from_micros(until / 2))));
        }

        #[test]
        fn a_scale_holds_its_times(times in prop::collection::vec(0_u64..100_000_000_000, 0..20)) {
            let times: Vec<Duration> = times.into_iter().map(Duration::from_micros).collect();
            let scale = Scale::of(times.iter().copied());
            for time in &times {
                prop_assert!((0.0..=1.0).contains(&scale.share(*time)));
            }
            let ticks = scale.ticks(5);
            prop_assert!(ticks.len() <= 8);
            prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
