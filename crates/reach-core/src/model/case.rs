//! What a survey starts from. With the observations it is everything that a judgement needs, so a recording
//! is a case and its observations.

use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Target, Vantage};
use crate::time::{Time, micros};

/// One target to examine, from where, and how thoroughly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// What to reach.
    pub target: Target,
    /// The host that looks.
    pub vantage: Vantage,
    /// How thoroughly.
    pub plan: Plan,
    /// When the examination began.
    pub started: Time,
}

/// How thoroughly to examine, and how long to wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// How much to ask.
    pub effort: Effort,
    /// Resolvers to ask besides (`--resolver`) those of the vantage.
    pub extra_resolvers: Vec<SocketAddr>,
    /// Which address families to look at.
    pub families: Families,
    /// When a connection attempt is silent.
    #[serde(with = "micros")]
    pub connect_timeout: Duration,
    /// When TLS or HTTP on a standing connection is silent.
    #[serde(with = "micros")]
    pub read_timeout: Duration,
    /// When the whole examination ends, whatever is still open.
    #[serde(with = "micros")]
    pub deadline: Duration,
    /// Seed of every choice by chance (source ports, order).
    pub seed: u64,
}

/// How much to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    /// Few questions, few flows.
    Quick,
    /// Enough for stated confidence on usual networks.
    #[default]
    Normal,
    /// More of everything.
    Thorough,
}

/// Which address families to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Families {
    /// Both.
    #[default]
    Both,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Plan {
    /// The usual plan of an effort: 3.2 s for a connection (four SYNs on a current Linux, and time enough for the
    /// kernel to give up a neighbour that does not answer), 3.5 s for an answer, everything over within 9.5 s (25 s when thorough).
    pub fn new(effort: Effort, seed: u64) -> Self {
        let (connect_ms, read_ms, deadline_ms) = match effort {
            Effort::Quick => (2_000, 2_500, 6_000),
            Effort::Normal => (3_200, 3_500, 9_500),
            Effort::Thorough => (5_000, 6_000, 25_000),
        };
        Self {
            effort,
            extra_resolvers: Vec::new(),
            families: Families::Both,
            connect_timeout: Duration::from_millis(connect_ms),
            read_timeout: Duration::from_millis(read_ms),
            deadline: Duration::from_millis(deadline_ms),
            seed,
        }
    }
}
