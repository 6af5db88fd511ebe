//! What the network crate reads off real wires: quotes of ICMP errors, extensions, NAT, sizes, late replies. In
//! namespaces, once with every capability and once as an ordinary user.

#![forbid(unsafe_code)]

use std::{
    env,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use nix::unistd::geteuid;
use reach_core::model::{
    Connect, Datagram, Echo, Endpoint, MplsLabel, Obstacle, Outcome, Probe, Quote, Rejection, Then,
};
use reach_lab::{
    Client, Description, Effect, Fault, Interface, InterfaceRole, Lab, Label, Link, Quote as Quoting, Router,
    Service, ServiceKind, Tool, Wording, isolated,
};
use reach_net::{
    drive::Network,
    sys::{Leaving, may_use_raw_sockets},
    trust::TrustRoots,
};
use tokio::{runtime, task::JoinSet};

const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];
const WEB: [&str; 2] = ["203.0.113.11", "2001:db8:113::11"];
/// Long enough for any busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Ordinary users may open ICMP sockets.
fn base(name: &str) -> Description {
    let client = Client { ping_sockets: true, ..Client::default() };
    Description { client, ..Description::new(name) }
}

fn with_web(description: Description) -> Description {
    description.host("web", WEB).service(Service::new("web", 443, ServiceKind::Silent))
}

/// client – r1 – fw – r3 – web.
fn chain() -> Description {
    with_web(base("chain").router("r1").router("fw").router("r3"))
}

fn network(leaving: Leaving) -> Network {
    Network::new(TrustRoots::from_certificates([], "nothing")).leaving(leaving)
}

/// What becomes of all these probes at once, in their order.
fn outcomes(lab: &Lab, leaving: Leaving, probes: Vec<Probe>) -> Vec<Outcome> {
    lab.client().within(|| here(leaving, probes))
}

fn here(leaving: Leaving, probes: Vec<Probe>) -> Vec<Outcome> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let network = network(leaving);
        let mut tasks = JoinSet::new();
        for (number, probe) in probes.into_iter().enumerate() {
            let network = network.clone();
            tasks.spawn(async move { (number, network.run(probe).await) });
        }
        let mut outcomes = tasks.join_all().await;
        outcomes.sort_by_key(|&(number, _)| number);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    })
}

fn tcp(address: IpAddr, ttl: u8) -> Probe {
    Probe::Connect(Connect {
        endpoint: Endpoint { address, port: 443 },
        source_port: 33_100 + u16::from(ttl),
        ttl: Some(ttl),
        min_ttl: None,
        timeout: PATIENCE,
        then: Then::Reset,
        crowd: 1,
    })
}

fn udp(address: IpAddr, ttl: u8, size: u16) -> Probe {
    Probe::Datagram(Datagram {
        endpoint: Endpoint { address, port: 33_434 },
        source_port: 33_200,
        ttl: Some(ttl),
        size,
        dont_fragment: false,
        timeout: PATIENCE,
    })
}

fn icmp(address: IpAddr, ttl: u8, size: u16) -> Probe {
    Probe::Echo(Echo {
        address,
        sequence: u16::from(ttl),
        size,
        ttl: Some(ttl),
        flow: Some(33_300),
        dont_fragment: false,
        timeout: PATIENCE,
    })
}

fn of_every_kind(address: IpAddr, ttl: u8) -> Vec<Probe> {
    vec![tcp(address, ttl), udp(address, ttl, 32), icmp(address, ttl, 32)]
}

