use proptest::prelude::*;

use super::*;

const LOG: &str = "/var/log/app.log";

/// A pretend directory with files, their names and their inodes, and a reader that does as it is told.
struct World {
    names: BTreeMap<PathBuf, u64>,
    /// Content, whether it is packed, and when it was changed.
    inodes: BTreeMap<u64, (Vec<u8>, bool, u64)>,
    open: BTreeMap<FileId, Open>,
    tracker: Tracker,
    clock: u64,
    lines: u64,
    read: Vec<u8>,
}

struct Open {
    inode: u64,
    ends: bool,
    /// What was read of it, by this run and by those before.
    content: Vec<u8>,
}

impl World {
    fn new(begin: Begin) -> Self {
        let mut world = Self {
            names: BTreeMap::new(),
            inodes: BTreeMap::new(),
            open: BTreeMap::new(),
            tracker: Tracker::new(begin),
            clock: 1_000,
            lines: 0,
            read: Vec::new(),
        };
        world.create(LOG);
        world
    }

    /// The lowest number that is free, as file systems do it.
    fn create(&mut self, name: &str) -> u64 {
        let used = |inode: &u64| self.inodes.contains_key(inode);
        let inode = (1..).find(|inode| !used(inode)).expect("there is one");
        self.inodes.insert(inode, (Vec::new(), false, self.clock));
        self.names.insert(name.into(), inode);
        self.drop_unused();
        inode
    }

    fn drop_unused(&mut self) {
        let held: BTreeSet<u64> =
            self.names.values().copied().chain(self.open.values().map(|open| open.inode)).collect();
        self.inodes.retain(|inode, _| held.contains(inode));
    }

    fn content(&mut self, name: &str) -> &mut Vec<u8> {
        let inode = self.names[Path::new(name)];
        let file = self.inodes.get_mut(&inode).expect("it is there");
        file.2 = self.clock;
        &mut file.0
    }

    fn write(&mut self, count: u64) {
        for _ in 0..count {
            self.lines += 1;
            let line = format!("line {}\n", self.lines);
            self.content(LOG).extend(line.into_bytes());
        }
    }

    /// The rotated files move on by one number, and the last one goes.
    fn shift(&mut self) {
        self.names.remove(Path::new("/var/log/app.log.4.gz"));
        for number in (1..4).rev() {
            for end in ["", ".gz"] {
                if let Some(inode) = self.names.remove(Path::new(&format!("{LOG}.{number}{end}"))) {
                    self.names.insert(format!("{LOG}.{}{end}", number + 1).into(), inode);
                }
            }
        }
        self.drop_unused();
    }

    fn rotate_by_rename(&mut self) {
        self.shift();
        let inode = self.names.remove(Path::new(LOG)).expect("it is there");
        self.names.insert(format!("{LOG}.1").into(), inode);
        self.create(LOG);
    }

    fn rotate_by_copy(&mut self) {
        self.shift();
        let content = self.content(LOG).clone();
        self.create("/var/log/app.log.1");
        *self.content("/var/log/app.log.1") = content;
        self.content(LOG).clear();
    }

    fn compress(&mut self) {
        let name = format!("{LOG}.1");
        if let Some(inode) = self.names.get(Path::new(&name)).copied() {
            let (content, _, changed) = self.inodes[&inode].clone();
            let packed = self.create(&format!("{name}.gz"));
            self.inodes.insert(packed, (content, true, changed));
            self.names.remove(Path::new(&name));
            self.drop_unused();
        }
    }

