//! Channels with the others' side made by the tests, on loopback.

#![forbid(unsafe_code)]

#[path = "alert/carriers.rs"]
mod carriers;
#[path = "alert/http_fake.rs"]
mod http_fake;
#[path = "alert/outside.rs"]
mod outside;
#[path = "alert/postman.rs"]
mod postman;
#[path = "connect/relays.rs"]
mod relays;
#[path = "alert/scouter.rs"]
mod scouter;
#[expect(dead_code, reason = "some of it is for `reach connect` alone")]
#[path = "connect/servers.rs"]
mod servers;
#[path = "alert/settings.rs"]
mod settings;
#[path = "alert/smtp_fake.rs"]
mod smtp_fake;
#[path = "alert/telegram.rs"]
mod telegram;
#[path = "alert/telegram_fake.rs"]
mod telegram_fake;
#[path = "alert/world.rs"]
mod world;
