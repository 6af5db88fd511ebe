//! Sections that are read by the types of those whom they concern: channels, the web server, `/probe`, OTLP.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::de::DeserializeOwned;

use super::{World, sheet::Section};
use crate::{
    alert::settings::{ChannelKind, ChannelSettings, Place},
    blackbox::Modules,
    cli::nearest,
    host::settings::HostSettings,
    otlp::{Exporter, OtlpSettingsError},
    output::shown,
    scouter::settings::ScouterSettings,
    sql::settings::SqlSettings,
    web::{
        door,
        settings::{HttpSettings, OtlpSettings, ProbeSettings, Source},
    },
};

/// The web server.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// Whether there is one.
    pub serves: bool,
    /// Everything else.
    pub settings: HttpSettings,
}

impl Default for Http {
    fn default() -> Self {
        Self { serves: true, settings: HttpSettings::default() }
    }
}

/// The keys of a channel that hold a secret themselves.
const INLINE: [&str; 5] = ["token", "password", "secret", "url", "proxy"];

/// The channels, and what else is to be known of them.
#[derive(Default)]
pub(super) struct Channels {
    pub(super) settings: Vec<ChannelSettings>,
    /// The file itself has one of their secrets.
    pub(super) inline: bool,
    /// Other files that have secrets.
    pub(super) files: Vec<PathBuf>,
    /// What is worth telling, without being wrong.
    pub(super) remarks: Vec<String>,
}

/// The channels: installations of Scouter that are told, and what stands under `[[channel]]`.
pub(super) fn channels(
    root: &Section<'_, '_>,
    told: Vec<ChannelSettings>,
    directory: &Path,
    world: World<'_>,
) -> Channels {
    let place = Place { directory, variable: world.variable };
    let Channels { mut inline, mut files, mut remarks, .. } = Channels::default();
    let mut fallbacks = vec![0; told.len()];
    let mut channels = told;
    for section in root.sections("channel") {
        let kind = section.parsed("kind", |kind| {
            if ChannelKind::CODES.contains(&kind) {
                return Ok(());
            }
            let meant = nearest(kind, ChannelKind::CODES).map(|meant| format!("did you mean `{meant}`? "));
            let (meant, all) = (meant.unwrap_or_default(), ChannelKind::CODES.join(", "));
            Err(format!("`{}` is no kind of channel; {meant}there are {all}", shown(kind)))
        });
        if section.has("kind") && kind.is_none() {
            continue;
        }
        let Some(table) = section.deserialize::<toml::Table>() else { continue };
        inline |= INLINE.iter().any(|key| table.contains_key(*key));
        let in_file = |key: &&str| table.get(&format!("{key}_file")).and_then(toml::Value::as_str);
        files.extend(INLINE.iter().filter_map(in_file).map(|file| directory.join(file)));
        match ChannelSettings::read(table, place) {
            Ok(channel) if channels.iter().any(|known| known.name == channel.name) => {
                let name = shown(&channel.name);
                section.wrong("name", format!("there are two channels of the name `{name}`; rename one"));
            }
            Ok(channel) => {
                if let ChannelKind::Command { command } = &channel.kind
                    && let Some(problem) = command.first().and_then(|program| missing(program))
                {
                    remarks.push(format!("channel `{}`: `command`: {problem}", shown(&channel.name)));
                }
                fallbacks.push(section.at_key("fallback"));
                channels.push(channel);
            }
            Err(problems) => {
                problems
                    .into_iter()
                    .for_each(|problem| section.sheet().wrong(place_of(&section, &problem), problem));
            }
        }
    }
    let names: BTreeSet<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    for (channel, at) in channels.iter().zip(fallbacks) {
        let Some(fallback) = &channel.fallback else { continue };
        if !names.contains(fallback.as_str()) || *fallback == channel.name {
            let (name, fallback) = (shown(&channel.name), shown(fallback));
            let what = format!(
                "channel `{name}`: `fallback`: `{fallback}` is no other channel; name one that there is"
            );
            root.sheet().wrong(at, what);
        }
    }
    Channels { settings: channels, inline, files, remarks }
}

/// Where the key stands that a problem of a channel names (`channel `x`: `key` …`), or what gives its value; the
/// name of the channel, where neither is there.
fn place_of(section: &Section<'_, '_>, problem: &str) -> usize {
    let nowhere = section.at_key("");
    let key = problem.split('`').nth(3).unwrap_or_default();
    let candidates =
        ["", "_file", "_env", "_credential"].map(|suffix| section.at_key(&format!("{key}{suffix}")));
    candidates.into_iter().find(|at| *at != nowhere).unwrap_or_else(|| section.at_key("name"))
}

/// Why a program cannot be started that is named with its whole path.
fn missing(program: &str) -> Option<String> {
    let path = Path::new(program);
    let name = shown(program);
    match fs::metadata(path) {
        _ if !path.is_absolute() => None,
        Err(error) => Some(format!("`{name}` cannot be started: {error}")),
        Ok(metadata) if metadata.is_dir() || metadata.permissions().mode() & 0o111 == 0 => {
            Some(format!("`{name}` cannot be started: it is no program; `chmod +x` it if it is one"))
        }
        Ok(_) => None,
    }
}

