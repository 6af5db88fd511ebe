//! What to say to a proxy, and what it answers: HTTP CONNECT (RFC 9110 §9.3.6) and SOCKS 5 (RFC 1928, RFC 1929).

use std::{fmt, net::IpAddr};

use reach_core::model::{ProxyEnd, ProxyProtocol, ProxyRequest};

use super::dialogue::{Dialogue, Heard, Turn, may_begin};
use crate::text::clean_bytes;

/// Who logs in to a proxy. Never shown, not even for debugging.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyLogin {
    user: String,
    password: String,
}

impl ProxyLogin {
    /// A user name and password; `None` when a proxy could not be told them (RFC 1929 takes 1 to 255 bytes of
    /// each, RFC 7617 no colon in a user name and no control characters).
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Option<Self> {
        let (user, password) = (user.into(), password.into());
        let fits = |text: &str| text.len() <= 255 && !text.chars().any(char::is_control);
        (!user.is_empty() && fits(&user) && fits(&password) && !user.contains(':'))
            .then_some(Self { user, password })
    }
}

impl fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyLogin(not shown)")
    }
}

/// A dialogue with a proxy.
#[derive(Debug)]
pub enum ProxyDialogue {
    /// HTTP CONNECT.
    Http(HttpConnect),
    /// SOCKS 5.
    Socks(Socks5),
}

impl ProxyDialogue {
    /// Asks for what the request says; `None` where the protocol cannot say it (a name of more than 255 bytes,
    /// or one with characters that no name has).
    pub fn new(request: &ProxyRequest, login: Option<&ProxyLogin>) -> Option<Self> {
        let address: Option<IpAddr> = request.host.parse().ok();
        let is_name = !request.host.is_empty()
            && request.host.len() <= 255
            && request.host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@:[]\\".contains(&byte));
        if address.is_none() && !is_name {
            return None;
        }
        let destination = match address {
            Some(address) => Destination::Address(address),
            None => Destination::Name(request.host.clone()),
        };
        Some(match request.protocol {
            ProxyProtocol::Http => Self::Http(HttpConnect::new(&destination, request.port, login)),
            ProxyProtocol::Socks5 => Self::Socks(Socks5::new(destination, request.port, login.cloned())),
        })
    }
}

impl Dialogue for ProxyDialogue {
    type End = ProxyEnd;

