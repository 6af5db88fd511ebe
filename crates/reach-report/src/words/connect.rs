//! How a connection came about, or did not.

use std::time::Duration;

use reach_core::{
    Time,
    model::{
        After, Answer, Certificate, Evidence, Exchanged, HttpEnd, Inability, Observation, Outcome, Probe,
        ProxyEnd, Refusal, Rejection, StartTls, StartTlsEnd, TlsResult,
    },
    tries::{Ending, Spread, Tally},
};

use super::{distrust, evidence, icmp, say, tls_end};
use crate::{
    Lang,
    clean::{clean, clean_bytes},
    connect::{ProxyWay, Way},
    units,
};

/// Precisely how a try ended.
pub(crate) fn ending(observation: &Observation, way: &Way, lang: Lang) -> String {
    match &observation.outcome {
        Outcome::Answered(Answer::Connected(connected)) => after(&connected.after, lang),
        Outcome::Answered(Answer::Exchanged(exchanged)) => layers(exchanged, lang),
        Outcome::Answered(_) => say!(lang, "not tried", "시도하지 않음"),
        below => {
            let text = not_connected(below, observation, lang);
            match way {
                Way::Direct => text,
                Way::Proxy(_) => say!(lang, "the proxy itself: {text}", "프록시 자체: {text}"),
            }
        }
    }
}

fn not_connected(outcome: &Outcome, observation: &Observation, lang: Lang) -> String {
    match outcome {
        Outcome::Rejected(Rejection { how: Refusal::Reset, .. }) => {
            say!(lang, "refused: RST in answer to the SYN", "연결 거부: SYN에 RST 응답")
        }
        Outcome::Rejected(Rejection { how: Refusal::Icmp(error), by, .. }) => {
            let prohibited = error.is_prohibited();
            let error = icmp(*error, lang);
            let by = match by {
                Some(by) => by.to_string(),
                None => say!(lang, "an unknown sender", "알 수 없는 장비"),
            };
            if prohibited {
                say!(lang, "prohibited: {error} from {by}", "차단: {by}에서 {error}")
            } else {
                say!(lang, "unreachable: {error} from {by}", "도달 불가: {by}에서 {error}")
            }
        }
        Outcome::Silent(silence) if silence.refused_here => say!(
            lang,
            "blocked on this machine: its own stack did not send the repeated SYN (TCP_INFO)",
            "이 서버에서 차단: TCP 스택이 재전송 SYN을 내보내지 않음(TCP_INFO)"
        ),
        Outcome::Silent(silence) => {
            let (syns, span) = (silence.packets, units::span(observation.done.since(observation.sent), lang));
            let plural = if syns == 1 { "SYN" } else { "SYNs" };
            say!(
                lang,
                "silent: {syns} {plural} unanswered in {span}",
                "응답 없음: {span} 동안 SYN {syns}개에 무응답"
            )
        }
        Outcome::Unable(Inability { why, errno }) => {
            evidence(&Evidence::LocalError { obstacle: *why, errno: *errno }, lang)
        }
        Outcome::Answered(_) => String::new(),
    }
}

fn after(after: &After, lang: Lang) -> String {
    match after {
        After::Closed => {
            say!(
                lang,
                "connected, then closed by the other side without a word",
                "연결 후 상대가 아무 말 없이 종료(FIN)"
            )
        }
        After::Reset => {
            say!(lang, "connected, then reset without a word", "연결 후 아무 말 없이 RST로 끊김")
        }
        After::NotWatched | After::Quiet | After::Spoke(_) => say!(lang, "connected", "연결됨"),
    }
}

