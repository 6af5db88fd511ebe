//! The incident of this host itself: it reaches nothing, and everything else stands still meanwhile.

use std::time::Duration;

use super::{Case, Context, flapping, speech::Weight};
use crate::{
    Time,
    watch::{Cause, Ending, Gravity, Incident, News, Phase, Subject, VantageChange},
};

/// An outage that is over before this is told to nobody: a network that is not there at once when the lid opens. No
/// message could leave meanwhile anyway.
const HOLD: Duration = Duration::from_secs(30);
/// This host has to be connected for so long before that is told; longer where it flaps.
const QUIET: Duration = Duration::from_secs(60);
/// It is closed so long after that, and goes on if it is cut off again before. No all-clear is needed: that it is
/// connected shows in everything else.
const LINGERS: Duration = Duration::from_secs(60 * 60);

/// It is cut off.
pub(super) fn offline(own: &mut Option<Case>, host: &str, change: &VantageChange, cx: &mut Context<'_>) {
    let causes = vec![Cause::Offline { silent: change.silent.clone(), near: change.near.clone() }];
    let case = own.get_or_insert_with(|| {
        let mut incident = Incident::new(cx.new_id(), Subject::Vantage, cx.now);
        incident.title = host.to_owned();
        incident.quiet = QUIET;
        (incident.gravity, incident.worst) = (Gravity::Critical, Gravity::Critical);
        Case::new(incident)
    });
    let was = case.incident.phase;
    case.incident.phase = Phase::Open;
    case.incident.clocks.ends = None;
    if case.incident.causes != causes {
        case.incident.causes = causes;
        case.content_changed(Weight::Idle, cx.now);
    }
    if !case.incident.clocks.told && case.incident.clocks.tell_by.is_none() {
        case.turn(cx.now);
        case.start_reminders(cx.now);
        case.incident.clocks.tell_by = Some(cx.now + HOLD);
    } else if matches!(was, Phase::Recovered { .. }) {
        case.incident.relapses += 1;
        case.incident.acknowledged = None;
        flapping::lengthen(&mut case.incident);
        case.turn(cx.now);
        case.start_reminders(cx.now);
        case.say(News::Relapsed, cx);
    } else if was != Phase::Open {
        case.turn(cx.now);
    }
    refresh(own, cx);
}

/// It is connected again.
pub(super) fn online(own: &mut Option<Case>, cx: &mut Context<'_>) {
    let Some(case) = own.as_mut().filter(|case| case.incident.phase == Phase::Open) else { return };
    case.incident.phase = Phase::Calming { since: cx.now };
    case.incident.clocks.ends = Some(cx.now + case.incident.quiet);
    case.turn(cx.now);
    refresh(own, cx);
}

/// Does and says what is due.
pub(super) fn refresh(own: &mut Option<Case>, cx: &mut Context<'_>) {
    let Some(case) = own else { return };
    if flapping::settle(&mut case.incident, cx.now) {
        case.content_changed(Weight::Idle, cx.now);
    }
    if case.incident.muted_until.is_some_and(|until| until <= cx.now) {
        case.incident.muted_until = None;
        case.dirty = true;
    }
    let over = case.incident.clocks.ends.is_some_and(|at| at <= cx.now);
    match case.incident.phase {
        Phase::Calming { .. } if over && !case.incident.clocks.told => close(case, cx),
        Phase::Calming { since } if over && !case.incident.unstable => {
            case.incident.phase = Phase::Recovered { since, at: cx.now };
            case.incident.causes.clear();
            case.incident.clocks.ends = Some(cx.now + LINGERS);
            case.incident.clocks.remind_at = None;
            case.say(News::Recovered, cx);
        }
        Phase::Recovered { .. } if over => close(case, cx),
        _ => {}
    }
    let cut_off = case.incident.phase == Phase::Open;
    case.speak(cut_off, cx);
    case.hand_out(cx);
    if matches!(case.incident.phase, Phase::Closed { .. }) {
        *own = None;
    }
}

fn close(case: &mut Case, cx: &Context<'_>) {
    case.dirty = true;
    // What happened in a window is told when it is over.
    if case.incident.clocks.held_back > 0 && case.is_silenced(cx) {
        case.incident.clocks.ends = Some(cx.now + LINGERS);
    } else {
        case.incident.phase = Phase::Closed { at: cx.now, all_clear: false };
        case.incident.ending =
            Some(if case.incident.clocks.told { Ending::Connected } else { Ending::Unconfirmed });
        case.incident.changed = cx.now;
    }
}

/// After a restart: what was not watched is no calm time.
pub(super) fn resume(case: &mut Case, now: Time) {
    if let Phase::Calming { .. } = case.incident.phase {
        case.incident.phase = Phase::Calming { since: now };
        case.incident.clocks.ends = Some(now + case.incident.quiet);
    }
    case.dirty = true;
}
