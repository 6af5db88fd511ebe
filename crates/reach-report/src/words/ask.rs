//! What to ask of whom, ready to paste. Written to the people who can change it: concrete, polite, with
//! everything that a log is searched by, and never "Any".

use std::net::IpAddr;

use reach_core::model::{
    Distrust, EndpointDiagnosis, Evidence, Finding, Matter, ResolutionError, ResolverReport, Verdict,
};

use super::{icmp, place, say};
use crate::{Lang, clean::clean, scene::Scene, units};

/// A request to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    /// To whom.
    pub(crate) to: Audience,
    /// Its lines; each can be wrapped alone.
    pub(crate) lines: Vec<String>,
}

/// Who can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Audience {
    /// Those who run firewalls, routers and lines.
    Network,
    /// Those who run the service.
    Service,
    /// The administrator of this machine.
    Machine,
    /// Those who run the DNS servers.
    Dns,
    /// Whoever ran the tool.
    Operator,
}

impl Audience {
    pub(crate) const fn text(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::En, Audience::Network) => "To the network team:",
            (Lang::En, Audience::Service) => "To the owner of the service:",
            (Lang::En, Audience::Machine) => "To the administrator of this machine:",
            (Lang::En, Audience::Dns) => "To the DNS administrators:",
            (Lang::En, Audience::Operator) => "Next step:",
            (Lang::Ko, Audience::Network) => "[네트워크(방화벽) 담당자께]",
            (Lang::Ko, Audience::Service) => "[서비스 담당자께]",
            (Lang::Ko, Audience::Machine) => "[이 서버 관리자께]",
            (Lang::Ko, Audience::Dns) => "[DNS 담당자께]",
            (Lang::Ko, Audience::Operator) => "[다음 조치]",
        }
    }
}

impl Ask {
    /// The whole request in one string (JSON `ask`).
    pub(crate) fn whole(&self, lang: Lang) -> String {
        let mut text = self.to.text(lang).to_owned();
        for line in &self.lines {
            text.push('\n');
            text.push_str(line);
        }
        text
    }
}

/// The findings that ask for something, each with its request, in order.
pub(crate) fn findings_with_ask<'a>(scene: &Scene<'a>) -> Vec<(&'a Finding, Ask)> {
    scene
        .diagnosis
        .findings
        .iter()
        .filter(|finding| !is_covered(scene, finding))
        .filter_map(|finding| ask(scene, finding).map(|ask| (finding, ask)))
        .collect()
}

/// Another request says the same: one about a block names forged resets too, and what to do about a name that no
/// resolver knows is said once.
fn is_covered(scene: &Scene<'_>, finding: &Finding) -> bool {
    let resolution = &scene.diagnosis.resolution;
    let error = resolution.error.filter(|_| resolution.addresses.is_empty());
    match (&finding.matter, error) {
        (Matter::ResolverFails { .. }, Some(ResolutionError::ServFail | ResolutionError::Refused)) => {
            return true;
        }
        (
            Matter::ResolverSilent { .. } | Matter::ResolverUnreachable { .. },
            Some(ResolutionError::Timeout),
        ) => return true,
        _ => {}
    }
    matches!(finding.matter, Matter::ForgedReset { .. })
        && scene.diagnosis.findings.iter().any(|other| {
            matches!(other.matter, Matter::PartialBlock { .. } | Matter::AllBlocked { .. })
                && finding.addresses.iter().all(|address| other.addresses.contains(address))
        })
}

