//! Writes the first inputs of every target into `fuzz/corpus/`, and the root that its chains descend from into
//! `fuzz/src/root.der`. Made from real messages, so that fuzzing begins behind the front door:
//!
//! ```text
//! cargo run --example seed
//! ```
//!
//! Keys are new each time: chains that were found with another root are strangers from then on.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    net::{Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use etherparse::PacketBuilder;
use hickory_proto::{
    op::{Edns, Message, OpCode, Query, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME, NS, TXT},
    },
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, DnValue,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
    date_time_ymd,
};
use reach::recording::Recorder;
use reach_core::model::{Observation, Outcome, Probe};
use reach_net::wire::EchoMessage;
use reach_sim::Scenario;
use reach_store::codec::{
    Mark, Track,
    page::{self, Entry},
    roll::{self, Roll, Stats},
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
    crypto::aws_lc_rs::default_provider, version,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut seeds = Seeds::default();
    dns(&mut seeds)?;
    packets(&mut seeds)?;
    texts(&mut seeds);
    credentials(&mut seeds);
    dialogues(&mut seeds);
    modules(&mut seeds);
    carried(&mut seeds);
    certificates(&mut seeds)?;
    handshakes(&mut seeds)?;
    recordings(&mut seeds)?;
    store(&mut seeds);
    seeds.write()
}

/// Module files, from the usual one to what is refused.
fn modules(seeds: &mut Seeds) {
    seeds.add("modules", "usual", include_bytes!("../../crates/reach/src/blackbox/module/usual.yml"));
    seeds.all::<7>(
        "modules",
        [
            b"modules: {a: {prober: http, timeout: 1m1.5s, http: {headers: {Host: x, N: 1}, basic_auth: {username: u, password: p}}}}",
            b"modules: {a: {prober: http, http: {fail_if_header_matches: [{header: X, regexp: '^a', allow_missing: yes}], body_size_limit: 10MB}}}",
            b"modules: {a: {prober: tcp, tcp: {query_response: [{expect: '^220 (.+)', send: 'x ${1}', labels: [{name: v, value: $1}]}, {starttls: on}]}}}",
            b"modules: {a: {prober: tcp, tcp: {query_response: [{send: !!binary AAAACATSFi8=}], tls_config: {min_version: TLS12}}}}",
            b"modules: {a: {prober: dns, dns: {query_name: x.example, query_type: SOA, validate_answer_rrs: {fail_if_matches_regexp: [.]}}}}",
            b"modules: {a: {prober: icmp, icmp: {ttl: 5, payload_size: 64, source_ip_address: '::1'}}, b: {prober: grpc, grpc: {tls: true}}}",
            b"modules: {a: &a {prober: http, http: {oauth2: {}, enable_http3: true}}, b: *a}",
        ],
    );
}

/// What requests say of who asks.
fn credentials(seeds: &mut Seeds) {
    seeds.all::<8>(
        "credentials",
        [
            b"Bearer reach_abc",
            b"Basic a2ltOnNlY3JldA==",
            b"basic a2ltOmE6Yg==",
            b"a=1; __Host-reach=\"xyz\"; reach=2; reach=3;broken",
            b"user=kim&password=correct+horse&csrf=%41b%zz&to=%2F",
            b"203.0.113.9, [2001:db8::1]:80, ::ffff:10.0.0.1, unknown",
            b"Digest username=\"x\"",
            b"reach=;csrf=%F0%9F",
        ],
    );
}

