//! Scenarios: a pretend network, what is asked of it, and what a diagnosis has to say.
//!
//! ```toml
//! title = "Three of eight addresses are dropped by a firewall"
//! target = "push.example:443"
//!
//! [network]            # the vocabulary of `description`, which the namespaces of the lab understand too
//! stages = [{ routers = [{ name = "r1" }] }, { routers = [{ name = "fw" }] }]
//!
//! [pretend]            # what exists only here
//! raw_sockets = true
//!
//! [expect]
//! state = "partly-reachable"
//! others = "ok"
//! [[expect.endpoints]]
//! addresses = ["203.0.113.12"]
//! verdict = "filtered"
//! where = { last_answering = "10.70.1.2", ttl = 2, by = "none", next_on_open_path = "10.70.2.2" }
//! ```

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use reach_core::{
    Time,
    model::{Case, Effort, Families, Plan, Proxy, Target, TargetError},
};
use serde::Deserialize;

use crate::{
    World,
    build::build,
    description::Description,
    expect::Expect,
    network::{self, Network},
};

/// When every scenario begins: 2026-11-02 00:00 UTC.
pub const STARTED: Time = Time::from_micros(1_793_577_600_000_000);

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is about, in a sentence.
    pub title: String,
    /// What is examined, as one would type it.
    pub target: String,
    /// The network, in words that the lab understands too.
    pub network: Description,
    /// What exists only here.
    #[serde(default)]
    pub pretend: Pretend,
    /// Why the lab cannot play it.
    #[serde(default)]
    pub pretend_only: Option<String>,
    /// How it is examined.
    #[serde(default)]
    pub plan: PlanText,
    /// What a diagnosis has to say.
    pub expect: Expect,
    /// Seeds under which the expectations have to hold: 1 and so on.
    #[serde(default = "usual_seeds")]
    pub seeds: u64,
}

/// How a scenario is examined.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanText {
    /// How much to ask.
    pub effort: Effort,
    /// Which address families to look at.
    pub families: Families,
    /// Resolvers to ask besides.
    pub extra_resolvers: Vec<SocketAddr>,
}

/// What only a pretend network can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pretend {
    /// Whether raw sockets and packet capture are allowed.
    pub raw_sockets: bool,
    /// Which kernel counters can be read.
    pub counters: CountersText,
    /// When a SYN is repeated.
    pub syn_schedule: SynScheduleText,
    /// One way on each link, in milliseconds; jitter is a tenth of it.
    pub link_delay_ms: f64,
    /// Bytes of a ClientHello.
    pub hello_size: u32,
    /// Packets a second in each direction that are none of ours.
    pub other_traffic: u32,
    /// Search domains.
    pub search: Vec<String>,
    /// Proxies that the environment names.
    pub proxy: Vec<ProxyText>,
    /// `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// Initial TTL of what routers make; 64 if absent.
    pub router_ttl: Option<u8>,
    /// Initial TTL of what hosts make; 64 if absent.
    pub host_ttl: Option<u8>,
}

/// A proxy that the environment names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyText {
    /// The variable.
    pub variable: String,
    /// Its value.
    pub value: String,
}

/// Which kernel counters can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountersText {
    /// All.
    #[default]
    Full,
    /// All but `OutTransmits`.
    WithoutTransmits,
    /// None.
    None,
}

/// When a SYN is repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SynScheduleText {
    /// Linux since 6.5.
    #[default]
    Linear,
    /// Before.
    Doubling,
}

/// Why a text is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// It is not TOML, or has a key or value that means nothing here.
    #[error(transparent)]
    Malformed(#[from] toml::de::Error),
    /// The target is none.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// It contradicts itself.
    #[error("{0}")]
    Contradiction(String),
    /// One of these, in that file.
    #[error("{}: {error}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: Box<ScenarioError>,
    },
}

