//! From notices to the items of a message.

use std::net::IpAddr;

use reach_core::{
    model::{Case, Effort, Finding, Matter, Plan, Severity},
    watch::{Incident, News, Notice, Phase, Subject, courier::Part},
};

use super::{Item, Kind, Message, Telling, words};
use crate::{
    clean::clean,
    scene::Scene,
    units,
    words::{self as common, say},
};

/// So many addresses are told in one item.
const TOGETHER: usize = 12;
/// So many requests are made in one message.
const ASKS: usize = 2;

// What is left out first.
const KEEP: u8 = 0;
const FACT: u8 = 1;
const ADDRESS: u8 = 2;
const FINDING: u8 = 3;
const ASK: u8 = 4;

impl Item {
    fn line(text: String, rank: u8) -> Self {
        Self { kind: Kind::Line, text, counts: 0, rank }
    }

    fn foot(text: String, rank: u8) -> Self {
        Self { kind: Kind::Foot, text, counts: 0, rank }
    }
}

/// One notice.
pub(super) fn one(part: &Part, telling: &Telling<'_>) -> Message {
    let notice = &part.notice;
    let incident = &notice.incident;
    let lang = telling.lang;
    let mut items = Vec::new();
    if let Some(other) = &part.instead_of {
        let (channel, trouble) = (clean(&other.channel), clean(&other.trouble));
        items.push(Item::line(
            say!(
                lang,
                "Sent here because {channel} did not take it: {trouble}",
                "{channel} 채널로 전달되지 않아 대신 보냅니다: {trouble}"
            ),
            KEEP,
        ));
    }
    items.extend(words::news(notice, telling).into_iter().map(|line| Item::line(line, FACT)));
    let open = matches!(incident.phase, Phase::Open | Phase::Calming { .. });
    if open && !notice.news.stands_alone() && notice.news != News::Dropped {
        items.extend(words::impact(incident, lang).map(|line| Item::line(line, FACT)));
        items.extend(
            incident
                .causes
                .iter()
                .filter_map(|cause| words::cause(cause, incident, telling))
                .map(|line| Item::line(line, FACT)),
        );
        addresses(&mut items, incident, telling);
        if !matches!(notice.news, News::Reminder) {
            examined(&mut items, notice, telling);
        }
    }
    items.extend(words::handling(incident, telling).into_iter().map(|line| Item::line(line, FACT)));
    items.extend(words::since(notice, telling).map(|line| Item::line(line, FACT)));
    feet(&mut items, part, telling);
    let title = format!("{} {}", words::symbol(notice), words::title(notice, lang));
    Message { lang, title, items, id: id(notice) }
}

/// Many incidents in one message.
pub(super) fn digest(parts: &[Part], telling: &Telling<'_>) -> Message {
    let lang = telling.lang;
    let count = parts.len();
    let weight = |part: &Part| {
        let incident = &part.notice.incident;
        (matches!(incident.phase, Phase::Open | Phase::Calming { .. }), incident.gravity)
    };
    let worst = parts.iter().max_by_key(|part| weight(part));
    let symbol = worst.map_or("", |part| words::symbol(&part.notice));
    let title = if parts.iter().all(|part| matches!(part.notice.news, News::WindowEnded { .. })) {
        say!(
            lang,
            "a silence ended, in which {count} incidents were held back",
            "알림 중지 종료, 그동안의 장애 {count}건"
        )
    } else {
        say!(lang, "{count} incidents at once", "동시에 발생한 장애 알림 {count}건")
    };
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_by_key(|part| (std::cmp::Reverse(weight(part)), part.notice.incident.id));
    let mut items: Vec<Item> = Vec::new();
    if let Some(other) = parts.iter().find_map(|part| part.instead_of.as_ref()) {
        let (channel, trouble) = (clean(&other.channel), clean(&other.trouble));
        items.push(Item::line(
            say!(
                lang,
                "Sent here because {channel} did not take them: {trouble}",
                "{channel} 채널로 전달되지 않아 대신 보냅니다: {trouble}"
            ),
            KEEP,
        ));
    }
    items.extend(parts.iter().map(|part| {
        let notice = &part.notice;
        let began = units::clock_time(notice.incident.began, telling.utc_offset_s);
        let text =
            format!("{} {} ({began}, {})", words::symbol(notice), words::title(notice, lang), id(notice));
        Item { kind: Kind::Bullet, text, counts: 1, rank: ADDRESS }
    }));
    let at = parts.first().map(|part| part.notice.at).unwrap_or_default();
    let (at, zone) = (units::date_time(at, telling.utc_offset_s), units::zone(telling.utc_offset_s));
    let host = host(telling);
    items.push(Item::foot(format!("{at} ({zone}){host}"), FACT));
    let ids: Vec<String> = parts.iter().map(|part| format!("#{}", part.notice.incident.id.0)).collect();
    Message { lang, title: format!("{symbol} {title}"), items, id: units::some_of(&ids, 8, lang) }
}

