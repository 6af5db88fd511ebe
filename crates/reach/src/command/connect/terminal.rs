//! The terminal that somebody types at: lines or single characters, and afterwards as it was.

use std::io::{self, IsTerminal, Stdin};

use nix::sys::termios::{self, InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw};
use reach_net::wire::Window;

use super::keys::ESCAPE;

/// How the terminal hands over what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    /// Whole lines, edited by the terminal; echoed by it or not.
    Lines {
        /// Show what is typed.
        echo: bool,
    },
    /// Each key at once, none of them special; echoed by the terminal or not.
    Keys {
        /// Show what is typed.
        echo: bool,
    },
    /// As it was before: for the escape prompt.
    AsBefore,
}

/// The terminal on standard input. What was changed is changed back when this is dropped, whatever the reason.
#[derive(Debug)]
pub(super) struct Terminal {
    input: Stdin,
    before: Termios,
    now: Typing,
}

impl Terminal {
    /// `None` where standard input is no terminal.
    pub(super) fn open() -> Option<Self> {
        let input = io::stdin();
        if !input.is_terminal() {
            return None;
        }
        let before = termios::tcgetattr(&input).ok()?;
        Some(Self { input, before, now: Typing::AsBefore })
    }

    /// Changes how it hands over what is typed.
    pub(super) fn set(&mut self, typing: Typing) {
        if typing != self.now {
            self.now = typing;
            self.apply();
        }
    }

    /// Says it to the kernel again: a shell that stopped us has changed it meanwhile.
    pub(super) fn apply(&self) {
        let mut wanted = self.before.clone();
        match self.now {
            Typing::AsBefore => {}
            Typing::Lines { echo } => {
                // So that erasing takes a whole character, however many bytes it has.
                wanted.input_flags.insert(InputFlags::IUTF8 | InputFlags::ICRNL);
                wanted.local_flags.insert(LocalFlags::ICANON | LocalFlags::ISIG);
                wanted.local_flags.set(LocalFlags::ECHO, echo);
                // The escape character ends a line, so that it is seen at once.
                wanted.control_chars[SpecialCharacterIndices::VEOL as usize] = ESCAPE;
            }
            Typing::Keys { echo } => {
                let output = wanted.output_flags;
                cfmakeraw(&mut wanted);
                wanted.local_flags.set(LocalFlags::ECHO, echo);
                if echo {
                    // The server does not draw the screen, so lines are ours to end.
                    wanted.output_flags = output;
                    wanted.input_flags.insert(InputFlags::IUTF8);
                }
            }
        }
        // Nothing can be done about a terminal that is gone.
        let _ = termios::tcsetattr(&self.input, SetArg::TCSADRAIN, &wanted);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(&self.input, SetArg::TCSANOW, &self.before);
    }
}

/// The size of the terminal, as far as it is known.
pub(super) fn window() -> Window {
    match terminal_size::terminal_size() {
        Some((width, height)) => Window { columns: width.0, rows: height.0 },
        None => Window::default(),
    }
}
