//! Recordings: what a run saw, as JSON lines, so that it can be judged again.
//!
//! One line for each target with the case, in the order of the targets; then the observations as they came,
//! each with the number of its target; at last the end of the run:
//!
//! ```text
//! {"schema":"reach.recording/1","version":"0.1.0","case":{…}}
//! {"target":0,"id":0,"probe":"lookup",…,"outcome":{…},"sent":…,"done":…}
//! {"finished":1767225609500000,"interrupted":false}
//! ```
//!
//! A run that is killed loses nothing that it saw: the last line may be missing, or be cut.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
};

use reach_core::{
    Time,
    model::{Case, Observation, TracePlan},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::output::shown;

/// What the first line of every recording says.
pub const SCHEMA: &str = "reach.recording/1";

/// What a run saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Each target with what was observed of it.
    pub examined: Vec<(Case, Vec<Observation>)>,
    /// How paths were traced, where they were.
    pub paths: Option<TracePlan>,
    /// When it ended.
    pub finished: Time,
    /// How it ended.
    pub ending: Ending,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every survey was done.
    Complete,
    /// Somebody stopped it.
    Interrupted,
    /// The recording does not say: whoever wrote it was killed.
    Unknown,
}

/// Why bytes are no recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is nothing in it.
    #[error("it is empty; a recording is written by `reach check --record FILE`")]
    Empty,
    /// Of another kind or of another version.
    #[error("line {line}: it says `{schema}`, and this version of reach reads `{SCHEMA}`")]
    OtherSchema {
        /// The line, from 1.
        line: usize,
        /// What it says to be.
        schema: String,
    },
    /// A line that cannot be understood.
    #[error("line {line}: {why}")]
    BadLine {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads a recording. Takes anything; what it does not know it passes over inside a line.
pub fn read(text: impl AsRef<[u8]>) -> Result<Recording, ReadError> {
    let bytes = text.as_ref();
    let mut reader = Reader::default();
    let mut lines = bytes.split(|&byte| byte == b'\n').enumerate().peekable();
    while let Some((number, bytes)) = lines.next() {
        // Only what comes behind the last line end can have been cut.
        let may_be_cut = lines.peek().is_none();
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line = number + 1;
        match serde_json::from_slice(bytes) {
            Ok(value) => reader.line(value, line)?,
            Err(error) if may_be_cut && error.is_eof() && !reader.examined.is_empty() => {}
            Err(error) => return Err(bad(line, &format!("{} (is it JSON?)", reason(&error)))),
        }
    }
    reader.recording()
}

#[derive(Serialize)]
struct Header<'a> {
    schema: &'a str,
    version: &'a str,
    case: &'a Case,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<&'a TracePlan>,
}

#[derive(Serialize)]
struct Sighting<'a> {
    target: usize,
    #[serde(flatten)]
    observation: &'a Observation,
}

#[derive(Serialize, Deserialize)]
struct End {
    finished: Time,
    #[serde(default)]
    interrupted: bool,
}

#[derive(Default)]
struct Reader {
    examined: Vec<(Case, Vec<Observation>)>,
    paths: Option<TracePlan>,
    end: Option<End>,
}

impl Reader {
    fn line(&mut self, value: Value, line: usize) -> Result<(), ReadError> {
        let Value::Object(mut fields) = value else {
            return Err(bad(line, "it is no JSON object"));
        };
        if self.end.is_some() {
            return Err(bad(line, "it comes behind the end of the run"));
        }
        if let Some(schema) = fields.remove("schema") {
            if schema != SCHEMA {
                let schema = schema.as_str().map_or_else(|| schema.to_string(), str::to_owned);
                return Err(ReadError::OtherSchema { line, schema: shown(&schema) });
            }
            let case = fields.remove("case").ok_or_else(|| bad(line, "it has no `case`"))?;
            let case = serde_json::from_value(case).map_err(|error| bad(line, &reason(&error)))?;
            if let Some(paths) = fields.remove("paths") {
                let paths = serde_json::from_value(paths).map_err(|error| bad(line, &reason(&error)))?;
                self.paths = Some(paths);
            }
            self.examined.push((case, Vec::new()));
            return Ok(());
        }
        if self.examined.is_empty() {
            return Err(bad(line, &format!("it has no `schema`; a recording begins with `{SCHEMA}`")));
        }
        if let Some(target) = fields.remove("target") {
            let known = self.examined.len();
            let number = target.as_u64().and_then(|number| usize::try_from(number).ok());
            let entry = number.and_then(|number| self.examined.get_mut(number));
            let (_, observations) = entry
                .ok_or_else(|| bad(line, &format!("target {target} is none of the {known} before it")))?;
            let observation = serde_json::from_value(Value::Object(fields));
            observations.push(observation.map_err(|error| bad(line, &reason(&error)))?);
            return Ok(());
        }
        if fields.contains_key("finished") {
            let end = serde_json::from_value(Value::Object(fields));
            self.end = Some(end.map_err(|error| bad(line, &reason(&error)))?);
            return Ok(());
        }
        Err(bad(line, "it is neither a case nor an observation nor the end of the run"))
    }

