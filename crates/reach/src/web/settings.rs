//! The tables `[http]`, `[probe]` and `[otlp]` of the configuration.

use std::{
    collections::BTreeMap,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    allow::Allowed,
    door::settings::{Network, ProxySettings, TlsSettings, TokenSettings, UserSettings},
    secret::Secret,
};
use crate::{blackbox::Rule, config::secret, metrics::status::Scope};

/// `[http]`: what the watch shows, and to whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSettings {
    /// Where to listen. Where it is not given, at [`USUAL_PORT`](crate::daemon::USUAL_PORT) of the loopback address,
    /// if that is free; `listen = "off"` is read before this, and nothing is listened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Names that this service is called by, besides those of loopback. On loopback every other name is refused;
    /// elsewhere all are taken unless this list has some.
    pub hosts: Vec<String>,
    /// `/healthz` says no when nothing was tried for so long. Longer than the longest interval of any target.
    #[serde(with = "span")]
    pub stale_after: Duration,
    /// `/healthz` says no when the store has taken nothing for so long.
    #[serde(with = "span")]
    pub stuck_after: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// Addresses of one name with series of their own in `/metrics`.
    pub addresses: usize,
    /// Whether each address has a histogram of its latencies in `/metrics`.
    pub histograms: bool,
    /// Who logs in with a password.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<UserSettings>,
    /// Which programs show a token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token: Vec<TokenSettings>,
    /// Who says for others who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxySettings>,
    /// TLS; not spoken where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// From where `/metrics` and `/probe` are asked for by nobody in particular.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scrape_from: Vec<Network>,
}

impl HttpSettings {
    /// All of it but who is known, which a running service takes up when it is told to.
    pub fn without_people(&self) -> Self {
        Self { user: Vec::new(), token: Vec::new(), proxy: None, ..self.clone() }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            listen: None,
            hosts: Vec::new(),
            stale_after: Duration::from_secs(120),
            stuck_after: Duration::from_secs(300),
            connections: 512,
            addresses: Scope::ADDRESSES,
            histograms: true,
            user: Vec::new(),
            token: Vec::new(),
            proxy: None,
            tls: None,
            scrape_from: Vec::new(),
        }
    }
}

/// `[probe]`: probes on demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProbeSettings {
    /// The module file, as `blackbox_exporter` reads it; a few usual modules where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modules: Option<PathBuf>,
    /// What may be probed: `*.example.com:443`, `203.0.113.0/24`, `[2001:db8::1]:53`. A service on loopback
    /// probes everything but link-local addresses, any other one only what is named here.
    pub allow: Vec<Allowed>,
    /// Which addresses of a name decide where a request does not say.
    pub addresses: Rule,
    /// Probes at the same time.
    pub concurrency: usize,
    /// How much sooner than Prometheus gives up a probe does.
    #[serde(with = "span")]
    pub timeout_offset: Duration,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            modules: None,
            allow: Vec::new(),
            addresses: Rule::First,
            concurrency: 128,
            timeout_offset: Duration::from_millis(500),
        }
    }
}

/// `[otlp]`: metrics pushed to a collector of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpSettings {
    /// Where it is: `http://collector.example:4318`; `/v1/metrics` is added where it is not there.
    pub endpoint: String,
    /// How often.
    #[serde(with = "span", default = "minute")]
    pub every: Duration,
    /// How long one push may take.
    #[serde(with = "span", default = "ten_seconds")]
    pub timeout: Duration,
    /// Whether to compress.
    #[serde(default = "yes")]
    pub gzip: bool,
    /// Headers to send, such as `Authorization`: the value itself, or where it is.
    #[serde(default)]
    pub headers: BTreeMap<String, Source>,
    /// Attributes of the resource, besides those that say that it is reach.
    #[serde(default)]
    pub resource: BTreeMap<String, String>,
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "toml::Value")]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `{ file = "/etc/reach/token" }`.
    File(PathBuf),
    /// `{ env = "OTLP_TOKEN" }`.
    Env(String),
    /// `{ credential = "otlp-token" }`: one that systemd gives (`LoadCredential=`).
    Credential(String),
    /// It stands in the configuration.
    #[serde(untagged)]
    Inline(Secret),
}

impl Source {
    /// The file that has it.
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Source::File(path) => Some(path.clone()),
            _ => None,
        }
    }

    /// The secret. What is wrong is told without any of it.
    pub fn read(&self) -> Result<Secret, String> {
        let source = match self {
            Source::Inline(secret) => return Ok(secret.clone()),
            Source::File(path) => secret::Source::File(path),
            Source::Env(name) => secret::Source::Variable(name),
            Source::Credential(name) => secret::Source::Credential(name),
        };
        secret::read(source, &|name| env::var(name).ok()).map(Secret::from)
    }
}

