//! Values as JSON, deflated where that makes them smaller.

use std::io::{Read, Write};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Serialize, de::DeserializeOwned};

/// No value is larger.
const MOST_BYTES: u64 = 256 << 20;
/// Below this deflating is not worth its time.
const SMALL: usize = 256;

/// Writes a value.
pub(crate) fn pack<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_vec(value)?;
    if json.len() >= SMALL {
        let mut deflated = DeflateEncoder::new(vec![1], Compression::default());
        if let Ok(deflated) = deflated.write_all(&json).and_then(|()| deflated.finish()) {
            return Ok(deflated);
        }
    }
    Ok([&[0], json.as_slice()].concat())
}

/// Reads a value; `None` of anything else.
pub(crate) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match bytes.split_first()? {
        (0, json) => serde_json::from_slice(json).ok(),
        (1, deflated) => {
            let mut json = Vec::new();
            DeflateDecoder::new(deflated).take(MOST_BYTES).read_to_end(&mut json).ok()?;
            serde_json::from_slice(&json).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_and_other_bytes_are_refused() {
        for length in [0, 10, 10_000] {
            let text = "a".repeat(length);
            let packed = pack(&text).expect("text");
            assert!(packed.len() < 300);
            assert_eq!(unpack::<String>(&packed), Some(text));
        }
        for bytes in [&[][..], &[0], &[1, 2, 3], &[2, b'1'], b"\x00{"] {
            assert_eq!(unpack::<u64>(bytes), None);
        }
    }
}
