//! Channels that take nothing.

use super::{
    doors::{Door, free_port},
    http_fake::{Reply, web},
    life::LOOPBACK,
    place::{LONG, Place, goes_on, states, telegram, until},
    telegram_fake::Telegram,
};

const QUICK: &str = "open_after = '0s'\nrecovered_after = '1s'\n";

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
