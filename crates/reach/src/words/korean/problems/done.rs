//! What commands cannot do, and what they remark.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    (
        "`{first}` is taken for a host to check; for the command, write `reach {meant}`",
        "`{first}`⟨을/를⟩ 점검할 호스트로 보았습니다. 명령이라면 `reach {meant}`⟨을/를⟩ 쓰십시오",
    ),
    (
        "`{typed}` is taken for a host to watch; for the command, write `reach {meant}`",
        "`{typed}`⟨을/를⟩ 감시할 호스트로 보았습니다. 명령이라면 `reach {meant}`⟨을/를⟩ 쓰십시오",
    ),
    ("nothing can be sent: {error}", "보낼 수 없습니다: {error}"),
    ("nothing can be asked: {error}", "조회할 수 없습니다: {error}"),
    ("the result could not be written: {error}", "결과를 출력하지 못했습니다: {error}"),
    ("the manual page could not be made: {error}", "매뉴얼 페이지를 만들지 못했습니다: {error}"),
    (
        "this is a fault in reach itself, please report it{place}: {said}",
        "reach 자체의 오류입니다. 알려 주시기 바랍니다{place}: {said}",
    ),
    ("no message", "내용 없음"),
    ("source addresses: {sources}; resolvers: {resolvers}", "출발지 IP: {sources}, DNS 서버: {resolvers}"),
    ("raw sockets: {}; ICMP echo: {:?}", "raw 소켓: {}, ICMP 에코: {}"),
    ("yes", "사용 가능"),
    ("no", "사용 불가"),
    ("none", "없음"),
    ("Datagram", "데이터그램 소켓"),
    ("Raw", "raw 소켓"),
    ("None", "사용 불가"),
    ("roots of trust: {} from {}", "신뢰할 인증 기관: {}개, 출처: {}"),
    ("roots of trust: {problem}", "신뢰할 인증 기관: {problem}"),
    ("the system's store", "시스템 저장소"),
    ("{ignored} certificates could not be read", "인증서 {ignored}개를 읽지 못했습니다"),
    ("seed: {}", "무작위 값(seed): {}"),
    ("REACH_LOG `{}` is no filter: {error}", "REACH_LOG `{}`⟨은/는⟩ 로그 필터가 아닙니다: {error}"),
    ("logging has begun already", "로그 기록이 이미 시작되었습니다"),
    ("system", "시스템"),
    // Recordings and packets.
    ("--record `{}` cannot be written: {error}", "--record `{}`에 기록할 수 없습니다: {error}"),
    ("--replay `{name}` cannot be read: {error}", "--replay `{name}`⟨을/를⟩ 읽을 수 없습니다: {error}"),
    ("--replay `{name}` is no recording: {error}", "--replay `{name}`⟨은/는⟩ 기록이 아닙니다: {error}"),
    (
        "--replay `{name}` is no recording of a trace; give one written by `reach trace --record`",
        "--replay `{name}`⟨은/는⟩ 경로 추적의 기록이 아닙니다. `reach trace --record`로 저장한 기록을 지정하십시오",
    ),
    (
        "it is empty; a recording is written by `reach check --record FILE`",
        "비어 있습니다. 기록은 `reach check --record FILE`로 저장합니다",
    ),
    (
        "line {line}: it says `{schema}`, and this version of reach reads `{SCHEMA}`",
        "{line}번째 줄: `{schema}`⟨이라/라⟩고 적혀 있는데, 이 버전의 reach는 `{SCHEMA}`⟨을/를⟩ 읽습니다",
    ),
    ("line {line}: {why}", "{line}번째 줄: {why}"),
    ("{} (is it JSON?)", "{}(JSON이 맞습니까?)"),
    ("it is no JSON object", "JSON 객체가 아닙니다"),
    ("it comes behind the end of the run", "실행이 끝난 뒤에 있습니다"),
    ("it has no `case`", "`case`가 없습니다"),
    (
        "it has no `schema`; a recording begins with `{SCHEMA}`",
        "`schema`가 없습니다. 기록은 `{SCHEMA}`⟨으로/로⟩ 시작합니다",
    ),
    (
        "target {target} is none of the {known} before it",
        "대상 {target}⟨은/는⟩ 앞에 나온 {known}개에 없습니다",
    ),
    (
        "it is neither a case nor an observation nor the end of the run",
        "점검 정보도, 관찰 내용도, 실행의 끝도 아닙니다",
    ),
    ("{reason} at column {}", "{reason}({}번째 칸)"),
    (
        "--pcap keeps the packets of tries, not of a session; leave it out",
        "--pcap은 세션이 아니라 연결 시도의 패킷을 저장합니다. --pcap을 빼십시오",
    ),
    ("--pcap `{}` {problem}", "--pcap `{}`{problem}"),
    ("--html `{}` {problem}", "--html `{}`{problem}"),
    ("--html `{}` cannot be written: {error}", "--html `{}`에 기록할 수 없습니다: {error}"),
    ("is no regular file; give the name of a file", "⟨은/는⟩ 일반 파일이 아닙니다. 파일 이름을 지정하십시오"),
    (
        "cannot be standard output, where the result goes; give the name of a file",
        ": 표준 출력에는 결과가 나오므로 쓸 수 없습니다. 파일 이름을 지정하십시오",
    ),
    ("cannot be written: {error}", "에 기록할 수 없습니다: {error}"),
    ("`{}` cannot be written: {error}", "`{}`에 기록할 수 없습니다: {error}"),
    // Tables of autonomous systems.
    ("the live view ended: {error}", "실시간 화면이 종료되었습니다: {error}"),
    ("--asn-db `{name}` cannot be read: {error}", "--asn-db `{name}`⟨을/를⟩ 읽을 수 없습니다: {error}"),
    (
        "no entry in it; a table has lines like `192.0.2.0⇥192.0.2.255⇥64500⇥KR⇥Example` (iptoasn), \
         `192.0.2.0⇥24⇥64500` (CAIDA pfx2as) or `192.0.2.0/24,64500,\"Example\"` (GeoLite2), or is an .mmdb",
        "항목이 없습니다. 표는 `192.0.2.0⇥192.0.2.255⇥64500⇥KR⇥Example`(iptoasn), `192.0.2.0⇥24⇥64500`(CAIDA pfx2as), \
         `192.0.2.0/24,64500,\"Example\"`(GeoLite2) 같은 줄로 되어 있거나 .mmdb입니다",
    ),
    ("it cannot be unpacked: {0}", "압축을 풀 수 없습니다: {0}"),
    ("it is no sound MaxMind database: {0}", "올바른 MaxMind 데이터베이스가 아닙니다: {0}"),
    (
        "it is a database of type `{0}`; one of autonomous systems is needed, like GeoLite2-ASN",
        "`{0}` 유형의 데이터베이스입니다. GeoLite2-ASN 같은 AS 데이터베이스가 필요합니다",
    ),
    ("it is larger than 1 GiB", "1 GiB보다 큽니다"),
    (
        "`{}` has too few columns; they are separated by tabs: `start⇥end⇥asn⇥country⇥owner` or `prefix⇥length⇥asn`",
        "`{}`에 열이 부족합니다. 열은 탭으로 구분합니다: `start⇥end⇥asn⇥country⇥owner` 또는 `prefix⇥length⇥asn`",
    ),
    ("`{}` is no prefix length", "`{}`⟨은/는⟩ 프리픽스 길이가 아닙니다"),
    ("`{}` is neither an address nor a prefix length", "`{}`⟨은/는⟩ 주소도 프리픽스 길이도 아닙니다"),
    (
        "the columns `network` and `autonomous_system_number` are needed",
        "`network`와 `autonomous_system_number` 열이 필요합니다",
    ),
    ("`{}` is no network like 192.0.2.0/24", "`{}`⟨은/는⟩ 192.0.2.0/24 같은 대역이 아닙니다"),
    (
        "the range begins in one family of addresses and ends in the other",
        "대역의 시작과 끝이 서로 다른 주소 체계입니다",
    ),
    ("the range ends before it begins", "대역의 끝이 시작보다 앞에 있습니다"),
    ("`{}` is no AS number", "`{}`⟨은/는⟩ AS 번호가 아닙니다"),
    ("`{}` is no address", "`{}`⟨은/는⟩ 주소가 아닙니다"),
    // explain, demo
    ("standard input could not be read: {error}", "표준 입력을 읽지 못했습니다: {error}"),
    (
        "`reach explain` on a terminal lists all codes",
        "터미널에서 `reach explain`을 실행하면 전체 코드 목록이 나옵니다",
    ),
    ("did you mean `{meant}`?", "혹시 `{meant}`입니까?"),
    (
        "`{}` is no code of a verdict or a finding; {meant}",
        "`{}`⟨은/는⟩ 판정이나 항목의 코드가 아닙니다. {meant}",
    ),
    ("starting the demo in namespaces of its own", "별도 네임스페이스에서 데모 시작"),
    ("making room for the recording", "기록할 파일 준비"),
    ("reading the recording", "기록 읽기"),
    ("finding this program", "실행 파일 찾기"),
    ("nftables rules", "nftables 규칙"),
    ("blackhole routes", "블랙홀 라우팅"),
    (
        "this user may not make network namespaces here ({what}). {remedy}",
        "이 사용자는 여기서 네트워크 네임스페이스를 만들 수 없습니다({what}). {remedy}",
    ),
    ("entering new namespaces", "새 네임스페이스로 전환"),
    (
        "Allow it with: sysctl -w kernel.unprivileged_userns_clone=1",
        "허용하려면: sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "Allow it with: sysctl -w user.max_user_namespaces=10000",
        "허용하려면: sysctl -w user.max_user_namespaces=10000",
    ),
    (
        "Allow it with: sysctl -w user.max_net_namespaces=10000",
        "허용하려면: sysctl -w user.max_net_namespaces=10000",
    ),
    (
        "Allow it with: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root",
        "허용하려면: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 또는 root로 실행",
    ),
    (
        "In a container, start it with --privileged, or with --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt \
         seccomp=unconfined",
        "컨테이너라면 --privileged 또는 --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt seccomp=unconfined로 시작하십시오",
    ),
    (
        "a process with several threads cannot isolate itself: call isolate() first thing in main",
        "스레드가 여러 개인 프로세스는 격리할 수 없습니다. main의 맨 처음에 isolate()를 호출해야 합니다",
    ),
    (
        "`{tool}` is not in PATH, /usr/sbin or /sbin: install the package {package}",
        "`{tool}`⟨이/가⟩ PATH, /usr/sbin, /sbin에 없습니다. {package} 패키지를 설치하십시오",
    ),
    ("`{command}` failed: {message}", "`{command}` 실행 실패: {message}"),
    ("the description of the network is wrong: {0}", "네트워크 정의가 잘못되었습니다: {0}"),
    (
        "the story compiled into this program cannot be read: {error}",
        "프로그램에 들어 있는 시나리오를 읽을 수 없습니다: {error}",
    ),
    // export, history, incidents
    (
        "Parquet is not for a screen; name a file with -o",
        "Parquet은 화면에 출력할 수 없습니다. -o로 파일을 지정하십시오",
    ),
    ("-o `{name}` cannot be written: {error}", "-o `{name}`에 기록할 수 없습니다: {error}"),
    ("rows written to `{}`: {rows}", "`{}`에 기록한 행: {rows}개"),
    (
        "the export is not complete: of `{}`, {unreadable_pages} damaged pages could not be read",
        "내보낸 내용이 완전하지 않습니다. `{}`의 손상된 페이지 {unreadable_pages}개를 읽지 못했습니다",
    ),
    ("the export could not be written: {error}", "내보내지 못했습니다: {error}"),
    ("--to is no later than --from", "--to가 --from보다 뒤가 아닙니다"),
    ("--until is no later than --since", "--until이 --since보다 뒤가 아닙니다"),
    ("`{}` means {} targets; name one", "`{}`에 해당하는 대상이 {}개입니다. 하나만 지정하십시오"),
    (
        "there is no incident #{}; `reach incidents --since -90d` lists them",
        "장애 #{}⟨이/가⟩ 없습니다. `reach incidents --since -90d`로 목록을 확인하십시오",
    ),
    (
        "`{}` is not there; a watch has to have run, or name its memory with --store",
        "`{}`⟨이/가⟩ 없습니다. 감시를 실행한 적이 있어야 합니다. 기록이 다른 곳에 있으면 --store로 지정하십시오",
    ),
    ("nothing was", "감시한 대상이 없습니다"),
    (" and {more} more", " 외 {more}개"),
    ("there are {}{more}", "감시한 대상: {}{more}"),
    ("`{}` was never watched; {advice}", "`{}`⟨은/는⟩ 감시한 적이 없습니다. {advice}"),
    // ack, examine, silence, status
    (
        "`{}` is no number of an incident; give one like 17, as `reach incidents` lists them",
        "`{}`⟨은/는⟩ 장애 번호가 아닙니다. `reach incidents`에 나오는 17 같은 번호를 지정하십시오",
    ),
    (
        "{many} targets are meant, and at most {MOST} are examined at once; name fewer",
        "해당하는 대상이 {many}개인데 한 번에 {MOST}개까지 점검합니다. 대상을 줄이십시오",
    ),
    (
        "nothing that is watched at the moment is called `{pattern}`; `reach status` lists what is",
        "지금 감시 중인 대상에 `{pattern}`⟨이/가⟩ 없습니다. `reach status`로 목록을 확인하십시오",
    ),
    (
        "`{}` is not watched; `reach status` lists what is",
        "`{}`⟨은/는⟩ 감시하지 않는 대상입니다. `reach status`로 목록을 확인하십시오",
    ),
    (
        "`{}` is no number of a silence; give one like 3, as `reach silence list` shows them",
        "`{}`⟨은/는⟩ 알림 중지 번호가 아닙니다. `reach silence list`에 나오는 3 같은 번호를 지정하십시오",
    ),
    (
        "--label `{}`: give NAME=VALUE, like service=push",
        "--label `{}`: service=push처럼 이름=값으로 지정하십시오",
    ),
    (
        "a silence lasts for a year at most; leave the target out of the watch",
        "알림 중지는 1년까지입니다. 더 길게 필요하면 대상을 감시에서 빼십시오",
    ),
    ("there is no open incident #{}; {}", "진행 중인 장애 #{}⟨이/가⟩ 없습니다. {}"),
    ("no incident is open", "진행 중인 장애가 없습니다"),
    ("a mute has to end in the future", "알림을 끄는 시간은 지금보다 뒤에 끝나야 합니다"),
    ("a silence has to end after it begins", "알림 중지의 끝은 시작보다 뒤여야 합니다"),
    ("a silence has to end in the future", "알림 중지의 끝은 지금보다 뒤여야 합니다"),
    ("a silence needs an author", "알림 중지에는 설정한 사람이 필요합니다"),
    ("there is no silence {}; {}", "알림 중지 {}번이 없습니다. {}"),
    ("there is none", "알림 중지가 없습니다"),
    ("a remark needs a text", "메모 내용이 필요합니다"),
    ("incident #{} has {MOST_REMARKS} remarks already", "장애 #{}에 이미 메모가 {MOST_REMARKS}개 있습니다"),
    ("no target {} is watched", "{}번 대상은 감시하고 있지 않습니다"),
    // Asking a running watch.
    (
        "the watch gave another answer than the one to this question; is it of another version?",
        "감시가 질문에 맞지 않는 응답을 했습니다. 버전이 다릅니까?",
    ),
    (
        "no watch is running at `{}`; start `reach watch`, or name its socket with --control",
        "`{}`에서 실행 중인 감시가 없습니다. `reach watch`를 시작하거나 --control로 소켓을 지정하십시오",
    ),
    (
        "`{}` may not be asked by this user; ask as the user that runs the watch, as root, or set `group` under \
         [control] in its configuration",
        "이 사용자는 `{}`에 접속할 수 없습니다. 감시를 실행하는 사용자나 root로 실행하거나, 설정의 [control] 아래 `group`을 지정하십시오",
    ),
    ("`{}` answers something else than a watch does: {}", "`{}`⟨은/는⟩ 감시의 응답이 아닙니다: {}"),
    ("`{}` cannot be asked: {error}", "`{}`에 접속할 수 없습니다: {error}"),
    (
        "no answer within {seconds} s; the watch may hang",
        "{seconds}초 동안 응답이 없습니다. 감시가 멈췄을 수 있습니다",
    ),
    ("no watch is running", "실행 중인 감시가 없습니다"),
    ("the question is longer than {LONGEST_REQUEST} bytes", "질문이 {LONGEST_REQUEST}바이트보다 깁니다"),
    (
        "this is no JSON object with a version, like {{\"v\":1,\"do\":\"status\"}}: {error}",
        "{{\"v\":1,\"do\":\"status\"}}처럼 버전이 있는 JSON 객체가 아닙니다: {error}",
    ),
    (
        "version {v} is asked for and {VERSION} is spoken; use the same version of reach on both sides",
        "질문은 버전 {v}인데 감시는 버전 {VERSION}입니다. 양쪽에 같은 버전의 reach를 쓰십시오",
    ),
    ("this is no question of version {VERSION}: {error}", "버전 {VERSION}의 질문이 아닙니다: {error}"),
    ("this is no answer: {error}", "응답이 아닙니다: {error}"),
    (
        "the watch speaks version {v}, and this reach speaks {VERSION}",
        "감시는 버전 {v}인데 이 reach는 버전 {VERSION}입니다",
    ),
    ("this is no answer of version {VERSION}: {error}", "버전 {VERSION}의 응답이 아닙니다: {error}"),
    ("the silence ends before it begins", "알림 중지의 끝이 시작보다 앞에 있습니다"),
    ("the silence names more than 32 labels", "알림 중지의 라벨이 32개를 넘습니다"),
    (
        "a name or a comment is longer than {LONGEST_TEXT} characters",
        "이름이나 사유가 {LONGEST_TEXT}자보다 깁니다",
    ),
    (
        "a name or a comment has characters that cannot be shown",
        "이름이나 사유에 표시할 수 없는 글자가 있습니다",
    ),
    (
        "another watch answers at `{}` already; stop it, or give --control another name",
        "`{}`에서 다른 감시가 이미 실행 중입니다. 그것을 끝내거나 --control로 다른 이름을 지정하십시오",
    ),
    (
        "`{}` is there and is no socket; remove it, or give --control another name",
        "`{}`⟨이/가⟩ 이미 있는데 소켓이 아닙니다. 지우거나 --control로 다른 이름을 지정하십시오",
    ),
    (
        "`{}` is too long for a socket, which takes 107 bytes",
        "`{}`⟨은/는⟩ 소켓 경로로 너무 깁니다. 107바이트까지 쓸 수 있습니다",
    ),
    ("there is no group `{0}` on this host", "이 서버에 `{0}` 그룹이 없습니다"),
    ("`{}` cannot be made: {error}", "`{}`⟨을/를⟩ 만들 수 없습니다: {error}"),
    ("too many ask at the same time; try again", "동시에 접속한 곳이 너무 많습니다. 다시 시도하십시오"),
    // The memory of a watch.
    ("{}: another `reach watch` is using it{}", "{}: 다른 `reach watch`가 사용 중입니다{}"),
    (" (process {pid})", "(프로세스 {pid})"),
    ("{}: there is no such file; `reach watch` creates it", "{}: 파일이 없습니다. `reach watch`가 만듭니다"),
    ("{}: this is not a store of reach", "{}: reach의 기록 파일이 아닙니다"),
    (
        "{}: the store is damaged: put a copy in its place, or move it away to begin anew",
        "{}: 기록 파일이 손상되었습니다. 백업으로 바꾸거나, 다른 곳으로 옮기고 새로 시작하십시오",
    ),
    (
        "{}: written by a newer version of reach (format {found}; this one knows formats up to {known})",
        "{}: 더 새로운 버전의 reach가 기록한 파일입니다(형식 {found}, 이 버전은 {known}까지 읽음)",
    ),
    (
        "{}: written by an older version of reach (format {found}, now {known}); `reach watch` brings it up to date",
        "{}: 이전 버전의 reach가 기록한 파일입니다(형식 {found}, 현재 {known}). `reach watch`를 실행하면 새 형식으로 바꿉니다",
    ),
    (
        "SQLite {found} may damage the store (fixed in 3.51.3): reach has to be built with a newer one",
        "SQLite {found}⟨은/는⟩ 기록 파일을 손상시킬 수 있습니다(3.51.3에서 수정). 더 새로운 SQLite로 reach를 빌드해야 합니다",
    ),
    ("{}: there is already a file of this name", "{}: 같은 이름의 파일이 이미 있습니다"),
    // Scouter.
    (
        "`{name}` is larger than any datagram; give files with one captured UDP payload each",
        "`{name}`⟨은/는⟩ 데이터그램이라기에는 너무 큽니다. 캡처한 UDP 데이터가 하나씩 든 파일을 지정하십시오",
    ),
    (
        "{what} `{}` is no address with a port; give one like 127.0.0.1:6100",
        "{what} `{}`⟨은/는⟩ 포트가 있는 주소가 아닙니다. 127.0.0.1:6100처럼 지정하십시오",
    ),
    ("the address to listen at", "수신할 주소"),
    ("--from {what}", "--from {what}"),
    (
        "--to `{}` is where it listens itself; give the collector's address",
        "--to `{}`⟨은/는⟩ 수신하는 주소와 같습니다. 수집 서버의 주소를 지정하십시오",
    ),
    ("`{}` cannot be listened at: {error}", "`{}`에서 수신할 수 없습니다: {error}"),
    ("the password is missing: {problem}", "비밀번호가 없습니다: {problem}"),
    (
        "--user `{user}` needs a password; name a file with --password-file, or a variable with --password-env",
        "--user `{user}`에는 비밀번호가 필요합니다. --password-file로 파일을, --password-env로 환경 변수를 지정하십시오",
    ),
    (
        "it ends after {have} bytes, and at least {needed} are needed",
        "{have}바이트에서 끝나는데 {needed}바이트 이상이 필요합니다",
    ),
    (
        "a blob of {have} bytes holds something that needs at least {needed}",
        "{have}바이트짜리 자료에 {needed}바이트 이상 필요한 내용이 들어 있습니다",
    ),
    ("unknown magic", "시작 표시를 알 수 없습니다"),
    ("unknown type of pack: {0}", "알 수 없는 팩 유형입니다: {0}"),
    ("unknown type of value: {0}", "알 수 없는 값 유형입니다: {0}"),
    ("unknown type of step: {0}", "알 수 없는 단계 유형입니다: {0}"),
    ("a length of {0}", "길이가 {0}입니다"),
    ("values are nested more than {NESTING} deep", "값이 {NESTING}단계보다 깊이 겹쳐 있습니다"),
    ("it is no dictionary", "문구 사전이 아닙니다"),
];
