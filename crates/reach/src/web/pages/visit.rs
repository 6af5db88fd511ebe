//! Who looks at a page, in which language and colours, and where.

use std::{collections::BTreeMap, convert::Infallible};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Response},
};
use reach_core::watch::Status;
use reach_report::{
    Lang,
    page::{self, Asker, Frame, Place, Said, Theme, Voice, encoded, not_found, with},
};
use url::form_urlencoded;

use super::super::{
    WebState,
    door::{Role, Who},
};

/// The cookies: language, colours, and what is to be said once.
const LANG: &str = "reach_lang";
const THEME: &str = "reach_theme";
const SAID: &str = "reach_said";
/// How much room a picture has, as the script found it.
const WIDTH: &str = "reach_width";

/// For how long a choice is remembered.
const A_YEAR: u32 = 31_536_000;
/// For how long something is to be said.
const A_WHILE: u32 = 60;

/// A request for a page.
pub(super) struct Visit {
    pub(super) voice: Voice,
    pub(super) query: BTreeMap<String, String>,
    pub(super) asker: Asker,
    /// The width of pictures, in pixels.
    pub(super) width: f64,
    path: String,
    theme: Theme,
    said: Option<Said>,
    cookies: Vec<String>,
}

impl FromRequestParts<WebState> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        Ok(Self::of(parts, state))
    }
}

impl Visit {
    fn of(parts: &Parts, state: &WebState) -> Self {
        let query: BTreeMap<String, String> =
            form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .take(32)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
        let mut cookies = Vec::new();
        let asked = |name: &str| query.get(name).map(String::as_str);
        let wanted: Option<Lang> = asked("lang").and_then(|text| text.parse().ok());
        if let Some(lang) = wanted {
            cookies.push(remember(LANG, lang.code(), A_YEAR));
        }
        let lang = wanted.or_else(|| cookie(&parts.headers, LANG)?.parse().ok());
        let lang = lang.or_else(|| language(&parts.headers)).unwrap_or(state.inner.lang);
        let wanted = asked("theme").and_then(Theme::of);
        if let Some(theme) = wanted {
            cookies.push(remember(THEME, theme.code(), A_YEAR));
        }
        let theme = wanted.or_else(|| Theme::of(cookie(&parts.headers, THEME)?)).unwrap_or_default();
        let said = cookie(&parts.headers, SAID).and_then(unpacked);
        if said.is_some() {
            cookies.push(remember(SAID, "", 0));
        }
        let width = cookie(&parts.headers, WIDTH).and_then(|width| width.parse::<u16>().ok());
        let width = width.map_or(page::WIDTH, |width| f64::from(width.clamp(280, 2_400)));
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        Self {
            voice: Voice { lang, zone: state.inner.zone.clone() },
            asker: asker(&who(parts)),
            width,
            path: with(&with(path, "lang", ""), "theme", ""),
            query,
            theme,
            said,
            cookies,
        }
    }

    /// A value of the query; empty where there is none.
    pub(super) fn asked(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// Its own address.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What is around the page.
    pub(super) fn frame<'a>(
        &'a self,
        state: &'a WebState,
        status: &Status,
        place: Place,
        live: Option<String>,
    ) -> Frame<'a> {
        Frame {
            voice: &self.voice,
            now: state.inner.clock.now(),
            vantage: &state.inner.scope.vantage,
            place,
            path: &self.path,
            asker: &self.asker,
            theme: self.theme,
            incidents: status.incidents.len(),
            said: self.said.clone(),
            live,
        }
    }

    /// The page as an answer.
    pub(super) fn answer(&self, page: String) -> Response {
        let mut response = Html(page).into_response();
        let headers = response.headers_mut();
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
        for cookie in &self.cookies {
            if let Ok(cookie) = HeaderValue::from_str(cookie) {
                headers.append(header::SET_COOKIE, cookie);
            }
        }
        response
    }

    /// There is no such thing.
    pub(super) fn nothing(&self, state: &WebState, status: &Status) -> Response {
        let page = not_found(&self.frame(state, status, Place::Elsewhere, None));
        (StatusCode::NOT_FOUND, self.answer(page)).into_response()
    }
}

/// Who asks. On loopback nobody has to say.
pub(super) fn who(parts: &Parts) -> Who {
    // Everybody comes by way of the door, which says who it is; whoever did not may do nothing.
    parts.extensions.get::<Who>().cloned().unwrap_or_else(|| Who {
        name: String::new(),
        role: Role::Viewer,
        csrf: String::new(),
        may_leave: false,
    })
}

fn asker(who: &Who) -> Asker {
    Asker {
        name: if who.may_leave { who.name.clone() } else { String::new() },
        csrf: who.csrf.clone(),
        acts: who.role >= Role::Operator,
        may_leave: who.may_leave,
    }
}

/// A cookie that only this service reads.
fn remember(name: &str, value: &str, seconds: u32) -> String {
    format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax")
}

/// What is to be said on the next page.
pub(super) fn to_be_said(said: &Said) -> String {
    let mark = if said.done { '1' } else { '0' };
    remember(SAID, &format!("{mark}{}", encoded(&said.text)), A_WHILE)
}

fn unpacked(value: &str) -> Option<Said> {
    let (mark, text) = value.split_at_checked(1)?;
    let pair = format!("t={}", text.replace('+', "%2B"));
    let (_, text) = form_urlencoded::parse(pair.as_bytes()).next()?;
    Some(Said { done: mark == "1", text: text.into_owned() })
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(own, value)| (own == name).then_some(value))
}

/// The first language of a browser that is spoken here.
pub(super) fn language(headers: &HeaderMap) -> Option<Lang> {
    let accept = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
    accept.split(',').take(16).find_map(|part| {
        let tag = part.split([';', '-']).next().unwrap_or_default().trim();
        Lang::ALL.into_iter().find(|lang| lang.code().eq_ignore_ascii_case(tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header"))])
    }

    #[test]
    fn the_language_is_the_first_that_is_spoken_here() {
        let of = |text: &str| language(&headers(header::ACCEPT_LANGUAGE, text));
        assert_eq!(of("ko-KR,ko;q=0.9,en;q=0.8"), Some(Lang::Ko));
        assert_eq!(of("fr, en-US;q=0.5"), Some(Lang::En));
        assert_eq!(of("fr"), None);
    }

    #[test]
    fn what_is_to_be_said_survives_the_way() {
        let said = Said { done: true, text: "장애 #3; a=b+c %41".to_owned() };
        let cookies = headers(header::COOKIE, to_be_said(&said).split(';').next().unwrap_or_default());
        assert_eq!(cookie(&cookies, SAID).and_then(unpacked), Some(said));
        assert_eq!(unpacked(""), None);
        assert_eq!(unpacked("값"), None);
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let cookies = headers(header::COOKIE, "xreach_lang=en; reach_lang=ko; reach_theme=dark");
        assert_eq!((cookie(&cookies, LANG), cookie(&cookies, THEME)), (Some("ko"), Some("dark")));
        assert_eq!(cookie(&cookies, "lang"), None);
    }
}
