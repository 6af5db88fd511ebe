//! Sections that are read by the types of those whom they concern: channels, the web server, `/probe`, OTLP.

use std::{collections::BTreeSet, path::Path};

use serde::de::DeserializeOwned;

use super::{World, sheet::Section};
use crate::{
    alert::settings::{ChannelKind, ChannelSettings, Place},
    cli::nearest,
    host::settings::HostSettings,
    output::shown,
    sql::settings::SqlSettings,
    web::settings::{HttpSettings, OtlpSettings, ProbeSettings, Source},
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

/// The channels, and whether the file itself has one of their secrets.
pub(super) fn channels(
    root: &Section<'_, '_>,
    directory: &Path,
    world: World<'_>,
) -> (Vec<ChannelSettings>, bool) {
    let place = Place { directory, variable: world.variable };
    let (mut channels, mut inline): (Vec<ChannelSettings>, bool) = (Vec::new(), false);
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
        let at = section.at_key("name");
        match ChannelSettings::read(table, place) {
            Ok(channel) if channels.iter().any(|known| known.name == channel.name) => {
                let name = shown(&channel.name);
                section.wrong("name", format!("there are two channels of the name `{name}`; rename one"));
            }
            Ok(channel) => channels.push(channel),
            Err(problems) => problems.into_iter().for_each(|problem| section.sheet().wrong(at, problem)),
        }
    }
    let names: BTreeSet<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
    for channel in &channels {
        let Some(fallback) = &channel.fallback else { continue };
        if !names.contains(fallback.as_str()) || *fallback == channel.name {
            let (name, fallback) = (shown(&channel.name), shown(fallback));
            let what = format!(
                "channel `{name}`: `fallback`: `{fallback}` is no other channel; name one that there is"
            );
            root.sheet().wrong(root.at_key("channel"), what);
        }
    }
    (channels, inline)
}

pub(super) fn http(root: &Section<'_, '_>) -> Http {
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
    Http { serves, settings: from_table(&section, table).unwrap_or_default() }
}

pub(super) fn probe(root: &Section<'_, '_>, directory: &Path) -> ProbeSettings {
    let Some(section) = root.section("probe") else { return ProbeSettings::default() };
    let mut settings: ProbeSettings = section.deserialize().unwrap_or_default();
    settings.modules = settings.modules.map(|path| directory.join(path));
    settings
}

pub(super) fn otlp(root: &Section<'_, '_>) -> Option<OtlpSettings> {
    root.section("otlp")?.deserialize()
}

/// What is looked at on this host.
pub(super) fn host(root: &Section<'_, '_>) -> HostSettings {
    let Some(section) = root.section("host") else { return HostSettings::default() };
    let settings: HostSettings = section.deserialize().unwrap_or_default();
    tell(&section, "host", settings.problems());
    settings
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
