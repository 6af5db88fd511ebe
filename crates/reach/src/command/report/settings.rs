//! Who asks, from what was typed and from `[request]` of the configuration.

use std::{
    env,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use jiff::{civil::Date, tz::TimeZone};
use reach_report::{
    Lang,
    feeds::{self, Feed},
    report::Asker,
};

use crate::{
    cli::ReportArgs,
    config::{
        Problems, Surroundings,
        request::RequestConfig,
        watch::{World, config_path},
    },
    output::{sentence, shown},
};

/// Who asks: what was typed, and what the configuration says where nothing was.
pub(super) fn asker(args: &ReportArgs, around: &Surroundings, problems: &mut Problems) -> Asker {
    let usual = match usual(args, around) {
        Ok(usual) => usual,
        Err(problem) => {
            problems.push(problem);
            RequestConfig::default()
        }
    };
    let or = |typed: &Option<String>, usual: Option<String>| typed.clone().or(usual);
    let (from, until) = match args.period.as_deref().map(period).transpose() {
        Ok(days) => days.unwrap_or_default(),
        Err(problem) => {
            problems.push(problem);
            (None, None)
        }
    };
    let said = RequestConfig {
        requester: or(&args.requester, usual.requester),
        department: or(&args.department, usual.department),
        contact: or(&args.contact, usual.contact),
        nat_ip: or(&args.nat_ip, usual.nat_ip),
        purpose: or(&args.purpose, usual.purpose),
    };
    Asker { from, until, ..said.asker() }
}

/// What the configuration says; nothing where there is none and none was named.
fn usual(args: &ReportArgs, around: &Surroundings) -> Result<RequestConfig, String> {
    let variable = |name: &str| env::var(name).ok();
    let named = args.memory.of.config.clone();
    let path: PathBuf = config_path(named.as_deref(), World { variable: &variable, is_root: around.is_root });
    let name = shown(&path.to_string_lossy());
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(_) if named.is_none() => return Ok(RequestConfig::default()),
        Err(error) => return Err(format!("{name}: it cannot be read: {error}")),
    };
    RequestConfig::in_file(&text).map_err(|why| format!("{name}: [request]: {}", sentence(&why)))
}

/// `2026-11-24..2027-11-23`; an open end is for good.
fn period(text: &str) -> Result<(Option<Date>, Option<Date>), String> {
    let wrong = || {
        format!(
            "--period `{}` is no period; give one like 2026-11-24..2027-11-23, or 2026-11-24.. for good",
            shown(text)
        )
    };
    let (from, until) = text.split_once("..").ok_or_else(wrong)?;
    let from: Date = from.trim().parse().map_err(|_| wrong())?;
    let until = match until.trim() {
        "" => None,
        text => Some(text.parse::<Date>().map_err(|_| wrong())?),
    };
    if until.is_some_and(|until| until < from) {
        return Err(format!("--period `{}` ends before it begins", shown(text)));
    }
    Ok((Some(from), until))
}

/// What a provider publishes of its addresses.
pub(super) fn feed(path: &Path, lang: Lang) -> Result<Feed, String> {
    let name = shown(&path.to_string_lossy());
    let trouble = |error: io::Error| format!("--feed `{name}` cannot be read: {error}");
    let mut bytes = Vec::new();
    let most = feeds::MOST_BYTES as u64 + 1;
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(trouble)?;
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    feeds::read(&file, &bytes).map_err(|error| format!("--feed `{name}`: {}", error.text(lang)))
}

/// A time zone by its name.
pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    crate::config::watch::zone(text).map_err(|why| format!("--zone {why}"))
}
