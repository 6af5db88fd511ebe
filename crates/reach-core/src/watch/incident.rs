//! Stretches of worse than normal, and what is said about them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{AddressState, Matter, Reason, TargetId, incidents::OrderError, joining::Suffering};
use crate::{
    Time,
    model::{Diagnosis, ResolutionError},
    time::micros,
};

/// Names an incident, for people too: `#17`. Grows from 1 on; no id is given twice.
///
/// 0 names none: the [`Incident`] of a notice on a target that has none ([`News::Pool`], [`News::Hello`]) is made for
/// that notice alone and never remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub u64);

/// What an incident is about: there is one open incident for each at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// A target, however many of its addresses suffer and from whatever.
    Target(TargetId),
    /// This host reaches nothing: everything else is frozen.
    Vantage,
    /// What signals say of a service, a database or this host, and no target stands for: its
    /// [`key`](super::Matter::key).
    Matter(String),
}

/// How bad it is, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// Worth knowing; never rings.
    Notice,
    /// Nothing fails yet: a certificate that ends soon, resolvers that disagree, a high latency.
    Warning,
    /// Some connections fail, or are about to: a certificate that ends within the second of the times given.
    Degraded,
    /// All fail, or at least half of what clients try; or the name does not resolve; or this host is cut off.
    Critical,
}

impl Gravity {
    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Gravity::Notice => "notice",
            Gravity::Warning => "warning",
            Gravity::Degraded => "degraded",
            Gravity::Critical => "critical",
        }
    }
}

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Something is wrong.
    Open,
    /// Nothing has been wrong since then, not yet for long enough.
    Calming {
        /// Since when.
        since: Time,
    },
    /// Nothing has been wrong for the quiet time; the all-clear wants more.
    Recovered {
        /// Since when nothing was wrong.
        since: Time,
        /// When it was said.
        at: Time,
    },
    /// Over.
    Closed {
        /// When.
        at: Time,
        /// With an all-clear; where it is without one, [`Incident::ending`] says why.
        all_clear: bool,
    },
}

/// Why an incident was closed without an all-clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Nothing was down in it: it was about a certificate, a latency, resolvers that differ, or a budget that burned
    /// slowly. There is nothing that tries could clear.
    NothingToClear,
    /// The tries did not carry a statement for so long that none is waited for any more.
    NotCarried {
        /// What was lacking in the end.
        lacking: Vec<Lack>,
    },
    /// The target is not watched any more.
    NotWatched,
    /// It had opened just before this host was found to be cut off or asleep, and nothing was wrong afterwards: whose
    /// fault it was cannot be told, and nobody was told of it.
    Unconfirmed,
    /// It was this host's own: that it is connected shows in everything else that is watched.
    Connected,
    /// Whoever said that something was wrong said that it is well. There is nothing that tries could clear.
    Reported,
    /// Whoever said that something was wrong says nothing of it any more. That does not mean that it is well.
    NotHeard,
    /// There was another one of the same subject.
    Superseded,
}

impl Ending {
    /// The stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Ending::NothingToClear => "nothing-to-clear",
            Ending::NotCarried { .. } => "not-carried",
            Ending::NotWatched => "not-watched",
            Ending::Unconfirmed => "unconfirmed",
            Ending::Connected => "connected",
            Ending::Reported => "reported",
            Ending::NotHeard => "not-heard",
            Ending::Superseded => "superseded",
        }
    }
}

/// One thing that is wrong. An incident has one at least until it has recovered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Addresses that fail. They are listed in [`Incident::members`].
    Addresses,
    /// The name does not resolve.
    Unresolved(ResolutionError),
    /// Too many tries fail.
    FailureShare {
        /// Failed tries in the window.
        failed: u32,
        /// All tries in the window.
        tries: u32,
        /// The 95 % Wilson bounds of the share.
        bounds: (f64, f64),
        /// What is too much.
        threshold: f64,
        /// When a try failed last. The window may be over for minutes before a good one ends the complaint.
        #[serde(default)]
        last: Time,
    },
    /// Handshakes take too long.
    Latency {
        /// What the quantile is.
        #[serde(with = "micros")]
        measured: Duration,
        /// What is too long.
        #[serde(with = "micros")]
        above: Duration,
        /// Which quantile, from 0 to 1.
        quantile: f64,
    },
    /// A certificate ends soon, or has ended.
    Certificate {
        /// Seconds since the Unix epoch.
        expires: i64,
        /// Where it was seen.
        addresses: BTreeSet<IpAddr>,
        /// Whose it is.
        subject: String,
    },
    /// Resolvers give pools that differ.
    Disagreement {
        /// Those that differ from the others.
        odd: BTreeSet<SocketAddr>,
    },
    /// A budget burns too fast.
    Burn {
        /// The budget's objective, from 0 to 1.
        objective: f64,
        /// How many times too fast, over the long window.
        rate: f64,
        /// The long window.
        #[serde(with = "micros")]
        window: Duration,
    },
    /// A service suffers: what its own systems say. Whether the network shows why, the diagnosis says.
    Suffering(Box<Suffering>),
    /// What signals say is wrong besides.
    Matter(Box<Matter>),
    /// This host reaches nothing.
    Offline {
        /// What does not answer.
        silent: Vec<String>,
        /// What of its surroundings does all the same: the router, resolvers that may answer from a cache. Where there
        /// is any, and no reference that keeps silent, it cannot be told from a block of everything that is watched.
        #[serde(default)]
        near: Vec<String>,
    },
}

