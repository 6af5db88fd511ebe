//! How to show a result, from what was typed and what is around.

use std::{
    env,
    io::{self, IsTerminal},
};

use reach_report::{Lang, Style};

use crate::cli::{Color, OutputArgs};

/// How to show a result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Output {
    /// One JSON document instead of text.
    pub json: bool,
    /// How text is to look.
    pub style: Style,
    /// The language of sentences in JSON: English unless another was asked for, so that scripts see the same
    /// on every machine.
    pub json_lang: Lang,
    /// Whether to say more on standard error.
    pub verbose: bool,
    /// Whether somebody watches standard error, and how wide it is.
    pub watcher: Option<usize>,
    /// Whether what is shown there may be drawn over itself for as long as a watch runs.
    pub board: bool,
}

/// What is true around this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The locale that messages are to be in.
    pub message_locale: String,
    /// The locale whose character set the terminal has.
    pub character_locale: String,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// The terminal cannot move its cursor or colour.
    pub dumb: bool,
    /// The width of the terminal on standard output, if it is one.
    pub stdout: Option<usize>,
    /// The width of the terminal on standard error, if it is one.
    pub stderr: Option<usize>,
    /// Offset of the local time from UTC in seconds.
    pub utc_offset_s: i32,
    /// Whether root runs this process.
    pub is_root: bool,
}

/// Lines longer than this are hard to read, however wide the terminal is.
const COMFORTABLE: usize = 120;
/// Where there is no terminal: fits a ticket and a mail.
const PLAIN: usize = 100;

impl Output {
    /// Of what was typed, around here.
    pub fn new(args: &OutputArgs, around: &Surroundings) -> Result<Self, String> {
        let typed = args.lang.map(Lang::from);
        // A terminal in another character set than UTF-8 can show neither Korean in UTF-8 nor our lines.
        let foreign = has_foreign_characters(&around.character_locale);
        let color = match args.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => around.stdout.is_some() && !around.no_color && !around.dumb,
        };
        let width = match &args.width {
            Some(text) => width(text)?,
            None => around.stdout.map_or(PLAIN, |columns| columns.min(COMFORTABLE)),
        };
        Ok(Self {
            json: args.json,
            style: Style {
                width,
                color,
                ascii: args.ascii || foreign,
                lang: around.language(typed),
                utc_offset_s: around.utc_offset_s,
            },
            json_lang: typed.unwrap_or_default(),
            verbose: args.verbose,
            watcher: around.stderr.filter(|_| !around.dumb),
            // Whoever wants no colours on a terminal that could show them wants plain text.
            board: around.stderr.is_some()
                && !around.dumb
                && (!around.no_color || args.color == Color::Always)
                && !args.json,
        })
    }
}

fn width(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|columns| (60..=500).contains(columns))
        .ok_or_else(|| format!("--width `{}`: give a number from 60 to 500", crate::output::shown(text)))
}

/// Whether a locale names another character set than UTF-8 (`ko_KR.eucKR`). `C`, `POSIX` and none at all say
/// nothing about the terminal.
fn has_foreign_characters(locale: &str) -> bool {
    let Some((_, set)) = locale.split_once('.') else { return false };
    let set: String = set.chars().take_while(|&c| c != '@').filter(char::is_ascii_alphanumeric).collect();
    !set.eq_ignore_ascii_case("utf8")
}

impl Surroundings {
    /// The language of texts for people: the one that was typed, else that of the locale where it can be shown.
    pub fn language(&self, typed: Option<Lang>) -> Lang {
        typed.unwrap_or_else(|| match has_foreign_characters(&self.character_locale) {
            true => Lang::En,
            false => Lang::of_locale(&self.message_locale),
        })
    }

