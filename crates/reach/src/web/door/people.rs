//! Who is known, by password, token or proxy.

use std::{collections::BTreeMap, net::IpAddr};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use jiff::Timestamp;

use super::{
    Role,
    password::{self, Hash},
    settings::{ProxySettings, TlsSettings, TokenHash, TokenSettings},
};
use crate::{output::shown, web::settings::HttpSettings};

/// The longest name, in characters.
pub(super) const LONGEST_NAME: usize = 64;

/// A user, as the configuration has them.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) role: Role,
    pub(super) hash: Hash,
}

/// Everybody who is known.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    pub(super) users: BTreeMap<String, User>,
    tokens: Vec<TokenSettings>,
    pub(super) proxy: Option<ProxySettings>,
}

impl People {
    /// Those of a configuration; what is wrong with it is told with the key that it is wrong at.
    pub(super) fn read(settings: &HttpSettings) -> Result<Self, Vec<(&'static str, String)>> {
        let mut problems = Vec::new();
        let mut users = BTreeMap::new();
        for user in &settings.user {
            let name = shown(&user.name);
            if let Err(why) = check_name(&user.name) {
                problems.push(("user", format!("user `{name}`: {why}")));
            }
            let hash = user.password.read().and_then(|secret| Hash::parse(secret.expose()));
            match hash {
                Ok(hash) => {
                    if users.insert(user.name.clone(), User { role: user.role, hash }).is_some() {
                        problems
                            .push(("user", format!("there are two users of the name `{name}`; rename one")));
                    }
                }
                Err(why) => problems.push(("user", format!("user `{name}`: `password`: {why}"))),
            }
        }
        for (number, token) in settings.token.iter().enumerate() {
            let name = shown(&token.name);
            if let Err(why) = check_name(&token.name) {
                problems.push(("token", format!("token `{name}`: {why}")));
            }
            let others = &settings.token[..number];
            if users.contains_key(&token.name) {
                let what = "there is a user of this name; give it another, so that it is known who did what";
                problems.push(("token", format!("token `{name}`: {what}")));
            }
            if others.iter().any(|other| other.name == token.name || other.hash == token.hash) {
                problems.push((
                    "token",
                    format!("token `{name}`: there is another of this name or hash; give each its own"),
                ));
            }
        }
        if let Some(proxy) = &settings.proxy {
            problems.extend(check_proxy(proxy).map(|what| ("proxy", what)));
        }
        problems.extend(settings.tls.as_ref().and_then(check_tls).map(|what| ("tls", what)));
        if problems.is_empty() {
            Ok(Self { users, tokens: settings.token.clone(), proxy: settings.proxy.clone() })
        } else {
            Err(problems)
        }
    }

    /// Whether nobody has to say who they are.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.tokens.is_empty() && self.proxy.is_none()
    }

    /// Whose token this is.
    pub(super) fn token(&self, token: &str, from: IpAddr, now: Timestamp) -> Option<(&str, Role)> {
        let hash = TokenHash::of(token);
        let found = self
            .tokens
            .iter()
            .find(|known| verify_slices_are_equal(&known.hash.0, &hash.0).is_ok())
            .filter(|known| known.expires.is_none_or(|expiry| now < expiry.0))
            .filter(|known| {
                known.networks.is_empty() || known.networks.iter().any(|network| network.contains(from))
            })?;
        Some((&found.name, found.role))
    }

    /// Whether the headers of this address are believed.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxy.as_ref().is_some_and(|proxy| proxy.from.iter().any(|network| network.contains(address)))
    }
}

impl ProxySettings {
    /// What somebody may do of whom the proxy says this.
    pub(super) fn role_of(&self, user: &str, roles: Option<&str>) -> Role {
        let given = match (&self.role_header, roles) {
            (Some(_), roles) => roles
                .unwrap_or_default()
                .split(',')
                .take(256)
                .filter_map(|name| self.roles.get(name.trim()))
                .max()
                .copied(),
            (None, _) => self.roles.get(user).copied(),
        };
        given.unwrap_or(self.role)
    }
}

