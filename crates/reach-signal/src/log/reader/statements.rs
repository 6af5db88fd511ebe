//! The log of a database: what it says of its statements.

use std::collections::BTreeMap;

use reach_core::{Time, signal::Signal};

use super::{Kind, LogPlan};
use crate::{
    log::{envelope, stamp::Stamps},
    sql::{postgres_log::PostgresLog, slow_log::SlowLog},
};

/// Reads it, each process that is carried by others for itself.
pub(super) struct Statements {
    plan: LogPlan,
    /// Whether something else is around each line, as the first one tells. It stays as it is: lines of statements may
    /// look like anything.
    is_carried: Option<bool>,
    main: One,
    others: BTreeMap<String, One>,
}

struct One {
    log: Log,
    /// Where what is open begins.
    from: u64,
    fed: Time,
}

enum Log {
    Mysql(Box<SlowLog>),
    Postgres(Box<PostgresLog>),
}

impl Statements {
    /// If the plan says that it is the log of a database.
    pub(super) fn new(plan: &LogPlan) -> Option<Self> {
        let main = One::new(plan)?;
        Some(Self { plan: plan.clone(), is_carried: None, main, others: BTreeMap::new() })
    }

    /// A line that begins at `from`, was written and read at these times. Gives where to go on in a journal, if it is of
    /// one.
    pub(super) fn line(
        &mut self,
        line: &str,
        stamps: &mut Stamps,
        (written, now): (Time, Time),
        from: u64,
        out: &mut Vec<Signal>,
    ) -> Option<String> {
        if self.is_carried != Some(false) {
            let mut inner = envelope::open(line, stamps, written);
            let is_carried = *self.is_carried.get_or_insert_with(|| !inner.stream.is_empty());
            if is_carried {
                let streams = self.plan.limits.streams.max(1);
                if !self.others.contains_key(&*inner.stream) && self.others.len() >= streams {
                    self.end_oldest(now, out);
                }
                if let Some(new) = One::new(&self.plan) {
                    let one = self.others.entry(inner.stream.into_owned()).or_insert(new);
                    for line in inner.text.split('\n') {
                        one.line(line, inner.at.unwrap_or(written), now, from, out);
                    }
                }
                return inner.cursor.take();
            }
        }
        self.main.line(line, written, now, from, out);
        None
    }

    /// Gives what nothing was added to since then.
    pub(super) fn settle(&mut self, until: Time, now: Time, out: &mut Vec<Signal>) {
        for one in std::iter::once(&mut self.main).chain(self.others.values_mut()) {
            if one.fed <= until {
                out.extend(one.log.rest(now));
            }
        }
    }

    /// Where the first statement begins that may go on.
    pub(super) fn open_from(&self) -> Option<u64> {
        let all = std::iter::once(&self.main).chain(self.others.values());
        all.filter(|one| one.log.is_open()).map(|one| one.from).min()
    }

    fn end_oldest(&mut self, now: Time, out: &mut Vec<Signal>) {
        let oldest = self.others.iter().min_by_key(|(_, one)| one.fed).map(|(name, _)| name.clone());
        if let Some(mut one) = oldest.and_then(|name| self.others.remove(&name)) {
            out.extend(one.log.rest(now));
        }
    }
}

impl One {
    fn new(plan: &LogPlan) -> Option<Self> {
        let log = match plan.kind {
            Kind::MysqlSlow => Log::Mysql(Box::new(SlowLog::new(plan.origin.clone()))),
            Kind::Postgres => {
                Log::Postgres(Box::new(PostgresLog::new(plan.origin.clone(), plan.zone.clone())))
            }
            Kind::Auto | Kind::Application | Kind::Access => return None,
        };
        Some(Self { log, from: 0, fed: Time::default() })
    }

    fn line(&mut self, line: &str, written: Time, now: Time, from: u64, out: &mut Vec<Signal>) {
        let was_open = self.log.is_open();
        let told = match &mut self.log {
            Log::Mysql(log) => log.line(written, line),
            Log::Postgres(log) => log.line(written, line),
        };
        if !was_open || told.is_some() {
            self.from = from;
        }
        self.fed = now;
        out.extend(told);
    }
}

impl Log {
    fn is_open(&self) -> bool {
        match self {
            Log::Mysql(log) => log.is_open(),
            Log::Postgres(log) => log.is_open(),
        }
    }

    fn rest(&mut self, now: Time) -> Option<Signal> {
        match self {
            Log::Mysql(log) => log.rest(now),
            Log::Postgres(log) => log.rest(now),
        }
    }
}
