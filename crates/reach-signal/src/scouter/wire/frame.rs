//! Datagrams: one pack, several, or a part of one.

use super::{
    fields::Bytes,
    pack::Pack,
    read::{Malformed, Reader},
    write::Writer,
};

/// No datagram is longer.
pub const MAX_DATAGRAM: usize = 65_535;

/// How a datagram is put together, and what it holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Framing {
    /// One pack.
    One(Pack),
    /// So many packs as are said, which may be fewer than none.
    Several(i16, Vec<Pack>),
    /// A part of one.
    Part(Part),
}

/// A part of a pack that did not fit into one datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose it is.
    pub obj_hash: i32,
    /// What its parts have in common.
    pub id: i64,
    /// How many parts there are.
    pub total: i16,
    /// Which of them this is, from 0 on.
    pub number: i16,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A datagram.
#[derive(Clone, Debug, PartialEq)]
pub struct Datagram {
    /// Its first four bytes, which tell how to read the others.
    pub magic: [u8; 4],
    /// What it holds.
    pub framing: Framing,
    /// Bytes behind what it holds, which mean nothing.
    pub trailing: Bytes,
}

impl Datagram {
    /// Reads a datagram, all of it.
    ///
    /// # Errors
    ///
    /// When it is malformed, be it in one of its packs.
    pub fn read(bytes: &[u8]) -> Result<Datagram, Malformed> {
        let mut r = Reader::new(bytes);
        let magic = r.array::<4>()?;
        let framing = match Kind::of(magic)? {
            Kind::One => Framing::One(Pack::read(&mut r)?),
            Kind::Several => {
                let count = r.i16()?;
                Framing::Several(count, (0..count).map(|_| Pack::read(&mut r)).collect::<Result<_, _>>()?)
            }
            Kind::Part => Framing::Part(Part::read(&mut r)?),
        };
        Ok(Datagram { magic, framing, trailing: Bytes(r.rest().to_vec()) })
    }

    /// Its bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.raw(&self.magic);
        match &self.framing {
            Framing::One(pack) => pack.write(&mut w),
            Framing::Several(count, packs) => {
                w.i16(*count);
                packs.iter().for_each(|pack| pack.write(&mut w));
            }
            Framing::Part(part) => {
                w.i32(part.obj_hash);
                w.i64(part.id);
                w.i16(part.total);
                w.i16(part.number);
                w.blob(&part.bytes.0);
            }
        }
        w.raw(&self.trailing.0);
        w.into_bytes()
    }

    /// A datagram with one pack.
    pub fn of(pack: Pack) -> Datagram {
        Datagram { magic: *b"CAFE", framing: Framing::One(pack), trailing: Bytes::default() }
    }

    /// A datagram with several packs, no more than [`i16::MAX`].
    pub fn all(packs: Vec<Pack>) -> Datagram {
        let count = i16::try_from(packs.len()).unwrap_or(i16::MAX);
        Datagram { magic: *b"CAFN", framing: Framing::Several(count, packs), trailing: Bytes::default() }
    }
}

/// Packs, a part of one, and the fault behind which nothing could be read.
pub type Held = (Vec<Pack>, Option<Part>, Option<Malformed>);

/// What a datagram holds, as far as it can be read: what stands before the fault, and the fault.
///
/// # Errors
///
/// With an unknown magic, or a part that is none.
pub fn packs(bytes: &[u8]) -> Result<Held, Malformed> {
    let mut r = Reader::new(bytes);
    let count = match Kind::of(r.array::<4>()?)? {
        Kind::One => 1,
        Kind::Several => r.i16()?,
        Kind::Part => return Part::read(&mut r).map(|part| (Vec::new(), Some(part), None)),
    };
    let mut packs = Vec::new();
    for _ in 0..count {
        match Pack::read(&mut r) {
            Ok(pack) => packs.push(pack),
            Err(fault) => return Ok((packs, None, Some(fault))),
        }
    }
    Ok((packs, None, None))
}

impl Part {
    fn read(r: &mut Reader<'_>) -> Result<Part, Malformed> {
        Ok(Part {
            obj_hash: r.i32()?,
            id: r.i64()?,
            total: r.i16()?,
            number: r.i16()?,
            bytes: Bytes(r.blob()?.to_vec()),
        })
    }
}

enum Kind {
    One,
    Several,
    Part,
}

impl Kind {
    fn of(magic: [u8; 4]) -> Result<Kind, Malformed> {
        match &magic {
            b"CAFE" | b"JAVA" => Ok(Kind::One),
            b"CAFN" | b"JAVN" => Ok(Kind::Several),
            b"CAFM" | b"JMTU" => Ok(Kind::Part),
            _ => Err(Malformed::Magic),
        }
    }
}
