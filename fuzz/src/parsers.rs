//! One function for each fuzz target: takes any bytes, gives them to the code that reads such bytes from
//! elsewhere, and panics when something is not as it has to be.
//!
//! Where a parser wants more than bytes (the question that a DNS answer belongs to, the name to verify), that
//! comes from the first bytes of the input, so that an input is one file and nothing else.

use std::{
    cell::OnceCell,
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::OnceLock,
    time::Duration,
};

use reach::{
    alert::telegram::answer::{self, Button},
    asn::Table,
    blackbox::Modules,
    captures::Counter,
    command::check::judged,
    control::protocol,
    recording::{self, Recording},
    web::door::credentials::{self as web_credentials, Authorization},
};
use reach_core::{
    Time,
    judge::judge,
    model::{
        Answer, Case, Certificate, Connect, Datagram, Diagnosis, Distrust, Egress, Endpoint, Exchange,
        Exchanged, Host, HttpEnd, HttpRequest, IcmpError, Observation, Outcome, Probe, ProbeId, RecordKind,
        SystemLookup, Target, Then, TlsEnd, TlsHello,
    },
    signal::{Failure, Origin, Signal, Word},
    watch::courier::Report,
};
use reach_net::{
    dns::{self, Question},
    evidence::{Attempts, Captured, Docket},
    exchange::exchange,
    journal::{AttemptId, Entry, Flow, Protocol},
    system,
    text::{TEXT_LIMIT, clean, clean_bytes},
    trust::{self, TrustRoots},
    wire::{
        EchoMessage, Extensions, Packet, QuotedPacket, Segment, TcpInfo, Transport, checksum, checksum_fits,
        counted_between, ip_counters, ipv4_payload, quoted_tcp, split_extensions,
    },
};
use reach_report::{
    Lang, Style, document, json,
    report::{self as handover, Asker, Material, Run, verify},
    signal as report_signal, text as report_text,
};
use reach_signal::exception::{self as exceptions, Limits, Reader, Tally};
use reach_signal::log::{self as logs, Kind, LogPlan, LogReader, access::Pattern, stamp::Stamps};
use reach_signal::scouter::{
    collector::{Account, Action, Client, Command, Event},
    dictionary::Dictionary,
    reading::{self, Reading},
    wire::{Bytes, Datagram as ScouterDatagram, Pack, Profile2, XLog, document, packs, steps, write_steps},
};
use reach_sim::Scenario;
use reach_store::codec::{page, roll};
use rustls_pki_types::{CertificateDer, UnixTime};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    runtime::{Builder, Runtime},
};

#[path = "carried.rs"]
mod carried;
#[path = "dialogues.rs"]
mod dialogues;
#[path = "hosts.rs"]
mod hosts;
#[path = "received.rs"]
mod received;

pub use self::carried::{asked, feed, form_template};
pub use self::hosts::{host_files, hsperf, postgres_log, slow_log, sock_diag, socket_table, statement};
pub use self::received::otlp;

/// What a target does with an input.
pub type Parser = fn(&[u8]);

/// Every target by its name, which is also that of its corpus.
pub const ALL: [(&str, Parser); 45] = [
    ("asn_table", asn_table),
    ("capture_file", capture_file),
    ("certificate", certificate),
    ("control", control),
    ("credentials", credentials),
    ("counters", counters),
    ("dns_answer", dns_answer),
    ("echo", echo),
    ("exception", exception),
    ("extension", extension),
    ("feed", feed),
    ("form_template", form_template),
    ("getent", getent),
    ("host_files", host_files),
    ("hsperf", hsperf),
    ("http", http),
    ("log", log),
    ("log_pattern", log_pattern),
    ("modules", modules),
    ("otlp", otlp),
    ("packet", packet),
    ("postgres_log", postgres_log),
    ("proxy", proxy),
    ("quote", quote),
    ("recording", recording),
    ("report", report),
    ("result_page", result_page),
    ("roll_page", roll_page),
    ("scenario", scenario),
    ("scouter_answer", scouter_answer),
    ("scouter_api", scouter_api),
    ("scouter_datagram", scouter_datagram),
    ("scouter_profile", scouter_profile),
    ("segment", segment),
    ("slow_log", slow_log),
    ("sock_diag", sock_diag),
    ("socket_table", socket_table),
    ("starttls", starttls),
    ("statement", statement),
    ("target", target),
    ("tcp_info", tcp_info),
    ("telegram", telegram),
    ("telnet", telnet),
    ("text", text),
    ("tls", tls),
];

/// A datagram of a Scouter agent: what can be read and written again reads the same, and what it says is harmless.
pub fn scouter_datagram(bytes: &[u8]) {
    let (shown, is_one) = document(bytes);
    assert!(serde_json::to_string(&shown).is_ok());
    if let Ok(datagram) = ScouterDatagram::read(bytes) {
        let written = datagram.write();
        let again = ScouterDatagram::read(&written).expect("what was written can be read");
        assert!(again.write() == written);
    } else {
        assert!(!is_one);
    }
    let mut reading = scouter_reading();
    let now = Time::from_micros(NOW_S * 1_000_000);
    for pack in packs(bytes).map(|(packs, ..)| packs).unwrap_or_default() {
        reading.heard(now, &pack);
    }
    scouter_signals(&mut reading, now);
}

