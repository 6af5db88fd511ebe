//! All words for people, English and Korean side by side.
//!
//! Every message is a function that matches on the language; the compiler sees to it that no variant lacks a
//! sentence, and the tests at the end see to it that both languages are really spoken. In Korean sentences a
//! marker like `⟨은/는⟩` stands for the particle that fits the word before it (see `hangul`).

mod ask;
pub(crate) mod chart;
pub(crate) mod connect;
mod evidence;
pub(crate) mod failure;
mod finding;
mod impact;
pub(crate) mod ping;
mod place;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
pub(crate) mod trace;
mod verdict;

pub(crate) use ask::{Ask, ask, findings_with_ask, resolution_advice};
pub(crate) use evidence::{alert_name, distrust, evidence, evidence_code, icmp, rcode, tls_end};
pub(crate) use finding::{finding, is_about_names};
pub(crate) use impact::{client, client_logs, impact_note};
pub(crate) use place::{place, place_short};
pub(crate) use verdict::{detail, meaning, refuted_by, verdict_name};

use reach_core::model::{Conduct, Doubt, Gap, Obstacle, ResolutionError, ResolverReport, Severity, State};

use crate::{Lang, units};

/// One sentence in the wanted language.
macro_rules! say {
    ($lang:expr, $en:literal, $ko:literal $(,)?) => {
        match $lang {
            $crate::Lang::En => format!($en),
            $crate::Lang::Ko => $crate::hangul::attach(&format!($ko)),
        }
    };
}
pub(crate) use say;

/// Fixed words: headings, column titles, labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Why,
    Where,
    Impact,
    Ask,
    NotTold,
    Summary,
    Resolvers,
    Address,
    Ping,
    Connect,
    Tls,
    Http,
    Verdict,
    Place,
    Target,
    State,
    Works,
    Hop,
    Client,
    Fails,
    Delay,
    Logs,
    Seen,
    Ttl,
    GivenBy,
    Refuted,
    Meaning,
    Proof,
    JavaLog,
    ToDo,
    NotThis,
}

impl Label {
    #[cfg(test)]
    pub(crate) const ALL: [Label; 31] = [
        Label::Why,
        Label::Where,
        Label::Impact,
        Label::Ask,
        Label::NotTold,
        Label::Summary,
        Label::Resolvers,
        Label::Address,
        Label::Ping,
        Label::Connect,
        Label::Tls,
        Label::Http,
        Label::Verdict,
        Label::Place,
        Label::Target,
        Label::State,
        Label::Works,
        Label::Hop,
        Label::Client,
        Label::Fails,
        Label::Delay,
        Label::Logs,
        Label::Seen,
        Label::Ttl,
        Label::GivenBy,
        Label::Refuted,
        Label::Meaning,
        Label::Proof,
        Label::JavaLog,
        Label::ToDo,
        Label::NotThis,
    ];

    pub(crate) const fn text(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => match self {
                Label::Why => "WHY",
                Label::Where => "WHERE",
                Label::Impact => "IMPACT",
                Label::Ask => "ASK",
                Label::NotTold => "NOT TOLD",
                Label::Summary => "SUMMARY",
                Label::Resolvers => "RESOLVERS",
                Label::Address => "ADDRESS",
                Label::Ping => "PING",
                Label::Connect => "CONNECT",
                Label::Tls => "TLS",
                Label::Http => "HTTP",
                Label::Verdict => "VERDICT",
                Label::Place => "WHERE",
                Label::Target => "TARGET",
                Label::State => "STATE",
                Label::Works => "WORKS",
                Label::Hop => "HOP",
                Label::Client => "CLIENT",
                Label::Fails => "FAILS",
                Label::Delay => "ADDED",
                Label::Logs => "IT LOGS",
                Label::Seen => "SEEN",
                Label::Ttl => "TTL",
                Label::GivenBy => "GIVEN BY",
                Label::Refuted => "this would refute it:",
                Label::Meaning => "Meaning",
                Label::Proof => "Proof",
                Label::JavaLog => "In a Java log",
                Label::ToDo => "What to do",
                Label::NotThis => "What it is not",
            },
            Lang::Ko => match self {
                Label::Why => "판단 근거",
                Label::Where => "위치",
                Label::Impact => "영향",
                Label::Ask => "요청 사항",
                Label::NotTold => "이번 점검으로 알 수 없는 것",
                Label::Summary => "요약",
                Label::Resolvers => "DNS 서버",
                Label::Address => "IP 주소",
                Label::Ping => "핑",
                Label::Connect => "연결",
                Label::Tls => "TLS",
                Label::Http => "HTTP",
                Label::Verdict => "판정",
                Label::Place => "위치",
                Label::Target => "점검 대상",
                Label::State => "상태",
                Label::Works => "정상",
                Label::Hop => "홉",
                Label::Client => "클라이언트",
                Label::Fails => "실패율",
                Label::Delay => "지연",
                Label::Logs => "로그에 남는 내용",
                Label::Seen => "횟수",
                Label::Ttl => "TTL",
                Label::GivenBy => "응답한 DNS 서버",
                Label::Refuted => "이 판정이 틀렸다고 볼 수 있는 경우:",
                Label::Meaning => "의미",
                Label::Proof => "판정 근거",
                Label::JavaLog => "Java 로그",
                Label::ToDo => "조치",
                Label::NotThis => "혼동하기 쉬운 것",
            },
        }
    }
}

