//! The statistics behind the verdicts: small, explicit, tested against published numbers.

/// Wilson's score interval for a share: `successes` of `n` at normal quantile `z` (1.96 for 95 %).
///
/// Source: Wilson, E. B. (1927), *Probable inference, the law of succession, and statistical inference*.
/// For `n` = 0 the interval is (0, 1).
pub fn wilson(successes: u32, n: u32, z: f64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let n = f64::from(n);
    let p = f64::from(successes) / n;
    let z2 = z * z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// With this confidence (one-sided), the share behind `failures` of `tries` is below the value returned: the exact
/// upper bound, which for no failure is 1 − (1 − confidence)^(1/tries). 1 where nothing was tried or all failed.
///
/// Source: Clopper, C. J. and Pearson, E. S. (1934), *The use of confidence or fiducial limits illustrated in the
/// case of the binomial*.
pub fn share_bound(failures: u32, tries: u32, confidence: f64) -> f64 {
    if failures >= tries {
        return 1.0;
    }
    let alpha = 1.0 - confidence.clamp(0.0, 1.0);
    if failures == 0 {
        return 1.0 - alpha.powf(1.0 / f64::from(tries));
    }
    let ln_ways = |k: u32| ln_factorial(tries) - ln_factorial(k) - ln_factorial(tries - k);
    // The probability of at most as many failures. Above the share seen the terms fall from `failures` down.
    let at_most = |share: f64| {
        let mut sum = 0.0;
        for k in (0..=failures).rev() {
            let ln = ln_ways(k) + f64::from(k) * share.ln() + f64::from(tries - k) * (1.0 - share).ln();
            let term = ln.exp();
            sum += term;
            if term < sum * 1e-15 {
                break;
            }
        }
        sum
    };
    let (mut low, mut high) = (f64::from(failures) / f64::from(tries), 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_most(middle) > alpha { low = middle } else { high = middle }
    }
    high
}

/// How many tries without any failure show, with this confidence, that the share of failures is below `share`: the
/// smallest n with (1 − share)^n ≤ 1 − confidence. 299 for 1 % and 95 %.
pub fn tries_needed(share: f64, confidence: f64) -> u32 {
    let needed = (1.0 - confidence).ln() / (1.0 - share).ln();
    // NaN and infinity, where one of them is 0 or 1, are out of reach.
    if needed.is_finite() { needed.ceil().clamp(1.0, f64::from(u32::MAX)) as u32 } else { u32::MAX }
}

/// How many answers of `per_answer` addresses each are needed before one more equally used address, besides
/// the `seen` ones, would have been missed with a probability of at most `alpha`.
///
/// When every answer holds all that is known, three equal answers are asked for.
pub fn answers_needed(seen: u32, per_answer: f64, alpha: f64) -> u32 {
    if seen == 0 {
        return 0;
    }
    let others = f64::from(seen) + 1.0;
    if per_answer >= f64::from(seen) {
        return 3;
    }
    let missed_once = 1.0 - (per_answer / others).min(0.999);
    (alpha.ln() / missed_once.ln()).ceil().max(3.0) as u32
}

/// Chao2: a lower bound of the number of addresses behind `answers` answers, from how many addresses were
/// seen (`seen`), seen in one answer only (`once`) and in two (`twice`).
///
/// Source: Chao, A. (1987), *Estimating the population size for capture–recapture data with unequal
/// catchability*; the bias-corrected form where `twice` is 0.
pub fn chao2(seen: u32, once: u32, twice: u32, answers: u32) -> f64 {
    if answers < 2 {
        return f64::from(seen);
    }
    let shrink = f64::from(answers - 1) / f64::from(answers);
    let once = f64::from(once);
    let unseen =
        if twice > 0 { once * once / (2.0 * f64::from(twice)) } else { once * (once - 1.0).max(0.0) / 2.0 };
    f64::from(seen) + shrink * unseen
}

/// Good–Turing: the estimated share of address occurrences in future answers that are already known, from
/// the number of occurrences and of addresses that occurred once.
///
/// Source: Good, I. J. (1953), *The population frequencies of species and the estimation of population
/// parameters*.
pub fn good_turing_coverage(occurrences: u32, once: u32) -> f64 {
    if occurrences == 0 {
        return 0.0;
    }
    1.0 - f64::from(once.min(occurrences)) / f64::from(occurrences)
}

/// The probability of a table at least as lopsided as `a` of `a + b` against `c` of `c + d`, in the direction
/// that the first share is the larger one, if both shares were equal (Fisher's exact test, one-sided).
pub fn fisher_greater(a: u32, b: u32, c: u32, d: u32) -> f64 {
    let row = a + b;
    let column = a + c;
    let total = a + b + c + d;
    let log_choose = |n: u32, k: u32| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let whole = log_choose(total, column);
    (a..=row.min(column))
        .filter(|&x| column - x <= c + d)
        .map(|x| (log_choose(row, x) + log_choose(c + d, column - x) - whole).exp())
        .sum::<f64>()
        .min(1.0)
}

/// How many flows are needed before "`seen` next hops and no more" is wrong with a probability of at most
/// `alpha`, if a router spreads flows evenly: the smallest n for which n flows over `seen` + 1 next hops miss one
/// of them that rarely. 0 for none seen.
///
/// Source: Veitch, Augustin, Friedman, Teixeira (2009), *Failure control in multipath route tracing*, INFOCOM.
pub fn flows_needed(seen: u32, alpha: f64) -> u32 {
    /// More next hops than any router spreads flows over; bounds the sums below.
    const MOST: u32 = 1_024;
    if seen == 0 {
        return 0;
    }
    let alpha = alpha.clamp(1e-9, 0.5);
    let hops = f64::from(seen.min(MOST)) + 1.0;
    // Inclusion and exclusion over the next hops that are missed. The terms fall like alphaʲ / j!.
    let missed = |flows: u32| {
        let (mut term, mut sum, mut choose) = (1.0_f64, 0.0_f64, 1.0_f64);
        let mut out = 1.0;
        while out < hops && term.abs() > 1e-12 {
            choose *= (hops - out + 1.0) / out;
            let sign = if out % 2.0 == 1.0 { 1.0 } else { -1.0 };
            term = sign * choose * (f64::from(flows) * (1.0 - out / hops).ln()).exp();
            sum += term;
            out += 1.0;
        }
        sum
    };
    // The first term alone is an upper bound.
    let mut flows = ((alpha / hops).ln() / (1.0 - 1.0 / hops).ln()).ceil().max(1.0) as u32;
    while flows > 1 && missed(flows - 1) <= alpha {
        flows -= 1;
    }
    flows
}

/// ln n!, from 32 on by Stirling's series, whose first term left out is below 1/1260 n⁵.
fn ln_factorial(n: u32) -> f64 {
    if n < 32 {
        return (2..=n).map(|k| f64::from(k).ln()).sum();
    }
    let n = f64::from(n);
    n * n.ln() - n + (std::f64::consts::TAU * n).ln() / 2.0 + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
}

/// One flow's tally: SYNs sent and SYNs answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trials {
    /// SYNs sent.
    pub sent: u32,
    /// SYNs answered.
    pub answered: u32,
}

