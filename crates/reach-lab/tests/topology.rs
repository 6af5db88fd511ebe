//! Whether the network that was built is the network that was described.

mod common;

use common::{Outcome, connect, connect_ttl, exceeded, hush, ip};
use nix::errno::Errno;
use reach_lab::{
    Client, ClientIpv6, Description, Lab, Link, Router, Service, ServiceKind, Tool, isolated, story,
};

const BOTH: &[Tool] = &[Tool::Ip, Tool::Nft];

/// client – r1 – fw – {ra, rb} – web, and near behind r1.
fn diamond() -> Description {
    Description::new("diamond")
        .router("r1")
        .router("fw")
        .parallel(["ra", "rb"])
        .host("web", ["203.0.113.11", "203.0.113.12", "2001:db8:113::11"])
        .host_behind("near", ["198.51.100.9", "2001:db8:51::9"], "r1")
        .service(Service::new("web", 443, ServiceKind::Silent))
        .service(Service::new("near", 443, ServiceKind::Silent))
}

#[test]
fn hosts_are_reached_at_their_distance_and_routers_answer_before() {
    isolated(&[Tool::Ip], || {
        let lab = Lab::build(&diamond()).unwrap();
        for (address, fw, last) in [
            ("203.0.113.11", "10.70.1.2", ["10.70.2.2", "10.70.3.2"]),
            ("2001:db8:113::11", "2001:db8:70:1::2", ["2001:db8:70:2::2", "2001:db8:70:3::2"]),
        ] {
            let r1 = if address.contains(':') { "2001:db8:70::1" } else { "10.70.0.1" };
            assert_eq!(connect_ttl(&lab, address, 443, 1), exceeded(r1));
            assert_eq!(connect_ttl(&lab, address, 443, 2), exceeded(fw));
            let third = connect_ttl(&lab, address, 443, 3);
            assert!(last.map(exceeded).contains(&third), "{third:?}");
            assert_eq!(connect_ttl(&lab, address, 443, 4), Outcome::Connected);
            assert_eq!(lab.distance(ip(address)), Some(4));
        }
        assert_eq!(connect_ttl(&lab, "198.51.100.9", 443, 2), Outcome::Connected);
        assert_eq!(connect_ttl(&lab, "2001:db8:51::9", 443, 2), Outcome::Connected);
        assert_eq!(lab.router_address("rb").0.to_string(), "10.70.3.2");
        common::eventually("both connections are counted", || {
            lab.counts(ip("203.0.113.12"), 443).accepted == 2
        });
    });
}

#[test]
fn a_closed_port_resets_and_an_unknown_address_has_no_route() {
    isolated(&[Tool::Ip], || {
        let lab = Lab::build(&diamond()).unwrap();
        assert_eq!(connect(&lab, "203.0.113.11", 81), Outcome::Reset);
        let unknown = connect(&lab, "203.0.113.99", 443);
        let last = ["10.70.2.2", "10.70.3.2"].map(|router| Outcome::Icmp(3, 0, ip(router)));
        assert!(last.contains(&unknown), "{unknown:?}");
    });
}

#[test]
fn a_flow_keeps_its_path_and_flows_are_spread() {
    isolated(&[Tool::Ip], || {
        let wide = Description::new("wide")
            .router("r1")
            .parallel(["a", "b", "c", "d"])
            .router("last")
            .host("web", ["203.0.113.11", "2001:db8:113::11"])
            .service(Service::new("web", 443, ServiceKind::Silent));
        let lab = Lab::build(&wide).unwrap();
        for address in ["203.0.113.11", "2001:db8:113::11"] {
            let mut seen = Vec::new();
            for port in 30000..30064 {
                let hop = || common::connect_with(&lab, address, 443, Some(2), Some(port), common::PATIENCE);
                let first = hop();
                assert_eq!(first, hop(), "the flow from port {port} moved");
                if !seen.contains(&first) {
                    seen.push(first);
                }
            }
            // The odds against missing one of four in 64 draws are 25 million to one.
            assert_eq!(seen.len(), 4, "{seen:?}");
        }
    });
}

#[test]
fn a_dead_member_answers_for_its_hop_and_passes_nothing() {
    isolated(BOTH, || {
        let description = Description::new("dead member")
            .router("r1")
            .stage([Router::dead("ra"), Router::named("rb")])
            .host("web", ["203.0.113.11"])
            .service(Service::new("web", 443, ServiceKind::Silent));
        let lab = Lab::build(&description).unwrap();
        let (mut dead, mut alive) = (0, 0);
        for port in 31000..31024 {
            let at =
                |ttl, patience| common::connect_with(&lab, "203.0.113.11", 443, ttl, Some(port), patience);
            if at(Some(2), common::PATIENCE) == exceeded("10.70.1.2") {
                dead += 1;
                assert_eq!(at(None, common::MOMENT), Outcome::Silent, "port {port}");
            } else {
                alive += 1;
                assert_eq!(at(None, common::PATIENCE), Outcome::Connected, "port {port}");
            }
        }
        assert!(dead > 2 && alive > 2, "{dead} dead, {alive} alive");
    });
}

#[test]
fn an_anonymous_router_keeps_silent_and_passes_everything() {
    isolated(BOTH, || {
        let description = Description::new("anonymous")
            .router("r1")
            .stage([Router::anonymous("quiet")])
            .router("r3")
            .host("web", ["203.0.113.11", "2001:db8:113::11"])
            .service(Service::new("web", 443, ServiceKind::Silent));
        let lab = Lab::build(&description).unwrap();
        for address in ["203.0.113.11", "2001:db8:113::11"] {
            assert_eq!(hush(&lab, address, 443, Some(2)), Outcome::Silent);
            assert!(matches!(connect_ttl(&lab, address, 443, 3), Outcome::Icmp(..)));
            assert_eq!(connect(&lab, address, 443), Outcome::Connected);
        }
    });
}

