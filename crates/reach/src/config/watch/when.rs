//! Times in the file: windows, times of day, dates, zones.

use std::{collections::BTreeSet, time::Duration};

use jiff::{
    civil::{self, DateTime},
    tz::TimeZone,
};
use toml::de::DeValue;

use super::{
    cron::Cron,
    sheet::Section,
    window::{Day, When, Window},
};
use crate::output::shown;

/// When: weekly, by a pattern, or once.
pub(super) fn window(section: &Section<'_, '_>, zone: &TimeZone, may_come_once: bool) -> Option<Window> {
    let zone = section.parsed("zone", time_zone).unwrap_or_else(|| zone.clone());
    let when = if section.has("cron") {
        let lasts = section.span("for", Duration::from_secs(60)..=Duration::from_secs(14 * 86_400));
        let cron = section.parsed("cron", Cron::read);
        if !section.has("for") {
            section.lacks("for", "for = \"2h\"");
        }
        cron.zip(lasts).map(|(cron, lasts)| When::Pattern { cron, lasts })
    } else if section.has("days") || !may_come_once || !has_date(section) {
        weekly(section)
    } else {
        once(section)
    };
    when.map(|when| Window { when, zone })
}

/// Whether `from` or `until` has a date in it.
fn has_date(section: &Section<'_, '_>) -> bool {
    ["from", "until"].into_iter().any(|key| {
        let dated = section.take(key, |value| {
            Ok(match value {
                DeValue::String(text) => text.contains('-'),
                DeValue::Datetime(stamp) => stamp.date.is_some(),
                _ => false,
            })
        });
        dated == Some(true)
    })
}

fn weekly(section: &Section<'_, '_>) -> Option<When> {
    let mut days = BTreeSet::new();
    for placed in section.texts("days") {
        match Day::read(&placed.text) {
            Some(day) => {
                days.insert(day);
            }
            None => section.sheet().wrong(
                placed.at,
                format!("`{}` is no day; give {}", shown(&placed.text), Day::NAMES.join(", ")),
            ),
        }
    }
    if days.is_empty() {
        days = Day::all();
    }
    let from = section.take("from", |value| time_of_day(&clock_text(value)?));
    let until = section.take("until", |value| time_of_day(&clock_text(value)?));
    for (key, example) in [("from", "from = \"02:00\""), ("until", "until = \"04:00\"")] {
        if !section.has(key) {
            section.lacks(key, example);
        }
    }
    Some(When::Weekly { days, from: from?, until: until? })
}

fn once(section: &Section<'_, '_>) -> Option<When> {
    let from = section.take("from", |value| date_time(&clock_text(value)?));
    let until = section.take("until", |value| date_time(&clock_text(value)?));
    for (key, example) in [("from", "from = \"2026-12-01T02:00\""), ("until", "until = \"2026-12-01T04:00\"")]
    {
        if !section.has(key) {
            section.lacks(key, example);
        }
    }
    let (from, until) = (from?, until?);
    if until <= from {
        section.wrong("until", "it is no later than `from`");
        return None;
    }
    Some(When::Once { from, until })
}

/// A time in quotes, or as TOML has it.
fn clock_text(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Datetime(stamp) => Ok(stamp.to_string()),
        _ => Err("give a time like \"02:00\" or \"2026-12-01T02:00\"".to_owned()),
    }
}

pub(super) fn time_of_day(text: &str) -> Result<civil::Time, String> {
    if text == "24:00" {
        return Ok(civil::Time::midnight());
    }
    let wrong = || format!("`{}` is no time of day; give one like \"02:00\"", shown(text));
    // The library takes 0200 and T02 as well, which nobody means.
    if !text.contains(':') {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

fn date_time(text: &str) -> Result<DateTime, String> {
    let wrong = || {
        format!(
            "`{}` is no date with a time, without a zone of its own; give one like \"2026-12-01T02:00\" and the zone \
             as zone = \"Asia/Seoul\"",
            shown(text)
        )
    };
    if text.ends_with('Z') || text.contains('+') || !text.contains(':') {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

pub(super) fn time_zone(text: &str) -> Result<TimeZone, String> {
    match text {
        "system" => Ok(TimeZone::system()),
        "UTC" | "utc" => Ok(TimeZone::UTC),
        _ => TimeZone::get(text).map_err(|_| {
            format!(
                "`{}` is no time zone of this host; give one like \"Asia/Seoul\" or \"UTC\" (`timedatectl \
                 list-timezones` lists them)",
                shown(text)
            )
        }),
    }
}
