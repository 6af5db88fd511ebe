//! The table `[host]` of the configuration: what is looked at on this host.

use std::{collections::BTreeMap, time::Duration};

use reach_core::signal::Gauge;
use reach_signal::host::{connects::Patience, limits::Limits};
use serde::{Deserialize, Serialize};

use crate::web::settings::span;

/// What is looked at, how often, and what is too full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostSettings {
    /// Whether this host is looked at at all.
    pub enabled: bool,
    /// How often levels are measured.
    #[serde(with = "span")]
    pub every: Duration,
    /// Which attempts of applications to connect are followed.
    pub connects: Scope,
    /// How often the kernel is asked for them.
    #[serde(with = "span")]
    pub look: Duration,
    /// How long SYNs have to be unanswered until an attempt is told as blocked.
    #[serde(with = "span")]
    pub blocked_after: Duration,
    /// Whether the JVMs of this host are looked at.
    pub jvms: bool,
    /// Whether network namespaces of containers are looked at too.
    pub containers: bool,
    /// Mount points that are left out; `/mnt/*` is all below one.
    pub exclude_mounts: Vec<String>,
    /// Gauges that are left out: `swap`, `load`.
    pub exclude: Vec<Gauge>,
    /// Other limits than the usual ones: `disk-space = { warning = 0.8, severe = 0.9 }`.
    pub limits: BTreeMap<Gauge, Shares>,
}

/// Which attempts to connect are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// None.
    Off,
    /// Those to addresses of targets.
    #[default]
    Watched,
    /// All, but for those that stay on this host.
    All,
}

/// From which share on a gauge is a concern.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawShares")]
pub struct Shares {
    /// Somebody should look at it.
    pub warning: f64,
    /// It is severe.
    pub severe: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawShares {
    warning: f64,
    severe: f64,
}

impl TryFrom<RawShares> for Shares {
    type Error = String;

    fn try_from(raw: RawShares) -> Result<Self, String> {
        let RawShares { warning, severe } = raw;
        // Load may be over 1.
        if warning > 0.0 && warning <= severe && severe <= 1_000.0 {
            Ok(Self { warning, severe })
        } else {
            Err(format!(
                "`warning` has to be above 0 and not above `severe`, as shares: give {{ warning = 0.8, severe = 0.95 }}, \
                 not {warning} and {severe}"
            ))
        }
    }
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            every: Duration::from_secs(30),
            connects: Scope::Watched,
            look: Duration::from_secs(1),
            blocked_after: Patience::default().blocked,
            jvms: true,
            containers: true,
            exclude_mounts: Vec::new(),
            exclude: Vec::new(),
            limits: BTreeMap::new(),
        }
    }
}

impl HostSettings {
    /// What is wrong with them, each with what would be right.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut within = |name: &str, value: Duration, least: Duration, most: Duration| {
            if !(least..=most).contains(&value) {
                let [value, least, most] = [value, least, most].map(humantime::format_duration);
                problems.push(format!("`{name}` is {value}; give something from {least} to {most}"));
            }
        };
        within("every", self.every, Duration::from_secs(5), Duration::from_secs(300));
        within("look", self.look, Duration::from_millis(200), Duration::from_secs(60));
        within("blocked_after", self.blocked_after, Duration::from_secs(1), Duration::from_secs(120));
        for mount in self.exclude_mounts.iter().filter(|mount| !mount.starts_with('/')) {
            let mount = crate::output::shown(mount);
            problems.push(format!(
                "`exclude_mounts`: `{mount}` is no mount point; give one like \"/mnt/backup\" or \"/mnt/*\""
            ));
        }
        problems
    }

    /// The limits of levels.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (&gauge, shares) in &self.limits {
            limits.set(gauge, shares.warning, shares.severe);
        }
        for &gauge in &self.exclude {
            limits.remove(gauge);
        }
        limits
    }

    /// Whether a mount point is left out.
    pub fn excludes_mount(&self, point: &str) -> bool {
        self.exclude_mounts.iter().any(|excluded| match excluded.strip_suffix("/*") {
            Some(above) => point.strip_prefix(above).is_some_and(|below| below.starts_with('/')),
            None => point == excluded.as_str(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_its_limits() {
        let settings: HostSettings = toml::from_str(
            "every = \"1m\"\nconnects = \"all\"\nexclude = [\"swap\"]\nexclude_mounts = [\"/mnt/*\"]\n\
             limits.disk-space = { warning = 0.5, severe = 0.6 }\n",
        )
        .expect("right");
        assert_eq!((settings.every, settings.connects), (Duration::from_secs(60), Scope::All));
        let limits = settings.limits();
        assert_eq!(limits.of(Gauge::DiskSpace).map(|limit| (limit.warning, limit.severe)), Some((0.5, 0.6)));
        assert!(limits.of(Gauge::Swap).is_none() && settings.problems().is_empty());
        assert!(
            settings.excludes_mount("/mnt/a")
                && !settings.excludes_mount("/mnt")
                && !settings.excludes_mount("/mnta")
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        let error = toml::from_str::<HostSettings>("limits.heap = { warning = 0.9, severe = 0.8 }")
            .expect_err("wrong");
        assert!(error.message().contains("not above `severe`"), "{error}");
        assert!(toml::from_str::<HostSettings>("limits.hepa = { warning = 0.8, severe = 0.9 }").is_err());
        let settings = HostSettings {
            look: Duration::from_millis(1),
            exclude_mounts: vec!["mnt".to_owned()],
            ..HostSettings::default()
        };
        let problems = settings.problems();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("200ms"), "{problems:?}");
    }
}
