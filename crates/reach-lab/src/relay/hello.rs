//! The server name in the first bytes of a TLS connection.

/// What the bytes so far say about the server name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerName {
    /// More bytes are needed.
    Unfinished,
    /// A ClientHello with this name.
    Found(String),
    /// A ClientHello without a name, or no ClientHello.
    Absent,
}

/// Looks for the server name in what a client has sent from its first byte on.
pub(super) fn server_name(stream: &[u8]) -> ServerName {
    let mut handshake = Vec::new();
    let mut rest = stream;
    while let [kind, _, _, high, low, body @ ..] = rest {
        const HANDSHAKE: u8 = 22;
        if *kind != HANDSHAKE {
            return ServerName::Absent;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        handshake.extend_from_slice(&body[..length.min(body.len())]);
        rest = body.get(length..).unwrap_or_default();
    }
    if stream.first().is_some_and(|kind| *kind != 22) {
        return ServerName::Absent;
    }
    let mut reader = Reader(&handshake);
    match reader.find() {
        Ok(Some(name)) => ServerName::Found(name),
        Ok(None) => ServerName::Absent,
        Err(CutShort) => ServerName::Unfinished,
    }
}

/// The bytes end before the structure does.
struct CutShort;

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn find(&mut self) -> Result<Option<String>, CutShort> {
        const CLIENT_HELLO: usize = 1;
        if self.number(1)? != CLIENT_HELLO {
            return Ok(None);
        }
        self.number(3)?;
        // Version and random.
        self.take(34)?;
        self.counted(1)?; // session id
        self.counted(2)?; // cipher suites
        self.counted(1)?; // compression methods
        let mut left = self.number(2)?;
        while left >= 4 {
            let kind = self.number(2)?;
            let length = self.number(2)?;
            left = left.saturating_sub(4 + length);
            let body = self.take(length)?;
            if kind == 0 {
                // A list of one name of type 0, each with its length.
                let name = body.get(5..).unwrap_or_default();
                return Ok(Some(String::from_utf8_lossy(name).into_owned()));
            }
        }
        Ok(None)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], CutShort> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(CutShort)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, CutShort> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    fn counted(&mut self, bytes: usize) -> Result<&'a [u8], CutShort> {
        let length = self.number(bytes)?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real ClientHello of the TLS library in use.
    fn hello(name: &str) -> Vec<u8> {
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let name = name.to_owned().try_into().unwrap();
        let mut connection = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
        let mut bytes = Vec::new();
        connection.write_tls(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_name_is_found_once_all_of_it_is_there_and_not_before() {
        let bytes = hello("fcm.googleapis.com");
        let found = ServerName::Found("fcm.googleapis.com".to_owned());
        let first = (0..=bytes.len()).find(|length| server_name(&bytes[..*length]) == found).unwrap();
        assert!(first > 60);
        assert!((0..first).all(|length| server_name(&bytes[..length]) == ServerName::Unfinished));
        assert!((first..=bytes.len()).all(|length| server_name(&bytes[..length]) == found));
    }

    #[test]
    fn what_is_no_hello_has_no_name() {
        assert_eq!(server_name(b"GET / HTTP/1.1\r\n"), ServerName::Absent);
        assert_eq!(server_name(&[22, 3, 1, 0, 4, 2, 0, 0, 0]), ServerName::Absent);
        assert_eq!(server_name(&[22]), ServerName::Unfinished);
        assert_eq!(server_name(&[]), ServerName::Unfinished);
    }
}
