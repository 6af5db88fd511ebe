//! Several notices of one incident in one.

use super::thread::is_detail;
use crate::watch::{News, Notice};

/// What is said instead of both: how it is at the time of the newer one, and the weightier news. Rings if either
/// does.
pub(super) fn merge(older: &Notice, newer: &Notice) -> Notice {
    Notice {
        incident: newer.incident.clone(),
        seq: newer.seq,
        at: newer.at,
        news: weightier(&older.news, &newer.news),
        rings: older.rings || newer.rings,
    }
}

fn weightier(older: &News, newer: &News) -> News {
    match (older, newer) {
        (News::Pool { appeared, vanished }, News::Pool { appeared: more, vanished: fewer }) => {
            // What came and went again did neither.
            let came = appeared.difference(fewer).chain(more.difference(vanished)).copied();
            let went = vanished.difference(more).chain(fewer.difference(appeared)).copied();
            News::Pool { appeared: came.collect(), vanished: went.collect() }
        }
        (older, newer) if is_detail(newer) && !is_detail(older) => older.clone(),
        (News::Opened, News::Worsened { .. } | News::Reminder)
        | (News::Relapsed | News::WindowEnded { .. }, News::Worsened { .. } | News::Reminder)
        | (News::Worsened { .. }, News::Worsened { .. } | News::Reminder)
        // Whoever never heard that it had ended hears that it goes on.
        | (News::Opened, News::Relapsed) => older.clone(),
        (_, newer) => newer.clone(),
    }
}