/// What to ask because of a finding; `None` where there is nothing to do.
pub(crate) fn ask(scene: &Scene<'_>, finding: &Finding) -> Option<Ask> {
    let lang = scene.lang;
    let (host, port) = (scene.host(), scene.port());
    let to = |to: Audience, lines: Vec<String>| Some(Ask { to, lines });
    let addresses = finding.addresses.as_slice();
    match &finding.matter {
        Matter::PartialBlock { prefixes, .. } => block(scene, finding, prefixes),
        Matter::AllBlocked { .. } => block(scene, finding, &[]),
        Matter::LocalFilter => {
            let who = listed(addresses);
            to(
                Audience::Machine,
                vec![say!(
                    lang,
                    "TCP connections from this machine to {who} port {port} are stopped on this machine itself, on the way out or when the answer comes in. Please look at `nft list ruleset` (or `iptables -S`, `ip rule`, `ip route get ADDRESS`, and security modules) for a rule that matches, and permit this connection.",
                    "이 서버에서 {who} TCP {port} 포트로 나가는 연결이 서버 안에서(나갈 때 또는 응답이 들어올 때) 막히고 있습니다. `nft list ruleset`(또는 `iptables -S`, `ip rule`, `ip route get 주소`, 보안 모듈)에서 해당하는 정책을 확인하고 이 연결을 허용해 주시기 바랍니다."
                )],
            )
        }
        Matter::NothingListens => {
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "These addresses answer with RST themselves: nothing listens on TCP port {port}. Please check that the service runs and listens there (`ss -ltn`), that its balancer members are healthy, and that the name {host} should point to these addresses.",
                "위 주소의 서버가 직접 RST로 거부합니다. TCP {port} 포트에서 서비스가 대기 중인지(`ss -ltn`), L4에 연결된 서버가 정상인지, {host}⟨이/가⟩ 이 주소를 가리키는 것이 맞는지 확인해 주시기 바랍니다."
            ));
            to(Audience::Service, lines)
        }
        Matter::ForgedReset { .. } => {
            let mut lines = particulars(scene, addresses);
            let where_ = match first_place(scene, addresses) {
                Some(place) => say!(lang, "{place}", "{place}에 있는"),
                None => say!(lang, "on the way", "경로상의"),
            };
            lines.push(say!(
                lang,
                "A device {where_} answers these SYNs with RST in the host's name. Please look for a reject rule (or an IPS or application control) there that matches, and permit this connection; in its log please search for the source address and source ports above.",
                "{where_} 장비가 목적지 서버 대신 RST로 응답하고 있습니다. 해당 장비에 맞는 거부(Reject) 정책이나 IPS, 애플리케이션 제어 정책이 있는지 위 출발지 IP와 포트로 로그를 확인하고, 허용을 검토해 주시기 바랍니다."
            ));
            to(Audience::Network, lines)
        }
        Matter::DeadPath { suspect, .. } => {
            let mut lines = particulars(scene, addresses);
            for endpoint in addresses.iter().filter_map(|address| scene.endpoint(*address)).take(3) {
                let address = endpoint.endpoint.address;
                let ports = |answered: bool| {
                    let flows = endpoint.connect.flows.iter();
                    units::ports(
                        flows.filter(|flow| (flow.answered > 0) == answered).map(|flow| flow.source_port),
                        lang,
                    )
                };
                let (passing, failing) = (ports(true), ports(false));
                if passing.is_empty() || failing.is_empty() {
                    continue;
                }
                lines.push(say!(
                    lang,
                    "{address}: source ports that always pass {passing}; that never do {failing}.",
                    "{address}: 항상 성공하는 출발지 포트 {passing} / 항상 실패하는 출발지 포트 {failing}"
                ));
            }
            let near = match suspect {
                Some(suspect) => say!(lang, " near {suspect}", " {suspect} 부근의"),
                None => String::new(),
            };
            lines.push(say!(
                lang,
                "The result depends on the source port alone. Please check the members of parallel paths{near} (ECMP next hops, link bundles), NAT pools and balancers: one member seems to lose everything. The ports above hash onto it.",
                "결과가 출발지 포트에 따라서만 갈립니다.{near} 병렬 경로(ECMP 다음 홉, 링크 묶음), NAT 풀, L4 구성원을 점검해 주시기 바랍니다. 구성원 하나가 모든 패킷을 잃고 있는 것으로 추정되며, 위 실패 포트가 그쪽으로 분배됩니다."
            ));
            to(Audience::Network, lines)
        }
        Matter::PacketLoss { lost, sent } => {
            let share = units::percent(if *sent == 0 { 0.0 } else { f64::from(*lost) / f64::from(*sent) });
            let mut lines = particulars(scene, addresses);
            let at =
                first_place(scene, addresses).map(|at| say!(lang, " ({at})", " ({at})")).unwrap_or_default();
            lines.push(say!(
                lang,
                "{lost} of {sent} packets ({share}) were lost at that time, whatever the source port{at}. Please check the interfaces on this way for errors, drops and full queues.",
                "해당 시각에 패킷 {sent}개 중 {lost}개({share})가 출발지 포트와 무관하게 손실되었습니다{at}. 이 경로의 인터페이스 오류, 폐기(drop), 대역폭 포화를 점검해 주시기 바랍니다."
            ));
            to(Audience::Network, lines)
        }
        Matter::ClosedEarly => {
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "These connections come about and are then cut off before any answer. Please look in the log of the service or its balancer for the source address and time above: did they arrive, and who closed them?",
                "연결은 맺어진 뒤 응답 전에 끊깁니다. 위 출발지 IP와 시각으로 서비스 또는 L4 로그에서 연결이 도착했는지, 누가 끊었는지 확인해 주시기 바랍니다."
            ));
            to(Audience::Service, lines)
        }
        Matter::NameBlocked { name } => {
            let name = clean(name);
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "TCP connects, but the TLS handshake dies when it carries the name {name}, and only then. Please check URL, SNI and application filters (also category lists) for this name and exempt it for the source above.",
                "TCP 연결은 되지만 TLS 핸드셰이크에 도메인 {name}⟨이/가⟩ 담길 때만 끊깁니다. URL, SNI, 애플리케이션 차단 정책(카테고리 포함)에 이 도메인이 걸리는지 확인하고 위 출발지에 대해 예외 처리를 부탁드립니다."
            ));
            to(Audience::Network, lines)
        }
        Matter::MtuBlackhole { passes } => {
            let mut lines = particulars(scene, addresses);
            let passes = match passes {
                Some(size) => say!(
                    lang,
                    " Segments of at most {size} bytes pass.",
                    " 세그먼트 {size}바이트 이하는 통과합니다."
                ),
                None => String::new(),
            };
            lines.push(say!(
                lang,
                "Large packets vanish on this way without an ICMP message.{passes} Please check the MTU of tunnels (VPN, GRE, PPPoE) on it, let ICMP \"fragmentation needed\" / \"packet too big\" through, or clamp the TCP MSS there.",
                "이 경로에서 큰 패킷이 ICMP 통지 없이 유실됩니다.{passes} 경로상 터널(VPN, GRE, PPPoE)의 MTU를 확인하고, ICMP \"fragmentation needed\" / \"packet too big\"을 허용하거나 TCP MSS를 줄이도록(clamp) 설정해 주시기 바랍니다."
            ));
            to(Audience::Network, lines)
        }
        Matter::Intercepted { issuer } => {
            let issuer = clean(issuer);
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "TLS to {host} is terminated on the way with a certificate issued by {issuer}. If this is your TLS inspection: please exempt {host} for the source above, or give us the issuing CA certificate so that it can be added to the trust store of the application (the JVM has its own). If it is not yours, please find out whose it is.",
                "{host}에 대한 TLS가 중간에서 발급자 {issuer}의 인증서로 복호화되고 있습니다. SSL 가시화 장비라면 위 출발지의 {host} 통신을 예외 처리하거나, 애플리케이션 신뢰 저장소(JVM은 별도)에 등록할 CA 인증서를 전달해 주시기 바랍니다. 운영 중인 장비가 아니라면 출처 확인을 부탁드립니다."
            ));
            to(Audience::Network, lines)
        }
        Matter::CertificateExpired { not_after } => {
            let (who, date) = (listed(addresses), units::date(*not_after));
            let now = clock(scene);
            to(
                Audience::Service,
                vec![say!(
                    lang,
                    "The certificate that {who} sends for {host} expired on {date} (UTC). Please renew it, also on every balancer member. (Clock of the machine that looked: {now}.)",
                    "{who}에서 {host}용으로 보내는 인증서가 {date}(UTC)에 만료되었습니다. L4 구성원을 포함해 모두 갱신해 주시기 바랍니다. (점검한 서버의 시계: {now})"
                )],
            )
        }
        Matter::CertificateExpiresSoon { not_after } => {
            let (who, date) = (listed(addresses), units::date(*not_after));
            to(
                Audience::Service,
                vec![say!(
                    lang,
                    "The certificate that {who} sends for {host} expires on {date} (UTC). Please renew it before.",
                    "{who}에서 {host}용으로 보내는 인증서가 {date}(UTC)에 만료됩니다. 그 전에 갱신해 주시기 바랍니다."
                )],
            )
        }
        Matter::WrongName { .. } => {
            let who = listed(addresses);
            to(
                Audience::Service,
                vec![say!(
                    lang,
                    "{who} answer(s) for {host} with a certificate that does not cover this name. Please check that the name points to the right addresses, and that the server chosen by this name (SNI) has its certificate.",
                    "{who}에서 {host}에 대해 다른 도메인의 인증서로 응답합니다. 도메인이 올바른 주소를 가리키는지, 이 도메인(SNI)용 인증서가 서버에 설정되어 있는지 확인해 주시기 바랍니다."
                )],
            )
        }
        Matter::UnknownIssuer { distrust, .. } if distrust.contains(&Distrust::NotYetValid) => {
            let now = clock(scene);
            to(
                Audience::Machine,
                vec![say!(
                    lang,
                    "The certificate of {host} is not valid yet by the clock of this machine ({now}). Please check that clock first (`timedatectl`), then the certificate.",
                    "이 서버의 시계({now}) 기준으로 {host}의 인증서가 아직 유효 기간 전입니다. 먼저 서버 시계(`timedatectl`)를, 다음으로 인증서를 확인해 주시기 바랍니다."
                )],
            )
        }
        Matter::UnknownIssuer { issuer, .. } => {
            let issuer = clean(issuer);
            to(
                Audience::Machine,
                vec![say!(
                    lang,
                    "This machine does not accept the certificate of {host}, issued by {issuer}. If that is your organisation's own CA, please add its root to the trust store (system, and the JVM's own). If not, the server may have left out an intermediate certificate: ask the owner of the service to send the whole chain.",
                    "이 서버가 {host}의 인증서(발급자 {issuer})를 신뢰하지 않습니다. 사내 CA라면 루트 인증서를 신뢰 저장소(시스템 및 JVM)에 등록해 주시기 바랍니다. 아니라면 서버가 중간 인증서를 빠뜨렸을 수 있으니 서비스 담당자에게 전체 인증서 체인 전송을 요청하십시오."
                )],
            )
        }
        Matter::TlsFailed if scene.is_plain_web(addresses) => {
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "What answers the TLS handshake there is a plain-text web page. Is it the block page of a URL filter or proxy of yours? If so, please exempt {host} for the source above; if not, the service does not speak TLS on port {port}.",
                "위 주소는 TLS 핸드셰이크에 평문 웹 페이지로 응답합니다. URL 필터나 프록시의 차단 페이지라면 위 출발지에 대해 {host}의 예외 처리를 부탁드립니다. 아니라면 서비스가 {port} 포트에서 TLS를 쓰지 않는 것입니다."
            ));
            to(Audience::Network, lines)
        }
        Matter::TlsFailed => {
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "The TLS handshake fails. Please check in the server's log which versions and ciphers it accepts, and whether it wants a client certificate.",
                "TLS 핸드셰이크가 실패합니다. 서버 로그에서 허용하는 TLS 버전과 암호 모음, 클라이언트 인증서 요구 여부를 확인해 주시기 바랍니다."
            ));
            to(Audience::Service, lines)
        }
        Matter::ServiceSilent => {
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "These connections stand, and then nothing comes. Please check whether the service hangs (threads, queues, backends), and in its log whether anything of ours arrived at that time; if nothing did, a device before it passes handshakes only.",
                "연결은 되지만 이후 응답이 없습니다. 서비스가 멈춰 있는지(스레드, 대기열, 백엔드), 해당 시각에 요청이 도착했는지 로그를 확인해 주시기 바랍니다. 도착한 기록이 없다면 앞단 장비가 핸드셰이크만 통과시키는 것입니다."
            ));
            to(Audience::Service, lines)
        }
        Matter::HttpError { status } => {
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "The server answers with HTTP {status}. Please look in its log at that time; the network way is fine.",
                "서버가 HTTP {status}⟨으로/로⟩ 응답합니다. 해당 시각의 서버 로그를 확인해 주시기 바랍니다. 네트워크 경로는 정상입니다."
            ));
            to(Audience::Service, lines)
        }
        Matter::AnsweredByPath { hop, .. } => to(
            Audience::Network,
            vec![say!(
                lang,
                "At hop {hop} something completes TCP handshakes for {host} port {port}. Is there a transparent proxy, SYN proxy or similar? If connections fail behind it, its log has the reason.",
                "{hop}번째 홉에서 {host} {port} 포트의 TCP 핸드셰이크를 대신 완료하는 장비가 있습니다. 투명 프록시나 SYN 프록시 등이 있는지 확인 부탁드립니다. 그 뒤에서 연결이 실패한다면 해당 장비 로그에 원인이 있습니다."
            )],
        ),
        Matter::Capacity { crowd, passed } => {
            let mut lines = particulars(scene, addresses);
            lines.push(say!(
                lang,
                "Single connections pass, but of {crowd} at the same time only {passed} did. Please check the number of NAT ports per source, the session and connection-tracking tables and per-source session limits at that time.",
                "연결 하나씩은 성공하지만 동시에 {crowd}개를 열면 {passed}개만 성공합니다. 해당 시각의 출발지별 NAT 포트 수, 세션 테이블 사용량, 출발지별 세션 제한을 확인해 주시기 바랍니다."
            ));
            to(Audience::Network, lines)
        }
        Matter::ResolversDisagree { .. } => to(
            Audience::Network,
            vec![say!(
                lang,
                "If a firewall rule uses the name {host} (FQDN object): which DNS server does the firewall ask? It should ask the same as this host, or it allows other addresses than are used here.",
                "방화벽 정책이 {host} 도메인(FQDN 객체)을 사용한다면 방화벽이 어느 DNS 서버에 조회하는지 확인 부탁드립니다. 이 서버와 같은 DNS 서버를 써야 같은 IP가 허용됩니다."
            )],
        ),
        Matter::PinnedByHosts { .. } => to(
            Audience::Machine,
            vec![say!(
                lang,
                "Please check whether the line for {host} in /etc/hosts is still wanted; without it DNS is asked again.",
                "/etc/hosts의 {host} 항목이 아직 필요한지 확인해 주시기 바랍니다. 삭제하면 다시 DNS를 조회합니다."
            )],
        ),
        Matter::ResolverSilent { resolver, .. } | Matter::ResolverUnreachable { resolver } => {
            let resolver = units::resolver(resolver);
            let source = source_text(scene, &[]);
            to(
                Audience::Dns,
                vec![say!(
                    lang,
                    "The DNS server {resolver} does not answer questions from {source} (UDP and TCP port 53). Please check that it runs and that the way is open; until then, take it out of /etc/resolv.conf or put it last.",
                    "DNS 서버 {resolver}⟨이/가⟩ {source}의 질의(UDP, TCP 53)에 응답하지 않습니다. 서버 동작과 경로 허용 여부를 확인해 주시기 바랍니다. 그때까지는 /etc/resolv.conf에서 빼거나 마지막 순서로 두십시오."
                )],
            )
        }
        Matter::ResolverFails { resolver, rcode } => {
            let (resolver, code) = (units::resolver(resolver), super::rcode(*rcode));
            to(
                Audience::Dns,
                vec![say!(
                    lang,
                    "The DNS server {resolver} answers {code} for {host}. Please check its forwarding, zones and access list.",
                    "DNS 서버 {resolver}⟨이/가⟩ {host}에 대해 {code} 오류를 응답합니다. 포워딩, 영역(zone), 접근 제어 설정을 확인해 주시기 바랍니다."
                )],
            )
        }
        Matter::ResolverGarbage { resolver, .. } => {
            let resolver = units::resolver(resolver);
            to(
                Audience::Dns,
                vec![say!(
                    lang,
                    "What comes from {resolver} is no proper DNS answer. Please check what listens there, and whether a device on the way rewrites DNS.",
                    "{resolver}에서 올바른 DNS 응답이 오지 않습니다. 그 주소에서 무엇이 동작하는지, 중간 장비가 DNS를 변조하는지 확인해 주시기 바랍니다."
                )],
            )
        }
        Matter::SystemLookupSlow { .. } => to(
            Audience::Machine,
            vec![say!(
                lang,
                "Please look at /etc/nsswitch.conf, the search domains and the order of servers in /etc/resolv.conf: something there is waited for before {host} is found (`getent ahosts {host}`).",
                "/etc/nsswitch.conf, /etc/resolv.conf의 search 도메인과 서버 순서를 확인해 주시기 바랍니다. {host} 조회(`getent ahosts {host}`) 전에 다른 무언가를 기다리고 있습니다."
            )],
        ),
        Matter::PoolNotExhausted { .. } => to(
            Audience::Operator,
            vec![say!(
                lang,
                "Run it again with `--effort thorough`, or again later, to see more of the addresses. In requests, name the domain rather than the addresses seen.",
                "더 많은 IP를 확인하려면 `--effort thorough`로, 또는 시간을 두고 다시 실행하십시오. 신청서에는 확인된 IP보다 도메인을 기준으로 적으십시오."
            )],
        ),
        Matter::ProxyConfigured { variable, .. } => {
            let variable = clean(variable);
            to(
                Audience::Operator,
                vec![say!(
                    lang,
                    "Find out whether the application uses the proxy ({variable}; a JVM only with -Dhttps.proxyHost). If it should, test through the proxy; if it should not, the request above stands.",
                    "애플리케이션이 프록시({variable}, JVM은 -Dhttps.proxyHost 설정 시에만)를 쓰는지 확인하십시오. 쓴다면 프록시를 거쳐 점검하고, 쓰지 않는다면 위 요청이 유효합니다."
                )],
            )
        }
        Matter::SlightLoss { .. }
        | Matter::PingBlocked
        | Matter::Ipv6WithoutRoute
        | Matter::IcmpRateLimited { .. } => None,
    }
}

