//! The file, section by section.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::tz::TimeZone;
use reach_core::{
    model::{Host, Target},
    watch::{Cadence, Matcher, Rules},
};

use super::{
    ControlConfig, Gateway, Heartbeat, LogConfig, LogFormat, LogLevel, Maintenance, Own, Places,
    TargetConfig, WatchConfig, World,
    foreign::{self, Channels},
    logs, name_of,
    rules::{pace, rules},
    secret::{SecretKeys, Vault, is_open_to_all},
    sheet::{Placed, Section, Sheet},
    signals,
    when::{time_of_day, time_zone, window},
};
use crate::{
    config::{Problems, request::RequestConfig, targets},
    output::shown,
    scouter::settings::ScouterSettings,
    web::{door, settings::Source},
};

pub(super) const SHORTEST_EVERY: Duration = Duration::from_millis(50);
pub(super) const LONGEST_EVERY: Duration = Duration::from_secs(86_400);

/// Results that may wait for the disk. Fewer would be lost although it takes them: they are written every ten seconds.
const MOST_WAITING: RangeInclusive<u64> = 1_000..=50_000_000;

/// No configuration is larger; a file that is, is none.
const LARGEST: u64 = 8 * 1024 * 1024;

/// What holds for targets that say nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) pace: Cadence,
    pub(super) rules: Rules,
}

/// Reads a configuration. Relative names in it start from its directory.
pub fn load(path: &Path, world: World<'_>) -> Result<WatchConfig, Problems> {
    let places = Places::gather(world.variable, world.is_root);
    open(path, &places, world).map(|(config, _)| config)
}

/// The file and the socket that a configuration names, if it names them.
pub(super) fn places_in(path: &Path) -> Result<(Option<PathBuf>, Option<PathBuf>), String> {
    let name = name_of(path);
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: it cannot be read: {error}"))?;
    let table: toml::Table =
        text.parse().map_err(|_| format!("{name}: this is no TOML; `reach config check {name}` says why"))?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let text = |value: Option<&toml::Value>| value?.as_str().map(|text| directory.join(text));
    let inside = |section: &str, key: &str| text(table.get(section).and_then(|section| section.get(key)));
    let state = || text(table.get("state_dir")).map(|state| state.join("reach.db"));
    Ok((inside("store", "path").or_else(state), inside("control", "path")))
}

pub(super) fn open(
    path: &Path,
    places: &Places,
    world: World<'_>,
) -> Result<(WatchConfig, Defaults), Problems> {
    let name = name_of(path);
    let problem = |what: String| vec![format!("{name}: {what}")];
    let size = fs::metadata(path).map(|metadata| metadata.len());
    let bytes = match size {
        Ok(size) if size > LARGEST => return Err(problem("it is larger than any configuration".to_owned())),
        Ok(_) => fs::read(path),
        Err(error) => Err(error),
    };
    let bytes = bytes.map_err(|error| {
        problem(format!("it cannot be read: {error}; `reach config example` prints one to begin with"))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        vec![format!("{name}:{line}: this is no UTF-8 text, which TOML has to be")]
    })?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let is_open = is_open_to_all(path);
    understand(&name, &text, directory, is_open, places, world)
}

/// Understands the text of a configuration.
pub(super) fn understand(
    name: &str,
    text: &str,
    directory: &Path,
    is_open: bool,
    places: &Places,
    world: World<'_>,
) -> Result<(WatchConfig, Defaults), Problems> {
    let sheet = Sheet::new(name, text);
    let table = sheet.parse();
    if !sheet.is_right() {
        // What follows a mistake of syntax is read wrongly, and told wrongly.
        return Err(sheet.problems());
    }
    let root = Section::root(&sheet, &table);
    let vault = Vault { directory, world };
    let mut reader = Reader { root: &root, directory, vault, warnings: Vec::new(), inline_secret: false };
    let (mut config, defaults) = reader.config(places);
    let inline = reader.inline_secret;
    config.warnings = reader.warnings;
    if is_open && inline {
        config.warnings.push(format!(
            "{} has a secret in it, and everybody on this host may read it; `chmod 640` it, or keep the secret in a \
             file of its own",
            shown(name)
        ));
    }
    root.finish();
    if sheet.is_right() { Ok((config, defaults)) } else { Err(sheet.problems()) }
}

