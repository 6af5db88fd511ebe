//! The sentences of notices.

use reach_core::{
    model::{ClientModel, EndpointDiagnosis, Verdict},
    watch::{AddressState, Assurance, Cause, Gravity, Incident, Lack, Member, News, Notice, Phase, Subject},
};

use super::Telling;
use crate::{
    Lang,
    clean::clean,
    units,
    watch::{gravity, reason, state as state_of},
    words::{self, say},
};

/// The symbol before the title.
pub(super) fn symbol(notice: &Notice) -> &'static str {
    match (&notice.news, notice.incident.phase) {
        (News::AllClear(_), _) => "✅",
        (News::Pool { .. } | News::Hello { .. } | News::Dropped, _) => "ℹ️",
        (News::Extended(_), _) => "⏳",
        (_, Phase::Recovered { .. } | Phase::Closed { .. }) => "🟢",
        _ => match notice.incident.gravity {
            Gravity::Critical => "🔴",
            Gravity::Degraded => "🟠",
            Gravity::Warning => "🟡",
            Gravity::Notice => "🔵",
        },
    }
}

/// The one line that says it all, without its symbol.
pub(super) fn title(notice: &Notice, lang: Lang) -> String {
    let incident = &notice.incident;
    let name = clean(&incident.title);
    let what = headline(incident, lang);
    match (&notice.news, incident.phase) {
        (News::AllClear(_), _) => say!(lang, "{name}: all clear", "{name}: 정상화 확인"),
        (News::Extended(_), _) => say!(lang, "{name}: all clear has to wait", "{name}: 정상화 확인 보류"),
        (News::Recovered, _) => say!(lang, "{name}: works again", "{name}: 복구됨"),
        (News::Dropped, _) => say!(lang, "{name}: not watched any more", "{name}: 감시 종료"),
        (News::Pool { .. }, _) => say!(lang, "{name}: its addresses changed", "{name}: IP 목록 변경"),
        (News::Hello { .. }, _) => say!(lang, "{name}: the watch goes on", "{name}: 감시 정상 동작 중"),
        (_, Phase::Recovered { .. } | Phase::Closed { .. }) => {
            say!(lang, "{name}: works again", "{name}: 복구됨")
        }
        (News::Worsened { .. }, _) => say!(lang, "{name}: worse, {what}", "{name}: 악화, {what}"),
        (News::Reminder, _) => say!(lang, "{name}: still, {what}", "{name}: 지속 중, {what}"),
        (News::Relapsed, _) => say!(lang, "{name}: again, {what}", "{name}: 재발, {what}"),
        (News::Opened | News::Updated | News::Acknowledged | News::WindowEnded { .. }, _) => {
            say!(lang, "{name}: {what}", "{name}: {what}")
        }
    }
}

/// What is wrong, in a few words.
fn headline(incident: &Incident, lang: Lang) -> String {
    let gravest = incident.causes.iter().max_by_key(|cause| weight(cause));
    match gravest {
        Some(Cause::Addresses) => {
            let (failing, pool) = (failing(incident).count(), incident.pool as usize);
            match pool.max(failing) {
                _ if failing == 0 => {
                    say!(lang, "answers again, being watched", "다시 응답, 안정 여부 확인 중")
                }
                1 => say!(lang, "cannot be reached", "접속 불가"),
                pool if failing == pool => {
                    say!(lang, "all {pool} addresses fail", "IP {pool}개 모두 접속 불가")
                }
                pool => {
                    let fail = if failing == 1 { "fails" } else { "fail" };
                    say!(lang, "{failing} of {pool} addresses {fail}", "IP {pool}개 중 {failing}개 접속 불가")
                }
            }
        }
        Some(Cause::Unresolved(_)) => say!(lang, "name does not resolve", "DNS 조회 실패"),
        Some(Cause::FailureShare { failed, tries, .. }) => {
            let share = units::percent(share(*failed, *tries));
            say!(lang, "{share} of connections fail", "연결 실패율 {share}")
        }
        Some(Cause::Latency { measured, .. }) => {
            let measured = units::span(*measured, lang);
            say!(lang, "slow, {measured}", "지연 {measured}")
        }
        Some(Cause::Certificate { expires, .. }) => {
            let date = units::date(*expires);
            say!(lang, "certificate ends {date}", "인증서 만료 {date}")
        }
        Some(Cause::Disagreement { .. }) => say!(lang, "DNS servers disagree", "DNS 서버 응답 불일치"),
        Some(Cause::Burn { rate, .. }) => {
            let rate = times(*rate, lang);
            say!(lang, "error budget burns {rate} too fast", "오류 허용량을 {rate} 빠르게 소진")
        }
        Some(Cause::Offline { .. }) => say!(lang, "this host reaches nothing", "이 서버의 네트워크 단절"),
        None => gravity(incident.gravity, lang).to_owned(),
    }
}

