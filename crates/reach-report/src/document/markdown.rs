//! A document as GitHub-flavoured Markdown.
//!
//! Everything that comes from outside is escaped: nothing of it becomes a heading, a table's border, a link, a mention
//! or HTML. Renderers that know less than GitHub show the same text.

use super::{Block, Cell, Document, Inline, Table, Tone};
use crate::{clean::is_harmful, words::say};

/// The whole text.
pub fn markdown(document: &Document) -> String {
    let mut out = String::new();
    out.push_str(&format!("# {}\n\n", start(&escaped(&document.title))));
    for line in &document.subtitle {
        out.push_str(&format!("{}  \n", start(&escaped(line))));
    }
    out.push('\n');
    for block in &document.blocks {
        of_block(block, document, &mut out);
    }
    if !document.attachments.is_empty() {
        let title = say!(document.lang, "Attached", "첨부");
        out.push_str(&format!("## {title}\n\n"));
        for one in &document.attachments {
            let size = super::size(one.bytes.len(), document.lang);
            out.push_str(&format!("- {}: {} ({size})\n", code(&one.name, false), escaped(&one.about)));
        }
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn of_block(block: &Block, document: &Document, out: &mut String) {
    match block {
        Block::Heading { level, text } => {
            let marks = "#".repeat(usize::from((*level).clamp(1, 5)) + 1);
            out.push_str(&format!("{marks} {}\n\n", escaped(text)));
        }
        Block::Paragraph(text) => out.push_str(&format!("{}\n\n", start(&inlines(text, false)))),
        Block::Points(points) => list(points, |_| "-".to_owned(), out),
        Block::Steps(steps) => list(steps, |number| format!("{}.", number + 1), out),
        Block::Facts(facts) => {
            for (name, text) in facts {
                out.push_str(&format!("- **{}**: {}\n", escaped(name), inlines(text, false)));
            }
            out.push('\n');
        }
        Block::Table(table) => of_table(table, out),
        Block::Figure { drawing, caption } => {
            let (caption, said) = (escaped(caption), escaped(&drawing.description));
            out.push_str(&format!("*{}* {said}\n\n", caption.trim()));
        }
        Block::Verbatim(text) => {
            let fence = "`".repeat(longest_run(text).max(2) + 1);
            let text: String =
                text.chars().map(|c| if c != '\n' && is_harmful(c) { '\u{fffd}' } else { c }).collect();
            out.push_str(&format!("{fence}\n{}\n{fence}\n\n", text.trim_end_matches('\n')));
        }
        Block::Callout { tone, text } => {
            let kind = match tone {
                Tone::Bad => "CAUTION",
                Tone::Warn => "WARNING",
                Tone::Good => "TIP",
                Tone::Plain | Tone::Note => "NOTE",
            };
            out.push_str(&format!("> [!{kind}]\n> {}\n\n", start(&inlines(text, false))));
        }
        Block::PageBreak => {
            // Nothing on a page without end.
            let _ = document;
            out.push_str("---\n\n");
        }
    }
}

fn list(items: &[Vec<Inline>], mark: impl Fn(usize) -> String, out: &mut String) {
    for (number, item) in items.iter().enumerate() {
        out.push_str(&format!("{} {}\n", mark(number), start(&inlines(item, false))));
    }
    out.push('\n');
}

fn of_table(table: &Table, out: &mut String) {
    if !table.caption.is_empty() {
        out.push_str(&format!("{}\n\n", start(&escaped(&table.caption))));
    }
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(table.columns.iter().map(|column| escaped(&column.title)).collect()));
    out.push_str(&line(
        table.columns.iter().map(|column| if column.right { "---:" } else { "---" }.to_owned()).collect(),
    ));
    for row in &table.rows {
        out.push_str(&line(row.iter().map(of_cell).collect()));
    }
    out.push('\n');
}

fn of_cell(cell: &Cell) -> String {
    let text = inlines(&cell.text, true);
    let empty = text.trim().is_empty();
    match cell.tone {
        Tone::Bad if !empty && cell.text.iter().all(|piece| matches!(piece, Inline::Text(_))) => {
            format!("**{}**", text.trim())
        }
        _ => text,
    }
}

fn inlines(text: &[Inline], in_table: bool) -> String {
    text.iter()
        .map(|piece| match piece {
            Inline::Text(text) => escaped(text),
            Inline::Strong(text) => strong(text),
            Inline::Code(text) => code(text, in_table),
            Inline::Link { text, url } if super::leads_somewhere(url) => {
                format!("[{}](<{}>)", escaped(text), url)
            }
            Inline::Link { text, .. } => escaped(text),
        })
        .collect()
}

/// Spaces at the ends stay outside of the marks, which would not be marks beside them.
fn strong(text: &str) -> String {
    let inner = text.trim();
    if inner.is_empty() {
        return text.to_owned();
    }
    let before = &text[..text.len() - text.trim_start().len()];
    let after = &text[text.trim_end().len()..];
    // A mark between a full stop and a letter closes nothing (CommonMark §6.2); Korean writes them without a space.
    format!("{before}**{}**{after}", escaped(inner))
}

/// A code span. In it nothing is escaped but a table's border.
fn code(text: &str, in_table: bool) -> String {
    let text: String = text
        .chars()
        .map(|c| {
            if c == '\n' || c == '\r' {
                ' '
            } else if is_harmful(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    // A backslash before a border would escape the one that escapes the border.
    if in_table && text.contains('|') && text.contains('\\') {
        return escaped(&text);
    }
    let text = if in_table { text.replace('|', "\\|") } else { text };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A text of which nothing is taken for a mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_harmful(c) => out.push('\u{fffd}'),
            '\\' | '`' | '*' | '[' | ']' | '<' | '|' | '&' | '$' | '!' => out.extend(['\\', c]),
            '>' if out.is_empty() => out.extend(['\\', c]),
            // Between spaces it strikes nothing out.
            '~' if !before.is_whitespace() || !rest.peek().is_some_and(|next| next.is_whitespace()) => {
                out.extend(['\\', c]);
            }
            // Between letters or digits it marks nothing, and names are full of it.
            '_' if !(before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric())) => {
                out.extend(['\\', c]);
            }
            // `https://…` would become a link by itself.
            ':' if rest.peek() == Some(&'/') => out.extend(['\\', c]),
            '.' if out.to_ascii_lowercase().ends_with("www") => out.extend(['\\', c]),
            // Behind a word it is an address, and links as one; elsewhere it calls somebody.
            '@' => out.extend(['\\', c]),
            '#' if rest.peek().is_some_and(|next| !next.is_ascii_digit())
                || before.is_whitespace() && out.is_empty() =>
            {
                out.extend(['\\', c]);
            }
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// The beginning of a line, where digits, dashes and the like have a meaning.
fn start(text: &str) -> String {
    let trimmed = text.trim_start();
    let digits = trimmed.chars().take_while(char::is_ascii_digit).count();
    let behind = trimmed[digits..].chars().next();
    match (digits, behind) {
        (0, Some('+' | '-' | '=' | '#')) => format!("\\{trimmed}"),
        (1.., Some('.' | ')')) => format!("{}\\{}", &trimmed[..digits], &trimmed[digits..]),
        _ => trimmed.to_owned(),
    }
}
