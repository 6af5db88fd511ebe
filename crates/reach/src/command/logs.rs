//! `reach logs`: what logs say of failures and requests.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use reach_core::signal::{Signal, Word};
use reach_report::{Style, logs as report};
use serde_json::Value;

use super::document;
use crate::{
    cli::LogsArgs,
    config::{
        Surroundings,
        logs::{self, Logs},
        moment::Now,
    },
    exit::Exit,
    logs::{LogSource, Remark, sums::Sums, wall_clock},
    output::{complain, finish, note},
    words::logs as words,
};

/// Runs the command.
pub fn run(args: &LogsArgs, around: &Surroundings) -> Exit {
    let logs = match logs::logs(args, around, &Now::look()) {
        Ok(logs) => logs,
        Err(problems) => return complain(&problems),
    };
    match watch(&logs) {
        Ok(exit) => exit,
        Err(error) => {
            note(&error.to_string());
            Exit::CouldNotTell
        }
    }
}

/// Often enough for the eye, seldom enough for a slow line.
const REDRAW: Duration = Duration::from_millis(500);
/// Somebody who interrupts waits no longer.
const PATIENCE: Duration = Duration::from_millis(200);

fn watch(logs: &Logs) -> io::Result<Exit> {
    let mut sources = Vec::new();
    let mut reading = Reading { logs, sums: Sums::default(), is_gone: false, troubles: 0 };
    for plan in &logs.sources {
        let (source, remarks) = LogSource::open(plan.clone(), reach_signal::log::exceptions())?;
        reading.remark(&remarks);
        sources.push(Some(source));
    }
    let interrupt = Interrupt::catch()?;
    let mut screen = Screen::new(logs);
    let mut tallied = Vec::new();
    let mut was_interrupted = false;
    loop {
        let (mut has_more, mut behind, mut files) = (false, 0, 0);
        for place in &mut sources {
            let Some(source) = place else { continue };
            let turn = source.poll(wall_clock());
            (has_more, behind, files) = (has_more | turn.has_more, behind + turn.behind, files + turn.files);
            if !turn.remarks.is_empty() {
                screen.erase();
            }
            reading.remark(&turn.remarks);
            reading.take(&turn.signals);
            if turn.has_ended {
                reading.take(&source.stop(wall_clock()));
                tallied.push(source.tally());
                *place = None;
            }
        }
        let lines = tallied.iter().map(|tally| tally.lines).sum::<u64>()
            + sources.iter().flatten().map(|source| source.tally().lines).sum::<u64>();
        screen.draw(|| reading.sums.logs(files, lines, behind));
        was_interrupted = was_interrupted || interrupt.has_come();
        if was_interrupted || reading.is_gone || sources.iter().all(Option::is_none) {
            break;
        }
        if !has_more {
            wait(&mut sources);
        }
    }
    for source in sources.iter_mut().flatten() {
        reading.take(&source.stop(wall_clock()));
        tallied.push(source.tally());
    }
    screen.erase();
    if was_interrupted && !logs.follows {
        note(words::interrupted_once(logs.output.style.lang));
    }
    reading.end(tallied.iter().map(|tally| tally.lines).sum())
}

/// Waits for the first source, and no longer than somebody would notice who waits for another.
fn wait(sources: &mut [Option<LogSource>]) {
    let open = sources.iter().flatten().count();
    if let Some(first) = sources.iter_mut().flatten().next() {
        first.wait(if open > 1 { PATIENCE / 2 } else { PATIENCE });
    }
}

struct Reading<'a> {
    logs: &'a Logs,
    sums: Sums,
    /// Nobody reads any more.
    is_gone: bool,
    /// Logs that could not be read.
    troubles: usize,
}

