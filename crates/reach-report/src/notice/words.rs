//! The sentences of notices.

use std::time::Duration;

use reach_core::{
    Time,
    model::{ClientModel, EndpointDiagnosis, Verdict},
    watch::{AddressState, Cause, Ending, Gravity, Incident, Member, News, Notice, Phase, Subject},
};

use super::{Telling, ends, signals};
use crate::{
    Lang,
    clean::clean,
    units,
    watch::{gravity, reason},
    words::{self, say},
};

/// Where nothing failed for so long, the window that is still bad is not what is now.
const OVER_AFTER: Duration = Duration::from_secs(60);
/// Shorter times without watching are not worth a word.
const BLIND: Duration = Duration::from_secs(60);
const DAY: i64 = 86_400;

/// The symbol before the title.
pub(super) fn symbol(notice: &Notice) -> &'static str {
    match (&notice.news, notice.incident.phase) {
        (News::AllClear(_), _) => "✅",
        (News::Unclear(_), _) => "⚪",
        (News::Pool { .. } | News::Hello { .. } | News::Dropped, _) => "ℹ️",
        (News::Extended(_), _) => "⏳",
        (_, Phase::Recovered { .. } | Phase::Closed { .. }) if has_left(&notice.incident) => "⚪",
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
    let mut name = clean(&incident.title);
    let sufferers = signals::sufferers(incident);
    if !sufferers.is_empty() {
        name = format!("{} → {name}", units::some_of(&sufferers, 3, lang));
    }
    let what = headline(notice, lang);
    match (&notice.news, incident.phase) {
        (News::AllClear(_), _) => say!(lang, "{name}: all clear", "{name}: 정상화 확인"),
        (News::Extended(_), _) => say!(lang, "{name}: all clear has to wait", "{name}: 정상화 확인 보류"),
        (News::Unclear(_), _) => {
            say!(lang, "{name}: closed without an all-clear", "{name}: 정상화 확인 없이 종료")
        }
        (News::Dropped, _) if incident.ending == Some(Ending::NotHeard) => {
            say!(lang, "{name}: not heard of any more", "{name}: 더 이상 보고 없음")
        }
        (News::Dropped, _) => say!(lang, "{name}: not watched any more", "{name}: 감시 종료"),
        (News::Pool { .. }, _) => say!(lang, "{name}: its addresses changed", "{name}: IP 목록 변경"),
        (News::Hello { .. }, _) => say!(lang, "{name}: the watch goes on", "{name}: 감시 정상 동작 중"),
        (News::Recovered, _) | (_, Phase::Recovered { .. } | Phase::Closed { .. }) => {
            let over = over(incident, lang);
            say!(lang, "{name}: {over}", "{name}: {over}")
        }
        (News::Worsened { .. }, _) => say!(lang, "{name}: worse, {what}", "{name}: 악화, {what}"),
        (News::Reminder, _) => say!(lang, "{name}: still, {what}", "{name}: 지속 중, {what}"),
        (News::Relapsed, _) => say!(lang, "{name}: again, {what}", "{name}: 재발, {what}"),
        (News::Opened | News::Updated | News::Acknowledged | News::WindowEnded { .. }, _) => {
            say!(lang, "{name}: {what}", "{name}: {what}")
        }
    }
}

/// What may be said of what is over.
fn over(incident: &Incident, lang: Lang) -> &'static str {
    match (incident.subject == Subject::Vantage, lang) {
        (true, Lang::En) => "connected again",
        (true, Lang::Ko) => "네트워크 다시 연결됨",
        (false, Lang::En) if matches!(incident.subject, Subject::Matter(_)) => "over",
        (false, Lang::Ko) if matches!(incident.subject, Subject::Matter(_)) => "해소됨",
        (false, Lang::En) if has_left(incident) => "what failed has left DNS",
        (false, Lang::Ko) if has_left(incident) => "장애 IP가 DNS에서 빠짐",
        (false, Lang::En) if never_failed(incident) => "over",
        (false, Lang::Ko) if never_failed(incident) => "해소됨",
        (false, Lang::En) => "works again",
        (false, Lang::Ko) => "복구됨",
    }
}

