//! Doubts about this host itself: checks of its surroundings, outages of its own, time that it lost.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    LEAST_EVERY, Patrol, What,
    own::{self, Asked, Change},
    post::Post,
    trying::Doubtful,
    turns::Turn,
};
use crate::{
    Time,
    model::{
        Answer, Connect, Echo, EchoAccess, Endpoint, Lookup, Observation, Outcome, Probe, Rcode, Refusal,
        Then,
    },
    watch::{AddressState, Event, Series, TargetId, VantageChange},
};

/// After an outage of our own or a gap, suspects are tried again within this time, and resolvers asked.
const AFRESH: Duration = Duration::from_secs(2);
const ASK_AFRESH: Duration = Duration::from_secs(10);
/// Targets, and networks, that have to fail at one moment before that is this host's own line.
const INDEPENDENT: usize = 2;
/// Targets that are looked at to find something to ask in a check.
const MOST_LOOKED_AT: usize = 64;

impl Patrol {
    /// Begins a check of this host's surroundings where one is wanted, and ends one that takes too long.
    pub(super) fn check_own(&mut self, now: Time) {
        let change = self.own.expire(now);
        self.apply(change, now);
        // Before it matters: of a router that never answers silence tells nothing. Where there are references, which are
        // beyond it, its word decides nothing.
        let router = self.router();
        if self.plan.own.references.is_empty()
            && let Some(router) = router.filter(|router| self.own.greets(*router))
        {
            self.ask_own(Asked::Gateway(router), greeting(router, now), &mut Vec::new());
        }
        if !self.own.wants_check(now) {
            return;
        }
        let mut asked = Vec::new();
        for endpoint in self.plan.own.references.clone() {
            let probe = Probe::Connect(Connect {
                endpoint: Endpoint { address: endpoint.ip(), port: endpoint.port() },
                source_port: 0,
                ttl: None,
                min_ttl: None,
                timeout: own::TIMEOUT,
                then: Then::Reset,
                crowd: 1,
            });
            self.ask_own(Asked::Reference(endpoint), probe, &mut asked);
        }
        if let Some(router) = router {
            self.ask_own(Asked::Gateway(router), greeting(router, now), &mut asked);
        }
        for lookup in self.some_questions() {
            self.ask_own(Asked::Resolver(lookup.resolver), Probe::Lookup(lookup), &mut asked);
        }
        let addresses = self.some_addresses();
        let independent = self.are_independent(&addresses);
        for place in addresses {
            self.try_at(place, now, true);
            asked.push(Asked::Watched(place));
        }
        let change = self.own.begin_check(asked, independent, now);
        self.apply(change, now);
    }

    /// The next router, where this host may ask it at all.
    fn router(&self) -> Option<IpAddr> {
        self.plan.own.gateway.filter(|_| self.plan.vantage.echo != EchoAccess::None)
    }

    fn ask_own(&mut self, what: Asked, probe: Probe, asked: &mut Vec<Asked>) {
        if !asked.contains(&what) {
            asked.push(what);
            self.ready.push_back((What::Own(what), probe));
        }
    }

    /// A question to each of some resolvers.
    fn some_questions(&self) -> Vec<Lookup> {
        let names = self.beats.values().filter_map(|beat| beat.names.as_ref()).take(MOST_LOOKED_AT);
        let mut seen = BTreeSet::new();
        names
            .flat_map(|names| names.any_questions(own::TIMEOUT))
            .filter(|lookup| seen.insert(lookup.resolver))
            .take(own::MOST_ASKED)
            .collect()
    }

    /// Some addresses that are thought to answer, of different targets as far as there are.
    fn some_addresses(&mut self) -> Vec<usize> {
        let offline = self.own.is_offline();
        let idle = |place: &&usize| {
            self.posts
                .get(**place)
                .is_some_and(|post| !post.tries.busy && (offline || post.health.state() == AddressState::Ok))
        };
        let from = self.looked_at;
        let beats = self.beats.range((std::ops::Bound::Excluded(from), std::ops::Bound::Unbounded));
        let round = beats.chain(self.beats.range(..=from)).take(MOST_LOOKED_AT);
        let mut last: Option<TargetId> = None;
        let mut chosen = Vec::new();
        for (&target, beat) in round {
            if chosen.len() >= own::MOST_ASKED {
                break;
            }
            if let Some(&place) = beat.places.values().find(idle) {
                chosen.push(place);
                last = Some(target);
            }
        }
        self.looked_at = last.unwrap_or(from);
        chosen
    }

    /// Whether what is asked, or has just failed, has nothing to do with one another: addresses of several targets, in
    /// networks that are far from one another, all of which answered until now.
    fn are_independent(&self, asked: &[usize]) -> bool {
        let places = || self.own.held().map(|failure| failure.place).chain(asked.iter().copied());
        let well = |post: &&Post| post.health.state() == AddressState::Ok;
        let posts = || places().filter_map(|place| self.posts.get(place)).filter(well);
        let targets: BTreeSet<TargetId> = posts().map(|post| post.series.target).collect();
        let networks: BTreeSet<(bool, u32)> = posts()
            .map(|post| match post.series.address {
                IpAddr::V4(address) => (false, u32::from(address) >> 16),
                IpAddr::V6(address) => (true, (u128::from(address) >> 96) as u32),
            })
            .collect();
        targets.len() >= INDEPENDENT && networks.len() >= INDEPENDENT
    }

