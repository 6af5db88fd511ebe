use std::{fs, os::unix::fs::PermissionsExt};

use clap::Parser;
use jiff::Timestamp;
use proptest::prelude::*;
use reach_signal::log::Kind;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::{
    cli::{Cli, Command},
    command::config::EXAMPLE,
    logs::{Begin, Input},
    web::door::Role,
};

fn nothing(_: &str) -> Option<String> {
    None
}

const BARE: World<'_> = World { variable: &nothing, is_root: true };

fn understood(text: &str) -> Result<WatchConfig, Problems> {
    let places = Places::gather(&nothing, true);
    read::understand("reach.toml", text, Path::new("/etc/reach"), false, &places, BARE)
        .map(|(config, _)| config)
}

fn good(text: &str) -> WatchConfig {
    understood(text).unwrap_or_else(|problems| panic!("{text}: {problems:#?}"))
}

/// The hash of a password that nobody knows.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$YWFhYWFhYWFhYWFhYWFhYQ$YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE";

#[test]
fn the_example_is_right_as_it_is_and_with_everything_in_force() {
    let config = good(EXAMPLE);
    assert_eq!(config.targets.len(), 3);
    assert_eq!(config.targets[1].pace.every, Duration::from_secs(30));
    assert_eq!(config.targets[1].rules.failure_share.map(|rule| rule.threshold), Some(0.005));
    assert_eq!(config.targets[0].rules, Rules::default());
    assert_eq!(config.targets[0].pace, Cadence::default());

    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("hosts.txt"), "192.0.2.11:7001\n").expect("written");
    fs::write(directory.path().join("blackbox.yml"), "modules: {icmp: {prober: icmp}}\n").expect("written");
    for (name, secret) in [
        ("heartbeat-url", "https://heartbeat.example/secret"),
        ("telegram-token", "1:token"),
        ("webhook-secret", "hush"),
        ("slack-url", "https://hooks.example.com/services/T/B/X"),
        ("teams-url", "https://flows.example.com/workflows/x"),
        ("mail-password", "hush"),
        ("scouter-password", "hush"),
        ("otlp-token", "hush"),
        ("kim.argon2", HASH),
    ] {
        fs::write(directory.path().join(name), format!("{secret}\n")).expect("written");
    }
    let signed = rcgen::generate_simple_self_signed(["reach.example.com".to_owned()]).expect("made");
    fs::write(directory.path().join("tls.crt"), signed.cert.pem()).expect("written");
    fs::write(directory.path().join("tls.key"), signed.signing_key.serialize_pem()).expect("written");
    let in_force: String = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let in_force = ["otlp-token", "kim.argon2", "tls.crt", "tls.key"].iter().fold(in_force, |text, name| {
        text.replace(&format!("/etc/reach/{name}"), &directory.path().join(name).to_string_lossy())
    });
    let file = directory.path().join("reach.toml");
    fs::write(&file, &in_force).expect("written");
    let config = load(&file, BARE).unwrap_or_else(|problems| panic!("{problems:#?}\n{in_force}"));
    assert_eq!(config.targets.len(), 5);
    assert_eq!(config.maintenance.len(), 3);
    assert_eq!(config.channels.len(), 8, "an installation of Scouter that is told is one");
    assert_eq!(config.scouter.len(), 1);
    let heartbeat = config.heartbeat.as_ref().map(|heartbeat| heartbeat.url.expose_secret());
    assert_eq!(heartbeat, Some("https://heartbeat.example/secret"));
    assert!(
        !format!("{config:?}").contains("heartbeat.example/secret"),
        "secrets show nothing of themselves"
    );
    assert_eq!(config.targets[4].target.server_name.as_deref(), Some("internal.example.com"));
}

