//! Logging in and out: one form, which needs no script.

use std::time::Instant;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use maud::{DOCTYPE, Markup, html};
use reach_report::{Lang, page::assets};
use url::{Url, form_urlencoded};

use super::{
    Client, Stranger, Who,
    body::is_form,
    credentials::{cookie_of, field},
    lots, refusal, same, session_cookie,
};
use crate::{
    web::{WebState, lang},
    words::door as words,
};

/// The longest path that somebody is sent to who has logged in.
const LONGEST_PATH: usize = 2048;

pub(super) fn routes() -> Router<WebState> {
    Router::new().route("/login", get(page).post(login)).route("/logout", post(logout))
}

/// Where to log in, to be sent to `path` afterwards.
pub(super) fn asking_for(path: &str) -> String {
    if path == "/" {
        return "/login".to_owned();
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    let (_, asked) = path.split_once('?').unwrap_or_default();
    if let Some(lang) = field(asked.as_bytes(), "lang").and_then(|lang| lang.parse::<Lang>().ok()) {
        query.append_pair("lang", lang.code());
    }
    format!("/login?{}", query.append_pair("to", path).finish())
}

/// A path of this service. Everything else, which a stranger may have put there, is the first page.
fn local(path: Option<String>) -> String {
    let fits = |path: &String| {
        let base = Url::parse("http://reach.invalid/").ok()?;
        let url = base.join(path).ok()?;
        let stays = path.starts_with('/') && url.origin() == base.origin() && url.username().is_empty();
        let is_plain =
            path.len() <= LONGEST_PATH && !path.contains('\\') && !path.chars().any(char::is_control);
        (stays && is_plain && !path.starts_with("//")).then(|| {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            let fragment = url.fragment().map(|fragment| format!("#{fragment}")).unwrap_or_default();
            format!("{}{query}{fragment}", url.path())
        })
    };
    // What is left of a path without its dots may begin with two slashes again.
    let path = path.as_ref().and_then(fits).filter(|path| !path.starts_with("//"));
    path.filter(|path| !path.starts_with("/login")).unwrap_or_else(|| "/".to_owned())
}

async fn page(
    State(state): State<WebState>,
    Extension(client): Extension<Client>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let to = local(field(query.as_bytes(), "to"));
    let lang = lang::wanted(&query, &headers, state.inner.lang);
    let door = &state.inner.door;
    if door.people().users.is_empty() {
        return refusal(
            "/login",
            StatusCode::NOT_FOUND,
            "not-found",
            "Nobody has a password here; `[[http.user]]` would give one.",
        );
    }
    let is_in = cookie_of(&headers, session_cookie(client.secure))
        .and_then(|id| door.sessions().find(&id, Instant::now()))
        .is_some();
    if is_in {
        return Redirect::to(&to).into_response();
    }
    form(&state, client, &headers, Form { to: &to, user: "", trouble: None, status: StatusCode::OK, lang })
}

/// What the form shows.
struct Form<'a> {
    to: &'a str,
    user: &'a str,
    trouble: Option<&'a str>,
    status: StatusCode,
    lang: Lang,
}

/// The form, bound to this browser by a cookie: a stranger cannot log somebody in as another.
fn form(state: &WebState, client: Client, headers: &HeaderMap, form: Form<'_>) -> Response {
    let known = cookie_of(headers, form_cookie(client.secure)).filter(|known| known.len() == 43);
    let bound = known.unwrap_or_else(lots::token);
    let csrf = state.inner.door.seal(&format!("login\0{bound}"));
    let body = Html(render(&form, &csrf).into_string());
    let mut response = (form.status, body).into_response();
    set_cookie(&mut response, form_cookie(client.secure), &bound, client.secure, "Max-Age=3600");
    response
}

/// Who has not come in learns nothing of this host, not even its name.
fn render(form: &Form<'_>, csrf: &str) -> Markup {
    let say = words::labels(form.lang);
    html! {
        (DOCTYPE)
        html lang=(form.lang.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (say.title) " · reach" }
                link rel="icon" href=(assets::ICON);
                link rel="stylesheet" href=(assets::style().path());
            }
            body.login {
                main {
                    h1 { "reach" }
                    form method="post" action="/login" {
                        @if let Some(trouble) = form.trouble {
                            p.critical role="alert" { (trouble) }
                        }
                        input type="hidden" name="csrf" value=(csrf);
                        input type="hidden" name="to" value=(form.to);
                        input type="hidden" name="lang" value=(form.lang.code());
                        p {
                            label for="user" { (say.user) } " "
                            input #user type="text" name="user" value=(form.user) required autofocus
                                autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64";
                        }
                        p {
                            label for="password" { (say.password) } " "
                            input #password type="password" name="password" required
                                autocomplete="current-password" maxlength="1024";
                        }
                        p { button type="submit" { (say.enter) } }
                    }
                    p lang=(say.other_lang) { a href=(other(form, say.other_lang)) { (say.other) } }
                }
            }
        }
    }
}

/// The same form in the other language.
fn other(form: &Form<'_>, lang: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("lang", lang);
    if form.to != "/" {
        query.append_pair("to", form.to);
    }
    format!("/login?{}", query.finish())
}

