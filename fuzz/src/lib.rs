//! Fuzzing of everything in `reach` that reads foreign bytes; see `fuzz/README.md`.
//!
//! * [`parsers`]: what is done with an input and what has to hold then, one plain function for each target.
//!   The tests of the workspace include the same file and replay the corpus with it.
//! * [`mutate`]: changes to recordings that leave them readable.

pub mod mutate;
pub mod parsers;
