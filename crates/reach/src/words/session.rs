//! What a session says on standard error, beside what the two sides say to each other.

use std::time::Duration;

use reach_report::Lang;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The other side closed.
    ByPeer,
    /// The other side reset, or somebody on the way in its name.
    Reset,
    /// What was sent was repeated in vain until the kernel gave up.
    TimedOut,
    /// A router gave back what was sent.
    Unreachable,
    /// TLS ended by a fault: an alert, or records that make no sense.
    Tls,
    /// The user ended it.
    ByUser,
    /// Nobody takes what comes any more.
    OutputGone,
}

/// How to get out.
pub const fn way_out(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "the escape character is ^]",
        Lang::Ko => "이스케이프 문자는 ^] 입니다",
    }
}

/// The next address is tried.
pub fn trying(peer: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!("trying {peer}"),
        Lang::Ko => format!("{peer} 연결 시도"),
    }
}

/// How the session ended, and what went each way.
pub fn closed(closing: Closing, sent: u64, received: u64, lasted: Duration, lang: Lang) -> String {
    let how = match (closing, lang) {
        (Closing::ByPeer, Lang::En) => "connection closed by the other side",
        (Closing::ByPeer, Lang::Ko) => "상대가 연결을 종료했습니다",
        (Closing::Reset, Lang::En) => "connection reset",
        (Closing::Reset, Lang::Ko) => "연결이 RST로 끊겼습니다",
        (Closing::TimedOut, Lang::En) => "connection timed out: what was sent was never acknowledged",
        (Closing::TimedOut, Lang::Ko) => "연결 시간 초과: 보낸 데이터에 대한 확인 응답이 없었습니다",
        (Closing::Unreachable, Lang::En) => {
            "connection lost: a router says that the other side is unreachable"
        }
        (Closing::Unreachable, Lang::Ko) => "연결 끊김: 라우터가 상대에 도달할 수 없다고 응답했습니다",
        (Closing::Tls, Lang::En) => "connection ended by a TLS fault",
        (Closing::Tls, Lang::Ko) => "TLS 오류로 연결이 끝났습니다",
        (Closing::ByUser, Lang::En) => "connection closed",
        (Closing::ByUser, Lang::Ko) => "연결을 닫았습니다",
        (Closing::OutputGone, Lang::En) => "connection closed: nobody reads the output any more",
        (Closing::OutputGone, Lang::Ko) => "출력을 읽는 쪽이 없어 연결을 닫았습니다",
    };
    let seconds = lasted.as_secs_f64();
    match lang {
        Lang::En => format!("{how} after {seconds:.1} s; {sent} bytes sent, {received} received"),
        Lang::Ko => format!("{how}({seconds:.1}초, 보냄 {sent}바이트, 받음 {received}바이트)"),
    }
}

/// What `status` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// With whom.
    pub peer: String,
    /// Single characters, rather than lines, are sent.
    pub characters: bool,
    /// The other side speaks telnet.
    pub telnet: bool,
    /// Options in force on the other side.
    pub theirs: Vec<&'static str>,
    /// Options in force on ours.
    pub ours: Vec<&'static str>,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
    /// How long the session lasts already.
    pub lasted: Duration,
}

/// The lines of `status`.
pub fn status(status: &Status, lang: Lang) -> Vec<String> {
    let Status { peer, characters, telnet, theirs, ours, sent, received, lasted } = status;
    let seconds = lasted.as_secs_f64();
    let list = |names: &[&str], none: &str| {
        if names.is_empty() { none.to_owned() } else { names.join(", ") }
    };
    let mut lines = match lang {
        Lang::En => vec![
            format!("connected to {peer} for {seconds:.1} s; {sent} bytes sent, {received} received"),
            format!("input is sent by {}", if *characters { "character" } else { "line" }),
        ],
        Lang::Ko => vec![
            format!("{peer}에 {seconds:.1}초 동안 연결됨, 보냄 {sent}바이트, 받음 {received}바이트"),
            format!("입력은 {} 단위로 전송", if *characters { "글자" } else { "줄" }),
        ],
    };
    lines.push(match (telnet, lang) {
        (true, Lang::En) => {
            format!("telnet options: theirs {}; ours {}", list(theirs, "none"), list(ours, "none"))
        }
        (true, Lang::Ko) => {
            format!("telnet 옵션: 상대 {}, 이쪽 {}", list(theirs, "없음"), list(ours, "없음"))
        }
        (false, Lang::En) => "the other side has not spoken telnet".to_owned(),
        (false, Lang::Ko) => "상대가 telnet 프로토콜을 쓰지 않음".to_owned(),
    });
    lines
}

/// The lines of `help`.
pub const fn help(lang: Lang) -> &'static [&'static str] {
    match lang {
        Lang::En => &[
            "continue, or an empty line    back to the session",
            "quit, close                   end it",
            "status                        with whom, how long, which options",
            "send ip | ayt | brk | escape  interrupt, are you there, break (telnet only); the escape character itself",
            "mode line | character         send lines, or each character as it is typed",
            "help                          this list",
        ],
        Lang::Ko => &[
            "continue 또는 빈 줄           세션으로 돌아가기",
            "quit, close                   세션 끝내기",
            "status                        상대, 경과 시간, 옵션 보기",
            "send ip | ayt | brk | escape  중단, 응답 확인, 브레이크(telnet 전용), 이스케이프 문자 자체",
            "mode line | character         줄 단위 또는 글자 단위로 보내기",
            "help                          이 목록",
        ],
    }
}

/// A command that is none.
pub fn unknown(word: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!("`{word}` is no command here; `help` lists them"),
        Lang::Ko => format!("`{word}`: 없는 명령입니다. `help`로 목록을 볼 수 있습니다"),
    }
}

/// A command that only telnet has.
pub const fn not_telnet(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "the other side has not spoken telnet, so it would take that for data; nothing was sent",
        Lang::Ko => "상대가 telnet 프로토콜을 쓰지 않아 데이터로 받아들이므로 보내지 않았습니다",
    }
}

/// No address took the connection.
pub const fn nobody(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "no address to hold a session with",
        Lang::Ko => "세션을 열 수 있는 주소가 없습니다",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_commands() {
        let words = |lang| {
            let lines: Vec<_> = help(lang).iter().map(|line| line.split_whitespace().next()).collect();
            lines
        };
        assert_eq!(words(Lang::En)[1..], words(Lang::Ko)[1..]);
    }

    #[test]
    fn every_end_has_words_in_both_languages() {
        use Closing::{ByPeer, ByUser, OutputGone, Reset, TimedOut, Tls, Unreachable};
        let all = [ByPeer, Reset, TimedOut, Unreachable, Tls, ByUser, OutputGone];
        let texts: std::collections::BTreeSet<String> = all
            .into_iter()
            .flat_map(|one| Lang::ALL.map(|lang| closed(one, 1, 2, Duration::from_secs(3), lang)))
            .collect();
        assert_eq!(texts.len(), 14);
    }
}
