//! Arguments of the commands that ask a running watch, steer it, or read what it remembers.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{OutputArgs, watch::CONFIG_PLACES};

/// Which watch it is, by its configuration.
#[derive(Clone, Debug, Default, Args)]
pub struct OfWatch {
    /// The configuration of the watch
    #[arg(
        short,
        long,
        value_name = "FILE",
        help_heading = "Which watch",
        value_hint = ValueHint::FilePath,
        help = format!("The configuration of the watch [default: {CONFIG_PLACES}]"),
    )]
    pub config: Option<PathBuf>,
}

/// Which running watch to ask.
#[derive(Clone, Debug, Default, Args)]
pub struct AskArgs {
    /// The socket of the watch to ask
    #[arg(
        long,
        value_name = "SOCKET",
        help_heading = "Which watch",
        value_hint = ValueHint::FilePath,
        help = "The socket of the watch to ask [default: that of the configuration, or where a watch makes it]",
    )]
    pub control: Option<PathBuf>,

    /// The configuration
    #[command(flatten)]
    pub of: OfWatch,
}

/// Which memory to read.
#[derive(Clone, Debug, Default, Args)]
pub struct MemoryArgs {
    /// The file in which the watch remembers
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Which watch",
        value_hint = ValueHint::FilePath,
        help = "The file in which the watch remembers [default: that of the configuration, or the usual one]",
    )]
    pub store: Option<PathBuf>,

    /// The configuration
    #[command(flatten)]
    pub of: OfWatch,
}

/// Arguments of `reach status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = STATUS_HELP)]
pub struct StatusArgs {
    /// Only these targets; `*` stands for anything
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,

    /// Which watch
    #[command(flatten)]
    pub ask: AskArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const STATUS_HELP: &str = "\
Examples:
  reach status
  reach status 'push*' --json

Exit status:
  0  no incident is open
  1  an incident is open
  2  the command line or the configuration is wrong
  3  no watch could be asked";

/// Arguments of `reach ack`.
#[derive(Clone, Debug, Args)]
#[command(after_help = ACK_HELP)]
pub struct AckArgs {
    /// The incident: its number, as in #17
    #[arg(value_name = "INCIDENT")]
    pub incident: String,

    /// Who takes it on [default: the user that asks]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,

    /// Not a word of it for so long, unless it gets worse
    #[arg(long, value_name = "DURATION")]
    pub mute: Option<String>,

    /// Write this down about it, for those who come after
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,

    /// Which watch
    #[command(flatten)]
    pub ask: AskArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const ACK_HELP: &str = "\
Examples:
  reach ack 17
  reach ack 17 --by kim --mute 2h
  reach ack 17 --note 'asked the firewall team, ticket 4711'";

/// Arguments of `reach examine`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMINE_HELP)]
pub struct ExamineArgs {
    /// The targets, of those that are watched; `*` stands for anything
    #[arg(value_name = "TARGET", required = true, value_hint = ValueHint::Hostname)]
    pub targets: Vec<String>,

    /// Which watch
    #[command(flatten)]
    pub ask: AskArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const EXAMINE_HELP: &str = "\
Examples:
  reach examine fcm.googleapis.com
  reach examine 'db*' --json

The watch does it, from where it runs and with its rights, so it works for users who may not do it themselves.
What is found goes into the incident, if one is open. `--json` is the document of `reach check --json`.

Exit status:
  0  every usable address works
  1  at least one does not, or the name does not resolve
  2  the command line or the configuration is wrong, or no such target is watched
  3  no watch could be asked, or it could not tell";

/// Arguments of `reach silence`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SILENCE_HELP, args_conflicts_with_subcommands = true)]
pub struct SilenceArgs {
    /// What to do instead of silencing
    #[command(subcommand)]
    pub command: Option<SilenceCommand>,

    /// The targets; `*` stands for anything
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,

    /// Only while all failing addresses are in this network
    #[arg(long, value_name = "CIDR", help_heading = "What to silence")]
    pub network: Option<String>,

    /// Targets whose label has this value; may be repeated
    #[arg(long, value_name = "NAME=VALUE", help_heading = "What to silence")]
    pub label: Vec<String>,

    /// Everything
    #[arg(long, conflicts_with_all = ["targets", "network", "label"], help_heading = "What to silence")]
    pub all: bool,

    /// For how long
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "until", help_heading = "When")]
    pub lasts: Option<String>,

    /// Until when
    #[arg(long, value_name = "TIME", help_heading = "When")]
    pub until: Option<String>,

    /// From when on [default: now]
    #[arg(long, value_name = "TIME", help_heading = "When")]
    pub from: Option<String>,

    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,

    /// Who wants it [default: the user that asks]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,

    /// Which watch
    #[command(flatten)]
    pub ask: AskArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const SILENCE_HELP: &str = "\
Examples:
  reach silence 'db*.example.com:*' --for 2h --comment 'patch day'
  reach silence --label service=push --until 18:00
  reach silence fcm.googleapis.com --network 198.51.100.0/24 --for 1d
  reach silence list
  reach silence end 3

A silence hushes messages. Tries and incidents go on, and what happened meanwhile is told in one when it ends.
Times are like 18:00, 2026-12-01T02:00 (local), 2026-12-01T02:00:00Z, or +2h.";

/// What to do with silences.
#[derive(Clone, Debug, Subcommand)]
pub enum SilenceCommand {
    /// List the silences that are not over
    List(SilenceListArgs),
    /// End a silence
    End(SilenceEndArgs),
}

/// Arguments of `reach silence list`.
#[derive(Clone, Debug, Args)]
pub struct SilenceListArgs {
    /// Which watch
    #[command(flatten)]
    pub ask: AskArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `reach silence end`.
#[derive(Clone, Debug, Args)]
pub struct SilenceEndArgs {
    /// The silence: its number, as `reach silence list` shows it
    #[arg(value_name = "ID")]
    pub id: String,

