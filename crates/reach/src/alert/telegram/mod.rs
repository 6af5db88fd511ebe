//! Telegram, by the Bot API over HTTPS.

pub mod answer;
mod poll;

use std::sync::{Mutex, PoisonError};

use reach_core::watch::{
    IncidentId,
    courier::{Dispatch, How, Offer, Part, Report},
};
use reach_report::{
    Lang,
    notice::{self, Message, Telling},
};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use self::answer::{Button, Outcome};
pub(super) use self::poll::{Chat, Desk, poll};
use super::http;

/// A message holds so many characters, after its markup is taken out (core.telegram.org/bots/api, *sendMessage*).
const LONGEST: usize = 4096;
/// Tried where that is too long all the same.
const SHORTER: [usize; 2] = [2048, 900];

/// One chat of a bot.
pub(super) struct Telegram {
    api: Api,
    /// As configured, or where the group moved to.
    chat: Mutex<String>,
    thread: Option<i64>,
    buttons: bool,
}

/// A bot.
#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    url: String,
    token: SecretString,
}

impl Api {
    pub(super) fn new(client: Client, url: &str, token: SecretString) -> Self {
        Self { client, url: url.to_owned(), token }
    }

    /// What two channels of the same bot have in common; the part of the token that is no secret.
    pub(super) fn bot(&self) -> String {
        let id = self.token.expose_secret().split(':').next().unwrap_or_default();
        format!("{} {id}", self.url)
    }

    /// Whether both are the same bot with the same secret.
    pub(super) fn is_same(&self, other: &Api) -> bool {
        self.url == other.url && self.token.expose_secret() == other.token.expose_secret()
    }

    /// Changes the buttons below a message; takes them away where there are none.
    async fn set_keyboard(&self, chat: &str, message: &str, keyboard: Option<&Value>) -> Outcome {
        let none = json!({ "inline_keyboard": [] });
        let arguments = json!({
            "chat_id": chat,
            "message_id": message.parse::<i64>().unwrap_or_default(),
            "reply_markup": keyboard.unwrap_or(&none),
        });
        self.call("editMessageReplyMarkup", &arguments).await
    }

    /// Calls a method. The token is in the URL, so no error may have it.
    async fn call(&self, method: &str, arguments: &Value) -> Outcome {
        let url = format!("{}/bot{}/{method}", self.url, self.token.expose_secret());
        match http::exchange(self.client.post(url).json(arguments)).await {
            Ok(answer) => answer::read(answer.status.as_u16(), &answer.body),
            Err(report) => Outcome::Otherwise(report),
        }
    }
}

impl Telegram {
    pub(super) fn new(api: Api, chat: String, thread: Option<i64>, buttons: bool) -> Self {
        Self { api, chat: Mutex::new(chat), thread, buttons }
    }

    pub(super) fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn chat(&self) -> String {
        self.chat.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) const fn has_buttons(&self) -> bool {
        self.buttons
    }

    /// Who the bot is: shows that the token and the way are good.
    pub(super) async fn who(&self) -> Result<String, Report> {
        match self.api.call("getMe", &json!({})).await {
            Outcome::Done(bot) => Ok(bot["username"].as_str().unwrap_or_default().to_owned()),
            outcome => Err(refused(outcome)),
        }
    }