#[test]
fn icmp_errors_are_limited_only_where_it_is_said() {
    isolated(&[Tool::Ip], || {
        let limited = Router { icmp_rate_limited: true, ..Router::named("r2") };
        let description =
            Description::new("limited").router("r1").stage([limited]).host("web", ["203.0.113.11"]);
        let lab = Lab::build(&description).unwrap();
        assert_eq!(common::answered(&lab, "203.0.113.11", 443, Some(1), 40), 40);
        assert!(common::answered(&lab, "203.0.113.11", 443, Some(2), 40) < 40);
    });
}

#[test]
fn a_client_may_have_less_ipv6() {
    isolated(&[Tool::Ip], || {
        for (ipv6, expected) in [
            (ClientIpv6::NoRoute, Outcome::Local(Errno::ENETUNREACH)),
            (ClientIpv6::Off, Outcome::Local(Errno::ENETUNREACH)),
            (ClientIpv6::Routed, Outcome::Connected),
        ] {
            let description = Description { client: Client { ipv6, ..Client::default() }, ..diamond() };
            let lab = Lab::build(&description).unwrap();
            let got = connect(&lab, "2001:db8:113::11", 443);
            let same = got == expected || ipv6 == ClientIpv6::Off && matches!(got, Outcome::Local(_));
            assert!(same, "{ipv6:?}: {got:?}");
            assert_eq!(connect(&lab, "203.0.113.11", 443), Outcome::Connected);
        }
    });
}

#[test]
fn a_small_mtu_without_a_word_swallows_large_packets_only() {
    isolated(BOTH, || {
        for silent in [true, false] {
            let description = Description { hosts: Vec::new(), services: Vec::new(), ..diamond() }
                .host("web", ["203.0.113.11", "2001:db8:113::11"])
                .service(Service::new("web", 443, ServiceKind::Silent))
                .link(Link::with_mtu("r1", "fw", 1300, silent));
            let lab = Lab::build(&description).unwrap();
            for address in ["203.0.113.11", "2001:db8:113::11"] {
                use std::io::Write as _;
                let mut stream = common::hold(&lab, address, 443);
                stream.set_nodelay(true).unwrap();
                stream.write_all(&[1; 1000]).unwrap();
                assert!(all_acknowledged(&lab, &stream, common::PATIENCE), "1000 bytes pass");
                stream.write_all(&[2; 1400]).unwrap();
                let patience = if silent { common::MOMENT } else { common::PATIENCE };
                assert_eq!(all_acknowledged(&lab, &stream, patience), !silent, "{address}, silent: {silent}");
                common::drop_hard(stream);
            }
        }
    });
}

/// Whether everything that was written has been acknowledged before the time is up.
fn all_acknowledged(lab: &Lab, stream: &std::net::TcpStream, patience: std::time::Duration) -> bool {
    let deadline = std::time::Instant::now() + patience;
    while common::unacknowledged(lab, stream) > 0 {
        if std::time::Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    true
}

#[test]
fn many_labs_live_side_by_side_and_are_gone_when_dropped() {
    isolated(&[Tool::Ip], || {
        let labs: Vec<Lab> = (0..3).map(|_| Lab::build(&diamond()).unwrap()).collect();
        for lab in &labs {
            assert_eq!(connect(lab, "203.0.113.11", 443), Outcome::Connected);
            common::eventually("one is counted", || lab.counts(ip("203.0.113.11"), 443).accepted == 1);
        }
        let directory = labs[0].directory().to_owned();
        let namespace = labs[0].client().within(|| std::fs::read_link("/proc/thread-self/ns/net").unwrap());
        let is_held = || {
            let open = std::fs::read_dir("/proc/self/fd").unwrap();
            open.flatten()
                .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == namespace))
        };
        assert!(directory.exists() && is_held());
        drop(labs);
        assert!(!directory.exists() && !is_held());
    });
}

#[test]
fn the_founding_story_can_be_told_by_either_means() {
    isolated(BOTH, || {
        let (told, means) = story::tell().unwrap();
        assert_eq!(means, story::Means::Nft);
        let route = reach_lab::Effect::Route(reach_lab::RouteKind::Blackhole);
        let by_routes = told.faults();
        for filter in [true, false] {
            if !filter {
                by_routes.iter().for_each(|id| told.lift(*id).unwrap());
                let fault = story::BLOCKED
                    .iter()
                    .fold(reach_lab::Fault::at("fw", route.clone()), |fault, address| fault.address(address));
                told.impose(&fault).unwrap();
            }
            for address in story::POOL {
                assert_eq!(connect_ttl(&told, address, 443, 1), exceeded("10.70.0.1"));
                if story::BLOCKED.contains(&address) {
                    assert_eq!(hush(&told, address, 443, Some(2)), Outcome::Silent);
                    assert_eq!(hush(&told, address, 443, None), Outcome::Silent);
                } else {
                    assert_eq!(connect_ttl(&told, address, 443, 2), exceeded("10.70.1.2"));
                    assert_eq!(connect(&told, address, 443), Outcome::Connected);
                }
            }
        }
        assert!(common::tls(&told, story::POOL[0], story::NAME).result.unwrap().starts_with("HTTP/1.1 404"));
    });
}
