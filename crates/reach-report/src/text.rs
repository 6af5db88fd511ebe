//! The screen that an operator reads in ten seconds and pastes into a ticket.

mod connect;

pub use self::connect::{connect, connect_try};

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{
        AddressSource, Case, ClientModel, Diagnosis, EndpointDiagnosis, Finding, Gap, HttpEnd, Severity,
        State, TlsEnd, TrailAnswer, Verdict,
    },
};

use crate::{
    Lang, Style,
    clean::clean,
    explain::{self, Explanation},
    java,
    layout::{Column, Page, Role, Row, Span, Table},
    scene::Scene,
    units,
    words::{self, Label, say},
};

/// More alike lines than this are folded.
const ALIKE: usize = 16;
/// So many lines of a folded group are shown.
const SHOWN: usize = 3;
/// So many failing addresses are always shown.
const FAILING_SHOWN: usize = 32;
/// So many trails are drawn.
const TRAILS: usize = 3;

/// What `reach check` shows.
pub fn check(examined: &[(Case, Diagnosis)], finished: Time, style: &Style) -> String {
    let mut page = Page::new(*style);
    let scenes = scenes(examined, finished, style);
    if scenes.len() > 1 {
        summary(&mut page, &scenes);
    }
    for scene in &scenes {
        page.blank();
        target(&mut page, scene);
    }
    page.finish()
}

/// What `reach resolve` shows.
pub fn resolve(examined: &[(Case, Diagnosis)], finished: Time, style: &Style) -> String {
    let mut page = Page::new(*style);
    for scene in &scenes(examined, finished, style) {
        page.blank();
        name(&mut page, scene);
    }
    page.finish()
}

/// What `reach explain CODE` shows.
pub fn explain(explanation: &Explanation, style: &Style) -> String {
    let mut page = Page::new(*style);
    let lang = style.lang;
    page.paragraph(
        "",
        "  ",
        &[Span::new(explanation.code, Role::Strong), Span::plain(format!(": {}", explanation.title))],
    );
    for (label, text) in [
        (Label::Meaning, explanation.meaning),
        (Label::Proof, explanation.proof),
        (Label::JavaLog, explanation.java),
        (Label::ToDo, explanation.action),
        (Label::NotThis, explanation.not),
    ] {
        page.blank();
        page.paragraph("", "", &[Span::new(label.text(lang), Role::Head)]);
        page.plain("  ", "  ", text);
    }
    page.finish()
}

/// What `reach explain` without a code shows: every code with what it is.
pub fn codes(style: &Style) -> String {
    let mut page = Page::new(*style);
    let rows = explain::codes()
        .into_iter()
        .filter_map(|code| explain::explain(code, style.lang))
        .map(|known| Row::Cells(vec![Span::new(known.code, Role::Strong), Span::plain(known.title)]))
        .collect();
    let columns = vec![Column::new("CODE"), Column::new(Label::Meaning.text(style.lang)).wrap(20)];
    page.table("", &Table { columns, rows });
    page.finish()
}

fn scenes<'a>(examined: &'a [(Case, Diagnosis)], finished: Time, style: &Style) -> Vec<Scene<'a>> {
    examined
        .iter()
        .map(|(case, diagnosis)| Scene {
            case,
            diagnosis,
            finished,
            offset_s: style.utc_offset_s,
            lang: style.lang,
        })
        .collect()
}

