//! `reach trace --live` on a real terminal, in a network that the kernel plays.

#![forbid(unsafe_code)]

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    pty::{OpenptyResult, Winsize, openpty},
    sys::termios::{LocalFlags, tcgetattr},
};
use reach_lab::{Description, Effect, Fault, Lab, Tool, isolated};

const REACH: &str = env!("CARGO_BIN_EXE_reach");
const GOOD: &str = "203.0.113.11";
const BLOCKED: &str = "203.0.113.12";

/// A program on a terminal, and what it wrote there.
struct Seat {
    child: Child,
    keyboard: File,
    terminal: OwnedFd,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Seat {
    fn at(lab: &Lab, arguments: &str) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 110, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("a terminal");
        let side = || Stdio::from(slave.try_clone().expect("a copy"));
        let mut command = Command::new(REACH);
        command
            .arg("trace")
            .args(arguments.split_whitespace())
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .stdin(side())
            .stdout(side())
            .stderr(side());
        let child = lab.client().within(|| command.spawn().expect("started"));
        drop(command);
        let keyboard = File::from(master.try_clone().expect("a copy"));
        let mut screen = File::from(master);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..length]);
            }
        });
        Seat { child, keyboard, terminal: slave, seen }
    }

    fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.seen().contains(text) {
            assert!(began.elapsed() < Duration::from_secs(60), "{text:?} did not come: {:?}", self.seen());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("written");
    }

    /// What came after the screen was left, and the exit status.
    fn leave(mut self, keys: &str) -> (String, Option<i32>) {
        self.press(keys);
        let status = self.child.wait().expect("it ends");
        let modes = tcgetattr(&self.terminal).expect("a terminal").local_flags;
        assert!(modes.contains(LocalFlags::ECHO | LocalFlags::ICANON), "the terminal is as before");
        self.wait_for("\u{1b}[?1049l");
        let seen = self.seen();
        (seen.rsplit("\u{1b}[?1049l").next().unwrap_or_default().to_owned(), status.code())
    }
}

fn lab() -> Lab {
    let network = Description::new("live")
        .router("r1")
        .parallel(["ra", "rb"])
        .router("fw")
        .host("web", [GOOD, BLOCKED])
        .fault(Fault::at("fw", Effect::Drop).address(BLOCKED));
    Lab::build(&network).expect("a lab")
}

#[test]
fn the_live_view_shows_hops_and_leaves_the_result_on_the_screen_as_it_was() {
    isolated(&[Tool::Ip, Tool::Nft], || {
        let lab = lab();
        let mut seat = Seat::at(&lab, &format!("--live --every 200ms -n -I {GOOD}"));
        seat.wait_for("\u{1b}[?1049h");
        seat.wait_for("10.70.0.1");
        seat.wait_for("reached");
        seat.press("p");
        seat.wait_for("PAUSED");
        seat.press("pro");
        // What stood there before is not written again.
        seat.wait_for("loss");
        let (result, status) = seat.leave("q");
        assert!(result.contains("10.70.0.1") && result.contains(GOOD), "{result:?}");
        assert_eq!(status, Some(0), "{result:?}");
    });
}

#[test]
fn the_live_view_turns_from_address_to_address_and_ends_on_control_c() {
    isolated(&[Tool::Ip, Tool::Nft], || {
        let lab = lab();
        let mut seat = Seat::at(&lab, &format!("--live --lang ko -n -I {GOOD} {BLOCKED}"));
        // After each wide letter the cursor is moved anew.
        seat.wait_for("플");
        seat.wait_for(BLOCKED);
        seat.press("\t");
        let (result, status) = seat.leave("\u{3}");
        assert!(result.contains(BLOCKED), "{result:?}");
        assert!(matches!(status, Some(1 | 3)), "{status:?} {result:?}");
    });
}

#[test]
fn without_a_terminal_there_is_no_live_view() {
    let done = Command::new(REACH).args(["trace", "--live", "192.0.2.1"]).output().expect("started");
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("--live draws on the whole screen"));
}
