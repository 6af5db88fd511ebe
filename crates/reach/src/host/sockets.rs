//! The kernel's sockets: by netlink in this network namespace, by the text tables in those of containers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
    thread,
    time::Duration,
};

use nix::sched::{CloneFlags, setns};
use reach_net::sys::SocketDiag;
use reach_signal::host::{
    diag::{self, Dump},
    ports::{Census, PortRange},
    sockets::{Flow, Socket, State, proc_sockets},
};

use super::{
    files::{Roots, bytes},
    processes,
};

/// The kernel answers at once; this is for a machine that stands still.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most namespaces besides ours.
const MOST_NAMESPACES: usize = 256;
/// The most of a table of another namespace that is read: 100,000 sockets.
const MOST_TABLE: usize = 16 << 20;
/// The most waiting sockets of one look.
const MOST_WAITING: usize = 16_384;

/// The tables.
#[derive(Debug, Default)]
pub(super) struct Tables {
    diag: Option<SocketDiag>,
    sequence: u32,
    /// Namespaces of others: by a number of their own, a process in each.
    others: BTreeMap<u64, u32>,
}

/// What one look at a namespace saw.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Sockets in SYN-SENT.
    pub(super) waiting: Vec<Socket>,
    /// All others, where the table gives them anyway.
    pub(super) others: Option<BTreeMap<Flow, Socket>>,
}

/// The ports that the namespace of whoever asks chooses from.
pub(super) fn range(roots: &Roots) -> Option<PortRange> {
    let sysctl = |name: &str| roots.text(format!("sys/net/ipv4/{name}"));
    PortRange::parse(&sysctl("ip_local_port_range"), &sysctl("ip_local_reserved_ports"))
}

/// The same of the namespace of a process: a thread goes there, and ends.
fn range_in(roots: &Roots, process: &Path) -> Option<PortRange> {
    let namespace = File::open(process.join("ns/net")).ok()?;
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            setns(namespace, CloneFlags::CLONE_NEWNET).ok()?;
            range(roots)
        });
        inside.join().ok().flatten()
    })
}

impl Tables {
    /// Our namespace: what waits for an answer.
    pub(super) fn waiting(&mut self) -> io::Result<Look> {
        let mut waiting = Vec::new();
        for v6 in [false, true] {
            self.dump(v6, State::SynSent.bit(), true, |socket| {
                if waiting.len() < MOST_WAITING {
                    waiting.push(socket);
                }
            })?;
        }
        Ok(Look { waiting, others: None })
    }

    /// What has these flows now. Each is looked up by itself: the whole table would be dear.
    pub(super) fn look_up(&mut self, flows: &BTreeSet<Flow>) -> BTreeMap<Flow, Socket> {
        /// More than this is cheaper as one dump.
        const SINGLY: usize = 256;
        let mut found = BTreeMap::new();
        if flows.len() > SINGLY {
            let mask = Census::MASK & !State::Listen.bit() & !State::SynSent.bit();
            for v6 in [false, true] {
                // What was not found counts as gone, which is what it is after a failure of the kernel too.
                let _ = self.dump(v6, mask, false, |socket| {
                    if flows.contains(&socket.flow()) {
                        found.insert(socket.flow(), socket);
                    }
                });
            }
            return found;
        }
        for flow in flows {
            for mapped in [false, true] {
                if mapped && (flow.remote.is_ipv6() || found.contains_key(flow)) {
                    continue;
                }
                let question = |sequence| diag::lookup_request(flow, mapped, sequence);
                let _ = self.ask(question, true, |socket| {
                    // The kernel answers with a listener where no connection fits.
                    if socket.flow() == *flow {
                        found.insert(*flow, socket);
                    }
                });
            }
        }
        found
    }

    /// Counts all sockets of our namespace. `None` where the kernel does not let us.
    pub(super) fn census(&mut self, roots: &Roots) -> Option<Census> {
        let range = range(roots)?;
        let reuse = roots.text("sys/net/ipv4/tcp_tw_reuse").trim().parse().unwrap_or(0);
        let mut census = Census::new(range, reuse);
        for v6 in [false, true] {
            self.dump(v6, Census::MASK, false, |socket| census.count(&socket)).ok()?;
        }
        Some(census)
    }

    /// Looks for namespaces of others among the processes. Those that are there no more are returned.
    ///
    /// Which namespace a process is in is a link that only its owner may read, but the files of `/proc/PID/net` have a
    /// number of their own in each.
    pub(super) fn find_others(&mut self, roots: &Roots, processes: &[u32]) -> BTreeSet<u64> {
        let number =
            |process: &str| fs::metadata(roots.proc.join(process).join("net/tcp")).ok().map(|it| it.ino());
        let ours = number("self");
        let mut others: BTreeMap<u64, u32> = BTreeMap::new();
        for &process in processes {
            let Some(found) = number(&process.to_string()).filter(|found| Some(*found) != ours) else {
                continue;
            };
            if others.len() < MOST_NAMESPACES || others.contains_key(&found) {
                others.entry(found).or_insert(process);
            }
        }
        let gone = self.others.keys().copied().filter(|namespace| !others.contains_key(namespace)).collect();
        self.others = others;
        gone
    }

