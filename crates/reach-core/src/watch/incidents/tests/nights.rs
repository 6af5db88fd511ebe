//! Nights by chance: addresses fail and work again, the host sleeps, is cut off and restarts, and whoever reads the
//! notices is never told what is not so.

use std::time::Duration;

use proptest::prelude::*;

use super::play::{Play, address, at};
use crate::watch::{AddressState, News, Notice, Phase, Rules, Subject};

#[derive(Clone, Copy, Debug)]
enum Turn {
    Fails(u8, bool),
    Leaves(u8),
    Appears(u8),
    Sleeps(u16),
    CutOff(u16),
    Restarts,
}

const ADDRESSES: u8 = 6;

fn turns() -> impl Strategy<Value = Vec<(Turn, u64)>> {
    let turn = prop_oneof![
        5 => (1..=ADDRESSES).prop_map(|last| Turn::Fails(last, true)),
        7 => (1..=ADDRESSES).prop_map(|last| Turn::Fails(last, false)),
        1 => (1..=ADDRESSES).prop_map(Turn::Leaves),
        1 => (1..=ADDRESSES).prop_map(Turn::Appears),
        1 => (30..5_000_u16).prop_map(Turn::Sleeps),
        1 => (30..2_000_u16).prop_map(Turn::CutOff),
        1 => Just(Turn::Restarts),
    ];
    let wait = prop_oneof![5 => 1..200_u64, 4 => 200..1_500_u64, 1 => 1_500..9_000_u64];
    prop::collection::vec((turn, wait), 1..40)
}

fn budget_is_kept(notices: &[Notice]) {
    for (place, notice) in notices.iter().enumerate().filter(|(_, notice)| notice.rings) {
        let before = notices[..place].iter();
        let same = before.filter(|known| known.rings && known.incident.id == notice.incident.id);
        let lately = same.filter(|known| notice.at.since(known.at) < Duration::from_secs(3 * 3_600));
        assert!(lately.count() < 6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_told_what_is_not_so(turns in turns()) {
        let mut play = Play::new(ADDRESSES, Rules::default());
        play.minutes(1);
        let mut settled = play.now;
        let mut heard = 0;
        for (turn, wait) in turns {
            match turn {
                Turn::Fails(last, fails) => play.fails([last], fails),
                Turn::Leaves(last) => play.leaves(last),
                Turn::Appears(last) => play.appears(last, false),
                Turn::Sleeps(seconds) => play.sleep(u64::from(seconds)),
                Turn::CutOff(seconds) => {
                    play.vantage(false);
                    play.run(u64::from(seconds));
                    play.vantage(true);
                }
                Turn::Restarts => play.restart(Vec::new()),
            }
            if matches!(turn, Turn::Sleeps(_) | Turn::CutOff(_) | Turn::Restarts) {
                settled = play.now;
            }
            for _ in 0..wait {
                play.run(1);
                let of_target = |notice: &&Notice| matches!(notice.incident.subject, Subject::Target(_));
                // What is called recovered has not failed for the quiet time.
                for notice in play.notices[heard..].iter().filter(of_target) {
                    if matches!(notice.news, News::Recovered | News::AllClear(_)) {
                        let late = |since: u64| play.now - since > 20;
                        prop_assert!(!play.failing().any(|(_, since)| late(since)), "{:?}", notice.news);
                    }
                    if let Phase::Recovered { since, at: told } = notice.incident.phase
                        && notice.news == News::Recovered
                    {
                        prop_assert!(told.since(since) >= notice.incident.quiet);
                    }
                }
                heard = play.notices.len();
                // What fails for long enough is known to.
                let long = play.failing().filter(|(_, since)| play.now - since.max(&settled) > 75);
                for (failing, _) in long {
                    let open = play.incidents.open().find(|incident| incident.subject != Subject::Vantage);
                    let incident = open.expect("an incident is open");
                    let live = matches!(incident.phase, Phase::Open);
                    let listed = incident.members.iter().any(|member| {
                        member.address == failing && member.state == AddressState::Down
                    });
                    prop_assert!(live && listed, "{failing} fails: {incident:?}");
                }
            }
        }
        budget_is_kept(&play.notices);
        // In the end all is well, and sooner or later that is said.
        for last in 1..=ADDRESSES {
            play.appears(last, false);
        }
        play.minutes(5 * 60);
        prop_assert_eq!(play.incidents.open().count(), 0, "{:?} {:?}", play.said(), play.incidents.open().next());
        prop_assert!(at(play.now) > at(0) && address(1) < address(2));
    }
}
