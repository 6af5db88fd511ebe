//! Metrics pushed to a collector of OpenTelemetry: OTLP over HTTP, protocol buffers.
//!
//! The same families as `/metrics` has, under the same names. What OpenTelemetry has a name for is called by that
//! name (`server.address`, `network.peer.address`), everything else as it is there.

use std::{io::Write as _, sync::Arc, time::Duration};

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
        ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
    },
    resource::v1::Resource,
};
use prost::Message;
use reach_core::Time;
use reqwest::{
    Client, StatusCode, Url,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};
use thiserror::Error;

use crate::{
    metrics::{Family, Kind, Labels, Series, Value},
    web::settings::OtlpSettings,
};

/// The most bytes of a collector's answer that are looked at.
const MOST_ANSWER: usize = 4096;

/// Pushes metrics to one collector.
pub struct Exporter {
    client: Client,
    url: Url,
    headers: HeaderMap,
    gzip: bool,
    resource: Resource,
}

/// Why a collector cannot be pushed to at all.
#[derive(Debug, Error)]
pub enum OtlpSettingsError {
    /// The endpoint is no URL of HTTP.
    #[error("`{0}` is no endpoint; give one like http://collector.example:4318")]
    Endpoint(String),
    /// A header cannot be sent. Its value is not shown.
    #[error("the header `{0}` cannot be sent: its name or value has characters that no header may have")]
    Header(String),
    /// The value of a header is not where it is said to be.
    #[error("the header `{}`: {why}", .header.escape_debug())]
    Secret {
        /// Its name.
        header: String,
        /// What is wrong.
        why: String,
    },
    /// TLS cannot be had.
    #[error("cannot speak TLS: {0}")]
    Tls(String),
}

/// Why a push failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PushError {
    /// No answer. Says neither where nor with what.
    #[error("the collector cannot be reached: {0}")]
    Unreached(String),
    /// It did not take them.
    #[error("the collector answered {0}")]
    Status(u16),
    /// It took some of them only.
    #[error("the collector refused {points} data points: {why}")]
    Partly {
        /// How many not.
        points: i64,
        /// Why, in its own words.
        why: String,
    },
}

impl PushError {
    /// Whether the same push may work later (OTLP specification, *Failures*). Metrics are cumulative, so there is
    /// never a need to send an old one again: the next one says it all.
    pub fn is_passing(&self) -> bool {
        match self {
            PushError::Unreached(_) => true,
            PushError::Status(status) => matches!(status, 429 | 502 | 503 | 504),
            PushError::Partly { .. } => false,
        }
    }
}

impl Exporter {
    /// Pushes to the collector of these settings; `vantage` is this host's name.
    pub fn new(settings: &OtlpSettings, vantage: &str) -> Result<Self, OtlpSettingsError> {
        let url = endpoint(&settings.endpoint)
            .ok_or_else(|| OtlpSettingsError::Endpoint(settings.endpoint.escape_debug().to_string()))?;
        let mut headers = HeaderMap::new();
        for (name, source) in &settings.headers {
            let secret =
                source.read().map_err(|why| OtlpSettingsError::Secret { header: name.clone(), why })?;
            let wrong = || OtlpSettingsError::Header(name.escape_debug().to_string());
            let key = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .timeout(settings.timeout)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("reach/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| OtlpSettingsError::Tls(error.to_string()))?;
        let own = [
            ("service.name", "reach"),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", vantage),
            ("host.name", vantage),
        ];
        let more = settings.resource.iter().map(|(name, value)| attribute(name, value));
        let own = own.into_iter().filter(|(name, _)| !settings.resource.contains_key(*name));
        let attributes = own.map(|(name, value)| attribute(name, value)).chain(more).collect();
        let resource = Resource { attributes, ..Resource::default() };
        Ok(Self { client, url, headers, gzip: settings.gzip, resource })
    }

    /// Pushes what is known at `now`; counters count from `started` on.
    pub async fn push(&self, families: &[Family], started: Time, now: Time) -> Result<(), PushError> {
        let bytes = self.request(families, started, now).encode_to_vec();
        let packed = if self.gzip { packed(&bytes) } else { None };
        let mut request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf");
        if packed.is_some() {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        let answer = request.body(packed.unwrap_or(bytes)).send().await;
        let mut answer = answer.map_err(|error| PushError::Unreached(why(&error)))?;
        if answer.status() != StatusCode::OK {
            return Err(PushError::Status(answer.status().as_u16()));
        }
        let mut said = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            said.extend_from_slice(&chunk);
            if said.len() > MOST_ANSWER {
                return Ok(());
            }
        }
        refused(&said)
    }

    fn request(&self, families: &[Family], started: Time, now: Time) -> ExportMetricsServiceRequest {
        let moments = Moments { started: nanos(started), now: nanos(now) };
        let scope = InstrumentationScope {
            name: "reach".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let metrics = families.iter().map(|family| metric(family, moments)).collect();
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, schema_url: String::new() }];
        let resource_metrics = ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics,
            schema_url: String::new(),
        };
        ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
    }
}

