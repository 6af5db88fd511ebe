//! The packets that go with a report: a file that is named, counted and, where it is small, put inside.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use reach_report::{document::LARGEST_INSIDE, report::Capture};

use super::sources::Source;
use crate::{captures::Counter, cli::ReportArgs, output::shown};

/// The file that is meant: the one that was named, or the one beside the only recording.
pub(super) fn meant(args: &ReportArgs, sources: &[Source]) -> Option<PathBuf> {
    if args.pcap.is_some() {
        return args.pcap.clone();
    }
    match sources {
        [Source::Recording(path)] => ["pcapng", "pcap"]
            .map(|extension| path.with_extension(extension))
            .into_iter()
            .find(|path| path.is_file()),
        _ => None,
    }
}

/// Reads it, piece by piece.
pub(super) fn read(path: &Path) -> Result<Capture, String> {
    let name = shown(&path.to_string_lossy());
    let trouble = |error: io::Error| format!("--pcap `{name}` cannot be read: {error}");
    let file = File::open(path).map_err(trouble)?;
    if !file.metadata().map_err(trouble)?.is_file() {
        return Err(format!("--pcap `{name}` is no file"));
    }
    let mut reader = BufReader::new(file);
    let mut digest = Context::new(&SHA256);
    let mut counter = Counter::default();
    let mut kept = Some(Vec::new());
    let mut size = 0_u64;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = reader.read(&mut piece).map_err(trouble)?;
        if read == 0 {
            break;
        }
        let bytes = &piece[..read];
        size += read as u64;
        digest.update(bytes);
        counter.take(bytes);
        if let Some(so_far) = &mut kept {
            if so_far.len() + read <= LARGEST_INSIDE {
                so_far.extend_from_slice(bytes);
            } else {
                kept = None;
            }
        }
    }
    let counted = counter.counted();
    if counted.is_none() {
        return Err(format!(
            "--pcap `{name}` is neither pcap nor pcapng; `reach check --pcap FILE` writes one"
        ));
    }
    let sha256 = digest.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Capture { name, size, sha256, packets: counted, synthesised: counter.synthesised(), bytes: kept })
}
