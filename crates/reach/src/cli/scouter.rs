//! Arguments of `reach scouter`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::OutputArgs;

/// Arguments of `reach scouter`.
#[derive(Debug, Args)]
#[command(after_help = SCOUTER_HELP, args_conflicts_with_subcommands = true)]
pub struct ScouterArgs {
    /// Another way than to ask a collector
    #[command(subcommand)]
    pub command: Option<ScouterCommand>,

    /// How to ask a collector
    #[command(flatten)]
    pub ask: ScouterAskArgs,
}

/// What to do with what Scouter says.
#[derive(Debug, Subcommand)]
pub enum ScouterCommand {
    /// Print captured datagrams: every field of every pack
    Decode(ScouterDecodeArgs),
    /// Understand copies of agents' datagrams that arrive here
    Listen(ScouterListenArgs),
    /// Stand between agents and their collector: forward every datagram first, understand it then
    Relay(ScouterRelayArgs),
}

/// How to ask a collector.
#[derive(Debug, Args)]
pub struct ScouterAskArgs {
    /// The collector, HOST or HOST:PORT; it is asked on TCP and only ever asked to read
    #[arg(value_name = "COLLECTOR", default_value = "127.0.0.1", value_hint = ValueHint::Hostname)]
    pub collector: String,

    /// The account [default: the one that a collector takes from its own host without a password]
    #[arg(long, value_name = "ACCOUNT", help_heading = "Login")]
    pub user: Option<String>,

    /// A file that holds the account's password and nothing else
    #[arg(long, value_name = "FILE", requires = "user", help_heading = "Login", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,

    /// A variable of the environment that holds the password
    #[arg(
        long,
        value_name = "NAME",
        requires = "user",
        conflicts_with = "password_file",
        help_heading = "Login"
    )]
    pub password_env: Option<String>,

    /// How often to ask
    #[arg(long, value_name = "DURATION", default_value = "3s", help_heading = "What to look at")]
    pub every: String,

    /// What holds for all ways
    #[command(flatten)]
    pub common: ScouterCommonArgs,
}

/// What holds for all ways.
#[derive(Debug, Args)]
pub struct ScouterCommonArgs {
    /// Only objects whose name or type fits, with * for anything; may be repeated
    #[arg(long, value_name = "PATTERN", help_heading = "What to look at")]
    pub object: Vec<String>,

    /// End after so long, with a summary; otherwise ^C ends it
    #[arg(long = "for", value_name = "DURATION", help_heading = "What to look at")]
    pub ends_after: Option<String>,

    /// Where texts are remembered that agents say only once a day
    #[arg(long, value_name = "FILE", help_heading = "What to look at", value_hint = ValueHint::FilePath)]
    pub texts: Option<PathBuf>,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `reach scouter decode`.
#[derive(Debug, Args)]
#[command(after_help = DECODE_HELP)]
pub struct ScouterDecodeArgs {
    /// Files with one datagram each; - is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `reach scouter listen`.
#[derive(Debug, Args)]
pub struct ScouterListenArgs {
    /// Where copies arrive
    #[arg(value_name = "ADDRESS:PORT", default_value = "127.0.0.1:6100")]
    pub listen: String,

    /// Believe only senders of this network; may be repeated
    #[arg(long, value_name = "NETWORK", help_heading = "What to look at")]
    pub from: Vec<String>,

    /// What holds for all ways
    #[command(flatten)]
    pub common: ScouterCommonArgs,
}

/// Arguments of `reach scouter relay`.
#[derive(Debug, Args)]
pub struct ScouterRelayArgs {
    /// Where agents send to
    #[arg(value_name = "ADDRESS:PORT")]
    pub listen: String,

    /// The collector that gets every datagram as it came
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub to: String,

    /// Believe only senders of this network; may be repeated. Datagrams of others are neither forwarded nor read
    #[arg(long, value_name = "NETWORK", help_heading = "What to look at")]
    pub from: Vec<String>,

    /// What holds for all ways
    #[command(flatten)]
    pub common: ScouterCommonArgs,
}

const SCOUTER_HELP: &str = "\
Examples:
  reach scouter                               on the collector's own host
  reach scouter apm.example.kr --user watch --password-file /etc/reach/scouter
  reach scouter apm.example.kr:6100 --user watch --password-env APM --for 10m --json
  reach scouter decode capture-*.bin --json   captured datagrams as JSON, one line each
  reach scouter listen 0.0.0.0:16100 --from 10.20.0.0/16

Exit status:
  0  what was asked for is done
  1  a datagram is malformed
  2  the command line or a file it names is wrong
  3  nothing was heard, or the collector could not be asked";

const DECODE_HELP: &str = "\
Examples:
  reach scouter decode datagram.bin
  reach scouter decode --json *.bin
  reach scouter decode - < datagram.bin

Exit status:
  0  every file holds a datagram
  1  one is malformed
  2  a file cannot be read";
