//! What the page says besides what other modules say, English and Korean side by side.

use std::time::Duration;

use reach_core::watch::AddressState;

use crate::{
    Lang,
    units::percent,
    watch::words::{bytes, grouped, long_span, state},
    words::{count_addresses, say},
};

macro_rules! labels {
    ($($name:ident: $en:literal, $ko:literal;)*) => {
        /// Fixed words: headings, titles of columns, buttons.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Label {
            $($name,)*
        }

        impl Label {
            #[cfg(test)]
            pub(crate) const ALL: &[Label] = &[$(Label::$name,)*];

            pub(crate) const fn text(self, lang: Lang) -> &'static str {
                match (lang, self) {
                    $((Lang::En, Label::$name) => $en, (Lang::Ko, Label::$name) => $ko,)*
                }
            }
        }
    };
}

labels! {
    SkipToContent: "Skip to the content", "본문으로 건너뛰기";
    MainNavigation: "Main", "주 메뉴";
    Overview: "Overview", "전체 현황";
    Incidents: "Incidents", "장애";
    Signals: "Signals", "신호";
    Silences: "Silences", "알림 중지";
    Theme: "Colours", "화면 색";
    ThemeAuto: "as the system", "시스템 설정";
    ThemeLight: "light", "밝게";
    ThemeDark: "dark", "어둡게";
    SignOut: "Sign out", "로그아웃";
    Live: "live", "실시간";
    NotLive: "not live", "실시간 아님";
    NotLiveWhy: "The connection to the watch is lost; it is tried again.", "감시 서버와 연결이 끊겼습니다. 다시 연결하는 중입니다.";
    Keys: "Keys", "단축키";
    KeySearch: "Search", "검색";
    KeyRows: "Next and previous row", "다음 행, 이전 행";
    KeyOpen: "Open the row", "행 열기";
    KeyOverview: "Overview", "전체 현황";
    KeyIncidents: "Incidents", "장애";
    KeySignals: "Signals", "신호";
    KeySilences: "Silences", "알림 중지";
    KeyZoom: "Zoom in, zoom out", "확대, 축소";
    KeyShift: "Earlier, later", "이전 시간, 다음 시간";
    KeyHelp: "These keys", "단축키 안내";
    Close: "Close", "닫기";
    Target: "Target", "대상";
    Targets: "Targets", "대상";
    State: "State", "상태";
    Addresses: "Addresses", "IP 주소";
    Address: "Address", "IP 주소";
    Failures: "Failures", "실패율";
    FailuresWhy: "Failed handshakes, of those tried in the last hour", "최근 1시간 동안 시도한 연결 중 실패한 비율";
    Latency: "Latency", "연결 시간";
    LatencyWhy: "Median time of a TCP handshake over the last hour", "최근 1시간 TCP 연결 시간의 중앙값";
    Calm: "Calm for", "이상 없음";
    CalmWhy: "For how long nothing has failed", "마지막 이상 이후 지난 시간";
    Incident: "Incident", "장애";
    Search: "Search", "검색";
    SearchHint: "Name, address, label=value", "이름, IP 주소, 라벨=값";
    Clear: "Clear", "지우기";
    NothingWatched: "Nothing is watched.", "감시 중인 대상이 없습니다.";
    NothingFound: "No target fits.", "조건에 맞는 대상이 없습니다.";
    Pages: "Pages", "쪽";
    Previous: "Previous", "이전";
    Next: "Next", "다음";
    Summary: "Summary", "요약";
    Ok: "ok", "정상";
    Partly: "partly down", "일부 접속 불가";
    Down: "down", "접속 불가";
    Checking: "under suspicion", "확인 중";
    Unknown: "unknown", "미확인";
    OpenIncidents: "open incidents", "진행 중 장애";
    OpenNow: "Open incidents", "진행 중 장애";
    NoneOpen: "No incident is open.", "진행 중인 장애가 없습니다.";
    Offline: "This host reaches nothing: what is shown of the targets is what was known before.", "이 서버의 네트워크가 끊겼습니다. 대상의 상태는 끊기기 전까지 확인된 것입니다.";
    TimeRange: "Time range", "조회 기간";
    From: "From", "시작";
    To: "To", "종료";
    Apply: "Apply", "적용";
    Earlier: "Earlier", "이전 시간";
    Later: "Later", "다음 시간";
    ZoomIn: "Zoom in", "확대";
    ZoomOut: "Zoom out", "축소";
    Now: "now", "현재";
    Layer: "What is shown", "표시 기준";
    LayerConnect: "TCP", "TCP";
    LayerExchange: "TLS/HTTP", "TLS/HTTP";
    LayerEcho: "Ping", "핑";
    AllAddresses: "all addresses", "전체 IP 주소";
    HeatMap: "Failures by address and time", "IP 주소별 시간대별 실패";
    Smoke: "Latency", "연결 시간 분포";
    Pool: "Pool: addresses by resolver", "IP 풀: DNS 서버별 응답 주소";
    Paths: "Paths", "경로";
    AsTable: "Show as a table", "표로 보기";
    NoHistory: "Nothing was tried in this time.", "이 기간에는 시도한 기록이 없습니다.";
    NoMemory: "This watch keeps no history.", "이 감시에는 저장된 기록이 없습니다.";
    Reason: "Last failure", "마지막 실패 원인";
    Since: "Since", "시작";
    FirstSeen: "First seen", "처음 확인";
    Resolvers: "Given by", "응답한 DNS 서버";
    Certificate: "Certificate", "인증서";
    Certificates: "TLS and certificates", "TLS와 인증서";
    Issuer: "Issuer", "발급자";
    Names: "Names", "도메인";
    Expires: "Ends", "만료일";
    Version: "Version", "버전";
    Trust: "Trust", "신뢰";
    Trusted: "trusted", "신뢰함";
    Findings: "Findings", "진단 결과";
    NoFindings: "Nothing is wrong that the last survey could see.", "마지막 정밀 검사에서 확인된 문제가 없습니다.";
    NoSurvey: "No survey of this target is kept yet.", "이 대상의 정밀 검사 기록이 아직 없습니다.";
    Impact: "What clients suffer", "클라이언트 영향";
    Client: "Client", "클라이언트";
    Fails: "Fails", "실패율";
    Added: "Added time", "추가 지연";
    Logs: "It logs", "로그에 남는 내용";
    Asks: "What to ask", "요청 사항";
    NotTold: "What it does not tell", "이번 검사로 알 수 없는 것";
    Verdict: "Verdict", "판정";
    Ping: "Ping", "핑";
    Connect: "Connect", "연결";
    Where: "Where", "위치";
    ExamineNow: "Examine now", "지금 정밀 검사";
    Examining: "A survey is under way.", "정밀 검사를 진행하고 있습니다.";
    NoIncidents: "There is no incident.", "장애 기록이 없습니다.";
    Number: "No.", "번호";
    Gravity: "Severity", "심각도";
    What: "What", "내용";
    Began: "Began", "시작";
    Lasted: "Lasted", "지속 시간";
    Phase: "Phase", "진행";
    TimeLine: "Time line", "시간순 기록";
    Time: "Time", "시각";
    Messages: "Messages sent", "보낸 알림";
    NoMessages: "Nothing was sent of it.", "보낸 알림이 없습니다.";
    Channel: "Channel", "채널";
    Delivery: "Delivery", "전달";
    Documents: "Documents to hand over", "전달용 문서";
    Acknowledge: "Acknowledge", "담당자 확인";
    Mute: "Mute", "알림 끄기";
    MuteFor: "Mute for", "알림을 끄는 시간";
    Note: "Note", "메모";
    AddNote: "Add note", "메모 추가";
    NoteHint: "What others should know", "다른 담당자가 알아야 할 내용";
    Actions: "Actions", "조치";
    SilenceNew: "New silence", "새 알림 중지";
    SilenceMake: "Silence", "알림 중지";
    SilenceTarget: "Target (with * for anything)", "대상(*는 모든 문자)";
    SilenceNetwork: "Network", "IP 대역";
    SilenceLabels: "Labels (name=value, …)", "라벨(이름=값, …)";
    SilenceFor: "For", "중지 시간";
    Comment: "Comment", "사유";
    By: "By", "설정한 사람";
    Matches: "Matches", "적용 대상";
    Until: "Until", "종료";
    Expire: "End now", "지금 해제";
    NoSilences: "Nothing is silenced.", "알림 중지가 없습니다.";
    Maintenance: "maintenance window", "점검 시간";
    ToCome: "to come", "예정";
    InForce: "in force", "적용 중";
    NotThere: "There is nothing here.", "페이지가 없습니다.";
    NotThereWhy: "The address names no target or incident of this watch.", "이 감시에 없는 대상이거나 장애입니다.";
    ToOverview: "To the overview", "전체 현황으로";
    HalfHour: "30 minutes", "30분";
    OneHour: "1 hour", "1시간";
    TwoHours: "2 hours", "2시간";
    FourHours: "4 hours", "4시간";
    EightHours: "8 hours", "8시간";
    OneDay: "1 day", "1일";
    OneWeek: "1 week", "1주";
    Check: "reach check", "reach 점검 결과";
    Median: "Median", "중앙값";
    Tries: "Tries", "시도";
    Failed: "Failed", "실패";
    Members: "Addresses that fail or failed", "실패한 IP 주소";
    WithClosed: "Closed ones too", "종료된 장애 포함";
    OnlyOpen: "Open ones only", "진행 중만";
}

