//! What happens on a connection that stands: segments, TLS, HTTP.

use std::time::Duration;

use reach_core::{
    Time,
    model::{
        After, Answer, Certificate, Distrust, Exchange, Exchanged, HttpEnd, HttpRequest, HttpResult, Outcome,
        TlsEnd, TlsHello, TlsResult, Traffic,
    },
};

use crate::{
    network::{Http, HttpConduct, Issuer, Leaf, Service},
    packet::{Flow, Heading, Kind, Packet},
    rng::mix,
    tcp::{Attempt, Backend, Peer, Standing, SynPlan},
    walk::{Emission, Fate},
    world::{DEFAULT_TTL, World},
};

/// The smallest retransmission time-out of Linux, on top of the round trip.
const MIN_RTO: Duration = Duration::from_millis(200);
/// TCP header with time stamps.
const TCP_HEADER: u32 = 32;
/// Bytes of a TLS alert.
const ALERT: u32 = 7;
/// Bytes of the client's last flight of a TLS handshake.
const FINISHED: u32 = 80;

/// A standing connection with what both sides count on it.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    flow: Flow,
    peer: Peer,
    /// TTL of the client's packets.
    ttl: u8,
    rtt: Duration,
    /// Payload of a full segment, to the peer and from it.
    room_out: u32,
    room_back: u32,
    traffic: Traffic,
}

/// What became of payload that the client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    Arrived(Time),
    /// A RST came back.
    Reset(Time),
    /// An ICMP error came back.
    Returned(Time),
    /// Not all of it arrived before the deadline.
    Stalled,
}

/// What the client sees of the other side's next act.
enum Act {
    Payload(Time),
    Closed(Time),
    Reset(Time),
    Nothing,
}

impl Pipe {
    pub(crate) fn new(standing: &Standing, ttl: u8, max_segment: Option<u16>) -> Self {
        let usual = 1_500 - standing.flow.ip_header() - 20;
        let segment = max_segment.map_or(usual, |clamp| usual.min(u32::from(clamp)));
        // The time stamp option takes 12 bytes of each segment.
        let room = segment.saturating_sub(12).max(1);
        Self {
            flow: standing.flow,
            peer: standing.peer.clone(),
            ttl,
            rtt: standing.rtt,
            room_out: room,
            room_back: room,
            traffic: Traffic { send_mss: room, ..Traffic::default() },
        }
    }

    fn rto(&self) -> Duration {
        MIN_RTO + self.rtt
    }

    fn segment(&self, heading: Heading, kind: Kind, payload: u32) -> Packet {
        let bare = match heading {
            Heading::Out => self.flow.packet(kind, self.ttl),
            Heading::Back => self.peer.packet(self.flow, kind),
        };
        Packet { size: self.flow.ip_header() + TCP_HEADER + payload, ..bare }
    }
}

impl World {
    pub(crate) fn exchange(&mut self, probe: &Exchange, now: Time) -> (Outcome, Duration) {
        let port = probe.source_port.unwrap_or_else(|| self.ephemeral_port());
        let timeout = probe.connect_timeout;
        let standing = match self.attempt(probe.endpoint, port, SynPlan::USUAL, now, timeout) {
            Attempt::Standing(standing) => standing,
            failed => return failed.outcome(now, timeout),
        };
        let ttl = probe.data_ttl.unwrap_or(DEFAULT_TTL);
        let mut pipe = Pipe::new(&standing, ttl, probe.max_segment);
        let mut end = standing.at;
        let mut cut_off = None;
        if standing.peer.proxied && (probe.tls.is_some() || probe.http.is_some()) {
            match self.backend(&standing, end + probe.read_timeout) {
                Backend::Up(peer, at) => {
                    end = at + self.network.delay_to(standing.peer.place.hop, &standing.flow);
                    pipe.peer = peer;
                }
                Backend::Reset(at) => cut_off = Some(Act::Reset(at)),
                Backend::Nothing => cut_off = Some(Act::Nothing),
            }
        }
        let is_web = probe.http.is_some() || probe.endpoint.port == 443;
        let tls = probe.tls.as_ref().map(|hello| {
            let result = match &cut_off {
                Some(act) => TlsResult::bare(act.tls_end(), act.time(end, probe.read_timeout).since(end)),
                None => self.tls(&mut pipe, hello, is_web, end, probe.read_timeout),
            };
            end = end + result.took;
            result
        });
        let open = tls.as_ref().is_none_or(|tls| tls.ended == TlsEnd::Completed);
        let http = probe.http.as_ref().filter(|_| open).map(|request| {
            let result = match &cut_off {
                Some(act) => HttpResult::bare(act.http_end(), act.time(end, probe.read_timeout).since(end)),
                None => self.http(&mut pipe, request, tls.is_some(), end, probe.read_timeout),
            };
            end = end + result.took;
            result
        });
        self.close(&standing, DEFAULT_TTL, end);
        self.occupy(probe.endpoint, port, end);
        let connected = standing.connected(After::NotWatched);
        let exchanged =
            Exchanged { connected, proxy: None, starttls: None, tls, http, traffic: pipe.traffic };
        (Outcome::Answered(Answer::Exchanged(Box::new(exchanged))), end.since(now))
    }

