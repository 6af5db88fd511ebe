//! One incident, with everything that is remembered of it.

use std::{collections::BTreeSet, time::Duration};

use reach_core::{
    Time,
    watch::{Incident, Member, OutboxRow, Phase, Transition},
};

use super::{
    IncidentRecord,
    incidents::ended,
    titles::Title,
    words::{
        self, cause, delivery, gravity, gravity_role, long_span, news, phase, phase_role, reason, short_time,
        state, state_role, why,
    },
};
use crate::{
    Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    text, units,
    words::say,
};

/// Longer time lines are cut in the middle: what began it and how it ended matter most.
const MOST_LINES: usize = 60;

/// The incident, its addresses, its time line, its messages, and what surveys concluded (`whole`: their reports).
pub fn incident(record: &IncidentRecord, now: Time, whole: bool, style: &Style) -> String {
    let mut page = Page::new(*style);
    heading(&mut page, &record.incident, now, style);
    if !record.incident.members.is_empty() {
        page.blank();
        page.table("", &members(&record.incident, now, style));
    }
    let lines = time_line(record, now, style);
    if !lines.is_empty() {
        page.blank();
        page.table("", &table([Title::Time, Title::What], lines, style));
    }
    if !record.messages.is_empty() {
        page.blank();
        page.table("", &messages(&record.messages, now, style));
    }
    evidence(&mut page, record, now, style);
    let mut out = page.finish();
    if whole && let Some(last) = record.evidence.last() {
        out.push('\n');
        out.push_str(&text::check(&[(last.case.clone(), last.diagnosis.clone())], last.at, style));
    }
    out
}

fn heading(page: &mut Page, incident: &Incident, now: Time, style: &Style) {
    let lang = style.lang;
    let (id, title) = (incident.id.0, words::title(incident, lang));
    page.paragraph(
        "",
        "  ",
        &[
            Span::new(format!("#{id} {title}: "), Role::Strong),
            Span::new(gravity(incident.worst, lang), gravity_role(incident.worst)),
            Span::plain(", "),
            Span::new(phase(incident.phase, lang), phase_role(incident.phase)),
        ],
    );
    let began = units::date_time(incident.began, style.utc_offset_s);
    let zone = units::zone(style.utc_offset_s);
    let lasted = long_span(ended(incident, now).since(incident.began), lang);
    page.plain(
        "  ",
        "    ",
        match incident.phase {
            Phase::Open => say!(
                lang,
                "began {began} {zone} and goes on ({lasted})",
                "{began} {zone} 시작, 진행 중({lasted} 경과)"
            ),
            _ => {
                let end = units::date_time(ended(incident, now), style.utc_offset_s);
                say!(lang, "{began} to {end} {zone} ({lasted})", "{began} ~ {end} {zone}({lasted})")
            }
        },
    );
    if let Some(ending) = &incident.ending {
        page.plain("  ", "    ", words::ending(ending, lang));
    }
    if incident.unwatched >= Duration::from_secs(60) {
        let span = long_span(incident.unwatched, lang);
        page.plain(
            "  ",
            "    ",
            say!(
                lang,
                "{span} of it were not watched: this host slept, was cut off, or its clock was set",
                "그중 {span} 감시 공백(이 서버의 절전, 네트워크 단절 또는 시각 변경)"
            ),
        );
    }
    for one in &incident.causes {
        page.plain("  ", "    ", cause(one, incident, style));
    }
    let labels: Vec<String> =
        incident.labels.iter().map(|(name, value)| format!("{}={}", clean(name), clean(value))).collect();
    if !labels.is_empty() {
        page.paragraph("  ", "    ", &[Span::new(labels.join(", "), Role::Dim)]);
    }
    if let Some(taken) = &incident.acknowledged {
        let (by, at) = (clean(&taken.by), short_time(taken.at, now, style));
        page.plain("  ", "    ", say!(lang, "acknowledged by {by} at {at}", "{at} {by} 확인"));
    }
    for remark in &incident.remarks {
        let (at, by) = (short_time(remark.at, now, style), clean(&remark.by));
        let text = clean(&remark.text);
        page.plain("  ", "    ", say!(lang, "note by {by} at {at}: {text}", "{at} {by} 메모: {text}"));
    }
    if let Some(until) = incident.muted_until.filter(|until| *until > now) {
        let until = short_time(until, now, style);
        page.plain("  ", "    ", say!(lang, "muted until {until}", "{until}까지 알림 끔"));
    }
    if incident.unstable {
        page.plain(
            "  ",
            "    ",
            say!(
                lang,
                "it opens and closes again and again: only rises of its severity ring",
                "발생과 복구를 반복하고 있어, 더 심각해질 때만 소리로 알립니다"
            ),
        );
    }
}

