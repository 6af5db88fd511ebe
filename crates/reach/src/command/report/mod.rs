//! `reach report`: the hand-over of a run or of an incident, in every way of writing it down; after the change, before
//! and after.

mod capture;
mod settings;
mod sources;
mod verifying;
mod writing;

use reach_core::Time;
use reach_report::{
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
    zone: jiff::tz::TimeZone,
    twice_after: std::time::Duration,
}

/// What is written of one subject: the document as it is read, and for programs.
struct Written {
    /// What its files are called.
    name: String,
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
            None => Some(jiff::tz::TimeZone::system()),
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

    /// What the local time is ahead of UTC at a moment, in seconds.
    fn offset_s(&self, at: Time) -> i32 {
        let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let stamp = jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX);
        self.zone.to_offset(stamp).seconds()
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn hand_over(order: &Order, subjects: &[Subject]) -> Exit {
    let made = Now::look().time();
    let written: Vec<Written> = subjects
        .iter()
        .map(|subject| {
            let material = material(order, subject, made);
            Written {
                name: subject.name(),
                made,
                document: report::document(&material, order.output.style.lang),
                json: report::json(&material, order.output.json_lang),
                form: report::form(&material, order.output.style.lang),
            }
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
        offset_s: order.offset_s(at),
    }
}

#[cfg(test)]
mod tests;