/// Which of several causes the title names.
fn weight(cause: &Cause) -> u8 {
    match cause {
        Cause::Offline { .. } => 7,
        Cause::Unresolved(_) => 6,
        Cause::Addresses => 5,
        Cause::FailureShare { .. } => 4,
        Cause::Burn { .. } => 3,
        Cause::Certificate { .. } => 2,
        Cause::Latency { .. } => 1,
        Cause::Disagreement { .. } => 0,
    }
}

/// What a cause is, in a sentence; `None` where the title and the list of addresses say it.
pub(super) fn cause(cause: &Cause, telling: &Telling<'_>) -> Option<String> {
    let lang = telling.lang;
    Some(match cause {
        Cause::Addresses => return None,
        Cause::Unresolved(error) => {
            let error = words::resolution_error(*error, lang);
            say!(lang, "DNS: {error}.", "DNS: {error}.")
        }
        Cause::FailureShare { failed, tries, bounds, threshold } => {
            let (low, high) = (units::percent(bounds.0), units::percent(bounds.1));
            let threshold = units::percent(*threshold);
            say!(
                lang,
                "{failed} of {tries} tries failed: between {low} and {high} with 95 % confidence, and {threshold} is too much.",
                "{tries}회 시도 중 {failed}회 실패: 실제 실패율은 {low} ~ {high}로 추정(신뢰도 95 %), 기준 {threshold} 초과."
            )
        }
        Cause::Latency { measured, above, quantile } => {
            let (measured, above) = (units::span(*measured, lang), units::span(*above, lang));
            let share = units::percent(*quantile);
            say!(
                lang,
                "{share} of the handshakes take up to {measured}; {above} is too much.",
                "핸드셰이크의 {share}⟨이/가⟩ {measured} 이내로, 기준 {above}⟨을/를⟩ 넘습니다."
            )
        }
        Cause::Certificate { expires, addresses, subject } => {
            let (date, subject) = (units::date(*expires), clean(subject));
            let some: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let who = units::some_of(&some, 6, lang);
            say!(
                lang,
                "The certificate {subject} of {who} ends on {date} (UTC).",
                "인증서 {subject} 만료일 {date}(UTC), 사용 중인 IP: {who}"
            )
        }
        Cause::Disagreement { odd } => {
            let odd: Vec<String> = odd.iter().map(units::resolver).collect();
            let odd = units::some_of(&odd, 6, lang);
            say!(
                lang,
                "DNS servers do not all give the same addresses; these differ: {odd}.",
                "DNS 서버마다 응답하는 IP가 다름: {odd}"
            )
        }
        Cause::Burn { objective, rate, window } => {
            let objective = format!("{:.3}", objective * 100.0);
            let objective = objective.trim_end_matches('0').trim_end_matches('.');
            let (rate, window) = (times(*rate, lang), units::stretch(*window, lang));
            say!(
                lang,
                "Over {window} the failures that an objective of {objective} % allows were used up {rate} too fast.",
                "최근 {window} 동안 목표 {objective} %가 허용하는 실패를 {rate} 빠르게 소진했습니다."
            )
        }
        Cause::Offline { silent } => {
            let silent: Vec<String> = silent.iter().map(|text| clean(text)).collect();
            let silent = units::some_of(&silent, 8, lang);
            say!(
                lang,
                "No answer from {silent}. Nothing is said of any target until this host is connected again: what is known of them is frozen.",
                "응답 없음: {silent}. 이 서버의 연결이 복구될 때까지 감시 대상의 상태는 판단하지 않고 그대로 둡니다."
            )
        }
    })
}

