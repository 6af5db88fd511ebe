//! Whether the watch does its work.

use std::time::Duration;

use reach_core::{
    Time,
    watch::{AddressState, Status},
};
use serde::Serialize;

/// Whether the watch does its work, and what is wrong where it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What is wrong; empty where all is well.
    pub reasons: Vec<String>,
    /// How the memory is. What it lacks makes no watch unhealthy before it lacks it for long, but whoever asks is to
    /// know.
    pub store: StoreHealth,
}

/// How the memory is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StoreHealth {
    /// For how many seconds it has taken nothing; 0 where it does.
    pub stuck_seconds: u64,
    /// Results that were lost because it did not take them in time.
    pub lost_samples: u64,
    /// What went wrong the last time.
    pub trouble: Option<String>,
}

impl Health {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// Judges the watch, not what it watches: targets that are down, or a host that is cut off, are its work and no
/// fault of it.
pub fn health(status: &Status, now: Time, stale_after: Duration, stuck_after: Duration) -> Health {
    let mut reasons = Vec::new();
    let old = now.since(status.at);
    if old > stale_after {
        reasons.push(format!("nothing is known of the last {} s", old.as_secs()));
    }
    let is_tried = |state| !matches!(state, AddressState::Gone);
    let has_work =
        status.targets.iter().flat_map(|target| &target.addresses).any(|it| is_tried(it.remembered.state()));
    // Where no name resolves yet there is nothing to try.
    let idle = now.since(status.schedule.last_try.unwrap_or(status.started).max(status.started));
    if has_work && idle > stale_after {
        reasons.push(format!("no address has been tried for {} s", idle.as_secs()));
    }
    if let Some(since) = status.store.stuck_since {
        let stuck = now.since(since);
        if stuck > stuck_after {
            reasons.push(format!("the store has taken nothing for {} s", stuck.as_secs()));
        }
    }
    let stuck = status.store.stuck_since.map_or(Duration::ZERO, |since| now.since(since));
    let store = StoreHealth {
        stuck_seconds: stuck.as_secs(),
        lost_samples: status.store.lost_samples,
        trouble: status.store.trouble.clone(),
    };
    Health { reasons, store }
}
