//! What is kept of who came in and what they asked for. Orders are kept by the watch itself.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::control::{Asking, Request};

/// The same probe is written down this often, as Prometheus asks for it every few seconds.
const SAME_PROBE_EVERY: Duration = Duration::from_secs(3600);
const MOST_PROBES: usize = 4096;

/// So much is written down at once of what anybody can have written down, and one more in this time.
const BURST: u32 = 60;
const ONE_MORE_EVERY: Duration = Duration::from_secs(10);

/// The longest text that stands in an entry, in characters.
const LONGEST: usize = 200;

/// Writes things down by way of the watch.
pub(super) struct Audit {
    asking: Asking,
    thinned: Mutex<Thinned>,
}

#[derive(Debug, Default)]
struct Thinned {
    probes: BTreeMap<(String, String, String), Instant>,
    /// When all that was written down would be forgotten.
    free_at: Option<Instant>,
    /// What was left out since.
    left_out: u64,
}

impl Thinned {
    /// Whether something is written down that anybody can bring about; with how much was left out before it.
    fn admits(&mut self, now: Instant) -> Option<u64> {
        let free_at = self.free_at.map_or(now, |at| at.max(now));
        if free_at.saturating_duration_since(now) + ONE_MORE_EVERY > ONE_MORE_EVERY * BURST {
            self.left_out += 1;
            return None;
        }
        self.free_at = Some(free_at + ONE_MORE_EVERY);
        Some(std::mem::take(&mut self.left_out))
    }

    fn is_new(&mut self, probe: (String, String, String), now: Instant) -> bool {
        let fresh = |at: &Instant| now.saturating_duration_since(*at) < SAME_PROBE_EVERY;
        if self.probes.get(&probe).is_some_and(fresh) {
            return false;
        }
        if self.probes.len() >= MOST_PROBES {
            self.probes.retain(|_, at| fresh(at));
        }
        if self.probes.len() < MOST_PROBES {
            self.probes.insert(probe, now);
        }
        true
    }
}

impl Audit {
    pub(super) fn new(asking: Asking) -> Self {
        Self { asking, thinned: Mutex::default() }
    }

    /// Somebody came in with a password.
    pub(super) fn login(&self, who: &str, from: IpAddr) {
        self.write(who, json!({ "login": { "address": from.to_canonical() } }));
    }

    /// Somebody left.
    pub(super) fn logout(&self, who: &str, from: IpAddr) {
        self.write(who, json!({ "logout": { "address": from.to_canonical() } }));
    }

    /// Somebody was not let in.
    pub(super) fn refused(&self, name: &str, from: IpAddr, why: &'static str) {
        let Some(left_out) = self.thinned().admits(Instant::now()) else { return };
        let mut what = json!({ "address": from.to_canonical(), "why": why });
        if left_out > 0 {
            what["left_out"] = left_out.into();
        }
        self.write(&short(name), json!({ "login_refused": what }));
    }

    /// Somebody had something probed, or would have had.
    pub(super) fn probe(&self, who: &str, from: IpAddr, (target, module): (&str, &str), allowed: bool) {
        let now = Instant::now();
        let what = (who.to_owned(), short(target), format!("{}{allowed}", short(module)));
        {
            let mut thinned = self.thinned();
            if !thinned.is_new(what, now) || thinned.admits(now).is_none() {
                return;
            }
        }
        let what = json!({
            "address": from.to_canonical(), "target": short(target), "module": short(module), "allowed": allowed,
        });
        self.write(who, json!({ "probe": what }));
    }

    fn thinned(&self) -> std::sync::MutexGuard<'_, Thinned> {
        self.thinned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, who: &str, did: Value) {
        let (asking, who) = (self.asking.clone(), who.to_owned());
        // Nobody who comes in waits for the disk.
        tokio::spawn(async move { asking.ask(Request::Note { did }, &who).await });
    }
}

fn short(text: &str) -> String {
    text.chars()
        .take(LONGEST)
        .map(|one| if crate::output::is_harmful(one) { '\u{fffd}' } else { one })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anybody_can_bring_about_is_thinned_and_counted() {
        let (mut thinned, now) = (Thinned::default(), Instant::now());
        let written = (0..1000).filter(|_| thinned.admits(now).is_some()).count();
        assert_eq!(written, BURST as usize);
        assert_eq!(thinned.admits(now + ONE_MORE_EVERY), Some(1000 - u64::from(BURST)));
        assert_eq!(thinned.admits(now + ONE_MORE_EVERY), None);
    }

    #[test]
    fn the_same_probe_is_written_down_once_an_hour() {
        let (mut thinned, now) = (Thinned::default(), Instant::now());
        let probe = |target: &str| ("prometheus".to_owned(), target.to_owned(), "http_2xx".to_owned());
        assert!(thinned.is_new(probe("a"), now) && thinned.is_new(probe("b"), now));
        assert!(!thinned.is_new(probe("a"), now + Duration::from_secs(15)));
        assert!(thinned.is_new(probe("a"), now + SAME_PROBE_EVERY));
        for number in 0..2 * MOST_PROBES {
            thinned.is_new(probe(&number.to_string()), now);
        }
        assert!(thinned.probes.len() <= MOST_PROBES);
    }

    #[test]
    fn texts_of_strangers_are_short_and_harmless() {
        assert_eq!(short("a\u{1b}[2Jb\u{202e}"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(short(&"x".repeat(1000)).len(), LONGEST);
    }
}