fn rejection(outcome: &Outcome) -> &Rejection {
    match outcome {
        Outcome::Rejected(rejection) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

fn quote(outcome: &Outcome) -> &Quote {
    rejection(outcome).quote.as_deref().expect("a quote")
}

fn addresses() -> [IpAddr; 2] {
    WEB.map(|text| text.parse().expect("an address"))
}

fn face(lab: &Lab, router: &str, v6: bool) -> IpAddr {
    let (v4, six) = lab.router_address(router);
    if v6 { six.into() } else { v4.into() }
}

#[test]
fn all_hops_of_a_flow_are_asked_at_once_and_each_answers_for_itself() {
    isolated(TOOLS, || {
        let lab = Lab::build(&chain()).expect("a lab");
        for address in addresses() {
            let v6 = address.is_ipv6();
            let routers: Vec<_> = ["r1", "fw", "r3"].map(|name| face(&lab, name, v6)).to_vec();
            for kind in [tcp, |address, ttl| udp(address, ttl, 32), |address, ttl| icmp(address, ttl, 32)] {
                let seen =
                    outcomes(&lab, Leaving::default(), (1..=3).map(|ttl| kind(address, ttl)).collect());
                let by: Vec<_> =
                    seen.iter().map(|outcome| rejection(outcome).by.expect("a router")).collect();
                assert_eq!(by, routers);
                for outcome in &seen {
                    let quote = quote(outcome);
                    assert!(quote.length >= 40, "{quote:?}");
                    assert_eq!(quote.checksum_fits, Some(true), "{quote:?}");
                    let header = quote.header.expect("a witness");
                    assert_eq!((header.ttl, header.traffic_class), (1, 0));
                    assert!(quote.labels.is_empty() && quote.interfaces.is_empty());
                }
                if let Some(tcp) = &quote(&seen[0]).tcp {
                    assert_eq!((tcp.mss, tcp.flags), (Some(if v6 { 1440 } else { 1460 }), 2));
                }
            }
        }
    });
}

#[test]
fn what_routers_add_about_themselves_is_read_in_all_its_forms() {
    isolated(TOOLS, || {
        let wording = |quote| Wording {
            labels: vec![Label { label: 100, class: 0, ttl: 1 }, Label { label: 24_001, class: 3, ttl: 1 }],
            interfaces: vec![Interface {
                role: InterfaceRole::Incoming,
                index: Some(5),
                address: None,
                name: Some("xe-0/0/1".to_owned()),
                mtu: None,
            }],
            quote,
            initial_ttl: None,
        };
        for quoting in [Quoting::Modern, Quoting::Short, Quoting::Old] {
            let description =
                base("words").router("r1").stage([Router::named("r2").wording(wording(quoting))]);
            let lab = Lab::build(&with_web(description.router("r3"))).expect("a lab");
            for address in addresses() {
                for outcome in outcomes(&lab, Leaving::default(), of_every_kind(address, 2)) {
                    assert_eq!(rejection(&outcome).by, Some(face(&lab, "r2", address.is_ipv6())));
                    let quote = quote(&outcome);
                    assert_eq!(
                        quote.labels,
                        [
                            MplsLabel { label: 100, class: 0, bottom: false, ttl: 1 },
                            MplsLabel { label: 24_001, class: 3, bottom: true, ttl: 1 }
                        ],
                        "{quoting:?} {quote:?}"
                    );
                    assert_eq!(quote.interfaces[0].name.as_deref(), Some("xe-0/0/1"));
                    assert_eq!(quote.interfaces[0].index, Some(5));
                    match quoting {
                        Quoting::Short => assert_eq!((quote.length, &quote.tcp), (8, &None), "{address}"),
                        _ => assert_eq!(quote.length, 40, "{quoting:?} {address} {quote:?}"),
                    }
                }
            }
        }
    });
}

#[test]
fn datagrams_that_routers_quote_too_little_of_are_asked_for_one_at_a_time() {
    isolated(TOOLS, || {
        let terse = || Wording {
            quote: Quoting::Short,
            labels: Vec::new(),
            interfaces: Vec::new(),
            initial_ttl: None,
        };
        let stage = |name| [Router::named(name).wording(terse())];
        let description = base("terse").stage(stage("r1")).stage(stage("r2")).stage(stage("r3"));
        let lab = Lab::build(&with_web(description)).expect("a lab");
        let mut probes: Vec<_> = (1..=3).map(|ttl| udp(addresses()[0], ttl, 32)).collect();
        for probe in &mut probes {
            let Probe::Datagram(datagram) = probe else { continue };
            datagram.timeout = Duration::from_millis(1_500);
        }
        let by: Vec<_> = lab.client().within(|| {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let network = network(Leaving::default());
                let ask = |probe: Probe| {
                    let network = network.clone();
                    async move { network.run(probe).await }
                };
                let first: Vec<_> = probes.iter().cloned().map(|probe| tokio::spawn(ask(probe))).collect();
                for one in first {
                    let outcome = one.await.expect("no panic");
                    assert!(matches!(outcome, Outcome::Silent(_)), "nobody can tell whose: {outcome:?}");
                }
                let again: Vec<_> = probes.iter().cloned().map(|probe| tokio::spawn(ask(probe))).collect();
                let mut by = Vec::new();
                for one in again {
                    by.push(rejection(&one.await.expect("no panic")).by.expect("a router"));
                }
                by
            })
        });
        assert_eq!(by, ["r1", "r2", "r3"].map(|name| face(&lab, name, false)));
    });
}

