//! The resolvers of one target: what they are asked, how often, and what their answers say.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    agreement::{Agreement, Window},
    hearing::{Heard, Listening, Said, read},
    post::Mark,
    turns::Due,
};
use crate::{
    Time,
    model::{
        AddressSource, Answer, Host, Lookup, Observation, Outcome, Probe, RecordKind, ResolutionError,
        SystemLookup, Transport, Vantage,
    },
    pool,
    watch::{Asked, ResolverStatus, TargetId, Watched},
};

/// When a question is called unanswered.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The system's stub resolver waits five seconds for a dead server before it asks the next one.
const SYSTEM_TIMEOUT: Duration = Duration::from_millis(6_500);
/// How often the system itself is asked for names that only it knows how to look up.
const SYSTEM_EVERY: Duration = Duration::from_secs(300);
/// The first questions come in quick succession: pools that are given in parts show themselves.
const BURST: u32 = 8;
const BURST_EVERY: Duration = Duration::from_secs(1);
/// Rounds without an address before a resolver is said to give none…
const FAILURES: u32 = 3;
/// …and where it says itself that there is none.
const DENIALS: u32 = 2;
/// After a failure the next question comes so soon at the latest.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The resolvers of one target.
#[derive(Debug)]
pub(super) struct Names {
    typed: String,
    candidates: Vec<String>,
    servers: Vec<Server>,
    system: Option<System>,
    error: Option<ResolutionError>,
    agreement: Agreement,
}

/// One resolver.
#[derive(Debug)]
struct Server {
    at: SocketAddr,
    /// The name of the search order that it is asked for.
    place: usize,
    lines: Vec<Line>,
}

/// One record type.
#[derive(Debug)]
pub(super) struct Line {
    kind: RecordKind,
    pub(super) due: Option<Due>,
    pub(super) busy: bool,
    over_tcp: bool,
    burst: u32,
    listening: Listening,
    /// The name of the search order that has no such record.
    denied: Option<usize>,
    /// Rounds without an address.
    failures: u32,
    error: Option<ResolutionError>,
    window: Window,
    counts: ResolverStatus,
}

/// The system's own look-up.
#[derive(Debug)]
pub(super) struct System {
    pub(super) due: Option<Due>,
    pub(super) busy: bool,
    pub(super) every: Duration,
    listening: Listening,
    gives: bool,
    failures: u32,
}

impl Names {
    /// `None` for a literal address.
    pub(super) fn new(watched: &Watched, vantage: &Vantage, now: Time) -> Option<Self> {
        let Host::Name(typed) = &watched.target.host else { return None };
        let candidates = pool::candidates(typed, &vantage.resolver);
        let lines = |_| {
            pool::kinds(watched.pace.families).iter().map(|&kind| Line {
                kind,
                due: None,
                busy: false,
                over_tcp: false,
                burst: BURST,
                listening: Listening::default(),
                denied: None,
                failures: 0,
                error: None,
                window: Window::default(),
                counts: ResolverStatus::default(),
            })
        };
        let servers: Vec<Server> = pool::all_resolvers(&vantage.resolver, &watched.pace.extra_resolvers)
            .into_iter()
            .map(|at| Server { at, place: 0, lines: lines(at).collect() })
            .collect();
        let bare = typed.trim_end_matches('.');
        let pinned = vantage.pinned.iter().any(|(name, _)| name == bare);
        let every = if servers.is_empty() { watched.pace.resolve_every } else { SYSTEM_EVERY };
        let by_search = candidates.first().is_some_and(|first| first != bare);
        let system = (pinned || by_search || servers.is_empty()).then(|| System {
            due: None,
            busy: false,
            every,
            listening: Listening::default(),
            gives: false,
            failures: 0,
        });
        let (typed, agreement) = (typed.clone(), Agreement::new(now));
        Some(Self { typed, candidates, servers, system, error: None, agreement })
    }