/// The request about addresses that cannot be connected to. What fails on the host itself or on this machine
/// is not for the network team and has findings of its own.
fn block(scene: &Scene<'_>, finding: &Finding, prefixes: &[String]) -> Option<Ask> {
    let lang = scene.lang;
    let stopped: Vec<&EndpointDiagnosis> = finding
        .addresses
        .iter()
        .filter_map(|address| scene.endpoint(*address))
        .filter(|endpoint| {
            matches!(
                endpoint.verdict,
                Verdict::Prohibited | Verdict::Unreachable | Verdict::ResetByPath | Verdict::Filtered
            )
        })
        .collect();
    let addresses: Vec<IpAddr> = stopped.iter().map(|endpoint| endpoint.endpoint.address).collect();
    if addresses.is_empty() {
        return None;
    }
    let (host, port) = (scene.host(), scene.port());
    let mut lines = Vec::new();
    let pinned = |address: &IpAddr| scene.case.vantage.pinned.iter().any(|(_, pinned)| pinned == address);
    if addresses.iter().all(pinned) {
        lines.push(say!(
            lang,
            "(Before this is sent: these addresses stand in the hosts file of this machine. If that line is out of date, no firewall rule is needed.)",
            "(보내기 전에 확인: 이 주소는 이 서버의 hosts 파일에 적혀 있습니다. 오래된 항목이라면 방화벽 정책은 필요 없습니다.)"
        ));
    }
    lines.extend(particulars(scene, &addresses));
    for verdict in [Verdict::Prohibited, Verdict::Unreachable, Verdict::ResetByPath, Verdict::Filtered] {
        let alike: Vec<&EndpointDiagnosis> =
            stopped.iter().copied().filter(|endpoint| endpoint.verdict == verdict).collect();
        if !alike.is_empty() {
            lines.push(stopped_sentence(verdict, &alike, stopped.len(), lang));
        }
    }
    let families_apart = scene.families_apart(&addresses);
    let mut working = scene.connectable();
    working.retain(|open| addresses.iter().any(|address| address.is_ipv4() == open.is_ipv4()));
    let routed_away = stopped.iter().all(|endpoint| endpoint.verdict == Verdict::Unreachable);
    if routed_away {
        lines.push(say!(
            lang,
            "Please check the route and the neighbour (ARP, ND) of these destinations there; if a rule answers so on purpose, we ask for permission of TCP port {port} outbound for this source and these destinations only.",
            "해당 지점에서 위 목적지에 대한 라우팅과 이웃 장비(ARP, ND) 상태를 확인해 주시기 바랍니다. 정책에 의한 응답이라면 위 출발지와 목적지에 한해 TCP {port} 아웃바운드 허용을 신청드립니다."
        ));
        return Some(Ask { to: Audience::Network, lines });
    } else if let Some((bad, good)) = families_apart {
        lines.push(say!(
            lang,
            "The {good} addresses of the same name connect at the same time; the {bad} ones do not. Please check whether the rule covers {bad} too, and permit the destinations above (TCP, port {port}, outbound, this source only).",
            "같은 도메인의 {good} 주소는 같은 시각에 연결되고 {bad} 주소는 연결되지 않습니다. 기존 정책에 {bad}도 포함되어 있는지 확인하고 위 목적지를 허용해 주시기 바랍니다(위 출발지에 한해 TCP {port} 아웃바운드)."
        ));
    } else if working.is_empty() {
        lines.push(say!(
            lang,
            "Please check whether this destination is permitted for the source above; if there is no rule for it, we ask for one: TCP, port {port}, outbound, for this source and these destinations only.",
            "위 출발지에 이 목적지가 허용되어 있는지 확인해 주시고, 정책이 없다면 위 출발지와 목적지에 한해 TCP {port} 아웃바운드 허용을 신청드립니다."
        ));
    } else {
        let open: Vec<String> = working.iter().map(ToString::to_string).collect();
        let open = units::some_of(&open, 8, lang);
        lines.push(say!(
            lang,
            "For comparison: {open} of the same name connect from the same source at the same time, so the service is up and a rule seems to exist that knows only part of its addresses. Please permit the destinations above as well (TCP, port {port}, outbound, this source only).",
            "비교 대상: 같은 도메인의 {open}⟨은/는⟩ 같은 출발지에서 같은 시각에 연결됩니다. 서비스는 정상이며 기존 정책이 IP 일부만 포함한 것으로 추정됩니다. 위 목적지도 허용해 주시기 바랍니다(위 출발지에 한해 TCP {port} 아웃바운드)."
        ));
    }
    lines.push(say!(
        lang,
        "In the log please search by source address, source port and time above (if the source is translated by NAT before the firewall, by the translated address). If the SYNs are seen to pass outward, please tell us: then the fault lies behind the firewall or on the way back.",
        "로그는 위 출발지 IP, 출발지 포트, 발생 시각으로 확인해 주시기 바랍니다(방화벽 전에 NAT가 있으면 NAT IP 기준). SYN이 밖으로 통과한 기록이 있으면 알려 주십시오. 그 경우 방화벽 뒤쪽 또는 돌아오는 경로의 문제입니다."
    ));
    if !prefixes.is_empty() && families_apart.is_none() {
        let prefixes: Vec<String> = prefixes.iter().map(|prefix| clean(prefix)).collect();
        let prefixes = units::some_of(&prefixes, 8, lang);
        lines.push(say!(
            lang,
            "By prefix: all that fail lie in {prefixes}, and none that passes does.",
            "대역 기준: 실패하는 주소는 모두 {prefixes}에 있고 정상인 주소는 그 대역에 없습니다."
        ));
    }
    if scene.pool_changes() {
        lines.extend(fqdn_question(scene, &host, !working.is_empty()));
    }
    if scene.is_google_api() {
        lines.push(say!(
            lang,
            "Google writes about its API end points: \"We are unable to provide an ip based allowlist for these end points\" (firebase.google.com/docs/cloud-messaging/network-configuration).",
            "Google은 API 접속 주소에 대해 IP 허용 목록을 제공할 수 없다고 안내합니다: \"We are unable to provide an ip based allowlist for these end points\"(firebase.google.com/docs/cloud-messaging/network-configuration)"
        ));
    }
    Some(Ask { to: Audience::Network, lines })
}

