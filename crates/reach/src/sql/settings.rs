//! The tables `[[sql]]` of the configuration: databases that are asked for their slow statements.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    output::shown,
    web::settings::{Source, span},
};

/// A database, and how to ask it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlSettings {
    /// What signals and messages call it.
    pub name: String,
    /// Whose protocol it speaks.
    pub kind: SqlKind,
    /// Its host name or address; or the directory of its socket (PostgreSQL), or the socket itself (MySQL).
    pub host: String,
    /// Its port; the usual one where it is not given.
    #[serde(default)]
    pub port: Option<u16>,
    /// The user to be. One who may read statistics and nothing else is best: `pg_monitor`, or `PROCESS` and `SELECT` on
    /// `performance_schema`.
    pub user: String,
    /// The password: in a file, in the environment, in a credential of systemd, or the text itself.
    #[serde(default)]
    pub password: Option<Source>,
    /// The database to be in. Statements of all databases are seen from any, but for `pg_stat_statements`, which has to be
    /// installed in this one.
    #[serde(default)]
    pub database: Option<String>,
    /// Whether to speak TLS. Not given: everywhere but on this host itself.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Certificates to trust instead of the system's, in PEM.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// From which time on a statement is slow.
    #[serde(with = "span", default = "second")]
    pub slow: Duration,
    /// How often to ask.
    #[serde(with = "span", default = "ten_seconds")]
    pub every: Duration,
}

/// Whose protocol a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SqlKind {
    /// PostgreSQL.
    #[serde(alias = "postgresql")]
    Postgres,
    /// MySQL and MariaDB.
    #[serde(alias = "mariadb")]
    Mysql,
}

/// Whether to speak TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Never.
    Off,
    /// Always, with a certificate that is valid for the host. Without it no password is sent.
    Require,
}

fn second() -> Duration {
    Duration::from_secs(1)
}

fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

impl SqlSettings {
    /// What is wrong with them, each with what would be right.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, value) in [("name", &self.name), ("host", &self.host), ("user", &self.user)] {
            if value.trim().is_empty() || value.chars().any(char::is_control) {
                problems
                    .push(format!("`{key}` is `{}`; give a text without control characters", shown(value)));
            }
        }
        let mut within = |key: &str, value: Duration, least: Duration, most: Duration| {
            if !(least..=most).contains(&value) {
                let [value, least, most] = [value, least, most].map(humantime::format_duration);
                problems.push(format!("`{key}` is {value}; give something from {least} to {most}"));
            }
        };
        within("slow", self.slow, Duration::from_millis(1), Duration::from_secs(3_600));
        within("every", self.every, Duration::from_secs(1), Duration::from_secs(3_600));
        if self.is_socket() && self.tls == Some(Tls::Require) {
            problems
                .push("`tls` is \"require\", but a socket of this host knows none; leave it out".to_owned());
        }
        problems
    }

    /// Whether it is reached by a socket of this host.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Whether to speak TLS.
    pub fn wants_tls(&self) -> bool {
        let stays = self.is_socket()
            || self.host == "localhost"
            || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        self.tls.map_or(!stays, |tls| tls == Tls::Require)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SqlSettings, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_table_is_read_and_its_password_is_not_shown() {
        let settings = read(
            "name = \"orders\"\nkind = \"postgresql\"\nhost = \"db.example\"\nuser = \"reach\"\npassword = \"hunter2\"\n",
        )
        .expect("right");
        assert_eq!((settings.kind, settings.slow, settings.wants_tls()), (SqlKind::Postgres, second(), true));
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(settings.problems().is_empty());
    }

    #[test]
    fn tls_is_left_out_on_this_host_alone() {
        for (host, tls) in
            [("127.0.0.1", false), ("::1", false), ("/run/postgresql", false), ("192.0.2.1", true)]
        {
            let text = format!("name = \"a\"\nkind = \"mysql\"\nhost = \"{host}\"\nuser = \"u\"\n");
            assert_eq!(read(&text).expect("right").wants_tls(), tls, "{host}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let settings =
            read("name = \"\"\nkind = \"mysql\"\nhost = \"/run/x\"\nuser = \"u\"\ntls = \"require\"\nevery = \"0s\"\n")
                .expect("read");
        assert_eq!(settings.problems().len(), 3, "{:?}", settings.problems());
        assert!(read("name = \"a\"\nkind = \"oracle\"\nhost = \"h\"\nuser = \"u\"\n").is_err());
    }
}
