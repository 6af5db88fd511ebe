//! What comes through a pipe: standard input.

use std::{
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use reach_core::{Time, signal::Signal};
use reach_signal::log::{LogPlan, LogReader, Tally, Understanding};

use super::Remark;

/// Something that is read once, to its end.
pub(super) struct Stream {
    file: std::fs::File,
    reader: LogReader,
    has_ended: bool,
    chunk: Vec<u8>,
}

const PER_TURN: usize = 4 << 20;

impl Stream {
    /// Reads this descriptor.
    pub(super) fn new(fd: OwnedFd, plan: LogPlan, understanding: Understanding) -> Self {
        Self {
            file: fd.into(),
            reader: LogReader::new(plan, understanding),
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

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        (!self.has_ended).then(|| self.file.as_fd())
    }

    /// Reads what is there; whether there may be more. Nobody is waited for.
    pub(super) fn turn(&mut self, now: Time, signals: &mut Vec<Signal>, remarks: &mut Vec<Remark>) -> bool {
        let mut budget = PER_TURN;
        while !self.has_ended && budget > 0 && is_ready(self.file.as_fd()) {
            match self.file.read(&mut self.chunk) {
                Ok(0) => {
                    self.has_ended = true;
                    self.reader.finish(now);
                }
                Ok(length) => {
                    budget = budget.saturating_sub(length);
                    self.reader.bytes(&self.chunk[..length], now, now);
                }
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) =>
                {
                    break;
                }
                Err(error) => {
                    remarks.push(Remark::Unreadable { path: "-".into(), error: error.to_string() });
                    self.has_ended = true;
                    self.reader.finish(now);
                }
            }
        }
        if budget > 0 && !self.has_ended {
            self.reader.quiet(now);
        }
        signals.append(&mut self.reader.take());
        budget == 0
    }

    pub(super) fn stop(&mut self, now: Time, signals: &mut Vec<Signal>) {
        if !self.has_ended {
            self.reader.finish(now);
            self.has_ended = true;
        }
        signals.append(&mut self.reader.take());
    }
}

fn is_ready(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}
