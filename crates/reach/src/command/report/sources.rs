//! What a report is made of: a recording, or an incident with what the watch remembers of it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use reach_core::{
    Time,
    judge::judge,
    model::{Target, Verdict},
    watch::{self as watching, AddressState, Incident, IncidentId, Layer, Reading, TargetId},
};
use reach_report::{
    Lang,
    report::{Course, Onset, Run},
    watch::History,
};
use reach_store::{Reader, Span};

use crate::{
    cli::ReportArgs,
    command::{
        ack, asking,
        incidents::Trouble,
        memory::{self, MemoryError},
    },
    config::{Surroundings, moment::Now, moment::step_for},
    output::{note, shown},
    recording::{self, Ending, Recording},
    words,
};

/// What was typed as a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An incident.
    Incident(IncidentId),
    /// A file.
    Recording(PathBuf),
    /// Standard input.
    Standard,
}

impl Source {
    /// A number is an incident, everything else a file.
    pub(super) fn understand(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix('#').unwrap_or(text);
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            return ack::incident(text).map(Source::Incident);
        }
        match text {
            "" => Err("an empty name; give a recording of `reach check --record`, or an incident like 17"
                .to_owned()),
            "-" => Ok(Source::Standard),
            path => Ok(Source::Recording(path.into())),
        }
    }
}

/// What a source holds.
pub struct Subject {
    /// The targets that were examined.
    pub runs: Vec<Run>,
    /// The incident, if it is one.
    pub course: Option<Course>,
}

impl Subject {
    /// What its files are called.
    pub fn name(&self) -> String {
        if let Some(course) = &self.course {
            return format!("incident-{}", course.incident.id.0);
        }
        let Some(run) = self.runs.first() else { return "report".to_owned() };
        let host: String = file_name(&run.case.target);
        match self.runs.len() {
            1 => format!("report-{host}"),
            many => format!("report-{host}-and-{}", many - 1),
        }
    }
}

/// A host and port of which nothing is a directory or an option.
fn file_name(target: &Target) -> String {
    let host = match &target.host {
        reach_core::model::Host::Name(name) => name.trim_end_matches('.').to_owned(),
        reach_core::model::Host::Address(address) => address.to_string().replace(':', "_"),
    };
    let tame: String = host
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' })
        .take(100)
        .collect();
    format!("{tame}-{}", target.port)
}

/// Reads it.
pub(super) fn read(
    source: &Source,
    args: &ReportArgs,
    around: &Surroundings,
    lang: Lang,
) -> Result<Subject, Trouble> {
    match source {
        Source::Standard => recorded("standard input", &mut io::stdin().lock(), lang),
        Source::Recording(path) => {
            let name = format!("`{}`", shown(&path.to_string_lossy()));
            let file = File::open(path).map_err(|error| {
                format!(
                    "{name} cannot be read: {error}; give a recording of `reach check --record`, or the number of an \
                     incident"
                )
            })?;
            if fs::metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
                return Err(
                    format!("{name} is a directory; give a recording of `reach check --record`").into()
                );
            }
            recorded(&name, &mut io::BufReader::new(file), lang)
        }
        Source::Incident(id) => {
            let path = memory::place(&args.memory, asking::world(around)).map_err(Trouble::Typed)?;
            let reader = memory::reader(&path)?;
            remembered(&reader, &path, *id, Now::look().time())
        }
    }
}

/// More than any recording is.
const LARGEST: u64 = 1024 * 1024 * 1024;

fn recorded(name: &str, from: &mut dyn Read, lang: Lang) -> Result<Subject, Trouble> {
    let mut bytes = Vec::new();
    from.take(LARGEST).read_to_end(&mut bytes).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let recording = recording::read(bytes).map_err(|error| format!("{name} is no recording: {error}"))?;
    if recording.paths.is_some() {
        return Err(format!(
            "{name} is a recording of `reach trace`, which tests no connection; give one of `reach check --record`"
        )
        .into());
    }
    match recording.ending {
        Ending::Complete => {}
        Ending::Interrupted => note(words::interrupted(lang)),
        Ending::Unknown => note(words::cut_short(lang)),
    }
    Ok(Subject { runs: runs(recording), course: None })
}

/// What a recording holds, judged.
pub(super) fn runs(recording: Recording) -> Vec<Run> {
    let finished = recording.finished;
    recording
        .examined
        .into_iter()
        .map(|(case, observations)| {
            let diagnosis = judge(&case, &observations);
            Run { case, observations, diagnosis, finished }
        })
        .collect()
}

/// So much of the time before an incident is looked at for the last answer of each address, and shown beside it.
const BEFORE: Duration = Duration::from_secs(24 * 3600);
const SHOWN_BEFORE: Duration = Duration::from_secs(1800);
/// Cells of the picture over time.
const CELLS: usize = 96;

fn remembered(reader: &Reader, path: &Path, id: IncidentId, now: Time) -> Result<Subject, Trouble> {
    match incident(reader, id, now).map_err(|error| Trouble::from(memory::unreadable(path, &error)))? {
        Found::Subject(subject) => Ok(*subject),
        Found::Nothing => {
            Err(format!("there is no incident #{}; `reach incidents --since -90d` lists them", id.0).into())
        }
        Found::NoTarget(incident) => {
            let about = match &incident.subject {
                watching::Subject::Matter(key) => shown(key),
                watching::Subject::Vantage | watching::Subject::Target(_) => "this host itself".to_owned(),
            };
            Err(format!(
                "incident #{} is not about a target but about {about}; there is nothing to hand over to a network team",
                id.0
            )
            .into())
        }
        Found::NoSurvey(incident) => Err(Trouble::from(MemoryError::Unreadable {
            path: path.to_owned(),
            why: format!(
                "no survey of incident #{} is kept, so that there is nothing to show; `reach examine {}` makes one \
                 while it lasts",
                id.0,
                shown(&incident.title)
            ),
        })),
    }
}

