//! A collector of Scouter, which shows alerts where operators look already, and hands them on to its own plugins.
//!
//! UDP is all that it takes alerts by, and it answers none: *sent* means sent. Only where the host of the collector says
//! that nobody listens there is it known that nothing arrived, and tried again.

use std::io;

use reach_core::watch::{
    Gravity, Phase,
    courier::{Dispatch, Part, Report},
};
use reach_report::notice::{self, Telling};

use crate::{
    output::shown,
    scouter::{
        outlet::{Identity, Outlet},
        settings::Tell,
    },
};

/// How long a message is, in UTF-16 code units: a syllable of Hangul has three bytes, of which an alert holds so many.
const LONGEST: usize = 1100;

/// A collector.
pub(super) struct Collector {
    pub(super) tell: Tell,
}

impl Collector {
    pub(super) async fn deliver(&self, dispatch: &Dispatch, telling: &Telling<'_>) -> Report {
        let message = notice::message(&dispatch.parts, telling).plain(LONGEST);
        let told = async {
            let outlet = Outlet::open(self.tell.to, Identity::here(&self.tell))?;
            outlet.alert(level(&dispatch.parts), title(&dispatch.parts), &message).await
        };
        match told.await {
            Ok(()) => Report::Sent { message: None, remark: None },
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Report::Failed { trouble: format!("nobody listens at {} (UDP)", self.tell.to) }
            }
            Err(error) => Report::Failed { trouble: shown(&error.to_string()) },
        }
    }
}

/// The gravest of what stands; what is over is for information.
fn standing(parts: &[Part]) -> Option<Gravity> {
    let stands = |part: &&Part| matches!(part.notice.incident.phase, Phase::Open | Phase::Calming { .. });
    parts.iter().filter(stands).map(|part| part.notice.incident.gravity).max()
}

/// A level of Scouter's.
fn level(parts: &[Part]) -> i8 {
    match standing(parts) {
        None | Some(Gravity::Notice) => 0,
        Some(Gravity::Warning) => 1,
        Some(Gravity::Degraded) => 2,
        Some(Gravity::Critical) => 3,
    }
}

/// A title by which operators of Scouter can sort and ignore, as they do with those of its own alerts.
fn title(parts: &[Part]) -> &'static str {
    match standing(parts) {
        None => "REACH_RECOVERED",
        Some(Gravity::Notice) => "REACH_NOTICE",
        Some(Gravity::Warning) => "REACH_WARNING",
        Some(Gravity::Degraded) => "REACH_DEGRADED",
        Some(Gravity::Critical) => "REACH_CRITICAL",
    }
}
