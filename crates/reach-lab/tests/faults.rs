//! Whether each fault does what it says, where it says, and to nothing else.

mod common;

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use common::{Outcome, PATIENCE, connect, connect_ttl, connect_with, exceeded, hush, ip};
use reach_lab::{
    Backend, Cut, Description, Direction, Effect, Fault, Lab, Link, NameCut, Protocol, Rejection, Relay,
    RouteKind, Service, ServiceKind, Tls, Tool, isolated,
};

const BOTH: &[Tool] = &[Tool::Ip, Tool::Nft];
const HIT: [&str; 2] = ["203.0.113.12", "2001:db8:113::12"];
const SPARED: [&str; 2] = ["203.0.113.11", "2001:db8:113::11"];

/// client – r1 – fw – r3 – web with two addresses of each family: the host is at hop 4.
fn chain() -> Description {
    Description::new("chain")
        .router("r1")
        .router("fw")
        .router("r3")
        .host("web", ["203.0.113.11", "203.0.113.12", "2001:db8:113::11", "2001:db8:113::12"])
        .service(Service::new("web", 443, ServiceKind::Silent).port(80))
}

fn on_both(fault: Fault) -> Fault {
    fault.address(HIT[0]).address(HIT[1])
}

fn fw(address: &str) -> &'static str {
    if address.contains(':') { "2001:db8:70:1::2" } else { "10.70.1.2" }
}

fn all_spared(lab: &Lab) {
    for address in SPARED {
        assert_eq!(connect(lab, address, 443), Outcome::Connected, "{address} is not concerned");
    }
}

#[test]
fn a_drop_when_forwarding_leaves_the_routers_own_answer() {
    isolated(BOTH, || {
        let fault = on_both(Fault::at("fw", Effect::Drop)).port(443);
        let lab = Lab::build(&chain().fault(fault)).unwrap();
        for address in HIT {
            assert_eq!(connect_ttl(&lab, address, 443, 2), exceeded(fw(address)));
            assert_eq!(hush(&lab, address, 443, Some(3)), Outcome::Silent);
            assert_eq!(hush(&lab, address, 443, None), Outcome::Silent);
            assert_eq!(connect(&lab, address, 80), Outcome::Connected);
        }
        all_spared(&lab);
        lab.lift(lab.faults()[0]).unwrap();
        assert_eq!(connect(&lab, HIT[0], 443), Outcome::Connected);
    });
}

#[test]
fn a_drop_on_arrival_silences_the_router_too() {
    isolated(BOTH, || {
        let lab = Lab::build(&chain().fault(on_both(Fault::at("fw", Effect::DropEarly)))).unwrap();
        for address in HIT {
            assert!(matches!(connect_ttl(&lab, address, 443, 1), Outcome::Icmp(..)));
            assert_eq!(hush(&lab, address, 443, Some(2)), Outcome::Silent);
        }
        all_spared(&lab);
    });
}

#[test]
fn a_drop_on_the_way_back_lets_the_question_through() {
    isolated(BOTH, || {
        let fault = on_both(Fault::at("fw", Effect::Drop)).direction(Direction::Back);
        let lab = Lab::build(&chain().fault(fault)).unwrap();
        for address in HIT {
            assert!(
                matches!(connect_ttl(&lab, address, 443, 3), Outcome::Icmp(..)),
                "r3 is reached and answers"
            );
            assert_eq!(hush(&lab, address, 443, None), Outcome::Silent);
        }
        all_spared(&lab);
    });
}

#[test]
fn a_forged_reset_is_seen_from_the_box_on() {
    isolated(BOTH, || {
        for (effect, first) in [(Effect::Reset, 3), (Effect::ResetEarly, 2)] {
            let lab = Lab::build(&chain().fault(on_both(Fault::at("fw", effect)))).unwrap();
            for address in HIT {
                assert!(matches!(connect_ttl(&lab, address, 443, first - 1), Outcome::Icmp(..)));
                assert_eq!(connect_ttl(&lab, address, 443, first), Outcome::Reset);
                assert_eq!(connect(&lab, address, 443), Outcome::Reset);
            }
            all_spared(&lab);
        }
    });
}