/// How many addresses are in which state, in one line.
pub(super) fn tally(counts: &[(AddressState, usize)], lang: Lang) -> String {
    let all: usize = counts.iter().map(|(_, count)| count).sum();
    let parts = counts.iter().map(|&(of, count)| {
        let of = state(of, lang);
        say!(lang, "{count} {of}", "{of} {count}")
    });
    let parts = parts.collect::<Vec<_>>().join(", ");
    let all = count_addresses(all, lang);
    if parts.is_empty() { all } else { format!("{all}: {parts}") }
}

/// `1 target`, `대상 1개`.
pub(super) fn count_targets(count: usize, lang: Lang) -> String {
    let plural = if count == 1 { "target" } else { "targets" };
    say!(lang, "{count} {plural}", "대상 {count}개")
}

/// `failed of tries`.
pub(super) fn of_tries(failed: u64, tries: u64, lang: Lang) -> String {
    let (failed, tries) = (grouped(failed), grouped(tries));
    say!(lang, "{failed} of {tries} tries failed", "{tries}회 시도 중 {failed}회 실패")
}

/// A share of failures where there were any tries.
pub(super) fn share(failed: u64, tries: u64) -> String {
    if tries == 0 { "–".to_owned() } else { percent(failed as f64 / tries as f64) }
}

