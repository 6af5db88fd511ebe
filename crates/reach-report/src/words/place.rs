//! Where on the path. Never more exact than what was measured: a packet that vanishes behind the last router
//! that answered vanishes in that router, on the link, or in the next device.

use reach_core::model::{EndpointDiagnosis, Location, TrailAnswer, Verdict};

use super::say;
use crate::Lang;

/// What a location means depends on the verdict.
enum Kind {
    /// The device that answered names itself.
    Told,
    /// Inferred from where the trail ends.
    Inferred,
    /// This machine.
    Here,
    /// The host.
    Host,
}

/// The kind of place; `None` for faults above TCP and for loss, which a trail of SYNs does not locate.
fn kind(verdict: Verdict) -> Option<Kind> {
    match verdict {
        Verdict::Prohibited | Verdict::Unreachable => Some(Kind::Told),
        Verdict::ResetByPath | Verdict::Filtered | Verdict::FlowDependent | Verdict::NameBlocked => {
            Some(Kind::Inferred)
        }
        Verdict::BlockedLocally => Some(Kind::Here),
        Verdict::Refused => Some(Kind::Host),
        Verdict::Ok
        | Verdict::NoRoute
        | Verdict::Lossy
        | Verdict::ClosedEarly
        | Verdict::MtuBlackhole
        | Verdict::Untrusted
        | Verdict::TlsFailed
        | Verdict::Silent
        | Verdict::HttpError
        | Verdict::Inconclusive => None,
    }
}

/// Where it ends, as part of a sentence: "at or directly behind hop 1 (10.70.0.1)".
pub(crate) fn place(endpoint: &EndpointDiagnosis, lang: Lang) -> Option<String> {
    let kind = kind(endpoint.verdict)?;
    let location = endpoint.location.as_ref()?;
    let ttl = location.ttl;
    let place = match (kind, location.by, location.last_answering) {
        (Kind::Here, ..) => return Some(say!(lang, "on this machine", "이 서버 내부")),
        (Kind::Host, ..) => return Some(say!(lang, "at the host itself", "목적지 서버 자체")),
        (Kind::Told, Some(by), _) => {
            return Some(match hop_of(location) {
                Some(hop) => say!(lang, "at hop {hop} ({by})", "{hop}번째 홉({by})"),
                None => say!(lang, "at {by}", "{by}"),
            });
        }
        // The hop at which it arises is known from an open path only: this packet did not get an answer there.
        (Kind::Inferred, Some(by), last) if last != Some(by) => {
            return Some(say!(lang, "at or directly before {by}", "{by} 또는 그 바로 앞"));
        }
        (_, _, Some(last)) => {
            say!(lang, "at or directly behind hop {ttl} ({last})", "{ttl}번째 홉({last}) 또는 그 바로 뒤")
        }
        (_, _, None) if ttl > 0 => {
            say!(lang, "at or directly behind hop {ttl}", "{ttl}번째 홉 또는 그 바로 뒤")
        }
        (_, _, None) => say!(
            lang,
            "before any router answers, at this machine's edge or the first hop",
            "첫 응답 구간 이전(이 서버의 경계 또는 첫 번째 홉)"
        ),
    };
    let Some(next) = location.next_on_open_path else { return Some(place) };
    Some(if next == endpoint.endpoint.address || location.control == Some(next) {
        say!(lang, "{place}, the last hop before the host", "{place}(목적지 서버 직전 구간)")
    } else if endpoint.verdict == Verdict::NameBlocked {
        // The way that SYNs to the same address take.
        say!(lang, "{place}, before {next}", "{place}(다음 구간 {next} 이전)")
    } else {
        say!(lang, "{place}, before {next} of the open path", "{place}(정상 경로의 다음 구간 {next} 이전)")
    })
}

/// The same for a column of a table; empty where there is nothing to say.
pub(crate) fn place_short(endpoint: &EndpointDiagnosis, lang: Lang) -> String {
    let (Some(kind), Some(location)) = (kind(endpoint.verdict), endpoint.location.as_ref()) else {
        return String::new();
    };
    let ttl = location.ttl;
    match (kind, location.by, location.last_answering) {
        (Kind::Here, ..) => say!(lang, "on this machine", "이 서버 내부"),
        (Kind::Host, ..) => say!(lang, "at the host", "목적지 서버"),
        (Kind::Told, Some(by), _) => match hop_of(location) {
            Some(hop) => say!(lang, "at hop {hop} ({by})", "{hop}홉({by})"),
            None => say!(lang, "at {by}", "{by}"),
        },
        (Kind::Inferred, Some(by), last) if last != Some(by) => {
            say!(lang, "at/before {by}", "{by} 또는 직전")
        }
        (_, _, Some(last)) => say!(lang, "at/behind hop {ttl} ({last})", "{ttl}홉({last}) 또는 직후"),
        (_, _, None) if ttl > 0 => say!(lang, "at/behind hop {ttl}", "{ttl}홉 또는 직후"),
        (_, _, None) => say!(lang, "before hop 1 answers", "첫 응답 구간 이전"),
    }
}

/// The hop number of the device that answered in the host's place, as far as the trail shows it.
fn hop_of(location: &Location) -> Option<u8> {
    let by = location.by?;
    location
        .trail
        .iter()
        .find(|hop| matches!(hop.answer, TrailAnswer::Router(router) if router == by))
        .map(|hop| hop.ttl)
}