/// The steps of a transaction that failed.
pub fn scouter_profile(bytes: &[u8]) {
    let read: Vec<_> = steps(bytes).map_while(Result::ok).collect();
    assert!(read.len() <= bytes.len());
    let written = write_steps(&read);
    assert_eq!(steps(&written).map_while(Result::ok).count(), read.len());
    let mut reading = scouter_reading();
    let now = Time::from_micros(NOW_S * 1_000_000);
    let profile = Profile2 { txid: 1, profile: Bytes(bytes.to_vec()), ..Profile2::default() };
    reading.heard(now, &Pack::Profile2(profile));
    let mut xlog = XLog::default();
    (xlog.head.txid, xlog.head.error) = (1, 1);
    reading.heard(now, &Pack::XLog(Box::new(xlog)));
    scouter_signals(&mut reading, now);
}

/// What a collector answers, in two pieces: it is an answer, or the end of the connection.
pub fn scouter_answer(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let now = Time::from_micros(NOW_S * 1_000_000);
    let mut client = Client::new(Account::local(), "1");
    client.ask(Command::Objects);
    assert_eq!(client.poll(now), Action::Connect);
    client.connected(now);
    client.poll(now);
    let (first, second) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    client.received(now, first);
    client.poll(now);
    client.received(now, second);
    for _ in 0..3 {
        client.poll(now);
    }
    for event in client.events() {
        match event {
            Event::Answer(_, packs) => assert!(packs.len() <= bytes.len()),
            Event::Ready { .. } | Event::Down(_) => {}
        }
    }
}

/// An answer of Scouter's HTTP API, or a call of `alert.plug`.
pub fn scouter_api(bytes: &[u8]) {
    let now = Time::from_micros(NOW_S * 1_000_000);
    let mut reading = scouter_reading();
    received::scouter_api(bytes, &mut reading, now);
    scouter_signals(&mut reading, now);
}

fn scouter_reading() -> Reading {
    let settings = reading::Settings { source: "fuzz".into(), objects: Vec::new(), asks: false };
    Reading::new(settings, Dictionary::default())
}

fn scouter_signals(reading: &mut Reading, now: Time) {
    reading.poll(now + Duration::from_secs(3));
    reading.poll(now + Duration::from_secs(60));
    for signal in reading.signals() {
        let lines = [Lang::En, Lang::Ko].map(|lang| report_signal::line(&signal, &Style::plain(80, lang)));
        for line in lines.into_iter().flatten() {
            assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
        }
    }
}

/// The root that chains of the corpus descend from.
pub const ROOT: &[u8] = include_bytes!("root.der");

/// When certificates are looked at: 2026-11-02.
const NOW_S: u64 = 1_793_577_600;

/// Names that a DNS answer is asked for or a certificate is verified for. The last are none.
const NAMES: [&str; 8] = [
    "www.example.com",
    "example.com",
    "a.b.xn--vv4b153a.example",
    "192.0.2.1",
    "2001:db8::1",
    "_service._tcp.example.com.",
    "no name at all",
    "",
];

/// A log with stack traces. The first byte says in which pieces it arrives.
pub fn exception(bytes: &[u8]) {
    let Some((&size, text)) = bytes.split_first() else { return };
    let lines = text.split(|&byte| byte == b'\n').count();
    let mut reader = Reader::new(Limits::default());
    let mut tally = Tally::default();
    for piece in text.chunks(usize::from(size).max(1)) {
        reader.bytes(piece);
    }
    reader.finish().into_iter().for_each(|failure| {
        tally.add(failure);
    });
    let pieces = tally.finish();
    assert_eq!(pieces, exceptions::understand(text), "pieces matter");
    let short = exceptions::short(&String::from_utf8_lossy(text));
    // A JSON object can hold lines of its own, and a session can fail at every address.
    let told: u64 = pieces.iter().map(|counted| counted.count).sum();
    assert!(told <= (4096 * lines) as u64);
    for failure in pieces.iter().map(|counted| &counted.failure).chain(&short) {
        assert!(failure.text.chars().count() <= Failure::TEXT);
        assert!(failure.text.chars().all(|c| !c.is_control()), "{:?}", failure.text);
        for word in [&failure.host, &failure.client, &failure.jdk, &failure.detail].into_iter().flatten() {
            assert!(
                !word.is_empty() && word.len() <= 253 && word.chars().all(|c| !c.is_control()),
                "{word:?}"
            );
        }
        assert!(failure.port != Some(0));
        assert!(failure.address.is_none() || failure.addresses.is_empty());
        assert_eq!(failure.host.is_some(), failure.host_from.is_some());
    }
}

