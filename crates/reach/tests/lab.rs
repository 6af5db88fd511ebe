//! The real program in networks that the kernel plays: what the pretend world says of a scenario has to come
//! out here too, with every capability and without any.
//!
//! Without further words the scenarios of [`USUAL`] are played. Variables of the environment:
//!
//! * `REACH_SCENARIO=name,name` plays only these, `REACH_SCENARIO=all` every one that namespaces can play.
//! * `REACH_LAB_JOBS=4` has so many networks at a time.
//! * `REACH_LAB_RECORDINGS=DIR` keeps what was observed, for `reach check --replay`.
//! * `REACH_LAB_REQUIRED=1` makes it a failure if no network can be built or a check takes much too long.

#![forbid(unsafe_code)]

#[path = "lab/agreement.rs"]
mod agreement;
#[path = "lab/company.rs"]
mod company;
#[path = "lab/conduct.rs"]
mod conduct;
#[path = "lab/expected.rs"]
mod expected;
#[path = "lab/handover.rs"]
mod handover;
#[path = "lab/packets.rs"]
mod packets;
#[path = "lab/play.rs"]
mod play;
#[path = "lab/troupe.rs"]
mod troupe;

use std::{
    env, fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::Command,
};

use company::{REACH, Rights, side_by_side, tell};
use conduct::traces_of_a_check;
use nix::unistd::geteuid;
use play::{Play, Player, plays};
use reach_lab::{Effect, Fault, Lab, Tool, isolated, story};
use serde_json::Value;
use troupe::{perform, settle};

/// What labs with faults are made with.
const TOOLS: &[Tool] = &[Tool::Ip, Tool::Nft];

/// One scenario or two for each kind of fault, and those beside which a fault must not be seen.
const USUAL: [&str; 46] = [
    "accepts-and-resets",
    "accepts-and-says-nothing",
    "all-dropped",
    "all-good",
    "cname-chain",
    "dead-path",
    "dead-path-and-dropped",
    "dropped-and-prohibited",
    "dropped-by-the-first-router",
    "dropped-far-away",
    "dropped-when-forwarded",
    "expired",
    "few-nat-ports",
    "host-unreachable",
    "http-404",
    "http-503",
    "icmp-rate-limited-everywhere",
    "intercepted",
    "intercepted-partly",
    "ipv6-partly-blocked",
    "ipv6-without-route",
    "local-drop",
    "local-input-drop",
    "local-reject",
    "local-reset",
    "loss-and-dropped",
    "loss-heavy",
    "mtu-blackhole",
    "name-cut-by-drop",
    "name-cut-by-reset",
    "no-permissions-and-dropped",
    "nxdomain",
    "one-dropped-one-expired",
    "plain-tcp-service",
    "pool-of-60-by-twos",
    "prohibited",
    "refused-by-one",
    "reset-by-the-first-device",
    "reset-by-the-last-router",
    "resolver-silent",
    "resolvers-disagree",
    "second-resolver-silent",
    "servfail",
    "story",
    "syn-proxy-backend-dropped",
    "wrong-name",
];

#[test]
fn scenarios_come_out_in_namespaces_as_they_do_in_the_pretend_world() {
    isolated(TOOLS, || {
        let plays = plays();
        let chosen = chosen(&plays);
        for play in &chosen {
            if let Err(reason) = &play.network {
                tell(&format!("{}: not for namespaces: {reason}", play.name));
            }
        }
        let playable = chosen.into_iter().filter(|play| play.network.is_ok());
        let jobs: Vec<(&Play, Player)> =
            playable.flat_map(|play| Player::ALL.map(|player| (play, player))).collect();
        settle(&perform(&jobs));
    });
}

#[test]
fn a_check_leaves_nothing_behind() {
    isolated(TOOLS, || {
        // A fault of each side: on the way, and in this machine itself.
        let network =
            story::founding().fault(Fault::at("client", Effect::OutputDrop).address("203.0.113.13"));
        let failures = side_by_side(&[Rights::All, Rights::None], |&rights| {
            let lab = Lab::build(&network).expect("a lab");
            let target = format!("https://{}/", story::NAME);
            let traces = traces_of_a_check(&lab, &target, &["pool", "dns"], rights);
            let traces = traces.unwrap_or_else(|error| vec![error]);
            traces.iter().map(|trace| format!("{rights:?}: {trace}")).collect::<Vec<_>>()
        });
        let failures = failures.concat();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    });
}

