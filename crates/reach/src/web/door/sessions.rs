//! Who has logged in and not out again. Kept here alone: a cookie is a number that means nothing elsewhere.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{lots, settings::TokenHash};

/// How long nobody may ask before a session is over: a shift.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// How long it lasts at most.
const WHOLE: Duration = Duration::from_secs(7 * 86_400);

/// Sessions of all, and of one user.
const MOST: usize = 4096;
const MOST_OF_ONE: usize = 32;

/// The length of the number in a cookie.
const ID_LENGTH: usize = 43;

/// Somebody who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) user: String,
    /// What forms of this session carry.
    pub(super) csrf: String,
    began: Instant,
    seen: Instant,
}

/// All sessions. Their numbers are not kept, but hashes of them: what is looked up takes no time that tells of others.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<[u8; 32], Session>);

impl Sessions {
    /// Begins a session, with a number of its own. Whoever has many gives up the one that was idle for longest.
    pub(super) fn begin(&mut self, user: &str, now: Instant) -> String {
        self.0.retain(|_, session| session.lasts(now));
        let of_user = self.0.values().filter(|session| session.user == user).count();
        let idlest = |own: bool| {
            let some = self.0.iter().filter(|(_, session)| !own || session.user == user);
            some.min_by_key(|(_, session)| session.seen).map(|(key, _)| *key)
        };
        let given_up = match (of_user >= MOST_OF_ONE, self.0.len() >= MOST) {
            (true, _) => idlest(true),
            (_, true) => idlest(false),
            _ => None,
        };
        given_up.and_then(|key| self.0.remove(&key));
        let id = lots::token();
        let session = Session { user: user.to_owned(), csrf: lots::token(), began: now, seen: now };
        self.0.insert(key(&id), session);
        id
    }

    /// The session of this number, which is used now.
    pub(super) fn find(&mut self, id: &str, now: Instant) -> Option<Session> {
        if id.len() != ID_LENGTH {
            return None;
        }
        let key = key(id);
        let session = self.0.get_mut(&key)?;
        if !session.lasts(now) {
            self.0.remove(&key);
            return None;
        }
        session.seen = now;
        Some(session.clone())
    }

    /// Ends a session.
    pub(super) fn end(&mut self, id: &str) -> Option<Session> {
        self.0.remove(&key(id))
    }

    /// Ends those of users who are not wanted any more.
    pub(super) fn keep(&mut self, mut stays: impl FnMut(&str) -> bool) {
        self.0.retain(|_, session| stays(&session.user));
    }
}

impl Session {
    fn lasts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) < IDLE && now.saturating_duration_since(self.began) < WHOLE
    }
}

fn key(id: &str) -> [u8; 32] {
    TokenHash::of(id).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lasts_while_it_is_used_and_not_for_ever() {
        let (mut sessions, begin) = (Sessions::default(), Instant::now());
        let id = sessions.begin("kim", begin);
        assert_eq!(id.len(), ID_LENGTH);
        let mut now = begin;
        while now + IDLE / 2 < begin + WHOLE {
            now += IDLE / 2;
            assert_eq!(sessions.find(&id, now).map(|session| session.user).as_deref(), Some("kim"));
        }
        assert_eq!(sessions.find(&id, begin + WHOLE), None);
        let idle = sessions.begin("kim", begin);
        assert_eq!(sessions.find(&idle, begin + IDLE), None);
        assert_eq!(sessions.find(&idle, begin), None, "what is over stays over");
    }

    #[test]
    fn numbers_that_nobody_was_given_are_of_no_session() {
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        let id = sessions.begin("kim", now);
        for other in ["", "x", &id[1..], &format!("{id}x"), &"A".repeat(ID_LENGTH)] {
            assert_eq!(sessions.find(other, now), None);
        }
        assert!(sessions.end(&id).is_some() && sessions.find(&id, now).is_none());
    }

    #[test]
    fn nobody_fills_the_table() {
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        let other = sessions.begin("lee", now);
        let first = sessions.begin("kim", now);
        for number in 1..=(MOST_OF_ONE as u64 + 5) {
            sessions.begin("kim", now + Duration::from_secs(number));
        }
        assert_eq!(sessions.0.len(), MOST_OF_ONE + 1);
        assert!(sessions.find(&first, now).is_none() && sessions.find(&other, now).is_some());
        for number in 0..MOST {
            sessions.begin(&format!("user{number}"), now + Duration::from_secs(100));
        }
        assert_eq!(sessions.0.len(), MOST);
        sessions.keep(|user| user == "user5");
        assert_eq!(sessions.0.len(), 1);
    }
}
