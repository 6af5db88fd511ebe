//! What happens to the host that watches: its network dies, it sleeps, its clock is set.

use reach_core::watch::{AddressState, Cause, News, Phase, Subject};
use reach_report::Lang;
use reach_sim::Timeline;

use super::{
    network::{
        HOUR, MINUTE, ROTATES, SECOND, address, addresses, cached, cut_off, cut_off_beyond, dropped, pool,
    },
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

#[test]
fn a_clock_that_is_set_five_hours_forward_and_back_again_in_the_middle_of_an_incident() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.fault(HOUR..20 * HOUR, dropped(addresses(3..=8)));
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    // Two hours in, somebody sets it wrong; an hour later the host is started anew with the right time.
    watcher.until(3 * HOUR).sleep(5 * HOUR).until(9 * HOUR).set_back(5 * HOUR).until(24 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.telling(|news| *news == News::Opened).len(), 1);
    let recovered = watcher.telling(|news| *news == News::Recovered);
    assert_eq!(recovered.len(), 1);
    assert!(recovered[0].after() > 20 * HOUR);
    assert_eq!(watcher.rings().len(), 3, "opened, recovered, all clear");
    let texts = [Lang::En, Lang::Ko].map(|lang| watcher.text(recovered[0], lang));
    insta::assert_snapshot!("how_long_it_lasted", texts.join("\n\n----\n\n"));
}

#[test]
fn a_clock_that_was_set_back_while_all_was_well_and_while_it_recovered() {
    let mut timeline = Timeline::new(pool(16, ROTATES));
    timeline.fault(5 * HOUR..8 * HOUR, dropped(addresses(3..=8)));
    let mut watcher = Watcher::of_push(&timeline, 20 * SECOND);
    watcher.until(4 * HOUR).set_back(2 * HOUR).until(4 * HOUR + 50 * MINUTE);
    assert_eq!(watcher.said().len(), 0, "{}", watcher.table());
    watcher.until(8 * HOUR + 30 * MINUTE);
    assert_eq!(watcher.telling(|news| *news == News::Recovered).len(), 1);
    // The all-clear needs an hour that is watched, whatever the clock says.
    watcher.set_back(20 * MINUTE).until(9 * HOUR);
    assert_eq!(watcher.telling(|news| matches!(news, News::AllClear(_))).len(), 0);
    watcher.until(12 * HOUR);
    insta::assert_snapshot!(watcher.table());
    assert_eq!(watcher.rings().len(), 3, "opened, recovered, all clear");
}

#[test]
fn a_line_that_is_cut_behind_the_router_is_one_incident_though_a_cache_goes_on_answering() {
    for on_this_host in [true, false] {
        let mut timeline = Timeline::new(cached(on_this_host));
        timeline.fault(100 * MINUTE..120 * MINUTE, cut_off_beyond());
        let targets = vec![watched(1, "push.example", 20 * SECOND), watched(2, "mail.example", 20 * SECOND)];
        let mut watcher = Watcher::with_references(&timeline, targets, Vec::new());
        watcher.until(119 * MINUTE);
        let open = watcher.open();
        assert!(open.len() == 1 && open[0].subject == Subject::Vantage, "{}", watcher.table());
        let Cause::Offline { silent, near } = &open[0].causes[0] else { panic!("{:?}", open[0].causes) };
        assert!(!silent.is_empty() && near.len() == 1, "{silent:?} {near:?}");
        watcher.until(6 * HOUR);
        let first = watcher.text(watcher.rings()[0], Lang::En);
        assert!(first.contains("perhaps from its cache") && first.contains("cannot be told from"), "{first}");
        assert_eq!(watcher.memory().incidents.len(), 1);
        assert_eq!(watcher.rings().len(), 2, "cut off, and connected again");
    }
}

#[test]
fn one_target_that_fails_alone_is_not_this_hosts_line() {
    // Its router answers no echo request, and never did.
    let mut timeline = Timeline::new(cached(false));
    timeline.fault(100 * MINUTE..120 * MINUTE, cut_off_beyond());
    let targets = vec![watched(1, "push.example", 20 * SECOND)];
    let mut watcher = Watcher::with_references(&timeline, targets, Vec::new());
    watcher.until(119 * MINUTE);
    let open = watcher.open();
    assert!(open.len() == 1 && open[0].members.len() == 4, "{}", watcher.table());
}
