//! Requests to others: one connection for each, no redirect, no proxy but the one that is given.

use std::{path::Path, sync::Arc, time::Duration};

use reach_core::watch::courier::Report;
use reach_net::trust::TrustRoots;
use reqwest::{Client, Proxy, RequestBuilder, StatusCode, header::RETRY_AFTER, redirect::Policy};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};

use crate::output::shown;

/// No answer is read further.
const LONGEST: usize = 64 * 1024;
/// After a 429 that does not say how long.
const USUAL_REST: Duration = Duration::from_secs(30);

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// Makes a client. `timeout` is for one exchange, from the connection to the end of the answer.
pub fn client(
    roots: &Arc<TrustRoots>,
    ca_file: Option<&Path>,
    proxy: Option<&SecretString>,
    timeout: Duration,
) -> Result<Client, String> {
    let more = match ca_file {
        None => Vec::new(),
        Some(file) => certificates(file)?,
    };
    let mut tls = roots.client_config(more).map_err(|error| format!("TLS cannot be set up: {error}"))?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .pool_max_idle_per_host(0)
        .redirect(Policy::none())
        .no_proxy()
        .timeout(timeout)
        .user_agent(concat!("reach/", env!("CARGO_PKG_VERSION")));
    let builder = match proxy {
        None => builder,
        Some(url) => {
            builder.proxy(Proxy::all(url.expose_secret()).map_err(|_| "the proxy's URL cannot be used")?)
        }
    };
    builder.build().map_err(|error| format!("no HTTP client: {}", error.without_url()))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = shown(&file.to_string_lossy());
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => Err(format!("`{name}` has no certificate (PEM)")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("`{name}` cannot be read: {error}")),
    }
}

/// Sends a request; what went wrong comes as a report.
pub(super) async fn exchange(request: RequestBuilder) -> Result<Answer, Report> {
    let mut response = request.send().await.map_err(trouble)?;
    let status = response.status();
    let seconds =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let mut body = Vec::new();
    while body.len() < LONGEST {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(LONGEST - body.len())]),
            Ok(None) => break,
            // The status is what matters; of a success that breaks off nobody knows.
            Err(error) if status.is_success() => return Err(trouble(error)),
            Err(_) => break,
        }
    }
    Ok(Answer { status, retry_after: seconds.map(Duration::from_secs), body })
}

/// Whether a request that failed may have arrived. URLs hold secrets, so errors are shown without them.
pub(super) fn trouble(error: reqwest::Error) -> Report {
    let (connect, builder, timeout) = (error.is_connect(), error.is_builder(), error.is_timeout());
    let trouble = told(&error.without_url());
    if builder {
        Report::Rejected { trouble }
    } else if connect {
        Report::Failed { trouble }
    } else if timeout {
        Report::Unknown { trouble: "no answer in time".to_owned() }
    } else {
        Report::Unknown { trouble }
    }
}

/// An error with its causes, the last of which says most.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    shown(&text)
}

/// What an answer means where nothing more is agreed than HTTP itself.
pub(super) fn usual(answer: &Answer) -> Report {
    let status = answer.status;
    let said = shown(String::from_utf8_lossy(&answer.body).trim());
    let trouble = if said.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {said}") };
    match (status.as_u16(), answer.retry_after) {
        (200..=299, _) => Report::Sent { message: None, remark: None },
        (429, after) => Report::Later { after: after.unwrap_or(USUAL_REST), trouble },
        (503, Some(after)) => Report::Later { after, trouble },
        (408 | 425 | 500..=599, _) => Report::Failed { trouble },
        (401 | 403 | 404 | 405 | 407 | 410, _) => Report::Broken { trouble },
        (300..=399, _) => Report::Broken { trouble: format!("HTTP {status}: redirects are not followed") },
        _ => Report::Rejected { trouble },
    }
}
