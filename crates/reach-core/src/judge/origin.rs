//! Who answered: the host, or something on the way in its name?
//!
//! Three independent looks, none of which needs privileges: the lowest TTL at which the answer comes, the TTL
//! that the answer itself arrives with (compared with that of the routers' own messages on the same way back,
//! which takes asymmetric paths out of the comparison), and how far away the host stands by its echo replies or
//! by an address of the same name that works.

use std::net::IpAddr;

use super::Peer;
use crate::{
    dossier::{Dossier, hops_back},
    model::TrailAnswer,
};

/// Where an answer arises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The lowest TTL at which the answer comes.
    pub(super) first_ttl: Option<u8>,
    /// The hop at which it arises, by its own TTL.
    pub(super) hop: Option<u8>,
    /// The hop at which the host stands, where something else than this answer tells.
    pub(super) host_hop: Option<u8>,
    /// Whether something nearer than the host gave the answer.
    pub(super) nearer: bool,
    /// That device's address, where the trail shows it.
    pub(super) by: Option<IpAddr>,
}

/// Where the answers of kind `wanted` to SYNs arise.
pub(super) fn origin(dossier: &Dossier, control: Option<Peer<'_>>, wanted: TrailAnswer) -> Origin {
    let first_ttl = dossier.first_ttl(|answer| answer == wanted);
    let back = dossier.reply_ttl().map(hops_back);
    let trail = dossier.merged_trail();
    let router_at =
        |hop: u8| router(trail.get(&hop)).or_else(|| router(control?.dossier.merged_trail().get(&hop)));
    let router_back = |hop: u8| {
        let ttl = dossier.router_ttls.get(&router(trail.get(&hop))?)?;
        Some(hops_back(*ttl))
    };

    // The answer has come no further than the messages of a router before it: that router made it.
    let by_own_ttl = first_ttl.zip(back).and_then(|(first, back)| {
        (1..first).rev().find(|&hop| router_back(hop) == Some(back)).or_else(|| {
            let before = router_back(first.checked_sub(1)?)?;
            // A hop before the first there is not: the router answers by another way than the rest.
            (first - 1).checked_sub(before.checked_sub(back)?).filter(|&hop| hop > 0 && back < before)
        })
    });
    // Without a word from the router before it, count hops back, corrected by how the control's way differs.
    let counted = back.map(|back| back + 1).and_then(|hop| {
        let detour = control.and_then(|peer| {
            Some(i16::from(hops_back(peer.dossier.reply_ttl()?)) + 1 - i16::from(peer.distance()?))
        });
        u8::try_from(i16::from(hop) - detour.unwrap_or(0)).ok().filter(|&hop| hop > 0)
    });
    let neighbour_spoke = first_ttl.is_some_and(|first| first > 1 && router_back(first - 1).is_some());
    let hop = if neighbour_spoke { by_own_ttl.or(first_ttl) } else { counted };

    let echo_back = dossier.echo.reply_ttls.iter().next_back().map(|&ttl| hops_back(ttl));
    let before = first_ttl.and_then(|first| {
        let before = first.checked_sub(1)?;
        Some((before, router_back(before)?))
    });
    let host_hop = match (echo_back, before, back) {
        // So many hops further back than the messages of the router before the answer.
        (Some(echo), Some((hop, back)), _) => Some(hop.saturating_add(echo).saturating_sub(back)),
        (Some(echo), None, Some(back)) => {
            Some(hop.or(first_ttl).unwrap_or(1).saturating_add(echo.saturating_sub(back)))
        }
        (Some(echo), None, None) => Some(echo + 1),
        (None, ..) => control.and_then(Peer::distance),
    };
    let before_seen = first_ttl.zip(hop).is_some_and(|(first, hop)| hop < first);
    let before_host = first_ttl.zip(host_hop).is_some_and(|(first, host)| first < host);
    let nearer = before_seen || before_host;
    let by = if nearer { hop.or(first_ttl).and_then(router_at) } else { None };
    Origin { first_ttl, hop, host_hop, nearer, by }
}

fn router(answer: Option<&TrailAnswer>) -> Option<IpAddr> {
    match answer {
        Some(TrailAnswer::Router(address)) => Some(*address),
        _ => None,
    }
}
