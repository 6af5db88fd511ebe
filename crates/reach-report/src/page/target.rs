//! One target: what it is like now, how it has been, and what the last survey found.

use std::net::IpAddr;

use maud::{Markup, html};
use reach_core::{
    Time,
    watch::{AddressState, AddressStatus, Examination, Incident, Layer, Status, TargetStatus},
};

use super::{
    Frame, Range, Voice, findings, framed, heads, incidents,
    parts::{ago, form, head, number, rank, short_time, state_badge, table},
    paths, plots,
    plots::Plots,
    with,
    words::Label,
};
use crate::{
    clean::clean,
    scene::Scene,
    units,
    watch::{reason, words::long_span},
    words::connect,
};

/// Rows of the table of addresses.
const MOST_ADDRESSES: usize = 512;

/// What is shown of a target.
#[derive(Clone, Debug)]
pub struct TargetView<'a> {
    /// Everything that is known at this moment.
    pub status: &'a Status,
    /// The target.
    pub target: &'a TargetStatus,
    /// Which time is looked at.
    pub range: Range,
    /// How deep was tried.
    pub layer: Layer,
    /// The address that is looked at; `None` for all.
    pub address: Option<IpAddr>,
    /// How it has been; `None` where nothing is remembered.
    pub plots: Option<Plots>,
    /// The last survey that is kept.
    pub survey: Option<&'a Examination>,
    /// Its incidents, newest first.
    pub incidents: &'a [Incident],
}

/// The page.
pub fn target(frame: &Frame<'_>, view: &TargetView<'_>) -> String {
    let voice = frame.voice;
    let t = |label: Label| voice.say(label);
    let scene = view.survey.map(|survey| Scene {
        case: &survey.case,
        diagnosis: &survey.diagnosis,
        finished: survey.finished,
        offset_s: voice.style(survey.finished).utc_offset_s,
        lang: voice.lang,
    });
    let main = html! {
        (heads::of_target(view.status, view.target, voice))
        (controls(frame, view))
        @match &view.plots {
            Some(plots) => (plots::panels(plots, view.address, frame.path, voice)),
            None => p.empty { (t(Label::NoMemory)) },
        }
        section aria-labelledby="addresses-title" {
            h2 #addresses-title { (t(Label::Addresses)) }
            (addresses(view, frame))
        }
        @match &scene {
            Some(scene) => (surveyed(scene, voice)),
            None => section aria-labelledby="findings-title" {
                h2 #findings-title { (t(Label::Findings)) }
                p.empty { (t(Label::NoSurvey)) }
            },
        }
        section aria-labelledby="incidents-title" {
            h2 #incidents-title { a href={ "/incidents?closed=1&target=" (view.target.id.0) } { (t(Label::Incidents)) } }
            @if view.incidents.is_empty() { p.empty { (t(Label::NoIncidents)) } } @else { (incidents::rows(view.incidents, frame.now, voice)) }
        }
    };
    framed(frame, &clean(&view.target.target), &main)
}

/// All that a survey found.
pub(super) fn surveyed(scene: &Scene<'_>, voice: &Voice) -> Markup {
    html! {
        section aria-labelledby="findings-title" {
            h2 #findings-title { (voice.say(Label::Findings)) }
            (findings::conclusion(scene, voice))
            (findings::findings(scene, voice))
        }
        (paths::section(scene, voice))
        (findings::impact(scene, voice))
        (findings::asks(scene, voice))
        (findings::certificates(scene, voice))
        (findings::gaps(scene, voice))
    }
}