    fn open(&mut self) -> Vec<u8> {
        match self {
            Self::Http(http) => http.open(),
            Self::Socks(socks) => socks.open(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<ProxyEnd> {
        match self {
            Self::Http(http) => http.hear(bytes),
            Self::Socks(socks) => socks.hear(bytes),
        }
    }

    fn rest(&mut self) -> Vec<u8> {
        match self {
            Self::Http(http) => http.rest(),
            Self::Socks(socks) => socks.rest(),
        }
    }
}

#[derive(Clone, Debug)]
enum Destination {
    Address(IpAddr),
    Name(String),
}

/// HTTP CONNECT.
#[derive(Debug)]
pub struct HttpConnect {
    request: Secret,
    heard: Heard,
    first: Vec<u8>,
    /// The status line, once it came.
    status: Option<(u16, String)>,
    end: Option<ProxyEnd>,
}

/// Bytes that may hold a password.
struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl HttpConnect {
    fn new(destination: &Destination, port: u16, login: Option<&ProxyLogin>) -> Self {
        let authority = match destination {
            Destination::Address(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            Destination::Address(address) => format!("{address}:{port}"),
            Destination::Name(name) => format!("{name}:{port}"),
        };
        let mut request = format!(
            "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: reach/{}\r\n",
            env!("CARGO_PKG_VERSION")
        );
        if let Some(login) = login {
            let plain = format!("{}:{}", login.user, login.password);
            request.push_str(&format!("Proxy-Authorization: Basic {}\r\n", base64(plain.as_bytes())));
        }
        request.push_str("\r\n");
        Self {
            request: Secret(request.into_bytes()),
            heard: Heard::default(),
            first: Vec::new(),
            status: None,
            end: None,
        }
    }

    fn over(&mut self, end: ProxyEnd) -> Turn<ProxyEnd> {
        self.end = Some(end.clone());
        Turn::Over(end)
    }
}

impl Dialogue for HttpConnect {
    type End = ProxyEnd;

    fn open(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.request.0)
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<ProxyEnd> {
        let fits = self.heard.take(bytes);
        if let Some(end) = &self.end {
            return Turn::Over(end.clone());
        }
        let room = super::dialogue::MOST_FOREIGN.saturating_sub(self.first.len());
        self.first.extend(bytes.iter().take(room));
        if !may_begin(&self.first, &[b"HTTP/1."]) || !fits {
            return self.over(ProxyEnd::NotSpoken(self.first.clone()));
        }
        while let Some(line) = self.heard.line() {
            match &self.status {
                None => match status_line(&line) {
                    Some(status) => self.status = Some(status),
                    None => return self.over(ProxyEnd::NotSpoken(self.first.clone())),
                },
                Some(_) if !line.is_empty() => {}
                // An interim response: the real one follows (RFC 9110 §15.2).
                Some((100..=199, _)) => self.status = None,
                Some((200..=299, _)) => return self.over(ProxyEnd::Open),
                Some((status, reason)) => {
                    let end = ProxyEnd::Status(*status, reason.clone());
                    return self.over(end);
                }
            }
        }
        Turn::Listen
    }

    fn rest(&mut self) -> Vec<u8> {
        self.heard.rest()
    }
}

/// Status and reason of `HTTP/1.1 407 Proxy Authentication Required` (RFC 9112 §4).
fn status_line(line: &[u8]) -> Option<(u16, String)> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let (&minor, rest) = rest.split_first()?;
    let rest = rest.strip_prefix(b" ")?;
    let (code, rest) = rest.split_at_checked(3)?;
    if !minor.is_ascii_digit() || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let reason = match rest {
        [] => rest,
        [b' ', reason @ ..] => reason,
        _ => return None,
    };
    (code >= 100).then(|| (code, clean_bytes(&reason[..reason.len().min(120)])))
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
                text.push(char::from(letter));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// SOCKS 5.
#[derive(Debug)]
pub struct Socks5 {
    destination: Destination,
    port: u16,
    login: Option<ProxyLogin>,
    heard: Heard,
    step: Step,
    end: Option<ProxyEnd>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The way to log in.
    Method,
    /// Whether the login is good.
    Login,
    /// Whether it connected.
    Reply,
}

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const BY_PASSWORD: u8 = 2;

impl Socks5 {
    fn new(destination: Destination, port: u16, login: Option<ProxyLogin>) -> Self {
        Self { destination, port, login, heard: Heard::default(), step: Step::Method, end: None }
    }

    fn over(&mut self, end: ProxyEnd) -> Turn<ProxyEnd> {
        self.end = Some(end.clone());
        Turn::Over(end)
    }

    fn request(&self) -> Vec<u8> {
        let mut request = vec![VERSION, 1, 0];
        match &self.destination {
            Destination::Address(IpAddr::V4(address)) => {
                request.push(1);
                request.extend(address.octets());
            }
            Destination::Address(IpAddr::V6(address)) => {
                request.push(4);
                request.extend(address.octets());
            }
            Destination::Name(name) => {
                request.push(3);
                // At most 255, as checked at the door.
                request.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
                request.extend(name.as_bytes());
            }
        }
        request.extend(self.port.to_be_bytes());
        request
    }

    /// The words of RFC 1929.
    fn words(login: &ProxyLogin) -> Vec<u8> {
        let mut words = vec![1];
        for text in [&login.user, &login.password] {
            words.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            words.extend(text.as_bytes());
        }
        words
    }

    /// How long the reply is (RFC 1928 §6), if so much is known; `Err` for what is no reply.
    fn reply_length(bytes: &[u8]) -> Result<Option<usize>, ()> {
        let Some(&[version, _, reserved, kind]) = bytes.first_chunk() else { return Ok(None) };
        // Some servers leave the reserved field and the bound address unset where they refuse.
        if version != VERSION || reserved != 0 {
            return Err(());
        }
        match kind {
            1 => Ok(Some(4 + 4 + 2)),
            4 => Ok(Some(4 + 16 + 2)),
            3 => Ok(bytes.get(4).map(|&length| 5 + usize::from(length) + 2)),
            _ => Err(()),
        }
    }
}

impl Dialogue for Socks5 {
    type End = ProxyEnd;

    fn open(&mut self) -> Vec<u8> {
        match self.login {
            Some(_) => vec![VERSION, 2, NO_LOGIN, BY_PASSWORD],
            None => vec![VERSION, 1, NO_LOGIN],
        }
    }

    fn hear(&mut self, bytes: &[u8]) -> Turn<ProxyEnd> {
        let fits = self.heard.take(bytes);
        if let Some(end) = &self.end {
            return Turn::Over(end.clone());
        }
        if !fits {
            return self.over(ProxyEnd::NotSpoken(self.heard.first()));
        }
        let Some(&first) = self.heard.bytes().first() else { return Turn::Listen };
        let expected = if self.step == Step::Login { 1 } else { VERSION };
        if first != expected {
            return self.over(ProxyEnd::NotSpoken(self.heard.first()));
        }
        match self.step {
            Step::Method => {
                let Some(answer) = self.heard.cut(2) else { return Turn::Listen };
                match (answer[1], self.login.take()) {
                    (NO_LOGIN, _) => {
                        self.step = Step::Reply;
                        Turn::Say(self.request())
                    }
                    (BY_PASSWORD, Some(login)) => {
                        self.step = Step::Login;
                        Turn::Say(Self::words(&login))
                    }
                    _ => self.over(ProxyEnd::LoginRefused),
                }
            }
            Step::Login => {
                let Some(answer) = self.heard.cut(2) else { return Turn::Listen };
                if answer[1] != 0 {
                    return self.over(ProxyEnd::LoginRefused);
                }
                self.step = Step::Reply;
                Turn::Say(self.request())
            }
            Step::Reply => {
                if let Some(&[VERSION, code]) = self.heard.bytes().first_chunk()
                    && code != 0
                {
                    return self.over(ProxyEnd::Reply(code));
                }
                match Self::reply_length(self.heard.bytes()) {
                    Err(()) => self.over(ProxyEnd::NotSpoken(self.heard.first())),
                    Ok(length) => match length.and_then(|length| self.heard.cut(length)) {
                        Some(_) => self.over(ProxyEnd::Open),
                        None => Turn::Listen,
                    },
                }
            }
        }
    }

    fn rest(&mut self) -> Vec<u8> {
        self.heard.rest()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::dialogue::tests::play;

    fn request(protocol: ProxyProtocol, host: &str) -> ProxyRequest {
        ProxyRequest { protocol, host: host.to_owned(), port: 443 }
    }

    fn dialogue(protocol: ProxyProtocol, host: &str, login: Option<&ProxyLogin>) -> ProxyDialogue {
        ProxyDialogue::new(&request(protocol, host), login).expect("can be said")
    }

    fn somebody() -> ProxyLogin {
        ProxyLogin::new("Aladdin", "open sesame").expect("a login")
    }

    #[test]
    fn connect_names_the_destination_twice_and_logs_in_as_rfc_7617_shows() {
        let login = somebody();
        let (said, end, rest) = play(
            dialogue(ProxyProtocol::Http, "www.example.com", Some(&login)),
            &[b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nSSH-2.0-x\r\n"],
            7,
        );
        let said = String::from_utf8(said.concat()).expect("text");
        assert!(
            said.starts_with("CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n"),
            "{said}"
        );
        assert!(said.contains("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "{said}");
        assert!(said.ends_with("\r\n\r\n"));
        assert_eq!((end, rest), (Some(ProxyEnd::Open), b"SSH-2.0-x\r\n".to_vec()));
    }

    #[test]
    fn an_address_of_version_6_has_brackets_in_connect() {
        let (said, ..) = play(dialogue(ProxyProtocol::Http, "2001:db8::1", None), &[], 1);
        assert!(said.concat().starts_with(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n"));
    }

    #[test]
    fn a_refusal_of_connect_keeps_its_status_and_reason() {
        for (answer, end) in [
            (
                &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..],
                ProxyEnd::Status(407, "Proxy Authentication Required".to_owned()),
            ),
            (b"HTTP/1.0 403\r\n\r\n", ProxyEnd::Status(403, String::new())),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", ProxyEnd::Open),
            (b"SSH-2.0-OpenSSH\r\n", ProxyEnd::NotSpoken(b"SSH-2.0-OpenSSH\r\n".to_vec())),
            (b"HTTP/2 x\r\n", ProxyEnd::NotSpoken(b"HTTP/2 x\r\n".to_vec())),
        ] {
            let (_, found, _) = play(dialogue(ProxyProtocol::Http, "a.example", None), &[answer], 1000);
            assert_eq!(found, Some(end));
        }
    }

    #[test]
    fn socks_sends_names_unresolved_and_addresses_in_their_family() {
        for (host, expected) in [
            ("a.example", &b"\x05\x01\x00\x03\x09a.example\x01\xbb"[..]),
            ("192.0.2.1", b"\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb"),
            ("2001:db8::1", b"\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb"),
        ] {
            let answers: [&[u8]; 2] = [b"\x05\x00", b"\x05\x00\x00\x01\0\0\0\0\0\x00220"];
            let (said, end, rest) = play(dialogue(ProxyProtocol::Socks5, host, None), &answers, 1);
            assert_eq!(said, [b"\x05\x01\x00".to_vec(), expected.to_vec()]);
            assert_eq!((end, rest), (Some(ProxyEnd::Open), b"220".to_vec()));
        }
    }

    #[test]
    fn socks_logs_in_only_where_it_is_asked_to() {
        let login = somebody();
        let answers: [&[u8]; 3] = [b"\x05\x02", b"\x01\x00", b"\x05\x00\x00\x03\x01x\x00\x50"];
        let (said, end, _) = play(dialogue(ProxyProtocol::Socks5, "a.example", Some(&login)), &answers, 1);
        assert_eq!(said[0], b"\x05\x02\x00\x02");
        assert_eq!(said[1], b"\x01\x07Aladdin\x0bopen sesame");
        assert_eq!(end, Some(ProxyEnd::Open));
        let answers: [&[u8]; 2] = [b"\x05\x02", b"\x01\x01"];
        let (_, end, _) = play(dialogue(ProxyProtocol::Socks5, "a.example", Some(&login)), &answers, 1);
        assert_eq!(end, Some(ProxyEnd::LoginRefused));
        for answer in [b"\x05\xff", b"\x05\x02"] {
            let (_, end, _) = play(dialogue(ProxyProtocol::Socks5, "a.example", None), &[answer], 1);
            assert_eq!(end, Some(ProxyEnd::LoginRefused));
        }
    }

    #[test]
    fn a_refusal_of_socks_keeps_its_code_even_where_the_rest_is_missing() {
        let answers: [&[u8]; 2] = [b"\x05\x00", b"\x05\x02"];
        let (_, end, _) = play(dialogue(ProxyProtocol::Socks5, "a.example", None), &answers, 2);
        assert_eq!(end, Some(ProxyEnd::Reply(2)));
        let (_, end, _) = play(dialogue(ProxyProtocol::Socks5, "a.example", None), &[b"HTTP/1.1 400"], 2);
        assert!(matches!(end, Some(ProxyEnd::NotSpoken(_))));
    }

    #[test]
    fn a_login_is_never_shown() {
        let login = somebody();
        for protocol in [ProxyProtocol::Http, ProxyProtocol::Socks5] {
            let shown = format!("{:?}{login:?}", dialogue(protocol, "a.example", Some(&login)));
            assert!(!shown.contains("sesame") && !shown.contains("Aladdin"), "{shown}");
        }
        assert!(ProxyLogin::new("a:b", "c").is_none() && ProxyLogin::new("", "c").is_none());
    }

    #[test]
    fn what_no_proxy_can_be_told_is_not_asked() {
        for host in ["", "a b", "a\r\nX: y", &"x".repeat(256)] {
            for protocol in [ProxyProtocol::Http, ProxyProtocol::Socks5] {
                assert!(ProxyDialogue::new(&request(protocol, host), None).is_none(), "{host:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn anything_may_be_answered_in_any_pieces(
            answer in proptest::collection::vec(any::<u8>(), 0..400),
            piece in 1usize..50,
            socks in any::<bool>(),
        ) {
            let protocol = if socks { ProxyProtocol::Socks5 } else { ProxyProtocol::Http };
            let whole = play(dialogue(protocol, "a.example", None), &[&answer], 1000);
            let pieces = play(dialogue(protocol, "a.example", None), &[&answer], piece);
            let kind = |end: &Option<ProxyEnd>| end.as_ref().map(std::mem::discriminant);
            prop_assert_eq!(kind(&whole.1), kind(&pieces.1));
            if let Some(ProxyEnd::NotSpoken(first)) = &whole.1 {
                prop_assert!(first.len() <= 64);
            }
        }
    }
}
