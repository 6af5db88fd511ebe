//! One TLS handshake on a standing connection.

use std::{io, sync::Arc, time::Duration};

use reach_core::model::{TlsEnd, TlsHello, TlsResult};
use rustls::{
    AlertDescription, ClientConfig, ProtocolVersion,
    client::{Resumption, danger::ServerCertVerifier},
};
use rustls_pki_types::{ServerName, UnixTime};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    recorder::Recorder,
    stamp::whole_micros,
    stream::{Failure, Tap, alert},
    text::clean,
    trust::{TrustRoots, certificate},
};

/// A ClientHello made ready before the connection is.
pub(crate) struct Hello {
    connector: TlsConnector,
    name: ServerName<'static>,
    verify: String,
    recorder: Arc<Recorder>,
}

impl Hello {
    /// TLS 1.2 and 1.3, every suite that the library has, no resumption, no early data; `None` when no
    /// ClientHello can carry the name (it is no DNS name, or is too long).
    pub(crate) fn new(hello: &TlsHello, alpn: &[&[u8]], trust: &TrustRoots) -> Option<Self> {
        let provider = trust.provider();
        let recorder = Arc::new(Recorder::accepting(provider.signature_verification_algorithms));
        let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config.resumption = Resumption::disabled();
        config.enable_sni = hello.server_name.is_some();
        let name = match &hello.server_name {
            Some(name) => match ServerName::try_from(name.as_str()).ok()?.to_owned() {
                // RFC 6066 §3 allows names only, so what was asked for cannot be sent.
                ServerName::IpAddress(_) => return None,
                name => name,
            },
            // Not sent, and not verified against.
            None => ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into()),
        };
        let verify = hello.verify.clone();
        Some(Self { connector: TlsConnector::from(Arc::new(config)), name, verify, recorder })
    }

    /// Shakes hands; the stream comes back when that succeeded, whatever the certificate is worth.
    pub(crate) async fn shake<S>(
        self,
        io: S,
        read_timeout: Duration,
        trust: &TrustRoots,
    ) -> (TlsResult, Option<TlsStream<Tap<S>>>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (io, first) = Tap::new(io);
        let started = Instant::now();
        let result = timeout(read_timeout, self.connector.connect(self.name, io)).await;
        let took = whole_micros(started.elapsed());

        let chain = self.recorder.take();
        let assessment = trust.assess(&chain, &self.verify, UnixTime::now());
        let mut tls = TlsResult {
            ended: TlsEnd::Completed,
            took,
            version: None,
            cipher: None,
            alpn: None,
            chain: chain.iter().map(|der| certificate(der)).collect(),
            distrust: assessment.distrust,
            public_root: assessment.public_root,
        };
        match result {
            Ok(Ok(stream)) => {
                let session = stream.get_ref().1;
                tls.version = session.protocol_version().map(version_name);
                tls.cipher = session
                    .negotiated_cipher_suite()
                    .and_then(|suite| suite.suite().as_str())
                    // The library tells the suites of TLS 1.3 from older ones by a prefix that IANA has not.
                    .map(|name| name.replacen("TLS13_", "TLS_", 1));
                tls.alpn = session.alpn_protocol().map(|name| clean(&String::from_utf8_lossy(name)));
                (tls, Some(stream))
            }
            Ok(Err(error)) => {
                tls.ended = end(&error, first.get());
                (tls, None)
            }
            Err(_) => {
                let first = first.get();
                tls.ended = if is_tls(&first) { TlsEnd::Silent } else { TlsEnd::NotTls(first) };
                (tls, None)
            }
        }
    }
}

/// How a handshake ended that failed, `first` being the first bytes received.
fn end(error: &io::Error, first: Vec<u8>) -> TlsEnd {
    if !is_tls(&first) {
        return TlsEnd::NotTls(first);
    }
    if let Some(alert) = alert(error) {
        return ended_by(alert);
    }
    match Failure::of(error) {
        Failure::Closed => TlsEnd::Closed,
        Failure::Reset => TlsEnd::Reset,
        Failure::TimedOut => TlsEnd::Silent,
        Failure::Returned => TlsEnd::Returned,
        Failure::Other => TlsEnd::Incompatible(clean(&error.to_string())),
    }
}

/// The end by a fatal alert.
pub(crate) fn ended_by(alert: AlertDescription) -> TlsEnd {
    TlsEnd::Alert(u8::from(alert), alert_name(alert).to_owned())
}

/// Whether bytes received can be the beginning of TLS records: a content type (RFC 8446 §5.1, and heartbeat of
/// RFC 6520), and a version that begins with 3, as all since SSL 3.0 do. Nothing at all can be.
fn is_tls(first: &[u8]) -> bool {
    matches!(first, [] | [20..=24] | [20..=24, 3, ..])
}

fn version_name(version: ProtocolVersion) -> String {
    match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
        ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The name of an alert as the RFCs write it (RFC 8446 §6, and the IANA registry of TLS alerts).
fn alert_name(alert: AlertDescription) -> &'static str {
    match u8::from(alert) {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "unassigned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_tls_shows_in_its_first_bytes() {
        for first in [&b""[..], b"\x16", b"\x15\x03\x01", b"\x16\x03\x03\x00\x7a", b"\x18\x03\x03"] {
            assert!(is_tls(first), "{first:?}");
        }
        for first in [&b"H"[..], b"HTTP/1.1 400", b"220 mail", b"\x16\x02\x00", b"\x80\x2e\x01", b"\x00"] {
            assert!(!is_tls(first), "{first:?}");
        }
    }

    #[test]
    fn alerts_have_the_names_of_the_standard() {
        assert_eq!(alert_name(AlertDescription::UnrecognisedName), "unrecognized_name");
        assert_eq!(alert_name(AlertDescription::HandshakeFailure), "handshake_failure");
        assert_eq!(alert_name(AlertDescription::from(200)), "unassigned");
    }
}
