//! A server's certificate in the words of `probe_ssl_last_chain_info`, which are those of Go's X.509 library.

use std::fmt::Write as _;

use aws_lc_rs::digest;
use rustls_pki_types::CertificateDer;
use x509_parser::{
    asn1_rs::{Any, BmpString, Tag},
    certificate::X509Certificate,
    extensions::GeneralName,
    prelude::FromDer,
    x509::X509Name,
};

/// The attributes that have a name, in the order in which Go puts them: `(OID, name)`.
const NAMED: [(&str, &str); 9] = [
    ("2.5.4.6", "C"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.17", "POSTALCODE"),
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "SERIALNUMBER"),
];

/// What the labels say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) fingerprint: String,
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) names: String,
    pub(super) serial: String,
}

impl Facts {
    /// What can be read of a certificate.
    pub(super) fn of(der: &CertificateDer<'_>) -> Self {
        let fingerprint = hex(digest::digest(&digest::SHA256, der).as_ref());
        let Ok((_, parsed)) = X509Certificate::from_der(der) else {
            return Self { fingerprint, ..Self::default() };
        };
        let names = parsed.subject_alternative_name().ok().flatten().map(|extension| {
            let names = extension.value.general_names.iter().filter_map(|name| match name {
                GeneralName::DNSName(name) => Some(*name),
                _ => None,
            });
            names.collect::<Vec<_>>().join(",")
        });
        let serial = parsed.raw_serial();
        let zeros = serial.iter().take_while(|&&byte| byte == 0).count();
        Self {
            fingerprint,
            subject: distinguished_name(parsed.subject()),
            issuer: distinguished_name(parsed.issuer()),
            names: names.unwrap_or_default(),
            serial: hex(serial.get(zeros..).unwrap_or_default()),
        }
    }
}

/// When a certificate ends, in seconds since the Unix epoch.
pub(super) fn end(der: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

/// A name as Go writes it: named attributes, those of one kind joined by `+`, and before them in the certificate's
/// order (so behind them in the text) the ones without a name.
fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for attribute in name.iter_attributes() {
        let oid = attribute.attr_type().to_id_string();
        if !NAMED.iter().any(|(known, _)| *known == oid) {
            let value = attribute.attr_value();
            groups.push(vec![format!("{oid}=#{}", hex(&encoded(&text(value))))]);
        }
    }
    for (oid, label) in NAMED {
        let own = name.iter_attributes().filter(|attribute| attribute.attr_type().to_id_string() == oid);
        let own: Vec<String> =
            own.map(|attribute| format!("{label}={}", escaped(&text(attribute.attr_value())))).collect();
        // Of these two Go keeps the last one only.
        let single = matches!(label, "CN" | "SERIALNUMBER");
        let own = if single { own.into_iter().next_back().into_iter().collect() } else { own };
        if !own.is_empty() {
            groups.push(own);
        }
    }
    groups.iter().rev().map(|group| group.join("+")).collect::<Vec<_>>().join(",")
}

fn text(value: &Any<'_>) -> String {
    match value.tag() {
        Tag::BmpString => {
            BmpString::try_from(value.clone()).map_or_else(|_| String::new(), |text| text.string())
        }
        _ => String::from_utf8_lossy(value.data).into_owned(),
    }
}

/// A text as DER: a `PrintableString` where it can be one, else a `UTF8String`.
fn encoded(text: &str) -> Vec<u8> {
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte);
    let tag = if text.bytes().all(printable) { 0x13 } else { 0x0c };
    let mut der = vec![tag];
    match text.len() {
        short @ 0..=127 => der.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let bytes = &bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..];
            der.push(0x80 | bytes.len() as u8);
            der.extend_from_slice(bytes);
        }
    }
    der.extend_from_slice(text.as_bytes());
    der
}

/// RFC 2253 §2.4.
fn escaped(text: &str) -> String {
    let last = text.chars().count().saturating_sub(1);
    let mut out = String::new();
    for (number, character) in text.chars().enumerate() {
        let special = matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        let at_edge = character == ' ' && (number == 0 || number == last) || character == '#' && number == 0;
        if special || at_edge {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SerialNumber};

    use super::*;

    #[test]
    fn names_are_written_as_go_writes_them() {
        let mut params =
            CertificateParams::new(vec!["a.example".to_owned(), "b.example".to_owned()]).expect("names");
        params.serial_number = Some(SerialNumber::from_slice(&[0, 1, 0xab]));
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Example, Inc.");
        params.distinguished_name.push(DnType::CommonName, "a.example");
        params.distinguished_name.push(DnType::CountryName, "KR");
        params.distinguished_name.push(DnType::CustomDnType(vec![1, 2, 3, 4]), "odd");
        let key = KeyPair::generate().expect("a key");
        let facts = Facts::of(params.self_signed(&key).expect("signs").der());
        assert_eq!(facts.subject, "CN=a.example,O=Example\\, Inc.,C=KR,1.2.3.4=#13036f6464");
        assert_eq!(facts.issuer, facts.subject);
        assert_eq!(facts.names, "a.example,b.example");
        assert_eq!(facts.serial, "01ab");
        assert_eq!(facts.fingerprint.len(), 64);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let der = CertificateDer::from(bytes);
            prop_assert_eq!(Facts::of(&der).fingerprint.len(), 64);
            let _ = end(&der);
        }
    }
}
