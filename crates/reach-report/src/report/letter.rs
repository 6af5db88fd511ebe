//! The document: a short first page (what, where, what is asked), and the evidence behind it.

use std::net::IpAddr;

use reach_core::model::{ClientModel, Matter, ResolutionError, State};

use super::{
    Asker, Material, Reader, attempts,
    attempts::Attempt,
    course, evidence,
    kinds::{Kind, kinds},
    rules,
};
use crate::{
    Lang,
    clean::clean,
    document::{Attachment, Block, Cell, Column, Document, Inline, Table, Tone},
    scene::Scene,
    text, units,
    words::{self, Audience, say},
};

/// So many targets have a line of their own in the summary.
const SUMMARISED: usize = 12;

/// A target with what is wrong with it.
pub(super) struct Fault<'a> {
    pub(super) scene: Scene<'a>,
    /// What kind of fault leads, with its addresses.
    pub(super) kind: Kind,
    pub(super) failing: Vec<IpAddr>,
    /// All kinds.
    pub(super) kinds: Vec<(Kind, Vec<IpAddr>)>,
    pub(super) attempts: Vec<Attempt>,
}

/// The document that is wanted.
pub fn document(material: &Material<'_>, lang: Lang) -> Document {
    let faults = faults(material, lang);
    let mut document = Document {
        lang,
        title: title(material, &faults, lang),
        subtitle: subtitle(material, lang),
        blocks: Vec::new(),
        attachments: Vec::new(),
    };
    let blocks = &mut document.blocks;
    blocks.push(summary(material, &faults, lang));
    foreign_reader(material, &faults, lang, blocks);
    if material.reader == Some(Reader::Manager) {
        return document;
    }
    for fault in &faults {
        if faults.len() > 1 {
            blocks.push(heading(1, clean(&fault.scene.diagnosis.target.text)));
        }
        first_page(material, fault, if faults.len() > 1 { 2 } else { 1 }, blocks);
    }
    if faults.is_empty() {
        blocks.extend(works(material, lang));
    }
    for fault in &faults {
        evidence::blocks(material, fault, faults.len() > 1, blocks);
    }
    if let Some(course) = material.course {
        course::blocks(material, course, lang, blocks);
    }
    capture(material, lang, blocks);
    attach(material, &faults, &mut document);
    document
}

/// The targets that fail, each with what is wrong; those that a rule mends first.
pub(super) fn faults<'a>(material: &Material<'a>, lang: Lang) -> Vec<Fault<'a>> {
    let mut faults: Vec<Fault<'a>> = material
        .runs
        .iter()
        .filter_map(|run| {
            let scene = run.scene(material.offset_s, lang);
            let kinds: Vec<(Kind, Vec<IpAddr>)> = kinds(&scene).into_iter().collect();
            let wanted = match material.reader {
                Some(Reader::Network) => Some(Audience::Network),
                Some(Reader::Service) => Some(Audience::Service),
                Some(Reader::Manager) | None => None,
            };
            let lead = kinds.iter().find(|(kind, _)| Some(kind.owner()) == wanted).or(kinds.first())?;
            let (kind, failing) = lead.clone();
            let attempts = attempts::attempts(&run.case, &run.observations);
            Some(Fault { scene, kind, failing, kinds, attempts })
        })
        .collect();
    faults.sort_by_key(|fault| fault.kind);
    faults
}

