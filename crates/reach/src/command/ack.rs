//! `reach ack`: takes an incident on, and mutes it for a while where that is wanted.

use std::time::Duration;

use reach_core::watch::{IncidentId, Order};
use reach_report::watch as report;

use super::asking;
use crate::{
    cli::AckArgs,
    config::{Output, Problems, Surroundings, moment::Now, watch::span},
    control::{Answer, Request},
    exit::Exit,
    output::{complain, finish, shown},
};

/// Runs the command.
pub fn run(args: &AckArgs, around: &Surroundings) -> Exit {
    let (output, orders) = match understand(args, around, &Now::look()) {
        Ok(understood) => understood,
        Err(problems) => return complain(&problems),
    };
    let mut said = String::new();
    for order in orders {
        let what = match &order {
            Order::Mute { incident, until, .. } => report::muted(*incident, *until, &output.style),
            Order::Acknowledge { incident, .. } => report::acknowledged(*incident, output.style.lang),
            Order::Remark { incident, .. } => report::remarked(*incident, output.style.lang),
            _ => String::new(),
        };
        match asking::ask(&args.ask, around, &Request::Order { order }) {
            Ok(Answer::Done { .. }) => said.push_str(&format!("{what}\n")),
            Ok(_) => return asking::odd(),
            Err(exit) => return exit,
        }
    }
    finish(&said, Exit::AllWork)
}

const LONGEST_MUTE: Duration = Duration::from_secs(30 * 86_400);

fn understand(args: &AckArgs, around: &Surroundings, now: &Now) -> Result<(Output, Vec<Order>), Problems> {
    let mut problems = Problems::new();
    let mut keep = |problem: String| problems.push(problem);
    let output = Output::new(&args.output, around).map_err(&mut keep).ok();
    let incident = incident(&args.incident).map_err(&mut keep).ok();
    let mute = args
        .mute
        .as_deref()
        .and_then(|text| span("--mute", text, Duration::from_secs(1), LONGEST_MUTE).map_err(&mut keep).ok());
    let (Some(output), Some(incident), true) = (output, incident, problems.is_empty()) else {
        return Err(problems);
    };
    let by = args.by.clone().unwrap_or_default();
    let mut orders = vec![Order::Acknowledge { incident, by: by.clone() }];
    orders.extend(mute.map(|mute| Order::Mute { incident, until: now.time() + mute, by: by.clone() }));
    orders.extend(args.note.clone().map(|text| Order::Remark { incident, text, by }));
    Ok((output, orders))
}

/// `17` or `#17`.
pub(super) fn incident(text: &str) -> Result<IncidentId, String> {
    let digits = text.trim().trim_start_matches('#');
    digits.parse().map(IncidentId).map_err(|_| {
        format!(
            "`{}` is no number of an incident; give one like 17, as `reach incidents` lists them",
            shown(text)
        )
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn orders(line: &str) -> Result<Vec<Order>, Problems> {
        let words = format!("reach ack {line}");
        let args = match Cli::try_parse_from(words.split_whitespace()).map(|cli| cli.command) {
            Ok(Command::Ack(args)) => args,
            other => panic!("{line}: {other:?}"),
        };
        let now = Now { at: "2026-11-22T14:00:00Z".parse().expect("a time"), zone: jiff::tz::TimeZone::UTC };
        understand(&args, &Surroundings::default(), &now).map(|(_, orders)| orders)
    }

    #[test]
    fn an_incident_is_taken_on_and_muted_where_that_is_wanted() {
        let incident = IncidentId(17);
        let taken = |by: &str| Order::Acknowledge { incident, by: by.to_owned() };
        assert_eq!(orders("#17"), Ok(vec![taken("")]));
        let with_mute = orders("17 --by kim --mute 2h").expect("understood");
        assert_eq!(with_mute[0], taken("kim"));
        match &with_mute[1] {
            Order::Mute { until, by, .. } => {
                assert_eq!((until.as_secs(), by.as_str()), (1_795_363_200, "kim"))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_to_be_written_down_goes_with_it() {
        let orders = orders("17 --by kim --note asked").expect("understood");
        assert_eq!(orders.len(), 2);
        assert!(matches!(&orders[1], Order::Remark { text, by, .. } if text == "asked" && by == "kim"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(orders("seventeen").expect_err("no number")[0].contains("no number of an incident"));
        assert!(orders("17 --mute 3").expect_err("no unit")[0].contains("`3s`"));
    }
}