fn layers(exchanged: &Exchanged, lang: Lang) -> String {
    match &exchanged.proxy {
        Some(proxy) if proxy.ended != ProxyEnd::Open => return proxy_end(&proxy.ended, lang),
        _ => {}
    }
    match &exchanged.starttls {
        Some(starttls) if starttls.ended != StartTlsEnd::Ready => {
            return starttls_end(&starttls.ended, lang);
        }
        _ => {}
    }
    let ending = Ending::of(&Outcome::Answered(Answer::Exchanged(Box::new(exchanged.clone()))));
    match (ending, &exchanged.tls, &exchanged.http) {
        (Ending::TlsFailed, Some(tls), _) => {
            let ended = tls_end(&tls.ended, lang);
            say!(lang, "connected, but the TLS handshake {ended}", "연결됨, TLS 핸드셰이크 실패: {ended}")
        }
        (Ending::Untrusted, Some(tls), _) => {
            let why = distrust(&tls.distrust, lang);
            say!(lang, "connected, but the certificate is not trusted: {why}", "연결됨, 인증서 불신: {why}")
        }
        (_, _, Some(http)) => http_end(&http.ended, lang),
        _ => after(&exchanged.connected.after, lang),
    }
}

/// How the exchange with a proxy ended, other than well.
fn proxy_end(ended: &ProxyEnd, lang: Lang) -> String {
    match ended {
        ProxyEnd::Open => say!(lang, "connected", "연결됨"),
        ProxyEnd::Status(407, reason) => {
            let reason = clean(reason);
            say!(
                lang,
                "the proxy wants a login, or another one: HTTP 407 {reason}",
                "프록시 로그인 필요(또는 거부): HTTP 407 {reason}"
            )
        }
        ProxyEnd::Status(status, reason) => {
            let reason = clean(reason);
            let text = format!("HTTP {status} {reason}");
            let text = text.trim_end();
            say!(lang, "the proxy refuses: {text}", "프록시가 거부: {text}")
        }
        ProxyEnd::Reply(code) => {
            let name = socks_reply(*code, lang);
            say!(
                lang,
                "the proxy refuses: SOCKS reply {code} ({name})",
                "프록시가 거부: SOCKS 응답 {code}({name})"
            )
        }
        ProxyEnd::LoginRefused => say!(
            lang,
            "the proxy takes no login that was offered, or not this user",
            "프록시가 로그인을 거부(제시한 인증 방식 또는 사용자)"
        ),
        ProxyEnd::Closed => {
            say!(lang, "the proxy closed the connection without an answer", "프록시가 응답 없이 연결을 종료")
        }
        ProxyEnd::Reset => {
            say!(lang, "the proxy reset the connection", "프록시가 RST로 연결을 끊음")
        }
        ProxyEnd::Silent => say!(lang, "the proxy does not answer", "프록시 무응답"),
        ProxyEnd::NotSpoken(bytes) => {
            let bytes = clean_bytes(bytes);
            say!(
                lang,
                "the proxy speaks another protocol (\"{bytes}\")",
                "프록시가 다른 프로토콜로 응답(\"{bytes}\")"
            )
        }
    }
}

/// The meaning of a SOCKS reply (RFC 1928 §6).
fn socks_reply(code: u8, lang: Lang) -> String {
    match code {
        1 => say!(lang, "general failure", "일반 오류"),
        2 => say!(lang, "not allowed by its rules", "규칙에 의해 금지됨"),
        3 => say!(lang, "network unreachable from there", "프록시에서 네트워크 도달 불가"),
        4 => say!(lang, "host unreachable from there", "프록시에서 호스트 도달 불가"),
        5 => say!(lang, "connection refused there", "프록시에서 연결 거부됨"),
        6 => say!(lang, "TTL expired", "TTL 만료"),
        7 => say!(lang, "command not supported", "지원하지 않는 명령"),
        8 => say!(lang, "address type not supported", "지원하지 않는 주소 유형"),
        _ => say!(lang, "unassigned", "미지정 코드"),
    }
}