/// What is seen of one kind of stop, and how sure it is.
fn stopped_sentence(verdict: Verdict, alike: &[&EndpointDiagnosis], of: usize, lang: Lang) -> String {
    let first = alike[0];
    let which = if alike.len() == of {
        say!(lang, "These connections", "위 연결")
    } else {
        let which: Vec<String> = alike.iter().map(|endpoint| endpoint.endpoint.address.to_string()).collect();
        let which = units::some_of(&which, 6, lang);
        say!(lang, "Connections to {which}", "{which} 연결")
    };
    let message = alike.iter().flat_map(|endpoint| &endpoint.evidence).find_map(|evidence| match evidence {
        Evidence::IcmpReceived { error, by, .. } => Some((*by, icmp(*error, lang))),
        _ => None,
    });
    let at = place(first, lang);
    match (verdict, message, at) {
        (Verdict::Prohibited, Some((by, message)), _) => say!(
            lang,
            "{which} are forbidden by {by}, which says so itself: {message}.",
            "{which}⟨은/는⟩ {by}에서 차단됩니다. 해당 장비가 직접 알린 내용: {message}"
        ),
        (_, Some((by, message)), _) => say!(
            lang,
            "{which} are refused by {by}, which answers {message}.",
            "{which}에 대해 {by}⟨이/가⟩ 다음과 같이 응답합니다: {message}"
        ),
        (Verdict::ResetByPath, None, Some(at)) => say!(
            lang,
            "{which} are reset by a device {at}, not by the destination: a reject rule, an IPS or an application control.",
            "{which}⟨은/는⟩ 목적지가 아닌 중간 장비가 RST로 거부합니다(위치: {at}). 거부(Reject) 정책, IPS 또는 애플리케이션 제어로 보입니다."
        ),
        (Verdict::ResetByPath, None, None) => say!(
            lang,
            "{which} are reset by a device on the way, not by the destination.",
            "{which}⟨은/는⟩ 목적지가 아닌 중간 장비가 RST로 거부합니다."
        ),
        (_, None, Some(at)) => say!(
            lang,
            "{which} get no answer of any kind (no SYN-ACK, no RST, no ICMP). We suspect a firewall drop {at}.",
            "{which}⟨은/는⟩ 아무 응답이 없습니다(SYN-ACK, RST, ICMP 모두 없음). 방화벽 차단으로 추정되며 위치는 {at}입니다."
        ),
        (_, None, None) => say!(
            lang,
            "{which} get no answer of any kind (no SYN-ACK, no RST, no ICMP). We suspect a firewall drop.",
            "{which}⟨은/는⟩ 아무 응답이 없습니다(SYN-ACK, RST, ICMP 모두 없음). 방화벽 차단으로 추정됩니다."
        ),
    }
}

