//! A watch with files of its own.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::blocking::{Client, ClientBuilder};
use rustls::crypto::aws_lc_rs::default_provider;
use tempfile::TempDir;

pub(crate) const REACH: &str = env!("CARGO_BIN_EXE_reach");

/// Nobody waits as long unless something is wrong.
const LONG: Duration = Duration::from_secs(120);

pub(crate) struct Place {
    directory: TempDir,
}

/// A watch that runs; it is killed when this is dropped.
pub(crate) struct Watch {
    child: Child,
    log: PathBuf,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watch {
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn hang_up(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process"));
        kill(pid, Signal::SIGHUP).expect("it runs");
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        // Another test of this process may have been first.
        let _ = default_provider().install_default();
        Self { directory: TempDir::new().expect("a directory") }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.file("reach.toml")
    }

    /// Writes a configuration with this at the end of `[http]`; gives the port.
    pub(crate) fn configure(&self, more: &str) -> u16 {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let port = free.local_addr().expect("bound").port();
        self.configure_at(port, more);
        port
    }

    pub(crate) fn configure_at(&self, port: u16, more: &str) {
        // Nobody listens there, which becomes an incident.
        let text = format!(
            "lang = 'en'\nzone = 'UTC'\nstate_dir = '.'\n[defaults]\nevery = '100ms'\nopen_after = '1s'\n[[target]]\n\
             target = '127.0.0.1:1'\n[own]\ngateway = 'none'\n[control]\npath = 'watch.sock'\n[host]\nenabled = false\n\
             [http]\nlisten = '127.0.0.1:{port}'\n{more}\n"
        );
        fs::write(self.config(), text).expect("written");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(REACH);
        command.args(arguments).env("HOME", self.directory.path()).env("LC_ALL", "C.UTF-8");
        command
    }

    pub(crate) fn watch(&self) -> Watch {
        let log = self.file("log");
        let file = fs::File::create(&log).expect("a file");
        let mut command = self.command(&["watch", "--config"]);
        command.arg(self.config()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        Watch { child: command.spawn().expect("it starts"), log }
    }

    pub(crate) fn client(&self) -> Client {
        build(Client::builder())
    }

    /// A client that trusts the certificate which this watch makes.
    pub(crate) fn trusting_client(&self, watch: &Watch) -> Client {
        let pem = until("a certificate", || {
            assert!(!watch.log().contains("cannot"), "{}", watch.log());
            fs::read(self.file("reach-tls.pem")).ok().filter(|_| watch.log().contains("serving"))
        });
        let certificate = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        build(Client::builder().tls_certs_only([certificate]))
    }
}

fn build(builder: ClientBuilder) -> Client {
    builder.redirect(reqwest::redirect::Policy::none()).no_proxy().timeout(LONG).build().expect("a client")
}

/// The line of a configuration that has this password.
pub(crate) fn password(text: &str) -> String {
    let output = password_output(text);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub(crate) fn password_output(text: &str) -> Output {
    let mut command = Command::new(REACH);
    command.args(["config", "password"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("its input");
    writeln!(input, "{text}").expect("written");
    drop(input);
    child.wait_with_output().expect("it ends")
}

/// Waits until there is something.
pub(crate) fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(begin.elapsed() < LONG, "{what} does not come");
        thread::sleep(Duration::from_millis(50));
    }
}
