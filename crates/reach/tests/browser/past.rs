//! What a watch remembers that has been running for a year.

use std::{
    net::IpAddr,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reach_core::{
    Time,
    stats::split_mix,
    watch::{
        AddressState, Gravity, Incident, IncidentId, Layer, Phase, Reading, Reason, Sample, Series, Subject,
        TargetId, Transition, Why,
    },
};
use reach_lab::story;
use reach_store::{Batch, StoreOptions, Writer};

const TEN_MINUTES: u64 = 600;
const DAY: u64 = 86_400;

/// The target of the story, as a watch that has seen it before knows it.
pub(crate) const STORY: TargetId = TargetId(1);

/// The pool of the story, tried every ten minutes for a year and twice a minute since yesterday. Twice three of its
/// addresses were dropped for three hours: a month ago, and yesterday.
pub(crate) fn remember(store: &Path, target: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let (writer, _, _) = reach_store::open(store, StoreOptions::default()).expect("a new store");
    let outages = [now - 30 * DAY, now - DAY / 2].map(|from| from..from + 3 * 3_600);
    let fails = |at: u64| outages.iter().any(|outage| outage.contains(&at));
    let mut dice = 7_u64;
    let mut batch = Batch::new(at(now - 365 * DAY));
    batch.targets.push((STORY, target.to_owned()));
    let coarse = (now - 365 * DAY..now - DAY).step_by(TEN_MINUTES as usize);
    let fine = (now - DAY..now).step_by(30);
    for (number, second) in coarse.chain(fine).enumerate() {
        for address in story::POOL {
            let blocked = story::BLOCKED.contains(&address) && fails(second);
            dice = split_mix(dice);
            let spread = dice % 1_000;
            // Now and then an answer takes its time; at night all are quicker.
            let day = (second % DAY) as f64 / DAY as f64 * std::f64::consts::TAU;
            let slow = if spread > 985 { 40_000 } else { 0 };
            let micros = 8_000 + spread * 4 + slow + ((1.0 - day.cos()) * 2_000.0) as u64;
            let reading = match blocked {
                true => Reading::Failed(Reason::Timeout),
                false => Reading::Answered(Duration::from_micros(micros)),
            };
            let (series, at) = (series(address), at(second));
            batch.samples.push(Sample { series, layer: Layer::Connect, at, reading, again: false });
        }
        if number % 500 == 499 {
            batch.at = at(second);
            hand_in(&writer, &mut batch);
        }
    }
    batch.at = at(now);
    for (number, outage) in (1..).zip(&outages) {
        batch.incidents.push(incident(number, target, at(outage.start), at(outage.end)));
        for address in story::BLOCKED {
            let moved = |at, from, to, why| Transition { series: series(address), at, from, to, why };
            let failed = Why::Failed(Reason::Timeout);
            batch.transitions.extend([
                moved(at(outage.start), AddressState::Ok, AddressState::Down, failed),
                moved(at(outage.end), AddressState::Down, AddressState::Ok, Why::Answered),
            ]);
        }
    }
    hand_in(&writer, &mut batch);
    assert!(writer.flush(Duration::from_secs(120)), "{:?}", writer.status());
}

fn hand_in(writer: &Writer, batch: &mut Batch) {
    let next = Batch::new(batch.at);
    let ticket = writer.submit(std::mem::replace(batch, next));
    assert!(writer.flush(Duration::from_secs(60)), "{ticket:?}: {:?}", writer.status());
}

fn at(second: u64) -> Time {
    Time::from_micros(second * 1_000_000)
}

fn series(address: &str) -> Series {
    Series { target: STORY, address: address.parse::<IpAddr>().expect("an address") }
}

fn incident(number: u64, title: &str, began: Time, ended: Time) -> Incident {
    Incident {
        id: IncidentId(number),
        subject: Subject::Target(STORY),
        title: title.to_owned(),
        labels: [("team".to_owned(), "push".to_owned())].into(),
        gravity: Gravity::Degraded,
        worst: Gravity::Degraded,
        phase: Phase::Closed { at: ended, all_clear: true },
        began,
        opened: began,
        changed: ended,
        causes: Vec::new(),
        members: Vec::new(),
        pool: 8,
        acknowledged: None,
        muted_until: None,
        unstable: false,
        quiet: Duration::from_secs(300),
        relapses: 0,
        unwatched: Duration::ZERO,
        ending: None,
        notices: 3,
        rang: vec![began],
        remarks: Vec::new(),
        diagnosis: None,
        clocks: Default::default(),
    }
}