/// Nothing that failed has answered since: it is not given any more, and not tried.
fn has_left(incident: &Incident) -> bool {
    !incident.members.is_empty() && incident.members.iter().all(|member| member.state == AddressState::Gone)
}

/// It was about a certificate, a latency, resolvers that differ: nothing was down in it.
pub(super) fn never_failed(incident: &Incident) -> bool {
    incident.members.is_empty() && !incident.clocks.failed && matches!(incident.subject, Subject::Target(_))
}

/// What is wrong, in a few words; whether it is wrong at this moment, where it comes and goes.
fn headline(notice: &Notice, lang: Lang) -> String {
    let incident = &notice.incident;
    let now = match (incident.phase, incident.subject == Subject::Vantage) {
        (Phase::Calming { .. }, true) => {
            say!(lang, "connected again, being watched", "다시 연결됨, 안정 여부 확인 중")
        }
        (Phase::Calming { .. }, false) if never_failed(incident) => {
            say!(lang, "over, being watched", "해소됨, 확인 중")
        }
        (Phase::Calming { .. }, false) => answers_again(incident, lang),
        _ => what_is_wrong(incident, notice.at, lang),
    };
    if incident.unstable {
        say!(lang, "comes and goes (now: {now})", "장애와 복구 반복(현재: {now})")
    } else {
        now
    }
}

/// No address that is given fails any more.
fn answers_again(incident: &Incident, lang: Lang) -> String {
    match gone(incident).count() {
        0 => {}
        1 => return say!(lang, "a failing address has left DNS", "장애 IP 1개가 DNS에서 빠짐"),
        left => {
            return say!(lang, "{left} failing addresses have left DNS", "장애 IP {left}개가 DNS에서 빠짐");
        }
    }
    say!(lang, "answers again, being watched", "다시 응답, 안정 여부 확인 중")
}

fn what_is_wrong(incident: &Incident, now: Time, lang: Lang) -> String {
    let gravest = incident.causes.iter().max_by_key(|cause| weight(cause));
    match gravest {
        Some(Cause::Addresses) => {
            let (failing, pool) = (failing(incident).count(), incident.pool as usize);
            match failing {
                0 => answers_again(incident, lang),
                failing => some_fail(failing, pool, lang),
            }
        }
        Some(Cause::Unresolved(_)) => say!(lang, "name does not resolve", "DNS 조회 실패"),
        // A window of tries is still bad minutes after what was bad in it.
        Some(Cause::FailureShare { last, .. }) if now.since(*last) >= OVER_AFTER => {
            answers_again(incident, lang)
        }
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
            let left = expires.saturating_sub(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
            match (left, (left + DAY / 2) / DAY) {
                (..=0, _) => say!(lang, "certificate ended on {date}", "인증서 만료됨({date})"),
                (_, 0 | 1) => {
                    say!(lang, "certificate ends within a day, on {date}", "인증서 만료까지 1일 이내({date})")
                }
                (_, days) => {
                    say!(
                        lang,
                        "certificate ends in {days} days, on {date}",
                        "인증서 만료까지 {days}일({date})"
                    )
                }
            }
        }
        Some(Cause::Disagreement { .. }) => say!(lang, "DNS servers disagree", "DNS 서버 응답 불일치"),
        Some(Cause::Burn { rate, .. }) => {
            let rate = times(*rate, lang);
            say!(lang, "error budget burns {rate} too fast", "오류 허용량을 {rate} 빠르게 소진")
        }
        Some(Cause::Suffering(suffering)) => {
            let what = signals::suffering_headline(suffering, lang);
            let pool = incident.diagnosis.as_ref().map_or(0, |diagnosis| diagnosis.endpoints.len());
            match explained(incident).filter(|endpoint| !endpoint.verdict.is_partly_usable()).count() {
                0 => what,
                failing => {
                    let addresses = some_fail(failing, pool, lang);
                    say!(lang, "{what}, {addresses}", "{what}, {addresses}")
                }
            }
        }
        Some(Cause::Matter(matter)) => signals::matter_headline(matter, lang),
        Some(Cause::Offline { .. }) => say!(lang, "this host reaches nothing", "이 서버의 네트워크 단절"),
        None => gravity(incident.gravity, lang).to_owned(),
    }
}