/// A rule that follows the name: the request that lasts, and the question that finds the usual cause.
fn fqdn_question(scene: &Scene<'_>, host: &str, partial: bool) -> Vec<String> {
    let lang = scene.lang;
    let resolvers: Vec<String> =
        scene.diagnosis.resolution.resolvers.iter().map(|report| units::resolver(&report.resolver)).collect();
    let asks = if resolvers.is_empty() {
        say!(lang, "the DNS servers of this host", "이 서버의 DNS 서버")
    } else {
        units::some_of(&resolvers, 4, lang)
    };
    let mut lines = Vec::new();
    if partial {
        lines.push(say!(
            lang,
            "Question: does the rule use an FQDN (domain) object for {host}? If so, which DNS server does the firewall ask, how often does it refresh, and how many addresses does it keep? This host asks {asks} and is given addresses in changing order or choice; the firewall must know all of them.",
            "확인 요청: 해당 정책이 {host}에 대해 FQDN(도메인) 객체를 쓰는지, 쓴다면 방화벽이 어느 DNS 서버에 조회하는지, 갱신 주기와 보관하는 IP 개수는 얼마인지 확인 부탁드립니다. 이 서버는 {asks}에 조회하며 응답마다 IP의 순서나 구성이 달라지므로 방화벽이 전체 IP를 알고 있어야 합니다."
        ));
    }
    lines.push(say!(
        lang,
        "The addresses behind {host} change, so a fixed list will fail again: a rule by name (FQDN object that resolves like this host, or TLS SNI), or by the provider's published ranges, lasts longer.",
        "{host}의 IP는 계속 바뀌므로 고정 IP 목록은 다시 장애가 됩니다. 도메인 기준 정책(이 서버와 같은 DNS를 쓰는 FQDN 객체, 또는 TLS SNI)이나 제공사가 공개한 IP 대역 기준 정책을 권장합니다."
    ));
    lines
}

