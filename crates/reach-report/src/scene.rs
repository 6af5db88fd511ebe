//! What a sentence may need to know besides the thing that it speaks of.

use std::net::IpAddr;

use reach_core::{
    Time,
    model::{Case, Diagnosis, EndpointDiagnosis, Host, State, TlsEnd, Verdict},
};

use crate::{Lang, clean::clean};

/// One target with everything known about it, and how to speak of it.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) case: &'a Case,
    pub(crate) diagnosis: &'a Diagnosis,
    pub(crate) finished: Time,
    pub(crate) offset_s: i32,
    pub(crate) lang: Lang,
}

impl<'a> Scene<'a> {
    /// The host as people write it.
    pub(crate) fn host(&self) -> String {
        match &self.diagnosis.target.host {
            Host::Name(name) => clean(name.trim_end_matches('.')),
            Host::Address(address) => address.to_string(),
        }
    }

    /// The name, unless the target is a literal address.
    pub(crate) fn name(&self) -> Option<String> {
        matches!(self.diagnosis.target.host, Host::Name(_)).then(|| self.host())
    }

    pub(crate) fn port(&self) -> u16 {
        self.diagnosis.target.port
    }

    pub(crate) fn endpoint(&self, address: IpAddr) -> Option<&'a EndpointDiagnosis> {
        self.diagnosis.endpoints.iter().find(|endpoint| endpoint.endpoint.address == address)
    }

    /// The addresses that work.
    pub(crate) fn working(&self) -> Vec<IpAddr> {
        self.with_verdict(|verdict| verdict == Verdict::Ok)
    }

    /// The addresses that can be connected to.
    pub(crate) fn connectable(&self) -> Vec<IpAddr> {
        let endpoints = self.diagnosis.endpoints.iter();
        endpoints
            .filter(|endpoint| endpoint.connect.succeeded > 0)
            .map(|endpoint| endpoint.endpoint.address)
            .collect()
    }

    /// "IPv6" and "IPv4", say, when all addresses of one family fail and those of the other can be connected to:
    /// then they have neither the source nor the way in common.
    pub(crate) fn families_apart(&self, failing: &[IpAddr]) -> Option<(&'static str, &'static str)> {
        let v4 = failing.first()?.is_ipv4();
        let working = self.connectable();
        let apart = !working.is_empty()
            && failing.iter().all(|address| address.is_ipv4() == v4)
            && working.iter().all(|address| address.is_ipv4() != v4);
        apart.then_some(if v4 { ("IPv4", "IPv6") } else { ("IPv6", "IPv4") })
    }

    /// Whether these addresses answer a TLS handshake with plain HTTP.
    pub(crate) fn is_plain_web(&self, addresses: &[IpAddr]) -> bool {
        addresses.iter().filter_map(|address| self.endpoint(*address)).any(|endpoint| {
            let ended = endpoint.tls.as_ref().map(|tls| &tls.ended);
            matches!(ended, Some(TlsEnd::NotTls(bytes)) if bytes.starts_with(b"HTTP/"))
        })
    }

    /// Whether failures stick to addresses: then a client that stays with one address fails in bursts.
    pub(crate) fn fails_by_address(&self) -> bool {
        let endpoints = &self.diagnosis.endpoints;
        let fails = |endpoint: &EndpointDiagnosis| {
            !endpoint.verdict.is_partly_usable()
                && !matches!(endpoint.verdict, Verdict::NoRoute | Verdict::Inconclusive)
        };
        endpoints.iter().any(|endpoint| endpoint.verdict.is_partly_usable()) && endpoints.iter().any(fails)
    }

    /// The addresses with such a verdict, in order.
    pub(crate) fn with_verdict(&self, wanted: impl Fn(Verdict) -> bool) -> Vec<IpAddr> {
        self.diagnosis
            .endpoints
            .iter()
            .filter(|endpoint| wanted(endpoint.verdict))
            .map(|endpoint| endpoint.endpoint.address)
            .collect()
    }

    /// Addresses without a route beside others: listed, but not counted.
    pub(crate) fn uncounted(&self) -> usize {
        let without = self.with_verdict(|verdict| verdict == Verdict::NoRoute).len();
        if without == self.diagnosis.endpoints.len() || self.diagnosis.state == State::Inconclusive {
            0
        } else {
            without
        }
    }

    /// The source addresses that packets to these addresses carry.
    pub(crate) fn sources_for(&self, addresses: &[IpAddr]) -> Vec<IpAddr> {
        let sources = &self.case.vantage.sources;
        sources
            .iter()
            .copied()
            .filter(|source| addresses.iter().any(|address| address.is_ipv4() == source.is_ipv4()))
            .collect()
    }

    /// Whether one answer does not hold the whole pool in a fixed order: a rule made from one answer is
    /// incomplete then.
    pub(crate) fn pool_changes(&self) -> bool {
        let resolution = &self.diagnosis.resolution;
        let seen = resolution.addresses.len();
        self.name().is_some()
            && seen > 1
            && (resolution.rotates || !resolution.exhausted || (resolution.per_answer as usize) < seen)
    }

    /// Whether the host belongs to Google's API front ends, for whose addresses Google gives no list.
    pub(crate) fn is_google_api(&self) -> bool {
        self.name().is_some_and(|name| name == "googleapis.com" || name.ends_with(".googleapis.com"))
    }
}
