//! `reach connect --interactive`: from pipes, and at a real pseudo-terminal.

use std::{
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{
    pty::{OpenptyResult, Winsize, openpty},
    sys::termios::{LocalFlags, SpecialCharacterIndices, tcgetattr},
};

use super::{
    closed_port, program,
    servers::{Authority, hold, serve},
    stderr, stdout,
};

/// Longer than any busy machine takes.
const PATIENCE: Duration = Duration::from_secs(30);

const IAC: u8 = 255;
const WILL: u8 = 251;
const DO: u8 = 253;
const SB: u8 = 250;
const SE: u8 = 240;

// From pipes.

/// Everything that a session gives when this is piped into it.
fn piped(arguments: &[&str], input: &[u8], more: impl FnOnce(&mut Command)) -> std::process::Output {
    let mut command = program();
    command.arg("connect").args(arguments).arg("--interactive");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    more(&mut command);
    let mut child = command.spawn().expect("started");
    child.stdin.take().expect("a pipe").write_all(input).expect("written");
    child.wait_with_output().expect("ended")
}

#[test]
fn a_pipe_is_sent_as_it_is_and_its_end_too_and_the_answer_is_waited_for() {
    let server = serve(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("read to the end");
        all.reverse();
        let _ = stream.write_all(&all);
    });
    let input: Vec<u8> = (0..=255).chain("한글\n".bytes()).cycle().take(200_000).collect();
    let done = piped(&[&server.to_string()], &input, |_| {});
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let mut back = done.stdout.clone();
    back.reverse();
    assert!(back == input, "{} of {} bytes came back", back.len(), input.len());
    let said = stderr(&done);
    for part in [
        &format!("{server}: connected, RTT")[..],
        "closed by the other side",
        "200000 bytes sent, 200000 received",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_session_may_be_secured_and_a_bad_certificate_is_warned_of() {
    let authority = Authority::new();
    let server = authority.serve_tls(&["a.example"], |mut stream| {
        let mut heard = [0; 5];
        stream.read_exact(&mut heard).expect("heard");
        let _ = stream.write_all(&heard);
        stream.conn.send_close_notify();
        let _ = stream.flush();
        // Closing with something unread would reset the connection.
        hold(stream.sock);
    });
    let arguments = [&server.to_string()[..], "--tls", "--server-name", "a.example"];
    let good = piped(&arguments, b"hello", |command| {
        command.env("SSL_CERT_FILE", authority.file());
    });
    assert_eq!((good.status.code(), stdout(&good)), (Some(0), "hello".to_owned()), "{}", stderr(&good));
    assert!(stderr(&good).contains("TLSv1.3") && !stderr(&good).contains("NOT TRUSTED"), "{}", stderr(&good));
    let strangers = Authority::new();
    let bad = piped(&arguments, b"hello", |command| {
        command.env("SSL_CERT_FILE", strangers.file());
    });
    assert_eq!((bad.status.code(), stdout(&bad)), (Some(0), "hello".to_owned()), "{}", stderr(&bad));
    assert!(stderr(&bad).contains("NOT TRUSTED"), "{}", stderr(&bad));
}

#[test]
fn a_connection_that_does_not_come_about_or_breaks_is_no_success() {
    let done = piped(&[&closed_port().to_string()], b"", |_| {});
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("refused: RST") && done.stdout.is_empty(), "{}", stderr(&done));
    let server = serve(|mut stream| {
        let _ = stream.read(&mut [0; 1]);
        super::servers::abort(stream);
    });
    let done = piped(&[&server.to_string()], b"x", |_| {});
    assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
    assert!(stderr(&done).contains("connection reset"), "{}", stderr(&done));
}

// At a terminal.

/// The program at a terminal of its own, which is also its controlling terminal.
struct Terminal {
    child: Child,
    master: File,
    slave: File,
    shown: Arc<Mutex<Vec<u8>>>,
    /// How much of what was shown has been expected already.
    seen: usize,
}

impl Terminal {
    fn start(arguments: &[&str]) -> Option<Self> {
        if !Path::new("/usr/bin/setsid").exists() {
            eprintln!(
                "SKIPPED: setsid (util-linux) gives a program a terminal of its own, and it is not here"
            );
            return None;
        }
        let size = Winsize { ws_row: 30, ws_col: 111, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("a terminal");
        let (master, slave) = (File::from(master), File::from(slave));
        let real = program();
        let mut command = Command::new("/usr/bin/setsid");
        command
            .args(["--ctty", "--wait"])
            .arg(real.get_program())
            .args(["connect", "--interactive"])
            .args(arguments);
        for (name, value) in real.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let handle = || Stdio::from(slave.try_clone().expect("a handle"));
        command.env("TERM", "vt220").stdin(handle()).stdout(handle()).stderr(handle());
        let child = command.spawn().expect("started");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut reader) = (Arc::clone(&shown), master.try_clone().expect("a handle"));
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut part) {
                kept.lock().expect("kept").extend_from_slice(&part[..length]);
            }
        });
        Some(Self { child, master, slave, shown, seen: 0 })
    }

    fn types(&mut self, keys: &[u8]) {
        self.master.write_all(keys).expect("typed");
    }

    /// Waits until this was shown, behind what was expected before; gives all between.
    fn expect(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown.lock().expect("kept").clone();
            let new = &shown[self.seen.min(shown.len())..];
            if let Some(at) = new.windows(text.len()).position(|window| window == text.as_bytes()) {
                let between = String::from_utf8_lossy(&new[..at]).into_owned();
                self.seen += at + text.len();
                return between;
            }
            assert!(Instant::now() < end, "no {text:?} in {:?}", String::from_utf8_lossy(&shown));
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the terminal is in canonical mode, or not.
    fn expect_lines(&self, lines: bool) {
        let end = Instant::now() + PATIENCE;
        while self.is_by_line() != lines {
            assert!(Instant::now() < end, "the terminal does not change");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_by_line(&self) -> bool {
        tcgetattr(&self.slave).expect("a terminal").local_flags.contains(LocalFlags::ICANON)
    }

    /// The status that the program ended with; the terminal has to be as it was.
    fn ended(mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(
                Instant::now() < end,
                "it goes on: {:?}",
                String::from_utf8_lossy(&self.shown.lock().expect("kept"))
            );
            thread::sleep(Duration::from_millis(10));
        };
        let left = tcgetattr(&self.slave).expect("a terminal");
        assert!(left.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG));
        assert_ne!(left.control_chars[SpecialCharacterIndices::VEOL as usize], 0x1d);
        status.code()
    }
}