fn starttls_end(ended: &StartTlsEnd, lang: Lang) -> String {
    match ended {
        StartTlsEnd::Ready => say!(lang, "connected", "연결됨"),
        StartTlsEnd::NotOffered => {
            say!(lang, "connected, but the server does not offer TLS", "연결됨, 서버가 TLS를 제공하지 않음")
        }
        StartTlsEnd::Refused(words) => {
            let words = clean(words);
            say!(
                lang,
                "connected, but the server refuses TLS: \"{words}\"",
                "연결됨, 서버가 TLS를 거부: \"{words}\""
            )
        }
        StartTlsEnd::Closed => say!(
            lang,
            "connected, then closed by the other side before TLS began",
            "연결 후 TLS 시작 전에 상대가 종료(FIN)"
        ),
        StartTlsEnd::Reset => {
            say!(lang, "connected, then reset before TLS began", "연결 후 TLS 시작 전에 RST로 끊김")
        }
        StartTlsEnd::Silent => say!(
            lang,
            "connected, but the dialogue before TLS was not answered",
            "연결됨, TLS 시작 전 대화에 무응답"
        ),
        StartTlsEnd::NotSpoken(bytes) => {
            let bytes = clean_bytes(bytes);
            say!(
                lang,
                "connected, but it speaks another protocol (\"{bytes}\")",
                "연결됨, 다른 프로토콜로 응답(\"{bytes}\")"
            )
        }
    }
}

fn http_end(ended: &HttpEnd, lang: Lang) -> String {
    match ended {
        HttpEnd::Status(status) => say!(lang, "connected, HTTP {status}", "연결됨, HTTP {status}"),
        HttpEnd::Closed => {
            say!(lang, "connected, then closed before an HTTP response", "연결 후 HTTP 응답 전에 종료됨(FIN)")
        }
        HttpEnd::Reset => {
            say!(lang, "connected, then reset before an HTTP response", "연결 후 HTTP 응답 전에 RST로 끊김")
        }
        HttpEnd::Silent => {
            say!(lang, "connected, but the request was not answered", "연결됨, HTTP 요청에 무응답")
        }
        HttpEnd::NotHttp(bytes) => {
            let bytes = clean_bytes(bytes);
            say!(
                lang,
                "connected, but the answer is not HTTP (\"{bytes}\")",
                "연결됨, HTTP가 아닌 응답(\"{bytes}\")"
            )
        }
    }
}

/// A way to end in a few words, for tallies.
pub(crate) fn ending_name(ending: Ending, lang: Lang) -> String {
    match ending {
        Ending::Connected => say!(lang, "connected", "연결됨"),
        Ending::HttpError => say!(lang, "HTTP error", "HTTP 오류"),
        Ending::HttpFailed => say!(lang, "no HTTP response", "HTTP 응답 없음"),
        Ending::Untrusted => say!(lang, "certificate not trusted", "인증서 불신"),
        Ending::TlsFailed => say!(lang, "TLS failed", "TLS 실패"),
        Ending::StartTlsNotOffered => say!(lang, "TLS not offered", "TLS 미제공"),
        Ending::StartTlsFailed => say!(lang, "STARTTLS failed", "STARTTLS 실패"),
        Ending::ProxyRefused => say!(lang, "refused by the proxy", "프록시가 거부"),
        Ending::ProxyLogin => say!(lang, "proxy login", "프록시 로그인 필요"),
        Ending::ProxyFailed => say!(lang, "proxy failed", "프록시 실패"),
        Ending::ClosedEarly => say!(lang, "closed early", "연결 직후 종료"),
        Ending::Refused => say!(lang, "refused (RST)", "연결 거부(RST)"),
        Ending::Prohibited => say!(lang, "prohibited (ICMP)", "차단(ICMP)"),
        Ending::Unreachable => say!(lang, "unreachable (ICMP)", "도달 불가(ICMP)"),
        Ending::Silent => say!(lang, "silent", "응답 없음"),
        Ending::NoRoute => say!(lang, "no route", "경로 없음"),
        Ending::BlockedLocally => say!(lang, "blocked on this machine", "이 서버에서 차단"),
        Ending::NotTried => say!(lang, "not tried", "시도하지 못함"),
    }
}

/// How often each way to end occurred: `connected 18, silent 2`.
pub(crate) fn endings(tally: &Tally, lang: Lang) -> String {
    let parts: Vec<String> = tally
        .endings
        .iter()
        .map(|(ending, times)| {
            let name = ending_name(*ending, lang);
            say!(lang, "{name} {times}", "{name} {times}회")
        })
        .collect();
    parts.join(", ")
}

