//! What a module file may say, option by option.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_norway::Value;

use super::scalar::{Bytes, Pattern, Size, Span, flag, or_default, text, texts};
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

/// Options of the prober `http`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct HttpSpec {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub valid_status_codes: Vec<u16>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub valid_http_versions: Vec<String>,
    pub preferred_ip_protocol: IpProtocol,
    #[serde(deserialize_with = "flag")]
    pub ip_protocol_fallback: bool,
    #[serde(deserialize_with = "flag")]
    pub skip_resolve_phase_with_proxy: bool,
    #[serde(deserialize_with = "flag")]
    pub follow_redirects: bool,
    #[serde(skip_serializing)]
    pub no_follow_redirects: Option<bool>,
    #[serde(deserialize_with = "flag")]
    pub fail_if_ssl: bool,
    #[serde(deserialize_with = "flag")]
    pub fail_if_not_ssl: bool,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub method: String,
    #[serde(
        deserialize_with = "texts",
        serialize_with = "veiled",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub http_headers: BTreeMap<String, HeaderSource>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub fail_if_body_matches_regexp: Vec<Pattern>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub fail_if_body_not_matches_regexp: Vec<Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_if_body_json_matches_cel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_if_body_json_not_matches_cel: Option<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub fail_if_header_matches: Vec<HeaderMatch>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub fail_if_header_not_matches: Vec<HeaderMatch>,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub body: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub body_file: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub compression: String,
    #[serde(deserialize_with = "or_default")]
    pub body_size_limit: Size,
    #[serde(deserialize_with = "or_default")]
    pub tls_config: TlsSpec,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Authorization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<String>,
    #[serde(skip_serializing)]
    pub oauth2: Option<Value>,
    #[serde(serialize_with = "without_login", skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<String>,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub no_proxy: String,
    #[serde(deserialize_with = "flag")]
    pub proxy_from_environment: bool,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub proxy_connect_header: BTreeMap<String, Vec<Secret>>,
    #[serde(deserialize_with = "flag")]
    pub enable_http2: bool,
    #[serde(deserialize_with = "flag")]
    pub enable_http3: bool,
}

impl Default for HttpSpec {
    fn default() -> Self {
        Self {
            valid_status_codes: Vec::new(),
            valid_http_versions: Vec::new(),
            preferred_ip_protocol: IpProtocol::default(),
            ip_protocol_fallback: true,
            skip_resolve_phase_with_proxy: false,
            follow_redirects: true,
            no_follow_redirects: None,
            fail_if_ssl: false,
            fail_if_not_ssl: false,
            method: String::new(),
            headers: BTreeMap::new(),
            http_headers: BTreeMap::new(),
            fail_if_body_matches_regexp: Vec::new(),
            fail_if_body_not_matches_regexp: Vec::new(),
            fail_if_body_json_matches_cel: None,
            fail_if_body_json_not_matches_cel: None,
            fail_if_header_matches: Vec::new(),
            fail_if_header_not_matches: Vec::new(),
            body: String::new(),
            body_file: String::new(),
            compression: String::new(),
            body_size_limit: Size(0),
            tls_config: TlsSpec::default(),
            basic_auth: None,
            authorization: None,
            bearer_token: None,
            bearer_token_file: None,
            oauth2: None,
            proxy_url: None,
            no_proxy: String::new(),
            proxy_from_environment: false,
            proxy_connect_header: BTreeMap::new(),
            enable_http2: true,
            enable_http3: false,
        }
    }
}

/// Where the values of a header come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct HeaderSource {
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// What a header of an answer has to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderMatch {
    /// Its name.
    pub header: String,
    /// What its value is held against.
    pub regexp: Pattern,
    /// Whether it may be missing.
    #[serde(default, deserialize_with = "flag")]
    pub allow_missing: bool,
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

/// User and password of an HTTP request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct BasicAuth {
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<String>,
}