/// A log of any kind, read in two pieces. The first byte says what it is taken for, the second where it is cut.
pub fn log(bytes: &[u8]) {
    let Some(([kind, at], log)) = bytes.split_first_chunk::<2>() else { return };
    let now = Time::from_micros(NOW_S * 1_000_000);
    let read = |pieces: &[&[u8]]| {
        let mut plan = LogPlan::new(Origin::default(), jiff::tz::TimeZone::UTC);
        plan.kind = Kind::NAMES[usize::from(*kind) % Kind::NAMES.len()].1;
        plan.longest_line = 4_096;
        let mut reader = LogReader::new(plan, logs::exceptions());
        for piece in pieces {
            reader.bytes(piece, now, now);
        }
        reader.finish(now);
        (reader.take(), reader.tally())
    };
    let (signals, tally) = read(&[log]);
    assert!(tally.lines <= log.len() as u64 && tally.requests + tally.unread <= tally.lines);
    for signal in &signals {
        match &signal.word {
            Word::Failure(failure) => {
                assert!(failure.text.chars().count() <= Failure::TEXT);
                assert!(!failure.text.chars().any(char::is_control));
            }
            Word::Requests(requests) => assert!(requests.failed + requests.late <= requests.total),
            _ => {}
        }
    }
    // Windows of requests close when a piece ends; failures and counts have nothing to do with pieces.
    let failures = |signals: &[Signal]| -> Vec<Signal> {
        signals.iter().filter(|signal| matches!(signal.word, Word::Failure(_))).cloned().collect()
    };
    let at = usize::from(*at) * log.len() / 256;
    let (in_pieces, same) = read(&[&log[..at], &log[at..]]);
    assert_eq!((failures(&in_pieces), same), (failures(&signals), tally), "pieces matter");
}

/// A pattern of an access log in the first line, and lines to be read with it.
pub fn log_pattern(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let Ok(pattern) = Pattern::new(lines.next().unwrap_or_default()) else { return };
    let mut stamps = Stamps::new(jiff::tz::TimeZone::UTC);
    let now = Time::from_micros(NOW_S * 1_000_000);
    for hit in lines.filter_map(|line| pattern.read(line, &mut stamps, now)) {
        assert!(hit.status == 0 || (100..1000).contains(&hit.status));
        assert!(hit.tries.len() <= 64);
    }
}

/// An answer of Telegram's Bot API, its status first: to a message, and to the question what was pressed.
pub fn telegram(bytes: &[u8]) {
    let Some((status, body)) = bytes.split_first_chunk::<2>() else { return };
    let status = 100 + u16::from_be_bytes(*status) % 500;
    let harmless = |text: &str| text.chars().all(|c| !c.is_control()) && text.chars().count() <= 250;
    match answer::read(status, body) {
        answer::Outcome::Done(result) => {
            let (pressed, next) = answer::updates(&result);
            assert!(pressed.is_empty() || next.is_some(), "what was read would come again for ever");
            for pressed in pressed {
                assert!(harmless(&pressed.by));
                let said = pressed.button.map(Button::data);
                assert!(said.is_none_or(|data| data.len() <= 64));
            }
        }
        answer::Outcome::Otherwise(Report::Sent { .. }) => panic!("an error was taken for success"),
        answer::Outcome::Otherwise(
            Report::Later { trouble, .. }
            | Report::Failed { trouble }
            | Report::Unknown { trouble }
            | Report::Rejected { trouble }
            | Report::Broken { trouble }
            | Report::Vanished { trouble },
        ) => assert!(harmless(&trouble), "{trouble:?}"),
        answer::Outcome::Unchanged
        | answer::Outcome::Markup
        | answer::Outcome::TooLong
        | answer::Outcome::Moved(_) => {}
    }
}

/// A table of autonomous systems in any of its formats, asked about the addresses around its ends.
pub fn asn_table(bytes: &[u8]) {
    let Ok(table) = Table::read(bytes) else { return };
    let mut ends =
        vec![IpAddr::from([0; 4]), IpAddr::from([255; 4]), IpAddr::from([0; 16]), IpAddr::from([0xff; 16])];
    let texts = bytes.split(|byte| !byte.is_ascii_hexdigit() && !matches!(byte, b'.' | b':')).take(200);
    ends.extend(texts.filter_map(|text| std::str::from_utf8(text).ok()?.parse::<IpAddr>().ok()));
    for address in ends {
        let origin = table.origin(address);
        assert!(origin.as_ref().is_none_or(|origin| origin.asn != 0), "nobody announces {address}");
        assert_eq!(origin, table.origin(address));
    }
}

/// A line that somebody says to a running watch, or that a watch answers.
pub fn control(bytes: &[u8]) {
    if let Ok(answer) = protocol::read_answer(bytes) {
        assert!(protocol::read_answer(protocol::write_answer(&answer).as_bytes()).is_ok());
    }
    let Ok(request) = protocol::read_request(bytes) else { return };
    let line = protocol::write_request(&request);
    assert_eq!(line.matches('\n').count(), 1, "a question is one line");
    assert!(
        line.trim_end().chars().all(|character| !character.is_control()),
        "names and comments are harmless"
    );
    assert_eq!(protocol::read_request(line.trim_end().as_bytes()), Ok(request));
}

