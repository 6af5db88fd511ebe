//! What clients suffer: failure share and added latency for each way of choosing among addresses.
//!
//! The shares follow from how clients were measured to behave with some addresses of a name blocked: the JDK
//! tries the first address only; most libraries try all in order with a full connect time-out each; happy
//! eyeballs (RFC 8305) starts the next attempt after 250 ms; curl gives each address half of the time that is
//! left. Answers are taken to rotate, so that each address is first equally often.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use super::Bench;
use crate::{
    model::{ClientModel, EndpointDiagnosis, Impact, Resolution, TrailAnswer, Verdict},
    stats,
};

/// The connect time-out that the client models use.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The delay between attempts of happy eyeballs (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// SYNs that a Linux client sends within a usual connect time-out.
const SYNS_PER_ATTEMPT: i32 = 4;

/// The impact of what was found on each client model; empty when nothing usable is known.
pub(super) fn impact(bench: &Bench<'_>, endpoints: &[EndpointDiagnosis]) -> Vec<Impact> {
    let resolution = bench.resolution;
    let usable: Vec<&EndpointDiagnosis> = endpoints
        .iter()
        .filter(|diagnosis| {
            diagnosis.verdict != Verdict::Inconclusive && super::is_used(diagnosis, endpoints)
        })
        .collect();
    if usable.is_empty() {
        return Vec::new();
    }
    // The JVM prefers IPv4 where there is any; the others use both families.
    let has_v4 = usable.iter().any(|diagnosis| diagnosis.endpoint.address.is_ipv4());
    let jvm: Vec<&EndpointDiagnosis> =
        usable.iter().copied().filter(|diagnosis| diagnosis.endpoint.address.is_ipv4() == has_v4).collect();
    let dead_share = dead_share(bench, endpoints);
    ClientModel::ALL.into_iter().map(|client| model(client, resolution, dead_share, &usable, &jvm)).collect()
}

fn model(
    client: ClientModel,
    resolution: &Resolution,
    dead_share: Option<f64>,
    all: &[&EndpointDiagnosis],
    jvm: &[&EndpointDiagnosis],
) -> Impact {
    let mean = |endpoints: &[&EndpointDiagnosis]| {
        endpoints.iter().map(|diagnosis| failure(diagnosis, dead_share)).sum::<f64>() / endpoints.len() as f64
    };
    let (failure_share, added_latency) = match client {
        ClientModel::FirstAddress | ClientModel::JvmCached => (mean(jvm), None),
        ClientModel::RetryOnce => {
            let once = mean(jvm);
            let told: f64 = jvm
                .iter()
                .filter(|diagnosis| is_told(diagnosis))
                .map(|diagnosis| failure(diagnosis, dead_share))
                .sum();
            let told = told / jvm.len() as f64;
            (once - told + told * once, None)
        }
        ClientModel::AllInOrder => {
            let bad = Bad::of(all);
            (bad.all_of_answer(resolution), Some(bad.waiting(CONNECT_TIMEOUT)))
        }
        ClientModel::HappyEyeballs => {
            let bad = Bad::of(all);
            (bad.all_of_answer(resolution), Some(bad.waiting(ATTEMPT_DELAY)))
        }
        ClientModel::Curl => {
            let bad = Bad::of(all);
            (
                bad.first_two_dropped().max(bad.all_of_answer(resolution)),
                Some(bad.waiting(CONNECT_TIMEOUT / 2)),
            )
        }
    };
    let added_latency = added_latency.filter(|_| failure_share < 1.0);
    Impact { client, failure_share: failure_share.clamp(0.0, 1.0), added_latency }
}

/// The share of connections to one address that fail.
fn failure(diagnosis: &EndpointDiagnosis, dead_share: Option<f64>) -> f64 {
    match diagnosis.verdict {
        Verdict::Ok => 0.0,
        Verdict::FlowDependent if dead_share.is_some() => dead_share.unwrap_or_default(),
        Verdict::FlowDependent => {
            let flows = &diagnosis.connect.flows;
            let failing = flows.iter().filter(|flow| flow.answered == 0).count();
            failing as f64 / flows.len().max(1) as f64
        }
        Verdict::Lossy => {
            let connect = &diagnosis.connect;
            (f64::from(connect.syns_lost) / f64::from(connect.syns.max(1))).powi(SYNS_PER_ATTEMPT)
        }
        _ => 1.0,
    }
}

