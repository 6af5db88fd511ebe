//! Is it this machine? Counts at its own edge whether SYNs leave and whether replies come back to it.

use std::time::Duration;

use super::{
    examination::{Scene, Wants},
    flows::FlowTest,
    trail::TrailTest,
};
use crate::{
    dossier::{AttemptResult, Dossier},
    model::{Egress, Endpoint, Probe, ProbeId, TrailAnswer},
};

const BURST: u16 = 8;
const TIMEOUT: Duration = Duration::from_millis(350);

#[derive(Debug)]
pub(crate) struct EdgeTest {
    first_port: u16,
    issued: bool,
    pending: Option<ProbeId>,
}

impl EdgeTest {
    pub(crate) fn new(first_port: u16) -> Self {
        Self { first_port, issued: false, pending: None }
    }

    pub(crate) fn plan(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        flows: &FlowTest,
        trail: &TrailTest,
        wants: &mut Wants,
    ) {
        if self.issued
            || !scene.edge_free
            || !trail.is_finished()
            || flows.suspicion(dossier, scene.now).is_none()
        {
            return;
        }
        if !self.is_in_question(dossier, scene) {
            self.issued = true;
            return;
        }
        if scene.within_deadline(TIMEOUT, TIMEOUT).is_none() {
            return;
        }
        self.issued = true;
        wants.probes.push(Probe::Egress(Egress {
            endpoint,
            burst: BURST,
            first_source_port: self.first_port,
            timeout: TIMEOUT,
        }));
    }

    /// The local filter can have done it only where no router answered at all, or where the trail leads all
    /// the way to the host (whose replies it may drop).
    fn is_in_question(&self, dossier: &Dossier, scene: &Scene<'_>) -> bool {
        if dossier.connected() > 0
            || dossier.attempts().any(|attempt| matches!(attempt.result, AttemptResult::Icmp { .. }))
        {
            return false;
        }
        let reset = dossier.attempts().any(|attempt| matches!(attempt.result, AttemptResult::Reset { .. }));
        let last_router = dossier
            .merged_trail()
            .into_iter()
            .filter(|(_, answer)| matches!(answer, TrailAnswer::Router(_)))
            .map(|(ttl, _)| ttl)
            .max();
        match (last_router, scene.control.and_then(|control| control.distance)) {
            (None, _) => true,
            (Some(_), _) if reset => false,
            (Some(last), Some(distance)) => last + 1 >= distance,
            (Some(_), None) => true,
        }
    }

    pub(crate) fn launched(&mut self, id: ProbeId) {
        self.pending = Some(id);
    }

    pub(crate) fn returned(&mut self, id: ProbeId) {
        if self.pending == Some(id) {
            self.pending = None;
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_none()
    }
}
