//! The statement that a watch of limited length ends with: all clear, or what is missing for that.

use reach_core::watch::{Assurance, Lack};

use super::ends;
use crate::{
    Lang, Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    units,
    words::say,
};

/// What may be said of one target, address by address.
pub fn statement(target: &str, assurance: &Assurance, style: &Style) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    let failed = assurance
        .lacking
        .iter()
        .any(|lack| matches!(lack, Lack::Failed { .. } | Lack::NotWell { .. } | Lack::Unresolved));
    let (verdict, role) = if assurance.lacking.is_empty() {
        (say!(lang, "all clear", "정상화 확인"), Role::Good)
    } else if failed {
        (say!(lang, "not clear: something failed", "정상 아님: 실패 있음"), Role::Bad)
    } else {
        (say!(lang, "cannot tell: too little was tried", "판단 불가: 확인 횟수 부족"), Role::Warn)
    };
    let target = clean(target);
    page.paragraph("", "  ", &[Span::new(format!("{target}: "), Role::Strong), Span::new(verdict, role)]);
    let (from, until) = (
        units::date_time(assurance.from, style.utc_offset_s),
        units::date_time(assurance.until, style.utc_offset_s),
    );
    page.plain("  ", "  ", format!("{from} ~ {until} {}", units::zone(style.utc_offset_s)));
    if !assurance.addresses.is_empty() {
        page.table("  ", &table(assurance, lang));
    }
    for line in ends::clear(assurance, lang) {
        page.plain("  ", "  ", line);
    }
    if !assurance.lacking.is_empty() {
        let wanted = units::percent(assurance.wanted);
        page.plain(
            "  ",
            "  ",
            say!(
                lang,
                "Missing for an all-clear (less than {wanted} each):",
                "정상화(IP별 {wanted} 미만)에 부족한 점:"
            ),
        );
        for lack in &assurance.lacking {
            page.plain("  - ", "    ", ends::lack(lack, lang));
        }
    }
    page.finish()
}

/// What is told when a statement is put off.
pub fn put_off(target: &str, assurance: &Assurance, longer: std::time::Duration, lang: Lang) -> String {
    let (target, span) = (clean(target), units::stretch(longer, lang));
    let head = say!(lang, "{target}: goes on for {span} more.", "{target}: {span} 더 확인합니다.");
    let why = ends::extended(assurance, lang).join(" ");
    format!("{head} {why}")
}

fn table(assurance: &Assurance, lang: Lang) -> Table {
    let rows = assurance.addresses.iter().map(|(address, one)| {
        let mut marks = Vec::new();
        if one.new {
            marks.push(say!(lang, "new", "새 IP"));
        }
        if one.gone {
            marks.push(say!(lang, "left DNS", "DNS에서 빠짐"));
        }
        let role = if one.failures > 0 { Role::Bad } else { Role::Plain };
        Row::Cells(vec![
            Span::plain(address.to_string()),
            Span::plain(one.tries.to_string()),
            Span::new(one.failures.to_string(), role),
            Span::plain(if one.tries == 0 { "-".to_owned() } else { ends::bound(one.bound) }),
            Span::plain(marks.join(", ")),
        ])
    });
    let column = |en: &str, ko: &str| Column::new(if lang == Lang::Ko { ko } else { en });
    Table {
        columns: vec![
            column("address", "IP 주소"),
            column("tries", "시도").right(),
            column("failed", "실패").right(),
            column("fails less than", "실패율 상한").right(),
            column("", ""),
        ],
        rows: rows.collect(),
    }
}
