//! What is known of the way to one endpoint at one moment: who answers, who fails to, and how long to wait for whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::track::Scene;
use crate::{
    Time,
    route::log::{Log, Shot},
    stats,
};

/// The least that a packet is waited for before anything is concluded from its silence: a busy host, or a router that
/// makes ICMP errors on its slow path, may take so long for any of them.
pub(super) const LEAST_PATIENCE: Duration = Duration::from_millis(150);
/// How sure it has to be that a hop answers fewer packets than the hops behind it.
const LIMITED_ALPHA: f64 = 0.02;

/// What a plan is made from.
pub(super) struct View<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) log: &'a Log,
    /// The slowest hop, and by how much round trips differ.
    slowest: Option<Duration>,
    spread: Duration,
    pub(super) last: u8,
    pub(super) end: Option<u8>,
    /// Packets answered and lost at each hop.
    tallies: BTreeMap<u8, (u32, u32)>,
    /// Hops whose answers fail to come where those of hops behind them do come.
    limited: BTreeSet<u8>,
    /// Packets are lost at hops that do answer.
    pub(super) lossy: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(log: &'a Log, scene: &'a Scene<'a>) -> Self {
        let known = slowest(log);
        let last = log.hops.keys().rev().copied().find(|&ttl| log.replies(ttl).next().is_some());
        let mut view = Self {
            scene,
            log,
            slowest: known.map(|(rtt, _)| rtt),
            spread: known.map_or(Duration::ZERO, |(rtt, spread)| spread.min(rtt)),
            last: last.unwrap_or(0),
            end: log.end(),
            tallies: BTreeMap::new(),
            limited: BTreeSet::new(),
            lossy: false,
        };
        view.tallies = log.hops.keys().map(|&ttl| (ttl, view.count(ttl))).collect();
        view.limited = log.hops.keys().copied().filter(|&ttl| view.answers_fail(ttl)).collect();
        view.lossy = view.loses();
        view
    }

    /// How long a hop usually takes that lies before one that answered: then it may be asked again.
    pub(super) fn usual_wait(&self) -> Duration {
        let rtt = self.slowest.unwrap_or(self.scene.hints.slowest);
        rtt.mul_f64(1.25) + self.spread + Duration::from_millis(20) + self.scene.lateness
    }

    /// How long such a hop may take before its silence means something.
    pub(super) fn near_patience(&self) -> Duration {
        let wait = self.usual_wait().max(LEAST_PATIENCE + self.scene.lateness);
        wait.min(self.scene.plan.timeout)
    }

    /// How long anything may take behind the last hop that answered: the next link may be a long one. Two turns of
    /// it come to less than two thirds of the longest wait.
    pub(super) fn dark_patience(&self) -> Duration {
        let rtt = self.slowest.unwrap_or(self.scene.hints.slowest);
        let longest = self.scene.plan.timeout;
        (rtt.mul_f64(2.5).max(longest.mul_f64(0.32)) + self.scene.lateness).min(longest)
    }

    /// How long the endpoint itself may take.
    pub(super) fn end_timeout(&self) -> Duration {
        (self.dark_patience() * 2).min(self.scene.plan.timeout)
    }

    fn patience(&self, ttl: u8) -> Duration {
        if ttl <= self.last || self.end.is_some() { self.near_patience() } else { self.dark_patience() }
    }

    /// When a packet under way is no longer waited for.
    pub(super) fn expires(&self, ttl: u8, shot: &Shot) -> Time {
        shot.sent + self.patience(ttl)
    }

    pub(super) fn is_lost(&self, ttl: u8, shot: &Shot) -> bool {
        shot.reply.is_none() && (shot.done.is_some() || self.scene.now >= self.expires(ttl, shot))
    }

    pub(super) fn is_waiting(&self, ttl: u8, shot: &Shot) -> bool {
        shot.done.is_none() && !self.is_lost(ttl, shot)
    }

    /// Packets answered and lost at a hop.
    pub(super) fn tally(&self, ttl: u8) -> (u32, u32) {
        self.tallies.get(&ttl).copied().unwrap_or_default()
    }

    pub(super) fn is_limited(&self, ttl: u8) -> bool {
        self.limited.contains(&ttl)
    }

    fn count(&self, ttl: u8) -> (u32, u32) {
        let shots = self.log.hops.get(&ttl).into_iter().flatten().flat_map(|(_, shots)| shots.values());
        shots.fold((0, 0), |(answered, lost), shot| {
            (answered + u32::from(shot.reply.is_some()), lost + u32::from(self.is_lost(ttl, shot)))
        })
    }

    fn answers_fail(&self, ttl: u8) -> bool {
        let (answered, lost) = self.tally(ttl);
        if answered == 0 || lost < 3 {
            return false;
        }
        let end = self.end.unwrap_or(self.last);
        let behind = (ttl.saturating_add(1)..=end).map(|ttl| self.tally(ttl));
        let (come, gone) = behind
            .filter(|(come, _)| *come > 0)
            .fold((0, 0), |(come, gone), (some, no)| (come + some, gone + no));
        come > 0 && stats::fisher_greater(lost, answered, gone, come) < LIMITED_ALPHA
    }

    fn loses(&self) -> bool {
        let tallies = (1..=self.last).map(|ttl| (ttl, self.tally(ttl)));
        let heard = tallies.filter(|(ttl, (answered, _))| *answered > 0 && !self.is_limited(*ttl));
        let (answered, lost) =
            heard.fold((0, 0), |(answered, lost), (_, (some, no))| (answered + some, lost + no));
        lost >= 3 && lost * 30 > answered + lost
    }
}

/// The slowest of the hops, each by its fastest answer, and the largest difference between answers of one hop.
pub(super) fn slowest(log: &Log) -> Option<(Duration, Duration)> {
    let hops = log.hops.keys().filter_map(|&ttl| {
        let fastest = log.replies(ttl).map(|(_, reply)| reply.rtt).min()?;
        let slowest = log.replies(ttl).map(|(_, reply)| reply.rtt).max()?;
        Some((fastest, slowest.saturating_sub(fastest)))
    });
    hops.reduce(|(rtt, spread), (other, wider)| (rtt.max(other), spread.max(wider)))
}
