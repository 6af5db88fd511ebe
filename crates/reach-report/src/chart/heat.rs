//! Addresses × time: the picture that shows a partial block at a glance.

use std::time::Duration;

use reach_core::{Time, watch::Reason};

use super::{
    Anchor, Drawing, Mark, Paint, Shape, Window,
    pen::{self, LETTER, Plot},
};
use crate::{Lang, words::chart as words};

/// What came of trying addresses, over time.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// What it is about, in a few words.
    pub title: String,
    /// The width of the picture.
    pub width: f64,
    /// The time shown.
    pub window: Window,
    /// How long a cell is. The first one begins where the window does.
    pub step: Duration,
    /// One a row, from the top.
    pub rows: Vec<HeatRow>,
    /// Incidents.
    pub marks: Vec<Mark>,
    /// Times in which nothing was watched.
    pub gaps: Vec<(Time, Time)>,
    /// So many addresses are not shown.
    pub left_out: usize,
}

/// What came of trying one address, over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatRow {
    /// The address.
    pub label: String,
    /// What is thought of it now: a state, a verdict; may be empty.
    pub note: String,
    /// Where it leads to.
    pub link: Option<String>,
    /// Cell by cell.
    pub cells: Vec<HeatCell>,
}

/// What came of tries in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeatCell {
    /// Tries with a result.
    pub tries: u64,
    /// Of them failed.
    pub failed: u64,
    /// Tries that this host could not make.
    pub unable: u64,
    /// Why most of them failed.
    pub reason: Option<Reason>,
}

impl HeatMap {
    /// An empty one with a row for each label, in cells of the given length.
    pub fn new(title: String, width: f64, window: Window, step: Duration) -> Self {
        Self {
            title,
            width,
            window,
            step,
            rows: Vec::new(),
            marks: Vec::new(),
            gaps: Vec::new(),
            left_out: 0,
        }
    }

    /// How many cells a row has.
    pub fn columns(&self) -> usize {
        let step = self.step.as_micros().max(1);
        (self.window.length().as_micros().div_ceil(step) as usize).min(MOST_COLUMNS)
    }

    /// The cells that a stretch of time touches: what was counted over a longer one than a cell is said of all of them.
    pub fn cells(&self, from: Time, length: Duration) -> std::ops::Range<usize> {
        let step = self.step.as_micros().max(1);
        let column = |time: Time| (time.since(self.window.from).as_micros() / step) as usize;
        let columns = self.columns();
        if from >= self.window.until || from + length <= self.window.from {
            return 0..0;
        }
        let first = column(from);
        let last = (from + length).since(self.window.from).as_micros().div_ceil(step) as usize;
        first.min(columns)..last.max(first + 1).min(columns)
    }
}

/// More are not told apart, and would take too much room.
const MOST_COLUMNS: usize = 2_000;
/// More are not drawn.
const MOST_ROWS: usize = 512;

/// What a cell looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Empty,
    Unable,
    Good,
    Partly(u8),
    Bad,
}

impl HeatCell {
    fn look(&self) -> Look {
        match (self.tries, self.failed, self.unable) {
            (0, 0, 0) => Look::Empty,
            (0, 0, _) => Look::Unable,
            (_, 0, _) => Look::Good,
            (tries, failed, _) if failed >= tries => Look::Bad,
            (tries, failed, _) => {
                let tenths = failed as f64 * 10.0 / tries as f64;
                Look::Partly((tenths.round() as u8).clamp(1, 9))
            }
        }
    }

    fn add(&mut self, other: &HeatCell) {
        self.tries = self.tries.saturating_add(other.tries);
        self.failed = self.failed.saturating_add(other.failed);
        self.unable = self.unable.saturating_add(other.unable);
        self.reason = self.reason.or(other.reason);
    }
}

impl Look {
    const fn paint(self) -> Paint {
        match self {
            Look::Empty => Paint::Empty,
            Look::Unable => Paint::Unknown,
            Look::Good => Paint::Good,
            Look::Partly(tenths) => Paint::Partly(tenths),
            Look::Bad => Paint::Bad,
        }
    }
}

