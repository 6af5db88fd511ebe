//! Getting into a place where network namespaces can be made.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use crate::error::LabError;
use crate::sys::{ChildSetup, Isolation};

/// Set in the environment of a test program that was started again inside a user namespace.
const INSIDE: &str = "REACH_LAB_INSIDE";

/// Set by whoever wants a test that cannot run to fail.
const REQUIRED: &str = "REACH_LAB_REQUIRED";

/// A program that labs are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// `ip`, which makes links, addresses and routes. Every lab needs it.
    Ip,
    /// `nft`, which makes nearly all faults.
    Nft,
}

impl Tool {
    /// Where the program is.
    ///
    /// # Errors
    ///
    /// [`LabError::MissingTool`], which names the package.
    pub fn find(self) -> Result<PathBuf, LabError> {
        let (tool, package) = match self {
            Tool::Ip => ("ip", "iproute2"),
            Tool::Nft => ("nft", "nftables"),
        };
        let path = env::var_os("PATH").unwrap_or_default();
        // An ordinary user's PATH does not always hold the directories that these programs live in.
        let usual = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
        env::split_paths(&path)
            .chain(usual)
            .map(|directory| directory.join(tool))
            .find(|candidate| candidate.is_file())
            .ok_or(LabError::MissingTool { tool, package })
    }
}

/// Runs a test's body where labs can be built: in this process if it may make network namespaces, else in a
/// copy of the test program that runs only this test inside a user namespace.
///
/// Where that is not possible it says `SKIPPED: needs …` on standard error and returns, or panics if the
/// environment has `REACH_LAB_REQUIRED=1`. Call it directly from the body of a `#[test]` function: the copy finds
/// the test by the name of the thread, or with `--test-threads=1` by the path of the function that the closure is
/// written in.
///
/// # Panics
///
/// If the body does, or if the test is required and cannot run.
pub fn isolated<F: FnOnce()>(tools: &[Tool], body: F) {
    let ready = tools.iter().try_for_each(|tool| tool.find().map(drop)).and_then(|()| place());
    match ready {
        Ok(Place::Here) => body(),
        Ok(Place::Inside) => rerun(&test_name::<F>()),
        Err(error) if env::var_os(REQUIRED).is_some_and(|value| value == "1") => panic!("{error}"),
        // Not by `eprintln!`, which the test harness would keep to itself.
        Err(error) => {
            let _ = writeln!(io::stderr(), "SKIPPED: needs network namespaces and their tools: {error}");
        }
    }
}

/// Whether a lab can be built on this machine by this user, in this process or in an isolated child.
///
/// # Errors
///
/// Why not, and what would allow it.
pub fn can_isolate() -> Result<(), LabError> {
    Tool::Ip.find()?;
    place().map(drop)
}

/// Moves this process into a user namespace (where it needs one), a network and a mount namespace of its own.
/// Call it first thing in `main`.
///
/// # Errors
///
/// [`LabError::ThreadsExist`] if it is too late, [`LabError::NamespacesForbidden`] if this user may not.
pub fn isolate() -> Result<(), LabError> {
    let isolation = match place()? {
        Place::Here => Isolation { user_maps: None },
        Place::Inside => Isolation { user_maps: Some(user_maps()) },
    };
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if isolation.user_maps.is_some() && threads > 1 {
        return Err(LabError::ThreadsExist);
    }
    isolation.enter().map_err(|error| forbidden("entering new namespaces", error.into()))
}

/// A command whose program finds itself isolated as by [`isolate`], and dies with the thread that starts it.
///
/// # Errors
///
/// [`LabError::NamespacesForbidden`] if this user may not.
pub fn isolated_command(program: impl AsRef<OsStr>) -> Result<Command, LabError> {
    let user_maps = match place()? {
        Place::Here => None,
        Place::Inside => Some(user_maps()),
    };
    let mut command = Command::new(program);
    let setup = ChildSetup { isolation: Some(Isolation { user_maps }), ..ChildSetup::new() };
    setup.apply(&mut command);
    Ok(command)
}

/// Where labs can be built.
enum Place {
    /// In this process.
    Here,
    /// Inside a user namespace only.
    Inside,
}

fn place() -> Result<Place, LabError> {
    let attempt = std::thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET)).join();
    if matches!(attempt, Ok(Ok(()))) {
        return Ok(Place::Here);
    }
    // The child does not start if a step fails; what it starts need only be something that ends at once.
    let mut trial = Command::new(Tool::Ip.find()?);
    trial.arg("-Version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let setup =
        ChildSetup { isolation: Some(Isolation { user_maps: Some(user_maps()) }), ..ChildSetup::new() };
    setup.apply(&mut trial);
    match trial.status() {
        Ok(_) => Ok(Place::Inside),
        Err(error) => Err(forbidden("a trial in a child process", error)),
    }
}

/// Maps this user to root inside.
fn user_maps() -> (String, String) {
    (format!("0 {} 1", geteuid()), format!("0 {} 1", getegid()))
}

fn forbidden(what: &str, error: io::Error) -> LabError {
    let setting = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let is = |path: &str, value: &str| setting(path).as_deref() == Some(value);
    let remedy = if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "Allow it with: sysctl -w kernel.unprivileged_userns_clone=1"
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        "Allow it with: sysctl -w user.max_user_namespaces=10000"
    } else if is("/proc/sys/user/max_net_namespaces", "0") {
        "Allow it with: sysctl -w user.max_net_namespaces=10000"
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "Allow it with: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root"
    } else {
        "In a container, start it with --privileged, or with --cap-add SYS_ADMIN --cap-add NET_ADMIN \
         --security-opt seccomp=unconfined"
    };
    LabError::NamespacesForbidden { what: format!("{what}: {error}"), remedy: remedy.to_owned() }
}

/// The name under which the test harness knows the function that the closure type `F` was written in.
fn test_name<F>() -> String {
    if let Some(name) = std::thread::current().name().filter(|name| *name != "main") {
        return name.to_owned();
    }
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_, rest)| rest).to_owned()
}

fn rerun(test: &str) {
    assert!(env::var_os(INSIDE).is_none(), "inside the user namespace no network namespace could be made");
    let program = env::current_exe().expect("a running program has a path");
    let mut command = isolated_command(program).expect("it was possible a moment ago");
    command.args(["--exact", test, "--nocapture", "--include-ignored", "--test-threads=1"]).env(INSIDE, "1");
    let output = command.output().expect("the test program can be started again");
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the test failed inside its user namespace; its words are above");
    assert!(said.contains("1 passed"), "the test program did not find the test `{test}` again");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let error = LabError::MissingTool { tool: "nft", package: "nftables" };
        assert_eq!(
            error.to_string(),
            "`nft` is not in PATH, /usr/sbin or /sbin: install the package nftables"
        );
    }

    #[test]
    fn the_name_of_a_test_is_found_from_its_closure() {
        fn name_of<F: FnOnce() + 'static>(_: F) -> String {
            std::thread::Builder::new().name("main".to_owned()).spawn(test_name::<F>).unwrap().join().unwrap()
        }
        assert_eq!(name_of(|| ()), "cell::tests::the_name_of_a_test_is_found_from_its_closure");
    }
}