/// The state of a target.
pub(crate) const fn state(state: State, lang: Lang) -> &'static str {
    match (lang, state) {
        (Lang::En, State::Reachable) => "reachable",
        (Lang::En, State::PartlyReachable) => "partly reachable",
        (Lang::En, State::Unreachable) => "unreachable",
        (Lang::En, State::Unresolved) => "unresolved",
        (Lang::En, State::Inconclusive) => "inconclusive",
        (Lang::Ko, State::Reachable) => "접속 가능",
        (Lang::Ko, State::PartlyReachable) => "일부만 접속 가능",
        (Lang::Ko, State::Unreachable) => "접속 불가",
        (Lang::Ko, State::Unresolved) => "DNS 조회 실패",
        (Lang::Ko, State::Inconclusive) => "판단 불가(확인 필요)",
    }
}

/// How much a finding matters.
pub(crate) const fn severity(severity: Severity, lang: Lang) -> &'static str {
    match (lang, severity) {
        (Lang::En, severity) => severity.code(),
        (Lang::Ko, Severity::Error) => "오류",
        (Lang::Ko, Severity::Warning) => "주의",
        (Lang::Ko, Severity::Info) => "참고",
    }
}

/// Why the tool could not tell.
pub(crate) fn doubt(doubt: Doubt, lang: Lang) -> String {
    match doubt {
        Doubt::CouldNotProbe(why) => {
            let why = obstacle(why, lang);
            say!(
                lang,
                "Some probes could not be sent at all: {why}. This says nothing about the target.",
                "일부 점검 패킷을 아예 보내지 못했습니다: {why}. 점검 대상의 상태와는 무관합니다."
            )
        }
        Doubt::TooFewAnswers => say!(
            lang,
            "Time ran out before the evidence was enough for a verdict on some address.",
            "일부 IP 주소는 판정에 필요한 근거가 모이기 전에 제한 시간이 끝났습니다."
        ),
        Doubt::NoResolverConfigured => say!(
            lang,
            "No DNS server is configured on this host and its own look-up gave nothing, so there was nobody to ask.",
            "이 서버에 DNS 서버가 설정되어 있지 않고 시스템 조회도 결과가 없어 물어볼 곳이 없었습니다."
        ),
    }
}

/// The stable code of a doubt.
pub(crate) const fn doubt_code(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::CouldNotProbe(_) => "could-not-probe",
        Doubt::TooFewAnswers => "too-few-answers",
        Doubt::NoResolverConfigured => "no-resolver-configured",
    }
}

