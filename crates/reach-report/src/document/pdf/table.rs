//! Tables: as wide as the page, with their heads on every page that they go on to.

use super::{
    PdfError,
    compose::{self, Composer, HEAD, LEADING, RowCell, RowLook},
    fonts::Face,
    lines::{self, Span},
    page::{LEFT, MEASURE, Mark, Move, Op, Role},
};
use crate::document::{Block, Cell, Inline, Table, Tone};

/// Sizes that a table is tried in, from the first that fits.
const SIZES: [f32; 4] = [9.0, 8.0, 7.0, 6.5];

/// Room over and below the text of a cell, and beside it.
const PAD: f32 = 3.5;

/// A column is at least so wide, in points; where that is not to be had a table becomes a list.
const NARROWEST: f32 = 30.0;

/// A word may make a column so wide, as a share of the page; longer ones are broken.
const WIDEST_WORD: f32 = 0.45;

/// Higher heads are not repeated.
const HIGHEST_HEAD: f32 = 200.0;

/// The widths of columns, and the size of letters in them.
struct Widths {
    size: f32,
    columns: Vec<f32>,
}

impl Composer<'_> {
    pub(super) fn table(&mut self, table: &Table) -> Result<(), PdfError> {
        let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0).max(table.columns.len());
        if columns == 0 {
            return self.caption(&table.caption);
        }
        match self.widths(table, columns) {
            Some(widths) => self.grid(table, &widths)?,
            None => self.listed(table)?,
        }
        self.gap(9.0);
        Ok(())
    }

    fn caption(&mut self, caption: &str) -> Result<(), PdfError> {
        if caption.is_empty() {
            return Ok(());
        }
        // It stays with the head and the first rows.
        self.room(5.0 * SIZES[0] * LEADING + 8.0 * PAD)?;
        self.gap(3.0);
        let node = self.laid.nodes.add(Role::Caption, None);
        let span =
            Span { text: caption.to_owned(), face: Face::Bold, size: 9.5, colour: compose::INK, link: None };
        let lines = lines::broken(&[span], MEASURE, self.fonts);
        let cell = RowCell { x: LEFT, width: MEASURE, lines, right: false, node: Some(node), ground: None };
        self.row(vec![cell], RowLook::plain(9.5))?;
        self.gap(2.0);
        Ok(())
    }

    fn grid(&mut self, table: &Table, widths: &Widths) -> Result<(), PdfError> {
        self.caption(&table.caption)?;
        let node = self.laid.nodes.add(Role::Table, None);
        let look = RowLook { pad: PAD, rule: true, whole: true, ..RowLook::plain(widths.size) };
        let titles = table.columns.iter().any(|column| !column.title.is_empty());
        if titles {
            let head: Vec<Cell> = (0..widths.columns.len())
                .map(|at| {
                    let title = table.columns.get(at).map(|column| column.title.clone()).unwrap_or_default();
                    Cell { text: vec![Inline::Strong(title)], tone: Tone::Plain }
                })
                .collect();
            let cells = self.cells(&head, table, widths, node, Role::HeadCell);
            let lines = cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(0);
            let height = lines as f32 * widths.size * LEADING + 2.0 * PAD;
            // A head stands over something.
            self.room(height + 2.0 * widths.size * LEADING + 2.0 * PAD)?;
            let before = self.now().len();
            self.row(cells, RowLook { ground: Some(HEAD), ..look })?;
            if height < HIGHEST_HEAD {
                let from = self.y - height;
                self.head = Some(repeated(self.now().get(before..).unwrap_or_default(), from));
            }
        }
        for row in &table.rows {
            let cells = self.cells(row, table, widths, node, Role::Cell);
            self.row(cells, look)?;
        }
        self.head = None;
        Ok(())
    }

    fn cells(
        &mut self,
        row: &[Cell],
        table: &Table,
        widths: &Widths,
        parent: usize,
        role: Role,
    ) -> Vec<RowCell> {
        let parent = self.laid.nodes.add(Role::Row, Some(parent));
        let empty = Cell::default();
        let mut x = LEFT;
        let mut cells = Vec::new();
        for (at, width) in widths.columns.iter().enumerate() {
            let cell = row.get(at).unwrap_or(&empty);
            let node = self.laid.nodes.add(role.clone(), Some(parent));
            let spans = self.spans(&cell.text, widths.size, compose::strong(cell.tone), Face::Regular, node);
            let (inner, room) = (x + PAD, width - 2.0 * PAD);
            cells.push(RowCell {
                x: inner,
                width: room,
                lines: lines::broken(&spans, room, self.fonts),
                right: table.columns.get(at).is_some_and(|column| column.right),
                node: Some(node),
                ground: Some(compose::tint(cell.tone)),
            });
            x += width;
        }
        cells
    }

    /// Widths for all columns in the largest size that fits; `None` for more columns than a page has room for.
    fn widths(&mut self, table: &Table, columns: usize) -> Option<Widths> {
        if columns as f32 * NARROWEST > MEASURE {
            return None;
        }
        // In units of the size.
        let mut least = vec![0.0_f32; columns];
        let mut most = vec![0.0_f32; columns];
        let plain = |text: &Inline| {
            let (text, face) = match text {
                Inline::Text(text) | Inline::Link { text, .. } => (text, Face::Regular),
                Inline::Strong(text) => (text, Face::Bold),
                Inline::Code(text) => (text, Face::Mono),
            };
            Span { text: text.clone(), face, size: 1.0, colour: compose::INK, link: None }
        };
        let mut widen = |at: usize, spans: &[Span], whole: bool| {
            let (word, line) = lines::extents(spans, self.fonts);
            least[at] = least[at].max(if whole { line } else { word });
            most[at] = most[at].max(line);
        };
        for (at, column) in table.columns.iter().enumerate() {
            widen(at, &[plain(&Inline::Strong(column.title.clone()))], false);
        }
        for row in &table.rows {
            for (at, cell) in row.iter().enumerate() {
                let whole = table.columns.get(at).is_some_and(|column| column.whole);
                widen(at, &cell.text.iter().map(plain).collect::<Vec<_>>(), whole);
            }
        }
        let fitted = SIZES.iter().find_map(|size| fit(&least, &most, *size, WIDEST_WORD));
        // Otherwise words are broken that no size makes fit.
        let forced = || {
            let share = |most: &f32| most.max(1.0).sqrt();
            let whole: f32 = most.iter().map(share).sum();
            let rest = MEASURE - NARROWEST * columns as f32;
            let width = |most: &f32| NARROWEST + rest * share(most) / whole;
            Widths { size: SIZES[SIZES.len() - 2], columns: most.iter().map(width).collect() }
        };
        Some(fitted.unwrap_or_else(forced))
    }

    /// A table with too many columns for a page: one list a row.
    fn listed(&mut self, table: &Table) -> Result<(), PdfError> {
        self.caption(&table.caption)?;
        let title = |at: usize| table.columns.get(at).map(|column| column.title.clone()).unwrap_or_default();
        if table.rows.is_empty() {
            let titles =
                table.columns.iter().map(|column| vec![Inline::Text(column.title.clone())]).collect();
            return self.block(&Block::Points(titles));
        }
        for row in &table.rows {
            let facts = row.iter().enumerate().map(|(at, cell)| (title(at), cell.text.clone())).collect();
            self.block(&Block::Facts(facts))?;
        }
        Ok(())
    }
}