/// How probable each explanation of the tallies of several flows is, after seeing them; sums to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowPosterior {
    /// Nothing passes, whatever the flow.
    pub dead: f64,
    /// Everything passes, but for rare losses (below about 2 %).
    pub clean: f64,
    /// Single packets are lost at one common rate, whatever the flow.
    pub lossy: f64,
    /// Some flows never pass, and the others do, possibly with losses.
    pub split: f64,
}

/// Weighs four explanations of what several flows to one address saw.
///
/// Bayes' rule with fixed priors (clean 70 %, dead 10 %, lossy 12 %, split 8 %). *Lossy* integrates over a
/// common loss rate from 2 % to 90 %; *split* over the share of dead flows and, for the living, over loss
/// rates up to 2 % (three quarters of its weight) and from there to 60 % (one quarter). Deterministic grids of 64 points replace the integrals.
pub fn weigh_flows(flows: &[Trials]) -> FlowPosterior {
    const GRID: u32 = 64;
    let points = |low: f64, high: f64| {
        (0..GRID).map(move |i| low + (high - low) * (f64::from(i) + 0.5) / f64::from(GRID))
    };
    let answered: u32 = flows.iter().map(|flow| flow.answered).sum();
    let lost: u32 = flows.iter().map(|flow| flow.sent.saturating_sub(flow.answered)).sum();
    let likelihood =
        |loss: f64| (f64::from(answered) * (1.0 - loss).ln() + f64::from(lost) * loss.ln()).exp();
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / f64::from(GRID);

    let dead = if answered == 0 { 1.0 } else { 0.0 };
    let clean = mean(&mut points(0.0, 0.02).map(likelihood));
    let lossy = mean(&mut points(0.02, 0.90).map(likelihood));

    // With no flow wholly silent "some flows are dead" has no ground, and with none alive it is `dead`.
    let silent = flows.iter().filter(|flow| flow.sent > 0 && flow.answered == 0).count();
    let alive = flows.iter().filter(|flow| flow.answered > 0).count();
    let split = if silent == 0 || alive == 0 {
        0.0
    } else {
        let living_loss = |loss: f64| {
            let (kept, missed) =
                flows.iter().filter(|flow| flow.answered > 0).fold((0, 0), |(kept, missed), flow| {
                    (kept + flow.answered, missed + flow.sent - flow.answered)
                });
            (f64::from(kept) * (1.0 - loss).ln() + f64::from(missed) * loss.ln()).exp()
        };
        let living = 0.75 * mean(&mut points(0.0, 0.02).map(living_loss))
            + 0.25 * mean(&mut points(0.02, 0.60).map(living_loss));
        let shares = mean(
            &mut points(0.0, 1.0).map(|dead| dead.powi(silent as i32) * (1.0 - dead).powi(alive as i32)),
        );
        living * shares
    };

    let weights = [dead * 0.10, clean * 0.70, lossy * 0.12, split * 0.08];
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return FlowPosterior { dead: 0.0, clean: 0.0, lossy: 1.0, split: 0.0 };
    }
    let [dead, clean, lossy, split] = weights.map(|weight| weight / total);
    FlowPosterior { dead, clean, lossy, split }
}

