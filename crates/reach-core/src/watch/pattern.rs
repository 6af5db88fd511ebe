//! Patterns of targets, as people type them.

/// Whether `text` is what `pattern` describes: `*` stands for anything, the case of letters does not matter.
pub fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    // Without any `*` nothing may be left; with one, the last part has to stand at the end.
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, is) in [
            ("fcm.example:443", "fcm.example:443", true),
            ("fcm.example", "fcm.example:443", false),
            ("fcm.*", "FCM.example:443", true),
            ("*", "", true),
            ("*example*", "fcm.example:443", true),
            ("f*e*:443", "fcm.example:443", true),
            ("*:44", "fcm.example:443", false),
            ("a*a", "a", false),
            ("a**b", "axxb", true),
            ("", "a", false),
            ("*.example.com", "example.com", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(pattern, text), is, "{pattern} {text}");
        }
    }
}