/// The Scouter installations, and whether the file itself has one of their passwords.
pub(super) fn scouter(
    root: &Section<'_, '_>,
    directory: &Path,
    world: World<'_>,
) -> (Vec<ScouterSettings>, bool) {
    let place = Place { directory, variable: world.variable };
    let (mut all, mut inline): (Vec<ScouterSettings>, bool) = (Vec::new(), false);
    for section in root.sections("scouter") {
        let Some(table) = section.deserialize::<toml::Table>() else { continue };
        inline |= table.contains_key("password");
        let at = section.at_key("name");
        match ScouterSettings::read(table, place) {
            Ok(one) if all.iter().any(|known| known.name == one.name) => {
                let name = shown(&one.name);
                section
                    .wrong("name", format!("there are two installations of the name `{name}`; rename one"));
            }
            Ok(one) => all.push(one),
            Err(problems) => problems.into_iter().for_each(|problem| section.sheet().wrong(at, problem)),
        }
    }
    (all, inline)
}

pub(super) fn http(root: &Section<'_, '_>, directory: &Path) -> Http {
    let Some(section) = root.section("http") else { return Http::default() };
    let Some(mut table) = section.deserialize::<toml::Table>() else { return Http::default() };
    let serves = table.get("listen").and_then(toml::Value::as_str) != Some("off");
    if !serves {
        table.remove("listen");
    }
    let listen = table.get("listen").and_then(toml::Value::as_str);
    if listen.is_some_and(|listen| listen.parse::<std::net::SocketAddr>().is_err()) {
        let listen = shown(listen.unwrap_or_default());
        section.wrong(
            "listen",
            format!("`{listen}` is no address with a port; give one like \"127.0.0.1:9732\", or \"off\""),
        );
        return Http::default();
    }
    // With their places where the table stands as it is.
    let settings = if serves { section.deserialize() } else { from_table(&section, table) };
    let mut settings: HttpSettings = settings.unwrap_or_default();
    if let Some(tls) = &mut settings.tls {
        for path in [&mut tls.certificate, &mut tls.key].into_iter().flatten() {
            *path = directory.join(&*path);
        }
    }
    for (key, problem) in door::problems(&settings) {
        section.wrong(key, problem);
    }
    if let Some(problem) = door::lacks_door(&settings).filter(|_| serves) {
        section.wrong("listen", problem);
    }
    Http { serves, settings }
}

pub(super) fn probe(root: &Section<'_, '_>, directory: &Path) -> ProbeSettings {
    let Some(section) = root.section("probe") else { return ProbeSettings::default() };
    let mut settings: ProbeSettings = section.deserialize().unwrap_or_default();
    settings.modules = settings.modules.map(|path| directory.join(path));
    if let Some(path) = &settings.modules {
        let name = shown(&path.to_string_lossy());
        let text = fs::read_to_string(path).map_err(|error| format!("`{name}` cannot be read: {error}"));
        let modules = text.and_then(|text| {
            Modules::parse(&text).map_err(|error| format!("`{name}`: {}", shown(&error.to_string())))
        });
        if let Err(problem) = modules {
            section.wrong("modules", problem);
        }
    }
    settings
}

pub(super) fn otlp(root: &Section<'_, '_>) -> Option<OtlpSettings> {
    let section = root.section("otlp")?;
    let settings: OtlpSettings = section.deserialize()?;
    let second = Duration::from_secs(1);
    let spans = [
        ("every", settings.every, second, Duration::from_secs(86_400)),
        ("timeout", settings.timeout, second / 10, Duration::from_secs(600)),
    ];
    for (key, span, least, most) in spans {
        if !(least..=most).contains(&span) {
            let [span, least, most] = [span, least, most].map(humantime::format_duration);
            section.wrong(key, format!("{span} is not between {least} and {most}"));
        }
    }
    // Whether it can be pushed to at all is known before anything is pushed.
    if let Err(error) = Exporter::new(&settings, "") {
        let key = match error {
            OtlpSettingsError::Header(_) | OtlpSettingsError::Secret { .. } => "headers",
            OtlpSettingsError::Endpoint(_) | OtlpSettingsError::Tls(_) => "endpoint",
        };
        section.wrong(key, error.to_string());
    }
    Some(settings)
}

/// The files that have the values of headers.
pub(super) fn otlp_secrets(settings: &OtlpSettings) -> impl Iterator<Item = PathBuf> {
    settings.headers.values().filter_map(Source::file)
}

/// What is looked at on this host, where it is.
pub(super) fn host(root: &Section<'_, '_>) -> Option<HostSettings> {
    let section = root.section("host")?;
    let settings: HostSettings = section.deserialize()?;
    tell(&section, "host", settings.problems());
    settings.enabled.then_some(settings)
}

/// The databases, and whether the file itself has one of their passwords.
pub(super) fn sql(root: &Section<'_, '_>, directory: &Path) -> (Vec<SqlSettings>, bool) {
    let (mut databases, mut inline): (Vec<SqlSettings>, bool) = (Vec::new(), false);
    for section in root.sections("sql") {
        let Some(mut database) = section.deserialize::<SqlSettings>() else { continue };
        tell(&section, "sql", database.problems());
        if databases.iter().any(|known| known.name == database.name) {
            let name = shown(&database.name);
            section.wrong("name", format!("there are two databases of the name `{name}`; rename one"));
            continue;
        }
        database.ca = database.ca.map(|path| directory.join(path));
        inline |= matches!(database.password, Some(Source::Inline(_)));
        databases.push(database);
    }
    (databases, inline)
}

fn tell(section: &Section<'_, '_>, name: &str, problems: Vec<String>) {
    for problem in problems {
        section.sheet().wrong(section.at_key(""), format!("`{name}`: {problem}"));
    }
}

fn from_table<T: DeserializeOwned>(section: &Section<'_, '_>, table: toml::Table) -> Option<T> {
    match T::deserialize(toml::Value::Table(table)) {
        Ok(settings) => Some(settings),
        Err(error) => {
            section.sheet().wrong(section.at_key(""), format!("`http`: {}", shown(error.message().trim())));
            None
        }
    }
}
