//! The example of a configuration with comments in Korean: keys and values are the same in every language.

mod texts;

use std::sync::LazyLock;

use unicode_width::UnicodeWidthStr;

use super::Catalogue;

/// As wide as the example is in English.
const WIDTH: usize = 120;

static COMMENTS: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(&[texts::TEXTS]));

/// The example in Korean. A comment that the catalogue does not have stays English.
pub fn in_korean(example: &str) -> String {
    pieces(example).into_iter().map(|piece| piece.in_korean()).collect()
}

/// A part of the example.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// A line that the program reads, or could, were it no comment; an empty one.
    Kept(String),
    /// A heading within a rule of dashes.
    Heading(String),
    /// A line that stands by itself behind this indentation.
    Entry(String),
    /// Lines of a comment, as one.
    Prose(String),
}

impl Piece {
    fn in_korean(self) -> String {
        let korean = |text: String| COMMENTS.translated(&text).unwrap_or(text);
        match self {
            Piece::Kept(line) => line + "\n",
            Piece::Heading(text) => {
                let text = korean(text);
                let rule = (WIDTH - 4).saturating_sub(text.width());
                format!("# {:-<rule$} {text}\n", "")
            }
            Piece::Entry(text) => format!("#   {}\n", korean(text)),
            Piece::Prose(text) => wrapped(&korean(text)),
        }
    }
}

/// A comment in lines that are no wider than the example is.
fn wrapped(text: &str) -> String {
    let mut lines = String::from("#");
    let mut width = 1;
    for word in text.split(' ') {
        if width + 1 + word.width() > WIDTH {
            lines.push_str("\n#");
            width = 1;
        }
        lines.push(' ');
        lines.push_str(word);
        width += 1 + word.width();
    }
    lines + "\n"
}

fn pieces(example: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for line in example.lines() {
        let piece = match line.strip_prefix("# ") {
            None => Piece::Kept(line.to_owned()),
            Some(rule) if rule.starts_with("---") => {
                Piece::Heading(rule.trim_start_matches('-').trim_start().to_owned())
            }
            Some(entry) if entry.starts_with("  ") => Piece::Entry(entry.trim_start().to_owned()),
            Some(text) => match pieces.last_mut() {
                Some(Piece::Prose(begun)) => {
                    begun.push(' ');
                    begun.push_str(text);
                    continue;
                }
                _ => Piece::Prose(text.to_owned()),
            },
        };
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::command::config::EXAMPLE;

    fn comments() -> Vec<String> {
        let comments = pieces(EXAMPLE).into_iter().filter_map(|piece| match piece {
            Piece::Kept(_) => None,
            Piece::Heading(text) | Piece::Entry(text) | Piece::Prose(text) => Some(text),
        });
        comments.collect()
    }

    #[test]
    fn every_comment_of_the_example_has_korean() {
        let missing: Vec<String> = comments()
            .into_iter()
            .filter(|text| COMMENTS.translated(text).is_none())
            .map(|text| format!("    ({text:?}, \"…\"),"))
            .collect();
        assert!(
            missing.is_empty(),
            "add these pairs to crates/reach/src/words/korean/example/texts.rs (braces doubled):\n{}",
            missing.join("\n")
        );
    }

    #[test]
    fn no_korean_of_the_example_is_left_over() {
        let mut used = BTreeSet::new();
        for text in comments() {
            COMMENTS.found(&text, &mut |english| {
                used.insert(english);
            });
        }
        let left: Vec<&str> = COMMENTS.english().filter(|english| !used.contains(english)).collect();
        assert!(left.is_empty(), "remove it from crates/reach/src/words/korean/example/texts.rs: {left:#?}");
    }

    #[test]
    fn the_example_differs_in_its_comments_only() {
        let korean = in_korean(EXAMPLE);
        let kept = |example: &str| -> Vec<String> {
            let lines = example.lines().filter(|line| !line.starts_with("# "));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(kept(&korean), kept(EXAMPLE));
        for line in korean.lines() {
            let Some(comment) = line.strip_prefix("# ") else { continue };
            assert!(line.width() <= WIDTH, "{line}");
            assert!(comment.chars().any(|letter| ('가'..='힣').contains(&letter)), "{line}");
        }
    }

    #[test]
    fn the_example_is_english_until_it_is_translated() {
        let again: String = pieces(EXAMPLE)
            .into_iter()
            .map(|piece| match piece {
                Piece::Prose(text) => wrapped(&text),
                Piece::Kept(line) => line + "\n",
                Piece::Heading(text) => {
                    format!("# {:-<rule$} {text}\n", "", rule = WIDTH - 4 - text.width())
                }
                Piece::Entry(text) => format!("#   {text}\n"),
            })
            .collect();
        let words = |text: &str| {
            text.replace('-', "")
                .replace(['#', '\n'], " ")
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&again), words(EXAMPLE));
    }
}
