//! One page for people, made here and sent as it is: no script, nothing from elsewhere.

use std::fmt::Write as _;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
};
use jiff::Timestamp;
use reach_core::{
    Time,
    watch::{AddressStatus, Incident, Layer, Status, TargetStatus},
};
use reach_report::{Lang, markup::escaped};

use super::{WebState, lang};
use crate::words::page as words;

/// The most addresses of a target that are listed; the worst come first.
const MOST_ADDRESSES: usize = 512;

pub(super) async fn page(
    State(state): State<WebState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let lang = lang::wanted(&query.unwrap_or_default(), &headers, state.inner.lang);
    super::aside(move || Html(render(&state.status(), &state.inner.scope.vantage, lang)).into_response())
        .await
}

pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css")).into_response()
}

fn render(status: &Status, vantage: &str, lang: Lang) -> String {
    let labels = words::labels(lang);
    let mut out = String::new();
    let open = status.incidents.len();
    let title =
        if open == 0 { format!("reach · {vantage}") } else { format!("({open}) reach · {vantage}") };
    // Writing to a string does not fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"refresh\" content=\"30\">\n<title>{}</title>\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n<h1>reach <small>{}</small></h1>\n\
         <p>{}: <time>{}</time></p>\n",
        lang.code(),
        escaped(&title),
        escaped(vantage),
        labels.as_of,
        moment(status.at)
    );
    if status.online == Some(false) {
        let _ = writeln!(out, "<p class=\"critical\">{}</p>", labels.offline);
    }
    let _ = writeln!(out, "<h2>{}</h2>", labels.incidents);
    if status.incidents.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", labels.no_incidents);
    } else {
        let heads = ["#", labels.target, labels.severity, labels.state, labels.since];
        table(&mut out, &heads, status.incidents.iter().map(|incident| incident_row(incident, lang)));
    }
    let _ = writeln!(out, "<h2>{}</h2>", labels.targets);
    if status.targets.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", labels.no_targets);
    }
    for target in &status.targets {
        section(&mut out, target, &labels, lang);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn incident_row(incident: &Incident, lang: Lang) -> (&'static str, Vec<String>) {
    let cells = vec![
        incident.id.0.to_string(),
        incident.title.clone(),
        words::gravity(incident.gravity, lang).to_owned(),
        words::phase(incident.phase, lang).to_owned(),
        moment(incident.began),
    ];
    (incident.gravity.code(), cells)
}

fn section(out: &mut String, target: &TargetStatus, labels: &words::Labels, lang: Lang) {
    let unresolved =
        target.unresolved.map_or_else(String::new, |_| format!(" <em>{}</em>", labels.unresolved));
    let _ = writeln!(out, "<h3>{}{unresolved}</h3>", escaped(&target.target));
    let mut addresses: Vec<&AddressStatus> = target.addresses.iter().collect();
    addresses.sort_by_key(|it| (rank(it), it.remembered.series.address));
    let heads = [labels.address, labels.state, labels.reason, labels.since, labels.rtt];
    let rows = addresses.into_iter().take(MOST_ADDRESSES).map(|it| address_row(it, lang));
    table(out, &heads, rows);
    if let Some(more) = target.addresses.len().checked_sub(MOST_ADDRESSES).filter(|&more| more > 0) {
        let _ = writeln!(out, "<p>+{more}</p>");
    }
}

/// What needs somebody's eye comes first.
fn rank(address: &AddressStatus) -> u8 {
    use reach_core::watch::AddressState as S;
    match address.remembered.state() {
        S::Down => 0,
        S::Suspect => 1,
        S::Recovering => 2,
        S::Unknown => 3,
        S::Ok => 4,
        S::Gone => 5,
    }
}

fn address_row(address: &AddressStatus, lang: Lang) -> (&'static str, Vec<String>) {
    let remembered = &address.remembered;
    let state = remembered.state();
    let rtt = address.layers.get(&Layer::Connect).and_then(|layer| layer.last_rtt);
    let cells = vec![
        remembered.series.address.to_string(),
        words::state(state, lang).to_owned(),
        remembered.reason.map_or("", |reason| words::reason(reason, lang)).to_owned(),
        moment(remembered.gone_since.unwrap_or(remembered.since)),
        rtt.map_or_else(String::new, |rtt| format!("{:.1} ms", rtt.as_secs_f64() * 1e3)),
    ];
    (state.code(), cells)
}

fn table<'a>(out: &mut String, heads: &[&str], rows: impl Iterator<Item = (&'a str, Vec<String>)>) {
    out.push_str("<table>\n<thead><tr>");
    for head in heads {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(head));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for (class, cells) in rows {
        let _ = write!(out, "<tr class=\"{}\">", escaped(class));
        for cell in cells {
            let _ = write!(out, "<td>{}</td>", escaped(&cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

fn moment(time: Time) -> String {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    match Timestamp::from_microsecond(micros) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_watch_has_a_page_in_every_language() {
        for lang in Lang::ALL {
            let page = render(&Status::default(), "box", lang);
            assert!(page.contains(words::labels(lang).no_targets), "{page}");
        }
    }

    proptest! {
        #[test]
        fn foreign_text_never_becomes_a_tag(text: String) {
            let page = render(&Status::default(), &text, Lang::En);
            let plain = render(&Status::default(), "", Lang::En);
            for character in ['<', '>', '"'] {
                let count = |page: &str| page.matches(character).count();
                prop_assert_eq!(count(&page), count(&plain));
            }
        }
    }
}
