//! What a configuration would watch.

use std::{collections::BTreeMap, time::Duration};

use reach_core::watch::{Cadence, Rules};

use super::{
    titles::Title,
    words::{bytes, long_span},
};
use crate::{
    Lang, Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    units,
    words::say,
};

/// What a configuration says.
#[derive(Clone, Debug)]
pub struct PlanView<'a> {
    /// The targets.
    pub targets: Vec<WatchedView<'a>>,
    /// What is heard or looked at besides targets: name, and the key of its table.
    pub sources: Vec<(&'a str, &'a str)>,
    /// The channels: name and kind.
    pub channels: Vec<(&'a str, &'a str)>,
    /// Names of the maintenance windows, each with its next turn as it would be said, if there is one in 14 days.
    pub maintenance: Vec<(&'a str, Option<String>)>,
    /// Where things are remembered.
    pub store: String,
    /// What that may take.
    pub max_bytes: u64,
    /// Where the socket is.
    pub control: String,
}

/// One target.
#[derive(Clone, Debug)]
pub struct WatchedView<'a> {
    /// Its text.
    pub target: &'a str,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
    /// Whether it speaks TLS or HTTP.
    pub deeper: bool,
    /// How often and how.
    pub pace: &'a Cadence,
    /// When to speak of it.
    pub rules: &'a Rules,
}

/// A table of the targets, and a line for everything else.
pub fn plan(plan: &PlanView<'_>, style: &Style) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    let column = |title: Title| Column::new(title.text(lang));
    let row = |target: &WatchedView<'_>| {
        let labels: Vec<String> =
            target.labels.iter().map(|(name, value)| format!("{}={}", clean(name), clean(value))).collect();
        Row::Cells(vec![
            Span::plain(clean(target.target)),
            Span::plain(long_span(target.pace.every, lang)),
            Span::plain(every(target.pace.exchange_every.filter(|_| target.deeper), lang)),
            Span::plain(every(target.pace.echo_every, lang)),
            Span::plain(rules(target.rules, lang)),
            Span::plain(if labels.is_empty() { "-".to_owned() } else { labels.join(", ") }),
        ])
    };
    let table = Table {
        columns: vec![
            column(Title::Target).cut(30),
            column(Title::Every).right(),
            column(Title::Deeper).right().dispensable(2),
            column(Title::Echo).right().dispensable(3),
            column(Title::Speaks).wrap(20),
            column(Title::Labels).wrap(12).dispensable(1),
        ],
        rows: plan.targets.iter().map(row).collect(),
    };
    if !plan.targets.is_empty() {
        page.table("", &table);
    }
    page.blank();
    let mut line = |text: String| page.paragraph("", "  ", &[Span::new(text, Role::Plain)]);
    let some = |all: &[(&str, &str)]| {
        let all: Vec<String> =
            all.iter().map(|(name, kind)| format!("{} ({})", clean(name), clean(kind))).collect();
        units::some_of(&all, 8, lang)
    };
    if !plan.sources.is_empty() {
        let sources = some(&plan.sources);
        line(say!(lang, "sources of signals: {sources}", "신호 출처: {sources}"));
    }
    let channels = some(&plan.channels);
    line(if channels.is_empty() {
        say!(
            lang,
            "channels: none; nobody will hear of anything but those who look",
            "알림 채널: 없음. 직접 조회하지 않으면 아무에게도 알려지지 않습니다"
        )
    } else {
        say!(lang, "channels: {channels}", "알림 채널: {channels}")
    });
    for (name, next) in &plan.maintenance {
        let name = clean(name);
        line(match next {
            Some(next) => say!(lang, "maintenance {name}: next {next}", "점검 시간 {name}: 다음 {next}"),
            None => say!(lang, "maintenance {name}: not within 14 days", "점검 시간 {name}: 14일 안에 없음"),
        });
    }
    let (store, size) = (clean(&plan.store), bytes(plan.max_bytes));
    line(say!(lang, "memory: {store}, at most {size}", "저장소: {store}(최대 {size})"));
    let control = clean(&plan.control);
    line(say!(lang, "control socket: {control}", "제어 소켓: {control}"));
    page.finish()
}

fn every(span: Option<Duration>, lang: Lang) -> String {
    span.map_or_else(|| "-".to_owned(), |span| long_span(span, lang))
}

/// When it is spoken of, in a few words.
fn rules(rules: &Rules, lang: Lang) -> String {
    let after = long_span(rules.open_after, lang);
    let mut parts = vec![say!(lang, "down for {after}", "{after} 이상 접속 불가")];
    if let Some(share) = &rules.failure_share {
        let (threshold, window) = (units::percent(share.threshold), long_span(share.window, lang));
        parts.push(say!(lang, "over {threshold} fail in {window}", "{window} 실패율 {threshold} 초과"));
    }
    if let Some(latency) = &rules.latency {
        let (above, quantile) = (units::span(latency.above, lang), latency.quantile * 100.0);
        parts.push(say!(lang, "p{quantile:.0} over {above}", "P{quantile:.0} {above} 초과"));
    }
    if let Some((warn, _)) = rules.certificate {
        let warn = long_span(warn, lang);
        parts.push(say!(lang, "certificate ends in {warn}", "인증서 만료 {warn} 전"));
    }
    if let Some(burn) = rules.burn.first() {
        let objective = units::percent(burn.objective);
        parts.push(say!(lang, "budget of {objective} burns", "목표 {objective} 오류 예산 소진"));
    }
    parts.join(", ")
}
