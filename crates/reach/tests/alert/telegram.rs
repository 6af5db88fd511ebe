//! Telegram.

use std::time::{Duration, Instant};

use reach::alert::{FromPostman, Postman, Sender};
use reach_core::watch::{Acknowledged, Gravity, IncidentId, News, Order, RowId};
use serde_json::Value;

use super::{
    http_fake::{Reply, web},
    postman::wall,
    telegram_fake::{CHAT, Fault, TOKEN, Telegram},
    world::{World, notice, sender, settings, vantage},
};

fn channel(api: &str, more: &str) -> Sender {
    sender(&settings(&table(api, more)))
}

fn table(api: &str, more: &str) -> String {
    format!("name = 'ops'\nkind = 'telegram'\ntoken = '{TOKEN}'\nchat = {CHAT}\napi_url = '{api}'\n{more}")
}

fn world(telegram: &Telegram) -> World {
    World::new(vec![channel(&telegram.url(), "")]).with_clock(telegram.clock.clone())
}

#[test]
fn an_incident_is_one_message_that_changes_with_its_follow_ups_below() {
    let telegram = Telegram::start();
    let mut world = world(&telegram);
    for (seq, news) in [
        (1, News::Opened),
        (2, News::Updated),
        (3, News::Reminder),
        (4, News::Worsened { from: Gravity::Warning }),
        (5, News::Recovered),
    ] {
        world.say(7, seq, news);
        world.minutes(1);
        if seq == 2 {
            let buttons = telegram.messages()[0].keyboard["inline_keyboard"][0].clone();
            let data = (&buttons[0]["callback_data"], &buttons[1]["callback_data"]);
            assert_eq!(data, (&"ack:7".into(), &"mute:7".into()));
        }
    }
    world.settled();
    telegram.audit();
    let messages = telegram.messages();
    let shape: Vec<_> =
        messages.iter().map(|message| (message.reply_to, message.silent, message.edits)).collect();
    assert_eq!(shape, [(None, false, 1), (Some(101), true, 0), (Some(101), false, 0), (Some(101), false, 0)]);
    assert_eq!(messages[3].keyboard, Value::Null, "nothing is to be done about what is over");
    assert!(
        messages[0].text.contains("#7·2") && messages[0].text.contains("2 of 10 addresses"),
        "{messages:?}"
    );
}

#[test]
fn buttons_say_who_takes_care_and_go_when_it_is_over() {
    let telegram = Telegram::start();
    let mut world = world(&telegram);
    world.say(7, 1, News::Opened);
    world.minutes(1);
    world.say(7, 2, News::Reminder);
    world.minutes(1);
    let offers = ["I take care of it", "Mute for 1 h"];
    assert!(telegram.messages().iter().all(|message| message.buttons() == offers));

    let mut taken = notice(7, 3, News::Acknowledged, world.now);
    let by = "<b>kim</b>\u{202e}".to_owned();
    taken.incident.acknowledged = Some(Acknowledged { by, at: world.now });
    // Busy for a moment, and then the answer gets lost.
    telegram.fail([Fault::None, Fault::TooMany(9), Fault::TakenInSilence]);
    world.tell(&taken);
    world.minutes(2);
    let messages = telegram.messages();
    for message in &messages {
        let buttons = message.buttons();
        assert!(buttons[0].starts_with("✔ <b>kim</b>") && !buttons[0].contains('\u{202e}'), "{buttons:?}");
        assert_eq!(buttons[1], "Mute for 1 h");
        assert!(message.keyboard.to_string().contains("taken:7"));
    }
    assert_eq!((messages[0].edits, messages[0].rekeyed, messages[1].rekeyed), (1, 0, 1));

    world.say(7, 4, News::Recovered);
    world.minutes(2);
    world.settled();
    telegram.audit();
    let messages = telegram.messages();
    assert!(messages.iter().all(|message| message.buttons().is_empty()), "{messages:?}");
    assert_eq!(messages.len(), 3, "nothing was said again for the sake of buttons");
}

