//! A program to run: it gets the notice as JSON on its standard input and the most important of it in its
//! environment. Status 0 means delivered; anything else is tried again.

use std::{process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use reach_core::watch::courier::{Dispatch, Report};
use reach_report::notice::{self, Telling};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    time::timeout,
};

use crate::output::shown;

/// So much of what it complains about is read.
const COMPLAINT: u64 = 4096;
/// What it may know of our own environment, in which there may be secrets.
const KNOWN: [&str; 6] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER"];

/// A program to run.
pub(super) struct Program {
    pub(super) command: Vec<String>,
    pub(super) timeout: Duration,
}

/// Ends a program with all that it started.
struct Leash(Option<Pid>);

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself meanwhile.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Program {
    pub(super) async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>) -> Report {
        let Some((program, arguments)) = self.command.split_first() else {
            return Report::Broken { trouble: "there is no program to run".to_owned() };
        };
        let document = notice::document(&dispatch.parts, telling);
        let first = dispatch.parts.first();
        let mut command = Command::new(program);
        command.args(arguments).env_clear().process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        for name in KNOWN {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().replace('\0', "");
        command.env("REACH_CHANNEL", &dispatch.channel).env("REACH_SUMMARY", text(&document["summary"]));
        if let Some(part) = first {
            let notice = &document["notices"][0];
            command
                .env("REACH_INCIDENT", part.notice.incident.id.0.to_string())
                .env("REACH_SEQ", part.notice.seq.to_string())
                .env("REACH_TARGET", text(&notice["target"]))
                .env("REACH_NEWS", text(&notice["news"]))
                .env("REACH_GRAVITY", text(&notice["gravity"]))
                .env("REACH_PHASE", text(&notice["phase"]))
                .env("REACH_RINGS", if dispatch.rings { "1" } else { "0" });
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                return Report::Broken { trouble: shown(&format!("{program} cannot be run: {error}")) };
            }
        };
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let _leash = Leash(group);
        match timeout(self.timeout, run(&mut child, document.to_string())).await {
            Ok(report) => report,
            Err(_) => {
                let seconds = self.timeout.as_secs();
                Report::Unknown { trouble: format!("it ran for more than {seconds} s and was ended") }
            }
        }
    }
}

async fn run(child: &mut Child, input: String) -> Report {
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // Whoever reads the environment only closes its input at once.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let read = async {
        let mut complaint = Vec::new();
        if let Some(stderr) = stderr {
            let mut head = stderr.take(COMPLAINT);
            let _ = head.read_to_end(&mut complaint).await;
            // The rest is read so that it does not wait for us.
            let _ = tokio::io::copy(&mut head.into_inner(), &mut tokio::io::sink()).await;
        }
        complaint
    };
    let ((), complaint, status) = tokio::join!(write, read, child.wait());
    match status {
        Ok(status) if status.success() => Report::Sent { message: None, remark: None },
        Ok(status) => {
            let complaint = shown(String::from_utf8_lossy(&complaint).trim());
            Report::Failed { trouble: shown(&format!("{status}: {complaint}")) }
        }
        Err(error) => Report::Unknown { trouble: shown(&error.to_string()) },
    }
}