/// Translated by fw: what r1 and fw itself quote fits, what r3 quotes does not.
#[test]
fn a_checksum_that_does_not_fit_tells_of_nat() {
    isolated(TOOLS, || {
        let to = Ipv4Addr::new(198, 51, 100, 7);
        let lab = Lab::build(&chain().fault(Fault::at("fw", Effect::Masquerade { to }))).expect("a lab");
        // The lab knows NAT for IPv4 only; for IPv6 fw takes an address that the way back leads to anyway.
        let (_, six) = lab.router_address("r3");
        let mut segments = six.segments();
        segments[7] = 1;
        let six = std::net::Ipv6Addr::from(segments);
        lab.node("fw")
            .nft(&format!(
                "table ip6 source {{\n chain translate {{\n type nat hook postrouting priority 100;\n \
                 ip6 daddr {} snat to {six}\n }}\n}}\n",
                WEB[1]
            ))
            .expect("a translation");
        for address in addresses() {
            for ttl in 1..=3 {
                let seen = outcomes(&lab, Leaving::default(), of_every_kind(address, ttl));
                let fits: Vec<_> = seen.iter().map(|outcome| quote(outcome).checksum_fits).collect();
                // For echo the translator mends the checksum on the way back; for the others it does not.
                let behind = ttl > 2;
                assert_eq!(fits, [Some(!behind), Some(!behind), Some(true)], "{address} hop {ttl}");
            }
        }
    });
}

#[test]
fn sizes_that_do_not_fit_are_told_by_whom_they_do_not_fit() {
    isolated(TOOLS, || {
        let link = Link::with_mtu("fw", "r3", 1300, false);
        let lab = Lab::build(&chain().link(link)).expect("a lab");
        for address in addresses() {
            let v6 = address.is_ipv6();
            let header = if v6 { 48 } else { 28 };
            let sized = |total: u16| {
                let size = total - header;
                let endpoint = Endpoint { address, port: 33_434 };
                let (timeout, dont_fragment, ttl) = (PATIENCE, true, None);
                vec![
                    Probe::Datagram(Datagram {
                        endpoint,
                        source_port: 33_200,
                        ttl,
                        size,
                        dont_fragment,
                        timeout,
                    }),
                    Probe::Echo(Echo {
                        address,
                        sequence: total,
                        size,
                        ttl,
                        flow: None,
                        dont_fragment,
                        timeout,
                    }),
                ]
            };
            for outcome in outcomes(&lab, Leaving::default(), sized(1501)) {
                let Outcome::Unable(inability) = &outcome else { panic!("{outcome:?}") };
                assert_eq!(inability.why, Obstacle::TooBig { mtu: Some(1500) });
            }
            for outcome in outcomes(&lab, Leaving::default(), sized(1400)) {
                assert_eq!(rejection(&outcome).by, Some(face(&lab, "fw", v6)));
                assert_eq!(quote(&outcome).next_mtu, Some(1300));
            }
            // That a smaller path MTU is known now keeps nothing from being sent.
            for outcome in outcomes(&lab, Leaving::default(), sized(1400)) {
                assert_eq!(quote(&outcome).next_mtu, Some(1300));
            }
            let fitting = outcomes(&lab, Leaving::default(), sized(1300));
            assert_eq!(rejection(&fitting[0]).by, Some(address));
            assert!(matches!(fitting[1], Outcome::Answered(_)), "{fitting:?}");
        }
    });
}

