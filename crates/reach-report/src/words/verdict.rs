//! Verdicts: names, one-line details, what would refute them.

use reach_core::model::{EndpointDiagnosis, Evidence, HttpEnd, TlsEnd, Verdict};

use super::{distrust, icmp, place, say, tls_end};
use crate::{Lang, clean::clean, units};

/// The name of a verdict on the screen. In English it is the stable code, so that it can be looked up.
pub(crate) const fn verdict_name(verdict: Verdict, lang: Lang) -> &'static str {
    match lang {
        Lang::En => verdict.code(),
        Lang::Ko => match verdict {
            Verdict::Ok => "정상",
            Verdict::NoRoute => "경로 없음",
            Verdict::BlockedLocally => "서버 자체 차단",
            Verdict::Prohibited => "관리 정책 차단",
            Verdict::Unreachable => "도달 불가",
            Verdict::Refused => "연결 거부",
            Verdict::ResetByPath => "중간 장비 거부",
            Verdict::Filtered => "무응답 차단 추정",
            Verdict::FlowDependent => "일부 포트만 실패",
            Verdict::Lossy => "패킷 손실",
            Verdict::ClosedEarly => "연결 직후 끊김",
            Verdict::NameBlocked => "도메인(SNI) 차단",
            Verdict::MtuBlackhole => "큰 패킷 유실",
            Verdict::Untrusted => "인증서 불신",
            Verdict::TlsFailed => "TLS 실패",
            Verdict::Silent => "연결 후 무응답",
            Verdict::HttpError => "HTTP 오류",
            Verdict::Inconclusive => "판단 불가",
        },
    }
}

/// What a verdict means, in a few words behind its name.
pub(crate) const fn meaning(verdict: Verdict, lang: Lang) -> &'static str {
    match lang {
        Lang::En => match verdict {
            Verdict::Ok => "works",
            Verdict::NoRoute => "this machine has no route",
            Verdict::BlockedLocally => "this machine's own packet filter",
            Verdict::Prohibited => "a device says that it forbids it",
            Verdict::Unreachable => "a router says that it cannot get there",
            Verdict::Refused => "the host itself says no, nothing listens",
            Verdict::ResetByPath => "a device answers RST in the host's name",
            Verdict::Filtered => "no answer of any kind, suspected firewall drop",
            Verdict::FlowDependent => "the source port decides, suspected dead member of parallel paths",
            Verdict::Lossy => "packets are lost at random",
            Verdict::ClosedEarly => "connects, then is cut off before it answers",
            Verdict::NameBlocked => "TLS dies only with this name, suspected SNI filter",
            Verdict::MtuBlackhole => "small packets pass, large ones vanish",
            Verdict::Untrusted => "the certificate is not acceptable",
            Verdict::TlsFailed => "the TLS handshake fails",
            Verdict::Silent => "connects, then nothing comes",
            Verdict::HttpError => "the server answers with an error of its own",
            Verdict::Inconclusive => "could not be told",
        },
        Lang::Ko => match verdict {
            Verdict::Ok => "접속 가능",
            Verdict::NoRoute => "이 서버에 라우팅 경로가 없음",
            Verdict::BlockedLocally => "이 서버 자체의 패킷 필터",
            Verdict::Prohibited => "장비가 차단 사실을 직접 알림",
            Verdict::Unreachable => "라우터가 도달할 수 없다고 알림",
            Verdict::Refused => "목적지 서버가 직접 거부, 대기 중인 서비스 없음",
            Verdict::ResetByPath => "중간 장비가 목적지 대신 RST로 응답",
            Verdict::Filtered => "아무 응답 없음, 방화벽 차단 추정",
            Verdict::FlowDependent => "출발지 포트에 따라 결과가 갈림, 병렬 경로 일부 고장 추정",
            Verdict::Lossy => "패킷이 무작위로 손실됨",
            Verdict::ClosedEarly => "연결된 뒤 응답 전에 끊김",
            Verdict::NameBlocked => "이 도메인일 때만 TLS가 끊김, SNI 차단 추정",
            Verdict::MtuBlackhole => "작은 패킷은 통과, 큰 패킷은 유실",
            Verdict::Untrusted => "인증서를 신뢰할 수 없음",
            Verdict::TlsFailed => "TLS 핸드셰이크 실패",
            Verdict::Silent => "연결은 되나 응답이 오지 않음",
            Verdict::HttpError => "서버가 자체 오류로 응답",
            Verdict::Inconclusive => "근거 부족",
        },
    }
}

