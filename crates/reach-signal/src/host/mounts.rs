//! File systems: which of the mounts are worth watching, and how full they are.

use std::collections::BTreeSet;

use reach_core::signal::{Gauge, Level};

/// A line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The file system's device: major and minor number.
    pub device: (u32, u32),
    /// Which directory of the file system is mounted; `/` but for bind mounts and subvolumes.
    pub root: String,
    /// Where.
    pub point: String,
    /// The type.
    pub kind: String,
    /// What is mounted: a device, `server:/export`.
    pub from: String,
    /// Nothing can be written here.
    pub read_only: bool,
}

/// The most mounts that are looked at: hosts of containers have thousands.
pub const MOST_MOUNTS: usize = 8_192;

/// Reads `mountinfo`. What is no such line is passed over.
pub fn mounts(text: &str) -> Vec<Mount> {
    text.lines().filter_map(mount).take(MOST_MOUNTS).collect()
}

fn mount(line: &str) -> Option<Mount> {
    let mut columns = line.split(' ');
    let (major, minor) = columns.nth(2)?.split_once(':')?;
    let root = unescape(columns.next()?);
    let point = unescape(columns.next()?);
    let options = columns.next()?;
    // Optional fields, as many as there are, end with a dash.
    columns.find(|&column| column == "-")?;
    let kind = unescape(columns.next()?);
    let from = unescape(columns.next()?);
    let of_file_system = columns.next().unwrap_or("");
    let read_only = [options, of_file_system].iter().any(|all| all.split(',').any(|option| option == "ro"));
    Some(Mount { device: (major.parse().ok()?, minor.parse().ok()?), root, point, kind, from, read_only })
}

