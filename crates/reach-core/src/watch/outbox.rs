//! What is to be delivered, and how far it is.

use serde::{Deserialize, Serialize};

use super::{IncidentId, Notice};
use crate::Time;

/// Names a row of the outbox. Grows; no id is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowId(pub u64);

/// One notice for one channel. Written in the transaction of the change that it tells of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its id.
    pub id: RowId,
    /// The name of the channel, as the configuration has it.
    pub channel: String,
    /// What to tell.
    pub notice: Notice,
    /// How far it is.
    pub delivery: Delivery,
    /// Times that it was handed to the channel.
    pub attempts: u32,
    /// Not before then.
    pub not_before: Time,
    /// What went wrong the last time, without any secret.
    pub trouble: Option<String>,
    /// It was meant for another channel, which does not take it.
    #[serde(default)]
    pub instead_of: Option<InsteadOf>,
}

/// Why a channel gets what was meant for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InsteadOf {
    /// The other channel.
    pub channel: String,
    /// What it said, without any secret.
    pub trouble: String,
}

impl OutboxRow {
    /// What it is about.
    pub fn incident(&self) -> IncidentId {
        self.notice.incident.id
    }
}

/// How far a row is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Waits for its turn.
    Queued,
    /// Was handed to the channel, and nothing came back yet.
    Sending,
    /// It may have been delivered: the answer did not come.
    Unknown,
    /// It was delivered.
    Sent {
        /// When.
        at: Time,
        /// What the other side calls the message, where it has names for them.
        message: Option<String>,
    },
    /// A later one says what it would have said.
    Merged {
        /// Which.
        into: RowId,
    },
    /// The channel will never take it: it was given to another, if there is one.
    Dead,
}

impl Delivery {
    /// Whether something is still to be done.
    pub const fn is_pending(&self) -> bool {
        matches!(self, Delivery::Queued | Delivery::Sending | Delivery::Unknown)
    }
}
