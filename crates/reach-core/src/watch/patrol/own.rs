//! This host's own connectivity: whose fault a failure may be.
//!
//! No failure is believed before something else, sent later, came back: an answer of any watched address, or else a
//! check of this host's own surroundings. Until then it is held back. Where the check finds that nothing of at
//! least two independent kinds answers, this host is offline, and what was held back says nothing about anybody. So it
//! is where watched addresses that have nothing to do with one another all fail at one moment: resolvers may go on
//! answering from a cache for as long as a TTL lasts, and the router for ever.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::Time;

/// From one check to the next while this host is offline.
pub(super) const OFFLINE_EVERY: Duration = Duration::from_secs(5);
/// A check is made where nothing was proved for so long.
pub(super) const QUIET_FOR: Duration = Duration::from_secs(30);
/// When what is asked in a check is called silent.
pub(super) const TIMEOUT: Duration = Duration::from_millis(1_500);
/// From the beginning of one check to that of the next, at least.
const APART: Duration = Duration::from_secs(1);
/// A check takes no longer than this.
const LONGEST: Duration = Duration::from_millis(2_500);
/// Not more than so many resolvers, and as many watched addresses, are asked in a check.
pub(super) const MOST_ASKED: usize = 4;

/// What may answer in a check. Things of one kind fail together, those of different kinds hardly ever do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Reference,
    Gateway,
    Resolver,
    /// A resolver on this host itself. It answers from its cache where nothing can be reached, which proves nothing; that
    /// it does not answer says as much as of any other.
    OwnResolver,
    Watched,
}

/// Something that is asked in a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asked {
    Reference(SocketAddr),
    Gateway(IpAddr),
    Resolver(SocketAddr),
    /// A watched address, by its place among the posts.
    Watched(usize),
}

/// What a failure waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    /// That anything was reached.
    Anything,
    /// That something of this family was: there was no route.
    Family { v6: bool },
}

/// What a check, or an answer, brought about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change<T> {
    /// These failures are real.
    pub(super) believed: Vec<T>,
    /// These say nothing.
    pub(super) void: Vec<T>,
    /// Whether this host is connected, where that is news.
    pub(super) online: Option<bool>,
    /// What does not answer.
    pub(super) silent: Vec<Asked>,
    /// What of its own surroundings does all the same.
    pub(super) near: Vec<Asked>,
}

/// What is known of this host, and the failures of type `T` that are not yet believed.
#[derive(Debug)]
pub(super) struct Own<T> {
    online: Option<bool>,
    /// When the last thing that was answered had been sent, for IPv4 and for IPv6.
    proofs: [Time; 2],
    check: Option<Check>,
    checked: Time,
    /// Somebody wants to know, though nothing is held back.
    doubted: bool,
    /// When the last check began that found this host connected, or could not tell.
    confirmed: Time,
    /// When the first thing had been sent that came back after the last outage.
    back: Time,
    /// Kinds of which anything ever answered.
    ever: BTreeSet<Kind>,
    /// Routers that were asked before it mattered whether they answer.
    greeted: BTreeSet<IpAddr>,
    /// When a resolver elsewhere was asked that answered what no cache had.
    resolved: Time,
    /// This host is offline, and what is near it answers: only what is beyond says that it is back.
    beyond: bool,
    held: BTreeMap<(Needs, Time, u64), T>,
    numbers: u64,
}

#[derive(Debug, Default)]
struct Check {
    started: Time,
    open: Vec<Asked>,
    /// Of each kind, whether anything answered.
    kinds: BTreeMap<Kind, bool>,
    silent: Vec<Asked>,
    near: Vec<Asked>,
    /// Watched addresses are asked that have nothing to do with one another, and answered until now.
    independent: bool,
}

impl<T> Own<T> {
    pub(super) fn new(now: Time) -> Self {
        Self {
            online: None,
            proofs: [Time::default(); 2],
            check: None,
            checked: now,
            doubted: false,
            confirmed: Time::default(),
            back: Time::default(),
            ever: BTreeSet::new(),
            greeted: BTreeSet::new(),
            resolved: Time::default(),
            beyond: false,
            held: BTreeMap::new(),
            numbers: 0,
        }
    }

    /// Whether this router was never asked anything, and is now.
    pub(super) fn greets(&mut self, router: IpAddr) -> bool {
        self.greeted.insert(router)
    }

    /// Whether this host reaches anything, as far as that is known.
    pub(super) fn online(&self) -> Option<bool> {
        self.online
    }

    pub(super) fn is_offline(&self) -> bool {
        self.online == Some(false)
    }

    /// Whether this host was or is offline, as far as it is known, when something was sent then.
    pub(super) fn was_offline(&self, sent: Time) -> bool {
        self.is_offline() || sent < self.back
    }