/// What to do about a doubt.
pub(crate) fn doubt_advice(doubt: Doubt, lang: Lang) -> String {
    match doubt {
        Doubt::CouldNotProbe(Obstacle::OutOfResources) => say!(
            lang,
            "Raise the limit of open files (`ulimit -n`) or free memory, then run it again.",
            "열 수 있는 파일 수 제한(`ulimit -n`)을 늘리거나 메모리를 확보한 뒤 다시 실행하십시오."
        ),
        Doubt::CouldNotProbe(Obstacle::PortInUse) => say!(
            lang,
            "The source ports wanted were in use on this machine; run it again.",
            "사용하려던 출발지 포트가 이 서버에서 이미 사용 중이었습니다. 다시 실행하십시오."
        ),
        Doubt::CouldNotProbe(Obstacle::NoPermission | Obstacle::ForbiddenLocally) => say!(
            lang,
            "Run it as a user who may open connections from this host, outside a sandbox that forbids sockets.",
            "소켓 사용이 금지된 격리 환경 밖에서, 외부 연결이 허용된 사용자로 실행하십시오."
        ),
        Doubt::CouldNotProbe(_) => say!(
            lang,
            "Check this host's own network (`ip route`, `ip address`), then run it again.",
            "이 서버의 네트워크 설정(`ip route`, `ip address`)을 확인한 뒤 다시 실행하십시오."
        ),
        Doubt::TooFewAnswers => say!(
            lang,
            "Run it again with `--effort thorough`, which asks more and waits longer.",
            "더 많이, 더 오래 확인하는 `--effort thorough`로 다시 실행하십시오."
        ),
        Doubt::NoResolverConfigured => say!(
            lang,
            "Name a DNS server with `--resolver ADDRESS`, or set one in /etc/resolv.conf.",
            "`--resolver 주소`로 DNS 서버를 지정하거나 /etc/resolv.conf에 설정하십시오."
        ),
    }
}

/// What a run could not see.
pub(crate) fn gap(gap: Gap, lang: Lang) -> String {
    match gap {
        Gap::PingNotPermitted => say!(
            lang,
            "Whether ping is answered: this user may not send ICMP echo (`net.ipv4.ping_group_range` or CAP_NET_RAW).",
            "핑 응답 여부: 현재 사용자에게 ICMP echo 전송 권한이 없음(`net.ipv4.ping_group_range` 또는 CAP_NET_RAW)."
        ),
        Gap::NoControl => say!(
            lang,
            "How far an open path would go: no address of the name and of the same family works, so there was nothing to compare with.",
            "정상 경로와의 비교: 이 도메인의 같은 주소 체계(IPv4/IPv6) IP 중 정상인 것이 없어 비교 대상이 없음."
        ),
        Gap::TrailNotFollowed => say!(
            lang,
            "Where on the path it ends: the trail was not followed, for want of time or packets.",
            "경로상 어디에서 끊기는지: 시간 또는 패킷 한도 때문에 경로를 추적하지 않음."
        ),
        Gap::LocalEdgeUnknown => say!(
            lang,
            "Whether this machine's own packet filter or the first router drops it: that takes a packet capture (CAP_NET_RAW).",
            "이 서버 자체의 패킷 필터가 막는지 첫 번째 라우터가 막는지: 구분하려면 패킷 캡처 권한(CAP_NET_RAW)이 필요함."
        ),
        Gap::HostDistanceUnknown => say!(
            lang,
            "How far away the host itself is: the origin of the RST is judged by the trail alone.",
            "목적지 서버까지의 거리: RST를 보낸 위치를 경로 추적만으로 판단함."
        ),
    }
}

/// The stable code of a gap.
pub(crate) const fn gap_code(gap: Gap) -> &'static str {
    match gap {
        Gap::PingNotPermitted => "ping-not-permitted",
        Gap::NoControl => "no-control",
        Gap::TrailNotFollowed => "trail-not-followed",
        Gap::LocalEdgeUnknown => "local-edge-unknown",
        Gap::HostDistanceUnknown => "host-distance-unknown",
    }
}

