//! `reach silence`: says nothing of some targets for a while, lists silences, ends one.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use reach_core::{
    Time,
    watch::{Matcher, Order, Silence, SilenceId, Status, fits},
};
use reach_report::watch as report;
use serde::{Deserialize, Deserializer};

use super::{asking, document, memory};
use crate::{
    cli::{SilenceArgs, SilenceCommand, SilenceEndArgs, SilenceListArgs},
    config::{
        Output, Problems, Surroundings,
        moment::{Now, coming},
        watch::span,
    },
    control::{Answer, Request},
    exit::Exit,
    output::{complain, finish, is_harmful, note, shown},
};

/// Runs the command.
pub fn run(args: &SilenceArgs, around: &Surroundings) -> Exit {
    match &args.command {
        Some(SilenceCommand::List(args)) => list(args, around),
        Some(SilenceCommand::End(args)) => end(args, around),
        None => begin(args, around),
    }
}

fn begin(args: &SilenceArgs, around: &Surroundings) -> Exit {
    let (output, silences) = match understand(args, around, &Now::look()) {
        Ok(understood) => understood,
        Err(problems) => return complain(&problems),
    };
    match asking::ask(&args.ask, around, &Request::Status) {
        Ok(Answer::Status(status)) => {
            silences.iter().filter_map(|one| idle(one, &status)).for_each(|text| note(&text))
        }
        Ok(_) => return asking::odd(),
        Err(exit) => return exit,
    }
    let mut said = String::new();
    let mut made = Vec::new();
    for silence in silences {
        let until = silence.until;
        let request = Request::Order { order: Order::Silence(silence.clone()) };
        match asking::ask(&args.ask, around, &request) {
            Ok(Answer::Done { silence: id }) => {
                said.push_str(&format!("{}\n", report::silence_made(id, until, &output.style)));
                made.push(Silence { id: id.unwrap_or(silence.id), ..silence });
            }
            Ok(_) => return asking::odd(),
            Err(exit) => return exit,
        }
    }
    let text = if output.json { document(&report::json_silences(&made)) } else { said };
    finish(&text, Exit::AllWork)
}

/// A remark where a silence matches nothing that is watched.
fn idle(silence: &Silence, status: &Status) -> Option<String> {
    let pattern = silence.matcher.target.as_deref()?;
    let fits_one = status.targets.iter().any(|target| fits(pattern, &target.target));
    (!fits_one).then(|| {
        let pattern = shown(pattern);
        format!("nothing that is watched at the moment is called `{pattern}`; `reach status` lists what is")
    })
}

fn list(args: &SilenceListArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let silences = match asking::ask(&args.ask, around, &Request::Silences) {
        Ok(Answer::Silences(silences)) => silences,
        Ok(_) => return asking::odd(),
        Err(exit) => return exit,
    };
    let text = if output.json {
        document(&report::json_silences(&silences))
    } else {
        report::silences(&silences, Now::look().time(), &output.style)
    };
    finish(&text, Exit::AllWork)
}

fn end(args: &SilenceEndArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    let Ok(silence) = args.id.trim().trim_start_matches('#').parse().map(SilenceId) else {
        return complain(&[format!(
            "`{}` is no number of a silence; give one like 3, as `reach silence list` shows them",
            shown(&args.id)
        )]);
    };
    let order = Order::Expire { silence, by: args.by.clone().unwrap_or_default() };
    match asking::ask(&args.ask, around, &Request::Order { order }) {
        Ok(Answer::Done { .. }) => {
            finish(&format!("{}\n", report::silence_ended(silence, output.style.lang)), Exit::AllWork)
        }
        Ok(_) => asking::odd(),
        Err(exit) => exit,
    }
}

/// Every silence ends, and soon enough that somebody remembers why it was made.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

fn understand(
    args: &SilenceArgs,
    around: &Surroundings,
    now: &Now,
) -> Result<(Output, Vec<Silence>), Problems> {
    let mut problems = Problems::new();
    let output = Output::new(&args.output, around).map_err(|problem| problems.push(problem)).ok();
    let mut labels = BTreeMap::new();
    for text in &args.label {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                labels.insert(name.to_owned(), value.to_owned());
            }
            _ => problems.push(format!("--label `{}`: give NAME=VALUE, like service=push", shown(text))),
        }
    }
    let names_labels = !args.label.is_empty();
    let wish = Wish {
        targets: args.targets.clone(),
        network: args.network.clone(),
        labels,
        all: args.all || names_labels,
        lasts: args.lasts.clone(),
        until: args.until.clone(),
        from: args.from.clone(),
        comment: args.comment.clone(),
    };
    let silences = wish.silences("--", now).map_err(|found| problems.extend(found)).ok();
    let (Some(output), Some(mut silences), true) = (output, silences, problems.is_empty()) else {
        return Err(problems);
    };
    for silence in &mut silences {
        silence.author = args.by.clone().unwrap_or_default();
    }
    Ok((output, silences))
}

/// What somebody wants to be silent, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Wish {
    pub(crate) targets: Vec<String>,
    #[serde(deserialize_with = "given")]
    pub(crate) network: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) all: bool,
    #[serde(rename = "for", deserialize_with = "given")]
    pub(crate) lasts: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(crate) until: Option<String>,
    #[serde(deserialize_with = "given")]
    pub(crate) from: Option<String>,
    pub(crate) comment: String,
}

/// What is there says something: whoever wants nothing leaves it out.
pub(crate) fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<String>, D::Error> {
    String::deserialize(value).map(Some)
}

