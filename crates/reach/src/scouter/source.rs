//! All Scouter installations of a watch: asked, heard, told, for as long as the watch runs.

use std::{io, path::Path, sync::Arc, time::Duration};

use axum::Router;
use jiff::tz::TimeZone;
use reach_core::signal::Signal;
use reach_net::{drive::Clock, trust::TrustRoots};
use reach_signal::scouter::{
    api::Trouble,
    collector::{Account, Event, Rounds, Settings, Why},
    dictionary::Dictionary,
    reading::{self, Reading},
};
use secrecy::ExposeSecret;
use tokio::{task::JoinSet, time::sleep};
use tracing::{info, warn};

use super::{
    Hear,
    api::{self, Api},
    collector::Collector,
    listener::Listener,
    outlet::{Identity, Outlet},
    plug::{self, Plugged},
    settings::{ScouterSettings, Tell, Way, texts_in},
    texts::Texts,
};
use crate::{
    alert::{http, utc_offset},
    output::shown,
    receive::{Heard, Intake},
};

/// How often disks are asked for.
const DISKS: Duration = Duration::from_secs(180);
/// The first answer of an HTTP API after a start took eleven seconds.
const ANSWER: Duration = Duration::from_secs(15);
/// How often reach says that it is there, where it tells of alerts.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The installations of a watch, at work. All of it ends when this is dropped.
pub struct Sources {
    plug: Option<Router>,
    /// Aborted when dropped.
    _tasks: JoinSet<()>,
    _listeners: Vec<Listener>,
}

impl Sources {
    /// Begins to hear all installations, within a runtime of tokio's, which may have one thread only. `state_dir` keeps
    /// the texts of those that name no file for them.
    ///
    /// Collectors and HTTP APIs hand in what they say and wait where the intake is full; datagrams wait for nobody. All
    /// of them hand in an empty [`Heard`] where they were asked (or heard) and there was nothing to say. Where nothing
    /// reports any more that serves, there is nobody who could have said so, and they do not.
    ///
    /// # Errors
    ///
    /// Each installation that can never be heard, with its name and what is wrong. One that only is not there now is no
    /// error.
    pub fn start(
        settings: &[ScouterSettings],
        state_dir: &Path,
        clock: Clock,
        intake: &Intake,
    ) -> Result<Sources, Vec<String>> {
        let (router, plugged) = plug::route(settings.iter().map(|one| (one.name.clone(), one.callers())));
        let mut beginning =
            Beginning { state_dir, clock, intake, tasks: JoinSet::new(), listeners: Vec::new(), roots: None };
        let mut problems = Vec::new();
        for (one, plugged) in settings.iter().zip(plugged) {
            if let Err(problem) = beginning.begin(one, plugged) {
                problems.push(format!("scouter `{}`: {problem}", shown(&one.name)));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let Beginning { tasks, listeners, .. } = beginning;
        let plug = (!settings.is_empty()).then_some(router);
        Ok(Sources { plug, _tasks: tasks, _listeners: listeners })
    }

    /// What takes the calls of `alert.plug` (see [`plug`]), to be served on the watch's HTTP port; `None` where there is
    /// no installation.
    pub fn plug(&self) -> Option<Router> {
        self.plug.clone()
    }
}

struct Beginning<'a> {
    state_dir: &'a Path,
    clock: Clock,
    intake: &'a Intake,
    tasks: JoinSet<()>,
    listeners: Vec<Listener>,
    /// Loaded for the first that needs them.
    roots: Option<Arc<TrustRoots>>,
}

impl Beginning<'_> {
    fn begin(&mut self, one: &ScouterSettings, plugged: Plugged) -> Result<(), String> {
        let (texts, dictionary) = self.texts(one);
        let asks = !matches!(one.way, Way::Hear(_));
        let reading = Reading::new(
            reading::Settings { source: one.name.clone(), objects: one.objects.clone(), asks },
            dictionary,
        );
        let desk = Desk { name: one.name.clone(), intake: self.intake.clone() };
        let offset = utc_offset(&TimeZone::system(), self.clock.now());
        match &one.way {
            Way::Ask { host, port, login, every } => {
                let account = match login {
                    Some((user, password)) => Account::new(user, password.expose_secret()),
                    None => Account::local(),
                };
                let version = env!("CARGO_PKG_VERSION").to_owned();
                let settings = Settings { account, version, every: *every, disks_every: DISKS, offset };
                let at = (host.clone(), *port);
                let rounds = Rounds::new(settings, reading);
                self.tasks.spawn(ask(Collector::new(at, rounds, self.clock, texts, plugged), desk));
            }
            Way::Api { url, login, every } => {
                let roots = self.roots.get_or_insert_with(|| Arc::new(TrustRoots::load()));
                let client = http::client(roots, None, None, ANSWER)?;
                let api = Api::new(client, url.clone(), login.clone(), reading, offset);
                self.tasks.spawn(ask_api(api::Asking::new(api, *every, self.clock, texts, plugged), desk));
            }
            Way::Hear(route) => {
                let hear: Hear = Arc::new(move |signals| desk.offer(signals));
                let listener = Listener::start(route.clone(), reading, self.clock, texts, plugged, hear)
                    .map_err(|error| {
                        format!("`listen`: `{}` cannot be listened at: {error}", route.listen)
                    })?;
                self.listeners.push(listener);
            }
        }
        if let Some(tell) = &one.tell {
            self.tasks.spawn(be_there(one.name.clone(), tell.clone()));
        }
        Ok(())
    }

