//! What a packet capture says about itself: to which probe each packet belongs, in English, since it is read
//! with tools that speak nothing else.

use reach_core::model::{
    Answer, Exchanged, HttpEnd, Lookup, Outcome, Probe, ProbeId, RecordKind, Refusal, Silence, Then,
    Transport,
};

use crate::{Lang, clean::clean, units, words};

/// A probe, told with each of its packets.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// What its survey is about, where a run has several.
    pub about: Option<&'a str>,
    /// Its number within its survey.
    pub id: ProbeId,
    /// What was tried.
    pub probe: &'a Probe,
    /// The source port (of an echo: the identifier) that was used, where the probe does not say it.
    pub port: Option<u16>,
    /// What became of it; `None` when the run ended first.
    pub outcome: Option<&'a Outcome>,
}

/// What begins the comment of every packet that nobody saw.
pub const SYNTHESISED: &str = "SYNTHESISED: ";

/// The comment on a packet of a probe:
/// `probe 17: SYN, TTL 3, port 35002 → answered by 10.70.1.2: ICMP type 11 code 0 (time to live exceeded)`.
pub fn comment(attempt: &Attempt<'_>) -> String {
    let about = attempt.about.map(|about| format!("{}, ", clean(about))).unwrap_or_default();
    let outcome = match attempt.outcome {
        Some(outcome) => became(outcome, attempt.probe),
        None => "the run ended before its outcome was known".to_owned(),
    };
    format!("{about}probe {}: {} → {outcome}", attempt.id.0, tried(attempt))
}

/// What a capture says of itself as a whole.
pub fn captured() -> &'static str {
    "The packets of one run of reach, and no others, as they passed this host's interfaces. Each has a comment: \
     the probe that it belongs to, and what became of that. Packets begin with the IP header. What leaves may \
     still lack its checksum, which the interface fills in."
}

/// What a file of synthesised packets says of itself as a whole.
pub fn synthesised() -> &'static str {
    "SYNTHESISED: nothing was captured, because this run of reach lacked the privilege (CAP_NET_RAW). These \
     packets are made of what is known: what each probe sent, and what came back by its outcome and the kernel's \
     error queue. True are addresses, ports, protocols, ICMP types and codes, and times. Not authentic: whatever \
     stands as 0 and is not known (TCP sequence numbers and windows, DNS ids, payloads of echoes and datagrams, \
     TTLs of what came where they could not be read); TCP options are missing; checksums are right for the bytes \
     as they stand, not those that travelled. One SYN stands for all its repetitions, a handshake for a whole \
     connection. Look-ups by the system's own resolver are missing."
}

/// What an interface's statistics say where the counts are those of all interfaces together.
pub fn counts_of_all() -> &'static str {
    "isb_filteraccept and isb_osdrop count the packets of all interfaces together, those of other programs that \
     passed the filter included"
}

