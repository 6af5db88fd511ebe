//! Attempts of applications to connect, followed from look to look in the kernel's table of sockets.
//!
//! Without a probe or a log: a socket that stays in SYN-SENT and repeats its SYN is an application that waits for an
//! address which does not answer. What is seen is what the application suffers, with its own source address, its own
//! namespace, its own route.
//!
//! **What is not seen.** A socket that comes and goes between two looks. A refusal (RST) or an ICMP error ends an
//! attempt within a round trip, so they are nearly never met here: nothing said is not "nothing failed". An attempt
//! without any repeated SYN is never called failed, however it ended.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::{
    Time,
    signal::{Attempt, FailureClass, Origin, Signal, Word},
};

use super::sockets::{Flow, Socket, State};

/// When an attempt counts as blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long its SYNs have been unanswered.
    pub blocked: Duration,
    /// How long short attempts towards one destination are remembered.
    pub brief: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { blocked: Duration::from_secs(3), brief: Duration::from_secs(300) }
    }
}

/// One attempt: in which namespace, on which flow, by which socket. A flow may be used again, an inode hardly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The network namespace; 0 is ours.
    pub namespace: u64,
    /// The flow.
    pub flow: Flow,
    /// The socket's inode.
    pub inode: u64,
}

/// What became clear of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it became clear.
    pub at: Time,
    /// Which.
    pub key: Key,
    /// Whose.
    pub uid: u32,
    /// How long it lasted, or lasts so far; at the least.
    pub elapsed: Duration,
    /// SYNs that were repeated; at the least.
    pub repeated: u32,
    /// How it stands.
    pub fate: Fate,
}

/// How an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It still waits, for longer than patience allows.
    Blocked,
    /// It was given up, and it had not been told as blocked.
    Failed,
    /// Attempts of this destination are given up again and again with a SYN repeated once: the application's
    /// patience is shorter than ours.
    FailedBriefly,
    /// It connected, after SYNs had to be repeated.
    Late,
}

/// The most attempts that are followed at a time.
pub const MOST_FOLLOWED: usize = 8_192;
/// The most destinations whose short attempts are remembered.
const MOST_BRIEF: usize = 1_024;
/// So many short attempts of one destination, none of which connected, are no chance.
const BRIEF_ENOUGH: usize = 3;

/// The attempts under way.
#[derive(Clone, Debug, Default)]
pub struct Connects {
    patience: Patience,
    followed: BTreeMap<Key, Followed>,
    /// Given up after a single repetition, by namespace and destination.
    brief: BTreeMap<(u64, SocketAddr), VecDeque<Seen>>,
    unfollowed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Followed {
    since: Time,
    seen: Time,
    uid: u32,
    repeated: u32,
    told: bool,
}

impl Connects {
    /// Nothing is known yet.
    pub fn new(patience: Patience) -> Self {
        Self { patience, ..Self::default() }
    }

    /// The attempts of a namespace that were under way at the last look and are not among `waiting`: whoever looks asks
    /// what became of their flows before [`Connects::look`].
    pub fn gone(&self, namespace: u64, waiting: &[Socket]) -> Vec<Key> {
        let there: BTreeSet<Key> = waiting.iter().map(|socket| key(namespace, socket)).collect();
        self.of(namespace).filter(|key| !there.contains(key)).collect()
    }

    /// Takes what was seen at `now` in a namespace: all sockets in SYN-SENT that are of interest, and for the flows
    /// that [`Connects::gone`] named the socket that has them now, if any has.
    pub fn look(
        &mut self,
        now: Time,
        namespace: u64,
        waiting: &[Socket],
        after: &BTreeMap<Flow, Socket>,
    ) -> Vec<Seen> {
        let mut news = Vec::new();
        for key in self.gone(namespace, waiting) {
            let Some(was) = self.followed.remove(&key) else { continue };
            news.extend(self.ended(now, key, was, after.get(&key.flow)));
        }
        for socket in waiting.iter().filter(|socket| socket.state == State::SynSent) {
            news.extend(self.waits(now, key(namespace, socket), socket));
        }
        self.forget(now);
        news
    }

    /// A namespace is there no more: nothing is known of what became of its attempts.
    pub fn leave(&mut self, namespace: u64) {
        self.followed.retain(|key, _| key.namespace != namespace);
        self.brief.retain(|(of, _), _| *of != namespace);
    }

