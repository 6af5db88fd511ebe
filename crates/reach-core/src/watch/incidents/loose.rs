//! Incidents without a target: this host's own, and those of which signals tell. Somebody else says that they are bad and
//! that they are good; here is what comes of that with time.

use std::{collections::BTreeMap, time::Duration};

use super::{Case, Context, flapping, speech::Weight};
use crate::{
    Time,
    watch::{Cause, Ending, Gravity, Incident, News, Phase, Subject},
};

/// How incidents of a kind go.
#[derive(Debug)]
pub(super) struct Manner {
    /// What is over before this is told to nobody.
    pub hold: Duration,
    /// It has to be well for so long before that is told; longer where it flaps.
    pub quiet: Duration,
    /// It is closed so long after that, and goes on if it is bad again before.
    pub lingers: Duration,
    /// Why it is closed without an all-clear.
    pub ending: Ending,
}

/// What is bad.
#[derive(Debug)]
pub(super) struct Bad {
    pub subject: Subject,
    pub title: String,
    pub labels: BTreeMap<String, String>,
    pub cause: Cause,
    pub gravity: Gravity,
    pub since: Time,
    /// How much it matters where it is not what it was.
    pub weight: Weight,
}

/// It is bad, or otherwise bad than it was.
pub(super) fn bad(case: &mut Option<Case>, bad: Bad, manner: &Manner, cx: &mut Context<'_>) {
    let Bad { subject, title, labels, cause, gravity, since, weight } = bad;
    let known = case.get_or_insert_with(|| {
        let mut incident = Incident::new(cx.new_id(), subject, cx.now);
        (incident.quiet, incident.began) = (manner.quiet, since.min(cx.now));
        (incident.gravity, incident.worst) = (gravity, gravity);
        Case::new(incident)
    });
    let incident = &mut known.incident;
    let was = incident.phase;
    incident.phase = Phase::Open;
    incident.clocks.ends = None;
    (incident.title, incident.labels, incident.gravity) = (title, labels, gravity);
    incident.worst = incident.worst.max(gravity);
    let causes = vec![cause];
    if incident.causes != causes {
        incident.causes = causes;
        known.content_changed(weight, cx.now);
    }
    if !known.incident.clocks.told && known.incident.clocks.tell_by.is_none() {
        known.turn(cx.now);
        known.start_reminders(cx.now);
        known.incident.clocks.tell_by = Some(cx.now + manner.hold);
    } else if matches!(was, Phase::Recovered { .. }) {
        known.incident.relapses += 1;
        known.incident.acknowledged = None;
        flapping::lengthen(&mut known.incident);
        known.turn(cx.now);
        known.start_reminders(cx.now);
        known.say(News::Relapsed, cx);
    } else if was != Phase::Open {
        known.turn(cx.now);
    }
    refresh(case, manner, cx);
}

/// It is good again.
pub(super) fn good(case: &mut Option<Case>, manner: &Manner, cx: &mut Context<'_>) {
    let Some(known) = case.as_mut().filter(|case| case.incident.phase == Phase::Open) else { return };
    known.incident.phase = Phase::Calming { since: cx.now };
    known.incident.clocks.ends = Some(cx.now + known.incident.quiet);
    known.turn(cx.now);
    refresh(case, manner, cx);
}

/// Nothing is known of it any more.
pub(super) fn leave(slot: &mut Option<Case>, ending: Ending, cx: &mut Context<'_>) {
    let Some(mut case) = slot.take_if(|case| case.is_live()) else { return };
    let told = case.incident.clocks.told;
    case.incident.phase = Phase::Closed { at: cx.now, all_clear: false };
    case.incident.ending = Some(if told { ending } else { Ending::Unconfirmed });
    case.incident.changed = cx.now;
    case.dirty = true;
    if told {
        case.say(News::Dropped, cx);
    }
    case.hand_out(cx);
}

/// Does and says what is due.
pub(super) fn refresh(slot: &mut Option<Case>, manner: &Manner, cx: &mut Context<'_>) {
    let Some(case) = slot else { return };
    if flapping::settle(&mut case.incident, cx.now) {
        case.content_changed(Weight::Idle, cx.now);
    }
    if case.incident.muted_until.is_some_and(|until| until <= cx.now) {
        case.incident.muted_until = None;
        case.dirty = true;
    }
    let over = case.incident.clocks.ends.is_some_and(|at| at <= cx.now);
    match case.incident.phase {
        Phase::Calming { .. } if over && !case.incident.clocks.told => close(case, manner, cx),
        Phase::Calming { since } if over && !case.incident.unstable => {
            case.incident.phase = Phase::Recovered { since, at: cx.now };
            case.incident.causes.clear();
            case.incident.clocks.ends = Some(cx.now + manner.lingers);
            case.incident.clocks.remind_at = None;
            case.say(News::Recovered, cx);
        }
        Phase::Recovered { .. } if over => close(case, manner, cx),
        _ => {}
    }
    let is_bad = case.incident.phase == Phase::Open;
    case.speak(is_bad, cx);
    case.hand_out(cx);
    if matches!(case.incident.phase, Phase::Closed { .. }) {
        *slot = None;
    }
}

fn close(case: &mut Case, manner: &Manner, cx: &Context<'_>) {
    case.dirty = true;
    // What happened in a window is told when it is over.
    if case.incident.clocks.held_back > 0 && case.is_silenced(cx) {
        case.incident.clocks.ends = Some(cx.now + manner.lingers);
    } else {
        case.incident.phase = Phase::Closed { at: cx.now, all_clear: false };
        let told = case.incident.clocks.told;
        case.incident.ending = Some(if told { manner.ending.clone() } else { Ending::Unconfirmed });
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
