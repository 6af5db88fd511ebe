//! How far logs were read, from run to run: one small file for each source, replaced as a whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use reach_core::Time;
use reach_signal::log::counts::Counts;
use serde::{Deserialize, Serialize};

use super::follow::Place;

/// How far a source was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The form of this.
    pub schema: u32,
    /// What was changed until then was looked at.
    pub known_until: Time,
    /// Files.
    pub places: Vec<Place>,
    /// What belongs to the names under which they are written.
    pub lineages: Vec<KeptLineage>,
    /// Where to go on in the journal.
    pub cursor: Option<String>,
}

/// What is kept of one log, whatever its files are called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeptLineage {
    /// Its name.
    pub path: PathBuf,
    /// Requests that were not given yet, and until when they were.
    pub counts: Counts,
    /// A record that was given may go on.
    pub is_within_record: bool,
}

const SCHEMA: u32 = 1;
/// No list of places is longer, in bytes.
const LONGEST: u64 = 64 << 20;

impl Kept {
    /// Reads what was kept; `None` where nothing was.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not what was written.
    pub fn load(path: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::metadata(path) {
            Ok(found) if found.len() > LONGEST => return Err(io::ErrorKind::InvalidData.into()),
            Ok(_) => fs::read(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let kept: Self = serde_json::from_slice(&bytes)?;
        if kept.schema == SCHEMA { Ok(Some(kept)) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// Writes it, so that at any time the old or the new one is there as a whole.
    ///
    /// # Errors
    ///
    /// If it cannot be written: then the old one is still there.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let directory = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        let beside = path.with_extension("new");
        let mut file = File::create(&beside)?;
        let whole = Self { schema: SCHEMA, ..self.clone() };
        file.write_all(&serde_json::to_vec(&whole)?)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(directory)?.sync_all()
    }

    /// The file for a source of this name in the state of a watch.
    pub fn path(state: &Path, source: &str) -> PathBuf {
        let mut name = String::new();
        for byte in source.bytes().take(80) {
            if byte.is_ascii_alphanumeric() || byte == b'-' {
                name.push(char::from(byte));
            } else {
                name.push_str(&format!("_{byte:02x}"));
            }
        }
        state.join("logs").join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again_and_what_is_broken_is_told() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = Kept::path(directory.path(), "push/서버 1");
        assert_eq!(Kept::load(&path).expect("nothing is no error"), None);
        let kept = Kept { cursor: Some("s=1".to_owned()), ..Kept::default() };
        kept.save(&path).expect("written");
        kept.save(&path).expect("written again");
        assert_eq!(Kept::load(&path).expect("read").and_then(|kept| kept.cursor), Some("s=1".to_owned()));
        fs::write(&path, "{\"schema\":1").expect("written");
        assert!(Kept::load(&path).is_err());
        fs::write(&path, "{\"schema\":99,\"known_until\":0,\"places\":[],\"lineages\":[],\"cursor\":null}")
            .expect("written");
        assert!(Kept::load(&path).is_err());
    }

    #[test]
    fn names_of_sources_make_names_of_files() {
        let path = Kept::path(Path::new("/var/lib/reach"), "../a b");
        assert_eq!(path, Path::new("/var/lib/reach/logs/_2e_2e_2fa_20b.json"));
    }
}
