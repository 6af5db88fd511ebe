//! Who asks, and what that person may do.
//!
//! Nobody has to say who they are where the service listens on loopback and the configuration knows nobody. As soon as
//! it knows a user, a token or a proxy, everybody has to: a proxy of this host brings others to loopback, too. Whatever
//! is not named in [`needs`] needs somebody who may look, and nothing but what is named there is changed by anybody.

pub mod credentials;
pub mod settings;

mod attempts;
mod audit;
mod body;
mod forwarded;
mod login;
mod lots;
mod needs;
mod origin;
mod password;
mod people;
mod sessions;
pub(crate) mod tls;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use self::people::{is_readable, lacks_door, remarks};
pub use self::tls::Tls;
use self::{
    attempts::Attempts,
    audit::Audit,
    body::{buffered, with_token},
    credentials::{Authorization, authorization, cookie_of},
    forwarded::Forwarded,
    needs::{Needs, needs},
    origin::{is_navigation, is_of_others, may_change},
    password::{Verified, Verifier},
    people::People,
    sessions::Sessions,
    settings::Network,
};
use super::{WebState, guard::Guard, settings::HttpSettings};
use crate::{config::Problems, control::Asking};

/// Who asks: an extension of every request that came through the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// What people call them: a user's name, a token's, or `local` where nobody has to say.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What a form of the page has to carry, so that no page of a stranger can send it.
    pub csrf: String,
    /// Whether there is a session that can be ended.
    pub may_leave: bool,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Look.
    #[default]
    Viewer,
    /// Acknowledge, silence, write remarks, have targets examined.
    Operator,
}

impl Role {
    /// As configurations and answers write it.
    pub const fn code(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
        }
    }
}

/// Where a request comes from: an extension of every request, besides [`Who`].
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Client {
    /// The address of who asks; a proxy's only where it says nothing.
    pub(in crate::web) address: IpAddr,
    /// Whether everything between them and us is encrypted.
    pub(in crate::web) secure: bool,
}

/// What somebody is called whom nobody asked for a name.
const LOCAL: &str = "local";

/// What decides who comes in.
pub(super) struct Door {
    guard: Guard,
    is_loopback: bool,
    tls: Option<Arc<Tls>>,
    scrape_from: Vec<Network>,
    people: RwLock<Arc<People>>,
    sessions: Mutex<Sessions>,
    attempts: Mutex<Attempts>,
    verifier: Verifier,
    audit: Audit,
    key: hmac::Key,
}

/// How somebody said who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// By something that browsers send by themselves, or by nothing: forms have to carry a token.
    Ambient,
    /// By a token that nobody but its owner sends.
    Token,
}

/// Why nobody is known.
enum Stranger {
    /// They say nothing, or something wrong.
    Unknown,
    /// They are wrong too often.
    Waits(Duration),
    /// Too many ask.
    Busy,
}

