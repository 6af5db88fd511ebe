//! The same for programs: times in RFC 3339, spans in milliseconds named `_ms`, shares from 0 to 1.

use std::{collections::BTreeMap, time::Duration};

use reach_core::{
    Time,
    watch::{
        AddressStatus, Ending, Incident, Member, OutboxRow, Reason, Remark, Silence, Status, Subject,
        TargetStatus, Transition,
    },
};
use serde_json::{Map, Value, json};

use super::{
    History, HistoryBucket, IncidentRecord, PlanView, document,
    status::{Standing, counts, handshakes, incident_of},
    words::{cause, delivery_code, news_code, phase_code, why_codes},
};
use crate::{
    Lang, Style, json,
    units::{millis, rfc3339, rfc3339_seconds},
    words::resolution_error_code,
};

/// `reach.status/1`.
pub fn status(status: &Status, lang: Lang) -> Value {
    let mut out = document("reach.status/1");
    out.insert("at".to_owned(), rfc3339(status.at).into());
    out.insert("started_at".to_owned(), rfc3339(status.started).into());
    out.insert("online".to_owned(), status.online.into());
    let targets: Vec<Value> = status.targets.iter().map(|one| target(status, one)).collect();
    out.insert("targets".to_owned(), targets.into());
    let incidents: Vec<Value> = status.incidents.iter().map(|one| incident_value(one, lang)).collect();
    out.insert("incidents".to_owned(), incidents.into());
    let silences: Vec<Value> = status.silences.iter().map(silence).collect();
    out.insert("silences".to_owned(), silences.into());
    let channel = |(name, channel): (&String, &reach_core::watch::ChannelStatus)| {
        json!({
            "channel": name, "pending": channel.pending, "oldest_at": channel.oldest.map(rfc3339),
            "sent": channel.sent, "failed": channel.failed, "dead": channel.dead,
            "broken_since": channel.broken_since.map(rfc3339), "trouble": channel.trouble,
        })
    };
    out.insert("channels".to_owned(), status.channels.iter().map(channel).collect());
    let source = |source: &reach_core::watch::SourceStatus| {
        json!({
            "source": source.source, "heard_at": source.heard.map(rfc3339), "signals": source.signals,
            "lost": source.lost,
        })
    };
    out.insert("sources".to_owned(), status.sources.iter().map(source).collect());
    let store = &status.store;
    out.insert(
        "store".to_owned(),
        json!({
            "bytes": store.bytes, "samples": store.samples, "lost_samples": store.lost_samples,
            "stuck_since": store.stuck_since.map(rfc3339), "trouble": store.trouble,
        }),
    );
    let schedule = &status.schedule;
    out.insert(
        "schedule".to_owned(),
        json!({
            "last_try_at": schedule.last_try.map(rfc3339), "lag_ms": millis(schedule.lag),
            "in_flight": schedule.in_flight, "skipped_rate": schedule.skipped_rate,
            "skipped_busy": schedule.skipped_busy, "skipped_gap": schedule.skipped_gap,
        }),
    );
    Value::Object(out)
}

fn target(status: &Status, target: &TargetStatus) -> Value {
    let (tries, failed) = handshakes(target);
    let counts: Map<String, Value> =
        counts(target).into_iter().map(|(state, count)| (state.code().to_owned(), count.into())).collect();
    json!({
        "id": target.id.0, "target": target.target, "host": target.host, "port": target.port,
        "labels": target.labels, "state": Standing::of(target).code(),
        "unresolved": target.unresolved.map(resolution_error_code),
        "incident": incident_of(status, target).map(|incident| incident.id.0),
        "counts": counts, "tries": tries, "failed": failed,
        "failure_share": (tries > 0).then(|| failed as f64 / tries as f64),
        "examining": target.examining,
        "addresses": target.addresses.iter().map(address).collect::<Vec<Value>>(),
    })
}

