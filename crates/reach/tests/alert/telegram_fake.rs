//! The Bot API as strict as the real one, and as unreliable as a test wants it.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use serde_json::{Value, json};

use super::http_fake::{Reply, Request, web};

pub(crate) const TOKEN: &str = "123456:A-strict_Fake";
pub(crate) const CHAT: i64 = -1_001_234;

/// What goes wrong with the next message or edit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It goes well.
    None,
    TooMany(u64),
    Status(u16),
    /// It is taken, and nothing is answered.
    TakenInSilence,
    Reset,
    Kicked,
    Moved(i64),
    Entities,
    TooLong,
    BlockPage,
}

/// Something that was taken, as it was said then.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The path before the Bot API's own.
    pub(crate) under: String,
    /// It changed a message.
    pub(crate) edit: bool,
    pub(crate) text: String,
}

/// A message in a chat.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) silent: bool,
    pub(crate) reply_to: Option<i64>,
    pub(crate) thread: Option<i64>,
    pub(crate) keyboard: Value,
    pub(crate) edits: u32,
    /// Times that its buttons alone were changed.
    pub(crate) rekeyed: u32,
}

impl Message {
    /// What its buttons say.
    pub(crate) fn buttons(&self) -> Vec<String> {
        buttons(&self.keyboard)
    }
}

