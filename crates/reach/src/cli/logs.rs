//! Arguments of `reach logs`.

use clap::{Args, ValueEnum, ValueHint};

use super::OutputArgs;

/// Arguments of `reach logs`.
#[derive(Debug, Args)]
#[command(after_help = LOGS_HELP)]
pub struct LogsArgs {
    /// Log files, or patterns in quotes; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<String>,

    /// Read the journal, of this unit or of all of them (may be given again)
    #[arg(long, value_name = "UNIT", num_args = 0..=1, default_missing_value = "", help_heading = "What to read")]
    pub journal: Vec<String>,

    /// Read what is there and end, instead of following files as they grow
    #[arg(long, help_heading = "What to read")]
    pub once: bool,

    /// Leave out what is earlier: -2h, yesterday, 14:00, 2026-11-22T14:00
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "What to read")]
    pub since: Option<String>,

    /// Leave out records in which this regular expression is found (may be given again)
    #[arg(long, value_name = "REGEX", help_heading = "What to read")]
    pub ignore: Vec<String>,

    /// Leave out records that are milder: trace, debug, info, warn, error, fatal
    #[arg(long, value_name = "LEVEL", help_heading = "What to read")]
    pub level: Option<String>,

    /// What the logs have in them
    #[arg(long, value_enum, value_name = "KIND", default_value_t, help_heading = "How to read it")]
    pub kind: LogKind,

    /// How an access log is written: common, combined, or what the server has (nginx's log_format, Apache's LogFormat,
    /// Tomcat's pattern)
    #[arg(long, value_name = "PATTERN", help_heading = "How to read it")]
    pub format: Option<String>,

    /// Statuses of requests that failed: 5xx,429,460-463
    #[arg(long, value_name = "STATUSES", default_value = "5xx", help_heading = "How to read it")]
    pub failed: String,

    /// The zone of times that name none: Asia/Seoul, UTC [default: this host's]
    #[arg(long, value_name = "ZONE", help_heading = "How to read it")]
    pub zone: Option<String>,

    /// The encoding of lines that are no UTF-8
    #[arg(long, value_name = "ENCODING", default_value = "cp949", help_heading = "How to read it")]
    pub encoding: String,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What logs have in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogKind {
    /// By the looks of each line
    #[default]
    Auto,
    /// What applications say
    Application,
    /// A request on each line
    Access,
    /// The slow query log of MySQL or MariaDB
    MysqlSlow,
    /// The log of PostgreSQL: statements that took too long
    Postgresql,
}

const LOGS_HELP: &str = "\
Examples:
  reach logs /srv/app/logs/app.log              follow it: what fails, towards whom
  reach logs '/var/log/nginx/*.log' --once      what is there, and the share of requests that failed
  zcat app.log.*.gz | reach logs - --json       what is in old logs, for a script
  reach logs --journal app.service --since -1h  the journal of one unit
  reach logs access.log --format '$remote_addr [$time_local] \"$request\" $status $upstream_addr $upstream_status'

While files are followed, --json prints one object a line, and a summary at the end; with --once or a pipe, the summary
alone. Nothing is sent anywhere. Names, addresses and query strings of those who asked are never shown.

Exit status:
  0  nothing failed
  1  something failed: a destination, or a request
  2  the command line is wrong, or a file is not there
  3  a log could not be read";
