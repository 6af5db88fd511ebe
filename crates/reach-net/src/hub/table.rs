//! The probes of one hub: by what each is known, and who waits for it.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    time::Duration,
};

use reach_core::model::Outcome;
use tokio::{sync::oneshot, time::Instant};

use crate::stamp::Sent;

/// The most repeats of one probe's outcome that are told: many hosts may answer a broadcast, and a flood of
/// duplicates says nothing new.
const MOST_REPEATS: u8 = 32;

/// Hears of what comes for a probe after its outcome.
pub(crate) type Late = Box<dyn Fn(Outcome) + Send>;

/// Names a place in a table, in the order in which they were taken.
pub(crate) type Ticket = u64;

/// The probes under way on one socket, and those whose late replies are still known.
pub(crate) struct Table<P> {
    places: BTreeMap<Ticket, Place<P>>,
    by_key: HashMap<(IpAddr, u16), Vec<Ticket>>,
    next: Ticket,
    /// When the last place would be cleared away, had all of them stayed.
    in_use_until: Option<Instant>,
}

/// One probe.
pub(crate) struct Place<P> {
    key: (IpAddr, u16),
    pub(crate) packet: P,
    pub(crate) sent: Sent,
    /// Who waits for the outcome, until there is one.
    waiter: Option<oneshot::Sender<Outcome>>,
    late: Option<Late>,
    /// A reply or an error came.
    is_settled: bool,
    repeats: u8,
    /// When it is cleared away.
    until: Instant,
}

impl<P> Place<P> {
    /// A probe about to be sent, which keeps its place until a time.
    pub(super) fn new(
        key: (IpAddr, u16),
        packet: P,
        waiter: oneshot::Sender<Outcome>,
        late: Option<Late>,
        until: Instant,
    ) -> Self {
        let waiter = Some(waiter);
        Self { key, packet, sent: Sent::now(), waiter, late, is_settled: false, repeats: 0, until }
    }

    /// Whether something may still come for it, as far as can be told.
    pub(crate) fn is_open(&self) -> bool {
        // A time-out may have been short.
        const AT_LEAST: Duration = Duration::from_secs(1);
        let is_waited_for = self.waiter.as_ref().is_some_and(|waiter| !waiter.is_closed());
        !self.is_settled && (is_waited_for || self.sent.elapsed() < AT_LEAST)
    }
}

impl<P> Default for Table<P> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), by_key: HashMap::new(), next: 0, in_use_until: None }
    }
}

impl<P> Table<P> {
    /// The probes of that key, oldest first.
    pub(crate) fn of(&self, key: (IpAddr, u16)) -> impl Iterator<Item = (Ticket, &Place<P>)> {
        let tickets = self.by_key.get(&key).map_or(&[][..], Vec::as_slice);
        tickets.iter().filter_map(|&ticket| Some((ticket, self.places.get(&ticket)?)))
    }

