//! What was tried, flat: one line for each attempt, with everything that the log of a firewall is searched by.

use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{
        Answer, Case, Exchanged, HttpEnd, IcmpError, Observation, Obstacle, Outcome, Probe, Rcode, Refusal,
        TlsEnd,
    },
};
use serde::Serialize;

use crate::{Lang, units, words, words::say};

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Time,
    /// From its beginning until its outcome was known, or from its last packet to the answer.
    pub took: Duration,
    /// Whose target it was for.
    pub target: String,
    /// What was tried.
    pub tried: Tried,
    /// The source address, as far as it is known.
    pub source: Option<IpAddr>,
    /// The source port; `None` where the kernel chose it and nobody was told.
    pub source_port: Option<u16>,
    /// The destination.
    pub destination: IpAddr,
    /// The destination port; ICMP has none.
    pub port: Option<u16>,
    /// The TTL of its packets, where it was limited.
    pub ttl: Option<u8>,
    /// Packets sent, where that is known.
    pub packets: Option<u32>,
    /// What came.
    pub came: Came,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// A TCP handshake.
    Syn,
    /// A SYN that is to run out of hops on the way.
    Trail,
    /// TCP, and TLS or a request on top of it.
    Exchange,
    /// An ICMP echo request.
    Echo,
    /// A UDP datagram.
    Datagram,
    /// A DNS question.
    Lookup,
    /// SYNs that were counted at this host's own edge.
    Egress,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// The handshake completed.
    SynAck,
    /// The handshake completed, and then this.
    Then(Box<Exchanged>),
    /// An answer of another protocol: an echo, a datagram.
    Reply,
    /// A DNS answer with so many addresses.
    Dns(Rcode, usize),
    /// Of so many SYNs so many left this host, as far as it could be seen, and so many were answered.
    Counted {
        /// Handed to the kernel.
        sent: u32,
        /// Seen leaving.
        left: Option<u32>,
        /// Answered, in whatever way.
        answered: u32,
    },
    /// A reset.
    Reset,
    /// An ICMP error.
    Icmp(IcmpError, Option<IpAddr>),
    /// Nothing.
    Silence,
    /// It could not be sent.
    Unable(Obstacle),
}

impl Attempt {
    /// Whether it was a handshake at full reach, which succeeded or failed.
    pub(super) fn handshake(&self) -> Option<bool> {
        match (self.tried, &self.came) {
            (Tried::Syn, Came::SynAck) => Some(true),
            (Tried::Syn, Came::Silence | Came::Reset | Came::Icmp(..)) => Some(false),
            _ => None,
        }
    }

    /// `10.70.0.10:42001 → 203.0.113.12:443`.
    pub(super) fn flow(&self) -> (String, String) {
        let end = |address: Option<IpAddr>, port: Option<u16>| match (address, port) {
            (Some(IpAddr::V6(address)), Some(port)) => format!("[{address}]:{port}"),
            (Some(address), Some(port)) => format!("{address}:{port}"),
            (Some(address), None) => address.to_string(),
            (None, Some(port)) => format!("*:{port}"),
            (None, None) => "-".to_owned(),
        };
        (end(self.source, self.source_port), end(Some(self.destination), self.port))
    }

