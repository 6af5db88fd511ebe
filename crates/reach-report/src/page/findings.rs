//! What a survey found: findings with their evidence, what clients suffer, what to ask of whom.

use std::collections::BTreeMap;

use maud::{Markup, html};
use reach_core::model::{Certificate, EndpointDiagnosis, Gap, Severity, State, TlsResult, Verdict};

use super::{
    Voice,
    parts::{head, number, severity_badge, survey_badge, table, verdict_badge},
    words::Label,
};
use crate::{
    clean::clean,
    java,
    scene::Scene,
    text::{failure_groups, http_cell, pool, rank, ratio_or_time, tally, tls_cell, when_and_where},
    units, words,
    words::say,
};

/// Cards of failing addresses in one finding.
const MOST_GROUPS: usize = 24;
/// Rows of a table of addresses.
const MOST_ROWS: usize = 400;

/// The conclusion, in two lines.
pub(super) fn conclusion(scene: &Scene<'_>, voice: &Voice) -> Markup {
    html! {
        div.conclusion {
            p { (survey_badge(scene.diagnosis.state, voice)) @if let Some(tally) = tally(scene) { " " strong { (tally) } } }
            p.faint { (when_and_where(scene)) }
            @for line in pool(scene) { p.faint { (line) } }
            @if let Some(doubt) = scene.diagnosis.doubt { p.callout { (words::doubt(doubt, voice.lang)) } }
        }
    }
}

/// Every finding, with what shows it.
pub(super) fn findings(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let t = |label: Label| voice.say(label);
    let mut groups = failure_groups(scene);
    let mut cards = Vec::new();
    for finding in &scene.diagnosis.findings {
        let mut shown = Vec::new();
        if finding.severity == Severity::Error {
            let (speaks_of, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| {
                group.iter().any(|endpoint| finding.addresses.contains(&endpoint.endpoint.address))
            });
            groups = others;
            shown = speaks_of;
        }
        cards.push((finding, shown));
    }
    html! {
        @if cards.is_empty() && groups.is_empty() {
            @if scene.diagnosis.state == State::Reachable { p.empty { (t(Label::NoFindings)) } }
        }
        @for (finding, groups) in &cards {
            article.finding {
                p { (severity_badge(finding.severity, voice)) " " code { (finding.matter.code()) } }
                p.said-so { (words::finding(scene, finding)) }
                (shown_by(scene, groups, voice))
            }
        }
        @if !groups.is_empty() { article.finding { (shown_by(scene, &groups, voice)) } }
    }
}

/// What shows each kind of failure.
fn shown_by(scene: &Scene<'_>, groups: &[Vec<&EndpointDiagnosis>], voice: &Voice) -> Markup {
    html! {
        @for group in groups.iter().take(MOST_GROUPS) {
            @if let Some(first) = group.first() { (evidence(scene, first, group, voice)) }
        }
        @if groups.len() > MOST_GROUPS { p.faint { (super::words::left_out(groups.len() - MOST_GROUPS, voice.lang)) } }
    }
}

fn evidence(
    scene: &Scene<'_>,
    shown: &EndpointDiagnosis,
    group: &[&EndpointDiagnosis],
    voice: &Voice,
) -> Markup {
    let lang = voice.lang;
    let address = shown.endpoint.address;
    let others: Vec<String> =
        group.iter().skip(1).map(|endpoint| endpoint.endpoint.address.to_string()).collect();
    html! {
        details.evidence open {
            summary {
                code { (address) }
                @if !others.is_empty() { " " span.faint title=(units::some_of(&others, 40, lang)) { "+" (others.len()) } }
                " " (verdict_badge(shown.verdict, voice))
                @if shown.confidence < 1.0 && shown.verdict != Verdict::Inconclusive {
                    " " span.faint { (words::confidence(shown.confidence, lang)) }
                }
            }
            @if let Some(place) = words::place(shown, lang) { p { strong { (voice.say(Label::Where)) ": " } (place) } }
            ul {
                @if shown.evidence.is_empty() { li { (words::detail(shown, lang)) } }
                @for fact in &shown.evidence { li { (words::evidence(fact, lang)) } }
                @if let Some(thrown) = java::thrown(&scene.diagnosis.target, shown) {
                    li { "Java: " code { (thrown.until_12) } @if thrown.until_12 != thrown.from_13 { " (JDK 13+: " code { (thrown.from_13) } ")" } }
                }
                @if let Some(refuted) = words::refuted_by(shown.verdict, lang) {
                    li.faint { (words::Label::Refuted.text(lang)) " " (refuted) }
                }
            }
        }
    }
}

