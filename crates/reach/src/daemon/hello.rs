//! Once a day, where somebody wants it: the watch goes on, and messages arrive.

use jiff::{ToSpan, civil, tz::TimeZone};
use reach_core::{
    Time,
    watch::{Gravity, Incident, IncidentId, News, Notice, Phase, Status, Subject},
};

use crate::config::watch::window::stamp;

/// Knows when to say it.
#[derive(Debug)]
pub(super) struct Hello {
    /// The time of day, and whose.
    wanted: Option<(civil::Time, TimeZone)>,
    due: Option<Time>,
}

impl Hello {
    /// Once a day at this time of day, from now on; never, where there is none.
    pub(super) fn new(at: Option<civil::Time>, zone: &TimeZone, now: Time) -> Self {
        let mut hello = Self { wanted: at.map(|at| (at, zone.clone())), due: None };
        hello.plan(now);
        hello
    }

    /// Whether to say it now: once, however many days were slept through.
    pub(super) fn is_due(&mut self, now: Time) -> bool {
        let is_due = self.due.is_some_and(|due| due <= now);
        if is_due {
            self.plan(now);
        }
        is_due
    }

    fn plan(&mut self, now: Time) {
        self.due = self.wanted.as_ref().and_then(|(at, zone)| next(*at, zone, now));
    }
}

/// When the clocks of a zone show this time of day the next time after `now`.
fn next(at: civil::Time, zone: &TimeZone, now: Time) -> Option<Time> {
    let today = zone.to_datetime(stamp(now)).date();
    let moments = (0..3).filter_map(|days| {
        let moment = today.checked_add(days.days()).ok()?.to_datetime(at).to_zoned(zone.clone()).ok()?;
        u64::try_from(moment.timestamp().as_microsecond()).ok().map(Time::from_micros)
    });
    moments.into_iter().find(|moment| *moment > now)
}

/// What is said then.
pub(super) fn notice(status: &Status, host: &str, now: Time) -> Notice {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let addresses: usize = status.targets.iter().map(|target| target.addresses.len()).sum();
    let news = News::Hello {
        targets: count(status.targets.len()),
        addresses: count(addresses),
        incidents: count(status.incidents.len()),
    };
    let incident = Incident {
        title: host.to_owned(),
        gravity: Gravity::Notice,
        worst: Gravity::Notice,
        phase: Phase::Closed { at: now, all_clear: false },
        ..Incident::new(IncidentId(0), Subject::Vantage, now)
    };
    let seq = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
    Notice { incident, seq, at: now, news, rings: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        let stamp: jiff::Timestamp = text.parse().expect("RFC 3339");
        Time::from_micros(stamp.as_microsecond().cast_unsigned())
    }

    #[test]
    fn it_is_said_once_a_day_and_never_made_up_for() {
        let begin = at("2026-11-20T08:59:59Z");
        let mut hello = Hello::new(Some(civil::time(9, 0, 0, 0)), &TimeZone::UTC, begin);
        let said = |hello: &mut Hello, text: &str| hello.is_due(at(text));
        assert!(!said(&mut hello, "2026-11-20T08:59:59.9Z"));
        assert!(said(&mut hello, "2026-11-20T09:00:00Z"));
        assert!(!said(&mut hello, "2026-11-20T09:00:00Z"), "once");
        assert!(!said(&mut hello, "2026-11-21T08:59:59Z"));
        assert!(said(&mut hello, "2026-11-21T09:00:01Z"));
        // Four days asleep: one, and then at the usual time again.
        assert!(said(&mut hello, "2026-11-25T12:00:00Z"));
        assert!(!said(&mut hello, "2026-11-25T12:00:01Z"));
        assert!(said(&mut hello, "2026-11-26T09:00:00Z"));
        assert!(!Hello::new(None, &TimeZone::UTC, begin).is_due(at("2030-01-01T00:00:00Z")));
    }

    #[test]
    fn it_is_said_at_that_time_of_day_in_the_zone_of_the_configuration() {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").expect("a zone");
        let nine = civil::time(9, 0, 0, 0);
        for (now, wanted) in [
            ("2026-11-20T13:59:59Z", "2026-11-20T14:00:00Z"),
            ("2026-11-20T14:00:00Z", "2026-11-21T14:00:00Z"),
            // Clocks go forward on 8 March at two.
            ("2026-03-07T15:00:00Z", "2026-03-08T13:00:00Z"),
        ] {
            assert_eq!(next(nine, &zone, at(now)), Some(at(wanted)), "{now}");
        }
        let half_past_two = civil::time(2, 30, 0, 0);
        let skipped = next(half_past_two, &zone, at("2026-03-08T05:00:00Z"));
        assert_eq!(skipped, Some(at("2026-03-08T07:30:00Z")), "that hour does not exist: half past three");
    }
}
