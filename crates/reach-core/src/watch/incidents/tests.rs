//! What the machine does in the situations that it is made for, and what it never does in any.

mod laws;
mod manners;
mod nights;
mod play;
mod resumed;
mod said;
mod signals;
mod stories;

use crate::watch::{Cadence, Rules, TargetId, Watched};

pub(in crate::watch) fn watched(id: u32, pace: Cadence, rules: Rules) -> Watched {
    let target = format!("push{id}.example:443").parse().expect("a valid target");
    Watched { id: TargetId(id), target, labels: [("team".to_owned(), "push".to_owned())].into(), pace, rules }
}
