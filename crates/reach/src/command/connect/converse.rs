//! The conversation of a session: keys to the server, its bytes to standard output, and the escape prompt.

use std::{
    io::{self, IsTerminal, Read, Write},
    thread,
    time::Duration,
};

use reach_net::{
    exchange::{Fault, Stream},
    wire::{LineEnd, Telnet},
};
use reach_report::Lang;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split},
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::Instant,
};

use super::{
    keys::{Command, ESCAPE, until_escape},
    tame::Tamer,
    terminal::{Terminal, Typing, window},
};
use crate::{
    config::Session,
    live::raised,
    output::shown,
    words::session::{self, Closing, Status},
};

/// More than this is not read from the keyboard or a pipe before the other side takes some.
const MOST_WAITING: usize = 64 * 1024;

/// What is typed or piped, in pieces; an empty piece is its end.
type Typed = Vec<u8>;

/// Everything about a conversation but its connection.
pub(super) struct Conversation {
    telnet: Telnet,
    terminal: Option<Terminal>,
    tamer: Option<Tamer>,
    line_end: LineEnd,
    peer: String,
    lang: Lang,
    /// The user's own choice between lines and characters, where the server has none.
    characters: Option<bool>,
    /// A line begun before the escape character, sent with its rest.
    begun: Vec<u8>,
    /// What is typed at the escape prompt, while it is there.
    prompt: Option<Vec<u8>>,
    outgoing: Vec<u8>,
    input: Input,
    sent: u64,
    received: u64,
    started: Instant,
}

/// How far the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Open,
    /// It ended; what it was has yet to be sent.
    Ended,
    /// Our half of the connection is closed.
    Closed,
}

impl Conversation {
    pub(super) fn new(
        telnet: Telnet,
        terminal: Option<Terminal>,
        wanted: Session,
        peer: String,
        lang: Lang,
    ) -> Self {
        let usual = if terminal.is_some() { LineEnd::CrLf } else { LineEnd::Kept };
        let shows = io::stdout().is_terminal() && !wanted.raw;
        Self {
            telnet,
            terminal,
            tamer: shows.then(Tamer::default),
            line_end: wanted.line_end.unwrap_or(usual),
            peer,
            lang,
            characters: None,
            begun: Vec::new(),
            prompt: None,
            outgoing: Vec::new(),
            input: Input::Open,
            sent: 0,
            received: 0,
            started: Instant::now(),
        }
    }

    /// Bytes sent and received, and how long it lasted; the terminal is given back.
    pub(super) fn into_counts(self) -> (u64, u64, Duration) {
        (self.sent, self.received, self.started.elapsed())
    }

    /// Whether single characters are sent.
    fn by_character(&self) -> bool {
        if self.telnet.speaks() { self.telnet.wants_characters() } else { self.characters.unwrap_or(false) }
    }

    /// Lets the terminal follow what was agreed.
    fn adjust(&mut self) {
        let echo = !self.telnet.is_echoed();
        let typing = match (&self.prompt, self.by_character()) {
            (Some(_), _) => Typing::AsBefore,
            (None, true) => Typing::Keys { echo },
            (None, false) => Typing::Lines { echo },
        };
        if let Some(terminal) = &mut self.terminal {
            terminal.set(typing);
        }
    }

    /// Takes what was typed; gives the end of the session, if that is what was typed.
    fn typed(&mut self, typed: &[u8]) -> Option<Closing> {
        let mut rest = typed;
        while !rest.is_empty() {
            if self.prompt.is_some() {
                let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
                let (line, behind) = rest.split_at(end);
                rest = behind;
                if let Some(closing) = self.at_prompt(line) {
                    return Some(closing);
                }
                continue;
            }
            // In a pipe every byte is data.
            let (text, behind) = if self.terminal.is_some() { until_escape(rest) } else { (rest, None) };
            self.say(text, behind.is_some());
            match behind {
                None => return None,
                Some(behind) => {
                    rest = behind;
                    self.ask();
                }
            }
        }
        None
    }

