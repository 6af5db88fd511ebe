//! Lines at the foot of a terminal that are drawn over themselves, while everything else is written above them.
//!
//! Whoever writes to the terminal of a watch does it through its [`Board`]: what the watch logs on standard error, and
//! the messages on standard output.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::unistd::{getpgrp, tcgetpgrp};
use reach_core::Time;
use tracing_subscriber::fmt::MakeWriter;
use unicode_width::UnicodeWidthStr;

/// The foot of the terminal on standard error.
#[derive(Clone, Debug)]
pub struct Board(Arc<Mutex<Foot>>);

impl Board {
    /// One with nothing on it yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Foot::default())))
    }

    /// The columns and lines of the terminal; `None` where it is not there (any more), or another job has it.
    pub fn size(&self) -> Option<(usize, usize)> {
        let stderr = io::stderr();
        // Where the shell has put this process into the background, the terminal is the shell's. Where there is no
        // job control nobody else has it.
        if tcgetpgrp(&stderr).is_ok_and(|group| group != getpgrp()) {
            self.foot().leave();
            return None;
        }
        let (columns, lines) = terminal_size::terminal_size_of(&stderr)?;
        Some((usize::from(columns.0).max(1), usize::from(lines.0).max(1)))
    }

    /// Shows these lines in place of those before.
    pub fn draw(&self, lines: Vec<String>, columns: usize) {
        let mut foot = self.foot();
        let drawn = foot.drawn(lines, columns);
        say(&drawn);
    }

    /// Lets something be written above.
    pub fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        // Held until it is drawn again: nobody else may write in between.
        let foot = self.foot();
        say(&foot.lifted());
        let written = write();
        say(&foot.put_back());
        written
    }

    /// Takes it away.
    pub fn clear(&self) {
        let mut foot = self.foot();
        let lifted = foot.lifted();
        foot.leave();
        say(&lifted);
    }

    /// Leaves it where it is: what is written from now on comes below.
    pub fn leave(&self) {
        self.foot().leave();
    }

    fn foot(&self) -> MutexGuard<'_, Foot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