#[test]
fn what_the_example_calls_a_default_is_one() {
    let usual = good("[[target]]\ntarget = 'a.example'\n");
    let in_force: String = EXAMPLE
        .lines()
        .filter(|line| {
            // What is off by default, or depends on the host, is an example.
            let key = line.trim_start_matches('#').split(' ').next().unwrap_or_default();
            !["vantage", "lang", "zone", "labels", "resolvers", "latency", "slo", "daily_hello"]
                .contains(&key)
        })
        .take_while(|line| !line.starts_with("[[target]]"))
        .map(|line| {
            format!("{}\n", line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        })
        .collect();
    let shown = good(&format!("{in_force}\n[[target]]\ntarget = 'a.example'\n"));
    assert_eq!(shown.targets, usual.targets);
    assert_eq!((shown.rate, shown.surveys), (usual.rate, usual.surveys));
}

#[test]
fn targets_take_the_defaults_and_say_what_is_particular() {
    let config = good(
        "[defaults]\nevery = '5s'\nlabels = { site = 'seoul' }\nlatency = '300ms'\n\
         [[target]]\ntargets = ['a.example', 'b.example:22']\nlabels = { tier = '1' }\nlatency = 'off'\n\
         echo_every = 'never'\n\
         [[target]]\ntarget = 'c.example:7001'\ntls = true\nslo = '99.9%'\ncertificate = { warn = '30d' }\n",
    );
    let [a, b, c] = &config.targets[..] else { panic!("{:?}", config.targets) };
    assert_eq!(a.pace.every, Duration::from_secs(5));
    assert_eq!((a.pace.echo_every, a.rules.latency), (None, None));
    assert_eq!(a.labels["site"], "seoul");
    assert_eq!(b.labels["tier"], "1");
    assert_eq!(c.rules.latency.map(|rule| rule.above), Some(Duration::from_millis(300)));
    assert_eq!(c.rules.burn.iter().map(|burn| burn.factor).collect::<Vec<_>>(), [14.4, 6.0, 1.0]);
    assert!(c.target.tls && !b.target.tls);
    assert_eq!(
        c.rules.certificate,
        Some((Duration::from_secs(30 * 86_400), Duration::from_secs(3 * 86_400)))
    );
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let text = "\
rate = 'fast'
[defaults]
evrey = '5s'
timeout = 3
failure_share = { treshold = '1%' }
[[target]]
targets = ['a..example', 'b.example', 'b.example:443']
forget_after = '5m'
[[target]]
labels = { tier = 1 }
[own]
references = ['dns.example:53']
gateway = 'somewhere'
[[channel]]
name = 'ops'
kind = 'telegramm'
[[maintenance]]
name = 'x'
days = ['someday']
from = '25:00'
until = '04:00'
zone = 'Asia/Soul'
[heartbeat]
every = '1m'
[store]
max_bytes = '1kB'
[[logging]]
level = 'info'
";
    let problems = understood(text).expect_err("all wrong");
    let expected = [
        "reach.toml:1:8: `rate`: `fast` is no number",
        "reach.toml:3:1: `defaults.evrey` is no key; did you mean `every`?",
        "reach.toml:4:11: `defaults.timeout`: `3` has no unit; seconds are written \"3s\"",
        "reach.toml:5:19: `defaults.failure_share.treshold` is no key; did you mean `threshold`?",
        "reach.toml:7:12: `a..example`",
        "reach.toml:7:39: `b.example:443` is watched already by reach.toml:7:26",
        "reach.toml:8:16: `target[1].forget_after`: an address cannot be forgotten before it is gone (15m)",
        "`target[2].target` is missing",
        "reach.toml:10:19: `target[2].labels.tier`: `1` stands where a text in quotes belongs",
        "reach.toml:12:15: `dns.example:53` is no address with a port",
        "reach.toml:13:11: `own.gateway`: `somewhere` is none of",
        "reach.toml:16:8: `channel[1].kind`: `telegramm` is no kind of channel; did you mean `telegram`?",
        "reach.toml:19:9: `someday` is no day",
        "reach.toml:20:8: `maintenance[1].from`: `25:00` is no time of day",
        "reach.toml:22:8: `maintenance[1].zone`: `Asia/Soul` is no time zone",
        "`heartbeat.url` is missing",
        "reach.toml:26:13: `store.max_bytes`: incidents alone may take more",
        "`logging`: a list stands where a table belongs, as in `[logging]`",
    ];
    for part in expected {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:#?}");
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn a_mistake_of_syntax_is_told_alone() {
    let problems = understood("[defaults\nevery = '5s'\nevrey = 1\n").expect_err("wrong");
    assert!(problems.iter().all(|problem| problem.contains("this is no TOML")), "{problems:?}");
}

#[test]
fn secrets_come_from_files_the_environment_or_systemd_and_errors_have_none() {
    let directory = TempDir::new().expect("a directory");
    let credentials = directory.path().join("credentials");
    fs::create_dir(&credentials).expect("made");
    fs::write(directory.path().join("url"), " https://h.example/a\n").expect("written");
    fs::write(credentials.join("heartbeat"), "https://h.example/b").expect("written");
    let place = credentials.display().to_string();
    let variable = |name: &str| match name {
        "HEARTBEAT" => Some("https://h.example/c".to_owned()),
        "WRONG" => Some("tops3cret".to_owned()),
        "CREDENTIALS_DIRECTORY" => Some(place.clone()),
        _ => None,
    };
    let world = World { variable: &variable, is_root: true };
    let file = directory.path().join("reach.toml");
    let with = |line: &str| {
        fs::write(&file, format!("[[target]]\ntarget = 'a.example'\n[heartbeat]\n{line}\n"))
            .expect("written");
        load(&file, world)
    };
    for (line, url) in [
        ("url_file = 'url'", "https://h.example/a"),
        ("url_credential = 'heartbeat'", "https://h.example/b"),
        ("url_env = 'HEARTBEAT'", "https://h.example/c"),
        ("url = 'https://h.example/d'", "https://h.example/d"),
    ] {
        let config = with(line).unwrap_or_else(|problems| panic!("{line}: {problems:?}"));
        let heartbeat = config.heartbeat.expect("given");
        assert_eq!(heartbeat.url.expose_secret(), url, "{line}");
    }
    for (line, part) in [
        ("url_file = 'nowhere'", "cannot be read"),
        ("url_env = 'NOWHERE'", "no variable `NOWHERE`"),
        ("url_env = 'WRONG'", "no URL that begins with https://"),
        ("url = 'tops3cret'", "no URL that begins with https://"),
        ("url_credential = '../x'", "no name of a credential"),
        ("url_file = 'url'\nurl_env = 'HEARTBEAT'", "says the same already"),
    ] {
        let problems = with(line).expect_err(line);
        assert!(problems.len() == 1 && problems[0].contains(part), "{line}: {problems:?}");
        assert!(!problems[0].contains("tops3cret"), "{problems:?}");
    }
}

#[test]
fn a_secret_in_a_file_that_all_may_read_is_remarked_on() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("reach.toml");
    fs::write(&file, "[[target]]\ntarget = 'a.example'\n[heartbeat]\nurl = 'https://h.example/x'\n")
        .expect("written");
    for (mode, warned) in [(0o644, true), (0o640, false)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("changed");
        let config = load(&file, BARE).expect("right");
        assert_eq!(!config.warnings.is_empty(), warned, "{mode:o}: {:?}", config.warnings);
    }
}

#[test]
fn maintenance_is_told_by_matcher_and_turn() {
    let config = good(
        "zone = 'UTC'\n[[target]]\ntarget = 'a.example'\n[[maintenance]]\nname = 'x'\n\
         targets = ['a*', 'b*']\nlabels = { tier = '1' }\ndays = 'sat'\nfrom = '23:00'\nuntil = '01:00'\n",
    );
    let time = |text: &str| {
        let stamp: Timestamp = text.parse().expect("a time");
        Time::from_micros(u64::try_from(stamp.as_microsecond()).expect("after 1970"))
    };
    let turns = config.maintenance[0].turns(time("2026-11-20T00:00:00Z"), time("2026-12-04T00:00:00Z"));
    assert_eq!(turns.len(), 4);
    assert_eq!(turns[0].0.target.as_deref(), Some("a*"));
    assert_eq!(turns[0].1, time("2026-11-21T23:00:00Z"));
    assert_eq!(turns[3].2, time("2026-11-29T01:00:00Z"));
}

#[test]
fn the_plan_has_everything_and_the_ids_of_the_memory() {
    let config = good("[own]\ngateway = 'none'\n[[target]]\ntargets = ['a.example', 'b.example']\n");
    let mut next = 6;
    let id = |_: &Target| {
        next += 1;
        TargetId(next)
    };
    let detected = "192.0.2.1".parse().ok();
    let plan = config.plan([].iter(), id, Vantage::default(), detected, 3);
    assert_eq!(plan.targets.iter().map(|target| target.id.0).collect::<Vec<_>>(), [7, 8]);
    assert_eq!(plan.own.gateway, None);
}

fn watched(line: &str) -> Result<Watch, Problems> {
    let words = format!("reach watch {line}");
    let args = match Cli::try_parse_from(words.split_whitespace()).map(|cli| cli.command) {
        Ok(Command::Watch(args)) => args,
        other => panic!("{line}: {other:?}"),
    };
    watch(&args, &Surroundings::default(), BARE)
}

#[test]
fn targets_of_the_command_line_are_watched_besides_those_of_the_file() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("reach.toml");
    fs::write(&file, "[defaults]\ntimeout = '1s'\n[[target]]\ntarget = 'a.example'\n").expect("written");
    let file = file.display();
    let both =
        watched(&format!("b.example a.example --every 2s --config {file} --store /tmp/x.db")).expect("right");
    let targets: Vec<_> = both
        .config
        .targets
        .iter()
        .map(|target| {
            (target.target.text.as_str(), target.pace.every.as_secs(), target.pace.timeout.as_secs())
        })
        .collect();
    assert_eq!(targets, [("a.example:443", 10, 1), ("b.example:443", 2, 1)]);
    assert!(both.config.store.named && !both.config.control.named);
    let alone = watched("b.example --for 1h --listen 9732 --control /tmp/s").expect("right");
    assert_eq!((alone.file, alone.ends_after), (None, Some(Duration::from_secs(3600))));
    assert_eq!(alone.config.http.settings.listen, "127.0.0.1:9732".parse().ok());
    assert_eq!(alone.config.control.path, Path::new("/tmp/s"));
}

#[test]
fn what_is_wrong_with_the_command_line_is_told() {
    let directory = TempDir::new().expect("a directory");
    let empty = directory.path().join("empty.toml");
    fs::write(&empty, "lang = 'ko'\n").expect("written");
    for (line, part) in [
        ("--config /nonexistent.toml".to_owned(), "`reach config example`"),
        (format!("--config {}", empty.display()), "names no target"),
        (format!("--config {} --every 5s", empty.display()), "set `every` in"),
        ("a.example --every 5".to_owned(), "`5s`"),
        ("a.example --for 0s".to_owned(), "too short"),
        ("a.example --listen everywhere".to_owned(), "127.0.0.1:9732"),
        ("a..example".to_owned(), "`a..example`"),
    ] {
        let problems = watched(&line).map(|watch| watch.file).expect_err(&line);
        assert!(problems.iter().any(|problem| problem.contains(part)), "{line}: {problems:?}");
    }
}

#[test]
fn who_asks_finds_the_socket_and_the_memory_without_reading_secrets() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("reach.toml");
    fs::write(
        &file,
        "state_dir = 'state'\n[control]\npath = '/run/x.sock'\n[heartbeat]\nurl_file = 'forbidden'\n",
    )
    .expect("written");
    let located = locate(Some(&file), BARE).expect("found");
    assert_eq!(located.store, directory.path().join("state/reach.db"));
    assert_eq!(located.sockets, [Path::new("/run/x.sock")]);
    let usual = locate(None, BARE).expect("found");
    assert_eq!(usual.sockets, [Path::new("/run/reach/watch.sock")]);
    assert!(locate(Some(Path::new("/nonexistent.toml")), BARE).is_err());
}

