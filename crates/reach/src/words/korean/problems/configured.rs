//! What is wrong with a configuration.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    // The file.
    ("{name}: it cannot be read: {error}", "{name}: 읽을 수 없습니다: {error}"),
    (
        "{name}: this is no TOML; `reach config check {name}` says why",
        "{name}: TOML이 아닙니다. `reach config check {name}`으로 이유를 확인하십시오",
    ),
    ("it is larger than any configuration", "설정 파일이라기에는 너무 큽니다"),
    (
        "it cannot be read: {error}; `reach config example` prints one to begin with",
        "읽을 수 없습니다({error}). `reach config example`로 처음 쓸 설정을 출력할 수 있습니다",
    ),
    (
        "{name}:{line}: this is no UTF-8 text, which TOML has to be",
        "{name}:{line}: UTF-8 텍스트가 아닙니다. TOML은 UTF-8이어야 합니다",
    ),
    (
        "{} has a secret in it, and everybody on this host may read it; `chmod 640` it, or keep the secret in a file \
         of its own",
        "{}: 비밀 값이 들어 있는데 이 서버의 모든 사용자가 읽을 수 있습니다. `chmod 640`을 하거나 비밀 값을 별도 파일에 두십시오",
    ),
    (
        "{name} has a secret in it, and everybody on this host may read it; `chmod 600` it",
        "{name}: 비밀 값이 들어 있는데 이 서버의 모든 사용자가 읽을 수 있습니다. `chmod 600`을 하십시오",
    ),
    ("this is no TOML: {}", "TOML이 아닙니다: {}"),
    ("{}: {hidden} more things are wrong", "{}: 잘못된 곳이 {hidden}개 더 있습니다"),
    (
        "there is nothing to watch: name a target, or write {}; `reach config example` prints one to begin with",
        "감시할 것이 없습니다. 대상을 지정하거나 {} 설정을 작성하십시오. `reach config example`로 처음 쓸 설정을 출력할 수 있습니다",
    ),
    ("there is nothing to watch; name a target", "감시할 것이 없습니다. 대상을 지정하십시오"),
    (
        "{} names no target and no source of signals; add a `[[target]]`, as `reach config example` shows",
        "{}: 대상도 신호 출처도 없습니다. `reach config example`에 나오는 것처럼 `[[target]]`을 추가하십시오",
    ),
    (
        "it names no target and no source of signals; `reach watch` needs one: add a `[[target]]`, or name one on the \
         command line",
        "대상도 신호 출처도 없습니다. `reach watch`에는 하나가 필요합니다. `[[target]]`을 추가하거나 명령행에 대상을 지정하십시오",
    ),
    (
        "--every `{}` is for targets of the command line, and there are none; set `every` in {}",
        "--every `{}`⟨은/는⟩ 명령행에 지정한 대상에 적용되는데 대상이 없습니다. {}의 `every`를 설정하십시오",
    ),
    (
        "--listen `{}` is no address with a port; give one like 127.0.0.1:9732",
        "--listen `{}`⟨은/는⟩ 포트가 있는 주소가 아닙니다. 127.0.0.1:9732처럼 지정하십시오",
    ),
    // Keys and values.
    ("`{}` is missing; give it like {example}", "`{}`⟨이/가⟩ 없습니다. {example}처럼 지정하십시오"),
    ("`{}` is no key; {advice}", "`{}`⟨은/는⟩ 없는 키입니다. {advice}"),
    ("known here: {}", "쓸 수 있는 키: {}"),
    (
        "{what} stands where a table belongs, as in `[{key}]`",
        "{what}⟨이/가⟩ 있는데 `[{key}]` 같은 테이블이어야 합니다",
    ),
    ("a table belongs here, as in `[[{key}]]`", "여기에는 `[[{key}]]` 같은 테이블이 와야 합니다"),
    (
        "there may be several of them: write `[[{key}]]` with two brackets",
        "여러 개일 수 있으므로 `[[{key}]]`처럼 대괄호를 두 번 쓰십시오",
    ),
    ("{} stands where a text in quotes belongs", "{}⟨이/가⟩ 있는데 따옴표로 감싼 문자열이어야 합니다"),
    ("a date without quotes", "따옴표 없는 날짜"),
    ("a list", "목록"),
    ("a table", "테이블"),
    ("{} is neither true nor false", "{}⟨은/는⟩ true도 false도 아닙니다"),
    ("{} is no number from {} to {}", "{}⟨은/는⟩ {} ~ {} 사이의 숫자가 아닙니다"),
    ("{what}; or \"never\" for not at all", "{what}. 쓰지 않으려면 \"never\""),
    (
        "a label is named by letters, digits and `_`, as in service or tier_1",
        "라벨 이름은 service나 tier_1처럼 영문자, 숫자, `_`로 씁니다",
    ),
    ("the value is longer than 256 characters", "값이 256자보다 깁니다"),
    (
        "{show} has no unit; seconds are written \"{number}s\"",
        "{show}에 단위가 없습니다. 초는 \"{number}s\"처럼 씁니다",
    ),
    (
        "{show} is no span of time; give one like \"10s\", \"5m\" or \"1h\"",
        "{show}⟨은/는⟩ 시간이 아닙니다. \"10s\", \"5m\", \"1h\"처럼 지정하십시오",
    ),
    (
        "{show} is too short; give at least {least}",
        "{show}⟨은/는⟩ 너무 짧습니다. {least} 이상으로 지정하십시오",
    ),
    ("{show} is too long; give at most {most}", "{show}⟨은/는⟩ 너무 깁니다. {most} 이하로 지정하십시오"),
    (
        "{} is no share between nothing and all; give one like \"1%\" or 0.01",
        "{}⟨은/는⟩ 비율이 아닙니다. \"1%\"나 0.01처럼 지정하십시오",
    ),
    (
        "{} is no size; give one like \"500MB\" or \"2GB\"",
        "{}⟨은/는⟩ 크기가 아닙니다. \"500MB\"나 \"2GB\"처럼 지정하십시오",
    ),
    ("{span} is not between {least} and {most}", "{span}⟨은/는⟩ {least} ~ {most} 범위 밖입니다"),
    ("`{}` is none of {known}", "`{}`⟨은/는⟩ 다음 중 하나여야 합니다: {known}"),
    ("\"text\" and \"json\"", "\"text\" 또는 \"json\""),
    (
        "\"error\", \"warn\", \"info\", \"debug\" and \"trace\"",
        "\"error\", \"warn\", \"info\", \"debug\" 또는 \"trace\"",
    ),
    ("`{}` is none of \"en\" and \"ko\"", "`{}`⟨은/는⟩ \"en\"이나 \"ko\"여야 합니다"),
    ("give a name of 1 to 64 characters", "1 ~ 64자의 이름을 지정하십시오"),
    (
        "the name `{name}` is that of a source under `{other}` too; rename one of them",
        "`{name}` 이름을 `{other}`의 출처에서도 쓰고 있습니다. 둘 중 하나의 이름을 바꾸십시오",
    ),
    (
        "target = \"fcm.googleapis.com\", or targets = [\"a.example\", \"@hosts.txt\"]",
        "target = \"fcm.googleapis.com\" 또는 targets = [\"a.example\", \"@hosts.txt\"]",
    ),
    (
        "url = \"https://heartbeat.example/ping/reach\", or url_file = \"heartbeat-url\"",
        "url = \"https://heartbeat.example/ping/reach\" 또는 url_file = \"heartbeat-url\"",
    ),
    (
        "files = \"/srv/app/logs/*.log\", or journal = \"app.service\"",
        "files = \"/srv/app/logs/*.log\" 또는 journal = \"app.service\"",
    ),
    (
        "`{}` is watched already by {}; leave one of them out",
        "`{}`⟨은/는⟩ 이미 {}에서 감시합니다. 둘 중 하나를 빼십시오",
    ),
    (
        "`@-`: a configuration cannot read standard input; name a file",
        "`@-`: 설정은 표준 입력을 읽을 수 없습니다. 파일을 지정하십시오",
    ),
    (
        "`{}` is no address with a port, as a reference has to be: names may fail together with what is watched. Give \
         one like \"192.0.2.1:53\"",
        "`{}`⟨은/는⟩ 포트가 있는 주소가 아닙니다. 이름은 감시 대상과 함께 실패할 수 있으므로 기준점은 \"192.0.2.1:53\"처럼 주소로 \
         지정하십시오",
    ),
    (
        "one reference cannot tell its own failure from ours; give two that depend on different things",
        "기준점이 하나면 기준점의 장애와 이 서버의 장애를 구분할 수 없습니다. 서로 다른 것에 의존하는 둘을 지정하십시오",
    ),
    (
        "`{}` is none of \"auto\", \"none\" and an address like \"192.0.2.1\"",
        "`{}`⟨은/는⟩ \"auto\", \"none\" 또는 \"192.0.2.1\" 같은 주소여야 합니다",
    ),
    (
        "incidents alone may take more; give at least \"16MB\"",
        "장애 기록만으로도 더 필요할 수 있습니다. \"16MB\" 이상으로 지정하십시오",
    ),
    (
        "`{}` is no network; give one like \"198.51.100.0/24\"",
        "`{}`⟨은/는⟩ 대역이 아닙니다. \"198.51.100.0/24\"처럼 지정하십시오",
    ),
    (
        "`{text}` says no TLS and `tls` says TLS; write it with https://",
        "`{text}`⟨은/는⟩ TLS를 쓰지 않는 대상인데 `tls`가 true입니다. https://로 쓰십시오",
    ),
    (
        "`{text}` says TLS and `tls` says no TLS; write it with http://",
        "`{text}`⟨은/는⟩ TLS를 쓰는 대상인데 `tls`가 false입니다. http://로 쓰십시오",
    ),
    (
        "`{text}` is not tested with TLS, so no `server_name` is sent; add `tls = true`",
        "`{text}`⟨은/는⟩ TLS로 점검하지 않으므로 `server_name`을 보내지 않습니다. `tls = true`를 추가하십시오",
    ),
    (
        "`{text}` is a multicast address, behind which is no single host",
        "`{text}`⟨은/는⟩ 멀티캐스트 주소라서 호스트 하나를 가리키지 않습니다",
    ),
    ("this is no URL that begins with {}", "{}로 시작하는 URL이 아닙니다"),
    (
        "an address cannot be forgotten before it is gone ({})",
        "DNS에서 빠졌다고 보기({}) 전에 주소를 잊을 수는 없습니다",
    ),
    (
        "`{}` is none of \"both\", \"ipv4\" and \"ipv6\"",
        "`{}`⟨은/는⟩ \"both\", \"ipv4\", \"ipv6\" 중 하나여야 합니다",
    ),
    (
        "give { warn = \"14d\", critical = \"3d\" }, or \"off\"",
        "{{ warn = \"14d\", critical = \"3d\" }} 또는 \"off\"를 지정하십시오",
    ),
    (
        "it is earlier than `warn`; the warning comes first",
        "`warn`보다 이릅니다. 주의 알림이 먼저여야 합니다",
    ),
    (
        "`burn` says it rate by rate; leave one of them out",
        "`burn`이 소진 속도별로 정하고 있습니다. 둘 중 하나를 빼십시오",
    ),
    (
        "it is no shorter than `long`; a twelfth of it is usual",
        "`long`보다 짧지 않습니다. 보통 12분의 1로 합니다",
    ),
    (
        "`{first}` says the same already; leave one of them out",
        "`{first}`⟨이/가⟩ 이미 같은 내용입니다. 둘 중 하나를 빼십시오",
    ),
    // Times.
    (
        "a pattern has five fields (minute, hour, day, month, day of the week) and not {}, as in \"0 2 * * sat\"",
        "\"0 2 * * sat\"처럼 다섯 항목(분, 시, 일, 월, 요일)이어야 하는데 {}개입니다",
    ),
    (
        "`{}` is no {name}; give *, a number from {least} to {most}, a range like {least}-{most}, or a list",
        "`{0}`⟨은/는⟩ {1}⟨이/가⟩ 아닙니다. *, {2} ~ {3} 사이의 숫자, {4}-{5} 같은 범위, 또는 목록을 지정하십시오",
    ),
    ("minute", "분"),
    ("hour", "시"),
    ("month", "월"),
    ("day of the month", "일"),
    ("day of the week", "요일"),
    ("`{}` is no day; give {}", "`{}`⟨은/는⟩ 요일이 아닙니다. {} 중에서 지정하십시오"),
    ("it is no later than `from`", "`from`보다 뒤가 아닙니다"),
    (
        "give a time like \"02:00\" or \"2026-12-01T02:00\"",
        "\"02:00\"이나 \"2026-12-01T02:00\" 같은 시각을 지정하십시오",
    ),
    (
        "`{}` is no time of day; give one like \"02:00\"",
        "`{}`⟨은/는⟩ 하루의 시각이 아닙니다. \"02:00\"처럼 지정하십시오",
    ),
    (
        "`{}` is no date with a time, without a zone of its own; give one like \"2026-12-01T02:00\" and the zone as \
         zone = \"Asia/Seoul\"",
        "`{}`⟨은/는⟩ 시간대 없는 날짜와 시각이 아닙니다. \"2026-12-01T02:00\"처럼 지정하고 시간대는 zone = \"Asia/Seoul\"처럼 따로 \
         지정하십시오",
    ),
    (
        "`{}` is no time zone of this host; give one like \"Asia/Seoul\" or \"UTC\" (`timedatectl list-timezones` lists \
         them)",
        "`{}`⟨은/는⟩ 이 서버에 있는 시간대가 아닙니다. \"Asia/Seoul\"이나 \"UTC\"처럼 지정하십시오(`timedatectl list-timezones`로 \
         목록 확인)",
    ),
    // Logs.
    (
        "there is a log of the name `{}` already, at {place}; rename one",
        "`{}` 이름의 로그가 이미 {place}에 있습니다. 둘 중 하나의 이름을 바꾸십시오",
    ),
    ("`{}` is neither \"end\" nor \"start\"", "`{}`⟨은/는⟩ \"end\"나 \"start\"여야 합니다"),
    (
        "`{text}` is no field; give one like \"SYSLOG_IDENTIFIER=app\"",
        "`{text}`⟨은/는⟩ 필드가 아닙니다. \"SYSLOG_IDENTIFIER=app\"처럼 지정하십시오",
    ),
    ("`{}` is no directory", "`{}`⟨은/는⟩ 디렉터리가 아닙니다"),
    (
        "a log is in files or in the journal; make two of them",
        "로그는 파일과 저널 중 한쪽에만 있습니다. 둘로 나누십시오",
    ),
    (
        "fields are those of the journal; add `journal = true`",
        "fields는 저널의 필드입니다. `journal = true`를 추가하십시오",
    ),
    (
        "it is where a journal is; add `journal = true`, or leave it out",
        "저널이 있는 위치입니다. `journal = true`를 추가하거나 빼십시오",
    ),
    (
        "`{text}` is no name of a file; give one like \"/srv/app/logs/*.log\"",
        "`{text}`⟨은/는⟩ 파일 이름이 아닙니다. \"/srv/app/logs/*.log\"처럼 지정하십시오",
    ),
    (
        "`{}` is no unit; give one like \"app.service\"",
        "`{}`⟨은/는⟩ 유닛이 아닙니다. \"app.service\"처럼 지정하십시오",
    ),
    (
        "{} is neither true nor a unit like \"app.service\"",
        "{}⟨은/는⟩ true나 \"app.service\" 같은 유닛이어야 합니다",
    ),
    ("did you mean `{name}`? ", "혹시 `{name}`입니까? "),
    (
        "`{}` is no kind of log; {meant}there are {}",
        "`{}`⟨은/는⟩ 로그 종류가 아닙니다. {meant}쓸 수 있는 종류: {}",
    ),
    (
        "it says how requests are written, and `kind = \"{name}\"` has none; leave one out",
        "요청의 형식인데 `kind = \"{name}\"`에는 요청이 없습니다. 둘 중 하나를 빼십시오",
    ),
    ("give a size from \"1kB\" to \"64MB\"", "\"1kB\" ~ \"64MB\" 사이의 크기를 지정하십시오"),
    // Signals.
    (
        "it cannot be switched off; set a larger `threshold`, or leave the source out that counts requests",
        "끌 수 없습니다. `threshold`를 늘리거나 요청 수를 세는 출처를 빼십시오",
    ),
    (
        "{error}; or give \"all\", or \"watched\" for nothing but targets",
        "{error}. 또는 \"all\", 대상만 점검하려면 \"watched\"를 지정하십시오",
    ),
    (
        "`{}` is nothing to allow; give a name (`*.example.com:443`) or a network (`203.0.113.0/24`)",
        "`{}`⟨은/는⟩ 허용할 수 있는 것이 아닙니다. 이름(`*.example.com:443`)이나 대역(`203.0.113.0/24`)을 지정하십시오",
    ),
    ("it is empty; give one like \"otlp\"", "비어 있습니다. \"otlp\"처럼 지정하십시오"),
    (
        "it is empty; give addresses like [\"127.0.0.1:4317\"]",
        "비어 있습니다. [\"127.0.0.1:4317\"]처럼 주소를 지정하십시오",
    ),
    (
        "others than this host reach {open}, and could say anything there; set `token`, as in token = {{ file = \
         \"/etc/reach/otlp-token\" }}",
        "다른 서버에서도 {open}에 접속하여 아무 내용이나 보낼 수 있습니다. token = {{ file = \"/etc/reach/otlp-token\" }}처럼 \
         `token`을 설정하십시오",
    ),
    // Channels.
    (
        "`{}` is no kind of channel; {meant}there are {all}",
        "`{}`⟨은/는⟩ 채널 종류가 아닙니다. {meant}쓸 수 있는 종류: {all}",
    ),
    (
        "there are two channels of the name `{name}`; rename one",
        "`{name}` 채널이 두 개입니다. 하나의 이름을 바꾸십시오",
    ),
    ("channel `{}`: {}", "채널 `{}`: {}"),
    ("channel `{}`: `command`: {problem}", "채널 `{}`: `command`: {problem}"),
    (
        "channel `{name}`: `fallback`: `{fallback}` is no other channel; name one that there is",
        "채널 `{name}`: `fallback`: `{fallback}`⟨은/는⟩ 다른 채널이 아닙니다. 있는 채널을 지정하십시오",
    ),
    ("`{name}` cannot be started: {error}", "`{name}`⟨을/를⟩ 실행할 수 없습니다: {error}"),
    (
        "`{name}` cannot be started: it is no program; `chmod +x` it if it is one",
        "`{name}`⟨을/를⟩ 실행할 수 없습니다. 프로그램이 아닙니다. 프로그램이라면 `chmod +x`를 하십시오",
    ),
    (
        "there are two installations of the name `{name}`; rename one",
        "`{name}` 이름의 Scouter가 두 개입니다. 하나의 이름을 바꾸십시오",
    ),
    (
        "`{listen}` is no address with a port; give one like \"127.0.0.1:9732\", or \"off\"",
        "`{listen}`⟨은/는⟩ 포트가 있는 주소가 아닙니다. \"127.0.0.1:9732\"처럼 지정하거나 \"off\"로 하십시오",
    ),
    (
        "there are two databases of the name `{name}`; rename one",
        "`{name}` 이름의 데이터베이스가 두 개입니다. 하나의 이름을 바꾸십시오",
    ),
    ("`http`: {}", "`http`: {}"),
    (
        "`{}` is no span of the day like \"22:00-07:00\"",
        ": `{}`⟨은/는⟩ \"22:00-07:00\" 같은 하루의 시간대가 아닙니다",
    ),
    (
        "is given more than once; leave one of {key}, {key}_file, {key}_env, {key}_credential",
        "⟨이/가⟩ 여러 번 지정되었습니다. {0}, {1}_file, {2}_env, {3}_credential 중 하나만 남기십시오",
    ),
    ("is missing: {problem}", "⟨이/가⟩ 없습니다: {problem}"),
    (
        "channel `{name}`: `{key}` has to be text in quotes (it is not shown)",
        "채널 `{name}`: `{key}`⟨은/는⟩ 따옴표로 감싼 문자열이어야 합니다(내용은 표시하지 않음)",
    ),
    ("channel `{}`: `{key}` {problem}", "채널 `{}`: `{key}`{problem}"),
    ("is not known: {problem}", "⟨은/는⟩ 알 수 없는 값입니다: {problem}"),
    ("is the channel itself; name another one", "⟨이/가⟩ 자기 자신입니다. 다른 채널을 지정하십시오"),
    (
        "does not belong to a channel of kind {}, which has {known}",
        "⟨은/는⟩ {} 채널의 키가 아닙니다. 쓸 수 있는 키: {known}",
    ),
    (
        "is neither a number nor a name like \"@channel\"",
        "⟨은/는⟩ 숫자이거나 \"@channel\" 같은 이름이어야 합니다",
    ),
    (
        "names nobody; give one like to = [\"ops@example.com\"]",
        "에 받는 사람이 없습니다. to = [\"ops@example.com\"]처럼 지정하십시오",
    ),
    (
        "has `{shown}`, which is no address like ops@example.com",
        "의 `{shown}`⟨은/는⟩ ops@example.com 같은 메일 주소가 아닙니다",
    ),
    (
        "is \"plain\", which would send the password readable by everybody",
        "⟨이/가⟩ \"plain\"이면 비밀번호가 누구나 읽을 수 있게 전송됩니다",
    ),
    (
        "names none; give all instances, not a balancer before them",
        "에 지정된 것이 없습니다. 앞단의 L4가 아니라 모든 인스턴스를 지정하십시오",
    ),
    ("has to begin with the full path of a program", "⟨은/는⟩ 프로그램의 전체 경로로 시작해야 합니다"),
    ("is missing; give one like {example}", "⟨이/가⟩ 없습니다. {example}처럼 지정하십시오"),
    (
        "is no URL that begins with http:// or https:// (its text is a secret and not shown)",
        "⟨은/는⟩ http://나 https://로 시작하는 URL이 아닙니다(내용은 비밀 값이라 표시하지 않음)",
    ),
    (
        "has to be a URL like https://host:port, without user name and password",
        "⟨은/는⟩ https://host:port처럼 사용자 이름과 비밀번호가 없는 URL이어야 합니다",
    ),
    (
        "is not what @BotFather gives, which is like 123456:ABC-DEF (the text is not shown)",
        "⟨은/는⟩ @BotFather가 준 값이 아닙니다. 123456:ABC-DEF 같은 형식입니다(내용은 표시하지 않음)",
    ),
    ("does not belong to a channel of kind {}", "⟨은/는⟩ {} 채널의 키가 아닙니다"),
    ("cannot be used: {problem}", "⟨을/를⟩ 쓸 수 없습니다: {problem}"),
    ("`{}` is no time from 1s to 2min", ": `{}`⟨은/는⟩ 1s ~ 2min 사이의 시간이 아닙니다"),
    (
        "`{}` is no host, or host and port, like mail.example.com:587",
        ": `{}`⟨은/는⟩ mail.example.com:587 같은 호스트나 호스트와 포트가 아닙니다",
    ),
    // The host and databases.
    (
        "`warning` has to be above 0 and not above `severe`, as shares: give {{ warning = 0.8, severe = 0.95 }}, not \
         {warning} and {severe}",
        "`warning`은 0보다 크고 `severe` 이하인 비율이어야 합니다. {warning}, {severe} 대신 {{ warning = 0.8, severe = 0.95 }}처럼 \
         지정하십시오",
    ),
    (
        "`{name}` is {value}; give something from {least} to {most}",
        "`{name}`⟨이/가⟩ {value}입니다. {least} ~ {most} 사이로 지정하십시오",
    ),
    (
        "`exclude_mounts`: `{mount}` is no mount point; give one like \"/mnt/backup\" or \"/mnt/*\"",
        "`exclude_mounts`: `{mount}`⟨은/는⟩ 마운트 지점이 아닙니다. \"/mnt/backup\"이나 \"/mnt/*\"처럼 지정하십시오",
    ),
    (
        "`{key}` is `{}`; give a text without control characters",
        "`{key}`⟨이/가⟩ `{}`입니다. 제어 문자가 없는 문자열을 지정하십시오",
    ),
    (
        "`tls` is \"require\", but a socket of this host knows none; leave it out",
        "`tls`가 \"require\"인데 이 서버의 소켓에는 TLS가 없습니다. 빼십시오",
    ),
    // Scouter.
    ("`scouter`: {}", "`scouter`: {}"),
    ("scouter `{}`: `{key}`: {problem}", "scouter `{}`: `{key}`{problem}"),
    (
        "is no duration from 1s to 60s; give one like \"3s\"",
        "⟨은/는⟩ 1s ~ 60s 사이의 시간이 아닙니다. \"3s\"처럼 지정하십시오",
    ),
    ("`{}` is none; there are {all}", ": `{}`⟨은/는⟩ 쓸 수 없는 값입니다. 쓸 수 있는 값: {all}"),
    (
        "cannot be written in ASCII; leave out tell_ascii, or this",
        "⟨은/는⟩ ASCII로 쓸 수 없습니다. tell_ascii나 이것을 빼십시오",
    ),
    (
        "needs `tell`; give it an address like \"10.0.0.5:6100\"",
        "에는 `tell`이 필요합니다. \"10.0.0.5:6100\" 같은 주소를 지정하십시오",
    ),
    (
        "`{}` is no address with a port; give one like \"10.0.0.5:6100\"",
        ": `{}`⟨은/는⟩ 포트가 있는 주소가 아닙니다. \"10.0.0.5:6100\"처럼 지정하십시오",
    ),
    ("is none; there are 0 (info), 1, 2 and 3 (fatal)", "⟨은/는⟩ 0(info), 1, 2, 3(fatal) 중 하나여야 합니다"),
    (
        "is missing; give one like \"http://10.0.0.5:6180/scouter\"",
        "⟨이/가⟩ 없습니다. \"http://10.0.0.5:6180/scouter\"처럼 지정하십시오",
    ),
    (
        "is no base URL; give one like \"http://10.0.0.5:6180/scouter\", without login",
        "⟨은/는⟩ 기준 URL이 아닙니다. 로그인 정보 없이 \"http://10.0.0.5:6180/scouter\"처럼 지정하십시오",
    ),
    (
        "is given twice; leave one of token_file and token_env",
        "⟨이/가⟩ 두 번 지정되었습니다. token_file과 token_env 중 하나만 남기십시오",
    ),
    ("stands beside a token; leave one of them", "⟨이/가⟩ 토큰과 함께 있습니다. 둘 중 하나만 남기십시오"),
    (
        "is no address with a port; give one like \"0.0.0.0:6100\"",
        "⟨은/는⟩ 포트가 있는 주소가 아닙니다. \"0.0.0.0:6100\"처럼 지정하십시오",
    ),
    (
        "needs a password; give password_file, password_env or password_credential",
        "에는 비밀번호가 필요합니다. password_file, password_env, password_credential 중 하나를 지정하십시오",
    ),
    ("needs `user`; name the account", "에는 `user`가 필요합니다. 계정을 지정하십시오"),
    (
        "is given more than once; leave one of its forms",
        "⟨이/가⟩ 여러 번 지정되었습니다. 한 가지 형식만 남기십시오",
    ),
    ("means nothing in mode `{mode}`; leave it out", "⟨은/는⟩ `{mode}` 모드에서 쓰지 않습니다. 빼십시오"),
    (
        "`{}` is no host; give HOST or HOST:PORT",
        "`{}`⟨은/는⟩ 호스트가 아닙니다. HOST 또는 HOST:PORT로 지정하십시오",
    ),
    (
        "`{}` is no network; give one like 10.20.0.0/16, or an address",
        "`{}`⟨은/는⟩ 대역이 아닙니다. 10.20.0.0/16처럼 지정하거나 주소를 지정하십시오",
    ),
    ("scouter `{}`: {problem}", "scouter `{}`: {problem}"),
    ("`listen`: `{}` cannot be listened at: {error}", "`listen`: `{}`에서 수신할 수 없습니다: {error}"),
    // HTTP and OTLP.
    (
        "give the value, or one of { file = \"/…\" }, { env = \"…\" }, { credential = \"…\" }",
        "값 또는 {{ file = \"/…\" }}, {{ env = \"…\" }}, {{ credential = \"…\" }} 중 하나를 지정하십시오",
    ),
    ("`{shown}` is no absolute path", "`{shown}`⟨은/는⟩ 절대 경로가 아닙니다"),
    ("`{shown}` is no name of a variable", "`{shown}`⟨은/는⟩ 환경 변수 이름이 아닙니다"),
    ("`{shown}` is no name of a credential", "`{shown}`⟨은/는⟩ 자격 증명 이름이 아닙니다"),
    (
        "`{text}` is no duration ({error}); give one like 500ms or 3s",
        "`{text}`⟨은/는⟩ 시간이 아닙니다({error}). 500ms나 3s처럼 지정하십시오",
    ),
    (
        "`{0}` is no endpoint; give one like http://collector.example:4318",
        "`{0}`⟨은/는⟩ 엔드포인트가 아닙니다. http://collector.example:4318처럼 지정하십시오",
    ),
    (
        "the header `{0}` cannot be sent: its name or value has characters that no header may have",
        "`{0}` 헤더를 보낼 수 없습니다. 이름이나 값에 헤더에 쓸 수 없는 글자가 있습니다",
    ),
    ("the header `{}`: {why}", "`{}` 헤더: {why}"),
    ("cannot speak TLS: {0}", "TLS를 쓸 수 없습니다: {0}"),
];
