//! What a service manager wants to know (`sd_notify(3)`): that the watch is ready, alive, reading its configuration
//! again, or ending. Without one, nothing is said.

use std::{
    ffi::OsString,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    path::Path,
    process,
    time::Duration,
};

use nix::time::{ClockId, clock_gettime};

/// The service manager, if there is one.
#[derive(Debug)]
pub struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// By `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. Programs that the watch starts must not inherit
    /// these.
    pub fn find(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let socket = variable("NOTIFY_SOCKET").and_then(|name| address(&name)).and_then(|address| {
            let socket = UnixDatagram::unbound().ok()?;
            // A manager that hangs must not hold up the watch.
            socket.set_nonblocking(true).ok()?;
            Some((socket, address))
        });
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(process::id()));
        let watchdog =
            number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0).map(Duration::from_micros);
        Self { watchdog: watchdog.filter(|_| socket.is_some()), socket }
    }

    /// How often [`Manager::alive`] has to be said: twice as often as the manager wants to hear it.
    pub fn watchdog_every(&self) -> Option<Duration> {
        self.watchdog.map(|span| span / 2)
    }

    /// Everything is in place, after a start or after the configuration was read again.
    pub fn ready(&self, status: &str) {
        self.say(&[("READY", "1"), ("STATUS", &one_line(status))]);
    }

    /// The configuration is read again; [`Manager::ready`] says when that is over.
    pub fn reloading(&self) {
        self.say(&[("RELOADING", "1"), ("MONOTONIC_USEC", &monotonic_micros().to_string())]);
    }

    /// The watch goes on.
    pub fn alive(&self) {
        self.say(&[("WATCHDOG", "1")]);
    }

    /// One line for `systemctl status`.
    pub fn status(&self, status: &str) {
        self.say(&[("STATUS", &one_line(status))]);
    }

    /// The watch is ending.
    pub fn stopping(&self) {
        self.say(&[("STOPPING", "1")]);
    }

    fn say(&self, what: &[(&str, &str)]) {
        let Some((socket, address)) = &self.socket else { return };
        let text: String = what.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        // Nobody is left to tell where even the manager does not listen.
        let _: io::Result<usize> = socket.send_to_addr(text.as_bytes(), address);
    }
}

/// A path, or `@NAME` for one of the abstract namespace.
fn address(name: &OsString) -> Option<SocketAddr> {
    match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest).ok(),
        [b'/', ..] => SocketAddr::from_pathname(Path::new(name)).ok(),
        // vsock and others: for virtual machines, not for services.
        _ => None,
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

/// What the manager compares reloads by: `CLOCK_MONOTONIC` in microseconds.
fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn manager(variables: &[(&str, String)]) -> Manager {
        Manager::find(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 1024];
        let length = socket.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn the_manager_hears_of_start_reload_life_and_end() {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let watchdog = [
            ("NOTIFY_SOCKET", path.display().to_string()),
            ("WATCHDOG_USEC", "30000000".to_owned()),
            ("WATCHDOG_PID", process::id().to_string()),
        ];
        let manager = manager(&watchdog);
        assert_eq!(manager.watchdog_every(), Some(Duration::from_secs(15)));
        manager.ready("watching 3 targets\nREADY=0");
        assert_eq!(heard(&socket), "READY=1\nSTATUS=watching 3 targets READY=0\n");
        manager.alive();
        assert_eq!(heard(&socket), "WATCHDOG=1\n");
        manager.reloading();
        let reload = heard(&socket);
        let micros = reload
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .and_then(|rest| rest.trim().parse::<u64>().ok());
        assert!(micros.is_some_and(|micros| micros > 0), "{reload}");
        manager.status("1 of 3 targets suffers");
        assert_eq!(heard(&socket), "STATUS=1 of 3 targets suffers\n");
        manager.stopping();
        assert_eq!(heard(&socket), "STOPPING=1\n");
    }

    #[test]
    fn an_abstract_socket_is_reached_too() {
        let name = format!("reach-test-{}", process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("a socket");
        manager(&[("NOTIFY_SOCKET", format!("@{name}"))]).alive();
        assert_eq!(heard(&socket), "WATCHDOG=1\n");
    }

    #[test]
    fn without_a_manager_nothing_is_said_and_nothing_fails() {
        for variables in [
            vec![],
            vec![("NOTIFY_SOCKET", "/nonexistent/notify".to_owned())],
            vec![("NOTIFY_SOCKET", "vsock:2:1234".to_owned()), ("WATCHDOG_USEC", "5".to_owned())],
        ] {
            manager(&variables).ready("ready");
        }
        let foreign = [
            ("NOTIFY_SOCKET", "/nonexistent/notify".to_owned()),
            ("WATCHDOG_USEC", "30000000".to_owned()),
            ("WATCHDOG_PID", "1".to_owned()),
        ];
        assert_eq!(manager(&foreign).watchdog_every(), None, "the watchdog of another process");
    }
}
