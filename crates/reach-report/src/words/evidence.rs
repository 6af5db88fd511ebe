//! What shows a verdict, one sentence each.

use reach_core::model::{Distrust, Evidence, IcmpError, Rcode, TlsEnd};

use super::{obstacle, say};
use crate::{
    Lang,
    clean::{clean, clean_bytes},
    units,
};

/// One fact as a sentence without a full stop.
pub(crate) fn evidence(evidence: &Evidence, lang: Lang) -> String {
    match evidence {
        Evidence::SynsUnanswered { syns, flows, over } => {
            let over = units::span(*over, lang);
            let port = if *flows == 1 { "port" } else { "ports" };
            say!(
                lang,
                "{syns} SYNs from {flows} source {port} stayed unanswered over {over}: no SYN-ACK, no RST, no ICMP error",
                "출발지 포트 {flows}개에서 보낸 SYN {syns}개가 {over} 동안 모두 무응답(SYN-ACK, RST, ICMP 오류 없음)"
            )
        }
        Evidence::SynsAnswered { answered, syns } => {
            say!(lang, "{answered} of {syns} SYNs were answered", "SYN {syns}개 중 {answered}개에 응답이 옴")
        }
        Evidence::ControlAnswered { address, rtt: Some(rtt) } => {
            let rtt = units::span(*rtt, lang);
            say!(
                lang,
                "meanwhile {address}, another address of the same name, answered in {rtt}",
                "같은 시각 같은 도메인의 다른 주소 {address}⟨은/는⟩ {rtt}에 정상 응답"
            )
        }
        Evidence::ControlAnswered { address, rtt: None } => say!(
            lang,
            "meanwhile {address}, another address of the same name, answered",
            "같은 시각 같은 도메인의 다른 주소 {address}⟨은/는⟩ 정상 응답"
        ),
        Evidence::IcmpReceived { error, by, times } => {
            let message = icmp(*error, lang);
            let often = times_en(*times);
            say!(lang, "{by} answered {often}: {message}", "{by}⟨이/가⟩ {times}회 응답: {message}")
        }
        Evidence::ResetReceived { times } => {
            let often = times_en(*times);
            say!(lang, "an RST came in answer to the SYN {often}", "SYN에 대해 RST가 {times}회 돌아옴")
        }
        Evidence::ResetFrom { first_ttl, origin_hop, host_hop } => {
            reset_from(*first_ttl, *origin_hop, *host_hop, lang)
        }
        Evidence::TrailEnds { last: Some(last), ttl } => say!(
            lang,
            "the last router that answers on the way is {last} (hop {ttl}); behind it nothing does",
            "마지막 응답 구간은 {ttl}번째 홉 {last}, 그 이후 무응답"
        ),
        Evidence::TrailEnds { last: None, .. } => {
            say!(lang, "no router on the way answered", "경로상 응답한 라우터가 없음")
        }
        Evidence::LocalError { obstacle: why, errno } => {
            let why = obstacle(*why, lang);
            let errno = errno.map(|errno| format!(" ({})", errno_name(errno))).unwrap_or_default();
            say!(
                lang,
                "this machine's kernel refused to send: {why}{errno}",
                "이 서버의 커널이 전송을 거부함: {why}{errno}"
            )
        }
        Evidence::NeverLeft { sent, left, captured: true } => say!(
            lang,
            "of {sent} SYNs handed to the kernel {left} left the interface, as a packet capture there shows",
            "커널에 넘긴 SYN {sent}개 중 {left}개만 인터페이스를 나감(패킷 캡처로 확인)"
        ),
        Evidence::NeverLeft { sent, left, captured: false } => say!(
            lang,
            "of {sent} SYNs handed to the kernel {left} left the interface, as the kernel's counters show",
            "커널에 넘긴 SYN {sent}개 중 {left}개만 인터페이스를 나감(커널 카운터로 확인)"
        ),
        Evidence::StackRefused { attempts } => {
            let plural = if *attempts == 1 { "attempt" } else { "attempts" };
            say!(
                lang,
                "on {attempts} {plural} the local stack itself did not send the repeated SYN (TCP_INFO)",
                "{attempts}회 시도에서 이 서버의 TCP 스택이 재전송 SYN을 내보내지 않음(TCP_INFO)"
            )
        }
        Evidence::RepliesDroppedHere { returned, captured: true } => say!(
            lang,
            "{returned} replies reached this machine's interface and were not delivered, as a packet capture shows",
            "응답 {returned}개가 이 서버의 인터페이스까지 왔으나 전달되지 않음(패킷 캡처로 확인)"
        ),
        Evidence::RepliesDroppedHere { returned, captured: false } => say!(
            lang,
            "{returned} replies reached this machine and were not delivered, as the kernel's counters show",
            "응답 {returned}개가 이 서버까지 왔으나 전달되지 않음(커널 카운터로 확인)"
        ),
        Evidence::FlowsSplit { passing, failing } => {
            let passing = units::ports(passing.iter().copied(), lang);
            let failing = units::ports(failing.iter().copied(), lang);
            say!(
                lang,
                "source ports that always pass: {passing}; that never do: {failing}",
                "항상 성공하는 출발지 포트: {passing} / 항상 실패하는 출발지 포트: {failing}"
            )
        }
        Evidence::LossMeasured { lost, sent } => {
            let share = share(*lost, *sent);
            say!(
                lang,
                "{lost} of {sent} packets were lost ({share}), whatever the source port",
                "패킷 {sent}개 중 {lost}개 손실({share}), 출발지 포트와 무관"
            )
        }
        Evidence::ClosedAfterConnect { reset: true, times, of } => say!(
            lang,
            "{times} of {of} connections were reset before any answer",
            "연결 {of}회 중 {times}회가 응답 전에 RST로 끊김"
        ),
        Evidence::ClosedAfterConnect { reset: false, times, of } => say!(
            lang,
            "{times} of {of} connections were closed by the other side before any answer",
            "연결 {of}회 중 {times}회를 상대가 응답 전에 종료함(FIN)"
        ),
        Evidence::NameDies { name, ended, times } => {
            let (name, ended, often) = (clean(name), tls_end(ended, lang), times_en(*times));
            say!(
                lang,
                "a TLS handshake with the name {name} {ended} ({often})",
                "도메인 {name}⟨으로/로⟩ 시도한 TLS 핸드셰이크: {ended}({times}회)"
            )
        }
        Evidence::OtherNameAnswered { name: Some(name), ended } => {
            let (name, ended) = (clean(name), tls_end(ended, lang));
            say!(
                lang,
                "the same handshake with another name ({name}) {ended}",
                "다른 이름({name})으로 시도한 같은 핸드셰이크: {ended}"
            )
        }
        Evidence::OtherNameAnswered { name: None, ended } => {
            let ended = tls_end(ended, lang);
            say!(
                lang,
                "the same handshake without a name {ended}",
                "이름(SNI) 없이 시도한 같은 핸드셰이크: {ended}"
            )
        }
        Evidence::SmallSegmentsPass { max_segment, times } => {
            let often = times_en(*times);
            say!(
                lang,
                "with segments of at most {max_segment} bytes the same exchange passes ({often})",
                "세그먼트를 {max_segment}바이트 이하로 줄이면 같은 통신이 성공함({times}회)"
            )
        }
        Evidence::LargeSegmentsVanish { max_segment, times } => {
            let often = times_en(*times);
            say!(
                lang,
                "with segments of up to {max_segment} bytes the exchange stalls: the small ones pass, and nothing more comes ({often})",
                "세그먼트를 최대 {max_segment}바이트로 두면 멈춤: 작은 세그먼트는 통과하고 그 뒤로 아무것도 오지 않음({times}회)"
            )
        }
        Evidence::ChainRejected { distrust: why, subject, issuer } => {
            let (subject, issuer, why) = (clean(subject), clean(issuer), distrust(why, lang));
            say!(
                lang,
                "the certificate received is for {subject}, issued by {issuer}: {why}",
                "수신한 인증서 주체 {subject}, 발급자 {issuer}: {why}"
            )
        }
        Evidence::TlsEnded(ended) => {
            let ended = tls_end(ended, lang);
            say!(lang, "the TLS handshake {ended}", "TLS 핸드셰이크: {ended}")
        }
        Evidence::NothingRead { waited, times } => {
            let (waited, often) = (units::span(*waited, lang), times_en(*times));
            say!(
                lang,
                "connected, and nothing came for {waited} ({often})",
                "연결 후 {waited} 동안 아무것도 오지 않음({times}회)"
            )
        }
        Evidence::HttpStatus(status) => {
            say!(
                lang,
                "the server answered the request with HTTP {status}",
                "요청에 대한 서버 응답: HTTP {status}"
            )
        }
        Evidence::AnsweredNearer { hop, host_hop } => say!(
            lang,
            "the TCP handshake is completed at hop {hop} already, and the host stands at hop {host_hop}",
            "TCP 핸드셰이크가 {hop}번째 홉에서 이미 완료됨(목적지 서버는 {host_hop}번째 홉)"
        ),
    }
}

