//! Small pictures for the rows of a table.

use std::time::Duration;

use reach_core::watch::AddressState;

use super::{Drawing, Paint, Shape, axis::Scale, pen};
use crate::{Lang, watch, words::chart as words};

/// One step of a sparkline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spark {
    /// Tries with a result.
    pub tries: u64,
    /// Of them failed.
    pub failed: u64,
    /// How long answers took in the middle; `None` where there were none.
    pub latency: Option<Duration>,
}

/// The latency of the last so many minutes, oldest first, one step a minute; minutes with failures are marked below.
pub fn sparkline(steps: &[Spark], (width, height): (f64, f64), lang: Lang) -> Drawing {
    let width = if width.is_finite() { width.clamp(20.0, 1_000.0) } else { 120.0 };
    let height = if height.is_finite() { height.clamp(12.0, 400.0) } else { 24.0 };
    let steps = &steps[steps.len().saturating_sub(width as usize)..];
    let mut drawing = Drawing::new(width, height, words::sparkline_title(steps.len(), lang));
    let step = width / steps.len().max(1) as f64;
    let scale = Scale::of(steps.iter().filter_map(|step| step.latency));
    // The lowest pixels are for failures.
    let floor = height - 5.0;
    let mut line: Vec<(f64, f64)> = Vec::new();
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut bars: Vec<Shape> = Vec::new();
    for (place, one) in steps.iter().enumerate() {
        let x = place as f64 * step;
        match one.latency {
            Some(latency) => line.push((x + step / 2.0, floor - 1.5 - scale.share(latency) * (floor - 3.0))),
            None => lines.push(std::mem::take(&mut line)),
        }
        if one.failed > 0 {
            let all = one.failed >= one.tries;
            let tenths = (one.failed as f64 * 10.0 / one.tries.max(1) as f64).round().clamp(1.0, 9.0);
            let paint = if all { Paint::Bad } else { Paint::Partly((tenths as u8).max(4)) };
            let top = if all { 0.0 } else { floor };
            bars.push(pen::plain(x, top, step, height - top, paint));
        }
    }
    lines.push(line);
    drawing.shapes.push(super::pen::line(vec![(0.0, height - 0.5), (width, height - 0.5)], Paint::Grid, 1.0));
    drawing.shapes.extend(bars);
    for points in lines {
        match points[..] {
            [] => {}
            [(x, y)] => {
                let x = x.clamp(1.2, width - 1.2);
                drawing.shapes.push(Shape::Disc { x, y, radius: 1.2, paint: Paint::Median, tip: None });
            }
            _ => drawing.shapes.push(pen::line(points, Paint::Median, 1.4)),
        }
    }
    let latencies = || steps.iter().filter_map(|step| step.latency);
    let middle = reach_core::stats::median(latencies());
    let range = latencies().min().zip(latencies().max());
    let failing = steps.iter().filter(|step| step.failed > 0).count();
    let tried = steps.iter().filter(|step| step.tries > 0).count();
    drawing.description = words::sparkline_description(middle, range, failing, tried, lang);
    drawing
}

/// One of the addresses of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressCell {
    /// The address.
    pub label: String,
    /// What is thought of it.
    pub state: AddressState,
    /// Why it fails, in words; empty where it does not.
    pub reason: String,
}

