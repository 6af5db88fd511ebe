//! The `[[channel]]` tables of the configuration.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use reach_core::watch::{
    Gravity, Matcher,
    courier::{AtNight, QuietSpan},
};
use reach_report::Lang;
use secrecy::SecretString;
use serde::Deserialize;

use super::{quiet::QuietHours, secret::Secrets};
use crate::{config::proxy, output::shown, scouter::settings::Tell};

/// A way to people or programs, as the configuration has it.
#[derive(Clone, Debug)]
pub struct ChannelSettings {
    /// Its name.
    pub name: String,
    /// In which language it is told.
    pub lang: Lang,
    /// Milder incidents are not told here.
    pub least: Gravity,
    /// Only what this matches is told here.
    pub matcher: Matcher,
    /// Gets what this one does not take.
    pub fallback: Option<String>,
    /// When people sleep.
    pub quiet: Option<QuietHours>,
    /// What that means.
    pub at_night: AtNight,
    /// How long one delivery may take.
    pub timeout: Duration,
    /// The proxy to go through, with user name and password; the environment's is never used.
    pub proxy: Option<SecretString>,
    /// Certificates (PEM) to trust besides those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// What it is.
    pub kind: ChannelKind,
}

/// What a channel is.
#[derive(Clone, Debug)]
pub enum ChannelKind {
    /// A chat of a Telegram bot.
    Telegram {
        /// The bot's token.
        token: SecretString,
        /// The chat: its number, or `@name` of a channel.
        chat: String,
        /// A topic of a forum.
        thread: Option<i64>,
        /// Where the Bot API is.
        api_url: String,
        /// Whether messages have buttons, which needs the bot to be asked for what was pressed.
        buttons: bool,
    },
    /// A program behind a URL.
    Webhook {
        /// Its URL.
        url: SecretString,
        /// What requests are signed with.
        secret: Option<SecretString>,
    },
    /// An incoming webhook of Slack, or of something that speaks like it.
    Slack {
        /// Its URL, which is a secret.
        url: SecretString,
    },
    /// A workflow or connector of Teams.
    Teams {
        /// Its URL, which is a secret.
        url: SecretString,
    },
    /// Mail.
    Email {
        /// The host of the server.
        server: String,
        /// Its port.
        port: u16,
        /// How the connection is secured.
        security: Security,
        /// User name and password.
        login: Option<(String, SecretString)>,
        /// From whom.
        from: String,
        /// To whom.
        to: Vec<String>,
    },
    /// Prometheus' Alertmanager: all of its instances.
    Alertmanager {
        /// Their URLs.
        urls: Vec<String>,
        /// User name and password of all of them.
        login: Option<(String, SecretString)>,
    },
    /// A program to run.
    Command {
        /// The program and its arguments; no shell is involved.
        command: Vec<String>,
    },
    /// A collector of Scouter: `tell` of a `[[scouter]]` table, and of no `[[channel]]`.
    Scouter(Tell),
}

impl ChannelKind {
    /// The stable names of all kinds that a `[[channel]]` may have.
    pub const CODES: [&str; 7] =
        ["telegram", "webhook", "slack", "teams", "email", "alertmanager", "command"];

    /// The stable name, as the configuration has it.
    pub const fn code(&self) -> &'static str {
        match self {
            ChannelKind::Telegram { .. } => "telegram",
            ChannelKind::Webhook { .. } => "webhook",
            ChannelKind::Slack { .. } => "slack",
            ChannelKind::Teams { .. } => "teams",
            ChannelKind::Email { .. } => "email",
            ChannelKind::Alertmanager { .. } => "alertmanager",
            ChannelKind::Command { .. } => "command",
            ChannelKind::Scouter(_) => "scouter",
        }
    }
}

/// How a connection to a mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// From STARTTLS on; never without.
    #[default]
    Starttls,
    /// From the beginning on.
    Tls,
    /// Not at all: for a server on this host.
    Plain,
}

