//! A disk that takes nothing, because it is full or because somebody holds it up: probing goes on, what happens is
//! told, and what was lost is counted and shown.

use std::{
    fs,
    io::{self, Write},
    panic::resume_unwind,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use nix::sched::{CloneFlags, unshare};
use reach_core::watch::{Delivery, IncidentId};
use reach_lab::isolated;
use reach_store::{IncidentFilter, Reader};
use rusqlite::Connection;
use serde_json::Value;

use super::{
    doors::{Door, free_port},
    life::LOOPBACK,
    place::{LONG, Place, Watch, goes_on, states, telegram, until},
    telegram_fake::{Message, Telegram},
};

const ADDRESSES: u8 = 8;

/// A watch whose disk will take nothing for a while.
struct Trial<'p> {
    place: &'p Place,
    store: PathBuf,
    doors: Vec<Door>,
    fake: Telegram,
    watch: Watch,
}

impl<'p> Trial<'p> {
    /// All is well, and written. The addresses begin at 127.0.0.`first`.
    fn begin(place: &'p Place, store: &str, first: u8) -> Self {
        let doors: Vec<Door> = (first..first + ADDRESSES).map(Door::new).collect();
        let fake = Telegram::going();
        let addresses: Vec<String> = doors.iter().map(|door| format!("'{}'", door.address)).collect();
        place.configure(&format!(
            "{}open_after = '0s'\nwell_after = '1s'\nrecovered_after = '1s'\n[[target]]\ntargets = [{}]\n\
             [store]\npath = '{store}'\nmost_waiting = 1_000\n{}",
            LOOPBACK.replace("200ms", "50ms"),
            addresses.join(", "),
            telegram(&fake, "ops", "")
        ));
        let watch = place.watch();
        let trial = Self { place, store: place.file(store), doors, fake, watch };
        trial.works();
        trial
    }

    fn works(&self) {
        until("addresses that work", LONG, || {
            (states(&self.place.status()?, "ok") == usize::from(ADDRESSES)).then_some(())
        });
        until("results in the memory", LONG, || self.store_now(|store| store["samples"].as_u64() > Some(0)));
    }

    /// The memory as the watch tells it, once it is so.
    fn store_now(&self, so: impl Fn(&Value) -> bool) -> Option<Value> {
        Some(self.place.status()?["store"].clone()).filter(so)
    }

    fn says(&self, what: &str) -> Message {
        let found = || self.fake.messages().into_iter().find(|message| message.text.contains(what));
        until(what, LONG, found)
    }

    /// The disk takes nothing. An address goes down and comes back, and results are lost.
    fn endure(&self) {
        self.doors[0].set(false);
        let first = self.says("#1·1");
        assert!(!first.silent && first.text.contains(&self.doors[0].address.to_string()), "{}", first.text);
        goes_on(self.place);
        until("losses", LONG, || {
            self.store_now(|store| {
                store["lost_samples"].as_u64() > Some(0) && !store["stuck_since"].is_null()
            })
        });
        self.shows_losses();
        self.doors[0].set(true);
        assert!(self.says("works again").reply_to.is_some());
        goes_on(self.place);
    }

    /// What was lost is shown wherever one looks.
    fn shows_losses(&self) {
        let shown = self.place.reach(&["status"]);
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        for words in
            ["results were lost because the disk did not take them", "the memory takes nothing since"]
        {
            assert!(shown.contains(words), "{shown}");
        }
        let (code, health) = self.place.get("/healthz").expect("an answer");
        let health: Value = serde_json::from_str(&health).expect("JSON");
        // What it is there for it does: that is no reason to restart it.
        assert_eq!(code, 200, "{health}");
        assert!(health["store"]["lost_samples"].as_u64() > Some(0), "{health}");
        assert!(health["store"]["trouble"].is_string(), "{health}");
        let (_, metrics) = self.place.get("/metrics").expect("an answer");
        for name in ["reach_store_lost_samples_total ", "reach_store_stuck_seconds "] {
            let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
            assert!(value > Some(0.0), "{name}: {value:?}");
        }
    }

