//! Whether programs run in the client as they should: in its network, with its files, without privileges, and
//! not for ever.

mod common;

use std::time::Duration;

use reach_lab::{Description, Lab, Name, Resolver, Tool, can_isolate, isolated, isolated_command};

const IP: &[Tool] = &[Tool::Ip];

fn small() -> Description {
    let mut description = Description::new("commands")
        .router("r1")
        .host("dns", ["192.0.2.53", "203.0.113.1"])
        .resolver(Resolver::at("dns").on("192.0.2.53").name(Name::new("only.in.the.lab", ["203.0.113.1"])));
    description.client.hosts_file.insert("pinned.example".to_owned(), vec![common::ip("203.0.113.7")]);
    description.client.resolver_options = "timeout:2 attempts:2".to_owned();
    description
}

#[test]
fn a_command_sees_the_clients_network_and_files() {
    isolated(IP, || {
        let lab = Lab::build(&small()).unwrap();
        let shell = |script: &str| lab.client().command("/bin/sh").args(["-c", script]).run().unwrap();
        assert_eq!(
            shell("cat /etc/resolv.conf").stdout,
            "nameserver 192.0.2.53\noptions timeout:2 attempts:2\n"
        );
        assert!(shell("getent hosts pinned.example").stdout.starts_with("203.0.113.7"));
        assert!(shell("getent ahostsv4 only.in.the.lab").stdout.starts_with("203.0.113.1"));
        assert!(shell("cat /proc/self/net/route").stdout.contains("l0\t00000000\t0100460A"));
        assert_eq!(shell("exit 7").code(), Some(7));
        assert_eq!(shell("kill -9 $$").signal(), Some(9));
        let echo = lab.client().command("/bin/cat").input("in and out").env("A", "b").run().unwrap();
        assert_eq!(echo.stdout, "in and out");
        let unset = lab
            .client()
            .command("/bin/sh")
            .args(["-c", "echo ${CARGO_MANIFEST_DIR-none}"])
            .env_remove("CARGO_MANIFEST_DIR");
        assert_eq!(unset.run().unwrap().stdout, "none\n");
        // The real files are untouched.
        assert!(!std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default().contains("192.0.2.53"));
    });
}

#[test]
fn an_unprivileged_command_can_do_nothing_special() {
    isolated(IP, || {
        let lab = Lab::build(&small()).unwrap();
        let run = |unprivileged: bool, script: &str| {
            let command = lab.client().command("/bin/sh").args(["-c", script]);
            let command = if unprivileged { command.unprivileged() } else { command };
            command.run().unwrap().stdout
        };
        let status = run(true, "cat /proc/self/status; cat /etc/resolv.conf");
        for line in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(status.contains(&format!("{line}:\t0000000000000000\n")), "{line} in {status}");
        }
        assert!(status.contains("NoNewPrivs:\t1\n") && status.contains("nameserver 192.0.2.53"), "{status}");
        assert!(!run(false, "cat /proc/self/status").contains("CapEff:\t0000000000000000\n"));
        let attempt = "PATH=$PATH:/sbin:/usr/sbin; ip addr add 192.0.2.99/32 dev lo 2>&1 || echo no";
        assert!(run(true, attempt).contains("no"));
        // The lab's own files can be read by everybody.
        let authority = lab.authority().to_str().unwrap().to_owned();
        assert!(run(true, &format!("head -1 {authority}")).starts_with("-----BEGIN CERTIFICATE-----"));
    });
}

#[test]
fn a_program_in_a_closed_directory_can_be_run_unprivileged() {
    isolated(IP, || {
        use std::os::unix::fs::PermissionsExt as _;
        let lab = Lab::build(&small()).unwrap();
        let closed = tempfile::tempdir().unwrap();
        std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        let program = closed.path().join("identity");
        std::fs::copy("/usr/bin/id", &program).unwrap();
        let finished = lab.client().command(&program).arg("-u").unprivileged().run().unwrap();
        assert_eq!(finished.code(), Some(0), "{}", finished.stderr);
    });
}

#[test]
fn a_command_that_does_not_end_is_ended_with_all_it_started() {
    isolated(IP, || {
        let lab = Lab::build(&small()).unwrap();
        let script = "sleep 600 & echo $!; wait";
        let limit = Duration::from_millis(300);
        let finished = lab.client().command("/bin/sh").args(["-c", script]).timeout(limit).run().unwrap();
        assert!(finished.timed_out && finished.elapsed >= limit);
        assert_eq!(finished.signal(), Some(9));
        let child: u32 = finished.stdout.trim().parse().unwrap();
        common::eventually("what it started is gone", || is_gone(child));
    });
}

#[test]
fn a_running_command_can_be_watched_and_told_to_end() {
    isolated(IP, || {
        let lab = Lab::build(&small()).unwrap();
        let script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.02; done";
        let mut running = lab.client().command("/bin/sh").args(["-c", script]).spawn().unwrap();
        common::eventually("it is ready", || running.stdout_so_far() == "ready\n");
        assert!(!running.has_ended());
        running.signal(15).unwrap();
        let finished = running.wait(common::PATIENCE).unwrap();
        assert_eq!((finished.code(), finished.stdout.as_str()), (Some(3), "ready\nbye\n"));
        let dropped = lab.client().command("/bin/sleep").arg("600").spawn().unwrap();
        let id = dropped.id();
        drop(dropped);
        assert!(is_gone(id));
    });
}

#[test]
fn a_program_can_be_started_in_a_network_of_its_own() {
    isolated(IP, || {
        let mut command = isolated_command("/bin/sh").unwrap();
        let script = "id -u; tail -n +3 /proc/self/net/dev | wc -l";
        let output = command.args(["-c", script]).output().unwrap();
        // Root inside, and nothing but the loopback interface (and tunnel stubs that some kernels put
        // everywhere).
        assert!(String::from_utf8(output.stdout).unwrap().starts_with("0\n"));
        can_isolate().unwrap();
    });
}

#[test]
fn a_node_reads_its_own_counters() {
    isolated(IP, || {
        let lab = Lab::build(&small()).unwrap();
        let client = lab.client().read("/proc/net/dev").unwrap();
        let router = lab.node("r1").read("/proc/net/dev").unwrap();
        assert!(client.contains("l0:") && !client.contains("l1:"), "{client}");
        assert!(router.contains("l0:") && router.contains("l1:"), "{router}");
    });
}

fn is_gone(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // A process that ended and waits for its parent counts as gone.
    status.is_empty() || status.contains(") Z ")
}
