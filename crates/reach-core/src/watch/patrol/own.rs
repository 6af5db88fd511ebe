//! This host's own connectivity: whose fault a failure may be.
//!
//! No failure is believed before something else, sent later, came back: an answer of any watched address, or else a
//! check of this host's own surroundings. Until then it is held back. Where the check finds that nothing of at
//! least two independent kinds answers, this host is offline, and what was held back says nothing about anybody.
//!
//! The silence of a router counts only where it would answer: many never answer echo requests, and then every outage of
//! what is watched would look like one of this host.

use std::{
    collections::BTreeMap,
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
    /// What of its surroundings does not answer.
    pub(super) silent: Vec<String>,
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
    held: BTreeMap<(Needs, Time, u64), T>,
    numbers: u64,
    routers: BTreeMap<IpAddr, Router>,
}

/// Whether a router answers echo requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Router {
    /// It has not answered, and neither has anything else meanwhile.
    Unknown,
    Answers,
    /// It did not, although this host was connected.
    Mute,
}

#[derive(Debug, Default)]
struct Check {
    started: Time,
    open: Vec<Asked>,
    /// The router that was asked.
    router: Option<IpAddr>,
    /// Something that is not on this host answered.
    elsewhere: bool,
    /// Of each kind, whether anything answered.
    kinds: BTreeMap<Kind, bool>,
    silent: Vec<String>,
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
            held: BTreeMap::new(),
            numbers: 0,
            routers: BTreeMap::new(),
        }
    }

    /// Whether this router was never asked anything, and is now.
    pub(super) fn greets(&mut self, router: IpAddr) -> bool {
        let known = self.routers.contains_key(&router);
        self.routers.entry(router).or_insert(Router::Unknown);
        !known
    }

    /// A router answered what was sent to it then, or did not.
    pub(super) fn heard_router(&mut self, router: IpAddr, answered: bool, sent: Time) {
        let [v4, v6] = self.proofs;
        let known = self.routers.entry(router).or_insert(Router::Unknown);
        if answered {
            *known = Router::Answers;
        } else if *known == Router::Unknown && v4.max(v6) >= sent && v4.max(v6) > Time::default() {
            *known = Router::Mute;
        }
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
        check.silent.extend(open.into_iter().filter_map(Asked::name));
        self.settle()
    }

    /// When a check ends at the latest, or may begin.
    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.check {
            Some(check) => Some(check.started + LONGEST),
            None => self.is_in_doubt().then(|| self.checked + APART),
        }
    }

    /// A check was begun: this is what is asked.
    pub(super) fn begin_check(&mut self, asked: Vec<Asked>, now: Time) -> Change<T> {
        let mut kinds: BTreeMap<Kind, bool> = asked.iter().map(|asked| (asked.kind(), false)).collect();
        if !self.held.is_empty() {
            // What is held back was watched, and failed.
            kinds.insert(Kind::Watched, false);
        }
        (self.checked, self.doubted) = (now, false);
        let router = asked.iter().find_map(|asked| match asked {
            Asked::Gateway(router) => Some(*router),
            _ => None,
        });
        self.check = Some(Check { started: now, open: asked, router, kinds, ..Check::default() });
        self.settle()
    }

    /// Something that was asked in a check answered, or did not.
    pub(super) fn checked(&mut self, asked: Asked, answered: bool) -> Change<T> {
        let Some(check) = &mut self.check else { return Change::default() };
        let Some(place) = check.open.iter().position(|open| *open == asked) else { return Change::default() };
        check.open.swap_remove(place);
        if answered {
            check.kinds.insert(asked.kind(), true);
            check.elsewhere |= asked.is_elsewhere();
        } else if let Some(name) = asked.name() {
            check.silent.push(name);
        }
        self.settle()
    }

    /// A watched address answered something that was sent then.
    pub(super) fn prove(&mut self, sent: Time, v6: bool) -> Change<T> {
        let proof = &mut self.proofs[usize::from(v6)];
        *proof = sent.max(*proof);
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
            check.elsewhere = true;
            let settled = self.settle();
            change.believed.extend(settled.believed);
            change.void = settled.void;
        }
        change
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
        let mut mute = false;
        if let Some(router) = check.router.filter(|_| !answers(Kind::Gateway)) {
            let known = self.routers.entry(router).or_insert(Router::Unknown);
            let asked_in_vain = !check.open.contains(&Asked::Gateway(router));
            if *known == Router::Unknown && asked_in_vain && check.elsewhere {
                *known = Router::Mute;
            }
            mute = *known == Router::Mute;
        }
        let counts = |kind: Kind| kind != Kind::Gateway || !mute;
        let silent = check.kinds.iter().filter(|(kind, answered)| !**answered && counts(**kind)).count();
        let started = check.started;
        // One kind that is silent may well be at fault itself.
        if answers(Kind::Reference) || answers(Kind::Watched) || silent < 2 {
            let anything = check.kinds.values().any(|answered| *answered);
            self.check = None;
            if self.is_offline() {
                return if anything { self.come_back(started) } else { Change::default() };
            }
            if anything {
                self.online = Some(true);
            }
            self.confirmed = started;
            let believed = self.take(|needs, at| needs == Needs::Anything && at <= started);
            let void = self.take(|_, at| at <= started);
            return Change { believed, void, ..Change::default() };
        }
        if !check.open.is_empty() {
            return Change::default();
        }
        let Some(check) = self.check.take() else { return Change::default() };
        let void = self.take(|_, _| true);
        let before = self.online.replace(false);
        let online = (before != Some(false)).then_some(false);
        Change { void, online, silent: check.silent, ..Change::default() }
    }

    fn come_back(&mut self, sent: Time) -> Change<T> {
        (self.online, self.back) = (Some(true), sent);
        self.check = None;
        Change { void: self.take(|_, _| true), online: Some(true), ..Change::default() }
    }

    fn take(&mut self, is_taken: impl Fn(Needs, Time) -> bool) -> Vec<T> {
        self.held.extract_if(.., |&(needs, at, _), _| is_taken(needs, at)).map(|(_, held)| held).collect()
    }
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self { believed: Vec::new(), void: Vec::new(), online: None, silent: Vec::new() }
    }
}

