//! `reach history`: how a target has been.

use std::time::Duration;

use reach_core::{Time, watch::Layer};
use reach_report::watch::{self as report, History};

use super::{
    document,
    incidents::Trouble,
    memory::{self, KnownTarget, Memory, MemoryError},
};
use crate::{
    cli::{HistoryArgs, HistoryLayer},
    config::{
        Output, Surroundings,
        moment::{Now, moment, step_for},
        watch::span,
    },
    exit::Exit,
    output::{complain, finish, note},
};

/// Runs the command.
pub fn run(args: &HistoryArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let found =
        memory::meant(&args.memory, around).and_then(|memory| answer(args, &output, &*memory, &Now::look()));
    match found {
        Ok(Some(text)) => finish(&text, Exit::AllWork),
        Ok(None) => Exit::SomeFail,
        Err(trouble) => trouble.told(),
    }
}

/// The shortest stretch that is summed up, and the most of them in one answer.
pub(crate) const SHORTEST: Duration = Duration::from_secs(1);
pub(crate) const LONGEST: Duration = Duration::from_secs(366 * 86_400);
const MOST_STEPS: u128 = 20_000;
/// Columns of the picture over time, beside those of the table.
const BESIDES: usize = 64;

fn answer(
    args: &HistoryArgs,
    output: &Output,
    memory: &dyn Memory,
    now: &Now,
) -> Result<Option<String>, Trouble> {
    let from = moment("--from", &args.from, now)?;
    let until = args.to.as_deref().map_or(Ok(now.time()), |text| moment("--to", text, now))?;
    if until <= from {
        return Err("--to is no later than --from".to_owned().into());
    }
    let columns = if output.json { 60 } else { output.style.width.saturating_sub(BESIDES).clamp(12, 96) };
    let typed = args.step.as_deref().map(|text| span("--step", text, SHORTEST, LONGEST)).transpose()?;
    let most = if output.json { MOST_STEPS } else { 96 };
    let (from, step) = steps("--step", (from, until), typed, columns, most)?;
    let known = memory.targets()?;
    let target = match memory::wanted(&known, &args.target) {
        Ok(found) => match found[..] {
            [one] => one,
            _ => return Err(format!("`{}` means {} targets; name one", args.target, found.len()).into()),
        },
        Err(problem) => {
            note(&problem);
            return Ok(None);
        }
    };
    let layer = match args.layer {
        HistoryLayer::Echo => Layer::Echo,
        HistoryLayer::Connect => Layer::Connect,
        HistoryLayer::Exchange => Layer::Exchange,
    };
    let history = assemble(memory, target, (from, until), step, layer)?;
    Ok(Some(if output.json {
        document(&report::json_history(&history))
    } else {
        report::history(&history, &output.style)
    }))
}

/// Where a time begins that is cut into steps, and how long these are: `typed`, or so that they fill the columns.
/// `option` is what they were typed for.
pub(crate) fn steps(
    option: &str,
    (from, until): (Time, Time),
    typed: Option<Duration>,
    columns: usize,
    most: u128,
) -> Result<(Time, Duration), String> {
    let whole = until.since(from);
    let step = typed.unwrap_or_else(|| step_for(whole, columns));
    let steps = whole.as_micros().div_ceil(step.as_micros().max(1));
    if steps > most {
        let coarser = humantime::format_duration(step_for(whole, usize::try_from(most).unwrap_or(96)));
        return Err(format!("{option} makes {steps} columns of this time; give at least {coarser}"));
    }
    // Stretches are the same whenever they are asked for.
    Ok((Time::from_micros(from.as_micros() - from.as_micros() % micros(step)), step))
}

/// How a target has been.
pub(crate) fn assemble(
    memory: &dyn Memory,
    target: &KnownTarget,
    (from, until): (Time, Time),
    step: Duration,
    layer: Layer,
) -> Result<History, MemoryError> {
    let at_layer = |mut buckets: Vec<memory::HistoryBucket>| {
        buckets.retain(|bucket| bucket.layer == layer);
        buckets.sort_by_key(|bucket| (bucket.address, bucket.from));
        buckets
    };
    Ok(History {
        target: target.text.clone(),
        from,
        until,
        step,
        layer,
        totals: at_layer(memory.totals(target.id, from, until)?),
        buckets: at_layer(memory.history(target.id, from, until, step)?),
        transitions: memory.transitions(target.id, from, until)?,
    })
}

fn micros(step: Duration) -> u64 {
    u64::try_from(step.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::{self, Command},
        command::memory::tests::Afternoon,
    };

    fn answered(line: &[&str]) -> Result<Option<String>, String> {
        let words = ["reach", "history"].iter().chain(line).map(Into::into).collect();
        let args = match cli::parse(words).map(|cli| cli.command) {
            Ok(Command::History(args)) => args,
            other => panic!("{line:?}: {other:?}"),
        };
        let output = Output::new(&args.output, &Surroundings::default()).expect("an output");
        let now = Now { at: "2026-11-22T16:00:00Z".parse().expect("a time"), zone: jiff::tz::TimeZone::UTC };
        answer(&args, &output, &Afternoon, &now).map_err(|trouble| match trouble {
            Trouble::Typed(problems) => problems.join("\n"),
            Trouble::Memory(error) => error.to_string(),
        })
    }

    #[test]
    fn an_outage_shows_in_the_picture_and_in_the_numbers() {
        let text = answered(&["fcm.googleapis.com", "--from", "12:00", "--step", "30m"]).expect("told");
        let text = text.expect("watched");
        assert!(text.contains("▁▁██▁▁▁▁"), "{text}");
        assert!(text.contains("25 %"), "{text}");
        let json =
            answered(&["fcm.googleapis.com", "--from", "12:00", "--step", "1h", "--json"]).expect("told");
        let json: serde_json::Value = serde_json::from_str(&json.expect("watched")).expect("JSON");
        assert_eq!(json["addresses"][1]["failure_share"], 0.25);
        assert_eq!(json["addresses"][1]["steps"][1]["failures"]["timeout"], 60);
        assert_eq!(json["transitions"].as_array().map(Vec::len), Some(4));
    }

    #[test]
    fn a_target_that_was_never_watched_is_no_error_of_the_line() {
        assert_eq!(answered(&["other.example"]), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, part) in [
            (&["*"][..], "means 2 targets"),
            (&["fcm*", "--from", "-1h", "--to", "-2h"][..], "no later"),
            (&["fcm*", "--step", "1s"][..], "give at least"),
            (&["fcm*", "--step", "5"][..], "`5s`"),
            (&["fcm*", "--from", "soon"][..], "is no time"),
        ] {
            let problem = answered(line).expect_err("wrong");
            assert!(problem.contains(part), "{line:?}: {problem}");
        }
    }
}
