//! One value of every variant, for tests that no message lacks a language. The matches without a wildcard make
//! a new variant a compile error here.

use std::{net::IpAddr, time::Duration};

use reach_core::model::*;

pub(crate) fn address() -> IpAddr {
    IpAddr::from([203, 0, 113, 12])
}

pub(crate) fn matters() -> Vec<Matter> {
    let by = Some(address());
    let resolver = (address(), 53).into();
    let some = || "CN=Example".to_owned();
    let all = vec![
        Matter::PartialBlock { working: 5, failing: 3, prefixes: vec!["203.0.113.0/24".to_owned()] },
        Matter::AllBlocked { failing: 2 },
        Matter::LocalFilter,
        Matter::NothingListens,
        Matter::ForgedReset { by, hop: Some(2) },
        Matter::DeadPath { failing_share: 0.5, suspect: by },
        Matter::PacketLoss { lost: 3, sent: 10 },
        Matter::SlightLoss { lost: 1, sent: 40 },
        Matter::ClosedEarly,
        Matter::NameBlocked { name: "example.com".to_owned() },
        Matter::MtuBlackhole { passes: Some(1220) },
        Matter::Intercepted { issuer: some() },
        Matter::CertificateExpired { not_after: 1_700_000_000 },
        Matter::CertificateExpiresSoon { not_after: 1_795_900_000 },
        Matter::WrongName { names: vec!["other.example".to_owned()] },
        Matter::UnknownIssuer { issuer: some(), distrust: vec![Distrust::UnknownIssuer] },
        Matter::TlsFailed,
        Matter::ServiceSilent,
        Matter::HttpError { status: 503 },
        Matter::AnsweredByPath { hop: 2, host_hop: Some(9), by },
        Matter::Capacity { crowd: 16, passed: 4 },
        Matter::PingBlocked,
        Matter::Ipv6WithoutRoute,
        Matter::ResolversDisagree { disjoint: true, sets: vec![(AddressSource::System, vec![address()])] },
        Matter::PinnedByHosts { pinned: vec![address()] },
        Matter::ResolverSilent { resolver, queries: 6 },
        Matter::ResolverFails { resolver, rcode: Rcode::ServFail },
        Matter::ResolverUnreachable { resolver },
        Matter::ResolverGarbage { resolver, fault: Some(AnswerFault::WrongId) },
        Matter::SystemLookupSlow { took: None },
        Matter::PoolNotExhausted { seen: 8, estimated: 12.3 },
        Matter::ProxyConfigured { variable: "HTTPS_PROXY".to_owned(), value: "http://proxy:3128".to_owned() },
        Matter::IcmpRateLimited { router: address() },
    ];
    for matter in &all {
        match matter {
            Matter::PartialBlock { .. }
            | Matter::AllBlocked { .. }
            | Matter::LocalFilter
            | Matter::NothingListens
            | Matter::ForgedReset { .. }
            | Matter::DeadPath { .. }
            | Matter::PacketLoss { .. }
            | Matter::SlightLoss { .. }
            | Matter::ClosedEarly
            | Matter::NameBlocked { .. }
            | Matter::MtuBlackhole { .. }
            | Matter::Intercepted { .. }
            | Matter::CertificateExpired { .. }
            | Matter::CertificateExpiresSoon { .. }
            | Matter::WrongName { .. }
            | Matter::UnknownIssuer { .. }
            | Matter::TlsFailed
            | Matter::ServiceSilent
            | Matter::HttpError { .. }
            | Matter::AnsweredByPath { .. }
            | Matter::Capacity { .. }
            | Matter::PingBlocked
            | Matter::Ipv6WithoutRoute
            | Matter::ResolversDisagree { .. }
            | Matter::PinnedByHosts { .. }
            | Matter::ResolverSilent { .. }
            | Matter::ResolverFails { .. }
            | Matter::ResolverUnreachable { .. }
            | Matter::ResolverGarbage { .. }
            | Matter::SystemLookupSlow { .. }
            | Matter::PoolNotExhausted { .. }
            | Matter::ProxyConfigured { .. }
            | Matter::IcmpRateLimited { .. } => {}
        }
    }
    all
}