async fn login(
    State(state): State<WebState>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_form(&headers) {
        let said = "This takes a form: application/x-www-form-urlencoded.";
        return refusal("/login", StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", said);
    }
    let field = |name| field(&body, name);
    let door = &state.inner.door;
    let chosen = field("lang").map(|code| format!("lang={code}")).unwrap_or_default();
    let lang = lang::wanted(&chosen, &headers, state.inner.lang);
    let say = words::labels(lang);
    let (to, user) = (local(field("to")), field("user").unwrap_or_default());
    let again = |trouble: &str, status| {
        form(&state, client, &headers, Form { to: &to, user: &user, trouble: Some(trouble), status, lang })
    };
    let bound = cookie_of(&headers, form_cookie(client.secure));
    let sealed = bound.map(|bound| door.seal(&format!("login\0{bound}")));
    let sent = field("csrf").unwrap_or_default();
    if !sealed.is_some_and(|sealed| same(&sealed, &sent)) {
        return again(say.again, StatusCode::FORBIDDEN);
    }
    let people = door.people();
    let password = field("password").unwrap_or_default();
    match door.verify(&user, &password, &people, client.address).await {
        Ok(_) => {
            let id = {
                let mut sessions = door.sessions();
                // Whoever had a session before has this one now.
                if let Some(before) = cookie_of(&headers, session_cookie(client.secure)) {
                    sessions.end(&before);
                }
                sessions.begin(&user, Instant::now())
            };
            door.audit.login(&user, client.address);
            let mut response = Redirect::to(&to).into_response();
            set_cookie(&mut response, session_cookie(client.secure), &id, client.secure, "");
            set_cookie(&mut response, form_cookie(client.secure), "", client.secure, "Max-Age=0");
            response
        }
        Err(Stranger::Unknown) => again(say.wrong, StatusCode::UNAUTHORIZED),
        Err(Stranger::Busy) => again(say.busy, StatusCode::SERVICE_UNAVAILABLE),
        Err(Stranger::Waits(wait)) => {
            let seconds = wait.as_secs().saturating_add(1);
            let mut response = again(&words::wait(seconds, lang), StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
    }
}

async fn logout(
    State(state): State<WebState>,
    Extension(client): Extension<Client>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
) -> Response {
    let door = &state.inner.door;
    let cookie = session_cookie(client.secure);
    let ended = cookie_of(&headers, cookie).and_then(|id| door.sessions().end(&id));
    if ended.is_some() {
        door.audit.logout(&who.name, client.address);
    }
    let to = if door.people().users.is_empty() { "/" } else { "/login" };
    let mut response = Redirect::to(to).into_response();
    set_cookie(&mut response, cookie, "", client.secure, "Max-Age=0");
    response
}

fn form_cookie(secure: bool) -> &'static str {
    if secure { "__Host-reach-login" } else { "reach-login" }
}

/// `Lax`, and not `Strict`: whoever follows the link of a message to an incident is to be logged in there, and nothing
/// that a link can ask for changes anything.
fn set_cookie(response: &mut Response, name: &str, value: &str, secure: bool, more: &str) {
    let mut text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
    if secure {
        text.push_str("; Secure");
    }
    if !more.is_empty() {
        text.push_str("; ");
        text.push_str(more);
    }
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        let sent = |to: &str| local(Some(to.to_owned()));
        assert_eq!(sent("/incidents/17?tab=a#b"), "/incidents/17?tab=a#b");
        assert_eq!(local(None), "/");
        for elsewhere in [
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=y",
            "/\t/evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "evil",
            "",
            "/login?to=/login",
        ] {
            assert_eq!(sent(elsewhere), "/", "{elsewhere:?}");
        }
    }

    #[test]
    fn whoever_is_asked_to_log_in_is_asked_in_the_language_of_the_page() {
        assert_eq!(asking_for("/"), "/login");
        assert_eq!(asking_for("/incidents/7?lang=ko"), "/login?lang=ko&to=%2Fincidents%2F7%3Flang%3Dko");
        assert_eq!(asking_for("/?lang=%22x"), "/login?to=%2F%3Flang%3D%2522x");
    }

    #[test]
    fn what_strangers_put_into_the_form_stays_text() {
        let form = Form {
            to: "/?a=\"><script>",
            user: "\"><script>alert(1)</script>",
            trouble: Some("<b>"),
            status: StatusCode::OK,
            lang: Lang::Ko,
        };
        let page = render(&form, "x\"<i>").into_string();
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<i>"), "{page}");
        assert!(page.contains("lang=\"ko\"") && page.contains("비밀번호"), "{page}");
    }

    proptest! {
        #[test]
        fn every_path_is_of_this_service(to in "[/\\\\.a-z:@?#%\t\n]{0,20}") {
            let path = local(Some(to));
            prop_assert!(path.starts_with('/') && !path.starts_with("//") && !path.contains('\\'), "{path}");
            let base = Url::parse("https://reach.example/x").expect("a URL");
            let url = base.join(&path).expect("joined");
            prop_assert_eq!(url.origin(), base.origin());
        }
    }
}
