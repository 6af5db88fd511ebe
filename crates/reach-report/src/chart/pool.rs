//! The pool over time: which addresses which resolver gave, from when until when.

use reach_core::Time;

use super::{
    Anchor, Drawing, Mark, Paint, Shape, Window,
    pen::{self, LETTER, Plot},
};
use crate::{Lang, words::chart as words};

/// Addresses that come and go.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolChart {
    /// What it is about, in a few words.
    pub title: String,
    /// The width of the picture.
    pub width: f64,
    /// The time shown.
    pub window: Window,
    /// The resolvers, by what people call them. More than eight share one lane.
    pub resolvers: Vec<String>,
    /// One address a row, from the top.
    pub rows: Vec<PoolRow>,
    /// Incidents.
    pub marks: Vec<Mark>,
    /// Times in which nothing was watched.
    pub gaps: Vec<(Time, Time)>,
    /// So many addresses are not shown.
    pub left_out: usize,
}

/// When one address was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PoolRow {
    /// The address.
    pub label: String,
    /// What is thought of it now; may be empty.
    pub note: String,
    /// Where it leads to.
    pub link: Option<String>,
    /// When who gave it.
    pub spans: Vec<PoolSpan>,
}

/// A resolver gave an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSpan {
    /// Which of the resolvers; `None` where it is only known that some did.
    pub resolver: Option<usize>,
    /// From when…
    pub from: Time,
    /// …until when; `None` where it does still.
    pub until: Option<Time>,
}

/// A lane for each resolver, so high.
const LANE: f64 = 9.0;
const MOST_LANES: usize = 8;
const MOST_ROWS: usize = 512;

/// The letter of a resolver.
fn letter(number: usize) -> char {
    char::from(b'A' + (number % 26) as u8)
}

/// The picture.
pub fn pool(chart: &PoolChart, lang: Lang) -> Drawing {
    let width = pen::sane_width(chart.width);
    let rows = &chart.rows[..chart.rows.len().min(MOST_ROWS)];
    let widest = |texts: &mut dyn Iterator<Item = &String>, most: f64| {
        texts.map(|text| pen::width_of(text, LETTER)).fold(0.0, f64::max).min(width * most)
    };
    let labels = widest(&mut rows.iter().map(|row| &row.label), 0.36);
    let notes = if width < 520.0 { 0.0 } else { widest(&mut rows.iter().map(|row| &row.note), 0.22) };
    let top = if chart.marks.is_empty() { 2.0 } else { 14.0 };
    let lanes: Vec<Vec<Option<usize>>> = rows.iter().map(lanes).collect();
    let height = |lanes: &Vec<Option<usize>>| (lanes.len() as f64 * LANE).max(13.0) + 4.0;
    let plot = Plot {
        window: chart.window,
        left: labels + 8.0,
        right: width - if notes > 0.0 { notes + 8.0 } else { 1.0 },
        top,
        bottom: top + lanes.iter().map(height).sum::<f64>(),
    };
    let mut drawing = Drawing::new(width, 0.0, chart.title.clone());
    let shapes = &mut drawing.shapes;
    plot.grid(shapes, lang);
    plot.gaps(shapes, &chart.gaps, lang);
    let mut y = top;
    for (row, lanes) in rows.iter().zip(&lanes) {
        let whole = height(lanes);
        let base = y + whole / 2.0 + LETTER * 0.36 - 1.0;
        let label = pen::fitted(&row.label, labels, LETTER);
        shapes.push(pen::text(plot.left - 6.0, base, Anchor::End, Paint::Ink, label));
        if notes > 0.0 && !row.note.is_empty() {
            let note = pen::fitted(&row.note, notes, LETTER);
            shapes.push(pen::text(plot.right + 6.0, base, Anchor::Start, Paint::Faint, note));
        }
        for span in &row.spans {
            let Some(lane) = lanes.iter().position(|lane| *lane == lane_of(span)) else { continue };
            bar(shapes, chart, row, span, &plot, y + 1.0 + lane as f64 * LANE, lang);
        }
        y += whole;
    }
    plot.marks(shapes, &chart.marks, 1.0, lang);
    plot.axis(shapes, lang);
    let mut end = plot.bottom + pen::AXIS;
    let left_out = chart.left_out + (chart.rows.len() - rows.len());
    if left_out > 0 {
        let text = pen::fitted(&words::left_out(left_out, lang), width, LETTER);
        shapes.push(pen::text(0.0, end + 9.0, Anchor::Start, Paint::Faint, text));
        end += 14.0;
    }
    let mut entries: Vec<(Paint, bool, String)> = chart
        .resolvers
        .iter()
        .enumerate()
        .take(MOST_LANES)
        .map(|(number, name)| (paint(Some(number)), false, format!("{} {name}", letter(number))))
        .collect();
    let unnamed = rows.iter().any(|row| row.spans.iter().any(|span| span.resolver.is_none()));
    if chart.resolvers.len() > MOST_LANES || unnamed {
        entries.push((Paint::Unknown, false, words::some_resolver(lang)));
    }
    if !chart.gaps.is_empty() {
        entries.push((Paint::Unknown, false, words::not_watched(lang)));
    }
    end += 4.0;
    end += pen::legend(shapes, &entries, (0.0, end), width);
    drawing.height = end;
    drawing.description = description(chart, lang);
    drawing
}