fn title(material: &Material<'_>, faults: &[Fault<'_>], lang: Lang) -> String {
    let Some(first) = faults.first() else {
        let what = material.runs.first().map(|run| clean(&run.case.target.text)).unwrap_or_default();
        return match material.runs.len() {
            0 => say!(lang, "Nothing was examined", "점검 결과 없음"),
            1 => say!(lang, "{what}: nothing to ask, all works", "{what}: 요청 사항 없음(정상)"),
            many => {
                let others = many - 1;
                say!(
                    lang,
                    "{what} and {others} more: nothing to ask, all work",
                    "{what} 외 {others}개: 요청 사항 없음(정상)"
                )
            }
        };
    };
    let what = clean(&first.scene.diagnosis.target.text);
    let others = faults.len() - 1;
    let what = match others {
        0 => what,
        others => say!(lang, "{what} and {others} more", "{what} 외 {others}개"),
    };
    match first.kind {
        Kind::Drop | Kind::Reject | Kind::ForgedReset => {
            say!(lang, "Request for a firewall rule: {what}", "방화벽 오픈 요청: {what}")
        }
        Kind::NameBlocked | Kind::BlockPage => {
            say!(lang, "Request for an exemption from a name filter: {what}", "도메인 차단 예외 요청: {what}")
        }
        Kind::Interception => {
            say!(lang, "Request about TLS inspection: {what}", "SSL 가시화 예외 요청: {what}")
        }
        Kind::Routing => say!(lang, "Request to check the routing: {what}", "라우팅 점검 요청: {what}"),
        Kind::DeadMember => {
            say!(lang, "Request to check parallel paths: {what}", "병렬 경로(ECMP 등) 점검 요청: {what}")
        }
        Kind::Mtu => say!(lang, "Request to check the MTU: {what}", "MTU 점검 요청: {what}"),
        Kind::Loss => {
            say!(lang, "Request to check for packet loss: {what}", "패킷 손실 구간 점검 요청: {what}")
        }
        Kind::Capacity => {
            say!(lang, "Request to check session limits: {what}", "세션·NAT 포트 한도 점검 요청: {what}")
        }
        Kind::LocalFilter | Kind::NoRoute | Kind::UnknownIssuer => {
            say!(lang, "Request to the administrator of the host: {what}", "서버 관리자 점검 요청: {what}")
        }
        Kind::Refused | Kind::Service | Kind::Certificate => {
            say!(lang, "Request to the owner of the service: {what}", "서비스 담당자 점검 요청: {what}")
        }
        Kind::Unresolved => say!(lang, "Request about DNS: {what}", "DNS 점검 요청: {what}"),
        Kind::Unclear => say!(lang, "It could not be told: {what}", "판단 불가: {what}"),
    }
}

fn subtitle(material: &Material<'_>, lang: Lang) -> Vec<String> {
    let (made, zone) = (units::date_time(material.made, material.offset_s), units::zone(material.offset_s));
    let version = clean(material.version);
    let mut lines = Vec::new();
    if let Some(course) = material.course {
        let id = course.incident.id.0;
        let began = units::date_time(course.incident.began, material.offset_s);
        lines.push(say!(lang, "Incident #{id}, began {began} {zone}", "장애 #{id}, {began} {zone} 시작"));
    }
    if let Some((from, until)) = super::span(material.runs) {
        let first = units::date_time(from, material.offset_s);
        let last = units::later(from, until, material.offset_s);
        lines.push(say!(lang, "Measured {first} to {last} {zone}", "측정 {first} ~ {last} {zone}"));
    }
    lines.push(say!(lang, "Written {made} {zone} by reach {version}", "작성 {made} {zone}, reach {version}"));
    lines
}

