//! What the commands read of the past. The file is opened beside the watch, read-only, whether the watch runs or not.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use reach_core::{
    Time,
    judge::judge,
    model::Target,
    watch::{Incident, IncidentId, Layer, Reason, TargetId, Transition, fits},
};
pub use reach_report::watch::{EvidenceRecord, HistoryBucket, IncidentRecord, KnownTarget};
use reach_store::{Bucket, Error as StoreError, IncidentFilter, Reader, Span};

use super::{asking, incidents::Trouble};
use crate::{
    cli::{MemoryArgs, nearest},
    config::{
        Problems, Surroundings,
        watch::{World, locate},
    },
    output::shown,
};

/// What is remembered.
pub trait Memory {
    /// Every target that was ever watched.
    fn targets(&self) -> Result<Vec<KnownTarget>, MemoryError>;

    /// What came of trying a target, over the whole of a time: one for each address and layer.
    fn totals(&self, target: TargetId, from: Time, until: Time) -> Result<Vec<HistoryBucket>, MemoryError>;

    /// The same in stretches of `step`, of which `from` is a multiple since the epoch; stretches without tries have no
    /// bucket. May be coarser than asked for where only coarser summaries are left.
    fn history(
        &self,
        target: TargetId,
        from: Time,
        until: Time,
        step: Duration,
    ) -> Result<Vec<HistoryBucket>, MemoryError>;

    /// Changes of state in a time, oldest first.
    fn transitions(&self, target: TargetId, from: Time, until: Time) -> Result<Vec<Transition>, MemoryError>;

    /// Incidents that were not over before `from` and began before `until`, newest first.
    fn incidents(&self, from: Time, until: Time) -> Result<Vec<Incident>, MemoryError>;

    /// One incident, with everything.
    fn incident(&self, id: IncidentId) -> Result<Option<IncidentRecord>, MemoryError>;
}

/// Why the past cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// There is no such file.
    #[error("`{}` is not there; a watch has to have run, or name its memory with --store", name(.0))]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("`{}` cannot be read: {why}", name(.path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

