//! A house's own form as it is: its line of titles says which columns it has.

use std::borrow::Cow;

use super::{Cause, Column, Content, LONGEST_TEXT, MOST_COLUMNS, Template, TemplateError, Warning};
use crate::request::{Field, field::plain};

/// How many lines of a form are looked at.
const LINES: usize = 60;

/// So many titles have to be known for a line to be one of titles.
const ENOUGH: usize = 2;

/// What a file says, in the encodings that spreadsheets write in Korea.
pub(super) fn decode(bytes: &[u8]) -> Result<String, TemplateError> {
    let fault = |cause| TemplateError { line: None, cause };
    let decoded = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, length)) => {
            encoding.decode_without_bom_handling_and_without_replacement(&bytes[length..])
        }
        None => match str::from_utf8(bytes) {
            Ok(text) => Some(Cow::Borrowed(text)),
            Err(_) => encoding_rs::EUC_KR.decode_without_bom_handling_and_without_replacement(bytes),
        },
    };
    decoded.filter(|text| !text.contains('\0')).map(Cow::into_owned).ok_or_else(|| fault(Cause::NoText))
}

/// Lines of cells with their numbers.
pub(super) type Lines = Vec<(usize, Vec<String>)>;

/// The form in a text: see [`of`].
pub(super) fn read(text: &str) -> Result<Template, TemplateError> {
    of(&cells(text))
}

/// The form in a workbook: that of the first sheet that has one.
pub(super) fn of_workbook(bytes: &[u8]) -> Result<Template, TemplateError> {
    let fault = TemplateError { line: None, cause: Cause::Workbook };
    let sheets = super::workbook::sheets(bytes, LINES).ok_or(fault)?;
    let forms: Vec<_> = sheets.iter().map(of).collect();
    let none = Err(TemplateError { line: None, cause: Cause::NoColumns });
    forms
        .into_iter()
        .find(|form| !matches!(form, Err(TemplateError { cause: Cause::NoColumns, .. })))
        .unwrap_or(none)
}

/// Finds the line of titles, or the two of groups and titles.
fn of(lines: &Lines) -> Result<Template, TemplateError> {
    let none: &[String] = &[];
    let mut best: Option<(usize, usize, Vec<Title>)> = None;
    for (at, (number, line)) in lines.iter().enumerate() {
        let below = lines.get(at + 1).map_or(none, |(_, line)| line.as_slice());
        for titles in [titles(none, line), titles(line, below)] {
            let known = titles.iter().filter(|title| title.field.is_some()).count();
            if known >= ENOUGH && best.as_ref().is_none_or(|(most, ..)| known > *most) {
                best = Some((known, *number, titles));
            }
        }
    }
    let Some((_, number, titles)) = best else {
        return Err(TemplateError { line: None, cause: Cause::NoColumns });
    };
    if titles.len() > MOST_COLUMNS {
        return Err(TemplateError { line: Some(number), cause: Cause::TooManyColumns });
    }
    let column = |Title { title, group, field }| {
        let content = field.map_or(Content::Empty, Content::Field);
        Column { title, group, content, width: None }
    };
    let mut columns: Vec<Column> = titles.into_iter().map(column).collect();
    settle(&mut columns);
    let mut template = Template::of(columns);
    let unknown =
        template.columns.iter().filter(|column| column.content == Content::Empty && !column.title.is_empty());
    template.warnings =
        unknown.map(|column| Warning::UnknownTitle(crate::clean::clean(&column.title))).collect();
    template.warnings.extend(missing(&template));
    Ok(template)
}

/// A column's title as it was found.
struct Title {
    title: String,
    group: Option<String>,
    field: Option<Field>,
}

