//! Whom this machine trusts, and what is wrong with a chain: every reason that holds, not only the first.

mod chains;

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use aws_lc_rs::digest;
use reach_core::model::{Certificate, Distrust};
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    crypto::{CryptoProvider, aws_lc_rs::default_provider},
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use x509_parser::{
    asn1_rs::{Any, BmpString, Tag},
    certificate::X509Certificate,
    extensions::GeneralName,
    objects::{oid_registry, oid2abbrev},
    prelude::FromDer,
    x509::{AttributeTypeAndValue, X509Name},
};

pub use self::chains::chain_expiry;
use crate::text::{clean, clean_bytes};

/// The most certificates of a chain that are looked at; the public web needs four.
pub const LONGEST_CHAIN: usize = 16;

/// The most names of one certificate that are kept.
const MOST_NAMES: usize = 1000;

/// The roots of trust, read once for a process: this machine's, and those of the public web (Mozilla's set,
/// compiled in).
#[derive(Clone, Debug)]
pub struct TrustRoots {
    /// Where this machine's roots were read from, for reports.
    pub system_source: String,
    /// How many roots this machine trusts; with 0 no chain can be trusted, which says nothing about it.
    pub system_count: usize,
    /// What went wrong while reading them, at most [`TrustRoots::MOST_PROBLEMS`].
    pub problems: Vec<String>,
    system: RootCertStore,
    public: RootCertStore,
    provider: Arc<CryptoProvider>,
}

/// What can be said about a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Every reason not to trust it; empty when it is trusted by this machine's roots for the name.
    pub distrust: Vec<Distrust>,
    /// Whether it ends at a root of the public web, names and dates aside; `None` without a chain.
    pub public_root: Option<bool>,
}

impl TrustRoots {
    /// The most problems that [`TrustRoots::problems`] lists.
    pub const MOST_PROBLEMS: usize = 10;

    /// Reads this machine's roots: the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name if set, else where
    /// the system's TLS libraries find theirs. Never fails; see `system_count` and `problems`.
    pub fn load() -> Self {
        let found = rustls_native_certs::load_native_certs();
        let named: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .iter()
            .filter_map(|name| Some(clean(&format!("{name}={}", env::var_os(name)?.to_string_lossy()))))
            .collect();
        let source = if named.is_empty() { "the system's store".to_owned() } else { named.join(", ") };
        let mut roots = Self::from_certificates(found.certs, source);
        roots.problems.extend(found.errors.iter().map(|error| clean(&error.to_string())));
        roots.problems.truncate(Self::MOST_PROBLEMS);
        roots
    }

    /// Trusts these roots; `source` says in reports where they come from.
    pub fn from_certificates(
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
        source: impl Into<String>,
    ) -> Self {
        let mut system = RootCertStore::empty();
        let (system_count, ignored) = system.add_parsable_certificates(certificates);
        let problems = match ignored {
            0 => Vec::new(),
            _ => vec![format!("{ignored} certificates could not be read")],
        };
        Self {
            system_source: source.into(),
            system_count,
            problems,
            system,
            public: webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
            provider: Arc::new(default_provider()),
        }
    }

    /// Takes these instead of Mozilla's for the roots of the public web (in a pretend world).
    pub fn with_public_roots(mut self, roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        self.public = RootCertStore::empty();
        let _ = self.public.add_parsable_certificates(roots);
        self
    }