    /// The protocol as a rule names it.
    pub(super) const fn protocol(&self) -> &'static str {
        match self.tried {
            Tried::Syn | Tried::Trail | Tried::Exchange | Tried::Egress => "TCP",
            Tried::Datagram | Tried::Lookup => "UDP",
            Tried::Echo => {
                if self.destination.is_ipv4() {
                    "ICMP"
                } else {
                    "ICMPv6"
                }
            }
        }
    }

    /// What came, in a few words.
    pub(super) fn result(&self, lang: Lang) -> String {
        match &self.came {
            Came::SynAck => say!(lang, "connected (SYN-ACK)", "연결됨(SYN-ACK)"),
            Came::Then(exchanged) => then(exchanged, lang),
            Came::Reply => say!(lang, "answered", "응답"),
            Came::Dns(Rcode::NoError, addresses) => {
                say!(lang, "answered: {addresses} addresses", "응답: IP {addresses}개")
            }
            Came::Dns(code, _) => {
                let code = words::rcode(*code);
                say!(lang, "answered: {code}", "응답: {code}")
            }
            Came::Counted { sent, left: Some(left), answered } => say!(
                lang,
                "{left} of {sent} left this host, {answered} answered",
                "{sent}개 중 {left}개 송신, {answered}개 응답"
            ),
            Came::Counted { sent, left: None, answered } => {
                say!(lang, "{answered} of {sent} answered", "{sent}개 중 {answered}개 응답")
            }
            Came::Reset => "RST".to_owned(),
            Came::Icmp(error, by) => {
                let by = by.map_or_else(String::new, |by| format!(" ← {by}"));
                format!("ICMP {}/{}{by}", error.kind, error.code)
            }
            Came::Silence => say!(lang, "no answer", "무응답"),
            Came::Unable(obstacle) => {
                let why = words::obstacle(*obstacle, lang);
                say!(lang, "not sent: {why}", "전송 불가: {why}")
            }
        }
    }
}

fn then(exchanged: &Exchanged, lang: Lang) -> String {
    if let Some(http) = &exchanged.http {
        return match &http.ended {
            HttpEnd::Status(status) => format!("HTTP {status}"),
            HttpEnd::Closed => say!(lang, "HTTP: closed", "HTTP: 연결 종료"),
            HttpEnd::Reset => say!(lang, "HTTP: reset", "HTTP: 연결 끊김(RST)"),
            HttpEnd::Silent => say!(lang, "HTTP: no answer", "HTTP: 무응답"),
            HttpEnd::NotHttp(_) => say!(lang, "no HTTP", "HTTP 아님"),
        };
    }
    match &exchanged.tls {
        Some(tls) if tls.ended == TlsEnd::Completed && !tls.distrust.is_empty() => {
            say!(lang, "TLS completed, certificate not trusted", "TLS 완료, 인증서 불신")
        }
        Some(tls) => {
            let ended = words::tls_end(&tls.ended, lang);
            format!("TLS: {ended}")
        }
        None => say!(lang, "connected (SYN-ACK)", "연결됨(SYN-ACK)"),
    }
}

/// All attempts of a run, in the order in which they began. What has no destination (the system's own look-up) is left
/// out.
pub fn attempts(case: &Case, observations: &[Observation]) -> Vec<Attempt> {
    let mut all: Vec<Attempt> = observations.iter().filter_map(|seen| attempt(case, seen)).collect();
    all.sort_by_key(|one| one.at);
    all
}

