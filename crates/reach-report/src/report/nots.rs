//! What it is not: only what was proved, each with its proof.

use std::net::IpAddr;

use reach_core::model::{Conduct, Evidence, Matter, TlsEnd, TrailAnswer, Verdict};

use super::kinds::Kind;
use crate::{clean::clean, scene::Scene, units, words::say};

/// Something that is excluded.
pub(super) struct Not {
    /// The stable code.
    pub(super) code: &'static str,
    /// What it is not, in two or three words.
    pub(super) what: String,
    /// Why it is not.
    pub(super) why: String,
}

/// What these failures are not.
pub(super) fn nots(scene: &Scene<'_>, kind: Kind, failing: &[IpAddr]) -> Vec<Not> {
    let on_the_way = matches!(kind, Kind::Drop | Kind::Reject | Kind::ForgedReset | Kind::Routing);
    let all = [
        service(scene, failing).filter(|_| on_the_way || kind == Kind::NameBlocked),
        dns(scene),
        loss(scene, failing).filter(|_| kind == Kind::Drop),
        own_refusal(scene, failing).filter(|_| kind == Kind::ForgedReset),
        this_host(scene, failing).filter(|_| on_the_way),
        ping(scene, failing).filter(|_| on_the_way || kind == Kind::Refused),
        connections(scene, failing)
            .filter(|_| matches!(kind, Kind::Service | Kind::Certificate | Kind::UnknownIssuer)),
        firewall(scene, failing).filter(|_| kind == Kind::Refused),
        server(scene, failing).filter(|_| kind == Kind::NameBlocked),
        certificate(scene, failing).filter(|_| kind == Kind::Interception),
    ];
    all.into_iter().flatten().collect()
}

fn not(code: &'static str, what: String, why: String) -> Option<Not> {
    Some(Not { code, what, why })
}

/// Others of the same name work meanwhile.
fn service(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let family = |address: &IpAddr| failing.iter().any(|other| other.is_ipv4() == address.is_ipv4());
    let working: Vec<IpAddr> = scene.working().into_iter().filter(family).collect();
    let first = scene.endpoint(*working.first()?)?;
    let address = first.endpoint.address;
    let count = working.len();
    let rtt = first.connect.rtt.map(|rtt| units::span(rtt, lang));
    let answered = match rtt {
        Some(rtt) => say!(lang, " ({address} in {rtt})", "({address}: {rtt})"),
        None => String::new(),
    };
    let covered = first.tls.as_ref().is_some_and(|tls| {
        tls.ended == TlsEnd::Completed && tls.distrust.is_empty() && !tls.chain.is_empty()
    });
    let certificate = if covered {
        say!(
            lang,
            " Its certificate is valid for the name, so it is the service itself that answers.",
            " 인증서도 이 도메인에 유효하므로 서비스 자체가 응답한 것입니다."
        )
    } else {
        String::new()
    };
    let plural = if count == 1 { "address" } else { "addresses" };
    not(
        "service",
        say!(lang, "An outage of the service", "서비스 장애"),
        say!(
            lang,
            "{count} other {plural} of the same name worked in the same run from the same source{answered}.{certificate}",
            "같은 도메인의 다른 IP {count}개가 같은 점검에서 같은 출발지로 정상 동작했습니다{answered}.{certificate}"
        ),
    )
}

fn dns(scene: &Scene<'_>) -> Option<Not> {
    let lang = scene.lang;
    let resolution = &scene.diagnosis.resolution;
    let disputed = scene.diagnosis.findings.iter().any(|finding| {
        matches!(
            finding.matter,
            Matter::ResolversDisagree { .. }
                | Matter::PinnedByHosts { .. }
                | Matter::ResolverSilent { .. }
                | Matter::ResolverFails { .. }
                | Matter::ResolverUnreachable { .. }
                | Matter::ResolverGarbage { .. }
                | Matter::SystemLookupSlow { .. }
        )
    });
    let all_answer = !resolution.resolvers.is_empty()
        && resolution
            .resolvers
            .iter()
            .all(|report| report.conduct == Conduct::Answers && report.unanswered == 0);
    let usable = scene.name().is_some() && resolution.error.is_none() && !resolution.addresses.is_empty();
    if disputed || !all_answer || !usable {
        return None;
    }
    let asked: Vec<String> =
        resolution.resolvers.iter().map(|report| units::resolver(&report.resolver)).collect();
    let (asked, queries) = (units::some_of(&asked, 4, lang), resolution.queries);
    not(
        "dns",
        say!(lang, "A failure of DNS", "DNS 장애"),
        say!(
            lang,
            "{queries} questions to {asked}: each was answered, and all agree on the addresses.",
            "{asked}에 {queries}회 조회하여 모두 응답을 받았고 IP 목록도 서로 일치합니다."
        ),
    )
}

