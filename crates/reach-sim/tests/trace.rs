//! What a trace finds in networks whose routers are known.

mod tracing;

use std::time::Duration;

use reach_core::model::{TracePlan, TraceProtocol};
use tracing::{Net, WEB};

const ALL: [TraceProtocol; 3] = [TraceProtocol::Tcp, TraceProtocol::Udp, TraceProtocol::Icmp];

#[test]
fn a_chain_of_twelve_routers_is_found_hop_by_hop() {
    for protocol in ALL {
        let traced = Net::chain(12).trace_by(protocol, 1);
        let route = traced.route();
        println!(
            "{protocol:?} {:?} {:?} {} {:?}",
            traced.took,
            traced.widths(),
            route.packets,
            route.remarks
        );
        assert_eq!(route.distance, Some(13));
        assert_eq!(traced.widths(), [1; 13]);
        assert!(route.hops.iter().all(|hop| hop.complete), "{:#?}", route.hops);
        assert!(route.remarks.is_empty(), "{:?}", route.remarks);
        assert!(route.packets <= 12 * 6 + 12, "{}", route.packets);
    }
}

#[test]
fn diamonds_are_found_whole() {
    for width in [2, 4, 16] {
        for protocol in ALL {
            let traced = Net::widths(&[1, 1, width, 1]).trace_by(protocol, 1);
            let route = traced.route();
            println!(
                "{protocol:?} {:?} {:?} {} {:?}",
                traced.took,
                traced.widths(),
                route.packets,
                route.remarks
            );
            assert_eq!(traced.widths(), [1, 1, width, 1, 1]);
        }
    }
}

#[test]
fn all_addresses_at_once() {
    let addresses: Vec<String> = (11..=26).map(|last| format!("203.0.113.{last}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let plan = TracePlan { seed: 1, ..TracePlan::default() };
    let traced = Net::chain(9).trace_all(&plan, &addresses);
    assert!(traced.routes.iter().all(|route| route.distance == Some(10)));
    println!("{:?}", traced.took);
    assert!(traced.took < Duration::from_secs(3), "{:?}", traced.took);
    let _ = WEB;
}
