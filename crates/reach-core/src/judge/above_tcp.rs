//! The ruling on an endpoint that connects: what happens above TCP.

use std::time::Duration;

use super::{Bench, Ruling};
use crate::{
    dossier::{AttemptResult, Dossier, speaks_tls},
    model::{After, Evidence, Exchanged, HttpEnd, TlsEnd, TlsResult, Verdict},
    survey,
};

/// Rules on an endpoint that connects.
pub(super) fn rule(bench: &Bench<'_>, dossier: &Dossier) -> Ruling {
    let target = &bench.case.target;
    if !target.tls && target.http_path.is_none() {
        return listened(dossier);
    }
    let usual: Vec<&Exchanged> = with_name(bench, dossier, false);
    if usual.is_empty() {
        // Connects, and no exchange came so far as to be judged.
        return ruling(Verdict::Inconclusive, Vec::new());
    }
    if let Some(best) = usual.iter().find(|exchanged| survey::went_through(exchanged)) {
        return passed(best, &usual);
    }
    let clamped = with_name(bench, dossier, true);
    let small_pass = clamped.iter().filter(|exchanged| survey::went_through(exchanged)).count() as u32;
    let stalled = usual.iter().filter(|exchanged| survey::is_stalled(exchanged)).count() as u32;
    if small_pass > 0 && stalled == usual.len() as u32 {
        let max_segment = usual.iter().map(|exchanged| exchanged.traffic.send_mss).max().unwrap_or(0);
        let passes = dossier.exchanges.values().filter_map(|(probe, _)| probe.max_segment).max().unwrap_or(0);
        return ruling(
            Verdict::MtuBlackhole,
            vec![
                Evidence::LargeSegmentsVanish { max_segment, times: stalled },
                Evidence::SmallSegmentsPass { max_segment: passes, times: small_pass },
            ],
        );
    }
    match usual
        .iter()
        .find_map(|exchanged| exchanged.tls.as_ref().filter(|tls| tls.ended == TlsEnd::Completed))
    {
        Some(tls) => after_tls(tls, &usual),
        None if target.tls => tls_failed(bench, dossier, &usual),
        None => http_failed(&usual),
    }
}

fn ruling(verdict: Verdict, evidence: Vec<Evidence>) -> Ruling {
    let confidence = if verdict == Verdict::Inconclusive { 0.0 } else { 1.0 };
    Ruling { verdict, confidence, evidence, gaps: Vec::new(), by: None }
}

fn with_name<'a>(bench: &Bench<'_>, dossier: &'a Dossier, clamped: bool) -> Vec<&'a Exchanged> {
    let target = &bench.case.target;
    let name = target.server_name_indication();
    dossier
        .exchanges
        .values()
        .filter(|(probe, _)| {
            probe.data_ttl.is_none()
                && probe.max_segment.is_some() == clamped
                && probe.tls.as_ref().is_none_or(|tls| tls.server_name == name)
        })
        .map(|(_, exchanged)| exchanged)
        .collect()
}

/// A service without a protocol that we could speak.
fn listened(dossier: &Dossier) -> Ruling {
    let mut closed = 0;
    let mut reset = 0;
    let mut watched = 0;
    for attempt in dossier.attempts() {
        if let AttemptResult::Connected { after, .. } = &attempt.result {
            closed += u32::from(*after == After::Closed);
            reset += u32::from(*after == After::Reset);
            watched += u32::from(*after != After::NotWatched);
        }
    }
    if watched > 0 && closed + reset == watched {
        let evidence =
            Evidence::ClosedAfterConnect { reset: reset > closed, times: closed + reset, of: watched };
        return ruling(Verdict::ClosedEarly, vec![evidence]);
    }
    let (syns, answered) = dossier.syns();
    ruling(Verdict::Ok, vec![Evidence::SynsAnswered { answered, syns }])
}

/// An exchange went through; what it says may still be bad.
fn passed(best: &Exchanged, usual: &[&Exchanged]) -> Ruling {
    let distrusted =
        usual.iter().filter_map(|exchanged| exchanged.tls.as_ref()).find(|tls| !tls.distrust.is_empty());
    if let Some(tls) = distrusted {
        return untrusted(tls);
    }
    let statuses = || {
        usual.iter().filter_map(|exchanged| match exchanged.http.as_ref()?.ended {
            HttpEnd::Status(status) => Some(status),
            _ => None,
        })
    };
    match statuses().find(|&status| status < 500).or(statuses().next()) {
        Some(status) if status >= 500 => ruling(Verdict::HttpError, vec![Evidence::HttpStatus(status)]),
        Some(status) => ruling(Verdict::Ok, vec![Evidence::HttpStatus(status)]),
        None => {
            let ended = best.tls.as_ref().map_or(TlsEnd::Completed, |tls| tls.ended.clone());
            ruling(Verdict::Ok, vec![Evidence::TlsEnded(ended)])
        }
    }
}

