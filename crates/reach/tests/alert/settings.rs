//! The tables of channels: what is read, and how problems are told.

use std::path::Path;

use reach::alert::settings::{ChannelKind, ChannelSettings, Place};
use reach_core::watch::{Gravity, courier::AtNight};
use reach_report::Lang;

fn read(text: &str) -> Result<ChannelSettings, Vec<String>> {
    let variable = |name: &str| (name == "HOOK").then(|| "https://hooks.example/T0/SECRET".to_owned());
    let place = Place { directory: Path::new("/nowhere"), variable: &variable };
    ChannelSettings::read(text.parse().expect("TOML"), place)
}

fn problems(text: &str) -> String {
    read(text).expect_err(text).join("\n")
}

#[test]
fn a_channel_is_read_with_everything_that_it_may_have() {
    let settings = read(
        "name = 'ops'\nkind = 'telegram'\ntoken = '12:SECRET'\nchat = -100123\nlang = 'ko'\nleast = 'degraded'\n\
         fallback = 'mail'\nquiet_hours = '22:00-07:00'\nat_night = 'hold-back'\nproxy = 'socks5://u:SECRET@192.0.2.1'\n\
         target = '*.example'\nlabels = { team = 'push' }\napi_url = 'https://tg.example/'\ntimeout = '5s'",
    )
    .unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(
        (settings.lang, settings.least, settings.at_night),
        (Lang::Ko, Gravity::Degraded, AtNight::HoldBack)
    );
    assert_eq!(settings.matcher.target.as_deref(), Some("*.example"));
    let ChannelKind::Telegram { chat, api_url, buttons, .. } = &settings.kind else { panic!("{settings:?}") };
    assert_eq!((chat.as_str(), api_url.as_str(), *buttons), ("-100123", "https://tg.example", true));
    assert!(!format!("{settings:?}").contains("SECRET"));

    let settings = read("name = 'x'\nkind = 'slack'\nurl_env = 'HOOK'").expect("a channel");
    assert!(
        matches!(settings.kind, ChannelKind::Slack { .. }) && !format!("{settings:?}").contains("SECRET")
    );
    let mail = "name = 'm'\nkind = 'email'\nserver = '[2001:db8::1]:2525'\nfrom = 'a@b.example'\nto = ['c@d.example']";
    let settings = read(mail).unwrap_or_else(|problems| panic!("{problems:?}"));
    let ChannelKind::Email { server, port, .. } = &settings.kind else { panic!("{settings:?}") };
    assert_eq!((server.as_str(), *port), ("2001:db8::1", 2525));
}

#[test]
fn problems_name_the_channel_the_key_and_what_would_be_right_and_no_secret() {
    for (text, parts) in [
        ("kind = 'telegram'\nchat = 1", &["`token` is missing", "token_file"][..]),
        ("kind = 'telegram'\ntoken = 'SECRET'\nchat = 1", &["`token` is not what @BotFather gives"]),
        ("kind = 'telegram'\ntoken = '1:S'\nchat = 'ops'", &["`chat` is neither a number nor a name"]),
        (
            "kind = 'telegram'\ntoken_file = 'none'\nchat = 1",
            &["`token` is missing: `/nowhere/none` cannot be read"],
        ),
        (
            "kind = 'telegram'\ntoken = '1:S'\nchat = 1\nurl = 'https://SECRET'",
            &["`url` does not belong", "telegram"],
        ),
        ("kind = 'slack'\nurl = 'ftp://SECRET'", &["`url` is no URL"]),
        ("kind = 'slack'\nurl = 98765", &["`url` has to be text in quotes"]),
        ("kind = 'slack'\nurl_env = 'UNSET'", &["`url` is missing: the environment has no variable `UNSET`"]),
        ("kind = 'slack'\nurl = 'https://SECRET'\nurl_env = 'HOOK'", &["`url` is given more than once"]),
        ("kind = 'pigeon'", &["pigeon", "telegram"]),
        ("kind = 'slack'\nurl_env = 'HOOK'\nlouder = true", &["unknown field `louder`"]),
        ("kind = 'slack'\nurl_env = 'HOOK'\nquiet_hours = 'night'", &["`night` is no span", "22:00-07:00"]),
        (
            "kind = 'slack'\nurl_env = 'HOOK'\nproxy = 'https://u:SECRET@x'",
            &["`proxy` cannot be used", "socks5://"],
        ),
        ("kind = 'slack'\nurl_env = 'HOOK'\nfallback = 'x'", &["`fallback` is the channel itself"]),
        ("kind = 'slack'\nurl_env = 'HOOK'\ntimeout = '1h'", &["`timeout` `1h` is no time from 1s"]),
        ("kind = 'command'\ncommand = ['notify']", &["`command` has to begin with the full path"]),
        ("kind = 'command'\ncommand = ['/x']\nproxy = 'http://192.0.2.1'", &["`proxy` does not belong"]),
        (
            "kind = 'alertmanager'\nurls = ['http://u:SECRET@am']",
            &["`urls` has to be a URL", "without user name"],
        ),
        (
            "kind = 'email'\nserver = 'm'\nfrom = 'nobody'\nto = []\nuser = 'u'",
            &["`from` has `nobody`", "`to` names nobody", "`password` is missing"],
        ),
        (
            "kind = 'email'\nserver = 'm'\nfrom = 'a@b.example'\nto = ['a@b.example']\nuser = 'u'\n\
             password = 'SECRET'\nsecurity = 'plain'",
            &["`security` is \"plain\""],
        ),
    ] {
        let told = problems(&format!("name = 'x'\n{text}"));
        for part in parts {
            assert!(told.contains(part), "{text}\n{told}");
        }
        assert!(
            told.contains("channel `x`") && !told.contains("SECRET") && !told.contains("98765"),
            "{told}"
        );
    }
}
