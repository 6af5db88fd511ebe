//! The metrics of one probe: the names, meanings and kinds that `blackbox_exporter` gives them.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use super::{Attempt, Failure};
use crate::metrics::{Family, Kind, Labels, Value, labels};

/// Every family with its meaning; all are gauges.
const MEANINGS: [(&str, &str); 34] = [
    ("probe_success", "Displays whether or not the probe was a success"),
    ("probe_duration_seconds", "Returns how long the probe took to complete in seconds"),
    ("probe_timeout_seconds", "Returns how long the probe timeout is in seconds"),
    ("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds"),
    ("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6"),
    (
        "probe_ip_addr_hash",
        "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
    ),
    ("probe_http_duration_seconds", "Duration of http request by phase, summed over all redirects"),
    ("probe_http_content_length", "Length of http content response"),
    ("probe_http_uncompressed_body_length", "Length of uncompressed response body"),
    ("probe_http_redirects", "The number of redirects"),
    ("probe_http_ssl", "Indicates if SSL was used for the final redirect"),
    ("probe_http_status_code", "Response HTTP status code"),
    ("probe_http_version", "Returns the version of HTTP of the probe response"),
    (
        "probe_http_last_modified_timestamp_seconds",
        "Returns the Last-Modified HTTP response header in unixtime",
    ),
    ("probe_failed_due_to_regex", "Indicates if probe failed due to regex"),
    ("probe_failed_due_to_bytes", "Indicates if probe failed due to bytes"),
    ("probe_expect_info", "Explicit content matched"),
    ("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime"),
    ("probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp"),
    ("probe_ssl_last_chain_info", "Contains SSL leaf certificate information"),
    ("probe_tls_version_info", "Returns the TLS version used or NaN when unknown"),
    ("probe_tls_cipher_info", "Returns the TLS cipher negotiated during handshake"),
    ("probe_icmp_duration_seconds", "Duration of icmp request by phase"),
    ("probe_icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)"),
    ("probe_dns_duration_seconds", "Duration of DNS request by phase"),
    ("probe_dns_answer_rrs", "Returns number of entries in the answer resource record list"),
    ("probe_dns_authority_rrs", "Returns number of entries in the authority resource record list"),
    ("probe_dns_additional_rrs", "Returns number of entries in the additional resource record list"),
    ("probe_dns_query_succeeded", "Displays whether or not the query was executed successfully"),
    ("probe_dns_serial", "Returns the serial number of the zone"),
    ("probe_address_success", "Whether this address of the target worked"),
    ("probe_address_duration_seconds", "Duration of the probe of this address by phase"),
    ("probe_address_failure_info", "Why this address of the target failed"),
    (
        "probe_addresses",
        "Addresses of the target by what came of them; skipped are those that this host could not try",
    ),
];

/// The metrics of one probe.
#[derive(Debug, Default)]
pub(super) struct Register {
    families: BTreeMap<&'static str, Family>,
}

impl Register {
    /// Sets a family of one series without labels.
    pub(super) fn set(&mut self, name: &'static str, value: f64) {
        self.set_with(name, Labels::default(), value);
    }

    /// Sets the series with these labels.
    pub(super) fn set_with(&mut self, name: &'static str, labels: Labels, value: f64) {
        let family = self.family(name);
        match family.series.iter_mut().find(|series| series.labels == labels) {
            Some(series) => series.value = Value::Number(value),
            None => family.push(labels, value),
        }
    }

    /// Adds to a phase.
    pub(super) fn phase(&mut self, name: &'static str, phase: &'static str, seconds: f64) {
        let labels = labels([("phase", phase)]);
        let before = self.family(name).series.iter().find(|series| series.labels == labels);
        let before =
            before.map_or(0.0, |series| if let Value::Number(value) = series.value { value } else { 0.0 });
        self.set_with(name, labels, before + seconds);
    }

    /// What every probe has, whatever comes of it.
    pub(super) fn success_and_times(&mut self) {
        for name in ["probe_success", "probe_duration_seconds", "probe_timeout_seconds"] {
            self.set(name, 0.0);
        }
    }

    /// What a look-up gave.
    pub(super) fn resolved(&mut self, took: f64, address: Option<IpAddr>) {
        let version = match address {
            Some(IpAddr::V4(_)) => 4.0,
            Some(IpAddr::V6(_)) => 6.0,
            None => 0.0,
        };
        self.set("probe_dns_lookup_time_seconds", took);
        self.set("probe_ip_protocol", version);
        self.set("probe_ip_addr_hash", address.map_or(0.0, |address| f64::from(hash(address))));
    }

