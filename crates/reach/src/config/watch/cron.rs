//! Patterns of times as `crontab(5)` has them: minute, hour, day of the month, month, day of the week.

use jiff::civil::{Date, DateTime};

/// A pattern of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// 0 is Sunday.
    weekdays: u64,
    /// Whether either of the two kinds of days was given as `*`: then both have to fit, else one of them.
    both_days: bool,
    text: String,
}

/// A field: its name, its lowest and highest number, and names for its numbers.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, names: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field {
        name: "day of the week",
        least: 0,
        most: 7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

impl Cron {
    /// Reads `MINUTE HOUR DAY MONTH WEEKDAY`, each `*`, a number, a name, a range `1-5`, a step `*/15`, or a list of
    /// such.
    pub fn read(text: &str) -> Result<Cron, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(format!(
                "a pattern has five fields (minute, hour, day, month, day of the week) and not {}, as in \
                 \"0 2 * * sat\"",
                fields.len()
            ));
        };
        let mut week = field(&FIELDS[4], weekdays)?;
        // 7 is Sunday too.
        week |= week >> 7 & 1;
        Ok(Cron {
            minutes: field(&FIELDS[0], minutes)?,
            hours: field(&FIELDS[1], hours)?,
            days: field(&FIELDS[2], days)?,
            months: field(&FIELDS[3], months)?,
            weekdays: week,
            both_days: days.starts_with('*') || weekdays.starts_with('*'),
            text: fields.join(" "),
        })
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its times on a date, in order.
    pub fn times_of(&self, date: Date) -> Vec<DateTime> {
        if !self.is_on(date) {
            return Vec::new();
        }
        let bits = |set: u64| (0..60_i8).filter(move |bit| set >> bit & 1 == 1);
        bits(self.hours)
            .flat_map(|hour| bits(self.minutes).map(move |minute| date.at(hour, minute, 0, 0)))
            .collect()
    }

    fn is_on(&self, date: Date) -> bool {
        let day = self.days >> date.day() & 1 == 1;
        let weekday = self.weekdays >> date.weekday().to_sunday_zero_offset() & 1 == 1;
        let fits = if self.both_days { day && weekday } else { day || weekday };
        fits && self.months >> date.month() & 1 == 1
    }
}

fn field(field: &Field, text: &str) -> Result<u64, String> {
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step: u32 =
                    step.parse().ok().filter(|step| *step > 0).ok_or_else(|| wrong(field, part))?;
                (range, step)
            }
            None => (part, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (field.least, field.most),
            Some((first, last)) => (number(field, first, part)?, number(field, last, part)?),
            None => {
                let only = number(field, range, part)?;
                (only, if part.contains('/') { field.most } else { only })
            }
        };
        if first > last {
            return Err(wrong(field, part));
        }
        for number in (first..=last).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
            set |= 1_u64 << number;
        }
    }
    Ok(set)
}

fn number(field: &Field, text: &str, part: &str) -> Result<u32, String> {
    let name = text.to_ascii_lowercase();
    let named = field.names.iter().position(|known| *known == name);
    let named = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + field.least);
    named
        .or_else(|| text.parse().ok())
        .filter(|number| (field.least..=field.most).contains(number))
        .ok_or_else(|| wrong(field, part))
}

fn wrong(field: &Field, part: &str) -> String {
    let Field { name, least, most, .. } = field;
    format!(
        "`{}` is no {name}; give *, a number from {least} to {most}, a range like {least}-{most}, or a list",
        crate::output::shown(part)
    )
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn times(text: &str, on: Date) -> Vec<String> {
        let cron = Cron::read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        cron.times_of(on).iter().map(|at| at.strftime("%H:%M").to_string()).collect()
    }

    #[test]
    fn fields_are_numbers_names_ranges_steps_and_lists() {
        // A Saturday.
        let day = date(2026, 11, 21);
        assert_eq!(times("0 2 * * sat", day), ["02:00"]);
        assert_eq!(times("0 2 * * 6", day), ["02:00"]);
        assert_eq!(times("*/30 1,3 * * *", day), ["01:00", "01:30", "03:00", "03:30"]);
        assert_eq!(times("15 22-23 * nov fri-sat", day), ["22:15", "23:15"]);
        assert_eq!(times("50/5 0 * * *", day), ["00:50", "00:55"]);
        assert!(times("0 2 * * mon-fri", day).is_empty());
        assert_eq!(times("0 2 * * 7", date(2026, 11, 22)), ["02:00"]);
        assert_eq!(times("0 2 * * sun", date(2026, 11, 22)), ["02:00"]);
    }

    #[test]
    fn two_kinds_of_days_mean_either_unless_one_is_a_star() {
        assert_eq!(times("0 2 21 * mon", date(2026, 11, 21)).len(), 1);
        assert_eq!(times("0 2 21 * mon", date(2026, 11, 23)).len(), 1);
        assert!(times("0 2 21 * mon", date(2026, 11, 22)).is_empty());
        assert!(times("0 2 21 * *", date(2026, 11, 22)).is_empty());
        assert!(times("0 2 * * mon", date(2026, 11, 21)).is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("0 2 * *", "five fields"),
            ("60 2 * * *", "`60` is no minute"),
            ("0 2 * * someday", "`someday` is no day of the week"),
            ("0 5-2 * * *", "`5-2` is no hour"),
            ("*/0 2 * * *", "`*/0` is no minute"),
            ("0 2 0 * *", "from 1 to 31"),
            ("", "and not 0"),
        ] {
            let problem = Cron::read(text).expect_err(text);
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
