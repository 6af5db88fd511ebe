//! The help and the errors of the command line in Korean.
//!
//! The definition of the command line is English, and the English help is what clap makes of it. For Korean the
//! texts of the definition are replaced by those of the catalogue ([`crate::words::korean::help`]), and the words that
//! clap has built in by their own: in the template and the headings where it lets us, in the page that it made where
//! it does not.

mod errors;
mod texts;

use std::{ffi::OsString, io::Write};

use clap::{
    Arg, Command, CommandFactory, Error,
    builder::{PossibleValue, PossibleValuesParser, StyledStr},
    error::ErrorKind,
};
use reach_report::Lang;
use unicode_width::UnicodeWidthStr;

use self::texts::translated;
use super::Cli;
use crate::words::korean::HELP;

/// The definition of the command line in a language, for pages that are made from it: manuals and completions.
///
/// A command line is not parsed by it: its values are texts, whatever they are in [`Cli`].
pub fn definition(lang: Lang) -> Command {
    match lang {
        Lang::En => Cli::command(),
        Lang::Ko => {
            let mut command = Cli::command();
            command.build();
            in_korean(command)
        }
    }
}

/// Prints in Korean why arguments are no command line, or the help that they ask for. `english` is what
/// [`super::parse`] said about them.
pub fn tell(english: &Error, arguments: Vec<OsString>) {
    let page = told(english, arguments);
    // Whoever closed the stream does not want to know.
    let _ = if english.use_stderr() {
        write!(anstream::stderr(), "{page}")
    } else {
        write!(anstream::stdout(), "{page}")
    };
}

fn told(english: &Error, arguments: Vec<OsString>) -> String {
    match for_help(definition(Lang::Ko)).try_get_matches_from(super::language::normal(arguments)) {
        Err(error) => page(&error),
        // The definitions differ in their words only.
        Ok(_) => english.render().ansi().to_string(),
    }
}

fn page(error: &Error) -> String {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            dressed(&error.render().ansi().to_string())
        }
        ErrorKind::DisplayVersion => error.render().ansi().to_string(),
        _ => errors::explained(error).ansi().to_string(),
    }
}

/// A manual page in roff with the words that its maker has built in replaced.
pub fn manual(page: &str) -> String {
    let word = |line: &str| {
        let heading = line.strip_prefix(".SH ")?;
        let korean = match heading.trim_matches('"') {
            "NAME" => "이름",
            "SYNOPSIS" => "사용법",
            "DESCRIPTION" => "설명",
            "OPTIONS" => "옵션과 인수",
            "EXTRA" => "참고",
            "VERSION" => "버전",
            _ => return None,
        };
        Some(format!(".SH {korean}"))
    };
    let lines = page.lines().map(|line| {
        let line = word(line).unwrap_or_else(|| line.to_owned());
        line.replace("[default: ", "[기본값: ").replace("Possible values:", "가능한 값:") + "\n"
    });
    // Whoever formats it may live in another locale than the page.
    format!("'\\\" -*- coding: UTF-8 -*-\n{}", lines.collect::<String>())
}

fn in_korean(mut command: Command) -> Command {
    let text = |text: Option<&StyledStr>| text.map(|text| translated(&text.to_string()));
    let about = text(command.get_about());
    let long_about = text(command.get_long_about());
    let after_help = text(command.get_after_help());
    let usage = text(command.get_overridden_usage());
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(about) = long_about {
        command = command.long_about(about);
    }
    if let Some(after) = after_help {
        command = command.after_help(after);
    }
    if let Some(usage) = usage {
        command = command.override_usage(usage);
    }
    let heading = command.get_styles().get_usage();
    let template = format!(
        "{{before-help}}{{about-with-newline}}\n{heading}사용법:{heading:#} {{usage}}\n\n{{all-args}}{{after-help}}"
    );
    command
        .help_template(StyledStr::from(template))
        .subcommand_help_heading("명령")
        .subcommand_value_name("명령")
        .mut_args(argument)
        .mut_subcommands(in_korean)
}

