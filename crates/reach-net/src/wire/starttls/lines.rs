//! Protocols of lines: SMTP (RFC 5321, RFC 3207), IMAP (RFC 9051), POP3 (RFC 1939, RFC 2449, RFC 2595) and FTP
//! (RFC 959, RFC 4217).

use reach_core::model::StartTlsEnd;

use super::Common;
use crate::wire::dialogue::{Dialogue, Turn, may_begin};

/// The name that we greet with: a client without a name gives its address (RFC 5321 §4.1.3), and nobody checks
/// before TLS.
const EHLO: &[u8] = b"EHLO [127.0.0.1]\r\n";

/// A line of a reply with a code: `250-first`, `250 last`.
struct Reply<'a> {
    code: u16,
    last: bool,
    text: &'a [u8],
}

impl<'a> Reply<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let (digits, rest) = line.split_at_checked(3)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        match rest {
            [] => Some(Self { code, last: true, text: rest }),
            [b' ', text @ ..] => Some(Self { code, last: true, text }),
            [b'-', text @ ..] => Some(Self { code, last: false, text }),
            _ => None,
        }
    }
}

fn keep(greeting: &mut Vec<u8>, line: &[u8]) {
    if !greeting.is_empty() {
        greeting.push(b'\n');
    }
    let room = super::MOST_GREETING.saturating_sub(greeting.len());
    greeting.extend(line.iter().take(room));
}

fn has_word(line: &[u8], word: &[u8]) -> bool {
    line.split(|byte| matches!(byte, b' ' | b'=')).any(|one| one.eq_ignore_ascii_case(word))
}

/// SMTP.
#[derive(Debug, Default)]
pub(super) struct Smtp {
    pub(super) common: Common,
    step: SmtpStep,
    offered: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SmtpStep {
    #[default]
    Greeting,
    Extensions,
    Start,
}

impl Dialogue for Smtp {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        if let Some(over) = self.common.take(bytes) {
            return over;
        }
        while let Some(line) = self.common.heard.line() {
            let Some(reply) = Reply::parse(&line) else { return self.common.foreign_line(&line) };
            match (self.step, reply.code) {
                (SmtpStep::Greeting, 220) => {
                    keep(&mut self.common.greeting, reply.text);
                    if reply.last {
                        self.step = SmtpStep::Extensions;
                        return Turn::Say(EHLO.to_vec());
                    }
                }
                (SmtpStep::Extensions, 250) => {
                    self.offered |= reply.text.eq_ignore_ascii_case(b"STARTTLS");
                    if reply.last && !self.offered {
                        return self.common.over(StartTlsEnd::NotOffered);
                    }
                    if reply.last {
                        self.step = SmtpStep::Start;
                        return Turn::Say(b"STARTTLS\r\n".to_vec());
                    }
                }
                (SmtpStep::Start, 220) if reply.last => return self.common.over(StartTlsEnd::Ready),
                (SmtpStep::Start, 220) => {}
                // A server from before 1995: without extensions there is no TLS.
                (SmtpStep::Extensions, 500 | 502) => return self.common.over(StartTlsEnd::NotOffered),
                _ => return self.common.refused(&line),
            }
        }
        Turn::Listen
    }

    fn rest(&mut self) -> Vec<u8> {
        self.common.heard.rest()
    }
}

/// IMAP.
#[derive(Debug, Default)]
pub(super) struct Imap {
    pub(super) common: Common,
    step: ImapStep,
    offered: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ImapStep {
    #[default]
    Greeting,
    Capability,
    Start,
}

impl Dialogue for Imap {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        if let Some(over) = self.common.take(bytes) {
            return over;
        }
        while let Some(line) = self.common.heard.line() {
            if self.step == ImapStep::Greeting {
                if begins(&line, b"* OK") {
                    keep(&mut self.common.greeting, &line);
                    self.step = ImapStep::Capability;
                    return Turn::Say(b"a1 CAPABILITY\r\n".to_vec());
                }
                // Logged in already (RFC 9051 §7.1.4): too late for TLS.
                let known = begins(&line, b"* BYE") || begins(&line, b"* PREAUTH");
                return if known { self.common.refused(&line) } else { self.common.foreign_line(&line) };
            }
            if begins(&line, b"* BYE") {
                return self.common.refused(&line);
            }
            if begins(&line, b"* ") {
                self.offered |= begins(&line, b"* CAPABILITY") && has_word(&line, b"STARTTLS");
                continue;
            }
            match self.step {
                ImapStep::Capability if begins(&line, b"a1 OK") && self.offered => {
                    self.step = ImapStep::Start;
                    return Turn::Say(b"a2 STARTTLS\r\n".to_vec());
                }
                ImapStep::Capability if begins(&line, b"a1 OK") => {
                    return self.common.over(StartTlsEnd::NotOffered);
                }
                ImapStep::Start if begins(&line, b"a2 OK") => return self.common.over(StartTlsEnd::Ready),
                _ => return self.common.refused(&line),
            }
        }
        Turn::Listen
    }

