//! `reach explain`: what a verdict or a finding means.

use std::io::{self, IsTerminal};

use reach_report::{explain, json, text};

use crate::{
    cli::{ExplainArgs, nearest},
    config::{Output, Surroundings},
    exit::Exit,
    output::{complain, finish, shown},
};

/// Runs the command.
pub fn run(args: &ExplainArgs, around: &Surroundings) -> Exit {
    match answer(args, around, io::stdin().is_terminal()) {
        Ok(text) => finish(&text, Exit::AllWork),
        Err(problem) => complain(&[problem]),
    }
}

fn answer(args: &ExplainArgs, around: &Surroundings, at_terminal: bool) -> Result<String, String> {
    let output = Output::new(&args.output, around)?;
    match &args.code {
        Some(typed) => one(typed, &output),
        None if at_terminal => Ok(all(&output)),
        None => Err("exception texts on standard input are understood from a later version on; \
                     give a code, as in `reach explain filtered`"
            .to_owned()),
    }
}

fn one(typed: &str, output: &Output) -> Result<String, String> {
    let code = typed.trim().to_lowercase().replace(['_', ' '], "-");
    let Some(explanation) = explain::explain(&code, output.style.lang) else {
        let meant = nearest(&code, explain::codes()).map_or_else(
            || "`reach explain` on a terminal lists all codes".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        return Err(format!("`{}` is no code of a verdict or a finding; {meant}", shown(typed)));
    };
    Ok(if output.json {
        super::document(&json::explain(&[explanation.code], output.json_lang))
    } else {
        text::explain(&explanation, &output.style)
    })
}

fn all(output: &Output) -> String {
    if output.json {
        super::document(&json::explain(&explain::codes(), output.json_lang))
    } else {
        text::codes(&output.style)
    }
}
