//! PostgreSQL: what runs (`pg_stat_activity`), what ran (`pg_stat_statements`), how many connections are left.

use std::time::Duration;

use reach_signal::sql::statements::{Counted, MOST_ROWS, Running};
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow, config::SslMode, error::SqlState,
};

use super::{
    View,
    settings::SqlSettings,
    tls::{self, Rustls},
};

/// A session that reads and nothing else.
pub(super) struct Session {
    client: Client,
    connection: JoinHandle<()>,
    /// Where `pg_stat_statements` is, with the name that its version gives the column of times.
    statements: Option<(String, &'static str)>,
    /// The statements of other users are hidden from us.
    blind: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Session {
    pub(super) async fn open(settings: &SqlSettings) -> Result<Self, String> {
        let mut config = Config::new();
        config.host(&settings.host).user(&settings.user).application_name("reach");
        config.port(settings.port.unwrap_or(5432));
        config.dbname(settings.database.as_deref().unwrap_or("postgres"));
        if let Some(password) = &settings.password {
            config.password(password.read()?.expose());
        }
        let told = |error: tokio_postgres::Error| tls::explained(said(&error));
        let (client, connection) = if settings.wants_tls() {
            config.ssl_mode(SslMode::Require);
            let (client, connection) =
                config.connect(Rustls::new(settings.ca.as_deref())?).await.map_err(told)?;
            // What breaks the connection is told by the next query.
            (client, tokio::spawn(async move { drop(connection.await) }))
        } else {
            config.ssl_mode(SslMode::Disable);
            let (client, connection) = config.connect(NoTls).await.map_err(told)?;
            (client, tokio::spawn(async move { drop(connection.await) }))
        };
        let mut session = Self { client, connection, statements: None, blind: false };
        session.prepare().await.map_err(told)?;
        Ok(session)
    }

    async fn prepare(&mut self) -> Result<(), tokio_postgres::Error> {
        self.client
            .batch_execute(
                "SET default_transaction_read_only = on; SET statement_timeout = '5s'; SET lock_timeout = '1s'; \
                 SET search_path = pg_catalog",
            )
            .await?;
        let installed = "SELECT quote_ident(n.nspname), \
             EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                     WHERE c.relname = 'pg_stat_statements' AND c.relnamespace = n.oid AND a.attname = 'total_exec_time') \
             FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'";
        self.statements = self.rows(installed).await?.first().and_then(|row| {
            let column = if row.get(1) == Some("t") { "total_exec_time" } else { "total_time" };
            Some((row.get(0)?.to_owned(), column))
        });
        // The role is there since PostgreSQL 10.
        let may = "SELECT pg_has_role(current_user, oid, 'usage') FROM pg_roles WHERE rolname = 'pg_read_all_stats'";
        self.blind = self.rows(may).await?.first().is_some_and(|row| row.get(0) == Some("f"));
        Ok(())
    }

    pub(super) async fn look(&mut self, slow: Duration) -> Result<View, String> {
        self.view(slow).await.map_err(|error| said(&error))
    }

    async fn view(&mut self, slow: Duration) -> Result<View, tokio_postgres::Error> {
        let running = format!(
            "SELECT pid, extract(epoch FROM query_start), datname, query, \
             (extract(epoch FROM clock_timestamp() - query_start) * 1000)::bigint, wait_event_type \
             FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND datname IS NOT NULL \
             AND query_start <= clock_timestamp() - interval '{} milliseconds' ORDER BY query_start LIMIT {MOST_ROWS}",
            slow.as_millis()
        );
        let running = self.rows(&running).await?.iter().filter_map(running_row).collect();
        let counted = match &self.statements {
            None => None,
            Some((schema, column)) => {
                let counted = format!(
                    "SELECT s.userid || '/' || s.dbid || '/' || s.queryid, d.datname, left(s.query, 65536), s.calls, \
                     (s.{column} * 1000)::bigint FROM {schema}.pg_stat_statements s \
                     LEFT JOIN pg_database d ON d.oid = s.dbid WHERE s.queryid IS NOT NULL \
                     ORDER BY s.{column} DESC LIMIT {MOST_ROWS}"
                );
                match self.rows(&counted).await {
                    Ok(rows) => Some(rows.iter().filter_map(counted_row).collect()),
                    // Installed, but not loaded by the server.
                    Err(error) if error.code() == Some(&SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE) => {
                        self.statements = None;
                        None
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let connections = "SELECT (SELECT sum(numbackends) FROM pg_stat_database), \
             current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int";
        let connections = self
            .rows(connections)
            .await?
            .first()
            .and_then(|row| Some((row.get(0)?.parse().ok()?, row.get(1)?.parse().ok()?)));
        Ok(View { running, counted, connections, blind: self.blind })
    }

    /// Asks without preparing anything, so that poolers between us do not matter.
    async fn rows(&self, query: &str) -> Result<Vec<SimpleQueryRow>, tokio_postgres::Error> {
        let messages = self.client.simple_query(query).await?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }
}

fn running_row(row: &SimpleQueryRow) -> Option<Running> {
    Some(Running {
        connection: row.get(0)?.parse().ok()?,
        began: row.get(1)?.to_owned(),
        database: row.get(2).map(str::to_owned),
        text: row.get(3)?.to_owned(),
        elapsed: Duration::from_millis(row.get(4)?.parse().ok()?),
        waits: row.get(5).filter(|kind| *kind == "Lock").map(|_| "lock".to_owned()),
    })
}

fn counted_row(row: &SimpleQueryRow) -> Option<Counted> {
    Some(Counted {
        key: row.get(0)?.to_owned(),
        database: row.get(1).map(str::to_owned),
        text: row.get(2)?.to_owned(),
        calls: row.get(3)?.parse().ok()?,
        took: Duration::from_micros(row.get(4)?.parse().ok()?),
    })
}

/// An error with its cause, which the client's own text leaves out.
fn said(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
