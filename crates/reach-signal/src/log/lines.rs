//! Bytes to lines.

use std::{borrow::Cow, mem};

use encoding_rs::{EUC_KR, Encoding};
use memchr::memchr;

/// Cuts bytes into lines, however they are divided into pieces.
///
/// A line is what ends with a line feed; a carriage return before it belongs to its end. Each line is UTF-8 if it can
/// be, else in the older encoding: logs of one host often have both. Bytes of value 0, which a file that was truncated
/// under its writer begins with, are left out.
#[derive(Debug)]
pub struct Lines {
    encoding: &'static Encoding,
    most: usize,
    /// The beginning of a line whose end did not come yet, at most `most` bytes.
    begun: Vec<u8>,
    /// Bytes of that line beyond `most`.
    beyond: u64,
    /// Bytes of value 0 before it.
    hole: u64,
    cut: u64,
    zeros: u64,
    /// Bytes of whole lines so far, their ends included.
    whole: u64,
}

impl Lines {
    /// Usual bound of a line, in bytes: longer than a stack trace in one JSON line.
    pub const MOST: usize = 256 * 1024;

    /// Lines in UTF-8 or `encoding` of at most `most` bytes; the rest of longer ones is left out.
    pub fn new(encoding: &'static Encoding, most: usize) -> Self {
        Self {
            encoding,
            most: most.max(1),
            begun: Vec::new(),
            beyond: 0,
            hole: 0,
            cut: 0,
            zeros: 0,
            whole: 0,
        }
    }

    /// Takes the next bytes and gives each line that they end, with the number of bytes from the beginning to its end.
    pub fn push(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(&str, u64)) {
        while let Some(end) = memchr(b'\n', bytes) {
            let line = &bytes[..end];
            self.whole += end as u64 + 1 + self.unfinished();
            if self.is_between() {
                self.give(line, each);
            } else {
                self.keep(line);
                let whole = mem::take(&mut self.begun);
                self.give(&whole, each);
                self.begun = whole;
                self.begun.clear();
            }
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// What came without a line feed is a line too, if anything did: nothing follows.
    pub fn finish(&mut self, each: &mut dyn FnMut(&str, u64)) {
        self.whole += self.unfinished();
        if self.is_between() {
            self.hole = 0;
        } else {
            let last = mem::take(&mut self.begun);
            self.give(&last, each);
        }
    }

    /// Forgets a line that has no end: what comes next begins a line of its own.
    pub fn forget(&mut self) {
        self.begun.clear();
        (self.beyond, self.hole) = (0, 0);
    }

    /// How many bytes of a line came that has no end yet.
    pub fn unfinished(&self) -> u64 {
        self.begun.len() as u64 + self.beyond + self.hole
    }

    /// Lines that were cut because they were too long.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// Bytes of value 0 inside of lines: text has none, but for holes at the beginning.
    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    fn is_between(&self) -> bool {
        self.begun.is_empty() && self.beyond == 0
    }

    fn keep(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if self.begun.is_empty() && self.beyond == 0 {
            let text = without_hole(bytes);
            self.hole += (bytes.len() - text.len()) as u64;
            bytes = text;
        }
        // One more than is kept tells that a line is longer, a carriage return at its end aside.
        let room = (self.most + 1).saturating_sub(self.begun.len());
        let kept = bytes.len().min(room);
        self.begun.extend_from_slice(&bytes[..kept]);
        self.beyond += (bytes.len() - kept) as u64;
    }

    fn give(&mut self, line: &[u8], each: &mut dyn FnMut(&str, u64)) {
        let beyond = mem::take(&mut self.beyond);
        self.hole = 0;
        let mut line = without_hole(line);
        line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if beyond == 0 {
            line = line.strip_suffix(b"\r").unwrap_or(line);
        }
        let is_cut = line.len() > self.most;
        if is_cut {
            line = &line[..self.most];
            self.cut += 1;
        }
        if memchr(0, line).is_none() {
            let text = decoded(line, self.encoding, is_cut);
            return each(&text, self.whole);
        }
        let clean: Vec<u8> = line.iter().copied().filter(|byte| *byte != 0).collect();
        self.zeros += (line.len() - clean.len()) as u64;
        each(&decoded(&clean, self.encoding, is_cut), self.whole);
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self::new(EUC_KR, Self::MOST)
    }
}

/// The encoding of this label (`cp949`, `euc-kr`, `shift_jis`, `windows-1252`…), if lines can be told in it: not in
/// UTF-16, whose line feeds have two bytes.
pub fn encoding(label: &str) -> Option<&'static Encoding> {
    // Java and Windows have names of their own for what the standard calls EUC-KR.
    let label = match label.trim().to_ascii_lowercase().as_str() {
        "cp949" | "ms949" | "x-windows-949" | "uhc" => "euc-kr".to_owned(),
        "cp932" | "ms932" => "shift_jis".to_owned(),
        "cp936" | "ms936" => "gbk".to_owned(),
        "cp1252" => "windows-1252".to_owned(),
        other => other.to_owned(),
    };
    Encoding::for_label(label.as_bytes()).filter(|encoding| encoding.is_ascii_compatible())
}

/// Whether what a file begins with is no text: bytes of value 0 in the middle of it.
pub fn is_binary(head: &[u8]) -> bool {
    let text = without_hole(head);
    let end = text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    memchr(0, &text[..end]).is_some()
}

fn without_hole(bytes: &[u8]) -> &[u8] {
    match bytes.first() {
        Some(0) => {
            let text = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            &bytes[text..]
        }
        _ => bytes,
    }
}

fn decoded<'a>(line: &'a [u8], encoding: &'static Encoding, is_cut: bool) -> Cow<'a, str> {
    let error = match std::str::from_utf8(line) {
        Ok(text) => return Cow::Borrowed(text),
        Err(error) => error,
    };
    if is_cut && error.error_len().is_none() {
        return String::from_utf8_lossy(&line[..error.valid_up_to()]);
    }
    // A character of two bytes may have been cut in the middle.
    let shorter = if is_cut { &line[..line.len() - 1] } else { line };
    for bytes in [line, shorter] {
        let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
        if !had_errors {
            return text;
        }
    }
    String::from_utf8_lossy(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&[u8]], most: usize) -> (Vec<String>, Lines) {
        let mut lines = Lines::new(EUC_KR, most);
        let mut found = Vec::new();
        for piece in pieces {
            lines.push(piece, &mut |line, _| found.push(line.to_owned()));
        }
        lines.finish(&mut |line, _| found.push(line.to_owned()));
        (found, lines)
    }

