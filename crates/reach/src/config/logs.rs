//! What `reach logs` is to do.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use reach_core::signal::Origin;
use reach_signal::log::{
    Kind, LogPlan,
    access::{Form, Pattern},
    counts::Failing,
    level::Level,
    lines,
};
use regex::Regex;

use super::{
    Output, Problems, Surroundings, keep,
    moment::{Now, moment},
};
use crate::{
    cli::{LogKind, LogsArgs, nearest},
    logs::{Begin, Input, Journal, SourcePlan},
    output::shown,
};

/// What `reach logs` is to do.
#[derive(Clone, Debug)]
pub struct Logs {
    /// What to read.
    pub sources: Vec<SourcePlan>,
    /// Files are followed as they grow.
    pub follows: bool,
    /// How to show it.
    pub output: Output,
}

/// Understands `reach logs`.
pub fn logs(args: &LogsArgs, around: &Surroundings, now: &Now) -> Result<Logs, Problems> {
    let mut problems = Problems::new();
    let output = keep(Output::new(&args.output, around), &mut problems);
    let zone = args
        .zone
        .as_deref()
        .map_or_else(|| Some(now.zone.clone()), |text| keep(zone("--zone", text), &mut problems));
    let mut plan = LogPlan::new(Origin::default(), zone.unwrap_or(TimeZone::UTC));
    plan.kind = match args.kind {
        LogKind::Auto => Kind::Auto,
        LogKind::Application => Kind::Application,
        LogKind::Access => Kind::Access,
        LogKind::MysqlSlow => Kind::MysqlSlow,
        LogKind::Postgresql => Kind::Postgres,
    };
    if let Some(text) = &args.format
        && let Some(pattern) = keep(pattern("--format", text), &mut problems)
    {
        plan.form = Form::Pattern(pattern);
        if args.kind == LogKind::Auto {
            plan.kind = Kind::Access;
        }
    }
    if args.format.is_some() && !has_requests(plan.kind) {
        let name = kind_name(plan.kind);
        problems
            .push(format!("--format is how requests are written, and --kind {name} has none; leave one out"));
    }
    plan.ignore =
        args.ignore.iter().filter_map(|text| keep(ignored("--ignore", text), &mut problems)).collect();
    plan.level = args.level.as_deref().and_then(|text| keep(level("--level", text), &mut problems));
    plan.failing = keep(failing("--failed", args.failed.split(',')), &mut problems).unwrap_or_default();
    plan.since = args.since.as_deref().and_then(|text| keep(moment("--since", text, now), &mut problems));
    if let Some(encoding) = keep(encoding("--encoding", &args.encoding), &mut problems) {
        plan.encoding = encoding;
    }
    let inputs = inputs(args, std::io::stdin().is_terminal(), &mut problems);
    let has_files = inputs.iter().any(|input| !matches!(input, Input::Stdin));
    let follows = has_files && !args.once;
    let sources = inputs
        .into_iter()
        .map(|input| {
            let mut log = plan.clone();
            log.origin.source = match &input {
                Input::Files(_) => "files".to_owned(),
                Input::Journal(journal) => match &journal.units[..] {
                    [] => "journal".to_owned(),
                    units => format!("journal {}", shown(&units.join(" "))),
                },
                Input::Stdin => "-".to_owned(),
            };
            SourcePlan { input, log, begin: Begin::Start, follows: !args.once, kept: None }
        })
        .collect();
    match output {
        Some(output) if problems.is_empty() => Ok(Logs { sources, follows, output }),
        _ => Err(problems),
    }
}

fn inputs(args: &LogsArgs, at_terminal: bool, problems: &mut Problems) -> Vec<Input> {
    let mut inputs = Vec::new();
    let (mut files, mut reads_stdin) = (Vec::new(), false);
    for text in &args.files {
        match file(text) {
            Ok(Some(name)) => files.push(name),
            Ok(None) => reads_stdin = true,
            Err(problem) => problems.push(problem),
        }
    }
    if !files.is_empty() {
        inputs.push(Input::Files(files));
    }
    if !args.journal.is_empty() {
        let units = args.journal.iter().filter(|unit| !unit.is_empty()).cloned().collect();
        inputs.push(Input::Journal(Journal { units, ..Journal::default() }));
    }
    if args.files.is_empty() && args.journal.is_empty() {
        if at_terminal {
            problems.push("there is no log to read; name a file, or - for standard input".to_owned());
        }
        reads_stdin = true;
    }
    if reads_stdin {
        inputs.push(Input::Stdin);
    }
    inputs
}

/// A file that is there, or a pattern; `None` for standard input.
fn file(text: &str) -> Result<Option<String>, String> {
    if text == "-" {
        return Ok(None);
    }
    let show = shown(text);
    let path = Path::new(text);
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(format!(
            "`{show}` is a directory; name its files, as in '{}/*.log'",
            show.trim_end_matches('/')
        )),
        // A name may have brackets in it.
        Ok(_) if crate::logs::is_pattern(text) => Ok(Some(glob::Pattern::escape(text))),
        Ok(found) if !found.is_file() => {
            Err(format!("`{show}` is no file; a pipe is read as standard input: `reach logs - < {show}`"))
        }
        Ok(_) => Ok(Some(text.to_owned())),
        Err(_) if crate::logs::is_pattern(text) => {
            let wrong = |error: glob::PatternError| format!("`{show}` is no pattern of names: {}", error.msg);
            let matched = glob::glob(text).map_err(wrong)?.flatten().next();
            if matched.is_none() {
                return Err(format!("`{show}` matches no file"));
            }
            Ok(Some(text.to_owned()))
        }
        Err(error) => Err(format!("`{show}` cannot be read: {error}")),
    }
}

