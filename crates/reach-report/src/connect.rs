//! What `reach connect` tried, as the reports take it.

use std::net::{IpAddr, SocketAddr};

use reach_core::{
    model::{Case, Diagnosis, Observation, ProxyProtocol, StartTls, State},
    tries::{self, Tally},
};

/// One target, its addresses, and how each could be connected to.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// What it started from.
    pub case: Case,
    /// The addresses behind the name; no endpoint is judged.
    pub names: Diagnosis,
    /// Directly, or through a proxy.
    pub way: Way,
    /// The protocol that leads to TLS, if one was spoken.
    pub starttls: Option<StartTls>,
    /// How often each row was to be tried.
    pub repeat: u32,
    /// One row for each address, or for the name where a proxy resolves it.
    pub rows: Vec<Row>,
}

/// The way to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Without a proxy.
    Direct,
    /// Through a proxy.
    Proxy(ProxyWay),
}

/// The way through a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyWay {
    /// The proxy as a URL, without user name and password.
    pub url: String,
    /// Its protocol.
    pub protocol: ProxyProtocol,
    /// The address of it that was used; `None` where its name has none.
    pub endpoint: Option<SocketAddr>,
    /// The environment variable that names it; `None` where it was typed.
    pub variable: Option<String>,
}

/// What was connected to, and what came of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was connected to.
    pub peer: Peer,
    /// Each try.
    pub tries: Vec<Observation>,
}

/// What was connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An address.
    Address(IpAddr),
    /// A name that a proxy resolves.
    Name(String),
}

impl Attempted {
    /// Whether clients depend on a row: a proxy that resolves the name itself is given the name, and what it makes
    /// of addresses is for comparison only.
    pub fn decides(&self, row: &Row) -> bool {
        row.is_name() || !self.rows.iter().any(Row::is_name)
    }

    /// The rows that clients depend on.
    pub fn deciding(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| self.decides(row))
    }

    /// What the tries amount to.
    pub fn state(&self) -> State {
        if self.rows.is_empty() {
            return match (self.names.doubt, self.names.resolution.error) {
                (Some(_), _) | (None, None) => State::Inconclusive,
                (None, Some(_)) => State::Unresolved,
            };
        }
        let tallies: Vec<Tally> = self.deciding().map(Row::tally).collect();
        tries::state(&tallies)
    }
}

impl Row {
    /// What its tries amount to.
    pub fn tally(&self) -> Tally {
        Tally::of(&self.tries)
    }

    fn is_name(&self) -> bool {
        matches!(self.peer, Peer::Name(_))
    }
}
