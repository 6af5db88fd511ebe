//! Secrets that stand elsewhere than in the configuration: in a file, in the environment, or in a credential of
//! systemd. Whatever goes wrong, no error has any of them.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use crate::output::shown;

/// No secret is longer.
const LONGEST: u64 = 64 * 1024;

/// Where a secret stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// A file that holds nothing else.
    File(&'a Path),
    /// A variable of the environment.
    Variable(&'a str),
    /// A credential of systemd (`LoadCredential=`).
    Credential(&'a str),
}

/// Reads a secret: without the blanks around it, and not empty.
pub(crate) fn read(
    source: Source<'_>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<SecretString, String> {
    match source {
        Source::File(path) => in_file(path),
        Source::Variable(name) => {
            let name_shown = shown(name);
            let value =
                variable(name).ok_or_else(|| format!("the environment has no variable `{name_shown}`"))?;
            not_empty(&value).ok_or_else(|| format!("the variable `{name_shown}` is empty"))
        }
        Source::Credential(name) => {
            let name_shown = shown(name);
            if !is_credential(name) {
                return Err(format!(
                    "`{name_shown}` is no name of a credential; give one like telegram-token"
                ));
            }
            let directory = variable("CREDENTIALS_DIRECTORY").map(PathBuf::from).ok_or_else(|| {
                format!(
                    "systemd gave no credentials; add `LoadCredential={name_shown}:/etc/reach/{name_shown}` to \
                     the unit, or name a file"
                )
            })?;
            in_file(&directory.join(name))
        }
    }
}

/// Whether systemd may have a credential of this name.
pub(crate) fn is_credential(name: &str) -> bool {
    !(name.is_empty() || name.contains('/') || name.starts_with('.'))
}

fn in_file(path: &Path) -> Result<SecretString, String> {
    let name = shown(&path.to_string_lossy());
    let text = text_of(path).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
    not_empty(&text).ok_or_else(|| format!("`{name}` is empty; it has to hold the secret and nothing else"))
}

fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST { Err(io::Error::other("it is longer than any secret")) } else { Ok(text) }
}

fn not_empty(text: &str) -> Option<SecretString> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_found_wherever_it_stands_and_what_is_wrong_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let credentials = directory.path().to_str().expect("text").to_owned();
        fs::write(directory.path().join("token"), "hush\n").expect("written");
        fs::write(directory.path().join("empty"), " \n").expect("written");
        fs::write(directory.path().join("long"), "x".repeat(LONGEST as usize + 1)).expect("written");
        let variable = |name: &str| match name {
            "TOKEN" => Some("hush ".to_owned()),
            "EMPTY" => Some(String::new()),
            "CREDENTIALS_DIRECTORY" => Some(credentials.clone()),
            _ => None,
        };
        let file = |name: &str| directory.path().join(name);
        let token = file("token");
        for source in [Source::File(&token), Source::Variable("TOKEN"), Source::Credential("token")] {
            let found = read(source, &variable).unwrap_or_else(|problem| panic!("{source:?}: {problem}"));
            assert_eq!(found.expose_secret(), "hush");
        }
        let (empty, long, none) = (file("empty"), file("long"), file("none"));
        for (source, told) in [
            (Source::File(&empty), "is empty; it has to hold"),
            (Source::File(&long), "longer than any secret"),
            (Source::File(&none), "cannot be read"),
            (Source::Variable("EMPTY"), "the variable `EMPTY` is empty"),
            (Source::Variable("UNSET"), "no variable `UNSET`"),
            (Source::Credential("../token"), "is no name of a credential"),
            (Source::Credential("none"), "cannot be read"),
        ] {
            let problem = read(source, &variable).expect_err("wrong");
            assert!(problem.contains(told), "{problem}");
        }
        let problem = read(Source::Credential("token"), &|_| None).expect_err("none given");
        assert!(problem.contains("LoadCredential=token:/etc/reach/token"), "{problem}");
    }
}
