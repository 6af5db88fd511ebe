//! Templates of texts, and finding the one that a text was made from.

use std::cmp::Reverse;

/// An English text and the Korean one, both with holes in braces.
pub type Pair = (&'static str, &'static str);

/// Causes inside of causes are followed so deep.
const DEEP: usize = 5;

/// So many words of its own make a template sure of a text with Korean in it.
const WORDS: usize = 3;

/// Texts and their translations.
#[derive(Debug)]
pub struct Catalogue {
    /// Those with the most words of their own come first.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    english: &'static str,
    /// What stands around the holes: one more than there are holes.
    pieces: Vec<String>,
    /// Whether a hole stands in quotes.
    quoted: Vec<bool>,
    korean: Vec<Part>,
    /// How many words of its own it has.
    words: usize,
}

/// A piece of a translation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// What the hole of this number holds.
    Hole(usize),
}

impl Catalogue {
    /// Of lists of pairs.
    pub fn new(lists: &[&[Pair]]) -> Self {
        let mut entries: Vec<Entry> =
            lists.iter().flat_map(|list| list.iter()).map(|&pair| Entry::new(pair)).collect();
        entries.sort_by_key(|entry| Reverse(entry.weight()));
        Self { entries }
    }

    /// A text in Korean, as far as the catalogue has it: the whole, else its causes, else its lines.
    pub fn translated(&self, text: &str) -> Option<String> {
        self.found(text, &mut |_| ())
    }