/// One line for people about one address (JSON `detail`).
pub(crate) fn detail(endpoint: &EndpointDiagnosis, lang: Lang) -> String {
    let connect = &endpoint.connect;
    let at = match place(endpoint, lang) {
        Some(place) => say!(lang, ", {place}", ", 위치: {place}"),
        None => String::new(),
    };
    let (attempts, succeeded, syns) = (connect.attempts, connect.succeeded, connect.syns);
    match endpoint.verdict {
        Verdict::Ok => answered(endpoint, lang),
        Verdict::NoRoute => {
            say!(
                lang,
                "this machine has no route to this address",
                "이 서버에 이 주소로 가는 경로(라우팅)가 없음"
            )
        }
        Verdict::BlockedLocally => say!(
            lang,
            "stopped by this machine's own packet filter or policy",
            "이 서버 자체의 패킷 필터 또는 정책에 의해 차단됨"
        ),
        Verdict::Prohibited => match icmp_of(endpoint, lang) {
            Some((by, message)) => {
                say!(lang, "forbidden by {by}: {message}", "{by}⟨이/가⟩ 차단을 알림: {message}")
            }
            None => say!(
                lang,
                "a device on the way answers that this is administratively prohibited{at}",
                "중간 장비가 관리 정책에 의한 차단이라고 응답함{at}"
            ),
        },
        Verdict::Unreachable => match icmp_of(endpoint, lang) {
            Some((by, message)) => {
                say!(lang, "unreachable, says {by}: {message}", "{by}⟨이/가⟩ 도달 불가를 알림: {message}")
            }
            None => {
                say!(lang, "a router says that it is unreachable{at}", "라우터가 도달 불가라고 응답함{at}")
            }
        },
        Verdict::Refused => say!(
            lang,
            "the host itself answers RST: nothing listens on this port",
            "목적지 서버가 직접 RST로 응답: 이 포트에서 대기 중인 서비스 없음"
        ),
        Verdict::ResetByPath => say!(
            lang,
            "a device on the way answers RST in the host's name{at}",
            "중간 장비가 목적지 서버 대신 RST로 응답함{at}"
        ),
        Verdict::Filtered => say!(
            lang,
            "no answer of any kind to {syns} SYNs: suspected firewall drop{at}",
            "SYN {syns}개에 아무 응답 없음: 방화벽 차단 추정{at}"
        ),
        Verdict::FlowDependent => {
            let failing = connect.flows.iter().filter(|flow| flow.answered == 0).count();
            let flows = connect.flows.len();
            say!(
                lang,
                "{failing} of {flows} source ports never get an answer, the others always: suspected dead member of parallel paths{at}",
                "출발지 포트 {flows}개 중 {failing}개는 항상 무응답, 나머지는 항상 성공: 병렬 경로 일부 고장 추정{at}"
            )
        }
        Verdict::Lossy => {
            let lost = connect.syns_lost;
            say!(
                lang,
                "packets are lost at random: {lost} of {syns} SYNs unanswered, {succeeded} of {attempts} attempts connected{at}",
                "패킷이 무작위로 손실됨: SYN {syns}개 중 {lost}개 무응답, {attempts}회 시도 중 {succeeded}회 연결{at}"
            )
        }
        Verdict::ClosedEarly => say!(
            lang,
            "connects, then is closed or reset before it answers",
            "연결은 되지만 응답 전에 끊김(종료 또는 리셋)"
        ),
        Verdict::NameBlocked => say!(
            lang,
            "connects, but the TLS handshake dies when it carries this name: suspected SNI filter{at}",
            "연결은 되지만 이 도메인을 담은 TLS 핸드셰이크만 끊김: SNI 차단 추정{at}"
        ),
        Verdict::MtuBlackhole => say!(
            lang,
            "connects, but large packets vanish on the way (MTU black hole){at}",
            "연결은 되지만 큰 패킷이 중간에 유실됨(MTU 블랙홀){at}"
        ),
        Verdict::Untrusted => {
            let tls = endpoint.tls.as_ref();
            let why = tls.map(|tls| distrust(&tls.distrust, lang)).unwrap_or_default();
            let issuer = tls.and_then(|tls| tls.chain.first()).map(|leaf| clean(&leaf.issuer));
            match issuer {
                Some(issuer) => say!(
                    lang,
                    "the certificate is not acceptable: {why}; issued by {issuer}",
                    "인증서를 신뢰할 수 없음: {why}. 발급자: {issuer}"
                ),
                None => {
                    say!(lang, "the certificate is not acceptable: {why}", "인증서를 신뢰할 수 없음: {why}")
                }
            }
        }
        Verdict::TlsFailed => {
            let how = endpoint.tls.as_ref().map(|tls| tls_end(&tls.ended, lang)).unwrap_or_default();
            say!(lang, "connects, but the TLS handshake {how}", "연결은 되지만 TLS 핸드셰이크 실패: {how}")
        }
        Verdict::Silent => {
            let layer = if endpoint.http.is_some() {
                "HTTP"
            } else if endpoint.tls.is_some() {
                "TLS"
            } else {
                "TCP"
            };
            say!(
                lang,
                "connects, and then nothing comes ({layer})",
                "연결은 되지만 이후 아무 응답이 없음({layer})"
            )
        }
        Verdict::HttpError => match endpoint.http.as_ref().map(|http| &http.ended) {
            Some(HttpEnd::Status(status)) => {
                say!(lang, "the server answers with HTTP {status}", "서버가 HTTP {status} 응답")
            }
            _ => say!(lang, "the server answers with an HTTP error", "서버가 HTTP 오류로 응답"),
        },
        Verdict::Inconclusive => say!(
            lang,
            "could not be told: {succeeded} of {attempts} attempts connected, too little for a verdict",
            "판단 불가: {attempts}회 시도 중 {succeeded}회 연결, 판정하기에 근거가 부족함"
        ),
    }
}

