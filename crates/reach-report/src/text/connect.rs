//! What `reach connect` shows.

use reach_core::{
    Time,
    model::{Answer, Exchanged, Observation, Outcome, State, TlsResult},
    tries::{Ending, handshake},
};

use super::{pool, resolvers, state_role, when_and_where};
use crate::{
    Lang, Style,
    clean::clean,
    connect::{Attempted, Peer, Row as Tried, Way},
    layout::{Column, Page, Role, Row, Span, Table},
    scene::Scene,
    units,
    words::{self, Label, connect as say_connect, say},
};

/// What `reach connect` shows of all targets.
pub fn connect(attempted: &[Attempted], finished: Time, style: &Style) -> String {
    let mut page = Page::new(*style);
    for one in attempted {
        page.blank();
        target(&mut page, one, finished, style);
    }
    page.finish()
}

/// One line for one of many tries, as soon as it ended: the local time, its number, what was connected to, and how
/// it ended.
pub fn connect_try(
    attempted: &Attempted,
    row: &Peer,
    number: u32,
    seen: &Observation,
    style: &Style,
) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    let time = units::clock_time(seen.sent, style.utc_offset_s);
    let mut line = vec![Span::new(format!("{time}  #{number}  "), Role::Dim), Span::plain(peer(row))];
    line.push(Span::plain("  "));
    line.push(Span::new(say_connect::ending(seen, &attempted.way, lang), role(seen)));
    if let Some(connected) = handshake(&seen.outcome) {
        line.push(Span::plain(format!("  {}", units::span(connected.rtt, lang))));
    }
    page.paragraph("", "    ", &line);
    page.finish()
}

fn target(page: &mut Page, attempted: &Attempted, finished: Time, style: &Style) {
    let lang = style.lang;
    let scene = Scene {
        case: &attempted.case,
        diagnosis: &attempted.names,
        finished,
        offset_s: style.utc_offset_s,
        lang,
    };
    let state = attempted.state();
    match attempted.rows.as_slice() {
        [] => {
            head(page, attempted, &scene, state);
            nothing(page, attempted, &scene);
        }
        [only] if attempted.repeat == 1 => single(page, attempted, only, finished, lang),
        _ => {
            head(page, attempted, &scene, state);
            page.blank();
            page.table("", &table(attempted, finished, lang));
            certificates(page, attempted, finished, lang);
        }
    }
    // A check goes the direct way and would say nothing about a proxy.
    let direct = attempted.way == Way::Direct && !attempted.rows.is_empty();
    if direct && state != State::Reachable {
        page.blank();
        page.plain("", "  ", say_connect::pointer(&attempted.case.target.text, lang));
    }
}

fn head(page: &mut Page, attempted: &Attempted, scene: &Scene<'_>, state: State) {
    let lang = scene.lang;
    let deciding: Vec<&Tried> = attempted.deciding().collect();
    let no_route = |row: &&Tried| row.tries.iter().all(|seen| Ending::of(&seen.outcome) == Ending::NoRoute);
    let counted = deciding.iter().filter(|row| !no_route(row)).count();
    let counted = if counted == 0 { deciding.len() } else { counted };
    let good = deciding.iter().filter(|row| row.tally().is_good()).count();
    let tls =
        attempted.rows.iter().flat_map(|row| &row.tries).any(|seen| say_connect::speaks_tls(&seen.probe));
    let mut line = vec![
        Span::new(clean(&attempted.case.target.text), Role::Strong),
        Span::plain("  "),
        Span::new(words::state(state, lang).to_uppercase(), state_role(state)),
    ];
    let by_name = deciding.iter().any(|row| matches!(row.peer, Peer::Name(_)));
    if !deciding.is_empty() && !by_name {
        line.push(Span::plain(format!(": {}", say_connect::tally(good, counted, tls, lang))));
    }
    page.paragraph("", "  ", &line);
    page.plain("  ", "    ", when_and_where(scene));
    for text in pool(scene) {
        page.plain("  ", "    ", text);
    }
    page.plain("  ", "    ", say_connect::way(&attempted.way, lang));
    if by_name && attempted.rows.len() > 1 {
        page.plain("  ", "    ", say_connect::comparison(lang));
    }
}

