//! One address under observation: its health, who gives it, when it is tried next, and what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{address::Health, turns::Due};
use crate::{
    Time,
    model::{AddressSource, Certificate, Connect, Distrust, Echo, Endpoint, Exchange, Probe, Target, Then},
    stats::{split_mix, wilson},
    survey::whole_exchange,
    watch::{
        AddressState, AddressStatus, Cadence, LATENCY_BOUNDS, Layer, LayerStatus, Reading, Remembered, Series,
    },
};

/// The probability with which an address that is still in a pool may be called gone, because it was not drawn.
const MISSED: f64 = 1e-9;
/// Source ports: so many in turn, twice as long as TIME-WAIT (RFC 9293 §3.4.2) at 100 a second.
const PORTS: u64 = 12_000;
/// The lowest of them.
const FIRST_PORT: u16 = 20_000;
/// Echo requests that an address may leave unanswered before it is given up.
const ECHOES: u32 = 5;
/// When one that was given up is asked again.
const ECHO_AGAIN: Duration = Duration::from_secs(86_400);
/// What is remembered of an address where nothing but times changed is as old as this at most.
const REMEMBER_EVERY: Duration = Duration::from_secs(300);

/// One address under observation.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) series: Series,
    pub(super) health: Health,
    pub(super) first_seen: Time,
    pub(super) gone_since: Option<Time>,
    /// How long it has been gone while somebody looked.
    pub(super) gone_for: Duration,
    pub(super) certificate: Option<Box<(Certificate, Vec<Distrust>)>>,
    pub(super) certificate_expires: Option<i64>,
    pub(super) tries: Tries,
    pub(super) echoes: Echoes,
    layers: BTreeMap<Layer, Box<LayerStatus>>,
    last_given: Time,
    ttl_s: u32,
    /// By who gives it: a handful at most.
    given: Vec<(AddressSource, Given)>,
    remembered: Time,
}

/// When it is tried.
#[derive(Debug)]
pub(super) struct Tries {
    /// The turn that is waited for.
    pub(super) due: Option<Due>,
    /// When it is tried whatever happens before.
    pub(super) regular: Time,
    /// A try is under way, or its result is not yet believed.
    pub(super) busy: bool,
    /// That one comes before its regular turn, after a failure.
    pub(super) again: bool,
    /// When it was tried last.
    pub(super) last: Option<Time>,
    /// From then on the next try is an exchange.
    pub(super) exchange_due: Time,
    /// The failure that made it suspect or worse was above TCP: no handshake proves that it is over.
    pub(super) above_tcp: bool,
    /// Source of its chances.
    pub(super) dice: u64,
    port: u64,
}

/// When echo requests are sent to it.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    pub(super) due: Option<Due>,
    pub(super) busy: bool,
    answered: bool,
    unanswered: u32,
    sequence: u16,
}

/// How a resolver gives the address.
#[derive(Clone, Copy, Debug)]
struct Given {
    /// In so many of its answers.
    times: u32,
    /// Its number of answers when it was given first, and last.
    first: u32,
    last: u32,
    /// How long its answers had been listened to then.
    heard: Duration,
}

/// How far the answers of one resolver are listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Answers that were no copies of the one before.
    pub(super) draws: u32,
    /// For how long there have been answers.
    pub(super) heard: Duration,
}

impl Post {
    /// An address that nobody remembers.
    pub(super) fn new(series: Series, seed: u64, now: Time) -> Self {
        let dice = split_mix(seed ^ split_mix(number(series)));
        Self {
            series,
            health: Health::new(now),
            first_seen: now,
            gone_since: None,
            gone_for: Duration::ZERO,
            certificate: None,
            certificate_expires: None,
            tries: Tries {
                due: None,
                regular: now,
                busy: false,
                again: false,
                last: None,
                exchange_due: now,
                above_tcp: false,
                dice,
                port: dice % PORTS,
            },
            echoes: Echoes::default(),
            layers: BTreeMap::new(),
            last_given: now,
            ttl_s: 0,
            given: Vec::new(),
            remembered: Time::default(),
        }
    }

