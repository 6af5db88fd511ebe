//! The language that is asked for on a command line, before anything else of it is understood.

use std::ffi::OsString;

use clap::ValueEnum;
use reach_report::Lang;

use super::{Language, is_command};

/// The arguments as the definition of the command line has them.
pub(super) fn normal(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if let Some((_, behind)) = language_first(&arguments) {
        arguments.drain(1..behind);
    }
    match arguments.get(1).and_then(|first| first.to_str()) {
        Some(first) if first.is_empty() || is_command(first) || first.starts_with('-') => {}
        Some(_) => arguments.insert(1, "check".into()),
        None => {}
    }
    arguments
}

/// A language that is asked for before the help of the whole program (`reach --lang ko --help`), and where the
/// arguments behind it begin. Before a command it stands wrong: results take it from the command's own options.
fn language_first(arguments: &[OsString]) -> Option<(Lang, usize)> {
    let first = arguments.get(1)?.to_str()?;
    let (value, behind) = match first.strip_prefix("--lang=") {
        Some(value) => (value, 2),
        None if first == "--lang" => (arguments.get(2)?.to_str()?, 3),
        None => return None,
    };
    let is_help = |argument: &OsString| {
        matches!(argument.to_str(), Some("-h" | "--help" | "-V" | "--version" | "help"))
    };
    let lang = language_of(value)?;
    arguments.get(behind).is_none_or(is_help).then_some((lang, behind))
}

/// The language that is asked for anywhere on a command line, which need not be right otherwise.
pub fn typed_language(arguments: &[OsString]) -> Option<Lang> {
    let mut arguments = arguments.iter().skip(1).map_while(|argument| match argument.to_str() {
        Some("--") => None,
        text => Some(text.unwrap_or_default()),
    });
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--lang") {
            Some("") => arguments.next()?,
            Some(value) => value.strip_prefix('=').unwrap_or_default(),
            None => continue,
        };
        if let Some(lang) = language_of(value) {
            return Some(lang);
        }
    }
    None
}

fn language_of(value: &str) -> Option<Lang> {
    Language::from_str(value, false).ok().map(Lang::from)
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Lang::En,
            Language::Ko => Lang::Ko,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::parse;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_language_is_known_whatever_else_is_wrong() {
        let typed = |line: &str| typed_language(&words(line));
        assert_eq!(typed("reach check x --bogus --lang ko"), Some(Lang::Ko));
        assert_eq!(typed("reach --lang=en check x"), Some(Lang::En));
        assert_eq!(typed("reach check --lang xx --lang ko"), Some(Lang::Ko));
        assert_eq!(typed("reach check x --lang"), None);
        assert_eq!(typed("reach check -- --lang ko"), None);
        assert_eq!(typed("reach check x --language ko"), None);
    }

    #[test]
    fn the_help_of_the_program_is_had_in_a_language() {
        for line in ["reach --lang ko --help", "reach --lang=ko", "reach --lang ko help ping"] {
            let error = parse(words(line)).expect_err(line);
            assert!(error.to_string().contains("Usage: reach"), "{line}: {error}");
        }
        let error = parse(words("reach --lang ko check x")).expect_err("wrong place");
        assert_eq!(error.kind(), ErrorKind::UnknownArgument);
    }
}