#[test]
fn rejections_carry_their_code_and_the_routers_address() {
    isolated(BOTH, || {
        let codes = [
            (Rejection::AdminProhibited, (3, 13), (1, 1)),
            (Rejection::HostUnreachable, (3, 1), (1, 3)),
            (Rejection::NetUnreachable, (3, 0), (1, 0)),
            (Rejection::PortUnreachable, (3, 3), (1, 4)),
            (Rejection::HostProhibited, (3, 10), (1, 5)),
            (Rejection::NetProhibited, (3, 9), (1, 6)),
        ];
        let lab = Lab::build(&chain()).unwrap();
        for (kind, v4, v6) in codes {
            for (effect, first) in [(Effect::Reject(kind), 3), (Effect::RejectEarly(kind), 2)] {
                let fault = lab.impose(&on_both(Fault::at("fw", effect))).unwrap();
                for (address, (icmp, code)) in HIT.into_iter().zip([v4, v6]) {
                    let expected = Outcome::Icmp(icmp, code, ip(fw(address)));
                    assert_eq!(connect_ttl(&lab, address, 443, first), expected);
                    assert_eq!(connect(&lab, address, 443), expected);
                }
                all_spared(&lab);
                lab.lift(fault).unwrap();
            }
        }
    });
}

#[test]
fn loss_takes_its_share() {
    isolated(BOTH, || {
        let fault = on_both(Fault::at("fw", Effect::Loss { percent: 50 })).direction(Direction::Both);
        let lab = Lab::build(&chain().fault(fault)).unwrap();
        // Within a moment only the first SYN counts: it passes both ways one time in four.
        // It passes both ways one time in four; a SYN-ACK that was lost comes again after a second.
        let passed = common::answered(&lab, HIT[0], 443, None, 64);
        assert!((4..32).contains(&passed), "{passed} of 64");
        all_spared(&lab);
    });
}

#[test]
fn a_share_of_flows_is_always_the_same_flows() {
    isolated(BOTH, || {
        let fault = on_both(Fault::at("fw", Effect::Reset)).port(443).flows(1, 2);
        let lab = Lab::build(&chain().fault(fault)).unwrap();
        let outcome = |port| connect_with(&lab, HIT[0], 443, None, Some(port), PATIENCE);
        let first: Vec<Outcome> = (32000..32032).map(outcome).collect();
        let second: Vec<Outcome> = (32000..32032).map(outcome).collect();
        assert_eq!(first, second);
        let hit = first.iter().filter(|outcome| **outcome == Outcome::Reset).count();
        assert!((4..28).contains(&hit), "{hit} of 32");
    });
}

#[test]
fn the_clients_own_filter_says_so() {
    isolated(BOTH, || {
        let lab = Lab::build(&chain()).unwrap();
        let during = |effect: Effect, check: &dyn Fn(&str)| {
            let fault = lab.impose(&on_both(Fault::at("client", effect))).unwrap();
            HIT.into_iter().for_each(check);
            all_spared(&lab);
            lab.lift(fault).unwrap();
        };
        let own = |address: &str| ip(if address.contains(':') { "2001:db8:70::2" } else { "10.70.0.2" });
        during(Effect::OutputDrop, &|address| assert_eq!(hush(&lab, address, 443, Some(1)), Outcome::Silent));
        during(Effect::OutputReset, &|address| assert_eq!(connect(&lab, address, 443), Outcome::Reset));
        during(Effect::OutputReject(Rejection::PortUnreachable), &|address| {
            let (icmp, code) = if address.contains(':') { (1, 4) } else { (3, 3) };
            assert_eq!(connect(&lab, address, 443), Outcome::Icmp(icmp, code, own(address)));
        });
        during(Effect::InputDrop, &|address| {
            assert!(matches!(connect_ttl(&lab, address, 443, 3), Outcome::Icmp(..)));
            assert_eq!(hush(&lab, address, 443, None), Outcome::Silent);
        });
        during(Effect::Route(RouteKind::Unreachable), &|address| {
            assert!(matches!(connect(&lab, address, 443), Outcome::Local(_)));
        });
    });
}

#[test]
fn a_hosts_own_filter_acts_at_its_distance() {
    isolated(BOTH, || {
        let lab = Lab::build(&chain().fault(on_both(Fault::at("web", Effect::InputDrop)))).unwrap();
        for address in HIT {
            assert!(matches!(connect_ttl(&lab, address, 443, 3), Outcome::Icmp(..)));
            assert_eq!(hush(&lab, address, 443, Some(4)), Outcome::Silent);
        }
        all_spared(&lab);
    });
}

#[test]
fn routes_that_lead_nowhere_need_no_packet_filter() {
    isolated(&[Tool::Ip], || {
        let lab = Lab::build(&chain()).unwrap();
        let impose = |kind| lab.impose(&on_both(Fault::at("fw", Effect::Route(kind)))).unwrap();
        let fault = impose(RouteKind::Blackhole);
        HIT.into_iter().for_each(|address| assert_eq!(hush(&lab, address, 443, Some(2)), Outcome::Silent));
        lab.lift(fault).unwrap();
        for (kind, v4, v6) in
            [(RouteKind::Unreachable, (3, 1), (1, 0)), (RouteKind::Prohibit, (3, 13), (1, 1))]
        {
            let fault = impose(kind);
            for (address, (icmp, code)) in HIT.into_iter().zip([v4, v6]) {
                assert_eq!(
                    connect(&lab, address, 443),
                    Outcome::Icmp(icmp, code, ip(fw(address))),
                    "{kind:?}"
                );
            }
            all_spared(&lab);
            lab.lift(fault).unwrap();
            assert_eq!(connect(&lab, HIT[0], 443), Outcome::Connected);
        }
    });
}