/// `18/20, 90 % (70 % to 97 %)`.
pub(crate) fn share(tally: &Tally, lang: Lang) -> String {
    let (ok, tries) = (tally.ok, tally.tries);
    let Some(share) = tally.share() else { return "-".to_owned() };
    let (share, low, high) =
        (units::percent(share), units::percent(tally.range.0), units::percent(tally.range.1));
    say!(lang, "{ok}/{tries}, {share} ({low} to {high})", "{ok}/{tries}, {share}({low}~{high})")
}

/// `min/avg/max 0.2/0.4/1.1 ms`.
pub(crate) fn spread(spread: &Spread, lang: Lang) -> String {
    let show = |span: Duration| units::span(span, lang);
    let (min, mean, max) = (show(spread.min), show(spread.mean), show(spread.max));
    format!("{min} / {mean} / {max}")
}

/// Directly, or through which proxy and who says so.
pub(crate) fn way(way: &Way, lang: Lang) -> String {
    match way {
        Way::Direct => say!(lang, "Tested directly, without a proxy", "프록시 없이 직접 점검"),
        Way::Proxy(ProxyWay { url, variable, endpoint, .. }) => {
            let url = clean(url);
            let at = match endpoint {
                Some(endpoint) => format!(" [{endpoint}]"),
                None => String::new(),
            };
            match variable {
                Some(variable) => {
                    let variable = clean(variable);
                    say!(
                        lang,
                        "Tested through the proxy {url}{at} (from {variable})",
                        "프록시 {url}{at} 경유로 점검({variable} 설정)"
                    )
                }
                None => say!(lang, "Tested through the proxy {url}{at}", "프록시 {url}{at} 경유로 점검"),
            }
        }
    }
}

/// What the rows of addresses are worth where a proxy resolves the name.
pub(crate) fn comparison(lang: Lang) -> String {
    say!(
        lang,
        "The proxy resolves the name itself, as for its clients; the addresses below it are for comparison",
        "이름은 프록시가 직접 조회함(클라이언트와 동일). 아래 IP 주소별 결과는 비교용"
    )
}

/// The proxy's own name has no address.
pub(crate) fn proxy_unresolved(lang: Lang) -> String {
    say!(
        lang,
        "The name of the proxy gives no address on this machine, so nothing could be tried",
        "이 서버에서 프록시 이름의 IP 주소를 찾을 수 없어 시도하지 못함"
    )
}

/// Version, cipher suite, application protocol, and how long it took.
pub(crate) fn tls_facts(tls: &TlsResult, starttls: Option<StartTls>, lang: Lang) -> String {
    let mut parts: Vec<String> = tls.version.iter().chain(&tls.cipher).map(|text| clean(text)).collect();
    if let Some(alpn) = &tls.alpn {
        parts.push(format!("ALPN {}", clean(alpn)));
    }
    if let Some(protocol) = starttls {
        let name = starttls_name(protocol);
        parts.push(say!(lang, "within {name}", "{name} 안에서 시작"));
    }
    let took = units::span(tls.took, lang);
    parts.push(say!(lang, "in {took}", "소요 {took}"));
    parts.join(", ")
}

/// The usual name of a protocol.
pub(crate) const fn starttls_name(protocol: StartTls) -> &'static str {
    match protocol {
        StartTls::Smtp => "SMTP",
        StartTls::Imap => "IMAP",
        StartTls::Pop3 => "POP3",
        StartTls::Ftp => "FTP",
        StartTls::Xmpp => "XMPP",
        StartTls::Postgres => "PostgreSQL",
        StartTls::Mysql => "MySQL",
        StartTls::Ldap => "LDAP",
    }
}

/// Subject, issuer, expiry, and whether it is trusted.
pub(crate) fn certificate(tls: &TlsResult, leaf: &Certificate, now: Time, lang: Lang) -> String {
    let (subject, issuer) = (named(&leaf.subject, leaf), clean(&leaf.issuer));
    let (date, expiry) = (units::date(leaf.not_after), expiry(leaf, now, lang));
    let trust = if tls.distrust.is_empty() {
        say!(lang, "trusted", "신뢰됨")
    } else {
        let why = distrust(&tls.distrust, lang);
        say!(lang, "NOT TRUSTED: {why}", "불신: {why}")
    };
    say!(
        lang,
        "{subject}, issued by {issuer}, valid until {date} ({expiry}), {trust}",
        "{subject}, 발급자 {issuer}, 유효 기한 {date}({expiry}), {trust}"
    )
}