/// The addresses, those with the same fate together.
fn addresses(items: &mut Vec<Item>, incident: &Incident, telling: &Telling<'_>) {
    let lang = telling.lang;
    let diagnosis = incident.diagnosis.as_deref();
    let mut fates: Vec<(String, Vec<IpAddr>)> = Vec::new();
    let mut add = |why: String, address: IpAddr| match fates.iter_mut().find(|(known, _)| *known == why) {
        Some((_, addresses)) => addresses.push(address),
        None => fates.push((why, vec![address])),
    };
    for member in words::failing(incident) {
        let endpoints = diagnosis.iter().flat_map(|diagnosis| &diagnosis.endpoints);
        let endpoint = endpoints.into_iter().find(|endpoint| endpoint.endpoint.address == member.address);
        add(words::why(member, endpoint, lang), member.address);
    }
    // What an application suffers and the examination explains need not have failed a try of the watch yet.
    for endpoint in words::explained(incident) {
        add(words::verdict(endpoint, lang), endpoint.endpoint.address);
    }
    for member in words::gone(incident) {
        let why = say!(
            lang,
            "failed until it left DNS, which is no recovery",
            "실패하던 중 DNS에서 빠짐(복구된 것은 아님)"
        );
        add(why, member.address);
    }
    for (why, addresses) in fates {
        for some in addresses.chunks(TOGETHER) {
            let list = units::addresses(some);
            items.push(Item {
                kind: Kind::Bullet,
                text: say!(lang, "{list}: {why}", "{list}: {why}"),
                counts: some.len(),
                rank: ADDRESS,
            });
        }
    }
}

/// What a survey found, and what to ask of whom.
fn examined(items: &mut Vec<Item>, notice: &Notice, telling: &Telling<'_>) {
    let incident = &notice.incident;
    let lang = telling.lang;
    let Some(diagnosis) = incident.diagnosis.as_deref() else {
        items.extend(words::pending(notice, lang).map(|line| Item::line(line, FACT)));
        return;
    };
    let case = Case {
        target: diagnosis.target.clone(),
        vantage: telling.vantage.clone(),
        plan: Plan::new(Effort::Normal, 0),
        started: incident.began,
    };
    let scene = Scene { case: &case, diagnosis, finished: notice.at, offset_s: telling.utc_offset_s, lang };
    let worth = |finding: &&Finding| {
        finding.severity == Severity::Error
            && !matches!(finding.matter, Matter::PartialBlock { .. } | Matter::AllBlocked { .. })
    };
    for finding in diagnosis.findings.iter().filter(worth) {
        items.push(Item::line(common::finding(&scene, finding), FINDING));
    }
    let asks = common::findings_with_ask(&scene).into_iter();
    let asks = asks.filter(|(finding, _)| finding.severity == Severity::Error).map(|(_, ask)| ask);
    let unresolved = diagnosis.resolution.error.filter(|_| diagnosis.endpoints.is_empty());
    let advice = unresolved.map(|error| common::resolution_advice(&scene, error));
    for ask in advice.into_iter().chain(asks).take(ASKS) {
        let head = ask.to.text(lang).to_owned();
        items.push(Item { kind: Kind::QuoteHead, text: head, counts: 0, rank: ASK });
        let lines = ask.lines.into_iter();
        items.extend(lines.map(|text| Item { kind: Kind::Quote, text, counts: 0, rank: ASK }));
    }
}

/// Whose message it is, and how it came.
fn feet(items: &mut Vec<Item>, part: &Part, telling: &Telling<'_>) {
    let lang = telling.lang;
    let notice = &part.notice;
    let mut words = id(notice);
    words.push_str(&host(telling));
    if part.changes > 0 {
        let changes = part.changes;
        words.push_str(&say!(
            lang,
            " · stands for {changes} earlier ones too",
            " · 이전 변경 {changes}건 포함"
        ));
    }
    if part.again {
        words.push_str(&say!(lang, " · may have come before", " · 중복 수신 가능"));
    }
    items.push(Item::foot(words, KEEP));
    let labels: Vec<String> = notice
        .incident
        .labels
        .iter()
        .map(|(name, value)| format!("{}={}", clean(name), clean(value)))
        .collect();
    if !labels.is_empty() && matches!(notice.incident.subject, Subject::Target(_)) {
        items.push(Item::foot(units::some_of(&labels, 6, lang), FINDING));
    }
}

fn host(telling: &Telling<'_>) -> String {
    match clean(&telling.vantage.host) {
        host if host.is_empty() => host,
        host => format!(" · {host}"),
    }
}

fn id(notice: &Notice) -> String {
    format!("#{}·{}", notice.incident.id.0, notice.seq)
}
