//! The HTTP API of a collector, asked where only that is open: the same signals by another way.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reach_core::Time;
use reach_net::drive::Clock;
use reach_signal::scouter::{
    api::{Offsets, Question, Trouble, answered, result},
    collector::Day,
    reading::Reading,
};
use reqwest::{Client, RequestBuilder, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::time::sleep;
use url::Url;

use super::{Hear, settings::ApiLogin, texts::Texts};

/// The largest answer that is read.
const LONGEST: usize = 32 << 20;

/// The longest wait after failures.
const LAST_WAIT: Duration = Duration::from_secs(60);

/// How often disks are asked for, and how often texts are kept.
const SELDOM: Duration = Duration::from_secs(180);

/// Counters that say how a service or a host fares.
const COUNTERS: [&str; 10] = [
    "ErrorRate",
    "TPS",
    "ApiErrorRate",
    "ServiceCount",
    "HeapUsed",
    "HeapTotal",
    "GcTime",
    "Cpu",
    "Mem",
    "Swap",
];

/// How many types of objects, and how many objects, one round asks for.
const MOST: usize = 200;

/// How many profiles one round asks for.
const PROFILES: usize = 5;

/// A collector's HTTP API, and what is understood of it.
pub struct Api {
    client: Client,
    url: Url,
    login: ApiLogin,
    token: Option<SecretString>,
    reading: Reading,
    alerts: Offsets,
    xlogs: Offsets,
    /// The newest transactions are only counted from the first answer on.
    began: bool,
    seldom: Option<Time>,
    offset: i32,
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
            alerts: Offsets::default(),
            xlogs: Offsets::default(),
            began: false,
            seldom: None,
            offset,
        }
    }

    /// Asks for as long as it is polled; says what went wrong.
    pub async fn ask(
        mut self,
        every: Duration,
        clock: Clock,
        texts: &Texts,
        hear: &Hear,
        mut trouble: impl FnMut(&Trouble),
    ) {
        let mut wait = every;
        loop {
            match self.round(&clock).await {
                Ok(()) => wait = every,
                Err(error) => {
                    trouble(&error);
                    // A token that is refused may have run out.
                    self.token = None;
                    wait = (wait * 2).min(LAST_WAIT);
                }
            }
            let now = clock.now();
            self.reading.poll(now);
            let signals = self.reading.signals();
            if !signals.is_empty() {
                hear(signals);
            }
            if let Err(error) = texts.write(self.reading.dictionary()) {
                tracing::warn!(%error, "texts of Scouter cannot be kept");
            }
            sleep(wait).await;
        }
    }

    /// What is understood.
    pub fn reading(&mut self) -> &mut Reading {
        &mut self.reading
    }

    /// Asks everything once.
    ///
    /// # Errors
    ///
    /// The first thing that went wrong; what was answered before is understood.
    pub async fn round(&mut self, clock: &Clock) -> Result<(), Trouble> {
        if !self.began {
            self.question(clock, Question::Server).await?;
        }
        self.question(clock, Question::Objects).await?;
        let (mut types, mut services, mut hosts) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (hash, agent) in self.reading.agents().iter() {
            if agent.alive && self.reading.matters(hash) {
                types.insert(agent.obj_type.clone());
                if agent.name.matches('/').count() == 1 { hosts.push(hash) } else { services.push(hash) }
            }
        }
        for obj_type in types.into_iter().take(MOST) {
            let names = COUNTERS.map(str::to_owned).to_vec();
            self.question(clock, Question::Counters { names, obj_type }).await?;
        }
        self.alerts = self.question(clock, Question::Alerts(self.alerts)).await?.unwrap_or(self.alerts);
        services.truncate(MOST);
        if !services.is_empty() {
            let question = Question::XLogs(self.xlogs, services);
            self.xlogs = self.question(clock, question).await?.unwrap_or(self.xlogs);
        }
        self.began = true;
        self.explanations(clock).await?;
        let now = clock.now();
        if self.seldom.is_none_or(|last| now.since(last) >= SELDOM) {
            self.seldom = Some(now);
            for host in hosts.into_iter().take(MOST) {
                // A host whose agent does not answer says nothing; that is no reason to ask nobody else.
                let _ = self.question(clock, Question::Disks(host)).await;
            }
        }
        Ok(())
    }

    /// Profiles and texts that are missing.
    async fn explanations(&mut self, clock: &Clock) -> Result<(), Trouble> {
        let now = clock.now();
        for (txid, at) in self.reading.wanted_profiles().into_iter().take(PROFILES) {
            self.question(clock, Question::Profile(Day::of(at, self.offset), txid)).await?;
        }
        let wanted: Vec<_> = self
            .reading
            .wanted_texts(now)
            .into_iter()
            .flat_map(|(kind, hashes)| hashes.into_iter().map(move |hash| (kind, hash)))
            .collect();
        if !wanted.is_empty() {
            self.question(clock, Question::Texts(Day::of(now, self.offset), wanted)).await?;
        }
        Ok(())
    }

    /// Asks one question and takes its answer in.
    async fn question(&mut self, clock: &Clock, question: Question) -> Result<Option<Offsets>, Trouble> {
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
        let answer = result(&body(request).await?)?;
        Ok(answered(clock.now(), &question, &answer, &mut self.reading))
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
    let refused =
        |error: reqwest::Error| Trouble::Refused(crate::output::shown(&error.without_url().to_string()));
    let mut response = request.send().await.map_err(refused)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(refused)? {
        if body.len() + chunk.len() > LONGEST {
            return Err(Trouble::Strange);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
