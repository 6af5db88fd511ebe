//! How a target has been: what the memory has of it, as the charts take it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::{
    Time,
    watch::{AddressState, AddressStatus, Incident, Layer, Phase, Reason, TargetStatus, Transition, Why},
};
use reach_report::{
    chart::{
        HeatCell, HeatMap, HeatRow, Mark, Percentiles, PoolChart, PoolRow, PoolSpan, Smoke, SmokePoint,
        Window,
    },
    page::{Plots, Range, Voice, with},
    watch::state,
};
use reach_store::{Bucket, Error, Note, Reader, Span};

/// Rows of a picture.
const MOST_ROWS: usize = 96;
/// Changes of a pool that are read.
const MOST_CHANGES: usize = 20_000;

/// What is looked at.
pub(super) struct Asked<'a> {
    pub(super) target: &'a TargetStatus,
    pub(super) range: &'a Range,
    pub(super) layer: Layer,
    /// `None` for all.
    pub(super) address: Option<IpAddr>,
    pub(super) incidents: &'a [Incident],
    /// Of the pictures, in pixels.
    pub(super) width: f64,
}

type Tries = BTreeMap<IpAddr, Vec<Bucket<Reason>>>;

/// Everything that is drawn of a target.
pub(super) fn plots(reader: &Reader, asked: &Asked<'_>, path: &str, voice: &Voice) -> Result<Plots, Error> {
    let step = asked.range.step();
    let from = floor(asked.range.from, step);
    let window = Window { from, until: asked.range.until, offset_s: voice.offset(asked.range.until) };
    let span = Span { from, until: asked.range.until };
    let id = asked.target.id;
    let history = reader.history(id, span, step)?;
    let tries: Tries = history
        .addresses
        .into_iter()
        .filter_map(|((address, layer), buckets)| (layer == asked.layer).then_some((address, buckets)))
        .collect();
    let gaps = gaps(&reader.notes(Some(id), span)?, span);
    let transitions: Result<Vec<Transition>, Error> =
        reader.transitions(Some(id), span).take(MOST_CHANGES).collect();
    let marks = marks(asked.incidents, window);
    let order = order(asked.target, tries.keys().copied());
    let drawn = Drawn { asked, window, step, order, marks, gaps, path, voice };
    Ok(Plots { heat: drawn.heat(&tries), smoke: drawn.smoke(tries), pool: drawn.pool(&transitions?) })
}

/// What all pictures have in common.
struct Drawn<'a> {
    asked: &'a Asked<'a>,
    window: Window,
    step: Duration,
    /// What is drawn, from the top.
    order: Vec<(IpAddr, Option<&'a AddressStatus>)>,
    marks: Vec<Mark>,
    gaps: Vec<(Time, Time)>,
    path: &'a str,
    voice: &'a Voice,
}

impl Drawn<'_> {
    fn note(&self, address: Option<&AddressStatus>) -> String {
        address
            .map_or_else(String::new, |address| state(address.remembered.state(), self.voice.lang).to_owned())
    }

    fn link(&self, address: IpAddr) -> Option<String> {
        Some(with(self.path, "address", &address.to_string()))
    }

    fn heat(&self, tries: &Tries) -> HeatMap {
        let mut map =
            HeatMap::new(self.voice.heat_title().to_owned(), self.asked.width, self.window, self.step);
        map.marks.clone_from(&self.marks);
        map.gaps.clone_from(&self.gaps);
        let columns = map.columns();
        let tried: Vec<_> = self.order.iter().filter(|(address, _)| tries.contains_key(address)).collect();
        map.left_out = tried.len().saturating_sub(MOST_ROWS);
        for (address, known) in tried.into_iter().take(MOST_ROWS) {
            let mut cells = vec![HeatCell::default(); columns];
            for bucket in tries.get(address).into_iter().flatten() {
                let commonest = bucket.failures.iter().max_by_key(|(_, count)| **count);
                let cell = HeatCell {
                    tries: bucket.tries(),
                    failed: bucket.failed(),
                    unable: bucket.unable,
                    reason: commonest.map(|(reason, _)| *reason),
                };
                let touched = map.cells(bucket.at, bucket.length);
                for place in touched {
                    add(&mut cells[place], &cell);
                }
            }
            map.rows.push(HeatRow {
                label: address.to_string(),
                note: self.note(*known),
                link: self.link(*address),
                cells,
            });
        }
        map
    }

    fn smoke(&self, tries: Tries) -> Smoke {
        let mut sums: BTreeMap<Time, Bucket<Reason>> = BTreeMap::new();
        let wanted = |address: &IpAddr| self.asked.address.is_none_or(|only| only == *address);
        for bucket in
            tries.into_iter().filter(|(address, _)| wanted(address)).flat_map(|(_, buckets)| buckets)
        {
            match sums.get_mut(&bucket.at) {
                Some(sum) => sum.absorb(bucket),
                None => drop(sums.insert(bucket.at, bucket)),
            }
        }
        let point = |(at, bucket): (Time, Bucket<Reason>)| SmokePoint {
            at,
            tries: bucket.tries(),
            failed: bucket.failed(),
            latency: Percentiles::of(|share| bucket.quantile(share)),
        };
        // Where only roll-ups are left, they are longer than what was asked for.
        let step = sums.values().map(|bucket| bucket.length).max().unwrap_or(self.step).max(self.step);
        Smoke {
            title: self.voice.smoke_title().to_owned(),
            width: self.asked.width,
            window: self.window,
            step,
            points: sums.into_iter().map(point).collect(),
            marks: self.marks.clone(),
            gaps: self.gaps.clone(),
        }
    }

    fn pool(&self, transitions: &[Transition]) -> PoolChart {
        let resolvers: BTreeSet<SocketAddr> = self.asked.target.resolvers.keys().copied().collect();
        let resolvers: Vec<SocketAddr> = resolvers.into_iter().collect();
        let mut rows = Vec::new();
        let mut seen: BTreeSet<IpAddr> = BTreeSet::new();
        let moved = transitions.iter().map(|moved| moved.series.address);
        let gone = order(self.asked.target, moved);
        for (address, known) in self.order.iter().chain(&gone) {
            if !seen.insert(*address) {
                continue;
            }
            let own = transitions.iter().filter(|moved| moved.series.address == *address);
            let mut spans = stays(own, *known, self.window);
            if let Some(last) = spans.last().copied().filter(|span| span.until.is_none()) {
                // Which resolver gives it is known of now only, and of no time before the watch began to ask.
                let givers: Vec<usize> = resolvers
                    .iter()
                    .enumerate()
                    .filter(|(_, resolver)| self.asked.target.resolvers[resolver].addresses.contains(address))
                    .map(|(index, _)| index)
                    .collect();
                if !givers.is_empty() {
                    spans.pop();
                    spans.extend(
                        givers.into_iter().map(|resolver| PoolSpan { resolver: Some(resolver), ..last }),
                    );
                }
            }
            if !spans.is_empty() {
                rows.push(PoolRow {
                    label: address.to_string(),
                    note: self.note(*known),
                    link: self.link(*address),
                    spans,
                });
            }
        }
        let left_out = rows.len().saturating_sub(MOST_ROWS);
        rows.truncate(MOST_ROWS);
        PoolChart {
            title: self.voice.pool_title().to_owned(),
            width: self.asked.width,
            window: self.window,
            resolvers: resolvers.iter().map(ToString::to_string).collect(),
            rows,
            marks: self.marks.clone(),
            gaps: self.gaps.clone(),
            left_out,
        }
    }
}

