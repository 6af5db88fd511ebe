//! Incidents, one a row.

use maud::{Markup, html};
use reach_core::{
    Time,
    watch::{Incident, IncidentId, TargetId},
};

use super::{
    Frame, Voice, framed,
    parts::{ago, gravity_badge, head, incident_link, lasted, phase_badge, short_time, table},
    with,
    words::{self, Label},
};
use crate::{
    clean::clean,
    watch::{incidents::ended, words::causes},
};

/// Incidents, newest first.
#[derive(Clone, Debug)]
pub struct List<'a> {
    /// Those shown.
    pub incidents: &'a [Incident],
    /// Whether closed ones are among them.
    pub closed: bool,
    /// Only those of this target, with its name.
    pub target: Option<(TargetId, &'a str)>,
    /// Where older ones begin, if there are any.
    pub before: Option<IncidentId>,
}

/// An incident in a few lines.
pub(super) fn card(incident: &Incident, now: Time, voice: &Voice) -> Markup {
    let style = voice.style(now);
    html! {
        span.line { (gravity_badge(incident.gravity, voice)) " " strong { (incident_link(incident, voice)) } " " (phase_badge(incident.phase, voice)) }
        span.line.what { (causes(incident, &style)) }
        span.line.when {
            (short_time(incident.began, now, voice)) " · " (ago(incident.began, now, voice))
            @if let Some(taken) = &incident.acknowledged {
                " · ✓ " (words::taken_on(&clean(&taken.by), &voice.short(taken.at, now), voice.lang))
            }
        }
    }
}

/// The list.
pub fn incidents(frame: &Frame<'_>, list: &List<'_>) -> String {
    let voice = frame.voice;
    let t = |label: Label| voice.say(label);
    let main = html! {
        div.bar {
            h1 { (t(Label::Incidents)) @if let Some((_, target)) = list.target { " · " (clean(target)) } }
            nav.choice aria-label=(t(Label::Phase)) {
                a href=(with(&with(frame.path, "before", ""), "closed", "0")) aria-current=[(!list.closed).then_some("true")] { (t(Label::OnlyOpen)) }
                a href=(with(&with(frame.path, "before", ""), "closed", "1")) aria-current=[list.closed.then_some("true")] { (t(Label::WithClosed)) }
            }
            @if let Some((id, target)) = list.target { a href={ "/target/" (id.0) } { (clean(target)) } }
        }
        @if list.incidents.is_empty() {
            p.empty { @if list.closed { (t(Label::NoIncidents)) } @else { (t(Label::NoneOpen)) } }
        } @else {
            (rows(list.incidents, frame.now, voice))
        }
        @if let Some(before) = list.before {
            nav.pager { a href=(with(frame.path, "before", &before.0.to_string())) rel="next" { (t(Label::Earlier)) " →" } }
        }
    };
    framed(frame, t(Label::Incidents), &main)
}

/// A table of incidents.
pub(super) fn rows(incidents: &[Incident], now: Time, voice: &Voice) -> Markup {
    let t = |label: Label| voice.say(label);
    let style = voice.style(now);
    let heads = [Label::Incident, Label::Gravity, Label::Phase, Label::What, Label::Began, Label::Lasted];
    table(
        "incidents",
        t(Label::Incidents),
        &heads.map(|label| head(label, voice)),
        html! {
            @for incident in incidents {
                tr {
                    th.name scope="row" { (incident_link(incident, voice)) }
                    td data-label=(t(Label::Gravity)) { (gravity_badge(incident.worst, voice)) }
                    td data-label=(t(Label::Phase)) { (phase_badge(incident.phase, voice)) }
                    td.words data-label=(t(Label::What)) { (causes(incident, &style)) }
                    td data-label=(t(Label::Began)) data-v=(incident.began.as_secs()) { (short_time(incident.began, now, voice)) }
                    td data-label=(t(Label::Lasted)) data-v=(ended(incident, now).since(incident.began).as_secs()) {
                        (lasted(ended(incident, now).since(incident.began), voice))
                    }
                }
            }
        },
    )
}