fn members(incident: &Incident, now: Time, style: &Style) -> Table {
    let lang = style.lang;
    let column = |title: Title| Column::new(title.text(lang));
    let row = |member: &Member| {
        let mut remarks = Vec::new();
        if member.from_birth {
            remarks.push(say!(lang, "never answered since it appeared", "나타난 뒤 한 번도 응답 없음"));
        }
        if member.gone {
            remarks.push(say!(lang, "left DNS", "DNS에서 빠짐"));
        }
        Row::Cells(vec![
            Span::plain(member.address.to_string()),
            Span::new(state(member.state, lang), state_role(member.state)),
            Span::plain(reason(member.reason, lang)),
            Span::plain(short_time(member.since, now, style)),
            Span::plain(if remarks.is_empty() { "-".to_owned() } else { remarks.join(", ") }),
        ])
    };
    Table {
        columns: vec![
            column(Title::Address),
            column(Title::State),
            column(Title::Reason).wrap(16),
            column(Title::Since),
            column(Title::Remark).wrap(12).dispensable(1),
        ],
        rows: incident.members.iter().map(row).collect(),
    }
}

fn table(titles: [Title; 2], rows: Vec<Row>, style: &Style) -> Table {
    let [first, second] = titles;
    let columns = vec![Column::new(first.text(style.lang)), Column::new(second.text(style.lang)).wrap(30)];
    Table { columns, rows }
}

/// Changes of addresses and what was said, in the order of time.
fn time_line(record: &IncidentRecord, now: Time, style: &Style) -> Vec<Row> {
    let lang = style.lang;
    let mut lines: Vec<(Time, u8, Span)> = Vec::new();
    for Transition { series, at, from, to, why: reason } in &record.transitions {
        let (before, after) = (state(*from, lang), state(*to, lang));
        let (address, because) = (series.address, why(*reason, lang));
        let text = if from == to {
            format!("{address}: {because}")
        } else {
            format!("{address}: {before} → {after}, {because}")
        };
        lines.push((*at, 0, Span::new(text, if from == to { Role::Dim } else { state_role(*to) })));
    }
    // Each notice once, however many channels it went to.
    let mut told = BTreeSet::new();
    for row in &record.messages {
        if told.insert(row.notice.seq) {
            let said = news(&row.notice.news, lang);
            let ring = if row.notice.rings {
                say!(lang, "told, ringing: {said}", "알림(소리): {said}")
            } else {
                say!(lang, "told: {said}", "알림: {said}")
            };
            lines.push((row.notice.at, 1, Span::new(ring, Role::Strong)));
        }
    }
    lines.sort_by_key(|(at, kind, _)| (*at, *kind));
    let hidden = lines.len().saturating_sub(MOST_LINES);
    let mut rows = Vec::new();
    for (index, (at, _, line)) in lines.into_iter().enumerate() {
        if hidden > 0 && index == MOST_LINES / 2 {
            rows.push(Row::Note(say!(
                lang,
                "… {hidden} lines more; --json has them all",
                "… {hidden}줄 생략. 전체는 --json으로 확인하십시오"
            )));
        }
        if hidden > 0 && (MOST_LINES / 2..MOST_LINES / 2 + hidden).contains(&index) {
            continue;
        }
        rows.push(Row::Cells(vec![Span::plain(short_time(at, now, style)), line]));
    }
    rows
}

fn messages(messages: &[OutboxRow], now: Time, style: &Style) -> Table {
    let lang = style.lang;
    let column = |title: Title| Column::new(title.text(lang));
    let row = |row: &OutboxRow| {
        Row::Cells(vec![
            Span::plain(short_time(row.notice.at, now, style)),
            Span::plain(clean(&row.channel)),
            Span::plain(news(&row.notice.news, lang)),
            Span::new(
                delivery(&row.delivery, style),
                if row.delivery.is_pending() { Role::Warn } else { Role::Plain },
            ),
            Span::plain(row.trouble.as_deref().map_or_else(|| "-".to_owned(), clean)),
        ])
    };
    Table {
        columns: vec![
            column(Title::Time),
            column(Title::Channel),
            column(Title::What),
            column(Title::Delivery),
            column(Title::Trouble).wrap(16).dispensable(1),
        ],
        rows: messages.iter().map(row).collect(),
    }
}

fn evidence(page: &mut Page, record: &IncidentRecord, now: Time, style: &Style) {
    let lang = style.lang;
    let Some(last) = record.evidence.last() else { return };
    page.blank();
    let (count, at) = (record.evidence.len(), short_time(last.at, now, style));
    let (plural, observations) = (if count == 1 { "survey" } else { "surveys" }, last.observations);
    page.plain(
        "",
        "  ",
        say!(
            lang,
            "evidence: {count} {plural}, the last at {at} with {observations} observations; --verbose shows its report",
            "증거 자료: 정밀 검사 {count}회, 마지막 {at}(관찰 {observations}건). 보고서는 --verbose로 확인하십시오"
        ),
    );
}
