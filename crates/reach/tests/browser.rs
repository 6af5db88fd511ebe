//! The page, as people use it: a real Chromium in front of a real watch with a year behind it.
//!
//! Pictures of what it shows are kept in `target/tmp/screenshots`, or where `REACH_SCREENSHOTS` says. Where there is no
//! Chromium the tests say so and pass.

#![forbid(unsafe_code)]

#[expect(dead_code, reason = "some of it is for labs side by side")]
#[path = "lab/company.rs"]
mod company;
#[expect(dead_code, reason = "some of it is for the door's own tests")]
#[path = "door/place.rs"]
mod door_place;
#[path = "browser/driver.rs"]
mod driver;
#[expect(dead_code, reason = "some of it is for the channels' own tests")]
#[path = "alert/http_fake.rs"]
mod http_fake;
#[path = "browser/journeys.rs"]
mod journeys;
#[path = "browser/past.rs"]
mod past;
#[expect(dead_code, reason = "some of it is for the watch's own tests")]
#[path = "watch_daemon/place.rs"]
mod place;
#[expect(dead_code, reason = "some of it is for `reach connect` alone")]
#[path = "connect/servers.rs"]
mod servers;
#[expect(dead_code, reason = "some of it is for the channels' own tests")]
#[path = "alert/telegram_fake.rs"]
mod telegram_fake;