#[test]
fn this_host_and_databases_have_tables_of_their_own() {
    let target = "[[target]]\ntarget = 'a.example'\n";
    assert!(good(target).host.is_none() && good(target).sql.is_empty());
    let database = "kind = 'postgres'\nhost = 'db.example'\nuser = 'reach'\n";
    let config = good(&format!(
        "{target}[host]\nconnects = 'all'\n[[sql]]\nname = 'a'\n{database}password = {{ file = '/p' }}\nca = 'ca.pem'\n"
    ));
    assert_eq!(config.host.map(|host| host.connects), Some(crate::host::settings::Scope::All));
    assert_eq!(config.sql[0].ca.as_deref(), Some(Path::new("/etc/reach/ca.pem")));
    let twice = format!(
        "{target}[host]\nlook = '1ms'\n[[sql]]\nname = 'a'\n{database}[[sql]]\nname = 'a'\n{database}"
    );
    let problems = understood(&twice).expect_err("two mistakes");
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].contains("`look` is 1ms") && problems[1].contains("rename one"), "{problems:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_written_is_read_without_harm(
        at in any::<prop::sample::Index>(),
        length in 0_usize..40,
        text in "[\\PC\n]{0,20}",
    ) {
        let mut changed: Vec<char> = EXAMPLE.replace("\n#", "\n").chars().collect();
        let at = at.index(changed.len());
        let end = (at + length).min(changed.len());
        changed.splice(at..end, text.chars());
        let changed: String = changed.into_iter().collect();
        for problem in understood(&changed).err().unwrap_or_default() {
            prop_assert!(!problem.contains('\u{1b}') && problem.starts_with("reach.toml"), "{}", problem);
        }
    }
}

