//! What the Bot API answers (core.telegram.org/bots/api, *Making requests*).

use std::time::Duration;

use reach_core::watch::{IncidentId, courier::Report};
use serde::Deserialize;
use serde_json::Value;

use crate::output::shown;

/// What an answer means for what was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was done.
    Done(Value),
    /// Nothing had to be done: the message says that already.
    Unchanged,
    /// The markup is not understood: say it without.
    Markup,
    /// It is too long: say less.
    TooLong,
    /// The group has another number now.
    Moved(i64),
    /// Anything else.
    Otherwise(Report),
}

#[derive(Deserialize)]
struct Envelope {
    ok: bool,
    result: Option<Value>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

/// Reads an answer: any bytes with any status.
pub fn read(status: u16, body: &[u8]) -> Outcome {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(body) else {
        return Outcome::Otherwise(foreign(status, body));
    };
    if envelope.ok {
        return Outcome::Done(envelope.result.unwrap_or(Value::Null));
    }
    let code = envelope.error_code.unwrap_or(status);
    let description = envelope.description.unwrap_or_default();
    let said = description.to_lowercase();
    let parameters = envelope.parameters.unwrap_or_default();
    let trouble = shown(&format!("{code} {description}"));
    if let Some(chat) = parameters.migrate_to_chat_id {
        return Outcome::Moved(chat);
    }
    if code == 400 {
        if said.contains("message is not modified") {
            return Outcome::Unchanged;
        }
        if said.contains("can't parse entities") || said.contains("unsupported start tag") {
            return Outcome::Markup;
        }
        if said.contains("message is too long") || said.contains("message_too_long") {
            return Outcome::TooLong;
        }
    }
    Outcome::Otherwise(match (code, parameters.retry_after) {
        (429, after) => Report::Later { after: Duration::from_secs(after.unwrap_or(30)), trouble },
        (400, _)
            if said.contains("message to edit not found") || said.contains("message can't be edited") =>
        {
            Report::Vanished { trouble }
        }
        (400, _)
            if said.contains("chat not found")
                || said.contains("chat_id is empty")
                || said.contains("peer_id_invalid") =>
        {
            Report::Broken { trouble }
        }
        (400, _)
            if said.contains("not enough rights")
                || said.contains("thread not found")
                || said.contains("topic_closed") =>
        {
            Report::Broken { trouble }
        }
        (401 | 403 | 404, _) => Report::Broken { trouble },
        (500..=599, Some(after)) => Report::Later { after: Duration::from_secs(after), trouble },
        (408 | 409 | 500..=599, None) => Report::Failed { trouble },
        _ => Report::Rejected { trouble },
    })
}

/// Something that is no Bot API answers: a proxy, a block page, a server that is starting.
fn foreign(status: u16, body: &[u8]) -> Report {
    let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let trouble = shown(&format!("HTTP {status}, and no answer of the Bot API: {}", text.trim()));
    match status {
        // Done, or not: the answer cannot be read.
        200..=299 => Report::Unknown { trouble },
        401 | 403 | 404 | 407 => Report::Broken { trouble },
        429 => Report::Later { after: Duration::from_secs(30), trouble },
        _ => Report::Failed { trouble },
    }
}

/// What somebody pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// What to answer to.
    pub id: String,
    /// The number of the chat.
    pub chat: i64,
    /// Its public name, without `@`.
    pub chat_name: Option<String>,
    /// The number of the message with the button, where that is known.
    pub message: Option<i64>,
    /// Who.
    pub by: String,
    /// What; `None` for what no button of ours says.
    pub button: Option<Button>,
}

/// What a button says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Takes an incident on.
    Acknowledge(IncidentId),
    /// No word of it for an hour.
    Mute(IncidentId),
    /// Somebody has taken it on.
    Taken(IncidentId),
}

impl Button {
    /// As it stands in `callback_data`.
    pub fn data(self) -> String {
        match self {
            Button::Acknowledge(incident) => format!("ack:{}", incident.0),
            Button::Mute(incident) => format!("mute:{}", incident.0),
            Button::Taken(incident) => format!("taken:{}", incident.0),
        }
    }

