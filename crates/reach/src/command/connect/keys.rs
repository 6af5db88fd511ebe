//! What is typed in a session: text, the escape character, and the commands behind it.

use reach_net::wire::TelnetCommand;

/// `^]`.
pub(super) const ESCAPE: u8 = 0x1d;

/// A command of the escape prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Back to the session.
    Continue,
    /// End the session.
    Quit,
    /// Tell how things are.
    Status,
    /// List the commands.
    Help,
    /// Send something that cannot be typed.
    Send(TelnetCommand),
    /// Send the escape character itself.
    SendEscape,
    /// Send single characters (or else lines).
    Characters(bool),
    /// None of these.
    Unknown(String),
}

impl Command {
    /// Of a line. Words may be shortened as far as they stay distinct.
    pub(super) fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let (first, second, more) = (words.next(), words.next(), words.next());
        let unknown = || Self::Unknown(line.trim().to_owned());
        if more.is_some() {
            return unknown();
        }
        match (first.map(str::to_ascii_lowercase), second.map(str::to_ascii_lowercase)) {
            (None, _) => Self::Continue,
            (Some(first), None) => match first.as_str() {
                "?" => Self::Help,
                word if is(word, "help", 1) => Self::Help,
                word if is(word, "continue", 2) => Self::Continue,
                word if is(word, "quit", 1) || is(word, "close", 2) || word == "exit" => Self::Quit,
                word if is(word, "status", 2) => Self::Status,
                _ => unknown(),
            },
            (Some(first), Some(second)) if is(&first, "send", 2) => match second.as_str() {
                "ip" => Self::Send(TelnetCommand::Interrupt),
                "ayt" => Self::Send(TelnetCommand::AreYouThere),
                "brk" | "break" => Self::Send(TelnetCommand::Break),
                word if is(word, "escape", 1) => Self::SendEscape,
                _ => unknown(),
            },
            (Some(first), Some(second)) if is(&first, "mode", 1) => match second.as_str() {
                word if is(word, "line", 1) => Self::Characters(false),
                word if is(word, "character", 1) => Self::Characters(true),
                _ => unknown(),
            },
            _ => unknown(),
        }
    }
}

/// Whether a word is this one, or its first letters.
fn is(word: &str, whole: &str, least: usize) -> bool {
    word.len() >= least && whole.starts_with(word)
}

/// What was typed up to the escape character, and what behind it, if it was typed.
pub(super) fn until_escape(typed: &[u8]) -> (&[u8], Option<&[u8]>) {
    match typed.iter().position(|&byte| byte == ESCAPE) {
        Some(at) => (&typed[..at], Some(&typed[at + 1..])),
        None => (typed, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_may_be_shortened() {
        for (line, command) in [
            ("", Command::Continue),
            ("  ", Command::Continue),
            ("cont", Command::Continue),
            ("q", Command::Quit),
            ("CLOSE", Command::Quit),
            ("st", Command::Status),
            ("?", Command::Help),
            ("send ip", Command::Send(TelnetCommand::Interrupt)),
            ("send ayt", Command::Send(TelnetCommand::AreYouThere)),
            ("send brk", Command::Send(TelnetCommand::Break)),
            ("send esc", Command::SendEscape),
            ("mode c", Command::Characters(true)),
            ("mode line", Command::Characters(false)),
            ("c", Command::Unknown("c".to_owned())),
            ("send", Command::Unknown("send".to_owned())),
            ("send ip now", Command::Unknown("send ip now".to_owned())),
            ("나가기", Command::Unknown("나가기".to_owned())),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }

    #[test]
    fn the_escape_character_parts_what_is_typed() {
        assert_eq!(until_escape(b"ab\x1dq\n"), (&b"ab"[..], Some(&b"q\n"[..])));
        assert_eq!(until_escape(b"ab"), (&b"ab"[..], None));
    }
}
