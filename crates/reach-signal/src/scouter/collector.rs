//! A client of the collector on TCP 6100: what its own screens are.
//!
//! Nothing here has a socket. [`Client`] turns commands into bytes and bytes into answers; [`Rounds`] decides what
//! to ask when, and gives what is answered to a [`Reading`](super::reading::Reading).

mod client;
mod command;
mod rounds;

pub use self::{
    client::{Account, Action, Client, Event, Why},
    command::{Command, Day, Position},
    rounds::{COUNTERS, Rounds, Settings},
};
