//! `reach export`: what a watch remembers, for other programs.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, IsTerminal, Write},
    path::Path,
    time::Duration,
};

use reach_core::watch::TargetId;
use reach_store::{Reader, Span};

use super::{asking, incidents::Trouble, memory};
use crate::{
    cli::{ExportArgs, ExportFormat, ExportWhat},
    config::{
        Surroundings,
        moment::{Now, moment},
        watch::span,
    },
    exit::Exit,
    export::{ExportError, Exported, Format, What, export},
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
    let wish = memory::reader(&path).map_err(Trouble::from).and_then(|reader| {
        let wish = Wish::of(args, &reader, &path, &Now::look())?;
        Ok((reader, wish))
    });
    let (reader, wish) = match wish {
        Ok(found) => found,
        Err(trouble) => return trouble.told(),
    };
    // Nothing is overwritten for a line that was typed wrong.
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
    match wish.write(&reader, out) {
        Ok(Exported { rows, unreadable_pages: 0 }) => {
            if !to_screen {
                note(&format!("rows written to `{}`: {rows}", shown(&args.output.to_string_lossy())));
            }
            Exit::AllWork
        }
        Ok(Exported { unreadable_pages, .. }) => {
            note(&format!(
                "the export is not complete: of `{}`, {unreadable_pages} damaged pages could not be read",
                shown(&path.to_string_lossy())
            ));
            Exit::CouldNotTell
        }
        // `reach export | head` is no failure.
        Err(ExportError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::AllWork,
        Err(ExportError::Write(error)) => {
            note(&format!("the export could not be written: {error}"));
            Exit::CouldNotTell
        }
        Err(ExportError::Store(error)) => Trouble::from(memory::unreadable(&path, &error)).told(),
    }
}

/// What is asked for.
struct Wish {
    what: What,
    format: Format,
    targets: Option<BTreeSet<TargetId>>,
    span: Span,
}

impl Wish {
    fn of(args: &ExportArgs, reader: &Reader, path: &Path, now: &Now) -> Result<Self, Trouble> {
        let from = moment("--from", &args.from, now)?;
        let until = args.to.as_deref().map_or(Ok(now.time()), |text| moment("--to", text, now))?;
        if until <= from {
            return Err("--to is no later than --from".to_owned().into());
        }
        let step = span("--step", &args.step, Duration::from_secs(1), Duration::from_secs(366 * 86_400))?;
        let targets = match &args.target {
            Some(pattern) => {
                let known = memory::known(reader).map_err(|error| memory::unreadable(path, &error))?;
                Some(memory::wanted(&known, pattern)?.into_iter().map(|target| target.id).collect())
            }
            None => None,
        };
        let what = match args.what {
            ExportWhat::Samples => What::Results,
            ExportWhat::Rollups => What::History(step),
            ExportWhat::Transitions => What::Transitions,
            ExportWhat::Incidents => What::Incidents,
        };
        let format = match args.format {
            ExportFormat::Csv => Format::Csv,
            ExportFormat::Jsonl => Format::JsonLines,
            ExportFormat::Parquet => Format::Parquet,
        };
        Ok(Self { what, format, targets, span: Span { from, until } })
    }

    fn write(&self, reader: &Reader, out: impl Write + Send) -> Result<Exported, ExportError> {
        let mut out = BufWriter::new(out);
        let done = export(reader, self.what, self.format, self.targets.as_ref(), self.span, &mut out)?;
        out.flush()?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests;
