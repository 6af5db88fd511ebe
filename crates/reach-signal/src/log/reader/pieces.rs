//! Lines that a container's runtime cut into pieces.

use std::collections::BTreeMap;

use reach_core::Time;

use crate::log::envelope::Inner;

/// Beginnings of lines, by stream, until their ends come.
#[derive(Debug)]
pub(super) struct Pieces {
    streams: usize,
    longest: usize,
    open: BTreeMap<String, Piece>,
}

#[derive(Debug)]
struct Piece {
    text: String,
    /// Where the first one begins.
    from: u64,
    heard: Time,
}

impl Pieces {
    /// Of so many streams at the same time, each up to so many bytes.
    pub(super) fn new(streams: usize, longest: usize) -> Self {
        Self { streams: streams.max(1), longest, open: BTreeMap::new() }
    }

    /// Whether a line of this stream is not over.
    pub(super) fn has(&self, stream: &str) -> bool {
        !self.open.is_empty() && self.open.contains_key(stream)
    }

    /// Takes a piece that begins at `from`; gives the line that it ends, and where that begins.
    pub(super) fn join(&mut self, inner: &Inner<'_>, from: u64, heard: Time) -> Option<(String, u64)> {
        let stream: &str = &inner.stream;
        if !self.open.contains_key(stream) && self.open.len() >= self.streams {
            // The line is as long as it is.
            return Some((inner.text.clone().into_owned(), from));
        }
        let piece = self.open.entry(stream.to_owned()).or_insert(Piece { text: String::new(), from, heard });
        let room = self.longest.saturating_sub(piece.text.len());
        piece.text.push_str(&inner.text[..inner.text.floor_char_boundary(room)]);
        piece.heard = heard;
        if inner.is_partial {
            return None;
        }
        self.open.remove(stream).map(|piece| (piece.text, piece.from))
    }

    /// Gives what has been left without an end until then.
    pub(super) fn settle(&mut self, until: Time) -> Vec<(String, String, u64)> {
        let over = self.open.extract_if(.., |_, piece| piece.heard <= until);
        over.map(|(stream, piece)| (stream, piece.text, piece.from)).collect()
    }

    /// Where the first line begins that has no end.
    pub(super) fn open_from(&self) -> Option<u64> {
        self.open.values().map(|piece| piece.from).min()
    }
}
