//! What pages show beside the status, published as often.

use std::{collections::BTreeMap, sync::Arc};

use reach_core::{
    Time,
    stats::median,
    watch::{
        Status, TargetId,
        heard::HeardView,
        recent::{Hour, RecentView},
    },
};
use reach_report::{chart::Spark, page::Glance};

/// What pages show beside the status.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The last hour of each target.
    pub recent: RecentView,
    /// What other systems said in the last hour.
    pub heard: Arc<HeardView>,
}

impl Beside {
    /// The last hour of each target, for the overview.
    pub(super) fn glances(&self, status: &Status) -> BTreeMap<TargetId, Glance> {
        let glance = |id: TargetId| Some((id, of_hour(self.recent.hour(id)?, status.at)));
        status.targets.iter().filter_map(|target| glance(target.id)).collect()
    }

    /// The last hour of one target.
    pub(super) fn glance(&self, target: TargetId, now: Time) -> Option<Glance> {
        self.recent.hour(target).map(|hour| of_hour(hour, now))
    }
}

fn of_hour(hour: &Hour, now: Time) -> Glance {
    let minutes = hour.minutes(now);
    let sum = |of: fn(&reach_core::watch::recent::Minute) -> u32| {
        minutes.iter().map(|one| u64::from(of(one))).sum()
    };
    Glance {
        tries: sum(|one| one.tries),
        failed: sum(|one| one.failed),
        latency: median(minutes.iter().filter_map(|one| one.latency)),
        calm: hour.calm(),
        recent: minutes
            .iter()
            .map(|one| Spark { tries: one.tries.into(), failed: one.failed.into(), latency: one.latency })
            .collect(),
    }
}
