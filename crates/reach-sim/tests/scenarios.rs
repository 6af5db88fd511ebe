//! Every scenario, through survey and judge: each has to come out as it says, under each of its seeds.

use std::path::Path;

use reach_core::judge::judge;
use reach_sim::{Scenario, run};

/// The name of a scenario to run alone.
const ONLY: &str = "REACH_SCENARIO";
/// How many seeds to try instead of the scenario's own number.
const SEEDS: &str = "REACH_SEEDS";

fn scenarios() -> Vec<(String, Scenario)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    Scenario::load_all(&directory).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_scenario_comes_out_as_it_says() {
    let only = std::env::var(ONLY).ok();
    let seeds = std::env::var(SEEDS).ok().and_then(|seeds| seeds.parse().ok());
    let mut failures = Vec::new();
    let mut played = 0;
    for (name, scenario) in scenarios() {
        if only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        for seed in 1..=seeds.unwrap_or(scenario.seeds) {
            played += 1;
            let (mut world, case) = scenario.start(seed).unwrap();
            let run = run(case.clone(), &mut world);
            let diagnosis = judge(&case, &run.observations);
            let lines = scenario.expect.mismatches(&diagnosis, run.finished.since(case.started));
            if !lines.is_empty() {
                let probes = run.observations.len();
                failures
                    .push(format!("{name}, seed {seed} ({probes} probes):\n    {}", lines.join("\n    ")));
            }
        }
    }
    assert!(played > 0, "there is no such scenario");
    assert!(failures.is_empty(), "{} of {played} fail\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (_, scenario) = scenarios().into_iter().find(|(name, _)| name == "loss-heavy").unwrap();
    let play = || {
        let (mut world, case) = scenario.start(5).unwrap();
        let run = run(case, &mut world);
        (run.observations, run.finished)
    };
    assert_eq!(play(), play());
}

/// How often the verdict is right, by fault and by loss in each direction. A change shows as a changed cell.
#[test]
fn verdicts_are_as_accurate_as_the_table_says() {
    let table = reach_sim::accuracy::accuracy_table(20);
    // Blame for what is merely lossy would show in the line without a fault: none of 160 addresses at 5 % loss.
    let lossy = table.lines().find(|line| line.starts_with("none")).expect("the table has this line");
    let cells: Vec<&str> =
        lossy.split_whitespace().filter(|word| word.starts_with(|c: char| c.is_ascii_digit())).collect();
    assert_eq!(cells, ["1.00"; 8], "{table}");
    insta::assert_snapshot!("accuracy", table);
}
