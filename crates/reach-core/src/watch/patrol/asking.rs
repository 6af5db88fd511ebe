//! Questions to resolvers, and what their answers say about which addresses there are.

use std::{net::IpAddr, time::Duration};

use super::{
    LEAST_EVERY, MOST_ADDRESSES, Patrol, What,
    hearing::Heard,
    post::{Mark, Post},
    trying::SOON,
    turns::{Turn, jittered},
};
use crate::{
    Time,
    model::{AddressSource, Lookup, Observation, Probe, RecordKind},
    pool,
    stats::split_mix,
    watch::{
        AddressState, AgreementChange, Event, ResolutionChange, Series, TargetId, Why, patrol::SWEEP_EVERY,
    },
};

impl Patrol {
    /// Puts the next question of a line at `due`.
    pub(super) fn ask_at(&mut self, target: TargetId, server: usize, kind: RecordKind, due: Time) {
        let names = self.beats.get_mut(&target).and_then(|beat| beat.names.as_mut());
        let Some(line) = names.and_then(|names| names.line_mut(server, kind)) else { return };
        let turn = Turn::Ask(target, server, kind);
        if let Some(known) = line.due.replace((due, false)) {
            self.turns.remove(turn, known);
        }
        self.turns.add(turn, (due, false));
    }

    fn ask_system_at(&mut self, target: TargetId, due: Time) {
        let names = self.beats.get_mut(&target).and_then(|beat| beat.names.as_mut());
        let Some(system) = names.and_then(|names| names.system_mut()) else { return };
        if let Some(known) = system.due.replace((due, false)) {
            self.turns.remove(Turn::System(target), known);
        }
        self.turns.add(Turn::System(target), (due, false));
    }

    /// Puts all questions about a target within `within` from now.
    pub(super) fn ask_within(&mut self, target: TargetId, within: Duration, now: Time) {
        let names = self.beats.get_mut(&target).and_then(|beat| beat.names.as_mut());
        let Some(names) = names else { return };
        let (questions, system) = (names.questions(), names.system_mut().is_some());
        for (server, kind) in questions {
            let due = now + self.spread.next(within);
            self.ask_at(target, server, kind, due);
        }
        if system {
            let due = now + self.spread.next(within);
            self.ask_system_at(target, due);
        }
    }

    /// Takes back all questions about a target.
    pub(super) fn ask_no_more(&mut self, target: TargetId) {
        let names = self.beats.get_mut(&target).and_then(|beat| beat.names.as_mut());
        let Some(names) = names else { return };
        for (server, kind) in names.questions() {
            if let Some(due) = names.line_mut(server, kind).and_then(|line| line.due.take()) {
                self.turns.remove(Turn::Ask(target, server, kind), due);
            }
        }
        if let Some(due) = names.system_mut().and_then(|system| system.due.take()) {
            self.turns.remove(Turn::System(target), due);
        }
    }

    pub(super) fn take_question(
        &mut self,
        target: TargetId,
        server: usize,
        kind: RecordKind,
        now: Time,
    ) -> Option<(What, Probe)> {
        let beat = self.beats.get_mut(&target)?;
        let every = beat.watched.pace.resolve_every.max(LEAST_EVERY);
        let names = beat.names.as_mut()?;
        let line = names.line_mut(server, kind)?;
        line.due = None;
        let busy = std::mem::replace(&mut line.busy, true);
        let question = names.question(server, kind);
        let mut dice = split_mix(self.plan.seed ^ now.as_micros() ^ server as u64);
        self.ask_at(target, server, kind, now + jittered(every, &mut dice));
        if busy {
            self.schedule.skipped_busy += 1;
            return None;
        }
        let Some(Probe::Lookup(lookup)) = question else { return None };
        Some((What::Ask { target, lookup: lookup.clone() }, Probe::Lookup(lookup)))
    }

    pub(super) fn take_system_question(&mut self, target: TargetId, now: Time) -> Option<(What, Probe)> {
        let names = self.beats.get_mut(&target)?.names.as_mut()?;
        let question = names.system_question();
        let system = names.system_mut()?;
        system.due = None;
        let busy = std::mem::replace(&mut system.busy, true);
        let mut dice = split_mix(self.plan.seed ^ now.as_micros() ^ u64::from(target.0));
        let due = now + jittered(system.every.max(LEAST_EVERY), &mut dice);
        self.ask_system_at(target, due);
        if busy {
            self.schedule.skipped_busy += 1;
            return None;
        }
        Some((What::System { target }, question))
    }

    pub(super) fn answered(
        &mut self,
        target: TargetId,
        lookup: &Lookup,
        observation: &Observation,
        counts: bool,
        now: Time,
    ) {
        let offline = self.own.was_offline(observation.sent);
        let Some(beat) = self.beats.get_mut(&target) else { return };
        let every = beat.watched.pace.resolve_every;
        let Some(names) = beat.names.as_mut() else { return };
        let Some(server) = names.place_of(lookup.resolver) else { return };
        if !counts {
            if let Some(line) = names.line_mut(server, lookup.kind) {
                line.busy = false;
            }
            return;
        }
        let heard = names.take(target, lookup, observation, every, offline);
        if heard.in_vain {
            self.own.doubt(observation.sent);
        }
        if let Some(again) = heard.again.filter(|&again| again < every) {
            for (place, kind) in names.questions() {
                if place == server && (heard.walked || kind == lookup.kind) {
                    self.ask_at(target, place, kind, now + again);
                }
            }
        }
        let resolved = heard.fresh && !heard.given.is_empty() && !lookup.resolver.ip().is_loopback();
        self.learn(target, AddressSource::Resolver(lookup.resolver), heard, now);
        if resolved {
            let change = self.own.resolved(observation.sent);
            self.apply(change, now);
        }
    }

