//! What may be asked of the collector: reading, and nothing else.

use std::fmt;

use reach_core::Time;

use crate::scouter::{
    dictionary::TextKind,
    wire::{Map, MapPack, Pack, Value, Writer},
};

/// A place in one of the collector's rings, which both begin at 0 when it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// How often the ring was filled.
    pub round: i64,
    /// The place in it.
    pub index: i64,
}

impl Position {
    /// Where an answer says that it ends.
    pub fn of(table: &Map) -> Option<Position> {
        let number = |name| table.get(name).and_then(Value::integer);
        Some(Position { round: number("loop")?, index: number("index")? })
    }
}

/// A day in the collector's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u32);

impl Day {
    /// On how many days something is looked for.
    pub const LIKELY: usize = 3;

    /// The day of an instant, so many seconds east of Greenwich.
    pub fn of(at: Time, offset: i32) -> Day {
        let seconds = i64::try_from(at.as_secs()).unwrap_or(0) + i64::from(offset);
        let days = seconds.div_euclid(86_400) + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        Day(u32::try_from(year * 10_000 + month * 100 + day).unwrap_or(19_700_101))
    }

    /// The days that an instant may belong to where the collector's zone is not sure, the likeliest first: those of
    /// `offsets` (seconds east of Greenwich), and then those of other places on earth. At least one, at most
    /// [`Day::LIKELY`].
    pub fn likely(at: Time, offsets: &[i32]) -> Vec<Day> {
        let half_a_day = 12 * 3600;
        let mut days: Vec<Day> = Vec::new();
        for offset in offsets.iter().copied().chain([0, half_a_day, -half_a_day]) {
            let day = Day::of(at, offset);
            if !days.contains(&day) {
                days.push(day);
            }
        }
        days.truncate(Day::LIKELY);
        days
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

/// A command that reads. There is no way to say another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Which version the collector is of.
    Version,
    /// All objects, with what they say of themselves.
    Objects,
    /// The newest values of some counters, of all objects of a type.
    Counters {
        /// Their names.
        names: Vec<String>,
        /// The type.
        obj_type: String,
    },
    /// The newest values of one counter, of all objects of a type. Collectors before 0.4.10 know only this.
    Counter {
        /// Its name.
        name: String,
        /// The type.
        obj_type: String,
    },
    /// Where the ring of alerts ends now.
    AlertPosition,
    /// Alerts from a position on.
    Alerts(Position),
    /// The newest transactions of some objects, and where their ring ends.
    LatestXLogs {
        /// How many.
        count: i32,
        /// Of whom.
        objects: Vec<i32>,
    },
    /// Transactions of some objects from a position on: those that took long, and those with an error.
    XLogs {
        /// From where on.
        from: Position,
        /// How long the others have to have taken, in milliseconds.
        limit: i32,
        /// Of whom.
        objects: Vec<i32>,
    },
    /// One transaction.
    XLog {
        /// When.
        day: Day,
        /// Its number.
        txid: i64,
    },
    /// What one transaction did.
    Profile {
        /// When.
        day: Day,
        /// Its number.
        txid: i64,
    },
    /// Texts of one kind.
    Texts {
        /// When they were said.
        day: Day,
        /// Their kind.
        kind: TextKind,
        /// Their hashes.
        hashes: Vec<i32>,
    },
    /// Texts of several kinds. Collectors before 1.8.0 do not know this.
    TextsOfAnyKind {
        /// When they were said.
        day: Day,
        /// Their kinds and hashes.
        wanted: Vec<(TextKind, i32)>,
    },
    /// How full the disks of a host are. The host's agent is asked, which takes a moment.
    Disks {
        /// The hash of the host's object.
        host: i32,
    },
}

impl Command {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Command::Version => "SERVER_VERSION",
            Command::Objects => "OBJECT_LIST_REAL_TIME",
            Command::Counters { .. } => "COUNTER_REAL_TIME_ALL_MULTI",
            Command::Counter { .. } => "COUNTER_REAL_TIME_ALL",
            Command::AlertPosition | Command::Alerts(_) => "ALERT_REAL_TIME",
            Command::LatestXLogs { .. } => "TRANX_REAL_TIME_GROUP_LATEST",
            Command::XLogs { .. } => "TRANX_REAL_TIME_GROUP",
            Command::XLog { .. } => "XLOG_READ_BY_TXID",
            Command::Profile { .. } => "TRANX_PROFILE",
            Command::Texts { .. } => "GET_TEXT_100",
            Command::TextsOfAnyKind { .. } => "GET_TEXT_ANY_TYPE",
            Command::Disks { .. } => "HOST_DISK_USAGE",
        }
    }

    /// The bytes that ask it in a session.
    pub fn request(&self, session: i64) -> Vec<u8> {
        request(self.name(), session, self.parameters())
    }

    /// What goes with it. A table that the collector does not expect would put it out of step.
    fn parameters(&self) -> Option<Map> {
        Some(match self {
            Command::Objects => return None,
            Command::Version => Map::default(),
            Command::Counters { names, obj_type } => Map(vec![
                ("counter".into(), names.iter().map(String::as_str).collect()),
                ("objType".into(), obj_type.as_str().into()),
            ]),
            Command::Counter { name, obj_type } => {
                [("counter", name.as_str()), ("objType", obj_type.as_str())].into_iter().collect()
            }
            Command::AlertPosition => {
                Map([position(Position::default()), vec![("first".into(), true.into())]].concat())
            }
            Command::Alerts(from) => Map(position(*from)),
            Command::LatestXLogs { count, objects } => Map([
                position(Position::default()),
                vec![
                    ("count".into(), (*count).into()),
                    ("objHash".into(), objects.iter().copied().collect()),
                ],
            ]
            .concat()),
            Command::XLogs { from, limit, objects } => Map([
                position(*from),
                vec![
                    ("limit".into(), (*limit).into()),
                    ("objHash".into(), objects.iter().copied().collect()),
                ],
            ]
            .concat()),
            Command::XLog { day, txid } | Command::Profile { day, txid } => {
                Map(vec![("date".into(), day.to_string().as_str().into()), ("txid".into(), (*txid).into())])
            }
            Command::Texts { day, kind, hashes } => Map(vec![
                ("date".into(), day.to_string().as_str().into()),
                ("type".into(), kind.code().into()),
                ("hash".into(), hashes.iter().copied().collect()),
            ]),
            Command::TextsOfAnyKind { day, wanted } => Map(vec![
                ("date".into(), day.to_string().as_str().into()),
                ("type".into(), wanted.iter().map(|(kind, _)| kind.code()).collect()),
                ("hash".into(), wanted.iter().map(|(_, hash)| *hash).collect()),
            ]),
            Command::Disks { host } => [("objHash", *host)].into_iter().collect(),
        })
    }
}

fn position(position: Position) -> Vec<(String, Value)> {
    vec![("loop".into(), position.round.into()), ("index".into(), position.index.into())]
}

/// A request as it is sent.
pub(super) fn request(name: &str, session: i64, parameters: Option<Map>) -> Vec<u8> {
    let mut w = Writer::default();
    w.text(name);
    w.i64(session);
    if let Some(table) = parameters {
        Pack::Map(MapPack { table }).write(&mut w);
    }
    w.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_collectors_zone() {
        for (seconds, offset, day) in [
            (0, 0, "19700101"),
            (951_782_400, 0, "20000229"),
            (1_795_335_254, 0, "20261122"),
            (1_795_335_254, 16 * 3600, "20261123"),
            (1_735_689_600, -3600, "20241231"),
            (4_107_542_400, 0, "21000301"),
        ] {
            assert_eq!(Day::of(Time::from_micros(seconds * 1_000_000), offset).to_string(), day);
        }
    }
}
