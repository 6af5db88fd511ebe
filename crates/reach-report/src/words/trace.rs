//! What there is to say of paths.

use std::net::IpAddr;

use reach_core::model::{
    Balancing, Confidence, Field, HopLoss, IcmpError, MtuLimit, PathMtu, Remark, Route, TraceProtocol,
};

use super::{icmp, obstacle, say};
use crate::{Lang, trace::End, units};

/// With which packets: `TCP`, `UDP`, `ICMP`.
pub(crate) const fn protocol(protocol: TraceProtocol) -> &'static str {
    match protocol {
        TraceProtocol::Tcp => "TCP",
        TraceProtocol::Udp => "UDP",
        TraceProtocol::Icmp => "ICMP",
    }
}

/// The port, where the protocol has any: `, port 443`.
pub(crate) fn by(route: &Route, lang: Lang) -> String {
    let (name, port) = (protocol(route.protocol), route.endpoint.port);
    match route.protocol {
        TraceProtocol::Icmp => say!(lang, "by {name}", "{name}"),
        _ => say!(lang, "by {name} to port {port}", "{name} 포트 {port}"),
    }
}

/// The first line of a path.
pub(crate) fn header(host: Option<&str>, route: &Route, max_ttl: u8, lang: Lang) -> String {
    let address = route.endpoint.address;
    let by = by(route, lang);
    let place = match host {
        Some(host) => format!("{host} ({address})"),
        None => address.to_string(),
    };
    say!(lang, "trace to {place} {by}, {max_ttl} hops max", "경로 추적: {place}, {by}, 최대 {max_ttl}홉")
}

/// The first line of the paths to several addresses.
pub(crate) fn overview(host: &str, routes: &[Route], max_ttl: u8, lang: Lang) -> String {
    let count = routes.len();
    let reached = routes.iter().filter(|route| is_reached(route)).count();
    let by = routes.first().map(|route| by(route, lang)).unwrap_or_default();
    let rest = count - reached;
    let tail = match rest {
        0 => say!(lang, "all reached", "모두 도달"),
        _ => say!(lang, "{reached} reached, {rest} not", "{reached}개 도달, {rest}개 도달하지 못함"),
    };
    say!(
        lang,
        "trace to {count} addresses of {host} {by}, {max_ttl} hops max: {tail}",
        "경로 추적: {host}의 IP 주소 {count}개, {by}, 최대 {max_ttl}홉: {tail}"
    )
}

fn is_reached(route: &Route) -> bool {
    End::of(route).is_reached()
}

/// A name without addresses.
pub(crate) fn no_address(host: &str, reason: &str, lang: Lang) -> String {
    say!(lang, "{host}: no address, {reason}", "{host}: IP 주소 없음, {reason}")
}

/// How a path ends, in brackets behind the address.
pub(crate) fn end_tag(end: &End, protocol: TraceProtocol, lang: Lang) -> String {
    match end {
        End::Reached if protocol == TraceProtocol::Tcp => say!(lang, "[open]", "[열림]"),
        End::Reached => say!(lang, "[reached]", "[도달]"),
        End::Refused => say!(lang, "[closed: RST]", "[닫힘: RST]"),
        End::ResetByPath { ttl: Some(ttl) } => {
            say!(lang, "[reset at hop {ttl}, before the host]", "[목적지 앞 {ttl}번째 홉에서 RST]")
        }
        End::ResetByPath { ttl: None } => say!(lang, "[reset before the host]", "[목적지 앞에서 RST]"),
        End::Told { by: Some(by), prohibited: true, .. } => {
            say!(lang, "[prohibited by {by}]", "[{by}에서 정책에 의해 차단]")
        }
        End::Told { prohibited: true, .. } => say!(lang, "[prohibited]", "[정책에 의해 차단]"),
        End::Told { by: Some(by), .. } => say!(lang, "[unreachable, says {by}]", "[{by}에서 도달 불가 통보]"),
        End::Told { .. } => say!(lang, "[unreachable]", "[도달 불가]"),
        End::Silent { last: Some((ttl, _)) } => {
            say!(lang, "[no answer behind hop {ttl}]", "[{ttl}번째 홉 이후 무응답]")
        }
        End::Silent { last: None } => say!(lang, "[no answer at all]", "[전혀 응답 없음]"),
        End::Loop { ttl } => say!(lang, "[loop at hop {ttl}]", "[{ttl}번째 홉에서 순환]"),
        End::Unable(inability) => {
            let why = obstacle(inability.why, lang);
            say!(lang, "[not sent: {why}]", "[보내지 못함: {why}]")
        }
        End::Beyond { last } => say!(lang, "[reached, behind hop {last}]", "[도달, {last}번째 홉 뒤]"),
        End::Unfinished => say!(lang, "[not finished]", "[끝나지 않음]"),
    }
}