/// What it means for whoever connects.
pub(super) fn impact(incident: &Incident, lang: Lang) -> Option<String> {
    if !incident.causes.contains(&Cause::Addresses) {
        return None;
    }
    let (failing, pool) = (failing(incident).count(), incident.pool as usize);
    if failing == 0 {
        return None;
    }
    if failing >= pool {
        return Some(say!(
            lang,
            "No client can connect from here.",
            "이 서버에서는 어떤 클라이언트도 연결할 수 없습니다."
        ));
    }
    // A survey modelled what clients suffer; that holds as long as what it saw does.
    let modelled = incident.diagnosis.as_ref().and_then(|diagnosis| {
        let seen = diagnosis.endpoints.iter().filter(|endpoint| !endpoint.verdict.is_partly_usable());
        if seen.count() != failing || diagnosis.endpoints.len() != pool {
            return None;
        }
        let impact = diagnosis.impact.iter().find(|impact| impact.client == ClientModel::FirstAddress)?;
        (impact.failure_share > 0.0).then_some(impact.failure_share)
    });
    let share = units::percent(modelled.unwrap_or(failing as f64 / pool as f64));
    Some(say!(
        lang,
        "{share} of connections fail for clients that try one address only; others are delayed.",
        "IP 하나만 시도하는 클라이언트는 연결의 {share}⟨이/가⟩ 실패하고, 여러 IP를 시도하는 클라이언트는 지연됩니다."
    ))
}

/// The addresses that fail now.
pub(super) fn failing(incident: &Incident) -> impl Iterator<Item = &Member> {
    incident.members.iter().filter(|member| member.state != AddressState::Ok && !is_gone(member))
}

/// The addresses that failed and that nobody gives any more.
pub(super) fn gone(incident: &Incident) -> impl Iterator<Item = &Member> {
    incident.members.iter().filter(|member| member.state != AddressState::Ok && is_gone(member))
}

fn is_gone(member: &Member) -> bool {
    member.gone || member.state == AddressState::Gone
}

/// Why an address fails: what a survey found, or what the tries themselves show.
pub(super) fn why(member: &Member, endpoint: Option<&EndpointDiagnosis>, lang: Lang) -> String {
    let found = endpoint.filter(|endpoint| !matches!(endpoint.verdict, Verdict::Ok | Verdict::Inconclusive));
    let mut text = match found {
        Some(endpoint) => {
            let meaning = words::meaning(endpoint.verdict, lang);
            match words::place(endpoint, lang) {
                Some(place) => say!(lang, "{meaning}, {place}", "{meaning}, 위치: {place}"),
                None => meaning.to_owned(),
            }
        }
        None => reason(member.reason, lang).to_owned(),
    };
    if member.from_birth {
        text.push_str(&say!(
            lang,
            "; new, has never answered: a list of allowed addresses may lack it",
            "; 새 IP이며 한 번도 응답 없음: 방화벽 허용 목록 누락 의심"
        ));
    }
    if member.state == AddressState::Recovering {
        text.push_str(&say!(lang, "; answers again since shortly", "; 조금 전부터 다시 응답"));
    }
    text
}