fn attempt(case: &Case, seen: &Observation) -> Option<Attempt> {
    let known_port = |port: u16| (port != 0).then_some(port);
    let (tried, destination, port, mut source_port, ttl, mut packets) = match &seen.probe {
        Probe::SystemLookup(_) => return None,
        Probe::Lookup(lookup) => {
            (Tried::Lookup, lookup.resolver.ip(), Some(lookup.resolver.port()), None, None, Some(1))
        }
        Probe::Echo(echo) => (Tried::Echo, echo.address, None, None, echo.ttl, Some(1)),
        Probe::Connect(connect) => {
            let tried = if connect.ttl.is_some() { Tried::Trail } else { Tried::Syn };
            let (address, port) = (connect.endpoint.address, connect.endpoint.port);
            (tried, address, Some(port), known_port(connect.source_port), connect.ttl, None)
        }
        Probe::Datagram(datagram) => (
            Tried::Datagram,
            datagram.endpoint.address,
            Some(datagram.endpoint.port),
            known_port(datagram.source_port),
            datagram.ttl,
            Some(1),
        ),
        Probe::Exchange(exchange) => (
            Tried::Exchange,
            exchange.endpoint.address,
            Some(exchange.endpoint.port),
            exchange.source_port,
            exchange.data_ttl,
            None,
        ),
        Probe::Egress(egress) => (
            Tried::Egress,
            egress.endpoint.address,
            Some(egress.endpoint.port),
            known_port(egress.first_source_port),
            None,
            Some(u32::from(egress.burst)),
        ),
    };
    let sources = &case.vantage.sources;
    let mut source = sources.iter().copied().find(|source| source.is_ipv4() == destination.is_ipv4());
    let mut took = seen.done.since(seen.sent);
    let came = match &seen.outcome {
        Outcome::Answered(answer) => match answer {
            Answer::Lookup(answer) => {
                took = answer.rtt;
                Came::Dns(answer.rcode, answer.addresses.len())
            }
            Answer::System(_) => return None,
            Answer::Echo(reply) => {
                took = reply.rtt;
                Came::Reply
            }
            Answer::Datagram(reply) => {
                took = reply.rtt;
                Came::Reply
            }
            Answer::Connected(connected) => {
                (source, source_port) = (Some(connected.source.ip()), Some(connected.source.port()));
                packets = Some(connected.syns);
                took = connected.rtt;
                Came::SynAck
            }
            Answer::Exchanged(exchanged) => {
                let connected = &exchanged.connected;
                (source, source_port) = (Some(connected.source.ip()), Some(connected.source.port()));
                packets = Some(connected.syns);
                Came::Then(exchanged.clone())
            }
            Answer::Egress(count) => Came::Counted {
                sent: count.sent,
                left: count.captured.map(|captured| captured.left),
                answered: count.answered,
            },
        },
        Outcome::Rejected(rejection) => {
            took = rejection.rtt;
            match rejection.how {
                Refusal::Reset => Came::Reset,
                Refusal::Icmp(error) => Came::Icmp(error, rejection.by),
            }
        }
        Outcome::Silent(silence) => {
            packets = Some(silence.packets);
            Came::Silence
        }
        Outcome::Unable(inability) => Came::Unable(inability.why),
    };
    let target = case.target.text.clone();
    Some(Attempt {
        at: seen.sent,
        took,
        target,
        tried,
        source,
        source_port,
        destination,
        port,
        ttl,
        packets,
        came,
    })
}

/// A failure and a success beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair<'a> {
    pub(super) bad: &'a Attempt,
    pub(super) good: &'a Attempt,
    /// How far their beginnings are apart.
    pub(super) apart: Duration,
}

/// The handshake with another address that worked nearest in time to one with these that failed.
pub(super) fn control<'a>(attempts: &'a [Attempt], failing: &[IpAddr]) -> Option<Pair<'a>> {
    let of = |wanted: bool| attempts.iter().filter(move |one| one.handshake() == Some(wanted));
    let bad: Vec<&Attempt> = of(false).filter(|one| failing.contains(&one.destination)).collect();
    let good: Vec<&Attempt> = of(true).filter(|one| !failing.contains(&one.destination)).collect();
    let pairs = bad.into_iter().flat_map(|bad| {
        good.iter().filter_map(move |good| {
            let apart = good.at.since(bad.at).max(bad.at.since(good.at));
            let alike = good.destination.is_ipv4() == bad.destination.is_ipv4()
                && good.source == bad.source
                && good.port == bad.port;
            alike.then_some(Pair { bad, good, apart })
        })
    });
    pairs.min_by_key(|pair| (pair.apart, pair.bad.at, pair.good.at))
}

/// The most lines of one failing address.
const EACH: usize = 4;

