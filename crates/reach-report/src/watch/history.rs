//! How a target has been.

use std::net::IpAddr;

use reach_core::watch::Transition;

use super::{
    History, HistoryBucket,
    titles::Title,
    words::{grouped, layer, long_span, reason, short_time, state, state_role, why},
};
use crate::{
    Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    units,
    words::say,
};

/// Rising shares of failures: none, up to 1 %, 3 %, 10 %, 30 %, 60 %, 99 %, all. Measured, not judged: what was not
/// tried stays empty.
const LEVELS: [(f64, char, char); 8] = [
    (0.0, '▁', '_'),
    (0.01, '▂', '.'),
    (0.03, '▃', ','),
    (0.1, '▄', '-'),
    (0.3, '▅', '='),
    (0.6, '▆', '+'),
    (0.99, '▇', '*'),
    (1.0, '█', '#'),
];

/// The most columns of the picture over time.
const WIDEST: u64 = 120;
/// Changes that are listed.
const MOST_CHANGES: usize = 30;

/// A table of the addresses, then what changed.
pub fn history(history: &History, style: &Style) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    let target = clean(&history.target);
    let from = units::date_time(history.from, style.utc_offset_s);
    let until = units::date_time(history.until, style.utc_offset_s);
    let zone = units::zone(style.utc_offset_s);
    let layer = layer(history.layer, lang);
    let head = format!("{target}, {layer}: {from} ~ {until} {zone}");
    page.paragraph("", "  ", &[Span::new(head, Role::Strong)]);
    if history.totals.is_empty() {
        page.plain(
            "",
            "",
            say!(lang, "nothing was tried in this time", "해당 기간에 시도한 기록이 없습니다"),
        );
        return page.finish();
    }
    page.blank();
    page.table("", &addresses(history, style));
    let step = long_span(history.step, lang);
    let (none, all) = if style.ascii { ('_', '#') } else { ('▁', '█') };
    page.paragraph(
        "",
        "  ",
        &[Span::new(
            say!(
                lang,
                "one column is {step}: {none} no try failed, {all} all did, empty where nothing was tried",
                "한 칸은 {step}: {none} 실패 없음, {all} 모두 실패, 빈칸은 시도하지 않은 구간"
            ),
            Role::Dim,
        )],
    );
    changes(&mut page, history, style);
    page.finish()
}

fn addresses(history: &History, style: &Style) -> Table {
    let lang = style.lang;
    let column = |title: Title| Column::new(title.text(lang));
    let time = |span: Option<_>| span.map_or_else(|| "-".to_owned(), |span| units::span(span, lang));
    let row = |total: &HistoryBucket| {
        let share = total.share().map_or_else(|| "-".to_owned(), units::percent);
        let role = match total.share() {
            Some(share) if share >= 1.0 => Role::Bad,
            Some(share) if share > 0.0 => Role::Warn,
            Some(_) => Role::Good,
            None => Role::Dim,
        };
        let worst = total.failures.iter().max_by_key(|(_, count)| **count);
        Row::Cells(vec![
            Span::new(total.address.to_string(), if role == Role::Bad { role } else { Role::Plain }),
            Span::plain(grouped(total.tries)),
            Span::new(share, role),
            Span::plain(time(total.p50)),
            Span::plain(time(total.p95)),
            Span::plain(picture(history, total.address, style.ascii)),
            Span::plain(worst.map_or("-", |(cause, _)| reason(*cause, lang))),
        ])
    };
    Table {
        columns: vec![
            column(Title::Address),
            column(Title::Tries).right().dispensable(3),
            column(Title::Failed).right(),
            column(Title::P50).right().dispensable(4),
            column(Title::P95).right().dispensable(5),
            column(Title::OverTime).dispensable(1),
            column(Title::Reason).wrap(16).dispensable(2),
        ],
        rows: history.totals.iter().map(row).collect(),
    }
}

/// One character for each step.
fn picture(history: &History, address: IpAddr, ascii: bool) -> String {
    let step = history.step.as_micros().max(1);
    let steps = history.until.since(history.from).as_micros().div_ceil(step);
    let steps = usize::try_from(steps).unwrap_or(usize::MAX).min(WIDEST as usize);
    let mut row = vec![' '; steps];
    for bucket in history.buckets.iter().filter(|bucket| bucket.address == address) {
        let index = usize::try_from(bucket.from.since(history.from).as_micros() / step).unwrap_or(usize::MAX);
        let Some((share, cell)) = bucket.share().zip(row.get_mut(index)) else { continue };
        let level = LEVELS.iter().find(|(most, ..)| share <= *most).unwrap_or(&LEVELS[LEVELS.len() - 1]);
        *cell = if ascii { level.2 } else { level.1 };
    }
    row.into_iter().collect()
}

fn changes(page: &mut Page, history: &History, style: &Style) {
    let lang = style.lang;
    if history.transitions.is_empty() {
        return;
    }
    page.blank();
    let hidden = history.transitions.len().saturating_sub(MOST_CHANGES);
    let row = |Transition { series, at, from, to, why: reason }: &Transition| {
        let arrow = if from == to {
            state(*to, lang).to_owned()
        } else {
            format!("{} → {}", state(*from, lang), state(*to, lang))
        };
        Row::Cells(vec![
            Span::plain(short_time(*at, history.until, style)),
            Span::plain(series.address.to_string()),
            Span::new(arrow, state_role(*to)),
            Span::plain(why(*reason, lang)),
        ])
    };
    let mut rows: Vec<Row> = history.transitions.iter().skip(hidden).map(row).collect();
    if hidden > 0 {
        rows.insert(
            0,
            Row::Note(say!(
                lang,
                "{hidden} earlier changes are left out; --json has them all",
                "이전 변화 {hidden}건 생략. 전체는 --json으로 확인하십시오"
            )),
        );
    }
    let column = |title: Title| Column::new(title.text(lang));
    let columns = vec![
        column(Title::Time),
        column(Title::Address),
        column(Title::State),
        column(Title::Reason).wrap(16),
    ];
    page.table("", &Table { columns, rows });
}