    /// How many attempts were not followed because there were too many, since this was last asked.
    pub fn take_unfollowed(&mut self) -> u64 {
        std::mem::take(&mut self.unfollowed)
    }

    fn of(&self, namespace: u64) -> impl Iterator<Item = Key> {
        self.followed.keys().copied().filter(move |key| key.namespace == namespace)
    }

    fn waits(&mut self, now: Time, key: Key, socket: &Socket) -> Option<Seen> {
        if !self.followed.contains_key(&key) && self.followed.len() >= MOST_FOLLOWED {
            self.unfollowed += 1;
            return None;
        }
        let age = socket.age().unwrap_or_default();
        let began = Time::from_micros(now.as_micros().saturating_sub(age.as_micros() as u64));
        let fresh = Followed { since: began, seen: now, uid: socket.uid, repeated: 0, told: false };
        let followed = self.followed.entry(key).or_insert(fresh);
        followed.seen = now;
        followed.repeated = followed.repeated.max(socket.retransmits);
        let elapsed = now.since(followed.since);
        if followed.told || followed.repeated == 0 || elapsed < self.patience.blocked {
            return None;
        }
        followed.told = true;
        let (uid, repeated) = (followed.uid, followed.repeated);
        Some(Seen { at: now, key, uid, elapsed, repeated, fate: Fate::Blocked })
    }

    fn ended(&mut self, now: Time, key: Key, was: Followed, after: Option<&Socket>) -> Vec<Seen> {
        // Another socket on the same flow says nothing of this one. TIME-WAIT has no inode any more.
        let connected = after.is_some_and(|socket| {
            (socket.inode == key.inode || socket.inode == 0)
                && !matches!(socket.state, State::SynSent | State::Close | State::Listen)
        });
        // It only is of no interest any more.
        if after.is_some_and(|socket| socket.state == State::SynSent && socket.inode == key.inode) {
            return Vec::new();
        }
        let destination = (key.namespace, key.flow.remote);
        let elapsed = was.seen.since(was.since);
        let seen = |fate| Seen { at: now, key, uid: was.uid, elapsed, repeated: was.repeated, fate };
        if connected {
            self.brief.remove(&destination);
            return if was.repeated > 0 { vec![seen(Fate::Late)] } else { Vec::new() };
        }
        match was.repeated {
            _ if was.told => Vec::new(),
            0 => Vec::new(),
            1 => self.gave_up_early(destination, seen(Fate::FailedBriefly)),
            _ => vec![seen(Fate::Failed)],
        }
    }

