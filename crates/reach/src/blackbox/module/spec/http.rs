//! What a module file may say of HTTP.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_norway::Value;

use super::{
    super::scalar::{Pattern, Size, flag, or_default, text, texts},
    IpProtocol, TlsSpec,
};
use crate::web::Secret;

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

impl HttpSpec {
    /// What this program cannot do, if the module asks for it.
    pub(super) fn beyond_us(&self) -> Option<String> {
        let proxy = self.proxy_url.as_deref().unwrap_or_default();
        let option = if self.oauth2.is_some() {
            "oauth2"
        } else if self.enable_http3 {
            "enable_http3"
        } else if self.fail_if_body_json_matches_cel.is_some() {
            "fail_if_body_json_matches_cel"
        } else if self.fail_if_body_json_not_matches_cel.is_some() {
            "fail_if_body_json_not_matches_cel"
        } else if self.compression.eq_ignore_ascii_case("br") {
            "compression: br"
        } else if !proxy.is_empty() && !proxy.starts_with("http://") {
            "a proxy_url that does not begin with http://"
        } else {
            return None;
        };
        Some(format!("{option} is not supported"))
    }

    /// What no module can say.
    pub(super) fn validate(&self) -> Result<(), String> {
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
