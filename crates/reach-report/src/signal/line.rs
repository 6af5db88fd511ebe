//! One signal as one line, where it is worth one.

use reach_core::signal::{Attempt, Failure, Requests, Signal, Word};

use super::words;
use crate::{Lang, Style, clean::clean, units, words::say};

/// The signal as a line: `None` where nothing is wrong.
pub fn line(signal: &Signal, style: &Style) -> Option<String> {
    let lang = style.lang;
    let who = signal
        .origin
        .instance
        .as_deref()
        .or(signal.origin.service.as_deref())
        .unwrap_or(&signal.origin.source);
    let what = match &signal.word {
        Word::Requests(requests) => requests_line(requests, lang)?,
        Word::Failure(failure) => failure_line(failure, lang),
        Word::Attempt(attempt) => attempt_line(attempt, lang)?,
        Word::Fault(fault) => clean(&fault.text),
        Word::Level(level) => {
            let (look, _) = words::limits(level.gauge);
            if level.share < look {
                return None;
            }
            let (gauge, of, share) =
                (words::gauge(level.gauge, lang), clean(&level.of), units::percent(level.share));
            format!("{gauge} {of} {share}")
        }
        Word::Presence { thing, alive } => format!("{} {}", clean(thing), words::presence(*alive, lang)),
        Word::Statement(statement) => {
            let took = statement.elapsed.map(|elapsed| units::span(elapsed, lang)).unwrap_or_default();
            let error =
                statement.error.as_deref().map(|error| format!(" ({})", clean(error))).unwrap_or_default();
            format!("SQL {took} {}{error}", clean(&statement.text))
        }
        Word::Alert(alert) => {
            format!("[{}] {} {}", words::level(alert.level, lang), clean(&alert.title), clean(&alert.text))
        }
        Word::Lost { what, count } => {
            let what = words::lost(&clean(what), lang);
            say!(lang, "{count} {what} missing", "{what} {count}건 누락")
        }
    };
    Some(format!("{} {}: {what}", units::clock_time(signal.at, style.utc_offset_s), clean(who)))
}

fn requests_line(requests: &Requests, lang: Lang) -> Option<String> {
    let Requests { total, failed, late, .. } = requests;
    if *failed + *late == 0 {
        return None;
    }
    let span = units::span(requests.span, lang);
    Some(say!(
        lang,
        "{failed} of about {total} requests failed in {span}, {late} more were served late",
        "{span} 동안 요청 약 {total}건 중 {failed}건 실패, 별도로 {late}건은 늦게 처리됨"
    ))
}

fn failure_line(failure: &Failure, lang: Lang) -> String {
    let destination = destination(failure.host.as_deref(), failure.port);
    let address = failure.address.map(|address| format!(" [{address}]")).unwrap_or_default();
    let class = words::class(failure.class, lang);
    if destination.is_empty() && address.is_empty() {
        return format!("{class}: {}", clean(&failure.text));
    }
    format!("{destination}{address} {class}")
}

fn attempt_line(attempt: &Attempt, lang: Lang) -> Option<String> {
    // A failed attempt of a failed call is told with its failure.
    let (class, true) = (attempt.failed?, attempt.served == Some(true)) else { return None };
    let Attempt { address, .. } = attempt;
    let (to, class) = (destination(attempt.host.as_deref(), Some(attempt.port)), words::class(class, lang));
    let after = attempt.elapsed.map(|elapsed| units::span(elapsed, lang)).unwrap_or_default();
    Some(say!(
        lang,
        "{to} [{address}] {class} after {after}; the caller was served by another address",
        "{to} [{address}] {after} 만에 {class}. 호출자는 다른 주소로 처리됨"
    ))
}

pub(super) fn destination(host: Option<&str>, port: Option<u16>) -> String {
    let host = host.map(clean).unwrap_or_default();
    match port {
        Some(port) if host.contains(':') => format!("[{host}]:{port}"),
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}