/// Whether a log of this kind may have requests in it.
pub(crate) fn has_requests(kind: Kind) -> bool {
    matches!(kind, Kind::Auto | Kind::Access)
}

/// What a kind is called.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    Kind::NAMES.iter().find(|(_, known)| *known == kind).map_or("", |(name, _)| name)
}

/// A time zone by its name in the tz database.
pub(crate) fn zone(option: &str, text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text)
        .map_err(|_| format!("{option} `{}` is no time zone; give one like Asia/Seoul or UTC", shown(text)))
}

/// How an access log is written.
pub(crate) fn pattern(option: &str, text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| format!("{option} `{}`: {error}", shown(text)))
}

/// What is left out.
pub(crate) fn ignored(option: &str, text: &str) -> Result<Regex, String> {
    const LARGEST: usize = 1 << 20;
    regex::RegexBuilder::new(text).size_limit(LARGEST).build().map_err(|error| {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
        format!("{option} `{}` is no regular expression: {}", shown(text), shown(why))
    })
}

/// How grave a record has to be.
pub(crate) fn level(option: &str, text: &str) -> Result<Level, String> {
    let known = Level::NAMES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    known.map(|(_, level)| *level).ok_or_else(|| {
        let names = Level::NAMES.map(|(name, _)| name);
        let meant = nearest(text, names).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        format!("{option} `{}` is none of {}{meant}", shown(text), names.join(", "))
    })
}

/// Which statuses are failures.
pub(crate) fn failing<'a>(option: &str, texts: impl IntoIterator<Item = &'a str>) -> Result<Failing, String> {
    Failing::new(texts).map_err(|wrong| {
        format!("{option} `{}` is no status; give some like 5xx, 429 or 460-463", shown(&wrong))
    })
}

/// The encoding of lines that are no UTF-8.
pub(crate) fn encoding(option: &str, text: &str) -> Result<&'static encoding_rs::Encoding, String> {
    lines::encoding(text).ok_or_else(|| {
        format!(
            "{option} `{}` is no encoding in which lines can be told apart; give one like cp949, euc-kr, shift_jis or \
             windows-1252 (UTF-8 is always understood)",
            shown(text)
        )
    })
}

/// Names are as they are typed, from the directory that the configuration is in.
pub(crate) fn from_directory(directory: &Path, text: &str) -> String {
    let path = PathBuf::from(text);
    if path.is_absolute() { text.to_owned() } else { directory.join(path).to_string_lossy().into_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::{self, Command};

    fn understood(line: &[&str]) -> Result<Logs, Problems> {
        let words = ["reach", "logs"].iter().chain(line).map(Into::into).collect();
        let args = match cli::parse(words).map(|cli| cli.command) {
            Ok(Command::Logs(args)) => args,
            other => panic!("{line:?}: {other:?}"),
        };
        let now = Now { at: "2026-11-22T16:00:00Z".parse().expect("a time"), zone: TimeZone::UTC };
        logs(&args, &Surroundings::default(), &now)
    }

    #[test]
    fn files_patterns_the_journal_and_a_pipe_are_told_apart() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let name = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        fs::write(name("a.log"), "").expect("written");
        fs::write(name("b[1].log"), "").expect("written");
        let found = understood(&[&name("a.log"), &name("*.log"), &name("b[1].log"), "-", "--journal", "app"])
            .expect("right");
        assert_eq!(found.sources.len(), 3);
        let Input::Files(files) = &found.sources[0].input else { panic!("{:?}", found.sources[0]) };
        assert_eq!(files[2], name("b[[]1[]].log"));
        assert_eq!(
            found.sources[1].input,
            Input::Journal(Journal { units: vec!["app".to_owned()], ..Journal::default() })
        );
        assert!(found.follows && found.sources[2].input == Input::Stdin);
        assert!(!understood(&["-"]).expect("right").follows);
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        for (line, part) in [
            (&["/no/such.log"][..], "`/no/such.log` cannot be read: No such file"),
            (&["/no/such*.log"][..], "matches no file"),
            (&["/"][..], "is a directory; name its files"),
            (&["-", "--format", "%h"][..], "--format `%h`: it has no status"),
            (&["-", "--format", "%s", "--kind", "application"][..], "leave one out"),
            (&["-", "--failed", "5x"][..], "--failed `5x` is no status"),
            (&["-", "--zone", "Seoul"][..], "--zone `Seoul` is no time zone; give one like Asia/Seoul"),
            (&["-", "--encoding", "utf-16"][..], "--encoding `utf-16` is no encoding"),
            (&["-", "--ignore", "("][..], "--ignore `(` is no regular expression"),
            (&["-", "--level", "wran"][..], "did you mean `warn`?"),
            (&["-", "--since", "soon"][..], "--since `soon` is no time"),
        ] {
            let problems = understood(line).expect_err("wrong");
            assert!(problems.iter().any(|problem| problem.contains(part)), "{line:?}: {problems:?}");
        }
    }
}
