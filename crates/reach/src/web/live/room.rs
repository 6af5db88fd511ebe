//! One page in one language, and those who look at it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::body::Bytes;
use serde_json::json;
use tokio::{sync::broadcast, time::Instant};

use super::hub::Memory;

/// Messages that somebody may be behind.
const BEHIND: usize = 16;
/// Messages that are remembered for those who come again…
const REMEMBERED: usize = 32;
/// …and bytes.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Whoever comes for the first time has a page that is younger than this.
const YOUNG: Duration = Duration::from_secs(6);

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Page {
    Overview,
    Target(u32),
    Incident(u64),
    Incidents,
    Silences,
    Signals,
}

impl Page {
    pub(super) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "overview" => Page::Overview,
            "incidents" => Page::Incidents,
            "silences" => Page::Silences,
            "signals" => Page::Signals,
            _ => match text.split_once('-')? {
                ("target", number) => Page::Target(number.parse().ok()?),
                ("incident", number) => Page::Incident(number.parse().ok()?),
                _ => return None,
            },
        })
    }
}

/// One page in one language.
pub(super) struct Room {
    sender: broadcast::Sender<Arc<Message>>,
    /// Tells its events from those of a room before it.
    epoch: u64,
    log: Mutex<Log>,
    /// What the hub knows of what it rendered.
    pub(super) memory: Mutex<Memory>,
}

#[derive(Default)]
struct Log {
    last: u64,
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
}

/// Something that is new.
pub(super) struct Message {
    number: u64,
    made: Instant,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// The page is to be loaded anew.
    Refresh(Bytes),
    /// Elements, each with the number of the target whose row it is.
    Patch {
        head: String,
        pieces: Vec<(Option<u32>, Bytes)>,
        /// All of it as it is sent.
        whole: Bytes,
    },
}

impl Message {
    fn bytes(&self) -> usize {
        match &self.kind {
            Kind::Refresh(frame) => frame.len(),
            Kind::Patch { whole, pieces, .. } => {
                whole.len() + pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>()
            }
        }
    }

    /// All of it.
    pub(super) fn whole(&self) -> Option<Bytes> {
        match &self.kind {
            Kind::Refresh(_) => None,
            Kind::Patch { whole, .. } => Some(whole.clone()),
        }
    }

    /// What concerns these rows, and what is no row.
    pub(super) fn part(&self, rows: &BTreeSet<u32>) -> Option<Bytes> {
        let Kind::Patch { head, pieces, .. } = &self.kind else { return None };
        let wanted: Vec<&Bytes> = pieces
            .iter()
            .filter(|(row, _)| row.is_none_or(|row| rows.contains(&row)))
            .map(|(_, piece)| piece)
            .collect();
        (!wanted.is_empty()).then(|| frame(head, &wanted))
    }
}

impl Room {
    pub(super) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            sender: broadcast::Sender::new(BEHIND),
            epoch: u64::try_from(since.as_micros()).unwrap_or_default(),
            log: Mutex::default(),
            memory: Mutex::default(),
        }
    }

    /// Somebody comes, with the id of the last event that they had: what they missed, and what is new from now on.
    pub(super) fn enter(&self, last: Option<&str>) -> (broadcast::Receiver<Arc<Message>>, Vec<Arc<Message>>) {
        let log = self.log();
        let receiver = self.sender.subscribe();
        let young = |message: &&Arc<Message>| message.made.elapsed() < YOUNG;
        let missed = match last {
            None => log.messages.iter().filter(young).cloned().collect(),
            Some(id) => self.missed(&log, id).unwrap_or_else(|| {
                let kind = Kind::Refresh(self.frame_of_refresh(log.last));
                vec![Arc::new(Message { number: log.last, made: Instant::now(), kind })]
            }),
        };
        (receiver, missed)
    }

    /// What came after this event; `None` where that is not known any more.
    fn missed(&self, log: &Log, id: &str) -> Option<Vec<Arc<Message>>> {
        let (epoch, number) = id.split_once('-')?;
        let number: u64 = number.parse().ok()?;
        if u64::from_str_radix(epoch, 16).ok()? != self.epoch || number > log.last {
            return None;
        }
        let missed: Vec<_> = log.messages.iter().filter(|message| message.number > number).cloned().collect();
        (missed.len() as u64 == log.last - number).then_some(missed)
    }

    /// Whether nobody looks at it.
    pub(super) fn is_empty(&self) -> bool {
        self.sender.receiver_count() == 0
    }

    /// Elements are new: their ids, whose rows they are, and what they are now.
    pub(super) fn patch(&self, elements: &[(String, Option<u32>, String)]) {
        if elements.is_empty() {
            return;
        }
        let pieces: Vec<(Option<u32>, Bytes)> = elements
            .iter()
            .map(|(id, row, html)| (*row, Bytes::from(json!({ "id": id, "html": html }).to_string())))
            .collect();
        self.send(|number| {
            let head = format!("id: {:x}-{number}\nevent: patch\ndata: ", self.epoch);
            let all: Vec<&Bytes> = pieces.iter().map(|(_, piece)| piece).collect();
            let whole = frame(&head, &all);
            Kind::Patch { head, pieces, whole }
        });
    }

    /// More is new than elements.
    pub(super) fn renew(&self) {
        self.send(|number| Kind::Refresh(self.frame_of_refresh(number)));
    }

    /// For somebody who missed something.
    pub(super) fn refresh(&self) -> Bytes {
        self.frame_of_refresh(self.log().last)
    }

    fn frame_of_refresh(&self, number: u64) -> Bytes {
        Bytes::from(format!("id: {:x}-{number}\nevent: refresh\ndata: {{}}\n\n", self.epoch))
    }

    fn send(&self, kind: impl FnOnce(u64) -> Kind) {
        let mut log = self.log();
        log.last += 1;
        let message = Arc::new(Message { number: log.last, made: Instant::now(), kind: kind(log.last) });
        log.bytes += message.bytes();
        log.messages.push_back(Arc::clone(&message));
        while log.messages.len() > REMEMBERED || log.bytes > MOST_BYTES {
            let Some(old) = log.messages.pop_front() else { break };
            log.bytes -= old.bytes();
        }
        // Nobody may be there at this moment.
        let _ = self.sender.send(message);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn frame(head: &str, pieces: &[&Bytes]) -> Bytes {
    let length = pieces.iter().map(|piece| piece.len() + 1).sum::<usize>();
    let mut frame = Vec::with_capacity(head.len() + length + 20);
    frame.extend_from_slice(head.as_bytes());
    frame.extend_from_slice(b"{\"patches\":[");
    for (place, piece) in pieces.iter().enumerate() {
        if place > 0 {
            frame.push(b',');
        }
        frame.extend_from_slice(piece);
    }
    frame.extend_from_slice(b"]}\n\n");
    Bytes::from(frame)
}