    /// All probes, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Ticket, &Place<P>)> {
        self.places.iter().map(|(&ticket, place)| (ticket, place))
    }

    /// Whether nobody will come back to it: no probe is known, and the last one is long over.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.places.is_empty() && self.in_use_until.is_none_or(|until| until <= now)
    }

    pub(super) fn take(&mut self, place: Place<P>) -> Ticket {
        let ticket = self.next;
        self.next += 1;
        self.in_use_until = self.in_use_until.max(Some(place.until));
        self.by_key.entry(place.key).or_default().push(ticket);
        self.places.insert(ticket, place);
        ticket
    }

    pub(super) fn leave(&mut self, ticket: Ticket) {
        let Some(place) = self.places.remove(&ticket) else { return };
        if let Some(tickets) = self.by_key.get_mut(&place.key) {
            tickets.retain(|&other| other != ticket);
            if tickets.is_empty() {
                self.by_key.remove(&place.key);
            }
        }
    }

    pub(super) fn sent(&mut self, ticket: Ticket, sent: Sent) {
        if let Some(place) = self.places.get_mut(&ticket) {
            place.sent = sent;
        }
    }

    /// Whether something came for it. A place that is not there any more had its outcome.
    pub(super) fn is_settled(&self, ticket: Ticket) -> bool {
        self.places.get(&ticket).is_none_or(|place| place.is_settled)
    }

    pub(super) fn has_waiters(&self) -> bool {
        self.places.values().any(|place| place.waiter.is_some())
    }

    /// Nobody waits for it any more; `lingers` as in [`Table::hand_over`].
    pub(super) fn give_up(&mut self, ticket: Ticket, lingers: bool) {
        let Some(place) = self.places.get_mut(&ticket) else { return };
        place.waiter = None;
        if !lingers && place.late.is_none() {
            self.leave(ticket);
        }
    }

    /// Tells whoever waits, or wants to hear of repeats, what came. A place that nobody wants to hear of again stays
    /// only if it `lingers`: if what comes again could else be taken for an answer to another probe.
    pub(super) fn hand_over(
        &mut self,
        ticket: Ticket,
        lingers: bool,
        outcome: impl FnOnce(&Place<P>) -> Outcome,
    ) {
        let Some(place) = self.places.get_mut(&ticket) else { return };
        place.is_settled = true;
        if let Some(waiter) = place.waiter.take() {
            // Nobody listens any more where the run is over.
            let _ = waiter.send(outcome(place));
        } else if let Some(late) = &place.late
            && place.repeats < MOST_REPEATS
        {
            late(outcome(place));
            place.repeats += 1;
        }
        if !lingers && place.late.is_none() {
            self.leave(ticket);
        }
    }

    /// Clears away, from the oldest on, the places whose time has come.
    pub(super) fn tidy(&mut self, now: Instant) {
        while let Some(first) = self.places.first_entry()
            && first.get().until <= now
        {
            let ticket = *first.key();
            self.leave(ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use reach_core::model::Silence;

    use super::*;

    const KEY: (IpAddr, u16) = (IpAddr::V4(Ipv4Addr::LOCALHOST), 7);

    fn outcome() -> Outcome {
        Outcome::Silent(Silence::default())
    }

    #[tokio::test]
    async fn what_comes_after_the_outcome_is_told_apart_and_not_without_end() {
        let told = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&told);
        let late: Late = Box::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let (waiter, mut waits) = oneshot::channel();
        let mut table = Table::default();
        let ticket = table.take(Place::new(KEY, (), waiter, Some(late), Instant::now()));
        assert!(table.has_waiters() && !table.is_settled(ticket));
        table.hand_over(ticket, true, |_| outcome());
        assert_eq!(waits.try_recv(), Ok(outcome()));
        assert!(!table.has_waiters() && table.is_settled(ticket));
        assert_eq!(told.load(Ordering::Relaxed), 0);
        for _ in 0..1000 {
            table.hand_over(ticket, true, |_| outcome());
        }
        assert_eq!(told.load(Ordering::Relaxed), usize::from(MOST_REPEATS));
    }

    #[tokio::test]
    async fn places_are_found_by_their_key_until_their_time_has_come() {
        let now = Instant::now();
        let mut table = Table::default();
        let mut keep = Vec::new();
        let tickets = [1, 2, 3].map(|after| {
            let (waiter, waits) = oneshot::channel();
            keep.push(waits);
            table.take(Place::new(KEY, after, waiter, None, now + Duration::from_secs(after)))
        });
        let found = |table: &Table<u64>| table.of(KEY).map(|(ticket, _)| ticket).collect::<Vec<_>>();
        assert_eq!(found(&table), tickets);
        table.tidy(now + Duration::from_secs(2));
        assert_eq!(found(&table), tickets[2..]);
        table.tidy(now + Duration::from_secs(3));
        assert!(table.is_over(now + Duration::from_secs(3)) && found(&table).is_empty());
    }

    #[tokio::test]
    async fn a_place_that_nobody_comes_back_to_is_free_at_once_and_its_socket_stays_open_for_others() {
        let until = Instant::now() + Duration::from_secs(10);
        let mut table = Table::default();
        let take = |table: &mut Table<()>, late: Option<Late>| {
            let (waiter, waits) = oneshot::channel();
            (table.take(Place::new(KEY, (), waiter, late, until)), waits)
        };
        let ((settled, _waits), (silent, _waited)) = (take(&mut table, None), take(&mut table, None));
        table.hand_over(settled, false, |_| outcome());
        assert!(table.is_settled(settled) && !table.is_settled(silent));
        table.give_up(silent, false);
        assert_eq!(table.all().count(), 0);
        assert!(!table.is_over(Instant::now()) && table.is_over(until));
        let (heard, _waits) = take(&mut table, Some(Box::new(|_| ())));
        table.hand_over(heard, false, |_| outcome());
        assert_eq!(table.all().count(), 1, "its repeats are wanted");
    }

    #[tokio::test]
    async fn a_probe_is_under_way_while_somebody_waits_or_it_is_young() {
        let (waiter, waits) = oneshot::channel();
        let mut table = Table::default();
        let ticket = table.take(Place::new(KEY, (), waiter, None, Instant::now()));
        let is_open = |table: &Table<()>| table.all().any(|(_, place)| place.is_open());
        assert!(is_open(&table));
        drop(waits);
        assert!(is_open(&table), "its reply may still come");
        table.hand_over(ticket, true, |_| outcome());
        assert!(!is_open(&table));
    }
}
