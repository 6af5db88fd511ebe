//! Decoders of what comes from the network and from the kernel: plain functions over bytes and text, total on
//! any input. Public, so that fuzzing reaches each of them.

mod counters;
mod extension;
mod icmp;
mod packet;
mod quote;
mod tcp_info;

pub use counters::{counted_between, ip_counters};
pub use extension::{Extensions, split_extensions};
pub use icmp::{EchoMessage, checksum};
pub(crate) use icmp::{fold, sum};
pub use packet::{Segment, ipv4_payload};
pub use quote::{QuotedPacket, Transport, checksum_fits, pseudo_header, quoted_tcp};
pub use tcp_info::TcpInfo;