    /// What another run knew of it.
    pub(super) fn recall(row: &Remembered, seed: u64, now: Time) -> Self {
        let given = |&resolver: &SocketAddr| {
            (AddressSource::Resolver(resolver), Given { times: 1, first: 0, last: 0, heard: Duration::ZERO })
        };
        Self {
            health: Health::recall(row),
            first_seen: row.first_seen,
            last_given: row.last_given,
            ttl_s: row.ttl_s,
            given: row.resolvers.iter().map(given).collect(),
            gone_since: row.gone_since,
            gone_for: row.gone_since.map_or(Duration::ZERO, |since| now.since(since)),
            certificate_expires: row.certificate_expires,
            remembered: now,
            ..Self::new(row.series, seed, now)
        }
    }

    /// What to remember.
    pub(super) fn row(&self) -> Remembered {
        Remembered {
            series: self.series,
            health: self.health.state(),
            since: self.health.since(),
            reason: self.health.reason(),
            first_seen: self.first_seen,
            last_given: self.last_given,
            ttl_s: self.ttl_s,
            resolvers: self.resolvers().collect(),
            gone_since: self.gone_since,
            last_ok: self.health.last_ok(),
            certificate_expires: self.certificate_expires,
        }
    }

    /// What is known now.
    pub(super) fn status(&self) -> AddressStatus {
        AddressStatus { remembered: self.row(), layers: self.layers.clone() }
    }

    /// As people are told: gone, or its health.
    pub(super) fn state(&self) -> AddressState {
        if self.gone_since.is_some() { AddressState::Gone } else { self.health.state() }
    }

    /// It is in some state that does not last.
    pub(super) fn is_uneasy(&self) -> bool {
        matches!(self.health.state(), AddressState::Suspect | AddressState::Recovering)
    }

    /// Whether times alone are reason enough to remember it again; if so, they count as remembered.
    pub(super) fn is_stale(&mut self, now: Time) -> bool {
        let stale = now.since(self.remembered) >= REMEMBER_EVERY;
        if stale {
            self.remembered = now;
        }
        stale
    }

    /// The resolvers that gave it.
    pub(super) fn resolvers(&self) -> impl Iterator<Item = SocketAddr> {
        self.given.iter().filter_map(|(source, _)| match source {
            AddressSource::Resolver(resolver) => Some(*resolver),
            _ => None,
        })
    }

    pub(super) fn is_given_by(&self, source: AddressSource) -> bool {
        self.given.iter().any(|(known, _)| *known == source)
    }

    /// A resolver, or the system, gave it in the answer that is its latest; `fresh` if that is no copy of the one
    /// before.
    pub(super) fn give(&mut self, source: AddressSource, mark: Mark, ttl_s: u32, fresh: bool, now: Time) {
        self.last_given = now;
        self.ttl_s = ttl_s;
        let first = Given { times: 0, first: mark.draws, last: mark.draws, heard: mark.heard };
        let known = self.given.iter().position(|(known, _)| *known == source);
        let place = known.unwrap_or_else(|| {
            self.given.push((source, first));
            self.given.len() - 1
        });
        let given = &mut self.given[place].1;
        given.times = given.times.saturating_add(u32::from(fresh || given.times == 0));
        (given.last, given.heard) = (mark.draws, mark.heard);
    }

    /// Sources that are asked no more say nothing. Where none is left, all others have to be heard before it is
    /// gone.
    pub(super) fn keep_sources(&mut self, sources: &BTreeSet<AddressSource>) {
        self.given.retain(|(source, _)| sources.contains(source));
        if self.given.is_empty() {
            let once = Given { times: 1, first: 0, last: 0, heard: Duration::ZERO };
            self.given = sources.iter().map(|&source| (source, once)).collect();
        }
    }

