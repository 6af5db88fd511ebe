//! What a probe did, for whoever debugs it. Never holds a secret.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

/// The most lines that are kept.
const MOST_LINES: usize = 500;

/// What was done, step by step; shared by everything that belongs to one probe.
#[derive(Clone, Debug)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    started: Instant,
    about: Option<IpAddr>,
}

impl Log {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { lines: Arc::default(), started: Instant::now(), about: None }
    }

    /// The same, where it is about one address of several.
    pub(super) fn about(&self, address: IpAddr) -> Self {
        Self { about: Some(address), ..self.clone() }
    }

    /// A step.
    pub(super) fn debug(&self, what: fmt::Arguments<'_>) {
        self.add("debug", what);
    }

    /// Something worth knowing.
    pub(super) fn info(&self, what: fmt::Arguments<'_>) {
        self.add("info", what);
    }

    /// Why it failed.
    pub(super) fn error(&self, what: fmt::Arguments<'_>) {
        self.add("error", what);
    }

    /// All lines.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, level: &str, what: fmt::Arguments<'_>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= MOST_LINES {
            return;
        }
        let since = self.started.elapsed().as_secs_f64();
        let about = self.about.map_or_else(String::new, |address| format!(" address={address}"));
        // Foreign text goes to whoever reads this, a terminal among them.
        let text: String = what.to_string().chars().take(1000).flat_map(harmless).collect();
        lines.push(format!("{since:.6}s level={level}{about} {text}"));
    }
}

fn harmless(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}