    fn tls(
        &mut self,
        pipe: &mut Pipe,
        hello: &TlsHello,
        is_web: bool,
        start: Time,
        read_timeout: Duration,
    ) -> TlsResult {
        let deadline = start + read_timeout;
        let service = pipe.peer.service.clone();
        let result = |act: Act, ended: TlsEnd| {
            let ended = if matches!(act, Act::Nothing) { TlsEnd::Silent } else { ended };
            TlsResult::bare(ended, act.time(start, read_timeout).since(start))
        };
        if let Some(act) = self.unasked(pipe, &service, start, deadline) {
            let ended = match &service {
                Service::Banner(bytes) => TlsEnd::NotTls(first(bytes)),
                _ => act.tls_end(),
            };
            return result(act, ended);
        }
        let name = Some(hello.server_name.clone());
        let at = match self.flight_out(pipe, self.network.client.hello_size, name, start, deadline) {
            Landing::Arrived(at) => at,
            Landing::Reset(at) => return result(Act::Reset(at), TlsEnd::Reset),
            Landing::Returned(at) => return result(Act::Payload(at), TlsEnd::Returned),
            Landing::Stalled => return result(Act::Nothing, TlsEnd::Silent),
        };
        match &service {
            Service::Tls(tls) if tls.only_name.is_some() && tls.only_name != hello.server_name => {
                result(self.fin(pipe, at, deadline), TlsEnd::Closed)
            }
            Service::Tls(tls) => {
                let act = self.payload(pipe, tls.flight, at, deadline);
                if matches!(act, Act::Nothing) {
                    return result(act, TlsEnd::Silent);
                }
                let took = act.time(start, read_timeout).since(start);
                let alpn = (is_web && tls.offers_http).then(|| "http/1.1".to_owned());
                TlsResult { took, alpn, ..tls.certificate.shown(&hello.verify, start) }
            }
            Service::Alert(code) => {
                let act = self.payload(pipe, ALERT, at, deadline);
                result(act, TlsEnd::Alert(*code, alert_name(*code).to_owned()))
            }
            Service::Http(http) => {
                let bytes = http.head();
                let act = self.payload(pipe, http.length, at + http.delay, deadline);
                result(act, TlsEnd::NotTls(first(&bytes)))
            }
            Service::Ends { reset: true, .. } => result(self.reset(pipe, at, deadline), TlsEnd::Reset),
            Service::Ends { .. } => result(self.fin(pipe, at, deadline), TlsEnd::Closed),
            _ => result(Act::Nothing, TlsEnd::Silent),
        }
    }

