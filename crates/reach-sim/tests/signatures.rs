//! What the world shows of each kind of block, against what real kernels showed: probes.md §3.1 and §3.2, and
//! `crates/reach-lab/FACTS.md`. The path is client – r1 – fw – r3 – web, so the host is hop 4.

mod common;

use std::{net::IpAddr, time::Duration};

use common::{Bench, RST, SILENCE, at, connected, icmp};
use reach_core::model::{
    After, Answer, EchoAccess, Exchanged, HttpEnd, Obstacle, Outcome, Probe, Rejection, Silence, Then, TlsEnd,
};

const WEB: &str = "203.0.113.11";
const WEB6: &str = "2001:db8:113::11";
const R1: &str = "11/0@10.70.0.1";
const FW: &str = "11/0@10.70.1.2";
const R3: &str = "11/0@10.70.2.2";

fn fault(at: &str, effect: &str) -> Bench {
    let addresses = format!("[\"{WEB}\", \"{WEB6}\"]");
    Bench::new(&format!("[[network.faults]]\nat = \"{at}\"\neffect = {effect}\naddresses = {addresses}\n"))
}

#[test]
fn each_block_has_its_ladder() {
    let cases: &[(&str, Bench, [&str; 6])] = &[
        ("open", Bench::new(""), [R1, FW, R3, "CONNECTED", "CONNECTED", "CONNECTED"]),
        ("drop", fault("fw", "'drop'"), [R1, FW, SILENCE, SILENCE, SILENCE, SILENCE]),
        ("drop early", fault("fw", "'drop-early'"), [R1, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE]),
        ("forged reset", fault("fw", "'reset'"), [R1, FW, RST, RST, RST, RST]),
        ("forged reset, early", fault("fw", "'reset-early'"), [R1, RST, RST, RST, RST, RST]),
        (
            "port unreachable",
            fault("fw", "{ reject = 'port-unreachable' }"),
            [R1, FW, "3/3@10.70.1.2", "3/3@10.70.1.2", "3/3@10.70.1.2", "3/3@10.70.1.2"],
        ),
        (
            "prohibited, early",
            fault("fw", "{ reject-early = 'admin-prohibited' }"),
            [R1, "3/13@10.70.1.2", "3/13@10.70.1.2", "3/13@10.70.1.2", "3/13@10.70.1.2", "3/13@10.70.1.2"],
        ),
        ("the last router resets", fault("r3", "'reset'"), [R1, FW, R3, RST, RST, RST]),
        ("the host drops", fault("web", "'input-drop'"), [R1, FW, R3, SILENCE, SILENCE, SILENCE]),
        (
            "the host's answer is dropped",
            fault("web", "'output-drop'"),
            [R1, FW, R3, SILENCE, SILENCE, SILENCE],
        ),
        ("the client drops", fault("client", "'output-drop'"), [SILENCE; 6]),
        ("the client's driver drops", fault("client", "'egress-drop'"), [SILENCE; 6]),
        (
            "the client drops the answer",
            fault("client", "'input-drop'"),
            [R1, FW, R3, SILENCE, SILENCE, SILENCE],
        ),
        (
            "the client refuses",
            fault("client", "{ output-reject = 'port-unreachable' }"),
            ["3/3@10.70.0.2"; 6],
        ),
        ("the client resets", fault("client", "'output-reset'"), [RST; 6]),
        (
            "blackhole route",
            fault("fw", "{ route = 'blackhole' }"),
            [R1, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE],
        ),
        (
            "SYN proxy",
            fault("fw", "{ syn-proxy = { backend = 'dropped' } }"),
            [R1, FW, "CONNECTED", "CONNECTED", "CONNECTED", "CONNECTED"],
        ),
    ];
    for (title, bench, expected) in cases {
        for address in [WEB, WEB6] {
            let expected: Vec<String> = expected.iter().map(|text| for_family(text, address)).collect();
            assert_eq!(bench.clone().ladder(address, 443), expected, "{title}, {address}");
        }
    }
}