/// Names stand beside what somebody did, for as long as that is remembered.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let fits = !name.is_empty()
        && name.trim() == name
        && name.chars().count() <= LONGEST_NAME
        && !name.chars().any(|character| crate::output::is_harmful(character) || character == ':');
    if fits {
        Ok(())
    } else {
        Err(format!(
            "a name has 1 to {LONGEST_NAME} characters, none of them a colon, and no blanks around it"
        ))
    }
}

fn check_proxy(proxy: &ProxySettings) -> Option<String> {
    if proxy.from.is_empty() {
        return Some(
            "`from` is empty; name the addresses that the proxy asks from, like [\"127.0.0.1\"]".to_owned(),
        );
    }
    let headers = [("user_header", &proxy.user_header), ("role_header", &proxy.role_header)];
    for (key, header) in headers {
        let Some(header) = header else { continue };
        let taken = ["host", "cookie", "authorization", "content-length", "content-type", "origin"];
        let name = axum::http::HeaderName::try_from(header.as_str());
        if !name.is_ok_and(|name| !taken.contains(&name.as_str())) {
            let header = shown(header);
            return Some(format!("`{key}`: `{header}` cannot be it; give a header like \"X-Remote-User\""));
        }
    }
    if proxy.user_header.is_none() && (proxy.role_header.is_some() || !proxy.roles.is_empty()) {
        return Some(
            "roles are for who is named in `user_header`; give one like \"X-Remote-User\"".to_owned(),
        );
    }
    None
}

fn check_tls(tls: &TlsSettings) -> Option<String> {
    match (&tls.certificate, &tls.key, tls.self_signed) {
        (Some(_), Some(_), false) | (None, None, true) => None,
        _ => Some(
            "give `certificate` and `key`, both in PEM, or `self_signed = true` for one that is made here"
                .to_owned(),
        ),
    }
}

/// What is missing where others than this host can ask.
pub(crate) fn lacks_door(settings: &HttpSettings) -> Option<String> {
    let listen = settings.listen.filter(|listen| !listen.ip().to_canonical().is_loopback())?;
    let named = settings.proxy.as_ref().is_some_and(|proxy| proxy.user_header.is_some());
    if !settings.user.is_empty() || !settings.token.is_empty() || named {
        return None;
    }
    Some(format!(
        "others than this host reach {listen}, and nothing says who may come in; add a user (`[[http.user]]`, with the \
         lines that `reach config password` prints), a token (`[[http.token]]`, `reach config token NAME`) or a reverse \
         proxy that says who asks (`[http.proxy]` with `user_header`), or listen on 127.0.0.1"
    ))
}

/// Whether secrets cross the network as they are.
pub(crate) fn is_readable(settings: &HttpSettings) -> Option<String> {
    let exposed = settings.listen.is_some_and(|listen| !listen.ip().to_canonical().is_loopback());
    let has_secrets = !(settings.user.is_empty() && settings.token.is_empty());
    (exposed && has_secrets && settings.tls.is_none()).then(|| {
        "passwords and tokens cross the network readable for everybody on the way; add [http.tls], with a \
         certificate or `self_signed = true`"
            .to_owned()
    })
}

