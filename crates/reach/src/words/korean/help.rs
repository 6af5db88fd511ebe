//! Korean of the help: everything that the definition of the command line says.
//!
//! A text is looked up in units, so that what many commands say alike stands here once. A unit is a paragraph of
//! prose as one line, a line of a list without what stands before its last wide gap (`  0  every …` is looked up as
//! `every …`), or a heading. Command lines in examples are the same in every language. See `crate::cli::korean`.

mod commands;
mod report;
mod watching;

use super::Pair;

/// All of it.
pub const TEXTS: [&[Pair]; 7] =
    [CLAP, SHARED, VALUES, commands::TEXTS, report::TEXTS, watching::TEXTS, watching::SIGNALS];

/// What clap says by itself.
const CLAP: &[Pair] = &[
    ("Print help", "도움말 표시"),
    ("Print help (see more with '--help')", "도움말 표시('--help'는 더 자세히)"),
    ("Print help (see a summary with '-h')", "도움말 표시('-h'는 요약만)"),
    ("Print version", "버전 표시"),
    ("Print this message or the help of the given subcommand(s)", "이 도움말 또는 지정한 명령의 도움말 표시"),
];

/// What several commands say.
const SHARED: &[Pair] = &[
    ("Examples:", "예:"),
    ("Exit status:", "종료 코드:"),
    ("every usable address works", "사용할 수 있는 모든 IP가 정상"),
    ("at least one does not, or the name does not resolve", "하나 이상 비정상이거나 DNS 조회 실패"),
    ("at least one does not, or a name does not resolve", "하나 이상 비정상이거나 DNS 조회 실패"),
    ("the command line or a file it names is wrong", "명령행 또는 지정한 파일의 오류"),
    ("the command line or the configuration is wrong", "명령행 또는 설정의 오류"),
    ("reach could not do its work, or could not tell", "점검하지 못했거나 판단 불가"),
    ("reach could not do its work", "작업을 수행하지 못함"),
    ("no watch could be asked", "감시에 연결하지 못함"),
    (
        "What to reach: HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT, a URL, or @FILE with one a line",
        "점검할 대상: HOST, HOST:PORT, IP:PORT, [IPv6]:PORT, URL, 또는 한 줄에 하나씩 적은 @파일",
    ),
    ("What to look at", "점검 범위"),
    ("How to test", "점검 방법"),
    ("Recordings", "기록"),
    ("Output", "출력"),
    (
        "A resolver to ask besides those of this machine; may be repeated",
        "이 서버의 DNS 서버 외에 추가로 조회할 DNS 서버. 반복 가능",
    ),
    ("IPv4 addresses only", "IPv4 주소만"),
    ("IPv6 addresses only", "IPv6 주소만"),
    ("How much to ask", "점검 강도"),
    ("Few questions, few flows", "조회와 플로를 적게"),
    ("Enough for stated confidence on usual networks", "일반 네트워크에서 신뢰도를 밝힐 수 있을 만큼"),
    ("More of everything", "모두 더 많이"),
    (
        "When everything ends, whatever is still open [default: {} by effort]",
        "남은 것이 있어도 전체를 끝내는 시간 [기본값: 강도에 따라 {}]",
    ),
    (
        "Makes the choices by chance (source ports, order) the same again",
        "무작위 선택(출발지 포트, 순서)을 똑같이 재현하는 값",
    ),
    (
        "When a connection attempt is silent [default: {} by effort]",
        "연결 시도를 무응답으로 보는 시간 [기본값: 강도에 따라 {}]",
    ),
    (
        "When a TLS handshake or a request is silent [default: {} by effort]",
        "TLS 핸드셰이크나 요청을 무응답으로 보는 시간 [기본값: 강도에 따라 {}]",
    ),
    (
        "The name to send and to verify in TLS instead of the host's own",
        "TLS에서 보내고 검증할 이름(호스트 이름 대신)",
    ),
    (
        "Write the packets of this run, each with a comment, for Wireshark",
        "이번 실행의 패킷을 패킷마다 주석을 붙여 저장(Wireshark용)",
    ),
    (
        "A pcapng file of exactly the packets of this run. Each has a comment: the probe that it belongs to, and \
         what became of that. Without the privilege to capture (CAP_NET_RAW), the packets are synthesised from what \
         is known of them, and marked so.",
        "이번 실행의 패킷만 담은 pcapng 파일입니다. 패킷마다 어느 점검의 것이고 어떻게 되었는지 주석이 붙습니다. 캡처 \
         권한(CAP_NET_RAW)이 없으면 관찰한 내용으로 패킷을 합성하고 합성임을 표시합니다.",
    ),
    (
        "Print one JSON document; `ping` and `watch` print one object a line",
        "JSON 문서 하나로 출력. `ping`과 `watch`는 한 줄에 객체 하나",
    ),
    (
        "The language of texts [default: by LC_ALL, LC_MESSAGES, LANG; en in JSON]",
        "언어 [기본값: LC_ALL, LC_MESSAGES, LANG에 따름. JSON은 en]",
    ),
    ("English", "영어"),
    ("Korean", "한국어"),
    ("Use ASCII only for lines and symbols", "선과 기호에 ASCII 문자만 사용"),
    ("When to colour [NO_COLOR is honoured]", "색을 쓸 때 [NO_COLOR를 따름]"),
    ("On a terminal, unless NO_COLOR is set", "터미널이고 NO_COLOR가 없을 때"),
    ("Always", "항상"),
    ("Never", "쓰지 않음"),
    (
        "Columns that a line may take, 60 to 500 [default: the terminal's, at most 120]",
        "한 줄의 칸 수, 60 ~ 500 [기본값: 터미널의 폭, 최대 120]",
    ),
    ("Say more on standard error", "표준 오류에 더 자세히 출력"),
    ("what was asked for is done", "요청한 작업을 마침"),
];

