//! The result of a check as one file that needs nothing else.

use jiff::tz::{Offset, TimeZone};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use reach_core::{
    Time,
    model::{Case, Diagnosis},
};

use super::{
    Voice, assets, findings,
    parts::{head, survey_badge, table},
    target::surveyed,
    words::{self, Label},
};
use crate::{Lang, clean::clean, scene::Scene, text::tally};

/// A page for a file: `reach check --html`. Style and script are inside; nothing is fetched.
pub fn file(
    examined: &[(Case, Diagnosis)],
    finished: Time,
    version: &str,
    lang: Lang,
    utc_offset_s: i32,
) -> String {
    let zone = TimeZone::fixed(Offset::from_seconds(utc_offset_s).unwrap_or(Offset::UTC));
    let voice = &Voice { lang, zone };
    let t = |label: Label| voice.say(label);
    let scenes: Vec<Scene<'_>> = examined
        .iter()
        .map(|(case, diagnosis)| Scene { case, diagnosis, finished, offset_s: utc_offset_s, lang })
        .collect();
    let title = match scenes.as_slice() {
        [one] => format!("{} · reach", clean(&one.diagnosis.target.text)),
        _ => format!("{} · reach", t(Label::Check)),
    };
    let host = scenes.first().map(|scene| clean(&scene.case.vantage.host)).unwrap_or_default();
    html! {
        (DOCTYPE)
        html lang=(lang.code()) data-theme="auto" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(assets::style().text)) }
            }
            body data-units=(words::units_of_time(lang).join(",")) data-now=(finished.as_secs()) {
                a.skip href="#main" { (t(Label::SkipToContent)) }
                header.top { span.brand { strong { "reach" } " " span { (host) } } }
                main #main tabindex="-1" {
                    @if scenes.len() > 1 { (summary(&scenes, voice)) }
                    @for (index, scene) in scenes.iter().enumerate() { (target(index, scene, voice)) }
                }
                footer.foot {
                    span { (words::as_of(&voice.full(finished), lang)) }
                    span { (words::made_by(version, lang)) }
                }
                script type="module" { (PreEscaped(assets::table_script())) }
            }
        }
    }
    .into_string()
}

/// One line for each target.
fn summary(scenes: &[Scene<'_>], voice: &Voice) -> Markup {
    let heads = [head(Label::Target, voice), head(Label::State, voice), head(Label::What, voice)];
    html! {
        h1 { (voice.say(Label::Check)) }
        (table("targets", voice.say(Label::Targets), &heads, html! {
            @for (index, scene) in scenes.iter().enumerate() {
                tr {
                    th.name scope="row" { a href={ "#r" (index) } { (clean(&scene.diagnosis.target.text)) } }
                    td data-label=(voice.say(Label::State)) { (survey_badge(scene.diagnosis.state, voice)) }
                    td.words data-label=(voice.say(Label::What)) { (tally(scene).unwrap_or_default()) }
                }
            }
        }))
    }
}

fn target(index: usize, scene: &Scene<'_>, voice: &Voice) -> Markup {
    html! {
        article.target id={ "r" (index) } {
            header.head { div.title { h1 { (clean(&scene.diagnosis.target.text)) } (survey_badge(scene.diagnosis.state, voice)) } }
            (surveyed(scene, voice))
            section {
                h2 { (voice.say(Label::Addresses)) }
                (findings::endpoints(scene, voice))
                (findings::resolvers(scene, voice))
            }
        }
    }
}
