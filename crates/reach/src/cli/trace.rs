//! Arguments of `reach trace`. Letters are those of traceroute(8) where it has the same thing.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum, ValueHint};

use super::{EvidenceArgs, NameArgs, OutputArgs, TARGET_HELP};

const TRACE_TARGET_LONG_HELP: &str = "\
What to reach: HOST, HOST:PORT, ADDRESS:PORT, [V6ADDRESS]:PORT, a URL, or @FILE with one a line

HOST alone means port 443, with -U port 33434. Only the way there is looked at, neither TLS nor a request. @FILE \
names a file with one target a line, where # begins a comment; @- is standard input.";

/// Arguments of `reach trace`.
#[derive(Debug, Args)]
#[command(
    after_help = TRACE_HELP,
    group = ArgGroup::new("protocol").args(["tcp", "udp", "icmp"]).multiple(false),
)]
pub struct TraceArgs {
    /// What to reach
    #[arg(
        value_name = "TARGET",
        required_unless_present = "replay",
        value_hint = ValueHint::Hostname,
        help = TARGET_HELP,
        long_help = TRACE_TARGET_LONG_HELP,
    )]
    pub targets: Vec<String>,

    /// Trace with TCP SYNs to the port, as clients send them [default]
    #[arg(short = 'T', long, help_heading = "How to trace")]
    pub tcp: bool,

    /// Trace with UDP datagrams, to port 33434 unless the target gives one
    #[arg(short = 'U', long, help_heading = "How to trace")]
    pub udp: bool,

    /// Trace with ICMP echo requests
    #[arg(short = 'I', long, help_heading = "How to trace")]
    pub icmp: bool,

    /// The destination port of every target, whatever it says
    #[arg(short, long, value_name = "PORT", help_heading = "How to trace", conflicts_with = "icmp")]
    pub port: Option<String>,

    /// The first hop to ask, 1 to 255
    #[arg(short = 'f', long, value_name = "HOP", default_value = "1", help_heading = "How to trace")]
    pub first: String,

    /// The last hop to ask, 1 to 255
    #[arg(
        short = 'm',
        long = "max-hops",
        value_name = "HOP",
        default_value = "30",
        help_heading = "How to trace"
    )]
    pub max_hops: String,

    /// Answers to collect from each hop for its round-trip time, 1 to 100
    #[arg(short, long, value_name = "NUMBER", default_value = "3", help_heading = "How to trace")]
    pub queries: String,

    /// The longest wait for a hop; usually far less, from what other hops took
    #[arg(short = 'w', long, value_name = "DURATION", default_value = "1s", help_heading = "How to trace")]
    pub wait: String,

    /// Follow one flow instead of all parallel paths
    #[arg(long, help_heading = "How to trace", conflicts_with_all = ["confidence", "whole_trace"])]
    pub one_path: bool,

    /// How sure to be that no path is missed, in percent
    #[arg(long, value_enum, value_name = "PERCENT", default_value_t, help_heading = "How to trace")]
    pub confidence: Sureness,

    /// Be that sure of the trace as a whole, not of each branching by itself
    #[arg(long, help_heading = "How to trace")]
    pub whole_trace: bool,

    /// Connect on so many flows to find a bad one among parallel paths, 1 to 4096
    #[arg(long, value_name = "NUMBER", help_heading = "How to trace")]
    pub flows: Option<String>,

    /// Find the path MTU, and who makes it smaller
    #[arg(long, help_heading = "How to trace")]
    pub mtu: bool,

    /// The first source port (with -I the first flow number), 1024 to 65535
    #[arg(long, value_name = "PORT", help_heading = "How to trace")]
    pub source_port: Option<String>,

    /// Bytes of payload of UDP and ICMP probes, 8 to 8972
    #[arg(long, value_name = "BYTES", default_value = "32", help_heading = "How to trace")]
    pub size: String,

    /// The most packets in a second, over all addresses, 1 to 100000
    #[arg(long, value_name = "NUMBER", default_value = "500", help_heading = "How to trace")]
    pub rate: String,

    /// The interface to send from, or the source address
    #[arg(short = 'i', long, value_name = "INTERFACE|ADDRESS", help_heading = "How to trace")]
    pub interface: Option<String>,

    /// The questions asked of resolvers
    #[command(flatten)]
    pub names: NameArgs,

    /// Show loss and round trips of every hop on the whole screen until q is pressed
    #[arg(
        long,
        help_heading = "Output",
        conflicts_with_all = ["json", "each", "compare", "record", "replay"],
    )]
    pub live: bool,

    /// With --live: how often to ask each hop again
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "1s",
        requires = "live",
        help_heading = "How to trace"
    )]
    pub every: String,

    /// Do not ask for the names of routers
    #[arg(short = 'n', long, help_heading = "Output")]
    pub numeric: bool,

    /// Tell the autonomous system and its owner from a table: iptoasn or CAIDA text (.gz too), GeoLite2 CSV, or .mmdb
    #[arg(long, value_name = "FILE", help_heading = "Output", value_hint = ValueHint::FilePath)]
    pub asn_db: Option<PathBuf>,

    /// One list for each address instead of one tree of all
    #[arg(long, help_heading = "Output", conflicts_with_all = ["json", "compare"])]
    pub each: bool,

    /// Show the paths to two addresses side by side and where they part; without addresses, an open one and a
    /// blocked one
    #[arg(long, value_name = "ADDRESS", num_args = 0..=2, help_heading = "Output")]
    pub compare: Option<Vec<String>>,

    /// Write the paths as a graph for Graphviz
    #[arg(long, value_name = "FILE", help_heading = "Output", value_hint = ValueHint::FilePath)]
    pub dot: Option<PathBuf>,

    /// Write the paths as a picture
    #[arg(long, value_name = "FILE", help_heading = "Output", value_hint = ValueHint::FilePath)]
    pub svg: Option<PathBuf>,

    /// Write down everything observed, as it comes, for --replay
    #[arg(long, value_name = "FILE", help_heading = "Recordings", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,

    /// Show a recording again instead of tracing anything
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Recordings",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = [
            "targets", "protocol", "port", "interface", "one_path", "whole_trace", "flows", "mtu", "source_port", "resolver",
            "ipv4", "ipv6", "deadline", "seed", "record", "pcap",
        ],
    )]
    pub replay: Option<PathBuf>,

    /// The packets of the run
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How sure to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Sureness {
    /// 95 percent
    #[default]
    #[value(name = "95")]
    P95,
    /// 99 percent
    #[value(name = "99")]
    P99,
}

const TRACE_HELP: &str = "\
Examples:
  reach trace fcm.googleapis.com
  reach trace -U 192.0.2.7 --asn-db ip2asn-v4.tsv.gz
  reach trace push.example.com:5223 --compare
  reach trace push.example.com --compare 192.0.2.7 192.0.2.12
  reach trace db.example.com:5432 --flows 64 --svg paths.svg
  reach trace www.example.com --live

Marks behind a hop:
  !H !N !P !p  host, network, protocol, port unreachable, said by a device on the way
  !X           administratively prohibited
  !F-1400      larger than the next link takes (its MTU)
  !<5>         another ICMP code

Exit status:
  0  every usable address is reached
  1  at least one is not, or a name does not resolve
  2  the command line or a file it names is wrong
  3  reach could not do its work, or could not tell";
