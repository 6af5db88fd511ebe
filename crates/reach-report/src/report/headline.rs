//! What stands at the head of a hand-over: its title, and the two lines for whoever reads no further.

use reach_core::model::{ClientModel, ResolutionError};

use super::{Material, kinds::Kind, letter::Fault};
use crate::{
    Lang,
    clean::clean,
    text, units,
    words::{self, say},
};

/// The title, by what leads.
pub(super) fn title(material: &Material<'_>, faults: &[Fault<'_>], lang: Lang) -> String {
    let Some(first) = faults.first() else {
        let what = material.runs.first().map(|run| clean(&run.case.target.text)).unwrap_or_default();
        return match material.runs.len() {
            0 => say!(lang, "Nothing was examined", "점검 결과 없음"),
            1 => say!(lang, "{what}: nothing to ask, all works", "{what}: 요청 사항 없음(정상)"),
            many => {
                let others = many - 1;
                say!(
                    lang,
                    "{what} and {others} more: nothing to ask, all work",
                    "{what} 외 {others}개: 요청 사항 없음(정상)"
                )
            }
        };
    };
    let what = clean(&first.scene.diagnosis.target.text);
    let others = faults.len() - 1;
    let what = match others {
        0 => what,
        others => say!(lang, "{what} and {others} more", "{what} 외 {others}개"),
    };
    match first.kind {
        Kind::Drop | Kind::Reject | Kind::ForgedReset => {
            say!(lang, "Request for a firewall rule: {what}", "방화벽 오픈 요청: {what}")
        }
        Kind::NameBlocked | Kind::BlockPage => {
            say!(lang, "Request for an exemption from a name filter: {what}", "도메인 차단 예외 요청: {what}")
        }
        Kind::Interception => {
            say!(lang, "Request about TLS inspection: {what}", "SSL 가시화 예외 요청: {what}")
        }
        Kind::Routing => say!(lang, "Request to check the routing: {what}", "라우팅 점검 요청: {what}"),
        Kind::DeadMember => {
            say!(lang, "Request to check parallel paths: {what}", "병렬 경로(ECMP 등) 점검 요청: {what}")
        }
        Kind::Mtu => say!(lang, "Request to check the MTU: {what}", "MTU 점검 요청: {what}"),
        Kind::Loss => {
            say!(lang, "Request to check for packet loss: {what}", "패킷 손실 구간 점검 요청: {what}")
        }
        Kind::Capacity => {
            say!(lang, "Request to check session limits: {what}", "세션·NAT 포트 한도 점검 요청: {what}")
        }
        Kind::LocalFilter | Kind::NoRoute | Kind::UnknownIssuer => {
            say!(lang, "Request to the administrator of the host: {what}", "서버 관리자 점검 요청: {what}")
        }
        Kind::Refused | Kind::Service | Kind::Certificate => {
            say!(lang, "Request to the owner of the service: {what}", "서비스 담당자 점검 요청: {what}")
        }
        Kind::Unresolved => say!(lang, "Request about DNS: {what}", "DNS 점검 요청: {what}"),
        Kind::Unclear => say!(lang, "It could not be told: {what}", "판단 불가: {what}"),
    }
}

/// Two lines for whoever reads no further.
pub(super) fn two_lines(fault: &Fault<'_>) -> (String, String) {
    let scene = &fault.scene;
    let lang = scene.lang;
    let target = clean(&scene.diagnosis.target.text);
    let tally = text::tally(scene).unwrap_or_default();
    let host = clean(&scene.case.vantage.host);
    let host = if host.is_empty() { say!(lang, "this host", "이 서버") } else { host };
    let mut first = match fault.kind {
        Kind::Unresolved => {
            say!(lang, "{target}, asked from {host}: {tally}.", "{target} ({host}에서 조회): {tally}.")
        }
        _ => say!(lang, "{target}, seen from {host}: {tally}.", "{target} ({host} 기준): {tally}."),
    };
    let share = scene.diagnosis.impact.iter().find(|impact| impact.client == ClientModel::FirstAddress);
    if share.is_some_and(|impact| impact.failure_share >= 1.0) {
        first.push_str(&say!(lang, " No connection succeeds.", " 모든 연결이 실패합니다."));
    } else if let Some(impact) = share.filter(|impact| impact.failure_share > 0.0) {
        let share = units::percent(impact.failure_share);
        first.push_str(&say!(
            lang,
            " A client that uses the first address of each answer fails in {share} of its connections.",
            " 응답의 첫 번째 IP만 쓰는 클라이언트는 연결의 {share}⟨이/가⟩ 실패합니다."
        ));
    }
    (first, needed(fault))
}