#[test]
fn a_capture_holds_the_packets_of_the_run_and_no_others() {
    if !packets::has_readers() {
        return;
    }
    isolated(TOOLS, || {
        let failures = side_by_side(&[Rights::All, Rights::None], |&rights| {
            let lab = Lab::build(&story::founding()).expect("a lab");
            let faults = packets::faults_of_a_capture(&lab, rights).unwrap_or_else(|error| vec![error]);
            faults.iter().map(|fault| format!("{rights:?}: {fault}")).collect::<Vec<_>>()
        });
        let failures = failures.concat();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    });
}

#[test]
fn what_was_asked_for_is_verified_after_the_firewall_was_opened() {
    isolated(TOOLS, || {
        let failures = side_by_side(&[Rights::All, Rights::None], |&rights| {
            let lab = Lab::build(&story::founding()).expect("a lab");
            let faults = handover::faults_of_a_handover(&lab, rights).unwrap_or_else(|error| vec![error]);
            faults.iter().map(|fault| format!("{rights:?}: {fault}")).collect::<Vec<_>>()
        });
        let failures = failures.concat();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    });
}

/// Linux routers send about one ICMP error a second to each destination, after a short burst. All that a
/// trail is made of has to come through that.
#[test]
fn routers_that_limit_their_errors_as_linux_does_change_nothing() {
    isolated(TOOLS, || {
        let mut plays = plays();
        plays.retain(|play| WITH_LIMITS.contains(&play.name.as_str()));
        assert_eq!(plays.len(), WITH_LIMITS.len(), "there are no such scenarios");
        plays.iter_mut().for_each(Play::limit_icmp_errors);
        let jobs: Vec<(&Play, Player)> = plays
            .iter()
            .flat_map(|play| [Player::Pretend, Player::Unprivileged].map(|player| (play, player)))
            .collect();
        settle(&perform(&jobs));
    });
}

/// Whose places are found although every router limits its errors.
const WITH_LIMITS: [&str; 13] = [
    "all-dropped",
    "dead-path",
    "dropped-by-the-first-router",
    "dropped-far-away",
    "dropped-when-forwarded",
    "host-drops",
    "ipv6-partly-blocked",
    "name-cut-by-drop",
    "port-unreachable",
    "prohibited",
    "reset-by-the-firewall",
    "route-blackhole",
    "story",
];

#[test]
fn the_demo_works_for_an_ordinary_user() {
    // Where the program stands an ordinary user may not be able to go. Copied by a program of its own: a file
    // that was open for writing here could not be started while another thread's child still has it open.
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    let program = directory.path().join("reach");
    let copied = Command::new("install").args(["-m", "755", REACH]).arg(&program).status().expect("started");
    assert!(copied.success());
    let mut demo = Command::new(&program);
    demo.args(["demo", "--json"]).current_dir("/").env("HOME", "/nonexistent");
    if geteuid().is_root() {
        demo.uid(NOBODY).gid(NOBODY);
    }
    let done = demo.output().expect("started");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}");
    if !said.contains("kernel namespaces") {
        tell(&format!("the demo was played in the pretend world: {said}"));
    }
    let document: Value = serde_json::from_slice(&done.stdout).expect("one JSON document");
    let target = &document["targets"][0];
    assert_eq!(target["state"], "partly-reachable");
    let endpoints = target["endpoints"].as_array().expect("a list");
    assert_eq!(endpoints.len(), story::POOL.len());
    let with = |verdict: &str| {
        let those = endpoints.iter().filter(|endpoint| endpoint["verdict"] == verdict);
        those.filter_map(|endpoint| endpoint["address"].as_str()).collect::<Vec<_>>()
    };
    assert_eq!(with("filtered"), story::BLOCKED);
    assert_eq!(with("ok").len(), story::POOL.len() - story::BLOCKED.len());
}

/// A user and a group without any rights.
const NOBODY: u32 = 65534;

/// The scenarios that are to be played.
fn chosen(plays: &[Play]) -> Vec<&Play> {
    let wish = env::var("REACH_SCENARIO");
    let names: Vec<&str> = match wish.as_deref() {
        Ok("all") => return plays.iter().collect(),
        Ok(names) => names.split(',').collect(),
        Err(_) => USUAL.into(),
    };
    let find = |name: &str| plays.iter().find(|play| play.name == name);
    names
        .into_iter()
        .map(|name| find(name).unwrap_or_else(|| panic!("there is no scenario `{name}`")))
        .collect()
}
