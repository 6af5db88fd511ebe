//! The directory with a lab's files, which goes with the lab even if the process is killed.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "reach-lab-";
const LOCK: &str = "lock";

/// A directory that every user can enter.
pub(crate) struct Directory {
    files: TempDir,
    /// Locked for as long as the lab lives: the kernel lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Directory {
    /// Makes one, and clears away what killed processes left behind.
    pub(crate) fn new() -> io::Result<Directory> {
        sweep(&std::env::temp_dir());
        let files = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        fs::set_permissions(files.path(), Permissions::from_mode(0o755))?;
        // Locked before it has the name that a sweeper looks for.
        let unnamed = files.path().join("lock.new");
        let lock = File::create(&unnamed)?;
        lock.lock()?;
        fs::rename(&unnamed, files.path().join(LOCK))?;
        Ok(Directory { files, _lock: lock })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.files.path()
    }
}

/// Writes a file that every user can read.
pub(crate) fn write_for_all(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(0o644))
}

/// Removes the directories of this user whose labs are no more.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = File::open(entry.path().join(LOCK));
        if ours && lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            // Somebody else's cannot be removed, which is right.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_lives_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = parent.path().join(format!("{PREFIX}{name}"));
            fs::create_dir(&path).unwrap();
            File::create(path.join(LOCK)).unwrap()
        };
        let living = make("living");
        living.lock().unwrap();
        drop(make("dead"));
        fs::create_dir(parent.path().join("other")).unwrap();
        sweep(parent.path());
        let mut left: Vec<_> = fs::read_dir(parent.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["other", "reach-lab-living"]);
    }
}