fn argument(mut arg: Arg) -> Arg {
    let text = |text: Option<&StyledStr>| text.map(|text| translated(&text.to_string()));
    let help = text(arg.get_help());
    let long_help = text(arg.get_long_help());
    let heading = arg.get_help_heading().map(translated);
    let names: Option<Vec<String>> =
        arg.get_value_names().map(|names| names.iter().map(|name| translated(name)).collect());
    if let Some(help) = help {
        arg = arg.help(help);
    }
    if let Some(help) = long_help {
        arg = arg.long_help(help);
    }
    if let Some(heading) = heading {
        arg = arg.help_heading(heading);
    }
    if !arg.get_action().takes_values() {
        return arg;
    }
    if let Some(names) = names {
        arg = arg.value_names(names);
    }
    let values = arg.get_possible_values();
    if values.is_empty() {
        return arg;
    }
    let korean = values.into_iter().map(|value| match value.get_help().map(ToString::to_string) {
        Some(help) => value.help(translated(&help)),
        None => value,
    });
    arg.value_parser(PossibleValuesParser::new(korean.collect::<Vec<_>>()))
}

/// What clap writes behind a text of its own accord, in English, is written into the text instead.
fn for_help(command: Command) -> Command {
    command.mut_args(self_contained).mut_subcommands(for_help)
}

fn self_contained(arg: Arg) -> Arg {
    if !arg.get_action().takes_values() {
        return arg;
    }
    let values: Vec<PossibleValue> =
        arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set()).collect();
    let default: Vec<String> =
        arg.get_default_values().iter().map(|value| quoted(&value.to_string_lossy())).collect();
    let default = (!default.is_empty()).then(|| format!("[기본값: {}]", default.join(" ")));
    if values.is_empty() && default.is_none() {
        return arg;
    }
    let short = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let long = arg.get_long_help().map_or_else(|| short.clone(), ToString::to_string);

    let names: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    let choice = (!names.is_empty()).then(|| format!("[가능한 값: {}]", names.join(", ")));
    let brief = [Some(short), default.clone(), choice.clone()].into_iter().flatten().collect::<Vec<_>>();
    let explained = values.iter().any(|value| value.get_help().is_some());
    let choice = if explained { Some(list(&values)) } else { choice };
    let full = [Some(long), choice, default].into_iter().flatten().collect::<Vec<_>>();
    arg.help(brief.join(" ")).long_help(full.join("\n\n")).hide_default_value(true).hide_possible_values(true)
}

/// A value as clap shows it: one that cannot be seen, or ends elsewhere than it seems to, in quotes.
fn quoted(value: &str) -> String {
    if value.is_empty() || value.contains(char::is_whitespace) {
        format!("{value:?}")
    } else {
        value.to_owned()
    }
}

fn list(values: &[PossibleValue]) -> String {
    let widest = values.iter().map(|value| value.get_name().width()).max().unwrap_or_default();
    let lines = values.iter().map(|value| {
        let name = value.get_name();
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        format!("\n- {name}: {:gap$}{help}", "", gap = widest - name.width())
    });
    format!("가능한 값:{}", lines.collect::<String>())
}

/// A page of clap's with the words that it has built in replaced.
fn dressed(page: &str) -> String {
    let mut in_usage = false;
    let lines = page.split_inclusive('\n').map(|line| {
        let plain = anstream::adapter::strip_str(line).to_string();
        match plain.trim_end() {
            "Arguments:" => return line.replace("Arguments", "인수"),
            "Options:" => return line.replace("Options", "옵션"),
            text if text.starts_with(USAGE) || text.starts_with("Usage:") => in_usage = true,
            text if !text.starts_with("       ") => in_usage = false,
            // The heading is one column wider than the English one, under which clap lines up.
            _ if in_usage => return format!(" {line}").replace("[OPTIONS]", "[옵션]"),
            _ => {}
        }
        if in_usage {
            line.replace("[OPTIONS]", "[옵션]").replace("Usage:", USAGE)
        } else {
            line.to_owned()
        }
    });
    lines.collect()
}

const USAGE: &str = "사용법:";

#[cfg(test)]
mod tests;
