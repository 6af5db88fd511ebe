//! After the change: what was asked for, before and after, and what may be said of it.
//!
//! Two rounds some minutes apart, each with at least one try of every address, are certain for these two moments and
//! say nothing of the time between. An all-clear wants every address that was asked for, and every one that the name
//! gives now, to work in both.

mod paper;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use reach_core::{
    Time,
    model::{Host, Probe, ResolutionError, State, Target, Verdict},
    stats::{fisher_greater, share_bound},
};

pub use self::paper::{document, json};
use super::Run;

/// The confidence of bounds.
pub const CONFIDENCE: f64 = 0.95;

/// What was found of one address at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The verdict; `None` where only a watch saw it fail and nobody examined it.
    pub verdict: Option<Verdict>,
    /// Tries.
    pub tries: u32,
    /// Of them succeeded, at the deepest layer asked.
    pub good: u32,
}

impl Seen {
    fn works(self) -> bool {
        self.verdict == Some(Verdict::Ok)
    }

    /// Nobody can blame or clear it.
    fn is_open(self) -> bool {
        matches!(self.verdict, Some(Verdict::Inconclusive | Verdict::NoRoute))
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The target.
    pub target: Target,
    /// From when to when it was measured.
    pub measured: (Time, Time),
    /// What was found of each address.
    pub before: BTreeMap<IpAddr, Seen>,
    /// The name gave no address then.
    pub unresolved: bool,
    /// The source addresses that it was asked for.
    pub sources: Vec<IpAddr>,
}

impl Request {
    /// What a run found of a target. Addresses without a route from here do not count, unless none has one.
    pub fn of(run: &Run) -> Self {
        let alone = run.diagnosis.endpoints.iter().all(|one| one.verdict == Verdict::NoRoute);
        Self {
            target: run.case.target.clone(),
            measured: (run.case.started, run.finished),
            before: seen(run).filter(|(_, seen)| alone || seen.verdict != Some(Verdict::NoRoute)).collect(),
            unresolved: run.diagnosis.state == State::Unresolved,
            sources: run.case.vantage.sources.clone(),
        }
    }

    /// The addresses that failed: those that were asked for.
    pub fn asked(&self) -> BTreeSet<IpAddr> {
        self.before.iter().filter(|(_, seen)| !seen.works()).map(|(address, _)| *address).collect()
    }

    /// Targets that are examined afterwards besides the name: each address that was asked for and that a round did not
    /// come to by the name.
    pub fn missed(&self, round: &Round) -> Vec<Target> {
        let asked = self.before.keys().filter(|address| !round.seen.contains_key(*address));
        let name = match &self.target.host {
            Host::Name(name) => Some(name.trim_end_matches('.').to_owned()),
            Host::Address(_) => None,
        };
        asked
            .map(|address| Target {
                text: std::net::SocketAddr::new(*address, self.target.port).to_string(),
                host: Host::Address(*address),
                server_name: self
                    .target
                    .server_name
                    .clone()
                    .or_else(|| name.clone())
                    .filter(|_| self.target.tls),
                ..self.target.clone()
            })
            .collect()
    }
}

/// One round of tries after the change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Round {
    /// When it began.
    pub started: Time,
    /// When it was over.
    pub finished: Time,
    /// What was found.
    pub seen: BTreeMap<IpAddr, Seen>,
    /// The addresses that the name gave.
    pub given: BTreeSet<IpAddr>,
    /// Whether these are all, as far as can be told.
    pub whole: bool,
    /// Why the name gave none.
    pub unresolved: Option<ResolutionError>,
    /// It was stopped, or something of it could not be done.
    pub broken: bool,
    /// The source addresses of this host.
    pub sources: Vec<IpAddr>,
}

impl Round {
    /// What a run found of the target itself.
    pub fn of(run: &Run) -> Self {
        let resolution = &run.diagnosis.resolution;
        Self {
            started: run.case.started,
            finished: run.finished,
            seen: seen(run).collect(),
            given: resolution.addresses.iter().map(|known| known.address).collect(),
            whole: resolution.exhausted,
            unresolved: resolution.error.filter(|_| resolution.addresses.is_empty()),
            broken: false,
            sources: run.case.vantage.sources.clone(),
        }
    }

    /// Adds what a run found of an address that the name did not give.
    pub fn add(&mut self, run: &Run) {
        self.finished = self.finished.max(run.finished);
        for (address, found) in seen(run) {
            self.seen.entry(address).or_insert(found);
        }
    }
}

