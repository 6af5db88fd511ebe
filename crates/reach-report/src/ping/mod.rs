//! What `reach ping` shows: a line for each event and a summary for one address, a table for more, and JSON
//! lines for programs.

mod json;
mod spark;
mod table;

use std::{net::IpAddr, time::Duration};

use reach_core::{
    Time,
    model::{Endpoint, Refusal},
    ping::{Event, Happening, Method, PingPlan, Reply, ReplyKind, Tally, Timing},
};

pub use self::{
    json::{event as json_event, summary as json_summary},
    spark::sparkline,
    table::{final_table, live_table},
};
use crate::{
    Lang, Style,
    clean::clean,
    units,
    words::{ping as said, say},
};

/// One address that is pinged.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The host as it was typed.
    pub host: &'a str,
    /// The address, and the port where one matters.
    pub endpoint: Endpoint,
    /// What is known of it.
    pub tally: &'a Tally,
}

impl Subject<'_> {
    /// The endpoint as it is written: without the port where it does not matter.
    fn place(&self, method: Method) -> String {
        place(self.endpoint, method)
    }
}

fn place(Endpoint { address, port }: Endpoint, method: Method) -> String {
    match (method, address) {
        (Method::Icmp, _) => address.to_string(),
        (Method::Tcp, IpAddr::V4(_)) => format!("{address}:{port}"),
        (Method::Tcp, IpAddr::V6(_)) => format!("[{address}]:{port}"),
    }
}

/// Which lines are wanted besides answers and errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Begin each with the seconds since the Unix epoch.
    pub stamps: bool,
    /// Tell of requests that wait when the next is sent.
    pub outstanding: bool,
}

/// The line before the first answer.
pub fn header(host: &str, endpoint: Endpoint, plan: &PingPlan, style: &Style) -> String {
    let (host, size) = (clean(host), plan.size);
    let place = place(endpoint, plan.method);
    let lang = style.lang;
    match plan.method {
        Method::Icmp => {
            let headers = if endpoint.address.is_ipv4() { 20 + 8 } else { 40 + 8 };
            let packet = u32::from(size) + headers;
            say!(
                lang,
                "PING {host} ({place}) {size}({packet}) bytes of data.\n",
                "PING {host} ({place}) 데이터 {size}({packet})바이트\n"
            )
        }
        Method::Tcp => say!(lang, "PING {host} ({place}) by TCP SYN.\n", "PING {host} ({place}) TCP SYN\n"),
    }
}

/// The line of an event, if it gets one.
pub fn line(
    event: &Event,
    endpoint: Endpoint,
    plan: &PingPlan,
    lines: Lines,
    style: &Style,
) -> Option<String> {
    let lang = style.lang;
    let place = place(endpoint, plan.method);
    let sequence = sequence(event.number, plan.method);
    let text = match &event.what {
        Happening::Sent | Happening::Lost => return None,
        Happening::Outstanding if lines.outstanding => {
            say!(lang, "no answer yet for {sequence}", "{sequence} 아직 응답 없음")
        }
        Happening::Outstanding => return None,
        Happening::Answered { reply, timing } => answer(reply, *timing, &place, &sequence, plan, lang),
        Happening::Rejected(rejection) => {
            let next_mtu = rejection.quote.as_ref().and_then(|quote| quote.next_mtu);
            let name = match rejection.how {
                Refusal::Icmp(error) => said::error_name(error, next_mtu, lang),
                Refusal::Reset => "RST".to_owned(),
            };
            match rejection.by {
                Some(by) => say!(lang, "From {by} {sequence} {name}", "{by}: {sequence} {name}"),
                None => format!("{sequence} {name}"),
            }
        }
        Happening::Unable(inability) => {
            let why = said::unable(inability, lang);
            format!("{place}: {sequence} {why}")
        }
    };
    let stamp = if lines.stamps { stamp(event.at) } else { String::new() };
    Some(format!("{stamp}{text}\n"))
}

fn answer(reply: &Reply, timing: Timing, place: &str, sequence: &str, plan: &PingPlan, lang: Lang) -> String {
    let time = time(reply.rtt);
    let ttl = reply.ttl.map_or_else(String::new, |ttl| format!(" ttl={ttl}"));
    let mut text = match reply.kind {
        ReplyKind::Echo => {
            let bytes = u32::from(plan.size) + 8;
            say!(
                lang,
                "{bytes} bytes from {place}: {sequence}{ttl} time={time} ms",
                "{place} 응답 {bytes}바이트: {sequence}{ttl} 시간={time} ms"
            )
        }
        ReplyKind::Open => {
            say!(
                lang,
                "open {place}: {sequence}{ttl} time={time} ms",
                "{place} 열림: {sequence}{ttl} 시간={time} ms"
            )
        }
        ReplyKind::Refused => say!(
            lang,
            "refused (RST) {place}: {sequence}{ttl} time={time} ms",
            "{place} 연결 거부(RST): {sequence}{ttl} 시간={time} ms"
        ),
    };
    if reply.packets > 1 {
        let packets = reply.packets;
        text += &say!(lang, " (SYN sent {packets} times)", " (SYN {packets}회 전송)");
    }
    text += &match timing {
        Timing::Regular => String::new(),
        Timing::Reordered => say!(lang, " (out of order)", " (순서 바뀜)"),
        Timing::Duplicate => say!(lang, " (DUP!)", " (중복)"),
        Timing::Late => say!(lang, " (late: given up before)", " (지연: 제한 시간을 넘겨 도착)"),
    };
    text
}

/// The number of a request, as it stands in the packet where it does.
fn sequence(number: u64, method: Method) -> String {
    match method {
        Method::Icmp => format!("icmp_seq={}", number as u16),
        Method::Tcp => format!("tcp_seq={number}"),
    }
}

