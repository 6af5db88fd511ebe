//! Hand-made diagnoses of many kinds.
#![allow(dead_code, reason = "each test file uses some of them")]

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::{Time, model::*};

/// 2026-11-22 14:00:03.250 +09:00.
pub(crate) const STARTED: Time = Time::from_micros(1_795_323_603_250_000);
/// 8.4 s later.
pub(crate) const FINISHED: Time = Time::from_micros(1_795_323_611_650_000);

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn ms(ms: f64) -> Duration {
    Duration::from_micros((ms * 1000.0) as u64)
}

fn resolver(text: &str) -> SocketAddr {
    SocketAddr::new(ip(text), 53)
}

pub(crate) fn case(target: &str) -> Case {
    Case {
        target: target.parse().expect("a target"),
        vantage: Vantage {
            host: "web01".to_owned(),
            sources: vec![ip("10.70.0.10"), ip("2001:db8:70::10")],
            raw_sockets: false,
            echo: EchoAccess::Datagram,
            resolver: ResolverConfig {
                servers: vec![resolver("10.70.0.53"), resolver("10.70.0.54")],
                ..Default::default()
            },
            ..Default::default()
        },
        plan: Plan::new(Effort::Normal, 7),
        started: STARTED,
    }
}

pub(crate) fn ok(address: &str, port: u16) -> EndpointDiagnosis {
    EndpointDiagnosis {
        endpoint: Endpoint { address: ip(address), port },
        verdict: Verdict::Ok,
        confidence: 1.0,
        ping: PingSummary { sent: 3, received: 3, rtt: Some(ms(0.31)), not_permitted: false },
        connect: ConnectSummary {
            attempts: 4,
            succeeded: 4,
            rtt: Some(ms(0.42)),
            syns: 4,
            syns_lost: 0,
            flows: flows(41_000, 4, 1, 1),
        },
        tls: Some(tls_ok()),
        http: None,
        location: None,
        evidence: vec![Evidence::SynsAnswered { answered: 4, syns: 4 }],
        gaps: Vec::new(),
    }
}

fn flows(first: u16, count: u16, syns: u32, answered: u32) -> Vec<FlowTally> {
    (0..count).map(|n| FlowTally { source_port: first + n, syns, answered }).collect()
}

fn tls_ok() -> TlsResult {
    TlsResult {
        ended: TlsEnd::Completed,
        took: ms(3.1),
        version: Some("TLSv1.3".to_owned()),
        cipher: Some("TLS13_AES_256_GCM_SHA384".to_owned()),
        alpn: Some("h2".to_owned()),
        chain: vec![certificate("CN=fcm.googleapis.com", "C=US, O=Example Trust, CN=EX1")],
        distrust: Vec::new(),
        public_root: Some(true),
    }
}

pub(crate) fn certificate(subject: &str, issuer: &str) -> Certificate {
    Certificate {
        subject: subject.to_owned(),
        issuer: issuer.to_owned(),
        names: vec!["fcm.googleapis.com".to_owned()],
        not_before: 1_790_000_000,
        not_after: 1_800_000_000,
        sha256: "ab".repeat(32),
    }
}

fn failed(address: &str, port: u16, verdict: Verdict, evidence: Vec<Evidence>) -> EndpointDiagnosis {
    EndpointDiagnosis {
        verdict,
        ping: PingSummary { sent: 3, received: 0, rtt: None, not_permitted: false },
        connect: ConnectSummary {
            attempts: 4,
            succeeded: 0,
            rtt: None,
            syns: 12,
            syns_lost: 12,
            flows: flows(42_000, 4, 3, 0),
        },
        tls: None,
        evidence,
        ..ok(address, port)
    }
}

fn router(ttl: u8, address: &str) -> TrailHop {
    TrailHop { ttl, answer: TrailAnswer::Router(ip(address)) }
}

fn open_trail() -> Vec<TrailHop> {
    vec![
        router(1, "10.70.0.1"),
        router(2, "10.70.1.2"),
        router(3, "10.70.2.2"),
        TrailHop { ttl: 4, answer: TrailAnswer::Reached },
    ]
}

fn trail_end(behind: &str, answer: TrailAnswer) -> Vec<TrailHop> {
    let mut trail = vec![router(1, behind)];
    trail.extend((2..=6).map(|ttl| TrailHop { ttl, answer }));
    trail
}

