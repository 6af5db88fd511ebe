//! `reach man`: manual pages.

use std::io;

use clap_mangen::Man;
use reach_report::Lang;

use crate::{
    cli::{
        ManArgs,
        korean::{definition, manual},
    },
    config::Surroundings,
    exit::Exit,
    output::{finish, note},
};

/// Runs the command.
pub fn run(args: &ManArgs, around: &Surroundings) -> Exit {
    match page(args.command.as_deref(), around.language(args.lang.map(Into::into))) {
        Ok(page) => finish(&page, Exit::AllWork),
        Err(error) => {
            note(&format!("the manual page could not be made: {error}"));
            Exit::CouldNotTell
        }
    }
}

fn page(name: Option<&str>, lang: Lang) -> io::Result<String> {
    let mut reach = definition(lang);
    reach.build();
    let command = match name.and_then(|name| reach.find_subcommand(name)) {
        Some(subcommand) => subcommand.clone(),
        None => reach.disable_help_subcommand(true),
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    let page = String::from_utf8_lossy(&page);
    Ok(match lang {
        Lang::En => page.into_owned(),
        Lang::Ko => manual(&page),
    })
}
