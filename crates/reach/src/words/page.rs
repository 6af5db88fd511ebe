//! What the page of the watch says, English and Korean side by side.

use reach_report::Lang;
pub use reach_report::watch::{gravity, phase, reason, state};

/// What stands in one place of the page whatever is known.
#[derive(Clone, Copy, Debug)]
pub struct Labels {
    /// Over the incidents.
    pub incidents: &'static str,
    /// Where there is none.
    pub no_incidents: &'static str,
    /// Over the targets.
    pub targets: &'static str,
    /// Where there is none.
    pub no_targets: &'static str,
    /// A column of targets.
    pub target: &'static str,
    /// A column of addresses.
    pub address: &'static str,
    /// A column of states.
    pub state: &'static str,
    /// A column of reasons.
    pub reason: &'static str,
    /// A column of times.
    pub since: &'static str,
    /// A column of round-trip times.
    pub rtt: &'static str,
    /// A column of severities.
    pub severity: &'static str,
    /// This host is cut off.
    pub offline: &'static str,
    /// A name that does not resolve.
    pub unresolved: &'static str,
    /// Before the time of the page.
    pub as_of: &'static str,
}

/// The labels of a language.
pub fn labels(lang: Lang) -> Labels {
    match lang {
        Lang::En => Labels {
            incidents: "Incidents",
            no_incidents: "No incident is open.",
            targets: "Targets",
            no_targets: "Nothing is watched.",
            target: "Target",
            address: "Address",
            state: "State",
            reason: "Last failure",
            since: "Since (UTC)",
            rtt: "Handshake",
            severity: "Severity",
            offline: "This host reaches nothing: what is shown below is what was known before.",
            unresolved: "does not resolve",
            as_of: "As of (UTC)",
        },
        Lang::Ko => Labels {
            incidents: "장애",
            no_incidents: "진행 중인 장애가 없습니다.",
            targets: "대상",
            no_targets: "감시 중인 대상이 없습니다.",
            target: "대상",
            address: "주소",
            state: "상태",
            reason: "마지막 실패 원인",
            since: "시작 시각(UTC)",
            rtt: "연결 시간",
            severity: "심각도",
            offline: "이 호스트의 네트워크가 끊겼습니다. 아래 내용은 끊기기 전까지 확인된 것입니다.",
            unresolved: "이름을 찾을 수 없음",
            as_of: "기준 시각(UTC)",
        },
    }
}
