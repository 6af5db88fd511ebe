//! What is known of one target, and what of it is wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{
    Case, Context,
    address::{Address, Tried},
    life::new_ledger,
    rules::{Certificates, Complaint, Counters, Pool},
    sufferings::Sufferings,
};
use crate::{
    Time,
    model::ResolutionError,
    watch::{
        AddressState, Asked, Cause, Gravity, Layer, Phase, Reading, Remembered, Sample, Transition, Watched,
        Why,
        joining::{ServiceName, Suffering},
    },
};

/// A try that was under way when its address was dismissed comes back within this time.
const LATE: Duration = Duration::from_secs(10 * 60);
/// A try is fresh for so many of its turns, and for so long besides.
const FRESH_TURNS: u32 = 3;
const FRESH_SPAN: Duration = Duration::from_secs(60);
/// After a restart resolvers that differed have so long to differ again before they count as agreed.
const DISAGREE_AGAIN: Duration = Duration::from_secs(60 * 60);

/// One target.
#[derive(Debug)]
pub(super) struct Ward {
    pub watched: Watched,
    /// Boxed, because a map makes room for eleven of whatever is in it, and many targets have one.
    pub addresses: BTreeMap<IpAddr, Box<Address>>,
    /// Addresses that are not tried any more, and since when.
    dismissed: BTreeMap<IpAddr, Time>,
    pub unresolved: Option<Pending<ResolutionError>>,
    pub odd: Option<Pending<BTreeSet<SocketAddr>>>,
    last_unanswered: Option<Time>,
    pub counters: Counters,
    pub certificates: Certificates,
    pub(super) sufferings: Sufferings,
    pub pool: Pool,
    pub last_answer: Option<Time>,
    /// When something was last seen to be wrong.
    pub bad_until: Time,
    /// The quiet time that its next incident begins with, and until when it has to.
    pub quiet: (Duration, Time),
    /// After a restart its addresses may not all be known until then.
    pub learning_until: Time,
    pub case: Option<Box<Case>>,
}

/// Something that is wrong since a moment, and matters if it lasts.
#[derive(Debug)]
pub(super) struct Pending<T> {
    pub what: T,
    pub since: Time,
    /// The same, less the time that was not watched.
    counted_from: Time,
    /// Not heard of since a restart.
    remembered: bool,
}

impl<T> Pending<T> {
    fn new(what: T, since: Time) -> Self {
        Self { what, since, counted_from: since, remembered: false }
    }
}

impl Ward {
    pub(super) fn new(watched: Watched, now: Time) -> Self {
        let baseline = now + watched.pace.gone_after;
        Self {
            counters: Counters::new(&watched.rules),
            quiet: (watched.rules.recovered_after, now),
            watched,
            addresses: BTreeMap::new(),
            dismissed: BTreeMap::new(),
            unresolved: None,
            odd: None,
            last_unanswered: None,
            certificates: Certificates::default(),
            sufferings: Sufferings::default(),
            pool: Pool::new(baseline),
            last_answer: None,
            bad_until: now,
            learning_until: now,
            case: None,
        }
    }

    /// Goes on with an incident that was open when it was remembered.
    pub(super) fn resume(&mut self, mut case: Case, cx: &mut Context<'_>) {
        self.pool.is_known();
        for member in &case.incident.members {
            if member.state != AddressState::Gone {
                self.addresses.insert(member.address, Box::new(Address::member(member)));
            }
        }
        for cause in &case.incident.causes {
            match cause {
                Cause::Unresolved(error) => {
                    self.unresolved =
                        Some(Pending { remembered: true, ..Pending::new(*error, case.incident.began) });
                }
                Cause::Suffering(suffering) => self.sufferings.resume(suffering, cx.now),
                Cause::Disagreement { odd } => {
                    let pending = Pending::new(odd.clone(), case.incident.began);
                    self.odd = Some(Pending { remembered: true, ..pending });
                }
                _ => {}
            }
        }
        case.incident.members.sort_by_key(|member| member.address);
        self.learning_until = cx.now + self.fresh_span();
        let clocks = &mut case.incident.clocks;
        match case.incident.phase {
            Phase::Open => {
                self.counters.resume(&case.incident.causes, cx.now);
                self.certificates.resume(&case.incident.causes);
            }
            Phase::Calming { .. } => {
                (self.unresolved, self.odd) = (None, None);
                case.incident.phase = Phase::Calming { since: cx.now };
                clocks.ends = Some(cx.now + case.incident.quiet);
            }
            Phase::Recovered { .. } | Phase::Closed { .. } => {
                clocks.ends = clocks.ends.max(Some(cx.now + self.watched.rules.clear_after));
                case.ledger = Some(new_ledger(&self.watched, &self.addresses, cx.now));
            }
        }
        if !case.incident.clocks.told {
            case.examine(cx);
        }
        case.dirty = true;
        self.case = Some(Box::new(case));
    }

