//! How the program ends.

use std::process::ExitCode;

use reach_core::model::State;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: every usable address works, or what was asked for is done.
    AllWork,
    /// 1: at least one address does not work, or a name does not resolve.
    SomeFail,
    /// 2: the command line or the configuration is wrong.
    Usage,
    /// 3: the tool could not do its work, or could not tell.
    CouldNotTell,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Exit::AllWork => 0,
            Exit::SomeFail => 1,
            Exit::Usage => 2,
            Exit::CouldNotTell => 3,
        }
    }

    /// Of a check with these conclusions: a failure that was seen outweighs one that could not be excluded.
    pub fn of_states(states: impl IntoIterator<Item = State>) -> Exit {
        states.into_iter().map(Exit::of_state).fold(Exit::AllWork, |worst, exit| match (worst, exit) {
            (Exit::SomeFail, _) | (_, Exit::SomeFail) => Exit::SomeFail,
            (Exit::CouldNotTell, _) | (_, Exit::CouldNotTell) => Exit::CouldNotTell,
            _ => Exit::AllWork,
        })
    }

    const fn of_state(state: State) -> Exit {
        match state {
            State::Reachable => Exit::AllWork,
            State::PartlyReachable | State::Unreachable | State::Unresolved => Exit::SomeFail,
            State::Inconclusive => Exit::CouldNotTell,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_outweighs_a_doubt_and_a_doubt_outweighs_success() {
        use State::{Inconclusive, PartlyReachable, Reachable, Unreachable, Unresolved};
        for (states, code) in [
            (&[] as &[State], 0),
            (&[Reachable, Reachable], 0),
            (&[Reachable, PartlyReachable], 1),
            (&[Unreachable], 1),
            (&[Unresolved, Reachable], 1),
            (&[Reachable, Inconclusive], 3),
            (&[Inconclusive, Unreachable], 1),
            (&[Unreachable, Inconclusive, Reachable], 1),
        ] {
            assert_eq!(Exit::of_states(states.iter().copied()).code(), code, "{states:?}");
        }
    }
}
