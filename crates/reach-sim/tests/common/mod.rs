//! A bench to put a pretend network on.

#![expect(dead_code, reason = "each test program uses its own part")]

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use reach_core::{
    Time,
    model::{
        Answer, Connect, Echo, Egress, EgressCount, Endpoint, Exchange, Exchanged, HttpRequest, IcmpError,
        Lookup, LookupAnswer, Outcome, Probe, RecordKind, Refusal, SystemLookup, Then, TlsHello, Transport,
        Vantage,
    },
};
use reach_sim::{Scenario, World, scenario::STARTED};

pub(crate) const SILENCE: &str = "silence";
pub(crate) const RST: &str = "RST";

/// A world with a clock and fresh source ports.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    /// What was added to the network.
    pub(crate) faults: String,
    world: World,
    now: Time,
    port: u16,
}

impl Bench {
    /// The usual path with these faults.
    pub(crate) fn new(faults: &str) -> Self {
        Self::with("", faults)
    }

    /// The same with settings that exist only in a pretend network.
    pub(crate) fn with(pretend: &str, faults: &str) -> Self {
        Self::build(pretend, "", "", SERVICE, faults)
    }

    /// The same with a stage behind r3 and settings of r1.
    pub(crate) fn with_stages(stages: &str, r1: &str) -> Self {
        Self::build("", stages, r1, SERVICE, "")
    }

    /// The same with another service on port 443.
    pub(crate) fn with_service(kind: &str) -> Self {
        let service = format!("[[network.services]]\nat = 'web'\nports = [443]\nkind = {kind}\n");
        Self::build("", "", "", &service, "")
    }

    fn build(pretend: &str, stages: &str, r1: &str, services: &str, faults: &str) -> Self {
        let comma = if r1.is_empty() { "" } else { ", " };
        let client = if faults.contains("[network.client]") { "" } else { CLIENT };
        let text = format!(
            "title = 'a bench'\ntarget = 'push.example'\n\
             [expect]\nstate = 'reachable'\n[pretend]\n{pretend}\n{client}\
             [[network.stages]]\nrouters = [{{ name = 'r1'{comma}{r1} }}]\n\
             [[network.stages]]\nrouters = [{{ name = 'fw' }}]\n\
             [[network.stages]]\nrouters = [{{ name = 'r3' }}]\n{stages}{HOST}{services}{faults}"
        );
        let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let (world, _) = scenario.start(7).unwrap();
        Self { faults: faults.to_owned(), world, now: STARTED, port: 30_000 }
    }

    pub(crate) fn vantage(&self) -> &Vantage {
        &self.world.network().client.vantage
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, span: Duration) {
        self.now = self.now + span;
    }

    /// What becomes of a probe, once it is known.
    pub(crate) fn ask(&mut self, probe: &Probe) -> Outcome {
        self.timed(probe).0
    }

    /// What will become of a probe, without waiting for it.
    pub(crate) fn ask_now(&mut self, probe: &Probe) -> Outcome {
        self.world.outcome(probe, self.now).0
    }

    fn timed(&mut self, probe: &Probe) -> (Outcome, Duration) {
        let (outcome, took) = self.world.outcome(probe, self.now);
        self.now = self.now + took;
        (outcome, took)
    }

    pub(crate) fn probe(&self, address: &str, port: u16, source_port: u16) -> Connect {
        Connect {
            endpoint: endpoint(address, port),
            source_port,
            ttl: None,
            min_ttl: None,
            timeout: Duration::from_secs(3),
            then: Then::Reset,
            crowd: 1,
        }
    }

    fn fresh(&mut self, address: &str, port: u16) -> Connect {
        self.port += 1;
        self.probe(address, port, self.port)
    }

    pub(crate) fn connect(&mut self, address: &str, port: u16) -> Outcome {
        let probe = self.fresh(address, port);
        self.ask(&Probe::Connect(probe))
    }

    pub(crate) fn connect_for(&mut self, address: &str, timeout: Duration) -> (Outcome, Duration) {
        let probe = Connect { timeout, ..self.fresh(address, 443) };
        self.timed(&Probe::Connect(probe))
    }

    pub(crate) fn connect_then(&mut self, address: &str, port: u16, then: Then) -> Outcome {
        let probe = Connect { then, timeout: Duration::from_millis(500), ..self.fresh(address, port) };
        self.ask(&Probe::Connect(probe))
    }

    pub(crate) fn connect_from(&mut self, source_port: u16, ttl: Option<u8>) -> Outcome {
        let probe = Connect { ttl, ..self.probe("203.0.113.11", 443, source_port) };
        self.ask(&Probe::Connect(probe))
    }

    /// What a connection attempt meets with TTL 1 to 6.
    pub(crate) fn ladder(&mut self, address: &str, port: u16) -> Vec<String> {
        (1..=6)
            .map(|ttl| {
                let probe = Connect { ttl: Some(ttl), ..self.fresh(address, port) };
                at(&self.ask(&Probe::Connect(probe)))
            })
            .collect()
    }

    /// The highest bound under which an answer still arrives.
    pub(crate) fn highest_min_ttl(&mut self, address: &str, port: u16) -> u8 {
        (1..=u8::MAX)
            .take_while(|&bound| {
                let timeout = Duration::from_millis(500);
                let probe = Connect { min_ttl: Some(bound), timeout, ..self.fresh(address, port) };
                !matches!(self.ask(&Probe::Connect(probe)), Outcome::Silent(_))
            })
            .last()
            .unwrap_or(0)
    }