/// Why endpoints were not reached, all of them for the same reason; `None` when they were.
pub(crate) fn stopped(
    end: &End,
    addresses: &[IpAddr],
    port: u16,
    protocol: TraceProtocol,
    lang: Lang,
) -> Option<String> {
    let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let address = units::some_of(&all, 8, lang);
    let often = match protocol {
        TraceProtocol::Tcp => String::new(),
        TraceProtocol::Udp => say!(
            lang,
            " Hosts often leave UDP unanswered: this alone does not prove a block.",
            " 서버가 UDP에 응답하지 않는 경우가 많으므로, 이것만으로 차단이라고 볼 수 없습니다."
        ),
        TraceProtocol::Icmp => say!(
            lang,
            " ICMP is often filtered: this alone says nothing of other protocols.",
            " ICMP는 차단하는 곳이 많으므로, 이것만으로 다른 프로토콜까지 판단할 수 없습니다."
        ),
    };
    let text = match end {
        End::Reached => return None,
        End::Refused => say!(
            lang,
            "{address}: closed. The host itself answers with a RST: it is reached, and nothing listens on port {port}.",
            "{address}: 닫힘. 서버가 직접 RST로 거부했습니다. 서버까지는 도달했고, 포트 {port}에 대기 중인 서비스가 없습니다."
        ),
        End::ResetByPath { ttl: Some(ttl) } => say!(
            lang,
            "{address}: not reached. A RST in the host's name arises at hop {ttl}, before the host.",
            "{address}: 도달하지 못함. 목적지보다 앞인 {ttl}번째 홉에서 서버 이름으로 RST를 보냅니다."
        ),
        End::ResetByPath { ttl: None } => say!(
            lang,
            "{address}: not reached. A RST in the host's name arises before the host.",
            "{address}: 도달하지 못함. 목적지보다 앞에서 서버 이름으로 RST를 보냅니다."
        ),
        End::Told { error, by, ttl, .. } => {
            let error = error.map_or_else(|| "ICMP".to_owned(), |error| icmp(error, lang));
            let who = match (by, ttl) {
                (Some(by), Some(ttl)) => say!(lang, "{by} (hop {ttl})", "{by}({ttl}번째 홉)"),
                (Some(by), None) => by.to_string(),
                _ => say!(lang, "A device on the way", "경로상의 장비"),
            };
            say!(
                lang,
                "{address}: not reached. {who} answers {error}.",
                "{address}: 도달하지 못함. {who}⟨이/가⟩ {error}⟨을/를⟩ 보냅니다."
            )
        }
        End::Silent { last: Some((ttl, routers)) } => {
            let routers = units::addresses(routers);
            say!(
                lang,
                "{address}: not reached. Nothing answers behind hop {ttl} ({routers}). What stops the packets, \
                 or the answers to them, is at or directly behind it.{often}",
                "{address}: 도달하지 못함. {ttl}번째 홉({routers}) 이후로 응답이 없습니다. 패킷이나 그 응답이 이 \
                 구간 또는 바로 뒤에서 막힙니다.{often}"
            )
        }
        End::Silent { last: None } => say!(
            lang,
            "{address}: not reached. Nothing answers, not even the first hop.{often}",
            "{address}: 도달하지 못함. 첫 번째 홉부터 아무 응답이 없습니다.{often}"
        ),
        End::Loop { ttl } => say!(
            lang,
            "{address}: not reached. From hop {ttl} on the packets go in circles.",
            "{address}: 도달하지 못함. {ttl}번째 홉부터 패킷이 같은 구간을 맴돕니다."
        ),
        End::Unable(inability) => {
            let why = obstacle(inability.why, lang);
            say!(lang, "{address}: nothing could be sent, {why}.", "{address}: 아무것도 보내지 못함, {why}.")
        }
        End::Beyond { last } => say!(
            lang,
            "{address}: reached, but behind hop {last}, the last that was asked.",
            "{address}: 도달함. 다만 마지막으로 확인한 {last}번째 홉보다 뒤에 있습니다."
        ),
        End::Unfinished => say!(
            lang,
            "{address}: the trace was not finished.",
            "{address}: 경로 추적이 끝나기 전에 멈췄습니다."
        ),
    };
    Some(text)
}

