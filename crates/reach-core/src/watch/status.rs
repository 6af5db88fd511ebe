//! What is known at this moment, for `reach status`, the metrics and the page.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{AddressState, Incident, Layer, Reason, Series, Silence, TargetId};
use crate::{Time, model::ResolutionError, time::micros};

/// What is remembered of an address from one run to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The address.
    pub series: Series,
    /// What is thought of it, whether or not resolvers still give it; never [`AddressState::Gone`].
    pub health: AddressState,
    /// Since when.
    pub since: Time,
    /// Why it failed the last time.
    pub reason: Option<Reason>,
    /// When it was first seen.
    pub first_seen: Time,
    /// When a resolver gave it last.
    pub last_given: Time,
    /// The TTL that it was given with last, in seconds.
    pub ttl_s: u32,
    /// The resolvers that gave it.
    pub resolvers: BTreeSet<SocketAddr>,
    /// Since when no resolver gives it.
    pub gone_since: Option<Time>,
    /// When it answered last; never, where it has been blocked from birth.
    pub last_ok: Option<Time>,
    /// When the first certificate of the chain that it shows expires, in seconds since the Unix epoch.
    pub certificate_expires: Option<i64>,
}

impl Remembered {
    /// What is thought of it, as people are told.
    pub fn state(&self) -> AddressState {
        if self.gone_since.is_some() { AddressState::Gone } else { self.health }
    }
}

/// What is known at this moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The moment.
    pub at: Time,
    /// When the watch began.
    pub started: Time,
    /// Whether this host reaches anything; `None` where that is not known yet or cannot be told.
    pub online: Option<bool>,
    /// The targets, by their ids.
    pub targets: Vec<TargetStatus>,
    /// The incidents that are not closed.
    pub incidents: Vec<Incident>,
    /// Incidents opened since the watch began, and their changes of phase.
    pub incidents_opened: u64,
    /// Changes of phase of all incidents since the watch began.
    pub incident_transitions: u64,
    /// Silences that are not over.
    pub silences: Vec<Silence>,
    /// How the patrol keeps its times.
    pub schedule: ScheduleStatus,
    /// The systems that are heard, by their names.
    #[serde(default)]
    pub sources: Vec<SourceStatus>,
    /// How far the messages are.
    pub channels: BTreeMap<String, ChannelStatus>,
    /// How the memory is.
    pub store: StoreStatus,
}

/// What is known of a system that says things.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name in the configuration.
    pub source: String,
    /// When it was heard last, whether it had anything to say or not.
    pub heard: Option<Time>,
    /// Signals that it gave since the watch began.
    pub signals: u64,
    /// What of it is known to be lost: datagrams, texts, lines.
    pub lost: u64,
}

/// What is known of a target at this moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Its id.
    pub id: TargetId,
    /// Its text.
    pub target: String,
    /// The name or address alone.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Why it does not resolve; `None` where it does or nothing is known yet.
    pub unresolved: Option<ResolutionError>,
    /// Its addresses, those that are gone included.
    pub addresses: Vec<AddressStatus>,
    /// The resolvers asked for it.
    pub resolvers: BTreeMap<SocketAddr, ResolverStatus>,
    /// Addresses seen for the first time since the watch began.
    pub appeared: u64,
    /// A survey of it is under way.
    pub examining: bool,
}

/// What is known of an address at this moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddressStatus {
    /// What will be remembered of it.
    pub remembered: Remembered,
    /// What came of trying it since the watch began. Boxed, because a map makes room for eleven of whatever is in it,
    /// and nearly all of ten thousand addresses have one.
    pub layers: BTreeMap<Layer, Box<LayerStatus>>,
}

/// Upper bounds of the classes that latencies are counted in, in microseconds: 1 ms to 10 s.
pub const LATENCY_BOUNDS: [u64; 13] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// What came of trying an address at one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerStatus {
    /// Tries with a result.
    pub tries: u64,
    /// Failures by reason.
    pub failures: BTreeMap<Reason, u64>,
    /// Tries that this host could not make.
    pub unable: u64,
    /// When the last one was.
    pub last: Time,
    /// How long the last answer took.
    #[serde(with = "micros::option")]
    pub last_rtt: Option<Duration>,
    /// Whether the last one worked.
    pub last_worked: bool,
    /// Answers at most as slow as each of [`LATENCY_BOUNDS`] and slower than the one before; the last class is
    /// those slower than all.
    pub latency: [u64; LATENCY_BOUNDS.len() + 1],
    /// Of all answers, in microseconds.
    pub latency_sum: u64,
}

/// What is known of a resolver for one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolverStatus {
    /// Questions with an answer.
    pub answers: u64,
    /// Questions without a usable one.
    pub failures: u64,
    /// Why the last one failed; `None` where it did not.
    pub error: Option<ResolutionError>,
    /// How long the last answer took.
    #[serde(with = "micros::option")]
    pub last_took: Option<Duration>,
    /// The addresses that it gave lately.
    pub addresses: BTreeSet<IpAddr>,
}

/// Upper bounds of the classes that lateness is counted in, in microseconds: 1 ms to 10 s.
pub const LATENESS_BOUNDS: [u64; 12] =
    [1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 1_000_000, 2_500_000, 10_000_000];

/// By how much tries and echo requests were sent later than planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// At most as late as each of [`LATENESS_BOUNDS`] and later than the one before; the last class is those later than
    /// all.
    pub counts: [u64; LATENESS_BOUNDS.len() + 1],
    /// Of all, in microseconds.
    pub sum: u64,
}

impl Lateness {
    /// Counts one.
    pub fn add(&mut self, late: Duration) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.counts[LATENESS_BOUNDS.partition_point(|&bound| bound < micros)] += 1;
        self.sum = self.sum.saturating_add(micros);
    }
}

/// How the patrol keeps its times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleStatus {
    /// When the last address was tried.
    pub last_try: Option<Time>,
    /// How late the last try was.
    #[serde(with = "micros")]
    pub lag: Duration,
    /// How late all were, by when they were really sent.
    #[serde(default)]
    pub lateness: Lateness,
    /// Tries under way.
    pub in_flight: u64,
    /// Tries that were left out because the rate was used up.
    pub skipped_rate: u64,
    /// Tries that were left out because the one before was still under way.
    pub skipped_busy: u64,
    /// Tries that were left out because nothing was done: the host slept.
    pub skipped_gap: u64,
    /// Times that an address was given and not taken up, because its target has too many already.
    pub left_out: u64,
}

/// How far the messages of a channel are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// Rows not yet delivered.
    pub pending: u64,
    /// When the oldest of them was made.
    pub oldest: Option<Time>,
    /// Delivered since the watch began.
    pub sent: u64,
    /// Handed over in vain since the watch began.
    pub failed: u64,
    /// Rows that the channel will never take.
    pub dead: u64,
    /// Since when the channel takes nothing.
    pub broken_since: Option<Time>,
    /// What it said last, without any secret.
    pub trouble: Option<String>,
}

/// How the memory is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// The size of its files.
    pub bytes: u64,
    /// Samples that it has.
    pub samples: u64,
    /// Samples that were lost because it did not take them in time.
    pub lost_samples: u64,
    /// Since when it takes nothing.
    pub stuck_since: Option<Time>,
    /// What went wrong the last time.
    pub trouble: Option<String>,
}