/// The addresses, failing ones first.
pub(super) fn endpoints(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let mut sorted: Vec<&EndpointDiagnosis> = scene.diagnosis.endpoints.iter().collect();
    sorted.sort_by_key(|endpoint| (rank(endpoint.verdict), endpoint.verdict));
    let heads = [
        head(Label::Address, voice),
        head(Label::Verdict, voice),
        number(Label::Ping, voice),
        number(Label::Connect, voice),
        number(Label::LayerExchange, voice),
        head(Label::Where, voice),
    ];
    html! {
        @if !sorted.is_empty() {
            (table("endpoints", voice.say(Label::Addresses), &heads, html! {
                @for endpoint in sorted.iter().take(MOST_ROWS) {
                    tr {
                        th.name scope="row" { code { (endpoint.endpoint.address) } }
                        td data-label=(voice.say(Label::Verdict)) { (verdict_badge(endpoint.verdict, voice)) }
                        td.num data-label=(voice.say(Label::Ping)) {
                            @if endpoint.ping.sent == 0 { "–" } @else { (ratio_or_time(endpoint.ping.received, endpoint.ping.sent, endpoint.ping.rtt, lang)) }
                        }
                        td.num data-label=(voice.say(Label::Connect)) {
                            @if endpoint.connect.attempts == 0 { "–" } @else { (ratio_or_time(endpoint.connect.succeeded, endpoint.connect.attempts, endpoint.connect.rtt, lang)) }
                        }
                        td.num data-label=(voice.say(Label::LayerExchange)) { (tls_cell(endpoint, lang)) " / " (http_cell(endpoint, lang)) }
                        td.words data-label=(voice.say(Label::Where)) {
                            @if endpoint.verdict != Verdict::Ok { (words::place_short(endpoint, lang)) }
                        }
                    }
                }
            }))
            @if sorted.len() > MOST_ROWS { p.faint { (super::words::left_out(sorted.len() - MOST_ROWS, lang)) } }
        }
    }
}

/// What clients suffer, where they suffer anything.
pub(super) fn impact(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let suffers = scene.diagnosis.impact.iter().any(|impact| {
        impact.failure_share > 0.0 || impact.added_latency.is_some_and(|added| !added.is_zero())
    });
    let heads = [
        head(Label::Client, voice),
        number(Label::Fails, voice),
        number(Label::Added, voice),
        head(Label::Logs, voice),
    ];
    html! {
        @if suffers {
            section aria-labelledby="impact-title" {
                h2 #impact-title { (voice.say(Label::Impact)) }
                (table("impact", voice.say(Label::Impact), &heads, html! {
                    @for impact in &scene.diagnosis.impact {
                        tr {
                            th.name scope="row" { (words::client(impact.client, lang)) }
                            td.num data-label=(voice.say(Label::Fails)) { span.failing[impact.failure_share > 0.0] { (units::percent(impact.failure_share)) } }
                            td.num data-label=(voice.say(Label::Added)) {
                                @match impact.added_latency.filter(|added| !added.is_zero()) { Some(added) => { "+" (units::span(added, lang)) }, None => "–" }
                            }
                            td.words data-label=(voice.say(Label::Logs)) {
                                @match words::client_logs(impact.client, scene).filter(|_| impact.failure_share > 0.0) { Some(logs) => code { (logs) }, None => "–" }
                            }
                        }
                    }
                }))
            }
        }
    }
}

/// What to ask of whom, ready to copy.
pub(super) fn asks(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let mut asks: Vec<words::Ask> = words::findings_with_ask(scene).into_iter().map(|(_, ask)| ask).collect();
    if let Some(error) = scene.diagnosis.resolution.error.filter(|_| scene.diagnosis.endpoints.is_empty()) {
        asks.insert(0, words::resolution_advice(scene, error));
    }
    let advice = scene.diagnosis.doubt.map(|doubt| words::doubt_advice(doubt, lang));
    html! {
        @if !asks.is_empty() || advice.is_some() {
            section aria-labelledby="asks-title" {
                h2 #asks-title { (voice.say(Label::Asks)) }
                @if let Some(advice) = advice { p.callout { (advice) } }
                @for ask in &asks {
                    article.ask { h3 { (ask.to.text(lang)) } @for line in &ask.lines { p { (line) } } }
                }
            }
        }
    }
}