/// The IPv6 counterpart of what a ladder shows.
fn for_family(text: &str, address: &str) -> String {
    if !address.contains(':') {
        return text.to_owned();
    }
    let v6 = |error: &str| match error {
        "11/0" => "3/0",
        "3/3" => "1/4",
        "3/13" => "1/1",
        other => panic!("no counterpart of {other}"),
    };
    match text.split_once('@') {
        None => text.to_owned(),
        Some((error, by)) => {
            let link = by.split('.').nth(2).unwrap_or_default();
            let last = by.split('.').nth(3).unwrap_or_default();
            let link = if link == "0" { ":".to_owned() } else { format!("{link}::") };
            format!("{}@2001:db8:70:{link}{last}", v6(error))
        }
    }
}

#[test]
fn a_closed_port_is_refused_by_the_host() {
    assert_eq!(Bench::new("").ladder(WEB, 81), [R1, FW, R3, RST, RST, RST]);
}

#[test]
fn a_transparent_proxy_answers_at_its_own_hop() {
    let mut bench = Bench::new(&format!(
        "[[network.faults]]\nat = 'fw'\neffect = {{ redirect = {{ to_port = 8443 }} }}\naddresses = ['{WEB}']\nports = [443]\n\
         [[network.services]]\nat = 'fw'\nports = [8443]\n\
         kind = {{ tls = {{ names = ['push.example'], certificate = 'inspection' }} }}\n"
    ));
    let expected = [R1, "CONNECTED", "CONNECTED", "CONNECTED", "CONNECTED", "CONNECTED"];
    assert_eq!(bench.ladder(WEB, 443), expected);
    assert_eq!(bench.highest_min_ttl(WEB, 443), 63);
    let tls = bench.exchange(WEB, None, None).tls.unwrap();
    assert_eq!(tls.ended, TlsEnd::Completed);
    assert_eq!(tls.chain[0].issuer, "CN=Corporate Inspection CA");
    assert_eq!((tls.distrust.len(), tls.public_root), (1, Some(false)));
}

#[test]
fn answers_arrive_with_the_ttl_of_their_origin() {
    // (d) of the facts: host at hop 4: 61; forged at hop 2: 63; at hop 3: 62; a SYN proxy at hop 2: 63.
    assert_eq!(Bench::new("").highest_min_ttl(WEB, 443), 61);
    assert_eq!(Bench::new("").highest_min_ttl(WEB, 81), 61);
    assert_eq!(fault("fw", "'reset'").highest_min_ttl(WEB, 443), 63);
    assert_eq!(fault("fw", "'reset-early'").highest_min_ttl(WEB, 443), 63);
    assert_eq!(fault("r3", "'reset'").highest_min_ttl(WEB, 443), 62);
    assert_eq!(fault("fw", "{ syn-proxy = { backend = 'alive' } }").highest_min_ttl(WEB, 443), 63);
    assert_eq!(fault("fw", "{ reset-with-ttl = 62 }").highest_min_ttl(WEB, 443), 61);
    // An ICMP error is compared by the TTL that it quotes (probes.md §2).
    assert_eq!(fault("fw", "{ reject = 'admin-prohibited' }").highest_min_ttl(WEB, 443), 62);
}

#[test]
fn rejections_name_their_sender_and_code() {
    for (effect, v4, v6) in [
        ("admin-prohibited", (3, 13), (1, 1)),
        ("host-unreachable", (3, 1), (1, 3)),
        ("net-unreachable", (3, 0), (1, 0)),
        ("port-unreachable", (3, 3), (1, 4)),
        ("host-prohibited", (3, 10), (1, 5)),
        ("net-prohibited", (3, 9), (1, 6)),
    ] {
        let mut bench = fault("fw", &format!("{{ reject = '{effect}' }}"));
        for (address, (kind, code)) in [(WEB, v4), (WEB6, v6)] {
            let Outcome::Rejected(Rejection { how, by, reply_ttl, .. }) = bench.connect(address, 443) else {
                panic!("{effect} {address}")
            };
            assert_eq!(how, icmp(address.contains(':'), kind, code));
            let expected: IpAddr =
                if address == WEB { "10.70.1.2" } else { "2001:db8:70:1::2" }.parse().unwrap();
            assert_eq!((by, reply_ttl), (Some(expected), Some(63)));
        }
    }
}

