//! What a scenario expects, held against the document that the program printed.

use std::net::IpAddr;

use reach_core::model::{ResolutionError, State, Verdict};
use reach_sim::expect::{AnyOf, Expect, ExpectedPlace, Range, Who, exit_status};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::play::Said;

/// Where the program says something else than expected: one line each. Where places may be lacking, none is
/// better than a wrong one.
pub(crate) fn mismatches(expect: &Expect, said: &Said, may_lack_places: bool) -> Vec<String> {
    let target = &said.document["targets"][0];
    let mut lines = Vec::new();
    lines.extend(state_mismatches(expect, target, said.code));
    lines.extend(resolution_mismatches(expect, &target["resolution"]));
    lines.extend(endpoint_mismatches(expect, target, may_lack_places));
    lines.extend(finding_mismatches(expect, target));
    lines.extend(impact_mismatches(expect, target));
    lines
}

fn state_mismatches(expect: &Expect, target: &Value, code: Option<i32>) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(state) = read::<State>(&target["state"]) else {
        return vec![format!("the state is {}", target["state"])];
    };
    if !expect.state.0.contains(&state) {
        lines.push(format!("the state is {state:?} and not {}; doubt: {}", expect.state, target["doubt"]));
    }
    let right = expect.exit.unwrap_or_else(|| exit_status(state));
    if code != Some(right.into()) {
        lines.push(format!("the exit status is {code:?} and not {right}"));
    }
    lines
}

fn resolution_mismatches(expect: &Expect, resolution: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let error = read::<ResolutionError>(&resolution["error"]);
    if expect.error.is_some() && expect.error != error {
        lines.push(format!("the name's error is {error:?} and not {:?}", expect.error));
    }
    let seen = resolution["addresses_seen"].as_f64().unwrap_or(-1.0);
    if let Some(range) = expect.addresses_seen.filter(|range| !(range.low..=range.high).contains(&seen)) {
        lines.push(format!("{seen} addresses are seen and not {range}"));
    }
    let queries = resolution["queries"].as_u64().unwrap_or(u64::MAX);
    if let Some(max) = expect.max_queries.filter(|&max| queries > max.into()) {
        lines.push(format!("{queries} questions are asked, more than {max}"));
    }
    lines
}

fn endpoint_mismatches(expect: &Expect, target: &Value, may_lack_places: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut judged = Vec::new();
    for endpoint in items(&target["endpoints"]) {
        let Some(address) = read::<IpAddr>(&endpoint["address"]) else {
            lines.push(format!("an endpoint has the address {}", endpoint["address"]));
            continue;
        };
        judged.push(address);
        let expected = expect.endpoints.iter().find(|expected| expected.addresses.contains(&address));
        let right = expected.map(|expected| &expected.verdict).or(expect.others.as_ref());
        let verdict = read::<Verdict>(&endpoint["verdict"]);
        let mut wrong = Vec::new();
        if let Some(right) = right
            && !verdict.is_some_and(|verdict| right.0.contains(&verdict))
        {
            wrong.push(format!("is {} and not {right}", endpoint["verdict"]));
        }
        if let Some(place) = expected.and_then(|expected| expected.place.as_ref())
            && !(may_lack_places && endpoint["where"].is_null())
        {
            wrong.extend(place_mismatches(place, &endpoint["where"]));
        }
        if !wrong.is_empty() {
            lines.push(format!("{address} {}\n        {}", wrong.join(", "), evidence(endpoint)));
        }
    }
    let expected = expect.endpoints.iter().flat_map(|expected| &expected.addresses);
    let missing = expected.filter(|address| !judged.contains(address));
    lines.extend(missing.map(|address| format!("{address} is missing")));
    lines
}

