//! JSON lines: one object for each event and, at the end, one for each address. Schema `reach.ping/1`.

use std::net::IpAddr;

use reach_core::{
    Time,
    model::{Endpoint, IcmpError, Inability, Obstacle, Refusal, Rejection},
    ping::{Event, Happening, Method, PingPlan, ReplyKind, Timing},
};
use serde::Serialize;

use super::{Subject, said};
use crate::{
    Lang,
    clean::clean,
    units::{self, millis},
};

const SCHEMA: &str = "reach.ping/1";

#[derive(Serialize)]
struct EventLine {
    schema: &'static str,
    event: &'static str,
    time: String,
    target: String,
    address: IpAddr,
    port: Option<u16>,
    sequence: u64,
    outcome: &'static str,
    rtt_ms: Option<f64>,
    ttl: Option<u8>,
    packets: Option<u32>,
    reordered: Option<bool>,
    error: Option<ErrorEntry>,
}

#[derive(Serialize)]
struct ErrorEntry {
    from: Option<IpAddr>,
    icmp_type: Option<u8>,
    icmp_code: Option<u8>,
    next_mtu: Option<u32>,
    reason: Option<&'static str>,
    errno: Option<i32>,
    text: String,
}

#[derive(Serialize)]
struct SummaryLine {
    schema: &'static str,
    event: &'static str,
    time: String,
    target: String,
    address: IpAddr,
    port: Option<u16>,
    protocol: &'static str,
    sent: u64,
    received: u64,
    refused: u64,
    lost: u64,
    rejected: u64,
    in_flight: u64,
    unsent: u64,
    loss: f64,
    duplicates: u64,
    late: u64,
    reordered: u64,
    syn_retransmits: u64,
    rtt_ms: Option<Times>,
    jitter_ms: Option<f64>,
    errors: Vec<CountedError>,
}

#[derive(Serialize)]
struct Times {
    min: f64,
    avg: f64,
    max: f64,
    mdev: f64,
    median: f64,
    p95: f64,
    p99: f64,
    last: f64,
}

#[derive(Serialize)]
struct CountedError {
    count: u64,
    #[serde(flatten)]
    error: ErrorEntry,
}

/// The line of an event; `None` for those that programs need not hear of.
pub fn event(event: &Event, host: &str, endpoint: Endpoint, plan: &PingPlan, lang: Lang) -> Option<String> {
    let mut line = EventLine {
        schema: SCHEMA,
        event: "probe",
        time: units::rfc3339(event.at),
        target: clean(host),
        address: endpoint.address,
        port: port(endpoint, plan.method),
        sequence: event.number,
        outcome: "lost",
        rtt_ms: None,
        ttl: None,
        packets: None,
        reordered: None,
        error: None,
    };
    match &event.what {
        Happening::Sent | Happening::Outstanding => return None,
        Happening::Lost => {}
        Happening::Answered { reply, timing } => {
            line.outcome = match (timing, reply.kind) {
                (Timing::Duplicate, _) => "duplicate",
                (Timing::Late, _) => "late",
                (_, ReplyKind::Echo) => "reply",
                (_, ReplyKind::Open) => "open",
                (_, ReplyKind::Refused) => "refused",
            };
            line.rtt_ms = Some(millis(reply.rtt));
            line.ttl = reply.ttl;
            line.packets = (plan.method == Method::Tcp).then_some(reply.packets);
            line.reordered = Some(*timing == Timing::Reordered);
        }
        Happening::Rejected(rejection) => {
            line.outcome = "error";
            line.rtt_ms = Some(millis(rejection.rtt));
            line.ttl = rejection.reply_ttl;
            line.error = Some(rejected(rejection, lang));
        }
        Happening::Unable(inability) => {
            line.outcome = "unable";
            line.error = Some(unable(inability, lang));
        }
    }
    Some(text(&line))
}

/// The line of an address at the end.
pub fn summary(subject: &Subject<'_>, plan: &PingPlan, at: Time, lang: Lang) -> String {
    let tally = subject.tally;
    let rtt = tally.rtt();
    let times = || {
        Some(Times {
            min: millis(rtt.min()?),
            avg: millis(rtt.mean()?),
            max: millis(rtt.max()?),
            mdev: millis(rtt.deviation()?),
            median: millis(rtt.quantile(0.5)?),
            p95: millis(rtt.quantile(0.95)?),
            p99: millis(rtt.quantile(0.99)?),
            last: millis(tally.last()?),
        })
    };
    let rejections = tally.errors().map(|(how, by, count)| {
        let rejection = Rejection { how, by, rtt: Default::default(), reply_ttl: None, quote: None };
        CountedError { count, error: rejected(&rejection, lang) }
    });
    let unables = tally
        .unables()
        .map(|(why, count)| CountedError { count, error: unable(&Inability { why, errno: None }, lang) });
    text(&SummaryLine {
        schema: SCHEMA,
        event: "summary",
        time: units::rfc3339(at),
        target: clean(subject.host),
        address: subject.endpoint.address,
        port: port(subject.endpoint, plan.method),
        protocol: match plan.method {
            Method::Icmp => "icmp",
            Method::Tcp => "tcp",
        },
        sent: tally.sent(),
        received: tally.received(),
        refused: tally.refused(),
        lost: tally.lost(),
        rejected: tally.rejected(),
        in_flight: tally.in_flight(),
        unsent: tally.unsent(),
        loss: tally.loss(),
        duplicates: tally.duplicates(),
        late: tally.late(),
        reordered: tally.reordered(),
        syn_retransmits: tally.repeated(),
        rtt_ms: times(),
        jitter_ms: tally.jitter().map(millis),
        errors: rejections.chain(unables).collect(),
    })
}

fn port(endpoint: Endpoint, method: Method) -> Option<u16> {
    (method == Method::Tcp).then_some(endpoint.port)
}

fn rejected(rejection: &Rejection, lang: Lang) -> ErrorEntry {
    let next_mtu = rejection.quote.as_ref().and_then(|quote| quote.next_mtu);
    let (kind, code, text) = match rejection.how {
        Refusal::Icmp(error @ IcmpError { kind, code, .. }) => {
            (Some(kind), Some(code), said::error_name(error, next_mtu, lang))
        }
        Refusal::Reset => (None, None, "RST".to_owned()),
    };
    ErrorEntry {
        from: rejection.by,
        icmp_type: kind,
        icmp_code: code,
        next_mtu,
        reason: None,
        errno: None,
        text,
    }
}

fn unable(inability: &Inability, lang: Lang) -> ErrorEntry {
    let (reason, next_mtu) = match inability.why {
        Obstacle::NoRoute => ("no-route", None),
        Obstacle::ForbiddenLocally => ("forbidden-locally", None),
        Obstacle::NoPermission => ("no-permission", None),
        Obstacle::PortInUse => ("port-in-use", None),
        Obstacle::OutOfResources => ("out-of-resources", None),
        Obstacle::TooBig { mtu } => ("too-big", mtu),
        Obstacle::Unsupported => ("unsupported", None),
    };
    ErrorEntry {
        from: None,
        icmp_type: None,
        icmp_code: None,
        next_mtu,
        reason: Some(reason),
        errno: inability.errno,
        text: said::unable(inability, lang),
    }
}

fn text(line: &impl Serialize) -> String {
    // Only maps with keys that are not strings can fail, and there are none.
    serde_json::to_string(line).unwrap_or_default() + "\n"
}
