//! A house's form as a workbook (Office Open XML): the first lines of its sheets.
//!
//! What a workbook unpacks to has no limit of its own, so everything here has one: bytes, lines, columns, sheets.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Cursor, Read},
};

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use zip::ZipArchive;

use super::{LONGEST_TEXT, header::Lines};

/// Bytes that one part of a workbook may unpack to.
const MOST_UNPACKED: u64 = 32 << 20;

/// Sheets that are looked at.
const MOST_SHEETS: usize = 10;

/// Cells farther to the right are no form's.
const MOST_CELLS: usize = 200;

/// The first lines of each sheet, in the order of the sheets; `None` for what is no workbook.
pub(super) fn sheets(bytes: &[u8], most_lines: usize) -> Option<Vec<Lines>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let numbered = |name: &str| Some((number(name)?, name.to_owned()));
    let mut names: Vec<(usize, String)> =
        archive.file_names().flatten().filter_map(|name| numbered(&name)).collect();
    names.sort();
    let mut sheets = Vec::new();
    for (_, name) in names.into_iter().take(MOST_SHEETS) {
        let part = archive.by_name(&name).ok()?;
        sheets.push(rows(BufReader::new(part.take(MOST_UNPACKED)), most_lines)?);
    }
    let mut texts: BTreeMap<usize, String> = BTreeMap::new();
    for cell in sheets.iter().flatten().flat_map(|(_, row)| row) {
        if let Cell::Shared(index) = cell {
            texts.insert(*index, String::new());
        }
    }
    if !texts.is_empty() {
        let part = archive.by_name("xl/sharedStrings.xml").ok()?;
        shared(BufReader::new(part.take(MOST_UNPACKED)), &mut texts)?;
    }
    let text = |cell: Cell| match cell {
        Cell::Text(text) => text.trim().to_owned(),
        Cell::Shared(index) => texts.get(&index).map(|text| text.trim().to_owned()).unwrap_or_default(),
    };
    let line = |(number, row): (usize, Vec<Cell>)| (number, row.into_iter().map(text).collect());
    Some(sheets.into_iter().map(|rows| rows.into_iter().map(line).collect()).collect())
}

/// The number of a sheet by the name of its part.
fn number(name: &str) -> Option<usize> {
    name.strip_prefix("xl/worksheets/sheet")?.strip_suffix(".xml")?.parse().ok()
}

/// A cell as it stands in a sheet.
enum Cell {
    Text(String),
    /// A text that stands elsewhere.
    Shared(usize),
}

fn rows(part: impl BufRead, most: usize) -> Option<Vec<(usize, Vec<Cell>)>> {
    let mut reader = Reader::from_reader(part);
    let mut buffer = Vec::new();
    let mut rows: Vec<(usize, Vec<Cell>)> = Vec::new();
    let (mut is_shared, mut is_told, mut column, mut told) = (false, false, 0, String::new());
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                b"row" => {
                    if rows.len() == most {
                        return Some(rows);
                    }
                    let before = rows.last().map_or(0, |(number, _)| *number);
                    let number = attribute(&tag, b"r").and_then(|text| text.parse().ok());
                    rows.push((number.unwrap_or(before + 1), Vec::new()));
                    column = 0;
                }
                b"c" => {
                    is_shared = attribute(&tag, b"t").as_deref() == Some("s");
                    column = attribute(&tag, b"r").and_then(|place| place_of(&place)).unwrap_or(column);
                    told.clear();
                }
                b"v" | b"t" => is_told = true,
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                b"v" | b"t" => is_told = false,
                b"c" => {
                    let index = told.trim().parse().ok().filter(|_| is_shared);
                    let cell = index.map_or_else(|| Cell::Text(told.clone()), Cell::Shared);
                    if let Some((_, row)) = rows.last_mut().filter(|_| column < MOST_CELLS) {
                        row.resize_with(row.len().max(column), || Cell::Text(String::new()));
                        row.truncate(column);
                        row.push(cell);
                    }
                    column += 1;
                }
                _ => {}
            },
            Event::Eof => return Some(rows),
            event if is_told => tell(&event, &mut told),
            _ => {}
        }
    }
}

/// Fills in the texts that are wanted.
fn shared(part: impl BufRead, texts: &mut BTreeMap<usize, String>) -> Option<()> {
    let mut reader = Reader::from_reader(part);
    let mut buffer = Vec::new();
    let (mut index, mut is_told, mut is_sound) = (0, false, false);
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                b"t" => is_told = !is_sound,
                // How the text is pronounced, beside it.
                b"rPh" => is_sound = true,
                _ => {}
            },
            Event::End(tag) => match tag.local_name().as_ref() {
                b"t" => is_told = false,
                b"rPh" => is_sound = false,
                b"si" => index += 1,
                _ => {}
            },
            Event::Empty(tag) if tag.local_name().as_ref() == b"si" => index += 1,
            Event::Eof => return Some(()),
            event if is_told => {
                if let Some(text) = texts.get_mut(&index) {
                    tell(&event, text);
                }
            }
            _ => {}
        }
    }
}

/// Adds what an event says to a text of bearable length.
fn tell(event: &Event<'_>, told: &mut String) {
    let room = LONGEST_TEXT.saturating_sub(told.chars().count());
    let mut add = |text: &str| told.extend(text.chars().take(room).map(|c| if c == '\n' { ' ' } else { c }));
    match event {
        Event::Text(text) => {
            if let Ok(text) = text.decode() {
                add(&text);
            }
        }
        Event::CData(text) => {
            if let Ok(text) = text.decode() {
                add(&text);
            }
        }
        Event::GeneralRef(reference) => match (reference.resolve_char_ref(), &reference[..]) {
            (Ok(Some(c)), _) => add(c.encode_utf8(&mut [0; 4])),
            (_, b"amp") => add("&"),
            (_, b"lt") => add("<"),
            (_, b"gt") => add(">"),
            (_, b"quot") => add("\""),
            (_, b"apos") => add("'"),
            _ => {}
        },
        _ => {}
    }
}

fn attribute(tag: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let value = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name)?.value;
    String::from_utf8(value.into_owned()).ok()
}

/// The column of `AB12`, from 0.
fn place_of(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    letters
        .fold(0, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1)
        .checked_sub(1)
}