    #[test]
    fn lines_end_as_unix_and_as_windows_ends_them() {
        assert_eq!(cut(&[b"a\r\nb\nc"], 10).0, ["a", "b", "c"]);
        assert_eq!(cut(&[b"a\r", b"\nb\r\r\n\n"], 10).0, ["a", "b\r", ""]);
    }

    #[test]
    fn each_line_is_read_in_the_encoding_that_it_is_in() {
        let (cp949, _, _) = EUC_KR.encode("푸시 서버 접속 실패\n");
        let both = [cp949.as_ref(), "푸시 발송 실패\n".as_bytes()].concat();
        assert_eq!(cut(&[&both], 100).0, ["푸시 서버 접속 실패", "푸시 발송 실패"]);
        assert_eq!(cut(&[b"\xff\xfe x\n"], 100).0, ["\u{fffd}\u{fffd} x"]);
        assert_eq!(cut(&["\u{feff}첫 줄\n".as_bytes()], 100).0, ["첫 줄"]);
    }

    #[test]
    fn an_endless_line_costs_no_more_than_its_bound() {
        let piece = vec![b'x'; 1 << 20];
        let mut lines = Lines::new(EUC_KR, 1000);
        for _ in 0..10 {
            lines.push(&piece, &mut |_, _| panic!("no line ends"));
        }
        assert_eq!(lines.unfinished(), 10 << 20);
        assert!(lines.begun.capacity() <= 2002, "{}", lines.begun.capacity());
        let mut found = Vec::new();
        lines.push(b"\nnext\n", &mut |line, _| found.push(line.len()));
        assert_eq!((found, lines.cut()), (vec![1000, 4], 1));
        assert_eq!(cut(&["푸시푸시\n".as_bytes()], 7).0, ["푸시"], "no character is cut");
        assert_eq!(cut(&[b"1234567\r\n"], 7).1.cut(), 0);
    }

    #[test]
    fn what_a_truncated_file_begins_with_is_no_text() {
        let (found, lines) = cut(&[b"\0\0\0\0", b"\0\0after\nb\0c\n"], 100);
        assert_eq!((found, lines.zeros()), (vec!["after".to_owned(), "bc".to_owned()], 1));
        assert_eq!(cut(&[b"\0\0\0"], 100).0, Vec::<String>::new());
    }

    #[test]
    fn it_is_known_where_each_line_ends() {
        let mut lines = Lines::new(EUC_KR, 3);
        let mut ends = Vec::new();
        for piece in [&b"ab\r\n\0\0c"[..], b"defgh\nx", b"", b"y"] {
            lines.push(piece, &mut |_, end| ends.push(end));
        }
        assert_eq!((ends.clone(), lines.unfinished()), (vec![4, 13], 2));
        lines.finish(&mut |_, end| ends.push(end));
        assert_eq!((ends, lines.unfinished()), (vec![4, 13, 15], 0));
    }

    #[test]
    fn archives_and_utf_16_are_no_text() {
        assert!(is_binary(b"\xff\xfea\0b\0") && is_binary(b"\x7fELF\x02\0\0\0x"));
        assert!(
            !is_binary(b"\0\0\0 text") && !is_binary(b"text\0\0") && !is_binary(b"") && !is_binary(b"\0")
        );
    }

    #[test]
    fn encodings_have_the_names_that_people_give_them() {
        for label in ["cp949", "MS949", "EUC-KR", "utf-8", "latin1", "Shift_JIS"] {
            assert!(encoding(label).is_some(), "{label}");
        }
        for label in ["utf-16le", "ebcdic", ""] {
            assert!(encoding(label).is_none(), "{label}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(0u8), any::<u8>()], 0..200), at in 0usize..200, most in 1usize..50) {
            let at = at.min(bytes.len());
            let (whole, _) = cut(&[&bytes], most);
            let (pieces, _) = cut(&[&bytes[..at], &bytes[at..]], most);
            prop_assert_eq!(&whole, &pieces);
            prop_assert!(whole.iter().all(|line| line.len() <= most * 3 && !line.contains('\n') && !line.contains('\0')));
        }
    }
}