/// The titles of a table whose head is of two lines. A group reaches over the empty cells to its right, and a title with
/// nothing below reaches down.
fn titles(above: &[String], below: &[String]) -> Vec<Title> {
    let mut last: Option<&str> = None;
    let cell = |line: &'_ [String], at: usize| line.get(at).cloned().unwrap_or_default();
    let mut titles = Vec::new();
    for at in 0..above.len().max(below.len()) {
        let (upper, lower) = (cell(above, at), cell(below, at));
        if !upper.is_empty() {
            last = above.get(at).map(String::as_str).filter(|_| !lower.is_empty());
        }
        let (title, group) = if lower.is_empty() { (upper, None) } else { (lower, last.map(str::to_owned)) };
        let field = field(group.as_deref(), &title);
        titles.push(Title { title, group, field });
    }
    titles
}

/// What a firewall rule cannot do without, and the form has no column for.
pub(super) fn missing(template: &Template) -> Vec<Warning> {
    let holds = |fields: &[Field]| fields.iter().any(|field| template.holds(*field));
    let mut warnings = Vec::new();
    for (needed, by) in [
        (Field::Source, &[Field::Source][..]),
        (Field::Destination, &[Field::Destination]),
        (Field::Port, &[Field::Port, Field::Service]),
        (Field::Protocol, &[Field::Protocol, Field::Service]),
    ] {
        if !holds(by) {
            warnings.push(Warning::NoColumn(needed));
        }
    }
    warnings
}

/// The lines of a table with their numbers, with whichever separator gives most cells.
fn cells(text: &str) -> Lines {
    let with = |separator: u8| {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut lines = Vec::new();
        for record in reader.records().take(LINES) {
            let Ok(record) = record else { break };
            let number = record
                .position()
                .map_or(0, |position| usize::try_from(position.line()).unwrap_or(usize::MAX));
            let cell = |cell: &str| cell.chars().take(LONGEST_TEXT).collect::<String>();
            let mut line: Vec<String> = record.iter().map(cell).collect();
            while line.last().is_some_and(String::is_empty) {
                line.pop();
            }
            lines.push((number, line));
        }
        lines
    };
    let widest = |lines: &Lines| lines.iter().map(|(_, line)| line.len()).max().unwrap_or(0);
    [b'\t', b'|', b';', b','].map(with).into_iter().max_by_key(|lines| widest(lines)).unwrap_or_default()
}

/// A title that says nothing without its group.
fn is_bare(title: &str) -> bool {
    matches!(
        plain(title).as_str(),
        "ip" | "ip주소"
            | "주소"
            | "address"
            | "ipaddress"
            | "명"
            | "이름"
            | "name"
            | "설명"
            | "서버"
            | "호스트"
            | "host"
            | "hostname"
            | "포트"
            | "port"
    )
}

/// What a column holds, by its group and its title.
fn field(group: Option<&str>, title: &str) -> Option<Field> {
    let of_group = group.filter(|_| is_bare(title)).and_then(|group| {
        let group = plain(group).trim_end_matches("정보").trim_end_matches("info").to_owned();
        Field::of_title(&format!("{group}{title}"))
    });
    of_group.or_else(|| Field::of_title(title))
}

/// Titles that mean one thing in one form and another in the next: `출발지` holds the address where no other column does,
/// and `서비스` the port.
fn settle(columns: &mut [Column]) {
    let has =
        |columns: &[Column], field| columns.iter().any(|column| column.content == Content::Field(field));
    for (name, address) in [(Field::SourceName, Field::Source), (Field::DestinationName, Field::Destination)]
    {
        if !has(columns, address)
            && let Some(column) = columns.iter_mut().find(|column| column.content == Content::Field(name))
        {
            column.content = Content::Field(address);
        }
    }
    if has(columns, Field::Port)
        && let Some(column) =
            columns.iter_mut().find(|column| column.content == Content::Field(Field::Service))
    {
        column.content = Content::Field(Field::DestinationName);
    }
    // Without a column of its own the protocol would be lost.
    if !has(columns, Field::Protocol)
        && let Some(column) = columns.iter_mut().find(|column| column.content == Content::Field(Field::Port))
    {
        column.content = Content::Field(Field::Service);
    }
}
