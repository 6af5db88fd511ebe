//! One incident, with everything that is remembered of it.

use std::collections::BTreeMap;

use maud::{Markup, html};
use reach_core::{
    Time,
    watch::{Incident, Member, OutboxRow, Phase, Transition},
};

use super::{
    Asker, Frame, Voice, findings, framed, heads,
    parts::{form, head, short_time, state_badge, survey_badge, table},
    silences::spans,
    words::{self, Label},
};
use crate::{
    clean::clean,
    scene::Scene,
    watch::{
        EvidenceRecord, IncidentRecord, reason, state,
        words::{delivery, news, title, why},
    },
    words::say,
};

/// Longer time lines are cut in the middle: what began it and how it ended matter most.
const MOST_LINES: usize = 400;

/// The page.
pub fn incident(frame: &Frame<'_>, record: &IncidentRecord) -> String {
    let voice = frame.voice;
    let t = |label: Label| voice.say(label);
    let incident = &record.incident;
    let now = frame.now;
    let main = html! {
        (heads::of_incident(incident, now, voice))
        (documents(incident, voice))
        @if frame.asker.acts { (actions(incident, frame.asker, now, voice)) }
        div.columns {
            section aria-labelledby="line-title" {
                h2 #line-title { (t(Label::TimeLine)) }
                (time_line(record, now, voice))
            }
            div {
                @if !incident.members.is_empty() {
                    section aria-labelledby="members-title" {
                        h2 #members-title { (t(Label::Members)) }
                        (members(&incident.members, now, voice))
                    }
                }
                section aria-labelledby="messages-title" {
                    h2 #messages-title { (t(Label::Messages)) }
                    @if record.messages.is_empty() { p.empty { (t(Label::NoMessages)) } } @else { (messages(&record.messages, now, voice)) }
                }
            }
        }
        @if let Some(last) = record.evidence.last() { (survey(last, voice)) }
    };
    framed(frame, &format!("#{} {}", incident.id.0, title(incident, voice.lang)), &main)
}

/// Links to the documents that are handed over.
fn documents(incident: &Incident, voice: &Voice) -> Markup {
    html! {
        nav.documents aria-label=(voice.say(Label::Documents)) {
            span { (voice.say(Label::Documents)) ":" }
            @for kind in ["html", "pdf", "md", "txt", "xlsx", "csv", "json"] {
                " " a href={ "/incident/" (incident.id.0) "/report." (kind) "?lang=" (voice.lang.code()) } download[kind != "html"] { (kind.to_uppercase()) }
            }
        }
    }
}

/// What somebody may do about it.
fn actions(incident: &Incident, asker: &Asker, now: Time, voice: &Voice) -> Markup {
    let t = |label: Label| voice.say(label);
    let back = format!("/incident/{}", incident.id.0);
    let id = || html! { input type="hidden" name="incident" value=(incident.id.0); };
    let over = matches!(incident.phase, Phase::Closed { .. });
    html! {
        section.actions aria-label=(t(Label::Actions)) {
            @if !over && incident.acknowledged.is_none() {
                (form("acknowledge", &asker.csrf, &back, "inline", html! { (id()) button.main type="submit" { (t(Label::Acknowledge)) } }))
            }
            @if !over && incident.muted_until.is_none_or(|until| until <= now) {
                (form("mute", &asker.csrf, &back, "inline", html! {
                    (id())
                    label.hidden for="mute-for" { (t(Label::MuteFor)) }
                    (spans("mute-for", "2h", voice))
                    button type="submit" { (t(Label::Mute)) }
                }))
            }
            @if !over {
                a.button href={ "/silences?target=" (super::encoded(&incident.title)) } { (t(Label::SilenceNew)) }
            }
            (form("note", &asker.csrf, &back, "inline note", html! {
                (id())
                label.hidden for="note" { (t(Label::Note)) }
                input #note name="text" required maxlength="500" placeholder=(t(Label::NoteHint)) autocomplete="off";
                button type="submit" { (t(Label::AddNote)) }
            }))
        }
    }
}

