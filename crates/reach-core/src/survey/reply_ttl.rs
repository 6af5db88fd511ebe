//! From how far away does the answer come? Attempts that accept only answers above a TTL (`IP_MINTTL`) close
//! in on the TTL that the SYN-ACK or RST arrives with, without privileges.

use std::{collections::BTreeSet, time::Duration};

use super::{
    examination::{Scene, Wants},
    trail::TrailTest,
};
use crate::{
    dossier::Dossier,
    model::{Connect, Effort, Endpoint, Probe, ProbeId, Then, TrailAnswer},
};

const ROUNDS: u32 = 6;

#[derive(Debug)]
pub(crate) struct ReplyTtlTest {
    first_port: u16,
    issued: u16,
    rounds: u32,
    compared: bool,
    pending: BTreeSet<ProbeId>,
}

impl ReplyTtlTest {
    pub(crate) fn new(first_port: u16) -> Self {
        Self { first_port, issued: 0, rounds: 0, compared: false, pending: BTreeSet::new() }
    }

    pub(crate) fn plan(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        trail: &TrailTest,
        tcp_done: bool,
        wants: &mut Wants,
    ) {
        if !self.pending.is_empty() || scene.case.plan.effort == Effort::Quick && !trail.is_started() {
            return;
        }
        if trail.is_started() {
            self.close_in(endpoint, dossier, scene, trail, wants);
        } else if let Some(usual) = scene.control.and_then(|control| control.reply_ttl)
            && !self.compared
            && !scene.is_control
            && tcp_done
            && dossier.connected() > 0
        {
            self.compared = true;
            if usual < 255 {
                self.ask(endpoint, dossier, scene, &[usual + 1], wants);
            }
        }
    }

    fn close_in(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        trail: &TrailTest,
        wants: &mut Wants,
    ) {
        let arrived = |answer| matches!(answer, TrailAnswer::Reached | TrailAnswer::Reset);
        let Some(distance) = dossier.first_ttl(arrived) else { return };
        if !trail.is_finished() || dossier.reply_ttl().is_some() || self.rounds >= ROUNDS {
            return;
        }
        let floors: Vec<u8> = if self.rounds == 0 {
            // As far back as it was forth, from the initial TTL of most systems. Each is tried twice, because
            // silence may also be a lost packet.
            let expected = 65_u8.saturating_sub(distance).max(1);
            vec![expected, expected, expected + 1, expected + 1]
        } else {
            closer_floors(dossier)
        };
        if floors.is_empty() {
            return;
        }
        self.rounds += 1;
        self.ask(endpoint, dossier, scene, &floors, wants);
    }

    fn ask(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        floors: &[u8],
        wants: &mut Wants,
    ) {
        let rtt = dossier.connect_rtt().unwrap_or(Duration::from_millis(50));
        let wait =
            (rtt * 3 + Duration::from_millis(150)).clamp(Duration::from_millis(250), Duration::from_secs(1));
        let Some(timeout) = scene.within_deadline(wait, Duration::from_millis(200)) else { return };
        for &floor in floors {
            wants.probes.push(Probe::Connect(Connect {
                endpoint,
                source_port: self.first_port + self.issued % 190,
                ttl: None,
                min_ttl: Some(floor),
                timeout,
                then: Then::Reset,
                crowd: 2,
            }));
            self.issued += 1;
        }
    }

    /// An answer came with a higher TTL than the control's arrives with: from something nearer.
    pub(crate) fn answered_nearer(&self, dossier: &Dossier, scene: &Scene<'_>) -> bool {
        let Some(usual) = scene.control.and_then(|control| control.reply_ttl) else { return false };
        self.compared && dossier.floors.iter().any(|(&floor, tally)| floor > usual && tally.answered > 0)
    }

    pub(crate) fn launched(&mut self, id: ProbeId) {
        self.pending.insert(id);
    }

    pub(crate) fn returned(&mut self, id: ProbeId) {
        self.pending.remove(&id);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }
}

/// Bounds between the largest that let an answer through and the smallest that did not; none once these are
/// neighbours.
pub(crate) fn closer_floors(dossier: &Dossier) -> Vec<u8> {
    let (passed, stopped) = dossier.reply_ttl_bounds();
    let low = u16::from(passed.unwrap_or(0));
    let high = stopped.map_or(256, u16::from);
    if high - low <= 1 {
        return Vec::new();
    }
    let points: BTreeSet<u16> = (1..=3).map(|part| low + (high - low) * part / 4).collect();
    points.into_iter().filter(|&point| point > low && point < high).map(|point| point as u8).collect()
}
