//! The sources that are asked or heard over the network, at work: databases, agents of OpenTelemetry, Scouter.

use std::{io, net::SocketAddr};

use axum::Router;
use reach_net::drive::Clock;
use reach_signal::{
    exception::short,
    otlp::OtlpRules,
    sql::normal::{Dialect, normalise},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tracing::{error, info};

use super::{Intake, looking::relay, otlp::Receiver};
use crate::{
    config::{
        Problems,
        watch::{WatchConfig, signals::OtlpReceiverSettings},
    },
    scouter,
    sql::SqlWatch,
};

/// Everything that is asked or heard, until it is dropped.
pub struct Sources {
    scouter: scouter::source::Sources,
    _sql: Option<SqlWatch>,
    _otlp: Option<Endpoint>,
}

impl Sources {
    /// Starts what a configuration wants, on a runtime.
    ///
    /// # Errors
    ///
    /// Each thing that cannot be had: a port that is taken, a token that cannot be read.
    pub fn start(config: &WatchConfig, clock: Clock, intake: &Intake) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let sql = match config.sql.is_empty() {
            true => None,
            false => match relay(intake.clone())
                .and_then(|heard| SqlWatch::start(config.sql.clone(), clock, heard))
            {
                Ok(watch) => Some(watch),
                Err(error) => {
                    problems.push(format!("databases cannot be asked: {error}"));
                    None
                }
            },
        };
        let mut otlp = None;
        if let Some(settings) = &config.otlp_receiver {
            match Endpoint::open(settings, clock, intake) {
                Ok(endpoint) => otlp = Some(endpoint),
                Err(problem) => problems.push(problem),
            }
        }
        match scouter::source::Sources::start(&config.scouter, &config.state_dir, clock, intake) {
            Ok(scouter) if problems.is_empty() => Ok(Self { scouter, _sql: sql, _otlp: otlp }),
            Ok(_) => Err(problems),
            Err(more) => {
                problems.extend(more);
                Err(problems)
            }
        }
    }

    /// What answers the calls of others, to be served beside the page.
    pub fn routes(&self) -> Option<Router> {
        self.scouter.plug()
    }
}

/// What answers agents of OpenTelemetry until it is dropped.
struct Endpoint {
    tasks: Vec<JoinHandle<()>>,
}

impl Endpoint {
    fn open(settings: &OtlpReceiverSettings, clock: Clock, intake: &Intake) -> Result<Self, String> {
        let token = settings.token.as_ref().map(|source| source.read()).transpose();
        let token = token.map_err(|problem| format!("`otlp_receiver.token`: {problem}"))?;
        let rules = OtlpRules {
            slow_statement: settings.slow_statement,
            understand: short,
            // What stands in double quotes may be a text, and is left out then.
            normalise: |text| normalise(text, Dialect::Mysql),
        };
        let token = token.map(|token| token.expose().to_owned().into());
        let receiver = Receiver::new(&settings.name, rules, clock, intake.clone(), token);
        let mut listeners = Vec::new();
        for &at in &settings.listen {
            let listener = listen(at).map_err(|error| {
                format!(
                    "OTLP cannot be received at {at}: {error}; name another place as `listen` under \
                     [otlp_receiver] in the configuration"
                )
            })?;
            listeners.push((listener.local_addr().unwrap_or(at), listener));
        }
        let mut endpoint = Self { tasks: Vec::new() };
        for (local, listener) in listeners {
            info!(at = %local, "receiving OTLP");
            let receiver = receiver.clone();
            endpoint.tasks.push(tokio::spawn(async move {
                if let Err(error) = receiver.serve(listener, std::future::pending()).await {
                    error!("OTLP is not received any more at {local}: {error}");
                }
            }));
        }
        Ok(endpoint)
    }
}

fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
