//! What other systems say of the network: applications through their logs and their APM, this host, databases.
//!
//! A [`Signal`] is a fact, as an observation is one: what was said, by whom, when. Decoders (the crate
//! `reach-signal`) make signals of bytes and lines; what follows from them is decided elsewhere.
//!
//! Nothing here may carry what belongs to users of the systems that are watched: no bound parameters of a statement,
//! no login names, no addresses of their clients, no query strings of their requests.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{Time, time::micros};

/// Something that another system said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// When it happened, as far as is known; else when it was heard.
    pub at: Time,
    /// Who said it.
    pub origin: Origin,
    /// What.
    pub word: Word,
}

/// Who says something.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The source as the configuration names it.
    pub source: String,
    /// What the operator calls the thing that serves: all its instances together.
    pub service: Option<String>,
    /// One instance of it: a process, a host, an object of an APM.
    pub instance: Option<String>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// So many requests were served, and so many of them failed.
    Requests(Requests),
    /// Something failed towards a destination.
    Failure(Failure),
    /// An application failed for a reason of its own: nothing says that a destination was not reached.
    Fault(Fault),
    /// An application tried to connect to one address of a destination: what no probe of ours can tell better.
    Attempt(Attempt),
    /// How full something is.
    Level(Level),
    /// Something that reported lately reports again, or no more.
    Presence {
        /// What.
        thing: String,
        /// Whether it is there.
        alive: bool,
    },
    /// A statement took too long, or failed.
    Statement(Statement),
    /// A system that judges by itself raised an alert.
    Alert(Alert),
    /// Something was not understood or not received, and is missing from what was said.
    Lost {
        /// What, in a stable word: `datagrams`, `texts`, `lines`.
        what: String,
        /// How many.
        count: u64,
    },
}

/// Requests that a service dealt with in a stretch of time that ends when the signal is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// How long the stretch is. Stretches of one origin do not overlap.
    #[serde(with = "micros")]
    pub span: Duration,
    /// Requests that ended in it.
    pub total: u64,
    /// Of them failed for whoever asked.
    pub failed: u64,
    /// Of them marked as errors though whoever asked was served: late, by another address.
    pub late: u64,
    /// Both counts are computed from a rate, not counted.
    pub estimated: bool,
}

/// The layer at which something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The name gave no address.
    Dns,
    /// The connection never came about: nothing answered.
    ConnectTimeout,
    /// The connection came about, and no answer came over it.
    ReadTimeout,
    /// Somebody answered the SYN with a reset.
    Refused,
    /// This host or a router said that there is no way.
    Unreachable,
    /// The connection was cut.
    Reset,
    /// The TLS handshake failed.
    Tls,
    /// The server answered, and its answer was an error.
    Http,
}

impl FailureClass {
    /// All of them.
    pub const ALL: [FailureClass; 8] = [
        FailureClass::Dns,
        FailureClass::ConnectTimeout,
        FailureClass::ReadTimeout,
        FailureClass::Refused,
        FailureClass::Unreachable,
        FailureClass::Reset,
        FailureClass::Tls,
        FailureClass::Http,
    ];

    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            FailureClass::Dns => "dns",
            FailureClass::ConnectTimeout => "connect-timeout",
            FailureClass::ReadTimeout => "read-timeout",
            FailureClass::Refused => "refused",
            FailureClass::Unreachable => "unreachable",
            FailureClass::Reset => "reset",
            FailureClass::Tls => "tls",
            FailureClass::Http => "http",
        }
    }
}

/// Where the host of a failure stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostFrom {
    /// In the failure's own words.
    Message,
    /// Near it: in the line before, the record around it, the request that it belongs to.
    Context,
}