/// Changes of addresses, what was said, what people wrote, what surveys found: in the order of time.
fn time_line(record: &IncidentRecord, now: Time, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let incident = &record.incident;
    let mut lines: Vec<(Time, u8, Markup)> = Vec::new();
    lines.push((incident.opened, 0, html! { strong { (say!(lang, "incident opened", "장애 등록")) } }));
    for Transition { series, at, from, to, why: because } in &record.transitions {
        let line = html! {
            code { (series.address) } " "
            @if from != to { (state(*from, lang)) " → " (state_badge(*to, voice)) " " }
            span.faint { (why(*because, lang)) }
        };
        lines.push((*at, 1, line));
    }
    let mut told: BTreeMap<u32, (&OutboxRow, Vec<String>)> = BTreeMap::new();
    for row in &record.messages {
        told.entry(row.notice.seq).or_insert_with(|| (row, Vec::new())).1.push(clean(&row.channel));
    }
    for (row, channels) in told.values() {
        let said = words::told(&news(&row.notice.news, lang), row.notice.rings, &channels.join(", "), lang);
        lines.push((row.notice.at, 2, html! { span.notice { (said) } }));
    }
    for remark in &incident.remarks {
        let text = words::noted(&clean(&remark.by), &clean(&remark.text), lang);
        lines.push((remark.at, 3, html! { span.remark { (text) } }));
    }
    if let Some(taken) = &incident.acknowledged {
        let by = clean(&taken.by);
        let text = say!(lang, "acknowledged by {by}", "{by} 확인");
        lines.push((taken.at, 3, html! { span.remark { (text) } }));
    }
    for survey in &record.evidence {
        lines.push((
            survey.at,
            4,
            html! { (words::surveyed("", lang)) (survey_badge(survey.diagnosis.state, voice)) },
        ));
    }
    match incident.phase {
        Phase::Open => {}
        Phase::Calming { since } => {
            lines.push((since, 5, html! { (super::parts::phase_badge(incident.phase, voice)) }))
        }
        Phase::Recovered { at, .. } | Phase::Closed { at, .. } => {
            lines.push((at, 5, html! { (super::parts::phase_badge(incident.phase, voice)) }));
        }
    }
    lines.sort_by_key(|(at, kind, _)| (*at, *kind));
    let hidden = lines.len().saturating_sub(MOST_LINES);
    let gap = MOST_LINES / 2..MOST_LINES / 2 + hidden;
    html! {
        ol.timeline {
            @for (index, (at, kind, line)) in lines.iter().enumerate() {
                @if hidden > 0 && index == gap.start { li.gap.faint { (words::left_out(hidden, lang)) } }
                @if !gap.contains(&index) {
                    li class={ "k" (kind) } { (short_time(*at, now, voice)) div { (line) } }
                }
            }
        }
    }
}

fn members(members: &[Member], now: Time, voice: &Voice) -> Markup {
    let lang = voice.lang;
    let heads = [Label::Address, Label::State, Label::Reason, Label::Since].map(|label| head(label, voice));
    table(
        "members",
        voice.say(Label::Members),
        &heads,
        html! {
            @for member in members.iter().take(400) {
                tr {
                    th.name scope="row" { code { (member.address) } }
                    td data-label=(voice.say(Label::State)) { (state_badge(member.state, voice)) @if member.gone { " " span.faint { (say!(lang, "left DNS", "DNS에서 빠짐")) } } }
                    td.words data-label=(voice.say(Label::Reason)) {
                        (reason(member.reason, lang))
                        @if member.from_birth { " · " (say!(lang, "never answered since it appeared", "나타난 뒤 한 번도 응답 없음")) }
                    }
                    td data-label=(voice.say(Label::Since)) data-v=(member.since.as_secs()) { (short_time(member.since, now, voice)) }
                }
            }
        },
    )
}

fn messages(messages: &[OutboxRow], now: Time, voice: &Voice) -> Markup {
    let style = voice.style(now);
    let heads = [Label::Time, Label::Channel, Label::What, Label::Delivery].map(|label| head(label, voice));
    table(
        "messages",
        voice.say(Label::Messages),
        &heads,
        html! {
            @for row in messages.iter().rev().take(400) {
                tr {
                    td data-v=(row.notice.at.as_secs()) { (short_time(row.notice.at, now, voice)) }
                    th.name scope="row" { (clean(&row.channel)) }
                    td data-label=(voice.say(Label::What)) { (news(&row.notice.news, voice.lang)) }
                    td.words data-label=(voice.say(Label::Delivery)) {
                        span.pending[row.delivery.is_pending()] { (delivery(&row.delivery, &style)) }
                        @if let Some(trouble) = &row.trouble { " · " span.faint { (clean(trouble)) } }
                        @if let Some(other) = &row.instead_of { " · " span.faint { "← " (clean(&other.channel)) } }
                    }
                }
            }
        },
    )
}

/// What the last survey of it concluded.
fn survey(last: &EvidenceRecord, voice: &Voice) -> Markup {
    let scene = Scene {
        case: &last.case,
        diagnosis: &last.diagnosis,
        finished: last.at,
        offset_s: voice.style(last.at).utc_offset_s,
        lang: voice.lang,
    };
    html! {
        section aria-labelledby="findings-title" {
            h2 #findings-title { (voice.say(Label::Findings)) }
            (findings::conclusion(&scene, voice))
            (findings::findings(&scene, voice))
        }
        (super::paths::section(&scene, voice))
        (findings::impact(&scene, voice))
        (findings::asks(&scene, voice))
        (findings::gaps(&scene, voice))
    }
}