pub(crate) fn filtered(address: &str, control: &str) -> EndpointDiagnosis {
    let evidence = vec![
        Evidence::SynsUnanswered { syns: 12, flows: 4, over: ms(7_000.0) },
        Evidence::ControlAnswered { address: ip(control), rtt: Some(ms(0.42)) },
        Evidence::TrailEnds { last: Some(ip("10.70.0.1")), ttl: 1 },
    ];
    EndpointDiagnosis {
        confidence: 0.9994,
        location: Some(Location {
            last_answering: Some(ip("10.70.0.1")),
            ttl: 1,
            by: None,
            next_on_open_path: Some(ip("10.70.1.2")),
            control: Some(ip(control)),
            trail: trail_end("10.70.0.1", TrailAnswer::Silence),
        }),
        ..failed(address, 443, Verdict::Filtered, evidence)
    }
}

fn pool(addresses: &[&str]) -> Resolution {
    let known: Vec<PoolAddress> = addresses
        .iter()
        .map(|address| PoolAddress {
            address: ip(address),
            sources: BTreeSet::from([
                AddressSource::Resolver(resolver("10.70.0.53")),
                AddressSource::Resolver(resolver("10.70.0.54")),
                AddressSource::System,
            ]),
            seen: 3,
            ttl_s: Some(300),
        })
        .collect();
    let set: BTreeSet<IpAddr> = addresses.iter().map(|address| ip(address)).collect();
    let report = |server: &str| ResolverReport {
        resolver: resolver(server),
        conduct: Conduct::Answers,
        queries: 12,
        answers: 12,
        unanswered: 0,
        rtt: Some(ms(0.8)),
        cached: false,
        addresses: set.clone(),
    };
    Resolution {
        name: Some("fcm.googleapis.com".to_owned()),
        resolvers: vec![report("10.70.0.53"), report("10.70.0.54")],
        system: Some(set.iter().copied().collect()),
        system_took: Some(ms(2.0)),
        queries: 24,
        estimated: addresses.len() as f64,
        addresses: known,
        coverage: 1.0,
        exhausted: true,
        alpha: 0.01,
        per_answer: 4,
        rotates: true,
        aliases: Vec::new(),
        error: None,
    }
}

fn impacts(share: f64) -> Vec<Impact> {
    let some = |client, failure_share, added: Option<f64>| Impact {
        client,
        failure_share,
        added_latency: added.map(ms),
    };
    vec![
        some(ClientModel::FirstAddress, share, None),
        some(ClientModel::JvmCached, share, None),
        some(ClientModel::RetryOnce, share, None),
        some(
            ClientModel::AllInOrder,
            if share < 1.0 { 0.0 } else { 1.0 },
            (share < 1.0).then_some(share * 13_000.0),
        ),
        some(
            ClientModel::HappyEyeballs,
            if share < 1.0 { 0.0 } else { 1.0 },
            (share < 1.0).then_some(share * 333.0),
        ),
        some(ClientModel::Curl, share * share, (share < 1.0).then_some(share * 4_000.0)),
    ]
}

pub(crate) fn diagnosis(case: &Case, state: State, endpoints: Vec<EndpointDiagnosis>) -> Diagnosis {
    let texts: Vec<String> = endpoints.iter().map(|one| one.endpoint.address.to_string()).collect();
    let addresses: Vec<&str> = texts.iter().map(String::as_str).collect();
    let resolution = match &case.target.host {
        Host::Name(name) => {
            Resolution { name: Some(name.trim_end_matches('.').to_owned()), ..pool(&addresses) }
        }
        Host::Address(address) => Resolution {
            addresses: vec![PoolAddress {
                address: *address,
                sources: BTreeSet::from([AddressSource::Literal]),
                seen: 1,
                ttl_s: None,
            }],
            estimated: 1.0,
            coverage: 1.0,
            exhausted: true,
            ..Default::default()
        },
    };
    Diagnosis {
        target: case.target.clone(),
        state,
        doubt: None,
        resolution,
        endpoints,
        impact: Vec::new(),
        findings: Vec::new(),
    }
}