/// An address that fails, or failed, in the course of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The address.
    pub address: IpAddr,
    /// What is thought of its health now, also where it left DNS; [`AddressState::Gone`] once it is not tried any
    /// more.
    pub state: AddressState,
    /// Why it failed the last time.
    pub reason: Reason,
    /// Since when it fails (failed).
    pub since: Time,
    /// It had never answered since it was first seen, while others did.
    pub from_birth: bool,
    /// It left DNS meanwhile.
    pub gone: bool,
}

/// Who has taken an incident on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When.
    pub at: Time,
}

/// A stretch of worse than normal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// What it is about.
    pub subject: Subject,
    /// The target as people know it; this host's name for [`Subject::Vantage`].
    pub title: String,
    /// The target's labels.
    pub labels: BTreeMap<String, String>,
    /// How bad it is now.
    pub gravity: Gravity,
    /// How bad it has been.
    pub worst: Gravity,
    /// Where it stands.
    pub phase: Phase,
    /// When it began: the first failure, not the moment that it was told.
    pub began: Time,
    /// When it was opened.
    pub opened: Time,
    /// When something of it changed last.
    pub changed: Time,
    /// What is wrong; once it has recovered, what is mild and stays, and once it is closed, nothing.
    pub causes: Vec<Cause>,
    /// The addresses that fail or failed.
    pub members: Vec<Member>,
    /// Addresses of the name that are tried, those that work included.
    pub pool: u32,
    /// Who has taken it on.
    pub acknowledged: Option<Acknowledged>,
    /// No word of it until then, unless it gets worse.
    pub muted_until: Option<Time>,
    /// It opens and closes again and again: only rises of its gravity ring.
    pub unstable: bool,
    /// How long everything has to be well before it is called recovered; grows where it flaps.
    #[serde(with = "micros")]
    pub quiet: Duration,
    /// Times that it opened again before its all-clear.
    pub relapses: u32,
    /// How much of its time until recovery nothing was watched: this host slept, was cut off, or its clock was set.
    #[serde(default, with = "micros")]
    pub unwatched: Duration,
    /// Why it was closed without an all-clear.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// Notices given so far.
    pub notices: u32,
    /// When those of them that rang did.
    pub rang: Vec<Time>,
    /// What people wrote down about it, oldest first.
    #[serde(default)]
    pub remarks: Vec<Remark>,
    /// What a survey said of it last.
    pub diagnosis: Option<Box<Diagnosis>>,
    /// What it needs to go on after a restart as if nothing had been.
    #[serde(default)]
    pub clocks: Clocks,
}

/// What somebody wrote down about an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// When.
    pub at: Time,
    /// Who.
    pub by: String,
    /// What.
    pub text: String,
}

/// The most remarks of one incident.
pub const MOST_REMARKS: usize = 200;

impl Incident {
    /// Writes something down about it, as long as there is room.
    ///
    /// # Errors
    ///
    /// Where the remark says nothing, or is one too many.
    pub fn remark(&mut self, remark: Remark) -> Result<(), OrderError> {
        if remark.text.trim().is_empty() {
            return Err(OrderError::EmptyRemark);
        }
        if self.remarks.len() >= MOST_REMARKS {
            return Err(OrderError::TooManyRemarks { incident: self.id });
        }
        self.remarks.push(remark);
        Ok(())
    }
}

/// The clocks of an incident. Remembered with it, so that a restart neither repeats a notice nor forgets one. They
/// stand still while nothing is watched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clocks {
    /// Its beginning has been told, or a silence held it back.
    pub told: bool,
    /// Its beginning is told then, with or without a diagnosis.
    pub tell_by: Option<Time>,
    /// When the phase that it is in may end: that of calming, or that between recovery and all-clear.
    pub ends: Option<Time>,
    /// When the next reminder is due.
    pub remind_at: Option<Time>,
    /// Reminders since it began, or relapsed.
    pub reminders: u32,
    /// When its message is to be edited.
    pub update_at: Option<Time>,
    /// When its message was sent or edited last.
    pub updated: Option<Time>,
    /// When its message was edited last.
    pub edited: Option<Time>,
    /// Edits in a row that told nothing that anybody would act on: each makes the next one wait longer.
    pub idle_edits: u32,
    /// What is to be edited in has something new.
    pub news_waits: bool,
    /// When a survey was asked for last.
    pub examined: Option<Time>,
    /// When the next one is to be asked for.
    pub examine_at: Option<Time>,
    /// How bad it was when that was told last.
    pub loudest: Option<Gravity>,
    /// Since when it has been milder than that.
    pub eased: Option<Time>,
    /// Something failed in it, so that tries can clear it.
    pub failed: bool,
    /// That something fails has been told; before it was a matter of certificates and the like.
    pub failure_told: bool,
    /// When it turned from bad to good or back, lately.
    pub turns: Vec<Time>,
    /// What it turned to last.
    pub side: Side,
    /// Notices that silences hold back.
    pub held_back: u32,
    /// One of them would have rung.
    pub held_rings: bool,
    /// It was said that the all-clear has to wait.
    pub extended: bool,
}

