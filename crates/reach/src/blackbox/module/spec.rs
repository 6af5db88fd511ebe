//! What a module file may say, option by option.

mod http;

use serde::{Deserialize, Serialize};
use serde_norway::Value;

pub use self::http::{Authorization, BasicAuth, HeaderMatch, HeaderSource, HttpSpec};
use super::scalar::{Bytes, Pattern, Span, flag, or_default, text};
use crate::web::Secret;

/// Probers that are known but not here.
const NOT_OURS: [&str; 3] = ["grpc", "unix", "websocket"];

/// One module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModuleSpec {
    /// Which prober.
    pub prober: String,
    /// When to give up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// For `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSpec>,
    /// For `tcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpSpec>,
    /// For `icmp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpSpec>,
    /// For `dns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsSpec>,
    /// For a prober that is not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<Value>,
    /// For a prober that is not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unix: Option<Value>,
    /// For a prober that is not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websocket: Option<Value>,
}

/// Which family of addresses to prefer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpProtocol {
    /// IPv4.
    Ip4,
    /// IPv6.
    #[default]
    #[serde(alias = "")]
    Ip6,
}

/// How TLS is spoken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct TlsSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub server_name: String,
    #[serde(deserialize_with = "flag")]
    pub insecure_skip_verify: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_version: Option<TlsVersion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_version: Option<TlsVersion>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they name themselves")]
pub enum TlsVersion {
    #[serde(rename = "TLS10")]
    Tls10,
    #[serde(rename = "TLS11")]
    Tls11,
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

/// Options of the prober `tcp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct TcpSpec {
    pub preferred_ip_protocol: IpProtocol,
    #[serde(deserialize_with = "flag")]
    pub ip_protocol_fallback: bool,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub source_ip_address: String,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub query_response: Vec<QueryResponse>,
    #[serde(deserialize_with = "flag")]
    pub tls: bool,
    #[serde(deserialize_with = "or_default")]
    pub tls_config: TlsSpec,
}

impl Default for TcpSpec {
    fn default() -> Self {
        Self {
            preferred_ip_protocol: IpProtocol::default(),
            ip_protocol_fallback: true,
            source_ip_address: String::new(),
            query_response: Vec::new(),
            tls: false,
            tls_config: TlsSpec::default(),
        }
    }
}

/// One step of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct QueryResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Pattern>,
    #[serde(skip_serializing_if = "Bytes::is_empty")]
    pub expect_bytes: Bytes,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelSpec>,
    #[serde(skip_serializing_if = "Bytes::is_empty")]
    pub send: Bytes,
    #[serde(deserialize_with = "flag")]
    pub starttls: bool,
}

/// A label that is cut out of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelSpec {
    /// Its name.
    pub name: String,
    /// Its value, with `${1}` for what a group of the expression matched.
    pub value: String,
}

/// Options of the prober `icmp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct IcmpSpec {
    pub preferred_ip_protocol: IpProtocol,
    #[serde(deserialize_with = "flag")]
    pub ip_protocol_fallback: bool,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub source_ip_address: String,
    pub payload_size: i64,
    #[serde(deserialize_with = "flag")]
    pub dont_fragment: bool,
    pub ttl: i64,
}

impl Default for IcmpSpec {
    fn default() -> Self {
        Self {
            preferred_ip_protocol: IpProtocol::default(),
            ip_protocol_fallback: true,
            source_ip_address: String::new(),
            payload_size: 0,
            dont_fragment: false,
            ttl: 64,
        }
    }
}

/// Options of the prober `dns`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct DnsSpec {
    pub preferred_ip_protocol: IpProtocol,
    #[serde(deserialize_with = "flag")]
    pub ip_protocol_fallback: bool,
    #[serde(deserialize_with = "flag")]
    pub dns_over_tls: bool,
    #[serde(deserialize_with = "or_default")]
    pub tls_config: TlsSpec,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub source_ip_address: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub transport_protocol: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub query_class: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub query_name: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub query_type: String,
    #[serde(deserialize_with = "flag")]
    pub recursion_desired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_rcodes: Option<Vec<String>>,
    #[serde(deserialize_with = "or_default")]
    pub validate_answer_rrs: RecordCheck,
    #[serde(deserialize_with = "or_default")]
    pub validate_authority_rrs: RecordCheck,
    #[serde(deserialize_with = "or_default")]
    pub validate_additional_rrs: RecordCheck,
}

