use std::{io, path::PathBuf};

/// Why the store cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes to it.
    #[error("{}: another `reach watch` is using it{}", path.display(), process(*pid))]
    InUse {
        /// The file.
        path: PathBuf,
        /// The other process, where it said.
        pid: Option<u32>,
    },
    /// There is no such file.
    #[error("{}: there is no such file; `reach watch` creates it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{}: this is not a store of reach", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read any more.
    #[error("{}: the store is damaged: put a copy in its place, or move it away to begin anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A newer reach wrote it.
    #[error(
        "{}: written by a newer version of reach (format {found}; this one knows formats up to {known})",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// An older reach wrote it, and whoever only reads cannot change that.
    #[error(
        "{}: written by an older version of reach (format {found}, now {known}); `reach watch` brings it up to date",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that is wanted.
        known: u32,
    },
    /// SQLite before 3.51.3 may damage files in WAL mode.
    #[error("SQLite {found} may damage the store (fixed in 3.51.3): reach has to be built with a newer one")]
    OldSqlite {
        /// The version that was linked.
        found: String,
    },
    /// There is already something where a copy should go.
    #[error("{}: there is already a file of this name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite said no.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}