pub(crate) fn facts() -> Vec<Evidence> {
    let second = Duration::from_secs(1);
    let error = IcmpError { v6: false, kind: 3, code: 13 };
    vec![
        Evidence::SynsUnanswered { syns: 12, flows: 4, over: second },
        Evidence::SynsAnswered { answered: 3, syns: 4 },
        Evidence::ControlAnswered { address: address(), rtt: None },
        Evidence::ControlAnswered { address: address(), rtt: Some(second) },
        Evidence::IcmpReceived { error, by: address(), times: 4 },
        Evidence::ResetReceived { times: 2 },
        Evidence::ResetFrom { first_ttl: Some(3), origin_hop: Some(2), host_hop: Some(9) },
        Evidence::ResetFrom { first_ttl: None, origin_hop: None, host_hop: None },
        Evidence::TrailEnds { last: Some(address()), ttl: 1 },
        Evidence::TrailEnds { last: None, ttl: 0 },
        Evidence::LocalError { obstacle: Obstacle::NoRoute, errno: Some(101) },
        Evidence::NeverLeft { sent: 8, left: 0, captured: true },
        Evidence::NeverLeft { sent: 8, left: 0, captured: false },
        Evidence::StackRefused { attempts: 2 },
        Evidence::RepliesDroppedHere { returned: 8, captured: true },
        Evidence::RepliesDroppedHere { returned: 8, captured: false },
        Evidence::FlowsSplit { passing: vec![1, 2], failing: vec![3] },
        Evidence::LossMeasured { lost: 3, sent: 10 },
        Evidence::ClosedAfterConnect { reset: true, times: 3, of: 3 },
        Evidence::ClosedAfterConnect { reset: false, times: 3, of: 3 },
        Evidence::NameDies { name: "example.com".to_owned(), ended: TlsEnd::Reset, times: 3 },
        Evidence::OtherNameAnswered { name: None, ended: TlsEnd::Completed },
        Evidence::OtherNameAnswered { name: Some("other.example".to_owned()), ended: TlsEnd::Closed },
        Evidence::SmallSegmentsPass { max_segment: 1220, times: 2 },
        Evidence::LargeSegmentsVanish { max_segment: 1460, times: 2 },
        Evidence::ChainRejected {
            distrust: vec![Distrust::Expired],
            subject: "CN=a".to_owned(),
            issuer: "CN=b".to_owned(),
        },
        Evidence::TlsEnded(TlsEnd::Silent),
        Evidence::NothingRead { waited: second, times: 2 },
        Evidence::HttpStatus(503),
        Evidence::AnsweredNearer { hop: 2, host_hop: 9 },
    ]
}

pub(crate) fn tls_ends() -> Vec<TlsEnd> {
    vec![
        TlsEnd::Completed,
        TlsEnd::Alert(40, "handshake_failure".to_owned()),
        TlsEnd::Closed,
        TlsEnd::Reset,
        TlsEnd::Silent,
        TlsEnd::NotTls(b"HTTP/1.1 400".to_vec()),
        TlsEnd::Returned,
        TlsEnd::Incompatible("no common version".to_owned()),
    ]
}

pub(crate) const DOUBTS: [Doubt; 3] =
    [Doubt::CouldNotProbe(Obstacle::OutOfResources), Doubt::TooFewAnswers, Doubt::NoResolverConfigured];

pub(crate) const OBSTACLES: [Obstacle; 8] = [
    Obstacle::NoRoute,
    Obstacle::ForbiddenLocally,
    Obstacle::NoPermission,
    Obstacle::PortInUse,
    Obstacle::OutOfResources,
    Obstacle::TooBig { mtu: Some(1500) },
    Obstacle::TooBig { mtu: None },
    Obstacle::Unsupported,
];

pub(crate) const GAPS: [Gap; 5] = [
    Gap::PingNotPermitted,
    Gap::NoControl,
    Gap::TrailNotFollowed,
    Gap::LocalEdgeUnknown,
    Gap::HostDistanceUnknown,
];

pub(crate) const ERRORS: [ResolutionError; 5] = [
    ResolutionError::NxDomain,
    ResolutionError::NoData,
    ResolutionError::ServFail,
    ResolutionError::Refused,
    ResolutionError::Timeout,
];

pub(crate) fn case() -> Case {
    Case {
        target: "fcm.googleapis.com:443".parse().expect("a target"),
        vantage: Vantage { host: "web01".to_owned(), sources: vec![address()], ..Default::default() },
        plan: Plan::new(Effort::Normal, 1),
        started: reach_core::Time::from_micros(1_795_323_603_250_000),
    }
}

pub(crate) fn endpoint(verdict: Verdict) -> EndpointDiagnosis {
    EndpointDiagnosis {
        endpoint: Endpoint { address: address(), port: 443 },
        verdict,
        confidence: 0.99,
        ping: PingSummary::default(),
        connect: ConnectSummary { attempts: 4, syns: 12, syns_lost: 12, ..Default::default() },
        tls: None,
        http: None,
        location: Some(Location { last_answering: Some(address()), ttl: 1, ..Default::default() }),
        evidence: Vec::new(),
        gaps: Vec::new(),
    }
}

pub(crate) fn diagnosis(verdict: Verdict) -> Diagnosis {
    Diagnosis {
        target: case().target,
        state: State::PartlyReachable,
        doubt: None,
        resolution: Resolution { name: Some("fcm.googleapis.com".to_owned()), ..Default::default() },
        endpoints: vec![endpoint(verdict)],
        impact: Vec::new(),
        findings: Vec::new(),
    }
}
