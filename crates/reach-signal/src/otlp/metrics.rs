//! Metrics.

use std::{collections::BTreeMap, time::Duration};

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    metrics::v1::{AggregationTemporality, Metric, NumberDataPoint, metric::Data, number_data_point::Value},
};
use reach_core::{
    Time,
    signal::{Gauge, Level, Origin, Requests, Signal, Word},
};

use super::{ExportMetricsServiceRequest, Otlp, SERVICES, attributes::Attributes, when};

/// Series with running totals that are remembered.
const SERIES: usize = 20_000;
/// Codes of gRPC that are the server's failure: unknown, deadline exceeded, unimplemented, internal, unavailable,
/// data loss.
const GRPC_FAILURES: [i64; 6] = [2, 4, 12, 13, 14, 15];

/// Running totals, of which the differences count.
#[derive(Debug, Default)]
pub(super) struct Cumulative(BTreeMap<Key, Total>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    origin: Origin,
    metric: String,
    attributes: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug)]
struct Total {
    start: u64,
    count: u64,
    sum: f64,
    at: Time,
}

/// What happened between two looks.
#[derive(Clone, Copy, Debug, Default)]
struct Difference {
    count: u64,
    sum: f64,
    span: Duration,
}

/// One point of a histogram.
struct Point<'a> {
    attributes: Attributes<'a>,
    start: u64,
    at: Time,
    count: u64,
    sum: f64,
}

impl Cumulative {
    /// What came since the last look; nothing for the first one, which says what was before.
    fn take(&mut self, key: Key, point: &Point<'_>) -> Difference {
        if self.0.len() >= SERIES && !self.0.contains_key(&key) {
            self.forget();
        }
        let new = Total { start: point.start, count: point.count, sum: point.sum, at: point.at };
        let Some(old) = self.0.insert(key, new) else { return Difference::default() };
        if old.at >= new.at {
            return Difference::default();
        }
        // A total that begins anew, or falls, counts from nothing.
        let anew = new.start > old.start || new.count < old.count;
        let (count, sum) = if anew { (0, 0.0) } else { (old.count, old.sum) };
        Difference { count: new.count - count, sum: (new.sum - sum).max(0.0), span: new.at - old.at }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Makes room for many at once: to look for the oldest each time would take a second for a message of new ones.
    fn forget(&mut self) {
        let mut times: Vec<Time> = self.0.values().map(|total| total.at).collect();
        let mut surplus = times.len() / 4;
        let (_, latest, _) = times.select_nth_unstable(surplus);
        let latest = *latest;
        self.0.retain(|_, total| {
            let is_old = total.at <= latest && surplus > 0;
            surplus -= usize::from(is_old);
            !is_old
        });
    }
}

/// Parts of a level: how much is used, how much there is at all.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    used: f64,
    free: f64,
    limit: f64,
    share: Option<f64>,
}

