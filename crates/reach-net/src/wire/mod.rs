//! Decoders of what comes from the network and from the kernel: plain functions over bytes and text, total on
//! any input. Public, so that fuzzing reaches each of them.

mod counters;
mod icmp;
mod packet;
pub mod pcapng;
mod tcp_info;

pub use counters::{counted_between, ip_counters};
pub use icmp::{EchoMessage, checksum};
pub use packet::{Body, Fragment, Packet, Segment, ipv4_payload};
pub use tcp_info::TcpInfo;
