//! Whether the servers have the tempers that the description gives them.

mod common;

use std::io::{ErrorKind, Read as _, Write as _};

use common::{PATIENCE, addresses, ask, ask_tcp, hold, ip, tls};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use reach_lab::{
    Certificate, Description, Lab, Name, Reply, Resolver, Selection, Service, ServiceKind, TcpMode, Tls,
    TlsAfter, Tool, Transport, isolated,
};

const IP: &[Tool] = &[Tool::Ip];
const NAME: &str = "www.example.com";
const WEB: &str = "203.0.113.1";

fn one_host() -> Description {
    Description::new("servers").router("r1").host("web", ["203.0.113.1", "203.0.113.2", "2001:db8:113::1"])
}

fn with_tls(tls: Tls) -> Lab {
    Lab::build(&one_host().service(Service::tls("web", tls))).unwrap()
}

#[test]
fn a_healthy_server_answers_with_its_status_and_body() {
    isolated(IP, || {
        let lab = with_tls(Tls { status: 503, body: 5000, ..Tls::named(NAME) });
        for address in [WEB, "2001:db8:113::1"] {
            let session = tls(&lab, address, NAME);
            let answer = session.result.unwrap();
            assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
            assert!(answer.ends_with(&"x".repeat(5000)));
            assert_eq!(session.alpn.as_deref(), Some(b"http/1.1".as_slice()));
        }
        let counts = lab.counts(ip(WEB), 443);
        assert_eq!((counts.accepted, counts.requests), (2, 2));
        assert_eq!(counts.names, [Some(NAME.to_owned()), Some(NAME.to_owned())]);
    });
}

#[test]
fn certificates_are_wrong_in_the_way_they_should_be() {
    isolated(IP, || {
        for (certificate, complaint) in [
            (Certificate::WrongName, "not valid for name"),
            (Certificate::Expired, "expired"),
            (Certificate::NotYetValid, "not valid yet"),
            (Certificate::SelfSigned, "UnknownIssuer"),
            (Certificate::Inspection, "UnknownIssuer"),
        ] {
            let lab = with_tls(Tls::named(NAME).certificate(certificate));
            let error = tls(&lab, WEB, NAME).error();
            assert!(error.contains(complaint), "{certificate:?}: {error}");
        }
    });
}

#[test]
fn a_large_certificate_is_large() {
    isolated(IP, || {
        let lab = with_tls(Tls { large: true, ..Tls::named(NAME) });
        let session = tls(&lab, WEB, NAME);
        session.result.unwrap();
        assert!(session.chain_length > 3000, "{}", session.chain_length);
    });
}

#[test]
fn a_choosy_server_closes_unless_it_is_asked_for_by_name() {
    isolated(IP, || {
        let mut choosy = Tls { only_name: Some(NAME.to_owned()), ..Tls::named(NAME) };
        choosy.names.push("other.example.com".to_owned());
        let lab = with_tls(choosy);
        tls(&lab, WEB, NAME).result.unwrap();
        let kind = tls(&lab, WEB, "other.example.com").result.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{kind:?}");
    });
}

