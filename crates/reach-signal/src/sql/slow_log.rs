//! The slow query log of MySQL and MariaDB, line by line.
//!
//! A record is a few lines of comments with what was measured, `use` and `SET timestamp`, and the statement over as many
//! lines as it has. It ends where the next begins, or where the log stands still.

use std::time::Duration;

use reach_core::{
    Time,
    signal::{Origin, Signal, Statement, Word},
};

use super::normal::{Dialect, normalise};

/// The most bytes of a statement that are looked at.
const MOST_TEXT: usize = 64 * 1024;

/// Reads a slow log.
#[derive(Clone, Debug)]
pub struct SlowLog {
    origin: Origin,
    /// The schema in use stays until another is named, as the log leaves it out then.
    schema: Option<String>,
    record: Record,
}

#[derive(Clone, Debug, Default)]
struct Record {
    at: Option<Time>,
    elapsed: Option<Duration>,
    error: Option<String>,
    text: String,
    /// Comments may come after the statement's first line only as part of it.
    in_text: bool,
    /// Something of it came.
    is_begun: bool,
}

impl SlowLog {
    /// For the log that signals are to name so.
    pub fn new(origin: Origin) -> Self {
        Self { origin, schema: None, record: Record::default() }
    }

    /// Takes the next line, without its end, that was read at `now`. Gives the statement that it ends, if it ends one.
    pub fn line(&mut self, now: Time, line: &str) -> Option<Signal> {
        let line = line.trim_end_matches('\r');
        let begins = is_time_line(line) || is_user_line(line);
        if begins || is_banner(line) {
            // `# Time` is left out where it is that of the record before, so both may begin one.
            let there = self.record.in_text || self.record.elapsed.is_some();
            let ended = if there { self.end(now) } else { None };
            self.record.is_begun = begins;
            return ended;
        }
        if !self.record.in_text && line.starts_with('#') {
            self.header(line);
            return None;
        }
        // Without one this is between the banner and the first record, or one that began before the log was opened.
        self.record.elapsed?;
        let bare = line.trim().trim_end_matches(';');
        if !self.record.in_text {
            if let Some(seconds) = bare.strip_prefix("SET timestamp=") {
                let seconds = seconds.split('.').next().and_then(|seconds| seconds.parse::<u64>().ok());
                self.record.at = seconds.map(|seconds| Time::from_micros(seconds.saturating_mul(1_000_000)));
                return None;
            }
            if let Some(schema) = bare.strip_prefix("use ") {
                self.schema = name(schema.trim_matches('`'));
                return None;
            }
        }
        self.record.in_text = true;
        if self.record.text.len() < MOST_TEXT {
            let room = MOST_TEXT - self.record.text.len();
            let cut = (0..=room.min(line.len())).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
            self.record.text.push_str(&line[..cut]);
            self.record.text.push('\n');
        }
        None
    }

    /// The log has stood still for a while, at `now`: what is there is whole.
    pub fn rest(&mut self, now: Time) -> Option<Signal> {
        if self.record.in_text { self.end(now) } else { None }
    }

    /// Whether what comes next may belong to what came.
    pub fn is_open(&self) -> bool {
        self.record.is_begun
    }

    fn header(&mut self, line: &str) {
        // `# administrator command: Quit;` is a statement of its own kind.
        if let Some(command) = line.strip_prefix("# administrator command: ") {
            if self.record.elapsed.is_some() {
                self.record.in_text = true;
                self.record.text.push_str(command);
            }
            return;
        }
        let mut words = line.trim_start_matches('#').split_ascii_whitespace().peekable();
        while let Some(word) = words.next() {
            // A field may be empty, and then the next name follows.
            let value = words.next_if(|next| !next.ends_with(':'));
            match (word, value) {
                ("Query_time:", Some(value)) => {
                    self.record.elapsed = seconds(value);
                    self.record.is_begun = true;
                }
                ("Schema:", Some(value)) => self.schema = name(value),
                ("Errno:" | "Last_errno:", Some(value)) if value != "0" => {
                    self.record.error = value.parse::<u32>().ok().map(|number| format!("errno {number}"));
                }
                _ => {}
            }
        }
    }

    fn end(&mut self, now: Time) -> Option<Signal> {
        let record = std::mem::take(&mut self.record);
        let text = normalise(&record.text, Dialect::Mysql);
        (!text.is_empty()).then(|| Signal {
            at: record.at.unwrap_or(now),
            origin: self.origin.clone(),
            word: Word::Statement(Statement {
                database: self.schema.clone(),
                text,
                elapsed: record.elapsed,
                count: 1,
                error: record.error,
                waits: None,
            }),
        })
    }
}

/// `# Time: 240311  0:12:33`, `# Time: 2024-03-11T00:12:33.123456Z`. A statement may have lines that begin like it.
fn is_time_line(line: &str) -> bool {
    let is_time = |rest: &str| {
        let is_part = |byte: u8| byte.is_ascii_digit() || b" -:.TZ+".contains(&byte);
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.bytes().all(is_part)
    };
    line.strip_prefix("# Time: ").is_some_and(is_time)
}

/// `# User@Host: app[app] @ db [192.0.2.1]  Id: 8`. The same may stand in a statement, but hardly to its end.
fn is_user_line(line: &str) -> bool {
    line.strip_prefix("# User@Host: ").is_some_and(|rest| {
        let end = rest.rsplit_once(']').map(|(_, end)| end.trim_start());
        rest.contains('[')
            && rest.contains(" @ ")
            && end
                .is_some_and(|end| end.is_empty() || end.starts_with("Id:") || end.starts_with("Thread_id:"))
    })
}

