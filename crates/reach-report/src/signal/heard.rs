//! What was said in the last hour, for programs.

use reach_core::{
    stats::wilson,
    watch::{
        SourceStatus,
        heard::{HeardView, SLOTS},
    },
};
use serde_json::{Value, json};

use crate::{clean::clean, units};

/// The quantile of the normal distribution of bounds that hold in 95 of 100 cases.
const Z: f64 = 1.96;

/// What other systems said in the last hour, as one document; times in RFC 3339, spans in milliseconds.
pub fn heard_json(heard: &HeardView, sources: &[SourceStatus]) -> Value {
    let service = |one: &reach_core::watch::heard::ServiceSeen| {
        let (total, failed) = (one.total(), one.failed());
        let fit = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let bounds = (total > 0).then(|| wilson(fit(failed.min(total)), fit(total), Z));
        json!({
            "source": clean(&one.service.source),
            "service": clean(&one.service.service),
            "last": units::rfc3339(one.last),
            "requests": total,
            "failed": failed,
            "late": one.late,
            "failure_share": one.share(),
            "bounds": bounds.map(|(low, high)| [low, high]),
            "estimated": one.estimated,
            "failures": one.failures,
            "stretches": one.requests.iter().zip(one.failed).map(|(requests, failed)| {
                json!({ "requests": requests, "failed": failed })
            }).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "reach.signals/1",
        "at": units::rfc3339(heard.at),
        "stretch_s": 3_600 / SLOTS,
        "services": heard.services.iter().map(service).collect::<Vec<_>>(),
        "exceptions": heard.exceptions.iter().map(|one| json!({
            "source": clean(&one.service.source),
            "service": clean(&one.service.service),
            "class": one.class.map(|class| class.code()),
            "name": one.name.as_deref().map(clean),
            "destination": one.destination.as_ref().map(|destination| clean(&destination.to_string())),
            "count": one.count,
            "last": units::rfc3339(one.last),
            "text": clean(&one.text),
            "client": one.client.as_deref().map(clean),
        })).collect::<Vec<_>>(),
        "statements": heard.statements.iter().map(|one| json!({
            "source": clean(&one.source),
            "database": one.statement.database.as_deref().map(clean),
            "text": clean(&one.statement.text),
            "count": one.count,
            "slowest_ms": one.statement.elapsed.map(units::millis),
            "error": one.statement.error.as_deref().map(clean),
            "waits": one.statement.waits.as_deref().map(clean),
            "last": units::rfc3339(one.last),
        })).collect::<Vec<_>>(),
        "levels": heard.levels.iter().map(|one| json!({
            "source": clean(&one.source),
            "instance": one.instance.as_deref().map(clean),
            "gauge": one.level.gauge,
            "of": clean(&one.level.of),
            "share": one.level.share,
            "used": one.level.used,
            "total": one.level.total,
            "at": units::rfc3339(one.at),
        })).collect::<Vec<_>>(),
        "alerts": heard.alerts.iter().map(|one| json!({
            "source": clean(&one.source),
            "place": clean(&one.place),
            "level": one.alert.level,
            "title": clean(&one.alert.title),
            "text": clean(&one.alert.text),
            "first": units::rfc3339(one.first),
            "last": units::rfc3339(one.last),
            "count": one.count,
        })).collect::<Vec<_>>(),
        "sources": sources.iter().map(|one| json!({
            "source": clean(&one.source),
            "heard": one.heard.map(units::rfc3339),
            "signals": one.signals,
            "lost": one.lost,
        })).collect::<Vec<_>>(),
        "left_out": heard.left_out,
    })
}
