//! The addresses behind a name: what the DNS observations say, and how much is probably still unseen.
//!
//! Like a dossier, a pool file only sorts facts; the survey's discovery and the judge both read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::{
    Time,
    model::{
        AddressSource, Answer, AnswerFault, Case, Conduct, Effort, Families, Host, LookupAnswer, Observation,
        Obstacle, Outcome, PoolAddress, Probe, ProbeId, Rcode, RecordKind, Resolution, ResolutionError,
        ResolverConfig, ResolverReport, Transport,
    },
    stats,
};

/// One resolver, one name, one record type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LineKey {
    pub(crate) resolver: SocketAddr,
    pub(crate) name: String,
    pub(crate) kind: RecordKind,
}

/// What one resolver said about one name and record type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Line {
    /// Questions whose outcome is known.
    pub(crate) asked: u32,
    /// Answers that answer the question, by probe: when they came, how they travelled, what they said.
    pub(crate) answers: BTreeMap<ProbeId, (Time, Transport, LookupAnswer)>,
    pub(crate) unanswered: u32,
    pub(crate) rejected: u32,
    pub(crate) not_asked: u32,
    /// Answers that are none, by what is wrong with them.
    pub(crate) faults: Vec<AnswerFault>,
}

/// Everything observed about a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PoolFile {
    pub(crate) lines: BTreeMap<LineKey, Line>,
    /// The system's own answer, with how long it took.
    pub(crate) system: Option<(Vec<IpAddr>, Duration)>,
    /// The system's own look-up ran into its time-out.
    pub(crate) system_hung: bool,
}

/// The probability with which the stopping rule may miss one more equally used address.
pub(crate) fn alpha(effort: Effort) -> f64 {
    match effort {
        Effort::Quick => 0.05,
        Effort::Normal => 0.001,
        Effort::Thorough => 0.0001,
    }
}

/// The names that a stub resolver would try for `name`, in its order (`resolv.conf(5)`: search, ndots).
pub(crate) fn candidates(name: &str, config: &ResolverConfig) -> Vec<String> {
    if let Some(absolute) = name.strip_suffix('.') {
        return vec![absolute.to_owned()];
    }
    let searched =
        config.search.iter().filter(|domain| !domain.is_empty()).map(|domain| format!("{name}.{domain}"));
    let dots = name.bytes().filter(|&byte| byte == b'.').count();
    let mut names: Vec<String> = searched.collect();
    let place = if dots >= usize::from(config.ndots) { 0 } else { names.len() };
    names.insert(place, name.to_owned());
    names
}

/// The record types that the plan asks for.
pub(crate) fn kinds(families: Families) -> &'static [RecordKind] {
    match families {
        Families::Both => &[RecordKind::A, RecordKind::Aaaa],
        Families::V4 => &[RecordKind::A],
        Families::V6 => &[RecordKind::Aaaa],
    }
}

/// Whether the plan looks at this address's family.
pub(crate) fn wanted(families: Families, address: IpAddr) -> bool {
    match families {
        Families::Both => true,
        Families::V4 => address.is_ipv4(),
        Families::V6 => address.is_ipv6(),
    }
}

/// All resolvers of a case: the configured ones, then the extra ones.
pub(crate) fn resolvers(case: &Case) -> Vec<SocketAddr> {
    all_resolvers(&case.vantage.resolver, &case.plan.extra_resolvers)
}

/// The configured resolvers, then the extra ones, each once.
pub(crate) fn all_resolvers(config: &ResolverConfig, extra: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut seen = BTreeSet::new();
    let all = config.servers.iter().chain(extra).copied();
    all.filter(|&resolver| seen.insert(resolver)).collect()
}

/// So many addresses of a pool given in parts may be missed by chance, all resolvers alike.
const SAMPLING_SLACK: usize = 2;

/// How well the answers of a resolver show its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grasp {
    /// Every answer held all of it.
    Whole,
    /// Given in parts, and asked for until little can be unseen.
    Sampled,
    /// Given in parts, and not asked for often enough.
    Partial,
}

impl Grasp {
    /// Whether so many addresses more are no matter of sampling.
    pub(crate) fn is_exceeded(self, more: usize) -> bool {
        match self {
            Grasp::Whole => more > 0,
            Grasp::Sampled => more > SAMPLING_SLACK,
            Grasp::Partial => false,
        }
    }
}