/// The header `Authorization`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "the options have the names and meanings of the manual of blackbox_exporter")]
pub struct Authorization {
    #[serde(rename = "type", deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials_file: Option<String>,
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
        let http = self.http.as_ref().filter(|_| self.prober == "http")?;
        let proxy = http.proxy_url.as_deref().unwrap_or_default();
        let option = if http.oauth2.is_some() {
            "oauth2"
        } else if http.enable_http3 {
            "enable_http3"
        } else if http.fail_if_body_json_matches_cel.is_some() {
            "fail_if_body_json_matches_cel"
        } else if http.fail_if_body_json_not_matches_cel.is_some() {
            "fail_if_body_json_not_matches_cel"
        } else if http.compression.eq_ignore_ascii_case("br") {
            "compression: br"
        } else if !proxy.is_empty() && !proxy.starts_with("http://") {
            "a proxy_url that does not begin with http://"
        } else {
            return None;
        };
        Some(format!("{option} is not supported"))
    }
}

impl HttpSpec {
    fn validate(&self) -> Result<(), String> {
        if !self.body.is_empty() && !self.body_file.is_empty() {
            return Err("body and body_file exclude each other".to_owned());
        }
        let ways = [
            self.basic_auth.is_some(),
            self.authorization.is_some(),
            self.oauth2.is_some(),
            self.bearer_token.is_some() || self.bearer_token_file.is_some(),
        ];
        if ways.into_iter().filter(|&given| given).count() > 1 {
            return Err("basic_auth, authorization, bearer_token and oauth2 exclude each other".to_owned());
        }
        if let Some(login) = &self.basic_auth {
            if !login.username.is_empty() && login.username_file.is_some() {
                return Err("username and username_file exclude each other".to_owned());
            }
            if login.password.is_some() && login.password_file.is_some() {
                return Err("password and password_file exclude each other".to_owned());
            }
        }
        if let Some(authorization) = &self.authorization {
            if authorization.credentials.is_some() && authorization.credentials_file.is_some() {
                return Err("credentials and credentials_file exclude each other".to_owned());
            }
            if authorization.kind.eq_ignore_ascii_case("basic") {
                return Err("authorization of type basic is not allowed; use basic_auth".to_owned());
            }
        }
        let proxy = self.proxy_url.as_deref().unwrap_or_default();
        if self.proxy_from_environment && (!proxy.is_empty() || !self.no_proxy.is_empty()) {
            return Err("proxy_from_environment excludes proxy_url and no_proxy".to_owned());
        }
        if proxy.is_empty() && !self.no_proxy.is_empty() {
            return Err("no_proxy needs proxy_url".to_owned());
        }
        if !["", "gzip", "deflate", "br", "identity"]
            .contains(&self.compression.to_ascii_lowercase().as_str())
        {
            return Err(format!(
                "compression `{}` is none; give gzip or deflate",
                self.compression.escape_debug()
            ));
        }
        let accepted = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("accept-encoding"));
        match accepted {
            Some((_, value)) if !accepts(value, &self.compression) => Err(format!(
                "the header Accept-Encoding `{}` does not allow compression `{}`",
                value.escape_debug(),
                self.compression.escape_debug()
            )),
            _ => Ok(()),
        }
    }
}

/// Whether a request that accepts `header` may be answered with `encoding` (RFC 9110 §12.5.3).
fn accepts(header: &str, encoding: &str) -> bool {
    if header.is_empty() || encoding.is_empty() {
        return true;
    }
    let mut best: Option<f32> = None;
    for part in header.split(',') {
        let (name, parameters) = part.split_once(';').map_or((part, ""), |(name, rest)| (name, rest));
        if name.trim() == encoding || name.trim() == "*" {
            let weight =
                parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            best = Some(best.map_or(weight, |best| best.max(weight)));
        }
    }
    best.is_some_and(|weight| weight > 0.0)
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

/// Headers without what lets their sender in.
fn veiled<S: serde::Serializer>(
    headers: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let secret = ["authorization", "proxy-authorization", "cookie", "x-api-key"];
    serializer.collect_map(headers.iter().map(|(name, value)| {
        let hidden = secret.contains(&name.to_ascii_lowercase().as_str());
        (name, if hidden { "<secret>" } else { value.as_str() })
    }))
}

fn without_login<S: serde::Serializer>(url: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = url.as_deref().map(|url| match url::Url::parse(url) {
        Ok(mut url) => {
            // Both fail only for URLs that have no host, and those have no password either.
            let _ = url.set_password(None);
            let _ = url.set_username("");
            url.to_string()
        }
        Err(_) => "<invalid>".to_owned(),
    });
    shown.serialize(serializer)
}