/// One line for each target.
fn summary(page: &mut Page, scenes: &[Scene<'_>]) {
    let Some(first) = scenes.first() else { return };
    let lang = first.lang;
    page.paragraph("", "", &[Span::new(Label::Summary.text(lang), Role::Head)]);
    let rows = scenes
        .iter()
        .map(|scene| {
            let state = scene.diagnosis.state;
            let total = scene.diagnosis.endpoints.len() - scene.uncounted();
            let works = if scene.diagnosis.endpoints.is_empty() {
                "-".to_owned()
            } else {
                format!("{}/{total}", scene.working().len())
            };
            let worst = match (scene.diagnosis.resolution.error, scene.diagnosis.findings.first()) {
                (Some(error), _) if scene.diagnosis.endpoints.is_empty() => {
                    words::resolution_error_code(error)
                }
                (_, Some(finding)) => finding.matter.code(),
                (_, None) => "",
            };
            Row::Cells(vec![
                Span::plain(clean(&scene.diagnosis.target.text)),
                Span::new(words::state(state, lang), state_role(state)),
                Span::plain(works),
                Span::plain(worst),
            ])
        })
        .collect();
    let columns = vec![
        Column::new(Label::Target.text(lang)).cut(16),
        Column::new(Label::State.text(lang)),
        Column::new(Label::Works.text(lang)).right(),
        Column::new("CODE").dispensable(1),
    ];
    page.table("  ", &Table { columns, rows });
}

fn target(page: &mut Page, scene: &Scene<'_>) {
    head(page, scene);
    let diagnosis = scene.diagnosis;
    if !diagnosis.endpoints.is_empty() {
        page.blank();
        page.table("", &endpoints(scene));
    }
    let flawless = diagnosis.findings.iter().all(|finding| finding.severity != Severity::Error);
    if diagnosis.state == State::Reachable && flawless {
        page.blank();
        let line = match scene.working().len() {
            1 => say!(
                scene.lang,
                "Nothing is blocked: the address seen works from here at this time.",
                "차단 없음: 확인된 IP 주소가 이 서버에서 현재 정상입니다."
            ),
            all => say!(
                scene.lang,
                "Nothing is blocked: all {all} addresses seen work from here at this time.",
                "차단 없음: 확인된 IP 주소 {all}개 모두 이 서버에서 현재 정상입니다."
            ),
        };
        page.plain("", "", line);
    }
    if let Some(doubt) = diagnosis.doubt {
        page.blank();
        page.plain("", "", words::doubt(doubt, scene.lang));
    }
    let nobody_works = diagnosis.endpoints.is_empty();
    if nobody_works && !diagnosis.resolution.resolvers.is_empty() {
        resolvers(page, scene);
    }
    why(page, scene);
    places(page, scene);
    impact(page, scene);
    asks(page, scene, |_| true);
    gaps(page, scene);
}

fn head(page: &mut Page, scene: &Scene<'_>) {
    let lang = scene.lang;
    let diagnosis = scene.diagnosis;
    let state = diagnosis.state;
    let mut line = vec![
        Span::new(clean(&diagnosis.target.text), Role::Strong),
        Span::plain("  "),
        Span::new(words::state(state, lang).to_uppercase(), state_role(state)),
    ];
    if let Some(tally) = tally(scene) {
        line.push(Span::plain(format!(": {tally}")));
    }
    page.paragraph("", "  ", &line);
    page.plain("  ", "    ", when_and_where(scene));
    for text in pool(scene) {
        page.plain("  ", "    ", text);
    }
}

/// `5 of 8 addresses work`.
pub(crate) fn tally(scene: &Scene<'_>) -> Option<String> {
    let lang = scene.lang;
    let diagnosis = scene.diagnosis;
    if diagnosis.endpoints.is_empty() {
        return diagnosis.resolution.error.map(|error| words::resolution_error(error, lang));
    }
    let works = scene.working().len();
    let total = diagnosis.endpoints.len() - scene.uncounted();
    let partly =
        scene.with_verdict(|verdict| matches!(verdict, Verdict::FlowDependent | Verdict::Lossy)).len();
    let unknown = scene.with_verdict(|verdict| verdict == Verdict::Inconclusive).len();
    let mut text = match (total, works, partly, unknown) {
        (1, 1, ..) => say!(lang, "the only address works", "유일한 IP 주소가 정상"),
        (1, _, 1, _) => say!(lang, "the only address works now and then", "유일한 IP 주소가 간헐적으로 실패"),
        (1, _, _, 1) => say!(lang, "the only address could not be judged", "유일한 IP 주소를 판정하지 못함"),
        (1, ..) => say!(lang, "the only address does not work", "유일한 IP 주소가 비정상"),
        (2, 2, ..) => say!(lang, "both addresses work", "IP 주소 2개 모두 정상"),
        (2, 0, 0, 0) => say!(lang, "neither of the 2 addresses works", "IP 주소 2개 모두 비정상"),
        (total, works, ..) if works == total => {
            say!(lang, "all {total} addresses work", "IP 주소 {total}개 모두 정상")
        }
        (total, 0, 0, 0) => say!(lang, "none of {total} addresses works", "IP 주소 {total}개 모두 비정상"),
        (total, works, ..) => {
            let verb = if works == 1 { "works" } else { "work" };
            let mut text =
                say!(lang, "{works} of {total} addresses {verb}", "IP 주소 {total}개 중 {works}개 정상");
            if partly > 0 {
                text.push_str(&say!(lang, ", {partly} now and then", ", {partly}개 간헐적으로 실패"));
            }
            if unknown > 0 {
                text.push_str(&say!(lang, ", {unknown} could not be judged", ", {unknown}개 판정 불가"));
            }
            text
        }
    };
    let uncounted = scene.uncounted();
    if uncounted > 0 {
        text.push_str(&say!(
            lang,
            " (not counted, for want of a route from here: {uncounted})",
            "(이 서버에 경로가 없는 {uncounted}개 제외)"
        ));
    }
    Some(text)
}

pub(crate) fn when_and_where(scene: &Scene<'_>) -> String {
    let lang = scene.lang;
    let vantage = &scene.case.vantage;
    let (time, zone) = (units::date_time(scene.case.started, scene.offset_s), units::zone(scene.offset_s));
    let took = units::span(scene.finished.since(scene.case.started), lang);
    let host = clean(&vantage.host);
    let sources = units::addresses(&vantage.sources);
    let from = match (host.is_empty(), sources.is_empty()) {
        (false, false) => format!("{host} ({sources})"),
        (false, true) => host,
        (true, false) => sources,
        (true, true) => say!(lang, "this host", "이 서버"),
    };
    say!(lang, "{time} {zone}, took {took}, from {from}", "{time} {zone}, 소요 {took}, 출발지 {from}")
}

/// Who was asked for the addresses, and what kind of pool it is.
pub(crate) fn pool(scene: &Scene<'_>) -> Vec<String> {
    let lang = scene.lang;
    let resolution = &scene.diagnosis.resolution;
    let mut lines = Vec::new();
    if !resolution.resolvers.is_empty() || resolution.system.is_some() {
        let mut asked: Vec<String> =
            resolution.resolvers.iter().map(|report| units::resolver(&report.resolver)).collect();
        if resolution.system.is_some() {
            asked.push(say!(lang, "the system", "시스템 조회"));
        }
        let asked = units::some_of(&asked, 5, lang);
        let queries = resolution.queries;
        let plural = if queries == 1 { "question" } else { "questions" };
        lines.push(say!(lang, "DNS: {queries} {plural} to {asked}", "DNS: {asked}에 {queries}회 조회"));
    }
    if let Some((first, _)) = resolution.aliases.first() {
        let mut chain = vec![clean(first)];
        chain.extend(resolution.aliases.iter().take(8).map(|(_, target)| clean(target)));
        lines.push(format!("CNAME: {}", chain.join(" → ")));
    }
    let seen = resolution.addresses.len();
    if seen > 0 && scene.name().is_some() {
        let estimated = resolution.estimated;
        let seen_text = words::count_addresses(seen, lang);
        let mut text = if resolution.exhausted {
            let alpha = units::percent(resolution.alpha);
            say!(
                lang,
                "Pool: {seen_text}; one more would have been missed with less than {alpha}",
                "IP 풀: {seen_text} 확인(더 있는데 놓쳤을 확률 {alpha} 미만)"
            )
        } else {
            say!(
                lang,
                "Pool: {seen_text} seen, about {estimated:.0} probably in use",
                "IP 풀: {seen_text} 확인, 실제 약 {estimated:.0}개 추정"
            )
        };
        let per_answer = resolution.per_answer;
        if per_answer > 0 && seen > 1 {
            let all = per_answer as usize >= seen;
            text.push_str(&match (resolution.rotates, all) {
                (true, true) => {
                    say!(lang, "; all in each answer, in changing order", ", 응답마다 전체가 순서만 바뀜")
                }
                (true, false) => {
                    say!(lang, "; {per_answer} in each answer, changing", ", 응답마다 {per_answer}개씩 바뀜")
                }
                (false, true) => say!(lang, "; all in each answer", ", 응답마다 전체"),
                (false, false) => say!(lang, "; {per_answer} in each answer", ", 응답마다 {per_answer}개"),
            });
        }
        lines.push(text);
    }
    lines
}

/// The table of the addresses: failing ones first, long runs of alike ones folded.
fn endpoints(scene: &Scene<'_>) -> Table {
    let lang = scene.lang;
    let columns = vec![
        Column::new(Label::Address.text(lang)),
        Column::new(Label::Ping.text(lang)).right().dispensable(3),
        Column::new(Label::Connect.text(lang)).right(),
        Column::new(Label::Tls.text(lang)).right().dispensable(1),
        Column::new(Label::Http.text(lang)).right().dispensable(2),
        Column::new(Label::Verdict.text(lang)),
        Column::new(Label::Place.text(lang)).cut(16).dispensable(4),
    ];
    let mut sorted: Vec<&EndpointDiagnosis> = scene.diagnosis.endpoints.iter().collect();
    sorted.sort_by_key(|endpoint| (rank(endpoint.verdict), endpoint.verdict));
    let mut rows = Vec::new();
    let mut failing_shown = 0;
    let mut rest = sorted.as_slice();
    while let Some(first) = rest.first() {
        let length = rest.iter().take_while(|other| alike(first, other, lang)).count();
        let (group, tail) = rest.split_at(length);
        rest = tail;
        let fails = rank(first.verdict) < 2;
        let show = if length <= ALIKE {
            length
        } else if fails {
            length.min(SHOWN.max(FAILING_SHOWN.saturating_sub(failing_shown)))
        } else {
            SHOWN
        };
        rows.extend(group[..show].iter().map(|endpoint| Row::Cells(endpoint_cells(endpoint, lang))));
        if fails {
            failing_shown += show;
        }
        let more = length - show;
        if more > 0 {
            let verdict = words::verdict_name(first.verdict, lang);
            rows.push(Row::Note(say!(
                lang,
                "…and {more} more alike ({verdict})",
                "…외 {more}개 동일({verdict})"
            )));
        }
    }
    Table { columns, rows }
}

/// What fails comes first, what does not count last.
pub(crate) fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NoRoute => 3,
        Verdict::Ok => 2,
        Verdict::Inconclusive => 1,
        _ => 0,
    }
}

