//! The prober `http`: a request, redirects, and what the answer has to be.

mod body;
mod cookies;
mod proxy;
mod trip;

use std::{fs, net::IpAddr};

use hyper::{HeaderMap, Method, StatusCode, body::Bytes, header};
use reach_core::watch::Reason;
use regex::bytes::Regex;
use tokio::{task::spawn_blocking, time::Instant};
use url::Url;

pub(super) use self::proxy::Proxies;
use self::{
    cookies::Cookies,
    trip::{Answer, Question, travel},
};
use super::{
    Bench, Failure, Place, base64,
    log::Log,
    module::{HeaderMatch, HttpSpec, Pattern},
    register::Register,
};

pub(super) const PHASES: &str = "probe_http_duration_seconds";

/// Redirects that are followed.
const MOST_REDIRECTS: u32 = 10;

/// What this program calls itself.
const USER_AGENT: &str = concat!("reach/", env!("CARGO_PKG_VERSION"));

pub(super) fn families(register: &mut Register) {
    for name in [
        "probe_http_content_length",
        "probe_http_uncompressed_body_length",
        "probe_http_redirects",
        "probe_http_ssl",
        "probe_http_status_code",
        "probe_http_version",
        "probe_failed_due_to_regex",
    ] {
        register.set(name, 0.0);
    }
}

/// A target as a URL; without a scheme it is `http`.
fn url(target: &str) -> Result<Url, url::ParseError> {
    let lower = target.get(..8).unwrap_or(target).to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") {
        Url::parse(target)
    } else {
        Url::parse(&format!("http://{target}"))
    }
}

/// The host of a URL without brackets.
fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// Where a URL is, if it is one.
pub(super) fn place(spec: &HttpSpec, target: &str, log: &Log) -> Option<Place> {
    let url = match url(target) {
        Ok(url) => url,
        Err(error) => {
            log.error(format_args!("Could not parse target URL: {error}"));
            return None;
        }
    };
    let proxied = spec.proxy_from_environment || spec.proxy_url.as_deref().is_some_and(|url| !url.is_empty());
    Some(Place {
        host: host(&url),
        port: url.port_or_known_default(),
        protocol: spec.preferred_ip_protocol,
        fallback: spec.ip_protocol_fallback,
        resolve: !(spec.skip_resolve_phase_with_proxy && proxied),
    })
}

/// Carries out one probe of `address`, or of whatever the proxy finds.
pub(super) async fn probe(
    bench: &Bench,
    spec: &HttpSpec,
    target: &str,
    address: Option<IpAddr>,
    deadline: Instant,
    register: &mut Register,
    log: &Log,
) -> Result<(), Failure> {
    let unable = |error: String| {
        log.error(format_args!("Error creating request: {error}"));
        Failure::Unable
    };
    let mut url = url(target).map_err(|error| unable(error.to_string()))?;
    let mut question = first_question(spec, target, &url).map_err(unable)?;
    for phase in ["connect", "tls", "processing", "transfer"] {
        register.phase(PHASES, phase, 0.0);
    }
    let first_host = (host(&url), url.port_or_known_default());
    let mut cookies = Cookies::default();
    let mut at = address;
    let mut redirects = 0;
    let (answer, is_last) = loop {
        // Elsewhere the name of the module is not the name to ask for.
        let is_first =
            (host(&url), url.port_or_known_default()) == first_host && redirects == 0 || question.at_first;
        let name = if is_first { server_name(spec, &url) } else { host(&url) };
        question.cookies = cookies.for_url(&url);
        let answer =
            travel(bench, spec, &url, at, (&name, is_first), &question, deadline, register, log).await?;
        cookies.take(&url, &answer.headers);
        let Some(next) = next_question(&question, &answer, &url) else { break (answer, true) };
        redirects += 1;
        log.info(format_args!("Received redirect: {}", next.url));
        if redirects > MOST_REDIRECTS || !spec.follow_redirects {
            log.info(format_args!("Not following redirect"));
            break (answer, false);
        }
        at = if next.question.at_first { at } else { None };
        url = next.url;
        question = next.question;
    };
    register.set("probe_http_redirects", f64::from(redirects));
    judge(spec, answer, is_last, deadline, register, log).await
}

