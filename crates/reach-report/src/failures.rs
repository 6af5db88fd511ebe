//! What the exceptions in a text mean, for people and for programs.

use std::fmt::Write;

use reach_core::signal::{Failure, FailureClass, HostFrom};
use serde_json::{Value, json};

use crate::{
    Lang, Style,
    clean::clean,
    layout::{Column, Page, Role, Row, Span, Table},
    units::millis,
    words::failure as words,
};

/// What `reach explain` shows of the failures in a text: each class and destination with how often it happened, in
/// the order of first appearance. `beyond`: failures that were not told apart.
pub fn text(failures: &[(Failure, u64)], beyond: u64, style: &Style) -> String {
    let lang = style.lang;
    let mut page = Page::new(*style);
    if failures.is_empty() {
        page.plain("", "", words::nothing(lang));
        return page.finish();
    }
    let total = failures.iter().fold(beyond, |sum, (_, count)| sum.saturating_add(*count));
    page.paragraph("", "", &[Span::new(words::found(total, failures.len(), lang), Role::Head)]);
    page.blank();
    let [count, class, destination, client] = words::columns(lang);
    let columns = vec![
        Column::new(count).right(),
        Column::new(class),
        Column::new(destination).wrap(24),
        Column::new(client).dispensable(1),
    ];
    let rows = failures
        .iter()
        .map(|(failure, count)| {
            Row::Cells(vec![
                Span::plain(count.to_string()),
                Span::new(failure.class.code(), role(failure.class)),
                Span::plain(whither(failure, lang)),
                Span::plain(failure.client.as_deref().map_or_else(|| "-".to_owned(), clean)),
            ])
        })
        .collect();
    page.table("", &Table { columns, rows });
    for (failure, _) in failures {
        page.blank();
        page.paragraph(
            "",
            "  ",
            &[
                Span::new(failure.class.code(), role(failure.class)),
                Span::new(format!("  {}", whither(failure, lang)), Role::Strong),
                Span::new(format!("  {}", words::title(failure.class, lang)), Role::Dim),
            ],
        );
        page.paragraph("  ", "    ", &[Span::new(shown(&failure.text), Role::Dim)]);
        page.plain("  ", "  ", words::meaning(failure, lang));
        if failure.host_from == Some(HostFrom::Context) {
            page.paragraph("  ", "  ", &[Span::new(words::nearby(lang), Role::Dim)]);
        }
        if let Some(next) = next(failure) {
            page.paragraph(
                "  ",
                "    ",
                &[Span::plain(format!("{} ", words::next(lang))), Span::new(next, Role::Strong)],
            );
        }
    }
    if beyond > 0 {
        page.blank();
        page.plain("", "", words::beyond(beyond, lang));
    }
    page.finish()
}

/// The document of `reach explain --json < text`.
pub fn document(failures: &[(Failure, u64)], beyond: u64, lang: Lang) -> Value {
    let entries: Vec<Value> = failures
        .iter()
        .map(|(failure, count)| {
            json!({
                "class": failure.class.code(),
                "host": failure.host.as_deref().map(clean),
                "address": failure.address,
                "port": failure.port,
                "count": count,
                "client": failure.client.as_deref().map(clean),
                "jdk": failure.jdk.as_deref().map(clean),
                "text": shown(&failure.text),
                "meaning": words::meaning(failure, lang),
                "detail": failure.detail.as_deref().map(clean),
                "addresses": failure.addresses,
                "host_from": failure.host_from,
                "status": failure.status,
                "timeout_ms": failure.timeout.map(millis),
                "local": failure.local,
                "next": next(failure),
            })
        })
        .collect();
    let mut document = json!({ "schema": "reach.explain/1", "failures": entries });
    if beyond > 0 {
        document["beyond"] = beyond.into();
    }
    document
}

/// What to run to see for oneself. Nothing where no destination is known, or where the answer came from elsewhere.
fn next(failure: &Failure) -> Option<String> {
    let reached = failure.class == FailureClass::Http
        && failure.status.is_some_and(|status| status < 500)
        && failure.detail.as_deref() != Some("html-body");
    if reached {
        return None;
    }
    let host = match (&failure.host, failure.address.or(failure.addresses.first().copied())) {
        (Some(host), _) => clean(host),
        (None, Some(address)) if address.is_ipv6() && failure.port.is_some() => format!("[{address}]"),
        (None, Some(address)) => address.to_string(),
        (None, None) => return None,
    };
    Some(match (failure.class, failure.port) {
        (FailureClass::Dns, _) => format!("reach resolve {host}"),
        (_, Some(port)) => format!("reach check {host}:{port}"),
        (_, None) => format!("reach check {host}"),
    })
}

