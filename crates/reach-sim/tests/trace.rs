//! What a trace finds in networks whose routers are known.

mod tracing;

use std::{collections::BTreeSet, time::Duration};

use reach_core::{
    model::{Balancing, Field, HopLoss, Remark, ReplyKind, Stopped, TracePlan, TraceProtocol},
    route::{choose_pair, parting},
};
use tracing::{Net, Traced, WEB, ip, one, stages};

const ALL: [TraceProtocol; 3] = [TraceProtocol::Tcp, TraceProtocol::Udp, TraceProtocol::Icmp];

fn show(traced: &Traced) -> String {
    let route = traced.route();
    let hops: Vec<String> = route
        .hops
        .iter()
        .map(|hop| {
            format!(
                "{} {}/{} of {} {:?} {:?} {}",
                hop.ttl,
                hop.received,
                hop.sent,
                hop.responders.len(),
                hop.balancing,
                hop.loss,
                hop.complete
            )
        })
        .collect();
    format!(
        "{:?}, {} packets, {:?} {:?} {:?} {:?}\n{}",
        traced.took,
        route.packets,
        route.stopped,
        route.by,
        route.mtu,
        route.remarks,
        hops.join("\n")
    )
}

#[test]
fn a_chain_of_twelve_routers_is_found_hop_by_hop() {
    for protocol in ALL {
        let traced = Net::chain(12).trace_by(protocol, 1);
        let route = traced.route();
        assert_eq!(route.distance, Some(13), "{}", show(&traced));
        assert_eq!(traced.widths(), [1; 13]);
        assert!(route.hops.iter().all(|hop| hop.complete), "{}", show(&traced));
        assert!(route.remarks.is_empty(), "{:?}", route.remarks);
        assert!(route.packets <= 12 * 6 + 12, "{}", route.packets);
    }
}

#[test]
fn diamonds_are_found_whole_and_told_to_be_by_flow() {
    for width in [2, 4, 16] {
        for protocol in ALL {
            let traced = Net::widths(&[1, 1, width, 1]).trace_by(protocol, 1);
            assert_eq!(traced.widths(), [1, 1, width, 1, 1], "{}", show(&traced));
            assert_eq!(traced.route().hops[2].balancing, Some(Balancing::PerFlow), "{}", show(&traced));
            assert!(traced.route().hops.iter().all(|hop| hop.complete), "{}", show(&traced));
            let links: BTreeSet<_> = traced.route().links.iter().map(|link| (link.from, link.to)).collect();
            assert!(links.len() >= 2 + width, "{links:?}");
        }
    }
}

#[test]
fn nested_and_uneven_diamonds_are_found_whole() {
    let nested = "[[network.stages]]\nrouters = [{ name = 'a1' }]\n\
        [[network.stages]]\nrouters = [{ name = 'b1', next = ['c1', 'c2'] }, { name = 'b2', next = ['c3'] }]\n\
        [[network.stages]]\nrouters = [{ name = 'c1' }, { name = 'c2' }, { name = 'c3' }]\n\
        [[network.stages]]\nrouters = [{ name = 'd1' }]\n";
    for protocol in ALL {
        let traced = Net::new(nested, "").trace_by(protocol, 2);
        assert_eq!(traced.widths(), [1, 2, 3, 1, 1], "{}", show(&traced));
        let links = &traced.route().links;
        assert_eq!(links.iter().filter(|link| link.ttl == 3).count(), 3, "{links:?}");
    }
}

#[test]
fn meshed_diamonds_have_all_their_links() {
    for protocol in ALL {
        let traced = Net::widths(&[1, 3, 3, 1]).trace_by(protocol, 3);
        assert_eq!(traced.widths(), [1, 3, 3, 1, 1], "{}", show(&traced));
        let links = &traced.route().links;
        assert_eq!(links.iter().filter(|link| link.ttl == 3).count(), 9, "{links:?}");
    }
}

#[test]
fn balancing_packet_by_packet_is_told() {
    let stages = format!(
        "{}[[network.stages]]\nspread = 'packets'\nrouters = [{{ name = 'b1' }}, {{ name = 'b2' }}]\n{}",
        one("a1", ""),
        one("c1", "")
    );
    for protocol in ALL {
        for seed in 1..=10 {
            let traced = Net::new(&stages, "").trace_by(protocol, seed);
            assert_eq!(traced.widths(), [1, 2, 1, 1], "{}", show(&traced));
            assert_eq!(
                traced.route().hops[1].balancing,
                Some(Balancing::PerPacket),
                "{protocol:?} {seed} {}",
                show(&traced)
            );
        }
    }
}

