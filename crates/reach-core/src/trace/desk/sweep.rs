//! Every hop once, and those that stay silent again.

use std::{collections::BTreeMap, net::IpAddr};

use super::{Desk, SLOW_TRIES, SLOW_TRIES_TOGETHER, priority};
use crate::{Time, trace::track::Ask};

/// Hops asked at once before anything is known.
pub(super) const FIRST_HOPS: u8 = 10;
/// Hops asked beyond the farthest that answered.
const AHEAD: u8 = 6;
/// Silent hops behind the last that answers before a path is given up.
const DARK_HOPS: u8 = 5;
/// Tries at a hop before it counts as silent, and where packets are lost elsewhere too.
const TRIES: usize = 3;
const TRIES_IN_LOSS: usize = 9;
/// Tries at a hop behind the last that answers.
const DARK_TRIES: usize = 2;

impl Desk<'_> {
    /// Every hop once, as far as the path is known to go and some way further.
    pub(super) fn sweep(&mut self) {
        let plan = self.plan;
        for ttl in plan.first_ttl.max(1)..=self.window() {
            if self.log.hops.contains_key(&ttl) {
                continue;
            }
            let place = if self.one_at_a_time() && plan.all_paths {
                u16::from(ttl - plan.first_ttl.max(1))
            } else {
                0
            };
            let own = self.view.scene.flows.number(place);
            let flow = if !self.busy.contains(&own) {
                Some(own)
            } else if plan.all_paths {
                self.fresh_flow(ttl)
            } else {
                None
            };
            match flow {
                Some(flow) => self.want(priority::SWEEP, Ask::Hop(ttl), flow),
                None => self.blocked = true,
            }
        }
    }

    /// The last TTL worth asking.
    fn window(&self) -> u8 {
        let plan = self.plan;
        if let Some(end) = self.view.end {
            return end.min(plan.max_ttl);
        }
        if self.circles() {
            return self.view.last;
        }
        let first = plan.first_ttl.max(1).saturating_add(FIRST_HOPS - 1);
        let ahead = if self.view.last > 0 { self.view.last.saturating_add(AHEAD) } else { 0 };
        let others = match self.view.scene.hints.distance {
            0 => 0,
            distance => distance.saturating_add(1),
        };
        first.max(ahead).max(others).min(plan.max_ttl)
    }

    /// The same routers again and again: what comes next is known.
    fn circles(&self) -> bool {
        let mut times: BTreeMap<IpAddr, u32> = BTreeMap::new();
        for hop in self.census.values().filter(|hop| hop.width == 1) {
            for &at in hop.flows.values().take(1) {
                *times.entry(at).or_default() += 1;
            }
        }
        times.values().any(|&times| times >= 4)
    }

    /// The last hop that has to be heard of, or to be known as silent.
    fn horizon(&self) -> u8 {
        let dark = self.view.last.saturating_add(DARK_HOPS).max(self.view.scene.hints.distance);
        self.view.end.unwrap_or(dark).min(self.plan.max_ttl)
    }

    /// Hops that gave no answer: on other flows, each alone, so that an answer can be told whose it is.
    pub(super) fn ask_silent_again(&mut self) {
        let lossy = self.view.lossy;
        let horizon = self.horizon();
        let now = self.view.scene.now;
        let silent: Vec<u8> = self
            .log
            .hops
            .keys()
            .copied()
            .filter(|&ttl| ttl <= horizon && self.log.replies(ttl).next().is_none())
            .collect();
        for ttl in silent {
            let shots = self.log.hops[&ttl].values().flat_map(BTreeMap::values);
            let near = ttl <= self.view.last;
            let (mut tries, mut waiting, mut oldest) = (0_usize, 0_usize, None);
            for shot in shots {
                tries += 1;
                waiting += usize::from(self.view.is_waiting(ttl, shot));
                oldest = Some(oldest.map_or(shot.sent, |oldest: Time| oldest.min(shot.sent)));
            }
            // Asking once more costs little, and may be done before the silence means anything.
            let soon = oldest.filter(|_| near && tries == 1).map(|oldest| oldest + self.view.usual_wait());
            match soon {
                Some(soon) if waiting > 0 && now >= soon => {}
                Some(soon) if waiting > 0 => {
                    self.wake_at(soon);
                    continue;
                }
                _ if waiting > 0 => continue,
                _ => {}
            }
            let most = match ttl > self.view.last && self.view.end.is_none() {
                true => DARK_TRIES + if lossy { 2 } else { 0 },
                false if lossy => TRIES_IN_LOSS,
                false => TRIES,
            };
            // The second turn has two at once: a silent hop costs two waits, not three.
            let again = most.saturating_sub(tries).min(if ttl <= self.view.last { 2 } else { 1 });
            for _ in 0..again {
                match self.quiet_flow() {
                    Some(flow) => self.want_alone(Ask::Hop(ttl), flow),
                    None => self.blocked = true,
                }
            }
            let hints = self.view.scene.hints;
            let heard_elsewhere = hints.answered.contains(&ttl);
            // What is dark behind a dark hop stays so.
            let next = ttl <= self.view.last.saturating_add(1) || self.view.end.is_some();
            let most = if hints.limits(ttl) { SLOW_TRIES } else { SLOW_TRIES_TOGETHER };
            if again == 0 && heard_elsewhere && next && self.slow_tries(ttl) < most {
                self.slowly(ttl);
            }
        }
    }
}
