//! The watch, what is asked of it, and what other systems say.

use crate::words::korean::Pair;

/// The watch and what is asked of it: English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    // watch
    (
        "Keep every address behind names under observation, and speak when there is something to say",
        "도메인의 모든 IP를 계속 감시하고, 알릴 일이 있을 때 알림",
    ),
    (
        "What to watch: HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT, a URL, or @FILE with one a line",
        "감시할 대상: HOST, HOST:PORT, IP:PORT, [IPv6]:PORT, URL, 또는 한 줄에 하나씩 적은 @파일",
    ),
    (
        "Watched besides the targets of the configuration, with its [defaults]. Where targets are given and no \
         configuration is named, none is read.",
        "설정의 [defaults]를 적용하여 설정의 대상과 함께 감시합니다. 대상만 지정하고 설정을 지정하지 않으면 설정을 읽지 않습니다.",
    ),
    ("What to watch", "감시 대상"),
    (
        "The configuration [default, where no target is given: {}]",
        "설정 파일 [기본값(대상을 지정하지 않은 경우): {}]",
    ),
    (
        "From one try of an address to the next, for targets of the command line [default: {}]",
        "같은 IP를 다시 시도하는 간격(명령행에 지정한 대상) [기본값: {}]",
    ),
    (
        "End after so long, with an all-clear and its statistics or with what failed",
        "이 시간이 지나면 통계가 붙은 정상화 확인 또는 실패 내역과 함께 종료",
    ),
    ("Where things are", "위치"),
    (
        "Where to serve HTTP; a port alone means the loopback address",
        "HTTP를 제공할 주소. 포트만 쓰면 루프백 주소",
    ),
    ("Where to remember [default: {}]", "기록할 파일 [기본값: {}]"),
    (
        "The socket at which `reach status` and others ask [default: {}]",
        "`reach status` 등이 접속할 소켓 [기본값: {}]",
    ),
    (
        "reach.db in $STATE_DIRECTORY, ~/.local/state/reach or /var/lib/reach",
        "$STATE_DIRECTORY, ~/.local/state/reach 또는 /var/lib/reach의 reach.db",
    ),
    (
        "watch.sock in $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/reach or /run/reach",
        "$RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/reach 또는 /run/reach의 watch.sock",
    ),
    (
        "$XDG_CONFIG_HOME/reach/reach.toml, else /etc/reach/reach.toml",
        "$XDG_CONFIG_HOME/reach/reach.toml, 없으면 /etc/reach/reach.toml",
    ),
    ("until ^C, with every change on the screen", "^C를 누를 때까지 모든 변화를 화면에 표시"),
    ("is it over? an all-clear with its statistics", "정말 끝났는지 통계와 함께 정상화 확인"),
    ("as a service; SIGHUP reads the file again", "서비스로 실행. SIGHUP을 받으면 설정을 다시 읽음"),
    ("a configuration to begin with", "처음 시작할 때 쓸 설정"),
    (
        "stopped as asked; with --for, every address worked all the time",
        "요청에 따라 종료. --for이면 모든 IP가 내내 정상",
    ),
    (
        "with --for: something failed, or the sample does not carry an all-clear",
        "--for이면 실패가 있었거나 표본이 정상화를 확인하기에 부족함",
    ),
    // status, ack, examine
    (
        "Show what a running watch knows: targets, incidents, channels",
        "실행 중인 감시의 현재 상태: 대상, 장애, 채널",
    ),
    ("Only these targets; `*` stands for anything", "이 대상만. `*`는 아무 글자나"),
    ("Which watch", "감시 지정"),
    ("The socket of the watch to ask [default: {}]", "접속할 감시의 소켓 [기본값: {}]"),
    ("that of the configuration, or where a watch makes it", "설정에 적힌 것, 없으면 감시가 만드는 위치"),
    ("The configuration of the watch [default: {}]", "감시의 설정 파일 [기본값: {}]"),
    ("no incident is open", "진행 중인 장애 없음"),
    ("an incident is open", "진행 중인 장애 있음"),
    ("Take an incident on: no more reminders", "장애 담당자 확인: 반복 알림 중지"),
    ("The incident: its number, as in #17", "장애: #17과 같은 번호"),
    ("Who takes it on [default: the user that asks]", "담당자 [기본값: 명령을 실행한 사용자]"),
    ("Not a word of it for so long, unless it gets worse", "악화되지 않는 한 이 시간 동안 알리지 않음"),
    ("Write this down about it, for those who come after", "나중에 볼 사람을 위해 장애에 메모 기록"),
    (
        "Have a running watch examine targets now, as a check would: which addresses fail, why, and where",
        "실행 중인 감시로 지금 대상을 점검: 어느 IP가 왜, 어디에서 실패하는지",
    ),
    ("The targets, of those that are watched; `*` stands for anything", "감시 중인 대상. `*`는 아무 글자나"),
    (
        "The watch does it, from where it runs and with its rights, so it works for users who may not do it \
         themselves. What is found goes into the incident, if one is open. `--json` is the document of \
         `reach check --json`.",
        "감시가 실행되는 서버에서 감시의 권한으로 점검하므로, 직접 점검할 권한이 없는 사용자도 쓸 수 있습니다. 진행 중인 장애가 \
         있으면 결과를 장애에 기록합니다. `--json`의 형식은 `reach check --json`과 같습니다.",
    ),
    (
        "the command line or the configuration is wrong, or no such target is watched",
        "명령행 또는 설정의 오류, 또는 감시하지 않는 대상",
    ),
    ("no watch could be asked, or it could not tell", "감시에 연결하지 못했거나 판단 불가"),
    // silence
    (
        "Say nothing of some targets for a while, list silences, end one",
        "일부 대상의 알림을 잠시 중지하거나, 중지 목록을 보거나, 해제",
    ),
    ("The targets; `*` stands for anything", "대상. `*`는 아무 글자나"),
    ("What to silence", "중지 대상"),
    ("Only while all failing addresses are in this network", "실패한 IP가 모두 이 대역에 있는 동안만"),
    ("Targets whose label has this value; may be repeated", "라벨이 이 값인 대상. 반복 가능"),
    ("Everything", "전체"),
    ("For how long", "중지할 시간"),
    ("When", "기간"),
    ("Until when", "종료 시각"),
    ("From when on [default: now]", "시작 시각 [기본값: 지금]"),
    ("Why", "사유"),
    ("Who wants it [default: the user that asks]", "설정한 사람 [기본값: 명령을 실행한 사용자]"),
    ("List the silences that are not over", "끝나지 않은 알림 중지 목록"),
    ("End a silence", "알림 중지 해제"),
    (
        "The silence: its number, as `reach silence list` shows it",
        "알림 중지의 번호(`reach silence list`에 나오는 번호)",
    ),
    ("Who ends it [default: the user that asks]", "해제한 사람 [기본값: 명령을 실행한 사용자]"),
    (
        "A silence hushes messages. Tries and incidents go on, and what happened meanwhile is told in one when it ends. \
         Times are like 18:00, 2026-12-01T02:00 (local), 2026-12-01T02:00:00Z, or +2h.",
        "알림만 중지됩니다. 점검과 장애 기록은 계속되며, 그동안 있었던 일은 중지가 끝날 때 한 번에 알립니다. 시각은 18:00, \
         2026-12-01T02:00(현지 시각), 2026-12-01T02:00:00Z, +2h처럼 씁니다.",
    ),
    // incidents, history, export
    (
        "List incidents, or show one: its time line, its addresses, its messages",
        "장애 목록, 또는 장애 한 건의 시간 순서 기록, IP, 알림",
    ),
    (
        "One incident, by its number, with everything that is remembered of it",
        "번호로 지정한 장애 한 건의 모든 기록",
    ),
    ("Which", "조회 범위"),
    ("Not over before then", "이 시각 이전에 끝난 것 제외"),
    ("Begun before then", "이 시각 이전에 시작된 것만"),
    ("Only those that are not over", "끝나지 않은 것만"),
    ("Only those of this target; `*` stands for anything", "이 대상의 것만. `*`는 아무 글자나"),
    ("The file in which the watch remembers [default: {}]", "감시가 기록한 파일 [기본값: {}]"),
    ("that of the configuration, or the usual one", "설정에 적힌 것, 없으면 기본 위치"),
    ("those of the last seven days", "최근 7일"),
    (
        "The memory is read beside the watch, whether it runs or not. Times are like -2h, '2h ago', yesterday, \
         2026-11-22, 2026-11-22T14:00 (local), 2026-11-22T14:00:00Z.",
        "감시가 실행 중이든 아니든 기록을 읽습니다. 시각은 -2h, '2h ago', yesterday, 2026-11-22, 2026-11-22T14:00(현지 시각), \
         2026-11-22T14:00:00Z처럼 씁니다.",
    ),
    (
        "Show how a target has been: tries, failures, latencies, states over time",
        "대상의 시간 추이: 시도, 실패, 지연 시간, 상태",
    ),
    ("The target", "대상"),
    ("From when on", "시작 시각"),
    ("Until when [default: now]", "종료 시각 [기본값: 지금]"),
    (
        "The time that one column or one object of the JSON stands for [default: what fits]",
        "칸 하나 또는 JSON 객체 하나가 나타내는 시간 [기본값: 폭에 맞게]",
    ),
    ("How deep was tried", "점검한 깊이"),
    ("ICMP echo requests", "ICMP 에코 요청"),
    ("TCP handshakes", "TCP 연결"),
    ("TLS, and a request where the target is a URL", "TLS, URL 대상이면 요청까지"),
    (
        "Times are like -2h, '2h ago', yesterday, 2026-11-22, 2026-11-22T14:00 (local), 2026-11-22T14:00:00Z.",
        "시각은 -2h, '2h ago', yesterday, 2026-11-22, 2026-11-22T14:00(현지 시각), 2026-11-22T14:00:00Z처럼 씁니다.",
    ),
    (
        "Exit status: 0, or 1 where the target was never watched.",
        "종료 코드: 0, 한 번도 감시하지 않은 대상이면 1.",
    ),
    (
        "Write what a watch remembers as CSV, JSON lines or Parquet",
        "감시 기록을 CSV, JSON lines, Parquet으로 내보내기",
    ),
    ("What to write", "내보낼 내용"),
    ("Every single try", "시도 한 건씩 모두"),
    (
        "Summaries: tries, failures by reason, quantiles of latencies",
        "집계: 시도, 원인별 실패, 지연 시간 분위수",
    ),
    ("Changes of state of addresses", "IP의 상태 변화"),
    ("Incidents", "장애"),
    ("How to write it", "파일 형식"),
    ("Comma-separated values (RFC 4180), with a line of titles", "쉼표로 구분한 값(RFC 4180), 첫 줄은 제목"),
    ("One JSON object a line", "한 줄에 JSON 객체 하나"),
    ("Apache Parquet", "Apache Parquet"),
    ("Where to; `-` is standard output", "저장할 파일. `-`는 표준 출력"),
    ("Only this target; `*` stands for anything", "이 대상만. `*`는 아무 글자나"),
    ("The time that one summary stands for", "집계 하나가 나타내는 시간"),
    (
        "Names and units of the columns: times in RFC 3339 (UTC), in Parquet milliseconds since 1970; `_ms` \
         milliseconds.",
        "열의 이름과 단위: 시각은 RFC 3339(UTC), Parquet에서는 1970년부터의 밀리초. `_ms`는 밀리초입니다.",
    ),
    // config
    (
        "Check a configuration of `reach watch`, print an example, or have a running watch read its own again",
        "`reach watch` 설정 검사, 예제 출력, 실행 중인 감시에 설정 다시 읽히기",
    ),
    (
        "Read a configuration, and show what would be watched or what is wrong",
        "설정을 읽고 감시할 내용 또는 잘못된 곳 표시",
    ),
    ("The configuration [default: {}]", "설정 파일 [기본값: {}]"),
    ("the configuration can be used", "쓸 수 있는 설정"),
    (
        "it cannot; everything that is wrong is told, with line and column",
        "쓸 수 없는 설정. 잘못된 곳을 줄·칸과 함께 모두 표시",
    ),
    ("Print a complete configuration with comments", "모든 항목과 주석이 있는 설정 출력"),
    (
        "Have a running watch read its configuration again, as SIGHUP does",
        "실행 중인 감시에 설정을 다시 읽힘(SIGHUP과 같음)",
    ),
    (
        "The watch reads the file that it was started with. What stays the same keeps everything that is known of it; \
         what takes effect with a restart only is told. Where anything is wrong, the old configuration stays in force.",
        "감시가 시작할 때 쓴 파일을 다시 읽습니다. 바뀌지 않은 대상은 상태를 그대로 유지하며, 다시 시작해야 적용되는 것은 알려 \
         줍니다. 잘못된 곳이 있으면 이전 설정을 그대로 씁니다.",
    ),
    ("the new configuration is in force", "새 설정 적용"),
    (
        "it is wrong; everything that is wrong is told, with line and column",
        "잘못된 설정. 잘못된 곳을 줄·칸과 함께 모두 표시",
    ),
];