    /// The same with what another one knew of the resolvers that stay.
    pub(super) fn inherit(&mut self, mut old: Names) {
        if old.candidates != self.candidates {
            return;
        }
        self.error = old.error;
        for server in &mut self.servers {
            let Some(place) = old.servers.iter().position(|known| known.at == server.at) else { continue };
            let known = old.servers.swap_remove(place);
            server.place = known.place;
            for line in known.lines {
                if let Some(own) = server.lines.iter_mut().find(|own| own.kind == line.kind) {
                    *own = Line { due: None, ..line };
                }
            }
        }
        if let (Some(system), Some(known)) = (&mut self.system, old.system) {
            *system = System { due: None, every: system.every, ..known };
        }
    }

    /// Why it does not resolve.
    pub(super) fn error(&self) -> Option<ResolutionError> {
        self.error
    }

    /// The resolvers in order, each with the record types that it is asked for.
    pub(super) fn questions(&self) -> Vec<(usize, RecordKind)> {
        let lines = |(place, server): (usize, &Server)| -> Vec<(usize, RecordKind)> {
            server.lines.iter().map(|line| (place, line.kind)).collect()
        };
        self.servers.iter().enumerate().flat_map(lines).collect()
    }

    /// Everybody who is asked.
    pub(super) fn sources(&self) -> BTreeSet<AddressSource> {
        let servers = self.servers.iter().map(|server| AddressSource::Resolver(server.at));
        servers.chain(self.system.as_ref().map(|_| AddressSource::System)).collect()
    }

    pub(super) fn place_of(&self, resolver: SocketAddr) -> Option<usize> {
        self.servers.iter().position(|server| server.at == resolver)
    }

    pub(super) fn line_mut(&mut self, server: usize, kind: RecordKind) -> Option<&mut Line> {
        self.servers.get_mut(server)?.lines.iter_mut().find(|line| line.kind == kind)
    }

    pub(super) fn system_mut(&mut self) -> Option<&mut System> {
        self.system.as_mut()
    }

