//! Lines, paragraphs and tables in columns of a terminal: measured by display width, so that Korean lines up
//! with Latin, and never wider than allowed.

use std::fmt::Write;

use anstyle::{AnsiColor, Effects, Style as Ansi};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{Style, clean::is_harmful};

/// What a piece of text is, for those who see colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    #[default]
    Plain,
    Strong,
    Dim,
    Good,
    Warn,
    Bad,
    Head,
}

impl Role {
    fn ansi(self) -> Option<Ansi> {
        let color = |color: AnsiColor| Ansi::new().fg_color(Some(color.into()));
        match self {
            Role::Plain => None,
            Role::Strong => Some(Ansi::new().effects(Effects::BOLD)),
            Role::Dim => Some(Ansi::new().effects(Effects::DIMMED)),
            Role::Good => Some(color(AnsiColor::Green)),
            Role::Warn => Some(color(AnsiColor::Yellow)),
            Role::Bad => Some(color(AnsiColor::Red).effects(Effects::BOLD)),
            Role::Head => Some(color(AnsiColor::Cyan).effects(Effects::BOLD)),
        }
    }
}

/// A piece of text with its role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) text: String,
    pub(crate) role: Role,
}

impl Span {
    pub(crate) fn new(text: impl Into<String>, role: Role) -> Self {
        Self { text: text.into(), role }
    }

    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Role::Plain)
    }
}

/// A text under construction.
pub(crate) struct Page {
    style: Style,
    out: String,
}

impl Page {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, out: String::new() }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// An empty line between things; never two.
    pub(crate) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A paragraph: the first line begins with `first`, the following ones with `rest`.
    pub(crate) fn paragraph(&mut self, first: &str, rest: &str, spans: &[Span]) {
        let width = self.style.columns();
        let letters: Vec<(char, Role)> = spans
            .iter()
            .flat_map(|span| self.printable(&span.text).chars().map(|c| (c, span.role)).collect::<Vec<_>>())
            .collect();
        let mut indent = first;
        for line in wrap(&letters, width - first.width(), width - rest.width()) {
            let indent_now = std::mem::replace(&mut indent, rest);
            self.line(indent_now, line);
        }
    }

    /// A plain paragraph.
    pub(crate) fn plain(&mut self, first: &str, rest: &str, text: impl Into<String>) {
        self.paragraph(first, rest, &[Span::plain(text)]);
    }

    /// A table, indented.
    pub(crate) fn table(&mut self, indent: &str, table: &Table) {
        let available = self.style.columns() - indent.width();
        let cells: Vec<Vec<Span>> = table
            .rows
            .iter()
            .map(|row| match row {
                Row::Cells(cells) => {
                    cells.iter().map(|cell| Span::new(self.printable(&cell.text), cell.role)).collect()
                }
                Row::Note(_) => Vec::new(),
            })
            .collect();
        let widths = column_widths(&table.columns, &cells, available);
        let titles: Vec<Span> =
            table.columns.iter().map(|column| Span::new(self.printable(&column.title), Role::Dim)).collect();
        self.row(indent, &table.columns, &widths, &titles);
        for (row, cells) in table.rows.iter().zip(&cells) {
            match row {
                Row::Cells(_) => self.row(indent, &table.columns, &widths, cells),
                Row::Note(note) => self.paragraph(indent, indent, &[Span::new(note.clone(), Role::Dim)]),
            }
        }
    }

    /// One row, over several lines when the last column wraps.
    fn row(&mut self, indent: &str, columns: &[Column], widths: &[Option<usize>], cells: &[Span]) {
        let shown: Vec<(usize, &Column, &Span)> = columns
            .iter()
            .zip(widths)
            .zip(cells)
            .filter_map(|((column, width), cell)| width.map(|width| (width, column, cell)))
            .collect();
        let lines: Vec<Vec<String>> = shown
            .iter()
            .map(|(width, column, cell)| match column.fit {
                Fit::Wrap(_) => wrap_text(&cell.text, *width),
                Fit::Exact | Fit::Cut(_) => vec![cut(&cell.text, *width, self.style.ascii)],
            })
            .collect();
        let height = lines.iter().map(Vec::len).max().unwrap_or(0);
        for level in 0..height {
            let mut line: Vec<(char, Role)> = Vec::new();
            for (index, (width, column, cell)) in shown.iter().enumerate() {
                if index > 0 {
                    line.extend([(' ', Role::Plain); GAP]);
                }
                let text = lines[index].get(level).map_or("", String::as_str);
                let padding = width.saturating_sub(text.width());
                let pad = |line: &mut Vec<(char, Role)>| {
                    line.extend(std::iter::repeat_n((' ', Role::Plain), padding));
                };
                if column.right {
                    pad(&mut line);
                }
                line.extend(text.chars().map(|c| (c, cell.role)));
                if !column.right {
                    pad(&mut line);
                }
            }
            self.line(indent, line);
        }
    }

    fn line(&mut self, indent: &str, mut letters: Vec<(char, Role)>) {
        while letters.last().is_some_and(|(c, _)| *c == ' ') {
            letters.pop();
        }
        if !letters.is_empty() {
            self.out.push_str(indent);
        }
        let mut rest = letters.as_slice();
        while let Some(&(_, role)) = rest.first() {
            let length = rest.iter().take_while(|(_, other)| *other == role).count();
            let text: String = rest[..length].iter().map(|(c, _)| *c).collect();
            match role.ansi().filter(|_| self.style.color) {
                // Writing to a String cannot fail.
                Some(ansi) => drop(write!(self.out, "{ansi}{text}{ansi:#}")),
                None => self.out.push_str(&text),
            }
            rest = &rest[length..];
        }
        self.out.push('\n');
    }

    /// The text as it may be printed: nothing that acts on a terminal (the last of two lines of defence), and
    /// no symbols where only ASCII is wanted; letters of other scripts stay.
    fn printable(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                c if is_harmful(c) => out.push('?'),
                c if !self.style.ascii || c.is_ascii() || c.is_alphanumeric() => out.push(c),
                '…' => out.push_str("..."),
                '→' => out.push_str("->"),
                '←' => out.push_str("<-"),
                '–' | '—' | '─' => out.push('-'),
                '“' | '”' => out.push('"'),
                '‘' | '’' => out.push('\''),
                '·' => out.push(','),
                '≈' => out.push('~'),
                _ => out.push('?'),
            }
        }
        out
    }
}

