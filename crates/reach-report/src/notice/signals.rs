//! The sentences of what signals tell: a service that suffers, something that runs full, something that is gone.

use std::net::IpAddr;

use reach_core::{
    model::Diagnosis,
    signal::Statement,
    watch::{
        Incident, Matter, Trouble,
        joining::{AddressView, RequestShare, Suffering},
    },
};
use serde_json::{Value, json};

use crate::{Lang, clean::clean, signal::words as signal, units, words::say};

/// So many addresses, exceptions or statements are told.
const SOME: usize = 6;

/// The services that suffer in it, by name.
pub(super) fn sufferers(incident: &Incident) -> Vec<String> {
    use reach_core::watch::Cause;
    let names = incident.causes.iter().filter_map(|cause| match cause {
        Cause::Suffering(suffering) => Some(clean(&suffering.service.service)),
        _ => None,
    });
    names.collect()
}

/// What a suffering is, in a few words.
pub(super) fn suffering_headline(suffering: &Suffering, lang: Lang) -> String {
    match &suffering.requests {
        Some(requests) => {
            let share = share(requests);
            say!(lang, "{share} of requests fail", "요청 {share} 실패")
        }
        None => {
            let failed = suffering.failed() + suffering.late;
            say!(lang, "{failed} failures of an application", "애플리케이션 오류 {failed}건")
        }
    }
}

/// What a service suffers on its way to a destination, and whether this host finds why.
pub(crate) fn suffering(suffering: &Suffering, diagnosis: Option<&Diagnosis>, lang: Lang) -> String {
    let service = clean(&suffering.service.service);
    let mut sentences = vec![match &suffering.requests {
        Some(requests) => rate(&service, requests, lang),
        None => {
            let failed = suffering.failed();
            say!(
                lang,
                "{service}: {failed} failures; nobody counts its requests, so there is no rate.",
                "{service}: 실패 {failed}건(요청 수를 세지 않아 비율은 알 수 없음)."
            )
        }
    }];
    sentences.extend(classes(suffering, lang));
    sentences.extend(late(suffering, lang));
    sentences.extend(views(suffering, lang));
    let reached = diagnosis.filter(|diagnosis| {
        let mut endpoints = diagnosis.endpoints.iter();
        !diagnosis.endpoints.is_empty() && endpoints.all(|endpoint| endpoint.verdict.code() == "ok")
    });
    if let Some(diagnosis) = reached {
        let addresses = diagnosis.endpoints.len();
        sentences.push(say!(
            lang,
            "From this host all {addresses} addresses answer: no network cause is found here. Look at the service, and at the way from the application's own host.",
            "이 서버에서는 IP {addresses}개가 모두 응답하여 네트워크 원인이 확인되지 않습니다. 서비스와, 애플리케이션 서버 쪽 경로를 확인하세요."
        ));
    }
    sentences.join(" ")
}

/// What a matter is, in a few words.
pub(super) fn matter_headline(matter: &Matter, lang: Lang) -> String {
    match &matter.trouble {
        Trouble::Ailing(suffering) => suffering_headline(suffering, lang),
        Trouble::Full { gauge, share, .. } => {
            let (gauge, share) = (signal::gauge(*gauge, lang), units::percent(*share));
            say!(lang, "{gauge} {share} full", "{gauge} 사용률 {share}")
        }
        Trouble::Absent { .. } => say!(lang, "reports no more", "보고 끊김"),
        Trouble::Slow { .. } => say!(lang, "slow statements", "느린 SQL"),
        Trouble::Alert(alert) => clean(&alert.title),
    }
}