pub(crate) fn finding(severity: Severity, addresses: &[&str], matter: Matter) -> Finding {
    Finding { severity, addresses: addresses.iter().map(|address| ip(address)).collect(), matter }
}

/// Eight addresses, three of them dropped by the firewall behind the first router.
pub(crate) fn story() -> (Case, Diagnosis) {
    let case = case("fcm.googleapis.com:443");
    let control = "203.0.113.11";
    let endpoints = (11..=18)
        .map(|n| {
            let address = format!("203.0.113.{n}");
            match n {
                12 | 14 | 15 => filtered(&address, control),
                11 => EndpointDiagnosis {
                    location: Some(Location { trail: open_trail(), ttl: 3, ..Default::default() }),
                    ..ok(&address, 443)
                },
                _ => ok(&address, 443),
            }
        })
        .collect();
    let mut diagnosis = diagnosis(&case, State::PartlyReachable, endpoints);
    diagnosis.impact = impacts(0.375);
    let blocked = ["203.0.113.12", "203.0.113.14", "203.0.113.15"];
    diagnosis.findings = vec![finding(
        Severity::Error,
        &blocked,
        Matter::PartialBlock { working: 5, failing: 3, prefixes: Vec::new() },
    )];
    (case, diagnosis)
}

/// Nothing listens on one of two.
pub(crate) fn refused() -> (Case, Diagnosis) {
    let case = case("api.example.com:8080");
    let bad = EndpointDiagnosis {
        location: Some(Location {
            last_answering: Some(ip("10.70.2.2")),
            ttl: 3,
            trail: vec![
                router(1, "10.70.0.1"),
                router(2, "10.70.1.2"),
                router(3, "10.70.2.2"),
                TrailHop { ttl: 4, answer: TrailAnswer::Reset },
            ],
            control: Some(ip("198.51.100.7")),
            ..Default::default()
        }),
        ..failed(
            "198.51.100.8",
            8080,
            Verdict::Refused,
            vec![
                Evidence::ResetReceived { times: 4 },
                Evidence::ResetFrom { first_ttl: Some(4), origin_hop: Some(4), host_hop: Some(4) },
            ],
        )
    };
    let good = EndpointDiagnosis { tls: None, ..ok("198.51.100.7", 8080) };
    let mut diagnosis = diagnosis(&case, State::PartlyReachable, vec![good, bad]);
    diagnosis.impact = impacts(0.5);
    diagnosis.findings = vec![
        finding(
            Severity::Error,
            &["198.51.100.8"],
            Matter::PartialBlock { working: 1, failing: 1, prefixes: Vec::new() },
        ),
        finding(Severity::Error, &["198.51.100.8"], Matter::NothingListens),
    ];
    (case, diagnosis)
}

/// A box behind the second router answers RST.
pub(crate) fn reset_by_path() -> (Case, Diagnosis) {
    let case = case("push.example.co.kr:443");
    let by = ip("10.70.1.2");
    let bad = EndpointDiagnosis {
        location: Some(Location {
            last_answering: Some(by),
            ttl: 2,
            by: Some(by),
            trail: vec![
                router(1, "10.70.0.1"),
                router(2, "10.70.1.2"),
                TrailHop { ttl: 3, answer: TrailAnswer::Reset },
            ],
            ..Default::default()
        }),
        gaps: vec![Gap::NoControl, Gap::HostDistanceUnknown],
        ..failed(
            "192.0.2.20",
            443,
            Verdict::ResetByPath,
            vec![
                Evidence::ResetReceived { times: 4 },
                Evidence::ResetFrom { first_ttl: Some(3), origin_hop: Some(2), host_hop: None },
            ],
        )
    };
    let mut diagnosis = diagnosis(&case, State::Unreachable, vec![bad]);
    diagnosis.resolution.rotates = false;
    diagnosis.resolution.per_answer = 1;
    diagnosis.impact = impacts(1.0);
    diagnosis.findings = vec![
        finding(Severity::Error, &["192.0.2.20"], Matter::AllBlocked { failing: 1 }),
        finding(Severity::Error, &["192.0.2.20"], Matter::ForgedReset { by: Some(by), hop: Some(2) }),
    ];
    (case, diagnosis)
}