fn alike(one: &EndpointDiagnosis, other: &EndpointDiagnosis, lang: Lang) -> bool {
    one.verdict == other.verdict && words::place_short(one, lang) == words::place_short(other, lang)
}

fn endpoint_cells(endpoint: &EndpointDiagnosis, lang: Lang) -> Vec<Span> {
    let ping = &endpoint.ping;
    let ping =
        if ping.sent == 0 { "-".to_owned() } else { ratio_or_time(ping.received, ping.sent, ping.rtt, lang) };
    let connect = &endpoint.connect;
    let connect_text = if connect.attempts == 0 {
        "-".to_owned()
    } else {
        ratio_or_time(connect.succeeded, connect.attempts, connect.rtt, lang)
    };
    let verdict_role = match endpoint.verdict {
        Verdict::Ok => Role::Good,
        Verdict::NoRoute => Role::Dim,
        verdict if verdict.is_partly_usable() || verdict == Verdict::Inconclusive => Role::Warn,
        _ => Role::Bad,
    };
    let place =
        if endpoint.verdict == Verdict::Ok { String::new() } else { words::place_short(endpoint, lang) };
    vec![
        Span::plain(endpoint.endpoint.address.to_string()),
        Span::plain(ping),
        Span::plain(connect_text),
        Span::plain(tls_cell(endpoint, lang)),
        Span::plain(http_cell(endpoint, lang)),
        Span::new(words::verdict_name(endpoint.verdict, lang), verdict_role),
        Span::plain(place),
    ]
}

