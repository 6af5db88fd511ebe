//! The counters of `/proc/net/snmp`, `/proc/net/snmp6` and `/proc/net/dev` (proc_net(5)).

use reach_core::model::IpCounters;

/// The counters of one address family at one moment. Each is its total since the network namespace was made.
///
/// `snmp` is the text of `/proc/net/snmp` for IPv4, or of `/proc/net/snmp6` for IPv6 (`v6`); `dev` that of
/// `/proc/net/dev`, whose line for loopback counts only with `loopback`. `None` when a text is not of its kind.
pub fn ip_counters(v6: bool, snmp: &str, dev: &str, loopback: bool) -> Option<IpCounters> {
    let value = |name: &str| if v6 { snmp6_value(snmp, name) } else { snmp_value(snmp, name) };
    Some(IpCounters {
        out_requests: value("OutRequests")?,
        out_transmits: value("OutTransmits"),
        interface_sent: sent_packets(dev, loopback)?,
        in_receives: value("InReceives")?,
        in_delivers: value("InDelivers")?,
    })
}

/// What was counted between two moments.
pub fn counted_between(before: &IpCounters, after: &IpCounters) -> IpCounters {
    IpCounters {
        out_requests: after.out_requests.saturating_sub(before.out_requests),
        out_transmits: after
            .out_transmits
            .zip(before.out_transmits)
            .map(|(after, before)| after.saturating_sub(before)),
        interface_sent: after.interface_sent.saturating_sub(before.interface_sent),
        in_receives: after.in_receives.saturating_sub(before.in_receives),
        in_delivers: after.in_delivers.saturating_sub(before.in_delivers),
    }
}

/// One value of the two `Ip:` lines, of which the first has the names.
fn snmp_value(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Ip:"));
    let names = lines.next()?.split_whitespace();
    let values = lines.next()?.split_whitespace();
    names.zip(values).find(|(found, _)| *found == name)?.1.parse().ok()
}

/// One value of a line like `Ip6OutRequests   131`.
fn snmp6_value(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix("Ip6")?.strip_prefix(name)?;
        value.starts_with(char::is_whitespace).then_some(value)?.trim().parse().ok()
    })
}

/// The sum of the packets sent, over the lines like `eth0: 16 columns`. `None` when no line is of that kind.
fn sent_packets(text: &str, loopback: bool) -> Option<u64> {
    /// The columns: 8 of what was received, then bytes and packets sent.
    const PACKETS_SENT: usize = 9;
    let mut sum = None;
    for line in text.lines() {
        let Some((name, columns)) = line.rsplit_once(':') else { continue };
        let Some(Ok(packets)) = columns.split_whitespace().nth(PACKETS_SENT).map(str::parse::<u64>) else {
            continue;
        };
        let counts = loopback || name.trim() != "lo";
        sum = Some(sum.unwrap_or(0_u64).saturating_add(if counts { packets } else { 0 }));
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SNMP: &str = "\
Ip: Forwarding DefaultTTL InReceives InDelivers OutRequests OutTransmits
Ip: 2 64 9574 9570 6765 6760
Icmp: InMsgs InErrors
Icmp: 1 0
";
    const OLD_SNMP: &str = "Ip: InReceives InDelivers OutRequests\nIp: 3 2 1\n";
    const SNMP6: &str = "\
Ip6InReceives                   \t122
Ip6InDelivers                   \t121
Ip6OutRequests                  \t131
Ip6OutTransmits                 \t130
Icmp6InMsgs                     \t1
";
    const DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:  191233    3273    0    0    0     0          0         0   191233    3273    0    0    0     0       0          0
  eth0: 143851404    6431    0    0    0     0          0         0   360891    3630    0    0    0     0       0          0
 wg0.1:0 7 0 0 0 0 0 0 0 5 0 0 0 0 0 0
";

    #[test]
    fn the_counters_of_ipv4_are_found_by_name() {
        let expected = IpCounters {
            out_requests: 6765,
            out_transmits: Some(6760),
            interface_sent: 3635,
            in_receives: 9574,
            in_delivers: 9570,
        };
        assert_eq!(ip_counters(false, SNMP, DEV, false), Some(expected));
        assert_eq!(ip_counters(false, SNMP, DEV, true).map(|it| it.interface_sent), Some(3635 + 3273));
    }

    #[test]
    fn the_counters_of_ipv6_are_found_by_name() {
        let expected = IpCounters {
            out_requests: 131,
            out_transmits: Some(130),
            interface_sent: 3635,
            in_receives: 122,
            in_delivers: 121,
        };
        assert_eq!(ip_counters(true, SNMP6, DEV, false), Some(expected));
    }

    #[test]
    fn older_kernels_do_not_count_what_went_to_an_interface() {
        let counters = ip_counters(false, OLD_SNMP, DEV, false).expect("counters");
        assert_eq!((counters.out_requests, counters.out_transmits), (1, None));
    }

    #[test]
    fn other_texts_are_no_counters() {
        assert_eq!(ip_counters(false, "", DEV, false), None);
        assert_eq!(ip_counters(true, SNMP, DEV, false), None);
        assert_eq!(ip_counters(false, SNMP, "", false), None);
    }

    proptest! {
        #[test]
        fn any_text_is_taken(v6: bool, snmp: String, dev: String, loopback: bool) {
            let _ = ip_counters(v6, &snmp, &dev, loopback);
            let _ = ip_counters(v6, &format!("Ip: {snmp}\nIp: {dev}"), &format!("eth0:{dev}"), loopback);
        }
    }
}
