use std::net::Ipv4Addr;

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata::A},
};
use reach_core::model::{Rcode, RecordKind};
use tokio::net::TcpListener;

use super::*;

/// Long enough for any busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Short, for what never comes.
const HASTE: Duration = Duration::from_millis(300);

/// Ends a wait for what never comes, but not before what does come has come.
const A_WHILE: Duration = Duration::from_secs(3);

fn probe(resolver: SocketAddr, transport: Transport, timeout: Duration) -> Lookup {
    Lookup { resolver, name: "www.example.com".to_owned(), kind: RecordKind::A, transport, timeout }
}

/// A resolver that answers each question over UDP and TCP alike with the messages that `reply` gives.
async fn resolver(reply: impl Fn(&Message) -> Vec<Vec<u8>> + Clone + Send + 'static) -> SocketAddr {
    // The same port twice: whoever holds it for TCP is the likeliest to get it for UDP.
    let (listener, socket) = loop {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound");
        if let Ok(socket) = UdpSocket::bind(address).await {
            break (listener, socket);
        }
    };
    let address = socket.local_addr().expect("bound");
    let over_udp = reply.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 2048];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let question = Message::from_vec(&buffer[..length]).expect("a question");
            for message in over_udp(&question) {
                socket.send_to(&message, client).await.expect("sends");
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let question = read_framed(&mut stream).await.expect("a question");
            let question = Message::from_vec(&question).expect("a question");
            for message in reply(&question) {
                let length = u16::try_from(message.len()).expect("short");
                stream.write_all(&length.to_be_bytes()).await.expect("sends");
                stream.write_all(&message).await.expect("sends");
            }
            // Silence is not the same as closing.
            tokio::spawn(async move {
                tokio::time::sleep(PATIENCE).await;
                drop(stream);
            });
        }
    });
    address
}

fn response(question: &Message) -> Message {
    let mut message = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    message.add_queries(question.queries.clone());
    for last in [2, 1, 3] {
        let address = RData::A(A(Ipv4Addr::new(192, 0, 2, last)));
        message.add_answer(Record::from_rdata(question.queries[0].name().clone(), 60, address));
    }
    message
}

fn good(question: &Message) -> Vec<u8> {
    response(question).to_vec().expect("encodes")
}

fn with_id(question: &Message, change: u16) -> Vec<u8> {
    let mut message = response(question);
    message.metadata.id ^= change;
    message.to_vec().expect("encodes")
}

fn with_question(question: &Message, name: &str) -> Vec<u8> {
    let mut message = response(question);
    let name = Name::from_ascii(name).expect("a name");
    message.queries = vec![Query::query(name, RecordType::A)];
    message.to_vec().expect("encodes")
}

async fn answer(resolver: SocketAddr, transport: Transport, timeout: Duration) -> LookupAnswer {
    match lookup(&probe(resolver, transport, timeout)).await {
        Outcome::Answered(Answer::Lookup(answer)) => answer,
        other => panic!("{transport:?}: {other:?}"),
    }
}

const BOTH: [Transport; 2] = [Transport::Udp, Transport::Tcp];

#[tokio::test]
async fn an_answer_is_an_answer_over_either_transport() {
    let resolver = resolver(|question| vec![good(question)]).await;
    for transport in BOTH {
        let answer = answer(resolver, transport, PATIENCE).await;
        let addresses: Vec<_> = answer.addresses.iter().map(|record| record.address.to_string()).collect();
        assert_eq!(addresses, ["192.0.2.2", "192.0.2.1", "192.0.2.3"]);
        assert_eq!((answer.rcode, answer.fault), (Rcode::NoError, None));
        assert!(answer.rtt > Duration::ZERO && answer.rtt < PATIENCE);
    }
}

#[tokio::test]
async fn the_question_is_one_with_a_fresh_id_and_port_each_time() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let resolver = socket.local_addr().expect("bound");
    let (mut ids, mut ports) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let asked = async {
            let mut buffer = [0; 2048];
            let (length, client) = socket.recv_from(&mut buffer).await.expect("a question");
            let question = Message::from_vec(&buffer[..length]).expect("a question");
            socket.send_to(&good(&question), client).await.expect("sends");
            (question, client.port())
        };
        let probe = probe(resolver, Transport::Udp, PATIENCE);
        let (_, (question, port)) = tokio::join!(lookup(&probe), asked);
        assert_eq!(question.queries.len(), 1);
        assert!(question.metadata.recursion_desired && question.edns.is_some());
        ids.push(question.metadata.id);
        ports.push(port);
    }
    for values in [&mut ids, &mut ports] {
        values.sort_unstable();
        values.dedup();
        assert!(values.len() > 4, "{values:?}");
    }
}

