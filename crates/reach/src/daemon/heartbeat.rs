//! A dead man's switch: somebody who speaks when this watch does not.

use std::{sync::Arc, time::Duration};

use reach_core::watch::Status;
use reach_net::{drive::Clock, trust::TrustRoots};
use secrecy::ExposeSecret;
use tokio::{sync::watch, time::sleep};
use tracing::warn;

use crate::{alert::http, config::watch::Heartbeat};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A watch that has tried nothing for so long is not alive, whatever else of it is.
const STALE: Duration = Duration::from_secs(120);

/// Asks for the URL again and again, as long as the watch does its work. Neither the URL nor its answer is ever shown.
pub(super) fn beat(
    settings: Heartbeat,
    roots: &Arc<TrustRoots>,
    status: watch::Receiver<Arc<Status>>,
    clock: Clock,
) -> Result<impl Future<Output = ()> + use<>, String> {
    let client = http::client(roots, None, settings.proxy.as_ref(), PATIENCE)
        .map_err(|problem| format!("heartbeat: {problem}"))?;
    let started = clock.now();
    Ok(async move {
        loop {
            let now = clock.now();
            let last = status.borrow().schedule.last_try.unwrap_or(started);
            if now.since(last) < STALE {
                let answer = client.get(settings.url.expose_secret()).send().await;
                match answer.and_then(reqwest::Response::error_for_status) {
                    Ok(_) => {}
                    Err(error) => warn!("the heartbeat was not heard: {}", error.without_url()),
                }
            }
            sleep(settings.every).await;
        }
    })
}