/// One failure, however often its text repeats itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The layer.
    pub class: FailureClass,
    /// What more is known, in a stable word:
    ///
    /// * anywhere: `proxy` (what failed is the proxy on the way, which `host` and `address` then are);
    /// * `dns`: `EAI_AGAIN`, `no-data`, `servfail`, `timeout`;
    /// * `connect-timeout`: `ETIMEDOUT` (the kernel gave up), `connect-or-handshake`, `waiting-for-connection`;
    /// * `read-timeout`: `deadline` (a limit on the whole call);
    /// * `refused`: `reason-lost`, `refused-or-unreachable`;
    /// * `unreachable`: `ENETUNREACH`, `EHOSTUNREACH`, `EACCES`, `EINVAL`, `EADDRNOTAVAIL`;
    /// * `reset`: `during-tls-handshake`, `established-lost`, `closed-early`, `closed-without-greeting`, `broken-pipe`;
    /// * `tls`: `handshake-timeout`, `untrusted-ca`, `name-mismatch`, `expired`, `plaintext`, `eof-in-handshake`,
    ///   `alert:NAME`;
    /// * `http`: `json-body`, `html-body` (not the API's own answer), `by-proxy`.
    pub detail: Option<String>,
    /// The destination's name, in lower case. `None` where only an address is known.
    pub host: Option<String>,
    /// Where `host` stands.
    pub host_from: Option<HostFrom>,
    /// The address that failed.
    pub address: Option<IpAddr>,
    /// All addresses that were tried, where the text lists several.
    pub addresses: BTreeSet<IpAddr>,
    /// The destination's port.
    pub port: Option<u16>,
    /// The client library: `jdk-httpurlconnection`, `apache-hc5-async`…
    pub client: Option<String>,
    /// The JDK's generation where the wording tells: `8`, `<=12`, `13+`…
    pub jdk: Option<String>,
    /// The status of an HTTP answer.
    pub status: Option<u16>,
    /// The time-out that the text names.
    #[serde(with = "micros::option")]
    pub timeout: Option<Duration>,
    /// The local end of the connection, where the text gives it.
    pub local: Option<SocketAddr>,
    /// The words that say it, at most [`Failure::TEXT`] characters, without control characters.
    pub text: String,
}

impl Failure {
    /// One of which nothing more is known.
    pub fn new(class: FailureClass, text: impl Into<String>) -> Self {
        Self {
            class,
            detail: None,
            host: None,
            host_from: None,
            address: None,
            addresses: BTreeSet::new(),
            port: None,
            client: None,
            jdk: None,
            status: None,
            timeout: None,
            local: None,
            text: text.into(),
        }
    }

    /// How long a failure's text may be, in characters.
    pub const TEXT: usize = 300;
}

/// An error of an application that names no destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The exception's class, where the text begins with one.
    pub name: Option<String>,
    /// The words that say it, as short and as harmless as a [`Failure`]'s.
    pub text: String,
}

/// An attempt of an application to connect to one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The name that the application asked for.
    pub host: Option<String>,
    /// Whom it tried.
    pub address: IpAddr,
    /// At which port.
    pub port: u16,
    /// How long that took.
    #[serde(with = "micros::option")]
    pub elapsed: Option<Duration>,
    /// What became of it; `None`: it connected.
    pub failed: Option<FailureClass>,
    /// Whether whoever waited for it was served all the same, by another address.
    pub served: Option<bool>,
}

/// What a level is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gauge {
    /// Space of a file system.
    DiskSpace,
    /// Inodes of a file system.
    Inodes,
    /// Main memory.
    Memory,
    /// Swap.
    Swap,
    /// Work that waits, for each processor.
    Load,
    /// Processor time.
    Processor,
    /// Time in which some task waited for a processor, for memory or for a disk (PSI).
    Pressure,
    /// File descriptors.
    FileDescriptors,
    /// Ephemeral ports towards one destination.
    EphemeralPorts,
    /// The connection tracking table.
    Conntrack,
    /// Sockets in one state, of as many as the kernel keeps in it.
    Sockets,
    /// Connections that a listener's full queue turned away, of all that came.
    AcceptQueue,
    /// Segments sent again, of all sent.
    Retransmissions,
    /// A JVM's heap.
    Heap,
    /// A JVM's metaspace.
    Metaspace,
    /// Time that a JVM spends on garbage collection.
    Collection,
    /// Connections of a database.
    DatabaseConnections,
}

/// How full something is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// What is measured.
    pub gauge: Gauge,
    /// Of what: a mount point, a process, a destination.
    pub of: String,
    /// From 0 on; 1 is full. Of [`Gauge::Load`], 1 is one task for each processor.
    pub share: f64,
    /// How much is in use, in the gauge's unit (bytes, inodes, ports…).
    pub used: Option<u64>,
    /// How much there is.
    pub total: Option<u64>,
}

/// A statement of a database that took too long, or failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The database as people know it: without user and password.
    pub database: Option<String>,
    /// The statement, its literals removed.
    pub text: String,
    /// How long it took, or takes so far.
    #[serde(with = "micros::option")]
    pub elapsed: Option<Duration>,
    /// How often, in what this signal speaks of.
    pub count: u64,
    /// It failed, in these words.
    pub error: Option<String>,
    /// What it waits for, in a stable word: `lock`.
    #[serde(default)]
    pub waits: Option<String>,
}

/// How bad the one who raised an alert thinks it is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertLevel {
    /// Something to know.
    Info,
    /// Something to look at.
    Warning,
    /// Something failed.
    Error,
    /// Something failed for good.
    Fatal,
}

/// An alert of a system that judges by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// How bad.
    pub level: AlertLevel,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
}
