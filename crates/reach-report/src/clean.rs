//! Foreign text made harmless. Certificates, banners, headers and names from DNS are written by whoever sits at
//! the other end; a terminal must never act on them.

/// Longer foreign texts are cut: nobody reads more, and a ticket should stay short.
const LONGEST: usize = 120;

/// `text` without anything that a terminal or a reader's eye could be led astray by: control characters
/// (C0, DEL, C1), line and paragraph separators, bidirectional controls and invisible characters become
/// visible escapes; too long a text is cut.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST + 8));
    for (index, c) in text.chars().enumerate() {
        if index == LONGEST {
            out.push('…');
            break;
        }
        if is_harmful(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The first line of something that is not what was expected, as text.
pub(crate) fn clean_bytes(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let text = clean(&String::from_utf8_lossy(line));
    if line.len() < bytes.len() { format!("{text}…") } else { text }
}

/// Acts on a terminal, or cannot be seen.
pub(crate) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
        // Private use: fonts draw whatever they like there.
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
        // Combining marks pile up on the character before and spill over neighbouring lines.
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible() {
        assert_eq!(clean("CN=\u{1b}[2Jevil\r\n"), "CN=\\u{1b}[2Jevil\\u{d}\\u{a}");
        assert_eq!(clean("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(clean("푸시 서버"), "푸시 서버");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(clean(&"x".repeat(500)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_far_as_they_are() {
        assert_eq!(clean_bytes(b"HTTP/1.1 403\r\n\x00"), "HTTP/1.1 403…");
        assert_eq!(clean_bytes(b"\x15\x03"), "\\u{15}\\u{3}");
    }
}
