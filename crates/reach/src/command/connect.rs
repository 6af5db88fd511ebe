//! `reach connect`: connect to every address, layer by layer, and say precisely how it went.

mod attempts;
mod converse;
mod keys;
mod rows;
mod session;
mod tame;
mod terminal;

use std::env;

use reach_core::{
    judge::judge,
    model::{Case, Diagnosis, Doubt, Host, Target},
};
use reach_net::{
    drive::Clock,
    journal::Journal,
    sys::{Leaving, drop_privileges},
    vantage::vantage,
};
use reach_report::{
    connect::{Attempted, Peer, Way},
    json, text,
};

use self::attempts::Ended;
use super::{dice, document};
use crate::{
    cli::ConnectArgs,
    config::{self, Connect, Errand, Surroundings},
    evidence::{self, Evidence, Witness},
    exit::Exit,
    live::{self, Keep, Scope},
    output::{complain, finish, note},
    recording::Ending,
    words,
};

/// Runs the command.
pub fn run(args: &ConnectArgs, around: &Surroundings) -> Exit {
    let variable = |name: &str| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let connect = match config::connect(args, around, &variable, dice()) {
        Ok(connect) => connect,
        Err(problems) => return complain(&problems),
    };
    let lang = connect.output.style.lang;
    if connect.session.is_some() && args.evidence.pcap.is_some() {
        return complain(&["--pcap keeps the packets of tries, not of a session; leave it out".to_owned()]);
    }
    let evidence = match Evidence::open(&args.evidence, lang) {
        Ok(evidence) => evidence,
        Err(exit) => return exit,
    };
    let witness = evidence.map(|evidence| {
        if let Err(error) = drop_privileges() {
            note(&words::privileges_kept(&error, lang));
        }
        evidence.begin(&scope(&connect), Clock::start())
    });
    let journal = witness.as_ref().map(Witness::journal);
    let names = resolved(&connect, journal);
    if let Some(wanted) = connect.session {
        return names.map_or_else(|exit| exit, |names| session::run(&connect, wanted, names));
    }
    let seen = names.and_then(|names| {
        attempts::carry_out(&connect, names, journal).map_err(|error| {
            note(&format!("nothing can be sent: {error}"));
            Exit::CouldNotTell
        })
    });
    // Now that every socket is closed, and before anything is shown.
    let lost = evidence::end(witness, connect.output.verbose, Exit::AllWork);
    let exit = seen.map_or_else(|exit| exit, |seen| conclude(&connect, &seen));
    if lost == Exit::AllWork { exit } else { lost }
}

/// Which packets may be of this run.
fn scope(connect: &Connect) -> evidence::Scope {
    let targets: Vec<Target> = connect.targets.iter().map(|(target, _)| target.clone()).collect();
    let scope = evidence::Scope::new(&targets, &vantage(&[]), &connect.plan.extra_resolvers);
    let proxies = connect.targets.iter().filter_map(|(_, proxy)| proxy.as_ref());
    proxies.fold(scope, |scope, proxy| scope.with_tcp(proxy.port))
}

/// The addresses behind each target, as `reach resolve` finds them. Where `--address` says which one is wanted,
/// nobody is asked.
fn resolved(connect: &Connect, journal: Option<&Journal>) -> Result<Vec<(Case, Diagnosis)>, Exit> {
    let lookup = |target: &Target| match connect.manner.address {
        Some(address) => Target { host: Host::Address(address), ..target.clone() },
        None => target.clone(),
    };
    let targets: Vec<Target> = connect.targets.iter().map(|(target, _)| lookup(target)).collect();
    let keep = Keep { journal: journal.cloned(), ..Keep::default() };
    let errand = Errand { targets, plan: connect.plan.clone(), record: None, leaving: Leaving::default() };
    let seen = live::examine(&errand, Scope::Names, keep, &connect.output).map_err(|error| {
        note(&format!("nothing can be sent: {error}"));
        Exit::CouldNotTell
    })?;
    if seen.broken || seen.recording.ending == Ending::Interrupted {
        note(words::interrupted(connect.output.style.lang));
        return Err(Exit::CouldNotTell);
    }
    let named = |((case, observations), (target, _)): ((Case, Vec<_>), &(Target, _))| {
        let mut names = judge(&case, &observations);
        names.endpoints.clear();
        names.findings.clear();
        // Nobody asked for connections yet, so there is nothing to doubt about them.
        names.doubt = names.doubt.filter(|doubt| *doubt == Doubt::NoResolverConfigured);
        (Case { target: target.clone(), ..case }, names)
    };
    Ok(seen.recording.examined.into_iter().zip(&connect.targets).map(named).collect())
}

fn conclude(connect: &Connect, seen: &attempts::Seen) -> Exit {
    let output = &connect.output;
    let attempted = &seen.attempted;
    let started = attempted.iter().map(|one| one.case.started).min().unwrap_or(seen.finished);
    let shown = if output.json {
        let version = env!("CARGO_PKG_VERSION");
        document(&json::connect(attempted, started, seen.finished, version, output.json_lang))
    } else {
        text::connect(attempted, seen.finished, &output.style)
    };
    if seen.ended == Ended::Interrupted {
        note(words::interrupted(output.style.lang));
    }
    let exit = Exit::of_states(attempted.iter().map(Attempted::state));
    finish(&shown, exit)
}

/// One line for a try of many, as soon as it ended.
fn tell(
    attempted: &Attempted,
    peer: &Peer,
    number: u32,
    seen: &reach_core::model::Observation,
    connect: &Connect,
) {
    if attempted.repeat > 1 && !connect.output.json {
        let line = text::connect_try(attempted, peer, number, seen, &connect.output.style);
        // A reader that went away is told of by the result.
        let _ = crate::output::print(&line);
    }
}

/// Whether the way leads through a proxy whose name has no address.
fn leads_nowhere(way: &Way) -> bool {
    matches!(way, Way::Proxy(proxy) if proxy.endpoint.is_none())
}