/// The picture. Neighbours that look alike are drawn as one, and told of as one.
pub fn heat_map(map: &HeatMap, lang: Lang) -> Drawing {
    let width = pen::sane_width(map.width);
    let rows = &map.rows[..map.rows.len().min(MOST_ROWS)];
    let row_height = match rows.len() {
        0..=24 => 18.0,
        25..=64 => 14.0,
        _ => 12.0,
    };
    let letter = if row_height < 14.0 { 10.0 } else { LETTER };
    let widest = |texts: &mut dyn Iterator<Item = &String>, most: f64| {
        texts.map(|text| pen::width_of(text, letter)).fold(0.0, f64::max).min(width * most)
    };
    let labels = widest(&mut rows.iter().map(|row| &row.label), 0.36);
    let notes = if width < 520.0 { 0.0 } else { widest(&mut rows.iter().map(|row| &row.note), 0.22) };
    let lane = if map.marks.is_empty() { 2.0 } else { 14.0 };
    let left_out = map.left_out + (map.rows.len() - rows.len());
    let more = if left_out > 0 { 14.0 } else { 0.0 };
    let plot = Plot {
        window: map.window,
        left: labels + 8.0,
        right: width - if notes > 0.0 { notes + 8.0 } else { 1.0 },
        top: lane,
        bottom: lane + rows.len() as f64 * row_height,
    };
    let mut drawing = Drawing::new(width, 0.0, map.title.clone());
    let shapes = &mut drawing.shapes;
    for (number, row) in rows.iter().enumerate() {
        let y = plot.top + number as f64 * row_height;
        let base = y + row_height / 2.0 + letter * 0.36;
        let mut write = |x: f64, anchor, paint, text: &str, room: f64| {
            let text = pen::fitted(text, room, letter);
            shapes.push(Shape::Text { x, y: base, anchor, size: letter, paint, bold: false, text });
        };
        write(plot.left - 6.0, Anchor::End, Paint::Ink, &row.label, labels);
        if notes > 0.0 && !row.note.is_empty() {
            write(plot.right + 6.0, Anchor::Start, Paint::Faint, &row.note, notes);
        }
        shapes.push(pen::plain(plot.left, y, plot.right - plot.left, row_height - 1.0, Paint::Empty));
        runs(shapes, map, row, &plot, (y, row_height - 1.0), lang);
        if let Some(link) = &row.link {
            // The label leads somewhere: an area in the ground's colour would hide it, so its mark does.
            shapes.push(Shape::Rect {
                x: plot.left - 3.0,
                y,
                width: 2.0,
                height: row_height - 1.0,
                radius: 0.0,
                paint: Paint::Accent,
                hatched: false,
                tip: Some(row.label.clone()),
                link: Some(link.clone()),
            });
        }
    }
    plot.gaps(shapes, &map.gaps, lang);
    plot.marks(shapes, &map.marks, 1.0, lang);
    plot.axis(shapes, lang);
    let mut y = plot.bottom + pen::AXIS;
    if left_out > 0 {
        let text = pen::fitted(&words::left_out(left_out, lang), width, LETTER);
        shapes.push(pen::text(0.0, y + 9.0, Anchor::Start, Paint::Faint, text));
        y += more;
    }
    let entries = [
        (Paint::Good, false, words::all_answered(lang)),
        (Paint::Partly(3), false, words::some_failed(lang)),
        (Paint::Bad, true, words::all_failed(lang)),
        (Paint::Unknown, false, words::could_not_try(lang)),
        (Paint::Empty, false, words::not_tried(lang)),
    ];
    y += pen::legend(shapes, &entries, (0.0, y + 4.0), width) + 4.0;
    drawing.height = y;
    drawing.description = description(map, lang);
    drawing
}