fn name(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// Opens the memory of a watch.
pub fn open(path: &Path) -> Result<Box<dyn Memory>, MemoryError> {
    Ok(Box::new(of(reader(path)?, path)))
}

/// What this reader remembers, which is of the file at `path`.
pub(crate) fn of(reader: Reader, path: &Path) -> impl Memory + use<> {
    Stored { reader, path: path.to_owned() }
}

/// Opens the one that is meant.
pub(super) fn meant(args: &MemoryArgs, around: &Surroundings) -> Result<Box<dyn Memory>, Trouble> {
    let path = place(args, asking::world(around)).map_err(Trouble::Typed)?;
    Ok(open(&path)?)
}

/// Opens the file itself.
pub(super) fn reader(path: &Path) -> Result<Reader, MemoryError> {
    Reader::open(path).map_err(|error| match error {
        StoreError::Missing { path } => MemoryError::Missing(path),
        error => unreadable(path, &error),
    })
}

/// Why a file cannot be read.
pub(super) fn unreadable(path: &Path, error: &StoreError) -> MemoryError {
    MemoryError::Unreadable { path: path.to_owned(), why: error.to_string() }
}

/// Every target that was ever watched.
pub(super) fn known(reader: &Reader) -> Result<Vec<KnownTarget>, StoreError> {
    let targets = reader.targets()?;
    Ok(targets.into_iter().map(|(id, text)| KnownTarget { id, text }).collect())
}

/// What the store remembers.
struct Stored {
    reader: Reader,
    path: PathBuf,
}

impl Stored {
    fn ask<T>(&self, question: impl FnOnce(&Reader) -> Result<T, StoreError>) -> Result<T, MemoryError> {
        question(&self.reader).map_err(|error| unreadable(&self.path, &error))
    }
}

impl Memory for Stored {
    fn targets(&self) -> Result<Vec<KnownTarget>, MemoryError> {
        self.ask(known)
    }

    fn history(
        &self,
        target: TargetId,
        from: Time,
        until: Time,
        step: Duration,
    ) -> Result<Vec<HistoryBucket>, MemoryError> {
        let history = self.ask(|reader| reader.history(target, Span { from, until }, step))?;
        let buckets = history.addresses.into_iter().flat_map(|((address, layer), buckets)| {
            buckets.into_iter().map(move |bucket| shown_bucket(address, layer, bucket))
        });
        Ok(buckets.collect())
    }

    fn totals(&self, target: TargetId, from: Time, until: Time) -> Result<Vec<HistoryBucket>, MemoryError> {
        // The finest that there is, so that nothing from before or behind is counted.
        let step = Duration::from_secs(1);
        let history = self.ask(|reader| reader.history(target, Span { from, until }, step))?;
        let totals = history.addresses.into_iter().filter_map(|((address, layer), buckets)| {
            let whole = buckets.into_iter().reduce(|mut whole, more| {
                whole.absorb(more);
                whole
            })?;
            Some(HistoryBucket { from, ..shown_bucket(address, layer, whole) })
        });
        Ok(totals.collect())
    }

    fn transitions(&self, target: TargetId, from: Time, until: Time) -> Result<Vec<Transition>, MemoryError> {
        self.ask(|reader| reader.transitions(Some(target), Span { from, until }).collect())
    }

    fn incidents(&self, from: Time, until: Time) -> Result<Vec<Incident>, MemoryError> {
        let filter = IncidentFilter { since: Some(from), ..IncidentFilter::default() };
        let mut incidents = self.ask(|reader| reader.incidents(&filter))?;
        incidents.retain(|incident| incident.began < until);
        Ok(incidents)
    }

    fn incident(&self, id: IncidentId) -> Result<Option<IncidentRecord>, MemoryError> {
        let Some(record) = self.ask(|reader| reader.incident(id))? else { return Ok(None) };
        let mut evidence = Vec::new();
        for kept in &record.evidence {
            let Some(examination) = self.ask(|reader| reader.examination(kept.number))? else { continue };
            evidence.push(EvidenceRecord {
                at: kept.at,
                observations: examination.observations.len() as u64,
                diagnosis: judge(&examination.case, &examination.observations),
                case: examination.case,
            });
        }
        let (incident, transitions) = (record.incident, record.transitions);
        Ok(Some(IncidentRecord { incident, transitions, messages: record.notices, evidence }))
    }
}

pub(super) fn shown_bucket(address: IpAddr, layer: Layer, bucket: Bucket<Reason>) -> HistoryBucket {
    HistoryBucket {
        address,
        layer,
        from: bucket.at,
        tries: bucket.tries(),
        unable: bucket.unable,
        p50: bucket.quantile(0.5),
        p95: bucket.quantile(0.95),
        failures: bucket.failures,
    }
}

/// The file that is meant.
pub(super) fn place(args: &MemoryArgs, world: World<'_>) -> Result<PathBuf, Problems> {
    match &args.store {
        Some(path) => Ok(path.clone()),
        None => locate(args.of.config.as_deref(), world).map(|located| located.store),
    }
}

/// The targets that a pattern describes. Without any `*` it is a target as it is typed for other commands.
pub(super) fn wanted<'a>(known: &'a [KnownTarget], pattern: &str) -> Result<Vec<&'a KnownTarget>, String> {
    let meant = canonical(pattern);
    let found: Vec<&KnownTarget> = known.iter().filter(|target| fits(&meant, &target.text)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let advice = match nearest(&meant, known.iter().map(|target| target.text.as_str())) {
        Some(meant) => format!("did you mean `{}`?", shown(meant)),
        None if known.is_empty() => "nothing was".to_owned(),
        None => {
            let some: Vec<String> = known.iter().take(8).map(|target| shown(&target.text)).collect();
            let more = known.len().saturating_sub(some.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("there are {}{more}", some.join(", "))
        }
    };
    Err(format!("`{}` was never watched; {advice}", shown(pattern)))
}

/// A pattern as targets are written: `Example.com` means `example.com:443`.
pub(crate) fn canonical(pattern: &str) -> String {
    if pattern.contains('*') {
        return pattern.trim().to_lowercase();
    }
    pattern.parse().map_or_else(|_| pattern.trim().to_owned(), |target: Target| target.text)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{collections::BTreeMap, net::IpAddr};

    use reach_core::watch::{
        AddressState, Gravity, Layer, Phase, Reading, Reason, Sample, Series, Subject, Why,
    };

    use super::*;

    /// A memory of one afternoon: one target, two addresses, of which one was down for a while.
    pub(in crate::command) struct Afternoon;

    pub(crate) const NOON: Time = Time::from_micros(1_795_348_800_000_000);

    pub(in crate::command) fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, last])
    }

    fn every_minute(from: Time, until: Time) -> impl Iterator<Item = Sample> {
        let samples = (0..240_u64).flat_map(|minute| {
            [11, 12].map(|last| {
                let bad = last == 12 && (60..120).contains(&minute);
                Sample {
                    series: Series { target: TargetId(1), address: address(last) },
                    layer: Layer::Connect,
                    at: NOON + minutes(minute),
                    again: false,
                    reading: if bad {
                        Reading::Failed(Reason::Timeout)
                    } else {
                        Reading::Answered(Duration::from_micros(8_000 + minute))
                    },
                }
            })
        });
        samples.filter(move |sample| (from..until).contains(&sample.at))
    }

    pub(crate) fn incident() -> Incident {
        Incident {
            id: IncidentId(17),
            subject: Subject::Target(TargetId(1)),
            title: "fcm.googleapis.com:443".to_owned(),
            labels: BTreeMap::new(),
            gravity: Gravity::Degraded,
            worst: Gravity::Degraded,
            phase: Phase::Closed { at: NOON + minutes(180), all_clear: true },
            began: NOON + minutes(60),
            opened: NOON + minutes(61),
            changed: NOON + minutes(180),
            causes: Vec::new(),
            members: Vec::new(),
            pool: 2,
            acknowledged: None,
            muted_until: None,
            unstable: false,
            quiet: minutes(5),
            relapses: 0,
            unwatched: Duration::ZERO,
            ending: None,
            notices: 3,
            rang: vec![NOON + minutes(61)],
            remarks: Vec::new(),
            diagnosis: None,
            clocks: Default::default(),
        }
    }

    impl Memory for Afternoon {
        fn targets(&self) -> Result<Vec<KnownTarget>, MemoryError> {
            Ok(vec![
                KnownTarget { id: TargetId(1), text: "fcm.googleapis.com:443".to_owned() },
                KnownTarget { id: TargetId(2), text: "db.example:5432".to_owned() },
            ])
        }

        fn totals(
            &self,
            target: TargetId,
            from: Time,
            until: Time,
        ) -> Result<Vec<HistoryBucket>, MemoryError> {
            self.history(target, from, until, until.since(from))
        }

        fn history(
            &self,
            target: TargetId,
            from: Time,
            until: Time,
            step: Duration,
        ) -> Result<Vec<HistoryBucket>, MemoryError> {
            let mut buckets: BTreeMap<(IpAddr, u64), HistoryBucket> = BTreeMap::new();
            for sample in every_minute(from, until).filter(|_| target == TargetId(1)) {
                let number = sample.at.since(from).as_secs() / step.as_secs();
                let bucket =
                    buckets.entry((sample.series.address, number)).or_insert_with(|| HistoryBucket {
                        address: sample.series.address,
                        layer: Layer::Connect,
                        from: from + Duration::from_secs(number * step.as_secs()),
                        tries: 0,
                        failures: BTreeMap::new(),
                        unable: 0,
                        p50: None,
                        p95: None,
                    });
                bucket.tries += 1;
                match sample.reading {
                    Reading::Answered(rtt) => (bucket.p50, bucket.p95) = (Some(rtt), Some(rtt)),
                    Reading::Failed(reason) => *bucket.failures.entry(reason).or_default() += 1,
                    Reading::Unable => bucket.unable += 1,
                }
            }
            Ok(buckets.into_values().collect())
        }

        fn transitions(
            &self,
            target: TargetId,
            from: Time,
            until: Time,
        ) -> Result<Vec<Transition>, MemoryError> {
            let series = Series { target: TargetId(1), address: address(12) };
            let changed =
                |minute, from, to, why| Transition { series, at: NOON + minutes(minute), from, to, why };
            let all = [
                changed(60, AddressState::Ok, AddressState::Suspect, Why::Failed(Reason::Timeout)),
                changed(61, AddressState::Suspect, AddressState::Down, Why::Failed(Reason::Timeout)),
                changed(120, AddressState::Down, AddressState::Recovering, Why::Answered),
                changed(125, AddressState::Recovering, AddressState::Ok, Why::Answered),
            ];
            let wanted =
                |change: &Transition| change.series.target == target && (from..until).contains(&change.at);
            Ok(all.into_iter().filter(wanted).collect())
        }

        fn incidents(&self, from: Time, until: Time) -> Result<Vec<Incident>, MemoryError> {
            let incident = incident();
            let overlaps = NOON + minutes(180) >= from && incident.began < until;
            Ok(overlaps.then_some(incident).into_iter().collect())
        }

        fn incident(&self, id: IncidentId) -> Result<Option<IncidentRecord>, MemoryError> {
            if id != IncidentId(17) {
                return Ok(None);
            }
            let transitions = self.transitions(TargetId(1), NOON, NOON + minutes(240))?;
            Ok(Some(IncidentRecord {
                incident: incident(),
                transitions,
                messages: Vec::new(),
                evidence: Vec::new(),
            }))
        }
    }

    #[test]
    fn a_pattern_without_a_star_is_a_target_as_it_is_typed() {
        assert_eq!(canonical("FCM.example"), "fcm.example:443");
        assert_eq!(canonical("FCM*"), "fcm*");
    }

    #[test]
    fn a_target_that_was_never_watched_is_told_with_those_that_were() {
        let known = Afternoon.targets().expect("read");
        assert_eq!(wanted(&known, "fcm.googleapis.com").expect("known").len(), 1);
        assert_eq!(wanted(&known, "*").expect("known").len(), 2);
        let near = wanted(&known, "fcm.googleapi.com").expect_err("unknown");
        assert!(near.contains("did you mean `fcm.googleapis.com:443`?"), "{near}");
        let far = wanted(&known, "other.example").expect_err("unknown");
        assert!(far.contains("there are fcm.googleapis.com:443, db.example:5432"), "{far}");
        assert!(wanted(&[], "x").expect_err("unknown").contains("nothing was"));
    }

    #[test]
    fn a_memory_that_is_not_there_is_told_as_such() {
        let error = open(Path::new("/nonexistent/reach.db")).err().expect("not there").to_string();
        assert!(
            error.contains("`/nonexistent/reach.db` is not there") && error.contains("--store"),
            "{error}"
        );
    }
}
