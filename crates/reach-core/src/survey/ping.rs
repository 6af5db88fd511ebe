//! A few echo requests: for the round trip and the distance of the host, never for a verdict.

use std::{collections::BTreeSet, time::Duration};

use super::examination::{Scene, Wants};
use crate::{
    Time,
    dossier::Dossier,
    model::{Echo, EchoAccess, Effort, Endpoint, Probe, ProbeId},
};

const SPACING: Duration = Duration::from_millis(150);
const TIMEOUT: Duration = Duration::from_millis(900);

#[derive(Debug)]
pub(crate) struct PingTest {
    started: Time,
    issued: u16,
    pending: BTreeSet<ProbeId>,
}

impl PingTest {
    pub(crate) fn new(now: Time) -> Self {
        Self { started: now, issued: 0, pending: BTreeSet::new() }
    }

    pub(crate) fn plan(
        &mut self,
        endpoint: Endpoint,
        dossier: &Dossier,
        scene: &Scene<'_>,
        wants: &mut Wants,
    ) {
        let count = match scene.case.plan.effort {
            Effort::Quick => 1,
            Effort::Normal => 3,
            Effort::Thorough => 10,
        };
        // One request finds out that echo is not permitted; more would only say so again.
        let count = if scene.case.vantage.echo == EchoAccess::None { 1 } else { count };
        while self.issued < count && !dossier.echo.not_permitted {
            let due = self.started + SPACING * u32::from(self.issued);
            if due > scene.now {
                wants.wake_at(due);
                break;
            }
            wants.probes.push(Probe::Echo(Echo {
                address: endpoint.address,
                sequence: self.issued,
                size: 56,
                ttl: None,
                flow: None,
                dont_fragment: false,
                timeout: TIMEOUT,
            }));
            self.issued += 1;
        }
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
