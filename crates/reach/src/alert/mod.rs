//! The ways to people and programs: from a row of the outbox to whoever is to hear it.
//!
//! * [`settings`] is a channel as the configuration has it.
//! * [`Sender`] is the channel itself: it delivers one dispatch at a time and says what became of it, in the words of
//!   the [courier](reach_core::watch::courier), which decides what is sent when.
//! * [`Postman`] drives the two, beside the watch: a channel that hangs delays nobody else, and never a probe.
//!
//! No secret (tokens, passwords, URLs of hooks) ever stands in a log, an error or a report.

mod alertmanager;
mod command;
mod email;
mod hook;
pub mod http;
mod postman;
mod quiet;
mod scouter;
mod secret;
pub mod settings;
pub mod telegram;

pub use self::{
    postman::{FromPostman, Postman, utc_offset},
    quiet::QuietHours,
};

use std::{sync::Arc, time::Duration};

use reach_core::{
    Time,
    watch::courier::{Capabilities, ChannelPlan, Dispatch, Lane, Limit, Repeat, Report},
};
use reach_net::trust::TrustRoots;
use reach_report::{Lang, notice::Telling};

use self::{
    alertmanager::Alertmanager,
    command::Program,
    email::{Email, Server},
    hook::{Slack, Teams, Webhook},
    scouter::Collector,
    settings::{ChannelKind, ChannelSettings},
    telegram::{Api, Telegram},
};

/// A channel, ready to send.
pub struct Sender {
    plan: ChannelPlan,
    lang: Lang,
    timeout: Duration,
    way: Way,
}

enum Way {
    Telegram(Telegram),
    Webhook(Webhook),
    Slack(Slack),
    Teams(Teams),
    Email(Box<Email>),
    Alertmanager(Alertmanager),
    Command(Program),
    Scouter(Collector),
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

impl Sender {
    /// Makes a channel ready; sends nothing. A problem tells no secret.
    pub fn new(settings: &ChannelSettings, roots: &Arc<TrustRoots>) -> Result<Self, String> {
        let problem = |problem: String| format!("channel `{}`: {problem}", settings.name);
        let way = way(settings, roots).map_err(problem)?;
        let plan = ChannelPlan {
            least: settings.least,
            matcher: settings.matcher.clone(),
            at_night: settings.at_night,
            fallback: settings.fallback.clone(),
            ..usual_plan(&settings.name, &way)
        };
        Ok(Self { plan, lang: settings.lang, timeout: settings.timeout, way })
    }

    /// What the courier has to know of it. Quiet hours come later ([`ChannelSettings::quiet_spans`]).
    pub const fn plan(&self) -> &ChannelPlan {
        &self.plan
    }

    /// In which language it is told.
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether it could be used, without sending anything that anybody sees; says with whom it spoke, if it can tell.
    /// Only Telegram can be asked; of others nothing is known before something is sent.
    pub async fn check(&self) -> Result<Option<String>, Report> {
        match &self.way {
            Way::Telegram(telegram) => telegram.who().await.map(Some),
            _ => Ok(None),
        }
    }

    /// The chat that it writes into, as it is now; empty for other kinds.
    fn chat(&self) -> String {
        match &self.way {
            Way::Telegram(telegram) => telegram.chat(),
            _ => String::new(),
        }
    }

    /// Delivers, in a time that is limited.
    pub async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>, now: Time) -> Report {
        let delivery = async {
            match &self.way {
                Way::Telegram(telegram) => telegram.deliver(dispatch, telling).await,
                Way::Webhook(webhook) => webhook.deliver(dispatch, telling, now).await,
                Way::Slack(slack) => slack.deliver(dispatch, telling).await,
                Way::Teams(teams) => teams.deliver(dispatch, telling).await,
                Way::Email(email) => email.deliver(dispatch, telling).await,
                Way::Alertmanager(alertmanager) => alertmanager.deliver(dispatch, telling, now).await,
                Way::Command(program) => program.deliver(dispatch, telling).await,
                Way::Scouter(collector) => collector.deliver(dispatch, telling).await,
            }
        };
        // Each exchange has its own limit; several of them, and what heeds none, end here.
        match tokio::time::timeout(self.timeout * 4, delivery).await {
            Ok(report) => report,
            Err(_) => Report::Unknown { trouble: "no answer in time".to_owned() },
        }
    }
}

