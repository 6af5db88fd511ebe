//! What a server sends, as a terminal may be given it: text stays, what a terminal would obey becomes visible.

/// Makes a stream of bytes harmless, across the borders of reads.
#[derive(Debug, Default)]
pub(super) struct Tamer {
    /// The beginning of a character whose rest has not come: at most three bytes.
    begun: Vec<u8>,
}

impl Tamer {
    /// The text of more bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> String {
        self.begun.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.begun.len());
        let whole = self.begun.len() - unfinished(&self.begun);
        for character in String::from_utf8_lossy(&self.begun[..whole]).chars() {
            match character {
                '\n' | '\r' | '\t' | '\u{8}' | '\u{7}' => text.push(character),
                harmful if crate::output::is_harmful(harmful) => text.extend(harmful.escape_default()),
                harmless => text.push(harmless),
            }
        }
        self.begun.drain(..whole);
        text
    }

    /// What is left when nothing more comes.
    pub(super) fn end(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned()
    }
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(_) => 0,
        Err(_) => (1..=bytes.len().min(3))
            .find(|&length| {
                let tail = &bytes[bytes.len() - length..];
                std::str::from_utf8(tail)
                    .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
            })
            .unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_passes_however_it_is_cut() {
        let text = "한글 ok\r\n\tende";
        for cut in 0..text.len() {
            let mut tamer = Tamer::default();
            let shown =
                tamer.take(&text.as_bytes()[..cut]) + &tamer.take(&text.as_bytes()[cut..]) + &tamer.end();
            assert_eq!(shown, text);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let mut tamer = Tamer::default();
        assert_eq!(tamer.take(b"a\x1b[2Jb\x9b"), "a\\u{1b}[2Jb\u{fffd}");
        assert_eq!(tamer.take("\u{202e}x".as_bytes()), "\\u{202e}x");
        assert_eq!(tamer.take(&[0xed]), "");
        assert_eq!(tamer.end(), "\u{fffd}");
    }
}
