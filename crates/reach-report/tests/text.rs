//! The screen, as a person sees it: one snapshot for each kind of diagnosis, language and width.

mod common;

use common::{FINISHED, all};
use reach_core::model::{Matter, Severity, State};
use reach_report::{Lang, Style, explain, text};

const SEOUL: i32 = 9 * 3600;

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[test]
fn every_kind_of_diagnosis_reads_well_in_both_languages_and_all_widths() {
    settings().bind(|| {
        for (name, examined) in all() {
            for lang in Lang::ALL {
                for width in [60, 80, 120] {
                    let style = Style { utc_offset_s: SEOUL, ..Style::plain(width, lang) };
                    let text = text::check(std::slice::from_ref(&examined), FINISHED, &style);
                    insta::assert_snapshot!(format!("{name}-{}-{width}", lang.code()), text);
                }
            }
        }
    });
}

#[test]
fn many_targets_begin_with_a_summary() {
    settings().bind(|| {
        let examined = [common::story(), common::all_good(), common::nxdomain()];
        for lang in Lang::ALL {
            let text = text::check(&examined, FINISHED, &Style::plain(80, lang));
            insta::assert_snapshot!(format!("summary-{}", lang.code()), text);
        }
    });
}

#[test]
fn resolve_lists_addresses_and_resolvers() {
    settings().bind(|| {
        let examined = [common::story(), common::nxdomain()];
        for lang in Lang::ALL {
            let text = text::resolve(&examined, FINISHED, &Style::plain(80, lang));
            insta::assert_snapshot!(format!("resolve-{}", lang.code()), text);
        }
    });
}

#[test]
fn explanations_are_readable() {
    settings().bind(|| {
        for lang in Lang::ALL {
            let style = Style::plain(80, lang);
            let known = explain::explain("filtered", lang).expect("a known code");
            insta::assert_snapshot!(format!("explain-{}", lang.code()), text::explain(&known, &style));
            insta::assert_snapshot!(format!("codes-{}", lang.code()), text::codes(&style));
        }
    });
}

#[test]
fn colour_and_ascii_are_only_used_when_asked_for() {
    let examined = [common::story(), common::all_good()];
    let plain = Style::plain(80, Lang::En);
    assert!(!text::check(&examined, FINISHED, &plain).contains('\u{1b}'));
    let colored = text::check(&examined, FINISHED, &Style { color: true, ..plain });
    assert!(colored.contains('\u{1b}'));
    let ascii = text::check(&examined, FINISHED, &Style { ascii: true, ..plain });
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn a_forged_reset_is_asked_about_once() {
    let text = text::check(&[common::reset_by_path()], FINISHED, &Style::plain(100, Lang::En));
    assert_eq!(text.matches("To the network team:").count(), 1, "{text}");
    assert!(text.contains("reject rule"), "{text}");
}

#[test]
fn addresses_of_two_families_are_not_said_to_share_a_source() {
    let case = common::case("dual.example.com:443");
    let bad = common::filtered("2001:db8:113::12", "203.0.113.11");
    let mut diagnosis =
        common::diagnosis(&case, State::PartlyReachable, vec![common::ok("203.0.113.11", 443), bad]);
    let matter = Matter::PartialBlock { working: 1, failing: 1, prefixes: Vec::new() };
    diagnosis.findings = vec![common::finding(Severity::Error, &["2001:db8:113::12"], matter)];
    let text = text::check(&[(case, diagnosis)], FINISHED, &Style::plain(100, Lang::En));
    assert!(text.contains("all the IPv6 ones") && !text.contains("same source"), "{text}");
    assert!(text.contains("Source: 2001:db8:70::10 (web01)"), "{text}");
}