/// Widths in a size, if every column gets what it needs.
fn fit(least: &[f32], most: &[f32], size: f32, widest_word: f32) -> Option<Widths> {
    let around = 2.0 * PAD + 0.5;
    let least: Vec<f32> = least
        .iter()
        .map(|least| (least * size).min(MEASURE * widest_word) + around)
        .map(|least| least.max(NARROWEST))
        .collect();
    let most: Vec<f32> =
        most.iter().zip(&least).map(|(most, least)| (most * size + around).max(*least)).collect();
    let (needed, wished): (f32, f32) = (least.iter().sum(), most.iter().sum());
    if needed > MEASURE {
        return None;
    }
    let columns = if wished <= MEASURE {
        // Room that nobody asked for goes to those that have much already.
        let rest = (MEASURE - wished) / wished;
        most.iter().map(|most| most * (1.0 + rest)).collect()
    } else {
        level(least, &most, MEASURE - needed)
    };
    Some(Widths { size, columns })
}

/// Shares out room: each column gets as much as each other until it has what it wished for.
fn level(mut widths: Vec<f32>, most: &[f32], mut rest: f32) -> Vec<f32> {
    // Each round at least one column has enough, or all of the room is given away.
    for _ in 0..widths.len() {
        let wanting = widths.iter().zip(most).filter(|(width, most)| *width + 0.01 < **most).count();
        if wanting == 0 || rest < 0.01 {
            break;
        }
        let share = rest / wanting as f32;
        for (width, most) in widths.iter_mut().zip(most) {
            let more = (most - *width).clamp(0.0, share);
            *width += more;
            rest -= more;
        }
    }
    widths
}

/// The head of a table as pages repeat it: at the top, and no part of the document, which has it once.
fn repeated(head: &[Op], from: f32) -> Vec<Op> {
    let up = super::page::TOP - from;
    head.iter()
        .filter(|op| !matches!(op.mark, Mark::Link { .. }))
        .map(|op| {
            let mark = match op.mark.clone() {
                Mark::Letters { x, y, piece } => Mark::Letters { x, y: y + up, piece },
                Mark::Area { outline, colour } => Mark::Area { outline: moved(outline, up), colour },
                Mark::Stroke { outline, colour, width, dash } => {
                    Mark::Stroke { outline: moved(outline, up), colour, width, dash }
                }
                mark => mark,
            };
            Op { node: None, mark }
        })
        .collect()
}

fn moved(outline: Vec<Move>, up: f32) -> Vec<Move> {
    let step = |step| match step {
        Move::To(x, y) => Move::To(x, y + up),
        Move::Line(x, y) => Move::Line(x, y + up),
        Move::Curve(a, b, c, d, x, y) => Move::Curve(a, b + up, c, d + up, x, y + up),
        Move::Close => Move::Close,
    };
    outline.into_iter().map(step).collect()
}

/// How much of a page a repeated head takes.
pub(super) fn height(head: &[Op]) -> f32 {
    let lowest = head.iter().flat_map(|op| match &op.mark {
        Mark::Area { outline, .. } => outline.as_slice(),
        _ => &[],
    });
    let y = |step: &Move| match *step {
        Move::To(_, y) | Move::Line(_, y) | Move::Curve(.., y) => y,
        Move::Close => 0.0,
    };
    lowest.map(y).fold(super::page::TOP, f32::max) - super::page::TOP
}
