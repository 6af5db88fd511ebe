//! `/probe`: a probe on demand, as `blackbox_exporter` answers it.

use std::{
    fmt::Write as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::time::{Instant, timeout_at};

use super::{
    Probing, WebState,
    door::{Client, Who},
    exposition,
};
use crate::{
    blackbox::{self, Module, NoModule, Refused, Report, Request, Rule},
    metrics::text::{Format, encode},
};

/// How long a probe may take where neither Prometheus nor the module says.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest target that is looked at, in bytes.
const LONGEST_TARGET: usize = 4096;

/// What a request asks for.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    target: String,
    module: String,
    hostname: Option<String>,
    debug: bool,
    addresses: Option<String>,
}

pub(super) async fn probe(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Extension(client): Extension<Client>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::parse(&query.unwrap_or_default());
    let Probing { bench, modules, .. } = state.probing();
    let module = match modules.get(&asked.module) {
        Ok(module) => module,
        Err(NoModule::Unknown) => {
            state.inner.unknown_modules.fetch_add(1, Ordering::Relaxed);
            return bad(format!("Unknown module {:?}\n", asked.module));
        }
        Err(NoModule::Refused(why)) => {
            return bad(format!("Module {:?} cannot be used: {why}\n", asked.module));
        }
    };
    let timeout = match timeout(&headers, module, state.inner.timeout_offset) {
        Ok(timeout) => timeout,
        Err(said) => return (StatusCode::INTERNAL_SERVER_ERROR, said).into_response(),
    };
    if asked.target.is_empty() {
        return bad("Target parameter is missing\n".to_owned());
    }
    if asked.target.len() > LONGEST_TARGET {
        return bad(format!("Target parameter is longer than {LONGEST_TARGET} bytes\n"));
    }
    let rule = match asked.addresses.as_deref().map(str::parse::<Rule>).transpose() {
        Ok(rule) => rule.or(state.inner.rule),
        Err(error) => return bad(format!("{error}\n")),
    };
    let started = Instant::now();
    let room = timeout_at(started + timeout, Arc::clone(&state.inner.room).acquire_owned()).await;
    let Ok(Ok(_room)) = room else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many probes are under way\n").into_response();
    };
    let request = Request {
        module,
        target: &asked.target,
        hostname: asked.hostname.as_deref(),
        rule,
        timeout,
        deadline: started + timeout,
    };
    let done = blackbox::probe(&bench, &request).await;
    let allowed = !matches!(done, Err(Refused::Forbidden(_)));
    state.inner.door.probed(&who, client.address, (&asked.target, &asked.module), allowed);
    match done {
        Ok(report) if asked.debug => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], debugged(&report, module)).into_response()
        }
        Ok(report) => {
            let text = encode(&report.families, Format::Plain);
            exposition(|sink| sink(&text), Format::Plain, &headers)
        }
        Err(Refused::Forbidden(forbidden)) => (
            StatusCode::FORBIDDEN,
            format!("{:?} may not be probed; `[probe] allow` lists what may\n", forbidden.what),
        )
            .into_response(),
        Err(Refused::HostConflict { module, request }) => bad(format!(
            "The host header is defined both in the module ({module:?}) and in the parameter hostname ({request:?})\n"
        )),
    }
}

fn bad(said: String) -> Response {
    (StatusCode::BAD_REQUEST, said).into_response()
}

impl Asked {
    /// Of a parameter that comes twice the first counts.
    fn parse(query: &str) -> Self {
        let mut asked = Self::default();
        let (mut target, mut module) = (None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()).take(64) {
            let value = value.into_owned();
            match name.as_ref() {
                "target" => drop(target.get_or_insert(value)),
                "module" => drop(module.get_or_insert(value)),
                "hostname" => drop(asked.hostname.get_or_insert(value)),
                "addresses" => drop(asked.addresses.get_or_insert(value)),
                "debug" => asked.debug |= value == "true",
                _ => {}
            }
        }
        asked.target = target.map(|target| unescaped_again(&target)).unwrap_or_default();
        asked.module = module.filter(|name| !name.is_empty()).unwrap_or_else(|| "http_2xx".to_owned());
        asked
    }
}