    pub(crate) fn echo(&mut self, address: &str, ttl: Option<u8>) -> Outcome {
        let timeout = Duration::from_secs(1);
        self.ask(&Probe::Echo(Echo {
            address: ip(address),
            sequence: 1,
            size: 56,
            ttl,
            flow: None,
            dont_fragment: false,
            timeout,
        }))
    }

    pub(crate) fn lookup(&mut self, resolver: &str, kind: RecordKind) -> Answered {
        self.lookup_over(Transport::Udp, resolver, kind)
    }

    pub(crate) fn lookup_over(&mut self, transport: Transport, resolver: &str, kind: RecordKind) -> Answered {
        Answered(self.ask(&Probe::Lookup(Lookup {
            resolver: SocketAddr::new(ip(resolver), 53),
            name: "push.example".to_owned(),
            kind,
            transport,
            timeout: Duration::from_secs(2),
        })))
    }

    pub(crate) fn system_lookup(&mut self, name: &str) -> (Vec<IpAddr>, Duration) {
        let probe = SystemLookup { name: name.to_owned(), timeout: Duration::from_secs(30) };
        match self.ask(&Probe::SystemLookup(probe)) {
            Outcome::Answered(Answer::System(answer)) => (answer.addresses, answer.took),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn egress(&mut self, address: &str, burst: u16) -> EgressCount {
        let probe = Egress {
            endpoint: endpoint(address, 443),
            burst,
            first_source_port: 40_000,
            timeout: Duration::from_millis(350),
        };
        match self.ask(&Probe::Egress(probe)) {
            Outcome::Answered(Answer::Egress(count)) => count,
            other => panic!("{other:?}"),
        }
    }

    /// TLS with the usual name, and a request if there is a path.
    pub(crate) fn exchange(
        &mut self,
        address: &str,
        max_segment: Option<u16>,
        path: Option<&str>,
    ) -> Exchanged {
        let name = Some("push.example".to_owned());
        let http = path.map(|path| HttpRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            host: "push.example".to_owned(),
        });
        self.exchanged(address, max_segment, None, name, http)
    }

    /// TLS with any name, what is sent after the handshake limited to a TTL.
    pub(crate) fn hello(&mut self, address: &str, name: Option<&str>, data_ttl: Option<u8>) -> Exchanged {
        self.exchanged(address, None, data_ttl, name.map(str::to_owned), None)
    }

    /// TLS with the host that has a large certificate.
    pub(crate) fn large(&mut self, max_segment: Option<u16>) -> Exchanged {
        self.exchange("203.0.113.13", max_segment, None)
    }

    fn exchanged(
        &mut self,
        address: &str,
        max_segment: Option<u16>,
        data_ttl: Option<u8>,
        server_name: Option<String>,
        http: Option<HttpRequest>,
    ) -> Exchanged {
        let probe = Exchange {
            endpoint: endpoint(address, 443),
            proxy: None,
            starttls: None,
            source_port: None,
            max_segment,
            data_ttl,
            connect_timeout: Duration::from_secs(3),
            read_timeout: Duration::from_millis(3_500),
            tls: Some(TlsHello { server_name, verify: "push.example".to_owned() }),
            http,
            listen: Duration::ZERO,
        };
        match self.ask(&Probe::Exchange(probe)) {
            Outcome::Answered(Answer::Exchanged(exchanged)) => *exchanged,
            other => panic!("{other:?}"),
        }
    }
}

/// What a resolver said.
#[derive(Debug)]
pub(crate) struct Answered(pub(crate) Outcome);

impl Answered {
    pub(crate) fn answer(self) -> LookupAnswer {
        match self.0 {
            Outcome::Answered(Answer::Lookup(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn addresses(self) -> Vec<IpAddr> {
        self.answer().addresses.iter().map(|record| record.address).collect()
    }
}

/// An outcome in the shorthand of the tables.
pub(crate) fn at(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(_) => "CONNECTED".to_owned(),
        Outcome::Silent(_) => SILENCE.to_owned(),
        Outcome::Unable(inability) => format!("unable: {:?}", inability.why),
        Outcome::Rejected(rejection) => match (rejection.how, rejection.by) {
            (Refusal::Icmp(IcmpError { kind, code, .. }), Some(by)) => format!("{kind}/{code}@{by}"),
            _ => RST.to_owned(),
        },
    }
}

pub(crate) fn connected(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(Answer::Connected(_)))
}

pub(crate) fn icmp(v6: bool, kind: u8, code: u8) -> Refusal {
    Refusal::Icmp(IcmpError { v6, kind, code })
}

fn endpoint(address: &str, port: u16) -> Endpoint {
    Endpoint { address: ip(address), port }
}

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

const CLIENT: &str = "[network.client]\nping_sockets = true\n";

const HOST: &str = "[[network.hosts]]\nname = 'web'\n\
    addresses = ['203.0.113.11', '203.0.113.12', '2001:db8:113::11', '203.0.113.13']\n";

const SERVICE: &str = "[[network.services]]\nat = 'web'\nports = [443, 444]\n\
    kind = { tls = { names = ['push.example'] } }\n\
    [[network.services]]\nat = 'web'\naddresses = ['203.0.113.13']\nports = [443]\n\
    kind = { tls = { names = ['push.example'], large = true } }\n";
