//! What `reach watch` is to do: a file in TOML, the command line, or both.
//!
//! The file is read by hand rather than by a derive, so that everything that is wrong with it is told at once, each
//! with line and column ([`sheet`]). Sections that belong to others (channels, the web server) are read by their
//! own types, through [`foreign`].

mod cron;
mod fixed;
pub mod foreign;
mod logs;
mod places;
mod read;
mod rules;
mod secret;
mod sheet;
pub mod signals;
mod values;
mod when;
pub mod window;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{civil, tz::TimeZone};
use reach_core::{
    Time,
    model::{Target, Vantage},
    watch::{Cadence, Matcher, OwnCheck, Rules, TargetId, WatchPlan, Watched},
};
use reach_report::Lang;
use secrecy::SecretString;

pub use self::{foreign::Http, places::Places, read::load};
use self::{
    signals::{OtlpReceiverSettings, SignalsConfig},
    window::Window,
};
use super::{Output, Problems, Surroundings, keep, targets};
use crate::{
    alert::settings::ChannelSettings,
    cli::WatchArgs,
    config::request::RequestConfig,
    host::{SOURCE, settings::HostSettings},
    logs::SourcePlan,
    output::shown,
    scouter::settings::ScouterSettings,
    sql::settings::SqlSettings,
    web::{
        door,
        settings::{OtlpSettings, ProbeSettings},
    },
};

/// What surrounds the reading of a configuration.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Variables of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether root runs this process.
    pub is_root: bool,
}

/// Everything that a watch has to know, and where it keeps things.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// What to watch; no target twice.
    pub targets: Vec<TargetConfig>,
    /// How to know that this host is connected at all.
    pub own: Own,
    /// Tries a second over all targets, at most.
    pub rate: f64,
    /// Surveys under way at the same time, at most.
    pub surveys: usize,
    /// Where things are remembered.
    pub store: StoreConfig,
    /// The web server.
    pub http: Http,
    /// `/probe`, as blackbox_exporter answers it.
    pub probe: ProbeSettings,
    /// Metrics that are pushed.
    pub otlp: Option<OtlpSettings>,
    /// An endpoint for agents of OpenTelemetry.
    pub otlp_receiver: Option<OtlpReceiverSettings>,
    /// What follows from what other systems say.
    pub signals: SignalsConfig,
    /// What is looked at on this host, if anything.
    pub host: Option<HostSettings>,
    /// Databases that are asked for their slow statements; no name twice.
    pub sql: Vec<SqlSettings>,
    /// Who hears of things, and how; no name twice.
    pub channels: Vec<ChannelSettings>,
    /// Scouter installations that are heard; no name twice.
    pub scouter: Vec<ScouterSettings>,
    /// When nothing is said of some targets.
    pub maintenance: Vec<Maintenance>,
    /// What this host is called in messages and metrics; its host name otherwise.
    pub vantage: Option<String>,
    /// The language of messages; that of the locale otherwise.
    pub lang: Option<Lang>,
    /// The zone of times in messages, and of windows that name none.
    pub zone: TimeZone,
    /// What is logged.
    pub log: LogConfig,
    /// What applications and servers log, to be read; no name twice.
    pub logs: Vec<SourcePlan>,
    /// Where `reach status` and others ask.
    pub control: ControlConfig,
    /// Where this host's state is kept.
    pub state_dir: PathBuf,
    /// Whom to tell, again and again, that the watch is alive.
    pub heartbeat: Option<Heartbeat>,
    /// When to say every day, without ringing, that the watch goes on.
    pub daily_hello: Option<civil::Time>,
    /// Who asks for changes, in what is handed over.
    pub request: RequestConfig,
    /// What is worth telling whoever wrote this, without being wrong.
    pub warnings: Vec<String>,
}

/// A target, with everything that is particular to it.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetConfig {
    /// What to reach.
    pub target: Target,
    /// What operators call it.
    pub labels: BTreeMap<String, String>,
    /// How often and how.
    pub pace: Cadence,
    /// When to speak of it.
    pub rules: Rules,
}

