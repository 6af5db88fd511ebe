//! `reach ping` in networks that the kernel plays, beside Debian's `ping` and `fping` where they are installed.
//!
//! `REACH_LAB_REQUIRED=1` makes it a failure if no network can be built.

#![forbid(unsafe_code)]

use std::{
    io::Read,
    os::fd::OwnedFd,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::pty::{OpenptyResult, Winsize, openpty};
use reach_lab::{
    Description, Effect, Fault, Finished, Lab, Link, Name, Rejection, Relay, Resolver, Service, ServiceKind,
    Tool, isolated,
};
use serde_json::Value;

const REACH: &str = env!("CARGO_BIN_EXE_reach");
const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];
const NAME: &str = "pool.example.com";

const GOOD: &str = "203.0.113.11";
const GOOD_V6: &str = "2001:db8:113::11";
const PROHIBITED: &str = "203.0.113.12";
const PROHIBITED_V6: &str = "2001:db8:113::12";
const UNREACHABLE: &str = "203.0.113.13";
const DROPPED: &str = "203.0.113.14";
/// Every third request is lost.
const LOSSY: &str = "203.0.113.15";
/// Every answer comes twice.
const DOUBLED: &str = "203.0.113.16";

/// client – r1 – fw – web, with a link of 1,400 bytes between the routers.
fn network() -> Description {
    let all = [GOOD, GOOD_V6, PROHIBITED, PROHIBITED_V6, UNREACHABLE, DROPPED, LOSSY, DOUBLED];
    let reject = |rejection, address| Fault::at("fw", Effect::Reject(rejection)).address(address);
    Description::new("ping")
        .router("r1")
        .router("fw")
        .host("web", all)
        .host_behind("dns", ["192.0.2.53"], "r1")
        .link(Link::with_mtu("r1", "fw", 1400, false))
        .fault(reject(Rejection::AdminProhibited, PROHIBITED))
        .fault(reject(Rejection::AdminProhibited, PROHIBITED_V6))
        .fault(reject(Rejection::HostUnreachable, UNREACHABLE))
        .fault(Fault::at("fw", Effect::Drop).address(DROPPED))
        .service(Service::new("web", 443, ServiceKind::Silent).on(GOOD))
        .resolver(Resolver::at("dns").name(Name::new(NAME, [GOOD, GOOD_V6, DROPPED])))
}

fn lab() -> Lab {
    let lab = Lab::build(&network()).expect("a lab");
    let rules = format!(
        "table ip whims {{
           chain arriving {{
             type filter hook input priority 0;
             icmp type echo-request ip daddr {LOSSY} numgen inc mod 3 == 1 drop
           }}
           chain leaving {{
             type filter hook output priority 0;
             icmp type echo-reply ip saddr {DOUBLED} dup to {}
           }}
         }}",
        gateway(&lab)
    );
    lab.node("web").nft(&rules).expect("rules of the host");
    lab
}

/// The router that the host's answers go to.
fn gateway(lab: &Lab) -> String {
    let routes = lab.node("web").command("ip").args(["-4", "route", "show", "default"]).run().expect("ip");
    let mut words = routes.stdout.split_whitespace().skip_while(|word| *word != "via");
    words.nth(1).expect("a default route").to_owned()
}

fn reach(lab: &Lab, arguments: &str) -> Finished {
    let command = lab.client().command(REACH).arg("ping").args(arguments.split_whitespace());
    command.env("LC_ALL", "C.UTF-8").timeout(Duration::from_secs(60)).run().expect("started")
}

/// Another tool with the same arguments; `None` where it is not installed.
fn other(lab: &Lab, tool: &str, arguments: &str) -> Option<Finished> {
    let is_there =
        Command::new("sh").args(["-c", &format!("command -v {tool}")]).stdout(Stdio::null()).status();
    if !is_there.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED beside {tool}: it is not installed");
        return None;
    }
    Some(lab.client().command(tool).args(arguments.split_whitespace()).run().expect("started"))
}

