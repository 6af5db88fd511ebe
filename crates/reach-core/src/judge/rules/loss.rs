//! Findings about packets that get lost: at random, by flow, or in a crowd.

use super::{View, about};
use crate::model::{Finding, Matter, Severity, Verdict};

/// Source ports decide.
pub(super) fn dead_path(view: &View<'_>) -> Vec<Finding> {
    let affected = || view.endpoints.iter().filter(|diagnosis| diagnosis.verdict == Verdict::FlowDependent);
    let (failing, flows) = affected()
        .flat_map(|diagnosis| &diagnosis.connect.flows)
        .fold((0, 0), |(failing, all), flow| (failing + u32::from(flow.answered == 0), all + 1));
    // The router that the failing flow met last, where a passing flow went another way.
    let suspect = affected().find_map(|diagnosis| {
        let dossier = view.bench.dossiers.get(&diagnosis.endpoint.address)?;
        let location = diagnosis.location.as_ref()?;
        let last = location.last_answering?;
        let shared = diagnosis.connect.flows.iter().filter(|flow| flow.answered > 0).any(|flow| {
            dossier
                .trails
                .get(&flow.source_port)
                .and_then(|trail| trail.get(&location.ttl))
                .is_some_and(|answers| answers.contains(&crate::model::TrailAnswer::Router(last)))
        });
        (!shared).then_some(last)
    });
    let matter = Matter::DeadPath { failing_share: f64::from(failing) / f64::from(flows.max(1)), suspect };
    about(Severity::Error, view.with(&[Verdict::FlowDependent]), matter)
}

/// Packets are lost at random.
pub(super) fn packet_loss(view: &View<'_>) -> Vec<Finding> {
    let (lost, sent) = lost_and_sent(view, |verdict| verdict == Verdict::Lossy);
    about(Severity::Error, view.with(&[Verdict::Lossy]), Matter::PacketLoss { lost, sent })
}

/// Single packets were lost, too few to tell from chance.
pub(super) fn slight_loss(view: &View<'_>) -> Vec<Finding> {
    if !capacity(view).is_empty() {
        return Vec::new();
    }
    let is_slight = |verdict: Verdict| !matches!(verdict, Verdict::Lossy | Verdict::FlowDependent);
    let (lost, sent) = lost_and_sent(view, is_slight);
    let addresses = view.having(|diagnosis| {
        is_slight(diagnosis.verdict) && diagnosis.connect.succeeded > 0 && diagnosis.connect.syns_lost > 0
    });
    about(Severity::Info, addresses, Matter::SlightLoss { lost, sent })
}

fn lost_and_sent(view: &View<'_>, wanted: impl Fn(Verdict) -> bool) -> (u32, u32) {
    view.endpoints
        .iter()
        .filter(|diagnosis| wanted(diagnosis.verdict) && diagnosis.connect.succeeded > 0)
        .fold((0, 0), |(lost, sent), diagnosis| {
            (lost + diagnosis.connect.syns_lost, sent + diagnosis.connect.syns)
        })
}

/// New flows fail only while many are open.
pub(super) fn capacity(view: &View<'_>) -> Vec<Finding> {
    view.bench
        .dossiers
        .iter()
        .filter_map(|(&address, dossier)| Some((address, dossier.capacity()?)))
        .flat_map(|(address, (crowd, passed))| {
            about(Severity::Error, vec![address], Matter::Capacity { crowd, passed })
        })
        .collect()
}