    fn rest(&mut self) -> Vec<u8> {
        self.common.heard.rest()
    }
}

/// POP3.
#[derive(Debug, Default)]
pub(super) struct Pop3 {
    pub(super) common: Common,
    step: PopStep,
    offered: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum PopStep {
    #[default]
    Greeting,
    /// Whether there is a list.
    Capability,
    /// The list.
    List,
    Start,
}

impl Dialogue for Pop3 {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        if let Some(over) = self.common.take(bytes) {
            return over;
        }
        while let Some(line) = self.common.heard.line() {
            let good = begins(&line, b"+OK");
            match self.step {
                PopStep::Greeting if good => {
                    keep(&mut self.common.greeting, &line);
                    self.step = PopStep::Capability;
                    return Turn::Say(b"CAPA\r\n".to_vec());
                }
                PopStep::Greeting if begins(&line, b"-ERR") => return self.common.refused(&line),
                PopStep::Greeting => return self.common.foreign_line(&line),
                PopStep::Capability if good => self.step = PopStep::List,
                // CAPA is younger than STLS need be: asking is the only way to know.
                PopStep::Capability => {
                    self.step = PopStep::Start;
                    return Turn::Say(b"STLS\r\n".to_vec());
                }
                PopStep::List if line == b"." && self.offered => {
                    self.step = PopStep::Start;
                    return Turn::Say(b"STLS\r\n".to_vec());
                }
                PopStep::List if line == b"." => return self.common.over(StartTlsEnd::NotOffered),
                PopStep::List => self.offered |= has_word(&line, b"STLS"),
                PopStep::Start if good => return self.common.over(StartTlsEnd::Ready),
                PopStep::Start => return self.common.refused(&line),
            }
        }
        Turn::Listen
    }

    fn rest(&mut self) -> Vec<u8> {
        self.common.heard.rest()
    }
}

/// FTP.
#[derive(Debug, Default)]
pub(super) struct Ftp {
    pub(super) common: Common,
    started: bool,
    /// The code of a reply that goes on until a line with the same code and a blank.
    open: Option<u16>,
}

impl Dialogue for Ftp {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        if let Some(over) = self.common.take(bytes) {
            return over;
        }
        while let Some(line) = self.common.heard.line() {
            let reply = Reply::parse(&line);
            let ends = |open: u16| reply.as_ref().is_some_and(|reply| reply.last && reply.code == open);
            let code = match (self.open, &reply) {
                (Some(open), _) if ends(open) => open,
                // Lines in between may look like anything (RFC 959 §4.2).
                (Some(_), _) => {
                    if !self.started {
                        keep(&mut self.common.greeting, &line);
                    }
                    continue;
                }
                (None, Some(reply)) => reply.code,
                (None, None) => return self.common.foreign_line(&line),
            };
            let Some(reply) = reply else { continue };
            self.open = (!reply.last).then_some(code);
            if !self.started && code == 220 {
                keep(&mut self.common.greeting, reply.text);
            }
            if !reply.last {
                continue;
            }
            match (self.started, code) {
                (false, 220) => {
                    self.started = true;
                    return Turn::Say(b"AUTH TLS\r\n".to_vec());
                }
                // Ready in some minutes: wait.
                (false, 120) => {}
                (true, 234) => return self.common.over(StartTlsEnd::Ready),
                // Not understood, not implemented, not this mechanism (RFC 2228 §3).
                (true, 500 | 502 | 504) => return self.common.over(StartTlsEnd::NotOffered),
                _ => return self.common.refused(&line),
            }
        }
        Turn::Listen
    }

    fn rest(&mut self) -> Vec<u8> {
        self.common.heard.rest()
    }
}

/// Whether a line begins with these words, letter case aside.
fn begins(line: &[u8], words: &[u8]) -> bool {
    line.len() >= words.len() && may_begin(line, &[words])
}
