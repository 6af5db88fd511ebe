//! DNS messages: bytes to values and back, without a socket.

use std::{collections::BTreeMap, net::IpAddr};

use hickory_proto::{
    op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{DNSClass, Name, RData, Record, RecordType, rdata::CNAME},
    serialize::binary::{BinDecodable, BinDecoder},
};
use reach_core::model::{AddressRecord, AnswerFault, LookupAnswer, Rcode, RecordKind};

use crate::text::clean;

/// The UDP payload that we say we can take: what fits the smallest MTU of IPv6 unfragmented (the value agreed
/// on DNS Flag Day 2020, and in RFC 9715 §3).
pub const UDP_PAYLOAD: u16 = 1232;

/// One question, as it goes on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    id: u16,
    name: Name,
    kind: RecordType,
}

impl Question {
    /// The question for the addresses of `kind` of the fully qualified `name`, under a message id; `None`
    /// when no DNS message can carry the name.
    pub fn new(id: u16, name: &str, kind: RecordKind) -> Option<Self> {
        let mut name = Name::from_ascii(name).ok()?;
        name.set_fqdn(true);
        let kind = match kind {
            RecordKind::A => RecordType::A,
            RecordKind::Aaaa => RecordType::AAAA,
            RecordKind::Ptr => RecordType::PTR,
        };
        Some(Self { id, name, kind })
    }

    /// The message that asks it: recursion desired, EDNS(0) with [`UDP_PAYLOAD`] (RFC 1035 §4, RFC 6891 §6.1);
    /// `None` when it cannot be encoded.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut message = Message::new(self.id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(self.name.clone(), self.kind));
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_PAYLOAD);
        message.set_edns(edns);
        message.to_vec().ok()
    }

    /// A message that answers it so, with the address and alias records; `None` when it cannot be encoded.
    pub(crate) fn answer(&self, answer: &LookupAnswer) -> Option<Vec<u8>> {
        let mut message = Message::new(self.id, MessageType::Response, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.metadata.truncation = answer.truncated;
        message.metadata.response_code = ResponseCode::from_low((rcode_number(answer.rcode) & 0xf) as u8);
        message.add_query(Query::query(self.name.clone(), self.kind));
        let name = |text: &str| Name::from_ascii(text).ok();
        let mut owner = self.name.clone();
        for (alias, target) in &answer.aliases {
            let (alias, target) = (name(alias)?, name(target)?);
            message.add_answer(Record::from_rdata(alias, 0, RData::CNAME(CNAME(target.clone()))));
            owner = target;
        }
        for record in &answer.addresses {
            let data = match record.address {
                IpAddr::V4(address) => RData::A(address.into()),
                IpAddr::V6(address) => RData::AAAA(address.into()),
            };
            message.add_answer(Record::from_rdata(owner.clone(), record.ttl_s, data));
        }
        message.to_vec().ok()
    }

    fn is_asked_by(&self, query: &Query) -> bool {
        query.query_type() == self.kind
            && query.query_class() == DNSClass::IN
            && query.name().to_lowercase() == self.name.to_lowercase()
    }
}

