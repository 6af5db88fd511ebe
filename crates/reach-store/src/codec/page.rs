//! Single results, in columns.
//!
//! Results are sorted by target, address, layer and time, and those of one [`Track`] are a run. Tries come at nearly
//! even intervals and take nearly the same time as the ones before, so a run says its usual interval once, and each
//! result how far it is off; the time that it took is told as the difference from a running mean. The columns:
//!
//! 1. Runs: results in it, target and address (differences from the run before), layer, time of the first result
//!    (after the first of the page; the page begins with that), the usual interval. In milliseconds.
//! 2. The low eight bits of how far each interval is off the usual one (zigzagged), and
//! 3. the other bits: apart, because the low ones are noise and the high ones are not.
//! 4. What came of it: 0 answered, 1 could not be made, 2 + the number of the reason.
//! 5. How long the answers took, on the scale of [`coarse`](super::coarse).

use super::{Cursor, Mark, Track, join, moved, put, put_signed, seal, split, unseal, unzigzag, zigzag};

/// No page has more results.
pub const MOST: usize = 1 << 16;

/// One result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Whose.
    pub track: Track,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// What came of it.
    pub mark: Mark,
}

/// Seals at most [`MOST`] results, which have to be sorted.
pub fn encode(entries: &[Entry]) -> Vec<u8> {
    seal(&write(entries))
}

/// The results of a sealed page; `None` of anything else.
pub fn decode(sealed: &[u8]) -> Option<Vec<Entry>> {
    read(&unseal(sealed)?)
}

/// The body of a page of results, which have to be sorted.
pub fn write(entries: &[Entry]) -> Vec<u8> {
    debug_assert!(entries.is_sorted() && entries.len() <= MOST);
    let start = entries.iter().map(|entry| entry.at).min().unwrap_or_default();
    let (mut runs, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new());
    let (mut marks, mut spans) = (Vec::new(), Vec::new());
    put(&mut runs, start);
    let (mut target, mut series) = (0, 0);
    for run in entries.chunk_by(|one, other| one.track == other.track) {
        let track = run[0].track;
        let usual = usual_interval(run);
        put(&mut runs, run.len() as u64);
        put_signed(&mut runs, i64::from(track.target) - i64::from(target));
        put_signed(&mut runs, i64::from(track.series) - i64::from(series));
        runs.push(track.layer);
        put(&mut runs, run[0].at - start);
        put(&mut runs, usual);
        (target, series) = (track.target, track.series);
        for pair in run.windows(2) {
            let off = zigzag((pair[1].at - pair[0].at).wrapping_sub(usual) as i64);
            low.push(off as u8);
            put(&mut high, off >> 8);
        }
        let mut mean = Mean::default();
        for entry in run {
            marks.push(match entry.mark {
                Mark::Answered(code) => {
                    put_signed(&mut spans, mean.surprise(code));
                    0
                }
                Mark::Unable => 1,
                Mark::Failed(reason) => reason.min(MOST_REASON) + 2,
            });
        }
    }
    join([runs, low, high, marks, spans])
}

/// The results of the body of a page, sorted; `None` of anything else.
pub fn read(body: &[u8]) -> Option<Vec<Entry>> {
    let [mut runs, mut low, mut high, mut marks, mut spans] = split::<5>(body)?;
    let start = runs.number()?;
    let mut entries = Vec::with_capacity(marks.0.len().min(MOST));
    let mut track = Track { target: 0, series: 0, layer: 0 };
    while !runs.is_empty() {
        let length = usize::try_from(runs.number()?).ok()?;
        if length == 0 || length > marks.0.len() || entries.len() + length > MOST {
            return None;
        }
        track.target = moved(track.target, runs.signed()?)?;
        track.series = moved(track.series, runs.signed()?)?;
        track.layer = runs.byte()?;
        let mut at = start.checked_add(runs.number()?)?;
        let usual = runs.number()?;
        let mut mean = Mean::default();
        for place in 0..length {
            if place > 0 {
                at = at.checked_add(usual)?.checked_add_signed(offset(&mut low, &mut high)?)?;
            }
            let mark = match marks.byte()? {
                0 => Mark::Answered(mean.resolve(spans.signed()?)?),
                1 => Mark::Unable,
                reason if reason - 2 <= MOST_REASON => Mark::Failed(reason - 2),
                _ => return None,
            };
            entries.push(Entry { track, at, mark });
        }
    }
    let all = [low, high, marks, spans].iter().all(Cursor::is_empty);
    entries.sort_unstable();
    all.then_some(entries)
}

