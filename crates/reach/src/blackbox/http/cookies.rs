//! The cookies of one probe: what a server sets on a redirect it may want to see at the end of it.

use hyper::{HeaderMap, header};
use url::Url;

/// The most cookies that are kept.
const MOST: usize = 64;

/// What servers have set in the course of one probe (RFC 6265, as far as one probe lives).
#[derive(Debug, Default)]
pub(super) struct Cookies {
    kept: Vec<Cookie>,
}

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    path: String,
    secure: bool,
}

impl Cookies {
    /// Keeps what an answer sets. Only for the host that set it: nobody is told more than he said himself.
    pub(super) fn take(&mut self, url: &Url, headers: &HeaderMap) {
        for text in headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let mut parts = text.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let mut cookie = Cookie {
                name: name.to_owned(),
                value: value.to_owned(),
                host: super::host(url),
                path: "/".to_owned(),
                secure: false,
            };
            let mut over = false;
            for attribute in parts {
                let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
                match key.to_ascii_lowercase().as_str() {
                    "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                    "secure" => cookie.secure = true,
                    "max-age" => over = value.parse::<i64>().is_ok_and(|age| age <= 0),
                    _ => {}
                }
            }
            self.kept.retain(|other| {
                (&other.name, &other.host, &other.path) != (&cookie.name, &cookie.host, &cookie.path)
            });
            if !over && self.kept.len() < MOST {
                self.kept.push(cookie);
            }
        }
    }

    /// The header for a request.
    pub(super) fn for_url(&self, url: &Url) -> Option<String> {
        let (host, path) = (super::host(url), url.path());
        let below = |own: &str| {
            path == own || path.starts_with(own) && (own.ends_with('/') || path[own.len()..].starts_with('/'))
        };
        let fits = |cookie: &&Cookie| {
            cookie.host == host && below(&cookie.path) && (!cookie.secure || url.scheme() == "https")
        };
        let pairs: Vec<String> =
            self.kept.iter().filter(fits).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}