/// What is worth telling of what is not wrong.
pub(crate) fn remarks(settings: &HttpSettings) -> Vec<String> {
    let mut remarks: Vec<String> = is_readable(settings).into_iter().collect();
    let now = Timestamp::now();
    for token in &settings.token {
        if token.expires.is_some_and(|expiry| expiry.0 <= now) {
            remarks.push(format!("the token `{}` has expired; nobody is let in by it", shown(&token.name)));
        }
    }
    remarks.extend(password::remarks(settings));
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> HttpSettings {
        toml::from_str(text).expect("read")
    }

    fn problems(text: &str) -> String {
        let problems = People::read(&settings(text)).expect_err("wrong");
        problems.into_iter().map(|(key, what)| format!("{key}: {what}\n")).collect()
    }

    #[test]
    fn who_is_not_known_is_told_with_what_would_be_right() {
        let hash = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for (text, part) in [
            ("user = [{ name = \"kim\", password = \"hunter2\" }]", "reach config password"),
            ("user = [{ name = \"a:b\", password = \"x\" }]", "none of them a colon"),
            ("proxy = { from = [] }", "`from` is empty"),
            ("proxy = { from = [\"127.0.0.1\"], user_header = \"Cookie\" }", "`Cookie` cannot be it"),
            ("proxy = { from = [\"127.0.0.1\"], roles = { kim = \"operator\" } }", "`user_header`"),
            ("tls = { certificate = \"/x\" }", "`certificate` and `key`"),
            ("tls = {}", "`self_signed = true`"),
            (
                &format!(
                    "token = [{{ name = \"a\", hash = \"{hash}\" }}, {{ name = \"b\", hash = \"{hash}\" }}]"
                ),
                "give each its own",
            ),
        ] {
            let problems = problems(text);
            assert!(problems.contains(part), "{text}: {problems}");
            assert!(!problems.contains("hunter2"), "{problems}");
        }
    }

    #[test]
    fn a_token_counts_where_and_as_long_as_it_may() {
        let hash = TokenHash::of("t");
        let people = People::read(&settings(&format!(
            "token = [{{ name = \"prometheus\", hash = \"{hash}\", networks = [\"192.0.2.0/24\"], expires = \"2027-01-01\" }}]"
        )))
        .expect("known");
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let from = |text: &str| text.parse::<IpAddr>().expect("an address");
        let day = at("2026-12-31T23:59:59Z");
        assert_eq!(people.token("t", from("192.0.2.9"), day), Some(("prometheus", Role::Viewer)));
        assert_eq!(people.token("t", from("198.51.100.9"), day), None);
        assert_eq!(people.token("t", from("192.0.2.9"), at("2027-01-01T00:00:00Z")), None);
        assert_eq!(people.token("T", from("192.0.2.9"), day), None);
        assert!(!people.is_empty() && People::default().is_empty());
    }

    #[test]
    fn a_proxy_says_by_name_or_by_group_what_somebody_may_do() {
        let by_name: ProxySettings = toml::from_str(
            "from = [\"127.0.0.1\"]\nuser_header = \"X-User\"\nroles = { kim = \"operator\" }",
        )
        .expect("read");
        assert_eq!(by_name.role_of("kim", None), Role::Operator);
        assert_eq!(by_name.role_of("lee", Some("kim")), Role::Viewer);
        let by_group: ProxySettings = toml::from_str(
            "from = [\"127.0.0.1\"]\nuser_header = \"X-User\"\nrole_header = \"X-Groups\"\nroles = { netops = \"operator\" }",
        )
        .expect("read");
        assert_eq!(by_group.role_of("kim", Some("staff, netops")), Role::Operator);
        assert_eq!(by_group.role_of("netops", Some("staff")), Role::Viewer);
        assert_eq!(by_group.role_of("netops", None), Role::Viewer);
    }

    #[test]
    fn elsewhere_than_on_loopback_somebody_has_to_be_known() {
        assert_eq!(lacks_door(&settings("listen = \"127.0.0.1:1\"")), None);
        assert_eq!(lacks_door(&settings("listen = \"[::1]:1\"")), None);
        let said = lacks_door(&settings("listen = \"0.0.0.0:9732\"")).expect("open to all");
        assert!(said.contains("0.0.0.0:9732") && said.contains("[[http.user]]"), "{said}");
        let trusting = "listen = \"0.0.0.0:1\"\nproxy = { from = [\"192.0.2.1\"], user_header = \"X-User\" }";
        assert_eq!(lacks_door(&settings(trusting)), None);
        let addresses_only = "listen = \"0.0.0.0:1\"\nproxy = { from = [\"192.0.2.1\"] }";
        assert!(lacks_door(&settings(addresses_only)).is_some());
    }
}
