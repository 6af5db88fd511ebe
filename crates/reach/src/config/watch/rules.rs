//! How often a target is tried and when to speak of it: the same keys in `[defaults]` and in every `[[target]]`.

use std::{ops::RangeInclusive, time::Duration};

use reach_core::{
    model::Families,
    watch::{BurnRate, Cadence, FailureShare, LatencyRule, Rules},
};
use toml::de::DeValue;

use super::{
    read::{LONGEST_EVERY, SHORTEST_EVERY},
    sheet::Section,
};
use crate::config;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const MINUTE: Duration = seconds(60);
const HOUR: Duration = seconds(3_600);
const DAY: Duration = seconds(86_400);
const MONTH: Duration = seconds(30 * 86_400);

/// What the keys of a section say of how often and how, over what holds otherwise.
pub(super) fn pace(section: &Section<'_, '_>, base: &Cadence) -> Cadence {
    let each = seconds(1)..=seconds(7 * 86_400);
    let mut pace = Cadence {
        every: section.span("every", SHORTEST_EVERY..=LONGEST_EVERY).unwrap_or(base.every),
        exchange_every: section.span_or_never("exchange_every", each.clone()).unwrap_or(base.exchange_every),
        echo_every: section.span_or_never("echo_every", each.clone()).unwrap_or(base.echo_every),
        resolve_every: section.span("resolve_every", each).unwrap_or(base.resolve_every),
        timeout: section.span("timeout", Duration::from_millis(10)..=MINUTE).unwrap_or(base.timeout),
        read_timeout: section
            .span("read_timeout", Duration::from_millis(10)..=seconds(300))
            .unwrap_or(base.read_timeout),
        families: section.parsed("families", families).unwrap_or(base.families),
        extra_resolvers: base.extra_resolvers.clone(),
        gone_after: section.span("gone_after", MINUTE..=MONTH).unwrap_or(base.gone_after),
        forget_after: section
            .span("forget_after", MINUTE..=seconds(366 * 86_400))
            .unwrap_or(base.forget_after),
        well_after: section.span("well_after", Duration::ZERO..=DAY).unwrap_or(base.well_after),
    };
    if section.has("resolvers") {
        pace.extra_resolvers.clear();
        for typed in section.texts("resolvers") {
            match config::resolver("resolvers:", &typed.text) {
                Ok(resolver) if pace.extra_resolvers.contains(&resolver) => {}
                Ok(resolver) => pace.extra_resolvers.push(resolver),
                Err(what) => section.sheet().wrong(typed.at, what),
            }
        }
    }
    if pace.forget_after < pace.gone_after {
        section.wrong(
            "forget_after",
            format!(
                "an address cannot be forgotten before it is gone ({})",
                humantime::format_duration(pace.gone_after)
            ),
        );
    }
    pace
}

fn families(text: &str) -> Result<Families, String> {
    match text {
        "both" => Ok(Families::Both),
        "ipv4" => Ok(Families::V4),
        "ipv6" => Ok(Families::V6),
        _ => Err(format!("`{}` is none of \"both\", \"ipv4\" and \"ipv6\"", crate::output::shown(text))),
    }
}

/// What the keys of a section say of when to speak, over what holds otherwise.
pub(super) fn rules(section: &Section<'_, '_>, base: &Rules) -> Rules {
    Rules {
        open_after: section.span("open_after", Duration::ZERO..=DAY).unwrap_or(base.open_after),
        recovered_after: section.span("recovered_after", seconds(1)..=DAY).unwrap_or(base.recovered_after),
        clear_after: section.span("clear_after", seconds(1)..=7 * DAY).unwrap_or(base.clear_after),
        failure_share: failure_share(section, base.failure_share),
        latency: latency(section, base.latency),
        certificate: certificate(section, base.certificate),
        pool_changes: section.flag("pool_changes").unwrap_or(base.pool_changes),
        disagreement: section.flag("disagreement").unwrap_or(base.disagreement),
        burn: burn(section, &base.burn),
    }
}

/// What stands under a key that may be switched off.
enum Switch<'s, 't> {
    Off,
    Table(Section<'s, 't>),
    Other,
}

fn switch<'s, 't>(section: &Section<'s, 't>, key: &'static str) -> Option<Switch<'s, 't>> {
    enum Kind {
        Off,
        Table,
        Other,
    }
    let kind = section.take(key, |value| {
        Ok(match value {
            DeValue::Boolean(false) => Kind::Off,
            DeValue::String(text) if matches!(text.as_ref(), "off" | "never") => Kind::Off,
            DeValue::Table(_) => Kind::Table,
            _ => Kind::Other,
        })
    })?;
    Some(match kind {
        Kind::Off => Switch::Off,
        Kind::Table => Switch::Table(section.section(key)?),
        Kind::Other => Switch::Other,
    })
}

