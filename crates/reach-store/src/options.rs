use std::time::Duration;

/// How much to keep, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// The size that the file and its log are kept below, in bytes; at least 4 MiB. What goes first is told
    /// at [`StoreOptions::results_for`]. Incidents, transitions and evidence are kept even if they alone are
    /// more.
    pub max_bytes: u64,
    /// How long single results are kept, and up to a day more where there are few. Where the room does not
    /// suffice the oldest go earlier, then the oldest roll-ups of ten minutes, then those of an hour.
    pub results_for: Duration,
    /// How long roll-ups of ten minutes are kept.
    pub ten_minutes_for: Duration,
    /// How long roll-ups of an hour are kept.
    pub hours_for: Duration,
    /// How long evidence, delivered messages, past silences and the audit are kept. Incidents, transitions
    /// and what else was learned are kept for ever, and so is the evidence of an incident that is not closed.
    pub evidence_for: Duration,
    /// How much evidence is kept, in bytes; the oldest goes first.
    pub evidence_bytes: u64,
    /// How many results may wait in memory while the disk takes none; more are lost, and counted.
    pub most_waiting: usize,
    /// How often results are written: so much is lost where the process is killed.
    pub flush_every: Duration,
}

impl Default for StoreOptions {
    /// 2 GiB; results for 14 days, ten minutes for 90, hours for two years; evidence for a year in 256 MiB.
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            max_bytes: 2 << 30,
            results_for: days(14),
            ten_minutes_for: days(90),
            hours_for: days(730),
            evidence_for: days(365),
            evidence_bytes: 256 << 20,
            most_waiting: 500_000,
            flush_every: Duration::from_secs(10),
        }
    }
}

/// The least that a store can be held to.
const LEAST_BYTES: u64 = 4 << 20;

impl StoreOptions {
    /// The same, with a budget that can be kept.
    pub(crate) fn sane(mut self) -> Self {
        self.max_bytes = self.max_bytes.max(LEAST_BYTES);
        self
    }

    /// The part of the budget that is the log's.
    pub(crate) fn log_bytes(&self) -> u64 {
        (self.max_bytes / 4).min(8 << 20)
    }
}
