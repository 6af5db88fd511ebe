//! The hand-over: what is written to those who can change it, from what a run or a watch has measured.
//!
//! [`document`] makes a [`Document`](crate::document::Document) of [`Material`], [`json`] the same for programs.
//! [`verify`] compares a request with what is found after the change.
//!
//! It tells what was measured, and is silent of what was not: no sentence says "not DNS" unless DNS was asked and
//! answered. Whose fault it is follows from the evidence alone, so that a refusal of the host itself goes to the owner
//! of the service and not to those who run the firewall.

pub mod attempts;
mod course;
mod evidence;
mod first_page;
mod form;
mod headline;
mod json;
mod kinds;
mod letter;
mod nots;
mod rules;
pub mod verify;

use std::{net::IpAddr, time::Duration};

use jiff::{Timestamp, civil::Date, tz::Offset};
use reach_core::{
    Time,
    model::{Case, Diagnosis, Observation},
    watch::{AddressState, Incident, Transition},
};

pub use self::{form::form, json::json, letter::document};
use crate::{Lang, feeds::Feed, scene::Scene, watch::History};

/// What a hand-over is made of.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// What was examined: the targets of a run, or the survey of an incident that shows it best.
    pub runs: &'a [Run],
    /// The incident that it is about, if it is about one.
    pub course: Option<&'a Course>,
    /// Who asks.
    pub asker: &'a Asker,
    /// The packets of the run, if they were kept.
    pub capture: Option<&'a Capture>,
    /// What providers publish of their addresses, as files that somebody brought.
    pub feeds: &'a [Feed],
    /// For whom it is to be written; by what was found where nobody said.
    pub reader: Option<Reader>,
    /// The version of the tool.
    pub version: &'a str,
    /// When the document is made.
    pub made: Time,
    /// Offset of the local time from UTC in seconds.
    pub offset_s: i32,
}

/// One target examined.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What it started from.
    pub case: Case,
    /// What was observed.
    pub observations: Vec<Observation>,
    /// What is concluded.
    pub diagnosis: Diagnosis,
    /// When it was over.
    pub finished: Time,
}

impl Run {
    pub(super) fn scene(&self, offset_s: i32, lang: Lang) -> Scene<'_> {
        Scene { case: &self.case, diagnosis: &self.diagnosis, finished: self.finished, offset_s, lang }
    }
}

/// An incident, with what a watch remembers of its course.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// As it is now, or was at its end.
    pub incident: Incident,
    /// Changes of state of the addresses of its target.
    pub transitions: Vec<Transition>,
    /// When each address that failed began to, and when it had answered last.
    pub onsets: Vec<Onset>,
    /// How the target has been, from before its beginning on.
    pub history: Option<History>,
    /// Until when the course is told.
    pub until: Time,
}

/// The interval that a log is searched for: between the last answer and the first failure something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Onset {
    /// The address.
    pub address: IpAddr,
    /// Its last answer before; `None` where none is remembered.
    pub last_good: Option<Time>,
    /// Its first failure.
    pub first_bad: Time,
    /// Its last failure that is remembered.
    pub last_bad: Option<Time>,
    /// Tries since its first failure, and how many of them failed.
    pub tries: u64,
    /// See `tries`.
    pub failures: u64,
    /// What is thought of it now.
    pub state: AddressState,
}

/// Who asks, as request forms want to know it. What is empty is left to be filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asker {
    /// The person.
    pub requester: Option<String>,
    /// Of which department.
    pub department: Option<String>,
    /// How to reach them.
    pub contact: Option<String>,
    /// The address that the source is translated to before the firewall.
    pub nat_ip: Option<String>,
    /// What the connection is for.
    pub purpose: Option<String>,
    /// From which day on it is wanted.
    pub from: Option<Date>,
    /// Until which day; for good where only the first one is given.
    pub until: Option<Date>,
}

/// For whom a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Those who run firewalls, routers and lines.
    Network,
    /// Those who run the service.
    Service,
    /// Whoever decides: two lines, and what is asked for.
    Manager,
}

/// A file of packets that belongs to the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Its name, without any directory.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
    /// How many packets are in it; `None` where it could not be read as a capture.
    pub packets: Option<u64>,
    /// Whether its packets were made from what is known and not captured; `None` where the file does not say.
    pub synthesised: Option<bool>,
    /// Its bytes, where it is small enough to be put into documents.
    pub bytes: Option<Vec<u8>>,
}

/// The day on which the document is made, where it is made.
fn today(material: &Material<'_>) -> Date {
    let offset = Offset::from_seconds(material.offset_s).unwrap_or(Offset::UTC);
    let micros = i64::try_from(material.made.as_micros()).unwrap_or(i64::MAX);
    offset.to_datetime(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)).date()
}

/// The first and the last moment of what was examined.
fn span(runs: &[Run]) -> Option<(Time, Time)> {
    let started = runs.iter().map(|run| run.case.started).min()?;
    let finished = runs.iter().map(|run| run.finished).max()?;
    Some((started, finished))
}

/// A difference of times as it is read: `2 ms`, `1.4 s`.
fn apart(span: Duration, lang: Lang) -> String {
    if span < Duration::from_millis(1) {
        crate::words::say!(lang, "less than 1 ms", "1 ms 미만")
    } else {
        crate::units::span(span, lang)
    }
}