    fn survey(&mut self) {
        self.clock += 10;
        let looks: BTreeMap<PathBuf, Look> = self
            .names
            .iter()
            .map(|(path, inode)| {
                let (content, is_packed, changed) = &self.inodes[inode];
                let size = if *is_packed { content.len() as u64 / 3 } else { content.len() as u64 };
                let look = Look {
                    id: FileId { device: 1, inode: *inode },
                    size,
                    modified: Time::from_micros(*changed * 1_000_000),
                    is_packed: *is_packed,
                    rotated_from: (path != Path::new(LOG)).then(|| LOG.into()),
                };
                (path.clone(), look)
            })
            .collect();
        let mut contents = Kept(
            self.names.iter().map(|(path, inode)| (path.clone(), self.inodes[inode].0.clone())).collect(),
        );
        let now = Time::from_micros(self.clock * 1_000_000);
        for order in self.tracker.survey(&looks, &BTreeSet::new(), &mut contents, now) {
            match order {
                Order::Read { path, id, from, ends, .. } => {
                    let inode = self.names[&path];
                    assert_eq!(inode, id.inode);
                    let content = self.inodes[&inode].0[..usize::try_from(from).expect("small")].to_vec();
                    self.open.insert(id, Open { inode, ends, content });
                    if ends {
                        self.go_on(id);
                    }
                }
                Order::Release(id) => {
                    self.open.remove(&id);
                }
                Order::Rotated(_) => {}
            }
        }
        self.clock += 1;
        let open: Vec<FileId> = self.open.keys().copied().collect();
        for id in open {
            self.go_on(id);
        }
        self.drop_unused();
    }

    fn go_on(&mut self, id: FileId) {
        let open = self.open.get_mut(&id).expect("it is open");
        // Less than was read: truncated, which the next look tells.
        if let Some(rest) = self.inodes[&open.inode].0.get(open.content.len()..) {
            self.read.extend_from_slice(rest);
            open.content.extend_from_slice(rest);
        }
        let content = &open.content;
        let offset = content.len();
        let head = Mark::of(0, &content[..offset.min(Mark::HEAD)]);
        let tail_from = offset.saturating_sub(Mark::TAIL);
        let tail = Mark::of(tail_from as u64, &content[tail_from..]);
        self.tracker.advanced(id, offset as u64, head, tail);
        if open.ends {
            self.tracker.ended(id);
            self.open.remove(&id);
        }
    }

    fn restart(&mut self) {
        self.open.clear();
        self.drop_unused();
        let places = self.tracker.places().cloned().collect();
        self.tracker = Tracker::resumed(Begin::End, places, self.tracker.known_until());
        self.clock += 1;
    }

    fn numbers(&self) -> Vec<u64> {
        let text = String::from_utf8(self.read.clone()).expect("text");
        // What is torn is a line that nobody wrote.
        let number = |line: &str| line.strip_prefix("line ").and_then(|number| number.parse().ok());
        text.lines().map(|line| number(line).unwrap_or(0)).collect()
    }
}

struct Kept(BTreeMap<PathBuf, Vec<u8>>);

impl Contents for Kept {
    fn hash(&mut self, path: &Path, from: u64, len: u32) -> Option<u64> {
        let from = usize::try_from(from).ok()?;
        self.0.get(path)?.get(from..from + len as usize).map(hash)
    }
}

#[test]
fn reading_begins_at_the_end_unless_somebody_wants_all() {
    for (begin, first) in [(Begin::End, 4), (Begin::Start, 1)] {
        let mut world = World::new(begin);
        world.write(3);
        world.survey();
        world.write(2);
        world.survey();
        assert_eq!(world.numbers(), (first..=5).collect::<Vec<_>>());
    }
}

#[test]
fn what_was_rotated_while_nobody_read_is_caught_up_in_order() {
    let mut world = World::new(Begin::Start);
    world.write(3);
    world.survey();
    world.restart();
    for _ in 0..3 {
        world.clock += 10;
        world.write(200);
        world.rotate_by_rename();
        world.compress();
    }
    world.write(1);
    world.survey();
    assert_eq!(world.numbers(), (1..=604).collect::<Vec<_>>());
}

#[test]
fn a_used_inode_is_another_file() {
    let mut world = World::new(Begin::Start);
    world.write(3);
    world.survey();
    world.restart();
    world.names.clear();
    world.drop_unused();
    world.create(LOG);
    world.write(30);
    world.survey();
    assert_eq!(world.numbers(), (1..=33).collect::<Vec<_>>());
}

#[test]
fn what_is_appended_after_a_rename_is_read() {
    let mut world = World::new(Begin::Start);
    world.write(3);
    world.survey();
    world.rotate_by_rename();
    world.content("/var/log/app.log.1").extend(b"line 77\n");
    world.write(1);
    world.survey();
    let mut numbers = world.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 77]);
}

