//! The life of a target's incident: it opens, calms, recovers, relapses, and ends.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use super::{Case, Context, address::Address, flapping, rules::Complaint, speech::Weight, ward::Ward};
use crate::{
    Time,
    stats::tries_needed,
    watch::{
        AddressState, Cause, Ending, Event, Gravity, Incident, IncidentId, Lack, News, Phase, Side, Subject,
        Watched,
        assurance::{CONFIDENCE, Ledger, WANTED},
    },
};

/// From one look at an all-clear that has to wait to the next: this part of the time that all had to be well for, so
/// that those of many names come together, but not longer than so.
const LOOK_AGAIN: (u32, Duration) = (6, Duration::from_secs(10 * 60));
/// What could not be called clear for so long is closed without…
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// …but not before the tries that are needed could have been made twice.
const NEEDED_TWICE: u32 = 2;
/// Failures that are no further apart than so are one row.
const ROW: Duration = Duration::from_secs(10);

impl Ward {
    /// Draws the conclusions from what is known at `cx.now`, and says what is due. Not to be asked while nothing is
    /// watched.
    pub(super) fn refresh(&mut self, cx: &mut Context<'_>) {
        self.counters.advance(cx.now);
        self.outgrow(cx);
        let complaints = self.complaints(cx);
        // What is mild may stand for weeks. It does not keep an incident open in which something failed.
        let heavy = self.case.as_ref().is_some_and(|case| case.incident.worst >= Gravity::Degraded);
        let counts = |complaint: &&Complaint| !heavy || complaint.gravity >= Gravity::Degraded;
        let bad_at = complaints.iter().filter(counts).map(|complaint| complaint.bad_at).max();
        self.bad_until = self.bad_until.max(bad_at.unwrap_or_default());
        let wrong = match bad_at {
            None => Side::Good,
            Some(_) if complaints.iter().filter(counts).any(Complaint::is_direct) => Side::Bad,
            Some(_) => Side::BadByCount,
        };
        let ripe = wrong != Side::Good || self.has_ripe_address(cx);
        match self.case.as_ref().map(|case| case.incident.phase) {
            None => {}
            Some(Phase::Open | Phase::Calming { .. }) => self.follow(wrong, &complaints, cx),
            Some(Phase::Recovered { .. }) if ripe => self.relapse(&complaints, cx),
            Some(Phase::Recovered { at, .. } | Phase::Closed { at, .. }) => self.look_for_all_clear(at, cx),
        }
        // What was left of an incident that ended just now makes another one.
        if self.case.is_none() && (ripe || !complaints.is_empty()) {
            self.open(&complaints, cx);
        }
        self.speak(cx);
    }

    fn speak(&mut self, cx: &mut Context<'_>) {
        let tellable = self.is_tellable(cx);
        if let Some(case) = &mut self.case {
            if case.incident.muted_until.is_some_and(|until| until <= cx.now) {
                case.incident.muted_until = None;
                case.dirty = true;
            }
            case.speak(tellable, cx);
            case.hand_out(cx);
        }
        self.speak_of_pool(cx);
    }

    /// What began may be told if it has shown itself since this host was last cut off or asleep.
    fn is_tellable(&self, cx: &Context<'_>) -> bool {
        let Some(case) = &self.case else { return false };
        let incident = &case.incident;
        cx.thaw <= incident.opened
            || (incident.phase == Phase::Open
                && (incident.causes.iter().any(|cause| !matches!(cause, Cause::Addresses))
                    || self.addresses.values().any(|address| {
                        address.health == AddressState::Down && address.failed_since(cx.thaw)
                    })))
    }

    fn open(&mut self, complaints: &[Complaint], cx: &mut Context<'_>) {
        self.sufferings.begin_anew();
        let id = cx.new_id();
        let rules = &self.watched.rules;
        let (learned, until) = self.quiet;
        let quiet = if cx.now < until { learned } else { rules.recovered_after };
        let mut incident = Incident::new(id, Subject::Target(self.watched.id), cx.now);
        incident.title = self.watched.target.text.clone();
        incident.labels = self.watched.labels.clone();
        incident.quiet = quiet;
        incident.clocks.tell_by = Some(cx.now + cx.hold);
        flapping::turn(&mut incident, cx.now);
        let mut case = Case::new(incident);
        case.examine(cx);
        self.case = Some(Box::new(case));
        self.join(true, cx);
        self.restate(complaints, cx.now);
        let direct = self.suffers() || complaints.iter().any(Complaint::is_direct);
        if let Some(case) = &mut self.case {
            case.incident.clocks.side = if direct { Side::Bad } else { Side::BadByCount };
            let began = case.incident.members.iter().map(|member| member.since);
            let complained = complaints.iter().map(|complaint| complaint.since);
            case.incident.began = began.chain(complained).fold(cx.now, Time::min);
            // Nobody has heard of anything yet that would have to be changed.
            (case.incident.clocks.update_at, case.incident.clocks.examine_at) = (None, None);
            case.incident.clocks.news_waits = false;
            case.start_reminders(cx.now);
            case.hand_out(cx);
        }
    }