/// Two lines for whoever reads no further.
pub(super) fn two_lines(fault: &Fault<'_>) -> (String, String) {
    let scene = &fault.scene;
    let lang = scene.lang;
    let target = clean(&scene.diagnosis.target.text);
    let tally = text::tally(scene).unwrap_or_default();
    let host = clean(&scene.case.vantage.host);
    let host = if host.is_empty() { say!(lang, "this host", "이 서버") } else { host };
    let mut first = match fault.kind {
        Kind::Unresolved => {
            say!(lang, "{target}, asked from {host}: {tally}.", "{target} ({host}에서 조회): {tally}.")
        }
        _ => say!(lang, "{target}, seen from {host}: {tally}.", "{target} ({host} 기준): {tally}."),
    };
    let share = scene.diagnosis.impact.iter().find(|impact| impact.client == ClientModel::FirstAddress);
    if share.is_some_and(|impact| impact.failure_share >= 1.0) {
        first.push_str(&say!(lang, " No connection succeeds.", " 모든 연결이 실패합니다."));
    } else if let Some(impact) = share.filter(|impact| impact.failure_share > 0.0) {
        let share = units::percent(impact.failure_share);
        first.push_str(&say!(
            lang,
            " A client that uses the first address of each answer fails in {share} of its connections.",
            " 응답의 첫 번째 IP만 쓰는 클라이언트는 연결의 {share}⟨이/가⟩ 실패합니다."
        ));
    }
    (first, needed(fault))
}

