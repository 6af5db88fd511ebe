//! All signals of a while, put together.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use reach_core::{
    signal::{Alert, Attempt, Failure, FailureClass, Gauge, Signal, Statement, Word},
    stats::{median, wilson},
};

use super::{
    line::destination,
    words::{self, Heading, heading},
};
use crate::{
    Lang, Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    units,
};

/// How many rows of a kind are kept.
const ROWS: usize = 500;

/// How many rows of a kind are shown.
const SHOWN: usize = 20;

/// How many times of one address are kept.
const TIMES: usize = 200;

/// How many alerts are kept.
const ALERTS: usize = 20;

/// The quantile of the normal distribution of bounds that hold in 95 of 100 cases.
const Z: f64 = 1.96;

/// What was said so far, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct Board {
    services: BTreeMap<String, Tally>,
    destinations: BTreeMap<(String, Option<IpAddr>), Tried>,
    faults: BTreeMap<String, u64>,
    statements: BTreeMap<String, Ran>,
    levels: BTreeMap<(String, Gauge, String), f64>,
    things: BTreeMap<String, bool>,
    alerts: VecDeque<Alert>,
    lost: BTreeMap<String, u64>,
    heard: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    total: u64,
    failed: u64,
    late: u64,
}

#[derive(Clone, Debug, Default)]
struct Tried {
    attempts: u64,
    failed: u64,
    late: u64,
    times: VecDeque<Duration>,
    classes: BTreeSet<FailureClass>,
}

#[derive(Clone, Debug, Default)]
struct Ran {
    count: u64,
    slowest: Option<Duration>,
    error: Option<String>,
}

impl Board {
    /// How many signals were taken in.
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Takes a signal in.
    pub fn take(&mut self, signal: &Signal) {
        self.heard += 1;
        let origin = &signal.origin;
        let instance = origin.instance.clone().unwrap_or_else(|| origin.source.clone());
        match &signal.word {
            Word::Requests(requests) => {
                let service = origin.service.clone().unwrap_or(instance);
                if let Some(tally) = row(&mut self.services, service) {
                    tally.total += requests.total;
                    tally.failed += requests.failed;
                    tally.late += requests.late;
                }
            }
            Word::Attempt(attempt) => self.attempt(attempt),
            Word::Failure(failure) => self.failure(failure),
            Word::Fault(fault) => {
                if let Some(count) = row(&mut self.faults, fault.text.clone()) {
                    *count += 1;
                }
            }
            Word::Level(level) => {
                if let Some(share) = row(&mut self.levels, (instance, level.gauge, level.of.clone())) {
                    *share = level.share;
                }
            }
            Word::Presence { thing, alive } => {
                if let Some(there) = row(&mut self.things, thing.clone()) {
                    *there = *alive;
                }
            }
            Word::Statement(statement) => self.statement(statement),
            Word::Alert(alert) => {
                self.alerts.push_back(alert.clone());
                if self.alerts.len() > ALERTS {
                    self.alerts.pop_front();
                }
            }
            Word::Lost { what, count } => {
                if let Some(lost) = row(&mut self.lost, what.clone()) {
                    *lost += count;
                }
            }
        }
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let to = destination(attempt.host.as_deref(), Some(attempt.port));
        let Some(tried) = row(&mut self.destinations, (to, Some(attempt.address))) else { return };
        tried.attempts += 1;
        if let Some(class) = attempt.failed {
            tried.failed += 1;
            tried.late += u64::from(attempt.served == Some(true));
            tried.classes.insert(class);
        }
        tried.times.extend(attempt.elapsed);
        if tried.times.len() > TIMES {
            tried.times.pop_front();
        }
    }

    /// A failure. One of connecting is counted with its attempt, where there is one.
    fn failure(&mut self, failure: &Failure) {
        let to = destination(failure.host.as_deref(), failure.port);
        let key = if to.is_empty() { (failure.text.clone(), None) } else { (to, failure.address) };
        if let Some(tried) = row(&mut self.destinations, key) {
            tried.classes.insert(failure.class);
            let connecting = [FailureClass::ConnectTimeout, FailureClass::Refused, FailureClass::Unreachable];
            tried.failed += u64::from(tried.attempts == 0 || !connecting.contains(&failure.class));
        }
    }

    fn statement(&mut self, statement: &Statement) {
        if let Some(ran) = row(&mut self.statements, statement.text.clone()) {
            ran.count += statement.count;
            ran.slowest = ran.slowest.max(statement.elapsed);
            ran.error = statement.error.clone().or(ran.error.take());
        }
    }

    /// The board for people.
    pub fn text(&self, style: &Style) -> String {
        let mut page = Page::new(*style);
        let lang = style.lang;
        self.services(&mut page, lang);
        self.destinations(&mut page, lang);
        self.faults(&mut page, lang);
        self.statements(&mut page, lang);
        self.levels(&mut page, lang);
        self.things(&mut page, lang);
        self.alerts(&mut page, lang);
        let lost: Vec<String> = self
            .lost
            .iter()
            .map(|(what, count)| format!("{} {count}", words::lost(&clean(what), lang)))
            .collect();
        if !lost.is_empty() {
            begin(&mut page, Heading::Lost, lang);
            page.plain("  ", "  ", lost.join(", "));
        }
        page.finish()
    }