/// The time when all came back, else how many did.
pub(crate) fn ratio_or_time(part: u32, whole: u32, time: Option<Duration>, lang: Lang) -> String {
    match time {
        Some(time) if part >= whole => units::span(time, lang),
        Some(time) if part > 0 => format!("{part}/{whole} {}", units::span(time, lang)),
        _ => format!("{part}/{whole}"),
    }
}

pub(crate) fn tls_cell(endpoint: &EndpointDiagnosis, lang: Lang) -> String {
    let Some(tls) = &endpoint.tls else { return "-".to_owned() };
    match &tls.ended {
        TlsEnd::Completed if endpoint.verdict == Verdict::Untrusted => say!(lang, "untrusted", "불신"),
        TlsEnd::Completed => units::span(tls.took, lang),
        TlsEnd::Alert(code, _) => say!(lang, "alert {code}", "경고 {code}"),
        TlsEnd::Closed => say!(lang, "closed", "종료"),
        TlsEnd::Reset => say!(lang, "reset", "리셋"),
        TlsEnd::Silent => say!(lang, "silent", "무응답"),
        TlsEnd::NotTls(_) => say!(lang, "not TLS", "TLS 아님"),
        TlsEnd::Returned => say!(lang, "returned", "반송"),
        TlsEnd::Incompatible(_) => say!(lang, "failed", "실패"),
    }
}

