//! Breaking text into lines.
//!
//! Lines break at blanks. Where that would leave much of a line empty they break between Hangul syllables (or kanji and
//! kana) too, never before or after punctuation: a closing mark does not begin a line and an opening one does not end it.
//! Addresses, names and numbers are broken only where they are longer than a line, then behind a mark if there is one.

use super::fonts::{Face, Fonts, Letter};

/// A piece of text that looks the same all over.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) face: Face,
    pub(super) size: f32,
    pub(super) colour: [u8; 3],
    /// Where it leads to, and which part of the document's structure it is.
    pub(super) link: Option<Link>,
}

/// Where a text leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The address.
    pub(super) url: String,
    /// The part of the document's structure.
    pub(super) node: usize,
}

/// Letters of one font that stand beside each other.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// From the beginning of the line.
    pub(super) x: f32,
    pub(super) width: f32,
    pub(super) text: String,
    pub(super) letters: Vec<Letter>,
    pub(super) face: Face,
    pub(super) size: f32,
    pub(super) colour: [u8; 3],
    pub(super) link: Option<Link>,
}

/// A line of text.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) pieces: Vec<Piece>,
    /// Without blanks at its end.
    pub(super) width: f32,
}

/// Below this share of a line a break between syllables is better than one at a blank.
const FULL_ENOUGH: f32 = 0.8;

/// A tabulator reaches to the next column that is a multiple of this.
const TAB: usize = 8;

/// The text in lines of a width; at least one line.
pub(super) fn broken(spans: &[Span], width: f32, fonts: &Fonts) -> Vec<Line> {
    let atoms = atoms(spans, fonts);
    let mut lines = Vec::new();
    let mut start = 0;
    loop {
        let (end, next) = line_end(&atoms, start, width);
        lines.push(line(&atoms[start..end], spans));
        if next >= atoms.len() {
            // A line break at the very end begins no line.
            return lines;
        }
        start = next;
    }
}

/// The width of the longest text between two blanks, and that of the longest line.
pub(super) fn extents(spans: &[Span], fonts: &Fonts) -> (f32, f32) {
    let (mut word, mut longest_word, mut line, mut longest_line) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
    let mut before = None;
    for atom in atoms(spans, fonts) {
        if atom.c == '\n' {
            (word, line) = (0.0, 0.0);
        } else {
            let is_joined = !is_blank(atom.c) && !before.is_some_and(|before| splits(before, atom.c));
            word = if is_joined {
                word + atom.width
            } else if is_blank(atom.c) {
                0.0
            } else {
                atom.width
            };
            line += atom.width;
        }
        before = Some(atom.c);
        longest_word = longest_word.max(word);
        longest_line = longest_line.max(line);
    }
    (longest_word, longest_line)
}

/// A character in its place.
#[derive(Clone, Copy)]
struct Atom {
    c: char,
    span: usize,
    letter: Letter,
    width: f32,
}

fn atoms(spans: &[Span], fonts: &Fonts) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::new();
    let mut column = 0;
    for (index, span) in spans.iter().enumerate() {
        let mut chars = span.text.chars().peekable();
        while let Some(c) = chars.next() {
            let mut push = |c: char| {
                let letter = fonts.letter(span.face, c);
                let width = if c == '\n' { 0.0 } else { letter.advance * span.size };
                atoms.push(Atom { c, span: index, letter, width });
            };
            match c {
                '\r' if chars.peek() == Some(&'\n') => {}
                '\n' | '\r' | '\u{2028}' | '\u{2029}' => {
                    push('\n');
                    column = 0;
                }
                '\t' => {
                    for _ in 0..TAB - column % TAB {
                        push(' ');
                    }
                    column = 0;
                }
                c => {
                    push(c);
                    column += 1;
                }
            }
        }
    }
    atoms
}

/// Where the line that begins at `start` ends, and where the next one begins.
fn line_end(atoms: &[Atom], start: usize, width: f32) -> (usize, usize) {
    let mut x = 0.0;
    // Where the line could end, and how much of it would be filled.
    let mut blank: Option<(usize, f32)> = None;
    let mut syllable: Option<usize> = None;
    for at in start..atoms.len() {
        let atom = atoms[at];
        if atom.c == '\n' {
            return (at, at + 1);
        }
        if is_blank(atom.c) {
            // Blanks may hang over the margin, where nobody sees them.
            x += atom.width;
            blank = Some((at + 1, x));
            continue;
        }
        if at > start {
            if splits(atoms[at - 1].c, atom.c) {
                syllable = Some(at);
            }
            if x + atom.width > width {
                let end = match (blank, syllable) {
                    (Some((end, filled)), Some(later)) if later > end && filled < width * FULL_ENOUGH => {
                        later
                    }
                    (Some((end, _)), _) => end,
                    (None, Some(end)) => end,
                    (None, None) => behind_mark(atoms, start, at),
                };
                return (end, end);
            }
        }
        x += atom.width;
    }
    (atoms.len(), atoms.len())
}