#[test]
fn what_is_pushed_where_and_which_modules_there_are_is_known_before_anything_begins() {
    let directory = TempDir::new().expect("a directory");
    fs::write(directory.path().join("modules.yml"), "modules: {x: {prober: carrier-pigeon}}")
        .expect("written");
    let file = directory.path().join("reach.toml");
    let otlp = "[otlp]\nendpoint = 'http://127.0.0.1:4318'\n";
    for (more, key, part) in [
        ("[otlp]\nendpoint = 'collector'".to_owned(), "`otlp.endpoint`", "http://collector.example:4318"),
        (format!("{otlp}every = '0s'"), "`otlp.every`", "between 1s and 1day"),
        (format!("{otlp}timeout = '1h'"), "`otlp.timeout`", "between 100ms and 10m"),
        (
            format!("{otlp}headers = {{ authorization = {{ env = 'REACH_TEST_UNSET' }} }}"),
            "`otlp.headers`",
            "no variable `REACH_TEST_UNSET`",
        ),
        ("[probe]\nmodules = 'nowhere.yml'".to_owned(), "`probe.modules`", "cannot be read"),
        ("[probe]\nmodules = 'modules.yml'".to_owned(), "`probe.modules`", "carrier-pigeon"),
    ] {
        fs::write(&file, format!("[[target]]\ntarget = 'a.example'\n{more}\n")).expect("written");
        let problems = load(&file, BARE).expect_err(&more);
        let told = problems.join("\n");
        assert!(told.contains("reach.toml:") && told.contains(key) && told.contains(part), "{more}: {told}");
    }
}