/// Published ranges of every provider, and the forms of houses.
fn carried(seeds: &mut Seeds) {
    seeds.all::<13>(
        "feed",
        [
            "{\"syncToken\":\"1763888585123\",\"creationTime\":\"2026-11-20T10:00:00.1\",\"prefixes\":[{\"ipv4Prefix\":\"192.0.2.0/24\"},{\"ipv6Prefix\":\"2001:db8::/32\"}]}".as_bytes(),
            "{\"creationTime\":\"2026-11-20T10:00:00\",\"prefixes\":[{\"ipv4Prefix\":\"198.51.100.128/25\",\"service\":\"Google Cloud\",\"scope\":\"global\"}]}".as_bytes(),
            "{\"syncToken\":\"1763888585\",\"createDate\":\"2026-11-19-21-03-05\",\"prefixes\":[{\"ip_prefix\":\"203.0.113.0/24\",\"region\":\"ap-northeast-2\",\"service\":\"S3\"}],\"ipv6_prefixes\":[{\"ipv6_prefix\":\"2001:db8:a::/48\",\"region\":\"GLOBAL\",\"service\":\"AMAZON\"}]}".as_bytes(),
            "{\"changeNumber\":321,\"cloud\":\"Public\",\"values\":[{\"name\":\"Storage.KoreaCentral\",\"properties\":{\"region\":\"koreacentral\",\"addressPrefixes\":[\"192.0.2.0/25\"]}}]}".as_bytes(),
            "[{\"id\":1,\"serviceArea\":\"Exchange\",\"urls\":[\"outlook.example\"],\"ips\":[\"192.0.2.0/28\"],\"required\":true}]".as_bytes(),
            "{\"ssh_keys\":[\"ssh-ed25519 A\"],\"hooks\":[\"192.0.2.0/24\"],\"web\":[\"203.0.113.9/32\"],\"domains\":{\"website\":[\"*.example\"]}}".as_bytes(),
            "{\"result\":{\"ipv4_cidrs\":[\"192.0.2.0/24\"],\"ipv6_cidrs\":[\"2001:db8::/32\"]},\"success\":true}".as_bytes(),
            "{\"addresses\":[\"192.0.2.0/24\"],\"ipv6_addresses\":[\"2001:db8::/32\"]}".as_bytes(),
            "{\"creationDate\":\"2026-11-18\",\"syncToken\":1763424000,\"items\":[{\"cidr\":\"192.0.2.0/24\",\"region\":[\"global\"],\"product\":[\"jira\"]}]}".as_bytes(),
            "{\"API\":[\"192.0.2.1\"]}".as_bytes(),
            "{\"last_updated_timestamp\":\"2026-11-17\",\"regions\":[{\"region\":\"ap-seoul-1\",\"cidrs\":[{\"cidr\":\"192.0.2.0/24\"}]}]}".as_bytes(),
            "91.108.4.0/22\n149.154.160.0/20\n2001:db8::/32\n".as_bytes(),
            "# ours\n192.0.2.0/24 ; office\n\"198.51.100.7\",Seoul\n0.0.0.0/0\n".as_bytes(),
        ],
    );
    let workbook = reach_report::request::xlsx(&reach_fuzz::parsers::asked(), None).unwrap_or_default();
    seeds.add("form_template", "workbook", workbook);
    seeds.add("form_template", "usual", include_bytes!("../../crates/reach-report/src/request/template/example.toml"));
    seeds.all::<5>(
        "form_template",
        [
            "연번,Src IP,출발지,Dst IP,목적지,목적지포트,PROTOCOL,신청사유,처리자\n".as_bytes(),
            "SERVICE|SOURCE|TARGET|PORT|PROTOCOL|요청일자|요청자|처리일자|처리자\n".as_bytes(),
            "방화벽 정책 신청서,,,,\r\nNo,출발지정보,,목적지정보,포트\r\n,IP,설명,IP주소,\r\n".as_bytes(),
            "lang = \"en\"\ndates = \"YYYY.MM.DD\"\nparts = [\"rules\"]\n[[columns]]\ntitle = \"=Until\"\nfield = \"until\"\nwidth = 20\n[[columns]]\ntitle = \"x\"\ntext = \"=1\"\n".as_bytes(),
            "[[columns]]\ntitle = 3\n".as_bytes(),
        ],
    );
}

