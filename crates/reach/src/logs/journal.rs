//! systemd's journal, as `journalctl` exports it.

use std::{
    ffi::OsString,
    io::{self, ErrorKind, Read},
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use reach_core::{Time, signal::Signal};
use reach_signal::log::{LogPlan, LogReader, Tally, Understanding, counts::Counts};

use super::{
    Remark,
    follow::Begin,
    kept::{Kept, KeptLineage},
};

/// Which entries of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Of these units; of all, where none is named.
    pub units: Vec<String>,
    /// With these fields (`SYSLOG_IDENTIFIER=app`).
    pub matches: Vec<String>,
    /// Of the journal files in this directory, instead of this host's own.
    pub directory: Option<PathBuf>,
}

/// A journal that is read as it grows.
pub(super) struct Following {
    journal: Journal,
    begin: Begin,
    follows: bool,
    child: Option<Running>,
    reader: LogReader,
    cursor: Option<String>,
    next_try: Time,
    /// When it was first read, where only what comes from then on is wanted.
    began: Option<Time>,
    has_ended: bool,
    chunk: Vec<u8>,
}

struct Running {
    child: Child,
    out: ChildStdout,
}

const PROGRAM: &str = "journalctl";
const AGAIN: Duration = Duration::from_secs(10);
const PER_TURN: usize = 4 << 20;
/// An entry has all its fields in one line, each of which may be longer than any line of a file.
const LONGEST_ENTRY: usize = 8 << 20;

impl Following {
    pub(super) fn new(
        journal: Journal,
        mut plan: LogPlan,
        understanding: Understanding,
        begin: Begin,
        follows: bool,
        kept: Option<Kept>,
    ) -> Self {
        plan.longest_line = plan.longest_line.max(LONGEST_ENTRY);
        let mut kept = kept.unwrap_or_default();
        let counts = kept.lineages.pop().map_or_else(Counts::default, |lineage| lineage.counts);
        Self {
            journal,
            begin,
            follows,
            child: None,
            reader: LogReader::resumed(plan, understanding, counts),
            cursor: kept.cursor,
            next_try: Time::default(),
            began: None,
            has_ended: false,
            chunk: vec![0; 256 * 1024],
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(super) fn tally(&self) -> Tally {
        self.reader.tally()
    }

    /// What to wait for.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.child.as_ref().map(|running| running.out.as_fd())
    }

    /// Reads what is there; whether there is more.
    pub(super) fn turn(&mut self, now: Time, signals: &mut Vec<Signal>, remarks: &mut Vec<Remark>) -> bool {
        if self.child.is_none() && now >= self.next_try && !self.has_ended {
            self.next_try = now + AGAIN;
            match self.start(now) {
                Ok(running) => self.child = Some(running),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.has_ended = !self.follows;
                    remarks.push(Remark::NoJournal);
                }
                Err(error) => {
                    self.has_ended = !self.follows;
                    remarks.push(Remark::JournalEnded { said: error.to_string() });
                }
            }
        }
        let mut budget = PER_TURN;
        while let Some(running) = &mut self.child {
            if budget == 0 {
                break;
            }
            match running.out.read(&mut self.chunk) {
                Ok(0) => {
                    let said = ended(running);
                    self.child = None;
                    // It may have been in the middle of an entry, which is read again as a whole.
                    self.reader.interrupted();
                    self.has_ended = !self.follows;
                    if let Some(said) = said.or_else(|| self.follows.then(String::new)) {
                        remarks.push(Remark::JournalEnded { said });
                    }
                }
                Ok(length) => {
                    budget = budget.saturating_sub(length);
                    self.reader.bytes(&self.chunk[..length], now, now);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => {
                    remarks.push(Remark::JournalEnded { said: error.to_string() });
                    self.end_child();
                    self.reader.interrupted();
                }
            }
        }
        if budget > 0 {
            self.reader.quiet(now);
        }
        if let Some(cursor) = self.reader.cursor() {
            self.cursor = Some(cursor.to_owned());
        }
        signals.append(&mut self.reader.take());
        budget == 0
    }

    pub(super) fn stop(&mut self, now: Time, signals: &mut Vec<Signal>) {
        self.end_child();
        self.reader.stop(now);
        if let Some(cursor) = self.reader.cursor() {
            self.cursor = Some(cursor.to_owned());
        }
        signals.append(&mut self.reader.take());
    }

    pub(super) fn keep(&self) -> Kept {
        let lineage = KeptLineage { counts: self.reader.counts().clone(), ..KeptLineage::default() };
        Kept { cursor: self.cursor.clone(), lineages: vec![lineage], ..Kept::default() }
    }

    fn start(&mut self, now: Time) -> io::Result<Running> {
        let mut command = Command::new(PROGRAM);
        command.args(["--output=json", "--all", "--no-pager", "--quiet"]);
        if self.follows {
            command.arg("--follow");
        }
        if let Some(directory) = &self.journal.directory {
            let mut argument = OsString::from("--directory=");
            argument.push(directory);
            command.arg(argument);
        }
        match (&self.cursor, self.begin, self.began) {
            (Some(cursor), ..) => {
                command.arg(format!("--after-cursor={cursor}")).arg("--lines=all");
            }
            // Nothing came so far; what was written since it was first asked for is wanted all the same.
            (None, Begin::End, Some(began)) => {
                command.arg(format!("--since=@{}", began.as_secs())).arg("--lines=all");
            }
            (None, Begin::End, None) => {
                command.arg("--lines=0");
            }
            (None, Begin::Start, _) => {
                command.arg("--lines=all");
            }
        }
        self.began.get_or_insert(now);
        for unit in &self.journal.units {
            command.arg(format!("--unit={unit}"));
        }
        command.arg("--").args(&self.journal.matches);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let Some(out) = child.stdout.take() else { return Err(ErrorKind::BrokenPipe.into()) };
        let flags = OFlag::from_bits_truncate(fcntl(&out, FcntlArg::F_GETFL)?);
        fcntl(&out, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Running { child, out })
    }

    fn end_child(&mut self) {
        if let Some(mut running) = self.child.take() {
            // It may have ended by itself.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.end_child();
    }
}

/// What a journalctl that ended said of it; nothing, if it ended well.
fn ended(running: &mut Running) -> Option<String> {
    const LONGEST: u64 = 2_000;
    let mut said = Vec::new();
    if let Some(errors) = &mut running.child.stderr {
        let _ = errors.take(LONGEST).read_to_end(&mut said);
    }
    let status = running.child.wait().ok()?;
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if status.success() { None } else { Some(if said.is_empty() { status.to_string() } else { said }) }
}
