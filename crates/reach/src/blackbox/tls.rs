//! TLS as a module wants it: verified or not, with a client certificate or without.

use std::{fs, sync::Arc};

use reach_core::watch::Reason;
use reach_net::{
    recorder::{Presented, Recorder},
    trust::chain_expiry,
};
use rustls::{
    CertificateError, ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
    client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier, verify_server_name},
    crypto::{CryptoProvider, aws_lc_rs::default_provider},
    server::ParsedCertificate,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    Failure,
    certificate::{Facts, end},
    log::Log,
    module::{TlsSpec, TlsVersion},
    register::Register,
};
use crate::metrics::labels;

/// What Go says where there is no time: the first second of year 1, in Unix time.
const NO_TIME: f64 = -62_135_596_800.0;

/// The roots of trust where a module names none.
#[derive(Debug)]
pub struct Roots {
    certificates: Arc<[CertificateDer<'static>]>,
    /// Made once, because it reads them all; `None` where there are none.
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

impl Roots {
    /// This host's.
    pub fn load() -> Self {
        Self::of(rustls_native_certs::load_native_certs().certs)
    }

    /// These.
    pub fn of(certificates: Vec<CertificateDer<'static>>) -> Self {
        let verifier = verifier(&certificates, &Arc::new(default_provider())).ok().flatten();
        Self { certificates: certificates.into(), verifier }
    }
}

/// A connection with TLS on it, and what is known of it.
pub(super) struct Secured<S> {
    pub(super) stream: TlsStream<S>,
    session: Session,
}

/// What is known of a handshake that succeeded.
#[derive(Clone, Debug)]
pub(super) struct Session {
    presented: Vec<CertificateDer<'static>>,
    expiry: Option<i64>,
    version: &'static str,
    cipher: String,
}

impl<S> Secured<S> {
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether HTTP/2 was agreed on.
    pub(super) fn speaks_http2(&self) -> bool {
        self.stream.get_ref().1.alpn_protocol() == Some(b"h2")
    }
}

impl Session {
    /// The metrics of the handshake.
    pub(super) fn tell(&self, register: &mut Register, cipher: bool) {
        let earliest = self.presented.iter().filter_map(end).min();
        register.set("probe_ssl_earliest_cert_expiry", earliest.map_or(NO_TIME, |end| end as f64));
        let last = self.expiry.map_or(NO_TIME, |end| end as f64);
        register.set("probe_ssl_last_chain_expiry_timestamp_seconds", last);
        register.set_with("probe_tls_version_info", labels([("version", self.version)]), 1.0);
        if cipher {
            register.set_with("probe_tls_cipher_info", labels([("cipher", &self.cipher)]), 1.0);
        }
        if let Some(leaf) = self.presented.first() {
            let facts = Facts::of(leaf);
            let labels = labels([
                ("fingerprint_sha256", &facts.fingerprint),
                ("issuer", &facts.issuer),
                ("serialnumber", &facts.serial),
                ("subject", &facts.subject),
                ("subjectalternative", &facts.names),
            ]);
            register.set_with("probe_ssl_last_chain_info", labels, 1.0);
        }
    }
}

/// Shakes hands. `name` is what the certificate has to cover where the module names nothing.
pub(super) async fn secure<S>(
    stream: S,
    spec: &TlsSpec,
    roots: &Roots,
    name: &str,
    alpn: &[&[u8]],
    log: &Log,
) -> Result<Secured<S>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = if spec.server_name.is_empty() { name } else { &spec.server_name };
    let prepared = prepare(spec, roots, name, alpn);
    let Prepared { connector, name, recorder, trusted } = prepared.map_err(|error| {
        log.error(format_args!("Error creating TLS configuration: {error}"));
        Failure::Unable
    })?;
    let stream = connector.connect(name, stream).await.map_err(|error| {
        log.error(format_args!("TLS handshake failed: {error}"));
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let untrusted = matches!(inner, Some(rustls::Error::InvalidCertificate(_)));
        Failure::Reason(if untrusted { Reason::Untrusted } else { Reason::Tls }.code())
    })?;
    log.debug(format_args!("TLS handshake succeeded"));
    let own = stream.get_ref().1;
    let version = match own.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "unknown",
    };
    let cipher = own.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    let presented = recorder.take();
    let expiry =
        if spec.insecure_skip_verify { None } else { chain_expiry(&presented, &trusted, UnixTime::now()) };
    // The library tells the suites of TLS 1.3 from older ones by a prefix that IANA has not.
    let cipher = cipher.unwrap_or_default().replacen("TLS13_", "TLS_", 1);
    Ok(Secured { stream, session: Session { presented, expiry, version, cipher } })
}