/// The mark of an ICMP error, as `traceroute` prints it.
pub(crate) fn mark(error: IcmpError, next_mtu: Option<u16>) -> String {
    let IcmpError { v6, kind, code } = error;
    if error.is_too_big() {
        return next_mtu.map_or_else(|| "!F".to_owned(), |mtu| format!("!F-{mtu}"));
    }
    let mark = match (v6, kind, code) {
        (false, 3, 0) | (true, 1, 0) => "!N",
        (false, 3, 1) | (true, 1, 3) => "!H",
        (false, 3, 2) => "!P",
        // `traceroute` leaves it unmarked; from a device that is not the host it is a refusal like the others.
        (false, 3, 3) | (true, 1, 4) => "!p",
        (false, 3, 5) | (true, 1, 2) => "!S",
        (false, 3, 14) => "!V",
        (false, 3, 15) => "!C",
        _ if error.is_prohibited() => "!X",
        (false, 3, code) | (true, 1, code) => return format!("!<{code}>"),
        (_, kind, code) => return format!("!<{kind}-{code}>"),
    };
    mark.to_owned()
}

/// How a hop spreads packets.
pub(crate) fn balancing(balancing: Balancing, paths: usize, lang: Lang) -> String {
    match balancing {
        Balancing::PerFlow => say!(lang, "{paths} ways, by flow", "{paths}갈래, 플로별 분산"),
        Balancing::PerPacket => say!(lang, "{paths} ways, packet by packet", "{paths}갈래, 패킷별 분산"),
        Balancing::PerDestination => say!(lang, "{paths} ways, by destination", "{paths}갈래, 목적지별 분산"),
    }
}

/// The stable code of a way to balance.
pub(crate) const fn balancing_code(balancing: Balancing) -> &'static str {
    match balancing {
        Balancing::PerFlow => "per-flow",
        Balancing::PerPacket => "per-packet",
        Balancing::PerDestination => "per-destination",
    }
}

/// What missing answers of a hop mean; `None` when there is nothing to tell.
pub(crate) fn loss(loss: HopLoss, sent: u32, received: u32, lang: Lang) -> Option<String> {
    match loss {
        HopLoss::RateLimited => Some(say!(
            lang,
            "rate-limited: answers {received} of {sent}, loses none",
            "응답 속도 제한: {sent}개 중 {received}개 응답, 손실 아님"
        )),
        HopLoss::Silent => Some(say!(lang, "keeps silent, lets packets through", "응답하지 않지만 통과시킴")),
        HopLoss::Forward { share } => {
            let share = units::percent(share);
            Some(say!(lang, "loss {share} from here on", "여기부터 손실 {share}"))
        }
        HopLoss::None if received < sent && received > 0 => {
            Some(say!(lang, "{received} of {sent} answered", "{sent}개 중 {received}개 응답"))
        }
        HopLoss::None => None,
    }
}