/// What proxies, servers before TLS and servers of telnet say.
fn dialogues(seeds: &mut Seeds) {
    seeds.all::<11>(
        "proxy",
        [
            b"\x00HTTP/1.1 200 OK\r\nVia: x\r\n\r\n220 x",
            b"\x00HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            b"\x00HTTP/1.0 403\r\n\r\n",
            b"\x00HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            b"\x00SSH-2.0-x\r\n",
            b"\x01\x05\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00x",
            b"\x81\x05\x02\x01\x00\x05\x00\x00\x03\x01x\x00P",
            b"\x01\x05\x00\x05\x02",
            b"\x01\x05\xff",
            b"\x83\x05\x02\x01\x01",
            b"\x05\x05\x00\x05\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        ],
    );
    seeds.all::<19>(
        "starttls",
        [
            b"\x00220-a\r\n220 b\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n",
            b"\x00554 no\r\n",
            b"\x01* OK x\r\n* CAPABILITY STARTTLS\r\na1 OK\r\na2 OK\r\n",
            b"\x01* BYE\r\n",
            b"\x02+OK\r\n+OK\r\nSTLS\r\n.\r\n+OK\r\n",
            b"\x02+OK\r\n-ERR\r\n-ERR\r\n",
            b"\x03220-x\r\n y\r\n220 z\r\n234 ok\r\n",
            b"\x03120 wait\r\n220 x\r\n502 no\r\n",
            b"\x04<?xml version='1.0'?><stream:stream><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features><proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            b"\x04<stream:stream><stream:features/>",
            b"\x04<stream:stream><stream:error><x/></stream:error>",
            b"\x05S",
            b"\x05N",
            b"\x05E\x00\x00\x00",
            b"\x06&\x00\x00\x00\n8.0.1\x00\x01\x00\x00\x00aaaaaaaa\x00\xff\xff\x08\x02\x00\xff\xdf\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
            b"\x06\x09\x00\x00\x00\xff\x10\x04#08004",
            b"\x070\x0c\x02\x01\x01x\x07\n\x01\x00\x04\x00\x04\x00",
            b"\x070\x11\x02\x01\x01x\x0c\n\x013\x04\x00\x04\x05later",
            b"\x070\x84\x00\x00\x00\x0c\x02\x01\x01x\x07\n\x01\x02\x04\x00\x04\x00",
        ],
    );
    seeds.all::<10>(
        "telnet",
        [
            b"\x02220 hi\r\n",
            b"\x02\xff\xfd\x18\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03login: ",
            b"\x03\xff\xfa\x18\x01\xff\xf0",
            b"\x05\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0\xff\xff\r\x00\r\n",
            b"\x04\xff\xd8\xff\xe0\xff\xfe\x00",
            b"\x07\xff\xfc\x01\xff\xfe\x03\xff\xf1\xff\xf6",
            b"\x01\xff\xfaxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xff\xff\xff\xf0",
            b"\x00\xff",
            b"\x06\xed\x95\x9c\xea\xb8\x80",
            b"\x03\xff\xfb\x00\xff\xfd\x00\r\x00",
        ],
    );
}

/// Pages of the store: as they are and sealed, of an hour, of a moment, and empty.
fn store(seeds: &mut Seeds) {
    for (name, tracks, tries) in [("hour", 3, 360), ("moment", 40, 1), ("empty", 0, 0)] {
        let mut entries = Vec::new();
        for number in 0..tracks {
            let track = Track { target: 1 + number / 16, series: 7 + number, layer: (number % 4) as u8 };
            for turn in 0..tries {
                let at = 1_793_577_600_000 + turn * 10_000 + (turn * 7_919 + u64::from(number) * 31) % 1_000;
                let mark = match (turn + u64::from(number)) % 50 {
                    0 => Mark::Failed((number % 10) as u8),
                    1 => Mark::Unable,
                    _ => Mark::Answered(1_000 + (turn * 31 % 13) as u16),
                };
                // After a failure it is tried again at once.
                let again = (turn + u64::from(number)) % 50 == 2;
                entries.push(Entry { track, at, mark, again });
            }
        }
        entries.sort_unstable();
        let mut rolls: BTreeMap<_, Stats> = BTreeMap::new();
        for entry in &entries {
            rolls.entry((entry.track, entry.at / 600_000)).or_default().add(entry.mark, entry.again);
        }
        let rolls: Vec<Roll> =
            rolls.into_iter().map(|((track, period), stats)| Roll { track, period, stats }).collect();
        seeds.add("result_page", name, page::write(&entries));
        seeds.add("result_page", format!("{name}-sealed"), page::encode(&entries));
        seeds.add("roll_page", name, roll::write(&rolls));
        seeds.add("roll_page", format!("{name}-sealed"), roll::encode(&rolls));
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Inputs by target and name.
#[derive(Default)]
struct Seeds(BTreeMap<(&'static str, String), Vec<u8>>);

impl Seeds {
    fn add(&mut self, target: &'static str, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.insert((target, format!("seed-{}", name.into())), bytes.into());
    }

    fn all<const N: usize>(&mut self, target: &'static str, inputs: [&[u8]; N]) {
        for (number, input) in inputs.into_iter().enumerate() {
            self.add(target, number.to_string(), input);
        }
    }

    fn write(self) -> Result<()> {
        for ((target, name), bytes) in self.0 {
            let directory = here().join("corpus").join(target);
            fs::create_dir_all(&directory)?;
            fs::write(directory.join(name), bytes)?;
        }
        Ok(())
    }
}

fn dns(seeds: &mut Seeds) -> Result<()> {
    const ID: u16 = 7;
    let name = |text: &str| -> Result<Name> {
        let mut name = Name::from_ascii(text)?;
        name.set_fqdn(true);
        Ok(name)
    };
    let a = |last: u8| RData::A(A(Ipv4Addr::new(192, 0, 2, last)));
    let aaaa = RData::AAAA(AAAA(Ipv6Addr::LOCALHOST));
    let alias = |target: &str| -> Result<RData> { Ok(RData::CNAME(CNAME(name(target)?))) };
    let answer = |kind: RecordType, records: &[(&str, RData)]| -> Result<Message> {
        let mut message = Message::response(ID, OpCode::Query);
        message.add_query(Query::query(name("www.example.com")?, kind));
        for (owner, data) in records {
            message.add_answer(Record::from_rdata(name(owner)?, 300, data.clone()));
        }
        Ok(message)
    };
    let pool: Vec<_> = (1..=16).map(|last| ("www.example.com", a(last))).collect();
    let chain = [
        ("stranger.example.org", a(66)),
        ("cdn.example.net", a(1)),
        ("Mid.example.net", alias("cdn.example.net")?),
        ("www.example.com", alias("mid.example.net")?),
    ];
    let circle = [("www.example.com", alias("b.example.com")?), ("b.example.com", alias("www.example.com")?)];
    let mut truncated = answer(RecordType::A, &pool)?;
    truncated.metadata.truncation = true;
    let mut badvers = answer(RecordType::A, &[])?;
    badvers.metadata.response_code = ResponseCode::BADVERS;
    badvers.set_edns(Edns::new());
    let mut nxdomain = answer(RecordType::A, &[])?;
    nxdomain.metadata.response_code = ResponseCode::NXDomain;
    let mut formerr = answer(RecordType::A, &[])?;
    formerr.metadata.response_code = ResponseCode::FormErr;
    formerr.queries.clear();
    let mut full = answer(RecordType::A, &chain)?;
    full.add_authority(Record::from_rdata(name("example.com")?, 60, RData::NS(NS(name("ns.example.com")?))));
    full.add_additional(Record::from_rdata(
        name("ns.example.com")?,
        60,
        RData::TXT(TXT::new(vec!["any text".to_owned()])),
    ));
    full.set_edns(Edns::new());
    for (label, kind, message) in [
        ("pool", 0, answer(RecordType::A, &pool)?),
        ("aliases", 0, answer(RecordType::A, &chain)?),
        ("circle", 0, answer(RecordType::A, &circle)?),
        ("v6", 1, answer(RecordType::AAAA, &[("www.example.com", aaaa.clone())])?),
        ("v6-alias", 1, answer(RecordType::AAAA, &[chain[3].clone(), ("mid.example.net", aaaa)])?),
        ("truncated", 0, truncated.clone()),
        ("badvers", 0, badvers),
        ("nxdomain", 0, nxdomain),
        ("formerr", 0, formerr),
        ("full", 0, full),
    ] {
        let bytes = [&[kind, 0, ID as u8], &message.to_vec()?[..]].concat();
        seeds.add("dns_answer", label, bytes);
    }
    let cut = truncated.to_vec()?;
    seeds.add("dns_answer", "cut", [&[0, 0, ID as u8], &cut[..cut.len() - 7]].concat());
    Ok(())
}

fn packets(seeds: &mut Seeds) -> Result<()> {
    let (v4, v4_other, v6, v6_other) = ([192, 0, 2, 1], [203, 0, 113, 7], [1; 16], [2; 16]);
    let mut syn = Vec::new();
    PacketBuilder::ipv4(v4, v4_other, 64).tcp(33_000, 443, 1, 64_240).syn().write(&mut syn, &[])?;
    let mut answer = Vec::new();
    PacketBuilder::ipv4(v4_other, v4, 57)
        .tcp(443, 33_000, 9, 65_535)
        .syn()
        .ack(2)
        .write(&mut answer, b"x")?;
    let mut syn6 = Vec::new();
    PacketBuilder::ipv6(v6, v6_other, 64).tcp(33_000, 443, 1, 64_240).syn().write(&mut syn6, &[])?;
    let mut datagram = Vec::new();
    PacketBuilder::ipv4(v4, v4_other, 64).udp(53, 33_000).write(&mut datagram, b"hello")?;
    // Eight bytes of options, and a later fragment.
    let mut optioned = syn.clone();
    optioned[0] = 0x47;
    optioned.splice(20..20, [1; 8]);
    let mut fragment = syn.clone();
    fragment[7] = 1;
    for (label, packet) in [
        ("syn", syn),
        ("answer", answer),
        ("v6", syn6),
        ("udp", datagram),
        ("options", optioned),
        ("fragment", fragment),
    ] {
        // As one packet of ours, and one that came.
        let length = packet.len() as u8;
        seeds.add("packet", label, [&[1, length], &packet[..], &[2, length], &packet].concat());
        seeds.add("segment", label, packet);
    }

    for (number, (v6, reply)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
        let message = EchoMessage { reply: reply == 1, identifier: 77, sequence: 3, payload: b"\x01cookie" };
        let message = message.encode(v6 == 1);
        seeds.add("echo", format!("{number}-alone"), [&[v6, 11, 0], &message[..]].concat());
        seeds.add("echo", format!("{number}-cut"), [&[v6, 3, 13], &message[..8]].concat());
        let mut packet = Vec::new();
        PacketBuilder::ipv4(v4, v4_other, 64).icmpv4_raw(8, 0, [0; 4]).write(&mut packet, &[])?;
        packet.truncate(20);
        packet.extend(&message);
        seeds.add("echo", format!("{number}-packet"), [&[v6, 1, 1], &packet[..]].concat());
    }

    let mut info: Vec<u8> = (0..248).map(|byte| byte as u8).collect();
    seeds.add("tcp_info", "counting", info.clone());
    seeds.add("tcp_info", "older", &info[..104]);
    info.fill(0);
    info[0] = 2;
    info[100] = 1;
    seeds.add("tcp_info", "refused-here", info);
    Ok(())
}

fn texts(seeds: &mut Seeds) {
    let snmp = "Ip: Forwarding DefaultTTL InReceives InDelivers OutRequests OutTransmits\n\
                Ip: 2 64 9574 9570 6765 6760\nIcmp: InMsgs InErrors\nIcmp: 1 0\n";
    let old = "Ip: InReceives InDelivers OutRequests\nIp: 3 2 1\n";
    let snmp6 = "Ip6InReceives \t122\nIp6InDelivers \t121\nIp6OutRequests \t131\nIp6OutTransmits \t130\n";
    let dev = "Inter-|   Receive                            |  Transmit\n\
               \x20face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n\
               \x20   lo:  191233    3273    0    0    0     0          0         0   191233    3273    0    0\n\
               \x20 eth0: 143851404    6431    0    0    0     0          0       0   360891    3630    0    0\n\
               wg0.1:0 7 0 0 0 0 0 0 0 5 0 0 0 0 0 0\n";
    for (label, choice, snmp) in [("v4", "\0", snmp), ("old", "\u{2}", old), ("v6", "\u{1}", snmp6)] {
        seeds.add("counters", label, format!("{choice}{snmp}\0{dev}"));
    }
    seeds.all(
        "asn_table",
        [
            b"192.0.2.0\t192.0.2.127\t64500\tKR\tEXAMPLE\n2001:db8::\t2001:db8::ffff\t64501\tUS\tSIX\n",
            b"198.51.100.0\t24\t64501\n198.51.100.128\t25\t64502_64503\n0.0.0.0\t0\t1\n",
            b"network,autonomous_system_number,autonomous_system_organization\n192.0.2.0/24,64500,\"A, B\"\n",
        ],
    );
    seeds.all(
        "getent",
        [
            b"192.0.2.2       STREAM www.example.com\n192.0.2.2       DGRAM  \n192.0.2.2       RAW    \n",
            b"2001:db8::1     STREAM \nfe80::1%eth0    STREAM \n::ffff:192.0.2.1 STREAM x\n192.0.2.1 STREAM\n",
            b"nonsense        STREAM \n\n",
        ],
    );
    seeds.all(
        "text",
        [
            b"CN=www.example.com,O=\"Example, Inc.\"",
            b"a\x1b[2Jb\r\n\0\x7f\xc2\x9b",
            "a\u{202e}b\u{200d}c\u{feff}\u{ad}\u{61c}\u{e0041}".as_bytes(),
            "푸시 — ünïcode e\u{301}".as_bytes(),
            b"\xff\xfe\xed\xa0\x80\xf4\x90\x80\x80 not UTF-8",
            "x\u{1b}".repeat(600).as_bytes(),
            "푸".repeat(400).as_bytes(),
        ],
    );
    seeds.all(
        "target",
        [
            b"www.example.com",
            b"FCM.googleapis.com.:5228",
            b"192.0.2.1:80",
            b"[2001:db8::1]:8443",
            b"2001:db8::1",
            b"https://user:secret@example.com/a?b=c#d",
            b"http://[2001:db8::1]:8080/",
            "푸시.example:5000".as_bytes(),
            b"xn--vv4b153a.example",
            b"_service._tcp.example.com:5222",
            b"300.1.2.3:443",
            b"example.com:70000",
            b"ftp://example.com",
            "bücher。example：443".as_bytes(),
        ],
    );
    seeds.all(
        "http",
        [
            b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.0 302 Found\r\nLocation: https://www.example.com/\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 204 No Content\r\nServer: a\x80\xffb\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"\r\nHTTP/1.1 404 Not Found\nServer: x\n\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"\x15\x03\x01\x00\x02\x02\x50",
            b"HTTP/2.0 200\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nServer: ",
            b"",
        ],
    );
    seeds.all(
        "tls",
        [
            b"\x15\x03\x03\x00\x02\x02\x28",
            b"\x15\x03\x01\x00\x02\x01\x00",
            b"SSH-2.0-OpenSSH_9.6\r\n",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\x16\x03\x01\x00\x04\x0e\x00\x00\x00",
            b"\x14\x03\x03\x00\x01\x01",
            b"\x80\x2e\x01\x00\x02",
            b"",
        ],
    );
}

/// An authority and its key.
type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn server(names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "server");
    Ok(params)
}

fn certificates(seeds: &mut Seeds) -> Result<()> {
    let root = Authority::self_signed(authority("root"), KeyPair::generate()?)?;
    let one = Authority::signed_by(authority("one"), KeyPair::generate()?, &root)?;
    let stranger = Authority::self_signed(authority("stranger"), KeyPair::generate()?)?;
    let mut narrow = authority("narrow");
    narrow.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example.net".to_owned())],
        excluded_subtrees: Vec::new(),
    });
    let narrow = Authority::signed_by(narrow, KeyPair::generate()?, &root)?;

    let plain = || server(&["www.example.com", "*.example.net", "192.0.2.1", "2001:db8::1"]);
    let sign = |params: CertificateParams, issuer: &Authority| -> Result<CertificateDer<'static>> {
        Ok(params.signed_by(&KeyPair::generate()?, issuer)?.der().clone())
    };
    let mut expired = plain()?;
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    let mut future = plain()?;
    future.not_before = date_time_ymd(2040, 1, 1);
    let mut purpose = plain()?;
    purpose.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut critical = plain()?;
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    extension.set_criticality(true);
    critical.custom_extensions.push(extension);
    let mut odd = plain()?;
    odd.distinguished_name.push(DnType::OrganizationName, "a,b+c\\\"<>;\u{1b}[2J");
    odd.distinguished_name.push(DnType::CountryName, DnValue::PrintableString("KR".try_into()?));
    odd.distinguished_name.push(DnType::LocalityName, DnValue::BmpString("\u{d478}\u{c2dc}".try_into()?));
    let universal = DnValue::UniversalString("wide \u{1f4e1}".try_into()?);
    odd.distinguished_name.push(DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 9]), universal);
    odd.subject_alt_names.push(SanType::URI("https://example.com/".try_into()?));
    odd.subject_alt_names.push(SanType::Rfc822Name("who@example.com".try_into()?));
    let own = KeyPair::generate()?;
    let own = plain()?.self_signed(&own)?.der().clone();

    let good = sign(plain()?, &root)?;
    let below = sign(plain()?, &one)?;
    for (label, chain) in [
        ("good", vec![good.clone()]),
        ("intermediate", vec![below.clone(), one.der().clone()]),
        ("with-root", vec![below.clone(), one.der().clone(), root.der().clone()]),
        ("missing", vec![below.clone()]),
        ("strangers", vec![below, stranger.der().clone(), good, one.der().clone()]),
        ("unknown", vec![sign(plain()?, &stranger)?, stranger.der().clone()]),
        ("expired", vec![sign(expired, &root)?]),
        ("future", vec![sign(future, &root)?]),
        ("purpose", vec![sign(purpose, &root)?]),
        ("critical", vec![sign(critical, &root)?]),
        ("constrained", vec![sign(plain()?, &narrow)?, narrow.der().clone()]),
        ("odd", vec![sign(odd, &root)?]),
        ("self-signed", vec![own]),
        ("authority", vec![one.der().clone()]),
    ] {
        let mut bytes = vec![0];
        for der in chain {
            bytes.extend(u16::try_from(der.len())?.to_be_bytes());
            bytes.extend(der.as_ref());
        }
        seeds.add("certificate", label, bytes);
    }
    fs::write(here().join("src/root.der"), root.der().as_ref())?;
    Ok(())
}

