//! Every target on one page, those that suffer first.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use maud::{Markup, html};
use reach_core::{
    Time,
    watch::{AddressState, Incident, Layer, Status, TargetId, TargetStatus, fits, recent::Calm},
};
use serde_json::json;

use super::{
    Frame, Voice, framed,
    parts::{address_tip, ago, cell_class, gravity_badge, labels, mark, rank, standing_badge},
    with,
    words::{self, Label},
};
use crate::{
    chart::{self, Spark},
    clean::clean,
    units,
    watch::{
        status::{Standing, counts, handshakes, incident_of},
        words::{short_time, title},
    },
};

/// Targets on one page.
const A_PAGE: usize = 100;
/// The size of a sparkline.
const SPARKLINE: (f64, f64) = (96.0, 22.0);
/// Cells of one target.
const MOST_CELLS: usize = 48;

/// What is known of the last hour of a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Glance {
    /// Handshakes with a result.
    pub tries: u64,
    /// Of them failed.
    pub failed: u64,
    /// The median time of those that worked.
    pub latency: Option<Duration>,
    /// Minute by minute: the last one is now.
    pub recent: Vec<Spark>,
    /// Since when nothing has failed, where more is known of it than the status tells.
    pub calm: Option<Calm>,
}

impl Glance {
    /// What the status alone tells: since the watch began.
    pub fn of(target: &TargetStatus) -> Self {
        let (tries, failed) = handshakes(target);
        let mut last: Vec<Duration> = target
            .addresses
            .iter()
            .filter_map(|address| address.layers.get(&Layer::Connect)?.last_rtt)
            .collect();
        last.sort_unstable();
        Self { tries, failed, latency: last.get(last.len() / 2).copied(), ..Self::default() }
    }

    fn share(&self) -> f64 {
        if self.tries == 0 { 0.0 } else { self.failed as f64 / self.tries as f64 }
    }
}

/// In which order targets are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What suffers first.
    #[default]
    Worst,
    /// By name.
    Name,
    /// What fails most first.
    Failures,
    /// The slowest first.
    Latency,
    /// What was troubled last first.
    Calm,
}

impl Sort {
    const ALL: [Sort; 5] = [Sort::Worst, Sort::Name, Sort::Failures, Sort::Latency, Sort::Calm];

    const fn code(self) -> &'static str {
        match self {
            Sort::Worst => "worst",
            Sort::Name => "name",
            Sort::Failures => "failures",
            Sort::Latency => "latency",
            Sort::Calm => "calm",
        }
    }

    /// The order with this name.
    pub fn of(code: &str) -> Option<Sort> {
        Self::ALL.into_iter().find(|sort| sort.code() == code)
    }
}

/// Which targets, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What they have to fit: words of the name, an address, `label=value`; all of them.
    pub text: String,
    /// `ok`, `partly`, `down`, `unresolved`, `shaky` or `unknown`; empty for any.
    pub state: String,
    /// The order.
    pub sort: Sort,
    /// Which page of them, from 1.
    pub page: usize,
}

impl Query {
    /// Whether the target is wanted.
    fn takes(&self, target: &TargetStatus) -> bool {
        let standing = Standing::of(target).code();
        let right_state = self.state.is_empty()
            || self.state == standing
            || (self.state == "down" && standing == "unresolved");
        right_state && self.text.split_whitespace().all(|word| has(target, word))
    }
}

fn has(target: &TargetStatus, word: &str) -> bool {
    if let Some((name, value)) = word.split_once('=') {
        return target.labels.get(name).is_some_and(|own| fits(value, own));
    }
    let wanted = word.to_lowercase();
    let looks_like_address = wanted.contains(['.', ':'])
        && !wanted.contains(|c: char| c.is_ascii_alphabetic() && !c.is_ascii_hexdigit());
    target.target.to_lowercase().contains(&wanted)
        || target.labels.values().any(|value| value.to_lowercase().contains(&wanted))
        || looks_like_address
            && target
                .addresses
                .iter()
                .any(|address| address.remembered.series.address.to_string().contains(&wanted))
}

const fn badness(standing: Standing) -> u8 {
    match standing {
        Standing::Unresolved | Standing::Down => 0,
        Standing::Partly => 1,
        Standing::Shaky => 2,
        Standing::Unknown => 3,
        Standing::Ok => 4,
    }
}

/// Since when nothing has failed; `None` where something does, or nothing is known.
fn calm(target: &TargetStatus, status: &Status, glance: &Glance) -> Option<Calm> {
    let known = calm_since(target, status)?;
    Some(glance.calm.unwrap_or(Calm::Since(known)))
}

