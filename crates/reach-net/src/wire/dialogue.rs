//! Dialogues before the layer that matters: with a proxy, or until a server is ready for TLS.

/// The most bytes that a dialogue holds at a time; no honest greeting, list of capabilities or head is longer.
pub const MOST_HELD: usize = 16 * 1024;

/// The most bytes of something that is another protocol which are kept.
pub const MOST_FOREIGN: usize = 64;

/// What to do next in a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn<E> {
    /// Wait for more.
    Listen,
    /// Say this, then ask again with nothing new.
    Say(Vec<u8>),
    /// It is over.
    Over(E),
}

/// One side of a dialogue, without any I/O: what the other side says goes in, what to say comes out.
pub trait Dialogue {
    /// How it ends, where it ends by what was said.
    type End;

    /// What to say before anything was heard; empty where the other side speaks first.
    fn open(&mut self) -> Vec<u8>;

    /// Takes what was heard, possibly nothing, and says what to do next. Once it is over, it stays over with the
    /// same end.
    fn hear(&mut self, bytes: &[u8]) -> Turn<Self::End>;

    /// What was heard and belongs to the next layer.
    fn rest(&mut self) -> Vec<u8>;
}

/// What was heard and not yet understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    bytes: Vec<u8>,
}

impl Heard {
    /// Takes more; `false` when it is too much.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> bool {
        self.bytes.extend_from_slice(bytes);
        self.bytes.len() <= MOST_HELD
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first bytes, as evidence.
    pub(crate) fn first(&self) -> Vec<u8> {
        self.bytes[..self.bytes.len().min(MOST_FOREIGN)].to_vec()
    }

    /// Takes `length` bytes off, if there are so many.
    pub(crate) fn cut(&mut self, length: usize) -> Option<Vec<u8>> {
        (self.bytes.len() >= length).then(|| self.bytes.drain(..length).collect())
    }

    /// Takes a line off, without its end: LF with or without CR before it.
    pub(crate) fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.iter().position(|&byte| byte == b'\n')?;
        let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Some(line)
    }

    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// Whether `bytes` are a beginning of one of these, or begin with one of them, letter case aside. Nothing at all
/// is the beginning of anything.
pub(crate) fn may_begin(bytes: &[u8], expected: &[&[u8]]) -> bool {
    expected.iter().any(|expected| {
        let length = bytes.len().min(expected.len());
        bytes[..length].eq_ignore_ascii_case(&expected[..length])
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Plays a dialogue with a script of what the other side says, each in pieces of `piece` bytes; gives all
    /// that was said, and the end.
    pub(crate) fn play<D: Dialogue>(
        mut dialogue: D,
        script: &[&[u8]],
        piece: usize,
    ) -> (Vec<Vec<u8>>, Option<D::End>, Vec<u8>) {
        let mut said = Vec::new();
        let opening = dialogue.open();
        if !opening.is_empty() {
            said.push(opening);
        }
        for line in script {
            for part in line.chunks(piece.max(1)) {
                let mut turn = dialogue.hear(part);
                loop {
                    match turn {
                        Turn::Listen => break,
                        Turn::Say(words) => said.push(words),
                        Turn::Over(end) => {
                            let mut rest = dialogue.rest();
                            let at = part.as_ptr() as usize - line.as_ptr() as usize + part.len();
                            rest.extend_from_slice(&line[at..]);
                            return (said, Some(end), rest);
                        }
                    }
                    turn = dialogue.hear(&[]);
                }
            }
        }
        (said, None, Vec::new())
    }

    #[test]
    fn lines_end_with_lf_with_or_without_cr() {
        let mut heard = Heard::default();
        assert!(heard.take(b"one\r\ntwo\nthr"));
        assert_eq!(heard.line().as_deref(), Some(&b"one"[..]));
        assert_eq!(heard.line().as_deref(), Some(&b"two"[..]));
        assert_eq!(heard.line(), None);
        assert_eq!(heard.rest(), b"thr");
    }

    #[test]
    fn too_much_is_told() {
        let mut heard = Heard::default();
        assert!(heard.take(&vec![b'x'; MOST_HELD]));
        assert!(!heard.take(b"x"));
        assert_eq!(heard.first().len(), MOST_FOREIGN);
    }
}