#[test]
fn what_is_wrong_with_a_channel_is_told_at_its_own_key() {
    let directory = TempDir::new().expect("a directory");
    let file = directory.path().join("reach.toml");
    let hook = "[[channel]]\nname = 'x'\nkind = 'webhook'\nurl = 'http://h.example/'\n";
    for (more, place, part) in [
        (format!("{hook}quiet_hours = 'never'"), ":7:", "`quiet_hours`"),
        (format!("{hook}fallback = 'y'"), ":7:", "`y` is no other channel"),
        (
            "[[channel]]\nname = 'x'\nkind = 'webhook'\nurl_file = 'nowhere'".to_owned(),
            ":6:",
            "cannot be read",
        ),
        (
            "[[channel]]\nname = 'x'\nkind = 'command'\ncommand = '/bin/true'".to_owned(),
            ":6:",
            "expected a list",
        ),
        ("[http]\nlisten = '127.0.0.1:1'\nhostss = []".to_owned(), ":5:", "`hostss`"),
        ("[http]\nlisten = '0.0.0.0:9732'".to_owned(), ":4:", "[[http.user]]"),
        (
            "[http]\nlisten = '[2001:db8::1]:9732'\nscrape_from = ['192.0.2.1']".to_owned(),
            ":4:",
            "[http.proxy]",
        ),
        ("[[http.user]]\nname = 'kim'\npassword = 'hunter2222'".to_owned(), ":3:", "reach config password"),
        (
            "[[http.user]]\nname = 'kim'\npassword = { file = '/nowhere' }".to_owned(),
            ":3:",
            "`/nowhere` cannot",
        ),
        ("[[http.user]]\nname = 'kim'\nrole = 'root'".to_owned(), ":5:", "unknown variant `root`"),
        ("[[http.token]]\nname = 'x'\nhash = 'abc'".to_owned(), ":5:", "reach config token"),
        ("[http.tls]\ncertificate = 'x.pem'".to_owned(), ":3:", "`self_signed = true`"),
        ("[http.tls]\ncertificate = 'x.pem'\nkey = 'y.pem'".to_owned(), ":3:", "x.pem` cannot be read"),
        ("[http.proxy]\nfrom = ['lan']".to_owned(), ":4:", "`lan` is no network"),
    ] {
        fs::write(&file, format!("[[target]]\ntarget = 'a.example'\n{more}\n")).expect("written");
        let problems = load(&file, BARE).expect_err(&more);
        assert!(problems.len() == 1 && problems[0].contains(place), "{more}: {problems:?}");
        assert!(problems[0].contains(part), "{more}: {problems:?}");
    }
}

