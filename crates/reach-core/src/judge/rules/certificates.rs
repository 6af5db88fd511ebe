//! Findings about certificates.

use std::{collections::BTreeMap, net::IpAddr};

use super::{View, about};
use crate::model::{Distrust, EndpointDiagnosis, Finding, Matter, Severity, TlsResult, Verdict};

/// A certificate with less time left than this is worth a word.
const SOON_S: i64 = 14 * 24 * 3600;

/// Somebody terminates TLS with a certificate of its own: it is made out for the name, by an issuer that neither
/// this machine nor the public web knows.
///
/// A self-signed certificate is the server's own affair, and so is one for another name.
pub(super) fn intercepted(view: &View<'_>) -> Vec<Finding> {
    let mut by_issuer: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
    for (address, tls) in completed(view) {
        if is_intercepted(view, tls)
            && let Some(leaf) = tls.chain.first()
        {
            by_issuer.entry(leaf.issuer.clone()).or_default().push(address);
        }
    }
    by_issuer
        .into_iter()
        .flat_map(|(issuer, addresses)| about(Severity::Error, addresses, Matter::Intercepted { issuer }))
        .collect()
}

/// A certificate that this name, the clock or this machine's roots reject, interception aside.
pub(super) fn rejected(view: &View<'_>) -> Vec<Finding> {
    let mut expired: BTreeMap<i64, Vec<IpAddr>> = BTreeMap::new();
    let mut wrong: BTreeMap<Vec<String>, Vec<IpAddr>> = BTreeMap::new();
    let mut unknown: BTreeMap<(String, Vec<Distrust>), Vec<IpAddr>> = BTreeMap::new();
    for (address, tls) in completed(view) {
        let leaf = tls.chain.first().cloned().unwrap_or_default();
        for reason in &tls.distrust {
            match reason {
                Distrust::Expired => {
                    let end = tls.chain.iter().map(|certificate| certificate.not_after).min();
                    expired.entry(end.unwrap_or(leaf.not_after)).or_default().push(address);
                }
                Distrust::WrongName => wrong.entry(leaf.names.clone()).or_default().push(address),
                Distrust::UnknownIssuer | Distrust::NotYetValid | Distrust::Other(_) => {
                    if !is_intercepted(view, tls) {
                        let key = (leaf.issuer.clone(), tls.distrust.clone());
                        let addresses = unknown.entry(key).or_default();
                        if addresses.last() != Some(&address) {
                            addresses.push(address);
                        }
                    }
                }
            }
        }
    }
    let expired = expired.into_iter().flat_map(|(not_after, addresses)| {
        about(Severity::Error, addresses, Matter::CertificateExpired { not_after })
    });
    let wrong = wrong
        .into_iter()
        .flat_map(|(names, addresses)| about(Severity::Error, addresses, Matter::WrongName { names }));
    let unknown = unknown.into_iter().flat_map(|((issuer, distrust), addresses)| {
        about(Severity::Error, addresses, Matter::UnknownIssuer { issuer, distrust })
    });
    expired.chain(wrong).chain(unknown).collect()
}

/// A certificate that will expire within two weeks.
pub(super) fn expires_soon(view: &View<'_>) -> Vec<Finding> {
    let now = i64::try_from(view.bench.case.started.as_secs()).unwrap_or(i64::MAX);
    let mut soon: BTreeMap<i64, Vec<IpAddr>> = BTreeMap::new();
    for diagnosis in view.endpoints.iter().filter(|diagnosis| diagnosis.verdict == Verdict::Ok) {
        let end =
            diagnosis.tls.iter().flat_map(|tls| &tls.chain).map(|certificate| certificate.not_after).min();
        if let Some(end) = end.filter(|&end| end > now && end - now < SOON_S) {
            soon.entry(end).or_default().push(diagnosis.endpoint.address);
        }
    }
    soon.into_iter()
        .flat_map(|(not_after, addresses)| {
            about(Severity::Warning, addresses, Matter::CertificateExpiresSoon { not_after })
        })
        .collect()
}

fn completed<'a>(view: &'a View<'_>) -> impl Iterator<Item = (IpAddr, &'a TlsResult)> {
    let rejected = |diagnosis: &&EndpointDiagnosis| diagnosis.verdict == Verdict::Untrusted;
    view.endpoints
        .iter()
        .filter(rejected)
        .filter_map(|diagnosis| Some((diagnosis.endpoint.address, diagnosis.tls.as_ref()?)))
}

fn is_intercepted(view: &View<'_>, tls: &TlsResult) -> bool {
    let Some(leaf) = tls.chain.first() else { return false };
    let foreign = tls.distrust.contains(&Distrust::UnknownIssuer) && tls.public_root != Some(true);
    let self_signed = leaf.subject == leaf.issuer;
    let for_the_name = !tls.distrust.contains(&Distrust::WrongName);
    // Where another address of the name shows a chain that is trusted, a foreign one is no private service.
    let siblings_differ = view.endpoints.iter().any(|diagnosis| {
        diagnosis.tls.as_ref().is_some_and(|other| !other.chain.is_empty() && other.distrust.is_empty())
    });
    foreign && (for_the_name || siblings_differ) && (!self_signed || siblings_differ)
}