/// What the news adds to what is wrong.
pub(super) fn news(notice: &Notice, telling: &Telling<'_>) -> Vec<String> {
    let lang = telling.lang;
    let incident = &notice.incident;
    match &notice.news {
        News::Worsened { from } => {
            let (from, to) = (gravity(*from, lang), gravity(incident.gravity, lang));
            vec![say!(lang, "It was {from} and is {to} now.", "심각도: {from} → {to}")]
        }
        News::Relapsed => {
            let times = incident.relapses.max(1);
            vec![say!(
                lang,
                "It was called recovered and began again ({times} times so far).",
                "복구된 뒤 다시 시작되었습니다(누적 {times}회)."
            )]
        }
        News::Recovered => {
            let quiet = units::stretch(incident.quiet, lang);
            vec![say!(
                lang,
                "Nothing has failed for {quiet}. The all-clear follows when enough tries have shown it.",
                "{quiet} 동안 실패가 없습니다. 충분한 횟수로 확인되면 정상화를 알려 드립니다."
            )]
        }
        News::AllClear(assurance) => clear(assurance, lang),
        News::Extended(assurance) => extended(assurance, lang),
        News::WindowEnded { held_back } => vec![say!(
            lang,
            "A silence ended. {held_back} notices were held back meanwhile.",
            "알림 중지가 끝났습니다. 그동안 보류된 알림 {held_back}건."
        )],
        News::Dropped => vec![say!(
            lang,
            "The configuration does not name it any more; how it was last does not mean that it works.",
            "설정에서 제외되었습니다. 정상화되었다는 뜻은 아닙니다."
        )],
        News::Pool { appeared, vanished } => {
            let list = |addresses: &std::collections::BTreeSet<std::net::IpAddr>| {
                let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                units::some_of(&all, 16, lang)
            };
            let mut lines = Vec::new();
            if !appeared.is_empty() {
                let list = list(appeared);
                lines.push(say!(lang, "New: {list}", "새 IP: {list}"));
            }
            if !vanished.is_empty() {
                let list = list(vanished);
                lines.push(say!(lang, "Not given any more: {list}", "더 이상 응답에 없는 IP: {list}"));
            }
            lines
        }
        News::Hello { targets, addresses, incidents } => vec![
            say!(
                lang,
                "Watched: targets {targets}, addresses {addresses}.",
                "감시 대상 {targets}개, IP {addresses}개."
            ),
            match incidents {
                0 => say!(lang, "No incident is open.", "진행 중인 장애 없음."),
                _ => say!(lang, "Open incidents: {incidents}.", "진행 중인 장애 {incidents}건."),
            },
        ],
        News::Opened | News::Updated | News::Reminder | News::Acknowledged => Vec::new(),
    }
}

pub(super) fn clear(assurance: &Assurance, lang: Lang) -> Vec<String> {
    let addresses = assurance.addresses.len();
    let tries: u64 = assurance.addresses.values().map(|one| u64::from(one.tries)).sum();
    let failures: u64 = assurance.addresses.values().map(|one| u64::from(one.failures)).sum();
    let span = units::stretch(assurance.until.since(assurance.from), lang);
    let tried = match failures {
        0 => say!(
            lang,
            "{tries} tries of {addresses} addresses in {span}: none failed.",
            "{span} 동안 IP {addresses}개를 {tries}회 시도: 실패 없음."
        ),
        failures => say!(
            lang,
            "{tries} tries of {addresses} addresses in {span}: {failures} failed.",
            "{span} 동안 IP {addresses}개를 {tries}회 시도: {failures}회 실패."
        ),
    };
    let mut lines = vec![tried];
    // Where something failed the table says how bad it may be, address by address.
    let worst = assurance.addresses.values().map(|one| one.bound).max_by(f64::total_cmp);
    if let Some(worst) = worst.filter(|_| failures == 0) {
        let (bound, confidence) = (bound(worst), units::percent(assurance.confidence));
        lines.push(say!(
            lang,
            "So the share of failures of each address is below {bound} with {confidence} confidence.",
            "따라서 IP별 실패율은 신뢰도 {confidence}로 {bound} 미만입니다."
        ));
    }
    let new = assurance.addresses.values().filter(|one| one.new).count();
    if new > 0 {
        lines.push(say!(
            lang,
            "Addresses that were first seen meanwhile, covered too: {new}.",
            "확인 도중 새로 나타난 IP {new}개도 포함한 결과입니다."
        ));
    }
    let gone = assurance.addresses.values().filter(|one| one.gone).count();
    if gone > 0 {
        lines.push(say!(
            lang,
            "Addresses that left DNS meanwhile, tried all the same: {gone}.",
            "그사이 DNS에서 빠진 IP {gone}개도 계속 확인했습니다."
        ));
    }
    lines
}

/// Rounded upwards: a bound that is rounded down is none.
pub(super) fn bound(share: f64) -> String {
    format!("{:.2} %", (share * 10_000.0).ceil() / 100.0)
}

pub(super) fn extended(assurance: &Assurance, lang: Lang) -> Vec<String> {
    let wanted = units::percent(assurance.wanted);
    let mut lines = vec![say!(
        lang,
        "What was tried does not yet show that each address fails in less than {wanted}:",
        "아직 모든 IP의 실패율이 {wanted} 미만이라고 말하기에 부족합니다:"
    )];
    let lacks: Vec<String> = assurance.lacking.iter().map(|one| lack(one, lang)).collect();
    lines.push(units::some_of(&lacks, 6, lang));
    lines
}

