//! What is wrong with what was typed: targets, options, lists.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    // Targets.
    (
        "an empty target; give HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT or a URL",
        "빈 대상입니다. HOST, HOST:PORT, IP:PORT, [IPv6]:PORT 또는 URL을 지정하십시오",
    ),
    (
        "`{text}`: `{port}` is no port; a port is a number from 1 to 65535",
        "`{text}`: `{port}`⟨은/는⟩ 포트가 아닙니다. 포트는 1 ~ 65535 사이의 숫자입니다",
    ),
    (
        "`{text}`: `{host}` is neither an IP address nor a DNS name ({why})",
        "`{text}`: `{host}`⟨은/는⟩ IP 주소도 도메인도 아닙니다({why})",
    ),
    (
        "`{text}`: write an IPv6 address with a port in brackets, like [2001:db8::1]:443",
        "`{text}`: 포트가 있는 IPv6 주소는 [2001:db8::1]:443처럼 대괄호로 감싸십시오",
    ),
    (
        "`{text}`: a link-local address with a zone cannot be reached this way; give a global address or a name",
        "`{text}`: 존이 붙은 링크 로컬 주소에는 이 방법으로 접속할 수 없습니다. 전역 주소나 도메인을 지정하십시오",
    ),
    (
        "`{text}`: a bracketed IPv6 address looks like [2001:db8::1] or [2001:db8::1]:443",
        "`{text}`: 대괄호로 감싼 IPv6 주소는 [2001:db8::1] 또는 [2001:db8::1]:443 형식입니다",
    ),
    (
        "`{text}`: {why}; a URL target starts with http:// or https:// and has a host",
        "`{text}`: {why}. URL 대상은 http:// 또는 https://로 시작하고 호스트가 있어야 합니다",
    ),
    ("`{other}` is not a scheme that can be checked", "`{other}`⟨은/는⟩ 점검할 수 있는 URL 종류가 아닙니다"),
    ("it has no host", "호스트가 없습니다"),
    ("port 0 cannot be reached", "0번 포트에는 접속할 수 없습니다"),
    ("it is not a valid internationalised name", "올바른 다국어 도메인이 아닙니다"),
    ("it is empty", "비어 있습니다"),
    (
        "it looks like an IPv4 address, which has four numbers from 0 to 255",
        "IPv4 주소처럼 보이지만 IPv4 주소는 0 ~ 255 사이의 숫자 네 개입니다",
    ),
    ("a name has at most 253 characters", "도메인은 253자까지입니다"),
    ("it has an empty label", "점과 점 사이가 비어 있습니다"),
    ("a label has at most 63 characters", "점과 점 사이는 63자까지입니다"),
    ("`{}` cannot stand in a name", "`{}`⟨은/는⟩ 도메인에 쓸 수 없습니다"),
    (
        "a label neither begins nor ends with a hyphen",
        "점과 점 사이는 하이픈으로 시작하거나 끝날 수 없습니다",
    ),
    (
        "`{address}` is an address already; give a name to resolve",
        "`{address}`⟨은/는⟩ 이미 주소입니다. 조회할 도메인을 지정하십시오",
    ),
    (
        "`{text}` says no TLS and --tls says TLS; write it with https://",
        "`{text}`⟨은/는⟩ TLS를 쓰지 않는 대상인데 --tls가 지정되었습니다. https://로 쓰십시오",
    ),
    (
        "`{text}` says TLS and --no-tls says no TLS; write it with http://",
        "`{text}`⟨은/는⟩ TLS를 쓰는 대상인데 --no-tls가 지정되었습니다. http://로 쓰십시오",
    ),
    (
        "--server-name `{}`: `{target}` is not tested with TLS, so no name is sent; add --tls",
        "--server-name `{}`: `{target}`⟨은/는⟩ TLS로 점검하지 않으므로 보낼 이름이 없습니다. --tls를 추가하십시오",
    ),
    (
        "{option} `{}` is no DNS name; give a name like api.example.com",
        "{option} `{}`⟨은/는⟩ 도메인이 아닙니다. api.example.com처럼 지정하십시오",
    ),
    (
        "`{text}` is a {kind} address, behind which is no single host; give that of a host",
        "`{text}`⟨은/는⟩ {kind} 주소라서 호스트 하나를 가리키지 않습니다. 호스트의 주소를 지정하십시오",
    ),
    ("multicast", "멀티캐스트"),
    ("broadcast", "브로드캐스트"),
    (
        "`{text}` is an IPv6 address and -4 asks for IPv4 only; leave one out",
        "`{text}`⟨은/는⟩ IPv6 주소인데 -4는 IPv4만 점검합니다. 둘 중 하나를 빼십시오",
    ),
    (
        "`{text}` is an IPv4 address and -6 asks for IPv6 only; leave one out",
        "`{text}`⟨은/는⟩ IPv4 주소인데 -6은 IPv6만 점검합니다. 둘 중 하나를 빼십시오",
    ),
    (
        "{option} `{}` is no address; give one like 10.0.0.53, 10.0.0.53:5353 or [2001:db8::53]:5353",
        "{option} `{}`⟨은/는⟩ 주소가 아닙니다. 10.0.0.53, 10.0.0.53:5353, [2001:db8::53]:5353처럼 지정하십시오",
    ),
    (
        "{option} `{text}`: a port is a number from 1 to 65535",
        "{option} `{text}`: 포트는 1 ~ 65535 사이의 숫자입니다",
    ),
    (
        "{option} `{text}` is not the address of one host; give that of a resolver",
        "{option} `{text}`⟨은/는⟩ 호스트 하나의 주소가 아닙니다. DNS 서버의 주소를 지정하십시오",
    ),
    // Lists of targets.
    (
        "`@` names no file; give @FILE, or @- for standard input",
        "`@` 뒤에 파일이 없습니다. @파일 또는 표준 입력 @-를 지정하십시오",
    ),
    ("`@{}` cannot be read: {error}", "`@{}`⟨을/를⟩ 읽을 수 없습니다: {error}"),
    ("standard input", "표준 입력"),
    ("`{}`: a list cannot name another list", "`{}`: 목록 안에 다른 목록을 지정할 수 없습니다"),
    ("the line is not UTF-8 text", "UTF-8 텍스트가 아닌 줄입니다"),
    ("{path}: {} more lines are wrong", "{path}: 잘못된 줄이 {}개 더 있습니다"),
    ("{path} names no target; give one a line", "{path}: 대상이 없습니다. 한 줄에 하나씩 적으십시오"),
    // Times, numbers, addresses.
    (
        "{option} `{}` is not shorter than the deadline; make the deadline longer",
        "{option} `{}`⟨이/가⟩ 전체 제한 시간보다 짧지 않습니다. --deadline을 늘리십시오",
    ),
    (
        "{option} `{show}` has no unit; seconds are written `{show}s`",
        "{option} `{show}`에 단위가 없습니다. 초는 `{show}s`처럼 씁니다",
    ),
    (
        "{option} `{show}` is no duration ({error}); give one like 500ms or 3s",
        "{option} `{show}`⟨은/는⟩ 시간이 아닙니다({error}). 500ms나 3s처럼 지정하십시오",
    ),
    (
        "{option} `{show}` is no duration ({error}); give one like 3s or 10m",
        "{option} `{show}`⟨은/는⟩ 시간이 아닙니다({error}). 3s나 10m처럼 지정하십시오",
    ),
    (
        "{option} `{show}` is too short; it takes at least 10ms",
        "{option} `{show}`⟨은/는⟩ 너무 짧습니다. 10ms 이상이어야 합니다",
    ),
    (
        "{option} `{show}` is too long; it may take at most 1h",
        "{option} `{show}`⟨은/는⟩ 너무 깁니다. 1h 이하여야 합니다",
    ),
    (
        "{option} `{show}` is out of bounds; give {least} to {most}",
        "{option} `{show}`⟨은/는⟩ 범위 밖입니다. {least} ~ {most} 사이로 지정하십시오",
    ),
    (
        "{option} `{show}` is no span of time; give one like 10s, 5m or 1h",
        "{option} `{show}`⟨은/는⟩ 시간이 아닙니다. 10s, 5m, 1h처럼 지정하십시오",
    ),
    (
        "{option} `{show}` is too short; give at least {least}",
        "{option} `{show}`⟨은/는⟩ 너무 짧습니다. {least} 이상으로 지정하십시오",
    ),
    (
        "{option} `{show}` is too long; give at most {most}",
        "{option} `{show}`⟨은/는⟩ 너무 깁니다. {most} 이하로 지정하십시오",
    ),
    (
        "{option} `{}` is no time; give one like -2h, '2h ago', yesterday, 2026-11-22, 2026-11-22T14:00 or \
         2026-11-22T14:00:00Z",
        "{option} `{}`⟨은/는⟩ 시각이 아닙니다. -2h, '2h ago', yesterday, 2026-11-22, 2026-11-22T14:00, \
         2026-11-22T14:00:00Z처럼 지정하십시오",
    ),
    ("{option} `{}` is before 1970", "{option} `{}`⟨은/는⟩ 1970년 이전입니다"),
    ("--width `{}`: give a number from 60 to 500", "--width `{}`: 60 ~ 500 사이의 숫자를 지정하십시오"),
    ("{option} `{}`: give a number from 1 to {most}", "{option} `{}`: 1 ~ {most} 사이의 숫자를 지정하십시오"),
    (
        "{option} `{show}`: give a number of at least {least}",
        "{option} `{show}`: {least} 이상의 숫자를 지정하십시오",
    ),
    (
        "{option} `{show}`: give a number from {least} to {most}",
        "{option} `{show}`: {least} ~ {most} 사이의 숫자를 지정하십시오",
    ),
    // connect
    (
        "`{text}` is a URL, whose TLS needs no --starttls; give HOST:PORT",
        "`{text}`⟨은/는⟩ URL이라서 --starttls가 필요 없습니다. HOST:PORT로 지정하십시오",
    ),
    (
        "--interactive holds a session with one target; give one",
        "--interactive는 대상 하나와 세션을 엽니다. 하나만 지정하십시오",
    ),
    (
        "--address `{show}` is no address; give one like 192.0.2.10 or 2001:db8::10",
        "--address `{show}`⟨은/는⟩ 주소가 아닙니다. 192.0.2.10이나 2001:db8::10처럼 지정하십시오",
    ),
    (
        "--address `{show}` is of the family that -4 or -6 leaves out; leave one out",
        "--address `{show}`⟨은/는⟩ -4 또는 -6이 제외한 주소 체계입니다. 둘 중 하나를 빼십시오",
    ),
    (
        "--address `{show}` is not the target `{other}`; give a name, or leave it out",
        "--address `{show}`⟨이/가⟩ 대상 `{other}`⟨과/와⟩ 다릅니다. 대상을 도메인으로 지정하거나 --address를 빼십시오",
    ),
    (
        "give one like http://proxy.example.com:3128, socks5://HOST:PORT or socks5h://HOST:PORT",
        "http://proxy.example.com:3128, socks5://HOST:PORT, socks5h://HOST:PORT처럼 지정하십시오",
    ),
    (
        "{origin} `{show}`: a proxy of the kind `{other}` cannot be used here; {right}",
        "{origin} `{show}`: `{other}` 종류의 프록시는 쓸 수 없습니다. {right}",
    ),
    (
        "{origin} `{show}` names no host and port; {right}",
        "{origin} `{show}`에 호스트와 포트가 없습니다. {right}",
    ),
    (
        "{origin} `{show}`: no proxy can be told this user name and password; they are UTF-8 of at most 255 bytes \
         without control characters, and a colon in them is written %3A",
        "{origin} `{show}`: 이 사용자 이름과 비밀번호는 프록시에 보낼 수 없습니다. 제어 문자가 없는 255바이트 이하의 UTF-8이어야 \
         하며, 콜론은 %3A로 씁니다",
    ),
    // ping
    (
        "-f without root needs an interval of at least 2 ms; add `-i 2ms`, or run it as root",
        "root가 아니면 -f의 간격은 2 ms 이상이어야 합니다. `-i 2ms`를 추가하거나 root로 실행하십시오",
    ),
    (
        "-i `{text}` is too short; it takes at least 1ms, or -f for as fast as answers come",
        "-i `{text}`⟨은/는⟩ 너무 짧습니다. 1ms 이상으로 지정하거나, 응답이 오는 대로 보내려면 -f를 쓰십시오",
    ),
    (
        "-i `{text}` is too short; users may send every 2ms, root every 1ms or with -f",
        "-i `{text}`⟨은/는⟩ 너무 짧습니다. 일반 사용자는 2ms, root는 1ms 이상 또는 -f를 쓸 수 있습니다",
    ),
    (
        "{option} `{show}` is no time; give seconds like 0.2, or a time with its unit like 200ms",
        "{option} `{show}`⟨은/는⟩ 시간이 아닙니다. 0.2처럼 초를, 또는 200ms처럼 단위와 함께 지정하십시오",
    ),
    (
        "{option} `{show}` is too short; it takes at least {least}",
        "{option} `{show}`⟨은/는⟩ 너무 짧습니다. {least} 이상이어야 합니다",
    ),
    (
        "{option} `{show}` is too long; it may take at most 30 days",
        "{option} `{show}`⟨은/는⟩ 너무 깁니다. 30일 이하여야 합니다",
    ),
    (
        "-Q `{}` is no traffic class; give a DSCP like ef, af41 or cs1, or a byte like 184 or 0xb8",
        "-Q `{}`⟨은/는⟩ 트래픽 클래스가 아닙니다. ef, af41, cs1 같은 DSCP나 184, 0xb8 같은 바이트를 지정하십시오",
    ),
    (
        "{option} `{}` is neither an address nor an interface; give one like 192.0.2.1 or eth0",
        "{option} `{}`⟨은/는⟩ 주소도 인터페이스도 아닙니다. 192.0.2.1이나 eth0처럼 지정하십시오",
    ),
    (
        "{option} `{source}` is of another family than `{}`; give a source address of the same",
        "{option} `{source}`⟨은/는⟩ `{}`⟨과/와⟩ 주소 체계가 다릅니다. 같은 주소 체계의 출발지 IP를 지정하십시오",
    ),
    // trace
    (
        "--live draws on the whole screen of a terminal, and this is none; leave it out",
        "--live는 터미널 전체 화면에 표시하는데 터미널이 아닙니다. --live를 빼십시오",
    ),
    (
        "--compare `{}` is no address; give two like 192.0.2.7 192.0.2.12",
        "--compare `{}`⟨은/는⟩ 주소가 아닙니다. 192.0.2.7 192.0.2.12처럼 두 주소를 지정하십시오",
    ),
    (
        "--compare `{a}` `{b}`: these are the same; give two that differ",
        "--compare `{a}` `{b}`: 같은 주소입니다. 서로 다른 두 주소를 지정하십시오",
    ),
    (
        "--compare `{a}`: give two addresses, or none (write targets before it)",
        "--compare `{a}`: 두 주소를 지정하거나 주소 없이 쓰십시오(대상은 --compare 앞에)",
    ),
    (
        "-f `{first}` is beyond the last hop, -m `{max}`; make one of them fit the other",
        "-f `{first}`⟨이/가⟩ 마지막 홉 -m `{max}`보다 큽니다. 둘을 맞추십시오",
    ),
    // logs
    (
        "--format is how requests are written, and --kind {name} has none; leave one out",
        "--format은 요청의 형식인데 --kind {name}에는 요청이 없습니다. 둘 중 하나를 빼십시오",
    ),
    (
        "there is no log to read; name a file, or - for standard input",
        "읽을 로그가 없습니다. 파일 또는 표준 입력 -를 지정하십시오",
    ),
    (
        "`{show}` is a directory; name its files, as in '{}/*.log'",
        "`{show}`⟨은/는⟩ 디렉터리입니다. '{}/*.log'처럼 안의 파일을 지정하십시오",
    ),
    (
        "`{show}` is no file; a pipe is read as standard input: `reach logs - < {show}`",
        "`{show}`⟨은/는⟩ 파일이 아닙니다. 파이프는 표준 입력으로 읽습니다: `reach logs - < {show}`",
    ),
    ("`{show}` is no pattern of names: {}", "`{show}`⟨은/는⟩ 이름 패턴이 아닙니다: {}"),
    ("`{show}` matches no file", "`{show}`에 맞는 파일이 없습니다"),
    ("`{show}` cannot be read: {error}", "`{show}`⟨을/를⟩ 읽을 수 없습니다: {error}"),
    (
        "{option} `{}` is no time zone; give one like Asia/Seoul or UTC",
        "{option} `{}`⟨은/는⟩ 시간대가 아닙니다. Asia/Seoul이나 UTC처럼 지정하십시오",
    ),
    ("{option} `{}` is no regular expression: {}", "{option} `{}`⟨은/는⟩ 정규식이 아닙니다: {}"),
    ("; did you mean `{name}`?", ". 혹시 `{name}`입니까?"),
    ("{option} `{}` is none of {}{meant}", "{option} `{}`⟨은/는⟩ 다음 중 하나여야 합니다: {}{meant}"),
    (
        "{option} `{}` is no status; give some like 5xx, 429 or 460-463",
        "{option} `{}`⟨은/는⟩ 상태 코드가 아닙니다. 5xx, 429, 460-463처럼 지정하십시오",
    ),
    (
        "{option} `{}` is no encoding in which lines can be told apart; give one like cp949, euc-kr, shift_jis or \
         windows-1252 (UTF-8 is always understood)",
        "{option} `{}`⟨은/는⟩ 줄을 나눌 수 있는 인코딩이 아닙니다. cp949, euc-kr, shift_jis, windows-1252처럼 지정하십시오(UTF-8은 \
         항상 읽습니다)",
    ),
    (
        "it has no field; give what the server has: nginx's `log_format`, Apache's `LogFormat`, Tomcat's `pattern`, \
         or one of common, combined, vhost_combined",
        "필드가 없습니다. 서버 설정의 형식(nginx의 `log_format`, Apache의 `LogFormat`, Tomcat의 `pattern`)이나 common, \
         combined, vhost_combined 중 하나를 지정하십시오",
    ),
    (
        "it has no status; add `$status` (nginx) or `%s` (Apache, Tomcat) to the log, or leave `pattern` out",
        "상태 코드가 없습니다. 로그에 `$status`(nginx)나 `%s`(Apache, Tomcat)를 추가하거나 `pattern`을 빼십시오",
    ),
    (
        "nothing divides `{0}` from `{1}`, so nobody can tell where one ends; put a space between them",
        "`{0}`⟨과/와⟩ `{1}` 사이에 구분이 없어 어디서 끝나는지 알 수 없습니다. 사이에 공백을 넣으십시오",
    ),
    (
        "`{0}` is no field; fields are like `$status` (nginx) or `%s`, `%{{Referer}}i` (Apache, Tomcat)",
        "`{0}`⟨은/는⟩ 필드가 아닙니다. 필드는 `$status`(nginx)나 `%s`, `%{{Referer}}i`(Apache, Tomcat)처럼 씁니다",
    ),
    ("it is longer than {} characters", "{}자보다 깁니다"),
    // Secrets.
    ("the environment has no variable `{name_shown}`", "환경 변수 `{name_shown}`⟨이/가⟩ 없습니다"),
    ("the variable `{name_shown}` is empty", "환경 변수 `{name_shown}`⟨이/가⟩ 비어 있습니다"),
    (
        "`{name_shown}` is no name of a credential; give one like telegram-token",
        "`{name_shown}`⟨은/는⟩ 자격 증명 이름이 아닙니다. telegram-token처럼 지정하십시오",
    ),
    (
        "systemd gave no credentials; add `LoadCredential={name_shown}:/etc/reach/{name_shown}` to the unit, or name \
         a file",
        "systemd가 자격 증명을 주지 않았습니다. 유닛에 `LoadCredential={name_shown}:/etc/reach/{name_shown}`⟨을/를⟩ 추가하거나 파일을 \
         지정하십시오",
    ),
    (
        "`{name}` is empty; it has to hold the secret and nothing else",
        "`{name}`⟨이/가⟩ 비어 있습니다. 비밀 값만 들어 있어야 합니다",
    ),
    ("it is longer than any secret", "비밀 값이라기에는 너무 깁니다"),
    // Interfaces.
    ("this host has no interface {0}", "이 서버에 {0} 인터페이스가 없습니다"),
    ("no permission to bind to the interface {0}", "{0} 인터페이스를 지정할 권한이 없습니다"),
    ("{0} is no address of this host", "{0}⟨은/는⟩ 이 서버의 주소가 아닙니다"),
    ("cannot bind: {}", "지정한 곳에서 보낼 수 없습니다: {}"),
    (
        "an interface name has 1 to 15 printable ASCII characters, and no blank, slash or colon",
        "인터페이스 이름은 공백, 슬래시, 콜론을 뺀 1 ~ 15자의 ASCII 문자입니다",
    ),
];