/// Space, tab, newline and backslash stand as `\040` and the like.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let octal = bytes.get(at + 1..at + 4).filter(|_| bytes[at] == b'\\').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
            u8::from_str_radix(digits, 8).ok()
        });
        match octal {
            Some(byte) => {
                out.push(byte);
                at += 4;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Mount {
    /// Whether asking for its state may take as long as a server somewhere else likes.
    pub fn is_remote(&self) -> bool {
        const REMOTE: [&str; 22] = [
            "9p",
            "acfs",
            "afs",
            "beegfs",
            "ceph",
            "cifs",
            "coda",
            "gfs2",
            "glusterfs",
            "gpfs",
            "lustre",
            "ncp",
            "ncpfs",
            "nfs",
            "nfs4",
            "ocfs2",
            "orangefs",
            "pvfs2",
            "smb2",
            "smb3",
            "smbfs",
            "virtiofs",
        ];
        // Whatever runs in user space may hang as a server may: sshfs, s3fs, rclone.
        self.kind == "fuse" || self.kind.starts_with("fuse.") || REMOTE.contains(&self.kind.as_str())
    }

    /// Whether it holds what people store, and can fill.
    fn can_fill(&self) -> bool {
        /// Views of the kernel, images that are full by nature, layers that show another file system's state.
        const PSEUDO: [&str; 38] = [
            "autofs",
            "binder",
            "binfmt_misc",
            "bpf",
            "cgroup",
            "cgroup2",
            "configfs",
            "cramfs",
            "debugfs",
            "devpts",
            "devtmpfs",
            "ecryptfs",
            "efivarfs",
            "erofs",
            "functionfs",
            "fuse.gvfsd-fuse",
            "fuse.lxcfs",
            "fuse.portal",
            "fuse.snapfuse",
            "fuse.squashfuse",
            "fusectl",
            "hugetlbfs",
            "iso9660",
            "mqueue",
            "nfsd",
            "nsfs",
            "overlay",
            "proc",
            "pstore",
            "ramfs",
            "resctrl",
            "rootfs",
            "rpc_pipefs",
            "securityfs",
            "selinuxfs",
            "squashfs",
            "sysfs",
            "tracefs",
        ];
        let root_layer = self.kind == "overlay" && self.point == "/";
        !self.read_only && (root_layer || !PSEUDO.contains(&self.kind.as_str())) && self.kind != "udf"
    }
}

/// The mounts to watch: each file system once, at the place where most people look for it. Of bind mounts and
/// subvolumes the one that shows the file system's own root, then the shortest path; of several mounted on the same
/// place the last, which hides the others.
///
/// The root of a container is an overlay, and is watched: there it is all that there is.
pub fn watched(mounts: &[Mount]) -> Vec<Mount> {
    let mut seen_points = BTreeSet::new();
    let mut visible: Vec<&Mount> =
        mounts.iter().rev().filter(|mount| seen_points.insert(mount.point.as_str())).collect();
    visible.retain(|mount| mount.can_fill());
    visible.sort_by_key(|mount| (mount.root != "/", mount.point.len(), mount.point.as_str()));
    let mut seen = BTreeSet::new();
    let mut watched: Vec<Mount> =
        visible.into_iter().filter(|mount| seen.insert(mount.device)).cloned().collect();
    watched.sort_by(|a, b| a.point.cmp(&b.point));
    watched
}

/// What `statvfs(3)` says of a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The unit of the block counts, in bytes.
    pub block: u64,
    /// All blocks.
    pub blocks: u64,
    /// Free ones, those for root among them.
    pub free: u64,
    /// Free ones for everybody.
    pub available: u64,
    /// All inodes; 0 where they are made as they are needed.
    pub inodes: u64,
    /// Free ones for everybody.
    pub inodes_available: u64,
}

impl Room {
    /// Space and inodes as levels. What is kept for root does not count as room, as `df` reckons: full is when an
    /// ordinary program can write no more. Nothing of a file system without size.
    pub fn levels(&self, point: &str) -> Vec<Level> {
        let used = self.blocks.saturating_sub(self.free);
        let space =
            level(Gauge::DiskSpace, point, used, used.saturating_add(self.available), self.block.max(1));
        let used = self.inodes.saturating_sub(self.inodes_available);
        let inodes = level(Gauge::Inodes, point, used, self.inodes, 1);
        space.into_iter().chain(inodes).collect()
    }
}

fn level(gauge: Gauge, of: &str, used: u64, total: u64, unit: u64) -> Option<Level> {
    (total > 0).then(|| Level {
        gauge,
        of: of.to_owned(),
        share: (used as f64 / total as f64).min(1.0),
        used: Some(used.saturating_mul(unit)),
        total: Some(total.saturating_mul(unit)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INFO: &str = r"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw
24 22 0:22 / /run rw,nosuid shared:13 - tmpfs tmpfs rw,size=800k
25 22 7:0 / /snap/core/1 ro,nodev shared:20 - squashfs /dev/loop0 ro
26 22 8:2 / /srv/my\040data rw,noatime shared:21 master:3 - xfs /dev/sda2 rw
27 22 8:2 /sub /var/lib/docker/volumes/x rw - xfs /dev/sda2 rw
28 22 0:40 / /var/lib/docker/overlay2/ab/merged rw - overlay overlay rw,lowerdir=/a
29 22 0:41 / /mnt/nfs rw,relatime shared:30 - nfs4 192.0.2.9:/export rw,vers=4.2
30 22 8:3 / /mnt/archive ro,relatime - ext4 /dev/sda3 rw
31 22 8:4 / /mnt/broken rw,relatime - ext4 /dev/sda4 ro,errors=remount-ro
32 22 0:42 / /mnt/backup rw,nosuid - fuse.sshfs backup@192.0.2.8:/ rw
33 22 8:5 / /hidden rw - ext4 /dev/sda5 rw
34 22 8:6 / /hidden rw - ext4 /dev/sda6 rw
35 22 0:50 /@home /home rw - btrfs /dev/sdb rw,subvol=/@home
36 22 0:50 /@ /a-longer-one rw - btrfs /dev/sdb rw,subvol=/@
37 22 0:60 / /tab\011and\134slash rw - ext4 /dev/sdc rw
nonsense
";

    fn points(text: &str) -> Vec<String> {
        watched(&mounts(text)).into_iter().map(|mount| mount.point).collect()
    }

    #[test]
    fn each_file_system_that_can_fill_is_watched_once() {
        assert_eq!(
            points(INFO),
            ["/", "/hidden", "/home", "/mnt/backup", "/mnt/nfs", "/run", "/srv/my data", "/tab\tand\\slash"]
        );
        let all = mounts(INFO);
        let remote: Vec<&str> =
            all.iter().filter(|mount| mount.is_remote()).map(|mount| mount.kind.as_str()).collect();
        assert_eq!(remote, ["nfs4", "fuse.sshfs"]);
        assert_eq!(
            watched(&all).iter().find(|mount| mount.point == "/hidden").map(|it| it.device),
            Some((8, 6))
        );
    }

    #[test]
    fn the_root_of_a_container_is_watched() {
        assert_eq!(
            points("1 0 0:30 / / rw - overlay overlay rw\n2 1 0:31 / /dev rw - tmpfs tmpfs rw\n"),
            ["/", "/dev"]
        );
    }

    #[test]
    fn room_for_root_alone_is_no_room() {
        let room =
            Room { block: 4096, blocks: 1000, free: 100, available: 50, inodes: 0, inodes_available: 0 };
        let levels = room.levels("/");
        let [space] = &levels[..] else { panic!("inodes that are made as needed have no level: {levels:?}") };
        assert_eq!((space.used, space.total), (Some(900 * 4096), Some(950 * 4096)));
        let full = Room { available: 0, inodes: 10, inodes_available: 0, ..room };
        assert!(full.levels("/").iter().all(|level| level.share == 1.0));
        assert!(Room::default().levels("/").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text: String, room: [u64; 6]) {
            let _ = watched(&mounts(&text));
            let _ = watched(&mounts(&format!("1 2 8:1 {text} - {text}")));
            let _ = unescape(&text);
            let [block, blocks, free, available, inodes, inodes_available] = room;
            for level in (Room { block, blocks, free, available, inodes, inodes_available }).levels("/") {
                prop_assert!((0.0..=1.0).contains(&level.share));
            }
        }

        #[test]
        fn escapes_are_undone(path in "/[a-z \t\\\\é]{0,20}") {
            let escaped = path.replace('\\', r"\134").replace(' ', r"\040").replace('\t', r"\011");
            prop_assert_eq!(unescape(&escaped), path);
        }
    }
}