/// What a matter is.
pub(crate) fn matter(matter: &Matter, lang: Lang) -> String {
    match &matter.trouble {
        Trouble::Ailing(suffering) => ailing(suffering, lang),
        Trouble::Full { gauge, of, share, limit, used, total, forecast } => {
            let (gauge, of, share) = (signal::gauge(*gauge, lang), clean(of), units::percent(*share));
            let amount =
                used.zip(*total).map(|(used, total)| format!(" ({used} / {total})")).unwrap_or_default();
            let limit = limit
                .map(units::percent)
                .map(|limit| say!(lang, "; {limit} is too much", ", 기준 {limit} 초과"));
            let limit = limit.unwrap_or_default();
            let mut text = say!(
                lang,
                "{gauge} of {of}: {share} full{amount}{limit}.",
                "{of} {gauge} 사용률 {share}{amount}{limit}."
            );
            if let Some(forecast) = forecast {
                let likely = units::stretch(forecast.likely, lang);
                let (from, until) =
                    (units::stretch(forecast.earliest, lang), units::stretch(forecast.latest, lang));
                text.push_str(&say!(
                    lang,
                    " If it goes on like this it is full in {likely} (between {from} and {until}).",
                    " 이대로면 {likely} 뒤에 가득 찹니다({from} ~ {until})."
                ));
            }
            text
        }
        Trouble::Absent { thing } => {
            let thing = clean(thing);
            say!(
                lang,
                "{thing} reported regularly and does so no more: it is down, or what it says does not arrive.",
                "{thing}⟨이/가⟩ 더 이상 보고하지 않습니다: 중단되었거나 보고가 도착하지 않습니다."
            )
        }
        Trouble::Slow { statements } => {
            let some: Vec<String> = statements.iter().map(|one| statement(one, lang)).collect();
            units::some_of(&some, SOME, lang)
        }
        Trouble::Alert(alert) => {
            let (level, title, text) =
                (signal::level(alert.level, lang), clean(&alert.title), clean(&alert.text));
            format!("{level}: {title}: {text}")
        }
    }
}

fn ailing(suffering: &Suffering, lang: Lang) -> String {
    let service = clean(&suffering.service.service);
    let mut sentences: Vec<String> =
        suffering.requests.iter().map(|requests| rate(&service, requests, lang)).collect();
    sentences.extend(classes(suffering, lang));
    let faults: Vec<String> =
        suffering.faults.iter().map(|(name, count)| format!("{} ({count})", clean(name))).collect();
    if !faults.is_empty() {
        let faults = units::some_of(&faults, SOME, lang);
        sentences.push(say!(lang, "Errors of its own: {faults}.", "자체 오류: {faults}."));
    }
    sentences.push(match &suffering.destination {
        None => say!(
            lang,
            "What fails names no destination: no network cause is known. Look at the application.",
            "오류에 목적지가 없어 네트워크 원인이라고 볼 근거가 없습니다. 애플리케이션을 확인하세요."
        ),
        Some(destination) => {
            let destination = clean(&destination.to_string());
            say!(
                lang,
                "{destination} is not examined from this host, so whether the network is the cause is not known.",
                "{destination}⟨은/는⟩ 이 서버에서 점검하지 않으므로 네트워크가 원인인지는 알 수 없습니다."
            )
        }
    });
    sentences.join(" ")
}

fn rate(service: &str, requests: &RequestShare, lang: Lang) -> String {
    let (failed, total, share) = (requests.failed, requests.total, share(requests));
    let (low, high) = (units::percent(requests.bounds.0), units::percent(requests.bounds.1));
    let (threshold, window) = (units::percent(requests.threshold), units::stretch(requests.window, lang));
    let about = match (requests.estimated, lang) {
        (true, Lang::En) => "about ",
        (true, Lang::Ko) => "약 ",
        (false, _) => "",
    };
    say!(
        lang,
        "{service}: {about}{failed} of {total} requests in {window} failed: {share}, between {low} and {high} with 95 % confidence; {threshold} is too much.",
        "{service}: {window} 동안 요청 {total}건 중 {about}{failed}건 실패: {share}(실제 값은 95 % 신뢰도로 {low} ~ {high}), 기준 {threshold} 초과."
    )
}

fn share(requests: &RequestShare) -> String {
    units::percent(requests.failed as f64 / (requests.total.max(1)) as f64)
}

fn classes(suffering: &Suffering, lang: Lang) -> Option<String> {
    let classes: Vec<String> = suffering
        .failures
        .iter()
        .map(|(class, count)| format!("{} ({count})", signal::class(*class, lang)))
        .collect();
    if classes.is_empty() {
        return None;
    }
    let classes = units::some_of(&classes, SOME, lang);
    Some(match &suffering.destination {
        Some(destination) => {
            let destination = clean(&destination.to_string());
            say!(lang, "Towards {destination}: {classes}.", "{destination} 방향: {classes}.")
        }
        None => say!(lang, "What failed: {classes}.", "실패 내용: {classes}."),
    })
}