#[test]
fn what_works_and_is_worth_a_remark_is_remarked_on() {
    let directory = TempDir::new().expect("a directory");
    let token = directory.path().join("token");
    fs::write(&token, "123:abc").expect("written");
    let file = directory.path().join("reach.toml");
    let channels = "[[channel]]\nname = 'a'\nkind = 'telegram'\ntoken_file = 'token'\nchat = 1\n\
                    [[channel]]\nname = 'b'\nkind = 'command'\ncommand = ['/nonexistent/notify']\n";
    fs::write(&file, format!("[[target]]\ntarget = 'a.example'\n{channels}")).expect("written");
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        fs::set_permissions(&token, fs::Permissions::from_mode(mode)).expect("changed");
        let told = load(&file, BARE).expect("right").warnings.join("\n");
        assert_eq!(told.contains("token has a secret in it"), warned, "{told}");
        assert!(told.contains("`/nonexistent/notify` cannot be started"), "{told}");
    }
}

#[test]
fn logs_are_read_from_files_and_from_the_journal() {
    let text = r#"
        zone = "Asia/Seoul"
        [logging]
        level = "debug"
        [[log]]
        name = "push"
        files = ["logs/*.log", "/srv/push/catalina.out"]
        service = "push"
        kind = "application"
        level = "warn"
        ignore = "retry \\d+"
        encoding = "cp949"
        longest_line = "1MB"
        [[log]]
        name = "front"
        file = "/var/log/nginx/access.log"
        pattern = '$remote_addr [$time_local] "$request" $status $upstream_addr $upstream_status'
        failed = ["5xx", "429"]
        window = "30s"
        from = "start"
        zone = "UTC"
        [[log]]
        name = "units"
        journal = ["a.service", "b.service"]
        match = "SYSLOG_IDENTIFIER=app"
        journal_directory = "/"
        [[log]]
        name = "orders"
        file = "/var/log/mysql/slow.log"
        kind = "mysql-slow"
        [[log]]
        name = "db"
        file = "/var/log/postgresql/postgresql.log"
        kind = "postgresql"
    "#;
    let config = good(text);
    assert_eq!((config.logs.len(), config.log.level), (5, LogLevel::Debug));
    let [push, front, units, orders, db] = &config.logs[..] else { panic!("five") };
    assert_eq!((orders.log.kind, db.log.kind), (Kind::MysqlSlow, Kind::Postgres));
    assert_eq!(
        push.input,
        Input::Files(vec!["/etc/reach/logs/*.log".to_owned(), "/srv/push/catalina.out".to_owned()])
    );
    assert_eq!((push.log.origin.source.as_str(), push.log.origin.service.as_deref()), ("push", Some("push")));
    assert_eq!((push.log.kind, push.begin, push.log.ignore.len()), (Kind::Application, Begin::End, 1));
    assert_eq!(push.kept.as_deref(), Some(Path::new("/var/lib/reach/logs/push.json")));
    assert_eq!((front.log.kind, front.begin), (Kind::Access, Begin::Start));
    assert!(front.log.failing.has(429) && front.log.window == Duration::from_secs(30));
    assert_eq!(front.log.zone, TimeZone::get("UTC").expect("a zone"));
    assert!(
        matches!(&units.input, Input::Journal(journal) if journal.units.len() == 2 && journal.matches.len() == 1
            && journal.directory.as_deref() == Some(Path::new("/")))
    );
    // Who has no logs to read may call our own as before.
    assert_eq!(good("[log]\nlevel = \"warn\"\n").log.level, LogLevel::Warn);
}

