//! Small pieces that several parts of the page are made of.

use std::time::Duration;

use maud::{Markup, html};
use reach_core::{
    Time,
    model::{Severity, State, Verdict},
    watch::{AddressState, AddressStatus, Gravity, Incident, Layer, Phase},
};

use super::{Voice, words::Label};
use crate::{
    clean::clean,
    units,
    watch::{
        gravity, phase, phase_code, reason, state,
        status::Standing,
        words::{long_span, title},
    },
    words,
};

/// What stands for a state besides its colour and its word.
pub(super) const fn mark(state: AddressState) -> &'static str {
    match state {
        AddressState::Ok => "✓",
        AddressState::Suspect => "!",
        AddressState::Down => "✗",
        AddressState::Recovering => "↻",
        AddressState::Gone => "–",
        AddressState::Unknown => "?",
    }
}

const fn standing_mark(standing: Standing) -> &'static str {
    match standing {
        Standing::Ok => "✓",
        Standing::Partly => "◐",
        Standing::Down | Standing::Unresolved => "✗",
        Standing::Shaky => "!",
        Standing::Unknown => "?",
    }
}

/// A word with its mark and its colour: `class` is one of those of the style sheet.
pub(super) fn badge(class: &str, mark: &str, text: &str) -> Markup {
    html! {
        span class={ "badge " (class) } { span.mark aria-hidden="true" { (mark) } " " (text) }
    }
}

/// Where a target stands.
pub(super) fn standing_badge(standing: Standing, voice: &Voice) -> Markup {
    let class = match standing {
        Standing::Ok => "good",
        Standing::Partly => "partly",
        Standing::Down | Standing::Unresolved => "bad",
        Standing::Shaky => "warn",
        Standing::Unknown => "unknown",
    };
    badge(class, standing_mark(standing), standing.text(voice.lang))
}

/// What is thought of an address.
pub(super) fn state_badge(of: AddressState, voice: &Voice) -> Markup {
    let class = match of {
        AddressState::Ok => "good",
        AddressState::Suspect | AddressState::Recovering => "warn",
        AddressState::Down => "bad",
        AddressState::Gone | AddressState::Unknown => "unknown",
    };
    badge(class, mark(of), state(of, voice.lang))
}

/// How bad an incident is.
pub(super) fn gravity_badge(of: Gravity, voice: &Voice) -> Markup {
    let (class, mark) = match of {
        Gravity::Notice => ("unknown", "i"),
        Gravity::Warning => ("warn", "!"),
        Gravity::Degraded => ("partly", "◐"),
        Gravity::Critical => ("bad", "✗"),
    };
    badge(class, mark, gravity(of, voice.lang))
}

/// Where an incident stands.
pub(super) fn phase_badge(of: Phase, voice: &Voice) -> Markup {
    let (class, mark) = match of {
        Phase::Open => ("bad", "●"),
        Phase::Calming { .. } => ("warn", "↻"),
        Phase::Recovered { .. } | Phase::Closed { all_clear: true, .. } => ("good", "✓"),
        Phase::Closed { .. } => ("unknown", "–"),
    };
    html! { span data-phase=(phase_code(of)) { (badge(class, mark, phase(of, voice.lang))) } }
}

/// How much a finding matters.
pub(super) fn severity_badge(of: Severity, voice: &Voice) -> Markup {
    let (class, mark) = match of {
        Severity::Error => ("bad", "✗"),
        Severity::Warning => ("warn", "!"),
        Severity::Info => ("unknown", "i"),
    };
    badge(class, mark, words::severity(of, voice.lang))
}

/// What a survey said of an address.
pub(super) fn verdict_badge(of: Verdict, voice: &Voice) -> Markup {
    let (class, mark) = match of {
        Verdict::Ok => ("good", "✓"),
        Verdict::NoRoute => ("unknown", "–"),
        Verdict::Inconclusive => ("unknown", "?"),
        of if of.is_partly_usable() => ("partly", "◐"),
        _ => ("bad", "✗"),
    };
    badge(class, mark, &words::verdict_name(of, voice.lang))
}

/// What a survey said of a target.
pub(super) fn survey_badge(of: State, voice: &Voice) -> Markup {
    let (class, mark) = match of {
        State::Reachable => ("good", "✓"),
        State::PartlyReachable => ("partly", "◐"),
        State::Unreachable | State::Unresolved => ("bad", "✗"),
        State::Inconclusive => ("unknown", "?"),
    };
    badge(class, mark, words::state(of, voice.lang))
}