/// How sure the paths are complete.
pub(crate) fn confidence(confidence: Confidence, all_paths: bool, unsure: &str, lang: Lang) -> String {
    if !all_paths {
        return say!(
            lang,
            "one flow only; there may be other paths",
            "한 플로만 추적; 다른 경로가 더 있을 수 있음"
        );
    }
    let level = units::percent(confidence.level);
    let text = if confidence.whole_trace {
        say!(lang, "all paths with {level} for the whole trace", "모든 병렬 경로, 전체 신뢰도 {level}")
    } else {
        say!(lang, "all paths with {level} per branching", "모든 병렬 경로, 분기마다 신뢰도 {level}")
    };
    if unsure.is_empty() {
        return text;
    }
    say!(
        lang,
        "{text}, but too few answers to be sure at hop {unsure}",
        "{text}; 단, {unsure}번째 홉은 응답이 적어 확실하지 않음"
    )
}

/// Packets sent.
pub(crate) fn packets(count: u32, lang: Lang) -> String {
    match (lang, count) {
        (Lang::En, 1) => "1 packet".to_owned(),
        (Lang::En, _) => format!("{count} packets"),
        (Lang::Ko, _) => format!("패킷 {count}개"),
    }
}

/// The path MTU.
pub(crate) fn mtu(path: &PathMtu, lang: Lang) -> Vec<String> {
    let (mtu, packets) = (path.mtu, protocol(path.packets));
    let mut lines = vec![if path.to_endpoint {
        say!(
            lang,
            "Path MTU: {mtu} bytes, to the host (by {packets}).",
            "경로 MTU: 목적지까지 {mtu}바이트({packets}로 측정)."
        )
    } else {
        say!(
            lang,
            "Path MTU: {mtu} bytes, as far as routers answer (by {packets}).",
            "경로 MTU: 응답하는 라우터까지 {mtu}바이트({packets}로 측정)."
        )
    }];
    lines.extend(path.limits.iter().map(|limit| {
        let MtuLimit { ttl, mtu, by } = limit;
        match by {
            Some(by) => say!(
                lang,
                "Before hop {ttl} it drops to {mtu} bytes; {by} says so (fragmentation needed).",
                "{ttl}번째 홉 앞에서 {mtu}바이트로 줄어듦: {by}⟨이/가⟩ 알려 줌(단편화 필요)."
            ),
            None => say!(
                lang,
                "Before hop {ttl} it drops to {mtu} bytes, and nobody says so: a black hole for larger packets.",
                "{ttl}번째 홉 앞에서 {mtu}바이트로 줄어드는데 알려 주는 장비가 없음: 더 큰 패킷은 소리 없이 사라짐."
            ),
        }
    }));
    lines
}

/// Something worth telling about a route.
pub(crate) fn remark(remark: &Remark, lang: Lang) -> String {
    match remark {
        Remark::BadMember { ttl, member, after, flows, lost, others_lost } => {
            let (lost, others) = (units::percent(*lost), units::percent(*others_lost));
            let ports = units::ports(flows.iter().copied(), lang);
            let who = match member {
                Some(member) => say!(lang, "{member} (hop {ttl})", "{member}({ttl}번째 홉)"),
                None => say!(lang, "a silent member at hop {ttl}", "{ttl}번째 홉의 응답 없는 구성원"),
            };
            let group = after.map_or_else(String::new, |after| {
                say!(lang, " of the paths behind {after}", " ({after} 뒤의 병렬 경로 중)")
            });
            say!(
                lang,
                "Bad path: {who}{group} loses {lost} of its flows' packets, the others {others}. \
                 Its flows (source ports): {ports}.",
                "불량 경로: {who}{group} 플로의 패킷을 {lost} 잃음, 나머지는 {others}. 해당 플로(출발지 포트): {ports}."
            )
        }
        Remark::Translated { ttl } => say!(
            lang,
            "NAT: addresses or ports of the packets are changed before hop {ttl}.",
            "NAT: {ttl}번째 홉 앞에서 패킷의 주소나 포트가 바뀜."
        ),
        Remark::Rewritten { ttl, field, was, is } => {
            let field = self::field(*field, lang);
            say!(
                lang,
                "Rewritten: {field} is changed from {was} to {is} before hop {ttl}.",
                "변경됨: {ttl}번째 홉 앞에서 {field}⟨이/가⟩ {was}에서 {is}⟨으로/로⟩ 바뀜."
            )
        }
        Remark::OptionsChanged { ttl, was, is } => {
            let (was, is) = (options(was, lang), options(is, lang));
            say!(
                lang,
                "Rewritten: the TCP options are changed before hop {ttl}, from {was} to {is}.",
                "변경됨: {ttl}번째 홉 앞에서 TCP 옵션이 바뀜({was} → {is})."
            )
        }
        Remark::Asymmetric { ttl, responder, back } => say!(
            lang,
            "Asymmetric: the answers of {responder} (hop {ttl}) take about {back} hops back.",
            "비대칭 경로: {responder}({ttl}번째 홉)의 응답은 약 {back}홉을 거쳐 돌아옴."
        ),
        Remark::Loop { ttl, address } => say!(
            lang,
            "Loop: {address} answers again and again from hop {ttl} on.",
            "순환: {ttl}번째 홉부터 {address}⟨이/가⟩ 되풀이해서 응답함."
        ),
        Remark::ZeroTtlForwarding { ttl } => say!(
            lang,
            "The router before hop {ttl} forwards packets whose TTL has run out, so hop {ttl} answers in its place.",
            "{ttl}번째 홉 앞의 라우터가 TTL이 다한 패킷을 그대로 넘겨 {ttl}번째 홉이 대신 응답함."
        ),
    }
}