/// How to know that this host is connected at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Addresses that are reached whenever this host has a network.
    pub references: Vec<SocketAddr>,
    /// The next router.
    pub gateway: Gateway,
}

/// The next router.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gateway {
    /// The one of the default route, whatever it is at the time.
    #[default]
    Detected,
    /// This one.
    Address(IpAddr),
    /// It answers nobody, or there is none: left out.
    None,
}

/// Where things are remembered, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// The file.
    pub path: PathBuf,
    /// Whether somebody named it. One that nobody named may be in use by another watch.
    pub named: bool,
    /// What its files may take, in bytes; the oldest results go first, transitions and incidents never.
    pub max_bytes: u64,
    /// How long single results are kept.
    pub results_for: Duration,
    /// How long summaries of ten minutes are kept.
    pub ten_minutes_for: Duration,
    /// How long summaries of hours are kept.
    pub hours_for: Duration,
    /// How long surveys and delivered messages are kept.
    pub evidence_for: Duration,
    /// How many results wait in memory while the disk takes none; more are lost, and counted.
    pub most_waiting: usize,
}

/// When nothing is said of some targets. What happens is recorded, and told in one when it is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Maintenance {
    /// Its name.
    pub name: String,
    /// What it is about: one of these has to match.
    pub matchers: Vec<Matcher>,
    /// When.
    pub window: Window,
    /// Why.
    pub comment: String,
}

impl Maintenance {
    /// The turns that touch a time, for each matcher: what becomes silences.
    pub fn turns(&self, from: Time, until: Time) -> Vec<(&Matcher, Time, Time)> {
        let turns = window::turns(&self.window, from, until);
        self.matchers
            .iter()
            .flat_map(|matcher| turns.iter().map(move |(begin, end)| (matcher, *begin, *end)))
            .collect()
    }
}

/// What is logged, on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// How a line looks.
    pub format: LogFormat,
    /// How much.
    pub level: LogLevel,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What does not work.
    Error,
    /// What may not work for long.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// Why.
    Debug,
    /// Everything.
    Trace,
}

/// Where `reach status` and others ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlConfig {
    /// The Unix socket.
    pub path: PathBuf,
    /// Whether somebody named it.
    pub named: bool,
    /// The group that may ask, besides the user that runs the watch and root.
    pub group: Option<String>,
}

/// A dead man's switch: somebody who speaks when we do not.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// What is asked for with GET; it usually has a token in it.
    pub url: SecretString,
    /// How often.
    pub every: Duration,
    /// The proxy on the way, with its login.
    pub proxy: Option<SecretString>,
}

