//! What the reader of logs needs of whoever understands exceptions.

use std::sync::Arc;

use reach_core::signal::Failure;

use crate::exception;

/// Makes of lines the failures that they tell of.
///
/// A failure may be given later than with the line that completes it: only what follows shows that a stack trace is
/// over. Every implementation bounds what it keeps.
pub trait Understands: Send {
    /// The next line of one stream, without its end.
    fn line(&mut self, line: &str);

    /// The failures that are complete, in the order of the lines.
    fn take(&mut self) -> Vec<Failure>;

    /// Nothing more comes for now: what is held back is complete.
    fn flush(&mut self);
}

/// Makes one [`Understands`] for each stream of lines: threads and processes that write into one log in turns are
/// understood apart.
pub type Understanding = Arc<dyn Fn() -> Box<dyn Understands> + Send + Sync>;

/// Understands exceptions.
pub fn exceptions() -> Understanding {
    Arc::new(|| Box::new(exception::Reader::new(exception::Limits::default())))
}

impl Understands for exception::Reader {
    fn line(&mut self, line: &str) {
        exception::Reader::line(self, line);
    }

    fn take(&mut self) -> Vec<Failure> {
        exception::Reader::take(self)
    }

    fn flush(&mut self) {
        self.settle();
    }
}