fn answered(endpoint: &EndpointDiagnosis, lang: Lang) -> String {
    let mut parts = Vec::new();
    if let Some(rtt) = endpoint.connect.rtt {
        let rtt = units::span(rtt, lang);
        parts.push(say!(lang, "connects in {rtt}", "연결 {rtt}"));
    }
    if let Some(tls) = endpoint.tls.as_ref().filter(|tls| tls.ended == TlsEnd::Completed) {
        let version = clean(tls.version.as_deref().unwrap_or("TLS"));
        let took = units::span(tls.took, lang);
        parts.push(say!(lang, "{version} in {took}", "{version} {took}"));
    }
    if let Some(HttpEnd::Status(status)) = endpoint.http.as_ref().map(|http| &http.ended) {
        parts.push(format!("HTTP {status}"));
    }
    if parts.is_empty() {
        return say!(lang, "answers", "응답함");
    }
    parts.join(", ")
}

/// Who sent the ICMP error, and what it says.
fn icmp_of(endpoint: &EndpointDiagnosis, lang: Lang) -> Option<(String, String)> {
    endpoint.evidence.iter().find_map(|evidence| match evidence {
        Evidence::IcmpReceived { error, by, .. } => Some((by.to_string(), icmp(*error, lang))),
        _ => None,
    })
}