    /// Whether something that was sent then or later was answered.
    pub(super) fn is_proved(&self, needs: Needs, sent: Time) -> bool {
        let [v4, v6] = self.proofs;
        let proof = match needs {
            Needs::Anything => v4.max(v6).max(self.confirmed),
            Needs::Family { v6: false } => v4,
            Needs::Family { v6: true } => v6,
        };
        proof > Time::default() && proof >= sent
    }

    /// Whether anything of the family was ever reached.
    pub(super) fn ever_reached(&self, v6: bool) -> bool {
        self.proofs[usize::from(v6)] > Time::default()
    }

    /// What is held back.
    pub(super) fn held(&self) -> impl Iterator<Item = &T> {
        self.held.values()
    }

    /// Holds back a failure.
    pub(super) fn hold(&mut self, needs: Needs, sent: Time, what: T) {
        self.numbers += 1;
        self.held.insert((needs, sent, self.numbers), what);
    }

    /// Something else than a watched address, sent then, was not answered.
    pub(super) fn doubt(&mut self, sent: Time) {
        self.doubted |= !self.is_proved(Needs::Anything, sent);
    }

    /// Whether a check is wanted now: something is held back, or all has been quiet, and none is under way.
    pub(super) fn wants_check(&self, now: Time) -> bool {
        if self.check.is_some() {
            return false;
        }
        let [v4, v6] = self.proofs;
        let since = now.since(self.checked);
        let quiet = since >= QUIET_FOR && now.since(v4.max(v6)) >= QUIET_FOR;
        let again = self.is_offline() && since >= OFFLINE_EVERY;
        quiet || again || (since >= APART && self.is_in_doubt())
    }

    fn is_in_doubt(&self) -> bool {
        !self.held.is_empty() || (self.doubted && !self.is_offline())
    }

    /// Ends a check that takes too long: what has not answered by now is silent.
    pub(super) fn expire(&mut self, now: Time) -> Change<T> {
        let Some(check) = self.check.as_mut().filter(|check| now >= check.started + LONGEST) else {
            return Change::default();
        };
        let open = std::mem::take(&mut check.open);
        check.silent.extend(open);
        self.settle()
    }