/// So many of so many addresses fail.
fn some_fail(failing: usize, pool: usize, lang: Lang) -> String {
    match pool.max(failing) {
        1 => say!(lang, "cannot be reached", "접속 불가"),
        pool if failing == pool => say!(lang, "all {pool} addresses fail", "IP {pool}개 모두 접속 불가"),
        pool => {
            let fail = if failing == 1 { "fails" } else { "fail" };
            say!(lang, "{failing} of {pool} addresses {fail}", "IP {pool}개 중 {failing}개 접속 불가")
        }
    }
}

/// Which of several causes the title names.
fn weight(cause: &Cause) -> u8 {
    match cause {
        Cause::Offline { .. } => 9,
        Cause::Matter(_) => 8,
        Cause::Unresolved(_) => 7,
        Cause::Addresses => 6,
        Cause::Suffering(_) => 5,
        Cause::FailureShare { .. } => 4,
        Cause::Burn { .. } => 3,
        Cause::Certificate { .. } => 2,
        Cause::Latency { .. } => 1,
        Cause::Disagreement { .. } => 0,
    }
}

/// What a cause is, in a sentence; `None` where the title and the list of addresses say it.
pub(super) fn cause(cause: &Cause, incident: &Incident, telling: &Telling<'_>) -> Option<String> {
    let lang = telling.lang;
    Some(match cause {
        Cause::Addresses => return None,
        Cause::Suffering(suffering) => signals::suffering(suffering, incident.diagnosis.as_deref(), lang),
        Cause::Matter(matter) => signals::matter(matter, lang),
        Cause::Unresolved(error) => {
            let error = words::resolution_error(*error, lang);
            say!(lang, "DNS: {error}.", "DNS: {error}.")
        }
        Cause::FailureShare { failed, tries, bounds, threshold, last } => {
            let (low, high) = (units::percent(bounds.0), units::percent(bounds.1));
            let threshold = units::percent(*threshold);
            let mut text = say!(
                lang,
                "{failed} of {tries} tries failed: between {low} and {high} with 95 % confidence, and {threshold} is too much.",
                "{tries}회 시도 중 {failed}회 실패: 실제 실패율은 {low} ~ {high}로 추정(신뢰도 95 %), 기준 {threshold} 초과."
            );
            if *last > Time::default() {
                let last = units::clock_time(*last, telling.utc_offset_s);
                text.push_str(&say!(lang, " The last failure was at {last}.", " 마지막 실패 {last}."));
            }
            text
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
        Cause::Offline { silent, near } => {
            let some = |all: &[String]| {
                let all: Vec<String> = all.iter().map(|text| clean(text)).collect();
                units::some_of(&all, 8, lang)
            };
            let (silent, answers) = (some(silent), some(near));
            let mut text = say!(
                lang,
                "No answer from {silent}. Nothing is said of any target until this host is connected again: what is known of them is frozen.",
                "응답 없음: {silent}. 이 서버의 연결이 복구될 때까지 감시 대상의 상태는 판단하지 않고 그대로 둡니다."
            );
            if !near.is_empty() {
                text.push_str(&say!(
                    lang,
                    " {answers} still answers, a DNS server perhaps from its cache: the fault lies beyond. Without references in the configuration this cannot be told from a block of everything that is watched.",
                    " {answers}⟨은/는⟩ 응답하므로(DNS 서버는 캐시로 응답할 수 있음) 그 너머의 문제입니다. 설정에 references가 없으면 감시 대상 전체가 차단된 경우와 구별할 수 없습니다."
                ));
            }
            text
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

/// What a survey found at addresses that no try of the watch has failed at, where that is what services suffer from.
pub(super) fn explained(incident: &Incident) -> impl Iterator<Item = &EndpointDiagnosis> {
    let suffered = incident.causes.iter().any(|cause| matches!(cause, Cause::Suffering(_)));
    let wanted = suffered && failing(incident).next().is_none();
    let endpoints = incident.diagnosis.iter().filter(move |_| wanted).flat_map(|found| &found.endpoints);
    endpoints.filter(|endpoint| !matches!(endpoint.verdict, Verdict::Ok | Verdict::Inconclusive))
}

/// What a survey found at an address, and where.
pub(super) fn verdict(endpoint: &EndpointDiagnosis, lang: Lang) -> String {
    let meaning = words::meaning(endpoint.verdict, lang);
    match words::place(endpoint, lang) {
        Some(place) => say!(lang, "{meaning}, {place}", "{meaning}, 위치: {place}"),
        None => meaning.to_owned(),
    }
}

/// Why an address fails: what a survey found, or what the tries themselves show.
pub(super) fn why(member: &Member, endpoint: Option<&EndpointDiagnosis>, lang: Lang) -> String {
    let found = endpoint.filter(|endpoint| !matches!(endpoint.verdict, Verdict::Ok | Verdict::Inconclusive));
    let mut text = match found {
        Some(endpoint) => verdict(endpoint, lang),
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
            if from == to {
                return vec![say!(
                    lang,
                    "Until now nothing failed in it; by now something does.",
                    "지금까지는 접속 실패가 없었으나 이제 실패가 발생합니다."
                )];
            }
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
        News::Recovered => ends::recovered(incident, lang),
        News::AllClear(assurance) => ends::clear(assurance, lang),
        News::Extended(assurance) => ends::extended(assurance, lang),
        News::Unclear(assurance) => ends::unclear(assurance, lang),
        News::WindowEnded { held_back } => vec![say!(
            lang,
            "A silence ended. {held_back} notices were held back meanwhile.",
            "알림 중지가 끝났습니다. 그동안 보류된 알림 {held_back}건."
        )],
        News::Dropped if notice.incident.ending == Some(Ending::NotHeard) => vec![say!(
            lang,
            "Nobody tells of it any more; how it was last does not mean that it is well.",
            "더 이상 보고되지 않습니다. 정상화되었다는 뜻은 아닙니다."
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

/// Since when, or from when to when.
pub(super) fn since(notice: &Notice, telling: &Telling<'_>) -> Option<String> {
    let lang = telling.lang;
    let incident = &notice.incident;
    let offset = telling.utc_offset_s;
    let (from, zone) = (units::date_time(incident.began, offset), units::zone(offset));
    if notice.news.stands_alone() {
        return None;
    }
    let blind = (incident.unwatched >= BLIND).then(|| {
        let span = units::stretch(incident.unwatched, lang);
        say!(lang, ", of which {span} not watched", "(그중 {span} 감시 공백)")
    });
    let blind = blind.unwrap_or_default();
    let end = match incident.phase {
        Phase::Open | Phase::Calming { .. } => {
            let span = units::stretch(notice.at.since(incident.began), lang);
            return Some(say!(
                lang,
                "Since {from} ({zone}), {span}{blind}",
                "시작: {from} ({zone}), {span} 경과{blind}"
            ));
        }
        Phase::Recovered { since, .. } => since,
        Phase::Closed { .. } => return Some(say!(lang, "Began {from} ({zone})", "시작: {from} ({zone})")),
    };
    let (to, span) =
        (units::later(incident.began, end, offset), units::stretch(end.since(incident.began), lang));
    Some(say!(
        lang,
        "From {from} to {to} ({zone}), {span}{blind}",
        "기간: {from} ~ {to} ({zone}), {span}{blind}"
    ))
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
