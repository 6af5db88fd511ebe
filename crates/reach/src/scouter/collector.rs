//! A collector, asked on TCP: the socket and the clock of [`Rounds`].

use std::{io, net::SocketAddr, time::Duration};

use reach_core::{Time, signal::Signal};
use reach_net::drive::Clock;
use reach_signal::scouter::{
    collector::{Action, Event, Rounds},
    wire::Pack,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    time::{Instant, sleep_until, timeout},
};

use super::{plug::Plugged, texts::Texts};

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// How long a request may take to be sent.
const SENDING: Duration = Duration::from_secs(10);

/// How often new texts are written down.
const KEEPING: Duration = Duration::from_secs(30);

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// A collector that is asked. What was learnt last is written down when this is dropped.
pub struct Collector {
    host: String,
    port: u16,
    rounds: Rounds,
    clock: Clock,
    texts: Texts,
    plugged: Plugged,
    stream: Option<TcpStream>,
    piece: Vec<u8>,
    kept: Time,
}

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// What was understood.
    pub signals: Vec<Signal>,
    /// Logins, and ends of connections.
    pub changes: Vec<Event>,
    /// All that is asked was answered.
    pub answered: bool,
    /// And somebody is there who serves: what is not among the signals is not there.
    pub complete: bool,
}

impl Collector {
    /// A collector that is asked from the first [`Collector::next`] on. `plugged` are alerts that come by another way.
    pub fn new(
        (host, port): (String, u16),
        rounds: Rounds,
        clock: Clock,
        texts: Texts,
        plugged: Plugged,
    ) -> Collector {
        let (piece, kept) = (vec![0; PIECE], clock.now());
        Collector { host, port, rounds, clock, texts, plugged, stream: None, piece, kept }
    }

    /// Asks until there is something to tell. Not to be given up half-way: whoever does, ends.
    pub async fn next(&mut self) -> News {
        loop {
            let now = self.clock.now();
            let action = self.rounds.poll(now);
            let answered = self.rounds.answered();
            let news = News {
                signals: self.rounds.reading().signals(),
                changes: self.rounds.changes(),
                answered,
                complete: answered && self.rounds.reading().is_anybody_there(),
            };
            if now.since(self.kept) >= KEEPING {
                self.kept = now;
                if let Err(error) = self.texts.write_aside(self.rounds.reading().dictionary()).await {
                    tracing::warn!(%error, "texts of Scouter cannot be kept");
                }
            }
            // What has just come is told before anything is waited for.
            let is_news = news != News::default();
            match action {
                Action::Wait(_) if is_news => return news,
                action => self.act(action).await,
            }
            if is_news {
                return news;
            }
        }
    }

    /// Does what the rounds want.
    async fn act(&mut self, action: Action) {
        match action {
            Action::Connect => {
                self.stream = connect(&self.host, self.port).await.ok();
                match self.stream {
                    Some(_) => self.rounds.connected(self.clock.now()),
                    None => self.rounds.closed(self.clock.now()),
                }
            }
            Action::Send(bytes) => {
                if !send(self.stream.as_mut(), &bytes).await {
                    self.stream = None;
                    self.rounds.closed(self.clock.now());
                }
            }
            Action::Close => self.stream = None,
            Action::Wait(until) => self.wait(until).await,
        }
    }

    async fn wait(&mut self, until: Option<Time>) {
        let span = until.map_or(Duration::from_secs(1), |until| until.since(self.clock.now()));
        let deadline = Instant::now() + span.max(Duration::from_millis(1));
        let (stream, piece) = (&mut self.stream, &mut self.piece);
        let read = async {
            match stream {
                Some(stream) => stream.read(piece).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = read => match read {
                Ok(count @ 1..) => self.rounds.received(self.clock.now(), &self.piece[..count]),
                Ok(0) | Err(_) => {
                    self.stream = None;
                    self.rounds.closed(self.clock.now());
                }
            },
            alert = self.plugged.next() => {
                self.rounds.reading().heard(self.clock.now(), &Pack::Alert(alert));
            }
            () = sleep_until(deadline) => {}
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Err(error) = self.texts.write(self.rounds.reading().dictionary()) {
            tracing::warn!(%error, "texts of Scouter cannot be kept");
        }
    }
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let attempt = async {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        let addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Requests are small, and each waits for its answer.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    };
    timeout(CONNECTING, attempt).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn send(stream: Option<&mut TcpStream>, bytes: &[u8]) -> bool {
    match stream {
        Some(stream) => matches!(timeout(SENDING, stream.write_all(bytes)).await, Ok(Ok(()))),
        None => false,
    }
}
