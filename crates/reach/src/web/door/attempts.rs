//! How often somebody may be wrong about a password: by address, and by the name that is tried.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::settings::TokenHash;
use crate::web::crowd::neighbourhood;

/// So many failures at once are forgiven…
const BURST: u32 = 8;
/// …and one more in this time. Every address of one network of IPv6 is one.
const EVERY: Duration = Duration::from_secs(30);

/// So many addresses and names are remembered.
const MOST: usize = 16_384;
/// Addresses that somebody has logged in from before: others who guess at their name do not lock them out.
const MOST_USUAL: usize = 4096;

/// Who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Address(IpAddr),
    /// A name, whether somebody has it or not; its hash, as names may be long.
    Name([u8; 32]),
}

/// All attempts that failed of late.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    /// When each would be free of failures again.
    free_at: BTreeMap<Who, Instant>,
    usual: BTreeMap<([u8; 32], IpAddr), Instant>,
}

impl Attempts {
    /// Counts an attempt as a failure before it is made; says how long to wait, where it may not be made.
    pub(super) fn begin(&mut self, name: &str, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let (name, from) = (TokenHash::of(name).0, neighbourhood(from));
        let is_usual = self.usual.contains_key(&(name, from));
        let keys = [Some(Who::Address(from)), (!is_usual).then_some(Who::Name(name))];
        let waits = keys.iter().flatten().map(|key| self.wait(key, now)).max().unwrap_or_default();
        if !waits.is_zero() {
            return Err(waits);
        }
        for key in keys.into_iter().flatten() {
            self.make_room(now);
            let free_at = self.free_at.entry(key).or_insert(now);
            *free_at = (*free_at).max(now) + EVERY;
        }
        Ok(())
    }

    /// The attempt was right.
    pub(super) fn succeeded(&mut self, name: &str, from: IpAddr, now: Instant) {
        let (name, from) = (TokenHash::of(name).0, neighbourhood(from));
        self.take_back(&[Who::Address(from), Who::Name(name)], now);
        if self.usual.len() >= MOST_USUAL {
            let oldest = self.usual.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key);
            oldest.and_then(|key| self.usual.remove(&key));
        }
        self.usual.insert((name, from), now);
    }

    /// It was not made after all.
    pub(super) fn not_made(&mut self, name: &str, from: IpAddr, now: Instant) {
        self.take_back(&[Who::Address(neighbourhood(from)), Who::Name(TokenHash::of(name).0)], now);
    }

    fn take_back(&mut self, keys: &[Who], now: Instant) {
        for key in keys {
            if let Some(free_at) = self.free_at.get_mut(key) {
                *free_at = free_at.checked_sub(EVERY).unwrap_or(now).max(now);
            }
        }
    }

    fn wait(&self, key: &Who, now: Instant) -> Duration {
        let owed = self.free_at.get(key).map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        // One more failure has to fit.
        (owed + EVERY).saturating_sub(EVERY * BURST)
    }

    fn make_room(&mut self, now: Instant) {
        if self.free_at.len() < MOST {
            return;
        }
        self.free_at.retain(|_, at| *at > now);
        if self.free_at.len() >= MOST {
            // Those who failed least are forgiven, many at once: to look for one each time would take long.
            let mut times: Vec<Instant> = self.free_at.values().copied().collect();
            let (_, limit, _) = times.select_nth_unstable(MOST / 4);
            let limit = *limit;
            let mut left = MOST / 4;
            self.free_at.retain(|_, at| {
                let goes = left > 0 && *at <= limit;
                left -= usize::from(goes);
                !goes
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn after_a_few_failures_one_address_has_to_wait_and_others_do_not() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..BURST {
            assert_eq!(attempts.begin(&format!("user{number}"), ip("192.0.2.1"), now), Ok(()));
        }
        assert_eq!(attempts.begin("other", ip("192.0.2.1"), now), Err(EVERY));
        assert_eq!(attempts.begin("other", ip("192.0.2.2"), now), Ok(()));
        assert_eq!(attempts.begin("other", ip("192.0.2.1"), now + EVERY), Ok(()));
        assert!(attempts.begin("other", ip("192.0.2.1"), now + EVERY).is_err());
        assert_eq!(attempts.begin("other", ip("192.0.2.1"), now + EVERY * (BURST + 2)), Ok(()));
    }

    #[test]
    fn a_name_that_many_guess_at_stays_open_where_it_logs_in_from() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        attempts.begin("kim", ip("198.51.100.7"), now).expect("free");
        attempts.succeeded("kim", ip("198.51.100.7"), now);
        for last in 0..BURST {
            attempts.begin("kim", IpAddr::from([192, 0, 2, last as u8]), now).expect("free");
        }
        assert!(attempts.begin("kim", ip("203.0.113.1"), now).is_err(), "guessers are held up");
        assert_eq!(attempts.begin("kim", ip("198.51.100.7"), now), Ok(()));
        assert!(attempts.begin("nobody", ip("203.0.113.1"), now).is_ok(), "who exists cannot be told");
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for number in 0..BURST {
            attempts.begin(&number.to_string(), ip(&format!("2001:db8::{number}")), now).expect("free");
        }
        assert!(attempts.begin("x", ip("2001:db8::ffff"), now).is_err());
        assert!(attempts.begin("x", ip("2001:db8:0:1::1"), now).is_ok());
    }

    #[test]
    fn what_was_right_or_not_made_costs_nothing_and_memory_is_bounded() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..10 * BURST {
            attempts.begin("kim", ip("192.0.2.1"), now).expect("free");
            attempts.succeeded("kim", ip("192.0.2.1"), now);
            attempts.begin("lee", ip("192.0.2.2"), now).expect("free");
            attempts.not_made("lee", ip("192.0.2.2"), now);
        }
        for number in 0..12_000_u32 {
            let address = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            let _ = attempts.begin(&number.to_string(), address, now);
        }
        assert!(attempts.free_at.len() <= MOST + 1);
    }
}