    /// Is watched by other rules, or called otherwise, from now on.
    pub(super) fn reload(&mut self, watched: Watched) {
        let counters = Counters::new(&watched.rules);
        let old = std::mem::replace(&mut self.counters, counters);
        self.counters.inherit(old);
        if let Some(case) = &mut self.case {
            case.incident.title.clone_from(&watched.target.text);
            case.incident.labels.clone_from(&watched.labels);
            case.dirty = true;
        }
        self.addresses.values_mut().for_each(|address| address.tried_differently());
        self.watched = watched;
    }

    /// Learns what was remembered of an address.
    pub(super) fn know(&mut self, row: &Remembered, now: Time) {
        self.pool.is_known();
        let address = row.series.address;
        if let Some(expires) = row.certificate_expires
            && !self.certificates.knows(address, expires)
        {
            self.certificates.saw(address, expires, None);
        }
        // A clock that was set back meanwhile makes nobody wait for it.
        let row = Remembered { since: row.since.min(now), ..row.clone() };
        self.addresses.insert(address, Box::new(Address::remembered(&row)));
    }

    pub(super) fn moved(&mut self, transition: &Transition) {
        let address = transition.series.address;
        let at = transition.at;
        match transition.why {
            Why::Forgotten | Why::Dropped => {
                self.addresses.remove(&address);
                self.certificates.dismiss(address);
                self.dismissed.retain(|_, since| at.since(*since) < LATE);
                self.dismissed.insert(address, at);
                return;
            }
            Why::Appeared | Why::Returned => {
                self.dismissed.remove(&address);
                self.pool.appeared(address, at);
            }
            Why::LeftDns => self.pool.vanished(address, at),
            Why::Answered | Why::Failed(_) | Why::BlockedFromBirth(_) => {}
        }
        let known = self.addresses.entry(address).or_default();
        let was_bad = known.health.is_bad();
        let was_suspect = known.health == AddressState::Suspect;
        known.moved(transition);
        if was_bad || (was_suspect && self.is_member(address)) {
            self.bad_until = self.bad_until.max(at);
        }
    }

    /// Takes a sample. Whether something may follow from it now.
    pub(super) fn sampled(&mut self, sample: &Sample) -> bool {
        let address = sample.series.address;
        if self.dismissed.contains_key(&address) {
            return false;
        }
        let known = self.addresses.entry(address).or_default();
        let before = known.health;
        let well_after = self.watched.pace.well_after;
        let Some(Tried { failed, deeper }) = known.sampled(sample, well_after) else { return false };
        let (turned, down, gone) = (known.health != before, known.health == AddressState::Down, known.gone);
        if !failed {
            self.last_answer = self.last_answer.max(Some(sample.at));
        }
        // Nobody is sent to an address that no resolver gives.
        if !sample.again && !gone {
            self.count(sample, failed, deeper);
        }
        let member = self.is_member(address);
        if failed && member && !gone {
            self.bad_until = self.bad_until.max(sample.at);
        }
        // One that went down before this host slept is believed with its first failure afterwards.
        let ripe_at =
            self.addresses.get(&address).and_then(|known| known.ripe_at(self.watched.rules.open_after));
        let joins = failed && down && !member && !gone && ripe_at.is_some_and(|at| at <= sample.at);
        match &self.case {
            None => turned || (failed && down),
            Some(case) => match case.incident.phase {
                Phase::Open => turned || joins || (gone && member) || (failed && !case.incident.clocks.told),
                Phase::Calming { .. } => {
                    turned || (gone && member) || case.incident.clocks.ends.is_some_and(|at| at <= sample.at)
                }
                Phase::Recovered { .. } | Phase::Closed { .. } => turned || (failed && down),
            },
        }
    }