/// A DNS message as the answer to a question: a byte for record type and name, two for the message id.
pub fn dns_answer(bytes: &[u8]) {
    let Some((&[choice, high, low], message)) = bytes.split_first_chunk() else { return };
    let kind = match choice & 0x81 {
        0 => RecordKind::A,
        1 => RecordKind::Aaaa,
        _ => RecordKind::Ptr,
    };
    let name = NAMES[usize::from(choice >> 1) % NAMES.len()];
    let Some(question) = Question::new(u16::from_be_bytes([high, low]), name, kind) else { return };
    let asked = question.encode().expect("a name of the list fits a message");
    assert!(dns::decode(&asked, &question).is_err(), "a question is no answer");
    let Ok(answer) = dns::decode(message, &question) else { return };
    assert!(answer.addresses.iter().all(|record| record.address.is_ipv4() == (kind == RecordKind::A)));
    let records = answer.addresses.len() + answer.aliases.len() + answer.names.len();
    assert!(records <= message.len() / 11, "more records than bytes");
    assert!(answer.names.is_empty() || kind == RecordKind::Ptr);
    answer.names.iter().for_each(|name| assert_harmless(name));
    for (alias, target) in &answer.aliases {
        assert_harmless(alias);
        assert_harmless(target);
    }
    assert_eq!((answer.fault, answer.rtt), (None, Duration::ZERO));
}

/// A page of results of the store: the body alone, or sealed.
pub fn result_page(bytes: &[u8]) {
    for entries in [page::decode(bytes), page::read(bytes)].into_iter().flatten() {
        assert!(entries.is_sorted() && entries.len() <= page::MOST);
        assert_eq!(page::decode(&page::encode(&entries)), Some(entries));
    }
}

/// A page of roll-ups of the store: the body alone, or sealed.
pub fn roll_page(bytes: &[u8]) {
    for mut rolls in [roll::decode(bytes), roll::read(bytes)].into_iter().flatten() {
        assert!(rolls.len() <= roll::MOST);
        let mut again = roll::decode(&roll::encode(&rolls)).expect("what was read can be written");
        for roll in rolls.iter_mut().chain(&mut again) {
            // Means are kept to 0.05 %, so sums are no more exact.
            roll.stats.sum = 0;
            let quantiles = [0.0, 0.5, 0.99, 1.0].map(|share| roll.stats.quantile(share));
            assert!(quantiles.is_sorted() && quantiles[0].is_some() == (roll.stats.answered() > 0));
        }
        assert_eq!(again, rolls);
    }
}

/// A captured IP packet.
pub fn segment(bytes: &[u8]) {
    let segment = Segment::parse(bytes);
    if let Some(segment) = segment {
        assert_eq!(segment.source.is_ipv4(), segment.destination.is_ipv4());
        assert_eq!(segment.source.is_ipv4(), bytes[0] >> 4 == 4);
        // What follows the head of a packet does not matter to its meaning.
        assert_eq!(Segment::parse(&[bytes, b"more"].concat()), Some(segment));
    }
    if let Some(payload) = ipv4_payload(bytes) {
        assert!(bytes.ends_with(payload) && payload.len() + 20 <= bytes.len());
    }
}

/// Captured packets of a run: for each a byte that says the direction and how late it came, one for its length,
/// and its bytes.
pub fn packet(mut bytes: &[u8]) {
    let host = IpAddr::from([203, 0, 113, 12]);
    let mut docket = Docket::new(Attempts::new(vec![SocketAddr::from(([192, 0, 2, 53], 53))]));
    for (number, probe) in (0..).zip(probes(host)) {
        let (attempt, sent) = (AttemptId(number), Time::from_micros(1_000));
        let id = ProbeId(number as u32);
        docket.note(Entry::Begun { attempt, about: None, id, probe, sent });
        let local = SocketAddr::from(([10, 70, 0, 2], 40_000 + number as u16));
        docket
            .note(Entry::Sends { attempt, flow: Flow::new(Protocol::Udp, local, SocketAddr::new(host, 53)) });
    }
    let (mut taken, mut now) = (0, Time::from_micros(2_000));
    while let Some((&[choice, length], rest)) = bytes.split_first_chunk() {
        let (packet, rest) = rest.split_at(rest.len().min(usize::from(length)));
        bytes = rest;
        now = now + Duration::from_millis(u64::from(choice >> 1));
        if let Some(Packet { source, destination, .. }) = Packet::parse(packet) {
            assert_eq!(source.is_ipv4(), destination.is_ipv4());
        }
        let (outgoing, nanos) = (choice & 1 == 1, now.as_micros() * 1_000);
        let length = u32::from(length);
        docket.take(Captured { interface: 1, outgoing, at: now, nanos, length, bytes: packet.to_vec() });
        taken += 1;
    }
    let (mut given, mut last) = (0, 0);
    docket.release(now, true, |packet, attempt| {
        given += 1;
        assert!(packet.nanos >= last);
        last = packet.nanos;
        assert!(attempt.sent <= packet.at);
    });
    assert!(given <= taken);
}

/// A probe of each kind that has packets.
fn probes(address: IpAddr) -> [Probe; 4] {
    let endpoint = Endpoint { address, port: 443 };
    let (source_port, timeout) = (35_002, Duration::from_secs(1));
    [
        Probe::Connect(Connect {
            endpoint,
            source_port,
            ttl: Some(3),
            min_ttl: None,
            timeout,
            then: Then::Reset,
            crowd: 1,
        }),
        Probe::Datagram(Datagram {
            endpoint,
            source_port,
            ttl: Some(3),
            size: 4,
            dont_fragment: false,
            timeout,
        }),
        Probe::Egress(Egress { endpoint, burst: 8, first_source_port: 36_000, timeout }),
        Probe::SystemLookup(SystemLookup { name: "push.example".to_owned(), timeout }),
    ]
}

