//! The side of those who ask.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use super::protocol::{Answer, LONGEST_ANSWER, Refusal, Request, read_answer, write_request};
use crate::output::{sentence, shown};

/// A watch with tens of thousands of addresses takes a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error(
        "no watch is running at `{}`; start `reach watch`, or name its socket with --control", name(.0)
    )]
    NotRunning(PathBuf),
    /// The socket belongs to somebody else.
    #[error(
        "`{}` may not be asked by this user; ask as the user that runs the watch, as root, or set `group` under \
         [control] in its configuration", name(.0)
    )]
    Forbidden(PathBuf),
    /// The watch said no.
    #[error("{}", sentence(.why))]
    Refused {
        /// Why, as a stable name.
        code: Refusal,
        /// Why, in its words.
        why: String,
    },
    /// It answers what cannot be understood.
    #[error("`{}` answers something else than a watch does: {}", name(.0), sentence(.1))]
    Nonsense(PathBuf, String),
    /// The system said no.
    #[error("`{}` cannot be asked: {error}", name(.path))]
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

/// A survey waits for its turn, and takes a while; the watch itself gives up sooner.
const LONG_PATIENCE: Duration = Duration::from_secs(240);

/// Asks a running watch, and waits for its answer. An answer that it refuses is an error.
pub fn ask(path: &Path, request: &Request) -> Result<Answer, AskError> {
    let patience = if matches!(request, Request::Examine { .. }) { LONG_PATIENCE } else { PATIENCE };
    let system = |error: io::Error| AskError::System { path: path.to_owned(), error };
    let mut stream = UnixStream::connect(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => AskError::NotRunning(path.to_owned()),
        ErrorKind::PermissionDenied => AskError::Forbidden(path.to_owned()),
        _ => system(error),
    })?;
    stream.set_read_timeout(Some(patience)).map_err(system)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(system)?;
    stream.write_all(write_request(request).as_bytes()).map_err(system)?;
    let mut line = Vec::new();
    let mut reader = BufReader::new(stream.take(LONGEST_ANSWER as u64));
    reader.read_until(b'\n', &mut line).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            let seconds = patience.as_secs();
            let why = format!("no answer within {seconds} s; the watch may hang");
            system(io::Error::new(ErrorKind::TimedOut, why))
        }
        _ => system(error),
    })?;
    let nonsense = |why: String| AskError::Nonsense(path.to_owned(), why);
    match read_answer(&line).map_err(nonsense)? {
        Answer::Refused { code, why } => Err(AskError::Refused { code, why }),
        answer => Ok(answer),
    }
}