/// What a server says first, up to the moment when it needs the client's keys.
fn handshakes(seeds: &mut Seeds) -> Result<()> {
    let key = KeyPair::generate()?;
    let certificate = server(&["www.example.com"])?.self_signed(&key)?.der().clone();
    let versions: [(&str, &'static SupportedProtocolVersion); 2] =
        [("tls12", &version::TLS12), ("tls13", &version::TLS13)];
    for (label, version) in versions {
        let provider = Arc::new(default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)?;
        let mut server = ServerConnection::new(Arc::new(config))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let mut client = ClientConnection::new(Arc::new(config), "www.example.com".try_into()?)?;
        let mut hello = Vec::new();
        client.write_tls(&mut hello)?;
        server.read_tls(&mut hello.as_slice())?;
        server.process_new_packets()?;
        let mut flight = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut flight)?;
        }
        seeds.add("tls", label, flight);
    }
    Ok(())
}

/// Every scenario as it plays, thinned out to two observations of each kind.
fn recordings(seeds: &mut Seeds) -> Result<()> {
    let mut known = BTreeSet::new();
    for (name, scenario) in Scenario::load_all(&here().join("../scenarios"))? {
        let (mut world, case) = scenario.start(1)?;
        let run = reach_sim::run(case.clone(), &mut world);
        let mut kinds = BTreeMap::<_, u32>::new();
        let mut bytes = Vec::new();
        let mut recorder = Recorder::new(&mut bytes);
        recorder.case(&case);
        for observation in &run.observations {
            let often = kinds.entry(kind(observation)).or_default();
            *often += 1;
            if *often <= 2 {
                recorder.observation(0, observation);
            }
        }
        recorder.end(run.finished, false);
        // Only what shows something new.
        let new = kinds.into_keys().filter(|kind| known.insert(kind.clone())).count();
        if new > 0 || name == "story" {
            seeds.add("recording", name.clone(), bytes.clone());
            seeds.add("report", name.clone(), bytes);
        }
        let file: PathBuf = here().join("../scenarios").join(format!("{name}.toml"));
        let text = fs::read(file)?;
        if text.len() < 4096 && new > 0 {
            seeds.add("scenario", name, text);
        }
    }
    Ok(())
}