/// The stable code of a remark.
pub(crate) const fn remark_code(remark: &Remark) -> &'static str {
    match remark {
        Remark::BadMember { .. } => "bad-member",
        Remark::Translated { .. } => "translated",
        Remark::Rewritten { .. } => "rewritten",
        Remark::OptionsChanged { .. } => "options-changed",
        Remark::Asymmetric { .. } => "asymmetric",
        Remark::Loop { .. } => "loop",
        Remark::ZeroTtlForwarding { .. } => "zero-ttl-forwarding",
    }
}

fn field(field: Field, lang: Lang) -> String {
    match field {
        Field::MaxSegment => say!(lang, "the TCP MSS", "TCP MSS 값"),
        Field::TrafficClass => say!(lang, "the type of service (DSCP, ECN)", "서비스 유형(DSCP, ECN) 값"),
        Field::Window => say!(lang, "the TCP window", "TCP 윈도 값"),
        Field::Ttl => say!(lang, "the TTL", "TTL 값"),
    }
}

/// TCP option kinds by their names (IANA), runs of padding once.
fn options(kinds: &[u8], lang: Lang) -> String {
    let mut names: Vec<String> = kinds
        .iter()
        .map(|kind| match kind {
            0 => "end".to_owned(),
            1 => "nop".to_owned(),
            2 => "MSS".to_owned(),
            3 => "window scale".to_owned(),
            4 => "SACK".to_owned(),
            5 => "SACK blocks".to_owned(),
            8 => "timestamps".to_owned(),
            19 => "MD5".to_owned(),
            29 => "TCP-AO".to_owned(),
            30 => "MPTCP".to_owned(),
            34 => "fast open".to_owned(),
            other => other.to_string(),
        })
        .collect();
    names.dedup();
    if names.is_empty() { say!(lang, "none", "없음") } else { names.join("/") }
}

/// What was lost for want of raw sockets.
pub(crate) fn without_raw_sockets(lang: Lang) -> String {
    say!(
        lang,
        "Without raw sockets the quoted IP headers cannot be read: whether TTL or DSCP of the packets are changed on \
         the way is not told.",
        "raw 소켓 권한이 없어 라우터가 되돌려준 IP 헤더를 읽지 못함: 경로에서 패킷의 TTL이나 DSCP가 바뀌는지는 확인하지 않음."
    )
}

/// Where everything begins.
pub(crate) fn this_host(source: Option<IpAddr>, lang: Lang) -> String {
    match source {
        Some(source) => say!(lang, "this host ({source})", "이 서버({source})"),
        None => say!(lang, "this host", "이 서버"),
    }
}

/// All branches before it come together here.
pub(crate) fn rejoined(ways: usize, lang: Lang) -> String {
    say!(lang, "all {ways} ways join here", "{ways}갈래가 다시 모임")
}

/// Several routers lead to the same next ones.
pub(crate) fn each_leads_to(ways: usize, lang: Lang) -> String {
    say!(lang, "each of these {ways} leads to:", "위 {ways}갈래 모두 다음으로 이어짐:")
}

