//! An endpoint for OpenTelemetry agents: OTLP over gRPC and over HTTP (protocol buffers and JSON), on one port.
//!
//! It answers as the specification of OTLP 1.x wants exporters to be answered: success in the encoding of the request,
//! 400 or `INVALID_ARGUMENT` for what cannot be read, and 503 or `UNAVAILABLE` for what should be sent again.

use std::{
    future::Future,
    io::{self, Read as _},
    sync::{Arc, Mutex, PoisonError},
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::{
    logs::v1::{
        ExportLogsServiceRequest, ExportLogsServiceResponse,
        logs_service_server::{LogsService, LogsServiceServer},
    },
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use prost::Message;
use reach_core::{Time, signal::Signal};
use reach_net::drive::Clock;
use reach_signal::otlp::{Otlp, OtlpRules};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::TcpListener;
use tonic::{Status, codec::CompressionEncoding, service::Routes};

use super::{Full, Heard, Intake};
use crate::web;

/// The most bytes of a request, as they come.
const MOST_BODY: usize = 16 << 20;
/// The most bytes of a request once they are unpacked.
const MOST_UNPACKED: usize = 64 << 20;
/// Connections at the same time.
const CONNECTIONS: usize = 256;
/// Seconds after which what found no room may come again.
const AGAIN_AFTER: &str = "5";

/// An endpoint for OpenTelemetry agents.
#[derive(Clone)]
pub struct Receiver {
    source: String,
    otlp: Arc<Mutex<Otlp>>,
    clock: Clock,
    intake: Intake,
    token: Option<Arc<SecretString>>,
}

impl Receiver {
    /// `source` is the name that its signals carry. With a token every request has to carry it.
    pub fn new(
        source: &str,
        rules: OtlpRules,
        clock: Clock,
        intake: Intake,
        token: Option<SecretString>,
    ) -> Self {
        let otlp = Arc::new(Mutex::new(Otlp::new(source.to_owned(), rules)));
        Self { source: source.to_owned(), otlp, clock, intake, token: token.map(Arc::new) }
    }

    /// Answers on this listener until `end`.
    ///
    /// # Errors
    ///
    /// The listener's.
    pub async fn serve(self, listener: TcpListener, end: impl Future<Output = ()>) -> io::Result<()> {
        web::answer(listener, self.router(), CONNECTIONS, web::Versions::Both, end).await
    }

    /// What it answers to.
    pub fn router(self) -> Router {
        let grpc = Routes::new(
            TraceServiceServer::new(self.clone())
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(MOST_UNPACKED),
        )
        .add_service(
            LogsServiceServer::new(self.clone())
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(MOST_UNPACKED),
        )
        .add_service(
            MetricsServiceServer::new(self.clone())
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(MOST_UNPACKED),
        );
        let http = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/logs", post(logs))
            .route("/v1/metrics", post(metrics))
            .layer(DefaultBodyLimit::max(MOST_BODY))
            .with_state(self.clone());
        grpc.into_axum_router()
            .merge(http)
            .fallback(nothing)
            .layer(middleware::from_fn_with_state(self, admit))
    }

    fn take(&self, understand: impl FnOnce(&mut Otlp, Time) -> Vec<Signal>) -> Result<(), Full> {
        // What is refused has to stay unknown, or it would count for nothing when it comes again.
        if !self.intake.has_room() {
            return Err(Full);
        }
        let now = self.clock.now();
        let signals = understand(&mut self.otlp.lock().unwrap_or_else(PoisonError::into_inner), now);
        self.intake.offer(Heard { source: self.source.clone(), signals })
    }
}

async fn nothing(headers: HeaderMap) -> Response {
    if is_grpc(&headers) {
        return Status::unimplemented("traces, logs and metrics are taken").into_http();
    }
    (StatusCode::NOT_FOUND, "There is nothing here; post to /v1/traces, /v1/logs or /v1/metrics.\n")
        .into_response()
}

/// Turns away who does not know the token.
async fn admit(State(receiver): State<Receiver>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' '));
    let known = receiver.token.as_ref().is_none_or(|token| {
        given.is_some_and(|(scheme, given)| {
            scheme.eq_ignore_ascii_case("bearer") && is_same(given.trim(), token.expose_secret())
        })
    });
    if known {
        return next.run(request).await;
    }
    let why = "the token is missing or wrong; send `Authorization: Bearer …`";
    if is_grpc(request.headers()) {
        return Status::unauthenticated(why).into_http();
    }
    refuse(Speech::of(request.headers()).unwrap_or(Speech::Json), StatusCode::UNAUTHORIZED, 16, why)
}

