//! The first page: who asks, from where to where, since when, and what is asked of whom.

use reach_core::model::Matter;

use super::{
    Asker, Material,
    kinds::Kind,
    letter::{Fault, heading, said},
    rules,
};
use crate::{
    Lang,
    clean::clean,
    document::{Block, Cell, Column, Inline, Table, Tone},
    units,
    words::{self, Audience, say},
};

/// What, where, and what is asked; `level` is that of its heading.
pub(super) fn first_page(material: &Material<'_>, fault: &Fault<'_>, level: u8, blocks: &mut Vec<Block>) {
    let scene = &fault.scene;
    let lang = scene.lang;
    let to = fault.kind.owner().text(lang);
    blocks.push(heading(level, to.trim_end_matches(':').to_owned()));
    blocks.push(Block::Facts(facts(material, fault)));
    let ways = rules::ways(scene, fault.kind, &fault.failing, material.feeds, super::today(material));
    if !ways.is_empty() {
        blocks.push(heading(level + 1, say!(lang, "What to permit", "허용 요청")));
        blocks.push(Block::Table(permitted(fault, &ways)));
        let listed = ways.iter().any(|way| way.code == "list");
        let note = if listed {
            say!(
                lang,
                "One of these, for this source and this port only. What is listed last is evidence, and not the rule that is asked for.",
                "위 방법 중 하나를, 해당 출발지와 포트에 한해 요청드립니다. 마지막 IP 목록은 근거 자료이며 요청하는 정책이 아닙니다."
            )
        } else {
            say!(lang, "For this source and this port only.", "해당 출발지와 포트에 한해 요청드립니다.")
        };
        blocks.push(Block::Paragraph(vec![note.into()]));
    }
    let question = rules::question(scene, fault.kind, &fault.failing);
    if !question.is_empty() {
        blocks.push(heading(level + 1, say!(lang, "The question behind it", "함께 확인 부탁드리는 사항")));
        blocks.push(Block::Steps(question.iter().map(|line| said(line)).collect()));
    }
    asks(fault, level, blocks);
    if let Some((provider, saying)) = rules::saying(scene).filter(|_| fault.kind.wants_rule()) {
        let who = provider.name();
        let mut text: Vec<Inline> = Vec::new();
        if let Some(quoted) = saying.quote {
            text.push(say!(lang, "{who} itself says: \"{quoted}\". ", "{who}의 안내: \"{quoted}\". ").into());
        }
        text.push(saying.text(lang).into());
        text.push(" (".into());
        text.push(Inline::Link { text: saying.source.to_owned(), url: format!("https://{}", saying.source) });
        text.push(")".into());
        if scene.is_google_api() {
            text.push(
                say!(
                    lang,
                    " An earlier edition of the same page: \"{EARLIER}\".",
                    " 같은 문서의 이전 판: \"{EARLIER}\"."
                )
                .into(),
            );
        }
        blocks.push(Block::Paragraph(text));
    }
}

/// What Google wrote before, which is what people who wait for a rule see.
const EARLIER: &str =
    "Problems caused by firewall IP restrictions are often intermittent and difficult to diagnose";

/// What each finding asks for that no table above says, with whom it is asked of where that is another one.
fn asks(fault: &Fault<'_>, level: u8, blocks: &mut Vec<Block>) {
    let scene = &fault.scene;
    let lang = scene.lang;
    let mut asks: Vec<words::Ask> = words::findings_with_ask(scene)
        .into_iter()
        .filter(|(finding, _)| {
            let block = matches!(
                finding.matter,
                Matter::PartialBlock { .. } | Matter::AllBlocked { .. } | Matter::ForgedReset { .. }
            );
            !(block && fault.kind.wants_rule())
        })
        .map(|(finding, ask)| {
            let particulars = words::particulars(scene, &finding.addresses);
            let mut ask = ask;
            ask.lines.retain(|line| !particulars.contains(line));
            ask
        })
        .collect();
    if let Some(error) = scene.diagnosis.resolution.error.filter(|_| scene.diagnosis.endpoints.is_empty()) {
        asks.insert(0, words::resolution_advice(scene, error));
    }
    if let Some(doubt) = scene.diagnosis.doubt {
        asks.insert(0, words::Ask { to: Audience::Operator, lines: vec![words::doubt_advice(doubt, lang)] });
    }
    let lead = fault.kind.owner();
    // What to do about the name itself comes first, whoever does it.
    let first = usize::from(fault.kind == Kind::Unresolved).min(asks.len());
    asks[first..].sort_by_key(|ask| ask.to != lead);
    if asks.is_empty() {
        return;
    }
    blocks.push(heading(
        level + 1,
        if fault.kind.wants_rule() {
            say!(lang, "Besides", "그 밖의 사항")
        } else {
            say!(lang, "What is asked", "요청 사항")
        },
    ));
    let points = asks.into_iter().filter(|ask| !ask.lines.is_empty()).map(|ask| {
        let mut text = Vec::new();
        if ask.to != lead {
            text.push(Inline::Strong(format!("{} ", ask.to.text(lang))));
        }
        text.extend(said(&ask.lines.join(" ")));
        text
    });
    blocks.push(Block::Points(points.collect()));
}

