//! The documents have the shape that the interface promises.

mod common;

use common::{FINISHED, STARTED, all, story};
use reach_core::model::{Case, Diagnosis};
use reach_report::{Lang, json};
use serde_json::{Value, json};

fn check(examined: (Case, Diagnosis), lang: Lang) -> Value {
    json::check(&[examined], STARTED, FINISHED, "0.1.0", lang)
}

/// The example of the interface's description, with its values.
fn example() -> Value {
    json!({
        "schema": "reach.check/1", "version": "…", "started_at": "RFC 3339", "finished_at": "…",
        "vantage": { "host": "…", "sources": ["…"], "raw_sockets": true },
        "targets": [ {
            "target": "fcm.googleapis.com:443", "host": "fcm.googleapis.com", "port": 443,
            "state": "partly-reachable",
            "resolution": {
                "resolvers": ["…"], "queries": 24, "addresses_seen": 8, "addresses_estimated": 8.0,
                "error": null,
                "addresses": [ { "address": "203.0.113.12", "resolvers": ["…"], "seen": 3, "ttl_s": 300 } ]
            },
            "endpoints": [ {
                "address": "203.0.113.12", "verdict": "filtered", "detail": "one line for people",
                "ping": { "sent": 3, "received": 0 },
                "connect": { "attempts": 4, "succeeded": 0, "rtt_ms": null },
                "tls": null, "http": null,
                "where": {
                    "last_answering": "10.70.0.1", "ttl": 1, "by": null, "next_on_open_path": "10.70.1.2"
                },
                "java": "java.net.SocketTimeoutException: connect timed out"
            } ],
            "impact": [
                { "client": "first-address", "failure_share": 0.375, "added_latency_ms": null, "note": "…" }
            ],
            "findings": [
                { "code": "…", "severity": "…", "addresses": ["…"], "text": "…", "ask": "…" }
            ]
        } ]
    })
}

/// Every field of `wanted` stands in `got` with the same kind of value; more fields may.
fn has_shape(got: &Value, wanted: &Value, path: &str) {
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => {
            for (name, wanted) in wanted {
                let got = got.get(name).unwrap_or_else(|| panic!("{path}.{name} is missing"));
                has_shape(got, wanted, &format!("{path}.{name}"));
            }
        }
        (Value::Array(got), Value::Array(wanted)) => {
            assert!(!got.is_empty(), "{path} is empty");
            for (index, got) in got.iter().enumerate() {
                has_shape(got, &wanted[0], &format!("{path}[{index}]"));
            }
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
        | (_, Value::Null) => {}
        // Null for an endpoint that is ok.
        (Value::Null, _) if path.contains(".where") || path.contains(".java") => {}
        _ => panic!("{path}: {got} instead of {wanted}"),
    }
}

#[test]
fn the_story_has_the_shape_of_the_interface_and_its_values() {
    let document = check(story(), Lang::En);
    has_shape(&document, &example(), "$");
    assert_eq!(document["started_at"], "2026-11-22T05:00:03.250Z");
    assert_eq!(document["vantage"]["raw_sockets"], false);
    let target = &document["targets"][0];
    assert_eq!(target["target"], "fcm.googleapis.com:443");
    assert_eq!(target["state"], "partly-reachable");
    assert_eq!(target["resolution"]["resolvers"], json!(["10.70.0.53", "10.70.0.54"]));
    assert_eq!(target["resolution"]["addresses_estimated"], 8.0);
    assert_eq!(
        target["resolution"]["addresses"][0]["resolvers"],
        json!(["10.70.0.53", "10.70.0.54", "system"])
    );
    let filtered = &target["endpoints"][1];
    assert_eq!(filtered["address"], "203.0.113.12");
    assert_eq!(filtered["verdict"], "filtered");
    for (name, value) in example()["targets"][0]["endpoints"][0]["where"].as_object().expect("an object") {
        assert_eq!(&filtered["where"][name], value, "{name}");
    }
    assert_eq!(filtered["java"], "java.net.SocketTimeoutException: connect timed out");
    assert_eq!(filtered["logs"]["jdk_from_13"], "java.net.SocketTimeoutException: Connect timed out");
    assert_eq!(target["endpoints"][0]["where"], Value::Null);
    assert_eq!(target["endpoints"][0]["java"], Value::Null);
    assert_eq!(target["endpoints"][0]["tls"]["version"], "TLSv1.3");
    assert_eq!(target["impact"][0]["client"], "first-address");
    assert_eq!(target["impact"][0]["failure_share"], 0.375);
    assert_eq!(target["findings"][0]["code"], "partial-block");
    assert_eq!(target["findings"][0]["severity"], "error");
}

