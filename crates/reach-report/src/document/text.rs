//! A document as plain text that pastes into a ticket: lines of a width, columns that line up, Korean ones too.

use unicode_width::UnicodeWidthStr;

use super::{Block, Document, Inline, Table};
use crate::{
    Style,
    layout::{self, Page, Role, Row, Span},
    words::say,
};

/// Narrower than this a column of words is no column.
const NARROWEST: usize = 14;

/// The whole text, in lines of the style's width; the language is the document's own.
pub fn text(document: &Document, style: &Style) -> String {
    let style = &Style { lang: document.lang, ..*style };
    let mut page = Page::new(*style);
    title(&mut page, &document.title, "=", style);
    for line in &document.subtitle {
        page.plain("", "  ", line.clone());
    }
    for block in &document.blocks {
        of_block(&mut page, block, style);
    }
    if !document.attachments.is_empty() {
        page.blank();
        title(&mut page, &say!(document.lang, "Attached", "첨부"), "-", style);
        for one in &document.attachments {
            let size = super::size(one.bytes.len(), document.lang);
            page.plain("  - ", "    ", format!("{}: {} ({size})", one.name, one.about));
        }
    }
    page.finish()
}

fn of_block(page: &mut Page, block: &Block, style: &Style) {
    match block {
        Block::Heading { level: 0 | 1, text } => {
            page.blank();
            title(page, text, "-", style);
        }
        Block::Heading { text, .. } => {
            page.blank();
            page.paragraph("", "", &[Span::new(text.clone(), Role::Head)]);
        }
        Block::Paragraph(text) => page.paragraph("", "", &spans(text)),
        Block::Points(points) => {
            for point in points {
                page.paragraph("  - ", "    ", &spans(point));
            }
        }
        Block::Steps(steps) => {
            for (number, step) in steps.iter().enumerate() {
                page.paragraph(&format!("{:>3}. ", number + 1), "     ", &spans(step));
            }
        }
        Block::Facts(facts) => {
            for (name, text) in facts {
                let mut line = vec![Span::new(format!("{name}: "), Role::Strong)];
                line.extend(spans(text));
                page.paragraph("  ", "    ", &line);
            }
        }
        Block::Table(table) => of_table(page, table, style),
        Block::Figure { drawing, caption } => {
            page.plain("  ", "  ", format!("[{caption} {}]", drawing.description));
        }
        Block::Verbatim(text) => {
            for line in text.lines() {
                page.plain("    ", "    ", line);
            }
        }
        Block::Callout { text, .. } => {
            page.blank();
            page.paragraph("* ", "  ", &spans(text));
        }
        Block::PageBreak => page.blank(),
    }
}

fn title(page: &mut Page, text: &str, mark: &str, style: &Style) {
    page.paragraph("", "", &[Span::new(text, Role::Head)]);
    let width = text.width().min(style.columns());
    page.plain("", "", mark.repeat(width));
}

fn of_table(page: &mut Page, table: &Table, style: &Style) {
    if !table.caption.is_empty() {
        page.plain("", "", table.caption.clone());
    }
    if fits(table, style.columns().saturating_sub(2)) {
        let columns = table.columns.iter().map(|column| {
            let one = layout::Column::new(column.title.clone());
            match (column.right, column.whole) {
                (true, _) => one.right(),
                (false, true) => one,
                (false, false) => one.wrap(NARROWEST),
            }
        });
        let rows = table
            .rows
            .iter()
            .map(|row| Row::Cells(row.iter().map(|cell| Span::plain(joined(&cell.text))).collect()));
        page.table("  ", &layout::Table { columns: columns.collect(), rows: rows.collect() });
        return;
    }
    // Whatever is cut off is lost to a ticket: one line a cell then.
    for row in &table.rows {
        let mut first = "  - ";
        for (column, cell) in table.columns.iter().zip(row) {
            let said = joined(&cell.text);
            if !said.is_empty() && said != "-" {
                page.plain(first, "      ", format!("{}: {said}", column.title));
                first = "    ";
            }
        }
    }
}

/// A cell with more than this is a paragraph, and reads badly in a column of a few words.
const LONGEST: usize = 110;

/// Whether nothing has to be cut, nor squeezed into a narrow column.
fn fits(table: &Table, available: usize) -> bool {
    let paragraphs = table.rows.iter().flatten().any(|cell| joined(&cell.text).width() > LONGEST);
    if paragraphs && table.columns.len() > 2 {
        return false;
    }
    let needed: usize = table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = table.rows.iter().filter_map(|row| row.get(index)).map(|cell| joined(&cell.text));
            let widest = cells.map(|text| text.width()).max().unwrap_or(0).max(column.title.width());
            let narrow = if column.whole || column.right { widest } else { widest.min(NARROWEST) };
            // Words that cannot be broken keep a column wide.
            let longest = table
                .rows
                .iter()
                .filter_map(|row| row.get(index))
                .flat_map(|cell| joined(&cell.text).split(' ').map(|word| word.width()).collect::<Vec<_>>())
                .max()
                .unwrap_or(0);
            narrow.max(longest.min(40)).max(column.title.width())
        })
        .sum();
    needed + 2 * table.columns.len().saturating_sub(1) <= available
}

fn joined(text: &[Inline]) -> String {
    text.iter()
        .map(|piece| match piece {
            Inline::Text(text) | Inline::Strong(text) | Inline::Code(text) => text.clone(),
            Inline::Link { text, url } if url.contains(text.as_str()) => url.clone(),
            Inline::Link { text, url } => format!("{text} ({url})"),
        })
        .collect()
}

fn spans(text: &[Inline]) -> Vec<Span> {
    text.iter()
        .map(|piece| {
            let role = if matches!(piece, Inline::Strong(_)) { Role::Strong } else { Role::Plain };
            Span::new(joined(std::slice::from_ref(piece)), role)
        })
        .collect()
}
