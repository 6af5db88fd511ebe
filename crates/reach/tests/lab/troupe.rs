//! All players on all stages, a few at a time, and the review of what they showed.

use std::{env, time::Duration};

use reach_core::model::Effort;
use reach_lab::Description;

use crate::{
    agreement::differences,
    company::{side_by_side, tell},
    expected::{items, mismatches},
    play::{Play, Player, Said},
};

/// A scenario, by whom it was played, and what came of it.
pub(crate) struct Performance<'a> {
    play: &'a Play,
    player: Player,
    said: Result<Said, String>,
}

impl<'a> Performance<'a> {
    fn of(play: &'a Play, player: Player) -> Self {
        let said = match &play.network {
            Ok(network) => play.perform(network, player),
            Err(reason) => Err(reason.clone()),
        };
        Performance { play, player, said }
    }

    /// How long it took.
    fn time(&self) -> String {
        let took =
            self.said.as_ref().map_or("?".to_owned(), |said| format!("{:.1} s", said.took.as_secs_f64()));
        format!("{} {took}", self.player.name())
    }

    /// What is not as the scenario expects: one line each.
    fn complaints(&self) -> Vec<String> {
        let lines = match &self.said {
            Err(error) => vec![error.clone()],
            Ok(said) => {
                let mut lines = mismatches(&self.play.scenario.expect, said, self.play.may_lack_places);
                lines.extend(rights_mismatches(self.play, self.player, said));
                lines.extend(too_long(self.play, said));
                lines
            }
        };
        lines.into_iter().map(|line| format!("{}: {line}", self.player.name())).collect()
    }

    fn has_dice(&self) -> bool {
        self.play.network.as_ref().is_ok_and(has_dice)
    }
}

/// Has every player do its play; the performances are in the order of the jobs.
///
/// Lost packets are lost at random, and whoever throws dice long enough sees every face; and a machine that other
/// work holds up for seconds loses packets and answers of its own. So unless somebody asks for certain scenarios,
/// what went wrong is tried once more: what is wrong with the program is wrong again.
pub(crate) fn perform<'a>(jobs: &[(&'a Play, Player)]) -> Vec<Performance<'a>> {
    let is_patient = env::var_os("REACH_SCENARIO").is_none();
    side_by_side(jobs, |&(play, player)| {
        let performance = Performance::of(play, player);
        let complaints = performance.complaints();
        if !is_patient || player == Player::Pretend || complaints.is_empty() {
            return performance;
        }
        tell(&format!("{}: once more, after\n    {}", play.name, complaints.join("\n    ")));
        Performance::of(play, player)
    })
}

/// Tells how each play went, and fails if one did not go as it should.
pub(crate) fn settle(performances: &[Performance<'_>]) {
    let mut failures = Vec::new();
    let mut played = 0;
    for of_one_play in performances.chunk_by(|one, other| one.play.name == other.play.name) {
        let name = &of_one_play[0].play.name;
        let wrong = review(of_one_play);
        let times: Vec<String> = of_one_play.iter().map(Performance::time).collect();
        let mark = if wrong.is_empty() { "as expected" } else { "DIFFERS" };
        tell(&format!("{name}: {mark}; {}", times.join(", ")));
        played += 1;
        if !wrong.is_empty() {
            failures.push(format!("{name}\n    {}", wrong.join("\n    ")));
        }
    }
    assert!(failures.is_empty(), "{} of {played} differ\n{}", failures.len(), failures.join("\n"));
}

/// What is wrong with the performances of one play: one line each.
fn review(performances: &[Performance<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = performances.iter().flat_map(Performance::complaints).collect();
    for pair in performances.windows(2) {
        let [one, other] = pair else { continue };
        let (Ok(said), Ok(counter)) = (&one.said, &other.said) else { continue };
        if !one.has_dice() {
            let differences = differences(&one.play.scenario.expect, said, counter);
            let who = format!("{} and {} differ", one.player.name(), other.player.name());
            lines.extend(differences.into_iter().map(|line| format!("{who}: {line}")));
        }
    }
    lines
}

/// What a lack of rights takes away, it has to take away, and what it leaves must be there.
fn rights_mismatches(play: &Play, player: Player, said: &Said) -> Vec<String> {
    let Ok(network) = &play.network else { return Vec::new() };
    let mut lines = Vec::new();
    let raw = &said.document["vantage"]["raw_sockets"];
    if player != Player::Pretend && *raw != (player == Player::Privileged) {
        lines.push(format!("raw_sockets is {raw}"));
    }
    let may_ping = network.client.ping_sockets || player == Player::Privileged;
    for endpoint in items(&said.document["targets"][0]["endpoints"]) {
        if endpoint["ping"]["permitted"] != may_ping && endpoint["verdict"] != "no-route" {
            lines.push(format!("{} has the ping {}", endpoint["address"], endpoint["ping"]));
        }
    }
    lines
}

/// Whether chance has a hand in a network, so that two performances in it may differ: lost packets, something
/// that there is not enough of for all flows or all errors, paths and answers drawn by lot.
fn has_dice(network: &Description) -> bool {
    use reach_lab::{Effect, Selection};
    let by_chance = |effect: &Effect| {
        matches!(
            effect,
            Effect::Loss { .. }
                | Effect::Snat { .. }
                | Effect::ConnectionLimit { .. }
                | Effect::SynRate { .. }
        )
    };
    let names = || network.resolvers.iter().flat_map(|resolver| &resolver.names);
    network.faults.iter().any(|fault| fault.flows.is_some() || by_chance(&fault.effect))
        || network
            .stages
            .iter()
            .flat_map(|stage| &stage.routers)
            .any(|router| router.dead || router.icmp_rate_limited)
        || network.links.iter().filter_map(|link| link.relay.as_ref()).any(|relay| relay.loss_percent > 0)
        || names().any(|name| matches!(name.selection, Selection::Random { .. }))
}

/// A check that takes much longer than it may. How long a check takes on a machine that does other things
/// says little, so it is only asked where the labs are required, and with a large allowance.
fn too_long(play: &Play, said: &Said) -> Option<String> {
    let all_is_good = play.scenario.expect.max_seconds.is_some_and(|seconds| seconds <= 6.0);
    let limit = match play.scenario.plan.effort {
        Effort::Thorough => Duration::from_secs(25),
        _ if all_is_good => Duration::from_secs(2),
        _ => Duration::from_secs(10),
    };
    let asked = env::var_os("REACH_LAB_REQUIRED").is_some_and(|value| value == "1");
    (asked && said.took > 2 * limit).then(|| format!("it takes {:?}, and {limit:?} are enough", said.took))
}
