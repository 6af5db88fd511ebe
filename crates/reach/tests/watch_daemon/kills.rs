//! `kill -9` at any moment: nothing that was told is forgotten, nothing that was to be told is lost, and what is told
//! twice says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use reach_core::{
    stats::split_mix,
    watch::{Delivery, News},
};
use reach_store::IncidentFilter;

use super::{
    company::tell,
    doors::{Door, free_port},
    http_fake::{Log, Reply, web},
    life::LOOPBACK,
    place::{LONG, Place, until},
};

const USUAL_KILLS: u64 = 12;

/// What a webhook was told: incident, number, whether it said that it may have come before.
fn heard(log: &Log) -> Vec<(u64, u64, bool)> {
    let log = log.lock().expect("a log");
    let notices =
        log.iter().flat_map(|request| request.json()["notices"].as_array().cloned().unwrap_or_default());
    let one = |notice: serde_json::Value| {
        let number = |key: &str| notice[key].as_u64().expect("a number");
        (number("incident"), number("seq"), notice["again"] == true)
    };
    notices.map(one).collect()
}

#[test]
fn killed_at_any_moment_it_forgets_nothing_and_loses_no_message() {
    let kills = env::var("REACH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL_KILLS);
    let seed = env::var("REACH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(17);
    tell(&format!("{kills} kills, seed {seed}"));
    let mut dice = seed;
    let mut roll = move |sides: u64| {
        dice = split_mix(dice);
        dice % sides
    };
    let place = Place::new(free_port());
    let doors: Vec<Door> = (10..16).map(Door::new).collect();
    // Slow enough to be killed in the middle.
    let (hook, log) = web(|request| {
        thread::sleep(Duration::from_millis(request.body.len() as u64 % 300));
        Reply::status(200)
    });
    let addresses: Vec<String> = doors.iter().map(|door| format!("'{}'", door.address)).collect();
    place.configure(&format!(
        "{LOOPBACK}open_after = '0s'\nrecovered_after = '1s'\nclear_after = '1s'\n\
         failure_share = {{ threshold = '5%', window = '10s', least = 5 }}\n\
         [[target]]\ntargets = [{}]\n[[channel]]\nname = 'hook'\nkind = 'webhook'\nurl = 'http://{hook}/'\n",
        addresses.join(", ")
    ));
    for kill in 0..kills {
        let mut watch = place.watch();
        until("a status", LONG, || {
            assert!(watch.is_running(), "{}", watch.log());
            place.status()
        });
        let end = Instant::now() + Duration::from_millis(300 + roll(4_500));
        while Instant::now() < end {
            // The first one stays open.
            let door = 1 + usize::try_from(roll(doors.len() as u64 - 1)).expect("few");
            doors[door].set(roll(5) > 1);
            thread::sleep(Duration::from_millis(50 + roll(400)));
        }
        watch.signal(Signal::SIGKILL);
        watch.ended();
        let reader = place.reader();
        assert_eq!(reader.check().expect("readable"), Vec::<String>::new(), "kill {kill}");
        for (incident, seq) in
            heard(&log).into_iter().map(|(incident, seq, _)| (incident, seq)).collect::<BTreeSet<_>>()
        {
            let record = reader.incident(reach_core::watch::IncidentId(incident)).expect("readable");
            let record = record
                .unwrap_or_else(|| panic!("kill {kill}: incident {incident} was told and is forgotten"));
            let known = record.notices.iter().any(|row| u64::from(row.notice.seq) == seq);
            assert!(known, "kill {kill}: #{incident}·{seq} was told and is forgotten");
        }
    }
    doors.iter().for_each(|door| door.set(true));
    let watch = place.watch();
    until("nothing that waits", LONG, || {
        (place.status()?["channels"]["hook"]["pending"].as_u64() == Some(0)).then_some(())
    });
    watch.stop();

    let reader = place.reader();
    let incidents = reader.incidents(&IncidentFilter::default()).expect("readable");
    let heard = heard(&log);
    tell(&format!("{} incidents, {} messages", incidents.len(), heard.len()));
    assert!(!incidents.is_empty() && !heard.is_empty());
    let told: BTreeSet<(u64, u64)> = heard.iter().map(|(incident, seq, _)| (*incident, *seq)).collect();
    for incident in &incidents {
        let record = reader.incident(incident.id).expect("readable").expect("it is there");
        let rows = &record.notices;
        assert_eq!(rows.len(), incident.notices as usize, "a row for every notice of {:?}", incident.id);
        let opened = rows.iter().find(|row| row.notice.news == News::Opened);
        assert!(opened.is_some() || incident.notices == 0, "{:?} began untold", incident.id);
        for row in rows {
            let seq = u64::from(row.notice.seq);
            match row.delivery {
                Delivery::Sent { .. } => {
                    assert!(told.contains(&(incident.id.0, seq)), "{row:?} was never heard")
                }
                Delivery::Merged { .. } => {}
                _ => panic!("{row:?} was not delivered"),
            }
        }
    }
    let mut times: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
    for (incident, seq, again) in &heard {
        let (all, marked) = times.entry((*incident, *seq)).or_default();
        *all += 1;
        *marked += u64::from(*again);
    }
    let twice: u64 = times.values().map(|(all, _)| all - 1).sum();
    tell(&format!("{twice} of {} were heard again", heard.len()));
    assert!(twice <= kills, "one message is under way at a time: {times:?}");
    for (which, (all, marked)) in &times {
        assert!(all - marked <= 1, "{which:?} came {all} times and said so {marked} times");
    }
}
