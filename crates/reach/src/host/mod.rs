//! What this host says without being asked by any application: levels, attempts to connect, JVMs.
//!
//! [`HostReader`] looks; what the files and answers mean is decided in `reach_signal::host`. A look costs some files of
//! `/proc`, so it has a thread of its own ([`HostWatch`]), never that which probes.
//!
//! Without any privilege it sees all levels of the host, the descriptors of all processes (Linux 6.2 and later), and the
//! sockets of all users in all network namespaces. Which process a socket belongs to and the counters of a JVM are shown
//! to their user only, and to `CAP_SYS_PTRACE` with `CAP_DAC_READ_SEARCH`: how many processes are hidden is said once. The
//! range of source ports of another network namespace is shown to `CAP_SYS_ADMIN` only.

mod disks;
mod files;
mod jvms;
mod processes;
pub mod settings;
mod sockets;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use reach_core::{
    Time,
    signal::{Gauge, Level, Origin, Signal, Word},
};
use reach_signal::host::{
    connects::{self, Connects, Owner, Patience, Seen},
    counters::{Meter, TcpCounters},
    gauges,
    sockets::{Socket, State},
};

pub use self::watch::HostWatch;
use self::{
    disks::Disks,
    files::Roots,
    jvms::Jvms,
    settings::{HostSettings, Scope},
    sockets::{Look, Tables},
};

/// What these signals name as their source.
pub const SOURCE: &str = "host";

/// How often namespaces of containers are looked for.
const FIND_EVERY: Duration = Duration::from_secs(5);
/// The most things of one gauge that are told at a time: destinations, processes, groups.
const MOST_OF_ONE: usize = 8;
/// The most attempts that are told at a time.
const MOST_TOLD: usize = 1_000;

/// The names of watched addresses.
pub type Names = BTreeMap<IpAddr, String>;

/// Looks at this host.
#[derive(Debug)]
pub struct HostReader {
    settings: HostSettings,
    roots: Roots,
    names: Names,
    tables: Tables,
    connects: Connects,
    disks: Disks,
    jvms: Jvms,
    tcp: Meter<TcpCounters>,
    ticks: Meter<(u64, u64)>,
    levels_due: Option<Time>,
    find_due: Option<Time>,
    own_command: Option<String>,
    /// Whose the sockets are that wait and have repeated their SYN. Found while they are there: of one that was given up
    /// nobody can tell any more.
    owners: BTreeMap<u64, Owner>,
    /// The kernel does not tell of sockets, and that was said.
    blind: bool,
    /// How many processes may not be looked into was said.
    has_said_hidden: bool,
}

impl HostReader {
    /// Nothing has been looked at yet.
    pub fn new(settings: HostSettings) -> Self {
        let roots = Roots::default();
        let patience = Patience { blocked: settings.blocked_after, ..Patience::default() };
        Self {
            own_command: processes::command(&roots.proc.join("self")),
            settings,
            roots,
            names: Names::new(),
            tables: Tables::default(),
            connects: Connects::new(patience),
            disks: Disks::new(),
            jvms: Jvms::default(),
            tcp: Meter::default(),
            ticks: Meter::default(),
            owners: BTreeMap::new(),
            levels_due: None,
            find_due: None,
            blind: false,
            has_said_hidden: false,
        }
    }

    /// The addresses of targets as they are known now.
    pub fn watch(&mut self, names: Names) {
        self.names = names;
    }

    /// Looks once, at `now`: at attempts to connect each time, at levels when it is their turn. Takes some milliseconds;
    /// with remote file systems that do not answer two seconds at most.
    pub fn read(&mut self, now: Time) -> Vec<Signal> {
        let mut signals = Vec::new();
        if self.settings.connects != Scope::Off {
            self.read_connects(now, &mut signals);
        }
        if self.levels_due.is_none_or(|due| now >= due || due.since(now) > self.settings.every) {
            self.levels_due = Some(now + self.settings.every);
            self.read_levels(now, &mut signals);
        }
        signals
    }

