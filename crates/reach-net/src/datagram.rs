//! One UDP datagram, and what it provokes.

use reach_core::model::{Datagram, Inability, Obstacle, Outcome};

/// Sends one datagram and waits for what comes of it.
pub async fn datagram(_probe: &Datagram) -> Outcome {
    Outcome::Unable(Inability { why: Obstacle::Unsupported, errno: None })
}