/// Why we could not even ask.
pub(crate) fn obstacle(obstacle: Obstacle, lang: Lang) -> String {
    match obstacle {
        Obstacle::NoRoute => say!(lang, "no route", "경로(라우팅) 없음"),
        Obstacle::ForbiddenLocally => say!(lang, "forbidden on this machine", "이 서버에서 금지됨"),
        Obstacle::NoPermission => say!(lang, "no permission for this kind of socket", "소켓 사용 권한 없음"),
        Obstacle::PortInUse => say!(lang, "the source port is in use", "출발지 포트 사용 중"),
        Obstacle::OutOfResources => {
            say!(lang, "out of file descriptors or memory", "파일 디스크립터 또는 메모리 부족")
        }
        Obstacle::TooBig { mtu: Some(mtu) } => say!(
            lang,
            "too big for this machine's own link, which carries {mtu} bytes",
            "이 서버의 링크 MTU({mtu}바이트)보다 큼"
        ),
        Obstacle::TooBig { mtu: None } => say!(lang, "too big for any packet", "패킷 최대 크기 초과"),
        Obstacle::Unsupported => say!(lang, "not supported on this system", "이 시스템에서 지원하지 않음"),
    }
}

/// How a resolver behaved, in a few words.
pub(crate) fn conduct(report: &ResolverReport, error: Option<ResolutionError>, lang: Lang) -> String {
    match report.conduct {
        Conduct::Answers if report.addresses.is_empty() => match error {
            Some(error @ (ResolutionError::NxDomain | ResolutionError::NoData)) => {
                resolution_error(error, lang)
            }
            _ => say!(lang, "answers without an address", "응답은 하지만 주소 없음"),
        },
        Conduct::Answers => {
            let count = report.addresses.len();
            let plural = if count == 1 { "address" } else { "addresses" };
            say!(lang, "gives {count} {plural}", "IP 주소 {count}개 응답")
        }
        Conduct::Silent => say!(lang, "never answers", "응답 없음"),
        Conduct::Fails(code) => {
            let code = rcode(code);
            say!(lang, "answers with the error {code}", "오류 {code} 응답")
        }
        Conduct::Unreachable => say!(lang, "its port is closed or barred", "포트가 닫혔거나 차단됨"),
        Conduct::Garbage => {
            say!(lang, "sends what is no answer to the question", "질의와 맞지 않는 응답을 보냄")
        }
        Conduct::NotAsked => {
            say!(lang, "could not be asked from here (no route)", "경로가 없어 질의하지 못함")
        }
    }
}

/// The stable code of a conduct.
pub(crate) const fn conduct_code(conduct: Conduct) -> &'static str {
    match conduct {
        Conduct::Answers => "answers",
        Conduct::Silent => "silent",
        Conduct::Fails(_) => "fails",
        Conduct::Unreachable => "unreachable",
        Conduct::Garbage => "garbage",
        Conduct::NotAsked => "not-asked",
    }
}

/// Why a name gives no address.
pub(crate) fn resolution_error(error: ResolutionError, lang: Lang) -> String {
    match error {
        ResolutionError::NxDomain => {
            say!(lang, "the name does not exist (NXDOMAIN)", "존재하지 않는 도메인(NXDOMAIN)")
        }
        ResolutionError::NoData => say!(
            lang,
            "the name exists, but without addresses (NODATA)",
            "도메인은 있으나 IP 주소가 등록되어 있지 않음(NODATA)"
        ),
        ResolutionError::ServFail => {
            say!(lang, "the DNS server failed (SERVFAIL)", "DNS 서버가 처리에 실패함(SERVFAIL)")
        }
        ResolutionError::Refused => {
            say!(lang, "the DNS server refuses to answer (REFUSED)", "DNS 서버가 응답을 거부함(REFUSED)")
        }
        ResolutionError::Timeout => say!(lang, "no DNS server answered", "응답하는 DNS 서버가 없음"),
    }
}

/// The stable code of a resolution error.
pub(crate) const fn resolution_error_code(error: ResolutionError) -> &'static str {
    match error {
        ResolutionError::NxDomain => "nxdomain",
        ResolutionError::NoData => "no-data",
        ResolutionError::ServFail => "servfail",
        ResolutionError::Refused => "refused",
        ResolutionError::Timeout => "timeout",
    }
}

/// `3 addresses`, `IP 주소 3개`.
pub(crate) fn count_addresses(count: usize, lang: Lang) -> String {
    let plural = if count == 1 { "address" } else { "addresses" };
    say!(lang, "{count} {plural}", "IP 주소 {count}개")
}

/// How sure a verdict from statistics is.
pub(crate) fn confidence(confidence: f64, lang: Lang) -> String {
    let share = units::percent(confidence);
    say!(lang, "confidence {share}", "확신도 {share}")
}
