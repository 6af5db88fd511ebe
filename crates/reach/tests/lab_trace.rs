//! `reach trace` in networks that the kernel plays, with every right and without any: what it says has to be what
//! the network is, and no less than what other tools find there.
//!
//! Multipath discovery is a matter of probability: at 95 % it may miss a responder behind each router that spreads
//! flows, once in twenty traces. So where a test wants all of them it traces again until they are all there, so
//! often that chance alone lets it fail once in ten million runs (see [`tries`]); what is never allowed is a responder
//! or a link that the network does not have.

#![forbid(unsafe_code)]

#[path = "lab/company.rs"]
mod company;
#[path = "lab_trace/peers.rs"]
mod peers;
#[path = "lab_trace/said.rs"]
mod said;
#[path = "lab_trace/stages.rs"]
mod stages;

use std::{collections::BTreeSet, net::IpAddr};

use company::{Rights, side_by_side, tell};
use peers::{LISTS, MULTIPATH, multipath};
use reach_lab::{
    Balancing, Description, Direction, Effect, Fault, Host, Lab, Link, Name, Protocol, Rejection, Resolver,
    Router, Service, ServiceKind, Tool, isolated,
};
use said::{Path, Said, list, option, trace};
use serde_json::{Value, json};
use stages::{
    PROTOCOLS, V4, V6, chain, diamond, far_away, in_series, labelled, meshed, nested, network, per_packet,
    uneven, web,
};

const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];

const BOTH_RIGHTS: [Rights; 2] = [Rights::All, Rights::None];

/// How often to trace at 95 % a network with so many routers that spread flows, until all that is there has
/// been seen, with the odds against failing by chance at ten million to one.
fn tries(spreaders: u32) -> u32 {
    let missed = 1.0 - 0.95_f64.powi(spreaders.cast_signed());
    (1e-7_f64.ln() / missed.ln()).ceil().max(1.0) as u32
}