/// An ICMP message, alone and behind an IPv4 header: a byte for the family, two for type and code of an error
/// that might quote it.
pub fn echo(bytes: &[u8]) {
    let Some((&[choice, kind, code], message)) = bytes.split_first_chunk() else { return };
    let v6 = choice & 1 == 1;
    for message in [Some(message), ipv4_payload(message)].into_iter().flatten() {
        let sum = checksum(message);
        if let Some(found) = EchoMessage::parse(v6, message) {
            let written = found.encode(v6);
            assert_eq!(EchoMessage::parse(v6, &written), Some(found));
            assert_eq!((written.len(), &written[4..]), (message.len(), &message[4..]));
            // Zero has two forms in one's complement.
            assert!(v6 || sum != 0 || written[2..4] == message[2..4] || message[2..4] == [0xff; 2]);
            assert!(v6 || checksum(&written) == 0);
        }
    }
    let error = IcmpError { v6, kind, code };
    let kinds = [error.is_time_exceeded(), error.is_prohibited(), error.is_too_big(), error.is_unreachable()];
    assert!(kinds.into_iter().filter(|&is| is).count() <= 1, "{error:?} means two things");
}

/// What an ICMP error quotes and says besides: two bytes for what is missing before it, and for where the error
/// says that its extensions begin.
pub fn extension(bytes: &[u8]) {
    let Some((&[choice, told], quoted)) = bytes.split_first_chunk() else { return };
    let skipped = [20, 28, 40, 48][usize::from(choice & 3)];
    let told = Some(usize::from(told)).filter(|&told| told > 0);
    let (packet, found) = split_extensions(quoted, skipped, told);
    assert!(quoted.starts_with(packet));
    assert!(packet.len() < quoted.len() || found == Extensions::default());
    assert!(found.labels.iter().all(|label| label.label < 1 << 20 && label.class < 8));
    for interface in &found.interfaces {
        interface.name.iter().for_each(|name| assert_harmless(name));
    }
    // Never more than there are bytes for.
    assert!(found.labels.len() * 4 + found.interfaces.len() * 4 <= quoted.len());
    if let Some(found) = Extensions::parse(quoted) {
        assert!(quoted.len() >= 4 && quoted[0] >> 4 == 2);
        // A checksum that is left out is as good as one that is right.
        let unchecked = [&quoted[..2], &[0, 0], &quoted[4..]].concat();
        assert_eq!(Extensions::parse(&unchecked), Some(found));
    }
}

/// A packet in an ICMP error: a byte for family and protocol, then the ICMP message.
pub fn quote(bytes: &[u8]) {
    let Some((&choice, message)) = bytes.split_first() else { return };
    let v6 = choice & 1 == 1;
    let transport =
        [Transport::Tcp, Transport::Udp, Transport::Icmp, Transport::Icmp6][usize::from(choice >> 1 & 3)];
    if let Some(packet) = QuotedPacket::parse(v6, message) {
        assert!(message.ends_with(packet.transport) && packet.transport.len() + 28 <= message.len());
        assert_eq!((packet.source.is_ipv6(), packet.destination.is_ipv6()), (v6, v6));
        let fits = checksum_fits(transport, packet.source, packet.destination, packet.transport);
        // The sum does not tell who is source and who is destination.
        assert_eq!(checksum_fits(transport, packet.destination, packet.source, packet.transport), fits);
    }
    if let Some((tcp, length)) = quoted_tcp(message) {
        assert!((20..=60).contains(&length) && length <= message.len());
        assert!(tcp.options.len() <= length - 20);
        assert!(tcp.mss.is_none() || tcp.options.contains(&2));
        assert_eq!(quoted_tcp(&message[..length]), Some((tcp, length)));
    }
}

/// A `struct tcp_info`.
pub fn tcp_info(bytes: &[u8]) {
    let info = TcpInfo::decode(bytes);
    assert!(info.syns() >= 1);
    assert!(!(info.is_connected() && info.is_refused_here()));
    // A newer kernel's struct says the same to those who know the older one.
    let known = bytes.len().min(136);
    assert_eq!(TcpInfo::decode(&bytes[..known]), info);
}

/// The texts of `/proc/net/snmp` or `snmp6` and of `/proc/net/dev`, parted by a NUL: a byte for which.
pub fn counters(bytes: &[u8]) {
    let Some((&choice, texts)) = bytes.split_first() else { return };
    let texts = String::from_utf8_lossy(texts);
    let (snmp, dev) = texts.split_once('\0').unwrap_or((&texts, ""));
    let (v6, loopback) = (choice & 1 == 1, choice & 2 == 2);
    if let Some(found) = ip_counters(v6, snmp, dev, loopback) {
        let none = counted_between(&found, &found);
        assert_eq!((none.out_requests, none.interface_sent, none.in_receives), (0, 0, 0));
        let all = ip_counters(v6, snmp, dev, true).expect("read a moment ago");
        assert!(all.interface_sent >= found.interface_sent);
        let _ = counted_between(&all, &none);
    }
}