    fn http(
        &mut self,
        pipe: &mut Pipe,
        request: &HttpRequest,
        over_tls: bool,
        start: Time,
        read_timeout: Duration,
    ) -> HttpResult {
        let deadline = start + read_timeout;
        let service = pipe.peer.service.clone();
        let result = |act: Act, ended: HttpEnd| {
            let ended = if matches!(act, Act::Nothing) { HttpEnd::Silent } else { ended };
            HttpResult::bare(ended, act.time(start, read_timeout).since(start))
        };
        if let Some(act) = self.unasked(pipe, &service, start, deadline) {
            let ended = match &service {
                Service::Banner(bytes) => HttpEnd::NotHttp(first(bytes)),
                _ => act.http_end(),
            };
            return result(act, ended);
        }
        let head = (request.method.len() + request.path.len() + request.host.len() + 60) as u32;
        let bytes = head + if over_tls { FINISHED } else { 0 };
        let at = match self.flight_out(pipe, bytes, None, start, deadline) {
            Landing::Arrived(at) => at,
            Landing::Reset(at) => return result(Act::Reset(at), HttpEnd::Reset),
            Landing::Returned(_) | Landing::Stalled => return result(Act::Nothing, HttpEnd::Silent),
        };
        let http = match &service {
            Service::Tls(tls) if over_tls => &tls.http,
            Service::Http(http) => http,
            Service::Tls(_) | Service::Alert(_) => {
                let code = if let Service::Alert(code) = service { code } else { 50 };
                let act = self.payload(pipe, ALERT, at, deadline);
                return result(act, HttpEnd::NotHttp(vec![21, 3, 3, 0, 2, 2, code]));
            }
            Service::Ends { reset: true, .. } => {
                return result(self.reset(pipe, at, deadline), HttpEnd::Reset);
            }
            Service::Ends { .. } => return result(self.fin(pipe, at, deadline), HttpEnd::Closed),
            _ => return result(Act::Nothing, HttpEnd::Silent),
        };
        let at = at + http.delay;
        match http.conduct {
            HttpConduct::Status(status) => {
                let act = self.payload(pipe, http.length, at, deadline);
                let content_type = matches!(act, Act::Payload(_)).then(|| "text/plain".to_owned());
                HttpResult { content_type, ..result(act, HttpEnd::Status(status)) }
            }
            HttpConduct::Close => result(self.fin(pipe, at, deadline), HttpEnd::Closed),
            HttpConduct::Reset => result(self.reset(pipe, at, deadline), HttpEnd::Reset),
            HttpConduct::Mute => result(Act::Nothing, HttpEnd::Silent),
        }
    }

    /// What a service does before it was asked anything.
    fn unasked(&mut self, pipe: &mut Pipe, service: &Service, start: Time, deadline: Time) -> Option<Act> {
        let accepted = start + self.network.delay_to(pipe.peer.place.hop, &pipe.flow);
        match service {
            Service::Ends { reset: true, after_data: false } => Some(self.reset(pipe, accepted, deadline)),
            Service::Ends { reset: false, after_data: false } => Some(self.fin(pipe, accepted, deadline)),
            Service::Banner(bytes) => Some(self.payload(pipe, bytes.len() as u32, accepted, deadline)),
            _ => None,
        }
    }

    fn payload(&mut self, pipe: &mut Pipe, bytes: u32, at: Time, deadline: Time) -> Act {
        self.flight_back(pipe, bytes, at, deadline).map_or(Act::Nothing, Act::Payload)
    }

    fn fin(&mut self, pipe: &mut Pipe, at: Time, deadline: Time) -> Act {
        self.flight_back(pipe, 0, at, deadline).map_or(Act::Nothing, Act::Closed)
    }

    /// A RST of the peer is not repeated by itself, but each further segment of the client gets another.
    fn reset(&mut self, pipe: &mut Pipe, mut at: Time, deadline: Time) -> Act {
        let mut rto = pipe.rto();
        while at < deadline {
            let packet = pipe.segment(Heading::Back, Kind::Reset, 0);
            if let Some(at) = self.reaches_client(packet, at)
                && at < deadline
            {
                return Act::Reset(at);
            }
            at = at + rto;
            rto *= 2;
        }
        Act::Nothing
    }

