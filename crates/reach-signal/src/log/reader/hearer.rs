//! Who understands one stream of records.

use std::sync::LazyLock;

use reach_core::{Time, signal::Failure};
use regex::bytes::Regex;

use crate::log::{level::Level, record::Record, understands::Understands};

/// Who understands one stream.
pub(super) struct Hearer {
    mind: Box<dyn Understands>,
    /// When the last record was written.
    at: Option<Time>,
    /// Something may be held back.
    pub(super) is_dirty: bool,
    pub(super) fed: Time,
    /// Where its last record begins.
    pub(super) from: u64,
}

impl Hearer {
    pub(super) fn new(mind: Box<dyn Understands>, fed: Time) -> Self {
        Self { mind, at: None, is_dirty: false, fed, from: 0 }
    }

    /// Takes a record that is whole.
    pub(super) fn hear(&mut self, record: &Record, at: Time, fed: Time, out: &mut Vec<(Time, Failure)>) {
        let before = self.at.unwrap_or(at);
        let mut is_first = true;
        for line in record.text.split('\n') {
            self.mind.line(line);
            if is_first {
                is_first = false;
                // What the first line completes is nearly always the record before it.
                for failure in self.mind.take() {
                    let is_own = !failure.text.is_empty() && line.contains(failure.text.as_str());
                    out.push((if is_own { at } else { before }, failure));
                }
            }
        }
        (self.at, self.fed, self.from, self.is_dirty) = (Some(at), fed, record.from, true);
        // The record is whole, so what it tells of need not wait for the next one of its thread.
        if may_tell_of_failure(record) {
            self.flush(out);
        }
        out.extend(self.mind.take().into_iter().map(|failure| (at, failure)));
    }

    /// Nothing more comes for now.
    pub(super) fn flush(&mut self, out: &mut Vec<(Time, Failure)>) {
        if self.is_dirty {
            self.mind.flush();
            let at = self.at.unwrap_or(self.fed);
            out.extend(self.mind.take().into_iter().map(|failure| (at, failure)));
            self.is_dirty = false;
        }
    }
}

/// Whether it is worth while to ask at once what a record means. What is missed here is told a little later.
fn may_tell_of_failure(record: &Record) -> bool {
    static SIGNS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("(?-u)xception|rror|imed out|imeout|efused|nreachable").expect("a pattern")
    });
    record.level.is_some_and(|level| level >= Level::Warn) || SIGNS.is_match(record.text.as_bytes())
}
