//! This host, as the kernel plays it: clients that wait for an address which does not answer, a file system that fills,
//! source ports that run out.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use reach::host::{
    HostReader, Names,
    settings::{HostSettings, Scope},
};
use reach_core::{
    Time,
    signal::{Attempt, FailureClass, Gauge, Level, Origin, Signal, Word},
};
use reach_lab::{Tool, isolated};
use reach_signal::host::limits::{Change, Concerns, Gravity, Limits};

/// Longer than any of this takes on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Time::from_micros(since.as_micros() as u64)
}

/// Runs in a network and a mount namespace of its own.
fn apart(body: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).expect("namespaces");
            mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
                .expect("private mounts");
            ip("link set lo up");
            body();
        });
        if let Err(panic) = inside.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn ip(words: &str) {
    let status = Command::new(Tool::Ip.find().expect("ip")).args(words.split(' ')).status().expect("ip runs");
    assert!(status.success(), "ip {words}");
}

/// A network in which SYNs go out and nothing comes back.
const VOID: [&str; 5] = [
    "link add void type veth peer name nobody",
    "link set nobody up",
    // Nobody is asked for: all goes to an address that the other end does not have.
    "link set void arp off up",
    "addr add 192.0.2.1/24 dev void",
    "addr add 2001:db8::1/64 dev void nodad",
];

fn void() {
    VOID.iter().for_each(|words| ip(words));
}

/// An ordinary program that connects.
struct Client(Child);

impl Client {
    fn connect(to: &str, port: u16) -> Self {
        Self(
            Command::new("bash")
                .arg("-c")
                .arg(format!("exec 3<>/dev/tcp/{to}/{port}"))
                .spawn()
                .expect("bash"),
        )
    }

