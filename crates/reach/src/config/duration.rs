//! Time-outs and the deadline.

use std::time::Duration;

use reach_core::model::Plan;

use super::Problems;
use crate::output::shown;

/// No answer can be told from silence in less.
const SHORTEST: Duration = Duration::from_millis(10);
/// Nobody waits for longer.
const LONGEST: Duration = Duration::from_secs(3600);

/// The plan with these time-outs. Longer time-outs move a deadline that was not typed; a typed deadline bounds
/// time-outs that were not.
pub(super) fn patience(
    mut plan: Plan,
    connect: Option<&str>,
    read: Option<&str>,
    deadline: Option<&str>,
) -> Result<Plan, Problems> {
    let mut problems = Problems::new();
    let mut parsed = |option: &str, text: Option<&str>| {
        let parsed = text.map(|text| parse(option, text)).transpose();
        parsed.unwrap_or_else(|problem| {
            problems.push(problem);
            None
        })
    };
    let typed_connect = parsed("--connect-timeout", connect);
    let typed_read = parsed("--read-timeout", read);
    let typed_deadline = parsed("--deadline", deadline);

    let usual = plan.clone();
    plan.connect_timeout = typed_connect.unwrap_or(usual.connect_timeout);
    plan.read_timeout = typed_read.unwrap_or(usual.read_timeout);
    match typed_deadline {
        None => {
            let longer = plan.connect_timeout.saturating_sub(usual.connect_timeout)
                + plan.read_timeout.saturating_sub(usual.read_timeout);
            plan.deadline = usual.deadline + longer;
        }
        Some(deadline) => {
            for (option, text, span) in
                [("--connect-timeout", connect, typed_connect), ("--read-timeout", read, typed_read)]
            {
                if let (Some(text), Some(_)) = (text, span.filter(|&span| span >= deadline)) {
                    problems.push(format!(
                        "{option} `{}` is not shorter than the deadline; make the deadline longer",
                        shown(text)
                    ));
                }
            }
            plan.deadline = deadline;
            plan.connect_timeout = plan.connect_timeout.min(deadline);
            plan.read_timeout = plan.read_timeout.min(deadline);
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// One span, within what makes sense.
pub(super) fn parse(option: &str, text: &str) -> Result<Duration, String> {
    let show = shown(text);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{option} `{show}` has no unit; seconds are written `{show}s`"));
    }
    let span = humantime::parse_duration(text)
        .map_err(|error| format!("{option} `{show}` is no duration ({error}); give one like 500ms or 3s"))?;
    if span < SHORTEST {
        return Err(format!("{option} `{show}` is too short; it takes at least 10ms"));
    }
    if span > LONGEST {
        return Err(format!("{option} `{show}` is too long; it may take at most 1h"));
    }
    Ok(span)
}
