//! What is wrong with a target at a moment, which addresses suffer, and how bad that is.

use std::{net::IpAddr, time::Duration};

use super::{Context, rules::Complaint, speech::Weight, ward::Ward};
use crate::{
    Time,
    watch::{AddressState, Cause, Gravity, Incident, Member, Reason},
};

/// From this share of failing addresses on it is critical.
const CRITICAL_SHARE: f64 = 0.5;
/// What was milder for so long rings again when it gets as bad as it was told to be before.
const EASED_AFTER: Duration = Duration::from_secs(60 * 60);

impl Ward {
    /// Whether an address that matters is not well.
    pub(super) fn suffers(&self) -> bool {
        let well_after = self.watched.pace.well_after;
        self.addresses.iter().any(|(address, known)| {
            if known.gone {
                self.is_member(*address) && !known.is_well(well_after)
            } else {
                known.health.is_bad()
            }
        })
    }

    /// Lists the addresses that fail: all that are down, or (`all` = false) those that have been for long enough.
    pub(super) fn join(&mut self, all: bool, cx: &Context<'_>) {
        let new: Vec<Member> = self
            .addresses
            .iter()
            .filter(|(address, known)| {
                known.health == AddressState::Down
                    && !known.gone
                    && (all || self.is_ripe_address(known, cx))
                    && !self.is_member(**address)
            })
            .map(|(address, known)| Member {
                address: *address,
                state: known.shown(self.watched.pace.well_after),
                reason: known.reason.unwrap_or(Reason::Timeout),
                since: known.failing_since.unwrap_or(cx.now),
                from_birth: known.from_birth,
                gone: known.gone,
            })
            .collect();
        if new.is_empty() {
            return;
        }
        let Some(case) = &mut self.case else { return };
        case.content_changed(Weight::New, cx.now);
        if !all {
            case.examine_soon(cx.now);
        }
        case.incident.members.extend(new);
        case.incident.members.sort_by_key(|member| member.address);
        case.incident.members.dedup_by_key(|member| member.address);
    }

    /// Addresses that clients are given and that were tried with any result.
    pub(super) fn pool_size(&self, now: Time) -> u32 {
        let known = self.addresses.values();
        let known = known.filter(|known| !known.gone && known.health != AddressState::Unknown).count();
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        // Just after a restart those that work may not have been heard of yet.
        let remembered = self.case.as_ref().filter(|_| now < self.learning_until);
        remembered.map_or(known, |case| case.incident.pool.max(known))
    }

    /// Brings the members up to date.
    pub(super) fn sync_members(&mut self, now: Time) {
        let pool = self.pool_size(now);
        let well_after = self.watched.pace.well_after;
        let Some(case) = &mut self.case else { return };
        let (mut changed, mut shows) = (false, false);
        // That one answers again, not yet for long enough, is said with the next word on it.
        let shown = |member: &Member| {
            let state = if member.state.is_bad() { AddressState::Down } else { member.state };
            (state, member.reason, member.from_birth, member.gone)
        };
        for member in &mut case.incident.members {
            let before = member.clone();
            match self.addresses.get(&member.address) {
                Some(known) => {
                    (member.state, member.gone) = (known.shown(well_after), known.gone);
                    member.reason = known.reason.unwrap_or(member.reason);
                    if let Some(since) = known.failing_since {
                        member.since = since;
                    }
                    member.from_birth |= known.from_birth;
                }
                None => (member.state, member.gone) = (AddressState::Gone, true),
            }
            changed |= *member != before;
            shows |= shown(member) != shown(&before);
        }
        case.dirty |= changed;
        if shows || case.incident.pool != pool {
            case.incident.pool = pool;
            case.content_changed(Weight::Idle, now);
        }
    }

    /// States anew what is wrong and how bad it is.
    pub(super) fn restate(&mut self, complaints: &[Complaint], now: Time) {
        self.sync_members(now);
        let suffers = self.suffers();
        let pool = self.pool_size(now);
        let failing = {
            let down = |address: &IpAddr| {
                self.addresses.get(address).is_some_and(|known| !known.gone && known.health.is_bad())
            };
            let members = self.case.iter().flat_map(|case| &case.incident.members);
            members.filter(|member| down(&member.address)).count()
        };
        let Some(case) = &mut self.case else { return };
        let incident = &mut case.incident;
        let share = failing as f64 / f64::from(pool.max(1));
        let by_addresses = if share >= CRITICAL_SHARE { Gravity::Critical } else { Gravity::Degraded };
        let by_addresses =
            (suffers && !incident.members.is_empty()).then_some((Cause::Addresses, by_addresses));
        let all = by_addresses
            .into_iter()
            .chain(complaints.iter().map(|complaint| (complaint.cause.clone(), complaint.gravity)));
        let (mut causes, gravities): (Vec<Cause>, Vec<Gravity>) = all.unzip();
        // What fails and has not done so for long enough is no cause by itself, and what was stays until then.
        if causes.is_empty() {
            return;
        }
        causes.extend(self.sufferings.past());
        let gravity = gravities.into_iter().max().unwrap_or(incident.gravity);
        // What a window of tries says is no news beside addresses that are named.
        let named = |causes: &[Cause]| {
            let addresses = causes.contains(&Cause::Addresses);
            let by_count = |cause: &&Cause| addresses && matches!(cause, Cause::FailureShare { .. });
            causes.iter().filter(|cause| !by_count(cause)).map(kind).collect::<Vec<_>>()
        };
        let news = named(&causes) != named(&incident.causes) || gravity != incident.gravity;
        let other = causes != incident.causes;
        let unresolved = |causes: &[Cause]| causes.iter().any(|cause| matches!(cause, Cause::Unresolved(_)));
        let examine = unresolved(&causes) && !unresolved(&incident.causes);
        let eased = incident.clocks.eased;
        incident.causes = causes;
        incident.ease(gravity, now);
        incident.worst = incident.worst.max(gravity);
        incident.clocks.failed |= gravity >= Gravity::Degraded && incident.fails();
        case.dirty |= other || case.incident.clocks.eased != eased;
        if news {
            case.content_changed(Weight::Idle, now);
        }
        if examine {
            case.examine_soon(now);
        }
    }
}

impl Incident {
    /// It is so bad now. Where it was milder than it was told to be for long enough, it may be told anew when it gets
    /// worse.
    fn ease(&mut self, gravity: Gravity, now: Time) {
        let clocks = &mut self.clocks;
        if gravity > self.gravity && clocks.eased.is_some_and(|since| now.since(since) >= EASED_AFTER) {
            clocks.loudest = clocks.loudest.map(|loudest| loudest.min(self.gravity));
        }
        self.gravity = gravity;
        if clocks.loudest.is_none_or(|loudest| gravity >= loudest) {
            clocks.eased = None;
        } else {
            clocks.eased.get_or_insert(now);
        }
    }
}

/// What of a cause is news when it changes: numbers of windows are not.
fn kind(cause: &Cause) -> Cause {
    match cause {
        Cause::FailureShare { threshold, .. } => {
            let (bounds, last) = ((0.0, 0.0), Time::default());
            Cause::FailureShare { failed: 0, tries: 0, bounds, threshold: *threshold, last }
        }
        Cause::Latency { above, quantile, .. } => {
            Cause::Latency { measured: Duration::ZERO, above: *above, quantile: *quantile }
        }
        Cause::Burn { objective, window, .. } => {
            Cause::Burn { objective: *objective, rate: 0.0, window: *window }
        }
        other => other.clone(),
    }
}
