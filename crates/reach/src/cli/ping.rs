//! Arguments of `reach ping`.

use clap::{Args, ValueEnum, ValueHint};

use super::{EvidenceArgs, NameArgs, OutputArgs, TARGET_HELP};

/// Arguments of `reach ping`.
#[derive(Debug, Args)]
#[command(after_help = PING_HELP)]
pub struct PingArgs {
    /// What to ping
    #[arg(
        value_name = "TARGET",
        required = true,
        value_hint = ValueHint::Hostname,
        help = TARGET_HELP,
        long_help = PING_TARGET_HELP,
    )]
    pub targets: Vec<String>,

    /// The questions asked of resolvers
    #[command(flatten)]
    pub names: NameArgs,

    /// Ping only the first address of each name, in the order the system gives
    #[arg(short = '1', long, conflicts_with = "resolver", help_heading = "What to look at")]
    pub first: bool,

    /// End after so many requests to each address; with -w, after so many answers
    #[arg(short, long, value_name = "NUMBER", help_heading = "How to ping")]
    pub count: Option<String>,

    /// From one request to the next, to each address: seconds, or with a unit (200ms)
    #[arg(short, long, value_name = "TIME", default_value = "1", help_heading = "How to ping")]
    pub interval: String,

    /// The next request as soon as one is answered or 10 ms old (root; others with -i 2ms or more)
    #[arg(short, long, help_heading = "How to ping")]
    pub flood: bool,

    /// When to call a request lost
    #[arg(short = 'W', long, value_name = "TIME", default_value = "3", help_heading = "How to ping")]
    pub timeout: String,

    /// When to end, whatever was sent and answered
    #[arg(short = 'w', long, value_name = "TIME", help_heading = "How to ping")]
    pub stop_after: Option<String>,

    /// Bytes of payload behind the ICMP header, 0 to 65507
    #[arg(short, long, value_name = "BYTES", default_value = "56", help_heading = "How to ping")]
    pub size: String,

    /// TTL or hop limit, 1 to 255
    #[arg(short, long, value_name = "HOPS", help_heading = "How to ping")]
    pub ttl: Option<String>,

    /// The interface to send from, or the source address
    #[arg(short = 'I', value_name = "INTERFACE|ADDRESS", help_heading = "How to ping")]
    pub source: Option<String>,

    /// The DSCP by name (ef, af41, cs1), or the whole TOS or traffic class byte by number
    #[arg(short = 'Q', long = "tos", value_name = "DSCP|NUMBER", help_heading = "How to ping")]
    pub tos: Option<String>,

    /// Whether packets may be fragmented
    #[arg(short = 'M', long = "mtu-discovery", value_enum, value_name = "HOW", help_heading = "How to ping")]
    pub mtu_discovery: Option<MtuDiscovery>,

    /// Do not fragment: the same as -M do
    #[arg(long, conflicts_with = "mtu_discovery", help_heading = "How to ping")]
    pub df: bool,

    /// Ping by TCP: a SYN to the target's port, where ICMP is forbidden
    #[arg(long, conflicts_with_all = ["size", "mtu_discovery", "df"], help_heading = "How to ping")]
    pub tcp: bool,

    /// Only the summary at the end
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,

    /// Begin each line with the seconds since 1970
    #[arg(short = 'D', long, help_heading = "Output")]
    pub timestamps: bool,

    /// Tell of requests that are not answered when the next is sent
    #[arg(short = 'O', long, help_heading = "Output")]
    pub outstanding: bool,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,

    /// The packets of the run
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// What `-M` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MtuDiscovery {
    /// Never fragment, neither here nor on the way
    Do,
    /// As the system does it: fragment here what the path is known not to carry
    Want,
}

const PING_TARGET_HELP: &str = "\
What to ping: HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT, a URL, or @FILE with one a line

Every address behind a name is pinged. The port matters to --tcp only, and is 443 unless another is given.";

const PING_HELP: &str = "\
Examples:
  reach ping fcm.googleapis.com               every address, in one table
  reach ping -1 -c 5 www.example.com          one address, as ping does
  reach ping --tcp db.example.com:5432 -c 10  where ICMP is forbidden
  reach ping 192.0.2.1 -s 1472 --df -c 3      does a packet of 1500 bytes pass?
  reach ping @hosts.txt -w 60 --json          one JSON object a line, for a script

Keys: ^C ends with the summary, ^\\ shows it and goes on.

Exit status:
  0  every address answered at least once
  1  one did not, or a name does not resolve; with -c and -w, fewer answers than wanted
  2  the command line or a file it names is wrong
  3  nothing could be sent (no permission, no route)";
