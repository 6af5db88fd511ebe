//! Traces.

use std::{collections::BTreeMap, time::Duration};

use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use reach_core::{
    Time,
    signal::{Attempt, Failure, FailureClass, HostFrom, Origin, Requests, Signal, Statement, Word},
};

use super::{ExportTraceServiceRequest, Otlp, attributes::Attributes, when};

impl Otlp {
    /// Takes spans.
    pub fn traces(&mut self, request: &ExportTraceServiceRequest, now: Time) -> Vec<Signal> {
        let mut signals = Vec::new();
        for resource in &request.resource_spans {
            let origin = self.origin(resource.resource.as_ref());
            let spans: Vec<&Span> = resource.scope_spans.iter().flat_map(|scope| &scope.spans).collect();
            if !self.metrics_count(&origin, now) {
                signals.extend(requests(&spans, &origin, now));
            }
            let served = Served::of(&spans);
            for span in &spans {
                self.span(span, &served, &origin, now, &mut signals);
            }
        }
        signals
    }

    fn span(&mut self, span: &Span, served: &Served, origin: &Origin, now: Time, signals: &mut Vec<Signal>) {
        let attributes = Attributes(&span.attributes);
        let at = when(span.end_time_unix_nano, now);
        let mut say = |word| signals.push(Signal { at, origin: origin.clone(), word });
        if let Some(statement) = self.statement(span, attributes) {
            say(Word::Statement(statement));
        }
        if span.kind() == SpanKind::Server || span.kind() == SpanKind::Consumer {
            return;
        }
        let failure = self.failure(span, attributes);
        if span.kind() == SpanKind::Internal && failure.as_ref().is_none_or(|failure| failure.host.is_none())
        {
            return;
        }
        let host = attributes.host().or_else(|| failure.as_ref().and_then(|failure| failure.host.clone()));
        let late = failure.is_some() && served.later(span);
        if let (Some(address), Some(port)) = (attributes.address(), attributes.port()) {
            let failed = failure.as_ref().map(|failure| failure.class);
            say(Word::Attempt(Attempt {
                host,
                address,
                port,
                elapsed: failed.is_some().then(|| duration(span)),
                failed,
                served: failed.is_some().then_some(late),
            }));
        }
        if let Some(failure) = failure
            && !late
            && self.is_first(&span.trace_id, &failure)
        {
            say(Word::Failure(failure));
        }
    }

    /// What failed, if it did: in the words of its exception, or else by the conventions' own attributes.
    fn failure(&self, span: &Span, attributes: Attributes<'_>) -> Option<Failure> {
        let status = attributes.status().filter(|status| *status >= 500);
        let failed = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
        let exceptions = span.events.iter().filter(|event| event.name == "exception");
        let told = exceptions.rev().find_map(|event| self.exception(Attributes(&event.attributes)));
        let mut failure = match (told, attributes.str(&["error.type"]), status) {
            (Some(failure), ..) => failure,
            (None, Some(kind), _) if let Some(failure) = self.by_type(kind, span) => failure,
            (None, _, Some(_)) => blank(FailureClass::Http, format!("HTTP {}", status.unwrap_or_default())),
            (None, _, None) if failed => (self.rules.understand)(&span.status.as_ref()?.message)?,
            _ => return None,
        };
        failure.status = failure.status.or(status);
        place(&mut failure, attributes);
        Some(failure)
    }

    /// An exception as an event of a span or as a record of a log has it.
    pub(super) fn exception(&self, attributes: Attributes<'_>) -> Option<Failure> {
        let kind = attributes.str(&["exception.type"]);
        let said = attributes.str(&["exception.message"]);
        let first = match (kind, said) {
            (Some(kind), Some(said)) => Some(format!("{kind}: {said}")),
            (one, other) => one.or(other).map(str::to_owned),
        };
        let understand = self.rules.understand;
        let trace = attributes.str(&["exception.stacktrace"]);
        // The innermost cause, which only the trace has, says more than the exception that wraps it.
        trace.and_then(understand).or_else(|| understand(&first?))
    }