    fn services(&self, page: &mut Page, lang: Lang) {
        let columns = vec![
            Column::new(heading(Heading::Service, lang)).cut(10),
            Column::new(heading(Heading::Requests, lang)).right(),
            Column::new(heading(Heading::Failed, lang)).right(),
            Column::new(heading(Heading::Late, lang)).right(),
            Column::new(heading(Heading::ErrorRate, lang)).right(),
            Column::new(heading(Heading::Bounds, lang)).right(),
        ];
        let rows = self.services.iter().map(|(service, tally)| {
            let (low, high) = wilson(small(tally.failed), small(tally.total), Z);
            let bad = if tally.failed == 0 { Role::Plain } else { Role::Bad };
            vec![
                Span::new(clean(service), Role::Strong),
                Span::plain(format!("≈{}", tally.total)),
                Span::new(tally.failed.to_string(), bad),
                Span::new(tally.late.to_string(), if tally.late == 0 { Role::Plain } else { Role::Warn }),
                Span::new(units::percent(share(tally.failed, tally.total)), bad),
                Span::new(format!("{} – {}", units::percent(low), units::percent(high)), Role::Dim),
            ]
        });
        table(page, Heading::Services, lang, columns, rows);
    }

    fn destinations(&self, page: &mut Page, lang: Lang) {
        let columns = vec![
            Column::new(heading(Heading::Destination, lang)).cut(16),
            Column::new(heading(Heading::Address, lang)),
            Column::new(heading(Heading::Attempts, lang)).right().dispensable(1),
            Column::new(heading(Heading::Failed, lang)).right(),
            Column::new(heading(Heading::Late, lang)).right(),
            Column::new(heading(Heading::Time, lang)).right().dispensable(2),
            Column::new(heading(Heading::Said, lang)).wrap(12),
        ];
        // A name of which nothing fails is no news.
        let failing: BTreeSet<&str> = self
            .destinations
            .iter()
            .filter(|(_, tried)| tried.failed > 0 || !tried.classes.is_empty())
            .map(|((to, _), _)| to.as_str())
            .collect();
        let of_interest = self.destinations.iter().filter(|((to, _), _)| failing.contains(to.as_str()));
        let rows = of_interest.map(|((to, address), tried)| {
            let said: Vec<&str> = tried.classes.iter().map(|class| words::class(*class, lang)).collect();
            let time = median(tried.times.iter().copied()).map(|time| units::span(time, lang));
            let role = match tried.failed {
                0 => Role::Good,
                failed if failed == tried.late => Role::Warn,
                _ => Role::Bad,
            };
            vec![
                Span::new(clean(to), Role::Strong),
                Span::new(address.map_or_else(|| "-".to_owned(), |address| address.to_string()), role),
                Span::plain(tried.attempts.to_string()),
                Span::new((tried.failed - tried.late.min(tried.failed)).to_string(), role),
                Span::plain(tried.late.to_string()),
                Span::plain(time.unwrap_or_else(|| "-".to_owned())),
                Span::new(said.join(", "), role),
            ]
        });
        table(page, Heading::Destinations, lang, columns, rows);
    }

    fn faults(&self, page: &mut Page, lang: Lang) {
        let columns = vec![
            Column::new(heading(Heading::Count, lang)).right(),
            Column::new(heading(Heading::Error, lang)).wrap(20),
        ];
        let mut faults: Vec<_> = self.faults.iter().collect();
        faults.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let rows = faults
            .into_iter()
            .map(|(text, count)| vec![Span::plain(count.to_string()), Span::plain(clean(text))]);
        table(page, Heading::Errors, lang, columns, rows);
    }

    fn statements(&self, page: &mut Page, lang: Lang) {
        let columns = vec![
            Column::new(heading(Heading::Count, lang)).right(),
            Column::new(heading(Heading::Slowest, lang)).right(),
            Column::new(heading(Heading::Statement, lang)).wrap(20),
        ];
        let mut statements: Vec<_> = self.statements.iter().collect();
        statements.sort_by_key(|(_, ran)| std::cmp::Reverse((ran.slowest, ran.count)));
        let rows = statements.into_iter().map(|(text, ran)| {
            let error = ran.error.as_deref().map(|error| format!(" ({})", clean(error))).unwrap_or_default();
            vec![
                Span::plain(ran.count.to_string()),
                Span::new(
                    ran.slowest.map_or_else(|| "-".to_owned(), |took| units::span(took, lang)),
                    Role::Warn,
                ),
                Span::plain(format!("{}{error}", clean(text))),
            ]
        });
        table(page, Heading::Statements, lang, columns, rows);
    }

