//! `reach config`: checks a configuration, prints an example, or has a running watch read its own again.

use std::path::PathBuf;

use reach_core::Time;
use reach_report::{
    Lang,
    watch::{self as report, PlanView, WatchedView},
};

mod credentials;

use super::{asking, document};
use crate::{
    cli::{ConfigArgs, ConfigCheckArgs, ConfigCommand, ConfigReloadArgs},
    config::{
        Output, Surroundings,
        moment::Now,
        watch::{Places, WatchConfig, load, window},
    },
    control::{Answer, Request},
    exit::Exit,
    output::{complain, finish, note, sentence},
    words::korean::example,
};

/// A complete configuration with comments.
pub const EXAMPLE: &str = include_str!("../config/watch/example.toml");

/// How far ahead maintenance windows are told.
const AHEAD: std::time::Duration = std::time::Duration::from_secs(14 * 86_400);

/// Runs the command.
pub fn run(args: &ConfigArgs, around: &Surroundings) -> Exit {
    match &args.command {
        ConfigCommand::Check(args) => check(args, around),
        ConfigCommand::Example(args) => match around.language(args.lang.map(Into::into)) {
            Lang::En => finish(EXAMPLE, Exit::AllWork),
            Lang::Ko => finish(&example::in_korean(EXAMPLE), Exit::AllWork),
        },
        ConfigCommand::Reload(args) => reload(args, around),
        ConfigCommand::Password => credentials::password(),
        ConfigCommand::Token(args) => credentials::token(args),
    }
}

fn check(args: &ConfigCheckArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let world = asking::world(around);
    let file: PathBuf = match &args.file {
        Some(file) => file.clone(),
        None => Places::gather(world.variable, world.is_root).config(),
    };
    let config = match load(&file, world) {
        Ok(config) => config,
        Err(problems) => return complain(&problems),
    };
    for warning in &config.warnings {
        note(warning);
    }
    if config.targets.is_empty() && config.sources().next().is_none() {
        note(
            "it names no target and no source of signals; `reach watch` needs one: add a `[[target]]`, or name one on the \
             command line",
        );
    }
    finish(&shown(&config, &output, Now::look().time()), Exit::AllWork)
}

/// Has a running watch read its configuration again.
fn reload(args: &ConfigReloadArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    match asking::ask(&args.ask, around, &Request::Reload) {
        Ok(Answer::Reloaded { targets, remarks }) => {
            for remark in &remarks {
                note(&sentence(remark));
            }
            finish(&format!("{}\n", report::reloaded(targets, output.style.lang)), Exit::AllWork)
        }
        Ok(_) => asking::odd(),
        Err(exit) => exit,
    }
}

fn shown(config: &WatchConfig, output: &Output, now: Time) -> String {
    let watched = |target: &'_ crate::config::watch::TargetConfig| -> bool {
        target.target.tls || target.target.http_path.is_some()
    };
    let targets = config.targets.iter().map(|target| WatchedView {
        target: &target.target.text,
        labels: &target.labels,
        deeper: watched(target),
        pace: &target.pace,
        rules: &target.rules,
    });
    let maintenance = config.maintenance.iter().map(|one| {
        let next = window::turns(&one.window, now, now + AHEAD).into_iter().next();
        let local =
            |time| one.window.zone.to_datetime(window::stamp(time)).strftime("%Y-%m-%d %H:%M").to_string();
        let zone = one.window.zone.iana_name().unwrap_or("").to_owned();
        let next = next
            .map(|(begin, end)| format!("{} ~ {} {zone}", local(begin), local(end)).trim_end().to_owned());
        (one.name.as_str(), next)
    });
    let view = PlanView {
        targets: targets.collect(),
        sources: config.sources().collect(),
        channels: config
            .channels
            .iter()
            .map(|channel| (channel.name.as_str(), channel.kind.code()))
            .collect(),
        maintenance: maintenance.collect(),
        store: config.store.path.display().to_string(),
        max_bytes: config.store.max_bytes,
        control: config.control.path.display().to_string(),
    };
    if output.json { document(&report::json_plan(&view)) } else { report::plan(&view, &output.style) }
}
