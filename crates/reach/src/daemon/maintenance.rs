//! Maintenance windows of the configuration, as silences.

use std::time::Duration;

use reach_core::{
    Time,
    watch::{Order, Silence, SilenceId},
};

use crate::config::watch::WatchConfig;

/// Who makes these silences.
pub(super) const AUTHOR: &str = "configuration";
/// Windows are looked for this far ahead…
const AHEAD: Duration = Duration::from_secs(14 * 86_400);
/// …this often.
const LOOK_EVERY: Duration = Duration::from_secs(86_400);

/// What is to be done so that the silences are those of the configuration, and when to look again.
pub(super) fn orders(
    config: &WatchConfig,
    silences: &[Silence],
    next: &mut SilenceId,
    now: Time,
) -> (Vec<Order>, Time) {
    let mut wanted = Vec::new();
    for one in &config.maintenance {
        let comment = if one.comment.is_empty() { &one.name } else { &one.comment };
        for (matcher, from, until) in one.turns(now, now + AHEAD) {
            wanted.push(Silence {
                id: SilenceId::default(),
                matcher: matcher.clone(),
                from,
                until,
                author: AUTHOR.to_owned(),
                comment: comment.clone(),
                maintenance: true,
            });
        }
    }
    let is_same = |one: &Silence, other: &Silence| {
        (&one.matcher, one.from, one.until) == (&other.matcher, other.from, other.until)
    };
    let mut orders = Vec::new();
    for known in silences.iter().filter(|silence| silence.maintenance) {
        if !wanted.iter().any(|one| is_same(one, known)) && known.until > now {
            orders.push(Order::Expire { silence: known.id, by: AUTHOR.to_owned() });
        }
    }
    for mut silence in wanted {
        if !silences.iter().any(|known| known.maintenance && is_same(known, &silence)) {
            silence.id = *next;
            next.0 += 1;
            orders.push(Order::Silence(silence));
        }
    }
    (orders, now + LOOK_EVERY)
}
