//! Waiting until there may be something to read: the kernel tells of changes in local directories, and where it does not
//! (NFS and the like, or no more watches to be had) time does.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, BorrowedFd},
    path::PathBuf,
    thread,
    time::Duration,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor},
};

/// Tells when there may be something to read.
pub(super) struct Waker {
    inotify: Option<Inotify>,
    watched: BTreeMap<PathBuf, WatchDescriptor>,
}

/// Looks may be far apart while the kernel tells of changes; other hosts' changes are seen only by looking.
const TOLD: Duration = Duration::from_secs(1);
const UNTOLD: Duration = Duration::from_millis(250);
/// Changes that come together are dealt with together.
const TOGETHER: Duration = Duration::from_millis(20);

impl Waker {
    pub(super) fn new() -> Self {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok();
        Self { inotify, watched: BTreeMap::new() }
    }

    /// These directories are the ones to be told of.
    pub(super) fn watch(&mut self, directories: impl IntoIterator<Item = PathBuf>) {
        let Some(inotify) = &self.inotify else { return };
        let changes = AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ATTRIB
            | AddWatchFlags::IN_DELETE_SELF;
        for directory in directories {
            if self.watched.contains_key(&directory) {
                continue;
            }
            // What cannot be watched is looked at all the same.
            if let Ok(descriptor) = inotify.add_watch(&directory, changes) {
                self.watched.insert(directory, descriptor);
            }
        }
    }

    /// Waits until something changed, `other` can be read, or it is time to look.
    pub(super) fn wait(&mut self, other: Option<BorrowedFd<'_>>, longest: Duration) {
        let span = longest.min(if self.watched.is_empty() && other.is_none() { UNTOLD } else { TOLD });
        let mut fds: Vec<PollFd<'_>> = Vec::new();
        if let Some(inotify) = &self.inotify {
            fds.push(PollFd::new(inotify.as_fd(), PollFlags::POLLIN));
        }
        fds.extend(other.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let timeout = PollTimeout::try_from(span).unwrap_or(PollTimeout::MAX);
        if poll(&mut fds, timeout).is_err() {
            thread::sleep(TOGETHER);
        }
        drop(fds);
        let Some(inotify) = &self.inotify else { return };
        let mut told = false;
        while let Ok(events) = inotify.read_events() {
            told = true;
            for event in &events {
                // A directory that is gone, or is another one by now.
                if event.mask.intersects(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_DELETE_SELF) {
                    self.watched.retain(|_, descriptor| *descriptor != event.wd);
                }
            }
        }
        if told {
            thread::sleep(TOGETHER.min(longest));
        }
    }
}
