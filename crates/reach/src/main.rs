//! The program `reach`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    reach::main(std::env::args_os().collect()).into()
}
