//! The story that `reach` was founded on, as a network.
//!
//! A name has eight addresses in rotation. A firewall on the way, whose rule for the name was filled once and
//! never again, lets five of them through and drops the other three. A client that tries the first address of
//! each answer fails three times in eight.

use crate::cell::Tool;
use crate::description::{
    Description, Effect, Fault, Name, Resolver, RouteKind, Router, Selection, Service, Tls,
};
use crate::error::LabError;
use crate::lab::Lab;

/// The name in the story.
pub const NAME: &str = "fcm.googleapis.com";

/// Its eight addresses.
pub const POOL: [&str; 8] = [
    "203.0.113.11",
    "203.0.113.12",
    "203.0.113.13",
    "203.0.113.14",
    "203.0.113.15",
    "203.0.113.16",
    "203.0.113.17",
    "203.0.113.18",
];

/// The three that the firewall drops.
pub const BLOCKED: [&str; 3] = ["203.0.113.12", "203.0.113.15", "203.0.113.18"];

/// The address of the resolver.
pub const RESOLVER: &str = "192.0.2.53";

/// The story: client – r1 (10.70.0.1) – fw (10.70.1.2) – ra (10.70.2.2) beside rb (10.70.3.2) – a host with
/// the eight addresses, which speak TLS and answer 404. The resolver hangs behind r1 and gives the whole
/// pool, rotated. `fw` drops packets to the three on arrival, so their trail ends at r1.
#[must_use]
pub fn founding() -> Description {
    bare().fault(blocking(Effect::DropEarly))
}

/// How the three addresses are blocked in a lab that [`tell`] built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// By the packet filter.
    Nft,
    /// By blackhole routes, because this machine has no working `nft`. Looked at from outside it is the same.
    BlackholeRoutes,
}

impl std::fmt::Display for Means {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Means::Nft => "nftables rules",
            Means::BlackholeRoutes => "blackhole routes",
        })
    }
}

/// Builds the story with whatever this machine has, and says what it used.
///
/// # Errors
///
/// As [`Lab::build`].
pub fn tell() -> Result<(Lab, Means), LabError> {
    let lab = Lab::build(&bare())?;
    if Tool::Nft.find().is_ok() && lab.impose(&blocking(Effect::DropEarly)).is_ok() {
        return Ok((lab, Means::Nft));
    }
    lab.impose(&blocking(Effect::Route(RouteKind::Blackhole)))?;
    Ok((lab, Means::BlackholeRoutes))
}

fn blocking(effect: Effect) -> Fault {
    BLOCKED.iter().fold(Fault::at("fw", effect), |fault, address| fault.address(address))
}

fn bare() -> Description {
    Description::new("the founding story")
        .router("r1")
        .router("fw")
        .stage(["ra", "rb"].map(Router::named))
        .host("pool", POOL)
        .host_behind("dns", [RESOLVER], "r1")
        .service(Service::tls("pool", Tls::named(NAME).status(404)))
        .resolver(Resolver::at("dns").name(Name::new(NAME, POOL).selection(Selection::Rotate)))
}
