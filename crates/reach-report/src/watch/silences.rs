//! Silences that are not over.

use reach_core::{
    Time,
    watch::{Matcher, Silence},
};

use super::{titles::Title, words::short_time};
use crate::{
    Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    words::say,
};

/// A table of them.
pub fn silences(silences: &[Silence], now: Time, style: &Style) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    if silences.is_empty() {
        page.plain("", "", say!(lang, "nothing is silenced", "알림 중지가 없습니다"));
        return page.finish();
    }
    let title = |title: Title| Column::new(title.text(lang));
    let row = |silence: &Silence| {
        let to_come = silence.from > now;
        let mut remark = clean(&silence.comment);
        if silence.maintenance {
            let mark = say!(lang, "maintenance window", "점검 시간");
            remark = if remark.is_empty() { mark } else { format!("{mark}: {remark}") };
        }
        Row::Cells(vec![
            Span::plain(silence.id.0.to_string()),
            Span::plain(matcher(&silence.matcher, style)),
            Span::new(short_time(silence.from, now, style), if to_come { Role::Dim } else { Role::Plain }),
            Span::plain(short_time(silence.until, now, style)),
            Span::plain(clean(&silence.author)),
            Span::plain(remark),
        ])
    };
    let table = Table {
        columns: vec![
            title(Title::Id).right(),
            title(Title::Matches).wrap(16),
            title(Title::Since),
            title(Title::Until),
            title(Title::Author).cut(8),
            title(Title::Comment).wrap(12).dispensable(1),
        ],
        rows: silences.iter().map(row).collect(),
    };
    page.table("", &table);
    page.finish()
}

/// What it is about, in one line.
pub(crate) fn matcher(matcher: &Matcher, style: &Style) -> String {
    let target = matcher.target.iter().map(|target| clean(target));
    let network = matcher.network.iter().map(ToString::to_string);
    let labels = matcher.labels.iter().map(|(name, value)| format!("{}={}", clean(name), clean(value)));
    let parts: Vec<String> = target.chain(network).chain(labels).collect();
    if parts.is_empty() { say!(style.lang, "everything", "전체") } else { parts.join(", ") }
}