    /// The namespaces of others.
    pub(super) fn others(&self) -> Vec<u64> {
        self.others.keys().copied().collect()
    }

    /// A namespace of others, as a process in it sees it. `None` where that has ended.
    pub(super) fn look_at(&self, roots: &Roots, namespace: u64) -> Option<Look> {
        let net = processes::directory(roots, *self.others.get(&namespace)?).join("net");
        // The process may have ended and its number be another's now.
        if fs::metadata(net.join("tcp")).ok()?.ino() != namespace {
            return None;
        }
        let (mut waiting, mut others) = (Vec::new(), BTreeMap::new());
        for table in ["tcp", "tcp6"] {
            // A kernel without IPv6 has no second table.
            let Ok(text) = bytes(&net.join(table), MOST_TABLE) else { continue };
            proc_sockets(&text, |socket| {
                if socket.state == State::SynSent {
                    if waiting.len() < MOST_WAITING {
                        waiting.push(socket);
                    }
                } else if socket.state != State::Listen {
                    others.insert(socket.flow(), socket);
                }
            });
        }
        Some(Look { waiting, others: Some(others) })
    }

    /// Counts all sockets of a namespace of others, and names whose that is. `None` where it has ended.
    ///
    /// Only who is in it sees the ports that it chooses from, which takes `CAP_SYS_ADMIN`. Without, they are taken to be
    /// ours, or more where others are in use.
    pub(super) fn census_of(
        &self,
        roots: &Roots,
        namespace: u64,
        ours: &PortRange,
    ) -> Option<(String, Census)> {
        let process = *self.others.get(&namespace)?;
        let directory = processes::directory(roots, process);
        if fs::metadata(directory.join("net/tcp")).ok()?.ino() != namespace {
            return None;
        }
        let mut sockets = Vec::new();
        for table in ["tcp", "tcp6"] {
            let Ok(text) = bytes(&directory.join("net").join(table), MOST_TABLE) else { continue };
            proc_sockets(&text, |socket| sockets.push(socket));
        }
        let range = range_in(roots, &directory).unwrap_or_else(|| {
            let listening: BTreeSet<u16> =
                sockets.iter().filter(|it| it.state == State::Listen).map(|it| it.local.port()).collect();
            let chosen = sockets.iter().filter(|it| it.state != State::Listen).map(|it| it.local.port());
            ours.clone().widened(chosen.filter(|port| *port >= 1024 && !listening.contains(port)))
        });
        let mut census = Census::new(range, 0);
        sockets.iter().for_each(|socket| census.count(socket));
        let name = processes::unit(&directory)
            .or_else(|| Some(format!("{}[{process}]", processes::command(&directory)?)))?;
        Some((name, census))
    }

    fn dump(&mut self, v6: bool, mask: u32, info: bool, found: impl FnMut(Socket)) -> io::Result<()> {
        self.ask(|sequence| diag::dump_request(v6, mask, info, sequence), false, found)
    }

    fn ask(
        &mut self,
        question: impl FnOnce(u32) -> Vec<u8>,
        single: bool,
        mut found: impl FnMut(Socket),
    ) -> io::Result<()> {
        if self.diag.is_none() {
            self.diag = Some(SocketDiag::open(PATIENCE)?);
        }
        let Some(diag) = &mut self.diag else { return Ok(()) };
        self.sequence = self.sequence.wrapping_add(1);
        let mut dump = Dump::new(self.sequence);
        let mut any = false;
        let answered = diag.ask(&question(self.sequence)).and_then(|()| {
            while !(dump.done || single && any) {
                dump.take(diag.answer()?, |socket| {
                    any = true;
                    found(socket);
                });
            }
            Ok(())
        });
        if answered.is_err() {
            // What is still under way must not answer the next question.
            self.diag = None;
        }
        answered?;
        match dump.error {
            // Nothing there, or a family that this kernel does not know.
            None | Some(nix::libc::ENOENT | nix::libc::EAFNOSUPPORT) => Ok(()),
            Some(error) => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_found_by_its_flow_and_counted() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                eprintln!("SKIPPED: no {address} here");
                continue;
            };
            let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
            let flow = Flow {
                local: stream.local_addr().expect("bound"),
                remote: stream.peer_addr().expect("connected"),
            };
            let mut tables = Tables::default();
            let found = tables.look_up(&BTreeSet::from([flow]));
            assert_eq!(found.get(&flow).map(|socket| socket.state), Some(State::Established));
            let census = tables.census(&Roots::default()).expect("counted");
            assert!(census.in_state(State::Established) >= 2 && census.in_state(State::Listen) >= 1);
            drop(stream);
            let gone = Flow { remote: "203.0.113.9:9".parse().expect("one"), ..flow };
            assert!(tables.look_up(&BTreeSet::from([gone])).is_empty());
        }
    }
}