#[test]
fn an_address_that_nobody_claims_is_unreachable_after_a_while() {
    isolated(&[Tool::Ip], || {
        let nobody = ["203.0.113.77", "2001:db8:113::77"];
        let fault = Fault::at("r3", Effect::Unclaimed).address(nobody[0]).address(nobody[1]);
        let lab = Lab::build(&chain().fault(fault)).unwrap();
        assert_eq!(connect(&lab, nobody[0], 443), Outcome::Icmp(3, 1, ip("10.70.2.2")));
        assert_eq!(connect(&lab, nobody[1], 443), Outcome::Icmp(1, 3, ip("2001:db8:70:2::2")));
    });
}

#[test]
fn pings_can_be_dropped_alone() {
    isolated(BOTH, || {
        let fault = on_both(Fault::at("fw", Effect::Drop)).protocol(Protocol::Icmp);
        let mut description = chain().fault(fault);
        description.client.ping_sockets = true;
        let lab = Lab::build(&description).unwrap();
        assert!(common::ping(&lab, SPARED[0], PATIENCE));
        assert!(common::ping(&lab, SPARED[1], PATIENCE));
        for address in HIT {
            assert!(!common::ping(&lab, address, common::MOMENT));
            assert_eq!(connect(&lab, address, 443), Outcome::Connected);
            assert_eq!(connect_ttl(&lab, address, 443, 2), exceeded(fw(address)));
        }
    });
}

#[test]
fn a_syn_proxy_answers_first_and_asks_later() {
    isolated(BOTH, || {
        for backend in [Backend::Alive, Backend::Dropped, Backend::Closed] {
            let fault = on_both(Fault::at("fw", Effect::SynProxy { backend })).port(443);
            let mut description = chain().fault(fault);
            description.services = vec![Service::new("web", 443, ServiceKind::Banner("here\r\n".to_owned()))];
            let lab = Lab::build(&description).unwrap();
            for address in HIT {
                let answered = connect_ttl(&lab, address, 443, 3);
                if backend == Backend::Closed {
                    // Connected, and reset so soon after that only the reset may be seen.
                    let reset = Outcome::Local(nix::errno::Errno::ECONNRESET);
                    assert!([Outcome::Connected, reset].contains(&answered), "{answered:?}");
                    continue;
                }
                assert_eq!(answered, Outcome::Connected, "{backend:?}: answered at hop 2");
                let mut stream = common::hold(&lab, address, 443);
                let mut word = [0; 4];
                if backend == Backend::Alive {
                    stream.read_exact(&mut word).unwrap();
                    assert_eq!(&word, b"here");
                } else {
                    stream.set_read_timeout(Some(common::MOMENT)).unwrap();
                    let error = stream.read_exact(&mut word).unwrap_err();
                    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                }
            }
            assert_eq!(connect_ttl(&lab, SPARED[0], 443, 3), exceeded("10.70.2.2"));
        }
    });
}

#[test]
fn a_nat_with_four_ports_carries_four_flows() {
    isolated(BOTH, || {
        let effect =
            Effect::Snat { to: "198.51.100.1".parse().unwrap(), first_port: 40000, last_port: 40003 };
        let lab = Lab::build(&chain().fault(Fault::at("fw", effect).address(HIT[0]))).unwrap();
        let held: Vec<_> = (0..4).map(|_| common::hold(&lab, HIT[0], 443)).collect();
        assert_eq!(hush(&lab, HIT[0], 443, None), Outcome::Silent);
        for mut stream in held {
            stream.write_all(b"still here").unwrap();
            common::eventually("the flow is alive", || common::unacknowledged(&lab, &stream) == 0);
            common::drop_hard(stream);
        }
        all_spared(&lab);
    });
}

#[test]
fn a_connection_limit_counts_what_is_open() {
    isolated(BOTH, || {
        let fault = Fault::at("fw", Effect::ConnectionLimit { max: 3 }).address(HIT[0]);
        let lab = Lab::build(&chain().fault(fault)).unwrap();
        let held: Vec<_> = (0..3).map(|_| common::hold(&lab, HIT[0], 443)).collect();
        assert_eq!(hush(&lab, HIT[0], 443, None), Outcome::Silent);
        held.into_iter().for_each(common::drop_hard);
        all_spared(&lab);
    });
}