const WINDOWS: RangeInclusive<Duration> = seconds(10)..=DAY;
const COUNTS: RangeInclusive<u64> = 1..=1_000_000;

pub(super) fn failure_share(section: &Section<'_, '_>, base: Option<FailureShare>) -> Option<FailureShare> {
    const KEY: &str = "failure_share";
    let usual = base.unwrap_or_default();
    match switch(section, KEY) {
        None => base,
        Some(Switch::Off) => None,
        Some(Switch::Other) => {
            section.share(KEY).map(|threshold| FailureShare { threshold, ..usual }).or(base)
        }
        Some(Switch::Table(table)) => {
            let rule = FailureShare {
                threshold: table.share("threshold").unwrap_or(usual.threshold),
                window: table.span("window", WINDOWS).unwrap_or(usual.window),
                least: table.count("least", COUNTS).map_or(usual.least, whole),
            };
            table.finish();
            Some(rule)
        }
    }
}

fn latency(section: &Section<'_, '_>, base: Option<LatencyRule>) -> Option<LatencyRule> {
    const KEY: &str = "latency";
    let limits = Duration::from_millis(1)..=MINUTE;
    let usual =
        base.unwrap_or(LatencyRule { quantile: 0.95, above: seconds(1), window: seconds(300), least: 30 });
    match switch(section, KEY) {
        None => base,
        Some(Switch::Off) => None,
        Some(Switch::Other) => section.span(KEY, limits).map(|above| LatencyRule { above, ..usual }).or(base),
        Some(Switch::Table(table)) => {
            if base.is_none() && !table.has("above") {
                table.lacks("above", "above = \"500ms\"");
            }
            let rule = LatencyRule {
                quantile: table.share("quantile").unwrap_or(usual.quantile),
                above: table.span("above", limits).unwrap_or(usual.above),
                window: table.span("window", WINDOWS).unwrap_or(usual.window),
                least: table.count("least", COUNTS).map_or(usual.least, whole),
            };
            table.finish();
            Some(rule)
        }
    }
}

fn certificate(
    section: &Section<'_, '_>,
    base: Option<(Duration, Duration)>,
) -> Option<(Duration, Duration)> {
    const KEY: &str = "certificate";
    let limits = HOUR..=seconds(366 * 86_400);
    let usual = base.or(Rules::default().certificate).unwrap_or((14 * DAY, 3 * DAY));
    match switch(section, KEY) {
        None => base,
        Some(Switch::Off) => None,
        Some(Switch::Other) => {
            section.wrong(KEY, "give { warn = \"14d\", critical = \"3d\" }, or \"off\"");
            base
        }
        Some(Switch::Table(table)) => {
            let warn = table.span("warn", limits.clone()).unwrap_or(usual.0);
            let critical = table.span("critical", limits).unwrap_or(usual.1.min(warn));
            if critical > warn {
                table.wrong("critical", "it is earlier than `warn`; the warning comes first");
            }
            table.finish();
            Some((warn, critical))
        }
    }
}

/// `slo` alone means the three rates of the *Site Reliability Workbook*, table 5-8.
fn burn(section: &Section<'_, '_>, base: &[BurnRate]) -> Vec<BurnRate> {
    if let (true, true) = (section.has("slo"), section.has("burn")) {
        section.wrong("slo", "`burn` says it rate by rate; leave one of them out");
        return base.to_vec();
    }
    if let Some(objective) = section.share("slo") {
        let rate = |factor, long, short, page| BurnRate { objective, factor, long, short, page };
        return vec![
            rate(14.4, HOUR, seconds(300), true),
            rate(6.0, 6 * HOUR, seconds(1_800), true),
            rate(1.0, 3 * DAY, 6 * HOUR, false),
        ];
    }
    if !section.has("burn") {
        return base.to_vec();
    }
    let one = |table: Section<'_, '_>| {
        for (key, example) in
            [("objective", "objective = \"99.9%\""), ("factor", "factor = 14.4"), ("long", "long = \"1h\"")]
        {
            if !table.has(key) {
                table.lacks(key, example);
            }
        }
        let objective = table.share("objective");
        let factor = table.number("factor", 0.1..=10_000.0);
        let long = table.span("long", MINUTE..=MONTH);
        let short = table.span("short", seconds(10)..=MONTH);
        let page = table.flag("page").unwrap_or(true);
        if let (Some(long), Some(short)) = (long, short)
            && short >= long
        {
            table.wrong("short", "it is no shorter than `long`; a twelfth of it is usual");
        }
        table.finish();
        let (objective, factor, long) = (objective?, factor?, long?);
        Some(BurnRate { objective, factor, long, short: short.unwrap_or(long / 12), page })
    };
    section.sections("burn").into_iter().filter_map(one).collect()
}

/// Counts are bounded by [`COUNTS`].
fn whole(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
