//! What may be said after a change, and what may not.

use std::time::Duration;

use super::*;

const NOON: Time = Time::from_micros(1_795_348_800_000_000);

fn ip(last: u8) -> IpAddr {
    [203, 0, 113, last].into()
}

fn found(verdict: Verdict) -> Seen {
    let good = if verdict == Verdict::Ok { 4 } else { 0 };
    Seen { verdict: Some(verdict), tries: 4, good }
}

fn request(failing: &[u8], working: &[u8]) -> Request {
    let all = failing.iter().map(|last| (ip(*last), found(Verdict::Filtered)));
    let all = all.chain(working.iter().map(|last| (ip(*last), found(Verdict::Ok))));
    Request {
        target: "fcm.googleapis.com:443".parse().expect("a target"),
        measured: (NOON, NOON + Duration::from_secs(9)),
        before: all.collect(),
        unresolved: false,
        sources: vec![[10, 70, 0, 10].into()],
    }
}

fn round(minute: u64, seen: &[(u8, Verdict)], given: &[u8]) -> Round {
    let started = NOON + Duration::from_secs(60 * minute);
    Round {
        started,
        finished: started + Duration::from_secs(9),
        seen: seen.iter().map(|(last, verdict)| (ip(*last), found(*verdict))).collect(),
        given: given.iter().map(|last| ip(*last)).collect(),
        whole: true,
        unresolved: None,
        broken: false,
        sources: vec![[10, 70, 0, 10].into()],
    }
}

fn changes(comparison: &Comparison) -> Vec<(IpAddr, Change)> {
    comparison.rows.iter().map(|row| (row.address, row.change)).collect()
}

#[test]
fn what_works_in_both_rounds_is_clear() {
    let after = [(1, Verdict::Ok), (2, Verdict::Ok), (3, Verdict::Ok)];
    let rounds = vec![round(60, &after, &[1, 2, 3]), round(65, &after, &[1, 2, 3])];
    let comparison = Comparison::new(request(&[1, 2], &[3]), rounds);
    assert_eq!(comparison.outcome, Outcome::AllClear);
    assert_eq!(
        changes(&comparison),
        [(ip(1), Change::Mended), (ip(2), Change::Mended), (ip(3), Change::Works)]
    );
    assert_eq!(comparison.addresses, (Tally { failed: 2, of: 3 }, Tally { failed: 0, of: 3 }));
    assert_eq!(comparison.tries, (Tally { failed: 8, of: 12 }, Tally { failed: 0, of: 24 }));
    assert!(comparison.bound().is_some_and(|bound| (bound - 0.117).abs() < 0.001));
}

#[test]
fn the_numbers_of_the_statistics_are_the_published_ones() {
    let failing: Vec<u8> = (1..=6).collect();
    let working: Vec<u8> = (7..=16).collect();
    let after: Vec<(u8, Verdict)> = (1..=16).map(|last| (last, Verdict::Ok)).collect();
    let given: Vec<u8> = (1..=16).collect();
    let rounds = vec![round(60, &after, &given), round(65, &after, &given)];
    let comparison = Comparison::new(request(&failing, &working), rounds);
    assert!(comparison.chance().is_some_and(|chance| (chance - 0.0088).abs() < 0.0005));
}

#[test]
fn one_that_still_fails_is_no_all_clear_and_neither_is_one_that_wavers() {
    let good = [(1, Verdict::Ok), (2, Verdict::Ok)];
    let bad = [(1, Verdict::Filtered), (2, Verdict::Ok)];
    for (first, second, change) in
        [(bad, bad, Change::StillFails), (good, bad, Change::Wavers), (bad, good, Change::Wavers)]
    {
        let rounds = vec![round(60, &first, &[1, 2]), round(65, &second, &[1, 2])];
        let comparison = Comparison::new(request(&[1], &[2]), rounds);
        assert_eq!((comparison.outcome, comparison.rows[0].change), (Outcome::StillFails, change));
    }
}