#[tokio::test]
async fn an_unknown_name_and_a_failing_server_are_answers() {
    for (code, expected) in [
        (ResponseCode::NXDomain, Rcode::NxDomain),
        (ResponseCode::ServFail, Rcode::ServFail),
        (ResponseCode::Refused, Rcode::Refused),
    ] {
        let resolver = resolver(move |question| {
            let mut message = response(question);
            message.metadata.response_code = code;
            message.answers.clear();
            vec![message.to_vec().expect("encodes")]
        })
        .await;
        let answer = answer(resolver, Transport::Udp, PATIENCE).await;
        assert_eq!((answer.rcode, answer.addresses.len()), (expected, 0));
    }
}

#[tokio::test]
async fn a_truncated_answer_says_so() {
    let resolver = resolver(|question| {
        let mut message = response(question);
        message.metadata.truncation = true;
        message.answers.clear();
        vec![message.to_vec().expect("encodes")]
    })
    .await;
    assert!(answer(resolver, Transport::Udp, PATIENCE).await.truncated);
}

#[tokio::test]
async fn late_and_forged_answers_do_not_end_the_wait_for_the_right_one() {
    let resolver = resolver(|question| {
        vec![with_id(question, 1), with_question(question, "www.example.org."), good(question)]
    })
    .await;
    for transport in BOTH {
        let answer = answer(resolver, transport, PATIENCE).await;
        assert_eq!((answer.addresses.len(), answer.fault), (3, None));
    }
}

#[tokio::test]
async fn when_only_wrong_answers_come_the_first_fault_is_the_answer() {
    let wrong_id = resolver(|question| vec![with_id(question, 0x8000), with_question(question, "a.")]).await;
    let wrong_question = resolver(|question| vec![with_question(question, "www.example.org.")]).await;
    for transport in BOTH {
        assert_eq!(answer(wrong_id, transport, A_WHILE).await.fault, Some(AnswerFault::WrongId));
        assert_eq!(answer(wrong_question, transport, A_WHILE).await.fault, Some(AnswerFault::WrongQuestion));
    }
}

#[tokio::test]
async fn garbage_is_told_at_once() {
    let resolver = resolver(|_| vec![b"go away".to_vec()]).await;
    for transport in BOTH {
        let answer = answer(resolver, transport, PATIENCE).await;
        assert_eq!(answer.fault, Some(AnswerFault::Malformed));
        assert!(answer.rtt < PATIENCE);
    }
}

#[tokio::test]
async fn a_flood_of_wrong_answers_is_not_read_to_its_end() {
    let resolver = resolver(|question| vec![with_id(question, 1); 1000]).await;
    let answer = answer(resolver, Transport::Tcp, PATIENCE).await;
    assert_eq!(answer.fault, Some(AnswerFault::WrongId));
}

#[tokio::test]
async fn silence_is_silence() {
    let resolver = resolver(|_| Vec::new()).await;
    for transport in BOTH {
        let outcome = lookup(&probe(resolver, transport, HASTE)).await;
        assert_eq!(outcome, Outcome::Silent(Silence { packets: 1, refused_here: false }));
    }
}

#[tokio::test]
async fn a_closed_port_is_a_rejection_with_its_icmp_error_or_reset() {
    for address in ["127.0.0.1", "::1"] {
        let Ok(socket) = UdpSocket::bind((address, 0)).await else {
            eprintln!("SKIPPED for {address}: this machine has no such address");
            continue;
        };
        let resolver = socket.local_addr().expect("bound");
        drop(socket);
        let v6 = resolver.is_ipv6();
        let expected =
            if v6 { IcmpError { v6, kind: 1, code: 4 } } else { IcmpError { v6, kind: 3, code: 3 } };
        match lookup(&probe(resolver, Transport::Udp, PATIENCE)).await {
            Outcome::Rejected(Rejection { how, by, .. }) => {
                assert_eq!((how, by), (Refusal::Icmp(expected), Some(resolver.ip())));
            }
            other => panic!("{other:?}"),
        }
        match lookup(&probe(resolver, Transport::Tcp, PATIENCE)).await {
            Outcome::Rejected(Rejection { how: Refusal::Reset, by: None, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_resolver_that_hangs_up_over_tcp_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let resolver = listener.local_addr().expect("bound");
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    match lookup(&probe(resolver, Transport::Tcp, PATIENCE)).await {
        Outcome::Rejected(Rejection { how: Refusal::Reset, .. }) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_resolver_that_no_route_leads_to_is_not_asked() {
    // A link-local address without its link: refused before anything is sent.
    let outcome = lookup(&probe("[fe80::1]:53".parse().expect("an address"), Transport::Udp, HASTE)).await;
    assert!(matches!(outcome, Outcome::Unable(Inability { why: Obstacle::NoRoute, .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_name_that_no_message_can_carry_is_not_asked() {
    let mut probe = probe("127.0.0.1:53".parse().expect("an address"), Transport::Udp, HASTE);
    probe.name = "a".repeat(300);
    let outcome = lookup(&probe).await;
    assert!(matches!(outcome, Outcome::Unable(Inability { why: Obstacle::Unsupported, .. })), "{outcome:?}");
}
