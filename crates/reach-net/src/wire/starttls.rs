//! The dialogues in plain text that lead to TLS inside another protocol.
//!
//! Each is a state machine over bytes: it says what the standard wants a client to say, and tells a server that
//! does not offer TLS from one that refuses it and from one that speaks something else.

mod binary;
mod lines;
mod xmpp;

use reach_core::model::{StartTls, StartTlsEnd};

use self::{
    binary::{Ldap, Mysql, Postgres},
    lines::{Ftp, Imap, Pop3, Smtp},
    xmpp::Xmpp,
};
use super::dialogue::{Dialogue, Turn};

/// The most bytes of what a server says of itself that are kept.
pub const MOST_GREETING: usize = 512;

/// A dialogue that leads to TLS.
#[derive(Debug)]
pub struct StartTlsDialogue(Protocol);

#[derive(Debug)]
enum Protocol {
    Smtp(Smtp),
    Imap(Imap),
    Pop3(Pop3),
    Ftp(Ftp),
    Xmpp(Xmpp),
    Postgres(Postgres),
    Mysql(Mysql),
    Ldap(Ldap),
}

impl StartTlsDialogue {
    /// The dialogue of a protocol; `domain` is whom the client wants to speak to, for those protocols that say so.
    pub fn new(protocol: StartTls, domain: &str) -> Self {
        Self(match protocol {
            StartTls::Smtp => Protocol::Smtp(Smtp::default()),
            StartTls::Imap => Protocol::Imap(Imap::default()),
            StartTls::Pop3 => Protocol::Pop3(Pop3::default()),
            StartTls::Ftp => Protocol::Ftp(Ftp::default()),
            StartTls::Xmpp => Protocol::Xmpp(Xmpp::new(domain)),
            StartTls::Postgres => Protocol::Postgres(Postgres::default()),
            StartTls::Mysql => Protocol::Mysql(Mysql::default()),
            StartTls::Ldap => Protocol::Ldap(Ldap::default()),
        })
    }

    /// What the server said of itself so far: at most [`MOST_GREETING`] bytes, as received.
    pub fn greeting(&self) -> &[u8] {
        let greeting = match &self.0 {
            Protocol::Smtp(one) => &one.common.greeting,
            Protocol::Imap(one) => &one.common.greeting,
            Protocol::Pop3(one) => &one.common.greeting,
            Protocol::Ftp(one) => &one.common.greeting,
            Protocol::Xmpp(one) => &one.common.greeting,
            Protocol::Postgres(one) => &one.common.greeting,
            Protocol::Mysql(one) => &one.common.greeting,
            Protocol::Ldap(one) => &one.common.greeting,
        };
        &greeting[..greeting.len().min(MOST_GREETING)]
    }

    fn inner(&mut self) -> &mut dyn Dialogue<End = StartTlsEnd> {
        match &mut self.0 {
            Protocol::Smtp(one) => one,
            Protocol::Imap(one) => one,
            Protocol::Pop3(one) => one,
            Protocol::Ftp(one) => one,
            Protocol::Xmpp(one) => one,
            Protocol::Postgres(one) => one,
            Protocol::Mysql(one) => one,
            Protocol::Ldap(one) => one,
        }
    }
}

impl Dialogue for StartTlsDialogue {
    type End = StartTlsEnd;

    fn open(&mut self) -> Vec<u8> {
        self.inner().open()
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<StartTlsEnd> {
        self.inner().hear(bytes)
    }

    fn rest(&mut self) -> Vec<u8> {
        self.inner().rest()
    }
}

/// What all of them keep.
#[derive(Debug, Default)]
struct Common {
    heard: super::dialogue::Heard,
    greeting: Vec<u8>,
    end: Option<StartTlsEnd>,
}

impl Common {
    /// Takes more; gives the end where it has come already, or comes because this is too much.
    fn take(&mut self, bytes: &[u8]) -> Option<Turn<StartTlsEnd>> {
        let fits = self.heard.take(bytes);
        if self.end.is_none() && !fits {
            return Some(self.foreign());
        }
        self.end.clone().map(Turn::Over)
    }

    fn over(&mut self, end: StartTlsEnd) -> Turn<StartTlsEnd> {
        self.end = Some(end.clone());
        Turn::Over(end)
    }

    /// What is being heard is another protocol.
    fn foreign(&mut self) -> Turn<StartTlsEnd> {
        let first = self.heard.first();
        self.over(StartTlsEnd::NotSpoken(first))
    }

