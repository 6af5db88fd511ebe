//! The primitives, written: in the shortest form, as the agents write them.

/// Bytes as they grow.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn u8(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn i16(&mut self, number: i16) {
        self.raw(&number.to_be_bytes());
    }

    pub(super) fn i32(&mut self, number: i32) {
        self.raw(&number.to_be_bytes());
    }

    pub(in crate::scouter) fn i64(&mut self, number: i64) {
        self.raw(&number.to_be_bytes());
    }

    pub(super) fn decimal(&mut self, number: i64) {
        let length = match number {
            0 => 0,
            _ => (1..=5).find(|length| fits(number, *length)).unwrap_or(8),
        };
        self.u8(length);
        self.raw(&number.to_be_bytes()[8 - usize::from(length)..]);
    }

    /// Bytes with their length before them. More than 2 GiB cannot be said; they are cut.
    pub(super) fn blob(&mut self, bytes: &[u8]) {
        if let Ok(short @ 0..=253) = u8::try_from(bytes.len()) {
            self.u8(short);
        } else if let Ok(length) = u16::try_from(bytes.len()) {
            self.u8(255);
            self.raw(&length.to_be_bytes());
        } else {
            let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
            self.u8(254);
            self.i32(length);
            return self.raw(&bytes[..usize::try_from(length).unwrap_or(0)]);
        }
        self.raw(bytes);
    }

    pub(in crate::scouter) fn text(&mut self, text: &str) {
        self.blob(text.as_bytes());
    }

    /// Items with their number before them. More than 32,767 cannot be said; the rest is left out.
    pub(super) fn array<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        let count = i16::try_from(items.len()).unwrap_or(i16::MAX);
        self.i16(count);
        for item in items.iter().take(usize::try_from(count).unwrap_or(0)) {
            write(self, item);
        }
    }

    /// A count as a decimal.
    pub(super) fn count(&mut self, count: usize) {
        self.decimal(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

/// Whether a number can be said in so many bytes.
fn fits(number: i64, length: u8) -> bool {
    let unused = 64 - 8 * u32::from(length);
    (number << unused) >> unused == number
}
