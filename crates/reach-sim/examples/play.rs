//! Plays a scenario and prints what was observed and concluded:
//! `cargo run -p reach-sim --example play -- scenarios/story.toml [SEED]`.

use std::{env, path::Path, process::ExitCode};

use reach_core::judge::judge;
use reach_sim::{Scenario, run};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(path), seed) = (arguments.next(), arguments.next()) else {
        eprintln!("which scenario? play FILE.toml [SEED]");
        return ExitCode::from(2);
    };
    let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let (scenario, (mut world, case)) = match Scenario::load(Path::new(&path))
        .and_then(|scenario| scenario.start(seed).map(|started| (scenario, started)))
    {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let run = run(case.clone(), &mut world);
    for observation in &run.observations {
        let since = |time: reach_core::Time| time.since(case.started).as_secs_f64();
        let (sent, done) = (since(observation.sent), since(observation.done));
        println!("{sent:9.4} {done:9.4} {:?}\n{:20}{:?}", observation.probe, "", observation.outcome);
    }
    let took = run.finished.since(case.started);
    let diagnosis = judge(&case, &run.observations);
    println!(
        "\n{}, seed {seed}: {} probes, {took:?}\n{diagnosis:#?}",
        scenario.title,
        run.observations.len()
    );
    let lines = scenario.expect.mismatches(&diagnosis, took);
    for line in &lines {
        println!("MISMATCH {line}");
    }
    ExitCode::from(u8::from(!lines.is_empty()))
}
