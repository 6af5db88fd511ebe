//! Latency as bands of its distribution: the smoke graph.

use std::time::Duration;

use reach_core::Time;

use super::{
    Anchor, Drawing, Mark, Paint, Shape, Window,
    axis::Scale,
    pen::{self, LETTER, Plot},
};
use crate::{Lang, units, words::chart as words};

/// How long answers took, over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoke {
    /// What it is about, in a few words.
    pub title: String,
    /// The width of the picture.
    pub width: f64,
    /// The time shown.
    pub window: Window,
    /// How long each point stands for.
    pub step: Duration,
    /// By time. Where there is none, nothing was tried.
    pub points: Vec<SmokePoint>,
    /// Incidents.
    pub marks: Vec<Mark>,
    /// Times in which nothing was watched.
    pub gaps: Vec<(Time, Time)>,
}

/// What came of tries in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmokePoint {
    /// When it began.
    pub at: Time,
    /// Tries with a result.
    pub tries: u64,
    /// Of them failed.
    pub failed: u64,
    /// How long the answers took; `None` where there were none.
    pub latency: Option<Percentiles>,
}

/// How long answers took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// One in twenty took no longer…
    pub p5: Duration,
    /// …one in four…
    pub p25: Duration,
    /// …half of them…
    pub p50: Duration,
    /// …three in four…
    pub p75: Duration,
    /// …and nineteen in twenty.
    pub p95: Duration,
}

impl Percentiles {
    /// As some source of quantiles (share 0 to 1) tells them; rising, whatever it says.
    pub fn of(quantile: impl Fn(f64) -> Option<Duration>) -> Option<Self> {
        let [p5, p25, p50, p75, p95] = [0.05, 0.25, 0.5, 0.75, 0.95].map(quantile);
        let mut all = [p5?, p25?, p50?, p75?, p95?];
        all.sort_unstable();
        let [p5, p25, p50, p75, p95] = all;
        Some(Self { p5, p25, p50, p75, p95 })
    }
}

/// The height of the plot, of the gap below it, and of the lane of failures.
const PLOT: f64 = 170.0;
const BETWEEN: f64 = 8.0;
const FAILURES: f64 = 30.0;

/// The picture.
pub fn smoke(chart: &Smoke, lang: Lang) -> Drawing {
    let width = pen::sane_width(chart.width);
    let latencies = chart.points.iter().filter_map(|point| point.latency);
    let scale = Scale::of(latencies.flat_map(|latency| [latency.p5, latency.p95]));
    let ticks: Vec<(Duration, String)> =
        scale.ticks(6).into_iter().map(|tick| (tick, units::span(tick, lang))).collect();
    let label = words::failed_share(lang);
    let widest = ticks.iter().map(|(_, text)| pen::width_of(text, LETTER)).fold(0.0, f64::max);
    let left = widest.max(pen::width_of(&label, LETTER).min(width * 0.2)) + 8.0;
    let lane = if chart.marks.is_empty() { 4.0 } else { 14.0 };
    let plot = Plot { window: chart.window, left, right: width - 1.0, top: lane, bottom: lane + PLOT };
    let whole = Plot { bottom: plot.bottom + BETWEEN + FAILURES, ..plot };
    let y = |time: Duration| plot.bottom - scale.share(time) * (PLOT - 4.0);
    let mut drawing = Drawing::new(width, 0.0, chart.title.clone());
    let shapes = &mut drawing.shapes;
    whole.gaps(shapes, &chart.gaps, lang);
    for point in &chart.points {
        let Some((from, until)) = chart.window.part(point.at, point.at + chart.step) else { continue };
        let (x, width) = plot.stretch(from, until, 1.0);
        let tip = words::smoke_tip(&chart.window.stretch(from, until, lang), point, lang);
        shapes.push(pen::telling(x, plot.top, width, PLOT, Paint::Ground, tip));
    }
    for (tick, text) in &ticks {
        let y = y(*tick);
        shapes.push(pen::line(vec![(left, y), (plot.right, y)], Paint::Grid, 1.0));
        let base = (y + LETTER * 0.36).clamp(LETTER, whole.bottom);
        shapes.push(pen::text(left - 5.0, base, Anchor::End, Paint::Faint, text.clone()));
    }
    whole.grid(shapes, lang);
    bands(shapes, chart, &plot, &y);
    failures(shapes, chart, &whole, lang);
    let label = pen::fitted(&label, left - 6.0, LETTER);
    shapes.push(pen::text(left - 5.0, whole.bottom - 1.0, Anchor::End, Paint::Faint, label));
    whole.marks(shapes, &chart.marks, 1.0, lang);
    whole.axis(shapes, lang);
    let mut entries = vec![
        (Paint::Median, false, words::median(lang)),
        (Paint::Band(2), false, words::band("25–75 %", lang)),
        (Paint::Band(0), false, words::band("5–95 %", lang)),
        (Paint::Bad, false, words::failures(lang)),
    ];
    if !chart.gaps.is_empty() {
        entries.push((Paint::Unknown, false, words::not_watched(lang)));
    }
    let mut end = whole.bottom + pen::AXIS + 4.0;
    end += pen::legend(shapes, &entries, (0.0, end), width);
    if scale.is_logarithmic() {
        let note = pen::fitted(&words::logarithmic(lang), width, LETTER);
        shapes.push(pen::text(0.0, end + 9.0, Anchor::Start, Paint::Faint, note));
        end += 14.0;
    }
    drawing.height = end;
    drawing.description = description(chart, lang);
    drawing
}

