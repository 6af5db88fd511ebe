//! What whoever looks on sees of a watch: the board at the foot of the terminal, messages above it, how far a limited
//! watch is, and the statement that it ends with.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use reach_core::{
    Time,
    watch::{Assurance, Layer, Notice, Status, TargetId, assurance::Progress, courier::Part},
};
use reach_report::{
    notice::{Telling, document, json_statement, message, put_off, statement},
    watch::{BoardView, Countdown, board, countdown},
};
use tracing::info;

use super::{Daemon, Ending};
use crate::{
    alert::utc_offset,
    board::{Board, Pace},
    config::watch::{LogFormat, Watch},
    exit::Exit,
    output::note,
};

/// A `--for` is extended by so many times its own length at most.
const MOST_EXTENSIONS: u32 = 3;
/// Where there is no terminal, the log tells so often how far a limited watch is, in parts of its length…
const PROGRESS_SHARE: u32 = 10;
/// … but not more often than this.
const PROGRESS_LEAST: Duration = Duration::from_secs(60);

/// What the board shows besides what is published.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) board: Option<Board>,
    pace: Pace,
    /// What was said last, and when.
    said: Option<(Time, String)>,
    /// When to log next how far it is.
    log_at: Option<Time>,
    /// Nothing more is shown.
    over: bool,
    /// Standard error was a terminal.
    had_terminal: bool,
}

impl Shown {
    /// A board where somebody looks on at a terminal that can show it.
    pub(super) fn new(watch: &Watch) -> Self {
        let is_wanted = watch.output.board && watch.config.log.format == LogFormat::Text;
        let had_terminal = io::stderr().is_terminal();
        Self { board: is_wanted.then(Board::new), had_terminal, ..Self::default() }
    }

    /// Whether somebody closed the terminal that the watch runs in.
    pub(super) fn is_left(&self) -> bool {
        self.had_terminal && !io::stderr().is_terminal()
    }

    /// Writes a result, above the board if there is one.
    fn print(&self, text: &str) {
        // Nobody reads it where the reader has gone.
        let write = || drop(io::stdout().lock().write_all(text.as_bytes()));
        match &self.board {
            Some(board) => board.above(write),
            None => write(),
        }
    }

    /// Says something beside the result.
    fn remark(&self, text: &str) {
        match &self.board {
            Some(board) => board.above(|| note(text)),
            None => note(text),
        }
    }
}

impl Daemon {
    /// Tells whoever looks on.
    pub(super) fn tell(&mut self, notice: &Notice) {
        let lang = self.watch.output.style.lang;
        let utc_offset_s = utc_offset(&self.config().zone, notice.at);
        let telling = Telling { lang, utc_offset_s, vantage: &self.plan.vantage };
        let part = Part { row: None, notice: notice.clone(), changes: 0, again: false, instead_of: None };
        let message = message(std::slice::from_ref(&part), &telling);
        info!(
            incident = notice.incident.id.0,
            seq = notice.seq,
            rings = notice.rings,
            "{}",
            message.summary()
        );
        if self.watch.output.json {
            let telling = Telling { lang: self.watch.output.json_lang, ..telling };
            self.shown.print(&format!("{}\n", document(&[part], &telling)));
        } else if self.config().channels.is_empty() || io::stdout().is_terminal() {
            self.shown.print(&format!("{}\n\n", message.plain(usize::MAX)));
        }
        self.shown.said = Some((notice.at, message.summary().to_owned()));
    }

    /// Shows how things are, as they were published last.
    pub(super) fn look(&mut self, now: Time) {
        if self.shown.over {
            return;
        }
        let countdown = self.countdown(now);
        let Some(terminal) = &self.shown.board else {
            self.log_progress(countdown, now);
            return;
        };
        let status = self.status.borrow();
        let checks = handshakes(&status);
        let rate = self.shown.pace.take(now, checks);
        let Some((columns, lines)) = terminal.size() else { return };
        let page = self.web.as_ref().map(|(_, local)| format!("http://{local}/"));
        let view = BoardView {
            status: &status,
            checks,
            rate,
            said: self.shown.said.as_ref().map(|(at, said)| (*at, said.as_str())),
            countdown,
            page: page.as_deref(),
        };
        // Messages above it are to be seen too.
        let lines = (lines / 2).max(lines.saturating_sub(12));
        terminal
            .draw(board(&view, columns.saturating_sub(2).max(1), lines, &self.watch.output.style), columns);
    }