    /// Who ends it [default: the user that asks]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,

    /// Which watch
    #[command(flatten)]
    pub ask: AskArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `reach incidents`.
#[derive(Clone, Debug, Args)]
#[command(after_help = INCIDENTS_HELP)]
pub struct IncidentsArgs {
    /// One incident, by its number, with everything that is remembered of it
    #[arg(value_name = "ID", conflicts_with_all = ["since", "until", "open", "target"])]
    pub id: Option<String>,

    /// Not over before then
    #[arg(
        long,
        value_name = "TIME",
        default_value = "-7d",
        allow_hyphen_values = true,
        help_heading = "Which"
    )]
    pub since: String,

    /// Begun before then
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which")]
    pub until: Option<String>,

    /// Only those that are not over
    #[arg(long, help_heading = "Which")]
    pub open: bool,

    /// Only those of this target; `*` stands for anything
    #[arg(long, value_name = "TARGET", help_heading = "Which")]
    pub target: Option<String>,

    /// Which watch
    #[command(flatten)]
    pub memory: MemoryArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const INCIDENTS_HELP: &str = "\
Examples:
  reach incidents                      those of the last seven days
  reach incidents --since -30d --target 'fcm*'
  reach incidents 17

The memory is read beside the watch, whether it runs or not. Times are like -2h, '2h ago', yesterday, 2026-11-22,
2026-11-22T14:00 (local), 2026-11-22T14:00:00Z.";

/// Arguments of `reach history`.
#[derive(Clone, Debug, Args)]
#[command(after_help = HISTORY_HELP)]
pub struct HistoryArgs {
    /// The target
    #[arg(value_name = "TARGET", value_hint = ValueHint::Hostname)]
    pub target: String,

    /// From when on
    #[arg(
        long,
        value_name = "TIME",
        default_value = "-24h",
        allow_hyphen_values = true,
        help_heading = "When"
    )]
    pub from: String,

    /// Until when [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "When")]
    pub to: Option<String>,

    /// The time that one column or one object of the JSON stands for [default: what fits]
    #[arg(long, value_name = "DURATION", help_heading = "When")]
    pub step: Option<String>,

    /// How deep was tried
    #[arg(long, value_enum, value_name = "LAYER", default_value = "connect")]
    pub layer: HistoryLayer,

    /// Which watch
    #[command(flatten)]
    pub memory: MemoryArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const HISTORY_HELP: &str = "\
Examples:
  reach history fcm.googleapis.com
  reach history fcm.googleapis.com --from '3h ago' --step 5m
  reach history db.example.com:5432 --from 2026-11-01 --to 2026-11-08 --json

Times are like -2h, '2h ago', yesterday, 2026-11-22, 2026-11-22T14:00 (local), 2026-11-22T14:00:00Z.

Exit status: 0, or 1 where the target was never watched.";

/// How deep was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HistoryLayer {
    /// ICMP echo requests
    Echo,
    /// TCP handshakes
    Connect,
    /// TLS, and a request where the target is a URL
    Exchange,
}

/// Arguments of `reach export`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXPORT_HELP)]
pub struct ExportArgs {
    /// What to write
    #[arg(long, value_enum, value_name = "WHAT", default_value = "rollups")]
    pub what: ExportWhat,

    /// How to write it
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "csv")]
    pub format: ExportFormat,

    /// Where to; `-` is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,

    /// From when on
    #[arg(
        long,
        value_name = "TIME",
        default_value = "-24h",
        allow_hyphen_values = true,
        help_heading = "Which"
    )]
    pub from: String,

    /// Until when [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Which")]
    pub to: Option<String>,

    /// Only this target; `*` stands for anything
    #[arg(long, value_name = "TARGET", help_heading = "Which")]
    pub target: Option<String>,

    /// The time that one summary stands for
    #[arg(long, value_name = "DURATION", default_value = "10m", help_heading = "Which")]
    pub step: String,

    /// Which watch
    #[command(flatten)]
    pub memory: MemoryArgs,
}

const EXPORT_HELP: &str = "\
Examples:
  reach export --what samples --format parquet --from -7d -o samples.parquet
  reach export --what incidents --format jsonl
  reach export --what rollups --target 'fcm*' > rollups.csv

Names and units of the columns: times in RFC 3339 (UTC), in Parquet milliseconds since 1970; `_ms` milliseconds.";

/// What to export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportWhat {
    /// Every single try
    Samples,
    /// Summaries: tries, failures by reason, quantiles of latencies
    Rollups,
    /// Changes of state of addresses
    Transitions,
    /// Incidents
    Incidents,
}

/// How to write an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated values (RFC 4180), with a line of titles
    Csv,
    /// One JSON object a line
    Jsonl,
    /// Apache Parquet
    Parquet,
}