#[test]
fn a_syn_rate_lets_the_burst_through_and_no_more() {
    isolated(BOTH, || {
        let fault = Fault::at("fw", Effect::SynRate { per_second: 1, burst: 5 }).address(HIT[0]);
        let lab = Lab::build(&chain().fault(fault)).unwrap();
        let passed = common::answered(&lab, HIT[0], 443, None, 20);
        assert!((1..20).contains(&passed), "{passed} of 20");
        all_spared(&lab);
    });
}

#[test]
fn a_redirect_ends_the_connection_in_the_router() {
    isolated(BOTH, || {
        let fault = on_both(Fault::at("fw", Effect::Redirect { to_port: 8443 })).port(443);
        let proxy = Service::new("fw", 8443, ServiceKind::Banner("proxy\r\n".to_owned()));
        let lab = Lab::build(&chain().fault(fault).service(proxy)).unwrap();
        for address in HIT {
            assert_eq!(connect_ttl(&lab, address, 443, 2), Outcome::Connected);
            let mut word = [0; 5];
            common::hold(&lab, address, 443).read_exact(&mut word).unwrap();
            assert_eq!(&word, b"proxy");
        }
        all_spared(&lab);
    });
}

/// The chain with TLS servers and a box between fw and r3.
fn with_box(relay: Relay) -> Description {
    let mut description = chain().link(Link::with_relay("r3", "fw", relay));
    let mut tls = Tls::named("good.example");
    tls.names.push("bad.example".to_owned());
    description.services = vec![Service::tls("web", tls)];
    description
}

#[test]
fn a_box_in_the_link_is_invisible_and_delays() {
    isolated(&[Tool::Ip], || {
        let lab = Lab::build(&with_box(Relay { delay_ms: 20, jitter_ms: 5, ..Relay::default() })).unwrap();
        for address in SPARED {
            assert!(matches!(connect_ttl(&lab, address, 443, 3), Outcome::Icmp(..)));
            let start = Instant::now();
            assert_eq!(connect_ttl(&lab, address, 443, 4), Outcome::Connected);
            assert!(start.elapsed() >= Duration::from_millis(40));
            let start = Instant::now();
            assert_eq!(connect_ttl(&lab, address, 443, 2), exceeded(fw(address)));
            // In front of the box there is no delay; only a very busy machine would take as long as behind
            // it.
            assert!(start.elapsed() < Duration::from_secs(5));
            assert!(common::tls(&lab, address, "good.example").result.unwrap().starts_with("HTTP/1.1 200"));
        }
    });
}

#[test]
fn a_box_loses_its_share() {
    isolated(&[Tool::Ip], || {
        let lab = Lab::build(&with_box(Relay { loss_percent: 40, seed: 9, ..Relay::default() })).unwrap();
        let passed = common::answered(&lab, SPARED[0], 444, None, 24);
        assert!((2..24).contains(&passed), "{passed} of 24");
    });
}

#[test]
fn a_name_is_cut_by_silence_or_by_reset_and_others_are_not() {
    isolated(&[Tool::Ip], || {
        for cut in [Cut::Drop, Cut::ResetClient, Cut::ResetBoth] {
            let name_cut =
                NameCut { names: vec!["BAD.example".to_owned()], cut, addresses: HIT.map(ip).to_vec() };
            let lab = Lab::build(&with_box(Relay { name_cut: Some(name_cut), ..Relay::default() })).unwrap();
            for address in HIT {
                assert!(
                    common::tls(&lab, address, "good.example").result.unwrap().starts_with("HTTP/1.1 200")
                );
                let patience = if cut == Cut::Drop { common::MOMENT } else { PATIENCE };
                let error = common::tls_within(&lab, address, "bad.example", patience).result.unwrap_err();
                let expected = match cut {
                    Cut::Drop => std::io::ErrorKind::WouldBlock,
                    Cut::ResetClient | Cut::ResetBoth => std::io::ErrorKind::ConnectionReset,
                };
                assert_eq!(error.kind(), expected, "{cut:?} {address}: {error}");
            }
            for address in SPARED {
                assert!(
                    common::tls(&lab, address, "bad.example").result.unwrap().starts_with("HTTP/1.1 200")
                );
            }
            // The server never saw the name it was cut for at the addresses concerned.
            let seen = lab.counts(ip(SPARED[0]), 443).names;
            assert_eq!(seen.iter().flatten().filter(|name| *name == "bad.example").count(), SPARED.len());
        }
    });
}
