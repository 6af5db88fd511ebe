//! One namespace of a lab.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

use crate::cell::Tool;
use crate::command::{ClientFiles, NodeCommand};
use crate::error::LabError;
use crate::plan::{ONLY_IPV6, Setting};

/// A node of the network: a network namespace that lives as long as the lab.
#[derive(Debug, Clone)]
pub struct Node {
    name: String,
    namespace: Arc<File>,
    files: Option<Arc<ClientFiles>>,
}

impl Node {
    /// Makes a namespace.
    pub(crate) fn new(name: &str) -> Result<Node, LabError> {
        let made = on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        });
        let namespace = made.map_err(LabError::system(format!("making the namespace of {name}")))?;
        Ok(Node { name: name.to_owned(), namespace: Arc::new(namespace), files: None })
    }

    /// Gives commands in this node files of their own under `/etc`.
    pub(crate) fn set_files(&mut self, files: ClientFiles) {
        self.files = Some(Arc::new(files));
    }

    /// The name in the description.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run in this node, in the client with the client's own `/etc/resolv.conf`,
    /// `/etc/hosts` and `/etc/nsswitch.conf`.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> NodeCommand {
        NodeCommand::new(program.as_ref(), Arc::clone(&self.namespace), self.files.clone())
    }

    /// Calls a function on a thread inside this node. Sockets that it opens stay in the node for as long as
    /// they live, whoever uses them.
    ///
    /// # Panics
    ///
    /// If the function does.
    pub fn within<T: Send>(&self, function: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let inside = || {
                setns(&self.namespace, CloneFlags::CLONE_NEWNET)
                    .expect("a namespace that we hold can be entered");
                function()
            };
            match scope.spawn(inside).join() {
                Ok(value) => value,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Runs `nft` with this text in the node.
    ///
    /// # Errors
    ///
    /// [`LabError::ToolFailed`] with what `nft` said.
    pub fn nft(&self, text: &str) -> Result<(), LabError> {
        self.tool(Tool::Nft, &["-f", "-"], text).map(drop)
    }

    /// Runs lines of `ip -batch` in the node, those that begin with `-6 ` first.
    ///
    /// # Errors
    ///
    /// [`LabError::ToolFailed`] with what `ip` said.
    pub fn ip(&self, lines: &[String]) -> Result<(), LabError> {
        let (only_ipv6, others): (Vec<_>, Vec<_>) =
            lines.iter().partition(|line| line.starts_with(ONLY_IPV6));
        if !only_ipv6.is_empty() {
            let text: String =
                only_ipv6.iter().map(|line| format!("{}\n", &line[ONLY_IPV6.len()..])).collect();
            self.tool(Tool::Ip, &["-6", "-batch", "-"], &text)?;
        }
        let text: String = others.iter().map(|line| format!("{line}\n")).collect();
        self.tool(Tool::Ip, &["-batch", "-"], &text).map(drop)
    }

    /// Reads a file as this node sees it; counters under `/proc/net` belong to the node of the thread that
    /// reads them.
    ///
    /// # Errors
    ///
    /// The system's, for instance if there is no such file.
    pub fn read(&self, path: &str) -> io::Result<String> {
        // `/proc/net` is that of the process's first thread, `/proc/thread-self/net` that of this one.
        let path = path.replace("/proc/net/", "/proc/thread-self/net/");
        self.within(|| std::fs::read_to_string(path))
    }

    /// Applies settings, and fails only for required ones.
    pub(crate) fn set(&self, settings: &[Setting]) -> Result<(), LabError> {
        self.within(|| {
            for setting in settings {
                let written = std::fs::write(format!("/proc/sys/net/{}", setting.path), setting.value);
                if setting.required {
                    written
                        .map_err(LabError::system(format!("setting {} in {}", setting.path, self.name)))?;
                }
            }
            Ok(())
        })
    }

    /// A path under which other processes of this user can open the namespace while the lab lives.
    pub(crate) fn namespace_path(&self) -> String {
        use std::os::fd::AsRawFd;
        format!("/proc/{}/fd/{}", std::process::id(), self.namespace.as_raw_fd())
    }

    fn tool(&self, tool: Tool, arguments: &[&str], input: &str) -> Result<String, LabError> {
        let program = tool.find()?;
        let finished = NodeCommand::new(&program, Arc::clone(&self.namespace), None)
            .args(arguments)
            .input(input)
            .run()?;
        if finished.code() == Some(0) {
            return Ok(finished.stdout);
        }
        let command = format!("{} {} in {}:\n{input}", program.display(), arguments.join(" "), self.name);
        Err(LabError::ToolFailed { command, message: finished.stderr })
    }
}

fn on_a_thread<T: Send>(function: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| scope.spawn(function).join().expect("only system calls were made"))
}