/// The same, as far as the status alone tells.
pub(super) fn calm_since(target: &TargetStatus, status: &Status) -> Option<Time> {
    if Standing::of(target) != Standing::Ok || incident_of(status, target).is_some() {
        return None;
    }
    let remembered = || target.addresses.iter().map(|address| &address.remembered);
    let trouble = remembered().filter(|it| it.reason.is_some()).map(|it| it.since).max();
    trouble.or_else(|| remembered().map(|it| it.first_seen).min())
}

/// The targets that are wanted, in their order.
fn chosen<'a>(
    status: &'a Status,
    glances: &BTreeMap<TargetId, Glance>,
    query: &Query,
) -> Vec<&'a TargetStatus> {
    let mut found: Vec<&TargetStatus> = status.targets.iter().filter(|target| query.takes(target)).collect();
    let glance =
        |target: &TargetStatus| glances.get(&target.id).cloned().unwrap_or_else(|| Glance::of(target));
    match query.sort {
        Sort::Worst => found.sort_by_cached_key(|target| {
            let untroubled = incident_of(status, target).is_none();
            (badness(Standing::of(target)), untroubled, target.target.to_lowercase())
        }),
        Sort::Name => found.sort_by_cached_key(|target| target.target.to_lowercase()),
        Sort::Failures => {
            // Shares do not exceed 1: millionths tell them apart.
            found.sort_by_cached_key(|target| Reverse((glance(target).share() * 1e6) as u64));
        }
        Sort::Latency => found.sort_by_cached_key(|target| Reverse(glance(target).latency)),
        Sort::Calm => {
            let since = |target: &TargetStatus| match calm(target, status, &glance(target)) {
                Some(Calm::Since(at) | Calm::AtLeast(at)) => at,
                None => status.at,
            };
            found.sort_by_cached_key(|target| Reverse(since(target)));
        }
    }
    found
}

/// The overview.
pub fn overview(
    frame: &Frame<'_>,
    status: &Status,
    glances: &BTreeMap<TargetId, Glance>,
    query: &Query,
) -> String {
    let voice = frame.voice;
    let t = |label: Label| voice.say(label);
    let found = chosen(status, glances, query);
    let pages = found.len().div_ceil(A_PAGE).max(1);
    let page = query.page.clamp(1, pages);
    let first = (page - 1) * A_PAGE;
    let shown: Vec<&TargetStatus> = found.iter().skip(first).take(A_PAGE).copied().collect();
    let main = html! {
        h1.hidden { (t(Label::Overview)) }
        (strip(status, voice))
        (open_incidents(status, voice))
        section aria-labelledby="targets-title" {
            div.bar {
                h2 #targets-title { (t(Label::Targets)) }
                (search(query, voice))
                @if !query.state.is_empty() || !query.text.is_empty() {
                    a.clear href="/" { (t(Label::Clear)) }
                }
            }
            @if status.targets.is_empty() {
                p.empty { (t(Label::NothingWatched)) }
            } @else if shown.is_empty() {
                p.empty { (t(Label::NothingFound)) }
            } @else {
                div.scroll {
                    table.targets #targets {
                        caption.hidden { (t(Label::Targets)) }
                        thead { tr {
                            (head(Label::State, Some(Sort::Worst), None, query, frame))
                            (head(Label::Target, Some(Sort::Name), None, query, frame))
                            (head(Label::Addresses, None, None, query, frame))
                            (head(Label::Failures, Some(Sort::Failures), Some(Label::FailuresWhy), query, frame))
                            (head(Label::Latency, Some(Sort::Latency), Some(Label::LatencyWhy), query, frame))
                            (head(Label::Incident, None, None, query, frame))
                            (head(Label::Calm, Some(Sort::Calm), Some(Label::CalmWhy), query, frame))
                        } }
                        tbody {
                            @for target in &shown {
                                @match glances.get(&target.id) {
                                    Some(glance) => (row(status, target, glance, voice)),
                                    None => (row(status, target, &Glance::of(target), voice)),
                                }
                            }
                        }
                    }
                }
                @if pages > 1 { (pager(first, shown.len(), found.len(), page, pages, frame)) }
            }
        }
        (state_of_watch(status, voice))
    };
    framed(frame, t(Label::Overview), &main)
}

