//! `[[log]]`: what applications and servers write down.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::tz::TimeZone;
use reach_core::signal::Origin;
use reach_signal::log::{Kind, LogPlan, access::Form};
use toml::de::DeValue;

use super::{
    sheet::{Placed, Section},
    values::{described, plain_text},
};
use crate::{
    cli::nearest,
    config::logs::{
        encoding, failing, from_directory, has_requests, ignored, kind_name, level, pattern, zone as zone_of,
    },
    logs::{Begin, Input, Journal, SourcePlan},
    output::shown,
};

/// The logs to read. Relative names start from `directory`; how far each was read is kept in `state`.
pub(super) fn sources(
    root: &Section<'_, '_>,
    directory: &Path,
    zone: &TimeZone,
    state: &Path,
) -> Vec<SourcePlan> {
    let mut plans: Vec<SourcePlan> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for section in root.sections("log") {
        let name = section.parsed("name", |text| {
            let fits = !text.trim().is_empty() && text.chars().count() <= 64;
            if fits {
                Ok(text.trim().to_owned())
            } else {
                Err("give a name of 1 to 64 characters".to_owned())
            }
        });
        if !section.has("name") {
            section.lacks("name", "name = \"push\"");
        }
        if let Some(name) = &name
            && let Some(first) = names.insert(name.clone(), section.at_key("name"))
        {
            let place = section.sheet().place(first);
            section.wrong(
                "name",
                format!("there is a log of the name `{}` already, at {place}; rename one", shown(name)),
            );
        }
        let input = input(&section, directory);
        let mut log = LogPlan::new(Origin::default(), zone.clone());
        read_plan(&section, &mut log);
        let begin = section.parsed("from", |text| match text {
            "end" => Ok(Begin::End),
            "start" => Ok(Begin::Start),
            _ => Err(format!("`{}` is neither \"end\" nor \"start\"", shown(text))),
        });
        log.origin.service = section.text("service");
        section.finish();
        if let (Some(name), Some(input)) = (name, input) {
            let kept = Some(SourcePlan::kept_in(state, &name));
            log.origin.source = name;
            plans.push(SourcePlan { input, log, begin: begin.unwrap_or_default(), follows: true, kept });
        }
    }
    plans
}

fn input(section: &Section<'_, '_>, directory: &Path) -> Option<Input> {
    let mut files = section.texts("files");
    files.extend(section.texts("file"));
    let journal = section.take("journal", units);
    let matches: Vec<String> = section
        .texts("match")
        .into_iter()
        .filter_map(|placed| {
            let is_field = placed.text.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            });
            if !is_field {
                let text = shown(&placed.text);
                section.wrong_at(
                    placed.at,
                    "match",
                    format!("`{text}` is no field; give one like \"SYSLOG_IDENTIFIER=app\""),
                );
            }
            is_field.then_some(placed.text)
        })
        .collect();
    let journal_directory = section.parsed("journal_directory", |text| {
        let path = PathBuf::from(from_directory(directory, text));
        if path.is_dir() { Ok(path) } else { Err(format!("`{}` is no directory", shown(text))) }
    });
    let names_files = section.has("files") || section.has("file");
    match (names_files, section.has("journal")) {
        (true, true) => {
            section.wrong("journal", "a log is in files or in the journal; make two of them");
            None
        }
        (true, false) if section.has("match") => {
            section.wrong("match", "fields are those of the journal; add `journal = true`");
            None
        }
        (true, false) if section.has("journal_directory") => {
            section.wrong(
                "journal_directory",
                "it is where a journal is; add `journal = true`, or leave it out",
            );
            None
        }
        (true, false) => {
            let patterns: Vec<String> =
                files.iter().filter_map(|placed| named(section, placed, directory)).collect();
            (!patterns.is_empty()).then_some(Input::Files(patterns))
        }
        (false, true) => journal
            .flatten()
            .map(|units| Input::Journal(Journal { units, matches, directory: journal_directory.clone() })),
        (false, false) => {
            section.lacks("files", "files = \"/srv/app/logs/*.log\", or journal = \"app.service\"");
            None
        }
    }
}