/// What was found of each address of a run.
fn seen(run: &Run) -> impl Iterator<Item = (IpAddr, Seen)> {
    run.diagnosis.endpoints.iter().map(|one| {
        let verdict = one.verdict;
        let above =
            !verdict.is_below_tls() && !verdict.is_partly_usable() && verdict != Verdict::Inconclusive;
        let (tries, good) = if above {
            let exchanges = run.observations.iter().filter(|seen| match &seen.probe {
                Probe::Exchange(exchange) => {
                    exchange.endpoint == one.endpoint
                        && exchange.max_segment.is_none()
                        && exchange.data_ttl.is_none()
                }
                _ => false,
            });
            (u32::try_from(exchanges.count()).unwrap_or(u32::MAX).max(1), 0)
        } else {
            (one.connect.attempts, one.connect.succeeded)
        };
        (one.endpoint.address, Seen { verdict: Some(verdict), tries, good })
    })
}

/// What may be said of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It failed, and works in every round.
    Mended,
    /// It worked, and does.
    Works,
    /// The name gives it only now, and it works.
    NewWorks,
    /// It failed, and fails.
    StillFails,
    /// It works in one round and fails in another.
    Wavers,
    /// It worked, and fails now.
    Broke,
    /// The name gives it only now, and it fails.
    NewFails,
    /// The name does not give it any more, and it does not answer: nobody can tell whether a firewall or the address's
    /// own end is why.
    Left,
    /// It could not be told, or was not tried often enough.
    Open,
}

impl Change {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Change::Mended => "mended",
            Change::Works => "works",
            Change::NewWorks => "new-works",
            Change::StillFails => "still-fails",
            Change::Wavers => "wavers",
            Change::Broke => "broke",
            Change::NewFails => "new-fails",
            Change::Left => "left",
            Change::Open => "open",
        }
    }

    const fn fails(self) -> bool {
        matches!(self, Change::StillFails | Change::Wavers | Change::Broke | Change::NewFails)
    }
}

/// One address, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The address.
    pub address: IpAddr,
    /// Before.
    pub before: Option<Seen>,
    /// In each round.
    pub after: Vec<Option<Seen>>,
    /// It failed before: it was asked for.
    pub asked: bool,
    /// What may be said of it.
    pub change: Change,
}

/// What may be said of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that was asked for works, and everything that the name gives now.
    AllClear,
    /// Something fails.
    StillFails,
    /// It could not be told.
    CannotTell,
}

impl Outcome {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Outcome::AllClear => "all-clear",
            Outcome::StillFails => "still-fails",
            Outcome::CannotTell => "cannot-tell",
        }
    }
}

/// Good and bad ones of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many failed.
    pub failed: u32,
    /// Of so many.
    pub of: u32,
}

/// Before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What was asked for.
    pub request: Request,
    /// The rounds afterwards.
    pub rounds: Vec<Round>,
    /// Address by address.
    pub rows: Vec<Row>,
    /// Addresses before, and in the last round.
    pub addresses: (Tally, Tally),
    /// Tries before, and in all rounds.
    pub tries: (Tally, Tally),
    /// What may be said.
    pub outcome: Outcome,
}

impl Comparison {
    /// Compares.
    pub fn new(request: Request, rounds: Vec<Round>) -> Self {
        let known: BTreeSet<IpAddr> =
            request.before.keys().chain(rounds.iter().flat_map(|round| round.seen.keys())).copied().collect();
        let rows: Vec<Row> = known
            .into_iter()
            .map(|address| row(&request, &rounds, address))
            // What this host has no route to was never usable, and does not count now either.
            .filter(|row| row.before.is_some() || !row.after.iter().flatten().all(|seen| seen.is_open()))
            .collect();
        let addresses = (
            tally(rows.iter().filter_map(|row| row.before).map(|seen| (u32::from(!seen.works()), 1))),
            tally(
                rows.iter()
                    .filter_map(|row| row.after.last().copied().flatten())
                    .filter(|seen| !seen.is_open())
                    .map(|seen| (u32::from(!seen.works()), 1)),
            ),
        );
        let failed = |seen: Seen| (seen.tries.saturating_sub(seen.good), seen.tries);
        let tries = (
            tally(rows.iter().filter_map(|row| row.before).map(failed)),
            tally(rows.iter().flat_map(|row| row.after.iter().flatten()).map(|seen| failed(*seen))),
        );
        let outcome = outcome(&request, &rounds, &rows);
        Self { request, rounds, rows, addresses, tries, outcome }
    }