    /// What an ordinary client needs that trusts this machine's roots and `more` besides.
    pub fn client_config(
        &self,
        more: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<ClientConfig, rustls::Error> {
        let mut roots = self.system.clone();
        roots.add_parsable_certificates(more);
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }

    /// The cryptography that handshakes and chains are checked with.
    pub(crate) fn provider(&self) -> &Arc<CryptoProvider> {
        &self.provider
    }

    /// What is wrong with `chain`, leaf first, for the DNS name or address `verify` at `now`.
    ///
    /// An expired certificate hides from a path builder whether its issuer is known, so a chain that is not
    /// good now is looked at once more at a time when it was. What a path builder refuses for its form (a
    /// CA's certificate used as a server's) still has an issuer; that is found by signatures alone.
    pub fn assess(&self, chain: &[CertificateDer<'_>], verify: &str, now: UnixTime) -> Assessment {
        let Some((leaf, others)) = chain.split_first() else { return Assessment::default() };
        let others = &others[..others.len().min(LONGEST_CHAIN - 1)];
        let ancestry = Ancestry::of(leaf, others, self.algorithms());
        let mut distrust = BTreeSet::new();
        match ParsedCertificate::try_from(leaf) {
            Ok(parsed) => {
                if !covers(&parsed, verify) {
                    distrust.insert(Distrust::WrongName);
                }
                self.question_path(&parsed, others, &ancestry, now, &mut distrust);
            }
            Err(error) => {
                distrust.insert(Distrust::Other(words(&error)));
                if !ancestry.reaches(&self.system) {
                    distrust.insert(Distrust::UnknownIssuer);
                }
                ancestry.question_dates(now, &mut distrust);
            }
        }
        Assessment {
            distrust: distrust.into_iter().collect(),
            public_root: Some(ancestry.reaches(&self.public)),
        }
    }

    fn question_path(
        &self,
        leaf: &ParsedCertificate<'_>,
        others: &[CertificateDer<'_>],
        ancestry: &Ancestry<'_>,
        now: UnixTime,
        distrust: &mut BTreeSet<Distrust>,
    ) {
        let path = |at: UnixTime| {
            verify_server_cert_signed_by_trust_anchor(leaf, &self.system, others, at, self.algorithms())
        };
        let Err(first) = path(now) else { return };
        let before = distrust.len();
        ancestry.question_dates(now, distrust);
        let error =
            if distrust.len() > before { path(ancestry.good_moment()).err() } else { Some(first.clone()) };
        match error {
            None => {}
            Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                distrust.insert(Distrust::UnknownIssuer);
            }
            Some(error) => {
                if !ancestry.reaches(&self.system) {
                    distrust.insert(Distrust::UnknownIssuer);
                }
                if !is_about_dates(&error) {
                    distrust.insert(Distrust::Other(words(&error)));
                }
            }
        }
        if distrust.len() == before {
            distrust.insert(if is_about_dates(&first) {
                Distrust::Expired
            } else {
                Distrust::Other(words(&first))
            });
        }
    }

    fn algorithms(&self) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
        self.provider.signature_verification_algorithms.all
    }
}

/// The facts of one certificate. What cannot be read stays empty; the digest never is.
pub fn certificate(der: &[u8]) -> Certificate {
    let sha256 = digest::digest(&digest::SHA256, der).as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let Ok((_, parsed)) = X509Certificate::from_der(der) else {
        return Certificate { sha256, ..Certificate::default() };
    };
    Certificate {
        subject: distinguished_name(parsed.subject()),
        issuer: distinguished_name(parsed.issuer()),
        names: alternative_names(&parsed),
        not_before: parsed.validity().not_before.timestamp(),
        not_after: parsed.validity().not_after.timestamp(),
        sha256,
    }
}

fn covers(leaf: &ParsedCertificate<'_>, verify: &str) -> bool {
    ServerName::try_from(verify.strip_suffix('.').unwrap_or(verify))
        .is_ok_and(|name| verify_server_name(leaf, &name).is_ok())
}

fn is_about_dates(error: &rustls::Error) -> bool {
    use CertificateError as E;
    matches!(
        error,
        rustls::Error::InvalidCertificate(
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. }
        )
    )
}

/// A path builder's refusal, for people.
fn words(error: &rustls::Error) -> String {
    use CertificateError as E;
    let rustls::Error::InvalidCertificate(error) = error else { return clean(&error.to_string()) };
    match error {
        E::BadEncoding => "a certificate cannot be decoded".to_owned(),
        E::BadSignature => "a signature is wrong".to_owned(),
        E::UnhandledCriticalExtension => "it has a critical extension that is not understood".to_owned(),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => {
            "it is not meant for servers (extended key usage)".to_owned()
        }
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed with an algorithm that is no longer accepted".to_owned()
        }
        E::Other(other) => match other.to_string().as_str() {
            "CaUsedAsEndEntity" => "a certificate authority's certificate is used as a server's".to_owned(),
            "EndEntityUsedAsCa" => "a server's certificate is used as an authority's".to_owned(),
            "NameConstraintViolation" => "its authority may not certify this name".to_owned(),
            "PathLenConstraintViolated" => "its authority may not have authorities below it".to_owned(),
            "UnsupportedCertVersion" => "it is no X.509 version 3 certificate".to_owned(),
            other => clean(other),
        },
        other => clean(&format!("{other:?}")),
    }
}