#[test]
fn a_topic_of_a_forum_is_where_it_is_said() {
    let telegram = Telegram::start();
    let mut world = World::new(vec![channel(&telegram.url(), "thread = 42\nbuttons = false")]);
    world.say(1, 1, News::Opened);
    world.minutes(1);
    let messages = telegram.messages();
    assert_eq!((messages[0].thread, &messages[0].keyboard), (Some(42), &Value::Null));
}

#[test]
fn whatever_goes_wrong_once_everything_is_said_once_in_the_end() {
    for fault in [
        Fault::TooMany(33),
        Fault::Status(500),
        Fault::Status(502),
        Fault::Moved(-1_009_999),
        Fault::Entities,
        Fault::TooLong,
        Fault::Kicked,
        Fault::BlockPage,
        Fault::Reset,
    ] {
        let telegram = Telegram::start();
        telegram.fail([fault]);
        let mut world = world(&telegram);
        world.say(1, 1, News::Opened);
        world.minutes(10);
        world.settled();
        telegram.audit();
        assert_eq!(telegram.messages().len(), 1, "{fault:?}: {:?}", world.told);
        assert_eq!(world.courier.status()["ops"].broken_since, None, "{fault:?}");
    }
}

#[test]
fn a_message_whose_answer_got_lost_comes_again_and_says_so() {
    let telegram = Telegram::start();
    telegram.fail([Fault::TakenInSilence]);
    let mut world = world(&telegram);
    world.say(1, 1, News::Opened);
    world.minutes(1);
    world.settled();
    assert_eq!(world.reports(), ["Unknown", "Sent"]);
    let messages = telegram.messages();
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|message| message.text.contains("#1·1")), "{messages:?}");
    assert!(messages[1].text.contains("may have come before"), "{messages:?}");

    // To change a message twice harms nobody: the second time nothing is left to change.
    telegram.fail([Fault::TakenInSilence]);
    world.say(1, 2, News::Updated);
    world.minutes(1);
    world.settled();
    assert_eq!(telegram.messages().len(), 2);
    telegram.audit();
}

#[test]
fn a_message_that_somebody_deleted_is_said_anew_without_a_sound() {
    let telegram = Telegram::start();
    let mut world = world(&telegram);
    world.say(1, 1, News::Opened);
    world.minutes(1);
    telegram.delete(101);
    world.say(1, 2, News::Updated);
    world.minutes(1);
    world.settled();
    let messages = telegram.messages();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].silent && messages[0].text.contains("#1·2"), "{messages:?}");
}

#[test]
fn a_storm_is_a_digest_and_no_limit_is_reached() {
    let telegram = Telegram::start();
    telegram.fail([Fault::TooMany(7)]);
    let mut world = world(&telegram);
    for id in 1..=40 {
        world.say(id, 1, News::Opened);
    }
    world.minutes(2);
    for id in 1..=40 {
        world.say(id, 2, News::Recovered);
        world.run(Duration::from_millis(200));
    }
    world.minutes(10);
    world.settled();
    telegram.audit();
    let messages = telegram.messages();
    assert!(messages.len() < 20, "{}", messages.len());
    for id in 1..=40 {
        let name = format!("svc{id}.example");
        assert!(messages.iter().filter(|message| message.text.contains(&name)).count() >= 2, "{name}");
    }
}

#[test]
fn a_bot_that_was_thrown_out_gives_its_messages_to_the_fallback() {
    let telegram = Telegram::start();
    telegram.fail([Fault::Kicked, Fault::Kicked]);
    let (hook, log) = web(|_| Reply::status(200));
    let fallback = format!("name = 'hook'\nkind = 'webhook'\nurl = 'http://{hook}/x'\nleast = 'critical'");
    let mut world =
        World::new(vec![channel(&telegram.url(), "fallback = 'hook'"), sender(&settings(&fallback))]);
    world.say(1, 1, News::Opened);
    world.minutes(1);
    world.settled();
    let asked = log.lock().expect("a log");
    assert_eq!(asked.len(), 1);
    let instead = &asked[0].json()["notices"][0]["instead_of"];
    assert_eq!(instead["channel"], "ops");
    assert!(instead["trouble"].as_str().is_some_and(|text| text.contains("kicked")), "{instead}");
    assert!(world.courier.status()["ops"].broken_since.is_some());
}