/// Where a word that is longer than a line is broken: behind the last mark in the second half of what fits.
fn behind_mark(atoms: &[Atom], start: usize, end: usize) -> usize {
    let half = start + (end - start) / 2;
    let is_mark =
        |c: char| matches!(c, '/' | '.' | '-' | '_' | ':' | ';' | ',' | '&' | '?' | '=' | '@' | '%' | '+');
    (half.max(start + 1)..end).rev().find(|at| is_mark(atoms[at - 1].c)).unwrap_or(end)
}

fn line(atoms: &[Atom], spans: &[Span]) -> Line {
    let mut line = Line::default();
    let mut x = 0.0;
    for atom in atoms {
        let span = &spans[atom.span];
        let is_same = |piece: &Piece| {
            piece.face == atom.letter.face
                && piece.size == span.size
                && piece.colour == span.colour
                && piece.link == span.link
        };
        match line.pieces.last_mut().filter(|piece| is_same(piece)) {
            Some(piece) => {
                piece.text.push(atom.c);
                piece.letters.push(atom.letter);
                piece.width += atom.width;
            }
            None => line.pieces.push(Piece {
                x,
                width: atom.width,
                text: atom.c.to_string(),
                letters: vec![atom.letter],
                face: atom.letter.face,
                size: span.size,
                colour: span.colour,
                link: span.link.clone(),
            }),
        }
        x += atom.width;
        if !is_blank(atom.c) {
            line.width = x;
        }
    }
    line
}

/// Blanks that lines break at; a no-break space is none.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\u{2002}'..='\u{2006}' | '\u{2008}'..='\u{200a}' | '\u{3000}')
}

/// Whether a line can break between two characters that no blank parts.
fn splits(before: char, after: char) -> bool {
    (is_syllable(before) && is_syllable(after) && !begins_no_line(after)) || matches!(before, '—' | '→')
}

/// A character that is a syllable or a word of its own.
fn is_syllable(c: char) -> bool {
    matches!(c, '가'..='힣' | '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{3041}'..='\u{30ff}')
}

/// Small kana and marks of length stay with what they change.
fn begins_no_line(c: char) -> bool {
    "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶーゝゞヽヾ々".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Span {
        Span { text: text.to_owned(), face: Face::Mono, size: 10.0, colour: [0; 3], link: None }
    }

    /// Lines of so many columns.
    fn lines(text: &str, columns: usize) -> Vec<String> {
        let fonts = Fonts::get().expect("fonts");
        let width = fonts.width(Face::Mono, 10.0, &"x".repeat(columns)) + 0.01;
        let text_of = |line: &Line| line.pieces.iter().map(|piece| piece.text.as_str()).collect::<String>();
        broken(&[span(text)], width, &fonts).iter().map(text_of).collect()
    }

    #[test]
    fn lines_break_at_blanks() {
        assert_eq!(lines("one two three", 8), ["one two ", "three"]);
        assert_eq!(lines("one\ntwo\n\nthree\n", 20), ["one", "two", "", "three"]);
        assert_eq!(lines("", 20), [""]);
        assert_eq!(lines("one  ", 3), ["one  "]);
    }

    #[test]
    fn korean_breaks_between_words_where_that_fills_the_line_and_between_syllables_otherwise() {
        assert_eq!(lines("방화벽 차단 추정", 14), ["방화벽 차단 ", "추정"]);
        assert_eq!(lines("가 방화벽차단추정입니다", 14), ["가 방화벽차단", "추정입니다"]);
        assert_eq!(lines("방화벽차단추정", 8), ["방화벽차", "단추정"]);
    }

    #[test]
    fn punctuation_begins_no_line_and_opening_marks_end_none() {
        assert_eq!(lines("방화벽차단.", 10), ["방화벽차", "단."]);
        assert_eq!(lines("방화벽차(단)", 10), ["방화벽", "차(단)"]);
        for line in lines("무응답(방화벽 차단 추정), 나머지(12개)는 정상입니다. 「확인」 부탁드립니다!", 9)
        {
            assert!(!line.starts_with(['.', ',', ')', '」', '!']), "{line}");
            assert!(!line.ends_with(['(', '「']), "{line}");
        }
    }

    #[test]
    fn addresses_stay_whole_with_their_particles() {
        assert_eq!(lines("주소 192.0.2.10의 응답", 16), ["주소 ", "192.0.2.10의 ", "응답"]);
        assert_eq!(lines("see 2001:db8::1234 now", 15), ["see ", "2001:db8::1234 ", "now"]);
    }

    #[test]
    fn what_is_longer_than_a_line_is_broken_behind_a_mark() {
        assert_eq!(lines("https://example.com/some/path", 16), ["https://", "example.com/", "some/path"]);
        assert_eq!(lines("xxxxxxxxxx", 4), ["xxxx", "xxxx", "xx"]);
        assert_eq!(lines("가나", 1), ["가", "나"]);
    }

    #[test]
    fn tabs_reach_to_columns() {
        assert_eq!(lines("ab\tc", 40), ["ab      c"]);
    }
}
