//! Findings about what happens above TCP, certificates aside.

use std::{collections::BTreeMap, net::IpAddr};

use super::{View, about};
use crate::model::{Evidence, Finding, HttpEnd, Matter, Severity, Verdict};

/// The service closes or resets before it answers.
pub(super) fn closed_early(view: &View<'_>) -> Vec<Finding> {
    about(Severity::Error, view.with(&[Verdict::ClosedEarly]), Matter::ClosedEarly)
}

/// Somebody cuts TLS by the name.
pub(super) fn name_blocked(view: &View<'_>) -> Vec<Finding> {
    let name = view.bench.case.target.verify_name();
    about(Severity::Error, view.with(&[Verdict::NameBlocked]), Matter::NameBlocked { name })
}

/// Large packets vanish.
pub(super) fn mtu_blackhole(view: &View<'_>) -> Vec<Finding> {
    let passes =
        view.endpoints.iter().flat_map(|diagnosis| &diagnosis.evidence).find_map(|evidence| match evidence {
            Evidence::SmallSegmentsPass { max_segment, .. } => Some(*max_segment),
            _ => None,
        });
    about(Severity::Error, view.with(&[Verdict::MtuBlackhole]), Matter::MtuBlackhole { passes })
}

/// TLS fails for another reason than the certificate.
pub(super) fn tls_failed(view: &View<'_>) -> Vec<Finding> {
    about(Severity::Error, view.with(&[Verdict::TlsFailed]), Matter::TlsFailed)
}

/// Connects, and then nothing comes.
pub(super) fn silent(view: &View<'_>) -> Vec<Finding> {
    about(Severity::Error, view.with(&[Verdict::Silent]), Matter::ServiceSilent)
}

/// The server answers 5xx.
pub(super) fn http_error(view: &View<'_>) -> Vec<Finding> {
    let mut by_status: BTreeMap<u16, Vec<IpAddr>> = BTreeMap::new();
    for diagnosis in view.endpoints.iter().filter(|diagnosis| diagnosis.verdict == Verdict::HttpError) {
        let status = match diagnosis.http.as_ref().map(|http| &http.ended) {
            Some(HttpEnd::Status(status)) => *status,
            _ => 0,
        };
        by_status.entry(status).or_default().push(diagnosis.endpoint.address);
    }
    by_status
        .into_iter()
        .flat_map(|(status, addresses)| about(Severity::Error, addresses, Matter::HttpError { status }))
        .collect()
}
