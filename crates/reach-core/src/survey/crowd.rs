//! Many connections held open at once, to one endpoint that works: do new ones fail only while others are
//! open? Then something on the way (a NAT with few ports, a limit on connections) has run out.

use std::{collections::BTreeSet, time::Duration};

use super::examination::{Scene, Wants};
use crate::model::{Answer, Connect, Effort, Endpoint, Observation, Outcome, Probe, ProbeId, Then};

const SIZE: u16 = 16;
/// Long enough to be open together, and over when a SYN is repeated after one second.
const HOLD: Duration = Duration::from_millis(600);
const TIMEOUT: Duration = Duration::from_millis(1_500);
/// A crowd that lost so few first SYNs shows nothing.
const SUSPICIOUS: u32 = 2;
const ROUNDS: u16 = 3;
/// Hops looked at; few paths are longer, and of those the near part is what matters here.
const FARTHEST: u8 = 24;

#[derive(Debug)]
pub(crate) struct CrowdTest {
    first_port: u16,
    rounds: u16,
    pending: BTreeSet<ProbeId>,
    held_up: u32,
    suspect: bool,
}

impl CrowdTest {
    pub(crate) fn new(first_port: u16) -> Self {
        Self { first_port, rounds: 0, pending: BTreeSet::new(), held_up: 0, suspect: false }
    }

    pub(crate) fn plan(&mut self, endpoint: Endpoint, scene: &Scene<'_>, calm: bool, wants: &mut Wants) {
        let due = (self.rounds == 0 || self.goes_on()) && self.pending.is_empty();
        if !due || !calm || !scene.is_control || scene.case.plan.effort == Effort::Quick {
            return;
        }
        let Some(timeout) = scene.within_deadline(TIMEOUT, TIMEOUT) else { return };
        for index in 0..SIZE {
            wants.probes.push(Probe::Connect(Connect {
                endpoint,
                source_port: self.first_port + self.rounds * SIZE + index,
                ttl: None,
                min_ttl: None,
                timeout,
                then: Then::Hold(HOLD),
                crowd: SIZE,
            }));
        }
        if self.is_suspect() {
            self.look_along_the_path(endpoint, timeout, wants);
        }
        self.rounds += 1;
        self.held_up = 0;
    }

    /// While the crowd is open: up to which hop do new SYNs get? What they do not get past is what has run out;
    /// where they get all the way it is the listener's own queue that is full.
    fn look_along_the_path(&self, endpoint: Endpoint, timeout: Duration, wants: &mut Wants) {
        for ttl in 1..=FARTHEST {
            wants.probes.push(Probe::Connect(Connect {
                endpoint,
                source_port: self.first_port
                    + ROUNDS * SIZE
                    + self.rounds * u16::from(FARTHEST)
                    + u16::from(ttl),
                ttl: Some(ttl),
                min_ttl: None,
                timeout: timeout.min(HOLD),
                then: Then::Reset,
                crowd: SIZE,
            }));
        }
    }

    /// There is no more to ask.
    pub(crate) fn is_over(&self, scene: &Scene<'_>) -> bool {
        let asked = self.rounds > 0 && self.pending.is_empty() && !self.goes_on();
        scene.case.plan.effort == Effort::Quick || asked
    }

    /// Some of the last round were held up: one more shows whether that was chance.
    fn goes_on(&self) -> bool {
        (1..ROUNDS).contains(&self.rounds) && self.is_suspect()
    }

    /// Some of a round were held up.
    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect
    }

    pub(crate) fn launched(&mut self, id: ProbeId) {
        self.pending.insert(id);
    }

    pub(crate) fn returned(&mut self, observation: &Observation) {
        if self.pending.remove(&observation.id) {
            let at_once = matches!(
                &observation.outcome,
                Outcome::Answered(Answer::Connected(connected)) if connected.syns <= 1
            );
            let is_member = matches!(&observation.probe, Probe::Connect(connect) if connect.ttl.is_none());
            self.held_up += u32::from(is_member && !at_once);
            self.suspect |= self.held_up > SUSPICIOUS;
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }
}
