//! How long connecting took: where SYNs are lost, times cluster behind the round trip by what the kernel waits before it
//! sends the next one.

use std::time::Duration;

use super::{
    Anchor, Drawing, Paint, Shape,
    pen::{self, LETTER},
};
use crate::{Lang, units, words::chart as words};

/// Times of connecting.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// What it is about, in a few words.
    pub title: String,
    /// The width of the picture.
    pub width: f64,
    /// Each time, and how often.
    pub times: Vec<(Duration, u64)>,
}

/// When the kernel repeats a SYN, in seconds after the first: doubling, and since Linux 6.5 each second at first.
const REPEATS: [u64; 8] = [1, 2, 3, 4, 5, 7, 15, 31];

/// A connection so much later than a repetition is one of it: the round trip and what a busy host adds.
const SLACK: f64 = 0.45;

const PLOT: f64 = 120.0;

impl Histogram {
    /// The round trip: the middle of what is no repetition.
    fn round_trip(&self) -> Option<Duration> {
        let mut first: Vec<(Duration, u64)> =
            self.times.iter().copied().filter(|(time, _)| *time < Duration::from_secs(1)).collect();
        first.sort_unstable();
        let all = first.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let mut seen = 0_u64;
        first.into_iter().find_map(|(time, count)| {
            seen = seen.saturating_add(count);
            (all > 0 && seen >= all.div_ceil(2)).then_some(time)
        })
    }

    /// How many were connected by which repetition: seconds, count.
    pub fn repeated(&self) -> Vec<(u64, u64)> {
        let Some(round_trip) = self.round_trip() else { return Vec::new() };
        let behind = |time: Duration, seconds: u64| {
            let late = time.as_secs_f64() - seconds as f64 - round_trip.as_secs_f64();
            (-0.05..SLACK).contains(&late)
        };
        let count = |seconds: u64| {
            let near = self.times.iter().filter(|(time, _)| behind(*time, seconds));
            near.fold(0_u64, |sum, (_, count)| sum.saturating_add(*count))
        };
        REPEATS.into_iter().map(|seconds| (seconds, count(seconds))).filter(|(_, count)| *count > 0).collect()
    }
}

/// The picture, on a logarithmic scale of time.
pub fn histogram(chart: &Histogram, lang: Lang) -> Drawing {
    let width = pen::sane_width(chart.width);
    let seconds = |time: Duration| time.as_secs_f64().clamp(1e-5, 1_000.0);
    let counted: Vec<(f64, u64)> = chart
        .times
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|&(time, count)| (seconds(time), count))
        .collect();
    let (low, high) = counted
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), (time, _)| (low.min(*time), high.max(*time)));
    let (low, high) = if counted.is_empty() { (0.001, 1.0) } else { (low / 1.6, high * 1.6) };
    let (left, right, top) = (44.0, width - 8.0, 18.0);
    let bottom = top + PLOT;
    let x = |time: f64| left + ((time / low).ln() / (high / low).ln()).clamp(0.0, 1.0) * (right - left);
    let bins = ((right - left) / 9.0).floor().max(1.0) as usize;
    let mut bars = vec![0_u64; bins];
    for (time, count) in &counted {
        let share = (x(*time) - left) / (right - left);
        let bar = &mut bars[((share * bins as f64) as usize).min(bins - 1)];
        *bar = bar.saturating_add(*count);
    }
    let most = bars.iter().copied().max().unwrap_or(0).max(1);
    let mut drawing = Drawing::new(width, bottom + 24.0, chart.title.clone());
    let shapes = &mut drawing.shapes;
    shapes.push(pen::line(vec![(left, top), (right, top)], Paint::Grid, 1.0));
    let most_text = pen::fitted(&most.to_string(), left - 6.0, LETTER);
    shapes.push(pen::text(left - 5.0, top + 4.0, Anchor::End, Paint::Faint, most_text));
    shapes.push(pen::text(left - 5.0, bottom, Anchor::End, Paint::Faint, "0".to_owned()));
    let edge = |bin: usize| low * (high / low).powf(bin as f64 / bins as f64);
    let pitch = (right - left) / bins as f64;
    for (bin, &count) in bars.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (count as f64 / most as f64 * PLOT).max(2.0);
        let between = [edge(bin), edge(bin + 1)].map(|time| units::span(Duration::from_secs_f64(time), lang));
        let tip = words::bar(&between[0], &between[1], count, lang);
        let x = left + bin as f64 * pitch;
        shapes.push(pen::telling(x, bottom - height, (pitch - 1.0).max(1.0), height, Paint::Band(3), tip));
    }
    shapes.push(pen::line(vec![(left, bottom), (right, bottom)], Paint::Faint, 1.0));
    let repeated = chart.repeated();
    let round_trip = chart.round_trip();
    let mut marks: Vec<(f64, String)> = Vec::new();
    marks.extend(round_trip.map(|time| (seconds(time), "RTT".to_owned())));
    let base = round_trip.map_or(0.0, |time| time.as_secs_f64());
    marks.extend(repeated.iter().map(|(after, _)| (base + *after as f64, words::plus(*after, lang))));
    let mut free = 0.0;
    for (time, label) in marks {
        let x = x(time);
        shapes.push(pen::dashes(vec![(x, top - 4.0), (x, bottom)], Paint::Accent, 1.0));
        let half = pen::width_of(&label, LETTER) / 2.0;
        let middle = x.clamp(half, width - half);
        if middle - half >= free {
            shapes.push(pen::text(middle, 10.0, Anchor::Middle, Paint::Accent, label));
            free = middle + half + 4.0;
        }
    }
    axis(shapes, (low, high), &x, bottom, width, lang);
    let total = chart.times.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    drawing.description = words::histogram_description(total, round_trip, &repeated, lang);
    drawing
}