/// Which time, how deep, and what may be done.
fn controls(frame: &Frame<'_>, view: &TargetView<'_>) -> Markup {
    let (voice, range, path) = (frame.voice, &view.range, frame.path);
    let t = |label: Label| voice.say(label);
    let layers = [
        (Layer::Connect, Label::LayerConnect, "connect"),
        (Layer::Exchange, Label::LayerExchange, "exchange"),
        (Layer::Echo, Label::LayerEcho, "echo"),
    ];
    let local = |at: Time| voice.civil(at, "%Y-%m-%dT%H:%M");
    html! {
        div.controls {
            nav.choice aria-label=(t(Label::TimeRange)) {
                @for (span, seconds) in PRESETS {
                    @let here = range.follows && range.length().as_secs() == seconds;
                    a href=(Range::last(span, path)) aria-current=[here.then_some("true")] { (preset(span, voice)) }
                }
            }
            nav.choice aria-label=(t(Label::TimeRange)) {
                a href=(range.earlier(path)) data-key="earlier" title=(t(Label::Earlier)) aria-label=(t(Label::Earlier)) { "←" }
                a href=(range.zoomed_in(path)) data-key="in" title=(t(Label::ZoomIn)) aria-label=(t(Label::ZoomIn)) { "+" }
                a href=(range.zoomed_out(path, frame.now)) data-key="out" title=(t(Label::ZoomOut)) aria-label=(t(Label::ZoomOut)) { "−" }
                a href=(range.later(path, frame.now)) data-key="later" title=(t(Label::Later)) aria-label=(t(Label::Later)) { "→" }
            }
            form method="get" action=(path.split('?').next().unwrap_or_default()) {
                div { label for="from" { (t(Label::From)) } " " input #from type="datetime-local" name="from" value=(local(range.from)) required; }
                div { label for="to" { (t(Label::To)) } " " input #to type="datetime-local" name="to" value=(local(range.until)) required; }
                @if view.layer != Layer::Connect { input type="hidden" name="layer" value=(view.layer.code()); }
                @if let Some(address) = view.address { input type="hidden" name="address" value=(address); }
                button type="submit" { (t(Label::Apply)) }
            }
            nav.choice aria-label=(t(Label::Layer)) {
                @for (layer, label, code) in layers {
                    a href=(with(path, "layer", code)) aria-current=[(layer == view.layer).then_some("true")] { (t(label)) }
                }
            }
            @if let Some(address) = view.address {
                a.button href=(with(path, "address", "")) { code { (address) } " ✕ " (t(Label::AllAddresses)) }
            }
            @if frame.asker.acts {
                (form("examine", &frame.asker.csrf, path, "inline", html! {
                    input type="hidden" name="target" value=(view.target.id.0);
                    button.main type="submit" disabled[view.target.examining] { (t(Label::ExamineNow)) }
                }))
            }
        }
    }
}

/// Times that are looked at often, as an address has them and in seconds.
const PRESETS: [(&str, u64); 6] =
    [("1h", 3_600), ("6h", 21_600), ("24h", 86_400), ("7d", 604_800), ("30d", 2_592_000), ("1y", 31_622_400)];

fn preset(span: &str, voice: &Voice) -> String {
    let (count, unit) = span.split_at(span.len() - 1);
    let [day, hour, ..] = super::words::units_of_time(voice.lang);
    match unit {
        "h" => format!("{count}{hour}"),
        "d" => format!("{count}{day}"),
        _ => super::words::one_year(voice.lang).to_owned(),
    }
}

fn addresses(view: &TargetView<'_>, frame: &Frame<'_>) -> Markup {
    let voice = frame.voice;
    let (now, lang, t) = (view.status.at, voice.lang, |label: Label| voice.say(label));
    let mut sorted: Vec<&AddressStatus> = view.target.addresses.iter().collect();
    sorted.sort_by_key(|address| (rank(address.remembered.state()), address.remembered.series.address));
    let heads = [
        head(Label::Address, voice),
        head(Label::State, voice),
        number(Label::Failures, voice),
        number(Label::Latency, voice),
        head(Label::Reason, voice),
        head(Label::Since, voice),
        head(Label::FirstSeen, voice),
        head(Label::Resolvers, voice),
        head(Label::Certificate, voice),
    ];
    html! {
        @if sorted.is_empty() { p.empty { "–" } } @else {
            (table("addresses", t(Label::Addresses), &heads, html! {
                @for address in sorted.iter().take(MOST_ADDRESSES) {
                    @let remembered = &address.remembered;
                    @let layer = address.layers.get(&view.layer);
                    @let (tries, failed) = layer.map_or((0, 0), |layer| (layer.tries, layer.failures.values().sum()));
                    @let since = remembered.gone_since.unwrap_or(remembered.since);
                    tr {
                        th.name scope="row" { a href=(with(frame.path, "address", &remembered.series.address.to_string())) { code { (remembered.series.address) } } }
                        td data-label=(t(Label::State)) data-v=(rank(remembered.state())) { (state_badge(remembered.state(), voice)) }
                        td.num data-label=(t(Label::Failures)) data-v=(share(failed, tries)) title=(super::words::of_tries(failed, tries, lang)) {
                            span.failing[failed > 0] { (super::words::share(failed, tries)) }
                        }
                        @let rtt = layer.and_then(|layer| layer.last_rtt);
                        td.num data-label=(t(Label::Latency)) data-v=(rtt.map_or(0, |rtt| rtt.as_micros())) {
                            @match rtt { Some(rtt) => (units::span(rtt, lang)), None => "–" }
                        }
                        td.words data-label=(t(Label::Reason)) {
                            @match remembered.reason {
                                Some(why) => span.faint[remembered.state() == AddressState::Ok] { (reason(why, lang)) },
                                None => span.none { "–" },
                            }
                        }
                        td data-label=(t(Label::Since)) data-v=(since.as_secs()) title=(long_span(now.since(since), lang)) { (short_time(since, now, voice)) " " span.faint { "(" (ago(since, now, voice)) ")" } }
                        td data-label=(t(Label::FirstSeen)) data-v=(remembered.first_seen.as_secs()) { (short_time(remembered.first_seen, now, voice)) }
                        td.words data-label=(t(Label::Resolvers)) {
                            @let resolvers: Vec<String> = remembered.resolvers.iter().map(units::resolver).collect();
                            @if resolvers.is_empty() { "–" } @else { code { (units::some_of(&resolvers, 3, lang)) } }
                        }
                        td data-label=(t(Label::Certificate)) data-v=(remembered.certificate_expires.unwrap_or(i64::MAX)) {
                            @match remembered.certificate_expires { Some(expires) => (certificate(expires, now, voice)), None => "–" }
                        }
                    }
                }
            }))
            @if sorted.len() > MOST_ADDRESSES { p.faint { (super::words::left_out(sorted.len() - MOST_ADDRESSES, lang)) } }
        }
    }
}

fn share(failed: u64, tries: u64) -> f64 {
    if tries == 0 { -1.0 } else { failed as f64 / tries as f64 }
}

/// When it ends, and whether that is soon.
fn certificate(expires: i64, now: Time, voice: &Voice) -> Markup {
    let leaf = reach_core::model::Certificate { not_after: expires, ..Default::default() };
    let days = connect::days_left(&leaf, now);
    html! {
        span.failing[days < 14] title=(units::rfc3339_seconds(expires)) {
            (units::date(expires)) " (" (connect::expiry(&leaf, now, voice.lang)) ")"
        }
    }
}