/// The name that the certificate has to cover, and that is asked for.
fn server_name(spec: &HttpSpec, url: &Url) -> String {
    if !spec.tls_config.server_name.is_empty() {
        return spec.tls_config.server_name.clone();
    }
    let own = spec.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    own.map_or_else(|| host(url), |(_, value)| value.clone())
}

/// The request of the module.
fn first_question(spec: &HttpSpec, target: &str, url: &Url) -> Result<Question, String> {
    let method = if spec.method.is_empty() { "GET" } else { &spec.method };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is no method"))?;
    let body = if spec.body_file.is_empty() {
        spec.body.clone().into_bytes()
    } else {
        fs::read(&spec.body_file).map_err(|error| format!("{}: {error}", spec.body_file))?
    };
    let mut headers = HeaderMap::new();
    let mut host = authority(target, url);
    let mut set = |name: &str, value: &str| -> Result<(), String> {
        let wrong = || format!("the header {} cannot be sent", name.escape_debug());
        let name = header::HeaderName::try_from(name).map_err(|_| wrong())?;
        headers.insert(name, header::HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?);
        Ok(())
    };
    set("user-agent", USER_AGENT)?;
    for (name, value) in &spec.headers {
        if name.eq_ignore_ascii_case("host") {
            host = value.clone();
        } else {
            set(name, value)?;
        }
    }
    for (name, source) in &spec.http_headers {
        for value in &source.values {
            set(name, value)?;
        }
        for secret in &source.secrets {
            set(name, secret.expose())?;
        }
        for file in &source.files {
            set(name, file_text(file)?.trim())?;
        }
    }
    if let Some(value) = authorization(spec, url)? {
        set("authorization", &value)?;
    }
    Ok(Question { method, host, headers, body: Bytes::from(body), cookies: None, at_first: true })
}

/// The authority of a target as it was typed, default port and all.
fn authority(target: &str, url: &Url) -> String {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let typed = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host);
    let usual = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    // Only where the text is no other than the URL means.
    if typed.is_ascii() && typed.to_ascii_lowercase().starts_with(&usual) { typed.to_owned() } else { usual }
}

/// The value of the header `Authorization`, if there is one.
fn authorization(spec: &HttpSpec, url: &Url) -> Result<Option<String>, String> {
    if let Some(login) = &spec.basic_auth {
        let user = match &login.username_file {
            Some(file) => file_text(file)?.trim().to_owned(),
            None => login.username.clone(),
        };
        let password = match (&login.password_file, &login.password) {
            (Some(file), _) => file_text(file)?.trim().to_owned(),
            (None, Some(password)) => password.expose().to_owned(),
            (None, None) => String::new(),
        };
        return Ok(Some(format!("Basic {}", base64::encode(format!("{user}:{password}").as_bytes()))));
    }
    let bearer = |text: &str| Some(format!("Bearer {text}"));
    if let Some(file) = spec.bearer_token_file.as_ref().filter(|file| !file.is_empty()) {
        return Ok(bearer(file_text(file)?.trim()));
    }
    if let Some(token) = &spec.bearer_token {
        return Ok(bearer(token.expose()));
    }
    if let Some(own) = &spec.authorization {
        let kind = if own.kind.is_empty() { "Bearer" } else { &own.kind };
        let credentials = match (&own.credentials_file, &own.credentials) {
            (Some(file), _) => file_text(file)?.trim().to_owned(),
            (None, Some(credentials)) => credentials.expose().to_owned(),
            (None, None) => String::new(),
        };
        return Ok(Some(format!("{kind} {credentials}")));
    }
    let password = url.password();
    let login = !url.username().is_empty() || password.is_some();
    let plain = |text: &str| {
        url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
            .next()
            .map(|(text, _)| text.into_owned())
    };
    let user = plain(url.username()).unwrap_or_default();
    let password = password.and_then(plain).unwrap_or_default();
    Ok(login.then(|| format!("Basic {}", base64::encode(format!("{user}:{password}").as_bytes()))))
}

