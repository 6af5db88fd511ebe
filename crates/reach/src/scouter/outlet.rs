//! What was found, told to a collector: as an alert of an object of its own, so that it shows where operators look
//! already, and is sent on by whatever plugin sends alerts there.

use std::{fs, io, net::SocketAddr, time::Duration};

use reach_signal::scouter::{
    OWN_TYPE,
    wire::{AlertPack, Datagram, MAX_DATAGRAM, Map, ObjectPack, Pack, Value, hash},
};
use tokio::{net::UdpSocket, time::timeout};

use super::settings::Tell;

/// How long the text of an alert is, in bytes, at most: what follows as a message of a chat has less room.
const LONGEST: usize = 3500;

/// For how long the collector believes that the object is there after a heartbeat, in milliseconds.
const DEAD_AFTER: i64 = 60_000;

/// How long somebody may take to say that nobody listens there.
const REFUSAL: Duration = Duration::from_millis(300);

/// The way to a collector's UDP port. That something was sent is all that is ever known of it.
#[derive(Debug)]
pub struct Outlet {
    socket: UdpSocket,
    identity: Identity,
}

/// Who speaks, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name of the object: `/host/reach`.
    pub name: String,
    /// Whether to write ASCII only: the plugin that most use for Telegram makes a `?` of everything else.
    pub ascii: bool,
    /// Alerts have this level at least: a plugin may be told to send none below.
    pub least: i8,
}

impl Outlet {
    /// The way to a collector, within a runtime of tokio's.
    ///
    /// # Errors
    ///
    /// When there is no socket, or no way.
    pub fn open(collector: SocketAddr, identity: Identity) -> io::Result<Outlet> {
        let any: SocketAddr = if collector.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
        let socket = std::net::UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        socket.connect(collector)?;
        Ok(Outlet { socket: UdpSocket::from_std(socket)?, identity })
    }

    /// Says that reach is there, so that its alerts have a name. To be said every 10 s.
    ///
    /// # Errors
    ///
    /// When it cannot be sent, or what was sent before was refused.
    pub async fn heartbeat(&self) -> io::Result<()> {
        self.send(vec![self.identity.heartbeat()]).await
    }

    /// Says what was found; level 0 is for information, 1 a warning, 2 an error, 3 fatal. Says whose word it is besides,
    /// as no heartbeat may have arrived yet. Waits a moment for whoever may say that nobody listens.
    ///
    /// # Errors
    ///
    /// When it cannot be sent, or is refused at once.
    pub async fn alert(&self, level: i8, title: &str, message: &str) -> io::Result<()> {
        self.send(vec![self.identity.heartbeat(), self.identity.alert(level, title, message)]).await?;
        // A collector never answers; all that can come is a refusal.
        match timeout(REFUSAL, self.socket.recv(&mut [0; 1])).await {
            Ok(Err(error)) => Err(error),
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }

    async fn send(&self, packs: Vec<Pack>) -> io::Result<()> {
        let bytes = Datagram::all(packs).write();
        debug_assert!(bytes.len() < MAX_DATAGRAM);
        self.socket.send(&bytes).await.map(drop)
    }
}

impl Identity {
    /// reach on this host.
    pub fn here(tell: &Tell) -> Identity {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim().replace('/', "-");
        let name = if host.is_empty() { "/reach".to_owned() } else { format!("/{host}/reach") };
        Identity { name, ascii: tell.ascii, least: tell.level }
    }

    fn heartbeat(&self) -> Pack {
        Pack::Object(ObjectPack {
            obj_type: OWN_TYPE.to_owned(),
            obj_hash: self.hash(),
            obj_name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            alive: true,
            tags: Value::Map([("deadTime", DEAD_AFTER)].into_iter().collect()),
            ..ObjectPack::default()
        })
    }

    fn alert(&self, level: i8, title: &str, message: &str) -> Pack {
        Pack::Alert(AlertPack {
            // The collector puts its own time in.
            time: 0,
            level: level.max(self.least).clamp(0, 3),
            obj_type: OWN_TYPE.to_owned(),
            obj_hash: self.hash(),
            title: self.plain(title, 100),
            message: self.plain(message, LONGEST),
            tags: Value::Map(Map::default()),
        })
    }

    fn hash(&self) -> i32 {
        hash(self.name.as_bytes())
    }

    fn plain(&self, text: &str, longest: usize) -> String {
        let text = if self.ascii { in_ascii(text) } else { text.to_owned() };
        let text = text.replace(|c: char| c.is_control() && c != '\n', " ");
        text[..text.floor_char_boundary(longest)].to_owned()
    }
}

/// A text with what ASCII has for its signs.
fn in_ascii(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii() => plain.push(c),
            '•' | '–' | '—' | '−' | '·' => plain.push('-'),
            '…' => plain.push_str("..."),
            '→' => plain.push_str("->"),
            '×' => plain.push('x'),
            '’' | '‘' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            '\u{a0}' => plain.push(' '),
            // A sign says nothing that the words beside it do not.
            c if c.is_alphanumeric() => plain.push('?'),
            _ => {}
        }
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use reach_signal::scouter::wire::packs;

    use super::*;

    fn identity(ascii: bool, least: i8) -> Identity {
        Identity { name: "/mon01/reach".into(), ascii, least }
    }

    #[test]
    fn an_alert_keeps_to_ascii_where_it_has_to() {
        let text = format!("차단 1/2 • a→b…{}", "x".repeat(5000));
        let Pack::Alert(alert) = identity(true, 1).alert(0, "PARTIAL_BLOCK", &text) else {
            panic!("no alert")
        };
        assert_eq!((alert.level, alert.obj_hash), (1, hash(b"/mon01/reach")));
        assert!(alert.message.starts_with("?? 1/2 - a->b...x") && alert.message.len() == LONGEST);
        let Pack::Alert(alert) = identity(false, 0).alert(7, "t", "차단") else { panic!("no alert") };
        assert_eq!((alert.message.as_str(), alert.level), ("차단", 3));
    }

    #[tokio::test]
    async fn an_alert_arrives_with_its_object_and_one_that_nobody_takes_is_refused() {
        let collector = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let to = collector.local_addr().expect("an address");
        let outlet = Outlet::open(to, identity(false, 0)).expect("a way");
        outlet.heartbeat().await.expect("sent");
        outlet.alert(2, "t", "m").await.expect("sent");
        let mut buffer = [0; 2048];
        for (objects, alerts) in [(1, 0), (1, 1)] {
            let length = collector.recv(&mut buffer).await.expect("a datagram");
            let packs = packs(&buffer[..length]).expect("packs").0;
            let count = |is: fn(&Pack) -> bool| packs.iter().filter(|pack| is(pack)).count();
            assert_eq!(count(|pack| matches!(pack, Pack::Object(_))), objects);
            assert_eq!(count(|pack| matches!(pack, Pack::Alert(_))), alerts);
        }
        drop(collector);
        let refused = Outlet::open(to, identity(false, 0)).expect("a way").alert(2, "t", "m").await;
        assert_eq!(refused.expect_err("nobody listens").kind(), io::ErrorKind::ConnectionRefused);
    }
}
