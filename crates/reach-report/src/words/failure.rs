//! What a failure that an application reported means, and what to look at.

use reach_core::signal::{Failure, FailureClass};

use crate::{Lang, words::say};

/// What the class means, what its detail adds, and what the client and the JDK make of it.
pub(crate) fn meaning(failure: &Failure, lang: Lang) -> String {
    let parts =
        [Some(class(failure, lang)), detail(failure, lang), client(failure, lang), generation(failure, lang)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The class in a few words.
pub(crate) fn title(class: FailureClass, lang: Lang) -> String {
    match class {
        FailureClass::Dns => say!(lang, "the name gave no address", "DNS 조회 실패"),
        FailureClass::ConnectTimeout => say!(lang, "no connection: nothing answered", "연결 시간 초과"),
        FailureClass::ReadTimeout => say!(lang, "connected, but no answer came", "응답 시간 초과"),
        FailureClass::Refused => say!(lang, "refused", "연결 거부"),
        FailureClass::Unreachable => say!(lang, "no way to it", "도달 불가"),
        FailureClass::Reset => say!(lang, "the connection was cut", "연결 끊김"),
        FailureClass::Tls => say!(lang, "the TLS handshake failed", "TLS 핸드셰이크 실패"),
        FailureClass::Http => say!(lang, "the answer was an error", "HTTP 오류 응답"),
    }
}

fn class(failure: &Failure, lang: Lang) -> String {
    if failure.detail.as_deref() == Some("proxy") {
        return match failure.class {
            FailureClass::ConnectTimeout
            | FailureClass::Refused
            | FailureClass::Unreachable
            | FailureClass::Dns => say!(
                lang,
                "The proxy could not be reached; the destination behind it was not even asked for. Look at the way to the proxy.",
                "프록시에 연결하지 못했습니다. 그 뒤의 목적지에는 요청이 나가지도 않았으므로 프록시까지의 경로를 확인하십시오."
            ),
            _ => say!(
                lang,
                "The connection to the proxy failed; nothing is told of the destination behind it.",
                "프록시와의 연결이 실패했습니다. 그 뒤의 목적지 상태는 알 수 없습니다."
            ),
        };
    }
    match failure.class {
        FailureClass::Dns => say!(
            lang,
            "The name gave no address; no connection was tried. Look at the name and at the DNS servers of the host on which the application runs.",
            "도메인에서 IP 주소를 얻지 못해 연결을 시도하지도 않았습니다. 도메인과 애플리케이션 서버의 DNS 설정을 확인하십시오."
        ),
        FailureClass::ConnectTimeout => say!(
            lang,
            "The connection never came about: nothing answered. Look at the path (firewall, routing, a single address of the name), not at the service.",
            "연결 자체가 맺어지지 않았습니다(무응답). 서비스가 아니라 경로(방화벽, 라우팅, 도메인의 특정 IP)를 확인하십시오."
        ),
        FailureClass::ReadTimeout => say!(
            lang,
            "The connection came about, and no answer came over it in time. Look at the service: the path lets connections through.",
            "연결은 맺어졌으나 제한 시간 안에 응답이 오지 않았습니다. 경로는 열려 있으므로 상대 서비스를 확인하십시오."
        ),
        FailureClass::Refused => say!(
            lang,
            "Somebody answered and refused: nothing listens on that port, or a device on the path refuses in its place.",
            "거부 응답이 돌아왔습니다. 해당 포트에서 수신하는 프로세스가 없거나, 중간 장비가 대신 거부한 것입니다."
        ),
        FailureClass::Unreachable => say!(
            lang,
            "This host or a router on the path said that there is no way, or that it is forbidden. Look at the routes here, and at which device answers.",
            "이 서버 또는 중간 라우터가 경로가 없거나 금지되었다고 응답했습니다. 서버의 라우팅과 응답한 장비를 확인하십시오."
        ),
        FailureClass::Reset => say!(
            lang,
            "The connection stood and was cut: by the server, or by a device on the path that ended it in its name.",
            "맺어진 연결이 끊겼습니다. 상대 서버 또는 서버를 대신해 끊은 중간 장비가 원인입니다."
        ),
        FailureClass::Tls => say!(
            lang,
            "The TCP connection came about, and the TLS handshake over it failed.",
            "TCP 연결은 맺어졌으나 그 위의 TLS 핸드셰이크가 실패했습니다."
        ),
        FailureClass::Http if failure.detail.as_deref() == Some("by-proxy") => say!(
            lang,
            "The proxy answered with an error; the destination was not reached, and nothing is told of it.",
            "프록시가 오류로 응답했습니다. 목적지에는 도달하지 못했으며 목적지 상태는 알 수 없습니다."
        ),
        FailureClass::Http if failure.detail.as_deref() == Some("html-body") => say!(
            lang,
            "Something answered with an HTML page where an API is expected: probably not the destination but a device on the path (a block page, a captive portal, a proxy).",
            "API가 있어야 할 자리에서 HTML 페이지가 응답했습니다. 목적지가 아니라 중간 장비(차단 페이지, 인증 포털, 프록시)의 응답으로 추정됩니다."
        ),
        FailureClass::Http if failure.status.is_some_and(|status| status < 500) => say!(
            lang,
            "The server was reached and answered that the request is wrong (4xx). The network works; look at the request and its credentials.",
            "서버에 도달했고, 서버가 요청에 문제가 있다고(4xx) 응답했습니다. 네트워크는 정상이며 요청 내용과 인증 정보를 확인하십시오."
        ),
        FailureClass::Http => say!(
            lang,
            "The server was reached and answered with an error. The network works; look at the service.",
            "서버에 도달했고 오류 응답을 받았습니다. 네트워크는 정상이며 상대 서비스를 확인하십시오."
        ),
    }
}

fn detail(failure: &Failure, lang: Lang) -> Option<String> {
    let detail = failure.detail.as_deref()?;
    if let Some(alert) = detail.strip_prefix("alert:") {
        return Some(say!(
            lang,
            "The other end ended it with the alert `{alert}`.",
            "상대가 `{alert}` 경고(alert)로 핸드셰이크를 끝냈습니다."
        ));
    }
    Some(match (failure.class, detail) {
        (FailureClass::ConnectTimeout, "ETIMEDOUT") => say!(
            lang,
            "The kernel gave up after all its repeated SYNs (about two minutes by default): the application sets no connect time-out of its own.",
            "커널이 SYN 재전송을 모두 마치고(기본 약 2분) 포기했습니다. 애플리케이션에 연결 시간 제한이 설정되어 있지 않습니다."
        ),
        (FailureClass::ConnectTimeout, "connect-or-handshake") => say!(
            lang,
            "This client says the same when the TLS handshake gets no answer.",
            "이 클라이언트는 TLS 핸드셰이크에 응답이 없을 때에도 같은 문구를 남깁니다."
        ),
        (FailureClass::ConnectTimeout, "waiting-for-connection") => say!(
            lang,
            "The time limit ran out while a connection was still being waited for.",
            "연결을 기다리는 동안 제한 시간이 지났습니다."
        ),
        (FailureClass::ReadTimeout, "deadline") => say!(
            lang,
            "The limit was one on the whole call; connecting can have taken a part of it.",
            "호출 전체에 대한 시간 제한이므로 연결에 걸린 시간도 포함될 수 있습니다."
        ),
        (FailureClass::Dns, "EAI_AGAIN" | "timeout" | "servfail") => say!(
            lang,
            "The DNS servers gave no usable answer: that the name does not exist was not said.",
            "DNS 서버가 쓸 수 있는 응답을 주지 않았습니다. 도메인이 없다는 뜻은 아닙니다."
        ),
        (FailureClass::Dns, "no-data") => {
            say!(lang, "The name exists and has no address.", "도메인은 존재하나 IP 주소가 없습니다.")
        }
        (FailureClass::Refused, "reason-lost") => say!(
            lang,
            "This client loses the reason; after a long wait it would have been a connect time-out.",
            "이 클라이언트는 실제 원인을 남기지 않습니다. 오래 기다린 뒤라면 연결 시간 초과였을 수 있습니다."
        ),
        (FailureClass::Refused, "refused-or-unreachable") => say!(
            lang,
            "The words do not tell refused from unreachable.",
            "이 문구만으로는 연결 거부와 도달 불가를 구분할 수 없습니다."
        ),
        (FailureClass::Unreachable, "ENETUNREACH") => say!(
            lang,
            "No network: a missing route here, or a router that has none.",
            "네트워크 도달 불가: 서버 또는 라우터에 경로가 없습니다."
        ),
        (FailureClass::Unreachable, "EHOSTUNREACH") => say!(
            lang,
            "A firewall that rejects with ICMP looks just like this.",
            "ICMP로 거부하는 방화벽도 똑같이 보입니다."
        ),
        (FailureClass::Unreachable, "EACCES" | "EINVAL") => say!(
            lang,
            "The error is of this host itself: a prohibit or blackhole route, or its own packet filter.",
            "이 서버 자체의 오류입니다. prohibit·blackhole 경로나 서버의 패킷 필터를 확인하십시오."
        ),
        (FailureClass::Unreachable, "EADDRNOTAVAIL") => say!(
            lang,
            "No local address or port was left: look at the ephemeral ports of this host.",
            "사용할 로컬 주소나 포트가 없습니다. 서버의 임시 포트 고갈을 확인하십시오."
        ),
        (FailureClass::Reset, "during-tls-handshake") => say!(
            lang,
            "It was cut during the TLS handshake, as filters do that read the name in it (SNI).",
            "TLS 핸드셰이크 중에 끊겼습니다. 도메인(SNI)을 보고 차단하는 장비에서 흔한 현상입니다."
        ),
        (FailureClass::Reset, "established-lost") => say!(
            lang,
            "It died in silence: a session that a firewall or NAT on the path forgot is the usual cause.",
            "응답 없이 끊겼습니다. 중간 방화벽이나 NAT의 세션 만료가 흔한 원인입니다."
        ),
        (FailureClass::Reset, "closed-early" | "closed-without-greeting") => say!(
            lang,
            "The other end closed it before its answer was complete.",
            "응답이 완료되기 전에 상대가 연결을 닫았습니다."
        ),
        (FailureClass::Reset, "broken-pipe") => say!(
            lang,
            "It was already cut when the application wrote.",
            "애플리케이션이 데이터를 보낼 때 이미 끊겨 있었습니다."
        ),
        (FailureClass::Tls, "handshake-timeout") => say!(
            lang,
            "The handshake got no answer: a device that drops it by name (SNI) or by size (MTU), or a server that hangs. It is no connect time-out.",
            "핸드셰이크에 응답이 없었습니다. SNI나 패킷 크기(MTU) 때문에 버려졌거나 서버가 멈춘 것이며, 연결 시간 초과와는 다릅니다."
        ),
        (FailureClass::Tls, "untrusted-ca") => say!(
            lang,
            "The certificate's issuer is not trusted: TLS inspection on the path, or a trust store that is too old.",
            "인증서 발급자를 신뢰할 수 없습니다. 중간의 SSL 가시화(복호화) 장비이거나 신뢰 저장소가 오래된 것입니다."
        ),
        (FailureClass::Tls, "name-mismatch") => say!(
            lang,
            "The certificate is for another name: a wrong address behind the name, or a device on the path that answers.",
            "인증서가 다른 도메인의 것입니다. 잘못된 IP이거나 중간 장비가 응답한 것입니다."
        ),
        (FailureClass::Tls, "expired") => say!(
            lang,
            "The certificate has expired, or a clock is wrong.",
            "인증서가 만료되었거나 시계가 틀립니다."
        ),
        (FailureClass::Tls, "plaintext") => say!(
            lang,
            "What answered does not speak TLS: a block page in plain HTTP, or the wrong port.",
            "TLS가 아닌 응답이 왔습니다. 평문 HTTP 차단 페이지이거나 포트가 잘못된 것입니다."
        ),
        (FailureClass::Tls, "eof-in-handshake") => say!(
            lang,
            "The other end closed it during the handshake.",
            "핸드셰이크 중에 상대가 연결을 닫았습니다."
        ),
        _ => return None,
    })
}

/// How the client deals with several addresses, where that decides what the operator sees.
fn client(failure: &Failure, lang: Lang) -> Option<String> {
    let connecting = matches!(
        failure.class,
        FailureClass::ConnectTimeout | FailureClass::Refused | FailureClass::Unreachable
    );
    if !connecting || failure.detail.as_deref() == Some("proxy") {
        return None;
    }
    match failure.client.as_deref()? {
        "jdk-httpurlconnection"
        | "jdk-socket"
        | "java.net.http"
        | "spring-resttemplate"
        | "spring-restclient" => Some(say!(
            lang,
            "This client tries only the first address of an answer and keeps it for 30 seconds: one bad address among several fails a part of the calls, in bursts.",
            "이 클라이언트는 조회된 첫 번째 IP만 시도하고 30초간 유지합니다. 여러 IP 중 하나만 문제여도 호출의 일부가 몰아서 실패합니다."
        )),
        "apache-hc4" | "apache-hc5" | "apache-hc5-async" | "okhttp" => Some(say!(
            lang,
            "This client tries one address after another: that it failed means that every address it was given failed, or that time ran out.",
            "이 클라이언트는 IP를 차례로 모두 시도합니다. 실패했다면 받은 IP가 모두 실패했거나 제한 시간이 지난 것입니다."
        )),
        "telnet" | "nc" | "ncat" | "curl" => Some(say!(
            lang,
            "This program goes on to the next address by itself, so that a check can end well although this address fails.",
            "이 프로그램은 다음 IP로 스스로 넘어가므로, 이 IP가 막혀 있어도 점검은 정상으로 끝날 수 있습니다."
        )),
        _ => None,
    }
}

fn generation(failure: &Failure, lang: Lang) -> Option<String> {
    let jdk = failure.jdk.as_deref()?;
    Some(match (jdk.strip_prefix("<="), jdk.strip_suffix('+')) {
        (Some(most), _) => say!(
            lang,
            "The wording is that of JDK {most} or older.",
            "JDK {most} 이하에서 남기는 문구입니다."
        ),
        (_, Some(least)) => {
            say!(lang, "The trace is of JDK {least} or newer.", "JDK {least} 이상에서 남긴 기록입니다.")
        }
        _ => say!(lang, "The trace is of JDK {jdk}.", "JDK {jdk}에서 남긴 기록입니다."),
    })
}

/// The heading of what was found.
pub(crate) fn found(failures: u64, kinds: usize, lang: Lang) -> String {
    match (failures, lang) {
        (1, Lang::En) => "1 failure on the network".to_owned(),
        _ => say!(
            lang,
            "{failures} failures on the network, {kinds} of them different",
            "네트워크 실패 {failures}건({kinds}종)"
        ),
    }
}

/// Nothing was found, which is no promise.
pub(crate) fn nothing(lang: Lang) -> String {
    say!(
        lang,
        "No failure on the network is told of in this text. Texts in words that `reach` does not know are not counted.",
        "이 텍스트에는 네트워크 실패가 없습니다. `reach`가 알지 못하는 문구는 집계하지 않습니다."
    )
}

/// What was not counted.
pub(crate) fn beyond(failures: u64, lang: Lang) -> String {
    say!(
        lang,
        "{failures} further failures went to more destinations than are told apart.",
        "구분 한도를 넘는 목적지의 실패 {failures}건은 표시하지 않았습니다."
    )
}

/// A destination that nobody named.
pub(crate) fn nowhere(lang: Lang) -> String {
    say!(lang, "(not named)", "(알 수 없음)")
}

/// Where the host stands that the failure's own words do not name.
pub(crate) fn nearby(lang: Lang) -> String {
    say!(
        lang,
        "The destination is from the line around the exception or before it; the exception itself names none.",
        "목적지는 예외 앞뒤 줄에서 가져왔습니다. 예외 자체에는 없습니다."
    )
}

/// What to run next.
pub(crate) fn next(lang: Lang) -> String {
    say!(lang, "Next:", "다음 명령:")
}

/// Titles of the table's columns: how many, class, destination, client.
pub(crate) fn columns(lang: Lang) -> [String; 4] {
    [
        say!(lang, "COUNT", "건수"),
        say!(lang, "CLASS", "분류"),
        say!(lang, "DESTINATION", "목적지"),
        say!(lang, "CLIENT", "클라이언트"),
    ]
}
