//! Secrets of channels: from the configuration itself, a file, the environment or a credential of systemd.

use std::path::Path;

use secrecy::SecretString;

use super::settings::Place;
use crate::config::secret::{Source, read};

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
        let file = file.map(|file| self.place.directory.join(file));
        let source = match (inline, &file, env, credential) {
            (Some(inline), ..) => return Some(inline.clone()),
            (None, Some(file), ..) => Source::File(file),
            (None, None, Some(name), _) => Source::Variable(name),
            (None, None, None, Some(name)) => Source::Credential(name),
            (None, None, None, None) => return None,
        };
        let found = read(source, self.place.variable);
        found.map_err(|problem| self.problems.push((key, format!("is missing: {problem}")))).ok()
    }
}