/// The subject; where it is empty, as modern ones may be, the first names that the certificate covers.
fn named(subject: &str, leaf: &Certificate) -> String {
    if !subject.is_empty() {
        return clean(subject);
    }
    let names: Vec<String> = leaf.names.iter().take(3).map(|name| clean(name)).collect();
    names.join(" ")
}

/// `in 41 days`, `3 days ago`.
pub(crate) fn expiry(leaf: &Certificate, now: Time, lang: Lang) -> String {
    let days = days_left(leaf, now);
    let plural = if days.abs() == 1 { "day" } else { "days" };
    if days < 0 {
        let days = days.unsigned_abs();
        say!(lang, "expired {days} {plural} ago", "{days}일 전 만료")
    } else {
        say!(lang, "{days} {plural} left", "{days}일 남음")
    }
}

/// Whole days until a certificate expires; negative once it has.
pub(crate) fn days_left(leaf: &Certificate, now: Time) -> i64 {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    leaf.not_after.saturating_sub(now).div_euclid(86_400)
}

/// Where to go from here.
pub(crate) fn pointer(target: &str, lang: Lang) -> String {
    let target = clean(target);
    say!(
        lang,
        "Who stops it, and where on the path: reach check {target}",
        "누가 어디서 막는지 확인: reach check {target}"
    )
}

/// What the other side said first, cleaned, if it said anything.
pub(crate) fn banner(outcome: &Outcome) -> Option<String> {
    let spoken = |after: &After| match after {
        After::Spoke(bytes) => Some(clean_bytes(bytes.trim_ascii_end())),
        _ => None,
    };
    match outcome {
        Outcome::Answered(Answer::Connected(connected)) => spoken(&connected.after),
        Outcome::Answered(Answer::Exchanged(exchanged)) => match &exchanged.starttls {
            Some(starttls) if !starttls.greeting.is_empty() => Some(clean(first_line(&starttls.greeting))),
            _ => spoken(&exchanged.connected.after),
        },
        _ => None,
    }
}

/// The network crate has made the ends of lines visible already.
fn first_line(greeting: &str) -> &str {
    greeting.split("\\n").next().unwrap_or_default()
}

/// How many rows came about.
pub(crate) fn tally(good: usize, all: usize, tls: bool, lang: Lang) -> String {
    let with = match (tls, lang) {
        (true, Lang::En) => ", TLS included",
        (true, Lang::Ko) => "(TLS 포함)",
        (false, _) => "",
    };
    match (good, all) {
        (1, 1) => say!(lang, "the only address connects{with}", "유일한 IP 주소 연결 성공{with}"),
        (0, 1) => say!(lang, "the only address does not connect{with}", "유일한 IP 주소 연결 실패{with}"),
        (good, all) if good == all => {
            say!(lang, "all {all} addresses connect{with}", "IP 주소 {all}개 모두 연결 성공{with}")
        }
        (0, all) => {
            say!(lang, "none of {all} addresses connects{with}", "IP 주소 {all}개 모두 연결 실패{with}")
        }
        (good, all) => {
            let verb = if good == 1 { "connects" } else { "connect" };
            say!(
                lang,
                "{good} of {all} addresses {verb}{with}",
                "IP 주소 {all}개 중 {good}개 연결 성공{with}"
            )
        }
    }
}

/// The probe's address, where it was tried.
pub(crate) fn source(outcome: &Outcome, lang: Lang) -> Option<String> {
    let connected = reach_core::tries::handshake(outcome)?;
    let source = connected.source;
    let mut text = say!(lang, "from {source}", "출발지 {source}");
    if connected.syns > 1 {
        let syns = connected.syns;
        text.push_str(&say!(lang, ", after {syns} SYNs", ", SYN {syns}회 만에"));
    }
    Some(text)
}

/// Whether a probe was to speak TLS.
pub(crate) fn speaks_tls(probe: &Probe) -> bool {
    matches!(probe, Probe::Exchange(exchange) if exchange.tls.is_some())
}