    /// `error.type` is the name of an exception, an error code or a status.
    fn by_type(&self, kind: &str, span: &Span) -> Option<Failure> {
        let message = span.status.as_ref().map_or("", |status| status.message.as_str());
        if let Ok(status) = kind.parse::<u16>() {
            let is_failure = (500..600).contains(&status);
            return is_failure.then(|| blank(FailureClass::Http, format!("HTTP {status}")));
        }
        let understand = self.rules.understand;
        understand(&format!("{kind}: {message}")).or_else(|| understand(kind)).or_else(|| {
            let class = match kind.to_ascii_lowercase().as_str() {
                "name_resolution_error" | "dns_error" | "host_not_found" => FailureClass::Dns,
                "connect_timeout" | "connection_timeout" => FailureClass::ConnectTimeout,
                "timeout" | "read_timeout" | "request_timeout" | "deadline_exceeded" => {
                    FailureClass::ReadTimeout
                }
                "connection_refused" => FailureClass::Refused,
                "connection_reset" | "connection_aborted" => FailureClass::Reset,
                "network_unreachable" | "host_unreachable" => FailureClass::Unreachable,
                "secure_connection_error" | "tls_error" => FailureClass::Tls,
                _ => return None,
            };
            Some(blank(class, kind.to_owned()))
        })
    }

    fn statement(&self, span: &Span, attributes: Attributes<'_>) -> Option<Statement> {
        let text = attributes.str(&["db.query.text", "db.statement"])?;
        let elapsed = duration(span);
        let failed = span.status.as_ref().filter(|status| status.code() == StatusCode::Error);
        if elapsed < self.rules.slow_statement && failed.is_none() {
            return None;
        }
        let database = attributes.text(&["db.namespace", "db.name"]);
        let error = failed.map(|_| attributes.text(&["error.type"]).unwrap_or_else(|| "error".to_owned()));
        let text = (self.rules.normalise)(text);
        Some(Statement { database, text, elapsed: Some(elapsed), count: 1, error, waits: None })
    }
}

/// Fills in what the failure's own words leave open.
pub(super) fn place(failure: &mut Failure, attributes: Attributes<'_>) {
    if let Some(host) = attributes.host().filter(|_| failure.host.is_none()) {
        failure.host = Some(host);
        failure.host_from = Some(HostFrom::Context);
    }
    failure.address = failure.address.or_else(|| attributes.address());
    failure.port = failure.port.or_else(|| attributes.port());
}

fn blank(class: FailureClass, text: String) -> Failure {
    Failure::new(class, text.chars().filter(|c| !c.is_control()).take(Failure::TEXT).collect::<String>())
}

fn duration(span: &Span) -> Duration {
    Duration::from_nanos(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano))
}

/// The requests that these spans of one service are.
fn requests(spans: &[&Span], origin: &Origin, now: Time) -> Option<Signal> {
    let servers =
        spans.iter().filter(|span| span.kind() == SpanKind::Server || span.kind() == SpanKind::Consumer);
    let (mut total, mut failed, mut from, mut until) = (0, 0, u64::MAX, 0);
    for span in servers {
        let error = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
        let status = Attributes(&span.attributes).status();
        total += 1;
        failed += u64::from(error || status.is_some_and(|status| status >= 500));
        from = from.min(span.end_time_unix_nano);
        until = until.max(span.end_time_unix_nano);
    }
    let span = Duration::from_nanos(until.saturating_sub(from));
    // Spans may be a sample of the requests, and a sampler may prefer those that failed.
    let requests = Requests { span, total, failed, late: 0, estimated: true };
    (total > 0).then(|| Signal {
        at: when(until, now),
        origin: origin.clone(),
        word: Word::Requests(requests),
    })
}

/// Client spans that were answered, by whose waiter it was and towards which host.
struct Served<'a>(BTreeMap<Waiter<'a>, u64>);

/// A trace, the span in it that waited, and the host that was asked.
type Waiter<'a> = (&'a [u8], &'a [u8], Option<String>);

impl<'a> Served<'a> {
    fn of(spans: &[&'a Span]) -> Self {
        let mut served = BTreeMap::new();
        for span in spans.iter().filter(|span| span.kind() == SpanKind::Client) {
            let attributes = Attributes(&span.attributes);
            let error = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
            if error || attributes.str(&["error.type"]).is_some() || span.parent_span_id.is_empty() {
                continue;
            }
            let started = served.entry(Self::key(span)).or_insert(0);
            *started = span.start_time_unix_nano.max(*started);
        }
        Self(served)
    }

    fn key(span: &Span) -> Waiter<'_> {
        (&span.trace_id, &span.parent_span_id, Attributes(&span.attributes).host())
    }

    /// Whether the same was tried again after `span` had failed, and was answered.
    fn later(&self, span: &Span) -> bool {
        !span.parent_span_id.is_empty()
            && self.0.get(&Self::key(span)).is_some_and(|started| *started >= span.end_time_unix_nano)
    }
}
