//! What the buttons below messages say. An incident goes on after a message of it was delivered: a button that offers
//! what was done long ago, or below an incident that is over, is a lie.

use std::collections::BTreeMap;

use crate::watch::{Incident, Phase};

/// Buttons that could not be changed so many times stay as they are: whoever presses one is told how things are.
const MOST_TRIES: u32 = 8;

/// What buttons offer to do about an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who has taken it on. Where nobody has, it can be.
    pub taken_by: Option<String>,
    /// It is muted already.
    pub muted: bool,
}

impl Offer {
    /// What can be done about an incident; `None` where it is over.
    pub fn of(incident: &Incident) -> Option<Self> {
        matches!(incident.phase, Phase::Open | Phase::Calming { .. }).then(|| Self {
            taken_by: incident.acknowledged.as_ref().map(|taken| taken.by.clone()),
            muted: incident.muted_until.is_some(),
        })
    }
}

/// The messages of one incident in one channel that have buttons.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buttons {
    /// What is to be offered now.
    wanted: Option<Offer>,
    /// What the messages offer, and how often it was tried in vain to change that.
    shown: BTreeMap<String, (Offer, u32)>,
}

impl Buttons {
    /// The incident is like this now, as a message of it says. `below` is the message, if it can have buttons.
    pub(super) fn told(&mut self, incident: &Incident, below: Option<&String>) {
        self.wanted = Offer::of(incident);
        if let Some(message) = below {
            self.show(message, self.wanted.clone());
        }
    }

    /// A message has these buttons now.
    pub(super) fn show(&mut self, message: &str, offer: Option<Offer>) {
        match offer {
            Some(offer) => drop(self.shown.insert(message.to_owned(), (offer, 0))),
            None => self.forget(message),
        }
    }

    /// A message does not exist any more, or cannot be changed.
    pub(super) fn forget(&mut self, message: &str) {
        self.shown.remove(message);
    }

    /// It was tried in vain to change the buttons below a message.
    pub(super) fn in_vain(&mut self, message: &str) {
        if let Some((_, tries)) = self.shown.get_mut(message) {
            *tries += 1;
            if *tries >= MOST_TRIES {
                self.forget(message);
            }
        }
    }

