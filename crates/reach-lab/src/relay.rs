//! The box in the middle of a link: it passes frames from one side to the other, and delays, loses or cuts
//! some.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{read, write};

use crate::description::{Cut, Direction, NameCut, Relay};
use crate::dice::Dice;
use crate::error::LabError;
use crate::node::Node;
use crate::sys::packet_socket;

mod hello;
mod packet;

use hello::{ServerName, server_name};
use packet::{Segment, is_between_neighbours, reset_frame};

/// A box at work; it stops when this is dropped.
pub(crate) struct RelayThread {
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl RelayThread {
    /// Puts the box into the node, which has the interfaces `near` (towards the client) and `far`.
    pub(crate) fn start(relay: &Relay, node: Node) -> Result<RelayThread, LabError> {
        let lines = ["near", "far"].map(|name| format!("link set {name} up promisc on"));
        node.ip(&lines)?;
        let trouble =
            |error: io::Error| LabError::System { what: "starting a relay".to_owned(), source: error };
        let sockets: io::Result<[OwnedFd; 2]> =
            node.within(|| Ok([packet_socket("near")?, packet_socket("far")?]));
        let [near, far] = sockets.map_err(trouble)?;
        let (stop, stopped) = UnixStream::pair().map_err(trouble)?;
        let cable = Cable {
            sides: [
                Side { socket: near, waiting: VecDeque::new() },
                Side { socket: far, waiting: VecDeque::new() },
            ],
            judge: Judge::new(relay.clone()),
            stopped,
            // The namespace must stay while its interfaces are in use.
            _node: node,
        };
        let thread = thread::Builder::new().name("lab relay".to_owned()).spawn(move || cable.run());
        Ok(RelayThread { stop: Some(stop), thread: Some(thread.map_err(trouble)?) })
    }
}

impl Drop for RelayThread {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

const NEAR: usize = 0;
const FAR: usize = 1;

struct Cable {
    sides: [Side; 2],
    judge: Judge,
    stopped: UnixStream,
    _node: Node,
}

struct Side {
    socket: OwnedFd,
    /// Frames to be sent out of this side, by the time when they are due.
    waiting: VecDeque<(Instant, Vec<u8>)>,
}

impl Cable {
    fn run(mut self) {
        let mut buffer = vec![0; 1 << 17];
        while !self.wait() {
            for side in [NEAR, FAR] {
                // Bounded, so that one busy side cannot keep the other waiting.
                for _ in 0..256 {
                    let Ok(length @ 1..) = read(&self.sides[side].socket, &mut buffer) else { break };
                    let now = Instant::now();
                    for (out, due, frame) in self.judge.judge(side, &buffer[..length], now) {
                        self.sides[out].waiting.push_back((due, frame));
                    }
                }
            }
            self.send_what_is_due();
        }
    }

