//! What applications with an OpenTelemetry agent say: traces, logs and metrics of OTLP 1.x.
//!
//! The conventions are those of OpenTelemetry's semantic conventions for HTTP, RPC, databases, exceptions, the JVM and
//! the host, in the names that are stable now and in those that agents of earlier years still use.
//!
//! * A **server span** is a request of its service; a failed **client span** is a failure towards `server.address`,
//!   and `network.peer.address` is the address that it was tried at. One failure of a trace towards a destination
//!   counts once, however many instrumentations tell of it and whether it comes as a span, as an event or in a log.
//! * A client span that failed and whose repetition under the same parent was answered is an attempt whose waiter was
//!   served late.
//! * Where a service pushes `http.server.*` metrics too, they count its requests, for spans may be a sample.
//!
//! Query strings, users, and addresses of clients are not looked at, so that they cannot be kept.

mod attributes;
mod logs;
mod metrics;
mod recent;
mod spans;

use std::{collections::BTreeMap, time::Duration};

use attributes::Attributes;
pub use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use reach_core::{
    Time,
    signal::{Failure, Origin},
};
use recent::Recent;

/// Understands the text of an exception.
pub type Understand = fn(&str) -> Option<Failure>;
/// Removes the literals of a statement.
pub type Normalise = fn(&str) -> String;

/// What to make of OTLP.
#[derive(Clone, Copy)]
pub struct OtlpRules {
    /// A statement that takes longer is slow.
    pub slow_statement: Duration,
    /// Understands the text of an exception.
    pub understand: Understand,
    /// Removes the literals of a statement.
    pub normalise: Normalise,
}

/// Failures of traces that are remembered, so that each counts once.
const FAILURES: usize = 65_536;
/// Services whose requests their metrics count.
const SERVICES: usize = 4_096;
/// A service whose metrics were not heard of for so long is counted by its spans.
const METRICS_STAND: Duration = Duration::from_secs(300);

/// Takes what agents send.
pub struct Otlp {
    source: String,
    rules: OtlpRules,
    failures: Recent<(Vec<u8>, String)>,
    counted_by_metrics: BTreeMap<Origin, Time>,
    series: metrics::Cumulative,
}

impl Otlp {
    /// `source` is the name that its signals carry.
    pub fn new(source: String, rules: OtlpRules) -> Self {
        Self {
            source,
            rules,
            failures: Recent::new(FAILURES),
            counted_by_metrics: BTreeMap::new(),
            series: metrics::Cumulative::default(),
        }
    }

    fn origin(&self, resource: Option<&Resource>) -> Origin {
        let attributes = Attributes(resource.map_or(&[], |resource| &resource.attributes));
        Origin {
            source: self.source.clone(),
            service: attributes.text(&["service.name"]),
            instance: attributes.text(&["service.instance.id", "k8s.pod.name", "host.name", "container.id"]),
        }
    }

    /// Whether this failure of this trace was not told of yet. What belongs to no trace is told of each time.
    fn is_first(&mut self, trace: &[u8], failure: &Failure) -> bool {
        if trace.iter().all(|byte| *byte == 0) {
            return true;
        }
        let host = failure.host.clone().or_else(|| failure.address.map(|address| address.to_string()));
        self.failures.insert((trace.to_vec(), host.unwrap_or_default()))
    }

    fn metrics_count(&self, origin: &Origin, now: Time) -> bool {
        self.counted_by_metrics.get(origin).is_some_and(|at| *at + METRICS_STAND > now)
    }
}

/// The time of an event that an agent dates so, or now where it dates none or a time to come.
fn when(nanoseconds: u64, now: Time) -> Time {
    match nanoseconds / 1_000 {
        0 => now,
        micros => Time::from_micros(micros).min(now),
    }
}

#[cfg(test)]
mod tests;
