//! What a channel is, as far as it matters for when to hand it what.

use std::time::Duration;

use super::super::{Gravity, Matcher};
use crate::Time;

/// A way to people or programs.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelPlan {
    /// Its name; no name twice.
    pub name: String,
    /// What it can do.
    pub caps: Capabilities,
    /// What it shares its rate with: two channels with the same key write into the same chat.
    pub chat: Lane,
    /// What all chats of the same sender share, if anything.
    pub bot: Option<Lane>,
    /// Milder incidents are not told here.
    pub least: Gravity,
    /// Only what this matches is told here.
    pub matcher: Matcher,
    /// When people sleep, in order. Whoever drives the courier gives the next few from time to time
    /// ([`Courier::quiet`](super::Courier::quiet)).
    pub quiet: Vec<QuietSpan>,
    /// What quiet hours mean.
    pub at_night: AtNight,
    /// Gets what this one does not take.
    pub fallback: Option<String>,
    /// Says everything that stands again and again, for programs that forget.
    pub repeat: Option<Repeat>,
}

impl ChannelPlan {
    /// A channel that takes everything at once and can nothing particular.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            chat: Lane { key: name.clone(), limits: Vec::new() },
            name,
            caps: Capabilities::default(),
            bot: None,
            least: Gravity::Notice,
            matcher: Matcher::default(),
            quiet: Vec::new(),
            at_night: AtNight::Silent,
            fallback: None,
            repeat: None,
        }
    }
}

/// What a channel can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// A message can be changed after it was delivered.
    pub edits: bool,
    /// A message can refer to an earlier one.
    pub threads: bool,
    /// A message can be delivered without a sound.
    pub silent: bool,
    /// Messages have buttons below them, which can be changed after they were delivered.
    pub buttons: bool,
    /// Only what rings is worth a message here: each costs money or somebody's sleep.
    pub rings_only: bool,
    /// A program listens: it gets every change on its own, at night too, and never a digest.
    pub program: bool,
}

/// Something that has a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Whoever has the same key shares the rate.
    pub key: String,
    /// All of them hold.
    pub limits: Vec<Limit>,
}

/// At most so many in any span of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many; at least one.
    pub most: u32,
    /// In so long.
    pub per: Duration,
}

/// A time in which people sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietSpan {
    /// From here…
    pub from: Time,
    /// …to there, which is not part of it.
    pub until: Time,
}

/// What quiet hours mean. What is, or has been, critical is never quiet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtNight {
    /// Messages come without a sound; where the channel cannot do that, they wait.
    #[default]
    Silent,
    /// Messages wait for the morning, and come in one then.
    HoldBack,
}

/// How a program that forgets is kept informed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// From one time to the next.
    pub every: Duration,
    /// For how long the end of an incident is said.
    pub resolved_for: Duration,
}
