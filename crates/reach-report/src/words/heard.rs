//! What the page of signals says besides.

use super::say;
use crate::{Lang, units};

/// What this page is.
pub(crate) fn introduction(lang: Lang) -> String {
    say!(
        lang,
        "What applications, the APM, databases and hosts said in the last hour.",
        "최근 1시간 동안 애플리케이션, APM, 데이터베이스, 서버가 알려 온 내용입니다."
    )
}

/// Nothing was heard.
pub(crate) fn nothing(lang: Lang) -> String {
    say!(
        lang,
        "Nothing was heard in the last hour. Sources are named in the configuration: logs, [host], [otlp], Scouter, databases.",
        "최근 1시간 동안 수신한 신호가 없습니다. 신호 출처(로그, [host], [otlp], Scouter, 데이터베이스)는 설정 파일에 지정합니다."
    )
}

pub(crate) fn exceptions(lang: Lang) -> String {
    say!(lang, "Exceptions, and where they were headed", "예외와 목적지")
}

pub(crate) fn disks(lang: Lang) -> String {
    say!(lang, "Disks", "디스크")
}

pub(crate) fn sources(lang: Lang) -> String {
    say!(lang, "Sources", "신호 출처")
}

pub(crate) fn source(lang: Lang) -> String {
    say!(lang, "source", "출처")
}

pub(crate) fn last_hour(lang: Lang) -> String {
    say!(lang, "last hour", "최근 1시간")
}

pub(crate) fn last(lang: Lang) -> String {
    say!(lang, "last", "최근 발생")
}

pub(crate) fn last_heard(lang: Lang) -> String {
    say!(lang, "last heard", "최근 수신")
}

pub(crate) fn signals(lang: Lang) -> String {
    say!(lang, "signals", "신호 수")
}

pub(crate) fn lost(lang: Lang) -> String {
    say!(lang, "lost", "유실")
}

pub(crate) fn from_here(lang: Lang) -> String {
    say!(lang, "from this host", "이 서버에서")
}

pub(crate) fn not_watched(lang: Lang) -> String {
    say!(lang, "not watched", "감시 대상 아님")
}

pub(crate) fn words(lang: Lang) -> String {
    say!(lang, "in these words", "오류 문구")
}

pub(crate) fn database(lang: Lang) -> String {
    say!(lang, "database", "데이터베이스")
}

pub(crate) fn level(lang: Lang) -> String {
    say!(lang, "level", "등급")
}

pub(crate) fn never(lang: Lang) -> String {
    say!(lang, "not yet", "아직 없음")
}

/// What stands of what signals say.
pub(crate) fn standing(lang: Lang) -> String {
    say!(lang, "Incidents that signals opened", "신호로 시작된 장애")
}

/// The error rate and how sure it is.
pub(crate) fn rate(share: f64, (low, high): (f64, f64), estimated: bool, lang: Lang) -> String {
    let [share, low, high] = [share, low, high].map(units::percent);
    match estimated {
        false => say!(lang, "{share} (95 %: {low} to {high})", "{share}(95 % 구간 {low} ~ {high})"),
        true => say!(lang, "about {share}, from a rate", "약 {share}(비율에서 계산)"),
    }
}

/// Nobody counts the requests of a service.
pub(crate) fn no_rate(failures: u64, lang: Lang) -> String {
    say!(lang, "{failures} failures; requests are not counted", "실패 {failures}건(요청 수 미집계)")
}

/// A statement that waits.
pub(crate) fn waits(what: &str, lang: Lang) -> String {
    match what {
        "lock" => say!(lang, "waits for a lock", "잠금 대기"),
        _ => say!(lang, "waits for {what}", "{what} 대기"),
    }
}

/// Fuller than is good.
pub(crate) fn over(limit: &str, lang: Lang) -> String {
    say!(lang, "over {limit}", "{limit} 초과")
}

/// Not too full.
pub(crate) fn below(lang: Lang) -> String {
    say!(lang, "fine", "정상")
}

/// What found no room.
pub(crate) fn left_out(count: u64, lang: Lang) -> String {
    say!(lang, "{count} more are not shown.", "{count}건은 표시하지 않았습니다.")
}