    fn read_connects(&mut self, now: Time, signals: &mut Vec<Signal>) {
        // Before the table is read: what is opened and closed in between has no repeated SYN yet.
        let own = processes::own_sockets(&self.roots);
        let mut looks = Vec::new();
        match self.tables.waiting() {
            Ok(look) => looks.push((0, look)),
            Err(_) if self.blind => {}
            Err(_) => {
                self.blind = true;
                signals.push(said(now, Word::Lost { what: "sockets".to_owned(), count: 1 }));
            }
        }
        if self.settings.containers {
            if self.find_due.is_none_or(|due| now >= due || due.since(now) > FIND_EVERY) {
                self.find_due = Some(now + FIND_EVERY);
                let gone = self.tables.find_others(&self.roots, &processes::all(&self.roots));
                gone.into_iter().for_each(|namespace| self.connects.leave(namespace));
            }
            for namespace in self.tables.others() {
                match self.tables.look_at(&self.roots, namespace) {
                    Some(look) => looks.push((namespace, look)),
                    // Its process has ended; another may be found at the next turn.
                    None => self.connects.leave(namespace),
                }
            }
        }
        for (_, look) in &mut looks {
            look.waiting.retain(|socket| !own.contains(&socket.inode) && self.concerns(socket));
        }
        let waiting = looks.iter().flat_map(|(_, look)| &look.waiting);
        let repeating: BTreeSet<u64> = waiting
            .filter(|socket| socket.retransmits > 0 && socket.inode != 0)
            .map(|socket| socket.inode)
            .collect();
        self.find_owners(&repeating);
        let mut news = Vec::new();
        for (namespace, look) in looks {
            news.extend(self.follow(now, namespace, look));
        }
        self.tell(now, news, signals);
        self.owners.retain(|inode, _| repeating.contains(inode));
    }

    fn find_owners(&mut self, of: &BTreeSet<u64>) {
        let wanted: BTreeSet<u64> =
            of.iter().copied().filter(|inode| !self.owners.contains_key(inode)).collect();
        if wanted.is_empty() {
            return;
        }
        let mut found = processes::owners(&self.roots, &wanted);
        // Who is not found now will not be found later either.
        self.owners.extend(wanted.into_iter().map(|inode| (inode, found.remove(&inode).unwrap_or_default())));
    }

    fn follow(&mut self, now: Time, namespace: u64, look: Look) -> Vec<Seen> {
        let waiting: Vec<Socket> = look.waiting;
        let gone: BTreeSet<_> =
            self.connects.gone(namespace, &waiting).into_iter().map(|key| key.flow).collect();
        let after = match look.others {
            Some(others) => others,
            None if gone.is_empty() => BTreeMap::new(),
            None => self.tables.look_up(&gone),
        };
        self.connects.look(now, namespace, &waiting, &after)
    }

    fn concerns(&self, socket: &Socket) -> bool {
        let address = socket.remote.ip();
        match self.settings.connects {
            Scope::Off => false,
            Scope::Watched => self.names.contains_key(&address),
            Scope::All => !address.is_loopback() && address != socket.local.ip(),
        }
    }

    fn tell(&mut self, now: Time, mut news: Vec<Seen>, signals: &mut Vec<Signal>) {
        let lost = news.len().saturating_sub(MOST_TOLD) as u64 + self.connects.take_unfollowed();
        news.truncate(MOST_TOLD);
        for seen in &news {
            let owner = self.owners.get(&seen.key.inode).cloned().unwrap_or_default();
            if !self.is_reach(&owner) {
                let name = self.names.get(&seen.key.flow.remote.ip()).map(String::as_str);
                signals.push(connects::signal(seen, SOURCE, name, &owner));
            }
        }
        if lost > 0 {
            signals.push(said(now, Word::Lost { what: "connects".to_owned(), count: lost }));
        }
    }

    /// Another process of this program probes too: somebody's `reach check` beside this watch.
    fn is_reach(&self, owner: &Owner) -> bool {
        owner.command.is_some() && owner.command == self.own_command
    }