#[test]
fn packets_leave_as_wanted() {
    isolated(TOOLS, || {
        let lab = Lab::build(&chain()).expect("a lab");
        for address in addresses() {
            let of_class = Leaving { traffic_class: Some(46 << 2), ..Leaving::default() };
            for outcome in outcomes(&lab, of_class, of_every_kind(address, 2)) {
                assert_eq!(quote(&outcome).header.expect("a witness").traffic_class, 46 << 2, "{outcome:?}");
            }
            // Bound to an interface, packets leave there, whatever the routes say.
            let lo = Leaving { interface: "lo".parse().ok(), ..Leaving::default() };
            assert_eq!(lab.client().within(|| lo.check()), Ok(()));
            for outcome in outcomes(&lab, lo, vec![hasty(udp(address, 2, 32)), hasty(icmp(address, 2, 32))]) {
                assert!(matches!(outcome, Outcome::Silent(_) | Outcome::Unable(_)), "{outcome:?}");
            }
            let foreign = if address.is_ipv6() { "2001:db8::9" } else { "192.0.2.9" };
            let foreign = Leaving { source: foreign.parse().ok(), ..Leaving::default() };
            assert!(lab.client().within(|| foreign.check()).is_err());
            for outcome in outcomes(&lab, foreign, of_every_kind(address, 2)) {
                let Outcome::Unable(inability) = &outcome else { panic!("{outcome:?}") };
                assert_eq!(inability.why, Obstacle::NoRoute);
            }
        }
    });
}

/// The same, given up soon.
fn hasty(mut probe: Probe) -> Probe {
    let soon = Duration::from_millis(200);
    match &mut probe {
        Probe::Datagram(datagram) => datagram.timeout = soon,
        Probe::Echo(echo) => echo.timeout = soon,
        _ => {}
    }
    probe
}

/// Set for the copy of this program that runs without privileges.
const INSIDE: &str = "REACH_WIRE_INSIDE";

#[test]
fn an_ordinary_user_learns_all_but_the_quoted_header() {
    if env::var_os(INSIDE).is_some() {
        assert!(!may_use_raw_sockets());
        for address in addresses() {
            let class = Leaving { traffic_class: Some(8), ..Leaving::default() };
            for (number, outcome) in here(class, of_every_kind(address, 2)).iter().enumerate() {
                let quote = quote(outcome);
                assert_eq!(quote.header, None);
                // The error queue of a datagram begins behind the UDP header.
                assert_eq!(quote.checksum_fits, if number == 1 { None } else { Some(true) });
                assert_eq!(quote.length, 40);
            }
        }
        return;
    }
    isolated(TOOLS, || {
        if !geteuid().is_root() {
            return eprintln!("SKIPPED: needs root, to become an ordinary user");
        }
        let lab = Lab::build(&chain()).expect("a lab");
        let this = env::current_exe().expect("this program");
        let finished = lab
            .client()
            .command(this)
            .args(["--exact", "an_ordinary_user_learns_all_but_the_quoted_header", "--nocapture"])
            .env(INSIDE, "1")
            .unprivileged()
            .timeout(Duration::from_secs(60))
            .run()
            .expect("it runs");
        assert_eq!(finished.code(), Some(0), "{finished:?}");
    });
}
