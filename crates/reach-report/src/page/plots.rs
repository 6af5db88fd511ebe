//! Pictures of how a target has been, each with the same as a table.

use std::{net::IpAddr, time::Duration};

use maud::{Markup, html};

use super::{
    Voice,
    parts::{head, short_time, table},
    words::Label,
};
use crate::{
    chart::{self, Drawing, HeatCell, HeatMap, PoolChart, Shape, Smoke, Window},
    clean::clean,
    units,
};

/// How a target has been over a time.
#[derive(Clone, Debug)]
pub struct Plots {
    /// Its addresses.
    pub heat: HeatMap,
    /// How long answers took.
    pub smoke: Smoke,
    /// Which addresses its name gave.
    pub pool: PoolChart,
}

/// The width of a picture: that of the page on a usual screen. Narrower ones scroll in a box of its own.
pub const WIDTH: f64 = 1_240.0;

/// Columns of the table that says what a heat map shows.
const MOST_COLUMNS: usize = 24;

/// The pictures, one below the other.
pub(super) fn panels(plots: &Plots, address: Option<IpAddr>, _path: &str, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let t = |label: Label| voice.say(label);
    let shown = address.map_or_else(|| t(Label::AllAddresses).to_owned(), |address| address.to_string());
    html! {
        section.panel aria-labelledby="heat-title" {
            h2 #heat-title { (t(Label::HeatMap)) }
            @if plots.heat.rows.is_empty() { p.empty { (t(Label::NoHistory)) } } @else {
                (plot(&chart::heat_map(&plots.heat, lang), Some(&plots.heat.window)))
                details { summary { (t(Label::AsTable)) } (heat_table(&plots.heat, voice)) }
            }
        }
        section.panel aria-labelledby="smoke-title" {
            h2 #smoke-title { (t(Label::Smoke)) " " span.faint { (shown) } }
            @if plots.smoke.points.is_empty() { p.empty { (t(Label::NoHistory)) } } @else {
                (plot(&chart::smoke(&plots.smoke, lang), Some(&plots.smoke.window)))
                details { summary { (t(Label::AsTable)) } (smoke_table(&plots.smoke, voice)) }
            }
        }
        @if !plots.pool.rows.is_empty() {
            section.panel aria-labelledby="pool-title" {
                h2 #pool-title { (t(Label::Pool)) }
                (plot(&chart::pool(&plots.pool, lang), Some(&plots.pool.window)))
                details { summary { (t(Label::AsTable)) } (pool_table(&plots.pool, voice)) }
            }
        }
    }
}

/// A picture in its box, with what the script needs to know to zoom.
pub(super) fn plot(drawing: &Drawing, window: Option<&Window>) -> Markup {
    let edges = window.and_then(|window| Some((window, edges(drawing)?)));
    html! {
        @match edges {
            Some((window, (left, right))) => {
                div.plot.zooms data-left=(left) data-right=(right) data-from=(window.from.as_secs()) data-until=(window.until.as_secs()) tabindex="0" role="region" aria-label=(drawing.title) {
                    (chart::svg(drawing))
                }
            },
            None => { div.plot tabindex="0" role="region" aria-label=(drawing.title) { (chart::svg(drawing)) } },
        }
    }
}

/// Where time begins and ends in a drawing: its longest level line, the axis.
fn edges(drawing: &Drawing) -> Option<(f64, f64)> {
    let level = |shape: &Shape| match shape {
        Shape::Line { points, .. } => match points[..] {
            [(from, above), (to, below)] if (above - below).abs() < 0.01 => Some((from, to)),
            _ => None,
        },
        _ => None,
    };
    let mut lines: Vec<(f64, f64)> = drawing.shapes.iter().filter_map(level).collect();
    lines.sort_by(|a, b| (b.1 - b.0).total_cmp(&(a.1 - a.0)));
    lines.first().copied()
}

/// What a heat map shows, with fewer columns.
fn heat_table(map: &HeatMap, voice: &Voice) -> Markup {
    let columns = map.columns();
    let every = columns.div_ceil(MOST_COLUMNS).max(1);
    let step = Duration::from_micros(u64::try_from(map.step.as_micros()).unwrap_or(u64::MAX));
    let now = map.window.until;
    let sum = |cells: &[HeatCell]| {
        cells.iter().fold((0_u64, 0_u64), |(tries, failed), cell| (tries + cell.tries, failed + cell.failed))
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(voice.say(Label::HeatMap)) {
            table {
                caption.hidden { (voice.say(Label::HeatMap)) }
                thead { tr {
                    th scope="col" { (voice.say(Label::Address)) }
                    @for column in (0..columns).step_by(every) {
                        th.num scope="col" { (short_time(map.window.from + step.saturating_mul(column as u32), now, voice)) }
                    }
                } }
                tbody {
                    @for row in map.rows.iter().take(128) {
                        tr {
                            th scope="row" { code { (clean(&row.label)) } }
                            @for cells in row.cells.chunks(every) {
                                @let (tries, failed) = sum(cells);
                                td.num { span.failing[failed > 0] { (super::words::share(failed, tries)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn smoke_table(smoke: &Smoke, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let now = smoke.window.until;
    html! {
        div.scroll tabindex="0" role="region" aria-label=(voice.say(Label::Smoke)) {
            table {
                caption.hidden { (voice.say(Label::Smoke)) }
                thead { tr {
                    th scope="col" { (voice.say(Label::Time)) }
                    th.num scope="col" { (voice.say(Label::Tries)) }
                    th.num scope="col" { (voice.say(Label::Failed)) }
                    @for name in ["5 %", "25 %", voice.say(Label::Median), "75 %", "95 %"] { th.num scope="col" { (name) } }
                } }
                tbody {
                    @for point in &smoke.points {
                        tr {
                            th scope="row" { (short_time(point.at, now, voice)) }
                            td.num { (point.tries) }
                            td.num { span.failing[point.failed > 0] { (point.failed) } }
                            @match point.latency {
                                Some(it) => { @for span in [it.p5, it.p25, it.p50, it.p75, it.p95] { td.num { (units::span(span, lang)) } } },
                                None => { @for _ in 0..5 { td.num { "–" } } },
                            }
                        }
                    }
                }
            }
        }
    }
}

fn pool_table(pool: &PoolChart, voice: &Voice) -> Markup {
    let now = pool.window.until;
    let heads = [
        head(Label::Address, voice),
        head(Label::From, voice),
        head(Label::To, voice),
        head(Label::Resolvers, voice),
    ];
    table(
        "pool",
        voice.say(Label::Pool),
        &heads,
        html! {
            @for row in pool.rows.iter().take(256) {
                @for span in &row.spans {
                    tr {
                        th scope="row" { code { (clean(&row.label)) } }
                        td { (short_time(span.from, now, voice)) }
                        td { @match span.until { Some(until) => (short_time(until, now, voice)), None => (voice.say(Label::Now)) } }
                        td { @match span.resolver.and_then(|index| pool.resolvers.get(index)) { Some(resolver) => code { (clean(resolver)) }, None => "–" } }
                    }
                }
            }
        },
    )
}
