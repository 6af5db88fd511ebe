//! `reach export`: what a watch remembers, for other programs.

mod formats;
mod rows;

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use self::formats::{CsvTable, JsonTable, ParquetTable, Sink};
use super::{
    asking,
    incidents::Trouble,
    memory::{self, Memory, MemoryError},
};
use crate::{
    cli::{ExportArgs, ExportFormat, ExportWhat},
    config::{
        Surroundings,
        moment::{Now, moment},
        watch::span,
    },
    exit::Exit,
    output::{complain, note, shown},
};

/// Runs the command.
pub fn run(args: &ExportArgs, around: &Surroundings) -> Exit {
    let to_screen = args.output == Path::new("-");
    if to_screen && args.format == ExportFormat::Parquet && io::stdout().is_terminal() {
        return complain(&["Parquet is not for a screen; name a file with -o".to_owned()]);
    }
    let path = match memory::place(&args.memory, asking::world(around)) {
        Ok(path) => path,
        Err(problems) => return complain(&problems),
    };
    let memory = match memory::open(&path) {
        Ok(memory) => memory,
        Err(error) => return Trouble::from(error).told(),
    };
    let out: Box<dyn Write + Send> = if to_screen {
        Box::new(io::stdout())
    } else {
        match File::create(&args.output) {
            Ok(file) => Box::new(file),
            Err(error) => {
                let name = shown(&args.output.to_string_lossy());
                return complain(&[format!("-o `{name}` cannot be written: {error}")]);
            }
        }
    };
    match export(args, &*memory, out, &Now::look()) {
        Ok(()) => Exit::AllWork,
        // `reach export | head` is no failure.
        Err(Trouble::Memory(MemoryError::Output(error))) if error.kind() == io::ErrorKind::BrokenPipe => {
            Exit::AllWork
        }
        Err(Trouble::Memory(MemoryError::Output(error))) => {
            note(&format!("the export could not be written: {error}"));
            Exit::CouldNotTell
        }
        Err(trouble) => trouble.told(),
    }
}

fn export(
    args: &ExportArgs,
    memory: &dyn Memory,
    out: Box<dyn Write + Send>,
    now: &Now,
) -> Result<(), Trouble> {
    let from = moment("--from", &args.from, now)?;
    let until = args.to.as_deref().map_or(Ok(now.time()), |text| moment("--to", text, now))?;
    if until <= from {
        return Err("--to is no later than --from".to_owned().into());
    }
    let step = span("--step", &args.step, Duration::from_secs(1), Duration::from_secs(366 * 86_400))?;
    let known = memory.targets()?;
    let targets = match &args.target {
        Some(pattern) => memory::wanted(&known, pattern)?,
        None => known.iter().collect(),
    };
    let columns = rows::columns(args.what);
    let out = BufWriter::new(out);
    let mut sink: Box<dyn Sink> = match args.format {
        ExportFormat::Csv => Box::new(CsvTable::new(out, columns)?),
        ExportFormat::Jsonl => Box::new(JsonTable::new(out, columns)),
        ExportFormat::Parquet => Box::new(ParquetTable::new(out, columns)?),
    };
    match args.what {
        ExportWhat::Samples => rows::samples(memory, &targets, from, until, &mut *sink)?,
        ExportWhat::Rollups => rows::rollups(memory, &targets, (from, until), step, &mut *sink)?,
        ExportWhat::Transitions => rows::transitions(memory, &targets, from, until, &mut *sink)?,
        ExportWhat::Incidents => rows::incidents(memory, args.target.as_deref(), from, until, &mut *sink)?,
    }
    Ok(sink.finish()?)
}

#[cfg(test)]
mod tests;
