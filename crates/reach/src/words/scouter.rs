//! Remarks on a Scouter installation that is asked or heard.

use reach_report::Lang;
use reach_signal::scouter::collector::{Event, Why};

use crate::output::shown;

/// What became of a conversation with a collector; `None` where nothing did.
pub fn change(event: &Event, lang: Lang) -> Option<String> {
    match event {
        Event::Ready { server, version, .. } => {
            let (server, version) = (shown(server), shown(version));
            Some(match lang {
                Lang::En => format!("logged in at the collector {server} (Scouter {version})"),
                Lang::Ko => format!("수집 서버 {server}에 로그인했습니다(Scouter {version})"),
            })
        }
        Event::Down(why) => Some(match lang {
            Lang::En => format!("the collector cannot be asked: {}; tried again soon", english(why)),
            Lang::Ko => format!("수집 서버에 물을 수 없습니다: {}. 곧 다시 시도합니다", korean(why)),
        }),
        Event::Answer(..) => None,
    }
}

fn english(why: &Why) -> String {
    match why {
        Why::Login(said) => format!(
            "it refuses the login ({}); give --user and --password-file, and mind that the account without a password \
             works on the collector's own host only",
            shown(said)
        ),
        other => shown(&other.to_string()),
    }
}

fn korean(why: &Why) -> String {
    match why {
        Why::Unreachable => "연결되지 않습니다".to_owned(),
        Why::Closed => "연결이 끊겼습니다".to_owned(),
        Why::Silent => "응답이 없습니다".to_owned(),
        Why::Garbage(_) | Why::Unasked(_) => "수집 서버의 응답이 아닙니다".to_owned(),
        Why::Endless => "응답이 끝나지 않습니다".to_owned(),
        Why::Session => "세션이 거부되었습니다".to_owned(),
        Why::Login(said) => format!(
            "로그인이 거부되었습니다({}). --user와 --password-file을 지정하세요. 비밀번호 없는 계정은 수집 서버 \
             자신에서만 쓸 수 있습니다",
            shown(said)
        ),
    }
}

/// Where datagrams are awaited.
pub fn listening(at: &str, forward: Option<&str>, lang: Lang) -> String {
    match (lang, forward) {
        (Lang::En, None) => format!("listening at {at} (UDP)"),
        (Lang::En, Some(to)) => format!("listening at {at} (UDP), forwarding everything to {to}"),
        (Lang::Ko, None) => format!("{at}(UDP)에서 수신합니다"),
        (Lang::Ko, Some(to)) => format!("{at}(UDP)에서 수신하여 모두 {to}(으)로 전달합니다"),
    }
}

/// What became of datagrams.
pub fn datagrams(received: u64, forwarded: u64, unforwarded: u64, strangers: u64, lang: Lang) -> String {
    match lang {
        Lang::En => format!(
            "datagrams: {received} received, {forwarded} forwarded, {unforwarded} not forwarded, {strangers} of \
             unknown senders"
        ),
        Lang::Ko => format!(
            "데이터그램: 수신 {received}건, 전달 {forwarded}건, 전달 실패 {unforwarded}건, 허용되지 않은 발신 {strangers}건"
        ),
    }
}

/// Why texts are not remembered.
pub fn texts_unreadable(path: &str, error: &std::io::Error, lang: Lang) -> String {
    match lang {
        Lang::En => format!("`{path}` cannot be used to remember texts: {error}"),
        Lang::Ko => format!("`{path}` 파일을 문구 저장에 쓸 수 없습니다: {error}"),
    }
}