/// Those that lack addresses which others give, for no reason of sampling. A resolver that gives parts of a pool in
/// turn is only said to lack an address when its own pool is exhausted by the stopping rule.
pub(crate) fn lacking<'a, K: Copy + Ord>(
    pools: impl Iterator<Item = (K, &'a BTreeSet<IpAddr>, Grasp)> + Clone,
) -> BTreeSet<K> {
    let known: BTreeSet<IpAddr> =
        pools.clone().flat_map(|(_, addresses, _)| addresses.iter().copied()).collect();
    pools
        .filter(|(_, addresses, grasp)| grasp.is_exceeded(known.difference(addresses).count()))
        .map(|(who, ..)| who)
        .collect()
}

impl PoolFile {
    /// Files one observation about names.
    pub(crate) fn file(&mut self, observation: &Observation) {
        match &observation.probe {
            Probe::Lookup(lookup) => {
                let key = LineKey { resolver: lookup.resolver, name: lookup.name.clone(), kind: lookup.kind };
                let line = self.lines.entry(key).or_default();
                line.asked += 1;
                match &observation.outcome {
                    Outcome::Answered(Answer::Lookup(answer)) => match answer.fault {
                        Some(fault) => {
                            let place = line.faults.partition_point(|&other| (other as u8) < fault as u8);
                            line.faults.insert(place, fault);
                        }
                        None => {
                            line.answers
                                .insert(observation.id, (observation.done, lookup.transport, answer.clone()));
                        }
                    },
                    Outcome::Answered(_) => {}
                    Outcome::Rejected(_) => line.rejected += 1,
                    Outcome::Silent(_) => line.unanswered += 1,
                    Outcome::Unable(inability) => {
                        line.not_asked += u32::from(inability.why != Obstacle::OutOfResources);
                    }
                }
            }
            Probe::SystemLookup(_) => match &observation.outcome {
                Outcome::Answered(Answer::System(answer)) => {
                    self.system = Some((answer.addresses.clone(), answer.took));
                }
                Outcome::Silent(_) => self.system_hung = true,
                _ => {}
            },
            _ => {}
        }
    }

    /// All addresses seen, by whomever.
    pub(crate) fn addresses(&self) -> BTreeSet<IpAddr> {
        let resolved = self.lines.values().flat_map(|line| line.addresses());
        let system = self.system.iter().flat_map(|(addresses, _)| addresses.iter().copied());
        resolved.chain(system).collect()
    }

    /// The first name of the search order that has addresses, from any resolver.
    pub(crate) fn effective_name(&self, names: &[String]) -> Option<String> {
        names
            .iter()
            .find(|&name| self.lines.iter().any(|(key, line)| key.name == *name && line.has_addresses()))
            .cloned()
    }
}

impl Line {
    /// Answers with their whole content: what a truncated one says counts only while nothing better came.
    pub(crate) fn whole_answers(&self) -> impl Iterator<Item = &LookupAnswer> {
        self.answers.values().map(|(_, _, answer)| answer).filter(|answer| !answer.truncated)
    }

    pub(crate) fn addresses(&self) -> BTreeSet<IpAddr> {
        self.answers
            .values()
            .flat_map(|(_, _, answer)| answer.addresses.iter().map(|record| record.address))
            .collect()
    }

    pub(crate) fn has_addresses(&self) -> bool {
        self.answers.values().any(|(_, _, answer)| !answer.addresses.is_empty())
    }

    /// Addresses per answer, the mean over whole answers that have any.
    pub(crate) fn per_answer(&self) -> f64 {
        let sizes: Vec<usize> =
            self.whole_answers().map(|answer| answer.addresses.len()).filter(|&size| size > 0).collect();
        if sizes.is_empty() { 0.0 } else { sizes.iter().sum::<usize>() as f64 / sizes.len() as f64 }
    }

    /// Whole answers with addresses: the draws of the stopping rule.
    pub(crate) fn draws(&self) -> u32 {
        self.whole_answers().filter(|answer| !answer.addresses.is_empty()).count() as u32
    }

    /// Whether every answer held all that was seen on the line.
    pub(crate) fn gives_all(&self) -> bool {
        self.per_answer() >= self.addresses().len() as f64
    }

    /// Whether one more equally used address would have been missed with a probability below `alpha`.
    pub(crate) fn is_exhausted(&self, alpha: f64) -> bool {
        let seen = self.addresses().len() as u32;
        self.draws() >= stats::answers_needed(seen, self.per_answer(), alpha)
    }

    /// A TTL that fell between two answers: the resolver answers from its cache.
    pub(crate) fn is_cached(&self) -> bool {
        let mut ttls: Vec<(Time, u32)> = self
            .answers
            .values()
            .filter_map(|(done, _, answer)| {
                Some((*done, answer.addresses.iter().map(|record| record.ttl_s).min()?))
            })
            .collect();
        ttls.sort_unstable();
        let (Some(first), Some(last)) = (ttls.first(), ttls.last()) else { return false };
        let passed = last.0.since(first.0).as_secs_f64();
        let fallen = f64::from(first.1) - f64::from(last.1);
        ttls.windows(2).all(|pair| pair[1].1 <= pair[0].1) && fallen >= 1.0 && fallen <= passed + 1.5
    }