impl Default for DnsSpec {
    fn default() -> Self {
        Self {
            preferred_ip_protocol: IpProtocol::default(),
            ip_protocol_fallback: true,
            dns_over_tls: false,
            tls_config: TlsSpec::default(),
            source_ip_address: String::new(),
            transport_protocol: String::new(),
            query_class: String::new(),
            query_name: String::new(),
            query_type: String::new(),
            recursion_desired: true,
            valid_rcodes: None,
            validate_answer_rrs: RecordCheck::default(),
            validate_authority_rrs: RecordCheck::default(),
            validate_additional_rrs: RecordCheck::default(),
        }
    }
}

/// What the records of an answer have to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct RecordCheck {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub fail_if_matches_regexp: Vec<Pattern>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub fail_if_all_match_regexp: Vec<Pattern>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub fail_if_not_matches_regexp: Vec<Pattern>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub fail_if_none_matches_regexp: Vec<Pattern>,
}

impl ModuleSpec {
    /// Old names of options become new ones.
    pub(super) fn normalize(&mut self) {
        if let Some(http) = &mut self.http
            && let Some(stays) = http.no_follow_redirects.take()
        {
            http.follow_redirects = !stays;
        }
    }

    /// What no module can say.
    pub(super) fn validate(&self) -> Result<(), String> {
        let known = ["http", "tcp", "icmp", "dns"];
        if !known.contains(&self.prober.as_str()) && !NOT_OURS.contains(&self.prober.as_str()) {
            return Err(format!(
                "prober `{}` is none; give http, tcp, icmp or dns",
                self.prober.escape_debug()
            ));
        }
        if let Some(http) = &self.http {
            http.validate()?;
        }
        for step in self.tcp.iter().flat_map(|tcp| &tcp.query_response) {
            step.validate()?;
        }
        for text in [
            self.tcp.as_ref().map(|tcp| &tcp.source_ip_address),
            self.icmp.as_ref().map(|icmp| &icmp.source_ip_address),
            self.dns.as_ref().map(|dns| &dns.source_ip_address),
        ]
        .into_iter()
        .flatten()
        {
            if !text.is_empty() && text.parse::<std::net::IpAddr>().is_err() {
                return Err(format!("source_ip_address `{}` is no address", text.escape_debug()));
            }
        }
        if let Some(icmp) = &self.icmp {
            if !(0..=255).contains(&icmp.ttl) {
                return Err(format!("ttl {} is none; give 0 to 255", icmp.ttl));
            }
            if !(0..=65_507).contains(&icmp.payload_size) {
                return Err(format!("payload_size {} is none; give 0 to 65507", icmp.payload_size));
            }
        }
        match (&self.dns, self.prober.as_str()) {
            (Some(dns), _) => dns.validate(),
            (None, "dns") => Err("query_name is missing; it must be set for dns".to_owned()),
            (None, _) => Ok(()),
        }
    }

    /// Why this program cannot do what the module asks for, if so.
    pub(super) fn beyond_us(&self) -> Option<String> {
        if NOT_OURS.contains(&self.prober.as_str()) {
            return Some(format!("the prober `{}` is not supported", self.prober));
        }
        let tls = match self.prober.as_str() {
            "http" => self.http.as_ref().map(|http| &http.tls_config),
            "tcp" => self.tcp.as_ref().map(|tcp| &tcp.tls_config),
            "dns" => self.dns.as_ref().map(|dns| &dns.tls_config),
            _ => None,
        };
        if tls.and_then(|tls| tls.max_version).is_some_and(|version| version < TlsVersion::Tls12) {
            return Some("max_version below TLS12 is not supported".to_owned());
        }
        self.http.as_ref().filter(|_| self.prober == "http")?.beyond_us()
    }
}

impl QueryResponse {
    fn validate(&self) -> Result<(), String> {
        if self.expect.is_some() && !self.expect_bytes.is_empty() {
            return Err("expect and expect_bytes exclude each other".to_owned());
        }
        let named = |label: &LabelSpec| {
            let mut characters = label.name.chars();
            characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
                && !label.name.starts_with("__")
        };
        match self.labels.iter().find(|label| !named(label)) {
            Some(label) => Err(format!("`{}` cannot be the name of a label", label.name.escape_debug())),
            None => Ok(()),
        }
    }
}

impl DnsSpec {
    fn validate(&self) -> Result<(), String> {
        if self.query_name.is_empty() {
            return Err("query_name is missing; it must be set for dns".to_owned());
        }
        crate::blackbox::dns::question(self).map(|_| ())
    }
}
