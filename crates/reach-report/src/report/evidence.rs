//! The evidence behind the first page: what a sceptical reader checks.

use std::{net::IpAddr, time::Duration};

use reach_core::model::{ClientModel, EndpointDiagnosis, Verdict};

use super::{
    Material, apart,
    attempts::{self, Came},
    kinds::Kind,
    letter::{Fault, heading, said},
    nots::nots,
};
use crate::{
    chart::{self, Histogram},
    clean::clean,
    document::{Block, Cell, Column, Inline, Table, Tone},
    scene::Scene,
    text, units,
    words::{self, Label, say},
};

/// So many attempts are shown; all of them are attached.
const MOST_ATTEMPTS: usize = 28;
/// The width of pictures, which fits A4.
pub(super) const WIDTH: f64 = 680.0;
/// So many working addresses are listed one by one.
const MOST_WORKING: usize = 12;
/// So many failing ones.
const MOST_FAILING: usize = 64;
/// So many trails are shown side by side.
const TRAILS: usize = 3;

/// Everything that shows one fault.
pub(super) fn blocks(_material: &Material<'_>, fault: &Fault<'_>, several: bool, blocks: &mut Vec<Block>) {
    let scene = &fault.scene;
    let lang = scene.lang;
    let title = if several {
        let target = clean(&scene.diagnosis.target.text);
        say!(lang, "Evidence: {target}", "근거 자료: {target}")
    } else {
        say!(lang, "Evidence", "근거 자료")
    };
    blocks.push(heading(1, title));
    if scene.diagnosis.endpoints.is_empty() {
        resolvers(scene, blocks);
    } else {
        addresses(scene, blocks);
    }
    same_second(fault, blocks);
    verdicts(scene, blocks);
    trails(scene, blocks);
    excluded(fault, blocks);
    attempted(fault, blocks);
    repeated(fault, blocks);
    suffered(scene, blocks);
    unseen(scene, blocks);
}

fn addresses(scene: &Scene<'_>, blocks: &mut Vec<Block>) {
    let lang = scene.lang;
    blocks.push(heading(2, say!(lang, "Every address behind the name", "도메인의 IP별 결과")));
    let mut sorted: Vec<&EndpointDiagnosis> = scene.diagnosis.endpoints.iter().collect();
    sorted.sort_by_key(|endpoint| (text::rank(endpoint.verdict), endpoint.verdict));
    let (mut working, mut failing) = (0, 0);
    let mut hidden = (0_usize, 0_usize);
    let mut rows = Vec::new();
    for endpoint in sorted {
        let (shown, most, left) = if endpoint.verdict == Verdict::Ok {
            (&mut working, MOST_WORKING, &mut hidden.0)
        } else {
            (&mut failing, MOST_FAILING, &mut hidden.1)
        };
        if *shown == most {
            *left += 1;
            continue;
        }
        *shown += 1;
        rows.push(address_row(scene, endpoint));
    }
    let label = |label: Label| label.text(lang);
    blocks.push(Block::Table(Table {
        caption: String::new(),
        columns: vec![
            Column::whole(label(Label::Address)),
            Column::right(label(Label::Ping)),
            Column::right(label(Label::Connect)),
            Column::right(label(Label::Tls)),
            Column::right(label(Label::Http)),
            Column::new(label(Label::Verdict)),
            Column::new(label(Label::Place)),
        ],
        rows,
    }));
    if hidden.0 + hidden.1 > 0 {
        let (good, bad) = hidden;
        let text = say!(
            lang,
            "Not listed: {good} more that work and {bad} more that do not; the JSON form of this document has them all.",
            "생략: 정상 {good}개, 비정상 {bad}개. 이 문서의 JSON 형식에 전체가 있습니다."
        );
        blocks.push(Block::Paragraph(vec![text.into()]));
    }
    let note = say!(
        lang,
        "Connect: the time from SYN to SYN-ACK, or how many of the attempts came about. Ping is listed and never counted as a failure.",
        "연결: SYN부터 SYN-ACK까지의 시간, 또는 시도 중 성공한 횟수. 핑은 참고용이며 무응답을 실패로 보지 않습니다."
    );
    blocks.push(Block::Paragraph(vec![note.into()]));
}