impl WatchConfig {
    /// Everything by default, in these places.
    fn new(places: &Places) -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            targets: Vec::new(),
            own: Own::default(),
            rate: 1_000.0,
            surveys: 2,
            store: StoreConfig {
                path: places.state.join("reach.db"),
                named: false,
                max_bytes: 2 << 30,
                results_for: days(14),
                ten_minutes_for: days(90),
                hours_for: days(730),
                evidence_for: days(365),
                most_waiting: 500_000,
            },
            http: Http::default(),
            probe: ProbeSettings::default(),
            otlp: None,
            otlp_receiver: None,
            signals: SignalsConfig::default(),
            host: None,
            sql: Vec::new(),
            channels: Vec::new(),
            scouter: Vec::new(),
            maintenance: Vec::new(),
            vantage: None,
            lang: None,
            zone: TimeZone::system(),
            log: LogConfig::default(),
            logs: Vec::new(),
            control: ControlConfig { path: places.socket().to_owned(), named: false, group: None },
            state_dir: places.state.clone(),
            heartbeat: None,
            daily_hello: None,
            request: RequestConfig::default(),
            warnings: Vec::new(),
        }
    }

    /// The names of everything that is heard or looked at besides targets, each with the key of its table.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let host = self.host.iter().map(|_| (SOURCE, "host"));
        let logs = self.logs.iter().map(|plan| (plan.log.origin.source.as_str(), "log"));
        let scouter = self.scouter.iter().map(|installation| (installation.name.as_str(), "scouter"));
        let databases = self.sql.iter().map(|database| (database.name.as_str(), "sql"));
        let otlp = self.otlp_receiver.iter().map(|receiver| (receiver.name.as_str(), "otlp_receiver"));
        host.chain(logs).chain(scouter).chain(databases).chain(otlp)
    }

    /// The plan, with targets that are not in the configuration, the ids that the memory gives to targets, and the
    /// gateway that was found.
    pub fn plan<'a>(
        &'a self,
        besides: impl Iterator<Item = &'a TargetConfig>,
        mut id: impl FnMut(&Target) -> TargetId,
        vantage: Vantage,
        detected: Option<IpAddr>,
        seed: u64,
    ) -> WatchPlan {
        let watched = |target: &TargetConfig| Watched {
            id: id(&target.target),
            target: target.target.clone(),
            labels: target.labels.clone(),
            pace: target.pace.clone(),
            rules: target.rules.clone(),
        };
        WatchPlan {
            targets: self.targets.iter().chain(besides).map(watched).collect(),
            vantage,
            own: OwnCheck {
                references: self.own.references.clone(),
                gateway: match self.own.gateway {
                    Gateway::Detected => detected,
                    Gateway::Address(address) => Some(address),
                    Gateway::None => None,
                },
            },
            rate: self.rate,
            surveys: self.surveys,
            seed,
        }
    }
}

/// What `reach watch` is to do.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Everything.
    pub config: WatchConfig,
    /// The file that it came from, read again on a reload.
    pub file: Option<PathBuf>,
    /// When to end with an all-clear or with what failed.
    pub ends_after: Option<Duration>,
    /// How to show things.
    pub output: Output,
}

/// Nobody waits for a statement of less.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);
/// A year, as spans are written.
const LONGEST_WATCH: Duration = Duration::from_secs(31_557_600);

/// Understands `reach watch`; also on a reload, with the same arguments.
///
/// Targets of the command line are watched besides those of the file, with its `[defaults]`. Without a file that is
/// named, one is read from its usual place only where the command line names no target.
pub fn watch(args: &WatchArgs, around: &Surroundings, world: World<'_>) -> Result<Watch, Problems> {
    let mut problems = Problems::new();
    let output = keep(Output::new(&args.output, around), &mut problems);
    let places = Places::gather(world.variable, world.is_root);
    let file = match &args.config {
        Some(path) => Some(path.clone()),
        None if args.targets.is_empty() => Some(places.config()),
        None => None,
    };
    if let (None, Some(usual)) = (&args.config, &file)
        && !usual.exists()
    {
        problems.push(format!(
            "there is nothing to watch: name a target, or write {}; `reach config example` prints one to begin with",
            name_of(usual)
        ));
        return Err(problems);
    }
    let base = match &file {
        Some(path) => read::open(path, &places, world),
        None => Ok((WatchConfig::new(&places), read::Defaults::default())),
    };
    let ends_after = args
        .ends_after
        .as_deref()
        .and_then(|text| keep(span("--for", text, SHORTEST_WATCH, LONGEST_WATCH), &mut problems));
    let every = args.every.as_deref().and_then(|text| {
        keep(span("--every", text, read::SHORTEST_EVERY, read::LONGEST_EVERY), &mut problems)
    });
    if let (Some(text), true, Some(file)) = (&args.every, args.targets.is_empty(), &file) {
        problems.push(format!(
            "--every `{}` is for targets of the command line, and there are none; set `every` in {}",
            shown(text),
            shown(&file.to_string_lossy())
        ));
    }
    let listen = args.listen.as_deref().and_then(|text| keep(listen(text), &mut problems));
    let typed = targets::targets(&args.targets, &mut problems);
    let (mut config, defaults) = match base {
        Ok(base) => base,
        Err(found) => {
            problems.extend(found);
            return Err(problems);
        }
    };
    for target in typed {
        if config.targets.iter().any(|known| known.target.text == target.text) {
            continue;
        }
        let pace = Cadence { every: every.unwrap_or(defaults.pace.every), ..defaults.pace.clone() };
        config.targets.push(TargetConfig {
            target,
            labels: defaults.labels.clone(),
            pace,
            rules: defaults.rules.clone(),
        });
    }
    if let Some(path) = &args.store {
        config.store.path = path.clone();
        config.store.named = true;
    }
    if let Some(path) = &args.control {
        config.control.path = path.clone();
        config.control.named = true;
    }
    if let Some(listen) = listen {
        config.http.serves = true;
        config.http.settings.listen = Some(listen);
        problems.extend(door::lacks_door(&config.http.settings));
        config.warnings.extend(door::is_readable(&config.http.settings));
        config.warnings.dedup();
    }
    if args.output.lang.is_some() {
        config.lang = output.map(|output| output.style.lang);
    }
    if config.targets.is_empty() && config.sources().next().is_none() && problems.is_empty() {
        problems.push(match &file {
            Some(file) => format!(
                "{} names no target and no source of signals; add a `[[target]]`, as `reach config example` shows",
                shown(&file.to_string_lossy())
            ),
            None => "there is nothing to watch; name a target".to_owned(),
        });
    }
    match output {
        Some(output) if problems.is_empty() => Ok(Watch { config, file, ends_after, output }),
        _ => Err(problems),
    }
}