fn head(label: Label, sort: Option<Sort>, why: Option<Label>, query: &Query, frame: &Frame<'_>) -> Markup {
    let voice = frame.voice;
    let number = matches!(label, Label::Failures | Label::Latency);
    let sorted = sort == Some(query.sort);
    let order = if query.sort == Sort::Name { "ascending" } else { "descending" };
    html! {
        th scope="col" class=[number.then_some("num")] title=[why.map(|why| voice.say(why))]
            aria-sort=[sorted.then_some(order)] {
            @match sort {
                Some(sort) => a href=(with(&with(frame.path, "page", ""), "sort", sort.code())) { (voice.say(label)) },
                None => (voice.say(label)),
            }
        }
    }
}

fn search(query: &Query, voice: &Voice) -> Markup {
    let t = |label: Label| voice.say(label);
    html! {
        form.search method="get" action="/" role="search" {
            label.hidden for="q" { (t(Label::Search)) }
            input #q name="q" type="search" value=(query.text) placeholder=(t(Label::SearchHint)) autocomplete="off" spellcheck="false" maxlength="200";
            @if query.sort != Sort::Worst { input type="hidden" name="sort" value=(query.sort.code()); }
            @if !query.state.is_empty() { input type="hidden" name="state" value=(query.state); }
            button type="submit" { (t(Label::Search)) }
        }
    }
}

fn pager(first: usize, shown: usize, all: usize, page: usize, pages: usize, frame: &Frame<'_>) -> Markup {
    let voice = frame.voice;
    let to = |page: usize| with(frame.path, "page", &page.to_string());
    html! {
        nav.pager aria-label=(voice.say(Label::Pages)) {
            @if page > 1 { a href=(to(page - 1)) rel="prev" { "← " (voice.say(Label::Previous)) } }
            span { (words::part(first + 1, first + shown, all, voice.lang)) }
            @if page < pages { a href=(to(page + 1)) rel="next" { (voice.say(Label::Next)) " →" } }
        }
    }
}

/// A row of the overview: a `<tr>` whose id is `t` and the number of the target.
pub fn overview_row(status: &Status, target: &TargetStatus, glance: &Glance, voice: &Voice) -> String {
    row(status, target, glance, voice).into_string()
}

fn row(status: &Status, target: &TargetStatus, glance: &Glance, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let t = |label: Label| voice.say(label);
    let standing = Standing::of(target);
    let incident = incident_of(status, target);
    html! {
        tr id={ "t" (target.id.0) } {
            td.state { (standing_badge(standing, voice)) }
            th.name scope="row" {
                div.named {
                    a href={ "/target/" (target.id.0) } { (clean(&target.target)) }
                    @if !target.labels.is_empty() { span.chips { (labels(&target.labels)) } }
                }
            }
            td.pool data-label=(t(Label::Addresses)) { (cells(target, status.at, voice)) }
            td.num data-label=(t(Label::Failures)) title=(words::of_tries(glance.failed, glance.tries, lang)) {
                span.failing[glance.failed > 0] { (words::share(glance.failed, glance.tries)) }
            }
            td.num.latency data-label=(t(Label::Latency)) {
                (sparkline(&glance.recent, voice))
                span { @match glance.latency { Some(latency) => (units::span(latency, lang)), None => "–" } }
            }
            td.incident data-label=(t(Label::Incident)) {
                @if let Some(incident) = incident {
                    a href={ "/incident/" (incident.id.0) } { "#" (incident.id.0) } " " (gravity_badge(incident.gravity, voice))
                } @else { span.none { "–" } }
            }
            td.calm data-label=(t(Label::Calm)) {
                @match calm(target, status, glance) {
                    Some(Calm::Since(at)) => (ago(at, status.at, voice)),
                    Some(Calm::AtLeast(at)) => { span aria-hidden="true" { "≥ " } (ago(at, status.at, voice)) },
                    None => span.none { "–" },
                }
            }
        }
    }
}

/// One cell an address, the worst first.
fn cells(target: &TargetStatus, now: Time, voice: &Voice) -> Markup {
    let mut addresses: Vec<_> = target.addresses.iter().collect();
    addresses.sort_by_key(|address| (rank(address.remembered.state()), address.remembered.series.address));
    let counts: Vec<(AddressState, usize)> = counts(target).into_iter().collect();
    let shown = if addresses.len() > MOST_CELLS + 1 { MOST_CELLS } else { addresses.len() };
    html! {
        @if addresses.is_empty() { span.none { "–" } } @else {
            span.cells role="img" aria-label=(words::tally(&counts, voice.lang)) {
                @for address in &addresses[..shown] {
                    @let of = address.remembered.state();
                    i class=(cell_class(of)) title=(address_tip(address, now, voice)) {
                        @if of != AddressState::Ok { (mark(of)) }
                    }
                }
                @if addresses.len() > shown { b { "+" (addresses.len() - shown) } }
            }
        }
    }
}