    /// Waits until there is something to do; true if it is to stop.
    fn wait(&self) -> bool {
        let next = self.sides.iter().filter_map(|side| side.waiting.front()).map(|(due, _)| *due).min();
        let timeout = match next {
            None => PollTimeout::NONE,
            // Rounded up, or the last part of a millisecond would be a busy loop.
            Some(due) => {
                let left = due.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
        };
        let mut watched = [
            PollFd::new(self.sides[NEAR].socket.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.sides[FAR].socket.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut watched, timeout) {
            Ok(_) | Err(Errno::EINTR) => watched[2].any().unwrap_or(true),
            Err(_) => true,
        }
    }

    fn send_what_is_due(&mut self) {
        let now = Instant::now();
        for side in &mut self.sides {
            while side.waiting.front().is_some_and(|(due, _)| *due <= now) {
                if let Some((_, frame)) = side.waiting.pop_front() {
                    // A frame that does not fit or has nowhere to go is lost, as on a wire.
                    let _ = write(&side.socket, &frame);
                }
            }
        }
    }
}

/// Decides what becomes of each frame.
struct Judge {
    relay: Relay,
    dice: Dice,
    /// For each side out of which frames go, when the last one is due: no frame overtakes another.
    last_due: [Option<Instant>; 2],
    flows: HashMap<FlowKey, Flow>,
}

/// The client's end and the server's.
type FlowKey = ((IpAddr, u16), (IpAddr, u16));

enum Flow {
    /// What the client has sent so far, from the sequence number that follows its SYN.
    Reading { first: u32, bytes: Vec<u8> },
    /// It carries a name that is not cut, or is no TLS.
    Free,
    /// Everything from the client vanishes.
    Cut,
}

/// A frame that leaves: the side, the time, and its bytes.
type Leaving = (usize, Instant, Vec<u8>);

impl Judge {
    fn new(relay: Relay) -> Self {
        Judge { dice: Dice::new(relay.seed), relay, last_due: [None; 2], flows: HashMap::new() }
    }

    fn judge(&mut self, came_in: usize, frame: &[u8], now: Instant) -> Vec<Leaving> {
        if !is_between_neighbours(frame) && self.is_lost(came_in) {
            return Vec::new();
        }
        let goes_out = 1 - came_in;
        let cut = match self.relay.name_cut.take() {
            None => None,
            Some(name_cut) => {
                let verdict = if came_in == NEAR { self.cut(&name_cut, frame) } else { None };
                self.relay.name_cut = Some(name_cut);
                verdict
            }
        };
        let leaving = match cut {
            None => vec![(goes_out, frame.to_vec())],
            Some(frames) => frames,
        };
        leaving.into_iter().map(|(out, frame)| (out, self.due(out, now), frame)).collect()
    }

    fn is_lost(&mut self, came_in: usize) -> bool {
        let direction = if came_in == NEAR { Direction::Toward } else { Direction::Back };
        let concerned =
            self.relay.loss_direction == Direction::Both || self.relay.loss_direction == direction;
        concerned && self.relay.loss_percent > 0 && self.dice.below(100) < u64::from(self.relay.loss_percent)
    }

    fn due(&mut self, out: usize, now: Instant) -> Instant {
        let jitter = match self.relay.jitter_ms {
            0 => 0,
            most => self.dice.below(most * 1000 + 1),
        };
        let due = now + Duration::from_millis(self.relay.delay_ms) + Duration::from_micros(jitter);
        let due = self.last_due[out].map_or(due, |last| last.max(due));
        self.last_due[out] = Some(due);
        due
    }

    /// `None` if the frame from the client passes; else the frames that leave instead of it.
    fn cut(&mut self, name_cut: &NameCut, frame: &[u8]) -> Option<Vec<(usize, Vec<u8>)>> {
        const MOST_FLOWS: usize = 4096;
        const LONGEST_HELLO: usize = 32 * 1024;
        let segment = Segment::parse(frame)?;
        if !name_cut.addresses.is_empty() && !name_cut.addresses.contains(&segment.to.0) {
            return None;
        }
        let key = (segment.from, segment.to);
        if segment.syn {
            if self.flows.len() >= MOST_FLOWS {
                self.flows.clear();
            }
            self.flows
                .insert(key, Flow::Reading { first: segment.sequence.wrapping_add(1), bytes: Vec::new() });
            return None;
        }
        let flow = self.flows.get_mut(&key)?;
        match flow {
            Flow::Cut => return Some(Vec::new()),
            Flow::Free => return None,
            Flow::Reading { first, bytes } => {
                // In order, or what was sent again from earlier on; what is beyond a gap will come again
                // after the gap is filled.
                let offset = segment.sequence.wrapping_sub(*first) as usize;
                if offset <= bytes.len() && segment.payload.len() + offset > bytes.len() {
                    bytes.truncate(offset);
                    bytes.extend_from_slice(segment.payload);
                }
                match server_name(bytes) {
                    ServerName::Unfinished if bytes.len() < LONGEST_HELLO => return None,
                    ServerName::Found(name) if matches(&name_cut.names, &name) => {}
                    ServerName::Unfinished | ServerName::Found(_) | ServerName::Absent => {
                        *flow = Flow::Free;
                        return None;
                    }
                }
            }
        }
        *flow = Flow::Cut;
        let next = segment.sequence.wrapping_add(segment.payload.len() as u32);
        let to_client = || (NEAR, reset_frame(frame, &segment, true, segment.acknowledgement, next));
        let to_server =
            || (FAR, reset_frame(frame, &segment, false, segment.sequence, segment.acknowledgement));
        Some(match name_cut.cut {
            Cut::Drop => Vec::new(),
            Cut::ResetClient => vec![to_client()],
            Cut::ResetBoth => vec![to_client(), to_server()],
        })
    }
}

fn matches(patterns: &[String], name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).any(|pattern| {
        match pattern.strip_prefix('*') {
            Some(ending) => name.ends_with(ending),
            None => name == pattern,
        }
    })
}

fn address(bytes: &[u8]) -> IpAddr {
    match <[u8; 4]>::try_from(bytes) {
        Ok(v4) => Ipv4Addr::from(v4).into(),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(bytes).unwrap_or_default()).into(),
    }
}
