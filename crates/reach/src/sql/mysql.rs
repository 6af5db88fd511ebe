//! MySQL and MariaDB: what runs and what ran (`performance_schema`, else the list of processes), how many connections are
//! left.

use std::time::Duration;

use mysql_async::{Conn, OptsBuilder, Row, SslOpts, Value, prelude::Queryable};
use reach_signal::sql::statements::{Counted, MOST_ROWS, Running};

use super::{View, settings::SqlSettings, tls};

/// A session that reads and nothing else.
pub(super) struct Session {
    connection: Conn,
    maria: bool,
    /// Whether `performance_schema` is on and may be read.
    schema: bool,
    blind: bool,
}

impl Session {
    pub(super) async fn open(settings: &SqlSettings) -> Result<Self, String> {
        let mut options = OptsBuilder::default()
            .user(Some(&settings.user))
            .db_name(settings.database.as_ref())
            .prefer_socket(Some(false));
        options = if settings.is_socket() {
            options.socket(Some(&settings.host))
        } else {
            options.ip_or_hostname(settings.host.clone()).tcp_port(settings.port.unwrap_or(3306))
        };
        if let Some(password) = &settings.password {
            options = options.pass(Some(password.read()?.expose()));
        }
        if settings.wants_tls() {
            let roots = tls::roots(settings.ca.as_deref())?;
            let roots = roots.into_iter().map(|root| root.as_ref().to_vec().into()).collect();
            let tls = SslOpts::default().with_disable_built_in_roots(true).with_root_certs(roots);
            options = options.ssl_opts(Some(tls));
        }
        let connection = Conn::new(options).await.map_err(|error| tls::explained(error.to_string()))?;
        let mut session = Self { connection, maria: false, schema: false, blind: false };
        session.prepare().await.map_err(|error| error.to_string())?;
        Ok(session)
    }

    async fn prepare(&mut self) -> mysql_async::Result<()> {
        self.connection.query_drop("SET SESSION TRANSACTION READ ONLY").await?;
        let version: Option<String> = self.connection.query_first("SELECT VERSION()").await?;
        self.maria = version.is_some_and(|version| version.contains("MariaDB"));
        // Old ones have neither, and then only our own patience ends a query.
        let limit = if self.maria {
            "SET SESSION max_statement_time = 5"
        } else {
            "SET SESSION max_execution_time = 5000"
        };
        tolerated(self.connection.query_drop(limit).await)?;
        let on: Option<Option<bool>> =
            tolerated(self.connection.query_first("SELECT @@performance_schema").await)?.flatten();
        self.schema = on.flatten().unwrap_or(false)
            && tolerated(
                self.connection
                    .query_drop(
                        "SELECT 1 FROM performance_schema.events_statements_summary_by_digest LIMIT 1",
                    )
                    .await,
            )?
            .is_some();
        // Without the privilege only our own sessions are listed.
        let grants: Vec<String> = self.connection.query("SHOW GRANTS").await?;
        self.blind = !self.schema && !grants.iter().any(|grant| sees_all(grant));
        Ok(())
    }

    pub(super) async fn look(&mut self, slow: Duration) -> Result<View, String> {
        self.view(slow).await.map_err(|error| error.to_string())
    }

    async fn view(&mut self, slow: Duration) -> mysql_async::Result<View> {
        let rows: Vec<Row> = self.connection.query(self.running(slow)).await?;
        let mut running: Vec<Running> = rows.iter().filter_map(running_row).collect();
        // Wants a privilege that is not ours everywhere.
        let locked =
            "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'";
        let locked: Vec<u64> = tolerated(self.connection.query(locked).await)?.unwrap_or_default();
        for statement in &mut running {
            if locked.contains(&statement.connection) {
                statement.waits = Some("lock".to_owned());
            }
        }
        let counted = if self.schema {
            let counted = format!(
                "SELECT CONCAT_WS('/', SCHEMA_NAME, DIGEST), SCHEMA_NAME, DIGEST_TEXT, COUNT_STAR, \
                 SUM_TIMER_WAIT DIV 1000000 FROM performance_schema.events_statements_summary_by_digest \
                 WHERE DIGEST IS NOT NULL ORDER BY SUM_TIMER_WAIT DESC LIMIT {MOST_ROWS}"
            );
            let rows: Vec<Row> = self.connection.query(counted).await?;
            Some(rows.iter().filter_map(counted_row).collect())
        } else {
            None
        };
        let used: Option<(String, u64)> =
            self.connection.query_first("SHOW GLOBAL STATUS LIKE 'Threads_connected'").await?;
        let most: Option<u64> = self.connection.query_first("SELECT @@max_connections").await?;
        let connections = used.map(|(_, used)| used).zip(most);
        Ok(View { running, counted, connections, blind: self.blind })
    }

