//! Texts by their hashes, as they were learnt.
//!
//! Agents say a text once and its hash from then on. What is learnt is worth keeping: an agent does not say it again
//! before midnight. Only kinds of text that are needed are learnt at all; login names, user agents, referers and
//! cities of users never are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::wire::hash;

/// How many texts of one kind are known at the same time: as many as one agent keeps.
pub const MOST: usize = 10_000;

/// How long a text may be, in bytes. The rest of a longer one (a stack trace behind an error) is left out.
pub const LONGEST: usize = 4096;

/// What a text is: hashes of different kinds have nothing to do with one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextKind {
    /// What went wrong.
    Error,
    /// The path of a call to another service.
    ApiCall,
    /// A service.
    Service,
    /// A statement, its literals replaced.
    Sql,
    /// A monitored object.
    Object,
    /// A method. Only those are learnt that open a connection to a database.
    Method,
}

impl TextKind {
    /// All of them.
    pub const ALL: [TextKind; 6] = [
        TextKind::Error,
        TextKind::ApiCall,
        TextKind::Service,
        TextKind::Sql,
        TextKind::Object,
        TextKind::Method,
    ];

    /// Its name in packs and commands.
    pub const fn code(self) -> &'static str {
        match self {
            TextKind::Error => "error",
            TextKind::ApiCall => "apicall",
            TextKind::Service => "service",
            TextKind::Sql => "sql",
            TextKind::Object => "object",
            TextKind::Method => "method",
        }
    }

    /// The kind of this name; `None` for kinds that are not learnt.
    pub fn of(code: &str) -> Option<TextKind> {
        TextKind::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Texts by kind and hash; the least recently used go first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub struct Dictionary {
    shelves: BTreeMap<TextKind, Shelf>,
    turn: u64,
    changed: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Shelf {
    texts: BTreeMap<i32, (String, u64)>,
    by_use: BTreeMap<u64, i32>,
}

impl Dictionary {
    /// Takes a text in. What is empty says nothing.
    pub fn learn(&mut self, kind: TextKind, hash: i32, text: &str) {
        let text = cut(text);
        if text.is_empty() || hash == 0 {
            return;
        }
        self.turn += 1;
        let turn = self.turn;
        let shelf = self.shelves.entry(kind).or_default();
        let before = shelf.texts.insert(hash, (text.to_owned(), turn));
        if let Some((_, used)) = &before {
            shelf.by_use.remove(used);
        }
        self.changed |= before.is_none_or(|(before, _)| before != text);
        shelf.by_use.insert(turn, hash);
        if shelf.texts.len() > MOST
            && let Some((_, oldest)) = shelf.by_use.pop_first()
        {
            shelf.texts.remove(&oldest);
        }
    }

    /// The text of a hash.
    pub fn text(&mut self, kind: TextKind, hash: i32) -> Option<&str> {
        self.turn += 1;
        let turn = self.turn;
        let shelf = self.shelves.entry(kind).or_default();
        let (text, used) = shelf.texts.get_mut(&hash)?;
        shelf.by_use.remove(used);
        shelf.by_use.insert(turn, hash);
        *used = turn;
        Some(text)
    }

    /// The text of a hash, of which this is no use that counts.
    pub fn peek(&self, kind: TextKind, hash: i32) -> Option<&str> {
        self.shelves.get(&kind)?.texts.get(&hash).map(|(text, _)| text.as_str())
    }

    /// Whether a hash is known.
    pub fn knows(&self, kind: TextKind, hash: i32) -> bool {
        self.shelves.get(&kind).is_some_and(|shelf| shelf.texts.contains_key(&hash))
    }

    /// How many texts are known.
    pub fn len(&self) -> usize {
        self.shelves.values().map(|shelf| shelf.texts.len()).sum()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether something was learnt since this was asked last, so that it is worth writing down.
    pub fn changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Learns what is certain without hearing it: hashes of ASCII texts are the same everywhere.
    pub fn learn_common_errors(&mut self) {
        for text in COMMON {
            self.learn(TextKind::Error, hash(text.as_bytes()), text);
        }
        self.changed = false;
    }
}

/// Errors that agents name often. An agent that named them before anybody listened does not do so again for a day.
const COMMON: [&str; 18] = [
    "java.net.ConnectException: Connection refused",
    "java.net.ConnectException: Connection refused (Connection refused)",
    "java.net.ConnectException: Connection timed out",
    "java.net.ConnectException: Connection timed out (Connection timed out)",
    "java.net.NoRouteToHostException: No route to host",
    "java.net.NoRouteToHostException: No route to host (Host unreachable)",
    "java.net.SocketException: Connection reset",
    "java.net.SocketException: Network is unreachable",
    "java.net.SocketException: connect timed out",
    "java.net.SocketTimeoutException: Connect timed out",
    "java.net.SocketTimeoutException: connect timed out",
    "java.net.SocketTimeoutException: Read timed out",
    "Connect timed out",
    "connect timed out",
    "Connection refused",
    "Connection refused (Connection refused)",
    "Connection reset",
    "Read timed out",
];

/// The first line of a text, and of that no more than is kept.
fn cut(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    &line[..line.floor_char_boundary(LONGEST)]
}

/// How a dictionary is kept: the least recently used first.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u8,
    texts: BTreeMap<TextKind, Vec<(i32, String)>>,
}

impl From<Dictionary> for Kept {
    fn from(dictionary: Dictionary) -> Kept {
        let texts = dictionary.shelves.into_iter().map(|(kind, mut shelf)| {
            let by_use = shelf.by_use.into_values();
            (kind, by_use.filter_map(|hash| Some((hash, shelf.texts.remove(&hash)?.0))).collect())
        });
        Kept { version: 1, texts: texts.collect() }
    }
}

impl From<Kept> for Dictionary {
    fn from(kept: Kept) -> Dictionary {
        let mut dictionary = Dictionary::default();
        for (kind, texts) in kept.texts {
            for (hash, text) in texts {
                dictionary.learn(kind, hash, &text);
            }
        }
        dictionary.changed = false;
        dictionary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_text_goes_first() {
        let mut dictionary = Dictionary::default();
        for number in 1..=10_000 {
            dictionary.learn(TextKind::Sql, number, "select ?");
        }
        assert_eq!(dictionary.text(TextKind::Sql, 1), Some("select ?"));
        dictionary.learn(TextKind::Sql, 10_001, "select ?");
        assert!(dictionary.knows(TextKind::Sql, 1) && !dictionary.knows(TextKind::Sql, 2));
        assert_eq!(dictionary.len(), MOST);
    }

    #[test]
    fn a_hash_that_another_character_set_gave_is_as_good_as_any() {
        let text = "결제 서버 연결 실패";
        let (cp949, _, _) = encoding_rs::EUC_KR.encode(text);
        let mut dictionary = Dictionary::default();
        dictionary.learn(TextKind::Error, hash(&cp949), text);
        assert_eq!(dictionary.text(TextKind::Error, hash(&cp949)), Some(text));
        assert_eq!(dictionary.text(TextKind::Error, hash(text.as_bytes())), None);
    }

    #[test]
    fn what_is_kept_reads_the_same() {
        let mut dictionary = Dictionary::default();
        dictionary.learn_common_errors();
        dictionary.learn(TextKind::Service, -1, "/svc/주문");
        assert!(dictionary.changed());
        let kept = serde_json::to_string(&dictionary).expect("JSON");
        let mut read: Dictionary = serde_json::from_str(&kept).expect("what was kept");
        assert!(!read.changed());
        assert_eq!(read.len(), dictionary.len());
        assert_eq!(read.text(TextKind::Service, -1), Some("/svc/주문"));
    }

    #[test]
    fn of_an_error_with_its_stack_only_the_first_line_is_kept_and_of_that_not_too_much() {
        let mut dictionary = Dictionary::default();
        dictionary.learn(TextKind::Error, 7, "java.io.IOException: x\n\tat a.B.c(B.java:1)");
        assert_eq!(dictionary.text(TextKind::Error, 7), Some("java.io.IOException: x"));
        dictionary.learn(TextKind::Error, 8, &"가".repeat(5000));
        assert!(dictionary.text(TextKind::Error, 8).is_some_and(|text| text.len() <= LONGEST));
    }

    #[test]
    fn nothing_of_users_is_learnt() {
        for kind in ["login", "desc", "ua", "referer", "city", "group"] {
            assert_eq!(TextKind::of(kind), None);
        }
    }
}
