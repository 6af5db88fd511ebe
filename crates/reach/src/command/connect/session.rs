//! A session with one address: the first that connects, or the one that is wanted.

use std::{env, net::SocketAddr};

use reach_core::{
    Time,
    model::{Answer, Case, Diagnosis, Exchange, Observation, Outcome, Probe, ProbeId},
};
use reach_net::{
    drive::{Clock, Network},
    exchange::Stream,
    trust::TrustRoots,
    wire::Telnet,
};
use reach_report::{
    Style,
    connect::{Attempted, Peer, Row},
    text,
};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

use super::{
    attempts,
    converse::{Conversation, converse},
    rows,
    terminal::{Terminal, window},
};
use crate::{
    config::{Connect, ProxyChoice, Session, is_url},
    exit::Exit,
    live::raised,
    output::note,
    words::{
        self,
        session::{self, Closing},
    },
};

/// The port of telnet (RFC 854): there nobody doubts that the server speaks it.
const TELNET_PORT: u16 = 23;

/// Connects and holds the session.
pub(super) fn run(connect: &Connect, wanted: Session, names: Vec<(Case, Diagnosis)>) -> Exit {
    let network = Network::new(TrustRoots::load());
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            note(&format!("nothing can be sent: {error}"));
            return Exit::CouldNotTell;
        }
    };
    let exit = runtime.block_on(async {
        let mut stops = (signal(SignalKind::interrupt()).ok(), signal(SignalKind::terminate()).ok());
        let opened = tokio::select! {
            opened = open(connect, &network, names) => opened,
            () = raised(&mut stops.0) => return interrupted(connect),
            () = raised(&mut stops.1) => return interrupted(connect),
        };
        match opened {
            Ok(opened) => hold(connect, wanted, opened).await,
            Err(exit) => exit,
        }
    });
    runtime.shutdown_background();
    exit
}

fn interrupted(connect: &Connect) -> Exit {
    note(words::interrupted(connect.output.style.lang));
    Exit::CouldNotTell
}

/// A connection that stands.
struct Opened {
    stream: Stream,
    peer: String,
    port: u16,
    secured: bool,
}

/// Tries one peer after the other until one takes the connection, and tells how each went.
async fn open(connect: &Connect, network: &Network, names: Vec<(Case, Diagnosis)>) -> Result<Opened, Exit> {
    let lang = connect.output.style.lang;
    let clock = Clock::start();
    let Some(((case, names), (target, proxy))) = names.into_iter().zip(&connect.targets).next() else {
        return Err(Exit::Usage);
    };
    let (way, at) = attempts::way(proxy.as_ref(), network, connect).await;
    let login = proxy.as_ref().and_then(|proxy: &ProxyChoice| proxy.login.clone());
    let network = network.clone().with_proxy_login(login);
    let addresses = attempts::addresses(&names, connect);
    let mut attempted =
        Attempted { case, names, way, starttls: connect.manner.starttls, repeat: 1, rows: Vec::new() };
    let peers = if proxy.is_some() && at.is_none() {
        Vec::new()
    } else {
        rows::peers(target, proxy.as_ref(), &addresses)
    };
    let several = peers.len() > 1;
    for peer in peers {
        let through = proxy.as_ref().zip(at);
        let Some(exchange) = rows::exchange(target, &peer, through, &connect.manner, &connect.plan) else {
            continue;
        };
        let exchange = Exchange { http: None, ..exchange };
        let name = peer_name(&peer, target.port);
        if several {
            note(&session::trying(&name, lang));
        }
        let sent = clock.now();
        let (outcome, stream) = match network.session(&exchange).await {
            Ok(session) => {
                (Outcome::Answered(Answer::Exchanged(Box::new(session.exchanged))), session.stream)
            }
            Err(outcome) => (outcome, None),
        };
        let done = clock.now();
        let seen = Observation { id: ProbeId(0), probe: Probe::Exchange(exchange), outcome, sent, done };
        attempted.rows = vec![Row { peer, tries: vec![seen] }];
        tell(&attempted, done, connect);
        if let Some(stream) = stream {
            return Ok(Opened { stream, peer: name, port: target.port, secured: target.tls });
        }
    }
    if attempted.rows.is_empty() {
        tell(&attempted, clock.now(), connect);
        note(session::nobody(lang));
    }
    Err(match Exit::of_states([attempted.state()]) {
        Exit::AllWork => Exit::CouldNotTell,
        exit => exit,
    })
}

/// How a connection came about or did not, on standard error: standard output is the other side's.
fn tell(attempted: &Attempted, now: Time, connect: &Connect) {
    let style = Style { color: false, ..connect.output.style };
    let text = text::connect(std::slice::from_ref(attempted), now, &style);
    for line in text.lines().filter(|line| !line.is_empty()) {
        note(line);
    }
}

async fn hold(connect: &Connect, wanted: Session, opened: Opened) -> Exit {
    let lang = connect.output.style.lang;
    let terminal = Terminal::open();
    if terminal.is_some() {
        note(session::way_out(lang));
    }
    let speaks = opened.port == TELNET_PORT && !opened.secured && !is_url(&connect.targets[0].0);
    let telnet = Telnet::new(speaks, &env::var("TERM").unwrap_or_default(), window());
    let conversation = Conversation::new(telnet, terminal, wanted, opened.peer, lang);
    let (closing, conversation) = converse(conversation, opened.stream).await;
    // The terminal is as it was from here on.
    let (sent, received, lasted) = conversation.into_counts();
    note(&session::closed(closing, sent, received, lasted, lang));
    match closing {
        Closing::ByPeer | Closing::ByUser | Closing::OutputGone => Exit::AllWork,
        Closing::Reset | Closing::TimedOut | Closing::Unreachable | Closing::Tls => Exit::SomeFail,
    }
}

fn peer_name(peer: &Peer, port: u16) -> String {
    match peer {
        Peer::Address(address) => SocketAddr::new(*address, port).to_string(),
        Peer::Name(name) => format!("{name}:{port}"),
    }
}