/// Which way an incident turned last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Nothing fails at the moment.
    #[default]
    Good,
    /// Addresses fail, or what else shows at once.
    Bad,
    /// Only a window of tries says so.
    BadByCount,
}

/// What somebody should hear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about, as it is at that moment.
    pub incident: Incident,
    /// Counts the notices of an incident, from 1 on. Where there is no incident it grows too, but not by ones.
    pub seq: u32,
    /// When.
    pub at: Time,
    /// What happened.
    pub news: News,
    /// Whether a telephone may ring for it.
    pub rings: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// It began.
    Opened,
    /// It is not what it was: other addresses, another reason, a diagnosis. Changes the message that stands.
    Updated,
    /// It got worse.
    Worsened {
        /// What it was.
        from: Gravity,
    },
    /// It goes on.
    Reminder,
    /// It was called recovered, and began again.
    Relapsed,
    /// Nothing has been wrong for the quiet time.
    Recovered,
    /// Nothing has been wrong for so long and in so many tries that it may be called clear.
    AllClear(Assurance),
    /// The all-clear has to wait.
    Extended(Assurance),
    /// It is closed, and no all-clear will come: for too long the tries did not carry one.
    Unclear(Assurance),
    /// Somebody has taken it on.
    Acknowledged,
    /// A silence, a mute or a maintenance window ended: what happened meanwhile, in one.
    WindowEnded {
        /// Notices that were held back.
        held_back: u32,
    },
    /// The target is not watched any more.
    Dropped,
    /// Something to know of a target that has no incident: addresses came or went. Never rings.
    Pool {
        /// New.
        appeared: BTreeSet<IpAddr>,
        /// No resolver gives them any more.
        vanished: BTreeSet<IpAddr>,
    },
    /// The watch goes on, and messages arrive: said once a day, where somebody wants it. Never rings.
    Hello {
        /// What is watched.
        targets: u32,
        /// The addresses of all of it that are tried.
        addresses: u32,
        /// Incidents that are not over.
        incidents: u32,
    },
}

impl News {
    /// Whether it belongs to no incident: nothing refers to it, and it refers to nothing.
    pub const fn stands_alone(&self) -> bool {
        matches!(self, News::Pool { .. } | News::Hello { .. })
    }
}

/// How sure one may be that all is well: the all-clear, with its statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assurance {
    /// From here…
    pub from: Time,
    /// …to there.
    pub until: Time,
    /// For each address: tries and failures.
    pub addresses: BTreeMap<IpAddr, AddressAssurance>,
    /// The share of failures of each address that a sample has to exclude, from 0 to 1.
    pub wanted: f64,
    /// With what confidence, from 0 to 1.
    pub confidence: f64,
    /// Why the sample does not carry the statement; empty where it does.
    pub lacking: Vec<Lack>,
}

/// What is known of one address.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddressAssurance {
    /// Tries.
    pub tries: u32,
    /// Of them failed.
    pub failures: u32,
    /// With the confidence wanted, its share of failures is below this: the exact (Clopper–Pearson) upper bound,
    /// which for no failure is 1 − (1 − confidence)^(1/tries).
    pub bound: f64,
    /// It was first seen in the course of the watch.
    pub new: bool,
    /// It left DNS in the course of the watch.
    pub gone: bool,
}

/// Why a sample does not carry an all-clear.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    /// So many tries of this address are too few.
    TooFew {
        /// The address.
        address: IpAddr,
        /// How many there are.
        tries: u32,
        /// How many are needed.
        needed: u32,
    },
    /// This address failed in the course of the time.
    Failed {
        /// The address.
        address: IpAddr,
        /// How many times.
        failures: u32,
    },
    /// This address is not well now.
    NotWell {
        /// The address.
        address: IpAddr,
        /// What it is.
        state: AddressState,
    },
    /// The name does not resolve, or did not.
    Unresolved,
    /// Part of the time was not watched.
    Gap {
        /// How much, in whole seconds.
        seconds: u64,
    },
    /// Nothing was tried at all.
    Nothing,
}

/// Something that has to be remembered, told or done.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The incident is now so.
    Incident(Box<Incident>),
    /// Somebody should hear this.
    Notice(Box<Notice>),
    /// A whole survey of this target is wanted.
    Examine(TargetId),
}