#[test]
fn routes_refuse_before_the_ttl_and_at_a_rate_of_their_own() {
    let mut bench = fault("fw", "{ route = 'prohibit' }");
    let outcomes: Vec<bool> =
        (0..7).map(|_| matches!(bench.connect(WEB, 443), Outcome::Rejected(_))).collect();
    // Five at once, then one a second: the attempt itself lasts that long.
    assert_eq!(outcomes[..5], [true; 5]);
    assert_eq!(bench.clone().ladder(WEB6, 443)[1], "1/1@2001:db8:70:1::2");
}

#[test]
fn a_missing_host_is_reported_after_three_seconds() {
    let mut bench = Bench::new(
        "[[network.faults]]\nat = 'r3'\neffect = 'unclaimed'\naddresses = ['203.0.113.99', '2001:db8:113::99']\n",
    );
    for (address, v6, code) in [("203.0.113.99", false, 1), ("2001:db8:113::99", true, 3)] {
        let (outcome, took) = bench.connect_for(address, Duration::from_secs(5));
        let Outcome::Rejected(Rejection { how, .. }) = outcome else { panic!("{outcome:?}") };
        assert_eq!(how, icmp(v6, if v6 { 1 } else { 3 }, code));
        assert!(took > Duration::from_secs(3) && took < Duration::from_millis(3_100), "{took:?}");
    }
    // Within three seconds nothing is heard, and another attempt meets the end of the same search.
    let (outcome, _) = bench.connect_for("203.0.113.99", Duration::from_secs(2));
    assert!(matches!(outcome, Outcome::Silent(_)));
    let (outcome, took) = bench.connect_for("203.0.113.99", Duration::from_secs(2));
    assert!(matches!(outcome, Outcome::Rejected(_)) && took < Duration::from_millis(1_100), "{outcome:?}");
}

#[test]
fn syns_keep_to_the_schedule() {
    let silent = |bench: &mut Bench, seconds| match bench.connect_for(WEB, Duration::from_secs(seconds)).0 {
        Outcome::Silent(silence) => silence,
        other => panic!("{other:?}"),
    };
    // 0, 1, 2, 3, 4, 5, 7, 11 s, and before Linux 6.5: 0, 1, 3, 7 s.
    let mut linear = fault("fw", "'drop'");
    let mut doubling = Bench::with("syn_schedule = 'doubling'", &linear.faults);
    for (seconds, expected) in [(1, (1, 1)), (3, (3, 2)), (6, (6, 3)), (11, (7, 4)), (12, (8, 4))] {
        let counted = (silent(&mut linear, seconds).packets, silent(&mut doubling, seconds).packets);
        assert_eq!(counted, expected, "{seconds} s");
    }
}

#[test]
fn the_stack_knows_of_its_own_refusal_from_the_second_syn_on() {
    let refused = |bench: &mut Bench, millis| match bench.connect_for(WEB, Duration::from_millis(millis)).0 {
        Outcome::Silent(Silence { packets, refused_here }) => (packets, refused_here),
        other => panic!("{other:?}"),
    };
    let mut local = fault("client", "'output-drop'");
    assert_eq!(refused(&mut local, 900), (1, false));
    assert_eq!(refused(&mut local, 2_500), (3, true));
    // The driver's queue refuses with retries every half second.
    assert_eq!(refused(&mut fault("client", "'egress-drop'"), 2_400), (4, true));
    for (node, effect) in [("fw", "'drop'"), ("client", "'input-drop'"), ("r1", "'drop-early'")] {
        assert_eq!(refused(&mut fault(node, effect), 2_500), (3, false), "{node} {effect}");
    }
}

