//! Decoders of what comes from the network and from the kernel: plain functions over bytes and text, total on
//! any input. Public, so that fuzzing reaches each of them.

mod counters;
mod dialogue;
mod icmp;
mod packet;
pub mod pcapng;
mod proxy;
mod starttls;
mod tcp_info;

pub use counters::{counted_between, ip_counters};
pub use dialogue::{Dialogue, MOST_FOREIGN, MOST_HELD, Turn};
pub use icmp::{EchoMessage, checksum};
pub use packet::{Body, Fragment, Packet, Segment, ipv4_payload};
pub use proxy::{ProxyDialogue, ProxyLogin};
pub use starttls::{MOST_GREETING, StartTlsDialogue};
pub use tcp_info::TcpInfo;