fn reset_from(first_ttl: Option<u8>, origin_hop: Option<u8>, host_hop: Option<u8>, lang: Lang) -> String {
    let mut parts = Vec::new();
    if let Some(ttl) = first_ttl {
        parts.push(say!(
            lang,
            "the RST already comes for SYNs that live {ttl} hops",
            "SYN의 TTL이 {ttl}일 때 이미 RST가 돌아옴"
        ));
    }
    if let Some(hop) = origin_hop {
        parts.push(say!(
            lang,
            "its own TTL says that it arises at hop {hop}",
            "RST의 TTL로 본 발생 위치는 {hop}번째 홉"
        ));
    }
    if let Some(hop) = host_hop {
        parts.push(say!(lang, "the host stands at hop {hop}", "목적지 서버는 {hop}번째 홉"));
    }
    if parts.is_empty() {
        return say!(lang, "where the RST arises could not be measured", "RST의 발생 위치는 측정하지 못함");
    }
    parts.join(", ")
}

/// The stable code of a piece of evidence.
pub(crate) const fn evidence_code(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::SynsUnanswered { .. } => "syns-unanswered",
        Evidence::SynsAnswered { .. } => "syns-answered",
        Evidence::ControlAnswered { .. } => "control-answered",
        Evidence::IcmpReceived { .. } => "icmp-received",
        Evidence::ResetReceived { .. } => "reset-received",
        Evidence::ResetFrom { .. } => "reset-from",
        Evidence::TrailEnds { .. } => "trail-ends",
        Evidence::LocalError { .. } => "local-error",
        Evidence::NeverLeft { .. } => "never-left",
        Evidence::StackRefused { .. } => "stack-refused",
        Evidence::RepliesDroppedHere { .. } => "replies-dropped-here",
        Evidence::FlowsSplit { .. } => "flows-split",
        Evidence::LossMeasured { .. } => "loss-measured",
        Evidence::ClosedAfterConnect { .. } => "closed-after-connect",
        Evidence::NameDies { .. } => "name-dies",
        Evidence::OtherNameAnswered { .. } => "other-name-answered",
        Evidence::SmallSegmentsPass { .. } => "small-segments-pass",
        Evidence::LargeSegmentsVanish { .. } => "large-segments-vanish",
        Evidence::ChainRejected { .. } => "chain-rejected",
        Evidence::TlsEnded(_) => "tls-ended",
        Evidence::NothingRead { .. } => "nothing-read",
        Evidence::HttpStatus(_) => "http-status",
        Evidence::AnsweredNearer { .. } => "answered-nearer",
    }
}

