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
    watch::{Delivery, IncidentId, News},
};
use reach_store::{IncidentFilter, Reader};

use super::{
    company::tell,
    doors::{Door, free_port},
    http_fake::{Log, Reply, web},
    life::LOOPBACK,
    place::{LONG, Place, telegram, until},
    telegram_fake::Telegram,
};

const USUAL_KILLS: u64 = 12;
/// Slower answers than a try takes, so that messages and commits are under way when it is killed.
const SLOWEST_ANSWER_MS: u64 = 300;

const STRANGERS: u64 = 4;

/// Names a notice: its incident, and its number there.
type Key = (u64, u64);

/// A message that a channel took.
#[derive(Debug)]
struct Heard {
    /// The run that sent it.
    life: u64,
    /// What it told, and whether it said that this may have come before.
    told: Vec<(Key, bool)>,
}

/// What the webhook was told. Each run calls at a path of its own.
fn by_hook(log: &Log) -> Vec<Heard> {
    let log = log.lock().expect("a log");
    let one = |notice: &serde_json::Value| {
        let number = |key: &str| notice[key].as_u64().expect("a number");
        ((number("incident"), number("seq")), notice["again"] == true)
    };
    let heard = log.iter().map(|request| Heard {
        life: request.path.trim_matches('/').parse().expect("a number"),
        told: request.json()["notices"].as_array().into_iter().flatten().map(one).collect(),
    });
    heard.collect()
}

/// What rang, or could have: new messages, by the `#incident·number` at the foot of each notice.
fn by_telegram(fake: &Telegram) -> Vec<Heard> {
    let messages = fake.taken().into_iter().filter(|taken| !taken.edit);
    let heard = messages.map(|taken| Heard {
        life: taken.under.trim_matches('/').parse().expect("a number"),
        told: taken.text.lines().filter_map(foot).collect(),
    });
    heard.collect()
}

/// What changed a message that was there.
fn by_edits(fake: &Telegram) -> BTreeSet<Key> {
    let edits = fake.taken().into_iter().filter(|taken| taken.edit);
    edits
        .flat_map(|taken| taken.text.lines().filter_map(foot).map(|(key, _)| key).collect::<Vec<_>>())
        .collect()
}

/// The notice at whose foot this line stands, and whether it may have come before.
fn foot(line: &str) -> Option<(Key, bool)> {
    let (_, rest) = line.split_once('#')?;
    let (incident, rest) = rest.split_once('·')?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let key = (incident.parse().ok()?, digits.parse().ok()?);
    Some((key, line.contains("may have come before")))
}

/// Nothing is told twice but what was under way when the run that told it was killed, and then it says so. Gives the
/// number of repetitions.
fn audit(channel: &str, heard: &[Heard]) -> u64 {
    let last: BTreeMap<u64, usize> =
        heard.iter().enumerate().map(|(number, message)| (message.life, number)).collect();
    let mut before: BTreeMap<Key, usize> = BTreeMap::new();
    let mut repeated = 0;
    for (number, message) in heard.iter().enumerate() {
        assert!(!message.told.is_empty(), "{channel}: a message without a number");
        for (key, again) in &message.told {
            let Some(earlier) = before.insert(*key, number) else { continue };
            let first = &heard[earlier];
            repeated += 1;
            assert!(first.life < message.life, "{channel}: {key:?} came twice from run {}", message.life);
            assert_eq!(
                last[&first.life], earlier,
                "{channel}: {key:?} was over when run {} ended",
                first.life
            );
            assert!(again, "{channel}: {key:?} of run {} came again and did not say so", first.life);
        }
    }
    repeated
}