impl Door {
    /// The door of a service that listens at `local`.
    pub(super) fn new(
        http: &HttpSettings,
        local: SocketAddr,
        tls: Option<Arc<Tls>>,
        asking: Asking,
    ) -> Result<Self, Problems> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &lots::bytes());
        Ok(Self {
            guard: Guard::new(local, &http.hosts),
            is_loopback: local.ip().to_canonical().is_loopback(),
            tls,
            scrape_from: http.scrape_from.clone(),
            people: RwLock::new(Arc::new(People::read(http).map_err(told)?)),
            sessions: Mutex::default(),
            attempts: Mutex::default(),
            verifier: Verifier::new(),
            audit: Audit::new(asking),
            key,
        })
    }

    /// Others are known from now on. Whoever is not, or has another password, has to log in again.
    pub(super) fn replace_people(&self, http: &HttpSettings) -> Result<(), Problems> {
        let people = Arc::new(People::read(http).map_err(told)?);
        let before = std::mem::replace(
            &mut *self.people.write().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&people),
        );
        self.sessions().keep(|user| {
            let hash = |people: &People| people.users.get(user).map(|known| known.hash.clone());
            hash(&people).is_some() && hash(&people) == hash(&before)
        });
        if let Some(tls) = &self.tls {
            tls.renew();
        }
        Ok(())
    }

    fn people(&self) -> Arc<People> {
        Arc::clone(&self.people.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether others come by way of this address.
    pub(super) fn is_passage(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || self.people().is_proxy(address)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody has to say who they are.
    fn is_open(&self, people: &People) -> bool {
        self.is_loopback && people.is_empty()
    }

    /// Says by itself whether a text is ours.
    fn seal(&self, what: &str) -> String {
        lots::text(hmac::sign(&self.key, what.as_bytes()).as_ref())
    }

    /// Somebody had something probed, or would have had.
    pub(super) fn probed(&self, who: &Who, from: IpAddr, what: (&str, &str), allowed: bool) {
        self.audit.probe(&who.name, from, what, allowed);
    }

    /// The request, with [`Who`] and [`Client`]; or what is answered instead.
    async fn pass(&self, mut request: Request) -> Result<Request, Response> {
        let people = self.people();
        let forwarded = Forwarded::take(&mut request, &people, self.tls.is_some());
        let client = forwarded.client;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let refuse = |status, code, message: &str| refusal(&path, status, code, message);
        let host = host(&request);
        if !host.as_deref().is_some_and(|host| self.guard.knows(host)) {
            return Err(refuse(
                StatusCode::MISDIRECTED_REQUEST,
                "unknown-host",
                "This service is not called by that name. `[http] hosts` lists the names it answers to.",
            ));
        }
        let needs = needs(&method, &path);
        if needs == Needs::Never {
            return Err(not_allowed(&path));
        }
        let is_read = method == Method::GET || method == Method::HEAD;
        let headers = request.headers();
        // A link leads to a page, or to the form that is before it.
        let is_page = matches!(needs, Needs::Look | Needs::Nothing) && !is_api(&path);
        let is_harmless = path == "/" || is_page && is_navigation(headers);
        if is_read && is_of_others(headers) && !is_harmless {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "cross-site",
                "Pages of other sites are not answered.",
            ));
        }
        request.extensions_mut().insert(client);
        // Others who come by way of this host would be taken for it.
        let goes_by_address =
            path.starts_with("/scouter/") || needs != Needs::Nothing && self.is_open(&people);
        if forwarded.by_strangers && goes_by_address {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "unknown-proxy",
                "A proxy asks for somebody, and nothing says whom to let in; name it in [http.proxy], or add users.",
            ));
        }
        if needs == Needs::Nothing {
            return Ok(request);
        }
        if needs == Needs::Enter {
            if !is_of_ours(request.headers(), host.as_deref(), &forwarded) {
                return Err(foreign_form(&path));
            }
            return buffered(request, &path).await;
        }
        let known = self.identify(request.headers(), &people, &forwarded).await;
        let (who, means) = match known {
            Ok(known) => known,
            Err(Stranger::Unknown) if needs == Needs::Scrape && self.may_scrape(client.address) => {
                let name = format!("scraper {}", client.address);
                (self.somebody(name, Role::Viewer), Means::Token)
            }
            Err(stranger) => return Err(self.turned_away(&request, &people, stranger)),
        };
        if matches!(needs, Needs::Operate | Needs::Audit) && who.role < Role::Operator {
            return Err(refuse(
                StatusCode::FORBIDDEN,
                "forbidden",
                "This is for operators; the role here is viewer.",
            ));
        }
        if !is_read && means == Means::Ambient && matches!(needs, Needs::Operate | Needs::Leave) {
            if !is_of_ours(request.headers(), host.as_deref(), &forwarded) {
                return Err(foreign_form(&path));
            }
            let (whole, sent) = with_token(request, &path).await?;
            request = whole;
            if !sent.is_some_and(|sent| same(&sent, &who.csrf)) {
                return Err(refuse(
                    StatusCode::FORBIDDEN,
                    "csrf",
                    "The token of this form is missing or not of this session; load the page again. Programs send it as \
                     x-csrf-token, as /api/v1/session tells it, or use an API token.",
                ));
            }
        } else if !is_read {
            request = buffered(request, &path).await?;
        }
        request.extensions_mut().insert(who);
        Ok(request)
    }

    /// Who asks, and by what they say so.
    async fn identify(
        &self,
        headers: &HeaderMap,
        people: &People,
        forwarded: &Forwarded,
    ) -> Result<(Who, Means), Stranger> {
        if let (Some((user, roles)), Some(proxy)) = (&forwarded.user, &people.proxy) {
            people::check_name(user).map_err(|_| Stranger::Unknown)?;
            let role = proxy.role_of(user, roles.as_deref());
            return Ok((self.somebody(user.clone(), role), Means::Ambient));
        }
        if self.is_open(people) {
            return Ok((self.somebody(LOCAL.to_owned(), Role::Operator), Means::Ambient));
        }
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return self.by_authorization(value, people, forwarded.client.address).await;
        }
        let found = cookie_of(headers, session_cookie(forwarded.client.secure))
            .and_then(|id| self.sessions().find(&id, Instant::now()));
        if let Some(session) = found
            && let Some(user) = people.users.get(&session.user)
        {
            let who = Who { name: session.user, role: user.role, csrf: session.csrf, may_leave: true };
            return Ok((who, Means::Ambient));
        }
        Err(Stranger::Unknown)
    }

    async fn by_authorization(
        &self,
        value: &HeaderValue,
        people: &People,
        from: IpAddr,
    ) -> Result<(Who, Means), Stranger> {
        match authorization(value.as_bytes()) {
            Some(Authorization::Bearer(token)) => {
                let known = people.token(token.expose_secret(), from, Timestamp::now());
                let (name, role) = known.ok_or(Stranger::Unknown)?;
                Ok((self.somebody(name.to_owned(), role), Means::Token))
            }
            // Where nobody has a password, nobody guesses at one.
            Some(Authorization::Basic(..)) if people.users.is_empty() => Err(Stranger::Unknown),
            Some(Authorization::Basic(user, password)) => {
                // Whoever sends it with every request is neither held up by others who guess, nor by the work.
                let password = password.expose_secret();
                let known = people.users.get(&user);
                let before = known.filter(|known| self.verifier.knows(&known.hash, &user, password));
                let role = match before {
                    Some(known) => known.role,
                    None => self.verify(&user, password, people, from).await?,
                };
                if let (None, Some(known)) = (before, known) {
                    self.verifier.keep(&known.hash, &user, password);
                }
                Ok((self.somebody(user, role), Means::Ambient))
            }
            None => Err(Stranger::Unknown),
        }
    }

    /// Whether a password is right, for whom that may be asked of late.
    async fn verify(
        &self,
        user: &str,
        password: &str,
        people: &People,
        from: IpAddr,
    ) -> Result<Role, Stranger> {
        let begun = self.attempts().begin(user, from, Instant::now());
        if let Err(wait) = begun {
            self.audit.refused(user, from, "too-often");
            return Err(Stranger::Waits(wait));
        }
        let known = people.users.get(user);
        match (self.verifier.verify(known.map(|known| &known.hash), password).await, known) {
            (Verified::Right, Some(known)) => {
                self.attempts().succeeded(user, from, Instant::now());
                Ok(known.role)
            }
            (Verified::Busy, _) => {
                self.attempts().not_made(user, from, Instant::now());
                Err(Stranger::Busy)
            }
            _ => {
                self.audit.refused(user, from, "wrong");
                Err(Stranger::Unknown)
            }
        }
    }

    fn somebody(&self, name: String, role: Role) -> Who {
        let csrf = self.seal(&format!("form\0{name}"));
        Who { name, role, csrf, may_leave: false }
    }

    fn may_scrape(&self, address: IpAddr) -> bool {
        self.scrape_from.iter().any(|network| network.contains(address))
    }

    /// What somebody is answered who did not come in.
    fn turned_away(&self, request: &Request, people: &People, stranger: Stranger) -> Response {
        let path = request.uri().path();
        match stranger {
            Stranger::Waits(wait) => {
                let seconds = wait.as_secs().saturating_add(1);
                let said = format!("Too many attempts failed; try again in {seconds} s.");
                let mut response = refusal(path, StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", &said);
                response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                response
            }
            Stranger::Busy => {
                let said = "Too many log in at this moment; try again.";
                let mut response = refusal(path, StatusCode::SERVICE_UNAVAILABLE, "busy", said);
                response.headers_mut().insert(header::RETRY_AFTER, 2.into());
                response
            }
            Stranger::Unknown => {
                let wants_page = text(request.headers(), "accept").is_some_and(|it| it.contains("text/html"));
                let is_page = !is_api(path) && !matches!(path, "/metrics" | "/probe");
                if is_page && wants_page && !people.users.is_empty() && request.method() == Method::GET {
                    let whole = request.uri().path_and_query().map_or(path, |whole| whole.as_str());
                    return Redirect::to(&login::asking_for(whole)).into_response();
                }
                let said = "Nobody is known by this request; log in at /login, or send `Authorization: Bearer TOKEN`.";
                let mut response = refusal(path, StatusCode::UNAUTHORIZED, "unauthorized", said);
                let headers = response.headers_mut();
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"reach\""));
                if !people.users.is_empty() && !is_page {
                    let basic = HeaderValue::from_static("Basic realm=\"reach\", charset=\"UTF-8\"");
                    headers.append(header::WWW_AUTHENTICATE, basic);
                }
                response
            }
        }
    }

    /// What every answer carries.
    fn dress(&self, path: &str, response: &mut Response) {
        let is_asset = path.starts_with("/assets/") && response.status().is_success();
        let headers = response.headers_mut();
        for (name, value) in super::guard::HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let says = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
        if !says.is_some_and(|says| is_asset || says.starts_with("no-store")) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if self.tls.as_ref().is_some_and(|tls| tls.is_signed()) {
            let insist = HeaderValue::from_static("max-age=31536000");
            headers.insert(header::STRICT_TRANSPORT_SECURITY, insist);
        }
    }
}