fn address_row(scene: &Scene<'_>, endpoint: &EndpointDiagnosis) -> Vec<Cell> {
    let lang = scene.lang;
    let (ping, connect) = (&endpoint.ping, &endpoint.connect);
    let ping = if ping.sent == 0 {
        "-".to_owned()
    } else {
        text::ratio_or_time(ping.received, ping.sent, ping.rtt, lang)
    };
    let connect = if connect.attempts == 0 {
        "-".to_owned()
    } else {
        text::ratio_or_time(connect.succeeded, connect.attempts, connect.rtt, lang)
    };
    let place = match endpoint.verdict {
        Verdict::Ok => String::new(),
        _ => words::place_short(endpoint, lang),
    };
    vec![
        Cell::code(endpoint.endpoint.address.to_string()),
        Cell::new(ping),
        Cell::new(connect),
        Cell::new(text::tls_cell(endpoint, lang)),
        Cell::new(text::http_cell(endpoint, lang)),
        Cell::toned(words::verdict_name(endpoint.verdict, lang), tone(endpoint.verdict)),
        Cell::new(place),
    ]
}

pub(super) const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Ok => Tone::Good,
        Verdict::NoRoute => Tone::Note,
        Verdict::FlowDependent | Verdict::Lossy | Verdict::Inconclusive => Tone::Warn,
        _ => Tone::Bad,
    }
}

/// The control: the same source, the same moment, another address.
fn same_second(fault: &Fault<'_>, blocks: &mut Vec<Block>) {
    let lang = fault.scene.lang;
    let Some(pair) = attempts::control(&fault.attempts, &fault.failing) else { return };
    let offset = fault.scene.offset_s;
    blocks.push(heading(
        2,
        say!(lang, "The control: same source, same moment", "비교 대상: 같은 출발지, 같은 시각"),
    ));
    let (bad_from, bad_to) = pair.bad.flow();
    let (good_from, good_to) = pair.good.flow();
    let (bad_at, good_at) =
        (units::clock_time_ms(pair.bad.at, offset), units::clock_time_ms(pair.good.at, offset));
    let (bad_came, good_came) = (pair.bad.result(lang), pair.good.result(lang));
    let (took, apart) = (units::span(pair.good.took, lang), apart(pair.apart, lang));
    let text = say!(
        lang,
        "{bad_at} {bad_from} → {bad_to}: {bad_came}. {good_at} {good_from} → {good_to}: {good_came}, {took}. Both attempts began within {apart} of each other.",
        "{bad_at} {bad_from} → {bad_to}: {bad_came}. {good_at} {good_from} → {good_to}: {good_came}, {took}. 두 시도의 시작 시각 차이: {apart}."
    );
    blocks.push(Block::Paragraph(vec![text.into()]));
}

/// What is concluded of each group of alike addresses, what shows it, and what would refute it.
fn verdicts(scene: &Scene<'_>, blocks: &mut Vec<Block>) {
    let lang = scene.lang;
    let groups = text::failure_groups(scene);
    if groups.is_empty() {
        return;
    }
    blocks.push(heading(2, say!(lang, "The verdict, and what would refute it", "판정과 반증 조건")));
    for group in groups {
        let Some(first) = group.first() else { continue };
        let verdict = first.verdict;
        let listed: Vec<String> = group.iter().map(|one| one.endpoint.address.to_string()).collect();
        let listed = units::some_of(&listed, 8, lang);
        let (name, meaning) = (words::verdict_name(verdict, lang), words::meaning(verdict, lang));
        let lowest = group.iter().map(|one| one.confidence).fold(1.0, f64::min);
        let mut head = vec![
            Inline::Code(listed),
            ": ".into(),
            Inline::Strong(name.to_owned()),
            format!(" ({meaning})").into(),
        ];
        if lowest < 1.0 && verdict != Verdict::Inconclusive {
            head.push(format!(", {}", words::confidence(lowest, lang)).into());
        }
        blocks.push(Block::Paragraph(head));
        let mut points: Vec<Vec<Inline>> =
            first.evidence.iter().map(|evidence| said(&words::evidence(evidence, lang))).collect();
        if points.is_empty() {
            points.push(vec![words::detail(first, lang).into()]);
        }
        if let Some(place) = words::place(first, lang) {
            points.push(vec![say!(lang, "Place: {place}", "위치: {place}").into()]);
        }
        if let Some(refuted) = words::refuted_by(verdict, lang) {
            let label = Label::Refuted.text(lang);
            let mut point = vec![Inline::Strong(format!("{label} "))];
            point.extend(said(&refuted));
            points.push(point);
        }
        blocks.push(Block::Points(points));
    }
}

