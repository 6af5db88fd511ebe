//! What was found, told to a collector: as an alert of an object of its own, so that it shows where operators look
//! already, and is sent on by whatever plugin sends alerts there.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
};

use reach_signal::scouter::wire::{AlertPack, Datagram, MAX_DATAGRAM, Map, ObjectPack, Pack, Value, hash};

/// How long the text of an alert is, in bytes, at most: what follows as a message of a chat has less room.
const LONGEST: usize = 3500;

/// For how long the collector believes that the object is there after a heartbeat, in milliseconds.
const DEAD_AFTER: i64 = 60_000;

/// The way to a collector's UDP port.
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
    /// Its type.
    pub obj_type: String,
    /// Whether to write ASCII only: the plugin that most use for Telegram makes a `?` of everything else.
    pub ascii: bool,
    /// Alerts have this level at least: a plugin may be told to send none below.
    pub least: i8,
}

impl Outlet {
    /// The way to a collector.
    ///
    /// # Errors
    ///
    /// When there is no socket, or no way.
    pub fn open(collector: SocketAddr, identity: Identity) -> io::Result<Outlet> {
        let any: SocketAddr = if collector.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        socket.connect(collector)?;
        Ok(Outlet { socket, identity })
    }

    /// Says that reach is there, so that its alerts have a name. To be said every 10 s.
    ///
    /// # Errors
    ///
    /// When it cannot be sent. That it arrives is never known.
    pub fn heartbeat(&self) -> io::Result<()> {
        self.send(self.identity.heartbeat())
    }

    /// Says what was found; level 0 is for information, 1 a warning, 2 an error, 3 fatal.
    ///
    /// # Errors
    ///
    /// When it cannot be sent. That it arrives is never known.
    pub fn alert(&self, level: i8, title: &str, message: &str) -> io::Result<()> {
        self.send(self.identity.alert(level, title, message))
    }

    fn send(&self, pack: Pack) -> io::Result<()> {
        let bytes = Datagram::of(pack).write();
        debug_assert!(bytes.len() < MAX_DATAGRAM);
        self.socket.send(&bytes).map(drop)
    }
}

impl Identity {
    fn heartbeat(&self) -> Pack {
        Pack::Object(ObjectPack {
            obj_type: self.plain(&self.obj_type, 100),
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
            obj_type: self.plain(&self.obj_type, 100),
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
        let text = if self.ascii { text.replace(|c: char| !c.is_ascii(), "?") } else { text.to_owned() };
        let text = text.replace(|c: char| c.is_control() && c != '\n', " ");
        text[..text.floor_char_boundary(longest)].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use reach_signal::scouter::wire::Framing;

    use super::*;

    #[test]
    fn an_alert_reads_as_one_and_keeps_to_ascii_where_it_has_to() {
        let identity =
            Identity { name: "/mon01/reach".into(), obj_type: "reach".into(), ascii: true, least: 1 };
        let bytes =
            Datagram::of(identity.alert(0, "PARTIAL_BLOCK", &format!("차단 1/2{}", "x".repeat(5000))))
                .write();
        let Ok(Datagram { framing: Framing::One(Pack::Alert(alert)), .. }) = Datagram::read(&bytes) else {
            panic!("no alert")
        };
        assert_eq!((alert.level, alert.obj_hash), (1, hash(b"/mon01/reach")));
        assert!(
            alert.message.is_ascii()
                && alert.message.starts_with("?? 1/2x")
                && alert.message.len() == LONGEST
        );
        let korean = Identity { ascii: false, ..identity };
        assert!(
            matches!(korean.alert(7, "t", "차단"), Pack::Alert(alert) if alert.message == "차단" && alert.level == 3)
        );
    }

    #[test]
    fn heartbeats_and_alerts_arrive() {
        let collector = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let identity = Identity { name: "/h/reach".into(), obj_type: "reach".into(), ascii: false, least: 0 };
        let outlet = Outlet::open(collector.local_addr().expect("an address"), identity).expect("a way");
        outlet.heartbeat().expect("sent");
        outlet.alert(2, "t", "m").expect("sent");
        let mut buffer = [0; 2048];
        for _ in 0..2 {
            let length = collector.recv(&mut buffer).expect("a datagram");
            assert!(Datagram::read(&buffer[..length]).is_ok());
        }
    }
}