    fn count(&mut self, sample: &Sample, failed: bool, deeper: bool) {
        // A try that came deeper and worked there was counted when it worked at the first layer.
        if failed || !deeper {
            if let Some(share) = &mut self.counters.share {
                share.take(sample.at, failed);
            }
            for burn in &mut self.counters.burn {
                burn.take(sample.at, failed);
            }
        }
        if let (Some(latency), Layer::Connect, Reading::Answered(took)) =
            (&mut self.counters.latency, sample.layer, sample.reading)
        {
            latency.take(sample.at, took);
        }
    }

    pub(super) fn asked(&mut self, asked: &Asked) -> bool {
        match &asked.answer {
            Ok(addresses) if !addresses.is_empty() => {
                // Before the patrol has said anything after a restart, an answer says that the name resolves.
                let mends = self.unresolved.as_ref().is_some_and(|pending| pending.remembered);
                if mends {
                    self.unresolved = None;
                    self.bad_until = self.bad_until.max(asked.at);
                }
                mends
            }
            _ => {
                self.last_unanswered = self.last_unanswered.max(Some(asked.at));
                self.unresolved.is_some()
            }
        }
    }

    pub(super) fn resolution(&mut self, error: Option<ResolutionError>, at: Time) {
        if self.unresolved.is_some() {
            self.bad_until = self.bad_until.max(at);
        }
        match (&mut self.unresolved, error) {
            (Some(pending), Some(error)) => (pending.what, pending.remembered) = (error, false),
            (None, Some(error)) => self.unresolved = Some(Pending::new(error, at)),
            (_, None) => self.unresolved = None,
        }
    }

    pub(super) fn agreement(&mut self, odd: &BTreeSet<SocketAddr>, at: Time) {
        if self.odd.is_some() {
            self.bad_until = self.bad_until.max(at);
        }
        match (&mut self.odd, odd.is_empty()) {
            (_, true) => self.odd = None,
            (Some(pending), false) => (pending.what, pending.remembered) = (odd.clone(), false),
            (None, false) => self.odd = Some(Pending::new(odd.clone(), at)),
        }
    }

    /// A service suffers on its way here.
    pub(super) fn suffers_from(&mut self, suffering: &Suffering) {
        self.sufferings.take(suffering);
    }

    /// It does no more.
    pub(super) fn relieved(&mut self, service: &ServiceName, last: Time) {
        if self.sufferings.relieve(service) {
            self.bad_until = self.bad_until.max(last);
        }
    }

    /// Nothing was watched for so long, until then: no timer ran, and what was counted is not trusted.
    pub(super) fn shift(&mut self, by: Duration, until: Time) {
        self.addresses.values_mut().for_each(|address| address.shift(by, until));
        for counted_from in [
            self.unresolved.as_mut().map(|pending| &mut pending.counted_from),
            self.odd.as_mut().map(|pending| &mut pending.counted_from),
        ]
        .into_iter()
        .flatten()
        {
            *counted_from = (*counted_from + by).min(until);
        }
        self.counters.interrupted();
        self.pool.shift(by);
        if let Some(case) = &mut self.case {
            case.shift(by);
        }
    }

    pub(super) fn is_member(&self, address: IpAddr) -> bool {
        let members = self.case.as_ref().filter(|case| case.is_live()).map(|case| &case.incident.members);
        members.is_some_and(|members| members.binary_search_by_key(&address, |member| member.address).is_ok())
    }

