//! The format of the file, and how older formats become the current one.
//!
//! `PRAGMA user_version` counts the steps of [`STEPS`] that a file has had; each is one transaction. Steps
//! that were released are never edited.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::Error;

/// From nothing to the current format.
const STEPS: &[&str] = &[include_str!("sql/001.sql")];

/// "rea1": marks the file as ours (`PRAGMA application_id`).
const APPLICATION: i32 = 0x7265_6131;

/// The first SQLite that does not damage files in WAL mode: before it, a checkpoint and a reset of the log at
/// the same time could lose pages.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Refuses a file that is not ours, or too new, before anything in it is changed.
pub(crate) fn inspect(path: &Path) -> Result<(), Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failure(path, error))?;
    found(&connection, path, STEPS.len() as u32).map(drop)
}

/// Brings a file up to the current format. Says which format it had: 0 of a new one.
pub(crate) fn prepare(connection: &mut Connection, path: &Path) -> Result<u32, Error> {
    migrate(connection, path, STEPS)
}

/// Makes sure that a file has the current format.
pub(crate) fn verify(connection: &Connection, path: &Path) -> Result<(), Error> {
    let known = STEPS.len() as u32;
    match identify(connection, path)? {
        Some(found) if found == known => Ok(()),
        Some(found) if found > known => Err(Error::Newer { path: path.to_owned(), found, known }),
        Some(found) => Err(Error::Older { path: path.to_owned(), found, known }),
        None => Err(Error::Foreign { path: path.to_owned() }),
    }
}

/// Refuses an SQLite that may damage the file.
pub(crate) fn check_sqlite() -> Result<(), Error> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::OldSqlite { found: rusqlite::version().to_owned() });
    }
    Ok(())
}

fn migrate(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<u32, Error> {
    let found = found(connection, path, steps.len() as u32)?;
    for (number, step) in (1_u32..).zip(steps).skip(found as usize) {
        let advance = |connection: &mut Connection| {
            let step_of = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            step_of.execute_batch(step)?;
            step_of.pragma_update(None, "user_version", number)?;
            step_of.pragma_update(None, "application_id", APPLICATION)?;
            step_of.commit()
        };
        advance(connection).map_err(|error| failure(path, error))?;
    }
    Ok(found)
}

/// The format that a file has; 0 of an empty one.
fn found(connection: &Connection, path: &Path, known: u32) -> Result<u32, Error> {
    match identify(connection, path)? {
        Some(found) if found > known => Err(Error::Newer { path: path.to_owned(), found, known }),
        Some(found) => Ok(found),
        None if is_empty(connection, path)? => Ok(0),
        None => Err(Error::Foreign { path: path.to_owned() }),
    }
}

/// The format of a file of ours; `None` of any other.
fn identify(connection: &Connection, path: &Path) -> Result<Option<u32>, Error> {
    let number = |name: &str| {
        let number = connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        number.map_err(|error| failure(path, error))
    };
    if number("application_id")? != i64::from(APPLICATION) {
        return Ok(None);
    }
    Ok(Some(u32::try_from(number("user_version")?).unwrap_or(u32::MAX)))
}

fn is_empty(connection: &Connection, path: &Path) -> Result<bool, Error> {
    let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
    tables.map(|tables| tables == 0).map_err(|error| failure(path, error))
}

pub(crate) fn failure(path: &Path, source: rusqlite::Error) -> Error {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Error::Foreign { path },
        Some(ErrorCode::DatabaseCorrupt) => Error::Damaged { path },
        _ => Error::Sqlite { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "watch.db";

    fn tables(connection: &Connection) -> Vec<String> {
        let mut all = connection.prepare("SELECT sql FROM sqlite_schema ORDER BY name").expect("a query");
        let all = all.query_map([], |row| row.get::<_, Option<String>>(0)).expect("rows");
        all.filter_map(|sql| sql.expect("a row")).collect()
    }

    #[test]
    fn every_older_format_becomes_the_current_one() {
        let mut new = Connection::open_in_memory().expect("memory");
        assert_eq!(prepare(&mut new, Path::new(PATH)).expect("created"), 0);
        for older in 1..=STEPS.len() {
            let mut file = Connection::open_in_memory().expect("memory");
            migrate(&mut file, Path::new(PATH), &STEPS[..older]).expect("an older format");
            assert_eq!(prepare(&mut file, Path::new(PATH)).expect("brought up"), older as u32);
            assert_eq!(tables(&file), tables(&new));
            verify(&file, Path::new(PATH)).expect("current");
        }
    }

    #[test]
    fn rows_live_through_a_step() {
        let mut file = Connection::open_in_memory().expect("memory");
        let next = "ALTER TABLE targets ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";
        let steps = [STEPS, &[next]].concat();
        prepare(&mut file, Path::new(PATH)).expect("created");
        file.execute("INSERT INTO targets (id, target) VALUES (7, 'a.example')", []).expect("a row");
        migrate(&mut file, Path::new(PATH), &steps).expect("brought up");
        let row = file.query_row("SELECT id, note FROM targets", [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row.expect("the row"), (7, "none".to_owned()));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut file = Connection::open_in_memory().expect("memory");
        prepare(&mut file, Path::new(PATH)).expect("created");
        let before = tables(&file);
        let steps =
            [STEPS, &["CREATE TABLE new (id INTEGER) STRICT; CREATE TABLE targets (id INTEGER)"]].concat();
        migrate(&mut file, Path::new(PATH), &steps).expect_err("the table is there");
        assert_eq!(tables(&file), before);
        verify(&file, Path::new(PATH)).expect("as it was");
    }

    #[test]
    fn a_newer_format_is_refused_and_not_touched() {
        let mut file = Connection::open_in_memory().expect("memory");
        prepare(&mut file, Path::new(PATH)).expect("created");
        file.pragma_update(None, "user_version", 99).expect("a version");
        let error = prepare(&mut file, Path::new(PATH)).expect_err("newer");
        assert!(matches!(error, Error::Newer { found: 99, .. }), "{error}");
        assert!(matches!(verify(&file, Path::new(PATH)), Err(Error::Newer { .. })));
    }

    #[test]
    fn a_file_of_another_program_is_refused() {
        let mut file = Connection::open_in_memory().expect("memory");
        file.execute_batch("CREATE TABLE heartbeat (id INTEGER)").expect("a table");
        assert!(matches!(prepare(&mut file, Path::new(PATH)), Err(Error::Foreign { .. })));
    }

    #[test]
    fn the_sqlite_that_is_linked_is_new_enough() {
        check_sqlite().expect("new enough");
    }
}