/// Too many in a row vanished, while none of the control's did.
fn loss(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let (mut syns, mut flows) = (0_u32, 0_u32);
    for endpoint in failing.iter().filter_map(|address| scene.endpoint(*address)) {
        let (more, ports) = endpoint.evidence.iter().find_map(|evidence| match evidence {
            Evidence::SynsUnanswered { syns, flows, .. } => Some((*syns, *flows)),
            _ => None,
        })?;
        (syns, flows) = (syns + more, flows + ports);
    }
    let controls = scene.diagnosis.endpoints.iter().filter(|endpoint| endpoint.verdict == Verdict::Ok);
    let (sent, lost) = controls.fold((0, 0), |(sent, lost), endpoint| {
        (sent + endpoint.connect.syns, lost + endpoint.connect.syns_lost)
    });
    // Where others lose packets too it is not excluded by counting.
    if syns == 0 || sent < 4 || lost > 0 {
        return None;
    }
    not(
        "loss",
        say!(lang, "Random packet loss", "무작위 패킷 손실"),
        say!(
            lang,
            "All {syns} SYNs from {flows} source ports stayed unanswered, and none of the {sent} SYNs to the working addresses did.",
            "출발지 포트 {flows}개로 보낸 SYN {syns}개에 모두 응답이 없는 반면, 정상 IP로 보낸 SYN {sent}개는 하나도 손실되지 않았습니다."
        ),
    )
}

fn own_refusal(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let (origin, host) =
        failing.iter().filter_map(|address| scene.endpoint(*address)).find_map(|endpoint| {
            endpoint.evidence.iter().find_map(|evidence| match evidence {
                Evidence::ResetFrom { origin_hop, first_ttl, host_hop: Some(host) } => {
                    let origin = first_ttl.or(*origin_hop)?;
                    (origin < *host).then_some((origin, *host))
                }
                _ => None,
            })
        })?;
    not(
        "refused-by-host",
        say!(lang, "A refusal of the destination itself", "목적지 서버 자체의 거부"),
        say!(
            lang,
            "The RST arises at hop {origin}; the destination stands at hop {host}.",
            "RST는 {origin}번째 홉에서 발생하며, 목적지 서버는 {host}번째 홉에 있습니다."
        ),
    )
}

/// A router answered for packets to this very address and port: so they left.
fn this_host(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let port = scene.port();
    let (address, ttl, router) =
        failing.iter().filter_map(|address| scene.endpoint(*address)).find_map(|endpoint| {
            endpoint.location.as_ref()?.trail.iter().find_map(|hop| match hop.answer {
                TrailAnswer::Router(router) => Some((endpoint.endpoint.address, hop.ttl, router)),
                _ => None,
            })
        })?;
    not(
        "this-host",
        say!(lang, "A filter or a missing route on this host", "이 서버의 방화벽 또는 라우팅"),
        say!(
            lang,
            "SYNs to {address} port {port} do leave it: hop {ttl} ({router}) answered for them.",
            "{address} {port} 포트로 보낸 SYN이 실제로 나갔습니다. {ttl}번째 홉({router})이 그 패킷에 응답했습니다."
        ),
    )
}

