//! How the view looks.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Color, Modifier, Style as Look},
    text::{Line as Text, Span},
    widgets::{Cell as Entry, Paragraph, Row, Table},
};
use reach_core::{
    model::{HopLoss, ReplyKind, Route, Stopped},
    ping::Tally,
};
use reach_report::{Style, ping::sparkline};

use super::{
    series::Answers,
    view::{Line, Order, View},
};
use crate::words::live as words;

/// Narrower screens show less of each hop, so that names have room.
const NARROW: u16 = 100;
/// So much of a wide screen the responders take at most.
const WIDEST_RESPONDER: u16 = 46;

/// Draws the view.
pub fn draw(view: &View, style: &Style, frame: &mut Frame<'_>) {
    let [title, tabs, flows, table, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Paragraph::new(title_line(view, style)), title);
    frame.render_widget(Paragraph::new(address_tabs(view, style, tabs.width)), tabs);
    frame.render_widget(Paragraph::new(flow_tabs(view, style, flows.width)), flows);
    match view.route() {
        Some(route) if !route.hops.is_empty() => hops(view, style, frame, table),
        Some(route) if route.unable.is_some() => {
            frame.render_widget(Paragraph::new(words::ending(route, false, style.lang)), table);
        }
        _ => frame.render_widget(Paragraph::new(words::waiting(style.lang)), table),
    }
    frame.render_widget(Paragraph::new(key_line(style)), keys);
}

/// A look that is dropped where no colours are wanted; weight and reversal stay, for they carry meaning.
fn colour(style: &Style, colour: Color) -> Look {
    if style.color { Look::new().fg(colour) } else { Look::new() }
}

fn title_line(view: &View, style: &Style) -> Text<'static> {
    let title = words::title(view.host(), view.protocol, view.elapsed(), style.lang);
    let mut spans = vec![Span::styled(title, Look::new().add_modifier(Modifier::BOLD))];
    let order = match view.order {
        Order::Distance => None,
        Order::Loss => Some(words::by_loss(style.lang)),
        Order::Time => Some(words::by_time(style.lang)),
    };
    if let Some(order) = order {
        spans.push(Span::raw(format!(" | {order}")));
    }
    if view.is_paused() {
        spans.push(Span::raw(" | "));
        let look = colour(style, Color::Yellow).add_modifier(Modifier::REVERSED);
        spans.push(Span::styled(words::paused(style.lang), look));
    }
    Text::from(spans)
}

fn address_tabs(view: &View, style: &Style, width: u16) -> Text<'static> {
    let tabs = view.routes.iter().map(|(_, route)| {
        let ending = words::ending(route, is_early(view), style.lang);
        (format!("{} {ending}", route.endpoint.address), route_colour(route, is_early(view)))
    });
    tab_line(&tabs.collect::<Vec<_>>(), view.address, style, width)
}

/// So long the first answers may take, names and all.
const EARLY: Duration = Duration::from_secs(5);

fn is_early(view: &View) -> bool {
    view.elapsed() < EARLY
}

fn route_colour(route: &Route, early: bool) -> Option<Color> {
    let stopped = route.stopped.filter(|stopped| !early || *stopped != Stopped::Silent);
    if stopped.is_some() || route.unable.is_some() {
        Some(Color::Red)
    } else {
        route.distance.map(|_| Color::Green)
    }
}

fn flow_tabs(view: &View, style: &Style, width: u16) -> Text<'static> {
    let flows = view.flows();
    let mut tabs = vec![(words::all_flows(flows.len(), style.lang), None)];
    tabs.extend(flows.iter().map(|flow| (flow.to_string(), None)));
    let chosen = view.flow.and_then(|flow| flows.iter().position(|known| *known == flow));
    let label = format!("{} ", words::flow(style.lang));
    let room = width.saturating_sub(u16::try_from(Span::raw(&label).width()).unwrap_or(u16::MAX));
    let mut line = tab_line(&tabs, chosen.map_or(0, |place| place + 1), style, room);
    line.spans.insert(0, Span::raw(label));
    line
}

