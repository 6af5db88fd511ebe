//! What stands in which column.

use std::{collections::BTreeSet, time::Duration};

use reach_core::{
    Time,
    watch::{AddressState, Incident, Layer, Phase, Reading, Reason, Sample, Transition},
};
use reach_report::watch::{KnownTarget, phase_code, why_codes};

use super::formats::{Cell, Column, Kind, Sink};
use crate::{
    cli::ExportWhat,
    command::memory::{self, HistoryBucket, Memory, MemoryError},
};

const SAMPLES: &[Column] = &[
    ("at", Kind::Time),
    ("target", Kind::Text),
    ("address", Kind::Text),
    ("layer", Kind::Text),
    ("result", Kind::Text),
    ("reason", Kind::Text),
    ("rtt_ms", Kind::Number),
];

const ROLLUPS: &[Column] = &[
    ("from", Kind::Time),
    ("step_ms", Kind::Count),
    ("target", Kind::Text),
    ("address", Kind::Text),
    ("layer", Kind::Text),
    ("tries", Kind::Count),
    ("failed", Kind::Count),
    ("timeout", Kind::Count),
    ("refused", Kind::Count),
    ("icmp_unreachable", Kind::Count),
    ("icmp_admin_prohibited", Kind::Count),
    ("blocked_locally", Kind::Count),
    ("reset", Kind::Count),
    ("tls", Kind::Count),
    ("untrusted", Kind::Count),
    ("read_timeout", Kind::Count),
    ("http_status", Kind::Count),
    ("unable", Kind::Count),
    ("p50_ms", Kind::Number),
    ("p95_ms", Kind::Number),
];

const TRANSITIONS: &[Column] = &[
    ("at", Kind::Time),
    ("target", Kind::Text),
    ("address", Kind::Text),
    ("from", Kind::Text),
    ("to", Kind::Text),
    ("why", Kind::Text),
    ("reason", Kind::Text),
];

const INCIDENTS: &[Column] = &[
    ("id", Kind::Count),
    ("target", Kind::Text),
    ("severity", Kind::Text),
    ("worst_severity", Kind::Text),
    ("phase", Kind::Text),
    ("began_at", Kind::Time),
    ("opened_at", Kind::Time),
    ("well_since", Kind::Time),
    ("closed_at", Kind::Time),
    ("all_clear", Kind::Flag),
    ("pool", Kind::Count),
    ("addresses", Kind::Text),
    ("reasons", Kind::Text),
    ("acknowledged_by", Kind::Text),
    ("relapses", Kind::Count),
    ("notices", Kind::Count),
    ("rang", Kind::Count),
];

/// The columns of an export.
pub(super) const fn columns(what: ExportWhat) -> &'static [Column] {
    match what {
        ExportWhat::Samples => SAMPLES,
        ExportWhat::Rollups => ROLLUPS,
        ExportWhat::Transitions => TRANSITIONS,
        ExportWhat::Incidents => INCIDENTS,
    }
}

const fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Echo => "echo",
        Layer::Connect => "connect",
        Layer::Exchange => "exchange",
    }
}

fn millis(span: Duration) -> f64 {
    span.as_micros() as f64 / 1000.0
}

/// Every single try.
pub(super) fn samples(
    memory: &dyn Memory,
    targets: &[&KnownTarget],
    from: Time,
    until: Time,
    sink: &mut dyn Sink,
) -> Result<(), MemoryError> {
    for target in targets {
        memory.samples(target.id, from, until, &mut |sample: &Sample| {
            let (result, reason, rtt) = match sample.reading {
                Reading::Answered(rtt) => ("answered", None, Some(rtt)),
                Reading::Failed(reason) => ("failed", Some(reason.code()), None),
                Reading::Unable => ("unable", None, None),
            };
            sink.row(vec![
                Cell::Time(sample.at),
                Cell::Text(target.text.clone()),
                Cell::Text(sample.series.address.to_string()),
                Cell::Text(layer(sample.layer).to_owned()),
                Cell::Text(result.to_owned()),
                Cell::text(reason),
                Cell::number(rtt.map(millis)),
            ])
        })?;
    }
    Ok(())
}

