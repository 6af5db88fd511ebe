//! A full disk, and channels that take nothing.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    process::Command,
};

use serde_json::Value;

use super::{
    company::{REACH, tell},
    doors::{Door, free_port},
    http_fake::{Reply, web},
    life::LOOPBACK,
    place::{LONG, Place, Watch, states, telegram, tries, until},
    telegram_fake::Telegram,
};

const QUICK: &str = "open_after = '0s'\nrecovered_after = '1s'\n";

/// Probing goes on, and on time.
fn goes_on(place: &Place) {
    let before = tries(&until("a status", LONG, || place.status()));
    let after = until("more tries", LONG, || place.status().filter(|status| tries(status) > before + 20));
    let lag = after["schedule"]["lag"].as_u64().expect("microseconds");
    assert!(lag < 5_000_000, "{lag} µs late");
}

#[test]
fn channels_that_are_stuck_or_refuse_hold_up_neither_probing_nor_each_other() {
    let place = Place::new(free_port());
    let doors = [Door::new(5), Door::new(6)];
    let fake = Telegram::going();
    let (silent, asked) = web(|_| Reply::Silence);
    let (refusing, _) = web(|_| {
        let body = r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#;
        Reply::Answer(401, vec![("content-type", "application/json".to_owned())], body.to_owned())
    });
    let other = |name: &str, address| {
        telegram(&fake, name, "fallback = 'ops'\ntimeout = '2s'")
            .replace(&fake.url(), &format!("http://{address}"))
    };
    place.configure(&format!(
        "{LOOPBACK}{QUICK}[[target]]\ntargets = ['{}', '{}']\n{}{}{}",
        doors[0].address,
        doors[1].address,
        // It is told of nothing by itself.
        telegram(&fake, "ops", "target = 'nobody'"),
        other("stuck", silent),
        other("refusing", refusing),
    ));
    let watch = place.watch();
    until("two that work", LONG, || place.status().filter(|status| states(status, "ok") == 2));
    doors[0].set(false);
    let told = until("the message of the one that refuses", LONG, || fake.messages().first().cloned());
    assert!(told.text.contains("refusing") && told.text.contains("#1·"), "{}", told.text);
    until("one that waits", LONG, || (!asked.lock().expect("a log").is_empty()).then_some(()));
    goes_on(&place);
    let status = place.status().expect("a status");
    assert!(status["channels"]["stuck"]["pending"].as_u64() >= Some(1), "{}", status["channels"]);
    assert!(!status["channels"]["refusing"]["broken_since"].is_null(), "{}", status["channels"]);
    assert!(!status.to_string().contains(super::telegram_fake::TOKEN));
    assert!(!watch.log().contains(super::telegram_fake::TOKEN), "{}", watch.log());
    watch.stop();
}

/// How a program gets mounts of its own here, if it does.
fn apart() -> Option<&'static str> {
    ["-m", "-Urm"].into_iter().find(|flags| {
        let script = "mount -t tmpfs none /mnt";
        let tried = Command::new("unshare").args([flags, "sh", "-c", script]).output();
        tried.is_ok_and(|output| output.status.success())
    })
}

/// Takes all the room that is left.
fn fill(file: &Path) -> io::Result<()> {
    let mut file = fs::File::create(file)?;
    for size in [65_536, 4_096, 512, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    Ok(())
}

#[test]
fn on_a_full_disk_probing_goes_on_and_incidents_are_told() {
    let Some(flags) = apart() else {
        tell("SKIPPED: a full disk needs a mount namespace");
        return;
    };
    let place = Place::new(free_port());
    let doors = [Door::new(7), Door::new(8)];
    let fake = Telegram::going();
    fs::create_dir(place.file("disk")).expect("a directory");
    place.configure(&format!(
        "{LOOPBACK}{QUICK}[[target]]\ntargets = ['{}', '{}']\n[store]\npath = 'disk/reach.db'\n{}",
        doors[0].address,
        doors[1].address,
        telegram(&fake, "ops", "")
    ));
    let disk = place.file("disk");
    let script = format!(
        "mount -t tmpfs -o size=3m none {disk} && exec {REACH} watch --config {config}",
        disk = disk.display(),
        config = place.config().display()
    );
    let watch =
        Watch::start(Command::new("unshare").args([flags, "sh", "-c", &script]), disk.parent().expect("one"));
    until("two that work", LONG, || place.status().filter(|status| states(status, "ok") == 2));
    let filler = Path::new("/proc")
        .join(watch.id().to_string())
        .join("root")
        .join(disk.join("filler").strip_prefix("/").expect("absolute"));
    if let Err(error) = fill(&filler) {
        tell(&format!("SKIPPED: the disk of the watch cannot be filled: {error}"));
        return;
    }
    doors[0].set(false);
    let told = until("the message", LONG, || fake.messages().first().cloned());
    assert!(told.text.contains("#1·1"), "{}", told.text);
    goes_on(&place);
    let shown = place.reach(&["status"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("127.0.0.7"), "{shown}");

    fs::remove_file(&filler).expect("it was there");
    until("a memory that works again", LONG, || {
        let store: Value = place.status()?["store"].clone();
        store["stuck_since"].is_null().then_some(())
    });
    until("nothing that waits", LONG, || {
        (place.status()?["channels"]["ops"]["pending"].as_u64() == Some(0)).then_some(())
    });
    watch.stop();
}
