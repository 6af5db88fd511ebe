//! Sections that are read by the types of those whom they concern: channels, the web server, `/probe`, OTLP.

use std::{collections::BTreeSet, fmt, net::SocketAddr};

use super::sheet::Section;
use crate::cli::nearest;

/// Who hears of things, and how.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its name: what the outbox, silences and the status call it.
    pub name: String,
    /// What it is: one of [`KINDS`].
    pub kind: String,
    /// Everything, `name` and `kind` included.
    pub settings: Settings,
}

/// The web server.
#[derive(Clone, Debug, Default)]
pub struct Http {
    /// Where it listens; on a loopback address of its own choice otherwise.
    pub listen: Option<SocketAddr>,
    /// Everything.
    pub settings: Settings,
}

/// `/probe`.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    /// Everything.
    pub settings: Settings,
}

/// Metrics that are pushed.
#[derive(Clone, Debug, Default)]
pub struct Otlp {
    /// Everything.
    pub settings: Settings,
}

/// A table that may hold secrets: what it shows of itself is the names of its keys.
#[derive(Clone, Default)]
pub struct Settings(pub toml::Table);

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The kinds of channels.
pub const KINDS: [&str; 7] = ["telegram", "webhook", "slack", "teams", "email", "alertmanager", "command"];

pub(super) fn channels(root: &Section<'_, '_>) -> Vec<Channel> {
    let mut names = BTreeSet::new();
    let mut channels = Vec::new();
    for section in root.sections("channel") {
        let name = section.parsed("name", |name| {
            let usable = !name.is_empty()
                && name.len() <= 64
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            if usable {
                Ok(name.to_owned())
            } else {
                Err("a name has letters, digits and -_. only".to_owned())
            }
        });
        let kind = section.parsed("kind", |kind| {
            if KINDS.contains(&kind) {
                return Ok(kind.to_owned());
            }
            let meant = nearest(kind, KINDS).map(|meant| format!("did you mean `{meant}`? "));
            Err(format!(
                "`{}` is no kind of channel; {}there are {}",
                crate::output::shown(kind),
                meant.unwrap_or_default(),
                KINDS.join(", ")
            ))
        });
        if !section.has("name") {
            section.lacks("name", "name = \"ops\"");
        }
        if !section.has("kind") {
            section.lacks("kind", "kind = \"telegram\"");
        }
        let (Some(name), Some(kind)) = (name, kind) else { continue };
        if !names.insert(name.clone()) {
            section.wrong("name", format!("there are two channels of the name `{name}`; rename one"));
        }
        if let Some(table) = section.deserialize() {
            channels.push(Channel { name, kind, settings: Settings(table) });
        }
    }
    channels
}

pub(super) fn http(root: &Section<'_, '_>) -> Option<Http> {
    let section = root.section("http")?;
    let listen = section.parsed("listen", |text| {
        text.parse().map_err(|_| {
            format!(
                "`{}` is no address with a port; give one like \"127.0.0.1:9115\"",
                crate::output::shown(text)
            )
        })
    });
    Some(Http { listen, settings: Settings(section.deserialize()?) })
}

pub(super) fn probe(root: &Section<'_, '_>) -> Option<Probe> {
    Some(Probe { settings: Settings(root.section("probe")?.deserialize()?) })
}

pub(super) fn otlp(root: &Section<'_, '_>) -> Option<Otlp> {
    Some(Otlp { settings: Settings(root.section("otlp")?.deserialize()?) })
}