fn floor(at: Time, step: Duration) -> Time {
    let step = u64::try_from(step.as_micros()).unwrap_or(u64::MAX).max(1);
    Time::from_micros(at.as_micros() / step * step)
}

fn add(sum: &mut HeatCell, more: &HeatCell) {
    sum.tries = sum.tries.saturating_add(more.tries);
    sum.failed = sum.failed.saturating_add(more.failed);
    sum.unable = sum.unable.saturating_add(more.unable);
    sum.reason = sum.reason.or(more.reason);
}

/// IPv4 first, each in its order: a row stays where it is while its state changes.
fn order(
    target: &TargetStatus,
    others: impl Iterator<Item = IpAddr>,
) -> Vec<(IpAddr, Option<&AddressStatus>)> {
    let mut all: BTreeMap<IpAddr, Option<&AddressStatus>> = others.map(|address| (address, None)).collect();
    all.extend(target.addresses.iter().map(|known| (known.remembered.series.address, Some(known))));
    all.into_iter().collect()
}

/// From when until when an address was in its pool.
fn stays<'a>(
    transitions: impl Iterator<Item = &'a Transition>,
    known: Option<&AddressStatus>,
    window: Window,
) -> Vec<PoolSpan> {
    let mut spans = Vec::new();
    let first_seen = known.map(|known| known.remembered.first_seen);
    // Whether it was there when the window begins: what comes first says so.
    let mut since = None;
    let mut told = false;
    for moved in transitions {
        match moved.why {
            Why::Appeared | Why::Returned => since = Some(moved.at),
            Why::LeftDns => {
                let from = since.take().or_else(|| (!told).then_some(first_seen.unwrap_or(window.from)));
                if let Some(from) = from {
                    spans.push(PoolSpan {
                        resolver: None,
                        from: from.max(window.from),
                        until: Some(moved.at),
                    });
                }
            }
            _ => continue,
        }
        told = true;
    }
    let there = known.is_some_and(|known| known.remembered.state() != AddressState::Gone);
    if there {
        let from = since.or(first_seen).unwrap_or(window.from);
        spans.push(PoolSpan { resolver: None, from: from.max(window.from), until: None });
    }
    spans.retain(|span| span.from < window.until && span.until.is_none_or(|until| until > window.from));
    spans
}

/// Incidents that fall into the window.
fn marks(incidents: &[Incident], window: Window) -> Vec<Mark> {
    let mark = |incident: &Incident| {
        let until = match incident.phase {
            Phase::Open => None,
            Phase::Calming { since } | Phase::Recovered { since, .. } => Some(since),
            Phase::Closed { at, .. } => Some(at),
        };
        Mark {
            from: incident.began,
            until,
            label: format!("#{}", incident.id.0),
            link: Some(format!("/incident/{}", incident.id.0)),
        }
    };
    let touches =
        |mark: &Mark| mark.from < window.until && mark.until.is_none_or(|until| until > window.from);
    incidents.iter().map(mark).filter(touches).collect()
}

/// Times in which nothing was watched: this host slept, or reached nothing.
fn gaps(notes: &[Note], span: Span) -> Vec<(Time, Time)> {
    let mut gaps = Vec::new();
    let mut offline: Option<Time> = None;
    for note in notes {
        match note {
            Note::Gap { from, until } => gaps.push((*from, *until)),
            Note::Vantage(change) if change.online => {
                if let Some(from) = offline.take() {
                    gaps.push((from, change.at));
                }
            }
            Note::Vantage(change) => offline = offline.or(Some(change.at)),
            Note::Resolution(_) | Note::Agreement(_) | Note::Certificate(_) => {}
        }
    }
    gaps.extend(offline.map(|from| (from, span.until)));
    gaps
}
