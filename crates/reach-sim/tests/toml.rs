//! What is wrong with a scenario is said in its own words.

use reach_sim::Scenario;

const GOOD: &str = "title = 'a network'\n\
target = 'push.example:443'\n\
[expect]\n\
state = 'reachable'\n\
[[expect.endpoints]]\n\
addresses = ['203.0.113.11']\n\
verdict = ['ok', 'lossy']\n\
where = { ttl = 2, last_answering = '10.70.1.2', by = 'none' }\n\
[network]\n\
[[network.stages]]\n\
routers = [{ name = 'r1' }]\n\
[[network.hosts]]\n\
name = 'web'\n\
addresses = ['203.0.113.11']\n";

fn complaint(text: &str) -> String {
    match Scenario::parse(text) {
        Ok(scenario) => panic!("{} is accepted", scenario.title),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_good_one_is_read() {
    let scenario = Scenario::parse(GOOD).unwrap();
    let (world, case) = scenario.start(3).unwrap();
    assert_eq!(case.target.text, "push.example:443");
    assert_eq!(case.vantage, world.network().client.vantage);
    assert_eq!(case.vantage.sources.len(), 2);
    assert_eq!((scenario.seeds, case.plan.seed), (3, 3));
}

#[test]
fn slips_are_named() {
    for (from, to, part) in [
        ("state = 'reachable'", "state = 'reachabel'", "reachabel"),
        ("verdict = ['ok', 'lossy']", "verdict = 'lost'", "lost"),
        ("title", "tittle", "tittle"),
        ("ttl = 2", "tll = 2", "tll"),
        ("by = 'none'", "by = 'nobody'", "neither an address nor `none`"),
        ("name = 'r1'", "name = 'r1', ded = true", "ded"),
        ("target = 'push.example:443'", "target = 'push.example:0'", "1 to 65535"),
        ("name = 'web'", "name = 'r1'", "used twice"),
        ("addresses = ['203.0.113.11']\nverdict", "addresses = ['203.0.113.99']\nverdict", "203.0.113.99"),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let complaint = complaint(&text);
        assert!(complaint.contains(part), "{to}: {complaint}");
    }
}

#[test]
fn faults_in_the_wrong_place_are_refused() {
    for (fault, part) in [
        ("at = 'nowhere'\neffect = 'drop'", "nowhere"),
        ("at = 'client'\neffect = 'drop'", "does not belong"),
        ("at = 'r1'\neffect = 'output-drop'", "does not belong"),
        ("at = 'web'\neffect = { syn-proxy = { backend = 'alive' } }", "does not belong"),
        ("at = 'r1'\neffect = 'unclaimed'", "needs addresses"),
        ("at = 'r1'\neffect = { syn-proxy = { backend = 'closed' } }", "needs addresses"),
        ("at = 'r1'\neffect = 'dropp'", "dropp"),
    ] {
        let complaint = complaint(&format!("{GOOD}[[network.faults]]\n{fault}\n"));
        assert!(complaint.contains(part), "{fault}: {complaint}");
    }
}
