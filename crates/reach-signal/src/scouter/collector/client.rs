//! The conversation with the collector: one request at a time, its answer in pieces as they come.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    time::Duration,
};

use reach_core::Time;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::command::{Command, request};
use crate::scouter::wire::{Malformed, Map, Pack, Reader, Value};

/// What a client says before anything else.
const MAGIC: [u8; 4] = [0xca, 0xfe, 0x20, 0x01];

/// A pack of the answer follows.
const NEXT: u8 = 3;

/// The answer is complete.
const END: u8 = 4;

/// The session is none.
const BAD_SESSION: u8 = 0x44;

/// The salt before a password: a constant of every installation.
const SALT: &[u8] = b"qwertyuiop!@#$%^&*()zxcvbnm,.";

/// The account that a collector takes from its own host without a password.
const LOCAL: &str = "__local";

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long an answer may take; the first after a start, and those that an agent has to be asked for, take long.
const ANSWER: Duration = Duration::from_secs(30);

/// How long a connection is kept without a request: the collector closes it after 8 s.
const IDLE: Duration = Duration::from_millis(7000);

/// The first wait after a failure; each doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait after failures.
const LAST_WAIT: Duration = Duration::from_secs(60);

/// How many bytes one pack of an answer may have.
const PACK: usize = 16 << 20;

/// How many bytes an answer may have.
const ANSWER_BYTES: usize = 64 << 20;

/// How many packs an answer may have: a few times what the collector's rings hold.
const PACKS: usize = 65_536;

/// How many commands may wait.
const QUEUE: usize = 256;

/// Who logs in.
#[derive(Clone)]
pub struct Account {
    id: String,
    /// Made of the password; worth as much to whoever has it.
    proof: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({:?})", self.id)
    }
}

impl Account {
    /// An account with its password.
    pub fn new(id: &str, password: &str) -> Account {
        let digest = Sha256::new().chain_update(SALT).chain_update(password.as_bytes()).finalize();
        let proof = digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Account { id: id.to_owned(), proof }
    }

    /// The account that needs no password on the collector's own host.
    pub fn local() -> Account {
        Account { id: LOCAL.to_owned(), proof: String::new() }
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection; say [`Client::connected`] or [`Client::closed`] of it.
    Connect,
    /// Send these bytes.
    Send(Vec<u8>),
    /// Close the connection; nothing need be said of it.
    Close,
    /// Nothing, until then or for ever, unless something comes.
    Wait(Option<Time>),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Logged in.
    Ready {
        /// The collector's name for itself.
        server: String,
        /// Its version.
        version: String,
        /// The name of its time zone, in its own language.
        zone: String,
    },
    /// A command was answered.
    Answer(Command, Vec<Pack>),
    /// The connection came to an end; what was asked for is not answered.
    Down(Why),
}

/// Why a connection came to an end.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Why {
    /// It did not come about.
    #[error("no connection")]
    Unreachable,
    /// It was closed in the middle of something.
    #[error("the connection was closed")]
    Closed,
    /// No answer came in time.
    #[error("no answer")]
    Silent,
    /// What came is no answer.
    #[error("not an answer of a collector: {0}")]
    Garbage(Malformed),
    /// What came is larger than any answer.
    #[error("an answer without end")]
    Endless,
    /// Something came that nobody had asked for.
    #[error("not an answer of a collector: byte {0:#04x}")]
    Unasked(u8),
    /// The account is not accepted.
    #[error("login refused: {0}")]
    Login(String),
    /// A session that was just given is none.
    #[error("the session is refused")]
    Session,
}

/// The conversation.
#[derive(Clone, Debug)]
pub struct Client {
    account: Account,
    version: String,
    state: State,
    session: Option<i64>,
    /// The session was given on this connection, so it has to be good.
    new_session: bool,
    queue: VecDeque<Command>,
    inbox: Vec<u8>,
    needed: usize,
    answer: Vec<Pack>,
    answer_bytes: usize,
    failures: u32,
    events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Down { until: Time },
    Connecting { since: Time },
    Up { since: Time, greeted: bool },
    Asked { asked: Asked, deadline: Time },
    Closing { until: Time },
}

