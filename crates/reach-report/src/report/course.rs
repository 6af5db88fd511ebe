//! The course of an incident: since when, address by address, and how it went on.

use std::{net::IpAddr, time::Duration};

use reach_core::watch::{AddressState, Phase};

use super::{Course, Material, evidence::WIDTH, letter::heading};
use crate::{
    Lang,
    chart::{self, HeatCell, HeatMap, HeatRow, Window},
    document::{Block, Cell, Column, Table, Tone},
    units, watch,
    words::{Label, say},
};

/// So many changes of state are listed.
const MOST_CHANGES: usize = 40;

/// What is remembered of the incident.
pub(super) fn blocks(material: &Material<'_>, course: &Course, lang: Lang, blocks: &mut Vec<Block>) {
    let offset = material.offset_s;
    let zone = units::zone(offset);
    let incident = &course.incident;
    let id = incident.id.0;
    blocks.push(heading(1, say!(lang, "The course of incident #{id}", "장애 #{id} 경과")));
    let began = units::date_time(incident.began, offset);
    let (phase, gravity) = (watch::phase(incident.phase, lang), watch::gravity(incident.worst, lang));
    let lasted = match incident.phase {
        Phase::Open => course.until.since(incident.began),
        Phase::Calming { since } | Phase::Recovered { since, .. } => since.since(incident.began),
        Phase::Closed { at, .. } => at.since(incident.began),
    };
    let lasted = units::stretch(lasted, lang);
    let mut text = say!(
        lang,
        "It began at {began} {zone}, lasted {lasted}, was at its worst \"{gravity}\", and stands at \"{phase}\".",
        "{began} {zone}에 시작되어 {lasted} 지속, 최고 심각도 {gravity}, 현재 상태 {phase}."
    );
    if incident.unwatched >= Duration::from_secs(60) {
        let gap = units::stretch(incident.unwatched, lang);
        text.push_str(&say!(
            lang,
            " {gap} of it were not watched.",
            " 그중 {gap}⟨은/는⟩ 감시하지 못했습니다."
        ));
    }
    blocks.push(Block::Paragraph(vec![text.into()]));
    heat(material, course, lang, blocks);
    onsets(material, course, lang, blocks);
    changes(material, course, lang, blocks);
}

/// Addresses over time.
fn heat(material: &Material<'_>, course: &Course, lang: Lang, blocks: &mut Vec<Block>) {
    let Some(history) = &course.history else { return };
    let title = say!(lang, "Tries that failed, address by address over time", "시간대별 IP별 실패");
    let window = Window { from: history.from, until: history.until, offset_s: material.offset_s };
    let mut map = HeatMap::new(title, WIDTH, window, history.step);
    let mut addresses: Vec<IpAddr> = history.buckets.iter().map(|bucket| bucket.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    for address in addresses {
        let mut row = HeatRow {
            label: address.to_string(),
            cells: vec![HeatCell::default(); map.columns()],
            ..HeatRow::default()
        };
        for bucket in history.buckets.iter().filter(|bucket| bucket.address == address) {
            for cell in map.cells(bucket.from, history.step) {
                let Some(cell) = row.cells.get_mut(cell) else { continue };
                cell.tries += bucket.tries;
                cell.failed += bucket.failed();
                cell.unable += bucket.unable;
                cell.reason =
                    bucket.failures.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| *reason);
            }
        }
        map.rows.push(row);
    }
    if map.rows.is_empty() {
        return;
    }
    let caption = say!(
        lang,
        "One row for each address; dark and hatched where all tries failed, empty where nothing was tried.",
        "한 줄이 IP 하나입니다. 모두 실패한 구간은 어둡고 빗금, 시도가 없는 구간은 비어 있습니다."
    );
    blocks.push(Block::Figure { drawing: chart::heat_map(&map, lang), caption });
}

fn onsets(material: &Material<'_>, course: &Course, lang: Lang, blocks: &mut Vec<Block>) {
    if course.onsets.is_empty() {
        return;
    }
    let (offset, zone) = (material.offset_s, units::zone(material.offset_s));
    blocks.push(heading(2, say!(lang, "When each address began to fail", "IP별 실패 시작 시각")));
    let at = |time: Option<_>| time.map_or_else(|| "-".to_owned(), |time| units::date_time_ms(time, offset));
    let rows = course.onsets.iter().map(|onset| {
        let (failures, tries) = (onset.failures, onset.tries);
        let tone = match onset.state {
            AddressState::Ok => Tone::Good,
            AddressState::Down | AddressState::Suspect => Tone::Bad,
            _ => Tone::Plain,
        };
        vec![
            Cell::code(onset.address.to_string()),
            Cell::new(at(onset.last_good)),
            Cell::new(at(Some(onset.first_bad))),
            Cell::new(at(onset.last_bad)),
            Cell::new(format!("{failures}/{tries}")),
            Cell::toned(watch::state(onset.state, lang), tone),
        ]
    });
    blocks.push(Block::Table(Table {
        caption: say!(
            lang,
            "Times in {zone}. What changed, changed between the last answer and the first failure.",
            "시각 {zone}. 변경은 마지막 정상과 첫 실패 사이에 있었습니다."
        ),
        columns: vec![
            Column::whole(Label::Address.text(lang)),
            Column::whole(say!(lang, "Last answer before", "마지막 정상")),
            Column::whole(say!(lang, "First failure", "첫 실패")),
            Column::whole(say!(lang, "Last failure", "마지막 실패")),
            Column::right(say!(lang, "Failed/tried", "실패/시도")),
            Column::new(say!(lang, "Now", "현재")),
        ],
        rows: rows.collect(),
    }));
}

fn changes(material: &Material<'_>, course: &Course, lang: Lang, blocks: &mut Vec<Block>) {
    if course.transitions.is_empty() {
        return;
    }
    let (offset, zone) = (material.offset_s, units::zone(material.offset_s));
    blocks.push(heading(2, say!(lang, "Changes of state", "상태 변화")));
    let all = course.transitions.len();
    let rows = course.transitions.iter().take(MOST_CHANGES).map(|change| {
        vec![
            Cell::new(units::date_time_ms(change.at, offset)),
            Cell::code(change.series.address.to_string()),
            Cell::new(format!("{} → {}", watch::state(change.from, lang), watch::state(change.to, lang))),
        ]
    });
    let shown = all.min(MOST_CHANGES);
    blocks.push(Block::Table(Table {
        caption: say!(lang, "Times in {zone}; {shown} of {all}", "시각 {zone}, 전체 {all}건 중 {shown}건"),
        columns: vec![
            Column::whole(say!(lang, "Time", "시각")),
            Column::whole(Label::Address.text(lang)),
            Column::new(say!(lang, "State", "상태")),
        ],
        rows: rows.collect(),
    }));
}
