//! Single results, in columns.
//!
//! Results are sorted by target, address, layer and time, and those of one [`Track`] are a run. Tries come at
//! nearly even intervals and take nearly the same time as the ones before, so a run says its usual interval
//! once, and each result how far it is off; the time that it took is told as the difference from a running
//! mean, that of the run before at first. The columns, which deflate well because each holds one kind of
//! numbers:
//!
//! 1. The time of the first result of the page, in milliseconds; then the number of results of each run,
//! 2. its target and
//! 3. its address, as differences from the run before,
//! 4. its layer,
//! 5. the low eight bits of the time of its first result after that of the page, and
//! 6. the other bits: the low ones are noise, and the others are not,
//! 7. its usual interval, if there is one.
//! 8. The low eight bits of how far each interval is off the usual one (zigzagged), and
//! 9. the other bits.
//! 10. What came of each try: 0 answered, 1 could not be made, 2 + the number of the reason; with the highest
//!     bit for a fast repetition.
//! 11. The low eight bits of how long each answer took, on the scale of [`coarse`](super::coarse), less the
//!     mean (zigzagged), and
//! 12. the other bits.

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
    /// Whether it repeats at once one that failed.
    pub again: bool,
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
    let [mut counts, mut targets, mut series, mut layers, mut usuals, mut marks] = [const { Vec::new() }; 6];
    let [mut firsts, mut offs, mut spans] = [const { Split(Vec::new(), Vec::new()) }; 3];
    put(&mut counts, start);
    let (mut before, mut mean) = (Track { target: 0, series: 0, layer: 0 }, Mean::default());
    for run in entries.chunk_by(|one, other| one.track == other.track) {
        let track = run[0].track;
        put(&mut counts, run.len() as u64);
        put_signed(&mut targets, i64::from(track.target) - i64::from(before.target));
        put_signed(&mut series, i64::from(track.series) - i64::from(before.series));
        layers.push(track.layer);
        firsts.put(run[0].at - start);
        before = track;
        if run.len() > 1 {
            let usual = usual_interval(run);
            put(&mut usuals, usual);
            for pair in run.windows(2) {
                offs.put(zigzag((pair[1].at - pair[0].at).wrapping_sub(usual) as i64));
            }
        }
        mean.begin();
        for entry in run {
            let mark = match entry.mark {
                Mark::Answered(code) => {
                    spans.put(zigzag(mean.surprise(code)));
                    0
                }
                Mark::Unable => 1,
                Mark::Failed(reason) => reason.min(MOST_REASON) + 2,
            };
            marks.push(if entry.again { mark | AGAIN } else { mark });
        }
    }
    join([
        counts, targets, series, layers, firsts.0, firsts.1, usuals, offs.0, offs.1, marks, spans.0, spans.1,
    ])
}

/// The results of the body of a page, sorted; `None` of anything else.
pub fn read(body: &[u8]) -> Option<Vec<Entry>> {
    let columns = split::<12>(body)?;
    let [mut counts, mut targets, mut series, mut layers, .., mut marks, _, _] = columns;
    let [.., first_low, first_high, mut usuals, off_low, off_high, _, span_low, span_high] = columns;
    let (mut firsts, mut offs) = ((first_low, first_high), (off_low, off_high));
    let mut spans = (span_low, span_high);
    let start = counts.number()?;
    let most = marks.0.len();
    let mut entries = Vec::with_capacity(most.min(MOST));
    let (mut track, mut mean) = (Track { target: 0, series: 0, layer: 0 }, Mean::default());
    while !counts.is_empty() {
        let length = usize::try_from(counts.number()?).ok()?;
        if length == 0 || length > most || entries.len() + length > MOST {
            return None;
        }
        track.target = moved(track.target, targets.signed()?)?;
        track.series = moved(track.series, series.signed()?)?;
        track.layer = layers.byte()?;
        let mut at = start.checked_add(joined(&mut firsts)?)?;
        let usual = if length > 1 { usuals.number()? } else { 0 };
        mean.begin();
        for place in 0..length {
            if place > 0 {
                at = at.checked_add(usual)?.checked_add_signed(unzigzag(joined(&mut offs)?))?;
            }
            let byte = marks.byte()?;
            let again = byte & AGAIN != 0;
            let mark = match byte & !AGAIN {
                0 => Mark::Answered(mean.resolve(unzigzag(joined(&mut spans)?))?),
                1 => Mark::Unable,
                reason if reason - 2 <= MOST_REASON => Mark::Failed(reason - 2),
                _ => return None,
            };
            entries.push(Entry { track, at, mark, again });
        }
    }
    let (left, pairs) = ([targets, series, layers, usuals, marks], [firsts, offs, spans]);
    let all = left.iter().chain(pairs.iter().flat_map(|(low, high)| [low, high])).all(Cursor::is_empty);
    entries.sort_unstable();
    all.then_some(entries)
}

const MOST_REASON: u8 = 63;
/// The bit of a fast repetition, which no reason has.
const AGAIN: u8 = 0x80;

/// Two columns of one kind of numbers: their low eight bits, and the others.
struct Split(Vec<u8>, Vec<u8>);

impl Split {
    fn put(&mut self, number: u64) {
        self.0.push(number as u8);
        put(&mut self.1, number >> 8);
    }
}

fn joined((low, high): &mut (Cursor<'_>, Cursor<'_>)) -> Option<u64> {
    let (low, high) = (low.byte()?, high.number()?);
    (high >> 56 == 0).then_some(high << 8 | u64::from(low))
}

/// The median interval, in milliseconds.
fn usual_interval(run: &[Entry]) -> u64 {
    let mut intervals: Vec<u64> = run.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let middle = intervals.len() / 2;
    if intervals.is_empty() { 0 } else { *intervals.select_nth_unstable(middle).1 }
}

/// The running mean, in sixteenths. A run starts with that of the run before, and from its first answer on
/// has its own.
#[derive(Default)]
struct Mean {
    mean: i64,
    begun: bool,
}

impl Mean {
    fn begin(&mut self) {
        self.begun = false;
    }

    fn surprise(&mut self, code: u16) -> i64 {
        let code = i64::from(code);
        let surprise = code - (self.mean >> 4);
        self.follow(code);
        surprise
    }

    fn resolve(&mut self, surprise: i64) -> Option<u16> {
        let code = u16::try_from((self.mean >> 4).checked_add(surprise)?).ok()?;
        self.follow(i64::from(code));
        Some(code)
    }

    fn follow(&mut self, code: i64) {
        let code = code << 4;
        self.mean = if self.begun { self.mean + ((code - self.mean) >> 2) } else { code };
        self.begun = true;
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
        let entry = (track, at, mark, prop::bool::weighted(0.1));
        let entry = entry.prop_map(|(track, at, mark, again)| Entry { track, at, mark, again });
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
        let mut columns = [const { Vec::new() }; 12];
        [0, u64::from(u32::MAX)].iter().for_each(|&number| put(&mut columns[0], number));
        columns[1..].iter_mut().for_each(|column| column.push(0));
        assert_eq!(read(&join(columns)), None);
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