/// Why nothing was tried.
fn nothing(page: &mut Page, attempted: &Attempted, scene: &Scene<'_>) {
    let lang = scene.lang;
    if let Some(error) = attempted.names.resolution.error {
        page.plain("  ", "    ", words::resolution_error(error, lang));
    }
    if let Some(doubt) = attempted.names.doubt {
        page.plain("  ", "    ", words::doubt(doubt, lang));
    }
    if matches!(&attempted.way, Way::Proxy(proxy) if proxy.endpoint.is_none()) {
        page.plain("  ", "    ", say_connect::proxy_unresolved(lang));
    }
    if !attempted.names.resolution.resolvers.is_empty() {
        resolvers(page, scene);
    }
}

/// One address, tried once: a few lines, as telnet and nc have them.
fn single(page: &mut Page, attempted: &Attempted, row: &Tried, finished: Time, lang: Lang) {
    let Some(seen) = row.tries.first() else { return };
    let target = clean(&attempted.case.target.text);
    let mut line = vec![Span::new(target.clone(), Role::Strong)];
    let peer = peer(&row.peer);
    if !target.contains(peer.as_str()) {
        line.push(Span::plain(format!(" [{peer}]")));
    }
    line.push(Span::plain(": "));
    line.push(Span::new(say_connect::ending(seen, &attempted.way, lang), role(seen)));
    if let Some(connected) = handshake(&seen.outcome) {
        let rtt = units::span(connected.rtt, lang);
        line.push(Span::plain(say!(lang, ", RTT {rtt}", ", RTT {rtt}")));
    }
    page.paragraph("", "  ", &line);
    let source = say_connect::source(&seen.outcome, lang);
    match (&attempted.way, source) {
        (Way::Direct, Some(source)) => page.plain("  ", "    ", source),
        (Way::Direct, None) => {}
        (way, source) => {
            page.plain("  ", "    ", say_connect::way(way, lang));
            if let Some(source) = source {
                page.plain("  ", "    ", source);
            }
        }
    }
    if let Some(exchanged) = exchanged(seen)
        && let Some(tls) = &exchanged.tls
    {
        if tls.version.is_some() {
            let facts = say_connect::tls_facts(tls, attempted.starttls, lang);
            page.plain("  ", "    ", format!("TLS: {facts}"));
        }
        if let Some(leaf) = tls.chain.first() {
            let facts = say_connect::certificate(tls, leaf, finished, lang);
            page.plain("  ", "    ", say!(lang, "Certificate: {facts}", "인증서: {facts}"));
        }
    }
    if let Some(banner) = say_connect::banner(&seen.outcome) {
        page.plain("  ", "    ", say!(lang, "It said: {banner}", "첫 응답: {banner}"));
    }
}

/// One row for each address.
fn table(attempted: &Attempted, finished: Time, lang: Lang) -> Table {
    let repeated = attempted.repeat > 1;
    let mut columns = vec![Column::new(Label::Address.text(lang)).cut(15)];
    if repeated {
        columns.push(Column::new(say!(lang, "OK (95 %)", "성공(95 %)")));
        columns.push(Column::new(say!(lang, "RTT MIN / AVG / MAX", "RTT 최소 / 평균 / 최대")).right());
        columns.push(Column::new(say!(lang, "OUTCOMES", "결과")).wrap(16));
    } else {
        columns.push(Column::new(say!(lang, "OUTCOME", "결과")).wrap(20));
        columns.push(Column::new("RTT").right().dispensable(1));
        columns.push(Column::new("TLS").dispensable(3));
        columns.push(Column::new(say!(lang, "EXPIRES", "만료")).dispensable(4));
        columns.push(Column::new(say!(lang, "IT SAID", "첫 응답")).cut(12).dispensable(2));
    }
    let rows = attempted
        .rows
        .iter()
        .map(|row| {
            Row::Cells(if repeated {
                repeated_cells(row, lang)
            } else {
                cells(attempted, row, finished, lang)
            })
        })
        .collect();
    Table { columns, rows }
}

