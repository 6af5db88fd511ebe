//! Times in which nothing is said.

use std::net::IpAddr;

use crate::{
    Time,
    watch::{AddressState, Cause, Incident, Matcher, Silence, Subject},
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
            matches!(incident.subject, Subject::Target(_)) && glob(pattern, &incident.title)
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

/// Whether `text` is what `pattern` describes: `*` stands for anything, the case of letters does not matter.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    // Without any `*` nothing may be left; with one, the last part has to stand at the end.
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, is) in [
            ("fcm.example:443", "fcm.example:443", true),
            ("fcm.example", "fcm.example:443", false),
            ("fcm.*", "FCM.example:443", true),
            ("*", "", true),
            ("*example*", "fcm.example:443", true),
            ("f*e*:443", "fcm.example:443", true),
            ("*:44", "fcm.example:443", false),
            ("a*a", "a", false),
            ("a**b", "axxb", true),
            ("", "a", false),
        ] {
            assert_eq!(glob(pattern, text), is, "{pattern} {text}");
        }
    }
}
