//! The comparison as a document, and for programs.

use reach_core::{Time, model::Verdict};
use serde_json::{Value, json};

use super::{CONFIDENCE, Change, Comparison, Outcome, Row, Seen};
use crate::{
    Lang,
    clean::clean,
    document::{Block, Cell, Column, Document, Inline, Table, Tone},
    notice::rounded_up,
    units,
    words::{self, Label, say},
};

/// Before and after, with the statement that they carry.
pub fn document(comparison: &Comparison, made: Time, offset_s: i32, version: &str, lang: Lang) -> Document {
    let target = clean(&comparison.request.target.text);
    let zone = units::zone(offset_s);
    let made = units::date_time(made, offset_s);
    let version = clean(version);
    let title = match comparison.outcome {
        Outcome::AllClear => {
            say!(lang, "After the change, all clear: {target}", "조치 후 정상화 확인: {target}")
        }
        Outcome::StillFails => {
            say!(lang, "After the change, it still fails: {target}", "조치 후에도 실패 남음: {target}")
        }
        Outcome::CannotTell => {
            say!(lang, "After the change, it cannot be told: {target}", "조치 후 판단 불가: {target}")
        }
    };
    let tone = match comparison.outcome {
        Outcome::AllClear => Tone::Good,
        Outcome::StillFails => Tone::Bad,
        Outcome::CannotTell => Tone::Warn,
    };
    let mut blocks = vec![Block::Callout { tone, text: statement(comparison, lang) }];
    blocks.push(Block::Facts(facts(comparison, offset_s, lang)));
    blocks.push(Block::Heading { level: 1, text: say!(lang, "Before and after", "조치 전후 비교") });
    blocks.push(Block::Table(table(comparison, lang)));
    blocks.push(Block::Heading { level: 1, text: say!(lang, "How sure one may be", "신뢰 수준") });
    blocks.push(Block::Points(sureness(comparison, lang)));
    Document {
        lang,
        title,
        subtitle: vec![say!(
            lang,
            "Written {made} {zone} by reach {version}",
            "작성 {made} {zone}, reach {version}"
        )],
        blocks,
        attachments: Vec::new(),
    }
}

