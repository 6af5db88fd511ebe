//! What a request of the interface says: its query, its path, its body.

use axum::http::{HeaderMap, StatusCode, header};
use jiff::{Timestamp, tz::TimeZone};
use reach_core::Time;
use reach_report::Lang;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::ApiError;
use crate::{
    config::moment::{Now, moment},
    output::shown,
    web::WebState,
};

/// So many parameters are looked at; no path takes as many.
const MOST: usize = 32;

/// A query of which everything is known.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Understands a query that may have these parameters, besides `lang`, each of them once.
    pub(super) fn of(text: Option<String>, known: &[&str]) -> Result<Self, ApiError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.unwrap_or_default().as_bytes()).take(MOST) {
            if name != "lang" && !known.contains(&name.as_ref()) {
                let all: Vec<&str> = known.iter().copied().chain(["lang"]).collect();
                let (name, all) = (shown(&name), all.join(", "));
                return Err(ApiError::bad(format!("`{name}` is no parameter here; there are {all}")));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(ApiError::bad(format!("`{}` is given twice", shown(&name))));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// A parameter as it is.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The language of sentences: English where none is wanted, as on the command line.
    pub(super) fn lang(&self) -> Result<Lang, ApiError> {
        let Some(text) = self.text("lang") else { return Ok(Lang::En) };
        text.parse().map_err(|_| ApiError::bad(format!("lang `{}` is none of en and ko", shown(text))))
    }

    /// How much is wanted at most.
    pub(super) fn limit(&self, usual: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.text("limit") else { return Ok(usual) };
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let found = text.parse().ok().filter(|limit| is_number && (1..=most).contains(limit));
        found.ok_or_else(|| {
            ApiError::bad(format!("limit `{}` is no whole number from 1 to {most}", shown(text)))
        })
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => Err(ApiError::bad(format!("{name} `{}` is neither true nor false", shown(text)))),
        }
    }

    /// A point in time.
    pub(super) fn time(&self, name: &str, now: &Now) -> Result<Option<Time>, ApiError> {
        self.text(name).map(|text| moment(name, text, now)).transpose().map_err(ApiError::bad)
    }

    /// A span in which nothing may be, from `since` until `until`.
    pub(super) fn range(&self, usual: &str, now: &Now) -> Result<(Time, Time), ApiError> {
        let from = moment("since", self.text("since").unwrap_or(usual), now).map_err(ApiError::bad)?;
        Ok((from, self.time("until", now)?.unwrap_or_else(|| now.time())))
    }

    /// A span in which something may be.
    pub(super) fn span(
        &self,
        (first, last): (&str, &str),
        usual: &str,
        now: &Now,
    ) -> Result<(Time, Time), ApiError> {
        let begin = self.text(first).unwrap_or(usual);
        let from = moment(first, begin, now).map_err(ApiError::bad)?;
        let until = self.time(last, now)?.unwrap_or_else(|| now.time());
        if until <= from {
            return Err(ApiError::bad(format!("{last} is no later than {first}")));
        }
        Ok((from, until))
    }
}

/// The time of the watch, in the zone of its configuration.
pub(super) fn now(state: &WebState) -> Now {
    let micros = i64::try_from(state.inner.clock.now().as_micros()).unwrap_or(i64::MAX);
    Now { at: Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX), zone: zone(state) }
}

fn zone(state: &WebState) -> TimeZone {
    state.inner.zone.clone()
}

/// A number of a path. What is none is none of anything that there is.
pub(super) fn number<N: TryFrom<u64>>(text: &str, what: &str) -> Result<N, ApiError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|_| is_number).and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| ApiError::missing(format!("there is no {what} `{}`", shown(text))))
}

/// A body in JSON. Nothing at all is an empty object.
pub(super) fn body<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    if essence.as_deref().is_some_and(|kind| kind != "application/json")
        || kind.is_none() && !bytes.is_empty()
    {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media-type",
            "the body has to be application/json",
        ));
    }
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        ApiError::bad(format!("the body is not what this takes: {}", shown(&error.to_string())))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn query(text: &str) -> Result<Query, ApiError> {
        Query::of(Some(text.to_owned()), &["since", "limit", "all"])
    }

    #[test]
    fn what_a_query_may_not_have_is_told() {
        for (text, part) in [
            ("sinse=1", "`sinse` is no parameter"),
            ("limit=1&limit=2", "twice"),
            ("=", "`` is no parameter"),
        ] {
            let error = query(text).expect_err("wrong");
            assert!(error.message.contains(part), "{text}: {}", error.message);
        }
        for text in ["limit=0", "limit=1001", "limit=+1", "limit=-1", "limit="] {
            assert!(query(text).expect("known").limit(10, 1000).is_err(), "{text}");
        }
        assert!(query("lang=de").expect("known").lang().is_err());
        assert!(query("all=1").expect("known").flag("all").is_err());
        assert_eq!(query("all=true").expect("known").flag("all").ok(), Some(true));
    }

    #[test]
    fn only_json_is_taken() {
        let kind = |kind: &str| -> HeaderMap {
            [(header::CONTENT_TYPE, kind.parse().expect("a value"))].into_iter().collect()
        };
        let taken = |headers: &HeaderMap, bytes: &[u8]| body::<Value>(headers, bytes).is_ok();
        assert!(taken(&HeaderMap::new(), b""));
        assert!(taken(&kind("application/json; charset=utf-8"), b"{}"));
        assert!(!taken(&HeaderMap::new(), b"{}"));
        assert!(!taken(&kind("text/plain"), b"{}"));
        assert!(!taken(&kind("application/json"), b"{"));
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_harm(text: String) {
            if let Ok(query) = query(&text) {
                let _ = (query.lang(), query.limit(1, 10), query.flag("all"));
            }
            let _ = number::<u32>(&text, "target");
        }
    }
}
