//! The body of an answer, as much of it as is wanted.

use std::{
    fmt,
    io::{self, Read},
};

use flate2::read::{DeflateDecoder, GzDecoder};
use http_body_util::BodyExt;
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use super::{HttpSpec, trip::Answer};

/// The most bytes that are kept for expressions or for unpacking, where the module sets no limit.
const MOST_KEPT: u64 = 64 * 1024 * 1024;

/// The most bytes that an unpacked body is counted to.
const MOST_UNPACKED: u64 = 1024 * 1024 * 1024;

/// What was read.
pub(super) struct Contents {
    /// All of it, where it was to be kept.
    pub(super) bytes: Vec<u8>,
    /// How many bytes, unpacked.
    pub(super) length: u64,
    /// Why it is not all.
    pub(super) error: Option<BodyError>,
}

/// Why a body could not be read to its end.
#[derive(Debug)]
pub(super) struct BodyError {
    what: String,
    pub(super) is_timeout: bool,
    /// It is not even packed: nothing was read that could be matched.
    pub(super) is_plain: bool,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl BodyError {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), is_timeout: false, is_plain: false }
    }
}

/// Reads the body until its end, the limit of the module, or the deadline.
pub(super) async fn read(spec: &HttpSpec, answer: &mut Answer, keep: bool, deadline: Instant) -> Contents {
    let limit = Some(spec.body_size_limit.0).filter(|&limit| limit > 0);
    let packed = ["gzip", "deflate"].into_iter().find(|&name| spec.compression.eq_ignore_ascii_case(name));
    let keeps = keep || packed.is_some();
    let mut read = Contents { bytes: Vec::new(), length: 0, error: None };
    let most = if packed.is_none() { limit.unwrap_or(u64::MAX) } else { u64::MAX };
    loop {
        let frame = match timeout_at(deadline, answer.body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(error))) => {
                read.error = Some(BodyError::new(error.to_string()));
                break;
            }
            Err(_) => {
                read.error = Some(BodyError { is_timeout: true, ..BodyError::new("timed out") });
                break;
            }
        };
        let Some(data) = frame.data_ref() else { continue };
        let room = most.saturating_sub(read.length);
        let taken = room.min(data.len() as u64);
        if keeps {
            read.bytes.extend_from_slice(&data[..usize::try_from(taken).unwrap_or(data.len())]);
        }
        read.length += taken;
        if taken < data.len() as u64 {
            read.error = Some(BodyError::new("http: request body too large"));
            break;
        }
        if keeps && read.bytes.len() as u64 > MOST_KEPT {
            read.error = Some(BodyError::new(format!("more than {MOST_KEPT} bytes to be kept")));
            break;
        }
    }
    match packed {
        Some(how) if read.error.is_none() => {
            let packed = read.bytes;
            // Beside the thread that everything else runs on.
            let unpacked = spawn_blocking(move || unpack(&packed, how, limit, keep)).await;
            unpacked.unwrap_or_else(|_| Contents {
                bytes: Vec::new(),
                length: 0,
                error: Some(BodyError::new("cannot be unpacked")),
            })
        }
        _ => read,
    }
}

fn unpack(packed: &[u8], how: &str, limit: Option<u64>, keep: bool) -> Contents {
    let mut reader: Box<dyn Read> = match how {
        "gzip" => Box::new(GzDecoder::new(packed)),
        _ => Box::new(DeflateDecoder::new(packed)),
    };
    let kept = if keep { MOST_KEPT } else { MOST_UNPACKED };
    let most = limit.unwrap_or(kept);
    let mut out = Contents { bytes: Vec::new(), length: 0, error: None };
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = match reader.read(&mut buffer) {
            Ok(0) => return out,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let is_plain = how == "gzip" && !packed.starts_with(&[0x1f, 0x8b]);
                let what = format!("cannot be unpacked: {error}");
                out.error = Some(BodyError { is_plain, ..BodyError::new(what) });
                return out;
            }
        };
        let room = usize::try_from(most - out.length).unwrap_or(usize::MAX).min(length);
        if keep {
            out.bytes.extend_from_slice(&buffer[..room]);
        }
        out.length += room as u64;
        if room < length {
            out.error = Some(BodyError::new("http: request body too large"));
            return out;
        }
    }
}