/// Shown already, further up.
pub(crate) fn above(lang: Lang) -> String {
    say!(lang, "see above", "위와 같음")
}

/// A hop that keeps silent on the way to others.
pub(crate) fn silent_hop(lang: Lang) -> String {
    say!(lang, "no answer", "응답 없음")
}

/// A member that loses the packets of its flows.
pub(crate) fn bad_member(lost: f64, lang: Lang) -> String {
    let lost = units::percent(lost);
    say!(lang, "[bad path: loses {lost}]", "[불량 경로: {lost} 손실]")
}

/// Headings of a comparison and what is said in it.
pub(crate) mod compare {
    use super::*;

    /// The column of hops.
    pub(crate) const fn hop(lang: Lang) -> &'static str {
        match lang {
            Lang::En => "HOP",
            Lang::Ko => "홉",
        }
    }

    /// The mark at the last hop that both have in common.
    pub(crate) fn last_common(lang: Lang) -> String {
        say!(lang, "last in common", "마지막 공통 구간")
    }

    /// The mark at the first hop that differs.
    pub(crate) fn parts(lang: Lang) -> String {
        say!(lang, "part here", "여기서 갈라짐")
    }

    /// Where they go together.
    pub(crate) fn together(common: Option<(u8, &[IpAddr])>, lang: Lang) -> String {
        match common {
            Some((ttl, routers)) => {
                let routers = units::addresses(routers);
                say!(
                    lang,
                    "Both go through {routers} (hop {ttl}).",
                    "두 경로 모두 {routers}({ttl}번째 홉)⟨을/를⟩ 지납니다."
                )
            }
            None => say!(
                lang,
                "No hop is known that both go through.",
                "두 경로가 함께 지나는 홉은 확인되지 않았습니다."
            ),
        }
    }

    /// They never differ.
    pub(crate) fn never_part(lang: Lang) -> String {
        say!(
            lang,
            "No difference was seen between the two paths.",
            "두 경로 사이에 차이가 관찰되지 않았습니다."
        )
    }

    /// How one of them goes on behind the last common hop.
    pub(crate) fn goes_on(address: IpAddr, next: &[IpAddr], end: &str, lang: Lang) -> String {
        if next.is_empty() {
            return say!(
                lang,
                "Behind it, {address} gets no answer.",
                "그 뒤로 {address} 쪽은 응답이 없습니다."
            );
        }
        if next == [address] {
            return say!(
                lang,
                "Behind it, {address} itself answers {end}.",
                "그 바로 뒤에서 {address} 서버가 응답합니다 {end}."
            );
        }
        let routers = units::addresses(next);
        say!(
            lang,
            "Behind it, {address} goes on by {routers} {end}.",
            "그 뒤로 {address} 쪽은 {routers}⟨을/를⟩ 거칩니다 {end}."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icmp_errors_have_the_marks_of_traceroute() {
        let mark = |v6, kind, code| super::mark(IcmpError { v6, kind, code }, Some(1400));
        for (code, wanted) in [(0, "!N"), (1, "!H"), (2, "!P"), (3, "!p"), (4, "!F-1400"), (5, "!S")] {
            assert_eq!(mark(false, 3, code), wanted);
        }
        for (code, wanted) in [(9, "!X"), (10, "!X"), (13, "!X"), (14, "!V"), (15, "!C"), (12, "!<12>")] {
            assert_eq!(mark(false, 3, code), wanted);
        }
        for (code, wanted) in [(0, "!N"), (1, "!X"), (3, "!H"), (4, "!p"), (6, "!X"), (7, "!<7>")] {
            assert_eq!(mark(true, 1, code), wanted);
        }
        assert_eq!(mark(true, 2, 0), "!F-1400");
        assert_eq!(mark(false, 12, 1), "!<12-1>");
    }

    #[test]
    fn options_are_named() {
        assert_eq!(options(&[2, 1, 1, 4, 253], Lang::En), "MSS/nop/SACK/253");
        assert_eq!(options(&[], Lang::Ko), "없음");
    }
}
