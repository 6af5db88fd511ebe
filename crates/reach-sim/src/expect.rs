//! What a diagnosis has to say, and where it says something else.

use std::{collections::BTreeMap, fmt, marker::PhantomData, net::IpAddr, time::Duration};

use reach_core::model::{
    Diagnosis, EndpointDiagnosis, Location, ResolutionError, Severity, State, TrailAnswer, Verdict,
};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor, value::SeqAccessDeserializer},
};

/// What a diagnosis has to say. What is absent is not looked at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The conclusion on the target.
    pub state: AnyOf<State>,
    /// The exit status of a one-shot command.
    #[serde(default)]
    pub exit: Option<u8>,
    /// Why the name gives no address.
    #[serde(default)]
    pub error: Option<ResolutionError>,
    /// Verdicts and places of some addresses.
    #[serde(default)]
    pub endpoints: Vec<ExpectedEndpoint>,
    /// Verdicts of all other addresses.
    #[serde(default)]
    pub others: Option<AnyOf<Verdict>>,
    /// How many addresses are found.
    #[serde(default)]
    pub addresses_seen: Option<Range>,
    /// Codes of findings that have to be there.
    #[serde(default)]
    pub findings: Vec<String>,
    /// Codes of findings that may be there. Any other of severity `error` or `warning` is one too many.
    #[serde(default)]
    pub may_find: Vec<String>,
    /// Codes of findings that must not be there.
    #[serde(default)]
    pub no_findings: Vec<String>,
    /// Share of failing connections, by client model.
    #[serde(default)]
    pub impact: BTreeMap<String, Range>,
    /// The examination is over after so many seconds at the latest.
    #[serde(default)]
    pub max_seconds: Option<f64>,
    /// So many DNS questions at the most.
    #[serde(default)]
    pub max_queries: Option<u32>,
}

/// What is expected of some addresses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedEndpoint {
    /// Which.
    pub addresses: Vec<IpAddr>,
    /// The verdicts that are right.
    pub verdict: AnyOf<Verdict>,
    /// Where the fault sits.
    #[serde(default, rename = "where")]
    pub place: Option<ExpectedPlace>,
}

/// Where a fault is expected.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedPlace {
    /// The last router that answers.
    pub last_answering: Option<AnyOf<Who>>,
    /// Its hop number.
    pub ttl: Option<AnyOf<u8>>,
    /// The device that answers in the host's place.
    pub by: Option<AnyOf<Who>>,
    /// The hop behind on a path that works.
    pub next_on_open_path: Option<AnyOf<Who>>,
}

/// Somebody or nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Nobody; `none` in TOML.
    Nobody,
    /// Somebody with this address.
    Address(IpAddr),
}

/// One value, or a list of values that are all right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnyOf<T>(pub Vec<T>);

/// A number, or the bounds of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

impl Expect {
    /// Where a diagnosis says something else than expected: one line each.
    pub fn mismatches(&self, diagnosis: &Diagnosis, took: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        let mut expect = |holds: bool, line: &dyn Fn() -> String| {
            if !holds {
                lines.push(line());
            }
        };
        expect(self.state.holds(&diagnosis.state), &|| {
            format!("the state is {:?} ({:?}) and not {}", diagnosis.state, diagnosis.doubt, self.state)
        });
        expect(self.error.is_none() || self.error == diagnosis.resolution.error, &|| {
            format!("the name's error is {:?} and not {:?}", diagnosis.resolution.error, self.error)
        });
        let exit = exit_status(diagnosis.state);
        expect(self.exit.is_none_or(|expected| expected == exit), &|| {
            format!("the exit status is {exit} and not {:?}", self.exit)
        });
        let seen = diagnosis.resolution.addresses.len();
        if let Some(range) = self.addresses_seen {
            expect(range.holds(seen as f64), &|| format!("{seen} addresses are seen and not {range}"));
        }
        if let Some(max) = self.max_queries {
            let queries = diagnosis.resolution.queries;
            expect(queries <= max, &|| format!("{queries} questions are asked, more than {max}"));
        }
        let limit = self.max_seconds.unwrap_or(f64::INFINITY);
        expect(took.as_secs_f64() <= limit, &|| format!("it takes {took:?}, longer than {limit} s"));
        for (client, range) in &self.impact {
            let found = diagnosis.impact.iter().find(|impact| impact.client.code() == client);
            let share = found.map(|impact| impact.failure_share);
            expect(share.is_some_and(|share| range.holds(share)), &|| {
                format!("{client} fails {share:?} of the time and not {range}")
            });
        }
        lines.extend(self.endpoint_mismatches(diagnosis));
        lines.extend(self.finding_mismatches(diagnosis));
        lines
    }