/// What a request form asks for, and what a log is searched by.
fn facts(material: &Material<'_>, fault: &Fault<'_>) -> Vec<(String, Vec<Inline>)> {
    let scene = &fault.scene;
    let lang = scene.lang;
    let mut facts = asker(material.asker, lang);
    let mut fact = |name: String, text: Vec<Inline>| facts.push((name, text));
    let source = words::source_text(scene, &fault.failing);
    fact(say!(lang, "Source", "출발지 IP"), vec![Inline::Code(source)]);
    if fault.kind.owner() == Audience::Network {
        let nat = material.asker.nat_ip.as_deref().map(clean);
        fact(
            say!(lang, "Source behind NAT", "NAT IP"),
            match nat {
                Some(nat) => vec![Inline::Code(nat)],
                None => vec![
                    say!(
                        lang,
                        "(to be filled in, if it is translated before the firewall)",
                        "(방화벽 전에 NAT가 있으면 기입)"
                    )
                    .into(),
                ],
            },
        );
    }
    if let Some(name) = scene.name() {
        fact(say!(lang, "Destination name", "목적지 도메인"), vec![Inline::Code(name)]);
    }
    if !fault.failing.is_empty() {
        let total = scene.diagnosis.endpoints.len() - scene.uncounted();
        let failing = fault.failing.len();
        let all = units::addresses(&fault.failing);
        let title = if fault.kind == Kind::Unclear {
            say!(lang, "Addresses not judged", "판단하지 못한 목적지 IP")
        } else {
            say!(lang, "Failing addresses", "실패한 목적지 IP")
        };
        fact(
            title,
            vec![
                Inline::Code(all),
                say!(lang, " ({failing} of {total})", " ({total}개 중 {failing}개)").into(),
            ],
        );
    }
    let port = scene.port();
    if fault.kind != Kind::Unresolved {
        fact(
            say!(lang, "Protocol, port", "프로토콜/포트"),
            vec![say!(lang, "TCP {port}, outbound", "TCP {port}, 아웃바운드(내부→외부)").into()],
        );
    }
    if fault.kind != Kind::Unclear {
        fact(say!(lang, "Failing since", "발생 시각"), vec![since(material, fault).into()]);
    }
    let ports = units::ports(
        fault
            .failing
            .iter()
            .filter_map(|address| scene.endpoint(*address))
            .flat_map(|endpoint| endpoint.connect.flows.iter().map(|flow| flow.source_port)),
        lang,
    );
    if !ports.is_empty() {
        let from = units::date_time(scene.case.started, scene.offset_s);
        let to = units::later(scene.case.started, scene.finished, scene.offset_s);
        let zone = units::zone(scene.offset_s);
        fact(
            say!(lang, "To find it in a log", "로그 검색 조건"),
            vec![
                say!(
                    lang,
                    "{from} to {to} {zone}, source ports {ports}",
                    "{from} ~ {to} {zone}, 출발지 포트 {ports}"
                )
                .into(),
            ],
        );
    }
    let asker = material.asker;
    if let Some(purpose) = &asker.purpose {
        fact(say!(lang, "Purpose", "용도"), vec![clean(purpose).into()]);
    }
    if asker.from.is_some() || asker.until.is_some() {
        let from = asker.from.map(|day| day.to_string()).unwrap_or_default();
        let until = match asker.until {
            Some(day) => day.to_string(),
            None => say!(lang, "for good", "영구"),
        };
        fact(say!(lang, "Period", "사용 기간"), vec![format!("{from} ~ {until}").into()]);
    }
    facts
}

