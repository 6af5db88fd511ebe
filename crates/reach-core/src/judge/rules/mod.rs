//! What is worth telling. Each rule looks at the whole bench and says what it finds; a new one is one function
//! in a file of its subject and one line in [`RULES`].

mod certificates;
mod loss;
mod names;
mod path;
mod services;

use std::net::IpAddr;

use super::Bench;
use crate::model::{EndpointDiagnosis, Finding, Matter, Severity, Verdict};

/// What a rule looks at.
struct View<'a> {
    bench: &'a Bench<'a>,
    endpoints: &'a [EndpointDiagnosis],
}

type Rule = fn(&View<'_>) -> Vec<Finding>;

/// All rules, in the order in which their findings are shown within one severity.
const RULES: &[Rule] = &[
    path::partial_block,
    path::all_blocked,
    path::local_filter,
    path::forged_reset,
    path::nothing_listens,
    loss::dead_path,
    loss::packet_loss,
    loss::capacity,
    services::closed_early,
    services::name_blocked,
    services::mtu_blackhole,
    certificates::intercepted,
    certificates::rejected,
    certificates::expires_soon,
    services::tls_failed,
    services::silent,
    services::http_error,
    path::answered_by_path,
    path::proxy_configured,
    names::pinned_by_hosts,
    names::resolvers_disagree,
    names::resolver_conduct,
    names::system_lookup_slow,
    names::pool_not_exhausted,
    path::ipv6_without_route,
    path::ping_blocked,
    path::icmp_rate_limited,
    loss::slight_loss,
];

/// Everything worth telling, worst first.
pub(super) fn findings(bench: &Bench<'_>, endpoints: &[EndpointDiagnosis]) -> Vec<Finding> {
    let view = View { bench, endpoints };
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&view)).collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

impl View<'_> {
    /// The addresses with one of these verdicts.
    fn with(&self, verdicts: &[Verdict]) -> Vec<IpAddr> {
        self.having(|diagnosis| verdicts.contains(&diagnosis.verdict))
    }

    /// The addresses whose diagnosis is as wanted.
    fn having(&self, wanted: impl Fn(&EndpointDiagnosis) -> bool) -> Vec<IpAddr> {
        self.endpoints
            .iter()
            .filter(|diagnosis| wanted(diagnosis))
            .map(|diagnosis| diagnosis.endpoint.address)
            .collect()
    }
}

/// A finding about `addresses`, or none without any.
fn about(severity: Severity, addresses: Vec<IpAddr>, matter: Matter) -> Vec<Finding> {
    if addresses.is_empty() { Vec::new() } else { vec![Finding { severity, addresses, matter }] }
}
