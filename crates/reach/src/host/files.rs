//! Files of the kernel and of processes: small, read whole, never more than a bound.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The most of a file that tells one thing. `mountinfo` of a host of containers is the largest.
const MOST: usize = 4 << 20;

/// Where the kernel shows itself.
#[derive(Clone, Debug)]
pub(super) struct Roots {
    /// `/proc`.
    pub(super) proc: PathBuf,
    /// `/sys`.
    pub(super) sys: PathBuf,
    /// `/tmp`, where JVMs leave their counters.
    pub(super) tmp: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), tmp: "/tmp".into() }
    }
}

impl Roots {
    /// A text of `/proc`, empty where there is none: an old kernel and a missing permission look the same to parsers,
    /// which find nothing.
    pub(super) fn text(&self, path: impl AsRef<Path>) -> String {
        text(&self.proc.join(path))
    }
}

/// A text, empty where it cannot be read.
pub(super) fn text(path: &Path) -> String {
    bytes(path, MOST).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// At most `most` bytes of a file.
pub(super) fn bytes(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    take(File::open(path)?, most)
}

/// The same for a file that belongs to somebody who may wish us ill: no link is followed, and a pipe holds up nobody.
pub(super) fn foreign_bytes(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("this is no file"));
    }
    take(file, most)
}

fn take(file: File, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