pub(crate) fn http_cell(endpoint: &EndpointDiagnosis, lang: Lang) -> String {
    let Some(http) = &endpoint.http else { return "-".to_owned() };
    match &http.ended {
        HttpEnd::Status(status) => status.to_string(),
        HttpEnd::Closed => say!(lang, "closed", "종료"),
        HttpEnd::Reset => say!(lang, "reset", "리셋"),
        HttpEnd::Silent => say!(lang, "silent", "무응답"),
        HttpEnd::NotHttp(_) => say!(lang, "no HTTP", "HTTP 아님"),
    }
}

/// Every finding, and behind the first that speaks of it, what shows each kind of failure.
fn why(page: &mut Page, scene: &Scene<'_>) {
    let lang = scene.lang;
    let mut groups = failure_groups(scene);
    if scene.diagnosis.findings.is_empty() && groups.is_empty() {
        return;
    }
    heading(page, Label::Why, lang);
    for finding in &scene.diagnosis.findings {
        said(page, scene, finding);
        if finding.severity != Severity::Error {
            continue;
        }
        let (speaks_of, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| {
            group.iter().any(|endpoint| finding.addresses.contains(&endpoint.endpoint.address))
        });
        groups = others;
        for group in &speaks_of {
            evidence(page, scene, group, "    ");
        }
    }
    for group in &groups {
        evidence(page, scene, group, "  ");
    }
}

/// The findings alone.
fn findings(page: &mut Page, scene: &Scene<'_>, wanted: impl Fn(&Finding) -> bool) {
    let mut shown = scene.diagnosis.findings.iter().filter(|finding| wanted(finding)).peekable();
    if shown.peek().is_some() {
        heading(page, Label::Why, scene.lang);
    }
    for finding in shown {
        said(page, scene, finding);
    }
}

/// One finding.
fn said(page: &mut Page, scene: &Scene<'_>, finding: &Finding) {
    let role = match finding.severity {
        Severity::Error => Role::Bad,
        Severity::Warning => Role::Warn,
        Severity::Info => Role::Dim,
    };
    page.paragraph(
        "  ",
        "    ",
        &[
            Span::new(words::severity(finding.severity, scene.lang), role),
            Span::plain(" "),
            Span::new(finding.matter.code(), Role::Strong),
            Span::plain(format!(": {}", words::finding(scene, finding))),
        ],
    );
}

/// The failing addresses by verdict and place.
pub(crate) fn failure_groups<'a>(scene: &Scene<'a>) -> Vec<Vec<&'a EndpointDiagnosis>> {
    let mut groups: Vec<Vec<&EndpointDiagnosis>> = Vec::new();
    for endpoint in &scene.diagnosis.endpoints {
        let counts = match endpoint.verdict {
            Verdict::Ok => false,
            Verdict::NoRoute => scene.uncounted() == 0,
            _ => true,
        };
        if !counts {
            continue;
        }
        match groups.iter_mut().find(|group| alike(group[0], endpoint, scene.lang)) {
            Some(group) => group.push(endpoint),
            None => groups.push(vec![endpoint]),
        }
    }
    groups
}

fn evidence(page: &mut Page, scene: &Scene<'_>, group: &[&EndpointDiagnosis], indent: &str) {
    let lang = scene.lang;
    let Some(shown) = group.first() else { return };
    let address = shown.endpoint.address;
    let verdict = shown.verdict;
    let others = group.len() - 1;
    let who = if others == 0 {
        address.to_string()
    } else {
        say!(lang, "{address} (and {others} more alike)", "{address}(외 {others}개 동일)")
    };
    let mut line = vec![Span::plain(format!("{who}: ")), Span::new(verdict.code(), Role::Strong)];
    if lang != Lang::En {
        line.push(Span::plain(format!(" {}", words::verdict_name(verdict, lang))));
    }
    if shown.confidence < 1.0 && verdict != Verdict::Inconclusive {
        line.push(Span::plain(format!(", {}", words::confidence(shown.confidence, lang))));
    }
    page.paragraph(indent, &format!("{indent}  "), &line);
    let (first, rest) = (&format!("{indent}  - "), &format!("{indent}    "));
    if shown.evidence.is_empty() {
        page.plain(first, rest, words::detail(shown, lang));
    }
    for evidence in &shown.evidence {
        page.plain(first, rest, words::evidence(evidence, lang));
    }
    if let Some(thrown) = java::thrown(&scene.diagnosis.target, shown) {
        let (until_12, from_13) = (&thrown.until_12, &thrown.from_13);
        let text = if until_12 == from_13 {
            say!(lang, "in a Java log: {until_12}", "Java 로그: {until_12}")
        } else {
            say!(
                lang,
                "in a Java log: {until_12} (JDK 13 and later: {from_13})",
                "Java 로그: {until_12} (JDK 13 이상: {from_13})"
            )
        };
        page.plain(first, rest, text);
    }
    if let Some(refuted) = words::refuted_by(verdict, lang) {
        let label = Label::Refuted.text(lang);
        page.paragraph(first, rest, &[Span::new(format!("{label} {refuted}"), Role::Dim)]);
    }
}

