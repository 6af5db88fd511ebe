//! The hand-over, silences and history: what was typed.

use crate::words::korean::Pair;

/// English and Korean.
pub(super) const TEXTS: &[Pair] = &[
    ("the password cannot be hashed: {error}", "비밀번호를 해시할 수 없습니다: {error}"),
    ("the password cannot be asked for: {error}", "비밀번호를 입력받을 수 없습니다: {error}"),
    (
        "a password has {SHORTEST} characters at least; several words are easy to keep in mind",
        "비밀번호는 {SHORTEST}자 이상이어야 합니다. 여러 단어를 이으면 기억하기 쉽습니다",
    ),
    ("the password has characters that no form can send", "비밀번호에 양식으로 보낼 수 없는 글자가 있습니다"),
    ("the password is no UTF-8 text", "비밀번호가 UTF-8 글이 아닙니다"),
    ("a password has {LONGEST} bytes at most", "비밀번호는 {LONGEST}바이트까지입니다"),
    ("Once more: ", "한 번 더: "),
    ("the two passwords differ; begin again", "두 비밀번호가 다릅니다. 처음부터 다시 입력하십시오"),
    ("nothing was made", "만든 것이 없습니다"),
    (
        "{option} makes {steps} columns of this time; give at least {coarser}",
        "{option} 때문에 칸이 {steps}개가 됩니다. {coarser} 이상으로 지정하십시오",
    ),
    ("--pcap `{name}` cannot be read: {error}", "--pcap `{name}`⟨을/를⟩ 읽을 수 없습니다: {error}"),
    ("--pcap `{name}` is no file", "--pcap `{name}`⟨은/는⟩ 파일이 아닙니다"),
    (
        "--pcap `{name}` is neither pcap nor pcapng; `reach check --pcap FILE` writes one",
        "--pcap `{name}`⟨은/는⟩ pcap도 pcapng도 아닙니다. `reach check --pcap 파일`로 만들 수 있습니다",
    ),
    (
        "standard input can be read once only; give `-` once",
        "표준 입력은 한 번만 읽을 수 있습니다. `-`는 한 번만 지정하십시오",
    ),
    ("{name}: [request]: {}", "{name}: [request]: {}"),
    (
        "--period `{}` is no period; give one like 2026-11-24..2027-11-23, or 2026-11-24.. for good",
        "--period `{}`⟨은/는⟩ 기간이 아닙니다. 2026-11-24..2027-11-23처럼, 영구는 2026-11-24..처럼 지정하십시오",
    ),
    ("--period `{}` ends before it begins", "--period `{}`⟨은/는⟩ 종료일이 시작일보다 앞섭니다"),
    ("--feed `{name}` cannot be read: {error}", "--feed `{name}`⟨을/를⟩ 읽을 수 없습니다: {error}"),
    ("--feed `{name}`: {}", "--feed `{name}`: {}"),
    ("--zone {why}", "--zone {why}"),
    (
        "an empty name; give a recording of `reach check --record`, or an incident like 17",
        "이름이 비어 있습니다. `reach check --record`의 기록 파일이나 17 같은 장애 번호를 지정하십시오",
    ),
    (
        "{name} cannot be read: {error}; give a recording of `reach check --record`, or the number of an incident",
        "{name}⟨을/를⟩ 읽을 수 없습니다: {error}. `reach check --record`의 기록 파일이나 장애 번호를 지정하십시오",
    ),
    (
        "{name} is a directory; give a recording of `reach check --record`",
        "{name}⟨은/는⟩ 디렉터리입니다. `reach check --record`의 기록 파일을 지정하십시오",
    ),
    ("{name} cannot be read: {error}", "{name}⟨을/를⟩ 읽을 수 없습니다: {error}"),
    ("{name} is no recording: {error}", "{name}⟨은/는⟩ 기록 파일이 아닙니다: {error}"),
    (
        "{name} is a recording of `reach trace`, which tests no connection; give one of `reach check --record`",
        "{name}⟨은/는⟩ 연결을 점검하지 않는 `reach trace`의 기록입니다. `reach check --record`의 기록 파일을 지정하십시오",
    ),
    ("this host itself", "이 서버 자체"),
    (
        "incident #{} is not about a target but about {about}; there is nothing to hand over to a network team",
        "장애 #{}⟨은/는⟩ 접속 대상이 아니라 {about}에 대한 것이므로 네트워크 담당에게 전달할 자료가 없습니다",
    ),
    (
        "no survey of incident #{} is kept, so that there is nothing to show; `reach examine {}` makes one while it lasts",
        "장애 #{}에 대해 보관된 점검 결과가 없어 보여 줄 것이 없습니다. 장애가 진행되는 동안 `reach examine {}`로 점검할 수 있습니다",
    ),
    (
        "--verify asks for nothing, so that there is no request form; leave out csv and xlsx",
        "--verify는 요청하는 것이 없으므로 신청서가 없습니다. csv와 xlsx를 빼십시오",
    ),
    (
        "--output: nothing is known of files that end in `.{}`; name one of html, pdf, md, json, txt, csv, xlsx with --format",
        "--output: `.{}`로 끝나는 파일의 형식을 알 수 없습니다. --format으로 html, pdf, md, json, txt, csv, xlsx 중 하나를 지정하십시오",
    ),
    (
        "several documents need a directory; name one with --output",
        "문서가 여러 개면 디렉터리가 필요합니다. --output으로 지정하십시오",
    ),
    ("{} is no text; name a file with --output", "{}⟨은/는⟩ 글이 아닙니다. --output으로 파일을 지정하십시오"),
    (
        "--template is for the request form; write it with --format xlsx or csv",
        "--template은 신청서 양식입니다. --format xlsx나 csv와 함께 쓰십시오",
    ),
    ("--output `{}`: there is no directory `{}`", "--output `{}`: `{}` 디렉터리가 없습니다"),
    (
        "--output `{}` is no directory, which several documents need",
        "--output `{}`⟨은/는⟩ 디렉터리가 아닙니다. 문서가 여러 개면 디렉터리가 필요합니다",
    ),
    ("--output `{}` cannot be made: {error}", "--output `{}`⟨을/를⟩ 만들 수 없습니다: {error}"),
    ("`{}` could not be written: {error}", "`{}`⟨을/를⟩ 쓰지 못했습니다: {error}"),
    ("written: {}", "저장: {}"),
    ("the PDF cannot be written: {}", "PDF를 만들 수 없습니다: {}"),
    (
        "there is no request form: no rule of a firewall would mend what was found",
        "신청서가 없습니다. 확인된 문제는 방화벽 정책으로 해결되지 않습니다",
    ),
    ("the request form cannot be written: {error}", "신청서를 만들 수 없습니다: {error}"),
    ("--template `{shown}` cannot be read: {error}", "--template `{shown}`⟨을/를⟩ 읽을 수 없습니다: {error}"),
    ("--template `{shown}`: {}", "--template `{shown}`: {}"),
    (
        "--output `{}` is no regular file, and is not written over; name another, or leave --output away for standard output",
        "--output `{}`⟨은/는⟩ 일반 파일이 아니므로 덮어쓰지 않습니다. 다른 파일을 지정하거나, 표준 출력으로 보려면 --output을 빼십시오",
    ),
    (
        "nothing is named that is to be silenced; name {targets}, {dash}network, {label}, or {dash}all for everything",
        "알림을 중지할 대상이 없습니다. {targets}, {dash}network, {label}, 또는 전체를 뜻하는 {dash}all을 지정하십시오",
    ),
    (
        "{dash}network `{}` is no network; give one like 198.51.100.0/24",
        "{dash}network `{}`⟨은/는⟩ 대역이 아닙니다. 198.51.100.0/24처럼 지정하십시오",
    ),
    ("{dash}comment has characters that cannot be shown", "{dash}comment에 표시할 수 없는 글자가 있습니다"),
    ("give {dash}for or {dash}until, and not both", "{dash}for와 {dash}until 중 하나만 지정하십시오"),
    (
        "every silence ends: give {dash}for 2h or {dash}until 18:00",
        "알림 중지에는 끝이 있어야 합니다. {dash}for 2h나 {dash}until 18:00처럼 지정하십시오",
    ),
    ("{until_name} `{}` is over already", "{until_name} `{}`⟨은/는⟩ 이미 지난 시각입니다"),
    (
        "{until_name} `{}` is no later than {from_name}",
        "{until_name} `{}`⟨이/가⟩ {from_name}보다 뒤가 아닙니다",
    ),
];