/// A time: what is read is in the zone of the page, what programs read in UTC.
pub(super) fn time(at: Time, voice: &Voice) -> Markup {
    html! { time datetime=(units::rfc3339(at)) title=(voice.full(at)) { (voice.stamp(at)) } }
}

/// A time, short where it is of this day.
pub(super) fn short_time(at: Time, now: Time, voice: &Voice) -> Markup {
    html! { time datetime=(units::rfc3339(at)) title=(voice.full(at)) { (voice.short(at, now)) } }
}

/// How long ago it was; counts on where there is a script.
pub(super) fn ago(at: Time, now: Time, voice: &Voice) -> Markup {
    let span = long_span(now.since(at), voice.lang);
    html! { time.ago datetime=(units::rfc3339(at)) title=(voice.full(at)) data-ago=(at.as_secs()) { (span) } }
}

/// What is in the tip of an address.
pub(super) fn address_tip(address: &AddressStatus, now: Time, voice: &Voice) -> String {
    let remembered = &address.remembered;
    let of = remembered.state();
    let mut tip = format!("{} · {}", remembered.series.address, state(of, voice.lang));
    let latency = address.layers.get(&Layer::Connect).and_then(|layer| layer.last_rtt);
    match (of, remembered.reason, latency) {
        (AddressState::Ok, _, Some(latency)) => {
            tip.push_str(&format!(" · {}", units::span(latency, voice.lang)));
        }
        (AddressState::Ok, ..) => {}
        (_, Some(why), _) => tip.push_str(&format!(" · {}", reason(why, voice.lang))),
        (_, None, _) => {}
    }
    let since = remembered.gone_since.unwrap_or(remembered.since);
    tip.push_str(&format!(" · {}", long_span(now.since(since), voice.lang)));
    tip
}

/// The class of the cell of an address.
pub(super) const fn cell_class(of: AddressState) -> &'static str {
    match of {
        AddressState::Ok => "ok",
        AddressState::Suspect => "suspect",
        AddressState::Down => "down",
        AddressState::Recovering => "recovering",
        AddressState::Gone => "gone",
        AddressState::Unknown => "unknown",
    }
}

/// What needs somebody's eye comes first.
pub(super) const fn rank(of: AddressState) -> u8 {
    match of {
        AddressState::Down => 0,
        AddressState::Suspect => 1,
        AddressState::Recovering => 2,
        AddressState::Unknown => 3,
        AddressState::Ok => 4,
        AddressState::Gone => 5,
    }
}

/// A link to an incident, with what it is about.
pub(super) fn incident_link(incident: &Incident, voice: &Voice) -> Markup {
    html! {
        a href={ "/incident/" (incident.id.0) } { "#" (incident.id.0) " " (title(incident, voice.lang)) }
    }
}

/// Labels, as chips that filter the overview.
pub(super) fn labels<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> Markup {
    html! {
        @for (name, value) in labels {
            @let text = format!("{}={}", clean(name), clean(value));
            a.chip href={ "/?q=" (query(&format!("{name}={value}"))) } { (text) }
        }
    }
}

/// A text as a part of a query.
pub fn query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// How long something lasted.
pub(super) fn lasted(span: Duration, voice: &Voice) -> String {
    long_span(span, voice.lang)
}

/// A form of one field at least, sent to what acts. `back` is where the answer leads.
pub(super) fn form(action: &str, csrf: &str, back: &str, class: &str, fields: Markup) -> Markup {
    html! {
        form method="post" action={ "/do/" (action) } class=(class) {
            input type="hidden" name="csrf" value=(csrf);
            input type="hidden" name="back" value=(back);
            (fields)
        }
    }
}

/// A table, in a box of its own to scroll in; rows become cards where the screen is narrow.
pub(super) fn table(id: &str, caption: &str, heads: &[Head<'_>], rows: Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(caption) {
            table.sortable id=(id) {
                caption.hidden { (caption) }
                thead { tr { @for head in heads { th scope="col" class=[head.right.then_some("num")] { (head.text) } } } }
                tbody { (rows) }
            }
        }
    }
}

/// The head of a column.
pub(super) struct Head<'a> {
    text: &'a str,
    right: bool,
}

/// A column of words.
pub(super) const fn head(label: Label, voice: &Voice) -> Head<'static> {
    Head { text: label.text(voice.lang), right: false }
}

/// A column of numbers.
pub(super) const fn number(label: Label, voice: &Voice) -> Head<'static> {
    Head { text: label.text(voice.lang), right: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_any_text() {
        assert_eq!(query("a=b&c d"), "a%3Db%26c%20d");
        assert_eq!(query("값"), "%EA%B0%92");
    }
}