impl Otlp {
    /// Takes metrics.
    pub fn metrics(&mut self, request: &ExportMetricsServiceRequest, now: Time) -> Vec<Signal> {
        let mut signals = Vec::new();
        for resource in &request.resource_metrics {
            let origin = self.origin(resource.resource.as_ref());
            let mut levels = BTreeMap::new();
            let mut served: Option<(Time, Requests)> = None;
            for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
                match metric.name.as_str() {
                    "http.server.request.duration"
                    | "http.server.duration"
                    | "rpc.server.duration"
                    | "rpc.server.call.duration" => self.served(metric, &origin, now, &mut served),
                    "jvm.gc.duration" | "process.runtime.jvm.gc.duration" => {
                        let share = self.collection(metric, &origin, now);
                        if let Some((at, share)) = share {
                            let of = instance(&origin);
                            let level =
                                Level { gauge: Gauge::Collection, of, share, used: None, total: None };
                            signals.push(Signal { at, origin: origin.clone(), word: Word::Level(level) });
                        }
                    }
                    _ => level(metric, &origin, now, &mut levels),
                }
            }
            if let Some((at, requests)) = served {
                if self.counted_by_metrics.len() < SERVICES || self.counted_by_metrics.contains_key(&origin) {
                    self.counted_by_metrics.insert(origin.clone(), now);
                }
                signals.push(Signal { at, origin: origin.clone(), word: Word::Requests(requests) });
            }
            signals.extend(levels.into_iter().filter_map(|((gauge, of), (at, parts))| {
                let word = Word::Level(full(gauge, of, parts)?);
                Some(Signal { at, origin: origin.clone(), word })
            }));
        }
        signals
    }

    fn served(&mut self, metric: &Metric, origin: &Origin, now: Time, served: &mut Option<(Time, Requests)>) {
        for (point, difference) in self.differences(metric, origin, now) {
            let attributes = point.attributes;
            let failed = attributes.status().is_some_and(|status| status >= 500)
                || attributes
                    .number(&["rpc.grpc.status_code"])
                    .is_some_and(|code| GRPC_FAILURES.contains(&code))
                || (attributes.status().is_none() && attributes.str(&["error.type"]).is_some());
            let (at, requests) = served.get_or_insert((
                point.at,
                Requests { span: Duration::ZERO, total: 0, failed: 0, late: 0, estimated: false },
            ));
            *at = point.at.max(*at);
            requests.span = requests.span.max(difference.span);
            requests.total = requests.total.saturating_add(difference.count);
            requests.failed = requests.failed.saturating_add(if failed { difference.count } else { 0 });
        }
    }

    /// The share of time that a JVM spent on garbage collection since the last look.
    fn collection(&mut self, metric: &Metric, origin: &Origin, now: Time) -> Option<(Time, f64)> {
        let unit = if metric.unit == "ms" { 1_000.0 } else { 1.0 };
        let (mut at, mut sum, mut span) = (Time::default(), 0.0, Duration::ZERO);
        for (point, difference) in self.differences(metric, origin, now) {
            at = at.max(point.at);
            sum += difference.sum / unit;
            span = span.max(difference.span);
        }
        (!span.is_zero()).then(|| (at, (sum / span.as_secs_f64()).clamp(0.0, 1.0)))
    }

    fn differences<'a>(
        &mut self,
        metric: &'a Metric,
        origin: &Origin,
        now: Time,
    ) -> Vec<(Point<'a>, Difference)> {
        let of = |attributes: &'a [KeyValue], start, at, count, sum: Option<f64>| Point {
            attributes: Attributes(attributes),
            start,
            at: when(at, now),
            count,
            sum: sum.unwrap_or_default(),
        };
        let (points, temporality): (Vec<Point<'a>>, i32) = match &metric.data {
            Some(Data::Histogram(histogram)) => {
                let points = histogram.data_points.iter().map(|point| {
                    let (start, at) = (point.start_time_unix_nano, point.time_unix_nano);
                    of(&point.attributes, start, at, point.count, point.sum)
                });
                (points.collect(), histogram.aggregation_temporality)
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                let points = histogram.data_points.iter().map(|point| {
                    let (start, at) = (point.start_time_unix_nano, point.time_unix_nano);
                    of(&point.attributes, start, at, point.count, point.sum)
                });
                (points.collect(), histogram.aggregation_temporality)
            }
            _ => return Vec::new(),
        };
        let cumulative = temporality != AggregationTemporality::Delta as i32;
        let difference = |point: Point<'a>| {
            let difference = if cumulative {
                let attributes =
                    point.attributes.0.iter().map(|pair| (pair.key.clone(), format!("{:?}", pair.value)));
                let mut attributes: Vec<_> = attributes.collect();
                attributes.sort();
                let key = Key { origin: origin.clone(), metric: metric.name.clone(), attributes };
                self.series.take(key, &point)
            } else {
                let span = point.at.since(when(point.start, now));
                Difference { count: point.count, sum: point.sum.max(0.0), span }
            };
            (point, difference)
        };
        points.into_iter().map(difference).collect()
    }
}

type Levels = BTreeMap<(Gauge, String), (Time, Parts)>;

