//! `--pcap`: the packets of a run as a pcapng file.
//!
//! A command opens the [`Evidence`] before it gives up privileges, has it [begin](Evidence::begin) before
//! anything is sent, gives the [journal](Witness::journal) to its [`Network`](reach_net::drive::Network), and
//! calls [`Witness::end`] when every socket of the run is closed.
//!
//! A thread of its own takes packets as they come, so that a busy run loses none, and writes each as soon as
//! the outcome of its probe is known. A run that is killed leaves a file that can be read as far as it goes.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use reach_core::{
    Time,
    model::{Outcome, Target, Vantage},
};
use reach_net::{
    drive::Clock,
    evidence::{Attempt, Attempts, Captured, Docket, Fate, synthesis::Synthesis},
    journal::Journal,
    sys::{Between, Capture, CaptureCount, Selection, Sighting, interface_name},
    wire::pcapng::{self, Direction},
};
use reach_report::{Lang, packets};

use crate::{
    cli::EvidenceArgs,
    exit::Exit,
    output::{complain, note, shown},
    words,
};

/// Room in the kernel for packets that wait to be taken, in bytes.
const ROOM: usize = 16 << 20;

/// The most that is kept of a packet. Larger ones leave only as what the interface cuts to pieces.
const MOST_OF_A_PACKET: usize = 1 << 17;

/// How often packets are taken and written.
const TICK: Duration = Duration::from_millis(50);

/// How long after the end of a run the last packets are waited for, such as the answer to a FIN.
const FAREWELL: Duration = Duration::from_millis(100);

/// A file for packets, and the right to capture them where there is one.
#[derive(Debug)]
pub struct Evidence {
    path: PathBuf,
    file: File,
    capture: io::Result<Capture>,
    lang: Lang,
}

/// Which packets may be of a run, as far as is known before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    selection: Selection,
    resolvers: Vec<SocketAddr>,
}

impl Scope {
    /// Of surveys of these targets, with these resolvers besides those of this machine.
    pub fn new(targets: &[Target], vantage: &Vantage, extra_resolvers: &[SocketAddr]) -> Self {
        let servers = &vantage.resolver.servers;
        let mut scope = Self { selection: Selection::default(), resolvers: servers.clone() };
        scope.selection.icmp = true;
        scope.selection.fragments = true;
        for target in targets {
            scope = scope.with_tcp(target.port);
        }
        for resolver in servers.iter().chain(extra_resolvers) {
            scope = scope.with_tcp(resolver.port()).with_udp(resolver.port()..=resolver.port());
        }
        scope
    }

    /// Connections to this port, too: a proxy's.
    pub fn with_tcp(mut self, port: u16) -> Self {
        add(&mut self.selection.tcp, Between::any_and(port..=port));
        self
    }

    /// Datagrams to these ports, too.
    pub fn with_udp(mut self, ports: std::ops::RangeInclusive<u16>) -> Self {
        add(&mut self.selection.udp, Between::any_and(ports));
        self
    }
}

fn add(rules: &mut Vec<Between>, rule: Between) {
    if !rules.contains(&rule) {
        rules.push(rule);
    }
}

impl Evidence {
    /// Makes the file, if one is wanted. An existing file is written over, but only a regular one.
    pub fn open(args: &EvidenceArgs, lang: Lang) -> Result<Option<Self>, Exit> {
        let Some(path) = &args.pcap else { return Ok(None) };
        let file = create(path).map_err(|problem| {
            complain(&[format!("--pcap `{}` {problem}", shown(&path.to_string_lossy()))])
        })?;
        // Nothing passes until it is known what may.
        let capture = Capture::open(&Selection::default(), MOST_OF_A_PACKET);
        if let Ok(capture) = &capture {
            capture.make_room(ROOM);
        }
        Ok(Some(Self { path: path.clone(), file, capture, lang }))
    }

    /// Begins to capture. Starts a thread, so privileges are given up before.
    pub fn begin(self, scope: &Scope, clock: Clock) -> Witness {
        let Self { path, file, capture, lang } = self;
        let capture = capture.and_then(|capture| capture.select(&scope.selection).map(|()| capture));
        let sink = Sink::new(BufWriter::new(file), nanos(SystemTime::now()));
        let (journal, stop) = (Journal::default(), Arc::new(AtomicBool::new(false)));
        let name = shown(&path.to_string_lossy());
        let source = match capture {
            Ok(capture) => Source::Captured {
                capture,
                docket: Docket::new(Attempts::new(scope.resolvers.clone())),
                count: CaptureCount::default(),
                filter: scope.selection.to_string(),
            },
            Err(error) => {
                note(&words::packets_synthesised(&name, &error, lang));
                Source::Made(Synthesis::new(default_ttl()))
            }
        };
        let worker = Worker { source, sink, journal: journal.clone(), clock, stop: Arc::clone(&stop) };
        let thread = thread::Builder::new().name("evidence".to_owned()).spawn(|| worker.run());
        Witness { name, journal, stop, thread, lang }
    }
}