/// The watch was begun so long ago.
pub(super) fn watching(addresses: usize, targets: usize, lasted: Duration, lang: Lang) -> String {
    let (targets, addresses) = (count_targets(targets, lang), count_addresses(addresses, lang));
    let lasted = long_span(lasted, lang);
    say!(
        lang,
        "watching {targets}, {addresses}, for {lasted}",
        "{targets}, {addresses} 감시 중({lasted} 경과)"
    )
}

/// The memory does not take anything, and why.
pub(super) fn store_stuck(since: &str, trouble: &str, lang: Lang) -> String {
    say!(
        lang,
        "the memory takes nothing since {since}: {trouble}",
        "{since}부터 저장되지 않습니다: {trouble}"
    )
}

/// Results that were lost.
pub(super) fn store_lost(lost: u64, lang: Lang) -> String {
    let lost = grouped(lost);
    say!(
        lang,
        "{lost} results were lost because the disk did not take them in time",
        "디스크가 제때 받지 못해 결과 {lost}건을 잃었습니다"
    )
}

/// A channel that takes nothing.
pub(super) fn channel_broken(name: &str, since: &str, trouble: &str, lang: Lang) -> String {
    say!(
        lang,
        "the channel {name} takes nothing since {since}: {trouble}",
        "{name} 채널에 {since}부터 알림을 보내지 못하고 있습니다: {trouble}"
    )
}

