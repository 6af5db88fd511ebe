//! What each finding says (JSON `text`).

use std::net::IpAddr;

use reach_core::model::{AddressSource, AnswerFault, Finding, Matter, Verdict};

use super::{count_addresses, distrust, meaning, place, rcode, say};
use crate::{Lang, clean::clean, scene::Scene, units};

/// The finding in one to three sentences.
pub(crate) fn finding(scene: &Scene<'_>, finding: &Finding) -> String {
    let lang = scene.lang;
    let (host, port) = (scene.host(), scene.port());
    let who = some_addresses(&finding.addresses, lang);
    match &finding.matter {
        Matter::PartialBlock { working, failing, prefixes } => {
            let all = working + failing;
            let kinds = kinds(scene, &finding.addresses);
            if let Some((bad, good)) = scene.families_apart(&finding.addresses) {
                return say!(
                    lang,
                    "{failing} of {all} addresses of {host} cannot be connected to on TCP port {port}: all the {bad} ones, while the {good} ones can at the same time. {kinds}",
                    "{host}의 IP {all}개 중 {failing}개는 TCP {port} 포트로 연결되지 않습니다. {bad} 주소는 모두 실패하고 {good} 주소는 같은 시각에 연결됩니다. {kinds}"
                );
            }
            let mut text = say!(
                lang,
                "{failing} of {all} addresses of {host} cannot be connected to on TCP port {port}, while {working} can, from the same source at the same time. {kinds}",
                "{host}의 IP {all}개 중 {failing}개는 TCP {port} 포트로 연결되지 않고, {working}개는 같은 출발지에서 같은 시각에 연결됩니다. {kinds}"
            );
            if !prefixes.is_empty() {
                let prefixes: Vec<String> = prefixes.iter().map(|prefix| clean(prefix)).collect();
                let prefixes = units::some_of(&prefixes, 8, lang);
                text.push_str(&say!(
                    lang,
                    " By prefix: all that fail lie in {prefixes}, and none that works does.",
                    " 대역으로 보면 실패하는 주소는 모두 {prefixes}에 있고 정상인 주소는 그 대역에 없습니다."
                ));
            }
            text
        }
        Matter::AllBlocked { failing } => {
            let kinds = kinds(scene, &finding.addresses);
            let what = match (*failing, scene.name()) {
                (1, Some(_)) => say!(
                    lang,
                    "The only address of {host} cannot be connected to",
                    "{host}의 유일한 IP 주소가 연결되지 않습니다"
                ),
                (_, Some(_)) => say!(
                    lang,
                    "None of the {failing} addresses of {host} can be connected to",
                    "{host}의 IP {failing}개가 모두 연결되지 않습니다"
                ),
                (_, None) => say!(lang, "{host} cannot be connected to", "{host}에 연결되지 않습니다"),
            };
            say!(lang, "{what} on TCP port {port}. {kinds}", "{what}(TCP {port}). {kinds}")
        }
        Matter::LocalFilter => say!(
            lang,
            "This machine's own packet filter or policy stops connections to {who}; no device in the network is involved.",
            "이 서버 자체의 패킷 필터 또는 정책이 {who} 연결을 막고 있습니다. 네트워크 장비와는 무관합니다."
        ),
        Matter::NothingListens => say!(
            lang,
            "The host itself refuses connections to port {port} ({who}): it was reached, and nothing listens there. That is no firewall drop.",
            "목적지 서버가 {port} 포트 연결을 직접 거부합니다({who}). 서버까지 도달했으나 대기 중인 서비스가 없는 것으로, 방화벽의 무응답 차단이 아닙니다."
        ),
        Matter::ForgedReset { by, hop } => {
            let located =
                finding.addresses.first().and_then(|address| place(scene.endpoint(*address)?, lang));
            let place = match (located, by, hop) {
                (Some(place), ..) => say!(lang, " {place}", " {place}에 있는"),
                (None, Some(by), _) => say!(lang, " at about {by}", " {by} 부근의"),
                (None, None, Some(hop)) => say!(lang, " at about hop {hop}", " {hop}번째 홉 부근의"),
                (None, None, None) => String::new(),
            };
            say!(
                lang,
                "A device{place} answers with RST in the host's name ({who}): the application sees `Connection refused`, but the host never got the SYN.",
                "경로상{place} 장비가 목적지 서버 대신 RST로 응답합니다({who}). 애플리케이션에는 `Connection refused`로 보이지만 SYN은 서버에 도달하지 않았습니다."
            )
        }
        Matter::DeadPath { failing_share, suspect } => {
            let share = units::percent(*failing_share);
            let suspect = match suspect {
                Some(suspect) => say!(
                    lang,
                    " The failing ones are last seen at {suspect}, where the passing ones do not go.",
                    " 실패하는 쪽은 {suspect}에서 마지막으로 응답했으며, 성공하는 쪽은 그곳을 지나지 않습니다."
                ),
                None => String::new(),
            };
            say!(
                lang,
                "The source port decides: about {share} of the source ports never get an answer from {who}, the others always do. Suspected: a dead member of parallel paths (ECMP, link bundle), of a NAT pool or of a balancer.{suspect}",
                "출발지 포트에 따라 결과가 갈립니다. 출발지 포트의 약 {share}⟨은/는⟩ {who}에서 항상 무응답이고 나머지는 항상 성공합니다. 병렬 경로(ECMP, 링크 묶음), NAT 풀 또는 L4 구성원 일부의 고장으로 추정됩니다.{suspect}"
            )
        }
        Matter::PacketLoss { lost, sent } => {
            let share = ratio(*lost, *sent);
            say!(
                lang,
                "Packets to {who} are lost at random: {lost} of {sent} ({share}), whatever the source port. That is no block; connections are slow or time out now and then.",
                "{who} 방향 패킷이 무작위로 손실됩니다({sent}개 중 {lost}개, {share}). 출발지 포트와 무관하며 차단이 아닙니다. 연결이 느리거나 간헐적으로 시간 초과가 납니다."
            )
        }
        Matter::SlightLoss { lost, sent } => {
            let share = ratio(*lost, *sent);
            say!(
                lang,
                "{lost} of {sent} packets ({share}) were lost: too few to matter, or to tell from chance.",
                "패킷 {sent}개 중 {lost}개({share})가 손실되었습니다. 문제로 보거나 우연과 구분하기에는 적은 양입니다."
            )
        }
        Matter::ClosedEarly => say!(
            lang,
            "Connections to {who} come about and are then closed or reset before any answer: by the service itself, or by a device that looks into connections (IPS, proxy, balancer without a healthy server).",
            "{who} 연결은 맺어지지만 응답 전에 끊깁니다. 서비스 자체 또는 연결 내용을 보는 장비(IPS, 프록시, 정상 서버가 없는 L4)가 끊는 것입니다."
        ),
        Matter::NameBlocked { name } => {
            let name = clean(name);
            say!(
                lang,
                "TLS to {who} dies only when the handshake carries the name {name}; with another name, or none, the same address answers. Suspected: a filter by server name (SNI, URL or application control).",
                "{who}에 대한 TLS는 핸드셰이크에 도메인 {name}⟨이/가⟩ 담길 때만 끊기고, 다른 이름이거나 이름이 없으면 같은 주소가 응답합니다. 도메인(SNI, URL, 애플리케이션) 차단 정책으로 추정됩니다."
            )
        }
        Matter::MtuBlackhole { passes } => {
            let passes = match passes {
                Some(size) => {
                    say!(
                        lang,
                        " Segments of at most {size} bytes pass.",
                        " 세그먼트 {size}바이트 이하는 통과합니다."
                    )
                }
                None => String::new(),
            };
            say!(
                lang,
                "Large packets to {who} vanish without an ICMP \"too big\" message (MTU black hole), so the connection stands and then hangs.{passes}",
                "{who} 방향의 큰 패킷이 ICMP 통지 없이 유실됩니다(MTU 블랙홀). 연결은 맺어지지만 이후 멈춥니다.{passes}"
            )
        }
        Matter::Intercepted { issuer } => {
            let issuer = clean(issuer);
            say!(
                lang,
                "Between here and {host} TLS is terminated by somebody else: the certificate was issued by {issuer}, which is no public authority.",
                "{host}까지 가는 중간에서 TLS가 복호화됩니다(SSL 가시화). 인증서 발급자가 공인 기관이 아닌 {issuer}입니다."
            )
        }
        Matter::CertificateExpired { not_after } => {
            let date = units::date(*not_after);
            say!(
                lang,
                "The certificate of {host} expired on {date} (UTC). ({who})",
                "{host}의 인증서가 {date}(UTC)에 만료되었습니다. ({who})"
            )
        }
        Matter::CertificateExpiresSoon { not_after } => {
            let date = units::date(*not_after);
            let left = *not_after - i64::try_from(scene.case.started.as_secs()).unwrap_or(i64::MAX);
            let days = left.max(0) / 86_400;
            say!(
                lang,
                "The certificate of {host} expires on {date} (UTC), in {days} days. ({who})",
                "{host}의 인증서가 {date}(UTC), 즉 {days}일 뒤에 만료됩니다. ({who})"
            )
        }
        Matter::WrongName { names } => {
            let names: Vec<String> = names.iter().map(|name| clean(name)).collect();
            let names = if names.is_empty() {
                say!(lang, "no names at all", "이름 없음")
            } else {
                units::some_of(&names, 5, lang)
            };
            say!(
                lang,
                "The certificate received from {who} is not for {host}; it covers {names}. Another server answers, or the name points to the wrong place.",
                "{who}에서 받은 인증서가 {host}용이 아닙니다. 인증서의 도메인: {names}. 다른 서버가 응답하거나 도메인이 잘못된 곳을 가리킵니다."
            )
        }
        Matter::UnknownIssuer { issuer, distrust: why } => {
            let (issuer, why) = (clean(issuer), distrust(why, lang));
            say!(
                lang,
                "The certificate from {who} was issued by {issuer} and is not accepted by this machine: {why}.",
                "{who}의 인증서(발급자 {issuer})를 이 서버가 신뢰하지 않습니다: {why}."
            )
        }
        Matter::TlsFailed if scene.is_plain_web(&finding.addresses) => say!(
            lang,
            "{who} answers the TLS handshake with a plain-text web page: the block page of a filter, or a service that speaks no TLS on this port.",
            "{who}⟨이/가⟩ TLS 핸드셰이크에 평문 웹 페이지로 응답합니다. 필터의 차단 페이지이거나 이 포트에서 TLS를 쓰지 않는 서비스입니다."
        ),
        Matter::TlsFailed => say!(
            lang,
            "The TLS handshake with {who} fails although the connection stands.",
            "{who}⟨과/와⟩ 연결은 되지만 TLS 핸드셰이크가 실패합니다."
        ),
        Matter::ServiceSilent => say!(
            lang,
            "{who}: the connection stands, and then nothing comes. The service hangs, or a device passes the handshake and drops what follows.",
            "{who}: 연결된 뒤 아무것도 오지 않습니다. 서비스가 멈췄거나, 중간 장비가 핸드셰이크만 통과시키고 이후 패킷을 버리는 것입니다."
        ),
        Matter::HttpError { status } => say!(
            lang,
            "The server was reached and answers with HTTP {status} ({who}): the fault lies in the service, not on the way.",
            "서버까지 도달했고 HTTP {status}⟨으로/로⟩ 응답합니다({who}). 경로가 아니라 서비스의 문제입니다."
        ),
        Matter::AnsweredByPath { hop, host_hop, by } => {
            let by = by.map(|by| format!(" ({by})")).unwrap_or_default();
            let host_hop = match host_hop {
                Some(hop) => {
                    say!(lang, ", while the host stands at hop {hop}", "(목적지 서버는 {hop}번째 홉)")
                }
                None => String::new(),
            };
            say!(
                lang,
                "Something nearer than the host completes the TCP handshake, at hop {hop}{by}{host_hop}: a transparent or SYN proxy. A connection that stands proves nothing about the host here.",
                "목적지보다 가까운 {hop}번째 홉{by}에서 TCP 핸드셰이크가 완료됩니다{host_hop}. 투명 프록시 또는 SYN 프록시이며, 이 경우 연결 성공이 목적지 도달을 뜻하지 않습니다."
            )
        }
        Matter::Capacity { crowd, passed } => say!(
            lang,
            "Of {crowd} connections opened at the same time only {passed} came about, although single ones pass: some table is full (NAT ports, connection tracking, session limit).",
            "동시에 연 연결 {crowd}개 중 {passed}개만 성공했고, 하나씩은 모두 성공합니다. NAT 포트, 세션 테이블, 세션 수 제한 등 용량이 찬 것입니다."
        ),
        Matter::PingBlocked => say!(
            lang,
            "Ping goes unanswered at {who} although the service answers: here ping proves nothing.",
            "{who}⟨은/는⟩ 서비스가 정상인데도 핑에 응답하지 않습니다. 여기서 핑 결과는 근거가 되지 않습니다."
        ),
        Matter::Ipv6WithoutRoute => {
            let addresses = count_addresses(finding.addresses.len(), lang);
            say!(
                lang,
                "The name also has {addresses} of a family (IPv6, say) that this machine has no route for; clients here skip them, and they do not count.",
                "이 서버에 경로가 없는 주소 체계(IPv6 등)의 {addresses}도 함께 등록되어 있습니다. 이 서버의 클라이언트는 건너뛰므로 집계에서 제외합니다."
            )
        }
        Matter::ResolversDisagree { disjoint, sets } => {
            let sets: Vec<String> = sets
                .iter()
                .map(|(source, addresses)| {
                    let source = source_name(*source, lang);
                    let addresses = some_addresses(addresses, lang);
                    format!("{source}: {addresses}")
                })
                .collect();
            let sets = sets.join("; ");
            if *disjoint {
                say!(
                    lang,
                    "The resolvers give quite different addresses for {host} ({sets}). A firewall that resolves the name by itself may allow addresses that this host never uses.",
                    "DNS 서버마다 {host}의 IP가 전혀 다릅니다({sets}). 방화벽이 도메인을 직접 조회한다면 이 서버가 쓰지 않는 IP만 허용하고 있을 수 있습니다."
                )
            } else {
                say!(
                    lang,
                    "The resolvers give partly different addresses for {host} ({sets}). A firewall that resolves the name by itself may know only part of those used here.",
                    "DNS 서버마다 {host}의 IP가 일부 다릅니다({sets}). 방화벽이 도메인을 직접 조회한다면 이 서버가 쓰는 IP의 일부만 알고 있을 수 있습니다."
                )
            }
        }
        Matter::PinnedByHosts { pinned } => {
            let pinned = some_addresses(pinned, lang);
            say!(
                lang,
                "The hosts file of this machine pins {host} to {pinned}; programs here never ask DNS for it, and will not follow when it moves.",
                "이 서버의 hosts 파일에 {host}⟨이/가⟩ {pinned}⟨으로/로⟩ 고정되어 있습니다. 이 서버의 프로그램은 DNS를 조회하지 않으며 IP가 바뀌어도 따라가지 못합니다."
            )
        }
        Matter::ResolverSilent { resolver, queries } => {
            let resolver = units::resolver(resolver);
            let plural = if *queries == 1 { "question" } else { "questions" };
            say!(
                lang,
                "The DNS server {resolver} left all {queries} {plural} unanswered. Programs that ask it first wait seconds for each look-up.",
                "DNS 서버 {resolver}⟨이/가⟩ 질의 {queries}건에 모두 응답하지 않았습니다. 이 서버를 먼저 묻는 프로그램은 조회마다 몇 초씩 기다립니다."
            )
        }
        Matter::ResolverFails { resolver, rcode: code } => {
            let (resolver, code) = (units::resolver(resolver), rcode(*code));
            if scene.diagnosis.resolution.addresses.is_empty() {
                say!(
                    lang,
                    "The DNS server {resolver} answers {code} for {host}.",
                    "DNS 서버 {resolver}⟨이/가⟩ {host}에 대해 {code} 오류를 응답합니다."
                )
            } else {
                say!(
                    lang,
                    "The DNS server {resolver} answers {code} for {host} while another gives addresses.",
                    "다른 DNS 서버는 {host}의 IP를 응답하지만 {resolver}⟨은/는⟩ {code} 오류를 응답합니다."
                )
            }
        }
        Matter::ResolverUnreachable { resolver } => {
            let resolver = units::resolver(resolver);
            say!(
                lang,
                "The port of the DNS server {resolver} is closed, or the way there is barred.",
                "DNS 서버 {resolver}의 포트가 닫혀 있거나 가는 경로가 차단되어 있습니다."
            )
        }
        Matter::ResolverGarbage { resolver, fault } => {
            let resolver = units::resolver(resolver);
            let fault = match fault {
                Some(AnswerFault::Malformed) => say!(lang, " (no DNS message)", "(DNS 메시지가 아님)"),
                Some(AnswerFault::WrongId) => say!(lang, " (wrong message id)", "(메시지 ID 불일치)"),
                Some(AnswerFault::WrongQuestion) => {
                    say!(lang, " (another question)", "(다른 질의에 대한 응답)")
                }
                None => String::new(),
            };
            say!(
                lang,
                "What comes from the DNS server {resolver} is no answer to the question{fault}.",
                "DNS 서버 {resolver}에서 온 것은 질의에 대한 올바른 응답이 아닙니다{fault}."
            )
        }
        Matter::SystemLookupSlow { took: Some(took) } => {
            let took = units::span(*took, lang);
            say!(
                lang,
                "The system's own look-up of {host} took {took}, although a DNS server asked directly answers.",
                "DNS 서버에 직접 물으면 응답하지만, 시스템 자체 조회는 {host}에 {took}⟨이/가⟩ 걸렸습니다."
            )
        }
        Matter::SystemLookupSlow { took: None } => say!(
            lang,
            "The system's own look-up of {host} did not end in time, although a DNS server asked directly answers.",
            "DNS 서버에 직접 물으면 응답하지만, 시스템 자체 조회({host})는 제한 시간 안에 끝나지 않았습니다."
        ),
        Matter::PoolNotExhausted { seen, estimated } => {
            let more = (estimated - f64::from(*seen)).round().max(0.0);
            if more >= 1.0 {
                say!(
                    lang,
                    "{seen} addresses of {host} were seen; about {estimated:.0} are probably in use. What was not seen was not tested.",
                    "{host}의 IP {seen}개를 확인했으나 실제로는 약 {estimated:.0}개가 쓰이는 것으로 추정됩니다. 확인하지 못한 IP는 점검하지 않았습니다."
                )
            } else {
                say!(
                    lang,
                    "{seen} addresses of {host} were seen, in too few answers to be sure that there are no more. What was not seen was not tested.",
                    "{host}의 IP {seen}개를 확인했으나 더 없다고 하기에는 응답 수가 부족합니다. 확인하지 못한 IP는 점검하지 않았습니다."
                )
            }
        }
        Matter::ProxyConfigured { variable, value } => {
            let (variable, value) = (clean(variable), clean(value));
            say!(
                lang,
                "The environment names a proxy ({variable}={value}), and the direct way fails. Programs that use the proxy may work all the same: this run looked at the direct way only.",
                "환경 변수에 프록시({variable}={value})가 설정되어 있고 직접 연결은 실패합니다. 프록시를 쓰는 프로그램은 정상일 수 있으며, 이번 점검은 직접 연결만 확인했습니다."
            )
        }
        Matter::IcmpRateLimited { router } => say!(
            lang,
            "The router {router} limits how many ICMP errors it sends, so silence from it says little.",
            "라우터 {router}⟨이/가⟩ ICMP 오류 전송량을 제한하므로 이 구간의 무응답은 큰 의미가 없습니다."
        ),
    }
}