    /// The client sends so many bytes. Every segment is repeated until it is acknowledged.
    pub(crate) fn flight_out(
        &mut self,
        pipe: &mut Pipe,
        bytes: u32,
        hello: Option<Option<String>>,
        start: Time,
        deadline: Time,
    ) -> Landing {
        let mut arrived = start;
        let mut acked_so_far = true;
        let mut stalled = false;
        let mut left = bytes;
        let mut ready = start;
        while left > 0 {
            let first = left == bytes;
            let mut payload = left.min(pipe.room_out);
            let (mut at, mut rto) = (ready, pipe.rto());
            let (mut landed, mut acked) = (None, false);
            let mut shrunk = false;
            while at < deadline {
                let hello = hello.clone().filter(|_| first);
                let segment = pipe.segment(Heading::Out, Kind::Data { hello }, payload);
                let (arrival, answer) = match self.emit(segment, at) {
                    Emission::Gone(Fate::Arrived { at, .. } | Fate::Taken { at, .. }) => {
                        let ack = pipe.segment(Heading::Back, Kind::Ack, 0);
                        acked = self.reaches_client(ack, at).is_some_and(|at| at < deadline);
                        (Some(at), None)
                    }
                    Emission::Gone(Fate::Answered { answer, at }) => (None, self.walk_back(answer, at)),
                    Emission::Answered(answer) => (None, Some((answer, at))),
                    Emission::Held { .. } | Emission::Gone(Fate::Lost) => (None, None),
                };
                landed = landed.or(arrival);
                if let Some((packet, back)) = answer
                    && self.receive(&packet, None)
                    && back < deadline
                {
                    match packet.kind {
                        Kind::Error { error, quote, .. } if error.is_too_big() => {
                            let mtu = quote.next_mtu.unwrap_or(0);
                            let room = mtu.saturating_sub(pipe.flow.ip_header() + TCP_HEADER).max(1);
                            pipe.room_out = pipe.room_out.min(room);
                            pipe.traffic.send_mss = pipe.room_out;
                            pipe.traffic.retransmits += 1;
                            payload = payload.min(room);
                            shrunk = true;
                            (at, rto) = (back, pipe.rto());
                            continue;
                        }
                        // The kernel tells of it when the retransmission is due.
                        Kind::Error { .. } => {
                            pipe.traffic.unacked += 1;
                            return Landing::Returned(at + rto);
                        }
                        _ => {
                            pipe.traffic.unacked += 1;
                            return Landing::Reset(back);
                        }
                    }
                }
                if acked {
                    break;
                }
                at = at + rto;
                rto *= 2;
                if at < deadline {
                    pipe.traffic.retransmits += 1;
                }
            }
            match landed {
                Some(at) => arrived = arrived.max(at),
                None => stalled = true,
            }
            if acked && acked_so_far {
                pipe.traffic.bytes_acked += u64::from(payload);
            } else {
                acked_so_far = false;
                pipe.traffic.unacked += 1;
            }
            if shrunk {
                ready = at;
            }
            left -= payload;
        }
        if stalled || arrived >= deadline { Landing::Stalled } else { Landing::Arrived(arrived) }
    }

    /// The peer sends so many bytes (none means FIN): when all of it has arrived, if before the deadline.
    pub(crate) fn flight_back(
        &mut self,
        pipe: &mut Pipe,
        bytes: u32,
        start: Time,
        deadline: Time,
    ) -> Option<Time> {
        let mut complete = Some(start);
        let mut left = bytes;
        let mut ready = start;
        loop {
            let mut payload = left.min(pipe.room_back);
            let (mut at, mut rto) = (ready, pipe.rto());
            let mut landed = None;
            while at < deadline && landed.is_none() {
                let kind = if bytes == 0 { Kind::Fin } else { Kind::Data { hello: None } };
                let segment = pipe.segment(Heading::Back, kind, payload);
                match self.walk(segment.clone(), None, at) {
                    Fate::Arrived { at, ttl } => {
                        landed = self.receive(&Packet { ttl, ..segment }, None).then_some(at);
                    }
                    Fate::Answered {
                        answer: Packet { kind: Kind::Error { error, quote, .. }, .. },
                        at: told,
                    } if error.is_too_big() => {
                        let mtu = quote.next_mtu.unwrap_or(0);
                        let room = mtu.saturating_sub(pipe.flow.ip_header() + TCP_HEADER).max(1);
                        pipe.room_back = pipe.room_back.min(room);
                        payload = payload.min(room);
                        (ready, at, rto) = (told, told, pipe.rto());
                        continue;
                    }
                    _ => {}
                }
                at = at + rto;
                rto *= 2;
            }
            match landed.filter(|&at| at < deadline) {
                Some(at) => {
                    complete = complete.map(|so_far| so_far.max(at));
                    if complete.is_some() {
                        pipe.traffic.bytes_received += u64::from(payload);
                    }
                }
                None => complete = None,
            }
            left -= payload;
            if left == 0 {
                return complete;
            }
        }
    }
}

impl Landing {
    /// When all of it had arrived.
    pub(crate) fn arrival(self) -> Option<Time> {
        if let Landing::Arrived(at) = self { Some(at) } else { None }
    }
}

impl Act {
    fn time(&self, start: Time, read_timeout: Duration) -> Time {
        match self {
            Act::Payload(at) | Act::Closed(at) | Act::Reset(at) => *at,
            Act::Nothing => start + read_timeout,
        }
    }

