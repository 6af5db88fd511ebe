//! What a watch hears from others and offers to them: signals, the socket for commands, HTTP, the push of metrics, the
//! heartbeat.

use std::{net::SocketAddr, sync::Arc};

use nix::sys::signal::Signal;
use reach_core::{model::Vantage, watch::Status};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
    time::sleep,
};
use tracing::{error, info, warn};

use super::{Daemon, USUAL_PORT, Wanted, heartbeat};
use crate::{
    blackbox::{Bench, Modules, Roots},
    config::{Problems, keep, watch::WatchConfig},
    control::{
        self, Answer, Asking,
        protocol::Refusal,
        server::{self, Peer},
    },
    live::raised,
    otlp::{Exporter, first_wait},
    web::{
        self, Beside, Settings, WebState,
        door::{Tls, tls::own_names},
    },
};

impl Daemon {
    pub(super) fn open_control(&mut self, wish: &mpsc::UnboundedSender<Wanted>) -> Result<(), Problems> {
        let control = self.config().control.clone();
        let listener = match server::open(&control.path, control.group.as_deref()) {
            Ok(listener) => listener,
            Err(error) if !control.named => {
                warn!("{error}; `reach status` and others cannot ask this watch");
                return Ok(());
            }
            Err(error) => return Err(vec![error.to_string()]),
        };
        let asking = asking(wish);
        let ask = move |request, peer: Peer| {
            let asking = asking.clone();
            async move { asking.ask(request, &peer.name).await }
        };
        self.beside.push(tokio::spawn(control::serve(listener, ask)));
        Ok(())
    }

    pub(super) async fn open_web(
        &mut self,
        (published, beside): (watch::Receiver<Arc<Status>>, watch::Receiver<Arc<Beside>>),
        vantage: &Vantage,
        wish: &mpsc::UnboundedSender<Wanted>,
    ) -> Result<(), Problems> {
        if !self.config().http.serves {
            return Ok(());
        }
        let named = self.config().http.settings.listen;
        let wanted = named.unwrap_or(SocketAddr::from(([127, 0, 0, 1], USUAL_PORT)));
        let listener = match TcpListener::bind(wanted).await {
            Ok(listener) => listener,
            Err(error) if named.is_none() => {
                warn!("nothing is served over HTTP: {wanted}: {error}");
                return Ok(());
            }
            Err(error) => {
                return Err(vec![format!(
                    "HTTP cannot be served at {wanted}: {error}; name another place with --listen, or as `listen` \
                     under [http] in the configuration"
                )]);
            }
        };
        let local = listener.local_addr().unwrap_or(wanted);
        let tls = self.tls(&vantage.host, local)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let settings = Settings {
            tls,
            http: &self.config().http.settings,
            probe: &self.config().probe,
            local,
            vantage: &vantage.host,
            lang: self.watch.output.style.lang,
            zone: self.config().zone.clone(),
            reader: Some(self.reader.clone()),
            asking: asking(wish),
            requester: self.config().request.clone().asker(),
            beside,
        };
        let modules = modules(self.config()).map_err(|problem| vec![problem])?;
        let state = WebState::new(&settings, published, self.clock, self.bench(vantage, local), modules)?;
        state.replace_routes(self.hearing.routes());
        self.web = Some((state.clone(), local));
        info!(at = %format!("{scheme}://{local}/"), "serving");
        let mut ends = self.ends.subscribe();
        let end = async move {
            // The sender goes when everything does.
            let _ = ends.wait_for(|ended| *ended).await;
        };
        self.serving = Some(tokio::spawn(async move {
            if let Err(error) = web::serve(listener, state, end).await {
                error!("nothing is served over HTTP any more: {error}");
            }
        }));
        Ok(())
    }

    /// TLS of the page, where it is wanted.
    fn tls(&self, host: &str, local: SocketAddr) -> Result<Option<Arc<Tls>>, Problems> {
        let http = &self.config().http.settings;
        let Some(settings) = &http.tls else { return Ok(None) };
        let names = own_names(host, &http.hosts, local.ip());
        let tls = Tls::open(settings, &self.config().store.path, names);
        tls.map(|tls| Some(Arc::new(tls))).map_err(|problem| vec![format!("[http.tls]: {problem}")])
    }