#[test]
fn the_clients_edge_counts_as_measured() {
    // (a) and (b) of the facts, for eight SYNs: left the interface by capture, OutRequests, OutTransmits,
    // interface tx, and whether receives grew without delivers.
    for (node, effect, left, transmits, sent, swallowed) in [
        ("r1", "'drop'", 8, 8, 8, false),
        ("client", "'output-drop'", 0, 0, 0, false),
        ("client", "'egress-drop'", 0, 8, 0, false),
        ("client", "'input-drop'", 8, 8, 8, true),
        ("web", "'input-drop'", 8, 8, 8, false),
    ] {
        let mut bench = Bench::with("raw_sockets = true", &fault(node, effect).faults);
        let count = bench.egress(WEB, 8);
        let counters = count.counters.unwrap();
        let captured = count.captured.unwrap();
        let title = format!("{node} {effect}");
        assert_eq!((count.sent, count.answered), (8, 0), "{title}");
        assert_eq!(captured.left, left, "{title}");
        assert_eq!((counters.out_requests, counters.out_transmits), (8, Some(transmits)), "{title}");
        assert_eq!(counters.interface_sent, sent, "{title}");
        assert_eq!(counters.in_delivers, 0, "{title}");
        assert_eq!(counters.in_receives > 0, swallowed, "{title}");
        assert_eq!(captured.returned > 0, swallowed, "{title}");
    }
    let mut open = Bench::new("");
    let count = open.egress(WEB, 8);
    assert_eq!((count.sent, count.answered, count.captured), (8, 8, None));
    let counters = count.counters.unwrap();
    assert_eq!((counters.in_receives, counters.in_delivers), (8, 8));
    // SYN, ACK and RST of each.
    assert_eq!((counters.out_requests, counters.out_transmits), (24, Some(24)));
}

#[test]
fn a_local_refusal_crosses_no_interface() {
    for effect in ["'output-reset'", "{ output-reject = 'port-unreachable' }"] {
        let counters = fault("client", effect).egress(WEB, 4).counters.unwrap();
        assert_eq!((counters.interface_sent, counters.out_transmits), (0, Some(4)), "{effect}");
    }
}

#[test]
fn a_datagram_to_a_locally_dropped_address_is_forbidden() {
    let all = fault("client", "'output-drop'");
    let only_tcp = Bench::new(&format!("{}ports = [443]\n", all.faults));
    for (mut bench, forbidden) in [(all, true), (only_tcp, false)] {
        let outcome = bench.echo(WEB, None);
        let is_forbidden = matches!(&outcome, Outcome::Unable(why) if why.why == Obstacle::ForbiddenLocally);
        assert_eq!(is_forbidden, forbidden, "{outcome:?}");
    }
}

#[test]
fn missing_routes_refuse_at_once() {
    let mut without = Bench::new("[network.client]\nipv6 = 'no-route'\nping_sockets = true\n");
    let why = |outcome| match outcome {
        Outcome::Unable(inability) => (inability.why, inability.errno),
        other => panic!("{other:?}"),
    };
    assert_eq!(why(without.connect(WEB6, 443)), (Obstacle::NoRoute, Some(101)));
    assert_eq!(why(without.echo(WEB6, None)), (Obstacle::NoRoute, Some(101)));
    for (kind, expected) in [
        ("unreachable", (Obstacle::NoRoute, Some(113))),
        ("prohibit", (Obstacle::ForbiddenLocally, Some(13))),
        ("blackhole", (Obstacle::NoRoute, Some(22))),
    ] {
        let outcome = fault("client", &format!("{{ route = '{kind}' }}")).connect(WEB, 443);
        assert_eq!(why(outcome), expected, "{kind}");
    }
}

#[test]
fn echo_is_answered_by_the_host_and_by_routers_whose_ttl_it_meets() {
    let mut bench = Bench::new("");
    match bench.echo(WEB, None) {
        Outcome::Answered(Answer::Echo(reply)) => assert_eq!(reply.reply_ttl, Some(61)),
        other => panic!("{other:?}"),
    }
    assert_eq!(at(&bench.echo(WEB, Some(2))), "11/0@10.70.1.2");
    let mut blocked = Bench::new("[[network.faults]]\nat = 'fw'\neffect = 'drop'\nprotocol = 'icmp'\n");
    assert_eq!(at(&blocked.echo(WEB, None)), SILENCE);
    assert!(connected(&blocked.connect(WEB, 443)));
    let mut forbidden = Bench::new("[network.client]\nping_sockets = false\n");
    assert_eq!(forbidden.vantage().echo, EchoAccess::None);
    assert!(matches!(forbidden.echo(WEB, None), Outcome::Unable(why) if why.why == Obstacle::NoPermission));
}

