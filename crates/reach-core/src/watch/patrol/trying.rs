//! Tries of addresses: when, how deep, and what comes of them.

use std::time::Duration;

use super::{
    LEAST_EVERY, Patrol, What,
    own::Needs,
    reading::{self, Read},
    turns::{Turn, jittered},
};
use crate::{
    Time,
    model::{EchoAccess, Inability, Observation, Obstacle, Outcome, Probe, TlsResult},
    watch::{
        AddressState, CertificateSeen, Event, Layer, Reading, Reason, Sample, Series, Watched, Why,
        patrol::SETTLED_AFTER,
    },
};

/// So many source ports are tried for one try.
const PORT_ATTEMPTS: u32 = 16;
/// A new address, and one whose target is new, is tried within this time.
pub(super) const SOON: Duration = Duration::from_secs(1);
/// … and goes beyond TCP for the first time within this, with a little more for each address there is.
const FIRST_EXCHANGE: Duration = Duration::from_secs(60);
const FIRST_EXCHANGE_EACH: Duration = Duration::from_millis(50);
/// Where an address goes down the others of its name are looked at, no more often than so…
const AROUND_AGAIN: Duration = Duration::from_secs(60);
/// … but those that answered within this time.
const AROUND_FRESH: Duration = Duration::from_secs(10);

/// A failure that is not yet believed.
#[derive(Debug)]
pub(super) struct Doubtful {
    pub(super) place: usize,
    pub(super) series: Series,
    sent: Time,
    reason: Reason,
}

impl Patrol {
    /// Puts the next try of an address at `due`.
    pub(super) fn try_at(&mut self, place: usize, due: Time, urgent: bool) {
        let Some(post) = self.posts.get_mut(place) else { return };
        if let Some(known) = post.tries.due.replace((due, urgent)) {
            self.turns.remove(Turn::Try(place), known);
        }
        self.turns.add(Turn::Try(place), (due, urgent));
    }

    /// The turns of an address that is new here: its first try within `within`.
    pub(super) fn begin_post(&mut self, place: usize, within: Duration, now: Time) {
        let everybody = FIRST_EXCHANGE_EACH * u32::try_from(self.posts.len()).unwrap_or(u32::MAX);
        let Some(post) = self.posts.get_mut(place) else { return };
        let Some(beat) = self.beats.get(&post.series.target) else { return };
        let pace = &beat.watched.pace;
        let mut first = now + self.spread.next(within);
        if post.tries.last.is_some() {
            first = first.min(post.tries.regular);
        }
        post.tries.regular = first;
        if let Some(known) = post.echoes.due.take() {
            self.turns.remove(Turn::Echo(place), known);
        }
        if let Some(every) = pace.exchange_every {
            post.tries.exchange_due = first + self.spread.next(every.min(FIRST_EXCHANGE + everybody));
        }
        if let (Some(every), true) = (pace.echo_every, self.plan.vantage.echo != EchoAccess::None) {
            let due = (now + self.spread.next(every), false);
            post.echoes.due = Some(due);
            self.turns.add(Turn::Echo(place), due);
        }
        self.try_at(place, first, false);
    }

