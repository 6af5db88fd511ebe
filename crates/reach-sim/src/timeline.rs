//! A network that changes in the course of time: faults that come and go, addresses that move, anything that a
//! description can say.
//!
//! ```
//! # use std::time::Duration;
//! # use reach_sim::{Timeline, description::{Description, Effect, Fault}};
//! # let description: Description = toml::from_str("[[stages]]\nrouters = [{ name = 'r1' }]").unwrap();
//! let hour = Duration::from_secs(3_600);
//! let mut timeline = Timeline::new(description);
//! // A firewall rule that is there for two hours.
//! timeline.fault(hour..3 * hour, Fault { addresses: vec![[203, 0, 113, 11].into()], ..Fault::new("r1", Effect::Drop) });
//! // The host moves.
//! timeline.at(2 * hour, |network| network.hosts.clear());
//! let world = timeline.world(7).unwrap();
//! ```

use std::{fmt, ops::Range, time::Duration};

use crate::{
    World,
    build::build,
    description::{Description, Effect, Fault},
    network::Network,
    scenario::{Pretend, STARTED, ScenarioError},
};

type Edit = Box<dyn Fn(&mut Description)>;

/// A description, and what changes in it when. Everything begins at [`STARTED`].
pub struct Timeline {
    description: Description,
    pretend: Pretend,
    edits: Vec<(Duration, Edit)>,
}

impl Timeline {
    /// A network that stays as it is.
    pub fn new(description: Description) -> Self {
        Self { description, pretend: Pretend::default(), edits: Vec::new() }
    }

    /// The same with settings that exist only in a pretend network.
    pub fn pretending(self, pretend: Pretend) -> Self {
        Self { pretend, ..self }
    }

    /// From so long after the beginning on, the description is another one. Edits add up in the order of their
    /// times.
    pub fn at(&mut self, after: Duration, edit: impl Fn(&mut Description) + 'static) -> &mut Self {
        self.edits.push((after, Box::new(edit)));
        self
    }

    /// A fault that comes and goes.
    pub fn fault(&mut self, when: Range<Duration>, fault: Fault) -> &mut Self {
        let gone = fault.clone();
        self.at(when.start, move |network| network.faults.push(fault.clone()));
        self.at(when.end, move |network| {
            if let Some(place) = network.faults.iter().position(|other| *other == gone) {
                network.faults.remove(place);
            }
        })
    }

    /// The world, with this seed of all chance in it.
    pub fn world(&self, seed: u64) -> Result<World, ScenarioError> {
        let mut description = self.description.clone();
        let mut world = World::new(self.network(&description, seed)?);
        let mut edits: Vec<&(Duration, Edit)> = self.edits.iter().collect();
        edits.sort_by_key(|(after, _)| *after);
        for same in edits.chunk_by(|(one, _), (other, _)| one == other) {
            same.iter().for_each(|(_, edit)| edit(&mut description));
            let Some((after, _)) = same.first() else { continue };
            world.change(STARTED + *after, self.network(&description, seed)?);
        }
        Ok(world)
    }

    fn network(&self, description: &Description, seed: u64) -> Result<Network, ScenarioError> {
        build(description, &self.pretend, STARTED.as_secs() as i64, seed)
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times: Vec<Duration> = self.edits.iter().map(|(after, _)| *after).collect();
        f.debug_struct("Timeline").field("description", &self.description).field("edits", &times).finish()
    }
}

impl Fault {
    /// This effect on all packets towards the hosts that come to the node.
    pub fn new(at: &str, effect: Effect) -> Self {
        Self {
            at: at.to_owned(),
            effect,
            addresses: Vec::new(),
            ports: Vec::new(),
            protocol: None,
            direction: crate::description::Direction::Toward,
            flows: None,
        }
    }
}
