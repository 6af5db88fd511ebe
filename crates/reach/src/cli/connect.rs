//! Arguments of `reach connect`.

use clap::{Args, ValueEnum, ValueHint};
use reach_core::model;

use super::{EvidenceArgs, NameArgs, OutputArgs, TARGET_LONG_HELP, by_effort};

/// Arguments of `reach connect`.
#[derive(Debug, Args)]
#[command(after_help = CONNECT_HELP)]
pub struct ConnectArgs {
    /// What to connect to
    #[arg(
        value_name = "TARGET",
        required = true,
        value_hint = ValueHint::Hostname,
        help = "What to connect to, as for `reach check`; or HOST PORT, as for telnet",
        long_help = TARGET_LONG_HELP,
    )]
    pub targets: Vec<String>,

    /// The questions asked of resolvers
    #[command(flatten)]
    pub names: NameArgs,

    /// Hold a session with one address: the first that connects, or --address; ^] leads out of it
    #[arg(
        short,
        long,
        conflicts_with_all = ["json", "repeat", "every", "listen"],
        help_heading = "Session"
    )]
    pub interactive: bool,

    /// How typed lines end [default: crlf at a terminal and as-is from a pipe; telnet has its own]
    #[arg(long, value_enum, value_name = "END", requires = "interactive", help_heading = "Session")]
    pub line_end: Option<LineEnd>,

    /// Show what the server sends on the terminal as it is, control characters too [default: once it speaks telnet]
    #[arg(long, requires = "interactive", help_heading = "Session")]
    pub raw: bool,

    /// Connect to this address only, whatever the name resolves to
    #[arg(long, value_name = "ADDRESS", help_heading = "What to look at")]
    pub address: Option<String>,

    /// When a connection attempt is silent
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = "How to test",
        help = by_effort("When a connection attempt is silent", |plan| plan.connect_timeout),
    )]
    pub connect_timeout: Option<String>,

    /// When a proxy, a TLS handshake or a request is silent
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = "How to test",
        help = by_effort("When a proxy, a TLS handshake or a request is silent", |plan| plan.read_timeout),
    )]
    pub read_timeout: Option<String>,

    /// How long to wait for what the server says first [default: 1s, and not at all behind TLS unless the port is
    /// one where servers speak first]
    #[arg(long, value_name = "DURATION", help_heading = "How to test")]
    pub listen: Option<String>,

    /// Speak TLS whatever the port is
    #[arg(long, conflicts_with = "no_tls", help_heading = "How to test")]
    pub tls: bool,

    /// Speak no TLS whatever the port is
    #[arg(long, help_heading = "How to test")]
    pub no_tls: bool,

    /// Start TLS inside another protocol
    #[arg(
        long,
        value_enum,
        value_name = "PROTOCOL",
        conflicts_with = "no_tls",
        help_heading = "How to test"
    )]
    pub starttls: Option<StartTls>,

    /// The name to send and to verify in TLS instead of the host's own
    #[arg(long, value_name = "NAME", conflicts_with = "no_tls", help_heading = "How to test")]
    pub server_name: Option<String>,

    /// Connect from this port, so that every try is the same flow [default: the system chooses]
    #[arg(long, value_name = "PORT", help_heading = "How to test")]
    pub source_port: Option<String>,

    /// Try each address so many times [default: 1; until interrupted where only --every is given]
    #[arg(long, value_name = "TIMES", help_heading = "How to test")]
    pub repeat: Option<String>,

    /// From one try of an address to the next [default: 1s]
    #[arg(long, value_name = "DURATION", help_heading = "How to test")]
    pub every: Option<String>,

    /// Go through a proxy: http://[USER:PASSWORD@]HOST:PORT, socks5://… (names are resolved here) or socks5h://…
    /// (by the proxy)
    #[arg(long, value_name = "URL", conflicts_with = "no_proxy", help_heading = "Proxy")]
    pub proxy: Option<String>,

    /// Connect directly even where the environment names a proxy for a URL
    #[arg(long, help_heading = "Proxy")]
    pub no_proxy: bool,

    /// The packets of the run
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// How to show it
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A protocol in which TLS begins after a dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StartTls {
    /// Mail transport and submission
    Smtp,
    /// Mailboxes
    Imap,
    /// Mailboxes
    Pop3,
    /// File transfer
    Ftp,
    /// Messaging
    Xmpp,
    /// PostgreSQL
    Postgres,
    /// MySQL and MariaDB
    Mysql,
    /// Directories
    Ldap,
}

/// How typed lines end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LineEnd {
    /// Carriage return and line feed
    Crlf,
    /// As typed or piped
    AsIs,
}

impl From<StartTls> for model::StartTls {
    fn from(protocol: StartTls) -> Self {
        match protocol {
            StartTls::Smtp => Self::Smtp,
            StartTls::Imap => Self::Imap,
            StartTls::Pop3 => Self::Pop3,
            StartTls::Ftp => Self::Ftp,
            StartTls::Xmpp => Self::Xmpp,
            StartTls::Postgres => Self::Postgres,
            StartTls::Mysql => Self::Mysql,
            StartTls::Ldap => Self::Ldap,
        }
    }
}

const CONNECT_HELP: &str = "\
A URL target gets a request too, and goes through the proxy that the environment names for it, as with curl:
https_proxy or HTTPS_PROXY, http_proxy (lower case only), all_proxy or ALL_PROXY, unless no_proxy or NO_PROXY
lists the host. Other targets are connected to directly unless --proxy is given. Through a proxy that resolves
names itself, the exit status depends on the name; the addresses are shown for comparison.

In a session typed lines are sent when they end, unless the server asks for single characters by telnet's options.
^] gives a prompt with the commands help, status, send, mode and quit. From a pipe everything is sent as it comes,
then the sending half is closed and the answer is waited for.

Examples:
  reach connect db.example.com 5432
  reach connect switch.example.com 23 --interactive
  printf 'QUIT\\r\\n' | reach connect -i mail.example.com:25
  reach connect mail.example.com:587 --starttls smtp
  reach connect push.example.com:5223 --repeat 20 --every 500ms
  reach connect https://api.example.com/ --proxy http://proxy.example.com:3128
  reach connect www.example.com --address 192.0.2.10 --json

Exit status:
  0  every usable address connects, TLS and all that was asked for included
  1  at least one does not, or a name does not resolve
  2  the command line or a file it names is wrong
  3  reach could not do its work, or could not tell";