fn address(address: &AddressStatus) -> Value {
    let known = &address.remembered;
    let layers: Map<String, Value> = address
        .layers
        .iter()
        .map(|(layer, status)| {
            let value = json!({
                "tries": status.tries, "failures": reasons(&status.failures), "unable": status.unable,
                "last_at": rfc3339(status.last), "last_worked": status.last_worked,
                "last_rtt_ms": status.last_rtt.map(millis),
            });
            (layer.code().to_owned(), value)
        })
        .collect();
    json!({
        "address": known.series.address, "state": known.state().code(), "health": known.health.code(),
        "since": rfc3339(known.since), "reason": known.reason.map(Reason::code),
        "first_seen_at": rfc3339(known.first_seen), "last_given_at": rfc3339(known.last_given),
        "gone_since": known.gone_since.map(rfc3339), "last_ok_at": known.last_ok.map(rfc3339),
        "certificate_expires_at": known.certificate_expires.map(rfc3339_seconds),
        "layers": layers,
    })
}

fn reasons<N: Copy + Into<Value>>(failures: &BTreeMap<Reason, N>) -> Value {
    let pairs = failures.iter().map(|(reason, count)| (reason.code().to_owned(), (*count).into()));
    Value::Object(pairs.collect())
}

/// `reach.silences/1`.
pub fn silences(silences: &[Silence]) -> Value {
    let mut out = document("reach.silences/1");
    out.insert("silences".to_owned(), silences.iter().map(silence).collect());
    Value::Object(out)
}

fn silence(silence: &Silence) -> Value {
    json!({
        "id": silence.id.0, "target": silence.matcher.target,
        "network": silence.matcher.network.map(|network| network.to_string()), "labels": silence.matcher.labels,
        "from": rfc3339(silence.from), "until": rfc3339(silence.until), "by": silence.author,
        "comment": silence.comment, "maintenance": silence.maintenance,
    })
}

/// `reach.incidents/1`.
pub fn incidents(incidents: &[Incident], lang: Lang) -> Value {
    let mut out = document("reach.incidents/1");
    let all: Vec<Value> = incidents.iter().map(|one| incident_value(one, lang)).collect();
    out.insert("incidents".to_owned(), all.into());
    Value::Object(out)
}

fn incident_value(incident: &Incident, lang: Lang) -> Value {
    let style = Style::plain(Style::MIN_WIDTH, lang);
    let ended = match incident.phase {
        reach_core::watch::Phase::Closed { at, .. } => Some(rfc3339(at)),
        _ => None,
    };
    let recovered = match incident.phase {
        reach_core::watch::Phase::Recovered { since, .. } | reach_core::watch::Phase::Calming { since } => {
            Some(rfc3339(since))
        }
        _ => None,
    };
    json!({
        "id": incident.id.0,
        "subject": match incident.subject { Subject::Target(_) => "target", Subject::Vantage => "vantage", Subject::Matter(_) => "matter" },
        "target": incident.title, "labels": incident.labels, "severity": incident.gravity.code(),
        "worst_severity": incident.worst.code(), "phase": phase_code(incident.phase),
        "began_at": rfc3339(incident.began), "opened_at": rfc3339(incident.opened),
        "well_since": recovered, "closed_at": ended,
        "causes": incident.causes.iter().map(|one| cause(one, incident, &style)).collect::<Vec<String>>(),
        "pool": incident.pool,
        "addresses": incident.members.iter().map(member).collect::<Vec<Value>>(),
        "acknowledged_by": incident.acknowledged.as_ref().map(|taken| taken.by.clone()),
        "acknowledged_at": incident.acknowledged.as_ref().map(|taken| rfc3339(taken.at)),
        "muted_until": incident.muted_until.map(rfc3339),
        "notes": incident.remarks.iter().map(remark).collect::<Vec<Value>>(),
        "unstable": incident.unstable, "relapses": incident.relapses, "notices": incident.notices,
        "unwatched_s": incident.unwatched.as_secs(), "ending": incident.ending.as_ref().map(Ending::code),
        "rang_at": incident.rang.iter().map(|at| rfc3339(*at)).collect::<Vec<String>>(),
    })
}

fn remark(remark: &Remark) -> Value {
    json!({ "at": rfc3339(remark.at), "by": remark.by, "text": remark.text })
}

fn member(member: &Member) -> Value {
    json!({
        "address": member.address, "state": member.state.code(), "reason": member.reason.code(),
        "since": rfc3339(member.since), "from_birth": member.from_birth, "gone": member.gone,
    })
}

