//! Who wants to hear what.

use super::{ChannelPlan, thread::Thread};
use crate::watch::{News, Notice, Subject};

/// Whether this is told there at all.
pub(super) fn wants(plan: &ChannelPlan, thread: Option<&Thread>, notice: &Notice) -> bool {
    let incident = &notice.incident;
    if let News::Hello { .. } = notice.news {
        // It proves that messages arrive, whatever they would be about.
        return plan.repeat.is_none() && !plan.caps.rings_only;
    }
    // That this host is cut off concerns whoever waits to hear of any target, and what a channel was told of once it is
    // told of to the end.
    let concerns = incident.subject == Subject::Vantage || thread.is_some() || plan.matcher.matches(incident);
    if incident.worst.max(incident.gravity) < plan.least || !concerns {
        return false;
    }
    if plan.caps.program {
        // What is repeated has a beginning and an end; a pool that changes has neither.
        return plan.repeat.is_none() || !matches!(notice.news, News::Pool { .. });
    }
    if plan.caps.rings_only {
        return notice.rings;
    }
    match notice.news {
        // By whose hand and where is worth a message of its own, once; other details are not.
        News::Updated if !plan.caps.edits => {
            incident.diagnosis.is_some() && !thread.is_some_and(|thread| thread.diagnosis)
        }
        // One line among many has no details; the next message of its own tells them.
        News::Updated => !thread.is_some_and(|thread| thread.in_digest),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::watch::{
        Matcher,
        courier::tests::{at, chat, notice},
    };

    #[test]
    fn a_channel_of_one_target_hears_of_this_host_and_of_what_it_was_told_of() {
        let target = Some("other*".to_owned());
        let matcher = Matcher { target, network: None, labels: BTreeMap::new() };
        let plan = ChannelPlan { matcher, ..chat("ops") };
        let mut about = notice(1, 1, News::Opened, at(1));
        assert!(!wants(&plan, None, &about));
        assert!(wants(&plan, Some(&Thread::default()), &about));
        about.incident.subject = Subject::Vantage;
        assert!(wants(&plan, None, &about));
    }
}