/// The trail of a failing address beside the open one, the hop at which it ends marked.
fn places(page: &mut Page, scene: &Scene<'_>) {
    let lang = scene.lang;
    let groups: Vec<Vec<&EndpointDiagnosis>> =
        failure_groups(scene).into_iter().filter(|group| words::place(group[0], lang).is_some()).collect();
    if groups.is_empty() {
        return;
    }
    heading(page, Label::Where, lang);
    for (index, group) in groups.iter().enumerate() {
        let shown = group[0];
        let (address, code) = (shown.endpoint.address, shown.verdict.code());
        let place = words::place(shown, lang).unwrap_or_default();
        let others = group.len() - 1;
        let also = if others == 0 {
            String::new()
        } else {
            say!(lang, " (and {others} more alike)", "(외 {others}개 동일)")
        };
        let text = say!(lang, "{address}{also}: {code} {place}", "{address}{also}: {code}, {place}");
        page.plain("  ", "    ", text);
        // What stops on this machine has no trail worth drawing.
        let drawn = shown.verdict != Verdict::BlockedLocally
            && shown.location.as_ref().is_some_and(|location| !location.trail.is_empty());
        if index < TRAILS && drawn {
            page.table("    ", &trail(scene, shown));
        }
    }
}

fn trail(scene: &Scene<'_>, endpoint: &EndpointDiagnosis) -> Table {
    let lang = scene.lang;
    let address = endpoint.endpoint.address;
    let failing = hops(endpoint, lang);
    let Some(location) = &endpoint.location else { return Table::default() };
    let control =
        location.control.filter(|control| *control != address).and_then(|control| scene.endpoint(control));
    let mut open = control.map(|control| hops(control, lang)).unwrap_or_default();
    // The trail is one of SYNs; what cuts a name lets them pass.
    let by_syn = endpoint.verdict != Verdict::NameBlocked;
    if let (true, true, Some(next)) = (by_syn, open.is_empty(), location.next_on_open_path) {
        open.push((location.ttl.saturating_add(1), next.to_string(), true));
    }
    let ends = location.ttl;

    let marked = failing
        .iter()
        .find(|(ttl, _, router)| *ttl > ends && !(by_syn && *router))
        .or_else(|| failing.iter().find(|(_, _, router)| !router))
        .map(|(ttl, ..)| *ttl);
    let last_open = open.iter().map(|(ttl, ..)| *ttl).max().unwrap_or(0);
    // Silence behind the end says nothing new, unless the open path goes on there.
    let last = failing.iter().map(|(ttl, ..)| *ttl).max().unwrap_or(0);
    let last =
        marked.filter(|_| by_syn).map_or(last, |marked| last.min(marked.saturating_add(1).max(last_open)));
    let mut rows = Vec::new();
    for ttl in 1..=last.max(last_open) {
        let at = |hops: &[(u8, String, bool)]| {
            hops.iter().find(|(hop, ..)| *hop == ttl).map(|(_, text, _)| text.clone()).unwrap_or_default()
        };
        let ended = marked == Some(ttl);
        let mut text = at(&failing);
        if ended {
            text.push_str(&if by_syn {
                say!(lang, "  <-- ends here", "  <-- 여기서 끊김")
            } else {
                say!(lang, "  <-- cut before here", "  <-- 이 앞에서 끊김")
            });
        }
        rows.push(Row::Cells(vec![
            Span::plain(ttl.to_string()),
            Span::new(text, if ended { Role::Bad } else { Role::Plain }),
            Span::plain(at(&open)),
        ]));
    }
    let open_title = match control {
        Some(control) => format!("{} ({})", control.endpoint.address, control.verdict.code()),
        None => say!(lang, "open path", "정상 경로"),
    };
    let columns = vec![
        Column::new(Label::Hop.text(lang)).right(),
        Column::new(format!("{address} ({})", endpoint.verdict.code())).wrap(24),
        Column::new(open_title).dispensable(1),
    ];
    Table { columns, rows }
}