#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Login,
    Command(Command),
}

impl Client {
    /// A conversation that has not begun. `version` is what the collector is told of the client.
    pub fn new(account: Account, version: &str) -> Client {
        Client {
            account,
            version: version.to_owned(),
            state: State::Down { until: Time::default() },
            session: None,
            new_session: false,
            queue: VecDeque::new(),
            inbox: Vec::new(),
            needed: 0,
            answer: Vec::new(),
            answer_bytes: 0,
            failures: 0,
            events: Vec::new(),
        }
    }

    /// Asks something, after what was asked before. What is too much is left out.
    pub fn ask(&mut self, command: Command) {
        if self.queue.len() < QUEUE {
            self.queue.push_back(command);
        }
    }

    /// Whether nothing is asked that is not answered.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && !matches!(self.state, State::Asked { .. })
    }

    /// What came of everything so far.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What to do next.
    pub fn poll(&mut self, now: Time) -> Action {
        match &self.state {
            State::Closing { until } => {
                self.state = State::Down { until: *until };
                Action::Close
            }
            State::Down { .. } if self.queue.is_empty() && self.session.is_some() => Action::Wait(None),
            State::Down { until } if now < *until => Action::Wait(Some(*until)),
            State::Down { .. } => {
                self.state = State::Connecting { since: now };
                Action::Connect
            }
            State::Connecting { since } if now.since(*since) >= CONNECTING => {
                self.fail(now, Why::Unreachable);
                self.poll(now)
            }
            State::Connecting { since } => Action::Wait(Some(*since + CONNECTING)),
            State::Up { since, greeted } => {
                let (since, greeted) = (*since, *greeted);
                self.next_request(now, since, greeted)
            }
            State::Asked { deadline, .. } if now >= *deadline => {
                self.fail(now, Why::Silent);
                self.poll(now)
            }
            State::Asked { deadline, .. } => Action::Wait(Some(*deadline)),
        }
    }

    fn next_request(&mut self, now: Time, since: Time, greeted: bool) -> Action {
        if now.since(since) >= IDLE {
            self.reset();
            self.state = State::Down { until: now };
            return Action::Close;
        }
        let (asked, bytes) = match self.session {
            None => (Asked::Login, self.login()),
            Some(session) => match self.queue.pop_front() {
                Some(command) => {
                    let bytes = command.request(session);
                    (Asked::Command(command), bytes)
                }
                None => return Action::Wait(Some(since + IDLE)),
            },
        };
        self.state = State::Asked { asked, deadline: now + ANSWER };
        Action::Send(if greeted { bytes } else { [&MAGIC, bytes.as_slice()].concat() })
    }

    fn login(&self) -> Vec<u8> {
        let table: Map = [
            ("id", self.account.id.as_str()),
            ("pass", self.account.proof.as_str()),
            ("version", self.version.as_str()),
            ("hostname", "reach"),
            ("ip", "127.0.0.1"),
        ]
        .into_iter()
        .collect();
        request("LOGIN", 0, Some(table))
    }

    /// The connection is there.
    pub fn connected(&mut self, now: Time) {
        if matches!(self.state, State::Connecting { .. }) {
            self.reset();
            self.state = State::Up { since: now, greeted: false };
        }
    }

    /// The connection did not come about, or came to an end.
    pub fn closed(&mut self, now: Time) {
        match self.state {
            State::Connecting { .. } => self.fail(now, Why::Unreachable),
            // The collector tires of a client that asks nothing. That is no failure, unless it is all it ever does.
            State::Up { greeted: true, .. } => {
                self.reset();
                self.state = State::Down { until: now };
            }
            State::Up { .. } | State::Asked { .. } => self.fail(now, Why::Closed),
            State::Down { .. } | State::Closing { .. } => {}
        }
        if let State::Closing { until } = self.state {
            self.state = State::Down { until };
        }
    }

    /// Bytes came.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        if !matches!(self.state, State::Up { .. } | State::Asked { .. }) {
            return;
        }
        self.inbox.extend_from_slice(bytes);
        let inbox = std::mem::take(&mut self.inbox);
        let mut rest = inbox.as_slice();
        while let Some((flag, behind)) = rest.split_first() {
            if !matches!(self.state, State::Asked { .. }) {
                return self.fail(now, Why::Unasked(*flag));
            }
            match *flag {
                NEXT => match self.next_pack(rest) {
                    Ok(Some(length)) => rest = &rest[length..],
                    Ok(None) => break,
                    Err(why) => return self.fail(now, why),
                },
                END => {
                    rest = behind;
                    self.complete(now);
                }
                BAD_SESSION => return self.bad_session(now),
                other => return self.fail(now, Why::Unasked(other)),
            }
        }
        self.inbox = rest.to_vec();
    }

    /// Reads one pack behind its flag, and says how long both are; `None` when it is not all there yet.
    fn next_pack(&mut self, bytes: &[u8]) -> Result<Option<usize>, Why> {
        if bytes.len() < self.needed {
            return Ok(None);
        }
        let mut reader = Reader::new(&bytes[1..]);
        match Pack::read(&mut reader) {
            Ok(pack) => {
                let length = 1 + reader.at();
                self.answer_bytes += length;
                if self.answer.len() == PACKS || self.answer_bytes > ANSWER_BYTES {
                    return Err(Why::Endless);
                }
                self.needed = 0;
                self.answer.push(pack);
                Ok(Some(length))
            }
            Err(Malformed::Short { needed, .. }) if needed <= PACK => {
                self.needed = 1 + needed;
                Ok(None)
            }
            Err(Malformed::Short { .. }) => Err(Why::Endless),
            Err(fault) => Err(Why::Garbage(fault)),
        }
    }

    fn complete(&mut self, now: Time) {
        let State::Asked { asked, .. } =
            std::mem::replace(&mut self.state, State::Up { since: now, greeted: true })
        else {
            return;
        };
        let packs = std::mem::take(&mut self.answer);
        self.answer_bytes = 0;
        match asked {
            Asked::Login => return self.logged_in(now, &packs),
            Asked::Command(command) => self.events.push(Event::Answer(command, packs)),
        }
        self.failures = 0;
    }

    fn logged_in(&mut self, now: Time, packs: &[Pack]) {
        let empty = Map::default();
        let table = match packs.first() {
            Some(Pack::Map(pack)) => &pack.table,
            _ => &empty,
        };
        let text = |name: &str| table.get(name).and_then(Value::text).unwrap_or_default().to_owned();
        match table.get("session").and_then(Value::integer).filter(|session| *session != 0) {
            Some(session) => {
                self.session = Some(session);
                self.new_session = true;
                self.events.push(Event::Ready {
                    server: text("server_id"),
                    version: text("version"),
                    zone: text("timezone"),
                });
            }
            None => {
                // Asking again and again would be taken for guessing.
                self.failures = u32::MAX;
                let said: String = text("error").chars().filter(|c| !c.is_control()).take(200).collect();
                self.fail(now, Why::Login(said));
            }
        }
    }

    /// The session has ended, or the collector has forgotten it: logs in again, and asks again.
    fn bad_session(&mut self, now: Time) {
        if self.new_session || self.session.is_none() {
            self.session = None;
            return self.fail(now, Why::Session);
        }
        if let State::Asked { asked: Asked::Command(command), .. } = &self.state {
            self.queue.push_front(command.clone());
        }
        self.session = None;
        self.reset();
        self.state = State::Closing { until: now };
    }

    fn fail(&mut self, now: Time, why: Why) {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let wait = FIRST_WAIT.saturating_mul(doubled).min(LAST_WAIT);
        self.failures = self.failures.saturating_add(1);
        self.reset();
        self.queue.clear();
        self.state = State::Closing { until: now + wait };
        self.events.push(Event::Down(why));
    }

    fn reset(&mut self) {
        self.inbox = Vec::new();
        self.needed = 0;
        self.answer = Vec::new();
        self.answer_bytes = 0;
        self.new_session = false;
    }
}
