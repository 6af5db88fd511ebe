//! What the live view of a trace says, English and Korean side by side.

use std::time::Duration;

use reach_core::model::{Balancing, HopLoss, Route, Stopped, TraceProtocol};
use reach_report::Lang;

/// The titles of the columns.
pub fn titles(lang: Lang) -> [&'static str; 10] {
    match lang {
        Lang::En => {
            ["HOP", "RESPONDER", "LOSS", "SENT", "LAST", "AVG", "BEST", "WORST", "JITTER", "OVER TIME"]
        }
        Lang::Ko => ["홉", "응답한 장비", "손실률", "보냄", "최근", "평균", "최소", "최대", "지터", "추이"],
    }
}

/// The first line.
pub fn title(host: &str, protocol: TraceProtocol, elapsed: Duration, lang: Lang) -> String {
    let protocol = match protocol {
        TraceProtocol::Tcp => "TCP",
        TraceProtocol::Udp => "UDP",
        TraceProtocol::Icmp => "ICMP",
    };
    let (minutes, seconds) = (elapsed.as_secs() / 60, elapsed.as_secs() % 60);
    match lang {
        Lang::En => format!("trace to {host} by {protocol} | {minutes}:{seconds:02} | times in ms"),
        Lang::Ko => format!("경로 추적: {host}, {protocol} | {minutes}:{seconds:02} | 시간 단위 ms"),
    }
}

/// Nothing is sent.
pub fn paused(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "PAUSED",
        Lang::Ko => "일시 중지",
    }
}

/// Nothing is known yet.
pub fn waiting(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "waiting for the first answers",
        Lang::Ko => "첫 응답을 기다리는 중",
    }
}

/// What the flow line says before the flows.
pub fn flow(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "flow",
        Lang::Ko => "플로",
    }
}

/// All flows together.
pub fn all_flows(count: usize, lang: Lang) -> String {
    match lang {
        Lang::En => format!("all {count}"),
        Lang::Ko => format!("전체 {count}개"),
    }
}

/// A hop that keeps silent.
pub fn silent(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "(no answer)",
        Lang::Ko => "(무응답)",
    }
}

/// Packets that go all the way.
pub fn end_to_end(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "end",
        Lang::Ko => "끝",
    }
}

/// How a path ends, in a word; nobody is called silent before there was time to answer.
pub fn ending(route: &Route, early: bool, lang: Lang) -> &'static str {
    if route.unable.is_some() {
        return match lang {
            Lang::En => "not sent",
            Lang::Ko => "보내지 못함",
        };
    }
    match (route.stopped.filter(|stopped| !early || *stopped != Stopped::Silent), lang) {
        (None, Lang::En) if route.distance.is_some() => "reached",
        (None, Lang::Ko) if route.distance.is_some() => "도달",
        (None, Lang::En) => "under way",
        (None, Lang::Ko) => "진행 중",
        (Some(Stopped::Silent), Lang::En) => "silent",
        (Some(Stopped::Silent), Lang::Ko) => "무응답",
        (Some(Stopped::Prohibited), Lang::En) => "prohibited",
        (Some(Stopped::Prohibited), Lang::Ko) => "정책에 의해 차단",
        (Some(Stopped::Unreachable), Lang::En) => "unreachable",
        (Some(Stopped::Unreachable), Lang::Ko) => "도달 불가",
        (Some(Stopped::Refused), Lang::En) => "refused",
        (Some(Stopped::Refused), Lang::Ko) => "연결 거부",
        (Some(Stopped::ResetByPath), Lang::En) => "reset on the way",
        (Some(Stopped::ResetByPath), Lang::Ko) => "경로에서 RST",
        (Some(Stopped::Loop), Lang::En) => "loop",
        (Some(Stopped::Loop), Lang::Ko) => "경로 순환",
    }
}

/// What missing answers of a hop mean, where it is known.
pub fn loss(loss: HopLoss, lang: Lang) -> Option<String> {
    Some(match (loss, lang) {
        (HopLoss::None, _) => return None,
        (HopLoss::RateLimited, Lang::En) => "limits its answers, loses nothing".to_owned(),
        (HopLoss::RateLimited, Lang::Ko) => "응답 횟수를 제한할 뿐 손실은 없음".to_owned(),
        (HopLoss::Silent, Lang::En) => "keeps silent, loses nothing".to_owned(),
        (HopLoss::Silent, Lang::Ko) => "응답하지 않을 뿐 손실은 없음".to_owned(),
        (HopLoss::Forward { share }, Lang::En) => format!("loses {:.0} % from here on", share * 100.0),
        (HopLoss::Forward { share }, Lang::Ko) => format!("여기서부터 {:.0} % 손실", share * 100.0),
    })
}

/// How packets are spread over so many responders.
pub fn balancing(balancing: Balancing, ways: usize, lang: Lang) -> String {
    match (balancing, lang) {
        (Balancing::PerFlow, Lang::En) => format!("{ways} ways by flow"),
        (Balancing::PerFlow, Lang::Ko) => format!("플로별 {ways}갈래"),
        (Balancing::PerDestination, Lang::En) => format!("{ways} ways by destination"),
        (Balancing::PerDestination, Lang::Ko) => format!("목적지별 {ways}갈래"),
        (Balancing::PerPacket, Lang::En) => format!("{ways} ways by packet"),
        (Balancing::PerPacket, Lang::Ko) => format!("패킷별 {ways}갈래"),
    }
}

/// The keys with what they do.
pub fn keys(lang: Lang) -> [(&'static str, &'static str); 7] {
    match lang {
        Lang::En => [
            ("Tab", "address"),
            ("f", "flow"),
            ("o", "order"),
            ("p", "pause"),
            ("r", "reset"),
            ("j/k", "scroll"),
            ("q", "quit"),
        ],
        Lang::Ko => [
            ("Tab", "주소"),
            ("f", "플로"),
            ("o", "정렬"),
            ("p", "멈춤"),
            ("r", "초기화"),
            ("j/k", "스크롤"),
            ("q", "종료"),
        ],
    }
}

/// How the hops are ordered, where it is not by distance.
pub fn by_loss(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "by loss",
        Lang::Ko => "손실률순",
    }
}

/// How the hops are ordered, where it is not by distance.
pub fn by_time(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "by time",
        Lang::Ko => "시간순",
    }
}