    /// One lost SYN and a connection that came and went unseen look the same. Some of them in a row do not.
    fn gave_up_early(&mut self, destination: (u64, SocketAddr), seen: Seen) -> Vec<Seen> {
        if !self.brief.contains_key(&destination) && self.brief.len() >= MOST_BRIEF {
            return Vec::new();
        }
        let row = self.brief.entry(destination).or_default();
        row.push_back(seen);
        match row.len() {
            // All of the row are told once it is one; then each as it comes.
            BRIEF_ENOUGH => row.iter().cloned().collect(),
            more if more > BRIEF_ENOUGH => {
                row.pop_front();
                row.back().cloned().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn forget(&mut self, now: Time) {
        let keep = self.patience.brief;
        self.brief.retain(|_, row| row.back().is_some_and(|last| now.since(last.at) <= keep));
    }
}

fn key(namespace: u64, socket: &Socket) -> Key {
    Key { namespace, flow: socket.flow(), inode: socket.inode }
}

/// Who made an attempt, as far as this host lets us know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The process.
    pub process: Option<u32>,
    /// Its command, as `/proc/PID/comm` has it.
    pub command: Option<String>,
    /// The container or unit that it runs in.
    pub unit: Option<String>,
}

/// What is said of an attempt: `host` is the name that is known for the address.
///
/// An attempt that was told as blocked and connects in the end is told again, as one that did.
pub fn signal(seen: &Seen, source: &str, host: Option<&str>, owner: &Owner) -> Signal {
    let instance = match owner.process {
        Some(process) => format!("pid {process}"),
        None => format!("uid {}", seen.uid),
    };
    let failed = (seen.fate != Fate::Late).then_some(FailureClass::ConnectTimeout);
    let address: IpAddr = seen.key.flow.remote.ip();
    Signal {
        at: seen.at,
        origin: Origin {
            source: source.to_owned(),
            service: owner.unit.clone().or_else(|| owner.command.clone()),
            instance: Some(instance),
        },
        word: Word::Attempt(Attempt {
            host: host.map(str::to_owned),
            address,
            port: seen.key.flow.remote.port(),
            elapsed: Some(seen.elapsed),
            failed,
            served: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Time {
        Time::from_micros(1_700_000_000_000_000 + ms * 1_000)
    }

    fn waiting(port: u16, retransmits: u32) -> Socket {
        Socket {
            state: State::SynSent,
            local: SocketAddr::new("192.0.2.1".parse().expect("one"), port),
            remote: "203.0.113.12:443".parse().expect("one"),
            uid: 1000,
            inode: u64::from(port),
            retransmits,
            rto: None,
            next: None,
        }
    }

    fn none() -> BTreeMap<Flow, Socket> {
        BTreeMap::new()
    }

    fn fates(news: &[Seen]) -> Vec<Fate> {
        news.iter().map(|seen| seen.fate).collect()
    }

    #[test]
    fn an_attempt_that_keeps_repeating_its_syn_is_blocked_and_told_once() {
        let mut connects = Connects::new(Patience::default());
        assert!(connects.look(at(0), 0, &[waiting(40_000, 0)], &none()).is_empty());
        assert!(connects.look(at(1_200), 0, &[waiting(40_000, 1)], &none()).is_empty());
        let news = connects.look(at(3_200), 0, &[waiting(40_000, 2)], &none());
        assert_eq!(fates(&news), [Fate::Blocked]);
        assert_eq!((news[0].elapsed, news[0].repeated), (Duration::from_millis(3_200), 2));
        assert!(connects.look(at(7_200), 0, &[waiting(40_000, 3)], &none()).is_empty());
        assert!(connects.look(at(9_000), 0, &[], &none()).is_empty(), "one attempt fails once");
    }

    #[test]
    fn a_first_look_knows_the_age_by_the_timer() {
        let mut connects = Connects::new(Patience::default());
        let socket = Socket {
            rto: Some(Duration::from_secs(4)),
            next: Some(Duration::from_secs(1)),
            ..waiting(40_000, 2)
        };
        let news = connects.look(at(0), 0, &[socket], &none());
        assert_eq!((fates(&news), news[0].elapsed), (vec![Fate::Blocked], Duration::from_secs(6)));
    }

    #[test]
    fn waiting_without_a_repetition_is_a_slow_answer() {
        let mut connects = Connects::new(Patience::default());
        for ms in [0, 2_000, 4_000, 60_000] {
            assert!(connects.look(at(ms), 0, &[waiting(40_000, 0)], &none()).is_empty());
        }
        assert!(connects.look(at(61_000), 0, &[], &none()).is_empty());
    }

    #[test]
    fn given_up_before_our_patience_ends_is_failed_after_two_repetitions() {
        let mut connects = Connects::new(Patience::default());
        connects.look(at(0), 0, &[waiting(40_000, 0)], &none());
        connects.look(at(2_100), 0, &[waiting(40_000, 2)], &none());
        assert_eq!(fates(&connects.look(at(2_600), 0, &[], &none())), [Fate::Failed]);
    }

    #[test]
    fn short_attempts_are_told_when_they_make_a_row() {
        let mut connects = Connects::new(Patience::default());
        let mut attempt = |port: u16, ms: u64| {
            connects.look(at(ms), 0, &[waiting(port, 1)], &none());
            fates(&connects.look(at(ms + 500), 0, &[], &none()))
        };
        assert!(attempt(1, 0).is_empty() && attempt(2, 1_000).is_empty());
        assert_eq!(attempt(3, 2_000), [Fate::FailedBriefly; 3]);
        assert_eq!(attempt(4, 3_000), [Fate::FailedBriefly]);
        assert!(attempt(5, 400_000).is_empty(), "a row ends with time");
    }

    #[test]
    fn a_connection_ends_a_row_of_short_attempts() {
        let mut connects = Connects::new(Patience::default());
        for port in 1..=2 {
            connects.look(at(u64::from(port) * 1_000), 0, &[waiting(port, 1)], &none());
            connects.look(at(u64::from(port) * 1_000 + 500), 0, &[], &none());
        }
        connects.look(at(4_000), 0, &[waiting(3, 0)], &none());
        let stands = Socket { state: State::Established, ..waiting(3, 0) };
        assert!(connects.look(at(4_500), 0, &[], &BTreeMap::from([(stands.flow(), stands)])).is_empty());
        connects.look(at(5_000), 0, &[waiting(4, 1)], &none());
        assert!(connects.look(at(5_500), 0, &[], &none()).is_empty());
    }

    #[test]
    fn one_that_connects_late_is_told_as_connected() {
        let mut connects = Connects::new(Patience::default());
        connects.look(at(0), 0, &[waiting(40_000, 1)], &none());
        assert_eq!(fates(&connects.look(at(3_000), 0, &[waiting(40_000, 2)], &none())), [Fate::Blocked]);
        let stands = Socket { state: State::Established, ..waiting(40_000, 0) };
        let news = connects.look(at(3_500), 0, &[], &BTreeMap::from([(stands.flow(), stands)]));
        assert_eq!(fates(&news), [Fate::Late]);
        let word = signal(&news[0], "host", Some("push.example"), &Owner::default()).word;
        assert!(matches!(word, Word::Attempt(Attempt { failed: None, .. })));
    }

    #[test]
    fn one_that_is_looked_for_no_more_did_not_fail() {
        let mut connects = Connects::new(Patience::default());
        connects.look(at(0), 0, &[waiting(40_000, 1)], &none());
        connects.look(at(2_000), 0, &[waiting(40_000, 2)], &none());
        let still = waiting(40_000, 2);
        assert!(connects.look(at(2_500), 0, &[], &BTreeMap::from([(still.flow(), still)])).is_empty());
    }

    #[test]
    fn another_socket_on_the_same_flow_is_another_attempt() {
        let mut connects = Connects::new(Patience::default());
        connects.look(at(0), 0, &[waiting(40_000, 1)], &none());
        connects.look(at(2_000), 0, &[waiting(40_000, 2)], &none());
        let other = Socket { inode: 9, state: State::Established, ..waiting(40_000, 0) };
        let news = connects.look(at(2_500), 0, &[], &BTreeMap::from([(other.flow(), other)]));
        assert_eq!(fates(&news), [Fate::Failed]);
    }

    #[test]
    fn namespaces_are_apart_and_one_that_ends_tells_nothing() {
        let mut connects = Connects::new(Patience::default());
        connects.look(at(0), 5, &[waiting(40_000, 2)], &none());
        assert!(connects.look(at(1_000), 0, &[], &none()).is_empty());
        connects.leave(5);
        assert!(connects.look(at(2_000), 5, &[], &none()).is_empty());
    }

    #[test]
    fn the_owner_is_the_instance() {
        let seen = Seen {
            at: at(0),
            key: key(0, &waiting(1, 2)),
            uid: 33,
            elapsed: Duration::from_secs(3),
            repeated: 2,
            fate: Fate::Blocked,
        };
        let java = Owner { process: Some(1234), command: Some("java".to_owned()), unit: None };
        let known = signal(&seen, "host", Some("push.example"), &java);
        assert_eq!(known.origin.service.as_deref(), Some("java"));
        assert_eq!(known.origin.instance.as_deref(), Some("pid 1234"));
        assert!(matches!(&known.word, Word::Attempt(attempt)
            if attempt.failed == Some(FailureClass::ConnectTimeout) && attempt.host.as_deref() == Some("push.example")));
        assert_eq!(signal(&seen, "host", None, &Owner::default()).origin.instance.as_deref(), Some("uid 33"));
    }

    proptest! {
        #[test]
        fn no_socket_fails_twice(looks in prop::collection::vec(prop::collection::vec((1_u16..6, 0_u32..4), 0..5), 1..40)) {
            let mut connects = Connects::new(Patience::default());
            let mut told: BTreeSet<u16> = BTreeSet::new();
            for (number, look) in looks.iter().enumerate() {
                let sockets: BTreeMap<u16, Socket> =
                    look.iter().map(|&(port, repeats)| (port, waiting(port, repeats))).collect();
                // What is gone for a look comes back as another socket.
                told.retain(|port| sockets.contains_key(port));
                let sockets: Vec<Socket> = sockets.into_values().collect();
                for seen in connects.look(at(number as u64 * 700), 0, &sockets, &none()) {
                    if seen.fate == Fate::Blocked {
                        prop_assert!(told.insert(seen.key.flow.local.port()));
                        prop_assert!(seen.repeated >= 1 && seen.elapsed >= Duration::from_secs(3));
                    }
                }
                prop_assert!(connects.followed.len() <= 5);
            }
        }
    }
}
