//! Nothing that anybody would have to hear of.

use std::time::Duration;

use reach_core::watch::{News, Watched};
use reach_sim::{
    Timeline,
    description::{Direction, Effect, Fault},
};

use super::{
    network::{DAY, FOUR_BY_CHANCE, HOUR, MINUTE, SECOND, pool},
    watcher::{Watcher, watched},
};

/// A watch that a test can afford for days.
fn seldom(every: Duration) -> Watched {
    let mut target = watched(1, "push.example", every);
    (target.pace.echo_every, target.pace.resolve_every) = (Some(10 * MINUTE), 2 * MINUTE);
    target
}

/// Losses both ways.
fn losing(percent: u8) -> Timeline {
    let mut timeline = Timeline::new(pool(10, FOUR_BY_CHANCE));
    let loss = Fault { direction: Direction::Both, ..Fault::new("fw", Effect::Loss { percent }) };
    timeline.fault(Duration::ZERO..100 * DAY, loss);
    timeline
}

#[test]
fn one_percent_of_loss_for_three_days_rings_nobody() {
    let mut watcher = Watcher::new(&losing(1), vec![seldom(MINUTE)]);
    watcher.until(3 * DAY);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.said().len(), 0);
}

#[test]
fn five_percent_of_loss_for_two_days_rings_nobody() {
    let mut watcher = Watcher::new(&losing(5), vec![seldom(30 * SECOND)]);
    watcher.until(2 * DAY);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.rings().len(), 0);
}

#[test]
fn a_month_in_which_a_pool_of_sixteen_rotates_says_nothing() {
    let mut target = watched(1, "push.example", 5 * MINUTE);
    target.pace.resolve_every = 5 * MINUTE;
    target.pace.echo_every = Some(HOUR);
    let mut watcher = Watcher::new(&Timeline::new(pool(16, FOUR_BY_CHANCE)), vec![target]);
    watcher.until(30 * DAY);
    assert_eq!(watcher.telling(|news| !matches!(news, News::Pool { .. })).len(), 0);
    assert_eq!(watcher.said().len(), 0, "{}", watcher.table());
}