#[test]
fn balancing_by_destination_is_told_from_several_addresses() {
    let stages = format!(
        "{}[[network.stages]]\nspread = 'addresses'\nrouters = [{{ name = 'b1' }}, {{ name = 'b2' }}]\n{}",
        one("a1", ""),
        one("c1", "")
    );
    let addresses: Vec<String> = (11..=18).map(|last| format!("203.0.113.{last}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let plan = TracePlan { seed: 1, ..TracePlan::default() };
    let traced = Net::new(&stages, "").trace_all(&plan, &addresses);
    let routers: BTreeSet<_> =
        traced.routes.iter().map(|route| route.hops[1].responders[0].address).collect();
    assert_eq!(routers.len(), 2);
    for route in &traced.routes {
        assert_eq!(route.hops[1].balancing, Some(Balancing::PerDestination));
        assert_eq!(route.hops[0].balancing, None);
    }
}

#[test]
fn a_silent_router_costs_little_time_and_no_hop() {
    for protocol in ALL {
        let chain = |silent: &str| {
            let stages: Vec<String> = (1..=9)
                .map(|number| one(&format!("r{number}"), if number == 4 { silent } else { "" }))
                .collect();
            Net::with("link_delay_ms = 2.5", &stages.concat(), "").trace_by(protocol, 1)
        };
        let (clear, silent) = (chain(""), chain("anonymous = true"));
        assert_eq!(silent.widths(), [1, 1, 1, 0, 1, 1, 1, 1, 1, 1], "{}", show(&silent));
        assert_eq!(silent.route().hops[3].loss, HopLoss::Silent);
        // One more question after a usual answer's time, and the least wait before silence means anything.
        let cost = Duration::from_millis(50).mul_f64(1.25) + Duration::from_millis(200);
        assert!(silent.took <= clear.took + cost, "{} {}", show(&clear), show(&silent));
    }
}

#[test]
fn a_silent_destination_is_given_up_soon() {
    let drop = "[[network.faults]]\nat = 'r5'\neffect = 'drop'\n";
    for protocol in ALL {
        let stages: Vec<String> = (1..=9).map(|number| one(&format!("r{number}"), "")).collect();
        let traced = Net::new(&stages.concat(), drop).trace_by(protocol, 1);
        assert_eq!(traced.widths(), [1, 1, 1, 1, 1, 0], "{}", show(&traced));
        assert_eq!(traced.route().stopped, Some(Stopped::Silent));
        assert!(traced.took <= Duration::from_millis(750), "{}", show(&traced));
    }
}

#[test]
fn routers_that_limit_their_errors_are_filled_in_for_every_address() {
    let stages: Vec<String> = (1..=5)
        .map(|number| one(&format!("r{number}"), if number == 1 { "icmp_rate_limited = true" } else { "" }))
        .collect();
    let addresses: Vec<String> = (11..=26).map(|last| format!("203.0.113.{last}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    for protocol in ALL {
        let plan = TracePlan { protocol, seed: 1, ..TracePlan::default() };
        let traced = Net::new(&stages.concat(), "").trace_all(&plan, &addresses);
        println!("{protocol:?} {}", show(&traced));
        for route in &traced.routes {
            assert_eq!(route.hops[0].responders.len(), 1, "{:?}", route.endpoint);
            assert!(
                matches!(route.hops[0].loss, HopLoss::RateLimited | HopLoss::None),
                "{:?}",
                route.hops[0].loss
            );
            assert!(route.hops[1..].iter().all(|hop| hop.loss == HopLoss::None));
        }
        assert!(traced.took < Duration::from_secs(18), "{:?}", traced.took);
    }
}

#[test]
fn blocks_are_told_apart_and_named() {
    let stages = format!("{}{}{}{}", one("r1", ""), one("fw", ""), one("r3", ""), one("r4", ""));
    let fw = Some(ip("10.70.1.2"));
    let fault = |at: &str, effect: &str| {
        format!("[[network.faults]]\nat = '{at}'\neffect = {effect}\naddresses = ['{WEB}']\n")
    };
    let cases = [
        (fault("fw", "'drop'"), Stopped::Silent, None, 2),
        (fault("fw", "'reset'"), Stopped::ResetByPath, fw, 2),
        (fault("fw", "{ reject = 'admin-prohibited' }"), Stopped::Prohibited, fw, 2),
        (fault("fw", "{ reject = 'port-unreachable' }"), Stopped::Unreachable, fw, 2),
        (fault("web", "'input-reset'"), Stopped::Refused, Some(ip(WEB)), 4),
    ];
    let plan = TracePlan { seed: 1, ..TracePlan::default() };
    for (fault, stopped, by, last_router) in cases {
        let traced = Net::new(&stages, &fault).trace_all(&plan, &[WEB, "203.0.113.12"]);
        let route = traced.route();
        assert_eq!((route.stopped, route.by), (Some(stopped), by), "{fault} {}", show(&traced));
        assert_eq!(route.distance, None);
        let routers = route
            .hops
            .iter()
            .filter(|hop| hop.responders.iter().any(|responder| responder.reply == ReplyKind::TimeExceeded));
        assert_eq!(routers.count(), last_router, "{fault} {}", show(&traced));
        assert_eq!(choose_pair(&traced.routes), Some((1, 0)));
        let parting = parting(&traced.routes[1], route);
        assert_eq!(parting.common.map(|(ttl, _)| ttl), Some(last_router as u8), "{fault}");
        assert_eq!(parting.parts, Some(last_router as u8 + 1), "{fault}");
    }
}

#[test]
fn rewriting_boxes_show_in_what_routers_quote() {
    let stages = format!(
        "{}{}{}{}",
        one("r1", ""),
        one("fw", "clamp_mss = 1360, translates = true"),
        one("r3", "detour = 5, labels = [24001]"),
        one("r4", "")
    );
    let traced = Net::new(&stages, "").trace(1);
    let remarks = &traced.route().remarks;
    assert!(remarks.contains(&Remark::Translated { ttl: 3 }), "{remarks:?}");
    let clamp = Remark::Rewritten { ttl: 3, field: Field::MaxSegment, was: 1460, is: 1360 };
    assert!(remarks.contains(&clamp), "{remarks:?}");
    assert!(
        remarks.iter().any(|remark| matches!(remark, Remark::Asymmetric { ttl: 3, back: 8, .. })),
        "{remarks:?}"
    );
    assert_eq!(remarks.len(), 3, "{remarks:?}");
    assert_eq!(traced.route().hops[2].responders[0].labels[0].label, 24_001);
}

#[test]
fn the_path_mtu_is_found_with_and_without_a_word() {
    for protocol in ALL {
        for silent in [false, true] {
            let link = format!(
                "[[network.links]]\nbetween = ['r3', 'r4']\nmtu = 1380\nsilent_about_size = {silent}\n"
            );
            let net =
                Net::new(&(1..=5).map(|number| one(&format!("r{number}"), "")).collect::<String>(), &link);
            let plan = TracePlan { protocol, mtu: true, seed: 1, ..TracePlan::default() };
            let traced = net.trace_with(&plan);
            let mtu = traced.route().mtu.clone().expect("it was asked for");
            println!("{protocol:?} {silent} {}", show(&traced));
            assert_eq!((mtu.mtu, mtu.to_endpoint), (1_380, true));
            assert_eq!(mtu.limits.len(), 1);
            assert_eq!(
                (mtu.limits[0].ttl, mtu.limits[0].mtu, mtu.limits[0].by.is_none()),
                (4, 1_380, silent)
            );
        }
        let plan = TracePlan { protocol, mtu: true, seed: 1, ..TracePlan::default() };
        let mtu = Net::chain(4).trace_with(&plan).route().mtu.clone().expect("it was asked for");
        assert_eq!((mtu.mtu, mtu.to_endpoint, mtu.limits.len()), (1_500, true, 0));
    }
}

#[test]
fn the_path_mtu_is_found_where_the_endpoint_keeps_silent() {
    for protocol in [TraceProtocol::Tcp, TraceProtocol::Icmp] {
        let rest = "[[network.links]]\nbetween = ['r2', 'r3']\nmtu = 1400\nsilent_about_size = true\n\
            [[network.faults]]\nat = 'web'\neffect = 'input-drop'\nprotocol = 'icmp'\n";
        let net = Net::new(&(1..=5).map(|number| one(&format!("r{number}"), "")).collect::<String>(), rest);
        let plan = TracePlan { protocol, mtu: true, seed: 1, ..TracePlan::default() };
        let traced = net.trace_with(&plan);
        let mtu = traced.route().mtu.clone().unwrap_or_else(|| panic!("{}", show(&traced)));
        assert_eq!((mtu.mtu, mtu.to_endpoint), (1_400, false), "{mtu:?}");
        assert_eq!((mtu.limits[0].ttl, mtu.limits[0].by), (3, None), "{mtu:?}");
    }
}

#[test]
fn the_bad_member_of_a_group_is_named_and_random_loss_is_not_blamed() {
    let text = format!(
        "{}[[network.stages]]\nrouters = [{{ name = 'b1' }}, {{ name = 'b2', dead = true }}, {{ name = 'b3' }}, {{ name = 'b4' }}]\n{}",
        one("a1", ""),
        one("c1", "")
    );
    for protocol in ALL {
        for seed in 1..=5 {
            let plan = TracePlan { protocol, flows: 24, seed, ..TracePlan::default() };
            let traced = Net::new(&text, "").trace_with(&plan);
            let bad = traced.route().remarks.iter().find_map(|remark| match remark {
                Remark::BadMember { ttl, member, after, lost, others_lost, .. } => {
                    Some((*ttl, *member, *after, *lost, *others_lost))
                }
                _ => None,
            });
            let dead = ip("10.70.2.2");
            assert_eq!(
                bad,
                Some((2, Some(dead), Some(ip("10.70.0.1")), 1.0, 0.0)),
                "{protocol:?} {seed} {}",
                show(&traced)
            );
        }
    }
    let lossy = "[[network.links]]\nbetween = ['a1', 'b1']\nrelay = { loss_percent = 10 }\n\
        [[network.links]]\nbetween = ['a1', 'b2']\nrelay = { loss_percent = 10 }\n";
    for seed in 1..=30 {
        let plan = TracePlan { protocol: TraceProtocol::Udp, flows: 24, seed, ..TracePlan::default() };
        let traced = Net::new(&stages(&[1, 2, 1]), lossy).trace_with(&plan);
        let blamed = traced.route().remarks.iter().any(|remark| matches!(remark, Remark::BadMember { .. }));
        assert!(!blamed, "{seed}: {}", show(&traced));
    }
}

#[test]
fn a_half_dead_member_is_found_without_being_asked_for() {
    let text = format!(
        "{}[[network.stages]]\nrouters = [{{ name = 'b1' }}, {{ name = 'b2', dead = true }}]\n{}",
        one("a1", ""),
        one("c1", "")
    );
    let mut named = 0;
    for seed in 1..=20 {
        let traced = Net::new(&text, "").trace(seed);
        assert_eq!(traced.route().hops[1].responders.len(), 2, "{}", show(&traced));
        named +=
            u32::from(traced.route().remarks.iter().any(|remark| matches!(remark, Remark::BadMember { .. })));
    }
    assert!(named >= 16, "{named}");
}

#[test]
fn losses_do_not_hide_hops_and_are_told_from_limits() {
    for loss in [5, 20] {
        let link = format!(
            "[[network.links]]\nbetween = ['r2', 'r3']\nrelay = {{ loss_percent = {loss}, loss_direction = 'both' }}\n"
        );
        let net = Net::new(&(1..=8).map(|number| one(&format!("r{number}"), "")).collect::<String>(), &link);
        for protocol in ALL {
            let (mut whole, mut forward, mut limited) = (0, 0, 0);
            for seed in 1..=20 {
                let traced = net.trace_by(protocol, seed);
                if traced.widths() != [1; 9] {
                    println!("{protocol:?} {seed} {}", show(&traced));
                }
                whole += u32::from(traced.widths() == [1; 9]);
                let hops = &traced.route().hops;
                forward += u32::from(hops.iter().any(|hop| matches!(hop.loss, HopLoss::Forward { .. })));
                limited += u32::from(hops.iter().any(|hop| hop.loss == HopLoss::RateLimited));
            }
            println!("{loss} {protocol:?}: {whole} whole, {forward} forward, {limited} limited");
            assert!(whole >= 19, "{loss} {protocol:?} {whole}");
            assert!(limited <= 3, "{loss} {protocol:?} {limited}");
        }
    }
}

#[test]
fn one_flow_follows_one_path() {
    for protocol in ALL {
        let plan = TracePlan { protocol, all_paths: false, seed: 1, ..TracePlan::default() };
        let traced = Net::widths(&[1, 4, 4, 1]).trace_with(&plan);
        assert_eq!(traced.widths(), [1, 1, 1, 1, 1], "{}", show(&traced));
        assert!(traced.route().hops.iter().all(|hop| hop.received >= 3), "{}", show(&traced));
        assert_eq!(traced.route().flows.len(), 1);
    }
}

#[test]
fn all_addresses_are_traced_at_once() {
    let addresses: Vec<String> = (11..=26).map(|last| format!("203.0.113.{last}")).collect();
    let mut addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    addresses.push("2001:db8:113::11");
    for protocol in ALL {
        let plan = TracePlan { protocol, seed: 1, ..TracePlan::default() };
        let traced = Net::chain(9).trace_all(&plan, &addresses);
        assert!(traced.routes.iter().all(|route| route.distance == Some(10)));
        assert!(traced.took < Duration::from_secs(3), "{:?}", traced.took);
    }
}
