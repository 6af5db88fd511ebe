//! `reach incidents`: what went wrong and when, or everything about one incident.

use reach_core::watch::{Phase, fits};
use reach_report::watch as report;

use super::{
    ack, document,
    memory::{self, Memory, MemoryError},
};
use crate::{
    cli::IncidentsArgs,
    config::{
        Output, Problems, Surroundings,
        moment::{Now, moment},
    },
    exit::Exit,
    output::{complain, finish, note},
    words::korean,
};

/// Runs the command.
pub fn run(args: &IncidentsArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let answer =
        memory::meant(&args.memory, around).and_then(|memory| answer(args, &output, &*memory, &Now::look()));
    match answer {
        Ok(text) => finish(&text, Exit::AllWork),
        Err(trouble) => trouble.told(),
    }
}

/// What may go wrong when the past is asked for.
pub(super) enum Trouble {
    /// What was typed.
    Typed(Problems),
    /// What is remembered.
    Memory(MemoryError),
}

impl From<MemoryError> for Trouble {
    fn from(error: MemoryError) -> Self {
        Trouble::Memory(error)
    }
}

impl From<String> for Trouble {
    fn from(problem: String) -> Self {
        Trouble::Typed(vec![problem])
    }
}

impl Trouble {
    /// Says it, and how to end.
    pub(super) fn told(self) -> Exit {
        match self {
            Trouble::Typed(problems) => complain(&problems),
            Trouble::Memory(error) => {
                note(&error.to_string());
                Exit::CouldNotTell
            }
        }
    }
}

fn answer(args: &IncidentsArgs, output: &Output, memory: &dyn Memory, now: &Now) -> Result<String, Trouble> {
    match &args.id {
        Some(id) => one(id, output, memory, now),
        None => list(args, output, memory, now),
    }
}

fn one(id: &str, output: &Output, memory: &dyn Memory, now: &Now) -> Result<String, Trouble> {
    let id = ack::incident(id)?;
    let Some(mut record) = memory.incident(id)? else {
        return Err(
            format!("there is no incident #{}; `reach incidents --since -90d` lists them", id.0).into()
        );
    };
    Ok(if output.json {
        document(&report::json_incident(&record, env!("CARGO_PKG_VERSION"), output.json_lang))
    } else {
        for message in &mut record.messages {
            korean::trouble(&mut message.trouble, output.style.lang);
        }
        report::incident(&record, now.time(), output.verbose, &output.style)
    })
}

fn list(args: &IncidentsArgs, output: &Output, memory: &dyn Memory, now: &Now) -> Result<String, Trouble> {
    let from = moment("--since", &args.since, now)?;
    let until = args.until.as_deref().map_or(Ok(now.time()), |text| moment("--until", text, now))?;
    if until <= from {
        return Err("--until is no later than --since".to_owned().into());
    }
    let mut incidents = memory.incidents(from, until)?;
    if let Some(pattern) = &args.target {
        let meant = memory::canonical(pattern);
        incidents.retain(|incident| fits(&meant, &incident.title));
    }
    if args.open {
        incidents.retain(|incident| !matches!(incident.phase, Phase::Closed { .. }));
    }
    Ok(if output.json {
        document(&report::json_incidents(&incidents, output.json_lang))
    } else {
        report::incidents(&incidents, now.time(), &output.style)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{self, Command},
        command::memory::tests::Afternoon,
    };

    fn answered(line: &[&str]) -> Result<String, String> {
        let words = ["reach", "incidents"].iter().chain(line).map(Into::into).collect();
        let args = match cli::parse(words).map(|cli| cli.command) {
            Ok(Command::Incidents(args)) => args,
            other => panic!("{line:?}: {other:?}"),
        };
        let output = Output::new(&args.output, &Surroundings::default()).expect("an output");
        let now = Now { at: "2026-11-22T18:00:00Z".parse().expect("a time"), zone: jiff::tz::TimeZone::UTC };
        answer(&args, &output, &Afternoon, &now).map_err(|trouble| match trouble {
            Trouble::Typed(problems) => problems.join("\n"),
            Trouble::Memory(error) => error.to_string(),
        })
    }

    #[test]
    fn incidents_are_listed_and_shown() {
        let list = answered(&[]).expect("listed");
        assert!(list.contains("#17") && list.contains("fcm.googleapis.com:443"), "{list}");
        assert!(answered(&["--target", "db*"]).expect("listed").contains("no incident"));
        assert!(answered(&["--open"]).expect("listed").contains("no incident"));
        assert!(answered(&["--since", "-1h"]).expect("listed").contains("no incident"));
        let one = answered(&["17"]).expect("shown");
        assert!(one.contains("203.0.113.12: ok → suspect"), "{one}");
        let json: serde_json::Value =
            serde_json::from_str(&answered(&["17", "--json"]).expect("shown")).expect("JSON");
        assert_eq!(json["incident"]["id"], 17);
        assert_eq!(json["transitions"].as_array().map(Vec::len), Some(4));
    }

    #[test]
    fn what_is_not_there_is_told() {
        assert!(answered(&["99"]).expect_err("unknown").contains("no incident #99"));
        assert!(answered(&["--since", "-1h", "--until", "-2h"]).expect_err("wrong").contains("no later"));
    }
}