/// What the memory holds.
pub(super) fn memory(size: u64, samples: u64, lang: Lang) -> String {
    let (size, samples) = (bytes(size), grouped(samples));
    say!(lang, "memory: {size}, {samples} results", "저장소: {size}, 결과 {samples}건")
}

/// Which part of a list is shown.
pub(super) fn part(first: usize, last: usize, all: usize, lang: Lang) -> String {
    say!(lang, "{first}–{last} of {all}", "전체 {all}개 중 {first}~{last}")
}

/// When a page was made.
pub(super) fn as_of(at: &str, lang: Lang) -> String {
    say!(lang, "as of {at}", "{at} 기준")
}

/// Who made a file, and with what.
pub(super) fn made_by(version: &str, lang: Lang) -> String {
    say!(lang, "made by reach {version}", "reach {version}⟨으로/로⟩ 작성")
}

/// Since when it is as it is.
pub(super) fn since(at: &str, span: &str, lang: Lang) -> String {
    say!(lang, "since {at} ({span})", "{at}부터({span} 경과)")
}

/// Somebody has taken it on.
pub(super) fn taken_on(by: &str, at: &str, lang: Lang) -> String {
    say!(lang, "acknowledged by {by} at {at}", "{at} {by} 확인")
}

/// Nobody is told of it until then.
pub(super) fn muted_until(at: &str, lang: Lang) -> String {
    say!(lang, "muted until {at}", "{at}까지 알림 끔")
}

/// Somebody wrote something down.
pub(super) fn noted(by: &str, text: &str, lang: Lang) -> String {
    say!(lang, "note by {by}: {text}", "{by} 메모: {text}")
}

/// What was said, perhaps with a bell.
pub(super) fn told(said: &str, rings: bool, channels: &str, lang: Lang) -> String {
    if rings {
        say!(lang, "told, ringing: {said} ({channels})", "알림(소리): {said}({channels})")
    } else {
        say!(lang, "told: {said} ({channels})", "알림: {said}({channels})")
    }
}

/// A survey that was made.
pub(super) fn surveyed(state: &str, lang: Lang) -> String {
    say!(lang, "survey: {state}", "정밀 검사: {state}")
}

/// How many lines a list does not show.
pub(super) fn left_out(count: usize, lang: Lang) -> String {
    say!(lang, "… {count} more", "… 외 {count}개")
}

/// An incident that began, for those who only hear the page.
pub(super) fn announced(opened: bool, lang: Lang) -> &'static str {
    match (opened, lang) {
        (true, Lang::En) => "Incident opened: ",
        (true, Lang::Ko) => "장애 시작: ",
        (false, Lang::En) => "Incident closed: ",
        (false, Lang::Ko) => "장애 종료: ",
    }
}

/// A year.
pub(super) const fn one_year(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "1 y",
        Lang::Ko => "1년",
    }
}

/// Days, hours, minutes and seconds behind a number.
pub(super) const fn units_of_time(lang: Lang) -> [&'static str; 4] {
    match lang {
        Lang::En => [" d", " h", " min", " s"],
        Lang::Ko => ["일", "시간", "분", "초"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_spoken_in_both_languages() {
        for label in Label::ALL {
            let (english, korean) = (label.text(Lang::En), label.text(Lang::Ko));
            assert!(!english.is_empty() && english.is_ascii() || english.contains('…'), "{label:?}");
            assert!(!korean.is_empty(), "{label:?}");
        }
    }
}
