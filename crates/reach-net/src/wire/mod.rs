//! Decoders of what comes from the network and from the kernel: plain functions over bytes and text, total on
//! any input. Public, so that fuzzing reaches each of them.

mod counters;
mod dialogue;
mod extension;
mod icmp;
mod packet;
pub mod pcapng;
mod proxy;
mod quote;
mod starttls;
mod tcp_info;
mod telnet;

pub use counters::{counted_between, ip_counters};
pub use dialogue::{Dialogue, MOST_FOREIGN, MOST_HELD, Turn};
pub use extension::{Extensions, LEAST_ORIGINAL, split_extensions};
pub use icmp::{EchoMessage, checksum};
pub(crate) use icmp::{fold, sum};
pub use packet::{Body, Fragment, Packet, Segment, ipv4_payload};
pub use proxy::{ProxyDialogue, ProxyLogin};
pub use quote::{QuotedPacket, Transport, checksum_fits, pseudo_header, quoted_tcp};
pub use starttls::{MOST_GREETING, StartTlsDialogue};
pub use tcp_info::TcpInfo;
pub use telnet::{LineEnd, Received, Telnet, TelnetCommand, Window};