    fn endpoint_mismatches(&self, diagnosis: &Diagnosis) -> Vec<String> {
        let mut lines = Vec::new();
        for endpoint in &diagnosis.endpoints {
            let address = endpoint.endpoint.address;
            let expected = self.endpoints.iter().find(|expected| expected.addresses.contains(&address));
            let verdicts = expected.map(|expected| &expected.verdict).or(self.others.as_ref());
            if let Some(verdicts) = verdicts
                && !verdicts.holds(&endpoint.verdict)
            {
                lines.push(format!(
                    "{address} is {} ({:.3}) and not {verdicts}: {}",
                    endpoint.verdict.code(),
                    endpoint.confidence,
                    evidence(endpoint)
                ));
            }
            if let Some(place) = expected.and_then(|expected| expected.place.as_ref()) {
                match &endpoint.location {
                    None => lines.push(format!("{address} has no place")),
                    Some(location) => {
                        lines.extend(
                            place.mismatches(location).into_iter().map(|line| format!("{address}: {line}")),
                        );
                    }
                }
            }
        }
        let judged = |address: &&IpAddr| {
            diagnosis.endpoints.iter().any(|endpoint| endpoint.endpoint.address == **address)
        };
        let expected = self.endpoints.iter().flat_map(|expected| &expected.addresses);
        lines.extend(
            expected.filter(|address| !judged(address)).map(|address| format!("{address} is missing")),
        );
        lines
    }

    fn finding_mismatches(&self, diagnosis: &Diagnosis) -> Vec<String> {
        let mut lines = Vec::new();
        for code in &self.findings {
            if !diagnosis.findings.iter().any(|finding| finding.matter.code() == code) {
                lines.push(format!("{code} is not found"));
            }
        }
        for finding in &diagnosis.findings {
            let code = finding.matter.code();
            let named = |codes: &[String]| codes.iter().any(|named| named == code);
            let surplus =
                finding.severity <= Severity::Warning && !named(&self.findings) && !named(&self.may_find);
            if surplus || named(&self.no_findings) {
                lines.push(format!("{code} is found, and should not be: {:?}", finding.matter));
            }
        }
        lines
    }
}

/// The exit status of a one-shot command about one target.
pub fn exit_status(state: State) -> u8 {
    match state {
        State::Reachable => 0,
        State::PartlyReachable | State::Unreachable | State::Unresolved => 1,
        State::Inconclusive => 3,
    }
}

impl ExpectedPlace {
    fn mismatches(&self, found: &Location) -> Vec<String> {
        let mut lines = Vec::new();
        let who = |name: &str, expected: &Option<AnyOf<Who>>, found: Option<IpAddr>| {
            let found = found.map_or(Who::Nobody, Who::Address);
            let expected = expected.as_ref().filter(|expected| !expected.holds(&found))?;
            Some(format!("{name} is {found} and not {expected}"))
        };
        lines.extend(who("last_answering", &self.last_answering, found.last_answering));
        if let Some(ttl) = self.ttl.as_ref().filter(|ttl| !ttl.holds(&found.ttl)) {
            lines.push(format!("ttl is {} and not {ttl}", found.ttl));
        }
        lines.extend(who("by", &self.by, found.by));
        lines.extend(who("next_on_open_path", &self.next_on_open_path, found.next_on_open_path));
        if !lines.is_empty() {
            lines.push(format!("the trail is {}", trail(found)));
        }
        lines
    }
}

fn evidence(endpoint: &EndpointDiagnosis) -> String {
    let trail = endpoint.location.as_ref().map(trail).unwrap_or_default();
    format!("{:?} {trail}", endpoint.evidence)
}

fn trail(location: &Location) -> String {
    let hop = |answer: TrailAnswer| match answer {
        TrailAnswer::Router(address) => address.to_string(),
        TrailAnswer::Icmp(error, by) => format!("{}/{} by {by}", error.kind, error.code),
        other => format!("{other:?}"),
    };
    let hops: Vec<String> =
        location.trail.iter().map(|step| format!("{} {}", step.ttl, hop(step.answer))).collect();
    format!("[{}]", hops.join(", "))
}

impl<T: PartialEq> AnyOf<T> {
    fn holds(&self, found: &T) -> bool {
        self.0.contains(found)
    }
}

impl Range {
    fn holds(self, found: f64) -> bool {
        (self.low..=self.high).contains(&found)
    }
}

impl<T: fmt::Debug> fmt::Display for AnyOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(|value| format!("{value:?}")).collect();
        f.write_str(&texts.join(" or "))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {:.4} to {:.4}", self.low, self.high)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Nobody => f.write_str("nobody"),
            Who::Address(address) => write!(f, "{address}"),
        }
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "none" {
            return Ok(Who::Nobody);
        }
        text.parse()
            .map(Who::Address)
            .map_err(|_| serde::de::Error::custom(format!("`{text}` is neither an address nor `none`")))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for AnyOf<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Takes a list as it is and wraps a single value.
        struct OneOrMany<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
            type Value = AnyOf<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(serde::de::value::StrDeserializer::new(text)).map(|one| AnyOf(vec![one]))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
                T::deserialize(serde::de::value::I64Deserializer::new(number)).map(|one| AnyOf(vec![one]))
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
                T::deserialize(serde::de::value::F64Deserializer::new(number)).map(|one| AnyOf(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(AnyOf)
            }
        }

        deserializer.deserialize_any(OneOrMany(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyOf(bounds) = AnyOf::<Number>::deserialize(deserializer)?;
        match bounds[..] {
            // Shares are computed, so a single number stands for its neighbourhood.
            [Number(one)] => Ok(Range { low: one - 1e-3, high: one + 1e-3 }),
            [Number(low), Number(high)] => Ok(Range { low, high }),
            _ => Err(serde::de::Error::custom("a number, or a list of the lowest and the highest")),
        }
    }
}

/// A number, whole or not.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Number)
    }
}