    pub(super) async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>) -> Report {
        if let How::Buttons { message, incident, offer } = &dispatch.how {
            return self.change_buttons(message, *incident, offer.as_ref(), telling.lang).await;
        }
        let message = notice::message(&dispatch.parts, telling);
        let mut form = Form { limit: LONGEST, markup: true };
        let mut shorter = SHORTER.into_iter();
        let mut remark = None;
        // Each way out is taken once at most.
        for _ in 0..6 {
            let (method, arguments) = self.request(dispatch, &message, form, telling);
            match self.api.call(method, &arguments).await {
                Outcome::Done(sent) => {
                    let id = sent["message_id"].as_i64().map(|id| id.to_string());
                    let edited = match &dispatch.how {
                        How::Edit { message } => Some(message.clone()),
                        _ => None,
                    };
                    return Report::Sent { message: id.or(edited), remark };
                }
                Outcome::Unchanged => {
                    let message = match &dispatch.how {
                        How::Edit { message } => Some(message.clone()),
                        _ => None,
                    };
                    return Report::Sent { message, remark };
                }
                Outcome::Markup if form.markup => form.markup = false,
                Outcome::TooLong => match shorter.next() {
                    Some(limit) => form.limit = limit,
                    None => return refused(Outcome::TooLong),
                },
                Outcome::Moved(chat) if remark.is_none() => remark = Some(self.moved(chat)),
                outcome => return refused(outcome),
            }
        }
        refused(Outcome::TooLong)
    }

    fn request(
        &self,
        dispatch: &Dispatch,
        message: &Message,
        form: Form,
        telling: &Telling<'_>,
    ) -> (&'static str, Value) {
        let text = if form.markup { message.telegram_html(form.limit) } else { message.plain(form.limit) };
        let mut arguments = json!({
            "chat_id": self.chat(),
            "text": text,
            "link_preview_options": { "is_disabled": true },
        });
        if form.markup {
            arguments["parse_mode"] = json!("HTML");
        }
        if let Some(keyboard) = self.keyboard(&dispatch.parts, telling) {
            arguments["reply_markup"] = keyboard;
        }
        if let How::Edit { message } = &dispatch.how {
            arguments["message_id"] = json!(message.parse::<i64>().unwrap_or_default());
            return ("editMessageText", arguments);
        }
        arguments["disable_notification"] = json!(!dispatch.rings);
        if let Some(thread) = self.thread {
            arguments["message_thread_id"] = json!(thread);
        }
        if let How::Reply { to } = &dispatch.how
            && let Ok(id) = to.parse::<i64>()
        {
            arguments["reply_parameters"] = json!({ "message_id": id, "allow_sending_without_reply": true });
        }
        ("sendMessage", arguments)
    }

    /// Changes the buttons below a message that is otherwise as it should be.
    async fn change_buttons(
        &self,
        message: &str,
        incident: IncidentId,
        offer: Option<&Offer>,
        lang: Lang,
    ) -> Report {
        let keyboard = offer.filter(|_| self.buttons).map(|offer| keyboard(incident, offer, lang));
        let mut remark = None;
        loop {
            match self.api.set_keyboard(&self.chat(), message, keyboard.as_ref()).await {
                Outcome::Done(_) | Outcome::Unchanged => {
                    return Report::Sent { message: Some(message.to_owned()), remark };
                }
                Outcome::Moved(chat) if remark.is_none() => remark = Some(self.moved(chat)),
                outcome => return refused(outcome),
            }
        }
    }

    /// Follows a group; says what is to be written into the configuration.
    fn moved(&self, chat: i64) -> String {
        *self.chat.lock().unwrap_or_else(PoisonError::into_inner) = chat.to_string();
        format!("the chat is now {chat}; write that into the configuration")
    }

    /// What can be done about the one incident of a message.
    fn keyboard(&self, parts: &[Part], telling: &Telling<'_>) -> Option<Value> {
        let [part] = parts else { return None };
        let incident = &part.notice.incident;
        let offer = Offer::of(incident).filter(|_| self.buttons)?;
        Some(keyboard(incident.id, &offer, telling.lang))
    }
}

/// One row: who takes care, and a way to hush it.
fn keyboard(incident: IncidentId, offer: &Offer, lang: Lang) -> Value {
    let labels = notice::buttons(lang);
    let button = |text: &str, what: Button| json!({ "text": text, "callback_data": what.data() });
    let mut row = vec![match &offer.taken_by {
        None => button(labels.acknowledge, Button::Acknowledge(incident)),
        Some(by) => button(&notice::taken_by(by, lang), Button::Taken(incident)),
    }];
    if !offer.muted {
        row.push(button(labels.mute, Button::Mute(incident)));
    }
    json!({ "inline_keyboard": [row] })
}

#[derive(Clone, Copy)]
struct Form {
    limit: usize,
    markup: bool,
}

/// An outcome that nothing more can be done about.
fn refused(outcome: Outcome) -> Report {
    let rejected = |trouble: &str| Report::Rejected { trouble: trouble.to_owned() };
    match outcome {
        Outcome::Otherwise(report) => report,
        Outcome::Done(_) | Outcome::Unchanged => Report::Sent { message: None, remark: None },
        Outcome::Markup => rejected("400 can't parse entities, even without any"),
        Outcome::TooLong => rejected("400 message is too long, however short"),
        Outcome::Moved(chat) => rejected(&format!("the chat moves on and on, lastly to {chat}")),
    }
}
