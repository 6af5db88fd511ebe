//! What a server presents in a TLS handshake, kept whatever it is worth.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use rustls::{
    DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::trust::LONGEST_CHAIN;

/// What a server presents.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The end-entity certificate.
    pub leaf: &'a CertificateDer<'a>,
    /// The others, as they came.
    pub others: &'a [CertificateDer<'a>],
    /// Whom the client wanted.
    pub name: &'a ServerName<'a>,
    /// The stapled OCSP response.
    pub ocsp: &'a [u8],
    /// When.
    pub now: UnixTime,
}

/// Whether a handshake is to go on with what was presented.
pub type Opinion = dyn Fn(&Presented<'_>) -> Result<(), rustls::Error> + Send + Sync;

/// Keeps the chain that was presented. What it always checks is that the other side holds the key of the certificate
/// it shows: a replayed chain is no evidence of anything.
pub struct Recorder {
    chain: Mutex<Vec<CertificateDer<'static>>>,
    algorithms: WebPkiSupportedAlgorithms,
    opinion: Box<Opinion>,
}

impl Recorder {
    /// One that goes on where `opinion` does.
    pub fn new(
        algorithms: WebPkiSupportedAlgorithms,
        opinion: impl Fn(&Presented<'_>) -> Result<(), rustls::Error> + Send + Sync + 'static,
    ) -> Self {
        Self { chain: Mutex::default(), algorithms, opinion: Box::new(opinion) }
    }

    /// One that accepts every chain: the handshake goes on, and the judging can be done afterwards.
    pub fn accepting(algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self::new(algorithms, |_| Ok(()))
    }

    /// What was presented: at most [`LONGEST_CHAIN`] certificates.
    pub fn take(&self) -> Vec<CertificateDer<'static>> {
        std::mem::take(&mut *self.chain.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(leaf).chain(others).take(LONGEST_CHAIN);
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) =
            chain.map(|der| der.clone().into_owned()).collect();
        (self.opinion)(&Presented { leaf, others, name, ocsp, now })?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
