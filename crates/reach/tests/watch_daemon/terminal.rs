//! A watch in somebody's terminal: the board at its foot, messages above it, and plain text where that is wanted.

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use nix::{
    pty::{OpenptyResult, Winsize, openpty},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    company::REACH,
    doors::{Door, free_port},
    life::LOOPBACK,
    place::{LONG, Place, until},
};

/// A watch on a terminal, and what it wrote there.
struct Seat {
    child: Child,
    seen: Arc<Mutex<Vec<u8>>>,
    /// As long as this is open, so is the terminal.
    _slave: OwnedFd,
}

impl Seat {
    fn new(place: &Place, columns: u16, change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("a terminal");
        let side = || Stdio::from(slave.try_clone().expect("a copy"));
        let mut command = Command::new(REACH);
        command
            .args(["watch", "--config"])
            .arg(place.config())
            .envs([("LC_ALL", "C.UTF-8"), ("TERM", "xterm-256color")])
            .env_remove("NO_COLOR")
            .stdin(side())
            .stdout(side())
            .stderr(side());
        let child = change(&mut command).spawn().expect("it starts");
        drop(command);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (sink, mut screen) = (Arc::clone(&seen), File::from(master));
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                sink.lock().expect("a log").extend_from_slice(&buffer[..length]);
            }
        });
        Self { child, seen, _slave: slave }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("a log")).into_owned()
    }

    /// Waits until the terminal shows this.
    fn shows(&self, what: &str) {
        until(what, LONG, || self.seen().contains(what).then_some(()));
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it is there");
    }

    /// How it ends, and what the terminal has seen then.
    fn ended(mut self) -> (Option<i32>, String) {
        let status = until("its end", LONG, || self.child.try_wait().expect("a child"));
        // What was written last is read a moment later.
        thread::sleep(std::time::Duration::from_millis(100));
        (status.code(), self.seen())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configured(doors: &[&Door]) -> Place {
    let place = Place::new(free_port());
    let targets: String =
        doors.iter().map(|door| format!("[[target]]\ntarget = '{}'\n", door.address)).collect();
    place.configure(&format!("{LOOPBACK}open_after = '0s'\n{targets}"));
    let text = std::fs::read_to_string(place.config()).expect("written");
    std::fs::write(place.config(), text.replace("level = 'debug'", "level = 'info'")).expect("written");
    place
}

#[test]
fn a_terminal_shows_how_things_are_with_messages_above() {
    let doors = [Door::new(30), Door::new(31)];
    let place = configured(&[&doors[0], &doors[1]]);
    let seat = Seat::new(&place, 90, |command| command.args(["--for", "1h"]));
    seat.shows("watching 2 targets");
    seat.shows("none failed so far");
    assert!(!seat.seen().contains("INFO"), "{}", seat.seen());
    doors[0].set(false);
    seat.shows("last message");
    seat.shows("no all-clear");
    let screen = seat.seen();
    assert!(screen.contains("127.0.0.30") && screen.contains("#1"), "{screen}");
    // Each time it takes away as many lines as it drew.
    assert!(screen.contains("\x1b[J"), "{screen:?}");
    let plain = strip(&screen);
    let board = plain.rsplit("──\r\n").next().expect("the last board");
    assert!(board.lines().count() >= 5 && board.lines().all(|line| line.chars().count() <= 90), "{board}");
    seat.signal(Signal::SIGINT);
    let (code, screen) = seat.ended();
    assert_eq!(code, Some(1), "{screen}");
    assert!(screen.trim_end().lines().count() > 10, "{screen}");
}

#[test]
fn where_control_codes_are_unwanted_there_are_none() {
    let door = Door::new(32);
    let changes: [fn(&mut Command) -> &mut Command; 2] =
        [|command| command.env("NO_COLOR", "1"), |command| command.env("TERM", "dumb")];
    for change in changes {
        let place = configured(&[&door]);
        let seat = Seat::new(&place, 90, change);
        seat.shows("INFO");
        until("some tries", LONG, || place.status().filter(|status| super::place::tries(status) > 10));
        seat.signal(Signal::SIGTERM);
        let (code, screen) = seat.ended();
        assert_eq!(code, Some(0), "{screen}");
        assert!(!screen.contains('\x1b'), "{screen:?}");
    }
}

/// Without what only moves the cursor or colours.
fn strip(screen: &str) -> String {
    let mut parts = screen.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(0, |end| end + 1);
        plain.push_str(&part[end..]);
    }
    plain
}