/// The certificates of a chain that a leaf descends from, by names and signatures alone: dates, purposes and
/// constraints aside.
struct Ancestry<'a> {
    /// The leaf, and every authority's certificate that can be reached from it.
    members: Vec<Link<'a>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl<'a> Ancestry<'a> {
    /// `others` in any order, with strangers and circles among them. Checks each pair at most once.
    fn of(
        leaf: &'a CertificateDer<'_>,
        others: &'a [CertificateDer<'_>],
        algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    ) -> Self {
        let mut members: Vec<Link<'a>> = Link::read(leaf).into_iter().collect();
        let mut strangers: Vec<Link<'a>> =
            others.iter().filter_map(|der| Link::read(der)).filter(|link| link.is_authority).collect();
        let mut child = 0;
        while let Some(link) = members.get(child) {
            let (parents, rest) = strangers.into_iter().partition(|stranger| {
                link.issuer == stranger.subject && link.is_signed_by(stranger.public_key, algorithms)
            });
            strangers = rest;
            members.extend::<Vec<_>>(parents);
            child += 1;
        }
        Self { members, algorithms }
    }

    /// Whether a member is one of the roots or signed by one.
    fn reaches(&self, roots: &RootCertStore) -> bool {
        self.members.iter().any(|link| {
            roots.roots.iter().any(|root: &TrustAnchor<'_>| {
                let key = root.subject_public_key_info.as_ref();
                let is_root = link.subject == root.subject.as_ref() && link.public_key == key;
                is_root || link.issuer == root.subject.as_ref() && link.is_signed_by(key, self.algorithms)
            })
        })
    }

    fn question_dates(&self, now: UnixTime, distrust: &mut BTreeSet<Distrust>) {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if self.members.iter().any(|link| link.not_after < now) {
            distrust.insert(Distrust::Expired);
        }
        if self.members.iter().any(|link| link.not_before > now) {
            distrust.insert(Distrust::NotYetValid);
        }
    }

    /// A time at which all members are valid, or else the leaf is.
    fn good_moment(&self) -> UnixTime {
        let begin = self.members.iter().map(|link| link.not_before).max().unwrap_or(0);
        let end = self.members.iter().map(|link| link.not_after).min().unwrap_or(0);
        let (begin, end) = match self.members.first() {
            Some(leaf) if begin > end => (leaf.not_before, leaf.not_after),
            _ => (begin, end),
        };
        let middle = begin.midpoint(end);
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(middle).unwrap_or(0)))
    }
}

/// One certificate as far as it links to others; all slices are contents of DER values, without their headers.
struct Link<'a> {
    subject: &'a [u8],
    issuer: &'a [u8],
    /// Contents of `SubjectPublicKeyInfo`.
    public_key: &'a [u8],
    /// The signed bytes: the whole `TBSCertificate`.
    signed: &'a [u8],
    /// Contents of `AlgorithmIdentifier`.
    signature_algorithm: &'a [u8],
    signature: &'a [u8],
    is_authority: bool,
    not_before: i64,
    not_after: i64,
}

impl<'a> Link<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let facts = &parsed.tbs_certificate;
        // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280 §4.1)
        let inside = contents(der)?.0;
        let (_, behind) = contents(inside)?;
        let signed = inside.get(..inside.len() - behind.len())?;
        let (signature_algorithm, behind) = contents(behind)?;
        Some(Self {
            subject: contents(facts.subject.as_raw())?.0,
            issuer: contents(facts.issuer.as_raw())?.0,
            public_key: contents(facts.subject_pki.raw)?.0,
            signed,
            signature_algorithm,
            signature: bit_string(behind)?,
            is_authority: parsed.is_ca(),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
        })
    }

    fn is_signed_by(
        &self,
        public_key: &[u8],
        algorithms: &[&'static dyn SignatureVerificationAlgorithm],
    ) -> bool {
        let Some((key_algorithm, behind)) = contents(public_key) else { return false };
        let Some(key) = bit_string(behind) else { return false };
        algorithms.iter().any(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == key_algorithm
                && algorithm.signature_alg_id().as_ref() == self.signature_algorithm
                && algorithm.verify_signature(key, self.signed, self.signature).is_ok()
        })
    }
}

/// Contents of the first DER value, and what follows it.
fn contents(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, value) = Any::from_der(der).ok()?;
    Some((value.data, rest))
}

/// The bits of the first DER value, a `BIT STRING` of whole bytes.
fn bit_string(der: &[u8]) -> Option<&[u8]> {
    match contents(der)?.0.split_first()? {
        (0, bits) => Some(bits),
        _ => None,
    }
}

/// A distinguished name as text, much as RFC 4514 writes it: the most specific part first.
fn distinguished_name(name: &X509Name<'_>) -> String {
    let parts: Vec<String> =
        name.iter_rdn().map(|rdn| rdn.iter().map(attribute).collect::<Vec<_>>().join("+")).collect();
    clean(&parts.into_iter().rev().collect::<Vec<_>>().join(","))
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let kind = oid2abbrev(attribute.attr_type(), oid_registry())
        .map_or_else(|_| attribute.attr_type().to_id_string(), str::to_owned);
    let value = attribute.attr_value();
    let text = match value.tag() {
        Tag::BmpString => {
            BmpString::try_from(value.clone()).map_or_else(|_| String::new(), |text| text.string())
        }
        Tag::UniversalString => value
            .data
            .chunks_exact(4)
            .filter_map(|four| char::from_u32(u32::from_be_bytes(four.try_into().ok()?)))
            .collect(),
        _ => clean_bytes(value.data),
    };
    let mut shown = format!("{kind}=");
    for character in text.chars() {
        if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            shown.push('\\');
        }
        shown.push(character);
    }
    shown
}

fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(clean(name)),
            GeneralName::IPAddress(bytes) => match bytes.len() {
                4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(*bytes).ok()?).to_string()),
                16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
                _ => None,
            },
            _ => None,
        })
        .take(MOST_NAMES)
        .collect()
}

#[cfg(test)]
mod tests;