    fn read_levels(&mut self, now: Time, signals: &mut Vec<Signal>) {
        let processes = processes::all(&self.roots);
        if !std::mem::replace(&mut self.has_said_hidden, true) {
            let hidden = processes::hidden(&self.roots, &processes);
            if hidden > 0 {
                signals.push(said(now, Word::Lost { what: "processes".to_owned(), count: hidden }));
            }
        }
        if self.settings.containers {
            let gone = self.tables.find_others(&self.roots, &processes);
            gone.into_iter().for_each(|namespace| self.connects.leave(namespace));
        }
        let (mut levels, words) = self.disks.look(&self.roots, &self.settings);
        levels.extend(self.simple_levels());
        levels.extend(self.group_levels(&processes));
        levels.extend(processes::descriptors(&self.roots, &processes, MOST_OF_ONE));
        levels.extend(self.counted_levels(now));
        levels.extend(self.socket_levels());
        signals
            .extend(words.into_iter().chain(levels.into_iter().map(Word::Level)).map(|word| said(now, word)));
        if self.settings.jvms {
            signals.extend(self.jvms.look(now, &self.roots, &processes));
        }
        signals.retain(|signal| match &signal.word {
            Word::Level(level) => !self.settings.exclude.contains(&level.gauge),
            _ => true,
        });
    }

    /// Levels that one or two files tell.
    fn simple_levels(&self) -> Vec<Level> {
        let text = |path: &str| self.roots.text(path);
        let mut levels = gauges::memory(&text("meminfo"));
        levels.extend(gauges::load(&text("loadavg"), gauges::processors(&text("stat"))));
        for resource in ["cpu", "memory", "io"] {
            levels.extend(gauges::pressure(resource, &text(&format!("pressure/{resource}"))));
        }
        levels.extend(gauges::files(&text("sys/fs/file-nr")));
        let table = |name: &str| text(&format!("sys/net/netfilter/nf_conntrack_{name}"));
        levels.extend(gauges::conntrack(&table("count"), &table("max")));
        levels
    }

    /// The control groups that are nearest their limit of memory.
    fn group_levels(&self, processes: &[u32]) -> Vec<Level> {
        let all: Vec<String> =
            processes.iter().map(|process| self.roots.text(format!("{process}/cgroup"))).collect();
        let top = self.roots.sys.join("fs/cgroup");
        let mut levels: Vec<Level> = with_parents(all.iter().filter_map(|text| gauges::group(text)))
            .into_iter()
            .filter_map(|group| {
                let file = |name: &str| files::text(&top.join(group.trim_start_matches('/')).join(name));
                let (max, current, stat) = (file("memory.max"), file("memory.current"), file("memory.stat"));
                gauges::group_memory(&name_of(group), &max, &current, &stat)
            })
            .collect();
        let top = top.join("memory");
        levels.extend(
            with_parents(all.iter().filter_map(|text| gauges::group_v1(text, "memory")))
                .into_iter()
                .filter_map(|group| {
                    let file = |name: &str| {
                        files::text(&top.join(group.trim_start_matches('/')).join(format!("memory.{name}")))
                    };
                    let (limit, usage, stat) = (file("limit_in_bytes"), file("usage_in_bytes"), file("stat"));
                    gauges::group_memory_v1(&name_of(group), &limit, &usage, &stat)
                }),
        );
        levels.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.of.cmp(&b.of)));
        levels.truncate(MOST_OF_ONE);
        levels
    }

    /// Levels of what was counted since the last look.
    fn counted_levels(&mut self, now: Time) -> Vec<Level> {
        let mut levels = Vec::new();
        let text = |path: &str| self.roots.text(path);
        if let Some(counters) =
            TcpCounters::parse(&text("thread-self/net/snmp"), &text("thread-self/net/netstat"))
            && let Some((before, _)) = self.tcp.turn(now, counters)
            && let Some(between) = counters.since(&before)
        {
            levels.extend(between.levels());
        }
        if let Some(ticks) = gauges::processor_ticks(&text("stat"))
            && let Some((before, _)) = self.ticks.turn(now, ticks)
            && let (Some(busy), Some(all)) = (ticks.0.checked_sub(before.0), ticks.1.checked_sub(before.1))
            && all > 0
        {
            levels.push(Level {
                gauge: Gauge::Processor,
                of: String::new(),
                share: busy as f64 / all as f64,
                used: None,
                total: None,
            });
        }
        levels
    }

    /// Source ports of containers, each with a range of its own.
    fn ports_of_others(&self) -> Vec<Level> {
        let Some(ours) = sockets::range(&self.roots).filter(|_| self.settings.containers) else {
            return Vec::new();
        };
        let mut levels: Vec<Level> = Vec::new();
        for namespace in self.tables.others() {
            let Some((name, census)) = self.tables.census_of(&self.roots, namespace, &ours) else { continue };
            levels.extend(
                census
                    .levels(MOST_OF_ONE)
                    .into_iter()
                    .map(|level| Level { of: format!("{} ({name})", level.of), ..level }),
            );
        }
        levels.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.of.cmp(&b.of)));
        levels.truncate(MOST_OF_ONE);
        levels
    }

    /// Source ports, and sockets that pile up in one state.
    fn socket_levels(&mut self) -> Vec<Level> {
        let Some(census) = self.tables.census(&self.roots) else { return Vec::new() };
        let limit =
            |name: &str| gauges::number(&self.roots.text(format!("sys/net/ipv4/{name}"))).unwrap_or(0);
        let mut levels = census.levels(MOST_OF_ONE);
        levels.extend(self.ports_of_others());
        let waits = census.in_state(State::TimeWait);
        levels.extend(gauges::level(Gauge::Sockets, "time-wait", waits, limit("tcp_max_tw_buckets")));
        if let Some(orphans) =
            gauges::sockstat(&self.roots.text("thread-self/net/sockstat"), "TCP:", "orphan")
        {
            levels.extend(gauges::level(Gauge::Sockets, "orphan", orphans, limit("tcp_max_orphans")));
        }
        // Connections that the other side closed and the application here forgot. Some always are.
        const MANY: u64 = 100;
        let forgotten = census.in_state(State::CloseWait);
        if forgotten >= MANY {
            let open = census.in_state(State::Established).saturating_add(forgotten);
            levels.extend(gauges::level(Gauge::Sockets, State::CloseWait.code(), forgotten, open));
        }
        levels
    }
}

