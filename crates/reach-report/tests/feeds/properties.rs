//! What holds for all files and all addresses.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use proptest::{collection::vec, prelude::*};
use reach_report::feeds::{cover, read, without};

/// Networks that meet each other.
fn net() -> impl Strategy<Value = IpNet> {
    let v4 = (any::<u8>(), 20_u8..=32)
        .prop_map(|(low, length)| IpNet::new(IpAddr::from([192, 0, 2, low]), length));
    let v6 = (any::<u16>(), 100_u8..=128)
        .prop_map(|(low, length)| IpNet::new(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, low]), length));
    prop_oneof![3 => v4, 1 => v6].prop_map(|net| net.expect("a network").trunc())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = "(\\{|\\}|\\[|\\]|:|,|\"prefixes\"|\"ipv4Prefix\"|\"ip_prefix\"|\"values\"|\"properties\"|\"addressPrefixes\"|\"ips\"|\"regions\"|\"cidrs\"|\"cidr\"|\"hooks\"|\"web\"|\"API\"|\"192.0.2.0/24\"|\"::/0\"|1|null|true| |\n){0,60}";
    prop_oneof![
        vec(any::<u8>(), 0..200),
        pieces.prop_map(String::into_bytes),
        "(192\\.0\\.2\\.[0-9]{1,3}(/[0-9]{1,2})?|x|#|;|,|\n){0,40}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn whatever_a_file_says_it_is_ranges_or_an_error(name in any::<String>(), bytes in bytes()) {
        match read(&name, &bytes) {
            Ok(feed) => {
                prop_assert!(!feed.ranges.is_empty());
                prop_assert!(feed.ranges.iter().all(|range| range.net.prefix_len() > 0 && range.net == range.net.trunc()));
                prop_assert!(!feed.name.chars().any(char::is_control));
                let seen: Vec<IpAddr> = feed.ranges.iter().map(|range| range.net.addr()).collect();
                prop_assert!(cover(&seen, &[feed]).uncovered.is_empty());
            }
            Err(error) => prop_assert!(!error.to_string().chars().any(char::is_control)),
        }
    }

    #[test]
    fn what_is_left_is_in_the_one_and_not_in_the_other(all in vec(net(), 0..8), taken in vec(net(), 0..8), low in any::<u8>()) {
        let left = without(&all, &taken);
        let holds = |nets: &[IpNet], address: IpAddr| nets.iter().any(|net| net.contains(&address));
        for address in [IpAddr::V4(Ipv4Addr::new(192, 0, 2, low)), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(low)])] {
            prop_assert_eq!(holds(&left, address), holds(&all, address) && !holds(&taken, address));
        }
        for (at, one) in left.iter().enumerate() {
            prop_assert!(!left[at + 1..].iter().any(|other| one.contains(other) || other.contains(one)));
        }
    }

    #[test]
    fn prefixes_hold_what_is_covered(nets in vec(net(), 1..20), lows in vec(any::<u8>(), 0..20)) {
        let text: String = nets.iter().map(|net| format!("{net}\n")).collect();
        let feed = read("list", text.as_bytes()).expect("a list");
        let seen: Vec<IpAddr> = lows.into_iter().map(|low| IpAddr::from([192, 0, 2, low])).collect();
        let coverage = cover(&seen, &[feed]);
        for address in &seen {
            let is_covered = nets.iter().any(|net| net.contains(address));
            prop_assert_eq!(coverage.uncovered.contains(address), !is_covered);
            prop_assert_eq!(coverage.prefixes.iter().any(|net| net.contains(address)), is_covered);
        }
        prop_assert!(coverage.prefixes.iter().all(|prefix| nets.contains(prefix)));
    }
}