    fn rcode(&self) -> Option<Rcode> {
        self.answers.values().map(|(_, _, answer)| answer.rcode).max_by_key(|&rcode| match rcode {
            Rcode::NoError => 5,
            Rcode::NxDomain => 4,
            Rcode::ServFail => 3,
            Rcode::Refused => 2,
            Rcode::Other(_) => 1,
            _ => 0,
        })
    }
}

/// What the observations say about the name of a case.
pub(crate) fn resolution(case: &Case, file: &PoolFile, queries: u32) -> Resolution {
    let alpha = alpha(case.plan.effort);
    let Host::Name(name) = &case.target.host else {
        return literal(case, alpha);
    };
    let names = candidates(name, &case.vantage.resolver);
    let effective = file.effective_name(&names);
    let shown = effective.clone().unwrap_or_else(|| names.first().cloned().unwrap_or_else(|| name.clone()));
    let lines: Vec<(&LineKey, &Line)> = file
        .lines
        .iter()
        .filter(|(key, _)| effective.as_ref().is_none_or(|name| key.name == *name))
        .collect();

    let addresses = pool_addresses(case, file, &lines);
    let (estimated, coverage) = estimate(&lines, addresses.len());
    let with_addresses = || lines.iter().filter(|(_, line)| line.has_addresses());
    let largest = with_addresses().map(|(_, line)| line.per_answer()).fold(0.0, f64::max);
    Resolution {
        name: Some(shown),
        resolvers: resolvers(case).into_iter().map(|resolver| report(resolver, file, &lines)).collect(),
        system: file.system.as_ref().map(|(addresses, _)| addresses.clone()),
        system_took: file.system.as_ref().map(|(_, took)| *took),
        queries,
        error: if addresses.is_empty() { Some(error(file)) } else { None },
        estimated,
        coverage,
        exhausted: with_addresses().all(|(_, line)| line.is_exhausted(alpha)),
        alpha,
        per_answer: largest.round() as u32,
        rotates: with_addresses().any(|(_, line)| rotates(line)),
        aliases: lines
            .iter()
            .flat_map(|(_, line)| line.whole_answers())
            .map(|answer| &answer.aliases)
            .find(|aliases| !aliases.is_empty())
            .cloned()
            .unwrap_or_default(),
        addresses,
    }
}

fn literal(case: &Case, alpha: f64) -> Resolution {
    let addresses: Vec<PoolAddress> = match case.target.host {
        Host::Address(address) => vec![PoolAddress {
            address,
            sources: BTreeSet::from([AddressSource::Literal]),
            seen: 1,
            ttl_s: None,
        }],
        Host::Name(_) => Vec::new(),
    };
    Resolution {
        estimated: addresses.len() as f64,
        coverage: 1.0,
        exhausted: true,
        alpha,
        per_answer: 1,
        addresses,
        ..Resolution::default()
    }
}

fn pool_addresses(case: &Case, file: &PoolFile, lines: &[(&LineKey, &Line)]) -> Vec<PoolAddress> {
    let mut pool: BTreeMap<IpAddr, PoolAddress> = BTreeMap::new();
    let mut add = |address: IpAddr, source: AddressSource, seen: u32, ttl_s: Option<u32>| {
        let entry = pool.entry(address).or_insert_with(|| PoolAddress {
            address,
            sources: BTreeSet::new(),
            seen: 0,
            ttl_s: None,
        });
        entry.sources.insert(source);
        entry.seen += seen;
        entry.ttl_s = entry.ttl_s.max(ttl_s);
    };
    for (key, line) in lines {
        for (_, _, answer) in line.answers.values() {
            for record in &answer.addresses {
                add(record.address, AddressSource::Resolver(key.resolver), 1, Some(record.ttl_s));
            }
        }
    }
    for &address in file.system.iter().flat_map(|(addresses, _)| addresses) {
        add(address, AddressSource::System, 0, None);
    }
    let mut addresses: Vec<PoolAddress> =
        pool.into_values().filter(|entry| wanted(case.plan.families, entry.address)).collect();
    addresses.sort_by_key(|entry| entry.address);
    addresses
}

