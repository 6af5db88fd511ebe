//! What may be kept of a text: nothing that moves a cursor, no secrets, nothing that belongs to users.

use std::sync::LazyLock;

use reach_core::signal::Failure;
use regex::Regex;

/// The text as a [`Failure`] may carry it: one line, bounded, without paths and logins of URLs, without mail addresses,
/// tokens and the addresses of callers.
pub(super) fn scrub(text: &str) -> String {
    static URL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?P<scheme>[A-Za-z][A-Za-z0-9+.:-]*)://(?:[^\s/@"'<>]*@)?(?P<at>[^\s/?#"'<>()\[\],;]*|\[[0-9A-Fa-f:.%]*\](?::[0-9]+)?)(?P<path>[/?#][^\s"'<>)\]]*)?"#)
            .expect("a pattern")
    });
    static WITH_URL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"with url: \S+").expect("a pattern"));
    static SECRET: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r"(?i)(?-u:\b)((?:access_|refresh_|id_|api_?|auth_?)?(?:token|password|passwd|pwd|secret|key|authorization|credential|sig|signature)|user(?:name)?|login|uid|iss|client)",
            r#"(["']?\s?[=:]\s?["']?)(?:Bearer |Basic )?[^\s"',;&)]+"#,
        ))
        .expect("a pattern")
    });
    static MAIL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[A-Za-z0-9._%+-]+@([A-Za-z0-9-]+\.[A-Za-z0-9.-]+)").expect("a pattern")
    });
    // Enough for any shortening below, and a bound on what the patterns search.
    let text: String = text
        .chars()
        .take(8 * Failure::TEXT)
        .map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c })
        .collect();
    let text = URL.replace_all(&text, |found: &regex::Captures<'_>| {
        let path = match found.name("path").map(|path| path.as_str()) {
            None | Some("/") => "",
            Some(_) => "/…",
        };
        format!("{}://{}{path}", &found["scheme"], &found["at"])
    });
    let text = WITH_URL.replace_all(&text, "with url: …");
    let text = SECRET.replace_all(&text, "$1$2…");
    let text = MAIL.replace_all(&text, "…@$1");
    let mut scrubbed = String::new();
    for (number, word) in text.split_whitespace().enumerate() {
        if number > 0 {
            scrubbed.push(' ');
        }
        scrubbed.push_str(word);
    }
    if scrubbed.chars().count() > Failure::TEXT {
        scrubbed = scrubbed.chars().take(Failure::TEXT - 1).collect();
        scrubbed.push('…');
    }
    scrubbed
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_users_are_taken_out() {
        let cases = [
            ("GET https://kim:pw@api.example/v1/x?token=abc failed", "GET https://api.example/… failed"),
            ("https://api.telegram.org/bot12:AAE/sendMessage: x", "https://api.telegram.org/… x"),
            (
                "Max retries exceeded with url: /v1/users/kim?k=1 (Caused by",
                "Max retries exceeded with url: … (Caused by",
            ),
            ("timed out, iss: push@lab.iam.gserviceaccount.com", "timed out, iss: …"),
            ("Authorization: Bearer abc.def", "Authorization: …"),
            ("to kim@mail.example failed", "to …@mail.example failed"),
            ("client: 198.51.100.7, server: x", "client: …, server: x"),
            ("a\u{1b}[31m\tb\u{202e}c", "a [31m b c"),
        ];
        for (text, scrubbed) in cases {
            assert_eq!(scrub(text), scrubbed);
        }
        assert_eq!(scrub(&"가 ".repeat(1000)).chars().count(), Failure::TEXT);
    }
}
