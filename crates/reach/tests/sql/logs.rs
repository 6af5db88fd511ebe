//! What the databases themselves write down of slow statements, read as logs.

use std::{
    collections::BTreeSet,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use reach::logs::{Begin, Input, LogSource, SourcePlan, wall_clock};
use reach_core::signal::{Origin, Statement};
use reach_signal::log::{Kind, LogPlan, exceptions};

use crate::{Asker, PATIENCE, mariadb_with, postgres_with, settings, skipped, statements};

/// Reads a log until it has told so many statements.
fn told(path: &Path, kind: Kind, wanted: usize) -> Vec<Statement> {
    let mut log = LogPlan::new(Origin { source: "db".to_owned(), ..Origin::default() }, TimeZone::UTC);
    log.kind = kind;
    let input = Input::Files(vec![path.display().to_string()]);
    let plan = SourcePlan { input, log, begin: Begin::Start, follows: true, kept: None };
    let (mut source, _) = LogSource::open(plan, exceptions()).expect("open");
    let (mut found, began) = (Vec::new(), Instant::now());
    while found.len() < wanted {
        assert!(began.elapsed() < PATIENCE, "{}: {found:?}", path.display());
        let turn = source.poll(wall_clock());
        assert!(
            turn.remarks.iter().all(|remark| format!("{remark:?}").contains("NoFiles")),
            "{:?}",
            turn.remarks
        );
        found.extend(statements(turn.signals));
        thread::sleep(Duration::from_millis(50));
    }
    found
}

fn assert_told(found: &[Statement], texts: &[&str], database: &str) {
    let known: BTreeSet<&str> = found.iter().map(|it| it.text.as_str()).collect();
    for text in texts {
        assert!(known.contains(text), "{text}: {found:?}");
    }
    assert!(found.iter().all(|it| it.database.as_deref() == Some(database)), "{found:?}");
    assert!(!format!("{found:?}").contains("secret"), "{found:?}");
}

#[test]
fn the_slow_log_of_a_real_mariadb_is_read() {
    let Some(server) = mariadb_with(&[
        "--skip-networking",
        "--slow-query-log=1",
        "--slow-query-log-file=slow.log",
        "--long-query-time=0.2",
        "--log-slow-verbosity=query_plan,explain",
    ]) else {
        return skipped("MariaDB (package mariadb-server)");
    };
    let socket = server.place.path().join("s");
    Asker::new(settings("mariadb", &socket, "root", "1s")).first_answer();
    let run = |sql: &str| assert!(server.client(sql).status().expect("the client runs").success(), "{sql}");
    run("create database shop; use shop; create table t(a varchar(20)); insert into t values ('secret')");
    run(
        "use shop; select sleep(0.3),\n  'secret\n# Time: secret\n# User@Host: secret[secret] @  []' as b,\n  a from t where a = 'secret'",
    );
    run("use shop; select sleep(0.3), 5");
    let found = told(&server.place.path().join("d/slow.log"), Kind::MysqlSlow, 2);
    assert_told(&found, &["select sleep(?), ? as b, a from t where a = ?", "select sleep(?), ?"], "shop");
    assert!(found.iter().all(|it| it.elapsed >= Some(Duration::from_millis(290))), "{found:?}");
}

#[test]
fn the_log_of_a_real_postgresql_is_read_in_all_its_forms() {
    let Some(server) = postgres_with(
        "listen_addresses = ''\nlogging_collector = on\nlog_directory = 'log'\nlog_filename = 'pg.log'\n\
         log_destination = 'stderr,csvlog,jsonlog'\nlog_line_prefix = '%m [%p] %q%u@%d '\nlog_timezone = 'UTC'\n\
         log_min_duration_statement = 200\nlog_parameter_max_length = -1\n",
    ) else {
        return skipped("PostgreSQL (package postgresql)");
    };
    Asker::new(settings("postgres", server.place.path(), "owner", "1s")).first_answer();
    let run = |sql: &str| server.psql(5432, sql).status().expect("psql runs").success();
    assert!(run(
        "select pg_sleep(0.3),\n\t'secret\nLOG:  duration: 5.0 ms  statement: select ''secret''' as b,\n 5"
    ));
    assert!(run("prepare p(int) as select pg_sleep(0.3), $1, 'secret'; execute p(7)"));
    assert!(!run("set statement_timeout = 100; select pg_sleep(9), 'timeout secret'"));
    assert!(run(
        "load 'auto_explain'; set auto_explain.log_min_duration = 100; set log_min_duration_statement = -1; select pg_sleep(0.3) as planned, 'secret'"
    ));
    for name in ["pg.log", "pg.csv", "pg.json"] {
        let found = told(&server.place.path().join("d/log").join(name), Kind::Postgres, 4);
        let texts: Vec<&str> = found.iter().map(|it| it.text.as_str()).collect();
        assert_told(&found, &["select pg_sleep(?), ? as b, ?"], "postgres");
        assert!(texts.iter().any(|text| text.contains("execute p(?)")), "{name}: {texts:?}");
        assert!(texts.iter().any(|text| text.contains("as planned, ?")), "{name}: {texts:?}");
        let cancelled = found.iter().find(|it| it.error.is_some()).expect("cancelled");
        assert_eq!(
            cancelled.error.as_deref(),
            Some("canceling statement due to statement timeout"),
            "{name}"
        );
        assert!(cancelled.text.contains("pg_sleep(?), ?"), "{name}: {cancelled:?}");
    }
}