fn untrusted(tls: &TlsResult) -> Ruling {
    let leaf = tls.chain.first().cloned().unwrap_or_default();
    let evidence = Evidence::ChainRejected {
        distrust: tls.distrust.clone(),
        subject: leaf.subject,
        issuer: leaf.issuer,
    };
    ruling(Verdict::Untrusted, vec![evidence])
}

/// TLS completed, and the request got no answer.
fn after_tls(tls: &TlsResult, usual: &[&Exchanged]) -> Ruling {
    if tls.distrust.is_empty() { http_failed(usual) } else { untrusted(tls) }
}

fn http_failed(usual: &[&Exchanged]) -> Ruling {
    let ends = || usual.iter().filter_map(|exchanged| exchanged.http.as_ref());
    let closed = ends().filter(|http| matches!(http.ended, HttpEnd::Closed | HttpEnd::Reset)).count() as u32;
    let reset = ends().any(|http| http.ended == HttpEnd::Reset);
    let silent = ends().filter(|http| http.ended == HttpEnd::Silent);
    let waited: Vec<Duration> = silent.map(|http| http.took).collect();
    let of = usual.len() as u32;
    if closed > 0 {
        ruling(Verdict::ClosedEarly, vec![Evidence::ClosedAfterConnect { reset, times: closed, of }])
    } else if let Some(&longest) = waited.iter().max() {
        ruling(Verdict::Silent, vec![Evidence::NothingRead { waited: longest, times: waited.len() as u32 }])
    } else if ends().any(|http| matches!(http.ended, HttpEnd::NotHttp(_))) {
        ruling(Verdict::HttpError, Vec::new())
    } else {
        ruling(Verdict::Inconclusive, Vec::new())
    }
}

/// No handshake with the name completed.
fn tls_failed(bench: &Bench<'_>, dossier: &Dossier, usual: &[&Exchanged]) -> Ruling {
    let ends: Vec<&TlsEnd> =
        usual.iter().filter_map(|exchanged| Some(&exchanged.tls.as_ref()?.ended)).collect();
    let of = ends.len() as u32;
    if let Some(&spoken) = ends.iter().find(|end| speaks_tls(end) || matches!(end, TlsEnd::NotTls(_))) {
        return ruling(Verdict::TlsFailed, vec![Evidence::TlsEnded(spoken.clone())]);
    }
    if let Some(cut) = cut_by_name(bench, dossier, &ends) {
        return cut;
    }
    let resets = ends.iter().filter(|end| matches!(end, TlsEnd::Reset)).count() as u32;
    let closes = ends.iter().filter(|end| matches!(end, TlsEnd::Closed)).count() as u32;
    if resets + closes > 0 {
        let evidence = Evidence::ClosedAfterConnect { reset: resets >= closes, times: resets + closes, of };
        return ruling(Verdict::ClosedEarly, vec![evidence]);
    }
    let waited =
        usual.iter().filter_map(|exchanged| Some(exchanged.tls.as_ref()?.took)).max().unwrap_or_default();
    ruling(Verdict::Silent, vec![Evidence::NothingRead { waited, times: of }])
}

/// Whether the handshake dies only when it carries this name.
fn cut_by_name(bench: &Bench<'_>, dossier: &Dossier, ends: &[&TlsEnd]) -> Option<Ruling> {
    let name = bench.case.target.server_name_indication()?;
    let other = survey::other_name(&bench.case.target);
    let answered = |control: Option<&str>| {
        dossier
            .exchanges_with(control, false)
            .filter_map(|exchanged| exchanged.tls.as_ref())
            .find(|tls| speaks_tls(&tls.ended))
            .map(|tls| Evidence::OtherNameAnswered {
                name: control.map(str::to_owned),
                ended: tls.ended.clone(),
            })
    };
    let control = answered(Some(other)).or_else(|| answered(None))?;
    let ended = (*ends.first()?).clone();
    // Once may be chance; the name is blamed only for what repeats.
    let times = ends.len() as u32;
    (times >= 2)
        .then(|| ruling(Verdict::NameBlocked, vec![Evidence::NameDies { name, ended, times }, control]))
}
