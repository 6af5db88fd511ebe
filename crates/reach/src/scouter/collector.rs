//! A collector, asked on TCP: the socket and the clock of [`Rounds`].

use std::{io, net::SocketAddr, time::Duration};

use reach_core::Time;
use reach_net::drive::Clock;
use reach_signal::scouter::collector::{Action, Event, Rounds};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, lookup_host},
    time::{Instant, sleep_until, timeout},
};

use super::{Hear, texts::Texts};

/// How long a connection may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// How long a request may take to be sent.
const SENDING: Duration = Duration::from_secs(10);

/// How often new texts are written down.
const KEEPING: Duration = Duration::from_secs(30);

/// How much is read at once.
const PIECE: usize = 64 * 1024;

/// Asks a collector for as long as it is polled. `hear` is told what was understood, `changed` of logins and of ends
/// of connections.
pub async fn ask(
    host: &str,
    port: u16,
    rounds: &mut Rounds,
    clock: Clock,
    texts: &Texts,
    hear: &Hear,
    mut changed: impl FnMut(Event),
) {
    let mut stream: Option<TcpStream> = None;
    let mut piece = vec![0; PIECE];
    let mut kept = clock.now();
    loop {
        let now = clock.now();
        let action = rounds.poll(now);
        rounds.changes().into_iter().for_each(&mut changed);
        tell(rounds, hear);
        if now.since(kept) >= KEEPING {
            kept = now;
            keep(rounds, texts);
        }
        match action {
            Action::Connect => {
                stream = connect(host, port).await.ok();
                match stream {
                    Some(_) => rounds.connected(clock.now()),
                    None => rounds.closed(clock.now()),
                }
            }
            Action::Send(bytes) => {
                if !send(stream.as_mut(), &bytes).await {
                    stream = None;
                    rounds.closed(clock.now());
                }
            }
            Action::Close => stream = None,
            Action::Wait(until) => {
                let ended = match wait(stream.as_mut(), &mut piece, until, &clock).await {
                    Heard::Bytes(count) => {
                        rounds.received(clock.now(), &piece[..count]);
                        false
                    }
                    Heard::End => true,
                    Heard::Nothing => false,
                };
                if ended {
                    stream = None;
                    rounds.closed(clock.now());
                }
            }
        }
    }
}

/// Gives on what was understood.
fn tell(rounds: &mut Rounds, hear: &Hear) {
    let signals = rounds.reading().signals();
    if !signals.is_empty() {
        hear(signals);
    }
}

fn keep(rounds: &mut Rounds, texts: &Texts) {
    if let Err(error) = texts.write(rounds.reading().dictionary()) {
        tracing::warn!(%error, "texts of Scouter cannot be kept");
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

enum Heard {
    Bytes(usize),
    End,
    Nothing,
}

async fn wait(stream: Option<&mut TcpStream>, piece: &mut [u8], until: Option<Time>, clock: &Clock) -> Heard {
    let now = clock.now();
    let span = until.map_or(Duration::from_secs(1), |until| until.since(now));
    let deadline = Instant::now() + span.max(Duration::from_millis(1));
    let Some(stream) = stream else {
        sleep_until(deadline).await;
        return Heard::Nothing;
    };
    tokio::select! {
        read = stream.read(piece) => match read {
            Ok(0) | Err(_) => Heard::End,
            Ok(count) => Heard::Bytes(count),
        },
        () = sleep_until(deadline) => Heard::Nothing,
    }
}
