//! How large packets may be: which sizes to try next.

use std::{net::IpAddr, time::Duration};

use crate::{
    Time,
    model::{EchoAccess, Endpoint, TraceProtocol},
    route::log::{Log, TRANSPORT_HEADER, ip_header},
};

/// Sizes to try, and when to look again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sizes {
    /// TTL and length with the IP header.
    pub(super) asks: Vec<(Option<u8>, u32)>,
    pub(super) wake: Option<Time>,
}

/// Bytes of payload of a packet of this length.
pub(super) fn payload(address: IpAddr, length: u32) -> u16 {
    length.saturating_sub(ip_header(address) + TRANSPORT_HEADER).min(u32::from(u16::MAX)) as u16
}

/// With which packets sizes are tried: those of the trace, if their size can be chosen; else echo requests where
/// they may be sent.
pub(super) fn packets(protocol: TraceProtocol, echo: EchoAccess) -> TraceProtocol {
    match (protocol, echo) {
        (TraceProtocol::Tcp, EchoAccess::None) => TraceProtocol::Udp,
        (TraceProtocol::Tcp, _) => TraceProtocol::Icmp,
        (protocol, _) => protocol,
    }
}

/// What to try next.
pub(super) fn next(
    log: &Log,
    endpoint: Endpoint,
    packets: TraceProtocol,
    now: Time,
    patience: Duration,
) -> Sizes {
    let _ = (log, endpoint, packets, now, patience);
    Sizes::default()
}
