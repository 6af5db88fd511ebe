//! What can go wrong while a network is made.

use std::io;

/// Why a lab could not be built or used. Each says what would help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The kernel, or a policy on top of it, does not let this user make namespaces.
    #[error("this user may not make network namespaces here ({what}). {remedy}")]
    NamespacesForbidden {
        /// The step that was refused.
        what: String,
        /// The setting or command that would allow it.
        remedy: String,
    },
    /// The process has threads, and the kernel moves only single-threaded processes into a user namespace.
    #[error("a process with several threads cannot isolate itself: call isolate() first thing in main")]
    ThreadsExist,
    /// A program that the lab is made with is not installed.
    #[error("`{tool}` is not in PATH, /usr/sbin or /sbin: install the package {package}")]
    MissingTool {
        /// The program.
        tool: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// `ip` or `nft` refused what it was told.
    #[error("`{command}` failed: {message}")]
    ToolFailed {
        /// What was run, with the text it was given.
        command: String,
        /// What it said.
        message: String,
    },
    /// The description contradicts itself, or asks for what cannot be built.
    #[error("the description of the network is wrong: {0}")]
    BadDescription(String),
    /// The system refused something else.
    #[error("{what}: {source}")]
    System {
        /// What was attempted.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl LabError {
    /// A function that wraps a system error with what was attempted, for `map_err`.
    pub(crate) fn system<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> LabError {
        let what = what.into();
        move |source| LabError::System { what, source: source.into() }
    }
}