fn axis(
    shapes: &mut Vec<Shape>,
    (low, high): (f64, f64),
    x: &impl Fn(f64) -> f64,
    bottom: f64,
    width: f64,
    lang: Lang,
) {
    let mut free = f64::NEG_INFINITY;
    for power in -5..=3 {
        for digit in [1.0, 3.0] {
            let time = digit * 10f64.powi(power);
            if time < low || time > high {
                continue;
            }
            let label = units::span(Duration::from_secs_f64(time), lang);
            let half = pen::width_of(&label, LETTER) / 2.0;
            let middle = x(time).clamp(half, width - half);
            if middle - half < free {
                continue;
            }
            shapes.push(pen::line(vec![(x(time), bottom), (x(time), bottom + 4.0)], Paint::Faint, 1.0));
            shapes.push(pen::text(middle, bottom + 16.0, Anchor::Middle, Paint::Faint, label));
            free = middle + half + 8.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chart::{samples, svg};

    #[test]
    fn lost_syns_are_clusters_a_second_and_three_behind_the_round_trip() {
        let chart = samples::histogram();
        assert_eq!(chart.repeated(), [(1, 134), (3, 13)]);
        let drawing = histogram(&chart, Lang::En);
        pen::is_sound(&drawing).expect("sound");
        insta::assert_snapshot!("histogram", svg(&drawing).into_string().replace("><", ">\n<"));
        insta::assert_snapshot!("histogram-ko", histogram(&chart, Lang::Ko).description);
    }

    #[test]
    fn slow_answers_are_no_lost_syns() {
        let times = vec![(Duration::from_millis(80), 90), (Duration::from_millis(700), 10)];
        let chart = Histogram { title: String::new(), width: 400.0, times };
        assert_eq!(chart.repeated(), []);
    }

    proptest! {
        #[test]
        fn any_times_are_drawn_inside(
            width in any::<f64>(),
            times in prop::collection::vec((any::<u64>(), any::<u64>()), 0..60),
        ) {
            let times = times.into_iter().map(|(micros, count)| (Duration::from_micros(micros), count)).collect();
            let drawing = histogram(&Histogram { title: "x".to_owned(), width, times }, Lang::En);
            prop_assert!(pen::is_sound(&drawing).is_ok(), "{:?}", pen::is_sound(&drawing));
        }
    }
}