    /// Something is wrong, or was just now. `wrong`: how rules besides those of addresses see it.
    fn follow(&mut self, wrong: Side, complaints: &[Complaint], cx: &mut Context<'_>) {
        // As long as nobody has heard of it, the first word shall name them all.
        let untold = self.case.as_ref().is_some_and(|case| !case.incident.clocks.told);
        self.join(untold, cx);
        let suffers = self.suffers();
        let wrong = if suffers { Side::Bad } else { wrong };
        if let Some(case) = &mut self.case {
            case.turn_to(wrong, cx.now);
        }
        if wrong != Side::Good {
            if suffers {
                self.bad_until = cx.now;
            }
            self.restate(complaints, cx.now);
            if let Some(case) = &mut self.case
                && matches!(case.incident.phase, Phase::Calming { .. })
            {
                case.incident.phase = Phase::Open;
                case.incident.clocks.ends = None;
                case.dirty = true;
            }
            self.settle(cx.now);
            return;
        }
        self.sync_members(cx.now);
        let since = self.bad_until.max(cx.thaw);
        if let Some(case) = &mut self.case {
            let was = case.incident.phase;
            if !matches!(was, Phase::Calming { since: known } if known >= since) {
                case.incident.phase = Phase::Calming { since };
                case.incident.clocks.ends = Some(since + case.incident.quiet);
                case.dirty = true;
            }
        }
        self.settle(cx.now);
        self.recover(complaints, cx);
    }

    fn settle(&mut self, now: Time) {
        if let Some(case) = &mut self.case
            && flapping::settle(&mut case.incident, now)
        {
            case.content_changed(Weight::Idle, now);
        }
    }

    /// Calls it recovered if it has been well for long enough, and shows it.
    fn recover(&mut self, complaints: &[Complaint], cx: &mut Context<'_>) {
        let Some(case) = &self.case else { return };
        let Phase::Calming { since } = case.incident.phase else { return };
        let since = since.max(cx.thaw);
        let over = case.incident.clocks.ends.is_some_and(|at| at <= cx.now) && !case.incident.unstable;
        if !over || self.is_in_doubt() || !self.is_shown_well(since, cx) {
            return;
        }
        let told = case.incident.clocks.told;
        // It opened just before this host was found to be cut off or asleep, and nothing was wrong afterwards.
        if !told && cx.thaw > case.incident.opened {
            self.close(Some(Ending::Unconfirmed), None, cx);
            return;
        }
        let ledger = new_ledger(&self.watched, &self.addresses, cx.now);
        let clear_after = self.watched.rules.clear_after;
        let Some(case) = &mut self.case else { return };
        if !told {
            case.say(News::Opened, cx);
        }
        let incident = &mut case.incident;
        incident.phase = Phase::Recovered { since, at: cx.now };
        incident.causes = complaints.iter().map(|complaint| complaint.cause.clone()).collect();
        incident.clocks.ends = Some(cx.now + clear_after);
        incident.clocks.remind_at = None;
        incident.clocks.examine_at = None;
        incident.clocks.extended = false;
        (case.ledger, case.afresh, case.failed_at) = (Some(ledger), None, None);
        case.say(News::Recovered, cx);
    }

    /// Whether something may be wrong that is not yet known to be.
    fn is_in_doubt(&self) -> bool {
        self.unresolved.is_some()
            || self.addresses.values().any(|address| !address.gone && address.health == AddressState::Suspect)
    }

    /// Whether every address that failed has answered since then, and lately; and something has at all.
    fn is_shown_well(&self, since: Time, cx: &Context<'_>) -> bool {
        let fresh = self.fresh_since(cx);
        let answered = |at: Option<Time>| at.is_some_and(|at| at >= since && at >= fresh);
        let members = self.case.iter().flat_map(|case| &case.incident.members);
        answered(self.last_answer)
            && members.filter(|member| member.state != AddressState::Gone).all(|member| {
                self.addresses
                    .get(&member.address)
                    .is_none_or(|known| known.answers_last() && answered(known.last_answer))
            })
    }

    /// It was called recovered, and is not.
    fn relapse(&mut self, complaints: &[Complaint], cx: &mut Context<'_>) {
        let Some(case) = &mut self.case else { return };
        let incident = &mut case.incident;
        incident.relapses += 1;
        incident.phase = Phase::Open;
        incident.acknowledged = None;
        incident.gravity = Gravity::Notice;
        incident.clocks.loudest = None;
        (incident.clocks.eased, incident.clocks.failure_told) = (None, false);
        incident.clocks.ends = None;
        incident.clocks.extended = false;
        flapping::lengthen(incident);
        case.turn(cx.now);
        case.incident.clocks.side = Side::BadByCount;
        (case.ledger, case.afresh) = (None, None);
        case.examine(cx);
        self.join(true, cx);
        self.restate(complaints, cx.now);
        if let Some(case) = &mut self.case {
            case.start_reminders(cx.now);
            case.say(News::Relapsed, cx);
        }
    }