    fn recording(self) -> Result<Recording, ReadError> {
        let Some((first, _)) = self.examined.first() else { return Err(ReadError::Empty) };
        let last_seen =
            self.examined.iter().flat_map(|(_, observations)| observations).map(|seen| seen.done).max();
        let (finished, ending) = match self.end {
            Some(End { finished, interrupted: false }) => (finished, Ending::Complete),
            Some(End { finished, interrupted: true }) => (finished, Ending::Interrupted),
            None => (last_seen.unwrap_or(first.started), Ending::Unknown),
        };
        Ok(Recording { finished, ending, paths: self.paths, examined: self.examined })
    }
}

fn bad(line: usize, why: &str) -> ReadError {
    ReadError::BadLine { line, why: shown(why) }
}

/// The reason without its position: each line is read alone, so its line number would mislead.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => format!("{reason} at column {}", error.column()),
        None => text,
    }
}

/// Writes a recording line by line. After the first line that cannot be written it keeps silent: trouble while
/// recording never hurts the run.
#[derive(Debug)]
pub struct Recorder<W> {
    sink: Option<W>,
    trouble: Option<io::Error>,
}

impl Recorder<File> {
    /// Writes to a file; what was in it is lost.
    pub fn create(path: &Path) -> io::Result<Self> {
        File::create(path).map(Self::new)
    }
}

impl<W: Write> Recorder<W> {
    /// Writes to `sink`, one call for each line.
    pub fn new(sink: W) -> Self {
        Self { sink: Some(sink), trouble: None }
    }

    /// What a run starts from, once for each target.
    pub fn case(&mut self, case: &Case) {
        self.header(case, None);
    }

    /// The same of a run that traces paths.
    pub fn paths(&mut self, case: &Case, plan: &TracePlan) {
        self.header(case, Some(plan));
    }

    fn header(&mut self, case: &Case, paths: Option<&TracePlan>) {
        self.line(&Header { schema: SCHEMA, version: env!("CARGO_PKG_VERSION"), case, paths });
    }

    /// One observation of the target with this number.
    pub fn observation(&mut self, target: usize, observation: &Observation) {
        self.line(&Sighting { target, observation });
    }

    /// The end of the run.
    pub fn end(&mut self, finished: Time, interrupted: bool) {
        self.line(&End { finished, interrupted });
    }

    /// Why nothing is written any more; told once.
    pub fn trouble(&mut self) -> Option<io::Error> {
        self.trouble.take()
    }

