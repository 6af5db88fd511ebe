//! `[signals]` and `[otlp_receiver]`: what other systems say, and what follows from it.

use std::{collections::BTreeMap, net::SocketAddr, ops::RangeInclusive, time::Duration};

use reach_core::watch::{Cadence, Rules, joining::JoiningRules};
use serde::{Deserialize, Serialize};

use super::{read::Defaults, rules::failure_share, sheet::Section};
use crate::{
    output::shown,
    web::{
        allow::{Allowed, Policy},
        settings::{Source, span},
    },
};

/// What follows from signals.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalsConfig {
    /// When a service suffers.
    pub joining: JoiningRules,
    /// Destinations that are examined, and watched from then on, although no target stands for them.
    pub examine: Policy,
    /// So many at the same time.
    pub most: usize,
    /// How they are watched.
    pub like: Like,
}

/// How a destination is watched that signals name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Like {
    /// What operators call it.
    pub labels: BTreeMap<String, String>,
    /// How often and how.
    pub pace: Cadence,
    /// When to speak of it.
    pub rules: Rules,
}

impl Default for SignalsConfig {
    fn default() -> Self {
        Self { joining: JoiningRules::default(), examine: Policy::local(), most: 32, like: Like::default() }
    }
}

/// `[otlp_receiver]`: an endpoint for agents of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpReceiverSettings {
    /// What its signals name as their source.
    pub name: String,
    /// Where to listen; gRPC and HTTP are spoken at each place.
    pub listen: Vec<SocketAddr>,
    /// What agents send as `Authorization: Bearer …`.
    pub token: Option<Source>,
    /// From which time on a statement of a database is slow.
    #[serde(with = "span")]
    pub slow_statement: Duration,
}

impl Default for OtlpReceiverSettings {
    fn default() -> Self {
        let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            name: "otlp".to_owned(),
            // The ports of OTLP for gRPC and for HTTP, as agents use them where nobody says another.
            listen: vec![here(4317), here(4318)],
            token: None,
            slow_statement: Duration::from_secs(1),
        }
    }
}

const SPANS: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(86_400);

pub(super) fn signals(root: &Section<'_, '_>, defaults: &Defaults) -> SignalsConfig {
    let usual = SignalsConfig::default();
    let like =
        Like { labels: defaults.labels.clone(), pace: defaults.pace.clone(), rules: defaults.rules.clone() };
    let Some(section) = root.section("signals") else { return SignalsConfig { like, ..usual } };
    let base = usual.joining;
    let share = failure_share(&section, Some(base.share));
    if share.is_none() {
        section.wrong(
            "failure_share",
            "it cannot be switched off; set a larger `threshold`, or leave the source out that counts requests",
        );
    }
    let joining = JoiningRules {
        share: share.unwrap_or(base.share),
        failures: section
            .count("failures", 1..=1_000_000)
            .and_then(|failures| u32::try_from(failures).ok())
            .unwrap_or(base.failures),
        span: section.span("within", SPANS).unwrap_or(base.span),
        calm: section.span("calm", SPANS).unwrap_or(base.calm),
        stale: section.span("stale", SPANS).unwrap_or(base.stale),
    };
    let most = section.count("most", 0..=1_000).and_then(|most| usize::try_from(most).ok());
    let examine = examine(&section).unwrap_or(usual.examine);
    section.finish();
    SignalsConfig { joining, examine, most: most.unwrap_or(usual.most), like }
}

/// `"all"`, `"watched"`, or what may be examined besides what is watched.
fn examine(section: &Section<'_, '_>) -> Option<Policy> {
    const KEY: &str = "examine";
    if !section.has(KEY) {
        return None;
    }
    let texts = section.texts(KEY);
    match texts.as_slice() {
        [one] if one.text == "all" => return Some(Policy::local()),
        [one] if one.text == "watched" => return Some(Policy { open: false, allow: Vec::new() }),
        _ => {}
    }
    let mut allow = Vec::new();
    for placed in texts {
        match placed.text.parse::<Allowed>() {
            Ok(allowed) => allow.push(allowed),
            Err(error) => section.wrong_at(
                placed.at,
                KEY,
                format!("{error}; or give \"all\", or \"watched\" for nothing but targets"),
            ),
        }
    }
    Some(Policy { open: false, allow })
}

pub(super) fn otlp_receiver(root: &Section<'_, '_>) -> Option<OtlpReceiverSettings> {
    let section = root.section("otlp_receiver")?;
    let settings: OtlpReceiverSettings = section.deserialize()?;
    if settings.name.trim().is_empty() {
        section.wrong("name", "it is empty; give one like \"otlp\"");
    }
    if settings.listen.is_empty() {
        section.wrong("listen", "it is empty; give addresses like [\"127.0.0.1:4317\"]");
    }
    if let Some(open) = settings.listen.iter().find(|at| !at.ip().is_loopback())
        && settings.token.is_none()
    {
        let open = shown(&open.to_string());
        section.wrong(
            "listen",
            format!(
                "others than this host reach {open}, and could say anything there; set `token`, as in \
                 token = {{ file = \"/etc/reach/otlp-token\" }}"
            ),
        );
    }
    if let Some(Err(problem)) = settings.token.as_ref().map(Source::read) {
        section.wrong("token", problem);
    }
    Some(settings)
}