#[test]
fn fields_come_in_the_order_of_the_interface() {
    let document = check(story(), Lang::En);
    let names: Vec<&String> = document.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["schema", "version", "started_at", "finished_at", "vantage", "targets"]);
}

#[test]
fn states_verdicts_and_errors_are_codes() {
    let first =
        |examined, pointer: &str| check(examined, Lang::Ko).pointer(pointer).cloned().expect("a value");
    assert_eq!(first(common::nxdomain(), "/targets/0/state"), "unresolved");
    assert_eq!(first(common::nxdomain(), "/targets/0/resolution/error"), "nxdomain");
    assert_eq!(first(common::inconclusive(), "/targets/0/state"), "inconclusive");
    assert_eq!(first(common::inconclusive(), "/targets/0/endpoints/0/verdict"), "inconclusive");
    assert_eq!(first(common::inconclusive(), "/targets/0/doubt/code"), "too-few-answers");
    assert_eq!(first(common::mtu(), "/targets/0/endpoints/0/verdict"), "mtu-blackhole");
    assert_eq!(first(common::all_good(), "/targets/0/endpoints/0/http/status"), 200);
    assert_eq!(first(common::prohibited(), "/targets/0/endpoints/0/where/by"), "10.70.1.2");
    assert_eq!(first(common::prohibited(), "/targets/0/resolution/addresses/0/resolvers"), json!([]));
}

#[test]
fn resolvers_on_other_ports_are_told_with_the_port() {
    let (case, mut diagnosis) = story();
    diagnosis.resolution.resolvers[0].resolver.set_port(5353);
    let document = check((case, diagnosis), Lang::En);
    assert_eq!(document["targets"][0]["resolution"]["resolvers"][0], "10.70.0.53:5353");
}

#[test]
fn every_kind_of_diagnosis_says_the_same_codes_in_both_languages() {
    for (name, examined) in all() {
        let codes = |lang| {
            let document = check(examined.clone(), lang);
            let target = &document["targets"][0];
            let list = |field: &str, code: &str| -> Vec<Value> {
                target[field].as_array().expect("a list").iter().map(|one| one[code].clone()).collect()
            };
            (target["state"].clone(), list("endpoints", "verdict"), list("findings", "code"))
        };
        assert_eq!(codes(Lang::En), codes(Lang::Ko), "{name}");
    }
}

#[test]
fn resolve_is_the_resolution_with_its_name() {
    let examined = [story(), common::nxdomain()];
    let document = json::resolve(&examined, STARTED, FINISHED, "0.1.0", Lang::En);
    assert_eq!(document["schema"], "reach.resolve/1");
    let mut wanted = example()["targets"][0]["resolution"].clone();
    wanted["name"] = json!("…");
    has_shape(&document["names"][0], &wanted, "$.names[0]");
    assert_eq!(document["names"][1]["name"], "fcm.gogleapis.com");
    assert_eq!(document["names"][1]["error"], "nxdomain");
    // What is about the way to the addresses is not known to `resolve`.
    assert_eq!(document["names"][0]["findings"], json!([]));
}

#[test]
fn nothing_examined_is_a_document_too() {
    let document = json::check(&[], STARTED, FINISHED, "0.1.0", Lang::En);
    assert_eq!(document["targets"], json!([]));
    assert_eq!(document["vantage"]["sources"], json!([]));
}
