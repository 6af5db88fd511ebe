//! Bytes of results and of roll-ups: pure code, total for any bytes.
//!
//! A sealed body is a version, a flag, a CRC-32 and the body, deflated where that makes it smaller:
//!
//! ```text
//! 1 byte  version, 1
//! 1 byte  0: the body follows as it is; 1: deflated (RFC 1951)
//! 4 bytes CRC-32 (that of gzip) of all that follows and of the flag, least byte first
//! …       the body
//! ```
//!
//! What the body holds is told in [`page`] and [`roll`]. Numbers are LEB128 varints; signed ones are
//! zigzagged.

use std::io::{Read, Write};

use flate2::{Compression, Crc, read::DeflateDecoder, write::DeflateEncoder};

pub mod page;
pub mod roll;

/// The version that is written.
const VERSION: u8 = 1;
/// No body is larger: what claims to be is no body of ours.
const MOST_BYTES: u64 = 8 << 20;

/// Whose results they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Track {
    /// The number of the target.
    pub target: u32,
    /// The number of the address, or of the resolver.
    pub series: u32,
    /// How deep the tries go; see `peer.rs`.
    pub layer: u8,
}

/// What came of a try, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It worked and took this long, as [`coarse`] writes it.
    Answered(u16),
    /// It failed with this number of a reason, below 64.
    Failed(u8),
    /// It could not be made.
    Unable,
}

/// The number of a span of microseconds on a logarithmic scale with steps of 1 %: what [`micros`] gives back
/// is off by at most 0.5 % and half a microsecond.
pub fn coarse(micros: u64) -> u16 {
    scale(micros, COARSE)
}

/// The span, in microseconds, of a number that [`coarse`] gave.
pub fn micros(code: u16) -> u64 {
    value(code, COARSE)
}

/// Seals a body.
pub fn seal(body: &[u8]) -> Vec<u8> {
    let mut deflated = DeflateEncoder::new(Vec::with_capacity(body.len() / 2), Compression::new(7));
    // Writing to memory does not fail; if it did, the body would be kept as it is.
    let deflated = deflated.write_all(body).and_then(|()| deflated.finish()).ok();
    let deflated = deflated.filter(|deflated| deflated.len() < body.len());
    let flag = u8::from(deflated.is_some());
    let stored = deflated.as_deref().unwrap_or(body);
    let mut sealed = Vec::with_capacity(stored.len() + 6);
    sealed.extend([VERSION, flag]);
    sealed.extend(checksum(flag, stored).to_le_bytes());
    sealed.extend(stored);
    sealed
}

/// The body of sealed bytes; `None` of anything else.
pub fn unseal(sealed: &[u8]) -> Option<Vec<u8>> {
    let (&[version, flag, a, b, c, d], stored) = sealed.split_first_chunk()?;
    if version != VERSION || checksum(flag, stored) != u32::from_le_bytes([a, b, c, d]) {
        return None;
    }
    match flag {
        0 => Some(stored.to_vec()),
        1 => {
            let mut body = Vec::new();
            DeflateDecoder::new(stored).take(MOST_BYTES + 1).read_to_end(&mut body).ok()?;
            (body.len() as u64 <= MOST_BYTES).then_some(body)
        }
        _ => None,
    }
}

fn checksum(flag: u8, stored: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(&[flag]);
    crc.update(stored);
    crc.sum()
}

const COARSE: f64 = 1.01;
const FINE: f64 = 1.001;

/// As [`coarse`], in steps of 0.1 %.
fn fine(micros: u64) -> u16 {
    scale(micros, FINE)
}

fn fine_micros(code: u16) -> u64 {
    value(code, FINE)
}

fn scale(micros: u64, ratio: f64) -> u16 {
    // 2⁶⁴ is 44,384 steps of 0.1 %: a saturating cast changes nothing.
    ((micros.max(1) as f64).ln() / ratio.ln()).round() as u16
}

fn value(code: u16, ratio: f64) -> u64 {
    ratio.powi(i32::from(code)).round() as u64
}

/// Writes the columns of a body: the length of each, then each.
fn join<const N: usize>(columns: [Vec<u8>; N]) -> Vec<u8> {
    let mut body = Vec::with_capacity(columns.iter().map(Vec::len).sum::<usize>() + 4 * N);
    for column in &columns {
        put(&mut body, column.len() as u64);
    }
    columns.iter().for_each(|column| body.extend(column));
    body
}

/// The columns of a body, all of it.
fn split<const N: usize>(body: &[u8]) -> Option<[Cursor<'_>; N]> {
    let mut cursor = Cursor(body);
    let mut lengths = [0; N];
    for length in &mut lengths {
        *length = usize::try_from(cursor.number()?).ok()?;
    }
    let mut columns = [Cursor(&[]); N];
    for (column, length) in columns.iter_mut().zip(lengths) {
        let (taken, rest) = cursor.0.split_at_checked(length)?;
        (*column, cursor) = (Cursor(taken), Cursor(rest));
    }
    cursor.0.is_empty().then_some(columns)
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, zigzag(number));
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Reads numbers out of bytes.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        self.number().map(unzigzag)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Changes a number by a signed one that bytes gave; `None` where that leaves its range.
fn moved(number: u32, by: i64) -> Option<u32> {
    u32::try_from(i64::from(number).checked_add(by)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_that_does_not_get_smaller_is_kept_as_it_is() {
        let sealed = seal(b"abc");
        assert_eq!(sealed[1], 0);
        assert_eq!(unseal(&sealed).as_deref(), Some(&b"abc"[..]));
        assert_eq!(unseal(&seal(&[])), Some(Vec::new()));
    }

    #[test]
    fn what_inflates_to_more_than_any_body_is_refused() {
        let sealed = seal(&vec![0; MOST_BYTES as usize + 1]);
        assert!(sealed.len() < 20_000, "{}", sealed.len());
        assert_eq!(unseal(&sealed), None);
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_unsealed(body in prop::collection::vec(0_u8..4, 0..2_000)) {
            prop_assert_eq!(unseal(&seal(&body)), Some(body));
        }

        #[test]
        fn one_changed_bit_is_noticed(
            body in prop::collection::vec(any::<u8>(), 0..300),
            place in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let mut sealed = seal(&body);
            let place = place.index(sealed.len());
            sealed[place] ^= 1 << bit;
            prop_assert_eq!(unseal(&sealed), None);
        }

        #[test]
        fn numbers_survive(numbers in prop::collection::vec(any::<i64>(), 0..50)) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|&number| put_signed(&mut bytes, number));
            let mut cursor = Cursor(&bytes);
            for number in numbers {
                prop_assert_eq!(cursor.signed(), Some(number));
            }
            prop_assert!(cursor.is_empty());
        }

        #[test]
        fn spans_are_kept_to_half_a_percent(span in 1_u64..1 << 40) {
            let kept = micros(coarse(span));
            prop_assert!(kept.abs_diff(span) as f64 <= span as f64 * 0.005 + 0.5, "{} for {}", kept, span);
            prop_assert_eq!(micros(coarse(kept)), kept);
            let kept = fine_micros(fine(span));
            prop_assert!(kept.abs_diff(span) as f64 <= span as f64 * 0.0005 + 0.5, "{} for {}", kept, span);
        }
    }
}
