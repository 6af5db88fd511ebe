//! Dialogues with proxies and before STARTTLS, and the telnet protocol.

use reach_core::model::{ProxyEnd, ProxyProtocol, ProxyRequest, StartTls, StartTlsEnd};
use reach_net::wire::{
    Dialogue, LineEnd, MOST_FOREIGN, MOST_GREETING, ProxyDialogue, ProxyLogin, Received, StartTlsDialogue,
    Telnet, Turn, Window,
};

use super::assert_harmless;

/// What a proxy answers: a byte for its protocol, the destination and whether we log in.
pub(super) fn proxy(bytes: &[u8]) {
    let Some((&choice, answer)) = bytes.split_first() else { return };
    let protocol = if choice & 1 == 0 { ProxyProtocol::Http } else { ProxyProtocol::Socks5 };
    let host = ["a.example", "192.0.2.1", "2001:db8::1"][usize::from(choice >> 1) % 3];
    let login = (choice & 128 != 0).then(|| ProxyLogin::new("user", "secret").expect("a login"));
    let request = ProxyRequest { protocol, host: host.to_owned(), port: 443 };
    let mut dialogue = ProxyDialogue::new(&request, login.as_ref()).expect("a proxy can be told so");
    assert!(!format!("{dialogue:?}").contains("secret"));
    assert!(!dialogue.open().is_empty());
    match play(&mut dialogue, answer) {
        Some(ProxyEnd::NotSpoken(first)) => assert!(!first.is_empty() && first.len() <= MOST_FOREIGN),
        Some(ProxyEnd::Status(status, reason)) => {
            assert!((300..1000).contains(&status));
            assert_harmless(&reason);
        }
        Some(ProxyEnd::Reply(code)) => assert!(code != 0),
        Some(ProxyEnd::Open) => assert!(answer.ends_with(&dialogue.rest())),
        _ => {}
    }
}

/// What a server says before TLS: a byte for the protocol.
pub(super) fn starttls(bytes: &[u8]) {
    use StartTls::{Ftp, Imap, Ldap, Mysql, Pop3, Postgres, Smtp, Xmpp};
    const ALL: [StartTls; 8] = [Smtp, Imap, Pop3, Ftp, Xmpp, Postgres, Mysql, Ldap];
    let Some((&choice, said)) = bytes.split_first() else { return };
    let mut dialogue = StartTlsDialogue::new(ALL[usize::from(choice) % ALL.len()], "a.example");
    let _ = dialogue.open();
    match play(&mut dialogue, said) {
        Some(StartTlsEnd::NotSpoken(first)) => assert!(first.len() <= MOST_FOREIGN),
        Some(StartTlsEnd::Refused(words)) => assert_harmless(&words),
        Some(StartTlsEnd::Ready) => assert!(said.ends_with(&dialogue.rest())),
        _ => {}
    }
    assert!(dialogue.greeting().len() <= MOST_GREETING);
}

/// Plays a dialogue to its end; one that is over stays over.
fn play<D: Dialogue>(dialogue: &mut D, said: &[u8]) -> Option<D::End>
where
    D::End: Clone + PartialEq + std::fmt::Debug,
{
    let mut turn = dialogue.hear(said);
    // Nobody has more to say than the longest of these dialogues takes.
    for _ in 0..8 {
        match turn {
            Turn::Listen => return None,
            Turn::Say(words) => assert!(!words.is_empty()),
            Turn::Over(end) => {
                assert_eq!(dialogue.hear(&[]), Turn::Over(end.clone()));
                return Some(end);
            }
        }
        turn = dialogue.hear(&[]);
    }
    panic!("it goes on and on")
}

/// What a server of telnet, or of something else, says: a byte for which, and for how it is cut into pieces.
pub(super) fn telnet(bytes: &[u8]) {
    let Some((&choice, said)) = bytes.split_first() else { return };
    let speaks = choice & 1 == 1;
    let new = || Telnet::new(speaks, "xterm", Window { columns: 80, rows: 25 });
    let (mut whole, mut pieces) = (new(), new());
    let expected = whole.receive(said);
    let mut found = Received::default();
    for piece in said.chunks(usize::from(choice >> 1).max(1)) {
        let received = pieces.receive(piece);
        found.data.extend(received.data);
        found.reply.extend(received.reply);
    }
    assert_eq!(found, expected, "the pieces matter");
    if !whole.speaks() {
        let mut data = expected.data.clone();
        data.extend(whole.flush());
        assert_eq!(data, said, "what is no telnet is touched");
        assert!(expected.reply.is_empty());
    }
    assert!(expected.data.len() <= said.len());
    // A server that is answered in kind comes to an end.
    let (mut client, mut other) = (new(), Telnet::new(true, "xterm", Window::default()));
    let mut to_other = client.receive(said).reply;
    for _ in 0..8 {
        let back = other.receive(&to_other).reply;
        to_other = client.receive(&back).reply;
    }
    assert!(to_other.is_empty(), "they go on and on");
    // What is typed arrives.
    let mut receiver = Telnet::new(true, "", Window::default());
    let typed = Telnet::new(true, "", Window::default()).send(said, false, LineEnd::Kept);
    assert_eq!(receiver.receive(&typed).data, said);
}