impl Wish {
    /// The silences that are meant, without a number and without an author. `dash` stands before the names of what was
    /// typed.
    pub(crate) fn silences(&self, dash: &str, now: &Now) -> Result<Vec<Silence>, Problems> {
        let mut problems = Problems::new();
        if self.targets.is_empty() && self.network.is_none() && self.labels.is_empty() && !self.all {
            let targets = if dash.is_empty() { "targets" } else { "a target" };
            let label = if dash.is_empty() { "labels" } else { "--label" };
            problems.push(format!(
                "nothing is named that is to be silenced; name {targets}, {dash}network, {label}, or {dash}all for everything"
            ));
        }
        let network = self.network.as_deref().and_then(|text| {
            let alone = || text.parse::<IpAddr>().map(Into::into);
            let network = text.parse().or_else(|_| alone());
            network
                .map_err(|_| {
                    problems.push(format!(
                        "{dash}network `{}` is no network; give one like 198.51.100.0/24",
                        shown(text)
                    ));
                })
                .ok()
        });
        if self.comment.chars().any(is_harmful) {
            problems.push(format!("{dash}comment has characters that cannot be shown"));
        }
        let time = self.times(dash, now).map_err(|found| problems.extend(found)).ok();
        let (Some((from, until)), true) = (time, problems.is_empty()) else { return Err(problems) };
        let silence = |target: Option<String>| Silence {
            // The watch gives it its number.
            id: SilenceId(0),
            matcher: Matcher { target, network, labels: self.labels.clone() },
            from,
            until,
            author: String::new(),
            comment: self.comment.clone(),
            maintenance: false,
        };
        Ok(if self.targets.is_empty() {
            vec![silence(None)]
        } else {
            self.targets.iter().map(|target| silence(Some(memory::canonical(target)))).collect()
        })
    }

    fn times(&self, dash: &str, now: &Now) -> Result<(Time, Time), Problems> {
        let (from_name, until_name) = (format!("{dash}from"), format!("{dash}until"));
        let from = self.from.as_deref().map_or(Ok(now.time()), |text| coming(&from_name, text, now));
        let from = from.map_err(|problem| vec![problem])?;
        let until = match (&self.lasts, &self.until) {
            (Some(_), Some(_)) => Err(format!("give {dash}for or {dash}until, and not both")),
            (Some(text), None) => {
                let lasts = span(&format!("{dash}for"), text, Duration::from_secs(1), LONGEST);
                lasts.map(|lasts| from + lasts)
            }
            (None, Some(text)) => coming(&until_name, text, now),
            (None, None) => Err(format!("every silence ends: give {dash}for 2h or {dash}until 18:00")),
        };
        let until = until.map_err(|problem| vec![problem])?;
        let typed = self.until.as_deref().unwrap_or_default();
        if until <= now.time() {
            return Err(vec![format!("{until_name} `{}` is over already", shown(typed))]);
        }
        if until <= from {
            return Err(vec![format!("{until_name} `{}` is no later than {from_name}", shown(typed))]);
        }
        if until.since(from) > LONGEST {
            return Err(vec![
                "a silence lasts for a year at most; leave the target out of the watch".to_owned(),
            ]);
        }
        Ok((from, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{self, Command};

    fn understood(line: &[&str]) -> Result<Vec<Silence>, Problems> {
        let words = ["reach", "silence"].iter().chain(line).map(Into::into).collect();
        let args = match cli::parse(words).map(|cli| cli.command) {
            Ok(Command::Silence(args)) => args,
            other => panic!("{line:?}: {other:?}"),
        };
        let zone = jiff::tz::TimeZone::posix("KST-9").expect("a zone");
        let now = Now { at: "2026-11-22T14:00:00+09:00".parse().expect("a time"), zone };
        understand(&args, &Surroundings::default(), &now).map(|(_, silences)| silences)
    }

    #[test]
    fn targets_networks_and_labels_are_silenced() {
        let made =
            understood(&["FCM.example", "db*", "--label", "tier=1", "--for", "2h", "--comment", "패치"]);
        let made = made.expect("understood");
        let targets: Vec<_> = made.iter().map(|silence| silence.matcher.target.as_deref()).collect();
        assert_eq!(targets, [Some("fcm.example:443"), Some("db*")]);
        assert_eq!(made[0].until.since(made[0].from), Duration::from_secs(7_200));
        assert_eq!(made[0].matcher.labels["tier"], "1");
        let network = understood(&["--network", "198.51.100.7", "--until", "18:00"]).expect("understood");
        assert_eq!(network[0].matcher.network, "198.51.100.7/32".parse().ok());
        assert_eq!(network[0].until.since(network[0].from), Duration::from_secs(4 * 3600));
        assert_eq!(understood(&["--all", "--for", "1h"]).expect("understood")[0].matcher, Matcher::default());
        let later = understood(&["x.example", "--from", "22:00", "--for", "8h"]).expect("understood");
        assert_eq!(later[0].until.since(later[0].from), Duration::from_secs(8 * 3600));
    }

    #[test]
    fn what_is_wrong_is_told_all_at_once() {
        let problems = understood(&["--network", "net", "--label", "x", "--for", "0s"]).expect_err("wrong");
        assert_eq!(problems.len(), 3, "{problems:?}");
        for (line, part) in [
            (&["--for", "1h"][..], "nothing is named"),
            (&["a.example"][..], "every silence ends"),
            (&["a.example", "--until", "2026-11-22T13:00"][..], "is over already"),
            (&["a.example", "--until", "2026-11-23", "--from", "2026-11-24"][..], "no later than --from"),
            (&["a.example", "--until", "soon"][..], "is no time"),
            (&["a.example", "--for", "2years"][..], "too long"),
            (&["a.example", "--for", "1h", "--comment", "\u{1b}[2J"][..], "cannot be shown"),
        ] {
            let problems = understood(line).expect_err("wrong");
            assert!(problems.len() == 1 && problems[0].contains(part), "{line:?}: {problems:?}");
        }
    }
}
