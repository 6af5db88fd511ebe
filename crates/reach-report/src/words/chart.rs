//! What charts say: legends, tips, and their descriptions for those who do not see them.

use std::time::Duration;

use jiff::civil::Date;
use reach_core::watch::Reason;

use super::say;
use crate::{
    Lang,
    chart::SmokePoint,
    units::{percent, some_of, span},
    watch,
};

/// So many addresses are named in a description.
const NAMED: usize = 8;

/// `Nov 23`.
pub(crate) fn day(date: Date, lang: Lang) -> String {
    match lang {
        Lang::En => date.strftime("%b %-d").to_string(),
        Lang::Ko => format!("{}월 {}일", date.month(), date.day()),
    }
}

/// `Mon, Nov 23`.
pub(crate) fn weekday(date: Date, lang: Lang) -> String {
    match lang {
        Lang::En => date.strftime("%a, %b %-d").to_string(),
        Lang::Ko => {
            let names = ["월", "화", "수", "목", "금", "토", "일"];
            let name = names[date.weekday().to_monday_zero_offset() as usize % 7];
            format!("{}({name})", day(date, lang))
        }
    }
}

/// `Nov`.
pub(crate) fn month(date: Date, lang: Lang) -> String {
    match lang {
        Lang::En => date.strftime("%b").to_string(),
        Lang::Ko => format!("{}월", date.month()),
    }
}

/// `2026`.
pub(crate) fn year(year: i16, lang: Lang) -> String {
    match lang {
        Lang::En => year.to_string(),
        Lang::Ko => format!("{year}년"),
    }
}

/// A stretch of time.
pub(crate) fn from_until(from: &str, until: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{from} – {until}"),
        Lang::Ko => format!("{from} ~ {until}"),
    }
}

/// What is still so.
pub(crate) fn since(from: &str, lang: Lang) -> String {
    say!(lang, "since {from}", "{from}부터")
}

/// The host slept, or no watch ran.
pub(crate) fn not_watched(lang: Lang) -> String {
    say!(lang, "not watched", "감시하지 않음")
}

/// Rows that found no room.
pub(crate) fn left_out(count: usize, lang: Lang) -> String {
    match count {
        1 => say!(lang, "1 more address is not shown", "IP 1개는 표시하지 않음"),
        _ => say!(lang, "{count} more addresses are not shown", "IP {count}개는 표시하지 않음"),
    }
}

pub(crate) fn all_answered(lang: Lang) -> String {
    say!(lang, "all answered", "모두 응답")
}

pub(crate) fn some_failed(lang: Lang) -> String {
    say!(lang, "some failed (the stronger, the more)", "일부 실패(색이 진할수록 많음)")
}

pub(crate) fn all_failed(lang: Lang) -> String {
    say!(lang, "all failed", "모두 실패")
}

pub(crate) fn could_not_try(lang: Lang) -> String {
    say!(lang, "could not be tried", "시도하지 못함")
}

pub(crate) fn not_tried(lang: Lang) -> String {
    say!(lang, "not tried", "시도 없음")
}

/// What came of the tries of a cell.
pub(crate) fn outcome(tries: u64, failed: u64, unable: u64, reason: Option<Reason>, lang: Lang) -> String {
    let mut text = match (tries, failed) {
        (0, _) => String::new(),
        (1, 0) => say!(lang, "1 try, answered", "1회 시도, 응답"),
        (_, 0) => say!(lang, "{tries} tries, all answered", "{tries}회 시도, 모두 응답"),
        _ => say!(lang, "{failed} of {tries} tries failed", "{tries}회 중 {failed}회 실패"),
    };
    if let Some(reason) = reason.filter(|_| failed > 0) {
        text = format!("{text}: {}", watch::reason(reason, lang));
    }
    if unable > 0 {
        let more = say!(lang, "{unable} could not be made", "{unable}회는 시도하지 못함");
        text = if text.is_empty() { more } else { format!("{text}; {more}") };
    }
    text
}

/// One of the addresses that fail.
pub(crate) fn failing(address: &str, failed: u64, tries: u64, lang: Lang) -> String {
    if failed >= tries {
        return say!(lang, "{address} (all {tries})", "{address}(전체 {tries}회)");
    }
    say!(lang, "{address} ({failed} of {tries})", "{address}({tries}회 중 {failed}회)")
}

