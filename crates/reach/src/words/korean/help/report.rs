//! The hand-over, and who may come in over HTTP.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    (
        "Write the hand-over to those who can mend it: evidence and request; or tell before from after",
        "조치할 담당자에게 전달할 문서(근거와 요청) 작성, 또는 조치 전과 후 비교",
    ),
    (
        "A recording of `reach check --record` (`-` is standard input), or an incident's number, as in #17",
        "`reach check --record`의 기록 파일(`-`는 표준 입력), 또는 #17 같은 장애 번호",
    ),
    (
        "How to write it; may be repeated, or separated by commas [default: by the name of --output, or txt]",
        "문서 형식. 반복하거나 쉼표로 여러 개 지정 [기본값: --output의 이름에 따라, 없으면 txt]",
    ),
    ("One self-contained page that prints well", "인쇄하기 좋은 파일 하나짜리 웹 문서"),
    ("A document of pages", "쪽이 나뉜 문서"),
    ("GitHub-flavoured Markdown", "GitHub 형식 Markdown"),
    ("For programs", "프로그램용"),
    ("Plain text for a ticket", "티켓에 붙여 넣을 글"),
    ("The request form as CSV", "신청서(CSV)"),
    ("The request form as a workbook", "신청서(엑셀)"),
    ("All of them", "전부"),
    (
        "The file to write, or the directory for several [default: standard output]",
        "저장할 파일, 여러 개면 디렉터리 [기본값: 표준 출력]",
    ),
    (
        "For whom it is written [default: whoever can mend what was found]",
        "누구에게 보내는 문서인지 [기본값: 확인된 문제를 조치할 수 있는 담당자]",
    ),
    ("Those who run firewalls, routers and lines", "네트워크(방화벽) 담당"),
    ("Those who run the service", "서비스 담당"),
    ("Whoever decides: two lines", "결재자: 두 줄 요약"),
    (
        "A file in which a provider publishes its addresses (goog.json, ip-ranges.json, …); may be repeated",
        "제공자가 공개한 IP 대역 파일(goog.json, ip-ranges.json 등). 반복 가능",
    ),
    (
        "The house's own request form, whose columns are taken over: TOML, or a file with its line of titles",
        "사내 신청서 양식의 열을 따름: TOML, 또는 제목 줄이 있는 파일",
    ),
    (
        "The packets of the run, written by --pcap, as an attachment [default: RUN.pcapng beside the recording]",
        "--pcap으로 저장한 패킷을 첨부 [기본값: 기록 파일 옆의 RUN.pcapng]",
    ),
    (
        "The time zone of all times, like Asia/Seoul [default: this host's]",
        "모든 시각의 시간대(예: Asia/Seoul) [기본값: 이 서버의 시간대]",
    ),
    ("Who asks", "신청자 정보"),
    (
        "Who asks [default: `requester` of [request] in the configuration; so the others]",
        "신청자 [기본값: 설정 [request]의 `requester`. 나머지도 같음]",
    ),
    ("The department of whoever asks", "신청 부서"),
    ("How to reach whoever asks", "신청자 연락처"),
    (
        "The address that the source is translated to before the firewall",
        "방화벽 앞에서 변환되는 출발지 IP(NAT IP)",
    ),
    ("What the connection is for", "사용 목적"),
    (
        "From which day on it is wanted, and until which: FROM..UNTIL; FROM.. is for good",
        "사용 기간: FROM..UNTIL. 영구는 FROM..",
    ),
    ("After the change", "조치 뒤"),
    (
        "Check from this host what was asked for, twice, and tell before from after",
        "요청한 내용을 이 서버에서 두 번 확인하고 조치 전과 후를 비교",
    ),
    ("How long after the first round the second one begins", "첫 번째 확인 뒤 두 번째 확인까지의 간격"),
    ("the text for a ticket", "티켓에 붙여 넣을 글"),
    ("everything, of an incident of the watch", "감시의 장애 한 건을 모든 형식으로"),
    ("after the change: what was asked for, twice", "조치 뒤: 요청한 내용을 두 번 확인"),
    (
        "it is written; with --verify: everything that was asked for works",
        "작성함. --verify에서는 요청한 내용이 모두 정상",
    ),
    ("with --verify: something fails", "--verify에서 실패가 있음"),
    (
        "it could not be written; with --verify: it could not be told",
        "작성하지 못함. --verify에서는 판단 불가",
    ),
    (
        "Ask for a password, and print the line of `[[http.user]]` that lets somebody in by it",
        "비밀번호를 입력받아, 로그인에 쓸 `[[http.user]]` 줄을 출력",
    ),
    (
        "The password is asked for twice and not shown; where standard input is no terminal, its first line is the password. What is printed is a hash (argon2id), from which nobody gets the password back.",
        "비밀번호는 두 번 입력받으며 화면에 보이지 않습니다. 표준 입력이 터미널이 아니면 첫 줄이 비밀번호입니다. 출력되는 것은 해시(argon2id)이며 비밀번호를 되돌릴 수 없습니다.",
    ),
    ("the line is on standard output", "표준 출력에 줄을 출력함"),
    ("the password cannot be used, or the two differ", "비밀번호를 쓸 수 없거나 두 번 입력한 것이 다름"),
    (
        "Make an API token, and print it once with the lines of `[[http.token]]` that let a program in by it",
        "API 토큰을 만들어, 프로그램이 쓸 `[[http.token]]` 줄과 함께 한 번만 출력",
    ),
    (
        "What the program is called, in the configuration and beside everything that it does",
        "프로그램 이름. 설정과 감사 기록에 쓰임",
    ),
    (
        "What it may do: look, or acknowledge, silence and examine, too",
        "권한: 조회만, 또는 담당자 확인, 알림 중지, 점검까지",
    ),
    ("Look", "조회"),
    ("Acknowledge, silence, write notes, have targets examined", "담당자 확인, 알림 중지, 메모, 점검"),
    (
        "The first line is the token, for `Authorization: Bearer TOKEN`. It is kept nowhere: the configuration has its SHA-256.",
        "첫 줄이 토큰이며 `Authorization: Bearer TOKEN`으로 씁니다. 어디에도 저장되지 않고 설정에는 SHA-256만 들어갑니다.",
    ),
    ("token and lines are on standard output", "표준 출력에 토큰과 줄을 출력함"),
    ("the name cannot be used", "이름을 쓸 수 없음"),
];
