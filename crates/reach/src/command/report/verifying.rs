//! `--verify`: what was asked for is checked from this host, twice, and told before and after.

use std::time::Duration;

use reach_core::model::{Plan, Target};
use reach_report::report::{
    Run,
    verify::{self, Comparison, Outcome, Request, Round},
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    time::sleep,
};

use super::{
    Order, VERSION, Written,
    sources::{self, Subject},
};
use crate::{
    command::dice,
    config::{Errand, Output, moment::Now},
    exit::Exit,
    live::{self, Keep, Scope, Seen, raised},
    output::note,
    recording::Ending,
    words,
};

/// Rounds that an all-clear needs.
const ROUNDS: usize = 2;

/// Checks every target of all subjects, and writes what came of it.
pub(super) fn run(order: &Order, subjects: &[Subject]) -> Exit {
    let runs: Vec<(&Subject, &Run)> =
        subjects.iter().flat_map(|subject| subject.runs.iter().map(move |run| (subject, run))).collect();
    let requests: Vec<Request> = runs.iter().map(|(_, run)| Request::of(run)).collect();
    let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); runs.len()];
    for number in 0..ROUNDS {
        if number > 0 && !wait(order.twice_after, &order.output) {
            break;
        }
        let mut stopped = false;
        for ((request, (_, run)), rounds) in requests.iter().zip(&runs).zip(&mut rounds) {
            match round(request, run, &order.output) {
                Ok(round) => {
                    stopped |= round.broken;
                    rounds.push(round);
                }
                Err(exit) => return exit,
            }
            if stopped {
                break;
            }
        }
        if stopped {
            break;
        }
    }
    let made = Now::look().time();
    let mut exit = Exit::AllWork;
    let written: Vec<Written> = runs
        .iter()
        .zip(requests.into_iter().zip(rounds))
        .map(|((subject, run), (request, rounds))| {
            let comparison = Comparison::new(request, rounds);
            exit = worse(exit, comparison.outcome);
            let offset = super::offset_s(&order.zone, run.case.started);
            Written {
                name: format!("{}-verify", subject.name()),
                made,
                document: verify::document(&comparison, made, offset, VERSION, order.output.style.lang),
                json: verify::json(&comparison, made, VERSION, order.output.json_lang),
                form: None,
            }
        })
        .collect();
    order.wish.write(&written, &order.output, exit)
}

/// A failure outweighs a doubt, and a doubt outweighs success.
const fn worse(exit: Exit, outcome: Outcome) -> Exit {
    match (exit, outcome) {
        (Exit::SomeFail, _) | (_, Outcome::StillFails) => Exit::SomeFail,
        (Exit::CouldNotTell, _) | (_, Outcome::CannotTell) => Exit::CouldNotTell,
        (exit, Outcome::AllClear) => exit,
    }
}

/// One round: the name as it is now, and by address what the name does not give any more.
fn round(request: &Request, before: &Run, output: &Output) -> Result<Round, Exit> {
    let (mut round, broken) = examine(vec![request.target.clone()], &before.case.plan, output)?;
    let mut result = round.pop().map(|run| Round::of(&run)).unwrap_or_default();
    result.broken = broken;
    let missed = request.missed(&result);
    if !missed.is_empty() && !broken {
        let (runs, broken) = examine(missed, &before.case.plan, output)?;
        runs.iter().for_each(|run| result.add(run));
        result.broken |= broken;
    }
    Ok(result)
}

/// Examines targets as `reach check` does; says, too, whether it was stopped or could not do its work.
fn examine(targets: Vec<Target>, plan: &Plan, output: &Output) -> Result<(Vec<Run>, bool), Exit> {
    let plan = Plan { seed: dice(), ..plan.clone() };
    let errand = Errand { targets, plan, record: None, leaving: Default::default() };
    let seen = live::examine(&errand, Scope::Everything, Keep::default(), output).map_err(|error| {
        note(&format!("nothing can be sent: {error}"));
        Exit::CouldNotTell
    })?;
    let Seen { recording, broken, .. } = seen;
    let broken = broken || recording.ending != Ending::Complete;
    Ok((sources::runs(recording), broken))
}

/// Waits for the next round; `false` where somebody does not want to.
fn wait(span: Duration, output: &Output) -> bool {
    note(&words::next_round(span, output.style.lang));
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else { return false };
    runtime.block_on(async {
        let mut stops = (signal(SignalKind::interrupt()).ok(), signal(SignalKind::terminate()).ok());
        tokio::select! {
            () = sleep(span) => true,
            () = raised(&mut stops.0) => false,
            () = raised(&mut stops.1) => false,
        }
    })
}
