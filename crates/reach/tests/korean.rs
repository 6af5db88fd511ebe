//! Every text that the program says to people without a result has Korean.
//!
//! The sources are read for texts, since only they know all of them.

#![forbid(unsafe_code)]

#[path = "korean/apart.rs"]
mod apart;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use apart::{AMONG, APART, NO_WORDS};
use proc_macro2::{TokenStream, TokenTree};
use reach::words::korean::{Catalogue, PROBLEMS, problems::OURS as PROBLEMS_OF_OURS, template};
use syn::{
    Attribute, Expr, ExprMethodCall, ImplItemFn, ItemFn, ItemImpl, ItemMod, Lit, LitStr, Macro, Token,
    parse::Parser,
    punctuated::Punctuated,
    visit::{self, Visit},
};

#[derive(Default)]
struct Texts {
    found: Vec<(usize, String)>,
}

/// What these say goes to the log, or says that this program is wrong.
const NO_PEOPLE: &[&str] = &[
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "debug_span",
    "info_span",
    "panic",
    "unreachable",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "include_str",
    "include_bytes",
    "concat",
    "env",
];

impl Visit<'_> for Texts {
    fn visit_item_mod(&mut self, module: &ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &ItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &ItemImpl) {
        if !is_test(&block.attrs) {
            visit::visit_item_impl(self, block);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_attribute(&mut self, attribute: &Attribute) {
        if attribute.path().is_ident("error")
            && let Ok(list) = attribute.meta.require_list()
        {
            self.tokens(list.tokens.clone());
        }
    }

    fn visit_expr_method_call(&mut self, call: &ExprMethodCall) {
        if call.method != "expect" {
            return visit::visit_expr_method_call(self, call);
        }
        self.visit_expr(&call.receiver);
    }

    fn visit_macro(&mut self, called: &Macro) {
        let name = called.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if NO_PEOPLE.contains(&name.as_str()) {
            return;
        }
        match Punctuated::<Expr, Token![,]>::parse_terminated.parse2(called.tokens.clone()) {
            Ok(arguments) => arguments.iter().for_each(|argument| self.visit_expr(argument)),
            Err(_) => self.tokens(called.tokens.clone()),
        }
    }

    fn visit_lit_str(&mut self, literal: &LitStr) {
        let text = literal.value();
        if is_prose(&text) {
            self.found.push((literal.span().start().line, text));
        }
    }
}

impl Texts {
    fn tokens(&mut self, tokens: TokenStream) {
        let mut is_attribute = false;
        for token in tokens {
            match token {
                // Comments are attributes there.
                TokenTree::Group(_) if is_attribute => {}
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Lit::Str(literal) = Lit::new(literal) {
                        self.visit_lit_str(&literal);
                    }
                }
                TokenTree::Punct(mark) if mark.as_char() == '#' => {
                    is_attribute = true;
                    continue;
                }
                _ => {}
            }
            is_attribute = false;
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// Whether a string is made of words: two of them, or one beside a hole.
fn is_prose(text: &str) -> bool {
    let (holes, words) = (template(text).1.len(), words(text));
    text.contains(' ') && words > 0 && words + usize::from(holes > 0) >= 2
}

fn words(text: &str) -> usize {
    let (pieces, _) = template(text);
    let words = pieces.iter().flat_map(|piece| piece.split_whitespace()).filter(|word| {
        let word = word.trim_matches(|mark: char| mark.is_ascii_punctuation());
        word.len() >= 2 && word.chars().all(|letter| letter.is_ascii_alphabetic())
    });
    words.count()
}

/// Where texts for people are born.
const SOURCES: &[&str] = &[
    "crates/reach/src",
    "crates/reach-core/src",
    "crates/reach-net/src",
    "crates/reach-store/src",
    "crates/reach-signal/src",
    "crates/reach-lab/src/error.rs",
    "crates/reach-lab/src/cell.rs",
    "crates/reach-lab/src/story.rs",
];

fn sources() -> &'static BTreeMap<String, Vec<(usize, String)>> {
    static SOURCES_READ: LazyLock<BTreeMap<String, Vec<(usize, String)>>> = LazyLock::new(read_sources);
    &SOURCES_READ
}

fn read_sources() -> BTreeMap<String, Vec<(usize, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for source in SOURCES {
        let path = root.join(source);
        if path.is_dir() { collect(&path, &mut files) } else { files.push(path) }
    }
    let read = files.into_iter().map(|path| {
        let name = path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut texts = Texts::default();
        texts.visit_file(&file);
        (name, texts.found)
    });
    read.collect()
}

fn is_of_tests(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.parent().is_some_and(|folder| folder.ends_with("tests"))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !is_of_tests(&path) {
            files.push(path);
        }
    }
}

fn is_apart(file: &str) -> bool {
    !AMONG.iter().any(|among| file.starts_with(among))
        && APART.iter().any(|(apart, _)| file.starts_with(apart))
}

/// What a format string is but for the names of its holes.
fn shape(format: &str) -> Vec<String> {
    template(format).0
}

#[test]
fn every_text_that_people_can_meet_has_korean() {
    let known: BTreeSet<Vec<String>> = PROBLEMS.english().map(shape).collect();
    let mut missing = Vec::new();
    for (file, texts) in sources() {
        if is_apart(file) {
            continue;
        }
        for (line, text) in texts {
            let excused = NO_WORDS
                .iter()
                .any(|(place, texts, _)| file.starts_with(place) && texts.contains(&text.as_str()));
            if !excused && !known.contains(&shape(text)) {
                missing.push(format!("    ({text:?}, \"…\"),    // {file}:{line}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "{} texts have no Korean. Add these pairs to a file of crates/reach/src/words/korean/problems/ (the Korean one \
         names the same holes; particles as in `⟨은/는⟩`). What no person can meet goes to NO_WORDS or APART in \
         crates/reach/tests/korean/apart.rs, with the reason:\n{}",
        missing.len(),
        missing.join("\n")
    );
}

#[test]
fn no_korean_is_left_over() {
    let spoken = sources().iter().filter(|(file, _)| !file.starts_with("crates/reach/src/words/korean"));
    let texts: BTreeSet<Vec<String>> =
        spoken.flat_map(|(_, texts)| texts).map(|(_, text)| shape(text)).collect();
    let ours = PROBLEMS_OF_OURS.iter().flat_map(|list| list.iter());
    let left: Vec<&str> = ours
        .map(|(english, _)| *english)
        .filter(|english| is_prose(english) && !texts.contains(&shape(english)))
        .collect();
    assert!(
        left.is_empty(),
        "nothing says this any more; remove it from crates/reach/src/words/korean/problems/: {left:#?}"
    );
}

#[test]
fn why_a_certificate_is_not_trusted_has_korean_in_the_reports() {
    let words = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reach-report/src/words/evidence.rs");
    let words = fs::read_to_string(words).expect("the words");
    for (place, texts, _) in NO_WORDS {
        if *place == "crates/reach-net/src/trust.rs" {
            for text in *texts {
                assert!(words.contains(&format!("(_, {text:?})")), "add {text:?} to `other_distrust` there");
            }
        }
    }
}

#[test]
fn the_catalogue_says_everything_once_and_in_korean() {
    let mut seen = BTreeSet::new();
    for (english, korean) in PROBLEMS_OF_OURS.iter().flat_map(|list| list.iter()) {
        assert!(seen.insert(shape(english)), "twice: {english:?}");
        let (_, holes) = template(english);
        let (_, wanted) = template(korean);
        for hole in &wanted {
            let known = holes.contains(hole) || hole.parse().is_ok_and(|number: usize| number < holes.len());
            assert!(known, "there is no hole `{hole}` in {english:?}");
        }
        let unnamed = |holes: &[String]| holes.iter().filter(|hole| hole.is_empty()).count();
        assert!(unnamed(&wanted) <= unnamed(&holes), "more holes than in {english:?}");
        let hangul = korean.chars().any(|letter| ('가'..='힣').contains(&letter));
        assert!(hangul || korean == english || words(english) < 2, "no Korean: {korean:?}");
        let open = korean.matches('⟨').count();
        let known: usize = PARTICLES.iter().map(|marker| korean.matches(marker).count()).sum();
        assert_eq!(open, known, "an unknown particle in {korean:?}");
    }
}

#[test]
fn no_text_is_taken_for_another() {
    for pair in PROBLEMS_OF_OURS.iter().flat_map(|list| list.iter()) {
        let (pieces, holes) = template(pair.0);
        let mut text = pieces[0].clone();
        for (number, piece) in pieces[1..].iter().enumerate() {
            text += &format!("№{number}{piece}");
        }
        let alone = Catalogue::new(&[&[*pair]]).translated(&text);
        assert_eq!(PROBLEMS.translated(&text), alone, "{} holes: {text}", holes.len());
    }
}

/// What the program says on standard error in Korean.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let told = Command::new(env!("CARGO_BIN_EXE_reach"))
        .args(arguments)
        .env("LC_ALL", "ko_KR.UTF-8")
        .env_remove("REACH_LOG")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    (told.status.code(), String::from_utf8(told.stderr).expect("UTF-8"))
}

fn is_korean(line: &str) -> bool {
    line.chars().any(|letter| ('가'..='힣').contains(&letter))
}

#[test]
fn what_is_typed_wrong_is_told_in_korean() {
    for line in [
        "check",
        "check a.example:0",
        "check b..example",
        "check a.example --resolver dns.example",
        "check a.example --resolver 0.0.0.0",
        "check a.example --connect-timeout 3",
        "check a.example --connect-timeout soon",
        "check a.example --deadline 2s --connect-timeout 3s",
        "check a.example:80 --server-name b.example",
        "check 224.0.0.1",
        "check fe80::1%eth0",
        "check ftp://a.example",
        "check @/nonexistent/hosts.txt",
        "check a.example --width 20",
        "check --replay /nonexistent/run.jsonl",
        "check a.example --bogus",
        "resolve 192.0.2.1",
        "ping 192.0.2.1 -c none",
        "ping 192.0.2.1 -Q loud",
        "connect 192.0.2.1 --proxy gopher://a.example",
        "trace 192.0.2.1 --compare here there",
        "trace 192.0.2.1 -f 9 -m 3",
        "silence x",
        "resovle x --bogus",
        "silence --all --until 2020-01-01",
        "silence end three",
        "ack seventeen",
        "incidents seventeen",
        "status --control /nonexistent/watch.sock",
        "config check /nonexistent/reach.toml",
        "export --store /nonexistent/reach.db",
        "logs /nonexistent/app.log --level loud",
        "logs /nonexistent/app.log --format x",
        "scouter decode /nonexistent/datagram.bin",
        "scouter listen here",
        "explain fitlered",
        "watch --config /nonexistent/reach.toml",
    ] {
        let (status, text) = said(&line.split(' ').collect::<Vec<_>>());
        assert!(matches!(status, Some(2 | 3)), "{line}: {status:?} {text}");
        let told = text.lines().filter(|line| !line.is_empty() && !line.starts_with("  <"));
        for told in told {
            assert!(is_korean(told), "{line}: {told}");
        }
        assert!(!text.is_empty() && !text.contains("error:") && !text.contains('⟨'), "{line}: {text}");
    }
}

#[test]
fn a_wrong_configuration_is_told_in_korean() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("reach.toml");
    fs::write(&file, WRONG).expect("written");
    let (status, text) = said(&["config", "check", file.to_str().expect("UTF-8")]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.lines().count() > 12, "{text}");
    for line in text.lines() {
        assert!(is_korean(line) && line.starts_with("오류: ") && !line.contains('⟨'), "{line}");
    }
    insta::with_settings!({filters => vec![(r"/\S*/reach\.toml", "reach.toml")]}, {
        insta::assert_snapshot!(text);
    });
}

#[test]
fn what_is_no_toml_is_told_in_korean() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("reach.toml");
    for (text, part) in [
        ("[target", "테이블의 괄호가 닫히지 않았습니다"),
        ("a = hello", "따옴표로 감싸야"),
        ("a b", "값이 없는 키입니다"),
        ("a = 1\na = 2", "두 번"),
        ("a = \"x", "문자열이 잘못되었습니다"),
    ] {
        fs::write(&file, text).expect("written");
        let (status, told) = said(&["config", "check", file.to_str().expect("UTF-8")]);
        assert_eq!(status, Some(2), "{told}");
        assert!(told.contains("TOML이 아닙니다: ") && told.contains(part), "{text}: {told}");
    }
}

const WRONG: &str = r#"
langg = "ko"
[defaults]
every = "10"
interval = 5
[[target]]
target = "a.example:99999"
[[target]]
targets = "b.example"
tls = "yes"
[[channel]]
name = "ops"
kind = "telegramm"
[[channel]]
name = "mail"
kind = "email"
server = "mail.example.com"
to = ["nobody"]
[[channel]]
name = "chat"
kind = "telegram"
token = "123"
quiet_hours = "night"
timeout = "1h"
[[maintenance]]
name = "patch day"
days = ["someday"]
from = "26:00"
[[log]]
name = "app"
[[scouter]]
name = "apm"
mode = "guess"
every = "1h"
[[sql]]
name = "orders"
kind = "oracle"
[host]
loadd = 1
[http]
listen = "here"
[otlp]
endpoint = "nowhere"
[store]
max_size = "many"
"#;

const PARTICLES: &[&str] = &["⟨이/가⟩", "⟨은/는⟩", "⟨을/를⟩", "⟨과/와⟩", "⟨으로/로⟩", "⟨이라/라⟩"];

#[test]
fn no_reason_is_left_over() {
    let all = sources();
    for (apart, why) in APART {
        assert!(all.keys().any(|file| file.starts_with(apart)), "there is no {apart} ({why}) any more");
    }
    for (place, texts, why) in NO_WORDS {
        for text in *texts {
            let said = all
                .iter()
                .filter(|(file, _)| file.starts_with(place))
                .any(|(_, found)| found.iter().any(|(_, said)| said == text));
            assert!(said, "{place} does not say {text:?} ({why}) any more");
        }
    }
}
