//! What opens and closes again and again: it stays open, and its recovery has to wait longer.

use std::time::Duration;

use super::speech::{Case, Weight};
use crate::{
    Time,
    watch::{Incident, Phase, Side},
};

/// Over how long a time turns are counted.
const SPAN: Duration = Duration::from_secs(30 * 60);
/// More turns than these make an incident unstable.
const MOST_TURNS: usize = 4;
/// No more than these make it stable again.
const FEW_TURNS: usize = 2;
/// The quiet time grows up to here.
const LONGEST_QUIET: Duration = Duration::from_secs(60 * 60);
/// A target that was well for so long begins anew with the configured quiet time.
pub(super) const FORGIVEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Notes that an incident turned from bad to good or back. One turn too many makes it unstable, and makes it wait
/// longer.
pub(super) fn turn(incident: &mut Incident, now: Time) {
    let turns = &mut incident.clocks.turns;
    turns.retain(|turn| now.since(*turn) < SPAN);
    turns.push(now);
    if turns.len() > MOST_TURNS && !incident.unstable {
        incident.unstable = true;
        lengthen(incident);
    }
}

/// Doubles the quiet time: 5, 10, 20, 40, 60 minutes.
pub(super) fn lengthen(incident: &mut Incident) {
    incident.quiet = (incident.quiet * 2).min(LONGEST_QUIET.max(incident.quiet));
}

/// Forgets old turns. Whether an unstable incident has become stable by that.
pub(super) fn settle(incident: &mut Incident, now: Time) -> bool {
    let settled = incident.unstable && settles_at(incident).is_none_or(|at| at <= now);
    if settled {
        incident.unstable = false;
    }
    settled
}

/// When an unstable incident will be stable if it does not turn any more.
pub(super) fn settles_at(incident: &Incident) -> Option<Time> {
    let turns = &incident.clocks.turns;
    let last_too_many = turns.len().checked_sub(FEW_TURNS + 1)?;
    incident.unstable.then(|| turns[last_too_many] + SPAN)
}

impl Case {
    /// It turned from bad to good or back.
    pub(super) fn turn(&mut self, now: Time) {
        let was = self.incident.unstable;
        turn(&mut self.incident, now);
        self.dirty = true;
        if self.incident.unstable != was {
            self.content_changed(Weight::New, now);
        }
    }

    /// It is so now; counts a turn where that is another side. A window of tries remembers for minutes what is over:
    /// where addresses come and go faster than that it would say that nothing ever turned, so that it counts only
    /// where it begins by itself.
    pub(super) fn turn_to(&mut self, wrong: Side, now: Time) {
        let calm = matches!(self.incident.phase, Phase::Calming { .. });
        let side = match (wrong, self.incident.clocks.side) {
            (Side::BadByCount, Side::Bad) => Side::Good,
            (Side::BadByCount, Side::Good) if !calm => Side::Good,
            (side, _) => side,
        };
        let was = std::mem::replace(&mut self.incident.clocks.side, side);
        self.dirty |= side != was;
        if (side == Side::Good) != (was == Side::Good) {
            self.turn(now);
        }
    }
}
