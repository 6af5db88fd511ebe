//! Authorities and certificates for tests.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// One that signs.
pub(crate) struct Authority {
    pub(crate) certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Authority {
    /// A root.
    pub(crate) fn root(name: &str) -> Self {
        let (params, key) = (authority_params(name), key());
        let certificate = params.self_signed(&key).expect("signs").der().clone();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// An authority below this one.
    pub(crate) fn authority(&self, name: &str) -> Self {
        self.authority_from(authority_params(name))
    }

    /// An authority below this one whose certificate expired in 2021.
    pub(crate) fn expired_authority(&self, name: &str) -> Self {
        let mut params = authority_params(name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.authority_from(params)
    }

    fn authority_from(&self, params: CertificateParams) -> Self {
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("signs").der().clone();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// A server's certificate, valid now.
    pub(crate) fn server(&self, names: &[&str]) -> Identity {
        self.server_with(server_params(names))
    }

    /// A server's certificate that is valid between two years.
    pub(crate) fn server_between(&self, names: &[&str], from: i32, to: i32) -> Identity {
        let mut params = server_params(names);
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        self.server_with(params)
    }

    /// Any certificate.
    pub(crate) fn server_with(&self, params: CertificateParams) -> Identity {
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("signs").der().clone();
        Identity { certificate, key: private(&key) }
    }
}

/// A certificate signed with its own key.
pub(crate) fn self_signed(params: CertificateParams) -> Identity {
    let key = key();
    let certificate = params.self_signed(&key).expect("signs").der().clone();
    Identity { certificate, key: private(&key) }
}

pub(crate) fn server_params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "server");
    params
}

pub(crate) fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(key.serialize_der()).into()
}
