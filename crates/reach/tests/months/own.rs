//! What happens to the host that watches: its network dies, it sleeps, its clock is set.

use reach_core::watch::{AddressState, News, Phase};
use reach_report::Lang;
use reach_sim::Timeline;

use super::{
    network::{HOUR, MINUTE, ROTATES, SECOND, address, addresses, cut_off, dropped, pool},
    watcher::{Watcher, watched},
};

#[test]
fn an_outage_of_our_own_while_one_target_is_down_already() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.fault(HOUR..3 * HOUR, dropped(addresses([3])));
    timeline.fault(90 * MINUTE..110 * MINUTE, cut_off());
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(109 * MINUTE);
    let open = watcher.open();
    assert_eq!(open.len(), 2, "this host, and the target, whose incident is frozen");
    let frozen = open.iter().find(|incident| !incident.members.is_empty()).expect("the target's");
    assert_eq!(frozen.members.len(), 1, "the outage blames no address");
    watcher.until(8 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.telling(|news| *news == News::Opened).len(), 2);
    assert_eq!(watcher.telling(|news| *news == News::Relapsed).len(), 0);
    for incident in watcher.memory().incidents.values() {
        assert!(incident.members.iter().all(|member| member.address == address(3)));
        assert!(matches!(incident.phase, Phase::Closed { .. }));
    }
    let own = watcher.said().iter().find(|said| said.after() > 90 * MINUTE && said.rings()).expect("one");
    let texts = [Lang::En, Lang::Ko].map(|lang| watcher.text(own, lang));
    insta::assert_snapshot!("our_own_outage", texts.join("\n\n----\n\n"));
}

#[test]
fn a_laptop_that_sleeps_for_nine_hours_in_the_middle_of_an_incident() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.fault(HOUR..12 * HOUR, dropped(addresses(3..=8)));
    // The wireless network is not there at once when the lid opens.
    timeline.fault(11 * HOUR..11 * HOUR + 20 * SECOND, cut_off());
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(2 * HOUR).sleep(9 * HOUR).until(18 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.telling(|news| *news == News::Opened).len(), 1);
    let recovered = watcher.telling(|news| *news == News::Recovered);
    assert_eq!(recovered.len(), 1);
    assert!(recovered[0].after() > 12 * HOUR);
    assert_eq!(watcher.rings().len(), 3, "opened, recovered, all clear");
}

#[test]
fn a_laptop_that_sleeps_while_it_recovers() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.fault(HOUR..5 * HOUR, dropped(addresses(3..=8)));
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(2 * HOUR).sleep(9 * HOUR);
    assert_eq!(watcher.telling(|news| *news == News::Recovered).len(), 0, "no data is no recovery");
    watcher.until(11 * HOUR + 4 * MINUTE);
    assert_eq!(watcher.telling(|news| *news == News::Recovered).len(), 0, "five quiet minutes are watched");
    watcher.until(11 * HOUR + 20 * MINUTE);
    assert_eq!(watcher.telling(|news| *news == News::Recovered).len(), 1);
    // Asleep again between recovery and all-clear: the hour is one that was watched.
    watcher.sleep(9 * HOUR);
    watcher.until(20 * HOUR + 40 * MINUTE);
    assert_eq!(watcher.telling(|news| matches!(news, News::AllClear(_))).len(), 0, "{}", watcher.table());
    watcher.until(24 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.telling(|news| matches!(news, News::AllClear(_))).len(), 1);
    assert_eq!(watcher.rings().len(), 3);
}

#[test]
fn a_clock_that_is_set_an_hour_forward_makes_no_alarm_and_no_all_clear() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.fault(2 * HOUR..4 * HOUR, dropped(addresses(3..=8)));
    let mut watcher = Watcher::new(&timeline, vec![watched(1, "push.example", 20 * SECOND)]);
    // While all is well, in the middle of the incident, and between recovery and all-clear.
    watcher.until(30 * MINUTE).sleep(HOUR).until(110 * MINUTE);
    assert_eq!(watcher.said().len(), 0, "{}", watcher.table());
    watcher.until(150 * MINUTE).sleep(HOUR).until(220 * MINUTE);
    let open = watcher.open();
    assert_eq!(open.len(), 1);
    assert!(open[0].members.iter().all(|member| member.state == AddressState::Down));
    watcher.until(4 * HOUR + 10 * MINUTE).sleep(HOUR).until(9 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.rings().len(), 3, "opened, recovered, all clear");
    let clear = watcher.telling(|news| matches!(news, News::AllClear(_)));
    // Six minutes until it is recovered, an hour that is watched, and one that was not.
    assert!(clear[0].after() > 6 * HOUR, "{}", watcher.table());
}