#[test]
fn a_new_file_that_begins_as_the_old_one_did_is_read() {
    let mut world = World::new(Begin::Start);
    world.content(LOG).extend(b"line 1\n");
    world.survey();
    world.rotate_by_rename();
    world.content(LOG).extend(b"line 1\n");
    world.survey();
    assert_eq!(world.numbers(), [1, 1]);
}

#[test]
fn what_cannot_be_seen_is_not_gone() {
    let mut world = World::new(Begin::Start);
    world.write(3);
    world.survey();
    let hidden = BTreeSet::from([PathBuf::from("/var/log")]);
    for hour in 1..4u64 {
        let now = Time::from_micros(hour * 3_600_000_000);
        let orders = world.tracker.survey(&BTreeMap::new(), &hidden, &mut Kept(BTreeMap::new()), now);
        assert_eq!(orders, []);
    }
    let far = Time::from_micros(20 * 3_600_000_000);
    assert_eq!(world.tracker.survey(&BTreeMap::new(), &BTreeSet::new(), &mut Kept(BTreeMap::new()), far), []);
    let later = far + 2 * LINGER;
    let orders = world.tracker.survey(&BTreeMap::new(), &BTreeSet::new(), &mut Kept(BTreeMap::new()), later);
    assert_eq!(orders, [Order::Release(FileId { device: 1, inode: 1 })]);
}

#[test]
fn rotated_files_are_known_by_their_names() {
    let log = Path::new(LOG);
    for name in [
        "app.log.1",
        "app.log.12.gz",
        "app.log-20240311",
        "app.log-20240311.zst",
        "app.2024-03-11.log",
        "app-2024-03-11-1.log.gz",
        "app.log.gz",
        "app.log.old",
        "app.1.log",
    ] {
        assert!(is_rotated_name(log, &Path::new("/var/log").join(name)), "{name}");
    }
    for name in [
        "app.log",
        "app.log.lock",
        "app2.log",
        "application.log",
        "app-error.log",
        "other.log.1",
        "app.login.1",
    ] {
        assert!(!is_rotated_name(log, &Path::new("/var/log").join(name)), "{name}");
    }
    assert!(!is_rotated_name(log, Path::new("/tmp/app.log.1")));
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Write(u64),
    Rename,
    Copy,
    Compress,
    Restart,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn every_line_is_read_once_whatever_is_done_to_the_file(
        deeds in proptest::collection::vec(
            (prop_oneof![
                4 => (1u64..80).prop_map(Deed::Write),
                2 => Just(Deed::Rename),
                2 => Just(Deed::Copy),
                2 => Just(Deed::Compress),
                1 => Just(Deed::Restart),
            ], any::<bool>()),
            0..40,
        ),
    ) {
        let mut world = World::new(Begin::Start);
        world.write(1);
        world.survey();
        let (mut rotations, mut by_copy) = (0, false);
        for (deed, look) in deeds {
            world.clock += 5;
            match deed {
                Deed::Write(count) => world.write(count),
                // Nobody can read what was rotated out of existence, nor know two empty files apart.
                Deed::Rename | Deed::Copy if rotations >= 2 || world.content(LOG).is_empty() => {}
                // Nobody rotates one file in both ways within one look at it.
                Deed::Rename if rotations > 0 && by_copy => {}
                Deed::Copy if rotations > 0 && !by_copy => {}
                Deed::Rename => {
                    world.rotate_by_rename();
                    (rotations, by_copy) = (rotations + 1, false);
                }
                Deed::Copy => {
                    // Copied and emptied twice between two looks: what the file had in between is in a copy only.
                    world.rotate_by_copy();
                    (rotations, by_copy) = (rotations + 1, true);
                }
                Deed::Compress => world.compress(),
                Deed::Restart => {
                    world.survey();
                    world.restart();
                    rotations = 0;
                }
            }
            if look {
                world.survey();
                rotations = 0;
            }
        }
        world.clock += 5;
        world.survey();
        world.survey();
        let mut numbers = world.numbers();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (1..=world.lines).collect::<Vec<_>>());
    }
}
