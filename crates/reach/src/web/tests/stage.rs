//! A service with everything that is particular to it, and what it was asked for.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use jiff::tz::TimeZone;
use reach_core::{
    model::Vantage,
    watch::{SilenceId, Status},
};
use reach_net::{
    drive::{Clock, Network},
    trust::TrustRoots,
};
use reach_report::Lang;
use reach_store::Reader;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
};

use crate::{
    blackbox::{Bench, Modules, Roots},
    control::{Answer, Asking, Request},
    web::{Settings, WebState, door::Tls, serve, settings::HttpSettings},
};

/// The hash of `correct horse`, of as little work as may be.
pub(in crate::web) fn hash() -> String {
    use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher};
    let params = Params::new(7 * 1024, 1, 1, None).expect("right");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(b"correct horse").expect("made").to_string()
}

/// A service; it ends with the value.
pub(in crate::web) struct Stage {
    pub(in crate::web) address: SocketAddr,
    pub(in crate::web) state: WebState,
    /// What the watch was asked for, and by whom.
    pub(in crate::web) asked: Arc<Mutex<Vec<(Request, String)>>>,
    _status: watch::Sender<Arc<Status>>,
    _end: oneshot::Sender<()>,
}

/// What was answered.
#[derive(Debug)]
pub(in crate::web) struct Told {
    pub(in crate::web) status: u16,
    pub(in crate::web) head: String,
    pub(in crate::web) body: String,
}

impl Told {
    /// The values of a header.
    pub(in crate::web) fn all(&self, name: &str) -> Vec<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    pub(in crate::web) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// `name=value` of each cookie that was set.
    pub(in crate::web) fn cookies(&self) -> String {
        let set = self.all("set-cookie");
        // An empty one is taken away.
        let pairs: Vec<&str> = set
            .iter()
            .filter_map(|line| line.split(';').next())
            .filter(|pair| !pair.ends_with('='))
            .collect();
        pairs.join("; ")
    }

    /// The hidden field of a form.
    pub(in crate::web) fn field(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("name=\"{name}\" value=\"")).expect("a form");
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    pub(in crate::web) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A service with these settings that behaves as if it listened at `shown`.
pub(in crate::web) async fn stage(http: &str, shown: Ipv4Addr) -> Stage {
    staged(http, shown, Status::default(), None, None).await
}

/// The same with something to tell.
pub(in crate::web) async fn staged(
    http: &str,
    shown: Ipv4Addr,
    status: Status,
    reader: Option<Reader>,
    tls: Option<Arc<Tls>>,
) -> Stage {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let local = SocketAddr::from((shown, address.port()));
    let http: HttpSettings = toml::from_str(http).expect("settings");
    let probe = Default::default();
    let network = Network::new(TrustRoots::from_certificates([], "none"));
    let policy = WebState::policy(local, &probe);
    let bench = Bench::new(network, &Vantage::default(), Roots::of(Vec::new()), policy);
    let asked: Arc<Mutex<Vec<(Request, String)>>> = Arc::default();
    let (noted, told) = (Arc::clone(&asked), status.clone());
    let asking = Asking::new(move |request, who| {
        let answer = match &request {
            Request::Status => Answer::Status(Box::new(told.clone())),
            Request::Silences => Answer::Silences(told.silences.clone()),
            Request::Order { .. } => Answer::Done { silence: Some(SilenceId(3)) },
            Request::Examine { .. } => Answer::refused(crate::control::protocol::Refusal::NotFound, "none"),
            _ => Answer::DONE,
        };
        noted.lock().expect("unharmed").push((request, who));
        async move { answer }
    });
    let settings = Settings {
        http: &http,
        probe: &probe,
        local,
        vantage: "box",
        lang: Lang::En,
        zone: TimeZone::UTC,
        reader,
        asking,
        requester: Default::default(),
        beside: watch::channel(Arc::default()).1,
        tls,
    };
    let (sender, receiver) = watch::channel(Arc::new(status));
    let state = WebState::new(&settings, receiver, Clock::start(), bench, Modules::usual());
    let state = state.unwrap_or_else(|problems| panic!("{problems:?}"));
    let (end, ended) = oneshot::channel::<()>();
    tokio::spawn(serve(listener, state.clone(), async { drop(ended.await) }));
    Stage { address, state, asked, _status: sender, _end: end }
}

impl Stage {
    /// What a request is answered. `headers` are lines with their ends.
    pub(in crate::web) async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Told {
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let host = if headers.starts_with("Host:") || headers.contains("\nHost:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let request =
            format!("{method} {path} HTTP/1.1\r\n{host}{headers}{length}Connection: close\r\n\r\n{body}");
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        // Whoever is refused early may not be read to the end.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        Told { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(in crate::web) async fn get(&self, path: &str, headers: &str) -> Told {
        self.ask("GET", path, headers, "").await
    }

    /// A form of our own page.
    pub(in crate::web) async fn send(&self, path: &str, headers: &str, fields: &[(&str, &str)]) -> Told {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = format!("{headers}Content-Type: application/x-www-form-urlencoded\r\n");
        self.ask("POST", path, &headers, &body).await
    }

    /// Logs in; gives the header with the cookie, and the token of the session.
    pub(in crate::web) async fn log_in(&self, user: &str, password: &str) -> (String, String) {
        let done = self.try_log_in(user, password, "").await;
        assert_eq!(done.status, 303, "{done:?}");
        let cookie = format!("Cookie: {}\r\n", done.cookies());
        let session = self.get("/api/v1/session", &cookie).await.json();
        (cookie, session["csrf"].as_str().expect("a token").to_owned())
    }

    pub(in crate::web) async fn try_log_in(&self, user: &str, password: &str, headers: &str) -> Told {
        let form = self.get("/login", headers).await;
        assert_eq!(form.status, 200, "{form:?}");
        let cookie = format!("{headers}Cookie: {}\r\n", form.cookies());
        let csrf = form.field("csrf");
        self.send("/login", &cookie, &[("user", user), ("password", password), ("csrf", &csrf)]).await
    }

    /// What was asked of the watch by name, notes only.
    pub(in crate::web) fn notes(&self) -> Vec<(String, String)> {
        let asked = self.asked.lock().expect("unharmed");
        let note = |(request, who): &(Request, String)| match request {
            Request::Note { did } => Some((who.clone(), did.to_string())),
            _ => None,
        };
        asked.iter().filter_map(note).collect()
    }
}
