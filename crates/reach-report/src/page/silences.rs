//! Silences: those that are not over, and a form for a new one.

use maud::{Markup, html};
use reach_core::{Time, watch::Silence};

use super::{
    Frame, Voice, framed,
    parts::{badge, form, head, short_time, table},
    words::Label,
};
use crate::{clean::clean, watch::silences::matcher};

/// How long a silence or a mute may be: what a form sends, and what people read.
pub(super) const SPANS: [(&str, Label); 7] = [
    ("30m", Label::HalfHour),
    ("1h", Label::OneHour),
    ("2h", Label::TwoHours),
    ("4h", Label::FourHours),
    ("8h", Label::EightHours),
    ("1d", Label::OneDay),
    ("7d", Label::OneWeek),
];

/// The page. `target` is what the form begins with.
pub fn silences(frame: &Frame<'_>, silences: &[Silence], target: &str) -> String {
    let voice = frame.voice;
    let t = |label: Label| voice.say(label);
    let heads =
        [Label::Number, Label::Matches, Label::State, Label::Since, Label::Until, Label::By, Label::Comment];
    let mut heads: Vec<_> = heads.map(|label| head(label, voice)).into();
    if frame.asker.acts {
        heads.push(head(Label::Actions, voice));
    }
    let main = html! {
        h1 { (t(Label::Silences)) }
        @if silences.is_empty() { p.empty { (t(Label::NoSilences)) } } @else {
            (table("silences", t(Label::Silences), &heads, html! {
                @for silence in silences { (row(silence, frame, voice)) }
            }))
        }
        @if frame.asker.acts { (fresh(frame, target, voice)) }
    };
    framed(frame, t(Label::Silences), &main)
}

fn row(silence: &Silence, frame: &Frame<'_>, voice: &Voice) -> Markup {
    let (now, t): (Time, _) = (frame.now, |label: Label| voice.say(label));
    html! {
        tr id={ "s" (silence.id.0) } {
            td { (silence.id.0) }
            th.name scope="row" { (matcher(&silence.matcher, &voice.style(now))) }
            td data-label=(t(Label::State)) {
                @if silence.from > now { (badge("unknown", "…", t(Label::ToCome))) } @else { (badge("warn", "●", t(Label::InForce))) }
            }
            td data-label=(t(Label::Since)) data-v=(silence.from.as_secs()) { (short_time(silence.from, now, voice)) }
            td data-label=(t(Label::Until)) data-v=(silence.until.as_secs()) { (short_time(silence.until, now, voice)) }
            td data-label=(t(Label::By)) { (clean(&silence.author)) }
            td.words data-label=(t(Label::Comment)) {
                @if silence.maintenance { (t(Label::Maintenance)) @if !silence.comment.is_empty() { ": " } }
                (clean(&silence.comment))
            }
            @if frame.asker.acts {
                td {
                    @if !silence.maintenance {
                        (form("expire", &frame.asker.csrf, frame.path, "inline", html! {
                            input type="hidden" name="silence" value=(silence.id.0);
                            button type="submit" { (t(Label::Expire)) }
                        }))
                    }
                }
            }
        }
    }
}

/// A choice of how long.
pub(super) fn spans(id: &str, usual: &str, voice: &Voice) -> Markup {
    html! {
        select id=(id) name="for" {
            @for (span, label) in SPANS { option value=(span) selected[span == usual] { (voice.say(label)) } }
        }
    }
}

fn fresh(frame: &Frame<'_>, target: &str, voice: &Voice) -> Markup {
    let t = |label: Label| voice.say(label);
    html! {
        section aria-labelledby="new-title" {
            h2 #new-title { (t(Label::SilenceNew)) }
            (form("silence", &frame.asker.csrf, "/silences", "fields", html! {
                div { label for="target" { (t(Label::SilenceTarget)) } input #target name="target" value=(target) maxlength="300" autocomplete="off" spellcheck="false"; }
                div { label for="network" { (t(Label::SilenceNetwork)) } input #network name="network" placeholder="203.0.113.0/24" maxlength="50" autocomplete="off" spellcheck="false"; }
                div { label for="labels" { (t(Label::SilenceLabels)) } input #labels name="labels" maxlength="500" autocomplete="off" spellcheck="false"; }
                div { label for="for" { (t(Label::SilenceFor)) } (spans("for", "2h", voice)) }
                div.wide { label for="comment" { (t(Label::Comment)) } input #comment name="comment" maxlength="400" required autocomplete="off"; }
                div { button.main type="submit" { (t(Label::SilenceMake)) } }
            }))
        }
    }
}