/// A server that hands every byte it hears to the test, and says what the test wants.
fn puppet() -> (SocketAddr, mpsc::Receiver<TcpStream>) {
    let (sender, receiver) = mpsc::channel();
    let sender = Mutex::new(sender);
    let address = serve(move |stream| {
        let _ = sender.lock().expect("a sender").send(stream);
    });
    (address, receiver)
}

fn hear(stream: &mut TcpStream, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).expect("heard");
    assert_eq!(heard, bytes, "{:?}", String::from_utf8_lossy(&heard));
}

#[test]
fn lines_are_sent_when_they_end_and_korean_stays_whole() {
    let (server, connected) = puppet();
    let Some(mut terminal) = Terminal::start(&[&server.to_string()]) else { return };
    let mut stream = connected.recv_timeout(PATIENCE).expect("connected");
    terminal.expect("escape character is ^]");
    terminal.expect_lines(true);
    terminal.types("안녕하세요x\u{7f}\r".as_bytes());
    hear(&mut stream, "안녕하세요\r\n".as_bytes());
    // Erasing takes a whole syllable, not one of its three bytes.
    terminal.types("가나\u{7f}다\r".as_bytes());
    hear(&mut stream, "가다\r\n".as_bytes());
    let text = "반갑습니다".as_bytes();
    stream.write_all(&text[..4]).expect("said");
    thread::sleep(Duration::from_millis(30));
    stream.write_all(&text[4..]).expect("said");
    terminal.expect("반갑습니다");
    // A terminal is not moved by what is no telnet, and 0xff is no command.
    stream.write_all(b"\xff\xfea\x1b[2Jb\r\n").expect("said");
    terminal.expect("a\\u{1b}[2Jb");
    drop(stream);
    terminal.expect("closed by the other side");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn the_escape_character_leads_to_a_prompt_and_back() {
    let (server, connected) = puppet();
    let Some(mut terminal) = Terminal::start(&[&server.to_string()]) else { return };
    let mut stream = connected.recv_timeout(PATIENCE).expect("connected");
    terminal.expect("escape character is ^]");
    terminal.expect_lines(true);
    terminal.types(b"half \x1d");
    terminal.expect("reach> ");
    terminal.types(b"status\r");
    terminal.expect(&format!("connected to {server}"));
    terminal.expect("has not spoken telnet");
    terminal.types(b"and half\r");
    hear(&mut stream, b"half and half\r\n");
    terminal.types(b"\x1d");
    terminal.expect("reach> ");
    terminal.types(b"send ayt\r");
    terminal.expect("nothing was sent");
    terminal.types(b"\x1d");
    terminal.expect("reach> ");
    terminal.types("도움\r".as_bytes());
    terminal.expect("`help` lists them");
    terminal.expect("reach> ");
    terminal.types(b"\r");
    terminal.types(b"on\r");
    hear(&mut stream, b"on\r\n");
    terminal.types(b"\x1d");
    terminal.expect("reach> ");
    terminal.types(b"quit\r");
    terminal.expect("connection closed after");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn a_telnet_server_gets_its_options_answered_and_each_key_at_once() {
    let (server, connected) = puppet();
    let Some(mut terminal) = Terminal::start(&[&server.to_string()]) else { return };
    let mut stream = connected.recv_timeout(PATIENCE).expect("connected");
    terminal.expect("escape character is ^]");
    stream.write_all(&[IAC, DO, 24, IAC, DO, 31, IAC, DO, 39, IAC, WILL, 1, IAC, WILL, 3]).expect("said");
    hear(&mut stream, &[IAC, WILL, 24, IAC, WILL, 31, IAC, SB, 31, 0, 111, 0, 30, IAC, SE]);
    hear(&mut stream, &[IAC, 252, 39, IAC, DO, 1, IAC, DO, 3]);
    stream.write_all(&[IAC, SB, 24, 1, IAC, SE]).expect("said");
    hear(&mut stream, &[&[IAC, SB, 24, 0][..], b"VT220", &[IAC, SE]].concat());
    terminal.expect_lines(false);
    terminal.types("가\u{3}\r".as_bytes());
    hear(&mut stream, "가\u{3}\r\0".as_bytes());
    // Now it is a terminal session: what the server draws is drawn, and commands are not.
    stream.write_all(b"\x1b[1mbold\xff\xf1\xff\xff!").expect("said");
    terminal.expect("\u{1b}[1mbold");
    terminal.types(b"\x1d");
    terminal.expect("reach> ");
    terminal.expect_lines(true);
    terminal.types(b"send ip\r");
    hear(&mut stream, &[IAC, 244]);
    terminal.expect_lines(false);
    terminal.types(b"\x1d");
    terminal.expect("reach> ");
    terminal.types(b"mode line\r");
    hear(&mut stream, &[IAC, 254, 1, IAC, 254, 3]);
    stream.write_all(&[IAC, 252, 1, IAC, 252, 3]).expect("said");
    terminal.expect_lines(true);
    drop(stream);
    terminal.expect("closed by the other side");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn control_c_ends_a_session_of_lines() {
    let (server, connected) = puppet();
    let Some(mut terminal) = Terminal::start(&[&server.to_string()]) else { return };
    let mut stream = connected.recv_timeout(PATIENCE).expect("connected");
    terminal.expect("escape character is ^]");
    terminal.expect_lines(true);
    terminal.types(b"\x03");
    terminal.expect("connection closed after");
    assert_eq!(terminal.ended(), Some(0));
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).expect("a proper end"), 0);
}

#[test]
fn the_end_of_what_is_typed_is_passed_on_and_the_answer_still_shown() {
    let server = serve(|mut stream| {
        let mut all = String::new();
        stream.read_to_string(&mut all).expect("read to the end");
        let _ = stream.write_all(format!("got {}", all.trim_end()).as_bytes());
    });
    let Some(mut terminal) = Terminal::start(&[&server.to_string()]) else { return };
    terminal.expect("escape character is ^]");
    terminal.expect_lines(true);
    terminal.types(b"one\r");
    terminal.types(b"\x04");
    terminal.expect("got one");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn a_real_telnet_server_is_at_home() {
    let Some(telnetd) =
        ["/usr/sbin/telnetd", "/usr/sbin/in.telnetd"].into_iter().find(|path| Path::new(path).exists())
    else {
        eprintln!("SKIPPED: no telnetd here (Debian: inetutils-telnetd)");
        return;
    };
    let server = serve(move |stream| {
        let handle = || Stdio::from(std::os::fd::OwnedFd::from(stream.try_clone().expect("a handle")));
        // A shell that was started with interrupts ignored, as in the background of a script, passes that on for good.
        let _ = Command::new("env")
            .args(["--default-signal=INT", telnetd, "--no-hostinfo", "--exec-login", "/bin/sh -i"])
            .stdin(handle())
            .stdout(handle())
            .stderr(Stdio::null())
            .status();
    });
    let Some(mut terminal) = Terminal::start(&[&server.to_string()]) else { return };
    terminal.expect("escape character is ^]");
    terminal.expect_lines(false);
    terminal.types(b"stty size; echo $TERM\r");
    terminal.expect("30 111");
    terminal.expect("vt220");
    terminal.types("printf '%s\\n' 한글 | od -An -tx1\r".as_bytes());
    terminal.expect("ed 95 9c ea b8 80 0a");
    terminal.types(b"PS1='re''ady> '\r");
    terminal.expect("ready> ");
    // It says itself that it is in the foreground: before that an interrupt would only reach the shell.
    terminal.types(b"sh -c 'echo be''gun; exec sleep 60'\r");
    terminal.expect("begun");
    terminal.types(b"\x03");
    // What is typed before the interrupt has been dealt with is thrown away with the line.
    terminal.expect("ready> ");
    terminal.types(b"exit\r");
    terminal.expect("closed by the other side");
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn silence_of_a_server_is_no_reason_to_end() {
    let server = serve(hold);
    let Some(mut terminal) = Terminal::start(&[&server.to_string(), "--read-timeout", "100ms"]) else {
        return;
    };
    terminal.expect("escape character is ^]");
    thread::sleep(Duration::from_millis(400));
    terminal.types(b"\x1d");
    terminal.expect("reach> ");
    terminal.types(b"q\r");
    terminal.expect("connection closed after");
    assert_eq!(terminal.ended(), Some(0));
}