    /// The same in a network namespace of its own, as a container would have it.
    fn connect_apart(to: &str, port: u16) -> Self {
        let ip = Tool::Ip.find().expect("ip");
        let network: String = VOID.iter().map(|words| format!("{} {words} && ", ip.display())).collect();
        let script = format!("{network} exec 3<>/dev/tcp/{to}/{port}");
        Self(Command::new("unshare").args(["--net", "bash", "-c", &script]).spawn().expect("unshare"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn attempts(signals: Vec<Signal>) -> Vec<(Origin, Attempt)> {
    let attempt = |signal: Signal| match signal.word {
        Word::Attempt(attempt) => Some((signal.origin, attempt)),
        _ => None,
    };
    signals.into_iter().filter_map(attempt).collect()
}

fn levels(signals: Vec<Signal>, gauge: Gauge) -> Vec<Level> {
    let level = |signal: Signal| match signal.word {
        Word::Level(level) if level.gauge == gauge => Some(level),
        _ => None,
    };
    signals.into_iter().filter_map(level).collect()
}

#[test]
fn an_application_that_waits_for_a_blocked_address_is_seen_with_its_process() {
    isolated(&[Tool::Ip], || {
        apart(|| {
            void();
            let address = |text: &str| text.parse::<IpAddr>().expect("an address");
            let (v4, v6, own, other) =
                (address("192.0.2.9"), address("2001:db8::9"), address("192.0.2.10"), address("192.0.2.11"));
            let names: Names =
                [v4, v6, own].into_iter().map(|it| (it, "push.example.test".to_owned())).collect();
            let settings = HostSettings {
                blocked_after: Duration::from_secs(2),
                containers: false,
                jvms: false,
                ..HostSettings::default()
            };
            let mut reader = HostReader::new(settings);
            reader.watch(names);

            thread::scope(|scope| {
                // A probe of our own is no application, and nobody watches the last address.
                scope
                    .spawn(|| TcpStream::connect_timeout(&SocketAddr::new(own, 443), Duration::from_secs(8)));
                let clients = [
                    Client::connect("192.0.2.9", 443),
                    Client::connect("2001:db8::9", 5228),
                    Client::connect("192.0.2.11", 443),
                ];
                let began = Instant::now();
                let mut seen: Vec<(Origin, Attempt)> = Vec::new();
                while seen.len() < 2 && began.elapsed() < PATIENCE {
                    thread::sleep(Duration::from_millis(200));
                    seen.extend(attempts(reader.read(now())));
                }
                let tried: BTreeSet<(IpAddr, u16)> =
                    seen.iter().map(|(_, it)| (it.address, it.port)).collect();
                assert_eq!(
                    tried,
                    BTreeSet::from([(v4, 443), (v6, 5228)]),
                    "{seen:?}; own is {own}, unwatched {other}"
                );
                for (origin, attempt) in &seen {
                    assert_eq!(attempt.failed, Some(FailureClass::ConnectTimeout));
                    assert_eq!(attempt.host.as_deref(), Some("push.example.test"));
                    assert!(
                        attempt.elapsed.is_some_and(|elapsed| elapsed >= Duration::from_secs(2)),
                        "{attempt:?}"
                    );
                    let client = &clients[usize::from(attempt.address == v6)];
                    assert_eq!(origin.instance, Some(format!("pid {}", client.0.id())));
                }
                drop(clients);
                // It was told, so its end is no second failure.
                thread::sleep(Duration::from_millis(100));
                assert_eq!(attempts(reader.read(now())), []);
            });
        });
    });
}

#[test]
fn a_container_whose_connect_hangs_is_seen_from_outside() {
    isolated(&[Tool::Ip], || {
        let settings =
            HostSettings { blocked_after: Duration::from_secs(2), jvms: false, ..HostSettings::default() };
        let mut reader = HostReader::new(settings);
        let address: IpAddr = "192.0.2.99".parse().expect("an address");
        reader.watch([(address, "push.example.test".to_owned())].into());
        let client = Client::connect_apart("192.0.2.99", 443);
        let began = Instant::now();
        let mut seen = Vec::new();
        while seen.is_empty() && began.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(200));
            seen = attempts(reader.read(now()));
        }
        let [(origin, attempt)] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!((attempt.address, attempt.port), (address, 443));
        assert_eq!(origin.instance, Some(format!("pid {}", client.0.id())));
    });
}

#[test]
fn one_that_connects_after_all_is_told_as_late() {
    isolated(&[Tool::Ip, Tool::Nft], || {
        apart(|| {
            ip("addr add 192.0.2.20/32 dev lo");
            let listener = TcpListener::bind("192.0.2.20:443").expect("bound");
            let nft = |text: &str| {
                let status =
                    Command::new(Tool::Nft.find().expect("nft")).arg(text).status().expect("nft runs");
                assert!(status.success(), "nft {text}");
            };
            nft("table inet wall { chain in { type filter hook input priority 0; tcp dport 443 drop; }; }");
            let settings = HostSettings { containers: false, jvms: false, ..HostSettings::default() };
            let mut reader = HostReader::new(settings);
            reader
                .watch([("192.0.2.20".parse().expect("an address"), "push.example.test".to_owned())].into());
            let script = "exec 3<>/dev/tcp/192.0.2.20/443; read -t 60 -u 3";
            let client = Client(Command::new("bash").arg("-c").arg(script).spawn().expect("bash"));
            let began = Instant::now();
            let mut wall = true;
            let mut seen = Vec::new();
            while began.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(100));
                seen.extend(attempts(reader.read(now())));
                if wall && began.elapsed() > Duration::from_millis(1_500) {
                    nft("flush ruleset");
                    wall = false;
                }
                if seen.iter().any(|(_, attempt)| attempt.failed.is_none()) {
                    break;
                }
            }
            let (_, late) = seen.last().expect("told");
            assert_eq!((late.failed, late.port), (None, 443));
            assert!(late.elapsed.is_some_and(|elapsed| elapsed >= Duration::from_millis(900)), "{late:?}");
            drop((client, listener));
        });
    });
}

#[test]
fn a_file_system_that_fills_becomes_a_concern_and_ends_as_one() {
    isolated(&[Tool::Ip], || {
        apart(|| {
            let directory = tempfile::tempdir().expect("a directory");
            let point = directory.path().join("with a blank");
            fs::create_dir(&point).expect("made");
            mount(Some("tmpfs"), &point, Some("tmpfs"), MsFlags::empty(), Some("size=16m")).expect("mounted");
            let name = point.to_str().expect("a name").to_owned();
            let file = point.join("log");
            let settings = HostSettings { connects: Scope::Off, jvms: false, ..HostSettings::default() };
            let mut reader = HostReader::new(settings.clone());
            let mut limits = Limits::default();
            limits.set(Gauge::DiskSpace, 0.90, 0.97);
            let mut concerns = Concerns::new(limits);
            let mut changes = Vec::new();
            let mut look = |minute: u64| {
                let at = Time::from_micros((1_700_000_000 + minute * 60) * 1_000_000);
                let levels = levels(reader.read(at), Gauge::DiskSpace);
                let level = levels.into_iter().find(|level| level.of == name).expect("it is watched");
                changes.extend(concerns.take(at, &level));
                level
            };
            assert!(look(0).share < 0.1);
            write(&file, 15 << 20);
            let full = look(1);
            assert!((0.93..0.95).contains(&full.share), "{full:?}");
            assert_eq!(full.total, Some(16 << 20));
            look(2);
            fs::remove_file(&file).expect("removed");
            (3..8).for_each(|minute| assert!(look(minute).share < 0.1));
            let [Change::Opened(opened), Change::Closed { vanished: false, .. }] = &changes[..] else {
                panic!("{changes:?}")
            };
            assert_eq!((opened.gravity, opened.of.as_str()), (Gravity::Warning, name.as_str()));

            let excluded = HostSettings {
                exclude_mounts: vec![format!("{}/*", directory.path().display())],
                ..settings
            };
            let others = levels(HostReader::new(excluded).read(now()), Gauge::DiskSpace);
            assert!(others.iter().all(|level| level.of != name));
        });
    });
}