/// What follows without a hole is one band; a hole stays one.
fn bands(shapes: &mut Vec<Shape>, chart: &Smoke, plot: &Plot, y: &impl Fn(Duration) -> f64) {
    let mut stretches: Vec<Vec<(Time, Percentiles)>> = Vec::new();
    let inside = |point: &&SmokePoint| chart.window.part(point.at, point.at + chart.step).is_some();
    let mut last: Option<Time> = None;
    for point in chart.points.iter().filter(inside) {
        let Some(latency) = point.latency else {
            last = None;
            continue;
        };
        let follows = last.is_some_and(|last| point.at >= last && point.at.since(last) <= chart.step * 3 / 2);
        match stretches.last_mut() {
            Some(stretch) if follows => stretch.push((point.at, latency)),
            _ => stretches.push(vec![(point.at, latency)]),
        }
        last = Some(point.at);
    }
    for stretch in &stretches {
        let mut xs: Vec<(f64, Percentiles)> =
            stretch.iter().map(|&(at, latency)| (plot.x(at + chart.step / 2), latency)).collect();
        if let [(x, latency)] = xs[..] {
            // One alone is as wide as what it stands for.
            let half = ((plot.x(stretch[0].0 + chart.step) - plot.x(stretch[0].0)) / 2.0).clamp(1.0, 12.0);
            xs = vec![((x - half).max(plot.left), latency), ((x + half).min(plot.right), latency)];
        }
        let mut area = |low: fn(&Percentiles) -> Duration, high: fn(&Percentiles) -> Duration, band| {
            let upper = xs.iter().map(|(x, latency)| (*x, y(high(latency))));
            let lower = xs.iter().rev().map(|(x, latency)| (*x, y(low(latency))));
            shapes.push(Shape::Area { points: upper.chain(lower).collect(), paint: Paint::Band(band) });
        };
        area(|latency| latency.p5, |latency| latency.p95, 0);
        area(|latency| latency.p25, |latency| latency.p75, 2);
        let median = xs.iter().map(|(x, latency)| (*x, y(latency.p50))).collect();
        shapes.push(pen::line(median, Paint::Median, 1.6));
    }
}

