//! What tries say: how each ended, and what a row of them amounts to.

use std::time::Duration;

use crate::{
    model::{
        After, Answer, Connected, Exchanged, HttpEnd, Observation, Obstacle, Outcome, ProxyEnd, Refusal,
        StartTlsEnd, State, TlsEnd,
    },
    stats,
};

/// How one try ended, deepest first: everything below the layer named here worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Everything that was asked for came about.
    Connected,
    /// The server answered the request with 5xx.
    HttpError,
    /// The server did not answer the request in HTTP.
    HttpFailed,
    /// The certificate is not trusted for the name.
    Untrusted,
    /// The TLS handshake failed.
    TlsFailed,
    /// The server does not offer TLS inside its protocol.
    StartTlsNotOffered,
    /// The dialogue before TLS failed.
    StartTlsFailed,
    /// The proxy would not connect to the destination.
    ProxyRefused,
    /// The proxy wants another login.
    ProxyLogin,
    /// The exchange with the proxy failed otherwise.
    ProxyFailed,
    /// Connected, and closed or reset by the other side without a word.
    ClosedEarly,
    /// A RST in answer to the SYN.
    Refused,
    /// An ICMP error: administratively prohibited.
    Prohibited,
    /// Another ICMP error.
    Unreachable,
    /// No answer to any SYN.
    Silent,
    /// This machine has no route.
    NoRoute,
    /// This machine's own packet filter or route forbids it.
    BlockedLocally,
    /// It could not be tried.
    NotTried,
}

impl Ending {
    /// Of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Answered(Answer::Connected(connected)) => Self::of_connected(connected),
            Outcome::Answered(Answer::Exchanged(exchanged)) => Self::of_exchanged(exchanged),
            Outcome::Answered(_) => Self::NotTried,
            Outcome::Rejected(rejection) => match rejection.how {
                Refusal::Reset => Self::Refused,
                Refusal::Icmp(error) if error.is_prohibited() => Self::Prohibited,
                Refusal::Icmp(_) => Self::Unreachable,
            },
            Outcome::Silent(silence) if silence.refused_here => Self::BlockedLocally,
            Outcome::Silent(_) => Self::Silent,
            Outcome::Unable(inability) => match inability.why {
                Obstacle::NoRoute => Self::NoRoute,
                Obstacle::ForbiddenLocally => Self::BlockedLocally,
                _ => Self::NotTried,
            },
        }
    }

    fn of_connected(connected: &Connected) -> Self {
        match connected.after {
            After::Closed | After::Reset => Self::ClosedEarly,
            After::NotWatched | After::Quiet | After::Spoke(_) => Self::Connected,
        }
    }

    fn of_exchanged(exchanged: &Exchanged) -> Self {
        match exchanged.proxy.as_ref().map(|proxy| &proxy.ended) {
            None | Some(ProxyEnd::Open) => {}
            Some(ProxyEnd::Status(407, _) | ProxyEnd::LoginRefused) => return Self::ProxyLogin,
            Some(ProxyEnd::Status(..) | ProxyEnd::Reply(_)) => return Self::ProxyRefused,
            Some(_) => return Self::ProxyFailed,
        }
        match exchanged.starttls.as_ref().map(|starttls| &starttls.ended) {
            None | Some(StartTlsEnd::Ready) => {}
            Some(StartTlsEnd::NotOffered) => return Self::StartTlsNotOffered,
            Some(_) => return Self::StartTlsFailed,
        }
        match &exchanged.tls {
            Some(tls) if tls.ended != TlsEnd::Completed => return Self::TlsFailed,
            Some(tls) if !tls.distrust.is_empty() => return Self::Untrusted,
            _ => {}
        }
        match exchanged.http.as_ref().map(|http| &http.ended) {
            None => Self::of_connected(&exchanged.connected),
            Some(HttpEnd::Status(500..)) => Self::HttpError,
            Some(HttpEnd::Status(_)) => Self::Connected,
            Some(_) => Self::HttpFailed,
        }
    }

    /// The stable kebab-case name.
    pub const fn code(self) -> &'static str {
        match self {
            Ending::Connected => "connected",
            Ending::HttpError => "http-error",
            Ending::HttpFailed => "http-failed",
            Ending::Untrusted => "untrusted",
            Ending::TlsFailed => "tls-failed",
            Ending::StartTlsNotOffered => "starttls-not-offered",
            Ending::StartTlsFailed => "starttls-failed",
            Ending::ProxyRefused => "proxy-refused",
            Ending::ProxyLogin => "proxy-login",
            Ending::ProxyFailed => "proxy-failed",
            Ending::ClosedEarly => "closed-early",
            Ending::Refused => "refused",
            Ending::Prohibited => "prohibited",
            Ending::Unreachable => "unreachable",
            Ending::Silent => "silent",
            Ending::NoRoute => "no-route",
            Ending::BlockedLocally => "blocked-locally",
            Ending::NotTried => "not-tried",
        }
    }

    /// Whether the try says something about the other side or the way there; else it counts neither for nor
    /// against it.
    pub const fn counts(self) -> bool {
        !matches!(self, Ending::NotTried)
    }

    /// All of them.
    pub const ALL: [Ending; 18] = [
        Ending::Connected,
        Ending::HttpError,
        Ending::HttpFailed,
        Ending::Untrusted,
        Ending::TlsFailed,
        Ending::StartTlsNotOffered,
        Ending::StartTlsFailed,
        Ending::ProxyRefused,
        Ending::ProxyLogin,
        Ending::ProxyFailed,
        Ending::ClosedEarly,
        Ending::Refused,
        Ending::Prohibited,
        Ending::Unreachable,
        Ending::Silent,
        Ending::NoRoute,
        Ending::BlockedLocally,
        Ending::NotTried,
    ];
}