fn trails(scene: &Scene<'_>, blocks: &mut Vec<Block>) {
    let lang = scene.lang;
    let drawn = |endpoint: &EndpointDiagnosis| {
        endpoint.verdict != Verdict::BlockedLocally
            && words::place(endpoint, lang).is_some()
            && endpoint.location.as_ref().is_some_and(|location| !location.trail.is_empty())
    };
    let groups = text::failure_groups(scene);
    let title = say!(lang, "Paths from this host", "이 서버에서의 경로");
    let drawing = chart::paths(scene.diagnosis, title, lang);
    let shown: Vec<&EndpointDiagnosis> =
        groups.iter().filter_map(|group| group.iter().find(|one| drawn(one)).copied()).take(TRAILS).collect();
    if shown.is_empty() {
        return;
    }
    blocks.push(heading(2, say!(lang, "The last answering hop, side by side", "마지막 응답 구간 비교")));
    for endpoint in shown {
        let Some(trails) = text::side_by_side(scene, endpoint) else { continue };
        let rows = trails.rows.into_iter().map(|row| {
            let bad = if row.ended {
                let cell = format!("{} ← {}", row.bad, trails.mark);
                Cell::toned(Inline::Code(cell), Tone::Bad)
            } else {
                Cell::code(row.bad)
            };
            vec![Cell::new(row.ttl.to_string()), bad, Cell::code(row.open)]
        });
        blocks.push(Block::Table(Table {
            caption: String::new(),
            columns: vec![
                Column::right(Label::Hop.text(lang)),
                Column::whole(trails.bad),
                Column::whole(trails.open),
            ],
            rows: rows.collect(),
        }));
        if let Some(location) = &endpoint.location {
            let sentence = match (location.last_answering, location.next_on_open_path) {
                (Some(last), Some(next)) => say!(
                    lang,
                    "TCP SYNs to the same port with a rising TTL. The last hop that answers is {last}; on the open path {next} answers behind it.",
                    "같은 포트로 TTL을 늘려 가며 보낸 TCP SYN. 마지막 응답 구간은 {last}이며, 정상 경로에서는 그다음 {next}⟨이/가⟩ 응답합니다."
                ),
                _ => say!(
                    lang,
                    "TCP SYNs to the same port with a rising TTL.",
                    "같은 포트로 TTL을 늘려 가며 보낸 TCP SYN."
                ),
            };
            blocks.push(Block::Paragraph(vec![sentence.into()]));
        }
    }
    if let Some(drawing) = drawing {
        let caption = say!(
            lang,
            "The way to the failing addresses and to one that works; where it is cut, it is marked.",
            "실패한 IP와 정상 IP로 가는 경로. 끊긴 지점을 표시했습니다."
        );
        blocks.push(Block::Figure { drawing, caption });
    }
}

