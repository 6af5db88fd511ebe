//! Asks resolvers for addresses until few can be unseen.
//!
//! Each resolver is asked for each record type on a line of its own. A line goes on while one more equally
//! used address would have been missed with more than the stated probability (see
//! [`stats::answers_needed`](crate::stats::answers_needed)), and ends at a cap of queries or time.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use crate::{
    Time,
    model::{Case, Effort, Host, Lookup, Observation, Probe, Rcode, RecordKind, SystemLookup, Transport},
    pool::{self, Line, LineKey, PoolFile},
};

/// Bounds of the enumeration.
#[derive(Clone, Copy, Debug)]
struct Caps {
    /// Questions on one line.
    queries: u32,
    /// When no further question is asked.
    time: Duration,
    /// Questions under way on one line.
    window: u32,
    /// Waits long enough to see whether several addresses come from a cache.
    checks_caches: bool,
}

const LOOKUP_TIMEOUT: Duration = Duration::from_millis(1_500);
/// When an unanswered first question is repeated, and repeated again.
const REPEAT_AFTER: [Duration; 2] = [Duration::from_millis(600), Duration::from_millis(1_500)];
/// The system's stub resolver waits five seconds for a dead server before it asks the next one.
const SYSTEM_TIMEOUT: Duration = Duration::from_millis(6_500);
/// TTLs count whole seconds, so a cache shows itself only after more than one.
const CACHE_CHECK_AFTER: Duration = Duration::from_millis(1_150);

/// The enumeration of one name.
#[derive(Debug)]
pub(crate) struct Discovery {
    started: Time,
    names: Vec<String>,
    resolvers: Vec<SocketAddr>,
    kinds: &'static [RecordKind],
    caps: Caps,
    alpha: f64,
    asked_system: bool,
    system_pending: bool,
    system_name: String,
    lines: BTreeMap<LineKey, Asked>,
    cache_check_done: bool,
    cache_check_wanted: bool,
}

/// What was asked on a line.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    issued: u32,
    pending: u32,
    first: Option<Time>,
}

impl Discovery {
    /// `None` for a literal address, which needs none.
    pub(crate) fn new(case: &Case) -> Option<Self> {
        let Host::Name(name) = &case.target.host else { return None };
        let caps = match case.plan.effort {
            Effort::Quick => {
                Caps { queries: 60, time: Duration::from_millis(1_000), window: 8, checks_caches: false }
            }
            Effort::Normal => {
                Caps { queries: 700, time: Duration::from_millis(2_800), window: 16, checks_caches: true }
            }
            Effort::Thorough => {
                Caps { queries: 4_000, time: Duration::from_millis(12_000), window: 16, checks_caches: true }
            }
        };
        Some(Self {
            started: case.started,
            names: pool::candidates(name, &case.vantage.resolver),
            resolvers: pool::resolvers(case),
            kinds: pool::kinds(case.plan.families),
            caps,
            alpha: pool::alpha(case.plan.effort),
            asked_system: false,
            system_pending: false,
            system_name: name.clone(),
            lines: BTreeMap::new(),
            cache_check_done: false,
            cache_check_wanted: false,
        })
    }

    /// The questions to ask now, and when to look again.
    pub(crate) fn plan(
        &mut self,
        file: &PoolFile,
        now: Time,
        others_busy: bool,
    ) -> (Vec<Probe>, Option<Time>) {
        let mut probes = Vec::new();
        let mut wake: Option<Time> = None;
        if !self.asked_system {
            self.asked_system = true;
            self.system_pending = true;
            probes.push(Probe::SystemLookup(SystemLookup {
                name: self.system_name.clone(),
                timeout: SYSTEM_TIMEOUT,
            }));
        }
        if now.since(self.started) < self.caps.time {
            for resolver in self.resolvers.clone() {
                let Some(name) = self.current_name(resolver, file) else { continue };
                for &kind in self.kinds {
                    let key = LineKey { resolver, name: name.clone(), kind };
                    let none = Line::default();
                    let line = file.lines.get(&key).unwrap_or(&none);
                    let asked = self.lines.get(&key).copied().unwrap_or_default();
                    let (count, look_again) = self.wanted(line, asked, now);
                    wake = earliest(wake, look_again);
                    let transport = transport(line);
                    for _ in 0..count {
                        probes.push(Probe::Lookup(Lookup {
                            resolver,
                            name: key.name.clone(),
                            kind,
                            transport,
                            timeout: LOOKUP_TIMEOUT,
                        }));
                    }
                    if count > 0 {
                        let entry = self.lines.entry(key).or_default();
                        entry.issued += count;
                        entry.pending += count;
                        entry.first.get_or_insert(now);
                    }
                }
            }
        }
        // Several addresses in each answer may be all there are, or one draw that a cache repeats.
        let several = file.lines.values().any(|line| line.has_addresses() && line.addresses().len() > 1);
        self.cache_check_wanted = several && self.caps.checks_caches;
        if (others_busy || self.cache_check_wanted) && !self.cache_check_done {
            let due = self.started + CACHE_CHECK_AFTER;
            if now >= due {
                self.cache_check_done = true;
                probes.extend(self.cache_check(file));
            } else {
                wake = earliest(wake, Some(due));
            }
        }
        (probes, wake)
    }

