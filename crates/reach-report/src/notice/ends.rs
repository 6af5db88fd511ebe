//! The sentences of recoveries and all-clears, and of what is lacking for one.

use reach_core::watch::{Assurance, Incident, Lack, Subject};

use super::words::{gone, never_failed};
use crate::{Lang, units, watch::state as state_of, words::say};

pub(super) fn recovered(incident: &Incident, lang: Lang) -> Vec<String> {
    if incident.subject == Subject::Vantage {
        return vec![say!(
            lang,
            "What was known of the targets stood still meanwhile, and goes on from there.",
            "그동안 멈춰 둔 감시 대상의 판단을 이어서 진행합니다."
        )];
    }
    let quiet = units::stretch(incident.quiet, lang);
    if matches!(incident.subject, Subject::Matter(_)) {
        return vec![say!(
            lang,
            "What told of it has told that it is over, or nothing of it for long enough; no all-clear follows.",
            "해소되었다고 보고되었거나 충분히 오래 다시 보고되지 않았습니다. 정상화 알림은 따로 없습니다."
        )];
    }
    if never_failed(incident) {
        return vec![say!(
            lang,
            "It has not been seen for {quiet}. Nothing was down in it, so that no all-clear follows.",
            "{quiet} 동안 다시 나타나지 않았습니다. 접속 장애는 아니었으므로 정상화 알림은 따로 없습니다."
        )];
    }
    let mut lines = vec![say!(
        lang,
        "Nothing has failed for {quiet}. The all-clear follows when enough tries have shown it.",
        "{quiet} 동안 실패가 없습니다. 충분한 횟수로 확인되면 정상화를 알려 드립니다."
    )];
    let left: Vec<String> = gone(incident).map(|member| member.address.to_string()).collect();
    if !left.is_empty() {
        let left = units::some_of(&left, 8, lang);
        lines.push(say!(
            lang,
            "Not known to work: {left}, which left DNS while failing, without an answer since.",
            "복구 여부 미확인: {left}(실패하던 중 DNS에서 빠졌고 그 뒤 응답 없음)."
        ));
    }
    lines
}

pub(super) fn unclear(assurance: &Assurance, lang: Lang) -> Vec<String> {
    let span = units::stretch(assurance.until.since(assurance.from), lang);
    let lacks: Vec<String> = assurance.lacking.iter().map(|one| lack(one, lang)).collect();
    let lacks = units::some_of(&lacks, 6, lang);
    vec![say!(
        lang,
        "Nothing has been down since, but the tries of the last {span} do not carry an all-clear, and it is not waited for any longer: {lacks}.",
        "그 뒤 접속 장애는 없었으나, 최근 {span}의 확인으로는 정상화라고 말하기에 부족하여 더 기다리지 않고 종료합니다: {lacks}."
    )]
}

pub(super) fn clear(assurance: &Assurance, lang: Lang) -> Vec<String> {
    let addresses = assurance.addresses.len();
    let tries: u64 = assurance.addresses.values().map(|one| u64::from(one.tries)).sum();
    let failures: u64 = assurance.addresses.values().map(|one| u64::from(one.failures)).sum();
    let span = units::stretch(assurance.until.since(assurance.from), lang);
    let tried = match failures {
        0 => say!(
            lang,
            "{tries} tries of {addresses} addresses in {span}: none failed.",
            "{span} 동안 IP {addresses}개를 {tries}회 시도: 실패 없음."
        ),
        failures => say!(
            lang,
            "{tries} tries of {addresses} addresses in {span}: {failures} failed.",
            "{span} 동안 IP {addresses}개를 {tries}회 시도: {failures}회 실패."
        ),
    };
    let mut lines = vec![tried];
    // Where something failed the table says how bad it may be, address by address.
    let worst = assurance.addresses.values().map(|one| one.bound).max_by(f64::total_cmp);
    if let Some(worst) = worst.filter(|_| failures == 0) {
        let (bound, confidence) = (bound(worst), units::percent(assurance.confidence));
        lines.push(say!(
            lang,
            "So the share of failures of each address is below {bound} with {confidence} confidence.",
            "따라서 IP별 실패율은 신뢰도 {confidence}로 {bound} 미만입니다."
        ));
    }
    let new = assurance.addresses.values().filter(|one| one.new).count();
    if new > 0 {
        lines.push(say!(
            lang,
            "Addresses that were first seen meanwhile, covered too: {new}.",
            "확인 도중 새로 나타난 IP {new}개도 포함한 결과입니다."
        ));
    }
    let gone = assurance.addresses.values().filter(|one| one.gone).count();
    if gone > 0 {
        lines.push(say!(
            lang,
            "Addresses that left DNS meanwhile, tried all the same: {gone}.",
            "그사이 DNS에서 빠진 IP {gone}개도 계속 확인했습니다."
        ));
    }
    lines
}

/// Rounded upwards: a bound that is rounded down is none.
pub(crate) fn bound(share: f64) -> String {
    format!("{:.2} %", (share * 10_000.0).ceil() / 100.0)
}

pub(super) fn extended(assurance: &Assurance, lang: Lang) -> Vec<String> {
    let wanted = units::percent(assurance.wanted);
    let mut lines = vec![say!(
        lang,
        "What was tried does not yet show that each address fails in less than {wanted}:",
        "아직 모든 IP의 실패율이 {wanted} 미만이라고 말하기에 부족합니다:"
    )];
    let lacks: Vec<String> = assurance.lacking.iter().map(|one| lack(one, lang)).collect();
    lines.push(units::some_of(&lacks, 6, lang));
    lines
}

pub(crate) fn lack(lack: &Lack, lang: Lang) -> String {
    match lack {
        Lack::TooFew { address, tries, needed } => say!(
            lang,
            "{address} was tried {tries} of {needed} times",
            "{address} 시도 {tries}회(필요 {needed}회)"
        ),
        Lack::Failed { address, failures } => {
            say!(lang, "{address} failed {failures} times", "{address} 실패 {failures}회")
        }
        Lack::NotWell { address, state } => {
            let state = state_of(*state, lang);
            say!(lang, "{address} is {state}", "{address} 상태: {state}")
        }
        Lack::Unresolved => say!(lang, "the name did not resolve", "DNS 조회 실패가 있었음"),
        Lack::Gap { seconds } => {
            let span = units::stretch(std::time::Duration::from_secs(*seconds), lang);
            say!(lang, "{span} were not watched", "{span} 동안 감시 공백")
        }
        Lack::Nothing => say!(lang, "nothing was tried", "시도한 기록 없음"),
    }
}