/// A target is unescaped once more than any other parameter: `blackbox_exporter` has it so, and configurations
/// escape twice because of that. What does not unescape stays as it is.
fn unescaped_again(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let hex = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
                let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
                    return text.to_owned();
                };
                bytes.push(byte);
                rest = &behind[2..];
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// How long a probe may take: a little less than Prometheus waits, and no longer than the module says.
fn timeout(headers: &HeaderMap, module: &Module, offset: Duration) -> Result<Duration, String> {
    let header = headers.get("x-prometheus-scrape-timeout-seconds");
    let waits = match header.map(|value| value.to_str().unwrap_or_default()).filter(|text| !text.is_empty()) {
        Some(text) => {
            let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
            let seconds = seconds.ok_or_else(|| {
                format!("Failed to parse timeout from Prometheus header: {text:?} is no number\n")
            })?;
            let span = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(PATIENCE);
            if span.is_zero() { PATIENCE } else { span.min(PATIENCE) }
        }
        None => PATIENCE,
    };
    let most = waits.checked_sub(offset).filter(|most| !most.is_zero());
    Ok(match (most, module.timeout) {
        (Some(most), Some(own)) => most.min(own),
        (Some(most), None) => most,
        (None, Some(own)) => own,
        (None, None) => waits,
    })
}

fn debugged(report: &Report, module: &Module) -> String {
    let mut text = "Logs for the probe:\n".to_owned();
    for line in report.log.lines() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
    }
    text.push_str("\n\n\nMetrics that would have been returned:\n");
    text.push_str(&encode(&report.families, Format::Plain));
    text.push_str("\n\n\nModule configuration:\n");
    text.push_str(&module.yaml());
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::blackbox::Modules;

    #[test]
    fn targets_are_unescaped_once_more() {
        let target = |query: &str| Asked::parse(query).target;
        assert_eq!(target("target=a%252Fb"), "a/b");
        assert_eq!(target("target=http%3A%2F%2Fx%2F%3Fa%3Db"), "http://x/?a=b");
        assert_eq!(target("target=a%25"), "a%");
        assert_eq!(target("target=a%2525"), "a%");
        assert_eq!(target("target=a&target=b"), "a");
        assert_eq!(target("x=1"), "");
    }

    #[test]
    fn a_module_is_taken_for_granted() {
        let asked = Asked::parse("target=x&module=&debug=true&hostname=h&addresses=all");
        assert_eq!(asked.module, "http_2xx");
        assert!(asked.debug);
        assert_eq!((asked.hostname.as_deref(), asked.addresses.as_deref()), (Some("h"), Some("all")));
        assert!(!Asked::parse("debug=1").debug);
    }

    #[test]
    fn the_shortest_time_counts() {
        let modules =
            Modules::parse("modules: {a: {prober: tcp, timeout: 5s}, b: {prober: tcp}}").expect("read");
        let offset = Duration::from_millis(500);
        let of = |module: &str, header: &str| {
            let mut headers = HeaderMap::new();
            if !header.is_empty() {
                headers.insert("x-prometheus-scrape-timeout-seconds", header.parse().expect("a value"));
            }
            timeout(&headers, modules.get(module).expect("there"), offset)
        };
        let seconds = |seconds: f64| Ok(Duration::from_secs_f64(seconds));
        assert_eq!(of("a", ""), seconds(5.0));
        assert_eq!(of("a", "3"), seconds(2.5));
        assert_eq!(of("a", "10"), seconds(5.0));
        assert_eq!(of("a", "0.4"), seconds(5.0));
        assert_eq!(of("b", ""), seconds(119.5));
        assert_eq!(of("b", "2"), seconds(1.5));
        assert!(of("b", "soon").is_err());
        assert!(of("b", "NaN").is_err());
    }

    proptest! {
        #[test]
        fn any_query_is_taken(query: String, header: String) {
            let _ = Asked::parse(&query);
            let modules = Modules::usual();
            let mut headers = HeaderMap::new();
            if let Ok(value) = header.parse() {
                headers.insert("x-prometheus-scrape-timeout-seconds", value);
            }
            let _ = timeout(&headers, modules.get("icmp").expect("there"), Duration::from_millis(500));
        }
    }
}