fn place_mismatches(expected: &ExpectedPlace, place: &Value) -> Vec<String> {
    if place.is_null() {
        return vec!["has no place".to_owned()];
    }
    let who = |name: &str, expected: &Option<AnyOf<Who>>| {
        let found = read::<IpAddr>(&place[name]).map_or(Who::Nobody, Who::Address);
        let expected = expected.as_ref().filter(|expected| !expected.0.contains(&found))?;
        Some(format!("its {name} is {found} and not {expected}"))
    };
    let ttl = read::<u8>(&place["ttl"]);
    let wrong_ttl = expected
        .ttl
        .as_ref()
        .filter(|expected| !ttl.is_some_and(|ttl| expected.0.contains(&ttl)))
        .map(|expected| format!("its ttl is {} and not {expected}", place["ttl"]));
    [
        who("last_answering", &expected.last_answering),
        wrong_ttl,
        who("by", &expected.by),
        who("next_on_open_path", &expected.next_on_open_path),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn finding_mismatches(expect: &Expect, target: &Value) -> Vec<String> {
    let findings = items(&target["findings"]);
    let code = |finding: &Value| finding["code"].as_str().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for wanted in &expect.findings {
        if !findings.iter().any(|finding| code(finding) == *wanted) {
            lines.push(format!("{wanted} is not found"));
        }
    }
    for finding in findings {
        let code = code(finding);
        let matters = finding["severity"] != "info";
        let surplus = matters && !expect.findings.contains(&code) && !expect.may_find.contains(&code);
        if surplus || expect.no_findings.contains(&code) {
            lines.push(format!(
                "{code} is found and should not be, for {}: {}",
                finding["addresses"], finding["text"]
            ));
        }
    }
    lines
}

fn impact_mismatches(expect: &Expect, target: &Value) -> Vec<String> {
    let share = |client: &str| {
        let entry = items(&target["impact"]).iter().find(|entry| entry["client"] == client)?;
        entry["failure_share"].as_f64()
    };
    let wrong = |(client, range): (&String, &Range)| {
        let share = share(client);
        let right = share.is_some_and(|share| (range.low..=range.high).contains(&share));
        (!right).then(|| format!("{client} fails {share:?} of the time and not {range}"))
    };
    expect.impact.iter().filter_map(wrong).collect()
}

/// What the program based its verdict on.
pub(crate) fn evidence(endpoint: &Value) -> String {
    let texts = |list: &Value| {
        let texts = items(list).iter().filter_map(|said| said["text"].as_str());
        texts.collect::<Vec<_>>().join(" ")
    };
    let hop = |hop: &Value| {
        let icmp = match (hop["icmp_type"].as_u64(), hop["icmp_code"].as_u64()) {
            (Some(kind), Some(code)) => format!(" {kind}/{code}"),
            _ => String::new(),
        };
        let who = hop["address"].as_str().or(hop["answer"].as_str()).unwrap_or_default();
        format!("{} {who}{icmp}", hop["ttl"])
    };
    let hops: Vec<String> = items(&endpoint["trail"]).iter().map(hop).collect();
    let connect = &endpoint["connect"];
    let flow = |flow: &Value| format!("{}:{}/{}", flow["source_port"], flow["answered"], flow["syns"]);
    let flows: Vec<String> = items(&connect["flows"]).iter().map(flow).collect();
    format!(
        "confidence {}; {}; gaps: {}; where {}; trail [{}]; {} of {} SYNs lost; tls {}; http {}; flows {}",
        endpoint["confidence"],
        texts(&endpoint["evidence"]),
        texts(&endpoint["gaps"]),
        place(&endpoint["where"]),
        hops.join(", "),
        connect["syns_lost"],
        connect["syns"],
        endpoint["tls"]["ended"],
        endpoint["http"]["ended"],
        flows.join(" "),
    )
}

/// A place without its sentence.
pub(crate) fn place(place: &Value) -> Value {
    let mut place = place.clone();
    if let Some(fields) = place.as_object_mut() {
        fields.remove("text");
    }
    place
}

/// The items of a list; none where there is no list.
pub(crate) fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}
