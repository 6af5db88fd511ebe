//! What `reach ping` says.

use std::net::IpAddr;

use reach_core::{
    model::{IcmpError, Inability, Refusal},
    ping::{Method, Tally},
};

use super::{icmp, obstacle, say};
use crate::Lang;

/// Titles of the columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Name,
    Address,
    Sent,
    Loss,
    Last,
    Least,
    Mean,
    Most,
    Deviation,
    P95,
    Jitter,
    History,
}

impl Column {
    #[cfg(test)]
    pub(crate) const ALL: [Column; 12] = [
        Column::Name,
        Column::Address,
        Column::Sent,
        Column::Loss,
        Column::Last,
        Column::Least,
        Column::Mean,
        Column::Most,
        Column::Deviation,
        Column::P95,
        Column::Jitter,
        Column::History,
    ];

    pub(crate) const fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Column::Name, Lang::En) => "NAME",
            (Column::Name, Lang::Ko) => "이름",
            (Column::Address, Lang::En) => "ADDRESS",
            (Column::Address, Lang::Ko) => "IP 주소",
            (Column::Sent, Lang::En) => "SENT",
            (Column::Sent, Lang::Ko) => "보냄",
            (Column::Loss, Lang::En) => "LOSS",
            (Column::Loss, Lang::Ko) => "손실률",
            (Column::Last, Lang::En) => "LAST",
            (Column::Last, Lang::Ko) => "최근",
            (Column::Least, Lang::En) => "MIN",
            (Column::Least, Lang::Ko) => "최소",
            (Column::Mean, Lang::En) => "AVG",
            (Column::Mean, Lang::Ko) => "평균",
            (Column::Most, Lang::En) => "MAX",
            (Column::Most, Lang::Ko) => "최대",
            (Column::Deviation, Lang::En) => "MDEV",
            (Column::Deviation, Lang::Ko) => "편차",
            (Column::P95, _) => "P95",
            (Column::Jitter, Lang::En) => "JITTER",
            (Column::Jitter, Lang::Ko) => "지터",
            (Column::History, Lang::En) => "HISTORY",
            (Column::History, Lang::Ko) => "추이",
        }
    }
}

/// An ICMP error in the words that `ping` made known, with type and code.
///
/// `next_mtu` is what a "too big" says.
pub(crate) fn error_name(error: IcmpError, next_mtu: Option<u32>, lang: Lang) -> String {
    let IcmpError { v6, kind, code } = error;
    if lang == Lang::Ko {
        let name = icmp(error, lang);
        return match next_mtu.filter(|_| error.is_too_big()) {
            Some(mtu) => format!("{name}, mtu = {mtu}"),
            None => name,
        };
    }
    let mtu = next_mtu.map_or_else(|| "unknown".to_owned(), |mtu| mtu.to_string());
    let name = if v6 { name_v6(kind, code) } else { name_v4(kind, code) };
    let name = match name {
        _ if error.is_too_big() && v6 => format!("Packet too big (mtu = {mtu})"),
        _ if error.is_too_big() => format!("Frag needed and DF set (mtu = {mtu})"),
        Some(name) => name.to_owned(),
        None => "ICMP error".to_owned(),
    };
    format!("{name} [type {kind} code {code}]")
}

/// RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
const fn name_v4(kind: u8, code: u8) -> Option<&'static str> {
    Some(match (kind, code) {
        (3, 0) => "Destination Net Unreachable",
        (3, 1) => "Destination Host Unreachable",
        (3, 2) => "Destination Protocol Unreachable",
        (3, 3) => "Destination Port Unreachable",
        (3, 5) => "Source Route Failed",
        (3, 6) => "Destination Net Unknown",
        (3, 7) => "Destination Host Unknown",
        (3, 8) => "Source Host Isolated",
        (3, 9) => "Destination Net Prohibited",
        (3, 10) => "Destination Host Prohibited",
        (3, 11) => "Destination Net Unreachable for Type of Service",
        (3, 12) => "Destination Host Unreachable for Type of Service",
        (3, 13) => "Packet filtered",
        (3, 14) => "Precedence Violation",
        (3, 15) => "Precedence Cutoff",
        (3, _) => "Destination Unreachable",
        (4, _) => "Source Quench",
        (5, 0) => "Redirect Network",
        (5, 1) => "Redirect Host",
        (5, 2) => "Redirect Type of Service and Network",
        (5, 3) => "Redirect Type of Service and Host",
        (11, 0) => "Time to live exceeded",
        (11, 1) => "Frag reassembly time exceeded",
        (12, _) => "Parameter problem",
        _ => return None,
    })
}