/// These groups and all above them, whose limits hold too: a pod's, a slice's. In a container the root is the container's
/// own.
fn with_parents<'a>(groups: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut all = BTreeSet::new();
    for group in groups.filter(|group| !group.split('/').any(|part| part == "..")) {
        let cuts = group.match_indices('/').map(|(at, _)| &group[..at]).chain([group]);
        all.extend(cuts.map(|group| group.trim_end_matches('/')));
    }
    all
}

/// What people call a group.
fn name_of(group: &str) -> String {
    gauges::unit(group).unwrap_or_else(|| if group.is_empty() { "/" } else { group }.to_owned())
}

fn said(at: Time, word: Word) -> Signal {
    let origin = Origin { source: SOURCE.to_owned(), ..Origin::default() };
    Signal { at, origin, word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_this_host_tells_its_levels() {
        let settings = HostSettings { connects: Scope::All, jvms: false, ..HostSettings::default() };
        let mut reader = HostReader::new(settings);
        let at = |seconds: u64| Time::from_micros(1_700_000_000_000_000 + seconds * 1_000_000);
        let mut signals = reader.read(at(0));
        assert!(reader.read(at(1)).iter().all(|signal| !matches!(signal.word, Word::Level(_))), "not due");
        signals.extend(reader.read(at(31)));
        let of = |gauge| {
            signals.iter().any(|signal| matches!(&signal.word, Word::Level(level) if level.gauge == gauge))
        };
        for gauge in [Gauge::DiskSpace, Gauge::Memory, Gauge::Load, Gauge::FileDescriptors, Gauge::Processor]
        {
            assert!(of(gauge), "{gauge:?} of {signals:?}");
        }
        assert!(signals.iter().all(|signal| signal.origin.source == SOURCE));
    }

    #[test]
    fn what_is_excluded_is_not_told() {
        let settings = HostSettings { exclude: vec![Gauge::Memory], jvms: false, ..HostSettings::default() };
        let signals = HostReader::new(settings).read(Time::from_micros(1));
        let is_memory =
            |signal: &Signal| matches!(&signal.word, Word::Level(level) if level.gauge == Gauge::Memory);
        assert!(!signals.iter().any(is_memory));
    }
}
