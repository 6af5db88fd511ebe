//! How many lines of a log one core understands a second, without files that grow: `log_throughput FILE…`.

#![forbid(unsafe_code)]

use std::{env, error::Error, fs, time::Instant};

use jiff::tz::TimeZone;
use reach_core::{Time, signal::Origin};
use reach_signal::log::{LogPlan, LogReader, exceptions};

/// As large as the pieces in which files are read.
const PIECE: usize = 256 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    for path in env::args().skip(1) {
        let bytes = fs::read(&path)?;
        let start = Instant::now();
        let mut reader = LogReader::new(LogPlan::new(Origin::default(), TimeZone::UTC), exceptions());
        let now = Time::from_micros(1_795_335_254_000_000);
        let mut signals = 0;
        for piece in bytes.chunks(PIECE) {
            reader.bytes(piece, now, now);
            signals += reader.take().len();
        }
        reader.finish(now);
        signals += reader.take().len();
        let (lines, seconds) = (reader.tally().lines, start.elapsed().as_secs_f64());
        let each = seconds * 1e9 / lines.max(1) as f64;
        println!(
            "{path}: {lines} lines, {:.0} a second, {each:.0} ns each, {signals} signals",
            lines as f64 / seconds
        );
    }
    Ok(())
}