/// How a TLS handshake ended, as the rest of a sentence ("the handshake …"; in Korean a note).
pub(crate) fn tls_end(ended: &TlsEnd, lang: Lang) -> String {
    match ended {
        TlsEnd::Completed => say!(lang, "completed", "완료"),
        TlsEnd::Alert(code, _) => {
            let name = alert_name(*code);
            say!(lang, "was ended by alert {code} ({name})", "상대의 경고 {code}({name})⟨으로/로⟩ 종료")
        }
        TlsEnd::Closed => say!(lang, "was closed by the other side", "상대가 연결을 종료"),
        TlsEnd::Reset => say!(lang, "was reset", "RST로 끊김"),
        TlsEnd::Silent => say!(lang, "got no answer", "응답 없음"),
        TlsEnd::NotTls(bytes) => {
            let bytes = clean_bytes(bytes);
            say!(
                lang,
                "was answered with something that is not TLS (\"{bytes}\")",
                "TLS가 아닌 응답(\"{bytes}\")"
            )
        }
        TlsEnd::Returned => say!(
            lang,
            "was returned by a router (unreachable, or TTL exceeded)",
            "라우터가 패킷을 되돌려보냄(도달 불가 또는 TTL 초과)"
        ),
        TlsEnd::Incompatible(reason) => {
            let reason = clean(reason);
            say!(lang, "could not go on here: {reason}", "이쪽에서 계속할 수 없음: {reason}")
        }
    }
}

/// The name of a TLS alert (RFC 8446 §6, RFC 5246 §7.2), which clients print in their logs.
pub(crate) const fn alert_name(code: u8) -> &'static str {
    match code {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "unassigned",
    }
}

/// What is wrong with a chain.
pub(crate) fn distrust(reasons: &[Distrust], lang: Lang) -> String {
    let texts: Vec<String> = reasons
        .iter()
        .map(|reason| match reason {
            Distrust::UnknownIssuer => {
                say!(lang, "its issuer is not trusted by this machine", "이 서버가 신뢰하지 않는 발급자")
            }
            Distrust::WrongName => say!(lang, "it does not cover the name", "도메인 불일치"),
            Distrust::Expired => say!(lang, "it has expired", "유효 기간 만료"),
            Distrust::NotYetValid => say!(lang, "it is not valid yet", "유효 기간 시작 전"),
            Distrust::Other(reason) => other_distrust(reason, lang),
        })
        .collect();
    if texts.is_empty() {
        return say!(lang, "reason not known", "사유 미상");
    }
    texts.join(", ")
}

