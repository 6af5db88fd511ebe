//! TLS: a certificate of files that may be replaced while it is in use, or one that is made here.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

use super::settings::TlsSettings;
use crate::output::shown;

/// How long a certificate lasts that is made here, and how long before its end another one takes its place.
const LASTS: Duration = Duration::from_secs(730 * 86_400);
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * 86_400);

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// No file of certificates or keys is larger.
const LARGEST: u64 = 1 << 20;

/// What is shown to clients.
#[derive(Clone)]
struct Shown {
    certified: Arc<CertifiedKey>,
    fingerprint: String,
    /// Whether somebody else signed it.
    is_signed: bool,
}

/// What a file was like when it was read: what replaces it differs in one of these.
type Stamp = Vec<(u64, i64, i64, u64)>;

/// TLS of one listener. Cheap to share.
pub struct Tls {
    settings: TlsSettings,
    kept: PathBuf,
    names: Vec<String>,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
    stamp: Mutex<Stamp>,
    is_signed: AtomicBool,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads the certificate, or makes one for these names and keeps it beside `store`.
    ///
    /// # Errors
    ///
    /// What cannot be read or does not fit together, in one sentence.
    pub fn open(settings: &TlsSettings, store: &Path, names: Vec<String>) -> Result<Self, String> {
        let kept = kept_beside(store);
        let stamp = stamp(&files(settings, &kept));
        let shown = read(settings, &kept, &names)?;
        let current = Arc::new(Current(RwLock::new(Arc::clone(&shown.certified))));
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be spoken: {error}"))?;
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        info!(sha256 = %shown.fingerprint, signed = shown.is_signed, "TLS certificate");
        Ok(Self {
            settings: settings.clone(),
            kept,
            names,
            current,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            stamp: Mutex::new(stamp),
            is_signed: AtomicBool::new(shown.is_signed),
        })
    }

    /// Whether what these settings name can be used. Nothing is made.
    ///
    /// # Errors
    ///
    /// What cannot be read or does not fit together, in one sentence.
    pub(crate) fn check(settings: &TlsSettings) -> Result<(), String> {
        match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => from_files(certificate, key).map(drop),
            _ => Ok(()),
        }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Whether browsers may be told to insist on TLS: not where nobody but us vouches for the certificate, as they would
    /// not let anybody past their warning any more.
    pub(super) fn is_signed(&self) -> bool {
        self.is_signed.load(Ordering::Relaxed)
    }

    /// Takes what has replaced the files, or makes another certificate before this one is over. What cannot be used is
    /// logged, and what is in use stays.
    pub fn renew(&self) {
        let files = files(&self.settings, &self.kept);
        let now = stamp(&files);
        {
            let mut before = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
            if *before == now && !self.is_due() {
                return;
            }
            *before = now;
        }
        match read(&self.settings, &self.kept, &self.names) {
            Ok(shown) => {
                info!(sha256 = %shown.fingerprint, signed = shown.is_signed, "TLS certificate, read again");
                self.is_signed.store(shown.is_signed, Ordering::Relaxed);
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = shown.certified;
                *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) = stamp(&files);
            }
            Err(problem) => warn!("{problem}; the certificate of before stays in use"),
        }
    }

    fn is_due(&self) -> bool {
        let current = Arc::clone(&self.current.0.read().unwrap_or_else(PoisonError::into_inner));
        self.settings.self_signed && current.cert.first().is_none_or(|leaf| is_over_soon(leaf))
    }

    /// Looks at the files again and again.
    pub async fn keep_up(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let own = Arc::clone(&self);
            // Disks may be slow.
            let _ = tokio::task::spawn_blocking(move || own.renew()).await;
        }
    }
}

fn kept_beside(store: &Path) -> PathBuf {
    let stem = store.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    store.with_file_name(format!("{}-tls.pem", stem.as_deref().unwrap_or("reach")))
}

fn files(settings: &TlsSettings, kept: &Path) -> Vec<PathBuf> {
    let named: Vec<PathBuf> = settings.certificate.iter().chain(&settings.key).cloned().collect();
    if named.is_empty() { vec![kept.to_owned()] } else { named }
}

fn stamp(files: &[PathBuf]) -> Stamp {
    let of = |file: &PathBuf| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len()))
    };
    files.iter().map(|file| of(file).unwrap_or_default()).collect()
}

fn read(settings: &TlsSettings, kept: &Path, names: &[String]) -> Result<Shown, String> {
    match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => from_files(certificate, key),
        _ => made_here(kept, names),
    }
}

