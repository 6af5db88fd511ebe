//! Resolvers and the client's own look-ups.

mod common;

use std::{net::IpAddr, time::Duration};

use common::Bench;
use reach_core::model::{AnswerFault, Outcome, Rcode, RecordKind, Transport};

const RESOLVER: &str = "[[network.hosts]]\nname = 'dns'\naddresses = ['192.0.2.53']\nbehind = 'r1'\n\
    [[network.resolvers]]\nat = 'dns'\n";

fn named(options: &str) -> Bench {
    Bench::new(&format!(
        "{RESOLVER}[[network.resolvers.names]]\nname = 'push.example'\n\
         addresses = ['203.0.113.11', '203.0.113.12', '203.0.113.13', '2001:db8:113::11']\n{options}\n"
    ))
}

fn last_bytes(addresses: &[IpAddr]) -> Vec<u8> {
    addresses
        .iter()
        .map(|address| match address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(_) => 6,
        })
        .collect()
}

#[test]
fn selections_turn_as_described() {
    let answers = |options: &str| -> Vec<Vec<u8>> {
        let mut bench = named(options);
        (0..4).map(|_| last_bytes(&bench.lookup("192.0.2.53", RecordKind::A).addresses())).collect()
    };
    assert_eq!(answers(""), vec![vec![11, 12, 13]; 4]);
    let rotated: [&[u8]; 4] = [&[11, 12, 13], &[12, 13, 11], &[13, 11, 12], &[11, 12, 13]];
    assert_eq!(answers("selection = 'rotate'"), rotated);
    let windows: [&[u8]; 4] = [&[11, 12], &[13, 11], &[12, 13], &[11, 12]];
    assert_eq!(answers("selection = { window = { size = 2 } }"), windows);
    assert!(
        answers("selection = { random = { size = 2, seed = 1 } }").iter().all(|answer| answer.len() == 2)
    );
}

#[test]
fn a_kept_answer_ages_and_is_renewed() {
    let mut bench = named("selection = { window = { size = 1 } }\nttl = 30\nages = true");
    let mut seen = Vec::new();
    for pause in [0, 10, 15, 10] {
        bench.wait(Duration::from_secs(pause));
        let answer = bench.lookup("192.0.2.53", RecordKind::A).answer();
        seen.push((last_bytes(&[answer.addresses[0].address])[0], answer.addresses[0].ttl_s));
    }
    assert_eq!(seen, [(11, 30), (11, 20), (11, 5), (12, 30)]);
}

#[test]
fn resolvers_fail_as_described() {
    let answer = |options: &str| named(options).lookup("192.0.2.53", RecordKind::A).answer();
    assert_eq!(answer("reply = 'nxdomain'").rcode, Rcode::NxDomain);
    assert_eq!(answer("reply = 'servfail'").rcode, Rcode::ServFail);
    assert_eq!(answer("reply = 'refused'").rcode, Rcode::Refused);
    assert!(answer("reply = 'no-data'").addresses.is_empty());
    assert_eq!(answer("reply = 'garbage'").fault, Some(AnswerFault::Malformed));
    assert_eq!(answer("reply = 'wrong-id'").fault, Some(AnswerFault::WrongId));
    assert_eq!(answer("reply = 'wrong-name'").fault, Some(AnswerFault::WrongQuestion));
    let aliases = answer("aliases = ['a.cdn.example', 'b.cdn.example']").aliases;
    let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    assert_eq!(aliases, [pair("push.example", "a.cdn.example"), pair("a.cdn.example", "b.cdn.example")]);

    let mut aaaa = named("reply_aaaa = 'servfail'");
    assert_eq!(aaaa.lookup("192.0.2.53", RecordKind::A).addresses().len(), 3);
    assert_eq!(aaaa.lookup("192.0.2.53", RecordKind::Aaaa).answer().rcode, Rcode::ServFail);
    assert!(matches!(named("reply = 'silent'").lookup("192.0.2.53", RecordKind::A).0, Outcome::Silent(_)));
    // A host that is no resolver, and nobody at all.
    assert!(matches!(named("").lookup("203.0.113.11", RecordKind::A).0, Outcome::Rejected(_)));
    assert!(matches!(named("").lookup("203.0.113.99", RecordKind::A).0, Outcome::Silent(_)));
}

