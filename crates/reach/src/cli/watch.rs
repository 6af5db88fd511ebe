//! Arguments of `reach watch` and `reach config`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{AskArgs, Language, OutputArgs, TARGET_HELP};

/// Where the configuration is looked for, for the helps of several options.
pub(super) const CONFIG_PLACES: &str = "$XDG_CONFIG_HOME/reach/reach.toml, else /etc/reach/reach.toml";

/// Arguments of `reach watch`.
#[derive(Clone, Debug, Args)]
#[command(after_help = WATCH_HELP)]
pub struct WatchArgs {
    /// What to watch
    #[arg(
        value_name = "TARGET",
        value_hint = ValueHint::Hostname,
        help = TARGET_HELP,
        long_help = WATCH_TARGET_HELP,
    )]
    pub targets: Vec<String>,

    /// The configuration
    #[arg(
        short,
        long,
        value_name = "FILE",
        help_heading = "What to watch",
        value_hint = ValueHint::FilePath,
        help = format!("The configuration [default, where no target is given: {CONFIG_PLACES}]"),
    )]
    pub config: Option<PathBuf>,

    /// From one try of an address to the next, for targets of the command line [default: 10s]
    #[arg(long, value_name = "DURATION", help_heading = "What to watch")]
    pub every: Option<String>,

    /// End after so long, with an all-clear and its statistics or with what failed
    #[arg(long = "for", value_name = "DURATION", help_heading = "What to watch")]
    pub ends_after: Option<String>,

    /// Where to serve HTTP; a port alone means the loopback address
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Where things are")]
    pub listen: Option<String>,

    /// Where to remember
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Where things are",
        value_hint = ValueHint::FilePath,
        help = "Where to remember [default: reach.db in $STATE_DIRECTORY, ~/.local/state/reach or /var/lib/reach]",
    )]
    pub store: Option<PathBuf>,

    /// The socket at which `reach status` and others ask
    #[arg(
        long,
        value_name = "SOCKET",
        help_heading = "Where things are",
        value_hint = ValueHint::FilePath,
        help = "The socket at which `reach status` and others ask [default: watch.sock in $RUNTIME_DIRECTORY, \
                $XDG_RUNTIME_DIR/reach or /run/reach]",
    )]
    pub control: Option<PathBuf>,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const WATCH_TARGET_HELP: &str = "\
What to watch: HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT, a URL, or @FILE with one a line

Watched besides the targets of the configuration, with its [defaults]. Where targets are given and no \
configuration is named, none is read.";

const WATCH_HELP: &str = "\
Examples:
  reach watch fcm.googleapis.com                    until ^C, with every change on the screen
  reach watch --for 1h fcm.googleapis.com           is it over? an all-clear with its statistics
  reach watch --config /etc/reach/reach.toml        as a service; SIGHUP reads the file again
  reach config example > reach.toml                 a configuration to begin with

Exit status:
  0  stopped as asked; with --for, every address worked all the time
  1  with --for: something failed, or the sample does not carry an all-clear
  2  the command line or the configuration is wrong
  3  reach could not do its work";

/// Arguments of `reach config`.
#[derive(Clone, Debug, Args)]
pub struct ConfigArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What to do with a configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read a configuration, and show what would be watched or what is wrong
    Check(ConfigCheckArgs),
    /// Print a complete configuration with comments
    Example(ConfigExampleArgs),
    /// Have a running watch read its configuration again, as SIGHUP does
    Reload(ConfigReloadArgs),
    /// Ask for a password, and print the line of `[[http.user]]` that lets somebody in by it
    #[command(after_help = CONFIG_PASSWORD_HELP)]
    Password,
    /// Make an API token, and print it once with the lines of `[[http.token]]` that let a program in by it
    Token(ConfigTokenArgs),
}

const CONFIG_PASSWORD_HELP: &str = "\
The password is asked for twice and not shown; where standard input is no terminal, its first line is the password.
What is printed is a hash (argon2id), from which nobody gets the password back.

Exit status:
  0  the line is on standard output
  2  the password cannot be used, or the two differ
  3  reach could not do its work";

/// Arguments of `reach config token`.
#[derive(Clone, Debug, Args)]
#[command(after_help = CONFIG_TOKEN_HELP)]
pub struct ConfigTokenArgs {
    /// What the program is called, in the configuration and beside everything that it does
    #[arg(value_name = "NAME")]
    pub name: String,

    /// What it may do: look, or acknowledge, silence and examine, too
    #[arg(long, value_name = "ROLE", value_enum, default_value_t = TokenRole::Viewer)]
    pub role: TokenRole,
}

/// What a program may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TokenRole {
    /// Look
    Viewer,
    /// Acknowledge, silence, write notes, have targets examined
    Operator,
}

const CONFIG_TOKEN_HELP: &str = "\
The first line is the token, for `Authorization: Bearer TOKEN`. It is kept nowhere: the configuration has its SHA-256.

Examples:
  reach config token prometheus
  reach config token deploy --role operator

Exit status:
  0  token and lines are on standard output
  2  the name cannot be used";

/// Arguments of `reach config example`.
#[derive(Clone, Debug, Args)]
pub struct ConfigExampleArgs {
    /// The language of the comments [default: by LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, value_enum, value_name = "LANGUAGE", help_heading = "Output")]
    pub lang: Option<Language>,
}

/// Arguments of `reach config check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = CONFIG_CHECK_HELP)]
pub struct ConfigCheckArgs {
    /// The configuration
    #[arg(
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = format!("The configuration [default: {CONFIG_PLACES}]"),
    )]
    pub file: Option<PathBuf>,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const CONFIG_CHECK_HELP: &str = "\
Exit status:
  0  the configuration can be used
  2  it cannot; everything that is wrong is told, with line and column";

/// Arguments of `reach config reload`.
#[derive(Clone, Debug, Args)]
#[command(after_help = CONFIG_RELOAD_HELP)]
pub struct ConfigReloadArgs {
    /// Which watch
    #[command(flatten)]
    pub ask: AskArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const CONFIG_RELOAD_HELP: &str = "\
The watch reads the file that it was started with. What stays the same keeps everything that is known of it;
what takes effect with a restart only is told. Where anything is wrong, the old configuration stays in force.

Exit status:
  0  the new configuration is in force
  2  it is wrong; everything that is wrong is told, with line and column
  3  no watch could be asked";
