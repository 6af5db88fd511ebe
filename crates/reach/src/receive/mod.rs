//! What comes in from other systems, as signals.
//!
//! A source hands what it heard to an [`Intake`], which holds so much and no more: whoever can wait waits, whoever
//! can be told to come again is told so, and what is lost is counted.

pub mod desk;
pub mod leading;
pub mod looking;
pub mod otlp;
pub mod sources;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use reach_core::signal::Signal;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Batches that wait to be dealt with.
const WAITING: usize = 1_024;

/// What a source heard at one time. An empty one says that it was asked, and answered that there is nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The source as the configuration names it.
    pub source: String,
    /// What it said.
    pub signals: Vec<Signal>,
}

/// Where sources hand in what they heard.
#[derive(Clone, Debug)]
pub struct Intake {
    sender: mpsc::Sender<Heard>,
    lost: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// Nothing more is taken at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more comes in than can be dealt with; try again")]
pub struct Full;

/// The watch is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody listens any more")]
pub struct Ended;

impl Intake {
    /// An intake, and where its batches come out.
    pub fn new() -> (Self, mpsc::Receiver<Heard>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { sender, lost: Arc::default() }, receiver)
    }

    /// Whether there is room now.
    pub fn has_room(&self) -> bool {
        self.sender.capacity() > 0
    }

    /// Hands in what can neither wait nor come again. What finds no room is lost, and counted.
    pub fn offer(&self, heard: Heard) -> Result<(), Full> {
        self.sender.try_send(heard).map_err(|refused| {
            let (TrySendError::Full(heard) | TrySendError::Closed(heard)) = refused;
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            *lost.entry(heard.source).or_default() += heard.signals.len() as u64;
            Full
        })
    }

    /// Hands in what can wait until there is room.
    pub async fn hand_in(&self, heard: Heard) {
        // Nobody takes it any more where the watch is ending.
        let _ = self.sender.send(heard).await;
    }

    /// The same where a thread may wait.
    ///
    /// # Errors
    ///
    /// When nobody takes anything any more.
    pub fn hand_in_blocking(&self, heard: Heard) -> Result<(), Ended> {
        self.sender.blocking_send(heard).map_err(|_| Ended)
    }

    /// Signals that were lost for want of room, by source.
    pub fn lost(&self) -> BTreeMap<String, u64> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