fn write(path: &Path, bytes: usize) {
    let mut file = fs::File::create(path).expect("created");
    file.write_all(&vec![0; bytes]).expect("written");
}

#[test]
fn a_file_system_whose_inodes_run_out_is_foreseen_and_told() {
    isolated(&[Tool::Ip], || {
        apart(|| {
            let directory = tempfile::tempdir().expect("a directory");
            let point = directory.path();
            mount(Some("tmpfs"), point, Some("tmpfs"), MsFlags::empty(), Some("size=16m,nr_inodes=1000"))
                .expect("mounted");
            let settings = HostSettings { connects: Scope::Off, jvms: false, ..HostSettings::default() };
            let mut reader = HostReader::new(settings);
            let mut concerns = Concerns::new(Limits::default());
            let mut changes = Vec::new();
            // Ten files a minute: it is full after another hour, long before the limit says so.
            for minute in 0..40_u64 {
                (0..10).for_each(|file| write(&point.join(format!("{minute}-{file}")), 0));
                let at = Time::from_micros((1_700_000_000 + minute * 60) * 1_000_000);
                let all = levels(reader.read(at), Gauge::Inodes);
                let level =
                    all.into_iter().find(|level| Path::new(&level.of) == point).expect("it is watched");
                changes.extend(concerns.take(at, &level));
            }
            let [Change::Opened(concern)] = &changes[..] else { panic!("{changes:?}") };
            let forecast = concern.forecast.expect("foreseen");
            assert!(concern.limit.is_none() && concern.share < 0.5, "{concern:?}");
            let hour = Duration::from_secs(3_600);
            assert!(forecast.likely > hour / 2 && forecast.likely < 3 * hour, "{concern:?}");
            // And it is full.
            (400..).take_while(|file| fs::write(point.join(file.to_string()), "").is_ok()).for_each(drop);
            let at = Time::from_micros((1_700_000_000 + 41 * 60) * 1_000_000);
            let all = levels(reader.read(at), Gauge::Inodes);
            let full = all.into_iter().find(|level| Path::new(&level.of) == point).expect("it is watched");
            assert!(full.share > 0.999 && full.total == Some(1_000), "{full:?}");
        });
    });
}

#[test]
fn a_process_near_its_limit_of_descriptors_is_named() {
    let script = "ulimit -n 128; for i in $(seq 110); do exec {fd}</dev/null; done; echo ready; read -t 60";
    let mut child = Command::new("bash")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("it is ready");
    let settings = HostSettings { connects: Scope::Off, jvms: false, ..HostSettings::default() };
    let levels = levels(HostReader::new(settings).read(now()), Gauge::FileDescriptors);
    let name = format!("bash[{}]", child.id());
    let level = levels.iter().find(|level| level.of == name).unwrap_or_else(|| panic!("{levels:?}"));
    assert!(level.total == Some(128) && level.used >= Some(113) && level.share > 0.85, "{level:?}");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn source_ports_that_run_out_in_a_container_are_counted_by_its_own_range() {
    isolated(&[Tool::Ip], || {
        let ip = Tool::Ip.find().expect("ip");
        let script = format!(
            "{} link set lo up; echo '40000 40049' > /proc/sys/net/ipv4/ip_local_port_range; exec \"$0\" \"$@\"",
            ip.display()
        );
        let mut child = Command::new("unshare")
            .args(["--net", "bash", "-c", &script])
            .arg(env::current_exe().expect("this program"))
            .args(["--exact", "whoever_uses_up_source_ports", "--nocapture"])
            .env(INSIDE, "ports")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("ready")), "it is ready");
        let settings = HostSettings { connects: Scope::Off, jvms: false, ..HostSettings::default() };
        let levels = levels(HostReader::new(settings).read(now()), Gauge::EphemeralPorts);
        let wanted = "127.0.0.1:8443 (";
        let level =
            levels.iter().find(|level| level.of.starts_with(wanted)).unwrap_or_else(|| panic!("{levels:?}"));
        assert_eq!((level.used, level.total), (Some(45), Some(50)), "{level:?}");
        let _ = child.kill();
        let _ = child.wait();
    });
}