fn tried(attempt: &Attempt<'_>) -> String {
    let ttl = |ttl: Option<u8>| ttl.map(|ttl| format!(", TTL {ttl}")).unwrap_or_default();
    // Port 0 leaves the choice to the kernel.
    let port = |wanted: u16| match attempt.port {
        Some(used) if wanted == 0 => format!(", port {used}"),
        _ => format!(", port {wanted}"),
    };
    let used = attempt.port.map(port).unwrap_or_default();
    match attempt.probe {
        Probe::Lookup(Lookup { name, kind, transport, .. }) => {
            let transport = match transport {
                Transport::Udp => "UDP",
                Transport::Tcp => "TCP",
            };
            let kind = match kind {
                RecordKind::A => "A",
                RecordKind::Aaaa => "AAAA",
                RecordKind::Ptr => "PTR",
            };
            format!("DNS question {kind} {} over {transport}{used}", clean(name))
        }
        Probe::SystemLookup(lookup) => format!("look-up of {} by this system", clean(&lookup.name)),
        Probe::Echo(echo) => {
            let identifier = attempt.port.map(|id| format!(", identifier {id}")).unwrap_or_default();
            let (sequence, size, ttl) = (echo.sequence, echo.size, ttl(echo.ttl));
            format!("echo request, sequence {sequence}{identifier}{ttl}, {size} bytes")
        }
        Probe::Connect(connect) => {
            let min_ttl = connect.min_ttl.map(|ttl| format!(", answers below TTL {ttl} ignored"));
            let then = match connect.then {
                Then::Reset => String::new(),
                Then::Hold(span) => format!(", held for {}", units::span(span, Lang::En)),
                Then::Listen(span) => format!(", watched for {}", units::span(span, Lang::En)),
            };
            let (ttl, port) = (ttl(connect.ttl), port(connect.source_port));
            format!("SYN{ttl}{port}{}{then}", min_ttl.unwrap_or_default())
        }
        Probe::Datagram(datagram) => {
            let (ttl, port) = (ttl(datagram.ttl), port(datagram.source_port));
            format!("UDP datagram{ttl}{port}, {} bytes", datagram.size)
        }
        Probe::Exchange(exchange) => {
            let port = exchange.source_port.map_or(used, port);
            let tls = if exchange.tls.is_some() { " with TLS" } else { "" };
            let http = if exchange.http.is_some() { " and HTTP" } else { "" };
            let ttl = exchange.data_ttl.map(|ttl| format!(", TTL {ttl} after the handshake"));
            format!("connection{tls}{http}{port}{}", ttl.unwrap_or_default())
        }
        Probe::Egress(egress) => {
            let first = egress.first_source_port;
            let last = first.saturating_add(egress.burst.saturating_sub(1));
            format!("burst of {} SYNs, ports {first} to {last}", egress.burst)
        }
    }
}

fn became(outcome: &Outcome, probe: &Probe) -> String {
    let span = |span| units::span(span, Lang::En);
    match outcome {
        Outcome::Answered(answer) => match answer {
            Answer::Lookup(answer) => {
                let rcode = words::rcode(answer.rcode);
                let (addresses, rtt) = (answer.addresses.len(), span(answer.rtt));
                match answer.fault {
                    Some(_) => format!("answered unusably in {rtt}"),
                    None => format!("answered in {rtt}: {rcode}, {addresses} address(es)"),
                }
            }
            Answer::System(answer) => {
                format!("answered in {}: {} address(es)", span(answer.took), answer.addresses.len())
            }
            Answer::Echo(reply) => format!("replied in {}{}", span(reply.rtt), reply_ttl(reply.reply_ttl)),
            Answer::Datagram(reply) => {
                format!("answered in {}{}", span(reply.rtt), reply_ttl(reply.reply_ttl))
            }
            Answer::Connected(connected) => {
                format!("connected in {}{}", span(connected.rtt), repeated(connected.syns))
            }
            Answer::Exchanged(exchanged) => exchanged_to(exchanged),
            Answer::Egress(count) => format!("{} sent, {} answered", count.sent, count.answered),
        },
        Outcome::Rejected(rejection) => match (rejection.how, rejection.by) {
            (Refusal::Reset, _) => {
                let by = probe.address().map(|address| format!(" in the name of {address}"));
                format!("reset{}", by.unwrap_or_default())
            }
            (Refusal::Icmp(error), Some(by)) => {
                format!("answered by {by}: {}", words::icmp(error, Lang::En))
            }
            (Refusal::Icmp(error), None) => format!("answered: {}", words::icmp(error, Lang::En)),
        },
        Outcome::Silent(Silence { packets: 0 | 1, .. }) => "no answer".to_owned(),
        Outcome::Silent(Silence { packets, .. }) => format!("no answer to {packets} packets"),
        Outcome::Unable(inability) => {
            format!("could not be sent: {}", words::obstacle(inability.why, Lang::En))
        }
    }
}

