//! The document: a short first page (what, where, what is asked), and the evidence behind it.

use std::net::IpAddr;

use reach_core::model::State;

use super::{
    Material, Reader, attempts,
    attempts::Attempt,
    course, evidence,
    first_page::first_page,
    headline::{title, two_lines},
    kinds::{Kind, kinds},
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
    if pieces.len().is_multiple_of(2) {
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