/// Tells the program that it is one of these.
const INSIDE: &str = "REACH_TEST_INSIDE";

/// Not a test by itself: a program in a container.
#[test]
fn whoever_uses_up_source_ports() {
    if env::var_os(INSIDE).is_none_or(|what| what != "ports") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:8443").expect("bound");
    let open: Vec<(TcpStream, TcpStream)> = (0..45)
        .map(|_| {
            let stream = TcpStream::connect("127.0.0.1:8443").expect("connected");
            (stream, listener.accept().expect("accepted").0)
        })
        .collect();
    println!("ready");
    let _ = std::io::stdin().read_line(&mut String::new());
    drop(open);
}

/// Not a test by itself: a look without any privilege.
#[test]
fn whoever_looks_without_privileges() {
    if env::var_os(INSIDE).is_none_or(|what| what != "looks") {
        return;
    }
    let settings =
        HostSettings { blocked_after: Duration::from_secs(2), containers: false, ..HostSettings::default() };
    let mut reader = HostReader::new(settings);
    reader.watch([("192.0.2.9".parse().expect("an address"), "push.example.test".to_owned())].into());
    let (mut all, began) = (Vec::new(), Instant::now());
    while attempts(all.clone()).is_empty() && began.elapsed() < PATIENCE {
        all.extend(reader.read(now()));
        thread::sleep(Duration::from_millis(200));
    }
    all.extend(reader.read(now() + Duration::from_secs(60)));
    for signal in all {
        match signal.word {
            Word::Level(level) => println!("level {:?}", level.gauge),
            Word::Attempt(attempt) => println!("attempt {} of {:?}", attempt.address, signal.origin.instance),
            Word::Lost { what, count } => println!("lost {what} {}", count > 0),
            other => println!("other {other:?}"),
        }
    }
}

#[test]
fn without_privileges_it_sees_what_it_can_and_says_what_it_cannot() {
    isolated(&[Tool::Ip], || {
        apart(|| {
            if !nix::unistd::geteuid().is_root()
                || fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !map.contains("4294967295"))
            {
                let _ = writeln!(std::io::stderr(), "SKIPPED: needs root, to be somebody else");
                return;
            }
            void();
            // Who looks is another user, and may not be able to reach where this program was built.
            let place = tempfile::Builder::new().prefix("rh").tempdir_in("/tmp").expect("a directory");
            fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("shown");
            let program = place.path().join("look");
            fs::copy(env::current_exe().expect("this program"), &program).expect("copied");
            let client = Client::connect("192.0.2.9", 443);
            let output = Command::new(&program)
                .args(["--exact", "whoever_looks_without_privileges", "--nocapture"])
                .env(INSIDE, "looks")
                .current_dir("/")
                .uid(65_534)
                .gid(65_534)
                .output()
                .expect("run");
            let said = String::from_utf8_lossy(&output.stdout);
            for gauge in ["DiskSpace", "Memory", "Load", "FileDescriptors"] {
                assert!(said.contains(&format!("level {gauge}")), "{gauge}: {said}");
            }
            // Not which process it is of, but whose.
            assert!(said.contains("attempt 192.0.2.9 of Some(\"uid 0\")"), "{said}");
            assert_eq!(said.matches("lost processes true").count(), 1, "{said}");
            drop(client);
        });
    });
}

#[test]
fn source_ports_that_run_out_towards_one_destination_are_counted() {
    isolated(&[Tool::Ip], || {
        apart(|| {
            fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40049").expect("set");
            fs::write("/proc/sys/net/ipv4/ip_local_reserved_ports", "40000-40009").expect("set");
            let listener = TcpListener::bind("127.0.0.1:8443").expect("bound");
            let open: Vec<(TcpStream, TcpStream)> = (0..36)
                .map(|_| {
                    (
                        TcpStream::connect("127.0.0.1:8443").expect("connected"),
                        listener.accept().expect("accepted").0,
                    )
                })
                .collect();
            let settings = HostSettings { connects: Scope::Off, jvms: false, ..HostSettings::default() };
            let levels = levels(HostReader::new(settings).read(now()), Gauge::EphemeralPorts);
            let [level] = &levels[..] else { panic!("{levels:?}") };
            assert_eq!((level.of.as_str(), level.used, level.total), ("127.0.0.1:8443", Some(36), Some(40)));
            drop(open);
        });
    });
}