/// A run whose packets are being written.
#[derive(Debug)]
pub struct Witness {
    name: String,
    journal: Journal,
    stop: Arc<AtomicBool>,
    thread: io::Result<JoinHandle<io::Result<Summary>>>,
    lang: Lang,
}

/// Ends a capture, if there was one. A file that is not whole outweighs what else a run ended with.
pub fn end(witness: Option<Witness>, verbose: bool, exit: Exit) -> Exit {
    let is_whole = witness.is_none_or(|witness| witness.end(verbose));
    if is_whole { exit } else { Exit::CouldNotTell }
}

impl Witness {
    /// Where the run has to note what it does.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Ends the capture, and says what is wrong with the file if something is: then it is false.
    pub fn end(self, verbose: bool) -> bool {
        self.stop.store(true, Ordering::Relaxed);
        let summary = self.thread.and_then(|thread| {
            thread.thread().unpark();
            // What panicked has told so.
            thread.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
        });
        let Self { name, lang, .. } = self;
        match summary {
            Err(error) => {
                note(&words::packets_unwritten(&name, &error, lang));
                false
            }
            Ok(summary) => {
                if summary.dropped > 0 {
                    note(&words::packets_dropped(&name, summary.dropped, lang));
                }
                if verbose {
                    note(&words::packets_written(&name, summary.written, lang));
                }
                true
            }
        }
    }
}

/// What there is to say of a finished file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Summary {
    written: u64,
    dropped: u64,
}

/// Opens the file, and empties it if it is one of the usual kind.
pub(crate) fn create(path: &Path) -> Result<File, String> {
    const REFUSED: &str = "is no regular file; give the name of a file";
    if path.as_os_str() == "-" {
        return Err("cannot be standard output, where the result goes; give the name of a file".to_owned());
    }
    // Opening a device or a pipe may do something, or wait for ever.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(REFUSED.to_owned());
    }
    let unwritable = |error: io::Error| format!("cannot be written: {error}");
    // It may hold what is nobody else's business.
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = opened.map_err(unwritable)?;
    if !file.metadata().map_err(unwritable)?.is_file() {
        return Err(REFUSED.to_owned());
    }
    file.set_len(0).map_err(unwritable)?;
    Ok(file)
}

/// Takes packets and notes, and writes what is complete.
struct Worker {
    source: Source,
    sink: Sink<BufWriter<File>>,
    journal: Journal,
    clock: Clock,
    stop: Arc<AtomicBool>,
}

/// Where packets come from.
#[expect(clippy::large_enum_variant, reason = "a run has one of it")]
enum Source {
    Captured { capture: Capture, docket: Docket, count: CaptureCount, filter: String },
    Made(Synthesis),
}

impl Worker {
    fn run(mut self) -> io::Result<Summary> {
        self.sink.begin(matches!(self.source, Source::Made(_)));
        let mut last_call = None;
        loop {
            if last_call.is_none() && self.stop.load(Ordering::Relaxed) {
                let patience = if matches!(self.source, Source::Made(_)) { Duration::ZERO } else { FAREWELL };
                last_call = Some(Instant::now() + patience);
            }
            let is_last = last_call.is_some_and(|last_call| Instant::now() >= last_call);
            self.step(is_last);
            if is_last {
                break;
            }
        }
        let count = match &self.source {
            Source::Captured { count, .. } => *count,
            Source::Made(_) => CaptureCount::default(),
        };
        let is_captured = matches!(self.source, Source::Captured { .. });
        let written = self.sink.end(is_captured.then_some(count), nanos(SystemTime::now()))?;
        Ok(Summary { written, dropped: count.dropped })
    }

    fn step(&mut self, is_last: bool) {
        let (sink, journal, clock) = (&mut self.sink, &self.journal, &self.clock);
        match &mut self.source {
            Source::Captured { capture, docket, count, filter } => {
                if !is_last {
                    capture.wait(TICK);
                }
                capture.drain(|sighting, bytes| docket.take(captured(&sighting, bytes, clock)));
                // Behind the packets: what was noted until now explains them.
                journal.take().into_iter().for_each(|entry| docket.note(entry));
                docket.release(clock.now(), is_last, |packet, attempt| {
                    sink.captured(packet, attempt, filter);
                });
                let more = capture.count();
                count.accepted += more.accepted;
                count.dropped += more.dropped;
            }
            Source::Made(synthesis) => {
                if !is_last {
                    thread::park_timeout(TICK);
                }
                journal.take().into_iter().for_each(|entry| synthesis.note(entry));
                synthesis.release(is_last, |packet, attempt| {
                    let direction = direction(packet.outgoing);
                    sink.synthesised(packet.at, direction, &packet.bytes, attempt);
                });
            }
        }
        sink.flush();
    }
}

/// A packet with its time by the clock of the run, which no step of the wall clock moves.
fn captured(sighting: &Sighting, bytes: &[u8], clock: &Clock) -> Captured {
    let wall = SystemTime::now();
    let at = sighting.at.unwrap_or(wall);
    let age = wall.duration_since(at).unwrap_or_default();
    let now = clock.now().as_micros();
    let age_us = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
    Captured {
        interface: sighting.interface,
        outgoing: sighting.outgoing,
        at: Time::from_micros(now.saturating_sub(age_us)),
        nanos: nanos(at),
        length: u32::try_from(sighting.length).unwrap_or(u32::MAX),
        bytes: bytes.to_vec(),
    }
}