    /// For TLS; `Completed` stands for payload.
    fn tls_end(&self) -> TlsEnd {
        match self {
            Act::Payload(_) => TlsEnd::Completed,
            Act::Closed(_) => TlsEnd::Closed,
            Act::Reset(_) => TlsEnd::Reset,
            Act::Nothing => TlsEnd::Silent,
        }
    }

    /// For HTTP; a status of 0 stands for payload.
    fn http_end(&self) -> HttpEnd {
        match self {
            Act::Payload(_) => HttpEnd::Status(0),
            Act::Closed(_) => HttpEnd::Closed,
            Act::Reset(_) => HttpEnd::Reset,
            Act::Nothing => HttpEnd::Silent,
        }
    }
}

impl Http {
    /// The first bytes of its answer.
    fn head(&self) -> Vec<u8> {
        match self.conduct {
            HttpConduct::Status(status) => {
                format!("HTTP/1.1 {status} Whatever\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
                    .into_bytes()
            }
            _ => Vec::new(),
        }
    }
}

impl Leaf {
    fn covers(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.names.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => name.split_once('.').is_some_and(|(_, rest)| rest == parent),
            None => *pattern == name,
        })
    }

    /// A handshake that completes and shows this certificate.
    fn shown(&self, verify: &str, now: Time) -> TlsResult {
        let now = now.as_secs() as i64;
        let subject = format!("CN={}", self.names.first().map_or("nobody", String::as_str));
        let issuer = match &self.issuer {
            Issuer::Public => "CN=Pretend Issuing CA 1, O=Pretend Trust Services".to_owned(),
            Issuer::Itself => subject.clone(),
            Issuer::Private { name, .. } => name.clone(),
        };
        let leaf = Certificate {
            sha256: digest(&[&subject, &issuer, &self.not_after.to_string()]),
            subject,
            issuer: issuer.clone(),
            names: self.names.clone(),
            not_before: self.not_before,
            not_after: self.not_after,
        };
        let unknown = !matches!(self.issuer, Issuer::Public | Issuer::Private { trusted: true, .. });
        let distrust = [
            (unknown, Distrust::UnknownIssuer),
            (!self.covers(verify), Distrust::WrongName),
            (self.not_after <= now, Distrust::Expired),
            (self.not_before > now, Distrust::NotYetValid),
        ];
        let mut chain = vec![leaf];
        if self.issuer == Issuer::Public {
            let root = "CN=Pretend Root CA, O=Pretend Trust Services";
            chain.push(Certificate {
                sha256: digest(&[&issuer, root]),
                subject: issuer,
                issuer: root.to_owned(),
                names: Vec::new(),
                not_before: 1_500_000_000,
                not_after: 2_500_000_000,
            });
        }
        TlsResult {
            version: Some("TLSv1.3".to_owned()),
            cipher: Some("TLS13_AES_256_GCM_SHA384".to_owned()),
            chain,
            distrust: distrust.into_iter().filter(|(wrong, _)| *wrong).map(|(_, why)| why).collect(),
            public_root: Some(self.issuer == Issuer::Public),
            ..TlsResult::bare(TlsEnd::Completed, Duration::ZERO)
        }
    }
}

/// Results without anything but their end.
trait Bare {
    type End;
    fn bare(ended: Self::End, took: Duration) -> Self;
}

impl Bare for TlsResult {
    type End = TlsEnd;

    fn bare(ended: TlsEnd, took: Duration) -> Self {
        Self {
            ended,
            took,
            version: None,
            cipher: None,
            alpn: None,
            chain: Vec::new(),
            distrust: Vec::new(),
            public_root: None,
        }
    }
}

impl Bare for HttpResult {
    type End = HttpEnd;

    fn bare(ended: HttpEnd, took: Duration) -> Self {
        Self { ended, took, server: None, location: None, content_type: None }
    }
}

fn first(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(64)].to_vec()
}

/// Alert names of RFC 8446 §6, as far as servers send them.
fn alert_name(code: u8) -> &'static str {
    match code {
        0 => "close_notify",
        10 => "unexpected_message",
        40 => "handshake_failure",
        42 => "bad_certificate",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        112 => "unrecognized_name",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "unknown",
    }
}

/// Sixty-four hexadecimal digits that differ when the parts do.
fn digest(parts: &[&str]) -> String {
    let mut lanes = [1_u64, 2, 3, 4];
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        for lane in &mut lanes {
            *lane = mix(lane.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(byte));
        }
    }
    lanes.map(|lane| format!("{lane:016x}")).concat()
}
