//! Arguments of `reach ping`.

use clap::{Args, ValueHint};

use super::OutputArgs;

/// Arguments of `reach ping`.
#[derive(Debug, Args)]
pub struct PingArgs {
    /// What to reach
    #[arg(value_name = "TARGET", required = true, value_hint = ValueHint::Hostname)]
    pub targets: Vec<String>,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}