    /// What was learnt before, and where it is kept. A file that holds something else is left alone.
    fn texts(&self, one: &ScouterSettings) -> (Texts, Dictionary) {
        let path = one.texts.clone().unwrap_or_else(|| texts_in(self.state_dir, &one.name));
        let texts = Texts::new(Some(path.clone()));
        match texts.read() {
            Ok(dictionary) => (texts, dictionary),
            Err(error) => {
                let path = shown(&path.to_string_lossy());
                warn!(scouter = shown(&one.name), %error, "texts are not remembered: `{path}` cannot be used");
                (Texts::new(None), Dictionary::default())
            }
        }
    }
}

/// Where one installation hands in what it said.
struct Desk {
    name: String,
    intake: Intake,
}

impl Desk {
    fn heard(&self, signals: Vec<Signal>) -> Heard {
        Heard { source: self.name.clone(), signals }
    }

    async fn hand_in(&self, signals: Vec<Signal>, complete: bool) {
        if complete || !signals.is_empty() {
            self.intake.hand_in(self.heard(signals)).await;
        }
    }

    fn offer(&self, signals: Vec<Signal>) {
        // What is lost is counted by the intake.
        let _ = self.intake.offer(self.heard(signals));
    }
}

async fn ask(mut collector: Collector, desk: Desk) {
    let name = shown(&desk.name);
    let mut down: Option<Why> = None;
    loop {
        let news = collector.next().await;
        for change in news.changes {
            match change {
                Event::Ready { server, version, .. } => {
                    let (server, version) = (shown(&server), shown(&version));
                    info!(scouter = name, "logged in at the collector {server} (Scouter {version})");
                }
                Event::Down(why) if down.as_ref() != Some(&why) => {
                    warn!(scouter = name, "the collector cannot be asked: {}", shown(&why.to_string()));
                    down = Some(why);
                }
                Event::Down(_) | Event::Answer(..) => {}
            }
        }
        if news.answered && down.take().is_some() {
            info!(scouter = name, "the collector answers again");
        }
        desk.hand_in(news.signals, news.complete).await;
    }
}

async fn ask_api(mut asking: api::Asking, desk: Desk) {
    let name = shown(&desk.name);
    let mut trouble: Option<Trouble> = None;
    loop {
        let news = asking.next().await;
        match (&news.trouble, &trouble) {
            (Some(new), old) if old.as_ref() != Some(new) => {
                warn!(scouter = name, "the HTTP API does not say all: {}", shown(&new.to_string()));
                trouble.clone_from(&news.trouble);
            }
            (None, Some(_)) if news.answered => {
                info!(scouter = name, "the HTTP API answers again");
                trouble = None;
            }
            _ => {}
        }
        desk.hand_in(news.signals, news.complete).await;
    }
}

/// Says that reach is there for as long as it is polled, so that its alerts have a name.
async fn be_there(name: String, tell: Tell) {
    let (name, to) = (shown(&name), tell.to);
    let mut outlet: Option<Outlet> = None;
    let mut trouble: Option<io::ErrorKind> = None;
    let mut good = 0;
    loop {
        let sent = match outlet.take().map_or_else(|| Outlet::open(to, Identity::here(&tell)), Ok) {
            Ok(open) => outlet.insert(open).heartbeat().await,
            Err(error) => Err(error),
        };
        match sent {
            // That somebody refused is said of the datagram before: one that can be sent proves nothing.
            Ok(()) => good += 1,
            Err(error) => {
                if trouble != Some(error.kind()) {
                    warn!(scouter = name, %to, "findings cannot be told: {error}");
                    trouble = Some(error.kind());
                }
                good = 0;
            }
        }
        if good > 2 && trouble.take().is_some() {
            info!(scouter = name, %to, "findings can be told again");
        }
        sleep(HEARTBEAT).await;
    }
}
