//! A datagram as it is shown.

use super::{
    fields::{Fields, Node},
    frame::{Datagram, Framing},
    pack::Pack,
    read::Malformed,
    step::steps,
};

/// What is shown of a datagram, and whether it is one: of a malformed one, `error` says why.
pub fn document(bytes: &[u8]) -> (Node, bool) {
    match read(bytes) {
        Ok(datagram) => (whole(&datagram, bytes.len()), true),
        Err(Malformed::Magic) => {
            let node = Node::object([
                ("magic", String::from_utf8_lossy(&bytes[..4]).into_owned().into()),
                ("length", length(bytes.len())),
                ("error", Malformed::Magic.to_string().into()),
                ("trailing_bytes", length(bytes.len() - 4)),
            ]);
            (node, false)
        }
        Err(fault) => (Node::object([("error", fault.to_string().into())]), false),
    }
}

/// A datagram whose steps can be read too.
fn read(bytes: &[u8]) -> Result<Datagram, Malformed> {
    let datagram = Datagram::read(bytes)?;
    let packs = match &datagram.framing {
        Framing::One(pack) => std::slice::from_ref(pack),
        Framing::Several(_, packs) => packs,
        Framing::Part(_) => &[],
    };
    for step in packs.iter().filter_map(Pack::profile).flat_map(steps) {
        step?;
    }
    Ok(datagram)
}

fn whole(datagram: &Datagram, bytes: usize) -> Node {
    let magic = String::from_utf8_lossy(&datagram.magic).into_owned();
    let mut fields: Fields = vec![("magic".into(), magic.into()), ("length".into(), length(bytes))];
    match &datagram.framing {
        Framing::One(pack) => fields.push(("packs".into(), Node::List(vec![pack.show()]))),
        Framing::Several(count, packs) => {
            fields.push(("count".into(), Node::Int((*count).into())));
            fields.push(("packs".into(), packs.iter().map(Pack::show).collect()));
        }
        Framing::Part(part) => fields.extend([
            ("objHash".into(), Node::Int(part.obj_hash.into())),
            ("pkid".into(), Node::Int(part.id)),
            ("total".into(), Node::Int(part.total.into())),
            ("num".into(), Node::Int(part.number.into())),
            ("part_length".into(), length(part.bytes.0.len())),
            ("part_crc32".into(), format!("{:08x}", crc32fast::hash(&part.bytes.0)).into()),
        ]),
    }
    fields.push(("trailing_bytes".into(), length(datagram.trailing.0.len())));
    Node::Object(fields)
}

fn length(bytes: usize) -> Node {
    Node::Int(i64::try_from(bytes).unwrap_or(i64::MAX))
}
