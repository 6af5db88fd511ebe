//! The primitives, read.

use thiserror::Error;

/// How deep lists and maps may stand in one another.
pub const NESTING: u8 = 64;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// The bytes end too early; more of them may mend it.
    #[error("it ends after {have} bytes, and at least {needed} are needed")]
    Short {
        /// How many there are.
        have: usize,
        /// How many are needed at least, counted from the beginning.
        needed: usize,
    },
    /// A blob ends before what it holds does.
    #[error("a blob of {have} bytes holds something that needs at least {needed}")]
    Cut {
        /// How many there are.
        have: usize,
        /// How many are needed at least.
        needed: usize,
    },
    /// No magic of a datagram.
    #[error("unknown magic")]
    Magic,
    /// A type of pack that is not known, behind which nothing can be read.
    #[error("unknown type of pack: {0}")]
    Pack(u8),
    /// The same of a value.
    #[error("unknown type of value: {0}")]
    Value(u8),
    /// The same of a step.
    #[error("unknown type of step: {0}")]
    Step(u8),
    /// A length that is none.
    #[error("a length of {0}")]
    Length(i64),
    /// Values stand too deep in one another.
    #[error("values are nested more than {NESTING} deep")]
    Deep,
}

impl Malformed {
    /// The same inside a blob: no bytes that may still come will mend it.
    pub(super) fn within(self) -> Malformed {
        match self {
            Malformed::Short { have, needed } => Malformed::Cut { have, needed },
            other => other,
        }
    }
}

/// Bytes, and how far they are read.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u8,
}

impl<'a> Reader<'a> {
    /// At the beginning of some bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0, depth: 0 }
    }

    /// How many bytes are read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The next bytes, as many as wanted.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        self.expect(count)?;
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    /// Makes sure that so many bytes are left.
    pub(super) fn expect(&self, count: usize) -> Result<(), Malformed> {
        if count <= self.bytes.len() - self.at {
            return Ok(());
        }
        Err(Malformed::Short { have: self.bytes.len(), needed: self.at.saturating_add(count) })
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn i16(&mut self) -> Result<i16, Malformed> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_be_bytes)
    }

    /// A number in as many bytes as it needs.
    pub(super) fn decimal(&mut self) -> Result<i64, Malformed> {
        let length = match self.u8()? {
            0 => return Ok(0),
            length @ 1..=5 => usize::from(length),
            _ => 8,
        };
        let taken = self.take(length)?;
        let sign = if taken[0] & 0x80 == 0 { 0 } else { 0xff };
        let mut wide = [sign; 8];
        wide[8 - length..].copy_from_slice(taken);
        Ok(i64::from_be_bytes(wide))
    }

    /// The same, cut to its low 32 bits.
    pub(super) fn decimal32(&mut self) -> Result<i32, Malformed> {
        self.decimal().map(|wide| wide as i32)
    }

    /// Bytes with their length before them.
    pub(super) fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let length = match self.u8()? {
            255 => self.array().map(u16::from_be_bytes)?.into(),
            254 => self.i32().and_then(|length| length_of(length.into()))?,
            short => short.into(),
        };
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        self.blob().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// How many items follow, of which each takes `least` bytes at least.
    pub(super) fn count16(&mut self, least: usize) -> Result<usize, Malformed> {
        let count = self.i16().and_then(|count| length_of(count.into()))?;
        self.expect(count.saturating_mul(least))?;
        Ok(count)
    }

    /// The same where the count is a decimal, and one below zero means none.
    pub(super) fn count32(&mut self, least: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.decimal32()?).unwrap_or(0);
        self.expect(count.saturating_mul(least))?;
        Ok(count)
    }

    /// Goes one level down into values, as long as there are levels.
    pub(super) fn deeper<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        if self.depth == NESTING {
            return Err(Malformed::Deep);
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }
}

fn length_of(length: i64) -> Result<usize, Malformed> {
    usize::try_from(length).map_err(|_| Malformed::Length(length))
}