/// What is needed, in one sentence, and of whom.
fn needed(fault: &Fault<'_>) -> String {
    let scene = &fault.scene;
    let lang = scene.lang;
    let port = scene.port();
    let source = words::source_text(scene, &fault.failing);
    let what = match scene.name() {
        Some(name) => name,
        None => scene.host(),
    };
    match fault.kind {
        Kind::Drop => say!(
            lang,
            "Suspected: a firewall drops the connections that fail. Needed of the network team: a rule that permits TCP {port} to {what} by name, for {source} only.",
            "방화벽 차단으로 추정됩니다. 네트워크 담당 요청: {source}에 한해 {what} TCP {port} 포트를 도메인 기준으로 허용."
        ),
        Kind::Reject => say!(
            lang,
            "A device on the way says that it forbids the connections. Needed of the network team: a rule that permits TCP {port} to {what}, for {source} only.",
            "경로상의 장비가 차단을 직접 알리고 있습니다. 네트워크 담당 요청: {source}에 한해 {what} TCP {port} 포트 허용."
        ),
        Kind::ForgedReset => say!(
            lang,
            "A device on the way resets the connections in the destination's name. Needed of the network team: a look at its reject rules, and a rule that permits TCP {port} to {what}, for {source} only.",
            "경로상의 장비가 목적지 대신 연결을 거부(RST)합니다. 네트워크 담당 요청: 거부 정책 확인, {source}에 한해 {what} TCP {port} 포트 허용."
        ),
        Kind::NameBlocked => say!(
            lang,
            "Suspected: a filter cuts TLS by the name. Needed of the network team: an exemption of {what} for {source}.",
            "도메인(SNI) 차단으로 추정됩니다. 네트워크 담당 요청: {source}에 대해 {what} 예외 처리."
        ),
        Kind::BlockPage => say!(
            lang,
            "A web page answers in place of TLS. Needed of the network team: whether it is a block page of theirs, and an exemption of {what} for {source} then.",
            "TLS 대신 웹 페이지가 응답합니다. 네트워크 담당 요청: 차단 페이지인지 확인하고, 맞다면 {source}에 대해 {what} 예외 처리."
        ),
        Kind::Interception => say!(
            lang,
            "TLS is opened on the way with another certificate. Needed of the network team: an exemption of {what} from TLS inspection for {source}, or the issuing CA certificate.",
            "TLS가 중간에서 다른 인증서로 복호화됩니다. 네트워크 담당 요청: {source}의 {what} 통신을 SSL 가시화에서 예외 처리하거나 CA 인증서 전달."
        ),
        Kind::Routing => say!(
            lang,
            "A router on the way says that it cannot get there. Needed of the network team: a look at the route to {what} there.",
            "경로상의 라우터가 목적지에 도달할 수 없다고 응답합니다. 네트워크 담당 요청: 해당 지점의 {what} 라우팅 확인."
        ),
        Kind::DeadMember => say!(
            lang,
            "Suspected: one member of parallel paths loses everything. Needed of the network team: a look at ECMP next hops, link bundles, NAT pools and balancers on this way.",
            "병렬 경로의 구성원 하나가 모든 패킷을 잃는 것으로 추정됩니다. 네트워크 담당 요청: 이 경로의 ECMP, 링크 묶음, NAT 풀, L4 점검."
        ),
        Kind::Mtu => say!(
            lang,
            "Large packets vanish on the way. Needed of the network team: a look at the MTU of tunnels, or clamping of the TCP MSS.",
            "경로에서 큰 패킷이 유실됩니다. 네트워크 담당 요청: 터널 MTU 확인 또는 TCP MSS 조정."
        ),
        Kind::Loss => say!(
            lang,
            "Packets are lost at random; nothing is blocked. Needed of the network team: a look at the interfaces on this way.",
            "패킷이 무작위로 손실되며, 차단은 아닙니다. 네트워크 담당 요청: 이 경로의 인터페이스 점검."
        ),
        Kind::Capacity => say!(
            lang,
            "New connections fail while many are open. Needed of the network team: a look at NAT ports and session limits of {source}.",
            "동시 연결이 많을 때만 새 연결이 실패합니다. 네트워크 담당 요청: {source}의 NAT 포트와 세션 한도 확인."
        ),
        Kind::LocalFilter => say!(
            lang,
            "This host itself stops the connections. Needed of its administrator: a look at its own packet filter. The network team has nothing to do.",
            "이 서버 자체가 연결을 막고 있습니다. 서버 관리자 요청: 서버의 패킷 필터 확인. 네트워크 담당이 조치할 사항은 없습니다."
        ),
        Kind::NoRoute => say!(
            lang,
            "This host has no route there. Needed of its administrator: a route, or nothing if that family is not used.",
            "이 서버에 해당 주소로 가는 경로가 없습니다. 서버 관리자 요청: 라우팅 설정 확인."
        ),
        Kind::UnknownIssuer => say!(
            lang,
            "This host does not accept the certificate. Needed of its administrator: a look at the trust store.",
            "이 서버가 인증서를 신뢰하지 않습니다. 서버 관리자 요청: 신뢰 저장소 확인."
        ),
        Kind::Refused => say!(
            lang,
            "The destination itself refuses: nothing listens on TCP {port} there. Needed of the owner of the service: a look at it. No firewall is at fault as far as can be seen.",
            "목적지 서버가 직접 거부합니다(TCP {port} 포트에 대기 중인 서비스 없음). 서비스 담당 요청: 서비스 상태 확인. 확인된 범위에서 방화벽 문제는 아닙니다."
        ),
        Kind::Service => say!(
            lang,
            "Connections come about, and the service fails behind them. Needed of the owner of the service: a look at it and its log.",
            "연결은 맺어지지만 서비스가 실패합니다. 서비스 담당 요청: 서비스와 로그 확인."
        ),
        Kind::Certificate => say!(
            lang,
            "The certificate that the service sends cannot be accepted. Needed of the owner of the service: the right one.",
            "서비스가 보내는 인증서를 받아들일 수 없습니다. 서비스 담당 요청: 올바른 인증서로 교체."
        ),
        Kind::Unresolved if scene.diagnosis.resolution.error == Some(ResolutionError::NxDomain) => say!(
            lang,
            "Nothing could be connected to, because the name does not exist for the DNS servers asked. First of all: is it spelled right? If it is, of the DNS administrators: whether it should exist there. Nothing is said of any firewall.",
            "조회한 DNS 서버에 없는 도메인이라 연결을 시도할 수 없었습니다. 먼저 철자를 확인하고, 맞다면 DNS 담당 요청: 도메인 등록 여부 확인. 방화벽에 대해서는 판단하지 않습니다."
        ),
        Kind::Unresolved => say!(
            lang,
            "Nothing could be connected to, because the name gives no address here. Needed of the DNS administrators: a look at it. Nothing is said of any firewall.",
            "도메인의 IP를 얻지 못해 연결을 시도할 수 없었습니다. DNS 담당 요청: 조회 실패 원인 확인. 방화벽에 대해서는 판단하지 않습니다."
        ),
        Kind::Unclear => say!(
            lang,
            "What was measured is not enough to blame anybody; nothing is asked. Measure again.",
            "측정한 내용만으로는 원인을 판단할 수 없어 요청 사항이 없습니다. 다시 측정하십시오."
        ),
    }
}

