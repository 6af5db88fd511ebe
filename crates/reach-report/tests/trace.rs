//! Paths as people see them, and as programs read them.

mod paths;

use paths::*;
use reach_core::model::Parting;
use reach_report::{
    Lang, Style,
    trace::{self, Comparison, Form, Labels, Trace},
};
use serde_json::Value;

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots/trace");
    settings
}

fn cases() -> Vec<(&'static str, Trace)> {
    vec![
        ("plain", of_one(plain())),
        ("diamond", of_one(diamond())),
        ("silent", of_one(silent())),
        ("udp-silent", of_one(udp(silent()))),
        ("prohibited", of_one(prohibited())),
        ("reset", of_one(reset_by_path())),
        ("refused", of_one(refused())),
        ("rich", of_one(rich())),
        ("bad-member", of_one(bad_member())),
        ("uneven", of_one(uneven())),
        ("v6", of_one(v6())),
        ("unable", of_one(unable())),
        ("pool", pool()),
        ("unresolved", unresolved()),
    ]
}

#[test]
fn every_kind_of_path_reads_well_in_both_languages() {
    settings().bind(|| {
        for (name, trace) in cases() {
            for lang in Lang::ALL {
                let style = Style::plain(100, lang);
                let text = trace::text(std::slice::from_ref(&trace), &labels(), Form::Fitting, &style);
                insta::assert_snapshot!(format!("{name}-{}", lang.code()), text);
            }
        }
    });
}

#[test]
fn narrow_and_ascii_screens_lose_nothing() {
    settings().bind(|| {
        for (name, trace) in [("rich", of_one(rich())), ("pool", pool()), ("diamond", of_one(diamond()))] {
            let style = Style { ascii: true, ..Style::plain(60, Lang::En) };
            let text = trace::text(std::slice::from_ref(&trace), &labels(), Form::Fitting, &style);
            assert!(text.is_ascii(), "{text}");
            insta::assert_snapshot!(format!("{name}-narrow-ascii"), text);
        }
    });
}

#[test]
fn a_pool_can_be_shown_one_by_one() {
    settings().bind(|| {
        let mut trace = pool();
        trace.routes.truncate(2);
        let text = trace::text(&[trace], &labels(), Form::Each, &Style::plain(80, Lang::En));
        insta::assert_snapshot!("pool-each", text);
    });
}

fn parting() -> Parting {
    Parting { common: Some((1, vec![ip("10.70.0.1")])), parts: Some(2) }
}

fn blocked_and_open() -> Trace {
    let mut trace = of_one(plain());
    let mut blocked = silent_behind(1);
    blocked.endpoint.address = ip("203.0.113.12");
    trace.routes.push(blocked);
    trace
}

#[test]
fn two_paths_are_shown_side_by_side() {
    settings().bind(|| {
        for lang in Lang::ALL {
            let text =
                trace::compare(&blocked_and_open(), (0, 1), &parting(), &labels(), &Style::plain(100, lang));
            insta::assert_snapshot!(format!("compare-{}", lang.code()), text);
        }
        let narrow = Style { ascii: true, ..Style::plain(60, Lang::En) };
        let text = trace::compare(&blocked_and_open(), (0, 1), &parting(), &labels(), &narrow);
        insta::assert_snapshot!("compare-narrow-ascii", text);
    });
}

fn json(traces: &[Trace], comparison: Option<&Comparison>) -> Value {
    trace::json(traces, &labels(), comparison, STARTED, FINISHED, "0.1.0", Lang::En)
}

#[test]
fn the_document_has_the_shape_that_the_interface_promises() {
    let document = json(&[of_one(diamond())], None);
    assert_eq!(document["schema"], "reach.trace/1");
    let path = &document["paths"][0];
    assert_eq!(path["address"], "203.0.113.11");
    assert_eq!(
        (path["port"].as_u64(), path["protocol"].as_str(), path["reached"].as_bool()),
        (Some(443), Some("tcp"), Some(true))
    );
    assert!(path["stopped"].is_null());
    let hop = &path["hops"][1];
    assert_eq!((hop["ttl"].as_u64(), hop["balancing"].as_str()), (Some(2), Some("per-flow")));
    assert_eq!(hop["responders"].as_array().map(Vec::len), Some(2));
    let responder = &hop["responders"][0];
    assert_eq!(responder["address"], "10.70.1.2");
    assert_eq!(responder["name"], "a.example.net");
    assert_eq!(responder["asn"], 64500);
    for field in ["sent", "received"] {
        assert!(responder[field].is_u64(), "{field}");
    }
    for field in ["min", "median", "max"] {
        assert!(responder["rtt_ms"][field].is_f64(), "{field}");
    }
}

#[test]
fn whoever_is_not_reached_says_why_in_the_words_of_the_interface() {
    for (route, stopped) in [
        (silent(), "silent"),
        (prohibited(), "prohibited"),
        (refused(), "refused"),
        (reset_by_path(), "reset-by-path"),
    ] {
        let document = json(&[of_one(route)], None);
        let path = &document["paths"][0];
        assert_eq!((path["reached"].as_bool(), path["stopped"].as_str()), (Some(false), Some(stopped)));
    }
    let silent = json(&[of_one(silent())], None);
    assert_eq!(silent["paths"][0]["hops"][2]["responders"], Value::Array(Vec::new()));
}

#[test]
fn a_comparison_stands_in_the_document() {
    let comparison = Comparison { trace: 0, pair: (0, 1), parting: parting() };
    let document = json(&[blocked_and_open()], Some(&comparison));
    let compared = &document["comparison"];
    assert_eq!(compared["last_common"]["ttl"], 1);
    assert_eq!(compared["parts_at"], 2);
    assert!(compared["text"].as_str().is_some_and(|text| text.contains("Both go through 10.70.0.1 (hop 1)")));
}

#[test]
fn pictures_hold_what_the_text_holds() {
    settings().bind(|| {
        insta::assert_snapshot!("pool-dot", trace::dot(&[pool()], &labels(), Lang::En));
        let svg = trace::svg(&[pool()], &labels(), Lang::En);
        for address in pool().routes.iter().map(|route| route.endpoint.address) {
            assert!(svg.contains(&address.to_string()), "{address}");
        }
        assert!(svg.contains("✗ 203.0.113.24"));
        insta::assert_snapshot!("diamond-svg", trace::svg(&[of_one(diamond())], &labels(), Lang::En));
    });
}

#[test]
fn without_labels_addresses_stand_alone() {
    let text = trace::text(&[of_one(plain())], &Labels::default(), Form::Fitting, &Style::default());
    assert!(text.contains("  1 10.70.0.1  0.31 ms"), "{text}");
}