    /// As [`Catalogue::translated`], naming to `used` the English templates that were used.
    pub fn found(&self, text: &str, used: &mut dyn FnMut(&'static str)) -> Option<String> {
        self.deep(text, DEEP, used).map(|korean| reach_report::particles(&korean))
    }

    fn deep(&self, text: &str, depth: usize, used: &mut dyn FnMut(&'static str)) -> Option<String> {
        if depth == 0 || text.is_empty() {
            return None;
        }
        self.whole(text, depth, used)
            .or_else(|| self.lines(text, depth, used))
            .or_else(|| self.caused(text, depth, used))
    }

    /// A text that was made from one template.
    fn whole(&self, text: &str, depth: usize, used: &mut dyn FnMut(&'static str)) -> Option<String> {
        // A sentence that is Korean already may look like one with few words of its own.
        let least = if text.chars().any(is_hangul) { WORDS } else { 0 };
        let mut candidates = self.entries.iter().filter(|entry| entry.words >= least);
        let (entry, held) = candidates.find_map(|entry| Some((entry, entry.held(text)?)))?;
        used(entry.english);
        let mut fill = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            &Part::Hole(number) if entry.quoted[number] => held[number].to_owned(),
            &Part::Hole(number) => {
                self.deep(held[number], depth - 1, used).unwrap_or_else(|| held[number].to_owned())
            }
        };
        Some(entry.korean.iter().map(&mut fill).collect())
    }

    /// Of a text of several lines, those that are known.
    fn lines(&self, text: &str, depth: usize, used: &mut dyn FnMut(&'static str)) -> Option<String> {
        if !text.contains('\n') {
            return None;
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let korean: Vec<Option<String>> = lines.iter().map(|line| self.deep(line, depth - 1, used)).collect();
        korean.iter().any(Option::is_some).then(|| {
            let each = lines.iter().zip(korean);
            let lines: Vec<String> =
                each.map(|(line, korean)| korean.unwrap_or_else(|| (*line).to_owned())).collect();
            lines.join("\n")
        })
    }

    /// Of `what: why`, what is known of both; the shortest `what` comes first.
    fn caused(&self, text: &str, depth: usize, used: &mut dyn FnMut(&'static str)) -> Option<String> {
        text.match_indices(": ").find_map(|(at, colon)| {
            let (what, why) = (&text[..at], &text[at + colon.len()..]);
            let why = self.whole(why, depth - 1, used)?;
            let what = self.whole(what, depth - 1, used).unwrap_or_else(|| what.to_owned());
            Some(format!("{what}: {why}"))
        })
    }

    /// The English of all entries, in no particular order.
    pub fn english(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|entry| entry.english)
    }
}

impl Entry {
    fn new((english, korean): Pair) -> Self {
        let (pieces, names) = template(english);
        let quoted = pieces
            .windows(2)
            .map(|around| {
                around[0]
                    .chars()
                    .next_back()
                    .is_some_and(|mark| matches!(mark, '`' | '"' | '\'') && around[1].starts_with(mark))
            })
            .collect();
        let (texts, wanted) = template(korean);
        let mut parts = Vec::new();
        let mut next = 0;
        for (number, text) in texts.into_iter().enumerate() {
            parts.push(Part::Text(text));
            let Some(name) = wanted.get(number) else { continue };
            let hole = if name.is_empty() {
                next += 1;
                names
                    .iter()
                    .enumerate()
                    .filter(|(_, name)| name.is_empty())
                    .nth(next - 1)
                    .map(|(hole, _)| hole)
            } else {
                names.iter().position(|known| known == name).or_else(|| name.parse().ok())
            };
            match hole {
                Some(hole) if hole < names.len() => parts.push(Part::Hole(hole)),
                // A test sees to it that there is none.
                _ => parts.push(Part::Text(format!("{{{name}}}"))),
            }
        }
        let words =
            pieces.iter().flat_map(|piece| piece.split_whitespace()).filter(|word| is_word(word)).count();
        Self { english, pieces, quoted, korean: parts, words }
    }

    fn weight(&self) -> usize {
        self.pieces.iter().map(|piece| piece.chars().count()).sum()
    }

    /// What the holes hold in a text that was made from this template.
    fn held<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (first, others) = self.pieces.split_first()?;
        let mut rest = text.strip_prefix(first.as_str())?;
        let Some((last, middle)) = others.split_last() else { return rest.is_empty().then(Vec::new) };
        let mut held = Vec::with_capacity(others.len());
        for piece in middle {
            let (hole, behind) = rest.split_once(piece.as_str())?;
            held.push(hole);
            rest = behind;
        }
        held.push(rest.strip_suffix(last.as_str())?);
        Some(held)
    }
}

fn is_word(text: &str) -> bool {
    text.chars().filter(char::is_ascii_alphabetic).count() >= 2
}

fn is_hangul(letter: char) -> bool {
    ('가'..='힣').contains(&letter)
}

/// The pieces around the holes of a format string, and the names of the holes.
pub fn template(format: &str) -> (Vec<String>, Vec<String>) {
    let mut pieces = vec![String::new()];
    let mut names = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        let piece = pieces.last_mut().expect("there is one from the beginning");
        piece.push_str(&rest[..at]);
        let brace = &rest[at..];
        if brace.starts_with("{{") || brace.starts_with("}}") {
            piece.push_str(&brace[..1]);
            rest = &brace[2..];
        } else if let Some(end) = brace.find('}').filter(|_| brace.starts_with('{')) {
            let inside = &brace[1..end];
            names.push(inside.split(':').next().unwrap_or_default().to_owned());
            pieces.push(String::new());
            rest = &brace[end + 1..];
        } else {
            piece.push_str(&brace[..1]);
            rest = &brace[1..];
        }
    }
    pieces.last_mut().expect("there is one from the beginning").push_str(rest);
    (pieces, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: &[Pair] = &[
        (
            "`{text}` is a {kind} address; give {what}",
            "`{text}`⟨은/는⟩ {kind} 주소입니다. {what}⟨을/를⟩ 지정하십시오",
        ),
        ("multicast", "멀티캐스트"),
        ("`{}` cannot be read: {error}", "`{}`⟨을/를⟩ 읽을 수 없습니다: {error}"),
        ("a port is a number from {least} to {most}", "포트는 {0} ~ {1} 사이의 숫자입니다"),
        ("No such file", "파일이 없습니다"),
        ("set {{ {} }}", "{{ {} }}⟨을/를⟩ 지정"),
        ("{option} `{}` is no port from {least} to {}", "{option} `{}`: {least} ~ {} 사이"),
    ];

    fn korean(text: &str) -> Option<String> {
        Catalogue::new(&[TEXTS]).translated(text)
    }

    #[test]
    fn a_text_is_recognised_by_what_stands_around_its_holes() {
        assert_eq!(
            korean("`224.0.0.1` is a multicast address; give that").as_deref(),
            Some(
                "`224.0.0.1`은 멀티캐스트 주소입니다. that⟨을/를⟩ 지정하십시오"
                    .replace("⟨을/를⟩", "를")
                    .as_str()
            )
        );
        assert_eq!(korean("-p `0` is no port from 1 to 9").as_deref(), Some("-p `0`: 1 ~ 9 사이"));
        assert_eq!(korean("set { x }").as_deref(), Some("{ x }를 지정"));
        assert_eq!(korean("nothing of this kind"), None);
        assert_eq!(korean(""), None);
    }

    #[test]
    fn what_stands_in_quotes_is_never_translated() {
        assert_eq!(
            korean("`multicast` cannot be read: No such file").as_deref(),
            Some("`multicast`를 읽을 수 없습니다: 파일이 없습니다")
        );
    }

    #[test]
    fn causes_and_lines_are_translated_where_the_whole_is_unknown() {
        assert_eq!(
            korean("hosts.txt, line 3: `x:0`: a port is a number from 1 to 65535").as_deref(),
            Some("hosts.txt, line 3: `x:0`: 포트는 1 ~ 65535 사이의 숫자입니다")
        );
        assert_eq!(korean("foreign\nNo such file").as_deref(), Some("foreign\n파일이 없습니다"));
    }

    #[test]
    fn what_is_korean_already_stays_as_it_is() {
        let texts: &[Pair] = &[("--pcap `{}` {}", "--pcap `{}`{}"), ("{}: it is not there", "{}: 없습니다")];
        let korean = |text: &str| Catalogue::new(&[texts]).translated(text);
        assert_eq!(korean("--pcap `x` 파일을 기록하지 못했습니다"), None);
        assert_eq!(korean("/home/길동/a: it is not there").as_deref(), Some("/home/길동/a: 없습니다"));
    }

    #[test]
    fn format_strings_are_cut_at_their_holes() {
        assert_eq!(
            template("a{{b}}{x:.1}c{}"),
            (vec!["a{b}".to_owned(), "c".to_owned(), String::new()], vec!["x".to_owned(), String::new()])
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,200}", format in "[a-z{}: `]{0,60}") {
            let _ = korean(&text);
            let (pieces, names) = template(&format);
            proptest::prop_assert_eq!(pieces.len(), names.len() + 1);
        }
    }
}
