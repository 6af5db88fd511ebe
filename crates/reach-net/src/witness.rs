//! What only a raw socket sees of ICMP errors: the IP header of our packet as it arrived where the error arose.

use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    sync::{Mutex, OnceLock, PoisonError},
};

use reach_core::model::{Quote, QuotedHeader};
use socket2::Socket;

use crate::{
    sys::{self, QueuedError},
    wire::{QuotedPacket, Transport, ipv4_payload},
};

/// The most errors that are remembered. What the error queues tell of comes right after.
const MOST: usize = 256;

/// Listens to the ICMP errors that come to this host; deaf without `CAP_NET_RAW`.
#[derive(Default)]
pub(crate) struct Witness {
    ears: [OnceLock<Option<Socket>>; 2],
    heard: Mutex<VecDeque<Heard>>,
}

/// One ICMP error.
struct Heard {
    by: IpAddr,
    destination: IpAddr,
    protocol: u8,
    header: QuotedHeader,
    /// The quoted packet from its transport header on.
    transport: Vec<u8>,
}

impl Witness {
    /// Begins to listen, if it can: before what is to be heard of is sent.
    pub(crate) fn begin(&self, v6: bool) {
        self.ear(v6);
    }

    /// Adds to `quote` what was heard of the packet that `error` is about: the one of this protocol that `is_it`
    /// knows by its transport header. Gives all that the error quotes from that header on.
    pub(crate) fn testify(
        &self,
        quote: &mut Quote,
        error: &QueuedError,
        transport: Transport,
        is_it: impl Fn(&[u8]) -> bool,
    ) -> Option<Vec<u8>> {
        let (by, destination) = (error.offender?, error.destination?.ip().to_canonical());
        let ear = self.ear(destination.is_ipv6())?;
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        listen(ear, destination.is_ipv6(), &mut heard);
        let place = heard.iter().position(|heard| {
            heard.by == by
                && heard.destination == destination
                && heard.protocol == transport.number()
                && is_it(&heard.transport)
        })?;
        let heard = heard.remove(place)?;
        quote.header = Some(heard.header);
        Some(heard.transport)
    }

    fn ear(&self, v6: bool) -> Option<&Socket> {
        self.ears[usize::from(v6)].get_or_init(|| sys::open_icmp_errors(v6).ok()).as_ref()
    }
}

/// Takes what waits, and forgets the oldest for it.
fn listen(ear: &Socket, v6: bool, heard: &mut VecDeque<Heard>) {
    let mut buffer = [0; 2048];
    for _ in 0..MOST {
        let received = match sys::receive(ear, &mut buffer) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let packet = buffer.get(..received.length).unwrap_or_default();
        // Only a raw IPv4 socket gives the IP header, too.
        let message = if v6 { Some(packet) } else { ipv4_payload(packet) };
        let quoted = message.and_then(|message| QuotedPacket::parse(v6, message));
        let (Some(from), Some(quoted)) = (received.from, quoted) else { continue };
        if heard.len() >= MOST {
            heard.pop_front();
        }
        heard.push_back(Heard {
            by: from.ip(),
            destination: quoted.destination,
            protocol: quoted.protocol,
            header: quoted.header,
            transport: quoted.transport.to_vec(),
        });
    }
}