    fn countdown(&self, now: Time) -> Option<Countdown> {
        let Ending { at, whole, .. } = self.ending?;
        let mut progress = Progress::default();
        for account in self.desk.accounts() {
            progress += account.progress(now, at);
        }
        Some(Countdown { left: at.since(now), whole, progress })
    }

    fn log_progress(&mut self, told: Option<Countdown>, now: Time) {
        let Some(told) = told else { return };
        let every = (told.whole / PROGRESS_SHARE).max(PROGRESS_LEAST);
        let at = *self.shown.log_at.get_or_insert(now + every);
        if now < at || told.left.is_zero() {
            return;
        }
        self.shown.log_at = Some(at.max(now) + every);
        let Progress { tries, expected, failures, .. } = told.progress;
        let left_s = told.left.as_secs();
        info!(left_s, tries, expected, failures, "{}", countdown(&told, self.watch.output.style.lang));
    }

    fn statements(&self) -> Vec<(TargetId, Assurance)> {
        let now = self.clock.now();
        self.desk.accounts().iter().map(|account| (account.target(), account.statement(now))).collect()
    }

    /// Makes the statement that a `--for` ends with, or puts it off and says why.
    pub(super) fn conclude(&mut self, now: Time) -> Option<Exit> {
        let Ending { at, whole, extensions } = self.ending?;
        if now < at {
            return None;
        }
        let statements = self.statements();
        let longer = self.desk.accounts().iter().filter_map(|account| account.extend_by(now)).max();
        if let Some(longer) = longer
            && extensions < MOST_EXTENSIONS
        {
            let most = self.watch.ends_after.unwrap_or(longer);
            let longer = longer.clamp(Duration::from_secs(1), most);
            self.ending =
                Some(Ending { at: now + longer, whole: whole + longer, extensions: extensions + 1 });
            for (target, statement) in
                statements.iter().filter(|(_, statement)| !statement.lacking.is_empty())
            {
                let text = put_off(&self.name(*target), statement, longer, self.watch.output.style.lang);
                self.shown.remark(&text);
            }
            return None;
        }
        self.leave();
        self.show_statements(&statements);
        let carried =
            !statements.is_empty() && statements.iter().all(|(_, statement)| statement.lacking.is_empty());
        Some(if carried { Exit::AllWork } else { Exit::SomeFail })
    }

    /// What it ends with where somebody stops it.
    pub(super) fn stopped(&mut self) -> Exit {
        self.leave();
        let statements = self.statements();
        self.show_statements(&statements);
        if self.ending.is_some() { Exit::SomeFail } else { Exit::AllWork }
    }

    /// The board stays as it is.
    fn leave(&mut self) {
        self.publish(self.clock.now());
        self.look(self.clock.now());
        self.shown.over = true;
        if let Some(board) = &self.shown.board {
            board.leave();
        }
    }

    fn show_statements(&self, statements: &[(TargetId, Assurance)]) {
        if self.watch.output.json && !statements.is_empty() {
            let named: Vec<(String, &Assurance)> =
                statements.iter().map(|(target, assurance)| (self.name(*target), assurance)).collect();
            self.shown.print(&format!("{}\n", json_statement(&named, self.watch.output.json_lang)));
            return;
        }
        for (target, assurance) in statements {
            self.shown.print(&statement(&self.name(*target), assurance, &self.watch.output.style));
        }
    }

    fn name(&self, id: TargetId) -> String {
        let watched = self.plan.targets.iter().find(|watched| watched.id == id);
        watched.map_or_else(String::new, |watched| watched.target.text.clone())
    }
}

fn handshakes(status: &Status) -> u64 {
    let addresses = status.targets.iter().flat_map(|target| &target.addresses);
    addresses.filter_map(|address| address.layers.get(&Layer::Connect)).map(|layer| layer.tries).sum()
}
