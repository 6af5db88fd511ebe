//! The document `reach.connect/1`.

use std::net::{IpAddr, SocketAddr};

use reach_core::{
    Time,
    model::{
        After, Answer, Exchanged, Observation, Outcome, ProxyEnd, ProxyProtocol, ProxyResult, Refusal,
        StartTls, StartTlsEnd, StartTlsResult, State,
    },
    tries::{Ending, Spread, handshake},
};
use serde::Serialize;
use serde_json::Value;

use super::{
    HttpEntry, ResolutionEntry, Said, TlsEntry, Vantage, doubt, finite, http, resolution, tls, value,
};
use crate::{
    Lang,
    clean::{clean, clean_bytes},
    connect::{Attempted, Peer, Row, Way},
    scene::Scene,
    units::{self, millis},
    words::connect as say_connect,
};

/// The document of `reach connect --json`. Sentences are in `lang`.
pub fn connect(attempted: &[Attempted], started: Time, finished: Time, version: &str, lang: Lang) -> Value {
    let vantage = attempted.first().map(|one| Vantage {
        host: clean(&one.case.vantage.host),
        sources: one.case.vantage.sources.clone(),
        raw_sockets: one.case.vantage.raw_sockets,
    });
    value(&Document {
        schema: "reach.connect/1",
        version,
        started_at: units::rfc3339(started),
        finished_at: units::rfc3339(finished),
        vantage: vantage.unwrap_or_default(),
        targets: attempted.iter().map(|one| target(one, finished, lang)).collect(),
    })
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'a str,
    started_at: String,
    finished_at: String,
    vantage: Vantage,
    targets: Vec<TargetEntry>,
}

#[derive(Serialize)]
struct TargetEntry {
    target: String,
    host: String,
    port: u16,
    state: State,
    tls: bool,
    starttls: Option<StartTls>,
    way: WayEntry,
    doubt: Option<Said>,
    resolution: ResolutionEntry,
    endpoints: Vec<RowEntry>,
}

#[derive(Serialize)]
struct WayEntry {
    /// `direct` or `proxy`.
    kind: &'static str,
    proxy: Option<String>,
    protocol: Option<ProxyProtocol>,
    address: Option<SocketAddr>,
    /// The environment variable that names the proxy.
    variable: Option<String>,
    text: String,
}

#[derive(Serialize)]
struct RowEntry {
    /// Null where a proxy resolves the name.
    address: Option<IpAddr>,
    name: Option<String>,
    /// Whether the state of the target depends on it.
    decides: bool,
    ok: bool,
    /// How the last try ended.
    outcome: &'static str,
    detail: Option<String>,
    tries: u32,
    succeeded: u32,
    not_tried: u32,
    share: Option<f64>,
    share_low: f64,
    share_high: f64,
    rtt_ms: Option<SpreadEntry>,
    attempts: Vec<TryEntry>,
}

#[derive(Serialize)]
struct SpreadEntry {
    min: f64,
    avg: f64,
    max: f64,
}

#[derive(Serialize)]
struct TryEntry {
    number: u32,
    started_at: String,
    took_ms: f64,
    outcome: &'static str,
    ok: bool,
    rtt_ms: Option<f64>,
    syns: Option<u32>,
    source: Option<SocketAddr>,
    icmp: Option<IcmpEntry>,
    errno: Option<i32>,
    /// What the other side said first, its first line.
    banner: Option<String>,
    /// What it did while it was listened to: `quiet`, `spoke`, `closed`, `reset`.
    after: Option<&'static str>,
    proxy: Option<ProxyEntry>,
    starttls: Option<StartTlsEntry>,
    tls: Option<TlsEntry>,
    expires_in_days: Option<i64>,
    http: Option<HttpEntry>,
}

#[derive(Serialize)]
struct IcmpEntry {
    #[serde(rename = "type")]
    kind: u8,
    code: u8,
    v6: bool,
    by: Option<IpAddr>,
}

#[derive(Serialize)]
struct ProxyEntry {
    ended: &'static str,
    /// HTTP status or SOCKS reply.
    code: Option<u16>,
    said: Option<String>,
    took_ms: f64,
}

#[derive(Serialize)]
struct StartTlsEntry {
    ended: &'static str,
    said: Option<String>,
    greeting: String,
    took_ms: f64,
}

fn target(attempted: &Attempted, finished: Time, lang: Lang) -> TargetEntry {
    let target = &attempted.case.target;
    let scene = Scene { case: &attempted.case, diagnosis: &attempted.names, finished, offset_s: 0, lang };
    let endpoints = attempted.rows.iter().map(|one| row(attempted, one, finished, lang)).collect();
    TargetEntry {
        target: clean(&target.text),
        host: scene.host(),
        port: target.port,
        state: attempted.state(),
        tls: target.tls,
        starttls: attempted.starttls,
        way: way(&attempted.way, lang),
        doubt: doubt(&scene),
        resolution: resolution(&attempted.names.resolution),
        endpoints,
    }
}