/// The share of dead members among equal-cost paths, where the trails show which they are and the flows that
/// fail agree with it: better than counting flows.
fn dead_share(bench: &Bench<'_>, endpoints: &[EndpointDiagnosis]) -> Option<f64> {
    let mut failing_at: BTreeMap<u8, BTreeSet<IpAddr>> = BTreeMap::new();
    let mut passing_at: BTreeMap<u8, BTreeSet<IpAddr>> = BTreeMap::new();
    let (mut failing, mut flows) = (0, 0);
    for diagnosis in endpoints.iter().filter(|diagnosis| diagnosis.verdict == Verdict::FlowDependent) {
        let Some(dossier) = bench.dossiers.get(&diagnosis.endpoint.address) else { continue };
        for flow in dossier.flow_tallies() {
            flows += 1;
            failing += u32::from(flow.answered == 0);
            let Some(trail) = dossier.trails.get(&flow.source_port) else { continue };
            let routers = trail.iter().flat_map(|(&ttl, answers)| {
                answers.iter().filter_map(move |answer| match answer {
                    TrailAnswer::Router(router) => Some((ttl, *router)),
                    _ => None,
                })
            });
            if flow.answered > 0 {
                routers.for_each(|(ttl, router)| _ = passing_at.entry(ttl).or_default().insert(router));
            } else if let Some((ttl, router)) = routers.max_by_key(|(ttl, _)| *ttl) {
                failing_at.entry(ttl).or_default().insert(router);
            }
        }
    }
    let (ttl, last) = failing_at.into_iter().next()?;
    let living = passing_at.remove(&ttl).unwrap_or_default();
    let dead = last.difference(&living).count();
    if dead == 0 || living.is_empty() {
        return None;
    }
    let share = dead as f64 / (dead + living.len()) as f64;
    let (low, high) = stats::wilson(failing, flows, 2.576);
    (low..=high).contains(&share).then_some(share)
}

/// The client is told at once that it failed, instead of waiting for a time-out.
fn is_told(diagnosis: &EndpointDiagnosis) -> bool {
    matches!(
        diagnosis.verdict,
        Verdict::NoRoute
            | Verdict::Prohibited
            | Verdict::Unreachable
            | Verdict::Refused
            | Verdict::ResetByPath
    )
}

/// How many addresses cannot be connected to, for clients that go on to the next one.
struct Bad {
    pool: u32,
    failing: u32,
    /// Of these, the ones that cost a time-out.
    dropped: u32,
}

impl Bad {
    fn of(endpoints: &[&EndpointDiagnosis]) -> Self {
        let count = |wanted: &dyn Fn(&EndpointDiagnosis) -> bool| {
            endpoints.iter().filter(|diagnosis| wanted(diagnosis)).count() as u32
        };
        Self {
            pool: endpoints.len() as u32,
            failing: count(&|diagnosis| !diagnosis.verdict.is_partly_usable()),
            dropped: count(&|diagnosis| {
                matches!(diagnosis.verdict, Verdict::Filtered | Verdict::BlockedLocally)
            }),
        }
    }

    /// Every address of an answer is bad: C(k, m) / C(n, m).
    fn all_of_answer(&self, resolution: &Resolution) -> f64 {
        let drawn = if resolution.per_answer == 0 { self.pool } else { resolution.per_answer.min(self.pool) };
        (0..drawn).map(|i| f64::from(self.failing.saturating_sub(i)) / f64::from(self.pool - i)).product()
    }

    /// The mean number of bad addresses before the first good one, k / (n − k + 1), each costing `each`.
    fn waiting(&self, each: Duration) -> Duration {
        each.mul_f64(f64::from(self.dropped) / f64::from(self.pool - self.failing + 1))
    }

    /// The first two addresses are both dropped: two halves of the time-out are all of it.
    fn first_two_dropped(&self) -> f64 {
        if self.pool < 2 {
            return 0.0;
        }
        let (k, n) = (f64::from(self.dropped), f64::from(self.pool));
        (k * (k - 1.0).max(0.0)) / (n * (n - 1.0))
    }
}