/// What is needed, in one sentence, and of whom.
fn needed(fault: &Fault<'_>) -> String {
    let scene = &fault.scene;
    let lang = scene.lang;
    let port = scene.port();
    let source = words::source_text(scene, &fault.failing);
    let what = match scene.name() {
        Some(name) => name,
        None => scene.host(),
    };
    match fault.kind {
        Kind::Drop => say!(
            lang,
            "Suspected: a firewall drops the connections that fail. Needed of the network team: a rule that permits TCP {port} to {what} by name, for {source} only.",
            "방화벽 차단으로 추정됩니다. 네트워크 담당 요청: {source}에 한해 {what} TCP {port} 포트를 도메인 기준으로 허용."
        ),
        Kind::Reject => say!(
            lang,
            "A device on the way says that it forbids the connections. Needed of the network team: a rule that permits TCP {port} to {what}, for {source} only.",
            "경로상의 장비가 차단을 직접 알리고 있습니다. 네트워크 담당 요청: {source}에 한해 {what} TCP {port} 포트 허용."
        ),
        Kind::ForgedReset => say!(
            lang,
            "A device on the way resets the connections in the destination's name. Needed of the network team: a look at its reject rules, and a rule that permits TCP {port} to {what}, for {source} only.",
            "경로상의 장비가 목적지 대신 연결을 거부(RST)합니다. 네트워크 담당 요청: 거부 정책 확인, {source}에 한해 {what} TCP {port} 포트 허용."
        ),
        Kind::NameBlocked => say!(
            lang,
            "Suspected: a filter cuts TLS by the name. Needed of the network team: an exemption of {what} for {source}.",
            "도메인(SNI) 차단으로 추정됩니다. 네트워크 담당 요청: {source}에 대해 {what} 예외 처리."
        ),
        Kind::BlockPage => say!(
            lang,
            "A web page answers in place of TLS. Needed of the network team: whether it is a block page of theirs, and an exemption of {what} for {source} then.",
            "TLS 대신 웹 페이지가 응답합니다. 네트워크 담당 요청: 차단 페이지인지 확인하고, 맞다면 {source}에 대해 {what} 예외 처리."
        ),
        Kind::Interception => say!(
            lang,
            "TLS is opened on the way with another certificate. Needed of the network team: an exemption of {what} from TLS inspection for {source}, or the issuing CA certificate.",
            "TLS가 중간에서 다른 인증서로 복호화됩니다. 네트워크 담당 요청: {source}의 {what} 통신을 SSL 가시화에서 예외 처리하거나 CA 인증서 전달."
        ),
        Kind::Routing => say!(
            lang,
            "A router on the way says that it cannot get there. Needed of the network team: a look at the route to {what} there.",
            "경로상의 라우터가 목적지에 도달할 수 없다고 응답합니다. 네트워크 담당 요청: 해당 지점의 {what} 라우팅 확인."
        ),
        Kind::DeadMember => say!(
            lang,
            "Suspected: one member of parallel paths loses everything. Needed of the network team: a look at ECMP next hops, link bundles, NAT pools and balancers on this way.",
            "병렬 경로의 구성원 하나가 모든 패킷을 잃는 것으로 추정됩니다. 네트워크 담당 요청: 이 경로의 ECMP, 링크 묶음, NAT 풀, L4 점검."
        ),
        Kind::Mtu => say!(
            lang,
            "Large packets vanish on the way. Needed of the network team: a look at the MTU of tunnels, or clamping of the TCP MSS.",
            "경로에서 큰 패킷이 유실됩니다. 네트워크 담당 요청: 터널 MTU 확인 또는 TCP MSS 조정."
        ),
        Kind::Loss => say!(
            lang,
            "Packets are lost at random; nothing is blocked. Needed of the network team: a look at the interfaces on this way.",
            "패킷이 무작위로 손실되며, 차단은 아닙니다. 네트워크 담당 요청: 이 경로의 인터페이스 점검."
        ),
        Kind::Capacity => say!(
            lang,
            "New connections fail while many are open. Needed of the network team: a look at NAT ports and session limits of {source}.",
            "동시 연결이 많을 때만 새 연결이 실패합니다. 네트워크 담당 요청: {source}의 NAT 포트와 세션 한도 확인."
        ),
        Kind::LocalFilter => say!(
            lang,
            "This host itself stops the connections. Needed of its administrator: a look at its own packet filter. The network team has nothing to do.",
            "이 서버 자체가 연결을 막고 있습니다. 서버 관리자 요청: 서버의 패킷 필터 확인. 네트워크 담당이 조치할 사항은 없습니다."
        ),
        Kind::NoRoute => say!(
            lang,
            "This host has no route there. Needed of its administrator: a route, or nothing if that family is not used.",
            "이 서버에 해당 주소로 가는 경로가 없습니다. 서버 관리자 요청: 라우팅 설정 확인."
        ),
        Kind::UnknownIssuer => say!(
            lang,
            "This host does not accept the certificate. Needed of its administrator: a look at the trust store.",
            "이 서버가 인증서를 신뢰하지 않습니다. 서버 관리자 요청: 신뢰 저장소 확인."
        ),
        Kind::Refused => say!(
            lang,
            "The destination itself refuses: nothing listens on TCP {port} there. Needed of the owner of the service: a look at it. No firewall is at fault as far as can be seen.",
            "목적지 서버가 직접 거부합니다(TCP {port} 포트에 대기 중인 서비스 없음). 서비스 담당 요청: 서비스 상태 확인. 확인된 범위에서 방화벽 문제는 아닙니다."
        ),
        Kind::Service => say!(
            lang,
            "Connections come about, and the service fails behind them. Needed of the owner of the service: a look at it and its log.",
            "연결은 맺어지지만 서비스가 실패합니다. 서비스 담당 요청: 서비스와 로그 확인."
        ),
        Kind::Certificate => say!(
            lang,
            "The certificate that the service sends cannot be accepted. Needed of the owner of the service: the right one.",
            "서비스가 보내는 인증서를 받아들일 수 없습니다. 서비스 담당 요청: 올바른 인증서로 교체."
        ),
        Kind::Unresolved if scene.diagnosis.resolution.error == Some(ResolutionError::NxDomain) => say!(
            lang,
            "Nothing could be connected to, because the name does not exist for the DNS servers asked. First of all: is it spelled right? If it is, of the DNS administrators: whether it should exist there. Nothing is said of any firewall.",
            "조회한 DNS 서버에 없는 도메인이라 연결을 시도할 수 없었습니다. 먼저 철자를 확인하고, 맞다면 DNS 담당 요청: 도메인 등록 여부 확인. 방화벽에 대해서는 판단하지 않습니다."
        ),
        Kind::Unresolved => say!(
            lang,
            "Nothing could be connected to, because the name gives no address here. Needed of the DNS administrators: a look at it. Nothing is said of any firewall.",
            "도메인의 IP를 얻지 못해 연결을 시도할 수 없었습니다. DNS 담당 요청: 조회 실패 원인 확인. 방화벽에 대해서는 판단하지 않습니다."
        ),
        Kind::Unclear => say!(
            lang,
            "What was measured is not enough to blame anybody; nothing is asked. Measure again.",
            "측정한 내용만으로는 원인을 판단할 수 없어 요청 사항이 없습니다. 다시 측정하십시오."
        ),
    }
}