struct Reader<'r, 's, 't> {
    root: &'r Section<'s, 't>,
    directory: &'r Path,
    vault: Vault<'r>,
    warnings: Vec<String>,
    /// The file itself has a secret.
    inline_secret: bool,
}

impl Reader<'_, '_, '_> {
    fn config(&mut self, places: &Places) -> (WatchConfig, Defaults) {
        let root = self.root;
        let mut config = WatchConfig::new(places);
        config.vantage = root.parsed("vantage", |text| {
            let fits = !text.trim().is_empty() && text.chars().count() <= 64;
            if fits {
                Ok(text.trim().to_owned())
            } else {
                Err("give a name of 1 to 64 characters".to_owned())
            }
        });
        config.lang = root.parsed("lang", |text| {
            text.parse().map_err(|_| format!("`{}` is none of \"en\" and \"ko\"", shown(text)))
        });
        if let Some(zone) = root.parsed("zone", time_zone) {
            config.zone = zone;
        }
        config.rate = root.number("rate", 0.1..=1e6).unwrap_or(config.rate);
        if let Some(surveys) = root.count("surveys", 1..=100) {
            config.surveys = usize::try_from(surveys).unwrap_or(usize::MAX);
        }
        if let Some(directory) = root.text("state_dir") {
            config.state_dir = self.directory.join(directory);
            config.store.path = config.state_dir.join("reach.db");
        }
        config.daily_hello = root.parsed("daily_hello", time_of_day);
        let defaults = self.defaults();
        config.targets = self.targets(&defaults);
        config.own = self.own();
        self.store(&mut config);
        self.log(&mut config.log);
        self.control(&mut config.control);
        config.heartbeat = self.heartbeat();
        config.request = root
            .section("request")
            .and_then(|section| section.deserialize::<RequestConfig>())
            .unwrap_or_default();
        config.http = foreign::http(root, self.directory);
        config.probe = foreign::probe(root, self.directory);
        config.otlp = foreign::otlp(root);
        config.otlp_receiver = signals::otlp_receiver(root);
        config.signals = signals::signals(root, &defaults);
        let (scouter, inline_of_scouter) = foreign::scouter(root, self.directory, self.vault.world);
        config.scouter = scouter;
        let told = config.scouter.iter().filter_map(ScouterSettings::channel).collect();
        let Channels { settings, inline, mut files, remarks } =
            foreign::channels(root, told, self.directory, self.vault.world);
        config.channels = settings;
        self.warnings.extend(remarks);
        config.host = foreign::host(root);
        let (databases, open) = foreign::sql(root, self.directory);
        config.sql = databases;
        let heartbeat = root.section("heartbeat");
        let in_file = |key| heartbeat.as_ref().filter(|section| section.has(key))?.text(key);
        files.extend(
            ["url_file", "proxy_file"].into_iter().filter_map(in_file).map(|file| self.directory.join(file)),
        );
        files.extend(config.otlp.iter().flat_map(foreign::otlp_secrets));
        let token = config.otlp_receiver.as_ref().and_then(|receiver| receiver.token.as_ref());
        let token_is_inline = matches!(token, Some(Source::Inline(_)));
        files.extend(token.into_iter().filter_map(Source::file));
        let http = &config.http.settings;
        files.extend(http.user.iter().filter_map(|user| user.password.file()));
        files.extend(http.tls.iter().filter_map(|tls| tls.key.clone()));
        let hash_is_inline = http.user.iter().any(|user| matches!(user.password, Source::Inline(_)));
        self.warnings.extend(door::remarks(http));
        files.sort();
        files.dedup();
        for file in files.iter().filter(|file| is_open_to_all(file)) {
            let name = shown(&file.to_string_lossy());
            self.warnings.push(format!(
                "{name} has a secret in it, and everybody on this host may read it; `chmod 600` it"
            ));
        }
        self.inline_secret = inline
            || token_is_inline
            || hash_is_inline
            || inline_of_scouter
            || open
            || heartbeat.is_some_and(|section| section.has("url") || section.has("proxy"));
        let zone = config.zone.clone();
        config.maintenance = self.maintenance(&zone);
        if root.is_list("log") || root.has("logging") {
            config.logs = logs::sources(root, self.directory, &zone, &config.state_dir);
        }
        self.sources(&config);
        (config, defaults)
    }

    /// What one source says must not be taken for what another one does.
    fn sources(&self, config: &WatchConfig) {
        let mut kinds: BTreeMap<&str, &'static str> = BTreeMap::new();
        for (name, kind) in config.sources() {
            if let Some(other) = kinds.insert(name, kind).filter(|other| *other != kind) {
                let name = shown(name);
                let what =
                    format!("the name `{name}` is that of a source under `{other}` too; rename one of them");
                self.root.wrong(kind, what);
            }
        }
    }

    fn defaults(&self) -> Defaults {
        let Some(section) = self.root.section("defaults") else { return Defaults::default() };
        let usual = Defaults::default();
        let defaults = Defaults {
            labels: section.labels("labels"),
            pace: pace(&section, &usual.pace),
            rules: rules(&section, &usual.rules),
        };
        section.finish();
        defaults
    }

    fn targets(&self, defaults: &Defaults) -> Vec<TargetConfig> {
        let mut configs: Vec<TargetConfig> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for section in self.root.sections("target") {
            let mut typed = section.texts("target");
            typed.extend(section.texts("targets"));
            if typed.is_empty() {
                section.lacks(
                    "target",
                    "target = \"fcm.googleapis.com\", or targets = [\"a.example\", \"@hosts.txt\"]",
                );
            }
            let mut labels = defaults.labels.clone();
            labels.extend(section.labels("labels"));
            let pace = pace(&section, &defaults.pace);
            let rules = rules(&section, &defaults.rules);
            let tls = section.flag("tls");
            let server_name =
                section.parsed("server_name", |text| crate::config::server_name("server_name:", text));
            for placed in typed {
                for mut target in self.read_targets(&section, &placed) {
                    adapt(&mut target, tls, server_name.as_deref(), &section, placed.at);
                    if let Some(first) = places.insert(target.text.clone(), placed.at) {
                        section.sheet().wrong(
                            placed.at,
                            format!(
                                "`{}` is watched already by {}; leave one of them out",
                                shown(&target.text),
                                section.sheet().place(first)
                            ),
                        );
                        continue;
                    }
                    configs.push(TargetConfig {
                        target,
                        labels: labels.clone(),
                        pace: pace.clone(),
                        rules: rules.clone(),
                    });
                }
            }
            section.finish();
        }
        configs
    }

    /// The targets of one text, which may name a list in a file.
    fn read_targets(&self, section: &Section<'_, '_>, placed: &Placed) -> Vec<Target> {
        let argument = match placed.text.strip_prefix('@') {
            Some("-") => {
                section.sheet().wrong(
                    placed.at,
                    "`@-`: a configuration cannot read standard input; name a file".to_owned(),
                );
                return Vec::new();
            }
            Some(file) if !file.is_empty() => format!("@{}", self.directory.join(file).display()),
            _ => placed.text.clone(),
        };
        let mut problems = Problems::new();
        let targets = targets::targets(&[argument], &mut problems);
        for problem in problems {
            section.sheet().wrong(placed.at, problem);
        }
        targets
    }

    fn own(&self) -> Own {
        let Some(section) = self.root.section("own") else { return Own::default() };
        let mut references: Vec<SocketAddr> = Vec::new();
        for placed in section.texts("references") {
            match placed.text.parse() {
                Ok(address) if references.contains(&address) => {}
                Ok(address) => references.push(address),
                Err(_) => section.sheet().wrong(
                    placed.at,
                    format!(
                        "`{}` is no address with a port, as a reference has to be: names may fail together with what \
                         is watched. Give one like \"192.0.2.1:53\"",
                        shown(&placed.text)
                    ),
                ),
            }
        }
        if references.len() == 1 {
            section.wrong(
                "references",
                "one reference cannot tell its own failure from ours; give two that depend on different things",
            );
        }
        let gateway = section.parsed("gateway", |text| match text {
            "auto" => Ok(Gateway::Detected),
            "none" => Ok(Gateway::None),
            _ => text.parse::<IpAddr>().map(Gateway::Address).map_err(|_| {
                format!("`{}` is none of \"auto\", \"none\" and an address like \"192.0.2.1\"", shown(text))
            }),
        });
        section.finish();
        Own { references, gateway: gateway.unwrap_or_default() }
    }

    fn store(&self, config: &mut WatchConfig) {
        let Some(section) = self.root.section("store") else { return };
        let (day, century) = (Duration::from_secs(86_400), Duration::from_secs(36_525 * 86_400));
        let store = &mut config.store;
        if let Some(path) = section.text("path") {
            store.path = self.directory.join(path);
            store.named = true;
        }
        if let Some(bytes) = section.size("max_bytes") {
            const LEAST: u64 = 16_000_000;
            if bytes < LEAST {
                section.wrong("max_bytes", "incidents alone may take more; give at least \"16MB\"");
            }
            store.max_bytes = bytes;
        }
        let keep = |key, usual| section.span(key, day / 24..=century).unwrap_or(usual);
        store.results_for = keep("results_for", store.results_for);
        store.ten_minutes_for = keep("ten_minutes_for", store.ten_minutes_for);
        store.hours_for = keep("hours_for", store.hours_for);
        store.evidence_for = keep("evidence_for", store.evidence_for);
        if let Some(most) = section.count("most_waiting", MOST_WAITING) {
            store.most_waiting = usize::try_from(most).unwrap_or(usize::MAX);
        }
        section.finish();
    }

    fn log(&self, log: &mut LogConfig) {
        // Under `[[log]]` stand the logs of others; our own was called `[log]` when there were none.
        let own = if self.root.has("logging") || self.root.is_list("log") { "logging" } else { "log" };
        let Some(section) = self.root.section(own) else { return };
        let wrong = |text: &str, known: &str| format!("`{}` is none of {known}", shown(text));
        log.format = section
            .parsed("format", |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err(wrong(text, "\"text\" and \"json\"")),
            })
            .unwrap_or(log.format);
        log.level = section
            .parsed("level", |text| match text {
                "error" => Ok(LogLevel::Error),
                "warn" => Ok(LogLevel::Warn),
                "info" => Ok(LogLevel::Info),
                "debug" => Ok(LogLevel::Debug),
                "trace" => Ok(LogLevel::Trace),
                _ => Err(wrong(text, "\"error\", \"warn\", \"info\", \"debug\" and \"trace\"")),
            })
            .unwrap_or(log.level);
        section.finish();
    }

    fn control(&self, control: &mut ControlConfig) {
        let Some(section) = self.root.section("control") else { return };
        if let Some(path) = section.text("path") {
            control.path = self.directory.join(path);
            control.named = true;
        }
        control.group = section.text("group");
        section.finish();
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        const URL: SecretKeys =
            SecretKeys { inline: "url", file: "url_file", env: "url_env", credential: "url_credential" };
        const PROXY: SecretKeys = SecretKeys {
            inline: "proxy",
            file: "proxy_file",
            env: "proxy_env",
            credential: "proxy_credential",
        };
        let section = self.root.section("heartbeat")?;
        let all = [URL.inline, URL.file, URL.env, URL.credential];
        if !all.iter().any(|key| section.has(key)) {
            section.lacks(
                "url",
                "url = \"https://heartbeat.example/ping/reach\", or url_file = \"heartbeat-url\"",
            );
        }
        let url = self.vault.take(&section, URL);
        if let Some(url) = &url {
            check_scheme(&section, &all, url, &["https://", "http://"]);
        }
        let proxy = self.vault.take(&section, PROXY);
        if let Some(proxy) = &proxy {
            let all = [PROXY.inline, PROXY.file, PROXY.env, PROXY.credential];
            check_scheme(&section, &all, proxy, &["http://", "https://", "socks5://", "socks5h://"]);
        }
        let every = section.span("every", Duration::from_secs(10)..=Duration::from_secs(86_400));
        section.finish();
        Some(Heartbeat { url: url?, every: every.unwrap_or(Duration::from_secs(60)), proxy })
    }

    fn maintenance(&self, zone: &TimeZone) -> Vec<Maintenance> {
        let mut all = Vec::new();
        for section in self.root.sections("maintenance") {
            let name = section.text("name");
            let comment = section.text("comment").unwrap_or_default();
            let labels = section.labels("labels");
            let network = section.parsed("network", |text| {
                let alone = || text.parse::<IpAddr>().map(Into::into);
                text.parse().or_else(|_| alone()).map_err(|_| {
                    format!("`{}` is no network; give one like \"198.51.100.0/24\"", shown(text))
                })
            });
            let mut names = section.texts("target");
            names.extend(section.texts("targets"));
            let matcher = |target| Matcher { target, network, labels: labels.clone() };
            let matchers = if names.is_empty() {
                vec![matcher(None)]
            } else {
                names.into_iter().map(|placed| matcher(Some(placed.text))).collect()
            };
            let window = window(&section, zone, true);
            if name.is_none() {
                section.lacks("name", "name = \"patch day\"");
            }
            section.finish();
            if let (Some(name), Some(window)) = (name, window) {
                all.push(Maintenance { name, matchers, window, comment });
            }
        }
        all
    }
}