/// What the survey could not see.
pub(super) fn gaps(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let mut gaps: BTreeMap<Gap, Vec<String>> = BTreeMap::new();
    for endpoint in &scene.diagnosis.endpoints {
        for gap in &endpoint.gaps {
            gaps.entry(*gap).or_default().push(endpoint.endpoint.address.to_string());
        }
    }
    let all = scene.diagnosis.endpoints.len();
    html! {
        @if !gaps.is_empty() {
            section aria-labelledby="gaps-title" {
                h2 #gaps-title { (voice.say(Label::NotTold)) }
                ul.gaps {
                    @for (gap, addresses) in &gaps {
                        li { (words::gap(*gap, voice.lang)) @if addresses.len() < all { " (" (units::some_of(addresses, 3, voice.lang)) ")" } }
                    }
                }
            }
        }
    }
}

/// Every certificate that was shown, with where.
pub(super) fn certificates(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let mut seen: BTreeMap<&str, (&Certificate, &TlsResult, Vec<String>)> = BTreeMap::new();
    for endpoint in &scene.diagnosis.endpoints {
        let Some(tls) = &endpoint.tls else { continue };
        let Some(leaf) = tls.chain.first() else { continue };
        let entry = seen.entry(leaf.sha256.as_str()).or_insert((leaf, tls, Vec::new()));
        entry.2.push(endpoint.endpoint.address.to_string());
    }
    html! {
        @if !seen.is_empty() {
            section aria-labelledby="tls-title" {
                h2 #tls-title { (voice.say(Label::Certificates)) }
                div.cards {
                    @for (leaf, tls, addresses) in seen.values() {
                        @let days = words::connect::days_left(leaf, scene.finished);
                        article.card {
                            h3 { @if leaf.subject.is_empty() { (clean(leaf.names.first().map_or("–", String::as_str))) } @else { (clean(&leaf.subject)) } }
                            dl.facts {
                                dt { (voice.say(Label::Trust)) }
                                dd {
                                    @if tls.distrust.is_empty() { (super::parts::badge("good", "✓", voice.say(Label::Trusted))) }
                                    @else { (super::parts::badge("bad", "✗", &words::distrust(&tls.distrust, lang))) }
                                }
                                dt { (voice.say(Label::Expires)) }
                                dd { span.failing[days < 14] { (units::date(leaf.not_after)) " (" (words::connect::expiry(leaf, scene.finished, lang)) ")" } }
                                dt { (voice.say(Label::Issuer)) } dd { (clean(&leaf.issuer)) }
                                dt { (voice.say(Label::Names)) }
                                dd { (units::some_of(&leaf.names.iter().map(|name| clean(name)).collect::<Vec<_>>(), 6, lang)) }
                                @if let Some(version) = &tls.version {
                                    dt { (voice.say(Label::Version)) }
                                    dd { (clean(version)) @if let Some(cipher) = &tls.cipher { " · " (clean(cipher)) } @if let Some(alpn) = &tls.alpn { " · " (clean(alpn)) } }
                                }
                                dt { "SHA-256" } dd { code.long { (clean(&leaf.sha256)) } }
                                dt { (voice.say(Label::Addresses)) } dd { code { (units::some_of(addresses, 6, lang)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What every resolver said.
pub(super) fn resolvers(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let resolution = &scene.diagnosis.resolution;
    html! {
        @if !resolution.resolvers.is_empty() {
            ul.gaps {
                @for report in &resolution.resolvers {
                    @let (queries, unanswered) = (report.queries, report.unanswered);
                    li {
                        code { (units::resolver(&report.resolver)) } ": " (words::conduct(report, resolution.error, lang)) ", "
                        (say!(lang, "{queries} asked, {unanswered} unanswered", "질의 {queries}건 중 무응답 {unanswered}건"))
                        @if let Some(rtt) = report.rtt { ", " (units::span(rtt, lang)) }
                    }
                }
            }
        }
    }
}
