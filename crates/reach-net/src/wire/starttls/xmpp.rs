//! XMPP (RFC 6120 §5): a stream of XML, read as far as it takes to find a few tags.

use reach_core::model::StartTlsEnd;

use super::Common;
use crate::wire::dialogue::{Dialogue, Turn, may_begin};

const NAMESPACE: &[u8] = b"urn:ietf:params:xml:ns:xmpp-tls";

/// XMPP.
#[derive(Debug)]
pub(super) struct Xmpp {
    pub(super) common: Common,
    domain: String,
    started: bool,
}

impl Xmpp {
    /// `domain` is the one that the client wants to be served by.
    pub(super) fn new(domain: &str) -> Self {
        // Names and addresses have no characters that XML would have to escape; anything else is no domain.
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        Self { common: Common::default(), domain: domain.chars().filter(plain).collect(), started: false }
    }
}

impl Dialogue for Xmpp {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        format!(
            "<?xml version='1.0'?><stream:stream to='{}' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
            self.domain
        )
        .into_bytes()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        if let Some(over) = self.common.take(bytes) {
            return over;
        }
        let heard = self.common.heard.bytes();
        // White space may keep a stream alive (RFC 6120 §4.6.1).
        let start = heard.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(heard.len());
        if !self.started && !may_begin(&heard[start..], &[b"<?xml", b"<stream:", b"<s:"]) {
            return self.common.foreign();
        }
        // Before anything else, since a server that refuses closes the stream behind it.
        for refusal in [&b"<stream:error"[..], b"<failure"] {
            if let Some(at) = find(heard, refusal)
                && let Some(end) =
                    find(&heard[at..], b"</stream:error>").or_else(|| find(&heard[at..], b"/>"))
            {
                let words = heard[at..at + end].to_vec();
                return self.common.refused(&words);
            }
        }
        if self.started {
            let Some(at) = find(heard, b"<proceed") else { return Turn::Listen };
            let Some(end) = heard[at..].iter().position(|&byte| byte == b'>') else { return Turn::Listen };
            let _ = self.common.heard.cut(at + end + 1);
            return self.common.over(StartTlsEnd::Ready);
        }
        let empty = find(heard, b"<stream:features/>").map(|at| (at, at + b"<stream:features/>".len()));
        let full = find(heard, b"</stream:features>").map(|at| (at, at + b"</stream:features>".len()));
        let Some((at, end)) = empty.or(full) else { return Turn::Listen };
        let offered = find(&heard[..at], NAMESPACE).is_some();
        self.common.greeting = heard[..at].to_vec();
        let _ = self.common.heard.cut(end);
        if !offered {
            return self.common.over(StartTlsEnd::NotOffered);
        }
        self.started = true;
        Turn::Say([b"<starttls xmlns='", NAMESPACE, b"'/>"].concat())
    }

    fn rest(&mut self) -> Vec<u8> {
        self.common.heard.rest()
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