/// What would show that a verdict is wrong; `None` where nothing is claimed.
pub(crate) fn refuted_by(verdict: Verdict, lang: Lang) -> Option<String> {
    Some(match verdict {
        Verdict::Ok | Verdict::Inconclusive => return None,
        Verdict::NoRoute => say!(
            lang,
            "`ip route get` on this machine names a way to the address",
            "이 서버에서 `ip route get` 결과에 해당 주소로 가는 경로가 나오는 경우"
        ),
        Verdict::BlockedLocally => say!(
            lang,
            "a packet capture on this machine's interface shows the SYNs leaving and no answer coming back",
            "이 서버의 인터페이스 패킷 캡처에서 SYN이 실제로 나가고 응답은 돌아오지 않는 경우"
        ),
        Verdict::Prohibited => say!(
            lang,
            "the device named has no rule that denies it and sent no such ICMP message (somebody else used its address)",
            "해당 장비에 거부 정책이 없고 이런 ICMP를 보낸 기록도 없는 경우(다른 장비가 그 주소를 사용)"
        ),
        Verdict::Unreachable => say!(
            lang,
            "the router named has a route and a live neighbour for the address and sent no such ICMP message",
            "해당 라우터에 정상 경로와 이웃 장비 정보가 있고 이런 ICMP를 보낸 기록이 없는 경우"
        ),
        Verdict::Refused => say!(
            lang,
            "the service on the host shows a listening socket on this port and a capture there shows no RST",
            "목적지 서버에서 해당 포트가 대기(LISTEN) 상태이고 그쪽 캡처에 RST가 없는 경우"
        ),
        Verdict::ResetByPath => say!(
            lang,
            "a capture on the host shows that it sent these RSTs itself",
            "목적지 서버 쪽 캡처에서 해당 RST를 서버가 직접 보낸 것이 확인되는 경우"
        ),
        Verdict::Filtered => say!(
            lang,
            "a single SYN to the address is answered, or the firewall's log shows the SYNs passing outward (then the fault lies behind it or on the way back)",
            "해당 주소로 보낸 SYN에 한 번이라도 응답이 오거나, 방화벽 로그에 SYN이 밖으로 통과한 기록이 있는 경우(그 뒤쪽 또는 돌아오는 경로의 문제)"
        ),
        Verdict::FlowDependent => say!(
            lang,
            "a source port that failed passes on repetition, or one that passed fails",
            "실패하던 출발지 포트가 반복 시 성공하거나 성공하던 포트가 실패하는 경우"
        ),
        Verdict::Lossy => say!(
            lang,
            "the interface counters along the path show no drops at that time, or the same source ports always repeat their result",
            "해당 시각에 경로상 인터페이스 카운터에 손실이 없거나, 같은 출발지 포트의 결과가 항상 같은 경우"
        ),
        Verdict::ClosedEarly => say!(
            lang,
            "the server's log shows these connections answered normally",
            "서버 로그에 해당 연결이 정상 응답된 것으로 남아 있는 경우"
        ),
        Verdict::NameBlocked => say!(
            lang,
            "the handshake passes with this name from the same source, or the server itself rejects the name (its log shows the ClientHello)",
            "같은 출발지에서 이 도메인으로 핸드셰이크가 성공하거나, 서버 자체가 이 도메인을 거절한 경우(서버 로그에 ClientHello가 남음)"
        ),
        Verdict::MtuBlackhole => say!(
            lang,
            "a capture at the far side shows the large segments arriving",
            "반대편 캡처에서 큰 세그먼트가 도착하는 것이 보이는 경우"
        ),
        Verdict::Untrusted => say!(
            lang,
            "the owner of the service confirms the fingerprint of this certificate as its own",
            "서비스 담당자가 이 인증서의 지문이 자신들의 것이라고 확인하는 경우"
        ),
        Verdict::TlsFailed => say!(
            lang,
            "another TLS client completes a handshake with the same address and name from here",
            "같은 서버에서 다른 TLS 클라이언트로 같은 주소와 도메인에 핸드셰이크가 완료되는 경우"
        ),
        Verdict::Silent => say!(
            lang,
            "the service answers the same request later than this tool waited",
            "같은 요청에 대해 이 도구의 대기 시간보다 늦게라도 응답이 오는 경우"
        ),
        Verdict::HttpError => say!(
            lang,
            "the server's log shows no such answer at that time (then a device between answered)",
            "해당 시각 서버 로그에 이런 응답이 없는 경우(중간 장비가 응답)"
        ),
    })
}