/// The TCP handshake of a try, if it completed.
pub fn handshake(outcome: &Outcome) -> Option<&Connected> {
    match outcome {
        Outcome::Answered(Answer::Connected(connected)) => Some(connected),
        Outcome::Answered(Answer::Exchanged(exchanged)) => Some(&exchanged.connected),
        _ => None,
    }
}

/// What a row of tries amounts to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Tries that count.
    pub tries: u32,
    /// Tries that could not be made.
    pub not_tried: u32,
    /// Tries in which everything asked for came about.
    pub ok: u32,
    /// The range that the share of good tries lies in with 95 % (Wilson's interval); 0 to 1.
    pub range: (f64, f64),
    /// Shortest, mean and longest round trip of the TCP handshakes that completed.
    pub rtt: Option<Spread>,
    /// How often each way to end occurred, most frequent first.
    pub endings: Vec<(Ending, u32)>,
}

/// Shortest, mean and longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The shortest.
    pub min: Duration,
    /// The arithmetic mean.
    pub mean: Duration,
    /// The longest.
    pub max: Duration,
}

impl Tally {
    /// Of these tries.
    pub fn of<'a>(tries: impl IntoIterator<Item = &'a Observation>) -> Self {
        /// The quantile of the normal distribution for 95 %.
        const Z: f64 = 1.96;
        let (mut tally, mut rtts) = (Self::default(), Vec::new());
        for observation in tries {
            let ending = Ending::of(&observation.outcome);
            if ending.counts() {
                tally.tries += 1;
            } else {
                tally.not_tried += 1;
            }
            tally.ok += u32::from(ending == Ending::Connected);
            rtts.extend(handshake(&observation.outcome).map(|connected| connected.rtt));
            match tally.endings.iter_mut().find(|(known, _)| *known == ending) {
                Some((_, times)) => *times += 1,
                None => tally.endings.push((ending, 1)),
            }
        }
        tally.endings.sort_by_key(|&(ending, times)| (std::cmp::Reverse(times), ending));
        tally.range = stats::wilson(tally.ok, tally.tries, Z);
        tally.rtt = Spread::of(&rtts);
        tally
    }

    /// The share of good tries; `None` where none counts.
    pub fn share(&self) -> Option<f64> {
        (self.tries > 0).then(|| f64::from(self.ok) / f64::from(self.tries))
    }

    /// Whether every try that counts was good, and there was one.
    pub fn is_good(&self) -> bool {
        self.tries > 0 && self.ok == self.tries
    }
}

