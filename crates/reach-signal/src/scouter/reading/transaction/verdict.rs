//! What one transaction says: whom it tried to reach, what failed, and whether whoever asked was served.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use reach_core::signal::{Attempt, Failure, FailureClass, Fault, HostFrom, Statement, Word};

use super::{
    super::{
        OTHER_METHOD,
        digest::{Call, Digest, Try},
        scrub,
    },
    Waiting,
};
use crate::{
    exception,
    scouter::dictionary::{Dictionary, TextKind},
};

/// How the error of a slow statement begins: it is an error in name only.
const SLOW: &str = "warning slow sql";

/// How many errors are remembered with what they mean.
const MEANINGS: usize = 1000;

/// How many failed statements of one transaction are told.
const STATEMENTS: usize = 8;

/// What a transaction says.
pub(super) struct Verdict {
    pub(super) words: Vec<Word>,
    /// It is marked as an error, and whoever asked was served: by an address that was tried later.
    pub(super) late: bool,
}

/// Judges a transaction by all that is known of it.
pub(super) fn judge(waiting: &Waiting, dictionary: &mut Dictionary, meanings: &mut Meanings) -> Verdict {
    let empty = Digest::default();
    let digest = waiting.digest.as_ref().unwrap_or(&empty);
    let mut texts = Texts { dictionary, meanings };
    let mut words = Vec::new();
    let mut failures = Vec::new();
    let mut masked = BTreeSet::new();

    let mut calls: Vec<&Call> = digest.calls.iter().collect();
    calls.sort_by_key(|call| call.index);
    for call in calls {
        let seen = Seen::of(call, digest, &mut texts);
        words.extend(seen.attempts.iter().cloned().map(Word::Attempt));
        masked.extend(seen.masked);
        failures.extend(seen.failure);
    }
    let lone = digest.lone_tries();
    for tried in &lone {
        let failed = texts.failure(tried.error);
        words.extend(attempt(None, tried, tried.port, failed.as_ref().map(|failure| failure.class), None));
        failures.extend(failed.map(|failure| Failure {
            address: tried.address,
            addresses: tried.address.into_iter().collect(),
            port: Some(tried.port).filter(|port| *port != 0),
            ..failure
        }));
    }

    let error = texts.text(TextKind::Error, waiting.kind.error);
    let own = texts.failure(waiting.kind.error).map(|own| towards_database(own, digest, &mut texts));
    let is_slow = error.as_deref().is_some_and(|text| text.starts_with(SLOW));
    let statements = statements(digest, is_slow, &mut texts);
    let late = failures.is_empty() && statements.is_empty() && masked.contains(&waiting.kind.error);
    let told = !failures.is_empty() || !statements.is_empty() || late || is_slow;
    words.extend(statements.into_iter().map(Word::Statement));
    if let Some(first) = failures.into_iter().next() {
        words.push(Word::Failure(first));
    } else if let Some(own) = own.filter(|_| !told) {
        words.push(Word::Failure(own));
    } else if let Some(error) = error.filter(|_| !told) {
        words.push(Word::Fault(fault(&error)));
    }
    Verdict { words, late }
}

/// The attempts of a transaction in which nothing failed.
pub(super) fn attempts_of_good(digest: &Digest) -> Vec<Word> {
    let of_calls = digest.calls.iter().flat_map(|call| {
        let (host, port) = destination(call);
        let tries = digest.tries_of(call).into_iter();
        tries.filter_map(move |tried| attempt(host.clone(), tried, port_of(tried, port), None, None))
    });
    let lone = digest.lone_tries();
    let lone = lone.into_iter().filter_map(|tried| attempt(None, tried, tried.port, None, None));
    of_calls.chain(lone).collect()
}

/// Texts and what they mean.
struct Texts<'a> {
    dictionary: &'a mut Dictionary,
    meanings: &'a mut Meanings,
}

/// What errors mean that were judged lately, by the hashes of their texts: in a storm they are always the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Meanings(BTreeMap<i32, Option<Failure>>);

impl Texts<'_> {
    fn text(&mut self, kind: TextKind, hash: i32) -> Option<String> {
        if hash == 0 { None } else { self.dictionary.text(kind, hash).map(str::to_owned) }
    }

    /// The database to which a method opens a connection, if it does.
    fn opens(&mut self, method: i32) -> Option<String> {
        self.text(TextKind::Method, method).filter(|text| text != OTHER_METHOD)
    }

    /// The database of a statement: the one to which a connection was opened last before it.
    fn database(&mut self, digest: &Digest, statement: i32) -> Option<String> {
        digest.methods_before(statement).find_map(|method| self.opens(method))
    }

    fn failure(&mut self, error: i32) -> Option<Failure> {
        if let Some(known) = self.meanings.0.get(&error) {
            return known.clone();
        }
        let text = self.text(TextKind::Error, error)?;
        let failure = exception::short(&text);
        if self.meanings.0.len() >= MEANINGS {
            self.meanings.0.clear();
        }
        self.meanings.0.insert(error, failure.clone());
        failure
    }
}

/// A failure that names no destination, with that of the database to which the transaction did not come further than to
/// open a connection.
fn towards_database(failure: Failure, digest: &Digest, texts: &mut Texts<'_>) -> Failure {
    let last = digest.statements.iter().map(|ran| ran.index).max().unwrap_or(-1);
    let opened = digest.methods.range(last + 1..).rev().find_map(|(_, hash)| texts.opens(*hash));
    match opened.as_deref().and_then(scrub::database_destination) {
        Some((host, port)) if failure.host.is_none() => Failure {
            address: host.parse().ok().or(failure.address),
            host: Some(host),
            host_from: Some(HostFrom::Context),
            port: port.or(failure.port),
            ..failure
        },
        _ => failure,
    }
}

