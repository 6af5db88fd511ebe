//! What a watch cannot do, and what is wrong with modules of probes.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    // Beginning.
    ("cannot begin: {error}", "시작할 수 없습니다: {error}"),
    (
        "{error}; name another file with --store, or as `path` under [store] in the configuration",
        "{error}. --store나 설정의 [store] 아래 `path`로 다른 파일을 지정하십시오",
    ),
    (
        "HTTP cannot be served at {wanted}: {error}; name another place with --listen, or as `listen` under [http] in \
         the configuration",
        "{wanted}에서 HTTP를 제공할 수 없습니다({error}). --listen이나 설정의 [http] 아래 `listen`으로 다른 주소를 지정하십시오",
    ),
    (
        "OTLP cannot be received at {at}: {error}; name another place as `listen` under [otlp_receiver] in the \
         configuration",
        "{at}에서 OTLP를 수신할 수 없습니다({error}). 설정의 [otlp_receiver] 아래 `listen`으로 다른 주소를 지정하십시오",
    ),
    ("logs cannot be read: {error}", "로그를 읽을 수 없습니다: {error}"),
    ("databases cannot be asked: {error}", "데이터베이스에 조회할 수 없습니다: {error}"),
    ("cannot probe: {error}", "점검할 수 없습니다: {error}"),
    ("heartbeat: {problem}", "heartbeat: {problem}"),
    ("the watch is ending", "감시가 종료되는 중입니다"),
    (
        "the thread that probes has ended; this is a fault of reach",
        "점검 스레드가 종료되었습니다. reach 자체의 오류입니다",
    ),
    // Channels.
    ("there is no program to run", "실행할 프로그램이 없습니다"),
    ("{program} cannot be run: {error}", "{program} 실행 실패: {error}"),
    ("it ran for more than {seconds} s and was ended", "{seconds}초를 넘겨 강제로 종료했습니다"),
    ("`{name}` has no certificate (PEM)", "`{name}`에 인증서(PEM)가 없습니다"),
    ("TLS cannot be set up: {error}", "TLS를 준비할 수 없습니다: {error}"),
    ("no answer in time", "제한 시간 안에 응답이 없습니다"),
    ("the proxy's URL cannot be used", "프록시 URL을 쓸 수 없습니다"),
    ("no HTTP client: {}", "HTTP 클라이언트를 만들 수 없습니다: {}"),
    ("HTTP {status}: redirects are not followed", "HTTP {status}: 리다이렉트는 따라가지 않습니다"),
    ("the sender failed inside", "발송 중 내부 오류가 발생했습니다"),
    ("the channel is gone", "없어진 채널입니다"),
    ("it takes messages more slowly than they come", "알림이 처리 속도보다 빨리 쌓입니다"),
    ("nobody listens at {} (UDP)", "{}(UDP)에서 수신하는 곳이 없습니다"),
    ("HTTP {status}, and no answer of the Bot API: {}", "HTTP {status}, Bot API의 응답이 아닙니다: {}"),
    (
        "the chat is now {chat}; write that into the configuration",
        "대화방이 {chat}⟨으로/로⟩ 바뀌었습니다. 설정에 반영하십시오",
    ),
    ("400 can't parse entities, even without any", "400 형식 오류(서식이 없는데도 거부됨)"),
    ("400 message is too long, however short", "400 길이 오류(짧은데도 거부됨)"),
    ("the chat moves on and on, lastly to {chat}", "대화방이 계속 옮겨집니다. 마지막: {chat}"),
    ("429 behind the connector", "커넥터 뒤에서 429 응답"),
    ("HTTP {code} behind the connector", "커넥터 뒤에서 HTTP {code} 응답"),
    // Metrics pushed.
    ("the collector cannot be reached: {0}", "수집기에 접속할 수 없습니다: {0}"),
    ("the collector answered {0}", "수집기 응답: {0}"),
    ("the collector refused {points} data points: {why}", "수집기가 데이터 {points}건을 거부했습니다: {why}"),
    ("no connection", "연결되지 않습니다"),
    ("the connection broke", "연결이 끊겼습니다"),
    // Scouter and databases as sources.
    ("not an answer of Scouter's HTTP API", "Scouter HTTP API의 응답이 아닙니다"),
    ("not allowed: {0}", "허용되지 않음: {0}"),
    ("refused: {0}", "거부됨: {0}"),
    ("not reached: {0}", "접속 불가: {0}"),
    ("no token was given", "토큰이 없습니다"),
    ("the connection was closed", "연결이 끊겼습니다"),
    ("no answer", "응답이 없습니다"),
    ("not an answer of a collector: byte {0:#04x}", "수집 서버의 응답이 아닙니다: 바이트 {0}"),
    ("not an answer of a collector: {0}", "수집 서버의 응답이 아닙니다: {0}"),
    ("an answer without end", "응답이 끝나지 않습니다"),
    ("login refused: {0}", "로그인 거부: {0}"),
    ("the session is refused", "세션이 거부되었습니다"),
    ("it does not answer", "응답이 없습니다"),
    (
        "`{name}` cannot be read as certificates in PEM: {error}",
        "`{name}`⟨을/를⟩ PEM 인증서로 읽을 수 없습니다: {error}",
    ),
    ("`{name}` has no certificate in PEM", "`{name}`에 PEM 인증서가 없습니다"),
    (
        "nobody who is trusted signed its certificate: name who did in `ca`",
        "신뢰할 수 있는 기관이 서명한 인증서가 아닙니다. 서명한 기관을 `ca`에 지정하십시오",
    ),
    ("`host` has to be a name that its certificate has", "`host`는 인증서에 있는 이름이어야 합니다"),
    (
        "`tls` demands what this server does not offer: turn it on there, or set `tls = \"off\"`",
        "`tls`가 요구하는 TLS를 이 서버가 제공하지 않습니다. 서버에서 켜거나 `tls = \"off\"`로 하십시오",
    ),
    // Health.
    ("nothing is known of the last {} s", "최근 {}초 동안 알려진 것이 없습니다"),
    ("no address has been tried for {} s", "{}초 동안 시도한 주소가 없습니다"),
    ("the store has taken nothing for {} s", "{}초 동안 기록된 것이 없습니다"),
    // Modules of probes.
    (
        "the module file has {0} bytes; at most {MOST_BYTES} are read",
        "모듈 파일이 {0}바이트입니다. {MOST_BYTES}바이트까지 읽습니다",
    ),
    ("the module file cannot be read: {0}", "모듈 파일을 읽을 수 없습니다: {0}"),
    ("module `{module}`: {wrong}", "모듈 `{module}`: {wrong}"),
    ("`{}` is neither true nor false", "`{}`⟨은/는⟩ true도 false도 아닙니다"),
    ("what is under !!binary is no base64", "!!binary 아래 내용이 base64가 아닙니다"),
    ("`{}` is no regular expression: {error}", "`{}`⟨은/는⟩ 정규식이 아닙니다: {error}"),
    (
        "`{}` is no duration; give one like 500ms or 1m30s",
        "`{}`⟨은/는⟩ 시간이 아닙니다. 500ms나 1m30s처럼 지정하십시오",
    ),
    (
        "`{}` is no number of bytes; give one like 10MB",
        "`{}`⟨은/는⟩ 바이트 수가 아닙니다. 10MB처럼 지정하십시오",
    ),
    (
        "prober `{}` is none; give http, tcp, icmp or dns",
        "prober `{}`⟨은/는⟩ 없습니다. http, tcp, icmp, dns 중에서 지정하십시오",
    ),
    ("source_ip_address `{}` is no address", "source_ip_address `{}`⟨은/는⟩ 주소가 아닙니다"),
    ("ttl {} is none; give 0 to 255", "ttl {}⟨은/는⟩ 쓸 수 없습니다. 0 ~ 255 사이로 지정하십시오"),
    (
        "payload_size {} is none; give 0 to 65507",
        "payload_size {}⟨은/는⟩ 쓸 수 없습니다. 0 ~ 65507 사이로 지정하십시오",
    ),
    ("query_name is missing; it must be set for dns", "query_name이 없습니다. dns에는 필요합니다"),
    ("the prober `{}` is not supported", "prober `{}`⟨은/는⟩ 지원하지 않습니다"),
    ("max_version below TLS12 is not supported", "TLS12보다 낮은 max_version은 지원하지 않습니다"),
    ("expect and expect_bytes exclude each other", "expect와 expect_bytes는 함께 쓸 수 없습니다"),
    ("`{}` cannot be the name of a label", "`{}`⟨은/는⟩ 라벨 이름으로 쓸 수 없습니다"),
    ("compression: br", "compression: br"),
    ("a proxy_url that does not begin with http://", "http://로 시작하지 않는 proxy_url"),
    ("{option} is not supported", "{option}⟨은/는⟩ 지원하지 않습니다"),
    ("body and body_file exclude each other", "body와 body_file은 함께 쓸 수 없습니다"),
    (
        "basic_auth, authorization, bearer_token and oauth2 exclude each other",
        "basic_auth, authorization, bearer_token, oauth2는 함께 쓸 수 없습니다",
    ),
    ("username and username_file exclude each other", "username과 username_file은 함께 쓸 수 없습니다"),
    ("password and password_file exclude each other", "password와 password_file은 함께 쓸 수 없습니다"),
    (
        "credentials and credentials_file exclude each other",
        "credentials와 credentials_file은 함께 쓸 수 없습니다",
    ),
    (
        "authorization of type basic is not allowed; use basic_auth",
        "basic 유형의 authorization은 쓸 수 없습니다. basic_auth를 쓰십시오",
    ),
    (
        "proxy_from_environment excludes proxy_url and no_proxy",
        "proxy_from_environment는 proxy_url, no_proxy와 함께 쓸 수 없습니다",
    ),
    (
        "compression `{}` is none; give gzip or deflate",
        "compression `{}`⟨은/는⟩ 쓸 수 없습니다. gzip이나 deflate를 지정하십시오",
    ),
    (
        "the header Accept-Encoding `{}` does not allow compression `{}`",
        "Accept-Encoding 헤더 `{}`⟨은/는⟩ compression `{}`⟨을/를⟩ 허용하지 않습니다",
    ),
    (
        "`{}` is no choice of addresses; give first, any, all, or quorum: with a share such as quorum:0.75",
        "`{}`⟨은/는⟩ 주소 선택 방식이 아닙니다. first, any, all, 또는 quorum:0.75처럼 비율을 지정하십시오",
    ),
];