const MOST_REASON: u8 = 63;

fn offset(low: &mut Cursor<'_>, high: &mut Cursor<'_>) -> Option<i64> {
    let (low, high) = (low.byte()?, high.number()?);
    (high >> 56 == 0).then(|| unzigzag(high << 8 | u64::from(low)))
}

/// The median interval, in milliseconds.
fn usual_interval(run: &[Entry]) -> u64 {
    let mut intervals: Vec<u64> = run.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let middle = intervals.len() / 2;
    if intervals.is_empty() { 0 } else { *intervals.select_nth_unstable(middle).1 }
}

/// The running mean of a run, in sixteenths; starts at its first answer.
#[derive(Default)]
struct Mean(Option<i64>);

impl Mean {
    fn surprise(&mut self, code: u16) -> i64 {
        let code = i64::from(code);
        let expected = self.0.map_or(0, |mean| mean >> 4);
        self.follow(code);
        code - expected
    }

    fn resolve(&mut self, surprise: i64) -> Option<u16> {
        let expected = self.0.map_or(0, |mean| mean >> 4);
        let code = u16::try_from(expected.checked_add(surprise)?).ok()?;
        self.follow(i64::from(code));
        Some(code)
    }

    fn follow(&mut self, code: i64) {
        self.0 = Some(self.0.map_or(code << 4, |mean| mean + (((code << 4) - mean) >> 2)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(most: usize) -> impl Strategy<Value = Vec<Entry>> {
        let track = (0_u32..5, 0_u32..9, 0_u8..6);
        let track = track.prop_map(|(target, series, layer)| Track { target, series, layer });
        let mark = prop_oneof![
            8 => (0_u16..4_500).prop_map(Mark::Answered),
            2 => (0_u8..10).prop_map(Mark::Failed),
            1 => Just(Mark::Unable),
        ];
        let at = prop_oneof![1_700_000_000_000_u64..1_700_000_100_000, any::<u64>().prop_map(|at| at >> 1)];
        let entry = (track, at, mark).prop_map(|(track, at, mark)| Entry { track, at, mark });
        prop::collection::vec(entry, 0..most).prop_map(|mut entries| {
            entries.sort_unstable();
            entries
        })
    }

    #[test]
    fn an_empty_page_is_a_page() {
        assert_eq!(decode(&encode(&[])), Some(Vec::new()));
    }

    #[test]
    fn a_page_that_claims_more_results_than_it_has_bytes_is_refused_at_once() {
        let mut runs = Vec::new();
        [0, u64::from(u32::MAX), 0, 0].iter().for_each(|&number| put(&mut runs, number));
        assert_eq!(read(&join([runs, vec![], vec![], vec![0], vec![]])), None);
    }

    proptest! {
        #[test]
        fn results_survive(entries in entries(400)) {
            prop_assert_eq!(decode(&encode(&entries)), Some(entries));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(decode(&bytes), None);
            if let Some(entries) = read(&bytes) {
                prop_assert_eq!(read(&write(&entries)), Some(entries));
            }
        }

        #[test]
        fn a_body_with_a_few_wrong_bytes_is_read_or_refused(
            entries in entries(60),
            wrong in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut body = write(&entries);
            for (place, byte) in wrong {
                let place = place.index(body.len());
                body[place] = byte;
            }
            if let Some(entries) = read(&body) {
                prop_assert_eq!(read(&write(&entries)), Some(entries));
            }
        }
    }
}