/// A router says administratively prohibited.
pub(crate) fn prohibited() -> (Case, Diagnosis) {
    let case = case("192.0.2.30:5432");
    let by = ip("10.70.1.2");
    let error = IcmpError { v6: false, kind: 3, code: 13 };
    let bad = EndpointDiagnosis {
        location: Some(Location {
            last_answering: Some(ip("10.70.0.1")),
            ttl: 1,
            by: Some(by),
            trail: vec![
                router(1, "10.70.0.1"),
                router(2, "10.70.1.2"),
                TrailHop { ttl: 3, answer: TrailAnswer::Icmp(error, by) },
            ],
            ..Default::default()
        }),
        ..failed(
            "192.0.2.30",
            5432,
            Verdict::Prohibited,
            vec![Evidence::IcmpReceived { error, by, times: 4 }],
        )
    };
    let mut diagnosis = diagnosis(&case, State::Unreachable, vec![bad]);
    diagnosis.impact = impacts(1.0);
    diagnosis.findings = vec![finding(Severity::Error, &["192.0.2.30"], Matter::AllBlocked { failing: 1 })];
    (case, diagnosis)
}

/// Half of the source ports never pass.
pub(crate) fn flow_dependent() -> (Case, Diagnosis) {
    let case = case("pay.example.com:443");
    let mut one = failed(
        "198.51.100.40",
        443,
        Verdict::FlowDependent,
        vec![Evidence::FlowsSplit {
            passing: vec![42_000, 42_001, 42_004],
            failing: vec![42_002, 42_003, 42_005],
        }],
    );
    one.confidence = 0.997;
    one.connect = ConnectSummary {
        attempts: 12,
        succeeded: 6,
        rtt: Some(ms(1.4)),
        syns: 24,
        syns_lost: 18,
        flows: (0..6)
            .map(|n| FlowTally {
                source_port: 42_000 + n,
                syns: if n == 2 || n == 3 || n == 5 { 6 } else { 2 },
                answered: if n == 2 || n == 3 || n == 5 { 0 } else { 2 },
            })
            .collect(),
    };
    one.tls = Some(tls_ok());
    one.location = Some(Location {
        last_answering: Some(ip("10.70.0.1")),
        ttl: 1,
        next_on_open_path: Some(ip("10.70.1.2")),
        control: None,
        trail: trail_end("10.70.0.1", TrailAnswer::Silence),
        by: None,
    });
    let mut diagnosis = diagnosis(&case, State::PartlyReachable, vec![one]);
    diagnosis.impact = impacts(0.5);
    diagnosis.findings = vec![finding(
        Severity::Error,
        &["198.51.100.40"],
        Matter::DeadPath { failing_share: 0.5, suspect: Some(ip("10.70.1.3")) },
    )];
    (case, diagnosis)
}

/// Packets are lost at random.
pub(crate) fn lossy() -> (Case, Diagnosis) {
    let case = case("mail.example.com:25");
    let mut one =
        failed("198.51.100.50", 25, Verdict::Lossy, vec![Evidence::LossMeasured { lost: 9, sent: 30 }]);
    one.confidence = 0.98;
    one.connect.succeeded = 3;
    one.connect.rtt = Some(ms(1003.0));
    one.ping.received = 2;
    one.ping.rtt = Some(ms(12.0));
    let mut diagnosis = diagnosis(&case, State::PartlyReachable, vec![one]);
    diagnosis.impact = impacts(0.1);
    diagnosis.findings =
        vec![finding(Severity::Warning, &["198.51.100.50"], Matter::PacketLoss { lost: 9, sent: 30 })];
    (case, diagnosis)
}

/// TLS dies only with this name.
pub(crate) fn name_blocked() -> (Case, Diagnosis) {
    let case = case("api.telegram.org");
    let name = "api.telegram.org".to_owned();
    let mut one = ok("192.0.2.60", 443);
    one.verdict = Verdict::NameBlocked;
    one.confidence = 0.999;
    one.tls =
        Some(TlsResult { ended: TlsEnd::Reset, chain: Vec::new(), version: None, cipher: None, ..tls_ok() });
    one.evidence = vec![
        Evidence::NameDies { name: name.clone(), ended: TlsEnd::Reset, times: 3 },
        Evidence::OtherNameAnswered { name: None, ended: TlsEnd::Completed },
        Evidence::OtherNameAnswered {
            name: Some("www.example.com".to_owned()),
            ended: TlsEnd::Alert(112, "unrecognized_name".to_owned()),
        },
    ];
    let mut diagnosis = diagnosis(&case, State::Unreachable, vec![one]);
    diagnosis.impact = impacts(1.0);
    diagnosis.findings = vec![finding(Severity::Error, &["192.0.2.60"], Matter::NameBlocked { name })];
    (case, diagnosis)
}

