//! `reach report`: the hand-over of a run or of an incident, in every way of writing it down; after the change, before
//! and after.

mod capture;
mod settings;
mod sources;
mod verifying;
mod writing;

use jiff::{Timestamp, tz::TimeZone};
use reach_core::Time;
use reach_report::{
    Lang,
    document::Document,
    feeds::Feed,
    report::{self, Asker, Capture, Material, Reader},
    request::RequestForm,
};
use serde_json::Value;

pub use self::sources::{Found, Subject, incident};
use self::{sources::Source, writing::Wish};
use crate::{
    cli::{ReportArgs, ReportReader},
    config::{Output, Problems, Surroundings, moment::Now},
    exit::Exit,
    output::complain,
};

/// Runs the command.
pub fn run(args: &ReportArgs, around: &Surroundings) -> Exit {
    let order = match Order::understand(args, around) {
        Ok(order) => order,
        Err(problems) => return complain(&problems),
    };
    let mut subjects = Vec::new();
    for source in &order.sources {
        match sources::read(source, args, around, order.output.style.lang) {
            Ok(subject) => subjects.push(subject),
            Err(trouble) => return trouble.told(),
        }
    }
    if args.verify { verifying::run(&order, &subjects) } else { hand_over(&order, &subjects) }
}

/// What was typed, understood.
struct Order {
    sources: Vec<Source>,
    wish: Wish,
    output: Output,
    asker: Asker,
    reader: Option<Reader>,
    capture: Option<Capture>,
    feeds: Vec<Feed>,
    zone: TimeZone,
    twice_after: std::time::Duration,
}

/// What is written of one subject: the document as it is read, and for programs.
pub(crate) struct Written {
    /// What its files are called.
    pub(crate) name: String,
    /// When it was made.
    made: Time,
    document: Document,
    json: Value,
    /// What is asked for, where a firewall is asked.
    form: Option<RequestForm>,
}

impl Order {
    fn understand(args: &ReportArgs, around: &Surroundings) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let output = crate::config::keep(Output::new(&args.show, around), &mut problems);
        let lang = output.map(|output| output.style.lang).unwrap_or_default();
        let sources: Vec<Source> = args
            .sources
            .iter()
            .filter_map(|text| crate::config::keep(Source::understand(text), &mut problems))
            .collect();
        if sources.iter().filter(|source| matches!(source, Source::Standard)).count() > 1 {
            problems.push("standard input can be read once only; give `-` once".to_owned());
        }
        let wish = crate::config::keep(Wish::understand(args, output.as_ref()), &mut problems);
        let zone = match &args.zone {
            Some(text) => crate::config::keep(settings::zone(text), &mut problems),
            None => Some(TimeZone::system()),
        };
        let asker = settings::asker(args, around, &mut problems);
        let capture = match capture::meant(args, &sources) {
            Some(path) => crate::config::keep(capture::read(&path), &mut problems),
            None => None,
        };
        let (least, most) = (std::time::Duration::from_millis(100), std::time::Duration::from_secs(86_400));
        let twice_after = crate::config::keep(
            crate::config::watch::span("--twice-after", &args.twice_after, least, most),
            &mut problems,
        );
        let feeds = args
            .feed
            .iter()
            .filter_map(|path| crate::config::keep(settings::feed(path, lang), &mut problems))
            .collect();
        let reader = args.reader.map(|reader| match reader {
            ReportReader::Network => Reader::Network,
            ReportReader::Service => Reader::Service,
            ReportReader::Manager => Reader::Manager,
        });
        match (output, wish, zone, twice_after) {
            (Some(output), Some(wish), Some(zone), Some(twice_after)) if problems.is_empty() => {
                Ok(Self { sources, wish, output, asker, reader, capture, feeds, zone, twice_after })
            }
            _ => Err(problems),
        }
    }
}

/// What the local time is ahead of UTC at a moment, in seconds.
pub(crate) fn offset_s(zone: &TimeZone, at: Time) -> i32 {
    let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    zone.to_offset(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)).seconds()
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Written {
    /// The hand-over of what a memory has of an incident.
    pub(crate) fn of(subject: &Subject, asker: &Asker, offset_s: i32, lang: Lang, made: Time) -> Self {
        let material = Material {
            runs: &subject.runs,
            course: subject.course.as_ref(),
            asker,
            capture: None,
            feeds: &[],
            reader: None,
            version: VERSION,
            made,
            offset_s,
        };
        Self::about(subject, &material, (lang, lang))
    }

    /// In the language of the document, and in that of what programs read.
    fn about(subject: &Subject, material: &Material<'_>, (lang, json_lang): (Lang, Lang)) -> Self {
        Self {
            name: subject.name(),
            made: material.made,
            document: report::document(material, lang),
            json: report::json(material, json_lang),
            form: report::form(material, lang),
        }
    }
}

fn hand_over(order: &Order, subjects: &[Subject]) -> Exit {
    let made = Now::look().time();
    let written: Vec<Written> = subjects
        .iter()
        .map(|subject| {
            let langs = (order.output.style.lang, order.output.json_lang);
            Written::about(subject, &material(order, subject, made), langs)
        })
        .collect();
    order.wish.write(&written, &order.output, Exit::AllWork)
}

fn material<'a>(order: &'a Order, subject: &'a Subject, made: Time) -> Material<'a> {
    let at = subject.runs.first().map_or(made, |run| run.case.started);
    Material {
        runs: &subject.runs,
        course: subject.course.as_ref(),
        asker: &order.asker,
        capture: order.capture.as_ref(),
        feeds: &order.feeds,
        reader: order.reader,
        version: VERSION,
        made,
        offset_s: offset_s(&order.zone, at),
    }
}

#[cfg(test)]
mod tests;
