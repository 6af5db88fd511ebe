//! Whatever happens to messages, none is lost, none comes twice without a reason, and nobody is pestered.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    tests::{chat, notice},
    *,
};
use crate::watch::{Gravity, IncidentId, News};

const CHANNELS: [&str; 3] = ["a", "b", "c"];

/// What becomes of something handed over.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Taken,
    TakenWithoutAnswer,
    LostWithoutAnswer,
    Failed,
    Later(u64),
    Rejected,
    Broken,
    Vanished,
}

#[derive(Clone, Debug)]
enum Deed {
    Notice { incident: u64, kind: usize },
    Restart,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Taken),
        2 => Just(Fate::TakenWithoutAnswer),
        2 => Just(Fate::LostWithoutAnswer),
        4 => Just(Fate::Failed),
        3 => (1_u64..400).prop_map(Fate::Later),
        1 => Just(Fate::Rejected),
        1 => Just(Fate::Broken),
        1 => Just(Fate::Vanished),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        15 => (1_u64..7, 0_usize..7).prop_map(|(incident, kind)| Deed::Notice { incident, kind }),
        1 => Just(Deed::Restart),
    ]
}

fn news(kind: usize) -> News {
    match kind {
        0 | 1 => News::Updated,
        2 => News::Worsened { from: Gravity::Warning },
        3 => News::Reminder,
        4 => News::Recovered,
        5 => News::Relapsed,
        _ => News::Acknowledged,
    }
}

/// `a` and `b` write into the same chat; `a` and `c` are the fallbacks of each other.
fn channels() -> Vec<ChannelPlan> {
    let limits =
        vec![Limit { most: 1, per: Duration::from_secs(1) }, Limit { most: 5, per: Duration::from_secs(20) }];
    let shared = Lane { key: "chat".to_owned(), limits };
    vec![
        ChannelPlan {
            chat: shared.clone(),
            caps: Capabilities { buttons: true, ..chat("a").caps },
            fallback: Some("c".to_owned()),
            ..chat("a")
        },
        ChannelPlan {
            chat: shared,
            caps: Capabilities { program: true, ..Default::default() },
            fallback: Some("a".to_owned()),
            ..chat("b")
        },
        ChannelPlan {
            caps: Capabilities { threads: true, ..Default::default() },
            fallback: Some("a".to_owned()),
            least: Gravity::Critical,
            ..chat("c")
        },
    ]
}

/// The world around a courier.
struct World {
    courier: Courier,
    now: Time,
    /// What is written.
    store: BTreeMap<RowId, OutboxRow>,
    /// What is not yet, and when it will be.
    unwritten: Vec<(Time, Vec<OutboxRow>)>,
    /// What is under way, and when the answer comes.
    flying: Vec<(Time, Dispatch, Fate)>,
    fates: Vec<Fate>,
    used: BTreeMap<&'static str, Vec<Time>>,
    rest: BTreeMap<&'static str, Time>,
    /// The same, asked for where only buttons were to change: no row has it, and a restart forgets it.
    fleeting: BTreeMap<&'static str, Time>,
    /// Per row: delivered; reasons to hand it over again.
    delivered: BTreeMap<RowId, (u32, u32)>,
    last_seq: BTreeMap<(String, IncidentId), u32>,
    seqs: BTreeMap<u64, u32>,
    /// Somebody said of a message that it would never be taken.
    rejected: bool,
    turns: usize,
}

impl World {
    fn new(fates: Vec<Fate>) -> Self {
        Self {
            courier: Courier::new(channels(), Vec::new(), RowId(1), Time::default()),
            now: Time::from_micros(1_000_000),
            store: BTreeMap::new(),
            unwritten: Vec::new(),
            flying: Vec::new(),
            fates,
            used: BTreeMap::new(),
            rest: BTreeMap::new(),
            fleeting: BTreeMap::new(),
            delivered: BTreeMap::new(),
            last_seq: BTreeMap::new(),
            seqs: BTreeMap::new(),
            rejected: false,
            turns: 0,
        }
    }

