//! A telephone with a chat in which everything arrives at once, as Telegram's do: messages are edited, refer to
//! earlier ones, come with or without a sound.

use std::{collections::BTreeMap, time::Duration};

use reach::daemon::Outbox;
use reach_core::{
    Time,
    model::Vantage,
    watch::{
        News, Notice, OutboxRow, RowId,
        courier::{
            Capabilities, ChannelPlan, Courier, CourierStep, Dispatch, How, Lane, Limit, QuietSpan, Report,
        },
    },
};
use reach_report::{
    Lang,
    notice::{Telling, message},
};
use reach_sim::scenario::STARTED;

/// What Telegram takes in one message (core.telegram.org/bots/api, *sendMessage*).
const LONGEST_MESSAGE: usize = 4096;

/// The chat, and the courier who writes into it.
pub(crate) struct Telephone {
    courier: Courier,
    pub(crate) said: Vec<Said>,
    vantage: Vantage,
}

/// One message, or one change of a message.
pub(crate) struct Said {
    pub(crate) at: Time,
    pub(crate) dispatch: Dispatch,
}

/// The channel as it is configured for a Telegram chat.
pub(crate) fn channels() -> Vec<ChannelPlan> {
    let limit = |most, seconds| Limit { most, per: Duration::from_secs(seconds) };
    vec![ChannelPlan {
        caps: Capabilities { edits: true, threads: true, silent: true, ..Capabilities::default() },
        chat: Lane { key: "chat".to_owned(), limits: vec![limit(1, 1), limit(15, 60)] },
        bot: Some(Lane { key: "bot".to_owned(), limits: vec![limit(25, 1)] }),
        ..ChannelPlan::new("telephone")
    }]
}

impl Outbox for Telephone {
    fn plan(&mut self, notice: &Notice, now: Time) -> Vec<OutboxRow> {
        self.courier.plan(notice, now)
    }

    fn committed(&mut self, rows: &[RowId]) {
        self.courier.committed(rows);
    }
}

impl Telephone {
    pub(crate) fn new(courier: Courier, said: Vec<Said>, vantage: Vantage) -> Self {
        Self { courier, said, vantage }
    }

    /// When people sleep.
    pub(crate) fn quiet(&mut self, spans: Vec<QuietSpan>) {
        self.courier.quiet("telephone", spans);
    }

    /// Delivers what can be delivered; says when there is more, and which rows are to be written again.
    pub(crate) fn deliver(&mut self, now: Time) -> (Time, Vec<OutboxRow>) {
        loop {
            match self.courier.poll(now) {
                CourierStep::Wait(until) => return (until, self.courier.take_updates()),
                CourierStep::Hand(dispatch) => {
                    let message = match &dispatch.how {
                        How::Edit { message } => message.clone(),
                        _ => (self.said.len() + 1).to_string(),
                    };
                    let report = Report::Sent { message: Some(message), remark: None };
                    self.courier.report(dispatch.id, report, now);
                    self.said.push(Said { at: now, dispatch });
                }
            }
        }
    }

    pub(crate) fn vantage(&self) -> &Vantage {
        &self.vantage
    }
}

impl Said {
    /// Since the beginning.
    pub(crate) fn after(&self) -> Duration {
        self.at.since(STARTED)
    }

    pub(crate) fn rings(&self) -> bool {
        self.dispatch.rings
    }

    pub(crate) fn is_edit(&self) -> bool {
        matches!(self.dispatch.how, How::Edit { .. })
    }

    /// The news of it in short, all of them in a digest.
    pub(crate) fn news(&self) -> Vec<&News> {
        self.dispatch.parts.iter().map(|part| &part.notice.news).collect()
    }

    /// Whether one of its news is like this.
    pub(crate) fn tells(&self, is: impl Fn(&News) -> bool) -> bool {
        self.news().into_iter().any(is)
    }

    fn how(&self) -> &'static str {
        match self.dispatch.how {
            How::New => "new",
            How::Reply { .. } => "reply",
            How::Edit { .. } => "edit",
            How::Digest => "digest",
            How::Repeat => "repeat",
            How::Buttons { .. } => "buttons",
        }
    }

    /// As it is read.
    pub(crate) fn text(&self, lang: Lang, vantage: &Vantage) -> String {
        self.message(lang, vantage).plain(LONGEST_MESSAGE)
    }

    fn message(&self, lang: Lang, vantage: &Vantage) -> reach_report::notice::Message {
        message(&self.dispatch.parts, &Telling { lang, utc_offset_s: 9 * 3_600, vantage })
    }

    fn line(&self, vantage: &Vantage) -> String {
        let sound = if self.rings() { "RING" } else { "" };
        let message = self.message(Lang::En, vantage);
        let line = format!(
            "{:>14}  {sound:<4}  {:<6}  {}  {}",
            clock(self.after()),
            self.how(),
            message.summary(),
            message.id()
        );
        line.trim_end().to_owned()
    }
}

/// `3 d 04:05:06`.
pub(crate) fn clock(after: Duration) -> String {
    let seconds = after.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    let days = if days > 0 { format!("{days} d ") } else { String::new() };
    format!("{days}{hours:02}:{minutes:02}:{seconds:02}")
}

/// What was said, one line each.
pub(crate) fn table(said: &[Said], vantage: &Vantage) -> String {
    let mut lines: Vec<String> = said.iter().map(|said| said.line(vantage)).collect();
    let rings = said.iter().filter(|said| said.rings()).count();
    let messages = said.iter().filter(|said| !said.is_edit()).count();
    lines.push(format!("{messages} messages, {rings} of them ring; {} edits", said.len() - messages));
    lines.join("\n")
}

/// What holds for whatever happens.
pub(crate) fn check_laws(said: &[Said], vantage: &Vantage) {
    let mut roots: BTreeMap<u64, Vec<Time>> = BTreeMap::new();
    let mut numbers: BTreeMap<u64, u32> = BTreeMap::new();
    for one in said {
        for lang in [Lang::En, Lang::Ko] {
            let html = one.message(lang, vantage).telegram_html(LONGEST_MESSAGE);
            assert!(html.encode_utf16().count() <= LONGEST_MESSAGE && !html.is_empty());
        }
        for part in &one.dispatch.parts {
            let id = part.notice.incident.id.0;
            assert!(!part.again, "nothing was lost, and something is said again: #{id}");
            if id > 0 {
                let before = numbers.insert(id, part.notice.seq);
                assert!(before < Some(part.notice.seq), "#{id}·{} comes out of order", part.notice.seq);
                if one.rings() {
                    roots.entry(id).or_default().push(one.at);
                }
            }
        }
        if let How::Reply { to } | How::Edit { message: to } = &one.dispatch.how {
            let number: usize = to.parse().expect("a number");
            assert!(number <= said.len(), "it refers to what was never said");
        }
    }
    for (id, rang) in roots {
        for (number, first) in rang.iter().enumerate() {
            let within = rang[number..].iter().filter(|at| at.since(*first) < Duration::from_secs(3 * 3_600));
            assert!(within.count() <= 6, "#{id} rings too often: {rang:?}");
        }
    }
}