/// TTL, what came, and whether it was a router's time exceeded.
fn hops(endpoint: &EndpointDiagnosis, lang: Lang) -> Vec<(u8, String, bool)> {
    let Some(location) = &endpoint.location else { return Vec::new() };
    let mut hops: Vec<(u8, String, bool)> = Vec::new();
    for hop in &location.trail {
        let (text, router) = match hop.answer {
            TrailAnswer::Router(router) => (router.to_string(), true),
            TrailAnswer::Reached => (say!(lang, "connected", "연결됨"), false),
            TrailAnswer::Reset => ("RST".to_owned(), false),
            TrailAnswer::Icmp(error, by) => (format!("{by}: ICMP {}/{}", error.kind, error.code), false),
            TrailAnswer::Silence => ("*".to_owned(), false),
        };
        match hops.iter_mut().find(|(ttl, ..)| *ttl == hop.ttl) {
            Some((_, known, _)) if *known == text => {}
            Some((_, known, any_router)) => {
                known.push_str(&format!(" / {text}"));
                *any_router |= router;
            }
            None => hops.push((hop.ttl, text, router)),
        }
    }
    hops
}

/// What clients suffer, where they suffer anything.
fn impact(page: &mut Page, scene: &Scene<'_>) {
    let lang = scene.lang;
    let suffers = |impact: &reach_core::model::Impact| {
        impact.failure_share > 0.0 || impact.added_latency.is_some_and(|added| !added.is_zero())
    };
    if !scene.diagnosis.impact.iter().any(suffers) {
        return;
    }
    heading(page, Label::Impact, lang);
    let rows = scene
        .diagnosis
        .impact
        .iter()
        .map(|impact| {
            let added = impact
                .added_latency
                .filter(|added| !added.is_zero())
                .map_or("-".to_owned(), |added| format!("+{}", units::span(added, lang)));
            let fails = impact.failure_share > 0.0;
            let logs = fails.then(|| words::client_logs(impact.client, scene)).flatten();
            Row::Cells(vec![
                Span::plain(words::client(impact.client, lang)),
                Span::new(units::percent(impact.failure_share), if fails { Role::Bad } else { Role::Plain }),
                Span::plain(added),
                Span::plain(logs.unwrap_or_else(|| "-".to_owned())),
            ])
        })
        .collect();
    let columns = vec![
        Column::new(Label::Client.text(lang)),
        Column::new(Label::Fails.text(lang)).right(),
        Column::new(Label::Delay.text(lang)).right(),
        Column::new(Label::Logs.text(lang)).wrap(22).dispensable(1),
    ];
    page.table("  ", &Table { columns, rows });
    let bursts = scene
        .diagnosis
        .impact
        .iter()
        .find(|impact| impact.client == ClientModel::JvmCached && impact.failure_share > 0.0);
    if let Some(bursts) = bursts.filter(|_| scene.fails_by_address()) {
        page.plain("  ", "  ", words::impact_note(bursts, scene));
    }
}

fn asks(page: &mut Page, scene: &Scene<'_>, wanted: impl Fn(&Finding) -> bool) {
    let lang = scene.lang;
    let mut asks: Vec<words::Ask> = words::findings_with_ask(scene)
        .into_iter()
        .filter(|(finding, _)| wanted(finding))
        .map(|(_, ask)| ask)
        .collect();
    if let Some(error) = scene.diagnosis.resolution.error.filter(|_| scene.diagnosis.endpoints.is_empty()) {
        asks.insert(0, words::resolution_advice(scene, error));
    }
    let advice = scene.diagnosis.doubt.map(|doubt| words::doubt_advice(doubt, lang));
    if asks.is_empty() && advice.is_none() {
        return;
    }
    heading(page, Label::Ask, lang);
    let mut number = 0;
    if let Some(advice) = advice {
        number += 1;
        page.plain(&format!("{number}. "), "   ", advice);
    }
    for ask in asks {
        if number > 0 {
            page.blank();
        }
        number += 1;
        page.paragraph(&format!("{number}. "), "   ", &[Span::new(ask.to.text(lang), Role::Strong)]);
        for line in ask.lines {
            page.plain("   ", "     ", line);
        }
    }
}

fn gaps(page: &mut Page, scene: &Scene<'_>) {
    let lang = scene.lang;
    let mut gaps: Vec<(Gap, Vec<IpAddr>)> = Vec::new();
    for endpoint in &scene.diagnosis.endpoints {
        for gap in &endpoint.gaps {
            match gaps.iter_mut().find(|(known, _)| known == gap) {
                Some((_, addresses)) => addresses.push(endpoint.endpoint.address),
                None => gaps.push((*gap, vec![endpoint.endpoint.address])),
            }
        }
    }
    if gaps.is_empty() {
        return;
    }
    gaps.sort_by_key(|(gap, _)| *gap);
    heading(page, Label::NotTold, lang);
    for (gap, addresses) in gaps {
        let mut text = words::gap(gap, lang);
        if addresses.len() < scene.diagnosis.endpoints.len() {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            text.push_str(&format!(" ({})", units::some_of(&addresses, 3, lang)));
        }
        page.plain("  - ", "    ", text);
    }
}