#[test]
fn after_the_handshake_a_server_may_be_silent_close_or_reset() {
    isolated(IP, || {
        for after in [TlsAfter::Silent, TlsAfter::Close, TlsAfter::Reset] {
            let lab = with_tls(Tls { after, ..Tls::named(NAME) });
            let patience = if after == TlsAfter::Silent { common::MOMENT } else { PATIENCE };
            let session = common::tls_within(&lab, WEB, NAME, patience);
            match (after, session.result.map_err(|error| error.kind())) {
                (TlsAfter::Silent, Err(ErrorKind::WouldBlock)) => {}
                // An orderly close is an empty answer, unless the request is still on its way.
                (TlsAfter::Close, Ok(answer)) => assert_eq!(answer, ""),
                (TlsAfter::Close, Err(ErrorKind::UnexpectedEof)) => {}
                (
                    TlsAfter::Close | TlsAfter::Reset,
                    Err(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
                ) => {}
                (after, result) => panic!("{after:?}: {result:?}"),
            }
        }
    });
}

#[test]
fn plain_servers_do_what_they_are_told() {
    isolated(IP, || {
        let kinds = [
            (1, ServiceKind::Banner("220 mail.example ESMTP\r\n".to_owned())),
            (2, ServiceKind::Silent),
            (3, ServiceKind::CloseAtOnce),
            (4, ServiceKind::ResetAtOnce),
            (5, ServiceKind::CloseAfterData),
            (6, ServiceKind::ResetAfterData),
            (7, ServiceKind::Alert(40)),
            (8, ServiceKind::Http { status: 403, body: 10 }),
            (9, ServiceKind::Bytes(vec![255, 253, 1])),
            (10, ServiceKind::Echo),
            (23, ServiceKind::Banner("\u{1b}]0;owned\u{7}\u{1b}[2Jlogin: \u{9b}31m".to_owned())),
        ];
        let describe = |description: Description, (port, kind): &(u16, ServiceKind)| {
            description.service(Service::new("web", *port, kind.clone()))
        };
        let lab = Lab::build(&kinds.iter().fold(one_host(), describe)).unwrap();
        // What a client sees that first sends the beginning of a ClientHello.
        let talk = |port| {
            let mut stream = lab.client().within(|| std::net::TcpStream::connect((WEB, port)))?;
            stream.set_read_timeout(Some(if port == 2 { common::MOMENT } else { PATIENCE }))?;
            stream.write_all(&[22, 3, 1, 0, 100])?;
            let mut answer = vec![0; 12];
            let length = stream.read(&mut answer)?;
            answer.truncate(length);
            Ok::<_, std::io::Error>(answer)
        };
        assert_eq!(talk(1).unwrap(), b"220 mail.exa");
        assert_eq!(talk(2).unwrap_err().kind(), ErrorKind::WouldBlock);
        // Closed before what we sent was read: a close or, if the data came first, a reset.
        assert!(talk(3).map_or(true, |answer| answer.is_empty()));
        talk(4).unwrap_err();
        assert_eq!(talk(5).unwrap(), b"");
        assert_eq!(talk(6).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(talk(7).unwrap(), [21, 3, 3, 0, 2, 2, 40]);
        assert_eq!(talk(8).unwrap(), b"HTTP/1.1 403");
        assert_eq!(talk(9).unwrap(), [255, 253, 1]);
        assert_eq!(talk(10).unwrap(), [22, 3, 1, 0, 100]);
        assert_eq!(talk(23).unwrap(), b"\x1b]0;owned\x07\x1b[");
    });
}

#[test]
fn a_service_on_named_addresses_leaves_the_others_to_its_neighbour() {
    isolated(IP, || {
        let banner = |text: &str| Service::new("web", 25, ServiceKind::Banner(text.to_owned()));
        let lab =
            Lab::build(&one_host().service(banner("all")).service(banner("one").on("203.0.113.2"))).unwrap();
        let greeting = |address| {
            let mut word = [0; 3];
            hold(&lab, address, 25).read_exact(&mut word).unwrap();
            word
        };
        assert_eq!([&greeting(WEB), &greeting("203.0.113.2")], [b"all", b"one"]);
    });
}

#[test]
fn a_resolver_answers_over_both_transports_and_keeps_count() {
    isolated(IP, || {
        let name =
            Name::new(NAME, ["203.0.113.1", "203.0.113.2", "2001:db8:113::1"]).selection(Selection::Rotate);
        let lab = Lab::build(&one_host().resolver(Resolver::at("web").name(name))).unwrap();
        let first = addresses(&ask(&lab, WEB, NAME, RecordType::A, PATIENCE).unwrap());
        let second = addresses(&ask_tcp(&lab, WEB, NAME, RecordType::A, PATIENCE).unwrap());
        let third = addresses(&ask(&lab, "2001:db8:113::1", NAME, RecordType::AAAA, PATIENCE).unwrap());
        assert_eq!(first, ["203.0.113.1", "203.0.113.2"]);
        assert_eq!(second, ["203.0.113.2", "203.0.113.1"]);
        assert_eq!(third, ["2001:db8:113::1"]);
        let seen: Vec<_> = lab.queries().into_iter().map(|seen| (seen.transport, seen.record_type)).collect();
        let expected = [(Transport::Udp, "A"), (Transport::Tcp, "A"), (Transport::Udp, "AAAA")];
        assert_eq!(seen, expected.map(|(transport, kind)| (transport, kind.to_owned())));
        assert_eq!(lab.queries()[0].name, NAME);
        lab.set_names("web", &[Name::new(NAME, ["203.0.113.9"])]);
        assert_eq!(addresses(&ask(&lab, WEB, NAME, RecordType::A, PATIENCE).unwrap()), ["203.0.113.9"]);
    });
}

#[test]
fn a_resolver_may_fail_in_every_way() {
    isolated(IP, || {
        let replies = [
            ("nx.example", Reply::NxDomain),
            ("nodata.example", Reply::NoData),
            ("servfail.example", Reply::ServFail),
            ("refused.example", Reply::Refused),
            ("silent.example", Reply::Silent),
            ("cut.example", Reply::Truncated),
            ("garbage.example", Reply::Garbage),
            ("id.example", Reply::WrongId),
            ("lie.example", Reply::WrongName),
        ];
        let known = |resolver: Resolver, (name, reply): &(&str, Reply)| {
            resolver.name(Name::new(name, ["203.0.113.1", "2001:db8:113::1"]).reply(*reply))
        };
        let mut resolver = replies.iter().fold(Resolver::at("web").on(WEB), known);
        resolver.names.push(Name { reply_aaaa: Some(Reply::ServFail), ..Name::new("half.example", [WEB]) });
        let mut description = one_host().resolver(resolver.clone());
        resolver.addresses = vec![ip("203.0.113.2")];
        (resolver.tcp, resolver.delay_ms) = (TcpMode::Closed, 30);
        description.resolvers.push(resolver);
        let lab = Lab::build(&description).unwrap();
        let answer =
            |name| Message::from_vec(&ask(&lab, WEB, name, RecordType::A, PATIENCE).unwrap()).unwrap();
        assert_eq!(answer("nx.example").metadata.response_code, ResponseCode::NXDomain);
        assert_eq!(answer("unknown.example").metadata.response_code, ResponseCode::NXDomain);
        assert!(answer("nodata.example").answers.is_empty());
        assert_eq!(answer("servfail.example").metadata.response_code, ResponseCode::ServFail);
        assert_eq!(answer("refused.example").metadata.response_code, ResponseCode::Refused);
        assert_eq!(ask(&lab, WEB, "silent.example", RecordType::A, common::MOMENT), None);
        assert!(answer("cut.example").metadata.truncation);
        assert_eq!(addresses(&ask_tcp(&lab, WEB, "cut.example", RecordType::A, PATIENCE).unwrap()), [WEB]);
        Message::from_vec(&ask(&lab, WEB, "garbage.example", RecordType::A, PATIENCE).unwrap()).unwrap_err();
        assert_ne!(answer("id.example").metadata.id, 4242);
        assert_eq!(answer("lie.example").answers[0].name.to_ascii(), "unasked.example.");
        let half = ask(&lab, WEB, "half.example", RecordType::AAAA, PATIENCE).unwrap();
        assert_eq!(Message::from_vec(&half).unwrap().metadata.response_code, ResponseCode::ServFail);
        assert_eq!(common::connect(&lab, "203.0.113.2", 53), common::Outcome::Reset);
        let start = std::time::Instant::now();
        ask(&lab, "203.0.113.2", "half.example", RecordType::A, PATIENCE).unwrap();
        assert!(start.elapsed() >= std::time::Duration::from_millis(30));
    });
}
