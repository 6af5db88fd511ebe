//! Runs commands in the client of a network that is described in a file, to look at it by hand:
//!
//! ```text
//! cargo run -p reach-lab --example in_lab -- diamond.toml 'traceroute -n -T 203.0.113.11' 'reach trace 203.0.113.11'
//! ```
//!
//! Each command is a line for `sh`; one that begins with `!` is run without privileges, one that begins with
//! `@NODE ` in another node.

use std::{env, fs, process::ExitCode};

use reach_lab::{Description, Lab, isolate};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("a description is needed: in_lab FILE.toml COMMAND…")?;
    isolate()?;
    let lab = Lab::build(&Description::from_toml(&fs::read_to_string(path)?)?)?;
    for line in arguments {
        let (node, rest) = match line.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
            Some((node, rest)) => (lab.node(node), rest),
            None => (lab.client(), line.as_str()),
        };
        let (unprivileged, text) = rest.strip_prefix('!').map_or((false, rest), |text| (true, text));
        let command = node.command("/bin/sh").args(["-c", text]).env("SSL_CERT_FILE", lab.authority());
        let command = if unprivileged { command.unprivileged() } else { command };
        let finished = command.run()?;
        println!("$ {line}\n{}{}", finished.stdout, finished.stderr);
        println!("  ({}, {:.2} s)", finished.status, finished.elapsed.as_secs_f64());
    }
    Ok(())
}