/// Reads what came from the resolver as the answer to `question`. The answer's `rtt` is left zero.
///
/// A truncated answer that breaks off in the middle of a record is an answer all the same, without addresses.
/// The records behind the answer section are not of interest, and their faults are overlooked.
pub fn decode(bytes: &[u8], question: &Question) -> Result<LookupAnswer, AnswerFault> {
    let mut decoder = BinDecoder::new(bytes);
    let Header { metadata, counts } = Header::read(&mut decoder).map_err(|_| AnswerFault::Malformed)?;
    if metadata.id != question.id {
        return Err(AnswerFault::WrongId);
    }
    if metadata.message_type != MessageType::Response || metadata.op_code != OpCode::Query {
        return Err(AnswerFault::Malformed);
    }
    match counts.queries {
        // A server that fails may not repeat the question (RFC 1035 §7.3 knows FORMERR, practice the others).
        0 if metadata.response_code != ResponseCode::NoError => {}
        1 => {
            let query = Query::read(&mut decoder).map_err(|_| AnswerFault::Malformed)?;
            if !question.is_asked_by(&query) {
                return Err(AnswerFault::WrongQuestion);
            }
        }
        _ => return Err(AnswerFault::WrongQuestion),
    }

    let mut read = |count: u16, additional: bool| {
        Message::read_records(&mut decoder, usize::from(count), additional, metadata.op_code)
    };
    let records = match read(counts.answers, false) {
        Ok((records, ..)) => records,
        Err(_) if metadata.truncation => Vec::new(),
        Err(_) => return Err(AnswerFault::Malformed),
    };
    // The upper bits of the response code travel in the OPT record (RFC 6891 §6.1.3), behind everything.
    let upper_bits = read(counts.authorities, false)
        .and_then(|_| read(counts.additionals, true))
        .ok()
        .and_then(|(_, edns, _)| edns)
        .map_or(0, |edns| edns.rcode_high());

    let chain = Chain::of(&question.name, &records);
    let of_question = |record: &&Record| record.dns_class == DNSClass::IN && chain.leads_to(&record.name);
    Ok(LookupAnswer {
        names: records
            .iter()
            .filter(of_question)
            .filter_map(|record| pointed(record, question.kind))
            .collect(),
        rcode: rcode(u16::from(upper_bits) << 4 | u16::from(metadata.response_code) & 0xf),
        truncated: metadata.truncation,
        addresses: records
            .iter()
            .filter(of_question)
            .filter_map(|record| address(record, question.kind))
            .collect(),
        aliases: chain.links,
        fault: None,
        rtt: std::time::Duration::ZERO,
    })
}

/// The CNAME records of an answer put in order (RFC 1034 §3.6.2).
struct Chain {
    /// The name asked for, lower case.
    start: Name,
    /// The name at the end, lower case; the start when there is no alias.
    end: Name,
    /// `(owner, target)`, as received.
    links: Vec<(String, String)>,
}

impl Chain {
    /// Servers send the records in any order, and hostile ones in a circle: a link is followed once.
    fn of(name: &Name, records: &[Record]) -> Self {
        let mut aliases: BTreeMap<Name, (&Name, &Name)> = BTreeMap::new();
        for record in records.iter().filter(|record| record.dns_class == DNSClass::IN) {
            if let RData::CNAME(target) = &record.data {
                aliases.entry(record.name.to_lowercase()).or_insert((&record.name, &target.0));
            }
        }
        let start = name.to_lowercase();
        let mut end = start.clone();
        let mut links = Vec::new();
        while let Some((owner, target)) = aliases.remove(&end) {
            links.push((text(owner), text(target)));
            end = target.to_lowercase();
        }
        Self { start, end, links }
    }

    fn leads_to(&self, owner: &Name) -> bool {
        let owner = owner.to_lowercase();
        owner == self.end || owner == self.start
    }
}

fn address(record: &Record, kind: RecordType) -> Option<AddressRecord> {
    let address = match (&record.data, kind) {
        (RData::A(address), RecordType::A) => address.0.into(),
        (RData::AAAA(address), RecordType::AAAA) => address.0.into(),
        _ => return None,
    };
    Some(AddressRecord { address, ttl_s: record.ttl })
}

/// The name that a PTR record points to.
fn pointed(record: &Record, kind: RecordType) -> Option<String> {
    match (&record.data, kind) {
        (RData::PTR(name), RecordType::PTR) => Some(text(&name.0)),
        _ => None,
    }
}

/// A name without the trailing dot; bytes that are no printable ASCII come as `\ooo`.
fn text(name: &Name) -> String {
    let text = name.to_ascii();
    clean(text.strip_suffix('.').filter(|stem| !stem.is_empty()).unwrap_or(&text))
}

fn rcode(code: u16) -> Rcode {
    match code {
        0 => Rcode::NoError,
        1 => Rcode::FormErr,
        2 => Rcode::ServFail,
        3 => Rcode::NxDomain,
        4 => Rcode::NotImp,
        5 => Rcode::Refused,
        other => Rcode::Other(other),
    }
}

