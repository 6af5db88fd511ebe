//! What signals say is wrong that is no target's matter.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Gravity, joining::Suffering};
use crate::{
    Time,
    signal::{Alert, Gauge, Statement},
    time::micros,
};

/// Something that is wrong with a service, a database or this host, and that no target stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Matter {
    /// What it is, for good: there is one open incident for each at most.
    pub key: String,
    /// What it is about, as people know it.
    pub title: String,
    /// What operators call it, and what silences match.
    pub labels: BTreeMap<String, String>,
    /// How bad it is.
    pub gravity: Gravity,
    /// Since when.
    pub since: Time,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// A service fails, and what fails names no destination.
    Ailing(Suffering),
    /// Something runs full.
    Full {
        /// What is measured.
        gauge: Gauge,
        /// Of what.
        of: String,
        /// How full it is: 1 is full.
        share: f64,
        /// What is too much; `None` where only the forecast says so.
        limit: Option<f64>,
        /// In use, in the gauge's unit.
        used: Option<u64>,
        /// How much there is, in the gauge's unit.
        total: Option<u64>,
        /// When it will be full, if that can be said.
        forecast: Option<FullIn>,
    },
    /// Something that reported does so no more.
    Absent {
        /// What.
        thing: String,
    },
    /// Statements take too long.
    Slow {
        /// The worst of them, each once.
        statements: Vec<Statement>,
    },
    /// Another system raised an alert.
    Alert(Alert),
}

/// How long until something is full, if it goes on as it did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FullIn {
    /// At the earliest.
    #[serde(with = "micros")]
    pub earliest: Duration,
    /// Most likely.
    #[serde(with = "micros")]
    pub likely: Duration,
    /// At the latest.
    #[serde(with = "micros")]
    pub latest: Duration,
}