/// Spaces between columns.
const GAP: usize = 2;

/// A table.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// A row of a table.
pub(crate) enum Row {
    /// One cell for each column.
    Cells(Vec<Span>),
    /// A remark across all columns.
    Note(String),
}

/// A column of a table.
pub(crate) struct Column {
    title: String,
    right: bool,
    /// Columns with higher numbers go first when there is no room; 0 stays.
    dispensable: u8,
    fit: Fit,
}

/// What a column does with text that is too long.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It takes what it needs.
    Exact,
    /// It is cut, but not below this.
    Cut(usize),
    /// It goes on in the next line, but is not narrower than this.
    Wrap(usize),
}

impl Column {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), right: false, dispensable: 0, fit: Fit::Exact }
    }

    pub(crate) fn right(mut self) -> Self {
        self.right = true;
        self
    }

    pub(crate) fn dispensable(mut self, order: u8) -> Self {
        self.dispensable = order;
        self
    }

    pub(crate) fn cut(mut self, least: usize) -> Self {
        self.fit = Fit::Cut(least);
        self
    }

    pub(crate) fn wrap(mut self, least: usize) -> Self {
        self.fit = Fit::Wrap(least);
        self
    }
}

/// The width of each column; `None` for one that is left out.
fn column_widths(columns: &[Column], rows: &[Vec<Span>], available: usize) -> Vec<Option<usize>> {
    let natural = |index: usize, column: &Column| -> Option<usize> {
        let cells = rows.iter().filter_map(|row| row.get(index));
        let widest = cells.map(|cell| cell.text.width()).max().unwrap_or(0);
        // A dispensable column that says nothing is left out.
        let silent =
            rows.iter().filter_map(|row| row.get(index)).all(|cell| cell.text.is_empty() || cell.text == "-");
        if silent && column.dispensable > 0 { None } else { Some(widest.max(column.title.width())) }
    };
    let mut widths: Vec<Option<usize>> =
        columns.iter().enumerate().map(|(index, column)| natural(index, column)).collect();
    loop {
        let shown = widths.iter().flatten().count();
        let total = widths.iter().flatten().sum::<usize>() + GAP * shown.saturating_sub(1);
        let Some(excess) = total.checked_sub(available).filter(|excess| *excess > 0) else { return widths };
        let elastic = columns.iter().enumerate().find_map(|(index, column)| match column.fit {
            Fit::Cut(least) | Fit::Wrap(least) => {
                widths[index].filter(|width| *width >= least + excess).map(|width| (index, width))
            }
            Fit::Exact => None,
        });
        if let Some((index, width)) = elastic {
            widths[index] = Some(width - excess);
            return widths;
        }
        let dropped = (0..columns.len())
            .filter(|&index| widths[index].is_some() && columns[index].dispensable > 0)
            .max_by_key(|&index| columns[index].dispensable);
        if let Some(index) = dropped {
            widths[index] = None;
            continue;
        }
        // No single one can: those that may, each as far as it may, the widest first.
        let spare = |widths: &[Option<usize>], index: usize| match columns[index].fit {
            Fit::Cut(least) | Fit::Wrap(least) => {
                widths[index].map_or(0, |width| width.saturating_sub(least))
            }
            Fit::Exact => 0,
        };
        if (0..columns.len()).map(|index| spare(&widths, index)).sum::<usize>() >= excess {
            for _ in 0..excess {
                let roomy = (0..columns.len()).filter(|&index| spare(&widths, index) > 0);
                if let Some(index) = roomy.max_by_key(|&index| widths[index]) {
                    widths[index] = widths[index].map(|width| width - 1);
                }
            }
            return widths;
        }
        // Nothing can be spared: the widest column gives way.
        let Some(widest) = (0..columns.len()).max_by_key(|&index| widths[index]) else { return widths };
        let width = widths[widest].unwrap_or(0);
        widths[widest] = Some(width.saturating_sub(excess).max(1));
        if width <= 1 {
            return widths;
        }
    }
}