/// The destination in one cell.
fn whither(failure: &Failure, lang: Lang) -> String {
    let mut text = String::new();
    match (&failure.host, failure.address) {
        (Some(host), _) => text.push_str(&clean(host)),
        (None, Some(address)) if address.is_ipv6() && failure.port.is_some() => {
            let _ = write!(text, "[{address}]");
        }
        (None, Some(address)) => {
            let _ = write!(text, "{address}");
        }
        (None, None) => match failure.addresses.first() {
            Some(_) => {}
            None => return words::nowhere(lang),
        },
    }
    if let (Some(port), false) = (failure.port, text.is_empty()) {
        let _ = write!(text, ":{port}");
    }
    let all: Vec<String> = match (failure.host.is_some(), failure.address) {
        (true, Some(address)) => vec![address.to_string()],
        _ => failure.addresses.iter().map(ToString::to_string).collect(),
    };
    if !all.is_empty() {
        let _ = write!(text, "{}[{}]", if text.is_empty() { "" } else { " " }, all.join(", "));
        if let (true, Some(port)) = (text.starts_with('['), failure.port) {
            let _ = write!(text, ":{port}");
        }
    }
    text
}

/// The words of a failure, which are bounded, without what a terminal would obey.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let letters: Vec<char> = text.chars().take(Failure::TEXT).collect();
    for part in letters.chunks(100) {
        shown.push_str(&clean(&part.iter().collect::<String>()));
    }
    shown
}

const fn role(class: FailureClass) -> Role {
    match class {
        FailureClass::Http => Role::Warn,
        _ => Role::Bad,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn failure(class: FailureClass) -> Failure {
        Failure {
            host: Some("fcm.googleapis.com".to_owned()),
            host_from: Some(HostFrom::Context),
            port: Some(443),
            client: Some("jdk-httpurlconnection".to_owned()),
            jdk: Some("8".to_owned()),
            ..Failure::new(class, "java.net.SocketTimeoutException: connect timed out".to_owned())
        }
    }

    const DETAILS: [&str; 25] = [
        "ETIMEDOUT",
        "connect-or-handshake",
        "waiting-for-connection",
        "deadline",
        "EAI_AGAIN",
        "no-data",
        "reason-lost",
        "refused-or-unreachable",
        "ENETUNREACH",
        "EHOSTUNREACH",
        "EACCES",
        "EADDRNOTAVAIL",
        "during-tls-handshake",
        "established-lost",
        "closed-early",
        "broken-pipe",
        "handshake-timeout",
        "untrusted-ca",
        "name-mismatch",
        "expired",
        "plaintext",
        "eof-in-handshake",
        "alert:handshake_failure",
        "html-body",
        "proxy",
    ];

    #[test]
    fn every_class_and_detail_has_its_own_words_in_both_languages() {
        for lang in Lang::ALL {
            let mut said = BTreeSet::new();
            for class in FailureClass::ALL {
                let plain = words::meaning(&failure(class), lang);
                assert_eq!(plain.chars().any(|c| ('가'..='힣').contains(&c)), lang == Lang::Ko, "{plain}");
                assert!(said.insert(plain), "{}", class.code());
                assert!(!words::title(class, lang).is_empty());
            }
            for detail in DETAILS {
                let mut speaks = 0;
                for class in FailureClass::ALL {
                    let mut with = failure(class);
                    with.detail = Some(detail.to_owned());
                    speaks +=
                        usize::from(words::meaning(&with, lang) != words::meaning(&failure(class), lang));
                }
                assert!(speaks > 0, "{detail}");
            }
        }
    }

    #[test]
    fn a_connect_time_out_is_told_from_a_read_time_out() {
        let connect = words::meaning(&failure(FailureClass::ConnectTimeout), Lang::En);
        assert!(connect.contains("never came about") && connect.contains("path"), "{connect}");
        let read = words::meaning(&failure(FailureClass::ReadTimeout), Lang::En);
        assert!(read.contains("connection came about") && read.contains("service"), "{read}");
    }

    #[test]
    fn the_screen_lines_up_and_obeys_nobody() {
        let mut evil = failure(FailureClass::Tls);
        evil.text = "x\u{1b}[2J\u{202e}푸시".to_owned();
        evil.host = None;
        evil.client = None;
        for lang in Lang::ALL {
            let shown = text(
                &[(failure(FailureClass::ConnectTimeout), 4), (evil.clone(), 12)],
                3,
                &Style::plain(80, lang),
            );
            assert!(shown.contains("reach check fcm.googleapis.com:443"), "{shown}");
            assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
            assert!(!shown.contains('\u{202e}'), "{shown:?}");
        }
        let none = text(&[], 0, &Style::plain(80, Lang::En));
        assert!(none.starts_with("No failure"), "{none}");
    }

    #[test]
    fn the_document_has_the_fields_of_the_interface() {
        let document = document(&[(failure(FailureClass::ConnectTimeout), 4)], 0, Lang::En);
        assert_eq!(document["schema"], "reach.explain/1");
        let entry = document["failures"][0].as_object().expect("an object");
        let keys: Vec<&str> = entry.keys().map(String::as_str).take(9).collect();
        assert_eq!(keys, ["class", "host", "address", "port", "count", "client", "jdk", "text", "meaning"]);
        assert_eq!(entry["count"], 4);
        assert_eq!(super::document(&[], 0, Lang::En), json!({ "schema": "reach.explain/1", "failures": [] }));
    }
}
