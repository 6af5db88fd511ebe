//! What this host and databases say: files of the kernel, tables of sockets, counters of JVMs, statements.

use std::collections::BTreeSet;

use reach_core::{
    Time,
    signal::{Level, Origin, Signal, Word},
};
use reach_signal::{
    host::{
        counters::TcpCounters,
        diag::Dump,
        gauges,
        hsperf::{Jvm, Pulse},
        mounts,
        ports::{Census, PortRange},
        sockets::{Socket, proc_sockets},
    },
    sql::{
        normal::{self, Dialect, normalise},
        postgres_log::PostgresLog,
        slow_log::SlowLog,
    },
};

/// Two texts of `/proc` or `/sys`, parted by a NUL.
pub fn host_files(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (one, two) = text.split_once('\0').unwrap_or((&text, ""));
    let all = mounts::mounts(one);
    let watched = mounts::watched(&all);
    let devices: BTreeSet<_> = watched.iter().map(|mount| mount.device).collect();
    assert_eq!(devices.len(), watched.len(), "a file system is watched twice");
    assert!(watched.iter().all(|mount| !mount.read_only));
    let mut levels = gauges::memory(one);
    levels.extend(gauges::group_memory("x", one, two, two));
    levels.extend(gauges::group_memory_v1("x", one, two, two));
    let _ = gauges::group_v1(one, two);
    levels.extend(gauges::load(one, gauges::processors(two)));
    levels.extend(gauges::pressure("io", one));
    levels.extend(gauges::files(one));
    levels.extend(gauges::conntrack(one, two));
    if let (Some(now), Some(then)) = (TcpCounters::parse(one, two), TcpCounters::parse(two, one))
        && let Some(between) = now.since(&then)
    {
        let shares = between.levels();
        assert!(shares.iter().all(|level| level.share <= 1.0));
        levels.extend(shares);
    }
    levels.iter().for_each(assert_level);
    let _ =
        (gauges::group(one).and_then(gauges::unit), gauges::file_limit(one), gauges::processor_ticks(one));
    let _ = gauges::sockstat(one, "TCP:", "orphan");
    if let Some(range) = PortRange::parse(one, two) {
        assert!(range.size() <= 65_536);
    }
}

fn assert_level(level: &Level) {
    assert!(level.share.is_finite() && level.share >= 0.0, "{level:?}");
}

/// Answers of netlink: a byte for the cut between two datagrams, then both.
pub fn sock_diag(bytes: &[u8]) {
    let Some((&cut, rest)) = bytes.split_first() else { return };
    let (one, two) = rest.split_at(usize::from(cut).min(rest.len()));
    let mut dump = Dump::new(1);
    let mut census = Census::new(PortRange::parse("32768 60999", "").expect("a range"), 0);
    for datagram in [one, two] {
        let mut found = 0;
        dump.take(datagram, |socket| {
            found += 1;
            take(&mut census, &socket);
        });
        assert!(found <= datagram.len() / 88, "more sockets than there is room for");
    }
}

/// `/proc/net/tcp` or `tcp6`.
pub fn socket_table(bytes: &[u8]) {
    let mut census = Census::new(PortRange::parse("1 65535", "80").expect("a range"), 2);
    let mut found = 0;
    let strange = proc_sockets(bytes, |socket| {
        found += 1;
        take(&mut census, &socket);
    });
    let lines = bytes.split(|&byte| byte == b'\n').count() as u64;
    assert!(found + strange <= lines);
    census.levels(8).iter().for_each(assert_level);
}

fn take(census: &mut Census, socket: &Socket) {
    let _ = socket.age();
    census.count(socket);
}

/// The counters of a JVM.
pub fn hsperf(bytes: &[u8]) {
    let Ok(jvm) = Jvm::parse(bytes) else { return };
    assert!(jvm.main.as_deref().is_none_or(|main| !main.chars().any(char::is_control)));
    let mut pulse = Pulse::default();
    for second in 1..3 {
        pulse.levels(Time::from_micros(second * 1_000_000), "jvm", &jvm).iter().for_each(assert_level);
    }
}

/// A statement of PostgreSQL or MySQL: a byte for which.
pub fn statement(bytes: &[u8]) {
    let Some((&choice, text)) = bytes.split_first() else { return };
    let dialect = if choice & 1 == 0 { Dialect::Postgres } else { Dialect::Mysql };
    assert_statement(&normalise(&String::from_utf8_lossy(text), dialect));
}

fn assert_statement(line: &str) {
    assert!(line.chars().count() <= normal::MOST);
    assert!(!line.chars().any(char::is_control));
}

/// A slow log of MySQL or MariaDB.
pub fn slow_log(bytes: &[u8]) {
    let mut log = SlowLog::new(Origin::default());
    let text = String::from_utf8_lossy(bytes);
    let now = Time::from_micros(1);
    let signals: Vec<Signal> = text.lines().filter_map(|line| log.line(now, line)).collect();
    assert_told(text.lines().count(), signals.into_iter().chain(log.rest(now)));
}

/// A log of PostgreSQL.
pub fn postgres_log(bytes: &[u8]) {
    let mut log = PostgresLog::new(Origin::default(), jiff::tz::TimeZone::UTC);
    let text = String::from_utf8_lossy(bytes);
    let now = Time::from_micros(1_710_200_000_000_000);
    let signals: Vec<Signal> = text.lines().filter_map(|line| log.line(now, line)).collect();
    assert_told(text.lines().count(), signals.into_iter().chain(log.rest(now)));
}

fn assert_told(lines: usize, signals: impl Iterator<Item = Signal>) {
    let mut told = 0;
    for signal in signals {
        told += 1;
        let Word::Statement(statement) = signal.word else { panic!("something else than a statement") };
        assert_statement(&statement.text);
    }
    assert!(told <= lines, "more statements than lines");
}
