//! Secrets: from a file, the environment, a credential of systemd, or, with a warning, the configuration itself.
//! Whatever goes wrong, no error has any of it.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::{World, name_of, sheet::Section};

/// The keys under which a secret may stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecretKeys {
    /// The secret itself.
    pub(super) inline: &'static str,
    /// A file that has it.
    pub(super) file: &'static str,
    /// A variable of the environment that has it.
    pub(super) env: &'static str,
    /// A credential of systemd (`LoadCredential=`) that has it.
    pub(super) credential: &'static str,
}

/// No secret is longer.
const LONGEST: u64 = 64 * 1024;

/// Where secrets come from.
#[derive(Clone, Copy)]
pub(super) struct Vault<'a> {
    /// The directory that relative names start from: that of the configuration.
    pub(super) directory: &'a Path,
    pub(super) world: World<'a>,
}

impl Vault<'_> {
    /// The secret under one of the keys; `None` where there is none, or where it cannot be read, which is noted.
    pub(super) fn take(&self, section: &Section<'_, '_>, keys: SecretKeys) -> Option<SecretString> {
        let all = [keys.inline, keys.file, keys.env, keys.credential];
        let given: Vec<&'static str> = all.into_iter().filter(|key| section.has(key)).collect();
        if let [first, .., last] = given[..] {
            section.wrong(last, format!("`{first}` says the same already; leave one of them out"));
            return None;
        }
        let found = match *given.first()? {
            key if key == keys.inline => section.text(key),
            key if key == keys.file => section.parsed(key, |name| self.in_file(&self.directory.join(name))),
            key if key == keys.env => section.parsed(key, |name| self.in_environment(name)),
            key => section.parsed(key, |name| self.in_credential(name)),
        };
        found.map(SecretString::from)
    }

    fn in_file(&self, path: &Path) -> Result<String, String> {
        let name = name_of(path);
        let text = read(path).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
        not_empty(text)
            .ok_or_else(|| format!("`{name}` is empty; it has to hold the secret and nothing else"))
    }

    fn in_environment(&self, name: &str) -> Result<String, String> {
        let shown = crate::output::shown(name);
        let value = (self.world.variable)(name)
            .ok_or_else(|| format!("the environment has no variable `{shown}`"))?;
        not_empty(value).ok_or_else(|| format!("the variable `{shown}` is empty"))
    }

    fn in_credential(&self, name: &str) -> Result<String, String> {
        let shown = crate::output::shown(name);
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(format!("`{shown}` is no name of a credential; give one like telegram-token"));
        }
        let directory = (self.world.variable)("CREDENTIALS_DIRECTORY").map(PathBuf::from).ok_or_else(|| {
            format!(
                "systemd gave no credentials; add `LoadCredential={shown}:/etc/reach/{shown}` to the unit, \
                 or name a file"
            )
        })?;
        self.in_file(&directory.join(name))
    }
}

/// Whether everybody on this host may read a file.
pub(super) fn is_open_to_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST { Err(io::Error::other("it is longer than any secret")) } else { Ok(text) }
}

fn not_empty(text: String) -> Option<String> {
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}
