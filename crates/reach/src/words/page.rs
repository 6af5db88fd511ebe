//! What the page of the watch says, English and Korean side by side.

use reach_core::watch::{AddressState, Gravity, Phase, Reason};
use reach_report::Lang;

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

/// The state of an address.
pub fn state(state: AddressState, lang: Lang) -> &'static str {
    match (state, lang) {
        (AddressState::Unknown, Lang::En) => "unknown",
        (AddressState::Unknown, Lang::Ko) => "미확인",
        (AddressState::Ok, Lang::En) => "ok",
        (AddressState::Ok, Lang::Ko) => "정상",
        (AddressState::Suspect, Lang::En) => "suspect",
        (AddressState::Suspect, Lang::Ko) => "이상 의심",
        (AddressState::Down, Lang::En) => "down",
        (AddressState::Down, Lang::Ko) => "연결 안 됨",
        (AddressState::Recovering, Lang::En) => "recovering",
        (AddressState::Recovering, Lang::Ko) => "복구 중",
        (AddressState::Gone, Lang::En) => "left DNS",
        (AddressState::Gone, Lang::Ko) => "DNS에서 사라짐",
    }
}

/// How bad an incident is.
pub fn gravity(gravity: Gravity, lang: Lang) -> &'static str {
    match (gravity, lang) {
        (Gravity::Notice, Lang::En) => "notice",
        (Gravity::Notice, Lang::Ko) => "알림",
        (Gravity::Warning, Lang::En) => "warning",
        (Gravity::Warning, Lang::Ko) => "경고",
        (Gravity::Degraded, Lang::En) => "degraded",
        (Gravity::Degraded, Lang::Ko) => "일부 장애",
        (Gravity::Critical, Lang::En) => "critical",
        (Gravity::Critical, Lang::Ko) => "심각",
    }
}

/// Where an incident stands.
pub fn phase(phase: &Phase, lang: Lang) -> &'static str {
    match (phase, lang) {
        (Phase::Open, Lang::En) => "open",
        (Phase::Open, Lang::Ko) => "진행 중",
        (Phase::Calming { .. }, Lang::En) => "calming down",
        (Phase::Calming { .. }, Lang::Ko) => "진정 중",
        (Phase::Recovered { .. }, Lang::En) => "recovered, not yet all clear",
        (Phase::Recovered { .. }, Lang::Ko) => "복구됨(해제 확인 중)",
        (Phase::Closed { .. }, Lang::En) => "closed",
        (Phase::Closed { .. }, Lang::Ko) => "종료",
    }
}

/// Why an address failed.
pub fn reason(reason: Reason, lang: Lang) -> &'static str {
    match (reason, lang) {
        (Reason::Timeout, Lang::En) => "no answer",
        (Reason::Timeout, Lang::Ko) => "응답 없음",
        (Reason::Refused, Lang::En) => "refused",
        (Reason::Refused, Lang::Ko) => "연결 거부",
        (Reason::Unreachable, Lang::En) => "unreachable (ICMP)",
        (Reason::Unreachable, Lang::Ko) => "도달 불가(ICMP)",
        (Reason::Prohibited, Lang::En) => "prohibited (ICMP)",
        (Reason::Prohibited, Lang::Ko) => "정책으로 금지됨(ICMP)",
        (Reason::BlockedLocally, Lang::En) => "blocked by this host",
        (Reason::BlockedLocally, Lang::Ko) => "이 호스트에서 차단",
        (Reason::ClosedEarly, Lang::En) => "closed after the handshake",
        (Reason::ClosedEarly, Lang::Ko) => "연결 직후 끊김",
        (Reason::Tls, Lang::En) => "TLS handshake failed",
        (Reason::Tls, Lang::Ko) => "TLS 핸드셰이크 실패",
        (Reason::Untrusted, Lang::En) => "certificate not trusted",
        (Reason::Untrusted, Lang::Ko) => "신뢰할 수 없는 인증서",
        (Reason::Silent, Lang::En) => "connected, then silence",
        (Reason::Silent, Lang::Ko) => "연결 후 무응답",
        (Reason::Http, Lang::En) => "HTTP error",
        (Reason::Http, Lang::Ko) => "HTTP 오류",
    }
}
