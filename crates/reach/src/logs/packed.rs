//! Compressed files, read as what is in them.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// Zstandard.
    Zstd,
    /// xz.
    Xz,
}

impl Packing {
    /// By the name of a file, as logrotate names them.
    pub(super) fn of(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "gz" => Packing::Gzip,
            "bz2" => Packing::Bzip2,
            "zst" => Packing::Zstd,
            "xz" => Packing::Xz,
            _ => return None,
        })
    }

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// If it does not begin as such a file does. What is wrong later is told when it is read.
    pub(super) fn open(self, file: File) -> io::Result<Box<dyn Read + Send>> {
        let file = BufReader::with_capacity(64 * 1024, file);
        Ok(match self {
            Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(file)),
            Packing::Zstd => {
                let decoder = ruzstd::decoding::StreamingDecoder::new(file);
                Box::new(
                    decoder.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?,
                )
            }
            Packing::Xz => Box::new(lzma_rust2::XzReader::new(file, true)),
        })
    }
}