    /// Everything besides addresses that is wrong at `now`.
    pub(super) fn complaints(&self, cx: &Context<'_>) -> Vec<Complaint> {
        let rules = &self.watched.rules;
        let mut found = Vec::new();
        if self.unresolved_is_ripe(cx)
            && let Some(pending) = &self.unresolved
        {
            let cause = Cause::Unresolved(pending.what);
            found.push(Complaint { cause, gravity: Gravity::Critical, since: pending.since, bad_at: cx.now });
        }
        found.extend(self.counters.complaints().cloned());
        found.extend(self.sufferings.complaints(cx.now));
        if let Some(limits) = rules.certificate {
            found.extend(self.certificates.complaints(limits, &self.watched.target.text, cx.now));
        }
        if let Some(odd) = self.odd.as_ref().filter(|odd| rules.disagreement && self.is_ripe(odd, cx)) {
            let cause = Cause::Disagreement { odd: odd.what.clone() };
            found.push(Complaint { cause, gravity: Gravity::Warning, since: odd.since, bad_at: cx.now });
        }
        found
    }

    fn unresolved_is_ripe(&self, cx: &Context<'_>) -> bool {
        // What failed before this host was back may have failed for its sake.
        let afresh = |pending: &Pending<_>| {
            pending.remembered || pending.since >= cx.thaw || self.last_unanswered >= Some(cx.thaw)
        };
        self.unresolved.as_ref().is_some_and(|pending| self.is_ripe(pending, cx) && afresh(pending))
    }

    fn is_ripe<T>(&self, pending: &Pending<T>, cx: &Context<'_>) -> bool {
        pending.remembered || pending.counted_from + self.watched.rules.open_after <= cx.now
    }

    /// Forgets resolvers that differed before a restart and never since.
    pub(super) fn outgrow(&mut self, cx: &Context<'_>) {
        if self.odd.as_ref().is_some_and(|odd| odd.remembered && cx.now.since(cx.thaw) >= DISAGREE_AGAIN) {
            self.odd = None;
        }
    }

    /// Whether an address has been down for long enough, and fails still.
    pub(super) fn has_ripe_address(&self, cx: &Context<'_>) -> bool {
        self.addresses.values().any(|address| self.is_ripe_address(address, cx))
    }

    pub(super) fn is_ripe_address(&self, address: &Address, cx: &Context<'_>) -> bool {
        let ripe = address.ripe_at(self.watched.rules.open_after).is_some_and(|at| at <= cx.now);
        // The moment that it went down, where no sample says more, is as good as a failure.
        let fails = address.failed_since(self.fresh_since(cx))
            || address.failing_since.is_some_and(|since| since >= self.fresh_since(cx));
        ripe && fails
    }

    /// A sample from then on is fresh.
    pub(super) fn fresh_since(&self, cx: &Context<'_>) -> Time {
        let micros = u64::try_from(self.fresh_span().as_micros()).unwrap_or(u64::MAX);
        Time::from_micros(cx.now.as_micros().saturating_sub(micros)).max(cx.thaw)
    }

    fn fresh_span(&self) -> Duration {
        let pace = &self.watched.pace;
        pace.every * FRESH_TURNS + pace.timeout + FRESH_SPAN.max(self.watched.rules.open_after)
    }

    /// When something of it will be due.
    pub(super) fn due(&self, cx: &Context<'_>) -> Option<Time> {
        let rules = &self.watched.rules;
        let later = |at: &Time| *at > cx.now;
        let ripe = self.addresses.values().filter_map(|address| address.ripe_at(rules.open_after));
        let pending = [
            self.unresolved.as_ref().map(|pending| pending.counted_from + rules.open_after),
            self.odd.as_ref().map(|pending| {
                if pending.remembered {
                    cx.thaw + DISAGREE_AGAIN
                } else {
                    pending.counted_from + rules.open_after
                }
            }),
            rules.certificate.and_then(|limits| self.certificates.due(limits, cx.now)),
        ];
        let upcoming = ripe.chain(pending.into_iter().flatten()).filter(later);
        let pool = self.pool.due().filter(|_| rules.pool_changes);
        let case = self.case.as_ref().and_then(|case| case.due(cx.now));
        let upcoming = upcoming.chain(self.sufferings.due().filter(later));
        upcoming.chain(self.counters.due()).chain(pool).chain(case).min()
    }
}