fn from_files(certificate: &Path, key: &Path) -> Result<Shown, String> {
    let name = shown(&certificate.to_string_lossy());
    let chain = certificates(&text(certificate)?)
        .map_err(|error| format!("`{name}` cannot be read as certificates in PEM: {error}"))?;
    if chain.is_empty() {
        return Err(format!("`{name}` has no certificate in PEM"));
    }
    let key_name = shown(&key.to_string_lossy());
    let key = PrivateKeyDer::from_pem_slice(&text(key)?)
        .map_err(|_| format!("`{key_name}` has no private key in PEM that needs no password"))?;
    certified(chain, key)
        .map_err(|error| format!("`{name}` and `{key_name}` cannot be used together: {error}"))
}

fn text(path: &Path) -> Result<Vec<u8>, String> {
    let name = shown(&path.to_string_lossy());
    let unread = |error: std::io::Error| format!("`{name}` cannot be read: {error}");
    if fs::metadata(path).map_err(unread)?.len() > LARGEST {
        return Err(format!("`{name}` is larger than any certificate"));
    }
    fs::read(path).map_err(unread)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn certified(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Shown, String> {
    let leaf = chain.first().cloned().ok_or("there is no certificate")?;
    let certified =
        CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| error.to_string())?;
    let is_signed =
        parse_x509_certificate(&leaf).is_ok_and(|(_, parsed)| parsed.issuer() != parsed.subject());
    Ok(Shown { certified: Arc::new(certified), fingerprint: fingerprint(&leaf), is_signed })
}

/// As browsers show it.
fn fingerprint(leaf: &[u8]) -> String {
    let mut text = String::new();
    for (number, byte) in digest::digest(&digest::SHA256, leaf).as_ref().iter().enumerate() {
        // Writing to a string does not fail.
        let _ = write!(text, "{}{byte:02X}", if number > 0 { ":" } else { "" });
    }
    text
}

/// The certificate that was made here, or another one where that does not do any more.
fn made_here(kept: &Path, names: &[String]) -> Result<Shown, String> {
    if let Ok(pem) = text(kept)
        && let Ok(chain) = certificates(&pem)
        && let Ok(key) = PrivateKeyDer::from_pem_slice(&pem)
        && chain.first().is_some_and(|leaf| !is_over_soon(leaf) && is_for(leaf, names))
        && let Ok(shown) = certified(chain, key)
    {
        return Ok(shown);
    }
    let pem = make(names).map_err(|error| format!("no certificate can be made: {error}"))?;
    write_privately(kept, &pem).map_err(|error| {
        let name = shown(&kept.to_string_lossy());
        format!("`{name}`, where the certificate that is made here is kept, cannot be written: {error}")
    })?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())?;
    certified(certificates(pem.as_bytes())?, key)
}

fn make(names: &[String]) -> Result<String, rcgen::Error> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::new(names.to_vec())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = names.first().map_or("reach", String::as_str);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let now = std::time::SystemTime::now();
    // Clocks differ.
    params.not_before = (now - Duration::from_secs(86_400)).into();
    params.not_after = (now + LASTS).into();
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

fn is_over_soon(leaf: &[u8]) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let ends = parse_x509_certificate(leaf).map(|(_, parsed)| parsed.validity().not_after.timestamp());
    let ends = ends.ok().and_then(|ends| u64::try_from(ends).ok()).map(Duration::from_secs);
    ends.is_none_or(|ends| ends < now + RENEWED_BEFORE)
}

fn is_for(leaf: &[u8], names: &[String]) -> bool {
    let Ok((_, parsed)) = parse_x509_certificate(leaf) else { return false };
    let Ok(Some(extension)) = parsed.subject_alternative_name() else { return false };
    let has: Vec<String> = extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => match bytes.len() {
                4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
                _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
            },
            _ => None,
        })
        .collect();
    names.iter().all(|name| has.contains(name))
}