fn late(suffering: &Suffering, lang: Lang) -> Option<String> {
    let late = suffering.late;
    (late > 0).then(|| {
        say!(
            lang,
            "Served late, by another address: {late}; nobody was turned away in these.",
            "다른 IP로 늦게 처리됨: {late}건(사용자에게 실패로 보이지는 않음)."
        )
    })
}

/// What the application's own attempts say of each address.
fn views(suffering: &Suffering, lang: Lang) -> Option<String> {
    let tried = |view: &AddressView| view.attempts > 0;
    let views: Vec<String> = suffering
        .addresses
        .iter()
        .filter(|(_, view)| tried(view))
        .map(|(address, view)| view_of(*address, view, lang))
        .collect();
    if views.is_empty() {
        return None;
    }
    let views = units::some_of(&views, SOME, lang);
    Some(say!(lang, "As the application saw it: {views}.", "애플리케이션이 본 결과: {views}."))
}

fn view_of(address: IpAddr, view: &AddressView, lang: Lang) -> String {
    let (failed, attempts) = (view.failed, view.attempts);
    match (failed, view.median) {
        (0, Some(median)) => {
            let median = units::span(median, lang);
            say!(
                lang,
                "{address} {attempts} of {attempts} connected ({median})",
                "{address} {attempts}회 모두 연결({median})"
            )
        }
        (0, None) => {
            say!(lang, "{address} {attempts} of {attempts} connected", "{address} {attempts}회 모두 연결")
        }
        _ => {
            say!(lang, "{address} {failed} of {attempts} failed", "{address} {attempts}회 중 {failed}회 실패")
        }
    }
}

fn statement(statement: &Statement, lang: Lang) -> String {
    let text = clean(&statement.text);
    match statement.elapsed {
        Some(elapsed) => {
            let elapsed = units::span(elapsed, lang);
            format!("{text} ({elapsed}, ×{})", statement.count)
        }
        None => format!("{text} (×{})", statement.count),
    }
}

/// A suffering, for programs.
pub(crate) fn suffering_json(suffering: &Suffering) -> Value {
    let failures: serde_json::Map<String, Value> =
        suffering.failures.iter().map(|(class, count)| (class.code().to_owned(), json!(count))).collect();
    let addresses = suffering.addresses.iter().map(|(address, view)| {
        json!({
            "address": address, "attempts": view.attempts, "failed": view.failed,
            "class": view.class.map(reach_core::signal::FailureClass::code),
            "median_ms": view.median.map(units::millis),
        })
    });
    json!({
        "source": suffering.service.source,
        "service": suffering.service.service,
        "instances": suffering.instances,
        "destination": suffering.destination.as_ref().map(ToString::to_string),
        "since": units::rfc3339(suffering.since),
        "last": units::rfc3339(suffering.last),
        "requests": suffering.requests.map(|requests| json!({
            "window_s": requests.window.as_secs(), "total": requests.total, "failed": requests.failed,
            "late": requests.late, "low": requests.bounds.0, "high": requests.bounds.1,
            "threshold": requests.threshold, "estimated": requests.estimated,
        })),
        "failures": failures,
        "faults": suffering.faults,
        "late": suffering.late,
        "addresses": addresses.collect::<Vec<Value>>(),
        "clients": suffering.clients,
        "text": suffering.text,
    })
}

/// A matter, for programs.
pub(crate) fn matter_json(matter: &Matter) -> Value {
    let trouble = match &matter.trouble {
        Trouble::Ailing(suffering) => json!({ "kind": "ailing", "suffering": suffering_json(suffering) }),
        Trouble::Full { gauge, of, share, limit, used, total, forecast } => json!({
            "kind": "full", "gauge": gauge, "of": of, "share": share, "limit": limit, "used": used,
            "total": total, "full_in_s": forecast.map(|forecast| forecast.likely.as_secs()),
        }),
        Trouble::Absent { thing } => json!({ "kind": "absent", "thing": thing }),
        Trouble::Slow { statements } => json!({
            "kind": "slow",
            "statements": statements.iter().map(|one| json!({
                "database": one.database, "text": one.text, "elapsed_ms": one.elapsed.map(units::millis),
                "count": one.count, "error": one.error,
            })).collect::<Vec<Value>>(),
        }),
        Trouble::Alert(alert) => {
            json!({ "kind": "alert", "level": alert.level, "title": alert.title, "text": alert.text })
        }
    };
    json!({ "kind": "matter", "key": matter.key, "title": matter.title, "trouble": trouble })
}