#[test]
fn what_is_wrong_with_a_log_is_told_with_its_place() {
    let log = |rest: &str| format!("[[log]]\nname = \"a\"\nfiles = \"a.log\"\n{rest}\n");
    for (text, part) in [
        ("[[log]]\nfiles = \"a\"\n".to_owned(), "`log[1].name` is missing; give it like name = \"push\""),
        ("[[log]]\nname = \"a\"\n".to_owned(), "`log[1].files` is missing"),
        (log("journal = true"), "`log[1].journal`: a log is in files or in the journal"),
        (log("match = \"A=b\""), "add `journal = true`"),
        (
            log("kind = \"acess\""),
            "reach.toml:4:8: `log[1].kind`: `acess` is no kind of log; did you mean `access`?",
        ),
        (log("pattern = \"%h\""), "`log[1].pattern`: `%h`: it has no status"),
        (log("pattern = \"%h%s\""), "nothing divides `%h` from `%s`"),
        (log("pattern = \"%s\"\nkind = \"application\""), "leave one out"),
        (log("pattern = \"%s\"\nkind = \"mysql-slow\""), "`kind = \"mysql-slow\"` has none; leave one out"),
        (log("journal_directory = \"/\""), "add `journal = true`"),
        (
            "[[log]]\nname = \"a\"\njournal = true\njournal_directory = \"/no/such\"\n".to_owned(),
            "is no directory",
        ),
        (log("zone = \"Seoul\""), "`Seoul` is no time zone"),
        (log("encoding = \"utf-16\""), "is no encoding"),
        (log("ignore = [\"a\", \"(\"]"), "`(` is no regular expression"),
        (log("level = \"loud\""), "`loud` is none of trace, debug, info"),
        (log("failed = [\"5y\"]"), "`5y` is no status"),
        (log("window = \"1s\""), "too short; give at least 5s"),
        (log("longest_line = \"1\""), "give a size from"),
        (log("longest_record = 1"), "no number from 10 to 100000"),
        (log("from = \"middle\""), "neither \"end\" nor \"start\""),
        (log("filess = \"x\""), "`log[1].filess` is no key; did you mean `files`?"),
        (
            log("[[log]]\nname = \"a\"\nfiles = \"b\""),
            "there is a log of the name `a` already, at reach.toml:2:8",
        ),
        ("[[log]]\nname = \"a\"\nfiles = \"a[\"\n".to_owned(), "is no pattern of names"),
        ("[[log]]\nname = \"a\"\njournal = \"-x\"\n".to_owned(), "is no unit"),
    ] {
        let problems = understood(&text).expect_err(&text);
        assert!(problems.iter().any(|problem| problem.contains(part)), "{text}: {problems:?}");
    }
}

