//! Which page a browser asks for.

use axum::http::HeaderMap;
use url::Url;

use super::text;

/// Whether a page of another site asks, as far as the browser says.
pub(super) fn is_of_others(headers: &HeaderMap) -> bool {
    matches!(text(headers, "sec-fetch-site"), Some("cross-site" | "same-site"))
}

/// Whether somebody follows a link, so that nobody but they see the answer.
pub(super) fn is_navigation(headers: &HeaderMap) -> bool {
    text(headers, "sec-fetch-mode") == Some("navigate") && text(headers, "sec-fetch-dest") == Some("document")
}

/// Whether a request may change something: one of our own pages sends it, or something that is no browser. `hosts` are
/// the names that we are asked by.
pub(super) fn may_change(headers: &HeaderMap, hosts: &[&str]) -> bool {
    match text(headers, "sec-fetch-site") {
        // `none` is a person who types, or loads a page again.
        Some("same-origin" | "none") => return true,
        Some(_) => return false,
        None => {}
    }
    // Browsers leave the other header out where the connection is not encrypted.
    let Some(origin) = headers.get("origin") else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else { return false };
    let Some(name) = origin.host_str() else { return false };
    let port = origin.port_or_known_default();
    hosts.iter().any(|host| {
        let of_host = |scheme: &str| Url::parse(&format!("{scheme}://{host}")).ok();
        of_host(origin.scheme())
            .is_some_and(|ours| ours.host_str() == Some(name) && ours.port_or_known_default() == port)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().expect("a value")))
            .collect()
    }

    #[test]
    fn only_our_own_pages_and_programs_change_anything() {
        let ours = ["reach.example:9732", "192.0.2.1"];
        let may = |pairs: &[(&'static str, &str)]| may_change(&headers(pairs), &ours);
        assert!(may(&[]));
        assert!(may(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(may(&[("sec-fetch-site", "none")]));
        assert!(may(&[("origin", "https://reach.example:9732")]));
        assert!(may(&[("origin", "http://192.0.2.1")]));
        for wrong in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "nonsense")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://reach.example")],
            &[("origin", "https://reach.example:9732.evil.example")],
            &[("origin", "https://192.0.2.1:8443")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://reach.example:9732")],
        ] {
            assert!(!may(wrong), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn any_origin_is_judged_without_harm(
            origin in prop::collection::vec(any::<u8>(), 0..80), host in ".{0,40}",
        ) {
            if let Ok(value) = HeaderValue::from_bytes(&origin) {
                let headers: HeaderMap = [(axum::http::header::ORIGIN, value)].into_iter().collect();
                let _ = may_change(&headers, &[&host]);
            }
        }
    }
}