/// Adds what a metric says of how full something is.
fn level(metric: &Metric, origin: &Origin, now: Time, levels: &mut Levels) {
    let points = match &metric.data {
        Some(Data::Gauge(gauge)) => &gauge.data_points,
        Some(Data::Sum(sum)) => &sum.data_points,
        _ => return,
    };
    for point in points {
        let attributes = Attributes(&point.attributes);
        let value = number(point);
        let Some((gauge, of, part)) = part(metric.name.as_str(), attributes, origin) else { continue };
        if !value.is_finite() || value < 0.0 {
            continue;
        }
        let (at, parts) = levels.entry((gauge, of)).or_default();
        *at = when(point.time_unix_nano, now).max(*at);
        match part {
            Part::Used => parts.used += value,
            Part::Free => parts.free += value,
            Part::Limit => parts.limit += value,
            Part::Share => parts.share = Some(parts.share.unwrap_or_default() + value),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Used,
    Free,
    Limit,
    Share,
}

fn part(name: &str, attributes: Attributes<'_>, origin: &Origin) -> Option<(Gauge, String, Part)> {
    let by_state = |attributes: Attributes<'_>, names: &[&str]| match attributes.str(names) {
        Some("used") => Some(Part::Used),
        Some("free" | "cached" | "buffered" | "buffers" | "idle") => Some(Part::Free),
        _ => None,
    };
    let share_of_used = |names: &[&str]| (attributes.str(names)? == "used").then_some(Part::Share);
    let mount =
        || attributes.text(&["system.filesystem.mountpoint", "mountpoint", "system.device", "device"]);
    let heap = || match attributes.str(&["jvm.memory.type", "type"])? {
        "heap" => Some((Gauge::Heap, instance(origin))),
        "non_heap" => {
            let pool = attributes.str(&["jvm.memory.pool.name", "pool"])?;
            (pool == "Metaspace").then(|| (Gauge::Metaspace, instance(origin)))
        }
        _ => None,
    };
    let pool = || attributes.text(&["db.client.connection.pool.name", "pool.name"]);
    Some(match name {
        "jvm.memory.used" | "process.runtime.jvm.memory.usage" => {
            let (gauge, of) = heap()?;
            (gauge, of, Part::Used)
        }
        "jvm.memory.limit" | "process.runtime.jvm.memory.limit" => {
            let (gauge, of) = heap()?;
            (gauge, of, Part::Limit)
        }
        "system.filesystem.usage" => {
            (Gauge::DiskSpace, mount()?, by_state(attributes, &["system.filesystem.state", "state"])?)
        }
        "system.filesystem.utilization" => {
            let states = ["system.filesystem.state", "state"];
            let part = attributes.str(&states).map_or(Some(Part::Share), |_| share_of_used(&states));
            (Gauge::DiskSpace, mount()?, part?)
        }
        "system.filesystem.inodes.usage" => {
            (Gauge::Inodes, mount()?, by_state(attributes, &["system.filesystem.state", "state"])?)
        }
        "system.memory.usage" => {
            (Gauge::Memory, instance(origin), by_state(attributes, &["system.memory.state", "state"])?)
        }
        "system.memory.utilization" => {
            (Gauge::Memory, instance(origin), share_of_used(&["system.memory.state", "state"])?)
        }
        "system.paging.usage" => {
            (Gauge::Swap, instance(origin), by_state(attributes, &["system.paging.state", "state"])?)
        }
        "system.paging.utilization" => {
            (Gauge::Swap, instance(origin), share_of_used(&["system.paging.state", "state"])?)
        }
        "db.client.connection.count" | "db.client.connections.usage" => {
            let used = attributes.str(&["db.client.connection.state", "state"])? == "used";
            (Gauge::DatabaseConnections, pool()?, used.then_some(Part::Used)?)
        }
        "db.client.connection.max" | "db.client.connections.max" => {
            (Gauge::DatabaseConnections, pool()?, Part::Limit)
        }
        _ => return None,
    })
}

/// What the parts come to; nothing where they do not say how much there is.
fn full(gauge: Gauge, of: String, parts: Parts) -> Option<Level> {
    let total = if parts.limit > 0.0 { parts.limit } else { parts.used + parts.free };
    let known = parts.limit > 0.0 || parts.free > 0.0;
    if let Some(share) = parts.share {
        return Some(Level { gauge, of, share: share.min(1.0), used: None, total: None });
    }
    let share = parts.used / total;
    // Sums of huge numbers have no end.
    (known && total > 0.0 && share.is_finite()).then_some(Level {
        gauge,
        of,
        share,
        used: Some(parts.used as u64),
        total: Some(total as u64),
    })
}

fn instance(origin: &Origin) -> String {
    origin.instance.clone().or_else(|| origin.service.clone()).unwrap_or_else(|| origin.source.clone())
}

fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(Value::AsDouble(value)) => value,
        Some(Value::AsInt(value)) => value as f64,
        None => f64::NAN,
    }
}
