//! `reach man`: manual pages.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::{
    cli::{Cli, ManArgs},
    exit::Exit,
    output::{finish, note},
};

/// Runs the command.
pub fn run(args: &ManArgs) -> Exit {
    match page(args.command.as_deref()) {
        Ok(page) => finish(&String::from_utf8_lossy(&page), Exit::AllWork),
        Err(error) => {
            note(&format!("the manual page could not be made: {error}"));
            Exit::CouldNotTell
        }
    }
}

fn page(name: Option<&str>) -> io::Result<Vec<u8>> {
    let mut reach = Cli::command();
    reach.build();
    let command = match name.and_then(|name| reach.find_subcommand(name)) {
        Some(subcommand) => subcommand.clone(),
        None => reach.disable_help_subcommand(true),
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