    pub(super) fn bench(&self, vantage: &Vantage, local: SocketAddr) -> Bench {
        let policy = WebState::policy(local, &self.config().probe);
        Bench::new(self.network.clone(), vantage, Roots::load(), policy)
    }

    /// What a shell or a service manager wants.
    pub(super) fn listen_for_signals(&mut self, wish: &mpsc::UnboundedSender<Wanted>) {
        let mut stops = (signal(SignalKind::interrupt()).ok(), signal(SignalKind::terminate()).ok());
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut resumed = signal(SignalKind::from_raw(Signal::SIGCONT as i32)).ok();
        let wish = wish.clone();
        self.beside.push(tokio::spawn(async move {
            loop {
                let wanted = tokio::select! {
                    () = raised(&mut stops.0) => Wanted::Stop,
                    () = raised(&mut stops.1) => Wanted::Stop,
                    () = raised(&mut hangup) => Wanted::Reload,
                    () = raised(&mut resumed) => Wanted::Resumed,
                };
                if wish.send(wanted).is_err() {
                    return;
                }
            }
        }));
    }

    /// What runs beside until the configuration is read again: the push of metrics, and the heartbeat.
    pub(super) fn begin_renewed(&mut self, config: &WatchConfig) -> Result<(), Problems> {
        // Nothing of what runs ends before everything that replaces it is ready.
        let mut problems = Problems::new();
        let pushing = keep(self.pushing(config), &mut problems).flatten();
        let beating = keep(self.beating(config), &mut problems).flatten();
        if !problems.is_empty() {
            return Err(problems);
        }
        for task in self.renewed.drain(..) {
            task.abort();
        }
        self.renewed.extend(pushing.map(tokio::spawn));
        self.renewed.extend(beating.map(tokio::spawn));
        Ok(())
    }

    fn pushing(&self, config: &WatchConfig) -> Result<Option<impl Future<Output = ()> + use<>>, String> {
        let (Some(settings), Some((web, _))) = (config.otlp.clone(), self.web.clone()) else {
            return Ok(None);
        };
        let host = &self.plan.vantage.host;
        let exporter = Exporter::new(&settings, host).map_err(|error| error.to_string())?;
        let (clock, started, seed) = (self.clock, self.started, self.seed);
        Ok(Some(async move {
            sleep(first_wait(settings.every, seed)).await;
            loop {
                // Of ten thousand addresses it takes a while to say everything; others have to go on meanwhile.
                let web = web.clone();
                if let Ok(families) = spawn_blocking(move || web.families()).await
                    && let Err(error) = exporter.push(&families, started, clock.now()).await
                {
                    warn!("metrics could not be pushed: {error}");
                }
                sleep(settings.every).await;
            }
        }))
    }

    fn beating(&self, config: &WatchConfig) -> Result<Option<impl Future<Output = ()> + use<>>, String> {
        let Some(settings) = config.heartbeat.clone() else { return Ok(None) };
        heartbeat::beat(settings, &self.trust, self.status.subscribe(), self.clock).map(Some)
    }
}

/// Asks the watch, by handing it a wish.
fn asking(wish: &mpsc::UnboundedSender<Wanted>) -> Asking {
    let wish = wish.clone();
    Asking::new(move |request, who| {
        let wish = wish.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            let ending = || Answer::refused(Refusal::Busy, "the watch is ending");
            match wish.send(Wanted::Asked(request, who, answer)) {
                Ok(()) => answered.await.unwrap_or_else(|_| ending()),
                Err(_) => ending(),
            }
        }
    })
}

/// The modules that `/probe` knows.
pub(super) fn modules(config: &WatchConfig) -> Result<Modules, String> {
    let Some(path) = &config.probe.modules else { return Ok(Modules::usual()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let modules = Modules::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    for (name, reason) in modules.refused() {
        warn!("{}: the module {name} is left out: {reason}", path.display());
    }
    Ok(modules)
}
