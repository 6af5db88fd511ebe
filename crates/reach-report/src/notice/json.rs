//! Notices for programs.

use reach_core::watch::{Assurance, Cause, Ending, Member, News, Phase, Subject, courier::Part};
use serde_json::{Value, json};

use super::{Telling, ends::lack as lack_text, message, signals};
use crate::{Lang, clean::clean, units, words};

/// What a webhook and a command get: `reach.notice/1`.
pub fn document(parts: &[Part], telling: &Telling<'_>) -> Value {
    let told = message(parts, telling);
    json!({
        "schema": "reach.notice/1",
        "host": telling.vantage.host,
        "summary": told.summary(),
        "text": told.plain(usize::MAX),
        "notices": parts.iter().map(|part| notice(part, telling)).collect::<Vec<Value>>(),
    })
}

fn notice(part: &Part, telling: &Telling<'_>) -> Value {
    let notice = &part.notice;
    let incident = &notice.incident;
    let told = message(std::slice::from_ref(part), telling);
    let (news, detail) = news(&notice.news);
    let state = incident.diagnosis.as_deref().map(|diagnosis| {
        let findings = diagnosis.findings.iter();
        let codes: Vec<&str> = findings.map(|finding| finding.matter.code()).collect();
        json!({ "findings": codes })
    });
    json!({
        "incident": incident.id.0,
        "seq": notice.seq,
        "at": units::rfc3339(notice.at),
        "news": news,
        "detail": detail,
        "rings": notice.rings,
        "again": part.again,
        "changes": part.changes,
        "instead_of": part.instead_of.as_ref().map(|other| {
            json!({ "channel": other.channel, "trouble": other.trouble })
        }),
        "summary": told.summary(),
        "subject": match incident.subject {
            Subject::Target(_) => "target",
            Subject::Vantage => "vantage",
            Subject::Matter(_) => "matter",
        },
        "target": incident.title,
        "labels": incident.labels,
        "gravity": incident.gravity.code(),
        "worst": incident.worst.code(),
        "phase": phase(incident.phase),
        "began": units::rfc3339(incident.began),
        "opened": units::rfc3339(incident.opened),
        "causes": incident.causes.iter().map(cause).collect::<Vec<Value>>(),
        "pool": incident.pool,
        "addresses": incident.members.iter().map(|member| address(member, part)).collect::<Vec<Value>>(),
        "acknowledged": incident.acknowledged.as_ref().map(|taken| {
            json!({ "by": taken.by, "at": units::rfc3339(taken.at) })
        }),
        "muted_until": incident.muted_until.map(units::rfc3339),
        "unstable": incident.unstable,
        "relapses": incident.relapses,
        "unwatched_s": incident.unwatched.as_secs(),
        "ending": incident.ending.as_ref().map(Ending::code),
        "diagnosis": state,
    })
}

fn address(member: &Member, part: &Part) -> Value {
    let diagnosis = part.notice.incident.diagnosis.as_deref();
    let endpoints = diagnosis.iter().flat_map(|diagnosis| &diagnosis.endpoints);
    let endpoint = endpoints.into_iter().find(|endpoint| endpoint.endpoint.address == member.address);
    json!({
        "address": member.address,
        "state": member.state.code(),
        "reason": member.reason.code(),
        "verdict": endpoint.map(|endpoint| endpoint.verdict.code()),
        "since": units::rfc3339(member.since),
        "from_birth": member.from_birth,
        "gone": member.gone,
    })
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Open => "open",
        Phase::Calming { .. } => "calming",
        Phase::Recovered { .. } => "recovered",
        Phase::Closed { .. } => "closed",
    }
}

/// The stable name of the news, and what it has of its own.
fn news(news: &News) -> (&'static str, Value) {
    match news {
        News::Opened => ("opened", Value::Null),
        News::Updated => ("updated", Value::Null),
        News::Worsened { from } => ("worsened", json!({ "from": from.code() })),
        News::Reminder => ("reminder", Value::Null),
        News::Relapsed => ("relapsed", Value::Null),
        News::Recovered => ("recovered", Value::Null),
        News::AllClear(assurance) => ("all-clear", statistics(assurance)),
        News::Extended(assurance) => ("extended", statistics(assurance)),
        News::Unclear(assurance) => ("unclear", statistics(assurance)),
        News::Acknowledged => ("acknowledged", Value::Null),
        News::WindowEnded { held_back } => ("window-ended", json!({ "held_back": held_back })),
        News::Dropped => ("dropped", Value::Null),
        News::Pool { appeared, vanished } => ("pool", json!({ "appeared": appeared, "vanished": vanished })),
        News::Hello { targets, addresses, incidents } => {
            ("hello", json!({ "targets": targets, "addresses": addresses, "incidents": incidents }))
        }
    }
}

fn statistics(assurance: &Assurance) -> Value {
    let addresses = assurance.addresses.iter().map(|(address, one)| {
        json!({
            "address": address,
            "tries": one.tries,
            "failures": one.failures,
            "bound": one.bound,
            "new": one.new,
            "gone": one.gone,
        })
    });
    json!({
        "from": units::rfc3339(assurance.from),
        "until": units::rfc3339(assurance.until),
        "wanted": assurance.wanted,
        "confidence": assurance.confidence,
        "holds": assurance.lacking.is_empty(),
        "addresses": addresses.collect::<Vec<Value>>(),
    })
}

/// What a limited watch ends with, target by target: `reach.statement/1`.
pub fn json_statement(statements: &[(String, &Assurance)], lang: Lang) -> Value {
    let targets = statements.iter().map(|(target, assurance)| {
        let mut one = statistics(assurance);
        one["target"] = json!(clean(target));
        one["lacking"] = assurance.lacking.iter().map(|lack| lack_text(lack, lang)).collect();
        one
    });
    json!({ "schema": "reach.statement/1", "targets": targets.collect::<Vec<Value>>() })
}

fn cause(cause: &Cause) -> Value {
    match cause {
        Cause::Addresses => json!({ "kind": "addresses" }),
        Cause::Unresolved(error) => {
            json!({ "kind": "unresolved", "error": words::resolution_error_code(*error) })
        }
        Cause::FailureShare { failed, tries, bounds, threshold, last } => json!({
            "kind": "failure-share", "failed": failed, "tries": tries, "low": bounds.0, "high": bounds.1,
            "threshold": threshold, "last_failure": units::rfc3339(*last),
        }),
        Cause::Latency { measured, above, quantile } => json!({
            "kind": "latency", "measured_ms": units::millis(*measured), "above_ms": units::millis(*above),
            "quantile": quantile,
        }),
        Cause::Certificate { expires, addresses, subject } => json!({
            "kind": "certificate", "expires": units::rfc3339_seconds(*expires), "addresses": addresses,
            "subject": subject,
        }),
        Cause::Disagreement { odd } => json!({ "kind": "disagreement", "odd": odd }),
        Cause::Burn { objective, rate, window } => json!({
            "kind": "burn", "objective": objective, "rate": rate, "window_s": window.as_secs(),
        }),
        Cause::Suffering(suffering) => {
            json!({ "kind": "suffering", "suffering": signals::suffering_json(suffering) })
        }
        Cause::Matter(matter) => signals::matter_json(matter),
        Cause::Offline { silent, near } => json!({ "kind": "offline", "silent": silent, "near": near }),
    }
}