    fn act(&mut self, deed: &Deed, slow: bool) {
        match *deed {
            Deed::Notice { incident, kind } => {
                let seq = self.seqs.entry(incident).or_default();
                *seq += 1;
                let news = if *seq == 1 { News::Opened } else { news(kind) };
                let rows = self.courier.plan(&notice(incident, *seq, news, self.now), self.now);
                let wait = Duration::from_secs(if slow { 14 } else { 0 });
                self.unwritten.push((self.now + wait, rows));
            }
            Deed::Restart => {
                for (_, rows) in std::mem::take(&mut self.unwritten) {
                    self.write(rows);
                }
                let kept: Vec<OutboxRow> = self.store.values().cloned().collect();
                for (_, dispatch, fate) in std::mem::take(&mut self.flying) {
                    self.arrive(&dispatch, fate, true);
                }
                self.courier = Courier::new(channels(), kept, RowId(1), self.now);
                self.used.clear();
                self.fleeting.clear();
            }
        }
    }

    /// Rows that changed after they were planned are not put back.
    fn write(&mut self, rows: Vec<OutboxRow>) {
        for row in rows {
            self.store.entry(row.id).or_insert(row);
        }
    }

    /// Until nothing more happens, or until then.
    fn run(&mut self, until: Time) {
        loop {
            self.turns += 1;
            assert!(self.turns < 20_000, "it never comes to an end");
            let wake = match self.courier.poll(self.now) {
                CourierStep::Hand(dispatch) => {
                    self.take_off(dispatch);
                    self.keep();
                    continue;
                }
                CourierStep::Wait(wake) => {
                    assert!(wake > self.now, "waits for what is over");
                    wake
                }
            };
            self.keep();
            let landing = self.flying.iter().map(|(at, ..)| *at).min().unwrap_or(Courier::NEVER);
            let written = self.unwritten.iter().map(|(at, _)| *at).min().unwrap_or(Courier::NEVER);
            let next = wake.min(landing).min(written);
            if next > until {
                self.now = self.now.max(until);
                return;
            }
            self.now = self.now.max(next);
            let (ready, rest) =
                std::mem::take(&mut self.unwritten).into_iter().partition(|(at, _)| *at <= self.now);
            self.unwritten = rest;
            for (_, rows) in ready {
                let ids: Vec<RowId> = rows.iter().map(|row| row.id).collect();
                self.write(rows);
                self.courier.committed(&ids);
            }
            let (landed, flying) =
                std::mem::take(&mut self.flying).into_iter().partition(|(at, ..)| *at <= self.now);
            self.flying = flying;
            for (_, dispatch, fate) in landed {
                self.arrive(&dispatch, fate, false);
            }
            self.keep();
        }
    }

    fn keep(&mut self) {
        for row in self.courier.take_updates() {
            self.store.insert(row.id, row);
        }
    }

    fn take_off(&mut self, dispatch: Dispatch) {
        let chat = if dispatch.channel == "c" { "c" } else { "chat" };
        for rest in [&self.rest, &self.fleeting] {
            assert!(self.now >= rest.get(chat).copied().unwrap_or_default(), "wanted to be left alone");
        }
        assert!(self.flying.iter().all(|(_, other, _)| other.channel != dispatch.channel), "two at a time");
        if chat == "chat" {
            let used = self.used.entry(chat).or_default();
            used.push(self.now);
            for (most, seconds) in [(1, 1), (5, 20)] {
                let before = used.len().checked_sub(most + 1).map(|at| used[at]);
                let span = Duration::from_secs(seconds);
                assert!(before.is_none_or(|before| self.now.since(before) >= span), "too fast");
            }
        }
        let fate = self.fates.pop().unwrap_or(Fate::Taken);
        self.flying.push((self.now + Duration::from_millis(300), dispatch, fate));
    }

