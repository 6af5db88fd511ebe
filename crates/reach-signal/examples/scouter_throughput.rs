//! How many datagrams of Scouter agents one core understands a second: `benches/scouter` runs it.
//!
//! The recorded incident is understood again and again, each time as that of another second, first the bytes alone
//! and then with all that follows from them.

#![forbid(unsafe_code)]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use reach_core::Time;
use reach_signal::scouter::{
    dictionary::Dictionary,
    reading::{Reading, Settings},
    wire::packs,
};

const INCIDENT: &str = include_str!("../tests/data/scouter/incident.jsonl");

/// How long each is measured.
const SPAN: Duration = Duration::from_secs(3);

fn main() {
    let datagrams: Vec<Vec<u8>> = INCIDENT.lines().map(bytes).collect();
    let size: usize = datagrams.iter().map(Vec::len).sum();
    let held: usize = datagrams.iter().filter_map(|one| packs(one).ok()).map(|(packs, ..)| packs.len()).sum();
    println!(
        "{} recorded datagrams with {held} packs, {} bytes on average",
        datagrams.len(),
        size / datagrams.len()
    );

    measure("read", &datagrams, |_, datagram| {
        black_box(packs(datagram).is_ok());
    });
    let settings = Settings { source: "apm".into(), objects: vec![], asks: false };
    let mut reading = Reading::new(settings, Dictionary::default());
    let mut signals = 0;
    measure("understood", &datagrams, |round, datagram| {
        let now = Time::from_micros(1_795_335_254_000_000) + Duration::from_millis(round);
        for pack in packs(datagram).map(|(packs, ..)| packs).unwrap_or_default() {
            reading.heard(now, &pack);
        }
        if round % 100 == 0 {
            reading.poll(now);
            signals += reading.signals().len();
        }
    });
    println!("{signals} signals");
}

fn measure(what: &str, datagrams: &[Vec<u8>], mut each: impl FnMut(u64, &[u8])) {
    let (start, mut count) = (Instant::now(), 0_u64);
    while start.elapsed() < SPAN {
        for datagram in datagrams {
            each(count, datagram);
            count += 1;
        }
    }
    let nanos = start.elapsed().as_nanos() / u128::from(count);
    println!("{what}: {} datagrams a second, {nanos} ns each", 1_000_000_000 / nanos.max(1));
}

/// The bytes of a recorded line: what stands behind `"hex":`.
fn bytes(line: &str) -> Vec<u8> {
    let hex =
        line.split_once("\"hex\":\"").and_then(|(_, rest)| rest.split_once('"')).map_or("", |(hex, _)| hex);
    (0..hex.len()).step_by(2).filter_map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}
