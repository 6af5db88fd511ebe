//! Who is watched: at the beginning, and when the plan changes.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Beat, Patrol, SWEEP_EVERY,
    names::Names,
    own,
    post::{Places, Post},
    trying::SOON,
    turns::Turn,
};
use crate::{
    Time,
    model::Host,
    pool,
    watch::{AddressState, Remembered, Series, TargetId, WatchPlan, Watched, Why},
};

/// First questions about many targets are so far apart on average.
const APART: Duration = Duration::from_millis(20);

impl Patrol {
    pub(super) fn enlist_all(&mut self, remembered: Vec<Remembered>, now: Time) {
        self.turns.add(Turn::Own, (now + own::OFFLINE_EVERY, true));
        self.turns.add(Turn::Sweep, (now + SWEEP_EVERY, true));
        let mut rows: BTreeMap<TargetId, Vec<Remembered>> = BTreeMap::new();
        for row in remembered {
            rows.entry(row.series.target).or_default().push(row);
        }
        // Each target keeps its own.
        for watched in std::mem::take(&mut self.plan.targets) {
            let known = rows.remove(&watched.id).unwrap_or_default();
            self.enlist(watched, known, now);
        }
        for row in rows.into_values().flatten() {
            self.tell(row.series, row.state(), row.state(), Why::Dropped, now);
        }
    }

    /// Begins to watch a target.
    fn enlist(&mut self, watched: Watched, known: Vec<Remembered>, now: Time) {
        let (target, every) = (watched.id, watched.pace.every);
        let names = Names::new(&watched, &self.plan.vantage, now).map(Box::new);
        let sources = names.as_ref().map(|names| names.sources()).unwrap_or_default();
        let literal = match watched.target.host {
            Host::Address(address) => Some(address),
            Host::Name(_) => None,
        };
        let families = watched.pace.families;
        let beat = Beat {
            watched,
            names,
            places: Places::new(),
            first_seen: None,
            looked_around: None,
            appeared: 0,
        };
        self.beats.insert(target, Box::new(beat));
        for row in known {
            let address = row.series.address;
            let is_watched = literal.map_or(pool::wanted(families, address), |literal| literal == address);
            if !is_watched {
                self.tell(row.series, row.state(), row.state(), Why::Dropped, now);
                continue;
            }
            let mut post = Post::recall(&row, self.plan.seed, now);
            post.keep_sources(&sources);
            if literal.is_some() {
                // Nobody has to give it.
                post.gone_since = None;
            }
            let (gone, uneasy) = (post.gone_since.is_some(), post.is_uneasy());
            let place = self.posts.add(post);
            self.settle(target, row.series, place, row.first_seen);
            if gone {
                self.gone.insert(place);
            }
            if uneasy {
                self.uneasy.insert(place);
            }
            self.begin_post(place, every, now);
        }
        if let Some(address) = literal {
            let series = Series { target, address };
            if self.beats.get(&target).is_some_and(|beat| !beat.places.contains_key(&address)) {
                let place = self.posts.add(Post::new(series, self.plan.seed, now));
                self.settle(target, series, place, now);
                self.dirty.insert(place);
                self.tell(series, AddressState::Unknown, AddressState::Unknown, Why::Appeared, now);
                self.begin_post(place, every.min(self.opening()), now);
            }
        }
        let resolve_every = self.beats.get(&target).map_or(SOON, |beat| beat.watched.pace.resolve_every);
        self.ask_within(target, resolve_every.min(self.opening()), now);
    }

    /// Within which time many targets begin.
    fn opening(&self) -> Duration {
        SOON + APART * u32::try_from(self.targets).unwrap_or(u32::MAX)
    }

    fn settle(&mut self, target: TargetId, series: Series, place: usize, first_seen: Time) {
        if let Some(beat) = self.beats.get_mut(&target) {
            beat.places.insert(series.address, place);
            beat.first_seen = Some(beat.first_seen.map_or(first_seen, |known| known.min(first_seen)));
        }
    }

    /// Goes on with another plan.
    pub(super) fn replan(&mut self, plan: WatchPlan, now: Time) {
        let old = std::mem::replace(&mut self.plan, plan);
        if old.rate.to_bits() != self.plan.rate.to_bits() {
            self.turns.set_rate(self.plan.rate, now);
        }
        let targets = std::mem::take(&mut self.plan.targets);
        self.targets = targets.len();
        let planned: BTreeMap<TargetId, &Watched> =
            targets.iter().map(|watched| (watched.id, watched)).collect();
        let stays = |beat: &Beat| {
            planned.get(&beat.watched.id).is_some_and(|watched| is_same(watched, &beat.watched))
        };
        let leaving: Vec<TargetId> =
            self.beats.iter().filter(|(_, beat)| !stays(beat)).map(|(&target, _)| target).collect();
        for target in leaving {
            self.ask_no_more(target);
            let places: Vec<usize> = self
                .beats
                .get(&target)
                .map(|beat| beat.places.values().copied().collect())
                .unwrap_or_default();
            for place in places {
                self.dismiss(place, Why::Dropped, now);
            }
            self.beats.remove(&target);
        }
        for watched in targets {
            if self.beats.contains_key(&watched.id) {
                self.go_on(watched, old.vantage.echo != self.plan.vantage.echo, now);
            } else {
                self.enlist(watched, Vec::new(), now);
            }
        }
        let beats = &self.beats;
        self.surveys.drop_all_but(|target| beats.contains_key(&target));
    }

    /// Goes on watching a target, perhaps otherwise.
    fn go_on(&mut self, watched: Watched, mut otherwise: bool, now: Time) {
        let target = watched.id;
        self.ask_no_more(target);
        let (every, resolve_every) = (watched.pace.every, watched.pace.resolve_every);
        let families = watched.pace.families;
        let literal = matches!(watched.target.host, Host::Address(_));
        let mut names = Names::new(&watched, &self.plan.vantage, now);
        let Some(beat) = self.beats.get_mut(&target) else { return };
        if let (Some(names), Some(old)) = (&mut names, beat.names.take()) {
            names.inherit(*old);
        }
        let sources = names.as_ref().map(Names::sources).unwrap_or_default();
        otherwise |= beat.watched.pace != watched.pace || beat.watched.target != watched.target;
        (beat.watched, beat.names) = (watched, names.map(Box::new));
        for (address, place) in beat.places.clone() {
            if !literal && !pool::wanted(families, address) {
                self.dismiss(place, Why::Dropped, now);
                continue;
            }
            if let Some(post) = self.posts.get_mut(place) {
                post.keep_sources(&sources);
            }
            if otherwise {
                self.begin_post(place, every, now);
            }
        }
        self.ask_within(target, resolve_every, now);
    }
}

/// The same place, whatever is said there.
fn is_same(one: &Watched, other: &Watched) -> bool {
    one.target.host == other.target.host && one.target.port == other.target.port
}
