//! What the watch shows over HTTP, and to whom.
//!
//! Who may ask for what is decided in one place, by [`door`]; what may be probed by [`Policy`]. On loopback only names
//! of loopback are answered, so that no page of a stranger reads anything by way of a browser.

pub mod allow;
pub mod door;
pub mod settings;

mod api;
mod beside;
mod crowd;
mod guard;
mod health;
mod lang;
mod live;
mod pages;
mod probe;
mod secret;
mod serve;

use std::{
    borrow::Cow,
    io::Write as _,
    net::SocketAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use flate2::{Compression, write::GzEncoder};
use jiff::tz::TimeZone;
use reach_core::{Time, watch::Status};
use reach_net::drive::Clock;
use reach_report::{Lang, report::Asker};
use reach_store::Reader;
use serde_json::json;
use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
};
use tower::ServiceExt;

pub use self::{
    allow::{Allowed, Policy},
    beside::Beside,
    health::{Health, health},
    secret::Secret,
    serve::{Peer, Versions, answer, serve},
};
use self::{
    door::{Door, Tls},
    settings::{HttpSettings, ProbeSettings},
};
use crate::{
    blackbox::{Bench, Modules, Rule},
    config::Problems,
    control::Asking,
    metrics::{
        Family, Kind, Labels,
        status::Scope,
        text::{Encoder, Format},
    },
};

/// Everything that answers are made of. Cheap to clone.
#[derive(Clone)]
pub struct WebState {
    inner: Arc<Inner>,
}

struct Inner {
    status: watch::Receiver<Arc<Status>>,
    clock: Clock,
    scope: Scope,
    door: Door,
    tls: Option<Arc<Tls>>,
    stale_after: Duration,
    stuck_after: Duration,
    connections: usize,
    lang: Lang,
    zone: TimeZone,
    reader: Option<Reader>,
    asking: Asking,
    /// Who asks for changes.
    requester: RwLock<Asker>,
    beside: watch::Receiver<Arc<Beside>>,
    live: live::Live,
    probing: RwLock<Probing>,
    room: Arc<Semaphore>,
    examining: Semaphore,
    rule: Option<Rule>,
    timeout_offset: Duration,
    unknown_modules: AtomicU64,
    /// What is answered besides.
    others: RwLock<Option<Router>>,
}

/// Targets that are examined on demand at the same time.
const MOST_EXAMINED: usize = 4;

/// What probes on demand are made of; replaced as a whole when the configuration is read again.
#[derive(Clone)]
struct Probing {
    bench: Bench,
    modules: Arc<Modules>,
    reload: Reload,
}

/// How the module file was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reload {
    worked: bool,
    /// When it did last.
    at: Time,
}

/// What is shown, and to whom.
pub struct Settings<'a> {
    /// `[http]`.
    pub http: &'a HttpSettings,
    /// `[probe]`.
    pub probe: &'a ProbeSettings,
    /// Where this service listens.
    pub local: SocketAddr,
    /// This host's name.
    pub vantage: &'a str,
    /// The language of the page for browsers that do not say.
    pub lang: Lang,
    /// The time zone of the page.
    pub zone: TimeZone,
    /// What the watch remembers.
    pub reader: Option<Reader>,
    /// How to ask the watch.
    pub asking: Asking,
    /// Who asks for changes, in what is handed over.
    pub requester: Asker,
    /// TLS, where it is spoken.
    pub tls: Option<Arc<Tls>>,
    /// What pages show beside the status.
    pub beside: watch::Receiver<Arc<Beside>>,
}