/// A chain of certificates: a byte for the name to verify, then each certificate behind its length.
pub fn certificate(bytes: &[u8]) {
    let Some((&choice, mut rest)) = bytes.split_first() else { return };
    let mut chain = Vec::new();
    while let Some((&length, behind)) = rest.split_first_chunk() {
        let (der, behind) = behind.split_at(usize::from(u16::from_be_bytes(length)).min(behind.len()));
        assert_certificate(&trust::certificate(der));
        chain.push(CertificateDer::from(der));
        rest = behind;
    }
    let verify = NAMES[usize::from(choice) % NAMES.len()];
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW_S));
    let assessment = roots().assess(&chain, verify, now);
    assert_eq!(assessment.public_root.is_some(), !chain.is_empty());
    assert_distrust(&assessment.distrust);
    let vouched_for = !chain.is_empty() && assessment.distrust.is_empty();
    assert!(!vouched_for || chain.iter().any(|der| trust::certificate(der).not_after >= NOW_S as i64));
    assert!(!vouched_for || verify.contains(['.', ':']));
}

/// What `getent ahosts` prints.
pub fn getent(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let addresses = system::parse_ahosts(&text);
    let distinct: BTreeSet<_> = addresses.iter().collect();
    assert_eq!(distinct.len(), addresses.len());
    assert!(addresses.iter().all(|address| address.to_canonical() == *address));
    let printed: String = addresses.iter().map(|address| format!("{address} STREAM x\n")).collect();
    assert_eq!(system::parse_ahosts(&printed), addresses);
}

/// Foreign text that is to be shown.
pub fn text(bytes: &[u8]) {
    let shown = clean_bytes(bytes);
    assert_harmless(&shown);
    if let Ok(text) = str::from_utf8(bytes) {
        assert_eq!(clean(text), shown);
        // What has been cleaned is clean.
        assert_eq!(clean(&shown), shown);
    }
    for shown in [reach::output::shown(&shown), reach::output::sentence(&String::from_utf8_lossy(bytes))] {
        assert!(!shown.chars().any(is_dangerous));
        assert!(shown.chars().count() <= 1 + 1000 * "\\u{10ffff}".len());
    }
}

