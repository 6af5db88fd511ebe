//! The `[[scouter]]` tables of the configuration.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use reach_core::watch::{Gravity, Matcher, courier::AtNight};
use reach_report::Lang;
use reach_signal::scouter::wire::hash;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::listener::Route;
use crate::{
    alert::settings::{ChannelKind, ChannelSettings, Place, TIMEOUT},
    config::secret::{Source, read},
    output::shown,
};

/// The port of a collector.
const PORT: u16 = 6100;

/// The limits of `every`.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// A Scouter installation, as the configuration has it.
#[derive(Clone, Debug)]
pub struct ScouterSettings {
    /// Its name.
    pub name: String,
    /// How it is heard.
    pub way: Way,
    /// Only objects whose name or type fits one of these, with `*` for anything; all where it is empty.
    pub objects: Vec<String>,
    /// Who may hand on alerts over HTTP, besides this host and the collector.
    pub plug_from: Vec<IpNet>,
    /// Where texts are kept; in the state directory otherwise.
    pub texts: Option<PathBuf>,
    /// Where findings are told as alerts: the collector's UDP port.
    pub tell: Option<Tell>,
}

/// How an installation is heard.
#[derive(Clone, Debug)]
pub enum Way {
    /// Its collector is asked on TCP.
    Ask {
        /// The collector's host.
        host: String,
        /// Its port.
        port: u16,
        /// Account and password; `None`: the account that a collector takes from its own host.
        login: Option<(String, SecretString)>,
        /// How often.
        every: Duration,
    },
    /// Its HTTP API is asked.
    Api {
        /// The base of all questions, without a slash at its end.
        url: Url,
        /// How it is let in.
        login: ApiLogin,
        /// How often.
        every: Duration,
    },
    /// Datagrams of its agents are heard, be it copies of them or all of them on their way.
    Hear(Route),
}

/// How the HTTP API is let in.
#[derive(Clone, Debug)]
pub enum ApiLogin {
    /// By the address of whoever asks, or not guarded at all.
    None,
    /// By a token that account and password give.
    Account(String, SecretString),
    /// By a token that is given.
    Token(SecretString),
}

/// How findings are told to a collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tell {
    /// Its UDP port.
    pub to: SocketAddr,
    /// In which language.
    pub lang: Lang,
    /// ASCII only, and so in English.
    pub ascii: bool,
    /// The least level of an alert: 0 to 3.
    pub level: i8,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    mode: Option<String>,
    address: Option<String>,
    user: Option<String>,
    password: Option<SecretString>,
    password_file: Option<PathBuf>,
    password_env: Option<String>,
    password_credential: Option<String>,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    every: Option<String>,
    api_url: Option<String>,
    listen: Option<String>,
    relay_to: Option<String>,
    #[serde(default)]
    from: Vec<String>,
    #[serde(default)]
    plug_from: Vec<String>,
    #[serde(default)]
    objects: Vec<String>,
    texts: Option<PathBuf>,
    tell: Option<String>,
    #[serde(default)]
    tell_ascii: bool,
    tell_lang: Option<String>,
    #[serde(default)]
    tell_level: i8,
}

impl ScouterSettings {
    /// The modes, by which an installation is heard.
    pub const MODES: [&str; 4] = ["collector", "api", "listen", "relay"];

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with the key and with what would be right.
    pub fn read(table: toml::Table, place: Place<'_>) -> Result<ScouterSettings, Vec<String>> {
        let written = Written::deserialize(toml::Value::Table(table))
            .map_err(|error| vec![format!("`scouter`: {}", shown(error.message().trim()))])?;
        let mut problems = Vec::new();
        let name = written.name.clone().unwrap_or_else(|| "scouter".to_owned());
        let mut keep = |key: &str, problem: String| {
            problems.push(format!("scouter `{}`: `{key}`: {problem}", shown(&name)))
        };

        let every = match written.every.as_deref().map(humantime::parse_duration) {
            None => Some(Duration::from_secs(3)),
            Some(Ok(every)) if every >= EVERY.0 && every <= EVERY.1 => Some(every),
            Some(_) => {
                keep("every", "is no duration from 1s to 60s; give one like \"3s\"".to_owned());
                None
            }
        };
        let way = match written.mode.as_deref().unwrap_or("collector") {
            "collector" => written.ask(place, every, &mut keep),
            "api" => written.api(place, every, &mut keep),
            mode @ ("listen" | "relay") => written.hear(mode == "relay", &mut keep),
            other => {
                let all = ScouterSettings::MODES.join(", ");
                keep("mode", format!("`{}` is none; there are {all}", shown(other)));
                None
            }
        };
        let tell = written.tell(&mut keep);
        let plug_from: Result<Vec<IpNet>, String> =
            written.plug_from.iter().map(|text| network(text)).collect();
        let plug_from = plug_from.unwrap_or_else(|problem| {
            keep("plug_from", problem);
            Vec::new()
        });
        let texts = written.texts.map(|path| place.directory.join(path));
        match way {
            Some(way) if problems.is_empty() => {
                Ok(ScouterSettings { name, way, objects: written.objects, plug_from, texts, tell })
            }
            _ => Err(problems),
        }
    }