/// The last hour of the latency, as a small picture.
fn sparkline(recent: &[Spark], voice: &Voice) -> Markup {
    html! { @if !recent.is_empty() { (chart::svg(&chart::sparkline(recent, SPARKLINE, voice.lang))) } }
}

/// How all is, in one line: an element whose id is `summary`.
pub fn summary_strip(status: &Status, voice: &Voice) -> String {
    strip(status, voice).into_string()
}

fn strip(status: &Status, voice: &Voice) -> Markup {
    let (lang, t) = (voice.lang, |label: Label| voice.say(label));
    let count = |wanted: &[Standing]| {
        status.targets.iter().filter(|target| wanted.contains(&Standing::of(target))).count()
    };
    let tiles = [
        ("good", "✓", Label::Ok, "ok", count(&[Standing::Ok])),
        ("partly", "◐", Label::Partly, "partly", count(&[Standing::Partly])),
        ("bad", "✗", Label::Down, "down", count(&[Standing::Down, Standing::Unresolved])),
        ("warn", "!", Label::Checking, "shaky", count(&[Standing::Shaky])),
        ("unknown", "?", Label::Unknown, "unknown", count(&[Standing::Unknown])),
    ];
    let open = status.incidents.len();
    let style = voice.style(status.at);
    let heard: Vec<_> = status
        .incidents
        .iter()
        .take(50)
        .map(|incident| json!({ "id": incident.id.0, "title": title(incident, lang) }))
        .collect();
    html! {
        section.summary #summary aria-label=(t(Label::Summary)) data-open=(serde_json::Value::from(heard)) {
            div.tiles {
                @for (class, mark, label, state, count) in tiles {
                    @if count > 0 || matches!(label, Label::Ok | Label::Partly | Label::Down) {
                        a.tile.(class).zero[count == 0] href={ "/?state=" (state) } {
                            span.value { span.mark aria-hidden="true" { (mark) } (count) } span.what { (t(label)) }
                        }
                    }
                }
                a.tile.zero[open == 0].bad[open > 0] href="/incidents" {
                    span.value { (open) } span.what { (t(Label::OpenIncidents)) }
                }
            }
            @if status.online == Some(false) { p.trouble.bad { span aria-hidden="true" { "✗ " } (t(Label::Offline)) } }
            @if let Some(since) = status.store.stuck_since {
                p.trouble.bad {
                    span aria-hidden="true" { "✗ " }
                    (words::store_stuck(&short_time(since, status.at, &style), &clean(status.store.trouble.as_deref().unwrap_or("–")), lang))
                }
            }
            @if status.store.lost_samples > 0 {
                p.trouble.warn { span aria-hidden="true" { "! " } (words::store_lost(status.store.lost_samples, lang)) }
            }
            @for (name, channel) in &status.channels {
                @if let Some(since) = channel.broken_since {
                    p.trouble.bad {
                        span aria-hidden="true" { "✗ " }
                        (words::channel_broken(&clean(name), &short_time(since, status.at, &style), &clean(channel.trouble.as_deref().unwrap_or("–")), lang))
                    }
                }
            }
        }
    }
}

/// The incidents that are not closed, before the targets.
fn open_incidents(status: &Status, voice: &Voice) -> Markup {
    let mut open: Vec<&Incident> = status.incidents.iter().collect();
    open.sort_by_key(|incident| (Reverse(incident.gravity), Reverse(incident.began)));
    html! {
        @if !open.is_empty() {
            section aria-labelledby="open-title" {
                h2 #open-title { (voice.say(Label::OpenNow)) }
                ul.incidents { @for incident in open.iter().take(8) { li { (super::incidents::card(incident, status.at, voice)) } } }
                @if open.len() > 8 { p { a href="/incidents" { (words::left_out(open.len() - 8, voice.lang)) } } }
            }
        }
    }
}

/// How the watch itself is.
fn state_of_watch(status: &Status, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let addresses = status.targets.iter().map(|target| target.addresses.len()).sum();
    let lasted = status.at.since(status.started);
    html! {
        p.watch {
            (words::watching(addresses, status.targets.len(), lasted, lang)) " · "
            (words::memory(status.store.bytes, status.store.samples, lang))
        }
    }
}
