//! The HTTP API of a collector, asked where only that is open: the same signals by another way.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use reach_core::{Time, signal::Signal};
use reach_net::drive::Clock;
use reach_signal::scouter::{
    api::{Offsets, Question, Trouble, answered, result},
    collector::{COUNTERS, Day},
    reading::Reading,
    wire::Pack,
};
use reqwest::{Client, RequestBuilder, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::{plug::Plugged, settings::ApiLogin, texts::Texts};
use crate::alert::http::told;

/// The largest answer that is read.
const LONGEST: usize = 32 << 20;

/// The longest wait after failures.
const LAST_WAIT: Duration = Duration::from_secs(60);

/// How often new texts are written down.
const KEEPING: Duration = Duration::from_secs(30);

/// How often disks are asked for.
const SELDOM: Duration = Duration::from_secs(180);

/// How many types of objects, and how many objects, one round asks for.
const MOST: usize = 500;

/// How many profiles one round asks for.
const PROFILES: usize = 5;

/// A collector's HTTP API, and what is understood of it.
pub struct Api {
    client: Client,
    url: Url,
    login: ApiLogin,
    token: Option<SecretString>,
    reading: Reading,
    alerts: Option<Offsets>,
    xlogs: Offsets,
    /// The newest transactions are only counted from the first answer on.
    began: bool,
    seldom: Option<Time>,
    /// Profiles that are still to be asked for.
    profiles: VecDeque<(i64, Time)>,
    offset: i32,
}

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// What was understood.
    pub signals: Vec<Signal>,
    /// What went wrong first.
    pub trouble: Option<Trouble>,
    /// All that is asked was answered.
    pub answered: bool,
    /// And somebody is there who serves: what is not among the signals is not there.
    pub complete: bool,
}

/// Asks an API again and again. What was learnt last is written down when this is dropped.
pub struct Asking {
    api: Api,
    every: Duration,
    wait: Duration,
    due: Instant,
    clock: Clock,
    texts: Texts,
    kept: Time,
    plugged: Plugged,
}

impl Asking {
    /// An API that is asked from the first [`Asking::next`] on. `plugged` are alerts that come by another way.
    pub fn new(api: Api, every: Duration, clock: Clock, texts: Texts, plugged: Plugged) -> Asking {
        let (due, kept) = (Instant::now(), clock.now());
        Asking { api, every, wait: every, due, clock, texts, kept, plugged }
    }

    /// Waits until it is time to ask, and asks; or until an alert comes. Not to be given up half-way: whoever does,
    /// ends.
    pub async fn next(&mut self) -> News {
        tokio::select! {
            () = sleep_until(self.due) => self.ask().await,
            alert = self.plugged.next() => {
                let now = self.clock.now();
                self.api.reading.heard(now, &Pack::Alert(alert));
                News { signals: self.api.reading.signals(), ..News::default() }
            }
        }
    }

    async fn ask(&mut self) -> News {
        let round = self.api.round(&self.clock).await;
        self.wait = match &round {
            // Asking again and again would be taken for guessing.
            Err(Trouble::Login(_)) => LAST_WAIT,
            Err(_) => (self.wait * 2).min(LAST_WAIT),
            Ok(_) => self.every,
        };
        self.due = Instant::now() + self.wait;
        if round.is_err() {
            // A token that is refused may have run out.
            self.api.token = None;
            self.api.reading.ask_again([]);
        }
        let now = self.clock.now();
        self.api.reading.poll(now);
        if now.since(self.kept) >= KEEPING {
            self.kept = now;
            if let Err(error) = self.texts.write_aside(self.api.reading.dictionary()).await {
                tracing::warn!(%error, "texts of Scouter cannot be kept");
            }
        }
        let trouble = round.unwrap_or_else(Some);
        let answered = trouble.is_none();
        let complete = answered && self.api.reading.is_anybody_there();
        News { signals: self.api.reading.signals(), trouble, answered, complete }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if let Err(error) = self.texts.write(self.api.reading.dictionary()) {
            tracing::warn!(%error, "texts of Scouter cannot be kept");
        }
    }
}

impl Api {
    /// An API at a base URL. `offset` is how many seconds east of Greenwich the collector is; the client should wait
    /// 15 s for an answer, as the first one after a start takes so long.
    pub fn new(client: Client, url: Url, login: ApiLogin, reading: Reading, offset: i32) -> Api {
        Api {
            client,
            url,
            login,
            token: None,
            reading,
            alerts: None,
            xlogs: Offsets::default(),
            began: false,
            seldom: None,
            profiles: VecDeque::new(),
            offset,
        }
    }

    /// What is understood.
    pub fn reading(&mut self) -> &mut Reading {
        &mut self.reading
    }

