//! Databases as they are: PostgreSQL and MariaDB from the distribution, started here for the test alone, on sockets of a
//! directory of their own.

#[path = "sql/logs.rs"]
mod logs;
#[path = "sql/tls.rs"]
mod tls;

use std::{
    env, fs,
    io::{self, Write as _},
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use reach::sql::{SqlReader, settings::SqlSettings};
use reach_core::{
    Time,
    signal::{Gauge, Signal, Statement, Word},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(120);

fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Time::from_micros(since.as_micros() as u64)
}

fn skipped(what: &str) {
    // Not by `eprintln!`, which the test harness would keep to itself.
    let _ = writeln!(io::stderr(), "SKIPPED: needs {what}");
}

fn program(name: &str) -> Option<PathBuf> {
    let mut directories: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    directories.extend(["/usr/sbin", "/usr/bin"].map(PathBuf::from));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    // The distribution's own come first: a wrapper of the same name may want to be somebody else.
    let mut all: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    all.append(&mut directories);
    all.into_iter().map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// Servers refuse to be root: they are then who nobody is.
fn ordinary(program: &Path) -> Command {
    const NOBODY: u32 = 65_534;
    let mut command = Command::new(program);
    if nix::unistd::geteuid().is_root() {
        std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
        std::os::unix::process::CommandExt::gid(&mut command, NOBODY);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A directory with a short name, as the names of sockets are short, that the servers may use.
fn place() -> TempDir {
    let directory = tempfile::Builder::new().prefix("rs").tempdir_in("/tmp").expect("a directory");
    if nix::unistd::geteuid().is_root() {
        chown(directory.path(), Some(65_534), Some(65_534)).expect("given away");
    }
    directory
}

struct Server {
    child: Child,
    place: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A reader, with the runtime that its session lives on.
struct Asker {
    reader: SqlReader,
    runtime: tokio::runtime::Runtime,
}

impl Asker {
    fn new(settings: SqlSettings) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { reader: SqlReader::new(settings), runtime }
    }

    fn ask(&mut self) -> (Vec<Signal>, Result<(), String>) {
        self.runtime.block_on(self.reader.read(now))
    }

    /// Asks until it is answered.
    fn first_answer(&mut self) -> Vec<Signal> {
        let began = Instant::now();
        loop {
            match self.ask() {
                (signals, Ok(())) => return signals,
                (_, Err(error)) if began.elapsed() > PATIENCE => panic!("never answered: {error}"),
                (_, Err(_)) => thread::sleep(Duration::from_millis(200)),
            }
        }
    }
}

fn statements(signals: Vec<Signal>) -> impl Iterator<Item = Statement> {
    signals.into_iter().filter_map(|signal| match signal.word {
        Word::Statement(statement) => Some(statement),
        _ => None,
    })
}

fn postgres() -> Option<Server> {
    postgres_with("listen_addresses = ''\nshared_preload_libraries = 'pg_stat_statements'\n")
}

/// With these lines in its configuration.
fn postgres_with(configuration: &str) -> Option<Server> {
    let (initdb, server) = (program("initdb")?, program("postgres")?);
    let place = place();
    let data = place.path().join("d");
    let made = ordinary(&initdb)
        .args(["--username=owner", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"])
        .arg(&data)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return None;
    }
    let mut file = fs::File::options().append(true).open(data.join("postgresql.conf")).ok()?;
    writeln!(file, "fsync = off\nunix_socket_directories = '{}'\n{configuration}", place.path().display())
        .ok()?;
    let child = ordinary(&server).arg("-D").arg(&data).spawn().ok()?;
    Some(Server { child, place })
}

impl Server {
    /// PostgreSQL's own client.
    fn psql(&self, port: u16, sql: &str) -> Command {
        let mut command = Command::new(program("psql").expect("psql comes with the server"));
        command.env_clear().args(["-X", "-q", "-A", "-t", "-U", "owner", "-d", "postgres", "-h"]);
        command.arg(self.place.path()).args(["-p", &port.to_string(), "-c", sql]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// MariaDB's own client.
    fn client(&self, sql: &str) -> Command {
        let mut command = Command::new(program("mariadb").expect("the client comes with the server"));
        command
            .args(["--no-defaults", "-u", "root", "-S"])
            .arg(self.place.path().join("s"))
            .args(["-e", sql]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

fn settings(kind: &str, host: &Path, user: &str, slow: &str) -> SqlSettings {
    let host = host.display();
    toml::from_str(&format!(
        "name = \"orders\"\nkind = \"{kind}\"\nhost = \"{host}\"\nuser = \"{user}\"\nslow = \"{slow}\"\n"
    ))
    .expect("settings")
}

#[test]
fn slow_statements_and_locks_of_a_real_postgresql_are_told_without_their_literals() {
    let Some(server) = postgres() else { return skipped("PostgreSQL (package postgresql)") };
    let mut reader = Asker::new(settings("postgres", server.place.path(), "owner", "300ms"));
    reader.first_answer();
    let psql = |sql: &str| server.psql(5432, sql);
    let run = |sql: &str| assert!(psql(sql).status().expect("psql runs").success(), "{sql}");
    run("create extension pg_stat_statements");
    run("create table customers(name text, state int); insert into customers values ('Kim', 1)");

    // A reader that finds the extension, and one that runs and one that waits for a lock.
    let mut reader = Asker::new(settings("postgres", server.place.path(), "owner", "300ms"));
    let levels = reader.first_answer();
    let connections = levels.iter().find_map(|signal| match &signal.word {
        Word::Level(level) if level.gauge == Gauge::DatabaseConnections => Some(level),
        _ => None,
    });
    assert!(
        connections.is_some_and(|level| level.used >= Some(1) && level.total == Some(97)),
        "{connections:?}"
    );
    run("select pg_sleep(0.5), 'digest-secret'");
    let mut holder =
        psql("begin; update customers set state = 2 where name = 'Kim'; select pg_sleep(30), 'secret-1'")
            .spawn()
            .expect("psql");
    thread::sleep(Duration::from_millis(300));
    let mut waiter = psql("update customers set state = 3 where name = 'Kim'").spawn().expect("psql");
    let began = Instant::now();
    let mut told: Vec<Statement> = Vec::new();
    while told.len() < 3 && began.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
        let (signals, result) = reader.ask();
        assert_eq!(result, Ok(()));
        told.extend(statements(signals));
    }
    for child in [&mut holder, &mut waiter] {
        let _ = child.kill();
        let _ = child.wait();
    }
    assert!(!format!("{told:?}").contains("secret") && !format!("{told:?}").contains("Kim"), "{told:?}");
    let find =
        |text: &str| told.iter().find(|it| it.text == text).unwrap_or_else(|| panic!("{text}: {told:?}"));
    let digest = find("select pg_sleep(?), ?");
    assert_eq!((digest.count, digest.database.as_deref()), (1, Some("postgres")));
    let waiting = find("update customers set state = ? where name = ?");
    assert_eq!(waiting.waits.as_deref(), Some("lock"));
    let running = told.iter().find(|it| it.text.starts_with("begin; update customers")).expect("the holder");
    assert!(running.waits.is_none() && running.elapsed >= Some(Duration::from_millis(300)));
}

#[test]
fn a_postgresql_that_goes_away_is_told_once_and_again_when_it_is_back() {
    let directory = place();
    let mut reader = Asker::new(settings("postgres", directory.path(), "owner", "1s"));
    let (signals, result) = reader.ask();
    assert!(result.is_err());
    assert!(
        matches!(&signals[..], [Signal { word: Word::Presence { alive: false, .. }, .. }]),
        "{signals:?}"
    );
    let (signals, _) = reader.ask();
    assert_eq!(signals, []);
    let rests: Vec<Duration> = (0..8).map(|_| reader.reader.rest()).collect();
    assert!(rests.windows(2).all(|pair| pair[0] <= pair[1]), "{rests:?}");
    assert_eq!(rests.last(), Some(&Duration::from_secs(300)));
}

#[test]
fn a_listener_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("bound").port();
    thread::scope(|scope| {
        for kind in ["postgres", "mysql"] {
            scope.spawn(move || {
                let text = format!(
                    "name = \"a\"\nkind = \"{kind}\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"u\"\n"
                );
                let mut asker = Asker::new(toml::from_str(&text).expect("settings"));
                assert_eq!(asker.ask().1, Err("it does not answer".to_owned()), "{kind}");
            });
        }
    });
}

fn mariadb() -> Option<Server> {
    mariadb_with(&[
        "--skip-networking",
        "--performance-schema=ON",
        "--performance-schema-consumer-events-statements-current=ON",
    ])
}

/// With these options.
fn mariadb_with(options: &[&str]) -> Option<Server> {
    let install = program("mariadb-install-db")?;
    let place = place();
    let made = ordinary(&install)
        .arg("--no-defaults")
        .arg(format!("--datadir={}", place.path().join("d").display()))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return None;
    }
    let child = mariadbd(place.path(), options)?;
    Some(Server { child, place })
}

fn mariadbd(place: &Path, options: &[&str]) -> Option<Child> {
    let file = |name: &str| place.join(name).display().to_string();
    let mut command = ordinary(&program("mariadbd")?);
    command.arg("--no-defaults").arg(format!("--datadir={}", file("d")));
    command.arg(format!("--socket={}", file("s"))).arg(format!("--pid-file={}", file("p")));
    command.arg("--innodb-flush-log-at-trx-commit=0").args(options).spawn().ok()
}

#[test]
fn slow_statements_of_a_real_mariadb_are_told_without_their_literals() {
    let Some(server) = mariadb() else { return skipped("MariaDB (package mariadb-server)") };
    let socket = server.place.path().join("s");
    let mut reader = Asker::new(settings("mariadb", &socket, "root", "300ms"));
    reader.first_answer();
    let client = |sql: &str| server.client(sql);
    let run = |sql: &str| assert!(client(sql).status().expect("the client runs").success(), "{sql}");
    run(
        "create database shop; create table shop.customers(name varchar(20) primary key, state int) engine=innodb; \
         insert into shop.customers values ('Kim', 1)",
    );
    run("select sleep(0.01), 'warms-up'");
    // The server counts a statement a moment after it has answered it.
    let counted = "select count(*) from performance_schema.events_statements_summary_by_digest \
                   where digest_text like 'SELECT `sleep`%'";
    let is_counted = || {
        let said = client(counted).stdout(Stdio::piped()).output().expect("the client runs");
        String::from_utf8_lossy(&said.stdout).lines().any(|line| line.trim() == "1")
    };
    let waits = Instant::now();
    while !is_counted() {
        assert!(waits.elapsed() < PATIENCE, "it is never counted");
        thread::sleep(Duration::from_millis(50));
    }
    reader.ask().1.expect("answers");
    run("select sleep(0.5), 'digest-secret'");
    let mut holder = client(
        "use shop; begin; update customers set state = 2 where name = 'Kim'; select sleep(30), 'secret-1', 5",
    )
    .spawn()
    .expect("a client");
    thread::sleep(Duration::from_millis(300));
    let mut waiter =
        client("update shop.customers set state = 3 where name = 'Kim'").spawn().expect("a client");
    let began = Instant::now();
    let mut told: Vec<Statement> = Vec::new();
    while told.len() < 3 && began.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(100));
        let (signals, result) = reader.ask();
        assert_eq!(result, Ok(()));
        told.extend(statements(signals));
    }
    for child in [&mut holder, &mut waiter] {
        let _ = child.kill();
        let _ = child.wait();
    }
    assert!(!format!("{told:?}").contains("secret") && !format!("{told:?}").contains("Kim"), "{told:?}");
    let find = |text: &str| told.iter().find(|it| it.text.eq_ignore_ascii_case(text));
    assert!(find("SELECT `sleep`(?), ?").is_some_and(|it| it.count == 1), "{told:?}");
    assert!(
        find("select sleep(?), ?, ?").is_some_and(|it| it.database.as_deref() == Some("shop")),
        "{told:?}"
    );
    let waiting = find("update shop.customers set state = ? where name = ?").expect("it waits");
    assert_eq!(waiting.waits.as_deref(), Some("lock"), "{told:?}");
}