/// The share that failed, as bars: any failure is seen.
fn failures(shapes: &mut Vec<Shape>, chart: &Smoke, plot: &Plot, lang: Lang) {
    for point in chart.points.iter().filter(|point| point.failed > 0) {
        let Some((from, until)) = chart.window.part(point.at, point.at + chart.step) else { continue };
        let (x, width) = plot.stretch(from, until, 1.5);
        let share = (point.failed as f64 / point.tries.max(point.failed) as f64).clamp(0.0, 1.0);
        let height = (share * FAILURES).max(3.0);
        let tip = words::smoke_tip(&chart.window.stretch(from, until, lang), point, lang);
        shapes.push(Shape::Rect {
            x,
            y: plot.bottom - height,
            width,
            height,
            radius: 0.0,
            paint: Paint::Bad,
            hatched: false,
            tip: Some(tip),
            link: None,
        });
    }
}

fn description(chart: &Smoke, lang: Lang) -> String {
    let inside: Vec<&SmokePoint> = chart
        .points
        .iter()
        .filter(|point| chart.window.part(point.at, point.at + chart.step).is_some())
        .collect();
    let medians = || inside.iter().filter_map(|point| point.latency).map(|latency| latency.p50);
    let range = medians().min().zip(medians().max());
    let slowest = inside.iter().filter_map(|point| point.latency).map(|latency| latency.p95).max();
    let sum =
        |of: fn(&SmokePoint) -> u64| inside.iter().fold(0_u64, |sum, point| sum.saturating_add(of(point)));
    let (tries, failed) = (sum(|point| point.tries), sum(|point| point.failed));
    words::smoke_description(&chart.window.text(lang), range, slowest, tries, failed, lang)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chart::{samples, svg};

    #[test]
    fn latencies_are_bands_with_failures_below() {
        let drawing = smoke(&samples::smoke(), Lang::En);
        pen::is_sound(&drawing).expect("sound");
        insta::assert_snapshot!("smoke", svg(&drawing).into_string().replace("><", ">\n<"));
        insta::assert_snapshot!("smoke-ko", smoke(&samples::smoke(), Lang::Ko).description);
    }

    #[test]
    fn a_hole_stays_a_hole() {
        let mut chart = samples::smoke();
        let areas = |chart: &Smoke| {
            let drawing = smoke(chart, Lang::En);
            drawing.shapes.iter().filter(|shape| matches!(shape, Shape::Area { .. })).count()
        };
        let whole = areas(&chart);
        chart.points.remove(10);
        assert_eq!(areas(&chart), whole + 2);
        chart.points[20].latency = None;
        assert_eq!(areas(&chart), whole + 4);
    }

    proptest! {
        #[test]
        fn whatever_was_measured_is_drawn_inside(
            width in any::<f64>(),
            from in any::<u64>(),
            length in any::<u64>(),
            step in any::<u64>(),
            points in prop::collection::vec(
                (any::<u64>(), any::<u64>(), any::<u64>(), prop::option::of(any::<[u64; 5]>())),
                0..40,
            ),
        ) {
            let window = Window {
                from: Time::from_micros(from),
                until: Time::from_micros(from.saturating_add(length)),
                offset_s: 32_400,
            };
            let points = points
                .into_iter()
                .map(|(at, tries, failed, latency)| SmokePoint {
                    at: Time::from_micros(at),
                    tries,
                    failed,
                    latency: latency.and_then(|times| {
                        let mut left = times.into_iter();
                        let next = std::cell::RefCell::new(&mut left);
                        Percentiles::of(|_| next.borrow_mut().next().map(Duration::from_micros))
                    }),
                })
                .collect();
            let chart = Smoke {
                title: "x".to_owned(),
                width,
                window,
                step: Duration::from_micros(step),
                points,
                marks: Vec::new(),
                gaps: vec![(Time::from_micros(from), Time::from_micros(from.saturating_add(length / 3)))],
            };
            let drawing = smoke(&chart, Lang::En);
            prop_assert!(pen::is_sound(&drawing).is_ok(), "{:?}", pen::is_sound(&drawing));
        }
    }
}