#[test]
fn what_does_not_fit_a_datagram_is_told_over_tcp() {
    let mut bench = named("reply = 'truncated'");
    assert!(bench.lookup("192.0.2.53", RecordKind::A).answer().truncated);
    assert_eq!(bench.lookup_over(Transport::Tcp, "192.0.2.53", RecordKind::A).addresses().len(), 3);
    for (mode, silent) in [("closed", false), ("silent", true)] {
        let faults = format!(
            "{RESOLVER}tcp = '{mode}'\n[[network.resolvers.names]]\nname = 'push.example'\nreply = 'truncated'\n"
        );
        let outcome = Bench::new(&faults).lookup_over(Transport::Tcp, "192.0.2.53", RecordKind::A).0;
        assert_eq!(matches!(outcome, Outcome::Silent(_)), silent, "{mode} {outcome:?}");
        assert_eq!(matches!(outcome, Outcome::Rejected(_)), !silent, "{mode} {outcome:?}");
    }
}

#[test]
fn questions_meet_the_faults_of_their_path() {
    let dropped =
        "[[network.faults]]\nat = 'r1'\neffect = 'drop'\naddresses = ['192.0.2.53']\nprotocol = 'udp'\n";
    let mut bench = Bench::new(&format!("{dropped}{}", named("").faults));
    assert!(matches!(bench.lookup("192.0.2.53", RecordKind::A).0, Outcome::Silent(_)));
    assert_eq!(bench.lookup_over(Transport::Tcp, "192.0.2.53", RecordKind::A).addresses().len(), 3);
    let local = dropped.replace("'r1'", "'client'").replace("'drop'", "'output-drop'");
    let mut bench = Bench::new(&format!("{local}{}", named("").faults));
    assert!(matches!(bench.lookup("192.0.2.53", RecordKind::A).0, Outcome::Unable(_)));
}

#[test]
fn the_system_prefers_ipv6_where_it_has_a_route() {
    let order = |client: &str| {
        let mut bench = Bench::new(&format!("[network.client]\n{client}\n{}", named("").faults));
        let (addresses, took) = bench.system_lookup("push.example");
        assert!(took < Duration::from_millis(20), "{took:?}");
        last_bytes(&addresses)
    };
    assert_eq!(order(""), [6, 11, 12, 13]);
    assert_eq!(order("ipv6 = 'no-route'"), [11, 12, 13, 6]);
    assert_eq!(order("hosts_file = { 'push.example' = ['203.0.113.12'] }"), [12]);
}

#[test]
fn the_system_waits_for_silent_resolvers() {
    let second = named("").faults.replace("'dns'", "'dns2'").replace("192.0.2.53", "192.0.2.54");
    let both = format!("{}{second}", named("reply = 'silent'").faults);
    let (addresses, took) = Bench::new(&both).system_lookup("push.example");
    assert_eq!(addresses.len(), 4);
    assert!((5_000..5_020).contains(&took.as_millis()), "{took:?}");
    let options = "[network.client]\nresolver_options = 'timeout:1 attempts:1'\n";
    let (_, took) = Bench::new(&format!("{options}{both}")).system_lookup("push.example");
    assert!((1_000..1_020).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn names_with_few_dots_are_tried_with_search_domains_first() {
    let zone = named("").faults.replace("'push.example'", "'push.example.corp.example'");
    let search = "search = ['corp.example']";
    assert_eq!(Bench::with(search, &zone).system_lookup("push.example").0.len(), 4);
    assert_eq!(Bench::with(search, &zone).system_lookup("push.example.").0.len(), 0);
    assert_eq!(Bench::with("", &zone).system_lookup("push.example").0.len(), 0);
}