/// Where a configuration stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The directory that relative names of files start from.
    pub directory: &'a Path,
    /// Looks up a variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// The Bot API of the whole world.
const TELEGRAM: &str = "https://api.telegram.org";
/// How long one delivery may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);

/// A table as it is written, before anything in it makes sense.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    kind: Kind,
    lang: Option<String>,
    least: Option<Gravity>,
    target: Option<String>,
    network: Option<ipnet::IpNet>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    fallback: Option<String>,
    quiet_hours: Option<String>,
    at_night: Option<Night>,
    timeout: Option<String>,
    proxy: Option<SecretString>,
    proxy_file: Option<PathBuf>,
    proxy_env: Option<String>,
    proxy_credential: Option<String>,
    ca_file: Option<PathBuf>,
    token: Option<SecretString>,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    token_credential: Option<String>,
    chat: Option<Chat>,
    thread: Option<i64>,
    api_url: Option<String>,
    buttons: Option<bool>,
    url: Option<SecretString>,
    url_file: Option<PathBuf>,
    url_env: Option<String>,
    url_credential: Option<String>,
    secret: Option<SecretString>,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
    secret_credential: Option<String>,
    server: Option<String>,
    security: Option<Security>,
    user: Option<String>,
    password: Option<SecretString>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    password_credential: Option<String>,
    from: Option<String>,
    to: Option<Vec<String>>,
    urls: Option<Vec<String>>,
    command: Option<Vec<String>>,
}

/// The keys whose values are secrets.
const SECRET: [&str; 5] = ["token", "url", "secret", "password", "proxy"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Telegram,
    Webhook,
    Slack,
    Teams,
    Email,
    Alertmanager,
    Command,
}