/// What values are called.
const VALUES: &[Pair] = &[
    ("ACCOUNT", "계정"),
    ("ADDRESS", "주소"),
    ("ADDRESS:PORT", "주소:포트"),
    ("ADDRESS[:PORT]", "주소[:포트]"),
    ("BYTES", "바이트"),
    ("CIDR", "대역"),
    ("FROM..UNTIL", "시작..끝"),
    ("READER", "받는사람"),
    ("ROLE", "권한"),
    ("RUN|INCIDENT", "기록|장애"),
    ("CODE", "코드"),
    ("COLLECTOR", "수집서버"),
    ("COLUMNS", "칸수"),
    ("COMMAND", "명령"),
    ("DSCP|NUMBER", "DSCP|숫자"),
    ("DURATION", "시간"),
    ("ENCODING", "인코딩"),
    ("END", "줄끝"),
    ("FILE", "파일"),
    ("FORMAT", "형식"),
    ("HOP", "홉"),
    ("HOPS", "홉수"),
    ("HOW", "방식"),
    ("ID", "번호"),
    ("INCIDENT", "장애번호"),
    ("INTERFACE|ADDRESS", "인터페이스|주소"),
    ("KIND", "종류"),
    ("LANGUAGE", "언어"),
    ("LAYER", "계층"),
    ("LEVEL", "수준"),
    ("NAME", "이름"),
    ("NAME=VALUE", "이름=값"),
    ("NETWORK", "대역"),
    ("NUMBER", "숫자"),
    ("PATTERN", "패턴"),
    ("PERCENT", "퍼센트"),
    ("PORT", "포트"),
    ("PROTOCOL", "프로토콜"),
    ("REGEX", "정규식"),
    ("SHELL", "셸"),
    ("SOCKET", "소켓"),
    ("STATUSES", "상태코드"),
    ("TARGET", "대상"),
    ("TEXT", "내용"),
    ("TIME", "시간"),
    ("TIMES", "횟수"),
    ("UNIT", "유닛"),
    ("URL", "URL"),
    ("WHAT", "내용"),
    ("WHEN", "조건"),
    ("ZONE", "시간대"),
];