    /// A message whose buttons offer something else than what is to be offered, and what that is.
    pub(super) fn stale(&self) -> Option<(&String, Option<&Offer>)> {
        let wanted = self.wanted.as_ref();
        let (message, _) = self.shown.iter().find(|(_, (offer, _))| Some(offer) != wanted)?;
        Some((message, wanted))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::watch::{
        Acknowledged, News, Notice, RowId,
        courier::{
            Capabilities, ChannelPlan, Courier, CourierStep, Dispatch, How, Report,
            tests::{at, chat, hand, notice, say, sent, wait},
        },
    };

    fn with_buttons() -> ChannelPlan {
        let chat = chat("a");
        ChannelPlan { caps: Capabilities { buttons: true, ..chat.caps }, ..chat }
    }

    fn courier() -> Courier {
        Courier::new(vec![with_buttons()], Vec::new(), RowId(1), at(0))
    }

    fn tell(courier: &mut Courier, notice: &Notice, message: &str) {
        say(courier, notice, notice.at);
        let dispatch = hand(courier, notice.at);
        courier.report(dispatch.id, sent(message), notice.at);
    }

    fn changed(dispatch: &Dispatch) -> (&str, Option<&Offer>) {
        match &dispatch.how {
            How::Buttons { message, offer, .. } if dispatch.parts.is_empty() && !dispatch.rings => {
                (message, offer.as_ref())
            }
            other => panic!("{other:?}"),
        }
    }

    fn taken(id: u64, seq: u32, now: u64) -> Notice {
        let mut notice = notice(id, seq, News::Acknowledged, at(now));
        notice.incident.acknowledged = Some(Acknowledged { by: "@kim".to_owned(), at: at(now) });
        notice
    }

    #[test]
    fn buttons_say_who_has_taken_it_on_and_go_when_it_is_over() {
        let mut courier = courier();
        tell(&mut courier, &notice(1, 1, News::Opened, at(0)), "m1");
        tell(&mut courier, &notice(1, 2, News::Reminder, at(100)), "m2");
        assert_eq!(wait(&mut courier, at(100)), Courier::NEVER);
        // The message that stands is changed with its text, the reminder below it afterwards.
        tell(&mut courier, &taken(1, 3, 200), "m1");
        let dispatch = hand(&mut courier, at(200));
        let by = Offer { taken_by: Some("@kim".to_owned()), muted: false };
        assert_eq!(changed(&dispatch), ("m2", Some(&by)));
        courier.report(dispatch.id, sent("m2"), at(200));
        assert_eq!(wait(&mut courier, at(200)), Courier::NEVER);

        tell(&mut courier, &notice(1, 4, News::Recovered, at(300)), "m3");
        for message in ["m1", "m2"] {
            let dispatch = hand(&mut courier, at(300));
            assert_eq!(changed(&dispatch), (message, None));
            courier.report(dispatch.id, sent(message), at(300));
        }
        assert_eq!(wait(&mut courier, at(300)), Courier::NEVER);
        // What it was about may come back: with a message and buttons of its own.
        tell(&mut courier, &notice(1, 5, News::Relapsed, at(400)), "m4");
        assert_eq!(wait(&mut courier, at(400)), Courier::NEVER);
    }

    #[test]
    fn what_is_to_be_said_goes_before_buttons() {
        let mut courier = courier();
        tell(&mut courier, &notice(1, 1, News::Opened, at(0)), "m1");
        say(&mut courier, &notice(1, 2, News::Recovered, at(400)), at(400));
        let recovered = hand(&mut courier, at(400));
        say(&mut courier, &notice(2, 1, News::Opened, at(400)), at(400));
        courier.report(recovered.id, sent("m2"), at(400));
        let opened = hand(&mut courier, at(400));
        assert_eq!(opened.parts[0].notice.incident.id.0, 2);
        courier.report(opened.id, sent("m3"), at(400));
        assert_eq!(changed(&hand(&mut courier, at(400))), ("m1", None));
    }

    #[test]
    fn buttons_that_cannot_be_changed_are_left_in_the_end() {
        let no = || "no luck".to_owned();
        let outcomes = [
            (Report::Rejected { trouble: no() }, 1),
            (Report::Vanished { trouble: no() }, 1),
            (Report::Failed { trouble: no() }, MOST_TRIES),
            (Report::Later { after: Duration::from_secs(7), trouble: no() }, MOST_TRIES),
        ];
        for (report, tries) in outcomes {
            let mut courier = courier();
            tell(&mut courier, &notice(1, 1, News::Opened, at(0)), "m1");
            tell(&mut courier, &notice(1, 2, News::Recovered, at(100)), "m2");
            let mut now = at(100);
            for _ in 0..tries {
                let dispatch = loop {
                    match courier.poll(now) {
                        CourierStep::Hand(dispatch) => break dispatch,
                        CourierStep::Wait(until) => now = until,
                    }
                };
                assert_eq!(changed(&dispatch), ("m1", None), "{report:?}");
                courier.report(dispatch.id, report.clone(), now);
            }
            assert_eq!(wait(&mut courier, now), Courier::NEVER, "{report:?}");
        }
    }

    #[test]
    fn a_restart_forgets_no_buttons_and_channels_without_any_have_none_changed() {
        let mut courier = courier();
        let mut rows = Vec::new();
        for (seq, news, message) in [(1, News::Opened, "m1"), (2, News::Recovered, "m2")] {
            let now = at(100 * u64::from(seq));
            rows.extend(courier.plan(&notice(1, seq, news, now), now));
            courier.committed(&rows.iter().map(|row| row.id).collect::<Vec<_>>());
            let dispatch = hand(&mut courier, now);
            courier.report(dispatch.id, sent(message), now);
            for row in courier.take_updates() {
                rows.retain(|known| known.id != row.id);
                rows.push(row);
            }
        }
        let mut restarted = Courier::new(vec![with_buttons()], rows.clone(), RowId(1), at(300));
        assert_eq!(changed(&hand(&mut restarted, at(300))), ("m1", None));
        let mut plain = Courier::new(vec![chat("a")], rows, RowId(1), at(300));
        assert_eq!(wait(&mut plain, at(300)), Courier::NEVER);
    }
}