fn nanos(at: SystemTime) -> u64 {
    let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

fn direction(outgoing: bool) -> Direction {
    if outgoing { Direction::Outbound } else { Direction::Inbound }
}

/// What this system sends with where nothing else was asked for (ip(7)).
fn default_ttl() -> u8 {
    const USUAL: u8 = 64;
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_default_ttl").unwrap_or_default();
    text.trim().parse().unwrap_or(USUAL)
}

/// The file.
struct Sink<W> {
    out: W,
    /// The first thing that went wrong; nothing is written after it.
    trouble: Option<io::Error>,
    /// The number of each interface in the file, and how many packets it has there.
    interfaces: BTreeMap<usize, (u32, u64)>,
    started: u64,
}

impl<W: Write> Sink<W> {
    fn new(out: W, started: u64) -> Self {
        Self { out, trouble: None, interfaces: BTreeMap::new(), started }
    }

    fn begin(&mut self, is_synthesised: bool) {
        let read = |name: &str| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
        let system = format!("{} {}", read("ostype").trim(), read("osrelease").trim());
        self.write(&pcapng::section(&pcapng::Section {
            comment: if is_synthesised { packets::synthesised() } else { packets::captured() },
            hardware: std::env::consts::ARCH,
            system: system.trim(),
            application: concat!("reach ", env!("CARGO_PKG_VERSION")),
        }));
    }

    fn captured(&mut self, packet: &Captured, attempt: &Attempt, filter: &str) {
        let describe = || {
            let name = interface_name(packet.interface);
            pcapng::interface(&pcapng::Interface { name: &name, description: "", filter })
        };
        let interface = self.interface(packet.interface, describe);
        self.write(&pcapng::packet(&pcapng::PacketBlock {
            interface,
            nanos: packet.nanos,
            direction: direction(packet.outgoing),
            bytes: &packet.bytes,
            length: packet.length,
            comment: &comment(attempt),
        }));
    }

    fn synthesised(&mut self, at: Time, direction: Direction, bytes: &[u8], attempt: &Attempt) {
        let none = || {
            pcapng::interface(&pcapng::Interface {
                name: "none",
                description: "no interface: these packets were synthesised",
                filter: "",
            })
        };
        let interface = self.interface(0, none);
        self.write(&pcapng::packet(&pcapng::PacketBlock {
            interface,
            nanos: at.as_micros().saturating_mul(1_000),
            direction,
            bytes,
            length: 0,
            comment: &format!("{}{}", packets::SYNTHESISED, comment(attempt)),
        }));
    }

    /// The number of an interface in the file, which gets its description first. One packet more is counted.
    fn interface(&mut self, index: usize, describe: impl FnOnce() -> Vec<u8>) -> u32 {
        if !self.interfaces.contains_key(&index) {
            let number = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
            self.interfaces.insert(index, (number, 0));
            self.write(&describe());
        }
        self.interfaces.get_mut(&index).map_or(0, |(number, written)| {
            *written += 1;
            *number
        })
    }

    /// Writes the statistics; gives how many packets there are.
    fn end(mut self, count: Option<CaptureCount>, ended: u64) -> io::Result<u64> {
        let interfaces: Vec<(u32, u64)> = self.interfaces.values().copied().collect();
        let is_shared = interfaces.len() > 1;
        for &(interface, written) in interfaces.iter().filter(|_| count.is_some()) {
            // The kernel counts for all interfaces together, so the counts stand at one of them only.
            let count = count.filter(|_| interface == 0);
            self.write(&pcapng::statistics(&pcapng::Statistics {
                interface,
                span: (self.started, ended),
                accepted: count.map(|count| count.accepted),
                dropped: count.map(|count| count.dropped),
                written,
                comment: if is_shared && count.is_some() { packets::counts_of_all() } else { "" },
            }));
        }
        self.flush();
        match self.trouble {
            Some(error) => Err(error),
            None => Ok(interfaces.iter().map(|(_, written)| written).sum()),
        }
    }

    fn flush(&mut self) {
        if self.trouble.is_none() {
            self.trouble = self.out.flush().err();
        }
    }

    fn write(&mut self, block: &[u8]) {
        if self.trouble.is_none() {
            self.trouble = self.out.write_all(block).err();
        }
    }
}

fn comment(attempt: &Attempt) -> String {
    let outcome: Option<&Outcome> = match &attempt.fate {
        Fate::Ended(outcome, _) => Some(outcome),
        Fate::UnderWay | Fate::Abandoned => None,
    };
    packets::comment(&packets::Attempt {
        about: attempt.about.as_deref(),
        id: attempt.id,
        probe: &attempt.probe,
        port: attempt.flows.first().map(|flow| flow.local.port()),
        outcome,
    })
}