    /// Whether all that gave it have answered without it for so long and so often that it cannot be chance; what
    /// is silent keeps it. `mark` says how far each of them is.
    pub(super) fn has_left(&self, pace: &Cadence, mark: impl Fn(AddressSource) -> Mark) -> bool {
        let span = pace.gone_after.max(Duration::from_secs(3 * u64::from(self.ttl_s)));
        self.given.iter().all(|&(source, given)| {
            let mark = mark(source);
            let missed = mark.draws.saturating_sub(given.last);
            let turns = given.last.saturating_sub(given.first).saturating_add(1);
            // How often it comes while it is there, at the least.
            let (share, _) = wilson(given.times.min(turns), turns, 1.96);
            let chance = f64::from(missed) * (1.0 - share).ln();
            missed > 0 && mark.heard.saturating_sub(given.heard) >= span && chance <= MISSED.ln()
        })
    }

    /// The probe that tries it, from a source port that was not used lately.
    pub(super) fn attempt(&mut self, target: &Target, pace: &Cadence, exchange: bool, seed: u64) -> Probe {
        let endpoint = self.endpoint(target);
        let base = FIRST_PORT + (split_mix(seed) % 16) as u16 * 2_000;
        let source_port = base + (self.tries.port % PORTS) as u16;
        self.tries.port += 1;
        if exchange {
            return Probe::Exchange(Exchange {
                source_port: Some(source_port),
                ..whole_exchange(target, endpoint, pace.timeout, pace.read_timeout)
            });
        }
        Probe::Connect(Connect {
            endpoint,
            source_port,
            ttl: None,
            min_ttl: None,
            timeout: pace.timeout,
            then: Then::Reset,
            crowd: 1,
        })
    }

    /// The echo request that is next.
    pub(super) fn echo(&mut self, pace: &Cadence) -> Probe {
        self.echoes.sequence = self.echoes.sequence.wrapping_add(1);
        Probe::Echo(Echo {
            address: self.series.address,
            sequence: self.echoes.sequence,
            size: 56,
            ttl: None,
            flow: None,
            dont_fragment: false,
            timeout: pace.timeout,
        })
    }

    fn endpoint(&self, target: &Target) -> Endpoint {
        Endpoint { address: self.series.address, port: target.port }
    }

    /// Counts what came of a try.
    pub(super) fn count(&mut self, layer: Layer, at: Time, reading: Reading) {
        let status = self.layers.entry(layer).or_default();
        status.last = status.last.max(at);
        match reading {
            Reading::Unable => {
                status.unable += 1;
                return;
            }
            Reading::Failed(reason) => *status.failures.entry(reason).or_default() += 1,
            Reading::Answered(rtt) => {
                let micros = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX);
                status.latency[LATENCY_BOUNDS.partition_point(|&bound| bound < micros)] += 1;
                status.latency_sum = status.latency_sum.saturating_add(micros);
                status.last_rtt = Some(rtt);
            }
        }
        status.tries += 1;
        status.last_worked = matches!(reading, Reading::Answered(_));
    }
}

impl Echoes {
    /// Files an answer, or that there was none; how long to wait before the next one, instead of the usual time.
    pub(super) fn file(&mut self, reading: Reading) -> Option<Duration> {
        match reading {
            Reading::Answered(_) => (self.answered, self.unanswered) = (true, 0),
            Reading::Failed(_) => self.unanswered = self.unanswered.saturating_add(1),
            Reading::Unable => {}
        }
        (!self.answered && self.unanswered >= ECHOES).then_some(ECHO_AGAIN)
    }
}

/// The addresses of one target that are under observation, by their places.
pub(super) type Places = BTreeMap<IpAddr, usize>;

/// All addresses under observation. Their places stay; those that are free are taken again.
#[derive(Debug, Default)]
pub(super) struct Posts {
    posts: Vec<Option<Box<Post>>>,
    free: BTreeSet<usize>,
}

impl Posts {
    pub(super) fn add(&mut self, post: Post) -> usize {
        match self.free.pop_first() {
            Some(place) => {
                self.posts[place] = Some(Box::new(post));
                place
            }
            None => {
                self.posts.push(Some(Box::new(post)));
                self.posts.len() - 1
            }
        }
    }

    pub(super) fn remove(&mut self, place: usize) -> Option<Box<Post>> {
        let post = self.posts.get_mut(place)?.take()?;
        self.free.insert(place);
        Some(post)
    }

