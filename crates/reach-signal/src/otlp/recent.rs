//! What was seen lately, in bounded memory.

use std::{
    collections::{HashSet, VecDeque},
    hash::Hash,
};

/// Remembers the last things that it was given.
#[derive(Debug)]
pub(super) struct Recent<T> {
    most: usize,
    seen: HashSet<T>,
    order: VecDeque<T>,
}

impl<T: Clone + Eq + Hash> Recent<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, seen: HashSet::new(), order: VecDeque::new() }
    }

    /// Remembers it; whether it is new.
    pub(super) fn insert(&mut self, thing: T) -> bool {
        if !self.seen.insert(thing.clone()) {
            return false;
        }
        self.order.push_back(thing);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}
