//! What a failure was on its way to.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    model::{Host, Target, TargetError},
    signal::{Attempt, Failure},
};

/// The port of a destination that names none.
const USUAL_PORT: u16 = 443;

/// What a failure was on its way to: a name where one is known, else an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Destination {
    /// The name in lower case without a trailing dot, or the address.
    pub host: String,
    /// The port; that of HTTPS where none is known.
    pub port: u16,
}

impl Destination {
    pub(crate) fn of_failure(failure: &Failure) -> Option<Self> {
        Self::new(failure.host.as_deref(), failure.address, failure.port)
    }

    pub(super) fn of_attempt(attempt: &Attempt) -> Option<Self> {
        Self::new(attempt.host.as_deref(), Some(attempt.address), Some(attempt.port))
    }

    fn new(host: Option<&str>, address: Option<IpAddr>, port: Option<u16>) -> Option<Self> {
        let host = host.map(|host| host.trim_end_matches('.').to_lowercase()).filter(|host| !host.is_empty());
        let host = host.or_else(|| address.map(|address| address.to_string()))?;
        Some(Self { host, port: port.filter(|port| *port != 0).unwrap_or(USUAL_PORT) })
    }

    /// What to examine in order to know why it fails.
    ///
    /// # Errors
    ///
    /// What the text named is no host.
    pub fn target(&self) -> Result<Target, TargetError> {
        Target::read(&self.to_string(), USUAL_PORT)
    }

    /// Whether `target` leads to the same place.
    pub fn is(&self, target: &Target) -> bool {
        let host = match &target.host {
            Host::Name(name) => name.trim_end_matches('.').to_owned(),
            Host::Address(address) => address.to_string(),
        };
        self.port == target.port && self.host == host
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
