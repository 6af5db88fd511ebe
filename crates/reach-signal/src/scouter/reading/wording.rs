//! The wordings in which agents say that a destination was not reached: those that Scouter was seen to record.

use reach_core::signal::{Failure, FailureClass};

use super::scrub;

/// What a short text of an error says of the network, if it speaks of it.
pub fn short(text: &str) -> Option<Failure> {
    let lower = text.to_lowercase();
    let says = |words: &str| lower.contains(words);
    let class = if says("unknownhostexception")
        || says("name or service not known")
        || says("name resolution")
    {
        FailureClass::Dns
    } else if says("sslhandshake")
        || says("pkix path")
        || says("sslexception")
        || says("certificateexception")
    {
        FailureClass::Tls
    } else if says("connection refused") || lower == "java.net.connectexception" {
        FailureClass::Refused
    } else if says("noroutetohost") || says("no route to host") || says("network is unreachable") {
        FailureClass::Unreachable
    } else if says("connect timed out") || says("connection timed out") || says("connecttimeoutexception") {
        FailureClass::ConnectTimeout
    } else if says("read timed out") || says("sockettimeoutexception") || says("httptimeoutexception") {
        FailureClass::ReadTimeout
    } else if says("connection reset") || says("broken pipe") || says("premature") || says("nohttpresponse") {
        FailureClass::Reset
    } else {
        return None;
    };
    Some(Failure {
        class,
        detail: None,
        host: None,
        host_from: None,
        address: None,
        addresses: addresses(text),
        port: None,
        client: None,
        jdk: None,
        status: None,
        timeout: None,
        local: None,
        text: scrub::remark(text),
    })
}

/// The addresses in `Connect to H:P [H/IP1, H/IP2] failed`.
fn addresses(text: &str) -> std::collections::BTreeSet<std::net::IpAddr> {
    let listed =
        text.split_once('[').and_then(|(_, rest)| rest.split_once("] ")).map_or("", |(listed, _)| listed);
    listed.split(", ").filter_map(|entry| entry.rsplit_once('/')?.1.parse().ok()).collect()
}
