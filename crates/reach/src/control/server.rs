//! The side of the watch.

use std::{
    fs,
    future::Future,
    io::{self, ErrorKind},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt, chown},
            net::{UnixListener as StdListener, UnixStream as StdStream},
        },
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nix::{
    sys::{
        socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket},
        stat::{Mode, fchmod},
    },
    unistd::{Group, Uid, User},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::protocol::{Answer, LONGEST_REQUEST, Refusal, Request, read_request, signed, write_answer};
use crate::output::shown;

/// Who asks, as the kernel knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The user.
    pub uid: u32,
    /// What the user is called; the number, where it has no name here.
    pub name: String,
}

impl Peer {
    fn of(uid: u32) -> Self {
        let name = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        Self { uid, name: name.unwrap_or_else(|| format!("uid {uid}")) }
    }
}

/// Why no socket could be made.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another watch has it.
    #[error("another watch answers at `{}` already; stop it, or give --control another name", name(.0))]
    InUse(PathBuf),
    /// Something else is there.
    #[error("`{}` is there and is no socket; remove it, or give --control another name", name(.0))]
    NoSocket(PathBuf),
    /// The path does not fit into a socket's address.
    #[error("`{}` is too long for a socket, which takes 107 bytes", name(.0))]
    TooLong(PathBuf),
    /// The group does not exist.
    #[error("there is no group `{0}` on this host")]
    NoGroup(String),
    /// The system said no.
    #[error("`{}` cannot be made: {error}", name(.path))]
    System {
        /// The socket.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

fn name(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// A socket that is asked at. Removed when it is dropped, unless another has taken its place.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
    inode: Option<u64>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.inode.is_some() && inode(&self.path) == self.inode {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|metadata| metadata.ino())
}

/// Makes the socket: for its owner and root alone, or for a group too. One that nobody listens at any more is
/// replaced. To be called within a runtime.
pub fn open(path: &Path, group: Option<&str>) -> Result<Listener, ControlError> {
    let system = |error: io::Error| ControlError::System { path: path.to_owned(), error };
    let group = group.map(|group| gid(group, path)).transpose()?;
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory).map_err(system)?;
    }
    make_room(path)?;
    let listener = bound(path).map_err(|error| match error {
        nix::Error::ENAMETOOLONG => ControlError::TooLong(path.to_owned()),
        nix::Error::EADDRINUSE => ControlError::InUse(path.to_owned()),
        error => system(error.into()),
    })?;
    if let Some(group) = group {
        chown(path, None, Some(group)).map_err(system)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(system)?;
    }
    listener.set_nonblocking(true).map_err(system)?;
    let inner = UnixListener::from_std(listener).map_err(system)?;
    Ok(Listener { inner, path: path.to_owned(), inode: inode(path) })
}

fn gid(group: &str, path: &Path) -> Result<u32, ControlError> {
    match Group::from_name(group) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) => Err(ControlError::NoGroup(shown(group))),
        Err(error) => Err(ControlError::System { path: path.to_owned(), error: error.into() }),
    }
}

/// Removes a socket that nobody listens at.
fn make_room(path: &Path) -> Result<(), ControlError> {
    let system = |error: io::Error| ControlError::System { path: path.to_owned(), error };
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system(error)),
    };
    if !kind.is_socket() {
        return Err(ControlError::NoSocket(path.to_owned()));
    }
    match StdStream::connect(path) {
        Ok(_) => Err(ControlError::InUse(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(system),
        Err(error) => Err(system(error)),
    }
}

/// Linux makes the file with the mode of the socket: it is never open to others, not for a moment.
fn bound(path: &Path) -> nix::Result<StdListener> {
    let address = UnixAddr::new(path)?;
    let socket: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
    bind(socket.as_raw_fd(), &address)?;
    listen(&socket, Backlog::new(64)?)?;
    Ok(StdListener::from(socket))
}

/// Conversations at the same time; more are told to come back.
const MOST_PEERS: usize = 32;

/// Whoever has not asked by then, or does not read the answer, is left.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers until the future is dropped. `handle` gets questions that are understood, and who asks.
pub async fn serve<F, A>(listener: Listener, handle: F)
where
    F: Fn(Request, Peer) -> A + Send + Sync + 'static,
    A: Future<Output = Answer> + Send,
{
    let handle = Arc::new(handle);
    let seats = Arc::new(Semaphore::new(MOST_PEERS));
    let mut talks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.inner.accept() => match accepted {
                Ok((stream, _)) => {
                    let (handle, seats) = (Arc::clone(&handle), Arc::clone(&seats));
                    talks.spawn(async move { talk(stream, &*handle, &seats).await });
                }
                // Out of file descriptors, say: others may finish meanwhile.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
            Some(_) = talks.join_next() => {}
        }
    }
}