/// What one call to another service says.
struct Seen {
    attempts: Vec<Attempt>,
    /// The call failed on the network.
    failure: Option<Failure>,
    /// Errors of attempts behind which a later attempt of the same call succeeded.
    masked: BTreeSet<i32>,
}

impl Seen {
    fn of(call: &Call, digest: &Digest, texts: &mut Texts<'_>) -> Seen {
        let (host, said_port) = destination(call);
        let tries = digest.tries_of(call);
        let of_call = texts.failure(call.error);
        let last_good = tries.iter().rposition(|tried| tried.error == 0);
        // A client that does not wait for its connections says nothing of them; the call does.
        let unseen = of_call
            .as_ref()
            .map(|failure| failure.class)
            .filter(|class| is_connecting(*class) && tries.iter().all(|tried| tried.error == 0));

        let mut seen = Seen { attempts: Vec::new(), failure: None, masked: BTreeSet::new() };
        let mut failed_try: Option<(&Try, Failure)> = None;
        for (number, tried) in tries.iter().enumerate() {
            let port = port_of(tried, said_port);
            let is_last = number + 1 == tries.len();
            let class = match texts.failure(tried.error) {
                _ if tried.error == 0 => match unseen {
                    Some(_) if !is_last => continue,
                    // Why the call failed is not known; it may be that this attempt did.
                    None if call.error != 0 && of_call.is_none() => continue,
                    class => class,
                },
                Some(failure) => {
                    let class = failure.class;
                    failed_try = Some((tried, failure));
                    Some(class)
                }
                None => continue,
            };
            let masked = tried.error != 0 && call.error == 0 && last_good.is_some_and(|good| good > number);
            if masked {
                seen.masked.insert(tried.error);
            }
            let served = match class {
                None => None,
                Some(_) if call.error != 0 => Some(false),
                Some(_) => masked.then_some(true),
            };
            seen.attempts.extend(attempt_of(host.clone(), tried, port, class, served));
        }
        if call.error != 0 {
            seen.failure = failure(host, said_port, &tries, failed_try, of_call);
        }
        seen
    }
}

/// What a failed call says went wrong, if it was on the network.
fn failure(
    host: Option<String>,
    said_port: Option<u16>,
    tries: &[&Try],
    failed_try: Option<(&Try, Failure)>,
    of_call: Option<Failure>,
) -> Option<Failure> {
    let failed: BTreeSet<IpAddr> =
        tries.iter().filter(|tried| tried.error != 0).filter_map(|t| t.address).collect();
    // An attempt's error has the exception's class; a call's has only its message, but may list addresses.
    let listed = of_call.as_ref().map(|failure| failure.addresses.clone()).unwrap_or_default();
    let (tried, found) = match failed_try {
        Some((tried, found)) => (Some(tried), found),
        None => (tries.last().copied(), of_call?),
    };
    let port = said_port.or_else(|| tried.map(|tried| tried.port).filter(|port| *port != 0)).or(found.port);
    Some(Failure {
        host_from: host.as_ref().map(|_| HostFrom::Context).or(found.host_from),
        host: host.or(found.host),
        address: tried.and_then(|tried| tried.address).or(found.address),
        addresses: found.addresses.into_iter().chain(listed).chain(failed).collect(),
        port,
        ..found
    })
}

/// Whether a failure is one of connecting.
fn is_connecting(class: FailureClass) -> bool {
    matches!(class, FailureClass::ConnectTimeout | FailureClass::Refused | FailureClass::Unreachable)
}

fn destination(call: &Call) -> (Option<String>, Option<u16>) {
    match call.address.as_deref().and_then(scrub::destination) {
        Some((host, port)) => (Some(host), port),
        None => (None, None),
    }
}

fn port_of(tried: &Try, said: Option<u16>) -> u16 {
    if tried.port == 0 { said.unwrap_or(0) } else { tried.port }
}

fn attempt(
    host: Option<String>,
    tried: &Try,
    port: u16,
    failed: Option<FailureClass>,
    served: Option<bool>,
) -> Option<Word> {
    if tried.error != 0 && failed.is_none() {
        return None;
    }
    attempt_of(host, tried, port, failed, served).map(Word::Attempt)
}

fn attempt_of(
    host: Option<String>,
    tried: &Try,
    port: u16,
    failed: Option<FailureClass>,
    served: Option<bool>,
) -> Option<Attempt> {
    let address = tried.address.filter(|_| port != 0)?;
    Some(Attempt { host, address, port, elapsed: Some(Duration::from_millis(tried.millis)), failed, served })
}

/// The statements that failed, or the one that took too long.
fn statements(digest: &Digest, is_slow: bool, texts: &mut Texts<'_>) -> Vec<Statement> {
    let failed = digest.statements.iter().filter(|ran| ran.error != 0).take(STATEMENTS);
    let slow = digest.slowest().filter(|ran| is_slow && ran.error == 0);
    let mut statements = Vec::new();
    for ran in failed.chain(slow) {
        let error = texts.text(TextKind::Error, ran.error);
        if let Some(text) = texts.text(TextKind::Sql, ran.hash) {
            statements.push(Statement {
                database: texts.database(digest, ran.index),
                text: scrub::statement(&text),
                elapsed: Some(Duration::from_millis(ran.millis)),
                count: 1,
                // An error that says that the statement was slow is none.
                error: error.filter(|text| !text.starts_with(SLOW)).map(|text| scrub::database_error(&text)),
                waits: None,
            });
        }
    }
    statements
}

/// An error that names no destination.
fn fault(error: &str) -> Fault {
    let name = error.split(':').next().unwrap_or_default().trim();
    let is_name =
        name.contains('.') && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '$'));
    Fault { name: is_name.then(|| name.to_owned()), text: scrub::database_error(error) }
}
