//! How the program behaves towards the machine that it runs on: what is there after a check that was not
//! there before.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use reach_lab::{Lab, Node, Tool};

use crate::{
    company::Rights,
    play::{check, said},
};

/// Servers have a moment to see that their clients are gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// What of the client a check must not touch, by the words with which `ip` shows it.
const SHOWN_BY_IP: [&str; 5] =
    ["-details address", "-4 route show table all", "-6 route show table all", "-4 rule", "-6 rule"];

/// Sockets of every kind, by their tables under `/proc/net`.
const SOCKETS: [&str; 11] =
    ["tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6", "packet"];

/// Checks `target` in the lab, and tells of everything that is not afterwards as it was before: in the
/// client, and at the nodes that it spoke to.
pub(crate) fn traces_of_a_check(
    lab: &Lab,
    target: &str,
    servers: &[&str],
    rights: Rights,
) -> Result<Vec<String>, String> {
    let home = room(lab, "home")?;
    let before = inventory(lab)?;
    let command = ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"]
        .into_iter()
        .fold(check(lab, rights).arg(target), |command, variable| command.env(variable, &home));
    said(&command.run().map_err(|error| error.to_string())?)?;
    let after = inventory(lab)?;
    let mut traces = Vec::new();
    for (what, before) in &before {
        if after.get(what) != Some(before) {
            traces.push(format!("{what}, before:\n{before}\nand after:\n{}", after[what]));
        }
    }
    traces.extend(servers.iter().filter_map(|server| lingering(lab.node(server))));
    fs::remove_dir_all(home).map_err(|error| error.to_string())?;
    Ok(traces)
}

/// A directory of the lab that anybody can write in.
fn room(lab: &Lab, name: &str) -> Result<PathBuf, String> {
    let path = lab.directory().join(name);
    let open_to_all = fs::Permissions::from_mode(0o777);
    let made = fs::create_dir(&path).and_then(|()| fs::set_permissions(&path, open_to_all));
    made.map_err(|error| error.to_string())?;
    Ok(path)
}

/// What there is at the client.
fn inventory(lab: &Lab) -> Result<BTreeMap<String, String>, String> {
    let client = lab.client();
    let mut things = BTreeMap::new();
    for arguments in SHOWN_BY_IP {
        things.insert(format!("ip {arguments}"), told(client, Tool::Ip, arguments)?);
    }
    things.insert("packet filter".to_owned(), told(client, Tool::Nft, "--stateless list ruleset")?);
    things.insert("settings".to_owned(), client.within(|| settings(Path::new("/proc/sys/net"))).join("\n"));
    things.insert("sockets".to_owned(), sockets(client).join("\n"));
    things.insert("processes".to_owned(), processes(client).join("\n"));
    things.insert("files".to_owned(), listing(lab.directory()).join("\n"));
    Ok(things)
}

fn told(node: &Node, tool: Tool, arguments: &str) -> Result<String, String> {
    let program = tool.find().map_err(|error| error.to_string())?;
    let finished = node.command(program).args(arguments.split(' ')).run();
    let finished = finished.map_err(|error| error.to_string())?;
    // Addresses and routes learned by IPv6 have lifetimes, which run.
    let still = |line: &str| !line.contains("valid_lft") || line.contains("forever");
    Ok(finished.stdout.lines().filter(|line| still(line)).collect::<Vec<_>>().join("\n"))
}

/// Every setting that can be read below a directory, with its value.
fn settings(directory: &Path) -> Vec<String> {
    let setting = |path: PathBuf| {
        let value = fs::read_to_string(&path).ok()?;
        Some(format!("{} = {}", path.display(), value.trim()))
    };
    files(directory).into_iter().filter_map(setting).collect()
}

/// Every socket of a node, but servers that listen: one line of the kernel's table each.
fn sockets(node: &Node) -> Vec<String> {
    const LISTENS: &str = "0A";
    let table = |name: &str| {
        let text = node.read(&format!("/proc/net/{name}")).unwrap_or_default();
        let lines = text.lines().skip(1).filter(|line| line.split_whitespace().nth(3) != Some(LISTENS));
        lines.map(|line| format!("{name} {line}")).collect::<Vec<_>>()
    };
    SOCKETS.into_iter().flat_map(table).collect()
}

/// Every process in a node.
fn processes(node: &Node) -> Vec<String> {
    let Ok(here) = node.within(|| fs::read_link("/proc/thread-self/ns/net")) else { return Vec::new() };
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let inside = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| fs::read_link(path.join("ns/net")).is_ok_and(|namespace| namespace == here));
    let name =
        |path: PathBuf| fs::read_to_string(path.join("cmdline")).unwrap_or_default().replace('\0', " ");
    inside.map(name).collect()
}

/// The paths of all files below a directory, in order.
fn listing(directory: &Path) -> Vec<String> {
    files(directory).iter().map(|path| path.display().to_string()).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => paths.extend(files(&entry.path())),
            _ => paths.push(entry.path()),
        }
    }
    paths.sort();
    paths
}

/// Connections that a server still has when its clients had time enough to let go. Those that it has closed
/// itself, and that its kernel forgets in time, do not count.
fn lingering(server: &Node) -> Option<String> {
    const FIN_WAIT2: &str = "05";
    const TIME_WAIT: &str = "06";
    let is_open = |line: &String| {
        let state = line.split_whitespace().nth(4).unwrap_or_default();
        line.starts_with("tcp") && ![FIN_WAIT2, TIME_WAIT].contains(&state)
    };
    let open = || sockets(server).into_iter().filter(is_open).collect::<Vec<_>>();
    let began = Instant::now();
    while !open().is_empty() && began.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
    }
    let left = open();
    (!left.is_empty()).then(|| format!("{} still has\n{}", server.name(), left.join("\n")))
}