/// The middle value; of an even number the lower one. `None` of nothing.
pub fn median<T: Ord + Copy>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// SplitMix64 (Steele, Lea & Flood 2014): spreads a seed into unrelated numbers.
pub fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, tolerance: f64) {
        assert!((a - b).abs() <= tolerance, "{a} is not {b} ± {tolerance}");
    }

    #[test]
    fn wilson_agrees_with_the_published_example() {
        let (low, high) = wilson(10, 40, 1.96);
        close(low, 0.142, 0.001);
        close(high, 0.402, 0.001);
        assert_eq!(wilson(0, 0, 1.96), (0.0, 1.0));
    }

    #[test]
    fn so_many_tries_show_a_share_below_one_percent() {
        // The published sample sizes for 95 % confidence and 99 % reliability, for 0 to 5 failures.
        for (failures, tries) in [(0, 299), (1, 473), (2, 628), (3, 773), (4, 913), (5, 1049)] {
            assert!(share_bound(failures, tries, 0.95) <= 0.01, "{failures} of {tries}");
            assert!(share_bound(failures, tries - 1, 0.95) > 0.01, "{failures} of {}", tries - 1);
        }
        assert_eq!(tries_needed(0.01, 0.95), 299);
        assert_eq!(tries_needed(0.001, 0.95), 2_995);
        assert_eq!(tries_needed(0.05, 0.95), 59);
        assert_eq!((tries_needed(0.0, 0.95), tries_needed(0.01, 1.0)), (u32::MAX, u32::MAX));
    }

    #[test]
    fn the_exact_bound_agrees_with_the_published_table() {
        // 97.5 % one-sided: the upper ends of the published 95 % intervals.
        for (failures, tries, bound) in [(0, 10, 0.3085), (1, 10, 0.4450), (5, 10, 0.8129), (10, 100, 0.1762)]
        {
            close(share_bound(failures, tries, 0.975), bound, 0.0001);
        }
        assert_eq!((share_bound(0, 0, 0.95), share_bound(7, 7, 0.95)), (1.0, 1.0));
        let huge = share_bound(1_000_000, 4_000_000, 0.95);
        assert!(huge > 0.25 && huge < 0.2505, "{huge}");
    }

    #[test]
    fn answers_needed_follow_the_stopping_rule() {
        for (seen, per_answer, needed) in
            [(4, 1.0, 21), (8, 1.0, 40), (16, 1.0, 76), (16, 4.0, 18), (16, 8.0, 8), (32, 8.0, 17)]
        {
            let answers = answers_needed(seen, per_answer, 0.01);
            assert!(answers.abs_diff(needed) <= 1, "({seen}, {per_answer}): {answers}, not {needed}");
        }
        assert_eq!(answers_needed(16, 16.0, 0.01), 3);
    }

    #[test]
    fn the_stopping_rule_agrees_with_the_published_table() {
        let rows: [(f64, [u32; 16]); 3] = [
            (0.05, [6, 11, 16, 21, 27, 33, 38, 44, 51, 57, 63, 70, 76, 83, 90, 96]),
            (0.01, [8, 15, 21, 28, 36, 43, 51, 58, 66, 74, 82, 90, 98, 106, 115, 123]),
            (0.00171, [11, 19, 27, 36, 45, 54, 64, 73, 83, 93, 102, 112, 122, 132, 142, 152]),
        ];
        for (alpha, row) in rows {
            let computed: Vec<u32> = (1..=16).map(|seen| flows_needed(seen, alpha)).collect();
            assert_eq!(computed, row, "{alpha}");
        }
        assert_eq!(flows_needed(0, 0.05), 0);
        assert!(flows_needed(u32::MAX, 0.0) > 1_000);
    }

    #[test]
    fn chao2_bounds_the_pool_from_below() {
        close(chao2(10, 4, 2, 25), 10.0 + 24.0 / 25.0 * 4.0, 1e-9);
        close(chao2(10, 0, 3, 25), 10.0, 1e-9);
        close(good_turing_coverage(25, 4), 0.84, 1e-9);
    }

    #[test]
    fn fisher_agrees_with_the_before_and_after_table() {
        close(fisher_greater(6, 10, 0, 16), 0.0088, 0.0005);
        close(fisher_greater(4, 12, 0, 16), 0.0506, 0.0005);
    }

    #[test]
    fn the_series_for_factorials_continues_their_sum() {
        for n in [32, 33, 100, 1000] {
            let sum: f64 = (2..=n).map(|k| f64::from(k).ln()).sum();
            close(ln_factorial(n), sum, 1e-9);
        }
        assert!(fisher_greater(10, 20, u32::MAX / 4, u32::MAX / 4).is_finite());
    }

    #[test]
    fn a_dead_member_of_two_paths_is_a_split_and_random_loss_is_not() {
        let good = Trials { sent: 2, answered: 2 };
        let bad = Trials { sent: 3, answered: 0 };
        assert!(weigh_flows(&[good, good, good, good, bad, bad, bad, bad]).split > 0.99);
        assert!(weigh_flows(&[good; 8]).clean > 0.9);
        assert!(weigh_flows(&[bad; 8]).dead > 0.99);
        let lossy = [(3, 2), (2, 2), (4, 2), (2, 2), (3, 2), (2, 1), (3, 2), (4, 2)]
            .map(|(sent, answered)| Trials { sent, answered });
        assert!(weigh_flows(&lossy).lossy > 0.95);
    }

    #[test]
    fn one_lost_syn_of_many_is_no_verdict_of_loss() {
        let mut flows = [Trials { sent: 4, answered: 4 }; 16];
        flows[3] = Trials { sent: 5, answered: 4 };
        assert!(weigh_flows(&flows).clean > 0.5);
    }
}
