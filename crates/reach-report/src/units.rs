//! Numbers, times and lists as people read them.

use std::{net::IpAddr, net::SocketAddr, time::Duration};

use jiff::{Timestamp, tz::Offset};
use reach_core::Time;

use crate::Lang;

/// A span: `0.42 ms`, `31 ms`, `2.9 s`, `3 min`.
pub(crate) fn span(span: Duration, lang: Lang) -> String {
    let ms = span.as_secs_f64() * 1000.0;
    let (s, min) = match lang {
        Lang::En => (" s", " min"),
        Lang::Ko => ("초", "분"),
    };
    if ms < 0.095 {
        format!("{ms:.2} ms")
    } else if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 999.5 {
        format!("{ms:.0} ms")
    } else if ms < 9_950.0 {
        format!("{:.1}{s}", ms / 1000.0)
    } else if ms < 119_500.0 {
        format!("{:.0}{s}", ms / 1000.0)
    } else {
        format!("{:.0}{min}", ms / 60_000.0)
    }
}

/// A share from 0 to 1: `37.5 %`. Neither rounds a rest away to nothing nor nearly all to all.
pub(crate) fn percent(share: f64) -> String {
    let percent = share.clamp(0.0, 1.0) * 100.0;
    if percent > 0.0 && percent < 0.1 {
        "<0.1 %".to_owned()
    } else if percent < 100.0 && percent > 99.9 {
        ">99.9 %".to_owned()
    } else if (percent - percent.round()).abs() < 0.05 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// Milliseconds with microsecond precision, for programs.
pub(crate) fn millis(span: Duration) -> f64 {
    span.as_micros() as f64 / 1000.0
}

/// `2026-11-22 14:00:03` in the zone with this offset.
pub(crate) fn date_time(time: Time, offset_s: i32) -> String {
    civil(time, offset_s, "%Y-%m-%d %H:%M:%S")
}

/// The same with milliseconds.
pub(crate) fn date_time_ms(time: Time, offset_s: i32) -> String {
    civil(time, offset_s, "%Y-%m-%d %H:%M:%S.%3f")
}

/// `14:00:03.250` in the zone with this offset.
pub(crate) fn clock_time_ms(time: Time, offset_s: i32) -> String {
    civil(time, offset_s, "%H:%M:%S.%3f")
}

/// `14:00:03` in the zone with this offset.
pub(crate) fn clock_time(time: Time, offset_s: i32) -> String {
    civil(time, offset_s, "%H:%M:%S")
}

/// The second of two times that are told together: with its date only if that is another one.
pub(crate) fn later(first: Time, second: Time, offset_s: i32) -> String {
    let day = |time| civil(time, offset_s, "%Y-%m-%d");
    if day(first) == day(second) { clock_time(second, offset_s) } else { date_time(second, offset_s) }
}

/// A stretch of hours and days: `45 s`, `12 min`, `3 h 2 min`, `2 d 4 h`.
pub(crate) fn stretch(span: Duration, lang: Lang) -> String {
    let seconds = span.as_secs();
    let (d, h, min, s) = match lang {
        Lang::En => (" d", " h", " min", " s"),
        Lang::Ko => ("일", "시간", "분", "초"),
    };
    let (large, small) = match seconds {
        0..120 => ((seconds, s), (0, "")),
        120..3600 => ((seconds / 60, min), (0, "")),
        3600..86_400 => ((seconds / 3600, h), (seconds % 3600 / 60, min)),
        _ => ((seconds / 86_400, d), (seconds % 86_400 / 3600, h)),
    };
    match small {
        (0, _) => format!("{}{}", large.0, large.1),
        (rest, unit) => format!("{}{} {rest}{unit}", large.0, large.1),
    }
}

/// The offset itself: `UTC`, `UTC+09:00`.
pub(crate) fn zone(offset_s: i32) -> String {
    if offset_s == 0 {
        return "UTC".to_owned();
    }
    let sign = if offset_s < 0 { '-' } else { '+' };
    let minutes = offset_s.unsigned_abs() / 60;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// RFC 3339 in UTC with milliseconds.
pub fn rfc3339(time: Time) -> String {
    civil(time, 0, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// RFC 3339 in UTC of the whole seconds of a certificate.
pub(crate) fn rfc3339_seconds(seconds: i64) -> String {
    of_seconds(seconds, "%Y-%m-%dT%H:%M:%SZ")
}

/// The date of the whole seconds of a certificate.
pub(crate) fn date(seconds: i64) -> String {
    of_seconds(seconds, "%Y-%m-%d")
}

fn civil(time: Time, offset_s: i32, format: &str) -> String {
    let offset = Offset::from_seconds(offset_s).unwrap_or(Offset::UTC);
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let stamp = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    offset.to_datetime(stamp).strftime(format).to_string()
}

fn of_seconds(seconds: i64, format: &str) -> String {
    let fallback = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let stamp = Timestamp::from_second(seconds).unwrap_or(fallback);
    Offset::UTC.to_datetime(stamp).strftime(format).to_string()
}

/// A resolver: its address, with the port only if it is not 53.
pub(crate) fn resolver(resolver: &SocketAddr) -> String {
    if resolver.port() == 53 { resolver.ip().to_string() } else { resolver.to_string() }
}

/// Addresses, comma-separated.
pub(crate) fn addresses<'a>(addresses: impl IntoIterator<Item = &'a IpAddr>) -> String {
    join(addresses.into_iter().map(ToString::to_string))
}

/// At most `most` of the items, then how many there are besides.
pub(crate) fn some_of(items: &[String], most: usize, lang: Lang) -> String {
    if items.len() <= most.saturating_add(1) {
        return join(items.iter().cloned());
    }
    let shown = join(items[..most].iter().cloned());
    let rest = items.len() - most;
    match lang {
        Lang::En => format!("{shown} and {rest} more"),
        Lang::Ko => format!("{shown} 외 {rest}개"),
    }
}

/// Source ports: neighbours as ranges, `40001-40004, 40007`.
pub(crate) fn ports(ports: impl IntoIterator<Item = u16>, lang: Lang) -> String {
    let mut sorted: Vec<u16> = ports.into_iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let count = sorted.len();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in sorted {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == port => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    let texts: Vec<String> = ranges
        .iter()
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    // A log is searched by them: all of them, or what surely holds them.
    match (ranges.first(), ranges.last()) {
        (Some((first, _)), Some((_, last))) if ranges.len() > 24 => match lang {
            Lang::En => format!("{count} ports from {first} to {last}"),
            Lang::Ko => format!("{first} ~ {last} 중 {count}개"),
        },
        _ => join(texts),
    }
}

fn join(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_sensible_precision() {
        let show = |micros| span(Duration::from_micros(micros), Lang::En);
        assert_eq!(show(40), "0.04 ms");
        assert_eq!(show(420), "0.4 ms");
        assert_eq!(show(31_400), "31 ms");
        assert_eq!(show(2_940_000), "2.9 s");
        assert_eq!(show(12_000_000), "12 s");
        assert_eq!(show(180_000_000), "3 min");
        assert_eq!(span(Duration::from_secs(3), Lang::Ko), "3.0초");
    }

    #[test]
    fn shares_never_round_to_certainty() {
        assert_eq!(percent(0.375), "37.5 %");
        assert_eq!(percent(0.25), "25 %");
        assert_eq!(percent(0.9999), ">99.9 %");
        assert_eq!(percent(0.0001), "<0.1 %");
        assert_eq!(percent(1.0), "100 %");
    }

    #[test]
    fn stretches_name_two_units_at_most() {
        let show = |seconds, lang| stretch(Duration::from_secs(seconds), lang);
        assert_eq!(show(119, Lang::En), "119 s");
        assert_eq!(show(3599, Lang::En), "59 min");
        assert_eq!(show(3 * 3600 + 120, Lang::En), "3 h 2 min");
        assert_eq!(show(2 * 86_400 + 4 * 3600, Lang::Ko), "2일 4시간");
        assert_eq!(show(86_400, Lang::Ko), "1일");
    }

    #[test]
    fn times_carry_their_offset() {
        let time = Time::from_micros(1_795_364_403_250_000);
        assert_eq!(rfc3339(time), "2026-11-22T16:20:03.250Z");
        assert_eq!(date_time(time, 9 * 3600), "2026-11-23 01:20:03");
        assert_eq!(zone(9 * 3600), "UTC+09:00");
        assert_eq!(zone(-(3 * 3600 + 1800)), "UTC-03:30");
        assert_eq!(date(i64::MAX), "9999-12-30");
    }

    #[test]
    fn ports_fold_into_ranges() {
        assert_eq!(ports([40_003, 40_001, 40_002, 50_000, 65_535], Lang::En), "40001-40003, 50000, 65535");
        let many = (0..40).map(|n| 45_000 + 3 * n);
        assert_eq!(ports(many, Lang::En), "40 ports from 45000 to 45117");
    }
}
