//! What each command does.

pub mod ack;
mod asking;
pub mod check;
pub mod completions;
pub mod config;
pub mod connect;
pub mod demo;
pub mod examine;
pub mod explain;
pub mod export;
pub mod history;
pub mod incidents;
pub mod logs;
pub mod man;
pub mod memory;
pub mod ping;
pub mod report;
pub mod resolve;
pub mod scouter;
pub mod silence;
pub mod status;
pub mod trace;
pub mod watch;

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

use serde_json::Value;

use crate::{cli::Command, config::Surroundings, exit::Exit};

/// Does what was asked for.
pub fn run(command: Command, around: &Surroundings) -> Exit {
    match command {
        Command::Check(args) => check::run(&args, around),
        Command::Resolve(args) => resolve::run(&args, around),
        Command::Ping(args) => ping::run(&args, around),
        Command::Connect(args) => connect::run(&args, around),
        Command::Trace(args) => trace::run(&args, around),
        Command::Watch(args) => watch::run(&args, around),
        Command::Status(args) => status::run(&args, around),
        Command::Ack(args) => ack::run(&args, around),
        Command::Examine(args) => examine::run(&args, around),
        Command::Silence(args) => silence::run(&args, around),
        Command::Incidents(args) => incidents::run(&args, around),
        Command::History(args) => history::run(&args, around),
        Command::Export(args) => export::run(&args, around),
        Command::Report(args) => report::run(&args, around),
        Command::Config(args) => config::run(&args, around),
        Command::Scouter(args) => scouter::run(&args, around),
        Command::Explain(args) => explain::run(&args, around),
        Command::Logs(args) => logs::run(&args, around),
        Command::Demo(args) => demo::run(&args, around),
        Command::Completions(args) => completions::run(&args, around),
        Command::Man(args) => man::run(&args, around),
    }
}

/// A number by chance, for whoever gave none. The standard library seeds its hash maps from the system.
pub(crate) fn dice() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// One JSON document as text.
fn document(value: &Value) -> String {
    format!("{value:#}\n")
}