/// The text alternative of a heat map.
pub(crate) fn heat_description(
    window: &str,
    all: usize,
    good: usize,
    failing: &[String],
    silent: usize,
    lang: Lang,
) -> String {
    let mut texts = vec![match all {
        1 => say!(lang, "1 address, {window}.", "IP 1개, {window}."),
        _ => say!(lang, "{all} addresses, {window}.", "IP {all}개, {window}."),
    }];
    if all > 0 {
        texts.push(say!(lang, "Without a failure: {good}.", "실패가 없었던 IP: {good}개."));
    }
    if !failing.is_empty() {
        let count = failing.len();
        let names = some_of(failing, NAMED, lang);
        texts.push(say!(lang, "With failures: {count}: {names}.", "실패가 있었던 IP: {count}개: {names}."));
    }
    if silent > 0 {
        texts.push(say!(lang, "Without a result: {silent}.", "결과가 없는 IP: {silent}개."));
    }
    texts.join(" ")
}

pub(crate) fn failed_share(lang: Lang) -> String {
    say!(lang, "failed", "실패율")
}

pub(crate) fn failures(lang: Lang) -> String {
    say!(lang, "share that failed", "실패 비율")
}

pub(crate) fn median(lang: Lang) -> String {
    say!(lang, "median", "중앙값")
}

/// What lies between two percentiles.
pub(crate) fn band(range: &str, lang: Lang) -> String {
    say!(lang, "{range} of the answers", "응답의 {range}")
}

pub(crate) fn logarithmic(lang: Lang) -> String {
    say!(lang, "latency on a logarithmic scale", "지연 시간은 로그 눈금")
}

/// What one point of a smoke graph stands for.
pub(crate) fn smoke_tip(when: &str, point: &SmokePoint, lang: Lang) -> String {
    let mut text = format!("{when}: {}", outcome(point.tries, point.failed, 0, None, lang));
    if let Some(latency) = point.latency {
        let [p5, p50, p95] = [latency.p5, latency.p50, latency.p95].map(|time| span(time, lang));
        let more = say!(
            lang,
            "median {p50}, nine in ten between {p5} and {p95}",
            "중앙값 {p50}, 90 %가 {p5} ~ {p95}"
        );
        text = format!("{text}; {more}");
    }
    text
}

/// The text alternative of a smoke graph.
pub(crate) fn smoke_description(
    window: &str,
    medians: Option<(Duration, Duration)>,
    slowest: Option<Duration>,
    tries: u64,
    failed: u64,
    lang: Lang,
) -> String {
    let mut texts = vec![format!("{window}.")];
    match (medians, slowest) {
        (Some((least, most)), Some(slowest)) => {
            let [least, most, slowest] = [least, most, slowest].map(|time| span(time, lang));
            texts.push(say!(
                lang,
                "Median latency from {least} to {most}; one answer in twenty took up to {slowest} or longer.",
                "지연 시간 중앙값 {least} ~ {most}, 가장 느린 5 %는 최대 {slowest} 이상."
            ));
        }
        _ => texts.push(say!(lang, "No answers.", "응답 없음.")),
    }
    if tries > 0 {
        let share = percent(failed as f64 / tries as f64);
        texts.push(say!(
            lang,
            "{failed} of {tries} tries failed ({share}).",
            "{tries}회 시도 중 {failed}회 실패({share})."
        ));
    }
    texts.join(" ")
}

/// An address that came from DNS, nobody remembers from whom.
pub(crate) fn some_resolver(lang: Lang) -> String {
    say!(lang, "some resolver", "DNS 서버 미상")
}

/// The text alternative of a pool over time.
pub(crate) fn pool_description(
    window: &str,
    all: usize,
    resolvers: usize,
    came: &[String],
    went: &[String],
    lang: Lang,
) -> String {
    let mut texts = vec![say!(
        lang,
        "Addresses: {all}; resolvers: {resolvers}; {window}.",
        "IP {all}개, DNS 서버 {resolvers}개, {window}."
    )];
    if came.is_empty() && went.is_empty() {
        texts.push(say!(lang, "None came, none went.", "새로 나타나거나 빠진 IP 없음."));
    }
    if !came.is_empty() {
        let (count, names) = (came.len(), some_of(came, NAMED, lang));
        texts.push(say!(lang, "Came: {count}: {names}.", "새로 나타난 IP: {count}개: {names}."));
    }
    if !went.is_empty() {
        let (count, names) = (went.len(), some_of(went, NAMED, lang));
        texts.push(say!(lang, "Went: {count}: {names}.", "DNS에서 빠진 IP: {count}개: {names}."));
    }
    texts.join(" ")
}

/// What a sparkline shows.
pub(crate) fn sparkline_title(minutes: usize, lang: Lang) -> String {
    say!(lang, "Latency of the last {minutes} min", "최근 {minutes}분 지연 시간")
}

