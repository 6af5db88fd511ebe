//! Decoders of what comes from the network and from the kernel: plain functions over bytes and text, total on
//! any input. Public, so that fuzzing reaches each of them.

mod counters;
mod dialogue;
mod icmp;
mod packet;
mod proxy;
mod starttls;
mod tcp_info;
mod telnet;

pub use counters::{counted_between, ip_counters};
pub use dialogue::{Dialogue, MOST_FOREIGN, MOST_HELD, Turn};
pub use icmp::{EchoMessage, checksum};
pub use packet::{Segment, ipv4_payload};
pub use proxy::{ProxyDialogue, ProxyLogin};
pub use starttls::{MOST_GREETING, StartTlsDialogue};
pub use tcp_info::TcpInfo;
pub use telnet::{LineEnd, Received, Telnet, TelnetCommand, Window};