/// What a collector says that took the request (OTLP specification, *Partial Success*).
fn refused(said: &[u8]) -> Result<(), PushError> {
    let Ok(ExportMetricsServiceResponse { partial_success: Some(partial) }) =
        ExportMetricsServiceResponse::decode(said)
    else {
        return Ok(());
    };
    if partial.rejected_data_points <= 0 {
        return Ok(());
    }
    let why = reach_net::text::clean(&partial.error_message);
    Err(PushError::Partly { points: partial.rejected_data_points, why })
}

/// The whole URL of an endpoint.
fn endpoint(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let fits = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    if !url.path().ends_with("/v1/metrics") {
        let path = format!("{}/v1/metrics", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    fits.then_some(url)
}

fn tls() -> Result<ClientConfig, OtlpSettingsError> {
    let mut roots = RootCertStore::empty();
    let _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OtlpSettingsError::Tls(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// An error without the URL, which may hold a password.
fn why(error: &reqwest::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let mut source = std::error::Error::source(error);
    let mut last = None;
    while let Some(inner) = source {
        last = Some(inner.to_string());
        source = inner.source();
    }
    last.map_or_else(|| kind.to_owned(), |last| format!("{kind} ({})", reach_net::text::clean(&last)))
}

fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

#[derive(Clone, Copy)]
struct Moments {
    started: u64,
    now: u64,
}

fn nanos(time: Time) -> u64 {
    time.as_micros().saturating_mul(1000)
}

fn metric(family: &Family, moments: Moments) -> Metric {
    let cumulative = AggregationTemporality::Cumulative as i32;
    let data = match family.kind {
        Kind::Counter => metric::Data::Sum(Sum {
            data_points: family.series.iter().filter_map(|series| number(series, moments)).collect(),
            aggregation_temporality: cumulative,
            is_monotonic: true,
        }),
        Kind::Gauge | Kind::Info => metric::Data::Gauge(Gauge {
            data_points: family.series.iter().filter_map(|series| number(series, moments)).collect(),
        }),
        Kind::Histogram => metric::Data::Histogram(Histogram {
            data_points: family.series.iter().filter_map(|series| histogram(series, moments)).collect(),
            aggregation_temporality: cumulative,
        }),
    };
    let name = family.name.as_ref();
    Metric {
        name: name.to_owned(),
        description: family.help.clone().into_owned(),
        unit: unit(name).to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

/// The unit by the name, as UCUM writes it.
fn unit(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    if name.ends_with("_seconds") {
        "s"
    } else if name.ends_with("_bytes") {
        "By"
    } else if name.ends_with("_ratio") {
        "1"
    } else {
        ""
    }
}

fn number(series: &Series, moments: Moments) -> Option<NumberDataPoint> {
    let Value::Number(value) = series.value else { return None };
    Some(NumberDataPoint {
        attributes: attributes(&series.labels),
        start_time_unix_nano: moments.started,
        time_unix_nano: moments.now,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..NumberDataPoint::default()
    })
}

fn histogram(series: &Series, moments: Moments) -> Option<HistogramDataPoint> {
    let Value::Histogram(histogram) = &series.value else { return None };
    Some(HistogramDataPoint {
        attributes: attributes(&series.labels),
        start_time_unix_nano: moments.started,
        time_unix_nano: moments.now,
        count: histogram.count(),
        sum: Some(histogram.sum),
        bucket_counts: histogram.counts.clone(),
        explicit_bounds: histogram.bounds.clone(),
        ..HistogramDataPoint::default()
    })
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    let named = |name: &str| match name {
        "name" => "server.address".to_owned(),
        "address" => "network.peer.address".to_owned(),
        "port" => "network.peer.port".to_owned(),
        other => other.to_owned(),
    };
    labels
        .iter()
        .map(|(name, value)| match (name.as_ref(), value.parse::<u16>()) {
            ("port", Ok(port)) => KeyValue {
                key: named(name),
                value: Some(AnyValue { value: Some(any_value::Value::IntValue(i64::from(port))) }),
                ..KeyValue::default()
            },
            _ => attribute(&named(name), value),
        })
        .collect()
}

fn attribute(name: &str, value: &str) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) }),
        ..KeyValue::default()
    }
}

/// How long to wait for the next push after one: the interval, and the first one within it at a moment of its
/// own, so that many hosts that start together do not push together.
pub fn first_wait(every: Duration, seed: u64) -> Duration {
    let share = (reach_core::stats::split_mix(seed) >> 11) as f64 / (1_u64 << 53) as f64;
    every.mul_f64(share)
}

#[cfg(test)]
mod tests;