    pub(super) fn take_try(&mut self, place: usize, due: Time, now: Time) -> Option<(What, Probe)> {
        let post = self.posts.get_mut(place)?;
        let Watched { target, pace, .. } = &self.beats.get(&post.series.target)?.watched;
        post.tries.due = None;
        let every = pace.every.max(LEAST_EVERY);
        let again = now < post.tries.regular;
        if now >= post.tries.regular {
            let missed = (now.since(post.tries.regular).as_micros() / every.as_micros()) as u64;
            self.schedule.skipped_rate += missed;
            self.schedule.lag = now.since(due);
            let whole = every.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX));
            let next = match post.tries.last {
                Some(_) => jittered(every, &mut post.tries.dice),
                // Addresses come in crowds: from the second try on they are apart.
                None => every / 20 + self.spread.next(every - every / 20),
            };
            post.tries.regular = post.tries.regular + whole + next;
        }
        let next = post.tries.regular;
        if post.tries.busy {
            self.schedule.skipped_busy += 1;
            self.try_at(place, next, false);
            return None;
        }
        let health = post.health.state();
        let above_tcp = pace.exchange_every.is_some() && (target.tls || target.http_path.is_some());
        let exchange = above_tcp
            && (now >= post.tries.exchange_due
                || health == AddressState::Recovering
                || (post.tries.above_tcp && health != AddressState::Ok));
        if exchange && let Some(every) = pace.exchange_every {
            post.tries.exchange_due = now + jittered(every, &mut post.tries.dice);
        }
        post.tries.busy = true;
        post.tries.again = again;
        post.tries.last = Some(now);
        self.schedule.last_try = Some(now);
        let series = post.series;
        let probe = post.attempt(target, pace, exchange, self.plan.seed);
        self.try_at(place, next, false);
        Some((What::Try { place, series, attempts: 1 }, probe))
    }

    pub(super) fn tried(
        &mut self,
        place: usize,
        series: Series,
        attempts: u32,
        observation: &Observation,
        counts: bool,
        now: Time,
    ) {
        let Some(post) = self.posts.get_mut(place).filter(|post| post.series == series) else { return };
        if let Outcome::Unable(Inability { why: Obstacle::PortInUse, .. }) = observation.outcome
            && attempts < PORT_ATTEMPTS
            && let Some(beat) = self.beats.get(&series.target)
        {
            let Watched { target, pace, .. } = &beat.watched;
            let exchange = matches!(observation.probe, Probe::Exchange(_));
            let probe = post.attempt(target, pace, exchange, self.plan.seed);
            self.ready.push_back((What::Try { place, series, attempts: attempts + 1 }, probe));
            return;
        }
        post.tries.busy = false;
        let sent = observation.sent;
        let read = reading::attempt(observation);
        if !counts {
            self.sample(place, Layer::Connect, sent, Reading::Unable);
            return;
        }
        let v6 = series.address.is_ipv6();
        let asked = super::own::Asked::Watched(place);
        match read {
            // It answered, as far as TCP goes: this host is connected.
            Read { connect: Reading::Answered(_), .. } => {
                self.prove(series, sent, now);
                self.sample(place, Layer::Connect, sent, read.connect);
                if let Some(reading) = read.exchange {
                    self.sample(place, Layer::Exchange, sent, reading);
                }
                if let Some(tls) = read.tls {
                    self.see_certificate(place, tls, now);
                }
                match read.verdict() {
                    (layer, Reading::Failed(reason)) => self.fail(place, layer, reason, now),
                    _ => self.answer(place, now),
                }
            }
            Read { connect: Reading::Failed(reason), .. } => {
                self.doubt(Needs::Anything, Doubtful { place, series, sent, reason }, now);
            }
            // A family that never worked here is none of ours; one that does makes a missing route a failure.
            Read { no_route: true, .. } if self.own.ever_reached(v6) => {
                let reason = Reason::Unreachable;
                self.doubt(Needs::Family { v6 }, Doubtful { place, series, sent, reason }, now);
            }
            Read { .. } => self.sample(place, Layer::Connect, sent, Reading::Unable),
        }
        let answered = matches!(read.connect, Reading::Answered(_));
        let change = self.own.checked(asked, answered);
        self.apply(change, now);
    }

    /// An address answered: this host is connected, if not merely to itself.
    fn prove(&mut self, series: Series, sent: Time, now: Time) {
        if !series.address.is_loopback() {
            let change = self.own.prove(sent, series.address.is_ipv6());
            self.apply(change, now);
        }
    }

    /// A try failed. Believed where something that was sent later came back; held back where nothing did yet.
    fn doubt(&mut self, needs: Needs, failure: Doubtful, now: Time) {
        if self.own.was_offline(failure.sent) {
            self.ignore(failure);
        } else if self.own.is_proved(needs, failure.sent) {
            self.believe(failure, now);
        } else {
            if let Some(post) = self.posts.get_mut(failure.place) {
                post.tries.busy = true;
            }
            self.own.hold(needs, failure.sent, failure);
        }
    }

    /// A failure is the address's own.
    pub(super) fn believe(&mut self, failure: Doubtful, now: Time) {
        let Doubtful { place, series, sent, reason } = failure;
        let Some(post) = self.posts.get_mut(place).filter(|post| post.series == series) else { return };
        post.tries.busy = false;
        self.sample(place, Layer::Connect, sent, Reading::Failed(reason));
        self.fail(place, Layer::Connect, reason, now);
    }

    /// A failure says nothing about the address.
    pub(super) fn ignore(&mut self, failure: Doubtful) {
        let Doubtful { place, series, sent, .. } = failure;
        let Some(post) = self.posts.get_mut(place).filter(|post| post.series == series) else { return };
        post.tries.busy = false;
        self.sample(place, Layer::Connect, sent, Reading::Unable);
    }

    fn answer(&mut self, place: usize, now: Time) {
        let Some(post) = self.posts.get_mut(place) else { return };
        let series = post.series;
        let Some(beat) = self.beats.get(&series.target) else { return };
        let moved = post.health.answer(beat.watched.pace.well_after, now);
        post.tries.above_tcp &= post.health.state() != AddressState::Ok;
        if moved.is_some() || post.is_stale(now) {
            self.dirty.insert(place);
        }
        if let Some(moved) = moved {
            self.tell(series, moved.from, moved.to, Why::Answered, now);
        }
        self.follow(place, now);
    }

    fn fail(&mut self, place: usize, layer: Layer, reason: Reason, now: Time) {
        let Some(post) = self.posts.get_mut(place) else { return };
        let series = post.series;
        post.tries.above_tcp |= layer == Layer::Exchange;
        if let Some(moved) = post.health.failure(reason, now) {
            self.dirty.insert(place);
            let from_birth = moved.to == AddressState::Down && self.is_from_birth(place);
            let why = if from_birth { Why::BlockedFromBirth(reason) } else { Why::Failed(reason) };
            self.tell(series, moved.from, moved.to, why, now);
            if moved.to == AddressState::Down {
                self.look_around(place, now);
            }
        }
        self.follow(place, now);
    }

    /// What befell an address may have befallen others of its name, whose turns may be minutes away: they are tried
    /// soon, so that the first word on an outage names all of them.
    fn look_around(&mut self, place: usize, now: Time) {
        let Some(target) = self.posts.get(place).map(|post| post.series.target) else { return };
        let Some(beat) = self.beats.get_mut(&target) else { return };
        if beat.looked_around.is_some_and(|at| now.since(at) < AROUND_AGAIN) {
            return;
        }
        beat.looked_around = Some(now);
        let others: Vec<usize> = beat.places.values().copied().filter(|&other| other != place).collect();
        for other in others {
            let due = now + self.spread.next(SOON);
            let Some(post) = self.posts.get(other) else { continue };
            let fresh = post.tries.last.is_some_and(|at| now.since(at) < AROUND_FRESH);
            let later = post.tries.due.is_some_and(|(planned, _)| due < planned);
            if later && !fresh && post.health.state() == AddressState::Ok {
                self.try_at(other, due, false);
            }
        }
    }

    /// It came to a name that others had been seen of for long, has never answered, and others do.
    fn is_from_birth(&self, place: usize) -> bool {
        let Some(post) = self.posts.get(place) else { return false };
        let Some(beat) = self.beats.get(&post.series.target) else { return false };
        let new = beat.first_seen.is_some_and(|first| post.first_seen.since(first) >= SETTLED_AFTER);
        let mut others = beat.places.values().filter_map(|&other| self.posts.get(other));
        new && post.health.last_ok().is_none()
            && others.any(|other| other.health.state() == AddressState::Ok && other.gone_since.is_none())
    }

    /// Sees to it that an address in a state that does not last is looked at sooner.
    fn follow(&mut self, place: usize, now: Time) {
        let Some(post) = self.posts.get(place) else { return };
        if !post.is_uneasy() {
            self.uneasy.remove(&place);
            return;
        }
        self.uneasy.insert(place);
        let Some(beat) = self.beats.get(&post.series.target) else { return };
        let (regular, urgent) = (post.tries.regular, post.health.state() == AddressState::Suspect);
        if let Some(after) = post.health.again_after(beat.watched.pace.well_after)
            && now + after < regular
        {
            self.try_at(place, now + after, urgent);
        }
    }

    pub(super) fn sample(&mut self, place: usize, layer: Layer, at: Time, reading: Reading) {
        let Some(post) = self.posts.get_mut(place) else { return };
        post.count(layer, at, reading);
        let again = layer != Layer::Echo && post.tries.again;
        self.events.push(Event::Sample(Sample { series: post.series, layer, at, reading, again }));
    }

    fn see_certificate(&mut self, place: usize, tls: &TlsResult, now: Time) {
        let Some(post) = self.posts.get_mut(place) else { return };
        let Some(leaf) = tls.chain.first() else { return };
        let expires =
            tls.chain.iter().map(|certificate| certificate.not_after).min().unwrap_or(leaf.not_after);
        let known = post.certificate.as_deref();
        if known.is_some_and(|(seen, distrust)| seen.sha256 == leaf.sha256 && *distrust == tls.distrust)
            && post.certificate_expires == Some(expires)
        {
            return;
        }
        post.certificate = Some(Box::new((leaf.clone(), tls.distrust.clone())));
        if post.certificate_expires.replace(expires) != Some(expires) {
            self.dirty.insert(place);
        }
        self.events.push(Event::Certificate(CertificateSeen {
            series: post.series,
            at: now,
            certificate: leaf.clone(),
            chain_expires: expires,
            distrust: tls.distrust.clone(),
        }));
    }

    pub(super) fn take_echo(&mut self, place: usize, due: Time, now: Time) -> Option<(What, Probe)> {
        let post = self.posts.get_mut(place)?;
        let pace = &self.beats.get(&post.series.target)?.watched.pace;
        post.echoes.due = None;
        let every = pace.echo_every?.max(LEAST_EVERY);
        let missed = (now.since(due).as_micros() / every.as_micros()) as u64;
        self.schedule.skipped_rate += missed;
        // From its place on, and not from now: what is a little late each time would else come too seldom.
        let whole = every.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX));
        let next = (due + whole + jittered(every, &mut post.tries.dice), false);
        post.echoes.due = Some(next);
        self.turns.add(Turn::Echo(place), next);
        if post.echoes.busy {
            self.schedule.skipped_busy += 1;
            return None;
        }
        post.echoes.busy = true;
        Some((What::Echo { place, series: post.series }, post.echo(pace)))
    }

    pub(super) fn echoed(
        &mut self,
        place: usize,
        series: Series,
        observation: &Observation,
        counts: bool,
        now: Time,
    ) {
        let Some(post) = self.posts.get_mut(place).filter(|post| post.series == series) else { return };
        post.echoes.busy = false;
        let mut reading = if counts { reading::echo(&observation.outcome) } else { Reading::Unable };
        if matches!(reading, Reading::Failed(_)) && self.own.was_offline(observation.sent) {
            reading = Reading::Unable;
        }
        if let Some(pause) = post.echoes.file(reading) {
            let due = (now + pause, false);
            if let Some(known) = post.echoes.due.replace(due) {
                self.turns.remove(Turn::Echo(place), known);
            }
            self.turns.add(Turn::Echo(place), due);
        }
        self.sample(place, Layer::Echo, observation.sent, reading);
        if let Reading::Answered(_) = reading {
            self.prove(series, observation.sent, now);
        }
    }
}
