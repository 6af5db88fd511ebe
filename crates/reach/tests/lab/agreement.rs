//! Two documents about the same network, by different players: where they contradict each other although the
//! scenario leaves one answer only.

use std::{collections::BTreeSet, net::IpAddr};

use reach_sim::expect::{AnyOf, Expect, ExpectedPlace};
use serde_json::Value;

use crate::{
    expected::{items, read},
    play::Said,
};

/// What one says and the other does not: one line each.
pub(crate) fn differences(expect: &Expect, one: &Said, other: &Said) -> Vec<String> {
    let [one, other] = [one, other].map(|said| &said.document["targets"][0]);
    let mut lines = Vec::new();
    if is_certain(Some(&expect.state)) && one["state"] != other["state"] {
        lines.push(format!("the state is {} or {}", one["state"], other["state"]));
    }
    let counterpart = |endpoint: &Value| {
        items(&other["endpoints"]).iter().find(|other| other["address"] == endpoint["address"])
    };
    for endpoint in items(&one["endpoints"]) {
        match counterpart(endpoint) {
            Some(counterpart) => lines.extend(endpoint_differences(expect, endpoint, counterpart)),
            None => lines.push(format!("only one has found {}", endpoint["address"])),
        }
    }
    let [ours, theirs] = [one, other].map(|target| codes(expect, target));
    if ours != theirs {
        lines.push(format!("the findings are {ours:?} or {theirs:?}"));
    }
    lines
}

fn endpoint_differences(expect: &Expect, one: &Value, other: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let address = read::<IpAddr>(&one["address"]);
    let expected = expect
        .endpoints
        .iter()
        .find(|expected| address.is_some_and(|address| expected.addresses.contains(&address)));
    let verdict = expected.map(|expected| &expected.verdict).or(expect.others.as_ref());
    if !is_certain(verdict) {
        return lines;
    }
    let mut compare = |name: &str, one: &Value, other: &Value| {
        if one != other {
            lines.push(format!(
                "the {name} of {} is {one} or {other}",
                address.map_or_else(String::new, |address| address.to_string())
            ));
        }
    };
    compare("verdict", &one["verdict"], &other["verdict"]);
    let everything = ExpectedPlace::default();
    let place = expected.and_then(|expected| expected.place.as_ref()).unwrap_or(&everything);
    for (name, certain) in [
        ("last_answering", is_certain(place.last_answering.as_ref())),
        ("ttl", is_certain(place.ttl.as_ref())),
        ("by", is_certain(place.by.as_ref())),
        ("next_on_open_path", is_certain(place.next_on_open_path.as_ref())),
    ] {
        if certain {
            compare(name, &one["where"][name], &other["where"][name]);
        }
    }
    lines
}

/// The findings that have to agree: those that a scenario expects, and all that are more than good to know. A
/// single packet lost on a busy machine may be told by one and not by the other.
fn codes(expect: &Expect, target: &Value) -> BTreeSet<String> {
    items(&target["findings"])
        .iter()
        .filter_map(|finding| Some((finding["code"].as_str()?.to_owned(), finding["severity"] == "info")))
        .filter(|(code, only_info)| {
            expect.findings.contains(code) || !(*only_info || expect.may_find.contains(code))
        })
        .map(|(code, _)| code)
        .collect()
}

fn is_certain<T>(expected: Option<&AnyOf<T>>) -> bool {
    expected.is_none_or(|expected| expected.0.len() == 1)
}