    /// A line that was taken off already belongs to another protocol.
    fn foreign_line(&mut self, line: &[u8]) -> Turn<StartTlsEnd> {
        let first = line[..line.len().min(super::dialogue::MOST_FOREIGN)].to_vec();
        self.over(StartTlsEnd::NotSpoken(first))
    }

    fn refused(&mut self, words: &[u8]) -> Turn<StartTlsEnd> {
        let words = crate::text::clean_bytes(&words[..words.len().min(200)]);
        self.over(StartTlsEnd::Refused(words))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::dialogue::tests::play;

    const ALL: [StartTls; 8] = [
        StartTls::Smtp,
        StartTls::Imap,
        StartTls::Pop3,
        StartTls::Ftp,
        StartTls::Xmpp,
        StartTls::Postgres,
        StartTls::Mysql,
        StartTls::Ldap,
    ];

    fn played(protocol: StartTls, script: &[&[u8]], piece: usize) -> (String, Option<StartTlsEnd>, Vec<u8>) {
        let (said, end, rest) = play(StartTlsDialogue::new(protocol, "a.example"), script, piece);
        (String::from_utf8_lossy(&said.concat()).into_owned(), end, rest)
    }

    #[test]
    fn smtp_greets_asks_and_starts() {
        let script: [&[u8]; 3] = [
            b"220-mx.example ESMTP\r\n220 welcome\r\n",
            b"250-mx.example\r\n250-PIPELINING\r\n250 starttls\r\n",
            b"220 go ahead\r\n\x16\x03",
        ];
        for piece in [1, 3, 1000] {
            let (said, end, rest) = played(StartTls::Smtp, &script, piece);
            assert!(said.starts_with("EHLO ") && said.ends_with("\r\nSTARTTLS\r\n"), "{said:?}");
            assert_eq!((end, rest), (Some(StartTlsEnd::Ready), b"\x16\x03".to_vec()));
        }
    }

    #[test]
    fn each_protocol_gets_ready_in_its_own_words() {
        let scripts: [(StartTls, &[&[u8]], &str); 6] = [
            (
                StartTls::Imap,
                &[
                    b"* OK [CAPABILITY IMAP4rev1] ready\r\n",
                    b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n",
                    b"a2 OK begin\r\n",
                ],
                "a1 CAPABILITY\r\na2 STARTTLS\r\n",
            ),
            (
                StartTls::Pop3,
                &[b"+OK ready\r\n", b"+OK\r\nTOP\r\nSTLS\r\n.\r\n", b"+OK begin\r\n"],
                "CAPA\r\nSTLS\r\n",
            ),
            (StartTls::Pop3, &[b"+OK ready\r\n", b"-ERR what\r\n", b"+OK begin\r\n"], "CAPA\r\nSTLS\r\n"),
            (StartTls::Ftp, &[b"220-hi\r\n all\r\n220 ready\r\n", b"234 AUTH TLS OK.\r\n"], "AUTH TLS\r\n"),
            (
                StartTls::Mysql,
                &[b"\x26\0\0\0\x0a8.0.1\0\x01\0\0\0aaaaaaaa\0\xff\xff\x08\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0"],
                "\u{20}\0\0\u{1}",
            ),
            (StartTls::Postgres, &[b"S"], "\0\0\0\u{8}"),
        ];
        for (protocol, script, expected) in scripts {
            for piece in [1, 1000] {
                let (said, end, _) = played(protocol, script, piece);
                assert!(said.starts_with(expected), "{protocol:?}: {said:?}");
                assert_eq!(end, Some(StartTlsEnd::Ready), "{protocol:?}");
            }
        }
    }

    #[test]
    fn xmpp_waits_for_the_features() {
        let script: [&[u8]; 3] = [
            b"<?xml version='1.0'?><stream:stream from='a.example' id='1' version='1.0'>",
            b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>",
            b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        ];
        for piece in [1, 1000] {
            let (said, end, _) = played(StartTls::Xmpp, &script, piece);
            assert!(said.contains("to='a.example'") && said.contains("<starttls "), "{said}");
            assert_eq!(end, Some(StartTlsEnd::Ready));
        }
        let without: [&[u8]; 1] = [b"<stream:stream version='1.0'><stream:features></stream:features>"];
        assert_eq!(played(StartTls::Xmpp, &without, 5).1, Some(StartTlsEnd::NotOffered));
    }

    #[test]
    fn ldap_says_it_in_ber() {
        let (said, end, _) =
            played(StartTls::Ldap, &[b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"], 3);
        assert!(said.ends_with("1.3.6.1.4.1.1466.20037"), "{said:?}");
        assert_eq!(end, Some(StartTlsEnd::Ready));
        let unknown = b"\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\x02\x04\x00\x04\x03bad";
        assert_eq!(played(StartTls::Ldap, &[unknown], 100).1, Some(StartTlsEnd::NotOffered));
        let busy = b"\x30\x11\x02\x01\x01\x78\x0c\x0a\x01\x33\x04\x00\x04\x05later";
        assert_eq!(
            played(StartTls::Ldap, &[busy], 100).1,
            Some(StartTlsEnd::Refused("result code 51: later".to_owned()))
        );
    }

    #[test]
    fn a_server_that_does_not_offer_tls_is_told_from_one_that_refuses() {
        use StartTls::{Ftp, Imap, Mysql, Pop3, Postgres, Smtp};
        let not_offered: [(StartTls, &[&[u8]]); 6] = [
            (Smtp, &[b"220 x\r\n", b"250-x\r\n250 SIZE\r\n"]),
            (Imap, &[b"* OK x\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK\r\n"]),
            (Pop3, &[b"+OK x\r\n", b"+OK\r\nTOP\r\n.\r\n"]),
            (Ftp, &[b"220 x\r\n", b"502 no\r\n"]),
            (Mysql, &[b"\x26\0\0\0\x0a8.0.1\0\x01\0\0\0aaaaaaaa\0\xff\xf7\x08\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0"]),
            (Postgres, &[b"N"]),
        ];
        for (protocol, script) in not_offered {
            assert_eq!(played(protocol, script, 2).1, Some(StartTlsEnd::NotOffered), "{protocol:?}");
        }
        let refused: [(StartTls, &[&[u8]], &str); 6] = [
            (Smtp, &[b"554 no service\r\n"], "554 no service"),
            (Smtp, &[b"220 x\r\n", b"250 STARTTLS\r\n", b"454 later\r\n"], "454 later"),
            (Imap, &[b"* BYE overloaded\r\n"], "* BYE overloaded"),
            (Pop3, &[b"-ERR [SYS/TEMP] later\r\n"], "-ERR [SYS/TEMP] later"),
            (Ftp, &[b"421 too many\r\n"], "421 too many"),
            (Mysql, &[b"\x09\0\0\0\xff\x10\x04#08004"], "error 1040: #08004"),
        ];
        for (protocol, script, words) in refused {
            let expected = Some(StartTlsEnd::Refused(words.to_owned()));
            assert_eq!(played(protocol, script, 2).1, expected, "{protocol:?}");
        }
    }

    #[test]
    fn another_protocol_is_shown_by_its_first_bytes() {
        for protocol in ALL {
            let (_, end, _) = played(protocol, &[b"SSH-2.0-OpenSSH_9.2p1\r\n"], 1000);
            match end {
                Some(StartTlsEnd::NotSpoken(first)) => assert!(first.starts_with(b"SSH-2.0"), "{protocol:?}"),
                other => panic!("{protocol:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_a_server_says_of_itself_is_kept_in_bounds() {
        let mut dialogue = StartTlsDialogue::new(StartTls::Smtp, "a.example");
        let long = [b"220 ".as_slice(), &vec![b'x'; 4000], b"\r\n"].concat();
        assert!(matches!(dialogue.hear(&long), Turn::Say(_)));
        assert_eq!(dialogue.greeting().len(), MOST_GREETING);
    }

    proptest! {
        #[test]
        fn anything_may_be_said_in_any_pieces(
            said in proptest::collection::vec(any::<u8>(), 0..300),
            start in 0usize..9,
            protocol in 0usize..8,
            piece in 1usize..20,
        ) {
            const STARTS: [&[u8]; 9] = [
                b"", b"220 ", b"220-x\r\n", b"* OK ", b"+OK ", b"<stream:stream>", b"\x30\x0c\x02\x01\x01\x78",
                b"\x20\0\0\0\x0a", b"S",
            ];
            let bytes = [STARTS[start], said.as_slice()].concat();
            let whole = played(ALL[protocol], &[&bytes], 1000);
            let pieces = played(ALL[protocol], &[&bytes], piece);
            let kind = |end: &Option<StartTlsEnd>| end.as_ref().map(std::mem::discriminant);
            // One letter decides there, and only what comes with it shows that it was none.
            prop_assume!(ALL[protocol] != StartTls::Postgres);
            prop_assert_eq!(kind(&whole.1), kind(&pieces.1));
        }
    }
}