/// Which lane a span is in; those that share one have none of their own.
fn lane_of(span: &PoolSpan) -> Option<usize> {
    span.resolver.filter(|&resolver| resolver < MOST_LANES)
}

fn lanes(row: &PoolRow) -> Vec<Option<usize>> {
    let mut lanes: Vec<Option<usize>> = row.spans.iter().map(lane_of).collect();
    lanes.sort_unstable_by_key(|lane| lane.map_or(usize::MAX, |lane| lane));
    lanes.dedup();
    lanes
}

fn paint(resolver: Option<usize>) -> Paint {
    match resolver {
        Some(resolver) if resolver < MOST_LANES => Paint::Kind(resolver as u8),
        _ => Paint::Unknown,
    }
}

fn bar(
    shapes: &mut Vec<Shape>,
    chart: &PoolChart,
    row: &PoolRow,
    span: &PoolSpan,
    plot: &Plot,
    y: f64,
    lang: Lang,
) {
    let Some((from, until)) = chart.window.part(span.from, span.until.unwrap_or(chart.window.until)) else {
        return;
    };
    let (x, width) = plot.stretch(from, until, 2.0);
    let name = span.resolver.and_then(|resolver| chart.resolvers.get(resolver));
    let name = name.cloned().unwrap_or_else(|| words::some_resolver(lang));
    let when = match span.until {
        Some(until) => chart.window.stretch(span.from, until, lang),
        None => words::since(&chart.window.moment(span.from), lang),
    };
    shapes.push(Shape::Rect {
        x,
        y,
        width,
        height: LANE - 1.0,
        radius: 1.0,
        paint: paint(span.resolver),
        hatched: false,
        tip: Some(format!("{} · {name}: {when}", row.label)),
        link: row.link.clone(),
    });
    if let Some(resolver) = lane_of(span)
        && width > 10.0
    {
        shapes.push(Shape::Text {
            x: x + 2.0,
            y: y + LANE - 2.0,
            anchor: Anchor::Start,
            size: 8.0,
            paint: Paint::Ground,
            bold: true,
            text: letter(resolver).to_string(),
        });
    }
}

fn description(chart: &PoolChart, lang: Lang) -> String {
    let begins = |row: &&PoolRow| {
        row.spans.iter().map(|span| span.from).min().is_some_and(|from| from > chart.window.from)
    };
    let ends = |row: &&PoolRow| {
        !row.spans.is_empty()
            && row.spans.iter().all(|span| span.until.is_some_and(|until| until < chart.window.until))
    };
    let names = |rows: Vec<&PoolRow>| rows.into_iter().map(|row| row.label.clone()).collect::<Vec<_>>();
    let came = names(chart.rows.iter().filter(begins).collect());
    let went = names(chart.rows.iter().filter(ends).collect());
    let (all, resolvers) = (chart.rows.len() + chart.left_out, chart.resolvers.len());
    words::pool_description(&chart.window.text(lang), all, resolvers, &came, &went, lang)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chart::{samples, svg};

    #[test]
    fn addresses_come_and_go_by_resolver() {
        let drawing = pool(&samples::pool(), Lang::En);
        pen::is_sound(&drawing).expect("sound");
        insta::assert_snapshot!("pool", svg(&drawing).into_string().replace("><", ">\n<"));
        insta::assert_snapshot!("pool-ko", pool(&samples::pool(), Lang::Ko).description);
    }

    proptest! {
        #[test]
        fn whatever_resolvers_gave_is_drawn_inside(
            width in any::<f64>(),
            from in any::<u64>(),
            length in any::<u64>(),
            resolvers in prop::collection::vec(".{0,40}", 0..12),
            rows in prop::collection::vec(
                prop::collection::vec((prop::option::of(0_usize..14), any::<u64>(), prop::option::of(any::<u64>())), 0..6),
                0..20,
            ),
        ) {
            let window = Window {
                from: Time::from_micros(from),
                until: Time::from_micros(from.saturating_add(length)),
                offset_s: 0,
            };
            let rows = rows
                .into_iter()
                .map(|spans| PoolRow {
                    label: "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".to_owned(),
                    note: "정상".to_owned(),
                    link: None,
                    spans: spans
                        .into_iter()
                        .map(|(resolver, from, until)| PoolSpan {
                            resolver,
                            from: Time::from_micros(from),
                            until: until.map(Time::from_micros),
                        })
                        .collect(),
                })
                .collect();
            let chart = PoolChart {
                title: "x".to_owned(),
                width,
                window,
                resolvers,
                rows,
                marks: Vec::new(),
                gaps: Vec::new(),
                left_out: 3,
            };
            let drawing = pool(&chart, Lang::Ko);
            prop_assert!(pen::is_sound(&drawing).is_ok(), "{:?}", pen::is_sound(&drawing));
        }
    }
}
