//! The dictionary on disk: read once, written as a whole, so that it is never half of one.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use reach_signal::scouter::dictionary::Dictionary;
use tokio::task::spawn_blocking;

/// No dictionary is larger: five kinds of text, ten thousand each, of at most 4 KiB.
const LARGEST: u64 = 256 << 20;

/// Where texts are kept.
#[derive(Clone, Debug)]
pub struct Texts {
    path: Option<PathBuf>,
}

impl Texts {
    /// Texts that are kept in a file, or not at all.
    pub fn new(path: Option<PathBuf>) -> Texts {
        Texts { path }
    }

    /// What was kept. A file that is not there yet holds nothing.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or holds something else; it is left as it is.
    pub fn read(&self) -> io::Result<Dictionary> {
        let Some(path) = &self.path else { return Ok(Dictionary::default()) };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Dictionary::default()),
            other => other?,
        };
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        serde_json::from_slice(&bytes)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no dictionary"))
    }

    /// Keeps the texts, if there are new ones.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; what was there is still there then.
    pub fn write(&self, dictionary: &mut Dictionary) -> io::Result<()> {
        match self.due(dictionary)? {
            Some((path, bytes)) => replace(path, &bytes),
            None => Ok(()),
        }
    }

    /// Keeps the texts, if there are new ones, and lets nobody wait for the disk meanwhile.
    ///
    /// # Errors
    ///
    /// When the file cannot be written; what was there is still there then.
    pub async fn write_aside(&self, dictionary: &mut Dictionary) -> io::Result<()> {
        let Some((path, bytes)) = self.due(dictionary)? else { return Ok(()) };
        let path = path.to_owned();
        spawn_blocking(move || replace(&path, &bytes))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn due(&self, dictionary: &mut Dictionary) -> io::Result<Option<(&Path, Vec<u8>)>> {
        let Some(path) = self.path.as_deref().filter(|_| dictionary.changed()) else { return Ok(None) };
        Ok(Some((path, serde_json::to_vec(dictionary)?)))
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = File::create(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&new, path));
    if placed.is_err() {
        // Half a file beside the whole one would only confuse.
        let _ = fs::remove_file(&new);
    }
    placed
}

#[cfg(test)]
mod tests {
    use reach_signal::scouter::dictionary::TextKind;

    use super::*;

    #[test]
    fn texts_are_kept_over_a_restart_and_a_file_of_something_else_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("texts.json");
        let texts = Texts::new(Some(path.clone()));
        let mut dictionary = texts.read().expect("nothing yet");
        dictionary.learn(TextKind::Service, 5, "/svc/주문");
        texts.write(&mut dictionary).expect("written");
        assert_eq!(texts.read().expect("kept").text(TextKind::Service, 5), Some("/svc/주문"));
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);

        fs::write(&path, "{}").expect("written");
        assert!(texts.read().is_err());
        assert_eq!(fs::read_to_string(&path).expect("text"), "{}");
    }
}
