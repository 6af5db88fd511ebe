//! The prober `dns`: one question to one name server.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use aws_lc_rs::rand;
use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{DNSClass, Name, RData, Record, RecordType},
};
use reach_core::watch::Reason;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UdpSocket,
    time::Instant,
};

use super::{
    Bench, Failure, endpoint,
    log::Log,
    module::{DnsSpec, RecordCheck},
    register::Register,
    split_host_port, tcp, tls,
};

const PHASES: &str = "probe_dns_duration_seconds";

/// Types that the library has no name for, but module files may.
const MORE_TYPES: [(&str, u16); 11] = [
    ("RP", 17),
    ("AFSDB", 18),
    ("LOC", 29),
    ("HIP", 55),
    ("ZONEMD", 63),
    ("SPF", 99),
    ("EUI48", 108),
    ("EUI64", 109),
    ("IXFR", 251),
    ("URI", 256),
    ("DLV", 32769),
];

/// Response codes by their names (IANA, DNS RCODEs).
const RCODES: [(&str, u16); 22] = [
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
    ("DSOTYPENI", 11),
    ("BADSIG", 16),
    ("BADVERS", 16),
    ("BADKEY", 17),
    ("BADTIME", 18),
    ("BADMODE", 19),
    ("BADNAME", 20),
    ("BADALG", 21),
    ("BADTRUNC", 22),
    ("BADCOOKIE", 23),
    ("NOTIMPL", 4),
];

/// What a module asks for, or what is wrong with it.
pub(crate) fn question(spec: &DnsSpec) -> Result<Query, String> {
    let mut name = Name::from_str(&spec.query_name)
        .map_err(|_| format!("query_name `{}` is no name", spec.query_name.escape_debug()))?;
    name.set_fqdn(true);
    let kind = match spec.query_type.as_str() {
        "" => RecordType::ANY,
        text => MORE_TYPES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|&(_, number)| RecordType::from(number))
            .or_else(|| RecordType::from_str(text).ok())
            .ok_or_else(|| format!("query_type `{}` is none", text.escape_debug()))?,
    };
    let class = match spec.query_class.as_str() {
        "" => DNSClass::IN,
        "CS" => DNSClass::Unknown(2),
        text => {
            DNSClass::from_str(text).map_err(|_| format!("query_class `{}` is none", text.escape_debug()))?
        }
    };
    let mut query = Query::query(name, kind);
    query.set_query_class(class);
    Ok(query)
}

pub(super) fn families(register: &mut Register) {
    for phase in ["resolve", "connect", "request"] {
        register.phase(PHASES, phase, 0.0);
    }
    for name in [
        "probe_dns_answer_rrs",
        "probe_dns_authority_rrs",
        "probe_dns_additional_rrs",
        "probe_dns_query_succeeded",
    ] {
        register.set(name, 0.0);
    }
}

pub(super) async fn probe(
    bench: &Bench,
    spec: &DnsSpec,
    target: &str,
    address: IpAddr,
    deadline: Instant,
    register: &mut Register,
    log: &Log,
) -> Result<(), Failure> {
    let usual = if spec.dns_over_tls { 853 } else { 53 };
    let (host, port) = split_host_port(target).unwrap_or((target.to_owned(), usual));
    let transport = if spec.transport_protocol.is_empty() { "udp" } else { &spec.transport_protocol };
    let query = question(spec).map_err(|error| {
        log.error(format_args!("{error}"));
        Failure::Unable
    })?;
    let message = ask(&query, spec.recursion_desired).ok_or(Failure::Unable)?;
    log.debug(format_args!("Making DNS query to {address}, port {port}, over {transport}: {query}"));
    let answer = match (transport, spec.dns_over_tls) {
        ("udp", false) => over_udp(spec, endpoint(address, port), &message, register, log).await?,
        ("tcp", secured) => {
            let started = Instant::now();
            let stream = tcp::connect(&spec.source_ip_address, address, port, deadline, log).await?;
            if secured {
                let secured = tls::secure(stream, &spec.tls_config, &bench.roots, &host, &[], log).await?;
                register.phase(PHASES, "connect", started.elapsed().as_secs_f64());
                over_stream(secured.stream, &message, register, log).await?
            } else {
                register.phase(PHASES, "connect", started.elapsed().as_secs_f64());
                over_stream(stream, &message, register, log).await?
            }
        }
        (transport, true) => {
            log.error(format_args!("Expected transport protocol tcp for DNS over TLS, not {transport}"));
            return Err(Failure::Unable);
        }
        (transport, false) => {
            log.error(format_args!("Expected transport protocol udp or tcp, not {transport}"));
            return Err(Failure::Unable);
        }
    };
    log.debug(format_args!("Got response: {:?}", answer.metadata.response_code));
    judge(spec, &query, &answer, register, log)
}

/// A question under an id that nobody can guess, and the message that asks it.
fn ask(query: &Query, recursion: bool) -> Option<(u16, Vec<u8>)> {
    let mut id = [0; 2];
    rand::fill(&mut id).ok()?;
    let id = u16::from_be_bytes(id);
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = recursion;
    message.add_query(query.clone());
    Some((id, message.to_vec().ok()?))
}