fn way(way: &Way, lang: Lang) -> WayEntry {
    let text = say_connect::way(way, lang);
    match way {
        Way::Direct => {
            WayEntry { kind: "direct", proxy: None, protocol: None, address: None, variable: None, text }
        }
        Way::Proxy(proxy) => WayEntry {
            kind: "proxy",
            proxy: Some(clean(&proxy.url)),
            protocol: Some(proxy.protocol),
            address: proxy.endpoint,
            variable: proxy.variable.as_deref().map(clean),
            text,
        },
    }
}

fn row(attempted: &Attempted, row: &Row, finished: Time, lang: Lang) -> RowEntry {
    let tally = row.tally();
    let last = row.tries.last();
    let (address, name) = match &row.peer {
        Peer::Address(address) => (Some(*address), None),
        Peer::Name(name) => (None, Some(clean(name))),
    };
    RowEntry {
        address,
        name,
        decides: attempted.decides(row),
        ok: tally.is_good(),
        outcome: last.map_or(Ending::NotTried, |seen| Ending::of(&seen.outcome)).code(),
        detail: last.map(|seen| say_connect::ending(seen, &attempted.way, lang)),
        tries: tally.tries,
        succeeded: tally.ok,
        not_tried: tally.not_tried,
        share: tally.share().map(finite),
        share_low: finite(tally.range.0),
        share_high: finite(tally.range.1),
        rtt_ms: tally.rtt.map(spread),
        attempts: (1..).zip(&row.tries).map(|(number, seen)| attempt(number, seen, finished)).collect(),
    }
}

fn spread(spread: Spread) -> SpreadEntry {
    SpreadEntry { min: millis(spread.min), avg: millis(spread.mean), max: millis(spread.max) }
}

fn attempt(number: u32, seen: &Observation, finished: Time) -> TryEntry {
    let ending = Ending::of(&seen.outcome);
    let connected = handshake(&seen.outcome);
    let exchanged: Option<&Exchanged> = match &seen.outcome {
        Outcome::Answered(Answer::Exchanged(exchanged)) => Some(exchanged),
        _ => None,
    };
    let icmp = match &seen.outcome {
        Outcome::Rejected(rejection) => match rejection.how {
            Refusal::Icmp(error) => {
                Some(IcmpEntry { kind: error.kind, code: error.code, v6: error.v6, by: rejection.by })
            }
            Refusal::Reset => None,
        },
        _ => None,
    };
    let (syns, errno) = match &seen.outcome {
        Outcome::Silent(silence) => (Some(silence.packets), None),
        Outcome::Unable(inability) => (None, inability.errno),
        _ => (connected.map(|connected| connected.syns), None),
    };
    let result = exchanged.and_then(|exchanged| exchanged.tls.as_ref());
    TryEntry {
        number,
        started_at: units::rfc3339(seen.sent),
        took_ms: millis(seen.done.since(seen.sent)),
        outcome: ending.code(),
        ok: ending == Ending::Connected,
        rtt_ms: connected.map(|connected| millis(connected.rtt)),
        syns,
        source: connected.map(|connected| connected.source),
        icmp,
        errno,
        banner: say_connect::banner(&seen.outcome),
        after: connected.and_then(|connected| match connected.after {
            After::NotWatched => None,
            After::Quiet => Some("quiet"),
            After::Spoke(_) => Some("spoke"),
            After::Closed => Some("closed"),
            After::Reset => Some("reset"),
        }),
        proxy: exchanged.and_then(|exchanged| exchanged.proxy.as_ref()).map(proxy),
        starttls: exchanged.and_then(|exchanged| exchanged.starttls.as_ref()).map(starttls),
        tls: result.map(tls),
        expires_in_days: result
            .and_then(|tls| tls.chain.first())
            .map(|leaf| say_connect::days_left(leaf, finished)),
        http: exchanged.and_then(|exchanged| exchanged.http.as_ref()).map(http),
    }
}

fn proxy(proxy: &ProxyResult) -> ProxyEntry {
    let (ended, code, said) = match &proxy.ended {
        ProxyEnd::Open => ("open", None, None),
        ProxyEnd::Status(status, reason) => ("status", Some(*status), Some(clean(reason))),
        ProxyEnd::Reply(code) => ("reply", Some(u16::from(*code)), None),
        ProxyEnd::LoginRefused => ("login-refused", None, None),
        ProxyEnd::Closed => ("closed", None, None),
        ProxyEnd::Reset => ("reset", None, None),
        ProxyEnd::Silent => ("silent", None, None),
        ProxyEnd::NotSpoken(bytes) => ("not-spoken", None, Some(clean_bytes(bytes))),
    };
    ProxyEntry { ended, code, said, took_ms: millis(proxy.took) }
}

fn starttls(starttls: &StartTlsResult) -> StartTlsEntry {
    let (ended, said) = match &starttls.ended {
        StartTlsEnd::Ready => ("ready", None),
        StartTlsEnd::NotOffered => ("not-offered", None),
        StartTlsEnd::Refused(words) => ("refused", Some(clean(words))),
        StartTlsEnd::Closed => ("closed", None),
        StartTlsEnd::Reset => ("reset", None),
        StartTlsEnd::Silent => ("silent", None),
        StartTlsEnd::NotSpoken(bytes) => ("not-spoken", Some(clean_bytes(bytes))),
    };
    StartTlsEntry { ended, said, greeting: clean(&starttls.greeting), took_ms: millis(starttls.took) }
}
