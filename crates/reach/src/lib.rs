//! # reach
//!
//! The command line: what was typed ([`cli`]), what it means ([`config`]), what is done ([`command`]), and how
//! it ends ([`exit`]). Everything is parsed before anything is sent.
//!
//! * [`live`] runs surveys on the real network and shows how far they are ([`progress`]).
//! * [`live_view`] shows a trace on the whole screen while it goes on.
//! * [`recording`] writes down what a run saw and reads it again; judging a recording gives what the run gave.
//! * [`alert`] delivers what a watch has to say.
//! * [`asn`] reads tables of who announces which addresses.
//! * [`evidence`] writes down the packets of a run.
//! * [`board`] is the foot of a terminal, below what a watch writes there.
//! * [`daemon`] is a watch as it runs: threads, signals, and what goes between them.
//! * [`control`] is how a running watch is asked and steered; [`service`] and [`logging`] are how it speaks to the
//!   service manager and to the log.
//! * [`web`] is what the watch shows over HTTP: [`metrics`], state, and [`blackbox`] probes on demand; [`otlp`]
//!   pushes the metrics.
//! * [`receive`] takes what other systems say.
//! * [`logs`] reads what applications and servers write down.
//! * [`export`] writes what the store remembers for other programs.
//! * [`scouter`] hears what a Scouter installation says.
//! * [`host`] looks at the host itself: levels, attempts of applications to connect, JVMs.
//! * [`sql`] asks databases which of their statements are slow.
//! * [`output`] writes results to standard output and everything else to standard error.
//!
//! Deliberately absent: any opinion on what an observation means (reach-core) and any sentence of a report
//! (reach-report).

#![forbid(unsafe_code)]

pub mod alert;
pub mod asn;
pub mod blackbox;
pub mod board;
pub mod captures;
pub mod cli;
pub mod command;
pub mod config;
pub mod control;
pub mod daemon;
pub mod evidence;
pub mod exit;
pub mod export;
pub mod host;
pub mod live;
pub mod live_view;
pub mod logging;
pub mod logs;
pub mod metrics;
pub mod otlp;
pub mod output;
pub mod pools;
pub mod progress;
pub mod receive;
pub mod recording;
pub mod scouter;
pub mod service;
pub mod sql;
pub mod web;
pub mod words;

use std::{
    ffi::OsString,
    panic::{self, PanicHookInfo},
};

use reach_report::Lang;

use crate::{config::Surroundings, exit::Exit};

/// The whole program: does what the arguments (with the program's name first) ask for.
pub fn main(arguments: Vec<OsString>) -> Exit {
    panic::set_hook(Box::new(confess));
    // What panicked has been told by the hook.
    panic::catch_unwind(|| run(arguments)).unwrap_or(Exit::CouldNotTell)
}

fn run(arguments: Vec<OsString>) -> Exit {
    let around = Surroundings::gather();
    let lang = around.language(cli::typed_language(&arguments));
    output::speak(lang);
    if let Some(note) = cli::suspicion(&arguments) {
        output::note(&note);
    }
    match cli::parse(arguments.clone()) {
        Ok(cli) => command::run(cli.command, &around),
        Err(error) => {
            // Help and version are not errors: status 0, on standard output. A closed pipe is nobody's fault.
            match lang {
                Lang::En => drop(error.print()),
                Lang::Ko => cli::korean::tell(&error, arguments),
            }
            if error.use_stderr() { Exit::Usage } else { Exit::AllWork }
        }
    }
}

/// One line instead of a backtrace. A panic in the course of one probe costs that probe only, and the run goes
/// on.
fn confess(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let said = payload.downcast_ref::<&str>().copied();
    let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    let place = info.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
    output::note(&format!("this is a fault in reach itself, please report it{place}: {said}"));
}
