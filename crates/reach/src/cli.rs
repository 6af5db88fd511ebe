//! What was typed: the command line as text, before anything in it is understood (that is [`crate::config`]).

mod connect;
mod evidence;
pub mod korean;
mod language;
mod logs;
mod ping;
mod report;
mod scouter;
mod trace;
mod watch;
mod watching;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use reach_core::model::{self, Plan};

pub use self::{
    connect::{ConnectArgs, LineEnd, StartTls},
    evidence::EvidenceArgs,
    language::typed_language,
    logs::{LogKind, LogsArgs},
    ping::{MtuDiscovery, PingArgs},
    report::{ReportArgs, ReportFormat, ReportReader},
    scouter::{
        ScouterArgs, ScouterAskArgs, ScouterCommand, ScouterCommonArgs, ScouterDecodeArgs, ScouterListenArgs,
        ScouterRelayArgs,
    },
    trace::{Sureness, TraceArgs},
    watch::{
        ConfigArgs, ConfigCheckArgs, ConfigCommand, ConfigExampleArgs, ConfigReloadArgs, ConfigTokenArgs,
        TokenRole, WatchArgs,
    },
    watching::{
        AckArgs, AskArgs, ExamineArgs, ExportArgs, ExportFormat, ExportWhat, HistoryArgs, HistoryLayer,
        IncidentsArgs, MemoryArgs, SilenceArgs, SilenceCommand, SilenceEndArgs, SilenceListArgs, StatusArgs,
    },
};

/// Reads the arguments, with the program's name first. `reach HOST:PORT` is `reach check HOST:PORT`.
///
/// The error knows how to print itself, in English; it may also be the help that was asked for.
pub fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(language::normal(arguments))
}

/// A remark when the first argument is taken for a host but looks like a mistyped command.
pub fn suspicion(arguments: &[OsString]) -> Option<String> {
    let first = arguments.get(1)?.to_str()?;
    if first.contains(['.', ':', '@', '/']) || first.starts_with('-') || is_command(first) {
        return None;
    }
    let meant = nearest(first, COMMANDS.iter().copied())?;
    Some(format!("`{first}` is taken for a host to check; for the command, write `reach {meant}`"))
}

/// The candidate that looks most like a word that is none of them, if one does.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

const COMMANDS: [&str; 21] = [
    "check",
    "resolve",
    "ping",
    "connect",
    "trace",
    "watch",
    "status",
    "ack",
    "examine",
    "silence",
    "incidents",
    "history",
    "export",
    "report",
    "config",
    "scouter",
    "explain",
    "logs",
    "demo",
    "completions",
    "man",
];

fn is_command(word: &str) -> bool {
    word == "help" || COMMANDS.contains(&word)
}

/// Diagnoses which addresses behind a name are blocked, by whom and where.
///
/// reach finds every address behind a name, tests each one layer by layer (ping, TCP, TLS, HTTP), and says
/// which fail, why, where on the path, what that does to clients, and what to ask of whom. It runs without
/// privileges, and says what more it could see with them.
#[derive(Debug, Parser)]
#[command(
    name = "reach",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    override_usage = "reach <TARGET>...\n       reach <COMMAND> [OPTIONS]",
    after_help = AFTER_HELP,
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  reach fcm.googleapis.com              every address behind the name, port 443
  reach check @hosts.txt --json         all targets of a file, for a script
  reach demo                            see it work: eight addresses, three blocked

Exit status:
  0  every usable address works
  1  at least one does not, or the name does not resolve
  2  the command line or a file it names is wrong
  3  reach could not do its work, or could not tell";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Test every address behind a name: which fail, why, and where on the path
    Check(CheckArgs),
    /// List every address behind a name, over all resolvers, until few can be unseen
    Resolve(ResolveArgs),
    /// Ping every address behind names, by ICMP or TCP
    Ping(PingArgs),
    /// Connect to every address behind a name, or hold a session with one
    Connect(ConnectArgs),
    /// Find the routers on all parallel paths to every address behind a name
    Trace(TraceArgs),
    /// Keep every address behind names under observation, and speak when there is something to say
    Watch(WatchArgs),
    /// Show what a running watch knows: targets, incidents, channels
    Status(StatusArgs),
    /// Take an incident on: no more reminders
    Ack(AckArgs),
    /// Have a running watch examine targets now, as a check would: which addresses fail, why, and where
    Examine(ExamineArgs),
    /// Say nothing of some targets for a while, list silences, end one
    Silence(SilenceArgs),
    /// List incidents, or show one: its time line, its addresses, its messages
    Incidents(IncidentsArgs),
    /// Show how a target has been: tries, failures, latencies, states over time
    History(HistoryArgs),
    /// Write what a watch remembers as CSV, JSON lines or Parquet
    Export(ExportArgs),
    /// Write the hand-over to those who can mend it: evidence and request; or tell before from after
    Report(ReportArgs),
    /// Check a configuration of `reach watch`, print an example, or have a running watch read its own again
    Config(ConfigArgs),
    /// Show what a Scouter installation says: who fails towards whom, and who was served all the same
    Scouter(ScouterArgs),
    /// Say what a verdict or a finding means, how it is proved, and what to do
    Explain(ExplainArgs),
    /// Read logs as they grow: what fails towards whom, and how many requests fail
    Logs(LogsArgs),
    /// Show a check at work in a pretend network: eight addresses, three blocked
    Demo(DemoArgs),
    /// Write completions for a shell to standard output
    #[command(after_help = COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Write a manual page (roff) to standard output
    #[command(after_help = MAN_HELP)]
    Man(ManArgs),
}

