use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reach_core::model::{
    Answer, Connect, Datagram, Endpoint, Lookup, RecordKind, Silence, SystemLookup, Transport,
};
use tokio::{
    net::{TcpListener, UdpSocket},
    time::Instant,
};

use super::*;

/// Long enough for any busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn network(most: u64) -> Network {
    Network::with_descriptors(TrustRoots::from_certificates([], "nothing"), most)
}

/// Asks for some probes at once, then waits for them, and is done when enough observations came.
struct Script {
    probes: VecDeque<Probe>,
    next_id: u32,
    enough: usize,
    seen: Vec<Observation>,
    announced: bool,
}

impl Script {
    fn new(probes: impl IntoIterator<Item = Probe>, enough: usize) -> Self {
        Self { probes: probes.into_iter().collect(), next_id: 0, enough, seen: Vec::new(), announced: false }
    }
}

impl Procedure for Script {
    fn poll(&mut self, now: Time) -> Step {
        if !self.announced {
            self.announced = true;
            return Step::Announce(Progress::default());
        }
        if let Some(probe) = self.probes.pop_front() {
            self.next_id += 1;
            return Step::Run(ProbeId(self.next_id), probe);
        }
        if self.seen.len() >= self.enough { Step::Done } else { Step::Wait(now + PATIENCE) }
    }

    fn observe(&mut self, observation: Observation) {
        self.seen.push(observation);
    }
}

fn question(resolver: SocketAddr, timeout: Duration) -> Probe {
    Probe::Lookup(Lookup {
        resolver,
        name: "www.example.com".to_owned(),
        kind: RecordKind::A,
        transport: Transport::Udp,
        timeout,
    })
}

/// What runs a script to its end; what the sink saw, and how often progress was announced.
async fn run(script: &mut Script, network: &Network) -> (Vec<ProbeId>, u32) {
    let (mut sunk, mut steps) = (Vec::new(), 0);
    let sink = &mut |observation: &Observation| sunk.push(observation.id);
    drive(script, network, &Clock::start(), &mut |_| steps += 1, sink).await;
    (sunk, steps)
}

async fn silent_resolver() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let address = socket.local_addr().expect("bound");
    (socket, address)
}

#[tokio::test]
async fn three_thousand_probes_run_within_the_room_there_is() {
    const MOST: usize = 100;
    let (socket, resolver) = silent_resolver().await;
    // Answers a question only when it has been open for a while, and counts how many are open.
    let most_open = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&most_open);
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        let mut open = Vec::new();
        loop {
            match tokio::time::timeout(Duration::from_millis(5), socket.recv_from(&mut buffer)).await {
                Ok(Ok((_, client))) => {
                    // A response that says "refused" and repeats nothing.
                    open.push((client, [buffer[0], buffer[1], 0x80, 5, 0, 0, 0, 0, 0, 0, 0, 0]));
                    counted.fetch_max(open.len(), Ordering::Relaxed);
                }
                Ok(Err(_)) => {}
                Err(_) => {
                    for (client, reply) in open.drain(..) {
                        let _ = socket.send_to(&reply, client).await;
                    }
                }
            }
        }
    });
    let mut script = Script::new((0..3000).map(|_| question(resolver, PATIENCE)), 3000);
    let (sunk, steps) = run(&mut script, &network(MOST as u64)).await;
    assert_eq!((sunk.len(), steps), (3000, 1));
    assert_eq!(sunk.iter().collect::<BTreeSet<_>>().len(), 3000);
    assert!(most_open.load(Ordering::Relaxed) <= MOST);
    let begin = script.seen.iter().map(|observation| observation.sent).min().expect("some");
    let last = script.seen.iter().map(|observation| observation.sent).max().expect("some");
    assert!(last > begin, "those without room began later");
    for observation in &script.seen {
        assert!(matches!(observation.outcome, Outcome::Answered(_)), "{observation:?}");
        assert!(observation.done >= observation.sent);
    }
}

#[tokio::test]
async fn done_is_done_whatever_is_under_way() {
    let (_keep, resolver) = silent_resolver().await;
    let probes = [question(resolver, 100 * PATIENCE), question(resolver, Duration::from_millis(50))];
    let mut script = Script::new(probes, 1);
    tokio::time::timeout(PATIENCE, run(&mut script, &network(100))).await.expect("ends");
    assert_eq!(script.seen.len(), 1);
    assert_eq!(script.seen[0].id, ProbeId(2));
    assert_eq!(script.seen[0].outcome, Outcome::Silent(Silence { packets: 1, refused_here: false }));
}

#[tokio::test]
async fn probes_of_every_kind_find_their_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    let connect = Probe::Connect(Connect {
        endpoint: Endpoint { address: address.ip(), port: address.port() },
        source_port: 9_871,
        ttl: None,
        min_ttl: None,
        timeout: PATIENCE,
        then: Then::Hold(Duration::from_millis(1)),
        crowd: 1,
    });
    let system = Probe::SystemLookup(SystemLookup { name: "127.0.0.1".to_owned(), timeout: PATIENCE });
    // Room for less than one of them wants is room for one at a time.
    let mut script = Script::new([connect, system], 2);
    run(&mut script, &network(1)).await;
    for observation in &script.seen {
        let answered = matches!(
            (&observation.probe, &observation.outcome),
            (Probe::Connect(_), Outcome::Answered(Answer::Connected(_)))
                | (Probe::SystemLookup(_), Outcome::Answered(Answer::System(_)))
        );
        assert!(answered, "{observation:?}");
    }
}

/// A host that repeats each datagram, `times` times, once it has been there for `delay`.
async fn echo_host(delay: Duration, times: usize) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let address = socket.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            sleep(delay).await;
            for _ in 0..times {
                let _ = socket.send_to(&buffer[..length], from).await;
            }
        }
    });
    address
}

