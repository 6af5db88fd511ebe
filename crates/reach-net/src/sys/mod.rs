//! System calls: sockets with the options that a probe needs, what the kernel tells about them, and what this
//! process may do. The only unsafe code of the crate, each use with its reason.

mod capture;
mod datagram;
mod diag;
mod errors;
mod leaving;
mod limits;
mod options;
mod tcp;

pub use capture::{Between, Capture, CaptureCount, Selection, Sighting, interface_name};
pub use datagram::{Received, leave, may_use_raw_sockets, open_echo, open_icmp_errors, open_udp, receive};
pub use diag::SocketDiag;
pub use errors::{
    ErrorOrigin, QueuedError, bind_obstacle, drain_error_queue, enable_error_queue, local_obstacle, unable,
};
pub use leaving::{BadInterfaceName, InterfaceName, Leaving, LeavingError};
pub use limits::{drop_privileges, keep_rights_to_look, raise_file_limit};
pub use options::{Fragmenting, set_ttl};
pub use tcp::{TcpInfo, TcpOptions, connect_tcp, open_tcp, tcp_info};
