//! `reach explain`: what a verdict or a finding means; with text on standard input, what the exceptions in it mean.

use std::io::{self, ErrorKind, IsTerminal, Read};

use reach_report::{explain, failures, json, text};
use reach_signal::exception::{Limits, Reader, Tally};

use crate::{
    cli::{ExplainArgs, nearest},
    config::{Output, Surroundings},
    exit::Exit,
    output::{complain, finish, note, shown},
};

/// Runs the command.
pub fn run(args: &ExplainArgs, around: &Surroundings) -> Exit {
    let output = match Output::new(&args.output, around) {
        Ok(output) => output,
        Err(problem) => return complain(&[problem]),
    };
    if args.code.is_none() && !io::stdin().is_terminal() {
        return exceptions(&mut io::stdin().lock(), &output);
    }
    match answer(args, &output) {
        Ok(text) => finish(&text, Exit::AllWork),
        Err(problem) => complain(&[problem]),
    }
}

/// What the exceptions in a text mean, which may be larger than memory.
fn exceptions(input: &mut impl Read, output: &Output) -> Exit {
    let mut reader = Reader::new(Limits::default());
    let mut tally = Tally::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => reader.bytes(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                note(&format!("standard input could not be read: {error}"));
                return Exit::CouldNotTell;
            }
        }
        reader.take().into_iter().for_each(|failure| {
            tally.add(failure);
        });
    }
    reader.finish().into_iter().for_each(|failure| {
        tally.add(failure);
    });
    let beyond = tally.beyond().saturating_add(reader.lost());
    let counted: Vec<_> =
        tally.finish().into_iter().map(|counted| (counted.failure, counted.count)).collect();
    let text = if output.json {
        super::document(&failures::document(&counted, beyond, output.json_lang))
    } else {
        failures::text(&counted, beyond, &output.style)
    };
    finish(&text, Exit::AllWork)
}

fn answer(args: &ExplainArgs, output: &Output) -> Result<String, String> {
    match &args.code {
        Some(typed) => one(typed, output),
        None => Ok(all(output)),
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