fn exchanged_to(exchanged: &Exchanged) -> String {
    let connected = &exchanged.connected;
    let mut parts =
        vec![format!("connected in {}{}", units::span(connected.rtt, Lang::En), repeated(connected.syns))];
    if let Some(tls) = &exchanged.tls {
        parts.push(format!("TLS {}", words::tls_end(&tls.ended, Lang::En)));
    }
    if let Some(http) = &exchanged.http {
        parts.push(match &http.ended {
            HttpEnd::Status(status) => format!("HTTP {status}"),
            HttpEnd::Closed => "HTTP closed without an answer".to_owned(),
            HttpEnd::Reset => "HTTP reset without an answer".to_owned(),
            HttpEnd::Silent => "HTTP without an answer".to_owned(),
            HttpEnd::NotHttp(_) => "answered with something that is not HTTP".to_owned(),
        });
    }
    parts.join(", ")
}

fn reply_ttl(ttl: Option<u8>) -> String {
    ttl.map(|ttl| format!(" with TTL {ttl}")).unwrap_or_default()
}

fn repeated(syns: u32) -> String {
    if syns > 1 { format!(" after {syns} SYNs") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reach_core::model::{Connect, Echo, EchoReply, Endpoint, IcmpError, Rejection, SystemLookup};

    use super::*;

    fn told(probe: &Probe, port: Option<u16>, outcome: Option<&Outcome>) -> String {
        comment(&Attempt { about: None, id: ProbeId(17), probe, port, outcome })
    }

    fn connect() -> Probe {
        Probe::Connect(Connect {
            endpoint: Endpoint { address: [203, 0, 113, 12].into(), port: 443 },
            source_port: 35_002,
            ttl: Some(3),
            min_ttl: None,
            timeout: Duration::from_secs(3),
            then: Then::Reset,
            crowd: 1,
        })
    }

    #[test]
    fn a_comment_says_what_was_tried_and_what_became_of_it() {
        let rejected = |how| {
            let by = matches!(how, Refusal::Icmp(_)).then(|| [10, 70, 1, 2].into());
            Outcome::Rejected(Rejection { how, by, rtt: Duration::ZERO, reply_ttl: None, quote: None })
        };
        let expired = rejected(Refusal::Icmp(IcmpError { v6: false, kind: 11, code: 0 }));
        let silent = Outcome::Silent(Silence { packets: 4, refused_here: false });
        for (outcome, text) in [
            (Some(&expired), "answered by 10.70.1.2: ICMP type 11 code 0 (time to live exceeded)"),
            (Some(&rejected(Refusal::Reset)), "reset in the name of 203.0.113.12"),
            (Some(&silent), "no answer to 4 packets"),
            (None, "the run ended before its outcome was known"),
        ] {
            let expected = format!("probe 17: SYN, TTL 3, port 35002 → {text}");
            assert_eq!(told(&connect(), None, outcome), expected);
        }
        let echo = Echo {
            address: [203, 0, 113, 12].into(),
            sequence: 2,
            size: 56,
            ttl: None,
            flow: None,
            dont_fragment: false,
            timeout: Duration::from_secs(1),
        };
        let reply = EchoReply { rtt: Duration::from_micros(420), reply_ttl: Some(61) };
        assert_eq!(
            told(&Probe::Echo(echo), Some(7), Some(&Outcome::Answered(Answer::Echo(reply)))),
            "probe 17: echo request, sequence 2, identifier 7, 56 bytes → replied in 0.4 ms with TTL 61"
        );
    }

    #[test]
    fn foreign_text_does_no_harm() {
        let probe =
            Probe::SystemLookup(SystemLookup { name: "a\u{1b}[2J".to_owned(), timeout: Duration::ZERO });
        let attempt =
            Attempt { about: Some("b\u{202e}"), id: ProbeId(1), probe: &probe, port: None, outcome: None };
        let text = comment(&attempt);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
}
