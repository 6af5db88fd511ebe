//! What every test in namespaces needs: the program in the client of a lab, with rights or without, and several
//! labs side by side.

use std::{
    env,
    io::{Write, stderr},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use reach_lab::{Lab, NodeCommand};

/// The program that is tested.
pub(crate) const REACH: &str = env!("CARGO_BIN_EXE_reach");

/// Variables of whoever runs the tests that would make the program see that machine's settings instead of the
/// lab's.
const FOREIGN: [&str; 16] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "LOCALDOMAIN",
    "RES_OPTIONS",
    "HOSTALIASES",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "SSL_CERT_DIR",
    "LD_PRELOAD",
];

/// A check waits most of its time, so more networks than processors do not slow each other down.
const AT_A_TIME: usize = 6;

/// Whether the program may do as it likes or has no capability at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    All,
    None,
}

/// `reach` in the client, in an environment that holds nothing of this machine's.
pub(crate) fn reach(lab: &Lab, rights: Rights) -> NodeCommand {
    let command = lab.client().command(REACH);
    let command = FOREIGN.iter().fold(command, |command, variable| command.env_remove(variable));
    let command = command.env("SSL_CERT_FILE", lab.authority());
    match rights {
        Rights::All => command,
        Rights::None => command.unprivileged(),
    }
}

/// Does the jobs, some at a time, and gives the results in the order of the jobs.
pub(crate) fn side_by_side<J: Sync, R: Send>(jobs: &[J], run: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let wish = env::var("REACH_LAB_JOBS").ok().and_then(|text| text.parse().ok());
    let at_a_time = wish.unwrap_or(AT_A_TIME).clamp(1, jobs.len().max(1));
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(jobs.len())));
    let work = || {
        while let number = next.fetch_add(1, Ordering::Relaxed)
            && let Some(job) = jobs.get(number)
        {
            let result = run(job);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        }
    };
    thread::scope(|scope| (0..at_a_time).for_each(|_| drop(scope.spawn(work))));
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Says something that the test harness does not keep to itself.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(stderr(), "{line}");
}