    /// The probability of a difference of addresses at least as large, if nothing had changed (Fisher, one-sided).
    pub fn chance(&self) -> Option<f64> {
        let (before, after) = self.addresses;
        let comparable = before.of > 0 && after.of > 0 && before.failed > 0;
        comparable.then(|| {
            fisher_greater(before.failed, before.of - before.failed, after.failed, after.of - after.failed)
        })
    }

    /// Whether what is found now is found from other source addresses than those that it was asked for: a rule for one
    /// source says nothing of another.
    pub fn elsewhere(&self) -> bool {
        elsewhere(&self.request, &self.rounds)
    }

    /// With [`CONFIDENCE`], the share of failures afterwards is below this; `None` where nothing was tried.
    pub fn bound(&self) -> Option<f64> {
        let after = self.tries.1;
        (after.of > 0).then(|| share_bound(after.failed, after.of, CONFIDENCE))
    }
}

fn tally(each: impl Iterator<Item = (u32, u32)>) -> Tally {
    each.fold(Tally::default(), |sum, (failed, of)| Tally { failed: sum.failed + failed, of: sum.of + of })
}

fn row(request: &Request, rounds: &[Round], address: IpAddr) -> Row {
    let before = request.before.get(&address).copied();
    let after: Vec<Option<Seen>> = rounds.iter().map(|round| round.seen.get(&address).copied()).collect();
    let asked = before.is_some_and(|seen| !seen.works());
    let told: Vec<Seen> = after.iter().flatten().copied().filter(|seen| !seen.is_open()).collect();
    let good = told.iter().filter(|seen| seen.works()).count();
    let is_name = matches!(request.target.host, Host::Name(_));
    let given = rounds.iter().any(|round| round.given.contains(&address));
    let gone = is_name && !given && !rounds.is_empty() && rounds.iter().all(|round| round.whole);
    // Whoever speaks up in its place is on the way; silence and a refusal of its own may be the address's end.
    let blames =
        told.iter().any(|seen| matches!(seen.verdict, Some(Verdict::Prohibited | Verdict::ResetByPath)));
    let change = if told.is_empty() {
        Change::Open
    } else if good == 0 && gone && !blames {
        Change::Left
    } else if good == 0 {
        match before {
            None => Change::NewFails,
            Some(_) if asked => Change::StillFails,
            Some(_) => Change::Broke,
        }
    } else if good < told.len() {
        Change::Wavers
    } else if told.len() < rounds.len() || rounds.len() < 2 {
        Change::Open
    } else {
        match before {
            None => Change::NewWorks,
            Some(_) if asked => Change::Mended,
            Some(_) => Change::Works,
        }
    };
    Row { address, before, after, asked, change }
}

fn elsewhere(request: &Request, rounds: &[Round]) -> bool {
    let others = |v4: bool| {
        let before: Vec<&IpAddr> = request.sources.iter().filter(|source| source.is_ipv4() == v4).collect();
        let tried = request.before.keys().any(|address| address.is_ipv4() == v4);
        let mut now =
            rounds.iter().flat_map(|round| &round.sources).filter(|source| source.is_ipv4() == v4).peekable();
        tried && !before.is_empty() && now.peek().is_some() && now.any(|source| !before.contains(&source))
    };
    others(true) || others(false)
}

fn outcome(request: &Request, rounds: &[Round], rows: &[Row]) -> Outcome {
    let unresolved = rounds.iter().any(|round| round.unresolved.is_some());
    if unresolved || rows.iter().any(|row| row.change.fails()) {
        return Outcome::StillFails;
    }
    let is_open = |row: &Row| match row.change {
        Change::Open => true,
        // One that worked and has left is nobody's concern any more.
        Change::Left => row.asked,
        _ => false,
    };
    let too_few = rounds.len() < 2 || rounds.iter().any(|round| round.broken);
    let nothing = rows.iter().all(|row| row.after.iter().flatten().next().is_none());
    if too_few || nothing || elsewhere(request, rounds) || rows.iter().any(is_open) {
        return Outcome::CannotTell;
    }
    Outcome::AllClear
}

#[cfg(test)]
mod tests;
