//! What a profile says of connections and statements: all that is kept of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::super::{
    dictionary::TextKind,
    wire::{Address, Step, steps},
};

/// How many calls, attempts or statements of one transaction are kept.
const MOST: usize = 256;

/// How many steps of a profile are looked at.
const STEPS: usize = 100_000;

/// What a transaction did that matters here.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Digest {
    pub(super) calls: Vec<Call>,
    pub(super) tries: Vec<Try>,
    pub(super) statements: Vec<Ran>,
    /// Methods, by index, and the hashes of their names: some open connections to databases. Only the last ones are
    /// kept.
    pub(super) methods: BTreeMap<i32, i32>,
}

/// A call to another service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    pub(super) index: i32,
    /// `host:port` as the program wrote it.
    pub(super) address: Option<String>,
    pub(super) error: i32,
}

/// One connection attempt.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Try {
    pub(super) index: i32,
    pub(super) parent: i32,
    /// `None` where the name was not resolved.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
    pub(super) millis: u64,
    pub(super) error: i32,
}

/// A statement, without its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ran {
    pub(super) index: i32,
    pub(super) hash: i32,
    pub(super) millis: u64,
    pub(super) error: i32,
}

impl Digest {
    /// What a profile says, as far as it can be read.
    pub(super) fn of(profile: &[u8]) -> Digest {
        let mut digest = Digest::default();
        for step in steps(profile).take(STEPS).map_while(Result::ok) {
            digest.take(&step);
        }
        digest
    }

    /// More of the same transaction. What is there already came twice.
    pub(super) fn add(&mut self, more: Digest) {
        add(&mut self.calls, more.calls, |call| call.index);
        add(&mut self.tries, more.tries, |tried| tried.index);
        add(&mut self.statements, more.statements, |ran| ran.index);
        for (index, hash) in more.methods {
            self.method(index, hash);
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Socket(socket) => {
                let tried = Try {
                    index: socket.at.index,
                    parent: socket.at.parent,
                    address: address(&socket.ipaddr.0),
                    port: u16::try_from(socket.port).unwrap_or(0),
                    millis: millis(socket.elapsed),
                    error: socket.error,
                };
                push(&mut self.tries, tried);
            }
            Step::ApiCall(call) => self.call(call.at.index, &call.address, call.error),
            Step::ApiCall2(call) => self.call(call.at.index, &call.address, call.error),
            Step::Dispatch(call) => self.call(call.at.index, &call.address, call.error),
            Step::SpanCall(call) => self.call(call.at.index, &call.address, call.error),
            Step::Sql(sql) => self.statement(sql.at.index, sql.hash, sql.elapsed, sql.error),
            Step::Sql2(sql) => self.statement(sql.at.index, sql.hash, sql.elapsed, sql.error),
            Step::Sql3(sql) => self.statement(sql.at.index, sql.hash, sql.elapsed, sql.error),
            Step::Method(method) => self.method(method.at.index, method.hash),
            Step::Method2(method) => self.method(method.at.index, method.hash),
            _ => {}
        }
    }

    fn method(&mut self, index: i32, hash: i32) {
        self.methods.insert(index, hash);
        if self.methods.len() > MOST {
            self.methods.pop_first();
        }
    }

    fn call(&mut self, index: i32, address: &Address, error: i32) {
        push(&mut self.calls, Call { index, address: address.address.clone(), error });
    }

    fn statement(&mut self, index: i32, hash: i32, elapsed: i32, error: i32) {
        let ran = Ran { index, hash, millis: millis(elapsed), error };
        if self.statements.len() < MOST {
            self.statements.push(ran);
        } else if let Some(quickest) =
            self.statements.iter_mut().min_by_key(|ran| (ran.error != 0, ran.millis))
            && (quickest.error != 0, quickest.millis) < (error != 0, ran.millis)
        {
            *quickest = ran;
        }
    }

    /// Whether something in it went wrong.
    pub(super) fn has_errors(&self) -> bool {
        self.calls.iter().any(|call| call.error != 0) || self.tries.iter().any(|tried| tried.error != 0)
    }

    /// The attempts that belong to a call, in the order in which they were made.
    pub(super) fn tries_of(&self, call: &Call) -> Vec<&Try> {
        let mut tries: Vec<&Try> = self.tries.iter().filter(|tried| tried.parent == call.index).collect();
        tries.sort_by_key(|tried| tried.index);
        tries
    }

    /// The attempts that belong to no call, in the order in which they were made.
    pub(super) fn lone_tries(&self) -> Vec<&Try> {
        let calls: BTreeSet<i32> = self.calls.iter().map(|call| call.index).collect();
        let mut tries: Vec<&Try> = self.tries.iter().filter(|tried| !calls.contains(&tried.parent)).collect();
        tries.sort_by_key(|tried| tried.index);
        tries
    }

    /// The slowest statement.
    pub(super) fn slowest(&self) -> Option<&Ran> {
        self.statements.iter().max_by_key(|ran| ran.millis)
    }

    /// The hashes of methods that may have opened the connection of a step, the likeliest first.
    pub(super) fn methods_before(&self, index: i32) -> impl Iterator<Item = i32> + '_ {
        self.methods.range(..index).rev().map(|(_, hash)| *hash)
    }

    /// The hashes whose texts are needed to say what went wrong.
    pub(super) fn hashes(&self) -> impl Iterator<Item = (TextKind, i32)> + '_ {
        let errors =
            self.calls.iter().map(|call| call.error).chain(self.tries.iter().map(|tried| tried.error));
        let failed = self.statements.iter().filter(|ran| ran.error != 0);
        let statements = failed.flat_map(|ran| [(TextKind::Error, ran.error), (TextKind::Sql, ran.hash)]);
        errors.map(|hash| (TextKind::Error, hash)).chain(statements).filter(|(_, hash)| *hash != 0)
    }
}

fn add<T>(items: &mut Vec<T>, more: Vec<T>, index: fn(&T) -> i32) {
    let there: BTreeSet<i32> = items.iter().map(index).collect();
    items.extend(more.into_iter().filter(|item| !there.contains(&index(item))));
    items.truncate(MOST);
}

fn push<T>(items: &mut Vec<T>, item: T) {
    if items.len() < MOST {
        items.push(item);
    }
}

fn millis(elapsed: i32) -> u64 {
    u64::try_from(elapsed).unwrap_or(0)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
        .filter(|address| !address.is_unspecified())
}
