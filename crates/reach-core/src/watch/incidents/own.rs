//! The incident of this host itself: it reaches nothing, and everything else stands still meanwhile.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Case, Context,
    loose::{self, Bad, Manner},
    speech::Weight,
};
use crate::watch::{Cause, Ending, Gravity, Subject, VantageChange};

/// An outage that is over before it is told is that of a network that is not there at once when the lid opens; no message
/// could leave meanwhile anyway. No all-clear is needed: that this host is connected shows in everything else.
pub(super) const MANNER: Manner = Manner {
    hold: Duration::from_secs(30),
    quiet: Duration::from_secs(60),
    lingers: Duration::from_secs(60 * 60),
    ending: Ending::Connected,
};

/// It is cut off.
pub(super) fn offline(own: &mut Option<Case>, host: &str, change: &VantageChange, cx: &mut Context<'_>) {
    let bad = Bad {
        subject: Subject::Vantage,
        title: host.to_owned(),
        labels: BTreeMap::new(),
        cause: Cause::Offline { silent: change.silent.clone(), near: change.near.clone() },
        gravity: Gravity::Critical,
        since: cx.now,
        weight: Weight::Idle,
    };
    loose::bad(own, bad, &MANNER, cx);
}