    /// Looks around.
    pub fn gather() -> Self {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let locale = |category: &str| {
            let value = ["LC_ALL", category, "LANG"].into_iter().find_map(set).unwrap_or_default();
            value.to_string_lossy().into_owned()
        };
        Self {
            message_locale: locale("LC_MESSAGES"),
            character_locale: locale("LC_CTYPE"),
            no_color: set("NO_COLOR").is_some(),
            dumb: set("TERM").is_some_and(|term| term == "dumb"),
            stdout: io::stdout()
                .is_terminal()
                .then(|| columns(terminal_size::terminal_size_of(io::stdout()))),
            stderr: io::stderr()
                .is_terminal()
                .then(|| columns(terminal_size::terminal_size_of(io::stderr()))),
            utc_offset_s: jiff::Zoned::now().offset().seconds(),
            is_root: nix::unistd::geteuid().is_root(),
        }
    }
}

fn columns(size: Option<(terminal_size::Width, terminal_size::Height)>) -> usize {
    // A serial line does not know its size.
    size.map_or(80, |(width, _)| usize::from(width.0)).max(20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Language;

    fn korean() -> Surroundings {
        Surroundings {
            message_locale: "ko_KR.UTF-8".to_owned(),
            character_locale: "ko_KR.UTF-8".to_owned(),
            stdout: Some(200),
            ..Surroundings::default()
        }
    }

    fn output(args: &OutputArgs, around: &Surroundings) -> Output {
        Output::new(args, around).unwrap_or_else(|problem| panic!("{problem}"))
    }

    #[test]
    fn text_follows_the_locale_and_json_does_not() {
        let found = output(&OutputArgs::default(), &korean());
        assert_eq!((found.style.lang, found.json_lang), (Lang::Ko, Lang::En));
        let asked = OutputArgs { lang: Some(Language::Ko), ..OutputArgs::default() };
        assert_eq!(output(&asked, &Surroundings::default()).json_lang, Lang::Ko);
    }

    #[test]
    fn a_terminal_of_another_character_set_gets_ascii() {
        let around = Surroundings { character_locale: "ko_KR.eucKR".to_owned(), ..korean() };
        let found = output(&OutputArgs::default(), &around);
        assert_eq!((found.style.lang, found.style.ascii), (Lang::En, true));
        for locale in ["C", "POSIX", "", "C.utf8", "en_US.UTF-8@euro"] {
            assert!(!has_foreign_characters(locale), "{locale}");
        }
    }

    #[test]
    fn colour_is_for_terminals_unless_it_is_unwanted() {
        let color = |color: Color, around: &Surroundings| {
            output(&OutputArgs { color, ..OutputArgs::default() }, around).style.color
        };
        assert!(color(Color::Auto, &korean()));
        assert!(!color(Color::Auto, &Surroundings { no_color: true, ..korean() }));
        assert!(!color(Color::Auto, &Surroundings { dumb: true, ..korean() }));
        assert!(!color(Color::Auto, &Surroundings { stdout: None, ..korean() }));
        assert!(color(Color::Always, &Surroundings { stdout: None, no_color: true, ..korean() }));
        assert!(!color(Color::Never, &korean()));
    }

    #[test]
    fn a_board_is_for_terminals_that_can_show_one() {
        let at = Surroundings { stderr: Some(80), ..korean() };
        let board = |around: &Surroundings| output(&OutputArgs::default(), around).board;
        assert!(board(&at));
        assert!(!board(&korean()));
        assert!(!board(&Surroundings { no_color: true, ..at.clone() }));
        assert!(!board(&Surroundings { dumb: true, ..at.clone() }));
        assert!(!output(&OutputArgs { json: true, ..OutputArgs::default() }, &at).board);
    }

    #[test]
    fn lines_are_as_wide_as_the_terminal_within_reason() {
        assert_eq!(output(&OutputArgs::default(), &korean()).style.width, COMFORTABLE);
        assert_eq!(output(&OutputArgs::default(), &Surroundings::default()).style.width, PLAIN);
        let asked = OutputArgs { width: Some("160".to_owned()), ..OutputArgs::default() };
        assert_eq!(output(&asked, &korean()).style.width, 160);
    }
}