fn file_text(file: &str) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))
}

/// Where a redirect leads.
struct Next {
    url: Url,
    question: Question,
}

/// What to ask after a redirect, if the answer is one (RFC 9110 §15.4): methods change as browsers change them,
/// and what lets us in at one host is not shown to another.
fn next_question(question: &Question, answer: &Answer, url: &Url) -> Option<Next> {
    let keeps = match answer.status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => false,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        _ => return None,
    };
    let location = answer.headers.get(header::LOCATION)?.to_str().ok()?;
    let is_relative = Url::parse(location).is_err();
    let next = url.join(location).ok().filter(|next| matches!(next.scheme(), "http" | "https"))?;
    let same_host = host(&next) == host(url);
    let plain = question.method == Method::GET || question.method == Method::HEAD;
    let mut headers = question.headers.clone();
    if !same_host {
        for name in [header::AUTHORIZATION, header::COOKIE, header::WWW_AUTHENTICATE] {
            headers.remove(name);
        }
    }
    let body = if keeps { question.body.clone() } else { Bytes::new() };
    if !keeps {
        headers.remove(header::CONTENT_TYPE);
    }
    let method = if keeps || plain { question.method.clone() } else { Method::GET };
    let host = if is_relative { question.host.clone() } else { authority(next.as_str(), &next) };
    let at_first = is_relative && question.at_first;
    Some(Next { url: next, question: Question { method, host, headers, body, cookies: None, at_first } })
}

/// Whether the last answer is what the module wants.
async fn judge(
    spec: &HttpSpec,
    mut answer: Answer,
    is_last: bool,
    deadline: Instant,
    register: &mut Register,
    log: &Log,
) -> Result<(), Failure> {
    let status = answer.status.as_u16();
    log.debug(format_args!("Received HTTP response: status {status}"));
    register.set("probe_http_status_code", f64::from(status));
    register.set("probe_http_content_length", answer.content_length());
    let version = match answer.version {
        hyper::Version::HTTP_10 => 1.0,
        hyper::Version::HTTP_2 => 2.0,
        _ => 1.1,
    };
    register.set("probe_http_version", version);
    let mut result = Ok(());
    let mut fail = |reason: &'static str, why: std::fmt::Arguments<'_>| {
        log.error(why);
        if result.is_ok() {
            result = Err(Failure::Reason(reason));
        }
    };
    let wrong = Reason::Http.code();
    let valid = if spec.valid_status_codes.is_empty() {
        answer.status.is_success()
    } else {
        spec.valid_status_codes.contains(&status)
    };
    let mut good = valid;
    if !valid {
        fail(wrong, format_args!("Invalid HTTP response status code {status}"));
    }
    if good && let Err(why) = headers_hold(spec, &answer.headers) {
        good = false;
        register.set("probe_failed_due_to_regex", 1.0);
        fail("regex", format_args!("{why}"));
    }
    let patterns =
        !(spec.fail_if_body_matches_regexp.is_empty() && spec.fail_if_body_not_matches_regexp.is_empty());
    if is_last || (good && patterns) {
        let read = body::read(spec, &mut answer, good && patterns, deadline).await;
        if is_last {
            register.set("probe_http_uncompressed_body_length", read.length as f64);
        }
        if good && patterns && !read.error.as_ref().is_some_and(|error| error.is_plain) {
            let held = match &read.error {
                Some(error) => Err(format!("Error reading HTTP body: {error}")),
                None => body_holds(spec, read.bytes).await,
            };
            if let Err(why) = held {
                register.set("probe_failed_due_to_regex", 1.0);
                fail("regex", format_args!("{why}"));
            }
        }
        if let Some(error) = read.error.filter(|_| is_last) {
            let reason = if error.is_timeout { Reason::Timeout } else { Reason::Http };
            fail(reason.code(), format_args!("Failed to read HTTP response body: {error}"));
        }
        register.phase(PHASES, "transfer", answer.since.elapsed().as_secs_f64());
    }
    let modified = answer.headers.get(header::LAST_MODIFIED).and_then(|value| value.to_str().ok());
    if let Some(modified) = modified.and_then(http_date) {
        register.set("probe_http_last_modified_timestamp_seconds", modified);
    }
    let protocol = match answer.version {
        hyper::Version::HTTP_10 => "HTTP/1.0",
        hyper::Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    };
    if !spec.valid_http_versions.is_empty() && !spec.valid_http_versions.iter().any(|valid| valid == protocol)
    {
        fail(wrong, format_args!("Invalid HTTP version number {protocol}"));
    }
    match &answer.session {
        Some(session) => {
            register.set("probe_http_ssl", 1.0);
            session.tell(register, true);
            if spec.fail_if_ssl {
                fail(wrong, format_args!("Final request was over SSL"));
            }
        }
        None if spec.fail_if_not_ssl => fail(wrong, format_args!("Final request was not over SSL")),
        None => {}
    }
    result
}