fn datagram_to(remote: SocketAddr, source_port: u16, timeout: Duration) -> Probe {
    Probe::Datagram(Datagram {
        endpoint: Endpoint { address: remote.ip(), port: remote.port() },
        source_port,
        ttl: None,
        size: 32,
        dont_fragment: false,
        timeout,
    })
}

#[tokio::test]
async fn a_late_reply_is_told_after_the_silence() {
    let remote = echo_host(Duration::from_millis(200), 1).await;
    let mut script = Script::new([datagram_to(remote, 9_941, Duration::from_millis(20))], 2);
    let (sunk, _) = tokio::time::timeout(PATIENCE, run(&mut script, &network(10))).await.expect("ends");
    assert_eq!(sunk, [ProbeId(1); 2]);
    let [first, late] = &script.seen[..] else { panic!("{:?}", script.seen) };
    assert_eq!(first.outcome, Outcome::Silent(Silence { packets: 1, refused_here: false }));
    let Outcome::Answered(Answer::Datagram(reply)) = &late.outcome else { panic!("{late:?}") };
    assert!(reply.rtt >= Duration::from_millis(200));
    assert_eq!((late.id, &late.probe, late.sent), (first.id, &first.probe, first.sent));
    assert!(late.done > first.done);
}

#[tokio::test]
async fn duplicates_follow_what_they_repeat() {
    let remote = echo_host(Duration::ZERO, 3).await;
    let mut script = Script::new([datagram_to(remote, 9_942, PATIENCE)], 3);
    tokio::time::timeout(PATIENCE, run(&mut script, &network(10))).await.expect("ends");
    let rtt = |observation: &Observation| match &observation.outcome {
        Outcome::Answered(Answer::Datagram(reply)) => reply.rtt,
        other => panic!("{other:?}"),
    };
    let rtts: Vec<_> = script.seen.iter().map(rtt).collect();
    assert_eq!(rtts.len(), 3);
    assert!(rtts.is_sorted(), "{rtts:?}");
}

#[tokio::test]
async fn sockets_that_nobody_waits_at_make_room_for_others() {
    let remote = echo_host(Duration::ZERO, 1).await;
    // Each flow has a socket that would stay open for its late replies.
    let probes = (0..20).map(|number| datagram_to(remote, 9_950 + number, PATIENCE));
    let mut script = Script::new(probes, 20);
    tokio::time::timeout(PATIENCE, run(&mut script, &network(3))).await.expect("ends");
    assert!(script.seen.iter().all(|observation| matches!(observation.outcome, Outcome::Answered(_))));
}

#[tokio::test]
async fn a_procedure_is_asked_again_when_its_time_has_come() {
    struct Sleeper(u32);
    impl Procedure for Sleeper {
        fn poll(&mut self, now: Time) -> Step {
            self.0 += 1;
            if self.0 > 3 { Step::Done } else { Step::Wait(now + Duration::from_millis(20)) }
        }

        fn observe(&mut self, _: Observation) {}
    }
    let clock = Clock::start();
    let begin = clock.now();
    let mut sleeper = Sleeper(0);
    drive(&mut sleeper, &network(1), &clock, &mut |_| {}, &mut |_| {}).await;
    assert_eq!(sleeper.0, 4);
    assert!(clock.now() - begin >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_panic_is_the_outcome_of_its_probe_only() {
    let clock = Clock::start();
    let mut under_way = UnderWay::default();
    let task = under_way.tasks.spawn(async { panic!("on purpose") });
    let probe = question("127.0.0.1:53".parse().expect("an address"), PATIENCE);
    under_way.about.insert(task.id(), (ProbeId(7), Arc::new(probe), clock.now()));
    let observation = under_way.next(&clock).await.expect("an observation");
    assert_eq!(observation.id, ProbeId(7));
    let unsupported = Inability { why: Obstacle::Unsupported, errno: None };
    assert_eq!(observation.outcome, Outcome::Unable(unsupported));
    assert!(under_way.about.is_empty());
}

#[test]
fn any_time_has_its_instant() {
    let clock = Clock::start();
    for time in [Time::default(), clock.now(), Time::from_micros(u64::MAX)] {
        let _ = clock.instant(time);
    }
    assert!(clock.now().as_secs() > 1_600_000_000);
    assert!(clock.instant(Time::default()) <= Instant::now());
}

#[tokio::test]
async fn the_owner_is_asked_when_called_and_may_stop_the_drive() {
    /// Waits for ever, and counts how often it was asked.
    struct Idle(u32);
    impl Procedure for Idle {
        fn poll(&mut self, now: Time) -> Step {
            self.0 += 1;
            Step::Wait(now + 100 * PATIENCE)
        }

        fn observe(&mut self, _: Observation) {}
    }
    let (mut idle, mut asked) = (Idle(0), 0);
    let call = Arc::new(Notify::new());
    let (caller, network, clock) = (Arc::clone(&call), network(1), Clock::start());
    let mut owner = |idle: &mut Idle| {
        asked += 1;
        match asked {
            // Told something: asked again at once, and so is the owner.
            1 => Onward::Ask,
            2 => {
                assert_eq!(idle.0, 2);
                caller.notify_one();
                Onward::Wait
            }
            _ => Onward::Stop,
        }
    };
    let (on_step, sink) = (&mut |_: &Progress| {}, &mut |_: &Observation| {});
    let done = drive_until(&mut idle, &network, &clock, on_step, sink, &call, &mut owner);
    assert!(!tokio::time::timeout(PATIENCE, done).await.expect("stops"));
    assert_eq!((idle.0, asked), (3, 3));
}