/// Traces until there is nothing to complain about, at most `tries` times; the last complaints.
fn until_all_is_seen(tries: u32, mut attempt: impl FnMut() -> Vec<String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for _ in 0..tries {
        complaints = attempt();
        if complaints.is_empty() {
            break;
        }
    }
    complaints
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Where a path is not what the network is.
fn differences(lab: &Lab, path: Path<'_>, address: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let (expected, found) = (lab.responders(ip(address)), path.responders());
    let distance = lab.distance(ip(address));
    if path.0["reached"] != true || path.0["stopped"] != Value::Null {
        lines.push(format!("reached is {}, stopped {}", path.0["reached"], path.0["stopped"]));
    }
    if path.0["distance"].as_u64() != distance.map(u64::from) {
        lines.push(format!("the distance is {}, not {distance:?}", path.0["distance"]));
    }
    for (index, expected) in expected.iter().enumerate() {
        let found = found.get(index).cloned().unwrap_or_default();
        if found != *expected {
            lines.push(format!("hop {} has {found:?}, not {expected:?}", index + 1));
        }
    }
    if found.len() > expected.len() {
        lines.push(format!("there are {} hops, not {}", found.len(), expected.len()));
    }
    let wrong: Vec<_> = path.links().difference(&lab.links(ip(address))).copied().collect();
    if !wrong.is_empty() {
        lines.push(format!("there are no links {wrong:?}"));
    }
    lines
}

/// Hops that have a responder which the network does not have there: never right, whatever chance does.
fn inventions(lab: &Lab, path: Path<'_>, address: &str) -> Vec<String> {
    let expected = lab.responders(ip(address));
    let hops = path.responders().into_iter().enumerate();
    hops.flat_map(|(index, found)| {
        let expected = expected.get(index).cloned().unwrap_or_default();
        let invented: Vec<_> = found.difference(&expected).copied().collect();
        (!invented.is_empty()).then(|| format!("hop {} invents {invented:?}", index + 1))
    })
    .collect()
}

#[test]
fn chains_and_diamonds_are_seen_whole_by_every_protocol_family_and_right() {
    isolated(TOOLS, || {
        let networks: [(&str, Description, u32); 8] = [
            ("chain of 12", chain(12), 0),
            ("diamond of 2", diamond(2), 1),
            ("diamond of 4", diamond(4), 1),
            ("diamond of 16", diamond(16), 1),
            ("nested", nested(), 2),
            ("uneven", uneven(), 1),
            ("meshed", meshed(), 4),
            ("in series", in_series(), 2),
        ];
        let failures = side_by_side(&networks, |(name, description, spreaders)| {
            let lab = Lab::build(description).expect("a lab");
            let mut failures = Vec::new();
            for (protocol, address, rights) in every_way() {
                let mut invented = Vec::new();
                let complaints = until_all_is_seen(tries(*spreaders), || {
                    let said = trace(&lab, rights, &[option(protocol), "-n", address]);
                    invented.extend(inventions(&lab, said.path(), address));
                    let mut lines = differences(&lab, said.path(), address);
                    if said.code != Some(0) {
                        lines.push(format!("the exit status is {:?}", said.code));
                    }
                    lines
                });
                let how = format!("{name}, {protocol:?} to {address}, {rights:?}");
                failures.extend(complaints.into_iter().chain(invented).map(|line| format!("{how}: {line}")));
            }
            failures
        });
        settle(failures);
    });
}

/// Every protocol, family and right. Not all of them together, but each pair of two.
fn every_way() -> Vec<(Protocol, &'static str, Rights)> {
    let all = PROTOCOLS.into_iter().flat_map(|protocol| [V4, V6].map(|address| (protocol, address)));
    all.enumerate()
        .flat_map(|(number, (protocol, address))| {
            let with_rights = BOTH_RIGHTS[(number + number / 2) % 2];
            [(protocol, address, with_rights)]
        })
        .chain([(Protocol::Tcp, V4, Rights::All), (Protocol::Tcp, V4, Rights::None)])
        .collect()
}

fn settle(failures: Vec<Vec<String>>) {
    let failures = failures.concat();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn others_find_no_hop_that_is_not_found() {
    isolated(TOOLS, || {
        let networks = [("chain", chain(12), 0), ("diamond", diamond(4), 1)];
        let jobs: Vec<_> = networks
            .iter()
            .flat_map(|network| [V4, V6].map(|address| (network, address)))
            .flat_map(|(network, address)| LISTS.iter().map(move |peer| (network, address, peer)))
            .filter(|(_, address, peer)| peer.v6 || *address == V4)
            .collect();
        let failures = side_by_side(&jobs, |((name, description, spreaders), address, peer)| {
            let lab = Lab::build(description).expect("a lab");
            let Some(theirs) = peer.hops(&lab, address) else { return Vec::new() };
            let complaints = until_all_is_seen(tries(*spreaders), || {
                let said = trace(&lab, Rights::None, &[option(peer.protocol), "-n", address]);
                let missing = theirs.iter().flat_map(|(&ttl, theirs)| {
                    let missing: Vec<_> = theirs.difference(&said.path().at(ttl)).copied().collect();
                    (!missing.is_empty()).then(|| format!("hop {ttl}: {missing:?} are missing"))
                });
                missing.collect()
            });
            let empty = theirs.values().all(BTreeSet::is_empty).then(|| "found nothing".to_owned());
            let lines = complaints.into_iter().chain(empty);
            lines.map(|line| format!("{name} to {address}, {}: {line}", peer.name)).collect()
        });
        settle(failures);
    });
}

#[test]
fn a_diamond_16_wide_takes_no_more_probes_than_scamper() {
    isolated(TOOLS, || {
        let lab = Lab::build(&diamond(16)).expect("a lab");
        let Some(text) = MULTIPATH.run(&lab, V4) else { return };
        let (theirs, probes) = multipath(&text);
        assert!(!theirs.is_empty(), "{text}");
        let mut packets = Vec::new();
        let complaints = until_all_is_seen(tries(1), || {
            let said = trace(&lab, Rights::None, &["--udp", "-n", V4]);
            packets.push(said.path().0["packets"].as_u64().expect("a number"));
            let ours = said.path().links();
            let ours: BTreeSet<_> = ours.iter().filter_map(|&(_, from, to)| Some((from?, to?))).collect();
            let missing: Vec<_> = theirs.difference(&ours).collect();
            let missing = (!missing.is_empty()).then(|| format!("the links {missing:?} are missing"));
            differences(&lab, said.path(), V4).into_iter().chain(missing).collect()
        });
        tell(&format!("16 wide: {packets:?} packets, scamper {probes}"));
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        assert!(packets.iter().all(|&packets| packets <= u64::from(probes)), "{packets:?}, scamper {probes}");
    });
}

#[test]
fn kinds_of_balancing_are_told_apart() {
    isolated(TOOLS, || {
        let lab = Lab::build(&per_packet()).expect("a lab");
        let complaints = until_all_is_seen(tries(1), || {
            let said = trace(&lab, Rights::None, &["-n", V4]);
            let path = said.path();
            let expected = &lab.responders(ip(V4))[2];
            let mut lines = inventions(&lab, path, V4);
            if path.at(3) != *expected || path.hop(3)["balancing"] != "per-packet" {
                lines.push(format!("hop 3 is {}", path.hop(3)));
            }
            lines
        });
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        let complaints = until_all_is_seen(tries(1), || {
            let lab = Lab::build(&diamond(3)).expect("a lab");
            let said = trace(&lab, Rights::None, &["-n", V4]);
            let (hop, before) = (said.path().hop(3), said.path().hop(2));
            let right = hop["balancing"] == "per-flow" && before["balancing"].is_null();
            (!right).then(|| format!("{before} {hop}")).into_iter().collect()
        });
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    });
}

#[test]
fn addresses_that_take_different_ways_show_balancing_by_destination() {
    isolated(TOOLS, || {
        let by_address = Router::named("s").balancing(Balancing::PerDestination);
        let addresses: Vec<String> = (11..=30).map(|last| format!("203.0.113.{last}")).collect();
        let host = Host {
            name: "web".to_owned(),
            addresses: addresses.iter().map(|address| ip(address)).collect(),
            ..Host::default()
        };
        let mut description =
            network("destinations").router("r1").stage([by_address]).parallel(["a", "b"]).router("j");
        description.hosts.push(host);
        description.client.resolvers = None;
        let mut name = Name::new("www.example.com", []);
        name.addresses = addresses.iter().map(|address| ip(address)).collect();
        let description = description
            .host_behind("dns", ["192.0.2.53"], "r1")
            .resolver(Resolver::at("dns").name(name))
            .service(Service::new("web", 443, ServiceKind::Silent));
        let lab = Lab::build(&description).expect("a lab");
        let said = trace(&lab, Rights::None, &["-n", "www.example.com"]);
        let mut ways = BTreeSet::new();
        for address in &addresses {
            let path = said.path_to(address);
            assert_eq!(path.0["reached"], true, "{}", path.0);
            assert_eq!(path.hop(3)["balancing"], "per-destination", "{}", path.0);
            let hop = path.at(3);
            assert_eq!(hop.len(), 1, "one address takes one way: {}", path.0);
            ways.extend(hop);
        }
        // The odds against one way for all of twenty addresses are half a million to one.
        assert_eq!(ways, lab.responders(ip(V4))[2]);
        assert_eq!(ways.len(), 2);
    });
}

#[test]
fn the_bad_member_of_an_equal_cost_group_is_named() {
    isolated(TOOLS, || {
        let dead = |width: usize| {
            let mut routers = stages::members("m", width);
            routers[1].dead = true;
            web(network("dead member").router("r1").stage([stages::spreader("s")]).stage(routers).router("j"))
        };
        let half = diamond(3).fault(Fault::at("m2", Effect::Loss { percent: 60 }));
        let jobs: Vec<(&str, Description, Protocol, Rights)> = vec![
            ("dead of 2", dead(2), Protocol::Tcp, Rights::None),
            ("dead of 4", dead(4), Protocol::Tcp, Rights::All),
            ("dead of 4 by UDP", dead(4), Protocol::Udp, Rights::None),
            ("loses 60 of 100", half, Protocol::Tcp, Rights::None),
        ];
        let failures = side_by_side(&jobs, |(name, description, protocol, rights)| {
            let lab = Lab::build(description).expect("a lab");
            let (member, after) = (lab.router_address("m2").0, lab.router_address("s").0);
            // Among 64 flows the odds against fewer than five over one of four members are 10,000 to 1.
            let complaints = until_all_is_seen(2, || {
                let said = trace(&lab, *rights, &[option(*protocol), "-n", "--flows", "64", V4]);
                let named = said.path().remarks("bad-member");
                let right = named.first().is_some_and(|remark| {
                    remark["member"] == json!(member) && remark["ttl"] == 3 && remark["after"] == json!(after)
                });
                let lines = (!right || named.len() != 1).then(|| {
                    format!(
                        "the remarks are {}, reached {}",
                        said.path().0["remarks"],
                        said.path().0["reached"]
                    )
                });
                lines.into_iter().collect()
            });
            complaints.into_iter().map(|line| format!("{name}: {line}")).collect()
        });
        settle(failures);
    });
}

#[test]
fn nobody_is_blamed_for_random_loss() {
    isolated(TOOLS, || {
        let loss = |percent| Fault::at("r1", Effect::Loss { percent }).direction(Direction::Both);
        let jobs = [5, 15].map(|percent| (percent, diamond(4).fault(loss(percent))));
        let failures = side_by_side(&jobs, |(percent, description)| {
            let lab = Lab::build(description).expect("a lab");
            let said = trace(&lab, Rights::None, &["-n", "--flows", "48", V4]);
            let path = said.path();
            let mut lines = inventions(&lab, path, V4);
            if path.0["reached"] != true {
                lines.push(format!("stopped {}", path.0["stopped"]));
            }
            let blamed = !path.remarks("bad-member").is_empty();
            lines.extend(blamed.then(|| format!("the remarks are {}", path.0["remarks"])));
            lines.into_iter().map(|line| format!("{percent} % lost: {line}")).collect()
        });
        settle(failures);
    });
}

#[test]
fn silent_and_rate_limited_routers_are_no_loss() {
    isolated(TOOLS, || {
        let description = web(network("quiet")
            .router("r1")
            .stage([Router::anonymous("r2")])
            .stage([Router::rate_limited("r3")])
            .router("r4"));
        for (protocol, address) in [(Protocol::Tcp, V4), (Protocol::Udp, V4), (Protocol::Tcp, V6)] {
            // Which of the answers a router had left is a matter of a moment: three times should do. What must not
            // be told is loss.
            let complaints = until_all_is_seen(3, || {
                // One for each: what one trace has used of a router's errors the next one would lack.
                let lab = Lab::build(&description).expect("a lab");
                let said = trace(&lab, Rights::None, &[option(protocol), "-n", "-q", "20", address]);
                let path = said.path();
                let what = format!("{protocol:?} to {address}: {}", path.0);
                assert_eq!(path.0["reached"], true, "{what}");
                assert_eq!(path.at(2), BTreeSet::new(), "{what}");
                assert_eq!(path.hop(2)["loss"]["kind"], "silent", "{what}");
                assert_eq!(path.at(3), lab.responders(ip(address))[2], "{what}");
                assert!((1..=5).all(|ttl| path.hop(ttl)["loss"]["kind"] != "forward"), "{what}");
                assert!(path.0["remarks"] == json!([]), "{what}");
                // Where only those packets were waited for that the router had answers for, nothing is missing.
                let limited = path.hop(3);
                let told =
                    limited["loss"]["kind"] == "rate-limited" || limited["sent"] == limited["received"];
                let others = [1, 4].into_iter().all(|ttl| path.hop(ttl)["loss"].is_null());
                (!(told && others)).then_some(what).into_iter().collect()
            });
            assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        }
    });
}

#[test]
fn a_host_is_reached_where_icmp_is_filtered() {
    isolated(TOOLS, || {
        let filter = Fault::at("r1", Effect::Drop).protocol(Protocol::IcmpErrors).direction(Direction::Back);
        let lab = Lab::build(&chain(5).fault(filter)).expect("a lab");
        for (protocol, reached) in [(Protocol::Tcp, true), (Protocol::Icmp, true), (Protocol::Udp, false)] {
            let said = trace(&lab, Rights::None, &[option(protocol), "-n", V4]);
            let path = said.path();
            assert_eq!(path.0["reached"], reached, "{protocol:?}: {}", path.0);
            assert_eq!(path.at(1), lab.responders(ip(V4))[0], "{protocol:?}: {}", path.0);
            assert_eq!(path.at(2), BTreeSet::new(), "{protocol:?}: {}", path.0);
            let distance = if reached { json!(6) } else { Value::Null };
            assert_eq!(path.0["distance"], distance, "{protocol:?}: {}", path.0);
        }
    });
}

#[test]
fn a_host_that_answers_tcp_alone_is_reached_by_tcp_alone() {
    isolated(TOOLS, || {
        let mute = |protocol| Fault::at("web", Effect::InputDrop).protocol(protocol);
        let lab =
            Lab::build(&chain(3).fault(mute(Protocol::Udp)).fault(mute(Protocol::Icmp))).expect("a lab");
        for protocol in PROTOCOLS {
            let said = trace(&lab, Rights::None, &[option(protocol), "-n", V4]);
            let path = said.path();
            let reached = protocol == Protocol::Tcp;
            let stopped = if reached { Value::Null } else { json!("silent") };
            assert_eq!((&path.0["reached"], &path.0["stopped"]), (&json!(reached), &stopped), "{}", path.0);
            for ttl in 1..=3 {
                assert_eq!(path.at(ttl), lab.responders(ip(V4))[usize::from(ttl) - 1], "{}", path.0);
            }
        }
    });
}

#[test]
fn loss_that_later_hops_share_begins_where_it_arises() {
    isolated(TOOLS, || {
        let lab = Lab::build(&chain(5).fault(Fault::at("r3", Effect::Loss { percent: 50 }))).expect("a lab");
        // With 60 packets a hop, and half of them lost, the shares of two hops are as unlike as this allows once in
        // a hundred thousand traces.
        let said = trace(&lab, Rights::None, &["--udp", "-n", "-q", "60", V4]);
        let path = said.path();
        for ttl in 1..=3 {
            assert!(path.hop(ttl)["loss"].is_null(), "hop {ttl}: {}", path.0);
        }
        let loss = &path.hop(4)["loss"];
        assert_eq!(loss["kind"], "forward", "{}", path.0);
        assert!(loss["share"].as_f64().is_some_and(|share| (0.2..0.8).contains(&share)), "{loss}");
    });
}

#[test]
fn labels_and_interfaces_are_told() {
    isolated(TOOLS, || {
        let lab = Lab::build(&labelled()).expect("a lab");
        for (protocol, address, rights) in every_way() {
            let said = trace(&lab, rights, &[option(protocol), "-n", address]);
            let path = said.path();
            let what = format!("{protocol:?} to {address}, {rights:?}: {}", path.0);
            let complaints = differences(&lab, path, address);
            assert!(complaints.is_empty(), "{what}\n{complaints:?}");
            for ttl in 1..=5 {
                let responder = &list(&path.hop(ttl)["responders"])[0];
                let labels = json!([
                    { "label": 100, "class": 0, "bottom": false, "ttl": 1 },
                    { "label": 24_001, "class": 3, "bottom": true, "ttl": 1 },
                ]);
                let expected = if [2, 4].contains(&ttl) { labels } else { json!([]) };
                assert_eq!(responder["labels"], expected, "hop {ttl}, {what}");
                let interfaces = list(&responder["interfaces"]);
                assert_eq!(interfaces.len(), usize::from([3, 4].contains(&ttl)), "hop {ttl}, {what}");
                for interface in interfaces {
                    let expected = json!({ "role": "incoming", "index": 5, "address": "198.51.100.5",
                        "name": "xe-0/0/1.17", "mtu": 9000 });
                    assert_eq!(*interface, expected, "hop {ttl}, {what}");
                }
            }
        }
    });
}

#[test]
fn boxes_that_rewrite_packets_are_told_with_their_hop() {
    isolated(TOOLS, || {
        let to = "198.51.100.7".parse().expect("an address");
        let lab = Lab::build(&chain(4)).expect("a lab");
        let plain = trace(&lab, Rights::All, &["-n", V4]);
        assert_eq!(plain.path().remark_codes(), BTreeSet::new(), "{}", plain.path().0);
        let nat = Lab::build(&chain(4).fault(Fault::at("r2", Effect::Masquerade { to }))).expect("a lab");
        let clamp = Lab::build(
            &chain(4)
                .fault(Fault::at("r2", Effect::MssClamp { to: 1000 }))
                .fault(Fault::at("r3", Effect::Dscp { to: 10 })),
        )
        .expect("a lab");
        for rights in BOTH_RIGHTS {
            let said = trace(&nat, rights, &["-n", V4]);
            let path = said.path();
            assert_eq!(path.0["reached"], true, "{}", path.0);
            let codes = path.remark_codes();
            assert_eq!(codes, BTreeSet::from(["translated"]), "{rights:?}: {}", path.0);
            assert_eq!(path.remarks("translated")[0]["ttl"], 3, "{}", path.0);

            let said = trace(&clamp, rights, &["-n", V4]);
            let path = said.path();
            let rewritten = path.remarks("rewritten");
            let segment = rewritten.iter().find(|remark| remark["field"] == "max-segment");
            let segment = segment.unwrap_or_else(|| panic!("{rights:?}: {}", path.0));
            assert_eq!((&segment["ttl"], &segment["is"]), (&json!(3), &json!(1000)), "{}", path.0);
            assert_eq!(segment["was"], 1460, "{}", path.0);
            // Only a raw socket sees the quoted IP header.
            let class = rewritten.iter().find(|remark| remark["field"] == "traffic-class");
            assert!(class.is_some() || rights == Rights::None, "{}", path.0);
            if let Some(class) = class {
                assert_eq!((&class["ttl"], &class["is"]), (&json!(4), &json!(40)), "{}", path.0);
            }
        }
    });
}

#[test]
fn the_path_mtu_is_found_with_and_without_a_word() {
    isolated(TOOLS, || {
        let jobs: Vec<(bool, &str, Protocol, Rights)> = [false, true]
            .into_iter()
            .flat_map(|silent| {
                [
                    (silent, V4, Protocol::Udp, Rights::None),
                    (silent, V6, Protocol::Udp, Rights::None),
                    (silent, V4, Protocol::Icmp, Rights::None),
                    (silent, V4, Protocol::Tcp, Rights::All),
                ]
            })
            .collect();
        let failures = side_by_side(&jobs, |&(silent, address, protocol, rights)| {
            let lab = Lab::build(&chain(4).link(Link::with_mtu("r2", "r3", 1300, silent))).expect("a lab");
            let said = trace(&lab, rights, &[option(protocol), "-n", "--mtu", address]);
            let mtu = &said.path().0["mtu"];
            let by = lab.responders(ip(address))[1].first().copied();
            let expected = json!([{ "ttl": 3, "bytes": 1300, "by": if silent { None } else { by } }]);
            let right = mtu["bytes"] == 1300 && mtu["to_endpoint"] == true && mtu["limits"] == expected;
            let line = || {
                format!("{protocol:?} to {address}, silent {silent}, {rights:?}: {}", said.path().0["mtu"])
            };
            if right { Vec::new() } else { vec![line()] }
        });
        settle(failures);
    });
}

#[test]
fn each_way_of_stopping_has_its_name_and_its_place() {
    isolated(TOOLS, || {
        let at = |effect| Fault::at("r3", effect).address(V4).address(V6);
        let jobs: Vec<(&str, Fault, &str, Option<u8>)> = vec![
            ("dropped", at(Effect::Drop), "silent", None),
            ("dropped on arrival", at(Effect::DropEarly), "silent", None),
            ("prohibited", at(Effect::Reject(Rejection::AdminProhibited)), "prohibited", Some(3)),
            ("unreachable", at(Effect::Reject(Rejection::HostUnreachable)), "unreachable", Some(3)),
            ("refused", Fault::at("web", Effect::OutputDrop).port(1), "refused", None),
            ("reset", at(Effect::Reset), "reset-by-path", Some(3)),
            ("in circles", at(Effect::Loop), "loop", None),
        ];
        let failures = side_by_side(&jobs, |(name, fault, stopped, by)| {
            let lab = Lab::build(&chain(5).fault(fault.clone())).expect("a lab");
            let mut lines = Vec::new();
            for (address, rights) in [(V4, Rights::All), (V4, Rights::None), (V6, Rights::None)] {
                let port = if *name == "refused" { "81" } else { "443" };
                let said = trace(&lab, rights, &["-n", "-p", port, address]);
                let path = said.path();
                let what = format!("{name}, {address}, {rights:?}");
                if path.0["stopped"] != *stopped || path.0["reached"] != false && *stopped != "refused" {
                    lines.push(format!(
                        "{what}: stopped {}, reached {}",
                        path.0["stopped"], path.0["reached"]
                    ));
                }
                let expected =
                    by.map(|ttl| lab.responders(ip(address))[usize::from(ttl) - 1].first().copied());
                if let Some(expected) = expected
                    && path.0["by"] != json!(expected)
                {
                    lines.push(format!("{what}: by {}, not {expected:?}", path.0["by"]));
                }
                let answering = if *name == "dropped on arrival" { 2 } else { 3 };
                for ttl in 1..=answering {
                    let expected = &lab.responders(ip(address))[ttl - 1];
                    if path.at(ttl as u8) != *expected {
                        lines.push(format!("{what}: hop {ttl} has {:?}", path.at(ttl as u8)));
                    }
                }
                if said.code != Some(1) {
                    lines.push(format!("{what}: the exit status is {:?}", said.code));
                }
            }
            lines
        });
        settle(failures);
    });
}

#[test]
fn blocked_addresses_stand_beside_open_ones() {
    isolated(TOOLS, || {
        let open = ["203.0.113.11", "203.0.113.12", "203.0.113.13"];
        let blocked =
            [("203.0.113.21", "silent"), ("203.0.113.22", "reset-by-path"), ("203.0.113.23", "prohibited")];
        let mut description =
            network("partly blocked").router("r1").router("fw").parallel(["a", "b"]).router("j");
        description.hosts.push(Host {
            name: "web".to_owned(),
            addresses: open.into_iter().chain(blocked.map(|(address, _)| address)).map(ip).collect(),
            ..Host::default()
        });
        let description = description
            .service(Service::new("web", 443, ServiceKind::Silent))
            .fault(Fault::at("fw", Effect::Drop).address(blocked[0].0))
            .fault(Fault::at("fw", Effect::Reset).address(blocked[1].0))
            .fault(Fault::at("fw", Effect::Reject(Rejection::AdminProhibited)).address(blocked[2].0));
        let lab = Lab::build(&description).expect("a lab");
        for rights in BOTH_RIGHTS {
            let mut arguments = vec!["-n"];
            arguments.extend(open.into_iter().chain(blocked.map(|(address, _)| address)));
            let said: Said = trace(&lab, rights, &arguments);
            assert_eq!(said.code, Some(1));
            for address in open {
                assert_eq!(said.path_to(address).0["reached"], true, "{}", said.path_to(address).0);
            }
            for (address, stopped) in blocked {
                let path = said.path_to(address);
                assert_eq!(
                    (&path.0["reached"], &path.0["stopped"]),
                    (&json!(false), &json!(stopped)),
                    "{}",
                    path.0
                );
                assert_eq!(path.at(2), lab.responders(ip(address))[1], "{}", path.0);
            }
        }
    });
}

#[test]
fn the_way_back_and_a_hop_too_far_are_remarked() {
    isolated(TOOLS, || {
        let longer = chain(5).detour("r4", ["x", "y", "z", "w"], "r2");
        let lab = Lab::build(&longer).expect("a lab");
        for rights in BOTH_RIGHTS {
            let said = trace(&lab, rights, &["-n", V4]);
            let path = said.path();
            let remarks = path.remarks("asymmetric");
            assert!(
                remarks.iter().any(|remark| remark["ttl"] == 4 && remark["back"] == 7),
                "{rights:?}: {}",
                path.0
            );
            assert!(remarks.iter().all(|remark| remark["ttl"] == 4), "{rights:?}: {}", path.0);
        }
        let lab = Lab::build(&chain(4).fault(Fault::at("r2", Effect::ZeroTtl))).expect("a lab");
        for rights in BOTH_RIGHTS {
            let said = trace(&lab, rights, &["-n", V4]);
            let path = said.path();
            assert_eq!(path.remarks("zero-ttl-forwarding").len(), 1, "{rights:?}: {}", path.0);
            assert_eq!(path.remarks("loop").len(), 0, "{rights:?}: {}", path.0);
            assert_eq!(path.remarks("zero-ttl-forwarding")[0]["ttl"], 2, "{rights:?}: {}", path.0);
        }
    });
}

#[test]
fn routers_have_the_names_that_the_resolver_gives_them() {
    isolated(TOOLS, || {
        let names = Resolver::at("dns")
            .pointer("10.70.0.1", "gw.example")
            .pointer("10.70.1.2", "core-1.example")
            .pointer(V4, "www.example");
        let mut description = chain(2).host_behind("dns", ["192.0.2.53"], "r1").resolver(names);
        description.client.resolvers = None;
        let lab = Lab::build(&description).expect("a lab");
        // A name is waited for no longer than it is worth: a machine that is busy at that moment gets another try.
        let complaints = until_all_is_seen(3, || {
            let said = trace(&lab, Rights::None, &[V4]);
            let path = said.path();
            let names =
                [(1, "10.70.0.1", "gw.example"), (2, "10.70.1.2", "core-1.example"), (3, V4, "www.example")];
            let wrong = names
                .into_iter()
                .filter(|&(ttl, address, name)| path.responder(ttl, ip(address))["name"] != name);
            wrong.map(|(ttl, ..)| format!("hop {ttl}: {}", path.hop(ttl))).collect()
        });
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    });
}

#[test]
fn a_far_path_takes_one_round_trip_and_not_many() {
    isolated(TOOLS, || {
        let lab = Lab::build(&far_away(chain(10), 100)).expect("a lab");
        let said = trace(&lab, Rights::None, &["-n", V4]);
        let path = said.path();
        let complaints = differences(&lab, path, V4);
        assert!(complaints.is_empty(), "{complaints:?}");
        for ttl in 2..=11 {
            let rtt = list(&path.hop(ttl)["responders"])[0]["rtt_ms"]["min"].as_f64().unwrap_or_default();
            assert!(rtt >= 200.0, "hop {ttl} after {rtt} ms");
        }
        // One round trip is 0.2 s; hop by hop with three packets each it would be 6 s. A busy machine gets much.
        assert!(said.took.as_secs_f64() < 5.0, "it took {:?}", said.took);
    });
}