/// At most so many of the attempts, in order of time: those with the failing addresses, each with the successes next to
/// them.
pub(super) fn chosen<'a>(attempts: &'a [Attempt], failing: &[IpAddr], most: usize) -> Vec<&'a Attempt> {
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    let numbered = || attempts.iter().enumerate();
    let told = |one: &Attempt| matches!(one.tried, Tried::Syn | Tried::Exchange);
    if let Some(pair) = control(attempts, failing) {
        chosen.extend(
            numbered()
                .filter(|(_, one)| std::ptr::eq(*one, pair.bad) || std::ptr::eq(*one, pair.good))
                .map(|(number, _)| number),
        );
    }
    // A little of each before more of any.
    for round in 0..EACH {
        for address in failing {
            let with = numbered().filter(|(_, one)| told(one) && one.destination == *address);
            if let Some((number, _)) = with.skip(round).take(1).next().filter(|_| chosen.len() < most) {
                chosen.insert(number);
            }
        }
    }
    let good = numbered().filter(|(_, one)| told(one) && !failing.contains(&one.destination));
    let room = most.saturating_sub(chosen.len()).min(chosen.len().max(8));
    let good: Vec<usize> =
        good.map(|(number, _)| number).filter(|number| !chosen.contains(number)).take(room).collect();
    chosen.extend(good);
    chosen.into_iter().filter_map(|number| attempts.get(number)).collect()
}

/// One attempt for programs.
#[derive(Serialize)]
pub(super) struct Row {
    time_local: String,
    time: String,
    target: String,
    tried: &'static str,
    protocol: &'static str,
    source: Option<IpAddr>,
    source_port: Option<u16>,
    destination: IpAddr,
    port: Option<u16>,
    ttl: Option<u8>,
    packets: Option<u32>,
    result: &'static str,
    by: Option<IpAddr>,
    detail: String,
    ms: f64,
}

/// The attempt for programs; times also in the zone of the document.
pub(super) fn row(attempt: &Attempt, offset_s: i32) -> Row {
    let by = match attempt.came {
        Came::Icmp(_, by) => by,
        _ => None,
    };
    Row {
        time_local: format!("{} {}", units::date_time_ms(attempt.at, offset_s), units::zone(offset_s)),
        time: units::rfc3339(attempt.at),
        target: crate::clean::clean(&attempt.target),
        tried: match attempt.tried {
            Tried::Syn => "connect",
            Tried::Trail => "trail",
            Tried::Exchange => "exchange",
            Tried::Echo => "echo",
            Tried::Datagram => "datagram",
            Tried::Lookup => "lookup",
            Tried::Egress => "egress",
        },
        protocol: attempt.protocol(),
        source: attempt.source,
        source_port: attempt.source_port,
        destination: attempt.destination,
        port: attempt.port,
        ttl: attempt.ttl,
        packets: attempt.packets,
        result: match attempt.came {
            Came::SynAck => "syn-ack",
            Came::Then(_) => "exchanged",
            Came::Reply => "reply",
            Came::Dns(..) => "dns-answer",
            Came::Counted { .. } => "counted",
            Came::Reset => "rst",
            Came::Icmp(..) => "icmp",
            Came::Silence => "silence",
            Came::Unable(_) => "not-sent",
        },
        by,
        detail: attempt.result(Lang::En),
        ms: units::millis(attempt.took),
    }
}

/// All attempts as CSV (RFC 4180), one a line behind a line of titles. What a spreadsheet would take for a formula is
/// marked as text.
pub fn csv(attempts: &[Attempt], offset_s: i32) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let mut put = |fields: &[String]| {
        // Writing to memory cannot fail.
        let _ = writer.write_record(fields.iter().map(|field| tame(field)));
    };
    let titles = [
        "time_local",
        "time_utc",
        "target",
        "tried",
        "protocol",
        "source_ip",
        "source_port",
        "destination_ip",
        "destination_port",
        "ttl",
        "packets",
        "result",
        "by",
        "detail",
        "ms",
    ];
    put(&titles.map(str::to_owned));
    for attempt in attempts {
        let row = row(attempt, offset_s);
        put(&[
            row.time_local,
            row.time,
            row.target,
            row.tried.to_owned(),
            row.protocol.to_owned(),
            text(row.source),
            text(row.source_port),
            row.destination.to_string(),
            text(row.port),
            text(row.ttl),
            text(row.packets),
            row.result.to_owned(),
            text(row.by),
            row.detail,
            row.ms.to_string(),
        ]);
    }
    writer.into_inner().unwrap_or_default()
}

fn text(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn tame(field: &str) -> String {
    let risky = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky { format!("'{field}") } else { field.to_owned() }
}