/// `reach.incident/1`.
pub fn incident(record: &IncidentRecord, version: &str, lang: Lang) -> Value {
    let mut out = document("reach.incident/1");
    out.insert("incident".to_owned(), incident_value(&record.incident, lang));
    out.insert("transitions".to_owned(), record.transitions.iter().map(transition).collect());
    out.insert("messages".to_owned(), record.messages.iter().map(message).collect());
    let evidence = record.evidence.iter().map(|one| {
        let judged = [(one.case.clone(), one.diagnosis.clone())];
        json!({
            "at": rfc3339(one.at), "observations": one.observations,
            "report": json::check(&judged, one.case.started, one.at, version, lang),
        })
    });
    out.insert("evidence".to_owned(), evidence.collect());
    Value::Object(out)
}

fn transition(transition: &Transition) -> Value {
    let (why, reason) = why_codes(transition.why);
    json!({
        "at": rfc3339(transition.at), "address": transition.series.address, "from": transition.from.code(),
        "to": transition.to.code(), "why": why, "reason": reason,
    })
}

fn message(row: &OutboxRow) -> Value {
    json!({
        "at": rfc3339(row.notice.at), "seq": row.notice.seq, "channel": row.channel,
        "news": news_code(&row.notice.news), "rings": row.notice.rings, "delivery": delivery_code(&row.delivery),
        "attempts": row.attempts, "trouble": row.trouble,
    })
}

/// `reach.history/1`.
pub fn history(history: &History) -> Value {
    let mut out = document("reach.history/1");
    out.insert("target".to_owned(), history.target.clone().into());
    out.insert("from".to_owned(), rfc3339(history.from).into());
    out.insert("to".to_owned(), rfc3339(history.until).into());
    out.insert("step_ms".to_owned(), millis(history.step).into());
    out.insert("layer".to_owned(), history.layer.code().into());
    let address = |total: &HistoryBucket| {
        let mut value = bucket(total, None);
        value.insert("address".to_owned(), total.address.to_string().into());
        let steps = history.buckets.iter().filter(|one| one.address == total.address);
        let steps: Vec<Value> = steps.map(|one| Value::Object(bucket(one, Some(one.from)))).collect();
        value.insert("steps".to_owned(), steps.into());
        Value::Object(value)
    };
    out.insert("addresses".to_owned(), history.totals.iter().map(address).collect());
    out.insert("transitions".to_owned(), history.transitions.iter().map(transition).collect());
    Value::Object(out)
}

fn bucket(bucket: &HistoryBucket, from: Option<Time>) -> Map<String, Value> {
    let mut out = Map::new();
    if let Some(from) = from {
        out.insert("from".to_owned(), rfc3339(from).into());
    }
    out.insert("tries".to_owned(), bucket.tries.into());
    out.insert("failed".to_owned(), bucket.failed().into());
    out.insert("failure_share".to_owned(), bucket.share().into());
    out.insert("failures".to_owned(), reasons(&bucket.failures));
    out.insert("unable".to_owned(), bucket.unable.into());
    out.insert("p50_ms".to_owned(), bucket.p50.map(millis).into());
    out.insert("p95_ms".to_owned(), bucket.p95.map(millis).into());
    out
}

/// `reach.config/1`.
pub fn plan(plan: &PlanView<'_>) -> Value {
    let mut out = document("reach.config/1");
    let optional = |span: Option<Duration>| span.map(millis);
    let target = |target: &super::WatchedView<'_>| {
        json!({
            "target": target.target, "labels": target.labels, "every_ms": millis(target.pace.every),
            "exchange_every_ms": optional(target.pace.exchange_every.filter(|_| target.deeper)),
            "echo_every_ms": optional(target.pace.echo_every),
            "resolve_every_ms": millis(target.pace.resolve_every),
        })
    };
    out.insert("targets".to_owned(), plan.targets.iter().map(target).collect());
    let named = |(name, kind): &(&str, &str)| json!({ "name": name, "kind": kind });
    out.insert("sources".to_owned(), plan.sources.iter().map(named).collect());
    out.insert("channels".to_owned(), plan.channels.iter().map(named).collect());
    let window = |(name, next): &(&str, Option<String>)| json!({ "name": name, "next": next });
    out.insert("maintenance".to_owned(), plan.maintenance.iter().map(window).collect());
    out.insert("store".to_owned(), json!({ "path": plan.store, "max_bytes": plan.max_bytes }));
    out.insert("control".to_owned(), plan.control.clone().into());
    Value::Object(out)
}
