//! The latest round trips as a row of little bars.

use std::time::Duration;

use reach_core::ping::Beat;

/// Rising.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII_BARS: [char; 8] = ['_', '.', ',', '-', '=', '+', '*', '#'];

/// The youngest of the beats, one a column, with a gap for each that was lost, `!` for an error, `?` for what
/// could not be sent and nothing yet for what is in flight.
///
/// The scale is that of the row: a bar of full height is the longest round trip, or 2.2 times the middle one where
/// that is more, so that a steady row stays low, and well inside one step.
pub fn sparkline(
    beats: impl DoubleEndedIterator<Item = Beat> + ExactSizeIterator,
    columns: usize,
    ascii: bool,
) -> String {
    let skipped = beats.len().saturating_sub(columns);
    let beats: Vec<Beat> = beats.skip(skipped).collect();
    let answered = beats.iter().filter_map(|beat| match beat {
        Beat::Answered(rtt) => Some(*rtt),
        _ => None,
    });
    let middle = reach_core::stats::median(answered.clone()).unwrap_or_default();
    let top = answered.max().unwrap_or_default().max(middle * 11 / 5);
    let bars = if ascii { ASCII_BARS } else { BARS };
    let draw = |beat: &Beat| match beat {
        Beat::Answered(rtt) => bars[level(*rtt, top)],
        Beat::Lost | Beat::Open => ' ',
        Beat::Rejected => '!',
        Beat::Unsent => '?',
    };
    let line: String = beats.iter().map(draw).collect();
    let open = beats.iter().rev().take_while(|beat| **beat == Beat::Open).count();
    line.chars().take(beats.len() - open).collect()
}

fn level(rtt: Duration, top: Duration) -> usize {
    if top.is_zero() {
        return 0;
    }
    let share = rtt.as_secs_f64() / top.as_secs_f64();
    ((share * BARS.len() as f64).ceil() as usize).clamp(1, BARS.len()) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(beats: &[Beat], columns: usize, ascii: bool) -> String {
        sparkline(beats.iter().copied(), columns, ascii)
    }

    fn ms(ms: u64) -> Beat {
        Beat::Answered(Duration::from_millis(ms))
    }

    #[test]
    fn a_steady_row_is_even_and_an_outlier_stands_out() {
        assert_eq!(drawn(&[ms(10), ms(10), ms(10)], 10, false), "▄▄▄");
        assert_eq!(drawn(&[ms(10), ms(80), ms(10)], 10, false), "▁█▁");
        assert_eq!(drawn(&[ms(10), ms(80), ms(10)], 10, true), "_#_");
    }

    #[test]
    fn losses_are_gaps_and_what_is_in_flight_is_not_drawn() {
        assert_eq!(drawn(&[ms(10), Beat::Lost, Beat::Rejected, ms(10), Beat::Open], 10, false), "▄ !▄");
    }

    #[test]
    fn the_youngest_are_shown() {
        assert_eq!(drawn(&[ms(80), ms(10), ms(10)], 2, false), "▄▄");
        assert_eq!(drawn(&[], 5, false), "");
    }
}