const COMPLETIONS_HELP: &str = "\
Examples:
  reach completions bash > ~/.local/share/bash-completion/completions/reach
  reach completions zsh > ~/.zfunc/_reach
  reach completions fish > ~/.config/fish/completions/reach.fish";

const MAN_HELP: &str = "\
Examples:
  reach man | man -l -
  reach man check > /usr/local/share/man/man1/reach-check.1";

/// A sentence with the default of each effort behind it.
fn by_effort(sentence: &str, span: fn(&Plan) -> Duration) -> String {
    let defaults: Vec<String> = [model::Effort::Quick, model::Effort::Normal, model::Effort::Thorough]
        .map(|effort| format!("{}s", span(&Plan::new(effort, 0)).as_secs_f64()))
        .into();
    format!("{sentence} [default: {} by effort]", defaults.join(", "))
}

/// Arguments of `reach check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub struct CheckArgs {
    /// What to reach
    #[arg(
        value_name = "TARGET",
        required_unless_present = "replay",
        value_hint = ValueHint::Hostname,
        help = TARGET_HELP,
        long_help = TARGET_LONG_HELP,
    )]
    pub targets: Vec<String>,

    /// The questions asked of resolvers
    #[command(flatten)]
    pub names: NameArgs,

    /// When a connection attempt is silent
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = "How to test",
        help = by_effort("When a connection attempt is silent", |plan| plan.connect_timeout),
    )]
    pub connect_timeout: Option<String>,

    /// When a TLS handshake or a request is silent
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = "How to test",
        help = by_effort("When a TLS handshake or a request is silent", |plan| plan.read_timeout),
    )]
    pub read_timeout: Option<String>,

    /// Test TLS whatever the port is
    #[arg(long, conflicts_with = "no_tls", help_heading = "How to test")]
    pub tls: bool,

    /// Test no TLS whatever the port is
    #[arg(long, help_heading = "How to test")]
    pub no_tls: bool,

    /// The name to send and to verify in TLS instead of the host's own
    #[arg(long, value_name = "NAME", conflicts_with = "no_tls", help_heading = "How to test")]
    pub server_name: Option<String>,

    /// Write down everything observed, as it comes, for --replay
    #[arg(long, value_name = "FILE", help_heading = "Recordings", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,

    /// Judge a recording again instead of testing anything
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Recordings",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = [
            "targets", "resolver", "ipv4", "ipv6", "effort", "deadline", "seed", "connect_timeout",
            "read_timeout", "tls", "no_tls", "server_name", "record", "pcap",
        ],
    )]
    pub replay: Option<PathBuf>,

    /// Write the result as a page for a browser, too
    ///
    /// One HTML file that needs nothing else, neither a network nor other files. Works with --replay as well.
    #[arg(long, value_name = "FILE", help_heading = "Recordings", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,

    /// The packets of the run
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const TARGET_HELP: &str =
    "What to reach: HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT, a URL, or @FILE with one a line";

const TARGET_LONG_HELP: &str = "\
What to reach: HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT, a URL, or @FILE with one a line

HOST alone means port 443. A port that is known to speak TLS gets a TLS handshake too, a URL a request too. \
@FILE names a file with one target a line, where # begins a comment; @- is standard input.";

const CHECK_HELP: &str = "\
Examples:
  reach check fcm.googleapis.com
  reach check db.example.com:5432 https://api.example.com/health
  reach check '[2001:db8::1]:8443' --server-name api.example.com
  reach check @hosts.txt --resolver 10.0.0.53 --resolver 8.8.8.8
  reach check push.example.com:5223 --record run.jsonl
  reach check --replay run.jsonl --json

Exit status:
  0  every usable address works
  1  at least one does not, or a name does not resolve
  2  the command line or a file it names is wrong
  3  reach could not do its work, or could not tell";

/// Arguments of `reach resolve`.
#[derive(Debug, Args)]
#[command(after_help = RESOLVE_HELP)]
pub struct ResolveArgs {
    /// The names, or @FILE with one a line
    #[arg(value_name = "NAME", required = true, value_hint = ValueHint::Hostname)]
    pub targets: Vec<String>,

    /// The questions asked of resolvers
    #[command(flatten)]
    pub names: NameArgs,

