//! Many addresses at a glance.

use std::{cmp::Reverse, time::Duration};

use reach_core::ping::{Method, Tally};

use unicode_width::UnicodeWidthStr;

use super::{Subject, said, spark::sparkline, units};
use crate::{
    Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    words::ping::Column as Title,
};

/// Columns that the numbers take, with the gaps around them.
const NUMBERS: usize = 65;
/// The shortest and the longest history that is worth its place.
const HISTORY: (usize, usize) = (8, 60);

/// The table that is drawn over itself in the course of a run: at most `lines` lines. Where not all addresses
/// have room, those that lose most come first and the rest is only counted.
pub fn live_table(
    subjects: &[Subject<'_>],
    method: Method,
    elapsed: Duration,
    lines: usize,
    style: &Style,
) -> String {
    let mut page = Page::new(*style);
    page.plain("", "", said::caption(subjects.len(), &units::span(elapsed, style.lang), style.lang));
    // The caption, the titles, and the line that counts the rest.
    let room = lines.saturating_sub(3).max(1);
    let mut shown: Vec<&Subject<'_>> = subjects.iter().collect();
    if shown.len() > room {
        shown.sort_by_key(|subject| Reverse(badness(subject.tally)));
        shown.truncate(room);
    }
    page.table("", &table(&shown, subjects, method, style));
    let hidden = subjects.len() - shown.len();
    if hidden > 0 {
        page.plain("", "", said::hidden(hidden, style.lang));
    }
    page.finish()
}

/// The table at the end: every address, in the order given, then what is worth telling besides.
pub fn final_table(subjects: &[Subject<'_>], method: Method, style: &Style) -> String {
    let mut page = Page::new(*style);
    let all: Vec<&Subject<'_>> = subjects.iter().collect();
    page.table("", &table(&all, subjects, method, style));
    let remarks = subjects.iter().flat_map(|subject| {
        let place = subject.place(method);
        said::remarks(subject.tally, style.lang).into_iter().map(move |remark| format!("{place}: {remark}"))
    });
    for (number, remark) in remarks.enumerate() {
        if number == 0 {
            page.blank();
        }
        page.plain("", "  ", remark);
    }
    if !subjects.is_empty() && subjects.iter().all(|subject| subject.tally.is_silent()) {
        page.blank();
        page.plain("", "", said::all_silent(method, style.lang));
    }
    page.finish()
}

/// Loss in thousandths, then the mean round trip: fine enough to tell trouble, too coarse to flicker.
fn badness(tally: &Tally) -> (u64, u64) {
    let loss = (tally.loss() * 1000.0) as u64;
    let mean = tally.rtt().mean().unwrap_or_default();
    (loss, u64::try_from(mean.as_millis()).unwrap_or(u64::MAX))
}

fn table(shown: &[&Subject<'_>], all: &[Subject<'_>], method: Method, style: &Style) -> Table {
    let lang = style.lang;
    let named = all.iter().any(|subject| subject.host != subject.endpoint.address.to_string());
    let several = all.windows(2).any(|pair| pair[0].host != pair[1].host);
    let named = named && several;
    let widest = |width: &dyn Fn(&Subject<'_>) -> usize| all.iter().map(width).max().unwrap_or(0);
    let names = if named { widest(&|subject| clean(subject.host).width() + 2) } else { 0 };
    let besides = NUMBERS + names + widest(&|subject| subject.place(method).len());
    let room = style.columns().saturating_sub(besides).clamp(HISTORY.0, HISTORY.1);
    let rows = shown.iter().map(|subject| Row::Cells(row(subject, named, room, method, style)));
    let title = |title: Title| Column::new(title.text(lang));
    Table {
        columns: vec![
            title(Title::Name).cut(8).dispensable(4),
            title(Title::Address),
            title(Title::Sent).right().dispensable(7),
            title(Title::Loss).right(),
            title(Title::Last).right().dispensable(6),
            title(Title::Least).right().dispensable(5),
            title(Title::Mean).right(),
            title(Title::Most).right().dispensable(2),
            title(Title::Deviation).right().dispensable(9),
            title(Title::P95).right().dispensable(3),
            title(Title::Jitter).right().dispensable(8),
            title(Title::History).dispensable(1),
        ],
        rows: rows.collect(),
    }
}

fn row(subject: &Subject<'_>, named: bool, room: usize, method: Method, style: &Style) -> Vec<Span> {
    let tally = subject.tally;
    let rtt = tally.rtt();
    let time = |span: Option<Duration>| Span::plain(span.map_or_else(|| "-".to_owned(), short));
    let (loss, role) = match tally.sent() - tally.in_flight() {
        0 if tally.unsent() > 0 => ("-".to_owned(), Role::Bad),
        0 => ("-".to_owned(), Role::Plain),
        _ => (units::percent(tally.loss()), loss_role(tally)),
    };
    vec![
        Span::plain(if named { clean(subject.host) } else { String::new() }),
        Span::new(subject.place(method), if role == Role::Bad { role } else { Role::Plain }),
        Span::plain(tally.sent().to_string()),
        Span::new(loss, role),
        time(tally.last()),
        time(rtt.min()),
        time(rtt.mean()),
        time(rtt.max()),
        time(rtt.deviation()),
        time(rtt.quantile(0.95)),
        time(tally.jitter()),
        Span::plain(sparkline(tally.history(), room, style.ascii)),
    ]
}

fn loss_role(tally: &Tally) -> Role {
    if tally.received() == 0 {
        Role::Bad
    } else if tally.loss() > 0.0 {
        Role::Warn
    } else {
        Role::Good
    }
}

/// Milliseconds in four or five columns.
fn short(span: Duration) -> String {
    let ms = units::millis(span);
    if ms < 9.995 {
        format!("{ms:.2}")
    } else if ms < 99.95 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}