/// A target as somebody might type it.
pub fn target(bytes: &[u8]) {
    let typed = String::from_utf8_lossy(bytes);
    let parsed: Target = match typed.parse() {
        Ok(parsed) => parsed,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(parsed.port > 0 && parsed.text.chars().all(|c| c.is_ascii_graphic()), "{parsed:?}");
    let again: Target = parsed.text.parse().unwrap_or_else(|error| panic!("{parsed:?}: {error}"));
    assert_eq!((again.port, again.tls, &again.http_path), (parsed.port, parsed.tls, &parsed.http_path));
    assert_eq!(again.text, parsed.text);
    // `HOST:PORT` is shown without the dot that marks a name as complete.
    let bare = |host: &Host| host.to_string().trim_end_matches('.').to_owned();
    assert_eq!(bare(&again.host), bare(&parsed.host), "{parsed:?}");
    assert_eq!(matches!(again.host, Host::Name(_)), matches!(parsed.host, Host::Name(_)), "{parsed:?}");
    let name = parsed.server_name_indication();
    assert!(name.is_none_or(|name| name.len() <= 253 && name.parse::<IpAddr>().is_err()));
}

/// A recording: what can be read can be judged, in whatever order, and written and read again.
pub fn recording(bytes: &[u8]) {
    let recording = match recording::read(bytes) {
        Ok(recording) => recording,
        Err(error) => return assert!(!error.to_string().chars().any(is_dangerous), "{error}"),
    };
    for (case, observations) in &recording.examined {
        let diagnosis = judge(case, observations);
        assert!(diagnosis.endpoints.iter().all(|one| (0.0..=1.0).contains(&one.confidence)));
        assert!(diagnosis.impact.iter().all(|one| (0.0..=1.0).contains(&one.failure_share)));
        if are_apart(observations) {
            let backwards: Vec<_> = observations.iter().rev().cloned().collect();
            assert_eq!(judge(case, &backwards), diagnosis, "the order matters");
        }
    }
    let mut written = Vec::new();
    let mut recorder = recording::Recorder::new(&mut written);
    recording.examined.iter().for_each(|(case, _)| recorder.case(case));
    for (number, (_, observations)) in recording.examined.iter().enumerate() {
        observations.iter().for_each(|observation| recorder.observation(number, observation));
    }
    recorder.end(recording.finished, recording.ending == recording::Ending::Interrupted);
    let again = recording::read(&written).expect("what was written can be read");
    assert_eq!((again.examined, again.finished), (recording.examined, recording.finished));
}

/// A file of packets, in pieces.
pub fn capture_file(bytes: &[u8]) {
    let count = |piece: usize| {
        let mut counter = Counter::default();
        bytes.chunks(piece).for_each(|piece| counter.take(piece));
        (counter.counted(), counter.synthesised())
    };
    let whole = count(bytes.len().max(1));
    assert_eq!(count(1), whole);
    assert_eq!(count(7), whole);
    // A packet takes 16 bytes at least, or 12 in a block without any.
    assert!(whole.0.is_none_or(|packets| packets <= bytes.len() as u64 / 8));
}

/// The reports on a recording, in some style.
pub fn report(bytes: &[u8]) {
    let Ok(recording) = recording::read(bytes) else { return };
    let examined = judged(&recording);
    let pick = bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>();
    let lang = if pick & 1 == 0 { Lang::En } else { Lang::Ko };
    let style = Style {
        ascii: pick & 2 == 2,
        utc_offset_s: i32::try_from(pick % 90_000).unwrap_or(0) - 45_000,
        ..Style::plain(40 + pick % 120, lang)
    };
    let started = examined.iter().map(|(case, _)| case.started).min().unwrap_or(recording.finished);
    for text in [
        report_text::check(&examined, recording.finished, &style),
        report_text::resolve(&examined, recording.finished, &style),
    ] {
        assert!(!text.chars().any(|c| c != '\n' && is_dangerous(c)), "{text:?}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text:?}");
    }
    for document in [
        json::check(&examined, started, recording.finished, "0", lang),
        json::resolve(&examined, started, recording.finished, "0", lang),
    ] {
        assert_document(&document);
    }
    for time in [Time::default(), Time::from_micros(u64::MAX)] {
        let _ = report_text::check(&examined, time, &Style { color: true, ..style });
        let _ = json::check(&examined, time, time, "0", lang);
    }
    hand_over(recording, &examined, lang, &style);
}

/// What is written to those who can mend it, in every way of writing that is text.
fn hand_over(recording: Recording, examined: &[(Case, Diagnosis)], lang: Lang, style: &Style) {
    let finished = recording.finished;
    let runs: Vec<Run> = recording
        .examined
        .into_iter()
        .zip(examined)
        .map(|((case, observations), (_, diagnosis))| Run {
            case,
            observations,
            diagnosis: diagnosis.clone(),
            finished,
        })
        .collect();
    let asker = Asker::default();
    let material = Material {
        runs: &runs,
        course: None,
        asker: &asker,
        capture: None,
        feeds: &[],
        reader: None,
        version: "0",
        made: finished,
        offset_s: style.utc_offset_s,
    };
    let written = handover::document(&material, lang);
    for text in [document::text(&written, style), document::markdown(&written), document::html(&written)] {
        assert!(!text.chars().any(|c| c != '\n' && is_dangerous(c)), "{text:?}");
    }
    assert_document(&handover::json(&material, lang));
    let _ = handover::form(&material, lang);
    for run in &runs {
        let request = verify::Request::of(run);
        let round = verify::Round::of(run);
        let _ = request.missed(&round);
        let comparison = verify::Comparison::new(request, vec![round.clone(), round]);
        let told = verify::document(&comparison, finished, style.utc_offset_s, "0", lang);
        let _ = document::html(&told);
        assert_document(&verify::json(&comparison, finished, "0", lang));
    }
}

/// What a proxy answers.
pub fn proxy(bytes: &[u8]) {
    dialogues::proxy(bytes);
}

/// What a server says before TLS.
pub fn starttls(bytes: &[u8]) {
    dialogues::starttls(bytes);
}

/// What a server says in a session.
pub fn telnet(bytes: &[u8]) {
    dialogues::telnet(bytes);
}

/// What a request says of who asks: `Authorization`, cookies, a form, what proxies forward.
pub fn credentials(bytes: &[u8]) {
    if let Some(Authorization::Bearer(token)) = web_credentials::authorization(bytes) {
        assert!(!token.expose_secret().contains(char::is_whitespace), "a token is one word");
    }
    let field = web_credentials::field(bytes, "csrf");
    assert!(field.is_none_or(|field| field.len() <= 3 * bytes.len()), "no field is longer than its form");
    let Ok(text) = str::from_utf8(bytes) else { return };
    let cookie = web_credentials::cookie_value(text, "reach");
    assert!(
        cookie.is_none_or(|value| text.contains(&value) && !value.contains(';')),
        "a cookie stands there"
    );
    let real = IpAddr::from([192, 0, 2, 1]);
    let lines = [text, "192.0.2.1"];
    let asks = web_credentials::forwarded_for(lines.into_iter(), |_| false);
    assert_eq!(asks, Some(real), "nobody chooses their address");
}

/// A module file of `blackbox_exporter`.
pub fn modules(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(modules) = Modules::parse(text) else { return };
    for name in modules.names() {
        let module = modules.get(name).expect("it is there");
        let indented: String = module.yaml().lines().map(|line| format!("    {line}\n")).collect();
        let again =
            Modules::parse(&format!("modules:\n  x:\n{indented}")).expect("what is written can be read");
        assert_eq!(again.get("x").expect("and used").yaml(), module.yaml());
    }
}

/// A scenario of the pretend network.
pub fn scenario(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(scenario) = Scenario::parse(text) {
        assert!(scenario.start(1).is_ok());
    }
}

/// What a server sends in place of TLS records, or as such, before it closes the connection.
pub fn tls(bytes: &[u8]) {
    let hello = TlsHello { server_name: Some(NAMES[0].to_owned()), verify: NAMES[0].to_owned() };
    let exchanged = served(bytes, Some(hello), None);
    let tls = exchanged.tls.expect("a handshake was asked for");
    let may_be_tls = matches!(bytes, [] | [20..=24] | [20..=24, 3, ..]);
    match &tls.ended {
        TlsEnd::NotTls(first) => {
            assert!(!may_be_tls && first.len() <= 64 && bytes.starts_with(first) && !first.is_empty());
        }
        TlsEnd::Incompatible(why) => {
            assert_harmless(why);
            assert!(!why.is_empty());
        }
        TlsEnd::Completed => panic!("nobody can know our keys"),
        _ => {}
    }
    assert!(may_be_tls || matches!(tls.ended, TlsEnd::NotTls(_)), "{:?}", tls.ended);
    assert!(tls.chain.len() <= trust::LONGEST_CHAIN);
    assert_eq!(tls.public_root.is_some(), !tls.chain.is_empty());
    assert_distrust(&tls.distrust);
    tls.chain.iter().for_each(assert_certificate);
}

/// What a server sends in answer to an HTTP request before it closes the connection.
pub fn http(bytes: &[u8]) {
    let request = HttpRequest { method: "GET".to_owned(), path: "/".to_owned(), host: NAMES[0].to_owned() };
    let http = served(bytes, None, Some(request)).http.expect("a request was asked for");
    match &http.ended {
        HttpEnd::Status(status) => assert!((200..1000).contains(status) || *status == 101),
        HttpEnd::NotHttp(first) => assert!(first.len() <= 64 && bytes.starts_with(first)),
        HttpEnd::Closed | HttpEnd::Reset | HttpEnd::Silent => {
            assert!(bytes.is_empty() || b"HTTP/".starts_with(&bytes[..1]) || bytes[0] == b'\r');
        }
    }
    [&http.server, &http.location, &http.content_type]
        .into_iter()
        .flatten()
        .for_each(|it| assert_harmless(it));
}

/// One exchange over loopback with a server that says `bytes`, whatever it is asked, and closes.
fn served(bytes: &[u8], tls: Option<TlsHello>, http: Option<HttpRequest>) -> Exchanged {
    thread_local! {
        static SERVER: OnceCell<(Runtime, TcpListener)> = const { OnceCell::new() };
    }
    SERVER.with(|server| {
        let (runtime, listener) = server.get_or_init(|| {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
            (runtime, listener.expect("a listener on loopback"))
        });
        let address: SocketAddr = listener.local_addr().expect("an address");
        let probe = Exchange {
            endpoint: Endpoint { address: address.ip(), port: address.port() },
            proxy: None,
            starttls: None,
            source_port: None,
            max_segment: None,
            data_ttl: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(10),
            tls,
            http,
            listen: Duration::ZERO,
        };
        let serve = async {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            // Once it has asked: what comes before a question is no answer to it.
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            while matches!(stream.read(&mut asked).await, Ok(1..)) {}
        };
        let (outcome, ()) = runtime.block_on(async { tokio::join!(exchange(&probe, roots()), serve) });
        match outcome {
            Outcome::Answered(Answer::Exchanged(exchanged)) => *exchanged,
            other => panic!("no exchange with ourselves: {other:?}"),
        }
    })
}

/// One root that the corpus knows, and those of the public web.
fn roots() -> &'static TrustRoots {
    static ROOTS: OnceLock<TrustRoots> = OnceLock::new();
    ROOTS.get_or_init(|| TrustRoots::from_certificates([CertificateDer::from(ROOT)], "the corpus"))
}