/// Somebody terminates TLS with a certificate of its own.
pub(crate) fn intercepted() -> (Case, Diagnosis) {
    let case = case("https://fcm.googleapis.com/v1/projects/x");
    let issuer = "C=KR, O=한국보안, CN=SSL 가시화 CA";
    let mut one = ok("203.0.113.11", 443);
    one.verdict = Verdict::Untrusted;
    one.tls = Some(TlsResult {
        chain: vec![certificate("CN=fcm.googleapis.com", issuer)],
        distrust: vec![Distrust::UnknownIssuer],
        public_root: Some(false),
        ..tls_ok()
    });
    one.evidence = vec![Evidence::ChainRejected {
        distrust: vec![Distrust::UnknownIssuer],
        subject: "CN=fcm.googleapis.com".to_owned(),
        issuer: issuer.to_owned(),
    }];
    let mut diagnosis = diagnosis(&case, State::Unreachable, vec![one]);
    diagnosis.impact = impacts(1.0);
    diagnosis.findings =
        vec![finding(Severity::Error, &["203.0.113.11"], Matter::Intercepted { issuer: issuer.to_owned() })];
    (case, diagnosis)
}

/// Large packets vanish.
pub(crate) fn mtu() -> (Case, Diagnosis) {
    let case = case("vpn.example.com:443");
    let mut one = ok("2001:db8:70::9", 443);
    one.verdict = Verdict::MtuBlackhole;
    one.confidence = 0.99;
    one.tls =
        Some(TlsResult { ended: TlsEnd::Silent, chain: Vec::new(), version: None, cipher: None, ..tls_ok() });
    one.evidence = vec![
        Evidence::LargeSegmentsVanish { max_segment: 1440, times: 2 },
        Evidence::SmallSegmentsPass { max_segment: 1220, times: 2 },
    ];
    let mut diagnosis = diagnosis(&case, State::Unreachable, vec![one]);
    diagnosis.impact = impacts(1.0);
    diagnosis.findings =
        vec![finding(Severity::Error, &["2001:db8:70::9"], Matter::MtuBlackhole { passes: Some(1220) })];
    (case, diagnosis)
}

/// Everything works.
pub(crate) fn all_good() -> (Case, Diagnosis) {
    let case = case("https://www.example.com/health");
    let endpoints = (11..=14)
        .map(|n| EndpointDiagnosis {
            http: Some(HttpResult {
                ended: HttpEnd::Status(200),
                took: ms(4.0),
                server: Some("nginx".to_owned()),
                location: None,
                content_type: None,
            }),
            ..ok(&format!("198.51.100.{n}"), 443)
        })
        .collect();
    let mut diagnosis = diagnosis(&case, State::Reachable, endpoints);
    diagnosis.resolution.aliases = vec![("www.example.com".to_owned(), "edge.cdn.example.net".to_owned())];
    diagnosis.impact = impacts(0.0)
        .into_iter()
        .map(|impact| Impact { added_latency: impact.added_latency.map(|_| Duration::ZERO), ..impact })
        .collect();
    (case, diagnosis)
}

/// The name does not exist.
pub(crate) fn nxdomain() -> (Case, Diagnosis) {
    let case = case("fcm.gogleapis.com:443");
    let mut diagnosis = diagnosis(&case, State::Unresolved, Vec::new());
    diagnosis.resolution.error = Some(ResolutionError::NxDomain);
    diagnosis.resolution.system = Some(Vec::new());
    diagnosis.resolution.rotates = false;
    diagnosis.resolution.resolvers[1].conduct = Conduct::Silent;
    diagnosis.resolution.resolvers[1].answers = 0;
    diagnosis.resolution.resolvers[1].unanswered = 12;
    diagnosis.resolution.resolvers[1].rtt = None;
    diagnosis.findings = vec![finding(
        Severity::Warning,
        &[],
        Matter::ResolverSilent { resolver: resolver("10.70.0.54"), queries: 12 },
    )];
    (case, diagnosis)
}