/// Summaries.
pub(super) fn rollups(
    memory: &dyn Memory,
    targets: &[&KnownTarget],
    (from, until): (Time, Time),
    step: Duration,
    sink: &mut dyn Sink,
) -> Result<(), MemoryError> {
    let length = u64::try_from(step.as_micros()).unwrap_or(u64::MAX).max(1);
    let from = Time::from_micros(from.as_micros() - from.as_micros() % length);
    for target in targets {
        for bucket in memory.history(target.id, from, until, step)? {
            sink.row(rollup(target, &bucket, step))?;
        }
    }
    Ok(())
}

fn rollup(target: &KnownTarget, bucket: &HistoryBucket, step: Duration) -> Vec<Cell> {
    let mut cells = vec![
        Cell::Time(bucket.from),
        Cell::Count(u64::try_from(step.as_millis()).unwrap_or(u64::MAX)),
        Cell::Text(target.text.clone()),
        Cell::Text(bucket.address.to_string()),
        Cell::Text(layer(bucket.layer).to_owned()),
        Cell::Count(bucket.tries),
        Cell::Count(bucket.failed()),
    ];
    let failed = |reason: &Reason| Cell::Count(bucket.failures.get(reason).copied().unwrap_or(0));
    cells.extend(Reason::ALL.iter().map(failed));
    cells.extend([
        Cell::Count(bucket.unable),
        Cell::number(bucket.p50.map(millis)),
        Cell::number(bucket.p95.map(millis)),
    ]);
    cells
}

/// Changes of state.
pub(super) fn transitions(
    memory: &dyn Memory,
    targets: &[&KnownTarget],
    from: Time,
    until: Time,
    sink: &mut dyn Sink,
) -> Result<(), MemoryError> {
    let state = |state: AddressState| Cell::Text(state.code().to_owned());
    for target in targets {
        for Transition { series, at, from, to, why } in memory.transitions(target.id, from, until)? {
            let (why, reason) = why_codes(why);
            sink.row(vec![
                Cell::Time(at),
                Cell::Text(target.text.clone()),
                Cell::Text(series.address.to_string()),
                state(from),
                state(to),
                Cell::Text(why.to_owned()),
                Cell::text(reason),
            ])?;
        }
    }
    Ok(())
}

/// Incidents.
pub(super) fn incidents(
    memory: &dyn Memory,
    pattern: Option<&str>,
    from: Time,
    until: Time,
    sink: &mut dyn Sink,
) -> Result<(), MemoryError> {
    let meant = pattern.map(memory::canonical);
    for incident in memory.incidents(from, until)? {
        if meant.as_deref().is_none_or(|meant| memory::fits(meant, &incident.title)) {
            sink.row(cells(&incident))?;
        }
    }
    Ok(())
}

fn cells(incident: &Incident) -> Vec<Cell> {
    let (well_since, closed, all_clear) = match incident.phase {
        Phase::Open => (None, None, None),
        Phase::Calming { since } | Phase::Recovered { since, .. } => (Some(since), None, None),
        Phase::Closed { at, all_clear } => (None, Some(at), Some(all_clear)),
    };
    let addresses: Vec<String> = incident.members.iter().map(|member| member.address.to_string()).collect();
    let reasons: BTreeSet<&str> = incident.members.iter().map(|member| member.reason.code()).collect();
    let reasons: Vec<&str> = reasons.into_iter().collect();
    vec![
        Cell::Count(incident.id.0),
        Cell::Text(incident.title.clone()),
        Cell::Text(incident.gravity.code().to_owned()),
        Cell::Text(incident.worst.code().to_owned()),
        Cell::Text(phase_code(incident.phase).to_owned()),
        Cell::Time(incident.began),
        Cell::Time(incident.opened),
        Cell::time(well_since),
        Cell::time(closed),
        all_clear.map_or(Cell::Empty, Cell::Flag),
        Cell::Count(incident.pool.into()),
        Cell::Text(addresses.join(" ")),
        Cell::Text(reasons.join(" ")),
        Cell::text(incident.acknowledged.as_ref().map(|taken| taken.by.clone())),
        Cell::Count(incident.relapses.into()),
        Cell::Count(incident.notices.into()),
        Cell::Count(incident.rang.len() as u64),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_column_in_order() {
        let named: Vec<&str> =
            ROLLUPS.iter().map(|(name, _)| *name).skip(7).take(Reason::ALL.len()).collect();
        assert_eq!(named, Reason::ALL.map(Reason::code));
    }
}