impl WebState {
    /// Shows what `status` has, which is of the time of `clock`.
    ///
    /// # Errors
    ///
    /// What is wrong with who is known. To be called within a runtime.
    pub fn new(
        settings: &Settings<'_>,
        status: watch::Receiver<Arc<Status>>,
        clock: Clock,
        bench: Bench,
        modules: Modules,
    ) -> Result<Self, Problems> {
        let Settings { http, probe, local, vantage, lang, zone, reader, asking, requester, beside, tls } =
            settings;
        let scope =
            Scope { vantage: (*vantage).to_owned(), addresses: http.addresses, histograms: http.histograms };
        let reload = Reload { worked: true, at: clock.now() };
        let inner = Inner {
            status,
            clock,
            scope,
            door: Door::new(http, *local, tls.clone(), asking.clone())?,
            tls: tls.clone(),
            stale_after: http.stale_after,
            stuck_after: http.stuck_after,
            connections: http.connections.max(1),
            lang: *lang,
            zone: zone.clone(),
            reader: reader.clone(),
            asking: asking.clone(),
            requester: RwLock::new(requester.clone()),
            beside: beside.clone(),
            live: live::Live::new(http.connections),
            probing: RwLock::new(Probing { bench, modules: Arc::new(modules), reload }),
            room: Arc::new(Semaphore::new(probe.concurrency.max(1))),
            examining: Semaphore::new(MOST_EXAMINED),
            rule: (probe.addresses != Rule::First).then_some(probe.addresses),
            timeout_offset: probe.timeout_offset,
            unknown_modules: AtomicU64::new(0),
            others: RwLock::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Others are known from now on, and files of TLS are looked at again.
    ///
    /// # Errors
    ///
    /// What is wrong with who is known; those of before stay.
    pub fn replace_people(&self, http: &HttpSettings) -> Result<(), Problems> {
        self.inner.door.replace_people(http)
    }

    /// What may be probed by a service that listens at `local`.
    pub fn policy(local: SocketAddr, settings: &ProbeSettings) -> Policy {
        Policy { open: local.ip().to_canonical().is_loopback(), allow: settings.allow.clone() }
    }

    /// The module file was read again. `None` where it could not be: the modules of before stay.
    pub fn replace_modules(&self, modules: Option<Modules>) {
        let now = self.inner.clock.now();
        let mut probing = self.inner.probing.write().unwrap_or_else(PoisonError::into_inner);
        match modules {
            Some(modules) => {
                probing.modules = Arc::new(modules);
                probing.reload = Reload { worked: true, at: now };
            }
            None => probing.reload.worked = false,
        }
    }

    /// Probes are done with this from now on.
    pub fn replace_bench(&self, bench: Bench) {
        self.inner.probing.write().unwrap_or_else(PoisonError::into_inner).bench = bench;
    }

    /// These ask for changes from now on.
    pub fn replace_requester(&self, requester: Asker) {
        *self.inner.requester.write().unwrap_or_else(PoisonError::into_inner) = requester;
    }

    fn requester(&self) -> Asker {
        self.inner.requester.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This is answered besides, from now on.
    pub fn replace_routes(&self, routes: Option<Router>) {
        *self.inner.others.write().unwrap_or_else(PoisonError::into_inner) = routes;
    }

    fn status(&self) -> Arc<Status> {
        Arc::clone(&self.inner.status.borrow())
    }

    fn beside(&self) -> Arc<Beside> {
        Arc::clone(&self.inner.beside.borrow())
    }

    fn probing(&self) -> Probing {
        self.inner.probing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All metrics.
    pub fn families(&self) -> Vec<Family> {
        let mut families = crate::metrics::status::families(&self.status(), &self.inner.scope);
        families.extend(self.own_families());
        families.sort_by(|a, b| a.name.cmp(&b.name));
        families
    }

    /// What this service has to tell of itself.
    fn own_families(&self) -> Vec<Family> {
        let mut families = Vec::new();
        let reload = self.probing().reload;
        let gauge = Family::gauge;
        families.push(gauge(
            "blackbox_exporter_config_last_reload_successful",
            "Whether the module file was read when it was read last.",
            f64::from(u8::from(reload.worked)),
        ));
        families.push(gauge(
            "blackbox_exporter_config_last_reload_success_timestamp_seconds",
            "When the module file was read last, in Unix time.",
            reload.at.as_micros() as f64 / 1e6,
        ));
        let mut unknown = Family {
            name: Cow::Borrowed("blackbox_module_unknown_total"),
            help: Cow::Borrowed("Requests for modules that there are not."),
            kind: Kind::Counter,
            series: Vec::new(),
        };
        unknown.push(Labels::default(), self.inner.unknown_modules.load(Ordering::Relaxed) as f64);
        families.push(unknown);
        families
    }

    /// Writes all metrics.
    fn write_metrics(&self, format: Format, sink: impl FnMut(&str)) {
        let mut encoder = Encoder::new(format, sink);
        let (status, scope) = (self.status(), &self.inner.scope);
        crate::metrics::status::each(&status, scope, &mut |family| encoder.write(&family));
        self.own_families().iter().for_each(|family| encoder.write(family));
        encoder.end();
    }
}

/// All that is answered, to whom the door lets in.
pub fn router(state: WebState) -> Router {
    inside().layer(middleware::from_fn_with_state(state.clone(), door::enter)).with_state(state)
}

/// All that is answered, to whoever is in.
fn inside() -> Router<WebState> {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/-/healthy", get(async || "Healthy\n"))
        .route("/probe", get(probe::probe))
        .merge(door::routes())
        .merge(api::routes())
        .merge(live::routes())
        .merge(pages::routes())
        .fallback(others)
}

/// What others than the page answer.
async fn others(State(state): State<WebState>, request: Request) -> Response {
    let routes = state.inner.others.read().unwrap_or_else(PoisonError::into_inner).clone();
    let path = request.uri().path().to_owned();
    let nothing =
        async move || door::refusal(&path, StatusCode::NOT_FOUND, "not-found", "There is nothing here.");
    match routes.unwrap_or_default().fallback(nothing).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn metrics(State(state): State<WebState>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = Format::wanted(accept);
    let headers = headers.clone();
    aside(move || exposition(|sink| state.write_metrics(format, sink), format, &headers)).await
}

/// Makes an answer beside the thread that everything else runs on: what is said of ten thousand addresses takes a
/// while to write, and no probe may wait for that.
async fn aside(answer: impl FnOnce() -> Response + Send + 'static) -> Response {
    match spawn_blocking(answer).await {
        Ok(response) => response,
        // It panicked, which the hook has told.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Metrics as an answer, packed where the client can take that. `write` hands the text over in pieces, so that what is
/// packed is never there as a whole.
fn exposition(write: impl FnOnce(&mut dyn FnMut(&str)), format: Format, headers: &HeaderMap) -> Response {
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    let accepts =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let gzip = accepts.split(',').any(|part| {
        let (name, weight) = part.split_once(';').unwrap_or((part, ""));
        name.trim() == "gzip" && !matches!(weight.trim(), "q=0" | "q=0.0")
    });
    let mut body = Body { plain: Vec::new(), packed: None, packs: gzip };
    write(&mut |piece| body.take(piece));
    let Some(packed) = body.packed.map(GzEncoder::finish) else {
        return ([kind], body.plain).into_response();
    };
    let packing = (header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    match packed {
        Ok(packed) => {
            ([kind, packing, (header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"))], packed)
                .into_response()
        }
        // Writing to memory does not fail.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The body of an answer as it grows.
struct Body {
    plain: Vec<u8>,
    /// Everything, once it has become long enough.
    packed: Option<GzEncoder<Vec<u8>>>,
    packs: bool,
}

impl Body {
    /// Less than this is not worth packing.
    const WORTH_PACKING: usize = 2048;

    fn take(&mut self, piece: &str) {
        if let Some(packed) = &mut self.packed {
            // Writing to memory does not fail.
            let _ = packed.write_all(piece.as_bytes());
            return;
        }
        self.plain.extend_from_slice(piece.as_bytes());
        if self.packs && self.plain.len() >= Self::WORTH_PACKING {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            let _ = packed.write_all(&std::mem::take(&mut self.plain));
            self.packed = Some(packed);
        }
    }
}

async fn healthz(State(state): State<WebState>) -> Response {
    let Inner { clock, stale_after, stuck_after, .. } = &*state.inner;
    let health = health(&state.status(), clock.now(), *stale_after, *stuck_after);
    let status = if health.is_good() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let said = json!({ "healthy": health.is_good(), "reasons": health.reasons, "store": health.store });
    (status, Json(said)).into_response()
}

#[cfg(test)]
pub(in crate::web) mod tests;
