//! Beginning, end, and a configuration that changes in between.

use std::{os::unix::net::UnixDatagram, time::Duration};

use nix::sys::signal::Signal;
use reach_lab::{Description, Effect, Fault, Finished, Lab, Service, ServiceKind, Tool, isolated};

use super::{
    company::{Rights, reach, side_by_side},
    doors::{Door, free_port},
    place::{LONG, Place, states, tries, until},
};

/// What every watch on loopback has: it must not look for a router of the machine that the tests run on.
pub(crate) const LOOPBACK: &str =
    "own = { gateway = 'none' }\n[defaults]\nevery = '200ms'\ntimeout = '500ms'\n";

fn targets<'d>(doors: impl IntoIterator<Item = &'d Door>) -> String {
    doors.into_iter().map(|door| format!("[[target]]\ntarget = '{}'\n", door.address)).collect()
}

#[test]
fn a_limited_watch_gives_an_all_clear_only_where_its_sample_carries_it() {
    isolated(&[Tool::Ip, Tool::Nft], || {
        let description = Description::new("a while")
            .router("r1")
            .host("web", ["203.0.113.11", "203.0.113.12"])
            .service(Service::new("web", 5000, ServiceKind::Silent))
            .fault(Fault::at("r1", Effect::Drop).address("203.0.113.12"));
        let lab = Lab::build(&description).expect("a lab");
        let watch = |(number, span, address): &(u16, &str, &str)| -> Finished {
            let place = Place::new(9800 + number);
            let command = place.at_home(reach(&lab, Rights::All));
            let command = command.args(["watch", "--for", span, "--every", "50ms"]);
            let command = command.arg("--store").arg(place.store());
            let command = command.arg("--control").arg(place.file("watch.sock"));
            let command = command.args(["--listen", &place.port.to_string(), "--lang", "en", address]);
            command.timeout(LONG * 2).run().expect("it runs")
        };
        let jobs =
            [(1, "6s", "203.0.113.11:5000"), (2, "1s", "203.0.113.11:5000"), (3, "4s", "203.0.113.12:5000")];
        let mut all = side_by_side(&jobs, watch).into_iter();
        let mut next = || {
            let one = all.next().expect("three");
            let text = format!("{:?}\n{}{}", one.status, one.stdout, one.stderr);
            (one, text)
        };
        let (clear, text) = next();
        assert_eq!(clear.code(), Some(0), "{text}");
        assert!(clear.elapsed > Duration::from_secs(14), "299 tries take a quarter of a minute: {text}");
        assert!(clear.stderr.contains("203.0.113.11"), "it said why it takes longer: {text}");
        assert!(clear.stdout.contains("confidence"), "{text}");
        let (short, text) = next();
        assert_eq!(short.code(), Some(1), "{text}");
        assert!(short.stdout.contains("of 299"), "{text}");
        let (blocked, text) = next();
        assert_eq!(blocked.code(), Some(1), "{text}");
        assert!(blocked.stdout.contains("203.0.113.12"), "{text}");
    });
}

#[test]
fn another_configuration_is_taken_up_on_sighup_and_a_wrong_one_is_not() {
    let place = Place::new(free_port());
    let doors = [Door::new(2), Door::new(3)];
    place.configure(&format!("{LOOPBACK}{}", targets(&doors[..1])));
    let mut watch = place.watch();
    let before = until("one that works", LONG, || {
        assert!(watch.is_running(), "{}", watch.log());
        place.status().filter(|status| states(status, "ok") == 1 && tries(status) >= 10)
    });

    place.configure(&format!("{LOOPBACK}{}", targets(&doors)));
    watch.signal(Signal::SIGHUP);
    let both = until("two that work", LONG, || place.status().filter(|status| states(status, "ok") == 2));
    assert!(tries(&both) >= tries(&before), "nothing begins anew");
    assert_eq!(both["started"], before["started"]);

    place.configure(&format!("{LOOPBACK}surely = 'not'\n{}", targets(&doors[1..])));
    watch.signal(Signal::SIGHUP);
    until("a complaint", LONG, || {
        let log = watch.log();
        (log.contains("surely") && log.contains("stays as it was")).then_some(())
    });
    assert_eq!(place.status().map(|status| states(&status, "ok")), Some(2));

    place.configure(&format!("{LOOPBACK}{}", targets(&doors[1..])));
    watch.signal(Signal::SIGHUP);
    until("one only", LONG, || {
        place.status().filter(|status| status["targets"].as_array().is_some_and(|all| all.len() == 1))
    });

    // Another watch of the same memory does not begin.
    let mut other = place.command();
    other.args(["watch", "--config"]).arg(place.config()).arg("--control").arg(place.file("never.sock"));
    let other = other.output().expect("it runs");
    let complaint = String::from_utf8_lossy(&other.stderr).into_owned();
    assert_eq!(other.status.code(), Some(3), "{complaint}");
    assert!(complaint.contains("reach.db"), "{complaint}");
    assert!(watch.is_running());
    watch.signal(Signal::SIGINT);
    assert_eq!(watch.ended().code(), Some(0));
    assert!(!place.file("watch.sock").exists(), "it leaves nothing behind");
}

#[test]
fn the_service_manager_hears_that_it_is_ready_alive_reloading_and_stopping() {
    let place = Place::new(free_port());
    let door = Door::new(4);
    place.configure(&format!("{LOOPBACK}{}", targets([&door])));
    let path = place.file("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(LONG)).expect("a socket");
    let watch = place.watch_with(|command| {
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "2000000").env_remove("WATCHDOG_PID")
    });
    let hears = |what: &str| {
        let mut bytes = [0; 2048];
        loop {
            let length = socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
            let said = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if said.lines().any(|line| line == what) {
                return;
            }
        }
    };
    hears("READY=1");
    hears("WATCHDOG=1");
    hears("WATCHDOG=1");
    watch.signal(Signal::SIGHUP);
    hears("RELOADING=1");
    hears("READY=1");
    watch.signal(Signal::SIGTERM);
    hears("STOPPING=1");
    assert_eq!(watch.ended().code(), Some(0));
}