/// What the tries of all addresses of a target amount to.
///
/// An address that this machine has no route to does not count beside others (an IPv6 address where there is no
/// IPv6).
pub fn state(rows: &[Tally]) -> State {
    let has_no_route =
        |row: &&Tally| row.tries > 0 && row.endings.iter().all(|(ending, _)| *ending == Ending::NoRoute);
    let without_route = rows.iter().filter(has_no_route).count();
    let counted: Vec<&Tally> = rows.iter().filter(|row| !has_no_route(row)).collect();
    let untried = counted.iter().filter(|row| row.tries == 0).count();
    let failing = counted.iter().any(|row| row.ok < row.tries);
    if counted.is_empty() {
        if without_route > 0 { State::Unreachable } else { State::Inconclusive }
    } else if failing {
        let some = counted.iter().any(|row| row.ok > 0);
        if some { State::PartlyReachable } else { State::Unreachable }
    } else if untried > 0 {
        State::Inconclusive
    } else {
        State::Reachable
    }
}

impl Spread {
    fn of(spans: &[Duration]) -> Option<Self> {
        let (min, max) = (*spans.iter().min()?, *spans.iter().max()?);
        let count = u32::try_from(spans.len()).ok()?;
        Some(Self { min, mean: spans.iter().sum::<Duration>() / count, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Time,
        model::{
            Connect, Endpoint, HttpResult, IcmpError, Inability, Probe, ProbeId, ProxyResult, Rejection,
            Silence, StartTlsResult, Then, TlsResult, Traffic,
        },
    };

    fn connected(ms: u64, after: After) -> Connected {
        Connected {
            rtt: Duration::from_millis(ms),
            syns: 1,
            source: "192.0.2.1:40000".parse().expect("an address"),
            after,
        }
    }

    fn exchanged(change: impl FnOnce(&mut Exchanged)) -> Outcome {
        let tls = TlsResult {
            ended: TlsEnd::Completed,
            took: Duration::ZERO,
            version: None,
            cipher: None,
            alpn: None,
            chain: Vec::new(),
            distrust: Vec::new(),
            public_root: None,
        };
        let mut exchanged = Exchanged {
            connected: connected(5, After::Quiet),
            proxy: Some(ProxyResult { ended: ProxyEnd::Open, took: Duration::ZERO }),
            starttls: Some(StartTlsResult {
                ended: StartTlsEnd::Ready,
                greeting: String::new(),
                took: Duration::ZERO,
            }),
            tls: Some(tls),
            http: None,
            traffic: Traffic::default(),
        };
        change(&mut exchanged);
        Outcome::Answered(Answer::Exchanged(Box::new(exchanged)))
    }

    fn icmp(kind: u8, code: u8) -> Outcome {
        Outcome::Rejected(Rejection {
            how: Refusal::Icmp(IcmpError { v6: false, kind, code }),
            by: None,
            rtt: Duration::ZERO,
            reply_ttl: None,
            quote: None,
        })
    }

    fn unable(why: Obstacle) -> Outcome {
        Outcome::Unable(Inability { why, errno: None })
    }

    fn http(ended: HttpEnd) -> Option<HttpResult> {
        Some(HttpResult { ended, took: Duration::ZERO, server: None, location: None, content_type: None })
    }

    #[test]
    fn the_first_layer_that_fails_gives_the_name() {
        let plain = |after| Outcome::Answered(Answer::Connected(connected(5, after)));
        let through = |ended| exchanged(|it| it.proxy = Some(ProxyResult { ended, took: Duration::ZERO }));
        for (outcome, ending) in [
            (plain(After::Spoke(b"220".to_vec())), Ending::Connected),
            (plain(After::Closed), Ending::ClosedEarly),
            (exchanged(|_| {}), Ending::Connected),
            (exchanged(|it| it.connected.after = After::Reset), Ending::ClosedEarly),
            (through(ProxyEnd::Status(403, String::new())), Ending::ProxyRefused),
            (through(ProxyEnd::Status(407, String::new())), Ending::ProxyLogin),
            (through(ProxyEnd::Reply(5)), Ending::ProxyRefused),
            (through(ProxyEnd::Silent), Ending::ProxyFailed),
            (exchanged(|it| it.http = http(HttpEnd::Status(404))), Ending::Connected),
            (exchanged(|it| it.http = http(HttpEnd::Status(503))), Ending::HttpError),
            (exchanged(|it| it.http = http(HttpEnd::Closed)), Ending::HttpFailed),
            (icmp(3, 13), Ending::Prohibited),
            (icmp(3, 1), Ending::Unreachable),
            (Outcome::Silent(Silence { packets: 4, refused_here: false }), Ending::Silent),
            (Outcome::Silent(Silence { packets: 4, refused_here: true }), Ending::BlockedLocally),
            (unable(Obstacle::NoRoute), Ending::NoRoute),
            (unable(Obstacle::ForbiddenLocally), Ending::BlockedLocally),
            (unable(Obstacle::OutOfResources), Ending::NotTried),
        ] {
            assert_eq!(Ending::of(&outcome), ending, "{outcome:?}");
        }
        let starttls = exchanged(|it| {
            if let Some(starttls) = &mut it.starttls {
                starttls.ended = StartTlsEnd::NotOffered;
            }
        });
        assert_eq!(Ending::of(&starttls), Ending::StartTlsNotOffered);
        let expired = exchanged(|it| {
            if let Some(tls) = &mut it.tls {
                tls.distrust.push(crate::model::Distrust::Expired);
            }
        });
        assert_eq!(Ending::of(&expired), Ending::Untrusted);
    }

    #[test]
    fn endings_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = Ending::ALL.iter().map(|ending| ending.code()).collect();
        assert_eq!(names.len(), Ending::ALL.len());
    }

    #[test]
    fn a_row_amounts_to_its_share_and_its_round_trips() {
        let observation = |outcome| Observation {
            id: ProbeId(0),
            probe: Probe::Connect(Connect {
                endpoint: Endpoint { address: [192, 0, 2, 1].into(), port: 80 },
                source_port: 0,
                ttl: None,
                min_ttl: None,
                timeout: Duration::ZERO,
                then: Then::Reset,
                crowd: 1,
            }),
            outcome,
            sent: Time::default(),
            done: Time::default(),
        };
        let good = |ms| observation(Outcome::Answered(Answer::Connected(connected(ms, After::Quiet))));
        let tries = [
            good(10),
            good(20),
            observation(Outcome::Silent(Silence::default())),
            observation(unable(Obstacle::PortInUse)),
            good(60),
        ];
        let tally = Tally::of(&tries);
        assert_eq!((tally.tries, tally.ok, tally.not_tried), (4, 3, 1));
        assert_eq!(tally.share(), Some(0.75));
        assert!(tally.range.0 < 0.75 && tally.range.1 > 0.75);
        let ms = Duration::from_millis;
        assert_eq!(tally.rtt, Some(Spread { min: ms(10), mean: ms(30), max: ms(60) }));
        assert_eq!(tally.endings[0], (Ending::Connected, 3));
        let row = |endings: &[Observation]| Tally::of(endings);
        let no_route = || row(&[observation(unable(Obstacle::NoRoute))]);
        let not_tried = || row(&[observation(unable(Obstacle::PortInUse))]);
        assert_eq!(state(&[row(&tries[..2]), no_route()]), State::Reachable);
        assert_eq!(state(&[no_route()]), State::Unreachable);
        assert_eq!(state(&[row(&tries[..2]), not_tried()]), State::Inconclusive);
        assert_eq!(state(&[row(&tries[2..3]), not_tried()]), State::Unreachable);
        assert_eq!(state(&[row(&tries)]), State::PartlyReachable);
        assert_eq!(state(&[]), State::Inconclusive);
        assert!(!tally.is_good() && Tally::of(&tries[..2]).is_good() && !Tally::of([]).is_good());
    }
}
