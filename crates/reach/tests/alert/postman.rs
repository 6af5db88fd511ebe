//! The postman between the courier and the channels.

use std::time::Duration;

use reach::alert::{FromPostman, Postman};
use reach_core::{
    Time,
    watch::{Delivery, News, OutboxRow, RowId},
};
use reach_net::drive::Clock;
use tokio::{runtime::Builder, sync::mpsc::UnboundedReceiver};

use super::{
    http_fake::{Reply, web},
    world::{notice, sender, settings, vantage},
};

pub(super) fn wall() -> Time {
    Clock::start().now()
}

fn hook(name: &str, url: &str) -> String {
    format!("name = '{name}'\nkind = 'webhook'\nurl = '{url}'")
}

/// Starts with these channels.
fn start(tables: &[String], kept: Vec<OutboxRow>) -> (Postman, UnboundedReceiver<FromPostman>) {
    let channels = tables.iter().map(|table| settings(table)).map(|settings| {
        let sender = sender(&settings);
        (settings, sender)
    });
    Postman::start(channels.collect(), (kept, RowId(1)), (vantage(), jiff::tz::TimeZone::UTC), Clock::start())
}

/// Writes what is to be written, until there is such a row.
pub(super) async fn rows_until(
    postman: &Postman,
    from: &mut UnboundedReceiver<FromPostman>,
    done: impl Fn(&OutboxRow) -> bool,
) -> Vec<OutboxRow> {
    let mut seen = Vec::new();
    let wait = async {
        while !seen.iter().any(&done) {
            if let Some(FromPostman::Rows(rows)) = from.recv().await {
                postman.committed(&rows.iter().map(|row| row.id).collect::<Vec<_>>());
                seen.extend(rows);
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("in the end");
    seen
}

#[test]
fn a_channel_that_hangs_delays_no_other() {
    let (silent, _) = web(|_| Reply::Silence);
    let (good, log) = web(|_| Reply::status(200));
    let tables = [hook("a", &format!("http://{silent}/")), hook("b", &format!("http://{good}/"))];
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        let (postman, mut from) = start(&tables, Vec::new());
        let rows = postman.plan(&notice(1, 1, News::Opened, wall()));
        assert_eq!(rows.len(), 2);
        postman.committed(&rows.iter().map(|row| row.id).collect::<Vec<_>>());
        let sent = |row: &OutboxRow| row.channel == "b" && matches!(row.delivery, Delivery::Sent { .. });
        let seen = rows_until(&postman, &mut from, sent).await;
        assert!(seen.iter().all(|row| row.channel == "b" || row.delivery == Delivery::Sending), "{seen:?}");
        assert_eq!((postman.status()["a"].pending, postman.status()["b"].pending), (1, 0));
    });
    assert_eq!(log.lock().expect("a log").len(), 1);
}

#[test]
fn what_an_earlier_run_left_is_delivered_and_other_channels_take_over() {
    let (good, log) = web(|_| Reply::status(200));
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        let (postman, from) = start(&[hook("a", "http://192.0.2.1:1/")], Vec::new());
        let kept = postman.plan(&notice(1, 1, News::Opened, wall()));
        drop((postman, from));

        let (postman, mut from) = start(&[hook("a", &format!("http://{good}/"))], kept);
        let sent = |row: &OutboxRow| matches!(row.delivery, Delivery::Sent { .. });
        rows_until(&postman, &mut from, sent).await;
        let table = settings(&hook("b", &format!("http://{good}/")));
        let ready = sender(&table);
        postman.reload(vec![(table, ready)]);
        let rows = postman.plan(&notice(2, 1, News::Opened, wall()));
        assert_eq!((rows.len(), rows[0].channel.as_str(), rows[0].id), (1, "b", RowId(2)));
        postman.committed(&[rows[0].id]);
        rows_until(&postman, &mut from, |row| row.channel == "b" && sent(row)).await;
    });
    let keys: Vec<Option<String>> =
        log.lock().expect("a log").iter().map(|request| request.field("idempotency-key")).collect();
    assert_eq!(keys, [Some("web01/a/1".to_owned()), Some("web01/b/2".to_owned())]);
}