fn runs(
    shapes: &mut Vec<Shape>,
    map: &HeatMap,
    row: &HeatRow,
    plot: &Plot,
    (y, height): (f64, f64),
    lang: Lang,
) {
    let columns = map.columns();
    let cells = &row.cells[..row.cells.len().min(columns)];
    let edge = |column: usize| {
        let micros = (map.step.as_micros().max(1)).saturating_mul(column as u128);
        (map.window.from + Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
            .min(map.window.until)
    };
    let mut first = 0;
    while let Some(cell) = cells.get(first) {
        let look = cell.look();
        let alike = |other: &HeatCell| other.look() == look && other.reason == cell.reason;
        let length = cells[first..].iter().take_while(|other| alike(other)).count();
        if look != Look::Empty {
            let mut sum = HeatCell::default();
            cells[first..first + length].iter().for_each(|cell| sum.add(cell));
            let (from, until) = (edge(first), edge(first + length));
            let (x, width) = plot.stretch(from, until, 1.0);
            let when = map.window.stretch(from, until, lang);
            shapes.push(Shape::Rect {
                x,
                y,
                width,
                height,
                radius: 0.0,
                paint: look.paint(),
                hatched: look == Look::Bad,
                tip: Some(format!(
                    "{} · {when}: {}",
                    row.label,
                    words::outcome(sum.tries, sum.failed, sum.unable, sum.reason, lang)
                )),
                link: None,
            });
        }
        first += length;
    }
}

/// What is to be seen, in words: which addresses fail, and how many do not.
fn description(map: &HeatMap, lang: Lang) -> String {
    let sums: Vec<(&HeatRow, HeatCell)> = map
        .rows
        .iter()
        .map(|row| {
            let mut sum = HeatCell::default();
            row.cells.iter().for_each(|cell| sum.add(cell));
            (row, sum)
        })
        .collect();
    let good = sums.iter().filter(|(_, sum)| sum.look() == Look::Good).count();
    let silent = sums.iter().filter(|(_, sum)| matches!(sum.look(), Look::Empty | Look::Unable)).count();
    let mut failing: Vec<&(&HeatRow, HeatCell)> = sums.iter().filter(|(_, sum)| sum.failed > 0).collect();
    let share = |sum: &HeatCell| sum.failed as f64 / sum.tries.max(1) as f64;
    failing.sort_by(|a, b| share(&b.1).total_cmp(&share(&a.1)));
    let failing: Vec<String> =
        failing.iter().map(|(row, sum)| words::failing(&row.label, sum.failed, sum.tries, lang)).collect();
    words::heat_description(&map.window.text(lang), sums.len(), good, &failing, silent, lang)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chart::{samples, svg};

    fn cell(tries: u64, failed: u64) -> HeatCell {
        HeatCell { tries, failed, unable: 0, reason: (failed > 0).then_some(Reason::Timeout) }
    }

    #[test]
    fn a_partial_block_is_seen_at_a_glance() {
        let drawing = heat_map(&samples::heat(), Lang::En);
        pen::is_sound(&drawing).expect("sound");
        insta::assert_snapshot!("heat-map", svg(&drawing).into_string().replace("><", ">\n<"));
        insta::assert_snapshot!("heat-map-ko", heat_map(&samples::heat(), Lang::Ko).description);
    }

    #[test]
    fn cells_look_like_what_came_of_them() {
        assert_eq!(cell(0, 0).look(), Look::Empty);
        assert_eq!(HeatCell { unable: 3, ..HeatCell::default() }.look(), Look::Unable);
        assert_eq!(cell(10, 0).look(), Look::Good);
        assert_eq!(cell(10_000, 1).look(), Look::Partly(1), "one failure is never nothing");
        assert_eq!(cell(10_000, 9_999).look(), Look::Partly(9), "one answer is never nothing");
        assert_eq!(cell(10, 4).look(), Look::Partly(4));
        assert_eq!(cell(3, 3).look(), Look::Bad);
    }

    #[test]
    fn many_addresses_over_many_cells_stay_small() {
        let mut map = samples::heat();
        map.step = map.window.length() / 200;
        map.rows = (0..64)
            .map(|number| HeatRow {
                label: format!("203.0.113.{number}"),
                cells: (0..200).map(|_| cell(60, if number % 4 == 0 { 60 } else { 0 })).collect(),
                ..HeatRow::default()
            })
            .collect();
        let svg = svg(&heat_map(&map, Lang::En)).into_string();
        assert!(svg.len() < 60_000, "{}", svg.len());
    }

    #[test]
    fn a_longer_stretch_is_said_of_all_its_cells() {
        let map = samples::heat();
        let step = map.step;
        assert_eq!(map.cells(map.window.from, step), 0..1);
        assert_eq!(map.cells(map.window.from + step * 2, step * 3), 2..5);
        assert_eq!(map.cells(map.window.until, step), 0..0);
        assert_eq!(map.cells(Time::from_micros(0), step), 0..0);
    }

    proptest! {
        #[test]
        fn whatever_was_counted_is_drawn_inside(
            width in any::<f64>(),
            from in 0_u64..4_000_000_000_000_000,
            length in any::<u64>(),
            step in any::<u64>(),
            offset_s in any::<i32>(),
            rows in prop::collection::vec(
                (".{0,60}", prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 0..30)),
                0..70,
            ),
            mark in any::<(u64, Option<u64>)>(),
        ) {
            let window = Window {
                from: Time::from_micros(from),
                until: Time::from_micros(from.saturating_add(length)),
                offset_s,
            };
            let mut map = HeatMap::new("x".to_owned(), width, window, Duration::from_micros(step));
            map.rows = rows
                .into_iter()
                .map(|(label, cells)| HeatRow {
                    note: label.clone(),
                    label,
                    link: Some("/x".to_owned()),
                    cells: cells
                        .into_iter()
                        .map(|(tries, failed, unable)| HeatCell { tries, failed, unable, reason: None })
                        .collect(),
                })
                .collect();
            let (began, ended) = mark;
            map.marks = vec![Mark {
                from: Time::from_micros(began),
                until: ended.map(Time::from_micros),
                label: "#1".to_owned(),
                link: None,
            }];
            map.gaps = vec![(Time::from_micros(began), Time::from_micros(from))];
            let drawing = heat_map(&map, Lang::Ko);
            prop_assert!(pen::is_sound(&drawing).is_ok(), "{:?}", pen::is_sound(&drawing));
            let range = map.cells(Time::from_micros(began), Duration::from_micros(step));
            prop_assert!(range.start <= range.end && range.end <= map.columns());
        }
    }
}