impl Asked {
    fn kind(self) -> Kind {
        match self {
            Asked::Reference(_) => Kind::Reference,
            Asked::Gateway(_) => Kind::Gateway,
            Asked::Resolver(_) => Kind::Resolver,
            Asked::Watched(_) => Kind::Watched,
        }
    }

    /// Whether an answer of it came over a network.
    fn is_elsewhere(self) -> bool {
        match self {
            Asked::Reference(endpoint) | Asked::Resolver(endpoint) => !endpoint.ip().is_loopback(),
            Asked::Gateway(_) | Asked::Watched(_) => false,
        }
    }

    /// What of this host's own surroundings it is.
    fn name(self) -> Option<String> {
        match self {
            Asked::Reference(endpoint) | Asked::Resolver(endpoint) => Some(endpoint.to_string()),
            Asked::Gateway(address) => Some(address.to_string()),
            Asked::Watched(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_micros(1_000_000_000 + seconds * 1_000_000)
    }

    fn reference(last: u8) -> Asked {
        Asked::Reference(SocketAddr::from(([192, 0, 2, last], 443)))
    }

    fn resolver() -> Asked {
        Asked::Resolver(SocketAddr::from(([192, 0, 2, 53], 53)))
    }

    fn nothing() -> Change<u32> {
        Change::default()
    }

    /// A host on which one failure waits for a check of these.
    fn in_doubt(asked: &[Asked]) -> Own<u32> {
        let mut own = Own::new(at(0));
        own.hold(Needs::Anything, at(1), 7);
        assert!(own.wants_check(at(2)));
        assert_eq!(own.begin_check(asked.to_vec(), at(2)), nothing());
        assert!(!own.wants_check(at(3)));
        own
    }

    #[test]
    fn a_reference_that_answers_makes_failures_real() {
        let mut own = in_doubt(&[reference(1), reference(2), resolver()]);
        assert_eq!(own.checked(reference(1), false), nothing());
        assert_eq!(own.checked(reference(2), true).believed, [7]);
        assert_eq!(own.online(), Some(true));
        assert!(own.is_proved(Needs::Anything, at(2)));
    }

    #[test]
    fn nothing_of_two_kinds_is_an_outage_of_our_own() {
        let mut own = in_doubt(&[reference(1), resolver()]);
        assert_eq!(own.checked(reference(1), false), nothing());
        let change = own.checked(resolver(), false);
        assert_eq!((change.void, change.online), (vec![7], Some(false)));
        assert_eq!(change.silent, ["192.0.2.1:443", "192.0.2.53:53"]);
        assert!(!own.wants_check(at(3)) && own.wants_check(at(7)));
        assert!(own.was_offline(at(5)));
        assert_eq!(own.prove(at(8), false).online, Some(true));
        assert!(own.was_offline(at(7)) && !own.was_offline(at(8)));
    }

    #[test]
    fn a_router_and_a_resolver_that_answer_do_not_outweigh_all_that_is_beyond_them() {
        let gateway = Asked::Gateway([192, 0, 2, 1].into());
        let mut own = in_doubt(&[reference(1), resolver(), gateway]);
        assert_eq!(own.checked(gateway, true), nothing());
        assert_eq!(own.checked(resolver(), true), nothing());
        assert_eq!(own.checked(reference(1), false).online, Some(false));
    }

    #[test]
    fn the_silence_of_a_router_counts_only_where_it_would_answer() {
        let router: IpAddr = [192, 0, 2, 1].into();
        let checked = |own: &mut Own<u32>| {
            own.hold(Needs::Anything, at(1), 7);
            own.begin_check(vec![resolver(), Asked::Gateway(router)], at(2));
            let first = own.checked(resolver(), true);
            let second = own.checked(Asked::Gateway(router), false);
            if first == nothing() { second } else { first }
        };
        // A resolver answers, so this host is connected: the router is one that never does.
        let mut own = Own::new(at(0));
        assert!(own.greets(router) && !own.greets(router));
        own.heard_router(router, false, at(0));
        assert_eq!(checked(&mut own).believed, [7]);
        // It answered before, and does not now.
        let mut own = Own::new(at(0));
        own.heard_router(router, true, at(0));
        assert_eq!(checked(&mut own).online, Some(false));
        // It did not while a watched address did.
        let mut own: Own<u32> = Own::new(at(0));
        own.prove(at(1), false);
        own.heard_router(router, false, at(1));
        own.hold(Needs::Anything, at(2), 7);
        assert_eq!(own.begin_check(vec![Asked::Gateway(router)], at(2)).believed, [7]);
        assert_ne!(own.online(), Some(false));
        // Nobody knows: whatever it is, nothing at all answers.
        let mut own = Own::new(at(0));
        own.hold(Needs::Anything, at(1), 7);
        own.begin_check(vec![Asked::Gateway(router)], at(2));
        assert_eq!(own.checked(Asked::Gateway(router), false).online, Some(false));
    }

    #[test]
    fn without_references_a_resolver_decides() {
        let mut own = in_doubt(&[resolver()]);
        assert_eq!(own.checked(resolver(), true).believed, [7]);
        let mut own = in_doubt(&[resolver()]);
        assert_eq!(own.checked(resolver(), false).online, Some(false));
    }

    #[test]
    fn who_has_nothing_to_ask_believes_what_he_sees() {
        let mut own = Own::new(at(0));
        own.hold(Needs::Anything, at(1), 7);
        assert_eq!(own.begin_check(Vec::new(), at(2)).believed, [7]);
        assert_eq!(own.online(), None);
    }

    #[test]
    fn an_answer_proves_what_was_sent_before_it() {
        let mut own: Own<u32> = Own::new(at(0));
        own.hold(Needs::Anything, at(1), 1);
        own.hold(Needs::Anything, at(5), 5);
        assert_eq!(own.prove(at(3), false).believed, [1]);
        assert_eq!(own.prove(at(5), true).believed, [5]);
    }

    #[test]
    fn no_route_counts_only_where_others_of_the_family_are_reached() {
        let mut own: Own<u32> = Own::new(at(0));
        own.hold(Needs::Family { v6: true }, at(1), 1);
        assert_eq!(own.prove(at(3), false), nothing());
        let change = own.begin_check(Vec::new(), at(4));
        assert_eq!((change.believed, change.void), (vec![], vec![1]));
        own.hold(Needs::Family { v6: true }, at(5), 2);
        assert_eq!(own.prove(at(6), true).believed, [2]);
    }
}
