//! Shows on standard error how far a run is: one line that is drawn over itself on a terminal, a line now and
//! then elsewhere if asked for.

use std::{
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

use reach_core::survey::{Phase, Progress};
use reach_report::Lang;

use crate::{
    config::Output,
    words::{self, Overview},
};

/// Shows how far a run is.
#[derive(Debug)]
pub struct Display {
    mode: Mode,
    lang: Lang,
    drawn: bool,
    targets: Vec<Option<Progress>>,
    left: usize,
}

/// Lets a watching person see that time passes, for as long as there is something to say.
pub fn wait_visibly(output: &Output, mut say: impl FnMut(Duration) -> Option<String>) {
    let started = Instant::now();
    while let Some(line) = say(started.elapsed()) {
        if output.watcher.is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K{line}");
        }
        thread::sleep(Duration::from_millis(100));
    }
    if output.watcher.is_some() {
        let _ = write!(io::stderr().lock(), "\r\x1b[2K");
    }
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    /// A terminal of so many columns.
    Drawn(usize),
    /// Plain lines.
    Told,
    Silent,
}

impl Display {
    /// For so many targets.
    pub fn new(output: &Output, targets: usize) -> Self {
        let mode = match output.watcher {
            Some(columns) => Mode::Drawn(columns),
            None if output.verbose => Mode::Told,
            None => Mode::Silent,
        };
        Self { mode, lang: output.style.lang, drawn: false, targets: vec![None; targets], left: targets }
    }

    /// How often to call [`show`](Self::show); `None` for never.
    pub fn every(&self) -> Option<Duration> {
        match self.mode {
            Mode::Drawn(_) => Some(Duration::from_millis(100)),
            Mode::Told => Some(Duration::from_secs(2)),
            Mode::Silent => None,
        }
    }

    /// Takes how far one target is.
    pub fn advance(&mut self, target: usize, progress: &Progress) {
        if let Some(entry) = self.targets.get_mut(target) {
            *entry = Some(progress.clone());
        }
    }

    /// One target is done.
    pub fn done(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// Shows how far the run is.
    pub fn show(&mut self, elapsed: Duration) {
        let line = words::progress(&self.overview(), elapsed, self.lang);
        match self.mode {
            Mode::Drawn(columns) => {
                // Korean letters take two columns each; half the columns are always enough room to be safe.
                let room = if line.is_ascii() { columns - 1 } else { columns / 2 };
                let line: String = line.chars().take(room).collect();
                let _ = write!(io::stderr().lock(), "\r\x1b[2K{line}");
                self.drawn = true;
            }
            Mode::Told => crate::output::note(&line),
            Mode::Silent => {}
        }
    }

    /// Takes the line away, so that something else can be written.
    pub fn clear(&mut self) {
        if self.drawn {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
            self.drawn = false;
        }
    }

    fn overview(&self) -> Overview {
        let known = || self.targets.iter().flatten();
        Overview {
            targets_left: self.left,
            targets: self.targets.len(),
            addresses: known().map(|progress| progress.addresses.len()).sum(),
            settled: known().map(|progress| progress.settled).sum(),
            failing: known().map(|progress| progress.failing).sum(),
            phase: self
                .targets
                .iter()
                .map(|progress| progress.as_ref().map_or(Phase::Resolving, |progress| progress.phase))
                .min()
                .unwrap_or_default(),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.clear();
    }
}