/// Nobody else may read it, not for a moment; and nobody ever reads half of it.
fn write_privately(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("pem.new");
    let _ = fs::remove_file(&beside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// The names that a certificate which is made here is for.
pub(crate) fn own_names(host: &str, hosts: &[String], local: std::net::IpAddr) -> Vec<String> {
    let mut names = Vec::new();
    let given = [host.to_owned()].into_iter().chain(hosts.iter().cloned());
    for name in given.chain(["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()]) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let fits = !name.is_empty()
            && name.len() <= 253
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
        if fits && !names.contains(&name) {
            names.push(name);
        }
    }
    let local = local.to_canonical();
    if !local.is_unspecified() && !names.contains(&local.to_string()) {
        names.push(local.to_string());
    }
    names
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn names() -> Vec<String> {
        own_names("box", &["reach.example".to_owned()], "192.0.2.1".parse().expect("an address"))
    }

    /// Settings with a certificate that somebody else signed.
    pub(in crate::web::door) fn signed(directory: &TempDir) -> TlsSettings {
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("right");
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Authority");
        let issuer = rcgen::Issuer::new(authority, rcgen::KeyPair::generate().expect("made"));
        let key_pair = rcgen::KeyPair::generate().expect("made");
        let leaf = rcgen::CertificateParams::new(names()).expect("right").signed_by(&key_pair, &issuer);
        let (certificate, key) = (directory.path().join("signed.pem"), directory.path().join("signed.key"));
        fs::write(&certificate, leaf.expect("signed").pem()).expect("written");
        fs::write(&key, key_pair.serialize_pem()).expect("written");
        TlsSettings { certificate: Some(certificate), key: Some(key), self_signed: false }
    }

    fn fingerprint_of(tls: &Tls) -> String {
        let current = tls.current.0.read().expect("unharmed");
        fingerprint(current.cert.first().expect("a certificate"))
    }

    fn own() -> TlsSettings {
        TlsSettings { self_signed: true, ..TlsSettings::default() }
    }

    #[test]
    fn a_certificate_is_made_once_for_its_owner_alone() {
        let directory = TempDir::new().expect("a directory");
        let store = directory.path().join("reach.db");
        let first = Tls::open(&own(), &store, names()).expect("made");
        let kept = directory.path().join("reach-tls.pem");
        assert_eq!(fs::metadata(&kept).expect("kept").permissions().mode() & 0o777, 0o600);
        let again = Tls::open(&own(), &store, names()).expect("read");
        assert_eq!(fingerprint_of(&first), fingerprint_of(&again));
        assert!(!again.is_signed());
        let mut more = names();
        more.push("other.example".to_owned());
        let other = Tls::open(&own(), &store, more).expect("made");
        assert_ne!(fingerprint_of(&first), fingerprint_of(&other), "it is not for all of these names");
        fs::write(&kept, "broken").expect("written");
        assert!(Tls::open(&own(), &store, names()).is_ok());
    }

    #[test]
    fn files_that_are_replaced_are_read_again_and_broken_ones_are_not() {
        let directory = TempDir::new().expect("a directory");
        let (certificate, key) = (directory.path().join("c.pem"), directory.path().join("k.pem"));
        let write = || {
            let pem = make(&names()).expect("made");
            fs::write(&certificate, &pem).expect("written");
            fs::write(&key, &pem).expect("written");
        };
        write();
        let settings = TlsSettings {
            certificate: Some(certificate.clone()),
            key: Some(key.clone()),
            self_signed: false,
        };
        let tls = Tls::open(&settings, Path::new("/nowhere/reach.db"), names()).expect("read");
        let before = fingerprint_of(&tls);
        tls.renew();
        assert_eq!(fingerprint_of(&tls), before);
        fs::write(&certificate, "broken, and longer").expect("written");
        tls.renew();
        assert_eq!(fingerprint_of(&tls), before);
        write();
        tls.renew();
        assert_ne!(fingerprint_of(&tls), before);
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let directory = TempDir::new().expect("a directory");
        let (one, other) = (directory.path().join("one.pem"), directory.path().join("other.pem"));
        fs::write(&one, make(&names()).expect("made")).expect("written");
        fs::write(&other, make(&names()).expect("made")).expect("written");
        let said = |certificate: &Path, key: &Path| {
            let settings = TlsSettings {
                certificate: Some(certificate.to_owned()),
                key: Some(key.to_owned()),
                self_signed: false,
            };
            Tls::check(&settings).expect_err("wrong")
        };
        assert!(said(&one, &other).contains("cannot be used together"), "{}", said(&one, &other));
        assert!(said(Path::new("/nowhere"), &one).contains("`/nowhere` cannot be read"));
        let empty = directory.path().join("empty.pem");
        fs::write(&empty, "").expect("written");
        assert!(said(&empty, &one).contains("no certificate in PEM"));
        assert!(said(&one, &empty).contains("no private key"));
    }
}