impl Kind {
    const fn code(self) -> &'static str {
        match self {
            Kind::Telegram => "telegram",
            Kind::Webhook => "webhook",
            Kind::Slack => "slack",
            Kind::Teams => "teams",
            Kind::Email => "email",
            Kind::Alertmanager => "alertmanager",
            Kind::Command => "command",
        }
    }

    /// The keys that only channels of this kind have, each secret by its first key.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Kind::Telegram => &["token", "chat", "thread", "api_url", "buttons"],
            Kind::Webhook => &["url", "secret"],
            Kind::Slack | Kind::Teams => &["url"],
            Kind::Email => &["server", "security", "user", "password", "from", "to"],
            Kind::Alertmanager => &["urls", "user", "password"],
            Kind::Command => &["command"],
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Night {
    Silent,
    HoldBack,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Chat {
    Number(i64),
    Name(String),
}

impl ChannelSettings {
    /// Reads a `[[channel]]` table. Each problem names the channel and the key, says what is wrong and what would
    /// be right, and tells no secret.
    pub fn read(table: toml::Table, place: Place<'_>) -> Result<Self, Vec<String>> {
        let name = table.get("name").and_then(toml::Value::as_str).map(shown).unwrap_or_default();
        // An error of serde quotes a value that does not fit.
        let is_text = |key: &&str| table.get(*key).is_none_or(toml::Value::is_str);
        if let Some(key) = SECRET.iter().find(|key| !is_text(key)) {
            return Err(vec![format!(
                "channel `{name}`: `{key}` has to be text in quotes (it is not shown)"
            )]);
        }
        let table = Table::deserialize(toml::Value::Table(table))
            .map_err(|error| vec![format!("channel `{name}`: {}", told(&error))])?;
        let mut reader = Reader { name, place, problems: Vec::new() };
        match reader.settings(table) {
            Some(settings) if reader.problems.is_empty() => Ok(settings),
            _ => Err(reader.problems),
        }
    }

    /// When people sleep, for two days from `now` on.
    pub fn quiet_spans(&self, zone: &jiff::tz::TimeZone, now: reach_core::Time) -> Vec<QuietSpan> {
        self.quiet.as_ref().map(|quiet| quiet.spans(zone, now)).unwrap_or_default()
    }
}

/// What does not fit, with its key.
fn told(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let what = shown(error.message().lines().next().unwrap_or_default());
    let what = what.replace("expected a sequence", "expected a list like [\"a\", \"b\"]");
    let key = text.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'));
    key.map_or(what.clone(), |key| format!("`{}`: {what}", shown(key)))
}

struct Reader<'a> {
    name: String,
    place: Place<'a>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn wrong(&mut self, key: &str, problem: impl std::fmt::Display) {
        self.problems.push(format!("channel `{}`: `{key}` {problem}", self.name));
    }

    fn settings(&mut self, table: Table) -> Option<ChannelSettings> {
        self.misplaced(&table);
        let mut secrets = Secrets { place: self.place, problems: Vec::new() };
        let mut secret =
            |key, inline, file: &Option<PathBuf>, env: &Option<String>, credential: &Option<String>| {
                secrets.take(key, inline, file.as_deref(), env.as_deref(), credential.as_deref())
            };
        let token =
            secret("token", &table.token, &table.token_file, &table.token_env, &table.token_credential);
        let url = secret("url", &table.url, &table.url_file, &table.url_env, &table.url_credential);
        let signing =
            secret("secret", &table.secret, &table.secret_file, &table.secret_env, &table.secret_credential);
        let password = secret(
            "password",
            &table.password,
            &table.password_file,
            &table.password_env,
            &table.password_credential,
        );
        let proxy =
            secret("proxy", &table.proxy, &table.proxy_file, &table.proxy_env, &table.proxy_credential);
        for (key, problem) in secrets.problems {
            self.wrong(key, problem);
        }
        self.check_proxy(table.kind, proxy.as_ref());
        let lang = table.lang.as_deref().map(str::parse).transpose();
        let lang = lang.unwrap_or_else(|problem| {
            self.wrong("lang", format!("is not known: {problem}"));
            None
        });
        let quiet = table.quiet_hours.as_deref().map(str::parse::<QuietHours>).transpose();
        let quiet = quiet.unwrap_or_else(|problem| {
            self.wrong("quiet_hours", problem);
            None
        });
        let timeout = self.timeout(table.timeout.as_deref());
        if table.fallback.as_ref() == Some(&table.name) {
            self.wrong("fallback", "is the channel itself; name another one");
        }
        let login = self.login(table.user.clone(), password);
        let kind = self.kind(&table, token, url, signing, login);
        Some(ChannelSettings {
            name: table.name,
            lang: lang.unwrap_or_default(),
            least: table.least.unwrap_or(Gravity::Notice),
            matcher: Matcher { target: table.target, network: table.network, labels: table.labels },
            fallback: table.fallback,
            quiet,
            at_night: match table.at_night {
                Some(Night::HoldBack) => AtNight::HoldBack,
                Some(Night::Silent) | None => AtNight::Silent,
            },
            timeout,
            proxy,
            ca_file: table.ca_file.map(|file| self.place.directory.join(file)),
            kind: kind?,
        })
    }

    /// Keys that belong to other kinds of channels.
    fn misplaced(&mut self, table: &Table) {
        let secret = |inline: &Option<SecretString>,
                      file: &Option<PathBuf>,
                      env: &Option<String>,
                      credential: &Option<String>| {
            inline.is_some() || file.is_some() || env.is_some() || credential.is_some()
        };
        let given = [
            ("token", secret(&table.token, &table.token_file, &table.token_env, &table.token_credential)),
            ("chat", table.chat.is_some()),
            ("thread", table.thread.is_some()),
            ("api_url", table.api_url.is_some()),
            ("buttons", table.buttons.is_some()),
            ("url", secret(&table.url, &table.url_file, &table.url_env, &table.url_credential)),
            (
                "secret",
                secret(&table.secret, &table.secret_file, &table.secret_env, &table.secret_credential),
            ),
            ("server", table.server.is_some()),
            ("security", table.security.is_some()),
            ("user", table.user.is_some()),
            (
                "password",
                secret(
                    &table.password,
                    &table.password_file,
                    &table.password_env,
                    &table.password_credential,
                ),
            ),
            ("from", table.from.is_some()),
            ("to", table.to.is_some()),
            ("urls", table.urls.is_some()),
            ("command", table.command.is_some()),
        ];
        let kind = table.kind;
        for (key, _) in given.into_iter().filter(|(key, given)| *given && !kind.keys().contains(key)) {
            let known = kind.keys().join(", ");
            self.wrong(
                key,
                format!("does not belong to a channel of kind {}, which has {known}", kind.code()),
            );
        }
    }

    fn kind(
        &mut self,
        table: &Table,
        token: Option<SecretString>,
        url: Option<SecretString>,
        secret: Option<SecretString>,
        login: Option<(String, SecretString)>,
    ) -> Option<ChannelKind> {
        Some(match table.kind {
            Kind::Telegram => {
                let token = self.needed("token", token, "token_file = \"/etc/reach/telegram-token\"");
                let token = token.filter(|token| self.check_token(token));
                let chat = match &table.chat {
                    Some(Chat::Number(number)) => Some(number.to_string()),
                    Some(Chat::Name(name)) => Some(name.clone()),
                    None => None,
                };
                let chat = self.needed("chat", chat, "chat = -1001234567890")?;
                if chat.parse::<i64>().is_err() && !chat.starts_with('@') {
                    self.wrong("chat", "is neither a number nor a name like \"@channel\"");
                }
                let api_url = table.api_url.clone().unwrap_or_else(|| TELEGRAM.to_owned());
                self.check_url("api_url", &api_url);
                ChannelKind::Telegram {
                    token: token?,
                    chat,
                    thread: table.thread,
                    api_url: api_url.trim_end_matches('/').to_owned(),
                    buttons: table.buttons.unwrap_or(true),
                }
            }
            Kind::Webhook => ChannelKind::Webhook { url: self.needed_url(url)?, secret },
            Kind::Slack => ChannelKind::Slack { url: self.needed_url(url)? },
            Kind::Teams => ChannelKind::Teams { url: self.needed_url(url)? },
            Kind::Email => {
                let security = table.security.unwrap_or_default();
                let server = self.needed("server", table.server.clone(), "server = \"mail.example.com\"")?;
                let (server, port) = self.server(&server, security)?;
                let from = self.needed("from", table.from.clone(), "from = \"reach@example.com\"")?;
                let to = self.needed("to", table.to.clone(), "to = [\"ops@example.com\"]")?;
                if to.is_empty() {
                    self.wrong("to", "names nobody; give one like to = [\"ops@example.com\"]");
                }
                for (key, address) in std::iter::once(("from", &from)).chain(to.iter().map(|to| ("to", to))) {
                    if address.parse::<lettre::message::Mailbox>().is_err() {
                        let shown = shown(address);
                        self.wrong(key, format!("has `{shown}`, which is no address like ops@example.com"));
                    }
                }
                if login.is_some() && security == Security::Plain {
                    self.wrong(
                        "security",
                        "is \"plain\", which would send the password readable by everybody",
                    );
                }
                ChannelKind::Email { server, port, security, login, from, to }
            }
            Kind::Alertmanager => {
                let urls = self.needed("urls", table.urls.clone(), "urls = [\"http://127.0.0.1:9093\"]")?;
                if urls.is_empty() {
                    self.wrong("urls", "names none; give all instances, not a balancer before them");
                }
                for url in &urls {
                    self.check_url("urls", url);
                }
                let urls = urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
                ChannelKind::Alertmanager { urls, login }
            }
            Kind::Command => {
                let command =
                    self.needed("command", table.command.clone(), "command = [\"/usr/local/bin/notify\"]")?;
                if command.first().is_none_or(|program| !program.starts_with('/')) {
                    self.wrong("command", "has to begin with the full path of a program");
                }
                ChannelKind::Command { command }
            }
        })
    }

    fn needed<T>(&mut self, key: &str, value: Option<T>, example: &str) -> Option<T> {
        let complained = self.problems.iter().any(|problem| problem.contains(&format!("`{key}")));
        if value.is_none() && !complained {
            self.wrong(key, format!("is missing; give one like {example}"));
        }
        value
    }

    fn needed_url(&mut self, url: Option<SecretString>) -> Option<SecretString> {
        use secrecy::ExposeSecret;
        let url = self.needed("url", url, "url_file = \"/etc/reach/webhook-url\"")?;
        if !is_http(url.expose_secret()) {
            self.wrong(
                "url",
                "is no URL that begins with http:// or https:// (its text is a secret and not shown)",
            );
            return None;
        }
        Some(url)
    }

    fn check_url(&mut self, key: &str, url: &str) {
        if !is_http(url) || url.contains('@') {
            self.wrong(key, "has to be a URL like https://host:port, without user name and password");
        }
    }

    /// A token goes into the path of a URL.
    fn check_token(&mut self, token: &SecretString) -> bool {
        use secrecy::ExposeSecret;
        let fits = token.expose_secret().split_once(':').is_some_and(|(bot, key)| {
            let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            !bot.is_empty()
                && bot.chars().all(|c| c.is_ascii_digit())
                && !key.is_empty()
                && key.chars().all(usable)
        });
        if !fits {
            self.wrong(
                "token",
                "is not what @BotFather gives, which is like 123456:ABC-DEF (the text is not shown)",
            );
        }
        fits
    }

    fn check_proxy(&mut self, kind: Kind, url: Option<&SecretString>) {
        use secrecy::ExposeSecret;
        let Some(url) = url else { return };
        if matches!(kind, Kind::Email | Kind::Command) {
            self.wrong("proxy", format!("does not belong to a channel of kind {}", kind.code()));
        }
        // The text of the problem tells neither user name nor password.
        if let Err(problem) = proxy::parse(url.expose_secret(), Some("proxy")) {
            self.wrong("proxy", format!("cannot be used: {problem}"));
        }
    }

    fn timeout(&mut self, text: Option<&str>) -> Duration {
        let Some(text) = text else { return TIMEOUT };
        match humantime::parse_duration(text) {
            Ok(span) if span >= Duration::from_secs(1) && span <= Duration::from_secs(120) => span,
            _ => {
                self.wrong("timeout", format!("`{}` is no time from 1s to 2min", shown(text)));
                TIMEOUT
            }
        }
    }

    fn login(
        &mut self,
        user: Option<String>,
        password: Option<SecretString>,
    ) -> Option<(String, SecretString)> {
        match (user, password) {
            (Some(user), Some(password)) => Some((user, password)),
            (Some(_), None) => {
                self.needed::<()>("password", None, "password_file = \"/etc/reach/mail-password\"");
                None
            }
            (None, Some(_)) => {
                self.needed::<()>("user", None, "user = \"reach\"");
                None
            }
            (None, None) => None,
        }
    }

    fn server(&mut self, text: &str, security: Security) -> Option<(String, u16)> {
        let usual = match security {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::Plain => 25,
        };
        let parsed = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                port.parse().ok().map(|port| (host, port))
            }
            _ => Some((text, usual)),
        };
        let parsed = parsed.map(|(host, port)| (host.trim_matches(['[', ']']).to_owned(), port));
        let parsed =
            parsed.filter(|(host, port)| !host.is_empty() && *port != 0 && !host.contains([' ', '/']));
        if parsed.is_none() {
            self.wrong(
                "server",
                format!("`{}` is no host, or host and port, like mail.example.com:587", shown(text)),
            );
        }
        parsed
    }
}

fn is_http(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