fn headers_hold(spec: &HttpSpec, headers: &HeaderMap) -> Result<(), String> {
    let values = |wanted: &HeaderMatch| -> Result<Vec<&[u8]>, String> {
        let values: Vec<&[u8]> =
            headers.get_all(wanted.header.as_str()).iter().map(|value| value.as_bytes()).collect();
        if values.is_empty() && !wanted.allow_missing {
            return Err(format!("Missing required header {}", wanted.header));
        }
        Ok(values)
    };
    let any = |regex: &Regex, values: &[&[u8]]| values.iter().any(|value| regex.is_match(value));
    for wanted in &spec.fail_if_header_matches {
        if any(wanted.regexp.regex(), &values(wanted)?) {
            return Err(format!("Header {} matched {}", wanted.header, wanted.regexp.regex().as_str()));
        }
    }
    for wanted in &spec.fail_if_header_not_matches {
        let values = values(wanted)?;
        if !values.is_empty() && !any(wanted.regexp.regex(), &values) {
            return Err(format!("Header {} did not match {}", wanted.header, wanted.regexp.regex().as_str()));
        }
    }
    Ok(())
}

async fn body_holds(spec: &HttpSpec, body: Vec<u8>) -> Result<(), String> {
    let (never, always) =
        (spec.fail_if_body_matches_regexp.clone(), spec.fail_if_body_not_matches_regexp.clone());
    // Beside the thread that everything else runs on: a body may be long, and expressions many.
    let held = spawn_blocking(move || matches_hold(&never, &always, &body)).await;
    held.unwrap_or_else(|_| Err("The body could not be matched".to_owned()))
}

fn matches_hold(never: &[Pattern], always: &[Pattern], body: &[u8]) -> Result<(), String> {
    let matched = |pattern: &&Pattern| pattern.regex().is_match(body);
    if let Some(pattern) = never.iter().find(matched) {
        return Err(format!("Body matched regular expression {}", pattern.regex().as_str()));
    }
    match always.iter().find(|pattern| !matched(pattern)) {
        Some(pattern) => Err(format!("Body did not match regular expression {}", pattern.regex().as_str())),
        None => Ok(()),
    }
}

/// A date of HTTP (RFC 9110 §5.6.7) in Unix time; the obsolete forms count as none.
fn http_date(text: &str) -> Option<f64> {
    let (_, rest) = text.trim().strip_suffix(" GMT")?.split_once(", ")?;
    let time = jiff::civil::DateTime::strptime("%d %b %Y %H:%M:%S", rest).ok()?;
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second() as f64)
}

#[cfg(test)]
mod tests;
