//! Processes: their descriptors, their names, and which of them has a socket.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use reach_core::signal::{Gauge, Level};
use reach_signal::host::{connects::Owner, gauges};

use super::files::{Roots, text};

/// The most processes that are looked at.
const MOST: usize = 50_000;
/// The most descriptors that are looked at in search of a socket.
const MOST_LINKS: usize = 500_000;

/// The numbers of all processes.
pub(super) fn all(roots: &Roots) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(&roots.proc) else { return Vec::new() };
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let mut processes: Vec<u32> = entries.flatten().filter_map(number).take(MOST).collect();
    processes.sort_unstable();
    processes
}

/// The directory of a process.
pub(super) fn directory(roots: &Roots, process: u32) -> PathBuf {
    roots.proc.join(process.to_string())
}

/// What a process calls itself, without control characters.
pub(super) fn command(directory: &Path) -> Option<String> {
    let text = text(&directory.join("comm"));
    let name: String = text.trim_end_matches('\n').chars().filter(|c| !c.is_control()).take(64).collect();
    (!name.is_empty()).then_some(name)
}

/// The container or unit of a process.
pub(super) fn unit(directory: &Path) -> Option<String> {
    let cgroup = text(&directory.join("cgroup"));
    let old = ["name=systemd", "memory"].iter().find_map(|name| gauges::group_v1(&cgroup, name));
    gauges::group(&cgroup).and_then(gauges::unit).or_else(|| old.and_then(gauges::unit))
}

/// How many of these processes may not be looked into: whose sockets are not seen to be theirs.
pub(super) fn hidden(roots: &Roots, processes: &[u32]) -> u64 {
    let is_hidden = |process: &&u32| {
        let opened = fs::read_dir(directory(roots, **process).join("fd"));
        opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    processes.iter().filter(is_hidden).count() as u64
}

/// The descriptors of the `most` processes that are nearest their limit, of those that use a quarter of it.
pub(super) fn descriptors(roots: &Roots, processes: &[u32], most: usize) -> Vec<Level> {
    const WORTH: f64 = 0.25;
    let mut levels: Vec<Level> = processes.iter().filter_map(|&process| of_process(roots, process)).collect();
    levels.retain(|level| level.share >= WORTH);
    levels.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.of.cmp(&b.of)));
    levels.truncate(most);
    levels
}

fn of_process(roots: &Roots, process: u32) -> Option<Level> {
    let directory = directory(roots, process);
    let open = open_files(&directory)?;
    // Nearly all are far from any limit, and the limits are the dearer file.
    const FEW: u64 = 64;
    if open < FEW {
        return None;
    }
    let limit = gauges::file_limit(&text(&directory.join("limits")))?;
    let of = format!("{}[{process}]", command(&directory)?);
    gauges::level(Gauge::FileDescriptors, &of, open, limit)
}

/// How many descriptors a process has: since Linux 6.2 the size of the directory, which everybody may see; before that
/// its entries, which need the right to look.
fn open_files(directory: &Path) -> Option<u64> {
    let path = directory.join("fd");
    match fs::metadata(&path).ok()?.len() {
        0 => fs::read_dir(&path).ok().map(|entries| entries.count() as u64),
        size => Some(size),
    }
}

/// The sockets that this process has open.
pub(super) fn own_sockets(roots: &Roots) -> BTreeSet<u64> {
    let mut inodes = BTreeSet::new();
    let mut links = MOST_LINKS;
    sockets(&roots.proc.join("self"), &mut links, |inode| {
        inodes.insert(inode);
    });
    inodes
}

/// Whose these sockets are, as far as this process may look: its own user's, or everybody's with `CAP_SYS_PTRACE`.
pub(super) fn owners(roots: &Roots, wanted: &BTreeSet<u64>) -> BTreeMap<u64, Owner> {
    let mut owners = BTreeMap::new();
    let mut links = MOST_LINKS;
    for process in all(roots) {
        if owners.len() >= wanted.len() || links == 0 {
            break;
        }
        let directory = directory(roots, process);
        let mut found = BTreeSet::new();
        sockets(&directory, &mut links, |inode| {
            if wanted.contains(&inode) {
                found.insert(inode);
            }
        });
        if found.is_empty() {
            continue;
        }
        let owner = Owner { process: Some(process), command: command(&directory), unit: unit(&directory) };
        for inode in found {
            // A socket that was handed on to children belongs to the eldest.
            owners.entry(inode).or_insert_with(|| owner.clone());
        }
    }
    owners
}

fn sockets(directory: &Path, links: &mut usize, mut found: impl FnMut(u64)) {
    let Ok(entries) = fs::read_dir(directory.join("fd")) else { return };
    for entry in entries.flatten() {
        if *links == 0 {
            return;
        }
        *links -= 1;
        let Ok(link) = fs::read_link(entry.path()) else { continue };
        let inode =
            link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        if let Some(inode) = inode {
            found(inode);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, os::fd::AsRawFd};

    use super::*;

    #[test]
    fn a_socket_is_found_with_its_process() {
        let roots = Roots::default();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let link = fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd())).expect("a link");
        let inode: u64 =
            link.to_string_lossy().trim_start_matches("socket:[").trim_end_matches(']').parse().expect("one");
        assert!(own_sockets(&roots).contains(&inode));
        let owners = owners(&roots, &BTreeSet::from([inode]));
        assert_eq!(owners.get(&inode).and_then(|owner| owner.process), Some(std::process::id()));
    }

    #[test]
    fn this_process_is_among_all_and_has_descriptors() {
        let roots = Roots::default();
        assert!(all(&roots).contains(&std::process::id()));
        assert!(open_files(&roots.proc.join("self")).is_some_and(|open| open >= 3));
    }
}