/// What a log is searched by and a request form asks for.
pub(crate) fn particulars(scene: &Scene<'_>, addresses: &[IpAddr]) -> Vec<String> {
    let lang = scene.lang;
    let port = scene.port();
    let source = source_text(scene, addresses);
    let destinations = listed(addresses);
    let mut lines = vec![
        say!(lang, "Source: {source}", "출발지 IP: {source}"),
        say!(lang, "Destination: {destinations}", "목적지 IP: {destinations}"),
        say!(
            lang,
            "Protocol and port: TCP {port}, direction outbound",
            "프로토콜/포트: TCP {port}, 방향: 아웃바운드(내부→외부)"
        ),
    ];
    if let Some(name) = scene.name() {
        lines.push(say!(lang, "Name: {name}", "도메인: {name}"));
    }
    let from = units::date_time(scene.case.started, scene.offset_s);
    let to = units::later(scene.case.started, scene.finished, scene.offset_s);
    let zone = units::zone(scene.offset_s);
    lines.push(say!(lang, "Time: {from} to {to} ({zone})", "발생 시각: {from} ~ {to} ({zone})"));
    let ports = units::ports(
        addresses
            .iter()
            .filter_map(|address| scene.endpoint(*address))
            .flat_map(|endpoint| endpoint.connect.flows.iter().map(|flow| flow.source_port)),
        lang,
    );
    if !ports.is_empty() {
        lines.push(say!(lang, "Source ports used: {ports}", "사용한 출발지 포트: {ports}"));
    }
    lines
}

