//! A router's own words: "time exceeded" with what the kernel never adds to it.
//!
//! The kernel of such a router is kept from answering (see the plan), and this thread answers in its stead:
//! it sees every packet that arrives on the client's side, and where the TTL has run out it sends the error
//! through the router's own routing table, so that it comes from the address that the kernel would have used.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;
use socket2::{Domain, Protocol, Socket, Type};

use crate::description::{Interface, InterfaceRole, Label, Quote, Wording};
use crate::error::LabError;
use crate::node::Node;
use crate::sys::packet_socket;

/// A router's voice; it falls silent when this is dropped.
pub(crate) struct WordingThread {
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl WordingThread {
    /// Answers in the node for what comes in by these interfaces.
    pub(crate) fn start(
        wording: &Wording,
        node: &Node,
        interfaces: &[String],
    ) -> Result<WordingThread, LabError> {
        let trouble = |source: io::Error| LabError::System {
            what: format!("giving {} words of its own", node.name()),
            source,
        };
        let opened: io::Result<(Vec<OwnedFd>, [Socket; 2])> = node.within(|| {
            let ears = interfaces.iter().map(|name| packet_socket(name)).collect::<io::Result<_>>()?;
            Ok((ears, [raw_socket(Protocol::ICMPV4, wording)?, raw_socket(Protocol::ICMPV6, wording)?]))
        });
        let (ears, mouths) = opened.map_err(trouble)?;
        let (stop, stopped) = UnixStream::pair().map_err(trouble)?;
        let speaker = Speaker { wording: wording.clone(), ears, mouths, stopped };
        let thread = thread::Builder::new().name("lab wording".to_owned()).spawn(move || speaker.run());
        Ok(WordingThread { stop: Some(stop), thread: Some(thread.map_err(trouble)?) })
    }
}

impl Drop for WordingThread {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn raw_socket(protocol: Protocol, wording: &Wording) -> io::Result<Socket> {
    let domain = if protocol == Protocol::ICMPV4 { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    if let Some(ttl) = wording.initial_ttl {
        match domain {
            Domain::IPV4 => socket.set_ttl_v4(ttl.into())?,
            _ => socket.set_unicast_hops_v6(ttl.into())?,
        }
    }
    Ok(socket)
}

struct Speaker {
    wording: Wording,
    ears: Vec<OwnedFd>,
    /// For IPv4 and IPv6.
    mouths: [Socket; 2],
    stopped: UnixStream,
}

impl Speaker {
    fn run(self) {
        let mut buffer = vec![0; 1 << 16];
        while !self.wait() {
            for ear in &self.ears {
                for _ in 0..256 {
                    let Ok(length @ 1..) = read(ear, &mut buffer) else { break };
                    let Some((to, error)) = answer(&self.wording, &buffer[..length]) else { continue };
                    let mouth = &self.mouths[usize::from(to.is_ipv6())];
                    // What cannot be sent is lost, as any packet may be.
                    let _ = mouth.send_to(&error, &SocketAddr::new(to, 0).into());
                }
            }
        }
    }

    /// Waits until there is something to do; true if it is to stop.
    fn wait(&self) -> bool {
        let mut watched: Vec<PollFd> =
            self.ears.iter().map(|ear| PollFd::new(ear.as_fd(), PollFlags::POLLIN)).collect();
        watched.push(PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN));
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => watched.last().is_none_or(|stop| stop.any().unwrap_or(true)),
            Err(_) => true,
        }
    }
}

const ETHERNET: usize = 14;
/// The least quotation before extensions (RFC 4884 §4).
const QUOTED: usize = 128;

/// To whom an error is due for this frame, and the error from its ICMP header on; `None` if none is.
fn answer(wording: &Wording, frame: &[u8]) -> Option<(IpAddr, Vec<u8>)> {
    let packet = frame.get(ETHERNET..)?;
    match frame[12..ETHERNET] {
        [0x08, 0x00] => {
            let header = usize::from(packet.first()? & 0x0f) * 4;
            let length = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
            let target = Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(16..20)?).ok()?);
            let is_error = packet.get(9) == Some(&1) && ![0, 8].contains(packet.get(header)?);
            if *packet.get(8)? > 1 || is_error || is_ours(target.into()) || target.is_multicast() {
                return None;
            }
            let to = Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(12..16)?).ok()?);
            let packet = packet.get(..length)?;
            Some((to.into(), time_exceeded(wording, packet, header, 11, 5, 4)))
        }
        [0x86, 0xdd] => {
            const HEADER: usize = 40;
            let length = HEADER + usize::from(u16::from_be_bytes([*packet.get(4)?, *packet.get(5)?]));
            let target = Ipv6Addr::from(<[u8; 16]>::try_from(packet.get(24..40)?).ok()?);
            let is_error = packet.get(6) == Some(&58) && *packet.get(HEADER)? < 128;
            if *packet.get(7)? > 1 || is_error || is_ours(target.into()) || target.is_multicast() {
                return None;
            }
            let to = Ipv6Addr::from(<[u8; 16]>::try_from(packet.get(8..24)?).ok()?);
            let packet = packet.get(..length)?;
            Some((to.into(), time_exceeded(wording, packet, HEADER, 3, 4, 8)))
        }
        _ => None,
    }
}

