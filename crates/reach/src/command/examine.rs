//! `reach examine`: has a running watch examine targets now, and shows what it found as `reach check` does.

use std::{path::Path, thread};

use reach_core::{
    model::{Case, Diagnosis},
    watch::{Status, TargetId},
};
use reach_report::{json, text};

use super::{asking, document, status};
use crate::{
    cli::ExamineArgs,
    config::{Output, Surroundings},
    control::{self, Answer, AskError, Examined, Request},
    exit::Exit,
    output::{complain, finish},
    progress::wait_visibly,
    words,
};

/// More at once are probably a mistake, and would keep the watch busy for minutes.
const MOST: usize = 16;

/// Runs the command.
pub fn run(args: &ExamineArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let socket = match asking::socket(&args.ask, around) {
        Ok(socket) => socket,
        Err(exit) => return exit,
    };
    let wanted = match asking::ask_at(&socket, &Request::Status) {
        Ok(Answer::Status(status)) => choose(*status, &args.targets),
        Ok(_) => return asking::odd(),
        Err(exit) => return exit,
    };
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(problem) => return complain(&[problem]),
    };
    let mut found = Vec::new();
    let mut exit = Exit::AllWork;
    for answer in examine(&socket, &wanted, &output) {
        match answer {
            Ok(Answer::Examined(examined)) => found.push(*examined),
            Ok(_) => exit = asking::odd(),
            Err(error) => exit = asking::explain(&error),
        }
    }
    if found.is_empty() {
        return exit;
    }
    let of_states = Exit::of_states(found.iter().map(|one| one.diagnosis.state));
    // What was not examined may be worse than what was.
    let exit = if exit == Exit::AllWork { of_states } else { exit };
    finish(&shown(found, &output), exit)
}

/// The targets that are meant.
fn choose(mut status: Status, wanted: &[String]) -> Result<Vec<TargetId>, String> {
    status::narrow(&mut status, wanted)?;
    let found: Vec<TargetId> = status.targets.iter().map(|target| target.id).collect();
    if found.len() > MOST {
        let many = found.len();
        return Err(format!("{many} targets are meant, and at most {MOST} are examined at once; name fewer"));
    }
    Ok(found)
}

/// Asks for all at once, and waits; the watch makes them take their turns.
fn examine(socket: &Path, wanted: &[TargetId], output: &Output) -> Vec<Result<Answer, AskError>> {
    thread::scope(|scope| {
        let ask =
            |&target: &TargetId| scope.spawn(move || control::ask(socket, &Request::Examine { target }));
        let asked: Vec<_> = wanted.iter().map(ask).collect();
        wait_visibly(output, |elapsed| {
            let left = asked.iter().filter(|one| !one.is_finished()).count();
            (left > 0).then(|| words::examining(left, elapsed, output.style.lang))
        });
        asked.into_iter().filter_map(|one| one.join().ok()).collect()
    })
}

fn shown(found: Vec<Examined>, output: &Output) -> String {
    let started = found.iter().map(|one| one.case.started).min().unwrap_or_default();
    let finished = found.iter().map(|one| one.finished).max().unwrap_or_default();
    let found: Vec<(Case, Diagnosis)> = found.into_iter().map(|one| (one.case, one.diagnosis)).collect();
    if output.json {
        let version = env!("CARGO_PKG_VERSION");
        document(&json::check(&found, started, finished, version, output.json_lang))
    } else {
        text::check(&found, finished, &output.style)
    }
}

#[cfg(test)]
mod tests {
    use reach_core::watch::TargetStatus;

    use super::*;

    fn status(targets: u32) -> Status {
        let target = |id| TargetStatus {
            id: TargetId(id),
            target: format!("t{id}.example:443"),
            ..TargetStatus::default()
        };
        Status { targets: (1..=targets).map(target).collect(), ..Status::default() }
    }

    fn chosen(targets: u32, wanted: &[&str]) -> Result<Vec<TargetId>, String> {
        let wanted: Vec<String> = wanted.iter().map(|text| (*text).to_owned()).collect();
        choose(status(targets), &wanted)
    }

    #[test]
    fn targets_are_chosen_as_they_are_typed_and_not_too_many() {
        assert_eq!(chosen(3, &["T2.example"]), Ok(vec![TargetId(2)]));
        assert_eq!(chosen(3, &["t*", "t1.example:443"]).map(|found| found.len()), Ok(3));
        assert!(chosen(3, &["t4.example"]).is_err_and(|problem| problem.contains("is not watched")));
        assert!(chosen(17, &["*"]).is_err_and(|problem| problem.contains("17 targets are meant")));
    }
}
