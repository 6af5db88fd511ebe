//! Texts of the definition in units that the catalogue has.

use std::fmt::Write;

use super::HELP;

/// A text of the definition in Korean; what the catalogue does not have stays English.
pub(super) fn translated(text: &str) -> String {
    let mut korean = String::with_capacity(text.len() * 2);
    for piece in pieces(text) {
        match piece {
            Piece::Kept(kept) => korean.push_str(kept),
            Piece::Unit(unit) => {
                let _ = write!(korean, "{}", in_korean(&unit).unwrap_or(unit));
            }
        }
    }
    korean
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The same in all languages: layout and command lines.
    Kept(&'a str),
    /// To be looked up.
    Unit(String),
}

/// The pieces of a text, which in their order are the text again but for the line ends inside of prose.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    // The usage with its two lines is one text.
    if text.contains("\n       ") {
        return vec![Piece::Unit(text.to_owned())];
    }
    for (number, paragraph) in text.split("\n\n").enumerate() {
        if number > 0 {
            pieces.push(Piece::Kept("\n\n"));
        }
        if !paragraph.lines().any(|line| line.starts_with("  ")) {
            pieces.push(Piece::Unit(paragraph.split('\n').collect::<Vec<_>>().join(" ")));
            continue;
        }
        for (number, line) in paragraph.split('\n').enumerate() {
            if number > 0 {
                pieces.push(Piece::Kept("\n"));
            }
            if !line.starts_with("  ") {
                pieces.push(Piece::Unit(line.to_owned()));
                continue;
            }
            let indented = line.trim_start().len();
            let gap = line.rfind("  ").map_or(0, |at| at + 2).max(line.len() - indented);
            let is_list = line[..gap].trim() != "";
            let (kept, unit) = if is_list { line.split_at(gap) } else { (line, "") };
            pieces.push(Piece::Kept(kept));
            if !unit.is_empty() {
                pieces.push(Piece::Unit(unit.to_owned()));
            }
        }
    }
    pieces
}

/// A unit in Korean. What is a sentence where it stands alone may be a title elsewhere.
pub(super) fn in_korean(unit: &str) -> Option<String> {
    HELP.translated(unit).or_else(|| Some(HELP.translated(unit.strip_suffix('.')?)? + "."))
}