    fn parse(data: &str) -> Option<Self> {
        let (what, incident) = data.split_once(':')?;
        // A number as we write it, and no other.
        let number: u64 = incident.parse().ok().filter(|number: &u64| number.to_string() == incident)?;
        match what {
            "ack" => Some(Button::Acknowledge(IncidentId(number))),
            "mute" => Some(Button::Mute(IncidentId(number))),
            "taken" => Some(Button::Taken(IncidentId(number))),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Update {
    update_id: i64,
    callback_query: Option<Value>,
}

#[derive(Deserialize)]
struct Query {
    id: String,
    from: From,
    message: Option<Message>,
    data: Option<String>,
}

#[derive(Deserialize)]
struct From {
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    chat: Chat,
    message_id: Option<i64>,
}

#[derive(Deserialize)]
struct Chat {
    id: i64,
    username: Option<String>,
}

/// The presses of buttons among updates, and the offset of the next ones. Updates that are not understood are passed
/// over: they would come again for ever.
pub fn updates(result: &Value) -> (Vec<Pressed>, Option<i64>) {
    let mut pressed = Vec::new();
    let mut next = None;
    for update in result.as_array().into_iter().flatten() {
        let Ok(update) = Update::deserialize(update) else { continue };
        next = next.max(Some(update.update_id.saturating_add(1)));
        let query = update.callback_query.and_then(|query| Query::deserialize(query).ok());
        if let Some((query, message)) =
            query.and_then(|mut query| query.message.take().map(|message| (query, message)))
        {
            pressed.push(Pressed {
                chat: message.chat.id,
                chat_name: message.chat.username,
                message: message.message_id,
                by: name(query.from),
                button: query.data.as_deref().and_then(Button::parse),
                id: query.id,
            });
        }
    }
    (pressed, next)
}

fn name(from: From) -> String {
    let full = [from.first_name, from.last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let name = match from.username {
        Some(username) => format!("@{username}"),
        None => full,
    };
    shown(name.trim()).chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn error(code: u16, description: &str) -> Outcome {
        read(
            code,
            json!({ "ok": false, "error_code": code, "description": description }).to_string().as_bytes(),
        )
    }

    #[test]
    fn errors_mean_what_the_servers_authors_mean() {
        assert_eq!(error(400, "Bad Request: message is not modified: specified new"), Outcome::Unchanged);
        assert_eq!(error(400, "Bad Request: can't parse entities: Unsupported start tag"), Outcome::Markup);
        assert_eq!(error(400, "Bad Request: message is too long"), Outcome::TooLong);
        for (code, text) in [
            (401, "Unauthorized"),
            (403, "Forbidden: bot was kicked from the supergroup chat"),
            (404, "Not Found"),
            (400, "Bad Request: chat not found"),
        ] {
            assert!(matches!(error(code, text), Outcome::Otherwise(Report::Broken { .. })), "{text}");
        }
        assert!(matches!(error(502, "Bad Gateway"), Outcome::Otherwise(Report::Failed { .. })));
        assert!(matches!(
            error(400, "Bad Request: message to edit not found"),
            Outcome::Otherwise(Report::Vanished { .. })
        ));
        let moved = json!({ "ok": false, "error_code": 400, "parameters": { "migrate_to_chat_id": -1007 } });
        assert_eq!(read(400, moved.to_string().as_bytes()), Outcome::Moved(-1007));
        let later = json!({ "ok": false, "error_code": 429, "description": "x", "parameters": { "retry_after": 17 } });
        let after = Duration::from_secs(17);
        let trouble = "429 x".to_owned();
        assert_eq!(
            read(429, later.to_string().as_bytes()),
            Outcome::Otherwise(Report::Later { after, trouble })
        );
    }

    #[test]
    fn a_block_page_is_no_answer() {
        assert!(matches!(read(403, b"<html>blocked"), Outcome::Otherwise(Report::Broken { .. })));
        assert!(matches!(read(200, b"<html>login"), Outcome::Otherwise(Report::Unknown { .. })));
        assert!(matches!(read(503, b""), Outcome::Otherwise(Report::Failed { .. })));
    }

    #[test]
    fn presses_are_read_and_strange_updates_passed_over() {
        let result = json!([
            { "update_id": 7, "message": { "text": "hello" } },
            { "update_id": 8, "callback_query": {
                "id": "q1", "from": { "id": 1, "first_name": "Kim", "username": "kim" },
                "message": { "message_id": 3, "chat": { "id": -100, "type": "group" } }, "data": "ack:17" } },
            { "update_id": 9, "callback_query": { "id": "q2", "from": { "id": 1 }, "data": "ack:17" } },
            { "update_id": 10, "callback_query": {
                "id": "q3", "from": { "id": 1, "first_name": "A\u{202e}b" },
                "message": { "chat": { "id": 5 } }, "data": "ack:017" } },
            "nonsense",
        ]);
        let (pressed, next) = updates(&result);
        assert_eq!(next, Some(11));
        assert_eq!(pressed[0].button, Some(Button::Acknowledge(IncidentId(17))));
        assert_eq!((pressed[0].by.as_str(), pressed[0].chat, pressed[0].message), ("@kim", -100, Some(3)));
        assert_eq!((pressed.len(), pressed[1].button), (2, None));
        assert!(!pressed[1].by.contains('\u{202e}'));
    }

    proptest! {
        #[test]
        fn any_bytes_mean_something(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..300)) {
            read(status, &body);
            if let Ok(value) = serde_json::from_slice(&body) {
                updates(&value);
            }
        }

        #[test]
        fn buttons_say_what_they_mean(number in any::<u64>()) {
            let incident = IncidentId(number);
            for button in [Button::Mute(incident), Button::Acknowledge(incident), Button::Taken(incident)] {
                prop_assert_eq!(Button::parse(&button.data()), Some(button));
                prop_assert!(button.data().len() <= 64);
            }
        }
    }
}