fn asker(asker: &Asker, lang: Lang) -> Vec<(String, Vec<Inline>)> {
    let given: Vec<String> = [&asker.requester, &asker.department, &asker.contact]
        .into_iter()
        .flatten()
        .map(|text| clean(text))
        .collect();
    let who = if given.is_empty() { say!(lang, "(to be filled in)", "(기입)") } else { given.join(", ") };
    vec![(say!(lang, "Requested by", "신청자"), vec![who.into()])]
}

/// Since when, as far as anybody measured it.
fn since(material: &Material<'_>, fault: &Fault<'_>) -> String {
    let lang = fault.scene.lang;
    let (offset, zone) = (material.offset_s, units::zone(material.offset_s));
    if let Some(course) = material.course {
        let onsets = || course.onsets.iter().filter(|onset| fault.failing.contains(&onset.address));
        let first = onsets().min_by_key(|onset| onset.first_bad);
        if let Some(first) = first {
            let address = first.address;
            let bad = units::date_time(first.first_bad, offset);
            return match first.last_good {
                Some(good) => {
                    let good = units::date_time(good, offset);
                    say!(
                        lang,
                        "{address} answered last at {good} and failed first at {bad} {zone}: something changed in between.",
                        "{address} 마지막 정상 {good}, 첫 실패 {bad} {zone}. 이 사이에 변경이 있었습니다."
                    )
                }
                None => say!(
                    lang,
                    "first failure of {address} at {bad} {zone}; no answer of it before is remembered.",
                    "{address} 첫 실패 {bad} {zone}. 그 전의 정상 응답 기록은 없습니다."
                ),
            };
        }
        let began = units::date_time(course.incident.began, offset);
        return say!(lang, "{began} {zone}", "{began} {zone}");
    }
    let bad = fault
        .attempts
        .iter()
        .filter(|one| one.handshake() == Some(false) && fault.failing.contains(&one.destination))
        .map(|one| one.at);
    let first = bad.min().unwrap_or(fault.scene.case.started);
    let first = units::date_time(first, offset);
    say!(
        lang,
        "seen failing at {first} {zone}; when it began was not measured.",
        "{first} {zone}에 실패 확인. 언제 시작되었는지는 측정하지 않았습니다."
    )
}

fn permitted(fault: &Fault<'_>, ways: &[rules::Way]) -> Table {
    let scene = &fault.scene;
    let lang = scene.lang;
    let port = scene.port();
    let source = units::addresses(&scene.sources_for(&fault.failing));
    let source = if source.is_empty() { clean(&scene.case.vantage.host) } else { source };
    let rows = ways.iter().enumerate().map(|(number, way)| {
        let mark = if way.code == "list" { "-".to_owned() } else { (number + 1).to_string() };
        let destination = match way.destination.as_slice() {
            [] => "-".to_owned(),
            all => all.join(", "),
        };
        let rule = match way.code {
            "proxy" => say!(lang, "proxy: {destination}, TCP {port}", "프록시: {destination}, TCP {port}"),
            "ranges" => {
                say!(lang, "{source} → published ranges, TCP {port}", "{source} → 공개 대역, TCP {port}")
            }
            _ => format!("{source} → {destination}, TCP {port}"),
        };
        let tone = if number == 0 { Tone::Good } else { Tone::Plain };
        vec![
            Cell::new(mark),
            Cell { text: vec![Inline::Strong(way.title.clone())], tone },
            Cell::code(rule),
            Cell::new(way.cost.clone()),
        ]
    });
    Table {
        caption: String::new(),
        columns: vec![
            Column::right("No"),
            Column::new(say!(lang, "Way", "방법")),
            Column::new(say!(lang, "Rule (outbound)", "정책(아웃바운드)")),
            Column::new(say!(lang, "What it gives and costs", "장단점")),
        ],
        rows: rows.collect(),
    }
}
