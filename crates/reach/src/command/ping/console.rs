//! Where a ping shows what happens: lines for one address, a table for more, JSON lines for programs.

use std::{
    io::{self, ErrorKind, Write},
    time::Duration,
};

use reach_core::{
    Time,
    model::Endpoint,
    ping::{Event, Happening, Pace, PingPlan, Pinger, Timing},
};
use reach_report::{Style, ping};

use super::Subject;
use crate::{
    board::Foot,
    config::{Output, Surroundings, ping::Ping},
};

/// Where a ping shows what happens.
#[derive(Debug)]
pub(super) struct Console {
    subjects: Vec<Subject>,
    plan: PingPlan,
    lines: ping::Lines,
    output: Output,
    mode: Mode,
    /// Lines of the table that is on the terminal.
    foot: Foot,
    trouble: Option<io::Error>,
}

/// What is shown in the course of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// JSON lines.
    Json,
    /// A line for each event of one address.
    Lines,
    /// A dot for each request that is not answered.
    Dots,
    /// A table that is drawn over itself.
    Table,
    /// Nothing until the end.
    Quiet,
}

/// Often enough for the eye, seldom enough for a slow line.
const REDRAW: Duration = Duration::from_millis(250);
/// Lines of a terminal that does not know its size.
const USUAL_LINES: usize = 24;

impl Console {
    pub(super) fn new(ping: &Ping, around: &Surroundings, subjects: Vec<Subject>) -> Self {
        let alone = subjects.len() == 1;
        let flood = matches!(ping.plan.pace, Pace::Flood { .. });
        let mode = if ping.output.json {
            Mode::Json
        } else if ping.quiet {
            Mode::Quiet
        } else if alone && flood {
            if around.stdout.is_some() { Mode::Dots } else { Mode::Quiet }
        } else if alone {
            Mode::Lines
        } else if ping.output.watcher.is_some() {
            Mode::Table
        } else {
            Mode::Quiet
        };
        Self {
            subjects,
            plan: ping.plan.clone(),
            lines: ping.lines,
            output: ping.output,
            mode,
            foot: Foot::default(),
            trouble: None,
        }
    }

    /// The addresses to ping.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        self.subjects.iter().map(|subject| subject.endpoint)
    }

    /// Which addresses matter to the exit status.
    pub(super) fn counted(&self) -> impl Iterator<Item = bool> {
        self.subjects.iter().map(|subject| subject.counts)
    }

    /// Nobody reads any more.
    pub(super) fn is_gone(&self) -> bool {
        self.trouble.is_some()
    }

    /// How often to [`draw`](Self::draw); `None` for never.
    pub(super) fn every(&self) -> Option<Duration> {
        (self.mode == Mode::Table).then_some(REDRAW)
    }

    /// Before the first request.
    pub(super) fn begin(&mut self) {
        if self.mode != Mode::Json
            && let [subject] = &self.subjects[..]
        {
            let header = ping::header(&subject.host, subject.endpoint, &self.plan, &self.output.style);
            self.write(&header);
        }
    }

    /// Shows an event.
    pub(super) fn take(&mut self, event: &Event) {
        let Some(subject) = self.subjects.get(event.lane) else { return };
        let text = match self.mode {
            Mode::Json => {
                let lang = self.output.json_lang;
                ping::json_event(event, &subject.host, subject.endpoint, &self.plan, lang)
            }
            Mode::Lines => ping::line(event, subject.endpoint, &self.plan, self.lines, &self.output.style),
            Mode::Dots => match &event.what {
                Happening::Sent => Some(".".to_owned()),
                Happening::Answered { timing: Timing::Regular | Timing::Reordered, .. } => {
                    Some("\u{8} \u{8}".to_owned())
                }
                Happening::Rejected(_) => Some("\u{8}E".to_owned()),
                _ => None,
            },
            Mode::Table | Mode::Quiet => None,
        };
        if let Some(text) = text {
            self.write(&text);
        }
    }

    /// Draws the table anew.
    pub(super) fn draw(&mut self, pinger: &Pinger, now: Time) {
        if self.mode != Mode::Table {
            return;
        }
        let (columns, lines) = match terminal_size::terminal_size_of(io::stderr()) {
            Some((width, height)) => (usize::from(width.0), usize::from(height.0)),
            None => (self.output.watcher.unwrap_or(80), USUAL_LINES),
        };
        let style = Style { width: columns, ..self.output.style };
        let elapsed = now.since(pinger.started());
        // The cursor stands in the line below the table.
        let room = lines.saturating_sub(1);
        let table =
            ping::live_table(&subjects(&self.subjects, pinger), self.plan.method, elapsed, room, &style);
        let drawn = self.foot.drawn(table.lines().map(str::to_owned).collect(), columns);
        let _ = io::stderr().lock().write_all(drawn.as_bytes());
    }

    /// Says in the course of a run what is known.
    pub(super) fn summarise(&mut self, pinger: &Pinger, now: Time) {
        let subjects = subjects(&self.subjects, pinger);
        let style = &self.output.style;
        match &subjects[..] {
            [subject] => {
                let text = ping::short_summary(subject, style);
                let _ = io::stderr().lock().write_all(text.as_bytes());
            }
            _ if self.mode == Mode::Table => self.draw(pinger, now),
            _ => {
                let text = ping::final_table(&subjects, self.plan.method, style);
                let _ = io::stderr().lock().write_all(text.as_bytes());
            }
        }
    }

    /// After the last request.
    pub(super) fn end(&mut self, pinger: &Pinger, now: Time) -> io::Result<()> {
        let _ = io::stderr().lock().write_all(self.foot.lifted().as_bytes());
        self.foot.leave();
        let subjects = subjects(&self.subjects, pinger);
        let style = &self.output.style;
        let text = match &subjects[..] {
            all if self.mode == Mode::Json => all
                .iter()
                .map(|subject| ping::json_summary(subject, &self.plan, now, self.output.json_lang))
                .collect(),
            [subject] => ping::summary(subject, &self.plan, now.since(pinger.started()), style),
            all => ping::final_table(all, self.plan.method, style),
        };
        self.write(&text);
        match self.trouble.take() {
            // A reader that went away is no failure.
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    fn write(&mut self, text: &str) {
        if self.trouble.is_some() {
            return;
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        self.trouble = written.err();
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = io::stderr().lock().write_all(self.foot.lifted().as_bytes());
    }
}

fn subjects<'a>(known: &'a [Subject], pinger: &'a Pinger) -> Vec<ping::Subject<'a>> {
    known
        .iter()
        .zip(pinger.tallies())
        .map(|(subject, (endpoint, tally))| ping::Subject { host: &subject.host, endpoint, tally })
        .collect()
}
