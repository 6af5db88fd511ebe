//! The request form of a hand-over: the rules that are asked for, one a line, and nothing else.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;

use super::{
    Material, headline,
    letter::{self, Fault},
    rules,
};
use crate::{
    Lang,
    clean::clean,
    request::{Destination, Direction, Protocol, RequestForm, Requester, Rule},
    units,
    words::{self, say},
};

/// The form; `None` where no rule would mend anything.
pub fn form(material: &Material<'_>, lang: Lang) -> Option<RequestForm> {
    let faults = letter::faults(material, lang);
    let made = super::today(material);
    let mut rules: Vec<Rule> = Vec::new();
    for fault in faults.iter().filter(|fault| fault.kind.wants_rule()) {
        let number = u32::try_from(rules.len() + 1).unwrap_or(u32::MAX);
        let by_name = rule(material, fault, number, made);
        let prefixes = rules::prefixes(&fault.scene, material.feeds, &fault.failing);
        if prefixes.is_empty() {
            rules.push(by_name);
            continue;
        }
        // The same by published ranges, for firewalls that know no names.
        let lang = fault.scene.lang;
        rules.push(Rule { alternative: 1, ..by_name.clone() });
        rules.push(Rule {
            number: number.saturating_add(1),
            alternative: 2,
            destination: prefixes.into_iter().map(Destination::Network).collect(),
            remark: say!(
                lang,
                "the provider's published ranges that hold the failing addresses; to be renewed monthly",
                "실패한 IP가 속한 제공사 공개 대역, 매월 갱신 필요"
            ),
            ..by_name
        });
    }
    let first = faults.iter().find(|fault| fault.kind.wants_rule())?;
    let (seen, needed) = headline::two_lines(first);
    let asker = material.asker;
    let text = |text: &Option<String>| text.as_deref().map(clean);
    let notes = faults.iter().filter(|fault| fault.kind.wants_rule()).flat_map(notes).collect();
    Some(RequestForm {
        lang,
        title: None,
        requester: Requester {
            name: text(&asker.requester),
            department: text(&asker.department),
            position: None,
            phone: text(&asker.contact).filter(|contact| !contact.contains('@')),
            mail: text(&asker.contact).filter(|contact| contact.contains('@')),
        },
        made,
        rules,
        reason: format!("{seen} {needed}"),
        approver: None,
        impact: None,
        rollback: None,
        notes,
    })
}

fn rule(material: &Material<'_>, fault: &Fault<'_>, number: u32, made: Date) -> Rule {
    let scene = &fault.scene;
    let lang = scene.lang;
    let asker = material.asker;
    let (destination, name) = match scene.name() {
        Some(name) => (vec![Destination::Name(name.clone())], name),
        None => (
            fault.failing.iter().map(|address| Destination::Network(IpNet::from(*address))).collect(),
            String::new(),
        ),
    };
    let purpose = asker.purpose.as_deref().map_or_else(
        || {
            let what = clean(&scene.diagnosis.target.text);
            say!(lang, "connection to {what}", "{what} 접속")
        },
        clean,
    );
    Rule {
        number,
        firewall: String::new(),
        source: scene.sources_for(&fault.failing).into_iter().map(IpNet::from).collect(),
        source_name: clean(&scene.case.vantage.host),
        destination,
        destination_name: name,
        protocol: Protocol::Tcp,
        ports: vec![scene.port()..=scene.port()],
        direction: Direction::Out,
        purpose,
        from: asker.from.unwrap_or(made),
        until: asker.until,
        remark: if scene.name().is_some() {
            let resolvers: Vec<String> = scene
                .diagnosis
                .resolution
                .resolvers
                .iter()
                .map(|one| units::resolver(&one.resolver))
                .collect();
            let resolvers = units::some_of(&resolvers, 3, lang);
            say!(
                lang,
                "by name (FQDN or SNI), resolved as this host does ({resolvers})",
                "도메인(FQDN 또는 SNI) 기준, 이 서버와 같은 DNS 사용({resolvers})"
            )
        } else {
            String::new()
        },
        nat_ip: Some(asker.nat_ip.as_deref().map(clean).unwrap_or_default()),
        alternative: 0,
    }
}

/// What else whoever decides has to know.
fn notes(fault: &Fault<'_>) -> Vec<String> {
    let scene = &fault.scene;
    let lang = scene.lang;
    let failing: Vec<String> = fault.failing.iter().map(IpAddr::to_string).collect();
    let failing = units::some_of(&failing, 12, lang);
    let (at, zone) = (units::date_time(scene.case.started, scene.offset_s), units::zone(scene.offset_s));
    let mut notes = vec![say!(
        lang,
        "Evidence, not the rule that is asked for: {failing} failed at {at} {zone}.",
        "근거 자료(요청 정책 아님): {at} {zone}에 {failing} 연결 실패."
    )];
    if scene.pool_changes() {
        let host = scene.host();
        notes.push(say!(
            lang,
            "The addresses behind {host} change: a fixed list will break again.",
            "{host}의 IP는 계속 바뀌므로 고정 목록은 다시 장애가 됩니다."
        ));
    }
    if let Some((provider, saying)) = rules::saying(scene) {
        let who = provider.name();
        notes.push(match saying.quote {
            Some(quoted) => say!(lang, "{who}: \"{quoted}\"", "{who}의 안내: \"{quoted}\""),
            None => saying.text(lang).to_owned(),
        });
    }
    if scene.diagnosis.endpoints.iter().any(|one| one.verdict == reach_core::model::Verdict::Ok) {
        let listed: Vec<String> = scene.working().iter().map(IpAddr::to_string).collect();
        let listed = units::some_of(&listed, 6, lang);
        let count = words::count_addresses(scene.working().len(), lang);
        notes.push(say!(
            lang,
            "Control: {count} of the same name work from the same source ({listed}).",
            "비교 대상: 같은 도메인의 {count}⟨은/는⟩ 같은 출발지에서 정상({listed})."
        ));
    }
    notes
}