/// Chao2 over the answers of each family, and the share of occurrences that are known.
fn estimate(lines: &[(&LineKey, &Line)], seen: usize) -> (f64, f64) {
    let mut estimated = 0.0;
    let mut counted = 0;
    let (mut occurrences, mut singles) = (0, 0);
    for kind in [RecordKind::A, RecordKind::Aaaa] {
        let mut counts: BTreeMap<IpAddr, u32> = BTreeMap::new();
        let mut answers = 0;
        for (_, line) in lines.iter().filter(|(key, _)| key.kind == kind) {
            for answer in line.whole_answers().filter(|answer| !answer.addresses.is_empty()) {
                answers += 1;
                for record in &answer.addresses {
                    *counts.entry(record.address).or_default() += 1;
                }
            }
        }
        let seen_times = |times: u32| counts.values().filter(|&&count| count == times).count() as u32;
        let (once, twice) = (seen_times(1), seen_times(2));
        // Two answers that both hold everything say more than Chao2's pairs do.
        let all_in_each = counts.values().all(|&count| count == answers);
        estimated += if all_in_each {
            counts.len() as f64
        } else {
            stats::chao2(counts.len() as u32, once, twice, answers)
        };
        counted += counts.len();
        occurrences += counts.values().sum::<u32>();
        singles += if all_in_each { 0 } else { once };
    }
    // Addresses that only the system knows, or only truncated answers gave.
    let rest = seen.saturating_sub(counted) as f64;
    (estimated + rest, stats::good_turing_coverage(occurrences.max(1), singles))
}

fn rotates(line: &Line) -> bool {
    let mut orders = line.whole_answers().map(|answer| answer.addresses.iter().map(|record| record.address));
    let Some(first) = orders.next() else { return false };
    let first: Vec<IpAddr> = first.collect();
    orders.any(|order| order.ne(first.iter().copied()))
}

fn report(resolver: SocketAddr, file: &PoolFile, lines: &[(&LineKey, &Line)]) -> ResolverReport {
    let own: Vec<&Line> =
        file.lines.iter().filter(|(key, _)| key.resolver == resolver).map(|(_, line)| line).collect();
    let sum = |count: fn(&Line) -> u32| own.iter().map(|line| count(line)).sum::<u32>();
    let queries = sum(|line| line.asked);
    let answers = sum(|line| line.answers.len() as u32);
    let unanswered = sum(|line| line.unanswered);
    let best = own
        .iter()
        .filter_map(|line| line.rcode())
        .find(|rcode| matches!(rcode, Rcode::NoError | Rcode::NxDomain));
    let conduct = if answers > 0 {
        match best.or_else(|| own.iter().find_map(|line| line.rcode())) {
            Some(Rcode::NoError | Rcode::NxDomain) | None => Conduct::Answers,
            Some(rcode) => Conduct::Fails(rcode),
        }
    } else if own.iter().any(|line| !line.faults.is_empty()) {
        Conduct::Garbage
    } else if sum(|line| line.rejected) > 0 {
        Conduct::Unreachable
    } else if unanswered > 0 {
        Conduct::Silent
    } else {
        Conduct::NotAsked
    };
    let mine = lines.iter().filter(|(key, _)| key.resolver == resolver);
    ResolverReport {
        resolver,
        conduct,
        queries,
        answers,
        unanswered,
        rtt: stats::median(
            own.iter().flat_map(|line| line.answers.values().map(|(_, _, answer)| answer.rtt)),
        ),
        cached: own.iter().any(|line| line.is_cached()),
        addresses: mine.flat_map(|(_, line)| line.addresses()).collect(),
    }
}

/// Why there is no address, the most definite answer first.
fn error(file: &PoolFile) -> ResolutionError {
    let rcodes: BTreeSet<Rcode> = file.lines.values().filter_map(|line| line.rcode()).collect();
    if rcodes.contains(&Rcode::NoError) {
        ResolutionError::NoData
    } else if rcodes.contains(&Rcode::NxDomain) {
        ResolutionError::NxDomain
    } else if rcodes.contains(&Rcode::ServFail) {
        ResolutionError::ServFail
    } else if rcodes.iter().next().is_some() || file.lines.values().any(|line| line.rejected > 0) {
        ResolutionError::Refused
    } else if file.system.as_ref().is_some_and(|(addresses, _)| addresses.is_empty()) && file.lines.is_empty()
    {
        ResolutionError::NxDomain
    } else {
        ResolutionError::Timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_domains_come_first_only_below_ndots() {
        let config = ResolverConfig { servers: Vec::new(), search: vec!["svc.example".to_owned()], ndots: 2 };
        assert_eq!(candidates("push.example", &config), ["push.example.svc.example", "push.example"]);
        assert_eq!(candidates("a.push.example", &config), ["a.push.example", "a.push.example.svc.example"]);
        assert_eq!(candidates("push.", &config), ["push"]);
    }
}
