//! What kind of fault it is, and whose it is to mend.

use std::{collections::BTreeMap, net::IpAddr};

use reach_core::model::{EndpointDiagnosis, Matter, State, Verdict};

use crate::{scene::Scene, words::Audience};

/// A kind of fault, those that a request for a rule mends first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// SYNs vanish.
    Drop,
    /// A device says that it forbids it.
    Reject,
    /// A device answers RST in the host's name.
    ForgedReset,
    /// TLS dies with this name.
    NameBlocked,
    /// What answers TLS is a web page.
    BlockPage,
    /// TLS is terminated on the way.
    Interception,
    /// A router says that it cannot get there.
    Routing,
    /// A member of parallel paths is dead.
    DeadMember,
    /// Large packets vanish.
    Mtu,
    /// Packets are lost at random.
    Loss,
    /// New connections fail only while many are open.
    Capacity,
    /// This machine's own filter.
    LocalFilter,
    /// This machine has no route.
    NoRoute,
    /// This machine does not know the issuer.
    UnknownIssuer,
    /// Nothing listens.
    Refused,
    /// The service closes, is silent, or answers with an error.
    Service,
    /// The service's certificate has expired or is for other names.
    Certificate,
    /// The name gives no address.
    Unresolved,
    /// It could not be told.
    Unclear,
}

impl Kind {
    /// Whose it is.
    pub(super) const fn owner(self) -> Audience {
        match self {
            Kind::Drop
            | Kind::Reject
            | Kind::ForgedReset
            | Kind::NameBlocked
            | Kind::BlockPage
            | Kind::Interception
            | Kind::Routing
            | Kind::DeadMember
            | Kind::Mtu
            | Kind::Loss
            | Kind::Capacity => Audience::Network,
            Kind::LocalFilter | Kind::NoRoute | Kind::UnknownIssuer => Audience::Machine,
            Kind::Refused | Kind::Service | Kind::Certificate => Audience::Service,
            Kind::Unresolved => Audience::Dns,
            Kind::Unclear => Audience::Operator,
        }
    }

    /// Whether a rule that permits the connection would mend it.
    pub(super) const fn wants_rule(self) -> bool {
        matches!(self, Kind::Drop | Kind::Reject | Kind::ForgedReset)
    }

    /// The stable code.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Kind::Drop => "drop",
            Kind::Reject => "reject",
            Kind::ForgedReset => "forged-reset",
            Kind::NameBlocked => "name-blocked",
            Kind::BlockPage => "block-page",
            Kind::Interception => "interception",
            Kind::Routing => "routing",
            Kind::DeadMember => "dead-member",
            Kind::Mtu => "mtu",
            Kind::Loss => "loss",
            Kind::Capacity => "capacity",
            Kind::LocalFilter => "local-filter",
            Kind::NoRoute => "no-route",
            Kind::UnknownIssuer => "unknown-issuer",
            Kind::Refused => "refused",
            Kind::Service => "service",
            Kind::Certificate => "certificate",
            Kind::Unresolved => "unresolved",
            Kind::Unclear => "unclear",
        }
    }
}

/// The kinds of fault of a target, each with the addresses that show it; empty where nothing is wrong.
pub(super) fn kinds(scene: &Scene<'_>) -> BTreeMap<Kind, Vec<IpAddr>> {
    let mut kinds: BTreeMap<Kind, Vec<IpAddr>> = BTreeMap::new();
    let diagnosis = scene.diagnosis;
    for endpoint in &diagnosis.endpoints {
        if let Some(kind) = kind(scene, endpoint) {
            kinds.entry(kind).or_default().push(endpoint.endpoint.address);
        }
    }
    for finding in &diagnosis.findings {
        if matches!(finding.matter, Matter::Capacity { .. }) {
            kinds.entry(Kind::Capacity).or_default().extend(&finding.addresses);
        }
    }
    match diagnosis.state {
        State::Unresolved => drop(kinds.entry(Kind::Unresolved).or_default()),
        State::Inconclusive => drop(kinds.entry(Kind::Unclear).or_default()),
        _ => {}
    }
    kinds
}

fn kind(scene: &Scene<'_>, endpoint: &EndpointDiagnosis) -> Option<Kind> {
    let address = endpoint.endpoint.address;
    let found = |wanted: fn(&Matter) -> bool| {
        scene
            .diagnosis
            .findings
            .iter()
            .any(|finding| wanted(&finding.matter) && finding.addresses.contains(&address))
    };
    Some(match endpoint.verdict {
        Verdict::Ok => return None,
        Verdict::NoRoute if scene.uncounted() > 0 => return None,
        Verdict::NoRoute => Kind::NoRoute,
        Verdict::Filtered => Kind::Drop,
        Verdict::Prohibited => Kind::Reject,
        Verdict::ResetByPath => Kind::ForgedReset,
        Verdict::Unreachable => Kind::Routing,
        Verdict::FlowDependent => Kind::DeadMember,
        Verdict::Lossy => Kind::Loss,
        Verdict::NameBlocked => Kind::NameBlocked,
        Verdict::MtuBlackhole => Kind::Mtu,
        Verdict::BlockedLocally => Kind::LocalFilter,
        Verdict::Refused => Kind::Refused,
        Verdict::ClosedEarly | Verdict::Silent | Verdict::HttpError => Kind::Service,
        Verdict::TlsFailed if scene.is_plain_web(&[address]) => Kind::BlockPage,
        Verdict::TlsFailed => Kind::Service,
        Verdict::Untrusted if found(|matter| matches!(matter, Matter::Intercepted { .. })) => {
            Kind::Interception
        }
        Verdict::Untrusted
            if found(|matter| {
                matches!(matter, Matter::CertificateExpired { .. } | Matter::WrongName { .. })
            }) =>
        {
            Kind::Certificate
        }
        Verdict::Untrusted => Kind::UnknownIssuer,
        Verdict::Inconclusive => Kind::Unclear,
    })
}