    /// Who may hand on its alerts over HTTP, besides this host.
    pub fn callers(&self) -> Vec<IpNet> {
        let collector: Option<IpAddr> = match &self.way {
            Way::Ask { host, .. } => host.parse().ok(),
            Way::Api { url, .. } => {
                url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse().ok())
            }
            Way::Hear(route) => route.forward.map(|forward| forward.ip()),
        };
        self.plug_from.iter().copied().chain(collector.map(IpNet::from)).collect()
    }

    /// The channel through which findings are told to this installation, under its name; `None` where they are not.
    pub fn channel(&self) -> Option<ChannelSettings> {
        let tell = self.tell.clone()?;
        Some(ChannelSettings {
            name: self.name.clone(),
            lang: tell.lang,
            least: Gravity::Notice,
            matcher: Matcher::default(),
            fallback: None,
            quiet: None,
            at_night: AtNight::Silent,
            timeout: TIMEOUT,
            proxy: None,
            ca_file: None,
            kind: ChannelKind::Scouter(tell),
        })
    }
}

type Keep<'k> = dyn FnMut(&str, String) + 'k;

impl Written {
    fn tell(&self, keep: &mut Keep<'_>) -> Option<Tell> {
        let lang = match self.tell_lang.as_deref().map(str::parse::<Lang>) {
            None => Lang::default(),
            Some(Ok(Lang::En)) => Lang::En,
            Some(Ok(_)) if self.tell_ascii => {
                keep("tell_lang", "cannot be written in ASCII; leave out tell_ascii, or this".to_owned());
                return None;
            }
            Some(Ok(lang)) => lang,
            Some(Err(problem)) => {
                keep("tell_lang", format!("is not known: {problem}"));
                return None;
            }
        };
        let Some(text) = &self.tell else {
            let given = [
                ("tell_ascii", self.tell_ascii),
                ("tell_lang", self.tell_lang.is_some()),
                ("tell_level", self.tell_level != 0),
            ];
            for (key, _) in given.into_iter().filter(|(_, given)| *given) {
                keep(key, "needs `tell`; give it an address like \"10.0.0.5:6100\"".to_owned());
            }
            return None;
        };
        let Ok(to) = text.parse::<SocketAddr>() else {
            let problem =
                format!("`{}` is no address with a port; give one like \"10.0.0.5:6100\"", shown(text));
            keep("tell", problem);
            return None;
        };
        if !(0..=3).contains(&self.tell_level) {
            keep("tell_level", "is none; there are 0 (info), 1, 2 and 3 (fatal)".to_owned());
            return None;
        }
        Some(Tell { to, lang, ascii: self.tell_ascii, level: self.tell_level })
    }

    fn ask(&self, place: Place<'_>, every: Option<Duration>, keep: &mut Keep<'_>) -> Option<Way> {
        self.unused(&["api_url", "listen", "relay_to", "from", "token_file", "token_env"], keep);
        let address = self.address.as_deref().unwrap_or("127.0.0.1");
        let (host, port) = destination(address, PORT).map_err(|problem| keep("address", problem)).ok()?;
        let login = self.login(place, keep)?;
        Some(Way::Ask { host, port, login, every: every? })
    }