/// What is known of one address at the end.
pub fn summary(subject: &Subject<'_>, plan: &PingPlan, elapsed: Duration, style: &Style) -> String {
    let lang = style.lang;
    let host = clean(subject.host);
    let tally = subject.tally;
    let mut out = say!(lang, "\n--- {host} ping statistics ---\n", "\n--- {host} ping 통계 ---\n");
    out += &counts(tally, elapsed, lang);
    out.push('\n');
    let rtt = tally.rtt();
    if let (Some(least), Some(mean), Some(most), Some(deviation)) =
        (rtt.min(), rtt.mean(), rtt.max(), rtt.deviation())
    {
        let [least, mean, most, deviation] = [least, mean, most, deviation].map(millis);
        out += &say!(
            lang,
            "rtt min/avg/max/mdev = {least}/{mean}/{most}/{deviation} ms\n",
            "왕복 시간 최소/평균/최대/편차 = {least}/{mean}/{most}/{deviation} ms\n"
        );
    }
    if let (Some(median), Some(p95), Some(p99), Some(jitter)) =
        (rtt.quantile(0.5), rtt.quantile(0.95), rtt.quantile(0.99), tally.jitter())
    {
        let [median, p95, p99, jitter] = [median, p95, p99, jitter].map(millis);
        out += &say!(
            lang,
            "rtt median/p95/p99 = {median}/{p95}/{p99} ms, jitter {jitter} ms\n",
            "왕복 시간 중앙값/p95/p99 = {median}/{p95}/{p99} ms, 지터 {jitter} ms\n"
        );
    }
    for remark in said::remarks(tally, lang) {
        out += &remark;
        out.push('\n');
    }
    if tally.is_silent() {
        out += &said::all_silent(plan.method, lang);
        out.push('\n');
    }
    out
}

/// The one line that `ping` prints when asked in the course of a run.
pub fn short_summary(subject: &Subject<'_>, style: &Style) -> String {
    let tally = subject.tally;
    let settled = tally.sent() - tally.in_flight();
    let (received, loss) = (tally.received(), percent(tally.loss()));
    let times = match (tally.rtt().min(), tally.rtt().mean(), tally.last(), tally.rtt().max()) {
        (Some(least), Some(mean), Some(last), Some(most)) => {
            let [least, mean, last, most] = [least, mean, last, most].map(millis);
            say!(
                style.lang,
                ", min/avg/last/max = {least}/{mean}/{last}/{most} ms",
                ", 최소/평균/최근/최대 = {least}/{mean}/{last}/{most} ms"
            )
        }
        _ => String::new(),
    };
    say!(
        style.lang,
        "{received}/{settled} packets, {loss}% loss{times}\n",
        "{settled}개 중 {received}개 응답, 손실 {loss}%{times}\n"
    )
}

fn counts(tally: &Tally, elapsed: Duration, lang: Lang) -> String {
    let (sent, received, loss) = (tally.sent(), tally.received(), percent(tally.loss()));
    let mut parts = vec![say!(
        lang,
        "{sent} packets transmitted, {received} received",
        "{sent}개 보냄, {received}개 받음"
    )];
    let errors: u64 = tally.errors().map(|(_, _, count)| count).sum();
    let duplicates = tally.duplicates();
    if duplicates > 0 {
        parts.push(say!(lang, "+{duplicates} duplicates", "중복 +{duplicates}"));
    }
    if errors > 0 {
        parts.push(say!(lang, "+{errors} errors", "오류 +{errors}"));
    }
    let ms = elapsed.as_millis();
    parts.push(say!(lang, "{loss}% packet loss", "손실률 {loss}%"));
    parts.push(say!(lang, "time {ms}ms", "걸린 시간 {ms}ms"));
    parts.join(", ")
}

/// Milliseconds as `ping` prints them in its summary.
fn millis(span: Duration) -> String {
    format!("{:.3}", units::millis(span))
}

/// Milliseconds with about three digits, as `ping` prints them in a line.
fn time(span: Duration) -> String {
    let micros = span.as_micros();
    match micros {
        100_000.. => format!("{}", micros / 1000),
        10_000.. => format!("{}.{}", micros / 1000, micros % 1000 / 100),
        1_000.. => format!("{}.{:02}", micros / 1000, micros % 1000 / 10),
        _ => format!("0.{micros:03}"),
    }
}

/// A share in percent with at most six digits, without needless zeros: `33.3333`. Scripts read it.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent >= 99.99995 {
        3
    } else if percent >= 10.0 {
        4
    } else {
        5
    };
    let text = format!("{percent:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn stamp(time: Time) -> String {
    format!("[{time}] ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_digits_that_ping_gives_them() {
        let show = |micros| time(Duration::from_micros(micros));
        assert_eq!([show(0), show(29), show(1_234)], ["0.000", "0.029", "1.23"]);
        assert_eq!([show(12_345), show(123_456), show(1_002_000)], ["12.3", "123", "1002"]);
    }

    #[test]
    fn shares_have_at_most_six_digits() {
        assert_eq!([percent(0.0), percent(1.0), percent(0.5)], ["0", "100", "50"]);
        assert_eq!([percent(1.0 / 3.0), percent(1.0 / 15.0)], ["33.3333", "6.66667"]);
        assert_eq!(percent(1.0 / 1_000_000.0), "0.0001");
    }

    #[test]
    fn a_sequence_number_has_the_sixteen_bits_of_the_packet() {
        assert_eq!(sequence(65_537, Method::Icmp), "icmp_seq=1");
        assert_eq!(sequence(65_537, Method::Tcp), "tcp_seq=65537");
    }
}