async fn over_udp(
    spec: &DnsSpec,
    server: SocketAddr,
    (id, message): &(u16, Vec<u8>),
    register: &mut Register,
    log: &Log,
) -> Result<Message, Failure> {
    let any: IpAddr =
        if server.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let source = spec.source_ip_address.parse().unwrap_or(any);
    let started = Instant::now();
    let unable = |error: io::Error| {
        log.error(format_args!("Cannot ask: {error}"));
        Failure::Unable
    };
    let socket = UdpSocket::bind((source, 0)).await.map_err(unable)?;
    socket.connect(server).await.map_err(unable)?;
    register.phase(PHASES, "connect", started.elapsed().as_secs_f64());
    let sent = Instant::now();
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let received: io::Result<Message> = async {
        socket.send(message).await?;
        loop {
            let length = socket.recv(&mut buffer).await?;
            if let Some(answer) = decode(&buffer[..length], *id)? {
                return Ok(answer);
            }
        }
    }
    .await;
    register.phase(PHASES, "request", sent.elapsed().as_secs_f64());
    received.map_err(|error| trouble(&error, log))
}

async fn over_stream<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    (id, message): &(u16, Vec<u8>),
    register: &mut Register,
    log: &Log,
) -> Result<Message, Failure> {
    let sent = Instant::now();
    let received: io::Result<Message> = async {
        let length = u16::try_from(message.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], message].concat()).await?;
        stream.flush().await?;
        loop {
            let length = stream.read_u16().await?;
            let mut buffer = vec![0; usize::from(length)];
            stream.read_exact(&mut buffer).await?;
            if let Some(answer) = decode(&buffer, *id)? {
                return Ok(answer);
            }
        }
    }
    .await;
    register.phase(PHASES, "request", sent.elapsed().as_secs_f64());
    let answer = received.map_err(|error| trouble(&error, log))?;
    // The answer is here; what becomes of the connection is no part of the probe.
    let _ = stream.shutdown().await;
    Ok(answer)
}

/// The answer, if it is one to our question; what is none is passed over.
fn decode(bytes: &[u8], id: u16) -> io::Result<Option<Message>> {
    match Message::from_vec(bytes) {
        Ok(message)
            if message.metadata.id == id && message.metadata.message_type == MessageType::Response =>
        {
            Ok(Some(message))
        }
        Ok(_) => Ok(None),
        Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer cannot be read")),
    }
}

fn trouble(error: &io::Error, log: &Log) -> Failure {
    log.error(format_args!("Error while sending a DNS query: {error}"));
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => Reason::Refused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Reason::Unreachable,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Reason::ClosedEarly,
        _ => return Failure::Reason("dns"),
    };
    Failure::Reason(reason.code())
}

/// Whether an answer is what the module wants.
fn judge(
    spec: &DnsSpec,
    query: &Query,
    answer: &Message,
    register: &mut Register,
    log: &Log,
) -> Result<(), Failure> {
    // EDNS is a record of the additional section, whatever the library makes of it.
    let additional = answer.additionals.len() + usize::from(answer.edns.is_some());
    register.set("probe_dns_answer_rrs", answer.answers.len() as f64);
    register.set("probe_dns_authority_rrs", answer.authorities.len() as f64);
    register.set("probe_dns_additional_rrs", additional as f64);
    register.set("probe_dns_query_succeeded", 1.0);
    if query.query_type() == RecordType::SOA {
        let mut serials = answer.answers.iter().filter_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        });
        register.set("probe_dns_serial", serials.next_back().map_or(0.0, f64::from));
    }
    let wrong = || Failure::Reason("dns");
    let rcode = u16::from(answer.metadata.response_code);
    if !valid_rcode(spec, rcode, log) {
        return Err(wrong());
    }
    for (what, records, check) in [
        ("Answer", &answer.answers, &spec.validate_answer_rrs),
        ("Authority", &answer.authorities, &spec.validate_authority_rrs),
        ("Additional", &answer.additionals, &spec.validate_additional_rrs),
    ] {
        let texts: Vec<String> = records.iter().map(presented).collect();
        if let Err(why) = check.hold(&texts) {
            log.error(format_args!("{what} RRs validation failed: {why}"));
            return Err(wrong());
        }
    }
    Ok(())
}

fn valid_rcode(spec: &DnsSpec, rcode: u16, log: &Log) -> bool {
    let noerror = [String::from("NOERROR")];
    let valid = spec.valid_rcodes.as_deref().unwrap_or(&noerror);
    for name in valid {
        match RCODES.iter().find(|(other, _)| other == name) {
            Some((_, number)) if *number == rcode => return true,
            Some(_) => {}
            None => {
                log.error(format_args!("Invalid rcode {name}"));
                return false;
            }
        }
    }
    log.error(format_args!("Rcode {rcode} is not one of the valid rcodes {valid:?}"));
    false
}

