//! What people press below messages, by long poll: outbound only, so it works from behind any firewall.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reach_core::watch::{IncidentId, Order, courier::Report};
use reach_net::drive::Clock;
use reach_report::{Lang, notice};
use serde_json::json;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Api,
    answer::{Button, Outcome, Pressed, updates},
};

/// How long the server keeps a question open.
const LONG_POLL: u64 = 25;
/// How long *mute* lasts.
const MUTE: Duration = Duration::from_secs(3600);

/// A chat whose buttons count.
pub(in super::super) struct Chat {
    /// The number or `@name`, as it is now.
    pub(in super::super) id: Box<dyn Fn() -> String + Send + Sync>,
    /// The language of its answers.
    pub(in super::super) lang: Lang,
}

/// What is known of the incidents, and where orders go.
#[derive(Clone)]
pub(in super::super) struct Desk {
    /// Those that are not closed.
    pub(in super::super) open: Arc<Mutex<BTreeSet<IncidentId>>>,
    /// The clock.
    pub(in super::super) clock: Clock,
    /// Takes orders.
    pub(in super::super) orders: UnboundedSender<Order>,
}

/// Asks one bot for ever what was pressed in these chats.
pub(in super::super) async fn poll(api: Api, chats: Vec<Chat>, desk: Desk) {
    let mut offset: Option<i64> = None;
    let mut failures = 0_u32;
    loop {
        let mut arguments = json!({ "timeout": LONG_POLL, "allowed_updates": ["callback_query"] });
        if let Some(offset) = offset {
            arguments["offset"] = json!(offset);
        }
        match api.call("getUpdates", &arguments).await {
            Outcome::Done(result) => {
                let (pressed, next) = updates(&result);
                offset = offset.max(next);
                for pressed in pressed {
                    take(&api, &chats, &desk, pressed).await;
                }
                // A server that answers empty at once would be asked in a tight loop.
                let rest = if failures > 0 || next.is_none() { 200 } else { 0 };
                failures = 0;
                tokio::time::sleep(Duration::from_millis(rest)).await;
            }
            outcome => {
                failures = failures.saturating_add(1);
                let wait = match outcome {
                    Outcome::Otherwise(Report::Later { after, .. }) => after,
                    Outcome::Otherwise(Report::Broken { .. }) => Duration::from_secs(300),
                    _ => Duration::from_secs(1 << failures.min(6)),
                };
                if failures == 3 {
                    tracing::warn!(bot = api.bot(), "buttons below messages do not work: getUpdates fails");
                }
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Only what is pressed in one of our chats, and about an incident that is there, is an order.
async fn take(api: &Api, chats: &[Chat], desk: &Desk, pressed: Pressed) {
    let ours = |chat: &&Chat| {
        let id = (chat.id)();
        match id.strip_prefix('@') {
            Some(name) => pressed.chat_name.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(name)),
            None => id == pressed.chat.to_string(),
        }
    };
    let Some(chat) = chats.iter().find(ours) else { return };
    let labels = notice::buttons(chat.lang);
    let is_open =
        |incident: &IncidentId| desk.open.lock().unwrap_or_else(PoisonError::into_inner).contains(incident);
    let by = pressed.by.clone();
    let (order, said) = match pressed.button {
        Some(Button::Acknowledge(incident)) if is_open(&incident) => {
            (Some(Order::Acknowledge { incident, by }), labels.acknowledged)
        }
        Some(Button::Mute(incident)) if is_open(&incident) => {
            (Some(Order::Mute { incident, until: desk.clock.now() + MUTE, by }), labels.muted)
        }
        Some(Button::Taken(incident)) if is_open(&incident) => (None, labels.taken),
        _ => (None, labels.over),
    };
    let is_over = said == labels.over;
    if let Some(order) = order {
        // Nobody takes orders any more only while the program ends.
        let _ = desk.orders.send(order);
    }
    let answer = json!({ "callback_query_id": pressed.id, "text": said });
    if let Outcome::Otherwise(report) = api.call("answerCallbackQuery", &answer).await {
        tracing::debug!(?report, "a press of a button could not be answered");
    }
    // Nothing is to be pressed there any more, whatever kept the button.
    if let (true, Some(message)) = (is_over, pressed.message) {
        let outcome = api.set_keyboard(&(chat.id)(), &message.to_string(), None).await;
        if let Outcome::Otherwise(report) = outcome {
            tracing::debug!(?report, "the buttons of an incident that is over could not be taken away");
        }
    }
}
