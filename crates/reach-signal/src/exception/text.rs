//! Bytes to lines, and lines to plain text: encodings, terminal colours, lines that a terminal cut in two.

use std::borrow::Cow;

use encoding_rs::EUC_KR;
use unicode_width::UnicodeWidthChar;

/// Widths at which terminals, mail programs and `fold` cut lines.
const WIDTHS: [usize; 9] = [72, 76, 78, 79, 80, 100, 120, 132, 160];

/// Cuts bytes into lines. What is longer than the limit loses its end, so that memory is bounded.
#[derive(Debug)]
pub(super) struct Splitter {
    held: Vec<u8>,
    limit: usize,
}

impl Splitter {
    pub(super) fn new(limit: usize) -> Splitter {
        Splitter { held: Vec::new(), limit }
    }

    /// Gives every line that `bytes` completes to `each`.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, behind) = (&rest[..at], &rest[at + 1..]);
            if self.held.is_empty() {
                each(&line[..line.len().min(self.limit)]);
            } else {
                self.hold(line);
                each(&self.held);
                self.held.clear();
            }
            rest = behind;
        }
        self.hold(rest);
    }

    /// The last line, where no line end followed it.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_sub(self.held.len());
        self.held.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// A line's text: UTF-8 where it is that, else CP949, as Korean systems still write it beside UTF-8 in one file.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Only the end is wrong: a character that the line's limit cut in two.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned().into()
        }
        Err(_) => EUC_KR.decode_without_bom_handling(bytes).0,
    }
}

/// The line without what is for terminals: escape sequences, carriage returns, control characters but the tab.
pub(super) fn plain(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}');
    // Without an early end, many bytes are looked at at once.
    let (strange, foreign) = line.bytes().fold((false, false), |(strange, foreign), byte| {
        (strange | (byte < 0x20 && byte != b'\t') | (byte == 0x7f), foreign | !byte.is_ascii())
    });
    if !(strange || foreign && line.contains('\u{9b}')) {
        return unescaped(Cow::Borrowed(line));
    }
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => match rest.next() {
                Some('[') => skip_to(&mut rest, |c| ('\u{40}'..='\u{7e}').contains(&c)),
                Some(']') => skip_to(&mut rest, |c| c == '\u{7}' || c == '\\'),
                _ => {}
            },
            '\u{9b}' => skip_to(&mut rest, |c| ('\u{40}'..='\u{7e}').contains(&c)),
            '\t' => plain.push('\t'),
            character if character.is_control() => {}
            character => plain.push(character),
        }
    }
    unescaped(Cow::Owned(plain))
}

/// Tabs as syslog daemons write them.
fn unescaped(line: Cow<'_, str>) -> Cow<'_, str> {
    if memchr::memchr(b'#', line.as_bytes()).is_some() && line.contains("#011") {
        line.replace("#011", "\t").into()
    } else {
        line
    }
}

fn skip_to(rest: &mut impl Iterator<Item = char>, last: impl Fn(char) -> bool) {
    // A sequence that never ends must not eat the line.
    for character in rest.take(64) {
        if last(character) {
            break;
        }
    }
}

/// Whether the line is as wide as a terminal or a mail program makes lines that it cuts.
pub(super) fn is_full_width(line: &str) -> bool {
    if line.len() < WIDTHS[0] || line.len() > 3 * WIDTHS[WIDTHS.len() - 1] {
        return false;
    }
    // Nearly every line: as many characters and columns as bytes.
    if line.bytes().fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte)) {
        return WIDTHS.contains(&line.len());
    }
    let (mut characters, mut columns) = (0, 0);
    for character in line.chars() {
        characters += 1;
        columns += match character {
            '\t' => 8 - columns % 8,
            other => other.width().unwrap_or(0),
        };
    }
    [characters, columns, line.len()].iter().any(|width| WIDTHS.contains(width))
}

/// The beginning of a text, at most so many bytes, whole characters.
pub(super) fn head(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_do_not_depend_on_how_bytes_arrive_and_long_ones_are_cut() {
        let text = b"one\ntwo\r\n\nthree and more";
        for size in 1..text.len() {
            let mut splitter = Splitter::new(8);
            let mut lines = Vec::new();
            for chunk in text.chunks(size) {
                splitter.push(chunk, |line| lines.push(line.to_vec()));
            }
            lines.push(splitter.rest());
            assert_eq!(lines, [&b"one"[..], b"two\r", b"", b"three an"]);
        }
    }

    #[test]
    fn cp949_and_colours_become_text() {
        assert_eq!(decode(b"\xbf\xc0\xb7\xf9 : x"), "오류 : x");
        assert_eq!(decode("오류".as_bytes()), "오류");
        assert_eq!(decode(&"오류".as_bytes()[..5]), "오");
        assert_eq!(plain("\u{1b}[31mERROR\u{1b}[0;39m x\u{7}\r"), "ERROR x");
        assert_eq!(plain("a#011at b"), "a\tat b");
    }

    #[test]
    fn a_line_as_wide_as_a_terminal_is_known() {
        assert!(is_full_width(&"x".repeat(80)));
        assert!(is_full_width(&format!("\tat {}", "x".repeat(69))));
        assert!(is_full_width(&"한".repeat(40)));
        assert!(!is_full_width(&"x".repeat(81)));
    }
}