fn say(text: &str) {
    if !text.is_empty() {
        // The terminal may be gone; there is nobody left to tell then.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Writes whole events on standard error, above the board.
impl<'a> MakeWriter<'a> for Board {
    type Writer = Above;

    fn make_writer(&'a self) -> Above {
        Above(self.clone())
    }
}

/// Writes above a board.
#[derive(Debug)]
pub struct Above(Board);

impl io::Write for Above {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.above(|| io::stderr().lock().write_all(event))?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines at the foot of a terminal that are replaced by others: what to write so that it shows them.
#[derive(Debug, Default)]
pub(crate) struct Foot {
    /// The lines that stand there.
    lines: Vec<String>,
    columns: usize,
}

impl Foot {
    /// These lines in place of those before.
    pub(crate) fn drawn(&mut self, lines: Vec<String>, columns: usize) -> String {
        self.columns = columns.max(1);
        let mut out = self.lifted();
        self.lines = lines;
        out.push_str(&self.put_back());
        out
    }

    /// Takes the lines away, with the cursor where they began.
    pub(crate) fn lifted(&self) -> String {
        match self.rows() {
            0 => String::new(),
            rows => format!("\x1b[{rows}A\r\x1b[J"),
        }
    }

    /// The lines once more.
    fn put_back(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Nothing stands there any more: it was taken away, or stays where it is.
    pub(crate) fn leave(&mut self) {
        self.lines.clear();
    }

    /// The rows that the lines take: a terminal that has become narrower breaks them.
    fn rows(&self) -> usize {
        self.lines.iter().map(|line| visible(line).div_ceil(self.columns).max(1)).sum()
    }
}

/// The columns that a line takes: without what only colours it.
fn visible(line: &str) -> usize {
    let mut parts = line.split("\x1b[");
    let plain = parts.next().unwrap_or_default().width();
    let colored = parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest).width());
    plain + colored.sum::<usize>()
}

/// How fast something grows.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    seen: VecDeque<(Time, u64)>,
}

impl Pace {
    /// Over so long a time…
    const SPAN: Duration = Duration::from_secs(20);
    /// … of which at least so much has to have passed.
    const LEAST: Duration = Duration::from_secs(3);

    /// It is so much now; how much it grows in a second, where that can be told.
    pub fn take(&mut self, now: Time, count: u64) -> Option<f64> {
        // It began anew, or time did.
        if self.seen.back().is_some_and(|(at, before)| *at > now || *before > count) {
            self.seen.clear();
        }
        self.seen.push_back((now, count));
        while self.seen.len() > 2 && self.seen.get(1).is_some_and(|(at, _)| now.since(*at) >= Self::SPAN) {
            self.seen.pop_front();
        }
        let (from, before) = self.seen.front()?;
        let span = now.since(*from);
        (span >= Self::LEAST).then(|| (count - before) as f64 / span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of a terminal as is needed to see what comes of it.
    struct Screen {
        columns: usize,
        rows: Vec<Vec<char>>,
        at: (usize, usize),
    }

    impl Screen {
        fn new(columns: usize) -> Self {
            Self { columns, rows: vec![Vec::new()], at: (0, 0) }
        }

        fn take(&mut self, text: &str) {
            let mut rest = text;
            while let Some(c) = rest.chars().next() {
                rest = &rest[c.len_utf8()..];
                match c {
                    '\n' => self.at = (self.at.0 + 1, 0),
                    '\r' => self.at.1 = 0,
                    '\x1b' => {
                        let end = rest.find(|c: char| c.is_ascii_alphabetic()).expect("an end");
                        let (number, what) = (&rest[1..end], &rest[end..=end]);
                        rest = &rest[end + 1..];
                        match what {
                            "A" => self.at.0 -= number.parse::<usize>().expect("a number"),
                            "J" => {
                                self.rows.truncate(self.at.0 + 1);
                                self.rows[self.at.0].truncate(self.at.1);
                            }
                            "m" => {}
                            other => panic!("{other}"),
                        }
                    }
                    c => {
                        if self.at.1 == self.columns {
                            self.at = (self.at.0 + 1, 0);
                        }
                        self.reach();
                        self.rows[self.at.0].truncate(self.at.1);
                        self.rows[self.at.0].push(c);
                        self.at.1 += 1;
                    }
                }
                self.reach();
            }
        }

        fn reach(&mut self) {
            while self.rows.len() <= self.at.0 {
                self.rows.push(Vec::new());
            }
        }

        fn lines(&self) -> Vec<String> {
            let lines = self.rows.iter().map(|row| row.iter().collect::<String>());
            let mut lines: Vec<String> = lines.collect();
            while lines.last().is_some_and(String::is_empty) {
                lines.pop();
            }
            lines
        }
    }

    fn lines<const N: usize>(lines: [&str; N]) -> Vec<String> {
        lines.map(str::to_owned).into()
    }

    #[test]
    fn what_is_written_stays_above_and_the_board_is_there_once() {
        let (mut screen, mut foot) = (Screen::new(40), Foot::default());
        screen.take("$ reach watch\n");
        screen.take(&foot.drawn(lines(["one", "\x1b[31mtwo\x1b[0m"]), 40));
        for message in ["first\n", "second\nof two lines\n"] {
            screen.take(&foot.lifted());
            screen.take(message);
            screen.take(&foot.put_back());
        }
        screen.take(&foot.drawn(lines(["three"]), 40));
        assert_eq!(screen.lines(), ["$ reach watch", "first", "second", "of two lines", "three"]);
        screen.take("^C");
        screen.take(&foot.lifted());
        assert_eq!(screen.lines().len(), 4, "{:?}", screen.lines());
        foot.leave();
        assert_eq!(foot.lifted(), "");
    }

    #[test]
    fn a_terminal_that_becomes_narrower_breaks_the_lines_that_stand() {
        let mut foot = Foot::default();
        foot.drawn(vec!["x".repeat(70), "주소".repeat(10)], 80);
        assert_eq!(foot.rows(), 2);
        foot.columns = 30;
        assert_eq!(foot.rows(), 3 + 2);
    }

    #[test]
    fn a_pace_is_told_once_it_can_be() {
        let at = |seconds: u64| Time::from_micros(seconds * 1_000_000);
        let mut pace = Pace::default();
        assert_eq!(pace.take(at(0), 5), None);
        assert_eq!(pace.take(at(1), 9), None);
        assert_eq!(pace.take(at(4), 13), Some(2.0));
        for second in 5..60 {
            pace.take(at(second), 13);
        }
        assert_eq!(pace.take(at(60), 13), Some(0.0));
        assert_eq!(pace.take(at(61), 3), None, "it counts anew");
    }
}