/// How the addresses fail, kind by kind, and where: one sentence for each kind.
fn kinds(scene: &Scene<'_>, addresses: &[IpAddr]) -> String {
    let lang = scene.lang;
    let mut sentences = Vec::new();
    for verdict in Verdict::ALL {
        let alike: Vec<_> = addresses
            .iter()
            .filter_map(|address| scene.endpoint(*address))
            .filter(|endpoint| endpoint.verdict == verdict && verdict != Verdict::Ok)
            .collect();
        let Some(first) = alike.first() else { continue };
        let count = alike.len();
        let (code, meaning) = (verdict.code(), meaning(verdict, lang));
        // "The host itself" and "this machine" are said by the verdict already.
        let first_place =
            place(first, lang).filter(|_| !matches!(verdict, Verdict::Refused | Verdict::BlockedLocally));
        let same_place = alike.iter().all(|endpoint| place(endpoint, lang) == place(first, lang));
        let place = match first_place {
            Some(place) if same_place => say!(lang, ", {place}", ", 위치: {place}"),
            _ => String::new(),
        };
        sentences.push(say!(
            lang,
            "{count} {code}: {meaning}{place}.",
            "{code} {count}개: {meaning}{place}."
        ));
    }
    sentences.join(" ")
}

fn some_addresses(addresses: &[IpAddr], lang: Lang) -> String {
    if addresses.is_empty() {
        return say!(lang, "the target", "점검 대상");
    }
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    units::some_of(&texts, 4, lang)
}

fn source_name(source: AddressSource, lang: Lang) -> String {
    match source {
        AddressSource::Resolver(resolver) => units::resolver(&resolver),
        AddressSource::System => say!(lang, "the system's look-up", "시스템 조회"),
        AddressSource::Literal => say!(lang, "the command line", "명령행"),
    }
}

fn ratio(part: u32, whole: u32) -> String {
    units::percent(if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) })
}

/// Whether a finding is about names and resolvers rather than about the way to the addresses.
pub(crate) fn is_about_names(finding: &Finding) -> bool {
    matches!(
        finding.matter,
        Matter::ResolversDisagree { .. }
            | Matter::PinnedByHosts { .. }
            | Matter::ResolverSilent { .. }
            | Matter::ResolverFails { .. }
            | Matter::ResolverUnreachable { .. }
            | Matter::ResolverGarbage { .. }
            | Matter::SystemLookupSlow { .. }
            | Matter::PoolNotExhausted { .. }
    )
}