/// What may be said, in two sentences.
fn statement(comparison: &Comparison, lang: Lang) -> Vec<Inline> {
    let rows = &comparison.rows;
    let asked = rows.iter().filter(|row| row.asked).count();
    let listed = |wanted: fn(Change) -> bool| {
        let all: Vec<String> =
            rows.iter().filter(|row| wanted(row.change)).map(|row| row.address.to_string()).collect();
        (!all.is_empty()).then(|| units::some_of(&all, 8, lang))
    };
    let mut text: Vec<Inline> = Vec::new();
    match comparison.outcome {
        Outcome::AllClear => {
            let all = rows.len();
            let after = comparison.tries.1;
            let (good, tries) = (after.of - after.failed, after.of);
            let span = apart(comparison, lang);
            let head = if asked > 0 {
                say!(
                    lang,
                    "All clear: the {asked} addresses that were asked for work now.",
                    "정상화 확인: 요청한 IP {asked}개가 모두 정상입니다."
                )
            } else {
                say!(lang, "All clear: everything works.", "정상: 모든 IP가 정상입니다.")
            };
            text.push(Inline::Strong(head));
            text.push(
                say!(
                    lang,
                    " In two rounds {span} apart all {all} addresses of the name answered, {good} of {tries} tries.",
                    " {span} 간격으로 두 차례 확인한 결과 IP {all}개 모두 응답했습니다({tries}회 중 {good}회 성공)."
                )
                .into(),
            );
        }
        Outcome::StillFails => {
            if comparison.rounds.iter().any(|round| round.unresolved.is_some()) {
                text.push(Inline::Strong(say!(
                    lang,
                    "The name gives no address: nothing that was asked for can be reached by it.",
                    "DNS 조회에 실패하여 도메인으로는 접속할 수 없습니다."
                )));
            } else {
                text.push(Inline::Strong(say!(lang, "No all-clear.", "정상화되지 않았습니다.")));
            }
            for (wanted, en, ko) in [
                (
                    (|change| change == Change::StillFails) as fn(Change) -> bool,
                    "Asked for, and still failing",
                    "요청했으나 여전히 실패",
                ),
                (
                    |change| change == Change::Wavers,
                    "Failing in one round and working in another",
                    "한 번은 성공, 한 번은 실패",
                ),
                (
                    |change| change == Change::NewFails,
                    "Given by the name only now, and failing",
                    "새로 나타난 IP 중 실패",
                ),
                (
                    |change| change == Change::Broke,
                    "Working before, and failing now",
                    "이전에는 정상이었으나 현재 실패",
                ),
            ] {
                if let Some(which) = listed(wanted) {
                    let head = if lang == Lang::Ko { ko } else { en };
                    text.push(format!(" {head}: {which}.").into());
                }
            }
        }
        Outcome::CannotTell => {
            text.push(Inline::Strong(say!(
                lang,
                "It cannot be told whether what was asked for works now.",
                "요청한 내용이 정상화되었는지 판단할 수 없습니다."
            )));
            if comparison.rounds.len() < 2 || comparison.rounds.iter().any(|round| round.broken) {
                text.push(
                    say!(
                        lang,
                        " Two whole rounds are needed for that.",
                        " 판단하려면 온전한 두 차례의 확인이 필요합니다."
                    )
                    .into(),
                );
            }
            if comparison.elsewhere() {
                let asked = units::addresses(&comparison.request.sources);
                text.push(
                    say!(
                        lang,
                        " It was asked for {asked}, and this host sends from another address: run it there.",
                        " 요청한 출발지는 {asked}이며 이 서버의 출발지 IP와 다릅니다. 해당 서버에서 실행하십시오."
                    )
                    .into(),
                );
            }
            if let Some(which) = listed(|change| change == Change::Left) {
                text.push(
                    say!(
                        lang,
                        " The name does not give {which} any more, and nothing answers there: that may be a firewall, or the end of its use.",
                        " {which}⟨은/는⟩ 더 이상 이 도메인의 IP가 아니며 응답도 없습니다. 방화벽 때문인지, 사용이 끝난 IP인지 구분할 수 없습니다."
                    )
                    .into(),
                );
            }
            if let Some(which) = listed(|change| change == Change::Open) {
                text.push(say!(lang, " Not told: {which}.", " 판단 불가: {which}.").into());
            }
        }
    }
    text
}

/// How far the first round is from the last.
fn apart(comparison: &Comparison, lang: Lang) -> String {
    match (comparison.rounds.first(), comparison.rounds.last()) {
        (Some(first), Some(last)) => units::stretch(last.started.since(first.started), lang),
        _ => units::stretch(std::time::Duration::ZERO, lang),
    }
}

fn facts(comparison: &Comparison, offset_s: i32, lang: Lang) -> Vec<(String, Vec<Inline>)> {
    let zone = units::zone(offset_s);
    let from_to = |from: Time, until: Time| {
        format!("{} ~ {} {zone}", units::date_time(from, offset_s), units::later(from, until, offset_s))
    };
    let request = &comparison.request;
    let asked: Vec<String> = request.asked().iter().map(ToString::to_string).collect();
    let port = request.target.port;
    let asked = if asked.is_empty() {
        say!(lang, "nothing had failed", "실패한 IP 없음")
    } else {
        asked.join(", ")
    };
    let mut facts = vec![
        (say!(lang, "Asked for", "요청 대상"), vec![Inline::Code(format!("{asked}, TCP {port}"))]),
        (say!(lang, "Source", "출발지 IP"), vec![Inline::Code(units::addresses(sources(comparison)))]),
        (say!(lang, "Before", "조치 전"), vec![from_to(request.measured.0, request.measured.1).into()]),
    ];
    for (number, round) in comparison.rounds.iter().enumerate() {
        let number = number + 1;
        let mut text = from_to(round.started, round.finished);
        if let Some(error) = round.unresolved {
            let error = words::resolution_error(error, lang);
            text.push_str(&format!(" ({error})"));
        }
        facts.push((say!(lang, "After, round {number}", "조치 후 {number}차"), vec![text.into()]));
    }
    facts
}

