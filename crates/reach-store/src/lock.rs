//! One writer for one file.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::Error;

/// Held as long as somebody writes. The lock is on a file of its own beside the store: to open and close the
/// store itself would let go of the locks that SQLite has on it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a store and says whose it is; refuses where another process has it.
    pub(crate) fn take(store: &Path) -> Result<Self, Error> {
        let path = beside(store, "-lock");
        let fault = |source| Error::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Without the number the error says what matters.
                let _ = file.take(20).read_to_string(&mut text);
                return Err(Error::InUse { path: store.to_owned(), pid: text.trim().parse().ok() });
            }
            Err(TryLockError::Error(source)) => return Err(fault(source)),
        }
        note_holder(&mut file).map_err(fault)?;
        Ok(Self { _file: file })
    }
}

/// The name of a file that belongs to the store.
pub(crate) fn beside(store: &Path, suffix: &str) -> PathBuf {
    let mut name = store.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

fn note_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
