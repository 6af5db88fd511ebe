//! Running a program in a node.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, geteuid};

use crate::error::LabError;
use crate::sys::{ChildSetup, Unprivileged};

/// The user that an unprivileged command becomes, where the user namespace has one.
const NOBODY: u32 = 65534;

/// A program to run in a node.
#[derive(Debug)]
pub struct NodeCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    input: Vec<u8>,
    timeout: Duration,
    unprivileged: bool,
    namespace: Arc<File>,
    files: Option<Arc<ClientFiles>>,
}

/// Lab-made files that commands see under `/etc`.
#[derive(Debug)]
pub(crate) struct ClientFiles {
    /// What is put where.
    pub(crate) replacements: Vec<(PathBuf, PathBuf)>,
}

/// What became of a command.
#[derive(Debug)]
pub struct Finished {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How it ended.
    pub status: ExitStatus,
    /// How long it ran.
    pub elapsed: Duration,
    /// Whether it was killed because its time was up.
    pub timed_out: bool,
}

/// A command that is still running; it is killed when this is dropped, or when the thread that started it
/// ends.
#[derive(Debug)]
pub struct Running {
    child: Child,
    started: Instant,
    stdout: Collector,
    stderr: Collector,
}

impl NodeCommand {
    pub(crate) fn new(program: &Path, namespace: Arc<File>, files: Option<Arc<ClientFiles>>) -> Self {
        NodeCommand {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            input: Vec::new(),
            timeout: Duration::from_secs(120),
            unprivileged: false,
            namespace,
            files,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Takes a variable out of its environment, which is otherwise this process's own.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), None));
        self
    }

    /// Gives it standard input; otherwise that is empty.
    #[must_use]
    pub fn input(mut self, text: impl AsRef<[u8]>) -> Self {
        self.input = text.as_ref().to_owned();
        self
    }

    /// Kills it after so long; otherwise after two minutes.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it without any capability and without a way to gain one. It becomes user 65534 where the user
    /// namespace has such a user; in a rootless lab it stays the one user there is.
    #[must_use]
    pub fn unprivileged(mut self) -> Self {
        self.unprivileged = true;
        self
    }

    /// Runs it to its end or to its time-out.
    ///
    /// # Errors
    ///
    /// [`LabError::System`] if it cannot be started. How it ends is not an error.
    pub fn run(self) -> Result<Finished, LabError> {
        let timeout = self.timeout;
        self.spawn()?.wait(timeout)
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// [`LabError::System`] if it cannot be started.
    pub fn spawn(self) -> Result<Running, LabError> {
        let what = format!("running {}", self.program.display());
        // Opened here because an unprivileged child may not be able to walk the path to it.
        let program = self.open_program().map_err(LabError::system(what.clone()))?;
        let mut command = match &program {
            Some(file) => {
                let mut command = Command::new(format!("/proc/self/fd/{}", file.as_raw_fd()));
                command.arg0(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(&self.arguments);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if self.unprivileged {
            command.current_dir("/");
        }
        let setup = ChildSetup {
            network: Some(Arc::clone(&self.namespace)),
            mounts: self.mounts()?,
            unprivileged: self.unprivileged.then(|| Unprivileged { become_id: nobody() }),
            inherit: program.iter().map(AsRawFd::as_raw_fd).collect(),
            own_group: true,
            ..ChildSetup::new()
        };
        setup.apply(&mut command);
        let started = Instant::now();
        let mut child = command.spawn().map_err(LabError::system(what))?;
        let stdout = Collector::new(child.stdout.take().expect("it was piped"));
        let stderr = Collector::new(child.stderr.take().expect("it was piped"));
        feed(child.stdin.take().expect("it was piped"), self.input);
        Ok(Running { child, started, stdout, stderr })
    }

    fn open_program(&self) -> std::io::Result<Option<File>> {
        if !self.unprivileged || !self.program.as_os_str().as_bytes().contains(&b'/') {
            return Ok(None);
        }
        let program = fs::canonicalize(&self.program)?;
        fs::OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(program).map(Some)
    }

    fn mounts(&self) -> Result<Vec<(CString, CString)>, LabError> {
        let Some(files) = &self.files else { return Ok(Vec::new()) };
        let mut mounts = Vec::new();
        for (source, target) in &files.replacements {
            // A file can only be put over another; a link is followed to where it leads.
            let Ok(target) = fs::canonicalize(target) else {
                if target.ends_with("nsswitch.conf") {
                    continue;
                }
                let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
                return Err(LabError::System {
                    what: format!("covering {}", target.display()),
                    source: missing,
                });
            };
            let path = |path: &Path| CString::new(path.as_os_str().as_bytes()).expect("a path has no NUL");
            mounts.push((path(source), path(&target)));
        }
        Ok(mounts)
    }
}

impl Finished {
    /// The exit status, if it was not ended by a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The number of the signal that ended it.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by number (15 is TERM, 2 is INT).
    ///
    /// # Errors
    ///
    /// [`LabError::System`] if there is no such signal, or it is gone.
    pub fn signal(&self, number: i32) -> Result<(), LabError> {
        let sent = Signal::try_from(number).and_then(|signal| kill(self.pid(), signal));
        sent.map_err(LabError::system(format!("sending signal {number}")))
    }

    /// What it has written on standard output so far.
    pub fn stdout_so_far(&mut self) -> String {
        self.stdout.so_far()
    }

    /// What it has written on standard error so far.
    pub fn stderr_so_far(&mut self) -> String {
        self.stderr.so_far()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end, and kills it and whatever it started when the time is up.
    ///
    /// # Errors
    ///
    /// [`LabError::System`] if waiting fails.
    pub fn wait(mut self, timeout: Duration) -> Result<Finished, LabError> {
        let deadline = Instant::now() + timeout;
        let mut timed_out = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().map_err(LabError::system("waiting for a command"))? {
                break status;
            }
            if Instant::now() >= deadline {
                timed_out = true;
                self.kill();
            }
            thread::sleep(Duration::from_millis(2));
        };
        let elapsed = self.started.elapsed();
        Ok(Finished {
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
            status,
            elapsed,
            timed_out,
        })
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    fn kill(&mut self) {
        // The group first, for what it started; it leads the group under its own id.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.child.kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

/// Reads a pipe to its end on a thread, so that the writer never waits.
#[derive(Debug)]
struct Collector {
    parts: Receiver<Vec<u8>>,
    bytes: Vec<u8>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let (sender, parts) = channel();
        let copy = move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        };
        Collector { parts, bytes: Vec::new(), thread: Some(thread::spawn(copy)) }
    }

    fn so_far(&mut self) -> String {
        self.bytes.extend(self.parts.try_iter().flatten());
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Everything up to the end of the pipe; a grandchild that keeps the pipe open is not waited for.
    fn finish(&mut self) -> String {
        let deadline = Instant::now() + Duration::from_secs(2);
        while let Some(thread) = &self.thread
            && !thread.is_finished()
            && Instant::now() < deadline
        {
            thread::sleep(Duration::from_millis(1));
        }
        self.thread = None;
        self.so_far()
    }
}

/// Writes on a thread of its own, since a command may answer before it has read everything.
fn feed(mut pipe: impl Write + Send + 'static, input: Vec<u8>) {
    if !input.is_empty() {
        thread::spawn(move || {
            let _ = pipe.write_all(&input);
        });
    }
}

/// The id that an unprivileged command can take, if this process is root and the user namespace has it.
fn nobody() -> Option<u32> {
    let mapped = |path: &str| {
        let map = fs::read_to_string(path).unwrap_or_default();
        map.lines().any(|line| {
            let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().unwrap_or(0));
            let (first, _, count) = (numbers.next(), numbers.next(), numbers.next());
            let (Some(first), Some(count)) = (first, count) else { return false };
            NOBODY >= first && NOBODY - first < count
        })
    };
    let possible = geteuid().is_root() && mapped("/proc/self/uid_map") && mapped("/proc/self/gid_map");
    possible.then_some(NOBODY)
}