/// How much of it is right must not show in how long it takes.
fn is_same(given: &str, known: &str) -> bool {
    verify_slices_are_equal(given.as_bytes(), known.as_bytes()).is_ok()
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/grpc"))
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        self.take(|otlp, now| otlp.traces(request.get_ref(), now)).map_err(unavailable)?;
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        self.take(|otlp, now| otlp.logs(request.get_ref(), now)).map_err(unavailable)?;
        Ok(tonic::Response::new(ExportLogsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        self.take(|otlp, now| otlp.metrics(request.get_ref(), now)).map_err(unavailable)?;
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn unavailable(full: Full) -> Status {
    Status::unavailable(full.to_string())
}

async fn traces(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    export(&headers, &body, |request| receiver.take(|otlp, now| otlp.traces(&request, now)))
}

async fn logs(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    export(&headers, &body, |request| receiver.take(|otlp, now| otlp.logs(&request, now)))
}

async fn metrics(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    export(&headers, &body, |request| receiver.take(|otlp, now| otlp.metrics(&request, now)))
}

/// The encodings of OTLP over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Protobuf,
    Json,
}

impl Speech {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        match kind.split(';').next()?.trim() {
            "application/x-protobuf" => Some(Speech::Protobuf),
            "application/json" => Some(Speech::Json),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Speech::Protobuf => "application/x-protobuf",
            Speech::Json => "application/json",
        }
    }

    fn say<T: Message + Serialize>(self, code: StatusCode, what: &T) -> Response {
        let body = match self {
            Speech::Protobuf => what.encode_to_vec(),
            Speech::Json => serde_json::to_vec(what).unwrap_or_default(),
        };
        (code, [(header::CONTENT_TYPE, HeaderValue::from_static(self.name()))], body).into_response()
    }
}

/// The answer to what was taken as a whole: that of each service has nothing else to say then.
#[derive(Clone, PartialEq, Message, Serialize)]
struct Accepted {}

/// `google.rpc.Status`, with which errors are told.
#[derive(Clone, PartialEq, Message, Serialize)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

fn refuse(speech: Speech, status: StatusCode, code: i32, why: &str) -> Response {
    speech.say(status, &RpcStatus { code, message: why.to_owned() })
}

fn export<T>(headers: &HeaderMap, body: &Bytes, take: impl FnOnce(T) -> Result<(), Full>) -> Response
where
    T: Message + Default + DeserializeOwned,
{
    let Some(speech) = Speech::of(headers) else {
        let why = "send application/x-protobuf or application/json";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response();
    };
    let request = unpack(headers, body).and_then(|body| match speech {
        Speech::Protobuf => T::decode(&*body).map_err(|error| error.to_string()),
        Speech::Json => serde_json::from_slice(&body).map_err(|error| error.to_string()),
    });
    match request.map(take) {
        Ok(Ok(())) => speech.say(StatusCode::OK, &Accepted {}),
        Ok(Err(full)) => {
            let mut response = refuse(speech, StatusCode::SERVICE_UNAVAILABLE, 14, &full.to_string());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(AGAIN_AFTER));
            response
        }
        Err(why) => refuse(speech, StatusCode::BAD_REQUEST, 3, &why),
    }
}

fn unpack(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, String> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    match encoding {
        None | Some("" | "identity") => Ok(body.clone()),
        Some("gzip") => {
            let mut unpacked = Vec::new();
            let most = MOST_UNPACKED as u64 + 1;
            GzDecoder::new(&**body)
                .take(most)
                .read_to_end(&mut unpacked)
                .map_err(|error| error.to_string())?;
            if unpacked.len() > MOST_UNPACKED {
                return Err(format!("more than {MOST_UNPACKED} bytes unpacked"));
            }
            Ok(unpacked.into())
        }
        Some(other) => Err(format!("content-encoding {}: only gzip is understood", other.escape_debug())),
    }
}
