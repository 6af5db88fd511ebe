//! What logs say: failures by class and destination, requests and the share of them that failed.

mod json;

use std::{net::SocketAddr, time::Duration};

use reach_core::{
    Time,
    signal::{Failure, FailureClass, Statement},
    stats::wilson,
};

pub use self::json::{
    json as json_summary, json_attempt, json_failure, json_lost, json_requests, json_statement,
};
use crate::{
    Lang, Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    units::{clock_time, date_time, later, percent, span},
    words::say,
};

/// What logs said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs {
    /// Logs that are read.
    pub files: usize,
    /// Lines that were read.
    pub lines: u64,
    /// Bytes that are there and were not read yet.
    pub behind: u64,
    /// Lines that could not be understood in the form they were said to have, or were cut.
    pub lost: u64,
    /// Failures beyond the destinations that are told apart.
    pub beyond: u64,
    /// Failures, one entry for each class and destination.
    pub failures: Vec<Failed>,
    /// Requests, one entry for each log that has them.
    pub requests: Vec<Served>,
    /// Statements of databases that took too long or failed, each once, with the longest time and how often.
    pub statements: Vec<Statement>,
}

/// Failures of one class towards one destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// What they have in common.
    pub failure: Failure,
    /// How many.
    pub count: u64,
    /// When the first one was.
    pub first: Time,
    /// When the last one was.
    pub last: Time,
}

/// Requests of one log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Served {
    /// The service, or the log.
    pub name: String,
    /// When the first ones were, and the last ones.
    pub from: Time,
    /// When the last stretch ended.
    pub until: Time,
    /// All of them.
    pub total: u64,
    /// Of them failed.
    pub failed: u64,
    /// Of them answered by another server after one had failed.
    pub late: u64,
}

/// 95 % of normal deviates are within.
const Z: f64 = 1.96;

impl Served {
    /// The share that failed, if there were any requests.
    pub fn share(&self) -> Option<f64> {
        (self.total > 0).then(|| self.failed as f64 / self.total as f64)
    }

    /// Between what the share behind it is, with 95 % confidence (Wilson).
    pub fn interval(&self) -> (f64, f64) {
        // Counts beyond 32 bits are scaled: the interval is narrower than any digit shown.
        let scale = self.total.div_ceil(u64::from(u32::MAX)).max(1);
        let narrow = |count: u64| u32::try_from(count / scale).unwrap_or(u32::MAX);
        wilson(narrow(self.failed), narrow(self.total), Z)
    }

    /// Requests a second.
    pub fn rate(&self) -> Option<f64> {
        let span = self.until.since(self.from).as_secs_f64();
        (span > 0.0).then(|| self.total as f64 / span)
    }
}

impl Logs {
    /// Whether anything failed.
    pub fn has_failures(&self) -> bool {
        !self.failures.is_empty() || self.requests.iter().any(|served| served.failed > 0)
    }
}

/// What was read, as a page.
pub fn summary(logs: &Logs, style: &Style) -> String {
    page(logs, usize::MAX, style)
}

/// The same on a screen of so many lines, while it grows.
pub fn live(logs: &Logs, elapsed: Duration, lines: usize, style: &Style) -> String {
    let lang = style.lang;
    let (minutes, seconds) = (elapsed.as_secs() / 60, elapsed.as_secs() % 60);
    let count = grouped(logs.lines);
    let mut head = match logs.files {
        0 => say!(lang, "{minutes}:{seconds:02} | {count} lines", "{minutes}:{seconds:02} | {count}줄"),
        1 => say!(
            lang,
            "{minutes}:{seconds:02} | 1 file | {count} lines",
            "{minutes}:{seconds:02} | 파일 1개 | {count}줄"
        ),
        files => say!(
            lang,
            "{minutes}:{seconds:02} | {files} files | {count} lines",
            "{minutes}:{seconds:02} | 파일 {files}개 | {count}줄"
        ),
    };
    if logs.behind > 1 << 20 {
        let behind = logs.behind >> 20;
        head.push_str(&say!(lang, " | {behind} MiB behind", " | {behind} MiB 밀림"));
    }
    let fixed = 4 + if logs.requests.is_empty() { 0 } else { logs.requests.len() + 2 };
    let room = lines.saturating_sub(fixed).max(1);
    let body = page(logs, room, style);
    let shown: Vec<&str> = body.lines().take(lines.saturating_sub(1)).collect();
    format!("{head}\n{}\n", shown.join("\n"))
}