    /// Connection, when it began, database, text, milliseconds, state.
    fn running(&self, slow: Duration) -> String {
        let millis = slow.as_millis();
        if self.schema {
            return format!(
                "SELECT t.PROCESSLIST_ID, CAST(s.EVENT_ID AS CHAR), s.CURRENT_SCHEMA, \
                 COALESCE(s.SQL_TEXT, t.PROCESSLIST_INFO), s.TIMER_WAIT DIV 1000000000, t.PROCESSLIST_STATE \
                 FROM performance_schema.events_statements_current s \
                 JOIN performance_schema.threads t ON t.THREAD_ID = s.THREAD_ID \
                 WHERE s.END_EVENT_ID IS NULL AND t.PROCESSLIST_ID IS NOT NULL \
                 AND t.PROCESSLIST_ID <> CONNECTION_ID() AND s.TIMER_WAIT DIV 1000000000 >= {millis} \
                 ORDER BY s.TIMER_WAIT DESC LIMIT {MOST_ROWS}"
            );
        }
        // MySQL tells whole seconds and no number of the query: its text stands for that.
        let (began, took) =
            if self.maria { ("CAST(QUERY_ID AS CHAR)", "TIME_MS") } else { ("MD5(INFO)", "TIME * 1000") };
        format!(
            "SELECT ID, {began}, DB, INFO, CAST({took} AS UNSIGNED), STATE FROM information_schema.PROCESSLIST \
             WHERE COMMAND IN ('Query', 'Execute') AND INFO IS NOT NULL AND ID <> CONNECTION_ID() \
             AND {took} >= {millis} ORDER BY TIME DESC LIMIT {MOST_ROWS}"
        )
    }
}

/// What the server refuses to do is nothing; what breaks the connection is an error.
fn tolerated<T>(result: mysql_async::Result<T>) -> mysql_async::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(mysql_async::Error::Server(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn sees_all(grant: &str) -> bool {
    let Some((privileges, of)) = grant.split_once(" ON ") else { return false };
    of.starts_with("*.*") && (privileges.contains("ALL PRIVILEGES") || privileges.contains("PROCESS"))
}

fn running_row(row: &Row) -> Option<Running> {
    let state = text(row, 5).unwrap_or_default();
    let locked = state.starts_with("Waiting for") && state.contains("lock");
    Some(Running {
        connection: text(row, 0)?.parse().ok()?,
        began: text(row, 1)?,
        database: text(row, 2),
        text: text(row, 3)?,
        elapsed: Duration::from_millis(text(row, 4)?.parse().ok()?),
        waits: locked.then(|| "lock".to_owned()),
    })
}

fn counted_row(row: &Row) -> Option<Counted> {
    Some(Counted {
        key: text(row, 0)?,
        database: text(row, 1),
        text: text(row, 2)?,
        calls: text(row, 3)?.parse().ok()?,
        took: Duration::from_micros(text(row, 4)?.parse().ok()?),
    })
}

/// A column as text, whatever its type; `None` of NULL.
fn text(row: &Row, column: usize) -> Option<String> {
    match row.as_ref(column)? {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::UInt(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sees_all_processes_is_granted_it() {
        assert!(sees_all("GRANT PROCESS, REPLICATION CLIENT ON *.* TO `reach`@`%`"));
        assert!(sees_all("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost`"));
        assert!(!sees_all("GRANT USAGE ON *.* TO `reach`@`%`"));
        assert!(!sees_all("GRANT ALL PRIVILEGES ON `shop`.* TO `reach`@`%`"));
    }
}