/// Whatever was told is remembered.
fn remembers(reader: &Reader, told: &BTreeSet<Key>, moment: &str) {
    for (incident, seq) in told {
        let record = reader.incident(IncidentId(*incident)).expect("readable");
        let record =
            record.unwrap_or_else(|| panic!("{moment}: incident {incident} was told and is forgotten"));
        let known = record.notices.iter().any(|row| u64::from(row.notice.seq) == *seq);
        assert!(known, "{moment}: #{incident}·{seq} was told and is forgotten");
    }
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
    let (hook, log) = web(|request| {
        thread::sleep(Duration::from_millis(request.body.len() as u64 % SLOWEST_ANSWER_MS));
        Reply::status(200)
    });
    let fake = Telegram::going();
    let begin = |life: u64| {
        // Some come and go; and every run has some at which nobody ever listens, so that it has much to tell.
        let known = doors.iter().map(|door| door.address.to_string());
        let strangers = (1..=STRANGERS).map(|stranger| format!("127.1.{}.{stranger}:9", life % 250));
        let targets: Vec<String> = known.chain(strangers).map(|target| format!("'{target}'")).collect();
        place.configure(&format!(
            "{}open_after = '0s'\nwell_after = '500ms'\nrecovered_after = '1s'\n\
             clear_after = '1s'\nfailure_share = {{ threshold = '5%', window = '10s', least = 5 }}\n\
             [[target]]\ntargets = [{}]\n[[channel]]\nname = 'hook'\nkind = 'webhook'\n\
             url = 'http://{hook}/{life}'\n{}",
            LOOPBACK.replace("200ms", "50ms"),
            targets.join(", "),
            telegram(&fake, "ops", "").replace(&fake.url(), &format!("{}/{life}", fake.url()))
        ));
        place.watch()
    };
    let told = || -> BTreeSet<Key> {
        let heard = by_hook(&log).into_iter().chain(by_telegram(&fake));
        heard.flat_map(|message| message.told).map(|(key, _)| key).collect()
    };
    for life in 0..kills {
        let mut watch = begin(life);
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
        assert_eq!(reader.check().expect("readable"), Vec::<String>::new(), "kill {life}");
        remembers(&reader, &told(), &format!("kill {life}"));
    }
    doors.iter().for_each(|door| door.set(true));
    let watch = begin(kills);
    until("nothing that waits", LONG * 3, || {
        let channels = place.status()?["channels"].clone();
        let waits = |name: &str| channels[name]["pending"].as_u64();
        (waits("hook") == Some(0) && waits("ops") == Some(0)).then_some(())
    });
    watch.stop();

    let reader = place.reader();
    let incidents = reader.incidents(&IncidentFilter::default()).expect("readable");
    let (by_hook, by_telegram) = (by_hook(&log), by_telegram(&fake));
    tell(&format!(
        "{} incidents; {} messages by webhook, {} by Telegram",
        incidents.len(),
        by_hook.len(),
        by_telegram.len()
    ));
    assert!(!incidents.is_empty() && !by_hook.is_empty() && !by_telegram.is_empty());
    tell(&format!("{} and {} came again", audit("hook", &by_hook), audit("ops", &by_telegram)));
    let all: BTreeSet<Key> = told().into_iter().chain(by_edits(&fake)).collect();
    for incident in &incidents {
        let record = reader.incident(incident.id).expect("readable").expect("it is there");
        let rows = &record.notices;
        // A chat is spared the details of what it heard of in a digest.
        let followed = rows.iter().filter(|row| row.channel == "hook").count();
        assert_eq!(followed, incident.notices as usize, "a row for every notice of {:?}", incident.id);
        let opened = rows.iter().find(|row| row.notice.news == News::Opened);
        assert!(opened.is_some() || incident.notices == 0, "{:?} began untold", incident.id);
        for row in rows {
            match row.delivery {
                Delivery::Sent { .. } => {
                    let key = (incident.id.0, u64::from(row.notice.seq));
                    assert!(all.contains(&key), "{row:?} was never heard")
                }
                Delivery::Merged { .. } => {}
                _ => panic!("{row:?} was not delivered"),
            }
        }
    }
}
