//! `reach trace` as people and scripts meet it: the real program, over loopback and in small networks of its own.

#![forbid(unsafe_code)]

#[path = "lab/company.rs"]
#[expect(dead_code, reason = "the large tests of networks use more of it")]
mod company;

use std::{
    fs,
    net::TcpListener,
    process::{Command, Output},
};

use reach_lab::{Description, Effect, Fault, Lab, Name, Resolver, Service, ServiceKind, Tool, isolated};
use serde_json::Value;

fn reach(arguments: &[&str]) -> Output {
    let mut command = Command::new(company::REACH);
    command.arg("trace").args(arguments).env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR");
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_is_wrong_on_the_command_line_is_told_with_status_2() {
    let directory = tempfile::tempdir().expect("a directory");
    let table = directory.path().join("table.tsv");
    fs::write(&table, "192.0.2.0\t192.0.2.255\tnobody\tKR\tX\n").expect("written");
    let table = table.to_string_lossy().into_owned();
    for (arguments, part) in [
        (vec!["127.0.0.1", "-m", "0"], "-m `0`: give a number from 1 to 255"),
        (vec!["127.0.0.1", "--tcp", "--udp"], "cannot be used with"),
        (vec![], "required"),
        (vec!["127.0.0.1", "--asn-db", "/nonexistent/table"], "/nonexistent/table"),
        (vec!["127.0.0.1", "--asn-db", &table], "line 1: `nobody` is no AS number"),
        (vec!["--replay", "/nonexistent/run"], "/nonexistent/run"),
        (vec!["127.0.0.1", "--compare", "127.0.0.2"], "two addresses, or none"),
    ] {
        let output = reach(&arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_host_itself_is_one_hop_away() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let target = format!("127.0.0.1:{port}");
    let output = reach(&[&target, "-n", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let path = &document["paths"][0];
    assert_eq!(document["schema"], "reach.trace/1");
    assert_eq!((path["reached"].as_bool(), path["distance"].as_u64()), (Some(true), Some(1)));
    assert_eq!(path["hops"][0]["responders"][0]["address"], "127.0.0.1");

    let output = reach(&[&target, "-n"]);
    let said = text(&output.stdout);
    assert!(said.starts_with(&format!("trace to 127.0.0.1 by TCP to port {port}, 30 hops max\n")), "{said}");
    assert!(said.contains("[open]"), "{said}");
}

#[test]
fn a_closed_port_is_not_called_open() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let output = reach(&[&format!("127.0.0.1:{port}"), "-n"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("[closed: RST]"), "{}", text(&output.stdout));
}

const OPEN: &str = "203.0.113.11";
const BLOCKED: &str = "203.0.113.12";
const NAME: &str = "pool.example.com";

/// client – r1 – fw – web, with one of two addresses dropped at fw, and a name server that knows nobody's name.
fn network() -> Description {
    Description::new("trace view")
        .router("r1")
        .router("fw")
        .router("r3")
        .host("web", [OPEN, BLOCKED])
        .host_behind("dns", ["192.0.2.53"], "r1")
        .fault(Fault::at("fw", Effect::Drop).address(BLOCKED))
        .service(Service::new("web", 443, ServiceKind::Silent))
        .resolver(Resolver::at("dns").name(Name::new(NAME, [OPEN, BLOCKED])))
}

#[test]
fn a_pool_is_one_tree_and_every_other_form_tells_the_same() {
    isolated(&[Tool::Ip, Tool::Nft], || {
        let lab = Lab::build(&network()).expect("a lab");
        let directory = tempfile::tempdir().expect("a directory");
        let file = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        let run = |arguments: &[&str]| {
            let command = company::reach(&lab, company::Rights::All).arg("trace").args(arguments);
            command.env("LC_ALL", "C.UTF-8").run().expect("it starts")
        };
        let (record, dot, svg) = (file("run.jsonl"), file("paths.dot"), file("paths.svg"));
        let live = run(&[NAME, "--effort", "quick", "--dot", &dot, "--svg", &svg]);
        assert_eq!(live.code(), Some(1), "{}{}", live.stdout, live.stderr);
        assert!(
            live.stdout.contains(&format!("trace to 2 addresses of {NAME} by TCP to port 443")),
            "{}",
            live.stdout
        );
        assert!(live.stdout.contains("1 reached, 1 not"), "{}", live.stdout);
        assert!(live.stdout.contains(&format!("✗ {BLOCKED}  [no answer behind hop 2]")), "{}", live.stdout);
        for path in [&dot, &svg] {
            let picture = fs::read_to_string(path).unwrap_or_default();
            assert!(picture.contains(OPEN) && picture.contains(&format!("✗ {BLOCKED}")), "{picture}");
        }

        let recorded = company::reach(&lab, company::Rights::All)
            .args(["trace", NAME, "--effort", "quick", "--json", "--record", &record])
            .run()
            .expect("it starts");
        let replayed = reach(&["--replay", &record, "--json"]);
        assert_eq!(recorded.stdout, text(&replayed.stdout), "{}", text(&replayed.stderr));
        assert_eq!(recorded.code(), replayed.status.code());

        let compared = text(&reach(&["--replay", &record, "--compare"]).stdout);
        // Where lines break is a matter of their lengths.
        let compared = compared.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(compared.contains("last in common") && compared.contains("part here"), "{compared}");
        assert!(compared.contains(&format!("Behind it, {BLOCKED} gets no answer.")), "{compared}");
        let each = text(&reach(&["--replay", &record, "--each", "--lang", "ko"]).stdout);
        assert!(each.contains("[2번째 홉 이후 무응답]") || each.contains("2번째 홉"), "{each}");
    });
}
