//! What a watch begins with: its memory, the ids of its targets, its plan, its channels.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use reach_core::{
    Time,
    model::{Target, Vantage},
    stats::split_mix,
    watch::{OutboxRow, RowId, TargetId, WatchPlan, incidents::Incidents},
};
use reach_net::{
    trust::TrustRoots,
    vantage::{gateway, vantage},
};
use reach_store::{Error as StoreError, Reader, Recovered, Span, StoreOptions, Writer};

use crate::{
    alert::{Sender, settings::ChannelSettings},
    config::watch::{StoreConfig, TargetConfig, WatchConfig},
};

/// Targets and the ids that they keep.
#[derive(Debug)]
pub(super) struct Ids {
    known: BTreeMap<String, TargetId>,
    next: TargetId,
    fresh: Vec<(TargetId, String)>,
}

impl Ids {
    pub(super) fn new(recovered: &Recovered) -> Self {
        Self { known: recovered.targets.clone(), next: recovered.next.target, fresh: Vec::new() }
    }

    /// The id of a target, a new one where it never had one.
    pub(super) fn of(&mut self, target: &Target) -> TargetId {
        if let Some(id) = self.known.get(&target.text) {
            return *id;
        }
        let id = self.next;
        self.next.0 += 1;
        self.known.insert(target.text.clone(), id);
        self.fresh.push((id, target.text.clone()));
        id
    }

    /// Targets that were given an id since this was last asked.
    pub(super) fn take_fresh(&mut self) -> Vec<(TargetId, String)> {
        std::mem::take(&mut self.fresh)
    }
}

/// A memory, ready for use.
pub(super) struct Memory {
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) recovered: Recovered,
    /// A file that goes when the watch ends.
    pub(super) passing: Option<PathBuf>,
}

/// Opens the memory. One that nobody named, and that another watch uses, is replaced by one that goes with this watch.
pub(super) fn memory(config: &StoreConfig) -> Result<Memory, StoreError> {
    let options = StoreOptions {
        max_bytes: config.max_bytes,
        results_for: config.results_for,
        ten_minutes_for: config.ten_minutes_for,
        hours_for: config.hours_for,
        evidence_for: config.evidence_for,
        most_waiting: config.most_waiting,
        ..StoreOptions::default()
    };
    if let Some(directory) = config.path.parent() {
        // Where it cannot be made, the store says so in its own words.
        let _ = fs::create_dir_all(directory);
    }
    match reach_store::open(&config.path, options.clone()) {
        Ok((writer, reader, recovered)) => Ok(Memory { writer, reader, recovered, passing: None }),
        Err(StoreError::InUse { .. }) if !config.named => {
            let path = env::temp_dir().join(format!("reach-watch-{}.db", std::process::id()));
            let (writer, reader, recovered) = reach_store::open(&path, options)?;
            Ok(Memory { writer, reader, recovered, passing: Some(path) })
        }
        Err(error) => Err(error),
    }
}

/// Removes a memory that was for the time being only.
pub(super) fn forget(path: &Path) {
    for suffix in ["", "-wal", "-shm", "-lock"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // It is in a directory that is tidied up anyway.
        let _ = fs::remove_file(PathBuf::from(name));
    }
}

/// This host, as the configuration wants it called.
pub(super) fn vantage_of(config: &WatchConfig) -> Vantage {
    let extra: Vec<_> =
        config.targets.iter().flat_map(|target| target.pace.extra_resolvers.iter().copied()).collect();
    let mut vantage = vantage(&extra);
    if let Some(name) = &config.vantage {
        vantage.host.clone_from(name);
    }
    vantage
}

/// The plan of a configuration, and of the targets that signals named.
pub(super) fn plan<'a>(
    config: &'a WatchConfig,
    adopted: impl Iterator<Item = &'a TargetConfig>,
    ids: &mut Ids,
    vantage: Vantage,
    seed: u64,
) -> WatchPlan {
    config.plan(adopted, |target| ids.of(target), vantage, gateway(), split_mix(seed))
}

/// Incidents as they were, their windows filled again from what is remembered.
pub(super) fn incidents(plan: &WatchPlan, recovered: &Recovered, reader: &Reader, now: Time) -> Incidents {
    let next = recovered.next.incident;
    let mut incidents =
        Incidents::new(plan, recovered.incidents.clone(), recovered.silences.clone(), next, now);
    for row in &recovered.remembered {
        incidents.know(row);
    }
    for watched in &plan.targets {
        let burn = watched.rules.burn.iter().map(|rule| rule.long);
        let share = watched.rules.failure_share.iter().map(|rule| rule.window);
        let Some(longest) = burn.chain(share).max() else { continue };
        let from = Time::from_micros(now.as_micros().saturating_sub(longest.as_micros() as u64));
        let step = if longest > Duration::from_secs(7_200) { 600 } else { 60 };
        let span = Span { from, until: now };
        // What cannot be read again is counted anew.
        let Ok(counts) = reader.counts(watched.id, span, Duration::from_secs(step)) else { continue };
        let mut sums: BTreeMap<Time, (u32, u32)> = BTreeMap::new();
        for count in counts {
            let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            let sum = sums.entry(count.at).or_default();
            sum.0 = sum.0.saturating_add(number(count.tries.saturating_sub(count.failures)));
            sum.1 = sum.1.saturating_add(number(count.failures));
        }
        for (at, (answered, failed)) in sums {
            incidents.recall(watched.id, at, answered, failed);
        }
    }
    incidents
}

/// What the couriers have to know of earlier messages: what is still to be delivered, and what later messages of open
/// incidents refer to.
pub(super) fn kept_rows(recovered: &Recovered, reader: &Reader) -> (Vec<OutboxRow>, RowId) {
    let mut rows: BTreeMap<RowId, OutboxRow> =
        recovered.outbox.iter().map(|row| (row.id, row.clone())).collect();
    for incident in &recovered.incidents {
        if let Ok(Some(record)) = reader.incident(incident.id) {
            rows.extend(record.notices.into_iter().map(|row| (row.id, row)));
        }
    }
    (rows.into_values().collect(), recovered.next.row)
}

/// Channels, ready to send.
pub(super) fn channels(
    config: &WatchConfig,
    roots: &Arc<TrustRoots>,
) -> Result<Vec<(ChannelSettings, Sender)>, Vec<String>> {
    let mut problems = Vec::new();
    let mut channels = Vec::new();
    for settings in &config.channels {
        match Sender::new(settings, roots) {
            Ok(sender) => channels.push((settings.clone(), sender)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(channels) } else { Err(problems) }
}
