//! Foreign text made safe to show: certificates and HTTP heads say what their sender likes, and people read it
//! on terminals.

/// The most bytes of one foreign text that are kept; what is cut is marked by `…`.
pub const TEXT_LIMIT: usize = 1024;

/// `text` with everything that a terminal might obey, or that hides what is written, replaced by its escape,
/// and cut to at most [`TEXT_LIMIT`] bytes.
///
/// Escaped are the control characters (C0, C1) and the characters without a glyph of their own that change
/// direction or join invisibly (Unicode TR 36 §2.10). Everything else stays, in whatever script.
pub fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(TEXT_LIMIT));
    for character in text.chars() {
        let before = shown.len();
        if is_treacherous(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        if shown.len() > TEXT_LIMIT - '…'.len_utf8() {
            shown.truncate(before);
            shown.push('…');
            break;
        }
    }
    shown
}

/// [`clean`] for bytes of no certain encoding: UTF-8 where they are, the replacement character elsewhere.
pub fn clean_bytes(bytes: &[u8]) -> String {
    // Four bytes of input at most make one character, so nothing behind this can survive the limit.
    clean(&String::from_utf8_lossy(&bytes[..bytes.len().min(4 * TEXT_LIMIT)]))
}

fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(clean("a\u{1b}[2Jb\r\n"), "a\\u{1b}[2Jb\\r\\n");
        assert_eq!(clean("abc\u{202e}fed"), "abc\\u{202e}fed");
        assert_eq!(clean("푸시 — ünïcode"), "푸시 — ünïcode");
    }

    #[test]
    fn long_text_is_cut_and_marked() {
        assert_eq!(clean(&"x".repeat(1021)).len(), 1021);
        let cut = clean(&"푸".repeat(1000));
        assert!(cut.len() <= TEXT_LIMIT && cut.ends_with('…'));
    }

    proptest! {
        #[test]
        fn no_bytes_are_dangerous(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
            let shown = clean_bytes(&bytes);
            prop_assert!(shown.len() <= TEXT_LIMIT);
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