/// What a server writes when it starts: `…, Version: 8.0.36 …. started with:` and two lines more.
fn is_banner(line: &str) -> bool {
    line.contains(", Version: ") && line.trim_end().ends_with("started with:")
        || line.starts_with("Tcp port: ")
        || line.starts_with("Time ") && line.contains("Id Command")
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn name(text: &str) -> Option<String> {
    let name: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(u64, Statement)> {
        let now = Time::from_micros(9_000_000);
        let mut log = SlowLog::new(Origin::default());
        let mut signals: Vec<Signal> = text.lines().filter_map(|line| log.line(now, line)).collect();
        signals.extend(log.rest(now));
        let statement = |signal: Signal| match signal.word {
            Word::Statement(statement) => (signal.at.as_secs(), statement),
            other => panic!("{other:?}"),
        };
        signals.into_iter().map(statement).collect()
    }

    const MYSQL: &str = "\
/usr/sbin/mysqld, Version: 8.0.36 (MySQL Community Server - GPL). started with:
Tcp port: 3306  Unix socket: /var/run/mysqld/mysqld.sock
Time                 Id Command    Argument
# Time: 2024-01-01T12:00:02.123456Z
# User@Host: app[app] @ web1.example [192.0.2.7]  Id:     8
# Query_time: 2.000123  Lock_time: 0.000005 Rows_sent: 1  Rows_examined: 10
use shop;
SET timestamp=1704110400;
SELECT *
FROM orders
# not a header
WHERE customer = 'Kim; # Time: 
# Time: or so
# User@Host: Kim[Kim] @ x []''
'
  AND id IN (1,2,3);
# Time: 2024-01-01T12:00:03.000000Z
# User@Host: app[app] @ web1.example [192.0.2.7]  Id:     9
# Query_time: 11.5  Lock_time: 0.0 Rows_sent: 0  Rows_examined: 0 Thread_id: 9 Errno: 1317 Killed: 1 Bytes_received: 0
SET timestamp=1704110401;
select sleep(100);
# User@Host: app[app] @  [192.0.2.7]  Id:    10
# Query_time: 3.000000  Lock_time: 0.000000 Rows_sent: 0  Rows_examined: 0
SET timestamp=1704110402;
# administrator command: Ping;
";

    const MARIADB: &str = "\
# Time: 240101 12:00:00
# User@Host: app[app] @ localhost []
# Thread_id: 31  Schema: shop_2  QC_hit: No
# Query_time: 1.250000  Lock_time: 0.000021  Rows_sent: 0  Rows_examined: 100000
# Rows_affected: 0  Bytes_sent: 11
# Full_scan: Yes  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No
# explain: id\tselect_type\ttable
# explain: 1\tSIMPLE\torders
#
SET timestamp=1704110400;
update orders set state = 5 where note like \"%x%\";
# User@Host: app[app] @ localhost []
# Thread_id: 32  Schema:   QC_hit: No
# Query_time: 0.5  Lock_time: 0.0  Rows_sent: 0  Rows_examined: 0
SET timestamp=1704110405;
commit;
";

    #[test]
    fn records_of_mysql_are_read_over_several_lines() {
        let found = read(MYSQL);
        assert_eq!(found.len(), 3, "{found:?}");
        let (at, first) = &found[0];
        assert_eq!((*at, first.database.as_deref()), (1_704_110_400, Some("shop")));
        assert_eq!(first.text, "SELECT * FROM orders WHERE customer = ? AND id IN (?)");
        assert_eq!(first.elapsed, Some(Duration::from_micros(2_000_123)));
        assert_eq!(
            (found[1].1.text.as_str(), found[1].1.error.as_deref()),
            ("select sleep(?)", Some("errno 1317"))
        );
        assert_eq!(found[2].1.text, "Ping");
        assert!(!format!("{found:?}").contains("192.0.2.7"), "who asked is nobody's business");
    }

    #[test]
    fn records_of_mariadb_are_read() {
        let found = read(MARIADB);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].1.database.as_deref(), Some("shop_2"));
        assert_eq!(found[0].1.text, "update orders set state = ? where note like ?");
        assert_eq!(found[1].1.text, "commit");
    }

    #[test]
    fn the_rest_of_a_record_that_began_before_is_passed_over() {
        let found =
            read("WHERE x = 'secret';\n# User@Host: a[a] @ b []\n# Query_time: 1 Lock_time: 0\nselect 1;\n");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, found[0].1.text.as_str()), (9, "select ?"));
    }

    #[test]
    fn a_statement_without_end_is_bounded() {
        let mut log = SlowLog::new(Origin::default());
        let now = Time::from_micros(1);
        for line in ["# User@Host: a[a] @ b []", "# Query_time: 1 Lock_time: 0", "insert into t values"] {
            log.line(now, line);
        }
        let row = format!("({}),", vec!["'ä'"; 1_000].join(","));
        for _ in 0..1_000 {
            log.line(now, &row);
        }
        assert!(log.record.text.len() <= MOST_TEXT + 1_001);
        let signal = log.rest(now).expect("a statement");
        assert!(
            matches!(signal.word, Word::Statement(it) if it.text.starts_with("insert into t values (?)"))
        );
    }

    proptest! {
        #[test]
        fn any_lines_are_taken(lines in prop::collection::vec(".{0,60}", 0..20), at in 0_usize..20) {
            let mut text: Vec<&str> = MYSQL.lines().chain(MARIADB.lines()).collect();
            for (index, line) in lines.iter().enumerate() {
                text.insert((at + index * 3) % text.len(), line);
            }
            let mut log = SlowLog::new(Origin::default());
            for line in text { log.line(Time::from_micros(1), line); }
            log.rest(Time::from_micros(1));
        }
    }
}