pub(super) fn lack(lack: &Lack, lang: Lang) -> String {
    match lack {
        Lack::TooFew { address, tries, needed } => say!(
            lang,
            "{address} was tried {tries} of {needed} times",
            "{address} 시도 {tries}회(필요 {needed}회)"
        ),
        Lack::Failed { address, failures } => {
            say!(lang, "{address} failed {failures} times", "{address} 실패 {failures}회")
        }
        Lack::NotWell { address, state } => {
            let state = state_of(*state, lang);
            say!(lang, "{address} is {state}", "{address} 상태: {state}")
        }
        Lack::Unresolved => say!(lang, "the name did not resolve", "DNS 조회 실패가 있었음"),
        Lack::Gap { seconds } => {
            let span = units::stretch(std::time::Duration::from_secs(*seconds), lang);
            say!(lang, "{span} were not watched", "{span} 동안 감시 공백")
        }
        Lack::Nothing => say!(lang, "nothing was tried", "시도한 기록 없음"),
    }
}

/// Since when, or from when to when.
pub(super) fn since(notice: &Notice, telling: &Telling<'_>) -> Option<String> {
    let lang = telling.lang;
    let incident = &notice.incident;
    let offset = telling.utc_offset_s;
    let (from, zone) = (units::date_time(incident.began, offset), units::zone(offset));
    if notice.news.stands_alone() {
        return None;
    }
    let end = match incident.phase {
        Phase::Open | Phase::Calming { .. } => {
            let span = units::stretch(notice.at.since(incident.began), lang);
            return Some(say!(lang, "Since {from} ({zone}), {span}", "시작: {from} ({zone}), {span} 경과"));
        }
        Phase::Recovered { since, .. } => since,
        Phase::Closed { .. } => return Some(say!(lang, "Began {from} ({zone})", "시작: {from} ({zone})")),
    };
    let (to, span) =
        (units::later(incident.began, end, offset), units::stretch(end.since(incident.began), lang));
    Some(say!(lang, "From {from} to {to} ({zone}), {span}", "기간: {from} ~ {to} ({zone}), {span}"))
}

/// Remarks on how this incident is handled.
pub(super) fn handling(incident: &Incident, telling: &Telling<'_>) -> Vec<String> {
    let lang = telling.lang;
    let mut lines = Vec::new();
    if let Some(taken) = &incident.acknowledged {
        let (by, at) = (clean(&taken.by), units::clock_time(taken.at, telling.utc_offset_s));
        lines.push(say!(lang, "Taken on by {by} at {at}.", "담당: {by} ({at} 확인)"));
    }
    if let Some(until) = incident.muted_until {
        let until = units::date_time(until, telling.utc_offset_s);
        lines.push(say!(
            lang,
            "Muted until {until}, unless it gets worse.",
            "{until}까지 알림 끔(악화 시 제외)"
        ));
    }
    if incident.unstable {
        let quiet = units::stretch(incident.quiet, lang);
        lines.push(say!(
            lang,
            "It comes and goes: only a rise rings now, and recovery is told after {quiet} without a failure.",
            "장애와 복구가 반복 중: 악화될 때만 소리로 알리고, {quiet} 동안 실패가 없어야 복구로 봅니다."
        ));
    }
    lines
}

/// What is still being looked into.
pub(super) fn pending(notice: &Notice, lang: Lang) -> Option<String> {
    let incident = &notice.incident;
    let waits = matches!(notice.news, News::Opened | News::Relapsed)
        && incident.phase == Phase::Open
        && matches!(incident.subject, Subject::Target(_))
        && incident.causes.contains(&Cause::Addresses)
        && incident.diagnosis.is_none();
    waits.then(|| {
        say!(lang, "Where and by whose hand is being examined.", "차단 위치와 원인을 확인하고 있습니다.")
    })
}

fn share(failed: u32, tries: u32) -> f64 {
    if tries == 0 { 0.0 } else { f64::from(failed) / f64::from(tries) }
}

/// `14 times`, `1.5배`.
fn times(rate: f64, lang: Lang) -> String {
    let rate = if rate >= 9.95 { format!("{rate:.0}") } else { format!("{rate:.1}") };
    say!(lang, "{rate} times", "{rate}배")
}