/// What each resolver said.
fn resolvers(page: &mut Page, scene: &Scene<'_>) {
    let lang = scene.lang;
    let resolution = &scene.diagnosis.resolution;
    heading(page, Label::Resolvers, lang);
    for report in &resolution.resolvers {
        let resolver = units::resolver(&report.resolver);
        let conduct = words::conduct(report, resolution.error, lang);
        let (queries, unanswered) = (report.queries, report.unanswered);
        let mut text = say!(
            lang,
            "{resolver}: {conduct}; {queries} asked, {unanswered} unanswered",
            "{resolver}: {conduct}, 질의 {queries}건 중 무응답 {unanswered}건"
        );
        if let Some(rtt) = report.rtt {
            let rtt = units::span(rtt, lang);
            text.push_str(&format!(", {rtt}"));
        }
        page.plain("  ", "    ", text);
    }
    match &resolution.system {
        Some(addresses) if addresses.is_empty() => {
            page.plain(
                "  ",
                "    ",
                say!(lang, "the system's own look-up: nothing", "시스템 조회: 결과 없음"),
            );
        }
        Some(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            let addresses = units::some_of(&addresses, 4, lang);
            page.plain(
                "  ",
                "    ",
                say!(lang, "the system's own look-up: {addresses}", "시스템 조회: {addresses}"),
            );
        }
        None => {}
    }
}

/// One name of `reach resolve`.
fn name(page: &mut Page, scene: &Scene<'_>) {
    let lang = scene.lang;
    let resolution = &scene.diagnosis.resolution;
    let count = words::count_addresses(resolution.addresses.len(), lang);
    let result = match resolution.error {
        Some(error) if resolution.addresses.is_empty() => {
            Span::new(words::resolution_error(error, lang), Role::Bad)
        }
        _ => Span::plain(count),
    };
    page.paragraph("", "  ", &[Span::new(scene.host(), Role::Strong), Span::plain("  "), result]);
    page.plain("  ", "    ", when_and_where(scene));
    for text in pool(scene) {
        page.plain("  ", "    ", text);
    }
    if !resolution.addresses.is_empty() {
        let rows = resolution
            .addresses
            .iter()
            .map(|known| {
                let sources: Vec<String> = known
                    .sources
                    .iter()
                    .map(|source| match source {
                        AddressSource::Resolver(resolver) => units::resolver(resolver),
                        AddressSource::System => say!(lang, "the system", "시스템 조회"),
                        AddressSource::Literal => "-".to_owned(),
                    })
                    .collect();
                Row::Cells(vec![
                    Span::plain(known.address.to_string()),
                    Span::plain(known.seen.to_string()),
                    Span::plain(known.ttl_s.map_or("-".to_owned(), |ttl| ttl.to_string())),
                    Span::plain(sources.join(", ")),
                ])
            })
            .collect();
        let columns = vec![
            Column::new(Label::Address.text(lang)),
            Column::new(Label::Seen.text(lang)).right(),
            Column::new(Label::Ttl.text(lang)).right(),
            Column::new(Label::GivenBy.text(lang)).cut(8),
        ];
        page.blank();
        page.table("", &Table { columns, rows });
    }
    if !resolution.resolvers.is_empty() {
        resolvers(page, scene);
    }
    if let Some(doubt) = scene.diagnosis.doubt {
        page.blank();
        page.plain("", "", words::doubt(doubt, lang));
    }
    if resolution.resolvers.is_empty() && scene.diagnosis.findings.is_empty() {
        return;
    }
    findings(page, scene, words::is_about_names);
    asks(page, scene, words::is_about_names);
}

fn heading(page: &mut Page, label: Label, lang: Lang) {
    page.blank();
    page.paragraph("", "", &[Span::new(label.text(lang), Role::Head)]);
}

fn state_role(state: State) -> Role {
    match state {
        State::Reachable => Role::Good,
        State::PartlyReachable | State::Inconclusive => Role::Warn,
        State::Unreachable | State::Unresolved => Role::Bad,
    }
}
