//! Secrets of channels: from the configuration itself, a file, the environment or a credential of systemd.

use std::{fs::File, io::Read, path::Path};

use secrecy::SecretString;

use super::settings::Place;
use crate::output::shown;

/// No secret is longer.
const LONGEST: u64 = 64 * 1024;

/// Looks secrets up and notes what is wrong with them.
pub(super) struct Secrets<'a> {
    pub(super) place: Place<'a>,
    pub(super) problems: Vec<(&'static str, String)>,
}

impl Secrets<'_> {
    /// The secret of a key, from wherever it is said to be.
    pub(super) fn take(
        &mut self,
        key: &'static str,
        inline: &Option<SecretString>,
        file: Option<&Path>,
        env: Option<&str>,
        credential: Option<&str>,
    ) -> Option<SecretString> {
        let given = [inline.is_some(), file.is_some(), env.is_some(), credential.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            let problem = format!(
                "is given more than once; leave one of {key}, {key}_file, {key}_env, {key}_credential"
            );
            self.problems.push((key, problem));
            return None;
        }
        let found = match (inline, file, env, credential) {
            (Some(inline), ..) => return Some(inline.clone()),
            (None, Some(file), ..) => self.of_file(&self.place.directory.join(file)),
            (None, None, Some(name), _) => self.of_environment(name),
            (None, None, None, Some(name)) => self.of_credential(name),
            (None, None, None, None) => return None,
        };
        found.map_err(|problem| self.problems.push((key, problem))).ok().map(SecretString::from)
    }

    fn of_file(&self, path: &Path) -> Result<String, String> {
        let name = shown(&path.to_string_lossy());
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST).read_to_string(&mut text))
            .map_err(|error| format!("cannot be read from `{name}`: {error}"))?;
        not_empty(&text).ok_or_else(|| format!("is to be read from `{name}`, which is empty"))
    }

    fn of_environment(&self, name: &str) -> Result<String, String> {
        let value = (self.place.variable)(name);
        let value = value.as_deref().and_then(not_empty);
        value.ok_or_else(|| format!("is to be in the variable `{}`, which is not set or empty", shown(name)))
    }

    fn of_credential(&self, name: &str) -> Result<String, String> {
        let name_shown = shown(name);
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(format!("has `{name_shown}`, which is no name of a credential"));
        }
        let directory = (self.place.variable)("CREDENTIALS_DIRECTORY").ok_or_else(|| {
            format!("is to be a credential; add `LoadCredential={name_shown}:FILE` to the unit")
        })?;
        self.of_file(&Path::new(&directory).join(name))
    }
}

fn not_empty(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
