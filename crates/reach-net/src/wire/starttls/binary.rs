//! Protocols of messages: PostgreSQL (Frontend/Backend Protocol, SSLRequest), MySQL (Protocol::SSLRequest) and
//! LDAP (RFC 4511 §4.14).

use reach_core::model::StartTlsEnd;

use super::Common;
use crate::wire::dialogue::{Dialogue, Turn};

/// PostgreSQL: eight bytes, and one letter in answer.
#[derive(Debug, Default)]
pub(super) struct Postgres {
    pub(super) common: Common,
}

impl Dialogue for Postgres {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        // The length, and 1234 and 5679 as a version that no protocol has.
        [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        if let Some(over) = self.common.take(bytes) {
            return over;
        }
        match self.common.heard.bytes() {
            [] => Turn::Listen,
            // A letter alone: more behind it would be a longer text of another protocol.
            [b'S', b'S', ..] => self.common.foreign(),
            [b'S', ..] => {
                let _ = self.common.heard.cut(1);
                self.common.over(StartTlsEnd::Ready)
            }
            [b'N'] => self.common.over(StartTlsEnd::NotOffered),
            // A server from before SSL answers with an error, whose fields are texts that end with NUL.
            [b'E', ..] => self.common.refused(b"the server does not know SSLRequest"),
            _ => self.common.foreign(),
        }
    }

    fn rest(&mut self) -> Vec<u8> {
        self.common.heard.rest()
    }
}

/// MySQL and MariaDB: the server's handshake packet tells whether it can; the client's answer is the start.
#[derive(Debug, Default)]
pub(super) struct Mysql {
    pub(super) common: Common,
    asked: bool,
}

/// `CLIENT_SSL`.
const CLIENT_SSL: u16 = 0x0800;

impl Mysql {
    /// What the payload of the first packet says: the version, and the lower half of the capabilities.
    fn handshake(payload: &[u8]) -> Option<(&[u8], u16)> {
        let rest = payload.strip_prefix(&[10])?;
        let end = rest.iter().position(|&byte| byte == 0)?;
        let (version, rest) = rest.split_at(end);
        // NUL, connection id, first part of the challenge, filler.
        let low = rest.get(1 + 4 + 8 + 1..)?.first_chunk()?;
        Some((version, u16::from_le_bytes(*low)))
    }

    fn ssl_request() -> Vec<u8> {
        // CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION.
        const FLAGS: u32 = 0x0200 | CLIENT_SSL as u32 | 0x8000;
        const LARGEST_PACKET: u32 = 1 << 24;
        const UTF8: u8 = 33;
        let mut request = vec![32, 0, 0, 1];
        request.extend(FLAGS.to_le_bytes());
        request.extend(LARGEST_PACKET.to_le_bytes());
        request.push(UTF8);
        request.extend([0; 23]);
        request
    }
}

impl Dialogue for Mysql {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        if let Some(over) = self.common.take(bytes) {
            return over;
        }
        if self.asked {
            // The server says nothing more: TLS begins with what the client sends next.
            return self.common.over(StartTlsEnd::Ready);
        }
        let heard = self.common.heard.bytes();
        let Some(&[a, b, c, sequence, kind]) = heard.first_chunk() else {
            // Lengths of handshakes fit one byte, and the first packet has the number 0.
            let foreign =
                heard.get(1..3).is_some_and(|high| high != [0, 0]) || heard.get(3).is_some_and(|&n| n != 0);
            return if foreign { self.common.foreign() } else { Turn::Listen };
        };
        let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
        if sequence != 0 || b != 0 || c != 0 || !matches!(kind, 9 | 10 | 0xff) {
            return self.common.foreign();
        }
        let Some(payload) = heard.get(4..4 + length).map(<[u8]>::to_vec) else { return Turn::Listen };
        let _ = self.common.heard.cut(4 + length);
        match payload.as_slice() {
            // Too many connections, host blocked: code and text.
            [0xff, low, high, text @ ..] => {
                let code = u16::from_le_bytes([*low, *high]);
                let text = [format!("error {code}: ").as_bytes(), text].concat();
                self.common.refused(&text)
            }
            payload => match Self::handshake(payload) {
                Some((version, capabilities)) => {
                    self.common.greeting = version.to_vec();
                    if capabilities & CLIENT_SSL == 0 {
                        return self.common.over(StartTlsEnd::NotOffered);
                    }
                    self.asked = true;
                    Turn::Say(Self::ssl_request())
                }
                // Protocol 9, of before 4.1, knows no TLS.
                None if kind == 9 => self.common.over(StartTlsEnd::NotOffered),
                None => self.common.foreign_line(payload),
            },
        }
    }

    fn rest(&mut self) -> Vec<u8> {
        self.common.heard.rest()
    }
}

