//! What stands on top of the page of a target and of an incident: what changes while somebody looks at it.

use maud::{Markup, html};
use reach_core::{
    Time,
    watch::{AddressState, Incident, Phase, Status, Subject, TargetStatus},
};

use super::{
    Voice,
    overview::calm_since,
    parts::{ago, gravity_badge, incident_link, labels, lasted, phase_badge, standing_badge, time},
    words::{self, Label},
};
use crate::{
    clean::clean,
    watch::{
        incidents::ended,
        status::{Standing, counts, incident_of},
        words::{causes, ending, long_span, title},
    },
    words::{resolution_error, say},
};

/// The head of the page of a target: an element whose id is `head`.
pub fn target_head(status: &Status, target: &TargetStatus, voice: &Voice) -> String {
    of_target(status, target, voice).into_string()
}

pub(super) fn of_target(status: &Status, target: &TargetStatus, voice: &Voice) -> Markup {
    let (lang, now) = (voice.lang, status.at);
    let standing = Standing::of(target);
    let incident = incident_of(status, target);
    let counts: Vec<(AddressState, usize)> = counts(target).into_iter().collect();
    let changed = target.addresses.iter().map(|address| address.remembered.since).max();
    html! {
        header.head #head {
            div.title {
                h1 { (clean(&target.target)) }
                (standing_badge(standing, voice))
                @if let Some(incident) = incident { (gravity_badge(incident.gravity, voice)) }
                span.chips { (labels(&target.labels)) }
            }
            p.facts {
                @if let Some(error) = target.unresolved { span.bad { (resolution_error(error, lang)) } }
                span { (words::tally(&counts, lang)) }
                @if let Some(since) = incident.map(|incident| incident.began).or(changed).filter(|_| standing != Standing::Ok) {
                    span { (words::since(&voice.stamp(since), &long_span(now.since(since), lang), lang)) }
                }
                @if let Some(calm) = calm_since(target, status) {
                    span { (voice.say(Label::Calm)) " " (ago(calm, now, voice)) }
                }
                @if target.examining { span.examining { (voice.say(Label::Examining)) } }
            }
            @if let Some(incident) = incident {
                p.callout {
                    (incident_link(incident, voice)) ": " (causes(incident, &voice.style(now)))
                }
            }
        }
    }
}

/// The head of the page of an incident: an element whose id is `head`.
pub fn incident_head(incident: &Incident, now: Time, voice: &Voice) -> String {
    of_incident(incident, now, voice).into_string()
}

pub(super) fn of_incident(incident: &Incident, now: Time, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let until = ended(incident, now);
    html! {
        header.head #head {
            div.title {
                h1 { "#" (incident.id.0) " " (title(incident, lang)) }
                (gravity_badge(incident.worst, voice))
                (phase_badge(incident.phase, voice))
                span.chips { (labels(&incident.labels)) }
            }
            p.facts {
                span {
                    (voice.say(Label::Began)) " " (time(incident.began, voice))
                    @if matches!(incident.phase, Phase::Open) { " · " (ago(incident.began, now, voice)) }
                    @else { " · " (voice.say(Label::Until)) " " (time(until, voice)) " · " (lasted(until.since(incident.began), voice)) }
                }
                @if let Subject::Target(id) = incident.subject {
                    a href={ "/target/" (id.0) } { (voice.say(Label::Target)) ": " (clean(&incident.title)) }
                }
                @if let Some(taken) = &incident.acknowledged {
                    span { "✓ " (words::taken_on(&clean(&taken.by), &voice.short(taken.at, now), lang)) }
                }
                @if let Some(muted) = incident.muted_until.filter(|muted| *muted > now) {
                    span { (words::muted_until(&voice.short(muted, now), lang)) }
                }
            }
            @let said = causes(incident, &voice.style(now));
            @if !said.is_empty() { p.callout { (said) } }
            @if let Some(why) = &incident.ending { p.facts { span { (ending(why, lang)) } } }
            @if incident.unwatched.as_secs() >= 60 {
                @let span = long_span(incident.unwatched, lang);
                p.facts { span {
                    (say!(lang, "{span} of it were not watched: this host slept, was cut off, or its clock was set",
                        "그중 {span} 감시 공백(이 서버의 절전, 네트워크 단절 또는 시각 변경)"))
                } }
            }
        }
    }
}