/// As many tabs as have room, with the chosen one among them.
fn tab_line(tabs: &[(String, Option<Color>)], chosen: usize, style: &Style, width: u16) -> Text<'static> {
    let wide = |(text, _): &(String, Option<Color>)| Span::raw(text).width() + 3;
    let mut first = chosen.min(tabs.len().saturating_sub(1));
    let mut used = tabs.get(first).map_or(0, wide);
    // The chosen one stands behind as many of those before it as leave half of the line to those behind it.
    while first > 0 && used + wide(&tabs[first - 1]) <= usize::from(width) / 2 {
        first -= 1;
        used += wide(&tabs[first]);
    }
    let mut spans = Vec::new();
    if first > 0 {
        spans.push(Span::raw("< "));
    }
    for (place, (text, tint)) in tabs.iter().enumerate().skip(first) {
        let mut look = tint.map_or_else(Look::new, |tint| colour(style, tint));
        if place == chosen {
            look = look.add_modifier(Modifier::REVERSED);
        }
        spans.push(Span::styled(format!(" {text} "), look));
        spans.push(Span::raw(" "));
    }
    Text::from(spans)
}

fn hops(view: &View, style: &Style, frame: &mut Frame<'_>, area: Rect) {
    let lines = view.lines();
    let narrow = area.width < NARROW;
    let times: u16 = if narrow { 4 } else { 6 };
    // Hop and loss, the numbers, and the gaps between all columns.
    let rest = area.width.saturating_sub(4 + 7 + 6 * times + times + 3);
    let names =
        lines.iter().flat_map(|line| names(view, line, style)).map(|name| Span::raw(name).width()).max();
    let names = u16::try_from(names.unwrap_or(0)).unwrap_or(u16::MAX).max(12);
    let responder = names.min(WIDEST_RESPONDER).min(rest.saturating_sub(8).max(12));
    let history = rest.saturating_sub(responder);
    let rows: Vec<Row<'static>> =
        lines.iter().flat_map(|line| rows(view, line, style, narrow, usize::from(history))).collect();
    let room = usize::from(area.height.saturating_sub(1)).max(1);
    let scroll = view.scroll.min(rows.len().saturating_sub(room));
    let titles = words::titles(style.lang).into_iter().enumerate();
    let titles = titles.filter(|(column, _)| !(narrow && matches!(column, 6 | 8))).map(|(column, title)| {
        let text = Text::from(title);
        Entry::from(if matches!(column, 1 | 9) { text } else { text.alignment(Alignment::Right) })
    });
    let header = Row::new(titles).style(Look::new().add_modifier(Modifier::DIM));
    let mut widths = vec![Constraint::Length(4), Constraint::Length(responder), Constraint::Length(7)];
    widths.extend((0..times).map(|_| Constraint::Length(6)));
    widths.push(Constraint::Length(history));
    let table = Table::new(rows.into_iter().skip(scroll), widths).header(header).column_spacing(1);
    frame.render_widget(table, area);
}

/// Who answered at a hop, most answers first, then what there is to say of it.
fn names(view: &View, line: &Line<'_>, style: &Style) -> Vec<String> {
    responders(line).into_iter().map(|(address, _)| view.name(address)).chain(notes(line, style)).collect()
}

fn responders<'a>(line: &Line<'a>) -> Vec<(std::net::IpAddr, Option<&'a Answers>)> {
    let mut found: Vec<_> = line
        .cell
        .iter()
        .flat_map(|cell| &cell.responders)
        .map(|(&address, answers)| (address, Some(answers)))
        .collect();
    found.sort_by_key(|(_, answers)| std::cmp::Reverse(answers.map_or(0, |answers| answers.rtt.count())));
    // After a reset, or on one flow, those that the trace knows are shown until they answer again.
    if found.is_empty() && line.cell.is_none() {
        found = line.hop.iter().flat_map(|hop| &hop.responders).map(|known| (known.address, None)).collect();
    }
    found
}

fn notes(line: &Line<'_>, style: &Style) -> Vec<String> {
    let Some(hop) = line.hop else { return Vec::new() };
    let ways = hop.responders.len();
    let balancing = hop.balancing.filter(|_| ways > 1).map(|how| words::balancing(how, ways, style.lang));
    balancing.into_iter().chain(words::loss(hop.loss, style.lang)).collect()
}