/// Sent, received and errors of a summary.
fn counts(summary: &str) -> [u64; 3] {
    let number = |before: &str| {
        let words: Vec<&str> = summary.split(before).next().unwrap_or_default().split_whitespace().collect();
        words.last().and_then(|word| word.trim_start_matches('+').parse().ok()).unwrap_or(0)
    };
    let errors = if summary.contains(" errors,") { number(" errors,") } else { 0 };
    [number(" packets transmitted"), number(" received"), errors]
}

fn json_lines(finished: &Finished) -> Vec<Value> {
    finished.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn counts_and_exit_status_are_those_of_ping() {
    isolated(TOOLS, || {
        let lab = lab();
        for arguments in [
            format!("-c 3 -i 0.1 {GOOD}"),
            format!("-c 3 -i 0.1 {GOOD_V6}"),
            format!("-c 3 -i 0.1 {PROHIBITED}"),
            format!("-c 3 -i 0.1 {PROHIBITED_V6}"),
            format!("-c 3 -i 0.1 {UNREACHABLE}"),
            format!("-c 2 -i 0.1 -W 0.5 {DROPPED}"),
            format!("-c 9 -i 0.05 -W 0.5 {LOSSY}"),
            format!("-c 3 -i 0.1 -t 1 {GOOD}"),
            format!("-c 3 -i 0.1 -t 2 {GOOD_V6}"),
            format!("-c 3 -i 0.1 -s 1000 -q {GOOD}"),
            format!("-c 3 -i 0.1 -w 5 {GOOD}"),
            format!("-c 3 -i 0.4 -w 1 {DROPPED}"),
        ] {
            let ours = reach(&lab, &arguments);
            let Some(theirs) = other(&lab, "ping", &arguments) else { return };
            let told =
                format!("{arguments}\n{}{}\n{}{}", ours.stdout, ours.stderr, theirs.stdout, theirs.stderr);
            assert_eq!(counts(&ours.stdout), counts(&theirs.stdout), "{told}");
            assert_eq!(ours.code(), theirs.code(), "{told}");
        }
    });
}

#[test]
fn losses_of_many_addresses_are_those_of_fping() {
    isolated(TOOLS, || {
        let lab = lab();
        let addresses = format!("{GOOD} {DROPPED} {LOSSY} {GOOD_V6}");
        let ours = reach(&lab, &format!("-c 9 -i 0.1 -W 0.5 --json {addresses}"));
        let summaries: Vec<Value> =
            json_lines(&ours).into_iter().filter(|line| line["event"] == "summary").collect();
        let losses: Vec<f64> = summaries.iter().filter_map(|summary| summary["loss"].as_f64()).collect();
        assert_eq!(losses, [0.0, 1.0, 1.0 / 3.0, 0.0], "{}", ours.stdout);
        assert_eq!(ours.code(), Some(1));
        let Some(theirs) = other(&lab, "fping", &format!("-q -c 9 -p 100 -t 500 {addresses}")) else {
            return;
        };
        for summary in &summaries {
            let address = summary["address"].as_str().expect("an address");
            let counts = format!("{}/{}/", summary["sent"], summary["received"]);
            let line = theirs.stderr.lines().find(|line| line.split_whitespace().next() == Some(address));
            assert!(line.is_some_and(|line| line.contains(&counts)), "{address} {counts}: {}", theirs.stderr);
        }
    });
}

#[test]
fn errors_are_named_with_code_and_sender() {
    isolated(TOOLS, || {
        let lab = lab();
        let (fw, fw_v6) = lab.router_address("fw");
        let (r1, _) = lab.router_address("r1");
        for (arguments, line) in [
            (PROHIBITED.to_owned(), format!("From {fw} icmp_seq=1 Packet filtered [type 3 code 13]")),
            (
                PROHIBITED_V6.to_owned(),
                format!(
                    "From {fw_v6} icmp_seq=1 Destination unreachable: Administratively prohibited [type 1 code 1]"
                ),
            ),
            (
                UNREACHABLE.to_owned(),
                format!("From {fw} icmp_seq=1 Destination Host Unreachable [type 3 code 1]"),
            ),
            (format!("-t 1 {GOOD}"), format!("From {r1} icmp_seq=1 Time to live exceeded [type 11 code 0]")),
            (
                format!("-t 2 {GOOD_V6}"),
                format!("From {fw_v6} icmp_seq=1 Time exceeded: Hop limit [type 3 code 0]"),
            ),
        ] {
            let done = reach(&lab, &format!("-c 1 {arguments}"));
            assert!(done.stdout.contains(&line), "{arguments}: {}", done.stdout);
            assert!(done.stdout.contains("0 received, +1 errors, 100% packet loss"), "{}", done.stdout);
            assert_eq!(done.code(), Some(1));
        }
    });
}

#[test]
fn every_address_of_a_name_is_pinged_or_the_first() {
    isolated(TOOLS, || {
        let lab = lab();
        let done = reach(&lab, &format!("-c 2 -i 0.1 -W 0.5 {NAME}"));
        for address in [GOOD, GOOD_V6, DROPPED] {
            assert!(done.stdout.contains(address), "{}{}", done.stdout, done.stderr);
        }
        assert_eq!(done.code(), Some(1), "{}", done.stdout);
        let done = reach(&lab, &format!("-4 -1 -c 1 {NAME}"));
        assert!(
            done.stdout.starts_with(&format!("PING {NAME} (203.0.113.1")),
            "{}{}",
            done.stdout,
            done.stderr
        );
        let done = reach(&lab, "-c 1 nosuch.example.com");
        assert_eq!(done.code(), Some(1));
        assert!(done.stderr.contains("`nosuch.example.com` gives no address"), "{}", done.stderr);
    });
}

#[test]
fn silence_alone_is_no_failure_of_the_host() {
    isolated(TOOLS, || {
        let done = reach(&lab(), &format!("-c 1 -W 0.3 {DROPPED}"));
        assert!(done.stdout.contains("Many networks drop ping"), "{}", done.stdout);
        assert_eq!(done.code(), Some(1));
    });
}

#[test]
fn tcp_tells_an_open_port_from_one_that_refuses() {
    isolated(TOOLS, || {
        let lab = lab();
        let done = reach(&lab, &format!("--tcp -c 3 -i 0.1 {GOOD}:443"));
        assert!(done.stdout.contains(&format!("open {GOOD}:443: tcp_seq=3")), "{}", done.stdout);
        assert_eq!(done.code(), Some(0));
        let done = reach(&lab, &format!("--tcp -c 2 -i 0.1 {GOOD}:81"));
        assert!(done.stdout.contains(&format!("refused (RST) {GOOD}:81: tcp_seq=2")), "{}", done.stdout);
        assert!(done.stdout.contains("refused (RST; the host is there"), "{}", done.stdout);
        assert_eq!(done.code(), Some(0));
        let done = reach(&lab, &format!("--tcp -c 1 {PROHIBITED}"));
        assert!(done.stdout.contains("Packet filtered"), "{}", done.stdout);
        assert_eq!(done.code(), Some(1));
    });
}

#[test]
fn an_ordinary_user_pings_where_the_system_allows_it_and_is_told_what_to_do_elsewhere() {
    isolated(TOOLS, || {
        let lab = lab();
        let as_user = |arguments: &str| {
            let command = lab.client().command(REACH).arg("ping").args(arguments.split_whitespace());
            command.env("LC_ALL", "C.UTF-8").unprivileged().run().expect("started")
        };
        let set = |range: &str| {
            let setting = format!("net.ipv4.ping_group_range={range}");
            lab.client().command("sysctl").args(["-qw", &setting]).run().expect("sysctl")
        };
        set("1 0");
        let done = as_user(&format!("-c 1 {GOOD}"));
        assert_eq!(done.code(), Some(3), "{}", done.stdout);
        assert!(done.stderr.contains("ping_group_range") && done.stderr.contains("--tcp"), "{}", done.stderr);
        assert_eq!(as_user(&format!("--tcp -c 1 {GOOD}")).code(), Some(0));
        let allowed = set("0 65534");
        if allowed.code() != Some(0) {
            eprintln!("SKIPPED the half with permission: {}", allowed.stderr);
            return;
        }
        let done = as_user(&format!("-c 2 -i 0.1 {GOOD} {GOOD_V6}"));
        assert_eq!(done.code(), Some(0), "{}{}", done.stdout, done.stderr);
    });
}

#[test]
fn signals_show_what_is_known_and_end_with_the_summary() {
    const SIGINT: i32 = 2;
    const SIGQUIT: i32 = 3;
    isolated(TOOLS, || {
        let lab = lab();
        let mut running =
            lab.client().command(REACH).args(["ping", "-i", "0.05", GOOD]).spawn().expect("started");
        wait_until(|| running.stdout_so_far().contains("icmp_seq=3"));
        running.signal(SIGQUIT).expect("sent");
        wait_until(|| running.stderr_so_far().contains("% loss"));
        let lines = running.stdout_so_far().lines().count();
        wait_until(|| running.stdout_so_far().lines().count() > lines + 2);
        running.signal(SIGINT).expect("sent");
        let done = running.wait(Duration::from_secs(10)).expect("it ends");
        assert!(done.stdout.contains("ping statistics ---") && done.stdout.contains("rtt min/avg/max/mdev"));
        assert_eq!(done.code(), Some(0));
    });
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    isolated(TOOLS, || {
        let script = format!("{REACH} ping -i 0.05 {GOOD} | head -2");
        let done = lab().client().command("sh").args(["-c", &script]).timeout(Duration::from_secs(20)).run();
        let done = done.expect("started");
        assert_eq!(done.stdout.lines().count(), 2);
        assert!(done.code() == Some(0) && done.stderr.is_empty(), "{}", done.stderr);
    });
}

#[test]
fn answers_that_come_after_the_time_out_are_late_and_stay_lost() {
    isolated(TOOLS, || {
        let relay = Relay { delay_ms: 150, ..Relay::default() };
        let network = Description::new("far")
            .router("r1")
            .router("fw")
            .host("web", [GOOD])
            .link(Link::with_relay("r1", "fw", relay));
        let lab = Lab::build(&network).expect("a lab");
        let done = reach(&lab, &format!("-c 3 -i 0.4 -W 0.1 --json {GOOD}"));
        let lines = json_lines(&done);
        let summary = lines.last().expect("a summary");
        let counts = ["sent", "received", "lost", "duplicates"].map(|key| summary[key].as_u64());
        assert_eq!(counts, [3, 0, 3, 0].map(Some), "{}", done.stdout);
        // The third time-out ends the run, unless a busy machine is slower than the answer.
        assert!([2, 3].map(Some).contains(&summary["late"].as_u64()), "{}", done.stdout);
    });
}

#[test]
fn duplicates_are_counted_as_such() {
    isolated(TOOLS, || {
        let done = reach(&lab(), &format!("-c 4 -i 0.2 {DOUBLED}"));
        // The fourth answer ends the run: whether its copy was there already is not for this test to say.
        let counts = ["+3 duplicates", "+4 duplicates"]
            .map(|part| format!("4 packets transmitted, 4 received, {part}"));
        assert!(counts.iter().any(|counts| done.stdout.contains(counts)), "{}", done.stdout);
        assert!(
            done.stdout.contains("icmp_seq=1 ttl=62") && done.stdout.contains("(DUP!)"),
            "{}",
            done.stdout
        );
    });
}

#[test]
fn a_packet_that_may_not_be_fragmented_is_told_how_large_it_may_be() {
    isolated(TOOLS, || {
        let lab = lab();
        let (r1, r1_v6) = lab.router_address("r1");
        let done = reach(&lab, &format!("-c 2 -i 0.1 -s 1472 --df {GOOD}"));
        let line = format!("From {r1} icmp_seq=2 Frag needed and DF set (mtu = 1400)");
        assert!(done.stdout.contains(&line), "{}", done.stdout);
        assert_eq!(done.code(), Some(1));
        let done = reach(&lab, &format!("-c 2 -i 0.1 -s 1452 -M do {GOOD_V6}"));
        assert!(
            done.stdout.contains(&format!("From {r1_v6} icmp_seq=2 Packet too big (mtu = 1400)")),
            "{}",
            done.stdout
        );
        assert_eq!(reach(&lab, &format!("-c 2 -i 0.1 -s 1372 --df {GOOD}")).code(), Some(0));
        assert_eq!(reach(&lab, &format!("-c 2 -i 0.1 -s 1472 {GOOD}")).code(), Some(0));
    });
}

#[test]
fn packets_leave_from_where_and_as_they_are_wanted_to() {
    isolated(TOOLS, || {
        let lab = lab();
        let rules = "table inet marks {
            counter ef { }
            chain arriving {
              type filter hook input priority 0;
              ip dscp ef icmp type echo-request counter name ef
            }
          }";
        lab.node("web").nft(rules).expect("rules of the host");
        let own = "10.70.0.2";
        assert_eq!(reach(&lab, &format!("-c 2 -i 0.1 -Q ef -I {own} {GOOD}")).code(), Some(0));
        let counter = lab.node("web").command("nft").args(["list", "counter", "inet", "marks", "ef"]).run();
        let counter = counter.expect("nft").stdout;
        assert!(counter.contains("packets 2 "), "{counter}");
        for (source, part) in
            [("nosuch0", "no such interface"), ("192.0.2.99", "no address of this host"), ("lo", "")]
        {
            let done = reach(&lab, &format!("-c 1 -W 0.3 -I {source} {GOOD}"));
            let expected = if part.is_empty() { [Some(1), Some(3)] } else { [Some(2); 2] };
            assert!(expected.contains(&done.code()), "{source}: {:?} {}", done.code(), done.stdout);
            assert!(done.stderr.contains(part), "{source}: {}", done.stderr);
        }
    });
}

