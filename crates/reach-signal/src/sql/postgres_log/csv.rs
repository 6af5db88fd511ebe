//! Records of `csvlog`: fields divided by commas, texts in quotes, over as many lines as their texts have.

/// Where the fields of interest stand, from 0.
///
/// Source: PostgreSQL documentation, 20.8.4, Using CSV-Format Log Output.
pub(super) const SEVERITY: usize = 11;
pub(super) const MESSAGE: usize = 13;
pub(super) const QUERY: usize = 19;

/// The most bytes of a record that are kept.
const MOST: usize = 256 * 1024;

/// A record, as far as it has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Csv {
    text: String,
    is_quoted: bool,
    is_open: bool,
}

impl Csv {
    /// Whether the record goes on.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Takes a line; gives the fields of the record that it ends.
    pub(super) fn line(&mut self, line: &str) -> Option<Vec<String>> {
        // A line that was cut may have lost the quote that ended it.
        if self.is_open && self.text.len() >= MOST && begins(line) {
            *self = Self::default();
        }
        if self.is_open && self.text.len() < MOST {
            self.text.push('\n');
        }
        let room = MOST.saturating_sub(self.text.len());
        self.text.push_str(&line[..line.floor_char_boundary(room)]);
        self.is_quoted ^= line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
        self.is_open = self.is_quoted;
        if self.is_open {
            return None;
        }
        let text = std::mem::take(&mut self.text);
        Some(fields(&text))
    }
}

/// Whether a line begins a record: `2024-03-11 09:12:33.123 KST,"user","database",1234,`.
pub(super) fn begins(line: &str) -> bool {
    let bytes = line.as_bytes();
    let has_form = bytes.len() > 30
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && (bytes[4], bytes[7], bytes[10], bytes[13]) == (b'-', b'-', b' ', b':');
    if !has_form {
        return false;
    }
    let Some((_, rest)) = line.split_once(',') else { return false };
    if !(rest.starts_with('"') || rest.starts_with(',')) {
        return false;
    }
    // Three more, and then the process.
    let head = fields(&rest[..rest.floor_char_boundary(300)]);
    head.get(2).is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The fields of a record; one that was cut ends where it was.
fn fields(text: &str) -> Vec<String> {
    const MOST_FIELDS: usize = 40;
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if is_quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted && fields.len() < MOST_FIELDS => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "2024-03-11 09:12:33.123 KST,\"a\"\"b\",\"shop\",1234,\"192.0.2.7:5\",65.4,1,\"SELECT\"";

    #[test]
    fn records_may_have_lines_and_quotes_in_them() {
        let mut csv = Csv::default();
        assert!(begins(HEAD) && csv.line(&format!("{HEAD},\"one \"\"x\"\"")).is_none());
        assert!(csv.is_open());
        assert_eq!(csv.line("2024-03-11 09:12:33.123 KST,no record"), None);
        let fields = csv.line("two\",,last").expect("ended");
        assert_eq!(fields[1..4], ["a\"b", "shop", "1234"]);
        assert_eq!(fields[8..], ["one \"x\"\n2024-03-11 09:12:33.123 KST,no record\ntwo", "", "last"]);
    }

    #[test]
    fn what_never_ends_is_bounded_and_ends_with_the_next_record() {
        let mut csv = Csv::default();
        assert_eq!(csv.line(&format!("{HEAD},\"open")), None);
        for _ in 0..400 {
            assert_eq!(csv.line(&"x".repeat(1_000)), None);
        }
        assert!(csv.text.len() <= MOST + 1);
        assert_eq!(
            csv.line(&format!("{HEAD},next")).and_then(|fields| fields.last().cloned()),
            Some("next".to_owned())
        );
    }

    #[test]
    fn other_lines_begin_no_record() {
        for line in [
            "2024-03-11 09:12:33.123 KST [7] LOG:  x, y",
            "2024-03-11 09:12:33,123 ERROR \"x\",\"y\",1",
            "",
            "a,b",
        ] {
            assert!(!begins(line), "{line}");
        }
    }
}