/// The rows of a hop: the first with the numbers of all answers, then one for each further responder and note.
fn rows(view: &View, line: &Line<'_>, style: &Style, narrow: bool, history: usize) -> Vec<Row<'static>> {
    let responders = responders(line);
    let first = match responders.first() {
        Some((address, _)) => Entry::from(view.name(*address)).style(responder_look(line, *address, style)),
        None => Entry::from(words::silent(style.lang)).style(Look::new().add_modifier(Modifier::DIM)),
    };
    let hop = line.ttl.map_or_else(|| words::end_to_end(style.lang).to_owned(), |ttl| ttl.to_string());
    let mut entries = vec![right(hop), first];
    match line.cell {
        Some(cell) => {
            let tally = &cell.tally;
            entries.push(right(percent(tally)).style(loss_look(line, tally, style)));
            entries.push(right(tally.sent().to_string()));
            let rtt = tally.rtt();
            let best = (!narrow).then(|| rtt.min());
            let jitter = (!narrow).then(|| tally.jitter());
            let times = [Some(tally.last()), Some(rtt.mean()), best, Some(rtt.max()), jitter];
            for span in times.into_iter().flatten() {
                entries.push(right(span.map_or_else(|| "-".to_owned(), short)));
            }
            entries.push(Entry::from(heat(tally, history, style)));
        }
        None => entries.extend((0..if narrow { 5 } else { 7 }).map(|_| right("-".to_owned()))),
    }
    let mut rows = vec![Row::new(entries)];
    for (address, answers) in responders.iter().skip(1) {
        let count = answers.map(|answers| answers.rtt.count().to_string()).unwrap_or_default();
        let mut entries =
            vec![Entry::from(""), Entry::from(view.name(*address)), Entry::from(""), right(count)];
        if let Some(answers) = answers {
            let best = (!narrow).then(|| answers.rtt.min());
            let times = [Some(answers.last), Some(answers.rtt.mean()), best, Some(answers.rtt.max())];
            for span in times.into_iter().flatten() {
                entries.push(right(span.map_or_else(String::new, short)));
            }
        }
        rows.push(Row::new(entries));
    }
    for note in notes(line, style) {
        let dim = Look::new().add_modifier(Modifier::DIM);
        rows.push(Row::new([Entry::from(""), Entry::from(note).style(dim)]));
    }
    rows
}

/// Whoever says no stands out from those that say that the TTL ran out.
fn responder_look(line: &Line<'_>, address: std::net::IpAddr, style: &Style) -> Look {
    let reply = line
        .hop
        .and_then(|hop| hop.responders.iter().find(|known| known.address == address))
        .map(|known| known.reply);
    match reply {
        Some(ReplyKind::Reached) => colour(style, Color::Green),
        Some(ReplyKind::Reset | ReplyKind::Icmp(_)) => colour(style, Color::Red),
        Some(ReplyKind::TimeExceeded) | None => Look::new(),
    }
}

/// Missing answers that are no loss are not painted as one.
fn loss_look(line: &Line<'_>, tally: &Tally, style: &Style) -> Look {
    let harmless = line.hop.is_some_and(|hop| matches!(hop.loss, HopLoss::RateLimited | HopLoss::Silent));
    if harmless {
        Look::new().add_modifier(Modifier::DIM)
    } else if tally.loss() >= 0.1 {
        colour(style, Color::Red)
    } else if tally.loss() > 0.0 {
        colour(style, Color::Yellow)
    } else {
        Look::new()
    }
}

/// Round trips over time; a lost packet is a gap, a red one where there are colours.
fn heat(tally: &Tally, columns: usize, style: &Style) -> Text<'static> {
    let line = sparkline(tally.history(), columns, style.ascii);
    let paint = |symbol: char| match symbol {
        ' ' if style.color => Span::styled(" ", Look::new().bg(Color::Red)),
        ' ' => Span::raw(" "),
        '!' | '?' => Span::styled(symbol.to_string(), colour(style, Color::Red)),
        bar => Span::styled(bar.to_string(), colour(style, Color::Cyan)),
    };
    Text::from(line.chars().map(paint).collect::<Vec<_>>())
}

fn key_line(style: &Style) -> Text<'static> {
    let spans = words::keys(style.lang).into_iter().flat_map(|(key, what)| {
        let look = Look::new().add_modifier(Modifier::REVERSED);
        [Span::styled(format!(" {key} "), look), Span::raw(format!(" {what}  "))]
    });
    Text::from(spans.collect::<Vec<_>>())
}

fn right(text: String) -> Entry<'static> {
    Entry::from(Text::from(text).alignment(Alignment::Right))
}

fn percent(tally: &Tally) -> String {
    if tally.sent() == 0 { "-".to_owned() } else { format!("{:.1} %", tally.loss() * 100.0) }
}

fn short(span: Duration) -> String {
    let ms = span.as_secs_f64() * 1000.0;
    if ms < 9.995 {
        format!("{ms:.2}")
    } else if ms < 99.95 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}