/// What other systems say: English and Korean.
pub(super) const SIGNALS: &[Pair] = &[
    // scouter
    (
        "Show what a Scouter installation says: who fails towards whom, and who was served all the same",
        "Scouter가 알려 주는 것: 누가 어디로 실패하는지, 그래도 정상 처리된 요청은 무엇인지",
    ),
    (
        "The collector, HOST or HOST:PORT; it is asked on TCP and only ever asked to read",
        "수집 서버, HOST 또는 HOST:PORT. TCP로 접속하며 조회만 함",
    ),
    ("Login", "로그인"),
    (
        "The account [default: the one that a collector takes from its own host without a password]",
        "계정 [기본값: 수집 서버 자신에서 비밀번호 없이 쓰는 계정]",
    ),
    ("A file that holds the account's password and nothing else", "계정의 비밀번호만 들어 있는 파일"),
    ("A variable of the environment that holds the password", "비밀번호가 들어 있는 환경 변수"),
    ("How often to ask", "조회 간격"),
    (
        "Only objects whose name or type fits, with * for anything; may be repeated",
        "이름이나 유형이 맞는 오브젝트만. *는 아무 글자나. 반복 가능",
    ),
    (
        "End after so long, with a summary; otherwise ^C ends it",
        "이 시간이 지나면 요약과 함께 종료. 생략하면 ^C로 종료",
    ),
    (
        "Where texts are remembered that agents say only once a day",
        "에이전트가 하루에 한 번만 보내는 문구를 저장할 파일",
    ),
    ("on the collector's own host", "수집 서버에서 실행"),
    ("captured datagrams as JSON, one line each", "캡처한 데이터그램을 한 줄에 JSON 하나씩"),
    ("a datagram is malformed", "잘못된 데이터그램이 있음"),
    (
        "nothing was heard, or the collector could not be asked",
        "수신한 것이 없거나 수집 서버에 조회하지 못함",
    ),
    ("Print captured datagrams: every field of every pack", "캡처한 데이터그램의 모든 팩, 모든 필드 출력"),
    (
        "Files with one datagram each; - is standard input",
        "데이터그램이 하나씩 들어 있는 파일. -는 표준 입력",
    ),
    ("every file holds a datagram", "모든 파일이 올바른 데이터그램"),
    ("one is malformed", "잘못된 파일이 있음"),
    ("a file cannot be read", "파일을 읽을 수 없음"),
    (
        "Understand copies of agents' datagrams that arrive here",
        "이 서버로 오는 에이전트 데이터그램 사본 해석",
    ),
    ("Where copies arrive", "사본을 받을 주소"),
    ("Believe only senders of this network; may be repeated", "이 대역의 발신만 신뢰. 반복 가능"),
    (
        "Stand between agents and their collector: forward every datagram first, understand it then",
        "에이전트와 수집 서버 사이에서 중계: 데이터그램을 모두 먼저 전달한 뒤 해석",
    ),
    ("Where agents send to", "에이전트가 보내는 주소"),
    ("The collector that gets every datagram as it came", "데이터그램을 그대로 전달할 수집 서버"),
    (
        "Believe only senders of this network; may be repeated. Datagrams of others are neither forwarded nor read",
        "이 대역의 발신만 신뢰. 반복 가능. 다른 발신의 데이터그램은 전달하지도 읽지도 않음",
    ),
    // logs
    (
        "Read logs as they grow: what fails towards whom, and how many requests fail",
        "로그를 실시간으로 읽기: 무엇이 어디로 실패하는지, 실패한 요청이 얼마나 되는지",
    ),
    (
        "Log files, or patterns in quotes; - is standard input",
        "로그 파일 또는 따옴표로 감싼 패턴. -는 표준 입력",
    ),
    ("What to read", "읽을 로그"),
    (
        "Read the journal, of this unit or of all of them (may be given again)",
        "저널 읽기. 유닛을 지정하거나 전체(반복 가능)",
    ),
    (
        "Read what is there and end, instead of following files as they grow",
        "계속 따라가지 않고 지금 있는 내용만 읽고 종료",
    ),
    (
        "Leave out what is earlier: -2h, yesterday, 14:00, 2026-11-22T14:00",
        "이 시각 이전은 제외: -2h, yesterday, 14:00, 2026-11-22T14:00",
    ),
    (
        "Leave out records in which this regular expression is found (may be given again)",
        "이 정규식이 들어 있는 로그 제외(반복 가능)",
    ),
    (
        "Leave out records that are milder: trace, debug, info, warn, error, fatal",
        "이보다 가벼운 수준의 로그 제외: trace, debug, info, warn, error, fatal",
    ),
    ("How to read it", "읽는 방법"),
    ("What the logs have in them", "로그의 종류"),
    ("By the looks of each line", "줄마다 형식을 보고 판단"),
    ("What applications say", "애플리케이션 로그"),
    ("A request on each line", "한 줄에 요청 하나(접근 로그)"),
    ("The slow query log of MySQL or MariaDB", "MySQL, MariaDB의 느린 쿼리 로그"),
    ("The log of PostgreSQL: statements that took too long", "PostgreSQL 로그: 오래 걸린 SQL"),
    (
        "How an access log is written: common, combined, or what the server has (nginx's log_format, Apache's \
         LogFormat, Tomcat's pattern)",
        "접근 로그의 형식: common, combined, 또는 서버 설정의 형식(nginx의 log_format, Apache의 LogFormat, Tomcat의 pattern)",
    ),
    ("Statuses of requests that failed: 5xx,429,460-463", "실패로 볼 상태 코드: 5xx,429,460-463"),
    (
        "The zone of times that name none: Asia/Seoul, UTC [default: this host's]",
        "시간대가 적히지 않은 시각의 시간대: Asia/Seoul, UTC [기본값: 이 서버의 시간대]",
    ),
    ("The encoding of lines that are no UTF-8", "UTF-8이 아닌 줄의 인코딩"),
    ("follow it: what fails, towards whom", "따라가며 읽기: 무엇이 어디로 실패하는지"),
    ("what is there, and the share of requests that failed", "지금 있는 내용과 실패한 요청의 비율"),
    ("what is in old logs, for a script", "지난 로그의 내용, 스크립트용"),
    ("the journal of one unit", "유닛 하나의 저널"),
    (
        "While files are followed, --json prints one object a line, and a summary at the end; with --once or a pipe, \
         the summary alone. Nothing is sent anywhere. Names, addresses and query strings of those who asked are never \
         shown.",
        "파일을 따라갈 때 --json은 한 줄에 객체 하나를, 끝에 요약을 출력합니다. --once나 파이프에서는 요약만 출력합니다. 어디로도 \
         보내지 않습니다. 요청한 사람의 이름, 주소, 쿼리 문자열은 표시하지 않습니다.",
    ),
    ("nothing failed", "실패 없음"),
    ("something failed: a destination, or a request", "실패한 목적지나 요청이 있음"),
    ("the command line is wrong, or a file is not there", "명령행 오류 또는 없는 파일"),
    ("a log could not be read", "읽지 못한 로그가 있음"),
];