fn summary(material: &Material<'_>, faults: &[Fault<'_>], lang: Lang) -> Block {
    let mut text = Vec::new();
    let working = material.runs.len() - faults.len();
    for (number, fault) in faults.iter().take(SUMMARISED).enumerate() {
        let (first, second) = two_lines(fault);
        if number > 0 {
            text.push(Inline::Text(" ".to_owned()));
        }
        text.push(Inline::Strong(first));
        text.push(Inline::Text(format!(" {second}")));
    }
    let hidden = faults.len().saturating_sub(SUMMARISED);
    if hidden > 0 {
        text.push(Inline::Text(say!(
            lang,
            " {hidden} more targets fail.",
            " 그 외 {hidden}개 대상도 실패합니다."
        )));
    }
    if faults.is_empty() {
        text.push(Inline::Strong(say!(
            lang,
            "Everything examined works from here at this time: there is nothing to ask of anybody.",
            "점검한 모든 대상이 현재 이 서버에서 정상입니다. 요청할 사항이 없습니다."
        )));
    } else if working > 0 {
        text.push(Inline::Text(say!(
            lang,
            " {working} other targets work.",
            " 다른 대상 {working}개는 정상입니다."
        )));
    }
    let tone = match faults.first() {
        None => Tone::Good,
        Some(fault) if fault.kind == Kind::Unclear => Tone::Note,
        Some(fault) if fault.scene.diagnosis.state == State::PartlyReachable => Tone::Warn,
        Some(_) => Tone::Bad,
    };
    Block::Callout { tone, text }
}

/// Says it where a document is wanted for somebody who can do nothing about it.
fn foreign_reader(material: &Material<'_>, faults: &[Fault<'_>], lang: Lang, blocks: &mut Vec<Block>) {
    let wanted = match material.reader {
        Some(Reader::Network) => Audience::Network,
        Some(Reader::Service) => Audience::Service,
        Some(Reader::Manager) | None => return,
    };
    if faults.is_empty()
        || faults.iter().any(|fault| fault.kinds.iter().any(|(kind, _)| kind.owner() == wanted))
    {
        return;
    }
    let text = match wanted {
        Audience::Network => say!(
            lang,
            "Nothing of what was measured is for the network team to mend; what follows is addressed to whom it concerns.",
            "측정 결과 중 네트워크 담당이 조치할 사항은 없습니다. 아래는 해당 담당자에게 드리는 내용입니다."
        ),
        _ => say!(
            lang,
            "Nothing of what was measured is for the owner of the service to mend; what follows is addressed to whom it concerns.",
            "측정 결과 중 서비스 담당이 조치할 사항은 없습니다. 아래는 해당 담당자에게 드리는 내용입니다."
        ),
    };
    blocks.push(Block::Callout { tone: Tone::Note, text: vec![text.into()] });
}