/// Where the tries afterwards came from; before, where there are none.
fn sources(comparison: &Comparison) -> &[std::net::IpAddr] {
    comparison.rounds.last().map_or(&comparison.request.sources, |round| &round.sources)
}

fn table(comparison: &Comparison, lang: Lang) -> Table {
    let mut columns =
        vec![Column::whole(Label::Address.text(lang)), Column::new(say!(lang, "Before", "조치 전"))];
    for number in 1..=comparison.rounds.len() {
        columns.push(Column::new(say!(lang, "After, {number}", "조치 후 {number}차")));
    }
    columns.push(Column::new(say!(lang, "Result", "결과")));
    let rows = comparison.rows.iter().map(|row| {
        let mut cells = vec![Cell::code(row.address.to_string()), found(row.before, lang)];
        cells.extend(row.after.iter().map(|seen| found(*seen, lang)));
        cells.push(result(row, lang));
        cells
    });
    Table { caption: String::new(), columns, rows: rows.collect() }
}

fn found(seen: Option<Seen>, lang: Lang) -> Cell {
    let Some(seen) = seen else { return Cell::new("-") };
    let name = match seen.verdict {
        Some(verdict) => words::verdict_name(verdict, lang).to_owned(),
        None => say!(lang, "failed", "실패"),
    };
    let tone = match seen.verdict {
        Some(Verdict::Ok) => Tone::Good,
        Some(_) if seen.is_open() => Tone::Warn,
        _ => Tone::Bad,
    };
    Cell::toned(format!("{name} {}/{}", seen.good, seen.tries), tone)
}

fn result(row: &Row, lang: Lang) -> Cell {
    let (text, tone) = match row.change {
        Change::Mended => (say!(lang, "mended", "정상화"), Tone::Good),
        Change::Works => (say!(lang, "works as before", "이전과 같이 정상"), Tone::Good),
        Change::NewWorks => (say!(lang, "new, works", "새 IP, 정상"), Tone::Good),
        Change::StillFails => (say!(lang, "still fails", "여전히 실패"), Tone::Bad),
        Change::Wavers => (say!(lang, "now and then", "간헐적 실패"), Tone::Bad),
        Change::Broke => (say!(lang, "failed since", "새로 실패"), Tone::Bad),
        Change::NewFails => (say!(lang, "new, fails", "새 IP, 실패"), Tone::Bad),
        Change::Left => (say!(lang, "left DNS, no answer", "DNS에서 빠짐, 무응답"), Tone::Warn),
        Change::Open => (say!(lang, "could not be told", "판단 불가"), Tone::Warn),
    };
    Cell::toned(text, tone)
}