    fn levels(&self, page: &mut Page, lang: Lang) {
        let columns = vec![
            Column::new(heading(Heading::Where, lang)).cut(10),
            Column::new(heading(Heading::What, lang)),
            Column::new(heading(Heading::Share, lang)).right(),
        ];
        let mut levels: Vec<_> = self.levels.iter().collect();
        levels.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let rows = levels.into_iter().map(|((instance, gauge, of), share)| {
            let (look, bad) = words::limits(*gauge);
            let role = match share {
                share if *share >= bad => Role::Bad,
                share if *share >= look => Role::Warn,
                _ => Role::Plain,
            };
            let what = words::gauge(*gauge, lang);
            let what = if of == instance { what.to_owned() } else { format!("{what} {}", clean(of)) };
            vec![Span::plain(clean(instance)), Span::plain(what), Span::new(units::percent(*share), role)]
        });
        table(page, Heading::Levels, lang, columns, rows);
    }

    fn things(&self, page: &mut Page, lang: Lang) {
        let columns = vec![
            Column::new(heading(Heading::Where, lang)).cut(10),
            Column::new(heading(Heading::State, lang)),
        ];
        let rows = self.things.iter().map(|(thing, alive)| {
            let role = if *alive { Role::Good } else { Role::Bad };
            vec![Span::plain(clean(thing)), Span::new(words::presence(*alive, lang), role)]
        });
        table(page, Heading::Things, lang, columns, rows);
    }

    fn alerts(&self, page: &mut Page, lang: Lang) {
        if self.alerts.is_empty() {
            return;
        }
        begin(page, Heading::Alerts, lang);
        for alert in &self.alerts {
            let level =
                Span::new(format!("[{}] ", words::level(alert.level, lang)), words::level_role(alert.level));
            let said = Span::plain(format!("{}: {}", clean(&alert.title), clean(&alert.text)));
            page.paragraph("  ", "    ", &[level, said]);
        }
    }
}

fn begin(page: &mut Page, title: Heading, lang: Lang) {
    page.blank();
    page.paragraph("", "", &[Span::new(heading(title, lang), Role::Head)]);
}

fn table(
    page: &mut Page,
    title: Heading,
    lang: Lang,
    columns: Vec<Column>,
    rows: impl Iterator<Item = Vec<Span>>,
) {
    let rows: Vec<Row> = rows.take(SHOWN).map(Row::Cells).collect();
    if !rows.is_empty() {
        begin(page, title, lang);
        page.table("  ", &Table { columns, rows });
    }
}

/// The row of a key; `None` where there is no room for another.
fn row<K: Ord, V: Default>(rows: &mut BTreeMap<K, V>, key: K) -> Option<&mut V> {
    if rows.len() >= ROWS && !rows.contains_key(&key) {
        return None;
    }
    Some(rows.entry(key).or_default())
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use reach_core::{
        Time,
        signal::{Origin, Requests},
    };

    use super::*;
    use crate::signal::line;

    fn signal(word: Word) -> Signal {
        let origin = Origin {
            source: "apm".into(),
            service: Some("tomcat".into()),
            instance: Some("/was01/\u{1b}[2Jpush".into()),
        };
        Signal { at: Time::from_micros(1_795_335_254_000_000), origin, word }
    }

    fn attempt(last: u8, failed: Option<FailureClass>) -> Word {
        Word::Attempt(Attempt {
            host: Some("rr.example.kr".into()),
            address: [192, 0, 2, last].into(),
            port: 8088,
            elapsed: Some(Duration::from_millis(802)),
            failed,
            served: failed.map(|_| true),
        })
    }

    fn words() -> Vec<Word> {
        vec![
            Word::Requests(Requests {
                span: Duration::from_secs(30),
                total: 33,
                failed: 1,
                late: 3,
                estimated: true,
            }),
            attempt(10, Some(FailureClass::ConnectTimeout)),
            attempt(21, None),
            Word::Presence { thing: "/was01".into(), alive: false },
            Word::Lost { what: "texts".into(), count: 2 },
        ]
    }

    #[test]
    fn a_board_tells_the_failing_address_from_the_one_that_served() {
        let mut board = Board::default();
        words().into_iter().for_each(|word| board.take(&signal(word)));
        for lang in Lang::ALL {
            let text = board.text(&Style::plain(100, lang));
            for part in ["rr.example.kr:8088", "192.0.2.10", "192.0.2.21", "tomcat", "≈33", "/was01"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains('\u{1b}'), "{text}");
        }
        assert_eq!(board.heard(), 5);
    }

    #[test]
    fn lines_are_said_in_both_languages_and_only_of_what_is_wrong() {
        for word in words() {
            let [english, korean] =
                Lang::ALL.map(|lang| line(&signal(word.clone()), &Style::plain(100, lang)));
            assert_eq!(english.is_some(), korean.is_some());
            if let (Some(english), Some(korean)) = (english, korean) {
                assert_ne!(english, korean);
                assert!(!english.contains('\u{1b}'));
            }
        }
        assert_eq!(line(&signal(attempt(21, None)), &Style::default()), None);
    }

    #[test]
    fn no_number_of_names_fills_the_memory() {
        let mut board = Board::default();
        for number in 0..2000 {
            board.take(&signal(Word::Presence { thing: format!("/{number}"), alive: true }));
        }
        assert_eq!(board.things.len(), ROWS);
    }
}
