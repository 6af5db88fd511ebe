//! A watch with files of its own, and everything that is asked of it.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reach::control;
use reach_lab::NodeCommand;
use reach_store::Reader;
use serde_json::Value;
use tempfile::TempDir;

use super::{
    company::REACH,
    telegram_fake::{CHAT, TOKEN, Telegram},
};

/// What says where the things of a user, or of a service, are.
const WHERE: [&str; 8] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "STATE_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
];

/// Longer than anything takes, however busy the machine is.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Looks until there is something.
pub(crate) fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "in {limit:?} there was not: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Where a watch keeps everything.
pub(crate) struct Place {
    directory: TempDir,
    pub(crate) port: u16,
}

impl Place {
    /// A directory that everybody may write to, for a watch that serves HTTP at this port.
    pub(crate) fn new(port: u16) -> Self {
        let directory = TempDir::new().expect("a directory");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("open to all");
        Self { directory, port }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.file("reach.toml")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.file("reach.db")
    }

    /// Writes a configuration: what every one here has, and the rest.
    pub(crate) fn configure(&self, rest: &str) {
        let text = format!(
            "lang = 'en'\nzone = 'UTC'\nstate_dir = '.'\n{rest}\n[control]\npath = 'watch.sock'\n\
             [http]\nlisten = '127.0.0.1:{}'\n[logging]\nlevel = 'debug'\n",
            self.port
        );
        fs::write(self.config(), text).expect("a file");
    }

    /// The same command for somebody who lives here: nothing that it makes is made anywhere else.
    pub(crate) fn at_home(&self, command: NodeCommand) -> NodeCommand {
        let bare = WHERE.iter().fold(command, |command, variable| command.env_remove(variable));
        bare.env("HOME", self.directory.path())
    }

    /// `reach`, for somebody who lives here.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(REACH);
        for variable in WHERE {
            command.env_remove(variable);
        }
        command.env("HOME", self.directory.path()).env("LC_ALL", "C.UTF-8");
        command
    }

    /// A watch of this configuration, on this host.
    pub(crate) fn watch(&self) -> Watch {
        self.watch_with(|command| command)
    }

    pub(crate) fn watch_with(&self, change: impl FnOnce(&mut Command) -> &mut Command) -> Watch {
        let mut command = self.command();
        command.args(["watch", "--config"]).arg(self.config());
        Watch::start(change(&mut command), self.directory.path())
    }

    /// Another command about this watch.
    pub(crate) fn reach(&self, arguments: &[&str]) -> Output {
        let mut command = self.command();
        command.args(arguments).arg("--config").arg(self.config()).output().expect("it runs")
    }

    /// What the watch publishes, all of it; nothing while it does not answer.
    pub(crate) fn status(&self) -> Option<Value> {
        match control::ask(&self.file("watch.sock"), &control::Request::Status) {
            Ok(control::Answer::Status(status)) => serde_json::to_value(status).ok(),
            _ => None,
        }
    }

    /// A page of the watch, from the network of this thread.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        let host = format!("127.0.0.1:{}", self.port);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8(answer).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        assert!(!chunked, "{head}");
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.store()).expect("a store")
    }
}

/// A chat of the fake.
pub(crate) fn telegram(fake: &Telegram, name: &str, more: &str) -> String {
    format!(
        "[[channel]]\nname = '{name}'\nkind = 'telegram'\ntoken = '{TOKEN}'\nchat = {CHAT}\napi_url = '{}'\n\
         buttons = false\n{more}\n",
        fake.url()
    )
}

/// A watch that runs. It is killed when this is dropped.
pub(crate) struct Watch {
    child: Child,
    log: PathBuf,
}

impl Watch {
    /// Starts a command whose output goes to files of this directory.
    pub(crate) fn start(command: &mut Command, directory: &Path) -> Self {
        let log = directory.join("log");
        let open = |path: &Path| File::options().create(true).append(true).open(path).expect("a file");
        command.stdout(open(&directory.join("said"))).stderr(open(&log));
        Self { child: command.spawn().expect("it starts"), log }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, signal).expect("it is there");
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        until("its end", LONG, || self.child.try_wait().expect("a child"))
    }

    /// Ends it as a service manager does.
    pub(crate) fn stop(self) {
        self.signal(Signal::SIGTERM);
        let log = self.log.clone();
        let status = self.ended();
        let log = fs::read_to_string(log).unwrap_or_default();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains("panicked"), "{log}");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The tries of everything in a status.
pub(crate) fn tries(status: &Value) -> u64 {
    let targets = status["targets"].as_array().into_iter().flatten();
    let addresses = targets.flat_map(|target| target["addresses"].as_array().into_iter().flatten());
    let layers = addresses.filter_map(|address| address["layers"].as_object());
    layers.flat_map(|layers| layers.values()).filter_map(|layer| layer["tries"].as_u64()).sum()
}

/// How many addresses are in a state.
pub(crate) fn states(status: &Value, state: &str) -> usize {
    let targets = status["targets"].as_array().into_iter().flatten();
    let addresses = targets.flat_map(|target| target["addresses"].as_array().into_iter().flatten());
    addresses.filter(|address| address["remembered"]["health"] == state).count()
}

/// Probing goes on, and on time.
pub(crate) fn goes_on(place: &Place) {
    let before = tries(&until("a status", LONG, || place.status()));
    let after = until("more tries", LONG, || place.status().filter(|status| tries(status) > before + 50));
    let lag = after["schedule"]["lag"].as_u64().expect("microseconds");
    assert!(lag < 5_000_000, "{lag} µs late");
}