fn assert_certificate(certificate: &Certificate) {
    certificate.names.iter().for_each(|name| assert_harmless(name));
    assert_harmless(&certificate.subject);
    assert_harmless(&certificate.issuer);
    assert!(certificate.sha256.len() == 64 && certificate.sha256.bytes().all(|c| c.is_ascii_hexdigit()));
}

fn assert_distrust(distrust: &[Distrust]) {
    assert!(distrust.is_sorted());
    for reason in distrust {
        if let Distrust::Other(words) = reason {
            assert_harmless(words);
            assert!(!words.is_empty());
        }
    }
}

fn assert_document(value: &Value) {
    match value {
        Value::String(text) => assert!(!text.chars().any(is_dangerous), "{text:?}"),
        Value::Array(items) => items.iter().for_each(assert_document),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
            // The one text that has lines.
            Value::String(text) if name == "ask" => {
                assert!(!text.chars().any(|c| c != '\n' && is_dangerous(c)), "{text:?}");
            }
            value => assert_document(value),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Cleaned foreign text: neither long nor dangerous.
fn assert_harmless(text: &str) {
    assert!(text.len() <= TEXT_LIMIT, "{} bytes", text.len());
    assert!(!text.chars().any(is_dangerous), "{text:?}");
}

/// What moves the cursor, reorders a line or cannot be seen.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Within a survey every observation has a number of its own.
fn are_apart(observations: &[Observation]) -> bool {
    let numbers: BTreeSet<_> = observations.iter().map(|observation| observation.id).collect();
    numbers.len() == observations.len()
}