#[test]
fn no_error_has_the_token() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("bound")
    };
    let (garbage, _) = web(|_| Reply::Answer(200, Vec::new(), "<html>".to_owned()));
    let (resets, _) = web(|_| Reply::Reset);
    let (silent, _) = web(|_| Reply::Silence);
    let (moved, _) =
        web(|_| Reply::Answer(302, vec![("location", "http://192.0.2.1/".to_owned())], String::new()));
    for (address, report) in [
        (nobody, "Failed"),
        (garbage, "Unknown"),
        (resets, "Unknown"),
        (silent, "Unknown"),
        (moved, "Failed"),
    ] {
        let settings = settings(&table(&format!("http://{address}"), ""));
        assert!(!format!("{settings:?}").contains("strict_Fake"));
        let mut world = World::new(vec![sender(&settings)]);
        world.say(1, 1, News::Opened);
        world.run(Duration::from_millis(500));
        assert_eq!(world.reports()[0], report, "{:?}", world.told);
        let shown = format!("{:?} {:?} {:?}", world.told, world.rows, world.courier.status());
        assert!(!shown.contains("strict_Fake"), "{shown}");
    }
}

#[test]
fn a_pressed_button_is_an_order_if_it_is_ours() {
    let telegram = Telegram::going();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let settings = settings(&table(&telegram.url(), "lang = 'ko'"));
        let ready = sender(&settings);
        let (postman, mut from) = Postman::start(
            vec![(settings, ready)],
            (Vec::new(), RowId(1)),
            (vantage(), jiff::tz::TimeZone::UTC),
            reach_net::drive::Clock::start(),
        );
        let rows: Vec<RowId> =
            postman.plan(&notice(7, 1, News::Opened, wall())).iter().map(|row| row.id).collect();
        postman.committed(&rows);
        // Its button outlived the incident.
        telegram.press_below(17, 50, CHAT, "ack:8");
        telegram.press(51, -5, "ack:7");
        telegram.press(52, CHAT, "ack:7");
        telegram.press(53, CHAT, "mute:7");
        let mut orders = Vec::new();
        let mut sent = false;
        let deadline = Instant::now() + Duration::from_secs(60);
        while (orders.len() < 2 || !sent) && Instant::now() < deadline {
            match from.recv().await.expect("it lives") {
                FromPostman::Order(order) => orders.push(order),
                FromPostman::Rows(rows) => {
                    postman.committed(&rows.iter().map(|row| row.id).collect::<Vec<_>>());
                    sent |= rows.iter().any(|row| !row.delivery.is_pending());
                }
            }
        }
        assert!(postman.settle(Duration::from_secs(60)).await);
        let by = "@kim".to_owned();
        assert_eq!(orders[0], Order::Acknowledge { incident: IncidentId(7), by });
        assert!(matches!(&orders[1], Order::Mute { incident: IncidentId(7), .. }), "{orders:?}");
        assert_eq!((orders.len(), postman.status()["ops"].sent), (2, 1));
        // The one that is not there is answered, the one from elsewhere is not.
        let answered: Vec<Value> =
            telegram.answered().iter().map(|answer| answer["callback_query_id"].clone()).collect();
        assert!(answered.starts_with(&["q50".into(), "q52".into()]), "{answered:?}");
        assert_eq!(telegram.rekeyed_in_vain(), [17], "that button goes, and no other");
    });
    let taken = telegram.taken();
    assert!(taken.len() == 1 && !taken[0].edit && taken[0].under.is_empty(), "{taken:?}");
    assert!(taken[0].text.contains("#7·1"), "{taken:?}");
    telegram.audit();
}
