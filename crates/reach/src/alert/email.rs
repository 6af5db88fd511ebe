//! Mail, by SMTP.

use std::{path::Path, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use reach_core::watch::courier::{Dispatch, How, Report};
use reach_report::notice::{self, Telling};
use secrecy::{ExposeSecret, SecretString};

use super::{hook::idempotency_key, settings::Security};
use crate::output::shown;

/// Somebody's mailbox.
pub(super) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

/// How to reach a mail server.
pub(super) struct Server<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<&'a (String, SecretString)>,
    pub(super) ca_file: Option<&'a Path>,
    pub(super) timeout: Duration,
}

impl Email {
    pub(super) fn new(server: &Server<'_>, from: &str, to: &[String]) -> Result<Self, String> {
        let tls = match server.security {
            Security::Plain => Tls::None,
            Security::Starttls => Tls::Required(parameters(server)?),
            Security::Tls => Tls::Wrapper(parameters(server)?),
        };
        let mailbox =
            |text: &str| text.parse::<Mailbox>().map_err(|error| format!("`{}`: {error}", shown(text)));
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host)
            .port(server.port)
            .tls(tls)
            .hello_name(ClientId::default())
            .timeout(Some(server.timeout));
        if let Some((user, password)) = server.login {
            transport =
                transport.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self {
            transport: transport.build(),
            from: mailbox(from)?,
            to: to.iter().map(|to| mailbox(to)).collect::<Result<_, _>>()?,
        })
    }

    pub(super) async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>) -> Report {
        // The same message has the same id however often it is sent: mailboxes show one of them.
        let id = format!(
            "<{}@{}>",
            idempotency_key(dispatch, telling).replace('/', "."),
            self.from.email.domain()
        );
        let told = notice::message(&dispatch.parts, telling);
        let mut message = Message::builder().from(self.from.clone()).message_id(Some(id.clone()));
        for to in &self.to {
            message = message.to(to.clone());
        }
        if let How::Reply { to } = &dispatch.how {
            message = message.in_reply_to(to.clone()).references(to.clone());
        }
        let message = message.subject(told.summary()).header(ContentType::TEXT_PLAIN).body(told.body());
        let mut message = match message {
            Ok(message) => message,
            Err(error) => return Report::Rejected { trouble: shown(&error.to_string()) },
        };
        // No answering machine answers (RFC 3834).
        let header = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(header, "auto-generated".to_owned()));
        match self.transport.send(message).await {
            Ok(_) => Report::Sent { message: Some(id), remark: None },
            Err(error) => report(&error),
        }
    }
}

fn parameters(server: &Server<'_>) -> Result<TlsParameters, String> {
    let mut parameters = TlsParameters::builder(server.host.to_owned());
    if let Some(file) = server.ca_file {
        let name = shown(&file.to_string_lossy());
        let pem = std::fs::read(file).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
        let certificate =
            Certificate::from_pem(&pem).map_err(|_| format!("`{name}` has no certificate (PEM)"))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(|error| format!("TLS cannot be set up: {}", shown(&error.to_string())))
}

/// What an error means (RFC 5321 §4.2, RFC 4954 §6). The id of the message makes a second delivery harmless, so
/// whatever may have gone through counts as unknown.
fn report(error: &lettre::transport::smtp::Error) -> Report {
    let trouble = shown(&error.to_string());
    let code = error.status().map(|code| code.to_string().parse::<u16>().unwrap_or_default());
    match code {
        Some(530 | 534 | 535 | 538) => Report::Broken { trouble },
        Some(400..=499) => Report::Failed { trouble },
        Some(_) => Report::Rejected { trouble },
        None if error.is_client() => Report::Rejected { trouble },
        None if error.is_timeout() => Report::Unknown { trouble: "no answer in time".to_owned() },
        None => Report::Failed { trouble },
    }
}
