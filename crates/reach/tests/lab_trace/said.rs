//! What `reach trace --json` says.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use reach_lab::{Lab, Protocol};
use serde_json::Value;

use crate::company::{Rights, reach};

/// No trace takes so long; a machine that is very busy gets some more.
const LONGEST: Duration = Duration::from_secs(60);

/// A trace that ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) document: Value,
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
}

/// The paths to one address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a>(pub(crate) &'a Value);

/// The option for a protocol.
pub(crate) fn option(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "--tcp",
        Protocol::Udp => "--udp",
        Protocol::Icmp | Protocol::IcmpErrors => "--icmp",
    }
}

/// Runs `reach trace --json` with these arguments in the client.
pub(crate) fn trace(lab: &Lab, rights: Rights, arguments: &[&str]) -> Said {
    let command = reach(lab, rights).args(["trace", "--json"]).args(arguments).timeout(LONGEST);
    let finished = command.run().expect("it starts");
    let what = format!("reach trace {}", arguments.join(" "));
    assert!(!finished.timed_out, "{what} did not end within {LONGEST:?}; it said: {}", finished.stderr);
    let document = serde_json::from_str(&finished.stdout).unwrap_or_else(|error| {
        panic!("{what}: no document ({error}), {}; it said: {}", finished.status, finished.stderr)
    });
    Said { document, code: finished.code(), took: finished.elapsed }
}

impl Said {
    /// The paths to the only address.
    pub(crate) fn path(&self) -> Path<'_> {
        let paths = list(&self.document["paths"]);
        assert_eq!(paths.len(), 1, "{}", self.document);
        Path(&paths[0])
    }

    /// The paths to this address.
    pub(crate) fn path_to(&self, address: &str) -> Path<'_> {
        let found = list(&self.document["paths"]).iter().find(|path| path["address"] == address);
        Path(found.unwrap_or_else(|| panic!("no path to {address}: {}", self.document)))
    }
}

impl<'a> Path<'a> {
    /// Who answers at each TTL from 1 on.
    pub(crate) fn responders(self) -> Vec<BTreeSet<IpAddr>> {
        let hops = list(&self.0["hops"]).iter();
        hops.map(|hop| list(&hop["responders"]).iter().map(|responder| ip(&responder["address"])).collect())
            .collect()
    }

    /// Who answers at one TTL.
    pub(crate) fn at(self, ttl: u8) -> BTreeSet<IpAddr> {
        self.responders().get(usize::from(ttl) - 1).cloned().unwrap_or_default()
    }

    /// The hop itself.
    pub(crate) fn hop(self, ttl: u8) -> &'a Value {
        let found = list(&self.0["hops"]).iter().find(|hop| hop["ttl"] == ttl);
        found.unwrap_or_else(|| panic!("no hop {ttl}: {}", self.0))
    }

    /// A responder at a hop.
    pub(crate) fn responder(self, ttl: u8, address: IpAddr) -> &'a Value {
        let all = list(&self.hop(ttl)["responders"]).iter();
        all.clone()
            .find(|responder| ip(&responder["address"]) == address)
            .unwrap_or_else(|| panic!("{address} does not answer at {ttl}: {}", self.0))
    }

    /// The neighbours that were seen on the same flow; what is unknown on one side is left out.
    pub(crate) fn links(self) -> BTreeSet<(u8, Option<IpAddr>, Option<IpAddr>)> {
        let end = |value: &Value| (!value.is_null()).then(|| ip(value));
        let all = list(&self.0["links"]).iter();
        all.map(|link| (number(&link["ttl"]), end(&link["from"]), end(&link["to"])))
            .filter(|(ttl, from, to)| to.is_some() && (from.is_some() || *ttl == 1))
            .collect()
    }

    /// The remarks with this code.
    pub(crate) fn remarks(self, code: &str) -> Vec<&'a Value> {
        list(&self.0["remarks"]).iter().filter(|remark| remark["code"] == code).collect()
    }

    /// The codes of all remarks.
    pub(crate) fn remark_codes(self) -> BTreeSet<&'a str> {
        list(&self.0["remarks"]).iter().filter_map(|remark| remark["code"].as_str()).collect()
    }
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(crate) fn ip(value: &Value) -> IpAddr {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value} is no address"))
}

fn number(value: &Value) -> u8 {
    value.as_u64().and_then(|number| number.try_into().ok()).unwrap_or_else(|| panic!("{value} is no TTL"))
}