    /// What is known of single addresses.
    pub(super) fn addresses(&mut self, results: &[(IpAddr, &Attempt)], left_out: usize) {
        let mut counts = BTreeMap::from([("failed", 0), ("ok", 0), ("skipped", left_out)]);
        for (address, attempt) in results {
            let text = address.to_string();
            let state = match attempt.result {
                Ok(()) => "ok",
                Err(Failure::Reason(reason)) => {
                    let labels = labels([("address", &text), ("reason", reason)]);
                    self.set_with("probe_address_failure_info", labels, 1.0);
                    "failed"
                }
                Err(Failure::Unable) => "skipped",
            };
            *counts.entry(state).or_default() += 1;
            if state == "skipped" {
                continue;
            }
            let works = f64::from(u8::from(attempt.result.is_ok()));
            self.set_with("probe_address_success", labels([("address", &text)]), works);
            let total = ("total", attempt.took.as_secs_f64());
            for (phase, seconds) in attempt.phases.iter().copied().chain([total]) {
                let labels = labels([("address", &text), ("phase", phase)]);
                self.set_with("probe_address_duration_seconds", labels, seconds);
            }
        }
        for (state, count) in counts {
            self.set_with("probe_addresses", labels([("state", state)]), count as f64);
        }
    }

    /// The phases that are known.
    pub(super) fn phases(&self) -> Vec<(&'static str, f64)> {
        let known = ["connect", "tls", "processing", "transfer", "setup", "rtt", "request"];
        let families = self.families.values().filter(|family| family.name.ends_with("_duration_seconds"));
        let mut phases = Vec::new();
        for series in families.flat_map(|family| &family.series) {
            let phase = series.labels.iter().find(|(name, _)| name == "phase").map(|(_, value)| value);
            if let (Some(phase), Value::Number(seconds)) = (phase, &series.value)
                && let Some(name) = known.into_iter().find(|name| name == phase)
            {
                phases.push((name, *seconds));
            }
        }
        phases
    }

    /// Takes over what another one knows; its values win, and phases are added up.
    pub(super) fn merge(&mut self, other: Register) {
        for (name, family) in other.families {
            for series in family.series {
                let Value::Number(value) = series.value else { continue };
                let is_phase = series.labels.iter().any(|(label, _)| label == "phase");
                let own = self.family(name).series.iter_mut().find(|own| own.labels == series.labels);
                match own {
                    Some(own) => match (&mut own.value, is_phase) {
                        (Value::Number(before), true) => *before += value,
                        (before, _) => *before = Value::Number(value),
                    },
                    None => self.set_with(name, series.labels, value),
                }
            }
        }
    }

    /// All families, each with its series in the order of their labels.
    pub(super) fn into_families(self) -> Vec<Family> {
        let mut families: Vec<Family> =
            self.families.into_values().filter(|family| !family.series.is_empty()).collect();
        for family in &mut families {
            family.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        families
    }

    fn family(&mut self, name: &'static str) -> &mut Family {
        self.families.entry(name).or_insert_with(|| {
            let help = MEANINGS.iter().find(|(other, _)| *other == name).map_or("", |&(_, help)| help);
            Family {
                name: Cow::Borrowed(name),
                help: Cow::Borrowed(help),
                kind: Kind::Gauge,
                series: Vec::new(),
            }
        })
    }
}

/// FNV-1a over the bytes of an address, in 32 bits.
fn hash(address: IpAddr) -> u32 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().into_iter().fold(0x811c_9dc5, mix),
        IpAddr::V6(address) => address.octets().into_iter().fold(0x811c_9dc5, mix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_hash_that_dashboards_know() {
        assert_eq!(hash("10.77.0.1".parse().expect("an address")), 2_196_537_283);
        assert_eq!(hash("::ffff:10.77.0.1".parse().expect("an address")), 2_196_537_283);
    }

    #[test]
    fn phases_add_up_and_other_values_are_replaced() {
        let mut one = Register::default();
        one.phase("probe_http_duration_seconds", "connect", 1.0);
        one.set("probe_http_status_code", 200.0);
        let mut two = Register::default();
        two.phase("probe_http_duration_seconds", "connect", 2.0);
        two.set("probe_http_status_code", 404.0);
        one.merge(two);
        let values: Vec<_> =
            one.into_families().into_iter().flat_map(|family| family.series).map(|it| it.value).collect();
        assert_eq!(values, [Value::Number(3.0), Value::Number(404.0)]);
    }

    #[test]
    fn every_family_has_a_meaning_once() {
        let mut names: Vec<_> = MEANINGS.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), MEANINGS.len());
    }
}
