//! Certificates, good and bad.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::description::{Certificate, Tls};
use crate::error::LabError;

/// The certification authorities of a lab.
pub(crate) struct Authority {
    trusted: CertifiedIssuer<'static, KeyPair>,
    inspection: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// New keys for a new lab.
    pub(crate) fn new() -> Result<Authority, LabError> {
        let issuer = |name: &str| -> Result<_, rcgen::Error> {
            let mut params = CertificateParams::new(Vec::new())?;
            params.distinguished_name = common_name(name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2100, 1, 1));
            CertifiedIssuer::self_signed(params, KeyPair::generate()?)
        };
        let made = issuer("Reach Lab CA")
            .and_then(|trusted| Ok(Authority { trusted, inspection: issuer("Corporate Inspection CA")? }));
        made.map_err(certificate_trouble)
    }

    /// The trusted one's certificate.
    pub(crate) fn pem(&self) -> String {
        self.trusted.pem()
    }

    /// What a server with this description needs.
    pub(crate) fn server_config(&self, tls: &Tls) -> Result<Arc<ServerConfig>, LabError> {
        let (chain, key) = self.certificate(tls).map_err(certificate_trouble)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        let mut config =
            config.map_err(|error| LabError::BadDescription(format!("a TLS service: {error}")))?;
        config.alpn_protocols = tls.alpn.iter().map(|name| name.clone().into_bytes()).collect();
        Ok(Arc::new(config))
    }

    fn certificate(&self, tls: &Tls) -> Result<(Vec<CertificateDer<'static>>, KeyPair), rcgen::Error> {
        let mut names = match tls.certificate {
            Certificate::WrongName => vec!["wrong.example".to_owned()],
            _ => tls.names.clone(),
        };
        if tls.large {
            names.extend((0..120).map(|number| format!("one-name-of-very-many-{number}.large.example")));
        }
        let mut params = CertificateParams::new(names.clone())?;
        params.distinguished_name = common_name(names.first().map_or("nobody", String::as_str));
        let (begin, end) = match tls.certificate {
            Certificate::Expired => (2020, 2021),
            Certificate::NotYetValid => (2090, 2100),
            _ => (2020, 2100),
        };
        (params.not_before, params.not_after) = (date_time_ymd(begin, 1, 1), date_time_ymd(end, 1, 1));
        let key = KeyPair::generate()?;
        let chain = match tls.certificate {
            Certificate::SelfSigned => vec![params.self_signed(&key)?.der().clone()],
            Certificate::Inspection => {
                vec![params.signed_by(&key, &self.inspection)?.der().clone(), self.inspection.der().clone()]
            }
            _ => vec![params.signed_by(&key, &self.trusted)?.der().clone()],
        };
        Ok((chain, key))
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn certificate_trouble(error: rcgen::Error) -> LabError {
    LabError::BadDescription(format!("a certificate cannot be made: {error}"))
}
