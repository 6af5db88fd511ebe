//! Incidents from before a restart.

use crate::{
    Time,
    watch::{Incident, Phase},
};

/// The same incident, moved into the past as a whole where it is remembered from the future: the clock was set back
/// between two runs. What lasted two hours has lasted two hours, what was due in ten minutes is due in ten minutes, and
/// nobody waits for a clock to catch up.
pub(super) fn in_the_past(mut incident: Incident, now: Time) -> Incident {
    let ahead = latest(&incident).since(now);
    if ahead.is_zero() {
        return incident;
    }
    let ahead = u64::try_from(ahead.as_micros()).unwrap_or(u64::MAX);
    let back = |at: &mut Time| *at = Time::from_micros(at.as_micros().saturating_sub(ahead));
    let Incident { began, opened, changed, phase, members, acknowledged, muted_until, rang, clocks, .. } =
        &mut incident;
    [began, opened, changed].into_iter().for_each(back);
    match phase {
        Phase::Open => {}
        Phase::Calming { since: at } | Phase::Closed { at, .. } => back(at),
        Phase::Recovered { since, at } => [since, at].into_iter().for_each(back),
    }
    members.iter_mut().map(|member| &mut member.since).for_each(back);
    acknowledged.iter_mut().map(|taken| &mut taken.at).for_each(back);
    rang.iter_mut().chain(&mut clocks.turns).for_each(back);
    let clocks = [
        muted_until,
        &mut clocks.tell_by,
        &mut clocks.ends,
        &mut clocks.remind_at,
        &mut clocks.update_at,
        &mut clocks.updated,
        &mut clocks.edited,
        &mut clocks.examined,
        &mut clocks.examine_at,
        &mut clocks.eased,
    ];
    clocks.into_iter().flatten().for_each(back);
    incident
}

/// The latest of its times that was past when it was remembered.
fn latest(incident: &Incident) -> Time {
    let Incident { began, opened, changed, phase, rang, clocks, .. } = incident;
    let entered = match *phase {
        Phase::Open => Time::default(),
        Phase::Calming { since } => since,
        Phase::Recovered { at, .. } | Phase::Closed { at, .. } => at,
    };
    let listed = rang.iter().chain(&clocks.turns).copied();
    [*began, *opened, *changed, entered]
        .into_iter()
        .chain([clocks.updated, clocks.examined, clocks.eased].into_iter().flatten())
        .chain(listed)
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::{IncidentId, Subject};

    #[test]
    fn what_is_remembered_from_the_future_keeps_its_durations() {
        let at = |minutes: u64| Time::from_micros(minutes * 60_000_000);
        let mut incident = Incident::new(IncidentId(1), Subject::Vantage, at(600));
        incident.changed = at(720);
        (incident.clocks.remind_at, incident.clocks.updated) = (Some(at(730)), Some(at(720)));
        incident.rang = vec![at(601)];
        assert_eq!(in_the_past(incident.clone(), at(720)), incident, "the clock went on");
        let moved = in_the_past(incident.clone(), at(540));
        assert_eq!((moved.began, moved.changed, moved.rang[0]), (at(420), at(540), at(421)));
        assert_eq!((moved.clocks.remind_at, moved.clocks.updated), (Some(at(550)), Some(at(540))));
    }
}
