//! Programs behind a URL: a signed webhook, Slack, Teams.

use aws_lc_rs::hmac;
use reach_core::{
    Time,
    watch::courier::{Dispatch, Part, Report},
};
use reach_report::notice::{self, Telling};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::http::{self, Answer};

/// A signed webhook.
pub(super) struct Webhook {
    pub(super) client: Client,
    pub(super) url: SecretString,
    pub(super) secret: Option<SecretString>,
}

impl Webhook {
    pub(super) async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>, now: Time) -> Report {
        let body = notice::document(&dispatch.parts, telling).to_string();
        let mut request = self
            .client
            .post(self.url.expose_secret())
            .header("content-type", "application/json")
            .header("idempotency-key", idempotency_key(dispatch, telling));
        if let Some(secret) = &self.secret {
            request = request.header("x-reach-signature", signature(secret, now, &body));
        }
        match http::exchange(request.body(body)).await {
            Ok(answer) => http::usual(&answer),
            Err(report) => report,
        }
    }
}

/// The same for every attempt to deliver the same rows, and for nothing else.
pub(super) fn idempotency_key(dispatch: &Dispatch, telling: &Telling<'_>) -> String {
    let clean = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '_' }).collect()
    };
    let row = dispatch.parts.iter().filter_map(|part: &Part| Some(part.row?.0)).max().unwrap_or_default();
    format!("{}/{}/{row}", clean(&telling.vantage.host), clean(&dispatch.channel))
}

/// `t=SECONDS,v1=HEX`: HMAC-SHA256 over the seconds since 1970, a point, and the body. The time is part of it so
/// that a request that somebody recorded is not taken again later.
fn signature(secret: &SecretString, now: Time, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let seconds = now.as_secs();
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// Slack's incoming webhook, or something that speaks like it.
pub(super) struct Slack {
    pub(super) client: Client,
    pub(super) url: SecretString,
}

impl Slack {
    pub(super) async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>) -> Report {
        post(&self.client, &self.url, &notice::message(&dispatch.parts, telling).slack(), http::usual).await
    }
}

/// A workflow or connector of Teams.
pub(super) struct Teams {
    pub(super) client: Client,
    pub(super) url: SecretString,
}

impl Teams {
    pub(super) async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>) -> Report {
        post(&self.client, &self.url, &notice::message(&dispatch.parts, telling).teams(), teams).await
    }
}

/// A connector reports some failures as a success with a text (learn.microsoft.com, *Rate limiting for connectors*).
fn teams(answer: &Answer) -> Report {
    let text = String::from_utf8_lossy(&answer.body);
    let told = text.split_once("HTTP error ").and_then(|(_, rest)| rest.get(..3)?.parse::<u16>().ok());
    match told.filter(|_| answer.status.is_success()) {
        Some(429) => Report::Later { after: TEAMS_REST, trouble: "429 behind the connector".to_owned() },
        Some(code) => Report::Failed { trouble: format!("HTTP {code} behind the connector") },
        None => http::usual(answer),
    }
}

/// Connectors are limited in windows of a second, half a minute and more.
const TEAMS_REST: std::time::Duration = std::time::Duration::from_secs(30);

async fn post(client: &Client, url: &SecretString, body: &Value, read: fn(&Answer) -> Report) -> Report {
    match http::exchange(client.post(url.expose_secret()).json(body)).await {
        Ok(answer) => read(&answer),
        Err(report) => report,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_the_time_and_the_body() {
        let secret = SecretString::from("key".to_owned());
        let time = Time::from_micros(1_700_000_000_000_000);
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac key
        let first = signature(&secret, time, "{}");
        let expected = "t=1700000000,v1=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";
        assert_eq!(first, expected);
        assert_ne!(first, signature(&secret, Time::from_micros(1_700_000_001_000_000), "{}"));
        assert_ne!(first, signature(&secret, time, "{} "));
    }

    #[test]
    fn a_failure_behind_a_connector_is_one() {
        let answer = |text: &str| Answer {
            status: reqwest::StatusCode::OK,
            retry_after: None,
            body: text.as_bytes().to_vec(),
        };
        let limited = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with";
        assert!(matches!(teams(&answer(limited)), Report::Later { .. }));
        assert!(matches!(teams(&answer("1")), Report::Sent { .. }));
        assert!(matches!(teams(&answer("HTTP error 5")), Report::Sent { .. }));
    }
}
