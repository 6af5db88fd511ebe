//! What applications report, as `reach explain < trace.log` and the log watcher class it. `refused` and `unreachable`
//! stand among the verdicts: they mean the same.

use super::{Entry, Said};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "dns",
        en: Said {
            title: "the application's name lookup failed",
            meaning: "The name gave no address, so the application did not even try to connect.",
            proof: "The words of the resolver in the exception: not found, no address, temporary failure. A resolver that is silent is told by how long it took.",
            java: "java.net.UnknownHostException: NAME, in java.net.http ConnectException caused by UnresolvedAddressException.",
            action: "`reach resolve NAME` on the host of the application: which DNS server answers what. Then /etc/resolv.conf, /etc/hosts and the search domains.",
            not: "No statement on the destination: it was never asked for.",
        },
        ko: Said {
            title: "애플리케이션의 DNS 조회 실패",
            meaning: "도메인에서 IP 주소를 얻지 못해 연결을 시도하지도 않았습니다.",
            proof: "예외에 담긴 조회 결과 문구(없는 도메인, 주소 없음, 일시적 실패)가 근거입니다. DNS 서버의 무응답은 걸린 시간으로 구분합니다.",
            java: "java.net.UnknownHostException: 도메인. java.net.http에서는 UnresolvedAddressException이 원인인 ConnectException",
            action: "애플리케이션 서버에서 `reach resolve 도메인`으로 DNS 서버별 응답을 확인하고 /etc/resolv.conf, /etc/hosts, 검색 도메인을 점검하십시오.",
            not: "목적지의 상태는 알 수 없습니다. 목적지에는 요청이 나가지 않았습니다.",
        },
    },
    Entry {
        code: "connect-timeout",
        en: Said {
            title: "the connection never came about",
            meaning: "The application asked for a connection and nothing answered within its time limit. Look at the path, not at the service.",
            proof: "`connect timed out` is the application's own timer, `Connection timed out` the kernel, which gives up after about two minutes.",
            java: "SocketTimeoutException: connect timed out (JDK 12 and older) or Connect timed out (13 and newer); ConnectTimeoutException of Apache and Netty; HttpConnectTimeoutException of java.net.http.",
            action: "`reach check HOST:PORT` on the host of the application: it tests every address of the name. Where some fail and others answer, a firewall on the path knows only some of them.",
            not: "Not a slow service: `Read timed out` is that. And telnet is no proof against it, since it goes on to the next address by itself.",
        },
        ko: Said {
            title: "연결 시간 초과(connect timeout)",
            meaning: "애플리케이션이 연결을 요청했으나 제한 시간 안에 아무 응답이 없었습니다. 서비스가 아니라 경로를 확인해야 합니다.",
            proof: "`connect timed out`은 애플리케이션의 제한 시간, `Connection timed out`은 약 2분 뒤 포기한 커널의 오류입니다.",
            java: "SocketTimeoutException: connect timed out(JDK 12 이하) 또는 Connect timed out(13 이상), Apache·Netty의 ConnectTimeoutException, java.net.http의 HttpConnectTimeoutException",
            action: "애플리케이션 서버에서 `reach check 도메인:포트`로 도메인의 모든 IP를 점검하십시오. 일부만 실패한다면 중간 방화벽에 일부 IP만 허용된 것입니다.",
            not: "느린 서비스가 아닙니다. 그 경우는 `Read timed out`입니다. telnet은 다음 IP로 스스로 넘어가므로 반증이 되지 않습니다.",
        },
    },
    Entry {
        code: "read-timeout",
        en: Said {
            title: "connected, but no answer came in time",
            meaning: "The connection came about and the request was sent; the answer did not come within the application's time limit. Look at the service.",
            proof: "The words are those of reading. In a TLS handshake the same words mean that the handshake got no answer; that is the class `tls`.",
            java: "SocketTimeoutException: Read timed out, or timeout in OkHttp; HttpTimeoutException: request timed out; ReadTimeoutException in Netty.",
            action: "Ask the service how long it took, and compare with the application's limit. If only large answers are missing, `reach check` looks for an MTU black hole.",
            not: "Not a block of the connection: it was let through.",
        },
        ko: Said {
            title: "응답 시간 초과(read timeout)",
            meaning: "연결이 맺어지고 요청도 보냈으나 제한 시간 안에 응답이 오지 않았습니다. 상대 서비스를 확인해야 합니다.",
            proof: "읽기 단계의 문구가 근거입니다. TLS 핸드셰이크 중의 같은 문구는 핸드셰이크 무응답이므로 `tls`로 분류합니다.",
            java: "SocketTimeoutException: Read timed out(OkHttp는 timeout), HttpTimeoutException: request timed out, Netty의 ReadTimeoutException",
            action: "상대 서비스에 처리 시간을 확인하고 애플리케이션의 제한 시간과 비교하십시오. 큰 응답만 오지 않는다면 `reach check`가 MTU 블랙홀을 점검합니다.",
            not: "연결 차단이 아닙니다. 연결은 통과했습니다.",
        },
    },
    Entry {
        code: "reset",
        en: Said {
            title: "the connection was cut",
            meaning: "The connection stood and was ended by the other end, or by a device on the path in its name, before the answer was complete.",
            proof: "`Connection reset` and `Broken pipe` are a reset, `failed to respond` and `Unexpected end of file` a close without an answer, `(Read failed)` behind `Connection timed out` a session that died in silence.",
            java: "SocketException: Connection reset, Broken pipe; NoHttpResponseException; java.net.http: header parser received no bytes.",
            action: "In a handshake: `reach check HOST:443` compares with other names (SNI). On connections that were idle: compare the pool's idle time with the session time-outs of firewalls and balancers.",
            not: "Not the same as refused: there the connection never came about.",
        },
        ko: Said {
            title: "연결 끊김(connection reset)",
            meaning: "맺어진 연결을 상대 또는 상대를 대신한 중간 장비가 응답이 끝나기 전에 끊었습니다.",
            proof: "`Connection reset`과 `Broken pipe`는 RST, `failed to respond`와 `Unexpected end of file`은 응답 없는 종료, `Connection timed out (Read failed)`는 응답 없이 죽은 세션입니다.",
            java: "SocketException: Connection reset, Broken pipe, NoHttpResponseException, java.net.http의 header parser received no bytes",
            action: "핸드셰이크 중이라면 `reach check 도메인:443`이 다른 이름(SNI)과 비교합니다. 유휴 연결이라면 커넥션 풀의 유휴 시간과 방화벽·L4의 세션 만료 시간을 비교하십시오.",
            not: "연결 거부와 다릅니다. 연결 거부는 연결이 맺어지지 않은 것입니다.",
        },
    },
    Entry {
        code: "tls",
        en: Said {
            title: "the application's TLS handshake failed",
            meaning: "TCP connected, and the handshake over it failed: the certificate was not accepted, the two could not agree, or nothing came.",
            proof: "The words of the TLS library: the certificate's fault, the alert, or frames of the handshake in a time-out.",
            java: "SSLHandshakeException: PKIX path building failed, No subject alternative DNS name matching, Received fatal alert, Remote host terminated the handshake; SSLException: Unsupported or unrecognized SSL message.",
            action: "`reach check HOST:443` shows the chain as it arrives here, and who issued it. An issuer of your own company is TLS inspection; a page in plain HTTP is a block page.",
            not: "Not a blocked address: the TCP connection was let through.",
        },
        ko: Said {
            title: "애플리케이션의 TLS 핸드셰이크 실패",
            meaning: "TCP는 연결됐으나 핸드셰이크가 실패했습니다. 인증서가 거부됐거나, 협상이 되지 않았거나, 응답이 없었습니다.",
            proof: "TLS 라이브러리의 문구가 근거입니다. 인증서 오류, 경고(alert), 핸드셰이크 중의 시간 초과를 구분합니다.",
            java: "SSLHandshakeException: PKIX path building failed, No subject alternative DNS name matching, Received fatal alert, Remote host terminated the handshake / SSLException: Unsupported or unrecognized SSL message",
            action: "`reach check 도메인:443`으로 실제로 받은 인증서와 발급자를 확인하십시오. 발급자가 사내 CA라면 SSL 가시화(복호화), 평문 HTTP라면 차단 페이지입니다.",
            not: "IP 차단이 아닙니다. TCP 연결은 통과했습니다.",
        },
    },
    Entry {
        code: "http",
        en: Said {
            title: "the application got an error as an answer",
            meaning: "Something answered the request with an error status: the service, a proxy, or a device on the path.",
            proof: "The status in the exception. JSON is the form of an API, an HTML page that of something in between; a 407 is a proxy's.",
            java: "HttpClientErrorException: 401 Unauthorized, HttpServerErrorException: 503; Server returned HTTP response code; Unable to tunnel through proxy.",
            action: "4xx: look at the request and its credentials. 5xx: ask the service. From a proxy: ask whoever runs it.",
            not: "Not a failure of the network: it carried a request there and an answer back.",
        },
        ko: Said {
            title: "애플리케이션이 받은 HTTP 오류 응답",
            meaning: "요청에 오류 상태 코드가 돌아왔습니다. 응답한 것은 서비스, 프록시 또는 중간 장비입니다.",
            proof: "예외에 담긴 상태 코드가 근거입니다. JSON은 API, HTML 페이지는 중간 장비, 407은 프록시의 응답입니다.",
            java: "HttpClientErrorException: 401 Unauthorized, HttpServerErrorException: 503, Server returned HTTP response code, Unable to tunnel through proxy",
            action: "4xx는 요청과 인증 정보를, 5xx는 상대 서비스를, 프록시 응답은 프록시 담당자에게 확인하십시오.",
            not: "네트워크 장애가 아닙니다. 요청과 응답이 모두 전달되었습니다.",
        },
    },
];