/// Everything that a handshake takes.
struct Prepared {
    connector: TlsConnector,
    name: ServerName<'static>,
    recorder: Arc<Recorder>,
    /// The roots that count.
    trusted: Arc<[CertificateDer<'static>]>,
}

fn prepare(spec: &TlsSpec, roots: &Roots, name: &str, alpn: &[&[u8]]) -> Result<Prepared, String> {
    let own: Option<Vec<CertificateDer<'static>>> = match (&spec.ca_file, &spec.ca) {
        (Some(file), _) if !file.is_empty() => Some(pem(&read(file)?, file)?),
        (_, Some(text)) if !text.is_empty() => Some(pem(text.as_bytes(), "ca")?),
        _ => None,
    };
    let versions: Vec<&'static SupportedProtocolVersion> =
        [(TlsVersion::Tls12, &TLS12), (TlsVersion::Tls13, &TLS13)]
            .into_iter()
            .filter(|(version, _)| spec.min_version.is_none_or(|least| *version >= least))
            .filter(|(version, _)| spec.max_version.is_none_or(|most| *version <= most))
            .map(|(_, version)| version)
            .collect();
    let provider = Arc::new(default_provider());
    let inner = match &own {
        Some(own) => verifier(own, &provider)?,
        None => roots.verifier.clone(),
    };
    let trusted: Arc<[_]> = own.map_or_else(|| Arc::clone(&roots.certificates), Arc::from);
    let verifier = Verifier { inner, verify: !spec.insecure_skip_verify, roots: Arc::clone(&trusted) };
    let algorithms = provider.signature_verification_algorithms;
    let recorder = Arc::new(Recorder::new(algorithms, move |presented| verifier.judge(presented)));
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>);
    let mut config = match identity(spec)? {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(|error| error.to_string())?,
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::disabled();
    let name = name.trim_end_matches('.');
    let name = ServerName::try_from(name.to_owned()).map_err(|_| format!("`{name}` is no server name"))?;
    Ok(Prepared { connector: TlsConnector::from(Arc::new(config)), name, recorder, trusted })
}

/// What verifies chains by these roots; `None` where there are none.
fn verifier(
    roots: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<WebPkiServerVerifier>>, String> {
    let mut store = RootCertStore::empty();
    let _ = store.add_parsable_certificates(roots.iter().cloned());
    if store.is_empty() {
        return Ok(None);
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
    builder.build().map(Some).map_err(|error| error.to_string())
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The client's own certificate, if the module has one.
fn identity(spec: &TlsSpec) -> Result<Option<Identity>, String> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let chain = match (given(&spec.cert_file), given(&spec.cert)) {
        (Some(file), _) => pem(&read(&file)?, &file)?,
        (None, Some(text)) => pem(text.as_bytes(), "cert")?,
        (None, None) => return Ok(None),
    };
    let key = match (given(&spec.key_file), &spec.key) {
        (Some(file), _) => {
            PrivateKeyDer::from_pem_slice(&read(&file)?).map_err(|_| format!("{file}: no private key"))
        }
        (None, Some(key)) => PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
            .map_err(|_| "key: no private key".to_owned()),
        (None, None) => Err("a client certificate needs a key".to_owned()),
    };
    Ok(Some((chain, key?)))
}

fn read(file: &str) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{file}: {error}"))
}

fn pem(bytes: &[u8], from: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(format!("{from}: no certificates")),
    }
}

/// Whether a module takes a chain.
#[derive(Debug)]
struct Verifier {
    /// `None` where nothing is trusted.
    inner: Option<Arc<WebPkiServerVerifier>>,
    verify: bool,
    roots: Arc<[CertificateDer<'static>]>,
}

impl Verifier {
    fn judge(&self, presented: &Presented<'_>) -> Result<(), rustls::Error> {
        if !self.verify {
            return Ok(());
        }
        let Presented { leaf, others, name, ocsp, now } = *presented;
        let result = match &self.inner {
            Some(inner) => inner.verify_server_cert(leaf, others, name, ocsp, now).map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        if result.is_err() && self.is_root(leaf, name, now) { Ok(()) } else { result }
    }

    /// A certificate that is itself among the roots is good, whatever it may be used for: so Go has it, and so
    /// people write `ca_file` for a server that signs for itself.
    fn is_root(&self, leaf: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> bool {
        let is_valid = end(leaf).is_some_and(|end| i64::try_from(now.as_secs()).is_ok_and(|now| now <= end));
        let covers =
            || ParsedCertificate::try_from(leaf).is_ok_and(|leaf| verify_server_name(&leaf, name).is_ok());
        is_valid && self.roots.iter().any(|root| root.as_ref() == leaf.as_ref()) && covers()
    }
}