    /// When a check ends at the latest, or may begin.
    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.check {
            Some(check) => Some(check.started + LONGEST),
            None => self.is_in_doubt().then(|| self.checked + APART),
        }
    }

    /// A check was begun: this is what is asked. `independent`: of several watched addresses that have nothing to do with
    /// one another.
    pub(super) fn begin_check(&mut self, asked: Vec<Asked>, independent: bool, now: Time) -> Change<T> {
        let mut kinds: BTreeMap<Kind, bool> = asked.iter().map(|asked| (asked.kind(), false)).collect();
        if !self.held.is_empty() {
            // What is held back was watched, and failed.
            kinds.insert(Kind::Watched, false);
        }
        (self.checked, self.doubted) = (now, false);
        self.check = Some(Check { started: now, open: asked, kinds, independent, ..Check::default() });
        self.settle()
    }

    /// Something that was asked in a check answered, or did not.
    pub(super) fn checked(&mut self, asked: Asked, answered: bool) -> Change<T> {
        if answered {
            self.ever.insert(asked.kind());
        }
        let Some(check) = &mut self.check else { return Change::default() };
        let Some(place) = check.open.iter().position(|open| *open == asked) else { return Change::default() };
        check.open.swap_remove(place);
        if answered {
            check.kinds.insert(asked.kind(), true);
            if matches!(asked.kind(), Kind::Gateway | Kind::Resolver | Kind::OwnResolver) {
                check.near.push(asked);
            }
        } else {
            check.silent.push(asked);
        }
        self.settle()
    }

    /// A watched address answered something that was sent then.
    pub(super) fn prove(&mut self, sent: Time, v6: bool) -> Change<T> {
        let proof = &mut self.proofs[usize::from(v6)];
        *proof = sent.max(*proof);
        self.ever.insert(Kind::Watched);
        if self.is_offline() {
            return self.come_back(sent);
        }
        self.online = Some(true);
        if self.check.is_none() && self.held.is_empty() {
            return Change::default();
        }
        let believed = self.take(|needs, at| match needs {
            Needs::Anything => at <= sent,
            Needs::Family { v6: family } => family == v6 && at <= sent,
        });
        let mut change = Change { believed, ..Change::default() };
        if let Some(check) = &mut self.check
            && sent >= check.started
        {
            check.kinds.insert(Kind::Watched, true);
            let settled = self.settle();
            change.believed.extend(settled.believed);
            change.void = settled.void;
        }
        change
    }

    /// A resolver elsewhere, asked then, gave an answer that no cache had: beyond this host something can be reached.
    pub(super) fn resolved(&mut self, sent: Time) -> Change<T> {
        self.resolved = sent.max(self.resolved);
        // References say more of it, where there are any.
        let says = self.is_offline() && self.beyond && !self.ever.contains(&Kind::Reference);
        if says { self.come_back(sent) } else { Change::default() }
    }

    /// Time was lost: nothing that was under way says anything.
    pub(super) fn interrupt(&mut self) -> Vec<T> {
        self.check = None;
        self.take(|_, _| true)
    }

    /// Says what a check amounts to as soon as that is certain.
    fn settle(&mut self) -> Change<T> {
        let Some(check) = &self.check else { return Change::default() };
        let answers = |kind| check.kinds.get(&kind).copied().unwrap_or(false);
        let (started, far) = (check.started, answers(Kind::Reference) || answers(Kind::Watched));
        let anything = check.kinds.values().any(|answered| *answered);
        if !far && self.may_be_cut_off(check) {
            if !check.open.is_empty() {
                return Change::default();
            }
            let Some(check) = self.check.take() else { return Change::default() };
            let void = self.take(|_, _| true);
            let before = self.online.replace(false);
            let online = (before != Some(false)).then_some(false);
            let is_far = |kind| matches!(kind, Kind::Reference | Kind::Watched);
            let mut near_and_silent =
                check.kinds.iter().filter(|(kind, answered)| !**answered && !is_far(**kind));
            self.beyond = anything && near_and_silent.all(|(kind, _)| !self.counts(&check, *kind));
            let mut silent = check.silent.clone();
            silent.retain(|asked| self.counts(&check, asked.kind()));
            return Change { void, online, silent, near: check.near, ..Change::default() };
        }
        self.check = None;
        if self.is_offline() {
            let back = far || (anything && !self.beyond);
            return if back { self.come_back(started) } else { Change::default() };
        }
        if anything {
            self.online = Some(true);
        }
        self.confirmed = started;
        let believed = self.take(|needs, at| needs == Needs::Anything && at <= started);
        let void = self.take(|_, at| at <= started);
        Change { believed, void, ..Change::default() }
    }

    /// Whether a check in which nothing from beyond answers says that this host is cut off, if it stays so.
    ///
    /// One kind that is silent may well be at fault itself; two hardly ever are at once. Neither are watched addresses
    /// that have nothing to do with one another, and that all answered until now. Then the router and a resolver's
    /// cache may go on answering for as long as they like. What cannot be told apart without references is a line that
    /// is cut beyond the router from a block of everything that is watched, put up at one moment: an answer that no
    /// cache had speaks for the block.
    fn may_be_cut_off(&self, check: &Check) -> bool {
        let silent = check.kinds.iter().filter(|(kind, answered)| !**answered && self.counts(check, **kind));
        let silent = silent.count();
        let [v4, v6] = self.proofs;
        silent >= 2 || (check.independent && silent >= 1 && self.resolved <= v4.max(v6))
    }

    /// Whether the silence of a kind says anything.
    fn counts(&self, check: &Check, kind: Kind) -> bool {
        let ever_far = self.ever.contains(&Kind::Reference) || self.ever.contains(&Kind::Watched);
        let known = !ever_far || self.ever.contains(&kind);
        match kind {
            Kind::Watched | Kind::Resolver | Kind::OwnResolver => true,
            // It may never answer echo requests. Where a resolver elsewhere answers, the way past it is open.
            Kind::Gateway => known && check.kinds.get(&Kind::Resolver) != Some(&true),
            Kind::Reference => known,
        }
    }

    fn come_back(&mut self, sent: Time) -> Change<T> {
        (self.online, self.back, self.beyond) = (Some(true), sent, false);
        self.check = None;
        Change { void: self.take(|_, _| true), online: Some(true), ..Change::default() }
    }

    fn take(&mut self, is_taken: impl Fn(Needs, Time) -> bool) -> Vec<T> {
        self.held.extract_if(.., |&(needs, at, _), _| is_taken(needs, at)).map(|(_, held)| held).collect()
    }
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        let (believed, void, silent, near) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { believed, void, online: None, silent, near }
    }
}

impl Asked {
    fn kind(self) -> Kind {
        match self {
            Asked::Reference(_) => Kind::Reference,
            Asked::Gateway(_) => Kind::Gateway,
            Asked::Resolver(at) if at.ip().is_loopback() => Kind::OwnResolver,
            Asked::Resolver(_) => Kind::Resolver,
            Asked::Watched(_) => Kind::Watched,
        }
    }

    /// What of this host's own surroundings it is.
    pub(super) fn name(self) -> Option<String> {
        match self {
            Asked::Reference(endpoint) | Asked::Resolver(endpoint) => Some(endpoint.to_string()),
            Asked::Gateway(address) => Some(address.to_string()),
            Asked::Watched(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
