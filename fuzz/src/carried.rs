//! Files that people carry in: what providers publish, and the forms of their houses.

use std::net::IpAddr;

use reach_report::{Lang, feeds, request};

/// A file of published ranges, asked about the addresses around its ends.
pub fn feed(bytes: &[u8]) {
    let read = feeds::read("list_20261120.json", bytes);
    for lang in Lang::ALL {
        let told = read.as_ref().map_or_else(|error| error.text(lang), |feed| feed.text(lang));
        assert!(told.chars().all(|character| !character.is_control()), "what is told is harmless");
    }
    let Ok(feed) = read else { return };
    assert!(feed.ranges.iter().all(|range| range.net.prefix_len() > 0), "no range stands for everything");
    let ends = |range: &feeds::Range| [range.net.network(), range.net.broadcast()];
    let seen: Vec<IpAddr> = feed.ranges.iter().take(200).flat_map(ends).collect();
    let coverage = feeds::cover(&seen, &[feed]);
    assert!(coverage.uncovered.is_empty());
    assert!(seen.iter().all(|address| coverage.prefixes.iter().any(|prefix| prefix.contains(address))));
}

/// The form of a house: settings, or its own table of which the titles are read.
pub fn form_template(bytes: &[u8]) {
    match request::Template::read(bytes) {
        Ok(template) => {
            assert!(!template.columns.is_empty());
            for warning in &template.warnings {
                assert!(warning.text(Lang::Ko).chars().all(|character| !character.is_control()));
            }
            let Ok(table) = request::tsv(&asked(), Some(&template)) else { return };
            assert_eq!(table.lines().count(), 2, "one rule is one line");
            let cells = table.split(['\t', '\n']).map(|cell| cell.trim_start_matches('"'));
            for mut cell in cells {
                assert!(!cell.starts_with(['=', '+', '-', '@']), "nothing becomes a formula: {cell:?}");
                cell = cell.trim_end_matches('"');
                assert!(!cell.chars().any(char::is_control));
            }
        }
        Err(error) => {
            for lang in Lang::ALL {
                assert!(error.text(lang).chars().all(|character| !character.is_control()));
            }
        }
    }
}

/// A request for one rule.
fn asked() -> request::RequestForm {
    let day = jiff::civil::date(2026, 11, 23);
    request::RequestForm {
        lang: Lang::Ko,
        title: None,
        requester: request::Requester::default(),
        made: day,
        rules: vec![request::Rule {
            number: 1,
            firewall: String::new(),
            source: Vec::new(),
            source_name: String::new(),
            destination: vec![request::Destination::Name("push.example".to_owned())],
            destination_name: String::new(),
            protocol: request::Protocol::Tcp,
            ports: vec![443..=443],
            direction: request::Direction::Out,
            purpose: "=1".to_owned(),
            from: day,
            until: None,
            remark: String::new(),
            nat_ip: None,
            alternative: 1,
        }],
        reason: String::new(),
        approver: None,
        impact: None,
        rollback: None,
        notes: Vec::new(),
    }
}
