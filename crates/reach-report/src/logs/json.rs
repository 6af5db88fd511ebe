//! What logs say, for programs.

use std::time::Duration;

use reach_core::{
    Time,
    signal::{Attempt, Failure, Origin, Requests, Statement},
};
use serde_json::{Value, json};

use super::Logs;
use crate::{clean::clean, units::rfc3339};

/// Everything that was read, as one document.
pub fn json(logs: &Logs) -> Value {
    let failures: Vec<Value> = logs
        .failures
        .iter()
        .map(|failed| {
            let mut value = failure_fields(&failed.failure);
            value["count"] = json!(failed.count);
            value["first_at"] = json!(rfc3339(failed.first));
            value["last_at"] = json!(rfc3339(failed.last));
            value
        })
        .collect();
    let requests: Vec<Value> = logs
        .requests
        .iter()
        .map(|served| {
            let (low, high) = served.interval();
            json!({
                "log": clean(&served.name),
                "from": rfc3339(served.from),
                "until": rfc3339(served.until),
                "total": served.total,
                "failed": served.failed,
                "late": served.late,
                "failure_share": served.share(),
                "failure_share_interval": [low, high],
                "per_second": served.rate(),
            })
        })
        .collect();
    json!({
        "schema": "reach.logs/1",
        "type": "summary",
        "lines": logs.lines,
        "lines_not_understood": logs.lost,
        "failures": failures,
        "requests": requests,
        "statements": logs.statements.iter().map(statement_fields).collect::<Vec<_>>(),
    })
}

/// One failure.
pub fn json_failure(at: Time, origin: &Origin, failure: &Failure) -> Value {
    let mut value = failure_fields(failure);
    head(&mut value, "failure", at, origin);
    value["count"] = json!(1);
    value
}

/// Requests of a stretch of time.
pub fn json_requests(at: Time, origin: &Origin, requests: &Requests) -> Value {
    let mut value = json!({
        "span_s": requests.span.as_secs_f64(),
        "total": requests.total,
        "failed": requests.failed,
        "late": requests.late,
    });
    head(&mut value, "requests", at, origin);
    value
}

/// An attempt of a proxy to reach a server.
pub fn json_attempt(at: Time, origin: &Origin, attempt: &Attempt) -> Value {
    let mut value = json!({
        "host": attempt.host.as_deref().map(clean),
        "address": attempt.address,
        "port": attempt.port,
        "elapsed_ms": attempt.elapsed.map(millis),
        "class": attempt.failed.map(|class| class.code()),
        "served": attempt.served,
    });
    head(&mut value, "attempt", at, origin);
    value
}

/// A statement that took too long or failed.
pub fn json_statement(at: Time, origin: &Origin, statement: &Statement) -> Value {
    let mut value = statement_fields(statement);
    head(&mut value, "statement", at, origin);
    value
}

/// Lines that were not understood.
pub fn json_lost(at: Time, origin: &Origin, count: u64) -> Value {
    let mut value = json!({ "lines": count });
    head(&mut value, "lost", at, origin);
    value
}

fn head(value: &mut Value, kind: &str, at: Time, origin: &Origin) {
    value["type"] = json!(kind);
    value["at"] = json!(rfc3339(at));
    value["service"] = json!(origin.service.as_deref().map(clean));
    value["log"] = json!(clean(origin.instance.as_deref().unwrap_or(&origin.source)));
}

fn statement_fields(statement: &Statement) -> Value {
    json!({
        "statement": clean(&statement.text),
        "database": statement.database.as_deref().map(clean),
        "elapsed_ms": statement.elapsed.map(millis),
        "count": statement.count,
        "error": statement.error.as_deref().map(clean),
    })
}

fn failure_fields(failure: &Failure) -> Value {
    json!({
        "class": failure.class.code(),
        "detail": failure.detail.as_deref().map(clean),
        "host": failure.host.as_deref().map(clean),
        "address": failure.address,
        "addresses": failure.addresses,
        "port": failure.port,
        "client": failure.client.as_deref().map(clean),
        "jdk": failure.jdk.as_deref().map(clean),
        "status": failure.status,
        "timeout_ms": failure.timeout.map(millis),
        "text": failure.text.chars().take(Failure::TEXT).filter(|c| !crate::clean::is_harmful(*c)).collect::<String>(),
    })
}

fn millis(span: Duration) -> f64 {
    crate::units::millis(span)
}