    fn line(&mut self, line: &impl Serialize) {
        let Some(sink) = &mut self.sink else { return };
        let written = serde_json::to_vec(line).map_err(io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            sink.write_all(&bytes)
        });
        if let Err(error) = written {
            self.sink = None;
            self.trouble = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reach_core::model::{
        Answer, Connect, Connected, Effort, Endpoint, Outcome, Plan, Probe, ProbeId, Then, Vantage,
    };

    use super::*;

    fn case() -> Case {
        Case {
            target: "www.example.com".parse().expect("a target"),
            vantage: Vantage::default(),
            plan: Plan::new(Effort::Normal, u64::MAX),
            started: Time::from_micros(1_000),
        }
    }

    fn observation() -> Observation {
        let endpoint = Endpoint { address: [203, 0, 113, 12].into(), port: 443 };
        let connected = Connected {
            rtt: Duration::from_micros(250),
            syns: 1,
            source: ([10, 70, 0, 2], 33_000).into(),
            after: reach_core::model::After::Spoke(vec![0, 255, 10]),
        };
        Observation {
            id: ProbeId(3),
            probe: Probe::Connect(Connect {
                endpoint,
                source_port: 33_000,
                ttl: None,
                min_ttl: Some(9),
                timeout: Duration::from_secs(3),
                then: Then::Listen(Duration::from_millis(400)),
                crowd: 1,
            }),
            outcome: Outcome::Answered(Answer::Connected(connected)),
            sent: Time::from_micros(2_000),
            done: Time::from_micros(9_000),
        }
    }

    fn written() -> String {
        let mut bytes = Vec::new();
        let mut recorder = Recorder::new(&mut bytes);
        recorder.case(&case());
        recorder.observation(0, &observation());
        recorder.end(Time::from_micros(10_000), false);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let recording = read(written()).expect("a recording");
        assert_eq!(recording.examined, [(case(), vec![observation()])]);
        assert_eq!((recording.finished.as_micros(), recording.ending), (10_000, Ending::Complete));
    }

    #[test]
    fn a_recording_without_its_last_line_ends_with_its_last_observation() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        for cut in [&format!("{}\n{}\n", lines[0], lines[1]), &text[..text.len() - 9]] {
            let recording = read(cut).expect(cut);
            assert_eq!((recording.finished.as_micros(), recording.ending), (9_000, Ending::Unknown));
            assert_eq!(recording.examined[0].1.len(), 1);
        }
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let text =
            written().replacen('{', "{\"more\":[1],", 1).replace("\"target\":0", "\"x\":{},\"target\":0");
        assert_eq!(read(text).expect("a recording").examined, [(case(), vec![observation()])]);
    }

    #[test]
    fn what_is_no_recording_is_told_with_its_line() {
        let text = written();
        let lines: Vec<&str> = text.lines().collect();
        for (bytes, part) in [
            (String::new(), "empty"),
            ("\n \n".to_owned(), "empty"),
            ("hello\n".to_owned(), "line 1: expected value at column 1"),
            ("[1]\n".to_owned(), "line 1: it is no JSON object"),
            ("{}\n".to_owned(), "line 1: it has no `schema`"),
            ("{\"schema\":\"reach.recording/2\"}\n".to_owned(), "line 1: it says `reach.recording/2`"),
            ("{\"schema\":7}\n".to_owned(), "it says `7`"),
            (format!("{{\"schema\":\"{SCHEMA}\"}}\n"), "line 1: it has no `case`"),
            (format!("{}\n\n{{\"target\":1}}\n", lines[0]), "line 3: target 1 is none of the 1"),
            (format!("{}\n{{\"target\":-1}}\n", lines[0]), "line 2: target -1"),
            (format!("{}\n{{\"target\":0}}\n", lines[0]), "line 2: missing field"),
            (format!("{}\n{{}}\n", lines[0]), "line 2: it is neither"),
            (
                format!("{}\n{{\"finished\":\"\\u0007\"}}\n", lines[0]),
                "line 2: invalid type: string \"\\u{7}\"",
            ),
            (format!("{text}{}\n", lines[1]), "line 4: it comes behind the end"),
            (format!("{}\n", &text[..40]), "line 1: EOF"),
        ] {
            let error = read(&bytes).expect_err(&bytes).to_string();
            assert!(error.contains(part), "{bytes}: {error}");
        }
    }

    #[test]
    fn any_prefix_and_any_changed_byte_is_read_or_refused() {
        let text = written().into_bytes();
        for at in 0..text.len() {
            let _ = read(&text[..at]);
            for byte in [0, b'"', b'9', b'{', 0xff] {
                let mut changed = text.clone();
                changed[at] = byte;
                let _ = read(changed);
            }
        }
    }

    #[test]
    fn a_full_disk_is_told_once_and_hurts_nobody() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut recorder = Recorder::new(Full);
        recorder.case(&case());
        recorder.observation(0, &observation());
        assert_eq!(recorder.trouble().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
        recorder.end(Time::default(), false);
        assert!(recorder.trouble().is_none());
    }
}
