//! The comments of the example.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    (
        "A configuration of `reach watch`. Every key is shown; those with a `#` directly before them show the default, \
         or an example of something that is off by default. `reach config check FILE` says what is wrong, if anything \
         is.",
        "`reach watch`의 설정입니다. 모든 키가 나옵니다. 바로 앞에 `#`이 붙은 키는 기본값이거나, 기본적으로 꺼져 있는 항목의 \
         예입니다. `reach config check 파일`로 잘못된 곳을 확인할 수 있습니다.",
    ),
    (
        "spans of time   \"500ms\", \"10s\", \"5m\", \"1h\", \"14d\"",
        "시간            \"500ms\", \"10s\", \"5m\", \"1h\", \"14d\"",
    ),
    ("sizes           \"500MB\", \"2GB\", \"2GiB\"", "크기            \"500MB\", \"2GB\", \"2GiB\""),
    ("shares          \"1%\" or 0.01", "비율            \"1%\" 또는 0.01"),
    (
        "relative names  of files start from the directory of this file",
        "상대 경로       이 파일이 있는 디렉터리 기준",
    ),
    (
        "What this host is called in messages and metrics; its host name by default.",
        "알림과 메트릭에 쓸 이 서버의 이름. 기본값은 호스트 이름.",
    ),
    (
        "The language of messages, \"en\" or \"ko\"; that of the locale by default.",
        "알림의 언어, \"en\" 또는 \"ko\". 기본값은 로캘의 언어.",
    ),
    (
        "The zone of times in messages and of the windows below; that of the system by default.",
        "알림의 시각과 아래 시간 설정의 시간대. 기본값은 시스템의 시간대.",
    ),
    (
        "Tries a second over everything, at most; surveys under way at the same time.",
        "전체를 합한 초당 최대 시도 횟수, 동시에 진행하는 점검 수.",
    ),
    (
        "Where state is kept; $STATE_DIRECTORY, ~/.local/state/reach or /var/lib/reach by default.",
        "상태를 저장할 위치. 기본값은 $STATE_DIRECTORY, ~/.local/state/reach 또는 /var/lib/reach.",
    ),
    (
        "A silent message every day that says that the watch goes on, and proves that messages arrive.",
        "감시가 동작 중이고 알림이 도착한다는 것을 매일 소리 없이 알림.",
    ),
    ("what is watched", "감시 대상"),
    ("What holds for every target that says nothing else.", "따로 정하지 않은 모든 대상에 적용."),
    (
        "From one TCP handshake with an address to the next; the same for TLS and HTTP, for ping (\"never\" is possible \
         for these two), and for questions to each resolver.",
        "IP마다 TCP 연결을 시도하는 간격. 이어서 TLS와 HTTP, 핑(이 둘은 \"never\" 가능), DNS 서버마다 조회하는 간격.",
    ),
    (
        "When a handshake, and each layer above it, is called silent.",
        "연결, 그리고 그 위의 각 단계를 무응답으로 보는 시간.",
    ),
    (
        "\"both\", \"ipv4\" or \"ipv6\"; resolvers to ask besides those of the system.",
        "\"both\", \"ipv4\" 또는 \"ipv6\". 시스템의 DNS 서버 외에 추가로 조회할 DNS 서버.",
    ),
    (
        "An address that no resolver has given for so long is gone, and after so long it is not tried any more.",
        "이 시간 동안 어느 DNS 서버도 응답하지 않은 IP는 DNS에서 빠진 것으로 보고, 그다음 시간이 지나면 더 시도하지 않음.",
    ),
    (
        "An address that was down has to answer for so long, and five times at least, before it is well again.",
        "접속 불가였던 IP는 이 시간 동안, 적어도 다섯 번 응답해야 정상으로 봄.",
    ),
    (
        "How long an address is down before it is an incident; how long all has to be well before it is called \
         recovered, and before the all-clear.",
        "접속 불가가 이 시간 이어지면 장애. 모두 정상인 상태가 이 시간 이어지면 복구, 그다음 시간이 지나면 정상화 확인.",
    ),
    (
        "More failures than this, with statistics: few tries never cross it by chance. \"off\" for none.",
        "실패율 기준. 시도 횟수가 적을 때 우연히 넘지 않도록 통계로 판단. 쓰지 않으려면 \"off\".",
    ),
    ("Handshakes slower than this; off by default.", "연결 시간 기준. 기본적으로 꺼져 있음."),
    (
        "How long before a certificate ends; \"off\" for never.",
        "인증서 만료 전 알림 시점. 쓰지 않으려면 \"off\".",
    ),
    (
        "An objective whose budget of failures must not burn too fast; off by default. `slo` stands for the three usual \
         rates.",
        "오류 예산이 너무 빨리 소진되지 않아야 하는 목표. 기본적으로 꺼져 있음. `slo`는 일반적인 세 가지 소진 속도를 뜻함.",
    ),
    (
        "Tell, without ringing, of new and vanished addresses; tell of resolvers that give different ones.",
        "IP가 추가되거나 빠지면 소리 없이 알림. DNS 서버마다 IP 목록이 다르면 알림.",
    ),
    (
        "TLS on a port that is not known for it, with another name than the host's; and a list, one target a line.",
        "TLS로 알려지지 않은 포트의 TLS, 호스트와 다른 이름. 그리고 한 줄에 대상 하나씩 적은 목록.",
    ),
    (
        "How to know that this host is connected at all: its own outage is one incident and freezes the rest. Two \
         references at least, which depend on different things. Without any, a line that is cut beyond the router cannot \
         be told from a block of everything that is watched: it is taken for one where several targets in networks of \
         their own fail at one moment, and DNS gives nothing but what a cache may have. `gateway` is \"auto\", \"none\" \
         or an address.",
        "이 서버가 네트워크에 연결되어 있는지 아는 방법. 이 서버 자체의 단절은 장애 한 건이며 나머지 판정은 멈춥니다. 서로 다른 \
         것에 의존하는 기준점을 둘 이상 지정하십시오. 기준점이 없으면 라우터 너머의 회선 단절을 감시 대상 전체의 차단과 구분할 수 \
         없습니다. 서로 다른 네트워크의 여러 대상이 동시에 실패하고 DNS가 캐시에 있을 만한 것만 응답하면 단절로 봅니다. `gateway`는 \
         \"auto\", \"none\" 또는 주소.",
    ),
    ("who hears of it", "알림을 받을 곳"),
    (
        "Tokens, passwords and URLs with a secret in them: in a file of their own (`token_file`), in the environment \
         (`token_env`), or as a credential of systemd (`token_credential`, with `LoadCredential=` in the unit). Every \
         channel may also have `lang`, `least` (\"notice\", \"warning\", \"degraded\", \"critical\"), `target` (with `*`), \
         `network`, `labels`, `proxy`, `timeout`, `fallback`, and hours in which it does not ring: `at_night` is \
         \"silent\" or \"hold-back\". That this host is cut off is told to every channel, whatever targets it is for.",
        "토큰, 비밀번호, 비밀 값이 든 URL은 별도 파일(`token_file`), 환경 변수(`token_env`), systemd 자격 증명(`token_credential`, 유닛에 \
         `LoadCredential=`)에 둘 수 있습니다. 모든 채널에 `lang`, `least`(\"notice\", \"warning\", \"degraded\", \"critical\"), \
         `target`(`*` 가능), `network`, `labels`, `proxy`, `timeout`, `fallback`, 그리고 소리를 내지 않는 시간을 지정할 수 있습니다. \
         `at_night`는 \"silent\" 또는 \"hold-back\". 이 서버가 끊겼다는 알림은 대상과 무관하게 모든 채널로 보냅니다.",
    ),
    ("The notice comes on standard input, as JSON.", "알림을 표준 입력으로 JSON 형식으로 전달."),
    (
        "What applications and servers log, on this host: what fails towards whom, and the share of requests that fail. \
         `files` may have `*`, and are followed through rotation; `journal` is true or names units. Times without a zone \
         are in `zone`.",
        "이 서버의 애플리케이션과 서버 로그: 무엇이 어디로 실패하는지, 실패한 요청의 비율. `files`에는 `*`를 쓸 수 있고 로테이션을 \
         따라갑니다. `journal`은 true 또는 유닛. 시간대가 적히지 않은 시각은 `zone`으로 봅니다.",
    ),
    (
        "An access log as the server has it: nginx's log_format, Apache's LogFormat, Tomcat's pattern; without it, by its \
         looks.",
        "서버 설정의 접근 로그 형식: nginx의 log_format, Apache의 LogFormat, Tomcat의 pattern. 생략하면 형식을 스스로 알아봄.",
    ),
    (
        "What a database logs of statements that took too long: \"mysql-slow\" is the slow query log of MySQL and MariaDB, \
         \"postgresql\" whatever PostgreSQL writes for log_min_duration_statement and auto_explain.",
        "데이터베이스가 남긴 느린 SQL 로그: \"mysql-slow\"는 MySQL과 MariaDB의 느린 쿼리 로그, \"postgresql\"은 PostgreSQL의 \
         log_min_duration_statement와 auto_explain 로그.",
    ),
    (
        "Of journals that other hosts send here: #journal_directory = \"/var/log/journal/remote\"",
        "다른 서버가 이 서버로 보낸 저널: #journal_directory = \"/var/log/journal/remote\"",
    ),
    (
        "What follows from what logs, APMs and this host say. A service suffers where the share of its failed requests is \
         too large, with statistics; where nobody counts its requests, after so many failures within so long. It suffers \
         no more when it has not failed for the calm and was heard of. What is older than `stale` when it is heard counts \
         for nothing. The destinations that its failures name are examined and watched besides the targets: \"all\" of \
         them, none but what is \"watched\" anyway, or names and networks; never this host itself, and so many at most.",
        "로그, APM, 이 서버가 알려 주는 신호의 처리. 실패한 요청의 비율이 통계적으로 기준을 넘거나, 요청 수를 알 수 없으면 이 시간 \
         안에 이만큼 실패할 때 서비스에 문제가 있다고 봅니다. `calm` 동안 소식은 있는데 실패가 없으면 문제가 끝난 것입니다. 받았을 때 \
         `stale`보다 오래된 신호는 세지 않습니다. 실패가 가리키는 목적지는 대상과 함께 점검하고 감시합니다. \"all\"은 전부, \
         \"watched\"는 이미 감시하는 것만, 또는 이름과 대역. 이 서버 자신은 제외하며 최대 개수는 `most`.",
    ),
    (
        "An endpoint for agents of OpenTelemetry: traces, logs and metrics over gRPC and HTTP at each of these places. \
         Without a token others than this host are not let in.",
        "OpenTelemetry 에이전트용 엔드포인트: 각 주소에서 트레이스, 로그, 메트릭을 gRPC와 HTTP로 수신. 토큰이 없으면 이 서버만 접속할 \
         수 있음.",
    ),
    (
        "When nothing is said of some targets; what happens meanwhile is told in one afterwards. `targets` (with `*`), \
         `network` and `labels` say which; all that are given have to match.",
        "일부 대상의 알림을 보내지 않는 시간. 그동안 있었던 일은 끝난 뒤 한 번에 알립니다. `targets`(`*` 가능), `network`, `labels`로 \
         지정하며, 지정한 것이 모두 맞아야 합니다.",
    ),
    (
        "A dead man's switch: asked for with GET again and again; whoever is there speaks when we no longer ask.",
        "하트비트: 이 URL을 GET으로 계속 호출하며, 호출이 끊기면 받는 쪽에서 알립니다.",
    ),
    ("where things are", "위치"),
    (
        "One file; results, summaries of ten minutes and of hours, surveys and messages are kept for so long, and less \
         where the room does not suffice. Changes of state and incidents are kept for ever.",
        "기록 파일 하나. 결과, 10분과 1시간 집계, 점검과 알림의 보관 기간. 공간이 부족하면 더 짧아집니다. 상태 변화와 장애는 계속 \
         보관합니다.",
    ),
    (
        "So many results wait in memory while the disk takes none; more are lost, and counted. Incidents are not.",
        "디스크에 기록하지 못하는 동안 메모리에 둘 결과 수. 넘으면 버리고 그 수를 셉니다. 장애 기록은 버리지 않습니다.",
    ),
    (
        "Where `reach status`, `ack` and `silence` ask; a group that may, besides the user of the watch and root.",
        "`reach status`, `ack`, `silence`가 접속할 소켓. 감시를 실행하는 사용자와 root 외에 접속할 수 있는 그룹.",
    ),
    ("who asks", "신청자"),
    (
        "Who asks the network team for changes: what `reach report` puts into documents and request forms where its options say nothing else. `nat_ip` is the address that this host has behind NAT, which the log of the firewall knows it by.",
        "네트워크 담당에게 변경을 요청하는 사람. `reach report`가 문서와 신청서에 넣는 내용이며 옵션이 우선합니다. `nat_ip`은 NAT 뒤 이 서버의 IP로, 방화벽 로그에는 이 IP가 남습니다.",
    ),
    (
        "The page, the interface under /api/v1, /metrics, /healthz and /probe; \"off\" serves nothing. On loopback nobody has to log in, until a user, a token or a proxy is configured; elsewhere one of them has to be. `hosts` are names that it answers to besides its addresses. `scrape_from` may ask for /metrics and /probe without any of them.",
        "웹 화면, /api/v1, /metrics, /healthz, /probe. \"off\"면 아무것도 제공하지 않습니다. 루프백에서는 사용자, 토큰, 프록시를 설정하기 전까지 로그인이 필요 없고, 그 밖의 주소에서는 셋 중 하나가 있어야 합니다. `hosts`는 IP 외에 응답할 이름입니다. `scrape_from`은 로그인 없이 /metrics와 /probe를 요청할 수 있는 대역입니다.",
    ),
    (
        "TLS, with a certificate of files (taken up when they are replaced), or with one that is made here and signed by nobody: its SHA-256, to compare with what the browser shows, is logged.",
        "TLS. 파일의 인증서(바뀌면 다시 읽음) 또는 여기에서 만드는 자체 서명 인증서를 씁니다. 자체 서명이면 브라우저에 보이는 값과 비교할 SHA-256을 로그에 남깁니다.",
    ),
    ("Instead: #self_signed = true", "또는: #self_signed = true"),
    (
        "People with passwords. `reach config password` asks for one and prints the line; it may also be elsewhere: {{ file | env | credential = … }}. A \"viewer\" looks; an \"operator\" acknowledges, silences, notes and examines, too.",
        "비밀번호로 로그인하는 사용자. `reach config password`가 비밀번호를 입력받아 줄을 출력합니다. 다른 곳에 둘 수도 있습니다: {{ file | env | credential = … }}. \"viewer\"는 조회만, \"operator\"는 담당자 확인, 알림 중지, 메모, 점검까지 할 수 있습니다.",
    ),
    (
        "Programs with tokens (`Authorization: Bearer …`). `reach config token NAME` makes one and prints these lines.",
        "토큰을 쓰는 프로그램(`Authorization: Bearer …`). `reach config token 이름`이 토큰을 만들어 이 줄을 출력합니다.",
    ),
    (
        "A reverse proxy that knows who asks. Its headers, and X-Forwarded-For and -Proto, are believed from there alone. `roles` are by name, or with a `role_header` by what stands in it, separated by commas; `role` is everybody else's.",
        "누가 요청하는지 아는 리버스 프록시. 그 헤더와 X-Forwarded-For, X-Forwarded-Proto는 이 주소에서 온 것만 믿습니다. `roles`는 이름별 권한이며, `role_header`가 있으면 거기에 쉼표로 나열된 값별 권한입니다. `role`은 나머지 모두의 권한입니다.",
    ),
    (
        "/probe, as blackbox_exporter answers it, with its module file. Who listens on loopback probes everything but \
         link-local addresses; elsewhere only what is allowed here is probed.",
        "blackbox_exporter와 같은 방식으로 응답하는 /probe와 모듈 파일. 루프백에서 제공하면 링크 로컬 외의 모든 주소를, 그 밖에는 여기서 \
         허용한 것만 점검합니다.",
    ),
    (
        "Metrics pushed to a collector of OpenTelemetry; a header is its value, or {{ file | env | credential = … }}.",
        "OpenTelemetry 수집기로 보낼 메트릭. 헤더는 값 또는 {{ file | env | credential = … }}.",
    ),
    (
        "What a Scouter installation says: error rates, destinations, slow SQL, agents. mode is \"collector\" (asked on \
         TCP, only ever to read; without user, as its own host may), \"api\" (its HTTP API), \"listen\" (copies of \
         datagrams) or \"relay\" (agents send here, and everything is forwarded first). tell sends findings back as \
         alerts of Scouter. A script of the collector (alert.plug) may hand on alerts to /scouter/NAME/alert; from \
         elsewhere plug_from says who may.",
        "Scouter가 알려 주는 것: 오류율, 목적지, 느린 SQL, 에이전트. mode는 \"collector\"(TCP로 조회만 함. user가 없으면 수집 서버 자신의 \
         권한으로), \"api\"(HTTP API), \"listen\"(데이터그램 사본), \"relay\"(에이전트가 이 서버로 보내고 먼저 모두 전달). tell은 확인한 \
         내용을 Scouter 알림으로 다시 보냅니다. 수집 서버의 스크립트(alert.plug)는 /scouter/이름/alert로 알림을 넘길 수 있으며, 다른 \
         서버는 plug_from에서 허용합니다.",
    ),
    (
        "This host: how full it is, and which applications wait for an address that does not answer, read from the kernel \
         without a probe. connects = \"watched\" follows those to addresses of targets, \"all\" every one, \"off\" none.",
        "이 서버: 사용량과, 응답 없는 IP를 기다리는 애플리케이션을 점검 패킷 없이 커널에서 읽습니다. connects = \"watched\"는 대상의 \
         IP로 가는 연결만, \"all\"은 전부, \"off\"는 보지 않음.",
    ),
    (
        "Databases that are asked for slow statements, by a user who may read statistics and nothing else.",
        "느린 SQL을 조회할 데이터베이스. 통계 조회 권한만 있는 사용자로 접속.",
    ),
    (
        "\"text\" or \"json\"; \"error\", \"warn\", \"info\", \"debug\" or \"trace\".",
        "\"text\" 또는 \"json\". \"error\", \"warn\", \"info\", \"debug\", \"trace\" 중 하나.",
    ),
];