/// What, where, and what is asked; `level` is that of its heading.
fn first_page(material: &Material<'_>, fault: &Fault<'_>, level: u8, blocks: &mut Vec<Block>) {
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

/// What was examined where all of it works.
fn works(material: &Material<'_>, lang: Lang) -> Vec<Block> {
    let rows = material.runs.iter().map(|run| {
        let scene = run.scene(material.offset_s, lang);
        let tally = text::tally(&scene).unwrap_or_default();
        vec![Cell::code(clean(&run.case.target.text)), Cell::toned(tally, Tone::Good)]
    });
    let table = Table {
        caption: String::new(),
        columns: vec![
            Column::whole(words::Label::Target.text(lang)),
            Column::new(words::Label::State.text(lang)),
        ],
        rows: rows.collect(),
    };
    let note = say!(
        lang,
        "This says nothing of other times, of other hosts, or of addresses that the name has not been seen to give.",
        "다른 시각, 다른 서버, 그리고 아직 확인되지 않은 IP에 대해서는 알 수 없습니다."
    );
    vec![Block::Table(table), Block::Paragraph(vec![note.into()])]
}

fn capture(material: &Material<'_>, lang: Lang, blocks: &mut Vec<Block>) {
    let Some(capture) = material.capture else { return };
    blocks.push(heading(1, say!(lang, "Packet capture", "패킷 캡처")));
    let (name, size, sha256) = (clean(&capture.name), capture.size, clean(&capture.sha256));
    let mut facts = vec![
        (say!(lang, "File", "파일"), vec![Inline::Code(name)]),
        (say!(lang, "Size", "크기"), vec![say!(lang, "{size} bytes", "{size}바이트").into()]),
        ("SHA-256".to_owned(), vec![Inline::Code(sha256)]),
    ];
    if let Some(packets) = capture.packets {
        facts.push((say!(lang, "Packets", "패킷 수"), vec![packets.to_string().into()]));
    }
    if capture.synthesised == Some(true) {
        facts.push((
            say!(lang, "Kind", "종류"),
            vec![
                say!(
                    lang,
                    "synthesised from what is known, for want of the privilege to capture; the file says so of each packet",
                    "캡처 권한이 없어 확인된 사실로 합성한 패킷(파일의 각 패킷에 표시됨)"
                )
                .into(),
            ],
        ));
    }
    blocks.push(Block::Facts(facts));
    let told = if capture.bytes.is_some() {
        say!(lang, "It is attached.", "첨부되어 있습니다.")
    } else {
        say!(
            lang,
            "It is too large to be attached, and is handed over beside this document.",
            "크기가 커서 별도 파일로 전달합니다."
        )
    };
    blocks.push(Block::Paragraph(vec![told.into()]));
}

fn attach(material: &Material<'_>, faults: &[Fault<'_>], document: &mut Document) {
    let lang = document.lang;
    let mut all: Vec<Attempt> = faults.iter().flat_map(|fault| fault.attempts.iter().cloned()).collect();
    all.sort_by_key(|one| one.at);
    if !all.is_empty() {
        let count = all.len();
        document.attachments.push(Attachment {
            name: "attempts.csv".to_owned(),
            media_type: "text/csv; charset=utf-8".to_owned(),
            about: say!(
                lang,
                "All {count} attempts with times, addresses and ports, one a line",
                "시도 {count}건 전체(시각, IP, 포트)"
            ),
            bytes: attempts::csv(&all, material.offset_s),
        });
    }
    if let Some((capture, bytes)) =
        material.capture.and_then(|one| one.bytes.as_ref().map(|bytes| (one, bytes)))
    {
        document.attachments.push(Attachment {
            name: clean(&capture.name),
            media_type: "application/x-pcapng".to_owned(),
            about: say!(lang, "The packets, for Wireshark", "패킷 캡처(Wireshark용)"),
            bytes: bytes.clone(),
        });
    }
}

/// A sentence in which what stands between backticks was typed, or is to be.
pub(super) fn said(text: &str) -> Vec<Inline> {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len() % 2 == 0 {
        return vec![text.into()];
    }
    let piece = |(number, piece): (usize, &&str)| match (number % 2, piece.is_empty()) {
        (_, true) => None,
        (0, false) => Some(Inline::from(*piece)),
        (_, false) => Some(Inline::Code((*piece).to_owned())),
    };
    pieces.iter().enumerate().filter_map(piece).collect()
}

pub(super) fn heading(level: u8, text: String) -> Block {
    Block::Heading { level, text }
}