#[test]
fn what_follows_from_signals_has_a_table_of_its_own() {
    let usual = good("[[target]]\ntarget = 'a.example'\n").signals;
    let from = EXAMPLE.find("#[signals]").expect("it is shown");
    let block = EXAMPLE[from..].split("\n\n").next().expect("a block").replace('#', "");
    assert_eq!(good(&block).signals, usual, "what the example shows is what holds otherwise");
    let from = EXAMPLE.find("#[otlp_receiver]").expect("it is shown");
    let block = EXAMPLE[from..].split("\n\n").next().expect("a block").replace('#', "");
    let block: String =
        block.lines().filter(|line| !line.starts_with("token")).map(|line| format!("{line}\n")).collect();
    assert_eq!(good(&block).otlp_receiver, Some(OtlpReceiverSettings::default()));

    let some = good(
        "[defaults]\nevery = '5s'\n[signals]\nfailure_share = '2%'\nfailures = 5\nmost = 4\n\
         examine = ['*.example.com:443', '203.0.113.0/24']\n",
    )
    .signals;
    assert_eq!((some.joining.share.threshold, some.joining.failures, some.most), (0.02, 5, 4));
    assert_eq!(some.like.pace.every, Duration::from_secs(5));
    assert!(!some.examine.open && some.examine.admits_lookup("a.example.com", Some(443)));
    assert!(!good("[signals]\nexamine = 'watched'\n").signals.examine.open);
}

#[test]
fn what_is_wrong_with_sources_is_told() {
    for (text, told) in [
        ("[signals]\nexamine = ['a b']\n", "is nothing to allow"),
        ("[signals]\nfailure_share = 'off'\n", "cannot be switched off"),
        ("[signals]\ncalmm = '1m'\n", "did you mean `calm`?"),
        ("[otlp_receiver]\nlisten = ['0.0.0.0:4317']\n", "set `token`"),
        ("[otlp_receiver]\nlisten = []\n", "it is empty"),
        ("[otlp_receiver]\ntoken = { file = '/nonexistent/token' }\n", "/nonexistent/token"),
        ("[host]\n[[log]]\nname = 'host'\nfiles = 'a.log'\n", "a source under `host` too"),
    ] {
        let problems = understood(text).expect_err(text);
        assert!(problems.iter().any(|problem| problem.contains(told)), "{text}: {problems:?}");
    }
}

#[test]
fn who_may_come_in_is_read_and_what_crosses_the_network_is_told() {
    let config = good(&format!(
        "[[target]]\ntarget = 'a.example'\n[http]\nlisten = '0.0.0.0:9732'\nscrape_from = ['192.0.2.1']\n[[http.user]]\n\
         name = 'kim'\npassword = '{HASH}'\nrole = 'operator'\n"
    ));
    let http = &config.http.settings;
    assert_eq!((http.user.len(), http.user[0].role), (1, Role::Operator));
    assert!(config.warnings.iter().any(|warning| warning.contains("[http.tls]")), "{:?}", config.warnings);
    assert!(!format!("{config:?}").contains("argon2id"), "secrets show nothing of themselves");
    let other = good(&format!(
        "[[target]]\ntarget = 'a.example'\n[http]\nlisten = '0.0.0.0:9732'\nscrape_from = ['192.0.2.1']\n[[http.user]]\n\
         name = 'lee'\npassword = '{HASH}'\n"
    ));
    assert_eq!(config.fixed_otherwise(&other), Vec::<&str>::new(), "people change without a restart");
}

#[test]
fn a_place_of_the_command_line_needs_a_door_as_well() {
    let problems = watched("fcm.example --listen 0.0.0.0:9732").expect_err("open to all");
    assert!(problems.iter().any(|problem| problem.contains("0.0.0.0:9732")), "{problems:?}");
    assert!(watched("fcm.example --listen 127.0.0.1:9732").is_ok());
}