    /// Notes that a question came back.
    pub(crate) fn returned(&mut self, observation: &Observation) {
        match &observation.probe {
            Probe::Lookup(lookup) => {
                let key = LineKey { resolver: lookup.resolver, name: lookup.name.clone(), kind: lookup.kind };
                if let Some(asked) = self.lines.get_mut(&key) {
                    asked.pending = asked.pending.saturating_sub(1);
                }
            }
            Probe::SystemLookup(_) => self.system_pending = false,
            _ => {}
        }
    }

    /// Nothing is under way. (Whether more is wanted says [`plan`](Self::plan).)
    pub(crate) fn is_idle(&self) -> bool {
        let checked = self.cache_check_done || !self.cache_check_wanted;
        checked && !self.system_pending && self.lines.values().all(|asked| asked.pending == 0)
    }

    /// One more question on each line that looks complete after so few answers that a cache would not show.
    fn cache_check(&mut self, file: &PoolFile) -> Vec<Probe> {
        let mut probes = Vec::new();
        for (key, asked) in &mut self.lines {
            let due = file.lines.get(key).is_some_and(|line| line.has_addresses() && line.draws() < 8);
            if due && asked.pending == 0 {
                asked.issued += 1;
                asked.pending += 1;
                probes.push(Probe::Lookup(Lookup {
                    resolver: key.resolver,
                    name: key.name.clone(),
                    kind: key.kind,
                    transport: file.lines.get(key).map_or(Transport::Udp, transport),
                    timeout: LOOKUP_TIMEOUT,
                }));
            }
        }
        probes
    }

    /// The name of the search order that this resolver is asked for now: the first that is not known to be
    /// without addresses. `None` once all are.
    fn current_name(&self, resolver: SocketAddr, file: &PoolFile) -> Option<String> {
        self.names
            .iter()
            .find(|name| {
                !self.kinds.iter().all(|&kind| {
                    let key = LineKey { resolver, name: (*name).clone(), kind };
                    file.lines.get(&key).is_some_and(|line| {
                        !line.answers.is_empty()
                            && line.answers.values().all(|(_, _, answer)| {
                                answer.addresses.is_empty()
                                    && matches!(answer.rcode, Rcode::NoError | Rcode::NxDomain)
                            })
                    })
                })
            })
            .cloned()
    }

    /// How many questions to ask on a line now, and when to look at it again.
    fn wanted(&self, line: &Line, asked: Asked, now: Time) -> (u32, Option<Time>) {
        if asked.issued >= self.caps.queries || line.not_asked > 0 {
            return (0, None);
        }
        let Some(first) = asked.first else { return (1, None) };
        if line.answers.is_empty() {
            return self.wanted_in_silence(line, asked, first, now);
        }
        if !line.has_addresses() {
            let failing = line.answers.values().all(|(_, _, answer)| {
                !matches!(answer.rcode, Rcode::NoError | Rcode::NxDomain | Rcode::Refused)
            });
            return (u32::from(failing && asked.pending == 0 && line.asked < 2), None);
        }
        if line.whole_answers().next().is_none() {
            // Truncated so far: ask over TCP, twice at most.
            let over_tcp = asked.issued.saturating_sub(line.answers.len() as u32);
            return (u32::from(asked.pending == 0 && over_tcp < 2), None);
        }
        if line.is_exhausted(self.alpha) || line.unanswered > 8 + line.draws() {
            return (0, None);
        }
        let seen = line.addresses().len() as u32;
        let needed = crate::stats::answers_needed(seen, line.per_answer(), self.alpha);
        let missing = needed.saturating_sub(line.draws() + asked.pending);
        let room = self.caps.window.saturating_sub(asked.pending);
        (missing.min(room).min(self.caps.queries - asked.issued), None)
    }

    fn wanted_in_silence(&self, line: &Line, asked: Asked, first: Time, now: Time) -> (u32, Option<Time>) {
        if line.rejected > 0 || !line.faults.is_empty() {
            let again = asked.pending == 0 && line.rejected + (line.faults.len() as u32) < 2;
            return (u32::from(again), None);
        }
        match REPEAT_AFTER.get(asked.issued as usize - 1) {
            Some(&after) if now >= first + after => (1, None),
            Some(&after) => (0, Some(first + after)),
            None => (0, None),
        }
    }
}

fn transport(line: &Line) -> Transport {
    let truncated =
        line.answers.values().any(|(_, transport, answer)| *transport == Transport::Udp && answer.truncated);
    if truncated { Transport::Tcp } else { Transport::Udp }
}

/// The earlier of two times, where there are any.
pub(crate) fn earliest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