fn buttons(keyboard: &Value) -> Vec<String> {
    let rows = keyboard["inline_keyboard"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|row| row.as_array().into_iter().flatten());
    buttons.map(|button| button["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Every button has a text, and data of 1 to 64 bytes.
fn keyboard_is_possible(keyboard: &Value) -> Result<(), String> {
    if keyboard.is_null() {
        return Ok(());
    }
    let rows = keyboard["inline_keyboard"].as_array().ok_or("object expected as reply markup")?;
    for button in rows.iter().flat_map(|row| row.as_array().into_iter().flatten()) {
        if button["text"].as_str().is_none_or(str::is_empty) {
            return Err("text buttons are unallowed in the inline keyboard".to_owned());
        }
        if !button["callback_data"].as_str().is_some_and(|data| (1..=64).contains(&data.len())) {
            return Err("BUTTON_DATA_INVALID".to_owned());
        }
    }
    Ok(())
}

#[derive(Default)]
struct Inner {
    messages: BTreeMap<i64, Message>,
    /// Everything that was taken, in order.
    taken: Vec<Taken>,
    faults: VecDeque<Fault>,
    updates: Vec<Value>,
    answered: Vec<Value>,
    /// Messages that are not there, and whose buttons were to be changed.
    rekeyed_in_vain: Vec<i64>,
    /// When the chat got something.
    used: Vec<u64>,
    /// Where the group is now.
    chat: Option<i64>,
    /// What no client may do.
    violations: Vec<String>,
    rested_until: u64,
    /// So many milliseconds earlier is no violation.
    leniency: u64,
}

/// The server.
#[derive(Clone)]
pub(crate) struct Telegram {
    inner: Arc<Mutex<Inner>>,
    /// Its clock in milliseconds; the test sets it.
    pub(crate) clock: Arc<AtomicU64>,
    pub(crate) address: SocketAddr,
}

impl Telegram {
    pub(crate) fn start() -> Self {
        Self::serve(Inner::default(), |clock| clock.load(Ordering::SeqCst))
    }

    /// One on whose clock time goes by. What was sent in time may arrive a little too early.
    pub(crate) fn going() -> Self {
        let started = Instant::now();
        let inner = Inner { leniency: 500, ..Inner::default() };
        Self::serve(inner, move |_| u64::try_from(started.elapsed().as_millis()).expect("a short test"))
    }

    fn serve(inner: Inner, now: impl Fn(&AtomicU64) -> u64 + Send + Sync + 'static) -> Self {
        let inner = Arc::new(Mutex::new(inner));
        let clock = Arc::new(AtomicU64::new(0));
        let (state, time) = (Arc::clone(&inner), Arc::clone(&clock));
        let (address, _) = web(move |request| {
            let mut state = state.lock().expect("a state");
            state.answer(request, now(&time))
        });
        Self { inner, clock, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.inner.lock().expect("a state").faults.extend(faults);
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.inner.lock().expect("a state").messages.values().cloned().collect()
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.inner.lock().expect("a state").taken.clone()
    }

    pub(crate) fn delete(&self, message: i64) {
        self.inner.lock().expect("a state").messages.remove(&message);
    }

    /// Somebody presses a button.
    pub(crate) fn press(&self, update: i64, chat: i64, data: &str) {
        self.press_below(1, update, chat, data);
    }

    /// Somebody presses a button below this message.
    pub(crate) fn press_below(&self, message: i64, update: i64, chat: i64, data: &str) {
        self.inner.lock().expect("a state").updates.push(json!({
            "update_id": update,
            "callback_query": {
                "id": format!("q{update}"), "from": { "id": 9, "first_name": "Kim", "username": "kim" },
                "message": { "message_id": message, "chat": { "id": chat, "type": "supergroup" } }, "data": data,
            },
        }));
    }

    pub(crate) fn answered(&self) -> Vec<Value> {
        self.inner.lock().expect("a state").answered.clone()
    }

    pub(crate) fn rekeyed_in_vain(&self) -> Vec<i64> {
        self.inner.lock().expect("a state").rekeyed_in_vain.clone()
    }

    /// Nothing was done that the real one punishes.
    pub(crate) fn audit(&self) {
        let state = self.inner.lock().expect("a state");
        assert!(state.violations.is_empty(), "{:?}", state.violations);
    }
}

impl Inner {
    fn answer(&mut self, request: &Request, now: u64) -> Reply {
        let Some((under, method)) = request.path.split_once(&format!("/bot{TOKEN}/")) else {
            return error(401, "Unauthorized", json!({}));
        };
        let arguments = request.json();
        match (request.method.as_str(), method) {
            ("POST", "getMe") => done(json!({ "id": 123_456, "is_bot": true, "username": "reach_bot" })),
            ("POST", "sendMessage" | "editMessageText" | "editMessageReplyMarkup") => {
                self.message(under, method, &arguments, now)
            }
            ("POST", "getUpdates") => {
                let offset = arguments["offset"].as_i64().unwrap_or(0);
                self.updates.retain(|update| update["update_id"].as_i64() >= Some(offset));
                done(Value::Array(self.updates.clone()))
            }
            ("POST", "answerCallbackQuery") => {
                self.answered.push(arguments);
                done(json!(true))
            }
            _ => error(404, "Not Found", json!({})),
        }
    }

    fn message(&mut self, under: &str, method: &str, arguments: &Value, now: u64) -> Reply {
        if now + self.leniency < self.rested_until {
            self.violations.push(format!("{method} at {now} although to rest until {}", self.rested_until));
        }
        let fault = self.faults.pop_front().unwrap_or(Fault::None);
        let bad = |description: &str| error(400, &format!("Bad Request: {description}"), json!({}));
        match fault {
            Fault::TooMany(seconds) => {
                self.rested_until = now + seconds * 1000;
                let parameters = json!({ "retry_after": seconds });
                return error(429, &format!("Too Many Requests: retry after {seconds}"), parameters);
            }
            Fault::Status(status) => return error(status, "Internal Server Error", json!({})),
            Fault::Reset => return Reply::Reset,
            Fault::Kicked => {
                return error(403, "Forbidden: bot was kicked from the supergroup chat", json!({}));
            }
            Fault::Moved(chat) => {
                self.chat = Some(chat);
                let parameters = json!({ "migrate_to_chat_id": chat });
                return error(400, "Bad Request: group chat was upgraded to a supergroup chat", parameters);
            }
            Fault::Entities => {
                return bad("can't parse entities: Unsupported start tag \"x\" at byte offset 0");
            }
            Fault::TooLong => return bad("message is too long"),
            Fault::BlockPage => return Reply::Answer(403, Vec::new(), "<html>Blocked by policy".to_owned()),
            Fault::None | Fault::TakenInSilence => {}
        }
        let chat = arguments["chat_id"].as_str().and_then(|chat| chat.parse::<i64>().ok());
        if chat != Some(self.chat.unwrap_or(CHAT)) {
            return bad("chat not found");
        }
        let keyboard = arguments["reply_markup"].clone();
        if let Err(problem) = keyboard_is_possible(&keyboard) {
            return bad(&problem);
        }
        if method == "editMessageReplyMarkup" {
            let id = arguments["message_id"].as_i64().unwrap_or_default();
            if !self.messages.contains_key(&id) {
                self.rekeyed_in_vain.push(id);
                return bad("message to edit not found");
            }
            if let Err(problem) = self.is_in_time(now) {
                return problem;
            }
            let Some(message) = self.messages.get_mut(&id) else { return bad("message to edit not found") };
            if message.buttons() == buttons(&keyboard) {
                return bad("message is not modified: specified new message content is exactly the same");
            }
            message.keyboard = keyboard;
            message.rekeyed += 1;
            return match fault {
                Fault::TakenInSilence => Reply::Silence,
                _ => done(json!({ "message_id": id, "date": now / 1000 })),
            };
        }
        if let Err(problem) = self.fits(arguments, now) {
            return problem;
        }
        let text = arguments["text"].as_str().unwrap_or_default().to_owned();
        let edit = method == "editMessageText";
        let taken = Taken { under: under.to_owned(), edit, text: text.clone() };
        let id = if edit {
            let id = arguments["message_id"].as_i64().unwrap_or_default();
            let Some(message) = self.messages.get_mut(&id) else { return bad("message to edit not found") };
            if message.text == text && message.keyboard == keyboard {
                return bad("message is not modified: specified new message content is exactly the same");
            }
            (message.text, message.keyboard) = (text, keyboard);
            message.edits += 1;
            id
        } else {
            let reply = &arguments["reply_parameters"];
            let reply_to = reply["message_id"].as_i64();
            if reply_to.is_some_and(|id| !self.messages.contains_key(&id))
                && reply["allow_sending_without_reply"] != json!(true)
            {
                return bad("message to be replied not found");
            }
            let id = self.messages.keys().last().copied().unwrap_or(100) + 1;
            let message = Message {
                text,
                silent: arguments["disable_notification"] == json!(true),
                reply_to,
                thread: arguments["message_thread_id"].as_i64(),
                keyboard,
                edits: 0,
                rekeyed: 0,
            };
            self.messages.insert(id, message);
            id
        };
        self.taken.push(taken);
        if matches!(fault, Fault::TakenInSilence) {
            return Reply::Silence;
        }
        done(json!({ "message_id": id, "date": now / 1000, "chat": { "id": CHAT, "type": "supergroup" } }))
    }

    /// Length, markup and rate, as the real one checks them.
    fn fits(&mut self, arguments: &Value, now: u64) -> Result<(), Reply> {
        let bad = |description: &str| Err(error(400, &format!("Bad Request: {description}"), json!({})));
        let text = arguments["text"].as_str().unwrap_or_default();
        let length = match arguments["parse_mode"].as_str() {
            None => Ok(text.encode_utf16().count()),
            Some("HTML") => parsed_length(text),
            Some(other) => Err(format!("unsupported parse_mode {other}")),
        };
        let length = match length {
            Ok(length) => length,
            Err(problem) => return bad(&format!("can't parse entities: {problem}")),
        };
        if length == 0 {
            return bad("message text is empty");
        }
        if length > 4096 {
            return bad("message is too long");
        }
        if let Some(preview) = arguments.get("disable_web_page_preview") {
            self.violations.push(format!("an option of long ago: {preview}"));
        }
        self.is_in_time(now)
    }

    /// The rate, as the real one checks it.
    fn is_in_time(&mut self, now: u64) -> Result<(), Reply> {
        for (most, window) in [(1, 1000), (20, 60_000)] {
            let recent = self.used.iter().filter(|&&used| now + self.leniency < used + window).count();
            if recent >= most {
                self.violations.push(format!("more than {most} in {window} ms at {now}"));
                self.rested_until = now + 5000;
                return Err(error(429, "Too Many Requests: retry after 5", json!({ "retry_after": 5 })));
            }
        }
        self.used.push(now);
        Ok(())
    }
}

/// The length in UTF-16 units of what HTML markup says; only tags that the Bot API knows, closed in order.
fn parsed_length(text: &str) -> Result<usize, String> {
    const TAGS: [&str; 9] = ["b", "i", "u", "s", "code", "pre", "blockquote", "tg-spoiler", "a"];
    let mut open: Vec<&str> = Vec::new();
    let mut length = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '<' => {
                let (tag, after) = rest[1..].split_once('>').ok_or("unclosed start tag")?;
                let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
                if !TAGS.contains(&name) {
                    return Err(format!("Unsupported start tag \"{name}\""));
                }
                match tag.starts_with('/') {
                    true if open.pop() == Some(name) => {}
                    true => return Err(format!("unexpected end tag \"{name}\"")),
                    false => open.push(name),
                }
                after
            }
            '&' => {
                length += 1;
                let entity =
                    ["&amp;", "&lt;", "&gt;", "&quot;"].into_iter().find(|known| rest.starts_with(known));
                &rest[entity.ok_or("a bare ampersand")?.len()..]
            }
            c => {
                length += c.len_utf16();
                &rest[c.len_utf8()..]
            }
        };
    }
    if open.is_empty() { Ok(length) } else { Err(format!("{open:?} not closed")) }
}

fn done(result: Value) -> Reply {
    Reply::Answer(200, json_field(), json!({ "ok": true, "result": result }).to_string())
}

fn error(code: u16, description: &str, parameters: Value) -> Reply {
    let body =
        json!({ "ok": false, "error_code": code, "description": description, "parameters": parameters });
    Reply::Answer(code, json_field(), body.to_string())
}

fn json_field() -> Vec<(&'static str, String)> {
    vec![("content-type", "application/json".to_owned())]
}