#[test]
fn the_table_on_a_terminal_is_drawn_over_itself_and_leaves_only_the_result() {
    isolated(TOOLS, || {
        let size = Winsize { ws_row: 10, ws_col: 90, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("a terminal");
        let side = |slave: &OwnedFd| Stdio::from(slave.try_clone().expect("a copy"));
        let addresses = (1..=30).map(|last| format!("127.0.0.{last}"));
        let mut command = Command::new("sh");
        command
            .args(["-c", "ip link set lo up && exec \"$@\"", "sh", REACH, "ping", "-c", "6", "-i", "0.2"])
            .args(addresses)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(side(&slave))
            .stderr(side(&slave));
        let mut child = command.spawn().expect("started");
        drop((slave, command));
        let reader = thread::spawn(move || {
            let mut seen = Vec::new();
            let mut file = std::fs::File::from(master);
            let mut buffer = [0; 4096];
            // The last reader of a terminal gets an error instead of an end.
            while let Ok(length @ 1..) = file.read(&mut buffer) {
                seen.extend_from_slice(&buffer[..length]);
            }
            String::from_utf8_lossy(&seen).into_owned()
        });
        let status = child.wait().expect("it ends");
        let seen = reader.join().expect("read");
        assert_eq!(status.code(), Some(0), "{seen}");
        let drawn: Vec<&str> = seen.split("\u{1b}[9A\r\u{1b}[J").collect();
        assert!(drawn.len() > 2, "nine lines of ten are drawn anew: {seen:?}");
        assert!(drawn[1].contains("24 more with no more loss"), "{seen:?}");
        let result = drawn.last().expect("the result");
        assert_eq!(result.matches("127.0.0.").count(), 30, "{result}");
    });
}

/// Waits for something that is bound to happen.
fn wait_until(mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(20), "it did not happen");
        thread::sleep(Duration::from_millis(20));
    }
}