/// What a section says of the TLS of its targets.
fn adapt(
    target: &mut Target,
    tls: Option<bool>,
    server_name: Option<&str>,
    section: &Section<'_, '_>,
    at: usize,
) {
    let text = shown(&target.text);
    match tls {
        Some(true) if text.starts_with("http://") => {
            section
                .sheet()
                .wrong(at, format!("`{text}` says no TLS and `tls` says TLS; write it with https://"));
        }
        Some(false) if text.starts_with("https://") => {
            section
                .sheet()
                .wrong(at, format!("`{text}` says TLS and `tls` says no TLS; write it with http://"));
        }
        Some(tls) => {
            target.tls = tls;
            if tls && !text.contains("://") {
                // Port 80 alone means a plain request, which TLS takes the place of.
                target.http_path = None;
            }
        }
        None => {}
    }
    match server_name {
        Some(name) if target.tls => target.server_name = Some(name.to_owned()),
        Some(_) => section.sheet().wrong(
            at,
            format!("`{text}` is not tested with TLS, so no `server_name` is sent; add `tls = true`"),
        ),
        None => {}
    }
    if let Host::Address(address) = target.host
        && address.is_multicast()
    {
        section.sheet().wrong(at, format!("`{text}` is a multicast address, behind which is no single host"));
    }
}

/// Whether a secret is a URL of one of these schemes; says which are right, and nothing of the secret.
fn check_scheme(
    section: &Section<'_, '_>,
    keys: &[&'static str],
    secret: &secrecy::SecretString,
    schemes: &[&str],
) {
    use secrecy::ExposeSecret;
    let fits = schemes.iter().any(|scheme| secret.expose_secret().starts_with(scheme));
    if let (false, Some(key)) = (fits, keys.iter().find(|key| section.has(key))) {
        section.wrong(key, format!("this is no URL that begins with {}", schemes.join(" or ")));
    }
}