/// RFC 4443 §3, RFC 7112, RFC 8883.
const fn name_v6(kind: u8, code: u8) -> Option<&'static str> {
    Some(match (kind, code) {
        (1, 0) => "Destination unreachable: No route",
        (1, 1) => "Destination unreachable: Administratively prohibited",
        (1, 2) => "Destination unreachable: Beyond scope of source address",
        (1, 3) => "Destination unreachable: Address unreachable",
        (1, 4) => "Destination unreachable: Port unreachable",
        (1, 5) => "Destination unreachable: Source address failed policy",
        (1, 6) => "Destination unreachable: Reject route",
        (1, 7) => "Destination unreachable: Error in source routing header",
        (1, _) => "Destination unreachable",
        (3, 0) => "Time exceeded: Hop limit",
        (3, 1) => "Time exceeded: Defragmentation failure",
        (4, 0) => "Parameter problem: Wrong header field",
        (4, 1) => "Parameter problem: Unknown header",
        (4, 2) => "Parameter problem: Unknown option",
        (4, 3) => "Parameter problem: Incomplete header chain",
        (4, _) => "Parameter problem",
        _ => return None,
    })
}

/// Why a request could not be sent.
pub(crate) fn unable(inability: &Inability, lang: Lang) -> String {
    let why = obstacle(inability.why, lang);
    say!(lang, "cannot be sent: {why}", "보낼 수 없음: {why}")
}

/// Nobody answered, which says little about a host where ping is concerned.
pub(crate) fn all_silent(method: Method, lang: Lang) -> String {
    match method {
        Method::Icmp => say!(
            lang,
            "No answer at all. Many networks drop ping, so this alone is no failure of the host; \
             `reach check` tests the service itself.",
            "응답이 전혀 없습니다. ping을 막는 네트워크가 많으므로 이것만으로 서버 장애라고 볼 수는 없습니다. \
             서비스 자체는 `reach check`로 확인하십시오."
        ),
        Method::Tcp => say!(
            lang,
            "No answer at all; `reach check` finds out why.",
            "응답이 전혀 없습니다. 원인은 `reach check`로 확인하십시오."
        ),
    }
}

/// So many addresses are not shown for want of room.
pub(crate) fn hidden(count: usize, lang: Lang) -> String {
    say!(lang, "{count} more with no more loss than these", "손실이 이보다 크지 않은 주소 {count}개 더 있음")
}

/// How far a run is, above the live table.
pub(crate) fn caption(addresses: usize, elapsed: &str, lang: Lang) -> String {
    say!(
        lang,
        "{elapsed} | {addresses} addresses | times in ms | ^C ends with the result",
        "{elapsed} | 주소 {addresses}개 | 시간 단위 ms | ^C를 누르면 결과를 내고 끝냄"
    )
}

/// What besides counts and times is worth telling of an address.
pub(crate) fn remarks(tally: &Tally, lang: Lang) -> Vec<String> {
    let mut remarks = Vec::new();
    for (how, by, count) in tally.errors() {
        remarks.push(errors(how, by, count, lang));
    }
    for (why, count) in tally.unables() {
        let why = obstacle(why, lang);
        remarks.push(say!(lang, "could not be sent ({why}): {count}", "보내지 못함({why}): {count}개"));
    }
    if tally.refused() > 0 {
        let count = tally.refused();
        remarks.push(say!(
            lang,
            "refused (RST; the host is there, nothing listens on the port): {count}",
            "연결 거부(RST, 호스트는 있으나 그 포트를 연 프로그램이 없음): {count}개"
        ));
    }
    let (duplicates, late, reordered) = (tally.duplicates(), tally.late(), tally.reordered());
    if duplicates > 0 {
        remarks.push(say!(lang, "duplicates: {duplicates}", "중복 응답: {duplicates}개"));
    }
    if late > 0 {
        remarks.push(say!(
            lang,
            "answered too late, counted as lost: {late}",
            "제한 시간을 넘겨 온 응답(손실로 계산): {late}개"
        ));
    }
    if reordered > 0 {
        remarks.push(say!(lang, "out of order: {reordered}", "순서가 바뀐 응답: {reordered}개"));
    }
    if tally.repeated() > 0 {
        let count = tally.repeated();
        remarks.push(say!(lang, "SYNs sent again: {count}", "SYN 재전송: {count}회"));
    }
    if tally.in_flight() > 0 {
        let count = tally.in_flight();
        remarks.push(say!(
            lang,
            "still waiting at the end, not counted as lost: {count}",
            "끝날 때 응답을 기다리던 요청(손실로 계산하지 않음): {count}개"
        ));
    }
    remarks
}

fn errors(how: Refusal, by: Option<IpAddr>, count: u64, lang: Lang) -> String {
    let name = match how {
        Refusal::Icmp(error) => error_name(error, None, lang),
        Refusal::Reset => "RST".to_owned(),
    };
    match by {
        Some(by) => say!(lang, "{name} from {by}: {count}", "{by}에서 온 {name}: {count}개"),
        None => say!(lang, "{name}: {count}", "오류 {name}: {count}개"),
    }
}