/// The resolvers give different pools.
pub(crate) fn resolvers_disagree() -> (Case, Diagnosis) {
    let (case, mut diagnosis) = all_good();
    diagnosis.findings = vec![finding(
        Severity::Warning,
        &[],
        Matter::ResolversDisagree {
            disjoint: true,
            sets: vec![
                (
                    AddressSource::Resolver(resolver("10.70.0.53")),
                    vec![ip("198.51.100.11"), ip("198.51.100.12")],
                ),
                (
                    AddressSource::Resolver(resolver("10.70.0.54")),
                    vec![ip("198.51.100.13"), ip("198.51.100.14")],
                ),
            ],
        },
    )];
    (case, diagnosis)
}

/// IPv6 addresses without a route beside IPv4 ones that work.
pub(crate) fn ipv6_without_route() -> (Case, Diagnosis) {
    let case = case("dual.example.com:443");
    let mut six = failed(
        "2001:db8:1:2:3:4:5:6789",
        443,
        Verdict::NoRoute,
        vec![Evidence::LocalError { obstacle: Obstacle::NoRoute, errno: Some(101) }],
    );
    six.ping = PingSummary::default();
    six.connect = ConnectSummary { attempts: 1, ..Default::default() };
    let mut diagnosis = diagnosis(&case, State::Reachable, vec![ok("198.51.100.70", 443), six]);
    diagnosis.impact = impacts(0.0);
    diagnosis.findings =
        vec![finding(Severity::Info, &["2001:db8:1:2:3:4:5:6789"], Matter::Ipv6WithoutRoute)];
    (case, diagnosis)
}

/// Sixty addresses, two of them dropped, and probably more unseen.
pub(crate) fn big_pool() -> (Case, Diagnosis) {
    let case = case("storage.example.com:443");
    let endpoints = (1..=60)
        .map(|n| {
            let address = format!("203.0.113.{n}");
            if n == 7 || n == 33 {
                filtered(&format!("198.51.100.{n}"), "203.0.113.1")
            } else {
                ok(&address, 443)
            }
        })
        .collect();
    let mut diagnosis = diagnosis(&case, State::PartlyReachable, endpoints);
    diagnosis.resolution.exhausted = false;
    diagnosis.resolution.estimated = 71.4;
    diagnosis.impact = impacts(2.0 / 60.0);
    diagnosis.findings = vec![
        finding(
            Severity::Error,
            &["198.51.100.7", "198.51.100.33"],
            Matter::PartialBlock { working: 58, failing: 2, prefixes: vec!["198.51.100.0/24".to_owned()] },
        ),
        finding(Severity::Info, &[], Matter::PoolNotExhausted { seen: 60, estimated: 71.4 }),
    ];
    (case, diagnosis)
}

/// The tool could not tell.
pub(crate) fn inconclusive() -> (Case, Diagnosis) {
    let case = case("busy.example.com:443");
    let mut one = failed("198.51.100.80", 443, Verdict::Inconclusive, Vec::new());
    one.confidence = 0.4;
    one.gaps = vec![Gap::PingNotPermitted, Gap::TrailNotFollowed];
    one.ping = PingSummary { not_permitted: true, ..Default::default() };
    let mut diagnosis = diagnosis(&case, State::Inconclusive, vec![one]);
    diagnosis.doubt = Some(Doubt::TooFewAnswers);
    (case, diagnosis)
}

/// All of them, by name.
pub(crate) fn all() -> Vec<(&'static str, (Case, Diagnosis))> {
    vec![
        ("story", story()),
        ("refused", refused()),
        ("reset-by-path", reset_by_path()),
        ("prohibited", prohibited()),
        ("flow-dependent", flow_dependent()),
        ("lossy", lossy()),
        ("name-blocked", name_blocked()),
        ("intercepted", intercepted()),
        ("mtu", mtu()),
        ("all-good", all_good()),
        ("nxdomain", nxdomain()),
        ("resolvers-disagree", resolvers_disagree()),
        ("ipv6-without-route", ipv6_without_route()),
        ("big-pool", big_pool()),
        ("inconclusive", inconclusive()),
    ]
}
