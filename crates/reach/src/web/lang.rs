//! Which language somebody wants.

use axum::http::{HeaderMap, header};
use reach_report::Lang;
use url::form_urlencoded;

/// `?lang=` of a query, or what the browser says, or what is usual here.
pub(super) fn wanted(query: &str, headers: &HeaderMap, usual: Lang) -> Lang {
    let accepted = || headers.get(header::ACCEPT_LANGUAGE).and_then(|value| accepted(value.to_str().ok()?));
    named(query).or_else(accepted).unwrap_or(usual)
}

/// `?lang=` of a query.
fn named(query: &str) -> Option<Lang> {
    let mut pairs = form_urlencoded::parse(query.as_bytes()).take(64);
    pairs.find(|(name, _)| name == "lang")?.1.parse().ok()
}

/// The first language of a browser that is spoken here.
fn accepted(accept: &str) -> Option<Lang> {
    accept.split(',').take(16).find_map(|part| {
        let tag = part.split([';', '-']).next().unwrap_or_default().trim();
        Lang::ALL.into_iter().find(|lang| lang.code().eq_ignore_ascii_case(tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_counts_before_the_browser_and_that_before_what_is_usual() {
        let korean: HeaderMap =
            [(header::ACCEPT_LANGUAGE, "de-DE,ko-KR;q=0.8,en;q=0.5".parse().expect("a value"))]
                .into_iter()
                .collect();
        assert_eq!(wanted("", &korean, Lang::En), Lang::Ko);
        assert_eq!(wanted("a=b&lang=en", &korean, Lang::En), Lang::En);
        assert_eq!(wanted("lang=xx", &HeaderMap::new(), Lang::Ko), Lang::Ko);
    }
}