    pub(super) fn checked(&mut self, asked: Asked, observation: &Observation, counts: bool, now: Time) {
        if !counts {
            return;
        }
        let answered = match (&observation.outcome, asked) {
            (Outcome::Answered(Answer::Lookup(answer)), _) => {
                answer.fault.is_none() && matches!(answer.rcode, Rcode::NoError | Rcode::NxDomain)
            }
            (Outcome::Answered(_), _) => true,
            // A reference that refuses is there.
            (Outcome::Rejected(rejection), Asked::Reference(_)) => rejection.how == Refusal::Reset,
            _ => false,
        };
        let change = self.own.checked(asked, answered);
        self.apply(change, now);
    }

    /// Does what a check, or an answer, brought about.
    pub(super) fn apply(&mut self, change: Change<Doubtful>, now: Time) {
        let Change { believed, void, online, silent, near } = change;
        let failed: BTreeSet<Series> = void.iter().map(|failure| failure.series).collect();
        for failure in believed {
            self.believe(failure, now);
        }
        for failure in void {
            self.ignore(failure);
        }
        let Some(online) = online else { return };
        let own: Vec<String> = silent.iter().filter_map(|asked| asked.name()).collect();
        // Where all that is its own answers, what is watched has to speak for itself.
        let silent = if own.is_empty() {
            let asked = silent.iter().filter_map(|asked| match asked {
                Asked::Watched(place) => Some(self.posts.get(*place)?.series),
                _ => None,
            });
            let all: BTreeSet<Series> = asked.chain(failed).collect();
            all.into_iter().filter_map(|series| self.name(series)).collect()
        } else {
            own
        };
        let near = near.iter().filter_map(|asked| asked.name()).collect();
        self.events.push(Event::Vantage(VantageChange { at: now, online, silent, near }));
        if online {
            self.begin_anew(now);
        } else {
            self.surveys.begin_anew();
        }
    }

    /// What people call an address that is watched.
    fn name(&self, series: Series) -> Option<String> {
        let port = self.beats.get(&series.target)?.watched.target.port;
        Some(SocketAddr::new(series.address, port).to_string())
    }

    /// What failed before may have been this host's own fault: suspects get their three tries anew.
    fn begin_anew(&mut self, now: Time) {
        for names in self.beats.values_mut().filter_map(|beat| beat.names.as_mut()) {
            names.begin_anew();
        }
        for place in self.uneasy.clone() {
            let Some(post) = self.posts.get_mut(place) else { continue };
            post.health.begin_anew();
            if post.health.state() == AddressState::Suspect {
                let due = now + self.spread.next(AFRESH);
                self.try_at(place, due, true);
            }
        }
    }

    /// Nothing was done from here to there.
    pub(super) fn lose_time(&mut self, from: Time, until: Time) {
        self.events.push(Event::Gap { from, until });
        self.epoch = self.epoch.wrapping_add(1);
        self.swept = until;
        for failure in self.own.interrupt() {
            self.ignore(failure);
        }
        self.surveys.begin_anew();
        for names in self.beats.values_mut().filter_map(|beat| beat.names.as_mut()) {
            names.interrupt();
        }
        self.spread_anew(from, until);
        self.begin_anew(until);
    }

    /// Places the turns of all anew, the ones that were tried longest ago first.
    fn spread_anew(&mut self, from: Time, until: Time) {
        let mut order: Vec<(Option<Time>, usize)> =
            self.posts.iter().map(|(place, post)| (post.tries.last, place)).collect();
        order.sort_unstable();
        let count = u32::try_from(order.len()).unwrap_or(u32::MAX).max(1);
        for (rank, (_, place)) in (0_u32..).zip(order) {
            let Some(post) = self.posts.get_mut(place) else { continue };
            let Some(beat) = self.beats.get(&post.series.target) else { continue };
            let every = beat.watched.pace.every.max(LEAST_EVERY);
            self.schedule.skipped_gap += (until.since(from).as_micros() / every.as_micros()) as u64;
            let due = until + every.mul_f64((f64::from(rank) + 0.5) / f64::from(count));
            post.tries.regular = due;
            if let Some(every) = beat.watched.pace.echo_every
                && let Some(known) = post.echoes.due
            {
                self.turns.remove(Turn::Echo(place), known);
                let due = (known.0.max(until + self.spread.next(every)), false);
                post.echoes.due = Some(due);
                self.turns.add(Turn::Echo(place), due);
            }
            self.try_at(place, due, false);
        }
        let targets: Vec<TargetId> = self.beats.keys().copied().collect();
        for target in targets {
            let every = self.beats.get(&target).map_or(ASK_AFRESH, |beat| beat.watched.pace.resolve_every);
            self.ask_within(target, every.min(ASK_AFRESH), until);
        }
    }
}

/// An echo request to a router.
fn greeting(address: IpAddr, now: Time) -> Probe {
    Probe::Echo(Echo {
        address,
        sequence: (now.as_micros() / 1_000) as u16,
        size: 56,
        ttl: None,
        flow: None,
        dont_fragment: false,
        timeout: own::TIMEOUT,
    })
}
