//! Every recorded datagram and answer, read as Scouter's own decoder reads it, and written back.

#![forbid(unsafe_code)]

use std::net::IpAddr;

use proptest::prelude::*;
use reach_core::Time;
use reach_signal::scouter::wire::{
    Assembly, Datagram, Framing, Malformed, Pack, Reader, Value, Writer, document, hash, hexa32, of_hexa32,
    packs, steps, write_steps,
};
use serde_json::Value as Json;

const DATAGRAMS: &str = include_str!("data/scouter/datagrams.jsonl");
const INCIDENT: &str = include_str!("data/scouter/incident.jsonl");
const TCP: &str = include_str!("data/scouter/tcp.jsonl");
const PRIMITIVES: &str = include_str!("data/scouter/primitives.json");

fn lines(text: &str) -> impl Iterator<Item = Json> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON"))
}

fn bytes(record: &Json, field: &str) -> Vec<u8> {
    let hex = record[field].as_str().expect("hex");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn every_datagram_is_read_as_scouter_reads_it() {
    let mut read = 0;
    for record in lines(DATAGRAMS).chain(lines(INCIDENT)) {
        let (name, expected) = (&record["name"], &record["expected"]);
        let (shown, is_one) = document(&bytes(&record, "hex"));
        let shown: Json = serde_json::from_str(&serde_json::to_string(&shown).expect("JSON")).expect("JSON");
        assert_eq!(is_one, expected.get("error").is_none(), "{name}");
        if is_one || expected.get("magic").is_some() {
            assert_eq!(&shown, expected, "{name}");
        } else {
            let fields = shown.as_object().expect("an object");
            assert!(fields.len() == 1 && fields["error"].is_string(), "{name}: {shown}");
        }
        read += 1;
    }
    assert_eq!(read, 431);
}

#[test]
fn what_was_read_is_written_as_it_was() {
    for record in
        lines(DATAGRAMS).chain(lines(INCIDENT)).filter(|record| record["expected"].get("error").is_none())
    {
        let bytes = bytes(&record, "hex");
        let mut datagram = Datagram::read(&bytes).expect("a datagram");
        if let Framing::One(Pack::Profile2(pack)) = &mut datagram.framing {
            let all: Vec<_> = steps(&pack.profile.0).map(|step| step.expect("a step")).collect();
            pack.profile.0 = write_steps(&all);
        }
        assert!(datagram.write() == bytes, "{}", record["name"]);
    }
}

#[test]
fn parts_of_a_profile_become_the_profile() {
    let mut assembly = Assembly::default();
    let from: IpAddr = [192, 0, 2, 1].into();
    let mut wholes = Vec::new();
    for record in
        lines(DATAGRAMS).filter(|record| record["name"].as_str().is_some_and(|name| name.contains("cafm")))
    {
        let (_, part, _) = packs(&bytes(&record, "hex")).expect("a part");
        wholes.extend(assembly.part(Time::from_micros(1), from, part.expect("a part")));
    }
    let packs: Vec<Pack> = wholes.iter().map(|whole| whole.pack().expect("a pack")).collect();
    assert!(packs.len() >= 2, "{}", packs.len());
    for pack in &packs {
        if let Some(profile) = pack.profile() {
            assert!(steps(profile).all(|step| step.is_ok()));
        }
    }
}

#[test]
fn answers_of_the_collector_are_read_as_they_were_recorded() {
    for record in lines(TCP) {
        let answer = bytes(&record, "answer");
        let mut rest = answer.as_slice();
        let mut shown = Vec::new();
        while let Some((3, tail)) = rest.split_first().map(|(flag, tail)| (*flag, tail)) {
            let mut reader = Reader::new(tail);
            let pack = Pack::read(&mut reader).expect("a pack");
            shown.push(serde_json::to_value(pack.show()).expect("JSON"));
            let mut w = Writer::default();
            pack.write(&mut w);
            assert_eq!(w.into_bytes(), tail[..reader.at()], "{}", record["name"]);
            rest = reader.rest();
        }
        assert_eq!(Some(u64::from(rest[0])), record["expected"]["final_flag"].as_u64(), "{}", record["name"]);
        assert_eq!(Json::Array(shown), record["expected"]["response"], "{}", record["name"]);
    }
}

#[test]
fn numbers_and_hashes_are_written_as_scouter_writes_them() {
    let primitives: Json = serde_json::from_str(PRIMITIVES).expect("JSON");
    for case in primitives["hash"].as_array().expect("cases") {
        assert_eq!(
            i64::from(hash(case["text"].as_str().expect("a text").as_bytes())),
            case["hash"],
            "{case}"
        );
    }
    for case in primitives["hexa32"].as_array().expect("cases") {
        let number = case["n"].as_i64().expect("a number");
        assert_eq!(hexa32(number), case["s"], "{case}");
        assert_eq!(of_hexa32(case["s"].as_str().expect("a text")), Some(number));
    }
    for case in primitives["decimal"].as_array().expect("cases") {
        let list: Value = [case["n"].as_i64().expect("a number")].into_iter().collect();
        let map = [("n", list)].into_iter().collect();
        let mut w = Writer::default();
        Pack::Map(reach_signal::scouter::wire::MapPack { table: map }).write(&mut w);
        assert!(w.into_bytes().ends_with(&bytes(case, "hex")), "{case}");
    }
}

#[test]
fn lengths_that_nothing_stands_behind_are_no_reason_to_make_room() {
    let object = |tags: &[u8]| [b"CAFE\x50\x00\x00\x00\x00\x00\x00\x00".as_slice(), tags].concat();
    for claim in [
        &[70, 4, 0x7f, 0xff, 0xff, 0xff][..],
        &[80, 4, 0x7f, 0xff, 0xff, 0xff],
        &[71, 0x7f, 0xff],
        &[74, 0xff, 0xff],
        &[60, 254, 0x7f, 0xff, 0xff, 0xff],
        &[60, 254, 0xff, 0xff, 0xff, 0xff],
        &[60, 255, 0xff, 0xff],
    ] {
        assert!(Datagram::read(&object(claim)).is_err(), "{claim:?}");
    }
}

#[test]
fn values_may_stand_in_one_another_only_so_deep() {
    let nested = |depth: usize| {
        let mut bytes = b"CAFE\x50\x00\x00\x00\x00\x00\x00\x00".to_vec();
        bytes.extend([70, 1, 1].repeat(depth));
        bytes.push(0);
        bytes
    };
    assert!(Datagram::read(&nested(64)).is_ok());
    assert_eq!(Datagram::read(&nested(65)), Err(Malformed::Deep));
    assert_eq!(Datagram::read(&nested(20_000)), Err(Malformed::Deep));
}

proptest! {
    #[test]
    fn no_bytes_break_anything(bytes in prop::collection::vec(any::<u8>(), 0..300), magic in 0..6usize) {
        let magic = [b"CAFE", b"CAFN", b"CAFM", b"JAVA", b"JAVN", b"JMTU"][magic];
        let bytes = [magic.as_slice(), &bytes].concat();
        let (shown, is_one) = document(&bytes);
        prop_assert!(serde_json::to_string(&shown).is_ok());
        prop_assert_eq!(is_one, packs(&bytes).is_ok_and(|(packs, _, fault)| {
            fault.is_none() && packs.iter().filter_map(Pack::profile).flat_map(steps).all(|step| step.is_ok())
        }));
    }

    #[test]
    fn a_recorded_datagram_with_one_byte_changed_breaks_nothing(number in 0..431usize, at: prop::sample::Index, byte: u8) {
        let record = DATAGRAMS.lines().chain(INCIDENT.lines()).nth(number).expect("a line");
        let mut bytes = bytes(&serde_json::from_str(record).expect("JSON"), "hex");
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(datagram) = Datagram::read(&bytes) {
            let again = Datagram::read(&datagram.write()).expect("what is written can be read");
            prop_assert_eq!(again.write(), datagram.write());
        }
        document(&bytes);
    }
}