impl Reading<'_> {
    fn remark(&mut self, remarks: &[Remark]) {
        for remark in remarks {
            self.troubles += usize::from(matches!(
                remark,
                Remark::Unreadable { .. } | Remark::NoJournal | Remark::JournalEnded { .. }
            ));
            note(&words::remark(remark, self.logs.output.style.lang));
        }
    }

    fn take(&mut self, signals: &[Signal]) {
        let prints = self.logs.output.json && self.logs.follows;
        let mut text = String::new();
        for signal in signals {
            self.sums.add(signal);
            if prints && let Some(value) = json_line(signal) {
                text.push_str(&value.to_string());
                text.push('\n');
            }
        }
        if !text.is_empty() {
            let mut out = io::stdout().lock();
            self.is_gone |= out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err();
        }
    }

    fn end(&self, lines: u64) -> io::Result<Exit> {
        let logs = self.sums.logs(0, lines, 0);
        let exit = match (logs.has_failures(), self.troubles) {
            (true, _) => Exit::SomeFail,
            (false, 0) => Exit::AllWork,
            (false, _) => Exit::CouldNotTell,
        };
        if self.is_gone {
            return Ok(exit);
        }
        let text = match (self.logs.output.json, self.logs.follows) {
            (true, true) => format!("{}\n", report::json_summary(&logs)),
            (true, false) => document(&report::json_summary(&logs)),
            (false, _) => report::summary(&logs, &self.logs.output.style),
        };
        Ok(finish(&text, exit))
    }
}

fn json_line(signal: &Signal) -> Option<Value> {
    let (at, origin) = (signal.at, &signal.origin);
    match &signal.word {
        Word::Failure(failure) => Some(report::json_failure(at, origin, failure)),
        Word::Requests(requests) => Some(report::json_requests(at, origin, requests)),
        Word::Attempt(attempt) => Some(report::json_attempt(at, origin, attempt)),
        Word::Statement(statement) => Some(report::json_statement(at, origin, statement)),
        Word::Lost { count, .. } => Some(report::json_lost(at, origin, *count)),
        _ => None,
    }
}

/// A table on a terminal that is drawn over itself.
struct Screen {
    style: Option<Style>,
    began: Instant,
    drawn_at: Option<Instant>,
    drawn: usize,
}

impl Screen {
    fn new(logs: &Logs) -> Self {
        let style = logs.output.watcher.filter(|_| !logs.output.json);
        let style = style.map(|width| Style { width, ..logs.output.style });
        Self { style, began: Instant::now(), drawn_at: None, drawn: 0 }
    }

    fn draw(&mut self, logs: impl FnOnce() -> report::Logs) {
        let Some(style) = self.style else { return };
        if self.drawn_at.is_some_and(|at| at.elapsed() < REDRAW) {
            return;
        }
        self.drawn_at = Some(Instant::now());
        let size = terminal_size::terminal_size_of(io::stderr());
        let (columns, lines): (usize, usize) =
            size.map_or((style.width, 24), |(width, height)| (width.0.into(), height.0.into()));
        let style = Style { width: columns, ..style };
        // The cursor stands in the line below.
        let table = report::live(&logs(), self.began.elapsed(), lines.saturating_sub(1), &style);
        let erase = self.erasure();
        self.drawn = table.lines().count();
        let _ = io::stderr().lock().write_all(format!("{erase}{table}").as_bytes());
    }

    fn erasure(&self) -> String {
        if self.drawn == 0 { String::new() } else { format!("\x1b[{}A\r\x1b[J", self.drawn) }
    }

    fn erase(&mut self) {
        let erase = self.erasure();
        (self.drawn, self.drawn_at) = (0, None);
        let _ = io::stderr().lock().write_all(erase.as_bytes());
    }
}

/// Whether somebody wants an end.
struct Interrupt {
    told: std::sync::mpsc::Receiver<()>,
}

impl Interrupt {
    /// Ctrl-C and SIGTERM end the reading in good order; a second one ends it at once.
    fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (sender, told) = std::sync::mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate) = {
            let _inside = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                for _ in 0..2 {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    if sender.send(()).is_err() {
                        return;
                    }
                }
                std::process::exit(i32::from(Exit::CouldNotTell.code()));
            });
        })?;
        Ok(Self { told })
    }

    fn has_come(&self) -> bool {
        self.told.try_recv().is_ok()
    }
}