    fn arrive(&mut self, dispatch: &Dispatch, fate: Fate, restarted: bool) {
        let arrived = matches!(fate, Fate::Taken | Fate::TakenWithoutAnswer);
        for part in &dispatch.parts {
            let row = part.row.expect("nothing is repeated here");
            let tally = self.delivered.entry(row).or_default();
            tally.0 += u32::from(arrived);
            tally.1 += u32::from(restarted || matches!(fate, Fate::TakenWithoutAnswer));
            assert!(tally.0 <= tally.1 + 1, "delivered twice: {part:?}");
            let incident = part.notice.incident.id;
            let last = self.last_seq.entry((dispatch.channel.clone(), incident)).or_default();
            // What nobody knows to have arrived cannot be kept from being overtaken by what another channel gave up.
            let known = arrived && !restarted && matches!(fate, Fate::Taken);
            assert!(!known || part.notice.seq >= *last, "{incident:?}: {} after {last}", part.notice.seq);
            if known {
                *last = part.notice.seq;
            }
        }
        if restarted {
            return;
        }
        let trouble = "trouble".to_owned();
        let chat = if dispatch.channel == "c" { "c" } else { "chat" };
        let report = match fate {
            Fate::Taken => Report::Sent { message: Some(format!("m{}", dispatch.id.0)), remark: None },
            Fate::TakenWithoutAnswer | Fate::LostWithoutAnswer => Report::Unknown { trouble },
            Fate::Failed => Report::Failed { trouble },
            Fate::Later(seconds) => {
                let after = Duration::from_secs(seconds);
                let rests = if dispatch.parts.is_empty() { &mut self.fleeting } else { &mut self.rest };
                let rest = rests.entry(chat).or_default();
                *rest = (*rest).max(self.now + after);
                Report::Later { after, trouble }
            }
            Fate::Rejected => {
                self.rejected = true;
                Report::Rejected { trouble }
            }
            Fate::Broken => Report::Broken { trouble },
            Fate::Vanished => Report::Vanished { trouble },
        };
        self.courier.report(dispatch.id, report, self.now);
    }

    /// What became of a row in the end, through all that it was merged into.
    fn end_of(&self, row: &OutboxRow) -> Delivery {
        let mut row = row;
        while let Delivery::Merged { into } = row.delivery {
            let next = &self.store[&into];
            assert!(into > row.id && next.channel == row.channel, "{row:?} is not in {next:?}");
            assert_eq!(next.incident(), row.incident());
            row = next;
        }
        row.delivery.clone()
    }

    fn check(&self) {
        let mut once = BTreeSet::new();
        for row in self.store.values() {
            let key = (&row.channel, row.incident(), row.notice.seq);
            assert!(once.insert(key), "{key:?} has two rows");
        }
        for row in self.store.values() {
            let end = self.end_of(row);
            assert!(!end.is_pending(), "{row:?} never arrived");
            if end == Delivery::Dead {
                let newer = |other: &&OutboxRow| {
                    other.incident() == row.incident() && other.notice.seq >= row.notice.seq
                };
                let mut others = self.store.values().filter(newer);
                let arrived =
                    others.any(|other| self.rejected || matches!(self.end_of(other), Delivery::Sent { .. }));
                assert!(arrived, "{row:?} is dead and buried");
            }
        }
        for status in self.courier.status().values() {
            assert_eq!(status.pending, 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_message_arrives_or_goes_to_the_fallback_in_order_and_within_all_limits(
        deeds in prop::collection::vec((deed(), 0_u64..90_000, any::<bool>()), 1..60),
        fates in prop::collection::vec(fate(), 0..80),
    ) {
        let mut world = World::new(fates);
        for (deed, wait_ms, slow) in &deeds {
            world.act(deed, *slow);
            let until = world.now + Duration::from_millis(*wait_ms);
            world.run(until);
        }
        let end = world.now + Duration::from_secs(7 * 86_400);
        world.run(end);
        world.check();
        let channels: BTreeSet<String> = world.courier.status().into_keys().collect();
        prop_assert_eq!(channels, CHANNELS.iter().map(|name| (*name).to_owned()).collect());
    }
}
