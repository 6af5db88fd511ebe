//! The paths to the addresses of a target, as the last survey saw them.

use maud::{Markup, html};

use super::{Voice, plots::plot, words::Label};
use crate::{chart, scene::Scene};

/// The drawing, under its title.
pub(super) fn section(scene: &Scene<'_>, voice: &Voice) -> Markup {
    let title = voice.say(Label::Paths);
    html! {
        @if let Some(drawing) = chart::paths(scene.diagnosis, title.to_owned(), voice.lang) {
            section.panel aria-labelledby="paths-title" {
                h2 #paths-title { (title) }
                (plot(&drawing, None))
            }
        }
    }
}