/// How long connecting took: losses show as times a second or more behind the rest.
fn repeated(fault: &Fault<'_>, blocks: &mut Vec<Block>) {
    let lang = fault.scene.lang;
    let connected = fault.attempts.iter().filter(|one| one.handshake() == Some(true));
    let times: Vec<(Duration, u64)> = connected
        .map(|one| {
            // The kernel repeats a SYN after one second at first: the round trip alone would hide the loss.
            let waited = one.packets.unwrap_or(1).saturating_sub(1);
            (one.took + Duration::from_secs(u64::from(waited)), 1)
        })
        .collect();
    if fault.kind != Kind::Loss || times.len() < 4 {
        return;
    }
    let chart =
        Histogram { title: say!(lang, "Times of connecting", "연결 소요 시간"), width: WIDTH, times };
    blocks.push(Block::Figure {
        drawing: chart::histogram(&chart, lang),
        caption: say!(
            lang,
            "How long connecting took. Where a SYN was lost, the kernel sent it again a second later and more.",
            "연결에 걸린 시간. SYN이 손실되면 커널이 1초 이상 뒤에 다시 보냅니다."
        ),
    });
}

fn excluded(fault: &Fault<'_>, blocks: &mut Vec<Block>) {
    let lang = fault.scene.lang;
    let nots = nots(&fault.scene, fault.kind, &fault.failing);
    if nots.is_empty() || fault.kind == Kind::Unclear {
        return;
    }
    blocks.push(heading(2, say!(lang, "What it is not", "해당하지 않는 원인")));
    blocks.push(Block::Facts(nots.into_iter().map(|not| (not.what, vec![not.why.into()])).collect()));
}

fn attempted(fault: &Fault<'_>, blocks: &mut Vec<Block>) {
    let lang = fault.scene.lang;
    let chosen = attempts::chosen(&fault.attempts, &fault.failing, MOST_ATTEMPTS);
    if chosen.is_empty() {
        return;
    }
    let offset = fault.scene.offset_s;
    let zone = units::zone(offset);
    blocks.push(heading(2, say!(lang, "What was tried", "시도 내역")));
    let rows = chosen.iter().map(|one| {
        let (from, to) = one.flow();
        let tone = match (&one.came, one.handshake()) {
            (_, Some(true)) => Tone::Good,
            (_, Some(false)) => Tone::Bad,
            (Came::Silence | Came::Reset | Came::Icmp(..), _) => Tone::Bad,
            _ => Tone::Plain,
        };
        vec![
            Cell::new(units::clock_time_ms(one.at, offset)),
            Cell::code(from),
            Cell::code(to),
            Cell::new(one.protocol()),
            Cell::new(one.packets.map_or_else(|| "-".to_owned(), |packets| packets.to_string())),
            Cell::toned(one.result(lang), tone),
            Cell::new(format!("{:.1}", units::millis(one.took))),
        ]
    });
    let day = chosen.first().map(|one| units::date_time(one.at, offset)).unwrap_or_default();
    let day = day.split(' ').next().unwrap_or_default().to_owned();
    let (shown, all) = (chosen.len(), fault.attempts.len());
    blocks.push(Block::Table(Table {
        caption: say!(
            lang,
            "{day}, times in {zone}; {shown} of {all} attempts, all of them are attached",
            "{day}, 시각 {zone}, 전체 {all}건 중 {shown}건(전체는 첨부)"
        ),
        columns: vec![
            Column::whole(say!(lang, "Time", "시각")),
            Column::whole(say!(lang, "Source", "출발지")),
            Column::whole(say!(lang, "Destination", "목적지")),
            Column::whole(say!(lang, "Proto", "프로토콜")),
            Column::right("SYN"),
            Column::new(say!(lang, "Result", "결과")),
            Column::right("ms"),
        ],
        rows: rows.collect(),
    }));
}