/// Everything passes this.
pub(super) async fn enter(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let door = &state.inner.door;
    let path = request.uri().path().to_owned();
    let mut response = match door.pass(request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => refused,
    };
    door.dress(&path, &mut response);
    response
}

/// Logging in and out.
pub(super) fn routes() -> Router<WebState> {
    login::routes()
}

/// What is answered where something is refused: an object of the interface for its paths, and a line for others.
pub(super) fn refusal(path: &str, status: StatusCode, code: &str, message: &str) -> Response {
    if is_api(path) {
        return (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response();
    }
    (status, format!("{message}\n")).into_response()
}

/// Whether one of our own pages sends this, or something that is no browser.
fn is_of_ours(headers: &HeaderMap, host: Option<&str>, forwarded: &Forwarded) -> bool {
    let hosts: Vec<&str> = host.into_iter().chain(forwarded.host.as_deref()).collect();
    may_change(headers, &hosts)
}

fn foreign_form(path: &str) -> Response {
    refusal(path, StatusCode::FORBIDDEN, "cross-site", "Pages of other sites may not change anything here.")
}

fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

fn not_allowed(path: &str) -> Response {
    let mut response = refusal(
        path,
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Only GET and HEAD are answered.",
    );
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

/// The name by which somebody asks. HTTP/2 has it in its URI.
fn host(request: &Request) -> Option<String> {
    let named = text(request.headers(), "host").map(str::to_owned);
    named.or_else(|| Some(request.uri().authority()?.as_str().to_owned()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn session_cookie(secure: bool) -> &'static str {
    if secure { "__Host-reach" } else { "reach" }
}

fn same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

fn told(problems: Vec<(&'static str, String)>) -> Problems {
    problems.into_iter().map(|(key, what)| format!("`http.{key}`: {what}")).collect()
}

/// What is wrong with who is known, with the key that it is wrong at.
pub(crate) fn problems(settings: &HttpSettings) -> Vec<(&'static str, String)> {
    let mut problems = People::read(settings).err().unwrap_or_default();
    let tls = settings.tls.as_ref().and_then(|tls| Tls::check(tls).err());
    problems.extend(tls.map(|what| ("tls", what)));
    problems
}

/// The line of a configuration that has this password.
pub(crate) fn password_hash(password: &str) -> Result<String, String> {
    password::Hash::of(password)
}

/// A new token, and what is kept of it.
pub(crate) fn new_token() -> (String, settings::TokenHash) {
    let token = format!("reach_{}", lots::token());
    let hash = settings::TokenHash::of(&token);
    (token, hash)
}

/// Whether somebody may be called this.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    people::check_name(name)
}

#[cfg(test)]
mod tests;