/// What a memory has of an incident for a hand-over.
pub enum Found {
    /// There is no such incident.
    Nothing,
    /// It is about no target.
    NoTarget(Box<Incident>),
    /// No survey of it is kept.
    NoSurvey(Box<Incident>),
    /// The survey that shows it best, and its course.
    Subject(Box<Subject>),
}

/// What a memory has of an incident for a hand-over.
///
/// # Errors
///
/// Where the memory cannot be read.
pub fn incident(reader: &Reader, id: IncidentId, now: Time) -> Result<Found, reach_store::Error> {
    let Some(record) = reader.incident(id)? else { return Ok(Found::Nothing) };
    let incident = record.incident;
    let watching::Subject::Target(target) = incident.subject else {
        return Ok(Found::NoTarget(Box::new(incident)));
    };
    let mut best: Option<(usize, Run)> = None;
    for kept in record.evidence.iter().filter(|kept| kept.target == target) {
        let Some(examination) = reader.examination(kept.number)? else { continue };
        let diagnosis = judge(&examination.case, &examination.observations);
        let run = Run {
            case: examination.case,
            observations: examination.observations,
            diagnosis,
            finished: examination.finished,
        };
        let failing = failing(&run);
        // The survey that shows it best; of alike ones the last.
        if best.as_ref().is_none_or(|(most, _)| failing >= *most) {
            best = Some((failing, run));
        }
    }
    let Some((_, run)) = best else { return Ok(Found::NoSurvey(Box::new(incident))) };
    let until = ended(&incident).unwrap_or(now);
    let onsets = onsets(reader, target, &incident, until)?;
    let history = history(reader, target, &incident, until)?;
    let course = Course { incident, transitions: record.transitions, onsets, history: Some(history), until };
    Ok(Found::Subject(Box::new(Subject { runs: vec![run], course: Some(course) })))
}

fn failing(run: &Run) -> usize {
    let endpoints = run.diagnosis.endpoints.iter();
    endpoints.filter(|one| !matches!(one.verdict, Verdict::Ok | Verdict::NoRoute)).count()
}

/// When it was over, if it is.
fn ended(incident: &Incident) -> Option<Time> {
    match incident.phase {
        watching::Phase::Closed { at, .. } => Some(at),
        _ => None,
    }
}

/// When each address that failed began to, from the single results.
fn onsets(
    reader: &Reader,
    target: TargetId,
    incident: &Incident,
    until: Time,
) -> Result<Vec<Onset>, reach_store::Error> {
    let mut onsets: BTreeMap<IpAddr, Onset> = incident
        .members
        .iter()
        .map(|member| {
            let onset = Onset {
                address: member.address,
                last_good: None,
                first_bad: member.since,
                last_bad: None,
                tries: 0,
                failures: 0,
                state: member.state,
            };
            (member.address, onset)
        })
        .collect();
    let Some(first) = onsets.values().map(|onset| onset.first_bad).min() else { return Ok(Vec::new()) };
    let from = Time::from_micros(first.as_micros().saturating_sub(micros(BEFORE)));
    let end = until + Duration::from_millis(1);
    for sample in reader.results(Some(target), Span { from, until: end })? {
        let sample = sample?;
        let Some(onset) = onsets.get_mut(&sample.series.address).filter(|_| sample.layer != Layer::Echo)
        else {
            continue;
        };
        match sample.reading {
            Reading::Answered(_) if sample.at < onset.first_bad => onset.last_good = Some(sample.at),
            Reading::Answered(_) => onset.tries += 1,
            Reading::Failed(_) if sample.at >= onset.first_bad => {
                (onset.tries, onset.failures) = (onset.tries + 1, onset.failures + 1);
                onset.last_bad = Some(sample.at);
            }
            Reading::Failed(_) | Reading::Unable => {}
        }
    }
    let mut onsets: Vec<Onset> = onsets.into_values().collect();
    for onset in onsets.iter_mut().filter(|onset| onset.state == AddressState::Gone) {
        onset.last_bad = onset.last_bad.or(Some(onset.first_bad));
    }
    onsets.sort_by_key(|onset| (onset.first_bad, onset.address));
    Ok(onsets)
}

/// How the target has been, from some time before.
fn history(
    reader: &Reader,
    target: TargetId,
    incident: &Incident,
    until: Time,
) -> Result<History, reach_store::Error> {
    let from = Time::from_micros(incident.began.as_micros().saturating_sub(micros(SHOWN_BEFORE)));
    let step = step_for(until.since(from).max(Duration::from_secs(60)), CELLS);
    let from = Time::from_micros(from.as_micros() - from.as_micros() % micros(step).max(1));
    let found = reader.history(target, Span { from, until }, step)?;
    // The deepest layer that was tried says whether a connection was of use.
    let layers = found.addresses.keys().map(|(_, layer)| *layer);
    let layer = layers.filter(|layer| *layer != Layer::Echo).min().unwrap_or(Layer::Connect);
    let buckets = found.addresses.into_iter().filter(|((_, of), _)| *of == layer).flat_map(
        |((address, layer), buckets)| {
            buckets.into_iter().map(move |bucket| memory::shown_bucket(address, layer, bucket))
        },
    );
    Ok(History {
        target: incident.title.clone(),
        from,
        until,
        step,
        layer,
        totals: Vec::new(),
        buckets: buckets.collect(),
        transitions: Vec::new(),
    })
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