/// A reason that is observed as a text; those of our own path builder have Korean.
fn other_distrust(reason: &str, lang: Lang) -> String {
    let korean = match (lang, reason) {
        (Lang::En, _) => None,
        (_, "a certificate cannot be decoded") => Some("해석할 수 없는 인증서"),
        (_, "a signature is wrong") => Some("서명이 올바르지 않음"),
        (_, "it has a critical extension that is not understood") => Some("알 수 없는 필수 확장 필드"),
        (_, "it is not meant for servers (extended key usage)") => Some("서버용 인증서가 아님(확장 키 용도)"),
        (_, "it is signed with an algorithm that is no longer accepted") => {
            Some("더 이상 허용되지 않는 서명 알고리즘")
        }
        (_, "a certificate authority's certificate is used as a server's") => {
            Some("인증 기관의 인증서를 서버 인증서로 사용")
        }
        (_, "a server's certificate is used as an authority's") => {
            Some("서버 인증서를 인증 기관의 인증서로 사용")
        }
        (_, "its authority may not certify this name") => Some("인증 기관이 이 도메인을 인증할 수 없음"),
        (_, "its authority may not have authorities below it") => Some("인증 기관이 하위 기관을 둘 수 없음"),
        (_, "it is no X.509 version 3 certificate") => Some("X.509 버전 3 인증서가 아님"),
        _ => None,
    };
    korean.map_or_else(|| clean(reason), str::to_owned)
}

/// An ICMP error by type, code and name.
pub(crate) fn icmp(error: IcmpError, lang: Lang) -> String {
    let (protocol, kind, code) = (if error.v6 { "ICMPv6" } else { "ICMP" }, error.kind, error.code);
    let name = match (error.v6, kind, code) {
        (false, 3, 0) => say!(lang, "network unreachable", "네트워크 도달 불가"),
        (false, 3, 1) | (true, 1, 3) => say!(lang, "host unreachable", "호스트 도달 불가"),
        (false, 3, 2) => say!(lang, "protocol unreachable", "프로토콜 도달 불가"),
        (false, 3, 3) | (true, 1, 4) => say!(lang, "port unreachable", "포트 도달 불가"),
        (false, 3, 9) => {
            say!(lang, "network administratively prohibited", "네트워크가 관리 정책에 의해 차단됨")
        }
        (false, 3, 10) => say!(lang, "host administratively prohibited", "호스트가 관리 정책에 의해 차단됨"),
        (true, 1, 0) => say!(lang, "no route to destination", "목적지 경로 없음"),
        (true, 1, 2) => say!(lang, "beyond the scope of the source address", "출발지 주소의 범위를 벗어남"),
        (true, 1, 5) => say!(lang, "source address failed policy", "출발지 주소가 정책에 어긋남"),
        (true, 1, 6) => say!(lang, "route to destination rejects", "목적지 경로가 거부로 설정됨"),
        _ if error.is_prohibited() => say!(lang, "administratively prohibited", "관리 정책에 의한 차단"),
        _ if error.is_time_exceeded() => say!(lang, "time to live exceeded", "TTL 초과"),
        _ if error.is_too_big() => say!(lang, "packet too big", "패킷이 너무 큼"),
        _ if error.is_unreachable() => say!(lang, "destination unreachable", "목적지 도달 불가"),
        _ => say!(lang, "another error", "기타 오류"),
    };
    say!(lang, "{protocol} type {kind} code {code} ({name})", "{protocol} 타입 {kind} 코드 {code}({name})")
}

/// A DNS response code by its usual name.
pub(crate) fn rcode(code: Rcode) -> String {
    match code {
        Rcode::NoError => "NOERROR".to_owned(),
        Rcode::FormErr => "FORMERR".to_owned(),
        Rcode::ServFail => "SERVFAIL".to_owned(),
        Rcode::NxDomain => "NXDOMAIN".to_owned(),
        Rcode::NotImp => "NOTIMP".to_owned(),
        Rcode::Refused => "REFUSED".to_owned(),
        Rcode::Other(code) => format!("RCODE {code}"),
    }
}

/// The name of a Linux error number, as far as sending packets meets it.
fn errno_name(errno: i32) -> String {
    let name = match errno {
        1 => "EPERM",
        13 => "EACCES",
        22 => "EINVAL",
        23 => "ENFILE",
        24 => "EMFILE",
        97 => "EAFNOSUPPORT",
        98 => "EADDRINUSE",
        99 => "EADDRNOTAVAIL",
        101 => "ENETUNREACH",
        105 => "ENOBUFS",
        111 => "ECONNREFUSED",
        113 => "EHOSTUNREACH",
        _ => return format!("errno {errno}"),
    };
    name.to_owned()
}

fn times_en(times: u32) -> String {
    match times {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

fn share(part: u32, whole: u32) -> String {
    units::percent(if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) })
}