/// What the numbers carry, and what they do not.
fn sureness(comparison: &Comparison, lang: Lang) -> Vec<Vec<Inline>> {
    let mut points: Vec<Vec<Inline>> = Vec::new();
    let (before, after) = comparison.addresses;
    let (tried_before, tried_after) = comparison.tries;
    let (was, of_was, is, of_is) = (before.failed, before.of, after.failed, after.of);
    points.push(vec![
        say!(
            lang,
            "Addresses that fail: {was} of {of_was} before, {is} of {of_is} now.",
            "실패한 IP: 조치 전 {of_was}개 중 {was}개, 현재 {of_is}개 중 {is}개."
        )
        .into(),
    ]);
    if let Some(chance) = comparison.chance() {
        let shown = if chance < 0.001 { "< 0.001".to_owned() } else { format!("= {chance:.3}") };
        points.push(vec![if chance < 0.05 {
            say!(
                lang,
                "By chance alone so large a difference is unlikely (Fisher's exact test over addresses, p {shown}).",
                "우연만으로 이만한 차이가 나기는 어렵습니다(IP 기준 Fisher 정확 검정, p {shown})."
            )
            .into()
        } else {
            say!(
                lang,
                "By the number of addresses alone the difference is no proof (Fisher's exact test, p {shown}); what counts is that each address that was asked for was tried itself.",
                "IP 개수만으로는 통계적 증명이 되지 않습니다(Fisher 정확 검정, p {shown}). 다만 요청한 IP를 각각 직접 확인한 결과입니다."
            )
            .into()
        }]);
    }
    let (failed_before, tries_before, failed, tries) =
        (tried_before.failed, tried_before.of, tried_after.failed, tried_after.of);
    points.push(vec![
        say!(
            lang,
            "Tries that failed: {failed_before} of {tries_before} before, {failed} of {tries} now.",
            "실패한 시도: 조치 전 {tries_before}회 중 {failed_before}회, 현재 {tries}회 중 {failed}회."
        )
        .into(),
    ]);
    if let Some(bound) = comparison.bound().filter(|_| failed == 0) {
        let (bound, confidence) = (rounded_up(bound), units::percent(CONFIDENCE));
        points.push(vec![
            say!(
                lang,
                "None of {tries} tries failed: with {confidence} confidence the share of failures at these times was below {bound}.",
                "{tries}회 중 실패가 없으므로, 확인 시점의 실패율은 신뢰도 {confidence}로 {bound} 미만입니다."
            )
            .into(),
        ]);
    }
    points.push(vec![
        say!(
            lang,
            "This holds for the times and the addresses named. It says nothing of the time between the rounds, nor of addresses that the name has not been seen to give yet.",
            "위에 적은 시각과 IP에 대한 결과입니다. 두 확인 사이의 시간과, 도메인이 아직 응답한 적 없는 IP에 대해서는 알 수 없습니다."
        )
        .into(),
    ]);
    points
}

/// The same for programs: `reach.verify/1`.
pub fn json(comparison: &Comparison, made: Time, version: &str, lang: Lang) -> Value {
    let seen = |seen: &Option<Seen>| {
        seen.map(|seen| {
            json!({
                "verdict": seen.verdict.map(|verdict| verdict.code()),
                "attempts": seen.tries,
                "succeeded": seen.good,
            })
        })
    };
    let text: String = statement(comparison, lang)
        .into_iter()
        .map(|piece| match piece {
            Inline::Text(text) | Inline::Strong(text) | Inline::Code(text) | Inline::Link { text, .. } => {
                text
            }
        })
        .collect();
    let request = &comparison.request;
    json!({
        "schema": "reach.verify/1",
        "version": clean(version),
        "made_at": units::rfc3339(made),
        "target": clean(&request.target.text),
        "port": request.target.port,
        "protocol": "tcp",
        "outcome": comparison.outcome.code(),
        "statement": text,
        "asked": request.asked(),
        "sources": sources(comparison),
        "before": { "started_at": units::rfc3339(request.measured.0), "finished_at": units::rfc3339(request.measured.1) },
        "rounds": comparison.rounds.iter().map(|round| json!({
            "started_at": units::rfc3339(round.started),
            "finished_at": units::rfc3339(round.finished),
            "given": round.given,
            "whole_pool": round.whole,
            "error": round.unresolved.map(words::resolution_error_code),
            "broken": round.broken,
        })).collect::<Vec<_>>(),
        "addresses": comparison.rows.iter().map(|row| json!({
            "address": row.address,
            "asked": row.asked,
            "new": row.before.is_none(),
            "before": seen(&row.before),
            "after": row.after.iter().map(seen).collect::<Vec<_>>(),
            "result": row.change.code(),
        })).collect::<Vec<_>>(),
        "statistics": {
            "addresses_failing_before": comparison.addresses.0.failed,
            "addresses_before": comparison.addresses.0.of,
            "addresses_failing_after": comparison.addresses.1.failed,
            "addresses_after": comparison.addresses.1.of,
            "fisher_p": comparison.chance(),
            "tries_failed_before": comparison.tries.0.failed,
            "tries_before": comparison.tries.0.of,
            "tries_failed_after": comparison.tries.1.failed,
            "tries_after": comparison.tries.1.of,
            "failure_share_bound": comparison.bound(),
            "confidence": CONFIDENCE,
        },
    })
}