    pub(super) fn answered_by_system(
        &mut self,
        target: TargetId,
        observation: &Observation,
        counts: bool,
        now: Time,
    ) {
        let offline = self.own.was_offline(observation.sent);
        let names = self.beats.get_mut(&target).and_then(|beat| beat.names.as_mut());
        let Some(names) = names else { return };
        if !counts {
            if let Some(system) = names.system_mut() {
                system.busy = false;
            }
            return;
        }
        let heard = names.take_system(observation, offline);
        if let Some(again) = heard.again {
            self.ask_system_at(target, now + again);
        }
        self.learn(target, AddressSource::System, heard, now);
    }

    fn learn(&mut self, target: TargetId, source: AddressSource, heard: Heard, now: Time) {
        let Heard { asked, given, fresh, mark, resolution, odd, .. } = heard;
        self.events.extend(asked.map(Event::Asked));
        for &(address, ttl_s) in &given {
            self.given(Series { target, address }, source, mark, ttl_s, fresh, now);
        }
        if let Some(error) = resolution {
            self.events.push(Event::Resolution(ResolutionChange { target, at: now, error }));
        }
        if let Some(odd) = odd {
            self.events.push(Event::Agreement(AgreementChange { target, at: now, odd }));
        }
        if fresh {
            self.look_for_gone(target, Some(source), now);
        }
    }

    /// A resolver gave an address.
    fn given(
        &mut self,
        series: Series,
        source: AddressSource,
        mark: Mark,
        ttl_s: u32,
        fresh: bool,
        now: Time,
    ) {
        let Some(beat) = self.beats.get_mut(&series.target) else { return };
        let pace = &beat.watched.pace;
        if !pool::wanted(pace.families, series.address) {
            return;
        }
        let Some(&place) = beat.places.get(&series.address) else {
            if beat.places.len() >= MOST_ADDRESSES {
                self.schedule.left_out += 1;
                return;
            }
            let every = pace.every;
            let mut post = Post::new(series, self.plan.seed, now);
            post.give(source, mark, ttl_s, true, now);
            let place = self.posts.add(post);
            beat.places.insert(series.address, place);
            beat.first_seen.get_or_insert(now);
            beat.appeared += 1;
            self.dirty.insert(place);
            self.tell(series, AddressState::Unknown, AddressState::Unknown, Why::Appeared, now);
            self.begin_post(place, every.min(SOON), now);
            return;
        };
        let Some(post) = self.posts.get_mut(place) else { return };
        post.give(source, mark, ttl_s, fresh, now);
        let health = post.health.state();
        if post.gone_since.take().is_some() {
            post.gone_for = Duration::ZERO;
            self.gone.remove(&place);
            self.dirty.insert(place);
            self.tell(series, AddressState::Gone, health, Why::Returned, now);
        } else if post.is_stale(now) {
            self.dirty.insert(place);
        }
    }

    /// Looks for addresses that `source`, or anybody, gave and that are given no more.
    pub(super) fn look_for_gone(&mut self, target: TargetId, source: Option<AddressSource>, now: Time) {
        let Some(beat) = self.beats.get(&target) else { return };
        let Some(names) = &beat.names else { return };
        let pace = &beat.watched.pace;
        let mut left = Vec::new();
        for (&address, &place) in &beat.places {
            let Some(post) = self.posts.get_mut(place) else { continue };
            let concerned = source.is_none_or(|source| post.is_given_by(source));
            if concerned
                && post.gone_since.is_none()
                && post.has_left(pace, |source| names.mark(source, address))
            {
                post.gone_since = Some(now);
                left.push((place, post.series, post.health.state()));
            }
        }
        for (place, series, health) in left {
            self.gone.insert(place);
            self.dirty.insert(place);
            self.tell(series, health, AddressState::Gone, Why::LeftDns, now);
        }
    }

    /// Forgets addresses that have been gone for long enough while somebody looked.
    pub(super) fn sweep(&mut self, now: Time) {
        let span = now.since(self.swept).min(2 * SWEEP_EVERY);
        self.swept = now;
        let mut forgotten: Vec<(usize, Series, Why)> = Vec::new();
        for &place in &self.gone {
            let Some(post) = self.posts.get_mut(place) else { continue };
            post.gone_for += span;
            let Some(beat) = self.beats.get(&post.series.target) else { continue };
            if post.gone_for >= beat.watched.pace.forget_after {
                forgotten.push((place, post.series, Why::Forgotten));
            }
        }
        for (place, _, why) in forgotten {
            self.dismiss(place, why, now);
        }
    }

    /// Ends the observation of an address. A try of it that is under way says nothing any more.
    pub(super) fn dismiss(&mut self, place: usize, why: Why, now: Time) {
        let Some(post) = self.posts.remove(place) else { return };
        if let Some(due) = post.tries.due {
            self.turns.remove(Turn::Try(place), due);
        }
        if let Some(due) = post.echoes.due {
            self.turns.remove(Turn::Echo(place), due);
        }
        for places in [&mut self.uneasy, &mut self.gone, &mut self.dirty] {
            places.remove(&place);
        }
        if let Some(beat) = self.beats.get_mut(&post.series.target) {
            let address: IpAddr = post.series.address;
            beat.places.remove(&address);
        }
        let state = post.state();
        self.tell(post.series, state, state, why, now);
    }
}
