//! Times in which nothing is said.

use std::net::IpAddr;

use crate::{
    Time,
    watch::{AddressState, Cause, Incident, Matcher, Silence, Subject, fits},
};

impl Silence {
    /// Whether it holds at `now`.
    pub fn is_active(&self, now: Time) -> bool {
        self.from <= now && now < self.until
    }
}

impl Matcher {
    /// Whether it is about this incident as it is now.
    pub fn matches(&self, incident: &Incident) -> bool {
        let target = self.target.as_ref().is_none_or(|pattern| {
            matches!(incident.subject, Subject::Target(_)) && fits(pattern, &incident.title)
        });
        let network = self.network.is_none_or(|network| {
            let suffering = suffering(incident);
            !suffering.is_empty() && suffering.iter().all(|address| network.contains(address))
        });
        let labels = self.labels.iter().all(|(name, value)| incident.labels.get(name) == Some(value));
        target && network && labels
    }
}

/// The addresses that an incident is about: those that fail; where none does any more, those that did. None where it
/// is about something that no network can excuse.
fn suffering(incident: &Incident) -> Vec<IpAddr> {
    let beyond_addresses = |cause: &Cause| {
        matches!(cause, Cause::Unresolved(_) | Cause::Disagreement { .. } | Cause::Offline { .. })
    };
    if incident.causes.iter().any(beyond_addresses) {
        return Vec::new();
    }
    let certificates = incident.causes.iter().flat_map(|cause| match cause {
        Cause::Certificate { addresses, .. } => addresses.iter().copied().collect(),
        _ => Vec::new(),
    });
    let fails = |state| !matches!(state, AddressState::Ok | AddressState::Gone);
    let failing = incident.members.iter().filter(|member| fails(member.state)).map(|member| member.address);
    let suffering: Vec<IpAddr> = certificates.chain(failing).collect();
    if !suffering.is_empty() {
        return suffering;
    }
    incident.members.iter().map(|member| member.address).collect()
}
