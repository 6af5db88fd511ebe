//! Our own service, and a real `blackbox_exporter`, both on loopback.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use reach::{
    blackbox::{Bench, Modules, Roots},
    web::{
        Settings, WebState, serve,
        settings::{HttpSettings, ProbeSettings},
    },
};
use reach_core::{model::Vantage, watch::Status};
use reach_net::{
    drive::{Clock, Network},
    trust::TrustRoots,
    vantage::vantage,
};
use reach_report::Lang;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep},
};

/// How long a program may take to begin to answer. Only waited for where it does not.
const PATIENCE: Duration = Duration::from_secs(60);

/// Our service; ends with the value.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    #[expect(dead_code, reason = "without a sender there is no status")]
    status: watch::Sender<Arc<Status>>,
}

/// Our service with these modules.
pub(crate) async fn service(modules: &str) -> Service {
    serving(modules, Status::default()).await
}

/// Our service with these modules, and something to tell.
pub(crate) async fn serving(modules: &str, told: Status) -> Service {
    serving_from(modules, told, &vantage(&[]), &ProbeSettings::default(), Ipv4Addr::LOCALHOST).await
}

/// Our service with everything that is particular to it. It listens on loopback, but behaves as if at `shown`.
pub(crate) async fn serving_from(
    modules: &str,
    told: Status,
    vantage: &Vantage,
    probe: &ProbeSettings,
    shown: Ipv4Addr,
) -> Service {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let local = SocketAddr::from((shown, address.port()));
    // Who asks here is in a network that may.
    let http: HttpSettings = toml::from_str("scrape_from = [\"127.0.0.0/8\"]").expect("settings");
    let network = Network::new(TrustRoots::from_certificates([], "none"));
    let bench = Bench::new(network, vantage, Roots::of(Vec::new()), WebState::policy(local, probe));
    let (sender, status) = watch::channel(Arc::new(told));
    let settings = Settings {
        http: &http,
        probe,
        local,
        vantage: "lab",
        lang: Lang::En,
        zone: jiff::tz::TimeZone::UTC,
        reader: None,
        asking: reach::control::Asking::nobody(),
        requester: Default::default(),
        tls: None,
        beside: watch::channel(Arc::default()).1,
    };
    let modules = Modules::parse(modules).expect("modules");
    let state = WebState::new(&settings, status, Clock::start(), bench, modules).expect("a service");
    tokio::spawn(serve(listener, state, std::future::pending()));
    Service { address, status: sender }
}

/// A program on a port of its own; ended with the value.
pub(crate) struct Exporter {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Exporter {
    /// The real one with this module file; `None` where it is not installed.
    pub(crate) async fn start(modules: &Path) -> Option<Self> {
        let config = format!("--config.file={}", modules.display());
        Self::run("prometheus-blackbox-exporter", |address| {
            vec![config, format!("--web.listen-address={address}")]
        })
        .await
    }

    /// A program that answers `/-/healthy` once it is ready.
    pub(crate) async fn run(
        program: &str,
        arguments: impl FnOnce(SocketAddr) -> Vec<String>,
    ) -> Option<Self> {
        let address = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
            listener.local_addr().expect("bound")
        };
        let mut command = Command::new(program);
        command.args(arguments(address)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let exporter = Self { address, child: command.spawn().ok()? };
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if try_fetch(address, "/-/healthy").await.is_some_and(|answer| answer.status == 200) {
                return Some(exporter);
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("{program} does not begin to answer");
    }
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

/// Asks in HTTP/1.0, so that the body comes as it is.
pub(crate) async fn fetch(address: SocketAddr, path: &str) -> Answer {
    try_fetch(address, path).await.expect("an answer")
}

async fn try_fetch(address: SocketAddr, path: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let kind = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-type").then(|| value.to_owned())
    });
    Some(Answer { status, content_type: kind.unwrap_or_default(), body: body.to_owned() })
}

/// A text in a query.
pub(crate) fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