    fn api(&self, place: Place<'_>, every: Option<Duration>, keep: &mut Keep<'_>) -> Option<Way> {
        self.unused(&["address", "listen", "relay_to", "from"], keep);
        let Some(text) = &self.api_url else {
            keep("api_url", "is missing; give one like \"http://10.0.0.5:6180/scouter\"".to_owned());
            return None;
        };
        let is_base = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
        };
        let Some(url) = Url::parse(text.trim_end_matches('/')).ok().filter(is_base) else {
            // It may hold a password, where none belongs.
            keep(
                "api_url",
                "is no base URL; give one like \"http://10.0.0.5:6180/scouter\", without login".to_owned(),
            );
            return None;
        };
        let token = match (&self.token_file, &self.token_env) {
            (Some(file), None) => Some(read(Source::File(&place.directory.join(file)), place.variable)),
            (None, Some(name)) => Some(read(Source::Variable(name), place.variable)),
            (None, None) => None,
            (Some(_), Some(_)) => {
                Some(Err("is given twice; leave one of token_file and token_env".to_owned()))
            }
        };
        let login = match (token, self.login(place, keep)?) {
            (Some(Ok(token)), None) => ApiLogin::Token(token),
            (Some(Err(problem)), _) => {
                keep("token_file", problem);
                return None;
            }
            (Some(Ok(_)), Some(_)) => {
                keep("user", "stands beside a token; leave one of them".to_owned());
                return None;
            }
            (None, Some((user, password))) => ApiLogin::Account(user, password),
            (None, None) => ApiLogin::None,
        };
        Some(Way::Api { url, login, every: every? })
    }

    fn hear(&self, relays: bool, keep: &mut Keep<'_>) -> Option<Way> {
        let mut unused = vec!["address", "api_url", "user", "password", "every", "token_file", "token_env"];
        if !relays {
            unused.push("relay_to");
        }
        self.unused(&unused, keep);
        let mut address = |key: &str, text: Option<&str>| match text.map(str::parse::<SocketAddr>) {
            Some(Ok(address)) => Some(address),
            Some(Err(_)) | None => {
                keep(key, "is no address with a port; give one like \"0.0.0.0:6100\"".to_owned());
                None
            }
        };
        let listen = address("listen", self.listen.as_deref());
        let forward = if relays { Some(address("relay_to", self.relay_to.as_deref())?) } else { None };
        let from: Result<Vec<IpNet>, String> = self.from.iter().map(|text| network(text)).collect();
        let from = from.map_err(|problem| keep("from", problem)).ok()?;
        Some(Way::Hear(Route { listen: listen?, forward, from }))
    }

    /// Account and password. The outer `None` stands for a problem.
    fn login(&self, place: Place<'_>, keep: &mut Keep<'_>) -> Option<Option<(String, SecretString)>> {
        let file = self.password_file.as_ref().map(|file| place.directory.join(file));
        let sources = [
            file.as_deref().map(Source::File),
            self.password_env.as_deref().map(Source::Variable),
            self.password_credential.as_deref().map(Source::Credential),
        ];
        let mut given: Vec<Result<SecretString, String>> =
            sources.into_iter().flatten().map(|source| read(source, place.variable)).collect();
        given.extend(self.password.clone().map(Ok));
        match (&self.user, given.pop(), given.is_empty()) {
            (None, None, _) => Some(None),
            (Some(user), Some(Ok(password)), true) => Some(Some((user.clone(), password))),
            (_, Some(Err(problem)), true) => {
                keep("password", format!("is missing: {problem}"));
                None
            }
            (Some(_), None, _) => {
                keep(
                    "user",
                    "needs a password; give password_file, password_env or password_credential".to_owned(),
                );
                None
            }
            (None, Some(_), true) => {
                keep("password", "needs `user`; name the account".to_owned());
                None
            }
            (_, Some(_), false) => {
                keep("password", "is given more than once; leave one of its forms".to_owned());
                None
            }
        }
    }

    /// Keys that mean nothing in this mode.
    fn unused(&self, keys: &[&str], keep: &mut Keep<'_>) {
        let given: BTreeSet<&str> = [
            ("address", self.address.is_some()),
            ("api_url", self.api_url.is_some()),
            ("every", self.every.is_some()),
            ("from", !self.from.is_empty()),
            ("listen", self.listen.is_some()),
            ("password", self.password.is_some()),
            ("relay_to", self.relay_to.is_some()),
            ("token_env", self.token_env.is_some()),
            ("token_file", self.token_file.is_some()),
            ("user", self.user.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, is_given)| is_given.then_some(key))
        .collect();
        let mode = self.mode.as_deref().unwrap_or("collector");
        for key in keys.iter().filter(|key| given.contains(**key)) {
            keep(key, format!("means nothing in mode `{mode}`; leave it out"));
        }
    }
}