fn rcode_number(rcode: Rcode) -> u16 {
    match rcode {
        Rcode::NoError => 0,
        Rcode::FormErr => 1,
        Rcode::ServFail => 2,
        Rcode::NxDomain => 3,
        Rcode::NotImp => 4,
        Rcode::Refused => 5,
        Rcode::Other(other) => other,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use hickory_proto::rr::rdata::{A, AAAA};
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        let mut name = Name::from_ascii(text).expect("a name");
        name.set_fqdn(true);
        name
    }

    fn question() -> Question {
        Question::new(7, "www.example.com", RecordKind::A).expect("a name")
    }

    fn answer(asked: &str, records: &[(&str, RData)]) -> Message {
        let mut message = Message::response(7, OpCode::Query);
        message.add_query(Query::query(name(asked), RecordType::A));
        for (owner, data) in records {
            message.add_answer(Record::from_rdata(name(owner), 300, data.clone()));
        }
        message
    }

    fn a(last: u8) -> RData {
        RData::A(A(Ipv4Addr::new(192, 0, 2, last)))
    }

    fn alias(target: &str) -> RData {
        RData::CNAME(CNAME(name(target)))
    }

    fn decoded(message: &Message) -> Result<LookupAnswer, AnswerFault> {
        decode(&message.to_vec().expect("encodes"), &question())
    }

    fn addresses(answer: &LookupAnswer) -> Vec<String> {
        answer.addresses.iter().map(|record| record.address.to_string()).collect()
    }

    #[test]
    fn the_names_of_an_address_are_read() {
        use hickory_proto::rr::rdata::PTR;
        let reverse = "17.2.0.192.in-addr.arpa";
        let question = Question::new(7, reverse, RecordKind::Ptr).expect("a name");
        let mut message = Message::response(7, OpCode::Query);
        message.add_query(Query::query(name(reverse), RecordType::PTR));
        // As for a part of a network that its user looks after himself (RFC 2317).
        let delegated = "17.16-31.2.0.192.in-addr.arpa";
        message.add_answer(Record::from_rdata(name(reverse), 300, alias(delegated)));
        for (owner, pointed) in [
            (delegated, "r1.example.net"),
            (delegated, "r1-b.example.net"),
            ("1.2.0.192.in-addr.arpa", "other"),
        ] {
            message.add_answer(Record::from_rdata(name(owner), 300, RData::PTR(PTR(name(pointed)))));
        }
        message.add_answer(Record::from_rdata(name(delegated), 300, a(1)));
        let answer = decode(&message.to_vec().expect("encodes"), &question).expect("an answer");
        assert_eq!(answer.names, ["r1.example.net", "r1-b.example.net"]);
        assert!(answer.addresses.is_empty());
    }

    #[test]
    fn a_question_is_what_resolvers_expect() {
        let bytes = question().encode().expect("encodes");
        let message = Message::from_vec(&bytes).expect("decodes");
        assert_eq!(message.metadata.id, 7);
        assert!(message.metadata.recursion_desired);
        assert_eq!(message.queries.len(), 1);
        assert_eq!(message.queries[0].name().to_ascii(), "www.example.com.");
        assert_eq!(message.edns.expect("EDNS").max_payload(), UDP_PAYLOAD);
        assert_eq!(Question::new(1, &"a".repeat(64), RecordKind::A), None);
    }

    #[test]
    fn the_order_of_addresses_and_their_ttl_are_kept() {
        let message = answer("WWW.Example.com", &[("www.example.com", a(2)), ("www.EXAMPLE.com", a(1))]);
        let answer = decoded(&message).expect("an answer");
        assert_eq!(addresses(&answer), ["192.0.2.2", "192.0.2.1"]);
        assert_eq!(answer.addresses[0].ttl_s, 300);
    }

    #[test]
    fn a_chain_of_aliases_is_put_in_order_and_strangers_are_left_out() {
        let message = answer(
            "www.example.com",
            &[
                ("stranger.example.org", a(66)),
                ("cdn.example.net", a(1)),
                ("Mid.example.net", alias("cdn.example.net")),
                ("www.example.com", alias("mid.example.net")),
                ("cdn.example.net", RData::AAAA(AAAA(Ipv6Addr::LOCALHOST))),
            ],
        );
        let answer = decoded(&message).expect("an answer");
        let pair = |owner: &str, target: &str| (owner.to_owned(), target.to_owned());
        assert_eq!(
            answer.aliases,
            [pair("www.example.com", "mid.example.net"), pair("Mid.example.net", "cdn.example.net")]
        );
        assert_eq!(addresses(&answer), ["192.0.2.1"]);
    }

    #[test]
    fn a_circle_of_aliases_ends() {
        let message = answer(
            "www.example.com",
            &[("www.example.com", alias("b.example.com")), ("b.example.com", alias("www.example.com"))],
        );
        assert_eq!(decoded(&message).expect("an answer").aliases.len(), 2);
    }

    #[test]
    fn what_answers_something_else_is_told_apart() {
        let mut other_id = answer("www.example.com", &[]);
        other_id.metadata.id = 8;
        assert_eq!(decoded(&other_id), Err(AnswerFault::WrongId));
        assert_eq!(decoded(&answer("www.example.org", &[])), Err(AnswerFault::WrongQuestion));
        let mut none = answer("www.example.com", &[]);
        none.queries.clear();
        assert_eq!(decoded(&none), Err(AnswerFault::WrongQuestion));
        none.metadata.response_code = ResponseCode::FormErr;
        assert_eq!(decoded(&none).map(|answer| answer.rcode), Ok(Rcode::FormErr));
        assert_eq!(decode(b"hello", &question()), Err(AnswerFault::Malformed));
        assert_eq!(decode(&question().encode().expect("encodes"), &question()), Err(AnswerFault::Malformed));
    }

    #[test]
    fn a_truncated_answer_may_break_off_anywhere() {
        let mut message = answer("www.example.com", &[("www.example.com", a(1))]);
        message.metadata.truncation = true;
        let bytes = message.to_vec().expect("encodes");
        for cut in 12 + 21..bytes.len() {
            let answer = decode(&bytes[..cut], &question()).expect("an answer");
            assert!(answer.truncated && answer.addresses.is_empty());
        }
        assert_eq!(decode(&bytes, &question()).expect("an answer").addresses.len(), 1);
    }

    #[test]
    fn the_response_code_has_twelve_bits() {
        let mut message = answer("www.example.com", &[]);
        message.metadata.response_code = ResponseCode::BADVERS;
        message.set_edns(Edns::new());
        assert_eq!(decoded(&message).map(|answer| answer.rcode), Ok(Rcode::Other(16)));
        message.metadata.response_code = ResponseCode::NXDomain;
        assert_eq!(decoded(&message).map(|answer| answer.rcode), Ok(Rcode::NxDomain));
    }

    #[test]
    fn strange_owner_names_are_shown_harmlessly() {
        let mut bytes = answer("www.example.com", &[("www.example.com", alias("abc.example.net"))])
            .to_vec()
            .expect("encodes");
        let at = bytes.windows(3).position(|part| part == b"abc").expect("the target");
        bytes[at] = 0x1b;
        let shown = &decode(&bytes, &question()).expect("an answer").aliases[0].1;
        assert_eq!(shown, "\\033bc.example.net");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = decode(&bytes, &question());
        }

        /// Bytes behind a right header and question get deeper than mere noise does.
        #[test]
        fn no_records_make_it_panic(
            flags in any::<[u8; 2]>(),
            counts in any::<[u8; 3]>(),
            records in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let asked = answer("www.example.com", &[]).to_vec().expect("encodes");
            let mut bytes = asked[..12 + 21].to_vec();
            bytes[2] = flags[0] | 0x80;
            bytes[3] = flags[1];
            for (section, count) in counts.into_iter().enumerate() {
                bytes[7 + 2 * section] = count;
            }
            bytes.extend(records);
            let _ = decode(&bytes, &question());
        }

        #[test]
        fn what_was_written_is_read(
            last in prop::collection::vec(any::<u8>(), 0..20),
            flip in any::<(prop::sample::Index, u8)>(),
        ) {
            let records: Vec<_> = last.iter().map(|&last| ("www.example.com", a(last))).collect();
            let mut bytes = answer("www.example.com", &records).to_vec().expect("encodes");
            let read = decode(&bytes, &question()).expect("an answer");
            prop_assert_eq!(read.addresses.len(), last.len());
            let at = flip.0.index(bytes.len());
            bytes[at] ^= flip.1;
            let _ = decode(&bytes, &question());
        }
    }
}