    /// The packets of the run
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const RESOLVE_HELP: &str = "\
Examples:
  reach resolve fcm.googleapis.com
  reach resolve www.example.com --resolver 8.8.8.8 -4

Exit status:
  0  every name has an address
  1  a name has none
  2  the command line or a file it names is wrong
  3  reach could not do its work, or could not tell";

/// The questions asked of resolvers, and how much is asked altogether.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// A resolver to ask besides those of this machine; may be repeated
    #[arg(long, value_name = "ADDRESS[:PORT]", help_heading = "What to look at")]
    pub resolver: Vec<String>,

    /// IPv4 addresses only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = "What to look at")]
    pub ipv4: bool,

    /// IPv6 addresses only
    #[arg(short = '6', long, help_heading = "What to look at")]
    pub ipv6: bool,

    /// How much to ask
    #[arg(long, value_enum, value_name = "HOW", default_value_t, help_heading = "How to test")]
    pub effort: Effort,

    /// When everything ends, whatever is still open
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = "How to test",
        help = by_effort("When everything ends, whatever is still open", |plan| plan.deadline),
    )]
    pub deadline: Option<String>,

    /// Makes the choices by chance (source ports, order) the same again
    #[arg(long, value_name = "NUMBER", help_heading = "How to test")]
    pub seed: Option<u64>,
}

/// How to show a result.
#[derive(Clone, Debug, Default, Args)]
pub struct OutputArgs {
    /// Print one JSON document; `ping` and `watch` print one object a line
    #[arg(long, help_heading = "Output")]
    pub json: bool,

    /// The language of texts [default: by LC_ALL, LC_MESSAGES, LANG; en in JSON]
    #[arg(long, value_enum, value_name = "LANGUAGE", help_heading = "Output")]
    pub lang: Option<Language>,

    /// Use ASCII only for lines and symbols
    #[arg(long, help_heading = "Output")]
    pub ascii: bool,

    /// When to colour [NO_COLOR is honoured]
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, help_heading = "Output")]
    pub color: Color,

    /// Columns that a line may take, 60 to 500 [default: the terminal's, at most 120]
    #[arg(long, value_name = "COLUMNS", help_heading = "Output")]
    pub width: Option<String>,

    /// Say more on standard error
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
}

/// Arguments of `reach explain`.
#[derive(Debug, Args)]
#[command(after_help = EXPLAIN_HELP)]
pub struct ExplainArgs {
    /// A verdict, the code of a finding, or what failed for an application; without one, all are listed, or
    /// the exceptions in the text on standard input are explained
    #[arg(value_name = "CODE")]
    pub code: Option<String>,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const EXPLAIN_HELP: &str = "\
Examples:
  reach explain filtered
  reach explain < trace.log
  tail -n 5000 app.log | reach explain --json
  reach explain partial-block --lang ko
  reach explain";

/// Arguments of `reach demo`.
#[derive(Debug, Args)]
#[command(after_help = DEMO_HELP)]
pub struct DemoArgs {
    /// Use the simulated network even where a real one can be built
    #[arg(long, help_heading = "How to test")]
    pub pretend: bool,

    /// Keep what the check observed, for `reach check --replay`
    #[arg(long, value_name = "FILE", help_heading = "Recordings", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,

    /// This process is in namespaces of its own already
    #[arg(long, hide = true)]
    pub inside: bool,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

const DEMO_HELP: &str = "\
The network is made of the kernel's own namespaces, routers and packet filter, and is gone when the demo
ends. Nothing leaves this machine and no privilege is needed. Where namespaces are not allowed, a simulated
network takes their place.

Exit status: 0 when the demo worked, although what it shows has addresses that fail.";

/// Arguments of `reach completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,

    /// The language of texts [default: by LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, value_enum, value_name = "LANGUAGE", help_heading = "Output")]
    pub lang: Option<Language>,
}

/// Arguments of `reach man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command whose page is wanted; without one, the page of reach itself
    #[arg(value_name = "COMMAND", value_parser = COMMANDS)]
    pub command: Option<String>,

    /// The language of texts [default: by LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, value_enum, value_name = "LANGUAGE", help_heading = "Output")]
    pub lang: Option<Language>,
}

/// How much to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Effort {
    /// Few questions, few flows
    Quick,
    /// Enough for stated confidence on usual networks
    #[default]
    Normal,
    /// More of everything
    Thorough,
}

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Korean
    Ko,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parsed(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
        let defined: Vec<String> =
            Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        assert_eq!(defined, COMMANDS);
    }

    #[test]
    fn a_target_alone_is_checked() {
        for line in ["reach example.com:443", "reach @hosts.txt --json", "reach https://example.com/ a:1"] {
            let cli = parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(matches!(cli.command, Command::Check(_)), "{line}");
        }
    }

    #[test]
    fn a_mistyped_command_is_remarked_on() {
        let remark = |line: &str| suspicion(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(remark("reach resovle example.com").is_some_and(|text| text.contains("reach resolve")));
        assert_eq!(remark("reach example.com"), None);
        assert_eq!(remark("reach check x"), None);
        assert_eq!(remark("reach database"), None);
        assert_eq!(remark("reach"), None);
    }
}
