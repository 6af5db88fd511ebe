//! `reach status`: what a running watch knows.

use reach_core::watch::{Phase, Status, Subject, fits};
use reach_report::watch as report;

use super::{asking, document, memory};
use crate::{
    cli::StatusArgs,
    config::{Output, Surroundings},
    control::{Answer, Request},
    exit::Exit,
    output::{complain, finish, shown},
    words::korean,
};

/// Runs the command.
pub fn run(args: &StatusArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let mut status = match asking::ask(&args.ask, around, &Request::Status) {
        Ok(Answer::Status(status)) => *status,
        Ok(_) => return asking::odd(),
        Err(exit) => return exit,
    };
    if let Err(problem) = narrow(&mut status, &args.targets) {
        return complain(&[problem]);
    }
    finish(&shown_as(&status, &output), exit(&status))
}

fn shown_as(status: &Status, output: &Output) -> String {
    if output.json {
        document(&report::json_status(status, output.json_lang))
    } else {
        let mut status = status.clone();
        for channel in status.channels.values_mut() {
            korean::trouble(&mut channel.trouble, output.style.lang);
        }
        korean::trouble(&mut status.store.trouble, output.style.lang);
        report::status(&status, &output.style)
    }
}

/// Leaves the targets that are wanted, and their incidents.
pub(super) fn narrow(status: &mut Status, wanted: &[String]) -> Result<(), String> {
    if wanted.is_empty() {
        return Ok(());
    }
    let patterns: Vec<String> = wanted.iter().map(|text| memory::canonical(text)).collect();
    for (typed, pattern) in wanted.iter().zip(&patterns) {
        if !status.targets.iter().any(|target| fits(pattern, &target.target)) {
            return Err(format!("`{}` is not watched; `reach status` lists what is", shown(typed)));
        }
    }
    status.targets.retain(|target| patterns.iter().any(|pattern| fits(pattern, &target.target)));
    let left: Vec<Subject> = status.targets.iter().map(|target| Subject::Target(target.id)).collect();
    status
        .incidents
        .retain(|incident| incident.subject == Subject::Vantage || left.contains(&incident.subject));
    Ok(())
}

fn exit(status: &Status) -> Exit {
    let open = |phase| matches!(phase, Phase::Open | Phase::Calming { .. });
    if status.incidents.iter().any(|incident| open(incident.phase)) { Exit::SomeFail } else { Exit::AllWork }
}

#[cfg(test)]
mod tests {
    use reach_core::watch::{TargetId, TargetStatus};

    use super::*;
    use crate::command::memory::tests::incident;

    fn status() -> Status {
        let target = |id, text: &str| TargetStatus {
            id: TargetId(id),
            target: text.to_owned(),
            ..TargetStatus::default()
        };
        let mut open = incident();
        open.phase = Phase::Open;
        Status {
            targets: vec![target(1, "fcm.googleapis.com:443"), target(2, "db.example:5432")],
            incidents: vec![open],
            ..Status::default()
        }
    }

    #[test]
    fn an_open_incident_shows_in_the_exit_status() {
        let mut status = status();
        assert_eq!(exit(&status), Exit::SomeFail);
        assert_eq!(narrow(&mut status, &["db*".to_owned()]), Ok(()));
        assert_eq!((status.targets.len(), exit(&status)), (1, Exit::AllWork));
    }

    #[test]
    fn a_target_that_is_not_watched_is_told() {
        let problem = narrow(&mut status(), &["other.example".to_owned()]).expect_err("unknown");
        assert!(problem.contains("`other.example` is not watched"), "{problem}");
    }
}
