//! TLS for tokio-postgres, by the rustls of the rest of the house.

use std::{
    future::Future,
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use reach_net::trust::TrustRoots;
use rustls::ClientConfig;
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use crate::output::shown;

/// The certificates to trust: those of a file, or the system's.
pub(super) fn roots(ca: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(path) = ca else { return Ok(rustls_native_certs::load_native_certs().certs) };
    let name = shown(&path.to_string_lossy());
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| format!("`{name}` cannot be read as certificates in PEM: {error}"))?;
    if certificates.is_empty() {
        return Err(format!("`{name}` has no certificate in PEM"));
    }
    Ok(certificates)
}

/// What a client's library says of a connection that TLS did not come about on, with what would make it.
pub(super) fn explained(said: String) -> String {
    let hint = if said.contains("UnknownIssuer") {
        "nobody who is trusted signed its certificate: name who did in `ca`"
    } else if said.contains("not valid for name") || said.contains("NotValidForName") {
        "`host` has to be a name that its certificate has"
    } else if said.contains("does not support TLS") || said.contains("does not have this capability") {
        "`tls` demands what this server does not offer: turn it on there, or set `tls = \"off\"`"
    } else {
        return said;
    };
    format!("{said} ({hint})")
}

/// Makes connections that are verified.
#[derive(Clone, Debug)]
pub(super) struct Rustls {
    config: Arc<ClientConfig>,
}

impl Rustls {
    /// Trusts the certificates of a file, or the system's.
    pub(super) fn new(ca: Option<&Path>) -> Result<Self, String> {
        let roots = TrustRoots::from_certificates(roots(ca)?, "sql");
        let mut config = roots.client_config([]).map_err(|error| error.to_string())?;
        // PostgreSQL 17 and whatever routes by ALPN want it; older ones ignore it.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self { config: Arc::new(config) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Rustls {
    type Stream = Secured<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, domain: &str) -> io::Result<Handshake> {
        let name = ServerName::try_from(domain.to_owned()).map_err(io::Error::other)?;
        Ok(Handshake { connector: TlsConnector::from(Arc::clone(&self.config)), name })
    }
}

/// A handshake that is to be made.
pub(super) struct Handshake {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Secured<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Secured<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { self.connector.connect(self.name, stream).await.map(Secured) })
    }
}

/// A connection with TLS.
pub(super) struct Secured<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Secured<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