/// The text alternative of a sparkline.
pub(crate) fn sparkline_description(
    middle: Option<Duration>,
    range: Option<(Duration, Duration)>,
    failing: usize,
    tried: usize,
    lang: Lang,
) -> String {
    let times = match (middle, range) {
        (Some(middle), Some((least, most))) => {
            let [middle, least, most] = [middle, least, most].map(|time| span(time, lang));
            say!(lang, "median {middle}, {least} to {most}", "중앙값 {middle}, {least} ~ {most}")
        }
        _ => say!(lang, "no answers", "응답 없음"),
    };
    if tried == 0 {
        return say!(lang, "nothing tried", "시도 없음");
    }
    if failing == 0 {
        return say!(lang, "{times}; no failures", "{times}, 실패 없음");
    }
    say!(lang, "{times}; failures in {failing} of {tried} min", "{times}, {tried}분 중 {failing}분에 실패")
}

/// What a row of cells shows.
pub(crate) fn cells_title(count: usize, lang: Lang) -> String {
    match count {
        1 => say!(lang, "1 address", "IP 1개"),
        _ => say!(lang, "{count} addresses", "IP {count}개"),
    }
}

/// One bar of a histogram.
pub(crate) fn bar(from: &str, until: &str, count: u64, lang: Lang) -> String {
    say!(lang, "{from} to {until}: {count}", "{from} ~ {until}: {count}회")
}

/// So much behind the round trip.
pub(crate) fn plus(seconds: u64, lang: Lang) -> String {
    say!(lang, "+{seconds} s", "+{seconds}초")
}

/// The text alternative of a histogram of times of connecting.
pub(crate) fn histogram_description(
    all: u64,
    round_trip: Option<Duration>,
    repeated: &[(u64, u64)],
    lang: Lang,
) -> String {
    let mut texts = vec![match all {
        1 => say!(lang, "1 connection.", "연결 1회."),
        _ => say!(lang, "{all} connections.", "연결 {all}회."),
    }];
    if let Some(round_trip) = round_trip {
        let round_trip = span(round_trip, lang);
        texts.push(say!(lang, "Round trip: {round_trip}.", "왕복 시간: {round_trip}."));
    }
    if round_trip.is_some() && repeated.is_empty() {
        texts.push(say!(
            lang,
            "None came about only after a repeated SYN.",
            "SYN 재전송 후에야 맺어진 연결 없음."
        ));
    }
    if !repeated.is_empty() {
        let counts = repeated.iter().map(|(seconds, count)| format!("{} {count}", plus(*seconds, lang)));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let sum = repeated.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        texts.push(say!(
            lang,
            "{sum} came about only when a lost SYN or its answer was repeated ({counts}).",
            "{sum}회는 유실된 SYN(또는 그 응답)이 재전송된 뒤에야 맺어짐({counts})."
        ));
    }
    texts.join(" ")
}

/// How many of the paths are open.
pub(crate) fn open_paths(open: usize, all: usize, lang: Lang) -> String {
    say!(lang, "{open} of {all} paths are open.", "경로 {all}개 중 {open}개가 열려 있음.")
}

/// Where packets that are blocked come to.
pub(crate) fn last_answering(lang: Lang) -> String {
    say!(lang, "last hop that answers", "마지막 응답 구간")
}

/// Where packets that are not blocked go on.
pub(crate) fn next_on_open_path(lang: Lang) -> String {
    say!(lang, "next on the open path", "정상 경로의 다음 구간")
}

/// An address that works and is compared with.
pub(crate) fn control(lang: Lang) -> String {
    say!(lang, "compared with", "비교 기준")
}

/// Addresses that are not named.
pub(crate) fn and_more(count: usize, lang: Lang) -> String {
    say!(lang, "and {count} more", "외 {count}개")
}

/// Addresses that nothing is drawn of.
pub(crate) fn without_trail(count: usize, lang: Lang) -> String {
    say!(lang, "Without a trail: {count}.", "경로를 확인하지 않은 IP: {count}개.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_tries_is_said_in_both_languages() {
        let reason = Some(Reason::Timeout);
        assert_eq!(outcome(6, 0, 0, None, Lang::En), "6 tries, all answered");
        assert_eq!(
            outcome(6, 2, 1, reason, Lang::En),
            "2 of 6 tries failed: no answer (connect timeout); 1 could not be made"
        );
        assert_eq!(outcome(6, 6, 0, reason, Lang::Ko), "6회 중 6회 실패: 연결 시간 초과(connect timeout)");
        assert_eq!(outcome(0, 0, 3, None, Lang::Ko), "3회는 시도하지 못함");
    }
}
