//! `reach watch` as it is installed: the real program with its threads, files, sockets and signals, in networks that
//! the kernel plays or on loopback, and with an outside world that does what it can to stop it.
//!
//! `REACH_LAB_REQUIRED=1` makes it a failure if no network can be built; `REACH_KILLS=200` kills oftener.

#![forbid(unsafe_code)]

#[path = "watch_daemon/apm.rs"]
mod apm;
#[path = "lab/company.rs"]
mod company;
#[path = "watch_daemon/disk.rs"]
mod disk;
#[path = "watch_daemon/doors.rs"]
mod doors;
#[path = "alert/http_fake.rs"]
mod http_fake;
#[path = "watch_daemon/kills.rs"]
mod kills;
#[path = "watch_daemon/life.rs"]
mod life;
#[path = "watch_daemon/own.rs"]
mod own;
#[path = "watch_daemon/place.rs"]
mod place;
#[expect(dead_code, reason = "some of it is for `reach connect` alone")]
#[path = "connect/servers.rs"]
mod servers;
#[path = "watch_daemon/steering.rs"]
mod steering;
#[path = "watch_daemon/story.rs"]
mod story;
#[expect(dead_code, reason = "some of it is for the channels' own tests")]
#[path = "alert/telegram_fake.rs"]
mod telegram_fake;
#[path = "watch_daemon/terminal.rs"]
mod terminal;
#[path = "watch_daemon/trouble.rs"]
mod trouble;
