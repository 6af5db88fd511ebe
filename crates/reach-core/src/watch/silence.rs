//! When not to speak, and what people tell the watch.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{IncidentId, TargetId};
use crate::Time;

/// Names a silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SilenceId(pub u64);

/// A time in which nothing is said about what it matches. What happens is recorded all the same, and told in one
/// when it is over. A maintenance window is a silence that the configuration makes, one for each of its turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// What it is about.
    pub matcher: Matcher,
    /// From here…
    pub from: Time,
    /// …to there: every silence ends.
    pub until: Time,
    /// Who wanted it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// Made by the configuration.
    pub maintenance: bool,
}

/// What a silence is about. Everything that is given has to match; nothing given matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matcher {
    /// The text of the target, with `*` for anything.
    pub target: Option<String>,
    /// All failing addresses are in this network. Where others of the name fail too, the silence does not hold.
    pub network: Option<IpNet>,
    /// These labels have these values.
    pub labels: BTreeMap<String, String>,
}

/// What somebody tells the watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Takes an incident on: no more reminders.
    Acknowledge {
        /// Which.
        incident: IncidentId,
        /// Who.
        by: String,
    },
    /// No word about an incident until then, unless it gets worse.
    Mute {
        /// Which.
        incident: IncidentId,
        /// Until when.
        until: Time,
        /// Who.
        by: String,
    },
    /// Writes down something about an incident, for those who come after.
    Remark {
        /// Which.
        incident: IncidentId,
        /// What.
        text: String,
        /// Who.
        by: String,
    },
    /// A silence from now on, or from its beginning on.
    Silence(Silence),
    /// Ends a silence.
    Expire {
        /// Which.
        silence: SilenceId,
        /// Who.
        by: String,
    },
    /// A whole survey, now.
    Examine(TargetId),
}

impl Order {
    /// Who gives it; `None` where that is not written down with it.
    pub fn author(&self) -> Option<&str> {
        match self {
            Order::Acknowledge { by, .. }
            | Order::Mute { by, .. }
            | Order::Remark { by, .. }
            | Order::Expire { by, .. } => Some(by),
            Order::Silence(silence) => Some(&silence.author),
            Order::Examine(_) => None,
        }
    }

    /// The same, to be signed.
    pub fn author_mut(&mut self) -> Option<&mut String> {
        match self {
            Order::Acknowledge { by, .. }
            | Order::Mute { by, .. }
            | Order::Remark { by, .. }
            | Order::Expire { by, .. } => Some(by),
            Order::Silence(silence) => Some(&mut silence.author),
            Order::Examine(_) => None,
        }
    }
}
