//! Quiet hours: the same every day, by the local clock.

use std::str::FromStr;

use jiff::{Span, Timestamp, civil, tz::TimeZone};
use reach_core::{Time, watch::courier::QuietSpan};

use crate::output::shown;

/// From one time of the day to another, across midnight where the second is not later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    from: civil::Time,
    until: civil::Time,
}

impl QuietHours {
    /// Those that touch the two days from `now` on, in order.
    pub fn spans(&self, zone: &TimeZone, now: Time) -> Vec<QuietSpan> {
        let Ok(stamp) = Timestamp::from_microsecond(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
        else {
            return Vec::new();
        };
        let today = zone.to_datetime(stamp).date();
        let spans = (-1..=2).filter_map(|days| {
            let first = today.checked_add(Span::new().days(days)).ok()?;
            let last = if self.until <= self.from { first.tomorrow().ok()? } else { first };
            let from = first.to_datetime(self.from).to_zoned(zone.clone()).ok()?;
            let until = last.to_datetime(self.until).to_zoned(zone.clone()).ok()?;
            Some(QuietSpan { from: time(from.timestamp())?, until: time(until.timestamp())? })
        });
        spans.filter(|span| span.until > now && span.from < span.until).collect()
    }
}

fn time(stamp: Timestamp) -> Option<Time> {
    u64::try_from(stamp.as_microsecond()).ok().map(Time::from_micros)
}

impl FromStr for QuietHours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{}` is no span of the day like \"22:00-07:00\"", shown(text));
        let (from, until) = text.split_once('-').ok_or_else(wrong)?;
        let clock = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            civil::Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
        };
        let (from, until) = clock(from).zip(clock(until)).ok_or_else(wrong)?;
        if from == until { Err(wrong()) } else { Ok(Self { from, until }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        time(text.parse().expect("a time")).expect("after 1970")
    }

    #[test]
    fn nights_cross_midnight_in_the_zone_of_the_people() {
        let hours: QuietHours = "22:00-07:00".parse().expect("hours");
        let zone = TimeZone::fixed(jiff::tz::offset(9));
        let spans = hours.spans(&zone, at("2026-11-22T14:30:00Z"));
        assert_eq!(spans[0].from, at("2026-11-22T13:00:00Z"));
        assert_eq!(spans[0].until, at("2026-11-22T22:00:00Z"));
        assert_eq!(spans[1].from, at("2026-11-23T13:00:00Z"));
        let morning = hours.spans(&zone, at("2026-11-22T22:00:00Z"));
        assert_eq!(morning[0].from, at("2026-11-23T13:00:00Z"));
    }

    #[test]
    fn an_afternoon_stays_on_its_day() {
        let hours: QuietHours = "12:30 - 13:00".parse().expect("hours");
        let spans = hours.spans(&TimeZone::UTC, at("2026-11-22T12:45:00Z"));
        assert_eq!(
            spans[0],
            QuietSpan { from: at("2026-11-22T12:30:00Z"), until: at("2026-11-22T13:00:00Z") }
        );
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "22:00", "22-07", "25:00-07:00", "22:00-22:00", "a:b-c:d", "22:00-07:00-08:00"] {
            assert!(text.parse::<QuietHours>().is_err(), "{text}");
        }
    }
}