pub(crate) fn source_text(scene: &Scene<'_>, addresses: &[IpAddr]) -> String {
    let sources =
        if addresses.is_empty() { scene.case.vantage.sources.clone() } else { scene.sources_for(addresses) };
    let host = clean(&scene.case.vantage.host);
    match (sources.is_empty(), host.is_empty()) {
        (false, false) => format!("{} ({host})", units::addresses(&sources)),
        (false, true) => units::addresses(&sources),
        (true, false) => host,
        (true, true) => say!(scene.lang, "this host", "이 서버"),
    }
}

/// The time of the machine that looked.
fn clock(scene: &Scene<'_>) -> String {
    format!("{} {}", units::date_time(scene.case.started, scene.offset_s), units::zone(scene.offset_s))
}

fn first_place(scene: &Scene<'_>, addresses: &[IpAddr]) -> Option<String> {
    addresses
        .iter()
        .filter_map(|address| scene.endpoint(*address))
        .find_map(|endpoint| place(endpoint, scene.lang))
}

/// All of them: a request must be complete.
fn listed(addresses: &[IpAddr]) -> String {
    units::addresses(addresses)
}

/// What to do about a name that gives no address.
pub(crate) fn resolution_advice(scene: &Scene<'_>, error: ResolutionError) -> Ask {
    let lang = scene.lang;
    let host = scene.host();
    let name = scene.diagnosis.resolution.name.as_deref().map_or_else(|| host.clone(), clean);
    let resolvers: Vec<String> = scene
        .diagnosis
        .resolution
        .resolvers
        .iter()
        .map(|report: &ResolverReport| units::resolver(&report.resolver))
        .collect();
    let resolvers = if resolvers.is_empty() {
        say!(lang, "no DNS server", "DNS 서버 없음")
    } else {
        units::some_of(&resolvers, 6, lang)
    };
    let source = source_text(scene, &[]);
    let (to, line) = match error {
        ResolutionError::NxDomain => (
            Audience::Operator,
            say!(
                lang,
                "Check the spelling of {name}. If it is an internal name, check that this host asks the DNS servers that know it (asked: {resolvers}) and that its search domain is right.",
                "{name}의 철자를 확인하십시오. 내부 도메인이라면 이 서버가 그 도메인을 아는 DNS 서버에 조회하는지(조회한 서버: {resolvers}), search 도메인이 맞는지 확인하십시오."
            ),
        ),
        ResolutionError::NoData => (
            Audience::Dns,
            say!(
                lang,
                "The name {name} exists without A or AAAA records (asked: {resolvers}). Please check whether address records are missing.",
                "도메인 {name}에 A, AAAA 레코드가 없습니다(조회한 서버: {resolvers}). 주소 레코드가 빠졌는지 확인해 주시기 바랍니다."
            ),
        ),
        ResolutionError::ServFail => (
            Audience::Dns,
            say!(
                lang,
                "The look-up of {name} from {source} ends in SERVFAIL (asked: {resolvers}). Please check the forwarders, DNSSEC validation and the servers of the zone.",
                "{source}에서 {name} 조회 시 SERVFAIL이 응답됩니다(조회한 서버: {resolvers}). 포워더, DNSSEC 검증, 해당 영역의 서버를 확인해 주시기 바랍니다."
            ),
        ),
        ResolutionError::Refused => (
            Audience::Dns,
            say!(
                lang,
                "Questions from {source} are refused (asked: {resolvers}). Please check whether this source may use these DNS servers.",
                "{source}의 질의가 거부됩니다(조회한 서버: {resolvers}). 이 출발지의 DNS 사용이 허용되어 있는지 확인해 주시기 바랍니다."
            ),
        ),
        ResolutionError::Timeout => (
            Audience::Network,
            say!(
                lang,
                "No DNS server answers {source} (asked: {resolvers}). Please check that UDP and TCP port 53 from this source to these servers is open, and that the servers run.",
                "{source}에 응답하는 DNS 서버가 없습니다(조회한 서버: {resolvers}). 이 출발지에서 해당 서버로 가는 UDP/TCP 53 포트 허용 여부와 서버 동작을 확인해 주시기 바랍니다."
            ),
        ),
    };
    Ask { to, lines: vec![line] }
}
