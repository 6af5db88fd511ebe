//! What nodes are told under `/proc/sys/net`, and the packet filters that make a router what it is.

use std::fmt::Write as _;

use super::Setting;
use crate::description::{Balancing, Router};

pub(super) fn common_settings() -> Vec<Setting> {
    vec![
        Setting::required("ipv4/conf/all/rp_filter", "0"),
        Setting::required("ipv4/conf/default/rp_filter", "0"),
        Setting::wanted("ipv6/conf/all/disable_ipv6", "0"),
        Setting::wanted("ipv6/conf/default/disable_ipv6", "0"),
        Setting::wanted("ipv6/conf/lo/disable_ipv6", "0"),
        Setting::wanted("ipv6/conf/default/accept_dad", "0"),
        Setting::wanted("ipv6/conf/default/accept_ra", "0"),
        Setting::wanted("ipv6/conf/default/router_solicitations", "0"),
    ]
}

pub(super) fn router_settings(router: &Router, stage: usize) -> Vec<Setting> {
    // ip-sysctl.rst: 1 and 2 are the addresses, 4 the protocol, 16 and 32 the ports.
    let fields = if router.balancing == Balancing::PerDestination { "3" } else { "55" };
    let mut settings = vec![
        Setting::required("ipv4/ip_forward", "1"),
        Setting::wanted("ipv6/conf/all/forwarding", "1"),
        Setting::wanted("ipv4/conf/all/send_redirects", "0"),
        Setting::wanted("ipv4/conf/default/send_redirects", "0"),
        // A hash of exactly these fields: with the other policies the sender's socket hash, which crosses a
        // veth pair, would move a flow from path to path.
        Setting::wanted("ipv4/fib_multipath_hash_policy", "3"),
        Setting::wanted("ipv4/fib_multipath_hash_fields", fields),
        Setting::wanted("ipv6/fib_multipath_hash_policy", "3"),
        Setting::wanted("ipv6/fib_multipath_hash_fields", fields),
        // Another seed in each stage, or the second stage would repeat the choice of the first.
        Setting::wanted("ipv4/fib_multipath_hash_seed", SEEDS[stage % SEEDS.len()]),
    ];
    if !router.icmp_rate_limited {
        settings.extend(unlimited_icmp());
    }
    settings
}

/// Every error is sent, however many are due.
pub(super) fn unlimited_icmp() -> Vec<Setting> {
    vec![
        Setting::required("ipv4/icmp_ratelimit", "0"),
        Setting::wanted("ipv6/icmp/ratelimit", "0"),
        Setting::wanted("ipv4/icmp_msgs_per_sec", "1000000"),
        Setting::wanted("ipv4/icmp_msgs_burst", "1000000"),
    ]
}

/// Where two choices in a row by the same hash would be one choice.
const SEEDS: [&str; 4] = ["7919", "104729", "1299709", "15485863"];

pub(super) const DEAD: &str = "table inet dead {
  chain forward { type filter hook forward priority -10; policy drop; }
}
";

pub(super) const ANONYMOUS: &str = "table inet anonymous {
  chain output {
    type filter hook output priority 0;
    icmp type { destination-unreachable, time-exceeded, parameter-problem } drop
    icmpv6 type { destination-unreachable, time-exceeded, parameter-problem, packet-too-big } drop
  }
}
";

pub(super) fn silent_about_size(link: usize) -> String {
    format!(
        "table inet silent_about_size_{link} {{
  chain output {{
    type filter hook output priority 0;
    icmp type destination-unreachable icmp code 4 drop
    icmpv6 type packet-too-big drop
  }}
}}
"
    )
}

/// Marks each packet that comes in towards the hosts with the number, from 1 on, of the member that it goes to,
/// where the kernel's own hash does not do.
///
/// `seed` makes one router's choices independent of another's.
pub(super) fn marking(
    router: &Router,
    near_interfaces: &[String],
    weights: &[u8],
    seed: usize,
) -> Option<String> {
    let choosers: &[&str] = match router.balancing {
        Balancing::PerFlow | Balancing::PerDestination => return None,
        Balancing::PerPacket => &["meta mark set numgen random"],
        Balancing::PerHeader => &[
            "icmp type echo-request meta mark set jhash ip daddr . icmp checksum",
            "icmpv6 type echo-request meta mark set jhash ip6 daddr . icmpv6 checksum",
        ],
    };
    let parts: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
    let members = weights.iter().enumerate();
    let owners = members.flat_map(|(member, &weight)| (0..weight).map(move |_| member + 1));
    let map: Vec<String> = owners.enumerate().map(|(part, member)| format!("{part} : {member}")).collect();
    let near: Vec<String> = near_interfaces.iter().map(|name| format!("\"{name}\"")).collect();
    let mut text = "table inet balancing {
  chain choose {
    type filter hook prerouting priority -150;
"
    .to_owned();
    for chooser in choosers {
        let seed =
            if chooser.contains("jhash") { format!(" seed {}", 0x5eed + 7919 * seed) } else { String::new() };
        let _ = writeln!(
            text,
            "    iifname {{ {} }} {chooser} mod {parts}{seed} map {{ {} }}",
            near.join(", "),
            map.join(", ")
        );
    }
    text.push_str("  }\n}\n");
    Some(text)
}

/// Keeps the kernel from answering for packets whose TTL runs out here.
pub(super) fn unanswered(near_interfaces: &[String]) -> String {
    let near: Vec<String> = near_interfaces.iter().map(|name| format!("\"{name}\"")).collect();
    let near = near.join(", ");
    format!(
        "table inet wording {{
  chain early {{
    type filter hook prerouting priority -310;
    iifname {{ {near} }} ip ttl <= 1 fib daddr type unicast drop
    iifname {{ {near} }} ip6 hoplimit <= 1 fib daddr type unicast drop
  }}
}}
"
    )
}