    /// The disk takes everything again.
    fn goes_well(mut self) {
        until("a memory that works", LONG, || self.store_now(|store| store["stuck_since"].is_null()));
        until("nothing that waits", LONG, || {
            (self.place.status()?["channels"]["ops"]["pending"].as_u64() == Some(0)).then_some(())
        });
        let after = until("a status", LONG, || self.store_now(|_| true));
        let written = until("more results", LONG, || {
            self.store_now(|store| store["samples"].as_u64() > after["samples"].as_u64())
        });
        assert_eq!(written["lost_samples"], after["lost_samples"], "nothing more is lost");
        assert!(after["lost_samples"].as_u64() > Some(0), "and what was is not forgotten");
        self.watch.stop();

        // What had to wait is there, and what was told is known to have been.
        let reader = Reader::open(&self.store).expect("a store");
        assert_eq!(reader.check().expect("readable"), Vec::<String>::new());
        let incidents = reader.incidents(&IncidentFilter::default()).expect("readable");
        assert_eq!(incidents.len(), 1, "{incidents:?}");
        let record = reader.incident(IncidentId(1)).expect("readable").expect("it is there");
        assert_eq!(record.notices.len(), incidents[0].notices as usize);
        assert!(record.notices.len() >= 2, "it opened and it recovered: {:?}", record.notices);
        for row in &record.notices {
            let told = matches!(row.delivery, Delivery::Sent { .. } | Delivery::Merged { .. });
            assert!(told, "{row:?}");
        }
        drop(reader);

        // Another run has nothing to add.
        let before = self.fake.messages().len();
        self.watch = self.place.watch();
        self.works();
        goes_on(self.place);
        assert_eq!(self.fake.messages().len(), before, "{:#?}", self.fake.messages());
        for number in 1..=incidents[0].notices {
            let mark = format!("#1·{number}");
            let told = self.fake.taken().into_iter().filter(|taken| !taken.edit);
            let told =
                told.filter(|taken| taken.text.lines().any(|line| line.split(' ').any(|word| word == mark)));
            assert!(told.count() <= 1, "{mark} came twice: {:#?}", self.fake.taken());
        }
        self.fake.audit();
        self.watch.stop();
    }
}

/// Takes all the room that is left.
fn fill(file: &Path) -> io::Result<()> {
    let mut file = fs::File::create(file)?;
    for size in [65_536, 4_096, 512, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    Ok(())
}

fn mount(arguments: &[&str]) {
    let status = Command::new("mount").args(arguments).status().expect("mount");
    assert!(status.success(), "mount {arguments:?}");
}

#[test]
fn on_a_full_disk_probing_goes_on_and_incidents_are_told_once_and_losses_are_shown() {
    isolated(&[], || {
        let place = Place::new(free_port());
        let disk = place.file("disk");
        fs::create_dir(&disk).expect("a directory");
        let trial = || {
            // What this thread mounts nobody else sees but what it starts.
            unshare(CloneFlags::CLONE_NEWNS).expect("mounts of its own");
            mount(&["--make-rprivate", "/"]);
            mount(&["-t", "tmpfs", "-o", "size=16m", "none", &disk.to_string_lossy()]);
            let trial = Trial::begin(&place, "disk/reach.db", 20);
            let filler = disk.join("filler");
            fill(&filler).expect("a file");
            trial.endure();
            fs::remove_file(filler).expect("it was there");
            trial.goes_well();
        };
        thread::scope(|scope| scope.spawn(trial).join()).unwrap_or_else(|panic| resume_unwind(panic));
    });
}

#[test]
fn behind_a_held_up_disk_probing_goes_on_and_incidents_are_told_once_and_losses_are_shown() {
    let place = Place::new(free_port());
    let trial = Trial::begin(&place, "reach.db", 30);
    let holder = Connection::open(&trial.store).expect("the file");
    let hold = || holder.execute_batch("BEGIN IMMEDIATE");
    // It may be writing just now.
    until("the lock of the file", LONG, || hold().ok());
    trial.endure();
    holder.execute_batch("ROLLBACK").expect("let go");
    drop(holder);
    trial.goes_well();
}