async fn talk<F, A>(stream: UnixStream, handle: &F, seats: &Semaphore)
where
    F: Fn(Request, Peer) -> A,
    A: Future<Output = Answer>,
{
    let Ok(credentials) = stream.peer_cred() else { return };
    let (read, mut write) = stream.into_split();
    let answer = match seats.try_acquire() {
        Err(_) => Answer::refused(Refusal::Busy, "too many ask at the same time; try again"),
        Ok(_seat) => {
            let mut line = Vec::new();
            let mut reader = BufReader::new(read.take(LONGEST_REQUEST as u64 + 1));
            match timeout(PATIENCE, reader.read_until(b'\n', &mut line)).await {
                Ok(Ok(0)) | Ok(Err(_)) | Err(_) => return,
                Ok(Ok(_)) => match read_request(line.trim_ascii_end()) {
                    Ok(request) => {
                        let peer = Peer::of(credentials.uid());
                        handle(signed(request, &peer.name), peer).await
                    }
                    Err(refused) => refused,
                },
            }
        }
    };
    let said = write_answer(&answer);
    let _ = timeout(PATIENCE, async {
        write.write_all(said.as_bytes()).await?;
        write.shutdown().await
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::{io::Write, thread};

    use reach_core::{
        Time,
        watch::{IncidentId, Matcher, Order, Silence, SilenceId, Status},
    };
    use tempfile::TempDir;

    use super::*;
    use crate::control::client::{AskError, ask};

    /// A watch that answers what it is asked for, in a thread of its own, for as long as the test lasts.
    fn watch(path: &Path) -> thread::JoinHandle<()> {
        let (ready, is_ready) = std::sync::mpsc::channel();
        let path = path.to_owned();
        let thread = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = open(&path, None).expect("a socket");
                ready.send(()).expect("somebody waits");
                let (end, ended) = tokio::sync::watch::channel(false);
                let mut ended = ended;
                let answer = move |request: Request, peer: Peer| {
                    let end = end.clone();
                    async move {
                        match request {
                            Request::Status => Answer::Status(Box::new(Status {
                                at: Time::from_micros(7),
                                ..Status::default()
                            })),
                            Request::Order { order: Order::Acknowledge { by, .. } } => {
                                assert_eq!(by, peer.name);
                                Answer::DONE
                            }
                            Request::Order { order: Order::Silence(_) } => {
                                Answer::Done { silence: Some(SilenceId(4)) }
                            }
                            Request::Reload => {
                                let _ = end.send(true);
                                Answer::DONE
                            }
                            _ => Answer::refused(Refusal::NotFound, "there is no such thing"),
                        }
                    }
                };
                tokio::select! {
                    () = serve(listener, answer) => {}
                    _ = ended.changed() => {
                        // The answer to the one who ended it is on its way.
                        sleep(Duration::from_millis(200)).await;
                    }
                }
            });
        });
        is_ready.recv().expect("a watch");
        thread
    }

    fn end(path: &Path, thread: thread::JoinHandle<()>) {
        let _ = ask(path, &Request::Reload);
        thread.join().expect("it ends");
    }

    #[test]
    fn questions_are_answered_and_orders_are_signed_by_who_asks() {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("run/watch.sock");
        let thread = watch(&path);
        assert_eq!(fs::metadata(&path).expect("a socket").permissions().mode() & 0o777, 0o600);
        match ask(&path, &Request::Status) {
            Ok(Answer::Status(status)) => assert_eq!(status.at, Time::from_micros(7)),
            other => panic!("{other:?}"),
        }
        let acknowledge = Order::Acknowledge { incident: IncidentId(1), by: String::new() };
        assert_eq!(ask(&path, &Request::Order { order: acknowledge }).expect("answered"), Answer::DONE);
        let silence = Silence {
            id: SilenceId(0),
            matcher: Matcher::default(),
            from: Time::from_micros(1),
            until: Time::from_micros(2),
            author: "kim".to_owned(),
            comment: String::new(),
            maintenance: false,
        };
        let made = ask(&path, &Request::Order { order: Order::Silence(silence) }).expect("answered");
        assert_eq!(made, Answer::Done { silence: Some(SilenceId(4)) });
        match ask(&path, &Request::Silences) {
            Err(AskError::Refused { code, .. }) => assert_eq!(code, Refusal::NotFound),
            other => panic!("{other:?}"),
        }
        end(&path, thread);
        assert!(!path.exists(), "the socket goes with the watch");
    }

    #[test]
    fn nonsense_is_refused_and_the_next_one_is_answered() {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("watch.sock");
        let thread = watch(&path);
        for nonsense in
            [b"GET / HTTP/1.1\r\n".to_vec(), b"\xff\xfe\n".to_vec(), vec![b'x'; LONGEST_REQUEST + 10]]
        {
            let mut stream = StdStream::connect(&path).expect("connected");
            // The watch may hang up in the middle of what is too long.
            let _ = stream.write_all(&nonsense);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut said = String::new();
            let _ = io::Read::read_to_string(&mut stream, &mut said);
            assert!(said.is_empty() || said.contains("bad-request"), "{said}");
        }
        assert!(ask(&path, &Request::Status).is_ok());
        end(&path, thread);
    }

    #[test]
    fn a_socket_that_nobody_listens_at_is_replaced_and_another_watch_is_not() {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("watch.sock");
        drop(StdListener::bind(&path).expect("a socket"));
        assert!(path.exists(), "what a killed watch leaves behind");
        let thread = watch(&path);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _inside = runtime.enter();
        assert!(matches!(open(&path, None), Err(ControlError::InUse(_))));
        end(&path, thread);

        fs::write(&path, "precious").expect("written");
        assert!(matches!(open(&path, None), Err(ControlError::NoSocket(_))));
        assert_eq!(fs::read_to_string(&path).expect("still there"), "precious");
        let long = directory.path().join("x".repeat(120));
        assert!(matches!(open(&long, None), Err(ControlError::TooLong(_))));
        let other = directory.path().join("group.sock");
        assert!(matches!(open(&other, Some("no such group")), Err(ControlError::NoGroup(_))));
    }

    #[test]
    fn where_nobody_listens_the_error_says_what_to_do() {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("watch.sock");
        let error = ask(&path, &Request::Status).expect_err("nobody").to_string();
        assert!(error.contains("watch.sock") && error.contains("reach watch"), "{error}");
        drop(StdListener::bind(&path).expect("a socket"));
        let error = ask(&path, &Request::Status).expect_err("nobody").to_string();
        assert!(error.contains("no watch is running"), "{error}");
    }
}
