//! Log records.

use opentelemetry_proto::tonic::{
    common::v1::any_value::Value,
    logs::v1::{LogRecord, SeverityNumber},
};
use reach_core::{
    Time,
    signal::{Failure, Signal, Word},
};

use super::{ExportLogsServiceRequest, Otlp, attributes::Attributes, spans::place, when};

impl Otlp {
    /// Takes log records.
    pub fn logs(&mut self, request: &ExportLogsServiceRequest, now: Time) -> Vec<Signal> {
        let mut signals = Vec::new();
        for resource in &request.resource_logs {
            let origin = self.origin(resource.resource.as_ref());
            for record in resource.scope_logs.iter().flat_map(|scope| &scope.log_records) {
                let attributes = Attributes(&record.attributes);
                let Some(mut failure) = self.exception(attributes).or_else(|| self.body(record)) else {
                    continue;
                };
                place(&mut failure, attributes);
                if self.is_first(&record.trace_id, &failure) {
                    let dated = [record.time_unix_nano, record.observed_time_unix_nano];
                    let at = when(dated.into_iter().find(|at| *at > 0).unwrap_or_default(), now);
                    signals.push(Signal { at, origin: origin.clone(), word: Word::Failure(failure) });
                }
            }
        }
        signals
    }

    /// A record that is no warning names a failure at most in passing.
    fn body(&self, record: &LogRecord) -> Option<Failure> {
        let unsaid = record.severity_number == SeverityNumber::Unspecified as i32;
        if !unsaid && record.severity_number < SeverityNumber::Warn as i32 {
            return None;
        }
        match record.body.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => (self.rules.understand)(text),
            _ => None,
        }
    }
}