fn page(logs: &Logs, most: usize, style: &Style) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    if logs.failures.is_empty() && !logs.statements.is_empty() {
        page.table("", &statements(logs, most, style));
    } else if logs.failures.is_empty() {
        let text = say!(lang, "no failure towards any destination", "목적지 접속 실패가 기록되지 않았습니다");
        page.plain("", "", text);
    } else {
        page.table("", &failures(logs, most, style));
        if !logs.statements.is_empty() {
            page.blank();
            page.table("", &statements(logs, most, style));
        }
    }
    if logs.beyond > 0 {
        let beyond = grouped(logs.beyond);
        page.plain(
            "",
            "",
            say!(
                lang,
                "{beyond} more failures, towards other destinations",
                "다른 목적지 실패 {beyond}건 더 있음"
            ),
        );
    }
    if !logs.requests.is_empty() {
        page.blank();
        page.table("", &requests(&logs.requests, style));
    }
    if logs.lost > 0 {
        page.blank();
        let lost = grouped(logs.lost);
        page.plain(
            "",
            "",
            say!(
                lang,
                "{lost} lines were not understood (of another form than the access log's, or too long)",
                "{lost}줄은 해석하지 못했습니다(접근 로그 형식과 다르거나 너무 긴 줄)"
            ),
        );
    }
    page.finish()
}

fn failures(logs: &Logs, most: usize, style: &Style) -> Table {
    let lang = style.lang;
    let mut sorted: Vec<&Failed> = logs.failures.iter().collect();
    sorted.sort_by_key(|failed| std::cmp::Reverse(failed.count));
    let hidden = sorted.len().saturating_sub(most);
    let mut rows: Vec<Row> = sorted
        .iter()
        .take(most)
        .map(|failed| {
            let failure = &failed.failure;
            Row::Cells(vec![
                Span::new(grouped(failed.count), Role::Strong),
                Span::new(class(failure, lang), Role::Bad),
                Span::plain(destination(failure, lang)),
                Span::new(failure.client.as_deref().map(clean).unwrap_or_default(), Role::Dim),
                Span::plain(times(failed, style)),
            ])
        })
        .collect();
    if hidden > 0 {
        rows.push(Row::Note(say!(lang, "and {hidden} more", "그 밖에 {hidden}건")));
    }
    Table {
        columns: vec![
            Column::new(say!(lang, "COUNT", "건수")).right(),
            Column::new(say!(lang, "FAILURE", "실패")),
            Column::new(say!(lang, "DESTINATION", "목적지")).wrap(20),
            Column::new(say!(lang, "CLIENT", "클라이언트")).dispensable(2),
            Column::new(say!(lang, "FIRST - LAST", "처음 - 마지막")).dispensable(1),
        ],
        rows,
    }
}

fn statements(logs: &Logs, most: usize, style: &Style) -> Table {
    let lang = style.lang;
    let mut sorted: Vec<&Statement> = logs.statements.iter().collect();
    sorted.sort_by_key(|statement| std::cmp::Reverse((statement.elapsed, statement.count)));
    let row = |statement: &&Statement| {
        let error =
            statement.error.as_deref().map(|error| format!(" ({})", clean(error))).unwrap_or_default();
        Row::Cells(vec![
            Span::new(grouped(statement.count), Role::Strong),
            Span::new(statement.elapsed.map(|took| span(took, lang)).unwrap_or_default(), Role::Warn),
            Span::plain(statement.database.as_deref().map(clean).unwrap_or_default()),
            Span::plain(format!("{}{error}", clean(&statement.text))),
        ])
    };
    let hidden = sorted.len().saturating_sub(most);
    let mut rows: Vec<Row> = sorted.iter().take(most).map(row).collect();
    if hidden > 0 {
        rows.push(Row::Note(say!(lang, "and {hidden} more", "그 밖에 {hidden}건")));
    }
    Table {
        columns: vec![
            Column::new(say!(lang, "COUNT", "건수")).right(),
            Column::new(say!(lang, "SLOWEST", "최장 시간")).right(),
            Column::new(say!(lang, "DATABASE", "데이터베이스")).dispensable(1),
            Column::new(say!(lang, "STATEMENT", "SQL 문")).wrap(20),
        ],
        rows,
    }
}