/// A cell for each address, in rows no wider than `width`; at most 512.
pub fn cells(addresses: &[AddressCell], width: f64, lang: Lang) -> Drawing {
    const CELL: f64 = 12.0;
    const PITCH: f64 = 14.0;
    let width = if width.is_finite() { width.clamp(PITCH, 4_000.0) } else { 16.0 * PITCH };
    let shown = &addresses[..addresses.len().min(512)];
    let columns = ((width + PITCH - CELL) / PITCH).floor().max(1.0) as usize;
    let rows = shown.len().div_ceil(columns).max(1);
    let used = shown.len().clamp(1, columns);
    let mut drawing = Drawing::new(
        used as f64 * PITCH - (PITCH - CELL),
        rows as f64 * PITCH - (PITCH - CELL),
        words::cells_title(addresses.len(), lang),
    );
    for (place, address) in shown.iter().enumerate() {
        let (paint, hatched) = look(address.state);
        let state = watch::state(address.state, lang);
        let tip = if address.reason.is_empty() {
            format!("{}: {state}", address.label)
        } else {
            format!("{}: {state}, {}", address.label, address.reason)
        };
        drawing.shapes.push(Shape::Rect {
            x: (place % columns) as f64 * PITCH,
            y: (place / columns) as f64 * PITCH,
            width: CELL,
            height: CELL,
            radius: 2.0,
            paint,
            hatched,
            tip: Some(tip),
            link: None,
        });
    }
    let states = [
        AddressState::Down,
        AddressState::Suspect,
        AddressState::Recovering,
        AddressState::Unknown,
        AddressState::Gone,
        AddressState::Ok,
    ];
    let counts =
        states.map(|state| (state, addresses.iter().filter(|address| address.state == state).count()));
    let counted = counts.iter().filter(|(_, count)| *count > 0);
    let counted: Vec<String> =
        counted.map(|(state, count)| format!("{count} {}", watch::state(*state, lang))).collect();
    drawing.description = counted.join(", ");
    drawing
}

const fn look(state: AddressState) -> (Paint, bool) {
    match state {
        AddressState::Ok => (Paint::Good, false),
        AddressState::Suspect => (Paint::Partly(6), false),
        AddressState::Recovering => (Paint::Partly(2), false),
        AddressState::Down => (Paint::Bad, true),
        AddressState::Unknown => (Paint::Unknown, false),
        AddressState::Gone => (Paint::Empty, false),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chart::svg;

    fn spark(tries: u64, failed: u64, ms: Option<u64>) -> Spark {
        Spark { tries, failed, latency: ms.map(Duration::from_millis) }
    }

    #[test]
    fn a_sparkline_marks_the_minutes_that_failed() {
        let steps = [
            spark(6, 0, Some(3)),
            spark(6, 0, Some(4)),
            spark(6, 2, Some(3)),
            spark(6, 6, None),
            spark(0, 0, None),
            spark(6, 0, Some(5)),
        ];
        let drawing = sparkline(&steps, (60.0, 20.0), Lang::En);
        pen::is_sound(&drawing).expect("sound");
        insta::assert_snapshot!("sparkline", svg(&drawing).into_string().replace("><", ">\n<"));
        insta::assert_snapshot!("sparkline-ko", sparkline(&steps, (60.0, 20.0), Lang::Ko).description);
    }

    #[test]
    fn every_address_is_a_cell() {
        let cell = |number: usize, state| AddressCell {
            label: format!("203.0.113.{number}"),
            state,
            reason: if state == AddressState::Down { "no answer".to_owned() } else { String::new() },
        };
        let states = [
            AddressState::Ok,
            AddressState::Down,
            AddressState::Suspect,
            AddressState::Recovering,
            AddressState::Unknown,
            AddressState::Gone,
        ];
        let row: Vec<AddressCell> = states.into_iter().enumerate().map(|(n, state)| cell(n, state)).collect();
        let drawing = cells(&row, 60.0, Lang::En);
        pen::is_sound(&drawing).expect("sound");
        insta::assert_snapshot!("cells", svg(&drawing).into_string().replace("><", ">\n<"));
    }

    proptest! {
        #[test]
        fn small_pictures_hold_what_they_show(
            steps in prop::collection::vec((any::<u64>(), any::<u64>(), prop::option::of(any::<u64>())), 0..200),
            width in any::<f64>(),
            height in any::<f64>(),
            count in 0_usize..600,
        ) {
            let steps: Vec<Spark> = steps
                .into_iter()
                .map(|(tries, failed, micros)| Spark { tries, failed, latency: micros.map(Duration::from_micros) })
                .collect();
            let drawing = sparkline(&steps, (width, height), Lang::Ko);
            prop_assert!(pen::is_sound(&drawing).is_ok(), "{:?}", pen::is_sound(&drawing));
            let cell = AddressCell { label: "x".to_owned(), state: AddressState::Ok, reason: String::new() };
            let drawing = cells(&vec![cell; count], width, Lang::En);
            prop_assert!(pen::is_sound(&drawing).is_ok(), "{:?}", pen::is_sound(&drawing));
        }
    }
}