    /// How far a source is listened to, about addresses like this one.
    pub(super) fn mark(&self, source: AddressSource, address: IpAddr) -> Mark {
        let kind = if address.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa };
        match source {
            AddressSource::Resolver(resolver) => self
                .servers
                .iter()
                .filter(|server| server.at == resolver)
                .flat_map(|server| &server.lines)
                .find(|line| line.kind == kind)
                .map_or(Mark::default(), |line| line.listening.mark),
            AddressSource::System => {
                self.system.as_ref().map_or(Mark::default(), |system| system.listening.mark)
            }
            AddressSource::Literal => Mark::default(),
        }
    }

    /// The question to ask now.
    pub(super) fn question(&self, server: usize, kind: RecordKind) -> Option<Probe> {
        let server = self.servers.get(server)?;
        let line = server.lines.iter().find(|line| line.kind == kind)?;
        Some(Probe::Lookup(Lookup {
            resolver: server.at,
            name: self.candidates.get(server.place)?.clone(),
            kind,
            transport: if line.over_tcp { Transport::Tcp } else { Transport::Udp },
            timeout: TIMEOUT,
        }))
    }

    /// A question about this name to each resolver, for whoever wants to know whether they answer at all.
    pub(super) fn any_questions(&self, timeout: Duration) -> impl Iterator<Item = Lookup> {
        self.servers.iter().filter_map(move |server| {
            Some(Lookup {
                resolver: server.at,
                name: self.candidates.get(server.place)?.clone(),
                kind: server.lines.first()?.kind,
                transport: Transport::Udp,
                timeout,
            })
        })
    }

    /// The question to the system itself.
    pub(super) fn system_question(&self) -> Probe {
        Probe::SystemLookup(SystemLookup { name: self.typed.clone(), timeout: SYSTEM_TIMEOUT })
    }

    /// Nobody listened for a while.
    pub(super) fn interrupt(&mut self) {
        let lines = self.servers.iter_mut().flat_map(|server| &mut server.lines);
        for listening in lines.map(|line| &mut line.listening) {
            listening.last = None;
        }
        if let Some(system) = &mut self.system {
            system.listening.last = None;
        }
    }

    /// Failures so far may have been this host's own.
    pub(super) fn begin_anew(&mut self) {
        self.interrupt();
        for line in self.servers.iter_mut().flat_map(|server| &mut server.lines) {
            line.failures = 0;
        }
        if let Some(system) = &mut self.system {
            system.failures = 0;
        }
    }

    /// Takes what came of a question. Where this host is `offline`, silence says nothing.
    pub(super) fn take(
        &mut self,
        target: TargetId,
        lookup: &Lookup,
        observation: &Observation,
        every: Duration,
        offline: bool,
    ) -> Heard {
        let now = observation.done;
        if !self.candidates.contains(&lookup.name) {
            return Heard::default();
        }
        let last_candidate = self.candidates.len().saturating_sub(1);
        let Some(server) = self.servers.iter_mut().find(|server| server.at == lookup.resolver) else {
            return Heard::default();
        };
        let place = server.place;
        let asked_for = self.candidates.get(place);
        let Some(line) = server.lines.iter_mut().find(|line| line.kind == lookup.kind) else {
            return Heard::default();
        };
        line.busy = false;
        let Some(answer) = read(&observation.outcome) else { return Heard::default() };
        let mut heard = Heard { in_vain: matches!(answer, Said::Nothing(_)), ..Heard::default() };
        if let Said::Truncated(given) = &answer {
            if lookup.transport == Transport::Udp {
                line.over_tcp = true;
                heard.again = Some(Duration::ZERO);
            }
            heard.given.clone_from(given);
        }
        if heard.in_vain && offline {
            return heard;
        }
        let took = now.since(observation.sent);
        let asked = |answer| Asked {
            target,
            resolver: lookup.resolver,
            kind: lookup.kind,
            at: observation.sent,
            answer,
            took,
        };
        match answer {
            Said::Truncated(_) => {}
            Said::Addresses(given) => {
                line.denied = None;
                (line.failures, line.error) = (0, None);
                line.counts.answers += 1;
                line.counts.last_took = Some(took);
                let addresses: BTreeSet<IpAddr> = given.iter().map(|&(address, _)| address).collect();
                let ttl_s = given.iter().map(|&(_, ttl_s)| ttl_s).min().unwrap_or(0);
                heard.asked = Some(asked(Ok(given.iter().map(|&(address, _)| address).collect())));
                heard.fresh = line.listening.hear(addresses, ttl_s, now, every);
                if heard.fresh
                    && let Some((addresses, _)) = &line.listening.answer
                {
                    line.window.file(addresses);
                }
                heard.given = given;
                line.burst = if line.window.gives_all() { 0 } else { line.burst.saturating_sub(1) };
                heard.again = (line.burst > 0).then_some(BURST_EVERY);
            }
            Said::Denied(error) => {
                line.burst = 0;
                line.counts.answers += 1;
                line.counts.last_took = Some(took);
                line.error = Some(error);
                // An answer about the name that is asked for by now.
                if asked_for == Some(&lookup.name) {
                    line.denied = Some(place);
                    heard.fresh = line.listening.hear(BTreeSet::new(), 0, now, every);
                }
                if place == last_candidate {
                    heard.asked = Some(asked(Err(error)));
                }
            }
            Said::Nothing(error) => {
                line.over_tcp = false;
                line.counts.failures += 1;
                line.error = Some(error);
                line.failures = line.failures.saturating_add(1);
                heard.again = (line.failures < FAILURES).then_some(AGAIN_AFTER);
                heard.asked = Some(asked(Err(error)));
            }
        }
        heard.mark = line.listening.mark;
        if server.lines.iter().all(|line| line.denied == Some(place)) {
            server.walk_on(last_candidate);
            heard.walked = true;
            heard.again = Some(if server.place > 0 { Duration::ZERO } else { AGAIN_AFTER });
            if server.lines.iter().any(|line| line.failures >= DENIALS) {
                heard.again = None;
            }
        }
        heard.resolution = self.resolution(!heard.given.is_empty());
        if heard.fresh && self.servers.len() > 1 {
            let lines = self.servers.iter_mut().flat_map(|server| {
                let at = server.at;
                server.lines.iter_mut().map(move |line| (at, &mut line.window))
            });
            heard.odd = self.agreement.judge(lines.collect(), now);
        }
        heard
    }

    /// Takes what the system itself said.
    pub(super) fn take_system(&mut self, observation: &Observation, offline: bool) -> Heard {
        let mut heard = Heard::default();
        let Some(system) = &mut self.system else { return heard };
        system.busy = false;
        let said = match &observation.outcome {
            Outcome::Answered(Answer::System(answer)) => Some(&answer.addresses),
            Outcome::Silent(_) => None,
            _ => return heard,
        };
        match said.filter(|addresses| !addresses.is_empty()) {
            Some(addresses) => {
                let set = addresses.iter().copied().collect();
                heard.fresh = system.listening.hear(set, 0, observation.done, system.every);
                heard.given = addresses.iter().map(|&address| (address, 0)).collect();
                (system.gives, system.failures) = (true, 0);
            }
            None if offline => return heard,
            None => {
                system.failures = system.failures.saturating_add(1);
                system.gives &= system.failures < FAILURES;
                heard.again = (system.failures < FAILURES).then_some(AGAIN_AFTER);
                if said.is_some() {
                    heard.fresh = system.listening.hear(BTreeSet::new(), 0, observation.done, system.every);
                }
            }
        }
        heard.mark = system.listening.mark;
        heard.resolution = self.resolution(!heard.given.is_empty());
        heard
    }

    /// Whether the name resolves, if that is not what was said last. Nobody has to say so but one; that it does
    /// not, all of them, several times.
    fn resolution(&mut self, resolves: bool) -> Option<Option<ResolutionError>> {
        if resolves {
            return self.error.take().map(|_| None);
        }
        let lines = || self.servers.iter().flat_map(|server| &server.lines);
        let silent = |line: &Line| match line.error {
            Some(ResolutionError::NxDomain | ResolutionError::NoData) => line.failures >= DENIALS,
            Some(_) => line.failures >= FAILURES,
            None => false,
        };
        // A record type that is denied while the other is only not answered says nothing about the name.
        let dead = |server: &Server| {
            let denied = |line: &Line| matches!(line.error, Some(ResolutionError::NoData));
            server.lines.iter().any(silent) && server.lines.iter().all(|line| silent(line) || denied(line))
        };
        let by_system = self.system.as_ref();
        let nobody = self.servers.iter().all(dead)
            && by_system.is_none_or(|system| {
                !system.gives && (!self.servers.is_empty() || system.failures >= FAILURES)
            });
        if self.error.is_some() || !nobody {
            return None;
        }
        let definite = |error: &ResolutionError| match error {
            ResolutionError::NoData => 0,
            ResolutionError::NxDomain => 1,
            ResolutionError::ServFail => 2,
            ResolutionError::Refused => 3,
            ResolutionError::Timeout => 4,
        };
        let error = lines().filter_map(|line| line.error).min_by_key(definite);
        self.error = Some(error.unwrap_or(ResolutionError::NxDomain));
        Some(self.error)
    }

    /// What is known of each resolver; its addresses are those that `given` tells.
    pub(super) fn status(
        &self,
        given: impl Fn(SocketAddr) -> BTreeSet<IpAddr>,
    ) -> BTreeMap<SocketAddr, ResolverStatus> {
        let status = |server: &Server| {
            let mut whole = ResolverStatus { addresses: given(server.at), ..ResolverStatus::default() };
            for line in &server.lines {
                whole.answers += line.counts.answers;
                whole.failures += line.counts.failures;
                whole.last_took = whole.last_took.max(line.counts.last_took);
            }
            if server.lines.iter().all(|line| line.error.is_some()) {
                whole.error = server.lines.iter().find_map(|line| line.error);
            }
            (server.at, whole)
        };
        self.servers.iter().map(status).collect()
    }
}

impl Server {
    /// The name that it was asked for has no addresses: on to the next one, or all over again.
    fn walk_on(&mut self, last: usize) {
        let over = self.place >= last;
        self.place = if over { 0 } else { self.place + 1 };
        for line in &mut self.lines {
            line.denied = None;
            line.failures = line.failures.saturating_add(u32::from(over));
        }
    }
}
