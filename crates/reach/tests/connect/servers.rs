//! Servers on loopback, each connection with a thread of its own.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::aws_lc_rs::default_provider};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

/// Longer than any test.
const LONG: Duration = Duration::from_secs(60);

/// Serves every connection in the same way, for as long as the test lives.
pub(crate) fn serve(conduct: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("bound");
    let conduct = Arc::new(conduct);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let conduct = Arc::clone(&conduct);
            let _ = stream.set_read_timeout(Some(LONG));
            thread::spawn(move || conduct(stream));
        }
    });
    address
}

/// Says nothing and keeps the connection until the other side ends it.
pub(crate) fn hold(mut stream: impl Read) {
    let mut rest = [0; 512];
    while matches!(stream.read(&mut rest), Ok(1..)) {}
}

/// Resets the connection.
pub(crate) fn abort(stream: TcpStream) {
    let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    nix::sys::socket::setsockopt(&stream, nix::sys::socket::sockopt::Linger, &linger).expect("lingers");
}

/// Reads a line, with its end.
pub(crate) fn line(stream: &mut impl Read) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\n") && matches!(stream.read(&mut byte), Ok(1)) {
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// Reads the head of a request or of anything else that ends with an empty line.
pub(crate) fn head(stream: &mut impl Read) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let next = line(stream);
        if next.is_empty() {
            break;
        }
        head.push_str(&next);
    }
    head
}

/// Answers one request.
pub(crate) fn respond(mut stream: TcpStream, response: &str) {
    head(&mut stream);
    let _ = stream.write_all(response.as_bytes());
    hold(stream);
}

/// One that vouches for certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, "the authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        let directory = TempDir::new().expect("a directory");
        std::fs::write(directory.path().join("root.pem"), certificate.pem()).expect("written");
        Self { issuer: Issuer::new(params, key), directory }
    }

    /// The file with its own certificate.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        Path::new(self.directory.path()).join("root.pem")
    }

    /// What a server with these names needs.
    pub(crate) fn config(&self, names: &[&str]) -> Arc<ServerConfig> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let params = CertificateParams::new(names).expect("names");
        let key = KeyPair::generate().expect("a key");
        let certificate: CertificateDer<'static> =
            params.signed_by(&key, &self.issuer).expect("signed").der().clone();
        let key: PrivateKeyDer<'static> = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate");
        Arc::new(config)
    }

    /// A server of TLS with these names.
    pub(crate) fn serve_tls(
        &self,
        names: &[&str],
        conduct: impl Fn(StreamOwned<ServerConnection, TcpStream>) + Send + Sync + 'static,
    ) -> SocketAddr {
        let config = self.config(names);
        serve(move |stream| conduct(secure(&config, stream)))
    }
}

/// The server's side of TLS on a connection.
pub(crate) fn secure(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).expect("a server"), stream)
}