/// Lines of at most `first` columns, then `rest`, broken at spaces where there are any.
fn wrap(letters: &[(char, Role)], first: usize, rest: usize) -> Vec<Vec<(char, Role)>> {
    let mut lines = Vec::new();
    let mut remaining = letters;
    let mut room = first;
    loop {
        let mut width = 0;
        let mut end = 0;
        while end < remaining.len() {
            let next = remaining[end].0.width().unwrap_or(0);
            if width + next > room {
                break;
            }
            width += next;
            end += 1;
        }
        if end == remaining.len() {
            lines.push(remaining.to_vec());
            return lines;
        }
        let (line, tail) = match (1..=end).rev().find(|&space| may_break(remaining, space)) {
            Some(space) => (&remaining[..space], &remaining[space + 1..]),
            // At least one character a line, or it would never end.
            _ => remaining.split_at(end.max(1)),
        };
        lines.push(line.to_vec());
        let skip = tail.iter().take_while(|(c, _)| *c == ' ').count();
        remaining = &tail[skip..];
        room = rest;
        if remaining.is_empty() {
            return lines;
        }
    }
}

/// At spaces, but not between a number and its unit.
fn may_break(letters: &[(char, Role)], at: usize) -> bool {
    const UNITS: [&str; 4] = ["ms", "s", "min", "%"];
    if letters[at].0 != ' ' {
        return false;
    }
    if !letters[at - 1].0.is_ascii_digit() {
        return true;
    }
    let next: String = letters[at + 1..]
        .iter()
        .map(|(c, _)| *c)
        .take_while(|c| c.is_ascii_alphabetic() || *c == '%')
        .collect();
    !UNITS.contains(&next.as_str())
}

fn wrap_text(text: &str, width: usize) -> Vec<String> {
    let letters: Vec<(char, Role)> = text.chars().map(|c| (c, Role::Plain)).collect();
    wrap(&letters, width, width).into_iter().map(|line| line.into_iter().map(|(c, _)| c).collect()).collect()
}

/// At most `width` columns of it, with a mark where something is missing.
pub(crate) fn cut(text: &str, width: usize, ascii: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mark = if ascii { "..." } else { "…" };
    let mark = if mark.width() > width { "" } else { mark };
    let mut out = String::new();
    let mut used = mark.width();
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out.push_str(mark);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;

    fn page(width: usize) -> Page {
        Page::new(Style::plain(width, Lang::En))
    }

    #[test]
    fn paragraphs_break_at_spaces_and_hang() {
        let mut page = page(60);
        page.plain("- ", "  ", "word ".repeat(30));
        let text = page.finish();
        assert!(text.lines().all(|line| line.width() <= 60 && !line.ends_with(' ')), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("  word")), "{text}");
    }

    #[test]
    fn what_has_no_space_is_broken_anyway() {
        let mut page = page(60);
        page.plain("", "", "가".repeat(100));
        assert!(page.finish().lines().all(|line| line.width() <= 60));
    }

    #[test]
    fn columns_line_up_by_display_width() {
        let mut page = page(80);
        let rows = ["정상", "ok", "무응답 차단 추정"]
            .map(|cell| Row::Cells(vec![Span::plain(cell), Span::plain("|")]))
            .into_iter()
            .collect();
        page.table("", &Table { columns: vec![Column::new("판정"), Column::new("x")], rows });
        let text = page.finish();
        let starts: Vec<usize> =
            text.lines().skip(1).map(|line| line.split('|').next().unwrap_or_default().width()).collect();
        assert_eq!(starts, [18, 18, 18]);
    }

    #[test]
    fn dispensable_columns_go_first() {
        let mut page = page(60);
        let columns =
            vec![Column::new("A"), Column::new("B").dispensable(1), Column::new("C").dispensable(2)];
        let wide = |c: char| Span::plain(c.to_string().repeat(28));
        let rows = vec![Row::Cells(vec![wide('a'), wide('b'), wide('c')])];
        page.table("", &Table { columns, rows });
        let text = page.finish();
        assert!(text.contains('b') && !text.contains('c'), "{text}");
    }
}