fn times(failed: &Failed, style: &Style) -> String {
    let first = date_time(failed.first, style.utc_offset_s);
    if failed.first == failed.last {
        return first;
    }
    format!("{first} - {}", later(failed.first, failed.last, style.utc_offset_s))
}

fn requests(all: &[Served], style: &Style) -> Table {
    let lang = style.lang;
    let row = |served: &Served| {
        let (low, high) = served.interval();
        let share = served.share().map(percent).unwrap_or_default();
        let role = if served.failed > 0 { Role::Bad } else { Role::Good };
        let rate =
            served.rate().map(|rate| if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") });
        let until = clock_time(served.until, style.utc_offset_s);
        Row::Cells(vec![
            Span::plain(clean(&served.name)),
            Span::plain(grouped(served.total)),
            Span::plain(rate.unwrap_or_default()),
            Span::new(grouped(served.failed), role),
            Span::new(share, role),
            Span::new(format!("{} - {}", percent(low), percent(high)), Role::Dim),
            Span::plain(if served.late > 0 { grouped(served.late) } else { String::new() }),
            Span::new(until, Role::Dim),
        ])
    };
    Table {
        columns: vec![
            Column::new(say!(lang, "LOG", "로그")).wrap(16),
            Column::new(say!(lang, "REQUESTS", "요청")).right(),
            Column::new(say!(lang, "PER S", "초당")).right().dispensable(2),
            Column::new(say!(lang, "FAILED", "실패")).right(),
            Column::new(say!(lang, "SHARE", "실패율")).right(),
            Column::new(say!(lang, "95 % INTERVAL", "95 % 신뢰 구간")).dispensable(1),
            Column::new(say!(lang, "LATE", "지연 성공")).right().dispensable(3),
            Column::new(say!(lang, "UNTIL", "기준 시각")).dispensable(4),
        ],
        rows: all.iter().map(row).collect(),
    }
}

fn class(failure: &Failure, lang: Lang) -> String {
    let word = match failure.class {
        FailureClass::Dns => say!(lang, "DNS lookup", "DNS 조회 실패"),
        FailureClass::ConnectTimeout => say!(lang, "connect timeout", "연결 시간 초과"),
        FailureClass::ReadTimeout => say!(lang, "read timeout", "응답 시간 초과"),
        FailureClass::Refused => say!(lang, "connection refused", "연결 거부"),
        FailureClass::Unreachable => say!(lang, "unreachable", "도달 불가"),
        FailureClass::Reset => say!(lang, "connection reset", "연결 끊김"),
        FailureClass::Tls => say!(lang, "TLS handshake", "TLS 핸드셰이크 실패"),
        FailureClass::Http => say!(lang, "HTTP error", "HTTP 오류"),
    };
    match failure.status {
        Some(status) => format!("{word} {status}"),
        None => word,
    }
}

fn destination(failure: &Failure, lang: Lang) -> String {
    let port = failure.port;
    let with_port = |text: String| port.map_or_else(|| text.clone(), |port| format!("{text}:{port}"));
    let address = failure.address.map(|address| match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    });
    match (&failure.host, address) {
        (Some(host), Some(_)) => {
            let address = failure.address.map(|address| address.to_string()).unwrap_or_default();
            format!("{} ({address})", with_port(clean(host)))
        }
        (Some(host), None) => with_port(clean(host)),
        (None, Some(address)) => address,
        (None, None) if failure.addresses.is_empty() => say!(lang, "(not told)", "(기록 없음)"),
        (None, None) => crate::units::addresses(&failure.addresses),
    }
}

/// `1 234 567`: digits in groups, as the glyphs of both languages take them.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && digits.len() > 4 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests;