    fn say(&mut self, text: &[u8], is_cut: bool) {
        if self.input != Input::Open {
            // Our half is closed, or about to be.
            return;
        }
        let by_line = !self.by_character();
        let mut whole = std::mem::take(&mut self.begun);
        whole.extend_from_slice(text);
        if by_line && is_cut && !whole.is_empty() {
            self.begun = whole;
            return;
        }
        let wire = self.telnet.send(&whole, by_line, self.line_end);
        self.outgoing.extend(wire);
    }

    /// Shows the escape prompt.
    fn ask(&mut self) {
        self.prompt = Some(Vec::new());
        self.adjust();
        eprompt("\n");
    }

    fn at_prompt(&mut self, line: &[u8]) -> Option<Closing> {
        let mut whole = self.prompt.take().unwrap_or_default();
        whole.extend(line.iter().filter(|&&byte| byte != ESCAPE));
        if !whole.ends_with(b"\n") {
            self.prompt = Some(whole);
            return None;
        }
        let command = Command::parse(&String::from_utf8_lossy(&whole));
        match command {
            Command::Quit => return Some(Closing::ByUser),
            Command::Help => {
                session::help(self.lang).iter().for_each(|line| eline(line));
                self.prompt = Some(Vec::new());
                eprompt("");
                return None;
            }
            Command::Unknown(word) => {
                eline(&session::unknown(&shown(&word), self.lang));
                self.prompt = Some(Vec::new());
                eprompt("");
                return None;
            }
            Command::Continue => {}
            Command::Status => {
                session::status(&self.status(), self.lang).iter().for_each(|line| eline(line));
            }
            Command::Send(command) => match self.telnet.command(command) {
                Some(bytes) => self.outgoing.extend(bytes),
                None => eline(session::not_telnet(self.lang)),
            },
            Command::SendEscape => self.outgoing.push(ESCAPE),
            Command::Characters(wanted) => {
                self.characters = Some(wanted);
                let asked = self.telnet.ask_for_characters(wanted);
                self.outgoing.extend(asked);
            }
        }
        self.adjust();
        None
    }

    fn status(&self) -> Status {
        let (theirs, ours) = self.telnet.options();
        Status {
            peer: self.peer.clone(),
            characters: self.by_character(),
            telnet: self.telnet.speaks(),
            theirs,
            ours,
            sent: self.sent,
            received: self.received,
            lasted: self.started.elapsed(),
        }
    }

    /// Takes what the server sent. Fails when nobody reads the output any more.
    fn heard(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.received += bytes.len() as u64;
        let received = self.telnet.receive(bytes);
        self.outgoing.extend(received.reply);
        self.adjust();
        self.show(&received.data)
    }

    fn show(&mut self, data: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match &mut self.tamer {
            // Whoever speaks telnet draws on the terminal, that is what it is for.
            Some(tamer) if !self.telnet.speaks() => out.write_all(tamer.take(data).as_bytes())?,
            _ => out.write_all(data)?,
        }
        out.flush()
    }

    /// Shows what was held back, since nothing more comes.
    fn end(&mut self) -> io::Result<()> {
        let held = self.telnet.flush();
        self.show(&held)?;
        let mut out = io::stdout().lock();
        if let Some(tamer) = &mut self.tamer {
            out.write_all(tamer.end().as_bytes())?;
        }
        out.flush()
    }

    /// The input ended: what was begun is sent as it is.
    fn input_ended(&mut self) {
        let begun = std::mem::take(&mut self.begun);
        let wire = self.telnet.send(&begun, true, self.line_end);
        self.outgoing.extend(wire);
        self.input = Input::Ended;
    }

    fn takes_input(&self) -> bool {
        self.outgoing.len() < MOST_WAITING && (self.input == Input::Open || self.terminal.is_some())
    }
}

/// Holds a conversation until either side ends it.
pub(super) async fn converse(mut conversation: Conversation, stream: Stream) -> (Closing, Conversation) {
    let (mut reader, mut writer) = split(stream);
    let opening = conversation.telnet.open();
    conversation.outgoing.extend(opening);
    conversation.adjust();
    let mut input = keys();
    let closing = exchange(&mut conversation, &mut reader, &mut writer, &mut input).await;
    if matches!(closing, Closing::ByPeer | Closing::Reset) && conversation.end().is_err() {
        return (Closing::OutputGone, conversation);
    }
    (closing, conversation)
}

