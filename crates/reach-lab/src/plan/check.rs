//! What the types of a description cannot say.

use std::net::IpAddr;

use super::{CLIENT, wrong};
use crate::description::{Description, Detour, Interface, Router};
use crate::error::LabError;

/// What the types cannot say.
pub(super) fn check(description: &Description) -> Result<(), LabError> {
    let Some(first) = description.stages.first() else { return Err(wrong("there is no router")) };
    if first.routers.len() != 1 {
        return Err(wrong("the first stage must have exactly one router, the client's gateway"));
    }
    if description.stages.iter().any(|stage| stage.routers.is_empty()) {
        return Err(wrong("a stage has no router"));
    }
    let mut names = vec![CLIENT];
    names.extend(routers(description).map(|(_, router)| router.name.as_str()));
    names.extend(description.hosts.iter().map(|host| host.name.as_str()));
    names.extend(description.detours.iter().flat_map(|detour| &detour.via).map(String::as_str));
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() || names[..index].contains(name) {
            return Err(wrong(format!("the node name `{name}` is empty or used twice")));
        }
    }
    let mut owned: Vec<IpAddr> = Vec::new();
    for host in &description.hosts {
        if let Some(router) = &host.behind
            && stage_of(description, router).is_none()
        {
            return Err(wrong(format!("{} is behind {router}, which is no router", host.name)));
        }
        if let Some(router) = host.at.iter().find(|name| stage_of(description, name).is_none()) {
            return Err(wrong(format!("{} hangs at {router}, which is no router", host.name)));
        }
        for &address in &host.addresses {
            check_address(address)?;
            if owned.contains(&address) {
                return Err(wrong(format!("two hosts own {address}")));
            }
            owned.push(address);
        }
    }
    check_links(description)?;
    description.detours.iter().try_for_each(|detour| check_detour(description, detour))
}

fn check_links(description: &Description) -> Result<(), LabError> {
    for (stage, router) in routers(description) {
        for next in &router.next {
            if stage_of(description, next).is_none_or(|other| other <= stage) {
                return Err(wrong(format!("{} leads to {next}, which is no router behind it", router.name)));
            }
        }
        let ways = match router.next.len() {
            0 => description.stages.get(stage + 1).map_or(0, |next| next.routers.len()),
            named => named,
        };
        if !router.weights.is_empty() && (router.weights.len() != ways || router.weights.contains(&0)) {
            return Err(wrong(format!("{} needs {ways} weights above 0", router.name)));
        }
        let name_too_long =
            |interface: &Interface| interface.name.as_ref().is_some_and(|name| name.len() > 63);
        let wording = router.wording.as_ref();
        if wording.is_some_and(|wording| wording.interfaces.iter().any(name_too_long)) {
            return Err(wrong(format!("{} names an interface with more than 63 bytes", router.name)));
        }
    }
    Ok(())
}

fn check_detour(description: &Description, detour: &Detour) -> Result<(), LabError> {
    let Detour { from, via, to } = detour;
    let (Some(far), Some(near)) = (stage_of(description, from), stage_of(description, to)) else {
        return Err(wrong(format!("the detour from {from} to {to} needs routers at its ends")));
    };
    if via.is_empty() || far <= near {
        return Err(wrong(format!(
            "the detour from {from} has to lead by some routers to one nearer to the client"
        )));
    }
    Ok(())
}

fn routers(description: &Description) -> impl Iterator<Item = (usize, &Router)> {
    let stages = description.stages.iter().enumerate();
    stages.flat_map(|(stage, members)| members.routers.iter().map(move |router| (stage, router)))
}

/// The stage that a router stands in.
pub(super) fn stage_of(description: &Description, name: &str) -> Option<usize> {
    routers(description).find(|(_, router)| router.name == name).map(|(stage, _)| stage)
}

/// Only addresses that belong to nobody: a mistake must not be able to concern a real one.
fn check_address(address: IpAddr) -> Result<(), LabError> {
    let pretend = match address {
        IpAddr::V4(v4) => v4.is_documentation() || (v4.is_private() && v4.octets()[..2] != [10, 70]),
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            let documentation = segments[..2] == [0x2001, 0xdb8] && segments[2] != 0x70;
            documentation || segments[0] & 0xfe00 == 0xfc00
        }
    };
    if pretend {
        Ok(())
    } else {
        Err(wrong(format!("{address} is not a documentation or private address that hosts may have")))
    }
}