/// What was tried and what became of it, without the numbers.
fn kind(observation: &Observation) -> String {
    let probe = match &observation.probe {
        Probe::Connect(connect) => {
            format!(
                "connect {:?} {:?} {}",
                connect.ttl.is_some(),
                connect.min_ttl.is_some(),
                connect.crowd.min(3)
            )
        }
        Probe::Exchange(exchange) => {
            let hello = exchange.tls.as_ref().map(|tls| tls.server_name.is_some());
            format!(
                "exchange {:?} {:?} {hello:?}",
                exchange.max_segment.is_some(),
                exchange.data_ttl.is_some()
            )
        }
        Probe::Lookup(lookup) => format!("lookup {:?} {:?}", lookup.kind, lookup.transport),
        Probe::SystemLookup(_) => "system".to_owned(),
        Probe::Echo(_) => "echo".to_owned(),
        Probe::Datagram(_) => "datagram".to_owned(),
        Probe::Egress(_) => "egress".to_owned(),
    };
    let outcome = match &observation.outcome {
        Outcome::Answered(answer) => {
            let said: String =
                format!("{answer:?}").chars().filter(|c| c.is_alphabetic() || *c == ' ').collect();
            said.split(' ').filter(|word| word.starts_with(char::is_uppercase)).collect::<Vec<_>>().join(" ")
        }
        Outcome::Rejected(rejection) => format!("{:?}", rejection.how),
        Outcome::Silent(silence) => format!("silent {}", silence.refused_here),
        Outcome::Unable(inability) => format!("{:?}", inability.why),
    };
    format!("{probe}: {outcome}")
}