impl Scenario {
    /// Reads a scenario, and checks that it makes sense.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)?;
        scenario.target.parse::<Target>()?;
        let network = scenario.network(1)?;
        scenario.expect.check_addresses(&network).map_err(ScenarioError::Contradiction)?;
        Ok(scenario)
    }

    /// Reads a scenario from a file.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let text = fs::read_to_string(path)
            .map_err(|error| ScenarioError::Unreadable { path: path.to_owned(), error })?;
        Self::parse(&text)
            .map_err(|error| ScenarioError::InFile { path: path.to_owned(), error: Box::new(error) })
    }

    /// Reads all scenarios of a directory, in order of their names, each with its file's stem.
    pub fn load_all(directory: &Path) -> Result<Vec<(String, Self)>, ScenarioError> {
        let unreadable = |error| ScenarioError::Unreadable { path: directory.to_owned(), error };
        let mut paths = Vec::new();
        for entry in fs::read_dir(directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        paths.iter().map(|path| Ok((stem(path), Self::load(path)?))).collect()
    }

    /// The network, with this seed of all chance in it.
    pub fn network(&self, seed: u64) -> Result<Network, ScenarioError> {
        build(&self.network, &self.pretend, STARTED.as_secs() as i64, seed)
    }

    /// The network at rest, and the case that examines it, both from this seed.
    pub fn start(&self, seed: u64) -> Result<(World, Case), ScenarioError> {
        let network = self.network(seed)?;
        let plan = Plan {
            families: self.plan.families,
            extra_resolvers: self.plan.extra_resolvers.clone(),
            ..Plan::new(self.plan.effort, seed)
        };
        let vantage = network.client.vantage.clone();
        let case = Case { target: self.target.parse()?, vantage, plan, started: STARTED };
        Ok((World::new(network), case))
    }
}

impl Default for Pretend {
    fn default() -> Self {
        Self {
            raw_sockets: false,
            counters: CountersText::Full,
            syn_schedule: SynScheduleText::Linear,
            link_delay_ms: 1.0,
            hello_size: 320,
            other_traffic: 0,
            search: Vec::new(),
            proxy: Vec::new(),
            no_proxy: None,
            router_ttl: None,
            host_ttl: None,
        }
    }
}

impl Pretend {
    pub(crate) fn link_delay(&self) -> Duration {
        Duration::try_from_secs_f64(self.link_delay_ms / 1_000.0).unwrap_or_default()
    }

    pub(crate) fn proxies(&self) -> Vec<Proxy> {
        let proxy = |text: &ProxyText| Proxy { variable: text.variable.clone(), value: text.value.clone() };
        self.proxy.iter().map(proxy).collect()
    }
}

impl From<CountersText> for network::Counters {
    fn from(text: CountersText) -> Self {
        match text {
            CountersText::Full => Self::Full,
            CountersText::WithoutTransmits => Self::WithoutTransmits,
            CountersText::None => Self::None,
        }
    }
}

impl From<SynScheduleText> for network::SynSchedule {
    fn from(text: SynScheduleText) -> Self {
        match text {
            SynScheduleText::Linear => Self::Linear,
            SynScheduleText::Doubling => Self::Doubling,
        }
    }
}

fn usual_seeds() -> u64 {
    3
}

impl Expect {
    /// Addresses that nobody in the network knows are slips of the pen.
    fn check_addresses(&self, network: &Network) -> Result<(), String> {
        let known = |address: &IpAddr| {
            network.hosts.contains_key(address)
                || network
                    .resolvers
                    .values()
                    .any(|resolver| resolver.zone.values().any(|entry| entry.addresses.contains(address)))
                || network.client.vantage.pinned.iter().any(|(_, pinned)| pinned == address)
                || network.client.rules.iter().any(|rule| {
                    rule.matches.addresses.as_ref().is_some_and(|addresses| addresses.contains(address))
                })
        };
        let expected = self.endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
        match expected.copied().find(|address| !known(address)) {
            Some(stranger) => Err(format!("{stranger} is expected, and nobody knows it")),
            None => Ok(()),
        }
    }
}