/// Where a watch keeps its things, for those who ask it or read what it remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The file in which it remembers.
    pub store: PathBuf,
    /// Where its socket may be, first choice first.
    pub sockets: Vec<PathBuf>,
}

/// Where the watch of a configuration keeps its things; of the usual configuration, where none is named. Nothing else
/// of the configuration is understood: who asks need not be allowed to read its secrets.
pub fn locate(config: Option<&Path>, world: World<'_>) -> Result<Located, Problems> {
    let places = Places::gather(world.variable, world.is_root);
    let usual = Located { store: places.state.join("reach.db"), sockets: places.sockets.clone() };
    let (path, named) = match config {
        Some(path) => (path.to_owned(), true),
        None => (places.config(), false),
    };
    match read::places_in(&path) {
        Ok((store, control)) => Ok(Located {
            store: store.unwrap_or(usual.store),
            sockets: control.map_or(usual.sockets, |control| vec![control]),
        }),
        Err(problem) if named => Err(vec![problem]),
        Err(_) => Ok(usual),
    }
}

/// The configuration that is meant: the one named, or the usual one.
pub fn config_path(named: Option<&Path>, world: World<'_>) -> PathBuf {
    named.map_or_else(|| Places::gather(world.variable, world.is_root).config(), Path::to_owned)
}

/// A time zone by its name.
pub(crate) fn zone(text: &str) -> Result<jiff::tz::TimeZone, String> {
    when::time_zone(text)
}

/// `ADDRESS:PORT`, or a port alone, which means the loopback address.
fn listen(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text).parse().ok().filter(|port: &u16| *port != 0);
    let alone = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    alone.or_else(|| text.parse().ok()).ok_or_else(|| {
        format!("--listen `{}` is no address with a port; give one like 127.0.0.1:9732", shown(text))
    })
}

/// A span of an option, with its unit.
pub(crate) fn span(option: &str, text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let show = shown(text);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{option} `{show}` has no unit; seconds are written `{show}s`"));
    }
    let span = humantime::parse_duration(text)
        .map_err(|_| format!("{option} `{show}` is no span of time; give one like 10s, 5m or 1h"))?;
    if span < least {
        let least = humantime::format_duration(least);
        return Err(format!("{option} `{show}` is too short; give at least {least}"));
    }
    if span > most {
        let most = humantime::format_duration(most);
        return Err(format!("{option} `{show}` is too long; give at most {most}"));
    }
    Ok(span)
}

/// The name of a file, for a sentence.
fn name_of(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

#[cfg(test)]
mod tests;
