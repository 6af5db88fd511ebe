//! What a watch tells people: the news of an incident as a message, for whatever carries messages.
//!
//! A [`Message`] is a list of whole items. Where a carrier takes only so much, items are left out from the least
//! important on and counted; no item is ever cut, so no markup is either.

mod card;
mod ends;
mod items;
mod json;
mod render;
pub(crate) mod signals;
mod statement;
mod words;

pub use self::{
    json::{document, json_statement},
    statement::{put_off, statement},
};

use reach_core::{model::Vantage, watch::courier::Part};

use crate::{Lang, clean::clean, words::say};

pub(crate) use self::ends::{bound as rounded_up, lack};

/// How to tell it.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// The language.
    pub lang: Lang,
    /// Offset of the local time from UTC at the time of the notice, in seconds, east positive.
    pub utc_offset_s: i32,
    /// The host that watches.
    pub vantage: &'a Vantage,
}

/// A message, not yet in the form of any carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    lang: Lang,
    title: String,
    items: Vec<Item>,
    /// How to find it again: `#17·3`.
    id: String,
}

/// Something that is told whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// How many things are missing where it is left out; 0 where nobody counts.
    pub(crate) counts: usize,
    /// The higher the earlier it is left out.
    pub(crate) rank: u8,
}

/// What an item looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A sentence.
    Line,
    /// One of a list.
    Bullet,
    /// The heading of something to pass on.
    QuoteHead,
    /// A line of something to pass on.
    Quote,
    /// Small print.
    Foot,
}

/// The message of a dispatch: of one notice, or of several in one.
pub fn message(parts: &[Part], telling: &Telling<'_>) -> Message {
    match parts {
        [part] => items::one(part, telling),
        parts => items::digest(parts, telling),
    }
}

impl Message {
    /// The one line that says it all: the subject of a mail, the summary of a card.
    pub fn summary(&self) -> &str {
        &self.title
    }

    /// How people find it again: `#17·3`.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// What stands on the buttons below a message, and what is answered to those who press them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buttons {
    /// Takes an incident on.
    pub acknowledge: &'static str,
    /// No word of it for an hour.
    pub mute: &'static str,
    /// It is taken on.
    pub acknowledged: &'static str,
    /// It is muted.
    pub muted: &'static str,
    /// Somebody has taken it on already.
    pub taken: &'static str,
    /// There is no such incident (any more).
    pub over: &'static str,
}

/// The buttons in a language.
pub const fn buttons(lang: Lang) -> Buttons {
    match lang {
        Lang::En => Buttons {
            acknowledge: "I take care of it",
            mute: "Mute for 1 h",
            acknowledged: "You take care of it: no more reminders.",
            muted: "Muted for an hour, unless it gets worse.",
            taken: "Somebody takes care of it already.",
            over: "This incident is over.",
        },
        Lang::Ko => Buttons {
            acknowledge: "확인(담당)",
            mute: "1시간 알림 끄기",
            acknowledged: "담당자로 기록했습니다. 반복 알림을 멈춥니다.",
            muted: "1시간 동안 알리지 않습니다(악화 시 제외).",
            taken: "이미 담당자가 있습니다.",
            over: "이미 종료된 장애입니다.",
        },
    }
}

/// What the button says once somebody has taken an incident on: a name, no longer than a button shows.
pub fn taken_by(by: &str, lang: Lang) -> String {
    let name: String = clean(by).chars().take(LONGEST_NAME).collect();
    say!(lang, "✔ {name} takes care", "✔ 담당: {name}")
}

/// A button of a telephone shows some thirty characters.
const LONGEST_NAME: usize = 24;