    fn look_for_all_clear(&mut self, recovered: Time, cx: &mut Context<'_>) {
        self.sync_members(cx.now);
        let (part, longest) = LOOK_AGAIN;
        let look_again = (self.watched.rules.clear_after / part).min(longest);
        let Some(case) = &mut self.case else { return };
        if case.incident.clocks.ends.is_none_or(|at| at > cx.now) {
            return;
        }
        // What happened in a window is told when it is over, and the all-clear after that.
        if case.is_silenced(cx) || case.incident.clocks.held_back > 0 {
            case.incident.clocks.ends = Some(cx.now + look_again);
            case.dirty = true;
            return;
        }
        // Where nothing failed there is nothing that tries could clear.
        if !case.incident.clocks.failed {
            self.close(Some(Ending::NothingToClear), None, cx);
            return;
        }
        let statement = case.ledger.as_ref().map(|ledger| ledger.statement(cx.now));
        match statement {
            Some(statement) if statement.lacking.is_empty() => {
                self.close(None, Some(News::AllClear(statement)), cx);
            }
            Some(statement) if cx.now.since(recovered) >= self.watched.longest_wait() => {
                let ending = Ending::NotCarried { lacking: statement.lacking.clone() };
                self.close(Some(ending), Some(News::Unclear(statement)), cx);
            }
            statement => {
                case.incident.clocks.ends = Some(cx.now + look_again);
                case.dirty = true;
                let Some(statement) = statement else { return };
                let failed = |lack: &Lack| matches!(lack, Lack::Failed { .. } | Lack::Unresolved);
                // What failed cannot be mended by more tries: they are counted anew from there.
                if statement.lacking.iter().any(failed)
                    && let Some(afresh) = case.afresh.take()
                {
                    case.ledger = Some(afresh);
                }
                if !std::mem::replace(&mut case.incident.clocks.extended, true) {
                    case.say(News::Extended(statement), cx);
                }
            }
        }
    }

    /// Ends it; with the all-clear where no other ending is given.
    pub(super) fn close(&mut self, ending: Option<Ending>, news: Option<News>, cx: &mut Context<'_>) {
        let Some(mut case) = self.case.take() else { return };
        self.quiet = (case.incident.quiet, cx.now + flapping::FORGIVEN_AFTER);
        case.incident.phase = Phase::Closed { at: cx.now, all_clear: ending.is_none() };
        case.incident.ending = ending;
        case.incident.causes.clear();
        case.incident.changed = cx.now;
        case.dirty = true;
        if let Some(news) = news {
            case.say(news, cx);
        }
        case.hand_out(cx);
    }

    /// Feeds the counting for the all-clear. `failed`: the event tells of a failure; `None` where it tells neither.
    pub(super) fn count_for_all_clear(&mut self, event: &Event, at: Time, failed: Option<bool>) {
        let Some(case) = self.case.as_mut().filter(|case| case.ledger.is_some()) else { return };
        for ledger in [&mut case.ledger, &mut case.afresh].into_iter().flatten() {
            ledger.take(event);
        }
        match (failed, case.failed_at) {
            (Some(true), _) => (case.failed_at, case.afresh) = (Some(at), None),
            // Failures come in a row: only after the last one it is worth while to count anew.
            (Some(false), Some(failed_at)) if at.since(failed_at) >= ROW => {
                case.afresh = Some(new_ledger(&self.watched, &self.addresses, at));
                case.failed_at = None;
            }
            _ => {}
        }
    }

    /// Tells of addresses that came or went.
    fn speak_of_pool(&mut self, cx: &mut Context<'_>) {
        if !self.watched.rules.pool_changes || self.pool.due().is_none_or(|at| at > cx.now) {
            return;
        }
        let incident = self.nobody(cx.now);
        let silenced =
            |silence: &crate::watch::Silence| silence.is_active(cx.now) && silence.matcher.matches(&incident);
        // A name that does not resolve gives no addresses, and has lost none by that.
        if self.unresolved.is_some() || cx.silences.iter().any(silenced) {
            self.pool.postpone(cx.now);
        } else if let Some(news) = self.pool.take_due(cx.now) {
            cx.say_without_incident(incident, news);
        }
    }

    /// An incident that is none, to speak of the target.
    fn nobody(&self, now: Time) -> Incident {
        let present = self.addresses.values().filter(|known| !known.gone).count();
        Incident {
            title: self.watched.target.text.clone(),
            labels: self.watched.labels.clone(),
            phase: Phase::Closed { at: now, all_clear: false },
            pool: u32::try_from(present).unwrap_or(u32::MAX),
            ..Incident::new(IncidentId(0), Subject::Target(self.watched.id), now)
        }
    }
}

impl Watched {
    /// How long an all-clear is waited for.
    fn longest_wait(&self) -> Duration {
        LONGEST_WAIT.max(self.pace.every * tries_needed(WANTED, CONFIDENCE) * NEEDED_TWICE)
    }
}

/// A ledger that knows what it has to cover.
pub(super) fn new_ledger(
    watched: &Watched,
    addresses: &BTreeMap<IpAddr, Box<Address>>,
    from: Time,
) -> Ledger {
    let mut ledger = Ledger::new(watched, from);
    for (address, known) in addresses {
        ledger.expect(*address, known.shown(watched.pace.well_after), known.gone);
    }
    ledger
}
