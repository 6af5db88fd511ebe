//! Each protocol in which TLS begins after a dialogue, served by a small emulation.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::{
    json_of, reach, reach_with,
    servers::{Authority, hold, line, secure, serve},
    stderr, stdout,
};

/// Plays the server's side up to the point where TLS begins.
type Play = fn(&mut TcpStream);

fn say(stream: &mut TcpStream, words: &[u8]) {
    stream.write_all(words).expect("said");
}

fn hear(stream: &mut TcpStream, words: &str) {
    let heard = line(stream);
    assert!(heard.trim_end().eq_ignore_ascii_case(words), "{heard:?} in place of {words:?}");
}

fn hear_bytes(stream: &mut TcpStream, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).expect("heard");
    assert_eq!(heard, bytes);
}

fn until(stream: &mut TcpStream, end: &str) {
    let mut heard = String::new();
    let mut byte = [0];
    while !heard.ends_with(end) && matches!(stream.read(&mut byte), Ok(1)) {
        heard.push(char::from(byte[0]));
    }
}

const PLAYS: [(&str, Play, &str); 8] = [
    (
        "smtp",
        |stream| {
            say(stream, b"220 mx.example ESMTP\r\n");
            assert!(line(stream).starts_with("EHLO "));
            say(stream, b"250-mx.example\r\n250-STARTTLS\r\n250 SIZE\r\n");
            hear(stream, "STARTTLS");
            say(stream, b"220 go ahead\r\n");
        },
        "mx.example ESMTP",
    ),
    (
        "imap",
        |stream| {
            say(stream, b"* OK mailboxes here\r\n");
            hear(stream, "a1 CAPABILITY");
            say(stream, b"* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n");
            hear(stream, "a2 STARTTLS");
            say(stream, b"a2 OK begin\r\n");
        },
        "mailboxes here",
    ),
    (
        "pop3",
        |stream| {
            say(stream, b"+OK post office\r\n");
            hear(stream, "CAPA");
            say(stream, b"+OK\r\nSTLS\r\n.\r\n");
            hear(stream, "STLS");
            say(stream, b"+OK begin\r\n");
        },
        "post office",
    ),
    (
        "ftp",
        |stream| {
            say(stream, b"220-files\r\n220 ready\r\n");
            hear(stream, "AUTH TLS");
            say(stream, b"234 begin\r\n");
        },
        "files",
    ),
    (
        "xmpp",
        |stream| {
            until(stream, "version='1.0'>");
            say(stream, b"<?xml version='1.0'?><stream:stream version='1.0'><stream:features>");
            say(stream, b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>");
            until(stream, "/>");
            say(stream, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        },
        "stream",
    ),
    (
        "postgres",
        |stream| {
            hear_bytes(stream, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
            say(stream, b"S");
        },
        "",
    ),
    (
        "mysql",
        |stream| {
            let mut greeting = b"\x0a8.0.36\0\x01\0\0\0aaaaaaaa\0".to_vec();
            greeting.extend(0xffff_u16.to_le_bytes());
            greeting.extend([33, 2, 0, 0xff, 0xdf, 21]);
            greeting.extend([0; 10]);
            let mut packet = vec![greeting.len() as u8, 0, 0, 0];
            packet.extend(greeting);
            say(stream, &packet);
            let mut request = [0; 36];
            stream.read_exact(&mut request).expect("heard");
            assert_eq!(request[..4], [32, 0, 0, 1]);
        },
        "8.0.36",
    ),
    (
        "ldap",
        |stream| {
            let mut request = [0; 31];
            stream.read_exact(&mut request).expect("heard");
            assert!(request.ends_with(b"1.3.6.1.4.1.1466.20037"));
            say(stream, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00");
        },
        "",
    ),
];

#[test]
fn every_protocol_comes_to_tls() {
    let authority = Authority::new();
    for (protocol, play, greeting) in PLAYS {
        let config = authority.config(&["a.example"]);
        let server = serve(move |mut stream| {
            play(&mut stream);
            hold(secure(&config, stream));
        });
        let arguments =
            ["connect", &server.to_string(), "--starttls", protocol, "--server-name", "a.example", "--json"];
        let done = reach_with(&arguments, |command| command.env("SSL_CERT_FILE", authority.file()));
        assert_eq!(done.status.code(), Some(0), "{protocol}: {}{}", stdout(&done), stderr(&done));
        let one = json_of(&done)["targets"][0]["endpoints"][0]["attempts"][0].clone();
        assert_eq!(one["starttls"]["ended"], "ready", "{protocol}");
        assert_eq!(one["tls"]["version"], "TLSv1.3", "{protocol}");
        let said = one["starttls"]["greeting"].as_str().expect("a text");
        assert!(said.contains(greeting), "{protocol}: {said}");
    }
}

#[test]
fn a_server_without_tls_is_told_from_one_that_refuses_it() {
    for (conduct, words, outcome) in [
        (
            (|mut stream: TcpStream| {
                say(&mut stream, b"220 x\r\n");
                line(&mut stream);
                say(&mut stream, b"250 x\r\n");
                hold(stream);
            }) as fn(TcpStream),
            "does not offer TLS",
            "starttls-not-offered",
        ),
        (
            |mut stream: TcpStream| {
                say(&mut stream, b"554 not you\r\n");
                hold(stream);
            },
            "refuses TLS: \"554 not you\"",
            "starttls-failed",
        ),
        (
            |mut stream: TcpStream| {
                say(&mut stream, b"SSH-2.0-x\r\n");
                hold(stream);
            },
            "another protocol (\"SSH-2.0-x\")",
            "starttls-failed",
        ),
        (hold, "not answered", "starttls-failed"),
    ] {
        let server = serve(conduct);
        let arguments = ["connect", &server.to_string(), "--starttls", "smtp", "--read-timeout", "600ms"];
        let done = reach(&arguments);
        assert_eq!(done.status.code(), Some(1));
        assert!(stdout(&done).contains(words), "{words}: {}", stdout(&done));
        let json = json_of(&reach(&[&arguments[..], &["--json"]].concat()));
        assert_eq!(json["targets"][0]["endpoints"][0]["outcome"], outcome);
    }
}