impl TryFrom<toml::Value> for Source {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let wrong = || {
            "give the value, or one of { file = \"/…\" }, { env = \"…\" }, { credential = \"…\" }".to_owned()
        };
        let table = match value {
            toml::Value::String(text) => return Ok(Source::Inline(text.into())),
            toml::Value::Table(table) => table,
            _ => return Err(wrong()),
        };
        let mut entries = table.into_iter();
        let (Some((key, toml::Value::String(text))), None) = (entries.next(), entries.next()) else {
            return Err(wrong());
        };
        let shown = text.escape_debug().to_string();
        match key.as_str() {
            "file" if Path::new(&text).is_absolute() => Ok(Source::File(text.into())),
            "file" => Err(format!("`{shown}` is no absolute path")),
            "env" if !text.is_empty() && !text.contains(['=', '\0']) => Ok(Source::Env(text)),
            "env" => Err(format!("`{shown}` is no name of a variable")),
            "credential" if secret::is_credential(&text) => Ok(Source::Credential(text)),
            "credential" => Err(format!("`{shown}` is no name of a credential")),
            _ => Err(wrong()),
        }
    }
}

fn minute() -> Duration {
    Duration::from_secs(60)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

fn yes() -> bool {
    true
}

/// Spans as people write them: `30s`, `5m`.
pub(crate) mod span {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&humantime::format_duration(*span).to_string())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text).map_err(|error| {
            D::Error::custom(format!("`{text}` is no duration ({error}); give one like 500ms or 3s"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn an_empty_table_is_all_defaults() {
        assert_eq!(toml::from_str::<HttpSettings>("").expect("read"), HttpSettings::default());
        assert_eq!(toml::from_str::<ProbeSettings>("").expect("read"), ProbeSettings::default());
    }

    #[test]
    fn tables_are_read() {
        let probe: ProbeSettings = toml::from_str(
            "allow = [\"*.example.com:443\", \"203.0.113.0/24\"]\naddresses = \"quorum:0.5\"\ntimeout_offset = \"1s\"",
        )
        .expect("read");
        assert_eq!(probe.addresses, Rule::Quorum(0.5));
        assert_eq!(probe.timeout_offset, Duration::from_secs(1));
        let otlp: OtlpSettings = toml::from_str(
            "endpoint = \"http://192.0.2.1:4318\"\nheaders = { Authorization = \"Bearer x\" }",
        )
        .expect("read");
        assert_eq!(otlp.every, Duration::from_secs(60));
        assert!(!format!("{otlp:?}").contains("Bearer"), "{otlp:?}");
        let written = toml::to_string(&otlp).expect("written");
        assert!(!written.contains("Bearer"), "{written}");
    }

    #[test]
    fn a_secret_may_be_elsewhere() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = directory.path().join("token");
        fs::write(&path, "hush\n").expect("written");
        let source = |text: &str| -> Result<Source, String> {
            #[derive(Deserialize)]
            struct Table {
                header: Source,
            }
            toml::from_str::<Table>(&format!("header = {text}"))
                .map(|it| it.header)
                .map_err(|error| error.to_string())
        };
        let file = source(&format!("{{ file = {:?} }}", path.display().to_string())).expect("read");
        assert_eq!(file.read().expect("there").expose(), "hush");
        let written = toml::to_string(&BTreeMap::from([("header", file.clone())])).expect("written");
        assert_eq!(toml::from_str::<BTreeMap<String, Source>>(&written).expect("read")["header"], file);
        assert_eq!(source("\"hush\"").expect("read").read().expect("there").expose(), "hush");
        assert!(source("{ env = \"NO_SUCH_VARIABLE_OF_REACH\" }").expect("read").read().is_err());
        for wrong in [
            "1",
            "{ file = \"near\" }",
            "{ fil = \"/x\" }",
            "{ env = \"A\", file = \"/x\" }",
            "{ credential = \"../x\" }",
        ] {
            assert!(source(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |text: &str| toml::from_str::<ProbeSettings>(text).expect_err("wrong").to_string();
        assert!(wrong("alow = []").contains("alow"));
        assert!(wrong("allow = [\"exa mple\"]").contains("exa mple"));
        assert!(wrong("addresses = \"quorum:2\"").contains("quorum:2"));
        assert!(wrong("timeout_offset = \"1\"").contains("`1` is no duration"));
    }
}
