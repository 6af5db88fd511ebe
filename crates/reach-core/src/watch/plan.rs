//! What to watch, how, and when to speak of it.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::TargetId;
use crate::{
    model::{Families, Target, Vantage},
    stats::wilson,
};

/// Everything that is watched, and from where.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchPlan {
    /// The targets; no id twice.
    pub targets: Vec<Watched>,
    /// This host.
    pub vantage: Vantage,
    /// How to know that this host is connected at all.
    pub own: OwnCheck,
    /// Tries a second over all targets, at most; surveys and resolvers included.
    pub rate: f64,
    /// Surveys under way at the same time, at most.
    pub surveys: usize,
    /// Seed of every choice by chance.
    pub seed: u64,
}

/// One target, with everything that is particular to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    /// Its id.
    pub id: TargetId,
    /// What to reach.
    pub target: Target,
    /// What operators call it, and what silences match.
    pub labels: BTreeMap<String, String>,
    /// How often and how.
    pub pace: Cadence,
    /// When to speak of it.
    pub rules: Rules,
}

/// How often and how the addresses of a target are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Cadence {
    /// From one TCP handshake with an address to the next.
    pub every: Duration,
    /// From one exchange with an address to the next, where the target speaks TLS or HTTP; `None` for never.
    pub exchange_every: Option<Duration>,
    /// From one echo request to an address to the next; given up for an address that never answers. `None` for
    /// never.
    pub echo_every: Option<Duration>,
    /// From one question to each resolver to the next. The TTL of an answer makes it no rarer: what is looked for
    /// is what rotates.
    pub resolve_every: Duration,
    /// When a handshake or an echo request is called silent.
    pub timeout: Duration,
    /// When each layer above TCP is called silent.
    pub read_timeout: Duration,
    /// IPv4, IPv6 or both.
    pub families: Families,
    /// Asked besides those that the system has configured.
    pub extra_resolvers: Vec<SocketAddr>,
    /// An address that no resolver gave for this long (and three times its TTL) is gone.
    pub gone_after: Duration,
    /// An address that is gone for this long is not tried any more.
    pub forget_after: Duration,
    /// An address that was down has to answer for this long, five times at least, before it is called ok.
    pub well_after: Duration,
}

impl Default for Cadence {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            every: Duration::from_secs(10),
            exchange_every: Some(minutes(5)),
            echo_every: Some(minutes(1)),
            resolve_every: Duration::from_secs(30),
            timeout: Duration::from_secs(3),
            read_timeout: Duration::from_secs(5),
            families: Families::Both,
            extra_resolvers: Vec::new(),
            gone_after: minutes(15),
            forget_after: minutes(24 * 60),
            well_after: minutes(1),
        }
    }
}

/// How to know that this host is connected at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnCheck {
    /// Addresses that are reached (any answer, a RST too) whenever this host has a network. Two at least, which
    /// depend on different things, or the check cannot tell whose fault it is.
    pub references: Vec<SocketAddr>,
    /// The next router, where it is known and answers echo requests.
    pub gateway: Option<IpAddr>,
}

/// When to speak of a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// An address has to be down for this long before an incident is opened.
    pub open_after: Duration,
    /// Everything has to be well for this long before an incident is called recovered.
    pub recovered_after: Duration,
    /// … and for this long, with enough tries, before the all-clear.
    pub clear_after: Duration,
    /// The share of failures that is too much.
    pub failure_share: Option<FailureShare>,
    /// The latency that is too much.
    pub latency: Option<LatencyRule>,
    /// How long before the end of a certificate to speak: a warning, then an error.
    pub certificate: Option<(Duration, Duration)>,
    /// Tell of new and of vanished addresses, silently.
    pub pool_changes: bool,
    /// Tell of resolvers whose pools differ.
    pub disagreement: bool,
    /// Budgets and how fast they burn.
    pub burn: Vec<BurnRate>,
}

impl Default for Rules {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            open_after: Duration::from_secs(30),
            recovered_after: Duration::from_secs(300),
            clear_after: Duration::from_secs(3600),
            failure_share: Some(FailureShare::default()),
            latency: None,
            certificate: Some((days(14), days(3))),
            pool_changes: true,
            disagreement: true,
            burn: Vec::new(),
        }
    }
}

/// The share of failed tries that is too much. Fires only if the lower Wilson bound (95 %) of the share in the
/// window is above the threshold and there are enough tries; ends only if the upper one is below.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureShare {
    /// From 0 to 1.
    pub threshold: f64,
    /// Over how long a time.
    pub window: Duration,
    /// Fewer tries say nothing.
    pub least: u32,
}

impl Default for FailureShare {
    /// One percent, as the APM of the founding story had it, over five minutes.
    fn default() -> Self {
        Self { threshold: 0.01, window: Duration::from_secs(300), least: 30 }
    }
}

/// What a share of failures says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// It is too much: its lower 95 % Wilson bound is above the threshold. Both bounds.
    TooMuch((f64, f64)),
    /// It is not: the upper bound is below the threshold, or nothing failed in a sample that is large enough to count.
    Fine,
    /// The sample is too small to say.
    Unsaid,
}

impl FailureShare {
    /// The normal quantile of 95 %.
    const Z: f64 = 1.96;

    /// Judges a whole window.
    ///
    /// For 1 % the upper bound wants 381 tries without a failure, which a slow target does not make in a window. So
    /// a window that has enough tries and not a single failure is fine too: what fired is not seen any more, and an
    /// alarm that only an hour's tries could end would be ignored by then.
    pub fn judge(&self, failed: u64, tries: u64) -> Share {
        if tries < u64::from(self.least.max(1)) {
            return Share::Unsaid;
        }
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let bounds = wilson(count(failed), count(tries), Self::Z);
        if bounds.0 > self.threshold {
            Share::TooMuch(bounds)
        } else if bounds.1 < self.threshold || failed == 0 {
            Share::Fine
        } else {
            Share::Unsaid
        }
    }
}

/// The latency that is too much: this quantile of the handshakes in the window is above the threshold, and so many
/// are (by the lower Wilson bound of their share) that it is no chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyRule {
    /// From 0 to 1.
    pub quantile: f64,
    /// What is too long.
    pub above: Duration,
    /// Over how long a time.
    pub window: Duration,
    /// Fewer tries say nothing.
    pub least: u32,
}

/// A budget of failures burns too fast over a long and over a short window at once (Google's *Site Reliability
/// Workbook*, chapter 5, table 5-8).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BurnRate {
    /// The share of tries that has to work, from 0 to 1: 0.999 leaves a budget of 0.1 %.
    pub objective: f64,
    /// How many times faster than the budget allows.
    pub factor: f64,
    /// The long window.
    pub long: Duration,
    /// The short one, which ends the alarm soon after the failures end.
    pub short: Duration,
    /// Whether it rings.
    pub page: bool,
}
