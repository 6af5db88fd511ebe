//! Certificates that end soon.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use crate::{
    Time,
    watch::{Cause, Gravity},
};

use super::Complaint;

/// So many days before the end people are reminded of it: what is told more often is not read any more.
const REMINDED_DAYS: [u32; 6] = [30, 14, 7, 3, 1, 0];
/// Where it has ended it is said once a day.
const DAY: Duration = Duration::from_secs(86_400);

/// When a certificate that expires then is worth a word again.
pub(in super::super) fn next_look(expires: i64, now: Time) -> Time {
    let days = REMINDED_DAYS.into_iter().map(|days| begins(expires, DAY * days));
    let before = days.filter(|at| *at > now).min();
    before.unwrap_or_else(|| {
        let ended = begins(expires, Duration::ZERO);
        let days = now.since(ended).as_secs() / DAY.as_secs() + 1;
        ended + Duration::from_secs(days.saturating_mul(DAY.as_secs()))
    })
}

/// When the chains that addresses show expire. One cause for each expiry, however many addresses show it: chains that
/// end in the same second are the same one, or share the certificate that ends first. It ends when all of them show
/// another one.
#[derive(Debug, Default)]
pub(in super::super) struct Certificates {
    /// With whose certificate it is, where that is known: the expiry alone is remembered.
    shown: BTreeMap<IpAddr, (i64, Option<String>)>,
}

impl Certificates {
    pub(in super::super) fn saw(&mut self, address: IpAddr, expires: i64, subject: Option<String>) {
        self.shown.insert(address, (expires, subject));
    }

    /// Whether the address is known to show a chain that expires then.
    pub(in super::super) fn knows(&self, address: IpAddr, expires: i64) -> bool {
        self.shown.get(&address).is_some_and(|(known, _)| *known == expires)
    }

    /// The address is not tried any more.
    pub(in super::super) fn dismiss(&mut self, address: IpAddr) {
        self.shown.remove(&address);
    }

    pub(in super::super) fn resume(&mut self, causes: &[Cause]) {
        for cause in causes {
            if let Cause::Certificate { expires, addresses, subject } = cause {
                for address in addresses {
                    self.shown.insert(*address, (*expires, Some(subject.clone())));
                }
            }
        }
    }

    /// What ends within the first of the `limits` by `now`; within the second it is worse. Where nobody knows whose
    /// certificate it is, it is that of the `target`.
    pub(in super::super) fn complaints(
        &self,
        limits: (Duration, Duration),
        target: &str,
        now: Time,
    ) -> impl Iterator<Item = Complaint> {
        let mut chains: BTreeMap<i64, (Option<&str>, BTreeSet<IpAddr>)> = BTreeMap::new();
        for (address, (expires, subject)) in &self.shown {
            if begins(*expires, limits.0) <= now {
                let (known, addresses) = chains.entry(*expires).or_default();
                *known = known.or(subject.as_deref());
                addresses.insert(*address);
            }
        }
        chains.into_iter().map(move |(expires, (subject, addresses))| Complaint {
            cause: Cause::Certificate { expires, addresses, subject: subject.unwrap_or(target).to_owned() },
            gravity: if begins(expires, limits.1) <= now { Gravity::Degraded } else { Gravity::Warning },
            since: begins(expires, limits.0),
            bad_at: now,
        })
    }

    /// When a limit will be passed next.
    pub(in super::super) fn due(&self, limits: (Duration, Duration), now: Time) -> Option<Time> {
        let passed = self
            .shown
            .values()
            .flat_map(|(expires, _)| [begins(*expires, limits.0), begins(*expires, limits.1)]);
        passed.filter(|at| *at > now).min()
    }
}

/// The moment `before` the expiry, which is in seconds since the Unix epoch.
fn begins(expires: i64, before: Duration) -> Time {
    let seconds = u64::try_from(expires).unwrap_or(0).saturating_sub(before.as_secs());
    Time::from_micros(seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_reminded_at_days_that_matter_and_daily_once_it_has_ended() {
        let (expires, day) = (1_000 * 86_400_i64, 86_400_u64);
        let at = |days: f64| Time::from_micros(((1_000.0 + days) * 86_400.0 * 1e6) as u64);
        for (now, next) in [
            (-40.0, -30.0),
            (-30.0, -14.0),
            (-9.5, -7.0),
            (-7.0, -3.0),
            (-2.0, -1.0),
            (-0.5, 0.0),
            (0.0, 1.0),
            (0.25, 1.0),
            (1.0, 2.0),
        ] {
            assert_eq!(next_look(expires, at(now)), at(next), "{now} days");
        }
        assert_eq!(next_look(i64::MIN, Time::from_micros(0)), Time::from_micros(day * 1_000_000));
    }
}