fn cells(attempted: &Attempted, row: &Tried, finished: Time, lang: Lang) -> Vec<Span> {
    let address = Span::plain(peer(&row.peer));
    let Some(seen) = row.tries.last() else {
        let untried = Span::new(say_connect::ending_name(Ending::NotTried, lang), Role::Warn);
        return [address, untried].into_iter().chain((0..4).map(|_| Span::plain("-"))).collect();
    };
    let dash = |text: Option<String>| Span::plain(text.unwrap_or_else(|| "-".to_owned()));
    let tls = exchanged(seen).and_then(|exchanged| exchanged.tls.as_ref());
    let leaf = tls.and_then(|tls| tls.chain.first());
    vec![
        address,
        Span::new(say_connect::ending(seen, &attempted.way, lang), role(seen)),
        dash(handshake(&seen.outcome).map(|connected| units::span(connected.rtt, lang))),
        dash(tls.and_then(|tls| tls.version.as_deref()).map(clean)),
        dash(leaf.map(|leaf| say_connect::expiry(leaf, finished, lang))),
        dash(say_connect::banner(&seen.outcome)),
    ]
}

fn repeated_cells(row: &Tried, lang: Lang) -> Vec<Span> {
    let tally = row.tally();
    let role = if tally.is_good() {
        Role::Good
    } else if tally.ok > 0 || tally.tries == 0 {
        Role::Warn
    } else {
        Role::Bad
    };
    vec![
        Span::plain(peer(&row.peer)),
        Span::new(say_connect::share(&tally, lang), role),
        Span::plain(tally.rtt.map_or_else(|| "-".to_owned(), |rtt| say_connect::spread(&rtt, lang))),
        Span::plain(say_connect::endings(&tally, lang)),
    ]
}

/// Each different certificate, with the addresses that show it.
fn certificates(page: &mut Page, attempted: &Attempted, finished: Time, lang: Lang) {
    let mut shown: Vec<(&TlsResult, Vec<String>)> = Vec::new();
    for row in &attempted.rows {
        let last = row.tries.iter().rev().find_map(|seen| exchanged(seen)?.tls.as_ref());
        let Some(tls) = last.filter(|tls| !tls.chain.is_empty()) else { continue };
        let alike = |known: &TlsResult| {
            known.chain.first() == tls.chain.first()
                && (&known.version, &known.cipher, &known.alpn, &known.distrust)
                    == (&tls.version, &tls.cipher, &tls.alpn, &tls.distrust)
        };
        match shown.iter_mut().find(|(known, _)| alike(known)) {
            Some((_, peers)) => peers.push(peer(&row.peer)),
            None => shown.push((tls, vec![peer(&row.peer)])),
        }
    }
    for (tls, peers) in &shown {
        let Some(leaf) = tls.chain.first() else { continue };
        page.blank();
        let of =
            if shown.len() == 1 { String::new() } else { format!(" ({})", units::some_of(peers, 4, lang)) };
        if tls.version.is_some() {
            let facts = say_connect::tls_facts(tls, attempted.starttls, lang);
            page.plain("", "  ", format!("TLS{of}: {facts}"));
        }
        let facts = say_connect::certificate(tls, leaf, finished, lang);
        page.plain("", "  ", say!(lang, "Certificate{of}: {facts}", "인증서{of}: {facts}"));
    }
}

fn exchanged(seen: &Observation) -> Option<&Exchanged> {
    match &seen.outcome {
        Outcome::Answered(Answer::Exchanged(exchanged)) => Some(exchanged),
        _ => None,
    }
}

fn peer(peer: &Peer) -> String {
    match peer {
        Peer::Address(address) => address.to_string(),
        Peer::Name(name) => clean(name),
    }
}

fn role(seen: &Observation) -> Role {
    match Ending::of(&seen.outcome) {
        Ending::Connected => Role::Good,
        Ending::NoRoute => Role::Dim,
        Ending::NotTried => Role::Warn,
        _ => Role::Bad,
    }
}