/// LDAP: an extended request and its response, in BER.
#[derive(Debug, Default)]
pub(super) struct Ldap {
    pub(super) common: Common,
}

const START_TLS_OID: &[u8] = b"1.3.6.1.4.1.1466.20037";
const SEQUENCE: u8 = 0x30;
const EXTENDED_RESPONSE: u8 = 0x78;

impl Ldap {
    /// The result code and the message of an extended response.
    fn response(message: &[u8]) -> Option<(u8, &[u8])> {
        let (_, rest) = element(message, 0x02)?;
        let (response, _) = element(rest, EXTENDED_RESPONSE)?;
        let (code, rest) = element(response, 0x0a)?;
        let (_, rest) = element(rest, 0x04)?;
        let (text, _) = element(rest, 0x04)?;
        Some((*code.last()?, text))
    }
}

impl Dialogue for Ldap {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        let name = [&[0x80, START_TLS_OID.len() as u8][..], START_TLS_OID].concat();
        let request = [&[0x77, name.len() as u8][..], &name].concat();
        // Message number 1.
        let message = [&[0x02, 0x01, 0x01][..], &request].concat();
        [&[SEQUENCE, message.len() as u8][..], &message].concat()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        if let Some(over) = self.common.take(bytes) {
            return over;
        }
        let heard = self.common.heard.bytes();
        match heard.first() {
            None => return Turn::Listen,
            Some(&SEQUENCE) => {}
            Some(_) => return self.common.foreign(),
        }
        let Some((header, length)) = length(&heard[1..]) else {
            // A length takes at most five bytes.
            return if heard.len() > 6 { self.common.foreign() } else { Turn::Listen };
        };
        let Some(message) = heard.get(1 + header..1 + header + length).map(<[u8]>::to_vec) else {
            return Turn::Listen;
        };
        let Some((code, text)) = Self::response(&message) else { return self.common.foreign() };
        let _ = self.common.heard.cut(1 + header + length);
        match code {
            0 => self.common.over(StartTlsEnd::Ready),
            // The server does not know the operation (RFC 4511 §4.14.2).
            2 => self.common.over(StartTlsEnd::NotOffered),
            code => {
                let text = [format!("result code {code}: ").as_bytes(), text].concat();
                self.common.refused(&text)
            }
        }
    }

    fn rest(&mut self) -> Vec<u8> {
        self.common.heard.rest()
    }
}

/// The contents of an element with this tag, and what is behind it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (header, length) = length(rest)?;
    rest.get(header..)?.split_at_checked(length)
}

/// A definite length in BER (X.690 §8.1.3): how many bytes tell it, and how much it is.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.first()? {
        short @ 0..=0x7f => Some((1, usize::from(short))),
        long @ 0x81..=0x84 => {
            let count = usize::from(long & 0x7f);
            let digits = bytes.get(1..1 + count)?;
            let length = digits.iter().fold(0_usize, |length, &digit| length << 8 | usize::from(digit));
            // More than any dialogue may hold.
            Some((1 + count, length.min(1 << 24)))
        }
        _ => None,
    }
}
