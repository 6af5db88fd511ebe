//! Findings told to a collector of Scouter: a UDP port of the test's own.

use std::{net::UdpSocket, path::Path, time::Duration};

use reach::{
    alert::{
        Postman,
        settings::{ChannelSettings, Place},
    },
    scouter::settings::ScouterSettings,
};
use reach_core::watch::{Delivery, News, OutboxRow, RowId};
use reach_net::drive::Clock;
use reach_signal::scouter::wire::{AlertPack, Pack, packs};
use tokio::runtime::Builder;

use super::{
    postman::{rows_until, wall},
    world::{World, notice, sender, vantage},
};

fn collector() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    socket
}

fn channel(collector: &UdpSocket, more: &str) -> ChannelSettings {
    let to = collector.local_addr().expect("an address");
    let table = format!("name = 'apm'\ntell = '{to}'\n{more}").parse().expect("TOML");
    let place = Place { directory: Path::new("/"), variable: &|_| None };
    let settings = ScouterSettings::read(table, place).unwrap_or_else(|problems| panic!("{problems:?}"));
    settings.channel().expect("a channel")
}

/// The alert of the next datagram, whose object it names besides.
fn alert(collector: &UdpSocket) -> AlertPack {
    let mut buffer = [0; 65_536];
    let length = collector.recv(&mut buffer).expect("a datagram");
    let packs = packs(&buffer[..length]).expect("packs").0;
    let [Pack::Object(object), Pack::Alert(alert)] = packs.as_slice() else { panic!("{packs:#?}") };
    assert_eq!(object.obj_hash, alert.obj_hash);
    assert!(object.obj_name.ends_with("/reach"), "{}", object.obj_name);
    alert.clone()
}

#[test]
fn a_finding_is_an_alert_of_its_gravity_and_its_end_one_for_information() {
    let socket = collector();
    let mut world = World::new(vec![sender(&channel(&socket, ""))]);
    world.say(3, 1, News::Opened);
    world.minutes(1);
    world.settled();
    let opened = alert(&socket);
    assert_eq!(
        (opened.level, opened.title.as_str(), opened.obj_type.as_str()),
        (2, "REACH_DEGRADED", "reach")
    );
    assert!(opened.message.contains("svc3.example:443"), "{}", opened.message);
    world.say(3, 2, News::Recovered);
    world.minutes(1);
    world.settled();
    let over = alert(&socket);
    assert_eq!((over.level, over.title.as_str()), (0, "REACH_RECOVERED"));
}

#[test]
fn what_a_plugin_cannot_write_and_would_not_send_is_left_out() {
    let socket = collector();
    let settings = channel(&socket, "tell_ascii = true\ntell_level = 1");
    let mut world = World::new(vec![sender(&settings)]);
    world.say(3, 1, News::Opened);
    world.say(4, 1, News::Recovered);
    world.minutes(1);
    world.settled();
    for _ in 0..2 {
        let alert = alert(&socket);
        assert!(alert.message.is_ascii() && !alert.message.starts_with('?'), "{}", alert.message);
        assert!(alert.level >= 1);
    }
    let korean = collector();
    let mut world = World::new(vec![sender(&channel(&korean, "tell_lang = 'ko'"))]);
    world.say(3, 1, News::Opened);
    world.minutes(1);
    world.settled();
    assert!(alert(&korean).message.chars().any(|c| ('가'..='힣').contains(&c)));
}

#[test]
fn through_the_outbox_what_nobody_takes_is_tried_again() {
    let socket = collector();
    let to = socket.local_addr().expect("an address");
    let settings = channel(&socket, "");
    drop(socket);
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        let channels = vec![(settings.clone(), sender(&settings))];
        let here = (vantage(), jiff::tz::TimeZone::UTC);
        let (postman, mut from) = Postman::start(channels, (Vec::new(), RowId(1)), here, Clock::start());
        let rows = postman.plan(&notice(1, 1, News::Opened, wall()));
        postman.committed(&rows.iter().map(|row| row.id).collect::<Vec<_>>());
        let failed = |row: &OutboxRow| format!("{row:?}").contains("nobody listens at 127.0.0.1");
        rows_until(&postman, &mut from, failed).await;
        let socket = UdpSocket::bind(to).expect("the same port");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        rows_until(&postman, &mut from, |row| matches!(row.delivery, Delivery::Sent { .. })).await;
        assert_eq!(alert(&socket).title, "REACH_DEGRADED");
    });
}