fn named(section: &Section<'_, '_>, placed: &Placed, directory: &Path) -> Option<String> {
    if placed.text.trim().is_empty() || placed.text == "-" {
        let text = shown(&placed.text);
        section.wrong_at(
            placed.at,
            "files",
            format!("`{text}` is no name of a file; give one like \"/srv/app/logs/*.log\""),
        );
        return None;
    }
    if let Err(error) = glob::Pattern::new(&placed.text) {
        let text = shown(&placed.text);
        section.wrong_at(placed.at, "files", format!("`{text}` is no pattern of names: {}", error.msg));
        return None;
    }
    Some(from_directory(directory, &placed.text))
}

/// `true`, a unit, or a list of units; `None` for `false`.
fn units(value: &DeValue<'_>) -> Result<Option<Vec<String>>, String> {
    let unit = |value: &DeValue<'_>| {
        let text = plain_text(value)?;
        let is_unit = !text.is_empty() && !text.starts_with('-') && !text.chars().any(char::is_whitespace);
        if is_unit {
            Ok(text)
        } else {
            Err(format!("`{}` is no unit; give one like \"app.service\"", shown(&text)))
        }
    };
    match value {
        DeValue::Boolean(true) => Ok(Some(Vec::new())),
        DeValue::Boolean(false) => Ok(None),
        DeValue::String(_) => Ok(Some(vec![unit(value)?])),
        DeValue::Array(values) => {
            values.iter().map(|value| unit(value.get_ref())).collect::<Result<_, _>>().map(Some)
        }
        other => Err(format!("{} is neither true nor a unit like \"app.service\"", described(other))),
    }
}

fn read_plan(section: &Section<'_, '_>, log: &mut LogPlan) {
    // A sentence of the command line names its option; here the key stands before it already.
    let bare = |what: String| what.trim_start().to_owned();
    let kind = section.parsed("kind", |text| {
        let known = Kind::NAMES.iter().find(|(name, _)| *name == text);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let names = Kind::NAMES.map(|(name, _)| name);
            let meant =
                nearest(text, names).map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
            format!("`{}` is no kind of log; {meant}there are {}", shown(text), names.join(", "))
        })
    });
    if let Some(pattern) = section.parsed("pattern", |text| pattern("", text).map_err(bare)) {
        log.form = Form::Pattern(pattern);
        log.kind = Kind::Access;
        if let Some(kind) = kind.filter(|kind| !has_requests(*kind)) {
            let name = kind_name(kind);
            section.wrong(
                "pattern",
                format!("it says how requests are written, and `kind = \"{name}\"` has none; leave one out"),
            );
        }
    }
    log.kind = kind.unwrap_or(log.kind);
    if let Some(zone) = section.parsed("zone", |text| zone_of("", text).map_err(bare)) {
        log.zone = zone;
    }
    if let Some(encoding) = section.parsed("encoding", |text| encoding("", text).map_err(bare)) {
        log.encoding = encoding;
    }
    for placed in section.texts("ignore") {
        match ignored("", &placed.text) {
            Ok(regex) => log.ignore.push(regex),
            Err(what) => section.wrong_at(placed.at, "ignore", bare(what)),
        }
    }
    log.level = section.parsed("level", |text| level("", text).map_err(bare));
    let failed = section.texts("failed");
    if !failed.is_empty() {
        match failing("", failed.iter().map(|placed| placed.text.as_str())) {
            Ok(failing) => log.failing = failing,
            Err(what) => section.wrong("failed", bare(what)),
        }
    }
    let window = section.span("window", Duration::from_secs(5)..=Duration::from_secs(3600));
    log.window = window.unwrap_or(log.window);
    if let Some(bytes) = section.size("longest_line") {
        const ALLOWED: std::ops::RangeInclusive<u64> = 1_000..=64_000_000;
        if ALLOWED.contains(&bytes) {
            log.longest_line = usize::try_from(bytes).unwrap_or(log.longest_line);
            log.limits.bytes = log.limits.bytes.max(log.longest_line.saturating_mul(2));
        } else {
            section.wrong("longest_line", "give a size from \"1kB\" to \"64MB\"");
        }
    }
    if let Some(lines) = section.count("longest_record", 10..=100_000) {
        log.limits.lines = u32::try_from(lines).unwrap_or(log.limits.lines);
    }
}