/// What clients suffer, where they suffer anything.
fn suffered(scene: &Scene<'_>, blocks: &mut Vec<Block>) {
    let lang = scene.lang;
    let impacts = &scene.diagnosis.impact;
    if !impacts
        .iter()
        .any(|one| one.failure_share > 0.0 || one.added_latency.is_some_and(|added| !added.is_zero()))
    {
        return;
    }
    blocks.push(heading(2, say!(lang, "What clients suffer", "클라이언트에 미치는 영향")));
    let rows = impacts.iter().map(|impact| {
        let added = impact
            .added_latency
            .filter(|added| !added.is_zero())
            .map_or_else(|| "-".to_owned(), |added| format!("+{}", units::span(added, lang)));
        let fails = impact.failure_share > 0.0;
        let logs = fails.then(|| words::client_logs(impact.client, scene)).flatten();
        vec![
            Cell::new(words::client(impact.client, lang)),
            Cell::toned(units::percent(impact.failure_share), if fails { Tone::Bad } else { Tone::Plain }),
            Cell::new(added),
            Cell::code(logs.unwrap_or_else(|| "-".to_owned())),
        ]
    });
    blocks.push(Block::Table(Table {
        caption: String::new(),
        columns: vec![
            Column::new(Label::Client.text(lang)),
            Column::right(Label::Fails.text(lang)),
            Column::right(Label::Delay.text(lang)),
            Column::new(Label::Logs.text(lang)),
        ],
        rows: rows.collect(),
    }));
    let bursts =
        impacts.iter().find(|impact| impact.client == ClientModel::JvmCached && impact.failure_share > 0.0);
    if let Some(bursts) = bursts.filter(|_| scene.fails_by_address()) {
        blocks.push(Block::Paragraph(vec![words::impact_note(bursts, scene).into()]));
    }
}

/// What the run could not see.
fn unseen(scene: &Scene<'_>, blocks: &mut Vec<Block>) {
    let lang = scene.lang;
    let mut gaps: Vec<reach_core::model::Gap> =
        scene.diagnosis.endpoints.iter().flat_map(|endpoint| endpoint.gaps.iter().copied()).collect();
    gaps.sort_unstable();
    gaps.dedup();
    let mut points: Vec<Vec<Inline>> = gaps.into_iter().map(|gap| said(&words::gap(gap, lang))).collect();
    if let Some(doubt) = scene.diagnosis.doubt {
        points.insert(0, vec![words::doubt(doubt, lang).into()]);
    }
    if points.is_empty() {
        return;
    }
    blocks.push(heading(2, Label::NotTold.text(lang).to_owned()));
    blocks.push(Block::Points(points));
}

/// What each DNS server said, where the name gives no address.
fn resolvers(scene: &Scene<'_>, blocks: &mut Vec<Block>) {
    let lang = scene.lang;
    let resolution = &scene.diagnosis.resolution;
    if resolution.resolvers.is_empty() {
        return;
    }
    blocks.push(heading(2, Label::Resolvers.text(lang).to_owned()));
    let rows = resolution.resolvers.iter().map(|report| {
        vec![
            Cell::code(units::resolver(&report.resolver)),
            Cell::new(words::conduct(report, resolution.error, lang)),
            Cell::new(report.queries.to_string()),
            Cell::new(report.unanswered.to_string()),
            Cell::new(report.rtt.map_or_else(|| "-".to_owned(), |rtt| units::span(rtt, lang))),
        ]
    });
    blocks.push(Block::Table(Table {
        caption: String::new(),
        columns: vec![
            Column::whole(say!(lang, "Server", "서버")),
            Column::new(say!(lang, "What it said", "응답")),
            Column::right(say!(lang, "Asked", "조회")),
            Column::right(say!(lang, "Unanswered", "무응답")),
            Column::right(say!(lang, "Time", "응답 시간")),
        ],
        rows: rows.collect(),
    }));
    let told: Vec<String> = resolution.system.iter().flatten().map(IpAddr::to_string).collect();
    if resolution.system.is_some() {
        let told = if told.is_empty() {
            say!(lang, "nothing", "결과 없음")
        } else {
            units::some_of(&told, 6, lang)
        };
        let text = say!(lang, "The system's own look-up: {told}.", "시스템 조회: {told}.");
        blocks.push(Block::Paragraph(vec![text.into()]));
    }
}
