//! The paths to the addresses of a target, as the last survey saw them.

use maud::{Markup, html};
use reach_core::model::Observation;

use super::{Voice, plots::plot, words::Label};
use crate::{
    chart::{self, Histogram},
    scene::Scene,
    words::chart::connect_times,
};

/// The width of the picture of times.
const WIDTH: f64 = 640.0;

/// The drawing, under its title.
pub(super) fn section(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let title = voice.say(Label::Paths);
    html! {
        @if let Some(drawing) = chart::paths(scene.diagnosis, title.to_owned(), voice.lang) {
            section.panel aria-label=(title) {
                h2 { (title) }
                (plot(&drawing, None))
            }
        }
    }
}

/// How long connecting took, where lost SYNs show in it.
pub(super) fn times(observations: &[Observation], voice: &Voice) -> Markup {
    let lang = voice.lang;
    let title = connect_times(lang);
    let histogram = Histogram::of(observations, title.clone(), WIDTH);
    html! {
        @if let Some(histogram) = histogram.filter(|histogram| !histogram.repeated().is_empty()) {
            @let drawing = chart::histogram(&histogram, lang);
            section.panel aria-label=(title) {
                h2 { (title) }
                p { (drawing.description) }
                (plot(&drawing, None))
            }
        }
    }
}
