//! `reach config password` and `reach config token`: what the configuration keeps of passwords and tokens.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    os::fd::AsFd,
};

use nix::sys::termios::{self, LocalFlags, SetArg, SpecialCharacterIndices, Termios};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    cli::{ConfigTokenArgs, TokenRole},
    exit::Exit,
    output::{complain, finish, note, shown},
    web::door,
};

/// The fewest characters of a password, and the most bytes.
const SHORTEST: usize = 8;
const LONGEST: u64 = 1024;

/// What `^C` is as a character.
const INTERRUPT: u8 = 0x03;

/// Asks for a password, and prints the line that has its hash.
pub(super) fn password() -> Exit {
    let asked = if io::stdin().is_terminal() { ask_twice() } else { first_line(io::stdin().lock()) };
    let password = match asked {
        Ok(password) => password,
        Err(trouble) => return trouble.told(),
    };
    if let Err(problem) = check(password.expose_secret()) {
        return complain(&[problem]);
    }
    match door::password_hash(password.expose_secret()) {
        // A PHC string has nothing in it that TOML escapes.
        Ok(hash) => finish(&format!("password = \"{hash}\"\n"), Exit::AllWork),
        Err(error) => {
            note(&format!("the password cannot be hashed: {error}"));
            Exit::CouldNotTell
        }
    }
}

/// Makes a token, and prints it with the lines that have its hash.
pub(super) fn token(args: &ConfigTokenArgs) -> Exit {
    if let Err(why) = door::check_name(&args.name) {
        return complain(&[format!("`{}`: {why}", shown(&args.name))]);
    }
    let (token, hash) = door::new_token();
    let role = match args.role {
        TokenRole::Viewer => "viewer",
        TokenRole::Operator => "operator",
    };
    let name = toml::Value::String(args.name.clone());
    let said = format!("{token}\n\n[[http.token]]\nname = {name}\nhash = \"{hash}\"\nrole = \"{role}\"\n");
    finish(&said, Exit::AllWork)
}

/// Why there is no password.
enum Trouble {
    /// What was typed.
    Typed(String),
    /// The terminal.
    System(io::Error),
}

impl Trouble {
    fn told(self) -> Exit {
        match self {
            Trouble::Typed(problem) => complain(&[problem]),
            Trouble::System(error) => {
                note(&format!("the password cannot be asked for: {error}"));
                Exit::CouldNotTell
            }
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::System(error)
    }
}

fn check(password: &str) -> Result<(), String> {
    if password.chars().count() < SHORTEST {
        return Err(format!(
            "a password has {SHORTEST} characters at least; several words are easy to keep in mind"
        ));
    }
    if password.chars().any(char::is_control) {
        return Err("the password has characters that no form can send".to_owned());
    }
    Ok(())
}

fn first_line(input: impl BufRead) -> Result<SecretString, Trouble> {
    let mut line = String::new();
    let read = input.take(LONGEST + 2).read_line(&mut line);
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(Trouble::Typed("the password is no UTF-8 text".to_owned()));
        }
        Err(error) => return Err(error.into()),
    }
    let password = line.strip_suffix('\n').unwrap_or(&line);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.len() as u64 > LONGEST {
        return Err(Trouble::Typed(format!("a password has {LONGEST} bytes at most")));
    }
    Ok(password.into())
}

fn ask_twice() -> Result<SecretString, Trouble> {
    let first = ask("Password: ")?;
    // Whoever typed too little need not type it again.
    check(first.expose_secret()).map_err(Trouble::Typed)?;
    let second = ask("Once more: ")?;
    if first.expose_secret() != second.expose_secret() {
        return Err(Trouble::Typed("the two passwords differ; begin again".to_owned()));
    }
    Ok(first)
}

/// Asks on standard error: standard output is for the line.
fn ask(question: &str) -> Result<SecretString, Trouble> {
    let mut error = io::stderr();
    let _ = write!(error, "{question}").and_then(|()| error.flush());
    let typed = {
        let _quiet = Quiet::begin()?;
        first_line(io::stdin().lock())
    };
    let _ = writeln!(error);
    let typed = typed?;
    if typed.expose_secret().bytes().any(|byte| byte == INTERRUPT) {
        return Err(Trouble::Typed("nothing was made".to_owned()));
    }
    Ok(typed)
}

/// A terminal that does not show what is typed, until this is dropped. It sends no signals meanwhile: one would leave it
/// as it is.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let input = io::stdin();
        let before = termios::tcgetattr(input.as_fd())?;
        let mut wanted = before.clone();
        wanted.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
        wanted.local_flags.insert(LocalFlags::ICANON);
        wanted.control_chars[SpecialCharacterIndices::VEOL as usize] = INTERRUPT;
        termios::tcsetattr(input.as_fd(), SetArg::TCSAFLUSH, &wanted)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = termios::tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_as_it_is() {
        let read = |bytes: &[u8]| first_line(bytes).map(|password| password.expose_secret().to_owned()).ok();
        assert_eq!(read(b" two words \r\nmore").as_deref(), Some(" two words "));
        assert_eq!(read("비밀번호는 길게".as_bytes()).as_deref(), Some("비밀번호는 길게"));
        assert_eq!(read(b"\xff\xfe\n"), None);
        assert_eq!(read(&[b'x'; 2000]), None);
        assert!(check("비밀번호는 길게").is_ok());
        assert!(check("short").is_err() && check("tab\tinside").is_err() && check("").is_err());
    }
}
