//! Pictures of measurements: what to draw, apart from how it is drawn.
//!
//! A chart becomes a [`Drawing`], a list of shapes in units of one CSS pixel with the origin at the upper left. The page
//! draws it as SVG whose colours come from the style sheet, so that dark and light are one picture; files draw it with
//! colours of their own, and so does PDF. What a colour says is said by form or words besides: bad cells are hatched,
//! and every drawing has a title and a description.
//!
//! Charts take texts that were cleaned before and times as they are; each says in words, too, what is to be seen in it.

mod axis;
mod heat;
mod histogram;
mod palette;
mod paths;
pub(crate) mod pen;
mod pool;
#[cfg(test)]
mod samples;
mod small;
mod smoke;
mod svg;

use reach_core::Time;

pub use self::{
    axis::Window,
    heat::{HeatCell, HeatMap, HeatRow, heat_map},
    histogram::{Histogram, histogram},
    palette::{Palette, STYLE},
    paths::{paths, traced_paths},
    pool::{PoolChart, PoolRow, PoolSpan, pool},
    small::{AddressCell, Spark, cells, sparkline},
    smoke::{Percentiles, Smoke, SmokePoint, smoke},
    svg::{svg, svg_standalone},
};

/// Something that happened, above a chart over time: an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When it began.
    pub from: Time,
    /// When it ended; `None` where it lasts.
    pub until: Option<Time>,
    /// What people call it.
    pub label: String,
    /// Where it leads to.
    pub link: Option<String>,
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// What it shows, in a few words.
    pub title: String,
    /// What is to be seen in it, for those who do not see it.
    pub description: String,
    /// From the back to the front.
    pub shapes: Vec<Shape>,
}

/// Something drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A rectangle.
    Rect {
        /// The left edge.
        x: f64,
        /// The upper edge.
        y: f64,
        /// From left to right.
        width: f64,
        /// From top to bottom.
        height: f64,
        /// Of its corners.
        radius: f64,
        /// How it is filled.
        paint: Paint,
        /// Hatched over its colour: for those who do not see the colour.
        hatched: bool,
        /// What is said of it to whoever points at it.
        tip: Option<String>,
        /// Where it leads to.
        link: Option<String>,
    },
    /// A line through points.
    Line {
        /// The points.
        points: Vec<(f64, f64)>,
        /// Its colour.
        paint: Paint,
        /// Its width.
        width: f64,
        /// Whether it is dashed.
        dashed: bool,
    },
    /// The area inside of points.
    Area {
        /// The points.
        points: Vec<(f64, f64)>,
        /// Its colour.
        paint: Paint,
    },
    /// A disc.
    Disc {
        /// Its centre, from the left.
        x: f64,
        /// Its centre, from the top.
        y: f64,
        /// Its radius.
        radius: f64,
        /// How it is filled.
        paint: Paint,
        /// What is said of it to whoever points at it.
        tip: Option<String>,
    },
    /// A line of text.
    Text {
        /// Where it is anchored.
        x: f64,
        /// Its baseline.
        y: f64,
        /// Which of its points is there.
        anchor: Anchor,
        /// The size of its letters.
        size: f64,
        /// Its colour.
        paint: Paint,
        /// Whether it is bold.
        bold: bool,
        /// What it says.
        text: String,
    },
}

/// Which point of a text is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    #[default]
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A colour, by what it stands for. Those of states differ in lightness too, and are told apart by people who do not see
/// red and green.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paint {
    /// Text.
    Ink,
    /// Text of less weight: labels of axes.
    Faint,
    /// Lines of a grid.
    Grid,
    /// The ground.
    Ground,
    /// Where nothing was tried.
    Empty,
    /// All tries worked.
    Good,
    /// Some failed: the share in tenths, 1 to 9.
    Partly(u8),
    /// All failed.
    Bad,
    /// Nobody knows, or it could not be tried.
    Unknown,
    /// A band of a distribution, 0 (the widest) to 3 (the narrowest).
    Band(u8),
    /// The middle of a distribution.
    Median,
    /// One of several things that are told apart (resolvers, clients): 0 to 7, and again from 0.
    Kind(u8),
    /// What is pointed out.
    Accent,
}