impl RecordCheck {
    /// Whether the records, as texts, are as they have to be; why not, if not.
    fn hold(&self, records: &[String]) -> Result<(), &'static str> {
        if records.is_empty() && !self.fail_if_not_matches_regexp.is_empty() {
            return Err("fail_if_not_matches_regexp, and there are no records");
        }
        if records.is_empty() && !self.fail_if_none_matches_regexp.is_empty() {
            return Err("fail_if_none_matches_regexp, and there are no records");
        }
        let pairs = |patterns: &'_ [super::module::Pattern]| -> Vec<bool> {
            let matches = |record: &String, at: usize| patterns[at].regex().is_match(record.as_bytes());
            records.iter().flat_map(|record| (0..patterns.len()).map(move |at| matches(record, at))).collect()
        };
        if pairs(&self.fail_if_matches_regexp).contains(&true) {
            return Err("a record matched");
        }
        if pairs(&self.fail_if_not_matches_regexp).contains(&false) {
            return Err("a record did not match");
        }
        // Named for failing when all match, it fails when one does not: blackbox_exporter has it so.
        if pairs(&self.fail_if_all_match_regexp).contains(&false) {
            return Err("not all records matched");
        }
        if !self.fail_if_none_matches_regexp.is_empty()
            && !pairs(&self.fail_if_none_matches_regexp).contains(&true)
        {
            return Err("no record matched");
        }
        Ok(())
    }
}

/// A record as expressions of module files expect it: owner, TTL, class and type with tabs between them, and the
/// data.
fn presented(record: &Record) -> String {
    let data = match &record.data {
        RData::TXT(txt) => {
            let quoted = txt.txt_data.iter().map(|part| format!("\"{}\"", part.escape_ascii()));
            quoted.collect::<Vec<_>>().join(" ")
        }
        data => data.to_string(),
    };
    let Record { name, ttl, dns_class, .. } = record;
    format!("{name}\t{ttl}\t{dns_class}\t{}\t{data}", record.record_type())
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{MX, TXT};
    use proptest::prelude::*;

    use super::*;

    fn spec(text: &str) -> DnsSpec {
        serde_norway::from_str(text).expect("a module")
    }

    #[test]
    fn questions_are_what_the_module_says() {
        let query =
            question(&spec("query_name: www.example.com\nquery_type: AAAA\nquery_class: CH")).expect("asks");
        assert_eq!(query.name().to_string(), "www.example.com.");
        assert_eq!((query.query_type(), query.query_class()), (RecordType::AAAA, DNSClass::CH));
        let query = question(&spec("query_name: www.example.com.")).expect("asks");
        assert_eq!((query.query_type(), query.query_class()), (RecordType::ANY, DNSClass::IN));
        assert!(question(&spec("query_name: a\nquery_type: NONSENSE")).is_err());
        assert!(question(&spec("query_name: a\nquery_class: NONSENSE")).is_err());
    }

    #[test]
    fn records_are_written_as_zone_files_have_them() {
        let name = Name::from_str("example.com.").expect("a name");
        let mail = Record::from_rdata(
            name.clone(),
            60,
            RData::MX(MX::new(10, Name::from_str("mail.example.com.").expect("a name"))),
        );
        assert_eq!(presented(&mail), "example.com.\t60\tIN\tMX\t10 mail.example.com.");
        let text =
            Record::from_rdata(name, 5, RData::TXT(TXT::new(vec!["v=spf1 -all".to_owned(), "b".to_owned()])));
        assert_eq!(presented(&text), "example.com.\t5\tIN\tTXT\t\"v=spf1 -all\" \"b\"");
    }

    #[test]
    fn checks_hold_or_fail_as_their_names_nearly_say() {
        let records = ["a.\t1\tIN\tA\t192.0.2.1".to_owned(), "a.\t1\tIN\tA\t192.0.2.2".to_owned()];
        let holds = |text: &str, records: &[String]| {
            serde_norway::from_str::<RecordCheck>(text).expect("a check").hold(records).is_ok()
        };
        assert!(!holds("fail_if_matches_regexp: ['192.0.2.1$']", &records));
        assert!(holds("fail_if_matches_regexp: ['192.0.2.3$']", &records));
        assert!(!holds("fail_if_not_matches_regexp: ['192.0.2.1$']", &records));
        assert!(holds("fail_if_not_matches_regexp: ['IN.A']", &records));
        assert!(!holds("fail_if_not_matches_regexp: ['.*']", &[]));
        assert!(holds("fail_if_none_matches_regexp: ['192.0.2.1$']", &records));
        assert!(!holds("fail_if_none_matches_regexp: ['192.0.2.3$']", &records));
        assert!(!holds("fail_if_none_matches_regexp: ['.*']", &[]));
        assert!(holds("fail_if_all_match_regexp: ['IN.A']", &records));
        assert!(!holds("fail_if_all_match_regexp: ['192.0.2.1$']", &records));
    }

    proptest! {
        #[test]
        fn any_answer_is_taken(bytes: Vec<u8>, id: u16) {
            if let Ok(Some(answer)) = decode(&bytes, id) {
                answer.answers.iter().for_each(|record| { presented(record); });
            }
        }
    }
}
