//! How full the file systems are. One on another machine may take as long to answer as it likes, so each of those is asked
//! by a thread of its own, and nobody waits for it longer than agreed.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use nix::sys::statvfs::statvfs;
use reach_core::signal::{Level, Word};
use reach_signal::host::mounts::{self, Mount, Room};

use super::{files::Roots, settings::HostSettings};

/// How long remote file systems have, all together.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most threads that wait for file systems that do not answer.
const MOST_WAITING: usize = 64;
/// The most file systems.
const MOST_WATCHED: usize = 512;

type Answer = (String, Option<Room>);

/// The file systems.
#[derive(Debug)]
pub(super) struct Disks {
    answers: (Sender<Answer>, Receiver<Answer>),
    /// Asked and not heard of yet, and whether that was told.
    waiting: BTreeMap<String, bool>,
    ask: fn(&str) -> Option<Room>,
}

impl Disks {
    pub(super) fn new() -> Self {
        Self { answers: mpsc::channel(), waiting: BTreeMap::new(), ask: room }
    }

    /// The levels of all file systems that answer, and what does not answer any more or does again.
    pub(super) fn look(&mut self, roots: &Roots, settings: &HostSettings) -> (Vec<Level>, Vec<Word>) {
        let all = mounts::mounts(&roots.text("thread-self/mountinfo"));
        let watched: Vec<Mount> = mounts::watched(&all)
            .into_iter()
            .filter(|mount| !settings.excludes_mount(&mount.point))
            .take(MOST_WATCHED)
            .collect();
        let (remote, local): (Vec<Mount>, Vec<Mount>) = watched.into_iter().partition(Mount::is_remote);
        let mut levels: Vec<Level> = Vec::new();
        for mount in &local {
            levels.extend((self.ask)(&mount.point).into_iter().flat_map(|room| room.levels(&mount.point)));
        }
        let mut words = Vec::new();
        let points: Vec<String> = remote.into_iter().map(|mount| mount.point).collect();
        self.look_away(&points, PATIENCE, &mut levels, &mut words);
        (levels, words)
    }

    fn look_away(
        &mut self,
        points: &[String],
        patience: Duration,
        levels: &mut Vec<Level>,
        words: &mut Vec<Word>,
    ) {
        let mut asked = Vec::new();
        for point in points {
            if self.waiting.contains_key(point) || self.waiting.len() >= MOST_WAITING {
                continue;
            }
            let (tell, ask, of) = (self.answers.0.clone(), self.ask, point.clone());
            let thread = thread::Builder::new().name("reach-disk".to_owned()).spawn(move || {
                let room = ask(&of);
                // Nobody hears it once the reader is gone.
                let _ = tell.send((of, room));
            });
            if thread.is_ok() {
                self.waiting.insert(point.clone(), false);
                asked.push(point.clone());
            }
        }
        let until = Instant::now() + patience;
        // Of those who were asked long ago an answer may be there, but nobody waits for it.
        while let Some(answer) = self.next(&asked, until) {
            let (point, room) = answer;
            let told = self.waiting.remove(&point).unwrap_or(false);
            if told {
                words.push(Word::Presence { thing: point.clone(), alive: true });
            }
            levels.extend(room.into_iter().flat_map(|room| room.levels(&point)));
        }
        for (point, told) in &mut self.waiting {
            if !*told {
                *told = true;
                words.push(Word::Presence { thing: point.clone(), alive: false });
            }
        }
    }

    fn next(&self, asked: &[String], until: Instant) -> Option<Answer> {
        if let Ok(answer) = self.answers.1.try_recv() {
            return Some(answer);
        }
        if !asked.iter().any(|point| self.waiting.contains_key(point)) {
            return None;
        }
        self.answers.1.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
    }
}

fn room(point: &str) -> Option<Room> {
    let state = statvfs(point).ok()?;
    Some(Room {
        block: state.fragment_size(),
        blocks: state.blocks(),
        free: state.blocks_free(),
        available: state.blocks_available(),
        inodes: state.files(),
        inodes_available: state.files_available(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_file_system_that_hangs_holds_up_nobody_and_is_told_once() {
        static HANGS: AtomicBool = AtomicBool::new(true);
        fn ask(point: &str) -> Option<Room> {
            while point == "/hangs" && HANGS.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(2));
            }
            Some(Room { block: 1, blocks: 10, free: 5, available: 5, inodes: 0, inodes_available: 0 })
        }
        let mut disks = Disks { ask, ..Disks::new() };
        let points = ["/answers".to_owned(), "/hangs".to_owned()];
        let mut look = |patience| {
            let (mut levels, mut words) = (Vec::new(), Vec::new());
            disks.look_away(&points, patience, &mut levels, &mut words);
            (levels.into_iter().map(|level| level.of).collect::<Vec<_>>(), words)
        };
        let gone = Word::Presence { thing: "/hangs".to_owned(), alive: false };
        assert_eq!(look(Duration::from_millis(300)), (vec!["/answers".to_owned()], vec![gone]));
        assert_eq!(look(Duration::from_secs(60)).1, [], "nobody waits for what hangs already");
        HANGS.store(false, Ordering::Relaxed);
        let back = Word::Presence { thing: "/hangs".to_owned(), alive: true };
        let mut words = Vec::new();
        for _ in 0..1_000 {
            words.extend(look(Duration::from_secs(60)).1);
            if !words.is_empty() {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(words, [back]);
    }

    #[test]
    fn this_host_has_a_root() {
        let room = room("/").expect("statvfs");
        assert!(room.blocks > 0 && room.block > 0);
    }
}