/// Host and port of what was typed; the port may be left out.
pub(crate) fn destination(text: &str, port: u16) -> Result<(String, u16), String> {
    let wrong = || format!("`{}` is no host; give HOST or HOST:PORT", shown(text));
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok((address.to_string(), port));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, typed)) => (host, typed.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?),
        None => (text, port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if host.is_empty() || host.len() > 253 || !host.chars().all(is_host) {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

/// A network, or one address.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("`{}` is no network; give one like 10.20.0.0/16, or an address", shown(text)))
}

/// The file in the state directory that keeps the texts of an installation; each name has its own.
pub fn texts_in(directory: &Path, name: &str) -> PathBuf {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let mark = if plain == name { String::new() } else { format!("-{:08x}", hash(name.as_bytes())) };
    directory.join(format!("scouter-{plain}{mark}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<ScouterSettings, Vec<String>> {
        let variable = |name: &str| (name == "APM").then(|| "s3cret".to_owned());
        let place = Place { directory: Path::new("/etc/reach"), variable: &variable };
        ScouterSettings::read(text.parse().expect("TOML"), place)
    }

    #[test]
    fn a_collector_is_asked_on_its_own_host_where_nothing_else_is_said() {
        let Way::Ask { host, port, login, every } = settings("name = 'apm'").expect("settings").way else {
            panic!("another way")
        };
        assert_eq!((host.as_str(), port, every), ("127.0.0.1", 6100, Duration::from_secs(3)));
        assert!(login.is_none());
    }

    #[test]
    fn passwords_are_read_and_never_shown() {
        let settings =
            settings("address = 'apm.example.kr'\nuser = 'watch'\npassword_env = 'APM'").expect("settings");
        assert!(matches!(&settings.way, Way::Ask { login: Some((user, _)), .. } if user == "watch"));
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn every_mode_has_its_keys() {
        let relay =
            "mode = 'relay'\nlisten = '0.0.0.0:6100'\nrelay_to = '10.0.0.5:6100'\nfrom = ['10.0.0.0/8']";
        assert!(matches!(settings(relay).expect("settings").way, Way::Hear(Route { forward: Some(_), .. })));
        let api = "mode = 'api'\napi_url = 'http://10.0.0.5:6180/scouter/'\nuser = 'w'\npassword_env = 'APM'";
        assert!(matches!(
            settings(api).expect("settings").way,
            Way::Api { login: ApiLogin::Account(..), .. }
        ));
        let tell = settings("tell = '10.0.0.5:6100'\ntell_ascii = true\ntell_level = 1").expect("settings");
        assert_eq!(tell.tell.as_ref().map(|tell| (tell.ascii, tell.level)), Some((true, 1)));
        let channel = tell.channel().expect("a channel");
        assert_eq!(
            (channel.name.as_str(), channel.kind.code(), channel.lang),
            ("scouter", "scouter", Lang::En)
        );
        let korean = settings("tell = '10.0.0.5:6100'\ntell_lang = 'ko'").expect("settings");
        assert_eq!(korean.channel().map(|channel| channel.lang), Some(Lang::Ko));
        assert!(settings("").expect("settings").channel().is_none());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        for (text, key) in [
            ("mode = 'udp'", "mode"),
            ("every = '3'", "every"),
            ("address = 'a b'", "address"),
            ("user = 'x'", "user"),
            ("password_env = 'APM'", "password"),
            ("user = 'x'\npassword_env = 'NONE'", "password"),
            ("user = 'x'\npassword_env = 'APM'\npassword = 'y'", "password"),
            ("mode = 'listen'", "listen"),
            ("mode = 'listen'\nlisten = '0.0.0.0:1'\nrelay_to = '10.0.0.1:1'", "relay_to"),
            ("mode = 'relay'\nlisten = '0.0.0.0:1'\nrelay_to = 'x'", "relay_to"),
            ("mode = 'listen'\nlisten = '0.0.0.0:1'\nfrom = ['x']", "from"),
            ("mode = 'api'", "api_url"),
            ("mode = 'api'\napi_url = 'http://a:b@h/'", "api_url"),
            ("tell = 'x'", "tell"),
            ("tell = '10.0.0.5:6100'\ntell_level = 9", "tell_level"),
            ("tell = '10.0.0.5:6100'\ntell_lang = 'ko'\ntell_ascii = true", "tell_lang"),
            ("tell = '10.0.0.5:6100'\ntell_lang = 'kl'", "tell_lang"),
            ("tell_level = 1", "tell_level"),
            ("listen = '0.0.0.0:1'", "listen"),
            ("colour = 'red'", "colour"),
        ] {
            let problems = settings(text).expect_err(text);
            assert!(problems.iter().any(|problem| problem.contains(key)), "{text}: {problems:?}");
            assert!(!problems.concat().contains("a:b@"), "{problems:?}");
        }
    }
}