#[test]
fn an_address_that_the_name_gives_only_now_has_to_work_too() {
    let after = [(1, Verdict::Ok), (9, Verdict::Filtered)];
    let rounds = vec![round(60, &after, &[1, 9]), round(65, &after, &[1, 9])];
    let comparison = Comparison::new(request(&[1], &[]), rounds);
    assert_eq!(comparison.outcome, Outcome::StillFails);
    assert_eq!(comparison.rows[1].change, Change::NewFails);
    assert!(!comparison.rows[1].asked);
}

#[test]
fn silence_of_an_address_that_left_the_name_blames_nobody() {
    let silent = [(1, Verdict::Filtered), (2, Verdict::Ok)];
    let rounds = vec![round(60, &silent, &[2]), round(65, &silent, &[2])];
    let comparison = Comparison::new(request(&[1], &[2]), rounds.clone());
    assert_eq!((comparison.outcome, comparison.rows[0].change), (Outcome::CannotTell, Change::Left));
    // Where it had worked before, nobody waits for it.
    let comparison = Comparison::new(request(&[], &[1, 2]), rounds);
    assert_eq!(comparison.outcome, Outcome::AllClear);
    // A device that says no is there whoever the address belongs to.
    let said = [(1, Verdict::Prohibited), (2, Verdict::Ok)];
    let rounds = vec![round(60, &said, &[2]), round(65, &said, &[2])];
    let comparison = Comparison::new(request(&[1], &[2]), rounds);
    assert_eq!((comparison.outcome, comparison.rows[0].change), (Outcome::StillFails, Change::StillFails));
    // A sample of the name is not the name.
    let mut rounds = vec![round(60, &silent, &[2]), round(65, &silent, &[2])];
    rounds[0].whole = false;
    let comparison = Comparison::new(request(&[1], &[2]), rounds);
    assert_eq!(comparison.outcome, Outcome::StillFails);
}

#[test]
fn too_little_is_never_an_all_clear() {
    let good = [(1, Verdict::Ok)];
    let once = vec![round(60, &good, &[1])];
    assert_eq!(Comparison::new(request(&[1], &[]), once).outcome, Outcome::CannotTell);
    assert_eq!(Comparison::new(request(&[1], &[]), Vec::new()).outcome, Outcome::CannotTell);
    let unclear = [(1, Verdict::Inconclusive)];
    let rounds = vec![round(60, &good, &[1]), round(65, &unclear, &[1])];
    assert_eq!(Comparison::new(request(&[1], &[]), rounds).outcome, Outcome::CannotTell);
    let mut rounds = vec![round(60, &good, &[1]), round(65, &good, &[1])];
    rounds[1].broken = true;
    assert_eq!(Comparison::new(request(&[1], &[]), rounds).outcome, Outcome::CannotTell);
    let mut rounds = vec![round(60, &good, &[1]), round(65, &good, &[1])];
    rounds[0].unresolved = Some(ResolutionError::Timeout);
    assert_eq!(Comparison::new(request(&[1], &[]), rounds).outcome, Outcome::StillFails);
}

#[test]
fn what_another_source_reaches_is_no_all_clear_for_the_one_that_asked() {
    let good = [(1, Verdict::Ok)];
    let mut rounds = vec![round(60, &good, &[1]), round(65, &good, &[1])];
    rounds.iter_mut().for_each(|round| round.sources = vec![[10, 70, 0, 99].into()]);
    let comparison = Comparison::new(request(&[1], &[]), rounds);
    assert!(comparison.elsewhere());
    assert_eq!(comparison.outcome, Outcome::CannotTell);
}

#[test]
fn what_a_round_did_not_come_to_by_name_is_tried_by_address_with_the_name_in_tls() {
    let request = request(&[1], &[2]);
    let missed = request.missed(&round(60, &[(2, Verdict::Ok)], &[2]));
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].text, "203.0.113.1:443");
    assert_eq!(missed[0].server_name.as_deref(), Some("fcm.googleapis.com"));
    assert!(missed[0].tls && missed[0].host == Host::Address(ip(1)));
}
