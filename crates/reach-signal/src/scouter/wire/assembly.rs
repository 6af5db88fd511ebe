//! Parts of packs, put together in bounded time and memory.

use std::{collections::BTreeMap, time::Duration};

use reach_core::Time;

use super::{
    frame::Part,
    pack::Pack,
    read::{Malformed, Reader},
};

/// How long parts wait for the others, as the collector has it.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many sets are under way at the same time, as the collector has it.
const SETS: usize = 1000;

/// How many bytes they may hold together.
const BYTES: usize = 64 << 20;

/// How many bytes one of them may hold.
const SET: usize = 8 << 20;

/// Parts of packs from senders of type `S`, until they are whole.
#[derive(Clone, Debug)]
pub struct Assembly<S> {
    sets: BTreeMap<(S, i64, i16), Set>,
    bytes: usize,
    lost: u64,
}

#[derive(Clone, Debug)]
struct Set {
    since: Time,
    parts: BTreeMap<i16, Vec<u8>>,
    bytes: usize,
}

/// The parts of a pack, put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole(pub Vec<u8>);

impl Whole {
    /// The pack that they are.
    ///
    /// # Errors
    ///
    /// When they are none.
    pub fn pack(&self) -> Result<Pack, Malformed> {
        Pack::read(&mut Reader::new(&self.0))
    }
}

impl<S> Default for Assembly<S> {
    fn default() -> Assembly<S> {
        Assembly { sets: BTreeMap::new(), bytes: 0, lost: 0 }
    }
}

impl<S: Ord + Clone> Assembly<S> {
    /// Takes a part in, and gives the whole with its last part. Parts that cannot belong to anything are ignored,
    /// a part that came before is replaced.
    pub fn part(&mut self, now: Time, from: S, part: Part) -> Option<Whole> {
        if part.total <= 0 || !(0..part.total).contains(&part.number) {
            return None;
        }
        self.forget(now);
        if part.total == 1 {
            return Some(Whole(part.bytes.0));
        }
        let key = (from, part.id, part.total);
        let length = part.bytes.0.len();
        let set = self.sets.entry(key.clone()).or_insert_with(|| Set {
            since: now,
            parts: BTreeMap::new(),
            bytes: 0,
        });
        let replaced = set.parts.insert(part.number, part.bytes.0).map_or(0, |before| before.len());
        set.bytes = set.bytes + length - replaced;
        self.bytes = self.bytes + length - replaced;
        if set.bytes > SET {
            self.drop_set(&key);
            self.lost += 1;
        } else if set.parts.len() == usize::try_from(part.total).unwrap_or(usize::MAX) {
            return self.drop_set(&key).map(|set| Whole(set.parts.into_values().flatten().collect()));
        }
        self.make_room();
        None
    }

    /// Gives up what has waited too long.
    pub fn forget(&mut self, now: Time) {
        let old: Vec<_> = self
            .sets
            .iter()
            .filter(|(_, set)| now.since(set.since) > PATIENCE)
            .map(|(key, _)| key.clone())
            .collect();
        for key in old {
            self.drop_set(&key);
            self.lost += 1;
        }
    }

    /// How many packs were given up since this was asked last.
    pub fn lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn make_room(&mut self) {
        while self.sets.len() > SETS || self.bytes > BYTES {
            let Some(oldest) = self.sets.iter().min_by_key(|(_, set)| set.since).map(|(key, _)| key.clone())
            else {
                return;
            };
            self.drop_set(&oldest);
            self.lost += 1;
        }
    }

    fn drop_set(&mut self, key: &(S, i64, i16)) -> Option<Set> {
        let set = self.sets.remove(key)?;
        self.bytes -= set.bytes;
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scouter::wire::Bytes;

    fn part(id: i64, total: i16, number: i16, bytes: &[u8]) -> Part {
        Part { obj_hash: 1, id, total, number, bytes: Bytes(bytes.to_vec()) }
    }

    #[test]
    fn parts_in_any_order_and_twice_make_the_whole_once() {
        let mut assembly = Assembly::default();
        let now = Time::from_micros(1);
        assert_eq!(assembly.part(now, 1, part(7, 3, 2, b"c")), None);
        assert_eq!(assembly.part(now, 1, part(7, 3, 0, b"x")), None);
        assert_eq!(assembly.part(now, 1, part(7, 3, 0, b"a")), None);
        assert_eq!(assembly.part(now, 2, part(7, 3, 1, b"of another")), None);
        assert_eq!(assembly.part(now, 1, part(7, 3, 1, b"b")), Some(Whole(b"abc".to_vec())));
        assert_eq!(assembly.lost(), 0);
    }

    #[test]
    fn what_waits_too_long_is_given_up_and_counted() {
        let mut assembly = Assembly::default();
        assembly.part(Time::from_micros(0), 1, part(7, 2, 0, b"a"));
        let late = Time::from_micros(1_000_001);
        assert_eq!(assembly.part(late, 1, part(7, 2, 1, b"b")), None);
        assert_eq!(assembly.lost(), 1);
        assert_eq!(assembly.lost(), 0);
    }

    #[test]
    fn strange_numbers_are_ignored() {
        let mut assembly = Assembly::default();
        for (total, number) in [(0, 0), (-1, 0), (2, 2), (2, -1), (i16::MAX, i16::MAX)] {
            assert_eq!(assembly.part(Time::default(), 1, part(1, total, number, b"x")), None);
        }
        assert!(assembly.sets.is_empty());
    }

    proptest! {
        #[test]
        fn never_more_is_held_than_is_allowed(
            sent in prop::collection::vec((any::<u8>(), any::<i16>(), 1..5i16, 0..5i16, 0..200_000usize), 0..200)
        ) {
            let mut assembly = Assembly::default();
            for (step, (from, id, total, number, length)) in sent.into_iter().enumerate() {
                let now = Time::from_micros(step as u64);
                assembly.part(now, from, part(id.into(), total, number, &vec![0; length]));
                prop_assert!(assembly.sets.len() <= SETS && assembly.bytes <= BYTES);
                prop_assert_eq!(assembly.bytes, assembly.sets.values().map(|set| set.bytes).sum::<usize>());
            }
            assembly.forget(Time::from_micros(10_000_000));
            prop_assert_eq!(assembly.bytes, 0);
        }
    }
}