    /// Asks everything once. Gives the first question that was refused, though others were answered.
    ///
    /// # Errors
    ///
    /// Why nothing more could be asked; what was answered before is understood.
    pub async fn round(&mut self, clock: &Clock) -> Result<Option<Trouble>, Trouble> {
        let mut refused = None;
        if !self.began {
            self.question(clock, Question::Server, &mut refused).await?;
        }
        self.question(clock, Question::Objects, &mut refused).await?;
        let (mut types, mut services, mut hosts) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (hash, agent) in self.reading.agents().iter() {
            if agent.alive && self.reading.matters(hash) {
                types.insert(agent.obj_type.clone());
                if agent.is_host() { hosts.push(hash) } else { services.push(hash) }
            }
        }
        for obj_type in types.into_iter().take(MOST) {
            let names = COUNTERS.map(str::to_owned).to_vec();
            self.question(clock, Question::Counters { names, obj_type }, &mut refused).await?;
        }
        let from = self.alerts;
        self.alerts = self.question(clock, Question::Alerts(from), &mut refused).await?.or(from);
        services.truncate(MOST);
        if !services.is_empty() {
            let question = Question::XLogs(self.xlogs, services);
            self.xlogs = self.question(clock, question, &mut refused).await?.unwrap_or(self.xlogs);
        }
        self.began = true;
        self.explanations(clock, &mut refused).await?;
        let now = clock.now();
        if self.seldom.is_none_or(|last| now.since(last) >= SELDOM) {
            self.seldom = Some(now);
            for host in hosts.into_iter().take(MOST) {
                // A host whose agent does not answer says nothing; that is no fault of whoever was asked.
                self.question(clock, Question::Disks(host), &mut None).await?;
            }
        }
        Ok(refused)
    }

    /// Profiles and texts that are missing.
    async fn explanations(&mut self, clock: &Clock, refused: &mut Option<Trouble>) -> Result<(), Trouble> {
        self.profiles.extend(self.reading.wanted_profiles());
        for _ in 0..PROFILES {
            let Some((txid, at)) = self.profiles.pop_front() else { break };
            for day in Day::likely(at, &[self.offset]) {
                if !self.reading.lacks_profile(txid) {
                    break;
                }
                if let Err(trouble) = self.question(clock, Question::Profile(day, txid), refused).await {
                    self.profiles.push_front((txid, at));
                    return Err(trouble);
                }
            }
        }
        let now = clock.now();
        let wanted: Vec<_> = self
            .reading
            .wanted_texts(now)
            .into_iter()
            .flat_map(|(kind, hashes)| hashes.into_iter().map(move |hash| (kind, hash)))
            .collect();
        if !wanted.is_empty() {
            self.question(clock, Question::Texts(Day::of(now, self.offset), wanted), refused).await?;
        }
        Ok(())
    }

    /// Asks one question and takes its answer in. One that is refused is kept, unless another was before.
    async fn question(
        &mut self,
        clock: &Clock,
        question: Question,
        refused: &mut Option<Trouble>,
    ) -> Result<Option<Offsets>, Trouble> {
        self.log_in().await?;
        let url = format!("{}{}", self.url.as_str().trim_end_matches('/'), question.path());
        let request = self.client.get(url).header(header::ACCEPT, "application/json");
        let token = match &self.login {
            ApiLogin::Token(token) => Some(token),
            _ => self.token.as_ref(),
        };
        let request = match token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        };
        match result(&body(request).await?) {
            Ok(answer) => Ok(answered(clock.now(), &question, &answer, &mut self.reading)),
            Err(trouble @ Trouble::Refused(_)) => {
                refused.get_or_insert(trouble);
                Ok(None)
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// Gets a token, where account and password give one.
    async fn log_in(&mut self) -> Result<(), Trouble> {
        let ApiLogin::Account(user, password) = &self.login else { return Ok(()) };
        if self.token.is_some() {
            return Ok(());
        }
        let url = format!("{}/v1/user/loginGetToken", self.url.as_str().trim_end_matches('/'));
        let user = BTreeMap::from([("id", user.as_str()), ("password", password.expose_secret())]);
        let request = self.client.post(url).json(&json!({ "user": user }));
        let answer = result(&body(request).await?)?;
        let token = answer.get("bearerToken").and_then(serde_json::Value::as_str);
        let token = token.ok_or_else(|| Trouble::Login("no token was given".to_owned()))?;
        self.token = Some(token.to_owned().into());
        Ok(())
    }
}

/// The body of an answer, whatever its status: the envelope says more.
async fn body(request: RequestBuilder) -> Result<Vec<u8>, Trouble> {
    let away = |error: reqwest::Error| Trouble::Away(told(&error.without_url()));
    let mut response = request.send().await.map_err(away)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(away)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(Trouble::Strange);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
