//! A scenario that both worlds can play: in virtual time by the library, and in namespaces by the real
//! program.

use std::{
    env,
    fs::{self, OpenOptions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use reach::exit::Exit;
use reach_core::{
    judge::judge,
    model::{Effort, Families},
};
use reach_lab::{Description, Finished, Lab, NodeCommand};
use reach_report::{Lang, json};
use reach_sim::Scenario;
use serde_json::Value;

use crate::company::{REACH, Rights, reach};

/// A check ends by its deadline, at most 25 s; a machine that is very busy gets some more.
const LONGEST: Duration = Duration::from_secs(90);

/// A scenario, and its network in the words of the lab.
pub(crate) struct Play {
    pub(crate) name: String,
    pub(crate) scenario: Scenario,
    /// Or why namespaces cannot play it.
    pub(crate) network: Result<Description, String>,
    /// Whether a place may be missing where the scenario has one; a wrong one it must not be.
    pub(crate) may_lack_places: bool,
}

/// Who plays a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Player {
    /// The survey in the pretend world.
    Pretend,
    /// The program in namespaces, with every capability there.
    Privileged,
    /// The program in namespaces, without any.
    Unprivileged,
}

impl Player {
    pub(crate) const ALL: [Player; 3] = [Player::Pretend, Player::Privileged, Player::Unprivileged];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Player::Pretend => "pretend",
            Player::Privileged => "privileged",
            Player::Unprivileged => "unprivileged",
        }
    }
}

/// What the program said of a target, and how it ended.
pub(crate) struct Said {
    pub(crate) document: Value,
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
}

/// Every scenario of the repository, in order of their names.
pub(crate) fn plays() -> Vec<Play> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let scenarios = Scenario::load_all(&directory).unwrap_or_else(|error| panic!("{error}"));
    let play = |(name, scenario): (String, Scenario)| {
        let network = match &scenario.pretend_only {
            Some(reason) => Err(reason.clone()),
            None => network(&directory.join(format!("{name}.toml"))),
        };
        Play { name, scenario, network, may_lack_places: false }
    };
    scenarios.into_iter().map(play).collect()
}

/// The network of a scenario. The pretend world and the lab have one vocabulary, so no word of it is
/// translated; what only the pretend world knows the lab does not understand.
fn network(path: &Path) -> Result<Description, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut scenario: toml::Table = toml::from_str(&text).map_err(|error| error.to_string())?;
    let network = scenario.remove("network").ok_or("it has no network")?;
    let network = toml::to_string(&network).map_err(|error| error.to_string())?;
    Description::from_toml(&network).map_err(|error| error.to_string())
}

impl Play {
    /// Has the target checked by this player.
    pub(crate) fn perform(&self, network: &Description, player: Player) -> Result<Said, String> {
        match player {
            Player::Pretend => self.pretend(),
            Player::Privileged => self.live(network, player, Rights::All),
            Player::Unprivileged => self.live(network, player, Rights::None),
        }
    }

    /// Makes every router limit its ICMP errors as Linux does unless it is told otherwise. Then not every
    /// question about a place has an answer in the time that there is.
    pub(crate) fn limit_icmp_errors(&mut self) {
        self.name.push_str("-icmp-limited");
        self.may_lack_places = true;
        for stage in &mut self.scenario.network.stages {
            stage.routers.iter_mut().for_each(|router| router.icmp_rate_limited = true);
        }
        for stage in self.network.iter_mut().flat_map(|network| &mut network.stages) {
            stage.routers.iter_mut().for_each(|router| router.icmp_rate_limited = true);
        }
    }

    /// Surveys the pretend world, and writes what is concluded as the program does.
    fn pretend(&self) -> Result<Said, String> {
        let (mut world, case) = self.scenario.start(1).map_err(|error| error.to_string())?;
        let run = reach_sim::run(case.clone(), &mut world);
        let diagnosis = judge(&case, &run.observations);
        let (started, code) = (case.started, Exit::of_states([diagnosis.state]).code());
        let document = json::check(&[(case, diagnosis)], started, run.finished, "pretend", Lang::En);
        Ok(Said { document, code: Some(code.into()), took: run.finished.since(started) })
    }

    /// Builds the network, and checks the target in it.
    fn live(&self, network: &Description, player: Player, rights: Rights) -> Result<Said, String> {
        let lab = Lab::build(network).map_err(|error| format!("the lab: {error}"))?;
        let recording = recording(&lab)?;
        let command = check(&lab, rights).arg(&self.scenario.target).arg("--record").arg(&recording);
        let finished = command.args(self.options()).run().map_err(|error| error.to_string())?;
        if let Some(directory) = env::var_os("REACH_LAB_RECORDINGS") {
            let kept = Path::new(&directory).join(format!("{}-{}.jsonl", self.name, player.name()));
            fs::copy(&recording, kept).map_err(|error| error.to_string())?;
        }
        let said = said(&finished)?;
        replayed(&recording, &finished)?;
        Ok(said)
    }

    /// The plan of the scenario, as one would type it.
    fn options(&self) -> Vec<String> {
        let plan = &self.scenario.plan;
        let effort = match plan.effort {
            Effort::Quick => Some("--effort=quick"),
            Effort::Normal => None,
            Effort::Thorough => Some("--effort=thorough"),
        };
        let families = match plan.families {
            Families::Both => None,
            Families::V4 => Some("-4"),
            Families::V6 => Some("-6"),
        };
        let resolvers = plan.extra_resolvers.iter().map(|resolver| format!("--resolver={resolver}"));
        effort.into_iter().chain(families).map(str::to_owned).chain(resolvers).collect()
    }
}

/// `reach check --json` in the client, in an environment that holds nothing of this machine's.
pub(crate) fn check(lab: &Lab, rights: Rights) -> NodeCommand {
    reach(lab, rights).args(["check", "--json"]).timeout(LONGEST)
}

/// The one document that the program printed.
pub(crate) fn said(finished: &Finished) -> Result<Said, String> {
    if finished.timed_out {
        return Err(format!("it did not end within {LONGEST:?}; it said: {}", finished.stderr));
    }
    let document = serde_json::from_str(&finished.stdout).map_err(|error| {
        format!("no JSON document ({error}), status {}; it said: {}", finished.status, finished.stderr)
    })?;
    Ok(Said { document, code: finished.code(), took: finished.elapsed })
}

/// A file that anybody can write, which goes with the lab.
pub(crate) fn recording(lab: &Lab) -> Result<PathBuf, String> {
    let path = lab.directory().join("recording.jsonl");
    let made = OpenOptions::new().write(true).create_new(true).open(&path);
    let open_to_all = fs::Permissions::from_mode(0o666);
    made.and_then(|_| fs::set_permissions(&path, open_to_all)).map_err(|error| error.to_string())?;
    Ok(path)
}

/// Judging what was recorded has to give the same document to the byte, and the same status.
fn replayed(recording: &Path, live: &Finished) -> Result<(), String> {
    let replay = Command::new(REACH).args(["check", "--json", "--replay"]).arg(recording).output();
    let replay = replay.map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&replay.stdout);
    if text == live.stdout && replay.status.code() == live.code() {
        return Ok(());
    }
    let differing = text.lines().zip(live.stdout.lines()).find(|(replay, live)| replay != live);
    Err(format!(
        "the replay ends with {}, the check with {}; the first line that differs: {differing:?}",
        replay.status, live.status
    ))
}