#[test]
fn four_ports_of_a_nat_let_four_flows_pass_per_endpoint() {
    let faults = "[[network.faults]]\nat = 'fw'\n\
        effect = { snat = { to = '198.51.100.1', first_port = 40000, last_port = 40003 } }\n";
    let mut bench = Bench::new(faults);
    let hold = Then::Hold(Duration::from_secs(30));
    let held: Vec<bool> = (0..6).map(|_| connected(&bench.connect_then(WEB, 443, hold))).collect();
    assert_eq!(held, [true, true, true, true, false, false]);
    // The trail of a fifth shows the NAT router, and nothing behind it.
    assert_eq!(bench.clone().ladder(WEB, 443)[..3], [R1, FW, SILENCE]);
    assert!(connected(&bench.connect("203.0.113.12", 443)), "another address");
    assert!(connected(&bench.connect(WEB, 444)), "another port");
    bench.wait(Duration::from_secs(31));
    assert!(connected(&bench.connect(WEB, 443)), "freed by RST");
    assert!(connected(&bench.connect(WEB, 443)), "at once");
}

#[test]
fn a_connection_limit_counts_what_is_open() {
    let faults = "[[network.faults]]\nat = 'fw'\neffect = { connection-limit = { max = 2 } }\n";
    let mut bench = Bench::new(faults);
    let hold = Then::Hold(Duration::from_secs(2));
    assert!(connected(&bench.connect_then(WEB, 443, hold)));
    assert!(connected(&bench.connect_then("203.0.113.12", 443, hold)));
    // Silent at first, and let in by a repeated SYN once a slot is free.
    match bench.connect_for(WEB, Duration::from_secs(4)).0 {
        Outcome::Answered(Answer::Connected(connected)) => assert_eq!(connected.syns, 3),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_flow_takes_the_same_one_of_parallel_routers() {
    let stages = "[[network.stages]]\nrouters = [{ name = 'ra' }, { name = 'rb', dead = true }]\n";
    let mut bench = Bench::with_stages(stages, "");
    let mut passed = 0;
    for port in 20_000..20_024 {
        let first = connected(&bench.connect_from(port, None));
        for _ in 0..3 {
            assert_eq!(connected(&bench.connect_from(port, None)), first, "port {port}");
        }
        // The dead one still says that the TTL ran out.
        let hop = at(&bench.connect_from(port, Some(4)));
        assert_eq!(hop, if first { "11/0@10.70.3.2" } else { "11/0@10.70.4.2" });
        passed += u32::from(first);
    }
    assert!((6..=18).contains(&passed), "{passed}");
}

#[test]
fn loss_lets_a_share_of_syns_through_and_repeats_them_a_second_later() {
    let mut bench = Bench::new("[[network.faults]]\nat = 'fw'\neffect = { loss = { percent = 50 } }\n");
    let mut syns = [0_u32; 4];
    for _ in 0..400 {
        match bench.connect(WEB, 443) {
            Outcome::Answered(Answer::Connected(connected)) => syns[connected.syns as usize - 1] += 1,
            _ => syns[3] += 1,
        }
    }
    for (share, expected) in syns.iter().zip([200.0, 100.0, 50.0, 50.0]) {
        assert!((f64::from(*share) - expected).abs() < 40.0, "{syns:?}");
    }
}

#[test]
fn names_are_cut_on_their_link() {
    for (cut, end) in [("drop", TlsEnd::Silent), ("reset-client", TlsEnd::Reset)] {
        let faults = format!(
            "[[network.links]]\nbetween = ['fw', 'r3']\n\
             relay = {{ name_cut = {{ names = ['push.example'], cut = '{cut}' }} }}\n"
        );
        let mut bench = Bench::new(&faults);
        let name = |bench: &mut Bench, name: &str, ttl| bench.hello(WEB, Some(name), ttl).tls.unwrap();
        let ends: Vec<TlsEnd> =
            (1..=5).map(|ttl| name(&mut bench, "push.example", Some(ttl)).ended).collect();
        let cut_off = [TlsEnd::Returned, TlsEnd::Returned, end.clone(), end.clone(), end.clone()];
        assert_eq!(ends, cut_off, "{cut}");
        let ends: Vec<TlsEnd> =
            (1..=5).map(|ttl| name(&mut bench, "other.example", Some(ttl)).ended).collect();
        let (gone, done) = (TlsEnd::Returned, TlsEnd::Completed);
        assert_eq!(ends, [gone.clone(), gone.clone(), gone, done.clone(), done], "{cut}");
        let returned = name(&mut bench, "push.example", Some(1)).took;
        assert!((200..220).contains(&returned.as_millis()), "{returned:?}");
        assert_eq!(name(&mut bench, "push.example", None).ended, end, "{cut}");
        assert_eq!(bench.hello(WEB, None, None).tls.unwrap().ended, TlsEnd::Completed, "{cut}");
        let Exchanged { traffic, .. } = bench.hello(WEB, Some("push.example"), None);
        assert_eq!((traffic.bytes_acked, traffic.unacked), (0, 1), "{cut}");
    }
}

#[test]
fn a_silent_mtu_swallows_large_segments_and_a_clamp_makes_them_pass() {
    let link = |silent| {
        format!("[[network.links]]\nbetween = ['fw', 'r3']\nmtu = 1300\nsilent_about_size = {silent}\n")
    };
    let mut hole = Bench::new(&link(true));
    let stalled = hole.large(None);
    assert_eq!(stalled.tls.as_ref().unwrap().ended, TlsEnd::Silent);
    assert_eq!((stalled.traffic.bytes_acked, stalled.traffic.bytes_received), (320, 0));
    let passed = hole.large(Some(1_220));
    assert_eq!(passed.tls.as_ref().unwrap().ended, TlsEnd::Completed);
    assert_eq!(passed.traffic.send_mss, 1_208);
    assert_eq!(Bench::new(&link(false)).large(None).tls.unwrap().ended, TlsEnd::Completed);
}

#[test]
fn a_large_hello_is_swallowed_on_the_way_out() {
    let link = "[[network.links]]\nbetween = ['fw', 'r3']\nmtu = 1300\nsilent_about_size = true\n";
    let mut bench = Bench::with("hello_size = 1700", link);
    let Exchanged { tls, traffic, .. } = bench.exchange(WEB, None, None);
    assert_eq!(tls.unwrap().ended, TlsEnd::Silent);
    assert_eq!((traffic.bytes_acked, traffic.bytes_received), (0, 0));
    assert!(traffic.retransmits >= 3 && traffic.unacked >= 1, "{traffic:?}");
}

#[test]
fn behind_a_syn_proxy_the_backend_decides() {
    for (backend, end) in
        [("alive", TlsEnd::Completed), ("dropped", TlsEnd::Silent), ("closed", TlsEnd::Reset)]
    {
        let mut bench = fault("fw", &format!("{{ syn-proxy = {{ backend = '{backend}' }} }}"));
        assert_eq!(bench.exchange(WEB, None, None).tls.unwrap().ended, end, "{backend}");
        let expected = if backend == "closed" { After::Reset } else { After::Quiet };
        let watch = Then::Listen(Duration::from_secs(1));
        match bench.connect_then(WEB, 443, watch) {
            Outcome::Answered(Answer::Connected(connected)) => assert_eq!(connected.after, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn services_behave_as_described() {
    let cases: &[(&str, TlsEnd)] = &[
        ("'silent'", TlsEnd::Silent),
        ("'reset-at-once'", TlsEnd::Reset),
        ("'close-at-once'", TlsEnd::Closed),
        ("'close-after-data'", TlsEnd::Closed),
        ("'reset-after-data'", TlsEnd::Reset),
        ("{ alert = 40 }", TlsEnd::Alert(40, "handshake_failure".to_owned())),
        ("{ banner = 'hello' }", TlsEnd::NotTls(b"hello".to_vec())),
        ("{ tls = { names = ['push.example'], only_name = 'push.example' } }", TlsEnd::Closed),
    ];
    for (kind, end) in cases {
        let mut bench = Bench::with_service(kind);
        assert_eq!(&bench.hello(WEB, Some("other.example"), None).tls.unwrap().ended, end, "{kind}");
    }
    let after = |kind: &str| {
        let watch = Then::Listen(Duration::from_millis(700));
        match Bench::with_service(kind).connect_then(WEB, 443, watch) {
            Outcome::Answered(Answer::Connected(connected)) => connected.after,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(after("'silent'"), After::Quiet);
    assert_eq!(after("'reset-at-once'"), After::Reset);
    assert_eq!(after("'close-at-once'"), After::Closed);
    assert_eq!(after("{ banner = 'hello' }"), After::Spoke(b"hello".to_vec()));
    let http = Bench::with_service("{ tls = { names = ['push.example'], status = 503 } }")
        .exchange(WEB, None, Some("/"))
        .http
        .unwrap();
    assert_eq!(http.ended, HttpEnd::Status(503));
}

#[test]
fn a_port_in_use_is_not_used_twice() {
    let mut bench = fault("fw", "'drop'");
    let probe = Probe::Connect(bench.probe(WEB, 443, 20_000));
    assert!(matches!(bench.ask_now(&probe), Outcome::Silent(_)));
    let Outcome::Unable(why) = bench.ask_now(&probe) else { panic!() };
    assert_eq!(why.why, Obstacle::PortInUse);
    bench.wait(Duration::from_secs(4));
    assert!(matches!(bench.ask_now(&probe), Outcome::Silent(_)));
}

#[test]
fn a_flow_that_the_server_still_has_needs_a_second_syn() {
    let mut bench = Bench::new("");
    let mut probe = bench.probe(WEB, 443, 20_000);
    probe.min_ttl = Some(65);
    probe.timeout = Duration::from_millis(400);
    assert!(matches!(bench.ask(&Probe::Connect(probe.clone())), Outcome::Silent(_)));
    probe.min_ttl = None;
    probe.timeout = Duration::from_secs(3);
    match bench.ask(&Probe::Connect(probe)) {
        Outcome::Answered(Answer::Connected(connected)) => assert_eq!(connected.syns, 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn icmp_errors_keep_to_the_rate_of_linux() {
    let mut bench = Bench::with_stages("", "icmp_rate_limited = true");
    let mut times = Vec::new();
    for port in 20_000..20_020 {
        let mut probe = bench.probe(WEB, 443, port);
        (probe.ttl, probe.timeout) = (Some(1), Duration::from_millis(100));
        times.push(matches!(bench.ask_now(&Probe::Connect(probe)), Outcome::Rejected(_)));
    }
    assert_eq!(times.iter().filter(|&&answered| answered).count(), 6);
    for port in 21_000..21_005 {
        bench.wait(Duration::from_millis(1_100));
        let mut probe = bench.probe(WEB, 443, port);
        (probe.ttl, probe.timeout) = (Some(1), Duration::from_millis(100));
        assert!(matches!(bench.ask(&Probe::Connect(probe)), Outcome::Rejected(_)), "{port}");
    }
}

#[test]
fn an_anonymous_router_is_passed() {
    let mut bench = Bench::with_stages("", "anonymous = true");
    assert_eq!(bench.ladder(WEB, 443)[..4], [SILENCE, FW, R3, "CONNECTED"]);
}

#[test]
fn two_faults_at_once_are_two_faults_at_once() {
    let faults = format!(
        "{}{}",
        fault("r3", "{ reject = 'admin-prohibited' }").faults,
        "[[network.faults]]\nat = 'fw'\neffect = { loss = { percent = 50 } }\ndirection = 'both'\n"
    );
    let mut bench = Bench::new(&faults);
    let outcomes: Vec<String> = (0..60).map(|_| at(&bench.connect(WEB, 443))).collect();
    let rejected = outcomes.iter().filter(|outcome| *outcome == "3/13@10.70.2.2").count();
    let silent = outcomes.iter().filter(|outcome| *outcome == SILENCE).count();
    assert_eq!(rejected + silent, 60, "{outcomes:?}");
    // A SYN or its error is lost with 75 %; three of each attempt.
    assert!((20..=48).contains(&rejected), "{rejected}");
}

#[test]
fn the_same_seed_gives_the_same_outcomes() {
    let lossy = "[[network.faults]]\nat = 'fw'\neffect = { loss = { percent = 30 } }\n";
    let run = || {
        let mut bench = Bench::new(lossy);
        (0..50).map(|_| format!("{:?}", bench.connect(WEB, 443))).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