async fn exchange(
    conversation: &mut Conversation,
    reader: &mut ReadHalf<Stream>,
    writer: &mut WriteHalf<Stream>,
    input: &mut mpsc::Receiver<Typed>,
) -> Closing {
    let caught = |kind| -> Option<Signal> { signal(kind).ok() };
    let (mut interrupt, mut terminate) = (caught(SignalKind::interrupt()), caught(SignalKind::terminate()));
    let (mut hangup, mut resized) = (caught(SignalKind::hangup()), caught(SignalKind::window_change()));
    let mut continued = caught(SignalKind::from_raw(nix::libc::SIGCONT));
    let mut buffer = vec![0; 16 * 1024];
    loop {
        if conversation.input == Input::Ended && conversation.outgoing.is_empty() {
            conversation.input = Input::Closed;
            // The other side may still have much to say; it hears that we have not.
            let _ = writer.shutdown().await;
        }
        let at_prompt = conversation.prompt.is_some();
        tokio::select! {
            typed = input.recv(), if conversation.takes_input() => match typed.as_deref() {
                Some([]) | None if at_prompt => return Closing::ByUser,
                Some([]) | None => {
                    if conversation.input == Input::Open {
                        conversation.input_ended();
                    }
                    if typed.is_none() {
                        input.close();
                        conversation.terminal = None;
                    }
                }
                Some(typed) => {
                    if let Some(closing) = conversation.typed(typed) {
                        return closing;
                    }
                }
            },
            read = reader.read(&mut buffer), if !at_prompt => match read {
                Ok(0) => return Closing::ByPeer,
                Ok(length) => {
                    if conversation.heard(&buffer[..length]).is_err() {
                        return Closing::OutputGone;
                    }
                }
                Err(error) => return closing_of(&error),
            },
            written = writer.write(&conversation.outgoing), if !conversation.outgoing.is_empty() => match written {
                Ok(length) => {
                    conversation.outgoing.drain(..length);
                    conversation.sent += length as u64;
                    let _ = writer.flush().await;
                }
                Err(error) => return closing_of(&error),
            },
            () = raised(&mut interrupt) => return Closing::ByUser,
            () = raised(&mut terminate) => return Closing::ByUser,
            () = raised(&mut hangup) => return Closing::ByUser,
            () = raised(&mut resized) => {
                let told = conversation.telnet.resize(window());
                conversation.outgoing.extend(told);
            }
            () = raised(&mut continued) => {
                if let Some(terminal) = &conversation.terminal {
                    terminal.apply();
                }
            }
        }
    }
}

fn closing_of(error: &io::Error) -> Closing {
    match Fault::of(error) {
        Fault::Closed => Closing::ByPeer,
        Fault::Reset => Closing::Reset,
        Fault::TimedOut => Closing::TimedOut,
        Fault::Unreachable => Closing::Unreachable,
        Fault::Tls => Closing::Tls,
    }
}

/// What is typed or piped, read by a thread of its own: nothing else waits for a keyboard without holding up the
/// rest. The thread ends with the program.
fn keys() -> mpsc::Receiver<Typed> {
    let (sender, receiver) = mpsc::channel(4);
    thread::spawn(move || {
        let is_terminal = io::stdin().is_terminal();
        let mut buffer = vec![0; 8 * 1024];
        loop {
            match io::stdin().lock().read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
                Ok(length) => {
                    let gone = sender.blocking_send(buffer[..length].to_vec()).is_err();
                    // ^D ends what is typed, not the keyboard: the escape character still counts.
                    if gone || (length == 0 && !is_terminal) {
                        return;
                    }
                }
            }
        }
    });
    receiver
}

fn eprompt(before: &str) {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{before}reach> ");
    let _ = err.flush();
}

fn eline(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
