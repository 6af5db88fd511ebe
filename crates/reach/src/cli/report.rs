//! What was typed for `reach report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{MemoryArgs, OutputArgs};

/// Arguments of `reach report`.
#[derive(Clone, Debug, Args)]
#[command(after_help = REPORT_HELP)]
pub struct ReportArgs {
    /// A recording of `reach check --record` (`-` is standard input), or an incident's number, as in #17
    #[arg(value_name = "RUN|INCIDENT", required = true, value_hint = ValueHint::FilePath)]
    pub sources: Vec<String>,

    /// How to write it; may be repeated, or separated by commas [default: by the name of --output, or txt]
    #[arg(long, value_enum, value_name = "FORMAT", value_delimiter = ',', help_heading = "What to write")]
    pub format: Vec<ReportFormat>,

    /// The file to write, or the directory for several [default: standard output]
    #[arg(short, long, value_name = "FILE", help_heading = "What to write", value_hint = ValueHint::AnyPath)]
    pub output: Option<PathBuf>,

    /// For whom it is written [default: whoever can mend what was found]
    #[arg(long = "for", value_enum, value_name = "READER", help_heading = "What to write")]
    pub reader: Option<ReportReader>,

    /// The time zone of all times, like Asia/Seoul [default: this host's]
    #[arg(long, value_name = "ZONE", help_heading = "What to write")]
    pub zone: Option<String>,

    /// The packets of the run, written by --pcap, as an attachment [default: RUN.pcapng beside the recording]
    #[arg(long, value_name = "FILE", help_heading = "What to write", value_hint = ValueHint::FilePath)]
    pub pcap: Option<PathBuf>,

    /// A file in which a provider publishes its addresses (goog.json, ip-ranges.json, …); may be repeated
    #[arg(long, value_name = "FILE", help_heading = "What to write", value_hint = ValueHint::FilePath)]
    pub feed: Vec<PathBuf>,

    /// The house's own request form, whose columns are taken over: TOML, or a file with its line of titles
    #[arg(long, value_name = "FILE", help_heading = "What to write", value_hint = ValueHint::FilePath)]
    pub template: Option<PathBuf>,

    /// Who asks [default: `requester` of [request] in the configuration; so the others]
    #[arg(long, value_name = "NAME", help_heading = "Who asks")]
    pub requester: Option<String>,

    /// The department of whoever asks
    #[arg(long, value_name = "TEXT", help_heading = "Who asks")]
    pub department: Option<String>,

    /// How to reach whoever asks
    #[arg(long, value_name = "TEXT", help_heading = "Who asks")]
    pub contact: Option<String>,

    /// The address that the source is translated to before the firewall
    #[arg(long, value_name = "ADDRESS", help_heading = "Who asks")]
    pub nat_ip: Option<String>,

    /// What the connection is for
    #[arg(long, value_name = "TEXT", help_heading = "Who asks")]
    pub purpose: Option<String>,

    /// From which day on it is wanted, and until which: FROM..UNTIL; FROM.. is for good
    #[arg(long, value_name = "FROM..UNTIL", help_heading = "Who asks")]
    pub period: Option<String>,

    /// Check from this host what was asked for, twice, and tell before from after
    #[arg(long, help_heading = "After the change")]
    pub verify: bool,

    /// How long after the first round the second one begins
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "5m",
        requires = "verify",
        help_heading = "After the change"
    )]
    pub twice_after: String,

    /// Which memory holds the incident
    #[command(flatten)]
    pub memory: MemoryArgs,

    /// How to show it
    #[command(flatten)]
    pub show: OutputArgs,
}

/// A way of writing a report down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum ReportFormat {
    /// One self-contained page that prints well
    Html,
    /// A document of pages
    Pdf,
    /// GitHub-flavoured Markdown
    Md,
    /// For programs
    Json,
    /// Plain text for a ticket
    Txt,
    /// The request form as CSV
    Csv,
    /// The request form as a workbook
    Xlsx,
    /// All of them
    All,
}

/// For whom a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportReader {
    /// Those who run firewalls, routers and lines
    Network,
    /// Those who run the service
    Service,
    /// Whoever decides: two lines
    Manager,
}

const REPORT_HELP: &str = "\
Examples:
  reach check fcm.googleapis.com --record run.jsonl --pcap run.pcapng
  reach report run.jsonl                          the text for a ticket
  reach report run.jsonl -o request.html --lang ko --requester 'Kim' --department Platform
  reach report 17 --format all -o handover/       everything, of an incident of the watch
  reach report 17 --verify                        after the change: what was asked for, twice

Exit status:
  0  it is written; with --verify: everything that was asked for works
  1  with --verify: something fails
  2  the command line or a file it names is wrong
  3  it could not be written; with --verify: it could not be told";