    pub(super) fn get(&self, place: usize) -> Option<&Post> {
        self.posts.get(place)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Post> {
        self.posts.get_mut(place)?.as_deref_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.posts.len() - self.free.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Post)> {
        self.posts.iter().enumerate().filter_map(|(place, post)| Some((place, post.as_deref()?)))
    }
}

/// A number that is a series' own.
fn number(series: Series) -> u64 {
    let address = match series.address {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            split_mix((bits >> 64) as u64) ^ bits as u64
        }
    };
    address ^ (u64::from(series.target.0) << 40)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::TargetId;

    const RESOLVER: AddressSource =
        AddressSource::Resolver(SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 53)), 53));

    fn post() -> Post {
        let series = Series { target: TargetId(1), address: [203, 0, 113, 1].into() };
        Post::new(series, 1, Time::default())
    }

    fn mark(draws: u32) -> Mark {
        Mark { draws, heard: Duration::from_secs(30) * draws }
    }

    /// The number of further answers without it after which an address has left that was given in every
    /// `one_of`th of a thousand.
    fn leaves_after(one_of: u32) -> u32 {
        let mut post = post();
        for draws in (1..=1_000_u32).filter(|draws| draws % one_of == 0) {
            post.give(RESOLVER, mark(draws), 30, true, Time::default());
        }
        let given = post.given[0].1.last;
        (1..10_000)
            .find(|missed| post.has_left(&Cadence::default(), |_| mark(given + missed)))
            .expect("leaves")
    }

    #[test]
    fn an_address_that_always_came_has_left_after_a_quarter_of_an_hour() {
        assert_eq!(leaves_after(1), 30);
    }

    #[test]
    fn one_that_came_in_every_fourth_answer_is_waited_for_longer() {
        let missed = leaves_after(4);
        assert!((70..100).contains(&missed), "{missed}");
    }

    #[test]
    fn silence_of_what_gave_it_is_no_leaving() {
        let mut post = post();
        post.give(RESOLVER, mark(10), 30, true, Time::default());
        post.give(AddressSource::System, mark(10), 0, true, Time::default());
        let silent = |source| if source == RESOLVER { mark(10) } else { mark(1_000) };
        assert!(!post.has_left(&Cadence::default(), silent));
        assert!(post.has_left(&Cadence::default(), |_| mark(1_000)));
    }

    #[test]
    fn source_ports_come_again_only_after_all_others() {
        let mut post = post();
        let target: Target = "push.example:443".parse().expect("a target");
        let pace = Cadence::default();
        let mut ports = BTreeSet::new();
        for _ in 0..PORTS {
            let Probe::Connect(connect) = post.attempt(&target, &pace, false, 7) else { panic!("a connect") };
            assert!(connect.source_port >= FIRST_PORT);
            ports.insert(connect.source_port);
        }
        assert_eq!(ports.len() as u64, PORTS);
    }

    #[test]
    fn an_address_that_never_answers_echo_requests_is_asked_once_a_day() {
        let failed = Reading::Failed(crate::watch::Reason::Timeout);
        let mut echoes = Echoes::default();
        let waits: Vec<_> = (0..6).map(|_| echoes.file(failed)).collect();
        assert_eq!(waits, [None, None, None, None, Some(ECHO_AGAIN), Some(ECHO_AGAIN)]);
        assert_eq!(echoes.file(Reading::Answered(Duration::ZERO)), None);
        assert_eq!(echoes.file(failed), None);
    }

    #[test]
    fn latencies_are_counted_in_their_classes() {
        let mut post = post();
        for micros in [1, 1_000, 1_001, 20_000_000] {
            post.count(Layer::Connect, Time::default(), Reading::Answered(Duration::from_micros(micros)));
        }
        post.count(Layer::Connect, Time::default(), Reading::Unable);
        let status = &post.status().layers[&Layer::Connect];
        assert_eq!((status.latency[0], status.latency[1], status.latency[13]), (2, 1, 1));
        assert_eq!((status.tries, status.unable), (4, 1));
    }
}