/// Whether a link has the address: then the packet has arrived, or is for a neighbour that will say so.
fn is_ours(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets()[..2] == [10, 70],
        IpAddr::V6(v6) => v6.segments()[..3] == [0x2001, 0xdb8, 0x70] || v6.is_unicast_link_local(),
    }
}

/// The ICMP message: its type, the place of the length field in its header, and that field's unit in bytes.
/// The checksum is filled in for IPv4; for IPv6 the kernel does it.
fn time_exceeded(
    wording: &Wording,
    packet: &[u8],
    header: usize,
    kind: u8,
    length_at: usize,
    unit: usize,
) -> Vec<u8> {
    let extensions = extensions(wording);
    let most = if wording.quote == Quote::Short { header + 8 } else { QUOTED };
    let whole = extensions.is_empty() && wording.quote == Quote::Modern;
    let mut quoted = packet[..packet.len().min(if whole { packet.len() } else { most })].to_vec();
    let mut message = vec![kind, 0, 0, 0, 0, 0, 0, 0];
    if !extensions.is_empty() {
        quoted.resize(QUOTED, 0);
        if wording.quote != Quote::Old {
            message[length_at] = (QUOTED / unit) as u8;
        }
    }
    message.extend(quoted);
    message.extend(extensions);
    if kind == 11 {
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

/// The extension structure (RFC 4884 §7), if there is anything to put into it.
fn extensions(wording: &Wording) -> Vec<u8> {
    let mut objects = Vec::new();
    if !wording.labels.is_empty() {
        const STACK: [u8; 2] = [1, 1];
        let last = wording.labels.len() - 1;
        let entries = wording.labels.iter().enumerate();
        object(
            &mut objects,
            STACK,
            &entries.flat_map(|(at, label)| entry(label, at == last)).collect::<Vec<_>>(),
        );
    }
    for interface in &wording.interfaces {
        let (form, body) = described(interface);
        object(&mut objects, [2, form], &body);
    }
    if objects.is_empty() {
        return objects;
    }
    let mut structure = vec![0x20, 0, 0, 0];
    structure.extend(objects);
    let sum = checksum(&structure);
    structure[2..4].copy_from_slice(&sum.to_be_bytes());
    structure
}

fn object(objects: &mut Vec<u8>, [class, form]: [u8; 2], body: &[u8]) {
    objects.extend(((4 + body.len()) as u16).to_be_bytes());
    objects.extend([class, form]);
    objects.extend(body);
}

/// RFC 3032 §2.1.
fn entry(label: &Label, is_bottom: bool) -> [u8; 4] {
    let word = label.label << 12
        | u32::from(label.class & 7) << 9
        | u32::from(is_bottom) << 8
        | u32::from(label.ttl);
    word.to_be_bytes()
}

/// The C-type and the payload of an interface information object (RFC 5837 §4).
fn described(interface: &Interface) -> (u8, Vec<u8>) {
    let role = match interface.role {
        InterfaceRole::Incoming => 0,
        InterfaceRole::SubIp => 1,
        InterfaceRole::Outgoing => 2,
        InterfaceRole::NextHop => 3,
    };
    let (mut form, mut body) = (role << 6, Vec::new());
    if let Some(index) = interface.index {
        form |= 8;
        body.extend(index.to_be_bytes());
    }
    match interface.address {
        Some(IpAddr::V4(v4)) => {
            form |= 4;
            body.extend([0, 1, 0, 0]);
            body.extend(v4.octets());
        }
        Some(IpAddr::V6(v6)) => {
            form |= 4;
            body.extend([0, 2, 0, 0]);
            body.extend(v6.octets());
        }
        None => {}
    }
    if let Some(name) = &interface.name {
        form |= 2;
        let length = (1 + name.len()).next_multiple_of(4);
        body.push(length as u8);
        body.extend(name.bytes());
        body.resize(body.len() + length - 1 - name.len(), 0);
    }
    if let Some(mtu) = interface.mtu {
        form |= 1;
        body.extend(mtu.to_be_bytes());
    }
    (form, body)
}

/// The Internet checksum (RFC 1071), as if a zero followed an odd last byte.
fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(v6: bool, ttl: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![2; 12];
        if v6 {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, payload as u8, 17, ttl]);
            frame.extend("2001:db8::1".parse::<Ipv6Addr>().unwrap().octets());
            frame.extend("2001:db8::2".parse::<Ipv6Addr>().unwrap().octets());
        } else {
            frame.extend([8, 0, 0x45, 0, 0, 20 + payload as u8, 0, 0, 0, 0, ttl, 17, 0, 0]);
            frame.extend([192, 0, 2, 1, 192, 0, 2, 2]);
        }
        frame.extend(vec![7; payload]);
        // What pads a short frame is no part of the packet.
        frame.extend([9; 6]);
        frame
    }

    fn labelled(quote: Quote) -> Wording {
        let labels = vec![Label { label: 100, class: 5, ttl: 1 }, Label { label: 24_001, class: 0, ttl: 2 }];
        Wording { labels, quote, ..Wording::default() }
    }

    #[test]
    fn only_a_packet_whose_time_is_over_is_answered() {
        let plain = Wording::default();
        for v6 in [false, true] {
            assert_eq!(answer(&plain, &frame(v6, 2, 12)), None);
            let (to, message) = answer(&plain, &frame(v6, 1, 12)).unwrap();
            assert_eq!(to.to_string(), if v6 { "2001:db8::1" } else { "192.0.2.1" });
            assert_eq!(message.len(), 8 + if v6 { 40 } else { 20 } + 12);
            assert_eq!(message[0], if v6 { 3 } else { 11 });
        }
    }

    #[test]
    fn extensions_stand_behind_128_bytes_and_their_checksums_fit() {
        for (v6, length) in [(false, [0, 32, 0]), (true, [16, 0, 0])] {
            let (_, message) = answer(&labelled(Quote::Modern), &frame(v6, 1, 12)).unwrap();
            assert_eq!(message[4..7], length);
            let structure = &message[8 + QUOTED..];
            assert_eq!(checksum(structure), 0);
            assert_eq!(structure[..8], [0x20, 0, structure[2], structure[3], 0, 12, 1, 1]);
            assert_eq!(structure[8..], [0, 6, 0x4a, 1, 0x05, 0xdc, 0x11, 2]);
        }
        let (_, old) = answer(&labelled(Quote::Old), &frame(false, 1, 12)).unwrap();
        assert_eq!(old[4..8], [0; 4]);
        assert_eq!(checksum(&old), 0);
        let (_, short) = answer(&labelled(Quote::Short), &frame(false, 1, 12)).unwrap();
        assert_eq!(short[8 + 20..8 + 32], [7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 0]);
    }

    #[test]
    fn an_interface_is_told_in_the_order_of_the_standard() {
        let interface = Interface {
            role: InterfaceRole::Outgoing,
            index: Some(3),
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9))),
            name: Some("xe-0/0/1".to_owned()),
            mtu: Some(9000),
        };
        let (form, body) = described(&interface);
        assert_eq!(form, 0b1000_1111);
        let (index, rest) = body.split_at(4);
        let (address, rest) = rest.split_at(8);
        let (name, mtu) = rest.split_at(12);
        assert_eq!((index, address), (&[0, 0, 0, 3][..], &[0, 1, 0, 0, 192, 0, 2, 9][..]));
        assert_eq!((name[0], &name[1..9], mtu), (12, &b"xe-0/0/1"[..], &9000_u32.to_be_bytes()[..]));
    }

    #[test]
    fn what_is_cut_short_gets_no_answer() {
        for v6 in [false, true] {
            let whole = frame(v6, 1, 12);
            for length in 0..whole.len() - 6 {
                assert_eq!(answer(&labelled(Quote::Modern), &whole[..length]), None);
            }
        }
    }
}
