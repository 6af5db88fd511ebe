//! Secrets: from a file, the environment, a credential of systemd, or, with a warning, the configuration itself.
//! Whatever goes wrong, no error has any of it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use secrecy::SecretString;

use super::{World, sheet::Section};
use crate::config::secret::{Source, read};

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
        let read = |source: Source<'_>| read(source, self.world.variable);
        match *given.first()? {
            key if key == keys.inline => section.text(key).map(SecretString::from),
            key if key == keys.file => {
                section.parsed(key, |name| read(Source::File(&self.directory.join(name))))
            }
            key if key == keys.env => section.parsed(key, |name| read(Source::Variable(name))),
            key => section.parsed(key, |name| read(Source::Credential(name))),
        }
    }
}

/// Whether everybody on this host may read a file.
pub(super) fn is_open_to_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}