fn ping(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let answered =
        failing.iter().filter_map(|address| scene.endpoint(*address)).find(|one| one.ping.received > 0);
    if let Some(endpoint) = answered {
        let (address, received, sent) =
            (endpoint.endpoint.address, endpoint.ping.received, endpoint.ping.sent);
        let port = scene.port();
        return not(
            "host-down",
            say!(lang, "A host that is down", "목적지 서버 다운"),
            say!(
                lang,
                "{address} answers ping ({received} of {sent}); TCP port {port} alone does not work.",
                "{address}⟨은/는⟩ 핑에 응답합니다({sent}회 중 {received}회). TCP {port} 포트만 연결되지 않습니다."
            ),
        );
    }
    let silent = |addresses: &[IpAddr]| {
        let mut asked = addresses
            .iter()
            .filter_map(|address| scene.endpoint(*address))
            .filter(|one| one.ping.sent > 0)
            .peekable();
        asked.peek().is_some() && asked.all(|one| one.ping.received == 0)
    };
    if silent(failing) && silent(&scene.working()) {
        return not(
            "ping",
            say!(lang, "A matter of ping", "핑 차단 여부와 무관"),
            say!(
                lang,
                "Working addresses do not answer ping either, so that its silence is not used as evidence.",
                "정상인 IP도 핑에는 응답하지 않으므로, 핑 무응답은 근거로 쓰지 않았습니다."
            ),
        );
    }
    None
}

/// Handshakes pass: nothing on the way stops the connection.
fn connections(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let endpoints = || failing.iter().filter_map(|address| scene.endpoint(*address));
    let (attempts, succeeded) = endpoints()
        .fold((0, 0), |(all, good), one| (all + one.connect.attempts, good + one.connect.succeeded));
    if succeeded == 0 || succeeded < attempts || nearer(scene) {
        return None;
    }
    not(
        "connection",
        say!(lang, "A block of the connection", "연결 차단"),
        say!(
            lang,
            "{succeeded} of {attempts} TCP handshakes with these addresses completed.",
            "해당 IP와의 TCP 핸드셰이크 {attempts}회 중 {succeeded}회가 완료되었습니다."
        ),
    )
}

/// Something nearer than the host may answer in its place.
fn nearer(scene: &Scene<'_>) -> bool {
    scene.diagnosis.findings.iter().any(|finding| matches!(finding.matter, Matter::AnsweredByPath { .. }))
}

fn firewall(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let hop = failing.iter().filter_map(|address| scene.endpoint(*address)).find_map(|endpoint| {
        endpoint.evidence.iter().find_map(|evidence| match evidence {
            Evidence::ResetFrom { first_ttl, origin_hop, host_hop: Some(host) } => {
                let origin = first_ttl.or(*origin_hop)?;
                (origin >= *host).then_some(*host)
            }
            _ => None,
        })
    })?;
    not(
        "firewall",
        say!(lang, "A device on the way", "중간 장비의 차단"),
        say!(
            lang,
            "The RST arises at hop {hop}, which is the distance of the destination itself.",
            "RST가 목적지 서버와 같은 거리인 {hop}번째 홉에서 발생합니다."
        ),
    )
}

fn server(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let passed = failing.iter().filter_map(|address| scene.endpoint(*address)).find_map(|endpoint| {
        endpoint.evidence.iter().find_map(|evidence| match evidence {
            Evidence::OtherNameAnswered { name, .. } => Some((endpoint.endpoint.address, name.clone())),
            _ => None,
        })
    })?;
    let address = passed.0;
    let how = match passed.1 {
        Some(name) => {
            let name = clean(&name);
            say!(lang, "with the name {name}", "도메인 {name}⟨으로/로⟩는")
        }
        None => say!(lang, "without any name", "도메인 없이는"),
    };
    not(
        "server",
        say!(lang, "A failure of the server or of TLS", "서버 또는 TLS 자체의 장애"),
        say!(
            lang,
            "{address} answers the same TLS handshake {how}.",
            "{address}⟨은/는⟩ 같은 TLS 핸드셰이크에 {how} 응답합니다."
        ),
    )
}

fn certificate(scene: &Scene<'_>, failing: &[IpAddr]) -> Option<Not> {
    let lang = scene.lang;
    let issuer = scene.diagnosis.findings.iter().find_map(|finding| match &finding.matter {
        Matter::Intercepted { issuer } if finding.addresses.iter().any(|one| failing.contains(one)) => {
            Some(clean(issuer))
        }
        _ => None,
    })?;
    not(
        "own-certificate",
        say!(lang, "A certificate of the service", "서비스 자체의 인증서"),
        say!(
            lang,
            "What arrives here was issued by {issuer}, which this host does not trust.",
            "이 서버가 받은 인증서의 발급자는 {issuer}이며, 이 서버가 신뢰하지 않는 기관입니다."
        ),
    )
}