fn way(settings: &ChannelSettings, roots: &Arc<TrustRoots>) -> Result<Way, String> {
    let ca_file = settings.ca_file.as_deref();
    let timeout = settings.timeout;
    let client = |timeout| http::client(roots, ca_file, settings.proxy.as_ref(), timeout);
    Ok(match &settings.kind {
        ChannelKind::Telegram { token, chat, thread, api_url, buttons } => {
            let api = Api::new(client(timeout)?, api_url, token.clone());
            Way::Telegram(Telegram::new(api, chat.clone(), *thread, *buttons))
        }
        ChannelKind::Webhook { url, secret } => {
            Way::Webhook(Webhook { client: client(timeout)?, url: url.clone(), secret: secret.clone() })
        }
        ChannelKind::Slack { url } => Way::Slack(Slack { client: client(timeout)?, url: url.clone() }),
        ChannelKind::Teams { url } => Way::Teams(Teams { client: client(timeout)?, url: url.clone() }),
        ChannelKind::Email { server, port, security, login, from, to } => {
            let server = Server {
                host: server,
                port: *port,
                security: *security,
                login: login.as_ref(),
                ca_file,
                timeout,
            };
            Way::Email(Box::new(Email::new(&server, from, to)?))
        }
        ChannelKind::Alertmanager { urls, login } => Way::Alertmanager(Alertmanager {
            client: client(timeout)?,
            urls: urls.clone(),
            login: login.clone(),
        }),
        ChannelKind::Command { command } => Way::Command(Program { command: command.clone(), timeout }),
        ChannelKind::Scouter(tell) => Way::Scouter(Collector { tell: tell.clone() }),
    })
}

/// What each kind can do and how much it takes.
fn usual_plan(name: &str, way: &Way) -> ChannelPlan {
    let plan = ChannelPlan::new(name);
    let program = Capabilities { program: true, ..Capabilities::default() };
    let lane = |key: String, limits: &[(u32, Duration)]| Lane {
        key,
        limits: limits.iter().map(|&(most, per)| Limit { most, per }).collect(),
    };
    match way {
        Way::Telegram(telegram) => {
            let bot = telegram.api().bot();
            ChannelPlan {
                caps: Capabilities {
                    edits: true,
                    threads: true,
                    silent: true,
                    buttons: telegram.has_buttons(),
                    ..Capabilities::default()
                },
                // 20 a minute in a group, 1 a second in a chat, 30 a second for a bot, and not to the last one
                // (core.telegram.org/bots/faq, *My bot is hitting limits*).
                chat: lane(format!("telegram {bot} {}", telegram.chat()), &[(1, SECOND), (15, MINUTE)]),
                bot: Some(lane(format!("telegram {bot}"), &[(25, SECOND)])),
                ..plan
            }
        }
        Way::Webhook(_) => ChannelPlan { caps: program, chat: lane(name.to_owned(), &[(5, SECOND)]), ..plan },
        // One a second (docs.slack.dev, *Rate limits*).
        Way::Slack(_) => ChannelPlan { chat: lane(name.to_owned(), &[(1, SECOND)]), ..plan },
        // Four a second, and sixty in half a minute (learn.microsoft.com, *Rate limiting for connectors*).
        Way::Teams(_) => ChannelPlan { chat: lane(name.to_owned(), &[(1, SECOND), (30, MINUTE)]), ..plan },
        Way::Email(_) => ChannelPlan {
            caps: Capabilities { threads: true, ..Capabilities::default() },
            chat: lane(name.to_owned(), &[(1, SECOND), (20, MINUTE)]),
            ..plan
        },
        Way::Alertmanager(_) => ChannelPlan {
            caps: program,
            repeat: Some(Repeat { every: MINUTE, resolved_for: 5 * MINUTE }),
            ..plan
        },
        Way::Command(_) => ChannelPlan { caps: program, chat: lane(name.to_owned(), &[(5, SECOND)]), ..plan },
        // The collector's plugins send each alert on as it comes, to chats that take no more.
        Way::Scouter(_) => ChannelPlan { chat: lane(name.to_owned(), &[(1, SECOND), (15, MINUTE)]), ..plan },
    }
}
